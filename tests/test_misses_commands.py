"""The command that a miss gives, for each way to write a test: run as it stands, it records what was missing."""

from __future__ import annotations

import re
import unittest

from tests.recording_support import RecordingTestCase, run_python

SUITE = '''
import os
import unittest

import requests

from cassettes_lib import CassetteTestCase, use_cassette

WANTED = os.environ["WANTED"]


def get(name):
    return requests.get(f"{os.environ['SHOP_URL']}/count/{name}-{WANTED}", timeout=30)


class PlainTest(unittest.TestCase):
    def test_with(self):
        with use_cassette("recorded/with.json"):
            get("with")

    @use_cassette
    def test_decorated(self):
        get("decorated")

    def test_sub_test(self):
        with use_cassette("recorded/sub.json"):
            for number in (1, 2):
                with self.subTest(number=number):
                    get("sub")


class AsyncTest(unittest.IsolatedAsyncioTestCase):
    @use_cassette
    async def test_decorated_coroutine(self):
        get("coroutine")

    async def test_async_with(self):
        async with use_cassette("recorded/async.json"):
            get("async")


@use_cassette
class DecoratedTest(unittest.TestCase):
    def setUp(self):
        get("setup")

    def test_method(self):
        get("method")


@use_cassette
class DecoratedAsyncTest(unittest.IsolatedAsyncioTestCase):
    async def test_async_method(self):
        get("async-method")


class CoveredTest(CassetteTestCase):
    def test_covered(self):
        get("covered")


class BaseTest:
    @use_cassette
    def test_inherited(self):
        get("inherited")


class HeirTest(BaseTest, unittest.TestCase):
    pass
'''
TESTS = {
    "PlainTest.test_with", "PlainTest.test_decorated", "PlainTest.test_sub_test", "AsyncTest.test_decorated_coroutine",
    "AsyncTest.test_async_with", "DecoratedTest.test_method", "DecoratedAsyncTest.test_async_method",
    "CoveredTest.test_covered", "HeirTest.test_inherited",
}  # fmt: skip


class CommandTest(RecordingTestCase):
    def run_suite(self, *names: str, wanted: str, **environment: str) -> str:
        done = run_python("-m", "unittest", *(names or ["shop.test_shop"]), cwd=self.folder, check=False,
                          SHOP_URL=self.server.url, WANTED=wanted, **environment)
        return f"{done.stderr}\nexit {done.returncode}"

    def test_it_records_the_very_test_that_missed(self) -> None:
        (self.folder / "shop").mkdir()
        (self.folder / "shop" / "__init__.py").touch()
        (self.folder / "shop" / "test_shop.py").write_text(SUITE, encoding="utf-8")
        self.assertIn("exit 0", self.run_suite(wanted="old"))
        missed = self.run_suite(wanted="new")
        commands = set(re.findall(r"CASSETTES_MODE=auto python -m unittest (?:\\\n\s+)?(\S+)", missed))
        self.assertEqual(commands, {f"shop.test_shop.{name}" for name in TESTS})
        for name in sorted(commands):
            with self.subTest(name):
                self.assertIn("Ran 1 test", done := self.run_suite(name, wanted="new", CASSETTES_MODE="auto"))
                self.assertIn("exit 0", done)
        self.server.stop()
        self.assertIn("exit 0", self.run_suite(wanted="new", CI="true"))


if __name__ == "__main__":
    unittest.main()
