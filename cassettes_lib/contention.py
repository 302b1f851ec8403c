"""Contention: where the threads of one session wait for each other in requests, with nothing there to wait for.

Strategy: a replay is over sooner than the interpreter would let another thread have its turn. Two habits of
`Session.send` make all of them take turns in the middle of it all the same. Before each request it looks for a .netrc,
and each look at the disk hands the interpreter's lock to whoever waits: without any tool, eight threads then take 1.4
times as long as one. And after each it searches the response for cookies under the lock of the session's jar. So, while
a block is open, whether there is a .netrc is asked of the C library, which keeps the interpreter's lock, and responses
that set no cookie are not searched. In all other cases requests does what it does; see
`docs/adr/threads-do-not-queue.rst` for what that saves, with one thread, too.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from typing import Any, cast

import requests.cookies
import requests.sessions
import requests.utils

from cassettes_lib.patches import Layer, PatchPoint

# What others put in the place of one of these is to be called.
_get_netrc_auth_of_requests = requests.utils.get_netrc_auth
_extract_cookies_of_requests = requests.cookies.extract_cookies_to_jar
_extract_cookies = CookieJar.extract_cookies
_exists = os.path.exists


def _get_netrc_auth(layer: Layer, *args: Any, **kwargs: Any) -> Any:
    """What `requests.sessions.get_netrc_auth` does while a block is open."""
    if layer.below is _get_netrc_auth_of_requests and _has_no_netrc():
        return None
    return layer.below(*args, **kwargs)


def _has_no_netrc() -> bool:
    """Tell whether there surely is no .netrc where requests looks for it."""
    home, access = os.environ.get("HOME"), _access_of_python if _is_alone() else _access()
    if access is None or home is None or os.environ.get("NETRC") is not None or os.path.exists is not _exists:
        return False
    for path in _netrc_paths(home, requests.utils.NETRC_FILES):  # noqa: SIM110 - all() takes three times as long
        if access(path, os.F_OK) == 0:
            return False
    return True


@functools.lru_cache(maxsize=8)
def _netrc_paths(home: str, names: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(os.fsencode(f"{home.rstrip('/')}/{name}") for name in names)


def _is_alone() -> bool:
    """Tell whether nobody waits for the interpreter's lock, so that a look at the disk may let go of it."""
    return os.name == "posix" and threading.active_count() == 1


def _access_of_python(path: bytes, mode: int) -> int:
    return 0 if os.access(path, mode) else -1


@functools.cache
def _access() -> Callable[[bytes, int], int] | None:
    """Return `access` of the C library, called with the interpreter's lock kept; None where there is none."""
    try:
        import ctypes  # here, since it takes 4 ms

        return cast(Callable[[bytes, int], int], ctypes.PyDLL(None).access)
    except (ImportError, OSError, TypeError, AttributeError):  # builds without it; Windows
        return None


def _extract_cookies_to_jar(layer: Layer, jar: Any, request: Any, response: Any) -> None:
    """What `requests.sessions.extract_cookies_to_jar` does while a block is open."""
    if layer.below is _extract_cookies_of_requests and _finds_no_cookie(jar, response):
        return
    layer.below(jar, request, response)


def _finds_no_cookie(jar: Any, response: Any) -> bool:
    """Tell whether a jar that does as those of the standard library will surely find no cookie in a response."""
    message = getattr(getattr(response, "_original_response", None), "msg", None)
    return (
        type(message) is HTTPMessage and "cookie" not in "".join(message.keys()).lower()
        and getattr(type(jar), "extract_cookies", None) is _extract_cookies
    )


CONTENTION_POINTS = (
    PatchPoint(requests.sessions, "get_netrc_auth", _get_netrc_auth),
    PatchPoint(requests.sessions, "extract_cookies_to_jar", _extract_cookies_to_jar),
)
