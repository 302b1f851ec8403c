"""Secrets and files: a real conversation over loopback, recorded and replayed without configuration."""

from __future__ import annotations

import base64
import json
import logging
import os
import tempfile
import textwrap
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import requests

from cassettes_lib import InteractionNotFoundError, Redactor, use_cassette
from tests import nursery
from tests.loopback import LoopbackServer
from tests.loopback_messages import Hit, Reply, json_reply, text_reply
from tests.secrets_table import jwt
from tests.support import with_environment
from tests.test_redaction import encodings_of

PASSWORD = "Tr0ub4dor&3 über"
TOKEN = "tok_9fXq27LmZpRw81Ks"
REFRESH = jwt(sub="42", exp=1893456000)
COOKIE = "s%3Aq8WnV3.kd92/Jf+x"
CSRF = "c5rF-70ken-Value"
SECRETS = (PASSWORD, TOKEN, REFRESH, COOKIE, CSRF)


def log_in(hit: Hit) -> Reply:
    asked = json.loads(hit.body)
    if asked != {"user": "joe", "password": PASSWORD}:
        return json_reply({"error": "wrong password"}, 401)
    return json_reply(
        {"access_token": TOKEN, "refresh_token": REFRESH, "token_type": "bearer", "expires_in": 3600},
        headers=(("Set-Cookie", f"sid={COOKIE}; Path=/; HttpOnly"), ("X-CSRF-Token", CSRF)),
    )


def echo(hit: Hit) -> Reply:
    """Answer with all that was asked, which is where tokens leak."""
    body = base64.b64encode(hit.body).decode()
    return json_reply({"target": hit.target, "headers": dict(hit.headers), "body": body, "max_tokens": 5})


def conversation(url: str, password: str = PASSWORD) -> list[Any]:
    """Log in, and send the token in every place."""
    session = requests.Session()
    answer = session.post(f"{url}/login", json={"user": "joe", "password": password})
    tokens = answer.json()
    token, csrf = tokens["access_token"], answer.headers["X-CSRF-Token"]
    bearer = {"Authorization": f"Bearer {token}"}
    answers = [
        session.get(f"{url}/echo/me", headers=bearer),
        session.get(f"{url}/echo/by-query", params={"access_token": token, "page": 1}),
        session.get(f"{url}/echo/by-path/{token}/x"),
        session.post(f"{url}/echo/form", data={"note": f"use {token} here", "a": "1"}),
        session.post(f"{url}/echo/json", json={"deep": [{"inner": json.dumps({"t": token})}]}),
        session.post(f"{url}/echo/upload", files={"f": ("x.txt", f"token is {token}!")}),
        session.post(f"{url}/echo/refresh", data={"refresh_token": tokens["refresh_token"]}),
        session.get(f"{url}/echo/basic", auth=("joe", token)),
        session.delete(f"{url}/echo/csrf", headers={"X-CSRF-Token": csrf}),
        session.get(f"{url}/plain"),
    ]
    session.close()
    return [
        (each.status_code, each.json() if "json" in each.headers["Content-Type"] else each.text) for each in answers
    ]


