"""`use_cassette` as a decorator: of functions of every kind, of methods, and of classes of tests."""

from __future__ import annotations

import asyncio
import functools
import inspect
import itertools
import unittest
from typing import Any
from unittest import mock

from cassettes_lib import InteractionNotFoundError, use_cassette
from tests.decorating_support import DecoratedTestCase
from tests.recording_support import problems, run_class, run_test, swallowing

_serial = itertools.count()


class FunctionTest(DecoratedTestCase):
    def test_a_function_runs_in_a_session_per_call_and_returns_its_value(self) -> None:
        @use_cassette(self.path)
        def talk(greeting: str, *, end: str = "!") -> str:
            return greeting + self.get() + end

        self.assertEqual([talk("a "), talk("b ", end="?")], ["a one 1!", "b one 1?"])
        self.assertEqual(self.hits, ["one"])

    def test_name_docstring_signature_and_attributes_are_kept(self) -> None:
        def original(first: int, second: str = "x") -> list[str]:
            """Say something."""
            return []

        original.mark = "kept"  # type: ignore[attr-defined]
        wrapped = use_cassette(self.path)(original)
        self.assertEqual((wrapped.__name__, wrapped.__doc__, wrapped.__module__),
                         (original.__name__, original.__doc__, original.__module__))
        self.assertEqual(inspect.signature(wrapped), inspect.signature(original))
        self.assertEqual(wrapped.mark, "kept")  # type: ignore[attr-defined]
        self.assertIs(inspect.unwrap(wrapped), original)

    def test_an_exception_passes_and_leaves_the_cassette_incomplete(self) -> None:
        @use_cassette(self.path)
        def talk() -> None:
            self.get()
            raise ZeroDivisionError

        with self.assertRaises(ZeroDivisionError):
            talk()
        self.assertEqual(self.marks(), 1)

    def test_a_swallowed_miss_is_raised_by_the_call(self) -> None:
        use_cassette(self.path)(self.get)("one")

        @use_cassette(self.path)
        def talk() -> None:
            swallowing(lambda: self.get("two"))

        with self.assertRaises(InteractionNotFoundError):
            talk()

    def test_a_function_that_calls_itself(self) -> None:
        @use_cassette(self.path, mode="auto")
        def countdown(number: int) -> list[str]:
            return [self.get(str(number)), *(countdown(number - 1) if number else [])]

        live = countdown(3)
        self.server.stop()
        self.assertEqual(countdown(3), live)
        self.assertEqual(self.marks(), 0)

    def test_a_partial_and_a_callable_object(self) -> None:
        class Talk:
            def __init__(self, outer: FunctionTest) -> None:
                self.outer = outer

            def __call__(self, name: str) -> str:
                return self.outer.get(name)

        class LaterTalk(Talk):
            async def __call__(self, name: str) -> str:  # type: ignore[override]
                return await asyncio.to_thread(self.outer.get, name)

        self.assertEqual(use_cassette(self.path)(functools.partial(self.get, "one"))(), "one 1")
        self.assertEqual(use_cassette(self.path)(Talk(self))("one"), "one 1")
        later = use_cassette(self.path)(LaterTalk(self))
        self.assertTrue(inspect.iscoroutinefunction(later))
        self.assertEqual(asyncio.run(later("one")), "one 1")  # type: ignore[arg-type]
        self.assertEqual(self.hits, ["one"])

    def test_what_cannot_be_called_is_refused(self) -> None:
        for target in (property(lambda self: 1), 7):
            with self.subTest(target), self.assertRaises(TypeError):
                use_cassette(self.path)(target)  # type: ignore[type-var]

    def test_a_function_without_a_name_needs_a_path(self) -> None:
        with self.assertRaisesRegex(TypeError, "give use_cassette a path"):
            use_cassette()(functools.partial(self.get, "one"))()


