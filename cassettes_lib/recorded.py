"""The recorded requests as they compare: without secrets, and looked through once.

Strategy: a miss looks at every recorded request several times, and looking for secrets is the dearest part of that.
What held none holds none as long as no further secret is learnt, so where it stands is remembered.
"""

from __future__ import annotations

from cassettes_lib.models import InteractionRequest, Interactions
from cassettes_lib.redaction import Redaction


class RecordedRequests:
    """Reads the requests of a cassette by their position. Not thread-safe: the Broker calls it under its lock."""

    def __init__(self, interactions: Interactions, redaction: Redaction | None) -> None:
        """Prepare; nothing is read.

        Args:
            interactions: What is recorded.
            redaction: Removes secrets; None leaves them.
        """
        self._interactions = interactions
        self._redaction = redaction
        self._clean: set[int] = set()
        self._clean_lines: set[int] = set()
        self._taints = 0

    def stored_at(self, position: int) -> InteractionRequest:
        """Return the request at a position as it is stored."""
        return self._interactions[position].request

    def request_at(self, position: int) -> InteractionRequest:
        """Return the request at a position without secrets."""
        stored = self.stored_at(position)
        if self._redaction is None or self._is_known(position, self._clean):
            return stored
        clean = self._redaction.request(stored)
        if clean is stored:
            self._clean.add(position)
        return clean

    def line_at(self, position: int) -> tuple[str, str]:
        """Return the method and the URL at a position, that without secrets."""
        method, url = self._interactions.head_at(position)
        if self._redaction is None or self._is_known(position, self._clean_lines):
            return method, url
        clean = self._redaction.url(url)
        if clean == url:
            self._clean_lines.add(position)
        return method, clean

    def _is_known(self, position: int, clean: set[int]) -> bool:
        assert self._redaction is not None
        if self._redaction.taints != self._taints:
            self._clean.clear()
            self._clean_lines.clear()
            self._taints = self._redaction.taints
        return position in clean
