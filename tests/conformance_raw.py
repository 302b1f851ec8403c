"""Rows about `Response.raw` and what is inside it."""

from __future__ import annotations

import io
import json
import shutil
from typing import Any

import urllib3

from tests.conformance_world import World, error, row, rows, seen

CODED = ("/gzip", "/deflate", "/raw-deflate", "/double-coded", "/chunked-gzip", "/br", "/zstd")
FRAMED = ("/text", "/chunked?sizes=3,7,1", "/until-close", "/http10", "/close", "/no-content", "/not-modified")


def raw(w: World, path: str, method: str = "GET") -> Any:
    """The raw part of a streamed response, which is not garbage before the row ends."""
    return w.kept(w.session().request(method, w.url(path), stream=True)).raw


def left_open(r: Any) -> Any:
    """As urllib3's documentation has it for files that are wrapped: not closed before they are read out."""
    r.auto_close = False
    return r


def state(r: Any) -> Any:
    return r.closed, r.isclosed(), r.tell(), r.length_remaining, r.chunked, r.readable()


rows("raw", {
    "exact classes": lambda w: [
        type(each) for each in (raw(w, "/text"), raw(w, "/text")._original_response, raw(w, "/text").headers,
                                raw(w, "/text")._original_response.msg)
    ],
    "isinstance": lambda w: (isinstance(raw(w, "/text"), urllib3.HTTPResponse), isinstance(raw(w, "/text"), io.IOBase)),
    "status reason version": lambda w: [
        (r.status, r.reason, r.version, getattr(r, "version_string", None))
        for r in (raw(w, "/text"), raw(w, "/http10"), raw(w, "/empty-reason"), raw(w, "/status/404"))
    ],
    "headers": lambda w: list(raw(w, "/repeated-headers").headers.items()),
    "headers.getlist": lambda w: [
        raw(w, "/repeated-headers").headers.getlist(n) for n in ("x-thing", "set-cookie", "no")
    ],
    "getheaders getheader info": lambda w: (
        list(raw(w, "/repeated-headers").getheaders().items()), raw(w, "/repeated-headers").getheader("X-THING"),
        raw(w, "/repeated-headers").getheader("nope", "default"), list(raw(w, "/repeated-headers").info().items()),
    ),
    "msg": lambda w: raw(w, "/text").msg,
    "original msg.get_all": lambda w: [
        raw(w, "/repeated-headers")._original_response.msg.get_all(n) for n in ("X-Thing", "Set-Cookie", "None")
    ],
    "original msg": lambda w: (
        raw(w, "/repeated-headers")._original_response.msg.items(), str(raw(w, "/text")._original_response.msg),
        raw(w, "/text")._original_response.msg.get_content_type(), raw(w, "/text")._original_response.msg.get_payload(),
        raw(w, "/text")._original_response.headers is not None,
    ),
    "original msg of a multipart response": lambda w: (
        str(raw(w, "/multipart")._original_response.msg), raw(w, "/multipart")._original_response.msg.get_payload(),
        [type(each) for each in raw(w, "/multipart")._original_response.msg.defects],
    ),
    "gzip as it is": lambda w: [raw(w, path).read(5) for path in ("/gzip", "/deflate", "/chunked-gzip")],
    "gzip as it is, to the end": lambda w: [raw(w, path).read() for path in CODED],
    "decoded": lambda w: [raw(w, path).read(decode_content=True) for path in CODED],
    "decoded by 9": lambda w: [raw(w, path).read(9, decode_content=True) for path in CODED],
    "stream": lambda w: [list(raw(w, path).stream(50)) for path in (*CODED, "/text", "/chunked?sizes=70,1,120")],
    "stream decoded": lambda w: [
        list(raw(w, path).stream(50, decode_content=True)) for path in (*CODED, "/text", "/chunked?sizes=70,1,120")
    ],
    "read_chunked": lambda w: [list(raw(w, f"/chunked?sizes={s}").read_chunked()) for s in ("3,7,1", "5", "1,1,1,900")],
    "read_chunked by 4": lambda w: list(raw(w, "/chunked?sizes=3,7,1,9").read_chunked(4)),
    "read_chunked of gzip": lambda w: (
        list(raw(w, "/chunked-gzip").read_chunked()), list(raw(w, "/chunked-gzip").read_chunked(decode_content=True)),
    ),
    "read_chunked of what is not": lambda w: error(lambda: list(raw(w, "/text").read_chunked())),
    "chunked, supports_chunked_reads": lambda w: [
        (raw(w, path).chunked, raw(w, path).supports_chunked_reads()) for path in FRAMED
    ],
    "data": lambda w: [raw(w, path).data for path in ("/text", "/gzip", "/chunked?sizes=3,7,1")],
    "json": lambda w: (raw(w, "/json").json() if hasattr(urllib3.HTTPResponse, "json") else None,),
    "retries": lambda w: (repr(raw(w, "/text").retries), raw(w, "/text").retries.history),
    "geturl": lambda w: [raw(w, path).geturl() for path in ("/text", "/text?a=1&b=%20x#frag", "/anything/é")],
    "redirect location": lambda w: [
        w.get(path, allow_redirects=False, stream=True).raw.get_redirect_location() for path in ("/redirect/1", "/text")
    ],
    "wrapped in TextIOWrapper": lambda w: [
        io.TextIOWrapper(raw(w, path), encoding="utf-8").read() for path in ("/text", "/json")
    ],
    "lines of TextIOWrapper": lambda w: list(io.TextIOWrapper(io.BufferedReader(left_open(raw(w, "/json"))), "utf-8")),
    "iterating": lambda w: [list(raw(w, path)) for path in ("/text", "/chunked-crlf", "/gzip")],
    "json.load": lambda w: json.load(raw(w, "/json")),
    "readline and readlines": lambda w: (raw(w, "/events").readline(), raw(w, "/text").readlines()),
    "flush, enforce_content_length, auto_close": lambda w: (
        raw(w, "/text").flush(), raw(w, "/text").enforce_content_length, raw(w, "/text").auto_close,
        raw(w, "/text").decode_content, raw(w, "/text").strict if hasattr(raw(w, "/text"), "strict") else None,
    ),
    "fields of the original response": lambda w: [
        (*seen(o, "version", "status", "code", "reason", "chunked", "length", "will_close", "debuglevel", "_method"),
         o.isclosed(), o.getheader("content-type"), o.getheaders(), o.info() is o.msg, o.getcode())
        for o in (raw(w, path)._original_response for path in FRAMED)
    ],
})


