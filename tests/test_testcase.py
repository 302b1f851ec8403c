"""`CassetteTestCase` and its mixin: what they cover, how they are configured, and what their assertions say."""

from __future__ import annotations

import asyncio
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import requests

import cassettes_lib
from cassettes_lib import InteractionNotFoundError, UnusedInteractionsError
from cassettes_lib.testcase import CassetteMixin, CassetteTestCase
from tests.recording_support import RecordingTestCase, problems, run_class, run_test, swallowing
from tests.support import MemoryCassetteStore


class CaseTestCase(RecordingTestCase):
    def setUp(self) -> None:
        super().setUp()
        for name, value in {
            "_source_of_module": lambda module: str(self.folder / (module.rpartition(".")[2] + ".py")), "_claims": {},
        }.items():
            patch = mock.patch(f"cassettes_lib.cassette_paths.{name}", value)
            patch.start()
            self.addCleanup(patch.stop)

    def run_well(self, cls: type[unittest.TestCase]) -> None:
        result = run_class(cls)
        self.assertTrue(result.wasSuccessful(), problems(result))

    @property
    def file(self) -> Path:
        (found,) = self.folder.rglob("*.json")
        return found


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


class AssertionsTest(CaseTestCase):
    """`check` runs assertions at the end of a test that made some requests, and returns the text of its failure."""

    def check(self, *assertions: Any) -> str:
        server = self.server

        class ShopTest(CassetteTestCase):
            cassette_mode = "auto"

            def test(self) -> None:
                url = server.url_for
                with requests.Session() as session:
                    session.get(url("/anything/orders?page=2&tag=a&tag=b"), headers={"X-Shop": "north"})
                    session.post(url("/anything/orders"), json={"quantity": 1, "id": "x-7", "items": [1, 2, 3]})
                    session.post(url("/anything/form"), data={"name": "Tea", "tag": ["hot", "green"]})
                    session.put(url("/anything/raw"), data="Grüße".encode())
                for assertion in assertions:
                    assertion(self)

        result = run_class(ShopTest)
        self.assertEqual(result.errors, [])
        return result.failures[0][1] if result.failures else ""

    def test_what_was_requested_passes(self) -> None:
        url = self.server.url_for
        self.assertEqual("", self.check(
            lambda case: case.assertRequested("POST", "/anything/orders"),
            lambda case: case.assertRequested("post", "/anything/orders", times=1),
            lambda case: case.assertRequested("GET", "/anything/orders"),
            lambda case: case.assertRequested("GET", "/anything/orders?tag=b&page=2&tag=a"),
            lambda case: case.assertRequested("GET", url("/anything/orders")),
            lambda case: case.assertRequested("GET", url("/anything/orders").replace("http", "HTTP")),
            lambda case: case.assertRequested("GET", "/anything/orders", query={"page": 2, "tag": ["a", "b"]}),
            lambda case: case.assertRequested("GET", "/anything/orders", headers={"x-shop": "north"}),
            lambda case: case.assertRequested("POST", "/anything/orders", times=1,
                                              json={"quantity": 1, "id": mock.ANY, "items": [1, 2, 3]}),
            lambda case: case.assertRequested("POST", "/anything/form", form={"name": "Tea", "tag": ["hot", "green"]}),
            lambda case: case.assertRequested("POST", "/anything/form",
                                              form=[("tag", "green"), ("tag", "hot"), ("name", "Tea")]),
            lambda case: case.assertRequested("PUT", "/anything/raw", body="Grüße"),
            lambda case: case.assertRequested("PUT", "/anything/raw", body="Grüße".encode()),
            lambda case: case.assertRequested("DELETE", "/anything/orders", times=0),
            lambda case: case.assertAllPlayed(),
            lambda case: case.assertNoUnused(),
        ))

    def test_what_was_not_requested_fails(self) -> None:
        for assertion in (
            lambda case: case.assertRequested("POST", "/orders"),
            lambda case: case.assertRequested("PATCH", "/anything/orders"),
            lambda case: case.assertRequested("POST", "/anything/orders", times=2),
            lambda case: case.assertRequested("POST", "/anything/orders", times=0),
            lambda case: case.assertRequested("POST", "/anything/orders", json={"quantity": 1}),
            lambda case: case.assertRequested("POST", "/anything/orders", json=None),
            lambda case: case.assertRequested("PUT", "/anything/raw", json={}),
            lambda case: case.assertRequested("GET", "/anything/orders?page=2"),
            lambda case: case.assertRequested("GET", "/anything/orders?"),
            lambda case: case.assertRequested("GET", "http://127.0.0.1:1/anything/orders"),
            lambda case: case.assertRequested("GET", "/anything/orders", query={"page": 3}),
            lambda case: case.assertRequested("GET", "/anything/orders", headers={"X-Shop": "south"}),
            lambda case: case.assertRequested("GET", "/anything/orders", headers={"X-Other": "north"}),
            lambda case: case.assertRequested("POST", "/anything/form", form={"name": "Tea"}),
            lambda case: case.assertRequested("PUT", "/anything/raw", body=b""),
        ):
            self.assertIn("AssertionError", self.check(assertion))

    def test_a_failure_lists_what_was_requested(self) -> None:
        text = self.check(lambda case: case.assertRequested("POST", "/nowhere", msg="no order"))
        self.assertIn("POST /nowhere was not requested; the test requested:", text)
        self.assertIn(f"POST {self.server.url_for('/anything/orders')}", text)
        self.assertIn("no order", text)

    def test_a_failure_shows_what_differs(self) -> None:
        text = self.check(lambda case: case.assertRequested(
            "POST", "/anything/orders", json={"quantity": 2, "id": "x-7", "items": [1, 2, 3]}
        ))
        self.assertIn("POST /anything/orders was not requested like this", text)
        self.assertIn("'quantity': 2", text)
        self.assertIn("'quantity': 1", text)

    def test_a_failure_shows_no_secrets(self) -> None:
        server = self.server

        class ShopTest(CassetteTestCase):
            def test_list(self) -> None:
                requests.get(server.url_for("/anything/orders?api_key=k-4711-0815"), timeout=30)
                self.assertRequested("GET", "/nowhere")

            def test_difference(self) -> None:
                requests.post(server.url_for("/anything/login"), json={"password": "hunter2", "at": 1}, timeout=30)
                self.assertRequested("POST", "/anything/login", json={"password": mock.ANY, "at": 2})

        text = problems(run_class(ShopTest))
        self.assertIn("REDACTED-1", text)
        self.assertNotIn("4711", text.replace(f"{ShopTest.__module__}", "").partition("AssertionError")[2])
        self.assertNotRegex(text, "made.*hunter2|[+].*hunter2")

    def test_a_failure_counts(self) -> None:
        self.assertIn("POST /anything/orders was requested once, not twice",
                      self.check(lambda case: case.assertRequested("POST", "/anything/orders", times=2)))
        self.assertIn("POST /anything/orders was requested once, not never",
                      self.check(lambda case: case.assertRequested("POST", "/anything/orders", times=0)))

    def test_a_test_without_requests_says_so(self) -> None:
        class ShopTest(CassetteTestCase):
            def test(self) -> None:
                self.assertRequested("GET", "/orders")

        self.assertIn("the test made no requests", problems(run_class(ShopTest)))

    def test_what_is_neither_url_nor_path_is_refused(self) -> None:
        class ShopTest(CassetteTestCase):
            def test(self) -> None:
                self.assertRequested("GET", "orders")

        self.assertIn("'/orders'", problems(run_class(ShopTest)))

    def test_all_played_and_no_unused_list_what_is_left(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            names = ["one", "two"]

            def test(self) -> None:
                for name in self.names:
                    outer.get(name)
                with self.subTest("played"):
                    self.assertAllPlayed()
                with self.subTest("unused"):
                    self.assertNoUnused()

        self.run_well(ShopTest)
        self.run_well(ShopTest)
        ShopTest.names = ["one"]
        result = run_class(ShopTest)
        self.assertEqual(len(result.failures), 2)
        for _, text in result.failures:
            self.assertRegex(text, r"1 interaction on the cassette was not .*:\n  GET http.*/count/two")

    def test_an_upload_that_is_read_while_it_is_sent_is_seen_whole(self) -> None:
        server = self.server

        class ShopTest(CassetteTestCase):
            def test(self) -> None:
                requests.post(server.url_for("/anything/upload"), data=iter([b"one", b"two"]), timeout=30)
                self.assertRequested("POST", "/anything/upload", body="onetwo")

        for _ in range(2):
            self.run_well(ShopTest)


if __name__ == "__main__":
    unittest.main()
