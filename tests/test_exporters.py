"""The exporters: HAR and back loses nothing, and a registry of responses answers as the cassette does."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
import unittest
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import requests
import responses
from hypothesis import given, settings
from hypothesis import strategies as st

from cassettes_lib.errors import CassetteImportError
from cassettes_lib.exporters import cassette_to_responses, to_har
from cassettes_lib.importers import import_cassette, import_recording
from cassettes_lib.models import (
    BrokenBody,
    Cassette,
    Interaction,
    InteractionFailure,
    InteractionRequest,
    InteractionResponse,
    Interactions,
)
from tests.support import a_cassette, a_request, a_response, an_interaction

RECORDINGS = Path(__file__).parent / "data" / "recordings"

names = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1, max_size=8)
latin = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=12)
values = latin | st.just("folded\r\n value")
header_lists = st.lists(st.tuples(names, values), max_size=4).map(tuple)
bodies = st.binary(max_size=30) | st.text(max_size=20).map(lambda text: text.encode("utf-8", "surrogatepass"))
urls = st.builds(
    "{}/{}".format, st.sampled_from(("https://a.example", "http://[::1]:8080", "<placeholder>", "http://[")),
    st.text(st.characters(codec="ascii"), max_size=10),
)
moments = st.none() | st.datetimes(
    datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.sampled_from((UTC, timezone(timedelta(hours=-5))))
)
answers = st.builds(
    InteractionResponse, status=st.integers(100, 999), reason=latin, headers=header_lists, body=bodies,
    wire_body=st.booleans(), recoding=st.sampled_from(("", "gzip-6")), closed_early=st.booleans(),
    http_version=st.sampled_from(("1.1", "1.0", "2", "3", "0.9")),
    chunk_sizes=st.none() | st.lists(st.integers(1, 9), max_size=2).map(tuple),
    broken=st.none() | st.builds(BrokenBody, error=st.just("TimeoutError"), message=st.text(max_size=3)),
)
requests_made = st.builds(
    InteractionRequest, method=st.sampled_from(("GET", "POST", "QUERY")), url=urls, headers=header_lists, body=bodies
)
exchanges = st.builds(Interaction, recorded_at=moments, request=requests_made, response=answers)
failures = st.builds(
    Interaction, recorded_at=moments, request=requests_made,
    failure=st.builds(InteractionFailure, error=st.just("requests.exceptions.SSLError"), message=st.text(max_size=9)),
)
cassettes = st.lists(exchanges | failures, max_size=3).map(lambda each: Cassette(interactions=Interactions(each)))


class HarRoundTripTest(unittest.TestCase):
    @settings(max_examples=150, deadline=None)
    @given(cassettes)
    def test_a_cassette_comes_back_from_har_as_it_was(self, cassette: Cassette) -> None:
        result = import_recording(to_har(cassette))
        self.assertEqual(result.cassette, cassette)
        self.assertEqual((result.skipped, result.warnings), (0, ()))

    def test_every_recording_comes_back_from_har_as_it_was(self) -> None:
        for path in sorted(RECORDINGS.rglob("*")):
            if not path.is_file():
                continue
            try:
                cassette = import_cassette(path.read_bytes())
            except CassetteImportError:
                continue
            with self.subTest(path.name):
                self.assertEqual(import_cassette(to_har(cassette)), cassette)


class HarShapeTest(unittest.TestCase):
    def test_an_entry_has_the_members_that_browsers_ask_for(self) -> None:
        headers = (("Content-Type", "text/plain"), ("Cookie", "s=1; t=2"))
        request = a_request("POST", "https://a.example/x?q=1&r=", headers, b"hi")
        cookie = "a=b; Path=/; HttpOnly; Secure; Expires=Wed, 21 Oct 2099 07:28:00 GMT"
        response = a_response(b"\xff\xfe", 302, (("Location", "/y"), ("Set-Cookie", cookie)), reason="Found")
        log = json.loads(to_har(a_cassette(an_interaction(request, response))))["log"]
        self.assertEqual(log["version"], "1.2")
        self.assertEqual(set(log["creator"]), {"name", "version"})
        entry = log["entries"][0]
        self.assertLessEqual({"startedDateTime", "time", "request", "response", "cache", "timings"}, entry.keys())
        self.assertEqual(entry["request"]["postData"], {"mimeType": "text/plain", "text": "hi"})
        self.assertEqual(entry["request"]["queryString"], [{"name": "q", "value": "1"}, {"name": "r", "value": ""}])
        self.assertEqual([cookie["name"] for cookie in entry["request"]["cookies"]], ["s", "t"])
        self.assertEqual(entry["response"]["cookies"], [{
            "name": "a", "value": "b", "path": "/", "httpOnly": True, "secure": True,
            "expires": "2099-10-21T07:28:00.000Z",
        }])
        self.assertEqual(entry["response"]["redirectURL"], "/y")
        content = {"size": 2, "mimeType": "", "text": base64.b64encode(b"\xff\xfe").decode(), "encoding": "base64"}
        self.assertEqual(entry["response"]["content"], content)

    def test_a_failure_is_an_entry_of_status_0_that_names_it(self) -> None:
        failure = InteractionFailure(error="requests.exceptions.ConnectTimeout", message="too slow")
        entry = json.loads(to_har(a_cassette(Interaction(request=a_request(), failure=failure))))["log"]["entries"][0]
        self.assertEqual((entry["response"]["status"], entry["_error"]), (0, "requests.exceptions.ConnectTimeout"))


class ResponsesTest(unittest.TestCase):
    def play(self, *interactions: Interaction) -> responses.RequestsMock:
        mock = responses.RequestsMock(assert_all_requests_are_fired=False)
        cassette_to_responses(a_cassette(*interactions), mock=mock)
        return mock

    def test_equal_requests_are_answered_in_recorded_order(self) -> None:
        bodies = [b"pending", b"pending", b"done"]
        with self.play(*(an_interaction(response=a_response(body)) for body in bodies)):
            self.assertEqual([requests.get(a_request().url).content for _ in range(4)], [*bodies, b"done"])

    def test_status_reason_repeated_headers_cookies_and_coding_are_as_recorded(self) -> None:
        headers = (("Content-Encoding", "gzip"), ("Content-Length", "7"), ("Set-Cookie", "a=1; Path=/"),
                   ("Set-Cookie", "b=2; Path=/"), ("content-type", "application/json"))
        with self.play(an_interaction(response=a_response(b'{"a": 1}', 418, headers, reason="Short and stout"))):
            response = requests.get(a_request().url)
        self.assertEqual((response.status_code, response.reason, response.json()), (418, "Short and stout", {"a": 1}))
        self.assertEqual(response.cookies.get_dict(), {"a": "1", "b": "2"})
        self.assertEqual(response.headers["Content-Encoding"], "gzip")

    def test_a_body_kept_encoded_is_delivered_encoded(self) -> None:
        packed = gzip.compress(b"exact")
        response = a_response(packed, headers=(("Content-Encoding", "gzip"),)).model_copy(update={"wire_body": True})
        with self.play(an_interaction(response=response)):
            self.assertEqual(requests.get(a_request().url).content, b"exact")

    def test_the_body_of_the_request_counts(self) -> None:
        interactions = [
            an_interaction(a_request("POST", body=b"one"), a_response(b"1")),
            an_interaction(a_request("POST", body=b"two"), a_response(b"2")),
        ]
        with self.play(*interactions):
            self.assertEqual(requests.post(a_request().url, data=b"two").content, b"2")
            with self.assertRaises(requests.ConnectionError):
                requests.post(a_request().url, data=b"three")

    def test_match_on_without_body_takes_any(self) -> None:
        registry = cassette_to_responses(
            a_cassette(an_interaction(a_request("POST", body=b"one"))), match_on=("method", "url")
        )
        prepared = requests.Request("POST", a_request().url, data=b"two").prepare()
        self.assertIs(registry.find(prepared)[0], registry.registered[0])

    def test_the_registry_shows_what_it_holds(self) -> None:
        registered = cassette_to_responses(a_cassette(an_interaction())).registered[0]
        self.assertIsInstance(registered, responses.Response)
        self.assertEqual((registered.method, registered.url, registered.status), ("GET", a_request().url, 200))
        self.assertEqual(registered.body, b"hello")

    def test_a_failure_raises_the_recorded_exception(self) -> None:
        failure = InteractionFailure(error="requests.exceptions.ReadTimeout", message="too slow")
        mock = self.play(Interaction(request=a_request(), failure=failure))
        with mock, self.assertRaisesRegex(requests.ReadTimeout, "too slow") as caught:
            requests.get(a_request().url)
        assert caught.exception.request is not None
        self.assertEqual(caught.exception.request.url, a_request().url)

    def test_the_module_itself_will_do_as_the_mock(self) -> None:
        with responses.mock:
            registry = cassette_to_responses(a_cassette(an_interaction()), mock=responses)
            self.assertIs(registry, responses.mock.get_registry())
            self.assertEqual(requests.get(a_request().url).content, b"hello")

    def test_responses_is_imported_only_when_it_is_asked_for(self) -> None:
        code = "import sys, cassettes_lib.exporters, cassettes_lib.importers; print(*sys.modules)"
        loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
        self.assertEqual({"responses", "yaml", "rich"} & set(loaded), set())


if __name__ == "__main__":
    unittest.main()
