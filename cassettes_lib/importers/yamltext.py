"""The reading of YAML as plain data: no constructor of PyYAML runs, so no file can make Python run code.

Strategy: PyYAML (in C where it can) turns the text into events; this module builds dicts, lists, strings and numbers
from them with a stack of its own. The tags that vcrpy's files carry are listed here, each with the plain data it stands
for; any other tag is refused. Nesting is bounded, an alias shares what its anchor holds, and the size that
the aliases would have when written out is counted, so that neither a deep file nor a "billion laughs" does harm.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlunsplit

MAX_DEPTH = 200
# What a cassette may hold, in characters, when every alias is written out: many times what honest anchors share.
_MAX_EXPANSION = 64 * 1024 * 1024

_STANDARD = "tag:yaml.org,2002:"
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,4000})")
_FLOAT = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")
_FOREIGN_TAGS = {
    "!tape": "this is a tape of OkReplay or Betamax-JVM",
    "!ruby/struct:VCR::": "this is a recording of Ruby's VCR 1.x",
    "!ruby/": "this is a Ruby object",
}


class YamlError(ValueError):
    """The text is not YAML, or is YAML that is not plain data."""


class WrittenFloat(float):
    """A number that remembers how it was written, because `1.10` in a header is not `1.1`."""

    written: str

    def __new__(cls, written: str) -> WrittenFloat:
        """Make it from its text."""
        number = super().__new__(cls, written)
        number.written = written
        return number


def read_yaml(text: str, warn: Callable[[str], None]) -> Any:
    """Return the one document in a text as dicts, lists, strings, bytes, integers, floats, booleans and None.

    Args:
        text: The whole text.
        warn: Called with what is odd but readable.

    Raises:
        YamlError: The text is not YAML, or holds what is not plain data, or several documents.
        ImportError: PyYAML is not installed.
    """
    import yaml

    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(len(text), warn)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise YamlError(f"not valid YAML{where}: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise YamlError(f"not valid YAML: {' '.join(str(error).split())}") from error
    except (UnicodeEncodeError, RecursionError) as error:
        raise YamlError(f"not valid YAML: {error}") from error
    return builder.document


class _Collection:
    """A list or mapping that is being read."""

    __slots__ = ("anchor", "is_mapping", "items", "line", "tag", "weight")

    def __init__(self, is_mapping: bool, tag: str, anchor: str | None, line: int) -> None:
        self.is_mapping = is_mapping
        self.tag = tag
        self.anchor = anchor
        self.line = line
        self.items: list[Any] = []
        self.weight = 16


class _MergeKey:
    """The key `<<`, which puts the members of other mappings into this one."""


class _Builder:
    """Takes the events of one text and holds the document they make."""

    def __init__(self, size: int, warn: Callable[[str], None]) -> None:
        self.document: Any = None
        self._open: list[_Collection] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._limit = _MAX_EXPANSION + 20 * size
        self._documents = 0
        self._warn = warn

    def take(self, event: Any) -> None:
        """Take the next event, by the name of its class: the C parser makes the same classes."""
        kind = type(event).__name__
        if kind == "ScalarEvent":
            value = self._scalar(event)
            self._add(value, 16 + len(event.value), event.anchor)
        elif kind in ("MappingStartEvent", "SequenceStartEvent"):
            line = event.start_mark.line + 1
            if len(self._open) >= MAX_DEPTH:
                raise YamlError(f"nested more than {MAX_DEPTH} levels deep in line {line}")
            self._open.append(_Collection(kind == "MappingStartEvent", event.tag or "!", event.anchor, line))
        elif kind in ("MappingEndEvent", "SequenceEndEvent"):
            self._close(self._open.pop())
        elif kind == "AliasEvent":
            self._alias(event)
        elif kind == "DocumentStartEvent":
            self._documents += 1
            if self._documents > 1:
                raise YamlError(f"a second YAML document begins in line {event.start_mark.line + 1}")

    def _add(self, value: Any, weight: int, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = (value, weight)
        if not self._open:
            self.document = None if isinstance(value, _MergeKey) else value
            return
        parent = self._open[-1]
        parent.items.append(value)
        parent.weight += weight
        if parent.weight > self._limit:
            raise YamlError(f"the aliases up to line {parent.line} stand for far more data than the file holds")

    def _alias(self, event: Any) -> None:
        try:
            value, weight = self._anchors[event.anchor]
        except KeyError:
            raise YamlError(
                f"the alias *{event.anchor} in line {event.start_mark.line + 1} stands for nothing, or for itself"
            ) from None
        self._add(value, weight, None)

    def _close(self, collection: _Collection) -> None:
        value: Any = self._mapping(collection) if collection.is_mapping else collection.items
        if any(isinstance(each, _MergeKey) for each in collection.items) and not collection.is_mapping:
            value = ["<<" if isinstance(each, _MergeKey) else each for each in value]
        constructor = self._constructor(collection)
        if constructor is not None:
            try:
                value = constructor(value)
            except (TypeError, ValueError, IndexError, KeyError, AttributeError) as error:
                raise YamlError(f"the {_readable(collection.tag)} in line {collection.line} is malformed") from error
        self._add(value, collection.weight, collection.anchor)

    def _constructor(self, collection: _Collection) -> Callable[[Any], Any] | None:
        if collection.tag in ("!", f"{_STANDARD}map" if collection.is_mapping else f"{_STANDARD}seq"):
            return None
        constructor = _COLLECTIONS.get(collection.tag)
        if constructor is None:
            raise YamlError(_refusal(collection.tag, collection.line))
        return constructor

    def _mapping(self, collection: _Collection) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        merged: list[dict[str, Any]] = []
        items = iter(collection.items)
        for key in items:
            value = next(items)
            if isinstance(key, _MergeKey):
                merged.extend(_mappings_to_merge(value, collection.line))
                continue
            name = _key_text(key, collection.line)
            if name in mapping:
                self._warn(f"the mapping of line {collection.line} has the key {name!r} twice; the last one counts")
            mapping[name] = "<<" if isinstance(value, _MergeKey) else value
        for other in merged:
            mapping = {**other, **mapping}
        return mapping

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        tag = event.tag
        if tag is None:
            return _plain(text) if event.implicit[0] else text
        if tag == "!":
            return text
        constructor = _SCALARS.get(tag)
        line = event.start_mark.line + 1
        if constructor is None:
            raise YamlError(_refusal(tag, line))
        try:
            return constructor(text)
        except ValueError as error:
            raise YamlError(f"the {_readable(tag)} in line {line} is damaged: {error}") from error


def _plain(text: str) -> Any:
    """Return the value of an unquoted scalar: what could be meant as text stays text, as `0123`, `yes` or a date."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return WrittenFloat(text)
    return _MergeKey() if text == "<<" else text


