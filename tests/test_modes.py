"""The modes of `use_cassette`: the table of the design, cell by cell, and what the environment changes in it."""

from __future__ import annotations

import enum
import unittest
import warnings

from cassettes_lib import (
    CassetteError,
    CassetteFormatError,
    CassetteNotFoundError,
    InteractionNotFoundError,
    use_cassette,
)
from cassettes_lib.modes import check_mode, mode_in_charge
from tests.modes_support import ModesTestCase


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
