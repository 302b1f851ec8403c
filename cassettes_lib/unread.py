"""An interaction in the text of a cassette that has not been read yet: found to be valid, and built when it is wanted.

Strategy: a raw newline cannot occur inside a JSON string, so in our layout the indentation of a line says what the line
is. So the request can be read without the response, which is all that a search through many interactions needs.
"""

from __future__ import annotations

from sys import intern
from types import EllipsisType
from typing import Any

from pydantic import ValidationError

from cassettes_lib.entrycheck import sure_interaction, sure_request
from cassettes_lib.formaterrors import entry_error
from cassettes_lib.json_bodies import cut_out_json, put_in_json
from cassettes_lib.jsontext import read_json_bytes
from cassettes_lib.layout import BODY, entry_text
from cassettes_lib.models import Interaction, InteractionRequest

_REQUEST, _REQUEST_END = b'\n      "request": {', b"\n      }"


class UnreadEntry:
    """An interaction in a text in our layout, found to be valid; calling it reads it.

    Attributes:
        method: Method of its request.
        url: URL of its request.
    """

    __slots__ = ("_body", "_data", "_entry", "_is_cut", "_path", "_position", "_request", "_slice", "method", "url")

    def __init__(
        self, request: dict[str, Any], data: bytes, where: slice, path: str, position: int, entry: Any = None,
        *, is_cut: bool = False,
    ) -> None:
        """Keep where an interaction stands.

        Args:
            request: The object that stands for its request.
            data: The text of the cassette.
            where: The part of it that is the interaction's.
            path: The name of the place it came from, for errors.
            position: Its position on the cassette, for errors.
            entry: The object that stands for it, kept where it costs too much to read it again.
            is_cut: Whether its JSON bodies can be cut out of its text, and are known to be JSON.
        """
        self.method: str = intern(request["method"])
        self.url: str = request["url"]
        self._data = data
        self._slice = where
        self._path = path
        self._position = position
        self._entry = entry
        self._is_cut = is_cut
        self._request: InteractionRequest | None = None
        self._body: slice | EllipsisType | None = ...  # not looked for yet; None when it is nowhere to be found

    def __call__(self) -> Interaction:
        """Read the interaction.

        Raises:
            CassetteFormatError: A value deep inside is of a wrong type, and was not noticed when the file was read.
        """
        entry, self._entry = self._entry, None
        try:
            return sure_interaction(self._read(self.text) if entry is None else entry)
        except ValueError:  # the models say what is wrong, and where
            entry = entry or read_json_bytes(self.text)
            return validated_entry(entry, self._data, self._slice, self._path, self._position)

    def read_request(self) -> InteractionRequest:
        """Read the request alone, as far as it can be told where it stands; it is kept.

        Raises:
            CassetteFormatError: As when the interaction is read.
        """
        if self._request is None:
            self._request = self._request_alone() or self().request
        return self._request

    def _request_alone(self) -> InteractionRequest | None:
        try:
            kept = self._entry  # which another thread may take
            if kept is not None:
                return sure_request(kept["request"])
            where = self._find_request()
            entry = self._read(self._data[where]) if where else None
            # Whatever may stand in a text that was edited, this is the request that was found to be valid.
            if type(entry) is dict and entry.get("url") == self.url and entry.get("method") == self.method:
                return sure_request(entry)
        except ValueError:
            pass
        return None

    def _read(self, text: bytes) -> Any:
        if not self._is_cut:
            return read_json_bytes(text)
        text, bodies = cut_out_json(text)
        entry = read_json_bytes(text)
        put_in_json(entry, bodies)
        return entry

    @property
    def text(self) -> bytes:
        """The bytes of its object."""
        return self._data[self._slice]

    @property
    def body_text(self) -> bytes | None:
        """The text that stands for its request's body, b"" for no body; None where the body says more than its text.

        That is where it stands in base64, where a header names a charset other than UTF-8, or where it is not told.
        """
        if self._body is ...:
            self._body = self._find_body()
        where = self._body
        return self._data[where] if isinstance(where, slice) else None

    def _find_body(self) -> slice | None:
        where = self._find_request()
        if where is None:
            return None
        start = self._data.find(BODY, where.start, where.stop)
        if start < 0:
            return slice(0, 0)
        head = self._data[where.start : start].lower()
        is_odd = head.count(b"charset") != head.count(b"charset=utf-8")
        return None if is_odd or self._data.find(b'"base64"', start, where.stop) >= 0 else slice(start, where.stop)

    def _find_request(self) -> slice | None:
        start = self._data.rfind(_REQUEST, self._slice.start, self._slice.stop)
        end = self._data.find(_REQUEST_END, start, self._slice.stop) if start >= 0 else -1
        if end < 0 or self._entry is not None:
            return None
        return slice(start + len(_REQUEST) - 1, end + len(_REQUEST_END))


class KeptEntry(UnreadEntry):
    """An interaction in a text in another layout: it is kept as it stands there, not as it was understood.

    So what was edited by hand survives when the text is written anew.
    """

    __slots__ = ("_value",)

    def __init__(self, entry: dict[str, Any], value: Interaction) -> None:
        """Keep an interaction.

        Args:
            entry: The object that stands for it in the file.
            value: What that is understood as.
        """
        text = entry_text(entry)
        super().__init__(entry["request"], text, slice(0, len(text)), "", 0)
        self._value = value

    def __call__(self) -> Interaction:
        """Return the interaction."""
        return self._value

    def read_request(self) -> InteractionRequest:
        """Return its request."""
        return self._value.request


def validated_entry(entry: Any, data: bytes, where: slice, path: str, position: int) -> Interaction:
    """Build an interaction by the models.

    Raises:
        CassetteFormatError: They refuse it; the text says what is wrong, and where.
    """
    try:
        return Interaction.model_validate(entry)
    except (ValidationError, RecursionError) as error:
        line = data.count(b"\n", 0, where.start) + 1
        raise entry_error(error, data[where], path, position, line) from error