def _key_text(key: Any, line: int) -> str:
    if isinstance(key, str):
        return key
    if isinstance(key, bytes):
        return key.decode("latin-1")
    if isinstance(key, WrittenFloat):
        return key.written
    if key is None:
        return "null"
    if isinstance(key, (bool, int)):
        return str(key).lower()
    raise YamlError(f"a key of the mapping in line {line} is no text")


def _mappings_to_merge(value: Any, line: int) -> Iterator[dict[str, Any]]:
    for each in value if isinstance(value, list) else [value]:
        if not isinstance(each, dict):
            raise YamlError(f"the merge key << in line {line} stands for no mapping")
        yield each


def _binary(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(f"not base64: {error}") from error


def _number(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(f"{text!r} is no number")
    return int(text)


def _arguments(value: Any) -> list[Any]:
    """Return the positional arguments of a `python/object/apply` or `/new` node, which has two notations."""
    arguments = value.get("args", []) if isinstance(value, dict) else value
    if not isinstance(arguments, list):
        raise TypeError("no list of arguments")
    return arguments


def _state(value: Any) -> Any:
    return value.get("state") if isinstance(value, dict) else None


def _iterator(value: Any) -> bytes:
    """Return what an iterator of chunks, the body of a chunked upload, had left to give."""
    arguments = _arguments(value)
    chunks = arguments[0] if arguments else []
    start = _state(value) or 0
    return b"".join(_bytes(chunk) for chunk in chunks[start:])


def _file_in_memory(value: Any) -> bytes:
    """Return what a `BytesIO`, the body of a file upload, had left to give from its position on."""
    state = _state(value)
    arguments = state if isinstance(state, list) else _arguments(value)
    content = _bytes(arguments[0]) if arguments else b""
    return content[arguments[1] :] if len(arguments) > 1 else content


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8")
    if isinstance(value, bytes):
        return value
    raise TypeError("neither text nor bytes")


def _collection_argument(value: Any) -> list[Any]:
    arguments = _arguments(value)
    if len(arguments) == 1 and isinstance(arguments[0], list):
        return list(arguments[0])
    if arguments:
        raise ValueError("not one list")
    return []


def _ordered_dict(value: Any) -> dict[str, Any]:
    return dict(_collection_argument(value))


def _case_insensitive_dict(value: Any) -> dict[str, Any]:
    stored = value.get("_store")
    if stored is None:
        stored = value["state"]["_store"]
    return dict(stored.values())


def _attributes(value: Any) -> dict[str, Any]:
    attributes = value.get("state", value)
    if not isinstance(attributes, dict):
        raise TypeError("no attributes")
    return attributes


def _split_url(value: Any) -> str:
    return urlunsplit([_text(part) for part in _arguments(value)])


def _yarl_url(value: Any) -> str:
    state = _state(value)
    return _text((state if isinstance(state, list) else _arguments(value))[0])


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _as_it_is(value: Any) -> Any:
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return value


_SCALARS: dict[str, Callable[[str], Any]] = {
    **{f"{_STANDARD}{name}": _as_it_is for name in ("str", "python/unicode", "python/str", "timestamp")},
    **{f"{_STANDARD}{name}": _binary for name in ("binary", "python/bytes")},
    **{f"{_STANDARD}{name}": _number for name in ("int", "python/int", "python/long")},
    f"{_STANDARD}float": lambda text: WrittenFloat(text),
    f"{_STANDARD}bool": _plain,
    f"{_STANDARD}null": lambda text: None,
    "!binary": _binary,  # Ruby's spelling
}
_COLLECTIONS: dict[str, Callable[[Any], Any]] = {
    f"{_STANDARD}python/tuple": _list,
    f"{_STANDARD}python/list": _list,
    f"{_STANDARD}python/object/new:_io.BytesIO": _file_in_memory,
    f"{_STANDARD}python/object/new:yarl.URL": _yarl_url,
    f"{_STANDARD}python/object/new:yarl._url.URL": _yarl_url,
    f"{_STANDARD}python/object/new:urllib.parse.SplitResult": _split_url,
    f"{_STANDARD}python/object:requests.structures.CaseInsensitiveDict": _case_insensitive_dict,
    f"{_STANDARD}python/object/new:requests.structures.CaseInsensitiveDict": _case_insensitive_dict,
    f"{_STANDARD}python/object:vcr.request.Request": _attributes,
    f"{_STANDARD}python/object/new:vcr.request.Request": _attributes,
    f"{_STANDARD}python/object/apply:collections.OrderedDict": _ordered_dict,
    **{
        f"{_STANDARD}python/object/apply:{module}.{name}": constructor
        for module in ("builtins", "__builtin__")
        for name, constructor in (
            ("iter", _iterator), ("frozenset", _collection_argument), ("set", _collection_argument)
        )
    },
}


def _readable(tag: str) -> str:
    return f"!!{tag.removeprefix(_STANDARD)}" if tag.startswith(_STANDARD) else tag


def _refusal(tag: str, line: int) -> str:
    for start, meaning in _FOREIGN_TAGS.items():
        if tag.startswith(start):
            return f"{meaning} (the tag {tag} in line {line}), which is not read"
    return (
        f"the tag {_readable(tag)} in line {line} is refused: only data is read from a recording, "
        "no Python object is made and no code is run"
    )
