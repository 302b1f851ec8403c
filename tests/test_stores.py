from __future__ import annotations

import json
import os
import pickle
import re
import resource
import shutil
import stat
import sys
import tempfile
import threading
import traceback
import unittest
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from cassettes_lib import files
from cassettes_lib.errors import (
    CassetteFormatError,
    CassetteLoadError,
    CassetteNotFoundError,
    CassetteSaveError,
    CassetteWarning,
)
from cassettes_lib.fileformat import print_cassette, read_cassette
from cassettes_lib.models import Cassette, Interaction, Interactions, RecordingMark
from cassettes_lib.store_contract import CassetteStoreContract
from cassettes_lib.stores import JsonFileCassetteStore
from examples.sqlite_store import SqliteCassetteStore
from tests.support import a_request, a_response, an_interaction


def numbered(number: int, size: int = 10) -> Interaction:
    return an_interaction(a_request(url=f"https://api.example.com/{number}"), a_response(b"x" * size))


def a_cassette_of(*numbers: int) -> Cassette:
    return Cassette(interactions=Interactions(numbered(number) for number in numbers))


NOBODY = 65534


class FolderTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.path = self.folder / "cassette.json"

    def store(self, **options: object) -> JsonFileCassetteStore:
        return JsonFileCassetteStore(self.path, **options)  # type: ignore[arg-type]

    def numbers(self, path: Path | None = None) -> list[int]:
        """The numbers of the interactions in the file, which must be whole and valid JSON."""
        document = json.loads((path or self.path).read_bytes())
        self.assertEqual(document["format"], 1)
        return [int(each["request"]["url"].rpartition("/")[2]) for each in document["interactions"]]

    def sessions(self) -> list[str]:
        return [each["session"] for each in json.loads(self.path.read_bytes()).get("incomplete", [])]


class JsonFileContractTest(CassetteStoreContract, FolderTestCase):
    def make_store(self) -> JsonFileCassetteStore:
        self.made = getattr(self, "made", 0) + 1
        return JsonFileCassetteStore(self.folder / str(self.made) / "cassette.json")

    def reopened(self, store: JsonFileCassetteStore) -> JsonFileCassetteStore:  # type: ignore[override]
        return JsonFileCassetteStore(store.path)


class SqliteContractTest(CassetteStoreContract, FolderTestCase):
    def make_store(self) -> SqliteCassetteStore:
        self.made = getattr(self, "made", 0) + 1
        return SqliteCassetteStore(self.folder / "cassettes.db", str(self.made))

    def reopened(self, store: SqliteCassetteStore) -> SqliteCassetteStore:  # type: ignore[override]
        return SqliteCassetteStore(store.database, store.name)


