"""The routes that every loopback server has: JSON, text, redirects, logins, polling, streams, broken bodies."""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib
import itertools
import json
import random
import zlib
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from time import time
from typing import TYPE_CHECKING
from urllib.request import parse_http_list, parse_keqv_list

from tests.loopback_messages import HeaderPairs, Hit, Reply, json_reply, text_reply

if TYPE_CHECKING:
    from tests.loopback import LoopbackServer

NONCE = "dcd98b7102dd2f0e8b11d0f600bfb0c0"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
TEXT = "Grüße aus Zürich, 東京 and 🚀\n"
POEM = json.dumps({"lines": [f"line {number} of something compressible" for number in range(40)]}).encode()

_Builtin = Callable[["LoopbackServer", Hit], Reply]
BUILTINS: dict[str, _Builtin] = {}


def _builtin(*paths: str) -> Callable[[_Builtin], _Builtin]:
    def register(handler: _Builtin) -> _Builtin:
        BUILTINS.update(dict.fromkeys(paths, handler))
        return handler

    return register


def _constant(path: str, reply: Reply) -> None:
    BUILTINS[path] = lambda server, hit: reply


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
