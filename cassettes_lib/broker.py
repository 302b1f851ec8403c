"""The Broker: decides between replay and live, records, and calls the store. With the two ports it stands on.

Strategy: the Broker never knows about files, sockets or `requests`. It has two halves, `play` (is there a recorded
answer?) and `record` (remember this one); `respond` is both with a live call between them. A transport that streams
calls the halves itself. One lock makes match-and-consume and append-and-save atomic; no live call happens under it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Literal, Protocol, Self, get_args

from cassettes_lib.circumstances import Circumstances
from cassettes_lib.errors import (
    CassetteFormatError,
    CassetteNotFoundError,
    InteractionFailedError,
    InteractionNotFoundError,
    LiveResponderRequiredError,
)
from cassettes_lib.keywords import explain_wrong_keywords
from cassettes_lib.matching import DEFAULT_MATCH_ON, MatchOn, resolve_matchers
from cassettes_lib.models import (
    Cassette,
    Interaction,
    InteractionFailure,
    InteractionRequest,
    InteractionResponse,
    Interactions,
    unchecked,
)
from cassettes_lib.moments import this_second
from cassettes_lib.playback import PlaybackIndex
from cassettes_lib.recorded import RecordedRequests
from cassettes_lib.redaction import Redacted, Redactor
from cassettes_lib.stand_ins import StandIns
from cassettes_lib.tape import Tape
from cassettes_lib.undisturbed import Undisturbed

Mode = Literal["replay", "record", "auto"]
_MODES = get_args(Mode)
BeforeRecord = Callable[[Interaction], Interaction | None]
BeforeReplay = Callable[[Interaction], Interaction]

DEFAULT_REDACTOR = Redactor()

_log = logging.getLogger("cassettes_lib")


class CassetteStore(Protocol):
    """Port: where a cassette is kept. Any storage can stand behind it."""

    def load(self) -> Cassette:
        """Return what is stored.

        Raises:
            CassetteNotFoundError: Nothing is stored.
            CassetteFormatError: What is stored is damaged.
        """

    def save(self, cassette: Cassette) -> None:
        """Store a cassette; called after each new recording, with everything recorded so far.

        Raises:
            CassetteSaveError: It could not be stored.
        """


class LiveResponder(Protocol):
    """Port: answers a request by asking the real service."""

    def __call__(self, request: InteractionRequest, /) -> InteractionResponse:
        """Ask the service; whatever exception the transport raises passes through."""


class Broker:
    """Answers requests from a cassette, or live, and records what came live.

    Attributes:
        misses: The errors of the requests that nothing answered, in order. A test that expected them empties the list.
        tape: The last requests and where their answers came from, redacted.

    Example:
        >>> broker = Broker(Cassette(), "record", lambda request: InteractionResponse(status=200, body=b"hello"))
        >>> broker.respond(InteractionRequest(method="GET", url="https://api.example.com/")).body
        b'hello'
    """

    @explain_wrong_keywords(redact="redactor", store="cassette_store")
    def __init__(
        self,
        cassette: Cassette,
        mode: Mode = "replay",
        live_responder: LiveResponder | None = None,
        cassette_store: CassetteStore | None = None,
        *,
        match_on: MatchOn = DEFAULT_MATCH_ON,
        redactor: Redactor | None = DEFAULT_REDACTOR,
        allow_playback_repeats: bool = False,
        record_failures: bool = False,
        before_record: BeforeRecord | None = None,
        before_replay: BeforeReplay | None = None,
        name: str = "",
        circumstances: Circumstances | None = None,
    ) -> None:
        """Put a Broker in charge of a cassette.

        Args:
            cassette: What is replayed in `replay` and `auto`, and extended by what is recorded; `record` starts empty.
            mode: `replay` (a miss is an error), `auto` (a miss goes live and is recorded), `record` (all goes live).
            live_responder: Asks the real service in `record` and `auto`, where `respond` is not given another.
            cassette_store: Where to save after each new recording; None persists nothing.
            match_on: Names of matchers, or functions from a request to a hashable key.
            redactor: Which secrets are kept off the cassette; None stores all secrets in clear.
            allow_playback_repeats: Answer with the last equal interaction again once all are used up.
            record_failures: Record exceptions of the live responder, too.
            before_record: Changes an interaction before it is stored; None from it: do not store.
            before_replay: Changes an interaction before it is replayed.
            name: What messages call the cassette, such as its path.
            circumstances: What else is known about the run, for the messages; `name` and `mode` are filled in.

        Raises:
            TypeError: What is given is not a Cassette.
            ValueError: An unknown mode or matcher; the text names the right ones.
        """
        if mode not in _MODES:
            raise ValueError(f"unknown mode {mode!r}; the modes of a Broker are {', '.join(_MODES)}")
        if not isinstance(cassette, Cassette):
            raise TypeError(f"{cassette!r} is not a Cassette; Broker.from_store(JsonFileCassetteStore(path)) loads one")
        self._mode: Mode = mode
        self._live_responder = live_responder
        self._store = cassette_store
        self._matchers = resolve_matchers(match_on)
        self._repeats = allow_playback_repeats
        self._record_failures = record_failures
        self._before_record = before_record
        self._before_replay = before_replay
        self._circumstances = (circumstances or Circumstances(has_environment=False))._replace(
            cassette_name=name, mode=mode, redacting=redactor is not None
        )
        self._lock = threading.RLock()
        self.misses: list[InteractionNotFoundError] = []
        if mode == "record":
            cassette = cassette.model_copy(update={"interactions": Interactions()})
        self._cassette = cassette
        self._playable = cassette.interactions
        self._redaction = None if redactor is None else redactor.start()
        # Not a method of this object: a circle would keep all that was read until the garbage collector comes.
        self._clean = self._redaction.request if self._redaction else None
        self.tape = Tape(name, clean=self._clean)
        self._recorded = recorded = RecordedRequests(self._playable, self._redaction)
        self._index = PlaybackIndex(recorded, self._matchers)
        self._stand_ins = self._redaction and StandIns(self._index, recorded, self._redaction)
        if self._redaction:
            self._redaction.adopt(self._playable)

    @classmethod
    @explain_wrong_keywords(redact="redactor", store="cassette_store")
    def from_store(
        cls,
        cassette_store: CassetteStore,
        mode: Mode = "replay",
        live_responder: LiveResponder | None = None,
        *,
        match_on: MatchOn = DEFAULT_MATCH_ON,
        redactor: Redactor | None = DEFAULT_REDACTOR,
        allow_playback_repeats: bool = False,
        record_failures: bool = False,
        before_record: BeforeRecord | None = None,
        before_replay: BeforeReplay | None = None,
        name: str = "",
    ) -> Self:
        """Load the cassette of a store and put a Broker in charge of it that saves to the same store.

        Where the mode records, a missing cassette is an empty one; see `load_for`.

        Raises:
            CassetteNotFoundError: Nothing is stored, and the mode is `replay`.
            CassetteFormatError: What is stored is damaged, and the mode is not `record`.
            TypeError: What is given is not a store.
        """
        if not hasattr(cassette_store, "load"):
            raise TypeError(f"{cassette_store!r} is not a CassetteStore; JsonFileCassetteStore(path) is one")
        return cls(
            load_for(cassette_store, mode), mode, live_responder, cassette_store,
            match_on=match_on, redactor=redactor, allow_playback_repeats=allow_playback_repeats,
            record_failures=record_failures, before_record=before_record, before_replay=before_replay,
            name=name or str(getattr(cassette_store, "path", "")),
        )

    def __repr__(self) -> str:
        counts = f"{self.play_count} replayed, {len(self.recorded)} recorded, {len(self.misses)} missed"
        return f"<Broker in mode {self._mode} on {self._name}: {counts}>"

    @property
    def cassette(self) -> Cassette:
        """The cassette as it is now, what was recorded included."""
        return self._cassette

    @property
    def mode(self) -> Mode:
        """The mode: `replay`, `record` or `auto`."""
        return self._mode

    @property
    def record_failures(self) -> bool:
        """Whether exceptions, and responses whose body broke off, are recorded."""
        return self._record_failures

    @property
    def play_count(self) -> int:
        """How many requests were answered from the cassette."""
        return self._index.play_count

    @property
    def unused(self) -> tuple[Interaction, ...]:
        """The interactions that were on the cassette at the beginning and that nobody asked for, in recorded order."""
        with self._lock:
            return tuple(self._playable[position] for position in self._index.unused)

    @property
    def all_played(self) -> bool:
        """Whether every interaction that was on the cassette at the beginning has been replayed."""
        return self._index.all_played

    @property
    def recorded(self) -> tuple[Interaction, ...]:
        """The interactions recorded by this Broker, as they are stored."""
        with self._lock:
            return self._cassette.interactions[len(self._playable) :]

    @property
    def redacted(self) -> tuple[Redacted, ...]:
        """What was redacted in the recorded interactions: where and how often, never the values."""
        return self._redaction.summary() if self._redaction else ()

    @property
    def locks(self) -> tuple[Any, ...]:
        """The locks of this Broker, in the order they are taken: nobody may hold one when the process forks."""
        return (self._lock, *([self._redaction._lock] if self._redaction else []))

    def without_secrets(self, request: InteractionRequest) -> InteractionRequest:
        """Return a request as messages and the cassette may show it."""
        return self._redaction.request(request) if self._redaction else request

    def respond(self, request: InteractionRequest, live_responder: LiveResponder | None = None) -> InteractionResponse:
        """Answer a request from the cassette or by the live responder, which is recorded.

        Args:
            request: What is asked.
            live_responder: Asks the service for this request, in place of the Broker's own responder.

        Raises:
            InteractionNotFoundError: Nothing on the cassette answers, and the mode is `replay`.
            InteractionFailedError: The recorded answer is a failure.
            LiveResponderRequiredError: The mode needs a live responder and there is none.
            CassetteSaveError: The recording could not be saved; the response is not delivered.
        """
        responder = live_responder or self._live_responder
        if responder is None:
            if self._mode != "replay":
                raise LiveResponderRequiredError(self._mode)
            responder = _no_live_call
        interaction = self.play(request)
        if interaction is None:
            return self._respond_live(request, responder)
        if interaction.response is None:
            assert interaction.failure is not None
            raise InteractionFailedError(request, interaction.failure)
        return interaction.response

    def play(self, request: InteractionRequest, *, if_any: bool = False) -> Interaction | None:
        """Take the recorded interaction that answers a request off its queue.

        Args:
            request: What is asked.
            if_any: Return None, and do not count a miss, when nothing is left that answers: a transport that retries
                looks for a further attempt.

        Returns:
            The interaction, or None when the request is to go live (and to be recorded with `record`).

        Raises:
            InteractionNotFoundError: Nothing answers, and the mode is `replay`. It is also added to `misses`.
        """
        if self._mode == "record":
            return None
        position = self._index.take_same(request)
        if position is not None:  # the body is not looked through for secrets: they would be replaced on the cassette
            asked = self._redaction.with_clean_headers(request) if self._redaction else request
        else:
            asked = self._redaction.request(request) if self._redaction else request
            with self._lock:
                position = self._take(asked, repeat=self._repeats and not if_any)
        if position is None:
            if if_any or self._mode == "auto":
                return None
            raise self._missed(asked)
        interaction = self._restored(asked, self._recorded.interaction_at(position))
        self.tape.add(asked, "replayed", interaction.response or interaction.failure)
        if _log.isEnabledFor(logging.INFO):
            _log.info("replayed %s %s", asked.method, self.without_secrets(asked).url)
        return self._before_replay(interaction) if self._before_replay else interaction

    def record(self, request: InteractionRequest, outcome: InteractionResponse | InteractionFailure) -> None:
        """Add what came of a live request to the cassette, and save it.

        Raises:
            CassetteSaveError: It could not be saved. It is on the cassette all the same, and the next save that
                succeeds stores it.
        """
        response, failure = (outcome, None) if isinstance(outcome, InteractionResponse) else (None, outcome)
        interaction = unchecked(Interaction, {
            "recorded_at": this_second(),
            "request": request, "response": response, "failure": failure,
        })
        if self._before_record:
            changed = self._before_record(interaction)
            if changed is None:
                self.note_live(request, outcome)
                return
            interaction = changed
        with Undisturbed(), self._lock:
            stored = self._redaction.interaction(interaction) if self._redaction else interaction
            self._forget_late_secrets()
            self._cassette = self._cassette.plus(stored)
            self.tape.add(stored.request, "recorded", stored.response or stored.failure)
            is_logged = _log.isEnabledFor(logging.INFO)
            if is_logged:
                _log.info("live %s %s", stored.request.method, stored.request.url)
            if self._store is not None:
                self._store.save(self._cassette)
                if is_logged:
                    _log.info("saved %s %s on %s", stored.request.method, stored.request.url, self._name)

    def note_live(self, request: InteractionRequest, outcome: InteractionResponse | InteractionFailure) -> None:
        """Tell the tape and the log of a live request that is not recorded."""
        self.tape.add(request, "live", outcome)
        if _log.isEnabledFor(logging.INFO):
            _log.info("live %s %s", request.method, self.without_secrets(request).url)

    def _respond_live(self, request: InteractionRequest, responder: LiveResponder) -> InteractionResponse:
        try:
            response = responder(request)
        except Exception as error:
            note = self.record if self._record_failures else self.note_live
            note(request, failure_from(error))
            raise
        self.record(request, response)
        return response

    @property
    def _name(self) -> str:
        return self._circumstances.cassette_name or "a cassette without a name"

    def _take(self, asked: InteractionRequest, *, repeat: bool) -> int | None:
        position = self._index.take(asked, repeat=repeat)
        if position is None and self._stand_ins:
            position = self._stand_ins.take(asked, repeat=repeat)
        return position

    def _restored(self, asked: InteractionRequest, interaction: Interaction) -> Interaction:
        """Return what replay delivers for a recorded interaction, and learn which secrets of this run it knows."""
        return self._redaction.restored(interaction, asked) if self._redaction else interaction

    def _forget_late_secrets(self) -> None:
        """Remove from what is stored the values that have just been found to be secrets; the next save rewrites it."""
        interactions = self._cassette.interactions
        reviewed = self._redaction.reviewed(interactions) if self._redaction else None
        if reviewed is not None:
            self._cassette = self._cassette.model_copy(update={"interactions": interactions.rewritten(reviewed)})

    def _missed(self, asked: InteractionRequest) -> InteractionNotFoundError:
        from cassettes_lib.misses import explain_miss, log_lines

        with self._lock:
            fitting = self._stand_ins.used_up(asked) if self._stand_ins else None
            error = explain_miss(asked, self._index, self._circumstances, fitting=fitting)
            self.misses.append(error)
        self.tape.add(asked, "missed")
        if _log.isEnabledFor(logging.DEBUG):
            for line in log_lines(error):
                _log.debug(line)
        return error


def load_for(store: CassetteStore, mode: Mode) -> Cassette:
    """Return what a Broker of this mode starts with.

    Where the mode records, a missing or empty (0 bytes) cassette is an empty one. `record` starts empty over a
    damaged one as well; the store then moves the damaged one aside. It loads nevertheless, so that the store
    knows what its first save replaces.
    """
    try:
        cassette = store.load()
    except CassetteNotFoundError:
        if mode == "replay":
            raise
        return Cassette()
    except CassetteFormatError as error:
        if mode == "replay" or (mode == "auto" and not error.empty):
            raise
        return Cassette()
    return Cassette() if mode == "record" else cassette


def _no_live_call(request: InteractionRequest) -> InteractionResponse:
    raise AssertionError("a Broker in replay never asks the service")


def failure_from(error: Exception) -> InteractionFailure:
    """Return the value that stands for an exception on a cassette."""
    kind = type(error)
    return InteractionFailure(error=f"{kind.__module__}.{kind.__qualname__}", message=str(error))