class FileTest(FolderTestCase):
    def test_a_name_may_be_as_long_as_the_system_allows(self) -> None:
        path = self.folder / ("x" * 255)
        JsonFileCassetteStore(path).save(a_cassette_of(1))
        JsonFileCassetteStore(path).save(a_cassette_of(2))
        self.assertEqual(self.numbers(path), [2])

    def test_a_path_may_be_a_string_or_path_like(self) -> None:
        for path in (str(self.path), self.path):
            self.assertEqual(JsonFileCassetteStore(path).path, self.path)

    def test_a_folder_in_the_place_of_the_file_is_called_one(self) -> None:
        said = f"{self.folder} is a folder; give the path of a file in it, such as {self.folder / 'orders.json'}"
        with self.assertRaisesRegex(CassetteLoadError, f"^{re.escape(said)}$"):
            JsonFileCassetteStore(self.folder).load()

    def test_folders_are_created(self) -> None:
        self.path = self.folder / "a" / "b" / "c.json"
        self.store().save(a_cassette_of(1))
        self.assertEqual(self.numbers(), [1])

    def test_the_file_is_as_print_cassette_prints_it_after_every_save(self) -> None:
        store, cassette = self.store(), Cassette()
        for number in range(10):
            cassette = cassette.plus(numbered(number))
            store.save(cassette)
            self.assertEqual(self.path.read_text(encoding="utf-8"), print_cassette(cassette))

    def test_an_addition_is_written_in_place(self) -> None:
        store = self.store()
        store.save(a_cassette_of(1))
        inode = self.path.stat().st_ino
        cassette = store.load()
        for number in range(2, 5):
            cassette = cassette.plus(numbered(number))
            store.save(cassette)
        self.assertEqual(self.path.stat().st_ino, inode)
        self.assertEqual(self.numbers(), [1, 2, 3, 4])

    def test_the_bytes_written_by_a_save_do_not_grow_with_the_cassette(self) -> None:
        written: list[int] = []
        original = files._write_all

        def counting(file: object, start: int, text: bytes) -> None:
            written.append(len(text))
            original(file, start, text)  # type: ignore[arg-type]

        store, cassette = self.store(), Cassette()
        with mock.patch.object(files, "_write_all", counting):
            for number in range(1000, 1400):
                cassette = cassette.plus(numbered(number))
                store.save(cassette)
        self.assertLess(len(written), 400 + 10)
        self.assertLess(sum(written), 1.1 * self.path.stat().st_size)
        self.assertLess(max(written), 2 * written[0])

    def test_nothing_stays_beside_the_cassette(self) -> None:
        store = self.store()
        store.save(a_cassette_of(1))
        store.save(a_cassette_of(2))
        self.assertEqual(os.listdir(self.folder), ["cassette.json"])

    def test_saving_what_is_there_writes_nothing(self) -> None:
        self.store().save(a_cassette_of(1, 2))
        os.utime(self.path, ns=(1, 1))
        store = self.store()
        cassette = store.load()
        store.save(cassette)
        store.save(cassette.model_copy())
        self.store().save(a_cassette_of(1, 2))
        self.assertEqual(self.path.stat().st_mtime_ns, 1)

    def test_a_file_deleted_meanwhile_is_written_whole_again(self) -> None:
        store, cassette = self.store(), a_cassette_of(1, 2)
        store.save(cassette)
        self.path.unlink()
        store.save(cassette.plus(numbered(3)))
        self.assertEqual(self.numbers(), [1, 2, 3])
        self.path.unlink()
        store.save(store.load() if self.path.exists() else cassette)
        self.assertEqual(self.numbers(), [1, 2])

    def test_a_change_of_the_current_folder_does_not_move_the_cassette(self) -> None:
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        store = JsonFileCassetteStore("cassette.json")
        os.chdir(before)
        store.save(a_cassette_of(1))
        self.assertEqual(self.numbers(), [1])

    def test_permissions_and_links_are_kept_when_the_file_is_replaced(self) -> None:
        self.store().save(a_cassette_of(1))
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o666 & ~current_umask())
        self.path.chmod(0o640)
        link = self.folder / "link.json"
        link.symlink_to(self.path)
        JsonFileCassetteStore(link).save(a_cassette_of(2))
        self.assertTrue(link.is_symlink())
        self.assertEqual(self.numbers(), [2])
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o640)

    def test_a_link_to_nothing_leads_to_where_the_cassette_is_made(self) -> None:
        self.path.symlink_to(self.folder / "elsewhere.json")
        self.store().save(a_cassette_of(1))
        self.assertEqual(self.numbers(self.folder / "elsewhere.json"), [1])
        self.assertTrue(self.path.is_symlink())

    def test_durable_saves_wait_for_the_disk(self) -> None:
        synced: list[str] = []

        def fsync(descriptor: int) -> None:
            name = os.readlink(f"/proc/self/fd/{descriptor}")
            synced.append(name.removeprefix(str(self.folder)) if os.path.isdir(name) else "file")

        def synced_by(store: JsonFileCassetteStore, cassette: Cassette) -> list[str]:
            synced.clear()
            store.save(cassette)
            return list(synced)

        self.path = self.folder / "a" / "b" / "cassette.json"
        store, cassette = self.store(durable=True), a_cassette_of(1)
        self.enterContext(mock.patch("os.fsync", fsync))
        self.enterContext(mock.patch.object(files.fcntl, "F_FULLFSYNC", None, create=True))
        self.assertEqual(synced_by(store, cassette), ["", "/a", "file", "/a/b"], "each, then the folder of its name")
        self.assertEqual(synced_by(store, cassette.plus(numbered(2))), ["file"])
        self.assertEqual(synced_by(store, a_cassette_of(3)), ["file", "/a/b"], "replaced")
        other = self.store(durable=True)
        theirs = other.load().plus(numbered(4))
        self.assertEqual(synced_by(other, theirs), ["/a/b", "file"], "its name may be another's, who did not wait")
        self.assertEqual(synced_by(other, theirs.plus(numbered(5))), ["file"])
        self.path.write_text("damage")
        with self.assertWarns(CassetteWarning):
            self.assertEqual(synced_by(store, a_cassette_of(6)), ["file", "/a/b"], "what was moved aside as well")

    def test_durable_saves_empty_the_cache_of_the_disk_where_that_is_another_call(self) -> None:
        wanted: list[int] = []

        def control(descriptor: int, command: int) -> None:
            wanted.append(command)
            if len(wanted) > 2:
                raise OSError(25, "Inappropriate ioctl for device")

        store, cassette = self.store(durable=True), a_cassette_of(1)
        with (
            mock.patch.object(files.fcntl, "F_FULLFSYNC", 51, create=True), mock.patch("fcntl.fcntl", control),
            mock.patch("os.fsync") as fsync,
        ):
            store.save(cassette)
            fsync.assert_not_called()
            store.save(cassette.plus(numbered(2)))
            fsync.assert_called_once()
        self.assertEqual(wanted, [51, 51, 51])

    def test_other_saves_do_not_wait_for_the_disk(self) -> None:
        store, cassette = self.store(), a_cassette_of(1)
        with mock.patch("os.fsync", side_effect=AssertionError), mock.patch("os.sync", side_effect=AssertionError):
            store.save(cassette)
            store.save(cassette.plus(numbered(2)))
            store.save(a_cassette_of(3))

    def test_a_disk_that_fails_to_keep_an_addition_fails_the_save(self) -> None:
        store, cassette = self.store(durable=True), a_cassette_of(1)
        store.save(cassette)
        before = self.path.read_bytes()
        cassette = cassette.plus(numbered(2))
        broken = mock.patch("os.fsync", side_effect=OSError(5, "Input/output error"))
        with broken, self.assertRaises(CassetteSaveError):
            store.save(cassette)
        self.assertEqual(self.path.read_bytes(), before)
        store.save(cassette)
        self.assertEqual(self.numbers(), [1, 2])

    def test_a_save_of_an_older_cassette_replaces_the_newer_one(self) -> None:
        store, older = self.store(), a_cassette_of(1)
        store.save(older.plus(numbered(2)))
        store.save(older)
        self.assertEqual(self.numbers(), [1])

    def test_cassettes_that_were_loaded_can_be_copied(self) -> None:
        self.store().save(a_cassette_of(1, 2))
        loaded = self.store().load()
        self.assertEqual(pickle.loads(pickle.dumps(loaded)), loaded)
        self.assertEqual(loaded.model_copy(deep=True), loaded)


