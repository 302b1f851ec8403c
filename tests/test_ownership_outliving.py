"""Threads, jobs and tasks that outlive the block in which they began."""

from __future__ import annotations

import asyncio
import sys
import threading
import unittest
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from cassettes_lib import NetworkBlockedError, use_cassette
from cassettes_lib.broker import Broker
from cassettes_lib.errors import CassetteWarning
from cassettes_lib.interception import Interception
from cassettes_lib.models import Cassette
from tests import ownership_support
from tests.ownership_support import (
    OwnershipTestCase,
    in_new_pool,
    in_thread,
)


class LateSender:
    """A thread that sends when it is told to; what came of it, an exception included, is its outcome."""

    def __init__(self, send: Callable[[], Any]) -> None:
        self._send = send
        self._began, self._go = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="late-riser")
        self.outcome: list[Any] = []

    def start(self) -> None:
        self._thread.start()
        self._began.wait()

    def send_now(self) -> None:
        self._go.set()
        self._thread.join()

    def _run(self) -> None:
        self._began.set()
        self._go.wait()
        try:
            self.outcome.append(self._send())
        except Exception as error:
            self.outcome.append(error)


class OutlivingTest(OwnershipTestCase):
    def outliving(self, mode: Any = "replay") -> tuple[list[Any], str]:
        """Leave a block with a thread still in it, which then sends; what came of it, and the warnings."""
        late = LateSender(lambda: self.get("/text"))
        path = self.recorded("/text") if mode == "replay" else self.new_path()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with use_cassette(path, mode=mode):
                late.start()
        late.send_now()
        return late.outcome, " ".join(str(each.message) for each in caught if each.filename == __file__)

    def test_a_thread_that_outlives_a_replay_is_named_and_stopped(self) -> None:
        outcome, told = self.outliving()
        self.assertIn("late-riser", told)
        self.assertIn(__file__, told)
        self.assertIsInstance(outcome[0], NetworkBlockedError)
        self.assertIn(ownership_support.__file__, outcome[0].caller)
        self.assertEqual(outcome[0].request.url, self.server.url + "/text")
        self.assertEqual(self.server.hits, [])

    def test_a_thread_that_outlives_a_recording_is_named_and_goes_live(self) -> None:
        outcome, told = self.outliving("record")
        self.assertIn("late-riser", told)
        self.assertIsInstance(outcome[0], bytes)

    def test_a_thread_that_outlives_its_block_does_not_use_the_next_one(self) -> None:
        late = LateSender(lambda: in_new_pool(lambda: self.get("/text")))
        path = self.recorded("/text")
        with self.assertWarns(CassetteWarning), use_cassette(path, mode="replay"):
            late.start()
        with use_cassette(path, mode="replay") as broker:
            late.send_now()
            self.assertIsInstance(late.outcome[0], NetworkBlockedError)
            self.assertEqual(broker.play_count, 0)
        self.assertEqual(self.server.hits, [])

    def test_a_thread_that_outlives_a_recording_leaves_other_cassettes_alone(self) -> None:
        late = LateSender(lambda: self.get("/text"))
        path = self.recorded("/text")
        with self.assertWarns(CassetteWarning), use_cassette(self.new_path(), mode="record"):
            late.start()
        with use_cassette(path, mode="replay") as broker:
            late.send_now()
        self.assertEqual((len(late.outcome), broker.play_count, len(self.server.hits)), (1, 0, 1))
        self.assertIsInstance(late.outcome[0], bytes)

    def test_a_job_that_outlives_its_block_is_named_and_stopped(self) -> None:
        gate = threading.Event()

        def occupy() -> None:
            gate.wait()

        with ThreadPoolExecutor(1) as pool:
            path = self.recorded("/text")
            with self.assertWarnsRegex(CassetteWarning, "OwnershipTestCase.get"), use_cassette(path, mode="replay"):
                pool.submit(occupy)
                queued = pool.submit(self.get, "/text")
                cancelled = pool.submit(self.get, "/text")
            cancelled.cancel()
            gate.set()
            self.assertIsInstance(queued.exception(), NetworkBlockedError)
        self.assertEqual(self.server.hits, [])

    def test_what_a_thread_that_outlives_a_replay_may_pass_through_still_passes(self) -> None:
        began, go = threading.Event(), threading.Event()
        interception = Interception(Broker(Cassette()), "left", passthrough=("127.0.0.1",))
        outcome: list[Any] = []

        def late() -> None:
            began.set()
            go.wait()
            outcome.append(self.get("/text"))

        interception.start()
        thread = threading.Thread(target=late)
        thread.start()
        began.wait()
        with self.assertWarns(CassetteWarning):
            interception.stop()
        go.set()
        thread.join()
        self.assertEqual((len(outcome), len(self.server.hits)), (1, 1))

    def test_the_warning_as_an_error_comes_when_all_is_done(self) -> None:
        gate = threading.Event()
        interception = Interception(Broker(Cassette(), "record"), "left")
        interception.start()
        thread = threading.Thread(target=gate.wait)
        thread.start()
        before = requests.adapters.HTTPAdapter.send
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with self.assertRaises(CassetteWarning):
                interception.stop()
        self.assertIsNot(requests.adapters.HTTPAdapter.send, before)
        gate.set()
        thread.join()

    def test_a_task_that_outlives_its_block_is_stopped(self) -> None:
        path = self.recorded("/text")

        async def main() -> None:
            go = asyncio.Event()

            async def late() -> None:
                await go.wait()
                await asyncio.to_thread(self.get, "/text")

            async def early() -> None:
                await go.wait()
                await asyncio.to_thread(self.get, "/text")

            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                before = asyncio.create_task(early())
                with use_cassette(path, mode="replay"):
                    after = asyncio.create_task(late())
                    await asyncio.sleep(0)
            go.set()
            await before
            with self.assertRaises(NetworkBlockedError):
                await after

        asyncio.run(main())
        self.assertEqual(len(self.server.hits), 1)

    @unittest.skipIf(sys.version_info < (3, 12), "Python tells a task's context since 3.12")
    def test_a_task_that_outlives_its_block_is_named(self) -> None:
        path = self.recorded("/text")

        async def late(go: asyncio.Event) -> None:
            await go.wait()
            await asyncio.to_thread(self.get, "/text")

        async def main() -> None:
            go = asyncio.Event()
            with self.assertWarnsRegex(CassetteWarning, "slowcoach"), use_cassette(path, mode="replay"):
                task = asyncio.create_task(late(go), name="slowcoach")
                await asyncio.sleep(0)
            go.set()
            with self.assertRaises(NetworkBlockedError):
                await task

        asyncio.run(main())
        self.assertEqual(self.server.hits, [])

    def test_the_context_that_entered_is_free_again_when_another_one_left(self) -> None:
        block = use_cassette(self.recorded("/text"), mode="replay")
        block.__enter__()
        self.assertIsNone(in_thread(lambda: block.__exit__(None, None, None)))
        self.get("/text")
        self.assertEqual(len(self.server.hits), 1)

    def test_the_context_that_entered_uses_the_only_other_one_when_another_one_left(self) -> None:
        opened, done = threading.Event(), threading.Event()
        path = self.recorded("/text")
        played: list[int] = []

        def other() -> None:
            with use_cassette(path, mode="replay") as broker:
                opened.set()
                done.wait()
                played.append(broker.play_count)

        block = use_cassette(path, mode="replay")
        block.__enter__()
        in_thread(lambda: block.__exit__(None, None, None))
        thread = threading.Thread(target=other)
        thread.start()
        opened.wait()
        self.get("/text")
        done.set()
        thread.join()
        self.assertEqual((played, self.server.hits), ([1], []))

    def test_an_older_task_does_not_keep_anything_in_place(self) -> None:
        original = requests.adapters.HTTPAdapter.send
        path = self.recorded("/text")

        async def main() -> None:
            older = asyncio.create_task(asyncio.sleep(60))
            await asyncio.sleep(0)
            with use_cassette(path, mode="replay"):
                pass
            self.assertIs(requests.adapters.HTTPAdapter.send, original)
            older.cancel()

        asyncio.run(main())

    def test_leaving_waits_for_no_thread_that_has_ended(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for _ in range(50):
                with use_cassette(self.recorded("/text"), mode="replay"), ThreadPoolExecutor(4) as pool:
                    futures = [pool.submit(int) for _ in range(8)]
                    in_thread(int)
                    [each.result() for each in futures]


if __name__ == "__main__":
    unittest.main()
