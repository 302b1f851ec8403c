"""The README: its code runs twice, the second time offline, and its outputs are what comes out."""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import re
import shlex
import unittest
from pathlib import Path

import cassettes_lib
from cassettes_lib.cli import main, make_parser
from cassettes_lib.modes import MODES
from tests.support_blocks import (
    ORDERS,
    BlocksTestCase,
    blocks,
    commands,
    no_service,
    output_of_script,
    the_service,
)

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.rst").read_text(encoding="utf-8")
# What a cheat sheet can do without.
NAMED_IN_DOCS = {"CassetteMixin", "BufferedCassetteStore", "FsspecCassetteStore", "__version__"}
VCR = """\
interactions:
- request: {method: GET, uri: "https://api.example.com/me", body: null, headers: {}}
  response: {status: {code: 200, message: OK}, headers: {}, body: {string: "{}"}}
version: 1
"""


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
        code = (
            "import requests\nfrom cassettes_lib import use_cassette\n"
            "with use_cassette('cassettes/orders.json'):\n"
            f"    requests.post('{ORDERS}?ts=1', json={{'quantity': QUANTITY}})\n"
        )
        output_of_script(code.replace("QUANTITY", "1"), live=True)
        output = output_of_script(code.replace("QUANTITY", "2"), live=False)
        shown = next(block for block in blocks(README, "text") if block.startswith("no recorded interaction"))
        self.assertIn(f"\ncassettes_lib.errors.InteractionNotFoundError: {shown}", output)

    def test_the_first_and_the_second_run_print_what_is_shown(self) -> None:
        code = next(block for block in blocks(README, "python") if block.startswith("# zen.py"))
        first, second = [shown for command, shown in commands(README) if command == "python zen.py"]
        self.assertEqual(output_of_script(code, live=True), first)
        self.assertEqual(output_of_script(code, live=False), second)

    @unittest.skipUnless(importlib.util.find_spec("yaml"), "needs the extra yaml")
    def test_the_commands_print_what_is_shown(self) -> None:
        Path("tests/vcr_cassettes").mkdir(parents=True)
        Path("tests/vcr_cassettes/login.yaml").write_text(VCR, encoding="utf-8")
        shown = [each for each in commands(README) if each[0].startswith("cassettes ")]
        self.assertGreater(len(shown), 1)
        for command, output in shown:
            with self.subTest(command):
                with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.redirect_stderr(said):
                    self.assertEqual(main(shlex.split(command)[1:]), 0)
                self.assertEqual(said.getvalue(), output)

    def test_every_other_command_is_one_to_set_up(self) -> None:
        others = [command for command, _ in commands(README) if not command.startswith(("cassettes ", "python zen"))]
        self.assertEqual(len(others), 2)
        self.assertIn("examples/quickstart.py", others[0])
        self.assertIn("-m unittest", others[1])

    def test_it_is_a_cheat_sheet(self) -> None:
        self.assertLessEqual(len(README.splitlines()), 230)
        for link in re.findall(r"``((?:docs|examples)/[^`]*)``", README):
            self.assertTrue((ROOT / link).exists(), link)

    def test_it_names_every_mode_and_command_and_the_main_names(self) -> None:
        choices = [each.choices for each in make_parser()._actions if isinstance(each, argparse._SubParsersAction)]
        for word in (*MODES, *choices[0]):
            self.assertRegex(README, rf"``{word}``|cassettes {word} ")
        errors = {name for name in cassettes_lib.__all__ if name.endswith(("Error", "Warning"))}
        values = {"Cassette", "Interaction", "InteractionRequest", "InteractionResponse", "InteractionFailure"}
        for name in set(cassettes_lib.__all__) - errors - values - NAMED_IN_DOCS:
            self.assertRegex(README, rf"\b{name}\b")

    def test_the_pictures_shown_are_there(self) -> None:
        for picture, alternative in re.findall(r"(?m)^\.\. image:: (.*)\n   :alt: (.*)$", README):
            self.assertTrue((ROOT / picture).is_file(), picture)
            self.assertGreater(len(alternative), 20, "where pictures are not shown, such as on a package's page")
        self.assertEqual(README.count(".. image::"), README.count("   :alt: "))


if __name__ == "__main__":
    unittest.main()
