"""What a save makes of what is stored: recorded anew, added to by other writers, edited by hand."""

from __future__ import annotations

import json
import threading
import unittest

from cassettes_lib.errors import (
    CassetteWarning,
)
from cassettes_lib.models import Cassette, RecordingMark
from cassettes_lib.stores import JsonFileCassetteStore
from tests.stores_support import FolderTestCase, a_cassette_of, numbered


class RecordingAnewTest(FolderTestCase):
    def setUp(self) -> None:
        super().setUp()
        JsonFileCassetteStore(self.path).save(a_cassette_of(1, 2))

    def test_what_was_loaded_is_replaced_and_what_others_added_is_kept(self) -> None:
        for others_first in (False, True):
            with self.subTest(others_first=others_first):
                self.path.unlink()
                JsonFileCassetteStore(self.path).save(a_cassette_of(1, 2))
                store, other = self.store(), self.store()
                store.load()
                theirs = other.load()
                if others_first:
                    other.save(theirs.plus(numbered(7)))
                cassette = Cassette().plus(numbered(3))
                store.save(cassette)
                self.assertEqual(self.numbers(), [3, 7] if others_first else [3])
                theirs = theirs.plus(numbered(7)).plus(numbered(8)) if not others_first else theirs
                store.save(cassette.plus(numbered(4)))
                self.assertEqual(sorted(self.numbers()), [3, 4, 7] if others_first else [3, 4])

    def test_of_two_that_begin_together_each_keeps_what_the_other_records(self) -> None:
        stores = [self.store(), self.store()]
        for store in stores:
            store.load()
        cassettes = [Cassette(), Cassette()]
        for round_ in range(3):
            for which, store in enumerate(stores):
                cassettes[which] = cassettes[which].plus(numbered(10 * which + round_))
                store.save(cassettes[which])
        self.assertEqual(sorted(self.numbers()), [0, 1, 2, 10, 11, 12])

    def test_an_equal_recording_of_another_writer_is_not_taken_for_an_old_one(self) -> None:
        stores = [self.store(), self.store(), self.store()]
        for store in stores:
            store.load()
        for store in stores:
            store.save(a_cassette_of(1))
        self.assertEqual(self.numbers(), [1, 1, 1])

    def test_a_store_that_never_loaded_replaces_what_was_there_when_it_was_made(self) -> None:
        first, second = self.store(), self.store()
        first.save(a_cassette_of(3))
        self.assertEqual(self.numbers(), [3])
        second.save(a_cassette_of(4))
        self.assertEqual(sorted(self.numbers()), [3, 4], "3 was added after it was made")
        self.store().save(a_cassette_of(5))
        self.assertEqual(self.numbers(), [5])

    def test_one_store_can_serve_several_recordings_at_once(self) -> None:
        store = self.store()

        def record(first: int) -> None:
            cassette = Cassette()
            for number in range(first, first + 20):
                cassette = cassette.plus(numbered(number))
                store.save(cassette)

        for at_once in (True, False):
            with self.subTest(at_once=at_once):
                for _ in range(2):
                    store.load()
                threads = [threading.Thread(target=record, args=[100 * each]) for each in (1, 2)]
                for thread in threads:
                    thread.start()
                    if not at_once:
                        thread.join()
                for thread in threads:
                    thread.join()
                self.assertEqual(sorted(self.numbers()), [*range(100, 120), *range(200, 220)])

    def test_a_store_that_is_used_again_replaces_its_own_earlier_recording(self) -> None:
        store = self.store()
        for number in (3, 4, 5):
            store.load()
            store.save(a_cassette_of(number))
            store.save(store.load().plus(numbered(number + 10)))
            self.assertEqual(self.numbers(), [number, number + 10])


