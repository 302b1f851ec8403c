"""A suite as a user writes it, end to end: recorded, replayed offline, with one request changed, and recorded anew.

Each run is a process of its own, as in life. The suite has all the forms in which `use_cassette` is used.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import unittest
from pathlib import Path

from tests import nursery
from tests.loopback_messages import Reply
from tests.recording_support import RecordingTestCase, run_python

SUITE = '''
import asyncio
import functools
import os
import unittest
from unittest import mock

import requests

from cassettes_lib import CassetteTestCase, use_cassette

URL = os.environ["SHOP_URL"]
CHANGED = os.environ.get("SHOP_CHANGED", "")


def get(name):
    return requests.get(f"{URL}/count/{name}", timeout=30).text


UNUSED = os.environ.get("SHOP_UNUSED", "error")
shop_cassette = functools.partial(use_cassette, on_unused=UNUSED)


def setUpModule():
    unittest.enterModuleContext(use_cassette("recorded/module.json"))
    get("module")


class WithBlockTest(unittest.TestCase):
    def test_with(self):
        with use_cassette("recorded/with.json") as broker:
            self.assertIn("with", get("with" + CHANGED))
        self.assertEqual(len(broker.recorded) + broker.play_count, 1)

    def test_enter_context(self):
        self.enterContext(use_cassette("recorded/entered.json"))
        self.assertIn("entered", get("entered"))


class DecoratedMethodsTest(unittest.TestCase):
    @use_cassette
    def test_bare(self):
        self.assertIn("bare", get("bare"))

    @use_cassette(match_on=("method", "url"))
    def test_options(self):
        requests.post(f"{URL}/count/options", json={"at": os.getpid()}, timeout=30)

    @shop_cassette()
    def test_partial(self):
        get("partial")

    @mock.patch("os.getlogin", return_value="me")
    @use_cassette("recorded/mocked.json")
    def test_mocked(self, getlogin):
        get("mocked")

    @unittest.skip("later")
    @use_cassette
    def test_skipped(self):
        get("skipped")

    @unittest.expectedFailure
    @use_cassette
    def test_expected_failure(self):
        get("expected")
        self.fail()

    @use_cassette
    def test_sub_tests(self):
        for name in ("first", "second"):
            with self.subTest(name):
                self.assertIn(name, get(name))

    @staticmethod
    @use_cassette
    def test_static():
        get("static")


@use_cassette()
class DecoratedClassTest(unittest.TestCase):
    name = "decorated"

    def setUp(self):
        get(f"{self.name}-setup")
        self.addCleanup(get, f"{self.name}-cleanup")

    def test_one(self):
        get(f"{self.name}-one")

    def test_two(self):
        get(f"{self.name}-two")


class DerivedTest(DecoratedClassTest):
    name = "derived"


class ClassContextTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.enterClassContext(use_cassette("recorded/class.json"))

    def test_one(self):
        get("class-one")

    def test_two(self):
        get("class-two")


class OurTest(CassetteTestCase):
    cassette_options = {"on_unused": UNUSED}

    def setUp(self):
        get("ours-setup")

    def test_order(self):
        requests.post(f"{URL}/count/order", json={"quantity": 1}, timeout=30)
        self.assertRequested("POST", "/count/order", times=1, json={"quantity": 1})


class AsyncTest(CassetteTestCase, unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        get("async-setup")

    async def test_gather(self):
        await asyncio.gather(*(asyncio.to_thread(get, f"gathered-{number}") for number in range(5)))

    @use_cassette("recorded/async.json")
    async def test_decorated(self):
        async with use_cassette("recorded/async-inner.json"):
            get("async-inner")
        get("async-decorated")


class GeneratorTest(unittest.TestCase):
    @use_cassette
    def numbers(self):
        for number in range(3):
            yield get(f"number-{number}")

    def test_numbers(self):
        self.assertEqual(len(list(self.numbers())), 3)


if __name__ == "__main__":
    unittest.main()
'''
LIVE = 39
RAN = r"Ran (19|20) tests"  # Python 3.12.1 did not count the one that is skipped


class SuiteTest(RecordingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.suite = self.folder / "shop"
        self.suite.mkdir()
        (self.suite / "test_shop.py").write_text(SUITE, encoding="utf-8")

    def run_suite(
        self, *arguments: str, check: bool = True, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        environment = {"SHOP_URL": self.server.url, **environment}
        return run_python(*(arguments or ("-m", "unittest", "test_shop")), cwd=self.suite, check=check,
                          fresh=arguments[:1] == ("-W",), **environment)

    @property
    def bare_environment(self) -> dict[str, str]:
        left_out = ("CI", "CASSETTES_MODE", "CASSETTES_USED")
        environment = {name: value for name, value in os.environ.items() if name not in left_out}
        return {**environment, "SHOP_URL": self.server.url, "PYTHONPATH": os.pathsep.join(sys.path)}

    @property
    def cassettes(self) -> dict[str, bytes]:
        return {path.relative_to(self.suite).as_posix(): path.read_bytes() for path in self.suite.rglob("*.json")}

    def test_the_life_of_a_suite(self) -> None:
        used = self.folder / "used.txt"
        first = self.run_suite(CASSETTES_USED=str(used))
        self.assertRegex(first.stderr, RAN)
        self.assertEqual(len(self.hits), LIVE, self.hits)
        self.assertIn(f"cassettes: {LIVE} recorded, 0 replayed, {LIVE} live", first.stderr)
        recorded = self.cassettes
        self.assertEqual(self.listed(used), set(recorded))
        self.assertIn("cassettes/test_shop/DecoratedClassTest.test_one.json", recorded)
        self.assertIn("cassettes/test_shop/DerivedTest.test_one.json", recorded)
        self.assertIn("cassettes/test_shop/OurTest.test_order.json", recorded)
        self.assertEqual([name for name, data in recorded.items() if b'"incomplete"' in data], [])

        self.server.stop()
        for arguments, ci in (((), "true"), (("-m", "unittest", "discover"), "false"), (("test_shop.py",), "true"),
                              (("-W", "error", "-m", "unittest"), "")):
            with self.subTest(arguments=arguments, ci=ci):
                offline = self.run_suite(*arguments, CI=ci)
                self.assertRegex(offline.stderr, RAN)
                self.assertNotIn("cassettes:", offline.stderr)
                self.assertEqual(self.cassettes, recorded)

        changed = self.run_suite(check=False, SHOP_CHANGED="-changed")
        self.assertIn("FAILED (errors=1, skipped=1, expected failures=1)", changed.stderr)
        self.assertIn("InteractionNotFoundError", changed.stderr)
        self.assertIn("test_shop.WithBlockTest.test_with", changed.stderr)
        self.assertIn("/count/with-changed", changed.stderr)
        self.assertEqual(self.cassettes, recorded)

        used.unlink()
        self.make_read_only()
        self.run_suite(CASSETTES_USED=str(used), PYTHONDONTWRITEBYTECODE="1")
        self.assertEqual(self.listed(used), set(recorded))

    def listed(self, used: Path) -> set[str]:
        """The cassettes that a run says it used, by their names in the suite's folder."""
        paths = [json.loads(line)["cassette"] for line in used.read_text(encoding="utf-8").splitlines()]
        return {Path(path).relative_to(self.suite).as_posix() for path in paths}

    def make_read_only(self) -> None:
        everything = [self.suite, *self.suite.rglob("*")]
        for path in everything:
            path.chmod(0o555 if path.is_dir() else 0o444)
        self.addCleanup(lambda: [path.chmod(0o755) for path in everything if path.is_dir()])

    def test_a_suite_is_recorded_anew(self) -> None:
        self.run_suite()
        before = self.cassettes
        self.server.clear()
        again = self.run_suite(CASSETTES_MODE="record", CI="true", SHOP_CHANGED="-changed")
        self.assertEqual(len(self.hits), LIVE, self.hits)
        self.assertEqual(set(self.cassettes), set(before))
        self.assertIn("cassettes: recorded 1 on recorded/with.json", again.stderr)
        self.assertRegex(again.stderr, rf"cassettes: {LIVE} recorded, 0 replayed, {LIVE} live, .* cassettes touched\n$")
        self.assertEqual(self.recorded(self.suite / "recorded" / "with.json"), ["with-changed"])
        self.server.stop()
        self.run_suite(SHOP_CHANGED="-changed")

    def test_under_ci_nothing_is_recorded_and_the_errors_say_why(self) -> None:
        run = self.run_suite(check=False, CI="true")
        self.assertIn("CassetteNotFoundError", run.stderr)
        self.assertIn("it is under CI", run.stderr)
        self.assertEqual((self.hits, self.cassettes), ([], {}))

    def test_a_run_that_is_killed_is_resumed_and_nothing_is_asked_twice(self) -> None:
        reached, never = self.server.gate("reached"), self.server.gate("never")
        self.server.route("/count/derived-two", lambda hit: (reached.set(), Reply(delay_event=never))[1])
        process = nursery.start("-m", "unittest", "test_shop.DerivedTest.test_two", cwd=self.suite,
                                env=self.bare_environment, errors_too=True)
        self.assertTrue(reached.wait(60))
        process.kill()
        process.communicate(60)
        path = self.suite / "cassettes" / "test_shop" / "DerivedTest.test_two.json"
        self.assertEqual((self.recorded(path), self.marks(path)), (["derived-setup"], 1))
        ci = self.run_suite("-m", "unittest", "test_shop.DerivedTest", check=False, CI="true")
        self.assertIn("is incomplete", ci.stderr)
        self.server.route("/count/derived-two", lambda hit: Reply(body=b"two"))
        self.server.clear()
        self.run_suite("-m", "unittest", "test_shop.DerivedTest.test_two")
        self.assertEqual(self.hits, ["derived-two", "derived-cleanup"])
        self.assertEqual(self.marks(path), 0)

    def test_several_processes_record_one_suite_at_once(self) -> None:
        environment = {**self.bare_environment, "SHOP_UNUSED": "ignore"}
        processes = [
            nursery.start("-m", "unittest", "test_shop", cwd=self.suite, env=environment, errors_too=True)
            for _ in range(4)
        ]
        for process in processes:
            said = process.communicate(120).decode()
            self.assertNotIn("Damaged", said)
            self.assertNotIn("Format", said)
        for name, data in self.cassettes.items():
            with self.subTest(name):
                self.assertTrue(json.loads(data)["interactions"])
        self.assertEqual([path for path in self.suite.rglob("*") if path.name.endswith((".lock", ".tmp"))], [])
        self.run_suite(SHOP_UNUSED="ignore")
        self.assertEqual([name for name, data in self.cassettes.items() if b'"incomplete"' in data], [])
        self.server.stop()
        self.run_suite(SHOP_UNUSED="ignore")

    def test_processes_that_share_out_the_tests_of_a_suite(self) -> None:
        classes = ("WithBlockTest", "DecoratedMethodsTest", "DecoratedClassTest DerivedTest", "OurTest AsyncTest",
                   "ClassContextTest GeneratorTest")
        processes = [
            nursery.start("-m", "unittest", *(f"test_shop.{name}" for name in names.split()), cwd=self.suite,
                          env=self.bare_environment, errors_too=True)
            for names in classes
        ]
        for process in processes:
            said = process.communicate(120).decode()
            self.assertEqual(process.returncode, 0, said)
        self.server.stop()
        self.run_suite()


