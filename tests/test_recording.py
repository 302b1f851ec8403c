"""`use_cassette` as a context manager: entering, leaving, options; what is raised, noted and warned of."""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
import unittest
import warnings
from datetime import UTC, datetime, timedelta

import requests

from cassettes_lib import (
    Broker,
    CassetteExpiredError,
    CassetteNotFoundError,
    CassetteSaveError,
    InteractionNotFoundError,
    JsonFileCassetteStore,
    UnusedInteractionsError,
    use_cassette,
)
from tests.recording_support import RecordingTestCase, swallowing
from tests.support import FailingCassetteStore


class EnteringTest(RecordingTestCase):
    def test_one_object_is_used_again_and_again(self) -> None:
        cassette = use_cassette(self.path)
        modes = []
        for _ in range(3):
            with cassette as broker:
                self.assertIsInstance(broker, Broker)
                self.assertEqual(self.get(), "one 1")
            modes.append(broker.mode)
        self.assertEqual((modes, self.hits), (["record", "replay", "replay"], ["one"]))

    def test_one_object_is_entered_while_it_is_open(self) -> None:
        cassette = use_cassette(self.path, mode="auto")
        with cassette as outer:
            self.get("one")
            with cassette as inner:
                self.assertIsNot(inner, outer)
                self.get("two")
            self.get("three")
        self.assertEqual([len(outer.recorded), len(inner.recorded)], [2, 1])
        self.server.stop()
        with cassette:
            self.assertEqual([self.get("three"), self.get("one")], ["three 3", "one 1"])
            with cassette:
                self.assertEqual(self.get("two"), "two 2")

    def test_one_object_is_open_in_several_threads_and_each_leaves_its_own(self) -> None:
        cassette = use_cassette(self.path, mode="auto")
        entered, brokers = threading.Barrier(8), []

        def talk(name: str) -> None:
            with cassette as broker:
                entered.wait(30)
                self.get(name)
                entered.wait(30)
                brokers.append((name, [each.request.url for each in broker.recorded]))

        threads = [threading.Thread(target=talk, args=(f"thread-{number}",)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        names = [f"thread-{number}" for number in range(8)]
        self.assertEqual(sorted(brokers), [(name, [self.server.url_for(f"/count/{name}")]) for name in names])
        self.assertEqual((sorted(self.recorded()), self.marks()), (names, 0))

    def test_async_with(self) -> None:
        async def talk() -> str:
            async with use_cassette(self.path) as broker:
                self.assertIsInstance(broker, Broker)
                return await asyncio.to_thread(self.get)

        self.assertEqual([asyncio.run(talk()), asyncio.run(talk())], ["one 1", "one 1"])
        self.assertEqual(self.hits, ["one"])

    def test_tasks_that_share_one_object_each_leave_their_own(self) -> None:
        cassette = use_cassette(self.path, mode="auto")

        async def talk(name: str, go_on: asyncio.Event, other: asyncio.Event) -> list[str]:
            async with cassette as broker:
                other.set()
                await go_on.wait()
                await asyncio.to_thread(self.get, name)
            return [each.request.url.rpartition("/")[2] for each in broker.recorded]

        async def both() -> list[list[str]]:
            first, second = asyncio.Event(), asyncio.Event()
            return list(await asyncio.gather(talk("a", first, second), talk("b", second, first)))

        self.assertEqual(asyncio.run(both()), [["a"], ["b"]])

    def test_an_exit_stack_leaves_in_its_order(self) -> None:
        other = self.folder / "other.json"
        with contextlib.ExitStack() as stack:
            stack.enter_context(use_cassette(self.path))
            self.get("outer")
            stack.enter_context(use_cassette(other))
            self.get("inner")
        self.assertEqual((self.recorded(), self.recorded(other)), (["outer"], ["inner"]))

    def test_a_relative_path_means_the_folder_in_which_the_block_was_entered(self) -> None:
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        os.chdir(self.folder)
        with use_cassette("relative/test.json"):
            self.get("one")
            os.chdir(elsewhere)
            self.get("two")
        self.assertEqual(self.recorded(self.folder / "relative" / "test.json"), ["one", "two"])
        self.assertEqual(list(elsewhere.iterdir()), [])

    def test_a_block_without_a_path_says_what_it_lacks(self) -> None:
        with self.assertRaisesRegex(TypeError, r"give it a path"), use_cassette():
            pass

    def test_a_block_that_cannot_be_entered_leaves_nothing_open(self) -> None:
        send = requests.adapters.HTTPAdapter.send
        with self.assertRaises(CassetteNotFoundError), use_cassette(self.path, mode="replay"):
            pass
        self.assertIs(requests.adapters.HTTPAdapter.send, send)
        self.assertEqual(self.get(), "one 1")

    def test_a_cassette_that_cannot_be_listed_as_used_leaves_nothing_open(self) -> None:
        send = requests.adapters.HTTPAdapter.send
        self.set_environment(CASSETTES_USED=str(self.folder))
        with self.assertRaises(OSError), use_cassette(self.path):
            pass
        self.assertIs(requests.adapters.HTTPAdapter.send, send)


class LeavingTest(RecordingTestCase):
    def setUp(self) -> None:
        super().setUp()
        with use_cassette(self.path):
            self.get("one")
        self.server.clear()

    def test_a_swallowed_miss_is_raised(self) -> None:
        with self.assertRaises(InteractionNotFoundError) as caught, use_cassette(self.path):
            swallowing(lambda: self.get("two"))
            swallowing(lambda: self.get("three"))
        self.assertTrue(caught.exception.request.url.endswith("/two"))
        self.assertIn("broker.misses.clear()", "".join(caught.exception.__notes__))

    def test_a_miss_that_was_expected_is_not(self) -> None:
        with use_cassette(self.path) as broker:
            with self.assertRaises(InteractionNotFoundError):
                self.get("two")
            broker.misses.clear()

    def test_a_swallowed_miss_goes_before_a_skip(self) -> None:
        with self.assertRaises(InteractionNotFoundError), use_cassette(self.path):
            swallowing(lambda: self.get("two"))
            raise unittest.SkipTest("the service is down")

    def test_it_never_hides_an_exception_of_the_block(self) -> None:
        for kind in (ZeroDivisionError, KeyboardInterrupt, SystemExit):
            with self.subTest(kind), self.assertRaises(kind), use_cassette(self.path, on_unused="error"):
                swallowing(lambda: self.get("two"))
                raise kind

    def test_an_exception_of_the_block_gets_the_tape_as_a_note(self) -> None:
        with self.assertRaises(ZeroDivisionError) as caught, use_cassette(self.path):
            self.get("one")
            swallowing(lambda: self.get("two"))
            raise ZeroDivisionError
        (note,) = caught.exception.__notes__
        self.assertRegex(note, r"(?s)replayed.*GET .*/count/one.*MISSED.*GET .*/count/two")

    def test_it_gets_it_once_however_deep_blocks_are_nested(self) -> None:
        with (
            self.assertRaises(ZeroDivisionError) as caught,
            use_cassette(self.path),
            use_cassette(self.path),
        ):
            self.get("one")
            raise ZeroDivisionError
        self.assertEqual(len(caught.exception.__notes__), 1)

    def test_an_outer_block_with_traffic_notes_it_when_the_inner_had_none(self) -> None:
        with self.assertRaises(ZeroDivisionError) as caught, use_cassette(self.path):
            self.get("one")
            with use_cassette(self.folder / "unused.json"):
                raise ZeroDivisionError
        self.assertIn("/count/one", "".join(caught.exception.__notes__))

    def test_an_exception_of_a_block_without_traffic_gets_no_note(self) -> None:
        with self.assertRaises(ZeroDivisionError) as caught, use_cassette(self.path):
            raise ZeroDivisionError
        self.assertFalse(hasattr(caught.exception, "__notes__"))

    def test_a_miss_that_leaves_the_block_is_not_raised_anew(self) -> None:
        with self.assertRaises(InteractionNotFoundError) as caught, use_cassette(self.path):
            self.get("two")
        self.assertNotIn("caught this miss", "".join(getattr(caught.exception, "__notes__", ())))

    def test_the_tape_can_be_switched_off_and_lengthened(self) -> None:
        for tape, expected in ((True, 3), (2, 2), (1, 1), (0, None), (False, None), (10_000, 3)):
            with self.subTest(tape), self.assertRaises(ZeroDivisionError) as caught, use_cassette(self.path, tape=tape):
                for name in ("one", "two", "two"):
                    swallowing(lambda name=name: self.get(name))  # type: ignore[misc]
                raise ZeroDivisionError
            with self.subTest(tape):
                notes = getattr(caught.exception, "__notes__", None)
                self.assertEqual(notes and len(notes[0].splitlines()) - 1, expected)

    def test_what_went_live_and_was_not_recorded_is_on_the_tape_and_in_the_log(self) -> None:
        nowhere = "http://127.0.0.1:9/nobody"
        with self.assertLogs("cassettes_lib", "INFO") as logs, self.assertRaises(requests.ConnectionError) as caught, \
                use_cassette(self.folder / "x.json", before_record=lambda interaction: None):
            self.get("one")
            requests.get(f"{nowhere}?token=Zx81Kq27Pw")
        (note,) = caught.exception.__notes__
        self.assertRegex(note, r"live +200 +GET .*/count/one\n +live +ConnectionError +GET .*\?token=REDACTED-1$")
        self.assertRegex("\n".join(logs.output), r"live GET .*/count/one\n.*live GET .*/nobody\?token=REDACTED-1")

    def test_a_swallowed_miss_has_the_tape_unless_that_is_switched_off(self) -> None:
        for tape, notes in ((True, 2), (False, 1)):
            with self.subTest(tape), self.assertRaises(InteractionNotFoundError) as caught, \
                    use_cassette(self.path, tape=tape):
                swallowing(lambda: self.get("two"))
            self.assertEqual(len(caught.exception.__notes__), notes)

    def test_everything_is_restored_when_leaving_raises(self) -> None:
        with self.assertRaises(UnusedInteractionsError), use_cassette(self.path, on_unused="error"):
            pass
        self.get("live")
        self.assertEqual(self.hits, ["live"])

    def test_a_mark_that_cannot_be_cleared_is_an_error(self) -> None:
        store = FailingCassetteStore()
        store.marks_recordings = True  # type: ignore[attr-defined]
        store.broken = False
        with self.assertRaises(CassetteSaveError), use_cassette(store=store):
            self.get("one")
            store.broken = True

    def test_a_mark_that_cannot_be_stored_does_not_hide_the_exception_of_the_block(self) -> None:
        store = FailingCassetteStore()
        store.broken = False
        with self.assertRaises(ZeroDivisionError) as caught, use_cassette(store=store):
            self.get("one")
            store.broken = True
            raise ZeroDivisionError
        self.assertIn("the disk is full", "".join(caught.exception.__notes__))


class UnusedTest(RecordingTestCase):
    def setUp(self) -> None:
        super().setUp()
        with use_cassette(self.path):
            self.get("one")
            self.get("two")

    def test_error_raises_and_carries_the_interactions(self) -> None:
        with self.assertRaises(UnusedInteractionsError) as caught, use_cassette(self.path, on_unused="error"):
            self.get("one")
        self.assertEqual([each.request.url for each in caught.exception.interactions],
                         [self.server.url_for("/count/two")])
        self.assertIn("/count/two", str(caught.exception))

    def test_warn_warns_at_the_line_of_the_block(self) -> None:
        with self.assertWarnsRegex(UserWarning, "/count/two") as caught, use_cassette(self.path, on_unused="warn"):
            self.get("one")
        self.assertEqual(caught.filename, __file__)

    def test_ignore_and_the_default_say_nothing(self) -> None:
        for options in ({}, {"on_unused": "ignore"}):
            with warnings.catch_warnings(), use_cassette(self.path, **options):  # type: ignore[arg-type]
                warnings.simplefilter("error")
                self.get("one")

    def test_all_used_says_nothing(self) -> None:
        with use_cassette(self.path, on_unused="error"):
            self.get("one")
            self.get("two")

    def test_what_was_just_recorded_is_not_unused(self) -> None:
        for mode in ("record", "auto"):
            with self.subTest(mode), use_cassette(self.folder / mode, mode=mode, on_unused="error"):  # type: ignore[call-overload]
                self.get("new")

    def test_it_never_hides_the_exception_of_the_block(self) -> None:
        with self.assertRaises(ZeroDivisionError), use_cassette(self.path, on_unused="error"):
            raise ZeroDivisionError
        with self.assertRaises(unittest.SkipTest), use_cassette(self.path, on_unused="error"):
            raise unittest.SkipTest("not today")


class ExpiryTest(RecordingTestCase):
    def setUp(self) -> None:
        super().setUp()
        with use_cassette(self.path):
            self.get("one")
            self.get("two")
        self.age(0, timedelta(days=100))
        self.server.clear()

    def age(self, position: int, by: timedelta | None) -> None:
        cassette = self.stored()
        then = None if by is None else datetime.now(UTC) - by
        changed = [each if at != position else each.model_copy(update={"recorded_at": then})
                   for at, each in enumerate(cassette.interactions)]
        self.path.unlink()
        JsonFileCassetteStore(self.path).save(cassette.model_copy(update={
            "interactions": type(cassette.interactions)(changed)
        }))

    def test_warn_is_the_default(self) -> None:
        with self.assertWarnsRegex(UserWarning, "1 of 2 interactions.*older than 90 days") as caught, \
                use_cassette(self.path, max_age=timedelta(days=90)):
            self.assertEqual(self.get("one"), "one 1")
        self.assertEqual(caught.filename, __file__)

    def test_error_raises_before_anything_is_asked(self) -> None:
        with self.assertRaisesRegex(CassetteExpiredError, "CASSETTES_MODE=record"), \
                use_cassette(self.path, max_age=timedelta(days=90), on_expired="error"):
            self.fail("the block was entered")

    def test_record_records_anew(self) -> None:
        for mode in ("once", "auto"):
            with self.subTest(mode):
                with use_cassette(self.path, mode=mode, max_age=timedelta(days=90), on_expired="record"):  # type: ignore[call-overload]
                    self.get("new")
                self.assertEqual(self.recorded(), ["new"])
                self.age(0, timedelta(days=100))

    def test_where_nothing_is_recorded_what_was_to_be_recorded_anew_is_a_miss(self) -> None:
        for mode, ci in (("replay", None), ("once", "true"), ("auto", "true")):
            self.set_environment(CI=ci)
            before = self.path.read_bytes()
            with self.subTest(mode), warnings.catch_warnings(), \
                    use_cassette(self.path, mode=mode, max_age=timedelta(days=90), on_expired="record") as broker:  # type: ignore[call-overload]
                warnings.simplefilter("error")
                self.assertEqual(self.get("two"), "two 2")
                with self.assertRaises(InteractionNotFoundError) as caught:
                    self.get("one")
                with self.assertRaises(InteractionNotFoundError):
                    self.get("two")
                self.assertEqual([each.reason for each in broker.misses], ["expired", "already played"])
                broker.misses.clear()
                self.assertRegex(str(caught.exception), r"expired: recorded on .*, 100 days ago; max_age is 90 days\n")
                self.assertEqual((self.hits, self.path.read_bytes(), broker.all_played), ([], before, False))

    def test_an_expired_miss_that_is_swallowed_is_raised(self) -> None:
        with self.assertRaises(InteractionNotFoundError) as caught, \
                use_cassette(self.path, mode="replay", max_age=timedelta(days=90), on_expired="record"):
            swallowing(self.get)
        self.assertEqual(caught.exception.reason, "expired")

    def test_repeats_do_not_bring_back_what_is_expired(self) -> None:
        with use_cassette(
            self.path, mode="replay", max_age=timedelta(days=90), on_expired="record", allow_playback_repeats=True
        ) as broker:
            self.assertEqual((self.get("two"), self.get("two")), ("two 2", "two 2"))
            swallowing(self.get)
            self.assertEqual([each.reason for each in broker.misses], ["expired"])
            broker.misses.clear()

    def test_any_age_may_be_allowed(self) -> None:
        with use_cassette(self.path, max_age=timedelta.max, on_expired="error"):
            self.get("one")

    def test_young_enough_says_nothing(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with use_cassette(self.path, max_age=timedelta(days=101), on_expired="error"):
                self.get("one")

    def test_an_interaction_that_does_not_say_when_it_was_recorded_is_not_expired(self) -> None:
        self.age(0, None)
        with use_cassette(self.path, max_age=timedelta(days=90), on_expired="error"):
            self.get("one")

    def test_a_time_without_zone_is_utc(self) -> None:
        text = self.path.read_text(encoding="utf-8")
        self.path.write_text(text.replace('Z",', '",'), encoding="utf-8")
        with self.assertRaises(CassetteExpiredError), \
                use_cassette(self.path, max_age=timedelta(days=90), on_expired="error"):
            pass


class PassthroughTest(RecordingTestCase):
    def test_what_passes_is_neither_matched_nor_recorded(self) -> None:
        for rule in ("127.0.0.1", ("127.0.0.*",), [lambda request: request.url.endswith("/health")]):
            with self.subTest(rule), use_cassette(self.path, passthrough=rule) as broker:  # type: ignore[call-overload]
                self.get("health")
            self.assertEqual((broker.recorded, self.path.exists()), ((), False))

    def test_it_reaches_the_service_in_replay_too(self) -> None:
        with use_cassette(self.path):
            self.get("one")
        with use_cassette(self.path, mode="replay", passthrough=lambda request: request.url.endswith("/health")):
            self.get("one")
            self.get("health")
        self.assertEqual(self.hits, ["one", "health"])


if __name__ == "__main__":
    unittest.main()
