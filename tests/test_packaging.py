"""What the package says of itself: its version, its extras, the Pythons it runs on."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import unittest
from pathlib import Path

import cassettes_lib

ROOT = Path(__file__).parent.parent
METADATA = importlib.metadata.metadata("cassettes-lib")


class MetadataTest(unittest.TestCase):
    def test_the_version_is_the_one_whose_changes_are_told_first(self) -> None:
        newest = re.findall(r"(?m)^(\d+\.\d+\.\d+)( .*)?\n-+$", (ROOT / "CHANGES.rst").read_text(encoding="utf-8"))[0]
        self.assertEqual((cassettes_lib.__version__, METADATA["Version"]), (newest[0], newest[0]))

    def test_changes_have_the_headings_of_keep_a_changelog(self) -> None:
        headings = re.findall(r"(?m)^(.+)\n~+$", (ROOT / "CHANGES.rst").read_text(encoding="utf-8"))
        self.assertTrue(headings)
        known = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
        self.assertEqual(set(headings) - known, set())

    def test_each_extra_brings_its_package_and_nothing_is_brought_without_one(self) -> None:
        requires = importlib.metadata.requires("cassettes-lib") or []
        for extra, package in [("yaml", "PyYAML"), ("cli", "rich"), ("fsspec", "fsspec")]:
            self.assertIn(extra, METADATA.get_all("Provides-Extra") or [])
            self.assertTrue(any(re.match(rf"{package}\b.*extra == .{extra}.$", each) for each in requires), requires)
        always = {re.split(r"[^\w-]", each)[0] for each in requires if "extra ==" not in each}
        self.assertEqual(always, {"pydantic", "requests", "filelock"})

    def test_its_classifiers_name_the_pythons_it_takes(self) -> None:
        classifiers = METADATA.get_all("Classifier") or []
        named = [each.rpartition("3.")[2] for each in classifiers if re.search(r":: 3\.\d+$", each)]
        floor = METADATA["Requires-Python"].removeprefix(">=3.")
        self.assertEqual(named, [str(minor) for minor in range(int(floor), int(named[-1]) + 1)])
        self.assertIn("Typing :: Typed", classifiers)
        self.assertTrue((Path(cassettes_lib.__file__).parent / "py.typed").is_file())
        if sys.version_info < (3, int(named[-1]) + 1):
            self.assertIn(str(sys.version_info[1]), named)


if __name__ == "__main__":
    unittest.main()
