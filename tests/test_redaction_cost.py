"""What redaction costs, counted in calls of functions and never by a clock; and texts made to be searched for ever."""

from __future__ import annotations

import json
import sys
import unittest
from collections.abc import Callable
from typing import Any

from cassettes_lib.models import Interaction
from cassettes_lib.redaction import Redactor
from tests.secrets_table import S, answered, asked_with, exchange

FORM = "application/x-www-form-urlencoded"
HEADERS = (
    ("User-Agent", "python-requests/2.32.3"), ("Accept-Encoding", "gzip, deflate"), ("Accept", "*/*"),
    ("Connection", "keep-alive"),
)  # fmt: skip
# Were searching one of these quadratic, a megabyte of it would take hours.
TRAPS = {
    "no spaces": "x", "equals": "=", "beginnings of JWTs": "eyJ", "dots": "eyJ.", "JWTs": "eyJabcdefgh.", "colons": ":",
    "ampersands": "&", "pairs": "a=b&", "percent": "%41", "backslashes": "\\", "quotes": '"', "names": "token",
    "names with a separator": "token=", "armour": "-----BEGIN RSA PRIVATE KEY-----\n", "schemes": "http://",
    "userinfo": "http://a@", "tags": "<", "elements": "<token>", "base64": "QUJD", "cookies": "Cookie: a=b; ",
    "entities": "&amp;", "inputs": "<input name=token value=", "codes": "?code=aaaaaaaa&b=c", "options": " -u a:b",
    "replacements": "REDACTED-1 ", "halves of replacements": "REDACTED-", "parameters": ";token=?", "folds": "QUJD\n",
}  # fmt: skip


def calls(work: Callable[[], object]) -> int:
    """Count the calls of functions, those written in C included."""
    count = 0

    def note(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


class BodilessRequestTest(unittest.TestCase):
    def test_a_url_met_for_the_first_time_costs_few_calls(self) -> None:
        session = Redactor().start()
        session.request(exchange("https://api.example.com/orders/1?page=1", headers=HEADERS).request)
        another = exchange("https://api.example.com/orders/2?page=2", headers=HEADERS).request
        self.assertLess(calls(lambda: session.request(another)), 150)

    def test_a_url_met_before_costs_next_to_nothing(self) -> None:
        session = Redactor().start()
        asked = exchange("https://api.example.com/orders/1?page=1", headers=HEADERS).request
        session.request(asked)
        again = asked.model_copy()
        self.assertLess(calls(lambda: session.request(again)), 40)

    def test_the_number_of_known_secrets_does_not_matter(self) -> None:
        def cost(known: int) -> int:
            session = Redactor(values=[f"Secret-{n:08d}-{S}" for n in range(known)]).start()
            asked = exchange("https://api.example.com/orders/1?page=1", headers=HEADERS).request
            return calls(lambda: session.request(asked))

        # What is remembered of texts met before makes a few calls more or less; a call per secret would be 1,800.
        self.assertLessEqual(cost(2000), cost(200) + 100)


class BodyTest(unittest.TestCase):
    def assertLinear(self, make: Callable[[int], Interaction]) -> None:
        small, large = make(500), make(4000)
        allowed = 8 * 1.15 * calls(lambda: Redactor().start().interaction(small))
        self.assertLess(calls(lambda: Redactor().start().interaction(large)), allowed)

    def test_calls_grow_with_the_body_and_not_faster(self) -> None:
        for kind, make in (
            ("members", lambda n: answered(json.dumps({f"name{i}": f"value {i}" for i in range(n // 4)}))),
            ("secrets", lambda n: answered(json.dumps([{"token": f"{S}{i}"} for i in range(n // 4)]))),
            # Deeper than the JSON reader of any Python goes: what it refuses is read as text, at another cost.
            ("great depth", lambda n: answered('{"a":' * (n * 40) + "1" + "}" * (n * 40))),
            # Not deeper than that of every Python.
            ("depth", lambda n: answered('{"a":' * (n // 8) + "1" + "}" * (n // 8))),
            ("depth of secrets", lambda n: answered('{"token":' * (n // 8) + f'"{S}"' + "}" * (n // 8))),
            ("form", lambda n: answered("&".join(f"a{i}=b{i}" for i in range(n // 4)), FORM)),
            ("cookies", lambda n: asked_with(("Cookie", "; ".join(f"c{i}={S}{i}" for i in range(n // 4))))),
            ("lines", lambda n: answered("password: see below\n" * (n // 4), "text/plain")),
            ("pages", lambda n: answered("<input name=token value=abc>" * (n // 4), "text/html")),
        ):
            with self.subTest(kind):
                self.assertLinear(make)

    def test_no_text_is_searched_for_ever(self) -> None:
        for kind, piece in TRAPS.items():
            for media_type in ("text/plain", "text/html", "application/json"):
                size = 1_000_000 if len(piece) == 1 or (piece == "eyJ" and "plain" in media_type) else 30_000
                text = piece * (size // len(piece))
                with self.subTest(kind, media_type=media_type):
                    self.assertTrue(Redactor().start().interaction(answered(text, media_type)).response)

    def test_deep_and_nested_json_is_read_to_its_end(self) -> None:
        deep = "[" * 200_000 + json.dumps({"token": S}) + "]" * 200_000
        self.assertNotIn(S, repr(Redactor().start().interaction(answered(deep))))
        nested = {"token": S}
        for _ in range(6):
            nested = {"text": json.dumps(nested)}  # type: ignore[dict-item]
        self.assertNotIn(S, repr(Redactor().start().interaction(answered(json.dumps(nested)))))

    def test_large_bytes_are_searched_for_known_values_only(self) -> None:
        body = b"\0\xff" * 200_000 + b"password=hunter2000 ghp_" + b"aB3d" * 9
        stored = Redactor().start().interaction(answered(body, "application/octet-stream"))
        assert stored.response
        self.assertEqual(stored.response.body, body)
        session = Redactor(values=["hunter2000"]).start().interaction(answered(body, "application/octet-stream"))
        self.assertNotIn("hunter2000", repr(session))


if __name__ == "__main__":
    unittest.main()
