"""One save that fails, on every step of its way, and the one that comes after it."""

from __future__ import annotations

import os
import resource
import shutil
import traceback
import unittest
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from cassettes_lib import files
from cassettes_lib.errors import (
    CassetteLoadError,
    CassetteNotFoundError,
    CassetteSaveError,
    CassetteWarning,
)
from cassettes_lib.models import Cassette, Interaction
from cassettes_lib.stores import JsonFileCassetteStore
from tests.stores_support import FolderTestCase, a_cassette_of, numbered

NOBODY = 65534

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
        child = os.fork()
        if child == 0:  # root may write everywhere
            try:
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                self.check_without_permission()
                os._exit(0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)

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
        child = os.fork()
        if child == 0:
            calls: list[int] = []

            def failing(file: object, start: int, text: bytes) -> None:
                write_all(file, start, text)  # type: ignore[arg-type]
                calls.append(start)
                if len(calls) == 2:
                    os._exit(0)
                raise OSError(28, "No space left on device")

            write_all, files._write_all = files._write_all, failing
            self.opened.save(cassette)
        os.waitpid(child, 0)
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
    unittest.main()
