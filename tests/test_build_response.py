"""A response built by the short way is the one that `HTTPAdapter.build_response` builds."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import requests
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from cassettes_lib import adapter as adapter_module
from cassettes_lib import use_cassette
from cassettes_lib.adapter import _built_by
from cassettes_lib.conversion import raw_from_response
from cassettes_lib.models import Headers, InteractionResponse
from tests.loopback_messages import Reply
from tests.recording_support import RecordingTestCase, run_python

NAMES = st.sampled_from([
    "Content-Type", "content-type", "Set-Cookie", "set-cookie", "X-A", "x-a", "Set-Cookie2", "Date",
])
VALUES = st.sampled_from([
    "text/html", "text/plain; charset=latin-1", "application/json", "a=1; Path=/", "b=2; Max-Age=60", "", "x, y", "é",
])


def what_is_in(response: requests.Response) -> dict[str, Any]:
    fields = {name: value for name, value in vars(response).items() if name != "raw"}
    fields["headers"] = list(response.headers.items())
    fields["cookies"] = [(each.name, each.value, each.domain, each.path) for each in response.cookies]
    return fields


class BuildTest(unittest.TestCase):
    @given(st.lists(st.tuples(NAMES, VALUES), max_size=8).map(tuple), st.sampled_from([200, 204, 301, 404]))
    def test_it_is_equal_in_everything(self, headers: Headers, status: int) -> None:
        request = requests.Request("GET", "http://a.example/x?y=1").prepare()
        builder = HTTPAdapter()
        recorded = InteractionResponse(status=status, reason="Why", headers=headers, body=b"hello")
        short, long = (
            build(request, raw_from_response(recorded, "GET"))
            for build in (lambda *given: _built_by(builder, *given), builder.build_response)
        )
        self.assertEqual(what_is_in(short), what_is_in(long))
        self.assertEqual(short.content, long.content)
        self.assertEqual(short.headers["X-a"] if "x-A" in short.headers else None, long.headers.get("x-a"))

    def test_an_adapter_s_own_way_is_taken_wherever_it_was_put(self) -> None:
        class Own(HTTPAdapter):
            def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
                response = super().build_response(req, resp)
                response.reason = "own"
                return response

        request = requests.Request("GET", "http://a.example/").prepare()
        recorded = InteractionResponse(status=200)
        own = Own().build_response(request, raw_from_response(recorded, "GET"))
        on_the_object = HTTPAdapter()
        with mock.patch.object(on_the_object, "build_response", return_value=own):
            self.assertIs(_built_by(on_the_object, request, raw_from_response(recorded, "GET")), own)
        self.assertEqual(_built_by(Own(), request, raw_from_response(recorded, "GET")).reason, "own")
        with mock.patch.object(HTTPAdapter, "build_response", return_value=own):
            self.assertIs(_built_by(HTTPAdapter(), request, raw_from_response(recorded, "GET")), own)
        self.assertIs(adapter_module.BUILD_RESPONSE, HTTPAdapter.build_response)

    def test_one_that_was_there_before_this_package_is_called_too(self) -> None:
        done = run_python(
            "-c",
            "from requests import PreparedRequest, Response, adapters\n"
            "adapters.HTTPAdapter.build_response = lambda self, req, resp: Response()\n"
            "from cassettes_lib.adapter import _built_by\n"
            "from cassettes_lib.conversion import raw_from_response\n"
            "from cassettes_lib.models import InteractionResponse\n"
            "raw = raw_from_response(InteractionResponse(status=200), 'GET')\n"
            "print(_built_by(adapters.HTTPAdapter(), PreparedRequest(), raw).status_code)\n",
            cwd=Path(__file__).parent, fresh=True,
        )
        self.assertEqual(done.stdout.strip(), "None")


class LiveTest(RecordingTestCase):
    def ask(self, path: str, session: requests.Session | None = None) -> requests.Response:
        with session or requests.Session() as used:
            return used.get(self.server.url_for(path))

    def test_a_live_response_is_the_one_without_a_block(self) -> None:
        reply = Reply(body=b"x", headers=[("set-Cookie", "a=1"), ("X-A", "1"), ("x-a", "2")])
        self.server.script("/cookies", reply, reply)
        for path in ("/json", "/cookies"):
            plain = self.ask(path)
            with use_cassette(self.path, mode="record"):
                live = self.ask(path)
            got, wanted = what_is_in(live), what_is_in(plain)
            for each in (got, wanted):
                self.assertIs(type(each.pop("connection")), HTTPAdapter)
                for volatile in ("request", "elapsed"):
                    del each[volatile]
            self.assertEqual(got, wanted)

    def test_it_is_built_the_short_way_unless_somebody_has_another(self) -> None:
        with use_cassette(self.path, mode="record"), mock.patch("requests.adapters.CaseInsensitiveDict") as structure:
            self.ask("/json")
            self.assertFalse(structure.called)

        class Own(HTTPAdapter):
            def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
                response = super().build_response(req, resp)
                response.reason = "own"
                return response

        with use_cassette(self.path, mode="record"), requests.Session() as session:
            session.mount("http://", Own())
            self.assertEqual(self.ask("/json", session).reason, "own")
        plain = HTTPAdapter.build_response
        patched = mock.patch.object(HTTPAdapter, "build_response", autospec=True, side_effect=plain)
        with patched as below, use_cassette(self.path, mode="record"):
            self.ask("/json")
        self.assertTrue(below.called)
        with use_cassette(self.path, mode="record"), patched as above:
            self.ask("/json")
        self.assertTrue(above.called)
        self.assertIs(HTTPAdapter.build_response, plain)


if __name__ == "__main__":
    unittest.main()
