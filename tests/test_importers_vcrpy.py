"""The importers for vcrpy and betamax against each quirk they were built for."""

from __future__ import annotations

import base64
import gzip
import json
import sys
import unittest
import zlib
from datetime import UTC, datetime
from typing import Any
from unittest import mock

from cassettes_lib.errors import CassetteImportError
from cassettes_lib.importers import ImportResult, import_cassette, import_recording
from cassettes_lib.models import Interaction, InteractionResponse

GIF = b"GIF89a\x01\x00\xff\xfe"


class VcrpyTest(unittest.TestCase):
    def interaction(self, **changes: Any) -> dict[str, Any]:
        return {
            "request": {
                "method": "GET", "uri": "https://a.example/", "headers": {}, "body": None,
            } | changes.pop("request", {}),
            "response": {
                "status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": "x"},
            } | changes.pop("response", {}),
        } | changes

    def read(self, *entries: dict[str, Any], **top: Any) -> ImportResult:
        return import_recording(json.dumps({"version": 1, "interactions": list(entries)} | top), path="c.json")

    def response(self, **response: Any) -> InteractionResponse:
        found = self.read(self.interaction(response=response)).cassette.interactions[0].response
        assert found is not None
        return found

    def yaml(self, text: str) -> Interaction:
        return import_cassette(text).interactions[0]

    def test_a_stored_compressed_body_is_decoded_and_its_header_kept(self) -> None:
        stored = base64.b64encode(gzip.compress(b"plain")).decode()
        response = self.response(headers={"Content-Encoding": ["gzip"]}, body={"base64_string": stored})
        self.assertEqual((response.body, response.wire_body), (b"plain", False))
        self.assertEqual(response.header("content-encoding"), "gzip")

    def test_a_plain_body_under_a_lying_content_encoding_is_taken_as_decoded(self) -> None:
        for coding in ("gzip", "deflate", "br", "zstd", "gzip, br"):
            with self.subTest(coding):
                response = self.response(headers={"Content-Encoding": [coding]}, body={"string": "x plain"})
                self.assertEqual((response.body, response.wire_body), (b"x plain", False))

    def test_a_damaged_compressed_body_stays_as_it_came(self) -> None:
        whole = gzip.compress(b"plain" * 100)
        for damaged in (whole[:-3], whole + b"!", whole[:-8] + bytes(8)):
            stored = base64.b64encode(damaged).decode()
            response = self.response(headers={"Content-Encoding": "gzip"}, body={"base64_string": stored})
            self.assertEqual((response.body, response.wire_body), (damaged, True))

    def test_zlib_and_bare_deflate_are_both_undone(self) -> None:
        bare = zlib.compressobj(wbits=-15)
        for stored in (zlib.compress(b"plain" * 9), bare.compress(b"plain" * 9) + bare.flush()):
            body = {"base64_string": base64.b64encode(stored).decode()}
            self.assertEqual(self.response(headers={"content-encoding": "deflate"}, body=body).body, b"plain" * 9)

    def test_a_body_of_an_unknown_coding_stays_as_it_came(self) -> None:
        response = self.response(headers={"Content-Encoding": "aws-chunked"}, body={"string": "x"})
        self.assertEqual((response.body, response.wire_body), (b"x", True))

    def test_headers_come_in_every_shape(self) -> None:
        shapes: list[tuple[Any, list[tuple[str, str]]]] = [
            ({"A": ["1", "2"], "B": "x"}, [("A", "1"), ("A", "2"), ("B", "x")]),
            ({"Age": 7, "X": 1.5, "Y": True}, [("Age", "7"), ("X", "1.5"), ("Y", "true")]),
            ([["A", ["1", "2"]], ["B", "x"]], [("A", "1"), ("A", "2"), ("B", "x")]),
            (["A: 1\r\n", "Location: http://a/b:c\r\n"], [("A", "1"), ("Location", "http://a/b:c")]),
            (None, []),
            ({}, []),
            ({"A": {"b": ["c"]}}, [("A", '{"b": ["c"]}')]),
            ({"N": "snö \u2713"}, [("N", "snö ✓".encode().decode("latin-1"))]),
            ({"N": "snö"}, [("N", "snö")]),
        ]
        for shape, expected in shapes:
            with self.subTest(shape):
                self.assertEqual(list(self.response(headers=shape).headers), expected)

    def test_a_header_that_is_an_object_is_warned_of(self) -> None:
        result = self.read(self.interaction(response={"headers": {"A": {"b": 1}}}))
        self.assertIn("interaction 1: the header A of the response is an object", result.warnings[0])

    def test_a_header_with_a_line_break_inside_is_an_error(self) -> None:
        with self.assertRaises(CassetteImportError) as caught:
            self.read(self.interaction(response={"headers": {"A": "1\nB: 2"}}))
        self.assertEqual(caught.exception.interaction, 1)

    def test_the_reason_is_missing_or_empty_or_given(self) -> None:
        reasons: list[tuple[dict[str, Any], str]] = [
            ({"code": 404}, "Not Found"), ({"code": 404, "message": ""}, ""), ({"code": 404, "message": None}, ""),
            ({"code": 404, "message": "Gone fishing"}, "Gone fishing"), ({"code": 799}, ""),
        ]
        for status, reason in reasons:
            with self.subTest(status):
                self.assertEqual(self.response(status=status).reason, reason)

    def test_the_old_shape_of_httpx_is_read(self) -> None:
        entry = self.interaction()
        entry["response"] = {"status_code": 201, "http_version": "HTTP/2", "headers": {}, "content": "né"}
        response = self.read(entry).cassette.interactions[0].response
        assert response is not None
        self.assertEqual((response.status, response.reason, response.body), (201, "Created", "né".encode()))
        self.assertEqual(response.http_version, "2")

    def test_request_bodies_are_null_or_text_or_an_object(self) -> None:
        bodies: list[tuple[Any, bytes]] = [
            (None, b""), ("", b""), ("a=1", b"a=1"), ({"string": "é"}, "é".encode()),
            ({"model": "x", "n": 1}, b'{"model": "x", "n": 1}'), ({}, b"{}"),
        ]
        for body, expected in bodies:
            with self.subTest(body):
                request = self.read(self.interaction(request={"body": body})).cassette.interactions[0].request
                self.assertEqual(request.body, expected)

    def test_a_missing_body_is_an_empty_one(self) -> None:
        entry = self.interaction()
        for message in (entry["request"], entry["response"]):
            del message["body"], message["headers"]
        interaction = self.read(entry).cassette.interactions[0]
        assert interaction.response is not None
        self.assertEqual((interaction.request.body, interaction.response.body), (b"", b""))

    def test_unknown_members_are_ignored_and_the_version_may_be_missing(self) -> None:
        result = import_recording(json.dumps({"interactions": [self.interaction(extra=1)], "recorded_with": "x"}))
        self.assertEqual(len(result.cassette.interactions), 1)
        self.assertEqual(result.warnings, ())

    def test_a_naive_time_stamp_is_utc(self) -> None:
        cassette = self.read(self.interaction(recorded_at="2021-02-03T04:05:06")).cassette
        self.assertEqual(cassette.interactions[0].recorded_at, datetime(2021, 2, 3, 4, 5, 6, tzinfo=UTC))

    def test_a_time_stamp_that_cannot_be_read_is_left_out_with_a_warning(self) -> None:
        result = self.read(self.interaction(recorded_at="yesterday"))
        self.assertIsNone(result.cassette.interactions[0].recorded_at)
        self.assertIn("yesterday", result.warnings[0])

    def test_binary_and_python_tags_are_data(self) -> None:
        interaction = self.yaml(f"""
interactions:
- request:
    body: !!python/object/new:_io.BytesIO
      state: !!python/tuple
      - !!binary {base64.b64encode(GIF).decode()}
      - 3
      - null
    headers: {{X: [!!binary {base64.b64encode(b"caf" + bytes([0xe9])).decode()}]}}
    method: !!python/unicode 'POST'
    uri: !!python/unicode 'http://a.example/'
  response:
    body: {{string: !!binary {base64.b64encode(GIF).decode()}}}
    headers:
    - !!python/tuple [A, !!python/tuple ['1', '2']]
    status: {{code: 200, message: OK}}
    url: !!python/object/new:yarl.URL
      state: !!python/tuple
      - !!python/object/new:urllib.parse.SplitResult [https, a.example, /, x=1, '']
""")
        assert interaction.response is not None
        self.assertEqual(interaction.request.body, GIF[3:])
        self.assertEqual(interaction.request.headers, (("X", "caf\xe9"),))
        self.assertEqual((interaction.response.body, interaction.response.headers), (GIF, (("A", "1"), ("A", "2"))))

    def test_the_body_of_a_chunked_upload_is_what_the_iterator_had_left(self) -> None:
        for state, expected in ((0, b"onetwo"), (1, b"two"), (2, b"")):
            interaction = self.yaml(f"""
interactions:
- request:
    body: !!python/object/apply:builtins.iter
      args: [[!!binary b25l, two]]
      state: {state}
    headers: {{}}
    method: PUT
    uri: http://a.example/
  response: {{status: {{code: 200, message: OK}}, headers: {{}}, body: {{string: ''}}}}
""")
            self.assertEqual(interaction.request.body, expected)

    def test_urls_of_before_1_0_are_put_together(self) -> None:
        pieces: list[tuple[dict[str, Any], str]] = [
            ({"protocol": "https", "host": "a.example", "port": 443, "path": "/x?y=1"}, "https://a.example/x?y=1"),
            ({"protocol": "http", "host": "a.example", "port": 8080, "path": "/"}, "http://a.example:8080/"),
            ({"host": "a.example", "port": 443, "url": "/x"}, "https://a.example/x"),
            ({"host": "a.example", "port": 80, "url": "/"}, "http://a.example/"),
        ]
        for request, url in pieces:
            entry = self.interaction()
            entry["request"] = {"method": "GET", "body": None, "headers": {}} | request
            self.assertEqual(import_cassette(json.dumps([entry])).interactions[0].request.url, url)

    def test_an_explicit_default_port_and_a_connect_stay_as_they_are(self) -> None:
        entry = self.interaction(request={"method": "CONNECT", "uri": "https://a.example:443/sdk"})
        request = self.read(entry).cassette.interactions[0].request
        self.assertEqual((request.method, request.url), ("CONNECT", "https://a.example:443/sdk"))

    def test_an_error_says_file_interaction_and_reason(self) -> None:
        entry = self.interaction()
        del entry["response"]["status"]
        with self.assertRaises(CassetteImportError) as caught:
            self.read(self.interaction(), entry)
        error = caught.exception
        self.assertEqual((error.path, error.source_format, error.interaction), ("c.json", "vcrpy", 2))
        self.assertEqual(str(error), "c.json, interaction 2: the response has no status (read as vcrpy)")

    def test_a_duplicate_key_is_warned_of_and_the_last_one_counts_as_with_vcrpy(self) -> None:
        result = import_recording(
            "interactions:\n- request: {method: GET, uri: 'http://a/', uri: 'http://b/'}\n"
            "  response: {status: {code: 200}}\n"
        )
        self.assertEqual(result.cassette.interactions[0].request.url, "http://b/")
        self.assertIn("twice", result.warnings[0])

    def test_without_pyyaml_the_error_says_how_to_install_it(self) -> None:
        with mock.patch.dict(sys.modules, {"yaml": None}), self.assertRaises(CassetteImportError) as caught:
            import_cassette("interactions:\n- request: {}\n")
        self.assertIn("pip install 'cassettes-lib[yaml]'", str(caught.exception))

    def test_json_needs_no_pyyaml(self) -> None:
        with mock.patch.dict(sys.modules, {"yaml": None}):
            self.assertEqual(len(self.read(self.interaction()).cassette.interactions), 1)


