"""The list of what a run used."""

from __future__ import annotations

import json
import multiprocessing
import os
import tempfile
import unittest
from pathlib import Path

import requests

from cassettes_lib.cassettes_used import note_use, read_uses
from cassettes_lib.errors import CassetteLoadError
from cassettes_lib.recording import use_cassette
from cassettes_lib.stores import JsonFileCassetteStore
from tests.loopback import LoopbackServer
from tests.support import a_cassette, a_request, a_response, an_interaction, with_environment


def note_many(target: str, cassette: str, first: int) -> None:
    os.environ["CASSETTES_USED"] = target
    for position in range(first, first + 100):
        note_use(cassette, [position].copy)


class UsageTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.uses = self.folder / "uses.txt"
        with_environment(self, CASSETTES_USED=str(self.uses), CI=None, CASSETTES_MODE=None)

    def test_what_sessions_note_is_joined_by_cassette(self) -> None:
        note_use(self.folder / "a.json", lambda: [3, 1])
        note_use(self.folder / "b.json", list)
        note_use(self.folder / "a.json", lambda: [0])
        uses = read_uses(self.uses)
        self.assertEqual(uses[os.path.realpath(self.folder / "a.json")].played, {0, 1, 3})
        self.assertEqual(uses[os.path.realpath(self.folder / "b.json")].played, set())

    def test_a_session_notes_what_it_replayed_and_recorded(self) -> None:
        path = self.folder / "c.json"
        recorded = [an_interaction(a_request(url=f"http://x/{number}")) for number in range(3)]
        JsonFileCassetteStore(path).save(a_cassette(*recorded))
        with use_cassette(path, mode="replay") as broker:
            broker.respond(a_request(url="http://x/1"))
        with use_cassette(path, mode="auto") as broker:
            broker.respond(a_request(url="http://x/new"), lambda request: a_response())
        self.assertEqual(read_uses(self.uses)[os.path.realpath(path)].played, {1, 3})

    def test_nothing_is_written_unless_asked_for(self) -> None:
        with_environment(self, CASSETTES_USED=None)
        note_use(self.folder / "a.json", self.fail)
        self.assertEqual(os.listdir(self.folder), [])

    def test_processes_share_one_list(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        arguments = [(str(self.uses), str(self.folder / "a.json"), first) for first in (0, 100, 200)]
        processes = [spawn.Process(target=note_many, args=each) for each in arguments]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        self.assertEqual(read_uses(self.uses)[os.path.realpath(self.folder / "a.json")].played, set(range(300)))

    def test_a_list_made_by_hand_will_do(self) -> None:
        self.uses.write_text(f"\n{self.folder / 'a.json'}\n")
        self.assertIsNone(read_uses(self.uses)[os.path.realpath(self.folder / "a.json")].played)

    def test_a_run_notes_what_it_replayed_and_recorded(self) -> None:
        path = self.folder / "a.json"
        recorded = [an_interaction(a_request(url=f"http://a/{number}")) for number in range(3)]
        JsonFileCassetteStore(path).save(a_cassette(*recorded))
        with_environment(self, CASSETTES_USED=str(self.uses), CI=None, CASSETTES_MODE=None)
        with LoopbackServer() as server, use_cassette(path, mode="auto"):
            requests.get("http://a/1")
            requests.get(server.url_for("/text"))
        self.assertEqual(read_uses(self.uses)[os.path.realpath(path)].played, {1, 3})

    def test_a_wrong_line_is_an_error_with_its_number(self) -> None:
        for line in ("{", json.dumps({"cassette": 1}), json.dumps({"played": []}),
                     json.dumps({"cassette": "a", "played": [-1]}), json.dumps({"cassette": "a", "played": [True]})):
            self.uses.write_text(f"a.json\n{line}\n")
            with self.subTest(line), self.assertRaisesRegex(CassetteLoadError, "line 2"):
                read_uses(self.uses)

    def test_a_missing_list_is_an_error(self) -> None:
        with self.assertRaises(CassetteLoadError):
            read_uses(self.folder / "no")


if __name__ == "__main__":
    unittest.main()
