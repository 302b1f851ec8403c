"""The forms in which a body stands in a file: absent, `json`, `text` or `base64`, each exact for its bytes.

Strategy: the most readable form that gives back the very same bytes wins. A JSON body is parsed, printed in the
style it seems to have, and compared; what differs in a single byte (`1.10`, a repeated key, odd spacing) is text.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

from cassettes_lib.fastjson import parsed_or_none
from cassettes_lib.late_patterns import late_pattern

# A body nested deeper than this is kept as text: Python's JSON reader has a limit (about 1,000 levels) which
# the file around the body must not reach.
_MAX_DEPTH = 100
LARGE = 1 << 23
"""A body of so many bytes is kept as text though it be JSON: parsed, it would take twenty times its size."""
_JSON_START = late_pattern(rb"[ \t\r\n]*[\[{\"\-0-9tfn]")
_ESCAPE = late_pattern(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_HTML = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_OF_HTML, _OF_UPPER_CASE = rb"003[cCeE]|0026", rb"(?=[0-9a-fA-F]{0,3}[A-F])[0-9a-fA-F]{4}"
_HTML_ESCAPED = late_pattern(rb"\\u(?:%b)" % _OF_HTML)
_UPPER_ESCAPED = late_pattern(rb"\\u%b" % _OF_UPPER_CASE)
_TELLING_ESCAPED = late_pattern(rb"\\u(?:%b|%b)" % (_OF_HTML, _OF_UPPER_CASE))
_INDENTED = late_pattern(rb"[\[{]\n( +|\t+)")

STYLE_WORDS = ("spaced", "tabs", "ascii", "html", "upper", "slashes", "newline")


def body_to_form(body: bytes) -> dict[str, Any] | None:
    """Return the most readable exact form of a body, or None for an empty one, which stands for itself by absence.

    Args:
        body: Any bytes.

    Returns:
        One of `{"json": value}`, `{"json": value, "style": words}`, `{"text": str or list of lines}`,
        `{"base64": str}`; `body_from_form` gives `body` back for each.
    """
    if not body:
        return None
    form = _json_form(body)
    if form is not None:
        return form
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}
    return {"text": text.split("\n") if "\n" in text else text}


def body_from_form(form: Any) -> bytes:
    """Return the bytes that a form stands for; bytes stand for themselves, None for no bytes.

    Raises:
        ValueError: The form is none of those that `body_to_form` gives; the text says what is wrong.
    """
    if isinstance(form, (bytes, bytearray, memoryview)):
        return bytes(form)
    if form is None:
        return b""
    if not isinstance(form, Mapping):
        raise ValueError(f"a body is an object with json, text or base64, not {type(form).__name__}")
    kinds = [kind for kind in ("json", "text", "base64") if kind in form]
    if len(kinds) != 1:
        raise ValueError("a body has exactly one of the members json, text and base64")
    value = form[kinds[0]]
    if kinds[0] == "json":
        return _print_json(value, form.get("style", ""))
    return _text_bytes(value) if kinds[0] == "text" else _base64_bytes(value)


def _text_bytes(value: Any) -> bytes:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        value = "\n".join(value)
    if not isinstance(value, str):
        raise ValueError("the text of a body is a string or a list of strings, one per line")
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"the text of a body cannot be written as UTF-8: {error.reason}") from error


def _base64_bytes(value: Any) -> bytes:
    if not isinstance(value, str):
        raise ValueError("the base64 of a body is a string")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the base64 of a body is damaged: {error}") from error


def _json_form(body: bytes) -> dict[str, Any] | None:
    if len(body) >= LARGE or not _JSON_START.match(body):
        return None
    try:
        value = parsed_or_none(body)
        if value is None:
            value = json.loads(body.decode("utf-8"), parse_constant=_refuse_constant)
        if not _is_shallow(body, value):
            return None
        style = _style_of(body)
        if _print_json(value, style) != body:
            return None
    except (ValueError, RecursionError):  # not JSON, not UTF-8, an integer of over 4,300 digits, or very deep
        return None
    return {"json": value, "style": style} if style else {"json": value}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _is_shallow(body: bytes, value: Any) -> bool:
    if body.count(b"[") + body.count(b"{") <= _MAX_DEPTH:
        return True
    level = [value]
    for _ in range(_MAX_DEPTH):
        containers = [each for each in level if isinstance(each, (dict, list))]
        if not containers:
            return True
        level = [child for each in containers for child in (each.values() if isinstance(each, dict) else each)]
    return False


def _style_of(body: bytes) -> str:
    """Guess the words that describe how a JSON text was printed; the caller verifies the guess."""
    words = []
    if indent := _INDENTED.match(body):
        words.append("tabs" if indent[1].startswith(b"\t") else f"indent-{len(indent[1])}")
    elif b'": ' in body or re.match(rb"\[[^,\"]*, ", body) or (b'", ' in body and b'":' not in body):
        words.append("spaced")
    if b"\\u" in body:
        if body.isascii():
            words.append("ascii")
        if _TELLING_ESCAPED.search(body):
            if _HTML_ESCAPED.search(body):
                words.append("html")
            if _UPPER_ESCAPED.search(body):
                words.append("upper")
    if b"\\/" in body:
        words.append("slashes")
    if body.endswith(b"\n"):
        words.append("newline")
    return " ".join(words)


def _print_json(value: Any, style: Any) -> bytes:
    """Print a value as JSON in a style: the words of `STYLE_WORDS`, and `indent-N`, separated by spaces."""
    if not isinstance(style, str):
        raise ValueError("the style of a body is a string")
    words, encoder = _encoder(style)
    try:
        text = encoder.encode(value)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"the json of a body cannot be printed: {error}") from error
    if not words:
        return text.encode("utf-8")
    if "html" in words:
        for character, escaped in _HTML.items():
            text = text.replace(character, escaped)
    if "upper" in words:
        text = _ESCAPE.sub(lambda found: f"\\u{found[1].upper()}" if found[1] else found[0], text)
    if "slashes" in words:
        text = text.replace("/", "\\/")
    if "newline" in words:
        text += "\n"
    return text.encode("utf-8")


@lru_cache(maxsize=64)
def _encoder(style: str) -> tuple[frozenset[str], json.JSONEncoder]:
    """Return the words of a style, and what prints JSON in it; making that anew costs as much as printing."""
    words = frozenset(style.split())
    indent: int | str | None = None
    for word in style.split():
        if word.startswith("indent-") and word[7:].isdecimal() and len(word) <= 9:
            indent = int(word[7:])
        elif word not in STYLE_WORDS:
            raise ValueError(f"unknown style {word!r} of a JSON body; known: {', '.join(STYLE_WORDS)}, indent-N")
    if "tabs" in words:
        indent = "\t"
    comma = ", " if "spaced" in words and indent is None else ","
    colon = ": " if "spaced" in words or indent is not None else ":"
    encoder = json.JSONEncoder(
        ensure_ascii="ascii" in words, separators=(comma, colon), indent=indent, allow_nan=False,
        check_circular=False,  # what was parsed has no circles; another one ends as a RecursionError
    )
    return words, encoder
