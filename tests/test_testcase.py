"""`CassetteTestCase` and its mixin: what they cover, how they are configured, and what their assertions say."""

from __future__ import annotations

import asyncio
import unittest
from typing import Any

import requests

import cassettes_lib
from cassettes_lib import InteractionNotFoundError, UnusedInteractionsError
from cassettes_lib.testcase import CassetteMixin, CassetteTestCase
from tests.recording_support import problems, run_class, run_test, swallowing
from tests.support import MemoryCassetteStore
from tests.testcase_support import CaseTestCase


class CoverTest(CaseTestCase):
    def test_it_covers_from_before_set_up_to_after_the_last_cleanup_without_super(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            def setUp(self) -> None:
                outer.get("setUp")
                self.addCleanup(outer.get, "first cleanup")
                self.addCleanup(outer.get, "second cleanup")

            def tearDown(self) -> None:
                outer.get("tearDown")

            def test(self) -> None:
                outer.get("test")

        for _ in range(2):
            self.run_well(ShopTest)
        self.assertEqual(self.recorded(self.file),
                         ["setUp", "test", "tearDown", "second%20cleanup", "first%20cleanup"])
        self.assertEqual((len(self.hits), self.marks(self.file)), (5, 0))

    def test_cassette_is_the_broker_from_set_up_to_the_last_cleanup_and_after(self) -> None:
        outer = self
        seen = []

        class ShopTest(CassetteTestCase):
            def setUp(self) -> None:
                seen.append(self.cassette)
                self.addCleanup(lambda: seen.append(self.cassette))

            def test(self) -> None:
                outer.get()
                seen.append(self.cassette)

        case = ShopTest("test")
        run_test(case)
        self.assertEqual(seen, [case.cassette] * 3)
        self.assertIsInstance(case.cassette, cassettes_lib.Broker)
        self.assertEqual([call.outcome for call in case.cassette_calls], ["live"])

    def test_a_failing_test_leaves_an_incomplete_cassette_and_its_failure_has_the_tape_once(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            def test(self) -> None:
                outer.get()
                self.fail("on purpose")

        result = run_class(ShopTest)
        self.assertEqual(self.marks(self.file), 1)
        self.assertEqual(problems(result).count("recorded  200  GET"), 1)

    def test_the_tape_can_be_switched_off(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            cassette_options = {"tape": False}

            def test(self) -> None:
                outer.get()
                self.fail("on purpose")

        text = problems(run_class(ShopTest))
        self.assertIn("on purpose", text)
        self.assertNotIn("tape", text)

    def test_a_swallowed_miss_is_an_error_of_the_test_even_if_it_skips(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            name, skips = "one", False

            def test(self) -> None:
                swallowing(lambda: outer.get(self.name))
                if self.skips:
                    self.skipTest("the service is down")

        self.run_well(ShopTest)
        ShopTest.name = "two"
        for ShopTest.skips in (False, True):
            self.assertIn(InteractionNotFoundError.__name__, problems(run_class(ShopTest)))

    def test_a_miss_does_not_hide_the_failure_of_the_test(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            cassette_options = {"on_unused": "error"}
            name = "one"

            def test(self) -> None:
                swallowing(lambda: outer.get(self.name))
                self.assertEqual(self.name, "one")

        self.run_well(ShopTest)
        ShopTest.name = "two"
        result = run_class(ShopTest)
        self.assertEqual((len(result.failures), len(result.errors)), (1, 0))
        self.assertIn("MISSED", problems(result))

    def test_skipped_tests_open_nothing(self) -> None:
        class ShopTest(CassetteTestCase):
            cassette_mode = "replay"

            @unittest.skip("later")
            def test(self) -> None: ...

        @unittest.skip("later")
        class OtherShopTest(CassetteTestCase):
            cassette_mode = "replay"

            def test(self) -> None: ...

        for cls in (ShopTest, OtherShopTest):
            result = run_class(cls)
            self.assertEqual((len(result.skipped), len(result.errors)), (1, 0))

    def test_a_cassette_that_cannot_be_opened_is_an_error_of_the_test_whose_set_up_is_not_run(self) -> None:
        class ShopTest(CassetteTestCase):
            cassette_mode = "replay"

            def setUp(self) -> None:
                raise AssertionError("setUp ran")

            def test(self) -> None: ...

        result = run_class(ShopTest)
        self.assertEqual((len(result.failures), len(result.errors)), (0, 1))
        self.assertIn("CassetteNotFoundError", problems(result))

    def test_a_base_class_of_ones_own(self) -> None:
        outer = self
        events = []

        class TheirTestCase(unittest.TestCase):
            def setUp(self) -> None:
                events.append(outer.get("their setUp")[:5])

            def run(self, result: Any = None) -> Any:
                events.append("their run")
                return super().run(result)

        class ShopTest(CassetteMixin, TheirTestCase):
            def test(self) -> None:
                outer.get("test")

        for _ in range(2):
            self.run_well(ShopTest)
        self.assertEqual(events, ["their run", "their"] * 2)
        self.assertEqual(len(self.hits), 2)

    def test_an_isolated_asyncio_test_case_with_the_mixin_or_the_class(self) -> None:
        outer = self

        class Tests:
            async def asyncSetUp(self) -> None:
                outer.get("asyncSetUp")
                self.addAsyncCleanup(asyncio.to_thread, outer.get, "cleanup")  # type: ignore[attr-defined]

            async def test(self) -> None:
                await asyncio.to_thread(outer.get, "test")
                self.assertRequested("GET", "/count/test")  # type: ignore[attr-defined]

        class FirstShopTest(CassetteMixin, Tests, unittest.IsolatedAsyncioTestCase): ...

        class SecondShopTest(CassetteTestCase, Tests, unittest.IsolatedAsyncioTestCase): ...

        for cls in (FirstShopTest, SecondShopTest):
            self.server.clear()
            for _ in range(2):
                self.run_well(cls)
            self.assertEqual(self.hits, ["asyncSetUp", "test", "cleanup"])

    def test_without_a_result_it_makes_one(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            def test(self) -> None:
                outer.get()

        result = ShopTest("test").run()
        assert result is not None
        self.assertTrue(result.wasSuccessful())
        self.assertTrue(self.file.exists())

    def test_a_decorated_method_has_its_own_cassette_within(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            def setUp(self) -> None:
                outer.get("setUp")

            @cassettes_lib.use_cassette(self.path)
            def test(self) -> None:
                outer.get("test")

        for _ in range(2):
            self.run_well(ShopTest)
        self.assertEqual((self.recorded(), self.hits), (["test"], ["setUp", "test"]))

    def test_a_class_decorator_goes_before_the_class_attributes(self) -> None:
        outer = self

        @cassettes_lib.use_cassette(self.path)
        class ShopTest(CassetteTestCase):
            def test(self) -> None:
                outer.get("test")

        self.run_well(ShopTest)
        self.assertEqual(self.file, self.path)

    def test_everything_is_restored(self) -> None:
        class ShopTest(CassetteTestCase):
            def test(self) -> None: ...

        send = requests.adapters.HTTPAdapter.send
        case = ShopTest("test")
        run_test(case)
        self.assertIs(requests.adapters.HTTPAdapter.send, send)
        self.assertEqual({"setUp", "_cassettes_lib_is_covered"} & set(vars(case)), set())


class ConfigurationTest(CaseTestCase):
    def test_the_default_path(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            def test(self) -> None:
                outer.get()

        self.run_well(ShopTest)
        self.assertEqual(self.file.parent, self.folder / "cassettes" / "test_testcase")
        self.assertTrue(self.file.name.endswith("ShopTest.test.json"))

    def test_the_mode(self) -> None:
        class ShopTest(CassetteTestCase):
            cassette_mode = "auto"

            def test(self) -> None: ...

        case = ShopTest("test")
        run_test(case)
        self.assertEqual(case.cassette.mode, "auto")
        self.set_environment(CASSETTES_MODE="record")
        run_test(case)
        self.assertEqual(case.cassette.mode, "record")

    def test_a_folder_relative_to_the_source_or_absolute(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            def cassette_name(self) -> str:
                return "orders"

            def test(self) -> None:
                outer.get()

        for ShopTest.cassette_dir in ("data/recorded", self.folder / "absolute"):
            self.run_well(ShopTest)
            self.assertTrue((self.folder / ShopTest.cassette_dir / "orders.json").exists())

    def test_a_name_may_have_folders_and_a_suffix(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            name = ""

            def cassette_name(self) -> str:
                return self.name

            def test(self) -> None:
                outer.get()

        for name in ("shop/orders", "shop/orders.json", "shop\\orders"):
            ShopTest.name = name
            self.run_well(ShopTest)
            self.assertEqual(self.file.relative_to(self.folder).as_posix(),
                             "cassettes/test_testcase/shop/orders.json")
            self.file.unlink()
        for name in ("", "../orders", "/orders"):
            ShopTest.name = name
            self.assertIn("cassette_name()", problems(run_class(ShopTest)))

    def test_two_tests_that_are_given_one_name_are_told(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            def cassette_name(self) -> str:
                return "orders"

            def test_one(self) -> None:
                outer.get()

            def test_two(self) -> None:
                outer.get()

        text = problems(run_class(ShopTest))
        self.assertRegex(text, r"two tests would share the cassette .*orders.json: .*test_one.* and .*test_two")

    def test_options(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            cassette_options = {"allow_playback_repeats": True, "on_unused": "error"}

            def test(self) -> None:
                outer.get()
                outer.get()

        class OneShopTest(ShopTest):
            cassette_options = {**ShopTest.cassette_options, "store": MemoryCassetteStore()}

        for cls in (ShopTest, OneShopTest):
            for _ in range(2):
                self.run_well(cls)
        self.assertEqual(len(list(self.folder.rglob("*.json"))), 1)

    def test_on_unused(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            cassette_options = {"on_unused": "error"}
            names = ["one", "two"]

            def test(self) -> None:
                for name in self.names:
                    outer.get(name)

        self.run_well(ShopTest)
        ShopTest.names = ["one"]
        self.assertIn(UnusedInteractionsError.__name__, problems(run_class(ShopTest)))

    def test_wrong_attributes_are_errors_where_the_class_is_made(self) -> None:
        cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
            (ValueError, "mode='auto' here", {"cassette_mode": "new_episodes"}),
            (TypeError, "record_mode", {"cassette_options": {"record_mode": "none"}}),
            (ValueError, "on_unused", {"cassette_options": {"on_unused": "eror"}}),
            (TypeError, "dictionary", {"cassette_options": ["on_unused"]}),
            (TypeError, "cassette_mode", {"cassette_options": {"mode": "once"}}),
            (TypeError, "cassette_name", {"cassette_options": {"path": "x.json"}}),
            (TypeError, "^ShopTest has .* 'casette_mode'; did you mean 'cassette_mode'", {"casette_mode": "auto"}),
            (TypeError, "did you mean 'cassette_options'", {"cassette_option": {}}),
        ]
        for kind, pattern, attributes in cases:
            with self.subTest(attributes=attributes), self.assertRaisesRegex(kind, pattern):
                type("ShopTest", (CassetteTestCase,), attributes)

    def test_attributes_of_ones_own_are_no_misspelling(self) -> None:
        type("ShopTest", (CassetteTestCase,), {"cassette_path": "x", "case": 1, "cassettes": ()})

    def test_it_is_exported_lazily(self) -> None:
        self.assertIs(cassettes_lib.CassetteTestCase, CassetteTestCase)
        self.assertIs(cassettes_lib.CassetteMixin, CassetteMixin)
        self.assertIn("CassetteTestCase", dir(cassettes_lib))
        with self.assertRaises(AttributeError):
            _ = cassettes_lib.NoSuchThing  # type: ignore[attr-defined]


if __name__ == "__main__":
    unittest.main()
