"""The codings of `Content-Encoding`: undoing them, applying them, and noting how to get the very same bytes again.

Strategy: a body is stored decoded, so that people can read it and secrets can be found in it. A note (the
`recoding` of a response) says with which settings of a usual compressor the received bytes come back; the settings
are found by trying (see `zlib_settings`). gzip and deflate are always known; br and zstd when a package that does them
is installed.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Collection, Iterable, Sequence

from cassettes_lib.decoders import GZIP, RAW, TooLargeError, brotli, undone, zstd
from cassettes_lib.zlib_settings import (
    Settings,
    deflate_settings,
    deflated_pieces,
    gzip_head,
    gzip_head_length,
    gzip_tail,
    parse_settings,
    zlib_head,
)

_MAX_CODINGS = 5  # what urllib3 undoes at most; more is an attack
MOST_OF_A_RESPONSE = 1 << 29
"""A response that holds more bytes than these stays as it came."""
MOST_LOOKED_INTO = 1 << 26
"""A body that holds more bytes than these is not looked into, to match it or to find secrets."""
# The last ones that were, because one request is looked into many times.
_too_large: tuple[tuple[bytes, tuple[str, ...], int], ...] = ()
_MAX_EXACT = 1 << 25  # no search in larger bodies: compressing them several times would take seconds
_MAX_EXACT_BROTLI = 1 << 16  # its highest quality takes a second for a megabyte


def codings_of(content_encoding: str | None) -> list[str]:
    """Return the names in a `Content-Encoding`, in lower case, in the order applied; `identity` says nothing."""
    names = [name.strip().lower() for name in (content_encoding or "").split(",")]
    return [name for name in names if name not in ("", "identity")]


def decoded(
    body: bytes,
    content_encoding: str | None,
    *,
    known: Collection[str] | None = None,
    most: int | None = None,
) -> bytes | None:
    """Undo the codings of a body, to look into it.

    Args:
        body: The encoded bytes.
        content_encoding: The value of the header `Content-Encoding`: one coding or several, in the order applied.
        known: Undo only these; None means all that can be undone here.
        most: How many bytes may result, of each coding; what holds more is left as it is. `MOST_LOOKED_INTO` if None.

    Returns:
        The bytes beneath; `body` itself when no coding is named; None when a coding is not known, the body is not
        (or not wholly) in it, or it holds too much.
    """
    stages = _stages(body, codings_of(content_encoding), known, MOST_LOOKED_INTO if most is None else most)
    return stages[-1] if stages else None


def decoded_with_note(
    body: bytes,
    content_encoding: str | None,
    *,
    known: Collection[str] | None = None,
    chunk_sizes: Sequence[int] | None = None,
    unfinished: bool = False,
) -> tuple[bytes, str] | None:
    """Undo the codings of a body, and find how to apply them again so that exactly `body` results.

    Args:
        body: The encoded bytes.
        content_encoding: The value of the header `Content-Encoding`.
        known: Undo only these; None means all that can be undone here.
        chunk_sizes: Boundaries in `body` that matter to its reader: where the bytes cannot be had again, at least the
            boundaries shall lie at the same places of what is beneath.
        unfinished: The body is only the beginning of one.

    Returns:
        The bytes beneath, and the note for `encoded`, which is empty when no usual setting gives `body`. None when
        the codings cannot be undone; see `decoded`.
    """
    codings = codings_of(content_encoding)
    stages = _stages(body, codings, known, MOST_OF_A_RESPONSE)
    if stages is None:
        return _unfinished(body, codings, known) if unfinished else None
    notes = []
    for coding, (outer, inner) in zip(reversed(codings), itertools.pairwise(stages), strict=True):
        note = _note(coding, outer, inner)
        if note is None and chunk_sizes and len(codings) == 1:
            note = _note_of_boundaries(coding, outer, chunk_sizes)
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
    pieces = encoded_pieces(body, content_encoding, note)
    return None if pieces is None else _joined(pieces)


def encoded_pieces(body: bytes, content_encoding: str | None, note: str = "") -> list[bytes] | None:
    """Apply codings to a body; as `encoded`, in pieces that end where the compressor was flushed."""
    codings = codings_of(content_encoding)
    notes = [each.strip() for each in note.split(",")] if note else []
    if len(notes) != len(codings):
        notes = [""] * len(codings)
    pieces = [body]
    for coding, its_note in zip(codings, notes, strict=True):
        word = its_note.removeprefix(f"{coding}-")
        result = _apply(_joined(pieces), coding, parse_settings(word) if word != its_note else None)
        if result is None:
            return None
        pieces = result
    return pieces


def _stages(body: bytes, codings: list[str], known: Collection[str] | None, most: int) -> list[bytes] | None:
    """Return the body and what is beneath each coding, outermost first; None when one of them cannot be undone."""
    global _too_large
    if len(codings) > _MAX_CODINGS or (known is not None and not set(codings) <= set(known)):
        return None
    stages = [body]
    attempt = (body, tuple(codings), most)
    if codings and attempt in _too_large:
        return None
    try:
        for coding in reversed(codings):
            result = undone(stages[-1], coding, most)
            if result is None:
                return None
            stages.append(result)
    except TooLargeError:
        _too_large = (*_too_large[-7:], attempt)
        return None
    return stages


def _unfinished(body: bytes, codings: list[str], known: Collection[str] | None) -> tuple[bytes, str] | None:
    """Undo a single gzip or deflate as far as it goes."""
    if len(codings) != 1 or (known is not None and codings[0] not in known):
        return None
    coding, window = codings[0], _window(codings[0], body)
    if window is None:
        return None
    try:
        beginning = zlib.decompressobj(window).decompress(body, MOST_OF_A_RESPONSE)
    except zlib.error:
        return None
    form = "" if coding != "deflate" else "raw-" if window == RAW else "zlib-"
    return (beginning, f"{coding}-{form}1p") if beginning else None


def _apply(body: bytes, coding: str, settings: Settings | None) -> list[bytes] | None:
    level = settings.level if settings else 1
    if coding in ("gzip", "x-gzip", "deflate"):
        return _zlib_pieces(body, coding != "deflate", settings or Settings(level=1))
    try:
        if coding == "br":
            return [bytes(brotli().compress(body, quality=min(level, 11)))]
        if coding == "zstd":
            return [_zstd_compressed(body, min(level, 22))]
    except ImportError:
        return None
    return None


def _zlib_pieces(body: bytes, gzip: bool, settings: Settings) -> list[bytes]:
    pieces = deflated_pieces(body, settings)
    if not gzip and settings.form == "raw":
        return pieces
    head = settings.head or (gzip_head(settings.level) if gzip else zlib_head(settings.level, settings.window))
    pieces[0] = head + pieces[0]
    if not settings.unfinished:
        pieces[-1] += gzip_tail(body) if gzip else zlib.adler32(body).to_bytes(4, "big")
    return pieces


def _note(coding: str, outer: bytes, inner: bytes) -> str | None:
    """Return the settings with which `_apply` makes `outer` of `inner`, or None."""
    if len(inner) > _MAX_EXACT:
        return None
    if coding in ("gzip", "x-gzip"):
        return _gzip_note(coding, outer, inner)
    if coding == "deflate":
        return _deflate_note(outer, inner)
    if coding == "br":
        tried: Iterable[int] = (5, 4, 6, 11, 1, 9, 3, 2, 7, 8, 10, 0) if len(inner) <= _MAX_EXACT_BROTLI else ()
    else:
        tried = (3, 1, 6, 9, 2, 4, 5, 7, 8)
    return next((f"{coding}-{level}" for level in tried if _apply(inner, coding, Settings(level)) == [outer]), None)


def _gzip_note(coding: str, outer: bytes, inner: bytes) -> str | None:
    length = gzip_head_length(outer)
    if length is None or outer[-8:] != gzip_tail(inner):
        return None
    found = deflate_settings(memoryview(outer)[length:-8], inner)
    if found is None:
        return None
    head = "" if outer[:length] == gzip_head(found.level) else f"-{outer[:length].hex()}"
    return f"{coding}-{found}{head}"


def _deflate_note(outer: bytes, inner: bytes) -> str | None:
    if len(outer) > 6 and outer[-4:] == zlib.adler32(inner).to_bytes(4, "big"):
        found = deflate_settings(memoryview(outer)[2:-4], inner)
        if found is not None:
            head = "" if outer[:2] == zlib_head(found.level, found.window) else f"-{outer[:2].hex()}"
            return f"deflate-zlib-{found}{head}"
    found = deflate_settings(memoryview(outer), inner)
    return f"deflate-raw-{found}" if found else None


def _note_of_boundaries(coding: str, outer: bytes, chunk_sizes: Sequence[int]) -> str | None:
    """Return settings that do not give the same bytes, but pieces of the same contents."""
    window = _window(coding, outer)
    if window is None:
        return None
    unpacker, flushes, start = zlib.decompressobj(window), [], 0
    for size in chunk_sizes:
        flushes.append(len(unpacker.decompress(outer[start : start + size])))
        start += size
    form = "" if coding != "deflate" else "raw-" if window == RAW else "zlib-"
    return f"{coding}-{form}{Settings(level=1, flushes=tuple(flushes[:-1]))}"


def _window(coding: str, body: bytes) -> int | None:
    """Return zlib's name of the format of a body in one of its codings; None for other codings."""
    if coding in ("gzip", "x-gzip"):
        return GZIP
    if coding != "deflate":
        return None
    try:
        zlib.decompressobj().decompress(body[:64])
    except zlib.error:
        return RAW
    return zlib.MAX_WBITS


def _joined(pieces: Sequence[bytes]) -> bytes:
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _zstd_compressed(body: bytes, level: int) -> bytes:
    module = zstd()
    if module.__name__ == "zstandard":
        return bytes(module.ZstdCompressor(level=level).compress(body))
    return bytes(module.compress(body, level))
