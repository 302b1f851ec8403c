from __future__ import annotations

import importlib.util
import itertools
import logging
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import requests

from cassettes_lib import FsspecCassetteStore, use_cassette
from cassettes_lib.errors import (
    CassetteFormatError,
    CassetteLoadError,
    CassetteNotFoundError,
    CassetteSaveError,
    CassetteWarning,
)
from cassettes_lib.fileformat import parse_cassette, print_cassette
from cassettes_lib.models import Cassette, Interaction, Interactions, RecordingMark
from cassettes_lib.remote_urls import is_remote
from cassettes_lib.store_contract import CassetteStoreContract
from tests.loopback import LoopbackServer
from tests.support import a_request, a_response, an_interaction, with_environment

MISSING = [name for name in ("moto", "s3fs", "flask") if importlib.util.find_spec(name) is None]
HAS_FSSPEC = importlib.util.find_spec("fsspec") is not None
_numbers = itertools.count()
needs_fsspec = unittest.skipUnless(HAS_FSSPEC, "needs the extra fsspec")


def numbered(number: int) -> Interaction:
    return an_interaction(a_request(url=f"https://api.example.com/{number}"), a_response(b"x"))


def a_cassette_of(*numbers: int) -> Cassette:
    return Cassette(interactions=Interactions(numbered(number) for number in numbers))


def numbers_in(store: FsspecCassetteStore) -> list[int]:
    return [int(each.request.url.rpartition("/")[2]) for each in store.load().interactions]


class RemoteTests(CassetteStoreContract):
    """What is to hold over each file system."""

    base: str
    options: dict[str, Any] = {}

    def make_store(self) -> FsspecCassetteStore:
        return FsspecCassetteStore(f"{self.base}/{next(_numbers)}/deep/x.json", **self.options)

    def reopened(self, store: FsspecCassetteStore) -> FsspecCassetteStore:  # type: ignore[override]
        return FsspecCassetteStore(store._full_url, **self.options)

    def bytes_in(self, store: FsspecCassetteStore, ending: str = "") -> bytes:
        system, path = store._file_system()
        data: bytes = system.cat_file(path + ending)
        return data

    def put(self, store: FsspecCassetteStore, data: bytes) -> None:
        system, path = store._file_system()
        system.pipe_file(path, data)

    def test_the_object_is_as_print_cassette_prints_it(self) -> None:
        store, cassette = self.make_store(), Cassette()
        for number in range(3):
            cassette = cassette.plus(numbered(number))
            store.save(cassette)
            self.assertEqual(self.bytes_in(store).decode(), print_cassette(cassette))

    def test_what_another_writer_adds_meanwhile_is_kept(self) -> None:
        one = self.make_store()
        one.save(a_cassette_of(0))
        other = self.reopened(one)
        mine, theirs = one.load(), other.load()
        for number in range(1, 4):
            mine, theirs = mine.plus(numbered(number)), theirs.plus(numbered(number + 10))
            one.save(mine)
            other.save(theirs)
        self.assertEqual(sorted(numbers_in(one)), [0, 1, 2, 3, 11, 12, 13])

    def test_a_recording_anew_replaces_what_was_loaded_and_keeps_what_came_meanwhile(self) -> None:
        one = self.make_store()
        one.save(a_cassette_of(1, 2))
        one, other = self.reopened(one), self.reopened(one)
        one.load()
        other.save(other.load().plus(numbered(3)))
        one.save(a_cassette_of(4))
        self.assertEqual(sorted(numbers_in(one)), [3, 4])

    def test_writers_in_threads_lose_nothing(self) -> None:
        first = self.make_store()
        first.save(Cassette())

        def write(start: int) -> None:
            store = self.reopened(first)
            cassette = store.load()
            for number in range(start, start + 4):
                cassette = cassette.plus(numbered(number))
                store.save(cassette)

        threads = [threading.Thread(target=write, args=[10 * number]) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(numbers_in(first)), [10 * tens + ones for tens in range(4) for ones in range(4)])

    def test_the_mark_of_another_recording_stays(self) -> None:
        one = self.make_store()
        one.save(a_cassette_of(1))
        other = self.reopened(one)
        mine = one.load()
        other.save(other.load().plus(numbered(2)).model_copy(update={"incomplete": (RecordingMark(session="b"),)}))
        mine = mine.plus(numbered(3)).model_copy(update={"incomplete": (RecordingMark(session="a"),)})
        one.save(mine)
        one.save(mine.model_copy(update={"incomplete": ()}))
        self.assertEqual([mark.session for mark in one.load().incomplete], ["b"])

    def test_a_damaged_object_is_an_error_and_is_kept_when_recorded_anew(self) -> None:
        store = self.make_store()
        store.save(a_cassette_of(1))
        self.put(store, b"[1, 2")
        with self.assertRaises(CassetteFormatError) as caught:
            store.load()
        self.assertEqual(caught.exception.path, store.url)
        with self.assertWarnsRegex(CassetteWarning, "damaged") as warned:
            store.save(a_cassette_of(2))
        self.assertEqual(numbers_in(store), [2])
        ending = str(warned.warning).partition("kept as ")[2].split(",")[0].removeprefix(store.url)
        self.assertEqual(self.bytes_in(store, ending), b"[1, 2")

    def test_saving_what_is_there_puts_nothing(self) -> None:
        store = self.make_store()
        store.save(a_cassette_of(1, 2))
        loaded = self.reopened(store)
        cassette = loaded.load()
        with mock.patch.object(type(loaded), "_put", side_effect=AssertionError):
            loaded.save(cassette)

    def test_use_cassette_records_to_it_and_replays_from_it(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None)
        server = self.enterContext(LoopbackServer())
        store = self.make_store()
        with use_cassette(store=store) as broker:
            live = requests.get(f"{server.url}/text", timeout=30)
            self.assertEqual(len(self.reopened(store).load().incomplete), 1)
        self.assertEqual(len(broker.recorded), 1)
        self.assertEqual(self.reopened(store).load().incomplete, ())
        server.stop()
        with use_cassette(store=self.reopened(store)):
            self.assertEqual(requests.get(f"{server.url}/text", timeout=30).content, live.content)


