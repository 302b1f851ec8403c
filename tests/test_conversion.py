"""Conversion: whatever headers a recording has, the response delivers its bytes, and its parts are real."""

from __future__ import annotations

import gzip
import http.client
import unittest
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from requests.adapters import HTTPAdapter

from cassettes_lib.conversion import raw_from_response
from cassettes_lib.cookies_time import with_remaining_life
from cassettes_lib.header_pairs import Headers
from cassettes_lib.models import BrokenBody, InteractionResponse


def response(body: bytes = b"hello", headers: Headers = (), **members: Any) -> InteractionResponse:
    return InteractionResponse(**{"status": 200, "reason": "OK", "body": body, "headers": headers, **members})


def built(recorded: InteractionResponse, method: str = "GET") -> requests.Response:
    prepared = requests.Request(method, "http://127.0.0.1/").prepare()
    return HTTPAdapter().build_response(prepared, raw_from_response(recorded, method))


ATTRIBUTES = ("status", "reason", "version", "chunked", "length", "will_close", "code", "_method")
LYING: tuple[Headers, ...] = (
    (("Content-Length", "3"),),
    (("Content-Length", "999"),),
    (("content-length", "1"), ("Content-Length", "2")),
    (("Content-Length", "5, 5"),),
    (("Content-Length", "5, 6"),),
    (("Content-Length", "-1"),),
    (("Content-Length", ""),),
    (("Content-Length", "many"),),
    (("Transfer-Encoding", "chunked"),),
    (("transfer-encoding", "Chunked"),),
    (("Transfer-Encoding", "gzip, chunked"),),
    (("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")),
    (("Transfer-Encoding", "identity"),),
    (("Content-Length", "7"), ("Transfer-Encoding", "chunked")),
    (("Transfer-Encoding", "chunked"), ("Content-Length", "5")),
    (("Connection", "close"),),
    (("Connection", "keep-alive"), ("Keep-Alive", "timeout=5")),
    (),
)


class FramingTest(unittest.TestCase):
    def test_every_lying_header_delivers_the_bytes_and_the_end(self) -> None:
        for headers in LYING:
            for body in (b"", b"x", b"hello", bytes(500)):
                for version in ("1.1", "1.0", "2", "odd"):
                    recorded = response(body, headers, http_version=version)
                    with self.subTest(headers=headers, length=len(body), version=version):
                        self.assertEqual(built(recorded).content, body)
                        self.assertEqual(b"".join(built(recorded).iter_content(3)), body)
                        self.assertEqual(b"".join(raw_from_response(recorded, "GET").stream(7)), body)
                        whole = raw_from_response(recorded, "GET")
                        if not (whole.chunked and "gzip" in headers[0][1]):  # http.client itself does not undo these
                            self.assertEqual(whole.read(), body)
                            self.assertTrue(whole.closed)

    def test_headers_that_fit_stay_as_they_are(self) -> None:
        for headers in (*LYING[3:4], *LYING[6:], (("Content-Length", "05"),)):
            with self.subTest(headers=headers):
                self.assertEqual(list(raw_from_response(response(b"hello", headers), "GET").headers.items()), [
                    *raw_from_response(response(b"hello", headers), "GET").headers.items()])
                self.assertEqual(tuple(raw_from_response(response(b"hello", headers), "GET")._original_response  # type: ignore[union-attr]
                                       .msg.items()), headers)

    def test_a_length_that_lies_is_put_right(self) -> None:
        raw = raw_from_response(response(b"hello", (("A", "1"), ("content-LENGTH", "3"), ("B", "2"))), "GET")
        self.assertEqual(list(raw.headers.items()), [("A", "1"), ("content-LENGTH", "5"), ("B", "2")])
        self.assertEqual(raw.length_remaining, 5)

    def test_responses_without_a_body_have_none_and_keep_their_length(self) -> None:
        headers = (("Content-Length", "1234"), ("Content-Encoding", "gzip"))
        for status, method in ((200, "HEAD"), (204, "GET"), (304, "GET"), (103, "GET")):
            with self.subTest(status=status, method=method):
                replayed = built(response(b"a body all the same", headers, status=status), method)
                self.assertEqual((replayed.content, replayed.headers["Content-Length"]), (b"", "1234"))
        for lying in LYING:
            for status in (204, 304):
                with self.subTest(status=status, headers=lying):
                    chunked = any("chunked" in value.lower() for _, value in lying)
                    replayed = built(response(b"body", lying, status=status))
                    self.assertEqual(replayed.content, b"body" if chunked else b"")
                    self.assertEqual(list(built(response(b"body", lying, status=status), "HEAD").iter_content(1)), [])

    @given(
        st.binary(max_size=300), st.lists(st.integers(1, 60), max_size=5),
        st.sampled_from(["", "gzip", "deflate", "br", "deflate, gzip"]), st.sampled_from(LYING),
    )
    def test_any_body_under_any_headers_comes_out(
        self, body: bytes, sizes: list[int], coding: str, headers: Headers
    ) -> None:
        coded = (*headers, ("Content-Encoding", coding)) if coding else headers
        for chunk_sizes in (None, tuple(sizes)):
            self.assertEqual(built(response(body, coded, chunk_sizes=chunk_sizes)).content, body)


