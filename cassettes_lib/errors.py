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
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cassettes_lib.models import Interaction, InteractionFailure, InteractionRequest


class CassetteWarning(UserWarning):
    """Something about a cassette that its owner should know, such as that its torn end was cut off."""


class CassetteError(Exception):
    """The base of all errors of this library."""


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
        line: Line of the damage, counted from 1, or None where it has no line.
        column: Column of the damage, counted from 1, or None.
        member: Path of the member with a wrong value, such as `interactions[3].response.status`, or "".
    """

    def __init__(
        self, message: str, *, path: str, line: int | None = None, column: int | None = None, member: str = ""
    ) -> None:
        super().__init__(message, path=path)
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


class InteractionNotFoundError(CassetteError):
    """A miss: nothing on the cassette answers a request.

    Attributes:
        request: What was asked, redacted.
        nearest: The recorded requests that come closest, at most three.
        reason: Why nothing answers.
    """

    def __init__(
        self, message: str, *, request: InteractionRequest, nearest: Sequence[Any] = (), reason: str = ""
    ) -> None:
        super().__init__(message)
        self.request = request
        self.nearest = tuple(nearest)
        self.reason = reason


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
