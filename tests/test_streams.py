"""Streams: kept while they are read, handed over once, and not in the middle of something else."""

from __future__ import annotations

import io
import os
import unittest
from unittest import mock

from cassettes_lib.framing import BodyReceiver
from cassettes_lib.streams import BreakingBody, LiveBody, RecordedPart, finish_open_streams


def a_body(data: bytes = b"hello", owner: object = None) -> tuple[LiveBody, list[bytes]]:
    ended: list[bytes] = []
    source = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]
    receiver = BodyReceiver("length", len(data))
    return LiveBody(source, receiver, lambda body: ended.append(body.received().body), owner), ended


class LiveBodyTest(unittest.TestCase):
    def test_what_was_read_is_handed_over_once(self) -> None:
        body, ended = a_body()
        self.assertEqual(body.read(3), b"hel")
        body.close()
        body.close()
        body.finish()
        self.assertEqual(ended, [b"hel"])

    def test_the_connection_is_closed_with_it(self) -> None:
        body, _ = a_body()
        source = body._source
        body.close()
        self.assertTrue(source.closed)

    def test_an_owner_finishes_its_own(self) -> None:
        mine, others = object(), object()
        first, first_ended = a_body(owner=mine)
        second, second_ended = a_body(owner=others)
        finish_open_streams(mine)
        self.assertEqual((first_ended, second_ended), ([b""], []))
        first.close()
        second.close()
        self.assertEqual((first_ended, second_ended), ([b""], [b""]))

    def test_a_forked_child_leaves_the_parent_s_streams_alone(self) -> None:
        body, ended = a_body()
        with mock.patch("os.getpid", return_value=os.getpid() + 1):
            body.close()
        self.assertEqual(ended, [])

    def test_an_error_in_handing_over_reaches_the_reader_and_the_log(self) -> None:
        def fail(body: LiveBody) -> None:
            raise ValueError("the disk is full")

        source = io.BufferedReader(io.BytesIO(b"x"))  # type: ignore[arg-type]
        body = LiveBody(source, BodyReceiver("none"), fail)
        with self.assertRaises(ValueError), self.assertLogs("cassettes_lib", "ERROR"):
            body.close()
        self.assertTrue(source.closed)


class RecordedBodiesTest(unittest.TestCase):
    def test_a_breaking_body_gives_its_bytes_then_its_error(self) -> None:
        body = BreakingBody(b"abc", ConnectionResetError(104, "reset"))
        self.assertEqual((body.read(2), body.read(2)), (b"ab", b"c"))
        with self.assertRaises(ConnectionResetError):
            body.read(1)

    def test_a_part_says_when_it_is_read_further(self) -> None:
        part, said = RecordedPart(b"abc"), list[int]()
        part.on_end = lambda: said.append(1)
        self.assertEqual((part.read(3), said), (b"abc", []))
        self.assertEqual((part.read(3), said), (b"", [1]))


if __name__ == "__main__":
    unittest.main()
