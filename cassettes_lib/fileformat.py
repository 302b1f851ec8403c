"""The file format: the text of a cassette, and the way between that text and the values.

Strategy: `json` parses and prints, pydantic validates. pydantic's own reader and writer would refuse deep nesting
and lone surrogates and write NaN as null. The text is made to be read in a review: two-space indent, one header a
line, members in a fixed order, absent when they say nothing. No disk is touched here.

A text in our own layout is read by slices: each interaction is parsed, to find damage, and looked over, to find
wrong types, but becomes a value only when somebody asks for it. `entrycheck` looks it over; what it cannot vouch for is
validated at once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from cassettes_lib.bodies import body_to_form
from cassettes_lib.entrycheck import is_surely_valid
from cassettes_lib.errors import CassetteFormatError
from cassettes_lib.fastjson import indented_or_none, parsed_or_none
from cassettes_lib.formaterrors import CONVERT, LEFT_ALONE, kind_of, shape_error, shortened, text_error
from cassettes_lib.header_pairs import Headers
from cassettes_lib.json_bodies import are_in_their_places, cut_out_json
from cassettes_lib.jsontext import (
    JsonTextError,
    Parsed,
    explain_failure,
    find_member,
    line_and_column,
    print_json,
    read_json,
    read_json_bytes,
)
from cassettes_lib.large_bodies import cut_out_large, text_with_large, with_bodies, with_words_for_large
from cassettes_lib.layout import (
    FORMAT,
    NO_JSON,
    Layout,
    entry_text,
    find_layout,
    text_around_bodies,
    whole_text,
)
from cassettes_lib.models import Cassette, Interaction, Interactions, RecordingMark, complete_cassette
from cassettes_lib.moments import moment_text
from cassettes_lib.unread import KeptEntry, UnreadEntry, validated_entry

__all__ = [
    "FORMAT", "UnreadEntry", "cassette_members", "headers_to_form", "interaction_text", "interaction_to_entry",
    "mark_to_entry", "parse_cassette", "print_cassette", "print_json", "read_cassette",
]

# Each entry lifts a parsed document of format N to N + 1. A golden file per format is kept in tests/data/.
_UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}

_NOTHING: dict[str, Any] = {}


def parse_cassette(text: str | bytes, path: str) -> Cassette:
    """Read the text of a cassette.

    Args:
        text: The whole text; bytes are UTF-8.
        path: The name of the place it came from, for errors.

    Raises:
        CassetteFormatError: The text is not JSON, not of the shape of a cassette, or of a newer format.
    """
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return read_cassette(data, path)[0]


def print_cassette(cassette: Cassette) -> str:
    """Return the text of a cassette, with a newline at its end."""
    entries = [interaction_text(cassette.interactions, position) for position in range(len(cassette.interactions))]
    return whole_text(entries, cassette_members(cassette)).decode("utf-8")


def cassette_members(cassette: Cassette) -> dict[str, Any]:
    """Return the members that stand behind the interactions: the marks, and members that we do not know."""
    marks = {"incomplete": [mark_to_entry(mark) for mark in cassette.incomplete]} if cassette.incomplete else {}
    return marks | (cassette.model_extra or {})


def interaction_text(interactions: Interactions, position: int) -> bytes:
    """Return the text of an interaction as a cassette has it; one that was not read yet is copied as it stands."""
    unread = interactions.unread_at(position)
    if isinstance(unread, UnreadEntry):
        return unread.text
    interaction, large = with_words_for_large(interactions[position])
    text = _quick_text(interaction)
    if text is None:
        entry = interaction_to_entry(interaction)
        for side in (entry[side] for side in ("request", "response") if side in entry):
            form = side.get("body", _NOTHING)
            if "json" in form:
                form["json"] = Parsed(form["json"])
        text = entry_text(entry)
    return text_with_large(text, large) if large else text


class _OddError(Exception):
    """Something is to be printed that is no text, whole number, truth value or None, or that may look like a body."""


def _quick_text(interaction: Interaction) -> bytes | None:
    """Print an interaction around the JSON of its bodies, apart from that; None where this might go wrong."""
    printed: list[bytes] = []
    try:
        return text_around_bodies(_members(interaction, printed), printed)
    except _OddError:
        return None


_STRING, _WORDS = frozenset((str,)), frozenset((str, int, bool, type(None)))


def interaction_to_entry(interaction: Interaction) -> dict[str, Any]:
    """Return the object that stands for an interaction in the file; `Interaction.model_validate` reads it back."""
    return _members(interaction)


def mark_to_entry(mark: RecordingMark) -> dict[str, Any]:
    """Return the object that stands for a mark in the file."""
    return _members(mark)


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


def read_cassette(data: bytes, path: str) -> tuple[Cassette, Layout | None]:
    """Read the bytes of a cassette.

    Returns:
        The cassette, and where its parts stand when the text is in our layout.

    Raises:
        CassetteFormatError: As `parse_cassette`.
    """
    known = _read_lately.get(path)
    if known is not None and known.data == data:
        return complete_cassette(Interactions(known.entries)), known.layout
    layout = find_layout(data)
    if layout is not None:
        entries = _read_slices(data, layout, path)
        if entries is not None:
            interactions = Interactions(entries)
            if not layout.members:
                _remember(path, _Read(data, layout, entries))
                return complete_cassette(interactions), layout
            return _validated({"interactions": interactions, **layout.members}, data.decode("utf-8"), path), layout
    return _read_whole(data, path), None


class _Read(NamedTuple):
    """What was read of a cassette: its bytes, where its parts stand, and its interactions, which are built later."""

    data: bytes
    layout: Layout
    entries: list[Interaction | UnreadEntry]


# Tests often share a cassette. To compare its bytes with those read before takes a hundredth of reading them.
_read_lately: dict[str, _Read] = {}
_LONGEST_REMEMBERED, _MOST_REMEMBERED = 1 << 16, 32


def _remember(path: str, read: _Read) -> None:
    if len(read.data) <= _LONGEST_REMEMBERED and all(isinstance(each, UnreadEntry) for each in read.entries):
        if len(_read_lately) >= _MOST_REMEMBERED:
            _read_lately.clear()
        _read_lately[path] = read


def _read_slices(data: bytes, layout: Layout, path: str) -> list[Interaction | UnreadEntry] | None:
    """Read the interactions one by one, or return None when one is not JSON, for `_read_whole` to explain."""
    entries: list[Interaction | UnreadEntry] = []
    for position, (start, end) in enumerate(layout.slices):
        text = data[start:end]
        where = slice(start, end)
        try:
            entry = _read_cut(text)
            if entry is not None:
                entries.append(UnreadEntry(entry["request"], data, where, path, position, is_cut=True))
                continue
            looked_at, bodies = cut_out_large(text)
            entry = read_json_bytes(looked_at)
        except (ValueError, RecursionError):
            return None
        if is_surely_valid(entry, looked_at):
            is_dear = bodies or b'"base64"' in looked_at
            kept = with_bodies(entry, bodies) if is_dear else None
            entries.append(UnreadEntry(entry["request"], data, where, path, position, kept))
        else:
            entries.append(validated_entry(with_bodies(entry, bodies), data, where, path, position))
    return entries


def _read_cut(text: bytes) -> Any:
    """Read an interaction without its JSON bodies; None when it has none, has one in base64, or may not be valid."""
    rest, bodies = cut_out_json(text)
    if not bodies or b'"base64"' in rest:
        return None
    entry = parsed_or_none(rest)
    return entry if is_surely_valid(entry, rest) and are_in_their_places(entry, bodies) else None


def _read_whole(data: bytes, path: str) -> Cassette:
    if not data:
        raise CassetteFormatError(
            f"{path} is empty; delete it to record anew, or restore it from version control", path=path, empty=True
        )
    text = decode(data, path).removeprefix("\ufeff")
    try:
        document = read_json(text)
    except JsonTextError as error:
        raise text_error(error, text, path) from error
    if not isinstance(document, dict):
        raise CassetteFormatError(
            f"{path} is not a cassette: it holds {kind_of(document)} where an object with the members "
            "format and interactions belongs",
            path=path, line=1, column=1,
        )
    return cassette_from_document(document, text, path)


def cassette_from_document(document: dict[str, Any], text: str, path: str) -> Cassette:
    """Return the cassette that a parsed document stands for; `text` is what it was parsed from, for errors.

    Raises:
        CassetteFormatError: The document is not of the shape of a cassette, or of a newer format.
    """
    document = _upgraded(document, text, path)
    return _validated({name: value for name, value in document.items() if name != "format"}, text, path)


def decode(data: bytes, path: str) -> str:
    """Decode the bytes of a file.

    Raises:
        CassetteFormatError: They are not UTF-8.
    """
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        line, column = line_and_column(before, len(before))
        raise CassetteFormatError(
            f"{path}, line {line}, column {column}: not UTF-8: {error.reason}. {LEFT_ALONE}",
            path=path, line=line, column=column,
        ) from error


def _upgraded(document: dict[str, Any], text: str, path: str) -> dict[str, Any]:
    version = document.get("format")
    if isinstance(version, int) and not isinstance(version, bool) and 1 <= version <= FORMAT:
        for step in range(version, FORMAT):
            document = _UPGRADES[step](document)
        return document
    if "format" not in document:
        reason = f"is not a cassette: it has no member named format. {CONVERT}"
    elif isinstance(version, int) and not isinstance(version, bool) and version > FORMAT:
        reason = f"has format {shortened(version)}, newer than the format {FORMAT} this version of cassettes_lib "
        reason += "reads; update cassettes_lib"
    else:
        reason = f"is not a cassette: its member format is {shortened(version)} where a number from 1 to {FORMAT}"
        reason += " belongs"
    line, column = line_and_column(text, find_member(text, ["format"])[0])
    raise CassetteFormatError(
        f"{path}, line {line}, column {column}: {reason}", path=path, line=line, column=column, member="format"
    )


def _validated(members: dict[str, Any], text: str, path: str) -> Cassette:
    """Make a cassette of its members, of which `text` is what they were parsed from."""
    location: tuple[int | str, ...] = ()
    try:
        entries = members.get("interactions")
        if isinstance(entries, list):
            interactions = []
            for position, entry in enumerate(entries):  # one by one: pydantic would collect the errors of all
                location = ("interactions", position)
                interactions.append(KeptEntry(entry, Interaction.model_validate(entry)))
            members["interactions"] = Interactions(interactions)
        location = ()
        return Cassette.model_validate(members)
    except ValidationError as error:
        raise shape_error(error, text, path, location) from error
    except RecursionError as error:
        raise text_error(explain_failure(text, error), text, path) from error


_REQUIRED = object()
_fields: dict[type[BaseModel], list[tuple[str, Any]]] = {}


def _fields_of(kind: type[BaseModel]) -> list[tuple[str, Any]]:
    """Return names and defaults of a model's fields; pydantic is asked once, since asking takes long."""
    known = _fields.get(kind)
    if known is None:
        known = _fields[kind] = [
            (name, _REQUIRED if field.is_required() else field.get_default(call_default_factory=True))
            for name, field in kind.model_fields.items()
        ]
    return known


