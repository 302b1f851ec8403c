"""Interactions that are not read yet: their request alone, and what the text of their body rules out."""

from __future__ import annotations

import copy
import json
import pickle
import random
import unittest
from collections.abc import Callable
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from cassettes_lib.fileformat import parse_cassette, print_cassette
from cassettes_lib.matching import DEFAULT_MATCH_ON, ignoring, resolve_matchers
from cassettes_lib.matching_bodies import body_key
from cassettes_lib.matching_texts import rules_out
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, Interactions
from tests.support import a_request, a_response
from tests.support_matching import field, json_posted, multipart, posted
from tests.test_matching_properties import JSON, SEEDS, changed, written_json

HEADERS = st.sampled_from([(), (("Content-Type", "application/json"),), (("X-A", "1"), ("X-A", "2"), ("X-B", "\xe9"))])
ODD_BODIES = (b"", b'{"request":{}}', b"[1,\n2]", b"a\nb", b'{"a": 1.50}')
BODIES = st.one_of(st.binary(max_size=8), st.sampled_from(ODD_BODIES))


BODIES_OF_ALL_KINDS = [
    posted(body, kind)
    for body in (
        b"", "ab=12&a=xy", "a=xy&ab=1%32", "ab=+12", '{"ab": 12, "a": "xy"}', '{"a":"x\\u0079","ab":1.2e1}', "12 ab xy",
        "ab\r\nxy", '["ab","xy"]', '[ "ab", "xy"]', '"ab\\/xy"', '{"b": 1.25, "xy": ["ab"]}',
        '"\u20acab"'.encode("utf-16"),
        multipart(field("ab", "xy")).body, multipart(field("a", "xy 12")).body, b"\xff\x00ab", '"+AGE-b"', "\ufeff[12]",
    )
    for kind in (
        "", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=B", "text/plain",
        "application/json; charset=utf-16", "application/json; charset=utf-7", "text/xml; charset=UTF-8",
    )
]  # fmt: skip


def text_of(*requests: InteractionRequest) -> str:
    recorded = [Interaction(request=request, response=a_response(b'{"request": {}}')) for request in requests]
    return print_cassette(Cassette(interactions=Interactions(recorded)))


def body_text_of(request: InteractionRequest, edited: Callable[[str], str] = str) -> bytes | None:
    return parse_cassette(edited(text_of(request)), "cassette.json").interactions.body_text_at(0)


class RequestAloneTest(unittest.TestCase):
    @given(st.sampled_from(["GET", "POST"]), HEADERS, BODIES)
    def test_it_is_the_request_of_the_whole(self, method: str, headers: Any, body: bytes) -> None:
        request = a_request(method, headers=headers, body=body)
        interactions = parse_cassette(text_of(a_request(), request), "cassette.json").interactions
        self.assertEqual(interactions.request_at(1), request)
        self.assertEqual(interactions[1].request, request)
        self.assertEqual(interactions.request_at(1), request)

    def test_it_is_that_in_texts_edited_by_hand(self) -> None:
        request = json_posted({"request": {"method": "GET", "url": "x"}, "a": [1]})
        text = text_of(request)
        whole = json.loads(text)
        entry = whole["interactions"][0]
        swapped = {"response": entry["response"], "request": entry["request"]}
        indent = json.dumps({"format": 1, "interactions": [swapped, swapped]}, indent=2) + "\n"
        start = '      "request": {'
        doubled = text.replace(f"\n{start}", f'\n{start}\n        "method": "PUT"\n      }},\n{start}')
        for edited in (indent, doubled, json.dumps(whole), text.replace(f"\n{start}", '\n      "request":{')):
            with self.subTest(edited[:200]):
                interactions = parse_cassette(edited, "cassette.json").interactions
                self.assertEqual(interactions.request_at(0), request)
                self.assertEqual(interactions[0].request, request)


class CopyTest(unittest.TestCase):
    def test_a_copy_knows_the_same(self) -> None:
        requests = [json_posted({"a": 1}), posted(b"\xff\xfe", "application/json"), a_request()]
        cassette = parse_cassette(text_of(*requests), "cassette.json")
        texts = [cassette.interactions.body_text_at(position) for position in range(3)]
        self.assertEqual([text is None for text in texts], [False, True, False])
        for other in (copy.deepcopy(cassette), pickle.loads(pickle.dumps(cassette))):
            self.assertEqual([other.interactions.body_text_at(position) for position in range(3)], texts)
            self.assertEqual([other.interactions.request_at(position) for position in range(3)], requests)


