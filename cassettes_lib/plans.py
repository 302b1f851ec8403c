"""Plans: what a session is going to do, by its mode, the environment, and what is stored.

The table of modes is here, a function per case: `record`, a cassette that is missing, a cassette that is present.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from cassettes_lib.broker import CassetteStore, Mode
from cassettes_lib.callers import warn_caller
from cassettes_lib.circumstances import in_words
from cassettes_lib.errors import (
    CassetteExpiredError,
    CassetteFormatError,
    CassetteLoadError,
    CassetteNotFoundError,
    CassetteWarning,
)
from cassettes_lib.models import Cassette, RecordingMark, empty_cassette
from cassettes_lib.modes import MODE_VARIABLE, ModeInCharge, why_not_recorded
from cassettes_lib.options import Options
from cassettes_lib.run_summary import shown

# The names of the marks of the sessions that record in this process, which are nobody else's to clear, and the keys of
# their cassettes.
running_marks: dict[str, object] = {}
# The cassettes that were recorded on in this process by blocks that share them: by tests of one decorated class, and
# by `auto` blocks in a run with CASSETTES_MODE=record.
_begun: dict[object, _Begun] = {}


class _Begun(NamedTuple):
    """A recording by several blocks that has begun.

    Attributes:
        mode: The mode it began in.
        parts: The names of the blocks that have recorded.
        store: The store of the user, kept so that its id stays its own.
    """

    mode: str
    parts: set[str]
    store: CassetteStore | None


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
    def shown(self) -> str:
        """The name as people read it."""
        return shown(self.name) if self.path else self.name

    @property
    def key(self) -> object:
        """What two places of one cassette have in common."""
        if self.path:
            return self.path
        from cassettes_lib.remote_store import FsspecCassetteStore

        return self.store.url if isinstance(self.store, FsspecCassetteStore) else id(self.store)


class Plan(NamedTuple):
    """What a session does.

    Attributes:
        mode: The mode of its Broker.
        cassette: What that starts with.
        found: The marks of recordings that have not ended well; they are cleared when this one does.
        expired: How many interactions are older than they may be.
        withheld: Where those stand that are too old to be replayed, and when they were recorded.
    """

    mode: Mode
    cassette: Cassette
    found: tuple[RecordingMark, ...] = ()
    expired: int = 0
    withheld: Mapping[int, datetime] = {}

    @property
    def records(self) -> bool:
        """Whether anything can be recorded."""
        return self.mode != "replay"


class Planner:
    """Makes the plan of one session."""

    def __init__(self, place: Place, options: Options, in_charge: ModeInCharge, *, part: str) -> None:
        """Prepare; nothing is loaded.

        Args:
            place: Where the cassette is kept.
            options: The options of the block.
            in_charge: The mode that holds.
            part: The name of this block among those that share the cassette; "" when it shares it with none.
        """
        self._place = place
        self._options = options
        self._in_charge = in_charge
        self._part = part

    def plan(self) -> Plan:
        """Load the cassette and decide.

        Raises:
            CassetteLoadError: It is missing and this run may not record, is damaged, or is incomplete under CI.
            CassetteExpiredError: It is too old.
        """
        wanted = self._in_charge.mode
        if wanted == "record":
            return self._plan_record()
        try:
            cassette = self._place.store.load()
        except CassetteNotFoundError as error:
            return self._plan_missing(error)
        except CassetteFormatError as error:
            if not error.empty:
                raise
            return self._plan_missing(error)
        return self._plan_present(cassette)

    def note_recorded(self) -> None:
        """Take note that the session has recorded something."""
        if not self._shares:
            return
        if not self._goes_on:
            store = None if self._place.path else self._place.store
            _begun[self._place.key] = _Begun(self._in_charge.mode, set(), store)
        if self._part:
            _begun[self._place.key].parts.add(self._part)

    @property
    def _shares(self) -> bool:
        """Whether this is one of several blocks that record on one cassette."""
        in_charge = self._in_charge
        rerecorded = in_charge.from_environment and in_charge.mode == "record" and self._options.mode == "auto"
        return bool(self._part) or rerecorded

    @property
    def _goes_on(self) -> bool:
        """Whether an earlier one of several blocks has begun to record: recording begins anew once, not in each.

        A block that has had its part already, and is entered again, begins anew.
        """
        begun = _begun.get(self._place.key) if self._shares else None
        return begun is not None and begun.mode == self._in_charge.mode and self._part not in begun.parts

    def _plan_record(self) -> Plan:
        if self._goes_on or self._place.key in running_marks.values():
            cassette = self._loaded_or_empty()
            return Plan("auto", cassette, cassette.incomplete)
        self._load_to_replace()
        return Plan("record", empty_cassette())

    def _plan_missing(self, error: CassetteLoadError) -> Plan:
        wanted = self._in_charge.mode
        if wanted == "replay" or not self._in_charge.may_record:
            if self._in_charge.may_record:
                raise error
            raise _with_advice(error, why_not_recorded(self._place.shown)) from None
        return Plan("record" if wanted == "once" else "auto", empty_cassette())

    def _plan_present(self, cassette: Cassette) -> Plan:
        wanted, may_record = self._in_charge.mode, self._in_charge.may_record
        found = cassette.incomplete
        unfinished = [mark for mark in found if mark.session not in running_marks]
        expired = self._expired(cassette)
        withheld = expired if self._options.on_expired == "record" else {}
        if withheld and wanted != "replay" and may_record:
            return Plan("record", empty_cassette(), expired=len(expired))
        if unfinished:
            self._tell_incomplete()
        if not may_record or wanted == "replay":
            return Plan("replay", cassette, expired=len(expired), withheld=withheld)
        if wanted == "auto" or found or self._goes_on:
            return Plan("auto", cassette, found, expired=len(expired))
        return Plan("replay", cassette, expired=len(expired))

    def _loaded_or_empty(self) -> Cassette:
        try:
            return self._place.store.load()
        except CassetteNotFoundError:
            return empty_cassette()

    def _load_to_replace(self) -> None:
        """Load what a re-recording replaces, so that the store knows it; a damaged file may be replaced, too."""
        try:
            self._place.store.load()
        except (CassetteNotFoundError, CassetteFormatError):
            return

    def _tell_incomplete(self) -> None:
        mode = self._in_charge.mode
        what = f"the cassette {self._place.shown} is incomplete: a run that recorded it was ended, or its test failed"
        if not self._in_charge.may_record:
            raise CassetteLoadError(
                f"{what}. Under CI that is an error. {why_not_recorded(self._place.shown)}", path=self._place.name
            )
        if mode == "replay":
            advice = "It is replayed as far as it goes; the mode 'once' completes it, 'record' records it anew"
            warn_caller(f"{what}. {advice}", CassetteWarning)

    def _expired(self, cassette: Cassette) -> dict[int, datetime]:
        """Return where the interactions stand that are too old, and their times; say so where that is asked for."""
        max_age = self._options.max_age
        if max_age is None:
            return {}
        now = datetime.now(UTC)
        times = ((at, each.recorded_at) for at, each in enumerate(cassette.interactions))
        ages = {at: _aware(time) for at, time in times if time is not None}
        expired = {at: time for at, time in ages.items() if now - time > max_age}
        if not expired:
            return {}
        number = f"{len(expired)} of {len(cassette.interactions)} interactions on the cassette {self._place.shown}"
        what = (
            f"{number} are older than {in_words(max_age)}: the oldest is of {min(expired.values()):%Y-%m-%d}. "
            f"Record it anew with {MODE_VARIABLE}=record"
        )
        if self._options.on_expired == "error":
            raise CassetteExpiredError(what)
        if self._options.on_expired == "warn":
            warn_caller(what, CassetteWarning)
        return expired


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _with_advice(error: CassetteLoadError, advice: str) -> CassetteLoadError:
    error.args = (f"{error.args[0]}. {advice}", *error.args[1:])
    return error
