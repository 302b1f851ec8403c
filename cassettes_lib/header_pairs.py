"""Headers: pairs of name and value; how they stand in a file, what may stand in one, and how one is looked up."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

from cassettes_lib.late_patterns import late_pattern

Headers = tuple[tuple[str, str], ...]

# RFC 9110 section 5.5 forbids CR, LF and NUL in a field value; a line folded as in RFC 9112 section 5.2 is met in
# the wild and `http.client` keeps the fold.
_BAD_HEADER = late_pattern(r"\0|\r(?!\n[ \t])|(?<!\r)\n|\r\n(?![ \t])")


def headers_from_file(value: Any) -> Any:
    """Accept the file's mapping of names to one value or a list of values; pass pairs on to be checked."""
    if not isinstance(value, Mapping):
        return value
    if {*map(type, value.values())} == {str}:  # the usual case, without a loop in Python
        return tuple(value.items())
    pairs: list[tuple[Any, Any]] = []
    for name, given in value.items():
        values = given if isinstance(given, list) else [given]
        if not all(isinstance(each, str) for each in values):
            raise ValueError(f"the value of the header {name!r} is neither a string nor a list of strings")
        pairs.extend((name, each) for each in values)
    return tuple(pairs)


def checked_headers(headers: Headers) -> Headers:
    """Return headers, none of which could break out of its line.

    Raises:
        ValueError: One could.
    """
    text = ":".join(chain.from_iterable(headers))
    if not ("\n" in text or "\r" in text or "\0" in text):  # a tenth of the cost of the expression on each
        return headers
    for name, value in headers:
        if _BAD_HEADER.search(value) or _BAD_HEADER.search(name):
            raise ValueError(f"the header {name!r} contains a CR, LF or NUL character")
    return headers


def joined_values(headers: Headers, name: str) -> str | None:
    """Return the values of a header, joined by ", " when repeated, or None; the case of `name` is free."""
    wanted = name.lower()
    values = [value for each, value in headers if each.lower() == wanted]
    return ", ".join(values) if values else None
