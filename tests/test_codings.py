"""Codings: undone, applied, and applied again so that the very same bytes result."""

from __future__ import annotations

import gzip
import os
import unittest
import zlib
from unittest import mock

import brotli
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from cassettes_lib import decoders
from cassettes_lib.codings import decoded, decoded_with_note, encoded, encoded_pieces
from cassettes_lib.zlib_settings import parse_settings

POEM = b'{"lines": [' + b", ".join(b'"line %d of something"' % number for number in range(60)) + b"]}"


def deflated(body: bytes, level: int = 6, window: int = 15, memory: int = 8) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, window, memory)
    return packer.compress(body) + packer.flush()


WIRES = {
    "gzip by Python": ("gzip", gzip.compress(POEM)),
    "gzip by zlib": ("gzip", deflated(POEM, 6, 31)),
    "gzip at its fastest": ("gzip", deflated(POEM, 1, 31)),
    "gzip at its best": ("gzip", deflated(POEM, 9, 31)),
    "gzip with a file's name and time": ("gzip", gzip.compress(POEM, mtime=7).replace(
        b"\x1f\x8b\x08\x00\x07", b"\x1f\x8b\x08\x08\x07", 1)[:10] + b"name.json\0" + gzip.compress(POEM)[10:]),
    "gzip by Apache": ("gzip", deflated(POEM, 6, 31, 9)),
    "gzip by nginx, small": ("gzip", deflated(POEM, 1, 16 + 12, 5)),
    "x-gzip": ("x-gzip", gzip.compress(POEM)),
    "upper case": ("GZIP", gzip.compress(POEM)),
    "deflate": ("deflate", zlib.compress(POEM)),
    "deflate at its fastest": ("deflate", zlib.compress(POEM, 1)),
    "deflate with no wrapper": ("deflate", deflated(POEM, 6, -15)),
    "brotli": ("br", brotli.compress(POEM)),
    "brotli on the fly": ("br", brotli.compress(POEM, quality=4)),
    "zstd": ("zstd", zstandard.compress(POEM)),
    "two codings": ("deflate, gzip", gzip.compress(zlib.compress(POEM))),
    "three codings": ("br, deflate, gzip", gzip.compress(zlib.compress(brotli.compress(POEM)))),
    "no coding": ("identity", POEM),
}


