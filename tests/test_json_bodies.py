"""JSON bodies are delivered by their text in the file, byte for byte what parsing and printing them would give."""

from __future__ import annotations

import json
import unittest
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from cassettes_lib import json_bodies
from cassettes_lib.bodies import body_to_form
from cassettes_lib.errors import CassetteFormatError
from cassettes_lib.fileformat import interaction_to_entry, parse_cassette, print_cassette
from cassettes_lib.json_bodies import body_of_text, cut_out_json
from cassettes_lib.jsontext import Parsed, print_json
from cassettes_lib.models import Cassette, Interaction, Interactions
from tests.support import a_request, a_response

TEXTS = st.text(st.sampled_from('a ,:"{}[]\\\n\té\u2028/0') | st.characters(codec="utf-8"), max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4), max_leaves=12
)
SEPARATORS = st.sampled_from([(",", ":"), (", ", ": ")])


def cassette_of(*bodies: bytes) -> Cassette:
    return Cassette(interactions=Interactions([
        Interaction(request=a_request(body=body), response=a_response(body)) for body in bodies
    ]))


class TextTest(unittest.TestCase):
    @given(VALUES, SEPARATORS, st.booleans(), st.sampled_from(["", "\n"]))
    def test_what_was_written_gives_the_same_bytes(
        self, value: Any, separators: tuple[str, str], ascii_only: bool, end: str
    ) -> None:
        body = (json.dumps(value, separators=separators, ensure_ascii=ascii_only) + end).encode()
        form = body_to_form(body)
        assert form is not None
        if "json" in form:
            text = print_json(Parsed(form["json"]), "\n          ").encode()
            self.assertIn(body_of_text(text, form.get("style", "")), (body, None))

    def test_the_usual_texts_need_no_parser(self) -> None:
        item = {"id": 1, "url": "https://a.example/x?a=1,2", "at": "10:40:00", "tags": ["a, b", ""]}
        value = {"items": [item], "n": {}}
        for separators in ((",", ":"), (", ", ": ")):
            body = json.dumps(value, separators=separators).encode()
            form = body_to_form(body)
            assert form is not None
            with self.subTest(separators=separators):
                text = print_json(form["json"], "\n          ").encode()
                self.assertEqual(body_of_text(text, form.get("style", "")), body)

    def test_a_text_that_begins_like_the_end_of_a_name_is_left_to_the_parser(self) -> None:
        for value in ([": a"], [1, ": a"], {"a": ": a"}, {": a": 1}, {'": ': 1}, ['a": b'], {"a": {": a": 1}}):
            with self.subTest(value=value):
                self.assertIsNone(body_of_text(print_json(value).encode(), ""))

    @given(VALUES, st.sampled_from(["", "spaced", "ascii", "spaced ascii newline"]), st.integers(0, 4), st.data())
    def test_what_was_edited_keeps_its_value(self, value: Any, style: str, indent: int, data: st.DataObject) -> None:
        separators = data.draw(st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : "), (" ,\t", ":\r")]))
        text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=data.draw(st.booleans()))
        body = body_of_text(text.encode(), style)
        if body is not None:
            self.assertEqual(json.loads(body), value)


class CassetteTest(unittest.TestCase):
    def test_bodies_are_neither_parsed_nor_printed_when_they_are_played(self) -> None:
        bodies = [json.dumps({"a": [1, "e"], "b": None}).encode(), b'[{"a":1.5,"b":"x: y"}]', b'{"u":"\xc3\xa9"}\n']
        read = parse_cassette(print_cassette(cassette_of(*bodies)), "x.json")
        with mock.patch.object(json_bodies, "read_json_bytes", side_effect=AssertionError):
            for interaction, body in zip(read.interactions, bodies, strict=True):
                assert interaction.response is not None
                self.assertEqual((interaction.request.body, interaction.response.body), (body, body))

    def test_a_body_whose_style_is_rare_is_exact_as_well(self) -> None:
        bodies = [
            b'{"a":"\\u00e9\\u007f"}', b'{"a": "\\u007f"}', b'{\n  "a": [\n    1\n  ]\n}', b'{"a":"\\/"}',
            b'{"a":"\\u003cb\\u003e"}',
        ]
        read = parse_cassette(print_cassette(cassette_of(*bodies)), "x.json")
        self.assertEqual([each.response and each.response.body for each in read.interactions], bodies)

    def edited(self, old: str, new: str, body: bytes = b'{"a":1,"b":[2]}') -> Interaction:
        text = print_cassette(cassette_of(body))
        self.assertIn(old, text)
        return parse_cassette(text.replace(old, new), "x.json").interactions[0]

    def test_what_was_edited_within_a_body_is_delivered(self) -> None:
        for old, new, body in (
            ('"a": 1', '"a": 1.50', b'{"a":1.50,"b":[2]}'),
            ('"a": 1', '"a": {\n          }', b'{"a":{},"b":[2]}'),
            ('"a": 1', '"a": [\n          ]', b'{"a":[],"b":[2]}'),
            ('{\n            "a": 1', '{ "a": 1', b'{"a":1,"b":[2]}'),
            ('"a": 1', '"a": 730196084251930501', b'{"a":730196084251930501,"b":[2]}'),
        ):
            with self.subTest(new=new):
                interaction = self.edited(old, new)
                assert interaction.response is not None
                self.assertEqual(json.loads(interaction.response.body), json.loads(body))
                self.assertEqual(json.loads(interaction.request.body), json.loads(body))

    def test_an_unknown_member_that_looks_like_a_body_is_none(self) -> None:
        fake = '"x": {\n        "body": {\n          "json": {\n            "a": 9\n          }\n        }\n      }'
        for place in ('"request": {', '"response": {'):
            with self.subTest(place=place):
                interaction = self.edited(place, f"{fake},\n      {place}")
                assert interaction.response is not None
                self.assertEqual(interaction.response.body, b'{"a":1,"b":[2]}')
                self.assertEqual(interaction_to_entry(interaction)["x"], {"body": {"json": {"a": 9}}})

    def test_the_word_for_what_was_cut_out_means_nothing_in_a_file(self) -> None:
        word = 730196084251930501
        bodies = [b"%d" % word, b'{"json":{"json":%d}}' % word]
        read = parse_cassette(print_cassette(cassette_of(*bodies)), "x.json")
        self.assertEqual([each.request.body for each in read.interactions], bodies)

    def test_what_is_not_json_within_a_body_is_damage(self) -> None:
        for new in ('"a": 1,,', '"a": tru', '"a" 1', '"a": NaN'):
            with self.subTest(new=new), self.assertRaises(CassetteFormatError) as caught:
                self.edited('"a": 1', new)
            self.assertIsNotNone(caught.exception.line)

    def test_a_text_that_is_not_as_expected_is_not_cut(self) -> None:
        for text in (
            b"", b"{}", b'\n        "body": {\n          "json": {\n  "a": 1', b'{"body": {"json": {"a": 1}}}',
        ):
            with self.subTest(text=text):
                self.assertEqual(cut_out_json(text), (text, []))


if __name__ == "__main__":
    unittest.main()
