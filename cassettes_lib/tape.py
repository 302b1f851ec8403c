"""The tape: the last interactions of a session, for the note on an exception that leaves it."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from typing import Literal, NamedTuple

from cassettes_lib.columns import WIDTH, shortened
from cassettes_lib.models import InteractionFailure, InteractionRequest, InteractionResponse

Clean = Callable[[InteractionRequest], InteractionRequest]
How = Literal["replayed", "live", "recorded", "missed"]

_HEADING = "cassettes_lib tape, "
DEFAULT_LENGTH = 10


class TapeEntry(NamedTuple):
    """One interaction on the tape.

    Attributes:
        method: The method.
        url: The URL, redacted.
        outcome: The status code, the name of a failure, or "" for a miss.
        how: Where the answer came from.
    """

    method: str
    url: str
    outcome: str
    how: How


class Tape:
    """The last interactions, and how many there have been. Threads may share it."""

    def __init__(self, name: str = "", length: int = DEFAULT_LENGTH, clean: Clean | None = None) -> None:
        """Make an empty tape.

        Args:
            name: What to call the cassette; "" when it has no name.
            length: How many interactions it holds; 0 switches it off.
            clean: Redacts a request before anybody reads of it; few requests are ever read of.
        """
        self._name = name
        self._clean = clean
        # With the number of each. Without a lock: threads that replay would queue for it.
        self._entries: deque[tuple[int, InteractionRequest, str, How]] = deque(maxlen=length)
        self._numbers = itertools.count(1)

    def add(
        self,
        request: InteractionRequest,
        how: How,
        outcome: InteractionResponse | InteractionFailure | None = None,
    ) -> None:
        """Put an interaction on the tape, at constant cost.

        Args:
            request: What was asked.
            how: Where the answer came from.
            outcome: The answer, or None for a miss.
        """
        if isinstance(outcome, InteractionResponse):
            text = str(outcome.status)
        else:
            text = outcome.error.rpartition(".")[2] if outcome else ""
        self._entries.append((next(self._numbers), request, text, how))

    @property
    def entries(self) -> tuple[TapeEntry, ...]:
        """The last interactions, the latest at the end."""
        return self._read()[0]

    def _read(self) -> tuple[tuple[TapeEntry, ...], int]:
        """Return the entries, and how many there have been."""
        entries, count = [], 0
        for number, request, outcome, how in self._entries.copy():
            clean = self._clean(request) if self._clean else request
            entries.append(TapeEntry(clean.method, clean.url, outcome, how))
            count = max(count, number)
        return tuple(entries), count

    def note(self) -> str:
        """Return the text of the tape, a line per interaction, cut to 80 columns; "" when there is nothing on it."""
        entries, count = self._read()
        if not entries:
            return ""
        name = self._name or "a cassette without a name"
        which = "all" if count == len(entries) else f"the last {len(entries)}"
        lines = [shortened(f"{_HEADING}{which} of {count:,} on {name}:")]
        for entry in entries:
            marked = "MISSED" if entry.how == "missed" else entry.how
            line = f"  {marked:8}  {entry.outcome or '---':3}  {entry.method} {entry.url}"
            lines.append(shortened(line, width=WIDTH))
        return "\n".join(lines)

    def note_on(self, error: BaseException) -> None:
        """Add the note to an exception, unless it has one from a tape: of several blocks it leaves, the innermost's."""
        note = self.note()
        if note and not any(each.startswith(_HEADING) for each in getattr(error, "__notes__", ())):
            error.add_note(note)
