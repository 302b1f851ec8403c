"""Streaming: an event stream, as language models send, arrives piece by piece live, and just so in the replay.

Run it: python examples/streaming.py
"""

import json
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import requests

from cassettes_lib import use_cassette


class Model(BaseHTTPRequestHandler):
    """The "real" service: it answers word by word, and goes on only when the word before has been read."""

    protocol_version = "HTTP/1.1"
    was_read = threading.Semaphore(0)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for word in ("Tea", " is", " ready.", "[DONE]"):
            event = f"data: {json.dumps({'delta': word}) if word != '[DONE]' else word}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()
            Model.was_read.acquire(timeout=10)
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *args):
        pass


def words(url):
    """What the application does."""
    with requests.post(url, json={"prompt": "Is the tea ready?"}, stream=True) as response:
        for line in response.iter_lines(chunk_size=None):
            if line and line != b"data: [DONE]":
                yield json.loads(line.removeprefix(b"data: "))["delta"]
            if line:
                Model.was_read.release()


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/chat"
    with tempfile.TemporaryDirectory() as folder:
        cassette = Path(folder, "chat.json")
        with use_cassette(cassette, mode="record"):
            live = list(words(url))
        server.shutdown()
        server.server_close()
        with use_cassette(cassette, mode="replay"):
            replayed = list(words(url))
        assert live == replayed == ["Tea", " is", " ready."]
        print(f"live and replayed, word by word: {'|'.join(replayed)}")


if __name__ == "__main__":
    main()
