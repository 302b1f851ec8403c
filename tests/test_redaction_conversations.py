from __future__ import annotations

import json
import os
import unittest
from unittest import mock

from cassettes_lib.models import Interaction, InteractionRequest, InteractionResponse, Interactions
from cassettes_lib.redaction import Redaction, Redactor
from tests.secrets_table import answered, b64, exchange, jwt, posted

TOKEN = "Zk7pQ2vXw9LmT4rB"


class Service:
    """A recording and its replay with the simplest of brokers: exact matches first, then stand-ins."""

    def __init__(self, recorder: Redactor | None = None) -> None:
        self.recorder = (recorder or Redactor()).start()
        self.stored = Interactions()

    def record(self, interaction: Interaction) -> None:
        self.recorder.request(interaction.request)
        self.stored = self.stored.plus(self.recorder.interaction(interaction))
        self.stored = self.recorder.reviewed(self.stored) or self.stored

    def replay(self, redactor: Redactor | None = None) -> Player:
        return Player((redactor or Redactor()).start(), list(self.stored))


class Player:
    def __init__(self, session: Redaction, waiting: list[Interaction]) -> None:
        self.session = session
        self.waiting = waiting
        self.exact = 0

    def ask(self, request: InteractionRequest) -> InteractionResponse:
        asked = self.session.request(request)
        found = next((each for each in self.waiting if _key(each.request) == _key(asked)), None)
        if found:
            self.exact += 1
        for consistent in (True, False):
            found = found or next((each for each in self.waiting if self._fits(asked, each, consistent)), None)
        if not found:
            raise AssertionError(f"no answer to {asked}")
        self.session.accept(asked, found.request)
        self.waiting.remove(found)
        response = self.session.restored(found, found.request).response
        assert response
        return response

    def _fits(self, asked: InteractionRequest, each: Interaction, consistent: bool) -> bool:
        stand_in = self.session.stand_in(asked, each.request, consistent=consistent)
        return bool(stand_in) and _key(stand_in) == _key(each.request)  # type: ignore[arg-type]


def _key(request: InteractionRequest) -> object:
    return request.method, request.url, tuple(sorted(request.headers)), request.body


def login(user: str, password: str, token: str) -> Interaction:
    body = json.dumps({"user": user, "password": password})
    return Interaction(
        request=posted(body).request,
        response=answered(json.dumps({"access_token": token, "token_type": "bearer"})).response,
    )


def everywhere(token: str) -> list[Interaction]:
    """Make requests that carry a token in every place."""
    return [
        exchange(headers=(("Authorization", f"Bearer {token}"),)),
        exchange(f"https://api.example.com/me/{token}/x?t={token}#f{token}"),
        posted(f"a=1&t={token}", "application/x-www-form-urlencoded"),
        posted(json.dumps({"x": {"y": [f"pre{token}post"]}})),
        posted(f"some text with {token}, in the middle", "text/plain"),
        posted(json.dumps({"x": b64(f"id:{token}")})),
        exchange(headers=(("Cookie", f"a=b; sid={token}"),)),
    ]


