"""The modes of `use_cassette`: the table of the design, cell by cell, and what the environment changes in it."""

from __future__ import annotations

import enum
import os
import unittest
import warnings
from typing import Any

import requests

from cassettes_lib import (
    CassetteError,
    CassetteFormatError,
    CassetteLoadError,
    CassetteNotFoundError,
    InteractionNotFoundError,
    use_cassette,
)
from cassettes_lib.models import RecordingMark
from cassettes_lib.modes import check_mode, mode_in_charge
from tests.recording_support import RecordingTestCase
from tests.support import MemoryCassetteStore, a_cassette, an_interaction


class ModesTestCase(RecordingTestCase):
    def record(self, *names: str) -> None:
        """Put a cassette with these requests in place."""
        with use_cassette(self.path, mode="record"):
            for name in names or ("one",):
                self.get(name)
        self.server.clear()

    def use(self, *names: str, mode: Any = None, **options: Any) -> list[str]:
        """Make requests in a block, and return the answers."""
        with use_cassette(self.path, mode=mode, **options) as broker:
            answers = [self.get(name) for name in names]
        self.broker = broker
        return answers


class TableTest(ModesTestCase):
    """The rows are modes, the columns: cassette present, cassette missing, request not on it."""

    def test_once_replays_what_is_present(self) -> None:
        self.record("one")
        self.assertEqual(self.use("one"), ["one 1"])
        self.assertEqual(self.broker.mode, "replay")
        self.assertEqual(self.hits, [])

    def test_once_records_what_is_missing(self) -> None:
        self.assertEqual(self.use("one", "two"), ["one 1", "two 2"])
        self.assertEqual(self.broker.mode, "record")
        self.assertEqual(self.recorded(), ["one", "two"])

    def test_once_takes_a_request_that_is_not_on_the_cassette_for_an_error(self) -> None:
        self.record("one")
        with self.assertRaises(InteractionNotFoundError):
            self.use("two")
        self.assertEqual((self.hits, self.recorded()), ([], ["one"]))

    def test_once_is_the_default(self) -> None:
        self.assertEqual(self.use("one"), self.use("one", mode="once"))

    def test_replay_replays_what_is_present(self) -> None:
        self.record("one")
        self.assertEqual(self.use("one", mode="replay"), ["one 1"])
        self.assertEqual(self.hits, [])

    def test_replay_takes_a_missing_cassette_for_an_error(self) -> None:
        with self.assertRaises(CassetteNotFoundError) as caught:
            self.use("one", mode="replay")
        self.assertEqual(caught.exception.path, str(self.path))
        self.assertEqual((self.hits, self.path.exists()), ([], False))

    def test_replay_takes_a_request_that_is_not_on_the_cassette_for_an_error(self) -> None:
        self.record("one")
        with self.assertRaises(InteractionNotFoundError):
            self.use("two", mode="replay")
        self.assertEqual((self.hits, self.recorded()), ([], ["one"]))

    def test_auto_replays_what_is_present(self) -> None:
        self.record("one")
        self.assertEqual(self.use("one", mode="auto"), ["one 1"])
        self.assertEqual(self.hits, [])

    def test_auto_records_what_is_missing(self) -> None:
        self.use("one", mode="auto")
        self.assertEqual((self.hits, self.recorded()), (["one"], ["one"]))

    def test_auto_records_a_request_that_is_not_on_the_cassette(self) -> None:
        self.record("one")
        self.assertEqual(self.use("one", "two", mode="auto"), ["one 1", "two 2"])
        self.assertEqual((self.hits, self.recorded()), (["two"], ["one", "two"]))

    def test_record_records_anew_and_replaces_what_is_present(self) -> None:
        self.record("one", "two")
        self.assertEqual(self.use("one", mode="record"), ["one 3"])
        self.assertEqual((self.hits, self.recorded()), (["one"], ["one"]))

    def test_record_leaves_what_is_present_until_something_is_recorded(self) -> None:
        self.record("one")
        self.use(mode="record")
        self.assertEqual(self.recorded(), ["one"])

    def test_record_records_what_is_missing(self) -> None:
        self.use("one", mode="record")
        self.assertEqual((self.hits, self.recorded()), (["one"], ["one"]))

    def test_record_records_a_request_that_is_not_on_the_cassette(self) -> None:
        self.record("one")
        self.assertEqual(self.use("two", mode="record"), ["two 2"])
        self.assertEqual((self.hits, self.recorded()), (["two"], ["two"]))


