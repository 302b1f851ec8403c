"""HTTP record and replay for people who test with unittest and call the web with requests.

The first run records what the service says on a cassette, a JSON file; every later run replays it, offline.

    from cassettes_lib import use_cassette

    with use_cassette("cassettes/orders.json"):
        requests.get("https://api.example.com/orders")

`help(use_cassette)` tells its options; so with each of these:

In tests      `use_cassette`, for a block, a function or a class; `CassetteTestCase`, `CassetteMixin`
Matching      `ignoring` leaves out what changes with every run; `url`, `body`, `header`, `headers` are matchers
Secrets       `Redactor`; the default one is on
On a session  `CassetteAdapter`, in front of a `Broker`, with a `LiveResponder` where there is no session
Storing       `JsonFileCassetteStore`, `BufferedCassetteStore`, `FsspecCassetteStore`; `CassetteStore` is what yours
              must offer, and `CassetteStoreContract` tests it
Values        a `Cassette` has `Interaction`s: an `InteractionRequest` with an `InteractionResponse` or an
              `InteractionFailure`
Errors        every one is a `CassetteError`; `help("cassettes_lib.errors")` draws the tree. Warnings are
              `CassetteWarning`s
"""

import importlib
from typing import TYPE_CHECKING, Any

from cassettes_lib._version import __version__

if TYPE_CHECKING:
    from cassettes_lib.adapter import CassetteAdapter
    from cassettes_lib.broker import Broker, CassetteStore, LiveResponder
    from cassettes_lib.buffering import BufferedCassetteStore
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
    from cassettes_lib.remote_store import FsspecCassetteStore
    from cassettes_lib.store_contract import CassetteStoreContract
    from cassettes_lib.stores import JsonFileCassetteStore
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

# What is imported when it is first used, and from where: importing the package alone costs next to nothing.
_HOMES = {
    "adapter": ("CassetteAdapter",),
    "broker": ("Broker", "CassetteStore", "LiveResponder",),
    "buffering": ("BufferedCassetteStore",),
    "errors": (
        "AmbiguousCassetteError", "CassetteError", "CassetteExpiredError", "CassetteFormatError",
        "CassetteImportError", "CassetteLoadError", "CassetteNotFoundError", "CassetteSaveError", "CassetteWarning",
        "InteractionFailedError", "InteractionNotFoundError", "LiveResponderRequiredError", "NetworkBlockedError",
        "UnusedInteractionsError",
    ),
    "matching": ("body", "header", "headers", "ignoring", "url",),
    "models": ("Cassette", "Interaction", "InteractionFailure", "InteractionRequest", "InteractionResponse",),
    "recording": ("use_cassette",),
    "redaction": ("Redactor",),
    "stores": ("JsonFileCassetteStore",),
    "remote_store": ("FsspecCassetteStore",),
    "store_contract": ("CassetteStoreContract",),
    "testcase": ("CassetteMixin", "CassetteTestCase",),
}
_home_of = {name: home for home, names in _HOMES.items() for name in names}
_MEANS = {"Any", "TYPE_CHECKING", "importlib", "_HOMES", "_MEANS", "_home_of", "__dir__", "__getattr__"}


def __getattr__(name: str) -> Any:
    """Import what is used for the first time."""
    if name not in _home_of:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(importlib.import_module(f"{__name__}.{_home_of[name]}"), name)
    return value


def __dir__() -> list[str]:
    """Return what is public, what is imported late included, without the means of this module."""
    return sorted({*globals(), *__all__} - _MEANS)
