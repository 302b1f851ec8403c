"""The parts that all foreign recordings share: headers, bodies, status, reason and time, in the shapes they come in.

Strategy: each function takes a value as a parser gave it, whatever it is, and returns what the models want, or raises
`ValueError` with a sentence that says what is wrong. The number of the interaction is added by the caller.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from cassettes_lib.header_pairs import Headers
from cassettes_lib.importers.contents import undo_content_encoding
from cassettes_lib.importers.yamltext import WrittenFloat
from cassettes_lib.models import InteractionResponse

Warn = Callable[[str], None]

_KINDS: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"), (int, "a number"), (float, "a number"), (str, "text"), (bytes, "bytes"), (list, "a list")
)


def member(value: Any, name: str, what: str) -> Any:
    """Return a member that must be there."""
    if name not in value:
        raise ValueError(f"the {what} has no {name}")
    return value[name]


def mapping(value: Any, what: str) -> dict[str, Any]:
    """Return a value that must be an object."""
    if not isinstance(value, dict):
        raise ValueError(f"the {what} is {kind(value)}, where an object belongs")
    return value


def items(value: Any, what: str) -> list[Any]:
    """Return a value that must be a list."""
    if not isinstance(value, list):
        raise ValueError(f"{what} is {kind(value)}, where a list belongs")
    return value


def kind(value: Any) -> str:
    """Say in words what a value is."""
    if value is None:
        return "null"
    for kind_of_value, word in _KINDS:
        if isinstance(value, kind_of_value):
            return word
    return "an object"


def text(value: Any, what: str) -> str:
    """Return a value that must be text and not empty."""
    if isinstance(value, bytes):
        value = value.decode("utf-8")
    if not isinstance(value, str):
        raise ValueError(f"the {what} is {kind(value)}, where text belongs")
    if not value:
        raise ValueError(f"the {what} is empty")
    encoded(value, what)
    return value


def encoded(value: str, what: str, encoding: str = "utf-8") -> bytes:
    """Return the bytes of a text in an encoding."""
    try:
        return value.encode(encoding)
    except UnicodeEncodeError as error:
        offending = value[error.start : error.start + 1]
        raise ValueError(f"the {what} cannot be written as {encoding}: it holds {offending!r}") from error
    except UnicodeError as error:
        raise ValueError(f"the {what} cannot be written as {encoding}: {error}") from error
    except LookupError as error:
        raise ValueError(f"the {what} has the encoding {encoding!r}, which does not exist") from error


def decoded_base64(value: str, what: str) -> bytes:
    """Return what a base64 text stands for; line breaks in it are allowed, anything else odd is not."""
    try:
        return base64.b64decode("".join(value.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"the {what} is not base64: {error}") from error


def header_text(value: Any) -> str:
    """Return a header's name or value as the characters its bytes are in latin-1.

    What latin-1 cannot hold was decoded from UTF-8 by the recording tool, and becomes those bytes again.
    """
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, WrittenFloat):
        return value.written
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, (int, float)):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"a header is {kind(value)}, where text belongs")
    if not all(character <= "\xff" for character in value):
        return encoded(value, "header").decode("latin-1")
    return value


def headers(value: Any, what: str, warn: Warn) -> Headers:
    """Return headers from any of the shapes they come in.

    An object of names to one value or a list; a list of pairs; a list of lines `Name: value`. Line breaks at the ends
    of a value are cut off. A value that is an object becomes its JSON text, and is warned of.
    """
    pairs: list[tuple[str, str]] = []
    for name, values in _named(value, what):
        for each in values if isinstance(values, list) else [values]:
            if isinstance(each, dict):
                warn(f"the header {name} of the {what} is an object; its JSON text is kept")
                each = json.dumps(each)
            pairs.append((header_text(name), header_text(each).strip("\r\n")))
    return tuple(pairs)


def _named(value: Any, what: str) -> Iterable[tuple[Any, Any]]:
    if value is None:
        return []
    if isinstance(value, dict):
        return value.items()
    if not isinstance(value, list):
        raise ValueError(f"the headers of the {what} are {kind(value)}, where an object or a list belongs")
    return [_pair(each, what) for each in value]


def _pair(value: Any, what: str) -> tuple[Any, Any]:
    if isinstance(value, bytes):
        value = value.decode("latin-1")
    if isinstance(value, str) and ":" in value:
        name, _, rest = value.partition(":")
        return name, rest.strip(" \t\r\n")
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], (str, bytes)):
        return value[0], value[1]
    raise ValueError(f"the headers of the {what} hold {kind(value)}, where a pair or a line belongs")


def status_code(value: Any) -> int:
    """Return a status, which some tools write as text."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"the status of the response is {value!r:.80}, where a number belongs")
    return value


def reason_phrase(status: int, given: Any) -> str:
    """Return the reason as it was given, or the standard one where it is missing."""
    if given is None:
        try:
            return HTTPStatus(status).phrase
        except ValueError:
            return ""
    if isinstance(given, (str, bytes, int)):
        return header_text(given)
    raise ValueError(f"the reason of the response is {kind(given)}, where text belongs")


def time_of(value: Any, warn: Warn) -> datetime | None:
    """Return a time stamp; one without a zone is UTC, and one that cannot be read is None."""
    if not isinstance(value, str) or not value:
        return None
    try:
        moment = _parsed_time(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        warn(f"the time stamp {value!r:.80} cannot be read and is left out")
        return None


def _parsed_time(value: str) -> datetime:
    try:
        return datetime.fromisoformat(value.strip())
    except ValueError:
        return parsedate_to_datetime(value)


def http_version(value: Any) -> str:
    """Return "1.1", "1.0", "2" or "3" for what tools write: HTTP/1.1, http/2.0, h2, h3, nothing."""
    if not isinstance(value, str):
        return "1.1"
    number = value.strip().lower().removeprefix("http/").removeprefix("h")
    return {"1.0": "1.0", "2": "2", "2.0": "2", "3": "3", "3.0": "3"}.get(number, "1.1")


def response(
    *, status: int, reason: str, headers: Headers, stored: bytes, version: str = "1.1", **more: Any
) -> InteractionResponse:
    """Return the response for a body that may or may not be encoded as its Content-Encoding says."""
    codings = ", ".join(value for name, value in headers if name.lower() == "content-encoding")
    body, wire_body = undo_content_encoding(stored, codings)
    return InteractionResponse(
        status=status, reason=reason, headers=headers, body=body, wire_body=wire_body, http_version=version, **more
    )