class BetamaxTest(unittest.TestCase):
    def read(self, request: dict[str, Any] | None = None, response: dict[str, Any] | None = None) -> Interaction:
        entry = {
            "request": {"method": "GET", "uri": "https://a.example/", "headers": {}, "body": ""} | (request or {}),
            "response": {
                "status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"encoding": None, "string": ""},
            } | (response or {}),
            "recorded_at": "2013-12-22T16:30:30",
        }
        document = {"http_interactions": [entry], "recorded_with": "betamax/0.9.0"}
        return import_cassette(json.dumps(document)).interactions[0]

    def body(self, body: Any) -> bytes:
        response = self.read(response={"body": body}).response
        assert response is not None
        return response.body

    def test_base64_wins_over_an_empty_string(self) -> None:
        stored = base64.b64encode(GIF).decode()
        self.assertEqual(self.body({"string": "", "base64_string": stored, "encoding": "utf-8"}), GIF)

    def test_text_is_encoded_with_the_encoding_named_and_null_means_utf8(self) -> None:
        self.assertEqual(self.body({"string": "é", "encoding": "ISO-8859-1"}), b"\xe9")
        self.assertEqual(self.body({"string": "é", "encoding": None}), "é".encode())

    def test_an_encoding_that_is_no_way_to_write_text_is_an_error(self) -> None:
        for encoding in ("no-such", "hex", "idna", "undefined", "ascii", "a\0b", 7):
            with self.subTest(encoding), self.assertRaises(CassetteImportError):
                self.body({"string": "..é" * 50, "encoding": encoding})

    def test_the_shape_of_0_1_has_a_text_body_and_no_reason(self) -> None:
        entry = {"request": {"method": "POST", "uri": "http://a.example/", "headers": {"A": "b"}, "body": "x=1"},
                 "response": {"status_code": 404, "headers": {"C": "d"}, "body": {"string": "no", "encoding": None}}}
        interaction = import_cassette(json.dumps({"http_interactions": [entry]})).interactions[0]
        assert interaction.response is not None
        self.assertEqual(interaction.request.body, b"x=1")
        self.assertEqual((interaction.response.status, interaction.response.reason), (404, "Not Found"))
        self.assertIsNone(interaction.recorded_at)

    def test_a_placeholder_in_the_url_stays(self) -> None:
        self.assertEqual(self.read({"uri": "<craton-url>/clouds"}).request.url, "<craton-url>/clouds")


if __name__ == "__main__":
    unittest.main()
