"""Matchers: which there are, what they leave out, and what `match_on` takes."""

from __future__ import annotations

import json
import unittest
from collections.abc import Iterator

from cassettes_lib.matching import MATCHER_NAMES, MatchOn, body, header, headers, ignoring, resolve_matchers, url
from cassettes_lib.models import InteractionRequest
from tests.support import URL, a_request
from tests.support_matching import field, json_posted, match, multipart, posted

JSON = (("Content-Type", "application/json"),)
FORM = "application/x-www-form-urlencoded"


def urls_match(one: str, other: str, match_on: MatchOn) -> bool:
    return match(a_request(url=one), a_request(url=other), match_on)


class MethodAndHeadersTest(unittest.TestCase):
    def test_the_method_counts(self) -> None:
        self.assertTrue(match(a_request("GET"), a_request("GET")))
        self.assertFalse(match(a_request("GET"), a_request("HEAD")))

    def test_headers_do_not_count_by_default(self) -> None:
        self.assertTrue(match(a_request(headers=(("Accept", "a"),)), a_request(headers=(("Accept", "b"),))))

    def test_the_factory_header_compares_what_it_names(self) -> None:
        accept = header("accept", "X-Other")
        one = a_request(headers=(("Accept", "a"), ("User-Agent", "x")))
        self.assertTrue(match(one, a_request(headers=(("ACCEPT", "a"), ("User-Agent", "y"))), accept))
        self.assertFalse(match(one, a_request(headers=(("Accept", "b"),)), accept))
        self.assertFalse(match(one, a_request(headers=(("Accept", "a"), ("X-Other", ""))), accept))
        self.assertFalse(match(one, a_request(), accept))

    def test_repeats_of_a_header_are_one_list(self) -> None:
        one, other = a_request(headers=(("A", "1"), ("A", "2"))), a_request(headers=(("A", "1, 2"),))
        self.assertTrue(match(one, other, header("A")))
        self.assertFalse(match(one, a_request(headers=(("A", "2"), ("A", "1"))), header("A")))

    def test_all_headers_can_be_compared(self) -> None:
        one = a_request(headers=(("A", "1"), ("B", "2"), ("B", "3")))
        self.assertTrue(match(one, a_request(headers=(("b", "2"), ("a", "1"), ("b", "3"))), "headers"))
        self.assertFalse(match(one, a_request(headers=(("A", "1"), ("B", "3"), ("B", "2"))), "headers"))
        self.assertFalse(match(one, a_request(headers=(("A", "1"), ("B", "2"))), "headers"))
        self.assertFalse(match(one, a_request(headers=(("A", "1"), ("B", "2"), ("B", "3"), ("C", ""))), "headers"))

    def test_headers_can_be_ignored(self) -> None:
        one = a_request(headers=(("A", "1"), ("Date", "x")))
        self.assertTrue(match(one, a_request(headers=(("A", "1"), ("date", "y"))), headers(ignore=["DATE"])))
        self.assertTrue(match(one, a_request(headers=(("A", "1"),)), headers(ignore="date")))
        self.assertFalse(match(one, a_request(headers=(("A", "2"),)), headers(ignore="date")))

    def test_a_multipart_boundary_is_noise_in_a_header_too(self) -> None:
        def typed(content_type: str) -> InteractionRequest:
            return a_request(headers=(("Content-Type", content_type),))

        for matcher in ("headers", header("Content-Type")):
            self.assertTrue(match(typed("multipart/form-data; boundary=a"), typed("multipart/form-data; boundary=b"),
            matcher))
            self.assertFalse(match(typed("multipart/form-data; boundary=a"), typed("multipart/mixed; boundary=a"),
            matcher))
            self.assertFalse(match(typed("text/plain; boundary=a"), typed("text/plain; boundary=b"), matcher))


