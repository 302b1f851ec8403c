"""Bodies of requests, understood by their media type, and the keys by which they compare.

Strategy: `understand` undoes `Content-Encoding` and reads JSON, urlencoded forms and multipart bodies as the values
they carry; everything else, and whatever does not parse as its type says, is bytes. `body_key` makes a hashable key
of that, on the path of every request, so its usual cases are short: no body costs nothing, JSON is one pass of the C
parser and one of the C printer. Long texts become their digest, so that an index does not hold every body twice.
"""

from __future__ import annotations

import json
import marshal
import math
import re
from collections.abc import Hashable
from hashlib import blake2b
from operator import itemgetter
from typing import Any, Literal, NamedTuple, NoReturn

from cassettes_lib.codings import decoded
from cassettes_lib.header_pairs import Headers
from cassettes_lib.jsonpath import JsonPath, without
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.matching_urls import form_pairs
from cassettes_lib.media import MediaType, NotAsDeclaredError, Part, media_type, multipart_parts
from cassettes_lib.models import InteractionRequest

Kind = Literal["empty", "json", "form", "multipart", "bytes"]

EMPTY_KEY = ("empty",)
# Deeper documents and parts are compared by bytes: the JSON parser's own limit depends on how deep its caller stands,
# which must not decide whether two requests match.
_MAX_JSON_DEPTH = 200
_MAX_PART_DEPTH = 10
_LONG = 512
_WORTH_A_RAW_KEY = 64

_JSON_TYPE = late_pattern(r"(?:application|text)/json\Z|[^/]+/[^/]*\+json\Z|application/x-amz-json-[\d.]+\Z")
# What no form has, raw: control characters, half an escape, the first character of JSON or XML.
_NOT_A_FORM = late_pattern(rb"[\x00-\x1f\x7f]|%(?![0-9A-Fa-f]{2})|\A *[{\[\"<]")
_MOST_EXACT_INTEGER = 2**53


class BodyRules(NamedTuple):
    """What to leave out when bodies are compared.

    Attributes:
        json: Paths of members and elements of JSON bodies.
        form: Names of fields of urlencoded and multipart forms.
    """

    json: tuple[JsonPath, ...] = ()
    form: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.json or self.form)


NO_RULES = BodyRules()


class Understood(NamedTuple):
    """A body as its media type reads it.

    Attributes:
        kind: How it was read.
        value: The JSON value, the list of pairs, the list of parts, or the bytes.
        media_type: What its header says.
        data: Its bytes, with `Content-Encoding` undone.
    """

    kind: Kind
    value: Any
    media_type: MediaType
    data: bytes


def body_key(request: InteractionRequest, rules: BodyRules = NO_RULES) -> Hashable:
    """Return the key by which the body of a request compares."""
    if not request.body:
        return EMPTY_KEY
    content_type, coding = body_headers(request.headers)
    data = _without_codings(request.body, coding)
    return _key(data, content_type, rules, depth=0)


def raw_body_key(request: InteractionRequest) -> Hashable | None:
    """Return a cheap key such that bodies with equal ones have equal `body_key`; None where that saves nothing."""
    return (*body_headers(request.headers), request.body) if len(request.body) >= _WORTH_A_RAW_KEY else None


def understand(request: InteractionRequest, rules: BodyRules = NO_RULES, *, guess: bool = False) -> Understood:
    """Read the body of a request the way `body_key` does, without what the rules leave out.

    Args:
        request: The request.
        rules: What to leave out.
        guess: Read a body without a type as JSON if it can be read so, as `body_key` does when there are JSON paths.
    """
    content_type, coding = body_headers(request.headers)
    data = _without_codings(request.body, coding)
    return _understood(data, media_type(content_type), rules, guess=guess)


def understand_part(part: Part) -> Understood:
    """Read the content of a part of a multipart body."""
    return _understood(part.content, media_type(part.header("content-type")), NO_RULES)


def parse_json(data: bytes, charset: str = "") -> Any:
    """Parse a JSON body.

    Returns:
        The value. A float without a fraction is an int: RFC 8259 knows one kind of numbers, and RFC 8785 and RFC 6902
        compare them as numbers.

    Raises:
        NotAsDeclaredError: It is not JSON, has a member twice, a number beyond a double, or is very deep.
    """
    try:
        text = _json_text(data, charset)
        value = _decode_json(text)
        if text.count("[") + text.count("{") > _MAX_JSON_DEPTH and _is_deep(value):
            raise NotAsDeclaredError("very deep")
    except NotAsDeclaredError:
        raise
    except (ValueError, LookupError, RecursionError, Warning) as error:  # some codecs warn, which may be an error
        raise NotAsDeclaredError(str(error)) from error
    return value


def _key(data: bytes, content_type: str, rules: BodyRules, depth: int) -> Hashable:
    kind = media_type(content_type)
    try:
        if _is_json(kind, rules):
            return _json_key(data, kind.charset, rules.json)
        if kind.name == "application/x-www-form-urlencoded":
            return _form_key(data, rules.form)
        if kind.name.startswith("multipart/") and depth < _MAX_PART_DEPTH:
            return _multipart_key(data, kind, rules, depth)
    except NotAsDeclaredError:
        pass
    return ("bytes", data) if data else EMPTY_KEY