class ConversationTest(unittest.TestCase):
    def test_a_login_whose_token_is_sent_everywhere_replays_exactly(self) -> None:
        service = Service()
        service.record(login("joe", "hunter2", TOKEN))
        for interaction in everywhere(TOKEN):
            service.record(interaction)
        player = service.replay()
        token = json.loads(player.ask(login("joe", "hunter2", "?").request).body)["access_token"]
        for interaction in everywhere(token):
            player.ask(interaction.request)
        self.assertEqual(player.exact, 8)

    def test_other_credentials_than_the_recordings_replay_too(self) -> None:
        service = Service()
        service.record(login("joe", "hunter2", TOKEN))
        for interaction in everywhere(TOKEN):
            service.record(interaction)
        player = service.replay()
        player.ask(login("joe", "another-Passw0rd", "?").request)
        for interaction in everywhere("MyOwnT0kenFromTheEnvironment"):
            player.ask(interaction.request)
        self.assertEqual(player.waiting, [])

    def test_a_run_that_never_asks_for_the_response_with_the_token_replays(self) -> None:
        service = Service()
        service.record(login("joe", "hunter2", TOKEN))
        for interaction in everywhere(TOKEN):
            service.record(interaction)
        for token in (TOKEN, "cafe-1234-ABCD"):
            player = service.replay()
            for interaction in everywhere(token):
                player.ask(interaction.request)
            self.assertEqual(len(player.waiting), 1)

    def test_a_token_seen_before_it_was_known_is_removed_from_what_is_stored(self) -> None:
        service = Service()
        for interaction in everywhere(TOKEN):
            if not interaction.request.header("Authorization") and not interaction.request.header("Cookie"):
                service.record(interaction)
        self.assertIn(TOKEN, repr(service.stored[0]))
        service.record(login("joe", "hunter2", TOKEN))
        for stored in service.stored:
            self.assertNotIn(TOKEN, repr(stored))
            self.assertNotIn(b64(f"id:{TOKEN}")[4:16], repr(stored))

    def test_a_token_too_short_to_be_looked_for_is_understood_when_it_is_sent_back(self) -> None:
        service = Service()
        service.record(login("joe", "hunter2", "tok7"))
        for interaction in everywhere("tok7"):
            service.record(interaction)
        player = service.replay()
        token = json.loads(player.ask(login("joe", "hunter2", "").request).body)["access_token"]
        self.assertEqual(token, "REDACTED-2")
        for interaction in everywhere(token):
            player.ask(interaction.request)

    def test_a_short_code_in_a_redirect_is_followed(self) -> None:
        service = Service()
        first = exchange("https://x/a", status=302, response_headers=(("Location", "https://x/b?code=302"),))
        service.record(first)
        service.record(exchange("https://x/b?code=302"))
        player = service.replay()
        location = player.ask(first.request).header("Location")
        player.ask(exchange(str(location)).request)

    def test_two_tokens_stay_two(self) -> None:
        service = Service()
        service.record(login("ann", "pw-of-Ann-1", "AnnsTokenA1b2"))
        service.record(login("bob", "pw-of-Bob-2", "BobsTokenC3d4"))

        def me(token: str, name: str = "") -> Interaction:
            return Interaction(
                request=exchange(f"https://x/me?access_token={token}").request,
                response=answered(json.dumps({"name": name})).response,
            )

        for token, name in (("AnnsTokenA1b2", "ann"), ("BobsTokenC3d4", "bob"), ("AnnsTokenA1b2", "ann again")):
            service.record(me(token, name))
        player = service.replay()
        bob = json.loads(player.ask(login("bob", "x", "").request).body)["access_token"]
        ann = json.loads(player.ask(login("ann", "y", "").request).body)["access_token"]
        names = [json.loads(player.ask(me(token).request).body)["name"] for token in (bob, ann, ann)]
        self.assertEqual(names, ["bob", "ann", "ann again"])

    def test_two_foreign_tokens_keep_to_one_recorded_token_each(self) -> None:
        service = Service()
        for token, answer in (("AnnsTokenA1b2", 1), ("BobsTokenC3d4", 2), ("AnnsTokenA1b2", 3), ("BobsTokenC3d4", 4)):
            service.record(
                Interaction(
                    request=exchange(f"https://x/me?access_token={token}").request,
                    response=answered(json.dumps({"n": answer})).response,
                )
            )
        player = service.replay()
        answers = [
            json.loads(player.ask(exchange(f"https://x/me?access_token={token}").request).body)["n"]
            for token in ("First9token", "First9token", "Second9token", "Second9token")
        ]
        self.assertEqual(answers, [1, 3, 2, 4])

    def test_equal_secrets_get_equal_replacements_and_different_ones_different(self) -> None:
        session = Redactor().start()
        redacted = session.request(
            exchange("https://x/?token=a1b2c3d4e5&password=other&api_key=a1b2c3d4e5").request
        )
        self.assertEqual(redacted.url, "https://x/?token=REDACTED-1&password=REDACTED-2&api_key=REDACTED-1")

    def test_numbers_continue_behind_those_of_a_loaded_cassette(self) -> None:
        service = Service()
        service.record(login("joe", "hunter2", TOKEN))
        session = Redactor().start()
        session.adopt(service.stored)
        new = session.interaction(exchange("https://x/?token=brandNew1"))
        self.assertEqual(new.request.url, "https://x/?token=REDACTED-3")

    def test_a_replacement_followed_by_a_digit_is_not_another_number(self) -> None:
        session = Redactor(values=["hush"]).start()
        redacted = session.text("hush5 and hush")
        self.assertEqual(redacted, "REDACTED-1-5 and REDACTED-1")
        self.assertEqual(session.text(redacted), redacted)

    def test_a_jwt_keeps_its_parts_and_times(self) -> None:
        session = Redactor().start()
        token = jwt(sub="42", exp=1700000000, name="Jane")
        redacted = session.request(exchange(headers=(("Authorization", f"Bearer {token}"),)).request)
        scheme, _, value = redacted.headers[0][1].partition(" ")
        self.assertEqual(scheme, "Bearer")
        header, payload, _ = (json.loads(_unbase64(part)) if part[:2] == "ey" else part for part in value.split("."))
        self.assertEqual(header["alg"], "HS256")
        self.assertEqual(payload["exp"], 1700000000)
        self.assertEqual(payload["name"], "REDACTED-1")

    def test_one_recorded_jwt_stands_for_another(self) -> None:
        service = Service()
        service.record(exchange(f"https://x/?token={jwt(sub='1', exp=1)}"))
        service.replay().ask(exchange(f"https://x/?token={jwt(sub='2', exp=2)}").request)