def current_umask() -> int:
    umask = os.umask(0)
    os.umask(umask)
    return umask


class NamedFileTest(FileTest):
    """The same where there are no files without a name: the new file has one beside the cassette until it is done."""

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.object(files, "_open_unnamed", return_value=None))


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


class DamagedTest(FolderTestCase):
    def test_a_damaged_file_at_rest_is_explained_once(self) -> None:
        """An explanation may take long."""
        self.path.write_text("damage")
        with (
            mock.patch("cassettes_lib.filestate.read_cassette", wraps=read_cassette) as reading,
            self.assertRaises(CassetteFormatError),
        ):
            self.store().load()
        reading.assert_called_once()

    def test_a_damaged_file_is_moved_aside_before_it_is_recorded_over(self) -> None:
        for number in (1, 2, 3):
            self.path.write_text(f"damage {number}")
            store = self.store()
            with self.assertRaises(CassetteFormatError):
                store.load()
            self.assertEqual(self.path.read_text(), f"damage {number}")
            with self.assertWarns(CassetteWarning):
                store.save(a_cassette_of(number))
            self.assertEqual(self.numbers(), [number])
        kept = sorted(path.read_text() for path in self.folder.glob("*.damaged*"))
        self.assertEqual(kept, ["damage 1", "damage 2", "damage 3"])

    def test_so_it_is_by_a_store_that_never_loaded(self) -> None:
        self.path.write_text('{"format": 99, "interactions": []}')
        with self.assertWarns(CassetteWarning):
            self.store().save(a_cassette_of(1))
        self.assertEqual(len(os.listdir(self.folder)), 2)

    def test_a_file_repaired_meanwhile_is_kept(self) -> None:
        self.path.write_text("damage")
        store = self.store()
        with self.assertRaises(CassetteFormatError):
            store.load()
        self.store_elsewhere_and_replace(a_cassette_of(1))
        store.save(a_cassette_of(2))
        self.assertEqual(sorted(self.numbers()), [1, 2])

    def store_elsewhere_and_replace(self, cassette: Cassette) -> None:
        JsonFileCassetteStore(self.folder / "other").save(cassette)
        (self.folder / "other").replace(self.path)

    def test_an_empty_file_is_an_error_that_says_so_and_is_recorded_over(self) -> None:
        self.path.write_bytes(b"")
        store = self.store()
        with self.assertRaises(CassetteFormatError) as caught:
            store.load()
        self.assertTrue(caught.exception.empty)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            store.save(a_cassette_of(1))
        self.assertEqual(self.numbers(), [1])
        self.assertEqual(os.listdir(self.folder), ["cassette.json"])

    def test_a_torn_end_is_recovered_with_a_warning_that_counts(self) -> None:
        self.store().save(a_cassette_of(1, 2, 3))
        whole = self.path.read_bytes()
        for size in range(len(whole) - 2, whole.index(b"interactions") + 20, -7):
            with self.subTest(size=size):
                self.path.write_bytes(whole[:size])
                store = self.store()
                with self.assertWarnsRegex(CassetteWarning, "(?s)cassette.json.* [0-3] whole interactions") as caught:
                    cassette = store.load()
                self.assertIn(f"{len(cassette.interactions)} whole", str(caught.warning))
                self.assertEqual(self.path.read_bytes(), whole[:size], "nothing is written by load")
                self.assertEqual(len(cassette.incomplete), 1)
        with self.assertWarns(CassetteWarning):
            store.save(cassette.plus(numbered(9)))
        self.assertEqual(self.numbers(), [9])
        self.assertEqual(self.sessions(), ["recovered"])

    def test_a_writer_repairs_the_torn_end_of_another(self) -> None:
        store, cassette = self.store(), a_cassette_of(1, 2)
        store.save(cassette)
        self.path.write_bytes(self.path.read_bytes()[:-10] + b',\n    {\n      "requ')
        with self.assertWarns(CassetteWarning):
            store.save(cassette.plus(numbered(3)))
        self.assertEqual(self.numbers(), [1, 2, 3][: len(self.numbers())])
        self.assertEqual(self.numbers()[-1], 3)


