"""Every error of the library.

    CassetteError
    ├─ CassetteLoadError(path)
    │  ├─ CassetteNotFoundError
    │  └─ CassetteFormatError(line, column, member)
    ├─ CassetteSaveError(path)
    ├─ CassetteImportError(path, source_format)
    ├─ InteractionNotFoundError(request, nearest, reason)
    ├─ InteractionFailedError(request, failure)
    ├─ UnusedInteractionsError(interactions)
    ├─ CassetteExpiredError
    ├─ LiveResponderRequiredError(mode)
    ├─ AmbiguousCassetteError
    └─ NetworkBlockedError(request, caller)

None of them is a `requests.RequestException`: application code that retries or swallows those must not swallow ours.
Wrong arguments (an unknown mode, matcher or keyword) are `ValueError` and `TypeError`, as everywhere in Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cassettes_lib.models import Interaction, InteractionFailure, InteractionRequest


class CassetteWarning(UserWarning):
    """Something about a cassette that its owner should know, such as that its torn end was cut off."""


class CassetteError(Exception):
    """The base of all errors of this library. All of them can be copied and pickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The way of BaseException calls the class with `args`, which knows nothing of our keyword-only arguments.
        return _revived, (type(self), self.args, self.__dict__)


class CassetteLoadError(CassetteError):
    """A cassette could not be read.

    Attributes:
        path: Where it was looked for: a path, or what the store calls the place.
    """

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path


class CassetteNotFoundError(CassetteLoadError):
    """There is no cassette at this place."""


class CassetteFormatError(CassetteLoadError):
    """A cassette is there but is damaged, or of a newer format than this version reads.

    Attributes:
        path: Where it is, as in `CassetteLoadError`.
        line: Line of the damage, counted from 1, or None where it has no line.
        column: Column of the damage, counted from 1, or None.
        member: Path of the member with a wrong value, such as `interactions[3].response.status`, or "".
        empty: True when there is nothing at all, 0 bytes; where a mode records, that is as good as missing.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str,
        line: int | None = None,
        column: int | None = None,
        member: str = "",
        empty: bool = False,
    ) -> None:
        super().__init__(message, path=path)
        self.empty = empty
        self.line = line
        self.column = column
        self.member = member


class CassetteSaveError(CassetteError):
    """A cassette could not be written; what was stored before is as it was.

    Attributes:
        path: Where it was to be written.
    """

    def __init__(self, message: str, *, path: str) -> None:
        super().__init__(message)
        self.path = path


class CassetteImportError(CassetteError):
    """A recording of another tool could not be understood.

    Attributes:
        path: The file, or "" when only its text was given.
        source_format: The name of the format it was read as, such as `vcrpy`.
        interaction: Number of the interaction in the file, counted from 1, or None.
    """

    def __init__(self, message: str, *, path: str = "", source_format: str, interaction: int | None = None) -> None:
        super().__init__(message)
        self.path = path
        self.source_format = source_format
        self.interaction = interaction


@dataclass(frozen=True)
class NearestRequest:
    """A recorded request that came close.

    Attributes:
        position: Its position on the cassette, from 0.
        request: The recorded request.
        differs: What differs, by the names of the matchers, such as `body`; empty when it is equal.
        played: Whether it had been played when the miss happened.
    """

    position: int
    request: InteractionRequest
    differs: tuple[str, ...]
    played: bool


class InteractionNotFoundError(CassetteError):
    """A miss: nothing on the cassette answers a request.

    Attributes:
        request: What was asked, redacted.
        nearest: The recorded requests that come closest, at most three: each with what differs.
        reason: Why nothing answers: "nothing recorded", "none similar", "differs", "already played" or "expired".
        caller: Where the request was made, as `file:line`, or "".
    """

    def __init__(
        self, message: object, *, request: InteractionRequest, nearest: Sequence[NearestRequest] = (), reason: str = ""
    ) -> None:
        """Make the error.

        Args:
            message: The text, or an object whose `str` is the text, which is asked for when the error is printed.
            request: See the attributes.
            nearest: See the attributes.
            reason: See the attributes.
        """
        super().__init__(message)
        self.request = request
        self.nearest = tuple(nearest)
        self.reason = reason
        self.caller = ""


class InteractionFailedError(CassetteError):
    """What `Broker.respond` raises for an interaction that is a failure; the adapter raises the original class instead.

    Attributes:
        request: What was asked.
        failure: The recorded failure.
    """

    def __init__(self, request: InteractionRequest, failure: InteractionFailure) -> None:
        super().__init__(f"{request.method} {request.url} was recorded to fail with {failure.error}: {failure.message}")
        self.request = request
        self.failure = failure


class UnusedInteractionsError(CassetteError):
    """Interactions on the cassette were never asked for, and `on_unused="error"` says that they must be.

    Attributes:
        interactions: Those interactions.
    """

    def __init__(self, message: str, *, interactions: Sequence[Interaction]) -> None:
        super().__init__(message)
        self.interactions = tuple(interactions)


class CassetteExpiredError(CassetteError):
    """Interactions on the cassette are older than `max_age`, and `on_expired="error"` forbids that."""


class LiveResponderRequiredError(CassetteError):
    """A Broker that must ask the real service was not told how.

    Attributes:
        mode: The Broker's mode.
    """

    def __init__(self, mode: str) -> None:
        super().__init__(
            f"mode {mode!r} sends requests to the real service, but this Broker has no live responder; "
            "give one to Broker(live_responder=...) or to respond(), or use mode='replay'"
        )
        self.mode = mode


class AmbiguousCassetteError(CassetteError):
    """Several cassettes are open and none of them can be told to be in charge of a request."""


class NetworkBlockedError(CassetteError):
    """A request was about to reach the network while a cassette in replay is in charge of it.

    Attributes:
        request: Method and URL of the request.
        caller: Where it was made, as `file:line`, or "".
    """

    def __init__(self, message: str, *, request: Any = None, caller: str = "") -> None:
        super().__init__(message)
        self.request = request
        self.caller = caller


def _revived(kind: type[CassetteError], args: tuple[Any, ...], attributes: dict[str, Any]) -> CassetteError:
    """Make an error again from what `CassetteError.__reduce__` kept."""
    error = kind.__new__(kind, *args)
    error.__dict__.update(attributes)
    return error
