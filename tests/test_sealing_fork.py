"""After a fork: the child neither deadlocks nor lets anything out."""

from __future__ import annotations

import contextvars
import os
import signal
import threading
import unittest
from collections.abc import Callable
from typing import Any

import requests

from cassettes_lib import InteractionNotFoundError, patches, use_cassette
from tests.sealing_support import SealingTestCase


@unittest.skipUnless(hasattr(os, "fork"), "there is no fork here")
class ForkTest(SealingTestCase):
    def in_child(self, job: Callable[[], object], patience: int = 30) -> None:
        """Run a job in a forked child; it must end well, and in time."""
        child = os.fork()
        if child == 0:
            code = 1
            try:
                signal.alarm(patience)  # ends the child when it hangs
                job()
                code = 0
            finally:
                os._exit(code)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), 0)

    def test_a_child_replays_and_misses_like_its_parent(self) -> None:
        with use_cassette(self.recorded("/text", "/text"), mode="replay") as broker:
            requests.get(self.server.url + "/text")

            def in_child() -> None:
                requests.get(self.server.url + "/text")
                thread = threading.Thread(target=requests.get, args=(self.server.url + "/text",))
                broker.misses.clear()
                thread.start()
                thread.join()
                assert len(broker.misses) == 1

            self.in_child(in_child)
            self.assertEqual(broker.misses, [])
        self.assertEqual(self.server.hits, [])

    def test_a_child_does_not_hang_for_what_other_threads_were_doing(self) -> None:
        path = self.recorded("/text")
        stop = threading.Event()

        def busy() -> None:
            while not stop.is_set():
                with use_cassette(path, mode="replay"):
                    requests.get(self.server.url + "/text")
                    threading.Thread(target=int).start()

        def busy_in_the_same_block() -> None:
            while not stop.is_set():
                requests.get(self.server.url + "/text")

        def in_child() -> None:
            requests.get(self.server.url + "/text")
            with use_cassette(path, mode="replay"):
                requests.get(self.server.url + "/text")

        with use_cassette(path, mode="replay", allow_playback_repeats=True):
            threads = [threading.Thread(target=each) for each in (busy, busy_in_the_same_block)]
            for thread in threads:
                thread.start()
            try:
                for _ in range(25):
                    self.in_child(in_child)
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
        self.assertEqual(self.server.hits, [])

    def test_no_lock_of_a_broker_is_held_in_a_child(self) -> None:
        """Each lock in turn is held by another thread when the fork begins, and given back only once it waits."""
        with use_cassette(self.recorded("/text"), mode="replay", allow_playback_repeats=True) as broker:
            for lock in (*broker.locks, patches.lock):
                held, forking = threading.Event(), threading.Event()

                def hold(lock: Any = lock, held: threading.Event = held, forking: threading.Event = forking) -> None:
                    with lock:
                        held.set()
                        forking.wait()

                thread = threading.Thread(target=contextvars.Context().run, args=(hold,))
                thread.start()
                held.wait()
                os.register_at_fork(before=forking.set)  # hooks run in reverse order: this one before ours
                self.in_child(lambda: requests.get(self.server.url + "/text"))
                thread.join()
        self.assertEqual(self.server.hits, [])

    def test_what_parent_and_child_record_is_all_kept(self) -> None:
        path = self.new_path()

        def several(first: int) -> None:
            for number in range(first, first + 5):
                requests.get(f"{self.server.url}/get?number={number}")

        with use_cassette(path, mode="record"):
            several(0)
            thread = threading.Thread(target=several, args=(5,))
            thread.start()
            self.in_child(lambda: several(10))
            several(15)
            thread.join()
        with use_cassette(path, mode="replay") as broker:
            urls = [each.request.url for each in broker.cassette.interactions]
        self.assertEqual(sorted(urls), sorted(f"{self.server.url}/get?number={number}" for number in range(20)))

    def test_a_child_leaves_the_block_and_is_free(self) -> None:
        block = use_cassette(self.recorded("/text"), mode="replay")
        original = requests.adapters.HTTPAdapter.send
        gate = threading.Event()
        with block as broker:
            thread = threading.Thread(target=gate.wait)
            thread.start()

            def in_child() -> None:
                block.__exit__(None, None, None)
                assert requests.adapters.HTTPAdapter.send is original
                requests.get(self.server.url + "/json")

            self.in_child(in_child)
            with self.assertRaises(InteractionNotFoundError):
                requests.get(self.server.url + "/json")
            gate.set()
            thread.join()
            broker.misses.clear()
        self.assertEqual(len(self.server.hits), 1)


if __name__ == "__main__":
    unittest.main()
