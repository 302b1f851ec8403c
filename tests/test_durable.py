"""Durability seen from a block: nothing is written without need, and what was recorded outlives the process."""

from __future__ import annotations

import gc
import json
import os
import sys
import unittest
from typing import Any
from unittest import mock

import requests

from cassettes_lib import files
from cassettes_lib.errors import CassetteSaveError
from cassettes_lib.models import Cassette
from cassettes_lib.recording import use_cassette
from tests.recording_support import RecordingTestCase, run_python
from tests.stores_support import FolderTestCase, numbered


class UntouchedTest(RecordingTestCase):
    """Nothing changed, nothing written; the old file stays until the first new interaction is stored."""

    def setUp(self) -> None:
        super().setUp()
        with use_cassette(self.path, mode="record"):
            self.get("one")
        os.utime(self.path, ns=(1, 1))
        self.before = self.seen()

    def seen(self) -> tuple[object, ...]:
        status = self.path.stat()
        return self.path.read_bytes(), status.st_ino, status.st_mtime_ns, status.st_ctime_ns

    def test_replay_and_recordings_without_a_miss_do_not_touch_the_file(self) -> None:
        opened: list[int] = []
        original = os.open

        def noting(path: Any, flags: int, *args: Any, **options: Any) -> int:
            if os.fspath(path).startswith(str(self.folder)):
                opened.append(flags)
            return original(path, flags, *args, **options)

        for mode in ("replay", "auto", "once"):
            with self.subTest(mode), mock.patch("os.open", noting):
                with use_cassette(self.path, mode=mode):  # type: ignore[arg-type]
                    self.get("one")
                self.assertEqual(self.seen(), self.before)
                self.assertEqual(os.listdir(self.path.parent), [self.path.name])
        self.assertEqual([flags & (os.O_WRONLY | os.O_RDWR) for flags in opened], [0] * 3)

    def test_a_recording_anew_that_fails_before_it_has_stored_anything_leaves_the_file(self) -> None:
        with self.assertRaises(ZeroDivisionError), use_cassette(self.path, mode="record"):
            raise ZeroDivisionError
        self.assertEqual(self.seen(), self.before)
        with self.assertRaises(requests.ConnectionError), use_cassette(self.path, mode="record"):
            requests.get("http://127.0.0.1:1/", timeout=30)
        self.assertEqual(self.seen(), self.before)
        broken = mock.patch.object(files, "_write_all", side_effect=OSError(28, "No space left on device"))
        with broken, self.assertRaises(CassetteSaveError), use_cassette(self.path, mode="record"):
            self.get("two")
        self.assertEqual(self.seen(), self.before)
        self.assertEqual(os.listdir(self.path.parent), [self.path.name])


class EndOfProcessTest(RecordingTestCase):
    def test_a_process_that_ends_in_a_block_leaves_what_it_recorded_and_the_mark_of_it(self) -> None:
        for ending in (
            "os._exit(0)", "sys.exit(0)", "raise KeyboardInterrupt", "os.kill(os.getpid(), signal.SIGTERM)",
            "os.kill(os.getpid(), signal.SIGKILL)", "signal.raise_signal(signal.SIGINT)",
        ):
            with self.subTest(ending):
                self.path.unlink(missing_ok=True)
                run_python(
                    "-c",
                    "import os, signal, sys, requests; from cassettes_lib import *\n"
                    "signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it\n"
                    "with use_cassette(sys.argv[1], mode='record'):\n"
                    "    for name in 'ab': requests.get(sys.argv[2] + name)\n"
                    f"    {ending}",
                    str(self.path), self.server.url_for("/count/"), cwd=self.folder, check=False,
                )
                self.assertEqual((self.recorded(), self.marks()), (["a", "b"], 1))
                with use_cassette(self.path):
                    self.get("a")
                    self.get("c")
                self.assertEqual((self.recorded(), self.marks()), (["a", "b", "c"], 0), "resumed")

    def test_a_fork_in_a_block_is_another_writer(self) -> None:
        done = run_python(
            "-c",
            "import os, sys, requests; from cassettes_lib import *\n"
            "with use_cassette(sys.argv[1], mode='record'):\n"
            "    requests.get(sys.argv[2] + 'before')\n"
            "    child = os.fork()\n"
            "    for number in range(10): requests.get(sys.argv[2] + ('parent' if child else 'child'))\n"
            "    if not child: sys.exit(0)\n"
            "    os.waitpid(child, 0)\n",
            str(self.path), self.server.url_for("/count/"), cwd=self.folder,
        )
        self.assertEqual(done.returncode, 0)
        self.assertEqual(sorted(self.recorded()), ["before", *["child"] * 10, *["parent"] * 10])
        self.assertEqual(self.marks(), 0)

    def test_the_same_conversation_gives_the_same_text_whatever_the_hash_seed(self) -> None:
        texts = set()
        for seed in ("0", "1", "2"):
            self.path.unlink(missing_ok=True)
            run_python(
                "-c",
                "import sys; from cassettes_lib import *; from cassettes_lib.models import *\n"
                "answer = InteractionResponse(status=200, body=b'{\"token\":\"Zq8wLkP3vT9s\"}')\n"
                "broker = Broker(Cassette(), 'record', lambda _: answer, JsonFileCassetteStore(sys.argv[1]))\n"
                "for number in range(3):\n"
                "    broker.respond(InteractionRequest(method='GET', url=f'https://a/{number}?token=Zq8wLkP3vT9s&b=1',\n"
                "        headers=(('Cookie', 'sid=Qw3rTy7uIoP; x=AbC123dEf456'), ('X-Api-Key', 'k1234567890AbC'))))\n",
                str(self.path), cwd=self.folder, fresh=True, PYTHONHASHSEED=seed,
            )
            document = self.document()
            for entry in document["interactions"]:
                del entry["recorded_at"]
            texts.add(json.dumps(document))
        self.assertEqual(len(texts), 1)


class GrowthTest(FolderTestCase):
    def test_a_save_does_as_much_in_a_large_cassette_as_in_a_small_one(self) -> None:
        """Counted: function calls, and bytes read and written."""
        store, cassette = self.store(), Cassette()
        counted = {}
        for number in range(1000, 2000):
            cassette = cassette.plus(numbered(number))
            if number in (1100, 1999):
                counted[number] = self.count(lambda cassette=cassette: store.save(cassette))  # type: ignore[misc]
            else:
                store.save(cassette)
        self.assertEqual(counted[1100], counted[1999])

    def count(self, action: Any) -> tuple[int, int, int]:
        calls, read, written = 0, 0, 0
        read_from, write_all = files.read_from, files._write_all

        def reading(*args: Any) -> bytes:
            nonlocal read
            data = read_from(*args)
            read += len(data)
            return data

        def writing(file: Any, start: int, text: bytes) -> None:
            nonlocal written
            written += len(text)
            write_all(file, start, text)

        def note(frame: object, event: str, argument: object) -> None:
            nonlocal calls
            calls += event in ("call", "c_call")

        with (
            mock.patch("cassettes_lib.filestate.read_from", reading),
            mock.patch("cassettes_lib.saving.read_from", reading),
            mock.patch.object(files, "_write_all", writing),
        ):
            before = sys.getprofile()
            gc.collect()
            gc.disable()
            sys.setprofile(note)
            try:
                action()
            finally:
                sys.setprofile(before)
                gc.enable()
        self.assertGreater(read, 0)
        self.assertGreater(written, 0)
        return calls, read, written


if __name__ == "__main__":
    unittest.main()
