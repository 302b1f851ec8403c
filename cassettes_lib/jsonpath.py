"""JSON paths: which members and elements of a JSON value a path selects, and the value without them.

Strategy: the dialect is the part of RFC 9535 that names places (no filters, no functions), with two reliefs: the `$` at
the start may be left out, and any name without a dot, bracket, quote, star or space needs no quotes.

    $.a.b   a.b     the member b of the member a
    items[*].id     the member id of every element (or member) of items
    items[0]        an element; [-1] is the last; [1:3] a slice, as in Python
    ['a.b']         a member whose name needs quotes; several, [0, 2] and ['a', 'b'], are a union
    ..nonce         the member nonce at any depth; ..[0] and ..* likewise
    $               the whole value

A path is parsed once into steps, each a list of selectors and a flag for "at any depth". Selected places of all paths
are collected before the first one is removed, because removing an element shifts those behind it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, NoReturn

from cassettes_lib.late_patterns import late_pattern

# True stands for the wildcard; a name, an index and a slice stand for themselves.
Selector = str | int | slice | bool

_NAME = late_pattern(r"[^.\[\]'\"*\s]+")
_PLAIN_NAME = late_pattern(r"[^\W\d]\w*\Z")
_QUOTED = late_pattern(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_SLICE = late_pattern(r"(-?\d+)?\s*:\s*(-?\d+)?\s*(?::\s*(-?\d+)?)?")
_INDEX = late_pattern(r"-?\d+")
_SPACE = late_pattern(r"\s*")


class _Step(NamedTuple):
    selectors: tuple[Selector, ...]
    at_any_depth: bool


class JsonPath(NamedTuple):
    """A parsed path; two are equal when their texts are.

    Attributes:
        text: The path as it was written.
    """

    text: str
    steps: tuple[_Step, ...]

    def __repr__(self) -> str:
        return f"JsonPath(text={self.text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JsonPath) and self.text == other.text

    def __hash__(self) -> int:  # a step may hold a slice, which has none
        return hash(self.text)

    @classmethod
    def parse(cls, text: str) -> JsonPath:
        """Read a path.

        Raises:
            TypeError: The path is not a string.
            ValueError: It is not a path of the dialect; the text says where it stops to be one.
        """
        if not isinstance(text, str):
            raise TypeError(f"a JSON path is a string such as '$.nonce' or 'items[*].id', not {text!r}")
        return cls(text, tuple(_Parser(text).steps()))


def without(value: Any, paths: Iterable[JsonPath]) -> Any:
    """Return a JSON value without what the paths select. Its lists and dicts are changed in place.

    Args:
        value: What `json.loads` returned.
        paths: Each is applied to the value as it was given.

    Returns:
        The value; None when a path selects the whole of it.
    """
    doomed: dict[int, tuple[Any, set[Any]]] = {}
    for path in paths:
        if not path.steps:
            return None
        for container, place in _places(value, path.steps):
            doomed.setdefault(id(container), (container, set()))[1].add(place)
    for container, places in doomed.values():
        for place in sorted(places, reverse=True):
            del container[place]
    return value


def path_to(places: Iterable[str | int | None]) -> str:
    """Write the path of a place: names and indexes from the root on; None stands for every element."""
    text = "$"
    for place in places:
        if place is None:
            text += "[*]"
        elif isinstance(place, int):
            text += f"[{place}]"
        elif _PLAIN_NAME.match(place):
            text += f".{place}"
        else:
            text += f"[{json.dumps(place, ensure_ascii=not place.isprintable())}]"
    return text


def _places(value: Any, steps: tuple[_Step, ...]) -> Iterator[tuple[Any, Any]]:
    """Yield each selected place as its container and its key or index there."""
    nodes = [value]
    for number, step in enumerate(steps):
        parents = _with_descendants(nodes) if step.at_any_depth else nodes
        found = [(node, place) for node in parents for place in _selected(node, step.selectors)]
        if number == len(steps) - 1:
            yield from found
        nodes = [node[place] for node, place in found]


def _with_descendants(nodes: list[Any]) -> list[Any]:
    seen: dict[int, Any] = {}
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (dict, list)) and id(node) not in seen:
            seen[id(node)] = node
            waiting.extend(node.values() if isinstance(node, dict) else node)
    return list(seen.values())


def _selected(node: Any, selectors: tuple[Selector, ...]) -> Iterator[Any]:
    for selector in selectors:
        if isinstance(node, dict):
            if selector is True:
                yield from node
            elif isinstance(selector, str) and selector in node:
                yield selector
        elif isinstance(node, list):
            yield from _selected_elements(len(node), selector)


def _selected_elements(length: int, selector: Selector) -> Iterable[int]:
    if selector is True:
        return range(length)
    if isinstance(selector, slice):
        return range(*selector.indices(length))
    if isinstance(selector, int) and -length <= selector < length:
        return (selector % length,)
    return ()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def steps(self) -> Iterator[_Step]:
        text = self._text
        if not text.strip():
            self._refuse("is empty; the whole value is '$'")
        if text.startswith("$"):
            self._at = 1
        elif not text.startswith((".", "[")):
            yield _Step((self._name(),), False)
        while self._at < len(text):
            yield self._step()

    def _step(self) -> _Step:
        at_any_depth = self._skip("..")
        if self._skip("["):
            return _Step(tuple(self._bracketed()), at_any_depth)
        if not at_any_depth and not self._skip("."):
            self._refuse("a dot or a bracket belongs here")
        return _Step((self._name(),), at_any_depth)

    def _name(self) -> Selector:
        if self._skip("*"):
            return True
        found = _NAME.match(self._text, self._at)
        if not found:
            self._refuse("a name belongs here (one with special characters is written ['like this'])")
        self._at = found.end()
        return found[0]

    def _bracketed(self) -> Iterator[Selector]:
        while True:
            self._take(_SPACE)
            yield self._selector()
            self._take(_SPACE)
            if self._skip("]"):
                return
            if not self._skip(","):
                self._refuse("a comma or a closing bracket belongs here")

    def _selector(self) -> Selector:
        if self._skip("*"):
            return True
        if self._text.startswith(("?", "("), self._at):
            self._refuse("filters are not part of this dialect; match_on takes a function, which can do all of it")
        if quoted := self._take(_QUOTED):
            return _unquoted(quoted[0])
        if sliced := self._take(_SLICE):
            start, stop, step = (int(each) if each else None for each in sliced.groups())
            if step == 0:
                self._refuse("a slice has a step other than 0")
            return slice(start, stop, step)
        if index := self._take(_INDEX):
            return int(index[0])
        return self._refuse("an index, a slice, * or a name in quotes belongs here")

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    def _skip(self, token: str) -> bool:
        found = self._text.startswith(token, self._at)
        if found:
            self._at += len(token)
        return found

    def _refuse(self, why: str) -> NoReturn:
        raise ValueError(f"the JSON path {self._text!r}, at column {self._at + 1}: {why}")


def _unquoted(text: str) -> str:
    inner = text[1:-1]
    if "\\" not in inner:
        return inner
    as_json = re.sub(r'\\(.)|"', lambda found: "'" if found[1] == "'" else found[0] if found[1] else '\\"', inner)
    try:
        return str(json.loads(f'"{as_json}"', strict=False))
    except ValueError as error:
        raise ValueError(f"the JSON path has a bad escape in {text}") from error
