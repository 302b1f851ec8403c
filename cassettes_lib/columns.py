"""Lines for a terminal of 80 columns: cut, and with nothing in them that it would obey."""

from __future__ import annotations

from unicodedata import east_asian_width

WIDTH = 80
# Where a line is cut, this many characters are shown of its beginning (a name, mostly) and before the place to be seen.
_HEAD = 20
_BEFORE = 16


def shortened(line: str, around: int = 0, width: int = WIDTH) -> str:
    """Make a line printable and cut it to a width, around a place, with dots where something is missing."""
    text = printable(line[:width])
    if len(line) <= width and columns(text) <= width:
        return text
    if around < width - _BEFORE and columns(line[:around]) < width - _BEFORE:
        return _cut(text, width - 3) + "..."
    room = width - _HEAD - 3
    start = max(_HEAD, min(around - _BEFORE, len(line) - room))
    piece = printable(line[start : start + room])
    if start + room < len(line) or columns(piece) > room:
        piece = _cut(piece, room - 3) + "..."
    return f"{_cut(printable(line[:_HEAD]), _HEAD)}...{piece}"


def columns(text: str) -> int:
    """Return how many columns a text takes on a terminal: Chinese characters and their like take two."""
    return len(text) if text.isascii() else len(text) + sum(east_asian_width(each) in "WF" for each in text)


def _cut(text: str, width: int) -> str:
    while columns(text) > width:
        text = text[: -max(1, (columns(text) - width) // 2)]
    return text


def printable(text: str) -> str:
    """Escape what a terminal would not show, or obey."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
