"""`use_cassette` as a decorator: of functions of every kind, of methods, and of classes of tests."""

from __future__ import annotations

import asyncio
import functools
import inspect
import itertools
import unittest
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from pathlib import Path
from typing import Any
from unittest import mock

import requests

from cassettes_lib import InteractionNotFoundError, UnusedInteractionsError, use_cassette
from tests.recording_support import RecordingTestCase, problems, run_class, run_test, swallowing

_serial = itertools.count()


class DecoratedTestCase(RecordingTestCase):
    def in_folder(self) -> None:
        """Let the default cassettes of this module's classes lie in the temporary folder."""
        patch = mock.patch("cassettes_lib.cassette_paths._source_of_module",
                           lambda module: str(self.folder / (module.rpartition(".")[2] + ".py")))
        patch.start()
        self.addCleanup(patch.stop)
        claims = mock.patch("cassettes_lib.cassette_paths._claims", {})
        claims.start()
        self.addCleanup(claims.stop)

    @property
    def files(self) -> list[str]:
        """The cassettes in the folder that default paths lead to."""
        root = self.folder / "cassettes" / "test_decorating"
        return sorted(path.relative_to(root).as_posix().rpartition("ShopTest")[2] for path in root.rglob("*.json"))

    def file(self, end: str) -> Path:
        (found,) = self.folder.rglob(f"*{end}.json")
        return found


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


class CoroutineTest(DecoratedTestCase):
    def test_the_cassette_is_open_while_the_coroutine_runs_not_when_it_is_made(self) -> None:
        @use_cassette(self.path)
        async def talk() -> str:
            await asyncio.sleep(0)
            return self.get()

        self.assertTrue(inspect.iscoroutinefunction(talk))
        coroutine = talk()
        self.get("outside")
        self.assertFalse(self.path.exists())
        self.assertEqual(asyncio.run(coroutine), "one 2")
        self.assertEqual(self.recorded(), ["one"])
        self.assertEqual(asyncio.run(talk()), "one 2")
        self.assertEqual(self.hits, ["outside", "one"])

    def test_a_coroutine_function_under_a_decorator_that_hides_it(self) -> None:
        def sloppy(function: Callable[[], Awaitable[str]]) -> Callable[[], Awaitable[str]]:
            return lambda: function()

        @use_cassette(self.path, on_unused="error")
        @sloppy
        async def talk() -> str:
            return self.get()

        async def main() -> str:
            return await talk()

        self.assertEqual([asyncio.run(main()), asyncio.run(main())], ["one 1", "one 1"])
        self.assertEqual(self.hits, ["one"])

    def test_many_at_once_have_a_session_each(self) -> None:
        @use_cassette(self.path, mode="auto")
        async def talk(name: str) -> str:
            return await asyncio.to_thread(self.get, name)

        async def main() -> list[str]:
            return await asyncio.gather(*(talk(f"n{number}") for number in range(10)))

        live = asyncio.run(main())
        self.server.stop()
        self.assertEqual(asyncio.run(main()), live)

    def test_a_cancelled_coroutine_leaves_its_cassette_incomplete_and_nothing_open(self) -> None:
        send = requests.adapters.HTTPAdapter.send

        @use_cassette(self.path)
        async def talk() -> None:
            self.get()
            await asyncio.Event().wait()

        async def main() -> None:
            task = asyncio.create_task(talk())
            while not self.hits:
                await asyncio.sleep(0)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        asyncio.run(main())
        self.assertEqual(self.marks(), 1)
        self.assertIs(requests.adapters.HTTPAdapter.send, send)