class RoundTripTest(unittest.TestCase):
    def test_usual_encodings_come_back_byte_for_byte(self) -> None:
        for name, (coding, wire) in WIRES.items():
            with self.subTest(name):
                result = decoded_with_note(wire, coding)
                assert result is not None
                body, note = result
                self.assertEqual(body, POEM)
                self.assertEqual(encoded(body, coding, note), wire)

    def test_without_a_note_the_contents_come_back(self) -> None:
        for name, (coding, wire) in WIRES.items():
            with self.subTest(name):
                body = decoded(wire, coding)
                assert body is not None
                again = encoded(body, coding)
                assert again is not None
                self.assertEqual(decoded(again, coding), POEM)
                self.assertEqual(encoded(body, coding), again, "the same bytes each time")

    def test_a_note_of_another_compressor_is_no_obstacle(self) -> None:
        notes = "", "nonsense", "gzip-", "gzip-99", "gzip-6-abc", "gzip-6m0w99", "br-5", "gzip-6, gzip-6", "gzip-6f"
        for note in notes:
            with self.subTest(note):
                again = encoded(POEM, "gzip", note)
                assert again is not None
                self.assertEqual(gzip.decompress(again), POEM)

    @given(st.binary(min_size=1, max_size=2000), st.integers(1, 9), st.sampled_from(["gzip", "deflate"]))
    @settings(max_examples=60, deadline=None)
    def test_whatever_zlib_makes_is_made_again(self, body: bytes, level: int, coding: str) -> None:
        wire = deflated(body, level, 31 if coding == "gzip" else 15)
        result = decoded_with_note(wire, coding)
        assert result is not None
        self.assertEqual(result[0], body)
        self.assertNotEqual(result[1], "")
        self.assertEqual(encoded(body, coding, result[1]), wire)

    @given(wire=st.binary(max_size=300), coding=st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br"]))
    @settings(max_examples=100, deadline=None)
    def test_no_bytes_are_too_odd(self, wire: bytes, coding: str) -> None:
        for unfinished in (False, True):
            result = decoded_with_note(wire, coding, unfinished=unfinished, chunk_sizes=(3, 4))
            if result is not None and not unfinished:
                again = encoded(result[0], coding, result[1])
                assert again is not None
                self.assertEqual(decoded(again, coding), result[0])

    def test_a_large_body_is_found_quickly(self) -> None:
        body = os.urandom(400_000).hex().encode()
        wire = deflated(body, 4, 31)
        result = decoded_with_note(wire, "gzip")
        assert result is not None
        self.assertEqual(result[1], "gzip-4")
        self.assertEqual(encoded(body, "gzip", result[1]), wire)


class FlushTest(unittest.TestCase):
    def events(self, mode: int, level: int = 6, window: int = 31) -> list[bytes]:
        packer = zlib.compressobj(level, wbits=window)
        pieces = [packer.compress(b"data: event %d\n\n" % number) + packer.flush(mode) for number in range(5)]
        return [*pieces, packer.flush()]

    def test_flushes_are_seen_and_made_again(self) -> None:
        for mode in (zlib.Z_SYNC_FLUSH, zlib.Z_FULL_FLUSH):
            pieces = self.events(mode)
            result = decoded_with_note(b"".join(pieces), "gzip")
            assert result is not None
            self.assertEqual(encoded_pieces(result[0], "gzip", result[1]), pieces)

    def test_boundaries_stay_where_the_bytes_cannot_be_had_again(self) -> None:
        pieces = self.events(zlib.Z_SYNC_FLUSH)
        pieces[0] = b"\x1f\x8b\x08\x04" + pieces[0][4:10] + b"\x02\x00\x01\x02" + pieces[0][10:]  # an extra field
        result = decoded_with_note(b"".join(pieces), "gzip", chunk_sizes=[len(piece) for piece in pieces])
        assert result is not None
        again = encoded_pieces(result[0], "gzip", result[1])
        assert again is not None
        self.assertEqual(len(again), len(pieces))
        unpacker = zlib.decompressobj(31)
        self.assertEqual(unpacker.decompress(again[0]), b"data: event 0\n\n")
        self.assertEqual(unpacker.decompress(again[1]), b"data: event 1\n\n")

    def test_the_beginning_of_a_stream_is_readable(self) -> None:
        for coding, window in (("gzip", 31), ("deflate", 15), ("deflate", -15)):
            wire = b"".join(self.events(zlib.Z_SYNC_FLUSH, window=window)[:3])
            self.assertIsNone(decoded_with_note(wire, coding))
            result = decoded_with_note(wire, coding, unfinished=True)
            assert result is not None
            self.assertEqual(result[0], b"data: event 0\n\ndata: event 1\n\ndata: event 2\n\n")
            again = encoded(result[0], coding, result[1])
            assert again is not None
            self.assertIsNone(decoded(again, coding), "and still is a beginning only")
            self.assertEqual(zlib.decompressobj(window).decompress(again), result[0])


class RefusalTest(unittest.TestCase):
    def test_what_is_not_in_a_coding_is_left_alone(self) -> None:
        for coding in ("gzip", "deflate", "br", "zstd", "unknown", "gzip, unknown", "aws-chunked"):
            with self.subTest(coding):
                self.assertIsNone(decoded(b"certainly not compressed, not at all", coding))

    def test_what_ends_too_early_is_left_alone(self) -> None:
        for name, (coding, wire) in WIRES.items():
            if coding != "identity":
                with self.subTest(name):
                    self.assertIsNone(decoded(wire[:-9], coding))

    def test_a_wrong_checksum_is_noticed(self) -> None:
        wire = gzip.compress(POEM)
        self.assertIsNone(decoded(wire[:-8] + b"\0\0\0\0" + wire[-4:], "gzip"))

    def test_several_members_and_padding_are_read_as_everybody_does(self) -> None:
        self.assertEqual(decoded(gzip.compress(b"one") + gzip.compress(b"two") + bytes(9), "gzip"), b"onetwo")

    def test_only_what_the_transport_knows_is_undone(self) -> None:
        self.assertIsNone(decoded(brotli.compress(POEM), "br", known=("gzip",)))

    def test_more_codings_than_anybody_uses_are_refused(self) -> None:
        wire = POEM
        for _ in range(6):
            wire = gzip.compress(wire)
        self.assertIsNone(decoded(wire, ", ".join(["gzip"] * 6)))

    def test_without_the_package_a_coding_is_unknown(self) -> None:
        with mock.patch.object(decoders, "_module", side_effect=ImportError("brotli")):
            self.assertIsNone(decoded(brotli.compress(POEM), "br"))
            self.assertIsNone(encoded(POEM, "br"))
            self.assertIsNone(encoded(POEM, "zstd", "zstd-3"))

    def test_settings_are_read_as_they_are_written(self) -> None:
        for word in ("6", "9m9", "1m5w12", "6f3:4", "6F3", "1p", "zlib-6-7801", "raw-3m7w14f5p"):
            self.assertIsNotNone(parse_settings(word), word)
        for word in ("", "x", "6-abc", "6f", "-6", "6m", "zlib"):
            self.assertIsNone(parse_settings(word), word)


if __name__ == "__main__":
    unittest.main()
