"""The way between the objects of requests and urllib3 and our values, both ways, wire-exact.

Strategy: a live response is taken apart into an `InteractionResponse`, and a response, live while recording or
replayed, is put together from one by the same code: a real `http.client.HTTPResponse` inside a real
`urllib3.HTTPResponse`. What the caller gets is therefore the same in both runs by construction. The attributes that
`http.client` computes from the headers are computed here by the same rules, because its parser costs more than the rest
of a replay. The one exception is the response that the caller streams while recording: that is the live one itself,
with its body kept on the way (see `streams`).
"""

from __future__ import annotations

import http.client
import inspect
import io
import logging
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from weakref import ReferenceType, ref

from urllib3 import HTTPResponse
from urllib3._collections import HTTPHeaderDict

from cassettes_lib.codings import codings_of, decoded_with_note, encoded_pieces
from cassettes_lib.failures import broken_body_error, broken_body_from
from cassettes_lib.framing import BodyReceiver, chunked_wire
from cassettes_lib.header_pairs import Headers, checked_headers
from cassettes_lib.heads import TYPES_OF_MAILS, message_from
from cassettes_lib.models import RESPONSE_DEFAULTS, InteractionResponse, RetriedAttempt, unchecked
from cassettes_lib.retrying import retried_of
from cassettes_lib.streams import BreakingBody, LiveBody, RecordedPart

if TYPE_CHECKING:
    from requests import Response

_log = logging.getLogger("cassettes_lib")

# The version that a connection speaks (not the one of the answer), and the target, are told since urllib3 2.
_URLLIB3_2 = "version_string" in inspect.unwrap(HTTPResponse.__init__).__code__.co_varnames
_CODINGS = frozenset(HTTPResponse.CONTENT_DECODERS)
_HTTP_VERSIONS = {"1.1": 11, "1.0": 10, "0.9": 10, "2": 20, "2.0": 20, "3": 30, "3.0": 30}
_PLAIN_POLICY = http.client.HTTPMessage().policy
NO_BODY = frozenset((204, 304, *range(100, 200)))


# From live responses to values ----------------------------------------------------------------------------------


def receiver_for(raw: HTTPResponse) -> BodyReceiver:
    """Return what takes the framing off the unread body of a live response."""
    original = original_of(raw)
    assert original is not None
    if original._method == "HEAD":  # type: ignore[attr-defined]
        return BodyReceiver("none")
    if raw.chunked or original.chunked:  # in this case clients look for a body even where none is allowed
        return BodyReceiver("chunked")
    if raw.status in NO_BODY:
        return BodyReceiver("none")
    if original.length is not None:
        return BodyReceiver("length", original.length)
    return BodyReceiver("until_close")


def original_of(raw: object) -> http.client.HTTPResponse | None:
    """Return the unread `http.client` response inside a live one; None when there is none, as in other tools' fakes."""
    original = getattr(raw, "_original_response", None)
    if not isinstance(original, http.client.HTTPResponse) or not hasattr(original.fp, "readinto1"):
        return None
    return original


class ResponseHead(NamedTuple):
    """What a live response says before its body.

    It holds values only: a stream that is saved when it ends must not keep its own response alive.
    """

    status: int
    reason: str
    headers: Headers
    http_version: str
    coding: str | None
    preserve_exact_body_bytes: bool
    retried: tuple[RetriedAttempt, ...]


def head_of(raw: HTTPResponse, preserve_exact_body_bytes: bool = False) -> ResponseHead:
    """Return what a live response says before its body; `preserve_exact_body_bytes` goes with it."""
    message = getattr(getattr(raw, "_original_response", None), "msg", None)
    headers = _headers_of(message if isinstance(message, http.client.HTTPMessage) else raw.headers)
    return ResponseHead(
        raw.status, raw.reason or "", headers,
        "1.0" if raw.version == 10 else "1.1", raw.headers.get("Content-Encoding"), preserve_exact_body_bytes,
        retried_of(raw),
    )


