"""The undoing of Content-Encoding in foreign recordings, where the header may not tell the truth.

Strategy: recordings hold the body either encoded, as it came over the wire, or decoded under headers that still
describe the encoded form. Only a stream that decodes from its first byte to its checked end counts as encoded. What
does not even begin like one is taken as decoded already; what begins like one but is damaged stays as it came.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable

# A body that grows beyond this when decoded is kept encoded: it is a bomb, or too big to be read in a review anyway.
MAX_DECODED = 256 * 1024 * 1024
_MOST_CODINGS = 5  # what urllib3 undoes at most

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class _Damaged(Exception):
    """The stream begins as it should and then breaks, or is too large."""


class _Foreign(Exception):
    """The bytes are no stream of this coding."""


class _Unavailable(Exception):
    """The coding is unknown, or the module for it is not installed."""


def undo_content_encoding(body: bytes, content_encoding: str | None) -> tuple[bytes, bool]:
    """Undo a Content-Encoding that may not be there.

    Args:
        body: The bytes as a recording holds them.
        content_encoding: The value of the header, or None.

    Returns:
        The body, and whether it still is encoded as the header says (because it is damaged, of a coding that cannot be
        undone here, or a bomb).
    """
    codings = [coding.strip().lower() for coding in (content_encoding or "").split(",")]
    codings = [coding for coding in codings if coding and coding != "identity"]
    if not body or not codings:
        return body, False
    if len(codings) > _MOST_CODINGS:
        return body, True
    decoded = body
    for position, coding in enumerate(reversed(codings)):
        try:
            decoded = _decoder(coding)(decoded)
        except _Foreign:
            return body, position > 0
        except _Unavailable:
            return body, position > 0 or coding not in _DECODERS or not _is_text(body)
        except _Damaged:
            return body, True
    return decoded, False


def _decoder(coding: str) -> Callable[[bytes], bytes]:
    try:
        return _DECODERS[coding]
    except KeyError:
        raise _Unavailable from None


def _is_text(body: bytes) -> bool:
    try:
        return not _CONTROL.search(body.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _gunzip(body: bytes) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        raise _Foreign
    decoded, rest = bytearray(), body
    while rest:  # a gzip file is one or several members, RFC 1952 section 2.2
        if not rest.startswith(b"\x1f\x8b"):
            raise _Damaged
        part, rest = _inflate(rest, 31, MAX_DECODED - len(decoded))
        decoded += part
    return bytes(decoded)


def _undeflate(body: bytes) -> bytes:
    """Decode zlib, as RFC 9110 section 8.4.1.2 wants it, or the bare deflate that some servers send."""
    looks_like_zlib = body[0] & 0x0F == 8 and len(body) > 1 and int.from_bytes(body[:2]) % 31 == 0
    if looks_like_zlib:
        try:
            decoded, rest = _inflate(body, 15, MAX_DECODED)
        except _Damaged:
            if _is_text(body):  # `x` and a space is how much plain text could begin
                raise _Foreign from None
            raise
        if rest:
            raise _Damaged
        return decoded
    if _is_text(body):
        raise _Foreign
    try:
        decoded, rest = _inflate(body, -15, MAX_DECODED)
    except _Damaged:
        raise _Foreign from None
    if rest:
        raise _Foreign
    return decoded


def _inflate(body: bytes, window: int, limit: int) -> tuple[bytes, bytes]:
    """Return one decoded zlib, gzip or deflate stream and what stands behind it."""
    decompressor = zlib.decompressobj(window)
    try:
        decoded = decompressor.decompress(body, max(limit, 0) + 1)
    except zlib.error as error:
        raise _Damaged from error
    if not decompressor.eof or len(decoded) > limit:
        raise _Damaged
    return decoded, decompressor.unused_data


def _unbrotli(body: bytes) -> bytes:
    if _is_text(body):  # brotli has no magic bytes: short text can be a stream by accident
        raise _Foreign
    try:
        import brotli
    except ImportError:
        raise _Unavailable from None
    decompressor = brotli.Decompressor()
    decoded = bytearray()
    try:
        for start in range(0, len(body), 4096):
            decoded += decompressor.process(body[start : start + 4096])
            if len(decoded) > MAX_DECODED:
                raise _Damaged
    except brotli.error as error:
        raise _Foreign from error
    if not decompressor.is_finished():
        raise _Foreign
    return bytes(decoded)


def _unzstd(body: bytes) -> bytes:
    if not body.startswith(_ZSTD_MAGIC):
        raise _Foreign
    try:
        import zstandard
    except ImportError:
        raise _Unavailable from None
    decoded, rest = bytearray(), body
    try:
        while rest:  # frames follow each other, RFC 8878 section 3
            decompressor = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
            for start in range(0, len(rest), 4096):
                decoded += decompressor.decompress(rest[start : start + 4096])
                if len(decoded) > MAX_DECODED:
                    raise _Damaged
                if decompressor.eof:
                    rest = decompressor.unused_data + rest[start + 4096 :]
                    break
            else:
                raise _Damaged
    except zstandard.ZstdError as error:
        raise _Damaged from error
    return bytes(decoded)


_DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _undeflate,
    "br": _unbrotli,
    "zstd": _unzstd,
}
