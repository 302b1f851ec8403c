"""A response made as one that has been read is the one that requests reads; only `Session.send` gets it so."""

from __future__ import annotations

import gzip
import unittest
from typing import Any
from unittest import mock

import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse
from urllib3.exceptions import HTTPError

from cassettes_lib import read_responses
from cassettes_lib.adapter import CassetteAdapter
from cassettes_lib.broker import Broker
from cassettes_lib.conversion import raw_from_response
from cassettes_lib.models import Headers, InteractionResponse
from cassettes_lib.read_responses import raw_after_reading, read
from tests.support import a_cassette, a_request, a_response, an_interaction

URL = "http://api.example.com/x"
NAMES = st.sampled_from([
    "Content-Type", "content-length", "Content-Length", "Transfer-Encoding", "Content-Encoding", "Connection", "X-A",
    "x-a", "Set-Cookie", "Keep-Alive",
])
VALUES = st.sampled_from([
    "text/html", "multipart/mixed; boundary=x", "0", "5", "05", "-1", "5, 5", "", "gzip", "chunked", "close",
    "keep-alive, Close", "a=1; Path=/", "é",
])
RESPONSES = st.builds(
    InteractionResponse,
    status=st.sampled_from([200, 201, 204, 301, 304, 404, 500, 101]),
    reason=st.sampled_from(["OK", "", "Why not"]),
    headers=st.lists(st.tuples(NAMES, VALUES), max_size=6).map(tuple),
    body=st.sampled_from([b"", b"hello", b"x" * 50_000, b"\0\xff"]),
    http_version=st.sampled_from(["1.1", "1.0", "2"]),
)


def state_of(raw: HTTPResponse) -> dict[str, Any]:
    """Return all that a response of urllib3 and the one inside it know."""
    original = raw._original_response
    assert original is not None
    fields: dict[str, Any] = {"closed": raw.closed, "tell": raw.tell(), "original closed": original.closed}
    for name, value in [*vars(raw).items(), *((f"original {name}", value) for name, value in vars(original).items())]:
        fields[name] = dict(vars(value)) if hasattr(value, "__dict__") and value is not original else value
    fields["_decoder"] = type(raw._decoder)
    for name in ("_fp", "_original_response"):
        fields[name] = fields[name] is original
    fields["original msg"] = original.msg is original.headers
    for name in ("defects", "_payload"):
        of_mail = fields["original headers"][name]
        fields["original headers"][name] = list(map(type, of_mail)) if isinstance(of_mail, list) else of_mail
    fields["headers"] = list(raw.headers.items())
    if "_decoded_buffer" in fields:  # since urllib3 2
        fields["_decoded_buffer"]["buffer"] = list(fields["_decoded_buffer"]["buffer"])
    return fields


class StateTest(unittest.TestCase):
    @given(RESPONSES, st.sampled_from(["GET", "POST", "HEAD"]))
    def test_it_is_the_state_after_reading_in_slices(self, recorded: InteractionResponse, method: str) -> None:
        made = raw_after_reading(recorded, method, "/x")
        if made is None:
            return
        response = requests.Response()
        response.status_code = recorded.status
        response.raw = raw = raw_from_response(recorded, method, request_url="/x")
        self.assertEqual(response.content, recorded.body)
        self.assertEqual(state_of(made), state_of(raw))
        self.assertEqual((made.read(), made.data, list(made.stream(3))), (raw.read(), raw.data, list(raw.stream(3))))
        self.assertEqual((made.geturl(), made.isclosed()), (raw.geturl(), raw.isclosed()))

    def test_the_usual_response_is_made_so(self) -> None:
        headers = (("Content-Type", "application/json"), ("Content-Length", "2"), ("Connection", "close"))
        for recorded in (a_response(b"{}"), a_response(b"{}", headers=headers), a_response(b"")):
            self.assertIsNotNone(raw_after_reading(recorded, "GET", "/x"))

    def test_nothing_is_shared(self) -> None:
        one, other = (raw_after_reading(a_response(b"{}"), "GET", "/x") for _ in range(2))
        assert one is not None
        assert other is not None
        for name, value in vars(one).items():
            if name != "_original_response" and hasattr(value, "__dict__"):
                self.assertIsNot(value, vars(other)[name], name)

    def test_where_a_release_keeps_something_unknown_it_is_read(self) -> None:
        self.addCleanup(read_responses._pattern.cache_clear)
        read_responses._pattern.cache_clear()
        make = HTTPResponse.__init__

        def with_a_list(self: HTTPResponse, *args: Any, **options: Any) -> None:
            make(self, *args, **options)
            self.own_of_a_later_release = []  # type: ignore[attr-defined]

        with mock.patch.object(HTTPResponse, "__init__", with_a_list):
            self.assertIsNone(raw_after_reading(a_response(b"{}"), "GET", "/x"))

    @given(RESPONSES.filter(lambda each: not any(name.lower() == "transfer-encoding" for name, _ in each.headers)))
    def test_reading_at_once_leaves_the_same_state(self, recorded: InteractionResponse) -> None:
        response = requests.Response()
        response.status_code = recorded.status
        response.raw = by_slices = raw_from_response(recorded, "GET", request_url="/x")
        at_once = raw_from_response(recorded, "GET", request_url="/x")
        try:
            content = response.content
        except requests.exceptions.RequestException:  # two codings named, and no body can be in both
            with self.assertRaises(HTTPError):
                read(at_once)
            return
        self.assertEqual(read(at_once), content)
        self.assertEqual(state_of(at_once), state_of(by_slices))