def _headers_of(message: http.client.HTTPMessage | HTTPHeaderDict) -> Headers:
    if type(message) is http.client.HTTPMessage and message.policy is _PLAIN_POLICY:
        # As `items` gives them: it looks at each value for what is not ASCII, which takes ten times as long.
        kept = cast(Any, message)._headers
        text = "".join(chain.from_iterable(kept))
        if text.isascii() and "\0" not in text:
            return _shared(kept)
    return tuple((name, _clean(str(value))) for name, value in message.items())


def _shared(headers: list[tuple[str, str]]) -> Headers:
    """Return headers, each the same object as an equal one met before: most of a service's responses have the same."""
    if len(_met) > _MOST_MET:
        _met.clear()
    return tuple(map(_met.setdefault, headers, headers))


_met: dict[tuple[str, str], tuple[str, str]] = {}
_MOST_MET = 512


def _clean(value: str) -> str:
    """Return a header's value as RFC 9110 section 5.5 wants it kept: with a space for a NUL."""
    return value.replace("\0", " ")


def response_from_live(head: ResponseHead, body: LiveBody, *, streamed: bool) -> InteractionResponse:
    """Return the value of a live response whose body has been read as far as it will be.

    Args:
        head: What it said before its body.
        body: Its body, kept while it was read.
        streamed: Whether the caller read it as a stream, so that the boundaries of its chunks matter.
    """
    received = body.received()
    broken = None
    if not received.complete and (body.error is not None or body.ended or received.bad):
        broken = broken_body_from(body.error, chunk_size=received.chunk_size, rest=received.rest)
    elif received.chunk_size is not None:  # closed within a chunk: what came of it is a chunk
        whole = received.chunk_sizes or ()
        received = received._replace(chunk_sizes=(*whole, len(received.body) - sum(whole)))
    return _response(
        head, received.body, broken=broken, closed_early=broken is None and not received.complete,
        chunk_sizes=received.chunk_sizes if streamed or broken else None,
    )


def response_from_fake(live: Response, *, preserve_exact_body_bytes: bool = False) -> InteractionResponse:
    """Return the value of a response that did not come through `http.client`; reads it to its end."""
    raw = cast(Any, live.raw)
    if isinstance(raw, HTTPResponse):
        made = _response(head_of(raw, preserve_exact_body_bytes), raw.read(decode_content=False) or b"")
        return InteractionResponse(**dict(made))  # a fake may say anything
    return InteractionResponse(
        status=live.status_code, reason=live.reason or "", body=live.content,
        headers=tuple((str(name), str(value)) for name, value in live.headers.items()),
        wire_body="content-encoding" in live.headers,
    )


def _response(head: ResponseHead, body: bytes, **members: Any) -> InteractionResponse:
    wire_body, recoding = False, ""
    if body and head.coding and codings_of(head.coding):
        sizes, early = members.get("chunk_sizes"), members.get("closed_early", False)
        undone = None
        if not head.preserve_exact_body_bytes:
            undone = decoded_with_note(body, head.coding, known=_CODINGS, chunk_sizes=sizes, unfinished=early)
        if undone is None or not undone[0]:
            wire_body = True
        else:
            body, recoding = undone
    return unchecked(InteractionResponse, {
        **RESPONSE_DEFAULTS, "status": head.status, "reason": head.reason, "headers": checked_headers(head.headers),
        "body": body, "wire_body": wire_body, "recoding": recoding, "http_version": head.http_version,
        "retried": head.retried, **members,
    })


# From values to responses ---------------------------------------------------------------------------------------


class _Framed(NamedTuple):
    """A response as `http.client` sees it once it has read the headers: what is left to read, and how to."""

    headers: Headers
    file: io.BufferedReader
    chunked: bool = False
    length: int | None = None
    part: RecordedPart | None = None


