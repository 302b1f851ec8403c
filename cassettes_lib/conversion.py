"""The way between the objects of requests and urllib3 and our values, both ways, wire-exact.

Strategy: a live response is taken apart into an `InteractionResponse`, and every response, live while recording or
replayed, is put together from one by the same code: a real `http.client.HTTPResponse` inside a real
`urllib3.HTTPResponse`. What the caller gets is therefore the same in both runs by construction.
"""

from __future__ import annotations

import http.client
import io
import zlib
from typing import TYPE_CHECKING, Any, cast

from urllib3 import HTTPResponse
from urllib3._collections import HTTPHeaderDict

from cassettes_lib.models import Headers, InteractionRequest, InteractionResponse

if TYPE_CHECKING:
    from requests import PreparedRequest


def request_from_prepared(prepared: PreparedRequest) -> InteractionRequest:
    """Return the value for a request about to be sent.

    A body that is a file is read from its position and put back there; the transport reads it again.
    """
    headers = tuple((_text(name), _text(value)) for name, value in (prepared.headers or {}).items())
    return InteractionRequest(
        method=prepared.method or "GET", url=prepared.url or "", headers=headers, body=_body_bytes(prepared)
    )


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def _body_bytes(prepared: PreparedRequest) -> bytes:
    body = cast(Any, prepared.body)
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode("utf-8")
    if isinstance(body, (bytes, bytearray)):
        return bytes(body)
    if hasattr(body, "read"):
        position = body.tell()
        content = body.read()
        body.seek(position)
        return content.encode("utf-8") if isinstance(content, str) else bytes(content)
    chunks = [each.encode("utf-8") if isinstance(each, str) else bytes(each) for each in body]
    prepared.body = cast(Any, iter(chunks))
    return b"".join(chunks)


def response_from_raw(raw: HTTPResponse) -> InteractionResponse:
    """Read a live response to its end and return its value."""
    body = raw.read(decode_content=False)
    encoding = raw.headers.get("Content-Encoding", "").lower()
    wire_body = False
    if encoding and body:
        try:
            body = zlib.decompress(body, 31) if encoding in ("gzip", "x-gzip") else zlib.decompress(body)
        except zlib.error:
            wire_body = True
    original = cast(Any, raw)._original_response
    pairs = original.msg.items() if original is not None else raw.headers.items()
    return InteractionResponse(
        status=raw.status, reason=raw.reason or "", headers=tuple(pairs), body=body, wire_body=wire_body,
        http_version="1.0" if raw.version == 10 else "1.1",
    )


def raw_from_response(response: InteractionResponse, method: str) -> HTTPResponse:
    """Return a fresh urllib3 response that delivers a recorded one."""
    body = _wire_body(response)
    message = http.client.HTTPMessage()
    for name, value in framed_headers(response, len(body), method):
        message.add_header(name, value)
    original = http.client.HTTPResponse(_NoSocket(), method=method)  # type: ignore[arg-type]
    original.status = original.code = response.status  # type: ignore[attr-defined]
    original.reason = response.reason
    original.version = 10 if response.http_version == "1.0" else 11
    original.headers = original.msg = message
    original.length = len(body)
    original.chunked = False
    original.will_close = True
    original.fp = io.BufferedReader(cast(Any, io.BytesIO(b"" if method == "HEAD" else body)))
    return HTTPResponse(
        body=original, headers=HTTPHeaderDict(message.items()), status=response.status, reason=response.reason,
        version=original.version, preload_content=False, decode_content=False, original_response=original,
        request_method=method,
    )


class _NoSocket:
    """What `http.client.HTTPResponse` asks for a file to read from."""

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO()


def framed_headers(response: InteractionResponse, length: int, method: str) -> Headers:
    """Return the headers with a Content-Length that fits."""
    if method == "HEAD" or response.status in (204, 304):
        return response.headers
    return tuple(
        (name, str(length)) if name.lower() == "content-length" else (name, value)
        for name, value in response.headers
        if name.lower() != "transfer-encoding"
    )


def _wire_body(response: InteractionResponse) -> bytes:
    encoding = (response.header("Content-Encoding") or "").lower()
    if response.wire_body or not response.body or not encoding:
        return response.body
    if encoding in ("gzip", "x-gzip"):
        packer = zlib.compressobj(1, wbits=31)
        return packer.compress(response.body) + packer.flush()
    return zlib.compress(response.body, 1) if encoding == "deflate" else response.body
