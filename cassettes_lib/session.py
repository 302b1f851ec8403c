"""A cassette session: one stay in a block, from the loading of its cassette to the settling of what came of it.

Strategy: entering decides what to do (mode, environment, what is stored), builds the Broker and puts it in charge.
Leaving takes it out of charge first, whatever else happens, then settles in this order: the exception of the block gets
its note, the marks of an unfinished recording are cleared or kept, the run's summary is told, and what was swallowed
or not used is raised, never in the place of an exception that the block itself has raised.
"""

from __future__ import annotations

import os
import sys
import uuid
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Literal, NamedTuple

from cassettes_lib.broker import Broker, CassetteStore, Mode
from cassettes_lib.errors import (
    CassetteExpiredError,
    CassetteFormatError,
    CassetteLoadError,
    CassetteNotFoundError,
    CassetteSaveError,
    CassetteWarning,
    InteractionNotFoundError,
    UnusedInteractionsError,
)
from cassettes_lib.interception import Interception
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, RecordingMark
from cassettes_lib.modes import MODE_VARIABLE, ModeInCharge, mode_in_charge, why_not_recorded
from cassettes_lib.options import Options
from cassettes_lib.run_summary import Counts, run_summary, shown
from cassettes_lib.verdicts import Verdict

_NOTE_BEGINS = "cassette "
_NOTE_LINES = 12


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

    def __init__(self, *args: Any, advice: str = "", **options: Any) -> None:
        """Put a Broker in charge of a cassette.

        Args:
            *args: As for `Broker`.
            advice: What a miss says at its end.
            **options: As for `Broker`.
        """
        super().__init__(*args, **options)
        self.calls: list[Call] = []
        self._advice = advice

    def play(self, request: InteractionRequest) -> Interaction | None:
        """Take the recorded interaction that answers a request; see `Broker.play`."""
        try:
            interaction = super().play(request)
        except InteractionNotFoundError as error:
            self.calls.append(Call(request, "missed"))
            if self._advice:
                error.args = (f"{error.args[0]}\n{self._advice}", *error.args[1:])
            raise
        self.calls.append(Call(request, "live" if interaction is None else "replayed"))
        return interaction

    def save_with_marks(self, marks: tuple[RecordingMark, ...]) -> None:
        """Change which recordings count as not ended well, and save.

        Raises:
            CassetteSaveError: It could not be saved.
        """
        with self._lock:
            self._cassette = self._cassette.model_copy(update={"incomplete": marks})
            if self._store is not None:
                self._store.save(self._cassette)

    @property
    def unused_count(self) -> int:
        """How many interactions nobody asked for; they are not read."""
        with self._lock:
            return len(self._index.unused)


class Place(NamedTuple):
    """Where a cassette is kept.

    Attributes:
        store: Loads and saves it.
        name: What messages call it.
        path: Its file, or None when a store of the user keeps it.
    """

    store: CassetteStore
    name: str
    path: str | None

    @property
    def key(self) -> object:
        """What two places of one cassette have in common."""
        return self.path or id(self.store)


class _Plan(NamedTuple):
    """What a session does: the Broker's mode, what it starts with, and the marks of others that it found."""

    mode: Mode
    cassette: Cassette
    found: tuple[RecordingMark, ...] = ()
    expired: int = 0


