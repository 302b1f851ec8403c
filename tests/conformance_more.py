"""Rows that go beyond the usual: odd heads, copies of responses, wrappers around `raw`, and unusual uploads."""

from __future__ import annotations

import copy
import gzip
import io
import mmap
import pickle
import tempfile
from collections.abc import Callable
from contextlib import closing
from typing import Any
from unittest import mock

import requests
from requests.auth import AuthBase, HTTPDigestAuth

from tests.conformance_conversations import hops, same_time, uploaded
from tests.conformance_world import World, error, jar, row, rows, seen
from tests.loopback_messages import Reply

HEADS = {
    "folded": b"HTTP/1.1 200 OK\r\nX-F: one\r\n two\r\n\tthree\r\nContent-Length: 2",
    "padded": b"HTTP/1.1 200 OK\r\nX-A:   padded \t \r\nX-B:tight\r\nX-C: a,b ,c\r\nContent-Length: 2",
    "typed twice": b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\nContent-Length: 2",
    "measured twice": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2",
    "with a length that is none": b"HTTP/1.1 200 OK\r\nContent-Length: many",
    "with a signed length": b"HTTP/1.1 200 OK\r\nContent-Length: +2",
    "longer than said": b"HTTP/1.1 200 OK\r\nContent-Length: 1",
    "without a reason": b"HTTP/1.1 200\r\nContent-Length: 2",
    "with a reason in latin-1": b"HTTP/1.1 404 Nicht  gefunden \xe9\r\nContent-Length: 2",
    "with a reason in UTF-8": "HTTP/1.1 500 Größe\r\nContent-Length: 2".encode(),
    "of HTTP/1.0 kept alive": b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2",
    "of status 999": b"HTTP/1.1 999 Odd\r\nContent-Length: 2",
    "of a 205 with a body": b"HTTP/1.1 205 Reset\r\nContent-Length: 2",
    "of a 201 with a Location": b"HTTP/1.1 201 Created\r\nLocation: /text\r\nContent-Length: 2",
    "with ninety-five headers": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: v\r\n" % n for n in range(94))
    + b"Content-Length: 2",
    "with names in UTF-8": "HTTP/1.1 200 OK\r\nContent-Disposition: x; file=ü\r\nContent-Length: 2".encode(),
    "behind two of status 100": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n"
    b"Content-Length: 2",
    "of a coding that says nothing": b"HTTP/1.1 200 OK\r\nContent-Encoding: \r\nContent-Length: 2",
}


def headed(w: World, head: bytes, body: bytes = b"ok") -> Any:
    w.http.route("/headed", lambda hit: Reply(raw=head + b"\r\n\r\n" + body))
    response = w.get("/headed")
    original = response.raw._original_response  # type: ignore[union-attr]
    return (
        *seen(response, "status_code", "reason", "headers", "content", "encoding", "is_redirect", "raw.version",
              "raw.length_remaining", "raw.closed"),
        str(original.msg), original.will_close, list(response.raw.headers.items()), repr(response),
        error(response.raise_for_status)["chain"][:2] if 400 <= response.status_code < 600 else None,
    )


rows("head", {name: lambda w, head=head: headed(w, head) for name, head in HEADS.items()})

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: "

rows("framing", {
    "extensions, trailers and zeros": lambda w: headed(
        w, CHUNKED + b"chunked\r\nTrailer: X-T", b"0005;a=1\r\nhello\r\n0A\r\n0123456789\r\n0\r\nX-T: late\r\n\r\n"),
    "a length and chunks": lambda w: headed(w, CHUNKED + b"chunked\r\nContent-Length: 3", b"5\r\nhello\r\n0\r\n\r\n"),
    "identity as a transfer coding": lambda w: headed(w, CHUNKED + b"identity\r\nContent-Length: 2"),
})


@row("copies", "copied, copied deeply, pickled while streamed")
def _copies(w: World) -> Any:
    response = w.get("/redirect/1")
    made = copy.copy(response), copy.deepcopy(response), pickle.loads(pickle.dumps(w.get("/text", stream=True)))
    return [(*seen(each, "status_code", "content", "headers", "url", "raw", "reason"), len(each.history),
             sorted(vars(each))) for each in made]


@row("copies", "an error, pickled")
def _pickled_error(w: World) -> Any:
    try:
        w.get("/text").json()
    except requests.exceptions.JSONDecodeError as raised:
        again = pickle.loads(pickle.dumps(raised))
        return str(again), type(again), raised.doc, raised.pos, raised.lineno, raised.colno
    return None


def streamed(w: World, path: str, look: Callable[[Any], Any]) -> Any:
    """What is seen of the raw part of a streamed response."""
    return look(w.kept(w.get(path, stream=True)).raw)


rows("wrapped", {
    "BufferedReader": lambda w: streamed(
        w, "/json", lambda r: [f(b) for b in [io.BufferedReader(r, 8)] for f in (lambda b: b.peek(3)[:3], next)]),
    "GzipFile": lambda w: streamed(w, "/gzip", lambda r: gzip.GzipFile(fileobj=r).read()),
    "http.client's own, by lines": lambda w: streamed(w, "/chunked-crlf", lambda r: list(r._original_response)),
    "nothing is read": lambda w: streamed(
        w, "/text", lambda r: (r.read(0), r.closed, r.read(3), r.read(0), r.read(), r.read(0), r.closed)),
    "cached content": lambda w: streamed(w, "/text", lambda r: (r.read(cache_content=True), r.data, r.read())),
    "decoding switched on": lambda w: streamed(
        w, "/gzip", lambda r: (setattr(r, "decode_content", True), r.read(7), r.read(7), r.tell())),
    "streamed as a whole": lambda w: [
        streamed(w, path, lambda r: list(r.stream(None))) for path in ("/text", "/gzip", "/chunked")],
    "headers of urllib3": lambda w: streamed(w, "/repeated-headers", lambda r: (
        repr(r.headers), len(r.headers), list(r.headers.iteritems()), list(r.headers.itermerged()),
        r.headers == r.headers.copy(), "set-cookie" in r.headers, r.headers["x-thing"])),
})