@needs_fsspec
class MemoryTest(RemoteTests, unittest.TestCase):
    base = "memory://team"

    def test_use_cassette_picks_the_store_for_a_url(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None)
        server = self.enterContext(LoopbackServer())
        url = f"memory://picked/{next(_numbers)}.json"
        with use_cassette(url) as broker:
            requests.get(f"{server.url}/text", timeout=30)
        self.assertEqual(len(broker.recorded), 1)
        self.assertEqual(len(FsspecCassetteStore(url).load().interactions), 1)
        with use_cassette(url, mode="replay") as broker:
            requests.get(f"{server.url}/text", timeout=30)
        self.assertTrue(broker.all_played)
        self.assertFalse(Path("memory:").exists())

    def test_the_tests_of_a_class_at_one_url_are_recorded_anew_together(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None)
        server = self.enterContext(LoopbackServer())
        url = f"memory://shared/{next(_numbers)}.json"

        class Tests(unittest.TestCase):
            def test_a(self) -> None:
                requests.get(f"{server.url}/text?a", timeout=30)

            def test_b(self) -> None:
                requests.get(f"{server.url}/text?b", timeout=30)

        use_cassette(url, mode="record")(Tests)
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromTestCase(Tests).run(result)
        self.assertTrue(result.wasSuccessful(), result.errors)
        self.assertEqual(len(FsspecCassetteStore(url).load().interactions), 2)

    def test_a_missing_cassette_is_named_by_its_url(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None)
        with self.assertRaisesRegex(CassetteNotFoundError, "memory://nothing/x.json") as caught:
            use_cassette("memory://nothing/x.json", mode="replay").__enter__()
        self.assertEqual(caught.exception.path, "memory://nothing/x.json")

    def test_a_put_whose_answer_was_lost_is_not_added_twice(self) -> None:
        store = self.make_store()
        store.save(a_cassette_of(1))
        cassette = store.load().plus(numbered(2))
        original = FsspecCassetteStore._put

        def put_and_fail(self: FsspecCassetteStore, text: bytes, there: Any) -> bool:
            original(self, text, there)
            raise OSError("the connection broke")

        with (
            mock.patch.object(FsspecCassetteStore, "_put", put_and_fail),
            self.assertRaisesRegex(CassetteSaveError, "the connection broke"),
        ):
            store.save(cassette)
        store.save(cassette.plus(numbered(3)))
        self.assertEqual(numbers_in(store), [1, 2, 3])

    def test_credentials_reach_no_message(self) -> None:
        store = FsspecCassetteStore(
            "memory://user:pa55word@host/x.json?sig=s1gnature", key="AKIAsecret", client={"password": "hunter22"}
        )
        self.assertEqual((store.url, store.path), ("memory://host/x.json", "memory://host/x.json"))
        failure = PermissionError("AKIAsecret, hunter22, pa55word and s1gnature are wrong")
        for call, kind in ((store.load, CassetteLoadError), (lambda: store.save(Cassette()), CassetteSaveError)):
            with (
                mock.patch.object(FsspecCassetteStore, "_file_system", side_effect=failure),
                self.assertRaisesRegex(kind, "memory://host/x.json .*PermissionError") as caught,
            ):
                call()
            told = f"{caught.exception} {caught.exception.__cause__} {store!r}"
            for secret in ("AKIAsecret", "hunter22", "pa55word", "s1gnature"):
                self.assertNotIn(secret, told)
            self.assertTrue(caught.exception.__suppress_context__)
            self.assertEqual(pickle.loads(pickle.dumps(caught.exception)).path, store.url)

    def test_what_only_reads_cannot_be_saved_to(self) -> None:
        store = self.make_store()
        with (
            mock.patch("fsspec.implementations.memory.MemoryFileSystem.pipe_file", side_effect=NotImplementedError),
            self.assertRaisesRegex(CassetteSaveError, "NotImplementedError"),
        ):
            store.save(Cassette())

    def test_a_scheme_that_nobody_knows_is_told(self) -> None:
        with self.assertRaisesRegex(ValueError, "does not know the scheme 'nosuch'"):
            FsspecCassetteStore("nosuch://a/x.json")
        with self.assertRaisesRegex(ValueError, "has no scheme"):
            FsspecCassetteStore("x.json")

    def test_a_scheme_whose_package_is_missing_is_told(self) -> None:
        with mock.patch.dict(sys.modules, {"s3fs": None}), self.assertRaisesRegex(ImportError, "s3fs"):
            FsspecCassetteStore("s3://bucket/x.json")


