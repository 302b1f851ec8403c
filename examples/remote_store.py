"""A remote store: a team shares a cassette through fsspec, in memory, and on a server of its own that speaks S3.

For the S3 of Amazon, for GCS or Azure change the URL, and the options where the environment does not hold them.

Run it: python examples/remote_store.py    (needs: pip install "cassettes-lib[fsspec]"; the part with S3 also needs:
pip install s3fs "moto[server]")
"""

import importlib.util
import logging
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from cassettes_lib import FsspecCassetteStore, use_cassette


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


def share(url, **options):
    """One developer records to the URL, another one anew, and all replay from there, with the service gone."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Greeter)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"

    # Without options, use_cassette(url) does the same.
    with use_cassette(store=FsspecCassetteStore(url, **options), mode="record"):
        assert requests.get(f"{base}/ada").text == "hello, ada"
    store = FsspecCassetteStore(url, **options)
    before = store.load()
    with use_cassette(store=FsspecCassetteStore(url, **options), mode="record"):
        requests.get(f"{base}/grace")
        requests.get(f"{base}/alan")
    server.shutdown()
    server.server_close()

    with use_cassette(store=FsspecCassetteStore(url, **options), mode="replay") as broker:
        assert requests.get(f"{base}/grace").text == "hello, grace"
        assert requests.get(f"{base}/alan").text == "hello, alan"
    assert broker.all_played
    after = store.load()
    assert (len(before.interactions), len(after.interactions)) == (1, 2)
    print(f"1 interaction at {store.url}, recorded anew as 2")


def share_on_s3():
    """The same on a server that speaks S3: moto's, in this process."""
    import s3fs
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    options = {"key": "any", "secret": "any", "endpoint_url": f"http://{host}:{port}"}
    s3fs.S3FileSystem(**options).mkdir("team")
    share("s3://team/greeting.json", **options)
    server.stop()


def main():
    share("memory://team/greeting.json")
    if importlib.util.find_spec("s3fs") and importlib.util.find_spec("moto"):
        share_on_s3()


if __name__ == "__main__":
    main()
