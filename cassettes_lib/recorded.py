"""The recorded requests as they compare: as they are stored, or without secrets, and looked through once.

Strategy: a miss looks at every recorded request, and looking for secrets is the dearest part of that. What is asked and
holds no replacement is equal to nothing that redaction would change, so it is compared with what is stored. For the
rest: what held no secret holds none as long as no further one is learnt, so where it stands is remembered.
"""

from __future__ import annotations

from cassettes_lib.models import Interaction, InteractionRequest, Interactions
from cassettes_lib.redaction import Redaction
from cassettes_lib.redaction_outline import may_hold_replacement
from cassettes_lib.replacements import bytes_hold_replacement, holds_replacement


class RecordedRequests:
    """Reads a cassette by position.

    Not thread-safe, but for `interaction_at` and `played_at`: the Broker calls all else under its lock.
    """

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
        self._last: tuple[int, Interaction] | None = None

    def __len__(self) -> int:
        return len(self._interactions)

    def played_at(self, position: int) -> InteractionRequest:
        """Return the request at a position as it is stored; its response, which will be wanted next, is read too."""
        return self.interaction_at(position).request

    def interaction_at(self, position: int) -> Interaction:
        """Return the interaction at a position, and keep it only until another one is asked for.

        What is replayed is seldom asked for again, and whatever is kept is looked through by the garbage collector.
        """
        last = self._last
        if last is not None and last[0] == position:
            return last[1]
        unread = self._interactions.unread_at(position)
        interaction = self._interactions[position] if unread is None else unread()
        self._last = position, interaction
        return interaction

    def stored_at(self, position: int) -> InteractionRequest:
        """Return the request at a position as it is stored."""
        return self._interactions.request_at(position)

    def stored_line_at(self, position: int) -> tuple[str, str]:
        """Return the method and the URL at a position as they are stored."""
        return self._interactions.head_at(position)

    def body_text_at(self, position: int) -> bytes | None:
        """Return the body at a position, or the text that stands for it in the file; None if it says more than that."""
        return self._interactions.body_text_at(position)

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
        method, url = self.stored_line_at(position)
        if self._redaction is None or self._is_known(position, self._clean_lines):
            return method, url
        clean = self._redaction.url(url)
        if clean == url:
            self._clean_lines.add(position)
        return method, clean

    def compares_as_stored(self, request: InteractionRequest) -> bool:
        """Tell whether URL and body of a redacted request surely hold nothing that redaction puts there.

        Then a recorded one that equals it is one that redaction does not change.
        """
        return self._redaction is None or not self._redaction.may_have_replaced(request)

    def may_be_put_there(self, text: str) -> bool:
        """Tell whether a text in a redacted request may hold what redaction puts there."""
        return self._redaction is not None and self._redaction.may_have_put(text)

    def may_be_redacted(self, position: int) -> bool:
        """Tell quickly whether the URL or the body at a position may hold a replacement, as they are stored."""
        text = self._interactions.body_text_at(position)
        if text is None:
            return may_hold_replacement(self.stored_at(position))
        return bytes_hold_replacement(text) or holds_replacement(self.stored_line_at(position)[1])

    def _is_known(self, position: int, clean: set[int]) -> bool:
        assert self._redaction is not None
        if self._redaction.taints != self._taints:
            self._clean.clear()
            self._clean_lines.clear()
            self._taints = self._redaction.taints
        return position in clean
