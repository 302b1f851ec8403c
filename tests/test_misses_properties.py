"""What holds for the explanation of any miss: it is readable, it raises nothing, and its advice is true."""

from __future__ import annotations

import gzip
import json
import pickle
import random
import unittest
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import example, given
from hypothesis import strategies as st

from cassettes_lib.broker import Broker
from cassettes_lib.circumstances import Circumstances
from cassettes_lib.columns import columns, shortened
from cassettes_lib.differences import unified_diff
from cassettes_lib.errors import InteractionNotFoundError
from cassettes_lib.matching import DEFAULT_MATCH_ON, header, headers, ignoring
from cassettes_lib.misses import explain_miss
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, Interactions
from cassettes_lib.playback import PlaybackIndex
from tests.support import a_request, a_response
from tests.support_matching import Requests, field, match, multipart, posted

TYPES = ["", "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=B", "text/plain"]
BODIES = [
    b"", b'{"a":1}', b'{"a":[1,{"b":2}],"c":"x"}', b'{"a":[1,{"b":3}],"c":"y"}', b"[1,2]", b"[1,3]", b"{",
    b"a=1&b=2", b"a=2&b=2",
    b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--B--', b"\0\1" * 50, b"\0\2" * 50, b"x" * 5_000,
    b"line\n" * 50,
    b'--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n2\r\n--B--', b'"' + b"\\u001b" * 99 + b'"',
    "é\u202e\u2028".encode() * 40, '{"名前": "山田太郎"}'.encode() * 9, ('["' + "山田" * 60 + '"]').encode(),
]  # fmt: skip
URLS = [
    "http://h/", "http://h/a", "http://h/a?b=1", "http://h/a?b=2&c=%22%27%0a", "https://h/a",
    "http://h:81/b?" + "b=1&" * 90, "", "\0",
    "http://h/" + "long/" * 60, "http://other/a?b=1",
]  # fmt: skip
REQUESTS = st.builds(
    lambda method, url, kind, accept, body: a_request(
        method, url, tuple(pair for pair in (("Content-Type", kind), ("Accept", accept)) if pair[1]), body
    ),
    st.sampled_from(["GET", "POST"]), st.sampled_from(URLS), st.sampled_from(TYPES), st.sampled_from(["", "a",
    "\x07" * 90]),
    st.sampled_from(BODIES),
)  # fmt: skip
MATCHES: list[Any] = [
    DEFAULT_MATCH_ON, "body", "raw_body", ("method", "headers", "body"), (header("Accept"), "query", "path"),
    headers(ignore="accept"),
    ignoring(json=["$.a"], query=["c"]), ("url", lambda request: request.body[:1]), ("host", "port", "scheme"),
]  # fmt: skip


FORM = InteractionRequest(
    method="GET", url="http://h/", headers=(("Content-Type", "application/x-www-form-urlencoded"),), body=b"a=1&b=2"
)


DIFFERENCES = st.sampled_from([
    "query", "form", "field", "json", "untyped json", "gzipped json", "json list", "header",
])  # fmt: skip
NAMES = ["ts", "nonce", "a b", "it's", 'say "x"', "é", "a.b", "0", "$ref", "items[]", "x-y", "\\\\"]
VALUES = ["", "1", "2", "x y", "é", "true", "AbcD1234efgh", "2024-01-01T00:00:00Z", '"', "\u2028", "Zq81-Kx27-Pw93"]


def single_difference(kind: str, draw: random.Random) -> tuple[InteractionRequest, InteractionRequest]:
    """Return two requests that differ in one place: a value that is another one, or missing."""
    name = draw.choice(NAMES)
    old, new = draw.sample(VALUES, 2)
    one, other = {"keep": "yes", name: old}, {name: new, "keep": "yes"}
    if draw.random() < 0.2:
        del other[name]
    if kind == "query":
        return tuple(a_request(url=f"http://h/a?{urlencode(each)}") for each in (one, other))  # type: ignore[return-value]
    if kind == "header":
        name = draw.choice(["X-Request-Id", "Date", "User-Agent", "Accept"])
        old, new = draw.sample(["1", "2", "x y"], 2)
        return a_request(headers=((name, old), ("A", "b"))), a_request(headers=(("A", "b"), (name, new)))
    if kind == "form":
        return tuple(posted(urlencode(each), TYPES[2]) for each in (one, other))  # type: ignore[return-value]
    if kind == "field":
        bodies = [multipart(*(field(quote(key), value) for key, value in sorted(each.items())), boundary=boundary)
                  for each, boundary in ((one, "one"), (other, "two"))]
        return bodies[0], bodies[1]
    values: list[Any] = [one, other]
    if kind == "json list":
        values = [{"items": [each, {"id": 1}], "keep": [1, 2.5, None, True]} for each in values]
    texts = [json.dumps({"at": {"any": value}, "n": 1}) for value in values]
    if kind == "untyped json":
        return posted(texts[0]), posted(texts[1])
    if kind == "gzipped json":
        return tuple(posted(gzip.compress(each.encode()), TYPES[1], Content_Encoding="gzip") for each in texts)  # type: ignore[return-value]
    return posted(texts[0], TYPES[1]), posted(texts[1], TYPES[1])


