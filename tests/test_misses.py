"""The explanation of a miss: its reason, what came nearest, and its very words."""

from __future__ import annotations

import copy
import functools
import json
import pickle
import unittest
from collections.abc import Hashable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

from cassettes_lib import likeness
from cassettes_lib.broker import Broker
from cassettes_lib.circumstances import Circumstances
from cassettes_lib.columns import columns
from cassettes_lib.errors import InteractionNotFoundError
from cassettes_lib.fileformat import parse_cassette, print_cassette
from cassettes_lib.matching import DEFAULT_MATCH_ON, MatchOn, header, headers, ignoring, resolve_matchers, url
from cassettes_lib.misses import explain_miss, log_lines
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, Interactions
from cassettes_lib.playback import PlaybackIndex
from tests.support import URL, a_request, a_response
from tests.support_matching import Requests, field, json_posted, match, multipart, posted

TEST = Circumstances("cassettes/orders.json", test_id="tests.test_orders.OrdersTest.test_create")
ORDER = {"items": [{"id": 1, "name": "pen"}, {"id": 2, "name": "ink"}], "note": "a gift", "quantity": 1}


def ordered(url: str = f"{URL}?page=2", method: str = "POST", **changed: object) -> InteractionRequest:
    body = json.dumps(ORDER | changed).encode()
    return a_request(method, url, (("Content-Type", "application/json"),), body)


def missed(
    asked: InteractionRequest,
    recorded: Sequence[InteractionRequest],
    match_on: MatchOn = DEFAULT_MATCH_ON,
    circumstances: Circumstances = TEST,
    before: Sequence[InteractionRequest] = (),
    expired: Mapping[int, datetime] | None = None,
) -> InteractionNotFoundError:
    index = PlaybackIndex(Requests(recorded), match_on)
    index.withhold(expired or {})
    for request in (*before, asked):
        index.take(request)
    return explain_miss(asked, index, circumstances)


