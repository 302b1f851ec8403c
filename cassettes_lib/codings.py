"""The codings of `Content-Encoding`: undoing them and applying them.

gzip and deflate are always known; br and zstd when the packages that urllib3 uses for them are installed.
"""

from __future__ import annotations

import importlib
import zlib
from typing import Any

_GZIP = 16 + zlib.MAX_WBITS


def decoded(body: bytes, content_encoding: str | None) -> bytes | None:
    """Undo the codings of a body.

    Args:
        body: The encoded bytes.
        content_encoding: The value of the header `Content-Encoding`: one coding or several, in the order applied.

    Returns:
        The bytes beneath; `body` itself when no coding is named; None when a coding is unknown or the body is not
        (or not wholly) in it.
    """
    result: bytes | None = body
    for coding in reversed(_codings(content_encoding)):
        if result is None:
            return None
        result = _undo(result, coding)
    return result


def encoded(body: bytes, content_encoding: str | None) -> bytes | None:
    """Apply codings to a body, the same bytes each time; None when one of them is unknown."""
    result: bytes | None = body
    for coding in _codings(content_encoding):
        if result is None:
            return None
        result = _apply(result, coding)
    return result


def _codings(content_encoding: str | None) -> list[str]:
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    return [name for name in names if name not in ("", "identity")]


def _undo(body: bytes, coding: str) -> bytes | None:
    try:
        if coding in ("gzip", "x-gzip"):
            return _inflated(body, _GZIP)
        if coding == "deflate":
            # RFC 9110 section 8.4.1.2 means zlib's format; some servers send the bare stream.
            plain = _inflated(body, zlib.MAX_WBITS)
            return _inflated(body, -zlib.MAX_WBITS) if plain is None else plain
        if coding == "br":
            return _bytes(_module("brotli", "brotlicffi").decompress(body))
        if coding == "zstd":
            return _bytes(_module("zstandard").ZstdDecompressor().decompressobj().decompress(body))
    except Exception:  # noqa: BLE001 - brotli and zstandard have error classes of their own; None says it all
        return None
    return None


def _apply(body: bytes, coding: str) -> bytes | None:
    if coding in ("gzip", "x-gzip"):
        compressor = zlib.compressobj(6, zlib.DEFLATED, _GZIP)
        return compressor.compress(body) + compressor.flush()
    if coding == "deflate":
        return zlib.compress(body)
    try:
        if coding == "br":
            return _bytes(_module("brotli", "brotlicffi").compress(body))
        if coding == "zstd":
            return _bytes(_module("zstandard").ZstdCompressor().compress(body))
    except ImportError:
        return None
    return None


def _inflated(body: bytes, window: int) -> bytes | None:
    """Inflate all members of a stream (gzip allows several); None when it is corrupt or ends early."""
    parts = []
    rest = body
    while rest:
        inflater = zlib.decompressobj(window)
        try:
            parts.append(inflater.decompress(rest))
        except zlib.error:
            if parts and window == _GZIP:  # padding after the last member is common and ignored by everybody
                break
            return None
        if not inflater.eof:
            return None
        rest = inflater.unused_data
    return b"".join(parts)


def _bytes(value: Any) -> bytes:
    return bytes(value)


def _module(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError(names[0])
