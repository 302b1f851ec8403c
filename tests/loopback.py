"""The loopback HTTP(S) server tests record from, with control of every byte; a small proxy; and some dead ends.

Strategy: raw sockets and one daemon thread per connection. Tests say what the wire shall carry (a `Reply`), the server
carries it and logs what it received (a `Hit`). Nothing here depends on the clock or on chance, so that two runs of one
conversation are equal: no Date header, constant nonces, and counters that `clear()` sets back. A connection ends by
FIN, and is kept until the client has ended its side, unless the Reply asks for a reset; no error is a matter of luck.
"""

from __future__ import annotations

import atexit
import base64
import errno
import functools
import gzip
import hashlib
import importlib
import itertools
import json
import os
import random
import select
import selectors
import shutil
import socket
import ssl
import struct
import sys
import tempfile
import threading
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import KW_ONLY, dataclass
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from time import time
from typing import BinaryIO, Literal, Self
from urllib.parse import parse_qsl, quote, urlsplit
from urllib.request import parse_http_list, parse_keqv_list

import trustme

HOST = "127.0.0.1"
NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c0"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TEXT = "Grüße aus Zürich, 東京 and 🚀\n"
POEM = json.dumps({"lines": [f"line {number} of something compressible" for number in range(40)]}).encode()

HeaderPairs = Sequence[tuple[str, "str | bytes"]]


