"""A remote store: a team shares a cassette through fsspec. Here in memory; for S3, GCS or Azure change the URL.

Run it: python examples/remote_store.py    (needs: pip install "cassettes-lib[fsspec]")
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from cassettes_lib import FsspecCassetteStore, use_cassette

URL = "memory://team/greeting.json"  # or "s3://bucket/greeting.json", with the package s3fs


class Greeter(BaseHTTPRequestHandler):
    """The "real" service."""

    def do_GET(self):
        body = f"hello, {self.path[1:]}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Greeter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"

    with use_cassette(URL, mode="record"):
        assert requests.get(f"{base}/ada").text == "hello, ada"
    # Options of the file system, such as key= and secret=, go to the store.
    store = FsspecCassetteStore(URL)
    before, meanwhile = store.load(), FsspecCassetteStore(URL)
    with use_cassette(store=meanwhile, mode="record"):
        requests.get(f"{base}/grace")
        requests.get(f"{base}/alan")
    server.shutdown()
    server.server_close()

    with use_cassette(URL, mode="replay") as broker:
        assert requests.get(f"{base}/grace").text == "hello, grace"
        assert requests.get(f"{base}/alan").text == "hello, alan"
    assert broker.all_played
    print(f"{len(before.interactions)} interaction at {store.url}, recorded anew as {len(store.load().interactions)}")


if __name__ == "__main__":
    main()