class FailingWriteTest(FolderTestCase):
    """`save` raises `CassetteSaveError`, the file is as it was, and a later save stores everything."""

    def setUp(self) -> None:
        super().setUp()
        self.cassette = a_cassette_of(1)
        self.opened = self.store()
        self.opened.save(self.cassette)
        self.before = self.path.read_bytes()

    def assert_save_fails(self, cassette: Cassette, store: JsonFileCassetteStore | None = None) -> CassetteSaveError:
        with self.assertRaises(CassetteSaveError) as caught:
            (store or self.opened).save(cassette)
        self.assertEqual(caught.exception.path, str((store or self.opened).path))
        self.assertIn(str((store or self.opened).path), str(caught.exception))
        self.assertIsInstance(caught.exception.__cause__, OSError)
        return caught.exception

    @contextmanager
    def limited_file_size(self, size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def test_on_a_full_disk(self) -> None:
        for size in (1, 3000, 5000, 100_000):
            for room in (1, 4, 5, 100, size // 2, size):
                with self.subTest(size=size, room=room):
                    cassette = self.cassette.plus(numbered(2, size))
                    with self.limited_file_size(len(self.before) + room):
                        self.assert_save_fails(cassette)
                        self.assertEqual(self.path.read_bytes(), self.before)
                        self.assertEqual(os.listdir(self.folder), ["cassette.json"])
        self.opened.save(cassette.plus(numbered(3)))
        self.assertEqual(self.numbers(), [1, 2, 3])

    def test_on_a_full_disk_where_the_file_is_written_whole(self) -> None:
        cassette = a_cassette_of(*range(10, 30))
        with self.limited_file_size(len(self.before)):
            self.assert_save_fails(cassette)
        self.assertEqual(self.path.read_bytes(), self.before)
        self.assertEqual(os.listdir(self.folder), ["cassette.json"])
        self.opened.save(cassette)
        self.assertEqual(self.numbers(), [*range(10, 30)])

    def test_when_the_path_is_a_folder(self) -> None:
        store = JsonFileCassetteStore(self.folder)
        self.assert_save_fails(self.cassette, store)
        with self.assertRaises(CassetteLoadError):
            store.load()

    def test_when_a_folder_of_the_path_is_a_file(self) -> None:
        store = JsonFileCassetteStore(self.path / "cassette.json")
        with self.assertRaises(CassetteNotFoundError):
            store.load()
        self.assert_save_fails(self.cassette, store)

    def test_when_the_folder_vanished(self) -> None:
        shutil.rmtree(self.folder)
        self.assert_save_fails(self.cassette.plus(numbered(2)))
        self.folder.mkdir()
        self.opened.save(self.cassette.plus(numbered(2)))
        self.assertEqual(self.numbers(), [1, 2])

    def test_when_the_path_is_a_pipe(self) -> None:
        os.mkfifo(self.folder / "pipe")
        store = JsonFileCassetteStore(self.folder / "pipe")
        with self.assertRaises(CassetteLoadError):
            store.load()
        self.assert_save_fails(self.cassette, store)

    def test_without_permission(self) -> None:
        if os.geteuid() != 0:
            self.check_without_permission()
            return
        for path in (self.folder, self.path):
            os.chown(path, NOBODY, NOBODY)
        if os.fork() == 0:  # root may write everywhere
            try:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                self.check_without_permission()
                os._exit(0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        self.assertEqual(os.wait()[1], 0)

    def check_without_permission(self) -> None:
        self.folder.chmod(0o500)
        cassette = self.cassette.plus(numbered(2))
        self.opened.save(cassette)
        self.assert_save_fails(a_cassette_of(3))
        self.assertEqual(len(self.store().load().interactions), 2)
        self.path.chmod(0o400)
        cassette = cassette.plus(numbered(3))
        self.assert_save_fails(cassette)
        self.assertEqual(len(self.store().load().interactions), 2, "reading needs no permission to write")
        self.path.chmod(0)
        with self.assertRaises(CassetteLoadError):
            self.store().load()
        self.folder.chmod(0)
        self.assert_save_fails(cassette)
        self.folder.chmod(0o700)
        self.path.chmod(0o600)
        self.opened.save(cassette)
        self.assertEqual(self.numbers(), [1, 2, 3])

    def test_when_the_name_is_too_long(self) -> None:
        store = JsonFileCassetteStore(self.folder / ("x" * 300))
        self.assert_save_fails(self.cassette, store)
        with self.assertRaises(CassetteLoadError):
            store.load()

    def test_when_a_number_is_not_finite(self) -> None:
        cassette = Cassette.model_validate({"interactions": self.cassette.interactions, "note": float("inf")})
        odd = Interaction.model_validate({**dict(numbered(1)), "note": float("-inf")})
        for each in (cassette, self.cassette.plus(odd)):
            with self.assertRaises(CassetteSaveError) as caught:
                self.opened.save(each)
            self.assertIsInstance(caught.exception.__cause__, ValueError)
            self.assertEqual(self.path.read_bytes(), self.before)

    def test_an_interrupted_write_is_taken_back(self) -> None:
        original = files._write_all
        cassette = self.cassette.plus(numbered(2))
        for put in (0, 5, 10_000):
            calls: list[int] = []

            def interrupted(file: object, start: int, text: bytes, put: int = put, calls: list[int] = calls) -> None:
                calls.append(start)
                original(file, start, text[:put] if len(calls) == 1 else text)  # type: ignore[arg-type]
                if len(calls) == 1:
                    raise KeyboardInterrupt

            with mock.patch.object(files, "_write_all", interrupted), self.assertRaises(KeyboardInterrupt):
                self.opened.save(cassette)
            self.assertEqual(self.path.read_bytes(), self.before)
        self.opened.save(cassette)
        self.assertEqual(self.numbers(), [1, 2])

    def test_a_kill_while_the_old_end_is_put_back_can_be_recovered_from(self) -> None:
        cassette = self.cassette.plus(numbered(2, 9000))
        if os.fork() == 0:
            calls: list[int] = []

            def failing(file: object, start: int, text: bytes) -> None:
                write_all(file, start, text)  # type: ignore[arg-type]
                calls.append(start)
                if len(calls) == 2:
                    os._exit(0)
                raise OSError(28, "No space left on device")

            write_all, files._write_all = files._write_all, failing
            self.opened.save(cassette)
        os.wait()
        self.assertEqual(self.store().load().interactions[0], numbered(1))
        self.assertEqual(self.path.stat().st_size, len(self.before))

    def test_where_not_even_the_old_end_can_be_put_back_the_error_says_so(self) -> None:
        original = files._write_all
        for put in (0, 5, 10_000):
            with self.subTest(put=put):
                self.setUp()

                def failing(file: object, start: int, text: bytes, put: int = put) -> None:
                    original(file, start, text[:put])  # type: ignore[arg-type]
                    raise OSError(5, "Input/output error")

                with mock.patch.object(files, "_write_all", failing):
                    cassette = self.cassette.plus(numbered(2))
                    error = self.assert_save_fails(cassette)
                self.assertIn("Its end is torn", str(error))
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", CassetteWarning)
                    self.assertEqual(self.store().load().interactions[0], numbered(1))
                    self.opened.save(cassette.plus(numbered(3)))
                self.assertEqual(self.numbers(), [1, 2, 3])

    def test_an_interrupt_just_after_a_file_was_replaced_does_not_double_anything(self) -> None:
        original = os.replace

        def interrupted(source: str, target: str) -> None:
            original(source, target)
            raise KeyboardInterrupt

        cassette = a_cassette_of(2)
        with mock.patch("os.replace", interrupted), self.assertRaises(KeyboardInterrupt):
            self.opened.save(cassette)
        self.opened.save(cassette.plus(numbered(3)))
        self.assertEqual(self.numbers(), [2, 3])


class NamedFailingWriteTest(FailingWriteTest):
    """The same where there are no files without a name."""

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(mock.patch.object(files, "_open_unnamed", return_value=None))


if __name__ == "__main__":
    sys.exit(unittest.main())
