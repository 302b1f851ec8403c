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

if TYPE_CHECKING:
    from cassettes_lib.testcase import CassetteMixin, CassetteTestCase

__all__ = [
    "use_cassette", "CassetteAdapter", "Redactor",
    "Broker", "CassetteStore", "LiveResponder", "JsonFileCassetteStore",
    "Cassette", "Interaction", "InteractionRequest", "InteractionResponse", "InteractionFailure",
    "CassetteError", "CassetteLoadError", "CassetteNotFoundError", "CassetteFormatError", "CassetteSaveError",
    "CassetteImportError", "InteractionNotFoundError", "InteractionFailedError", "UnusedInteractionsError",
    "CassetteExpiredError", "LiveResponderRequiredError", "AmbiguousCassetteError", "NetworkBlockedError",
    "CassetteWarning",
    "CassetteTestCase", "CassetteMixin",
    "__version__",
]

# They need unittest, which `import cassettes_lib` shall not import.
_LAZY = ("CassetteTestCase", "CassetteMixin")


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module("cassettes_lib.testcase"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
