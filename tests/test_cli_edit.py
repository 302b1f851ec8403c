"""`cassettes diff`, `redact`, `prune`, `merge` and `upgrade`."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from unittest import main as run_tests
from unittest import mock

import requests

from cassettes_lib.fileformat import parse_cassette, print_cassette
from cassettes_lib.models import Cassette, Interaction, InteractionFailure, RecordingMark
from cassettes_lib.recording import use_cassette
from tests.support import a_cassette, a_request, a_response, an_interaction
from tests.test_cli import JSON_HEADERS, TOKEN, CommandCase


def answering(url: str, body: bytes = b"hello", **more: object) -> Interaction:
    return an_interaction(a_request(url=url), a_response(body, headers=JSON_HEADERS)).model_copy(update=more)


def load(path: Path) -> Cassette:
    return parse_cassette(path.read_text(encoding="utf-8"), str(path))


class DiffTest(CommandCase):
    def diff(self, old: list[Interaction], new: list[Interaction]) -> tuple[int, str]:
        code, printed, errors = self.run_command("diff", self.save("a.json", *old), self.save("b.json", *new))
        self.assertEqual(errors, "")
        return code, printed

    def test_the_same_is_exit_code_0_whatever_the_time_of_the_recording(self) -> None:
        old = answering("http://a/1", recorded_at=datetime(2020, 1, 1, tzinfo=UTC))
        self.assertEqual(self.diff([old], [answering("http://a/1")]), (0, ""))

    def test_added_removed_and_changed_interactions(self) -> None:
        code, printed = self.diff(
            [answering("http://a/1"), answering("http://a/2"), answering("http://a/3")],
            [answering("http://a/0"), answering("http://a/1"), answering("http://a/3", b"bye")],
        )
        self.assertEqual(code, 1)
        self.assertEqual(printed.splitlines(), [
            "+ GET http://a/0 (200), number 1",
            "~ GET http://a/3 (200), number 3 -> 3",
            "    response body: hello -> bye",
            "- GET http://a/2 (200), number 2",
            "1 added, 1 removed, 1 changed",
        ])

    def test_json_bodies_are_compared_member_by_member(self) -> None:
        _, printed = self.diff(
            [answering("http://a/", b'{"a": 1, "items": [{"p": 1}, {"p": 2}], "gone": null, "odd key": 1}')],
            [answering("http://a/", b'{"a": 1.0, "items": [{"p": 1}, {"p": 3}, 4], "odd key": true, "new": "x"}')],
        )
        self.assertEqual([line.strip() for line in printed.splitlines()[1:-1]], [
            "response body $.a: 1 -> 1.0",
            "response body $.items[1].p: 2 -> 3",
            "response body $.items[2]: + 4",
            "response body $.gone: - null",
            'response body $["odd key"]: 1 -> true',
            'response body $.new: + "x"',
        ])

    def test_headers_are_compared_by_name_status_and_reason_by_value(self) -> None:
        old = an_interaction(response=a_response(headers=(("ETag", "1"), ("A", "1"), ("A", "2"))))
        new = an_interaction(response=a_response(status=404, reason="No", headers=(("a", "1"), ("a", "2"), ("X", "y"))))
        _, printed = self.diff([old], [new])
        self.assertEqual([line.strip() for line in printed.splitlines()[1:-1]], [
            "response status: 200 -> 404", "response reason: OK -> No", "response header x: + y",
            "response header etag: - 1",
        ])

    def test_a_changed_request_body_is_a_change_of_that_request(self) -> None:
        requests_made = (a_request("POST", headers=JSON_HEADERS, body=body) for body in (b'{"n": 1}', b'{"n": 2}'))
        old, new = (an_interaction(each) for each in requests_made)
        code, printed = self.diff([old], [new])
        self.assertEqual(code, 1)
        self.assertIn("request body $.n: 1 -> 2", printed)
        self.assertTrue(printed.endswith("1 changed\n"))

    def test_what_matches_belongs_together_though_it_is_written_differently(self) -> None:
        old = an_interaction(a_request("POST", "http://a/?x=1&y=2", JSON_HEADERS, b'{"a": 1, "b": 2}'))
        new = an_interaction(a_request("POST", "http://a/?y=2&x=1", JSON_HEADERS, b'{"b":2,"a":1}'))
        code, printed = self.diff([old], [new])
        self.assertEqual(code, 1)
        self.assertIn("request body, the same JSON written differently", printed)

    def test_equal_requests_are_paired_in_recorded_order(self) -> None:
        polls = [answering("http://a/", body) for body in (b"pending", b"pending", b"done")]
        self.assertEqual(self.diff(polls, polls)[0], 0)
        _, printed = self.diff(polls, [polls[0], polls[2]])
        self.assertEqual(printed.splitlines()[-1], "1 removed, 1 changed")

    def test_text_of_several_lines_is_a_unified_diff_and_binary_a_digest(self) -> None:
        _, printed = self.diff([answering("http://a/", b"one\ntwo\nthree")], [answering("http://a/", b"one\n2\nthree")])
        self.assertIn("      -two\n      +2\n", printed)
        _, printed = self.diff([answering("http://a/", b"\xff\x01")], [answering("http://a/", b"\xff\x02")])
        self.assertIn("2 B, SHA-256", printed)

    def test_a_failure_in_place_of_a_response_is_a_change(self) -> None:
        failure = InteractionFailure(error="requests.ConnectTimeout", message="x")
        _, printed = self.diff([an_interaction()], [Interaction(request=a_request(), failure=failure)])
        self.assertIn("outcome: 200 -> ConnectTimeout", printed)

    def test_json_is_for_programs_and_trouble_is_exit_code_2(self) -> None:
        a, b = self.save("a.json", answering("http://a/")), self.save("b.json")
        code, printed, _ = self.run_command("diff", a, b, "--json")
        self.assertEqual((code, json.loads(printed)[0]["kind"]), (1, "removed"))
        self.assertEqual(self.run_command("diff", a, self.folder / "no.json")[0], 2)


class RedactTest(CommandCase):
    def test_secrets_are_removed_in_place_and_requests_still_match(self) -> None:
        headers = (("Authorization", f"Bearer {TOKEN}"),)
        path = self.save("a.json", an_interaction(a_request("POST", headers=headers, body=f"t={TOKEN}".encode())))
        clean = self.save("b.json", an_interaction())
        before = clean.stat().st_mtime_ns
        code, printed, _ = self.run_command("redact", self.folder)
        self.assertEqual(code, 0)
        self.assertNotIn(TOKEN, path.read_text() + printed)
        self.assertIn("1 of 2 cassettes changed", printed)
        self.assertEqual(clean.stat().st_mtime_ns, before)
        with use_cassette(path, mode="replay"):
            response = requests.post(a_request().url, headers=dict(headers), data=f"t={TOKEN}")
        self.assertEqual(response.text, "hello")

    def test_a_dry_run_changes_nothing(self) -> None:
        path = self.save("a.json", an_interaction(a_request(headers=(("X-Api-Key", TOKEN),))))
        before = path.read_bytes()
        code, printed, _ = self.run_command("redact", path, "--dry-run")
        self.assertEqual((code, path.read_bytes()), (0, before))
        self.assertIn("1 of 1 cassette would change", printed)

    def test_redacting_twice_changes_nothing_more(self) -> None:
        path = self.save("a.json", an_interaction(a_request(headers=(("X-Api-Key", TOKEN),))))
        self.run_command("redact", path)
        once = path.read_bytes()
        self.assertIn("0 of 1 cassette changed", self.run_command("redact", path)[1])
        self.assertEqual(path.read_bytes(), once)

    def test_new_replacements_do_not_take_the_numbers_that_are_there(self) -> None:
        path = self.save(
            "a.json", an_interaction(a_request(url="http://a/1", headers=(("X-Api-Key", "REDACTED-1"),))),
            an_interaction(a_request(url="http://a/2", headers=(("X-Api-Key", TOKEN),))),
        )
        self.run_command("redact", path)
        values = [each.request.header("X-Api-Key") for each in load(path).interactions]
        self.assertEqual(values, ["REDACTED-1", "REDACTED-2"])

    def test_one_damaged_cassette_does_not_stop_the_rest(self) -> None:
        path = self.save("b.json", an_interaction(a_request(headers=(("X-Api-Key", TOKEN),))))
        damaged = self.folder / "a.json"
        damaged.write_text('{"format": 1, "interactions": [}')
        code, _, errors = self.run_command("redact", self.folder)
        self.assertEqual(code, 1)
        self.assertIn("a.json", errors)
        self.assertNotIn(TOKEN, path.read_text())
        self.assertEqual(damaged.read_text(), '{"format": 1, "interactions": [}')


class PruneTest(CommandCase):
    def setUp(self) -> None:
        super().setUp()
        self.path = self.save("a.json", *(answering(f"http://a/{n}") for n in range(4)))
        self.uses = self.folder / "uses.txt"

    def urls(self) -> list[str]:
        return [each.request.url for each in load(self.path).interactions]

    def test_by_pattern(self) -> None:
        code, printed, _ = self.run_command("prune", self.path, "--url", "*/1", "--url", "*/2")
        self.assertEqual((code, self.urls()), (0, ["http://a/0", "http://a/3"]))
        self.assertIn("2 interactions dropped, 2 kept", printed)

    def test_what_a_run_did_not_use(self) -> None:
        lines = [{"cassette": str(self.path), "played": [0]}, {"cassette": str(self.path), "played": [2, 0]}]
        self.uses.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.assertEqual(self.run_command("prune", self.path, "--unused-by", self.uses)[0], 0)
        self.assertEqual(self.urls(), ["http://a/0", "http://a/2"])

    def test_a_cassette_of_which_the_run_says_nothing_more_is_kept_whole(self) -> None:
        self.uses.write_text(f"{self.path}\n")
        self.run_command("prune", self.path, "--unused-by", self.uses)
        self.assertEqual(len(self.urls()), 4)

    def test_both_conditions_drop_what_meets_both(self) -> None:
        self.uses.write_text(json.dumps({"cassette": str(self.path), "played": [0]}) + "\n")
        self.run_command("prune", self.path, "--unused-by", self.uses, "--url", "*/[012]")
        self.assertEqual(self.urls(), ["http://a/0", "http://a/3"])

    def test_a_dry_run_and_no_condition_change_nothing(self) -> None:
        before = self.path.read_bytes()
        self.assertEqual(self.run_command("prune", self.path, "--url", "*", "--dry-run")[0], 0)
        self.assertEqual(self.run_command("prune", self.path)[0], 2)
        self.assertEqual(self.path.read_bytes(), before)


class MergeTest(CommandCase):
    def test_interactions_follow_each_other_in_the_order_given(self) -> None:
        a, b = self.save("a.json", answering("http://a/1")), self.save("b.json", answering("http://a/0"))
        dest = self.folder / "sub" / "c.json"
        self.assertEqual(self.run_command("merge", a, b, "-o", dest)[0], 0)
        self.assertEqual([each.request.url for each in load(dest).interactions], ["http://a/1", "http://a/0"])

    def test_duplicates_of_earlier_cassettes_can_be_left_out(self) -> None:
        poll = answering("http://a/", b"pending")
        again = poll.model_copy(update={"recorded_at": datetime(2020, 1, 1, tzinfo=UTC)})
        a, b = self.save("a.json", poll, poll), self.save("b.json", again, answering("http://a/", b"done"))
        dest = self.folder / "c.json"
        self.run_command("merge", a, b, "-o", dest, "--drop-duplicates")
        bodies = [each.response.body for each in load(dest).interactions if each.response]
        self.assertEqual(bodies, [b"pending", b"pending", b"done"])

    def test_nothing_is_overwritten_without_force_though_it_be_a_source(self) -> None:
        a, b = self.save("a.json", answering("http://a/1")), self.save("b.json", answering("http://a/2"))
        code, _, errors = self.run_command("merge", a, b, "-o", a)
        self.assertEqual(code, 2)
        self.assertIn("--force", errors)
        self.assertEqual(self.run_command("merge", a, b, "-o", a, "--force")[0], 0)
        self.assertEqual(len(load(a).interactions), 2)

    def test_what_is_incomplete_stays_incomplete(self) -> None:
        mark = RecordingMark(session="x")
        a = self.save("a.json", cassette=Cassette(incomplete=(mark,)))
        b = self.save("b.json", answering("http://a/"))
        self.run_command("merge", a, b, "-o", self.folder / "c.json")
        self.assertEqual(load(self.folder / "c.json").incomplete, (mark,))

    def test_the_mode_of_a_file_is_kept_and_that_of_a_new_one_is_usual(self) -> None:
        a = self.save("a.json", answering("http://a/"))
        a.chmod(0o640)
        self.run_command("merge", a, "-o", a, "--force")
        self.assertEqual(a.stat().st_mode & 0o777, 0o640)
        self.run_command("merge", a, "-o", self.folder / "b.json")
        usual = self.folder / "usual"
        usual.touch()
        self.assertEqual((self.folder / "b.json").stat().st_mode, usual.stat().st_mode)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith(".")], [])


class UpgradeTest(CommandCase):
    def test_a_current_cassette_is_left_alone(self) -> None:
        path = self.save("a.json", answering("http://a/"))
        before = path.stat().st_mtime_ns
        code, printed, _ = self.run_command("upgrade", path)
        self.assertEqual((code, path.stat().st_mtime_ns), (0, before))
        self.assertIn("0 of 1 cassette changed", printed)

    def test_an_older_one_is_written_anew_as_a_whole(self) -> None:
        path = self.folder / "a.json"
        compact = json.dumps(json.loads(print_cassette(a_cassette(answering("http://a/")))))
        path.write_text(compact)
        with mock.patch("cassettes_lib.cli_edit.FORMAT", 2):
            self.assertIn("would change", self.run_command("upgrade", path, "--dry-run")[1])
            self.assertEqual(path.read_text(), compact)
            code, printed, _ = self.run_command("upgrade", path)
        self.assertEqual(code, 0)
        self.assertIn("format 1 is now 2", printed)
        self.assertEqual(path.read_text(), print_cassette(a_cassette(answering("http://a/"))))


if __name__ == "__main__":
    run_tests()
