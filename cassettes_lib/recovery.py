"""Recovery: what can be saved from the text of a cassette that breaks off.

Strategy: an interaction is added by overwriting the end of the file, so a process that is killed while it does so
leaves a text that is right from its beginning and then stops. Such a text, and only such a text, is recovered: every
whole interaction counts. (White space may follow it, where the old end was blotted out.) A text that goes wrong
and then goes on was damaged by something else and is left alone.
(After a power failure, a file system may fill the end of a file with NUL bytes, which JSON never has; there it stops.)
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cassettes_lib.errors import CassetteFormatError
from cassettes_lib.fileformat import cassette_from_document, decode
from cassettes_lib.jsontext import is_cut_off, read_json_at, skip_space
from cassettes_lib.models import Cassette, RecordingMark, unchecked

_WHOLE_INTERACTION = b"\n    },\n    {"

RECOVERED_MARK = unchecked(RecordingMark, {"session": "recovered", "started_at": None})
"""The mark on a recovered cassette: the marks stood behind the interactions and are lost, yet it is incomplete."""


def recover_cassette(data: bytes, path: str) -> Cassette | None:
    """Return what is whole of a text that breaks off, or None when this is not such a text.

    Args:
        data: The bytes of the file.
        path: The name of the file, for errors.

    Raises:
        CassetteFormatError: It breaks off, but holds a value of a wrong type, or is of a newer format.
    """
    text = _text_before_the_break(data, path)
    if text is None:
        return None
    begun = _Begun()
    try:
        _read_document(text, begun)
    except RecursionError:  # no cassette is nested so deep
        return None
    except (ValueError, IndexError):
        if not is_cut_off(begun.context + text[begun.position :]):
            return None
    else:
        if text[begun.position :].strip():
            return None
    if "format" not in begun.members:
        return None
    document = {"interactions": begun.interactions, **begun.members}
    cassette = cassette_from_document(document, text, path)
    return cassette.model_copy(update={"incomplete": (*cassette.incomplete, RECOVERED_MARK)})


def _text_before_the_break(data: bytes, path: str) -> str | None:
    nul = data.find(b"\0")
    if nul >= 0:
        if _WHOLE_INTERACTION in data[nul:]:
            return None
        data = data[:nul]
    data = data.rstrip(b" ")
    try:
        return decode(data, path).removeprefix("\ufeff")
    except CassetteFormatError as error:
        cause = error.__cause__
        if isinstance(cause, UnicodeDecodeError) and cause.reason == "unexpected end of data":
            return data[: cause.start].decode("utf-8").removeprefix("\ufeff")
        return None


@dataclass
class _Begun:
    """What has been read of a document, and how it would have to go on.

    Attributes:
        members: Its whole members, but for the interactions.
        interactions: The whole interactions.
        position: Index behind the last whole thing.
        context: A short JSON text that, with the rest behind it, is cut off exactly when the document is.
    """

    members: dict[str, Any] = field(default_factory=dict)
    interactions: list[Any] = field(default_factory=list)
    position: int = 0
    context: str = ""


def _read_document(text: str, begun: _Begun) -> None:
    """Read a document as far as it goes into `begun`; any exception tells that it does not go to its end."""
    position = _expect(text, 0, "{")
    while True:
        name, position = read_json_at(text, skip_space(text, position))
        position = skip_space(text, _expect(text, position, ":"))
        if name == "interactions" and text[position] == "[":
            position = _read_interactions(text, position + 1, begun)
        else:
            begun.members[name], position = read_json_at(text, position)
        begun.position, begun.context = position, '{"":0'
        position = skip_space(text, position)
        if text[position] == "}":
            break
        position = _expect(text, position, ",")
    begun.position = position + 1


def _read_interactions(text: str, position: int, begun: _Begun) -> int:
    begun.position, begun.context = position, '{"":['
    position = skip_space(text, position)
    while text[position] != "]":
        if begun.interactions:
            position = skip_space(text, _expect(text, position, ","))
        interaction, position = read_json_at(text, position)
        begun.interactions.append(interaction)
        begun.position, begun.context = position, '{"":[0'
        position = skip_space(text, position)
    return position + 1


def _expect(text: str, position: int, character: str) -> int:
    position = skip_space(text, position)
    if text[position] != character:
        raise ValueError(f"{character} expected")
    return position + 1
