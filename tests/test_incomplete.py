"""Recordings that broke off: marked, resumed by `once`, warned of by `replay`, refused under CI."""

from __future__ import annotations

import os
import unittest
from typing import Any

import requests

from cassettes_lib import (
    CassetteLoadError,
    use_cassette,
)
from cassettes_lib.models import RecordingMark
from tests import modes_support
from tests.modes_support import ModesTestCase
from tests.support import MemoryCassetteStore, a_cassette, an_interaction


class IncompleteTest(ModesTestCase):
    """A recording whose block failed or whose process died is marked; `marks` counts the marks in the file."""

    def fail_after(self, *names: str, mode: Any = None) -> None:
        with self.assertRaises(ZeroDivisionError), use_cassette(self.path, mode=mode):
            for name in names:
                self.get(name)
            raise ZeroDivisionError

    def test_while_a_recording_runs_its_cassette_is_marked(self) -> None:
        with use_cassette(self.path):
            self.get("one")
            self.assertEqual(self.marks(), 1)
            self.get("two")
            self.assertEqual(self.marks(), 1)
        self.assertEqual(self.marks(), 0)

    def test_a_block_that_recorded_and_fails_leaves_the_mark(self) -> None:
        for mode in ("once", "auto", "record"):
            with self.subTest(mode):
                self.path.unlink(missing_ok=True)
                self.fail_after("one", mode=mode)
                self.assertEqual((self.recorded(), self.marks()), (["one"], 1))

    def test_a_block_that_fails_before_it_recorded_anything_leaves_no_file(self) -> None:
        self.fail_after()
        self.assertFalse(self.path.exists())

    def test_auto_marks_a_complete_cassette_when_it_adds_to_it_and_fails(self) -> None:
        self.record("one")
        self.fail_after("one", "two", mode="auto")
        self.assertEqual((self.recorded(), self.marks()), (["one", "two"], 1))

    def test_auto_leaves_a_complete_cassette_complete_when_it_adds_nothing_and_fails(self) -> None:
        self.record("one")
        before = self.path.stat().st_mtime_ns
        self.fail_after("one", mode="auto")
        self.assertEqual((self.marks(), self.path.stat().st_mtime_ns), (0, before))

    def test_once_resumes_and_clears_the_marks_it_found(self) -> None:
        self.fail_after("one")
        self.server.clear()
        self.assertEqual(self.use("one", "two"), ["one 1", "two 2"])
        self.assertEqual((self.hits, self.recorded(), self.marks()), (["two"], ["one", "two"], 0))
        self.assertEqual(self.use("one", "two"), ["one 1", "two 2"])
        self.assertEqual(self.broker.mode, "replay")

    def test_once_clears_the_marks_when_nothing_was_left_to_record(self) -> None:
        self.fail_after("one")
        self.use("one")
        self.assertEqual(self.marks(), 0)

    def test_auto_resumes_likewise(self) -> None:
        self.fail_after("one")
        self.use("one", "two", mode="auto")
        self.assertEqual((self.recorded(), self.marks()), (["one", "two"], 0))

    def test_a_resumed_block_that_fails_again_leaves_marks(self) -> None:
        self.fail_after("one")
        self.fail_after("one")
        self.assertGreaterEqual(self.marks(), 1)
        self.fail_after("one", "two")
        self.assertEqual(self.recorded(), ["one", "two"])
        self.assertGreaterEqual(self.marks(), 1)
        self.use("one", "two")
        self.assertEqual(self.marks(), 0)

    def test_record_starts_anew(self) -> None:
        self.fail_after("one")
        self.use("two", mode="record")
        self.assertEqual((self.recorded(), self.marks()), (["two"], 0))

    def test_replay_uses_it_and_warns(self) -> None:
        self.fail_after("one")
        with self.assertWarnsRegex(UserWarning, "incomplete") as caught:
            self.assertEqual(self.use("one", mode="replay"), ["one 1"])
        self.assertEqual(caught.filename, modes_support.__file__)
        self.assertEqual(self.marks(), 1)

    def test_under_ci_it_is_an_error(self) -> None:
        self.fail_after("one")
        self.set_environment(CI="true")
        for mode in ("once", "auto", "replay"):
            with self.subTest(mode), self.assertRaisesRegex(CassetteLoadError, "incomplete.*CI"):
                self.use("one", mode=mode)
        self.assertEqual(self.use("one", mode="record"), ["one 2"])
        self.assertEqual(self.use("one"), ["one 2"])

    def test_a_clean_end_does_not_hide_the_crash_of_another(self) -> None:
        with use_cassette(self.path, mode="auto"):
            self.get("one")
            other = self.stored()
            crashed = RecordingMark(session="somebody else's, that was killed")
            from cassettes_lib.stores import JsonFileCassetteStore

            store = JsonFileCassetteStore(self.path)
            loaded = store.load()
            store.save(loaded.plus(an_interaction()).model_copy(update={"incomplete": (*loaded.incomplete, crashed)}))
            self.assertEqual(len(other.incomplete), 1)
        self.assertEqual([mark.session for mark in self.stored().incomplete], [crashed.session])

    def test_a_mark_of_a_block_that_is_still_open_is_not_cleared_by_another(self) -> None:
        with use_cassette(self.path, mode="auto"):
            self.get("one")
            with use_cassette(self.path):
                self.get("two")
            self.assertEqual(self.marks(), 1)
            self.assertEqual(sorted(self.recorded()), ["one", "two"])
            self.get("three")
        self.assertEqual((sorted(self.recorded()), self.marks()), (["one", "three", "two"], 0))

    def test_a_block_within_a_block_that_records_anew_on_the_same_cassette_adds_to_it(self) -> None:
        self.record("old")
        for mode, environment in (("record", None), ("once", "record")):
            self.set_environment(CASSETTES_MODE=environment)
            with self.subTest(mode), use_cassette(self.path, mode=mode):  # type: ignore[call-overload]
                self.get("one")
                with use_cassette(self.path, mode=mode):  # type: ignore[call-overload]
                    self.get("two")
                self.get("three")
            self.assertEqual((sorted(self.recorded()), self.marks()), (["one", "three", "two"], 0))

    def test_what_is_recorded_after_the_end_leaves_no_mark(self) -> None:
        for store in (None, MemoryCassetteStore()):
            with self.subTest(store=store):
                with use_cassette(None if store else self.path, store=store):
                    response = requests.get(self.server.url_for("/chunked"), stream=True, timeout=30)
                self.assertTrue(response.content)
                cassette = store.cassette if store else self.stored()
                assert cassette is not None
                self.assertEqual((len(cassette.interactions), cassette.incomplete), (1, ()))

    def test_what_is_recorded_after_a_failing_end_is_marked(self) -> None:
        for store in (None, MemoryCassetteStore()):
            with self.subTest(store=store):
                with self.assertRaises(ZeroDivisionError), use_cassette(None if store else self.path, store=store):
                    response = requests.get(self.server.url_for("/chunked"), stream=True, timeout=30)
                    raise ZeroDivisionError
                self.assertTrue(response.content)
                cassette = store.cassette if store else self.stored()
                assert cassette is not None
                self.assertEqual((len(cassette.interactions), len(cassette.incomplete)), (1, 1))

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_a_forked_child_that_leaves_the_block_does_not_clear_the_mark_of_its_parent(self) -> None:
        cassette = use_cassette(self.path)
        with cassette:
            self.get("one")
            child = os.fork()
            if not child:
                cassette.__exit__(None, None, None)
                os._exit(0)
            self.assertEqual(os.waitpid(child, 0)[1], 0)
            self.assertEqual(self.marks(), 1)
        self.assertEqual(self.marks(), 0)

    def test_a_skip_ends_a_recording_well(self) -> None:
        with self.assertRaises(unittest.SkipTest), use_cassette(self.path):
            self.get("one")
            raise unittest.SkipTest("the feature is off")
        self.assertEqual((self.recorded(), self.marks()), (["one"], 0))