def _understood(data: bytes, kind: MediaType, rules: BodyRules, *, guess: bool = False) -> Understood:
    if not data:
        return Understood("empty", b"", kind, data)
    try:
        if _is_json(kind, rules) or (guess and not kind.name):
            return Understood("json", without(parse_json(data, kind.charset), rules.json), kind, data)
        if kind.name == "application/x-www-form-urlencoded":
            return Understood("form", _fields(data, rules.form), kind, data)
        if kind.name.startswith("multipart/"):
            parts = [part for part in multipart_parts(data, kind.boundary) if part.name not in rules.form]
            return Understood("multipart", parts, kind, data)
    except NotAsDeclaredError:
        pass
    return Understood("bytes", data, kind, data)


def _is_json(kind: MediaType, rules: BodyRules) -> bool:
    """Tell whether to read a body as JSON: if its type says so, or it has no type but there are JSON paths for it."""
    return bool(_JSON_TYPE.match(kind.name)) or (not kind.name and bool(rules.json))


def _json_key(data: bytes, charset: str, paths: tuple[JsonPath, ...]) -> Hashable:
    value = parse_json(data, charset)
    if paths:
        value = without(value, paths)
    # Members are in order (`_in_order`), so equal values have equal prints. `marshal` prints eight times as fast as
    # `json`, and version 2 of its format knows neither references nor interned strings, which depend on chance.
    text = marshal.dumps(value, 2)
    return ("json", text if len(text) <= _LONG else _digest(text))


def _json_text(data: bytes, charset: str) -> str:
    if charset and charset not in ("utf-8", "utf8"):
        return data.decode(charset).removeprefix("\ufeff")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode(json.detect_encoding(data))
    if text.startswith("\ufeff"):
        return text[1:]
    # UTF-16 and UTF-32, which JSON once allowed without a charset, have NULs where JSON has none.
    return data.decode(json.detect_encoding(data)) if "\0" in text[:4] else text


def _number(text: str) -> float | int:
    number = float(text)
    return number if number % 1 > 0 else _whole_number(text, number)


def _whole_number(text: str, number: float) -> float | int:
    if -_MOST_EXACT_INTEGER < number < _MOST_EXACT_INTEGER:
        if number == 0 and re.search("[1-9]", re.split("[eE]", text)[0]):
            raise NotAsDeclaredError(f"{text} is too small for a double")
        return int(number)
    if number in (math.inf, -math.inf):
        raise NotAsDeclaredError(f"{text} is too large for a double")
    from decimal import Decimal  # needed for such numbers only

    exact = Decimal(text)
    return int(exact) if exact == exact.to_integral_value() else number


def _refuse_constant(name: str) -> NoReturn:
    raise NotAsDeclaredError(f"{name} is not JSON")


def _in_order(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members, in the order of their names."""
    pairs.sort(key=_name_of)
    members = dict(pairs)
    if len(members) != len(pairs):
        raise NotAsDeclaredError("a member occurs twice")
    return members


_name_of = itemgetter(0)
_decode_json = json.JSONDecoder(
    object_pairs_hook=_in_order, parse_float=_number, parse_constant=_refuse_constant
).decode


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(_MAX_JSON_DEPTH):
        containers = [each for each in level if isinstance(each, (dict, list))]
        if not containers:
            return False
        level = [child for each in containers for child in (each.values() if isinstance(each, dict) else each)]
    return True


def _form_key(data: bytes, ignored: frozenset[str]) -> Hashable:
    # Sorting by name alone is stable: the repeats of one name keep their order.
    fields = tuple(sorted(_fields(data, ignored), key=_name_of))
    return ("form", fields) if fields else EMPTY_KEY


def _fields(data: bytes, ignored: frozenset[str]) -> list[tuple[str, str]]:
    if _NOT_A_FORM.search(data):
        raise NotAsDeclaredError("not a urlencoded form")
    return [pair for pair in form_pairs(data) if pair[0] not in ignored]


def _multipart_key(data: bytes, kind: MediaType, rules: BodyRules, depth: int) -> Hashable:
    parts = multipart_parts(data, kind.boundary)
    return (
        kind.name,
        tuple(_part_key(part, rules, depth + 1) for part in parts if part.name is None or part.name not in rules.form),
    )


def _part_key(part: Part, rules: BodyRules, depth: int) -> Hashable:
    content_type = part.header("content-type")
    content = _key(part.content, content_type, rules, depth)
    if isinstance(content, tuple) and content[0] == "bytes" and len(part.content) > _LONG:
        content = ("digest", _digest(part.content))
    others = tuple(
        sorted(
            (name, value)
            for name, value in part.headers
            if name not in ("content-disposition", "content-type", "content-length")
        )
    )
    disposition = part.header("content-disposition").partition(";")[0].strip().lower()
    return (disposition, part.name, part.filename, media_type(content_type).canonical, others, content)


def _without_codings(body: bytes, coding: str) -> bytes:
    """Undo a `Content-Encoding`; a body that cannot be decoded is compared as it is."""
    data = decoded(body, coding) if coding else body
    return body if data is None else data


def body_headers(headers: Headers) -> tuple[str, str]:
    """Return `Content-Type` and `Content-Encoding`, "" where absent, in one pass."""
    content_type = coding = ""
    for name, value in headers:
        if len(name) == 12 and not content_type and name.lower() == "content-type":
            content_type = value
        elif len(name) == 16 and name.lower() == "content-encoding":
            coding = f"{coding}, {value}" if coding else value
    return content_type, coding


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=20).digest()
