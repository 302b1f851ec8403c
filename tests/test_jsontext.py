from __future__ import annotations

import json
import unittest
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cassettes_lib.jsontext import (
    JsonTextError,
    Parsed,
    find_member,
    is_cut_off,
    line_and_column,
    print_json,
    read_json,
)
from tests.test_bodies import json_values


class PrintTest(unittest.TestCase):
    @settings(max_examples=400, deadline=None)
    @given(json_values)
    def test_it_prints_what_the_standard_library_prints(self, value: Any) -> None:
        self.assertEqual(print_json(value), json.dumps(value, indent=2, ensure_ascii=False))

    @settings(max_examples=200, deadline=None)
    @given(json_values)
    def test_what_is_known_to_be_parsed_is_printed_alike(self, value: Any) -> None:
        self.assertEqual(print_json({"a": [Parsed(value)]}, "\n  "), print_json({"a": [value]}, "\n  "))

    def test_what_is_known_to_be_parsed_is_printed_by_the_standard_library_too(self) -> None:
        self.assertEqual(print_json({1: Parsed({"a": 1})}), print_json({1: {"a": 1}}))

    def test_odd_values_are_printed_as_the_standard_library_prints_them(self) -> None:
        class Number(int):
            pass

        class Text(str):
            __slots__ = ()

        for value in (
            {1: 2, "a": {None: [True]}}, (1, (2,), ()), Number(3), [Text("a")], {Text("b"): Number(1)},
            {"a": {1.5: [1, {}]}},
        ):
            self.assertEqual(print_json(value), json.dumps(value, indent=2))

    def test_lone_surrogates_are_escaped_so_that_the_text_is_utf_8(self) -> None:
        text = print_json(["\ud800", "é\udfff", {"\udc00": 1}])
        self.assertEqual(read_json(text.encode("utf-8").decode("utf-8")), ["\ud800", "é\udfff", {"\udc00": 1}])

    def test_it_can_begin_at_any_indentation(self) -> None:
        self.assertEqual(print_json({"a": [1]}, "\n    "), '{\n      "a": [\n        1\n      ]\n    }')

    def test_what_is_nested_beyond_all_measure_is_printed_on_one_line(self) -> None:
        value: Any = 1
        for _ in range(600):
            value = [value]
        self.assertEqual(read_json(print_json(value)), value)

    def test_what_is_not_json_is_refused(self) -> None:
        for value in (float("nan"), [float("inf")], {"a": -float("inf")}):
            with self.assertRaises(ValueError):
                print_json(value)
        for value in ({1, 2}, [object()], {"a": b"b"}, {(1, 2): 3}):
            with self.assertRaises(TypeError):
                print_json(value)


