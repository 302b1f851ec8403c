"""The settings with which a body was compressed by zlib, found by trying, and written down in a word.

Strategy: nearly every server that compresses with zlib does so with one of a few settings, and perhaps flushes after
each event. The flushes can be seen in the stream. For each setting the beginning of its output is compared before the
rest is made, so that a wrong one costs little.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from cassettes_lib.late_patterns import late_pattern

_GZIP_MAGIC = b"\x1f\x8b\x08"
_FLUSH_MARK = b"\x00\x00\xff\xff"  # RFC 1951 section 3.2.4: an empty stored block; what a flush ends with
_PROBE = 1 << 18  # bytes compressed before the beginning of the output is compared
_MAX_FLUSHES = 10_000

_WORD = late_pattern(
    r"(?:(?P<form>zlib|raw)-)?(?P<level>\d{1,2})(?:m(?P<memory>\d))?(?:w(?P<window>\d{1,2}))?"
    r"(?:(?P<flush>[fF])(?P<sizes>\d+(?::\d+)*))?(?P<unfinished>p)?(?:-(?P<head>(?:[0-9a-f]{2})+))?"
)


class Settings(NamedTuple):
    """How a body is compressed.

    Attributes:
        level: The level, as the compressor counts.
        memory: zlib's memory level.
        window: The logarithm of zlib's window.
        flushes: How many bytes were compressed before each flush, after the one before.
        full: Whether the flushes were full ones, which forget what came before.
        unfinished: Whether the stream is not ended.
        form: "raw" for deflate without its wrapper.
        head: The header of the gzip or zlib stream, where it is not zlib's own.
    """

    level: int
    memory: int = zlib.DEF_MEM_LEVEL
    window: int = zlib.MAX_WBITS
    flushes: tuple[int, ...] = ()
    full: bool = False
    unfinished: bool = False
    form: str = ""
    head: bytes = b""

    def __str__(self) -> str:
        word = str(self.level)
        word += f"m{self.memory}" if self.memory != zlib.DEF_MEM_LEVEL else ""
        word += f"w{self.window}" if self.window != zlib.MAX_WBITS else ""
        if self.flushes:
            word += ("F" if self.full else "f") + ":".join(map(str, self.flushes))
        return word


def parse_settings(word: str) -> Settings | None:
    """Read settings; None when the word says none."""
    found = _WORD.fullmatch(word)
    if found is None:
        return None
    return Settings(
        level=int(found["level"]),
        memory=min(max(int(found["memory"] or zlib.DEF_MEM_LEVEL), 1), 9),
        window=min(max(int(found["window"] or zlib.MAX_WBITS), 9), zlib.MAX_WBITS),
        flushes=tuple(map(int, found["sizes"].split(":"))) if found["sizes"] else (),
        full=found["flush"] == "F", unfinished=bool(found["unfinished"]),
        form=found["form"] or "", head=bytes.fromhex(found["head"] or ""),
    )


def deflate_settings(stream: memoryview, body: bytes) -> Settings | None:
    """Return settings that compress `body` to exactly the bare deflate `stream`; None when no usual ones do."""
    flushes = _flushes(stream)
    for settings in _usual_settings(len(body)):
        if flushes is None:
            if _gives(stream, body, settings):
                return settings
            continue
        for full in (False, True):
            flushing = settings._replace(flushes=flushes, full=full)
            if _gives(stream, body, flushing):
                return flushing
    return None


def deflated_pieces(body: bytes, settings: Settings) -> list[bytes]:
    """Compress to a bare deflate stream, in pieces that end with the flushes."""
    return list(_compressed(body, settings))


def gzip_head(level: int) -> bytes:
    """Return the ten bytes that zlib itself writes: no time, no name, made on Unix (RFC 1952 section 2.3)."""
    return _GZIP_MAGIC + bytes(5) + bytes((2 if level == 9 else 4 if level == 1 else 0, 3))


def gzip_tail(body: bytes) -> bytes:
    """Return the checksum and the length that end a gzip member."""
    return zlib.crc32(body).to_bytes(4, "little") + (len(body) & 0xFFFFFFFF).to_bytes(4, "little")


def gzip_head_length(data: bytes) -> int | None:
    """Return how long the header of a gzip member is, or None when it is unusual (RFC 1952 section 2.3)."""
    if len(data) < 18 or data[:3] != _GZIP_MAGIC or data[3] & 0xF6:
        return None
    length = 10
    if data[3] & 0x08:
        length = data.find(b"\0", 10, 266) + 1
    return length or None


def zlib_head(level: int, window: int) -> bytes:
    """Return the two bytes before a zlib stream (RFC 1950 section 2.2)."""
    speed = 0 if level == 1 else 1 if level < 6 else 2 if level == 6 else 3
    first = ((window - 8) << 4) | 8
    second = speed << 6
    return bytes((first, second + (31 - (first * 256 + second) % 31) % 31))


def _usual_settings(length: int) -> Iterator[Settings]:
    """Yield zlib's own defaults, Apache's (memory 9), and nginx's for small bodies."""
    for level in (6, 9, 1, 5, 4, 2, 3, 7, 8):
        yield Settings(level)
    for level in (6, 9, 1):
        yield Settings(level, memory=9)
    # ngx_http_gzip_filter_module.c: while the body is small, window and memory are halved together.
    window, memory = zlib.MAX_WBITS, 8
    while window > 9 and length < (1 << (window - 1)) - 262:
        window, memory = window - 1, max(memory - 1, 1)
    if window < zlib.MAX_WBITS:
        for level in (1, 6, 5, 4, 9, 2, 3, 7, 8):
            yield Settings(level, memory, window)


def _flushes(stream: memoryview) -> tuple[int, ...] | None:
    """Return how much was compressed before each flush that can be seen in a stream; None when there is none."""
    data = bytes(stream)
    unpacker, sizes, start = zlib.decompressobj(-zlib.MAX_WBITS), list[int](), 0
    while (end := data.find(_FLUSH_MARK, start) + 4) >= 4:
        if len(sizes) == _MAX_FLUSHES:
            return None
        try:
            sizes.append(len(unpacker.decompress(data[start:end])))
        except zlib.error:
            return None
        start = end
    return tuple(sizes) or None


def _gives(stream: memoryview, body: bytes, settings: Settings) -> bool:
    """Tell whether settings compress `body` to `stream`; stops at the first difference."""
    start = 0
    for piece in _compressed(body, settings, probing=not settings.flushes):
        if stream[start : start + len(piece)] != piece:
            return False
        start += len(piece)
    return start == len(stream)


def _compressed(body: bytes, settings: Settings, *, probing: bool = False) -> Iterator[bytes]:
    packer = zlib.compressobj(min(settings.level, 9), zlib.DEFLATED, -settings.window, settings.memory)
    mode = zlib.Z_FULL_FLUSH if settings.full else zlib.Z_SYNC_FLUSH
    view, start = memoryview(body), 0
    for size in settings.flushes:
        yield packer.compress(view[start : start + size]) + packer.flush(mode)
        start += size
    if probing and len(body) > _PROBE:
        yield packer.compress(view[:_PROBE])
        start = _PROBE
    yield packer.compress(view[start:]) + packer.flush(zlib.Z_SYNC_FLUSH if settings.unfinished else zlib.Z_FINISH)
