"""Who is in charge: of threads, jobs, tasks and strangers, of nested blocks, and of what outlives its block."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import sys
import threading
import unittest
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from cassettes_lib import AmbiguousCassetteError, InteractionNotFoundError, NetworkBlockedError, use_cassette
from cassettes_lib.broker import Broker
from cassettes_lib.errors import CassetteWarning
from cassettes_lib.interception import Interception
from cassettes_lib.models import Cassette
from cassettes_lib.ownership import LiveCall
from tests.sealing_support import SealingTestCase


def in_thread(job: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(job()))
    thread.start()
    thread.join()
    return results[0]


class OverridesRun(threading.Thread):
    def __init__(self, job: Callable[[], Any]) -> None:
        super().__init__()
        self.job = job

    def run(self) -> None:
        self.result = self.job()


def in_subclass(job: Callable[[], Any]) -> Any:
    thread = OverridesRun(job)
    thread.start()
    thread.join()
    return thread.result


class InheritsItsContext(threading.Thread):
    """As in Python 3.14, where a thread may run in a copy of the context that starts it."""

    def start(self) -> None:
        context, run = contextvars.copy_context(), self.run
        self.run = lambda: context.run(run)  # type: ignore[method-assign]
        super().start()


def in_inheriting_thread(job: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = InheritsItsContext(target=lambda: results.append(job()))
    thread.start()
    thread.join()
    return results[0]


def in_timer(job: Callable[[], Any]) -> Any:
    results: list[Any] = []
    timer = threading.Timer(0, lambda: results.append(job()))
    timer.start()
    timer.join()
    return results[0]


def in_new_pool(job: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(2) as pool:
        return pool.submit(job).result()


def in_mapping_pool(job: Callable[[], Any]) -> Any:
    with ThreadPoolExecutor(2) as pool:
        return next(iter(pool.map(lambda _: job(), [1])))


def in_to_thread(job: Callable[[], Any]) -> Any:
    async def main() -> Any:
        return await asyncio.to_thread(job)

    return asyncio.run(main())


def in_executor_of_loop(job: Callable[[], Any]) -> Any:
    async def main() -> Any:
        return await asyncio.get_running_loop().run_in_executor(None, job)

    return asyncio.run(main())


def in_task(job: Callable[[], Any]) -> Any:
    async def main() -> Any:
        async def work() -> Any:
            return job()

        return await asyncio.create_task(work())

    return asyncio.run(main())


def in_thread_of_thread(job: Callable[[], Any]) -> Any:
    return in_thread(lambda: in_new_pool(lambda: in_thread(job)))


HANDOVERS = (
    in_thread, in_subclass, in_inheriting_thread, in_timer, in_new_pool, in_mapping_pool, in_to_thread,
    in_executor_of_loop, in_task, in_thread_of_thread,
)


class OwnershipTestCase(SealingTestCase):
    def bodies(self, path: Any) -> list[bytes]:
        with use_cassette(path, mode="replay") as broker:
            return [each.response.body for each in broker.cassette.interactions if each.response]

    def get(self, target: str) -> bytes:
        return requests.get(self.server.url + target).content


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


class OutlivingTest(OwnershipTestCase):
    def outliving(self, mode: Any = "replay") -> tuple[list[Any], str]:
        """Leave a block with a thread still in it, which then sends; what came of it, and the warnings."""
        began, go = threading.Event(), threading.Event()
        outcome: list[Any] = []

        def late() -> None:
            began.set()
            go.wait()
            try:
                outcome.append(self.get("/text"))
            except Exception as error:
                outcome.append(error)

        path = self.recorded("/text") if mode == "replay" else self.new_path()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with use_cassette(path, mode=mode):
                thread = threading.Thread(target=late, name="late-riser")
                thread.start()
                began.wait()
        go.set()
        thread.join()
        return outcome, " ".join(str(each.message) for each in caught if each.filename == __file__)

    def test_a_thread_that_outlives_a_replay_is_named_and_stopped(self) -> None:
        outcome, told = self.outliving()
        self.assertIn("late-riser", told)
        self.assertIn(__file__, told)
        self.assertIsInstance(outcome[0], NetworkBlockedError)
        self.assertIn(__file__, outcome[0].caller)
        self.assertEqual(outcome[0].request.url, self.server.url + "/text")
        self.assertEqual(self.server.hits, [])

    def test_a_thread_that_outlives_a_recording_is_named_and_goes_live(self) -> None:
        outcome, told = self.outliving("record")
        self.assertIn("late-riser", told)
        self.assertIsInstance(outcome[0], bytes)

    def test_a_thread_that_outlives_its_block_does_not_use_the_next_one(self) -> None:
        began, go = threading.Event(), threading.Event()
        outcome: list[Any] = []

        def late() -> None:
            began.set()
            go.wait()
            try:
                outcome.append(in_new_pool(lambda: self.get("/text")))
            except Exception as error:
                outcome.append(error)

        path = self.recorded("/text")
        with self.assertWarns(CassetteWarning), use_cassette(path, mode="replay"):
            thread = threading.Thread(target=late)
            thread.start()
            began.wait()
        with use_cassette(path, mode="replay") as broker:
            go.set()
            thread.join()
            self.assertIsInstance(outcome[0], NetworkBlockedError)
            self.assertEqual(broker.play_count, 0)
        self.assertEqual(self.server.hits, [])

    def test_a_thread_that_outlives_a_recording_leaves_other_cassettes_alone(self) -> None:
        began, go = threading.Event(), threading.Event()
        outcome: list[Any] = []

        def late() -> None:
            began.set()
            go.wait()
            outcome.append(self.get("/text"))

        path = self.recorded("/text")
        with self.assertWarns(CassetteWarning), use_cassette(self.new_path(), mode="record"):
            thread = threading.Thread(target=late)
            thread.start()
            began.wait()
        with use_cassette(path, mode="replay") as broker:
            go.set()
            thread.join()
        self.assertEqual((len(outcome), broker.play_count, len(self.server.hits)), (1, 0, 1))

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