class MethodTest(DecoratedTestCase):
    def test_methods_static_methods_and_class_methods_decorated_above_and_below(self) -> None:
        outer = self

        class Client:
            @use_cassette(self.path)
            def method(self) -> tuple[Any, str]:
                return self, outer.get()

            @use_cassette(self.path)
            @staticmethod
            def static_above() -> str:
                return outer.get()

            @staticmethod
            @use_cassette(self.path)
            def static_below() -> str:
                return outer.get()

            @use_cassette(self.path)
            @classmethod
            def class_above(cls) -> tuple[type, str]:
                return cls, outer.get()

            @classmethod
            @use_cassette(self.path)
            def class_below(cls) -> tuple[type, str]:
                return cls, outer.get()

        client = Client()
        self.assertEqual(client.method(), (client, "one 1"))
        self.assertEqual([client.static_above(), Client.static_below()], ["one 1", "one 1"])
        self.assertEqual([client.class_above(), Client.class_below()], [(Client, "one 1")] * 2)
        self.assertIsInstance(inspect.getattr_static(Client, "static_above"), staticmethod)
        self.assertIsInstance(inspect.getattr_static(Client, "class_above"), classmethod)
        self.assertEqual(self.hits, ["one"])

    def test_set_up_class_is_decorated_below_classmethod(self) -> None:
        self.in_folder()
        outer = self

        class ShopTest(unittest.TestCase):
            @classmethod
            @use_cassette
            def setUpClass(cls) -> None:
                cls.answer = outer.get()  # type: ignore[attr-defined]

            def test(self) -> None:
                self.assertEqual(self.answer, "one 1")  # type: ignore[attr-defined]

        for _ in range(2):
            self.assertTrue(run_class(ShopTest).wasSuccessful())
        self.assertEqual((self.files, self.hits), ([".setUpClass.json"], ["one"]))

    def test_stacked_with_mock_patch_above_below_and_on_both_sides(self) -> None:
        outer = self

        class ShopTest(unittest.TestCase):
            @mock.patch("os.getcwd", return_value="/above")
            @use_cassette(self.path)
            def test_above(self, getcwd: mock.Mock) -> None:
                import os

                self.assertEqual((os.getcwd(), outer.get()), ("/above", "one 1"))

            @use_cassette(self.path)
            @mock.patch("os.getcwd", return_value="/below")
            def test_below(self, getcwd: mock.Mock) -> None:
                import os

                self.assertEqual((os.getcwd(), outer.get()), ("/below", "one 1"))

            @mock.patch("os.getlogin", return_value="me")
            @use_cassette(self.path)
            @mock.patch("os.getcwd", return_value="/both")
            def test_both(self, getcwd: mock.Mock, getlogin: mock.Mock) -> None:
                import os

                self.assertIs(os.getcwd, getcwd)
                self.assertIs(os.getlogin, getlogin)
                self.assertEqual(outer.get(), "one 1")

            @mock.patch.dict("os.environ", {"SHOP": "1"})
            @use_cassette(self.path)
            def test_dict(self) -> None:
                import os

                self.assertEqual((os.environ["SHOP"], outer.get()), ("1", "one 1"))

        result = run_class(ShopTest)
        self.assertTrue(result.wasSuccessful(), problems(result))
        self.assertEqual((result.testsRun, self.hits), (4, ["one"]))

    def test_skip_above_and_below_never_opens_a_cassette(self) -> None:
        outer = self

        class ShopTest(unittest.TestCase):
            @unittest.skip("later")
            @use_cassette(self.path, mode="replay")
            def test_above(self) -> None:
                outer.get()

            @use_cassette(self.path, mode="replay")
            @unittest.skip("later")
            def test_below(self) -> None:
                outer.get()

            @unittest.skipIf(True, "later")
            @use_cassette(self.path, mode="replay")
            def test_if(self) -> None:
                outer.get()

        result = run_class(ShopTest)
        self.assertEqual((len(result.skipped), len(result.errors)), (3, 0))
        self.assertFalse(self.path.exists())

    def test_an_expected_failure_above_and_below_leaves_a_complete_cassette(self) -> None:
        outer = self
        paths = [self.folder / "above.json", self.folder / "below.json"]

        class ShopTest(unittest.TestCase):
            @unittest.expectedFailure
            @use_cassette(paths[0])
            def test_above(self) -> None:
                outer.get()
                self.fail("as expected")

            @use_cassette(paths[1])
            @unittest.expectedFailure
            def test_below(self) -> None:
                outer.get()
                self.fail("as expected")

        for _ in range(2):
            result = run_class(ShopTest)
            self.assertEqual((len(result.expectedFailures), len(result.errors)), (2, 0), problems(result))
            self.assertEqual([self.marks(path) for path in paths], [0, 0])
        self.assertEqual(len(self.hits), 2)

    def test_sub_tests(self) -> None:
        outer = self

        class ShopTest(unittest.TestCase):
            @use_cassette(self.path)
            def test(self) -> None:
                for name in ("one", "two"):
                    with self.subTest(name):
                        self.assertIn(name, outer.get(name))

            def test_each(self) -> None:
                for name in ("three", "four"):
                    with self.subTest(name), use_cassette(outer.folder / name):
                        self.assertIn(name, outer.get(name))

        for _ in range(2):
            self.assertTrue(run_class(ShopTest).wasSuccessful())
        self.assertEqual(sorted(self.hits), ["four", "one", "three", "two"])


class BareTest(DecoratedTestCase):
    def test_bare_on_a_function_a_method_and_a_class(self) -> None:
        self.in_folder()
        outer = self

        @use_cassette
        def talk() -> str:
            return self.get("function")

        class ShopTest(unittest.TestCase):
            @use_cassette
            def test_method(self) -> None:
                self.assertEqual(outer.get("method"), "method 2")

            @use_cassette
            async def test_async(self) -> None: ...

        @use_cassette
        class WholeShopTest(unittest.TestCase):
            def test(self) -> None:
                self.assertEqual(outer.get("class"), "class 3")

        for _ in range(2):
            self.assertEqual(talk(), "function 1")
            for case in (ShopTest("test_method"), WholeShopTest("test")):
                result = run_test(case)
                self.assertTrue(result.wasSuccessful(), problems(result))
        self.assertTrue(inspect.iscoroutinefunction(ShopTest.test_async))
        self.assertEqual(self.hits, ["function", "method", "class"])

    def test_a_partial_of_it_is_a_bare_decorator_with_options(self) -> None:
        recording = functools.partial(use_cassette, mode="record")
        self.in_folder()

        @recording
        def talk() -> str:
            return self.get()

        self.assertEqual([talk(), talk()], ["one 1", "one 2"])


if __name__ == "__main__":
    unittest.main()
