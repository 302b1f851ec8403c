"""Damaged files: thousands of them, and a table of those that people have."""

from __future__ import annotations

import copy
import json
import os
import random
import re
import time
import tracemalloc
import unittest
import warnings
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cassettes_lib.errors import CassetteFormatError, CassetteWarning
from cassettes_lib.fileformat import print_cassette
from cassettes_lib.files import FileIdentity
from cassettes_lib.filestate import Content, read_content
from cassettes_lib.models import Cassette, Interactions, RecordingMark
from cassettes_lib.recovery import RECOVERED_MARK
from tests.stores_support import FolderTestCase, a_cassette_of
from tests.support import a_request, a_response, an_interaction

INTERACTIONS = [
    an_interaction(
        a_request("POST", headers=(("A", "1"), ("B", "2"), ("B", "3")), body=b'{"a":[1,2.5,{"b":null}],"c":"d"}'),
        a_response(b"line one\nline two\r\n", headers=(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("X", "y"))),
    ),
    an_interaction(a_request(), a_response(bytes(range(256)))),
    an_interaction(a_request(), a_response('{"é": "\u2028 \\ud800", "n": [1e5, true]}'.encode())),
    an_interaction(a_request(body=b"a=b&c=d"), a_response(b"", status=204, reason="No Content")),
]
SAMPLE = Cassette.model_validate(
    {
        "interactions": Interactions(INTERACTIONS),
        "incomplete": [RecordingMark(session="s")],
        "about": {"by": ["hand", 1, None]},
    }
)
TEXT = print_cassette(SAMPLE).encode()
COMPACT = json.dumps(json.loads(TEXT), separators=(",", ":")).encode()
NOWHERE = FileIdentity(0, 0, 0)
ODD_BYTES = st.sampled_from(
    [b"\0", b"\xff", b"\xed\xa0\x80", b'"', b"\\", b"{", b"}", b"[", b"]", b",", b"\n", b"e999", b"NaN"]
)
ODD_VALUES = st.sampled_from(
    ["\r", "a\nb", "\0", "2026-13-01T00:00:00Z", "2026-11-23", "\ud800", "=", 10**400, [[1]], [None]]
)
ODD_BODIES = st.dictionaries(
    st.sampled_from(["json", "text", "base64", "style"]), st.sampled_from(["a", "====", 1, ["a"]])
)


def read(data: bytes) -> Content:
    return read_content(data, NOWHERE, "x.json", recover=True)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = draw(st.sampled_from([TEXT, COMPACT]))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 40)))
        piece = draw(st.one_of(st.binary(max_size=4), ODD_BYTES, st.just(data[end : end + 60])))
        data = data[:start] + piece + data[end:]
    return data


