"""Record a conversation with a server, shut the server down, and replay the same code offline.

Run it: python examples/quickstart.py
"""

import base64
import gzip
import json
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import requests

from cassettes_lib import Redactor, use_cassette

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Shop(BaseHTTPRequestHandler):
    """A small web service: the "real" one that the tests must not depend on."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/old":
            self.answer(b"", ("Location", "/items"), status=302)
        elif self.path == "/items":
            items = [{"id": 1, "name": "Tea"}, {"id": 2, "name": "Café"}]
            self.answer(json.dumps(items).encode(), type="application/json")
        elif self.path == "/login":
            self.answer(b"welcome", ("Set-Cookie", "basket=17; Path=/"), ("Set-Cookie", "theme=dark; Path=/"))
        elif self.path == "/basket":
            self.answer(f"you sent {self.headers['Cookie']}".encode())
        elif self.path == "/terms":
            self.answer(gzip.compress(b"the small print\n" * 200), ("Content-Encoding", "gzip"))
        elif self.path == "/logo.png":
            self.answer(PNG, type="image/png")

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.answer(json.dumps({"ordered": form}).encode(), type="application/json", status=201)

    def answer(self, body, *headers, status=200, type="text/plain"):
        self.send_response(status)
        for name, value in (("Content-Type", type), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def talk(base):
    """What the application does; it knows nothing of cassettes."""
    with requests.Session() as session:
        for label, call in (
            ("JSON", lambda: session.get(f"{base}/items")),
            ("form POST", lambda: session.post(f"{base}/orders", data={"item": "1", "gift": "yes"})),
            ("redirect", lambda: session.get(f"{base}/old")),
            ("two cookies set", lambda: session.get(f"{base}/login")),
            ("cookies sent", lambda: session.get(f"{base}/basket")),
            ("gzip", lambda: session.get(f"{base}/terms")),
            ("image", lambda: session.get(f"{base}/logo.png")),
        ):
            started = time.perf_counter()
            response = call()
            yield label, response, (time.perf_counter() - started) * 1000


def seen(response):
    """Everything about a response that this example compares."""
    cookies = sorted((cookie.name, cookie.value, cookie.path) for cookie in response.cookies)
    hops = [(hop.status_code, hop.url) for hop in response.history]
    return response.status_code, response.reason, list(response.headers.items()), cookies, hops, response.content


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"

    # Cookies count as secrets: their values would be replaced on the cassette. These two are harmless.
    redactor = Redactor(keep=["basket", "theme"])
    with tempfile.TemporaryDirectory() as folder:
        cassette = Path(folder, "cassettes", "shop.json")
        with use_cassette(cassette, mode="record", redact=redactor):
            live = list(talk(base))
        server.shutdown()
        server.server_close()
        size = cassette.stat().st_size
        print(f"Recorded {len(live)} calls on {cassette.name} ({size} bytes). The server is gone now.\n")

        with use_cassette(cassette, mode="replay", redact=redactor) as broker:
            replayed = list(talk(base))

        print(f"{'request':16} {'status':>6} {'bytes':>6} {'live ms':>8} {'replay ms':>9}  same?")
        for (label, first, live_ms), (_, second, replay_ms) in zip(live, replayed, strict=True):
            same = "yes" if seen(first) == seen(second) else "NO"
            size = len(second.content)
            print(f"{label:16} {second.status_code:>6} {size:>6} {live_ms:>8.2f} {replay_ms:>9.2f}  {same}")
        assert [seen(first) for _, first, _ in live] == [seen(second) for _, second, _ in replayed]
        assert broker.all_played
        print(f"\nAll {len(replayed)} replayed responses are equal to the live ones, without a network.")


if __name__ == "__main__":
    main()
