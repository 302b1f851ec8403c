"""Responses that have been read to their end, made in that state.

Strategy: to build a response of urllib3 around one of `http.client`, and to read the body through both, takes a third
of a replay, and most of what comes of it is the same each time. So it is done once, by the code that does it for every
other body, and what it left is copied. Only plain bodies are made so; and where a release of urllib3 or Python keeps
something in a response that is not known here and may not be shared, none is.
"""

from __future__ import annotations

import http.client
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from requests import Response
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict
from urllib3 import HTTPResponse
from urllib3._collections import HTTPHeaderDict
from urllib3.exceptions import HTTPError

from cassettes_lib.conversion import NO_BODY, filled, is_closing, message_of, plain_length, raw_from_response
from cassettes_lib.models import RESPONSE_DEFAULTS, InteractionResponse, unchecked

# What is each response's own.
_OWN_OF_RAW = frozenset((
    "_decoded_buffer", "_fp", "_fp_bytes_read", "_original_response", "_request_url", "headers", "reason", "status",
))
_OWN_OF_ORIGINAL = frozenset(("_method", "code", "headers", "msg", "reason", "status", "will_close"))


class _Pattern(NamedTuple):
    """The attributes of responses that have been read; without what is each one's own, but for the kind of buffer."""

    raw: dict[str, Any]
    original: dict[str, Any]
    buffer: type[Any]


def raw_after_reading(response: InteractionResponse, method: str, request_url: str | None) -> HTTPResponse | None:
    """Return what `raw_from_response` returns after its body was read at once.

    Args:
        response: The recorded response, which came whole.
        method: The method of the request.
        request_url: The target of the request, for `geturl`.

    Returns:
        The response of urllib3, or None where this kind of response has to be read.
    """
    fields = HTTPHeaderDict()
    by_name = filled(fields, response.headers)
    if (
        "transfer-encoding" in by_name or "content-encoding" in by_name or method == "HEAD"
        or response.http_version != "1.1" or response.status in NO_BODY
    ):
        return None
    length = plain_length(by_name)
    if "content-length" in by_name and (length != len(response.body) or len(by_name["content-length"]) > 2):
        return None
    pattern = _pattern(length is None)
    if pattern is None:
        return None
    message = message_of(response.headers, by_name)
    original = http.client.HTTPResponse.__new__(http.client.HTTPResponse)
    original.__dict__.update(
        pattern.original, _method=method, code=response.status, status=response.status, reason=response.reason,
        headers=message, msg=message, will_close=length is None or is_closing(by_name),
    )
    raw = HTTPResponse.__new__(HTTPResponse)
    raw.__dict__.update(
        pattern.raw, headers=fields, status=response.status, reason=response.reason, _request_url=request_url,
        _fp=original, _original_response=original, _fp_bytes_read=len(response.body),
        _decoded_buffer=pattern.buffer(),
    )
    return raw


@lru_cache(maxsize=2)
def _pattern(is_without_length: bool) -> _Pattern | None:
    headers = () if is_without_length else (("Content-Length", "1"),)
    response = {**RESPONSE_DEFAULTS, "status": 200, "reason": "OK", "headers": headers, "body": b"x"}
    raw = raw_from_response(unchecked(InteractionResponse, response), "GET")
    read(raw)
    original = raw._original_response
    assert original is not None
    attributes = vars(raw), vars(original)
    for own, all_of_them in zip((_OWN_OF_RAW, _OWN_OF_ORIGINAL), attributes, strict=True):
        if not own <= all_of_them.keys():
            return None
        if any(type(value) not in _SHARED for name, value in all_of_them.items() if name not in own):
            return None
    return _Pattern(dict(attributes[0]), dict(attributes[1]), type(raw._decoded_buffer))


_SHARED = (type(None), bool, int, str)


def read(raw: HTTPResponse) -> bytes:
    """Read the body of an unread response at once, and leave it as `Response.content` does, which takes slices.

    Raises:
        urllib3.exceptions.HTTPError: The body cannot be decoded, or is not as long as was said.
        OSError: The connection broke.
    """
    original = raw._original_response
    content = raw.read(decode_content=True)
    if original is not None:
        original.close()
    return content


def read_at_once(response: Response) -> bool:
    """Do what `response.content` does; return False where that fails, or leaves traces of how it was read."""
    raw = response.raw
    if type(response) is not Response or type(raw) is not HTTPResponse or raw.chunked:
        return False
    try:
        set_content(response, read(raw))
    except (HTTPError, OSError, ValueError):
        return False
    return True


def new_response() -> Response:
    """Return what `Response()` returns, at a third of its cost."""
    if _NEW is None:
        return Response()
    response = Response.__new__(Response)
    response.__dict__.update(_NEW, headers=CaseInsensitiveDict(), cookies=RequestsCookieJar(), history=[])
    return response


def _new_attributes() -> dict[str, Any] | None:
    """Return what all new responses may share, or None where a release of requests keeps something else in them."""
    own, attributes = {"headers": CaseInsensitiveDict, "cookies": RequestsCookieJar, "history": list}, vars(Response())
    if any(type(attributes.pop(name, None)) is not kind for name, kind in own.items()):
        return None
    return attributes if all(type(value) in (*_SHARED, timedelta) for value in attributes.values()) else None


_NEW = _new_attributes()


def set_content(response: Response, content: bytes) -> None:
    """Leave a response as `response.content` does."""
    response._content = content
    response._content_consumed = True  # type: ignore[attr-defined]