class TextTest(unittest.TestCase):
    maxDiff = None

    def assert_text(self, error: InteractionNotFoundError, expected: str) -> None:
        self.assertEqual(str(error), expected.strip("\n"))

    def test_a_body_that_differs(self) -> None:
        error = missed(ordered(quantity=2), [ordered()])
        self.assert_text(error, """
no recorded interaction answers POST https://api.example.com/orders?page=2

reason:   differs: the nearest recorded request differs in body
request:  POST https://api.example.com/orders?page=2
          {"items": [{"id": 1, "name": "pen"}, {"id": 2, "name": "ink"}], "no...
cassette: cassettes/orders.json, 1 interaction
mode:     replay
match on: method, url, body

nearest:  interaction 1 of 1, differs in body
--- recorded body
+++ asked body
@@ -11,4 +11,4 @@
   ],
   "note": "a gift",
-  "quantity": 1
+  "quantity": 2
 }

to record it:
    CASSETTES_MODE=auto python -m unittest \\
        tests.test_orders.OrdersTest.test_create
if the difference does not matter:
    match_on=ignoring(json=["$.quantity"])
""")
        self.assertEqual((error.reason, error.request), ("differs", ordered(quantity=2)))
        (near,) = error.nearest
        self.assertEqual((near.position, near.request, near.differs, near.played), (0, ordered(), ("body",), False))

    def test_several_parts_that_differ(self) -> None:
        recorded = [a_request(url=f"{URL}?page=1&size=10"), a_request("DELETE", f"{URL}?size=10")]
        error = missed(a_request(url=f"{URL}?size=10&page=2&ts=5"), recorded, circumstances=Circumstances("c.json"))
        self.assert_text(error, """
no recorded interaction answers GET https://api.example.com/orders?size=10&pa...

reason:   differs: the nearest recorded request differs in url
request:  GET https://api.example.com/orders?size=10&page=2&ts=5
cassette: c.json, 2 interactions
mode:     replay
match on: method, url, body

nearest:  interaction 1 of 2, differs in url
--- recorded url
+++ asked url
@@ -1,3 +1,4 @@
 https://api.example.com/orders
-  page=1
+  page=2
   size=10
+  ts=5

near:     interaction 2 of 2, differs in method and url
--- recorded method
+++ asked method
-DELETE
+GET
--- recorded url
+++ asked url
@@ -1,2 +1,4 @@
 https://api.example.com/orders
+  page=2
   size=10
+  ts=5

to record it:
    run this once with CASSETTES_MODE=auto in the environment
if the difference does not matter:
    match_on=ignoring(query=["page", "ts"])
""")

    def test_nothing_recorded(self) -> None:
        error = missed(a_request(), [])
        self.assert_text(error, """
no recorded interaction answers GET https://api.example.com/orders

reason:   nothing recorded: the cassette is empty
request:  GET https://api.example.com/orders
cassette: cassettes/orders.json, 0 interactions
mode:     replay
match on: method, url, body

to record it:
    CASSETTES_MODE=auto python -m unittest \\
        tests.test_orders.OrdersTest.test_create
""")
        self.assertEqual((error.reason, error.nearest), ("nothing recorded", ()))

    def test_none_similar_under_ci(self) -> None:
        here = Circumstances("c.json", "replay", "once", "tests.T.test_it", under_ci=True)
        error = missed(a_request(url="https://weather.example.org/today"), [ordered(), a_request()], circumstances=here)
        self.assert_text(error, """
no recorded interaction answers GET https://weather.example.org/today

reason:   none similar: nothing like this request is recorded
request:  GET https://weather.example.org/today
cassette: c.json, 2 interactions
mode:     replay (not once, because CI is set)
match on: method, url, body

recorded are, among others:
    GET https://api.example.com/orders
    POST https://api.example.com/orders?page=2

under CI nothing is recorded; to record it on your machine, then commit it:
    CASSETTES_MODE=auto python -m unittest tests.T.test_it
""")
        self.assertEqual((error.reason, error.nearest), ("none similar", ()))

    def test_already_played(self) -> None:
        error = missed(a_request(), [a_request(), ordered(), a_request()], before=[a_request()] * 3)
        self.assert_text(error, """
no recorded interaction answers GET https://api.example.com/orders

reason:   already played: asked 4 times, recorded twice
request:  GET https://api.example.com/orders
cassette: cassettes/orders.json, 3 interactions
mode:     replay
match on: method, url, body

nearest:  interaction 2 of 3, differs in method, url and body
--- recorded method
+++ asked method
-POST
+GET
--- recorded url
+++ asked url
@@ -1,2 +1 @@
 https://api.example.com/orders
-  page=2
--- recorded body
+++ asked body
@@ -1,14 +0,0 @@
-{
-  "items": [
-    {
-      "id": 1,
-      "name": "pen"
-    },
-    {
-      "id": 2,
-      "name": "ink"
-    }
-  ],
-  "note": "a gift",
-  "quantity": 1
-}

to record it:
    CASSETTES_MODE=auto python -m unittest \\
        tests.test_orders.OrdersTest.test_create
to answer with the last recorded one again:
    allow_playback_repeats=True
""")
        self.assertEqual(error.reason, "already played")
        near = error.nearest[0]
        self.assertEqual((near.position, near.differs, near.played), (2, (), True))

    def test_expired(self) -> None:
        then = datetime.now(UTC) - timedelta(days=100, hours=1)
        here = Circumstances("c.json", max_age=timedelta(days=90))
        error = missed(a_request(), [a_request()], circumstances=here, expired={0: then})
        self.assert_text(error, f"""
no recorded interaction answers GET https://api.example.com/orders

reason:   expired: recorded on {then:%Y-%m-%d}, 100 days ago; max_age is 90 days
request:  GET https://api.example.com/orders
cassette: c.json, 1 interaction
mode:     replay
match on: method, url, body

to record it:
    run this once with CASSETTES_MODE=auto in the environment
to replay it as long as it is not recorded anew:
    on_expired="warn"
""")
        self.assertEqual([(near.position, near.differs) for near in error.nearest], [(0, ())])

    def test_what_is_young_enough_is_played_before_the_rest_is_expired(self) -> None:
        times = {0: datetime(2024, 1, 31, tzinfo=UTC), 2: datetime(2024, 2, 1, tzinfo=UTC)}
        error = missed(a_request(), [a_request()] * 3, before=[a_request()], expired=times)
        self.assertIn("\nreason:   expired: recorded on 2024-02-01\n", str(error))
        self.assertEqual([(near.position, near.played) for near in error.nearest], [(2, False)])
        self.assertRegex(log_lines(error)[0], "is not interaction 3, GET .*: it is too old$")

    def test_a_bare_broker_without_a_name(self) -> None:
        error = missed(a_request(), [], circumstances=Circumstances(has_environment=False))
        self.assert_text(error, """
no recorded interaction answers GET https://api.example.com/orders

reason:   nothing recorded: the cassette is empty
request:  GET https://api.example.com/orders
cassette: without a name, 0 interactions
mode:     replay
match on: method, url, body

to record it:
    Broker(..., mode="auto", live_responder=...)
""")

    def test_binary_bodies(self) -> None:
        data = bytes(range(256))
        error = missed(a_request("PUT", body=data + b"new" + data), [a_request("PUT", body=data * 2)])
        self.assertIn("""
--- recorded body
+++ asked body
@@ -1,7 +1,7 @@
-512 bytes, sha256 110009dcee21620b
+515 bytes, sha256 560188387a42ba85
 000000f0  f0 f1 f2 f3 f4 f5 f6 f7 f8 f9 fa fb fc fd fe ff  ................
-00000100  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  ................
-00000110  10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f  ................
""", str(error))

    def test_multipart_bodies(self) -> None:
        picture = field("p", more='; filename="p.png"\r\nContent-Type: image/png\r\nX-Id: 7')
        one = multipart(field("csrf", "1"), picture + "\0\1", field("text", "a\nb"), boundary="one")
        other = multipart(field("csrf", "2"), picture + "\0\2", field("text", "a\nb"), boundary="other")
        self.assertIn("""
--- recorded body
+++ asked body
@@ -1,7 +1,7 @@
 part "csrf"
-  1
+  2
 part "p", file "p.png", image/png
   x-id: 7
-  2 bytes, sha256 b413f47d13ee2fe6
+  2 bytes, sha256 fcf0a6c700dd13e2
 part "text"
   a
""", str(missed(other, [one])))

    def test_forms_and_texts_and_types(self) -> None:
        form = "application/x-www-form-urlencoded"
        text = str(missed(posted("b=2&a=x+y&c=é", form), [posted("a=x&b=2&c=%C3%A9", form)]))
        self.assertIn("\n@@ -1,3 +1,3 @@\n-a=x\n+a=x y\n b=2\n c=é\n\n", text)
        self.assertIn('\n    match_on=ignoring(form=["a"])', text)
        text = str(missed(posted("one\ntwo\r\n"), [posted("one\ntwo\n")]))
        self.assertIn("\n one\n-two\n+two\\r\n \n", text)
        text = str(missed(posted("{}", "text/plain"), [posted("{}", "application/json")]))
        self.assertIn("\n@@ -1,2 +1,2 @@\n-Content-Type: application/json\n+Content-Type: text/plain\n {}\n", text)
        text = str(missed(posted("{", "application/json"), [posted("{}", "application/json")]))
        self.assertIn("\n+Content-Type: application/json (does not parse as that)\n+{\n", text)

    def test_long_lines_are_cut_around_the_difference(self) -> None:
        one = "a" * 500 + "OLD" + "b" * 500
        text = str(missed(posted(one.replace("OLD", "NEW")), [posted(one)]))
        self.assertIn(f"\n-{'a' * 20}...{'a' * 16}OLD{'b' * 34}...\n+{'a' * 20}...{'a' * 16}NEW{'b' * 34}...\n", text)
        text = str(missed(ordered(note="x" * 200 + "1"), [ordered(note="x" * 200 + "2")]))
        self.assertIn(f'-  "note": "{"x" * 9}...{"x" * 53}2",\n+  "note": "{"x" * 9}...{"x" * 53}1",\n', text)

    def test_wide_characters_take_two_columns(self) -> None:
        one, other = (json_posted({"名": "山" * 30 + each + "川" * 30}, ensure_ascii=False) for each in "田野")
        lines = str(missed(one, [other])).split("\n")
        self.assertLessEqual(max(map(columns, lines)), 80)
        self.assertTrue(any("野" in line for line in lines) and any("田" in line for line in lines))

    def test_headers_that_differ(self) -> None:
        one = a_request(headers=(("Accept", "a"), ("X-A", "1"), ("Date", "x")))
        other = a_request(headers=(("accept", "b"), ("X-A", "1"), ("Date", "y")))
        text = str(missed(other, [one], ("url", headers(ignore="Date"))))
        self.assertIn("\n@@ -1,2 +1,2 @@\n-accept: a\n+accept: b\n x-a: 1\n", text)
        self.assertIn('\n    match_on=ignoring(headers=["accept", "date"], match_on=("url", "headers"))', text)
        text = str(missed(other, [one], ("url", header("Accept", "X-A"))))
        self.assertIn('\n--- recorded header("Accept", "X-A")\n', text)
        self.assertIn("-accept: a\n+accept: b\n x-a: 1\n", text)

    def test_functions_show_their_keys(self) -> None:
        def tenant(request: InteractionRequest) -> Hashable:
            return request.url.split("/")[3], "x"

        def length(request: InteractionRequest) -> Hashable:
            return len(request.body)

        def picky(request: InteractionRequest) -> Hashable:
            if not request.body:
                raise LookupError("no body")
            return "some\ntext"

        recorded = [a_request(url="http://h/one/a")]
        text = str(missed(a_request(url="http://h/two/a", body=b"xyz"), recorded, (length, "host", tenant)))
        self.assertIn("\nmatch on: length, host, tenant\n", text)
        self.assertIn("\n--- recorded key of length\n+++ asked key of length\n-0\n+3\n", text)
        self.assertIn("\n--- recorded key of tenant\n+++ asked key of tenant\n-('one', 'x')\n+('two', 'x')\n", text)
        text = str(missed(a_request("POST", "http://h/one/b", body=b"xyz"), recorded, ("url", picky)))
        self.assertIn("@@ -1 +1,2 @@\n-raises LookupError: no body\n+some\n+text\n", text)

    def test_keys_that_print_alike(self) -> None:
        class Secretive:
            def __repr__(self) -> str:
                return "secret"

        text = str(missed(a_request(), [a_request()], lambda request: Secretive()))
        self.assertIn(" (the two look the same, but their keys differ)\n", text)
        self.assertIn("\nmatch on: <lambda>\n", text)

    def test_a_redacted_recording_without_redaction(self) -> None:
        recorded = [a_request(url=f"{URL}?token=REDACTED-1")]
        here = Circumstances("c.json", redacting=False)
        text = str(missed(a_request(url=f"{URL}?token=abc"), recorded, circumstances=here))
        self.assertIn(
            "\nthe recording is redacted, but this run does not redact (redact=None or\n"
            "redactor=None), so what was secret cannot match: switch redaction on, or record\nagain without it\n", text
        )
        self.assertNotIn("redact", str(missed(a_request(url=f"{URL}?token=abc"), recorded)))
        self.assertNotIn("redact", str(missed(a_request(url=f"{URL}?x=abc"), [a_request()], circumstances=here)))

    def test_what_a_terminal_would_obey_is_escaped(self) -> None:
        request = a_request(url="http://h/\x1b[2J\u202e", body=b"\x1b[31m red \xe2\x80\xae", headers=(("A", "\x07"),))
        for match_on in (DEFAULT_MATCH_ON, "headers", lambda request: request.body.decode()):
            text = str(missed(request, [request.model_copy(update={"body": b"\x1b[32m", "headers": ()})], match_on))
            self.assertEqual([line for line in text.split("\n") if not line.isprintable()], [])

    def test_it_stays_readable_whatever_is_asked(self) -> None:
        bodies: list[Any] = [
            {"x" * 300: "y" * 300}, [{"id": number, "v": "w" * 100} for number in range(500)], list(range(5_000)),
            "z" * 10_000, {"k": {"k": {"k": [[[["deep"]]]]}}},
        ]  # fmt: skip
        urls = [f"{URL}/{'s' * 90}?q={'r' * length}" for length in (1, 3, 300)]
        requests = [ordered(each, payload=payload) for payload in bodies for each in urls]
        for asked in requests:
            for match_on in (DEFAULT_MATCH_ON, ("url", "headers", "raw_body", lambda request: request.body)):
                text = str(missed(asked.model_copy(update={"method": "PUT"}), requests, match_on))
                lines = text.split("\n")
                self.assertLessEqual(len(lines), 60)
                self.assertLessEqual(max(len(line) for line in lines), 80)

    def test_it_stays_readable_whatever_is_sent(self) -> None:
        many = tuple((f"X-Header-{number}", "v" * number * 9) for number in range(50))
        other = tuple((name, value.replace("v", "w")) for name, value in many)
        binary = bytes(range(256)) * 8_000
        url = f"{URL}/{'segment/' * 300}?{'&'.join(f'parameter{number}={number}' for number in range(300))}"
        parts = [field(f"part{number}", "x" * 300, f'; filename="{"f" * 200}.bin"') for number in range(60)]
        uploaded = [field("file", "", '; filename="a.bin"').encode() + each for each in (binary, binary + b"1")]
        pairs = [
            (a_request(url=url, headers=many), a_request(url=url + "&more=1", headers=other)),
            (posted(binary, "application/octet-stream"), posted(binary[1:], "application/octet-stream")),
            (posted(binary, "application/json"), posted(binary[:-1], "text/plain; charset=x")),
            (multipart(*parts), multipart(*parts[::-1], boundary="other")),
            (multipart(uploaded[0]), multipart(uploaded[1])),
            (json_posted({f"k{number}": "v" * 999 for number in range(999)}), json_posted(["\x1b[31m" * 99] * 99)),
            (posted("<a>" * 50_000, "text/xml"), posted("<a>" * 50_000 + "<b>", "text/xml")),
        ]
        for recorded, asked in pairs:
            for match_on in (DEFAULT_MATCH_ON, ("method", "url", "headers", "raw_body")):
                text = str(missed(asked, [recorded, recorded, recorded], match_on))
                lines = text.split("\n")
                self.assertLessEqual(len(lines), 60, text)
                self.assertLessEqual(max(columns(line) for line in lines), 80, text)
                self.assertEqual([line for line in lines if not line.isprintable()], [])
                self.assertIn("\nnearest:  interaction 1 of 3, differs in ", text)
                self.assertIn("\nto record it:", text)

    def test_the_command_is_never_cut(self) -> None:
        here = Circumstances("c.json", test_id="tests.x.T." + "test_" + "y" * 100)
        self.assertIn(f"\n        {here.test_id}", str(missed(a_request(), [], circumstances=here)))


