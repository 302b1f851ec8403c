from __future__ import annotations

import base64
import json
import unicodedata
import unittest
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cassettes_lib.bodies import STYLE_WORDS, body_from_form, body_to_form
from cassettes_lib.jsontext import print_json

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(["<b>", "&", "a/b", "\u2028", "\x7f", "é",
        "😀"]),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=4), children, max_size=4),
    max_leaves=12,
)


def there_and_back(body: bytes) -> Any:
    """Return the form of a body, after showing that it gives the body back, through the text of a file as well."""
    form = body_to_form(body)
    assert body_from_form(form) == body, (form, body)
    read_back = json.loads(print_json(form).encode("utf-8"))
    assert body_from_form(read_back) == body, (read_back, body)
    return form


class ExactnessTest(unittest.TestCase):
    @settings(max_examples=300, deadline=None)
    @given(st.one_of(st.binary(max_size=60), st.text(max_size=40).map(lambda text: text.encode("utf-8",
        "surrogatepass"))))
    @example(b'"\\ud800"')
    @example(b"\xed\xa0\x80")
    def test_every_byte_survives(self, body: bytes) -> None:
        there_and_back(body)

    @settings(max_examples=300, deadline=None)
    @given(
        json_values, st.booleans(), st.sampled_from([None, 0, 1, 2, 3, 4, "\t", " \t"]),
        st.sampled_from([(",", ":"), (", ", ": "), (",", ": "), (" ,", " : ")]), st.sampled_from(["", "\n", "\r\n",
            " "]),
        st.booleans(),
    )
    def test_json_survives_however_it_was_printed(
        self, value: Any, ascii_: bool, indent: Any, separators: tuple[str, str], end: str, slashes: bool
    ) -> None:
        text = json.dumps(value, ensure_ascii=ascii_, indent=indent, separators=separators) + end
        if slashes:
            text = text.replace("/", "\\/")
        there_and_back(text.encode("utf-8", "surrogatepass"))

    @settings(max_examples=100, deadline=None)
    @given(json_values, st.randoms())
    def test_json_with_a_byte_changed_survives(self, value: Any, chance: Any) -> None:
        body = bytearray(json.dumps(value).encode())
        body[chance.randrange(len(body))] = chance.randrange(256)
        there_and_back(bytes(body))


