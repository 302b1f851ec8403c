"""The scalars of a JSON text and where they stand, for changing some and leaving every other byte alone.

Strategy: the text is cut into tokens by one regular expression, not parsed into values, so spacing, number formats
and repeated names survive, and several documents in a row, a document cut short, or one inside a call (JSONP) are
read as far as they go. Cost and depth are linear; there is no recursion.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from cassettes_lib.fastjson import parses
from cassettes_lib.late_patterns import late_pattern

_TOKEN = late_pattern(r'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[{}\[\]:,]|[^\s{}\[\]:,"]++', re.DOTALL)
_NUMBER = late_pattern(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_SPACE = late_pattern(r"[\s\ufeff]*")
_START = late_pattern(r"[\s\ufeff]*(?:\{\s*(?:[\"}]|\Z)|\[\s*(?:[\[{\"\]\d-]|true|false|null|\Z))")

Path = tuple[str | int, ...]


class Frame:
    """An object or a list that is open at some point of the text.

    Attributes:
        is_object: False for a list.
        key: The name of the present member of an object.
        position: The position in a list.
        parent: What it stands in, or None.
        part: Under which name or position it stands there.
        scalars: Its scalars, for judging one by its siblings.
    """

    __slots__ = ("expects_key", "is_object", "key", "parent", "part", "position", "scalars")

    def __init__(self, is_object: bool, parent: Frame | None) -> None:
        self.is_object = is_object
        self.parent = parent
        self.part: str | int = (parent.key if parent.is_object else parent.position) if parent else ""
        self.key: str = ""
        self.position: int = 0
        self.expects_key = is_object
        self.scalars: list[Scalar] = []


class Scalar(NamedTuple):
    """A string, a number or a name of a member.

    Attributes:
        start: Where its literal begins in the text.
        end: Where it ends.
        kind: "string", "number", or "key" for the name of a member.
        text: The string without its quotes and escapes, or the literal of the number.
        frame: What it stands in, or None.
        part: Under which name or position it stands there.
    """

    start: int
    end: int
    kind: str
    text: str
    frame: Frame | None
    part: str | int

    @property
    def path(self) -> Path:
        """Where it stands in the document."""
        parts = [self.part] if self.frame else []
        frame = self.frame
        while frame and frame.parent:
            parts.append(frame.part)
            frame = frame.parent
        return tuple(reversed(parts))

    @property
    def names(self) -> Iterator[str]:
        """The names of the members it is the value of, the innermost first; positions in lists left out."""
        part: str | int = self.part
        frame = self.frame
        while frame:
            if isinstance(part, str):
                yield part
            part, frame = frame.part, frame.parent

    @property
    def key(self) -> str:
        """The name of the member, or of the list's member, that it is the value of; "" when there is none."""
        return self.part if isinstance(self.part, str) else next(self.names, "")

    @property
    def key_and_outer(self) -> tuple[str, str]:
        """The first two of `names`, "" where there are fewer."""
        names: list[str] = []
        part, frame = self.part, self.frame
        while frame and len(names) < 2:
            if isinstance(part, str):
                names.append(part)
            part, frame = frame.part, frame.parent
        return (names[0] if names else ""), (names[1] if len(names) > 1 else "")


class Edit(NamedTuple):
    """A literal to put in the place of another."""

    start: int
    end: int
    literal: str


def looks_like_json(text: str) -> bool:
    """Tell whether a text begins as a JSON object or list does."""
    return bool(_START.match(text))


def is_json(text: str) -> bool:
    """Tell whether a text is a JSON document, or several in a row, to its end."""
    try:
        if parses(text.encode("utf-8")):
            return True
    except UnicodeEncodeError:  # a lone surrogate
        pass
    reader = json.JSONDecoder()
    rest = len(text) - len(text.lstrip("\ufeff \t\r\n"))
    try:
        while rest < len(text):
            _, end = reader.raw_decode(text, rest)
            space = _SPACE.match(text, end)
            rest = space.end() if space else end
    except (ValueError, RecursionError):
        return False
    return True


def scalars_of(text: str) -> Iterator[Scalar]:
    """Yield all scalars of a JSON text, in order."""
    for each in objects_of(text):
        if isinstance(each, Scalar):
            yield each


def objects_of(text: str, *, with_keys: bool = True) -> Iterator[Scalar | Frame]:
    """Yield all scalars of a JSON text, in order, and each object or list when it ends.

    Args:
        text: The text.
        with_keys: Yield the names of members, too.
    """
    frames: list[Frame] = []
    for found in _TOKEN.finditer(text):
        token = found[0]
        frame = frames[-1] if frames else None
        first = token[0]
        if first in "{[":
            frames.append(Frame(first == "{", frame))
        elif first in "}]":
            if frame and frame.is_object == (first == "}"):
                frames.pop()
                yield frame
        elif first == ",":
            if frame:
                frame.expects_key = frame.is_object
                frame.position += 1
        elif first == ":":
            if frame:
                frame.expects_key = False
        elif frame and frame.expects_key:
            frame.key = _plain(token) if first == '"' else token
            if with_keys:
                yield Scalar(found.start(), found.end(), "key", frame.key, None, "")
        elif first == '"' or _NUMBER.fullmatch(token):
            part = (frame.key if frame.is_object else frame.position) if frame else ""
            if first == '"':
                scalar = Scalar(found.start(), found.end(), "string", _plain(token), frame, part)
            else:
                scalar = Scalar(found.start(), found.end(), "number", token, frame, part)
            if frame:
                frame.scalars.append(scalar)
            yield scalar
    yield from reversed(frames)


def edited(text: str, edits: list[Edit]) -> str:
    """Apply edits, none overlapping another; the same object when there are none."""
    if not edits:
        return text
    pieces = []
    done = 0
    for edit in sorted(edits):
        pieces += [text[done : edit.start], edit.literal]
        done = edit.end
    return "".join([*pieces, text[done:]])


def string_literal(value: str, like: str) -> str:
    """Write a string as JSON, non-ASCII characters escaped when the literal it replaces is ASCII; cut short like it."""
    literal = json.dumps(value, ensure_ascii=like.isascii())
    if "\\/" in like:
        literal = literal.replace("/", "\\/")
    return literal if len(like) > 1 and like.endswith('"') else literal[:-1]


def _plain(token: str) -> str:
    if "\\" not in token:
        return token[1:-1] if len(token) > 1 and token[-1] == '"' else token[1:]
    try:
        value = json.loads(token, strict=False)
    except ValueError:
        return token.strip('"')
    return value if isinstance(value, str) else token