class PlainStoreTest(ModesTestCase):
    """A store that knows nothing of marks sees exactly one save per new recording."""

    def test_a_recording_that_ends_well_is_saved_once_per_interaction(self) -> None:
        store = MemoryCassetteStore()
        with use_cassette(store=store):
            for number, name in enumerate(("one", "two"), start=1):
                self.get(name)
                self.assertEqual(store.saves, number)
                assert store.cassette is not None
                self.assertEqual(store.cassette.incomplete, ())
        self.assertEqual(store.saves, 2)

    def test_a_recording_that_fails_is_saved_once_more_with_its_mark_and_resumed(self) -> None:
        store = MemoryCassetteStore()
        with self.assertRaises(ZeroDivisionError), use_cassette(store=store):
            self.get("one")
            raise ZeroDivisionError
        assert store.cassette is not None
        self.assertEqual((store.saves, len(store.cassette.incomplete)), (2, 1))
        with use_cassette(store=store):
            self.assertEqual([self.get("one"), self.get("two")], ["one 1", "two 2"])
        self.assertEqual((len(store.cassette.incomplete), len(store.cassette.interactions)), (0, 2))

    def test_replay_saves_nothing(self) -> None:
        store = MemoryCassetteStore()
        with use_cassette(store=store):
            self.get("one")
        with use_cassette(store=store) as broker:
            self.get("one")
        self.assertEqual((broker.mode, store.saves), ("replay", 1))

    def test_a_failing_block_that_recorded_nothing_saves_nothing(self) -> None:
        store = MemoryCassetteStore(a_cassette(an_interaction()))
        with self.assertRaises(ZeroDivisionError), use_cassette(store=store, mode="auto"):
            raise ZeroDivisionError
        self.assertEqual(store.saves, 0)


if __name__ == "__main__":
    unittest.main()
