"""The codings of `Content-Encoding`: undoing them, applying them, and noting how to get the very same bytes again.

Strategy: a body is stored decoded, so that people can read it and secrets can be found in it. A note (the
`recoding` of a response) says with which settings of a usual compressor the received bytes come back; the settings
are found by trying. The beginning of the output tells most settings apart, so a wrong one costs little.
gzip and deflate are always known; br and zstd when a package that does them is installed.
"""

from __future__ import annotations

import importlib
import itertools
import re
import zlib
from collections.abc import Collection, Iterator
from typing import Any

_GZIP_MAGIC = b"\x1f\x8b\x08"
_RAW = -zlib.MAX_WBITS
_MAX_CODINGS = 5  # what urllib3 undoes at most; more is an attack
_PROBE = 1 << 18  # bytes compressed before the beginning of the output is compared
_MAX_EXACT = 1 << 25  # no search in larger bodies: compressing them several times would take seconds
_MAX_EXACT_BROTLI = 1 << 16  # its highest quality takes a second for a megabyte

_NOTE = re.compile(
    r"(?P<form>zlib|raw)?-?(?P<level>\d+)(?:m(?P<memory>\d))?(?:w(?P<window>\d+))?(?:-(?P<head>[0-9a-f]+))?"
)


def codings_of(content_encoding: str | None) -> list[str]:
    """Return the names in a `Content-Encoding`, in lower case, in the order applied; `identity` says nothing."""
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    return [name for name in names if name not in ("", "identity")]


def decoded(body: bytes, content_encoding: str | None, *, known: Collection[str] | None = None) -> bytes | None:
    """Undo the codings of a body.

    Args:
        body: The encoded bytes.
        content_encoding: The value of the header `Content-Encoding`: one coding or several, in the order applied.
        known: Undo only these; None means all that can be undone here.

    Returns:
        The bytes beneath; `body` itself when no coding is named; None when a coding is not known or the body is not
        (or not wholly) in it.
    """
    stages = _stages(body, codings_of(content_encoding), known)
    return stages[-1] if stages else None


def decoded_with_note(
    body: bytes, content_encoding: str | None, *, known: Collection[str] | None = None
) -> tuple[bytes, str] | None:
    """Undo the codings of a body, and find how to apply them again so that exactly `body` results.

    Returns:
        The bytes beneath, and the note for `encoded`, which is empty when no usual setting gives `body`. None when
        the codings cannot be undone; see `decoded`.
    """
    codings = codings_of(content_encoding)
    stages = _stages(body, codings, known)
    if stages is None:
        return None
    notes = []
    for coding, (outer, inner) in zip(reversed(codings), itertools.pairwise(stages), strict=True):
        note = _note(coding, outer, inner)
        if note is None:
            return stages[-1], ""
        notes.append(note)
    return stages[-1], ", ".join(reversed(notes))


def encoded(body: bytes, content_encoding: str | None, note: str = "") -> bytes | None:
    """Apply codings to a body, the same bytes each time.

    Args:
        body: The bytes.
        content_encoding: The value of the header `Content-Encoding`.
        note: What `decoded_with_note` found; without it the coding is as fast as it can be.

    Returns:
        The encoded bytes; `body` itself when no coding is named; None when one of them is not known here.
    """
    codings = codings_of(content_encoding)
    notes = [each.strip() for each in note.split(",")] if note else []
    if len(notes) != len(codings):
        notes = [""] * len(codings)
    for coding, its_note in zip(codings, notes, strict=True):
        result = _apply(body, coding, its_note)
        if result is None:
            return None
        body = result
    return body


def _stages(body: bytes, codings: list[str], known: Collection[str] | None) -> list[bytes] | None:
    """Return the body and what is beneath each coding, outermost first; None when one of them cannot be undone."""
    if len(codings) > _MAX_CODINGS or (known is not None and not set(codings) <= set(known)):
        return None
    stages = [body]
    for coding in reversed(codings):
        result = _undo(stages[-1], coding)
        if result is None:
            return None
        stages.append(result)
    return stages


