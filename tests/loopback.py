"""The loopback HTTP(S) server tests record from, with control of every byte; a small proxy; and some dead ends.

Strategy: raw sockets and one daemon thread per connection. Tests say what the wire shall carry (a `Reply`), the server
carries it and logs what it received (a `Hit`). Nothing here depends on the clock or on chance, so that two runs of one
conversation are equal: no Date header, constant nonces, and counters that `clear()` sets back. A connection ends by
FIN, and is kept until the client has ended its side, unless the Reply asks for a reset; no error is a matter of luck.
"""

from __future__ import annotations

import atexit
import errno
import functools
import itertools
import os
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
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, Self
from urllib.parse import quote, urlsplit

import trustme

from tests.loopback_messages import Handler, HeaderPairs, Hit, Reply, text_reply
from tests.loopback_routes import BUILTINS

HOST = "127.0.0.1"


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
                if builtin := BUILTINS.get(path):
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
