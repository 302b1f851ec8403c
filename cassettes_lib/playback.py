"""The index: which recorded interaction answers a request, in recorded order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable, Sequence

from cassettes_lib.matching import Matcher
from cassettes_lib.models import InteractionRequest


class PlaybackIndex:
    """Per-key queues of the positions of recorded requests."""

    def __init__(
        self, count: int, request_at: Callable[[int], InteractionRequest], matchers: Sequence[Matcher]
    ) -> None:
        self._count = count
        self._request_at = request_at
        self._matchers = matchers
        self._queues: dict[Hashable, deque[int]] | None = None
        self._last: dict[Hashable, int] = {}
        self._taken: set[int] = set()
        self.play_count = 0

    @property
    def unused(self) -> list[int]:
        """Positions never taken."""
        return [position for position in range(self._count) if position not in self._taken]

    def take(self, request: InteractionRequest, *, repeat: bool = False) -> int | None:
        """Take the next equal request off its queue."""
        if self._queues is None:
            self._queues = {}
            for position in range(self._count):
                self._queues.setdefault(self._key(self._request_at(position)), deque()).append(position)
        key = self._key(request)
        queue = self._queues.get(key)
        if queue:
            self._last[key] = queue.popleft()
            self._taken.add(self._last[key])
        elif not repeat or key not in self._last:
            return None
        self.play_count += 1
        return self._last[key]

    def _key(self, request: InteractionRequest) -> Hashable:
        return tuple(matcher(request) for matcher in self._matchers)
