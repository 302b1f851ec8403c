"""HTTP record and replay for people who test with unittest and call the web with requests."""

import importlib
from typing import TYPE_CHECKING, Any

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
    CassetteWarning,
    InteractionFailedError,
    InteractionNotFoundError,
    LiveResponderRequiredError,
    NetworkBlockedError,
    UnusedInteractionsError,
)
from cassettes_lib.matching import body, header, headers, ignoring, url
from cassettes_lib.models import (
    Cassette,
    Interaction,
    InteractionFailure,
    InteractionRequest,
    InteractionResponse,
)
from cassettes_lib.recording import use_cassette
from cassettes_lib.redaction import Redactor
from cassettes_lib.stores import BufferedCassetteStore, JsonFileCassetteStore

if TYPE_CHECKING:
    from cassettes_lib.remote_store import FsspecCassetteStore
    from cassettes_lib.store_contract import CassetteStoreContract
    from cassettes_lib.testcase import CassetteMixin, CassetteTestCase

__all__ = [
    "use_cassette", "CassetteAdapter", "Redactor",
    "ignoring", "url", "body", "header", "headers",
    "Broker", "CassetteStore", "LiveResponder", "JsonFileCassetteStore", "BufferedCassetteStore",
    "FsspecCassetteStore",
    "Cassette", "Interaction", "InteractionRequest", "InteractionResponse", "InteractionFailure",
    "CassetteError", "CassetteLoadError", "CassetteNotFoundError", "CassetteFormatError", "CassetteSaveError",
    "CassetteImportError", "InteractionNotFoundError", "InteractionFailedError", "UnusedInteractionsError",
    "CassetteExpiredError", "LiveResponderRequiredError", "AmbiguousCassetteError", "NetworkBlockedError",
    "CassetteWarning",
    "CassetteTestCase", "CassetteMixin", "CassetteStoreContract",
    "__version__",
]

# They need unittest or fsspec, which `import cassettes_lib` shall not import.
_LAZY = {
    "FsspecCassetteStore": "cassettes_lib.remote_store",
    "CassetteTestCase": "cassettes_lib.testcase",
    "CassetteMixin": "cassettes_lib.testcase",
    "CassetteStoreContract": "cassettes_lib.store_contract",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
