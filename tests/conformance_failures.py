"""Rows about failures: exceptions instead of responses, and bodies that break off."""

from __future__ import annotations

from typing import Any

from requests.adapters import HTTPAdapter

from tests.conformance_world import World, described, error, row, rows
from tests.loopback import closed_port

SHORT = 0.15

rows("failure", {
    "ConnectTimeout": lambda w: error(lambda: w.session().get(w.deaf, timeout=(SHORT, 5))),
    "ReadTimeout": lambda w: error(lambda: w.session().get(w.silent, timeout=SHORT)),
    "refused": lambda w: error(lambda: w.session().get(f"http://127.0.0.1:{closed_port()}/path?q=1")),
    "reset": lambda w: error(lambda: w.get("/reset")),
    "hung up": lambda w: error(lambda: w.get("/hang-up")),
    "not HTTP": lambda w: error(lambda: w.get("/garbage")),
    "DNS": lambda w: error(lambda: w.session().get("http://no-such-host.invalid/")),
    "SSLError, unknown authority": lambda w: error(lambda: w.session().get(w.https.url_for("/text"), verify=True)),
    "a TLS handshake that hangs": lambda w: error(
        lambda: w.session().get(w.silent.replace("http:", "https:"), timeout=SHORT)),
    "no client certificate": lambda w: error(lambda: w.session().get(w.mutual.url_for("/text")))["chain"][0],
    "ProxyError": lambda w: error(lambda: w.get("/text", proxies={"http": f"http://127.0.0.1:{closed_port()}"})),
    "ProxyError in a tunnel": lambda w: error(
        lambda: w.session().get(w.https.url_for("/text"), proxies={"https": w.refusing_proxy.url})),
    "truncated": lambda w: [error(lambda p=p: w.get(p)) for p in ("/truncated", "/truncated?at=0", "/truncated?at=1")],
    "truncated in a chunk": lambda w: [
        error(lambda at=at: w.get(f"/truncated?chunked&at={at}")) for at in (0, 1, 99, 100, 101, 300, 350)
    ],
    "reset in a body": lambda w: [error(lambda p=p: w.get(p)) for p in ("/reset-body", "/reset-body?chunked&at=250")],
    "timeout in a body": lambda w: [
        error(lambda p=p: w.get(p, timeout=SHORT)) for p in ("/stall", "/stall?chunked&at=250")
    ],
    "bad chunk size": lambda w: error(lambda: w.get("/bad-chunk")),
    "ContentDecodingError": lambda w: error(lambda: w.get("/corrupt-gzip")),
    "InvalidURL": lambda w: [error(lambda u=u: w.session().get(u))["chain"] for u in (
        "http://", "http:///path", "http://*.example.com", "http://.example.com", "nonsense", "ftp://example.com/")],
    "a label that is too long": lambda w: error(lambda: w.session().get(f"http://a..{'b' * 70}.invalid/"))["chain"][0],
}, record_failures=True)

for _path in ("/truncated", "/truncated?chunked&at=250", "/reset-body", "/reset-body?chunked&at=250", "/stall",
              "/stall?chunked&at=250", "/bad-chunk", "/truncated?at=999&size=1000", "/reset-body?at=0"):
    for _size in (1, 64, 300, None):
        def _partly(w: World, path: str = _path, size: Any = _size) -> Any:
            response = w.get(path, stream=True, timeout=SHORT)
            got: list[bytes] = []
            try:
                got.extend(response.iter_content(size))
                failed: Any = None
            except Exception as raised:
                failed = described(raised), raised.request is None  # type: ignore[attr-defined]
            state = response.raw.closed, response.raw.tell(), response.raw.length_remaining
            return [len(piece) for piece in got], b"".join(got), failed, state, dict(response.headers)

        row("broken", f"what came before {_path} broke, by {_size}", record_failures=True)(_partly)


@row("broken", "raw.read of broken bodies", record_failures=True)
def _raw_broken(w: World) -> Any:
    seen = []
    for path in ("/truncated", "/truncated?chunked&at=250", "/stall"):
        response = w.get(path, stream=True, timeout=SHORT)
        seen.append((response.raw.read(10), error(response.raw.read), response.raw.closed))
    return seen


@row("broken", "a redirect whose body is cut", record_failures=True)
def _broken_redirect(w: World) -> Any:
    response = w.get("/cut-redirect")
    return response.status_code, [(h.status_code, error(lambda h=h: h.content)) for h in response.history]


@row("failure", "an exception, then the same request answered", record_failures=True)
def _failed_once(w: World) -> Any:
    return error(lambda: w.get("/hangs-up-once")), w.get("/hangs-up-once").text


@row("failure", "pool_block and other options of an adapter", record_failures=True)
def _options(w: World) -> Any:
    session = w.session(HTTPAdapter(pool_connections=1, pool_maxsize=1, pool_block=True))
    return [session.get(w.url("/text")).status_code for _ in range(3)]