def replaying(body: bytes, headers: Headers = ()) -> CassetteAdapter:
    recorded = an_interaction(a_request(url=URL), a_response(body, headers=headers))
    return CassetteAdapter(Broker(a_cassette(recorded), "replay", allow_playback_repeats=True))


class SeenTest(unittest.TestCase):
    def session(self, adapter: CassetteAdapter) -> requests.Session:
        session = requests.Session()
        self.addCleanup(session.close)
        session.mount("http://", adapter)
        return session

    def test_a_session_s_body_is_not_read_in_slices(self) -> None:
        gzipped = InteractionResponse(
            status=200, headers=(("Content-Encoding", "gzip"),), body=gzip.compress(b"zipped"), wire_body=True
        )
        for recorded, content in ((a_response(b"plain"), b"plain"), (gzipped, b"zipped")):
            cassette = a_cassette(an_interaction(a_request(url=URL), recorded))
            with mock.patch.object(HTTPResponse, "stream", side_effect=AssertionError):
                response = self.session(CassetteAdapter(Broker(cassette, "replay"))).get(URL)
            self.assertEqual((response.content, response.raw.read(), response.raw.closed), (content, b"", True))

    def test_who_streams_gets_it_unread(self) -> None:
        response = self.session(replaying(b"hello")).get(URL, stream=True)
        self.assertEqual((response.raw.tell(), list(response.iter_content(2))), (0, [b"he", b"ll", b"o"]))

    def test_a_hook_gets_it_unread(self) -> None:
        seen = []

        def hook(response: requests.Response, **options: Any) -> None:
            seen.append((response._content, response.raw.read(2)))

        response = self.session(replaying(b"hello")).get(URL, hooks={"response": hook})
        self.assertEqual((seen, response.content), ([(False, b"he")], b"llo"))

    def test_a_request_may_have_no_table_of_hooks(self) -> None:
        prepared = requests.Request("GET", URL).prepare()
        prepared.hooks = None  # type: ignore[assignment]
        self.assertEqual(self.session(replaying(b"hello")).send(prepared).content, b"hello")

    def test_who_asks_the_adapter_gets_it_unread(self) -> None:
        prepared = requests.Request("GET", URL).prepare()
        response = replaying(b"hello").send(prepared)
        self.assertEqual((response.raw.read(), response.raw.closed), (b"hello", True))

    def test_an_adapter_around_it_gets_it_unread(self) -> None:
        class Around(CassetteAdapter):
            def send(self, *args: Any, **options: Any) -> requests.Response:
                response = super().send(*args, **options)
                seen.append(response.raw.read(2))
                return response

        seen: list[bytes] = []
        inner = replaying(b"hello")
        self.assertEqual(self.session(Around(inner.broker)).get(URL).content, b"llo")
        self.assertEqual(seen, [b"he"])

    def test_an_adapter_that_builds_its_own_gets_it_unread(self) -> None:
        class Builds(HTTPAdapter):
            def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
                seen.append(resp.read(2))
                return super().build_response(req, resp)

        seen: list[bytes] = []
        adapter = CassetteAdapter(replaying(b"hello").broker, Builds())
        self.assertEqual(self.session(adapter).get(URL).content, b"llo")
        self.assertEqual(seen, [b"he"])

    def test_a_body_that_cannot_be_decoded_is_the_caller_s_to_find(self) -> None:
        broken = InteractionResponse(
            status=200, headers=(("Content-Encoding", "gzip"),), body=b"no gzip", wire_body=True
        )
        adapter = CassetteAdapter(Broker(a_cassette(an_interaction(a_request(url=URL), broken)), "replay"))
        with self.assertRaises(requests.exceptions.ContentDecodingError):
            self.session(adapter).get(URL)


if __name__ == "__main__":
    unittest.main()