class GeneratorTest(DecoratedTestCase):
    def numbers(self) -> Any:
        @use_cassette(self.path)
        def numbers(count: int) -> Generator[str, str, str]:
            sent = "nothing"
            for number in range(count):
                sent = yield f"{self.get(f'n{number}')} {sent}"
            return "the end"

        return numbers

    def test_a_generator_function_stays_one_and_its_cassette_is_open_until_it_ends(self) -> None:
        numbers = self.numbers()
        self.assertTrue(inspect.isgeneratorfunction(numbers))
        self.assertEqual(list(numbers(2)), ["n0 1 nothing", "n1 2 None"])
        self.assertEqual(list(numbers(2)), ["n0 1 nothing", "n1 2 None"])
        self.assertEqual(self.hits, ["n0", "n1"])

    def test_send_throw_and_the_returned_value_are_kept(self) -> None:
        generator = self.numbers()(2)
        next(generator)
        self.assertEqual(generator.send("hello"), "n1 2 hello")
        with self.assertRaises(StopIteration) as stopped:
            next(generator)
        self.assertEqual(stopped.exception.value, "the end")
        generator = self.numbers()(2)
        next(generator)
        with self.assertRaises(ZeroDivisionError):
            generator.throw(ZeroDivisionError())

    def test_a_generator_that_is_closed_early_has_ended_well(self) -> None:
        send = requests.adapters.HTTPAdapter.send
        generator = self.numbers()(2)
        next(generator)
        generator.close()
        self.assertEqual((self.recorded(), self.marks()), (["n0"], 0))
        self.assertIs(requests.adapters.HTTPAdapter.send, send)

    def async_numbers(self) -> Any:
        @use_cassette(self.path)
        async def numbers(count: int) -> AsyncGenerator[str, str]:
            sent = "nothing"
            for number in range(count):
                try:
                    sent = yield f"{self.get(f'n{number}')} {sent}"
                except KeyError:
                    sent = "KeyError"

        return numbers

    def test_an_async_generator_function_stays_one(self) -> None:
        numbers = self.async_numbers()
        self.assertTrue(inspect.isasyncgenfunction(numbers))

        async def collect() -> list[str]:
            return [each async for each in numbers(2)]

        self.assertEqual(asyncio.run(collect()), ["n0 1 nothing", "n1 2 None"])
        self.assertEqual(asyncio.run(collect()), ["n0 1 nothing", "n1 2 None"])
        self.assertEqual(self.hits, ["n0", "n1"])

    def test_asend_athrow_and_aclose_reach_the_async_generator(self) -> None:
        async def use() -> list[str]:
            generator = self.async_numbers()(4)
            seen = [await generator.asend(None), await generator.asend("hello"), await generator.athrow(KeyError())]
            await generator.aclose()
            with self.assertRaises(StopAsyncIteration):
                await anext(generator)
            return seen

        self.assertEqual(asyncio.run(use()), ["n0 1 nothing", "n1 2 hello", "n2 3 KeyError"])
        self.assertEqual(self.marks(), 0)

    def test_an_exception_thrown_into_an_async_generator_leaves_it(self) -> None:
        async def use() -> None:
            generator = self.async_numbers()(2)
            await anext(generator)
            await generator.athrow(ZeroDivisionError())

        with self.assertRaises(ZeroDivisionError):
            asyncio.run(use())
        self.assertEqual(self.marks(), 1)


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


class AsyncFixturesTest(DecoratedTestCase):
    """An asynchronous test runs in a context that is older than the fixtures of its class and module."""

    def test_the_innermost_block_of_the_fixtures_answers_in_threads_and_tasks_too(self) -> None:
        outer, inner = self.path, self.folder / "inner.json"
        test = self

        class ShopTest(unittest.IsolatedAsyncioTestCase):
            @classmethod
            def setUpClass(cls) -> None:
                cls.enterClassContext(use_cassette(outer))
                test.get("outer")
                cls.enterClassContext(use_cassette(inner))
                test.get("inner")

            def setUp(self) -> None:
                test.get("setUp")

            async def test(self) -> None:
                await asyncio.create_task(asyncio.to_thread(test.get, "thread"))
                async with use_cassette(test.folder / "own.json"):
                    await asyncio.to_thread(test.get, "own")
                test.get("test")

        before = vars(unittest.IsolatedAsyncioTestCase)["_callSetUp"]
        for _ in range(2):
            result = run_class(ShopTest)
            self.assertTrue(result.wasSuccessful(), problems(result))
            test.server.stop()
        self.assertIs(vars(unittest.IsolatedAsyncioTestCase)["_callSetUp"], before)
        self.assertEqual((self.recorded(), self.recorded(inner)), (["outer"], ["inner", "setUp", "thread", "test"]))
        self.assertEqual(self.recorded(self.folder / "own.json"), ["own"])


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