class CassetteSession:
    """One stay in a block. A context manager, for one use; `end` may come in any order and any thread."""

    def __init__(
        self, find_place: Callable[[], Place], options: Options, *, continues: bool = False, fails: bool = False
    ) -> None:
        """Prepare; nothing is loaded before `start`.

        Args:
            find_place: Says where the cassette is kept; called once, by `start`.
            options: The options.
            continues: Whether this block shares its cassette with the blocks before it: what they began to record
                in this process goes on.
            fails: Whether the block is expected to fail.
        """
        self._find_place = find_place
        self._options = options
        self.continues = continues
        self._fails = fails
        self._mark = RecordingMark(session=uuid.uuid4().hex, started_at=datetime.now(UTC).replace(microsecond=0))

    def start(self) -> SessionBroker:
        """Load the cassette, and put its Broker in charge of the requests of this context.

        Raises:
            CassetteLoadError: It is missing and this run may not record, is damaged, or is incomplete under CI.
            CassetteExpiredError: It is too old.
        """
        self._verdict: Verdict | None = None
        self.place = self._find_place()
        self._in_charge = mode_in_charge(self._options.mode)
        self._plan = self._make_plan()
        self.broker = self._make_broker()
        self._interception = _interception(self.broker, self.place.name, self._options)
        run_summary.opened(self.place.name, self.place.path)
        self._interception.start()
        if self._records:
            _running.add(self._mark.session)
        self._verdict = Verdict(self._note)
        return self.broker

    def end(self, error: BaseException | None = None) -> None:
        """Take the Broker out of charge, and settle what came of the session.

        Args:
            error: What the block raised, or None.

        Raises:
            InteractionNotFoundError: The block swallowed a miss.
            UnusedInteractionsError: Interactions were not asked for, and `on_unused="error"`.
            CassetteSaveError: The marks could not be cleared.
        """
        self._interception.stop()
        _running.discard(self._mark.session)
        verdict = self._verdict
        assert verdict is not None
        verdict.stop()
        failed_as_expected = verdict.has_failed_as_expected or (error is not None and self._fails)
        broke_off = error is not None and not _is_regular_end(error) and not failed_as_expected
        if broke_off and isinstance(error, Exception):
            self._note(error)
        self._settle_marks(error, well=not broke_off and not verdict.has_failed)
        run_summary.closed(self.place.path or self.place.name, self._counts())
        if not broke_off and not verdict.has_failed and not failed_as_expected:
            self._raise_what_was_swallowed(error)

    def cancel(self) -> None:
        """Take the Broker out of charge of a block that has not begun."""
        self._interception.stop()
        _running.discard(self._mark.session)
        if self._verdict is not None:
            self._verdict.stop()

    def __enter__(self) -> SessionBroker:
        """See `start`."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `end`."""
        self.end(error)

    # ------------------------------------------------------------------------------------------- entering

    def _make_plan(self) -> _Plan:
        wanted = self._in_charge.mode
        if wanted == "record":
            return self._plan_record(self._in_charge)
        try:
            cassette = self.place.store.load()
        except CassetteNotFoundError as error:
            return self._plan_missing(error)
        except CassetteFormatError as error:
            if not getattr(error, "empty", False):
                raise
            return self._plan_missing(error)
        return self._plan_present(cassette)

    def _plan_record(self, in_charge: ModeInCharge) -> _Plan:
        again = self.place.key in (_begun_for_run if in_charge.from_environment else ())
        own_mode = self._options.mode or "once"
        if (self.continues and self.place.key in _begun) or (again and own_mode == "auto"):
            # One of several blocks that record on one cassette: re-recording begins anew once, not in each of them.
            cassette = self._loaded_or_empty()
            return _Plan("auto", cassette, cassette.incomplete)
        if in_charge.from_environment:
            _begun_for_run.add(self.place.key)
        self._begin()
        self._load_to_replace()
        return _Plan("record", Cassette())

    def _plan_missing(self, error: CassetteLoadError) -> _Plan:
        wanted = self._in_charge.mode
        if wanted == "replay" or not self._in_charge.may_record:
            if self._in_charge.may_record:
                raise error
            raise _with_advice(error, why_not_recorded(self._shown)) from None
        self._begin()
        return _Plan("record" if wanted == "once" else "auto", Cassette())

    def _plan_present(self, cassette: Cassette) -> _Plan:
        wanted, may_record = self._in_charge.mode, self._in_charge.may_record
        found = cassette.incomplete
        unfinished = [mark for mark in found if mark.session not in _running]
        expired = self._expired(cassette)
        if expired and self._options.on_expired == "record" and wanted != "replay" and may_record:
            self._begin()
            return _Plan("record", Cassette(), expired=expired)
        if unfinished:
            self._begin()
            self._tell_incomplete()
        if not may_record or wanted == "replay":
            return _Plan("replay", cassette, expired=expired)
        if wanted == "auto" or found or (self.continues and self.place.key in _begun):
            return _Plan("auto", cassette, found, expired)
        return _Plan("replay", cassette, expired=expired)

    def _begin(self) -> None:
        _begun.add(self.place.key)

    def _loaded_or_empty(self) -> Cassette:
        try:
            return self.place.store.load()
        except CassetteNotFoundError:
            return Cassette()

    def _load_to_replace(self) -> None:
        """Load what a re-recording replaces, so that the store knows it; a damaged file may be replaced, too."""
        try:
            self.place.store.load()
        except (CassetteNotFoundError, CassetteFormatError):
            return

    def _tell_incomplete(self) -> None:
        mode = self._in_charge.mode
        what = f"the cassette {self._shown} is incomplete: a run that recorded it was ended, or its test failed"
        if not self._in_charge.may_record:
            raise CassetteLoadError(
                f"{what}. Under CI that is an error. {why_not_recorded(self._shown)}", path=self.place.name
            )
        if mode == "replay":
            _warn(f"{what}. It is replayed as far as it goes; the mode 'once' completes it, 'record' records it anew")

    def _expired(self, cassette: Cassette) -> int:
        """Count the interactions that are too old, and say so where that is asked for."""
        max_age = self._options.max_age
        if max_age is None:
            return 0
        oldest_allowed = datetime.now(UTC) - max_age
        ages = [_aware(each.recorded_at) for each in cassette.interactions if each.recorded_at is not None]
        expired = [each for each in ages if each < oldest_allowed]
        if not expired:
            return 0
        what = (
            f"{len(expired)} of {len(cassette.interactions)} interactions on the cassette {self._shown} are older than "
            f"{max_age}: the oldest is of {min(expired):%Y-%m-%d}. Record it anew with {MODE_VARIABLE}=record"
        )
        if self._options.on_expired == "error":
            raise CassetteExpiredError(what)
        can_record = self._in_charge.may_record and self._in_charge.mode != "replay"
        if self._options.on_expired == "warn" or not can_record:
            _warn(what)
        return len(expired)

    def _make_broker(self) -> SessionBroker:
        options, plan = self._options, self._plan
        cassette = plan.cassette
        if self._records and self._marks_from_the_start:
            cassette = cassette.model_copy(update={"incomplete": (*cassette.incomplete, self._mark)})
        return SessionBroker(
            cassette, plan.mode, None, self.place.store, match_on=options.match_on,
            before_record=options.before_record, before_replay=options.before_replay,
            allow_playback_repeats=options.allow_playback_repeats, record_failures=options.record_failures,
            name=self.place.name, advice="" if self._in_charge.may_record else why_not_recorded(self._shown),
        )

    @property
    def _records(self) -> bool:
        return self._plan.mode != "replay"

    @property
    def _marks_from_the_start(self) -> bool:
        return bool(getattr(self.place.store, "marks_recordings", False))

    @property
    def _shown(self) -> str:
        return shown(self.place.name) if self.place.path else self.place.name

    # -------------------------------------------------------------------------------------------- leaving

    def _settle_marks(self, error: BaseException | None, *, well: bool) -> None:
        """Clear the marks this session found and its own, or see to it that they are stored."""
        if not self._records:
            return
        try:
            if well:
                self._clear_marks()
            elif self.broker.recorded and not self._marks_from_the_start:
                self.broker.save_with_marks((*self.broker.cassette.incomplete, self._mark))
        except CassetteSaveError as failure:
            if error is None:
                raise
            error.add_note(f"{_NOTE_BEGINS}{self._shown}: {failure}")

    def _clear_marks(self) -> None:
        clearable = {mark.session for mark in self._plan.found} - _running
        stored_own = self._marks_from_the_start and bool(self.broker.recorded)
        if not clearable and not stored_own:
            return
        clearable.add(self._mark.session)
        self.broker.save_with_marks(
            tuple(mark for mark in self.broker.cassette.incomplete if mark.session not in clearable)
        )

    def _counts(self) -> Counts:
        outcomes = [call.outcome for call in self.broker.calls]
        return Counts(
            recorded=len(self.broker.recorded), replayed=outcomes.count("replayed"), live=outcomes.count("live"),
            missed=outcomes.count("missed"), unused=self.broker.unused_count, expired=self._plan.expired,
        )

    def _raise_what_was_swallowed(self, error: BaseException | None) -> None:
        if self.broker.misses:
            miss = self.broker.misses[0]
            if miss is not error:
                miss.add_note("The code under test caught this miss; it is raised again on leaving the block. "
                              "A test that expects it calls broker.misses.clear()")
                self._note(miss)
                raise miss
        if error is None and self._options.on_unused != "ignore" and self.broker.unused_count:
            self._tell_unused()

    def _tell_unused(self) -> None:
        unused = self.broker.unused
        lines = "".join(f"\n  {each.request.method} {each.request.url}" for each in unused[:_NOTE_LINES])
        more = f"\n  and {len(unused) - _NOTE_LINES} more" if len(unused) > _NOTE_LINES else ""
        number = "1 interaction" if len(unused) == 1 else f"{len(unused)} interactions"
        text = (
            f"{number} on the cassette {self._shown} nobody asked for:{lines}{more}\n"
            "Record it anew to drop what is not used any more, or delete it from the file"
        )
        if self._options.on_unused == "error":
            raise UnusedInteractionsError(text, interactions=unused)
        _warn(text)

    def _note(self, error: BaseException) -> None:
        """Add the tape to an exception of the block: what was replayed, what missed. Once, however deep."""
        notes = getattr(error, "__notes__", ())
        if not self.broker.calls or any(note.startswith(_NOTE_BEGINS) for note in notes) or _is_regular_end(error):
            return
        error.add_note(self._tape())

    def _tape(self) -> str:
        broker = self.broker
        calls = [f"\n  {call.outcome:<8} {call.request.method} {call.request.url}" for call in broker.calls]
        left = f"\n  ({len(calls) - _NOTE_LINES} before these)" if len(calls) > _NOTE_LINES else ""
        head = f"{_NOTE_BEGINS}{self._shown}, mode {broker.mode}, the requests so far:"
        return head + left + "".join(calls[-_NOTE_LINES:])


