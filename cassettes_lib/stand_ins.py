"""The second try of a look-up: recorded requests in which a redacted value may stand for another one now.

Strategy: a secret that was learnt, when recording, from a response this run never asks for is not known now, and
another run has other credentials. So a replacement in a recorded request matches any value in its place. The other way
round, a replayed response gives the client a replacement for a value that is replaced under its name only, because it
is short or common; where the client sends it on under another name, a replacement in what is asked matches any
recorded value. Requests are grouped by what redaction never touches, and only those of the same group are tried.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

from cassettes_lib.likeness import keys_equal
from cassettes_lib.models import InteractionRequest
from cassettes_lib.playback import PlaybackIndex
from cassettes_lib.redaction import Redaction

_Group = tuple[str, int]
_Groups = dict[_Group, deque[int]]
_HOST_AND_PATH = re.compile(r"[^/?#]*//(?:[^/?#]*@)?(?P<host>[^/?#]*)(?P<path>[^?#]*)")


class StandIns:
    """Finds recorded requests that differ from what is asked only where they were redacted.

    Not thread-safe: the Broker calls it under its lock.
    """

    def __init__(self, index: PlaybackIndex, redaction: Redaction) -> None:
        """Prepare; nothing is read before the first exact look-up has failed."""
        self._index = index
        self._redaction = redaction
        self._groups: tuple[_Groups, _Groups] | None = None

    def take(self, asked: InteractionRequest, *, repeat: bool = False) -> int | None:
        """Return the position of the next recorded request that `asked` fits, and count it as played; or None.

        Values known to be the secret that a replacement stands for go before unknown ones.
        """
        if self._groups is None:
            self._group_all()
        of_redacted, of_all = self._groups or ({}, {})
        for consistent in (True, False):
            for recorded in self._waiting(of_redacted, asked, repeat=repeat):
                fitting = self._redaction.stand_in(asked, recorded, consistent=consistent)
                taken = None if fitting is None else self._index.take(fitting, repeat=repeat)
                if taken is not None:
                    return taken
        if self._redaction.is_redacted(asked):
            for recorded in self._waiting(of_all, asked, repeat=repeat):
                fitting = self._redaction.stand_in(recorded, asked)
                if fitting and all(keys_equal(matcher, fitting, asked) for matcher in self._index.matchers):
                    return self._index.take(recorded, repeat=repeat)
        return None

    def _waiting(self, groups: _Groups, asked: InteractionRequest, *, repeat: bool) -> Iterator[InteractionRequest]:
        """Give the recorded requests of the group of what is asked that can still be played."""
        group = groups.get(_group_of(asked), deque())
        while not repeat and group and self._index.is_played(group[0]):
            group.popleft()
        for position in group:
            if repeat or not self._index.is_played(position):
                yield self._index.request_at(position)

    def _group_all(self) -> None:
        of_redacted: _Groups = {}
        of_all: _Groups = {}
        for position in range(self._index.count):
            recorded = self._index.request_at(position)
            for groups in (of_redacted, of_all) if self._redaction.is_redacted(recorded) else (of_all,):
                groups.setdefault(_group_of(recorded), deque()).append(position)
        self._groups = of_redacted, of_all


def _group_of(request: InteractionRequest) -> _Group:
    found = _HOST_AND_PATH.match(request.url)
    return (found["host"].lower(), found["path"].count("/")) if found else ("", 0)
