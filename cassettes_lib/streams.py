"""Streams: a live body that is delivered as it arrives and kept at the same time, and a recorded one that breaks off.

Strategy: the file from which `http.client` reads a response is replaced by one that reads from it, byte for byte in the
same steps, and keeps what came. The caller's objects, and their waiting, errors and closing, stay the live ones. The
file is closed when the body ends, when the caller closes the response, and when the response is garbage: each of these
ends the stream, and then what was kept is handed over, once.
"""

from __future__ import annotations

import atexit
import contextlib
import http.client
import io
import logging
import os
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from cassettes_lib.framing import BodyReceiver, Received

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

OnEnd = Callable[["LiveBody"], None]

_log = logging.getLogger("cassettes_lib")
_open: weakref.WeakSet[LiveBody] = weakref.WeakSet()


class LiveBody(io.RawIOBase):
    """The body of a live response, kept while it is read.

    Attributes:
        error: What the connection raised while the body was read, or None.
        ended: Whether the connection has ended.
        owner: Who records it.
    """

    def __init__(
        self, source: io.BufferedReader, receiver: BodyReceiver, on_end: OnEnd | None = None, owner: object = None
    ) -> None:
        """Stand between a response and its connection.

        Args:
            source: The file from which the response was to be read.
            receiver: Takes the framing off what is kept.
            on_end: Called once, when the stream has ended, with this object.
            owner: Who records it, for `finish_open_streams`.
        """
        super().__init__()
        self.owner = owner
        self._source = source
        self._receiver = receiver
        self._on_end = on_end
        self._process = os.getpid()  # a forked child has a copy of the stream, which is the parent's to record
        self.error: Exception | None = None
        self.ended = False
        if on_end is not None:
            _open.add(self)

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read once from the connection: what has arrived, waiting for the first byte only."""
        try:
            count = self._source.readinto1(buffer)
        except Exception as error:
            self.error = error
            raise
        if count:
            self._receiver.feed(bytes(memoryview(buffer)[:count]))
        else:
            self.ended = True
            self._receiver.end()
        return count

    def fileno(self) -> int:
        """The connection's."""
        return self._source.fileno()

    def close(self) -> None:
        """Close the connection's file, and hand over what was received, the first time."""
        if self.closed:
            return
        try:
            self._source.close()
        finally:
            super().close()
            self.finish()

    def finish(self) -> None:
        """Hand over what was received so far, if it has not been; what comes later is delivered and not kept."""
        on_end, self._on_end = self._on_end, None
        if on_end is None:
            return
        _open.discard(self)
        if os.getpid() != self._process:
            return
        try:
            on_end(self)
        except Exception as error:
            # Where the garbage collector ends the stream, Python drops the exception.
            _log.error("a streamed response could not be recorded: %s", error)
            raise

    @property
    def complete(self) -> bool:
        """Whether the whole body has been received."""
        return self._receiver.complete

    def received(self) -> Received:
        """Return what has come so far."""
        return self._receiver.received()


class BreakingBody(io.RawIOBase):
    """The bytes of a recorded body that broke off, then the error."""

    def __init__(self, data: bytes, error: Exception) -> None:
        """Deliver `data`, then raise `error`."""
        super().__init__()
        self._data = io.BytesIO(data)
        self._error = error

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read the next bytes.

        Raises:
            Exception: The recorded error, when they are used up.
        """
        count = self._data.readinto(buffer)
        if not count:
            raise self._error
        return count


class RecordedPart(io.RawIOBase):
    """The part of a body that had been received when its stream was closed; it says so when a caller reads on.

    Attributes:
        on_end: Called when a caller reads beyond the part.
    """

    def __init__(self, data: bytes) -> None:
        """Deliver `data`, then end."""
        super().__init__()
        self._data = io.BytesIO(data)
        self.on_end: Callable[[], None] | None = None

    def readable(self) -> bool:
        """Always True."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read the next bytes."""
        count = self._data.readinto(buffer)
        if not count and self.on_end is not None:
            self.on_end()
        return count


def keep_body(
    original: http.client.HTTPResponse, receiver: BodyReceiver, on_end: OnEnd | None = None, owner: object = None
) -> LiveBody:
    """Have the body of a live response kept while it is read; see `LiveBody`."""
    body = LiveBody(original.fp, receiver, on_end, owner)
    cast(Any, original).fp = io.BufferedReader(body)
    return body


def finish_open_streams(owner: object = None) -> None:
    """Record what has been received of the streams that are still open; done for all when the process ends.

    Args:
        owner: Only those that this one records; None means all.
    """
    for body in list(_open):
        if owner is not None and body.owner is not owner:
            continue
        with contextlib.suppress(Exception):  # logged, and nobody is left to catch it
            body.finish()


atexit.register(finish_open_streams)
