"""The README: its code runs twice, the second time offline, and its outputs are what comes out."""

from __future__ import annotations

import contextlib
import re
import unittest
from pathlib import Path
from typing import Any

import requests

from cassettes_lib import InteractionNotFoundError, use_cassette
from tests.support_blocks import ORDERS, BlocksTestCase, blocks, no_service, the_service

README = (Path(__file__).parent.parent / "README.rst").read_text(encoding="utf-8")


class ReadmeTest(BlocksTestCase):
    def test_every_block_records_and_then_replays_offline(self) -> None:
        for number, code in enumerate(blocks(README, "python")):
            with self.subTest(code=code.splitlines()[0:6]):
                Path(f"readme_{number}").mkdir()
                with contextlib.chdir(f"readme_{number}"):
                    with the_service() as service:
                        self.run_block(f"readme_block_{number}", code)
                        self.assertGreater(len(service.calls), 0)
                    if "Shelf" not in code:  # which forgets
                        with no_service():
                            self.run_block(f"readme_block_{number}", code)

    def test_the_miss_message_is_what_comes_out(self) -> None:
        def order(quantity: int) -> Any:
            return requests.post(f"{ORDERS}?ts=1", json={"item": "tea", "quantity": quantity})

        with the_service(), use_cassette("cassettes/orders.json", mode="record"):
            order(1)
        with use_cassette("cassettes/orders.json", mode="replay") as broker:
            with self.assertRaises(InteractionNotFoundError) as caught:
                order(2)
            broker.misses.clear()
        shown = next(block for block in blocks(README, "text") if block.startswith("no recorded interaction"))
        # Outside a test there is no command with the test's name to show.
        advice = "to record it:\n    run this once with CASSETTES_MODE=auto in the environment\n"
        text = re.sub(r"to record it:\n(?: +.*\n)+", advice, str(caught.exception))
        self.assertEqual(text.strip(), shown.strip())

    def test_there_are_two_set_up_commands(self) -> None:
        commands = re.findall(r"(?m)^   \$ (.*)$", README)
        self.assertEqual(len(commands), 2)
        self.assertIn("examples/quickstart.py", commands[0])
        self.assertIn("-m unittest", commands[1])


if __name__ == "__main__":
    unittest.main()