class ReasonAndNearestTest(unittest.TestCase):
    def test_at_most_three_are_shown_the_nearest_first(self) -> None:
        recorded = [ordered(f"{URL}?page={page}", quantity=quantity) for page in range(5) for quantity in range(5)]
        error = missed(ordered(f"{URL}?page=3", quantity=9), recorded)
        self.assertEqual({near.position // 5 for near in error.nearest}, {3})
        self.assertEqual(len(error.nearest), 3)

    def test_the_nearest_body_is_found_among_many_of_one_url(self) -> None:
        recorded = [ordered(note=f"note {number}", quantity=number) for number in range(1_000)]
        error = missed(ordered(note="note 777", quantity=778), recorded)
        self.assertIn(777, [near.position for near in error.nearest])

    def test_the_nearest_of_many_in_a_file_is_found_whether_it_was_read_before_or_not(self) -> None:
        def made(number: int) -> dict[str, object]:
            items = [{"sku": f"SKU-{number}-{each}", "price": each * 1.5, "note": "lorem ipsum"} for each in range(9)]
            return {"id": number, "items": items, "note": f"customer {number}", "z": "x" * 200}

        interactions = Interactions(
            Interaction(request=ordered(URL, **made(number)), response=a_response()) for number in range(200)
        )
        broker = Broker(parse_cassette(print_cassette(Cassette(interactions=interactions)), "cassette.json"))
        few_bytes = mock.patch.object(likeness, "_LOOKED_AT", 0)
        with few_bytes, self.assertRaises(InteractionNotFoundError) as caught:
            broker.respond(ordered(URL, **{**made(177), "id": 5}))
        self.assertEqual(caught.exception.nearest[0].position, 177)

    def test_what_was_not_played_comes_first(self) -> None:
        recorded = [ordered(quantity=number) for number in range(20)]
        error = missed(ordered(quantity=99), recorded, before=recorded[:15])
        self.assertEqual([near.position for near in error.nearest], [15, 16, 17])
        self.assertFalse(any(near.played for near in error.nearest))

    def test_what_is_nearer(self) -> None:
        asked = a_request(url="https://h/a/users/1?x=1&y=2")
        for nearer, farther in (
            (("GET", "https://h/a/users/1?x=1&y=3"), ("GET", "https://h/a/users/1?x=2&y=3")),
            (("GET", "https://h/a/users/1?x=2&y=3"), ("GET", "https://h/a/users/1?z=2")),
            (("GET", "https://h/a/users/1"), ("GET", "https://h/a/users/22?x=1&y=3")),
            (("GET", "https://h/a/users/2?x=1&y=2"), ("GET", "https://h/a/items/2?x=1&y=2")),
            (("GET", "https://h/a/users/2?x=1&y=2"), ("PUT", "https://h/a/users/2?x=1&y=2")),
            (("GET", "https://h/a/users/2?x=1&y=2"), ("GET", "http://other/a/users/1?x=1&y=2")),
            (("GET", "http://h/a/users/1?x=1&y=2"), ("GET", "http://other/a/users/1?x=1&y=2")),
            (("PUT", "https://h/a/users/1?x=1&y=2"), ("PUT", "https://h/a/users/1?x=1&y=3")),
        ):
            with self.subTest(nearer=nearer, farther=farther):
                others = [a_request("PUT", "https://h/z")] * 30
                error = missed(asked, [a_request(*farther), *others, a_request(*nearer)])
                self.assertEqual(error.nearest[0].position, 31)

    def test_what_is_similar(self) -> None:
        for asked, recorded, expected in (
            ("https://h/users/1", "https://h/users/2", "differs"),
            ("https://h/users/1", "http://h:8080/users/1", "differs"),
            ("https://h/users/1", "https://staging/users/1", "differs"),
            ("https://h/users/1?a=1", "https://h/users/1?b=2", "differs"),
            ("http://127.0.0.1:8001/", "http://127.0.0.1:8002/", "differs"),
            ("https://h/api/v1/orders", "https://h/api/v1/users", "differs"),
            ("https://h/users/1", "https://h/weather/today", "none similar"),
            ("https://h/one", "https://h/two", "none similar"),
            ("https://h/", "https://other/", "none similar"),
            ("https://h/users/1", "https://other/users/2", "none similar"),
        ):
            with self.subTest(asked, recorded=recorded):
                self.assertEqual(missed(a_request(url=asked), [a_request(url=recorded)]).reason, expected)

    def test_matchers_that_compare_no_url_differ(self) -> None:
        error = missed(posted("a"), [a_request(url="http://other/", body=b"b")], "body")
        self.assertEqual(error.reason, "differs")

    def test_a_matcher_that_relies_on_those_before_it_does_no_harm(self) -> None:
        def number(request: InteractionRequest) -> Hashable:
            return int(request.url.rpartition("/")[2])

        recorded = [a_request(url="http://h/item/x"), a_request(url="http://h/item/1")]
        error = missed(a_request("PUT", "http://h/item/1"), recorded, ("method", "host", number))
        self.assertEqual([near.differs for near in error.nearest], [("method",), ("method", "number")])


class AdviceTest(unittest.TestCase):
    def advised(
        self, asked: InteractionRequest, recorded: InteractionRequest, match_on: MatchOn = DEFAULT_MATCH_ON
    ) -> str:
        """Return the advice, after trying whether it helps."""
        text = str(missed(asked, [recorded], match_on))
        _, found, advice = text.partition("if the difference does not matter:\n")
        if not found:
            return ""
        names = {"ignoring": ignoring, "header": header, "size": size}
        relaxed = eval(f"dict({advice.strip()})", names)["match_on"]
        self.assertFalse(match(asked, recorded, match_on))
        self.assertTrue(match(asked, recorded, relaxed))
        return " ".join(advice.split())

    def test_the_call_that_would_help_is_shown(self) -> None:
        form = "application/x-www-form-urlencoded"
        for asked, recorded, expected in (
            (a_request(url=f"{URL}?ts=1&a=2"), a_request(url=f"{URL}?ts=2&a=2"), 'match_on=ignoring(query=["ts"])'),
            (a_request(url=f"{URL}?ts=1"), a_request(), 'match_on=ignoring(query=["ts"])'),
            (a_request(url=f"{URL}?a%22b=1"), a_request(), "match_on=ignoring(query=['a\"b'])"),
            (a_request(url=f"{URL}?a=1&a=2"), a_request(url=f"{URL}?a=1"), 'match_on=ignoring(query=["a"])'),
            (ordered(nonce=1), ordered(nonce="x"), 'match_on=ignoring(json=["$.nonce"])'),
            (ordered(nonce=True), ordered(nonce=1), 'match_on=ignoring(json=["$.nonce"])'),
            (ordered(nonce=1), ordered(), 'match_on=ignoring(json=["$.nonce"])'),
            (ordered(**{"a.b": {"it's": 1}}), ordered(**{"a.b": {"it's": 2}}),
             'match_on=ignoring(json=[\'$["a.b"]["it\\\'s"]\'])'),
            (ordered(items=[{"id": 3}, {"id": 4}]), ordered(items=[{"id": 5}, {"id": 6}]),
             'match_on=ignoring(json=["$.items[*].id"])'),
            (ordered(items=[{"id": 3}, {"id": 4}]), ordered(items=[{"id": 3}, {"id": 6}]),
             'match_on=ignoring(json=["$.items[1].id"])'),
            (ordered(items=[1]), ordered(items=[1, 2]), 'match_on=ignoring(json=["$.items"])'),
            (ordered(f"{URL}?ts=1", nonce=1), ordered(f"{URL}?ts=2", nonce=2),
             'match_on=ignoring(query=["ts"], json=["$.nonce"])'),
            (posted("csrf=1&a=2", form), posted("a=2&csrf=3", form), 'match_on=ignoring(form=["csrf"])'),
            (multipart(field("c", "1"), field("a", "1")), multipart(field("c", "2"), field("a", "1"), boundary="C"),
             'match_on=ignoring(form=["c"])'),
        ):  # fmt: skip
            with self.subTest(expected):
                self.assertEqual(self.advised(asked, recorded), expected)

    def test_json_without_a_type_is_shown_and_relaxed_as_json(self) -> None:
        asked, recorded = (posted(json.dumps({"a": 1, "nonce": nonce})) for nonce in "xy")
        self.assertEqual(self.advised(asked, recorded), 'match_on=ignoring(json=["$.nonce"])')
        self.assertIn('\n   "a": 1,\n-  "nonce": "y"\n+  "nonce": "x"\n }\n', str(missed(asked, [recorded])))
        spaced = str(missed(posted('{"a":1}'), [posted('{"a": 1}')]))
        self.assertIn('\n-{"a": 1}\n+{"a":1}\n', spaced)

    def test_matchers_that_cannot_be_written_are_not(self) -> None:
        class Tenant:
            def __call__(self, request: InteractionRequest) -> Hashable:
                return 1

        asked, recorded = ordered(nonce=1), ordered(nonce=2)
        for matcher in (Tenant(), functools.partial(size), lambda request: 1):
            self.assertEqual(self.advised(asked, recorded, ("body", matcher)), "")
        self.assertIn("\nmatch on: body, a Tenant\n", str(missed(asked, [recorded], ("body", Tenant()))))

    def test_it_keeps_what_is_ignored_already_and_what_is_compared_else(self) -> None:
        asked, recorded = ordered(f"{URL}?ts=1", nonce=1), ordered(f"{URL}?ts=2", nonce=2)
        for match_on, expected in (
            (ignoring(query=["ts"]), 'match_on=ignoring(query=["ts"], json=["$.nonce"])'),
            ((url(ignore=["ts"]), "body"),
             'match_on=ignoring(query=["ts"], json=["$.nonce"], match_on=("url", "body"))'),
            (("query",), 'match_on=ignoring(query=["ts"], match_on=("query",))'),
            (("path", "body", header("Accept")),
             'match_on=ignoring( json=["$.nonce"], match_on=("path", "body", header("Accept")), )'),
            ((size, "query"), 'match_on=ignoring(query=["ts"], match_on=(size, "query"))'),
        ):  # fmt: skip
            with self.subTest(expected):
                self.assertEqual(self.advised(asked, recorded, match_on), expected)

    def test_one_header_is_left_out(self) -> None:
        asked, recorded = (a_request(headers=(("Accept", accept), ("X-A", "1"))) for accept in "ab")
        self.assertEqual(
            self.advised(asked, recorded, ("url", header("Accept", "X-A"))),
            'match_on=ignoring( headers=["accept"], match_on=("url", header("Accept", "X-A")), )',
        )

    def test_there_is_none_where_no_simple_one_would_help(self) -> None:
        for asked, recorded, match_on in (
            (a_request("PUT"), a_request(), DEFAULT_MATCH_ON),
            (a_request(url=f"{URL}/1"), a_request(url=f"{URL}/2"), DEFAULT_MATCH_ON),
            (a_request(url=f"{URL}?a=1&b=1&c=1&d=1"), a_request(url=URL), DEFAULT_MATCH_ON),
            (posted("a", "text/plain"), posted("b", "text/plain"), DEFAULT_MATCH_ON),
            (posted("1", "application/json"), posted("[]", "application/json"), DEFAULT_MATCH_ON),
            (posted("{", "application/json"), posted("{}", "application/json"), DEFAULT_MATCH_ON),
            (ordered(nonce=1), ordered(nonce=2), "raw_body"),
            (a_request(url=f"{URL}?ts=1"), a_request(url=f"{URL}?ts=2"), ("url", lambda request: request.url)),
            (a_request(url=f"{URL}?ts=1"), a_request(url=f"{URL}?ts=2"), ("url", lambda request: 1)),
        ):
            with self.subTest(asked=asked, recorded=recorded):
                self.assertEqual(self.advised(asked, recorded, match_on), "")

    def test_what_was_played_is_not_advised(self) -> None:
        recorded = ordered(nonce=1)
        text = str(missed(ordered(nonce=2), [recorded], before=[recorded]))
        self.assertIn("nearest:  interaction 1 of 1, differs in body, already played\n", text)
        self.assertNotIn("ignoring", text)


class ErrorTest(unittest.TestCase):
    def test_nothing_is_written_before_the_error_is_printed(self) -> None:
        calls = 0

        def counted(request: InteractionRequest) -> Hashable:
            nonlocal calls
            calls += 1
            return request.url

        error = missed(a_request(url="http://h/users/1"), [a_request(url="http://h/users/2")], counted)
        raised_after = calls
        str(error)
        printed_after = calls
        self.assertGreater(printed_after, raised_after)
        self.assertEqual((str(error), calls), (str(error), printed_after))

    def test_a_miss_reads_the_line_of_all_and_the_bodies_of_few(self) -> None:
        recorded = Requests([ordered(f"{URL}/{number}") for number in range(1_000)])
        index = PlaybackIndex(recorded, DEFAULT_MATCH_ON)
        asked = ordered(f"{URL}/x500")
        index.take(asked)
        error = explain_miss(asked, index, TEST)
        self.assertEqual(error.nearest[0].position, 500)
        self.assertLess(len(recorded.read), 200)

    def test_it_can_be_copied_and_pickled(self) -> None:
        error = missed(ordered(quantity=2), [ordered()], (*resolve_matchers("url"), lambda request: request.body))
        error.add_note("a note")
        for other in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
            self.assertIs(type(other), InteractionNotFoundError)
            self.assertEqual(str(other), str(error))
            self.assertEqual(
                (other.request, other.nearest, other.reason, other.__notes__),
                (error.request, error.nearest, error.reason, ["a note"]),
            )

    def test_its_repr_is_short(self) -> None:
        error = missed(a_request(), [])
        self.assertEqual(
            repr(error), "InteractionNotFoundError('GET https://api.example.com/orders: nothing recorded')"
        )

    def test_the_log_says_why_each_candidate_did_not_match(self) -> None:
        error = missed(a_request(), [a_request(), a_request("PUT", f"{URL}?a=1")], before=[a_request()])
        self.assertEqual(
            log_lines(error),
            [
                "GET https://api.example.com/orders is not interaction 1, GET https://api.example.com/orders: "
                "it has been played",
                "GET https://api.example.com/orders is not interaction 2, PUT https://api.example.com/orders?a=1: "
                "it differs in method and url",
            ],
        )


def size(request: InteractionRequest) -> Hashable:
    """A matcher of the user's own."""
    return len(request.body)


if __name__ == "__main__":
    unittest.main()
