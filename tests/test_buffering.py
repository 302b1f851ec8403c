from __future__ import annotations

import os
import subprocess
import threading
import unittest
from unittest import mock

from cassettes_lib.buffering import BufferedCassetteStore
from cassettes_lib.errors import CassetteNotFoundError, CassetteSaveError
from cassettes_lib.models import Cassette, RecordingMark
from cassettes_lib.store_contract import CassetteStoreContract
from cassettes_lib.stores import JsonFileCassetteStore
from tests.recording_support import PROJECT, RecordingTestCase, run_python
from tests.stores_support import FolderTestCase, a_cassette_of, numbered


class CountingStore:
    """Keeps a cassette in memory, and what was saved; fails while `broken`."""

    def __init__(self) -> None:
        self.saved: list[Cassette] = []
        self.broken = False
        self.was_saved = threading.Event()

    def load(self) -> Cassette:
        if not self.saved:
            raise CassetteNotFoundError("nothing", path="memory")
        return self.saved[-1]

    def save(self, cassette: Cassette) -> None:
        self.was_saved.set()
        if self.broken:
            raise CassetteSaveError("broken", path="memory")
        self.saved.append(cassette)

    @property
    def sizes(self) -> list[int]:
        return [len(cassette.interactions) for cassette in self.saved]


class BufferedContractTest(CassetteStoreContract, FolderTestCase):
    def make_store(self) -> BufferedCassetteStore:
        self.made = getattr(self, "made", 0) + 1
        path = self.folder / f"{self.made}.json"
        store = BufferedCassetteStore(JsonFileCassetteStore(path), every=3, seconds=None)
        self.addCleanup(store.close)
        return store


class BufferingTest(unittest.TestCase):
    def setUp(self) -> None:
        self.behind = CountingStore()

    def record(self, store: BufferedCassetteStore, count: int, cassette: Cassette | None = None) -> Cassette:
        cassette = cassette or Cassette()
        for _ in range(count):
            cassette = cassette.plus(numbered(len(cassette.interactions)))
            store.save(cassette)
        return cassette

    def test_it_saves_every_so_many_interactions_and_at_close(self) -> None:
        with BufferedCassetteStore(self.behind, every=10, seconds=None) as store:
            self.record(store, 25)
            self.assertEqual(self.behind.sizes, [10, 20])
        self.assertEqual(self.behind.sizes, [10, 20, 25])
        store.close()
        self.assertEqual(self.behind.sizes, [10, 20, 25])

    def test_it_saves_when_something_has_waited_long_enough(self) -> None:
        store = BufferedCassetteStore(self.behind, every=1000, seconds=0.05)
        self.record(store, 3)
        self.assertEqual(self.behind.sizes, [])
        self.assertTrue(self.behind.was_saved.wait(30))
        store.close()
        self.assertEqual(self.behind.sizes, [3])

    def test_a_load_sees_what_is_buffered(self) -> None:
        store = BufferedCassetteStore(self.behind, every=10, seconds=None)
        self.record(store, 3)
        self.assertEqual(len(store.load().interactions), 3)

    def test_a_loaded_cassette_counts_as_saved(self) -> None:
        self.behind.saved.append(a_cassette_of(*range(20)))
        store = BufferedCassetteStore(self.behind, every=10, seconds=None)
        self.record(store, 12, store.load())
        self.assertEqual(self.behind.sizes, [20, 30])

    def test_marks_and_rewritten_interactions_do_not_wait(self) -> None:
        store = BufferedCassetteStore(self.behind, every=10, seconds=None)
        cassette = Cassette(incomplete=(RecordingMark(session="a"),)).plus(numbered(1))
        store.save(cassette)
        self.assertEqual(self.behind.sizes, [1])
        cassette = self.record(store, 2, cassette)
        self.assertEqual(self.behind.sizes, [1])
        rewritten = cassette.interactions.rewritten([numbered(7), numbered(8), numbered(9)])
        store.save(cassette.model_copy(update={"interactions": rewritten}))
        self.assertEqual(self.behind.sizes, [1, 3])
        store.save(cassette.model_copy(update={"interactions": rewritten, "incomplete": ()}))
        self.assertEqual(self.behind.sizes, [1, 3, 3])

    def test_a_save_that_fails_is_raised_and_tried_again(self) -> None:
        store = BufferedCassetteStore(self.behind, every=2, seconds=None)
        self.behind.broken = True
        cassette = self.record(store, 1)
        with self.assertRaises(CassetteSaveError):
            self.record(store, 1, cassette)
        with self.assertRaises(CassetteSaveError):
            store.close()
        self.behind.broken = False
        store.close()
        self.assertEqual(self.behind.sizes, [1 + 1])

    def test_a_save_that_fails_in_the_background_is_tried_again_by_the_next(self) -> None:
        store = BufferedCassetteStore(self.behind, every=1000, seconds=None)
        self.behind.broken = True
        cassette = self.record(store, 1)
        store._flush_in_background()
        cassette = cassette.plus(numbered(1))
        with self.assertRaises(CassetteSaveError):
            store.save(cassette)
        self.behind.broken = False
        store.save(cassette.plus(numbered(2)))
        self.assertEqual(self.behind.sizes, [3])

    def test_whatever_the_store_raises_in_the_background_is_raised_by_the_next(self) -> None:
        store = BufferedCassetteStore(self.behind, every=1000, seconds=None)
        cassette = self.record(store, 1)
        with mock.patch.object(self.behind, "save", side_effect=PermissionError("of the store")):
            store._flush_in_background()
            with self.assertRaises(PermissionError):
                self.record(store, 1, cassette)
        store.close()
        self.assertEqual(self.behind.sizes, [2])

    def test_recordings_that_share_a_buffer_do_not_push_each_other_out(self) -> None:
        store = BufferedCassetteStore(self.behind, every=10, seconds=None)
        self.record(store, 3)
        self.record(store, 2)
        store.close()
        self.assertEqual(self.behind.sizes, [3, 1, 2])

    def test_a_rewritten_recording_takes_the_place_of_what_is_buffered(self) -> None:
        """It may be without a secret that is buffered still."""
        store = BufferedCassetteStore(self.behind, every=10, seconds=None)
        cassette = self.record(store, 2)
        rewritten = cassette.interactions.rewritten([numbered(7), numbered(8)])
        store.save(cassette.model_copy(update={"interactions": rewritten}).plus(numbered(9)))
        store.close()
        self.assertEqual(self.behind.sizes, [3])

    def test_options_that_make_no_sense_are_refused(self) -> None:
        for options in ({"every": 0}, {"every": -1}, {"seconds": 0}, {"seconds": -1.0}):
            with self.subTest(options), self.assertRaises(ValueError):
                BufferedCassetteStore(self.behind, **options)  # type: ignore[arg-type]

    def test_it_says_whether_the_store_behind_it_wants_marks(self) -> None:
        self.assertFalse(BufferedCassetteStore(self.behind).marks_recordings)
        self.assertTrue(BufferedCassetteStore(JsonFileCassetteStore("x.json")).marks_recordings)