@row("wrapped", "headers of requests")
def _headers(w: World) -> Any:
    headers = w.get("/repeated-headers").headers
    return repr(headers), headers.copy() == headers, list(headers.lower_items()), headers.pop("x-thing"), dict(headers)


@row("wrapped", "contextlib.closing")
def _closing(w: World) -> Any:
    with closing(w.get("/binary?size=50000", stream=True)) as response:
        first = next(response.iter_content(100))
    return first, response.raw.closed, response._content_consumed  # type: ignore[attr-defined]


@row("wrapped", "a generator that is closed")
def _closed_generator(w: World) -> Any:
    response = w.get("/chunked?sizes=5,5,5", stream=True)
    pieces = response.iter_content(5)
    first = next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    return first, response.raw.closed, error(lambda: response.content)


@row("session", "resolve_redirects by hand")
def _resolved(w: World) -> Any:
    session = w.session()
    first = session.get(w.url("/redirect/3"), allow_redirects=False)
    return (
        session.get_redirect_target(first),
        [(each.status_code, each.url) for each in session.resolve_redirects(first, first.request)],
    )


@row("session", "cookies by name, domain and path")
def _cookie_views(w: World) -> Any:
    session = w.session()
    cookies = session.get(w.url("/cookies/set?one=1")).cookies
    return (
        cookies.list_domains(), cookies.list_paths(), cookies.get_dict(path="/"), cookies.keys(), cookies.values(),
        session.get(w.url("/cookies"), cookies={"one": "other"}).json(), jar(session.cookies, ages=True),
    )


@row("session", "a login that answers through connection.send")
def _own_auth(w: World) -> Any:
    class Own(AuthBase):
        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.register_hook("response", self.answer)
            return request

        def answer(self, response: requests.Response, **options: Any) -> requests.Response:
            if response.status_code != 401:
                return response
            response.close()
            again = response.request.copy()
            again.headers["Authorization"] = "Basic dXM6cGE="
            following: requests.Response = response.connection.send(again, **options)
            following.history.append(response)
            return following

    return hops(w.get("/basic-auth/us/pa", auth=Own()))


@row("session", "digest auth with SHA-256")
def _sha(w: World) -> Any:
    with mock.patch("requests.auth.os.urandom", lambda n: b"n" * n), same_time():
        response = w.get("/digest-auth/us/pa?algorithm=SHA-256", auth=HTTPDigestAuth("us", "pa"))
    return response.status_code, response.json(), [each.status_code for each in response.history]


@row("session", "closed, then used")
def _reused(w: World) -> Any:
    session = w.session()
    return session.get(w.url("/text")).text, session.close(), session.get(w.url("/json")).json()


@row("odd upload", "mapped memory")
def _mapped(w: World) -> Any:
    with tempfile.TemporaryFile() as file:
        file.write(b"mapped" * 10)
        file.flush()
        with mmap.mmap(file.fileno(), 0) as body:
            body.seek(6)
            return uploaded(w, data=body), body.tell()


@row("odd upload", "a file at its end")
def _at_its_end(w: World) -> Any:
    file = io.BytesIO(b"abc")
    file.seek(0, io.SEEK_END)
    return uploaded(w, data=file), file.tell()


@row("odd upload", "an object with a length that can only be read")
def _measured(w: World) -> Any:
    class Body:
        def __init__(self) -> None:
            self.file = io.BytesIO(b"0123456789")

        def __len__(self) -> int:
            return 10

        def read(self, size: int = -1) -> bytes:
            return self.file.read(size)

    body = Body()
    return uploaded(w, data=body), body.file.tell()


@row("odd upload", "what cannot be sent")
def _unsendable(w: World) -> Any:
    return error(lambda: w.session().post(w.url("/upload"), data=object()))["chain"][0]  # type: ignore[arg-type]


@row("odd upload", "a file that goes along with a 307")
def _along(w: World) -> Any:
    file = io.BytesIO(b"abcdef")
    file.seek(2)
    response = w.session().post(w.url("/redirect-to?url=/upload&code=307"), data=file)
    return response.json(), file.tell(), response.request.body is file, response.request._body_position


rows("odd upload", {
    "forms": lambda w: [uploaded(w, data=data) for data in (  # type: ignore[arg-type]
        {b"k": b"v", "n": None, "l": [1, 2], "e": ""}, (("a", "1"), ("b", "\u00fc")), {}, "")],
    "JSON of little": lambda w: [uploaded(w, json=value) for value in (None, [], 0, "")],
    "with its own length": lambda w: uploaded(w, data=b"abc", headers={"Content-Length": "3"}),
    "with Expect": lambda w: uploaded(w, data=b"0123456789", headers={"Expect": "100-continue"}),
    "parameters": lambda w: [w.get("/get", params=each).json()["target"] for each in (
        {"a": [1, 2]}, [("x", "y"), ("x", "z")], "raw=1&b", b"bytes=1", {"\u00fc": "\u00e9&="})],
    "targets": lambda w: [w.get(each).json()["target"] for each in (
        "/get/a%2Fb", "/get/a//b/../c", "/get?", "/get?a=b?c", "/get/%zz", "/get?q=a+b%20c")],
})