class EndToEndTest(unittest.TestCase):
    def setUp(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "conversation.json"
        self.server = LoopbackServer()
        self.server.route("/login", log_in)
        self.server.route("/echo", echo)
        self.server.route("/plain", lambda hit: text_reply("nothing secret here"))
        self.server.start()
        self.addCleanup(self.server.stop)

    def assert_clean(self, text: str, secrets: tuple[str, ...] = SECRETS) -> None:
        for secret in secrets:
            for form in encodings_of(secret):
                self.assertNotIn(form, text)

    def test_a_login_records_and_replays_without_configuration_and_leaves_no_secret(self) -> None:
        with self.assertLogs("cassettes_lib", logging.DEBUG) as logs, use_cassette(self.path, mode="record"):
            live = conversation(self.server.url)
        self.server.stop()
        self.assertIn(TOKEN, repr(live))  # the live client sees the truth
        for file in self.folder.rglob("*"):
            self.assert_clean(file.read_text(encoding="utf-8"))
        self.assert_clean("\n".join(logs.output))
        self.assertIn("INFO:cassettes_lib:  response body $.access_token: 1, by name", logs.output)
        with use_cassette(self.path, mode="replay") as broker:
            replayed = conversation(self.server.url)
        self.assertTrue(broker.all_played)
        self.assertEqual([status for status, _ in replayed], [status for status, _ in live])
        self.assertEqual(replayed[-1], live[-1])
        self.assertEqual(replayed[0][1]["max_tokens"], 5)
        self.assert_clean(repr(broker.cassette.interactions[:]))

    def test_another_password_replays_the_same_conversation(self) -> None:
        with use_cassette(self.path, mode="record"):
            live = conversation(self.server.url)
        with use_cassette(self.path, mode="replay") as broker:
            replayed = conversation(self.server.url, password="not-the-Same-1")
        self.assertTrue(broker.all_played)
        self.assertEqual(len(replayed), len(live))

    def test_credentials_of_netrc_and_of_the_session_are_covered_because_they_are_sent(self) -> None:
        netrc = self.folder.parent / f"{self.folder.name}.netrc"
        netrc.write_text(f"machine 127.0.0.1 login joe password {COOKIE}\n", encoding="utf-8")
        self.addCleanup(netrc.unlink)
        for mode, password in (("record", TOKEN), ("replay", "another-1Token")):
            environment = mock.patch.dict("os.environ", {"NETRC": str(netrc)})
            with self.subTest(mode), environment, requests.Session() as session:
                session.auth = ("joe", password)
                with use_cassette(self.path, mode=mode):
                    self.assertEqual(requests.get(f"{self.server.url}/echo/netrc").status_code, 200)
                    self.assertEqual(session.get(f"{self.server.url}/echo/session").status_code, 200)
        text = self.path.read_text(encoding="utf-8")
        self.assertIn('"Authorization": "Basic REDACTED-1"', text)
        self.assertIn('"Authorization": "Basic REDACTED-2"', text)
        self.assert_clean(text, (COOKIE, TOKEN))

    def test_a_token_sent_before_it_is_known_is_gone_from_the_file_in_the_end(self) -> None:
        with use_cassette(self.path, mode="record"):
            requests.get(f"{self.server.url}/plain", params={"q": f"find {TOKEN}"})
            requests.post(f"{self.server.url}/login", json={"user": "joe", "password": PASSWORD})
        self.assert_clean(self.path.read_text(encoding="utf-8"))
        for term in (TOKEN, "another-1Token"):
            with use_cassette(self.path, mode="replay"):
                answer = requests.get(f"{self.server.url}/plain", params={"q": f"find {term}"})
                self.assertEqual(answer.status_code, 200)

    def test_a_miss_shows_no_secret(self) -> None:
        with use_cassette(self.path, mode="record"):
            conversation(self.server.url)
        with self.assertRaises(InteractionNotFoundError) as caught, use_cassette(self.path, mode="replay"):
            requests.post(
                f"{self.server.url}/echo/json?api_key={TOKEN}",
                json={"password": PASSWORD, "x": 1},
                headers={"Authorization": f"Bearer {TOKEN}", "Cookie": f"sid={COOKIE}"},
            )
        error = caught.exception
        told = [str(error), repr(error), repr(error.request), repr(error.nearest), *getattr(error, "__notes__", [])]
        self.assert_clean("\n".join(told), (PASSWORD, TOKEN, COOKIE))

    def test_placeholders_stand_in_the_file_and_their_values_reach_the_code(self) -> None:
        placeholders = {"<API_KEY>": TOKEN, "<PASSWORD>": lambda: PASSWORD}
        with use_cassette(self.path, mode="record", placeholders=placeholders):
            live = conversation(self.server.url)
        text = self.path.read_text(encoding="utf-8")
        self.assert_clean(text)
        self.assertIn("<API_KEY>", text)
        with use_cassette(self.path, mode="replay", placeholders=placeholders):
            replayed = conversation(self.server.url)
        for (_, mine), (_, theirs) in zip(replayed, live, strict=True):
            if isinstance(mine, dict):
                self.assertEqual(mine["target"], theirs["target"])

    def test_redaction_can_be_switched_off_and_be_told_more(self) -> None:
        with use_cassette(self.path, mode="record", redact=None):
            requests.get(f"{self.server.url}/echo", params={"token": TOKEN})
        self.assertIn(TOKEN, self.path.read_text(encoding="utf-8"))
        other = self.folder / "other.json"
        with use_cassette(other, mode="record", redact=Redactor(query=["badge"], patterns=[r"case-\d+"])):
            requests.get(f"{self.server.url}/echo", params={"badge": "b77", "x": "case-4711"})
        self.assert_clean(other.read_text(encoding="utf-8"), ("b77", "case-4711"))

    def test_a_recording_that_is_killed_leaves_no_secret_in_any_file(self) -> None:
        script = f"""
            import os, requests, signal, sys
            from cassettes_lib import use_cassette
            from tests.test_redaction_end_to_end import conversation
            with use_cassette({str(self.path)!r}, mode="record"):
                conversation({self.server.url!r})
                print("recorded", flush=True)
                sys.stdin.read()
        """
        process = nursery.start("-c", textwrap.dedent(script), cwd=self.folder, env=os.environ)
        assert process.stdout
        self.assertEqual(process.stdout.readline(), b"recorded\n")
        process.kill()
        process.communicate(60)
        files = [file for file in self.folder.rglob("*") if file.is_file()]
        self.assertIn(self.path, files)
        for file in files:
            self.assert_clean(file.read_text(encoding="utf-8", errors="replace"))


if __name__ == "__main__":
    unittest.main()