@st.composite
def wrong_types(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A document in which one value is another one, in our layout and in another."""
    document = json.loads(TEXT)
    place: Any = document
    while True:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not isinstance(place[key], (dict, list)) or not place[key] or draw(st.booleans()):
            break
        place = place[key]
    place[key] = draw(
        st.one_of(
            st.none(), st.booleans(), st.integers(-5, 1200), st.floats(), st.text(max_size=4), st.just([]), st.just({}),
            ODD_VALUES, ODD_BODIES,
        )
    )
    return (json.dumps(document, indent=2) + "\n").encode(), json.dumps(document).encode()


class DamagedTextTest(unittest.TestCase):
    def check(self, data: bytes) -> Cassette | str:
        """Every text gives a cassette all of which can be read, or an error that says where."""
        try:
            content = read(data)
        except CassetteFormatError as error:
            self.assertEqual(error.path, "x.json")
            self.assertIn("x.json", str(error))
            if data:
                self.assertIsNotNone(error.line, str(error))
                self.assertIsNotNone(error.column)
                self.assertIn(f"line {error.line}, column {error.column}", str(error))
            return error.member
        try:
            list(content.cassette.interactions)
        except CassetteFormatError as error:
            self.assertTrue(re.search(rb"[0-9][eE][+]?[0-9]{3}", data), "only a number too big waits until it is read")
            self.assertTrue(error.member.endswith("body"), error.member)
            return error.member
        self.assertEqual(read(print_cassette(content.cassette).encode()).cassette, content.cassette)
        return content.cassette

    @settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(damaged())
    def test_any_damage_is_an_error_or_recovered(self, data: bytes) -> None:
        self.check(data)

    @settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
    @given(wrong_types())
    def test_any_wrong_type_is_an_error_or_harmless_alike_in_every_layout(self, texts: tuple[bytes, bytes]) -> None:
        self.assertEqual(self.check(texts[0]), self.check(texts[1]))

    def test_every_single_byte_flipped(self) -> None:
        chance = random.Random(5)
        for position in range(len(TEXT)):
            flipped = bytes([TEXT[position] ^ (1 << chance.randrange(8))])
            self.check(TEXT[:position] + flipped + TEXT[position + 1 :])

    def test_cut_off_anywhere_the_whole_interactions_are_recovered(self) -> None:
        for data in (TEXT, COMPACT):
            known = data.index(b'"interactions"')
            for size in range(1, len(data.rstrip())):
                try:
                    content = read(data[:size])
                except CassetteFormatError:
                    self.assertLess(size, known + 14, "a cut behind the format is recovered")
                    continue
                count = len(content.cassette.interactions)
                self.assertEqual(list(content.cassette.interactions), INTERACTIONS[:count])
                self.assertTrue(content.torn)
                self.assertIn(RECOVERED_MARK, content.cassette.incomplete)

    def test_cut_off_and_filled_with_what_file_systems_leave(self) -> None:
        for filling in (b"\0" * 50, b" " * 50, b"\0" * 5000, b" \0 "):
            for size in range(200, len(TEXT) - 1, 13):
                content = read(TEXT[:size] + filling)
                count = len(content.cassette.interactions)
                self.assertEqual(list(content.cassette.interactions), INTERACTIONS[:count])

    def test_zeros_in_the_middle_are_damage(self) -> None:
        middle = TEXT.index(b'"response"')
        with self.assertRaises(CassetteFormatError):
            read(TEXT[:middle] + bytes(40) + TEXT[middle + 40 :])

    def test_damage_before_the_end_is_not_taken_for_a_torn_end(self) -> None:
        for old, new in (
            (b'"status": 200', b'"status" 200'), (b'"reason": "OK",', b'"reason": "OK"'), (b"    },\n", b""),
        ):
            with self.assertRaises(CassetteFormatError):
                read(TEXT.replace(old, new, 1))


class TableTest(FolderTestCase):
    def error(self, data: bytes | str) -> CassetteFormatError:
        written = data.encode() if isinstance(data, str) else data
        self.path.write_bytes(written)
        with self.assertRaises(CassetteFormatError) as caught:
            self.store().load()
        self.assertEqual(caught.exception.path, str(self.path))
        self.assertIn(str(self.path), str(caught.exception))
        self.assertEqual(self.path.read_bytes(), written)
        return caught.exception

    def with_value(self, value: Any, *path: str | int) -> tuple[str, str]:
        """The document with another value somewhere, in our layout and in another."""
        document = json.loads(TEXT)
        place = document
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = value
        return json.dumps(document, indent=2) + "\n", json.dumps(document)

    def test_what_is_not_json(self) -> None:
        for data, message in {
            "": "is empty",
            " \n": "line 2, column 1",
            "hello": "line 1, column 1: not valid JSON",
            '{"format": 1,\n "interactions": [}': "line 2, column 19: not valid JSON",
            '{"format": 1, "interactions": [NaN]}': "line 1, column 32: not valid JSON: NaN",
            '{"format": 1, "note": "NaN", "interactions": [-Infinity]}': "line 1, column 47: not valid JSON: -Infinity",
            "[]": "holds a list where an object",
            "null": "holds null where",
            '"text"': "holds a string where",
            "{}": "no member named format",
            '{"interactions": []}': "no member named format",
            '{"http_interactions": [], "recorded_with": "x"}': "cassettes convert",
            "interactions:\n- request: {}\nversion: 1\n": "cassettes convert",
            "---\nresponses:\n- response: {}\n": "cassettes convert",
        }.items():
            with self.subTest(data):
                self.assertIn(message, str(self.error(data)))

    def test_another_encoding(self) -> None:
        for encoding in ("utf-16", "utf-16-le", "utf-32", "latin-1"):
            with self.subTest(encoding):
                text = '{"format": 1, "interactions": [], "about": "hånd"}'
                error = self.error(text.encode(encoding))
                self.assertIsNotNone(error.line)
        error = self.error(b'{"format": 1,\n  "note": "\xe9"}')
        self.assertIn("not UTF-8", str(error))
        self.assertEqual((error.line, error.column), (2, 12))

    def test_a_byte_order_mark_and_other_line_ends_are_harmless(self) -> None:
        for data in (b"\xef\xbb\xbf" + TEXT, TEXT.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf" + COMPACT):
            self.path.write_bytes(data)
            self.assertEqual(self.store().load(), SAMPLE)

    def test_merge_conflicts_are_named_as_such(self) -> None:
        lines = TEXT.decode().splitlines(keepends=True)
        ours, theirs = ["<<<<<<< HEAD\n", *lines[30:33], "=======\n"], [*lines[30:35], ">>>>>>> other\n"]
        error = self.error("".join([*lines[:30], *ours, *theirs, *lines[35:]]))
        self.assertIn("merge conflict", str(error))
        self.assertEqual((error.line, error.column), (31, 1))

    def test_a_newer_format_and_odd_ones(self) -> None:
        for value, message in {
            2: "has format 2, newer than", 10**400: "has format 1000", 0: "format is 0 where", -1: "format is -1",
            True: "format is True", "1": "format is '1'", None: "format is None", 1.5: "format is 1.5",
        }.items():
            for text in self.with_value(value, "format"):
                error = self.error(text)
                self.assertIn(message, str(error))
                self.assertEqual(error.member, "format")
                self.assertEqual(error.line, 2 if "\n" in text else 1)

    def test_wrong_types_are_found_with_their_place(self) -> None:
        request, response = ("interactions", 1, "request"), ("interactions", 1, "response")
        for value, *path in [
            ("200", *response, "status"), (99, *response, "status"), (1000, *response, "status"),
            (None, *response, "status"), (7, *response, "reason"), ([], *request), (5, *request, "url"),
            (None, *request, "method"), ("x", *response, "headers"), ({"A": 1}, *response, "headers"),
            ({"A": ["b", 2]}, *request, "headers"), ({"A": {}}, *request, "headers"), (3, "interactions", 1),
            ("yesterday", "interactions", 1, "recorded_at"), ("2026-02-30T00:00:00Z", "interactions", 1, "recorded_at"),
            ("a", *response, "chunk_sizes"), (1, *response, "broken"), ({"error": 1}, *response, "broken", ),
            ("no", *response, "body"), ({"text": 1}, *response, "body"), ({"text": ["a", 1]}, *response, "body"),
            ({}, *response, "body"), ({"json": 1, "text": "a"}, *response, "body"),
            ({"json": 1, "style": "odd"}, *response, "body"), ({"json": 1, "style": 1}, *response, "body"),
            ({"base64": "!!!!"}, *response, "body"), ({"base64": "YQ"}, *response, "body"),
            ({"base64": 1}, *response, "body"),
            ({}, "interactions"), ("x", "incomplete"), ([{}], "incomplete"), ([1], "incomplete"),
        ]:
            wanted = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)[1:]
            for text in self.with_value(value, *path):
                with self.subTest(value=value, path=path, ours="\n" in text):
                    error = self.error(text)
                    self.assertTrue(error.member.startswith(wanted) or wanted == "interactions[1]", error.member)
                    lines = text.splitlines()
                    assert error.line is not None
                    assert error.column is not None
                    shown = json.dumps(value).split("{")[0].split("[")[0]
                    if wanted == error.member:
                        self.assertTrue(
                            lines[error.line - 1][error.column - 1 :].startswith(shown),
                            (error.member, lines[error.line - 1], error.column),
                        )

    def test_a_number_that_no_float_holds_is_found_when_it_is_read(self) -> None:
        for text in self.with_value({"json": "@"}, "interactions", 1, "response", "body"):
            self.path.write_text(text.replace('"@"', "1e400"))
            with self.assertRaises(CassetteFormatError) as caught:
                list(self.store().load().interactions)
            self.assertEqual(caught.exception.member, "interactions[1].response.body")
            assert caught.exception.line is not None
            shown = text.splitlines()[caught.exception.line - 1]
            self.assertTrue(shown[(caught.exception.column or 0) - 1 :].startswith("{"))

    def test_headers_that_would_smuggle_are_refused(self) -> None:
        for value in ("a\r\nb", "a\nb", "a\rb", "a\0b", ["a", "b\n"]):
            for where in ("request", "response"):
                for text in self.with_value({"X-Odd": value}, "interactions", 0, where, "headers"):
                    error = self.error(text)
                    self.assertIn("X-Odd", str(error))
                    self.assertTrue(error.member.startswith(f"interactions[0].{where}"), error.member)

    def test_an_interaction_has_one_outcome(self) -> None:
        for change in ({"failure": {"error": "X"}}, {"response": None}):
            document = json.loads(TEXT)
            document["interactions"][2] |= change
            for indent in (2, None):
                error = self.error(json.dumps(document, indent=indent) + "\n")
                self.assertEqual(error.member, "interactions[2]")

    def test_nesting_bombs_and_gigantic_numbers(self) -> None:
        bomb = "[" * 100_000
        for data, column in (
            ('{"format": 1, "note": ' + bomb, 1), ('{"format": 1, "note": ' + bomb + "]" * 100_000 + "}", 1),
            ('{"format": 1, "note": ' + '{"a":' * 100_000, 1), ('{"format": 1, "note": ' + "9" * 5000 + "}", 23),
            (self.with_value("@", "interactions", 0, "response", "note")[0].replace('"@"', "9" * 5000), 15),
            (self.with_value("@", "interactions", 0, "response", "note")[0].replace('"@"', bomb + "]" * 100_000), 15),
        ):
            error = self.error(data)
            self.assertIsNotNone(error.line)
            assert error.column is not None
            self.assertGreaterEqual(error.column, column)

    def test_a_bomb_in_the_body_of_an_interaction(self) -> None:
        for depth in (200, 900, 2000, 50_000):
            for text in self.with_value("@", "interactions", 0, "response", "body"):
                self.path.write_text(text.replace('"@"', '{"json": ' + "[" * depth + "]" * depth + "}"))
                try:
                    list(self.store().load().interactions)
                except CassetteFormatError as error:
                    self.assertIsNotNone(error.line)

    def test_time_and_memory_stay_in_proportion(self) -> None:
        sizes = [
            b"[" * 60_000, b'{"a":' * 60_000, b'"' + b"\\" * 60_000, b"1" * 60_000, b"\xff" * 60_000,
            b'{"format": 1, "interactions": [' + b"{}," * 100_000, TEXT[:300] + b'"' + b"a" * 60_000,
            TEXT[:-20] + b"\0" * 60_000, TEXT[:-20] + b" " * 60_000, TEXT + b"\n" * 60_000 + b"x",
            TEXT[:-8] + b",\n    {\n    },\n    {\n" * 15_000, b"<<<<<<< \n" * 30_000, b"-" * 60_000,
            b'{"format": 1, "interactions": [' + b'"\\u00e9' * 40_000, b"{" + b" " * 60_000,
        ]
        for data in sizes:
            with self.subTest(data[:40]):
                started = time.process_time()
                tracemalloc.start()
                try:
                    read(data)
                except CassetteFormatError:
                    pass
                finally:
                    peak = tracemalloc.get_traced_memory()[1]
                    tracemalloc.stop()
                self.assertLess(peak, 60 * len(data))
                self.assertLess(time.process_time() - started, 60)

    def test_nothing_damaged_is_recorded_over(self) -> None:
        chance = random.Random(7)
        for _ in range(60):
            position = chance.randrange(len(TEXT) - 60)
            data = TEXT[:position] + chance.randbytes(3) + TEXT[position + 5 :]
            for each in self.folder.iterdir():
                each.unlink()
            self.path.write_bytes(data)
            store = self.store()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CassetteWarning)
                try:
                    store.load()
                    valid = True
                except CassetteFormatError:
                    valid = False
                self.assertEqual(self.path.read_bytes(), data)
                store.save(a_cassette_of(1))
            self.assertEqual(self.numbers(), [1])
            if not valid:
                self.assertEqual((self.folder / "cassette.json.damaged").read_bytes(), data)
            self.assertEqual(len(os.listdir(self.folder)), 1 if valid else 2)

    def test_the_sample_itself_is_sound(self) -> None:
        self.path.write_bytes(TEXT)
        self.assertEqual(self.store().load(), SAMPLE)
        self.assertEqual(copy.deepcopy(self.store().load()), SAMPLE)


if __name__ == "__main__":
    unittest.main()
