"""The Broker of a session: one that keeps account of the calls it answers, for assertions, notes and summaries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple

from cassettes_lib.broker import Broker
from cassettes_lib.circumstances import Circumstances
from cassettes_lib.errors import InteractionNotFoundError
from cassettes_lib.models import (
    Interaction,
    InteractionFailure,
    InteractionRequest,
    InteractionResponse,
    RecordingMark,
)
from cassettes_lib.tape import Tape
from cassettes_lib.undisturbed import Undisturbed


class Call(NamedTuple):
    """A request that was made while a cassette was in charge.

    Attributes:
        request: What was asked, as the code under test asked it.
        outcome: Where its answer came from; `missed` when there was none.
    """

    request: InteractionRequest
    outcome: Literal["replayed", "live", "missed"]


class SessionBroker(Broker):
    """The Broker of a session.

    Attributes:
        calls: The requests that were made, in order.
    """

    def __init__(
        self, *args: Any, circumstances: Circumstances, tape: int, expired: Mapping[int, datetime], **options: Any
    ) -> None:
        """Put a Broker in charge of a cassette.

        Args:
            *args: As for `Broker`.
            circumstances: What a miss says about the run.
            tape: How many interactions the tape holds.
            expired: Where the interactions stand that are too old to be replayed, and when they were recorded.
            **options: As for `Broker`.
        """
        super().__init__(*args, name=circumstances.cassette_name, circumstances=circumstances, **options)
        self.calls: list[Call] = []
        self.tape = Tape(circumstances.cassette_name, tape, clean=self._clean)
        self._index.withhold(expired)

    def play(self, request: InteractionRequest, *, if_any: bool = False) -> Interaction | None:
        """Take the recorded interaction that answers a request off its queue; see `Broker.play`."""
        try:
            interaction = super().play(request, if_any=if_any)
        except InteractionNotFoundError:
            self.calls.append(Call(request, "missed"))
            raise
        if not if_any:
            self.calls.append(Call(request, "live" if interaction is None else "replayed"))
        return interaction

    def record(self, request: InteractionRequest, outcome: InteractionResponse | InteractionFailure) -> None:
        """Add what came of a live request to the cassette, and save it; see `Broker.record`."""
        self._complete_call(request)
        super().record(request, outcome)

    def mark(self, marks: tuple[RecordingMark, ...], *, save: bool) -> None:
        """Change which recordings count as not ended well.

        Args:
            marks: The marks that the cassette has from now on; what is recorded later, by a stream that is read after
                the end, is saved with them.
            save: Whether to save it now.

        Raises:
            CassetteSaveError: It could not be saved.
        """
        with Undisturbed(), self._lock:
            self._cassette = self._cassette.model_copy(update={"incomplete": marks})
            if save and self._store is not None:
                self._store.save(self._cassette)

    @property
    def recorded_count(self) -> int:
        """How many interactions were recorded; to list them takes long where there are many."""
        with self._lock:
            return len(self._cassette.interactions) - len(self._playable)

    @property
    def unused_count(self) -> int:
        """How many interactions nobody asked for; they are not read."""
        with self._lock:
            return self._index.unused_count

    @property
    def used_positions(self) -> list[int]:
        """Where, from 0, the interactions stand that were replayed or recorded; they are not read."""
        with self._lock:
            unused = set(self._index.unused)
            return [position for position in range(len(self._cassette.interactions)) if position not in unused]

    def _complete_call(self, request: InteractionRequest) -> None:
        """Put a request in the place of what was known of it before it was sent: an upload is read while it is."""
        for position in range(len(self.calls) - 1, -1, -1):
            call = self.calls[position]
            if call.outcome == "live" and (call.request.method, call.request.url) == (request.method, request.url):
                self.calls[position] = Call(request, "live")
                return
