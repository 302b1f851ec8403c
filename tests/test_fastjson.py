from __future__ import annotations

import json
import unittest
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cassettes_lib.fastjson import indented_or_none, parsed_or_none, parses
from tests.test_bodies import json_values


def by_standard(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


class FastJsonTest(unittest.TestCase):
    @settings(max_examples=500, deadline=None)
    @given(json_values)
    @example([1e-05, 0.0001, 1e16, 1e15, -0.0, 5e-324, 1e22, 12345678901234567.0])
    @example({"a": [2**64, -(2**64), 10**200, 0.1, 1.5e300]})
    @example(["\x7f\x1f\u2028é😀/\"\\", {"": {}}, [[]], None, True])
    def test_what_is_parsed_and_printed_is_what_the_standard_library_gives(self, value: Any) -> None:
        try:
            text = by_standard(value)
        except ValueError:  # a lone surrogate, or no number
            return
        parsed = parsed_or_none(text)
        if parsed is None:
            return
        self.assertEqual(repr(parsed), repr(json.loads(text)))
        indented = json.dumps(value, indent=2, ensure_ascii=False).encode()
        self.assertIn(indented_or_none(parsed), (None, indented))
        self.assertIn(indented_or_none(parsed, text), (None, indented))

    @settings(max_examples=500, deadline=None)
    @given(st.text('[]{}",:0123456789eE+-.\\u tfnl"d8/', max_size=12).map(str.encode) | st.binary(max_size=6))
    def test_what_it_parses_the_standard_library_parses_alike(self, text: bytes) -> None:
        parsed = parsed_or_none(text)
        if parsed is not None:
            self.assertEqual(repr(parsed), repr(json.loads(text.decode())))

    def test_ordinary_documents_are_not_left_to_the_standard_library(self) -> None:
        value = {"items": [{"id": 1, "price": 1.5, "name": "Käse", "tags": ["a", "b"], "none": None, "yes": True}]}
        self.assertEqual(indented_or_none(value), json.dumps(value, indent=2, ensure_ascii=False).encode())
        self.assertEqual(parsed_or_none(by_standard(value)), value)

    def test_what_there_may_be_two_ways_to_write_is_left_to_the_standard_library(self) -> None:
        for number in (1e-05, 1e16, 1e300, float("inf")):
            self.assertIsNone(indented_or_none({"a": number}))
        for number in (1e-05, -1e16, 1e300):
            self.assertIsNone(indented_or_none({"a": number}, by_standard({"a": number})))
        for text in (b'"\\ud800"', b"NaN", b"[" * 300 + b"]" * 300, b"null", b""):
            self.assertIsNone(parsed_or_none(text))

    def test_what_was_found_to_be_json_is_parsed_once_and_handed_over_once(self) -> None:
        self.assertTrue(parses(b'{"a": [1]}'))
        first, second = parsed_or_none(b'{"a": [1]}'), parsed_or_none(b'{"a": [1]}')
        self.assertEqual((first, second), ({"a": [1]}, {"a": [1]}))
        self.assertIsNot(first["a"], second["a"])  # either may be changed
        self.assertFalse(parses(b"{"))
        self.assertIsNone(parsed_or_none(b"{"))


if __name__ == "__main__":
    unittest.main()
