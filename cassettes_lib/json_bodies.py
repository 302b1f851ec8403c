"""JSON bodies in the text of an interaction: cut out of it, and turned from that text into the bytes they stand for.

Strategy: to parse a body and to print it again takes longer than all else that a replay does. But its text in a file in
our layout holds the very tokens of the body, one member a line. A raw newline cannot occur inside a JSON string, so the
body is what is left when each line's end and indentation go. What is no such text, or is printed in a rarer style,
is parsed and printed as ever.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from functools import lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any, NamedTuple

from cassettes_lib.bodies import LARGE, body_from_form
from cassettes_lib.jsontext import read_json_bytes
from cassettes_lib.layout import JSON_BODY

_ENDS = {b"{\n": b"\n          }", b"[\n": b"\n          ]"}
# They stand for the bodies that were cut out. A text that holds one by itself is only read in vain, then as a whole.
_WORDS = (b"730196084251930501", b"730196084251930502")
_NUMBERS = tuple(map(int, _WORDS))
# What looks like the end of a name, in the middle of a string and at its beginning.
_MISLEADING = (b'\\": ', b'{": ', b'[": ', b',": ', b' ": ')
_lstrip = bytes.lstrip


def cut_out_json(text: bytes) -> tuple[bytes, list[bytes]]:
    """Cut the JSON bodies out of the text of an interaction or of a request, as it stands in a file in our layout.

    Returns:
        The text with numbers in the places of the bodies, and their texts. Nothing vouches for either being JSON.
        The text itself and nothing when there are none, or when it is large; see `large_bodies`.
    """
    if len(text) >= LARGE:
        return text, []
    kept: list[bytes] = []
    bodies: list[bytes] = []
    position, start = 0, text.find(JSON_BODY)
    while start >= 0 and len(bodies) < len(_WORDS):
        start = stop = start + len(JSON_BODY)
        end = _ENDS.get(text[start : start + 2])
        found = -1 if end is None else text.find(end, start)
        if end is not None and found >= 0:
            stop = found + len(end)
            kept += (text[position:start], _WORDS[len(bodies)])
            bodies.append(text[start:stop])
            position = stop
        start = text.find(JSON_BODY, stop)
    return (b"".join([*kept, text[position:]]), bodies) if bodies else (text, bodies)


def are_in_their_places(entry: Any, bodies: list[bytes]) -> bool:
    """Tell whether an interaction has the numbers where bodies belong, and all that was cut out is JSON.

    Args:
        entry: The parsed text of an interaction, of which bodies were cut out.
        bodies: Their texts.
    """
    if len(list(_places(entry))) != len(bodies):
        return False
    try:
        for body in bodies:
            read_json_bytes(body)
    except (ValueError, RecursionError):
        return False
    return True


def put_in_json(entry: Any, bodies: list[bytes]) -> None:
    """Put the bytes of the bodies that were cut out in their places.

    Args:
        entry: The parsed text of an interaction or of a request, of which bodies were cut out.
        bodies: Their texts, known to be JSON.

    Raises:
        ValueError: A body holds a number that no float can hold, has no such style, or has no place.
    """
    left = len(bodies)
    for message, form in _places(entry):
        text = bodies[_NUMBERS.index(form["json"])]
        style = form.get("style", "")
        body = body_of_text(text, style) if type(style) is str else None
        message["body"] = body_from_form({**form, "json": read_json_bytes(text)}) if body is None else body
        left -= 1
    if left:
        raise ValueError("a body has no place")


def _places(entry: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    if type(entry) is not dict:
        return
    for message in (entry["request"], entry.get("response")) if "request" in entry else (entry,):
        if type(message) is dict:
            form = message.get("body")
            if type(form) is dict and form.get("json") in _NUMBERS:
                yield message, form


class _Lines(NamedTuple):
    """How the lines of a text in the file become a body."""

    comma: bytes
    is_ascii: bool
    has_newline: bool


@lru_cache(maxsize=64)
def _lines_in(style: str) -> _Lines | None:
    words = frozenset(style.split())
    if not words <= {"spaced", "ascii", "newline"}:
        return None
    return _Lines(b", " if "spaced" in words else b",", "ascii" in words, "newline" in words)


def body_of_text(text: bytes, style: str) -> bytes | None:
    """Return the JSON that stands in a file, as it stands there, without the line ends and the indentation.

    Args:
        text: An object or a list, valid, without a newline inside of a string, as JSON forbids.
        style: In which style it is to be printed; see `bodies`.

    Returns:
        What printing it in that style gives, if its text is as this library writes it, and the same tokens
        otherwise. None when it has to be parsed and printed.
    """
    lines = _lines_in(style)
    if lines is None:
        return None
    # Most lines end in a comma. To split there first takes two thirds of the time of putting a space behind it first.
    body = lines.comma.join(map(_lstrip, text.split(b",\n")))
    body = b"".join(map(_lstrip, body.split(b"\n")))
    if lines.comma == b",":
        for each in _MISLEADING:
            if each in body:
                return None
        body = body.replace(b'": ', b'":')
    if lines.is_ascii:
        if not body.isascii():
            body = body.decode().encode("ascii", _ESCAPED)
        body = body.replace(b"\x7f", rb"\u007f")
    return body + b"\n" if lines.has_newline else body


def _escape(error: Any) -> tuple[str, int]:
    return encode_basestring_ascii(error.object[error.start : error.end])[1:-1], error.end


# How characters outside ASCII are encoded: 15 times as fast as by an expression that looks for them.
_ESCAPED = f"{__name__}.escaped"
codecs.register_error(_ESCAPED, _escape)
