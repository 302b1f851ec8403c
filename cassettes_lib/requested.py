"""What a test wants to have been requested, whether a request meets it, and the text that says why none does."""

from __future__ import annotations

import difflib
import json as json_module
import pprint
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cassettes_lib.models import InteractionRequest

ANYTHING: Any = object()
_LISTED = 20
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Wanted:
    """A request that a test wants to have been made; see `CassetteMixin.assertRequested` for the arguments."""

    def __init__(
        self,
        method: str,
        url: str,
        *,
        json: Any = ANYTHING,
        form: Any = ANYTHING,
        body: Any = ANYTHING,
        query: Any = ANYTHING,
        headers: Mapping[str, Any] | None = None,
    ) -> None:
        if not url.startswith("/") and "://" not in url:
            raise ValueError(f"{url!r} is neither a URL nor a path; a path begins with a slash: '/{url}'")
        self.method = method.upper()
        self.url = url
        self._json = json
        self._form = form
        self._body = body.encode("utf-8") if isinstance(body, str) else body
        self._query = query
        self._headers = headers or {}

    def is_met_by(self, request: InteractionRequest) -> bool:
        """Tell whether a request is such a one."""
        return self._is_of_its_line(request) and not self._differences(request)

    def failure(
        self,
        requests: Sequence[InteractionRequest],
        found: int,
        times: int | None,
        redacted: Callable[[InteractionRequest], InteractionRequest],
    ) -> str:
        """Return the text for a test that did not make this request as often as wanted.

        Args:
            requests: All that it made.
            found: How many of these were such ones.
            times: How many were wanted; None: at least one.
            redacted: Takes the secrets out of a request that is shown.
        """
        wanted = "" if times is None else f" {_times(times)}"
        was = "was not" if not found else f"was requested {_times(found)}, not"
        head = f"{self.method} {self.url} {was}{' requested' if not found else ''}{wanted if found or times else ''}"
        near = [] if found else [request for request in requests if self._is_of_its_line(request)]
        if near:
            head += f" like this; of {len(near)} such requests the last one differs:" if len(near) > 1 else (
                " like this; the one that was made differs:"
            )
            return "\n".join([head, *self._differences(near[-1], redacted(near[-1]))])
        if not requests:
            return f"{head}; the test made no requests"
        lines = [f"  {request.method} {request.url}" for request in map(redacted, requests)]
        more = [f"  and {len(lines) - _LISTED} more"] if len(lines) > _LISTED else []
        return "\n".join([f"{head}; the test requested:", *lines[:_LISTED], *more])

    def _is_of_its_line(self, request: InteractionRequest) -> bool:
        if request.method.upper() != self.method:
            return False
        wanted, made = urlsplit(self.url), urlsplit(request.url)
        if wanted.scheme and (wanted.scheme.lower(), _authority(wanted)) != (made.scheme.lower(), _authority(made)):
            return False
        if (wanted.path or "/") != (made.path or "/"):
            return False
        return "?" not in self.url or _pairs(_parsed(wanted.query)) == _pairs(_parsed(made.query))

    def _differences(self, request: InteractionRequest, shown: InteractionRequest | None = None) -> list[str]:
        """Return lines about what a request of the right method and URL has otherwise than wanted.

        Args:
            request: The request.
            shown: The same as it may be shown.
        """
        lines: list[str] = []
        shown = shown or request
        for name, value in self._headers.items():
            if value != request.header(name):
                lines += _unequal(f"header {name}", value, shown.header(name))
        if self._query is not ANYTHING and _pairs(self._query) != _pairs(_query_of(request)):
            lines += _unequal("query", self._query, _query_of(shown))
        if self._json is not ANYTHING and self._json != _json_of(request):
            lines += _unequal("json", self._json, _json_of(shown))
        if self._form is not ANYTHING and _pairs(self._form) != _pairs(_form_of(request)):
            lines += _unequal("form", self._form, _form_of(shown))
        if self._body is not ANYTHING and self._body != request.body:
            lines += _unequal("body", self._body, shown.body)
        return lines


class _NotJson:
    """Stands for a body that is no JSON; equal to nothing."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __repr__(self) -> str:
        return f"{self._body[:200]!r}, which is not JSON"


def _json_of(request: InteractionRequest) -> Any:
    try:
        return json_module.loads(request.body)
    except (ValueError, RecursionError):
        return _NotJson(request.body)


def _query_of(request: InteractionRequest) -> list[tuple[str, str]]:
    return _parsed(urlsplit(request.url).query)


def _form_of(request: InteractionRequest) -> list[tuple[str, str]]:
    return _parsed(request.body.decode("utf-8", "replace"))


def _unequal(what: str, wanted: Any, made: Any) -> list[str]:
    first, second = (pprint.pformat(value, width=100).splitlines() for value in (wanted, made))
    if len(first) == len(second) == 1:
        return [f"  {what}: wanted {first[0]}", f"  {' ' * len(what)}     made {second[0]}"]
    diff = difflib.unified_diff(first, second, f"{what}, wanted", f"{what}, made", lineterm="", n=2)
    return [f"  {line}" for line in diff]


def _pairs(given: Any) -> Counter[tuple[str, str]]:
    """Return names and values, whatever their order, of a mapping (to a value or to several) or of pairs."""
    items: Iterable[tuple[Any, Any]] = given.items() if isinstance(given, Mapping) else given
    return Counter(
        (str(name), str(value))
        for name, values in items
        for value in (values if isinstance(values, (list, tuple)) else [values])
    )


def _parsed(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True)


def _authority(url: Any) -> tuple[str, int | None]:
    return (url.hostname or "").lower(), url.port or _DEFAULT_PORTS.get(url.scheme.lower())


def _times(number: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")
