"""The migration guide says what is true: its commands parse, its code runs, its options exist."""

from __future__ import annotations

import re
import shlex
import unittest
from pathlib import Path

from cassettes_lib.cli import make_parser
from cassettes_lib.matching import resolve_matchers
from cassettes_lib.options import CassetteOptions
from cassettes_lib.redaction import Redactor

GUIDE = (Path(__file__).parent.parent / "docs" / "migration.rst").read_text(encoding="utf-8")


class MigrationGuideTest(unittest.TestCase):
    def test_every_command_in_it_parses(self) -> None:
        commands = re.findall(r"^    (?:\S+=\S+ )?cassettes (.+)$", GUIDE, re.MULTILINE)
        commands += re.findall(r"``cassettes (\w+ [^`]*/[^`]*|\w+ \S+\.\w+ [^`]*)``", GUIDE)
        self.assertGreater(len(commands), 6)
        for command in commands:
            with self.subTest(command):
                make_parser().parse_args(shlex.split(command))

    def test_every_option_in_it_exists(self) -> None:
        options = set(CassetteOptions.__annotations__)
        for row in re.findall(r"^\S.*?``?\s{2,}(\S.*)$", GUIDE, re.MULTILINE):
            for name in re.findall(r"``(\w+)=", row):
                with self.subTest(name):
                    self.assertIn(name, options)

    def test_its_redactor_arguments_exist(self) -> None:
        for arguments in re.findall(r"Redactor\(([^)]*)\)", GUIDE):
            names = re.findall(r"(\w+)=\[", arguments)
            Redactor(**{name: ["x"] for name in names})

    def test_its_matchers_exist(self) -> None:
        words = "method scheme host port path query headers body raw_body"
        self.assertIn(words.replace(" ", ", "), GUIDE)
        resolve_matchers(words.split())

    def test_its_own_code_runs(self) -> None:
        blocks = re.findall(r"^\.\. code-block:: python\n\n((?:    .*\n|\n)+)", GUIDE, re.MULTILINE)
        ours = [re.sub("^    ", "", block, flags=re.MULTILINE) for block in blocks if "from cassettes_lib" in block]
        self.assertEqual(len(ours), 3)
        for block in ours:
            with self.subTest(block):
                exec(compile(block, "docs/migration.rst", "exec"), {"__name__": "guide"})


if __name__ == "__main__":
    unittest.main()
