"""Placeholders: names that stand in the file for values the code knows, and become those values again on replay."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import quote

from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.models import InteractionResponse
from cassettes_lib.taint import Hit, ValueIndex

# What stands in front of a URL inside a header: `<` in Link, `url=` in Refresh.
_URL_START = late_pattern(r"(?:\A|,)\s*<|\s|\burl=['\"]?", re.IGNORECASE)
_AUTHORITY = late_pattern(r"[^/?#]*@")
_URL_HEADERS = ("location", "content-location", "link", "refresh")

PlaceholderValue = str | bytes | Callable[[], Any] | None


def checked(placeholders: Any) -> dict[str, PlaceholderValue]:
    """Check the argument `placeholders`.

    Raises:
        TypeError: It is not a mapping of names to texts, bytes or callables.
        ValueError: A name is empty or could not stand in a header.
    """
    if placeholders is None:
        return {}
    if not isinstance(placeholders, Mapping):
        raise TypeError(
            f'placeholders is a mapping such as {{"<API_KEY>": value}}, not {type(placeholders).__name__}'
        )
    for name, value in placeholders.items():
        if not isinstance(name, str):
            raise TypeError(f"the name of a placeholder is a text, not {type(name).__name__}")
        if not name.strip() or not name.isprintable() or not name.isascii():
            raise ValueError(f"the placeholder {name!r} is not a name: use printable ASCII such as <API_KEY>")
        if value is not None and not isinstance(value, (str, bytes)) and not callable(value):
            raise TypeError(
                f"the value of the placeholder {name} is a text, bytes, None or a function that returns one of these, "
                f"not {type(value).__name__}"
            )
    return dict(placeholders)


class Placeholders:
    """The placeholders of one session, their values resolved."""

    def __init__(self, given: Mapping[str, PlaceholderValue]) -> None:
        self._value_of: dict[str, str] = {}
        self._name_of: dict[str, str] = {}
        for name, value in given.items():
            text = _resolved(name, value)
            if text and text != name:
                self._value_of[name] = text
                self._name_of.setdefault(text, name)
        self._names_index = ValueIndex()
        for name in self._value_of:
            self._names_index.add(name)

    def __bool__(self) -> bool:
        return bool(self._value_of)

    def names(self) -> Iterable[str]:
        """Return the names."""
        return self._value_of.keys()

    def values(self) -> Iterable[str]:
        """Return the values."""
        return self._name_of.keys()

    def name_of(self, value: str) -> str | None:
        """Return the name that stands for a value."""
        return self._name_of.get(value)

    def is_name(self, text: str) -> bool:
        """Tell whether a text is one of the names."""
        return text in self._value_of

    def restored(self, text: str, escape: Callable[[str], str] = str) -> str:
        """Return a text with the names become values again, in base64 too.

        Args:
            text: Any text.
            escape: How a value is written in this text.
        """
        return self._restored(text, lambda hit: escape(self._value_of[hit.value]))

    def restored_url(self, text: str) -> str:
        """Return a URL, or a header that holds some, with the names become values again."""
        return self._restored(text, lambda hit: _part_of_url(self._value_of[hit.value], text, hit))

    def _restored(self, text: str, written: Callable[[Hit], str]) -> str:
        if not self._value_of:
            return text
        return self._names_index.replaced(text, written, inside=lambda hit: self._value_of[hit.value])

    def restored_bytes(self, body: bytes, content_type: str) -> bytes:
        """Return a body with the names become values again, written as its media type asks."""
        if not self._value_of or not body:
            return body
        try:
            text, charset = body.decode("utf-8"), "utf-8"
        except UnicodeDecodeError:
            text, charset = body.decode("latin-1"), "latin-1"
        restored = self.restored(text, _escape_for(content_type, text))
        return body if restored is text else restored.encode(charset, "surrogateescape")


def restored_response(placeholders: Placeholders, response: InteractionResponse) -> InteractionResponse:
    """Return a response with the names become values again; the same object when it holds none."""
    update: dict[str, Any] = {}
    headers = tuple(
        (name, placeholders.restored_url(value) if name.lower() in _URL_HEADERS else placeholders.restored(value))
        for name, value in response.headers
    )
    if headers != response.headers:
        update["headers"] = headers
    body = placeholders.restored_bytes(response.body, response.header("Content-Type") or "")
    if body != response.body:
        update.update(body=body, recoding="", chunk_sizes=None)
    return response.model_copy(update=update) if update else response


def _part_of_url(value: str, text: str, hit: Hit) -> str:
    """Write a value where a name stands in a URL: it may be the URL's beginning, its host, a piece of its path."""
    front = _URL_START.split(text[: hit.start])[-1]
    if "://" in value and not front:
        return value
    rest = _AUTHORITY.match(text, hit.end)
    is_userinfo = front.count("/") == 2 and "//" in front and rest is not None
    return in_url(value) if is_userinfo or "?" in front or "#" in front else quote(value, safe="/:@!$&'()*+,;=%~[]")


def in_url(value: str) -> str:
    """Write a value as a URL has it."""
    return quote(value, safe="")


def _escape_for(content_type: str, text: str) -> Callable[[str], str]:
    if "json" in content_type or re.match(r"\s*[\[{\"]", text):
        return lambda value: json.dumps(value)[1:-1]
    if "x-www-form-urlencoded" in content_type:
        return in_url
    if "html" in content_type or "xml" in content_type:
        return _in_markup
    return str


def _in_markup(value: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;")):
        value = value.replace(character, entity)
    return value


def _resolved(name: str, value: Any) -> str:
    if callable(value):
        value = value()
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if not isinstance(value, str):
        raise TypeError(f"the function of the placeholder {name} returned {type(value).__name__}, not a text")
    return value
