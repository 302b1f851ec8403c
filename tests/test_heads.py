"""The headers of live responses are made without a parser for mails, and are what that parser makes of them."""

from __future__ import annotations

import email.message
import http.client
import io
import unittest
from typing import Any
from unittest import mock

import requests
from hypothesis import given
from hypothesis import strategies as st

from cassettes_lib import use_cassette
from cassettes_lib.heads import plain_message
from tests.loopback_messages import Reply
from tests.recording_support import RecordingTestCase

REST = b"the body: 1\r\n\r\n"
ODD_HEADS = {
    "a folded line": b"A: 1\r\n 2\r\nB: 3\r\n\r\n",
    "bare line feeds": b"A: 1\nB: 2\n\n",
    "a carriage return within": b"A: 1\rB: 2\r\n\r\n",
    "a space in a name": b"A b: 1\r\nC: 2\r\n\r\n",
    "a space behind a name": b"A : 1\r\nC: 2\r\n\r\n",
    "no name": b": 1\r\nC: 2\r\n\r\n",
    "no colon": b"A\r\nC: 2\r\n\r\n",
    "the first line of a mailbox": b"From me: 1\r\nC: 2\r\n\r\n",
    "a NUL": b"A: 1\0\r\n\r\n",
    "latin-1": b"A: caf\xe9\r\n\r\n",
    "what some take for the end of a line": b"A: 1\x852\x0b3\x1c4\r\n\r\n",
    "parts of a mail": b"A: 1\r\ncontent-type: MultiPart/mixed; boundary=x\r\n\r\n",
    "a mail": b"Content-Type: message/rfc822\r\n\r\n",
    "no headers": b"\r\n",
    "no end": b"A: 1\r\nB: 2",
    "nothing": b"",
}
names = st.text("abcXYZ019!#$%&'*+-.^_`|~", min_size=1, max_size=9)
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.just("\t"), max_size=20)


def a_file(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]


def all_of(message: Any) -> dict[str, Any]:
    payload = message._payload
    return {
        **vars(message), "type": type(message), "defects": list(map(repr, message.defects)),
        "_payload": list(map(all_of, payload)) if isinstance(payload, list) else payload,
    }


class PlainMessageTest(unittest.TestCase):
    @given(st.lists(st.tuples(names, st.sampled_from(("", " ", "\t ")), values), min_size=1, max_size=12))
    def test_it_is_what_the_parser_makes_of_plain_lines(self, headers: list[tuple[str, ...]]) -> None:
        head = "".join(f"{name}:{space}{value}\r\n" for name, space, value in headers).encode() + b"\r\n"
        file, parsed = a_file(head + REST), a_file(head + REST)
        message = plain_message(file)
        assert message is not None
        self.assertEqual(all_of(message), all_of(http.client.parse_headers(parsed)))
        self.assertEqual((file.read(), parsed.read()), (REST, REST))

    def test_as_many_headers_as_are_allowed(self) -> None:
        for count in (99, 100, 101):
            head = b"A: 1\r\n" * count + b"\r\n"
            with self.subTest(count):
                try:
                    http.client.parse_headers(a_file(head))
                except http.client.HTTPException:
                    self.assertGreater(count, 99)
                else:
                    self.assertEqual(count, 99)
                self.assertEqual(plain_message(a_file(head)) is None, count > 99)

    def test_from_a_head_that_is_not_plain_nothing_is_taken(self) -> None:
        for what, head in ODD_HEADS.items():
            with self.subTest(what):
                file = a_file(head + REST * bool(head.endswith(b"\n")))
                before = file.peek()
                self.assertIsNone(plain_message(file))
                self.assertEqual(file.read(), before)

    def test_from_a_head_longer_than_the_buffer_or_without_one_nothing_is_taken(self) -> None:
        head = b"A: 1\r\n" * 9 + b"\r\n"
        for file in (io.BufferedReader(io.BytesIO(head), 16), io.BytesIO(head)):  # type: ignore[arg-type]
            self.assertIsNone(plain_message(file))
            self.assertEqual(len(http.client.parse_headers(file)), 9)


class LiveTest(RecordingTestCase):
    def test_whatever_a_server_sends_its_headers_are_those_without_a_block(self) -> None:
        heads = {**ODD_HEADS, "plain": b"A: 1\r\nB:2 \r\nA: \t3\r\nX-Empty:\r\n\r\n"}
        for number, (what, head) in enumerate(heads.items()):
            if not head.endswith(b"\n\r\n") and not head.endswith(b"\n\n"):
                continue
            url = self.server.url_for(f"/head/{number}")
            self.server.script(f"/head/{number}", *[Reply(raw=b"HTTP/1.1 200 OK\r\n" + head + REST)] * 2)
            with self.subTest(what):
                plain: Any = requests.get(url)
                with use_cassette(self.path, mode="record"):
                    live: Any = requests.get(url)
                got, wanted = (each.raw._original_response.msg for each in (live, plain))
                self.assertEqual(all_of(got), all_of(wanted))
                self.assertEqual((live.headers, live.content), (plain.headers, plain.content))

    def test_the_parser_is_spared(self) -> None:
        with use_cassette(self.path, mode="record"), mock.patch("email.parser.Parser.parsestr") as parse:
            self.assertEqual(requests.get(self.server.url_for("/json")).status_code, 200)
        self.assertFalse(parse.called)

    def test_what_others_put_in_its_place_is_called_and_a_class_of_their_own_is_made(self) -> None:
        class Message(email.message.Message):
            pass

        with use_cassette(self.path, mode="record"):
            self.assertIsInstance(http.client.parse_headers(a_file(b"A: 1\r\n\r\n"), Message), Message)
            with mock.patch("http.client.parse_headers", wraps=http.client.parse_headers) as above:
                requests.get(self.server.url_for("/json"))
        below_ours = mock.patch("http.client.parse_headers", wraps=http.client.parse_headers)
        with below_ours as below, use_cassette(self.path, mode="record"):
            requests.get(self.server.url_for("/json"))
        self.assertTrue(above.called and below.called)