@dataclass(frozen=True)
class Hit:
    """One request as it was received; `body` is without transfer coding, `chunked` says whether there was one."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    chunked: bool = False
    peer_certificate: Mapping[str, object] | None = None

    @property
    def path(self) -> str:
        """The target without its query, and without scheme and host in absolute form."""
        if self.target.startswith("/"):
            return self.target.partition("?")[0]
        return urlsplit(self.target).path or "/"

    @property
    def query(self) -> dict[str, str]:
        """The decoded query; of a repeated name the last value."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def last_segment(self) -> str:
        """What follows the last slash of the path."""
        return self.path.rpartition("/")[2]

    def header(self, name: str) -> str | None:
        """The first header of that name, case-insensitively."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Reply:
    """What the server shall send; without options a plain, complete response with Content-Length.

    Args:
        status: The status code.
        reason: The reason phrase; None stands for the usual one, `""` for none at all.
        headers: Sent in this order; `str` goes out as latin-1, `bytes` as they are. Framing headers are added behind
            them unless named here.
        body: The body, before framing.
        chunks: The body in pieces, each sent on its own; `framing` is then "chunked" unless given.
        http_version: "1.1" or "1.0"; after "1.0" the connection is closed.
        framing: "none" adds no header; the connection is closed unless a Content-Length in `headers` fits. Where the
            client cannot know that, add `close=True`, or it may race the end with its next request.
        informational: (status, headers) sent before the response. (http.client takes all but 100 for the response.)
        truncate_at: Send this many bytes of the body, and not the end of a chunked one, then close.
        reset_at: The same, ended by a TCP reset. (Over TLS, Python before 3.13 reports it as an end of file.)
        stall_at: The same, then silence until the client goes away or the server is stopped.
        gates: Waited for one by one before each piece; one more than pieces gates the end.
        raw: Sent verbatim in place of everything else, then closed; obeys `reset_at` and `stall_at`.
        delay_event: Waited for before the first byte.
        close: Say `Connection: close`, and do.
    """

    status: int = 200
    reason: str | None = None
    headers: HeaderPairs = ()
    body: bytes = b""
    _: KW_ONLY
    chunks: Sequence[bytes] | None = None
    http_version: Literal["1.1", "1.0"] = "1.1"
    framing: Literal["length", "chunked", "close", "none"] | None = None
    informational: Sequence[tuple[int, HeaderPairs]] = ()
    truncate_at: int | None = None
    reset_at: int | None = None
    stall_at: int | None = None
    gates: Sequence[threading.Event] | None = None
    raw: bytes | None = None
    delay_event: threading.Event | None = None
    close: bool = False

    @property
    def cut(self) -> int | None:
        """After how many bytes of body the response breaks off; None when it does not."""
        return next((at for at in (self.truncate_at, self.reset_at, self.stall_at) if at is not None), None)


Handler = Callable[[Hit], Reply]


def json_reply(value: object, status: int = 200, headers: HeaderPairs = ()) -> Reply:
    """A Reply with a JSON body."""
    return Reply(status, headers=[("Content-Type", "application/json"), *headers], body=json.dumps(value).encode())


def text_reply(text: str, status: int = 200, headers: HeaderPairs = ()) -> Reply:
    """A Reply with a UTF-8 text body."""
    return Reply(status, headers=[("Content-Type", "text/plain; charset=utf-8"), *headers], body=text.encode())


# Reading requests -----------------------------------------------------------------------------------------------


def _read_request(reader: BinaryIO, sock: socket.socket, certificate: Mapping[str, object] | None) -> Hit | None:
    """Read one request; None at the end of the connection. A request that is none raises ValueError."""
    line = reader.readline(65536)
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split()
    headers = _read_headers(reader)
    hit = Hit(method, target, headers)
    if (hit.header("Expect") or "").lower() == "100-continue":
        sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    chunked = "chunked" in (hit.header("Transfer-Encoding") or "").lower()
    body = _read_chunked(reader) if chunked else _read_exactly(reader, int(hit.header("Content-Length") or 0))
    return Hit(method, target, headers, body, chunked, certificate)


def _read_headers(reader: BinaryIO) -> list[tuple[str, str]]:
    headers = []
    while (line := reader.readline(65536).decode("latin-1").rstrip("\r\n")) != "":
        name, _, value = line.partition(":")
        headers.append((name, value.strip(" \t")))
    return headers


def _read_chunked(reader: BinaryIO) -> bytes:
    pieces = []
    while size := int(reader.readline(65536).partition(b";")[0], 16):
        pieces.append(_read_exactly(reader, size))
        reader.readline(65536)
    _read_headers(reader)
    return b"".join(pieces)


def _read_exactly(reader: BinaryIO, size: int) -> bytes:
    data = reader.read(size)
    if len(data) < size:
        raise ConnectionError("the client went away within its body")
    return data


# Sending replies ------------------------------------------------------------------------------------------------


def _send_reply(sock: socket.socket, hit: Hit, reply: Reply, stopping: threading.Event) -> bool:
    """Send `reply`; True when the connection can serve another request."""
    _wait_for(reply.delay_event, stopping)
    if reply.raw is not None:
        sock.sendall(reply.raw)
        _break_off(sock, reply)
        return False
    for status, extra in reply.informational:
        sock.sendall(_head("1.1", status, None, extra))
    pieces = [reply.body] if reply.chunks is None else reply.chunks
    framing = reply.framing or ("length" if reply.chunks is None else "chunked")
    close = reply.close or framing == "close" or (hit.header("Connection") or "").lower() == "close"
    headers, framed = _framed(reply, framing, sum(map(len, pieces)), close)
    sock.sendall(_head(reply.http_version, reply.status, reply.reason, headers))
    bodiless = hit.method == "HEAD" or reply.status in (204, 304)
    if not bodiless:
        _send_body(sock, reply, pieces, framing == "chunked", stopping)
        if reply.cut is not None:
            _break_off(sock, reply)
            return False
    return not close and reply.http_version == "1.1" and (framed or bodiless)


def _framed(reply: Reply, framing: str, length: int, close: bool) -> tuple[HeaderPairs, bool]:
    """The headers with those of the framing behind them, and whether they tell the client the true end of the body."""
    given = {name.lower(): value for name, value in reply.headers}
    added = []
    if framing == "length" and reply.status not in (204, 304):
        added.append(("Content-Length", str(length)))
    if framing == "chunked":
        added.append(("Transfer-Encoding", "chunked"))
    if close and reply.http_version == "1.1":
        added.append(("Connection", "close"))
    added = [(name, value) for name, value in added if name.lower() not in given]
    declared = {"content-length": str(length)} if ("Content-Length", str(length)) in added else given
    return [*reply.headers, *added], framing == "chunked" or declared.get("content-length") == str(length)


def _head(version: str, status: int, reason: str | None, headers: HeaderPairs) -> bytes:
    phrase = _usual_reason(status) if reason is None else reason
    lines = [f"HTTP/{version} {status} {phrase}".encode("latin-1")]
    for name, value in headers:
        lines.append(name.encode("latin-1") + b": " + (value if isinstance(value, bytes) else value.encode("latin-1")))
    return b"\r\n".join(lines) + b"\r\n\r\n"


def _usual_reason(status: int) -> str:
    with suppress(ValueError):
        return HTTPStatus(status).phrase
    return ""


def _send_body(
    sock: socket.socket, reply: Reply, pieces: Sequence[bytes], chunked: bool, stopping: threading.Event
) -> None:
    gates = list(reply.gates or ())
    left = reply.cut
    for piece, gate in itertools.zip_longest(pieces, gates[: len(pieces)]):
        if left == 0:
            break
        _wait_for(gate, stopping)
        cut_here = left is not None and left < len(piece)
        data = piece[:left] if cut_here else piece
        end = b"" if cut_here else b"\r\n"
        sock.sendall(b"%x\r\n%b%b" % (len(piece), data, end) if chunked else data)
        left = None if left is None else left - len(data)
    for gate in gates[len(pieces) :]:
        _wait_for(gate, stopping)
    if chunked and reply.cut is None:
        sock.sendall(b"0\r\n\r\n")


def _wait_for(event: threading.Event | None, stopping: threading.Event) -> None:
    """Wait for `event`; a server that is being stopped gives up, with an error that ends the connection."""
    while event is not None and not event.wait(0.02):
        if stopping.is_set():
            raise ConnectionAbortedError("the server was stopped")


def _break_off(sock: socket.socket, reply: Reply) -> None:
    if reply.reset_at is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise ConnectionAbortedError("reset as scripted")  # no goodbye: closing the socket now sends RST
    if reply.stall_at is not None:
        _drain(sock)


def _drain(sock: socket.socket) -> None:
    """Read, below TLS, until the client has closed its side or `stop` has shut the socket down."""
    while socket.socket.recv(sock, 65536):
        pass


def _say_goodbye(sock: socket.socket) -> None:
    """End our side with a FIN and wait for the client's; closing over unread bytes would turn the end into a reset."""
    if isinstance(sock, ssl.SSLSocket):
        sock.setblocking(False)  # send our close_notify, but do not wait for the client's
        with suppress(OSError, ValueError):
            sock.unwrap()
        sock.setblocking(True)
    socket.socket.shutdown(sock, socket.SHUT_WR)
    _drain(sock)


