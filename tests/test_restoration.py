"""Leaving a block puts back exactly what was there: in any order, by any way out, with foreign patches around it."""

from __future__ import annotations

import asyncio
import functools
import gc
import itertools
import sys
import unittest
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any
from unittest import mock

import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from cassettes_lib import InteractionNotFoundError, use_cassette
from cassettes_lib.broker import Broker
from cassettes_lib.interception import Interception
from cassettes_lib.models import Cassette
from tests.sealing_support import SealingTestCase, snapshot


class RestorationTestCase(SealingTestCase):
    def opened(self, name: str = "", mode: Any = "replay", **options: Any) -> Interception:
        interception = Interception(Broker(Cassette(), mode), name, **options)
        interception.start()
        self.addCleanup(interception.stop)
        return interception

    def get(self) -> Any:
        return requests.get(self.server.url + "/text")

    def assert_nobody_in_charge(self) -> None:
        self.server.clear()
        self.get()
        self.assertEqual(len(self.server.hits), 1)


class Foreign:
    """A patch as people write it: keeps what was there, puts its own in place, and puts back blindly."""

    def __init__(self, owner: Any = HTTPAdapter, name: str = "send") -> None:
        self.owner, self.name = owner, name
        self.calls = 0

    def start(self) -> None:
        self.original = original = getattr(self.owner, self.name)

        def patch(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            return original(*args, **kwargs)

        self.patch = patch
        setattr(self.owner, self.name, patch)

    def stop(self) -> None:
        setattr(self.owner, self.name, self.original)


class WaysOutTest(RestorationTestCase):
    def test_every_way_out_restores(self) -> None:
        path = self.recorded("/text")

        def by_exception() -> None:
            with self.assertRaises(ZeroDivisionError), use_cassette(path, mode="replay"):
                _ = 1 / 0

        def by_exit() -> None:
            with self.assertRaises(SystemExit), use_cassette(path, mode="replay"):
                sys.exit(3)

        def by_swallowed_miss() -> None:
            with self.assertRaises(InteractionNotFoundError), use_cassette(path, mode="replay"):
                try:
                    requests.get(self.server.url + "/json")
                except InteractionNotFoundError:
                    pass

        def generator() -> Iterator[int]:
            with use_cassette(path, mode="replay"):
                yield 1
                yield 2

        def by_generator_close() -> None:
            running = generator()
            next(running)
            running.close()

        def by_generator_collected() -> None:
            next(generator())

        def by_cancellation() -> None:
            async def work() -> None:
                with use_cassette(path, mode="replay"):
                    await asyncio.sleep(30)

            async def main() -> None:
                task = asyncio.create_task(work())
                await asyncio.sleep(0)
                task.cancel()
                with self.assertRaises(asyncio.CancelledError):
                    await task

            asyncio.run(main())

        def by_return() -> int:
            with use_cassette(path, mode="replay"):
                return 1

        def by_failing_start() -> None:
            with mock.patch("cassettes_lib.interception.warn_of_shadows"), mock.patch.object(
                Interception, "enter_context", side_effect=KeyboardInterrupt
            ), self.assertRaises(KeyboardInterrupt):
                Interception(Broker(Cassette())).start()

        session = requests.Session()
        adapters = dict(session.adapters)
        for way in (
            by_exception, by_exit, by_swallowed_miss, by_generator_close, by_generator_collected, by_cancellation,
            by_return, by_failing_start,
        ):
            with self.subTest(way.__name__):
                before = snapshot()
                way()
                self.assert_restored(before)
                self.assertEqual(list(session.adapters.items()), list(adapters.items()))
                self.assert_nobody_in_charge()

    def test_every_order_of_three_blocks_restores(self) -> None:
        for order in itertools.permutations(range(3)):
            with self.subTest(order):
                before = snapshot()
                blocks = [self.opened(str(number), block_network=number == 1) for number in range(3)]
                for number in order:
                    blocks[number].stop()
                self.assert_restored(before)

    def test_stopping_twice_or_never_started_is_harmless(self) -> None:
        interception = Interception(Broker(Cassette()))
        interception.stop()
        interception.start()
        interception.stop()
        interception.stop()

    def test_sessions_are_never_touched(self) -> None:
        session = requests.Session()
        before = dict(vars(session)), list(session.adapters.items()), [dict(vars(a)) for a in session.adapters.values()]
        with use_cassette(self.recorded("/text"), mode="replay"):
            session.get(self.server.url + "/text")
            self.assertEqual(list(session.adapters.items()), before[1])
        self.assertEqual(
            (dict(vars(session)), list(session.adapters.items()), [dict(vars(a)) for a in session.adapters.values()]),
            before,
        )

    def test_classes_made_inside_are_restored_and_let_go(self) -> None:
        import gc
        import weakref

        with use_cassette(self.recorded("/text"), mode="replay"):
            class Made(BaseAdapter):
                def send(self, *args: Any, **kwargs: Any) -> Any:
                    raise AssertionError("not asked")

                def close(self) -> None:
                    pass

            send = Made.__dict__["send"].__wrapped__
            Made().send(requests.Request("GET", self.server.url + "/text").prepare())
        self.assertIs(Made.__dict__["send"], send)
        reference = weakref.ref(Made)
        del Made, send
        gc.collect()
        self.assertIsNone(reference())


class ForeignPatchTest(RestorationTestCase):
    POINTS = ((HTTPAdapter, "send"), (requests.Session, "get_adapter"))

    def test_every_order_of_a_block_and_a_foreign_patch_restores(self) -> None:
        for owner, name in self.POINTS:
            for steps in (
                ["start F", "start B", "stop B", "stop F"],
                ["start F", "start B", "stop F", "stop B"],
                ["start B", "start F", "stop F", "stop B"],
                ["start B", "start F", "stop B", "stop F"],
            ):
                with self.subTest(steps, name=name):
                    original = vars(owner)[name]
                    foreign = Foreign(owner, name)
                    block = Interception(Broker(Cassette()), "B")
                    for step in steps:
                        verb, who = step.split()
                        getattr(foreign if who == "F" else block, verb)()
                    self.assert_nobody_in_charge()
                    self.assertIs(vars(owner)[name], original)

    def test_all_orders_of_two_blocks_and_two_foreign_patches(self) -> None:
        """Whatever happens: the innermost open block answers, nothing goes live, and the end is the beginning."""
        original = HTTPAdapter.send
        names = ("A", "B", "F", "G")
        # A and B, F and G are alike: one order of each pair stands for both.
        for starts in ("".join(each) for each in itertools.permutations(names)):
            if starts.index("A") > starts.index("B") or starts.index("F") > starts.index("G"):
                continue
            for stops in itertools.permutations(names):
                everyone: dict[str, Any] = {"F": Foreign(), "G": Foreign()}
                everyone |= {name: Interception(Broker(Cassette()), name) for name in "AB"}
                self.server.clear()
                with ExitStack() as stack:
                    for name in names:
                        if name in "AB":
                            stack.callback(everyone[name].stop)
                    for name in starts:
                        everyone[name].start()
                    foreign_order = [name for name in starts if name in "FG"]
                    blocks = [name for name in starts if name in "AB"]
                    for name in stops:
                        everyone[name].stop()
                        if name in blocks:
                            blocks.remove(name)
                        if blocks:
                            with self.subTest(starts=starts, stops=stops, after=name):
                                count = len(everyone[blocks[-1]].broker.misses)
                                with self.assertRaises(InteractionNotFoundError):
                                    self.get()
                                self.assertEqual(len(everyone[blocks[-1]].broker.misses), count + 1)
                self.assertEqual(self.server.hits, [])
                # Two foreign patches that are undone in the wrong order leave the first of them in place.
                if [name for name in stops if name in "FG"] == foreign_order:
                    HTTPAdapter.send = original  # type: ignore[method-assign]
                else:
                    self.get()
                    self.assertIs(HTTPAdapter.send, original, (starts, stops))
        self.assert_nobody_in_charge()

    def test_a_patch_that_keeps_the_original_out_of_sight(self) -> None:
        original = HTTPAdapter.send

        def patch(*args: Any, **kwargs: Any) -> Any:
            raise AssertionError("not asked")

        HTTPAdapter.send = patch  # type: ignore[method-assign]
        block = self.opened()
        HTTPAdapter.send = original  # type: ignore[method-assign]
        with self.assertRaises(InteractionNotFoundError):
            self.get()
        block.stop()

    def test_patchers_of_mock_undone_inside_one_by_one(self) -> None:
        first, second = (mock.patch.object(HTTPAdapter, "send") for _ in range(2))
        first.start()
        second.start()
        block = self.opened()
        for patcher in (second, first):
            patcher.stop()
            with self.assertRaises(InteractionNotFoundError):
                self.get()
        block.stop()

    def test_an_attribute_that_is_no_function_is_put_back(self) -> None:
        class Partial(BaseAdapter):
            def _send(self, verb: str, request: Any, **kwargs: Any) -> Any:
                raise AssertionError("not asked")

            send = functools.partialmethod(_send, "GET")  # type: ignore[assignment]

            def close(self) -> None:
                pass

        session = requests.Session()
        session.mount("http://", Partial())
        with use_cassette(self.recorded("/text"), mode="replay"):
            session.get(self.server.url + "/text")
        self.assertIsInstance(vars(Partial)["send"], functools.partialmethod)
        self.assertEqual(self.server.hits, [])

    def test_a_mock_that_is_mounted_answers(self) -> None:
        answer = requests.Response()
        answer.status_code = 218
        stubbed = HTTPAdapter()
        stubbed.send = mock.Mock(return_value=answer)  # type: ignore[method-assign]
        for adapter in (mock.Mock(spec=HTTPAdapter, **{"send.return_value": answer}), stubbed):
            session = requests.Session()
            session.mount("http://", adapter)
            with use_cassette(self.recorded("/text"), mode="replay"):
                self.assertEqual(session.get(self.server.url, stream=True).status_code, 218)

    def test_a_patch_of_somebodys_adapter_undone_inside(self) -> None:
        class Own(BaseAdapter):
            def send(self, *args: Any, **kwargs: Any) -> Any:
                raise AssertionError("not asked")

            def close(self) -> None:
                pass

        foreign = Foreign(Own)
        foreign.start()
        block = self.opened()
        foreign.stop()
        session = requests.Session()
        session.mount("http://", Own())
        with self.assertRaises(InteractionNotFoundError):
            session.get(self.server.url)
        block.stop()

    def test_dead_layers_on_top_of_one_another_go_at_once(self) -> None:
        original = HTTPAdapter.send
        blocks, patches = [], []
        for _ in range(3):
            blocks.append(self.opened())
            patches.append(Foreign())
            patches[-1].start()
        for each in (*blocks, *reversed(patches)):
            each.stop()
        self.get()
        self.assertIs(HTTPAdapter.send, original)

    def test_a_layer_that_died_below_another_one_goes_with_it(self) -> None:
        original = HTTPAdapter.send
        foreign = Foreign()
        first = self.opened()
        foreign.start()
        second = self.opened()
        foreign.stop()
        third = self.opened()
        for block in (first, second, third):
            block.stop()
        self.assertIs(HTTPAdapter.send, original)

    def test_a_dead_layer_does_nothing(self) -> None:
        foreign = Foreign()
        block = self.opened("dead", "record")
        foreign.start()
        block.stop()
        self.get()
        self.assertEqual((block.broker.recorded, foreign.calls), ((), 1))
        dead = foreign.original
        foreign.stop()
        self.get()
        self.assertIsNot(HTTPAdapter.send, dead)
        with use_cassette(self.recorded("/text"), mode="replay"), self.assertRaises(Exception):  # noqa: B017
            dead(HTTPAdapter(), requests.Request("GET", self.server.url + "/text").prepare())
        self.assertEqual((block.broker.recorded, self.server.hits), ((), []))

    def test_a_layer_that_could_be_undone_serves_the_next_block(self) -> None:
        first = self.opened()
        layer = HTTPAdapter.send
        first.stop()
        second = self.opened()
        self.assertIs(HTTPAdapter.send, layer)
        with self.assertRaises(InteractionNotFoundError):
            self.get()
        second.stop()
        self.assertIsNot(HTTPAdapter.send, layer)
        self.assert_nobody_in_charge()

    def test_a_layer_that_was_thrown_away_serves_no_other_block(self) -> None:
        original = HTTPAdapter.send
        first = self.opened()
        layer = HTTPAdapter.send
        HTTPAdapter.send = original  # type: ignore[method-assign]
        first.stop()
        second = self.opened()
        self.assertIsNot(HTTPAdapter.send, layer)
        second.stop()
        self.assertIs(HTTPAdapter.send, original)

    def test_nothing_of_a_block_waits_for_the_garbage_collector(self) -> None:
        path = self.recorded("/text")
        self.addCleanup(gc.enable)
        gc.disable()
        with use_cassette(path, mode="replay") as broker:
            self.get()
        gone = weakref.ref(broker)
        del broker
        self.assertIsNone(gone())

    def test_a_patcher_of_mock_that_ends_after_the_block_puts_back_the_original(self) -> None:
        original = HTTPAdapter.send
        patcher = mock.patch.object(HTTPAdapter, "send")
        block = self.opened()
        patcher.start()
        block.stop()
        patcher.stop()
        self.assertIs(HTTPAdapter.send, original)

    def test_a_patch_inside_a_block_answers_first_and_one_outside_is_what_is_live(self) -> None:
        def a_patch(*args: Any, **kwargs: Any) -> Any:
            response = requests.Response()
            response.status_code = 218
            response._content = b"patched"
            return response

        with use_cassette(self.recorded("/text"), mode="replay") as broker:
            with mock.patch.object(HTTPAdapter, "send", a_patch):
                self.assertEqual(self.get().status_code, 218)
            self.assertEqual(self.get().status_code, 200)
        with mock.patch.object(HTTPAdapter, "send", a_patch), use_cassette(self.new_path(), mode="record") as broker:
            self.assertEqual(self.get().status_code, 218)
        self.assertEqual([each.response.body for each in broker.recorded if each.response], [b"patched"])


if __name__ == "__main__":
    unittest.main()
