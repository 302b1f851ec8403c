"""Patterns that are compiled when first used do what compiled ones do."""

from __future__ import annotations

import ast
import copy
import importlib
import re
import subprocess
import sys
import unittest
from pathlib import Path

import cassettes_lib
from cassettes_lib.late_patterns import LatePattern, late_pattern

PACKAGE = Path(cassettes_lib.__file__).parent


class LatePatternTest(unittest.TestCase):
    def test_it_matches_as_a_compiled_one_does(self) -> None:
        late, compiled = late_pattern("(?P<name>b)c", re.IGNORECASE), re.compile("(?P<name>b)c", re.IGNORECASE)
        for text in ("abc", "aBC", "bcbc", ""):
            with self.subTest(text):
                self.assertEqual(late.findall(text), compiled.findall(text))
                self.assertEqual(late.sub("x", text), compiled.sub("x", text))
                self.assertEqual([each.span() for each in late.finditer(text)],
                                 [each.span() for each in compiled.finditer(text)])
        self.assertEqual((late.pattern, late.flags, late.groupindex), (compiled.pattern, compiled.flags, {"name": 1}))

    def test_it_takes_bytes(self) -> None:
        self.assertTrue(late_pattern(rb"\A\d+\Z").search(b"123"))

    def test_it_is_compiled_at_the_first_use_and_asked_no_more_after_it(self) -> None:
        late = late_pattern("a+")
        self.assertEqual(set(vars(late)), {"pattern", "_flags"})
        self.assertTrue(late.match("aa"))
        self.assertEqual(vars(late)["match"], re.compile("a+").match)

    def test_it_has_no_more_attributes_than_a_compiled_one(self) -> None:
        with self.assertRaises(AttributeError):
            late_pattern("a").title  # type: ignore[attr-defined]  # noqa: B018

    def test_a_copy_matches_too(self) -> None:
        self.assertTrue(copy.copy(late_pattern("a")).match("a"))

    def test_a_repr_shows_the_expression(self) -> None:
        self.assertEqual(repr(late_pattern(r"\d")), r"<late pattern '\\d'>")

    def test_all_in_the_package_can_be_compiled(self) -> None:
        found = 0
        for path in sorted(PACKAGE.glob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            if any(isinstance(node, ast.Name) and node.id == "late_pattern" for node in ast.walk(tree)):
                module = importlib.import_module(f"cassettes_lib.{path.stem}")
                for name, value in vars(module).items():
                    for each in value.values() if isinstance(value, dict) else [value]:
                        if isinstance(each, LatePattern):
                            found += 1
                            with self.subTest(module=path.stem, name=name):
                                re.compile(each.pattern, each._flags)
        self.assertGreater(found, 50)

    def test_most_are_not_compiled_by_importing(self) -> None:
        code = (
            "import re, requests, pydantic.fields; "
            "wanted = []; compiler = re._compiler; compile_now = compiler.compile; "
            "compiler.compile = lambda *given: wanted.append(given) or compile_now(*given); "
            "from cassettes_lib import use_cassette; print(len(wanted))"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        self.assertLess(int(run.stdout), 20)


if __name__ == "__main__":
    unittest.main()
