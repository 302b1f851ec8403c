"""Odd responses: whatever bytes a server sends, live, recording and replay make the same of them.

The conformance table shows what was thought of; this is about the rest. Each response is put together at random, with
framing that may lie, break off or be garbage, and read in one of many ways. The seeds are fixed, so a failure repeats.
"""

from __future__ import annotations

import gzip
import logging
import random
import unittest
import warnings
import zlib
from collections.abc import Callable
from typing import Any

import requests

from cassettes_lib.recording import use_cassette
from tests.conformance_world import described
from tests.loopback import LoopbackServer
from tests.loopback_messages import Reply
from tests.support import MemoryCassetteStore, with_environment

RESPONSES = 200
BODIES = (b"", b"hello", b"x" * 5000, b'{"a": 1}', bytes(range(256)) * 3, b"line\r\nline2\n" * 30)
TYPES = ("text/plain", "application/json; charset=utf-8", "multipart/mixed; boundary=q", "message/rfc822")
VALUES = ("1", "a=1; Path=/", "caf\xe9", "", " padded ", "a\tb", "x" * 300)
READS: tuple[Callable[[requests.Response], Any], ...] = (
    lambda r: r.content,
    lambda r: list(r.iter_content(3)),
    lambda r: list(r.iter_content(10_000)),
    lambda r: list(r.iter_lines()),
    lambda r: r.close(),
    lambda r: r.raw.data,
    lambda r: r.raw.read(),
    lambda r: (r.raw.read(10), r.raw.read(7), r.raw.read()),
    lambda r: (r.raw.read(11, decode_content=True), r.raw.read(decode_content=True)),
    lambda r: list(r.raw.read_chunked()),
    lambda r: list(r.raw.stream(100, decode_content=True)),
)


def a_response(chance: random.Random) -> bytes:
    """The bytes of a response that may be wrong in many ways."""
    body, headers = chance.choice(BODIES), list[tuple[str, str]]()
    if chance.random() < 0.5:
        headers.append(("Content-Type", chance.choice(TYPES)))
    coding = chance.choice(["", "", "gzip", "deflate", "GZIP", "identity", "gzip, deflate", "bogus"])
    if coding:
        headers.append(("Content-Encoding", coding))
        body = encoded(body, coding, chance)
    for _ in range(chance.randint(0, 3)):
        headers.append((chance.choice(["X-A", "x-a", "Set-Cookie", "Link"]), chance.choice(VALUES)))
    framing, length = chance.randint(0, 8), len(body)
    lengths = {0: [length], 1: [length], 2: [length + 3], 3: [max(0, length - 3)], 4: [length + 7], 5: [length] * 2}
    headers += [("Content-Length", str(each)) for each in lengths.get(framing, [])]
    if framing == 6:
        headers.append(("Content-Length", chance.choice(["-3", "many", ""])))
    if framing in (1, 2, 7):
        headers.append(("Transfer-Encoding", chance.choice(["chunked", "Chunked"])))
        body = chunked(body, chance)
    if chance.random() < 0.3:
        headers.append(("Connection", chance.choice(["close", "keep-alive"])))
    chance.shuffle(headers)
    status = chance.choice([200, 200, 200, 204, 304, 404, 500, 301, 299])
    version, reason = chance.choice(["1.1", "1.1", "1.0"]), chance.choice(["OK", "", "R\xe9ason"])
    lines = [f"HTTP/{version} {status} {reason}", *(f"{name}: {value}" for name, value in headers), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def encoded(body: bytes, coding: str, chance: random.Random) -> bytes:
    if chance.random() < 0.1:
        return body
    if coding.lower() == "gzip":
        body = gzip.compress(body, chance.randint(1, 9), mtime=chance.choice([0, 5]))
    elif coding == "deflate":
        body = zlib.compress(body, chance.randint(1, 9))
    elif coding == "gzip, deflate":
        body = zlib.compress(gzip.compress(body, mtime=0))
    return body[: len(body) * 2 // 3] if chance.random() < 0.1 else body


def chunked(body: bytes, chance: random.Random) -> bytes:
    wire, start = b"", 0
    while start < len(body):
        chunk = body[start : start + chance.choice([1, 3, 10, 700, 4000])]
        wire += chance.choice([b"%x", b"%X", b"0%x", b"%x;e=1"]) % len(chunk) + b"\r\n" + chunk + b"\r\n"
        start += len(chunk)
    wire += chance.choice([b"0\r\n\r\n"] * 5 + [b"0\r\nT: x\r\n\r\n", b"0\r\n", b"", b"zz\r\n", b"-1\r\n"])
    return wire[: chance.randint(0, len(wire))] if chance.random() < 0.15 else wire


def look(url: str, stream: bool, read: Callable[[requests.Response], Any]) -> list[Any]:
    """All that can be seen of a response, and of reading it in one way."""
    seen: list[Any] = []
    try:
        with requests.Session() as session:
            session.trust_env = False
            response = session.get(url, stream=stream, allow_redirects=False, timeout=10)
            raw = response.raw
            seen += [response.status_code, response.reason, list(response.headers.items()), response.encoding]
            seen += [raw.version, raw.chunked, raw.length_remaining, sorted(response.cookies.items())]
            seen += [str(raw._original_response.msg), raw._original_response.will_close]
            seen.append(read(response))
            seen += [raw.closed, raw.tell(), raw.length_remaining]
    except Exception as error:
        seen.append(described(error))
    return seen


class OddResponsesTest(unittest.TestCase):
    maxDiff = None

    def setUp(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None)
        self.enterContext(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        self.addCleanup(logging.disable, logging.NOTSET)

    def test_live_recording_and_replay_make_the_same_of_them(self) -> None:
        with LoopbackServer() as server:
            for seed in range(RESPONSES):
                chance = random.Random(seed)
                wire = a_response(chance)
                server.route("/odd", lambda hit, wire=wire: Reply(raw=wire))  # type: ignore[misc]
                how = server.url_for("/odd"), chance.random() < 0.6, chance.choice(READS)
                with self.subTest(seed=seed, wire=wire[:400]):
                    live, store = look(*how), MemoryCassetteStore()
                    for mode in ("record", "replay"):
                        with use_cassette(
                            store=store, mode=mode, redact=None, record_failures=True,  # type: ignore[arg-type]
                            preserve_exact_body_bytes=chance.random() < 0.7,
                        ):
                            self.assertEqual(look(*how), live, mode)


if __name__ == "__main__":
    unittest.main()
