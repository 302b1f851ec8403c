"""The loopback server of the benchmarks, and the very same answers as plain data.

Strategy: `answer_to` is a pure function of the target of a request, so that cassettes of any size are built without
the network and every replayed body can be compared byte for byte.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

MEGABYTE = 1 << 20
_ROOT = Path(__file__).resolve().parent.parent


class Answer(NamedTuple):
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


def item(number: int) -> dict[str, Any]:
    """Return an object that is 1.5 KB of JSON, with the quotes, escapes and non-ASCII letters of real ones."""
    name = f"{number:06d}"
    return {
        "id": name, "name": f"Widget {name}", "active": True, "price": 1234.5, "owner": None,
        "description": 'Quote " backslash \\ café ☃ ' + "lorem ipsum dolor sit amet, " * 18,
        "tags": [f"tag-{index}" for index in range(12)],
        "links": {rel: f"https://api.example.com/v1/items/{name}/{rel}" for rel in ("self", "next", "owner", "files")},
        "events": [
            {"seq": index, "type": "updated", "at": f"2024-01-0{index + 1}T10:00:00Z", "by": f"user-{name}"}
            for index in range(6)
        ],
    }


@lru_cache(64)  # a megabyte of random bytes costs more to make than to send
def _binary(number: int) -> bytes:
    return random.Random(number).randbytes(MEGABYTE)


def answer_to(target: str) -> Answer:
    """Return the answer to `/item/7?page=1` (1.5 KB of JSON), `/binary/7` (1 MB) or `/list/100` (100 items of JSON)."""
    path = target.partition("?")[0]
    kind, _, text = path.strip("/").partition("/")
    number = int(text)
    media_type = "application/json; charset=utf-8"
    if kind == "item":
        body = json.dumps(item(number)).encode()
    elif kind == "list":
        body = json.dumps([item(index) for index in range(number)]).encode()
    elif kind == "binary":
        body, media_type = _binary(number), "application/octet-stream"
    else:
        return Answer(404, "Not Found", [("Content-Length", "0")], b"")
    return Answer(200, "OK", [
        ("Server", "bench"), ("Date", "Mon, 01 Jan 2024 00:00:00 GMT"), ("Content-Type", media_type),
        ("ETag", f'"{kind}-{number:06d}"'), ("X-Request-Id", f"{number:032x}"), ("X-RateLimit-Limit", "5000"),
        ("X-RateLimit-Remaining", str(5000 - number % 5000)), ("Vary", "Accept-Encoding"),
        ("Content-Length", str(len(body))),
    ], body)


class _Connection(asyncio.Protocol):
    """Just enough of HTTP/1.1 with keep-alive, and cheap."""

    def __init__(self) -> None:
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            if len(self.buffer) < end + 4 + length:
                return
            self.buffer = self.buffer[end + 4 + length :]
            status, reason, headers, body = answer_to(head.split(b" ", 2)[1].decode())
            lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
            self.transport.write(f"HTTP/1.1 {status} {reason}\r\n{lines}\r\n".encode() + body)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def start_server() -> tuple[subprocess.Popen[str], str]:
    """Start the server in a process of its own; return that and the server's base URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server"], stdout=subprocess.PIPE, text=True, cwd=_ROOT
    )
    assert process.stdout is not None
    return process, f"http://127.0.0.1:{process.stdout.readline().strip()}"


if __name__ == "__main__":
    asyncio.run(_serve())
