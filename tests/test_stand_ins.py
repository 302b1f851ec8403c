"""The second try of a look-up: redacted values that stand for others, through the Broker."""

from __future__ import annotations

import json
import unittest
from unittest import mock

from cassettes_lib.broker import Broker
from cassettes_lib.errors import InteractionNotFoundError
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, InteractionResponse, Interactions
from cassettes_lib.redaction import Redaction
from cassettes_lib.redaction_pass import Pass
from tests.support import a_request, a_response

API = "https://api.example.com"


class Service:
    """Gives a token to who logs in, and a page to who shows the token."""

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: InteractionRequest) -> InteractionResponse:
        if request.url.endswith("/login"):
            body = json.dumps({"access_token": self.token}).encode()
            return a_response(body, headers=(("Content-Type", "application/json"),))
        return a_response(f"page for {request.url.rpartition('/')[2][:4]}".encode())


def log_in(broker: Broker) -> str:
    token = json.loads(broker.respond(a_request("POST", f"{API}/login")).body)["access_token"]
    assert isinstance(token, str)
    return token


class StandInsTest(unittest.TestCase):
    def recorded(self, token: str) -> Cassette:
        broker = Broker(Cassette(), "record", Service(token))
        broker.respond(a_request(url=f"{API}/items/{log_in(broker)}"))
        return broker.cassette

    def test_a_token_learnt_from_a_response_that_is_not_asked_for_again_still_matches(self) -> None:
        cassette = self.recorded("Tk91xvv72kQq")
        self.assertIn("REDACTED-", cassette.interactions[1].request.url)
        broker = Broker(cassette)
        self.assertEqual(broker.respond(a_request(url=f"{API}/items/Tk91xvv72kQq")).body, b"page for Tk91")

    def test_other_credentials_match_too(self) -> None:
        broker = Broker(self.recorded("Tk91xvv72kQq"))
        self.assertEqual(broker.respond(a_request(url=f"{API}/items/anotherToken7")).body, b"page for Tk91")

    def test_credentials_that_are_new_for_each_request_play_what_is_there_and_then_it_is_played(self) -> None:
        recording = Broker(Cassette(), "record", lambda request: a_response())
        for token in ("Tk91xvv72kQq", "Uk91xvv72kQq"):
            recording.respond(a_request(url=f"{API}/items?token={token}"))
        broker = Broker(recording.cassette)
        for token in ("anotherToken7", "yetAnotherToken8"):
            broker.respond(a_request(url=f"{API}/items?token={token}"))
        for token, times in (("aThirdToken9", "twice"), ("aFourthToken10", "3 times")):
            with self.assertRaises(InteractionNotFoundError) as caught:
                broker.respond(a_request(url=f"{API}/items?token={token}"))
            self.assertEqual(caught.exception.reason, "already played")
            self.assertIn(f"already played: asked {times}, recorded once\n", str(caught.exception))

    def test_a_miss_looks_for_secrets_in_each_recorded_request_once(self) -> None:
        recorded = Interactions(
            Interaction(request=a_request("POST", f"{API}/{n}", body=b"{}"), response=a_response()) for n in range(20)
        )
        broker = Broker(Cassette(interactions=recorded))
        for times in (20, 0):
            watched = mock.patch.object(Pass, "request", autospec=True, side_effect=Pass.request)
            with watched as looked_through, self.assertRaises(InteractionNotFoundError):
                broker.respond(a_request("POST", f"{API}/{times}x", body=b"{}"))
            self.assertLessEqual(looked_through.call_count, times + 2)

    def test_what_is_learnt_later_is_looked_for_in_what_was_clean(self) -> None:
        recorded = Interaction(request=a_request(url=f"{API}/of/Zx81Kq27Pw"), response=a_response())
        broker = Broker(Cassette(interactions=Interactions([recorded])))
        with self.assertRaises(InteractionNotFoundError):
            broker.respond(a_request("PUT", f"{API}/of/x"))
        with self.assertRaises(InteractionNotFoundError) as caught:
            broker.respond(a_request("PUT", f"{API}/of/x", headers=(("Authorization", "Bearer Zx81Kq27Pw"),)))
        self.assertIn("/of/REDACTED-1", str(caught.exception))
        self.assertNotIn("Zx81Kq27Pw", str(caught.exception))

    def test_what_was_looked_for_without_repeats_can_be_repeated(self) -> None:
        broker = Broker(self.recorded("Tk91xvv72kQq"), allow_playback_repeats=True)
        asked = a_request(url=f"{API}/items/anotherToken7")
        broker.respond(asked)
        self.assertIsNone(broker.play(asked, if_any=True))
        self.assertEqual(broker.respond(asked).body, b"page for Tk91")

    def test_a_replacement_that_the_client_sends_on_matches_the_short_secret_stored_in_clear(self) -> None:
        cassette = self.recorded("abc")
        self.assertEqual(cassette.interactions[1].request.url, f"{API}/items/abc")
        broker = Broker(cassette)
        token = log_in(broker)
        self.assertIn("REDACTED-", token)
        self.assertEqual(broker.respond(a_request(url=f"{API}/items/{token}")).body, b"page for abc")
        self.assertTrue(broker.all_played)

    def test_what_differs_elsewhere_is_still_a_miss(self) -> None:
        broker = Broker(self.recorded("Tk91xvv72kQq"))
        for url in (f"{API}/other/Tk91xvv72kQq", f"{API}/items/Tk91xvv72kQq?page=2", "https://elsewhere.example/items/x"):
            with self.subTest(url), self.assertRaises(InteractionNotFoundError):
                broker.respond(a_request(url=url))

    def test_each_recording_answers_once(self) -> None:
        broker = Broker(self.recorded("Tk91xvv72kQq"))
        broker.respond(a_request(url=f"{API}/items/one1one1one"))
        with self.assertRaises(InteractionNotFoundError):
            broker.respond(a_request(url=f"{API}/items/two2two2two"))

    def test_a_miss_among_many_recordings_with_the_same_key_tries_few_of_them(self) -> None:
        broker = Broker(Cassette(), "record", lambda request: a_response(b"page"))
        for number in range(200):
            broker.respond(a_request(url=f"{API}/search?q={number}&api_key=Tk91xvv72kQq"))
        broker = Broker(broker.cassette)
        with mock.patch.object(Redaction, "stand_in", autospec=True, side_effect=Redaction.stand_in) as tried:
            with self.assertRaises(InteractionNotFoundError):
                broker.respond(a_request(url=f"{API}/search?q=none&api_key=Tk91xvv72kQq"))
            self.assertLessEqual(tried.call_count, 150)
            tried.reset_mock()
            broker.respond(a_request(url=f"{API}/search?q=150&api_key=anotherKey7"))
            self.assertLessEqual(tried.call_count, 3)


if __name__ == "__main__":
    unittest.main()
