"""A login with secrets: the application gets the real ones, the cassette gets none, and the replay needs none.

Run it: python examples/login.py
"""

import json
import os
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from cassettes_lib import use_cassette

PASSWORD, TOKEN = "correct-Horse-7-battery", "tok-9f8e7d6c5b4a39281706"


class Bank(BaseHTTPRequestHandler):
    """The "real" service."""

    def do_POST(self):
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if given["password"] == PASSWORD:
            self.answer(200, {"access_token": TOKEN, "token_type": "bearer"})
        else:
            self.answer(401, {"error": "wrong password"})

    def do_GET(self):
        if self.headers["Authorization"] == f"Bearer {TOKEN}":
            self.answer(200, {"balance": 42, "signed_in_with": TOKEN})
        else:
            self.answer(401, {"error": "who are you?"})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def balance(base, password):
    """What the application does."""
    with requests.Session() as session:
        login = session.post(f"{base}/login", json={"user": "ada", "password": password})
        login.raise_for_status()
        session.headers["Authorization"] = f"Bearer {login.json()['access_token']}"
        account = session.get(f"{base}/account").json()
        return account["balance"], account["signed_in_with"]


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Bank)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        cassette = Path(folder, "bank.json")
        with use_cassette(cassette, mode="record"):
            assert balance(base, PASSWORD) == (42, TOKEN), "what is live is not touched"
        server.shutdown()
        server.server_close()

        text = cassette.read_text(encoding="utf-8")
        assert PASSWORD not in text
        assert TOKEN not in text
        with use_cassette(cassette, mode="replay"):
            # Nobody who replays needs the password: any value stands for the one that was removed.
            amount, token = balance(base, os.environ.get("BANK_PASSWORD", "not-the-password-1"))
        assert amount == 42
        print(f"On the cassette the token is {token!r}; the balance of {amount} replays without any password.")


if __name__ == "__main__":
    main()