# The sessions that are recording in this process, by the names of their marks: their marks are nobody's to clear.
_running: set[str] = set()
# The cassettes whose recording began in this process; for a run with CASSETTES_MODE=record, those begun by that.
_begun: set[object] = set()
_begun_for_run: set[object] = set()


def _interception(broker: Broker, name: str, options: Options) -> Interception:
    more: dict[str, Any] = {"passthrough": options.passthrough} if options.passthrough else {}
    return Interception(broker, name=name, **more)


def _is_regular_end(error: BaseException) -> bool:
    """Tell whether an exception ends a block as its code wants it to end: by a skip, or by closing a generator."""
    if isinstance(error, GeneratorExit):
        return True
    case = sys.modules.get("unittest.case")
    if case is not None and isinstance(error, case.SkipTest):
        return True
    outcomes = sys.modules.get("_pytest.outcomes")
    return outcomes is not None and isinstance(error, outcomes.Skipped)


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _with_advice(error: CassetteLoadError, advice: str) -> CassetteLoadError:
    error.args = (f"{error.args[0]}. {advice}", *error.args[1:])
    return error


def _warn(text: str) -> None:
    """Warn, in the name of the code that uses the library."""
    level, frame = 1, sys._getframe(0)
    here = os.path.dirname(__file__)
    while frame.f_back is not None and _is_machinery(frame.f_code.co_filename, here):
        level, frame = level + 1, frame.f_back
    warnings.warn(text, CassetteWarning, stacklevel=level)


def _is_machinery(file: str, here: str) -> bool:
    return file.startswith(here) or os.path.basename(file) in ("contextlib.py", "case.py", "async_case.py")
