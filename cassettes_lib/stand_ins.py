"""The second try of a look-up: recorded requests in which a redacted value may stand for another one now.

Strategy: a secret that was learnt, when recording, from a response this run never asks for is not known now, and
another run has other credentials. So a replacement in a recorded request matches any value in its place. It also goes
the other way: a value too short to be looked for everywhere was recorded in clear where it was sent, but was replaced
in the response it came from, so on replay the client sends the replacement. The recorded requests are grouped by what
redaction never touches, and only those of the same group are tried.
"""

from __future__ import annotations

import re
from collections import deque

from cassettes_lib.models import InteractionRequest
from cassettes_lib.playback import PlaybackIndex
from cassettes_lib.redaction import Redaction

_Group = tuple[str, int]
_HOST_AND_PATH = re.compile(r"[^/?#]*//(?:[^/?#]*@)?(?P<host>[^/?#]*)(?P<path>[^?#]*)")


class StandIns:
    """Finds recorded requests that differ from what is asked only where they were redacted.

    Not thread-safe: the Broker calls it under its lock.
    """

    def __init__(self, index: PlaybackIndex, redaction: Redaction) -> None:
        """Prepare; nothing is read before the first exact look-up has failed."""
        self._index = index
        self._redaction = redaction
        self._groups: dict[_Group, deque[int]] | None = None
        self._redacted: set[int] = set()

    def take(self, asked: InteractionRequest, *, repeat: bool = False) -> int | None:
        """Return the position of the next recorded request that `asked` fits, and count it as played; or None.

        Values known to be the secret that a replacement stands for go before unknown ones.
        """
        if self._groups is None:
            self._groups = self._grouped()
        group = self._groups.get(_group_of(asked))
        if not group:
            return None
        answers = self._redaction.sends_replacement(asked)
        while not repeat and group and self._index.is_played(group[0]):
            group.popleft()
        for consistent in (True, False):
            for position in group:
                if (answers or position in self._redacted) and (repeat or not self._index.is_played(position)):
                    recorded = self._index.request_at(position)
                    fitting = self._redaction.stand_in(asked, recorded, consistent=consistent)
                    taken = None if fitting is None else self._index.take(fitting, repeat=repeat)
                    if taken is not None:
                        return taken
        return None

    def _grouped(self) -> dict[_Group, deque[int]]:
        groups: dict[_Group, deque[int]] = {}
        for position in range(self._index.count):
            recorded = self._index.request_at(position)
            groups.setdefault(_group_of(recorded), deque()).append(position)
            if self._redaction.is_redacted(recorded):
                self._redacted.add(position)
        return groups


def _group_of(request: InteractionRequest) -> _Group:
    found = _HOST_AND_PATH.match(request.url)
    return (found["host"].lower(), found["path"].count("/")) if found else ("", 0)
