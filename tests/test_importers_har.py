"""The importers for HAR and for the recorder of responses against each quirk they were built for."""

from __future__ import annotations

import base64
import gzip
import json
import unittest
from typing import Any

from cassettes_lib.errors import CassetteImportError
from cassettes_lib.importers import ImportResult, import_cassette, import_recording
from cassettes_lib.models import InteractionResponse


class HarTest(unittest.TestCase):
    def entry(self, **changes: Any) -> dict[str, Any]:
        return {
            "startedDateTime": "2020-01-30T07:08:19.576Z",
            "request": {"method": "GET", "url": "https://a.example/", "headers": []} | changes.pop("request", {}),
            "response": {
                "status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "headers": [], "content": {"text": "x"},
            } | changes.pop("response", {}),
        } | changes

    def read(self, *entries: Any, **log: Any) -> ImportResult:
        return import_recording(json.dumps({"log": {"version": "1.2", "entries": list(entries)} | log}), path="a.har")

    def response(self, **response: Any) -> InteractionResponse:
        found = self.read(self.entry(response=response)).cassette.interactions[0].response
        assert found is not None
        return found

    def test_entries_that_hold_no_exchange_are_skipped_and_counted(self) -> None:
        empty = [
            self.entry(request={"url": "data:text/plain,x"}), self.entry(request={"url": "about:blank"}),
            self.entry(request={"url": "/relative/url?x=1"}), self.entry(response={"status": 0}),
            self.entry(response={"status": 101}), self.entry(_resourceType="websocket"),
            self.entry(request={"url": "wss://a.example/"}), self.entry() | {"response": None},
            {"request": {"method": "GET", "url": "https://a.example/"}},
        ]
        result = self.read(self.entry(), *empty)
        self.assertEqual((len(result.cassette.interactions), result.skipped), (1, len(empty)))
        self.assertEqual(len(result.warnings), len(empty))
        self.assertTrue(result.warnings[0].startswith("interaction 2: skipped: "))

    def test_text_is_decoded_already_whatever_content_encoding_says(self) -> None:
        headers = [{"name": "Content-Encoding", "value": "gzip"}]
        response = self.response(headers=headers, content={"text": "plain"})
        self.assertEqual((response.body, response.wire_body), (b"plain", False))
        packed = gzip.compress(b"a tar archive")
        content = {"text": base64.b64encode(packed).decode(), "encoding": "base64"}
        self.assertEqual(self.response(headers=headers, content=content).body, packed)

    def test_the_chunks_of_polly_are_put_together_and_decoded(self) -> None:
        packed = gzip.compress(b"polly")
        headers = [{"name": "content-encoding", "value": ["gzip"]}]
        contents: list[dict[str, Any]] = [
            {"text": json.dumps([packed[:5].hex(), packed[5:].hex()]), "_isBinary": True},
            {"text": json.dumps([base64.b64encode(packed).decode()]), "encoding": "base64", "_isBinary": True},
        ]
        for content in contents:
            self.assertEqual(self.response(headers=headers, content=content).body, b"polly")
        old = self.read(
            self.entry(response={"headers": headers, "content": {"text": json.dumps([packed.hex()])}}),
            creator={"name": "Polly.JS", "version": "1.4.1"},
        ).cassette.interactions[0].response
        assert old is not None
        self.assertEqual(old.body, b"polly")

    def test_a_json_array_of_hexadecimal_text_from_elsewhere_is_what_it_is(self) -> None:
        self.assertEqual(self.response(content={"text": '["1f8b", "00"]'}).body, b'["1f8b", "00"]')

    def test_pseudo_headers_are_left_out_and_joined_values_taken_apart(self) -> None:
        headers = [{"name": ":status", "value": "200"}, {"name": "Set-Cookie", "value": "a=1; Path=/\nb=2"},
                   {"name": "Vary", "value": ["A", "B"]}]
        self.assertEqual(
            self.response(headers=headers).headers,
            (("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2"), ("Vary", "A"), ("Vary", "B")),
        )

    def test_a_form_without_text_is_put_together_from_its_params(self) -> None:
        params = [{"name": "a b", "value": "ö&"}, {"name": "c"}]
        post = {"mimeType": "application/x-www-form-urlencoded", "params": params}
        result = self.read(self.entry(request={"method": "POST", "postData": post}))
        self.assertEqual(result.cassette.interactions[0].request.body, b"a+b=%C3%B6%26&c=")
        self.assertIn("put together", result.warnings[0])

    def test_a_multipart_form_without_text_is_put_together_with_its_boundary(self) -> None:
        file = {"name": "f", "fileName": "x.txt", "contentType": "text/plain", "value": "hi"}
        post = {"mimeType": "multipart/form-data; boundary=XX", "params": [{"name": "a", "value": "1"}, file]}
        body = self.read(self.entry(request={"method": "POST", "postData": post})).cassette.interactions[0].request.body
        self.assertEqual(
            body,
            b'--XX\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
            b'--XX\r\nContent-Disposition: form-data; name="f"; filename="x.txt"\r\n'
            b"Content-Type: text/plain\r\n\r\nhi\r\n--XX--\r\n",
        )

    def test_http_versions_are_written_in_many_ways(self) -> None:
        for written, version in (("HTTP/1.0", "1.0"), ("http/2.0", "2"), ("h2", "2"), ("h3", "3"), ("", "1.1"),
                                 ("unknown", "1.1"), (None, "1.1")):
            self.assertEqual(self.response(httpVersion=written).http_version, version)

    def test_a_body_in_another_file_is_read_from_there_or_is_an_error(self) -> None:
        text = json.dumps({"log": {"entries": [self.entry(response={"content": {"_file": "body.html"}})]}})
        with self.assertRaises(CassetteImportError) as caught:
            import_recording(text)
        self.assertIn("body.html", str(caught.exception))
        result = import_recording(text, read_attachment=lambda name: f"the content of {name}".encode())
        response = result.cassette.interactions[0].response
        assert response is not None
        self.assertEqual(response.body, b"the content of body.html")

    def test_jsonp_and_a_wrapped_archive_are_named(self) -> None:
        for text, named in (("onInputData({\"log\": {}});", "JSONP"), ('{"x": {"log": {"entries": []}}}', "wrapped")):
            with self.assertRaises(CassetteImportError) as caught:
                import_cassette(text)
            self.assertIn(named, str(caught.exception))


class ResponsesTest(unittest.TestCase):
    def read(self, **changes: Any) -> ImportResult:
        response = {"method": "GET", "url": "https://a.example/", "status": 200, "body": "x"} | changes
        return import_recording(json.dumps({"responses": [{"response": response}]}))

    def test_damaged_binary_is_imported_with_a_warning_that_says_so(self) -> None:
        result = self.read(body="ID3\ufffd")
        self.assertTrue(any("damaged" in warning for warning in result.warnings))

    def test_the_content_type_joins_the_headers_unless_it_is_there(self) -> None:
        invented, given = (("Content-Type", "text/plain"),), (("content-type", "a/b"),)
        for headers, expected in (({}, invented), (dict(given), given)):
            response = self.read(headers=headers, content_type="text/plain").cassette.interactions[0].response
            assert response is not None
            self.assertEqual(response.headers, expected)


if __name__ == "__main__":
    unittest.main()