def raw_from_response(response: InteractionResponse, method: str, *, request_url: str | None = None) -> HTTPResponse:
    """Return a fresh urllib3 response that delivers a recorded one.

    Args:
        response: The recorded response.
        method: The method of the request; a response to HEAD has no body, whatever its headers say.
        request_url: The target of the request, for `geturl`.
    """
    fields = HTTPHeaderDict()
    by_name = filled(fields, response.headers)
    framed = _framed(response, method, by_name)
    if framed.headers is not response.headers:
        fields = HTTPHeaderDict()
        by_name = filled(fields, framed.headers)
    original = _answer(response, method, framed, by_name)
    options: dict[str, Any] = {"request_url": request_url, "version_string": "HTTP/1.1"} if _URLLIB3_2 else {}
    raw = HTTPResponse(
        body=original, headers=fields, status=response.status, reason=response.reason, version=original.version,
        preload_content=False, decode_content=False, original_response=original, request_method=method,
        **options,
    )
    if framed.part is not None:
        framed.part.on_end = partial(_read_beyond, ref(raw), request_url)
    return raw


def filled(fields: HTTPHeaderDict, headers: Headers) -> dict[str, list[str]]:
    """Fill urllib3's headers, as its `add` would but faster, and return what they stand on.

    Returns:
        For each name in lower case, the name as it came first and then the values.
    """
    by_name: dict[str, list[str]] = fields._container  # type: ignore[assignment]
    for name, value in headers:
        key = name.lower()
        entry = by_name.get(key)
        if entry is None:
            by_name[key] = [name, value]
        else:
            entry.append(value)
    return by_name


def _answer(
    response: InteractionResponse, method: str, framed: _Framed, by_name: dict[str, list[str]]
) -> http.client.HTTPResponse:
    """Return http.client's response, with the attributes that its `begin` sets."""
    original = http.client.HTTPResponse(_File(framed.file), method=method)  # type: ignore[arg-type]
    answer = cast(Any, original)
    answer.code = answer.status = response.status
    answer.reason = response.reason
    answer.version = version = _HTTP_VERSIONS.get(response.http_version, 11)
    answer.headers = answer.msg = message_of(framed.headers, by_name)
    answer.chunked = framed.chunked
    if framed.chunked:
        answer.chunk_left = None
    answer.length = framed.length
    closing = is_closing(by_name) if version == 11 else answer._check_close()
    answer.will_close = closing or (not framed.chunked and framed.length is None)
    return original


def is_closing(by_name: dict[str, list[str]]) -> bool:
    """Tell whether `http.client` takes a response of HTTP/1.1 for the last one of its connection."""
    return "connection" in by_name and "close" in by_name["connection"][1].lower()


def _read_beyond(its_raw: ReferenceType[HTTPResponse], request_url: str | None) -> None:
    """Let a response end where its recording ends, although its headers promise more."""
    _log.warning(
        "%s: the response is read further than when it was recorded; it was closed early then, and what follows "
        "is not on the cassette", request_url or "a stream",
    )
    raw = its_raw()
    if raw is not None:
        raw.enforce_content_length = False


class _File:
    """What `http.client.HTTPResponse` takes for a socket: it gives the file to read from."""

    __slots__ = ("_file",)

    def __init__(self, file: io.BufferedReader) -> None:
        self._file = file

    def makefile(self, mode: str) -> io.BufferedReader:
        return self._file


def message_of(headers: Headers, by_name: dict[str, list[str]]) -> http.client.HTTPMessage:
    """Return the headers as `http.client.parse_headers` would, without its parser."""
    if "content-type" in by_name and TYPES_OF_MAILS.match(by_name["content-type"][1]):
        block = "".join(f"{name}: {value}\r\n" for name, value in headers)
        return http.client.parse_headers(io.BytesIO(block.encode("latin-1", "replace") + b"\r\n"))
    return message_from(headers)


def _framed(response: InteractionResponse, method: str, by_name: dict[str, list[str]]) -> _Framed:
    """Frame a body by the bytes that are delivered, whatever the recorded headers say."""
    headers = response.headers
    chunked, seems_chunked = _chunking(by_name)
    bodiless = response.status in NO_BODY
    if method == "HEAD" or (bodiless and not seems_chunked):
        return _Framed(_without_dispute(headers, by_name), _reader(b""), chunked, length=0)
    pieces = _wire_pieces(response, by_name)
    body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
    if seems_chunked:
        # Clients that are told of chunks look for them even where no body is allowed.
        length = 0 if bodiless else None if chunked else plain_length(by_name)
        return _Framed(headers, _chunked_file(response, pieces, body), chunked, length)
    if response.broken is not None:
        return _Framed(headers, _broken_file(response, body), length=plain_length(by_name))
    if response.closed_early:
        part = RecordedPart(body)
        return _Framed(headers, io.BufferedReader(part), length=plain_length(by_name), part=part)
    length = plain_length(by_name)
    if "content-length" in by_name and (length != len(body) or len(by_name["content-length"]) > 2):
        headers, length = _with_fitting_length(headers, by_name, len(body))
    return _Framed(headers, _reader(body), length=length)