@row("raw", "state before, within and after reading")
def _states(w: World) -> Any:
    results = []
    for path in FRAMED:
        r = raw(w, path)
        results.append((path, state(r), r.read(2), state(r), r.read(), state(r), r.read(), r.read(1), state(r)))
    return results


@row("raw", "state after content")
def _state_after(w: World) -> Any:
    return [(path, state(w.get(path).raw), w.get(path).raw.read(), w.get(path).raw.data) for path in FRAMED]


@row("raw", "state after closing")
def _state_closed(w: World) -> Any:
    results = []
    for path in FRAMED:
        r = raw(w, path)
        r.close()
        results.append((path, state(r), error(r.read), error(lambda r=r: r.read(1))))
    return results


@row("raw", "release_conn and drain_conn")
def _release(w: World) -> Any:
    first, second, third = raw(w, "/text"), raw(w, "/chunked?sizes=5,5"), raw(w, "/text")
    drained = first.drain_conn(), state(first), first.read()
    second.read()
    third.read(2)
    third.drain_conn()
    return drained, second.release_conn(), state(second), state(third), third.release_conn(), third.connection


@row("raw", "read1")
def _read1(w: World) -> Any:
    if not hasattr(urllib3.HTTPResponse, "read1"):
        return None
    r, decoded, chunked = raw(w, "/text"), raw(w, "/gzip"), raw(w, "/chunked?sizes=9,4")
    return (
        [r.read1(3), r.read1(2), state(r)], decoded.read1(4, decode_content=True), decoded.read(decode_content=True),
        [chunked.read1(4), chunked.read1(100), chunked.read1(100), chunked.read1(100)],
    )


@row("raw", "readinto")
def _readinto(w: World) -> Any:
    results = []
    for path in ("/text", "/gzip", "/chunked?sizes=3,7,1"):
        r, buffer = raw(w, path), bytearray(8)
        results.append([(r.readinto(buffer), bytes(buffer)) for _ in range(3)])
    return results


@row("raw", "peek and readline of the original response")
def _peek(w: World) -> Any:
    first, second = raw(w, "/chunked-crlf")._original_response, raw(w, "/json")._original_response
    return (
        first.peek(2)[:2], first.readline(), first.read(),
        second.read(3), second.length, second.read(), second.isclosed(),
    )


@row("raw", "copied with shutil")
def _copied(w: World) -> Any:
    target = io.BytesIO()
    shutil.copyfileobj(raw(w, "/binary?size=200000"), target)
    return len(target.getvalue()), target.getvalue()[-20:]


@row("raw", "decoding after reading as it is")
def _mixed(w: World) -> Any:
    r = raw(w, "/gzip")
    plain = r.read(10, decode_content=True)
    return plain, error(lambda: r.read(10, decode_content=False))["chain"][:2]


@row("raw", "HEAD")
def _head(w: World) -> Any:
    results = []
    for path in ("/head-length", "/chunked", "/gzip", "/http10", "/until-close"):
        response = w.session().head(w.url(path), stream=True)
        r = response.raw
        results.append((path, response.headers, state(r), r.read(), state(r), list(r.stream()), response.content))
    return results


@row("raw", "a 304 with Content-Length and a 204")
def _bodiless(w: World) -> Any:
    return [(list(r.headers.items()), state(r.raw), r.content, r.raw.headers) for r in
            (w.get("/not-modified-length"), w.get("/no-content"))]


@row("raw", "exact bytes of an unusual gzip", preserve_exact_body_bytes=True)
def _exact(w: World) -> Any:
    return [(raw(w, path).read(), w.get(path).headers["Content-Length"]) for path in ("/odd-gzip", "/gzip")]


@row("raw", "an unusual gzip decodes to the same")
def _odd_gzip(w: World) -> Any:
    r = raw(w, "/odd-gzip")
    return w.get("/odd-gzip").content, r.read(2), w.get("/odd-gzip").json(), r.headers["Content-Encoding"]


@row("raw", "codings that say nothing, or nobody knows")
def _unknown_codings(w: World) -> Any:
    paths = "/identity", "/aws-chunked", "/upper-gzip", "/x-gzip"
    return [(w.get(path).content, raw(w, path).read(5)) for path in paths]


@row("raw", "an empty body with a coding")
def _empty_coded(w: World) -> Any:
    paths = "/empty-gzip", "/gzip-of-nothing"
    return [(*seen(w.get(path), "content", "headers"), raw(w, path).read()) for path in paths]


@row("raw", "several gzip members, and padding")
def _members(w: World) -> Any:
    return [(w.get(path).content) for path in ("/two-members", "/padded-gzip")]


@row("raw", "truncated gzip is delivered as live")
def _truncated(w: World) -> Any:
    return w.get("/truncated-gzip").content, raw(w, "/truncated-gzip").read()
