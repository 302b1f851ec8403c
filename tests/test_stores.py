from __future__ import annotations

import os
import pickle
import re
import stat
import sys
import unittest
import warnings
from unittest import mock

from cassettes_lib import files
from cassettes_lib.errors import (
    CassetteFormatError,
    CassetteLoadError,
    CassetteSaveError,
    CassetteWarning,
)
from cassettes_lib.fileformat import print_cassette, read_cassette
from cassettes_lib.models import Cassette
from cassettes_lib.store_contract import CassetteStoreContract
from cassettes_lib.stores import JsonFileCassetteStore
from examples.sqlite_store import SqliteCassetteStore
from tests.stores_support import FolderTestCase, a_cassette_of, numbered


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


if __name__ == "__main__":
    sys.exit(unittest.main())
