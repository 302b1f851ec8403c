"""Large bodies: their text is made and read slice by slice, so that 100 MB cost a few copies of them and not ten.

Strategy: the text is the very same that printing and parsing the whole interaction would have to do with. It is made by
printing the interaction with short words in the place of its large bodies, and putting those in afterwards. It is read
by cutting them out: a raw newline cannot occur inside a JSON string, so in our layout the indentation of a line says
what the line is. Whatever is not as expected is left to the parser, which knows how to explain it.
"""

from __future__ import annotations

import binascii
import codecs
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any
from uuid import uuid4

from cassettes_lib.bodies import LARGE
from cassettes_lib.jsontext import read_json_fast
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.models import Interaction

_SLICE = 3 << 18  # a multiple of three, so that slices of base64 can be joined
_LINES = b'",\n            "'
_OWNER_OR_LARGE_FORM = late_pattern(
    rb'\n {6}"(?P<owner>\w+)": \{|\n {8}"body": \{\n {10}"(?:base64": "(?P<base64>)|text": \[\n(?P<lines>))'
)
_QUOTE = late_pattern(rb'"')
_END_OF_LINES = late_pattern(rb"\n {10}\]")
_END_OF_FORM = late_pattern(rb"\n {8}\}")


def with_words_for_large(interaction: Interaction) -> tuple[Interaction, dict[bytes, bytes]]:
    """Return an interaction with a word in the place of each large body, and what each word stands for."""
    large: dict[bytes, bytes] = {}
    changed: dict[str, Any] = {}
    for name in ("request", "response"):
        message = getattr(interaction, name)
        if message is not None and len(message.body) >= LARGE:
            word = f"large-{uuid4().hex}".encode()
            large[b'"text": "%b"' % word] = message.body
            changed[name] = message.model_copy(update={"body": word})
    return (interaction.model_copy(update=changed) if changed else interaction), large


def text_with_large(text: bytes, large: dict[bytes, bytes]) -> bytes:
    """Return the text of an interaction with its large bodies in the places of the words for them."""
    for word, body in large.items():
        before, _, after = text.partition(word)
        text = b"".join([before, *form_in_slices(body), after])
    return text


def form_in_slices(body: bytes) -> list[bytes]:
    """Return what stands between the braces of the form of a large body, in pieces."""
    try:
        pieces = list(_text_in_slices(body))
    except UnicodeDecodeError:
        view = memoryview(body)
        slices = (view[start : start + _SLICE] for start in range(0, len(view), _SLICE))
        return [b'"base64": "', *(binascii.b2a_base64(each, newline=False) for each in slices), b'"']
    if b"\n" in body:
        return [b'"text": [\n            "', *pieces, b'"\n          ]']
    return [b'"text": "', *pieces, b'"']


def _text_in_slices(body: bytes) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(body), _SLICE):
        text = decoder.decode(body[start : start + _SLICE], final=start + _SLICE >= len(body))
        yield _LINES.join([encode_basestring(line)[1:-1].encode() for line in text.split("\n")])


def cut_out_large(text: bytes) -> tuple[bytes, dict[str, bytes]]:
    """Cut the large bodies out of the text of an interaction, as it stands in a file in our layout.

    Returns:
        The text with empty bodies in their places, and the bodies by their owner: `request` or `response`. The text
        itself and nothing when it is not large, or not as it should be.
    """
    if len(text) < LARGE:
        return text, {}
    view, owner, bodies = memoryview(text), "", dict[str, bytes]()
    kept: list[bytes | memoryview] = []
    start = position = 0
    while found := _OWNER_OR_LARGE_FORM.search(text, position):
        position = found.end()
        if found["owner"] is not None:
            owner = found["owner"].decode()
            continue
        in_lines = found["lines"] is not None
        end = (_END_OF_LINES if in_lines else _QUOTE).search(text, position)
        if end is None or owner in bodies or not _END_OF_FORM.match(text, end.end()):
            return text, {}
        try:
            bodies[owner] = (_lines_of if in_lines else _base64_of)(view[position : end.start()])
        except ValueError:
            return text, {}
        kept.append(view[start:position])
        start = position = end.start()
    return (b"".join([*kept, view[start:]]), bodies) if bodies else (text, {})


def with_bodies(entry: Any, bodies: dict[str, bytes]) -> Any:
    """Put bodies that were cut out in their places; anything that is no place is left for the models to refuse."""
    for owner, body in bodies.items():
        if isinstance(entry, dict) and isinstance(entry.get(owner), dict):
            entry[owner]["body"] = body
    return entry


def _base64_of(text: memoryview) -> bytes:
    return binascii.a2b_base64(text, strict_mode=True)


_LINE_END = late_pattern(rb"\n|\Z")


def _lines_of(text: memoryview) -> bytes:
    pieces = []
    start = 0
    while start < len(text):
        found = _LINE_END.search(text, start + _SLICE)
        end = found.start() if found else len(text)
        some = str(text[start:end], "utf-8")
        if end < len(text):
            if not some.endswith(","):
                raise ValueError("a comma is missing between two lines")
            some = some[:-1]
        lines = read_json_fast(f"[{some}]")
        if set(map(type, lines)) != {str}:
            raise ValueError("a line is no string")
        pieces.append("\n".join(lines).encode())
        start = end + 1
    return b"\n".join(pieces)
