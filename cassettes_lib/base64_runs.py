"""Runs of base64 inside other text: reading one, and writing another in the same manner."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache

from cassettes_lib.late_patterns import late_pattern

_ALPHABETS = ("A-Za-z0-9+/", "A-Za-z0-9_-", "A-Za-z0-9")
_FOLD = late_pattern(r"\r?\n")


def decoded_run(run: str) -> bytes | None:
    """Return the bytes that a run stands for: either alphabet, padded or not, folded into lines or not; or None."""
    digits = run.replace("\r", "").replace("\n", "").rstrip("=")
    if len(digits) % 4 == 1:
        return None
    try:
        data = base64.b64decode(digits + "=" * (-len(digits) % 4), _altchars(digits), validate=True)
    except (binascii.Error, ValueError):
        return None
    rest = len(digits) % 4
    if rest and base64.b64encode(data[1 - rest :], _altchars(digits)).rstrip(b"=").decode() != digits[-rest:]:
        return None  # a part of a longer run, of which bits would be lost
    return data


def encoded_like(run: str, data: bytes, *, is_padded: bool) -> str:
    """Return bytes in base64, in the alphabet and in lines as long as those of the run they replace.

    Args:
        run: The run.
        data: The bytes.
        is_padded: Fill up with `=`.
    """
    encoded = base64.b64encode(data, _altchars(run)).decode()
    if not is_padded:
        encoded = encoded.rstrip("=")
    fold = _FOLD.search(run.strip("\r\n"))
    if not fold:
        return encoded
    body = run.lstrip("\r\n")
    width = max(1, fold.start())
    lines = [encoded[position : position + width] for position in range(0, len(encoded), width)]
    return run[: len(run) - len(body)] + fold[0].join(lines) + run[len(run.rstrip("\r\n")) :]


def runs_around(text: str, start: int, end: int, after: int) -> list[tuple[int, int]]:
    """Return where the base64 around a piece of a text may begin and end, the likeliest first.

    Args:
        text: The text.
        start: Where the piece begins.
        end: Where it ends.
        after: Where the base64 begins at the earliest.
    """
    runs = [_run_around(text, start, end, alphabet, after) for alphabet in _ALPHABETS]
    plain, safe = runs[0], runs[1]
    if safe[0] < plain[0] or safe[1] > plain[1]:  # cut off at a `-`, which is a digit or a separator
        data = decoded_run(text[safe[0] : safe[1]])
        if data is not None and text_of(data).encode() == data:
            return [safe, plain, runs[2]]
    return runs


def _run_around(text: str, start: int, end: int, alphabet: str, after: int) -> tuple[int, int]:
    """Return the borders of the run of base64 around a hit; lines of a folded one belong to one run."""
    if "\n" in text[start:end]:
        alphabet += "\r\n"
    before = text[after:start]
    last = re.compile(f"[{alphabet}]*").match(text, end)
    return start - (len(before) - len(before.rstrip(_members_of(alphabet)))), (last.end() if last else end)


@lru_cache
def _members_of(alphabet: str) -> str:
    return "".join(character for character in map(chr, range(128)) if re.match(f"[{alphabet}]", character))


def is_whole(run: str) -> bool:
    """Tell whether a run fills its last group of four, padding included, so that its like is padded too."""
    return len(run.replace("\r", "").replace("\n", "")) % 4 == 0


def text_of(data: bytes) -> str:
    """Return bytes as text: UTF-8, or latin-1 where they are not UTF-8."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def bytes_of(text: str, original: bytes) -> bytes:
    """Return text as bytes, in the encoding in which `text_of` read the original."""
    try:
        original.decode("utf-8")
    except UnicodeDecodeError:
        return text.encode("latin-1", "replace")
    return text.encode("utf-8", "surrogatepass")


def _altchars(run: str) -> bytes:
    return b"-_" if "-" in run or "_" in run else b"+/"