class OtherWritersTest(FolderTestCase):
    def test_additions_of_others_are_kept_in_place(self) -> None:
        stores = [self.store() for _ in range(3)]
        cassettes = [Cassette() for _ in stores]
        for round_ in range(4):
            for which, store in enumerate(stores):
                cassettes[which] = cassettes[which].plus(numbered(10 * which + round_))
                store.save(cassettes[which])
        inode = self.path.stat().st_ino
        self.assertEqual(self.numbers(), [0, 10, 20, 1, 11, 21, 2, 12, 22, 3, 13, 23])
        stores[0].save(cassettes[0].plus(numbered(99)))
        self.assertEqual(self.path.stat().st_ino, inode)

    def test_rewriting_replaces_our_own_and_nobody_elses(self) -> None:
        for others_rewrite in (False, True):
            with self.subTest(others_rewrite=others_rewrite):
                self.path.unlink(missing_ok=True)
                self.store().save(a_cassette_of(1))
                ours, theirs = self.store(), self.store()
                mine, yours = ours.load(), theirs.load()
                for number in (2, 3):
                    mine, yours = mine.plus(numbered(number)), yours.plus(numbered(2))
                    ours.save(mine)
                    theirs.save(yours)
                if others_rewrite:
                    yours = yours.model_copy(update={"interactions": yours.interactions.rewritten(
                        [yours.interactions[0], numbered(8), numbered(9)])})
                    theirs.save(yours)
                    self.assertEqual(sorted(self.numbers()), [1, 2, 3, 8, 9])
                mine = mine.model_copy(update={"interactions": mine.interactions.rewritten(
                    [numbered(11), numbered(12), numbered(13)])})
                ours.save(mine)
                expected = [8, 9, 11, 12, 13] if others_rewrite else [2, 2, 11, 12, 13]
                self.assertEqual(sorted(self.numbers()), expected)
                ours.save(mine.plus(numbered(14)))
                theirs.save(yours.plus(numbered(15)))
                self.assertEqual(sorted(self.numbers()), [*expected, 14, 15])

    def test_what_others_rewrote_is_not_brought_back(self) -> None:
        """A loaded interaction from which another writer has removed its secret must not come back with it."""
        self.store().save(a_cassette_of(1, 2))
        ours, theirs = self.store(), self.store()
        mine, yours = ours.load(), theirs.load()
        mine = mine.plus(numbered(3))
        ours.save(mine)
        theirs.save(yours.model_copy(update={"interactions": yours.interactions.rewritten([numbered(11),
            numbered(2)])}))
        self.assertEqual(sorted(self.numbers()), [2, 3, 11])
        mine = mine.model_copy(update={"interactions": mine.interactions.rewritten(
            [mine.interactions[0], mine.interactions[1], numbered(13)])})
        ours.save(mine)
        self.assertEqual(sorted(self.numbers()), [2, 11, 13])
        mine = mine.model_copy(update={"interactions": mine.interactions.rewritten(
            [mine.interactions[0], numbered(12), mine.interactions[2]])}).plus(numbered(4))
        ours.save(mine)
        self.assertEqual(sorted(self.numbers()), [4, 11, 12, 13], "not even when only offsets are looked at")
        self.path.unlink()
        ours.save(mine.plus(numbered(5)))
        self.assertEqual(sorted(self.numbers()), [4, 5, 12, 13])

    def test_marks_of_others_stay(self) -> None:
        ours, theirs = self.store(), self.store()
        mine = Cassette(incomplete=(RecordingMark(session="mine"),)).plus(numbered(1))
        yours = Cassette(incomplete=(RecordingMark(session="yours"),)).plus(numbered(2))
        ours.save(mine)
        theirs.save(yours)
        self.assertEqual(self.sessions(), ["mine", "yours"])
        ours.save(mine.model_copy(update={"incomplete": ()}))
        self.assertEqual(self.sessions(), ["yours"])
        yours = yours.plus(numbered(3))
        theirs.save(yours)
        self.assertEqual(self.sessions(), ["yours"])
        theirs.save(yours.model_copy(update={"incomplete": ()}))
        self.assertEqual(self.sessions(), [])
        self.assertEqual(self.numbers(), [1, 2, 3])

    def test_a_recording_that_resumes_clears_the_marks_that_it_found(self) -> None:
        self.store().save(Cassette(incomplete=(RecordingMark(session="died"),)).plus(numbered(1)))
        store = self.store()
        cassette = store.load()
        running = cassette.plus(numbered(2)).model_copy(
            update={"incomplete": (*cassette.incomplete, RecordingMark(session="resumed"))}
        )
        store.save(running)
        self.assertEqual(self.sessions(), ["died", "resumed"])
        store.save(running.model_copy(update={"incomplete": ()}))
        self.assertEqual(self.sessions(), [])
        self.assertEqual(self.numbers(), [1, 2])

    def test_recording_anew_clears_the_marks_that_it_found_and_no_others(self) -> None:
        self.store().save(Cassette(incomplete=(RecordingMark(session="died"),)).plus(numbered(1)))
        store, other = self.store(), self.store()
        store.load()
        theirs = other.load()
        other.save(theirs.plus(numbered(2)).model_copy(
            update={"incomplete": (*theirs.incomplete, RecordingMark(session="theirs"))}
        ))
        store.save(Cassette(incomplete=(RecordingMark(session="mine"),)).plus(numbered(3)))
        self.assertEqual(self.sessions(), ["theirs", "mine"])
        self.assertEqual(self.numbers(), [3, 2])


