"""The second try of a look-up: recorded requests in which a redacted value may stand for another one now.

Strategy: a secret that was learnt, when recording, from a response this run never asks for is not known now, and
another run has other credentials. So a replacement in a recorded request matches any value in its place. The other way
round, a replayed response gives the client a replacement for a value that is replaced under its name only, because it
is short or common; where the client sends it on under another name, a replacement in what is asked matches any
recorded value.

Requests with replacements in the same places have equal outlines, in which all replacements are one; those are looked
up. The rest is tried one by one: requests of the same host and path that have more replacements than what is asked, or
fewer. So a miss among many requests that all carry an API key costs no more than one among few.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from itertools import islice

from cassettes_lib.likeness import keys_equal
from cassettes_lib.models import InteractionRequest
from cassettes_lib.playback import PlaybackIndex
from cassettes_lib.redaction import Redaction

_Place = tuple[str, str | int]
_HOST_AND_PATH = re.compile(r"[^/?#]*//(?:[^/?#]*@)?(?P<host>[^/?#]*)(?P<path>[^?#]*)")
# Requests with as many replacements as what is asked, but in other places, are rare: so many are looked at.
_A_FEW = 50


class _Group:
    """The recorded requests of one place, by the number of their replacements."""

    def __init__(self) -> None:
        self._positions: dict[int, list[int]] = {}
        self._passed: dict[int, int] = {}

    def add(self, position: int, replacements: int) -> None:
        self._positions.setdefault(replacements, []).append(position)

    def counts(self) -> list[int]:
        return sorted(self._positions)

    def waiting(self, replacements: int, index: PlaybackIndex, *, repeat: bool) -> Iterator[int]:
        """Give the positions that can still be played; to repeat, all."""
        positions = self._positions[replacements]
        passed = self._passed.get(replacements, 0)
        while passed < len(positions) and not index.is_left(positions[passed]):
            passed += 1
        self._passed[replacements] = passed
        for at in range(0 if repeat else passed, len(positions)):
            if repeat or index.is_left(positions[at]):
                yield positions[at]


class StandIns:
    """Finds recorded requests that differ from what is asked only where they were redacted.

    Not thread-safe: the Broker calls it under its lock.
    """

    def __init__(self, index: PlaybackIndex, redaction: Redaction) -> None:
        """Prepare; nothing is read before the first exact look-up has failed."""
        self._index = index
        self._redaction = redaction
        self._outlines: dict[Hashable, _Group] | None = None
        self._of_path: dict[_Place, _Group] = {}
        self._with_replaced_path: dict[_Place, _Group] = {}
        self._of_length: dict[_Place, _Group] = {}
        self._headers_count = any(matcher.part in ("headers", "header", "") for matcher in index.matchers)

    def take(self, asked: InteractionRequest, *, repeat: bool = False) -> int | None:
        """Return the position of the next recorded request that `asked` fits, and count it as played; or None.

        Values known to be the secret that a replacement stands for go before unknown ones.
        """
        if self._outlines is None:
            self._outlines = self._outlined()
        replacements = self._replacements(asked)
        for consistent in (True, False):
            for position in self._candidates(asked, replacements, repeat=repeat):
                fitting = self._redaction.stand_in(asked, self._index.request_at(position), consistent=consistent)
                taken = None if fitting is None else self._index.take(fitting, repeat=repeat)
                if taken is not None:
                    return taken
        return self._answering(asked, replacements, repeat=repeat) if replacements else None

    def used_up(self, asked: InteractionRequest) -> InteractionRequest | None:
        """Return what is asked as it is recorded, if that fits but nothing of it is left, and count it as asked again.

        Call it when `take` has found nothing: it is for the explanation.
        """
        replacements = self._replacements(asked)
        for position in self._candidates(asked, replacements, repeat=True):
            fitting = self._redaction.stand_in(asked, self._index.request_at(position))
            if fitting and self._index.usage(fitting):
                self._index.take(fitting)
                return fitting
        return None

    def _candidates(self, asked: InteractionRequest, replacements: int, *, repeat: bool) -> Iterator[int]:
        """Give recorded requests with replacements where `asked` has others, or where it has values."""
        same = self._outlines.get(self._outline(asked)) if self._outlines and replacements else None
        if same:
            yield from same.waiting(0, self._index, repeat=repeat)
        for groups, place in ((self._of_path, _path_of(asked)), (self._with_replaced_path, _length_of(asked))):
            group = groups.get(place)
            for count in group.counts() if group else ():
                if group and count > replacements:
                    yield from group.waiting(count, self._index, repeat=repeat)
                elif group and 0 < count == replacements:
                    yield from islice(group.waiting(count, self._index, repeat=repeat), _A_FEW)

    def _answering(self, asked: InteractionRequest, replacements: int, *, repeat: bool) -> int | None:
        """Take a recorded request that has values where `asked` has replacements."""
        place = _length_of(asked) if self._redaction.has_replacement_in_path(asked) else None
        group = self._of_length.get(place) if place else self._of_path.get(_path_of(asked))
        for count in group.counts() if group else ():
            if not group or count >= replacements:
                break
            for position in group.waiting(count, self._index, repeat=repeat):
                recorded = self._index.request_at(position)
                fitting = self._redaction.stand_in(recorded, asked)
                if fitting and all(keys_equal(matcher, fitting, asked) for matcher in self._index.matchers):
                    return self._index.take(recorded, repeat=repeat)
        return None

    def _outlined(self) -> dict[Hashable, _Group]:
        outlines: dict[Hashable, _Group] = {}
        for position in range(self._index.count):
            recorded = self._index.request_at(position)
            replacements = self._replacements(recorded)
            if replacements:
                outlines.setdefault(self._outline(recorded), _Group()).add(position, 0)
            self._of_length.setdefault(_length_of(recorded), _Group()).add(position, replacements)
            if self._redaction.has_replacement_in_path(recorded):
                self._with_replaced_path.setdefault(_length_of(recorded), _Group()).add(position, replacements)
            else:
                self._of_path.setdefault(_path_of(recorded), _Group()).add(position, replacements)
        return outlines

    def _outline(self, request: InteractionRequest) -> Hashable:
        outline = self._redaction.outline(request)
        try:
            keys = tuple([matcher.key(outline) for matcher in self._index.matchers])
            hash(keys)
        except Exception:  # noqa: BLE001 - a user's matcher may not understand an outline
            return None
        return keys

    def _replacements(self, request: InteractionRequest) -> int:
        return self._redaction.count_replacements(request, with_headers=self._headers_count)


def _path_of(request: InteractionRequest) -> _Place:
    found = _HOST_AND_PATH.match(request.url)
    return (found["host"].lower(), found["path"]) if found else ("", "")


def _length_of(request: InteractionRequest) -> _Place:
    found = _HOST_AND_PATH.match(request.url)
    return (found["host"].lower(), found["path"].count("/")) if found else ("", 0)
