"""A cassette session: one stay in a block, from the loading of its cassette to the settling of what came of it.

Strategy: entering makes a plan, builds the Broker and puts it in charge. Leaving takes it out of charge first,
whatever else happens, then settles in this order: the exception of the block gets its note, the marks of an
unfinished recording are cleared or kept, the run's summary is told, and what was swallowed or not used is raised,
never in the place of an exception that the block itself has raised.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable
from types import TracebackType

from cassettes_lib.callers import warn_caller
from cassettes_lib.cassettes_used import note_use
from cassettes_lib.circumstances import Circumstances
from cassettes_lib.errors import CassetteSaveError, CassetteWarning, UnusedInteractionsError
from cassettes_lib.interception import Interception
from cassettes_lib.models import RecordingMark, new_mark
from cassettes_lib.modes import ModeInCharge, mode_in_charge, under_ci
from cassettes_lib.moments import this_second
from cassettes_lib.options import Options
from cassettes_lib.plans import Place, Planner, running_marks
from cassettes_lib.redaction_summary import log_redactions
from cassettes_lib.run_summary import Counts, run_summary
from cassettes_lib.session_broker import SessionBroker
from cassettes_lib.verdicts import Verdict

_LISTED = 12


class CassetteSession:
    """One stay in a block. A context manager, for one use; it may be left in any order, by any thread."""

    def __init__(
        self, find_place: Callable[[], Place], options: Options, *, part: str = "", fails: bool = False
    ) -> None:
        """Prepare; nothing is loaded before `start`.

        Args:
            find_place: Says where the cassette is kept; called once, by `start`.
            options: The options.
            part: The name of this block among those that share its cassette, so that what one of them has begun to
                record goes on in the next; "" when it shares it with none.
            fails: Whether the block is expected to fail.
        """
        self._find_place = find_place
        self._options = options
        self._part = part
        self._fails = fails

    def start(self) -> SessionBroker:
        """Load the cassette, and put its Broker in charge of the requests of this context.

        Raises:
            CassetteLoadError: It is missing and this run may not record, is damaged, or is incomplete under CI.
            CassetteExpiredError: It is too old.
        """
        options = self._options
        self._place = self._find_place()
        in_charge = mode_in_charge(options.mode)
        self._planner = Planner(self._place, options, in_charge, part=self._part)
        self._plan = self._planner.plan()
        self._mark = _new_mark() if self._plan.records else None
        self._verdict = Verdict()
        shown = self._place.shown
        self._broker = self._make_broker(in_charge, shown)
        self._interception = Interception(
            self._broker, shown, passthrough=options.passthrough, block_network=options.block_network,
            allow_network=options.allow_network, preserve_exact_body_bytes=options.preserve_exact_body_bytes,
        )
        run_summary.opened(self._place.name, self._place.path)
        self._process = os.getpid()
        self._interception.start()
        try:
            self._verdict.watch(self._broker.tape.note_on)
            if self._mark is not None:
                running_marks[self._mark.session] = self._place.key
        except BaseException:
            self._stop()
            raise
        return self._broker

    def end(self, error: BaseException | None = None) -> None:
        """Take the Broker out of charge, and settle what came of the session.

        Args:
            error: What the block raised, or None.

        Raises:
            InteractionNotFoundError: The block swallowed a miss.
            UnusedInteractionsError: Interactions were not asked for, and `on_unused="error"`.
            CassetteSaveError: The marks could not be cleared.
        """
        self._stop()
        log_redactions(self._place.path or self._place.name, self._broker.redacted)
        verdict = self._verdict
        failed_as_expected = verdict.has_failed_as_expected or (error is not None and self._fails)
        broke_off = error is not None and not _is_regular_end(error) and not failed_as_expected
        if broke_off and isinstance(error, Exception):
            self._broker.tape.note_on(error)
        failed = broke_off or verdict.has_failed
        if self._broker.recorded_count:
            self._planner.note_recorded()
        self._settle_marks(error, well=not failed)
        run_summary.closed(self._place.path or self._place.name, self._counts())
        self._note_use(error)
        if not failed and not failed_as_expected:
            self._raise_what_was_swallowed(error)

    def cancel(self) -> None:
        """Take the Broker out of charge of a block that has not begun."""
        self._stop()

    def __enter__(self) -> SessionBroker:
        """See `start`."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `end`."""
        self.end(error)

    def _make_broker(self, in_charge: ModeInCharge, shown: str) -> SessionBroker:
        options, plan = self._options, self._plan
        cassette = plan.cassette
        if self._mark is not None and self._marks_from_the_start:
            cassette = cassette.model_copy(update={"incomplete": (*cassette.incomplete, self._mark)})
        circumstances = Circumstances(
            cassette_name=shown, mode=plan.mode, wanted_mode="auto" if in_charge.mode == "auto" else "",
            test_id=self._verdict.test_id, test_runner=self._verdict.test_runner, under_ci=under_ci(),
            redacting=options.redact is not None, max_age=options.max_age,
        )
        return SessionBroker(
            cassette, plan.mode, None, self._place.store, circumstances=circumstances, match_on=options.match_on,
            redactor=options.redact and options.redact.with_placeholders(options.placeholders),
            before_record=options.before_record, before_replay=options.before_replay,
            allow_playback_repeats=options.allow_playback_repeats, record_failures=options.record_failures,
            tape=options.tape, expired=plan.withheld,
        )

    @property
    def _marks_from_the_start(self) -> bool:
        return bool(getattr(self._place.store, "marks_recordings", False))

    def _stop(self) -> None:
        try:
            self._interception.stop()  # it may warn of late threads, and a warning may be an error
        finally:
            self._verdict.stop()
            if self._mark is not None:
                running_marks.pop(self._mark.session, None)

    def _settle_marks(self, error: BaseException | None, *, well: bool) -> None:
        """Clear the marks this session found and its own, or see to it that they are stored."""
        own = self._mark
        if own is None or os.getpid() != self._process:
            return
        try:
            if well:
                self._clear_marks(own)
            elif not self._marks_from_the_start:
                marks = (*self._broker.cassette.incomplete, own)
                self._broker.mark(marks, save=self._broker.recorded_count > 0)
        except CassetteSaveError as failure:
            if error is None:
                raise
            error.add_note(f"and the cassette {self._place.shown} could not be saved: {failure}")

    def _clear_marks(self, own: RecordingMark) -> None:
        found = {mark.session for mark in self._plan.found} - set(running_marks)
        stored_own = self._marks_from_the_start and self._broker.recorded_count > 0
        marks = self._broker.cassette.incomplete
        left = tuple(mark for mark in marks if mark.session not in found and mark != own)
        self._broker.mark(left, save=bool(found) or stored_own)

    def _counts(self) -> Counts:
        broker = self._broker
        outcomes = [call.outcome for call in broker.calls]
        return Counts(
            recorded=broker.recorded_count, replayed=outcomes.count("replayed"), live=outcomes.count("live"),
            missed=outcomes.count("missed"), unused=broker.unused_count, expired=self._plan.expired,
        )

    def _note_use(self, error: BaseException | None) -> None:
        if not self._place.path:
            return
        try:
            note_use(self._place.path, lambda: self._broker.used_positions)
        except OSError as failure:
            if error is None:
                raise
            error.add_note(f"and the use of the cassette {self._place.shown} could not be noted: {failure}")

    def _raise_what_was_swallowed(self, error: BaseException | None) -> None:
        if self._broker.misses:
            miss = self._broker.misses[0]
            place = f", at {miss.caller}," if miss.caller else ""
            miss.add_note(
                f"The code under test caught this miss{place} so it is raised again on leaving the block. A test that "
                "expects it calls broker.misses.clear()"
            )
            self._broker.tape.note_on(miss)
            raise miss
        if error is None and self._options.on_unused != "ignore" and self._broker.unused_count:
            self._tell_unused()

    def _tell_unused(self) -> None:
        unused = self._broker.unused
        lines = "".join(f"\n  {each.request.method} {each.request.url}" for each in unused[:_LISTED])
        more = f"\n  and {len(unused) - _LISTED} more" if len(unused) > _LISTED else ""
        number = "1 interaction" if len(unused) == 1 else f"{len(unused)} interactions"
        text = (
            f"nobody asked for {number} on the cassette {self._place.shown}:{lines}{more}\n"
            "Record it anew to drop what is not used any more, or delete it from the file"
        )
        if self._options.on_unused == "error":
            raise UnusedInteractionsError(text, interactions=unused)
        warn_caller(text, CassetteWarning)


def _new_mark() -> RecordingMark:
    return new_mark(uuid.uuid4().hex, this_second())


def _is_regular_end(error: BaseException) -> bool:
    """Tell whether an exception ends a block as its code wants it to end: by a skip, or by closing a generator."""
    if isinstance(error, GeneratorExit):
        return True
    case = sys.modules.get("unittest.case")
    if case is not None and isinstance(error, case.SkipTest):
        return True
    outcomes = sys.modules.get("_pytest.outcomes")
    return outcomes is not None and isinstance(error, outcomes.Skipped)