def _members(value: BaseModel, printed: list[bytes] | None = None) -> dict[str, Any]:
    """Return the members of a value that say something, in the order of its fields, unknown ones last.

    Args:
        value: The value.
        printed: Takes the JSON of bodies, printed, where `NO_JSON` is to stand in its place.

    Raises:
        _OddError: `printed` was given, and a member is odd.
    """
    members: dict[str, Any] = {}
    fields = value.__dict__
    for name, default in _fields_of(type(value)):
        given = fields[name]
        if given is default or (type(given) is type(default) and given == default):  # pydantic's `==` is slow
            continue
        members[name] = given if type(given) in _WORDS else _plain(name, given, printed)
    if value.model_extra:
        if printed is not None:
            raise _OddError
        members |= value.model_extra
    return members


def _plain(name: str, given: Any, printed: list[bytes] | None) -> Any:
    if name == "headers":
        if printed is not None and not _STRING.issuperset(map(type, chain.from_iterable(given))):
            raise _OddError
        return headers_to_form(given)
    if name == "body":
        return _body_form(given, printed)
    if isinstance(given, datetime):
        return moment_text(given)
    if isinstance(given, BaseModel):
        return _members(given, printed)
    if isinstance(given, tuple):
        return [each if type(each) in _WORDS else _plain("", each, printed) for each in given]
    if printed is not None:
        raise _OddError
    return given


def _body_form(body: bytes, printed: list[bytes] | None) -> dict[str, Any] | None:
    form = body_to_form(body)
    if form is not None and "json" in form and printed is not None:
        text = indented_or_none(form["json"], body)
        if text is not None:
            printed.append(text)
            form["json"] = NO_JSON
        elif type(form["json"]) not in _WORDS:
            raise _OddError
    return form