class HandEditTest(FolderTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cassette = a_cassette_of(1, 2)
        self.opened = self.store()
        self.opened.save(self.cassette)

    def edit(self, change: dict[str, object], *, indent: int | None, in_place: bool) -> None:
        document = {**json.loads(self.path.read_bytes()), **change}
        text = json.dumps(document, indent=indent)
        if in_place:
            self.path.write_text(text)
        else:
            other = self.folder / "edited"
            other.write_text(text)
            other.replace(self.path)

    def test_edits_between_two_saves_survive_the_next(self) -> None:
        for indent in (None, 2, 4):
            for in_place in (True, False):
                with self.subTest(indent=indent, in_place=in_place):
                    self.setUp()
                    self.edit({"about": "by hand"}, indent=indent, in_place=in_place)
                    self.opened.save(self.cassette.plus(numbered(3)))
                    self.assertEqual(self.numbers(), [1, 2, 3])
                    self.assertEqual(json.loads(self.path.read_bytes())["about"], "by hand")

    def test_an_interaction_that_was_taken_out_by_hand_stays_out(self) -> None:
        document = json.loads(self.path.read_bytes())
        self.edit({"interactions": document["interactions"][1:]}, indent=2, in_place=True)
        self.opened.save(self.cassette.plus(numbered(3)))
        self.assertEqual(self.numbers(), [2, 3])

    def test_members_by_hand_survive_a_recording_anew(self) -> None:
        self.edit({"about": "by hand"}, indent=2, in_place=True)
        store = self.store()
        store.load()
        store.save(a_cassette_of(3))
        self.assertEqual(self.numbers(), [3])
        self.assertEqual(json.loads(self.path.read_bytes())["about"], "by hand")

    def test_a_file_broken_by_hand_while_recording_is_moved_aside_and_all_is_written_anew(self) -> None:
        broken = self.path.read_bytes().replace(b'"status"', b"status", 1)
        self.path.write_bytes(broken)
        with self.assertWarnsRegex(CassetteWarning, "is damaged and was moved to"):
            self.opened.save(self.cassette.plus(numbered(3)))
        self.assertEqual(self.numbers(), [1, 2, 3])
        self.assertEqual((self.folder / "cassette.json.damaged").read_bytes(), broken)


    def test_members_that_nobody_knows_survive_the_next_save_wherever_they_stand(self) -> None:
        entry = {
            "recorded_at": "2026-11-23T10:40:00Z",
            "request": {"method": "POST", "url": "https://a/1", "headers": {"A": "1"}, "body": {"json": [1]}},
            "response": {
                "status": 200, "headers": {"B": ["1", "2"]}, "body": {"text": "hi"},
                "broken": {"error": "IncompleteRead", "message": "m"}, "retried": [{"status": 503}],
            },
        }
        failed = {"request": {"method": "GET", "url": "https://a/2"}, "failure": {"error": "a.B", "message": "m"}}
        document = {"format": 1, "interactions": [entry, failed], "incomplete": [{"session": "s"}]}
        first = ("interactions", 0)
        for path in (
            (), first, (*first, "request"), (*first, "request", "body"), (*first, "response"),
            (*first, "response", "body"), (*first, "response", "broken"), (*first, "response", "retried", 0),
            ("interactions", 1, "failure"), ("incomplete", 0),
        ):
            for indent in (2, 4, None):
                with self.subTest(path=path, indent=indent):
                    edited = json.loads(json.dumps(document))
                    place = edited
                    for part in path:
                        place = place[part]
                    place["x"] = {"by": ["hand", None]}
                    self.path.write_text(json.dumps(edited, indent=indent) + "\n")
                    store = self.store()
                    store.save(store.load().plus(numbered(3)))
                    saved = json.loads(self.path.read_bytes())
                    self.assertEqual(saved["interactions"].pop(2)["request"]["url"], "https://api.example.com/3")
                    self.assertEqual(saved, edited)
                    self.assertEqual(list(saved["interactions"][0]), list(edited["interactions"][0]))


if __name__ == "__main__":
    unittest.main()
