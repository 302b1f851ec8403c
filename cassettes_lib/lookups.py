"""Lookups: what a session looks for around each request, and seldom finds.

Strategy: `Session.send` is most of the time of a replay, and a quarter of that goes into searches: for a .netrc,
through all of the environment for proxies, through the URL for credentials, through the jar and the response for
cookies. The first lets go of the interpreter's lock for each look at the disk, and the last two take the lock of the
session's jar, so threads that share a session take turns in the middle of replays that are over sooner than a turn
lasts. While a block is open, layers on these functions find out in a tenth of the time that there is nothing to be
found, and say so; where there may be something, or anybody has changed how it is looked for, requests looks. Likewise
the headers of a live response are told apart (see `heads`), and the response is built. See
`docs/adr/what-a-session-looks-up.rst`.
"""

from __future__ import annotations

import _thread
import functools
import http.client
import os
from collections.abc import Callable
from http.client import HTTPMessage
from http.cookiejar import CookieJar
from typing import Any, cast
from urllib.request import getproxies_environment

import requests.adapters
import requests.cookies
import requests.models
import requests.sessions
import requests.utils
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

from cassettes_lib.adapter import BUILD_RESPONSE, built_plainly
from cassettes_lib.heads import plain_message
from cassettes_lib.patches import Layer, PatchPoint

# What others put in the place of one of these is to be called.
_get_netrc_auth_of_requests = requests.utils.get_netrc_auth
_get_environ_proxies_of_requests = requests.utils.get_environ_proxies
_extract_cookies_of_requests = requests.cookies.extract_cookies_to_jar
_parse_headers_of_http_client = http.client.parse_headers
_select_proxy_of_requests = requests.utils.select_proxy
_get_auth_from_url_of_requests = requests.utils.get_auth_from_url
_get_cookie_header_of_requests = requests.cookies.get_cookie_header
_add_cookie_header = CookieJar.add_cookie_header
_extract_cookies = CookieJar.extract_cookies
_exists = os.path.exists
_should_bypass_proxies = requests.utils.should_bypass_proxies


class LookupPoint(PatchPoint):
    """A function that is spared in the usual case; what stands in its place is made by `behaviour(layer)`.

    Several of them are called in each request, so they do without the function that other points have in front.
    """

    def function_of(self, layer: Layer) -> Any:
        """Return a function to stand in its place."""
        return self.behaviour(layer)


def _get_netrc_auth(layer: Layer) -> Any:
    def get_netrc_auth(*args: Any, **kwargs: Any) -> Any:
        if layer.blocks and layer.below is _get_netrc_auth_of_requests and _has_no_netrc():
            return None
        return layer.hand_on(*args, **kwargs)

    return get_netrc_auth


def _has_no_netrc() -> bool:
    """Tell whether there surely is no .netrc where requests looks for it."""
    home = os.environ.get("HOME")
    # Asked of `threading`, it would take a lock, for which all threads queue once one was stopped while it held it.
    access = _access() if _thread._count() else None
    if home is None or os.environ.get("NETRC") is not None or os.path.exists is not _exists:
        return False
    for path in _netrc_paths(home, requests.utils.NETRC_FILES):
        if access(path, os.F_OK) == 0 if access else os.access(path, os.F_OK):
            return False
    return True


