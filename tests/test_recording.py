"""`use_cassette` as a context manager: entering, leaving, options; what is raised, noted and warned of."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import pickle
import pydoc
import threading
import unittest
import warnings
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

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
from cassettes_lib.redaction import Redactor
from tests.recording_support import RecordingTestCase, problems, run_class, run_test, swallowing
from tests.support import FailingCassetteStore, MemoryCassetteStore


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


class OptionsTest(unittest.TestCase):
    """Wrong options are errors at construction."""

    def refuse(self, kind: type[Exception], pattern: str, *args: Any, **options: Any) -> None:
        with self.assertRaisesRegex(kind, pattern):
            use_cassette(*args, **options)

    def test_a_misspelt_keyword_suggests(self) -> None:
        for given, meant in [("modus", "mode"), ("match", "match_on"), ("before_recrod", "before_record"),
                             ("allow_playback_repeat", "allow_playback_repeats"), ("on_unsued", "on_unused"),
                             ("tapes", "tape")]:
            with self.subTest(given):
                self.refuse(TypeError, f"{given}.*{meant}", "x.json", **{given: None})

    def test_a_keyword_that_nobody_knows_lists_the_known_ones(self) -> None:
        self.refuse(TypeError, "there are path, mode, store, match_on", "x.json", zzzz=1)

    def test_other_tools_keywords_are_answered_with_ours(self) -> None:
        for given, ours in [
            ("record_mode", "mode="), ("filter_headers", r"redact=Redactor\(headers=\["),
            ("filter_query_parameters", r"redact=Redactor\(query=\["),
            ("filter_post_data_parameters", r"redact=Redactor\(fields=\["), ("ignore_hosts", "passthrough="),
            ("ignore_localhost", "passthrough="), ("match_requests_on", "match_on="),
            ("cassette_library_dir", "cassette_dir"), ("decode_compressed_response", "preserve_exact_body_bytes"),
            ("before_record_request", "before_record"), ("before_record_response", "before_record"),
            ("serializer", "store="), ("serialize_with", "store="), ("record", "mode="), ("path_transformer", "path"),
            ("re_record_interval", "max_age="), ("drop_unused_requests", "on_unused="), ("new_episodes", "mode='auto'"),
            ("session", "CassetteAdapter"), ("additional_matchers", "match_on="), ("real_http", "passthrough="),
            ("assert_all_requests_are_fired", "on_unused="), ("allowed_hosts", "allow_network="),
        ]:
            with self.subTest(given):
                self.refuse(TypeError, f"{given}.*{ours}", "x.json", **{given: None})

    def test_wrong_values_say_what_is_right(self) -> None:
        cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
            (ValueError, "did you mean 'error'", {"on_unused": "eror"}),
            (ValueError, "'ignore', 'warn', 'error'", {"on_unused": True}),
            (ValueError, "^on_unused='raise'. It is one of 'ignore', 'warn', 'error'$", {"on_unused": "raise"}),
            (ValueError, "'warn', 'error', 'record'", {"on_expired": "ignore"}),
            (TypeError, "timedelta", {"max_age": 90}),
            (ValueError, "not positive", {"max_age": timedelta(0)}),
            (TypeError, "tape is True, False, or how many", {"tape": "off"}),
            (TypeError, "tape is True, False, or how many", {"tape": None}),
            (TypeError, "tape is True, False, or how many", {"tape": 2.0}),
            (ValueError, "0 or False switches the tape off", {"tape": -1}),
            (ValueError, "0 or False switches the tape off", {"tape": 10**30}),
            (ValueError, "(?i)matcher", {"match_on": ("method", "uri")}),
            (TypeError, "True or False", {"allow_playback_repeats": "no"}),
            (TypeError, "True or False", {"record_failures": 1}),
            (TypeError, "function", {"before_record": "scrub"}),
            (TypeError, "function", {"before_replay": 1}),
            (TypeError, r"Redactor\(headers=", {"redact": ["Authorization"]}),
            (TypeError, r"redact=None", {"redact": False}),
            (TypeError, "dictionary", {"placeholders": [{"placeholder": "<KEY>", "replace": "k"}]}),
            (ValueError, "redact=None", {"redact": None, "placeholders": {"<KEY>": "k"}}),
            (TypeError, "passthrough", {"passthrough": 80}),
            (TypeError, "neither", {"passthrough": [80]}),
            (ValueError, "not a host", {"passthrough": "https://example.com"}),
            (TypeError, "load.. and save", {"store": object()}),
            (TypeError, "first argument", {"store": "x.json"}),
            (TypeError, "instance", {"store": MemoryCassetteStore}),
        ]
        for kind, pattern, options in cases:
            with self.subTest(options=options):
                self.refuse(kind, pattern, **options)

    def test_wrong_paths_say_what_is_right(self) -> None:
        cases: list[tuple[type[Exception], str, Any]] = [
            (TypeError, "str or a Path", b"x.json"), (TypeError, "str or a Path", 7),
            (ValueError, "path of a file", ""),
            (ValueError, "path of a file", "cassettes/"), (TypeError, "store=Memory", MemoryCassetteStore()),
        ]
        for kind, pattern, path in cases:
            with self.subTest(path):
                self.refuse(kind, pattern, path)

    def test_path_and_store_together_are_refused(self) -> None:
        self.refuse(TypeError, "either", "x.json", store=MemoryCassetteStore())

    def test_entering_it_without_a_call_says_how_it_is_called(self) -> None:
        entered: Any = use_cassette
        said = r"^use_cassette is to be called: with use_cassette\('cassettes/orders.json'\): ...$"
        with self.assertRaisesRegex(TypeError, said), entered:
            pass
        with self.assertRaisesRegex(TypeError, said):
            self.enterContext(entered)

        async def block() -> None:
            async with entered:
                pass

        with self.assertRaisesRegex(TypeError, said):
            asyncio.run(block())

    def test_it_is_a_function_to_those_who_look(self) -> None:
        self.assertTrue(inspect.isroutine(use_cassette))
        self.assertIs(pickle.loads(pickle.dumps(use_cassette)), use_cassette)
        page = pydoc.plain(pydoc.render_doc(use_cassette))
        self.assertRegex(page, r"(?s)use_cassette\(\s*path: .*\n +Record the requests")

        class Suite:
            kept = use_cassette

        self.assertIs(Suite().kept, use_cassette)

    def test_options_are_keywords_only(self) -> None:
        self.refuse(TypeError, "positional", "x.json", "record")

    def test_every_option_of_the_design_is_taken(self) -> None:
        use_cassette(
            "x.json", mode="once", store=None, match_on=("method", "url", "body"), redact=Redactor(),
            placeholders={"<API_KEY>": "k"}, before_record=None, before_replay=None, allow_playback_repeats=False,
            record_failures=False, preserve_exact_body_bytes=False, on_unused="ignore", passthrough=(), max_age=None,
            on_expired="warn", tape=True,
        )
        use_cassette(Path("x.json"), redact=None, max_age=timedelta(days=1))

    def test_its_signature_is_that_of_the_design(self) -> None:
        names = list(inspect.signature(use_cassette).parameters)
        self.assertEqual(names[:2], ["path", "mode"])
        self.assertNotIn("unknown", names)

    def test_partial_is_shared_configuration(self) -> None:
        ours = partial(use_cassette, mode="replay", on_unused="error")
        with self.assertRaises(CassetteNotFoundError), ours("nowhere/x.json"):
            pass
        with self.assertRaisesRegex(TypeError, "record_mode"):
            partial(use_cassette, record_mode="none")("x.json")

        @ours
        def function() -> None: ...

        self.assertEqual(function.__name__, "function")


class UnderUnittestTest(RecordingTestCase):
    """Blocks that a cleanup leaves see no exception; they look at what unittest thinks of the test."""

    def test_a_failing_test_leaves_a_cassette_entered_by_enter_context_incomplete(self) -> None:
        outer = self

        class ShopTest(unittest.TestCase):
            def setUp(self) -> None:
                self.enterContext(use_cassette(outer.path))

            def test_fails(self) -> None:
                outer.get("one")
                self.fail("on purpose")

            def test_errs(self) -> None:
                outer.get("one")
                raise ZeroDivisionError

            def test_sub_test_fails(self) -> None:
                with self.subTest("first"):
                    outer.get("one")
                    self.fail("on purpose")

            def test_tear_down_fails(self) -> None:
                outer.get("one")
                self.tearDown = self.fail  # type: ignore[method-assign, assignment]

            def test_skips(self) -> None:
                outer.get("one")
                self.skipTest("later")

            @unittest.expectedFailure
            def test_fails_as_expected(self) -> None:
                outer.get("one")
                self.fail("as expected")

            def test_passes(self) -> None:
                outer.get("one")

        for name, marks in [("fails", 1), ("errs", 1), ("sub_test_fails", 1), ("tear_down_fails", 1), ("skips", 0),
                            ("fails_as_expected", 0), ("passes", 0)]:
            with self.subTest(name):
                self.path.unlink(missing_ok=True)
                result = run_test(ShopTest(f"test_{name}"))
                self.assertEqual(len(result.failures) + len(result.errors), marks)
                self.assertEqual(self.marks(), marks)
                if marks:
                    self.assertEqual(problems(result).count("recorded  200  GET"), 1)

    def test_the_result_of_a_test_is_put_back(self) -> None:
        outer = self
        seen = []

        class ShopTest(unittest.TestCase):
            def test(self) -> None:
                before = self._outcome.result  # type: ignore[attr-defined]
                with use_cassette(outer.path), use_cassette(outer.path):
                    seen.append(self._outcome.result is before)  # type: ignore[attr-defined]
                seen.append(self._outcome.result is before)  # type: ignore[attr-defined]

        self.assertTrue(run_test(ShopTest("test")).wasSuccessful())
        self.assertEqual(seen, [False, True])

    def test_on_unused_does_not_hide_the_failure_of_the_test(self) -> None:
        outer = self
        with use_cassette(self.path):
            self.get("one")

        class ShopTest(unittest.TestCase):
            def setUp(self) -> None:
                self.enterContext(use_cassette(outer.path, on_unused="error"))

            def test_fails(self) -> None:
                self.fail("on purpose")

            @unittest.expectedFailure
            def test_fails_as_expected(self) -> None:
                self.fail("as expected")

            def test_passes(self) -> None:
                pass

        result = run_test(ShopTest("test_fails"))
        self.assertEqual((len(result.failures), len(result.errors)), (1, 0))
        result = run_test(ShopTest("test_fails_as_expected"))
        self.assertEqual((len(result.expectedFailures), len(result.errors)), (1, 0))
        self.assertIn("UnusedInteractionsError", problems(run_test(ShopTest("test_passes"))))

    def test_a_cassette_of_a_class_is_incomplete_when_one_of_its_tests_fails(self) -> None:
        outer = self

        class ShopTest(unittest.TestCase):
            fails = True

            @classmethod
            def setUpClass(cls) -> None:
                cls.enterClassContext(use_cassette(outer.path))

            def test_one(self) -> None:
                outer.get("one")
                self.assertFalse(self.fails)

            def test_two(self) -> None:
                outer.get("two")

        self.assertFalse(run_class(ShopTest).wasSuccessful())
        self.assertEqual((self.recorded(), self.marks()), (["one", "two"], 1))
        ShopTest.fails = False
        self.assertTrue(run_class(ShopTest).wasSuccessful())
        self.assertEqual((self.recorded(), self.marks(), self.hits), (["one", "two"], 0, ["one", "two"]))

    def test_a_failure_before_the_block_or_caught_in_it_is_not_its_own(self) -> None:
        outer = self

        class ShopTest(unittest.TestCase):
            def test(self) -> None:
                with self.subTest("before"):
                    self.fail("on purpose")
                with use_cassette(outer.path), self.assertRaises(ZeroDivisionError):
                    outer.get("one")
                    raise ZeroDivisionError

        run_test(ShopTest("test"))
        self.assertEqual(self.marks(), 0)


if __name__ == "__main__":
    unittest.main()
