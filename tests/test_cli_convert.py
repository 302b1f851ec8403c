"""`cassettes convert` on files and trees, as a user calls it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import requests

from cassettes_lib.cli import main
from cassettes_lib.cli_convert import target_name
from cassettes_lib.fileformat import parse_cassette
from cassettes_lib.importers import import_cassette
from cassettes_lib.models import Cassette
from cassettes_lib.recording import use_cassette
from tests.command import captured

RECORDINGS = Path(__file__).parent / "data" / "recordings"
VCRPY = RECORDINGS / "vcrpy_yaml" / "vcrpy__gzip_requests.yaml"
TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"


def betamax(url: str = "https://api.example.com/", body: str = "hello") -> str:
    return json.dumps({"http_interactions": [{
        "request": {"method": "GET", "uri": url, "headers": {"Authorization": [f"token {TOKEN}"]}, "body": ""},
        "response": {"status": {"code": 200, "message": "OK"}, "headers": {}, "body": {"string": body}},
        "recorded_at": "2020-01-01T00:00:00",
    }], "recorded_with": "betamax/0.9.0"})


class ConvertCase(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.source, self.dest = self.folder / "old", self.folder / "new"
        self.source.mkdir()

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def convert(self, *arguments: object) -> tuple[int, str, str]:
        with captured() as streams:
            code = main(["convert", *map(str, arguments or (self.source, self.dest))])
        return code, *streams.texts()

    def cassette(self, name: str) -> Cassette:
        path = self.dest / name
        return parse_cassette(path.read_text(encoding="utf-8"), str(path))

    def written(self) -> list[str]:
        return sorted(str(path.relative_to(self.dest)) for path in self.dest.rglob("*") if path.is_file())


class TreeTest(ConvertCase):
    def test_names_are_kept_and_the_suffix_becomes_json(self) -> None:
        for name in ("a.yaml", "sub/deep/b.yml", "no_suffix", "with.dots.1", "brackets[x].yaml"):
            self.write(name, VCRPY.read_bytes())
        self.write("c.json", betamax())
        self.write("d.HAR", (RECORDINGS / "har" / "zap__response-base64.har").read_bytes())
        code, _, errors = self.convert()
        self.assertEqual((code, errors), (0, ""))
        self.assertEqual(self.written(), [
            "a.json", "brackets[x].json", "c.json", "d.json", "no_suffix.json", "sub/deep/b.json", "with.dots.1.json",
        ])
        self.assertEqual(self.cassette("a.json"), import_cassette(VCRPY.read_bytes()))

    def test_one_bad_file_does_not_stop_the_rest_and_makes_the_exit_code_1(self) -> None:
        self.write("a.json", betamax()[:200])
        self.write("b.json", betamax())
        self.write("c.yaml", "")
        code, printed, errors = self.convert()
        self.assertEqual(code, 1)
        self.assertEqual(self.written(), ["b.json"])
        self.assertIn("a.json: not valid JSON in line 1", errors)
        self.assertIn("c.yaml: the file is empty", errors)
        self.assertIn("1 recording converted from betamax (1): 1 interaction; 2 failed", printed)

    def test_files_that_are_no_recordings_are_skipped_and_counted(self) -> None:
        for name, text in (
            ("README.md", "interactions: none"), ("x.py", "interactions: [1]"), ("package.json", '{"name": "x"}'),
            ("list.yaml", "- a\n- b\n"), ("broken.yaml", "{{ template }}: x: y"), ("image", b"\x89PNG\0\0"),
            ("empty", ""), (".hidden.json", betamax()), (".git/config.json", betamax()),
            ("ours.json", '{"format": 1, "interactions": []}'),
        ):
            self.write(name, text)
        self.write("b.json", betamax())
        code, printed, errors = self.convert()
        self.assertEqual((code, errors, self.written()), (0, "", ["b.json"]))
        self.assertIn("8 other files skipped", printed)

    def test_a_lookalike_is_a_failure_that_names_it(self) -> None:
        shutil.copy(RECORDINGS / "other" / "go-vcr" / "go-vcr__v2_json.yaml", self.source)
        code, _, errors = self.convert()
        self.assertEqual(code, 1)
        self.assertIn("go-vcr", errors)

    def test_nothing_is_overwritten_without_force(self) -> None:
        self.write("a.json", betamax())
        self.write("b.json", betamax())
        self.dest.mkdir()
        (self.dest / "a.json").write_text("mine")
        code, _, errors = self.convert()
        self.assertEqual(code, 1)
        self.assertIn("a.json is there already; --force overwrites it", errors)
        self.assertEqual((self.dest / "a.json").read_text(), "mine")
        self.assertEqual(len(self.cassette("b.json").interactions), 1)
        self.assertEqual(self.convert(self.source, self.dest, "--force")[0], 0)
        self.assertEqual(len(self.cassette("a.json").interactions), 1)

    def test_recordings_that_would_become_one_file_are_failures_and_neither_is_written(self) -> None:
        self.write("a.json", betamax())
        self.write("a.yaml", VCRPY.read_bytes())
        self.write("b.json", betamax())
        self.write("b.yaml", "just: text")
        code, _, errors = self.convert()
        self.assertEqual((code, self.written()), (1, ["b.json"]))
        self.assertIn("a.json and a.yaml would both become a.json", errors)

    def test_the_result_may_lie_inside_the_source(self) -> None:
        self.write("a.yaml", VCRPY.read_bytes())
        self.dest = self.source / "converted"
        self.assertEqual(self.convert(self.source, self.dest)[0], 0)
        code, printed, errors = self.convert(self.source, self.dest, "--force")
        self.assertEqual((code, errors, self.written()), (0, "", ["a.json"]))
        self.assertNotIn("skipped", printed)

    def test_in_place_the_old_files_stay(self) -> None:
        self.write("a.yaml", VCRPY.read_bytes())
        self.dest = self.source
        self.assertEqual(self.convert(self.source, self.source)[0], 0)
        self.assertEqual(self.written(), ["a.json", "a.yaml"])

    def test_from_takes_only_what_it_names(self) -> None:
        self.write("a.json", betamax())
        self.write("b.yaml", VCRPY.read_bytes())
        code, printed, _ = self.convert(self.source, self.dest, "--from", "vcrpy")
        self.assertEqual((code, self.written()), (0, ["b.json"]))
        self.assertIn("1 other file skipped", printed)

    def test_json_tells_programs_what_happened(self) -> None:
        self.write("a.json", betamax())
        self.write("b.json", betamax()[:90])
        self.write("c.txt", "x")
        code, printed, _ = self.convert(self.source, self.dest, "--json")
        result = json.loads(printed)
        self.assertEqual(code, 1)
        self.assertEqual(result["converted"][0] | {"warnings": []}, {
            "source": str(self.source / "a.json"), "dest": str(self.dest / "a.json"), "format": "betamax",
            "interactions": 1, "skipped_entries": 0, "warnings": [],
        })
        self.assertEqual([each["source"] for each in result["failed"]], [str(self.source / "b.json")])
        self.assertEqual([each["source"] for each in result["skipped"]], [str(self.source / "c.txt")])

    def test_the_whole_corpus_converts_with_its_failures_told(self) -> None:
        expected = json.loads((RECORDINGS / "EXPECTED.json").read_text(encoding="utf-8"))
        code, printed, _ = self.convert(RECORDINGS, self.dest, "--json")
        result = json.loads(printed)
        self.assertEqual(code, 1)
        converted = {str(Path(each["source"]).relative_to(RECORDINGS)) for each in result["converted"]}
        wanted = {name for name, file in expected.items() if file["expect"] in ("ok", "partial")}
        self.assertEqual(wanted - converted, set())
        self.assertEqual(converted & {name for name, file in expected.items() if file["expect"] == "error"}, set())

    @unittest.skipIf(sys.platform == "win32" or os.geteuid() == 0, "permissions do not bind here")
    def test_a_file_that_cannot_be_read_is_a_failure(self) -> None:
        self.write("a.json", betamax()).chmod(0)
        self.write("b.json", betamax())
        code, _, errors = self.convert()
        self.assertEqual((code, self.written()), (1, ["b.json"]))
        self.assertIn("a.json cannot be read", errors)


class FileTest(ConvertCase):
    def test_a_file_goes_where_it_is_told_or_into_a_folder(self) -> None:
        path = self.write("a.yaml", VCRPY.read_bytes())
        self.assertEqual(self.convert(path, self.dest / "x" / "b.json")[0], 0)
        self.assertEqual(self.convert(path, self.dest)[0], 0)
        self.assertEqual(self.written(), ["a.json", "x/b.json"])

    def test_a_file_that_is_no_recording_is_a_failure_when_it_is_named(self) -> None:
        code, _, errors = self.convert(self.write("a.txt", "hello"), self.dest / "a.json")
        self.assertEqual(code, 1)
        self.assertIn("a.txt is no recording that is known", errors)

    def test_a_folder_that_is_a_file_is_told(self) -> None:
        path = self.write("a.yaml", VCRPY.read_bytes())
        self.dest.write_text("mine")
        code, _, errors = self.convert(path, self.dest / "a.json")
        self.assertEqual((code, self.dest.read_text()), (1, "mine"))
        self.assertIn("new is a file", errors)

    def test_a_missing_file_is_a_failure(self) -> None:
        code, _, errors = self.convert(self.source / "no", self.dest / "a.json")
        self.assertEqual(code, 1)
        self.assertIn("cannot be read", errors)

    def test_har_and_back_is_the_same_cassette(self) -> None:
        path = self.write("a.json", betamax())
        self.convert(path, self.dest / "a.json")
        self.assertEqual(self.convert(self.dest / "a.json", self.dest / "a.har", "--to", "har")[0], 0)
        self.assertEqual(self.convert(self.dest / "a.har", self.dest / "b.json")[0], 0)
        self.assertEqual(self.cassette("a.json"), self.cassette("b.json"))

    def test_a_tree_of_our_cassettes_becomes_har(self) -> None:
        self.write("a.json", '{"format": 1, "interactions": []}')
        code, _, _ = self.convert(self.source, self.dest, "--to", "har")
        self.assertEqual((code, self.written()), (0, ["a.har"]))

    def test_a_body_beside_a_har_is_read_and_one_elsewhere_is_not(self) -> None:
        har = (RECORDINGS / "har" / "playwright__har-sha1.har").read_text(encoding="utf-8")
        self.write("har-sha1-main-response.txt", "Hello, world")
        self.assertEqual(self.convert(self.write("a.har", har), self.dest / "a.json")[0], 0)
        response = self.cassette("a.json").interactions[0].response
        assert response is not None
        self.assertEqual(response.body, b"Hello, world")
        (self.folder / "secret.txt").write_text("secret")
        outside = har.replace("har-sha1-main-response.txt", "../secret.txt")
        code, _, errors = self.convert(self.write("b.har", outside), self.dest / "b.json")
        self.assertEqual(code, 1)
        self.assertIn("does not lie in the folder", errors)

    def test_names(self) -> None:
        for name, expected in (("a.yaml", "a.json"), ("a.b.YML", "a.b.json"), ("a", "a.json"), ("a.1", "a.1.json"),
                               ("a.json", "a.json"), (".json", ".json.json")):
            self.assertEqual(target_name(name, ".json"), expected)


class RedactionTest(ConvertCase):
    def test_secrets_are_removed_unless_they_are_to_be_kept(self) -> None:
        self.write("a.json", betamax(body=json.dumps({"copy": TOKEN})))
        self.assertEqual(self.convert()[0], 0)
        self.assertNotIn(TOKEN, (self.dest / "a.json").read_text())
        self.assertEqual(self.convert(self.source, self.dest, "--no-redact", "--force")[0], 0)
        self.assertEqual((self.dest / "a.json").read_text().count(TOKEN), 2)

    def test_a_secret_learnt_late_is_removed_from_what_came_before(self) -> None:
        document = json.loads(betamax(body="no"))
        early = json.loads(betamax(url=f"https://api.example.com/{TOKEN[4:]}/x"))["http_interactions"][0]
        early["request"]["headers"] = {}
        document["http_interactions"][0]["request"]["headers"] = {"Authorization": [f"Bearer {TOKEN[4:]}"]}
        document["http_interactions"].insert(0, early)
        self.write("a.json", json.dumps(document))
        self.assertEqual(self.convert()[0], 0)
        self.assertNotIn(TOKEN[4:], (self.dest / "a.json").read_text())


class ReplayTest(ConvertCase):
    def test_a_converted_recording_replays(self) -> None:
        self.write("a.json", betamax(body="héllo"))
        self.write("b.yaml", VCRPY.read_bytes())
        self.assertEqual(self.convert()[0], 0)
        with use_cassette(self.dest / "a.json", mode="replay"):
            response = requests.get("https://api.example.com/", headers={"Authorization": "token mine"})
            self.assertEqual(response.content, "héllo".encode())
        recorded = import_cassette(VCRPY.read_bytes()).interactions[0]
        assert recorded.response is not None
        with use_cassette(self.dest / "b.json", mode="replay"):
            response = requests.request(recorded.request.method, recorded.request.url)
        self.assertEqual((response.content, response.reason), (recorded.response.body, "great"))


class ProgressTest(ConvertCase):
    def test_without_rich_a_terminal_gets_plain_text(self) -> None:
        self.write("a.json", betamax())
        with mock.patch.dict(sys.modules, {"rich": None, "rich.console": None}), captured(terminal=True) as streams:
            self.assertEqual(main(["convert", str(self.source), str(self.dest)]), 0)
        self.assertNotIn("\x1b", streams.texts()[0])

    def test_with_rich_a_terminal_gets_the_same_summary(self) -> None:
        self.write("a.json", betamax())
        with captured(terminal=True) as streams:
            self.assertEqual(main(["convert", str(self.source), str(self.dest)]), 0)
        self.assertIn("1 recording converted", streams.texts()[0])


if __name__ == "__main__":
    unittest.main()
