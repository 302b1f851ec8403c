"""The second try of a look-up: recorded requests in which a redacted value may stand for another one now.

Strategy: a secret that was learnt, when recording, from a response this run never asks for is not known now, and
another run has other credentials. So a replacement in a recorded request matches any value in its place. The other way
round, a replayed response gives the client a replacement for a value that is replaced under its name only, because it
is short or common; where the client sends it on under another name, a replacement in what is asked matches any
recorded value.

Only requests of the same host and path are looked at, as far as these are compared; where what is asked holds no
replacement, only those of them whose stored text does. Requests with replacements in the same places have equal
outlines, in which all replacements are one; those are looked up. The rest is tried one by one: requests that have more
replacements than what is asked, or fewer. So a miss among many requests that all carry an API key costs no more than
one among few.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from itertools import islice

from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.matching import keys_equal
from cassettes_lib.models import InteractionRequest
from cassettes_lib.playback import PlaybackIndex
from cassettes_lib.recorded import RecordedRequests
from cassettes_lib.redaction import Redaction
from cassettes_lib.replacements import holds_replacement

# Host and path; host and number of segments; the same of those whose path holds a replacement.
_Place = tuple[str, str] | tuple[str, int] | tuple[str, int, bool]
_HOST_AND_PATH = late_pattern(r"[^/?#]*//(?:[^/?#]*@)?(?P<host>[^/?#]*)(?P<path>[^?#]*)")
# Requests with as many replacements as what is asked, but in other places, are rare: so many are looked at.
_A_FEW = 50


class _Group:
    """Recorded requests of one place, by the number of their replacements."""

    def __init__(self) -> None:
        self._positions: dict[int, list[int]] = {}
        self._passed: dict[int, int] = {}
        self.outlines: dict[Hashable, _Group] = {}

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

    def __init__(self, index: PlaybackIndex, recorded: RecordedRequests, redaction: Redaction) -> None:
        """Prepare; nothing is read before the first exact look-up has failed."""
        self._index = index
        self._recorded = recorded
        self._redaction = redaction
        self._compares_host = any(matcher.part in ("url", "host") for matcher in index.matchers)
        self._compares_path = any(matcher.part in ("url", "path") for matcher in index.matchers)
        self._headers_count = any(matcher.part in ("headers", "header", "") for matcher in index.matchers)
        self._positions: dict[bool, dict[_Place, list[int]]] = {}
        self._groups: dict[tuple[bool, _Place], _Group] = {}

    def take(self, asked: InteractionRequest, *, repeat: bool = False) -> int | None:
        """Return the position of the next recorded request that `asked` fits, and count it as played; or None.

        Values known to be the secret that a replacement stands for go before unknown ones.
        """
        replacements = self._replacements(asked)
        for consistent in (True, False):
            for position in self._candidates(asked, replacements, repeat=repeat):
                fitting = self._redaction.stand_in(asked, self._recorded.request_at(position), consistent=consistent)
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
            fitting = self._redaction.stand_in(asked, self._recorded.request_at(position))
            if fitting and self._index.usage(fitting):
                self._index.take(fitting)
                return fitting
        return None

    def _candidates(self, asked: InteractionRequest, replacements: int, *, repeat: bool) -> Iterator[int]:
        """Give recorded requests with replacements where `asked` has others, or where it has values."""
        as_stored = self._index.compares_as_stored(asked)
        host, path = self._host_and_path(asked.url)
        groups = [self._group(place, as_stored=as_stored) for place in ((host, path), (host, path.count("/"), True))]
        if replacements:
            outline = self._outline(asked)
            for group in groups:
                if outline in group.outlines:
                    yield from group.outlines[outline].waiting(0, self._index, repeat=repeat)
        for group in groups:
            for count in group.counts():
                if count > replacements:
                    yield from group.waiting(count, self._index, repeat=repeat)
                elif 0 < count == replacements:
                    yield from islice(group.waiting(count, self._index, repeat=repeat), _A_FEW)

    def _answering(self, asked: InteractionRequest, replacements: int, *, repeat: bool) -> int | None:
        """Take a recorded request that has values where `asked` has replacements."""
        host, path = self._host_and_path(asked.url)
        place = (host, path.count("/")) if self._redaction.has_replacement_in_path(asked) else (host, path)
        group = self._group(place, as_stored=False)
        for count in group.counts():
            if count >= replacements:
                break
            for position in group.waiting(count, self._index, repeat=repeat):
                recorded = self._recorded.request_at(position)
                fitting = self._redaction.stand_in(recorded, asked)
                if fitting and all(keys_equal(matcher, fitting, asked) for matcher in self._index.matchers):
                    return self._index.take(recorded, repeat=repeat)
        return None

    def _group(self, place: _Place, *, as_stored: bool) -> _Group:
        """Return the recorded requests of a place; when `as_stored`, only those with replacements."""
        group = self._groups.get((as_stored, place))
        if group is None:
            group = self._groups[as_stored, place] = _Group()
            for position in self._by_place(as_stored).get(place, ()):
                if self._recorded.may_be_redacted(position):
                    recorded = self._recorded.stored_at(position)
                elif as_stored:
                    continue
                else:
                    recorded = self._recorded.request_at(position)
                replacements = self._replacements(recorded)
                group.add(position, replacements)
                if replacements:
                    group.outlines.setdefault(self._outline(recorded), _Group()).add(position, 0)
        return group

    def _by_place(self, as_stored: bool) -> dict[_Place, list[int]]:
        """Sort the positions by host and path, and by host and number of segments."""
        by_place = self._positions.get(as_stored)
        if by_place is None:
            by_place = self._positions[as_stored] = {}
            line_at = self._recorded.stored_line_at if as_stored else self._recorded.line_at
            for position in range(self._index.count):
                host, path = self._host_and_path(line_at(position)[1])
                length = path.count("/")
                own = (host, length, True) if holds_replacement(path) else (host, path)
                by_place.setdefault(own, []).append(position)
                by_place.setdefault((host, length), []).append(position)
        return by_place

    def _host_and_path(self, url: str) -> tuple[str, str]:
        """Return host and path as far as they are compared."""
        found = _HOST_AND_PATH.match(url)
        host, path = (found["host"].lower(), found["path"]) if found else ("", "")
        return host if self._compares_host else "", path if self._compares_path else ""

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
