"""Decorated classes: each of their tests has a cassette, `setUp` and cleanups included."""

from __future__ import annotations

import asyncio
import functools
import inspect
import unittest
from unittest import mock

import requests

from cassettes_lib import InteractionNotFoundError, UnusedInteractionsError, use_cassette
from tests.decorating_support import DecoratedTestCase
from tests.recording_support import problems, run_class, run_test, swallowing


class ClassTest(DecoratedTestCase):
    def test_each_test_has_a_file_that_holds_the_traffic_of_its_fixtures_and_cleanups(self) -> None:
        self.in_folder()
        outer = self

        @use_cassette()
        class ShopTest(unittest.TestCase):
            def setUp(self) -> None:
                outer.get("setUp")
                self.addCleanup(outer.get, "cleanup")

            def tearDown(self) -> None:
                outer.get("tearDown")

            def test_one(self) -> None:
                outer.get("one")

            def test_two(self) -> None:
                outer.get("two")

        for _ in range(2):
            result = run_class(ShopTest)
            self.assertTrue(result.wasSuccessful(), problems(result))
        self.assertEqual(self.files, [".test_one.json", ".test_two.json"])
        self.assertEqual(self.recorded(self.file("test_one")), ["setUp", "one", "tearDown", "cleanup"])
        self.assertEqual(len(self.hits), 8)

    def test_a_set_up_without_super_a_failing_set_up_and_a_failing_cleanup(self) -> None:
        self.in_folder()
        outer = self

        @use_cassette()
        class ShopTest(unittest.TestCase):
            def setUp(self) -> None:
                outer.get("setUp")
                if self._testMethodName == "test_set_up_fails":
                    self.fail("on purpose")
                if self._testMethodName == "test_cleanup_fails":
                    self.addCleanup(self.fail, "on purpose")

            def test_set_up_fails(self) -> None: ...
            def test_cleanup_fails(self) -> None: ...
            def test_passes(self) -> None: ...

        send = requests.adapters.HTTPAdapter.send
        result = run_class(ShopTest)
        self.assertEqual(len(result.failures), 2)
        self.assertIs(requests.adapters.HTTPAdapter.send, send)
        names = ("test_set_up_fails", "test_cleanup_fails", "test_passes")
        self.assertEqual([self.marks(self.file(name)) for name in names], [1, 1, 0])

    def test_inherited_tests_and_parametrised_subclasses_have_files_of_their_own(self) -> None:
        self.in_folder()
        outer = self

        class Checks:
            name = "base"

            def test_get(self) -> None:
                outer.get(self.name)

        @use_cassette()
        class FirstShopTest(Checks, unittest.TestCase):
            name = "first"

        class SecondShopTest(FirstShopTest):
            name = "second"

        @use_cassette(mode="auto")
        class ThirdShopTest(FirstShopTest):
            name = "third"

        for cls in (FirstShopTest, SecondShopTest, ThirdShopTest):
            for _ in range(2):
                result = run_class(cls)
                self.assertTrue(result.wasSuccessful(), problems(result))
        self.assertEqual(self.hits, ["first", "second", "third"])
        for cls in (FirstShopTest, SecondShopTest, ThirdShopTest):
            self.assertEqual(self.recorded(self.file(f"{cls.__name__}.test_get")), [cls.name])

    def test_an_isolated_asyncio_test_case(self) -> None:
        self.in_folder()
        outer = self

        @use_cassette()
        class ShopTest(unittest.IsolatedAsyncioTestCase):
            def setUp(self) -> None:
                outer.get("setUp")

            async def asyncSetUp(self) -> None:
                outer.get("asyncSetUp")
                self.addAsyncCleanup(self.later)

            async def test(self) -> None:
                await asyncio.gather(*(asyncio.to_thread(outer.get, name) for name in ("one", "two")))

            async def asyncTearDown(self) -> None:
                outer.get("asyncTearDown")

            def tearDown(self) -> None:
                outer.get("tearDown")

            async def later(self) -> None:
                outer.get("cleanup")

        for _ in range(2):
            result = run_class(ShopTest)
            self.assertTrue(result.wasSuccessful(), problems(result))
        recorded = self.recorded(self.file("ShopTest.test"))
        self.assertEqual(sorted(recorded[2:4]), ["one", "two"])
        self.assertEqual([*recorded[:2], *recorded[4:]],
                         ["setUp", "asyncSetUp", "asyncTearDown", "tearDown", "cleanup"])
        self.assertEqual(len(self.hits), 7)

    def test_it_returns_the_class_with_its_signature_and_docstrings(self) -> None:
        class ShopTest(unittest.TestCase):
            """Tests a shop."""

        self.assertIs(use_cassette(self.path)(ShopTest), ShopTest)
        self.assertEqual(inspect.signature(ShopTest.run), inspect.signature(unittest.TestCase.run))

    def test_skips_and_expected_failures_of_the_class(self) -> None:
        self.in_folder()
        outer = self

        @use_cassette()
        class ShopTest(unittest.TestCase):
            @unittest.skip("later")
            def test_skipped(self) -> None: ...

            @unittest.expectedFailure
            def test_fails(self) -> None:
                outer.get()
                self.fail("as expected")

            def test_skips_itself(self) -> None:
                outer.get()
                self.skipTest("not here")

        result = run_class(ShopTest)
        self.assertEqual((len(result.skipped), len(result.expectedFailures), len(result.errors)), (2, 1, 0))
        self.assertEqual(self.files, [".test_fails.json", ".test_skips_itself.json"])
        self.assertEqual([self.marks(self.file(name)) for name in ("test_fails", "test_skips_itself")], [0, 0])

    def test_what_leaving_raises_is_an_error_of_the_test(self) -> None:
        self.in_folder()
        outer = self

        @use_cassette(on_unused="error")
        class ShopTest(unittest.TestCase):
            names = ("one", "two")

            def test(self) -> None:
                for name in self.names:
                    swallowing(functools.partial(outer.get, name))

        self.assertTrue(run_class(ShopTest).wasSuccessful())
        ShopTest.names = ("one",)
        self.assertIn(UnusedInteractionsError.__name__, problems(run_class(ShopTest)))
        ShopTest.names = ("one", "two", "three")
        self.assertIn(InteractionNotFoundError.__name__, problems(run_class(ShopTest)))

    def test_a_failure_has_the_tape_once(self) -> None:
        self.in_folder()
        outer = self

        @use_cassette()
        class ShopTest(unittest.TestCase):
            def test(self) -> None:
                with use_cassette(outer.path):
                    outer.get("inner")
                outer.get("outer")
                self.fail("on purpose")

        text = problems(run_class(ShopTest))
        self.assertEqual((text.count("GET "), text.count("/count/outer")), (1, 1))

    def test_with_a_path_all_tests_of_the_class_share_the_file(self) -> None:
        outer = self

        def make() -> type[unittest.TestCase]:
            @use_cassette(outer.path)
            class ShopTest(unittest.TestCase):
                def test_one(self) -> None:
                    outer.get("one")

                def test_two(self) -> None:
                    outer.get("two")

                def test_two_again(self) -> None:
                    outer.get("two")

            return ShopTest

        cls = make()
        for mode in (None, "record", "record"):
            self.set_environment(CASSETTES_MODE=mode)
            self.server.clear()
            result = run_class(cls)
            self.assertTrue(result.wasSuccessful(), problems(result))
            self.assertEqual(self.hits, ["one", "two"])
            self.assertEqual((self.recorded(), self.marks()), (["one", "two"], 0))
        self.set_environment(CASSETTES_MODE=None)
        self.server.stop()
        self.assertTrue(run_class(make()).wasSuccessful())

    def test_a_class_that_is_no_test_case(self) -> None:
        self.in_folder()
        outer = self

        class Base:
            def test_inherited(self) -> str:
                return outer.get("inherited")

        @use_cassette
        class ShopTest(Base):
            def test_own(self) -> str:
                return outer.get("own")

            @staticmethod
            def test_static() -> str:
                return outer.get("static")

            def helper(self) -> str:
                return outer.get("helper")

        for _ in range(2):
            shop = ShopTest()
            self.assertEqual([shop.test_inherited()[:-2], shop.test_own()[:-2], shop.test_static()[:-2]],
                             ["inherited", "own", "static"])
        self.assertEqual(self.hits, ["inherited", "own", "static"])
        ShopTest().helper()
        Base().test_inherited()
        self.assertEqual(self.hits[3:], ["helper", "inherited"])

    def test_a_class_without_tests_is_refused(self) -> None:
        with self.assertRaisesRegex(TypeError, "no method that begins with 'test'"):
            use_cassette(self.path)(dict)

    def test_the_prefix_is_that_of_the_loader(self) -> None:
        outer = self

        class ShopTest:
            def check_one(self) -> str:
                return outer.get()

        with mock.patch.object(unittest.TestLoader, "testMethodPrefix", "check"):
            use_cassette(self.path)(ShopTest)
        self.assertEqual([ShopTest().check_one(), ShopTest().check_one()], ["one 1", "one 1"])

    def test_debug_runs_on_the_cassette_too_and_leaves_nothing_open(self) -> None:
        self.in_folder()
        outer = self

        @use_cassette()
        class ShopTest(unittest.TestCase):
            def test_passes(self) -> None:
                outer.get()

            def test_fails(self) -> None:
                outer.get()
                raise ZeroDivisionError

        send = requests.adapters.HTTPAdapter.send
        ShopTest("test_passes").debug()
        with self.assertRaises(ZeroDivisionError):
            ShopTest("test_fails").debug()
        self.assertIs(requests.adapters.HTTPAdapter.send, send)
        self.assertEqual([self.marks(self.file(name)) for name in ("test_passes", "test_fails")], [0, 1])

    def test_one_instance_runs_again_and_a_set_up_calls_itself(self) -> None:
        self.in_folder()
        outer = self

        @use_cassette()
        class ShopTest(unittest.TestCase):
            def setUp(self) -> None:
                outer.get("setUp")

            def test(self) -> None:
                self.setUp()

        case = ShopTest("test")
        for _ in range(2):
            self.assertTrue(run_test(case).wasSuccessful())
            self.assertNotIn("setUp", vars(case))
        self.assertEqual(self.hits, ["setUp", "setUp"])


if __name__ == "__main__":
    unittest.main()
