"""The `cassettes` command: show, check, and what all commands share."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tempfile
import unittest
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

from cassettes_lib._version import __version__
from cassettes_lib.cli import main
from cassettes_lib.cli_output import PlainOutput, printable
from cassettes_lib.cli_text import hexadecimal, readable, size
from cassettes_lib.fileformat import print_cassette
from cassettes_lib.models import Cassette, Interaction, InteractionFailure, InteractionRequest, RecordingMark
from tests.command import captured
from tests.support import a_cassette, a_request, a_response, an_interaction

ROOT = Path(__file__).parent.parent
TOKEN = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
JSON_HEADERS = (("Content-Type", "application/json"),)
FORM_HEADERS = (("Content-Type", "application/x-www-form-urlencoded"),)


class CommandCase(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def save(self, name: str, *interactions: Interaction, cassette: Cassette | None = None) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(print_cassette(cassette or a_cassette(*interactions)), encoding="utf-8")
        return path

    def run_command(self, *arguments: object, terminal: bool = False) -> tuple[int, str, str]:
        with captured(terminal=terminal) as streams:
            code = main([str(each) for each in arguments])
        return code, *streams.texts()


class ShowTest(CommandCase):
    def test_the_table_has_number_method_url_status_type_size_and_time(self) -> None:
        first = an_interaction(a_request("POST"), a_response(b"x" * 1234, 201, JSON_HEADERS)).model_copy(
            update={"recorded_at": datetime(2026, 11, 23, 10, 40, tzinfo=UTC)}
        )
        failed = Interaction(request=a_request(), failure=InteractionFailure(error="requests.exceptions.SSLError"))
        code, printed, _ = self.run_command("show", self.save("a.json", first, failed))
        self.assertEqual(code, 0)
        lines = printed.splitlines()
        self.assertEqual(lines[0].split(), ["#", "method", "url", "status", "type", "size", "when"])
        self.assertEqual(
            lines[1].split(),
            ["1", "POST", a_request().url, "201", "application/json", "1.2", "kB", "2026-11-23", "10:40:00"],
        )
        self.assertEqual(lines[2].split(), ["2", "GET", a_request().url, "SSLError"])
        self.assertTrue(lines[3].endswith("a.json: 2 interactions"))

    def test_one_interaction_is_shown_whole_and_pretty(self) -> None:
        interaction = an_interaction(
            a_request("POST", headers=JSON_HEADERS, body=b'{"q":1}'), a_response(b"\x89PNG\r\n", headers=(("A", "b"),))
        )
        code, printed, _ = self.run_command("show", self.save("a.json", an_interaction(), interaction), 2)
        self.assertEqual(code, 0)
        self.assertIn(f"POST {a_request().url}\nContent-Type: application/json\n\n" + '{\n  "q": 1\n}', printed)
        self.assertIn("HTTP/1.1 200 OK\nA: b\n\n00000000  89 50 4e 47 0d 0a", printed)

    def test_json_is_for_programs(self) -> None:
        path = self.save("a.json", an_interaction())
        listing = json.loads(self.run_command("show", path, "--json")[1])
        self.assertEqual(listing["interactions"][0]["url"], a_request().url)
        whole = json.loads(self.run_command("show", path, 1, "--json")[1])
        self.assertEqual(whole["response"]["body"], {"text": "hello"})

    def test_trouble_is_exit_code_2(self) -> None:
        path = self.save("a.json", an_interaction())
        for arguments, message in ((("show", path, 2), "no interaction 2"), (("show", path, 0), "no interaction 0"),
                                   (("show", self.folder / "no.json"), "no cassette"),
                                   (("show", self.folder), "is a folder; give the path of a file")):
            code, _, errors = self.run_command(*arguments)
            self.assertEqual(code, 2, arguments)
            self.assertIn(message, errors)

    def test_control_characters_of_a_recording_do_not_reach_the_terminal(self) -> None:
        url, body = "https://a.example/\x1b]0;x\x07", b"\x1b[31mred\x9b\xe2\x80\xae"
        path = self.save("a.json", an_interaction(a_request(url=url), a_response(body)))
        for terminal in (False, True):
            for arguments in (("show", path), ("show", path, 1), ("show", path, "--textconv")):
                if terminal:
                    with mock.patch.dict(os.environ, {"NO_COLOR": "1", "TERM": "xterm"}):
                        printed = self.run_command(*arguments, terminal=True)[1]
                else:
                    printed = self.run_command(*arguments)[1]
                self.assertNotIn("\x1b]", printed)
                self.assertNotIn("\x1b[31mred", printed)
                self.assertNotIn("\x07", printed)

    def test_rich_highlights_on_a_terminal(self) -> None:
        interaction = an_interaction(a_request(), a_response(b'{"a": [1]}', headers=JSON_HEADERS))
        path = self.save("a.json", interaction)
        with mock.patch.dict(os.environ, {"TERM": "xterm-256color", "FORCE_COLOR": "1"}):
            self.assertIn("\x1b[", self.run_command("show", path, 1, terminal=True)[1])
        self.assertNotIn("\x1b[", self.run_command("show", path, 1)[1])

    def test_markup_in_a_recording_is_no_markup(self) -> None:
        path = self.save("a.json", an_interaction(a_request(url="https://a.example/[bold]x[/nope]")))
        with mock.patch.dict(os.environ, {"TERM": "xterm", "COLUMNS": "200"}):
            self.assertIn("[bold]x[/nope]", self.run_command("show", path, terminal=True)[1])


class TextconvTest(CommandCase):
    def git(self, *arguments: str) -> str:
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull,
                       "PYTHONPATH": str(ROOT)}
        return subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@example.com", *arguments], cwd=self.folder, check=True,
            capture_output=True, text=True, env=environment,
        ).stdout

    def test_git_diff_shows_what_changed_in_readable_text(self) -> None:
        self.git("init", "-q")
        (self.folder / ".gitattributes").write_text("cassettes/*.json diff=cassette\n")
        self.git("config", "diff.cassette.textconv", f"'{sys.executable}' -m cassettes_lib show --textconv")
        self.save("cassettes/a.json", an_interaction(response=a_response(b'{"a":1,"b":"x"}', headers=JSON_HEADERS)))
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "one")
        self.save("cassettes/a.json", an_interaction(response=a_response(b'{"a":2,"b":"x"}', headers=JSON_HEADERS)))
        lines = self.git("diff").splitlines()
        changes = [line for line in lines if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        self.assertEqual(changes, ['-  "a": 1,', '+  "a": 2,'])

    def test_a_damaged_cassette_is_shown_as_it_is(self) -> None:
        self.git("init", "-q")
        (self.folder / ".gitattributes").write_text("*.json diff=cassette\n")
        self.git("config", "diff.cassette.textconv", f"'{sys.executable}' -m cassettes_lib show --textconv")
        (self.folder / "a.json").write_text("{<<<<<<<\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "one")
        (self.folder / "a.json").write_text("{>>>>>>>\n")
        self.assertIn("+{>>>>>>>", self.git("diff"))


class CheckTest(CommandCase):
    def check(self, *arguments: object) -> tuple[int, list[tuple[str, str]]]:
        code, printed, _ = self.run_command("check", *arguments, "--json")
        findings = json.loads(printed)["findings"]
        return code, [(finding["kind"], finding["level"]) for finding in findings]

    def test_a_good_cassette_is_exit_code_0(self) -> None:
        path = self.save("a.json", an_interaction())
        self.assertEqual(self.check(path), (0, []))
        code, printed, _ = self.run_command("check", path)
        self.assertEqual((code, printed), (0, "1 cassette checked: 0 errors, 0 warnings\n"))

    def test_damage_is_found_with_its_place(self) -> None:
        path = self.folder / "a.json"
        path.write_text('{"format": 1, "interactions": [}', encoding="utf-8")
        code, printed, _ = self.run_command("check", path)
        self.assertEqual(code, 1)
        self.assertIn("line 1, column", printed)
        self.assertIn("[invalid]", printed)

    def test_a_torn_end_and_a_missing_file_are_found(self) -> None:
        text = print_cassette(a_cassette(an_interaction(), an_interaction()))
        (self.folder / "a.json").write_text(text[: len(text) // 2 + 100])
        self.assertIn(("invalid", "error"), self.check(self.folder / "a.json")[1])
        self.assertEqual(self.check(self.folder / "no.json"), (1, [("invalid", "error")]))

    def test_an_incomplete_recording_is_found(self) -> None:
        cassette = Cassette(incomplete=(RecordingMark(session="x"),))
        self.assertEqual(self.check(self.save("a.json", cassette=cassette)), (1, [("incomplete", "error")]))

    def test_old_interactions_are_found(self) -> None:
        now = datetime.now(UTC)
        old, young = (
            an_interaction().model_copy(update={"recorded_at": now - timedelta(days=days)}) for days in (40, 20)
        )
        path = self.save("a.json", old, young, an_interaction())
        self.assertEqual(self.check(path, "--max-age", 30), (1, [("expired", "error")]))
        self.assertEqual(self.check(path), (0, []))

    def test_a_secret_is_found_and_never_shown(self) -> None:
        secret = an_interaction(a_request(headers=(("Authorization", f"Bearer {TOKEN}"),)))
        path = self.save("a.json", an_interaction(), secret)
        code, printed, errors = self.run_command("check", path)
        self.assertEqual(code, 1)
        self.assertIn("secrets in interaction 2: request header Authorization", printed)
        self.assertNotIn(TOKEN, printed + errors)
        self.assertEqual(self.check(path, "--no-secrets"), (0, []))

    def test_a_redacted_cassette_has_no_secret(self) -> None:
        path = self.save("a.json", an_interaction(a_request(headers=(("Authorization", f"Bearer {TOKEN}"),))))
        self.assertEqual(self.run_command("redact", path)[0], 0)
        self.assertEqual(self.check(path), (0, []))

    def test_noise_is_a_warning_unless_strict(self) -> None:
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        noisy = [
            a_request(url=f"https://a.example/?_={int(moment.timestamp() * 1000)}&page=2"),
            a_request("POST", headers=FORM_HEADERS, body=b"nonce=a1b2c3d4e5"),
            a_request("POST", headers=JSON_HEADERS, body=b'{"request_id": "7d444840-9dc0-4dd1-b245-5ffdce74fad2"}'),
        ]
        quiet = a_request(url="https://a.example/?id=7d444840-9dc0-4dd1-b245-5ffdce74fad2&since=1500000000&ts=1")
        interactions = [an_interaction(each).model_copy(update={"recorded_at": moment}) for each in [*noisy, quiet]]
        path = self.save("a.json", *interactions)
        code, findings = self.check(path)
        self.assertEqual((code, findings), (0, [("noise", "warning")] * 3))
        self.assertEqual(self.check(path, "--strict")[0], 1)
        self.assertEqual(self.check(path, "--no-noise", "--strict"), (0, []))
        self.assertIn("ignoring(query=['_'])", self.run_command("check", path)[1])

    def test_orphans_are_the_cassettes_that_a_run_did_not_use(self) -> None:
        used, orphan = self.save("used.json", an_interaction()), self.save("sub/orphan.json", an_interaction())
        uses = self.folder / "uses.txt"
        uses.write_text(json.dumps({"cassette": str(used), "played": [0]}) + "\n")
        code, printed, _ = self.run_command("check", self.folder, "--unused-by", uses)
        self.assertEqual(code, 1)
        self.assertIn(f"{orphan}: error: the run did not use this cassette", printed)
        self.assertNotIn(f"{used}:", printed)
        self.assertEqual(self.run_command("check", self.folder, "--unused-by", self.folder / "no")[0], 2)

    def test_a_folder_stands_for_the_cassettes_in_it(self) -> None:
        self.save("a.json", an_interaction())
        self.save("sub/b.json", an_interaction())
        (self.folder / "package.json").write_text("{}")
        (self.folder / "damaged.json").write_text('{"format": 1, "interactions": [')
        code, printed, _ = self.run_command("check", self.folder, "--json")
        result = json.loads(printed)
        self.assertEqual((code, result["checked"]), (1, 3))
        self.assertEqual({finding["path"] for finding in result["findings"]}, {str(self.folder / "damaged.json")})


class OutputTest(CommandCase):
    def test_wrong_usage_is_exit_code_2(self) -> None:
        for arguments in ([], ["nothing"], ["show"], ["convert", "a"], ["prune", "x"]):
            with captured() as streams:
                try:
                    code = main(arguments)
                except SystemExit as error:
                    code = int(str(error.code))
            self.assertEqual(code, 2, arguments)
            self.assertTrue(streams.texts()[1])

    def test_every_command_has_help(self) -> None:
        for command in ("convert", "show", "check", "diff", "redact", "prune", "merge", "upgrade"):
            with captured() as streams, self.assertRaises(SystemExit) as caught:
                main([command, "--help"])
            self.assertEqual(caught.exception.code, 0)
            self.assertIn("--json", streams.texts()[0])

    def test_python_m_runs_the_command(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "cassettes_lib", "--version"], capture_output=True, text=True, check=True, cwd=ROOT
        )
        self.assertEqual(done.stdout, f"cassettes_lib {__version__}\n")

    def test_a_reader_that_has_seen_enough_is_no_trouble(self) -> None:
        path = self.save("a.json", *(an_interaction() for _ in range(5000)))
        command = [sys.executable, "-m", "cassettes_lib", "show", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.readline()
            process.stdout.close()
            self.assertEqual(process.stderr.read(), b"")
        self.assertEqual(process.returncode, 0)

    def test_rich_is_not_loaded_when_piped(self) -> None:
        path = self.save("a.json", an_interaction())
        code = ("import sys; from cassettes_lib.cli import main; main(sys.argv[1:]); "
                "print(sorted({'rich', 'yaml', 'responses'} & set(sys.modules)))")
        done = subprocess.run(
            [sys.executable, "-c", code, "show", str(path)], capture_output=True, text=True, check=True, cwd=ROOT
        )
        self.assertEqual(done.stdout.splitlines()[-1], "[]")

    def test_a_stream_that_cannot_write_a_character_gets_its_escape(self) -> None:
        stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
        PlainOutput(stream).line("caf\u00e9 \u2713")
        stream.flush()
        self.assertEqual(stream.buffer.getvalue(), b"caf\\xe9 \\u2713\n")

    def test_control_characters_are_symbols(self) -> None:
        self.assertEqual(
            printable("a\x1b\x00\x7f\x9b\r\n\t\u202e\ud800"), "a\u241b\u2400\u2421\\u009b\u240d\n\t\\u202e\\ud800"
        )

    def test_bodies_are_made_readable(self) -> None:
        self.assertEqual(readable(b'{"b":1,"a":"\xc3\xa9"}', ""), ("json", '{\n  "b": 1,\n  "a": "é"\n}'))
        self.assertEqual(readable(b"{not json", "application/json"), ("text", "{not json"))
        self.assertEqual(readable(b"<a/>", "application/xml"), ("xml", "<a/>"))
        self.assertTrue(hexadecimal(bytes(1000)).endswith("... 1.0 kB in all"))
        self.assertEqual([size(n) for n in (0, 999, 1000, 999_949, 999_951, 10**9)],
                         ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "1.0 GB"])

    def test_a_body_nested_too_deeply_is_shown_as_text(self) -> None:
        deep = b"[" * 100_000 + b"]" * 100_000
        self.assertEqual(readable(deep, "application/json")[0], "text")
        path = self.save("a.json", an_interaction(InteractionRequest(method="GET", url="http://a/"), a_response(deep)))
        self.assertEqual(self.run_command("show", path, 1)[0], 0)
        self.assertEqual(self.run_command("diff", path, path)[0], 0)


if __name__ == "__main__":
    unittest.main()
