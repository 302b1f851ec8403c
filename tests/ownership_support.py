"""What the tests of ownership share: the ways in which code hands over to other threads, jobs and tasks."""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests

from cassettes_lib import use_cassette
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


class OwnershipTestCase(SealingTestCase):
    def bodies(self, path: Any) -> list[bytes]:
        with use_cassette(path, mode="replay") as broker:
            return [each.response.body for each in broker.cassette.interactions if each.response]

    def get(self, target: str) -> bytes:
        return requests.get(self.server.url + target).content
