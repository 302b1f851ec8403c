"""What is remembered of the pieces of JSON texts changes nothing about what is found in them."""

from __future__ import annotations

import json
import unittest
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from cassettes_lib import clean_pieces
from cassettes_lib.clean_pieces import CleanPieces
from cassettes_lib.placeholders import Placeholders
from cassettes_lib.redaction_memory import Memory
from cassettes_lib.redaction_pass import Pass, Scope
from cassettes_lib.redaction_rules import Rules

PIECES = st.sampled_from([
    "id", "Widget 7", "token", "a\\", 'said "no"', ", ", ": x", "caf\u00e9", "x:AA", "FlyV1 x", "a@b.example", "%40",
    "/reset/abc123def456ghi789", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "%73k_live_4eC39HqLyjWDarjtT1zdp7dc",
    "\\nsk_live_4eC39HqLyjWDarjtT1zdp7dc", "-----BEGIN", "AKIAIOSFODNN7EXAMPLE", "\u212aey", "REDACTED-1", "Secret",
    "FlyV2 x", "ya29.a0AfB_byC1d2E3f4G5h6I7j8K9l0", "ya31.a0AfB_byC1d2E3f4G5h6I7j8K9l0", "/bot123456:abcdefgh",
    "dt0c01.ABCDEFGHIJKLMNOPQRSTUVWX.", "dt1c01.ABCDEFGHIJKLMNOPQRSTUVWX.", "1/1234567890123", "3/1234567890123",
    "/2/1/3",
])
VALUES = st.recursive(
    PIECES | st.integers(0, 99),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(PIECES, inner, max_size=6), max_leaves=12,
)
ESCAPED = st.sampled_from([
    ("", ""), ("/", "\\/"), ("s", "\\u0073"), ("/", "\\u002f"), ("@", "\\u0040"), ("1", "\\u0031"),
])
FORMS = st.sampled_from([(",", ":"), (", ", ": "), (" ,", " : ")])


def a_pass(rules: Rules | None = None) -> Pass:
    return Pass(rules or Rules((), (), (), (), (), ()), Memory(Placeholders({}), ()))


def scope_of(text: str, a_pass: Pass) -> Scope:
    before = a_pass.narrowed(text)
    try:
        return a_pass._scope
    finally:
        a_pass.widened(before)


class CleanPiecesTest(unittest.TestCase):
    @given(st.lists(st.tuples(VALUES, FORMS, ESCAPED), min_size=1, max_size=6))
    def test_a_text_holds_the_same_with_and_without_what_was_met_before(
        self, values: list[tuple[Any, tuple[str, str], tuple[str, str]]]
    ) -> None:
        experienced = a_pass()
        for value, separators, escaped in values:
            text = json.dumps(value, separators=separators).replace(*escaped)
            unexperienced = a_pass()
            unexperienced.rules.pieces = None
            for _ in range(2):
                self.assertEqual(scope_of(text, experienced), scope_of(text, unexperienced), text)

    def test_what_was_met_before_is_not_searched_again(self) -> None:
        rules = Rules((), (), (), (), (), ())
        item = {"name": "Widget", "tags": ["a", "b"], "text": "lorem ipsum", "links": ["https://a.example/items/"]}
        scope_of(json.dumps({"id": "1 a", **item}), a_pass(rules))
        with mock.patch.object(rules, "has_stem", wraps=rules.has_stem) as has_stem:
            scope = scope_of(json.dumps({"id": "2 b", **item}), a_pass(rules))
        self.assertFalse(any(scope))
        self.assertEqual(has_stem.call_args[0][0].strip('"{'), 'id": "2 b')

    def test_what_differs_in_digits_only_was_met_before(self) -> None:
        pieces = CleanPieces()
        item = {"id": 1, "at": "2026-11-23T10:40:00Z", "next": "https://a.example/items/17"}
        pieces.add(pieces.others_in(json.dumps(item)) or set())
        item = {"id": 2, "at": "2025-04-09T22:07:13Z", "next": "https://a.example/items/89"}
        self.assertEqual(pieces.others_in(json.dumps(item)), set())

    def test_digits_behind_a_percent_are_told_apart(self) -> None:
        pieces = CleanPieces()
        item: dict[str, Any] = {"name": "caf%20x", "text": "lorem ipsum dolor sit amet, lorem ipsum dolor sit amet"}
        pieces.add(pieces.others_in(json.dumps(item)) or set())
        item["name"] = "caf%40x"
        self.assertIn('{"name": "caf%40x"', pieces.others_in(json.dumps(item)) or ())
        item = {**item, "name": "caf%20x", "id": 7}
        pieces.add(pieces.others_in(json.dumps(item)) or set())
        self.assertEqual(pieces.others_in(json.dumps({**item, "id": 8})), set())

    def test_digits_of_an_escaped_letter_are_told_apart(self) -> None:
        pieces = CleanPieces()
        item = '{"name": "\\u0064k_live", "text": "lorem ipsum dolor sit amet, lorem ipsum dolor sit amet"}'
        pieces.add(pieces.others_in(item) or set())
        self.assertIn('{"name": "\\u0073k_live"', pieces.others_in(item.replace("64", "73")) or ())

    def test_what_holds_something_is_searched_each_time(self) -> None:
        experienced = a_pass()
        text = '{"a": "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "b": [1, 2, 3], "c": "lorem ipsum"}'
        for _ in range(3):
            self.assertTrue(scope_of(text, experienced).shapes)

    def test_names_that_are_no_words_are_looked_for_in_the_whole_text(self) -> None:
        experienced = a_pass(Rules((), (), ["ключ"], (), (), ()))
        self.assertIsNone(experienced.rules.pieces)
        text = '{"ключ": 1, "text": "lorem ipsum dolor sit amet, lorem ipsum dolor sit amet"}'
        for _ in range(2):
            self.assertTrue(scope_of(text, experienced).names)

    def test_not_more_is_remembered_than_there_is_room_for(self) -> None:
        pieces = CleanPieces()
        with mock.patch.object(clean_pieces, "_MOST_CHARACTERS", 100):
            for number in range(50):
                pieces.add({f"piece {number:04}"})
        self.assertLessEqual(sum(map(len, pieces._clean)), 110)

    def test_long_texts_and_short_ones_are_not_cut(self) -> None:
        for text in ("x" * (1 << 17), '"x:AA"'):
            self.assertIsNone(CleanPieces().others_in(text))


if __name__ == "__main__":
    unittest.main()