# Listening ------------------------------------------------------------------------------------------------------


class _Endpoint:
    """A listening socket, a thread for each of its connections, and the list of what they received."""

    def __init__(self) -> None:
        self.port = 0
        self._hits: list[Hit] = []
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._connections: dict[threading.Thread, socket.socket] = {}  # changed by the accepting thread only
        self._acceptor: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Scheme, host and port; no slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def hits(self) -> list[Hit]:
        """A copy of the requests received so far."""
        with self._changed:
            return list(self._hits)

    def wait_for_hits(self, count: int, timeout: float = 10.0) -> list[Hit]:
        """Wait until `count` requests were received; AssertionError when they are not within `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._hits) >= count, timeout):
                raise AssertionError(f"{len(self._hits)} requests arrived, not {count}")
            return list(self._hits)

    def clear(self) -> None:
        """Forget the hits."""
        with self._changed:
            self._hits.clear()

    def start(self) -> Self:
        """Listen; after a `stop`, on the same port as before."""
        self._stopping.clear()
        listener = socket.create_server((HOST, self.port), backlog=128)
        listener.setblocking(False)
        self.port = listener.getsockname()[1]
        self._waker, wakened = socket.socketpair()
        self._acceptor = threading.Thread(target=self._accept, args=(listener, wakened), daemon=True)
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close the listening socket and every connection, and wait for their threads. Harmless when repeated."""
        if self._acceptor is None:
            return
        self._stopping.set()
        self._waker.close()
        self._acceptor.join()
        self._acceptor = None
        for sock in self._connections.values():
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
        for thread in self._connections:
            thread.join(10)
            if thread.is_alive():
                raise RuntimeError(f"a handler of {self.url} did not return within 10 s of stop()")
        self._connections.clear()

    def __enter__(self) -> Self:
        return self.start() if self._acceptor is None else self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def _accept(self, listener: socket.socket, wakened: socket.socket) -> None:
        with listener, wakened, selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(wakened, selectors.EVENT_READ)
            while not self._stopping.is_set():
                selector.select()
                with suppress(OSError):
                    self._admit(listener.accept()[0])

    def _admit(self, sock: socket.socket) -> None:
        try:
            sock.settimeout(None)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock = self._secured(sock)
        except (OSError, ValueError):  # gone already
            sock.close()
            return
        for ended in [thread for thread in self._connections if not thread.is_alive()]:
            del self._connections[ended]
        thread = threading.Thread(target=self._run, args=(sock,), daemon=True)
        self._connections[thread] = sock
        thread.start()

    def _run(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            self._serve(sock)
            _say_goodbye(sock)

    def _log(self, hit: Hit) -> None:
        with self._changed:
            self._hits.append(hit)
            self._changed.notify_all()

    def _secured(self, sock: socket.socket) -> socket.socket:
        return sock

    def _serve(self, sock: socket.socket) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class _Certificates:
    ca: trustme.CA
    ca_pem: str
    client_pem: str


@functools.cache
def _certificates() -> _Certificates:
    """One authority for the whole process, on disk until it ends: a replay may name it when the server is gone."""
    folder, owner = Path(tempfile.mkdtemp(prefix="loopback-")), os.getpid()
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    ca.issue_cert("client@example.org").private_key_and_cert_chain_pem.write_to_path(str(folder / "client.pem"))
    return _Certificates(ca, str(folder / "ca.pem"), str(folder / "client.pem"))


class LoopbackServer(_Endpoint):
    """A scripted HTTP/1.1 server; its built-in routes are the functions below it.

    Args:
        tls: Speak HTTPS, with a certificate for localhost, 127.0.0.1 and ::1.
        client_certificates: Demand one (`cert=server.client_cert_path`); it is in `Hit.peer_certificate`.
    """

    def __init__(self, tls: bool = False, client_certificates: bool = False) -> None:
        super().__init__()
        self._handlers: dict[str, Handler] = {}
        self._counters: Counter[str] = Counter()
        self._gates: dict[str, threading.Event] = {}
        self._context = _server_context(client_certificates) if tls else None

    @property
    def url(self) -> str:
        """Scheme, host and port; no slash at the end."""
        return f"{'https' if self._context else 'http'}://{HOST}:{self.port}"

    def url_for(self, path: str, host: str = HOST) -> str:
        """The URL of `path`; `host="localhost"` gives the same server under its other name."""
        return self.url.replace(HOST, host) + path

    @property
    def ca_pem_path(self) -> str:
        """For `verify=`; stays there after `stop`."""
        return _certificates().ca_pem

    @property
    def client_cert_path(self) -> str:
        """For `cert=`: key and certificate in one file; stays there after `stop`."""
        return _certificates().client_pem

    def route(self, path: str, handler: Handler) -> None:
        """Answer `path` and what lies below it by `handler`; goes before the built-in routes."""
        self._handlers[path] = handler

    def script(self, path: str, *replies: Reply) -> None:
        """Answer `path` by these, one after the other; the last one repeats."""
        self.route(path, lambda hit: replies[min(self.count(f"script {path}"), len(replies)) - 1])

    def count(self, key: str) -> int:
        """How often this was asked for `key` since the last `clear`, this time included."""
        with self._changed:
            self._counters[key] += 1
            return self._counters[key]

    def gate(self, name: str) -> threading.Event:
        """The event of that name, made when first asked for. `/events` and `/delay` can wait for it."""
        with self._changed:
            return self._gates.setdefault(name, threading.Event())

    def clear(self) -> None:
        """Forget hits, counters, gates and the position in scripts, so that a conversation repeats exactly."""
        super().clear()
        with self._changed:
            self._counters.clear()
            self._gates.clear()

    def _secured(self, sock: socket.socket) -> socket.socket:
        if self._context is None:
            return sock
        return self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)

    def _serve(self, sock: socket.socket) -> None:
        certificate: Mapping[str, object] | None = None
        if isinstance(sock, ssl.SSLSocket):
            with suppress(ssl.SSLError):
                sock.do_handshake()
            if sock.version() is None:
                return
            certificate = sock.getpeercert() or None
        with sock.makefile("rb") as reader:
            try:
                while hit := _read_request(reader, sock, certificate):
                    self._log(hit)
                    if not _send_reply(sock, hit, self._reply_to(hit), self._stopping):
                        return
            except ValueError:
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    def _reply_to(self, hit: Hit) -> Reply:
        try:
            for path in _prefixes(hit.path):
                if handler := self._handlers.get(path):
                    return handler(hit)
            for path in _prefixes(hit.path):
                if builtin := _BUILTINS.get(path):
                    return builtin(self, hit)
        except Exception:
            return text_reply(traceback.format_exc(), 500)
        return text_reply(f"no route for {hit.path}\n", 404)