def _undo(body: bytes, coding: str) -> bytes | None:
    if coding in ("gzip", "x-gzip"):
        return _inflated(body, 16 + zlib.MAX_WBITS)
    if coding == "deflate":
        # RFC 9110 section 8.4.1.2 means zlib's format; some servers send the bare stream.
        result = _inflated(body, zlib.MAX_WBITS)
        return _inflated(body, _RAW) if result is None else result
    try:
        if coding == "br":
            return bytes(_brotli().decompress(body))
        if coding == "zstd":
            return _zstd_decompressed(body)
    except Exception:  # noqa: BLE001 - the packages have error classes of their own, ImportError included; None says it
        return None
    return None


def _apply(body: bytes, coding: str, note: str) -> bytes | None:
    settings = _NOTE.fullmatch(note.partition("-")[2])
    level = int(settings["level"]) if settings else 1
    if coding in ("gzip", "x-gzip", "deflate"):
        gzip = coding != "deflate"
        head = bytes.fromhex(settings["head"] or "") if settings and len(settings["head"] or "") % 2 == 0 else b""
        if settings is None:
            packer = zlib.compressobj(1, wbits=31 if gzip else zlib.MAX_WBITS)
            return packer.compress(body) + packer.flush()
        window = min(max(int(settings["window"] or zlib.MAX_WBITS), 9), zlib.MAX_WBITS)
        memory = min(max(int(settings["memory"] or zlib.DEF_MEM_LEVEL), 1), 9)
        stream = _deflated(body, min(level, 9), memory, window)
        if gzip:
            return (head or _gzip_head(level)) + stream + _gzip_tail(body)
        if settings["form"] == "raw":
            return stream
        return (head or _zlib_head(level, window)) + stream + zlib.adler32(body).to_bytes(4, "big")
    try:
        if coding == "br":
            return bytes(_brotli().compress(body, quality=min(level, 11)))
        if coding == "zstd":
            return _zstd_compressed(body, min(level, 22))
    except ImportError:
        return None
    return None


def _note(coding: str, outer: bytes, inner: bytes) -> str | None:
    """Return the settings with which `_apply` makes `outer` of `inner`, or None."""
    if len(inner) > _MAX_EXACT:
        return None
    if coding in ("gzip", "x-gzip"):
        return _gzip_note(coding, outer, inner)
    if coding == "deflate":
        return _deflate_note(outer, inner)
    tried = (5, 4, 6, 11, 1, 9, 3, 2, 7, 8, 10, 0) if coding == "br" else (3, 1, 6, 9, 2, 4, 5, 7, 8)
    if coding == "br" and len(inner) > _MAX_EXACT_BROTLI:
        return None
    return next((f"{coding}-{each}" for each in tried if _apply(inner, coding, f"{coding}-{each}") == outer), None)


def _gzip_note(coding: str, outer: bytes, inner: bytes) -> str | None:
    length = _gzip_head_length(outer)
    if length is None or outer[-8:] != _gzip_tail(inner):
        return None
    found = _deflate_settings(memoryview(outer)[length:-8], inner)
    if found is None:
        return None
    level, words = found
    head = "" if outer[:length] == _gzip_head(level) else f"-{outer[:length].hex()}"
    return f"{coding}-{words}{head}"


def _deflate_note(outer: bytes, inner: bytes) -> str | None:
    if len(outer) > 6 and outer[-4:] == zlib.adler32(inner).to_bytes(4, "big"):
        found = _deflate_settings(memoryview(outer)[2:-4], inner)
        if found is not None:
            note = f"deflate-zlib-{found[1]}"
            return note if _apply(inner, "deflate", note) == outer else f"{note}-{outer[:2].hex()}"
    found = _deflate_settings(memoryview(outer), inner)
    return f"deflate-raw-{found[1]}" if found else None


def _deflate_settings(stream: memoryview, body: bytes) -> tuple[int, str] | None:
    """Return the level and the words that name all settings that compress `body` to exactly `stream`."""
    for level, memory, window in _usual_settings(len(body)):
        if _deflates_to(stream, body, level, memory, window):
            words = str(level)
            words += f"m{memory}" if memory != zlib.DEF_MEM_LEVEL else ""
            words += f"w{window}" if window != zlib.MAX_WBITS else ""
            return level, words
    return None


