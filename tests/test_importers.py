"""The importers against real recordings and malformed ones, and against each quirk they were built for."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from cassettes_lib.errors import CassetteImportError
from cassettes_lib.importers import FORMATS, ImportResult, detect_format, import_cassette, import_recording
from cassettes_lib.importers.reading import NotARecordingError
from cassettes_lib.models import Interaction, InteractionResponse

RECORDINGS = Path(__file__).parent / "data" / "recordings"
# A larger collection with an EXPECTED.json of the same members can be named here.
CORPUS = Path(os.environ.get("CASSETTES_CORPUS") or RECORDINGS)

GIF = b"GIF89a\x01\x00\xff\xfe"


def is_described(body: bytes, expected: dict[str, Any] | None) -> bool:
    if expected is None:
        return not body
    return (len(body), hashlib.sha256(body).hexdigest()) == (expected["length"], expected["sha256"])


def disagreements(interaction: Interaction, expected: dict[str, Any], file: dict[str, Any]) -> list[str]:
    request, response = interaction.request, interaction.response
    assert response is not None
    content = file.get("response_body_if_parsed_body_is_supported") or expected["content"]
    wrong = []
    if (request.method, request.url, response.status) != (expected["method"], expected["url"], expected["status"]):
        wrong.append("method, url or status")
    if expected["reason"] is not None and response.reason != expected["reason"]:
        wrong.append("reason")
    if not is_described(response.body, content) or response.wire_body:
        wrong.append("content")
    if not is_described(request.body, expected["request_body"]) and "request_params" not in expected:
        wrong.append("request body")
    if len(unfolded(expected, response)) != expected["response_header_pairs"]:
        wrong.append("headers")
    return wrong


def unfolded(expected: dict[str, Any], response: InteractionResponse) -> list[tuple[str, str]]:
    """The headers; Set-Cookie values that a HAR joined by line breaks count as the one they were stored as."""
    pairs = list(response.headers)
    cookies = [pair for pair in pairs if pair[0] == "Set-Cookie"]
    joined = len(cookies) == 9 and expected["response_header_pairs"] == 11
    return [pair for pair in pairs if pair[0] != "Set-Cookie"] + cookies[:1] if joined else pairs


class CorpusTest(unittest.TestCase):
    """Every recording gives the figures that its own tool gives, and every malformed one the error for it."""

    def setUp(self) -> None:
        described = json.loads((CORPUS / "EXPECTED.json").read_text(encoding="utf-8"))
        self.files: dict[str, dict[str, Any]] = described.get("files", described)

    def result(self, name: str) -> ImportResult | CassetteImportError:
        try:
            return import_recording((CORPUS / name).read_bytes(), path=name)
        except CassetteImportError as error:
            return error

    def test_each_recording_is_read_as_its_own_tool_reads_it(self) -> None:
        for name, file in self.files.items():
            if file["expect"] not in ("ok", "partial") and "parsed_body" not in file.get("why", ""):
                continue
            with self.subTest(name):
                result = self.result(name)
                assert isinstance(result, ImportResult), result
                interactions = result.cassette.interactions
                self.assertEqual(len(interactions), file.get("replayable", file["interactions"]))
                self.assertEqual(len(interactions) + result.skipped, file["interactions"])
                if interactions and "cohere" not in name:
                    first = file.get("first_replayable") or file["first"]
                    last = file.get("last_replayable") or file["last"]
                    self.assertEqual(disagreements(interactions[0], first, file), [])
                    self.assertEqual(disagreements(interactions[-1], last, file), [])

    def test_each_malformed_recording_is_an_error_that_names_the_file(self) -> None:
        for name, file in self.files.items():
            if file["expect"] == "error":
                with self.subTest(name):
                    error = self.result(name)
                    assert isinstance(error, CassetteImportError)
                    self.assertEqual(error.path, name)
                    self.assertIn(name, str(error))
                    self.assertLess(len(str(error)), 500)

    def test_what_may_be_read_or_refused_is_read_with_the_right_figures_or_refused_clearly(self) -> None:
        for name, file in self.files.items():
            if file["expect"] in ("either", "optional"):
                with self.subTest(name):
                    result = self.result(name)
                    if isinstance(result, ImportResult) and "interactions" in file:
                        self.assertEqual(len(result.cassette.interactions), file["interactions"])

    def test_nothing_in_a_recording_was_executed(self) -> None:
        with mock.patch("subprocess.Popen", side_effect=AssertionError("started")):
            for name in self.files:
                self.result(name)
        self.assertNotEqual(sys.getrecursionlimit(), 4321)
        self.assertNotIn("this", sys.modules)

    def test_importing_twice_gives_the_same(self) -> None:
        for name in self.files:
            with self.subTest(name):
                once, again = self.result(name), self.result(name)
                self.assertEqual(str(once), str(again))

    def test_the_format_is_seen_by_the_content(self) -> None:
        families = {"vcrpy_yaml": "vcrpy", "vcrpy_json": "vcrpy", "vcrpy_old": "vcrpy"}
        for name, file in self.files.items():
            family = name.split("/")[0]
            if file["expect"] in ("ok", "partial") and family != "malformed":
                with self.subTest(name):
                    self.assertEqual(detect_format((CORPUS / name).read_bytes()), families.get(family, family))


class DetectionTest(unittest.TestCase):
    def test_somebody_elses_file_is_told_from_a_damaged_recording(self) -> None:
        for text in ('{"name": "package", "version": "1"}', "hello", "[1, 2]", "- a\n- b", "[]", "{}", "<html></html>"):
            with self.subTest(text), self.assertRaises(NotARecordingError):
                import_cassette(text)
        for text in ('{"http_interactions": [', "interactions:\n- request: {", '{"log": {"entries"'):
            with self.subTest(text), self.assertRaises(CassetteImportError) as caught:
                import_cassette(text)
            self.assertNotIsInstance(caught.exception, NotARecordingError)
            self.assertIn(caught.exception.source_format, FORMATS)

    def test_our_own_cassette_is_named(self) -> None:
        with self.assertRaisesRegex(CassetteImportError, "cassettes_lib already"):
            import_cassette('{"format": 1, "interactions": []}')

    def test_lookalikes_are_named(self) -> None:
        lookalikes = {
            "go-vcr": {"interactions": [
                {"request": {"url": "http://a/"}, "response": {"status": "200 OK", "code": 200}},
            ]},
            "gRPC": {"interactions": [{"request_stream": {}, "response_stream": {}}]},
            "websocket": {"interactions": [{"kind": "message", "direction": "sent", "data": {}}]},
            "requests-cache": {"url": "http://a/", "status_code": 200, "_content": ""},
        }
        for name, document in lookalikes.items():
            with self.subTest(name), self.assertRaisesRegex(CassetteImportError, name):
                import_cassette(json.dumps(document))
        with self.assertRaisesRegex(CassetteImportError, "OkReplay"):
            import_cassette("!tape\nname: x\ninteractions: []\n")
        with self.assertRaisesRegex(CassetteImportError, "Ruby"):
            import_cassette("- !ruby/struct:VCR::HTTPInteraction\n  request: x\n")

    def test_a_format_that_is_given_is_the_one_that_is_read(self) -> None:
        text = '{"interactions": []}'
        with self.assertRaises(CassetteImportError) as caught:
            import_cassette(text, source_format="betamax", path="x.json")
        self.assertEqual((caught.exception.source_format, caught.exception.path), ("betamax", "x.json"))
        with self.assertRaisesRegex(ValueError, "known are vcrpy"):
            import_cassette(text, source_format="vcr")

    def test_a_byte_order_mark_and_utf16_are_read(self) -> None:
        text = '{"interactions": []}'
        for data in (text.encode("utf-8-sig"), text.encode("utf-16"), "\ufeff" + text):
            self.assertEqual(len(import_cassette(data).interactions), 0)


if __name__ == "__main__":
    unittest.main()