class FormTest(unittest.TestCase):
    """Which form a body takes, where a reader would wonder."""

    def test_the_empty_body_is_absent(self) -> None:
        self.assertIsNone(there_and_back(b""))

    def test_bytes_that_are_not_utf_8_are_base64(self) -> None:
        for body in (b"\xff\xfe", b"\x89PNG\r\n\x1a\n", "é".encode("latin-1"), "a".encode("utf-16"),
            b"\xed\xa0\x80", b"a\x80"):
            self.assertEqual(there_and_back(body), {"base64": base64.b64encode(body).decode()})

    def test_text_is_text_split_at_line_feeds_only(self) -> None:
        for body, text in {
            b"hello": "hello", b"a\rb": "a\rb", b"a\r\nb\r\n": ["a\r", "b\r", ""], b"\n": ["", ""], b"a\n": ["a", ""],
            "a\u2028b\u2029c\x0b\x0c\x85d".encode(): "a\u2028b\u2029c\x0b\x0c\x85d", b"\0": "\0", b"\r": "\r",
            b" ": " ",
            "\ufeff{}".encode(): "\ufeff{}", "\ufeffa\nb".encode(): ["\ufeffa", "b"],
            unicodedata.normalize("NFD", "é").encode(): "e\u0301", "é".encode(): "é", "😀".encode(): "😀",
            b"{'a': 1}": "{'a': 1}", b"not json {": "not json {", b"\\u00e9": "\\u00e9", b"nan": "nan",
        }.items():
            with self.subTest(body):
                self.assertEqual(there_and_back(body), {"text": text})

    def test_json_is_json_in_the_usual_styles(self) -> None:
        for body, form in {
            b'{"a":1}': {"json": {"a": 1}}, b'{"a": 1}': {"json": {"a": 1}, "style": "spaced"},
            b'{"a": 1, "b": [1, 2]}': {"json": {"a": 1, "b": [1, 2]}, "style": "spaced"},
            b'{\n  "a": 1\n}': {"json": {"a": 1}, "style": "indent-2"},
            b'{\n    "a": 1\n}\n': {"json": {"a": 1}, "style": "indent-4 newline"},
            b'{\n\t"a": 1\n}': {"json": {"a": 1}, "style": "tabs"},
            b'{"a":1}\n': {"json": {"a": 1}, "style": "newline"}, b"[1,2]": {"json": [1, 2]},
            b"[1, 2]": {"json": [1, 2], "style": "spaced"}, b'["a", "b"]': {"json": ["a", "b"], "style": "spaced"},
            b"{}": {"json": {}}, b"[]": {"json": []}, b"null": {"json": None}, b"true": {"json": True},
            b"12": {"json": 12}, b'"text"': {"json": "text"}, b"0": {"json": 0},
            b"12345678901234567890123": {"json": 12345678901234567890123}, b"-0.0": {"json": -0.0},
            b"1e+400": {"text": "1e+400"}, b"1e400": {"text": "1e400"}, b"1.10": {"text": "1.10"},
            b"1E5": {"text": "1E5"},
            b"-0": {"text": "-0"}, b"1.0": {"json": 1.0}, b"1e5": {"text": "1e5"}, b"NaN": {"text": "NaN"},
            b"Infinity": {"text": "Infinity"}, b'{"a":1,"a":1}': {"text": '{"a":1,"a":1}'},
            b'{"a":1,"a":2}': {"text": '{"a":1,"a":2}'}, b'{"a" : 1}': {"text": '{"a" : 1}'},
            b' {"a":1}': {"text": ' {"a":1}'}, b'{"a":1}\r\n': {"text": ['{"a":1}\r', ""]},
            '"é"'.encode(): {"json": "é"}, b'"\\u00e9"': {"json": "é", "style": "ascii"},
            b'"\\u00e9ABC"': {"json": "éABC", "style": "ascii"},
            b'"\\u00E9"': {"json": "é", "style": "ascii upper"}, b'"\\ud83d\\ude00"': {"json": "😀", "style": "ascii"},
            b'"\\ud800"': {"json": "\ud800", "style": "ascii"}, b'"\\u003cb\\u003e"': {"json": "<b>",
            "style": "ascii html"},
            b'"\\u003Cb\\u003E"': {"json": "<b>", "style": "ascii html upper"}, b'"a\\/b"': {"json": "a/b",
            "style": "slashes"},
            '"\u2028"'.encode(): {"json": "\u2028"}, b'"\\u2028"': {"json": "\u2028", "style": "ascii"},
            b'"\\n\\t\\"\\\\"': {"json": '\n\t"\\'}, b'"\x7f"': {"json": "\x7f"},
        }.items():
            with self.subTest(body):
                self.assertEqual(there_and_back(body), form)

    def test_what_is_nested_deep_or_long_is_text_or_json_but_always_exact(self) -> None:
        for body in (
            b"[" * 99 + b"]" * 99, b"[" * 101 + b"]" * 101, b"[" * 5000 + b"]" * 5000,
            b'{"a":' * 2000 + b"1" + b"}" * 2000,
            b"9" * 4300, b"9" * 5000, b"[" * 100_000, b'{"a":' * 100_000,
        ):
            there_and_back(body)

    def test_styles_are_found_and_kept_together(self) -> None:
        value = {"<a>": "é/\u2028", "b": [1, {"c": "&"}], "e": [], "f": {}}
        for indent in (None, 1, 2, 4, 7, "\t"):
            for ascii_ in (True, False):
                for html in (True, False):
                    for slashes in (True, False):
                        text = json.dumps(value, indent=indent, ensure_ascii=ascii_)
                        if html:
                            text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
                            text = text.replace("\u2028", "\\u2028")
                        if slashes:
                            text = text.replace("/", "\\/")
                        with self.subTest(text):
                            self.assertIn("json", there_and_back(text.encode()))


class WrongFormTest(unittest.TestCase):
    def test_what_is_no_form_is_a_value_error_that_says_why(self) -> None:
        for form, message in [
            ("text", "not str"), (1, "not int"), ([], "not list"), ({}, "exactly one"), ({"text": "a", "json": 1},
            "exactly one"),
            ({"text": 1}, "string or a list"), ({"text": ["a", 1]}, "string or a list"), ({"text": None},
            "string or a list"),
            ({"text": "\ud800"}, "UTF-8"), ({"base64": 1}, "is a string"), ({"base64": "a"}, "damaged"),
            ({"base64": "é"}, "damaged"), ({"base64": "a b="}, "damaged"), ({"json": 1, "style": 3}, "is a string"),
            ({"json": 1, "style": "fancy"}, "unknown style 'fancy'"), ({"json": float("inf")}, "cannot be printed"),
            ({"json": 1, "style": "indent-x"}, "unknown style"), ({"json": 1, "style": "indent-9999999999"},
            "unknown style"),
        ]:
            with self.subTest(form), self.assertRaisesRegex(ValueError, message):
                body_from_form(form)

    def test_a_style_cannot_blow_up(self) -> None:
        self.assertLess(len(body_from_form({"json": [[1]], "style": "indent-8"})), 100)
        for style in ("indent-999999999", "indent-100000"):
            with self.subTest(style), self.assertRaisesRegex(ValueError, "unknown style"):
                body_from_form({"json": [[1]] * 10, "style": style})

    def test_bytes_stand_for_themselves(self) -> None:
        for body in (b"a", bytearray(b"a"), memoryview(b"a")):
            self.assertEqual(body_from_form(body), b"a")
        self.assertEqual(body_from_form(None), b"")

    def test_the_words_of_styles_are_known(self) -> None:
        for word in STYLE_WORDS:
            self.assertTrue(body_from_form({"json": {"a": [1]}, "style": word}))


if __name__ == "__main__":
    unittest.main()
