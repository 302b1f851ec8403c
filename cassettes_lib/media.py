"""What headers say about a body: media types with their parameters, and the parts of a multipart body.

Strategy: tolerant where that can do no harm (line feeds alone, parameters without quotes, names in any case), and
strict where a guess would make different bodies equal: what is not a whole multipart body is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from cassettes_lib.header_pairs import Headers
from cassettes_lib.late_patterns import late_pattern

_PARAMETER = late_pattern(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.DOTALL)
_DELIMITER_END = late_pattern(rb"(--)?[ \t]*(\r?\n|\Z)")


class NotAsDeclaredError(ValueError):
    """A body does not parse as its media type says, and so is compared by its bytes."""


class MediaType(NamedTuple):
    """A `Content-Type`, taken apart.

    Attributes:
        name: `type/subtype` in small letters; "" when there is none.
        charset: In small letters, or "".
        boundary: Of a multipart type, or "".
        canonical: The whole, without the boundary and with its parameters in order.
    """

    name: str
    charset: str = ""
    boundary: str = ""
    canonical: str = ""


class Part(NamedTuple):
    """A part of a multipart body.

    Attributes:
        name: The field's name, or None.
        filename: The file's name, or None.
        headers: Its headers, names in small letters, as they stand.
        content: Its bytes.
    """

    name: str | None
    filename: str | None
    headers: Headers
    content: bytes

    def header(self, name: str) -> str:
        """Return the first header of this name (in small letters), or ""."""
        return next((value for each, value in self.headers if each == name), "")


@lru_cache(maxsize=512)
def media_type(content_type: str) -> MediaType:
    """Take a `Content-Type` apart; any string will do."""
    name = content_type.partition(";")[0].strip().lower()
    if ";" not in content_type:
        return MediaType(name, canonical=name)
    parameters = _parameters(content_type)
    others = sorted(
        (key, value.lower() if key == "charset" else value) for key, value in parameters.items() if key != "boundary"
    )
    if not name.startswith("multipart/") and "boundary" in parameters:
        others.append(("boundary", parameters["boundary"]))
    return MediaType(
        name,
        parameters.get("charset", "").strip().lower(),
        parameters.get("boundary", ""),
        "; ".join([name, *(f"{key}={value}" for key, value in others)]),
    )


def multipart_parts(body: bytes, boundary: str) -> list[Part]:
    """Split a multipart body (RFC 2046 section 5.1.1).

    Raises:
        NotAsDeclaredError: It is not delimited by this boundary, or a part has no blank line after its headers.
    """
    parts: list[Part] = []
    start = newline = None
    for line_start, line_end, its_newline in _delimiters(body, b"--" + boundary.encode("latin-1", "replace")):
        if start is not None and newline is not None:
            parts.append(_part(body[start : max(start, line_start)], newline))
        start, newline = line_end, its_newline
    if newline != b"":
        raise NotAsDeclaredError("the last boundary is missing")
    return parts


def _delimiters(body: bytes, dashes: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield the delimiter lines: start (the line break before it included), end, and the line break the parts use.

    The last one, which ends with two more dashes, has b"" for its line break. Found by `bytes.find`, because an
    expression would look at every byte of a large upload.
    """
    start = 0 if body.startswith(dashes) else body.find(b"\n" + dashes)
    newline = None
    while start >= 0:
        dashes_end = body.index(dashes, start) + len(dashes)
        ending = _DELIMITER_END.match(body, dashes_end)
        if ending and ending[1]:
            yield start, ending.end(), b""
            return
        if ending and ending[2] and newline in (None, ending[2]):
            newline = ending[2]
            yield start, ending.end(), newline
            dashes_end = ending.end() - len(newline)  # a delimiter may follow at once
        start = body.find((newline or b"\n") + dashes, dashes_end)


def _part(data: bytes, newline: bytes) -> Part:
    if data.startswith(newline):
        head, content = b"", data[len(newline) :]
    else:
        head, blank_line, content = data.partition(newline * 2)
        if not blank_line:
            raise NotAsDeclaredError("a part has no blank line after its headers")
    headers = tuple(_part_headers(head.decode("utf-8", "surrogateescape")))
    disposition = next((value for name, value in headers if name == "content-disposition"), "")
    parameters = _parameters(disposition)
    return Part(parameters.get("name"), parameters.get("filename"), headers, content)


def _part_headers(head: str) -> Iterable[tuple[str, str]]:
    for line in re.split(r"\r?\n(?![ \t])", head):
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip().lower(), value.strip()
        elif line.strip():
            raise NotAsDeclaredError("a line among the headers of a part is not a header")


def _parameters(header: str) -> dict[str, str]:
    """Return the parameters of a header, names in small letters; `name*=` (RFC 5987) is decoded to `name`."""
    parameters: dict[str, str] = {}
    for name, raw in _PARAMETER.findall(header):
        value = raw[1:-1].replace('\\"', '"') if raw.startswith('"') else raw.strip()
        parameters.setdefault(name.lower(), value)
    for name in [each for each in parameters if each.endswith("*")]:
        parameters.setdefault(name[:-1], _rfc5987(parameters[name]))
    return parameters


def _rfc5987(value: str) -> str:
    charset, _, rest = value.partition("'")
    text = rest.partition("'")[2]
    try:
        return unquote(text, encoding=charset or "utf-8", errors="strict")
    except (UnicodeError, LookupError):
        return value