class EmptyFileTest(ModesTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.path.parent.mkdir()
        self.path.touch()

    def test_a_file_of_0_bytes_is_as_good_as_missing_where_a_mode_records(self) -> None:
        for mode in ("once", "auto", "record"):
            with self.subTest(mode):
                self.path.write_bytes(b"")
                self.use("one", mode=mode)
                self.assertEqual(self.recorded(), ["one"])

    def test_it_is_an_error_in_replay(self) -> None:
        with self.assertRaises(CassetteFormatError):
            self.use("one", mode="replay")

    def test_it_is_an_error_under_ci(self) -> None:
        self.set_environment(CI="true")
        for mode in ("once", "auto"):
            with self.subTest(mode), self.assertRaisesRegex(CassetteFormatError, "under CI"):
                self.use("one", mode=mode)
        self.assertEqual(self.path.read_bytes(), b"")


class DamagedFileTest(ModesTestCase):
    def test_a_damaged_file_is_an_error_that_leaves_it_alone(self) -> None:
        self.path.parent.mkdir()
        self.path.write_text('{"format": 1, "interactions": [nonsense]}\n')
        before = self.path.read_bytes()
        for mode in ("once", "auto", "replay"):
            with self.subTest(mode), self.assertRaises(CassetteFormatError):
                self.use("one", mode=mode)
        self.assertEqual((self.path.read_bytes(), self.hits), (before, []))


class EnvironmentTest(ModesTestCase):
    def test_cassettes_mode_overrides_every_mode_in_the_code(self) -> None:
        self.record("one")
        for wanted, expected in (("replay", "replay"), ("auto", "auto"), ("once", "replay"), ("record", "record")):
            for own in (None, "once", "replay", "auto", "record"):
                with self.subTest(wanted=wanted, own=own):
                    self.set_environment(CASSETTES_MODE=wanted)
                    self.use(mode=own)
                    self.assertEqual(self.broker.mode, expected)

    def test_it_is_read_when_the_block_is_entered(self) -> None:
        cassette = use_cassette(self.path)
        self.set_environment(CASSETTES_MODE="replay")
        with self.assertRaises(CassetteNotFoundError), cassette:
            pass

    def test_an_empty_one_says_nothing(self) -> None:
        self.set_environment(CASSETTES_MODE="")
        self.assertEqual(self.use("one"), ["one 1"])

    def test_a_misspelt_one_suggests(self) -> None:
        self.set_environment(CASSETTES_MODE="recrod")
        with self.assertRaisesRegex(ValueError, "CASSETTES_MODE='recrod'.*did you mean 'record'"):
            self.use("one")

    def test_another_tools_word_is_answered_with_ours(self) -> None:
        self.set_environment(CASSETTES_MODE="new_episodes")
        with self.assertRaisesRegex(ValueError, r"CASSETTES_MODE='new_episodes'.*vcrpy's.*'auto' here"):
            self.use("one")

    def test_a_run_in_record_begins_a_cassette_of_several_auto_blocks_anew_once(self) -> None:
        self.record("old")
        self.set_environment(CASSETTES_MODE="record")
        self.use("one", mode="auto")
        self.use("two", mode="auto")
        self.assertEqual(self.recorded(), ["one", "two"])

    def test_a_run_in_record_records_every_other_block_anew(self) -> None:
        self.set_environment(CASSETTES_MODE="record")
        for name in ("one", "two"):
            self.use(name)
            self.assertEqual(self.recorded(), [name])


class CiTest(ModesTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.set_environment(CI="true")

    def test_once_and_auto_do_not_record_a_missing_cassette_and_say_why(self) -> None:
        for mode in ("once", "auto"):
            for by_environment in (False, True):
                with self.subTest(mode, by_environment=by_environment):
                    self.set_environment(CASSETTES_MODE=mode if by_environment else None)
                    with self.assertRaises(CassetteNotFoundError) as caught:
                        self.use("one", mode=mode)
                    self.assertIn("under CI", str(caught.exception))
                    self.assertIn("CI='true'", str(caught.exception))
                    self.assertIn("CASSETTES_MODE=record", str(caught.exception))
        self.assertEqual((self.hits, self.path.exists()), ([], False))

    def test_once_and_auto_do_not_record_a_request_that_is_not_on_the_cassette_and_say_why(self) -> None:
        self.record("one")
        for mode in ("once", "auto"):
            with self.subTest(mode), self.assertRaises(InteractionNotFoundError) as caught:
                self.use("two", mode=mode)
            self.assertIn("CI", str(caught.exception))
            self.assertIn("CASSETTES_MODE=", str(caught.exception))
        self.assertEqual((self.hits, self.recorded()), ([], ["one"]))

    def test_they_replay(self) -> None:
        self.record("one")
        for mode in ("once", "auto", "replay"):
            with self.subTest(mode):
                self.assertEqual(self.use("one", mode=mode), ["one 1"])
                self.assertEqual(self.broker.mode, "replay")

    def test_replay_says_so_too_when_the_cassette_is_missing(self) -> None:
        with self.assertRaises(CassetteNotFoundError):
            self.use("one", mode="replay")

    def test_record_records_all_the_same(self) -> None:
        self.use("one", mode="record")
        self.assertEqual(self.recorded(), ["one"])

    def test_a_run_in_record_records_all_the_same(self) -> None:
        self.record("one")
        self.set_environment(CASSETTES_MODE="record")
        self.use("two")
        self.assertEqual(self.recorded(), ["two"])

    def test_ci_is_on_when_it_is_set_and_not_false(self) -> None:
        cases = [("true", True), ("1", True), ("True", True), ("woodpecker", True), ("false", False), ("False", False),
                 ("", False), (None, False)]
        for value, is_on in cases:
            with self.subTest(value):
                self.set_environment(CI=value)
                self.assertEqual(mode_in_charge(None).may_record, not is_on)


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
        self.assertEqual(caught.filename, __file__)
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


class NamesTest(unittest.TestCase):
    def test_a_misspelt_mode_suggests(self) -> None:
        for given, meant in [("replya", "replay"), ("Record", "record"), ("recording", "record"), ("Once", "once")]:
            with self.subTest(given), self.assertRaisesRegex(ValueError, f"did you mean '{meant}'"):
                use_cassette("x.json", mode=given)  # type: ignore[call-overload]

    def test_an_unknown_mode_lists_the_known_ones(self) -> None:
        with self.assertRaisesRegex(ValueError, "'once', 'replay', 'auto', 'record'"):
            check_mode("xyz")

    def test_other_tools_names_are_answered_with_ours(self) -> None:
        for theirs, ours in [("new_episodes", "auto"), ("none", "replay"), ("all", "record"), ("any", "auto"),
                             ("rewrite", "record")]:
            with self.subTest(theirs), self.assertRaisesRegex(ValueError, f"'s {theirs} is mode='{ours}' here"):
                use_cassette("x.json", mode=theirs)  # type: ignore[call-overload]

    def test_the_sentence_of_the_design(self) -> None:
        with self.assertRaisesRegex(ValueError, r"vcrpy's new_episodes is mode='auto' here"):
            use_cassette("x.json", mode="new_episodes")  # type: ignore[call-overload]

    def test_another_tools_enumeration_is_read_by_its_value(self) -> None:
        class RecordMode(enum.StrEnum):
            ONCE = "once"
            NONE = "none"

        use_cassette("x.json", mode=RecordMode.ONCE)  # type: ignore[call-overload]
        with self.assertRaisesRegex(ValueError, "mode='replay' here"):
            use_cassette("x.json", mode=RecordMode.NONE)  # type: ignore[call-overload]

    def test_a_mode_that_is_no_string_is_a_type_error(self) -> None:
        for given in (True, 1, b"once", ["once"]):
            with self.subTest(given), self.assertRaises(TypeError):
                use_cassette("x.json", mode=given)  # type: ignore[call-overload]

    def test_errors_of_modes_are_no_errors_of_cassettes(self) -> None:
        with self.assertRaises(ValueError) as caught, warnings.catch_warnings():
            use_cassette("x.json", mode="none")  # type: ignore[call-overload]
        self.assertNotIsInstance(caught.exception, CassetteError)


if __name__ == "__main__":
    unittest.main()
