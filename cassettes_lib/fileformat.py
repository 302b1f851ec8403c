"""The file format: the text of a cassette, and the way between that text and the values.

Strategy: `json` parses and prints, pydantic validates. pydantic's own reader and writer would refuse deep nesting
and lone surrogates and write NaN as null. The text is made to be read in a review: two-space indent, one header a
line, members in a fixed order, absent when they say nothing. No disk is touched here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from cassettes_lib.bodies import body_to_form
from cassettes_lib.errors import CassetteFormatError
from cassettes_lib.models import Cassette, Headers, Interaction

FORMAT = 1

# Each entry lifts a parsed document of format N to N + 1. A golden file per format is kept in tests/data/.
_UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

_SURROGATE = re.compile("[\ud800-\udfff]")


def parse_cassette(text: str, path: str) -> Cassette:
    """Read the text of a cassette.

    Args:
        text: The whole text.
        path: The name of the place it came from, for errors.

    Raises:
        CassetteFormatError: The text is not JSON, not of the shape of a cassette, or of a newer format.
    """
    document = _parse_json(text, path)
    if not isinstance(document, dict):
        raise CassetteFormatError(
            f"{path} is not a cassette: it holds {_kind(document)} where an object with the members "
            "format and interactions belongs",
            path=path, line=1, column=1,
        )
    document = _upgraded(document, path)
    try:
        return Cassette.model_validate({name: value for name, value in document.items() if name != "format"})
    except ValidationError as error:
        raise _shape_error(error, path) from error


def print_cassette(cassette: Cassette) -> str:
    """Return the text of a cassette, with a newline at its end."""
    document = {
        "format": FORMAT,
        "interactions": [interaction_to_entry(each) for each in cassette.interactions],
        **({"incomplete": [_members(mark) for mark in cassette.incomplete]} if cassette.incomplete else {}),
        **(cassette.model_extra or {}),
    }
    return print_json(document) + "\n"


def print_json(value: Any) -> str:
    """Print a value as the files have it: two-space indent, readable Unicode, lone surrogates escaped."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def interaction_to_entry(interaction: Interaction) -> dict[str, Any]:
    """Return the object that stands for an interaction in the file; `Interaction.model_validate` reads it back."""
    return _members(interaction)


def headers_to_form(headers: Headers) -> dict[str, str | list[str]] | list[list[str]]:
    """Return headers as the file has them: an object in which a repeated header is a list.

    Where an object would lose the order, because repeats of one header stand apart, it is a list of pairs.
    """
    mapping: dict[str, str | list[str]] = {}
    previous = None
    for name, value in headers:
        already = mapping.get(name)
        if already is None:
            mapping[name] = value
        elif name != previous:
            return [[each, its_value] for each, its_value in headers]
        elif isinstance(already, list):
            already.append(value)
        else:
            mapping[name] = [already, value]
        previous = name
    return mapping


def _members(value: BaseModel) -> dict[str, Any]:
    """Return the members of a value that say something, in the order of its fields, unknown ones last."""
    members: dict[str, Any] = {}
    for name, field in type(value).model_fields.items():
        given = getattr(value, name)
        if not field.is_required() and given == field.get_default(call_default_factory=True):
            continue
        members[name] = _plain(name, given)
    return members | (value.model_extra or {})


def _plain(name: str, given: Any) -> Any:
    if name == "headers":
        return headers_to_form(given)
    if name == "body":
        return body_to_form(given)
    if isinstance(given, datetime):
        return given.isoformat().replace("+00:00", "Z")
    if isinstance(given, BaseModel):
        return _members(given)
    if isinstance(given, tuple):
        return [_plain("", each) for each in given]
    return given


def _parse_json(text: str, path: str) -> Any:
    if not text.strip():
        raise CassetteFormatError(
            f"{path} is empty; delete it to record anew, or restore it from version control", path=path
        )
    try:
        return json.loads(text.removeprefix("\ufeff"), parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise CassetteFormatError(
            f"{path}, line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}. "
            "The file is left as it is; repair it, restore it from version control, or delete it to record anew",
            path=path, line=error.lineno, column=error.colno,
        ) from error
    except (ValueError, RecursionError) as error:
        raise CassetteFormatError(
            f"{path}: cannot be read as JSON: {error}. The file is left as it is", path=path
        ) from error


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def _upgraded(document: dict[str, Any], path: str) -> dict[str, Any]:
    version = document.get("format")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise CassetteFormatError(
            f"{path} is not a cassette: its member format is {version!r} where a number from 1 to {FORMAT} belongs"
            if "format" in document
            else f"{path} is not a cassette: it has no member named format. "
            "(Recordings of other tools are converted with: cassettes convert)",
            path=path, member="format",
        )
    if version > FORMAT:
        raise CassetteFormatError(
            f"{path} has format {version}, newer than the format {FORMAT} this version of cassettes_lib reads; "
            "update cassettes_lib",
            path=path, member="format",
        )
    for step in range(version, FORMAT):
        document = _UPGRADES[step](document)
    return document


def _shape_error(error: ValidationError, path: str) -> CassetteFormatError:
    first = error.errors()[0]
    member = _member_path(first["loc"])
    where = f" at {member}" if member else ""
    return CassetteFormatError(f"{path} is not a valid cassette{where}: {first['msg']}", path=path, member=member)


def _member_path(loc: tuple[int | str, ...]) -> str:
    """Write a pydantic location the way one reads JSON: `interactions[3].response.status`."""
    path = ""
    for part in loc:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith(("function-", "is-instance", "tuple[", "chain")):
            path += f".{part}" if path else part
    return path


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "an object"
    kinds = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")