class SummaryTest(RecordingTestCase):
    """The line at the end of a run, and the lines while it re-records."""

    def run_script(self, body: str, **environment: str) -> str:
        script = self.folder / "script.py"
        head = f"import requests\nfrom cassettes_lib import use_cassette\nURL = {self.server.url!r} + '/count/'\n"
        script.write_text(head + textwrap.dedent(body), encoding="utf-8")
        return run_python(str(script), cwd=self.folder, **environment).stderr

    TALK = """
        with use_cassette("test.json"):
            requests.get(URL + "one")
            requests.get(URL + "two")
    """

    def test_it_is_silent_when_nothing_happened(self) -> None:
        self.assertEqual(self.run_script(""), "")
        for mode in ("once", "record"):
            self.assertEqual(self.run_script("with use_cassette('test.json'): pass", CASSETTES_MODE=mode), "")

    def test_a_recording_tells_what_it_did(self) -> None:
        self.assertEqual(self.run_script(self.TALK),
                         "cassettes: 2 recorded, 0 replayed, 2 live, 0 unused, 0 expired; 1 cassette touched\n")

    def test_a_replay_is_silent_unless_it_was_asked_for(self) -> None:
        self.run_script(self.TALK)
        self.assertEqual(self.run_script(self.TALK), "")
        self.assertEqual(self.run_script(self.TALK, CASSETTES_MODE="replay"),
                         "cassettes: 0 recorded, 2 replayed, 0 live, 0 unused, 0 expired; 1 cassette touched\n")

    def test_re_recording_shows_its_progress(self) -> None:
        self.assertEqual(self.run_script(self.TALK, CASSETTES_MODE="record").splitlines()[0],
                         "cassettes: recorded 2 on test.json")

    def test_unused_and_expired_are_counted(self) -> None:
        self.run_script(self.TALK)
        path = self.folder / "test.json"
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace('"recorded_at": "20', '"recorded_at": "19'), encoding="utf-8")
        said = self.run_script("""
            from datetime import timedelta
            with use_cassette("test.json", max_age=timedelta(days=1)):
                requests.get(URL + "one")
        """)
        self.assertIn("0 recorded, 1 replayed, 0 live, 1 unused, 2 expired; 1 cassette touched", said)

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_a_forked_child_does_not_tell_what_its_parent_did(self) -> None:
        said = self.run_script("""
            import os, sys
            with use_cassette("test.json"):
                requests.get(URL + "one")
            child = os.fork()
            if not child:
                sys.exit()
            os.waitpid(child, 0)
        """)
        self.assertEqual(said.count("cassettes:"), 1)

    def test_a_closed_stderr_does_no_harm(self) -> None:
        self.run_script("import sys\nsys.__stderr__ = None\n" + textwrap.dedent(self.TALK))


