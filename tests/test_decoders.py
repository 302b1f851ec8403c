"""Bodies that hold far more than they take: how much of them is decoded, and what they match then."""

from __future__ import annotations

import gzip
import unittest
import zlib
from typing import Any
from unittest import mock

import brotli
import zstandard

from cassettes_lib import codings, decoders
from cassettes_lib.broker import Broker
from cassettes_lib.codings import decoded, encoded
from cassettes_lib.decoders import TooLargeError, undone
from cassettes_lib.errors import InteractionNotFoundError
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, Interactions
from tests.support import a_request, a_response

ZEROS = bytes(1 << 20)
BOMBS = {
    "gzip": gzip.compress(ZEROS),
    "x-gzip": gzip.compress(ZEROS),
    "deflate": zlib.compress(ZEROS),
    "br": brotli.compress(ZEROS),
    "zstd": zstandard.compress(ZEROS),
}


class Counted:
    """A decompressor of zlib that counts what it gives."""

    given = 0

    def __init__(self, *args: Any) -> None:
        self._real = REAL_DECOMPRESSOR(*args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def decompress(self, *args: Any) -> bytes:
        piece: bytes = self._real.decompress(*args)
        Counted.given += len(piece)
        return piece


REAL_DECOMPRESSOR = zlib.decompressobj


class UndoneTest(unittest.TestCase):
    def test_what_holds_as_much_as_is_allowed_is_decoded_and_what_holds_more_is_an_error(self) -> None:
        for coding, bomb in BOMBS.items():
            with self.subTest(coding):
                self.assertEqual(undone(bomb, coding, len(ZEROS)), ZEROS)
                for most in (len(ZEROS) - 1, 1000, 0):
                    with self.assertRaises(TooLargeError):
                        undone(bomb, coding, most)

    def test_all_members_and_frames_count_together(self) -> None:
        for coding in ("gzip", "zstd"):
            with self.subTest(coding):
                self.assertEqual(undone(BOMBS[coding] * 3, coding, 3 * len(ZEROS)), ZEROS * 3)
                with self.assertRaises(TooLargeError):
                    undone(BOMBS[coding] * 3, coding, 3 * len(ZEROS) - 1)

    def test_no_more_is_decoded_than_allowed(self) -> None:
        for coding in ("gzip", "deflate"):
            with self.subTest(coding), mock.patch.object(zlib, "decompressobj", Counted):
                Counted.given = 0
                self.assertIsNone(decoded(BOMBS[coding] + b"\0", coding, most=1000))
                self.assertLessEqual(Counted.given, 1001)

    def test_a_brotli_bomb_is_decoded_by_pieces_that_bound_it(self) -> None:
        bomb = brotli.compress(bytes(1 << 26))
        given = []
        with mock.patch.object(decoders, "brotli") as package:
            package().Decompressor = CountedBrotli
            CountedBrotli.given = given
            with self.assertRaises(TooLargeError):
                undone(bomb, "br", 1000)
        self.assertLess(sum(given), 1 << 25)

    def test_chained_codings_are_bounded_each(self) -> None:
        for chain in ("gzip, gzip", "deflate, gzip", "br, gzip", "zstd, deflate"):
            with self.subTest(chain):
                bomb = encoded(ZEROS, chain)
                assert bomb
                self.assertEqual(decoded(bomb, chain, most=len(ZEROS)), ZEROS)
                self.assertIsNone(decoded(bomb, chain, most=len(ZEROS) - 1))


class CountedBrotli:
    given: list[int]

    def __init__(self) -> None:
        self._real = brotli.Decompressor()

    def process(self, piece: bytes) -> bytes:
        result: bytes = self._real.process(piece)
        self.given.append(len(result))
        return result


class BombTest(unittest.TestCase):
    """With a lower limit, for the sake of speed."""

    def setUp(self) -> None:
        limit = mock.patch.object(codings, "MOST_LOOKED_INTO", 1000)
        limit.start()
        self.addCleanup(limit.stop)

    def test_it_matches_by_its_bytes_as_sent(self) -> None:
        for coding, bomb in BOMBS.items():
            with self.subTest(coding):
                recorded = posted(coding, bomb)
                self.assertEqual(broker_with(recorded).respond(recorded).body, b"hello")
                other = posted(coding, encoded(ZEROS + b"1", coding) or b"")
                with self.assertRaises(InteractionNotFoundError) as caught:
                    broker_with(recorded).respond(other)
                self.assertLess(len(str(caught.exception).splitlines()), 61)

    def test_it_is_decoded_once_however_often_it_is_looked_into(self) -> None:
        for chain in ("gzip", "gzip, gzip"):
            bomb = encoded(ZEROS, chain) or b""
            watched = mock.patch.object(codings, "undone", side_effect=undone)
            with self.subTest(chain), watched as undoing, self.assertRaises(InteractionNotFoundError) as caught:
                broker_with(posted(chain, bomb + b"x")).respond(posted(chain, bomb))
            with watched as more:
                str(caught.exception)
            self.assertLessEqual(undoing.call_count + more.call_count, 2 * len(chain.split(",")))

    def test_it_is_recorded_as_it_was_sent(self) -> None:
        broker = Broker(Cassette(), "record", lambda request: a_response())
        broker.respond(posted("gzip", BOMBS["gzip"]))
        self.assertEqual(broker.recorded[0].request.body, BOMBS["gzip"])


def posted(coding: str, body: bytes) -> InteractionRequest:
    return a_request("POST", headers=(("Content-Encoding", coding), ("Content-Type", "application/json")), body=body)


def broker_with(request: InteractionRequest) -> Broker:
    return Broker(Cassette(interactions=Interactions([Interaction(request=request, response=a_response())])))


if __name__ == "__main__":
    unittest.main()