def _chunking(by_name: dict[str, list[str]]) -> tuple[bool, bool]:
    """Tell whether `http.client` and whether urllib3 takes a body for chunked: the former goes by the exact word."""
    if "transfer-encoding" not in by_name:
        return False, False
    values = by_name["transfer-encoding"][1:]
    chunked = values[0].lower() == "chunked"
    return chunked, chunked or "chunked" in [each.strip() for each in ",".join(values).lower().split(",")]


def _reader(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(cast(Any, io.BytesIO(data)))


def _broken_file(response: InteractionResponse, data: bytes) -> io.BufferedReader:
    broken = response.broken
    if broken is None or broken.error == "IncompleteRead":
        return _reader(data)
    if broken.error == "InvalidChunkLength":
        return _reader(data)
    return io.BufferedReader(BreakingBody(data, broken_body_error(broken)))


def _chunked_file(response: InteractionResponse, pieces: list[bytes], body: bytes) -> io.BufferedReader:
    broken, whole = response.broken, response.chunk_sizes or ()
    if broken is None:
        if whole and len(pieces) > 1 and sum(whole) != len(body):
            whole = tuple(map(len, pieces))  # encoded otherwise than it was received, with the same boundaries
        return _reader(b"".join(chunked_wire(body, whole)))
    wire = chunked_wire(body, whole, ended=False)
    left = body[sum(whole) :]
    if broken.chunk_size is not None:
        wire += (b"%x\r\n" % max(broken.chunk_size, len(left)), left)
    wire.append(broken.rest.encode("latin-1", "replace"))
    return _broken_file(response, b"".join(wire))


def plain_length(by_name: dict[str, list[str]]) -> int | None:
    """Return the length that `http.client` takes from the headers: the first one, if it is a number from 0 up."""
    if "content-length" not in by_name:
        return None
    try:
        length = int(by_name["content-length"][1])
    except ValueError:
        return None
    return length if length >= 0 else None


def _without_dispute(headers: Headers, by_name: dict[str, list[str]]) -> Headers:
    """Return headers whose lengths, of a body that does not come, agree; urllib3 raises when they do not."""
    values = by_name.get("content-length", ())[1:]
    if len(set(values)) <= 1 and not (values and "," in values[0]):
        return headers
    length = plain_length(by_name)
    return _with_fitting_length(headers, by_name, length or 0)[0]


def _with_fitting_length(
    headers: Headers, by_name: dict[str, list[str]], length: int
) -> tuple[Headers, int | None]:
    """Return headers whose `Content-Length` is that of the bytes delivered, if it is one that counts."""
    try:
        # As urllib3 reads it: equal values are one, different ones an error.
        numbers = {int(each) for value in by_name["content-length"][1:] for each in value.split(",")}
    except ValueError:
        return headers, None  # nobody counts by it
    if numbers == {length} or (len(numbers) == 1 and min(numbers) < 0):
        return headers, plain_length(by_name)
    fitting = str(length)
    return tuple(
        (name, fitting) if name.lower() == "content-length" else (name, value) for name, value in headers
    ), length


def _wire_pieces(response: InteractionResponse, by_name: dict[str, list[str]]) -> list[bytes]:
    """Return the body as it goes over the wire, in pieces where it was flushed between them."""
    if "content-encoding" not in by_name or not response.body or response.wire_body:
        return [response.body]
    coding = ", ".join(by_name["content-encoding"][1:])
    names = codings_of(coding)
    if not names or not _CODINGS.issuperset(names):
        return [response.body]
    # Where it cannot be encoded, urllib3 cannot decode it either, and hands it on as it is.
    return encoded_pieces(response.body, coding, response.recoding) or [response.body]
