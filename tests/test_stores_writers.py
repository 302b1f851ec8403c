"""Several writers, killed writers, forked writers: real processes and real signals."""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import shutil
import signal
import tempfile
import textwrap
import threading
import time
import unittest
import warnings
from collections import Counter
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from unittest import mock

from cassettes_lib import files
from cassettes_lib.errors import CassetteNotFoundError, CassetteSaveError
from cassettes_lib.models import Cassette, RecordingMark
from tests import nursery
from tests.nursery import Process
from tests.stores_support import FolderTestCase, a_cassette_of, numbered

ROOT = Path(__file__).parent.parent

PRELUDE = """
import os, signal, sys, threading, time, warnings
from cassettes_lib import Broker
from cassettes_lib.models import *
from cassettes_lib.stores import JsonFileCassetteStore

def request(number):
    return InteractionRequest(method="GET", url=f"https://api.example.com/{number}")

def numbered(number, size=10):
    return Interaction(request=request(number), response=InteractionResponse(status=200, body=b"x" * size))

def say(text):
    os.write(1, f"{text}\\n".encode())

path = sys.argv[1]
"""


class ProcessTestCase(FolderTestCase):
    def start(self, code: str, *arguments: object) -> Process:
        """Start a process that runs some code behind the prelude."""
        process = nursery.start("-c", PRELUDE + textwrap.dedent(code), self.path, *arguments, cwd=ROOT, env=os.environ)
        self.addCleanup(self.end, process)
        return process

    def end(self, process: Process) -> None:
        process.kill()
        process.communicate(60)

    def line(self, process: Process) -> str:
        assert process.stdout is not None
        self.assertTrue(select.select([process.stdout], [], [], 60)[0], "nothing was said for a minute")
        return process.stdout.readline().decode().strip()

    def lines_until_killed(self, nursery: Process) -> list[bytes]:
        """Return what a writer has said when its nursery says that it is killed."""
        assert nursery.stdout is not None
        said = b"\n"
        while not said.endswith(b"\nkilled\n"):
            self.assertTrue(select.select([nursery.stdout], [], [], 60)[0], "nothing was said for a minute")
            more = os.read(nursery.stdout.fileno(), 1 << 16)
            self.assertTrue(more, "the nursery has died")
            said += more
        return said.splitlines()[1:-1]

    def go(self, *processes: Process, times: int = 1) -> None:
        """Let processes go on that wait for a line, `times` times; by one write, since the first line may end them."""
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n" * times)

    def assert_ends_well(self, process: Process) -> None:
        process.communicate(60)
        self.assertEqual(process.returncode, 0)


