"""What is told by one look to hold nothing is what a pass would leave as it is, and its gate would let go."""

from __future__ import annotations

import json
import os
import unittest
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from cassettes_lib import Redactor
from cassettes_lib.models import BrokenBody, Interaction, InteractionRequest, InteractionResponse
from cassettes_lib.placeholders import Placeholders
from cassettes_lib.redaction_memory import Memory
from cassettes_lib.redaction_rules import Rules
from cassettes_lib.redaction_screen import Screen
from tests.secrets_more import MORE_PLANTED
from tests.secrets_table import INNOCENT_HEADERS, INNOCENT_URLS, PLANTED, S, answered, b64, exchange, posted

JSON = (("Content-Type", "application/json"),)
TEXTS = st.sampled_from([
    "id", "Widget 7", "token", "key", "author", "a\\", 'said "no"', ", ", ": x", "caf\u00e9", "x:AA",
    "a@b.example", "%40",
    "/reset/abc123def456ghi789", "/token/abc123def456ghi789?", "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "\u212aey", "\0",
    "%73k_live_4eC39HqLyjWDarjtT1zdp7dc", "\\nsk_live_4eC39HqLyjWDarjtT1zdp7dc", "-----BEGIN", "REDACTED-1",
    "Secret", "-u",
    "curl -u joe:swordfish7", "password: hunter22", "is ", "FlyV1 x", "https://h.example/", "code=a1b2c3d4e5f6",
    "&state=abcdefgh", "Bearer abcDEF123456", "eyJhbGciOiJIUzI1NiJ9", ".e30.abc", "QUJDsecretDEF", "=",
    "&", "?", "/", "\n", "ya29.a0AfB_byC1d2E3f4G5h6I7j8K9l0M1n2", "ya31.a0AfB_byC1d2E3f4G5h6I7j8K9l0M1n2", "FlyV2 x",
    "1/1234567890123", "3/1234567890123", "/token/def789ghi456abc123?",
    "/services/T12345678/B12345678/x1", "2", "3",
    "%41",
])  # fmt: skip
STRINGS = st.lists(TEXTS, max_size=3).map("".join)
VALUES = st.recursive(
    STRINGS | st.integers(0, 99) | st.none(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STRINGS, inner, max_size=4), max_leaves=10,
)
NAMES = st.sampled_from([
    "ETag", "X-Request-Id", "X-Api-Key", "Location", "Link", "Refresh", "Set-Cookie", "X-Curl", "Via",
])  # fmt: skip
TYPES = st.sampled_from([
    "application/json", "application/problem+json; charset=utf-8", "application/json; charset=utf-16", "text/plain", "",
    "application/grpc+json", "multipart/json; boundary=x",
])  # fmt: skip


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    separators = draw(st.sampled_from([(",", ":"), (", ", ": ")]))
    text = json.dumps(draw(VALUES), separators=separators, ensure_ascii=draw(st.booleans()))
    text = text.replace("/", "\\/") if draw(st.booleans()) else text
    escaped = draw(st.sampled_from(("", "", "s", "/", "@", "e")))
    text = text.replace(escaped, f"\\u{ord(escaped):04x}") if escaped else text
    return text.encode()[: draw(st.sampled_from((None, None, None, 9)))]


@st.composite
def interactions(draw: st.DrawFn) -> Interaction:
    def headers() -> tuple[tuple[str, str], ...]:
        more = draw(st.lists(st.tuples(NAMES, STRINGS.map(lambda text: text.replace("\n", "").replace("\0", "")))))
        return (("Content-Type", draw(TYPES)), *more)

    url = f"https://api.example.com/{draw(STRINGS)}"
    return Interaction(
        request=InteractionRequest(method="POST", url=url, headers=headers(), body=draw(bodies())),
        response=InteractionResponse(status=200, reason=draw(STRINGS), headers=headers(), body=draw(bodies())),
    )


def rules(**options: Any) -> Rules:
    return Rules(**{**dict.fromkeys(("headers", "query", "fields", "patterns", "values", "keep"), ()), **options})


def memory() -> Memory:
    return Memory(Placeholders({}), ())


def lets_through(interaction: Interaction, **options: Any) -> bool:
    return Screen(rules(**options), memory()).lets_through(interaction)


