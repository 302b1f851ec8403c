"""What clients meet when secrets were removed: bodies of another length, tokens learnt late, names that are tokens."""

from __future__ import annotations

import gzip
import json
import logging
import tempfile
import unittest
from pathlib import Path

import requests

from cassettes_lib import InteractionNotFoundError, use_cassette
from tests.loopback import LoopbackServer
from tests.loopback_messages import Hit, Reply, json_reply, text_reply
from tests.support import with_environment
from tests.test_redaction import encodings_of

TOKEN = "Zk7pQ2vXw9LmT4rB0nE8"
OTHER = "another-Tok3n-of-this-Run"
DOCUMENT = json.dumps({"access_token": TOKEN * 3, "refresh_token": "q1W2", "text": "\u00e4" * 40}).encode()


def check_bearer(hit: Hit) -> Reply:
    return json_reply({"you": "joe"} if dict(hit.headers).get("Authorization") == f"Bearer {TOKEN}" else {}, 200)


class FlowTestCase(unittest.TestCase):
    def setUp(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "flow.json"
        self.server = LoopbackServer()
        self.addCleanup(self.server.stop)

    def start(self) -> str:
        self.server.start()
        return self.server.url

    def on_disk(self) -> str:
        return "\n".join(file.read_text(encoding="utf-8") for file in self.folder.rglob("*") if file.is_file())

    def assert_gone(self, text: str, secret: str = TOKEN) -> None:
        for form in encodings_of(secret):
            self.assertNotIn(form, text)


class ContentLengthTest(FlowTestCase):
    """`Content-Length` is that of the bytes which replay delivers, and not of those that were recorded."""

    def replayed(self, reply: Reply, method: str = "GET") -> tuple[requests.Response, bytes]:
        self.server.route("/doc", lambda hit: reply)
        url = self.start()
        with use_cassette(self.path, mode="record"):
            self.live = requests.request(method, f"{url}/doc", timeout=10)
        self.assert_gone(self.on_disk())
        with use_cassette(self.path, mode="replay"), requests.request(
            method, f"{url}/doc", stream=True, timeout=10
        ) as response:
            return response, response.raw.read(decode_content=False)

    def test_of_a_body_as_it_is(self) -> None:
        response, raw = self.replayed(Reply(headers=[("Content-Type", "application/json")], body=DOCUMENT))
        self.assertNotEqual(len(raw), len(DOCUMENT))
        self.assertEqual(response.headers["Content-Length"], str(len(raw)))
        self.assertEqual(json.loads(raw)["access_token"], "REDACTED-1")

    def test_of_a_compressed_body(self) -> None:
        headers = [("Content-Type", "application/json"), ("Content-Encoding", "gzip")]
        response, raw = self.replayed(Reply(headers=headers, body=gzip.compress(DOCUMENT)))
        self.assertEqual(response.headers["Content-Length"], str(len(raw)))
        self.assertEqual(json.loads(gzip.decompress(raw))["access_token"], "REDACTED-1")

    def test_of_a_chunked_body_there_is_none(self) -> None:
        pieces = [DOCUMENT[:30], DOCUMENT[30:50], DOCUMENT[50:]]
        response, raw = self.replayed(Reply(headers=[("Content-Type", "application/json")], chunks=pieces))
        self.assertNotIn("Content-Length", response.headers)
        self.assertEqual(response.headers["Transfer-Encoding"], "chunked")
        self.assertEqual(json.loads(raw)["access_token"], "REDACTED-1")

    def test_of_the_answer_to_head_it_stays(self) -> None:
        reply = Reply(headers=[("Content-Type", "application/json"), ("Set-Cookie", f"sid={TOKEN}")], body=DOCUMENT)
        response, raw = self.replayed(reply, "HEAD")
        self.assertEqual(raw, b"")
        self.assertEqual(response.headers["Content-Length"], self.live.headers["Content-Length"])

    def test_of_a_request_it_fits_the_redacted_body(self) -> None:
        self.server.route("/login", lambda hit: json_reply({}))
        url = self.start()
        with use_cassette(self.path, mode="record", match_on=("method", "url", "body", "headers")):
            requests.post(f"{url}/login", json={"password": TOKEN}, timeout=10)
        with use_cassette(self.path, mode="replay", match_on=("method", "url", "body", "headers")) as broker:
            requests.post(f"{url}/login", json={"password": TOKEN}, timeout=10)
        self.assertTrue(broker.all_played)


class LateTest(FlowTestCase):
    """A token that nothing gives away at first."""

    def setUp(self) -> None:
        super().setUp()
        self.server.route("/token", lambda hit: text_reply(TOKEN + "\n"))
        self.server.route("/connect", lambda hit: text_reply(TOKEN))
        self.server.route("/me", check_bearer)
        self.server.route("/find", lambda hit: json_reply({"found": hit.target}))

    def conversation(self, url: str, path: str, own: str = "") -> list[object]:
        session = requests.Session()
        token = session.get(f"{url}/{path}", timeout=10).text.strip()
        self.between = self.on_disk()
        answers = [
            session.get(f"{url}/find", params={"q": own or token}, timeout=10).json(),
            session.get(f"{url}/me", headers={"Authorization": f"Bearer {own or token}"}, timeout=10).json(),
        ]
        session.close()
        return answers

    def test_the_answer_of_an_address_that_says_token_is_hidden_at_once(self) -> None:
        url = self.start()
        with use_cassette(self.path, mode="record"):
            live = self.conversation(url, "token")
        self.assertEqual(live[1], {"you": "joe"})
        self.assert_gone(self.between)
        self.assert_gone(self.on_disk())
        self.assertIn('"REDACTED-1', self.on_disk())
        for own in ("", OTHER):
            with self.subTest(own=own), use_cassette(self.path, mode="replay") as broker:
                self.assertEqual(self.conversation(url, "token", own)[1], live[1])
            self.assertTrue(broker.all_played)

    def test_a_bare_token_is_removed_from_the_file_when_it_is_sent_as_one(self) -> None:
        url = self.start()
        with use_cassette(self.path, mode="record"):
            self.conversation(url, "connect")
        self.assertIn(TOKEN, self.between)  # nothing could tell; docs/threat-model.rst says so
        self.assert_gone(self.on_disk())
        for own in ("", OTHER):
            with self.subTest(own=own), use_cassette(self.path, mode="replay") as broker:
                self.assertEqual(self.conversation(url, "connect", own)[1], {"you": "joe"})
            self.assertTrue(broker.all_played)


class TellingPlacesTest(FlowTestCase):
    """Secrets that only their place gives away."""

    def test_they_replay_with_those_of_another_run_and_with_made_up_ones(self) -> None:
        self.server.route("/app", lambda hit: json_reply({"path": hit.target}))
        url = self.start() + "/app"

        def conversation(token: str) -> None:
            for path in (f"/sessions/{token}", f"/reset/MQ/{token}/", f"/hooks/{token}", f"/unsubscribe?{token}",
                         f"/bot123456:{token}/getMe", f"/(S({token}))/x", f"/cart;jsessionid={token}",
                         f"/services/T0A1B2C3D/B0A1B2C3D/{token}", f"/callback?code={token}&state=x1"):  # fmt: skip
                self.assertEqual(requests.delete(url + path, timeout=10).status_code, 200)
            form = {"grant_type": "authorization_code", "code": token}
            self.assertEqual(requests.post(f"{url}/exchange", data=form, timeout=10).status_code, 200)

        with use_cassette(self.path, mode="record"):
            conversation(TOKEN)
        self.assert_gone(self.on_disk())
        for token in (TOKEN, OTHER, "Zk7pQ2vXw9LmT4rB0nE9", "made-up"):
            with self.subTest(token), use_cassette(self.path, mode="replay") as broker:
                conversation(token)
            self.assertTrue(broker.all_played)


class TokenAsNameTest(FlowTestCase):
    """`?TOKEN`, without a name."""

    def test_it_is_hidden_and_replays_with_another_one(self) -> None:
        self.server.route("/login", lambda hit: json_reply({"access_token": TOKEN}))
        self.server.route("/feed", lambda hit: json_reply({"items": [1]}))
        url = self.start()

        def conversation(own: str = "") -> None:
            token = own or requests.get(f"{url}/login", timeout=10).json()["access_token"]
            for query in (f"?{token}", f"?page=2&{token}", f"?{token}=1", f"?{token}=&page=2"):
                self.assertEqual(requests.get(f"{url}/feed{query}", timeout=10).json(), {"items": [1]})

        with use_cassette(self.path, mode="record"):
            conversation()
        self.assert_gone(self.on_disk())
        for own in ("", OTHER):
            with self.subTest(own=own), use_cassette(self.path, mode="replay"):
                conversation(own)

    def test_neither_a_miss_nor_the_log_shows_it(self) -> None:
        self.server.route("/login", lambda hit: json_reply({"access_token": TOKEN}))
        url = self.start()
        with use_cassette(self.path, mode="record"):
            requests.get(f"{url}/login", headers={"X-Api-Key": TOKEN}, timeout=10)
        with self.assertLogs("cassettes_lib", logging.DEBUG) as logs:
            with self.assertRaises(InteractionNotFoundError) as caught, use_cassette(self.path, mode="replay"):
                requests.get(f"{url}/login", headers={"X-Api-Key": TOKEN}, timeout=10)
                requests.get(f"{url}/feed?{TOKEN}", timeout=10)
            logging.getLogger("cassettes_lib").debug("the end")
        error = caught.exception
        self.assertIn("?REDACTED-1", str(error))
        self.assert_gone("\n".join([str(error), repr(error), *getattr(error, "__notes__", []), *logs.output]))


if __name__ == "__main__":
    unittest.main()