def _unbase64(part: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


class TaintTest(unittest.TestCase):
    def test_common_and_short_values_are_never_looked_for(self) -> None:
        session = Redactor().start()
        for value in ("1", "en", "password", "Required", "2026-01-01", "Europe/Berlin", "en_US.UTF-8", "hunter2"):
            session.request(exchange(headers=(("Cookie", f"c={value}"),)).request)
            self.assertEqual(session.text(f"see {value} there"), f"see {value} there")

    def test_words_of_the_host_name_are_never_looked_for(self) -> None:
        session = Redactor().start()
        cookies = (("Cookie", "t=tenant42; e=example1"),)
        session.request(exchange("https://tenant42.example1.com/", headers=cookies).request)
        self.assertEqual(session.text("tenant42 example1"), "tenant42 example1")

    def test_a_number_inside_a_longer_number_is_left(self) -> None:
        session = Redactor().start()
        redacted = session.interaction(
            Interaction(
                request=posted(json.dumps({"pin": 12345678})).request,
                response=answered(json.dumps({"at": 1123456789, "pin": 12345678, "s": "x12345678x"})).response,
            )
        )
        assert redacted.response
        body = json.loads(redacted.response.body)
        self.assertEqual(body["at"], 1123456789)
        self.assertIsInstance(body["pin"], int)
        self.assertEqual(body["s"], "xREDACTED-1x")

    def test_secrets_of_the_environment_are_known(self) -> None:
        with mock.patch.dict(os.environ, {"ACME_TOKEN": "3nvironmentSecret", "DB_URL": "pg://u:Pw-in-url-9@h/db"}):
            session = Redactor().start()
        self.assertEqual(session.text("x 3nvironmentSecret y"), "x REDACTED-1 y")
        self.assertEqual(session.text("x Pw-in-url-9 y"), "x REDACTED-2 y")

    def test_binary_bodies_lose_known_values_and_keep_their_length(self) -> None:
        session = Redactor().start()
        session.request(exchange(headers=(("Authorization", f"Bearer {TOKEN}"),)).request)
        body = b"\x00\xff\x10" + TOKEN.encode() + b"\xfe\x00"
        redacted = session.interaction(answered(body, "application/octet-stream"))
        assert redacted.response
        self.assertEqual(redacted.response.body, b"\x00\xff\x10REDACTED-0000001\xfe\x00")


if __name__ == "__main__":
    unittest.main()
