"""What the rows of the conformance test share: the servers they talk to, and the table they are entered in."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from tests.loopback import LoopbackProxy, LoopbackServer
from tests.loopback_messages import Reply
from tests.loopback_routes import POEM

Observe = Callable[["World"], Any]


class World:
    """The places a row can talk to. All of them are gone in replay; their addresses stay."""

    def __init__(self) -> None:
        self.http = LoopbackServer()
        self.other = LoopbackServer()
        self.https = LoopbackServer(tls=True)
        self.mutual = LoopbackServer(tls=True, client_certificates=True)
        self.proxy = LoopbackProxy()
        self.refusing_proxy = LoopbackProxy(refuse=True)
        self.silent = ""
        self.deaf = ""
        self._row = ExitStack()
        add_routes(self.http)
        self.adapter: Callable[[HTTPAdapter], requests.adapters.BaseAdapter] | None = None

    @property
    def places(self) -> list[LoopbackServer | LoopbackProxy]:
        return [self.http, self.other, self.https, self.mutual, self.proxy, self.refusing_proxy]

    def url(self, path: str) -> str:
        return self.http.url_for(path)

    def session(self, adapter: HTTPAdapter | None = None) -> requests.Session:
        """A fresh session, closed when the row ends; `adapter` is mounted for everything."""
        session = self._row.enter_context(requests.Session())
        session.trust_env = False
        session.verify = self.https.ca_pem_path
        mounted = adapter or HTTPAdapter()
        for prefix in ("http://", "https://"):
            session.mount(prefix, self.adapter(mounted) if self.adapter else mounted)
        return session

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session().get(self.url(path), **options)

    def keep(self, context: Any) -> Any:
        """Enter a context until the row ends."""
        return self._row.enter_context(context)

    def kept(self, response: requests.Response) -> requests.Response:
        """Hold a response until the row ends."""
        self._row.callback(id, response)
        return response

    @contextmanager
    def row(self) -> Iterator[None]:
        """One run of one row: all counters start anew."""
        for place in self.places:
            place.clear()
        with ExitStack() as self._row:
            yield


def add_routes(server: LoopbackServer) -> None:
    """What the rows need beyond the routes that the server has anyway."""

    def typed(path: str, body: bytes, coding: str = "", **options: Any) -> None:
        headers = [("Content-Type", "application/json"), *([("Content-Encoding", coding)] if coding else [])]
        server.route(path, lambda hit: Reply(headers=headers, body=body, **options))

    packer = zlib.compressobj(7, wbits=31)
    odd = packer.compress(POEM[:100]) + packer.flush(zlib.Z_FULL_FLUSH) + packer.compress(POEM[100:]) + packer.flush()
    typed("/odd-gzip", odd, "gzip")
    typed("/identity", POEM, "identity")
    typed("/aws-chunked", POEM, "aws-chunked")
    typed("/upper-gzip", gzip.compress(POEM, mtime=0), "GZIP")
    typed("/x-gzip", gzip.compress(POEM, mtime=0), "x-gzip")
    typed("/empty-gzip", b"", "gzip")
    typed("/gzip-of-nothing", gzip.compress(b"", mtime=0), "gzip")
    typed("/two-members", gzip.compress(b"one,", mtime=0) + gzip.compress(b"two", mtime=0), "gzip")
    typed("/padded-gzip", gzip.compress(b"padded", mtime=0) + bytes(20), "gzip")
    packer = zlib.compressobj(6, wbits=31)
    pieces = [packer.compress(b"data: %d\n\n" % n) + packer.flush(zlib.Z_SYNC_FLUSH) for n in range(4)]
    flushed = Reply(headers=[("Content-Type", "text/event-stream"), ("Content-Encoding", "gzip")],
                    chunks=[*pieces, packer.flush()])
    server.route("/flushed-gzip", lambda hit: flushed)
    odd_cookies = [
        'quoted="a b; c"; Path=/', "empty=; Path=/", "no-value", "dots=1; Domain=127.0.0.1",
        "other=1; Domain=example.com",
        "past=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "dashed=1; Expires=Wed, 21-Oct-2065 07:28:00 GMT",
        "odd=1; Expires=whenever", "unicode=\u00e9", "max=1; Max-Age=0", "ports=1; Port=\"80\"; Version=1; Comment=x",
    ]
    server.route("/odd-cookies", lambda hit: Reply(headers=[("Set-Cookie", each) for each in odd_cookies]))
    multipart = b"--x\r\n\r\none\r\n--x--\r\n"
    mixed = [("Content-Type", "multipart/mixed; boundary=x")]
    server.route("/multipart", lambda hit: Reply(headers=mixed, body=multipart))
    server.route("/not-modified-length", lambda hit: Reply(304, headers=[("Content-Length", "1234"), ("ETag", "x")]))
    server.route("/cut-redirect", lambda hit: Reply(
        302, headers=[("Location", "/text")], body=b"moved" * 20, truncate_at=7))
    server.route("/bad-chunk", lambda hit: Reply(
        raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\nzz\r\nbad\r\n"))
    server.route("/hangs-up-once", lambda hit: Reply(body=b"there", raw=b"" if server.count("hang") == 1 else None))


@dataclass(frozen=True)
class Row:
    """A line of the table: what to observe, under which name, recorded with which options."""

    group: str
    name: str
    observe: Observe
    options: dict[str, Any] = field(default_factory=dict)
    ways: tuple[str, ...] = ("use_cassette", "adapter")

    @property
    def method_name(self) -> str:
        return "test_" + re.sub(r"\W+", "_", f"{self.group} {self.name}").strip("_").lower()


ROWS: list[Row] = []


def row(
    group: str, name: str, *, ways: tuple[str, ...] = ("use_cassette", "adapter"), **options: Any
) -> Callable[[Observe], Observe]:
    """Enter a function in the table."""

    def enter(observe: Observe) -> Observe:
        ROWS.append(Row(group, name, observe, options, ways))
        return observe

    return enter


def rows(group: str, entries: dict[str, Observe], **options: Any) -> None:
    """Enter several short ones."""
    for name, observe in entries.items():
        row(group, name, **options)(observe)


def seen(response: Any, *names: str) -> tuple[Any, ...]:
    """Some attributes of a response, in that order; dotted names reach further in."""
    values = [attrgetter(name)(response) for name in names]
    return tuple(list(each.items()) if isinstance(each, CaseInsensitiveDict) else each for each in values)


def error(call: Callable[[], Any]) -> Any:
    """What a call raises: classes, texts, and what it carries, down to the lowest layer."""
    try:
        result = call()
    except Exception as raised:
        request = getattr(raised, "request", "has none")
        return {
            "chain": described(raised),
            "request": (request.method, request.url) if isinstance(request, requests.PreparedRequest) else request,
            "response": getattr(raised, "response", "has none"),
        }
    return ("no error", seen(result, "status_code", "content") if isinstance(result, requests.Response) else result)


def described(raised: object, depth: int = 0) -> Any:
    if not isinstance(raised, BaseException):
        return repr(raised)
    kind = f"{type(raised).__module__}.{type(raised).__qualname__}"
    text = re.sub(r" at 0x[0-9a-f]+|_ssl\.c:\d+", "", str(raised))
    arguments = [described(each, depth + 1) for each in raised.args] if depth < 5 else []
    reason = described(raised.reason, depth + 1) if isinstance(getattr(raised, "reason", None), Exception) else None
    if "0x" in "".join(map(str, raised.args)) or "_ssl.c" in "".join(map(str, raised.args)):
        arguments = []
    return (kind, text, arguments, reason, getattr(raised, "errno", None))


def jar(cookies: requests.cookies.RequestsCookieJar, *, ages: bool = False) -> Any:
    """All that cookies say; `ages` leaves out when they expire, for those that count from now."""
    return sorted(
        (c.domain, c.path, c.name, c.value, c.port, c.secure, c.discard, c.version, c.domain_specified,
         c.domain_initial_dot, c.rfc2109, sorted(c._rest.items()), bool(c.expires) if ages else c.expires)
        for c in cookies
    )
