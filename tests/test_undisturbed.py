"""What the garbage collector ends waits until nobody is in the middle of a look-up or a save."""

from __future__ import annotations

import gc
import sys
import threading
import unittest
import warnings
from collections.abc import Callable
from types import FrameType
from typing import Any
from unittest import mock

import requests

from cassettes_lib import files
from cassettes_lib.broker import Broker
from cassettes_lib.buffering import BufferedCassetteStore
from cassettes_lib.models import Cassette, InteractionResponse
from cassettes_lib.recording import use_cassette
from cassettes_lib.stores import JsonFileCassetteStore
from cassettes_lib.undisturbed import Undisturbed, when_undisturbed
from tests.recording_support import RecordingTestCase
from tests.stores_support import FolderTestCase, a_cassette_of
from tests.support import MemoryCassetteStore, a_request, a_response


class UndisturbedTest(unittest.TestCase):
    def test_what_the_collector_ends_waits_for_the_end_of_the_block(self) -> None:
        order: list[str] = []
        with Undisturbed():
            with Undisturbed():
                when_undisturbed(lambda: order.append("stream"))
                when_undisturbed(lambda: when_undisturbed(lambda: order.append("another")))
                order.append("inner")
            order.append("outer")
        self.assertEqual(order, ["inner", "outer", "stream", "another"])

    def test_it_is_done_when_the_block_fails_and_its_error_is_only_logged(self) -> None:
        order: list[str] = []

        def fail() -> None:
            raise ValueError("of the stream")

        with self.assertRaises(KeyError), self.assertLogs("cassettes_lib", "ERROR"), Undisturbed():
            when_undisturbed(fail)
            when_undisturbed(lambda: order.append("done"))
            raise KeyError("of the block")
        self.assertEqual(order, ["done"])

    def test_an_interrupt_just_where_a_block_is_left_does_not_make_it_last_for_ever(self) -> None:
        order: list[str] = []

        def interrupt(frame: FrameType, event: str, _argument: object) -> None:
            if event == "call" and frame.f_code is Undisturbed.__exit__.__code__:
                raise KeyboardInterrupt

        before = sys.gettrace()
        self.addCleanup(sys.settrace, before)
        with self.assertRaises(KeyboardInterrupt), Undisturbed():
            when_undisturbed(lambda: order.append("of the block"))
            sys.settrace(interrupt)
        sys.settrace(before)
        when_undisturbed(lambda: order.append("later"))
        self.assertEqual(order, ["later", "of the block"])

    def test_outside_of_a_block_it_is_done_at_once_and_its_error_is_the_caller_s(self) -> None:
        def fail() -> None:
            raise ValueError("of the stream")

        with self.assertRaises(ValueError):
            when_undisturbed(fail)
        order: list[str] = []
        when_undisturbed(lambda: order.append("done"))
        self.assertEqual(order, ["done"])


class StoresTest(FolderTestCase):
    """Every store, and whoever calls one, is done and has let go of its locks before a stream is recorded."""

    def assert_waits(self, action: Callable[[], object], owner: Any, name: str, lock: Any) -> None:
        """Assert that a stream that is ended while a function is called is recorded when a lock is free again."""
        original = getattr(owner, name)
        was_free: list[bool] = []

        def is_free() -> None:
            free = lock.acquire(timeout=0)
            was_free.append(free)
            if free:
                lock.release()

        def recorded() -> None:
            thread = threading.Thread(target=is_free)
            thread.start()
            thread.join()

        def collecting(*args: Any, **options: Any) -> Any:
            when_undisturbed(recorded)
            return original(*args, **options)

        with mock.patch.object(owner, name, collecting):
            action()
        self.assertTrue(was_free)
        self.assertTrue(all(was_free))

    def test_a_file(self) -> None:
        store = self.store()
        self.assert_waits(lambda: store.save(a_cassette_of(1)), files, "_write_all", store._mutex)
        self.assert_waits(store.load, JsonFileCassetteStore, "_read", store._mutex)

    def test_a_buffer(self) -> None:
        behind = MemoryCassetteStore()
        store = BufferedCassetteStore(behind, every=1000, seconds=None)
        self.assert_waits(lambda: store.save(a_cassette_of(1)), BufferedCassetteStore, "_is_due", store._lock)
        self.assert_waits(store._flush_in_background, behind, "save", store._lock)
        self.assert_waits(store.load, behind, "load", store._lock)

    def test_a_broker(self) -> None:
        store = MemoryCassetteStore()
        broker = Broker(Cassette(), "record", lambda _: a_response(), store)
        self.assert_waits(lambda: broker.respond(a_request()), store, "save", broker._lock)

    def test_what_is_recorded_meanwhile_is_not_lost(self) -> None:
        store = MemoryCassetteStore()
        broker = Broker(Cassette(), "record", lambda _: a_response(), store)
        original = Cassette.plus

        def collecting(cassette: Cassette, interaction: Any) -> Cassette:
            longer = original(cassette, interaction)
            if len(longer.interactions) == 1:
                when_undisturbed(lambda: broker.record(a_request(), a_response(b"of the stream")))
            return longer

        with mock.patch.object(Cassette, "plus", collecting):
            broker.respond(a_request())
        responses = [each.response or InteractionResponse(status=500) for each in broker.recorded]
        self.assertEqual([each.body for each in responses], [b"hello", b"of the stream"])
        self.assertEqual(store.cassette, broker.cassette)


class LeavingTest(RecordingTestCase):
    def test_a_stream_that_ends_while_the_marks_are_cleared_is_recorded(self) -> None:
        original = files._write_all

        def collecting(*args: Any) -> None:
            gc.collect()
            original(*args)

        def record() -> None:
            with use_cassette(self.path, mode="record"):
                self.get("one")
                circle: list[Any] = [requests.get(self.server.url_for("/count/two"), stream=True, timeout=30)]
                circle.append(circle)
                del circle
                patch.start()

        patch = mock.patch.object(files, "_write_all", collecting)
        gc.disable()
        self.addCleanup(gc.enable)
        self.enterContext(warnings.catch_warnings())
        warnings.simplefilter("ignore", ResourceWarning)
        thread = threading.Thread(target=record, daemon=True)
        thread.start()
        thread.join(60)
        patch.stop()
        self.assertFalse(thread.is_alive(), "it waits for itself")
        self.assertEqual(self.recorded(), ["one", "two"])
        self.assertEqual(self.marks(), 0)


if __name__ == "__main__":
    unittest.main()