@unittest.skipUnless(hasattr(os, "fork"), "needs fork")
class ForkTest(FolderTestCase):
    def test_what_is_buffered_at_a_fork_is_saved_once(self) -> None:
        store = BufferedCassetteStore(JsonFileCassetteStore(self.path), every=1000, seconds=None)
        cassette = Cassette().plus(numbered(1)).plus(numbered(2))
        store.save(cassette)
        child = os.fork()
        if child == 0:
            store.save(cassette.plus(numbered(3)))
            store.close()
            os._exit(0)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        store.save(cassette.plus(numbered(4)))
        store.close()
        self.assertEqual(self.numbers(), [1, 2, 3, 4])


class ExitTest(RecordingTestCase):
    def exit(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run some code, with the path of a cassette and the URL of a server, in an interpreter that then exits."""
        prelude = (
            "import sys, requests; from cassettes_lib import *; from tests.stores_support import a_cassette_of; "
            "store = BufferedCassetteStore(JsonFileCassetteStore(sys.argv[1]), every=1000); "
        )
        return run_python("-c", prelude + code, str(self.path), self.server.url_for("/count"), cwd=PROJECT, fresh=True)

    def test_an_interpreter_that_exits_saves_what_is_buffered(self) -> None:
        self.exit("store.save(a_cassette_of(1, 2)); del store")
        self.assertEqual(self.recorded(), ["1", "2"])

    def test_so_it_does_with_a_stream_that_is_still_open(self) -> None:
        self.exit(
            "use_cassette(store=store, mode='record').__enter__(); requests.get(sys.argv[2] + '/one'); "
            "stream = requests.get(sys.argv[2] + '/two', stream=True)"
        )
        self.assertEqual(self.recorded(), ["one", "two"])

    def test_it_says_what_it_could_not_save(self) -> None:
        done = self.exit("import os; store.save(a_cassette_of(1)); os.makedirs(sys.argv[1])")
        self.assertIn("what was buffered could not be saved: ", done.stderr)
        self.assertIn(str(self.path), done.stderr)
        self.assertIn("is a directory", done.stderr.lower())


if __name__ == "__main__":
    unittest.main()
