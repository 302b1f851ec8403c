"""Framing: where the body of a response ends on the wire, taken apart while it arrives and put together again.

Strategy: no I/O. Bytes are fed as they come from the connection; the receiver keeps the body without its framing, and
what a replay needs to break off at the very same byte. RFC 9112 section 6, read as leniently as `http.client` and
urllib3 read it: what the client took for a body is the body.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

FramingKind = Literal["none", "length", "chunked", "until_close"]

_LONGEST_LINE = 65536  # http.client and urllib3 give up beyond it


class Received(NamedTuple):
    """A body as far as it came.

    Attributes:
        body: The bytes, without chunked framing.
        chunk_sizes: The sizes of the whole chunks; None when the body was not chunked.
        complete: Whether the framing says that this is all.
        chunk_size: The announced size of the chunk in which the body broke off.
        rest: What had come of a chunk's end, or of the line with the size of the next one.
        bad: Whether that line is none.
    """

    body: bytes
    chunk_sizes: tuple[int, ...] | None = None
    complete: bool = True
    chunk_size: int | None = None
    rest: str = ""
    bad: bool = False


class BodyReceiver:
    """Takes the framing off a body while it arrives."""

    def __init__(self, kind: FramingKind, length: int = 0) -> None:
        """Start with nothing received.

        Args:
            kind: How the body is framed.
            length: Its length, where `kind` is "length".
        """
        self._kind = kind
        self._left = length if kind == "length" else 0
        self._parts: list[bytes] = []
        self._ended = False
        self._sizes: list[int] = []
        self._line = b""
        self._state: Literal["size", "data", "crlf", "trailer", "done", "bad"] = "size"

    @property
    def complete(self) -> bool:
        """Whether the whole body has been received."""
        if self._kind == "chunked":
            # Clients take the end of the connection within the trailer section for the end of the body.
            return self._state in ("trailer", "done")
        if self._kind == "until_close":
            return self._ended
        return self._left == 0

    def feed(self, data: bytes) -> None:
        """Take what has arrived."""
        if self._kind == "chunked":
            self._feed_chunked(data)
        elif self._kind == "until_close":
            self._parts.append(data)
        elif self._left:
            data = data[: self._left]
            self._left -= len(data)
            self._parts.append(data)

    def end(self) -> None:
        """Take note that the connection has ended."""
        self._ended = True

    def received(self) -> Received:
        """Return what has come so far."""
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts = [body]
        if self._kind != "chunked":
            return Received(body, complete=self.complete)
        within = self._state in ("data", "crlf")
        whole = self._sizes[:-1] if within else self._sizes
        rest = "" if self.complete else self._line.decode("latin-1")
        broken_size = self._sizes[-1] if within else None
        return Received(body, tuple(whole), self.complete, broken_size, rest, self._state == "bad")

    def _feed_chunked(self, data: bytes) -> None:
        position = 0
        while position < len(data) and self._state not in ("done", "bad"):
            if self._state == "data":
                part = data[position : position + self._left]
                position += len(part)
                self._parts.append(part)
                self._left -= len(part)
                if not self._left:
                    self._state = "crlf"
            elif self._state == "crlf":
                taken = data[position : position + 2 - len(self._line)]
                position += len(taken)
                self._line += taken
                if len(self._line) == 2:
                    self._line, self._state = b"", "size"
            else:
                end = data.find(b"\n", position) + 1
                self._line += data[position : end or len(data)]
                position = end or len(data)
                if end:
                    self._take_line()
                elif len(self._line) > _LONGEST_LINE:
                    self._state = "bad"

    def _take_line(self) -> None:
        if self._state == "trailer":
            if self._line in (b"\r\n", b"\n"):
                self._state = "done"
        else:
            try:
                size = int(self._line.split(b";", 1)[0], 16)
            except ValueError:
                size = -1
            if size < 0:
                self._state = "bad"
                return
            if size:
                self._sizes.append(size)
                self._left = size
            self._state = "data" if size else "trailer"
        self._line = b""


def chunked_wire(body: bytes, sizes: Sequence[int] | None, *, ended: bool = True) -> list[bytes | memoryview]:
    """Put a body into chunks.

    Args:
        body: The bytes.
        sizes: The sizes of the chunks; bytes beyond their sum are a chunk of their own, sizes beyond the body's are
            cut. None puts everything into one chunk.
        ended: Write the end mark, too. Without it, bytes beyond the sizes are left out.

    Returns:
        The pieces of what goes over the wire; views of `body` rather than copies.
    """
    view = memoryview(body)
    pieces: list[bytes | memoryview] = []
    start = 0
    for size in (*(sizes or ()), *((len(body),) if ended else ())):
        chunk = view[start : start + size] if size > 0 else b""
        if not chunk:  # a chunk of no size would be the end mark
            continue
        pieces += (b"%x\r\n" % len(chunk), chunk, b"\r\n")
        start += len(chunk)
    if ended:
        pieces.append(b"0\r\n\r\n")
    return pieces
