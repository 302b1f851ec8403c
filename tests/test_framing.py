"""Framing: bodies taken apart however their bytes arrive, and put together again."""

from __future__ import annotations

import unittest

from hypothesis import given
from hypothesis import strategies as st

from cassettes_lib.framing import BodyReceiver, Received, chunked_wire

chunks = st.lists(st.binary(min_size=1, max_size=40), max_size=6)


def received(kind: str, *pieces: bytes, length: int = 0, ended: bool = False) -> Received:
    receiver = BodyReceiver(kind, length)  # type: ignore[arg-type]
    for piece in pieces:
        receiver.feed(piece)
    if ended:
        receiver.end()
    return receiver.received()


class ReceiverTest(unittest.TestCase):
    @given(chunks=chunks, step=st.integers(1, 50))
    def test_chunks_are_kept_however_they_arrive(self, chunks: list[bytes], step: int) -> None:
        wire = b"".join(chunked_wire(b"".join(chunks), [len(chunk) for chunk in chunks]))
        result = received("chunked", *(wire[at : at + step] for at in range(0, len(wire), step)))
        self.assertEqual(result.body, b"".join(chunks))
        self.assertEqual(result.chunk_sizes, tuple(map(len, chunks)))
        self.assertTrue(result.complete)

    @given(chunks=chunks, cut=st.integers(0, 200))
    def test_a_chunked_body_cut_anywhere_can_be_cut_there_again(self, chunks: list[bytes], cut: int) -> None:
        wire = b"".join(chunked_wire(b"".join(chunks), [len(chunk) for chunk in chunks]))[:cut]
        result = received("chunked", wire)
        if result.complete:
            return
        again = chunked_wire(result.body, result.chunk_sizes, ended=False)
        left = result.body[sum(result.chunk_sizes or ()) :]
        if result.chunk_size is not None:
            again += [b"%x\r\n" % result.chunk_size, left]
        self.assertEqual(b"".join([*again, result.rest.encode("latin-1")]), wire)

    def test_extensions_trailers_and_bare_line_feeds_are_understood(self) -> None:
        result = received("chunked", b"3;name=value\r\nabc\r\n0002\nde\r\n0\r\nTrailer: x\r\n\r\nnext response")
        self.assertEqual((result.body, result.chunk_sizes, result.complete), (b"abcde", (3, 2), True))

    def test_the_end_of_the_connection_in_the_trailer_is_the_end_of_the_body(self) -> None:
        self.assertTrue(received("chunked", b"1\r\na\r\n0\r\n", ended=True).complete)

    def test_a_size_that_is_none_is_noticed(self) -> None:
        for line in (b"zz\r\n", b"-5\r\n", b"\r\n"):
            result = received("chunked", b"1\r\na\r\n", line, b"more")
            self.assertEqual((result.bad, result.complete, result.rest.encode()), (True, False, line))

    def test_no_more_is_kept_than_the_length_says(self) -> None:
        result = received("length", b"ab", b"cdef", length=4)
        self.assertEqual((result.body, result.complete, result.chunk_sizes), (b"abcd", True, None))
        self.assertFalse(received("length", b"ab", length=4).complete)
        self.assertTrue(received("length").complete)

    def test_without_a_length_the_end_of_the_connection_is_the_end(self) -> None:
        self.assertFalse(received("until_close", b"ab").complete)
        self.assertTrue(received("until_close", b"ab", ended=True).complete)


class ChunkedWireTest(unittest.TestCase):
    def test_sizes_that_do_not_fit_are_made_to(self) -> None:
        for sizes, expected in (
            ((2, 2), b"2\r\nab\r\n2\r\ncd\r\n1\r\ne\r\n0\r\n\r\n"),
            ((3, 30, 5), b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"),
            (None, b"5\r\nabcde\r\n0\r\n\r\n"),
            ((), b"5\r\nabcde\r\n0\r\n\r\n"),
            ((0, 2, -1), b"2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n"),
        ):
            self.assertEqual(b"".join(chunked_wire(b"abcde", sizes)), expected)

    def test_an_empty_body_is_an_end_mark(self) -> None:
        self.assertEqual(b"".join(chunked_wire(b"", (5,))), b"0\r\n\r\n")


if __name__ == "__main__":
    unittest.main()