class IgnoringTest(unittest.TestCase):
    def test_it_is_the_default_match_without_the_noise(self) -> None:
        noise = ignoring(query=["ts"], json=["$.nonce", "items[*].id"], form=["csrf"])

        def sent(ts: int, body: object) -> InteractionRequest:
            return a_request("POST", f"{URL}?a=1&ts={ts}", JSON, json.dumps(body).encode())

        one = sent(1, {"nonce": "x", "items": [{"id": 1, "n": 2}], "id": 1})
        self.assertTrue(match(one, sent(2, {"id": 1, "items": [{"n": 2, "id": 9}]}), noise))
        self.assertFalse(match(one, sent(2, {"id": 2, "items": [{"n": 2, "id": 9}]}), noise))
        self.assertFalse(match(one, sent(2, {"id": 1, "items": [{"n": 3, "id": 9}]}), noise))
        self.assertFalse(match(one, one.model_copy(update={"method": "PUT"}), noise))
        self.assertTrue(match(posted("csrf=1&a=2", FORM), posted("a=2&csrf=3", FORM), noise))
        self.assertFalse(match(posted("csrf=1&a=2", FORM), posted("a=3&csrf=3", FORM), noise))
        self.assertTrue(match(posted("csrf=1", FORM), posted("", FORM), noise))

    def test_any_depth(self) -> None:
        noise = ignoring(json=["..nonce"])
        self.assertTrue(match(json_posted({"a": [{"nonce": 1}]}), json_posted({"nonce": 2, "a": [{"nonce": 3}]}),
        noise))
        self.assertFalse(match(json_posted({"a": [{"nonce": 1}]}), json_posted({"a": [{"once": 1}]}), noise))

    def test_the_whole_of_a_json_body(self) -> None:
        self.assertTrue(match(json_posted({"a": 1}), json_posted([2]), ignoring(json="$")))

    def test_fields_of_multipart_forms_are_fields(self) -> None:
        noise = ignoring(form="csrf")
        one = multipart(field("csrf", "1"), field("a", "1"))
        self.assertTrue(match(one, multipart(field("csrf", "2"), field("a", "1"), boundary="C"), noise))
        self.assertTrue(match(one, multipart(field("a", "1")), noise))
        self.assertFalse(match(one, multipart(field("csrf", "1"), field("a", "2")), noise))

    def test_json_paths_apply_to_json_parts(self) -> None:
        part = 'Content-Disposition: form-data; name="a"\r\nContent-Type: application/json\r\n\r\n{"n": %d, "v": %d}'
        self.assertTrue(match(multipart(part % (1, 1)), multipart(part % (2, 1)), ignoring(json="n")))
        self.assertFalse(match(multipart(part % (1, 1)), multipart(part % (1, 2)), ignoring(json="n")))

    def test_json_without_a_type_is_read_when_there_are_paths_for_it(self) -> None:
        self.assertTrue(match(posted('{"n": 1, "a": 2}'), posted('{"a": 2, "n": 3}'), ignoring(json="n")))
        self.assertFalse(match(posted('{"n": 1, "a": 2}'), posted('{"a": 3, "n": 1}'), ignoring(json="n")))
        self.assertFalse(match(posted("n=1"), posted("n=2"), ignoring(json="n")))

    def test_headers_are_ignored_where_headers_are_compared(self) -> None:
        one, other = a_request(headers=(("X-Id", "1"),)), a_request(headers=(("X-Id", "2"),))
        self.assertTrue(match(one, other, ignoring(headers=["x-id"], match_on=("method", "headers"))))
        self.assertTrue(match(one, other, ignoring(headers="X-ID", match_on=header("X-Id", "Accept"))))
        self.assertFalse(match(one, other, ignoring(headers=["other"], match_on=("method", "headers"))))
        self.assertTrue(match(one, other, ignoring(headers=["x-id"])))

    def test_the_length_of_noise_is_noise(self) -> None:
        def sent(nonce: str) -> InteractionRequest:
            text = json.dumps({"nonce": nonce}).encode()
            return a_request("POST", headers=(*JSON, ("Content-Length", str(len(text)))), body=text)

        self.assertTrue(match(sent("1"), sent("22"), ignoring(json="nonce", match_on=("headers", "body"))))

    def test_it_starts_from_another_match_on(self) -> None:
        noise = ignoring(query="ts", match_on=("path", "query"))
        self.assertTrue(match(a_request("GET", "http://h/a?ts=1"), a_request("PUT", "https://g/a?ts=2"), noise))
        self.assertFalse(match(a_request("GET", "http://h/a?ts=1"), a_request("GET", "http://h/b?ts=1"), noise))

    def test_it_adds_up(self) -> None:
        noise = ignoring(query="b", match_on=ignoring(query="a", json="x", match_on=(url(ignore="c"), "body")))
        self.assertTrue(urls_match("http://h/?a=1&b=1&c=1", "http://h/?a=2&b=2&c=2", noise))
        self.assertTrue(match(json_posted({"x": 1}), json_posted({"x": 2}), noise))

    def test_it_can_be_one_of_several(self) -> None:
        both = (*ignoring(query="ts"), header("Accept"))
        for match_on in (both, [ignoring(query="ts"), header("Accept")]):
            self.assertTrue(urls_match("http://h/?ts=1", "http://h/?ts=2", match_on))
            self.assertFalse(match(a_request(headers=(("Accept", "a"),)), a_request(), match_on))

    def test_the_factory_body_ignores_paths_and_fields(self) -> None:
        for noise in (body(ignore=["nonce"]), body(json=["$.nonce"], form=["nonce"])):
            self.assertTrue(match(json_posted({"nonce": 1}), json_posted({"nonce": 2}), noise))
            self.assertTrue(match(posted("nonce=1", FORM), posted("nonce=2", FORM), noise))
            self.assertFalse(match(posted("once=1", FORM), posted("once=2", FORM), noise))


