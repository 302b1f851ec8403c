"""Putting the replacements of a recorded request into the places of an asked one.

Strategy: the places are those of redaction: URL parts, headers, cookies, JSON scalars, form and multipart fields,
text. Where the recorded place holds a replacement and what stands around it agrees, the asked place takes the
recorded text. Whether the outcome matches is for the matchers to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple
from urllib.parse import unquote

from cassettes_lib.base64_runs import decoded_run, text_of
from cassettes_lib.codings import decoded, encoded
from cassettes_lib.header_pairs import Headers
from cassettes_lib.json_places import Edit, Path, Scalar, edited, looks_like_json, scalars_of
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.models import InteractionRequest
from cassettes_lib.redaction_bodies import parsed_content_type, part_name
from cassettes_lib.replacements import (
    HINTS_BYTES,
    MARK,
    bytes_hold_replacement,
    holds_replacement,
    is_replacement,
    number_of,
)

_RUN = late_pattern(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_URL = late_pattern(r"([^/?#]*//)?(?:([^/?#@]*)@)?([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?", re.DOTALL)


class Pair(NamedTuple):
    """What stands in one place: here, and on the cassette.

    Attributes:
        found: The value or the replacement asked with.
        number: The number of the replacement on the cassette.
    """

    found: str
    number: int


def is_redacted(request: InteractionRequest) -> bool:
    """Tell quickly whether a request may hold a replacement."""
    if holds_replacement("\n".join([request.url, *[value for _, value in request.headers]])):
        return True
    if not request.body:
        return False
    if bytes_hold_replacement(request.body):
        return True
    coding = request.header("Content-Encoding")
    plain = decoded(request.body, coding) if coding else None
    return plain is not None and bytes_hold_replacement(plain)


def stand_in(asked: InteractionRequest, recorded: InteractionRequest) -> tuple[InteractionRequest, list[Pair]] | None:
    """Return `asked` with the replacements of `recorded` in their places, and what they replace; None without any."""
    pairs: list[Pair] = []
    update: dict[str, object] = {}
    if holds_replacement(recorded.url) or holds_replacement(asked.url):
        url = _url(asked.url, recorded.url, pairs)
        if url != asked.url:
            update["url"] = url
    headers = _headers(asked.headers, recorded.headers, pairs)
    if headers != asked.headers:
        update["headers"] = headers
    body = _body(asked, recorded, pairs)
    if body != asked.body:
        update["body"] = body
    return (asked.model_copy(update=update), pairs) if update else None


def aligned(asked: str, recorded: str, pairs: list[Pair] | None = None) -> bool:
    """Tell whether a text agrees with a recorded one but for what stands in the places of its replacements.

    Args:
        asked: The text.
        recorded: The recorded text.
        pairs: Is given what stands in those places.
    """
    if asked == recorded:
        return True
    if is_replacement(recorded):
        _note(pairs, asked, recorded)
        return bool(asked)
    marks = list(MARK.finditer(recorded))
    if not marks:
        return _aligned_in_base64(asked, recorded, pairs) or _answers(asked, recorded)
    found: list[Pair] = []
    literal = recorded[: marks[0].start()]
    if not asked.startswith(literal):
        return False
    position = len(literal)
    for index, mark in enumerate(marks):
        is_last = index + 1 == len(marks)
        literal = recorded[mark.end() : None if is_last else marks[index + 1].start()]
        if is_last:
            end = len(asked) - len(literal)
            if end <= position or not asked.endswith(literal):
                return False
        else:
            end = asked.find(literal, position + 1) if literal else position + 1
            if end < 0:
                return False
        _note(found, asked[position:end], mark[0])
        position = end + len(literal)
    if pairs is not None:
        pairs.extend(found)
    return True


def _answers(asked: str, recorded: str) -> bool:
    """Tell whether a text has replacements, which the client got on replay, where a recorded one has anything.

    A value too short to be looked for everywhere was replaced in the response it came from, and recorded in clear in
    the request it was sent with.
    """
    return MARK.search(asked) is not None and not MARK.search(recorded) and aligned(recorded, asked, [])


def _aligned_in_base64(asked: str, recorded: str, pairs: list[Pair] | None) -> bool:
    mine, theirs = list(_RUN.finditer(asked)), list(_RUN.finditer(recorded))
    if len(mine) != len(theirs) or _RUN.sub("\0", asked) != _RUN.sub("\0", recorded):
        return False
    for one, other in zip(mine, theirs, strict=True):
        if one[0] == other[0]:
            continue
        inner, own = decoded_run(other[0]), decoded_run(one[0])
        if inner is None or own is None:
            return False
        theirs_text, own_text = text_of(inner), text_of(own)
        if not (MARK.search(theirs_text) or MARK.search(own_text)) or not aligned(own_text, theirs_text, pairs):
            return False
    return True


def _note(pairs: list[Pair] | None, found: str, mark: str) -> None:
    number = number_of(mark)
    if pairs is not None and number is not None:
        pairs.append(Pair(found, number))


def _text(asked: str, recorded: str, pairs: list[Pair]) -> str:
    """Return the recorded text when the asked one agrees with it, else the asked one."""
    if asked == recorded or not (holds_replacement(recorded) or holds_replacement(asked)):
        return asked
    return recorded if aligned(asked, recorded, pairs) else asked


def _url(asked: str, recorded: str, pairs: list[Pair]) -> str:
    mine, theirs = _URL.fullmatch(asked), _URL.fullmatch(recorded)
    if not mine or not theirs:
        return asked
    front, userinfo, host, path, query, fragment = (part or "" for part in mine.groups())
    _, their_userinfo, _, their_path, their_query, their_fragment = (part or "" for part in theirs.groups())
    userinfo = _text(userinfo, their_userinfo, pairs)
    segments, their_segments = path.split("/"), their_path.split("/")
    if len(segments) == len(their_segments):
        path = "/".join(_text(one, other, pairs) for one, other in zip(segments, their_segments, strict=True))
    query = _pairs_text(query, their_query, pairs)
    fragment = _text(fragment, their_fragment, pairs)
    return f"{front}{userinfo}{'@' if userinfo else ''}{host}{path}{query}{fragment}"


def _pairs_text(asked: str, recorded: str, pairs: list[Pair]) -> str:
    """Put replacements into `name=value` pairs; repeats of a name correspond in order."""
    if asked == recorded or not (holds_replacement(recorded) or holds_replacement(asked)):
        return asked
    lead = asked[:1] if asked[:1] == "?" else ""
    theirs: dict[str, list[str]] = {}
    marked: list[str] = []  # pieces whose names are replacements
    for piece in recorded.lstrip("?").split("&"):
        name, _, value = piece.partition("=")
        if holds_replacement(name):
            marked.append(piece)
        else:
            theirs.setdefault(unquote(name), []).append(value)
    pieces = asked[len(lead) :].split("&")
    for index, piece in enumerate(pieces):
        name, equals, value = piece.partition("=")
        waiting = theirs.get(unquote(name))
        if waiting:
            pieces[index] = f"{name}{equals}{_value(value, waiting.pop(0), pairs)}"
        elif marked and aligned(unquote(piece), unquote(marked[0]), pairs):
            pieces[index] = marked.pop(0)
    return lead + "&".join(pieces)


def _value(asked: str, recorded: str, pairs: list[Pair]) -> str:
    """Compare the values of a pair by what they mean, so that a percent-encoded value is known as itself."""
    if asked == recorded or not (holds_replacement(recorded) or holds_replacement(asked)):
        return asked
    plain = unquote(asked.replace("+", " "))
    return recorded if aligned(plain, unquote(recorded.replace("+", " ")), pairs) else asked


def _headers(asked: Headers, recorded: Headers, pairs: list[Pair]) -> Headers:
    marked: dict[str, list[str]] = {}
    for name, value in recorded:
        marked.setdefault(name.lower(), []).append(value)
    if not any(holds_replacement(value) for values in marked.values() for value in values):
        return asked
    result = []
    for name, value in asked:
        waiting = marked.get(name.lower())
        if waiting:
            other = waiting.pop(0)
            value = _cookies(value, other, pairs) if name.lower() == "cookie" else _text(value, other, pairs)
        result.append((name, value))
    return tuple(result)


def _cookies(asked: str, recorded: str, pairs: list[Pair]) -> str:
    theirs = dict(_cookie_pairs(recorded))
    return "; ".join(
        f"{name}={_text(value, theirs.get(name, ''), pairs)}" if value else name for name, value in _cookie_pairs(asked)
    )


def _cookie_pairs(header: str) -> Iterable[tuple[str, str]]:
    for piece in header.split(";"):
        name, _, value = piece.strip().partition("=")
        yield name, value


def _body(asked: InteractionRequest, recorded: InteractionRequest, pairs: list[Pair]) -> bytes:
    if asked.body == recorded.body or not recorded.body:
        return asked.body
    coding, their_coding = asked.header("Content-Encoding"), recorded.header("Content-Encoding")
    mine, theirs = _plain(asked.body, coding), _plain(recorded.body, their_coding)
    if mine is None or theirs is None or not any(hint in theirs or hint in mine for hint in HINTS_BYTES):
        return asked.body
    new = _plain_body(mine, theirs, asked.header("Content-Type"), recorded.header("Content-Type"), pairs)
    if new == mine:
        return asked.body
    return (encoded(new, coding) or new) if coding else new


def _plain(body: bytes, coding: str | None) -> bytes | None:
    return decoded(body, coding) if coding else body


def _plain_body(
    mine: bytes, theirs: bytes, content_type: str | None, their_type: str | None, pairs: list[Pair]
) -> bytes:
    media_type, _, boundary = parsed_content_type(content_type)
    if media_type.startswith("multipart/") and boundary:
        return _multipart(mine, theirs, boundary, parsed_content_type(their_type)[2], pairs)
    text, their_text = mine.decode("utf-8", "surrogateescape"), theirs.decode("utf-8", "surrogateescape")
    return document(text, their_text, media_type, pairs).encode("utf-8", "surrogateescape")


def document(asked: str, recorded: str, media_type: str, pairs: list[Pair]) -> str:
    """Put replacements into a body's text."""
    if looks_like_json(asked) and looks_like_json(recorded):
        return _json(asked, recorded, pairs)
    if "x-www-form-urlencoded" in media_type or re.fullmatch(r"[^\s=&]+=\S*", recorded):
        return _pairs_text(asked, recorded, pairs)
    return _text(asked, recorded, pairs)


