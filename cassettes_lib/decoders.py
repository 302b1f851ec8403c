"""Undoing one coding of `Content-Encoding`, but never beyond a size: a megabyte of it may hold a thousand.

Strategy: each decoder is told how much it may give, so that a bomb costs what the limit costs. None says that bytes are
not (or not wholly) in a coding; an error says that they are, and hold too much.
"""

from __future__ import annotations

import importlib
import zlib
from typing import Any

RAW = -zlib.MAX_WBITS
GZIP = 16 + zlib.MAX_WBITS
# A byte of brotli can stand for more than a megabyte.
_BROTLI_PIECE = 16


class TooLargeError(Exception):
    """A body holds more than what may be decoded."""


def undone(body: bytes, coding: str, most: int) -> bytes | None:
    """Undo a coding.

    Args:
        body: The encoded bytes.
        coding: The name of the coding, in lower case.
        most: How many bytes may result.

    Returns:
        The bytes beneath, or None when the coding is not known here, or the body is not wholly in it.

    Raises:
        TooLargeError: More bytes would result.
    """
    if coding in ("gzip", "x-gzip"):
        return _inflated(body, GZIP, most)
    if coding == "deflate":
        # RFC 9110 section 8.4.1.2 means zlib's format; some servers send the bare stream.
        result = _inflated(body, zlib.MAX_WBITS, most)
        return _inflated(body, RAW, most) if result is None else result
    try:
        if coding == "br":
            return _brotli_decompressed(body, most)
        if coding == "zstd":
            return _zstd_decompressed(body, most)
    except TooLargeError:
        raise
    except Exception:  # noqa: BLE001 - the packages have error classes of their own, ImportError included; None says it
        return None
    return None


def brotli() -> Any:
    """Return the package that does `br`.

    Raises:
        ImportError: None is installed.
    """
    return _module("brotlicffi", "brotli")


def zstd() -> Any:
    """Return the package that does `zstd`.

    Raises:
        ImportError: None is installed.
    """
    return _module("compression.zstd", "backports.zstd", "zstandard")


def _module(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError(names[-1])


def _inflated(body: bytes, window: int, most: int) -> bytes | None:
    """Inflate all members of a stream (gzip allows several)."""
    parts: list[bytes] = []
    rest, room = body, most
    while rest:
        inflater = zlib.decompressobj(window)
        try:
            part = inflater.decompress(rest, room + 1)
        except zlib.error:
            if parts and window == GZIP:  # padding after the last member is common and ignored by everybody
                break
            return None
        room = _left(room, part)
        parts.append(part)
        rest = inflater.unused_data
        if not inflater.eof or (rest and window != GZIP):
            return None
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _left(room: int, part: bytes) -> int:
    if len(part) > room:
        raise TooLargeError
    return room - len(part)


def _brotli_decompressed(body: bytes, most: int) -> bytes:
    """Decompress by pieces first, for their size: not all packages and releases take a limit."""
    module, room = brotli(), most
    decompressor = module.Decompressor()
    process = getattr(decompressor, "process", None) or decompressor.decompress
    for start in range(0, len(body), _BROTLI_PIECE):
        room = _left(room, process(body[start : start + _BROTLI_PIECE]))
    return bytes(module.decompress(body))


def _zstd_decompressed(body: bytes, most: int) -> bytes | None:
    module, room, parts = zstd(), most, []
    if module.__name__ == "zstandard":
        with module.ZstdDecompressor().stream_reader(body, read_across_frames=True) as reader:
            _left(most, reader.read(most + 1))
    while body:
        if module.__name__ == "zstandard":
            frame = module.ZstdDecompressor().decompressobj()
            part = frame.decompress(body)
        else:
            frame = module.ZstdDecompressor()
            part = frame.decompress(body, room + 1)
        room = _left(room, part)
        parts.append(part)
        if not frame.eof:
            return None
        body = frame.unused_data
    return b"".join(parts)
