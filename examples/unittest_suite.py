"""A TestCase suite: each test has a cassette of its own, the first run records, the second needs no server.

Run it: python examples/unittest_suite.py
"""

import json
import tempfile
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from cassettes_lib import CassetteTestCase


class Shop(BaseHTTPRequestHandler):
    """The "real" service."""

    def do_GET(self):
        self.answer(200, [{"id": 1, "name": "Tea"}])

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(201, {"ordered": order["item"]})

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def suite(base, folder, mode):
    class ShopTest(CassetteTestCase):
        cassette_dir = folder
        cassette_mode = mode  # yours leaves it out: the first run records, later ones replay, and CI never records

        def test_there_is_tea(self):
            self.assertEqual(requests.get(f"{base}/items").json()[0]["name"], "Tea")

        def test_tea_can_be_ordered(self):
            response = requests.post(f"{base}/orders", json={"item": 1})
            self.assertEqual(response.status_code, 201)
            self.assertRequested("POST", "/orders", json={"item": 1}, times=1)

    return unittest.defaultTestLoader.loadTestsFromTestCase(ShopTest)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        for mode in ("record", "replay"):
            result = unittest.TestResult()
            suite(base, folder, mode).run(result)
            assert result.wasSuccessful(), result.errors + result.failures
            assert result.testsRun == 2
            print(f"{mode}: {result.testsRun} tests passed")
            if mode == "record":
                server.shutdown()
                server.server_close()
        print("cassettes:", ", ".join(sorted(path.name for path in Path(folder).iterdir())))


if __name__ == "__main__":
    main()
