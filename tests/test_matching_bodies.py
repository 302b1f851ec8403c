"""Bodies: what is equal by media type, and what is not."""

from __future__ import annotations

import gzip
import unittest
import warnings
import zlib

import brotli  # type: ignore[import-untyped]
import zstandard

from cassettes_lib.models import InteractionRequest
from tests.support_matching import field, json_posted, match, multipart, posted

FORM = "application/x-www-form-urlencoded"


class JsonBodyTest(unittest.TestCase):
    def assert_same(self, one: str | bytes, other: str | bytes, content_type: str = "application/json") -> None:
        with self.subTest(one=one, other=other):
            self.assertTrue(match(posted(one, content_type), posted(other, content_type)))

    def assert_different(self, one: str | bytes, other: str | bytes, content_type: str = "application/json") -> None:
        with self.subTest(one=one, other=other):
            self.assertFalse(match(posted(one, content_type), posted(other, content_type)))

    def test_json_compares_as_a_value(self) -> None:
        self.assert_same('{"a": 1, "b": [2, {"c": null, "d": 3}]}', '{"b":[2,{"d":3,"c":null}],\n"a":1}')
        self.assert_same('{"a": "\\u00e9\\/"}', '{"a": "é/"}')
        self.assert_same("[1.5, 100, 0.1]", "[1.50, 1e2, 1E-1]")

    def test_any_other_value_is_different(self) -> None:
        values = [
            '{"a": 1}', '{"a": 2}', '{"a": "1"}', '{"a": true}', '{"a": null}', '{"a": [1]}', '{"a": {}}',
            '{"a": []}', '{"a": ""}',
            '{"a": 0}', '{"a": false}', '{"A": 1}', '{"a": 1, "b": null}', "{}", "[]", "null", "0", '""', "1",
            "true", '"1"',
            '{"a": 1.5}', '{"a": "1.5"}', '{"a": 12345678901234567890123}', '{"a": 12345678901234567890124}',
        ]  # fmt: skip
        for position, one in enumerate(values):
            for other in values[position + 1 :]:
                self.assert_different(one, other)

    def test_the_order_of_elements_counts(self) -> None:
        self.assert_different("[1, 2]", "[2, 1]")

    def test_a_number_is_its_value_and_not_its_spelling(self) -> None:
        self.assert_same("[1, 0, -3]", "[1.0, -0.0, -3e0]")
        self.assert_different("[9007199254740993]", "[9007199254740993.5]")
        self.assert_different("[9007199254740994]", "[9007199254740993.5]")
        self.assert_same("[100000000000000000000]", "[1e20]")
        self.assert_same("[9007199254740993]", "[9007199254740993.0]")
        self.assert_different("[9007199254740993]", "[9007199254740992.0]")

    def test_numbers_beyond_a_double_are_compared_by_bytes(self) -> None:
        self.assert_different("[1e400]", "[1e500]")
        self.assert_different("[1e-400]", "[1e-500]")
        self.assert_different("[1e-400]", "[0]")
        self.assert_different("[" + "1" * 5000 + "]", "[" + "1" * 4999 + "2]")
        self.assert_same("[1e400]", "[1e400]")

    def test_members_given_twice_are_compared_by_bytes(self) -> None:
        self.assert_different('{"a": 1, "a": 2}', '{"a": 2}')
        self.assert_different('{"a": 1, "a": 2}', '{"a": 2, "a": 2}')
        self.assert_different('[{"a": {"b": 1, "b": 1}}]', '[{"a": {"b": 1}}]')

    def test_the_charset_and_the_byte_order_mark_do_not_matter(self) -> None:
        one = posted('{"a": "é"}', "application/json")
        for encoding, content_type in (
            ("utf-8", "application/json; charset=utf-8"),
            ("utf-8", 'application/json; charset="UTF-8"'),
            ("latin-1", "application/json; charset=ISO-8859-1"),
            ("utf-16", "application/json; charset=utf-16"),
            ("utf-16-le", "application/json"),
            ("utf-16", "application/json"),
            ("utf-32", "application/json"),
            ("utf-8-sig", "application/json"),
            ("utf-8-sig", "application/json; charset=utf-8"),
            ("utf-8-sig", 'application/json; x="a;b" ; Charset=UTF8'),
        ):
            with self.subTest(encoding, content_type=content_type):
                self.assertTrue(match(one, posted('{"a":"é"}'.encode(encoding), content_type)))
        self.assert_same("{}", "{}", "application/json; charset=no-such")
        self.assert_different('{"a":1}', '{"a": 1}', "application/json; charset=no-such")

    def test_types_that_are_json_by_name(self) -> None:
        for content_type in (
            "application/json", "Application/JSON", "application/vnd.api+json",
            "application/problem+json; charset=utf-8",
            "application/merge-patch+json", "text/json", "application/x-amz-json-1.1", "application/ld+json;profile=x",
        ):  # fmt: skip
            self.assert_same('{"a":1,"b":2}', '{"b":2,"a":1}', content_type)

    def test_json_without_such_a_type_is_compared_by_bytes(self) -> None:
        for content_type in ("", "text/plain", "application/octet-stream", "application/jsonp",
        "application/x-json-thing"):
            self.assert_different('{"a":1,"b":2}', '{"b":2,"a":1}', content_type)
            self.assert_same('{"a":1}', '{"a":1}', content_type)

    def test_what_does_not_parse_is_compared_by_bytes(self) -> None:
        for one, other in (
            ("{", "{ "), ('{"a":1}x', '{"a":1}y'), ("NaN", "nan"), ("[NaN]", "[NaN ]"), ("[Infinity]",
            "[ Infinity]"), ("'a'", "'a' "),
            (b"\xff\xfe\xfa", b"\xff\xfe\xfb"), (b'{"a":"\xe9"}', b'{"a":"\xe8"}'), (b"\xff", b"\xfe"),
            ("[" * 100_000, "[" * 100_001), ("[" * 300 + "]" * 300, "[" * 300 + " " + "]" * 300),
        ):  # fmt: skip
            self.assert_different(one, other)
            self.assert_same(one, one)

    def test_a_codec_that_warns_is_no_exception_where_warnings_are_errors(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.assert_different('"\\z"', '"\\y"', "application/json; charset=unicode_escape")

    def test_lone_surrogates_are_characters_like_others(self) -> None:
        self.assert_same('{"a":1,"b":"\\ud800"}', '{"b":"\\uD800","a":1}')
        self.assert_different('["\\ud800"]', '["\\ud801"]')

    def test_a_different_type_is_a_different_body(self) -> None:
        self.assertFalse(match(posted("{}", "application/json"), posted("{}", "text/plain")))
        self.assertFalse(match(posted("{}", "application/json"), posted("{}")))
        self.assertFalse(match(posted("{}"), posted("")))


class FormBodyTest(unittest.TestCase):
    def assert_forms(self, same: bool, one: str | bytes, other: str | bytes) -> None:
        with self.subTest(one=one, other=other):
            self.assertEqual(match(posted(one, FORM), posted(other, FORM + "; charset=utf-8")), same)

    def test_a_form_is_its_pairs_in_any_order_of_names(self) -> None:
        self.assert_forms(True, "a=1&b=2&c=3", "c=3&b=2&a=1")
        self.assert_forms(True, "a=x+y&b=%7e", "b=~&%61=x%20y")
        self.assert_forms(True, "name=Jos%C3%A9", "name=José")

    def test_the_order_of_one_names_repeats_is_kept(self) -> None:
        self.assert_forms(False, "a=1&a=2", "a=2&a=1")
        self.assert_forms(True, "a=1&b=0&a=2", "b=0&a=1&a=2")

    def test_anything_else_is_different(self) -> None:
        values = ["a=1", "a=2", "b=1", "a=1&a=1", "a=1&b=", "a=", "a=1%26b=", "a=%31%00", "a=%E9", "a=%FF", "A=1"]
        for position, one in enumerate(values):
            for other in values[position + 1 :]:
                self.assert_forms(False, one, other)

    def test_what_is_no_form_is_compared_by_bytes(self) -> None:
        self.assert_forms(False, '{"a": "1+1"}', '{"a": "1 1"}')
        self.assert_forms(False, "a=%", "a=%25")
        self.assert_forms(False, b"a=\0&b", b"b&a=\0")
        self.assert_forms(True, b"a=\0&b", b"a=\0&b")


class MultipartBodyTest(unittest.TestCase):
    def test_the_boundary_does_not_matter(self) -> None:
        parts = [field("a", "1"), field("b", "2", '; filename="b.txt"')]
        self.assertTrue(match(multipart(*parts), multipart(*parts, boundary="other-boundary")))
        quoted = multipart(*parts, boundary="q u o")
        quoted = quoted.model_copy(update={"headers": (("content-type", 'Multipart/Form-Data; Boundary="q u o"'),)})
        self.assertTrue(match(multipart(*parts), quoted))

    def test_every_part_counts(self) -> None:
        typed = 'Content-Disposition: form-data; name="a"\r\nContent-Type: {}\r\n\r\n1'
        bodies = [
            multipart(field("a", "1")), multipart(field("a", "2")), multipart(field("b", "1")), multipart(),
            multipart(field("a", "1", '; filename="f"')), multipart(field("a", "1", '; filename="g"')),
            multipart(typed.format("text/plain")), multipart(typed.format("text/html")),
            multipart(typed.format("text/html; charset=utf-16")),
            multipart(field("a", "1"), field("a", "1")), multipart(field("a", "1"), field("b", "2")),
            multipart(field("b", "2"), field("a", "1")), multipart(field("a", "1"), kind="mixed"),
            multipart(field("a", "1\r\n")),
            multipart(field("a")), multipart('Content-Disposition: form-data; name="a"\r\nX-Id: 7\r\n\r\n1'),
            multipart("\r\n1"), multipart('Content-Disposition: attachment; name="a"\r\n\r\n1'),
        ]  # fmt: skip
        for position, one in enumerate(bodies):
            self.assertTrue(match(one, one))
            for other in bodies[position + 1 :]:
                with self.subTest(one=one.body, other=other.body):
                    self.assertFalse(match(one, other))

    def test_the_spelling_of_part_headers_does_not_matter(self) -> None:
        one = multipart(
            'Content-Disposition: form-data; name="a"; filename="f"\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\n1'
        )
        other = multipart(
            "content-type:Text/Plain;charset=utf-8\r\ncontent-DISPOSITION:form-data;filename=f;name=a\r\n"
            "Content-Length: 1\r\n\r\n1"
        )
        self.assertTrue(match(one, other))

    def test_a_filename_in_the_form_of_rfc_5987_is_that_name(self) -> None:
        one = multipart(field("a", "1", "; filename*=UTF-8''na%C3%AFve.txt"))
        self.assertTrue(match(one, multipart(field("a", "1", '; filename="naïve.txt"'))))
        self.assertTrue(match(multipart(field("a", "1", "; filename*=x")), multipart(field("a", "1", "; filename*=x"))))

    def test_binary_parts_are_compared_by_bytes(self) -> None:
        head = b'Content-Disposition: form-data; name="a"; filename="f"\r\nContent-Type: image/png\r\n\r\n'
        data = bytes(range(256)) * 40 + b"\r\n--\r\n--C\r\n--BB\r\n"
        one = multipart(head + data, boundary="B")
        self.assertTrue(match(one, multipart(head + data, boundary="X-Y")))
        for changed in (data[:-1], data + b"\0", data.replace(b"\x07", b"\x08", 1), data + b"\n"):
            self.assertFalse(match(one, multipart(head + changed, boundary="X-Y")))

    def test_json_parts_are_compared_by_value(self) -> None:
        part = 'Content-Disposition: form-data; name="a"\r\nContent-Type: application/json\r\n\r\n{}'
        self.assertTrue(match(multipart(part.format('{"a":1,"b":2}')), multipart(part.format('{"b":2,"a":1}'))))
        self.assertFalse(match(multipart(part.format('{"a":1,"b":2}')), multipart(part.format('{"b":2,"a":2}'))))

    def test_nested_multiparts_are_compared_by_their_parts(self) -> None:
        def nested(inner: str, value: str) -> str:
            within = multipart(field("x", value), boundary=inner).body.decode()
            return f"Content-Type: multipart/mixed; boundary={inner}\r\n\r\n{within}"

        self.assertTrue(match(multipart(nested("I", "1"), boundary="O"), multipart(nested("J", "1"), boundary="P")))
        self.assertFalse(match(multipart(nested("I", "1"), boundary="O"), multipart(nested("I", "2"), boundary="O")))

    def test_preamble_and_epilogue_are_not_part_of_it(self) -> None:
        one = multipart(field("a", "1"))
        wrapped = one.model_copy(update={"body": b"This is MIME.\r\n" + one.body + b"The end.\r\n"})
        self.assertTrue(match(one, wrapped))
        unfinished = one.model_copy(update={"body": one.body.removesuffix(b"\r\n")})
        self.assertTrue(match(one, unfinished))

    def test_line_feeds_alone_are_understood_too(self) -> None:
        def bare(boundary: str, value: str) -> InteractionRequest:
            text = f'--{boundary}\nContent-Disposition: form-data; name="a"\n\n{value}\n--{boundary}--\n'
            return posted(text, f"multipart/form-data; boundary={boundary}")

        self.assertTrue(match(bare("A", "1"), bare("B", "1")))
        self.assertTrue(match(bare("A", "1"), multipart(field("a", "1"))))
        self.assertFalse(match(bare("A", "1"), bare("B", "1\r")))

    def test_names_in_quotes_may_hold_quotes(self) -> None:
        one = multipart(field('a\\"b', "1", '; filename="x; name=y"'))
        self.assertTrue(match(one, multipart(field('a\\"b', "1", '; filename="x; name=y"'), boundary="C")))
        self.assertFalse(match(one, multipart(field('a\\"c', "1", '; filename="x; name=y"'))))
        self.assertFalse(match(one, multipart(field('a\\"b', "1", '; filename="x; name=z"'))))
        self.assertTrue(match(multipart(field("a", "1", "; filename=f")), multipart(field("a", "1", '; FileName="f"'))))

    def test_what_does_not_parse_is_compared_by_bytes(self) -> None:
        for text in (
            "--B", "--B\r\n", "--B\r\n--B--", "--B\r\na\r\n--B--", "--B\r\na: b\r\n--B--", "--B\r\n\r\n1\r\n",
            "--B\r\n\r\n1\r\n--B-", "--B\r\nno header\r\n\r\n1\r\n--B--", "--B\r\n\r\n1\r\n--Bx--",
            "--B\r\n\r\n1--B--", "--B\r\n--B\r\n\r\n1\r\n--B--", "--B\n\r\n1\r\n--B--",
        ):  # fmt: skip
            with self.subTest(text):
                one = posted(text, "multipart/form-data; boundary=B")
                self.assertTrue(match(one, one))
                self.assertFalse(match(one, posted(text.replace("B", "C"), "multipart/form-data; boundary=C")))
        whole = "--B\r\n\r\n1\r\n--B--"
        typed = "multipart/mixed; boundary=B"
        self.assertTrue(match(posted(whole, typed), posted(whole + " ", typed)))
        for content_type in ("multipart/mixed", 'multipart/mixed; boundary=""', "multipart/mixed; boundary=C"):
            self.assertFalse(match(posted(whole, content_type), posted(whole + " ", content_type)))

    def test_no_nesting_is_an_exception(self) -> None:
        body, boundaries = "--0\r\n\r\n1\r\n--0--", range(1, 60)
        for number in boundaries:
            body = f"--{number}\r\nContent-Type: multipart/mixed; boundary={number - 1}\r\n\r\n{body}\r\n--{number}--"
        one = posted(body, "multipart/mixed; boundary=59")
        self.assertTrue(match(one, one))
        self.assertFalse(match(one, posted(body.replace("1\r\n--0", "2\r\n--0"), "multipart/mixed; boundary=59")))


class OtherBodiesTest(unittest.TestCase):
    def test_xml_and_the_rest_are_compared_by_bytes(self) -> None:
        for content_type in ("application/xml", "text/plain", "image/png", "", "nonsense", ";;;",
        "application/x-ndjson"):
            self.assertTrue(match(posted("<a/>", content_type), posted("<a/>", content_type)))
            self.assertFalse(match(posted("<a/>", content_type), posted("<a />", content_type)))

    def test_an_empty_body_is_an_empty_body(self) -> None:
        for content_type in ("application/json", FORM, "multipart/form-data; boundary=B", "text/plain"):
            self.assertTrue(match(posted("", content_type), posted("")))
            self.assertFalse(match(posted("", content_type), posted("x")))

    def test_compressed_bodies_are_compared_by_what_they_hold(self) -> None:
        data, other = b'{"a": 1, "b": 2}', b'{"b":2,"a":1}'
        one = posted(data, "application/json")
        raw = zlib.compressobj(wbits=-15)
        for coding, compressed in (
            ("gzip", gzip.compress(other, 9, mtime=1)), ("x-gzip", gzip.compress(other, 1, mtime=2)), ("deflate",
            zlib.compress(other)),
            ("GZIP", gzip.compress(other[:5]) + gzip.compress(other[5:])), ("deflate",
            raw.compress(other) + raw.flush()),
            ("br", brotli.compress(other)), ("zstd", zstandard.compress(other)), ("identity", other),
            ("deflate, gzip", gzip.compress(zlib.compress(other))),
        ):  # fmt: skip
            with self.subTest(coding):
                self.assertTrue(match(one, posted(compressed, "application/json", Content_Encoding=coding)))
        changed = gzip.compress(b'{"a": 1, "b": 3}')
        self.assertFalse(match(one, posted(changed, "application/json", Content_Encoding="gzip")))

    def test_other_headers_do_not_matter(self) -> None:
        one = posted('{"a": 1}', "application/json", Accept="gzip", X_Content_Coding="gzip")
        self.assertTrue(match(one, posted('{"a":1}', "application/json", Accept_Encoding="br")))

    def test_a_body_that_cannot_be_decompressed_is_compared_as_it_is(self) -> None:
        for coding in ("gzip", "deflate", "br", "zstd", "unheard-of", "gzip, br"):
            one = posted(gzip.compress(b"x" * 99)[:-9], "text/plain", Content_Encoding=coding)
            self.assertTrue(match(one, one))
            self.assertFalse(match(one, one.model_copy(update={"body": one.body + b"x"})))

    def test_raw_body_compares_the_bytes_on_the_wire(self) -> None:
        self.assertFalse(match(json_posted({"a": 1, "b": 2}), json_posted({"b": 2, "a": 1}), "raw_body"))
        self.assertTrue(match(posted("{}", "text/plain"), posted("{}", "application/json"), "raw_body"))


if __name__ == "__main__":
    unittest.main()
