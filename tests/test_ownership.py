"""Who is in charge: of threads, jobs, tasks and strangers, of nested blocks, and of what outlives its block."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import sys
import threading
import unittest
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from cassettes_lib import AmbiguousCassetteError, InteractionNotFoundError, use_cassette
from cassettes_lib.broker import Broker
from cassettes_lib.interception import Interception
from cassettes_lib.models import Cassette
from cassettes_lib.ownership import LiveCall
from tests.ownership_support import (
    OwnershipTestCase,
    in_executor_of_loop,
    in_inheriting_thread,
    in_mapping_pool,
    in_new_pool,
    in_subclass,
    in_task,
    in_thread,
    in_thread_of_thread,
    in_timer,
    in_to_thread,
)
from tests.sealing_support import SealingTestCase

HANDOVERS = (
    in_thread, in_subclass, in_inheriting_thread, in_timer, in_new_pool, in_mapping_pool, in_to_thread,
    in_executor_of_loop, in_task, in_thread_of_thread,
)


class HandoverTest(OwnershipTestCase):
    def test_threads_jobs_and_tasks_belong_to_the_block_they_began_in(self) -> None:
        # Another block is open all the time, in a thread of its own: nobody can find his block by being the only one.
        opened, done = threading.Event(), threading.Event()
        other_path, path = self.recorded("/json"), self.recorded("/text")

        def other() -> None:
            with use_cassette(other_path, mode="replay"):
                opened.set()
                done.wait()

        thread = threading.Thread(target=other)
        thread.start()
        opened.wait()
        try:
            for handover in HANDOVERS:
                with self.subTest(handover.__name__), use_cassette(path, mode="replay") as broker:
                    handover(functools.partial(self.get, "/text"))
                    self.assertEqual(broker.play_count, 1)
        finally:
            done.set()
            thread.join()
        self.assertEqual(self.server.hits, [])

    def test_a_pool_older_than_the_blocks_serves_each_by_its_jobs(self) -> None:
        one, other = self.recorded("/text"), self.recorded("/json")
        with ThreadPoolExecutor(1) as pool:
            pool.submit(int).result()
            with use_cassette(one, mode="replay") as first:
                with use_cassette(other, mode="replay") as second:
                    pool.submit(self.get, "/json").result()
                pool.submit(self.get, "/text").result()
            self.assertEqual((first.play_count, second.play_count), (1, 1))
        self.assertEqual(self.server.hits, [])

    def test_a_pool_that_began_in_one_block_serves_the_next(self) -> None:
        one, other = self.recorded("/text"), self.recorded("/json")
        with ThreadPoolExecutor(1) as pool, warnings.catch_warnings():
            warnings.simplefilter("error")
            with use_cassette(one, mode="replay"):
                pool.submit(self.get, "/text").result()
            with use_cassette(other, mode="replay"):
                pool.submit(self.get, "/json").result()
        self.assertEqual(self.server.hits, [])

    def test_a_miss_in_a_job_that_is_requests_get_itself_tells_where_it_was_submitted(self) -> None:
        with use_cassette(self.recorded("/text"), mode="replay") as broker, ThreadPoolExecutor(1) as pool:
            error = pool.submit(requests.get, self.server.url + "/json").exception()
            broker.misses.clear()
        assert isinstance(error, InteractionNotFoundError)
        self.assertIn(__file__, error.caller)

    def test_a_thread_keeps_no_trace(self) -> None:
        with use_cassette(self.recorded("/text"), mode="replay"):
            seen = []
            thread = threading.Thread(target=lambda: seen.append(dict(thread.__dict__)))
            before = set(thread.__dict__)
            thread.start()
            thread.join()
            with self.assertRaises(RuntimeError):
                thread.start()
        self.assertEqual(set(thread.__dict__) - before, set())
        self.assertNotIn("run", seen[0])

    def test_a_stranger_uses_the_only_cassette_that_is_open(self) -> None:
        stranger = self.stranger()
        with use_cassette(self.recorded("/text"), mode="replay") as broker:
            self.assertEqual(stranger(lambda: self.get("/text")), [])
        self.assertEqual((broker.play_count, self.server.hits), (1, []))

    def test_a_stranger_is_told_when_several_could_be_meant(self) -> None:
        stranger = self.stranger()
        one, other = self.recorded("/text"), self.recorded("/text")
        with use_cassette(one, mode="replay"), use_cassette(other, mode="replay"):
            errors = stranger(lambda: self.get("/text"))
        self.assertIsInstance(errors[0], AmbiguousCassetteError)
        for name in (str(one), str(other), "a stranger"):
            self.assertIn(name, str(errors[0]))
        self.assertEqual(self.server.hits, [])


class NestingTest(OwnershipTestCase):
    def test_the_innermost_wins(self) -> None:
        outer, inner = self.recorded("/text", "/json"), self.recorded("/text")
        with use_cassette(outer, mode="replay") as first:
            with use_cassette(inner, mode="replay") as second:
                self.get("/text")
                with self.assertRaises(InteractionNotFoundError):
                    self.get("/json")
                second.misses.clear()
            self.get("/text")
            self.get("/json")
        self.assertEqual((first.play_count, second.play_count, self.server.hits), (2, 1, []))

    def test_what_the_inner_one_records_does_not_reach_the_outer_one(self) -> None:
        with use_cassette(self.new_path(), mode="record") as outer:
            with use_cassette(self.new_path(), mode="record") as inner:
                self.get("/text")
            self.get("/json")
        self.assertEqual((len(outer.recorded), len(inner.recorded), len(self.server.hits)), (1, 1, 2))

    def test_passthrough_hands_on_to_the_outer_one(self) -> None:
        outer = self.recorded("/text")
        with use_cassette(outer, mode="replay") as first:
            second = self.interception(passthrough=("127.0.0.1",))
            self.get("/text")
            with self.assertRaises(InteractionNotFoundError):
                self.get("/json")
            first.misses.clear()
        self.assertEqual((first.play_count, second.broker.play_count, self.server.hits), (1, 0, []))

    def test_passthrough_without_an_outer_one_goes_live_and_is_not_recorded(self) -> None:
        for mode in ("replay", "record"):
            interception = self.interception(mode=mode, passthrough=("*.0.0.1",))
            self.assertTrue(self.get("/text"))
            interception.stop()
            self.assertEqual(interception.broker.recorded, ())
        self.assertEqual(len(self.server.hits), 2)

    def test_passthrough_takes_hosts_ports_and_functions(self) -> None:
        port = self.server.port
        for rule, passes in (
            ("127.0.0.1", True), (f"127.0.0.1:{port}", True), ("127.0.0.1:1", False), ("LOCALHOST", False),
            ("127.*", True), ("0.0.1", False), (lambda request: request.url.endswith("/text"), True),
            (lambda request: request.method == "POST", False),
        ):
            interception = self.interception(passthrough=(rule,))
            with self.subTest(rule):
                try:
                    self.get("/text")
                except InteractionNotFoundError:
                    self.assertFalse(passes)
                else:
                    self.assertTrue(passes)
            interception.stop()

    def test_a_rule_that_is_none_is_an_error_at_once(self) -> None:
        for rules in ("localhost", ("http://localhost/",), ("",), (1,), print):
            with self.subTest(rules), self.assertRaises((TypeError, ValueError)):
                Interception(Broker(Cassette()), passthrough=rules)  # type: ignore[arg-type]

    def test_blocks_are_left_in_any_order(self) -> None:
        one, two, three = (self.interception(name=str(number)) for number in range(3))
        for _ in range(2):
            with self.assertRaises(InteractionNotFoundError):
                self.get("/text")
        two.stop()
        with self.assertRaises(InteractionNotFoundError):
            self.get("/text")
        three.stop()
        with self.assertRaises(InteractionNotFoundError):
            self.get("/text")
        self.assertEqual([len(each.broker.misses) for each in (one, two, three)], [1, 0, 3])
        one.stop()
        self.get("/text")
        self.assertEqual(len(self.server.hits), 1)

    def interception(self, *, mode: Any = "replay", name: str = "nested", **options: Any) -> Interception:
        interception = Interception(Broker(Cassette(), mode), name, **options)
        interception.start()
        self.addCleanup(interception.stop)
        return interception


class AsyncTest(SealingTestCase, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.broker = self.enterContext(use_cassette(self.recorded("/text"), mode="replay"))

    async def asyncTearDown(self) -> None:
        self.assertEqual(self.broker.play_count, 1)
        self.assertEqual(self.server.hits, [])

    async def test_a_block_entered_in_set_up_is_in_charge_of_the_test(self) -> None:
        await asyncio.to_thread(requests.get, self.server.url + "/text")

    async def test_a_block_entered_in_set_up_is_in_charge_of_the_tests_tasks(self) -> None:
        async def work() -> None:
            requests.get(self.server.url + "/text")

        await asyncio.gather(work())

    async def test_two_tasks_with_a_cassette_each_do_not_mix(self) -> None:
        requests.get(self.server.url + "/text")
        paths = {target: self.recorded(target) for target in ("/json", "/text")}

        async def work(target: str) -> None:
            for _ in range(20):
                with use_cassette(paths[target], mode="replay") as broker:
                    await asyncio.sleep(0)
                    await asyncio.to_thread(requests.get, self.server.url + target)
                    self.assertTrue(broker.all_played)

        await asyncio.gather(*(work(target) for target in paths))


class StressTest(OwnershipTestCase):
    def test_two_hundred_rounds_of_two_tests_in_two_threads_never_mix(self) -> None:
        targets = {"one": "/text", "two": "/json"}
        paths = {name: self.recorded(*[target] * 4) for name, target in targets.items()}
        barrier = threading.Barrier(2)
        wrong: list[object] = []

        def a_test(name: str) -> None:
            try:
                for _ in range(200):
                    barrier.wait(30)
                    with use_cassette(paths[name], mode="replay") as broker:
                        self.get(targets[name])
                        in_thread(lambda: self.get(targets[name]))
                        with ThreadPoolExecutor(2) as pool:
                            list(pool.map(self.get, [targets[name]] * 2))
                    if not broker.all_played:
                        wrong.append((name, broker.play_count))
            except BaseException as error:
                wrong.append(error)
                barrier.abort()

        threads = [threading.Thread(target=a_test, args=(name,)) for name in targets]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((wrong, self.server.hits), ([], []))

    def test_eight_threads_replay_and_record_forty_requests_each(self) -> None:
        path = self.new_path()
        for mode in ("record", "replay"):
            answers: list[bytes] = []

            def work(worker: int, answers: list[bytes] = answers) -> None:
                with requests.Session() as session:
                    for number in range(40):
                        url = f"{self.server.url}/get?worker={worker}&number={number}"
                        target = session.get(url).json()["target"]
                        if target == f"/get?worker={worker}&number={number}":
                            answers.append(target)

            with use_cassette(path, mode=mode) as broker:  # type: ignore[arg-type]
                threads = [threading.Thread(target=work, args=(worker,)) for worker in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
            self.assertEqual(len(answers), 320)
            self.assertEqual(len(broker.cassette.interactions), 320)
            self.assertEqual(len(self.server.hits), 320)
        self.assertTrue(broker.all_played)


class ContextTest(OwnershipTestCase):
    def test_what_others_did_to_a_thread_is_put_back(self) -> None:
        thread = threading.Thread()
        theirs: Any = lambda: None  # noqa: E731 - an object to be told by identity
        thread.run = theirs  # type: ignore[method-assign]
        with use_cassette(self.recorded("/text"), mode="replay"):
            thread.start()
            thread.join()
        self.assertIs(thread.run, theirs)

    def test_a_block_opened_within_a_live_call_passes_through_to_the_network(self) -> None:
        outer, inner = (Interception(Broker(Cassette()), name, passthrough=("127.*",)) for name in ("outer", "inner"))
        outer.start()
        with LiveCall(outer, None, None):
            inner.start()
            self.assertIsNone(inner.outer)
            self.get("/text")
            inner.stop()
        outer.stop()
        self.assertEqual(len(self.server.hits), 1)

    def test_a_block_is_opened_once(self) -> None:
        interception = Interception(Broker(Cassette()), "once")
        interception.start()
        with self.assertRaises(RuntimeError):
            interception.start()
        with self.assertRaises(InteractionNotFoundError):
            self.get("/text")
        interception.stop()

    def test_a_coroutine_sent_to_a_loop_older_than_the_blocks_belongs_to_the_sender(self) -> None:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()

        async def work() -> None:
            await asyncio.to_thread(self.get, "/text")
            await asyncio.create_task(asyncio.to_thread(self.get, "/text"))

        with use_cassette(self.recorded("/json"), mode="replay"):
            with use_cassette(self.recorded("/text", "/text"), mode="replay") as broker:
                asyncio.run_coroutine_threadsafe(work(), loop).result()
            self.assertTrue(broker.all_played)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()

    def test_jobs_for_other_interpreters_are_left_as_they_are(self) -> None:
        class InterpreterPoolExecutor(ThreadPoolExecutor):
            """As in Python 3.14: a ThreadPoolExecutor whose jobs have to be pickled."""

        def caller() -> str:
            return sys._getframe(1).f_code.co_name

        with use_cassette(self.recorded("/text"), mode="replay"):
            with ThreadPoolExecutor(1) as pool:
                self.assertEqual(pool.submit(caller).result(), "_call_inside")
            with InterpreterPoolExecutor(1) as pool:
                self.assertEqual(pool.submit(caller).result(), "run")

    def test_a_copied_context_takes_the_ownership_along(self) -> None:
        stranger = self.stranger()
        one, other = self.recorded("/text"), self.recorded("/json")
        with use_cassette(one, mode="replay") as broker:
            context = contextvars.copy_context()
            with use_cassette(other, mode="replay"):
                self.assertEqual(stranger(lambda: context.run(self.get, "/text")), [])
        self.assertEqual(broker.play_count, 1)


if __name__ == "__main__":
    unittest.main()