class ScreenTest(unittest.TestCase):
    def setUp(self) -> None:
        self.enterContext(mock.patch.dict(os.environ, clear=True))

    @given(st.lists(interactions(), min_size=1, max_size=4), st.sampled_from(((), ("Widget 7",), ("a", "\u00e9"))))
    def test_what_gets_through_is_what_a_pass_and_its_gate_leave_as_it_is(
        self, several: list[Interaction], values: tuple[str, ...]
    ) -> None:
        with mock.patch.dict(os.environ, clear=True):
            known = Memory(Placeholders({}), values)
            screen = Screen(rules(), known)
            for interaction in several:
                if not screen.lets_through(interaction):
                    continue
                walked = Redactor(values=values).start()
                with mock.patch.object(Screen, "lets_through", return_value=False):
                    self.assertIs(walked.interaction(interaction), interaction)
                self.assertEqual(walked.summary(), ())
                self.assertEqual(walked.taints, len(values))
                self.assertLessEqual(walked._memory._host_words, known._host_words)

    def test_no_secret_gets_through_wherever_it_stands(self) -> None:
        for planted in (*PLANTED, *MORE_PLANTED):
            with self.subTest(planted.kind):
                self.assertFalse(lets_through(planted.interaction))

    def test_no_secret_gets_through_behind_an_escape_or_in_a_command(self) -> None:
        for planted in (
            exchange(headers=(("X-Curl", "curl -u joe:swordfish7"),)), answered(f'{{"a": "%73k_live_{S}{S}"}}'),
            exchange(f"https://h.example/x?q=%73k_live_{S}{S}"),
            answered('{"a": "https:\\/\\/h.example\\/reset\\/' + S + '"}'),
            answered(f'{{"a": "\\u0073k_live_{S}{S}"}}'), answered(f'{{"\\u0070assword": "{S}"}}'),
            answered(f'{{"a": "http://joe:{S}\\u0040h.example/"}}'),
            answered(f'{{"a": "https:\\u002F\\u002fh.example\\u002Freset\\u002f{S}"}}'),
            answered(json.dumps({"a": f"\u201csk_live_{S}{S}\u201d"})), answered(f'{{"a": "x\\u000ask_live_{S}{S}"}}'),
            answered(json.dumps({"a": "b" * 80, "c": f'{{"p\\u0061ssword": "{S}"}}'})),
            answered(json.dumps({"a": f'{{"b": "https:\\/\\/h.example\\/reset\\/{S}"}}'})),
        ):  # fmt: skip
            self.assertIsNot(Redactor().start().interaction(planted), planted)
            self.assertFalse(lets_through(planted), planted)

    def test_no_secret_gets_through_where_all_around_it_was_met_before(self) -> None:
        shared = rules()
        for name, value in (("password", S), ("note", f"sk_live_{S}{S}"), ("url", f"https://h.example/reset/{S}")):
            with self.subTest(name):
                screen = Screen(shared, memory())
                innocent = {"id": 1, "text": "lorem ipsum dolor sit amet", name: "", "list": ["a", "b"], "to": "Widget"}
                if name != "password":
                    self.assertTrue(screen.lets_through(answered(json.dumps(innocent))))
                self.assertFalse(screen.lets_through(answered(json.dumps({**innocent, name: value}))))

    def test_ordinary_interactions_get_through(self) -> None:
        text = json.dumps({"id": 7, "names": ["Widget"] * 20, "next": "https://api.example.com/items/8"})
        for interaction in (
            exchange("https://api.example.com/items/7?page=2&per_page=50", headers=(("Accept", "*/*"),)),
            exchange(response_headers=(("ETag", '"item-7"'), ("Location", "/items/8"), ("X-Empty", ""))),
            answered(text), answered("[]"), posted(text), posted(text, "application/problem+json; charset=utf-8"),
        ):
            self.assertTrue(lets_through(interaction), interaction)

    def test_what_differs_in_digits_only_is_not_looked_at_again(self) -> None:
        screen = Screen(rules(), memory())
        for number in (1, 2):
            look = mock.patch("cassettes_lib.redaction_screen.search_for_shape", return_value=False)
            with look as looked:
                self.assertTrue(screen.lets_through(exchange(
                    f"https://api.example.com/items/{number}", headers=(("X-Page", f"page {number}"),),
                    response_headers=(*JSON, ("ETag", f'"item-{number}"')),
                    response_body=f'{{"id": {number}}}'.encode(),
                )))
            self.assertEqual(looked.called, number == 1)

    def test_what_only_a_pass_can_tell_does_not_get_through(self) -> None:
        plain, response = exchange(), exchange().response
        assert response is not None
        broken = BrokenBody(error="E", message="")
        request_with_more = InteractionRequest.model_validate({**dict(plain.request), "note": "x"})
        response_with_more = InteractionResponse.model_validate({**dict(response), "note": "x"})
        body = json.dumps({"id": "x" * 70_000})
        for interaction in (
            plain.model_copy(update={"response": response.model_copy(update={"wire_body": True})}),
            plain.model_copy(update={"response": response.model_copy(update={"broken": broken})}),
            plain.model_copy(update={"response": response.model_copy(update={"retried": (1,)})}),
            Interaction.model_validate({**dict(plain), "note": "x"}),
            plain.model_copy(update={"request": request_with_more}),
            plain.model_copy(update={"response": response_with_more}),
            posted("{}", "application/json", ("Content-Encoding", "gzip")),
            answered(body), answered("{"), answered("a=b"), answered("{}", "text/plain"),
            answered('{"a": "REDACTED-1"}'),
        ):
            self.assertFalse(lets_through(interaction), interaction)
        for options in ({"keep": ["a"]}, {"patterns": ["a+b"]}, {"fields": ["$.a"]}, {"fields": ["a b"]}):
            self.assertFalse(lets_through(answered('{"a b": 1}'), **options), options)

    def test_a_known_value_gets_through_nowhere(self) -> None:
        screen = Screen(rules(), Memory(Placeholders({"<KEY>": "a-key-7"}), (S,)))
        self.assertTrue(screen.lets_through(exchange(headers=(("X-A", "1"),))))
        for value in (S, b64(f"x{S}"), "".join(f"%{ord(each):x}" for each in S), "a-key-7", "<KEY>"):
            for each in (
                exchange(f"https://api.example.com/x/{value}"), exchange(headers=(("X-A", value),)),
                answered(f'["{value}"]'), posted(f'{{"a": "{value}"}}'),
                exchange(response_headers=(("X-A", "1"), ("X-B", f"<{value}>"))),
            ):
                self.assertFalse(screen.lets_through(each), each)

    def test_a_value_that_became_known_is_found_in_what_was_met_before(self) -> None:
        known = memory()
        screen = Screen(rules(), known)
        asked = exchange(headers=(("X-A", "Widget77Widget"),))
        self.assertTrue(screen.lets_through(asked))
        known.taint("Widget77Widget")
        self.assertFalse(screen.lets_through(asked))

    def test_names_that_were_added_are_found(self) -> None:
        self.assertTrue(lets_through(answered('{"badge": "x1"}', "application/json", ("X-Badge", "x1"))))
        self.assertFalse(lets_through(answered('{"badge": "x1"}'), fields=["badge"]))
        self.assertFalse(lets_through(exchange(headers=(("X-Badge", "x1"),)), headers=["x-badge"]))
        self.assertFalse(lets_through(exchange("https://api.example.com/?badge=x1"), query=["badge"]))
        for name, written in (
            ("*2024*", "x2024y"), ("*123*", "x123y"), ("123*", "123x"), ("12-34", "12_34"), ("1-2", "12"),
            ("ab1234", "a_b_1234"), ("mfa-1234567", "m-fa1234567"), ("[xy]*12345", "x12345"),
        ):
            self.assertFalse(lets_through(answered(f'{{"{written}": "{S}"}}'), fields=[name]), name)
            self.assertFalse(lets_through(exchange(f"https://api.example.com/?{written}={S}"), query=[name]), name)

    def test_innocent_headers_and_urls_are_mostly_told_at_once(self) -> None:
        through = [lets_through(exchange(url)) for url in INNOCENT_URLS]
        through += [lets_through(exchange(headers=(header,))) for header in INNOCENT_HEADERS]
        self.assertGreater(sum(through), len(through) / 2)

    def test_each_of_many_names_of_headers_is_remembered_for_a_while(self) -> None:
        screen = Screen(rules(), memory())
        for number in range(9_000):
            self.assertTrue(screen.lets_through(exchange(headers=((f"X-{number}", ""),))))
        self.assertLess(len(screen._innocent), 5_000)


if __name__ == "__main__":
    unittest.main()