def _server_context(client_certificates: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority = _certificates().ca
    authority.issue_cert("localhost", HOST, "::1").configure_cert(context)
    if client_certificates:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def _prefixes(path: str) -> Iterator[str]:
    yield path
    while path := path.rpartition("/")[0]:
        yield path


# Built-in routes ------------------------------------------------------------------------------------------------

_Builtin = Callable[[LoopbackServer, Hit], Reply]
_BUILTINS: dict[str, _Builtin] = {}


def _builtin(*paths: str) -> Callable[[_Builtin], _Builtin]:
    def register(handler: _Builtin) -> _Builtin:
        _BUILTINS.update(dict.fromkeys(paths, handler))
        return handler

    return register


def _constant(path: str, reply: Reply) -> None:
    _BUILTINS[path] = lambda server, hit: reply


def _typed(media_type: str, body: bytes, **headers: str) -> Reply:
    return Reply(headers=[("Content-Type", media_type), *headers.items()], body=body)


_PIECES = [b"one\r", b"\ntwo\r\nth", b"ree\r", b"\n\r\nfive\nsi", b"x"]
_TEXT_TYPE: HeaderPairs = [("Content-Type", "text/plain; charset=utf-8")]
_LINK = '</items?page=2>; rel="next", </items?page=9>; rel="last"'
_ODD: HeaderPairs = [
    ("X-Thing", "one"),
    ("x-thing", "two"),
    ("Set-Cookie", "first=1; Path=/"),
    ("X-mIxEd-CaSe", "Kept"),
    ("X-THING", "three, four"),
    ("Set-Cookie", "second=2; Path=/; Expires=Wed, 21 Oct 2065 07:28:00 GMT"),
    ("X-Empty", ""),
]
_constant("/json", json_reply({"name": "Ünïcode", "numbers": [1, 2.5, None], "nested": {"ok": True}}))
_constant("/text", text_reply(TEXT))
_constant("/latin1", _typed("text/plain; charset=iso-8859-1", "café à la crème\n".encode("latin-1")))
_constant("/wrong-charset", _typed("text/plain; charset=utf-8", "café\n".encode("latin-1")))
_constant("/unknown-charset", _typed("text/plain; charset=no-such", TEXT.encode()))
_constant("/no-type", Reply(body=TEXT.encode()))
_constant("/image", _typed("image/png", PNG))
_constant("/bad-json", _typed("application/json", b'{"a": 1,'))
_constant("/json-no-charset", _typed("application/json", json.dumps({"a": TEXT}, ensure_ascii=False).encode()))
_constant("/chunked-crlf", Reply(headers=_TEXT_TYPE, chunks=_PIECES))
_constant("/http10", Reply(headers=_TEXT_TYPE, body=b"old\n", http_version="1.0", framing="close"))
_constant("/close", Reply(headers=_TEXT_TYPE, body=b"closing\n", close=True))
_constant("/until-close", Reply(headers=_TEXT_TYPE, body=b"as long as it lasts\n", framing="close"))
_constant("/no-content", Reply(204, headers=[("X-Note", "nothing")]))
_constant("/not-modified", Reply(304, headers=[("ETag", '"v1"')]))
_constant("/head-length", _typed("application/octet-stream", bytes(1234)))
_constant("/repeated-headers", Reply(headers=_ODD, body=b"odd"))
_constant("/latin1-header", Reply(headers=[("X-Name", "café"), ("X-Bytes", b"\xff\xfe \xc3\xa9")], body=b"ok"))
_constant("/empty-reason", Reply(reason="", body=b"ok"))
_constant("/links", json_reply([1, 2], headers=[("Link", _LINK)]))
_constant("/reset", Reply(raw=b"", reset_at=0))
_constant("/hang-up", Reply(raw=b""))
_constant("/garbage", Reply(raw=b"this is not HTTP\r\n\r\n"))
_constant("/gzip", _typed("application/json", gzip.compress(POEM, mtime=0), **{"Content-Encoding": "gzip"}))
_constant("/deflate", _typed("application/json", zlib.compress(POEM), **{"Content-Encoding": "deflate"}))
_constant("/raw-deflate", _typed("application/json", zlib.compress(POEM)[2:-4], **{"Content-Encoding": "deflate"}))
_constant(
    "/double-coded",
    _typed("application/json", gzip.compress(zlib.compress(POEM), mtime=0), **{"Content-Encoding": "deflate, gzip"}),
)
_constant("/corrupt-gzip", _typed("text/plain", b"certainly not gzip", **{"Content-Encoding": "gzip"}))
_constant(
    "/truncated-gzip", _typed("application/json", gzip.compress(POEM, mtime=0)[:60], **{"Content-Encoding": "gzip"})
)
_constant(
    "/chunked-gzip",
    Reply(
        headers=[("Content-Type", "application/json"), ("Content-Encoding", "gzip")],
        chunks=[gzip.compress(POEM, mtime=0)[at : at + 50] for at in range(0, len(gzip.compress(POEM, mtime=0)), 50)],
    ),
)
_constant("/misfit-length", Reply(headers=[("Content-Length", "3")], body=b"longer than it says", close=True))


def _compressed_by(path: str, *modules: str) -> None:
    """Add the route when one of the modules is installed. (Whether urllib3 can decode it is another question.)"""
    for module in modules:
        with suppress(ImportError):
            body = importlib.import_module(module).compress(POEM)
            _constant(path, _typed("application/json", body, **{"Content-Encoding": path[1:]}))
            return


_compressed_by("/br", "brotli")
_compressed_by("/zstd", "compression.zstd", "backports.zstd", "zstandard")


@_builtin("/get")
def _get(server: LoopbackServer, hit: Hit) -> Reply:
    return json_reply({"method": hit.method, "target": hit.target, "headers": hit.headers})


@_builtin("/post", "/anything")
def _anything(server: LoopbackServer, hit: Hit) -> Reply:
    body = {"body": base64.b64encode(hit.body).decode(), "text": hit.body.decode("utf-8", "replace")}
    return json_reply({"method": hit.method, "target": hit.target, "headers": hit.headers, **body})


@_builtin("/upload")
def _upload(server: LoopbackServer, hit: Hit) -> Reply:
    digest = hashlib.sha256(hit.body).hexdigest()
    facts = {"sha256": digest, "length": len(hit.body), "chunked": hit.chunked}
    return json_reply({**facts, "content_type": hit.header("Content-Type")})


@_builtin("/binary")
def _binary(server: LoopbackServer, hit: Hit) -> Reply:
    chunks = _noise(int(hit.query.get("size", 1024)), int(hit.query.get("seed", 0)))
    return Reply(headers=[("Content-Type", "application/octet-stream")], chunks=chunks, framing="length")


def _noise(size: int, seed: int = 0) -> list[bytes]:
    """`size` bytes that look random; they repeat a block of odd size, so that a large body costs no memory."""
    block = random.Random(seed).randbytes(65521)
    return [block] * (size // len(block)) + [block[: size % len(block)]]


@_builtin("/status")
def _status(server: LoopbackServer, hit: Hit) -> Reply:
    return Reply(int(hit.last_segment), hit.query.get("reason"), _TEXT_TYPE, f"status {hit.last_segment}\n".encode())


@_builtin("/redirect")
def _redirect(server: LoopbackServer, hit: Hit) -> Reply:
    left, code = int(hit.last_segment) - 1, int(hit.query.get("code", 302))
    return text_reply("moved\n", code, [("Location", f"/redirect/{left}?code={code}" if left else "/anything")])


@_builtin("/redirect-to")
def _redirect_to(server: LoopbackServer, hit: Hit) -> Reply:
    return text_reply("moved\n", int(hit.query.get("code", 302)), [("Location", hit.query["url"])])


@_builtin("/cookies")
def _cookies(server: LoopbackServer, hit: Hit) -> Reply:
    return json_reply({"cookie": hit.header("Cookie")})


@_builtin("/cookies/set")
def _set_cookies(server: LoopbackServer, hit: Hit) -> Reply:
    cookies = [f"{name}={value}; Path=/" for name, value in hit.query.items()]
    cookies += ["aged=a; Max-Age=3600; Path=/; HttpOnly", "secured=s; Secure; HttpOnly; Path=/; SameSite=Lax"]
    cookies += ["expiring=e; Expires=Wed, 21 Oct 2065 07:28:00 GMT; Path=/", "scoped=p; Path=/cookies", "bare=b"]
    return json_reply({"set": len(cookies)}, headers=[("Set-Cookie", cookie) for cookie in cookies])


@_builtin("/cookies/expires")
def _expiring_cookie(server: LoopbackServer, hit: Hit) -> Reply:
    moment = formatdate(time() + float(hit.query.get("seconds", 3600)), usegmt=True)
    return json_reply({"expires": moment}, headers=[("Set-Cookie", f"login=yes; Path=/; Expires={moment}")])


@_builtin("/set-cookie-redirect")
def _set_cookie_redirect(server: LoopbackServer, hit: Hit) -> Reply:
    return Reply(302, headers=[("Location", "/cookies"), ("Set-Cookie", "on_the_way=1; Path=/")])


@_builtin("/basic-auth")
def _basic_auth(server: LoopbackServer, hit: Hit) -> Reply:
    user, password = hit.path.split("/")[2:4]
    expected = "Basic " + base64.b64encode(f"{user}:{password}".encode("latin-1")).decode()
    if hit.header("Authorization") == expected:
        return json_reply({"authenticated": True, "user": user})
    return text_reply("who are you?\n", 401, [("WWW-Authenticate", 'Basic realm="loopback"')])


@_builtin("/bearer")
def _bearer(server: LoopbackServer, hit: Hit) -> Reply:
    kind, _, token = (hit.header("Authorization") or "").partition(" ")
    if kind == "Bearer" and token:
        return json_reply({"authenticated": True, "token": token})
    return text_reply("no token\n", 401, [("WWW-Authenticate", "Bearer")])


@_builtin("/digest-auth")
def _digest_auth(server: LoopbackServer, hit: Hit) -> Reply:
    user, password = hit.path.split("/")[2:4]
    algorithm = hit.query.get("algorithm", "MD5")
    if _digest_is_right(hit, user, password, algorithm):
        return json_reply({"authenticated": True, "user": user})
    challenge = f'Digest realm="loopback", nonce="{NONCE}", qop="auth", algorithm={algorithm}, opaque="0123"'
    cookie = ("Set-Cookie", "challenged=1; Path=/")
    return text_reply("prove it\n", 401, [("WWW-Authenticate", challenge), cookie])


def _digest_is_right(hit: Hit, user: str, password: str, algorithm: str) -> bool:
    kind, _, fields = (hit.header("Authorization") or "").partition(" ")
    given = parse_keqv_list(parse_http_list(fields)) if kind == "Digest" else {}
    facts = {"username": user, "realm": "loopback", "nonce": NONCE, "uri": hit.target, "qop": "auth"}
    if not given or any(given.get(name) != value for name, value in facts.items()):
        return False

    def digest(*parts: str) -> str:
        return hashlib.new(algorithm.replace("-", ""), ":".join(parts).encode()).hexdigest()

    secret, action = digest(user, "loopback", password), digest(hit.method, hit.target)
    return given.get("response") == digest(secret, NONCE, given["nc"], given["cnonce"], "auth", action)


@_builtin("/poll")
def _poll(server: LoopbackServer, hit: Hit) -> Reply:
    ordinal = server.count(f"poll {hit.query.get('token')}")
    return json_reply({"state": "pending" if ordinal < 3 else "done", "asked": ordinal})


@_builtin("/too-many")
def _too_many(server: LoopbackServer, hit: Hit) -> Reply:
    if server.count(f"too-many {hit.query.get('id')}") == 1:
        return text_reply("slow down\n", 429, [("Retry-After", hit.query.get("after", "0"))])
    return json_reply({"ok": True})


@_builtin("/flaky")
def _flaky(server: LoopbackServer, hit: Hit) -> Reply:
    ordinal = server.count(f"flaky {hit.query.get('id')}")
    return json_reply({"attempt": ordinal}, 503 if ordinal <= int(hit.last_segment) else 200)


@_builtin("/chunked")
def _chunked(server: LoopbackServer, hit: Hit) -> Reply:
    letters = itertools.cycle(b"abcdefghijklmnopqrstuvwxyz")
    sizes = [int(size) for size in hit.query.get("sizes", "3,7,1").split(",")]
    return Reply(headers=_TEXT_TYPE, chunks=[bytes(itertools.islice(letters, size)) for size in sizes])


@_builtin("/events")
def _events(server: LoopbackServer, hit: Hit) -> Reply:
    count, gate = int(hit.query.get("count", 3)), hit.query.get("gate")
    chunks = [f"id: {number}\ndata: event {number}\n\n".encode() for number in range(count)]
    gates = [server.gate(f"{gate}-{number}") for number in range(count + 1)] if gate else None
    return Reply(headers=[("Content-Type", "text/event-stream")], chunks=chunks, gates=gates)


@_builtin("/early-hints")
def _early_hints(server: LoopbackServer, hit: Hit) -> Reply:
    hints = (int(hit.query.get("status", 103)), [("Link", "</style.css>; rel=preload")])
    return Reply(headers=_TEXT_TYPE, body=b"after the hints\n", informational=[hints])


@_builtin("/delay")
def _delay(server: LoopbackServer, hit: Hit) -> Reply:
    if gate := hit.query.get("gate"):
        return Reply(headers=_TEXT_TYPE, body=b"late\n", delay_event=server.gate(gate))
    return Reply(raw=b"", stall_at=0)


@_builtin("/truncated", "/reset-body", "/stall")
def _broken(server: LoopbackServer, hit: Hit) -> Reply:
    size, at = int(hit.query.get("size", 1000)), int(hit.query.get("at", 300))
    cut: dict[str, int | None] = dict.fromkeys(("/truncated", "/reset-body", "/stall"))
    cut[hit.path] = at
    body = b"".join(_noise(size))
    return Reply(
        headers=[("Content-Type", "application/octet-stream")],
        body=body,
        chunks=[body[start : start + 100] for start in range(0, size, 100)] if "chunked" in hit.query else None,
        truncate_at=cut["/truncated"],
        reset_at=cut["/reset-body"],
        stall_at=cut["/stall"],
    )


# The proxy, and places where nothing answers ----------------------------------------------------------------------


class LoopbackProxy(_Endpoint):
    """A forward proxy to loopback: absolute-form http:// requests and CONNECT tunnels; one request per connection.

    Args:
        refuse: Answer everything with this status; True stands for 407. Can be changed while it runs.
    """

    def __init__(self, refuse: bool | int = False) -> None:
        super().__init__()
        self.refuse = refuse

    def _serve(self, sock: socket.socket) -> None:
        with sock.makefile("rb") as reader, ExitStack() as stack:
            try:
                hit = _read_request(reader, sock, None)
                if hit is None:
                    return
                self._log(hit)
                where = urlsplit(f"//{hit.target}" if hit.method == "CONNECT" else hit.target)
                address = (where.hostname or "", where.port or 80)
            except ValueError:
                sock.sendall(_head("1.1", 400, None, [("Connection", "close")]))
                return
            if status := self._refusal(address[0]):
                self._decline(sock, hit, status)
                return
            try:
                upstream = stack.enter_context(socket.create_connection(address))
            except OSError:
                self._decline(sock, hit, 502)
                return
            if hit.method == "CONNECT":
                sock.sendall(_head("1.1", 200, "Connection established", []))
            else:
                upstream.sendall(_in_origin_form(hit))
            _relay(sock, upstream)

    def _refusal(self, host: str) -> int | None:
        if self.refuse:
            return 407 if self.refuse is True else int(self.refuse)
        return None if host in ("localhost", "::1") or host.startswith("127.") else 403

    def _decline(self, sock: socket.socket, hit: Hit, status: int) -> None:
        extra = [("Proxy-Authenticate", 'Basic realm="proxy"')] if status == 407 else []
        reply = Reply(status, headers=extra, body=b"refused by the proxy\n", close=True)
        _send_reply(sock, hit, reply, self._stopping)


def _in_origin_form(hit: Hit) -> bytes:
    where = urlsplit(hit.target)
    target = quote(where.path or "/", safe="/%:@!$&'()*+,;=~") + (f"?{where.query}" if where.query else "")
    dropped = ("connection", "proxy-connection", "proxy-authorization", "transfer-encoding", "content-length")
    headers = [f"{name}: {value}" for name, value in hit.headers if name.lower() not in dropped]
    if hit.chunked:
        headers.append("Transfer-Encoding: chunked")
    elif hit.header("Content-Length") is not None:
        headers.append(f"Content-Length: {len(hit.body)}")
    head = "\r\n".join([f"{hit.method} {target} HTTP/1.1", *headers, "Connection: close", "", ""]).encode("latin-1")
    if not hit.chunked:
        return head + hit.body
    return head + (b"%x\r\n%b\r\n" % (len(hit.body), hit.body) if hit.body else b"") + b"0\r\n\r\n"


def _relay(one: socket.socket, other: socket.socket) -> None:
    """Carry bytes both ways until either side ends; `stop` ends the client's side."""
    with selectors.DefaultSelector() as selector:
        selector.register(one, selectors.EVENT_READ, other)
        selector.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in selector.select():
                source = one if key.data is other else other
                if not (data := source.recv(65536)):
                    return
                key.data.sendall(data)


@functools.cache
def closed_port() -> int:
    """A port of 127.0.0.1 that refuses connections: bound, so that nobody else gets it, and never listening."""
    holder = socket.socket()
    atexit.register(holder.close)
    holder.bind((HOST, 0))
    return int(holder.getsockname()[1])


@contextmanager
def unresponsive_server(accepting: bool = True) -> Iterator[str]:
    """Yield the URL of a server that never answers.

    Args:
        accepting: True: connecting succeeds (the kernel does that), then nothing comes: a read timeout. False: the
            backlog is kept full, so that the kernel drops each SYN: a connect timeout. (Linux; others may refuse.)
    """
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((HOST, 0))
        listener.listen(128 if accepting else 0)
        if not accepting:
            while _connects(stack.enter_context(socket.socket()), listener.getsockname()):
                pass
        yield f"http://{HOST}:{listener.getsockname()[1]}"


def _connects(sock: socket.socket, address: tuple[str, int]) -> bool:
    sock.setblocking(False)
    if sock.connect_ex(address) not in (0, errno.EINPROGRESS, errno.EWOULDBLOCK):
        return False
    return bool(select.select([], [sock], [], 0.1)[1])


if __name__ == "__main__":  # python -m tests.loopback [--tls]: in a process of its own, until stdin ends
    with LoopbackServer(tls="--tls" in sys.argv) as _server:
        print(_server.url, _server.ca_pem_path if "--tls" in sys.argv else "", flush=True)
        sys.stdin.read()
