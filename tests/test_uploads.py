"""Uploads: bodies that are known before they are sent, and still there to be sent."""

from __future__ import annotations

import io
import unittest
from collections.abc import Iterator
from typing import Any

import requests

from cassettes_lib.uploads import Upload


def prepared(data: Any = None, **options: Any) -> requests.PreparedRequest:
    return requests.Request("POST", "http://example.com/", data=data, **options).prepare()


class FileOfItsOwnKind:
    """Can be rewound, but knows no end to seek."""

    def __init__(self, content: bytes) -> None:
        self.content, self.position = content, 0

    def read(self, size: int = -1) -> bytes:
        part = self.content[self.position :][: size if size >= 0 else None]
        self.position += len(part)
        return part

    def seek(self, position: int) -> None:
        self.position = position

    def tell(self) -> int:
        return self.position

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.content.splitlines(keepends=True))


class RequestTest(unittest.TestCase):
    def body(self, data: Any, **options: Any) -> bytes:
        return Upload(prepared(data, **options)).request().body

    def test_each_kind_of_body_is_known(self) -> None:
        for data, expected in (
            (None, b""), (b"abc", b"abc"), ("grün", "grün".encode()), ({"a": "1"}, b"a=1"), (bytearray(b"abc"), b"abc"),
            (io.BytesIO(b"abc"), b"abc"), (io.StringIO("grün"), "grün".encode()), (iter([b"a", b"b"]), b"ab"),
            (FileOfItsOwnKind(b"abc"), b"abc"),
        ):
            self.assertEqual(self.body(data), expected, data)
        self.assertEqual(self.body(None, json={"a": 1}), b'{"a": 1}')

    def test_headers_are_pairs_of_text(self) -> None:
        request = prepared(b"x", headers={"X-Bytes": b"\xe9", "X-Text": "t"})
        self.assertIn(("X-Bytes", "é"), Upload(request).request().headers)
        self.assertIn(("X-Text", "t"), Upload(request).request().headers)
        bare = requests.PreparedRequest()
        bare.method, bare.url = "GET", "http://example.com/"
        self.assertEqual(Upload(bare).request().headers, ())

    def test_a_file_stays_where_it_stands_until_it_is_consumed(self) -> None:
        for file in (io.BytesIO(b"0123456789"), FileOfItsOwnKind(b"0123456789")):
            file.seek(4)
            upload = Upload(prepared(file))
            self.assertEqual(upload.request().body, b"456789")
            self.assertEqual(file.tell(), 4)
            upload.consume()
            self.assertEqual(file.tell(), 10)


class SendingTest(unittest.TestCase):
    def sent(self, request: requests.PreparedRequest, *, known: bool) -> tuple[bytes, bytes]:
        upload = Upload(request)
        if known:
            upload.request()
        with upload.sending():
            body: Any = request.body
            wire = body.read() if hasattr(body, "read") else b"".join(body)
        return wire, upload.request().body

    def test_what_can_be_read_once_is_sent_and_known(self) -> None:
        class Pipe:
            def __init__(self) -> None:
                self.parts = [b"a", b"", b"never"]

            def read(self, size: int = -1) -> bytes:
                return self.parts.pop(0)

            def __iter__(self) -> Iterator[bytes]:
                return iter([])

        for known in (False, True):
            generator = (part for part in (b"a", "ü"))
            request = prepared(generator)
            self.assertEqual(self.sent(request, known=known), ("aü".encode(), "aü".encode()))
            self.assertIs(request.body, generator)
            pipe = Pipe()
            self.assertEqual(self.sent(prepared(pipe), known=known), (b"a", b"a"))

    def test_what_is_not_sent_is_not_read(self) -> None:
        generator = (part for part in (b"a", b"b", b"c"))
        upload = Upload(prepared(generator))
        with upload.sending():
            next(upload._prepared.body)  # type: ignore[call-overload]
        self.assertEqual(upload.request().body, b"a")
        self.assertEqual(list(generator), [b"b", b"c"])

    def test_what_cannot_be_sent_is_refused_in_the_transport_s_words(self) -> None:
        for known in (False, True):
            with self.subTest(known=known), self.assertRaisesRegex(TypeError, "file-like object, or iterable. Instead"):
                self.sent(prepared(object()), known=known)

    def test_the_caller_s_body_is_back_after_an_error(self) -> None:
        generator = iter([b"a"])
        request = prepared(generator)
        with self.assertRaises(KeyError), Upload(request).sending():
            raise KeyError("x")
        self.assertIs(request.body, generator)


if __name__ == "__main__":
    unittest.main()
