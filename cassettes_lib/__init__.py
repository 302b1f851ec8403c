"""HTTP record and replay for people who test with unittest and call the web with requests."""

from cassettes_lib._version import __version__
from cassettes_lib.adapter import CassetteAdapter
from cassettes_lib.broker import Broker, CassetteStore, LiveResponder
from cassettes_lib.errors import (
    AmbiguousCassetteError,
    CassetteError,
    CassetteExpiredError,
    CassetteFormatError,
    CassetteImportError,
    CassetteLoadError,
    CassetteNotFoundError,
    CassetteSaveError,
    InteractionFailedError,
    InteractionNotFoundError,
    LiveResponderRequiredError,
    NetworkBlockedError,
    UnusedInteractionsError,
)
from cassettes_lib.models import (
    Cassette,
    Interaction,
    InteractionFailure,
    InteractionRequest,
    InteractionResponse,
)
from cassettes_lib.recording import use_cassette
from cassettes_lib.redaction import Redactor
from cassettes_lib.stores import JsonFileCassetteStore

__all__ = [
    "use_cassette", "CassetteAdapter", "Redactor",
    "Broker", "CassetteStore", "LiveResponder", "JsonFileCassetteStore",
    "Cassette", "Interaction", "InteractionRequest", "InteractionResponse", "InteractionFailure",
    "CassetteError", "CassetteLoadError", "CassetteNotFoundError", "CassetteFormatError", "CassetteSaveError",
    "CassetteImportError", "InteractionNotFoundError", "InteractionFailedError", "UnusedInteractionsError",
    "CassetteExpiredError", "LiveResponderRequiredError", "AmbiguousCassetteError", "NetworkBlockedError",
    "__version__",
]