@needs_fsspec
class LocalFileTest(RemoteTests, unittest.TestCase):
    def setUp(self) -> None:
        self.base = f"file://{self.enterContext(tempfile.TemporaryDirectory())}"


@unittest.skipIf(MISSING, f"needs the extra test-remote: {', '.join(MISSING)} not installed")
class S3Test(RemoteTests, unittest.TestCase):
    """Over a server of its own that speaks S3."""

    base = "s3://bucket"

    @classmethod
    def setUpClass(cls) -> None:
        from moto.server import ThreadedMotoServer

        cls.enterClassContext(mock.patch.dict(os.environ, {"AWS_EC2_METADATA_DISABLED": "true"}))
        log = logging.getLogger("werkzeug")
        cls.addClassCleanup(log.setLevel, log.level)
        log.setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        cls.addClassCleanup(server.stop)
        host, port = server.get_host_and_port()
        cls.options = {
            "key": "testing-key", "secret": "testing-secret", "endpoint_url": f"http://{host}:{port}",
            "client_kwargs": {"region_name": "us-east-1"},
        }
        system, _ = FsspecCassetteStore("s3://bucket/x.json", **cls.options)._file_system()
        system.call_s3("create_bucket", Bucket="bucket")

    def test_a_put_that_comes_too_late_is_refused_and_done_again(self) -> None:
        """As processes on two machines meet: nothing but the server keeps their turns."""
        for present in (False, True):
            with self.subTest(present=present):
                store = self.make_store()
                if present:
                    store.save(a_cassette_of(1))
                cassette = store.load() if present else Cassette()
                original, intruders = FsspecCassetteStore._put, [numbered(7), numbered(8)]

                def put_late(
                    self: FsspecCassetteStore, text: bytes, there: Any, *, original: Any = original,
                    intruders: list[Interaction] = intruders,
                ) -> bool:
                    if intruders:
                        system, path = self._file_system()
                        found = self._read()
                        now = Cassette(interactions=Interactions([intruders.pop(0)]))
                        if found is not None:
                            now = parse_cassette(found.data, path).plus(now.interactions[0])
                        system.pipe_file(path, print_cassette(now).encode())
                    return bool(original(self, text, there))

                with mock.patch.object(FsspecCassetteStore, "_put", autospec=True, side_effect=put_late) as put:
                    store.save(cassette.plus(numbered(2)))
                self.assertEqual(put.call_count, 3)
                self.assertEqual(numbers_in(store), [*([1] if present else []), 7, 8, 2])

    def test_a_missing_bucket_is_an_error_and_is_not_created(self) -> None:
        store = FsspecCassetteStore("s3://elsewhere/a/b/x.json", **self.options)
        with self.assertRaisesRegex(CassetteSaveError, "s3://elsewhere/a/b/x.json could not be saved"):
            store.save(Cassette())
        system, _ = store._file_system()
        self.assertFalse(system.exists("elsewhere"))

    def test_a_server_that_cannot_be_reached_is_an_error_without_credentials(self) -> None:
        once = {"retries": {"max_attempts": 0}}
        options = {**self.options, "endpoint_url": "http://127.0.0.1:9", "config_kwargs": once}
        store = FsspecCassetteStore("s3://bucket/x.json", **options)
        with self.assertRaises(CassetteLoadError) as caught:
            store.load()
        self.assertIn("s3://bucket/x.json cannot be read", str(caught.exception))
        self.assertNotIn("testing-", str(caught.exception))


class PathTest(unittest.TestCase):
    def test_urls_are_told_from_paths(self) -> None:
        for url in ("s3://bucket/x.json", "memory://x.json", "simplecache::s3://bucket/x.json", "GS://a/b"):
            self.assertTrue(is_remote(url), url)
        for path in ("cassettes/x.json", "/a/b.json", "C:\\x.json", "C://x.json", "x::y.json", "a:b//c"):
            self.assertFalse(is_remote(path), path)

    def test_without_the_extra_an_error_says_how_to_install_it(self) -> None:
        with mock.patch.dict(sys.modules, {"fsspec": None}):
            for make in (use_cassette, FsspecCassetteStore):
                with self.assertRaisesRegex(ImportError, r"pip install 'cassettes-lib\[fsspec\]'") as caught:
                    make("s3://user:secret@bucket/x.json")
                self.assertNotIn("secret", str(caught.exception))

    def test_fsspec_is_imported_when_it_is_used_and_not_before(self) -> None:
        code = (
            "import sys, cassettes_lib as c; c.FsspecCassetteStore; c.use_cassette('cassettes/x.json'); "
            "print('fsspec' in sys.modules)"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertEqual(run.stdout.strip(), "False")


if __name__ == "__main__":
    unittest.main()