@functools.lru_cache(maxsize=8)
def _netrc_paths(home: str, names: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(os.fsencode(f"{home.rstrip('/')}/{name}") for name in names)


@functools.cache
def _access() -> Callable[[bytes, int], int] | None:
    """Return `access` of the C library, called with the interpreter's lock kept; None where there is none.

    Other threads that wait for the lock would get it at every call that lets go of it, and each change costs.
    """
    try:
        import ctypes  # here, since it takes 4 ms

        return cast(Callable[[bytes, int], int], ctypes.PyDLL(None).access)
    except (ImportError, OSError, TypeError, AttributeError):  # builds without it; Windows
        return None


def _get_environ_proxies(layer: Layer) -> Any:
    def get_environ_proxies(*args: Any, **kwargs: Any) -> Any:
        if layer.blocks and layer.below is _get_environ_proxies_of_requests and _has_no_proxy():
            return {}
        return layer.hand_on(*args, **kwargs)

    return get_environ_proxies


def _has_no_proxy() -> bool:
    """Tell whether surely no variable of the environment names a proxy, and the system is not asked for any either."""
    return (
        requests.utils.getproxies is getproxies_environment  # type: ignore[attr-defined]
        and requests.utils.should_bypass_proxies is _should_bypass_proxies
        and "_PROXY" not in " ".join(os.environ).upper()
    )


def _select_proxy(layer: Layer) -> Any:
    def select_proxy(url: Any, proxies: Any) -> Any:
        if layer.blocks and layer.below is _select_proxy_of_requests and not proxies:
            return None
        return layer.hand_on(url, proxies)

    return select_proxy


def _get_auth_from_url(layer: Layer) -> Any:
    def get_auth_from_url(url: Any) -> Any:
        is_plain = type(url) is str and "@" not in url and "[" not in url
        if layer.blocks and layer.below is _get_auth_from_url_of_requests and is_plain:
            return "", ""
        return layer.hand_on(url)

    return get_auth_from_url


def _get_cookie_header(layer: Layer) -> Any:
    def get_cookie_header(jar: Any, request: Any) -> Any:
        if layer.blocks and layer.below is _get_cookie_header_of_requests and _has_no_cookie(jar):
            return None
        return layer.hand_on(jar, request)

    return get_cookie_header


def _has_no_cookie(jar: Any) -> bool:
    """Tell whether a jar that does as those of the standard library is empty."""
    kind = type(jar)
    return getattr(kind, "add_cookie_header", None) is _add_cookie_header and next(iter(jar), None) is None


def _extract_cookies_to_jar(layer: Layer) -> Any:
    def extract_cookies_to_jar(jar: Any, request: Any, response: Any) -> None:
        if layer.blocks and layer.below is _extract_cookies_of_requests and _finds_no_cookie(jar, response):
            return
        layer.hand_on(jar, request, response)

    return extract_cookies_to_jar


def _finds_no_cookie(jar: Any, response: Any) -> bool:
    """Tell whether a jar that does as those of the standard library will surely find no cookie in a response."""
    message = getattr(getattr(response, "_original_response", None), "msg", None)
    return (
        type(message) is HTTPMessage and "cookie" not in "".join(message.keys()).lower()
        and getattr(type(jar), "extract_cookies", None) is _extract_cookies
    )


def _build_response(layer: Layer) -> Any:
    def build_response(adapter: Any, req: Any, resp: Any) -> Any:
        if (
            layer.blocks and layer.below is BUILD_RESPONSE and type(resp) is HTTPResponse
            and requests.adapters.extract_cookies_to_jar is _extract_cookies_of_requests
        ):
            return built_plainly(adapter, req, resp)
        return layer.hand_on(adapter, req, resp)

    return build_response


def _parse_headers(layer: Layer) -> Any:
    def parse_headers(fp: Any, _class: Any = HTTPMessage) -> Any:
        if layer.blocks and layer.below is _parse_headers_of_http_client and _class is HTTPMessage:
            message = plain_message(fp)
            if message is not None:
                return message
        return layer.hand_on(fp, _class)

    return parse_headers


LOOKUP_POINTS = (
    LookupPoint(requests.sessions, "get_netrc_auth", _get_netrc_auth),
    LookupPoint(requests.sessions, "get_environ_proxies", _get_environ_proxies),
    LookupPoint(requests.models, "get_auth_from_url", _get_auth_from_url),
    LookupPoint(requests.models, "get_cookie_header", _get_cookie_header),
    LookupPoint(requests.adapters, "select_proxy", _select_proxy),
    LookupPoint(requests.sessions, "extract_cookies_to_jar", _extract_cookies_to_jar),
    LookupPoint(HTTPAdapter, "build_response", _build_response),
    LookupPoint(http.client, "parse_headers", _parse_headers),
)
