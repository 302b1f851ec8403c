"""The README: its code runs twice, the second time offline, and its outputs are what comes out."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import sys
import tempfile
import textwrap
import types
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
import responses

from cassettes_lib import InteractionNotFoundError, use_cassette
from tests.support import with_environment

README = (Path(__file__).parent.parent / "README.rst").read_text(encoding="utf-8")
ORDERS = "https://api.example.com/orders"


def blocks(language: str) -> list[str]:
    found = re.findall(rf"\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)", README)
    return [textwrap.dedent(each).strip() + "\n" for each in found]


@contextlib.contextmanager
def the_service() -> Iterator[responses.RequestsMock]:
    """The real service, as far as the README is concerned."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as service:
        service.get(ORDERS, json=[{"id": 7}])
        service.post(ORDERS, json={"id": 8}, status=201)
        yield service


@contextlib.contextmanager
def no_service() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as nothing:
        yield nothing


class ReadmeTest(unittest.TestCase):
    def setUp(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(folder.name)

    def run_block(self, number: int, code: str) -> None:
        """Run a block as the module it would be; the tests it defines, too."""
        name = f"readme_block_{number}"
        path = Path(f"{name}.py").resolve()
        path.write_text(code, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        self.addCleanup(sys.modules.pop, name, None)
        spec.loader.exec_module(module)
        result = unittest.TextTestRunner(stream=io.StringIO()).run(tests_in(module))
        self.assertEqual([text for _, text in (*result.failures, *result.errors)], [])

    def test_every_block_records_and_then_replays_offline(self) -> None:
        for number, code in enumerate(blocks("python")):
            with self.subTest(code=code.splitlines()[0:6]):
                Path(f"readme_{number}").mkdir()
                with contextlib.chdir(f"readme_{number}"):
                    with the_service() as service:
                        self.run_block(number, code)
                        self.assertGreater(len(service.calls), 0)
                    if "Shelf" not in code:  # which forgets
                        with no_service():
                            self.run_block(number, code)

    def test_the_miss_message_is_what_comes_out(self) -> None:
        def order(quantity: int) -> Any:
            return requests.post(f"{ORDERS}?ts=1", json={"item": "tea", "quantity": quantity})

        with the_service(), use_cassette("cassettes/orders.json", mode="record"):
            order(1)
        with use_cassette("cassettes/orders.json", mode="replay") as broker:
            with self.assertRaises(InteractionNotFoundError) as caught:
                order(2)
            broker.misses.clear()
        shown = next(block for block in blocks("text") if block.startswith("no recorded interaction"))
        # Outside a test there is no command with the test's name to show.
        advice = "to record it:\n    run this once with CASSETTES_MODE=auto in the environment\n"
        text = re.sub(r"to record it:\n(?: +.*\n)+", advice, str(caught.exception))
        self.assertEqual(text.strip(), shown.strip())

    def test_there_are_two_set_up_commands(self) -> None:
        commands = re.findall(r"(?m)^   \$ (.*)$", README)
        self.assertEqual(len(commands), 2)
        self.assertIn("examples/quickstart.py", commands[0])
        self.assertIn("-m unittest", commands[1])


def tests_in(module: types.ModuleType) -> unittest.TestSuite:
    return unittest.defaultTestLoader.loadTestsFromModule(module)


if __name__ == "__main__":
    unittest.main()
