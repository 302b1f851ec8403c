"""Ctrl-C in the middle of a save: the interaction is stored once, or not yet, and nothing stays locked."""

from __future__ import annotations

import os
import random
import signal
import threading
import unittest
import warnings
from collections.abc import Callable
from typing import Any
from unittest import mock

from cassettes_lib import files
from cassettes_lib.bases import Bases
from cassettes_lib.errors import CassetteSaveError
from cassettes_lib.locks import LockedFile
from cassettes_lib.models import Cassette
from cassettes_lib.stores import JsonFileCassetteStore
from tests.stores_support import FolderTestCase, a_cassette_of, numbered


def rewritten(cassette: Cassette, *numbers: int) -> Cassette:
    interactions = cassette.interactions.rewritten([numbered(number) for number in numbers])
    return cassette.model_copy(update={"interactions": interactions})


class InterruptTest(FolderTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.cassette = a_cassette_of(1)
        self.opened = self.store(lock_timeout=0)
        self.opened.save(self.cassette)

    def interrupt(self, cassette: Cassette, owner: Any, name: str, *, after: bool) -> None:
        """Save, with an interrupt just before or just after a function is called for the first time."""
        original: Callable[..., Any] = getattr(owner, name)
        calls = []

        def interrupted(*args: Any, **options: Any) -> Any:
            calls.append(name)
            if len(calls) > 1:
                return original(*args, **options)
            if after:
                original(*args, **options)
            raise KeyboardInterrupt

        with mock.patch.object(owner, name, interrupted), self.assertRaises(KeyboardInterrupt):
            self.opened.save(cassette)

    def test_what_was_added_is_not_added_again(self) -> None:
        for after in (False, True):
            self.cassette = self.cassette.plus(numbered(2))
            self.interrupt(self.cassette, Bases, "note_saved", after=after)
            self.opened.save(self.cassette.plus(numbered(3)))
            self.assertEqual(self.numbers(), [1, *[2, 3] * (1 + after)])
            self.cassette = self.cassette.plus(numbered(3))

    def test_what_others_added_meanwhile_is_told_apart_from_it(self) -> None:
        other = self.store()
        theirs = other.load()
        self.cassette = self.cassette.plus(numbered(2))
        self.interrupt(self.cassette, Bases, "note_saved", after=False)
        other.save(theirs.plus(numbered(7)))
        self.opened.save(rewritten(self.cassette, 11, 12))
        self.assertEqual(sorted(self.numbers()), [7, 11, 12])

    def test_an_equal_interaction_of_another_is_not_taken_for_one_whose_write_failed(self) -> None:
        other = self.store()
        theirs = other.load()
        cassette = self.cassette.plus(numbered(2))
        original, calls = files._write_all, [0]

        def failing(file: Any, start: int, text: bytes) -> None:
            calls[0] += 1
            original(file, start, text)
            if calls[0] == 1:
                raise OSError(28, "No space left on device")

        with mock.patch.object(files, "_write_all", failing), self.assertRaises(CassetteSaveError):
            self.opened.save(cassette)
        other.save(theirs.plus(numbered(2)))
        self.opened.save(cassette)
        self.assertEqual(self.numbers(), [1, 2, 2])

    def test_what_was_replaced_is_not_replaced_again(self) -> None:
        for name in ("replace", "link"):
            for after in (False, True):
                with self.subTest(name=name, after=after):
                    self.setUp()
                    cassette = rewritten(self.cassette, 11)
                    self.interrupt(cassette, os, name, after=after)
                    self.opened.save(cassette.plus(numbered(12)))
                    self.assertEqual(self.numbers(), [11, 12])
                    self.assertEqual(os.listdir(self.folder), ["cassette.json"])

    def test_what_was_created_is_not_created_again(self) -> None:
        for after in (False, True):
            with self.subTest(after=after):
                self.path.unlink()
                self.opened = self.store(lock_timeout=0)
                self.interrupt(self.cassette, os, "link", after=after)
                self.opened.save(self.cassette.plus(numbered(2)))
                self.assertEqual(self.numbers(), [1, 2])

    def test_the_lock_does_not_outlive_the_save(self) -> None:
        for name in ("__exit__", "release", "_let_go_of_file"):
            with self.subTest(name):
                self.cassette = self.cassette.plus(numbered(2))
                try:
                    self.interrupt(self.cassette, LockedFile, name, after=False)
                finally:
                    self.opened.save(self.cassette.plus(numbered(3)))
                self.cassette = self.cassette.plus(numbered(3))
                self.store(lock_timeout=0).load()

    def test_at_any_instant(self) -> None:
        """By real signals, of which most find a save in progress."""
        chance = random.Random(3)
        armed = False

        def strike(number: int, frame: object) -> None:
            nonlocal armed
            if armed:
                armed = False
                raise KeyboardInterrupt

        before = signal.signal(signal.SIGALRM, strike)
        self.addCleanup(signal.signal, signal.SIGALRM, before)
        self.addCleanup(signal.setitimer, signal.ITIMER_REAL, 0)
        self.enterContext(warnings.catch_warnings())
        warnings.simplefilter("ignore", ResourceWarning)  # a file may be left to the garbage collector
        interrupted = 0
        for round_ in range(150):
            self.path.unlink(missing_ok=True)
            store, cassette, expected = JsonFileCassetteStore(self.path, lock_timeout=0), Cassette(), []
            for number in range(5):
                cassette = cassette.plus(numbered(number, chance.choice([10, 5000])))
                expected.append(number)
                if number == 3 and round_ % 2:
                    expected = [each + 100 for each in expected]
                    cassette = rewritten(cassette, *expected)
                delay = 1e-6 + 6e-4 * chance.random() ** 2
                try:
                    armed = True
                    signal.setitimer(signal.ITIMER_REAL, delay)
                    store.save(cassette)
                    armed = False
                except KeyboardInterrupt:
                    interrupted += 1
            store.save(cassette.plus(numbered(9)))
            self.assertEqual(self.numbers(), [*expected, 9])
            self.assertEqual(os.listdir(self.folder), ["cassette.json"])
        self.assertGreater(interrupted, 0)


class LongNamesTest(FolderTestCase):
    """Cassettes are named after tests, so that many in a folder have long names that begin alike."""

    def test_two_that_are_replaced_at_once_do_not_get_in_each_others_way(self) -> None:
        paths = [self.folder / f"{'x' * 100}{number}.json" for number in range(2)]
        for path in paths:
            JsonFileCassetteStore(path).save(a_cassette_of(0))
        original = os.replace
        other_is_there, first_is_done = threading.Event(), threading.Event()
        other = threading.Thread(target=JsonFileCassetteStore(paths[1]).save, args=[a_cassette_of(2)])

        def in_step(source: str, target: str) -> None:
            if target == str(paths[0]):
                other.start()
                self.assertTrue(other_is_there.wait(30))
            else:
                other_is_there.set()
                self.assertTrue(first_is_done.wait(30))
            original(source, target)

        with mock.patch("os.replace", in_step):
            JsonFileCassetteStore(paths[0]).save(a_cassette_of(1))
            first_is_done.set()
            other.join()
        self.assertEqual([self.numbers(path) for path in paths], [[1], [2]])


if __name__ == "__main__":
    unittest.main()