class CodingTest(unittest.TestCase):
    def test_a_decoded_body_is_delivered_encoded_and_its_length_fits(self) -> None:
        for coding, window in (("gzip", 31), ("x-gzip", 31), ("deflate", 15)):
            if coding not in urllib3.HTTPResponse.CONTENT_DECODERS:
                continue
            headers = (("Content-Encoding", coding), ("Content-Length", "99"))
            replayed = built(response(b"plain " * 50, headers))
            wire = replayed.raw.read(decode_content=False)
            self.assertEqual(zlib.decompress(wire, window), b"plain " * 50)
            self.assertEqual(replayed.headers["Content-Length"], str(len(wire)))
            self.assertEqual(built(response(b"plain " * 50, headers)).content, b"plain " * 50)

    def test_a_wire_body_is_left_as_it_is(self) -> None:
        wire = gzip.compress(b"plain")
        headers = (("Content-Encoding", "gzip"),)
        self.assertEqual(built(response(wire, headers, wire_body=True)).raw.read(), wire)
        self.assertEqual(built(response(wire, headers, wire_body=True)).content, b"plain")

    def test_a_coding_that_nobody_undoes_is_not_applied(self) -> None:
        for coding in ("aws-chunked", "identity", "utf-8", ""):
            self.assertEqual(built(response(b"plain", (("Content-Encoding", coding),))).raw.read(), b"plain")


class RealObjectsTest(unittest.TestCase):
    def test_the_parts_are_the_real_ones(self) -> None:
        raw = raw_from_response(response(), "GET")
        self.assertIs(type(raw), urllib3.HTTPResponse)
        self.assertIs(type(raw._original_response), http.client.HTTPResponse)
        self.assertIs(type(raw._original_response.msg), http.client.HTTPMessage)

    def test_http_client_itself_would_have_set_the_same_attributes(self) -> None:
        """Compared with what `begin` makes of the bytes on the wire."""
        import io

        for headers in LYING:
            for status in (200, 204, 304):
                for version in ("1.1", "1.0"):
                    recorded = response(b"hello", headers, status=status, http_version=version)
                    ours = raw_from_response(recorded, "GET")._original_response
                    assert ours is not None
                    lines = "".join(f"{name}: {value}\r\n" for name, value in ours.msg.items())
                    wire = f"HTTP/{version} {status} OK\r\n{lines}\r\n".encode("latin-1")

                    class Sock:
                        def makefile(self, mode: str, wire: bytes = wire) -> Any:
                            return io.BufferedReader(io.BytesIO(wire))  # type: ignore[arg-type]

                    theirs = http.client.HTTPResponse(Sock(), method="GET")  # type: ignore[arg-type]
                    theirs.begin()
                    with self.subTest(headers=headers, status=status, version=version):
                        for name in ATTRIBUTES:
                            self.assertEqual(getattr(ours, name), getattr(theirs, name), name)
                        self.assertEqual(ours.msg.items(), theirs.msg.items())
                        self.assertEqual(vars(ours.msg), vars(theirs.msg))

    def test_each_response_is_a_fresh_one(self) -> None:
        recorded = response()
        self.assertEqual(built(recorded).content, built(recorded).content)
        self.assertEqual(recorded, response())


