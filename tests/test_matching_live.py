"""Matching as users of requests meet it: what is noise to them is no miss, and a miss explains itself."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import random
import tempfile
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path

import requests

from cassettes_lib import InteractionNotFoundError, use_cassette
from cassettes_lib.matching import MatchOn, ignoring
from tests.loopback import LoopbackServer
from tests.support import with_environment

_serial = itertools.count()


class MatchingLiveTest(unittest.TestCase):
    def setUp(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "cassette.json")
        self.server = LoopbackServer()
        self.server.start()
        self.addCleanup(self.server.stop)
        self.url = self.server.url_for("/anything")

    def replays(self, code: Callable[[], requests.Response], **options: MatchOn) -> None:
        """Run code twice, recorded and replayed, and check that the server was asked once."""
        with use_cassette(self.path, mode="record", **options):  # type: ignore[arg-type]
            live = code()
        hits = len(self.server.hits)
        with use_cassette(self.path, mode="replay", **options):  # type: ignore[arg-type]
            self.assertEqual(code().content, live.content)
        self.assertEqual(len(self.server.hits), hits)

    def test_every_upload_has_a_boundary_of_its_own(self) -> None:
        def upload() -> requests.Response:
            binary = io.BytesIO(bytes(range(256)))
            files = {"file": ("a.bin", binary, "application/octet-stream"), "text": ("b.txt", "é")}
            return requests.post(self.url, files=files, data={"name": "Tea", "tags": ["hot", "green"]})

        self.replays(upload)

    def test_the_order_of_parameters_members_and_fields_is_free(self) -> None:
        def shuffled() -> dict[str, object]:
            members = [("a", 1), ("b", "x y"), ("c", "é"), ("d", "")]
            return dict(random.sample(members, len(members)))

        self.replays(lambda: requests.get(self.url, params=shuffled()))
        self.replays(lambda: requests.post(self.url, json=shuffled()))
        self.replays(lambda: requests.post(self.url, data=shuffled()))

    def test_generators_and_files_are_bodies(self) -> None:
        def chunks() -> Iterator[bytes]:
            yield b"one "
            yield b"two"

        self.replays(lambda: requests.post(self.url, data=chunks()))
        self.replays(lambda: requests.post(self.url, data=io.BytesIO(b"a file")))

    def test_compressed_requests_carry_the_time(self) -> None:
        def post() -> requests.Response:
            data = gzip.compress(b'{"a": 1}', mtime=next(_serial))
            return requests.post(
                self.url, data=data, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}
            )

        self.replays(post)

    def test_noise_can_be_ignored(self) -> None:
        def post() -> requests.Response:
            noise = next(_serial)
            return requests.post(f"{self.url}?ts={noise}", json={"nonce": noise, "items": [{"id": noise, "n": 1}]})

        with self.assertRaises(InteractionNotFoundError):
            self.replays(post)
        self.replays(post, match_on=ignoring(query=["ts"], json=["$.nonce", "items[*].id"]))

    def test_an_iterator_of_matchers_serves_every_session(self) -> None:
        session = use_cassette(self.path, mode="auto", match_on=iter(["method", "path"]))
        for noise in (1, 2):
            with session:
                requests.get(self.url, params={"noise": noise})
        self.assertEqual(len(self.server.hits), 1)

    def test_a_changed_payload_is_a_miss_that_explains_itself(self) -> None:
        with use_cassette(self.path, mode="record"):
            requests.post(self.url, json={"quantity": 1, "note": "a gift"})
        with self.assertRaises(InteractionNotFoundError) as caught, use_cassette(self.path, mode="replay"):
            requests.post(self.url, json={"quantity": 2, "note": "a gift"})
        error = caught.exception
        self.assertEqual(error.reason, "differs")
        self.assertEqual(json.loads(error.request.body)["quantity"], 2)
        self.assertEqual(json.loads(error.nearest[0].request.body)["quantity"], 1)
        text = str(error)
        for line in (
            f"no recorded interaction answers POST {self.url}",
            f"request:  POST {self.url}",
            "mode:     replay",
            "match on: method, url, body",
            "nearest:  interaction 1 of 1, differs in body",
            '-  "quantity": 1',
            '+  "quantity": 2',
            '    match_on=ignoring(json=["$.quantity"])',
        ):
            self.assertIn(f"\n{line}\n", f"\n{text}\n")
        self.assertIn("CASSETTES_MODE=auto", text)
        self.assertIn(self.path.name, text)


if __name__ == "__main__":
    unittest.main()