class ResolveMatchersTest(unittest.TestCase):
    def test_every_name_is_known(self) -> None:
        for name in MATCHER_NAMES:
            self.assertEqual([matcher.name for matcher in resolve_matchers(name)], [name])

    def test_functions_are_matchers(self) -> None:
        def first_letter(request: InteractionRequest) -> str:
            return request.url[:1]

        self.assertTrue(urls_match("http://a", "http://b", ["method", first_letter]))
        self.assertFalse(urls_match("http://a", "ftp://b", first_letter))
        self.assertEqual([matcher.name for matcher in resolve_matchers(["body", first_letter])], ["body",
        "first_letter"])

    def test_a_factory_may_stand_for_its_value(self) -> None:
        self.assertEqual([matcher.name for matcher in resolve_matchers([url, body, headers])], ["url", "body",
        "headers"])

    def test_names_say_what_is_ignored(self) -> None:
        for matchers, expected in (
            ([url(ignore=["b", "a"])], 'url ignoring query=["a", "b"]'),
            ([body(json=["$.a"], form="f")], 'body ignoring form=["f"], json=["$.a"]'),
            ([header("Accept", "X-A")], 'header("Accept", "X-A")'),
            ([headers(ignore="Date")], 'headers ignoring headers=["date"]'),
            ([url(ignore='a"b')], "url ignoring query=['a\"b']"),
        ):
            self.assertEqual(resolve_matchers(matchers)[0].name, expected)

    def test_equal_matchers_are_equal(self) -> None:
        self.assertEqual(url(ignore=["a"]).rules, url(ignore="a").rules)
        self.assertEqual(resolve_matchers("url"), resolve_matchers(["url"]))

    def test_unknown_names_list_the_known_ones_and_the_nearest(self) -> None:
        for name, expected in (
            ("ulr", "unknown matcher 'ulr': did you mean 'url'?; known are method, url, scheme, host, port, path, "
             "query, headers, body, raw_body, the factories header(...), headers(...), url(...), body(...) "
             "and ignoring(...), and any function from a request to a hashable key"),
            ("Method", "did you mean 'method'?"),
            ("bdoy", "did you mean 'body'?"),
            ("rawbody", "did you mean 'raw_body'?"),
            ("uri", "'uri' of vcrpy and betamax is 'url' here"),
            ("digest-auth", "betamax's 'digest-auth' is not needed here"),
            ("xyzzy", "unknown matcher 'xyzzy'; known are"),
            ("", "unknown matcher ''; known are"),
            ("method,url", "unknown matcher 'method,url'"),
        ):  # fmt: skip
            with self.subTest(name), self.assertRaises(ValueError) as caught:
                resolve_matchers(["method", name])
            with self.subTest(name):
                self.assertIn(expected, str(caught.exception))

    def test_no_matcher_at_all_is_an_error(self) -> None:
        for nothing in ((), [], [[]]):
            with self.assertRaisesRegex(ValueError, "match_on is empty, so any request would match any other"):
                resolve_matchers(nothing)

    def test_anything_else_is_an_error(self) -> None:
        for junk in (None, 7, [None], [7], b"url", [b"url"], {"url": True}, [{"method": 1}]):
            with self.subTest(junk), self.assertRaisesRegex(TypeError, "match_on takes names"):
                resolve_matchers(junk)  # type: ignore[arg-type]
        with self.assertRaisesRegex(TypeError, r'header is to be called: header\("Accept"\)'):
            resolve_matchers([header])
        with self.assertRaisesRegex(TypeError, "ignoring is to be called"):
            resolve_matchers([ignoring])  # type: ignore[list-item]
        with self.assertRaisesRegex(TypeError, "header\\(\\) compares the headers it is given"):
            header()

    def test_a_function_takes_one_request_and_returns_at_once(self) -> None:
        async def late(request: InteractionRequest) -> str:
            return request.url

        def pairwise(one: InteractionRequest, other: InteractionRequest) -> bool:
            return one.url == other.url

        def yielding(request: InteractionRequest) -> Iterator[str]:
            yield request.url

        with self.assertRaisesRegex(TypeError, "the matcher yielding is a generator"):
            resolve_matchers([yielding])
        with self.assertRaisesRegex(TypeError, "the matcher late is an async function"):
            resolve_matchers([late])
        with self.assertRaisesRegex(
            TypeError, "the matcher pairwise does not take one argument: missing .* Other tools' matchers compare two"
        ):
            resolve_matchers([pairwise])  # type: ignore[list-item]
        self.assertEqual(resolve_matchers(lambda request, deep=True: request.url)[0].name, "<lambda>")
        self.assertTrue(match(a_request(), a_request(), hash))

    def test_factories_check_what_they_are_given(self) -> None:
        for make in (
            lambda: header(7),  # type: ignore[arg-type]
            lambda: url(ignore=[b"ts"]),  # type: ignore[list-item]
            lambda: headers(ignore=[None]),  # type: ignore[list-item]
            lambda: body(json=[7]),  # type: ignore[list-item]
            lambda: ignoring(query=[7]),  # type: ignore[list-item]
        ):
            with self.assertRaisesRegex(TypeError, "takes names as str"):
                make()
        with self.assertRaisesRegex(ValueError, "the JSON path 'a\\[', at column 3"):
            ignoring(json=["a["])

    def test_a_set_of_names_is_taken(self) -> None:
        self.assertEqual({matcher.name for matcher in resolve_matchers({"url", "method"})}, {"url", "method"})


if __name__ == "__main__":
    unittest.main()