class BrokenTest(unittest.TestCase):
    def test_each_way_to_break_is_that_of_the_transport(self) -> None:
        long = (("Content-Length", "100"),)
        chunked = (("Transfer-Encoding", "chunked"),)
        cases: list[tuple[Headers, BrokenBody, type[Exception], str]] = [
            (long, BrokenBody(error="IncompleteRead"),
             requests.exceptions.ChunkedEncodingError, "5 bytes read, 95 more"),
            (long, BrokenBody(error="ConnectionResetError", errno=104, message="Connection reset by peer"),
             requests.exceptions.ChunkedEncodingError, "ConnectionResetError(104, 'Connection reset by peer')"),
            (long, BrokenBody(error="TimeoutError", message="timed out"),
             requests.exceptions.ConnectionError, "Read timed out."),
            (long, BrokenBody(error="ssl.SSLError", errno=1, message="bad record mac"),
             requests.exceptions.SSLError, "bad record mac"),
            (chunked, BrokenBody(error="IncompleteRead", chunk_size=9), requests.exceptions.ChunkedEncodingError,
             "5 bytes read, 4 more"),
            (chunked, BrokenBody(error="IncompleteRead", rest="1"), requests.exceptions.ChunkedEncodingError, ""),
            (chunked, BrokenBody(error="InvalidChunkLength", rest="zz\r\n"), requests.exceptions.ChunkedEncodingError,
             "got length b'zz"),
        ]
        for headers, broken, kind, text in cases:
            with self.subTest(broken=broken), self.assertRaises(kind) as caught:
                built(response(b"hello", headers, broken=broken)).content  # noqa: B018 - reading is what raises
            self.assertIn(text, str(caught.exception))

    def test_a_break_that_nobody_knows_is_an_error_all_the_same(self) -> None:
        with self.assertRaises(Exception) as caught:
            built(response(b"hello", (("Content-Length", "9"),), broken=BrokenBody(error="os.system"))).content  # noqa: B018
        self.assertIsInstance(caught.exception, requests.RequestException)

    def test_reading_on_after_an_early_close_ends_and_is_logged(self) -> None:
        for headers in ((("Content-Length", "100"),), (("Transfer-Encoding", "chunked"),), ()):
            early = built(response(b"hello", headers, closed_early=True))
            self.assertEqual(early.raw.read(3), b"hel")
            self.assertEqual(early.headers, dict(headers))
        with self.assertLogs("cassettes_lib", "WARNING"):
            early = built(response(b"hello", (("Content-Length", "100"),), closed_early=True))
            self.assertEqual(early.content, b"hello")


class CookiesTimeTest(unittest.TestCase):
    recorded_at = datetime(2026, 1, 1, tzinfo=UTC)
    in_ten_years = datetime(2036, 1, 1, tzinfo=UTC).timestamp()

    def moved(self, cookie: str, recorded_at: datetime | None = recorded_at) -> str:
        return with_remaining_life((("Set-Cookie", cookie),), recorded_at, self.in_ten_years)[0][1]

    def test_a_cookie_keeps_the_life_it_had_left(self) -> None:
        for cookie, expected in (
            ("a=1; Expires=Fri, 02 Jan 2026 00:00:00 GMT; HttpOnly",
             "a=1; Expires=Wed, 02 Jan 2036 00:00:00 GMT; HttpOnly"),
            ("a=1; expires=Fri, 02-Jan-2026 00:00:00 GMT", "a=1; expires=Wed, 02-Jan-2036 00:00:00 GMT"),
            ("a=1; expires=Friday, 02-Jan-26 00:00:00 GMT", "a=1; expires=Wednesday, 02-Jan-36 00:00:00 GMT"),
            ('a=1;EXPIRES = "Fri, 02 Jan 2026 00:00:00 GMT"', 'a=1;EXPIRES = "Wed, 02 Jan 2036 00:00:00 GMT"'),
        ):
            self.assertEqual(self.moved(cookie), expected)

    def test_the_text_stays_where_nothing_needs_moving(self) -> None:
        for cookie in (
            "a=1; Path=/", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a=1; Expires=Wed, 21 Oct 2065 07:28:00 GMT",
            "a=1; Expires=Fri, 02 Jan 2026 00:00:00 GMT; Max-Age=60", "a=1; Expires=whenever", "expires=1",
            "a=expires=Fri, 02 Jan 2026 00:00:00 GMT", "a=1; Expires=", "a=1; Expires=Fri, 99 Jan 2026 00:00:00 GMT",
        ):
            self.assertEqual(self.moved(cookie), cookie)
        shifting = "a=1; Expires=Fri, 02 Jan 2026 00:00:00 GMT"
        self.assertEqual(self.moved(shifting, None), shifting)
        others = (("X", shifting),)
        self.assertEqual(with_remaining_life(others, self.recorded_at, self.in_ten_years), others)

    @given(st.timedeltas(timedelta(seconds=1), timedelta(days=3000)), st.timedeltas(timedelta(0), timedelta(days=9000)))
    def test_what_is_left_is_what_was_left(self, life: timedelta, later: timedelta) -> None:
        expires = self.recorded_at + life
        now = (self.recorded_at + later).timestamp()
        cookie = f"a=1; Expires={expires:%a, %d %b %Y %H:%M:%S} GMT"
        text = with_remaining_life((("set-cookie", cookie),), self.recorded_at, now)[0][1]
        from email.utils import parsedate_to_datetime

        left = parsedate_to_datetime(text.partition("Expires=")[2]).timestamp() - now
        if later < timedelta(seconds=int(life.total_seconds())):
            self.assertEqual(text, cookie)
        else:
            self.assertAlmostEqual(left, int(life.total_seconds()), delta=2)


if __name__ == "__main__":
    unittest.main()
