"""Our own layout of a cassette's text: where each interaction stands in it, and how the text is put together.

Strategy: a file as we write it has each interaction at the same indentation, and a raw newline cannot occur inside
a JSON string. So the lines between two interactions (`    },` and `    {`) can be searched for without parsing, and
neither a body nor a header can look like them. That makes an interaction a slice of bytes, which can be copied,
counted and appended to unread. What was edited or merged into another layout is simply read as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cassettes_lib.fastjson import indented_words_or_none
from cassettes_lib.jsontext import print_json, read_json_fast

FORMAT = 1

_HEAD = f'{{\n  "format": {FORMAT},\n  "interactions": ['.encode()
_FIRST = b"\n    {\n"
_ENTRY_END = b"\n    }"
_BETWEEN = _ENTRY_END + b"," + _FIRST
_LAST = _ENTRY_END + b"\n  ]"
_INDENT = "\n    "
BODY = b'\n        "body": {'
"""How the body of a request or of a response begins, behind the line before it."""
NO_JSON = 0
"""Stands in the place of JSON that is printed already."""
JSON_BODY = BODY + b'\n          "json": '
"""What stands before a body's JSON."""
_NO_JSON = b"%b%d" % (JSON_BODY, NO_JSON)

_LIST_END = re.compile(rb"\A(?:\n  )?\]")


class Layout(NamedTuple):
    """Where the parts of a text in our layout stand.

    Attributes:
        slices: Start and end of each interaction, in bytes; the text of it begins with `{` and ends with `}`.
        end: Where the next interaction would be added: behind the last one, or behind the `[` of the empty list.
        members: What stands behind the interactions: the marks (`incomplete`) and members that we do not know.
    """

    slices: list[tuple[int, int]]
    end: int
    members: dict[str, Any]


def find_layout(data: bytes) -> Layout | None:
    """Return the layout of a text, or None when it is not ours; the interactions themselves are not looked into."""
    if not data.startswith(_HEAD):
        return None
    end = len(_HEAD)
    slices: list[tuple[int, int]] = []
    if data.startswith(_FIRST, end):
        start = looked_at = end + 5
        while not data.startswith(_LAST, stop := data.find(_ENTRY_END, looked_at)):
            if stop < 0:
                return None
            looked_at = stop + 6
            if data.startswith(_BETWEEN, stop):
                slices.append((start, looked_at))
                start = looked_at = stop + 12
        end = stop + 6
        slices.append((start, end))
    members = members_behind(data[end:])
    return None if members is None else Layout(slices, end, members)


def members_behind(tail: bytes) -> dict[str, Any] | None:
    """Read what stands behind the last interaction: the end of the list and the members that follow.

    Returns:
        Those members, or None when this is not the rest of a cassette in our layout.
    """
    if tail == _NO_MEMBERS:
        return {}
    found = _LIST_END.match(tail)
    if found is None:
        return None
    try:
        members = read_json_fast('{"interactions": [' + tail[found.end() - 1 :].decode("utf-8"))
    except (ValueError, RecursionError):
        return None
    if not isinstance(members, dict) or "format" in members or members.pop("interactions", None) != []:
        return None
    return members


def find_additions(text: bytes, *, behind_another: bool) -> int | None:
    """Find where interactions that were added at the `end` of a layout end themselves.

    Args:
        text: What stands in the file from that `end` on.
        behind_another: Whether there already was an interaction.

    Returns:
        How many bytes the additions take; 0 for none, None when this is not what adding an interaction gives.
    """
    if _LIST_END.match(text):
        return 0
    if not text.startswith(b"," + _FIRST if behind_another else _FIRST):
        return None
    close = text.find(_LAST)
    if close < 0:
        return None
    size = close + 6
    added = text[1 if behind_another else 0 : size]
    try:
        read_json_fast("[" + added.decode("utf-8") + "]")
    except (ValueError, RecursionError):
        return None
    return size


def entry_text(entry: Any) -> bytes:
    """Print the object that stands for an interaction, as it stands in the list of interactions."""
    return print_json(entry, _INDENT).encode("utf-8")


def text_around_bodies(entry: dict[str, Any], bodies: list[bytes]) -> bytes | None:
    """Print the object that stands for an interaction, around JSON that is printed already.

    Nothing is decoded and encoded again, and only in the bodies are there numbers to be looked at: 0.6 of the cost.

    Args:
        entry: The object, made of what `indented_words_or_none` prints, with `NO_JSON` in place of the JSON of bodies.
        bodies: The JSON, in the order of the places, indented by two spaces.

    Returns:
        What `entry_text` would give; None when that has to do it.
    """
    text = indented_words_or_none(entry)
    if text is None:
        return None
    pieces = text.replace(b"\n", b"\n    ").split(_NO_JSON)
    if len(pieces) != len(bodies) + 1:
        return None
    whole = pieces[:1]
    for body, piece in zip(bodies, pieces[1:], strict=True):
        whole += (JSON_BODY, body.replace(b"\n", b"\n          "), piece)
    return b"".join(whole)


def joined(entries: Sequence[bytes], *, behind_another: bool = False, tail: bytes = b"") -> bytes:
    """Return the texts of interactions as they stand one behind the other, without the brackets of their list.

    Args:
        entries: The texts; there may be a large one, which is copied only once.
        behind_another: Whether an interaction stands before them.
        tail: What follows them.
    """
    return b"".join([*_pieces(entries, behind_another), tail])


def _pieces(entries: Sequence[bytes], behind_another: bool = False) -> list[bytes]:
    pieces: list[bytes] = []
    for entry in entries:
        pieces += (b",\n    " if pieces or behind_another else b"\n    ", entry)
    return pieces


def tail_text(members: Mapping[str, Any], *, empty: bool) -> bytes:
    """Return all that follows the interactions, from the bracket that closes their list to the last newline."""
    text = "".join([f",\n  {print_json(name)}: {print_json(each, _NEXT_LINE)}" for name, each in members.items()])
    return (b"]" if empty else b"\n  ]") + text.encode("utf-8") + b"\n}\n"


_NEXT_LINE = "\n  "
_NO_MEMBERS = tail_text({}, empty=False)


def whole_text(entries: list[bytes], members: Mapping[str, Any]) -> bytes:
    """Return the text of a cassette.

    Args:
        entries: The texts of its interactions, each as `entry_text` gives it.
        members: The members behind the interactions, `incomplete` first.
    """
    return b"".join([_HEAD, *_pieces(entries), tail_text(members, empty=not entries)])