class PytestTest(RecordingTestCase):
    """pytest users get the same without a plugin."""

    SUITE = '''
import os

import pytest
import requests

from cassettes_lib import CassetteTestCase, use_cassette

URL = os.environ["SHOP_URL"]


def get(name):
    return requests.get(f"{URL}/count/{name}", timeout=30).text


@pytest.fixture
def greeting():
    return "hello"


@pytest.fixture
@use_cassette("recorded/fixture.json")
def client():
    get("fixture-before")
    yield get
    get("fixture-after")


@use_cassette
def test_fixtures_in_the_signature(greeting, tmp_path):
    assert (greeting, tmp_path.exists()) == ("hello", True)
    assert "plain" in get("plain")


@use_cassette
@pytest.mark.parametrize("name", ["first", "second"])
def test_parameters(name):
    assert name in get(name)


@pytest.mark.parametrize("name", ["third", "fourth"])
@use_cassette
def test_parameters_below(name):
    assert name in get(name)


def test_a_fixture_with_a_cassette(client):
    client("fixture-used")
    assert os.environ.get("SHOP_FAILS") is None


@use_cassette
class TestPlainClass:
    def test_method(self, greeting):
        assert get(greeting).startswith("hello")


class ShopTest(CassetteTestCase):
    def setUp(self):
        get("unittest-setup")

    def test_order(self):
        get("unittest")
        self.assertRequested("GET", "/count/unittest")
        assert os.environ.get("SHOP_FAILS") is None
'''

    def setUp(self) -> None:
        super().setUp()
        try:
            import pytest  # noqa: F401
        except ImportError:
            self.skipTest("pytest is not installed")
        (self.folder / "test_shop.py").write_text(self.SUITE, encoding="utf-8")

    def run_pytest(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the suite by pytest, without the plugins that happen to be installed."""
        return run_python("-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, cwd=self.folder, check=False,
                          modules=(*nursery.USUAL, "pytest"), SHOP_URL=self.server.url,
                          PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", **environment)

    def test_it_records_and_replays(self) -> None:
        first = self.run_pytest()
        self.assertIn("8 passed", first.stdout, first.stdout)
        self.assertEqual(len(self.hits), 11)
        names = {path.relative_to(self.folder / "cassettes" / "test_shop").as_posix()
                 for path in (self.folder / "cassettes").rglob("*.json")}
        self.assertLessEqual(
            {"test_parameters[first].json", "test_parameters_below[fourth].json", "TestPlainClass.test_method.json",
             "ShopTest.test_order.json", "test_fixtures_in_the_signature.json"}, names,
        )
        self.server.stop()
        self.assertIn("8 passed", self.run_pytest(CI="true").stdout)

    def test_a_miss_says_how_to_record_the_very_test(self) -> None:
        self.run_pytest()
        (self.folder / "test_shop.py").write_text(self.SUITE.replace("/count/", "/count/x-"), encoding="utf-8")
        misses = self.run_pytest().stdout
        for name in ("test_shop.py::TestPlainClass::test_method", "'test_shop.py::test_parameters[second]'",
                     "test_shop.py::ShopTest::test_order"):
            self.assertRegex(misses, rf"CASSETTES_MODE=auto python -m pytest (\\\n\S*\s+)?{re.escape(name)}\s")

    def test_failures_leave_incomplete_cassettes_and_have_the_tape(self) -> None:
        run = self.run_pytest(SHOP_FAILS="1")
        self.assertIn("2 failed, 6 passed", run.stdout)
        self.assertRegex(run.stdout, "recorded +200 +GET .*/count/unittest")
        paths = [self.folder / "recorded/fixture.json", self.folder / "cassettes/test_shop/ShopTest.test_order.json"]
        self.assertEqual([self.marks(path) for path in paths], [1, 1])
        self.assertIn("8 passed", self.run_pytest().stdout)
        self.assertEqual([self.marks(path) for path in paths], [0, 0])

    def test_in_parallel_with_xdist(self) -> None:
        try:
            import xdist  # noqa: F401
        except ImportError:
            self.skipTest("pytest-xdist is not installed")
        self.assertIn("8 passed", self.run_pytest("-p", "xdist", "-n", "2").stdout)
        self.server.stop()
        self.assertIn("8 passed", self.run_pytest("-p", "xdist", "-n", "2").stdout)


if __name__ == "__main__":
    unittest.main()
