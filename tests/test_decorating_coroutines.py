"""Decorated coroutines and generators: they stay what they are, and the cassette is open while they run."""

from __future__ import annotations

import asyncio
import inspect
import unittest
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from typing import Any

import requests

from cassettes_lib import use_cassette
from tests.decorating_support import DecoratedTestCase
from tests.recording_support import problems, run_class


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


if __name__ == "__main__":
    unittest.main()