def _usual_settings(length: int) -> Iterator[tuple[int, int, int]]:
    """Yield level, memory level and window: zlib's own defaults, Apache's (memory 9), nginx's for small bodies."""
    for level in (6, 9, 1, 5, 4, 2, 3, 7, 8):
        yield level, 8, zlib.MAX_WBITS
    for level in (6, 9, 1):
        yield level, 9, zlib.MAX_WBITS
    # ngx_http_gzip_filter_module.c: while the body is small, window and memory are halved together.
    window, memory = zlib.MAX_WBITS, 8
    while window > 9 and length < (1 << (window - 1)) - 262:
        window, memory = window - 1, max(memory - 1, 1)
    if window < zlib.MAX_WBITS:
        for level in (1, 6, 5, 4, 9, 2, 3, 7, 8):
            yield level, memory, window


def _deflates_to(stream: memoryview, body: bytes, level: int, memory: int, window: int) -> bool:
    packer = zlib.compressobj(level, zlib.DEFLATED, -window, memory)
    view = memoryview(body)
    start = 0
    for part in (view[:_PROBE], view[_PROBE:]):
        output = packer.compress(part)
        if stream[start : start + len(output)] != output:
            return False
        start += len(output)
    return stream[start:] == packer.flush()


def _deflated(body: bytes, level: int, memory: int, window: int) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, -window, memory)
    return packer.compress(body) + packer.flush()


def _gzip_head(level: int) -> bytes:
    """Return the ten bytes that zlib itself writes: no time, no name, made on Unix (RFC 1952 section 2.3)."""
    return _GZIP_MAGIC + bytes(5) + bytes((2 if level == 9 else 4 if level == 1 else 0, 3))


def _gzip_tail(body: bytes) -> bytes:
    return zlib.crc32(body).to_bytes(4, "little") + (len(body) & 0xFFFFFFFF).to_bytes(4, "little")


def _gzip_head_length(data: bytes) -> int | None:
    """Return how long the header of a gzip member is, or None when it is unusual (RFC 1952 section 2.3)."""
    if len(data) < 18 or data[:3] != _GZIP_MAGIC or data[3] & 0xF6:
        return None
    length = 10
    if data[3] & 0x08:
        length = data.find(b"\0", 10, 266) + 1
    return length or None


def _zlib_head(level: int, window: int) -> bytes:
    """Return the two bytes before a zlib stream (RFC 1950 section 2.2)."""
    speed = 0 if level == 1 else 1 if level < 6 else 2 if level == 6 else 3
    first = ((window - 8) << 4) | 8
    second = speed << 6
    return bytes((first, second + (31 - (first * 256 + second) % 31) % 31))


def _inflated(body: bytes, window: int) -> bytes | None:
    """Inflate all members of a stream (gzip allows several); None when it is corrupt or ends early."""
    parts = []
    rest = body
    while rest:
        inflater = zlib.decompressobj(window)
        try:
            parts.append(inflater.decompress(rest))
        except zlib.error:
            if parts and window > zlib.MAX_WBITS:  # padding after the last member is common and ignored by everybody
                break
            return None
        if not inflater.eof:
            return None
        rest = inflater.unused_data if window > zlib.MAX_WBITS else b""
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _zstd_decompressed(body: bytes) -> bytes | None:
    module = _zstd()
    if hasattr(module, "ZstdDecompressor") and module.__name__ == "zstandard":
        parts = []
        while body:
            frame = module.ZstdDecompressor().decompressobj()
            parts.append(frame.decompress(body))
            if not frame.eof:
                return None
            body = frame.unused_data
        return b"".join(parts)
    return bytes(module.decompress(body))


def _zstd_compressed(body: bytes, level: int) -> bytes:
    module = _zstd()
    if module.__name__ == "zstandard":
        return bytes(module.ZstdCompressor(level=level).compress(body))
    return bytes(module.compress(body, level))


def _brotli() -> Any:
    return _module("brotlicffi", "brotli")


def _zstd() -> Any:
    return _module("compression.zstd", "backports.zstd", "zstandard")


def _module(*names: str) -> Any:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise ImportError(names[-1])
