"""The public API as type checkers see it."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
CHECKED = HERE / "typing" / "public_api.py"


class TypingTest(unittest.TestCase):
    def setUp(self) -> None:
        lines = CHECKED.read_text(encoding="utf-8").splitlines()
        self.expected = {number for number, line in enumerate(lines, start=1) if line.endswith("# E")}

    def test_mypy_agrees(self) -> None:
        if importlib.util.find_spec("mypy") is None:
            self.skipTest("mypy is not installed")
        done = subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", "/dev/null", str(CHECKED)],
            cwd=HERE.parent, capture_output=True, text=True, timeout=300,
        )
        found = {int(number) for number in re.findall(r"public_api\.py:(\d+): error", done.stdout)}
        self.assertEqual(found, self.expected, done.stdout + done.stderr)

    def test_pyright_agrees(self) -> None:
        pyright = shutil.which("pyright", path=str(Path(sys.executable).parent)) or shutil.which("pyright")
        if pyright is None:
            self.skipTest("pyright is not installed")
        done = subprocess.run(
            [pyright, "--outputjson", "--pythonpath", sys.executable, str(CHECKED)],
            cwd=HERE.parent, capture_output=True, text=True, timeout=300,
        )
        found = json.loads(done.stdout)["generalDiagnostics"]
        errors = {each["range"]["start"]["line"] + 1 for each in found if each["severity"] == "error"}
        self.assertEqual(errors, self.expected, done.stdout)


if __name__ == "__main__":
    unittest.main()
