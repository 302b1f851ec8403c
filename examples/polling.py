"""Polling: equal requests replay in the order in which they were answered, so "pending" is followed by "done".

Run it: python examples/polling.py
"""

import json
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from cassettes_lib import use_cassette


class Jobs(BaseHTTPRequestHandler):
    """The "real" service: a job that is done when it was asked about three times."""

    states = iter(["pending", "pending", "done"])

    def do_GET(self):
        body = json.dumps({"state": next(Jobs.states)}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def wait_for_job(url, pause):
    """What the application does."""
    states = []
    while not states or states[-1] != "done":
        if states:
            time.sleep(pause)
        states.append(requests.get(url).json()["state"])
    return states


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Jobs)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/jobs/7"
    with tempfile.TemporaryDirectory() as folder:
        cassette = Path(folder, "job.json")
        with use_cassette(cassette, mode="record"):
            live = wait_for_job(url, pause=0.2)
        server.shutdown()
        server.server_close()
        with use_cassette(cassette, mode="replay", on_unused="error"):
            replayed = wait_for_job(url, pause=0)  # nothing happens meanwhile, so there is nothing to wait for
    assert live == replayed == ["pending", "pending", "done"]
    print(f"recorded and replayed: {', '.join(replayed)}")


if __name__ == "__main__":
    main()