class MissesPropertiesTest(unittest.TestCase):
    @example(FORM, [FORM.model_copy(update={"body": "é\u202e".encode() * 40})], DEFAULT_MATCH_ON, 0)
    @given(REQUESTS, st.lists(REQUESTS, max_size=5), st.sampled_from(MATCHES), st.integers(0, 2))
    def test_any_miss_is_explained_in_sixty_lines_of_eighty_columns_and_its_advice_is_true(
        self, asked: InteractionRequest, recorded: list[InteractionRequest], match_on: Any, times: int
    ) -> None:
        index = PlaybackIndex(Requests(recorded), match_on)
        for request in recorded[:times]:
            index.take(request)
        while index.take(asked) is not None:
            pass
        error = explain_miss(asked, index, Circumstances("cassettes/a.json", test_id="tests.test_a.T.test_b"))
        text = str(error)
        lines = text.split("\n")
        self.assertLessEqual(len(lines), 60, text)
        self.assertLessEqual(max(map(columns, lines)), 80, text)
        self.assertEqual([line for line in lines if not line.isprintable()], [])
        self.assertIn(f"\nreason:   {error.reason}", text)
        self.assertEqual(str(pickle.loads(pickle.dumps(error))), text)
        for near in error.nearest:
            self.assertIs(recorded[near.position], near.request)
            self.assertEqual(not near.differs, match(asked, near.request, match_on))
        _, found, advice = text.partition("if the difference does not matter:\n")
        if found:
            relaxed = eval(f"dict({advice.strip()})", {"ignoring": ignoring, "header": header})["match_on"]
            self.assertTrue(any(match(asked, near.request, relaxed) for near in error.nearest if not near.played))

    @given(DIFFERENCES, st.integers(0, 2**32))
    def test_what_is_suggested_for_a_single_difference_makes_it_pass(self, kind: str, seed: int) -> None:
        recorded, asked = single_difference(kind, random.Random(seed))
        cassette = Cassette(interactions=Interactions([Interaction(request=recorded, response=a_response())]))
        match_on = ("method", "url", "headers", "body") if kind == "header" else DEFAULT_MATCH_ON
        with self.assertRaises(InteractionNotFoundError) as caught:
            Broker(cassette, match_on=match_on).respond(asked)
        _, found, advice = str(caught.exception).partition("if the difference does not matter:\n")
        self.assertTrue(found, str(caught.exception))
        relaxed = eval(f"dict({advice.strip()})", {"ignoring": ignoring})["match_on"]
        broker = Broker(cassette, match_on=relaxed)
        broker.respond(asked)
        self.assertTrue(broker.all_played)

    @given(st.lists(st.sampled_from("abc"), max_size=20), st.lists(st.sampled_from("abc"), max_size=20))
    def test_a_diff_turns_the_one_document_into_the_other(self, one: list[str], other: list[str]) -> None:
        lines = unified_diff(one, other)
        self.assertEqual(bool(lines), one != other)
        rebuilt, at = [], 0
        for line in lines:
            if line.startswith("@@"):
                span = line.split()[1][1:].split(",")
                start = int(span[0]) - (1 if span[1:] != ["0"] else 0)
                rebuilt += one[at:start]
                at = start
            elif line[0] == "+":
                rebuilt.append(line[1:])
            else:
                self.assertEqual(one[at], line[1:])
                at += 1
                rebuilt += [line[1:]] if line[0] == " " else []
        self.assertEqual(rebuilt + one[at:], other)

    @given(st.text(max_size=300), st.integers(0, 300), st.integers(40, 90))
    def test_a_shortened_line_fits_and_is_printable(self, line: str, around: int, width: int) -> None:
        short = shortened(line, min(around, len(line)), width)
        self.assertLessEqual(columns(short), width)
        self.assertTrue(short.isprintable())
        if columns(line) <= width and line.isprintable():
            self.assertEqual(short, line)


if __name__ == "__main__":
    unittest.main()
