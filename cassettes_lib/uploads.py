"""Uploads: the body of a request, known for matching and recording, and still sent as the caller meant it.

Strategy: bytes and strings are known. A file that can be rewound is read ahead and put back. What can be read only once
(a generator, a pipe) is either kept while the transport reads it, when nothing needs to be decided before, or read
ahead and handed on in the same pieces. The prepared request carries the caller's object again when the call is over.
"""

from __future__ import annotations

import io
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from requests.structures import CaseInsensitiveDict

from cassettes_lib.header_pairs import Headers, checked_headers
from cassettes_lib.models import InteractionRequest, unchecked

if TYPE_CHECKING:
    from requests import PreparedRequest


_AS_IT_IS = nullcontext()


class Upload:
    """The body of a prepared request."""

    def __init__(self, prepared: PreparedRequest) -> None:
        """Look at the body; nothing is read yet."""
        self._prepared = prepared
        self._body: Any = prepared.body
        self._pieces: list[bytes] = []
        self._known: bytes | None = _plain_bytes(self._body)
        self._last: InteractionRequest | None = None

    def request(self) -> InteractionRequest:
        """Return the value of the request, reading its body ahead where that has not been done.

        A file stays where it stood; what can be read only once is used up, and is sent from memory.
        """
        if self._known is None:
            self._known = self._read_ahead()
        return self._request(self._known)

    def request_before_sending(self) -> InteractionRequest:
        """Return the value of the request with as much of its body as is known without reading it."""
        return self._request(self._known or b"")

    def sending(self) -> AbstractContextManager[None]:
        """Have the prepared request carry a body that can be sent, and is kept; then the caller's own again."""
        return _AS_IT_IS if self._known is not None and not self._pieces else self._sending()

    @contextmanager
    def _sending(self) -> Iterator[None]:
        if self._known is None and _rewindable(self._body):
            self._known = self._read_ahead()
            yield
            return
        pieces = iter(self._pieces) if self._known is not None else self._kept()
        self._prepared.body = cast(Any, _Readable(pieces) if hasattr(self._body, "read") else pieces)
        try:
            yield
        finally:
            self._prepared.body = self._body
            if isinstance(pieces, Generator):
                pieces.close()  # what was not sent has not been read either

    def consume(self) -> None:
        """Leave a file as sending it would: at its end."""
        body = self._body
        if body is not None and self._known is not None and not isinstance(body, (bytes, str)) and _rewindable(body):
            try:
                body.seek(0, io.SEEK_END)
            except (OSError, TypeError, ValueError):  # a file of its own kind, which knows no end
                for _ in _pieces(self._body):
                    pass

    def _request(self, body: bytes) -> InteractionRequest:
        prepared, last = self._prepared, self._last
        method, url, headers = prepared.method or "GET", prepared.url or "", _pairs(prepared.headers)
        if type(url) is not str:
            url = _text(url)
        if last is None or (method, url, headers, body) != (last.method, last.url, last.headers, last.body):
            last = self._last = unchecked(InteractionRequest, {
                "method": method, "url": url, "headers": _checked(headers), "body": body,
            })
        return last

    def _read_ahead(self) -> bytes:
        if _rewindable(self._body):
            position = self._body.tell()
            content = b"".join(_pieces(self._body))
            self._body.seek(position)
            return content
        self._pieces = list(_pieces(self._body))
        return b"".join(self._pieces)

    def _kept(self) -> Generator[bytes, None, None]:
        kept: list[bytes] = []
        try:
            for piece in _pieces(self._body):
                kept.append(piece)
                yield piece
        finally:
            self._known = b"".join(kept)


class _Readable:
    """A file that gives pieces, whatever size is asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, size: int = -1) -> bytes:
        return next((piece for piece in self._pieces if piece), b"")

    def __iter__(self) -> Iterator[bytes]:  # urllib3 before version 2 asks for nothing else
        return self._pieces


def _plain_bytes(body: Any) -> bytes | None:
    """Return a body that is there as a whole, or None for one that has to be read."""
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode("utf-8", "surrogateescape")
    if hasattr(body, "read"):
        return None
    try:
        return bytes(memoryview(body))
    except TypeError:
        return None


def _pieces(body: Any) -> Iterator[bytes]:
    """Read a body in the pieces in which urllib3 would send it."""
    if not hasattr(body, "read"):
        if not hasattr(body, "__iter__"):
            raise TypeError(f"'body' must be a bytes-like object, file-like object, or iterable. Instead was {body!r}")
        for piece in body:
            yield piece.encode("utf-8") if isinstance(piece, str) else bytes(piece)
        return
    while piece := body.read(16384):
        yield piece.encode("utf-8") if isinstance(piece, str) else bytes(piece)


def _rewindable(body: Any) -> bool:
    """Tell whether a body is a file that can be read and put back."""
    if not (hasattr(body, "read") and hasattr(body, "tell") and hasattr(body, "seek")):
        return False
    try:
        body.seek(body.tell())
    except (OSError, ValueError):
        return False
    return True


def _pairs(headers: Any) -> Headers:
    # The pairs as requests keeps them; its `items` looks each of them up again.
    kept = getattr(headers, "_store", None) if isinstance(headers, CaseInsensitiveDict) else None
    pairs = tuple((headers or {}).items() if kept is None else kept.values())
    if {*map(type, chain.from_iterable(pairs))} <= {str}:  # the usual case, without a loop in Python
        return pairs
    return tuple([(_text(name), _text(value)) for name, value in pairs])


def _checked(headers: Headers) -> Headers:
    """Return checked headers: those of the request before, if they are equal, as they mostly are in a session."""
    latest = _latest_headers[0]
    if headers != latest:
        latest = _latest_headers[0] = checked_headers(headers)
    return latest


_latest_headers: list[Headers] = [()]


def _text(value: Any) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
