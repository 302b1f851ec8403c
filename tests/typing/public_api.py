"""How the public API looks to type checkers; checked by mypy and pyright in strict mode (see tests/test_typing.py).

Each `assert_type` fails the check when a decorated callable has lost its type. A comment `# E` marks a line that must
be an error.
"""

from __future__ import annotations

import unittest
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, assert_type

from cassettes_lib import (
    Broker,
    Cassette,
    CassetteMixin,
    CassetteStore,
    CassetteTestCase,
    Redactor,
    ignoring,
    use_cassette,
)
from cassettes_lib.options import CassetteOptions
from cassettes_lib.recording import UseCassette


def blocks(path: Path, store: CassetteStore) -> None:
    with use_cassette("cassettes/orders.json") as broker:
        assert_type(broker.unused[0].request.method, str)
        takes_broker(broker)
    with use_cassette(path, mode="auto", on_unused="error", max_age=timedelta(days=90), passthrough=("localhost",)):
        pass
    with use_cassette(store=store, passthrough=lambda request: request.url.endswith("/health")):
        pass
    with use_cassette(path, tape=False), use_cassette(path, tape=20):
        pass
    assert_type(use_cassette(), UseCassette)
    with use_cassette:  # E
        pass


async def async_blocks() -> None:
    assert_type(await coroutine(1), str)
    async with use_cassette("cassettes/orders.json") as broker:
        takes_broker(broker)


def takes_broker(broker: Broker) -> None: ...


@use_cassette("cassettes/orders.json")
def plain(first: int, *, second: str = "x") -> list[str]:
    return [second] * first


@use_cassette
def bare(first: int) -> str:
    return str(first)


@use_cassette()
async def coroutine(first: int) -> str:
    return str(first)


@use_cassette()
def generator(first: int) -> Generator[int, str, bool]:
    yield first
    return True


@use_cassette()
async def async_generator() -> AsyncGenerator[int, str]:
    yield 1


assert_type(plain(1, second="y"), list[str])
assert_type(bare(1), str)
as_coroutine: Callable[[int], Coroutine[Any, Any, str]] = coroutine
assert_type(generator(1), Generator[int, str, bool])
assert_type(async_generator(), AsyncGenerator[int, str])
kept: Callable[[int], str] = bare


@use_cassette
class Bare(unittest.TestCase):
    def test(self) -> None: ...

    def helper(self) -> int:
        return 1


@use_cassette(mode="replay")
class Decorated(unittest.TestCase):
    @use_cassette
    @staticmethod
    def static(first: int) -> str:
        return str(first)

    @use_cassette()
    @classmethod
    def of_class(cls, first: int) -> str:
        return str(first)

    @use_cassette("cassettes/orders.json")
    def test(self) -> None: ...

    @property
    def answer(self) -> int:
        return 42


assert_type(Bare("test").helper(), int)
assert_type(Decorated("test").answer, int)
assert_type(Decorated.static(1), str)
assert_type(Decorated.of_class(1), str)
assert_type(Decorated("test").test(), None)


class ShopTest(CassetteTestCase):
    cassette_mode = "auto"
    cassette_dir = Path("data")
    cassette_options = {"on_unused": "error", "max_age": timedelta(days=90), "tape": False}

    def cassette_name(self) -> str:
        return "orders"

    def test(self) -> None:
        takes_broker(self.cassette)
        self.assertRequested("POST", "/orders", times=1, json={"quantity": 1}, headers={"X-Shop": "north"})
        self.assertAllPlayed()
        self.assertNoUnused()
        for call in self.cassette_calls:
            assert_type(call.request.url, str)


class MixedTest(CassetteMixin, unittest.IsolatedAsyncioTestCase):
    async def test(self) -> None:
        takes_broker(self.cassette)


shared: CassetteOptions = {"mode": "once", "allow_playback_repeats": True}
with use_cassette("cassettes/orders.json", **shared):
    pass
ours = partial(use_cassette, mode="replay")
with ours("cassettes/orders.json"):
    pass

plain("one")  # E
bare()  # E
use_cassette("x.json", mode="new_episodes")  # E
use_cassette("x.json", record_mode="none")  # E
use_cassette("x.json", on_unused="eror")  # E
use_cassette("x.json", tape="off")  # E
use_cassette(7)  # E
ignoring(querry=["ts"])  # E
ignoring(["ts"])  # E
Redactor(header=["X-Badge"])  # E
Broker(Cassette(), moed="auto")  # E
