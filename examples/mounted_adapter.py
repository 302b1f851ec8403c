"""The explicit way: an adapter mounted on one session, in front of the adapter that carries its live traffic.

Run it: python examples/mounted_adapter.py
"""

import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from cassettes_lib import Broker, CassetteAdapter, InteractionNotFoundError, JsonFileCassetteStore


class Moody(BaseHTTPRequestHandler):
    """The "real" service; it fails on the first try."""

    tries = 0

    def do_GET(self):
        Moody.tries += 1
        body = b"busy" if Moody.tries == 1 else b"hello"
        self.send_response(503 if Moody.tries == 1 else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Moody)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "greeting.json")

        retrying = HTTPAdapter(max_retries=Retry(total=2, status_forcelist=[503]))
        recording = Broker.from_store(JsonFileCassetteStore(path), mode="record")
        with requests.Session() as session:
            session.mount(base, CassetteAdapter(recording, inner=retrying))
            live = session.get(f"{base}/greeting")
        server.shutdown()
        server.server_close()
        print(f"live: {live.status_code} {live.text} after {Moody.tries} tries of the mounted adapter")

        replaying = Broker.from_store(JsonFileCassetteStore(path), mode="replay")
        with requests.Session() as session:
            session.mount(base, CassetteAdapter(replaying, inner=retrying))
            again = session.get(f"{base}/greeting")
            try:
                session.get(f"{base}/farewell")
            except InteractionNotFoundError as miss:
                print(f"a miss: {str(miss).splitlines()[0]}")
            else:
                raise AssertionError("nothing was recorded for that")
        assert (again.status_code, again.text) == (live.status_code, live.text) == (200, "hello")
        assert replaying.all_played
        print(f"replayed: {again.status_code} {again.text}, without the server")


if __name__ == "__main__":
    main()