class WritersTest(ProcessTestCase):
    RECORDERS = """
        mode, writers, count = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        responder = lambda request: InteractionResponse(status=200, body=b"x" * 500)
        children = []
        for writer in range(1, writers + 1):
            child = os.fork()
            if child == 0:
                broker = Broker.from_store(JsonFileCassetteStore(path), mode, responder)
                say("ready")
                os.read(0, 1)
                for number in range(1000 * writer, 1000 * writer + count):
                    broker.respond(request(number))
                os._exit(0)
            children.append(child)
        sys.exit(sum(os.waitpid(child, 0)[1] for child in children) != 0)
    """

    def test_the_union_of_what_all_record_is_on_disk_and_every_reader_finds_it_whole(self) -> None:
        for mode in ("auto", "record"):
            for count in (2, 4, 8):
                with self.subTest(mode=mode, writers=count):
                    self.path.unlink(missing_ok=True)
                    if mode == "record":
                        self.store().save(a_cassette_of(1, 2, 3))
                    recorders = self.start(self.RECORDERS, mode, count, 40)
                    self.assertEqual({self.line(recorders) for _ in range(count)}, {"ready"})
                    assert recorders.stdin is not None
                    recorders.stdin.write(b"." * count)
                    self.read_until_it_ends(recorders)
                    expected = [1000 * each + number for each in range(1, count + 1) for number in range(40)]
                    self.assertEqual(sorted(self.numbers()), expected)
                    for each in range(1, count + 1):
                        mine = [number for number in self.numbers() if number // 1000 == each]
                        self.assertEqual(mine, sorted(mine), "each writer keeps its order")
                    self.assertEqual(os.listdir(self.folder), ["cassette.json"])

    def read_until_it_ends(self, writers: Process) -> None:
        seen = 0
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            while writers.poll() is None:
                with contextlib.suppress(CassetteNotFoundError):
                    there = len(self.store().load().interactions)
                    if seen > 3:
                        self.assertGreaterEqual(there, seen)
                    seen = there
        self.assert_ends_well(writers)

    def test_threads_with_stores_of_their_own_take_turns_too(self) -> None:
        stores = [self.store() for _ in range(8)]

        def record(first: int) -> None:
            store, cassette = stores[first // 100], Cassette()
            for number in range(first, first + 25):
                cassette = cassette.plus(numbered(number))
                store.save(cassette)

        threads = [threading.Thread(target=record, args=[100 * each]) for each in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(self.numbers()), [100 * each + number for each in range(8) for number in range(25)])


class LockTest(ProcessTestCase):
    HOLDER = """
        from cassettes_lib.locks import LockedFile
        with LockedFile(path, 10):
            say("locked")
            sys.stdin.readline()
    """

    def setUp(self) -> None:
        super().setUp()
        self.opened, self.cassette = self.store(lock_timeout=0.2), a_cassette_of(1)
        self.opened.save(self.cassette)

    def test_waiting_is_bounded_and_says_so(self) -> None:
        holder = self.start(self.HOLDER)
        self.line(holder)
        with self.assertRaisesRegex(CassetteSaveError, "another process or thread has held the lock.* 0.2 s"):
            self.opened.save(self.cassette.plus(numbered(2)))
        self.assertEqual(self.numbers(), [1])
        self.go(holder)
        self.assert_ends_well(holder)
        self.opened.save(self.cassette.plus(numbered(2)))
        self.assertEqual(self.numbers(), [1, 2])

    def test_a_reader_does_not_wait(self) -> None:
        self.line(self.start(self.HOLDER))
        started = time.monotonic()
        self.assertEqual(len(self.store().load().interactions), 1)
        self.assertLess(time.monotonic() - started, 5)

    def test_a_holder_that_died_does_not_block(self) -> None:
        holder = self.start(self.HOLDER)
        self.line(holder)
        self.end(holder)
        self.opened.save(self.cassette.plus(numbered(2)))
        self.assertEqual(self.numbers(), [1, 2])

    def test_a_holder_that_died_while_its_child_lives_does_not_block(self) -> None:
        holder = self.start(
            """
            from cassettes_lib.locks import LockedFile
            def fork():
                if os.fork() == 0:
                    say("forked")
                    sys.stdin.readline()
                    os._exit(0)
            with LockedFile(path, 10):
                thread = threading.Thread(target=fork)
                thread.start()
                thread.join()
                os.kill(os.getpid(), signal.SIGKILL)
            """
        )
        self.assertEqual(self.line(holder), "forked")
        holder.wait(60)
        self.opened.save(self.cassette.plus(numbered(2)))
        self.assertEqual(self.numbers(), [1, 2])

    CREATOR = """
        from cassettes_lib import files
        if sys.argv[2] == "named":
            files._open_unnamed = lambda folder: None
        original = files._write_all
        def half(file, start, text):
            original(file, start, text[:100])
            say("half")
            sys.stdin.readline()
            original(file, start, text)
        files._write_all = half
        JsonFileCassetteStore(path).save(Cassette().plus(numbered(1)))
    """

    def test_a_creator_that_died_leaves_nothing_that_blocks_or_stays(self) -> None:
        for kind in ("named", "unnamed"):
            with self.subTest(kind):
                self.path.unlink()
                creator = self.start(self.CREATOR, kind)
                self.assertEqual(self.line(creator), "half")
                with self.assertRaises(CassetteNotFoundError):
                    self.store().load()
                self.end(creator)
                if kind == "unnamed":
                    self.assertEqual(os.listdir(self.folder), [])
                with self.only_named(kind):
                    self.store().save(a_cassette_of(3))
                self.assertEqual(self.numbers(), [3])
                self.assertEqual(os.listdir(self.folder), ["cassette.json"])

    def test_of_two_creators_both_are_heard(self) -> None:
        for kind in ("named", "unnamed"):
            with self.subTest(kind):
                self.path.unlink()
                creator = self.start(self.CREATOR, kind)
                self.assertEqual(self.line(creator), "half")
                store = self.store(lock_timeout=0.2)
                with self.only_named(kind):
                    if kind == "named":
                        with self.assertRaisesRegex(CassetteSaveError, "held the lock"):
                            store.save(a_cassette_of(2))
                    else:
                        store.save(a_cassette_of(2))
                self.go(creator, times=2)
                self.assert_ends_well(creator)
                self.assertEqual(self.numbers(), [1] if kind == "named" else [2, 1])
                self.assertEqual(os.listdir(self.folder), ["cassette.json"])

    @contextlib.contextmanager
    def only_named(self, kind: str) -> Iterator[None]:
        """Do without files that have no name, as systems other than Linux must."""
        if kind == "unnamed":
            yield
            return
        with mock.patch.object(files, "_open_unnamed", return_value=None):
            yield

    def test_a_reader_that_meets_a_half_written_end_waits_for_its_writer(self) -> None:
        writer = self.start(
            """
            from cassettes_lib import files
            original = files._write_all
            def half(file, start, text):
                if text.strip():
                    original(file, start, text[:100])
                    say("half")
                    sys.stdin.readline()
                original(file, start, text)
            store = JsonFileCassetteStore(path)
            cassette = store.load()
            files._write_all = half
            store.save(cassette.plus(numbered(2)))
            """
        )
        self.assertEqual(self.line(writer), "half")
        with self.assertRaises(json.JSONDecodeError):
            json.loads(self.path.read_bytes())
        threading.Timer(0.2, self.go, [writer]).start()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            self.assertEqual(len(self.store().load().interactions), 2)
        self.assert_ends_well(writer)


class WithoutFlockTest(ProcessTestCase):
    """Where `flock` does not work, or does not exist, `filelock` takes its place, and nothing stays here either."""

    WRITER = """
        import errno, fcntl, tempfile
        from cassettes_lib import files, locks
        tempfile.tempdir = sys.argv[2]
        flock = fcntl.flock
        def no_flock(file, operation):
            number = file if isinstance(file, int) else file.fileno()
            if not os.readlink(f"/proc/self/fd/{number}").startswith(sys.argv[2]):
                raise OSError(errno.ENOLCK, "no locks available")
            flock(file, operation)
        if sys.argv[3] == "broken":
            fcntl.flock = no_flock
        else:
            locks.fcntl = files.fcntl = None
        store = JsonFileCassetteStore(path, lock_timeout=60)
        cassette, first = Cassette(), int(sys.argv[4])
        say("ready")
        sys.stdin.readline()
        for number in range(first, first + 25):
            cassette = cassette.plus(numbered(number))
            store.save(cassette)
    """

    def test_writers_take_turns_all_the_same(self) -> None:
        for kind in ("broken", "absent"):
            with self.subTest(kind):
                self.path.unlink(missing_ok=True)
                temporary = self.enterContext(tempfile.TemporaryDirectory())
                writers = [self.start(self.WRITER, temporary, kind, 100 * each) for each in range(3)]
                for writer in writers:
                    self.assertEqual(self.line(writer), "ready")
                self.go(*writers)
                for writer in writers:
                    self.assert_ends_well(writer)
                expected = [100 * each + number for each in range(3) for number in range(25)]
                self.assertEqual(sorted(self.numbers()), expected)
                self.assertEqual(os.listdir(self.folder), ["cassette.json"])


class KillTest(ProcessTestCase):
    """`kill -9` at random instants. A nursery forks the writers, which is faster than starting an interpreter."""

    NURSERY = """
        warnings.simplefilter("ignore")
        size, rewrites, start = int(sys.argv[2]), sys.argv[3] == "True", 0
        while sys.stdin.readline():
            start += 1_000_000
            child = os.fork()
            if child == 0:
                store = JsonFileCassetteStore(path)
                try:
                    cassette = store.load()
                except Exception:
                    cassette = Cassette()
                say(os.getpid())
                for number in range(start, start + 100_000):
                    if rewrites and number % 5 == 4:  # as when a value is found to be a secret late
                        others = cassette.interactions.rewritten(list(cassette.interactions))
                        cassette = cassette.model_copy(update={"interactions": others})
                    cassette = cassette.plus(numbered(number, size))
                    store.save(cassette)
                    say(number)
            os.waitpid(child, 0)
            say("killed")
    """

    def kill_and_check(
        self, size: int, kills: int, seconds: float, restart: int, *, rewrites: bool = False
    ) -> None:
        chance = random.Random(size)
        nursery = self.start(self.NURSERY, size, rewrites)
        known: list[int] = []
        torn = 0
        for kill in range(kills):
            if kill % restart == 0:
                shutil.rmtree(self.folder)
                self.folder.mkdir()
                known = []
            self.go(nursery)
            writer = int(self.line(nursery))
            time.sleep(chance.random() * seconds)
            os.kill(writer, signal.SIGKILL)
            said = [int(line) for line in self.lines_until_killed(nursery)]
            if not said and not self.path.exists():
                continue
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                loaded = [int(each.request.url.rpartition("/")[2]) for each in self.store().load().interactions]
            torn += len(caught)
            self.assertEqual(loaded[: len(known) + len(said)], known + said)
            self.assertLessEqual(len(loaded), len(known) + len(said) + 1)
            known = loaded

    def test_of_small_bodies_nothing_that_was_saved_is_lost(self) -> None:
        self.kill_and_check(1_000, 120, 0.03, 5)

    def test_of_large_bodies_nothing_that_was_saved_is_lost(self) -> None:
        self.kill_and_check(1_000_000, 100, 0.05, 5)

    def test_of_recordings_that_are_written_anew_now_and_then_nothing_that_was_saved_is_lost(self) -> None:
        self.kill_and_check(1_000, 60, 0.03, 5, rewrites=True)


class TornBetweenPagesTest(FolderTestCase):
    """A write that SIGKILL cuts short ends between two pages; here it ends at each page that there is."""

    def test_the_end_is_recovered_wherever_it_lies(self) -> None:
        mark = RecordingMark(session="s" * 40)
        original = files._write_all

        def cut_short(file: FileIO, start: int, text: bytes) -> None:
            if text.strip():
                original(file, start, text[: 4096 - start % 4096])
                os._exit(0)
            original(file, start, text)

        for size in range(3000, 4200, 37):
            with self.subTest(size=size):
                self.path.unlink(missing_ok=True)
                store = self.store()
                cassette = Cassette(incomplete=(mark,)).plus(numbered(1, size))
                store.save(cassette)
                child = os.fork()
                if child == 0:
                    files._write_all = cut_short
                    store.save(cassette.plus(numbered(2, 5000)))
                os.waitpid(child, 0)
                with warnings.catch_warnings(record=True) as caught:
                    warnings.simplefilter("always")
                    loaded = self.store().load()
                self.assertEqual(list(loaded.interactions), [numbered(1, size)])
                self.assertEqual(len(caught), 1)
                self.assertTrue(loaded.incomplete)


class EndOfProcessTest(ProcessTestCase):
    def test_an_interpreter_that_exits_without_leaving_the_block_loses_nothing(self) -> None:
        for ending in ("sys.exit(0)", "os._exit(0)", "raise KeyboardInterrupt", "os.kill(os.getpid(), signal.SIGTERM)"):
            with self.subTest(ending):
                self.path.unlink(missing_ok=True)
                process = self.start(
                    f"""
                    sys.stderr = open(os.devnull, "w")
                    store = JsonFileCassetteStore(path)
                    cassette = Cassette()
                    for number in range(3):
                        cassette = cassette.plus(numbered(number))
                        store.save(cassette)
                    {ending}
                    """
                )
                process.communicate(60)
                self.assertEqual(self.numbers(), [0, 1, 2])

    def test_a_forked_child_counts_as_another_writer(self) -> None:
        process = self.start(
            """
            store = JsonFileCassetteStore(path)
            cassette = Cassette(incomplete=(RecordingMark(session="parent"),)).plus(numbered(1))
            store.save(cassette)
            busy = threading.Thread(target=lambda: [store.load() for _ in range(1000)])
            busy.start()
            child = os.fork()
            base = 100 if child == 0 else 200
            for number in range(base, base + 30):
                cassette = cassette.plus(numbered(number))
                store.save(cassette)
            cassette = cassette.model_copy(update={"incomplete": ()})
            if child == 0:
                store.save(cassette)
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
            busy.join()
            assert [mark.session for mark in store.load().incomplete] == ["parent"]
            store.save(cassette)
            """
        )
        self.assert_ends_well(process)
        self.assertEqual(Counter(self.numbers()), Counter([1, *range(100, 130), *range(200, 230)]))
        self.assertEqual(self.sessions(), [])


if __name__ == "__main__":
    unittest.main()
