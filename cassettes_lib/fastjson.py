"""Fast JSON: pydantic's parser and printer, in so far as they give exactly what the standard library gives.

Strategy: they take a third of its time, and `json` stays the arbiter: None means "ask `json`". What the parser refuses
(lone surrogates, deep nesting, NaN) may be right all the same. The printer may only be asked for what was parsed, and
is not believed where the two may write a number in different ways (`1e-05`) or where there is no such number.
"""

from __future__ import annotations

import re
from json.encoder import encode_basestring_ascii
from typing import Any

from pydantic_core import from_json, to_json

_MAYBE_EXPONENT = re.compile(rb"e[-+]?[0-9]")  # looked for first, since that takes a sixth of the time
# A number with an exponent, as it stands behind a name, a comma or a bracket; also met inside of texts, now and then.
_EXPONENT = re.compile(rb"[:,\[ \n]-?[0-9]+(?:\.[0-9]+)?e")
_NOT_PLAIN = re.compile(r"[^\x00-\x7e]+")


def parsed_or_none(data: bytes) -> Any:
    """Read a JSON text in UTF-8; None for `null`, too."""
    try:
        return from_json(data, allow_inf_nan=False)
    except ValueError:
        return None


def printed_or_none(parsed: Any, style: str) -> bytes | None:
    """Print what was parsed on one line, in one of the usual styles.

    Args:
        parsed: The value.
        style: "" (no white space), "spaced" (as `json.dumps` does by default), "ascii" (the same escapes as there), or
            "spaced ascii".
    """
    if style not in ("", "spaced", "spaced ascii", "ascii"):
        return None
    is_spaced = style.startswith("spaced")
    text = _printed(parsed, 0 if is_spaced else None)
    if text is None:
        return None
    if is_spaced:  # it has a line for each value now, and a newline in a string is escaped
        text = text.replace(b",\n", b", ").replace(b"\n", b"")
    if style.endswith("ascii") and (b"\x7f" in text or not text.isascii()):
        text = _NOT_PLAIN.sub(lambda found: encode_basestring_ascii(found[0])[1:-1], text.decode("utf-8")).encode()
    return text


def indented_or_none(parsed: Any) -> str | None:
    """Print what was parsed with an indent of two spaces."""
    text = _printed(parsed, 2)
    return None if text is None else text.decode("utf-8")


def _printed(parsed: Any, indent: int | None) -> bytes | None:
    if type(parsed) is not dict and type(parsed) is not list:
        return None  # a number that stands alone has nothing in front of it
    try:
        text = to_json(parsed, indent=indent)
    except ValueError:
        return None
    if b"0.0000" in text or b"Infinity" in text:
        return None
    if _MAYBE_EXPONENT.search(text) and _EXPONENT.search(text):
        return None
    return text
