"""What the tests of sealing, ownership and restoration share: a server whose hits are counted, and snapshots."""

from __future__ import annotations

import queue
import socket
import tempfile
import threading
import unittest
from collections.abc import Callable, Iterator
from concurrent.futures.thread import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from requests.adapters import BaseAdapter
from urllib3.connectionpool import HTTPConnectionPool

from cassettes_lib import use_cassette
from tests.loopback import LoopbackServer
from tests.support import with_environment


def _descendants(kind: type) -> Iterator[type]:
    yield kind
    for each in kind.__subclasses__():
        yield from _descendants(each)


def snapshot() -> dict[tuple[Any, str], object]:
    """Every attribute of every class and module that interception may touch."""
    places: list[Any] = [
        *_descendants(BaseAdapter), *_descendants(requests.Session), HTTPConnectionPool, threading.Thread,
        ThreadPoolExecutor, socket.socket, socket, requests, requests.api, requests.sessions, requests.adapters,
    ]
    found = {}
    for place in places:
        for name, value in vars(place).items():
            # In `__warningregistry__` Python notes what it has warned of: of a socket, too, that the garbage collector
            # happens to find while a function of the module runs.
            if name not in ("_abc_impl", "__builtins__", "__warningregistry__"):
                found[place, name] = value
    return found


class SealingTestCase(unittest.TestCase):
    """A server that counts, a folder for cassettes, and the certainty that nothing of ours stays in place."""

    server: LoopbackServer
    expect_exact = True

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = LoopbackServer().start()
        cls.addClassCleanup(cls.server.stop)

    def setUp(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None)
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.server.clear()
        before = snapshot()
        self.addCleanup(self.assert_restored, before)
        self._paths = 0

    def assert_restored(self, before: dict[tuple[Any, str], object]) -> None:
        after = snapshot()
        changed = [key for key in before.keys() & after.keys() if before[key] is not after[key]]
        extra = [key for key in after.keys() - before.keys() if key[0] in {place for place, _ in before}]
        self.assertEqual((changed, list(before.keys() - after.keys()), extra), ([], [], []))

    def new_path(self) -> Path:
        self._paths += 1
        return self.folder / f"cassette-{self._paths}.json"

    def recorded(self, *targets: str) -> Path:
        """The path of a cassette with these recorded from the server; the hits are forgotten."""
        path = self.new_path()
        with use_cassette(path, mode="record"):
            for target in targets:
                requests.get(self.server.url + target)
        self.server.clear()
        return path

    def stranger(self) -> Callable[[Callable[[], object]], list[BaseException]]:
        """A thread that runs what it is given and belongs to no cassette opened from now on; returns errors."""
        jobs: queue.Queue[Any] = queue.Queue()
        done: queue.Queue[Any] = queue.Queue()

        def work() -> None:
            while (job := jobs.get()) is not None:
                try:
                    job()
                    done.put([])
                except BaseException as error:
                    done.put([error])

        thread = threading.Thread(target=work, name="a stranger")
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(jobs.put, None)

        def run(job: Callable[[], object]) -> list[BaseException]:
            jobs.put(job)
            return done.get(timeout=20)  # type: ignore[no-any-return]

        return run