class ReadTest(unittest.TestCase):
    def test_an_error_says_what_and_where(self) -> None:
        for text, reason, position in (
            ("[1, 2", "Expecting ',' delimiter", 5), ('["NaN", NaN]', "NaN is not a JSON value", 8),
            ("[" * 90_000, "nested too deep", 89_999),
            ('["[[", ' + "[" * 90_000 + "]" * 90_000 + "]", "nested too deep", 90_006),
            ("[" * 300_000, "nested too deep", 100_000),
            ('["' + "9" * 5000 + '", ' + "9" * 5000 + "]", "too many digits", 5005),
            ("{}\n<<<<<<< HEAD\n", "merge conflict", 3), ("{\n=======\n}", "merge conflict", 2),
        ):
            with self.subTest(text[:40]), self.assertRaisesRegex(JsonTextError, reason) as caught:
                read_json(text)
            self.assertEqual(caught.exception.position, position)

    def test_what_looks_like_a_conflict_in_valid_json_is_none(self) -> None:
        self.assertEqual(read_json('["<<<<<<< HEAD", "======="]'), ["<<<<<<< HEAD", "======="])

    def test_lines_and_columns_count_from_one(self) -> None:
        self.assertEqual([line_and_column("ab\nc\n", position) for position in range(6)],
                         [(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (3, 1)])


class FindMemberTest(unittest.TestCase):
    TEXT = '{"a": 1, "b" : [ {"c": "x"}, 2,[3 ]], "a": {"d\\u0065": null}}'

    def found(self, *path: str | int) -> tuple[str, int]:
        position, followed = find_member(self.TEXT, path)
        return self.TEXT[position : position + 5], followed

    def test_it_finds_the_value_the_reader_takes(self) -> None:
        self.assertEqual(self.found(), ('{"a":', 0))
        self.assertEqual(self.found("a"), ('{"d\\u', 1), "the last one of that name")
        self.assertEqual(self.found("a", "de"), ("null}", 2))
        self.assertEqual(self.found("b", 0, "c"), ('"x"},', 3))
        self.assertEqual(self.found("b", 2, 0), ("3 ]],", 3))

    def test_it_goes_as_far_as_there_is_something(self) -> None:
        self.assertEqual(self.found("z"), ('{"a":', 0))
        self.assertEqual(self.found("b", 7), ('[ {"c', 1))
        self.assertEqual(self.found("b", "c"), ('[ {"c', 1))
        self.assertEqual(self.found("b", 1, "c"), ("2,[3 ", 2))
        self.assertEqual(find_member("[]", [0]), (0, 0))
        self.assertEqual(find_member("{}", ["a"]), (0, 0))

    def test_a_text_may_be_cut_off(self) -> None:
        for size in range(1, len(self.TEXT)):
            for path in (["a", "de"], ["b", 2, 0], ["b", 9], ["z"]):
                position, followed = find_member(self.TEXT[:size], path)
                self.assertLessEqual(position, size)
                self.assertLessEqual(followed, len(path))


class CutOffTest(unittest.TestCase):
    @settings(max_examples=200, deadline=None)
    @given(st.lists(json_values, max_size=4), st.sampled_from([None, 2]), st.booleans())
    def test_every_beginning_of_a_json_text_is_cut_off_and_the_whole_is_not(
        self, value: Any, indent: Any, ascii_: bool
    ) -> None:
        text = json.dumps(value, indent=indent, ensure_ascii=ascii_)
        for size in range(len(text)):
            self.assertTrue(is_cut_off(text[:size]), text[:size])
        self.assertFalse(is_cut_off(text))
        self.assertFalse(is_cut_off(text + "\n"))

    def test_what_goes_wrong_is_not_cut_off(self) -> None:
        for text in (
            "]", "}", ",", ":", "[,", "[1,]", "[1 2", "{1", "{,", '{"a"}', '{"a",', '{"a": }', '{"a": 1,}', "[01",
            "[1.e",
            "[-a", "[tru ", "[trux", "[nulL", '["\n', '["\\x', '["\\u12g', "[+", "[.5", "[1e5.", "{} x", "[] ]", "['a'",
            "[NaN", "[Infinity", "[\0", "[1]]", "[}", "{]", '{"a": 1 "b"',
        ):
            with self.subTest(text):
                self.assertFalse(is_cut_off(text))

    def test_a_nesting_bomb_is_no_beginning_and_is_not_read_to_its_end(self) -> None:
        self.assertTrue(is_cut_off("[" * 90_000))
        self.assertFalse(is_cut_off("[" * 200_000))

    def test_what_stops_within_a_token_is_cut_off(self) -> None:
        for text in (
            "", " ", "[", "{", '{"', '{"a', '{"a"', '{"a":', '{"a": -', "[1.", "[1e", "[1e+", "[t", "[tru", "[fals",
            "[nul",
            '["\\', '["\\u', '["\\u12', "[1", "[1 ", "[1,", "[[], ", "-", "12", '["a\\"', '["\\\\',
        ):
            with self.subTest(text):
                self.assertTrue(is_cut_off(text))


if __name__ == "__main__":
    unittest.main()