def _json(asked: str, recorded: str, pairs: list[Pair]) -> str:
    marked: dict[Path, list[tuple[Scalar, str]]] = {}
    is_asked_marked = holds_replacement(asked)
    for scalar in scalars_of(recorded):
        if scalar.kind != "key" and (is_asked_marked or holds_replacement(scalar.text)):
            marked.setdefault(scalar.path, []).append((scalar, recorded[scalar.start : scalar.end]))
    edits = []
    for scalar in scalars_of(asked):
        waiting = marked.get(scalar.path) if scalar.kind != "key" else None
        if waiting:
            other, literal = waiting.pop(0)
            if scalar.text != other.text and _agrees(scalar.text, other.text, pairs):
                edits.append(Edit(scalar.start, scalar.end, literal))
    return edited(asked, edits)


def _agrees(asked: str, recorded: str, pairs: list[Pair]) -> bool:
    if looks_like_json(recorded) and looks_like_json(asked):
        return _json(asked, recorded, pairs) == recorded
    if aligned(asked, recorded, pairs):
        return True
    return "=" in recorded and "&" in recorded and _pairs_text(asked, recorded, pairs) == recorded


def _multipart(mine: bytes, theirs: bytes, boundary: str, their_boundary: str, pairs: list[Pair]) -> bytes:
    delimiter, their_delimiter = (b"--" + each.encode("latin-1", "replace") for each in (boundary, their_boundary))
    waiting: dict[str, list[bytes]] = {}
    for part in theirs.split(their_delimiter)[1:]:
        waiting.setdefault(_name_of(part), []).append(part)
    parts = mine.split(delimiter)
    for index, part in enumerate(parts[1:], start=1):
        others = waiting.get(_name_of(part))
        if others:
            parts[index] = _part(part, others.pop(0), pairs)
    return delimiter.join(parts)


def _part(mine: bytes, theirs: bytes, pairs: list[Pair]) -> bytes:
    decode: Callable[[bytes], str] = lambda data: data.decode("utf-8", "surrogateescape")  # noqa: E731
    head, blank, content = mine.partition(b"\r\n\r\n")
    _, _, their_content = theirs.partition(b"\r\n\r\n")
    new_head = _text(decode(head), decode(theirs.partition(b"\r\n\r\n")[0]), pairs)
    new = document(decode(content), decode(their_content), "", pairs)
    return new_head.encode("utf-8", "surrogateescape") + blank + new.encode("utf-8", "surrogateescape")


def _name_of(part: bytes) -> str:
    return part_name(part.partition(b"\r\n\r\n")[0].decode("utf-8", "surrogateescape"))