class RuledOutTest(unittest.TestCase):
    def assertRuledOut(self, expected: bool, recorded: InteractionRequest, asked: InteractionRequest) -> None:
        tell, text = rules_out(asked), body_text_of(recorded)
        self.assertEqual(bool(tell and text is not None and tell(text)), expected)

    def test_another_text_or_another_whole_number_is_ruled_out(self) -> None:
        for recorded, asked in (
            ({"name": "pen"}, {"name": "ink"}),
            ({"name": "pen"}, {"title": "pen"}),
            ({"id": 1001, "name": "pen"}, {"id": 1002, "name": "pen"}),
            ([{"a": {"b": ["x1"]}}], [{"a": {"b": ["x1", "x2"]}}]),
        ):
            with self.subTest(asked):
                self.assertRuledOut(True, json_posted(recorded), json_posted(asked))

    def test_what_may_be_spelt_in_another_way_is_not(self) -> None:
        for recorded, asked in (
            (posted('{"n": 1e3}', "application/json"), json_posted({"n": 1000})),
            (posted('{"n": 1000.0}', "application/json"), json_posted({"n": 1000})),
            (posted('{"n": "\\u0070en"}', "application/json"), json_posted({"n": "pen"})),
            (posted('{"n": "pen"}'.encode("utf-16"), "application/json"), json_posted({"n": "pen"})),
            (posted(b'{"n": "+AHA-en"}', "application/json; charset=utf-7"), json_posted({"n": "pen"})),
        ):
            with self.subTest(recorded.body):
                self.assertEqual(body_key(recorded), body_key(asked))
                self.assertRuledOut(False, recorded, asked)

    def test_other_bodies_are_ruled_out_by_their_words(self) -> None:
        form = "application/x-www-form-urlencoded"
        for recorded, asked, expected in (
            (posted("a=pen&b=1", form), posted("a=ink&b=1", form), True),
            (posted("a=p%65n&b=1", form), posted("a=pen&b=1", form), False),
            (posted("a=the+pen", form), posted("a=the%20pen", form), False),
            (posted("<pen>1</pen>", "text/xml"), posted("<ink>1</ink>", "text/xml"), True),
            (posted("one\ntwo", "text/plain"), posted("one\ntwo", "text/plain"), False),
            (posted('{"a":1.25,"b":[1,25]}'), posted('{"a":1.25,"b":[1,25]}'), False),
            (posted('{"a":"\\u00e9\\n"}'), posted('{"a":"\\u00e9\\n"}'), False),
            (multipart(field("a", "pen")), multipart(field("a", "ink"), boundary="C"), True),
            (multipart(field("a", "pen \\ ink\r\n")), multipart(field("a", "pen \\ ink\r\n"), boundary="C"), False),
        ):
            with self.subTest(asked.body, recorded=recorded.body):
                self.assertRuledOut(expected, recorded, asked)
        self.assertIsNone(rules_out(a_request("POST")))

    def test_escapes_made_by_hand_are_no_obstacle(self) -> None:
        text = body_text_of(json_posted({"name": "pencil"}), lambda each: each.replace("pencil", "p\\u0065ncil"))
        tell = rules_out(json_posted({"name": "pencil"}))
        assert tell
        assert text is not None
        self.assertFalse(tell(text))

    @given(st.sampled_from(BODIES_OF_ALL_KINDS), st.sampled_from(BODIES_OF_ALL_KINDS))
    def test_no_body_is_ruled_out_by_itself(self, one: InteractionRequest, other: InteractionRequest) -> None:
        for match_on in (DEFAULT_MATCH_ON, ignoring(json=["a", "..b"], form=["a"])):
            for read in (False, True):
                interactions = parse_cassette(text_of(other), "cassette.json").interactions
                if read:
                    interactions[0]
                body = resolve_matchers(match_on)[2]
                text = interactions.body_text_at(0)
                tell = body.rules_out and body.rules_out(one, lambda text: False)
                if tell and text is not None and tell(text):
                    self.assertNotEqual(body(one), body(other))

    @given(JSON, SEEDS)
    @example({"a": 10**16}, 0)
    @example([10, "ab"], 1)
    def test_what_is_equal_is_never_ruled_out(self, value: Any, seed: int) -> None:
        draw = random.Random(seed)
        more = draw.choice([10, 1e22, 2**53, 2**60, -11, 12.0, "ab c"])
        value = {"some": value, "changed": changed(value, draw), "more": more}
        coding = draw.choice(["utf-8", "utf-8", "utf-16", "utf-8-sig"])
        one, other = (
            posted(written_json(each, draw).encode(coding, "surrogatepass"), "application/json")
            for each in (value, draw.choice([value, changed(value, draw)]))
        )
        tell, text = rules_out(one), body_text_of(other)
        if tell and text is not None and tell(text):
            self.assertNotEqual(body_key(one), body_key(other))


if __name__ == "__main__":
    unittest.main()
