"""Every example runs as it stands, offline, and checks its own result."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
EXTRAS = {"remote_store.py": "fsspec"}


class ExamplesTest(unittest.TestCase):
    def test_each_example_runs(self) -> None:
        self.assertTrue(EXAMPLES)
        for example in EXAMPLES:
            with self.subTest(example.name), tempfile.TemporaryDirectory() as folder:
                extra = EXTRAS.get(example.name)
                if extra and importlib.util.find_spec(extra) is None:
                    self.skipTest(f"needs the extra {extra}")
                copy = Path(folder, example.name)
                copy.write_bytes(example.read_bytes())
                environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
                for ci in ("true", "false"):
                    run = subprocess.run(
                        [sys.executable, copy], cwd=folder, env={**environment, "CI": ci},
                        capture_output=True, text=True, check=False,
                    )
                    self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
                    self.assertTrue(run.stdout.strip(), "an example shows what it does")
                    if example.name == "quickstart.py":
                        self.assert_every_response_is_the_same(run.stdout)

    def assert_every_response_is_the_same(self, table: str) -> None:
        rows = [line.split() for line in table.splitlines() if line.endswith(("yes", "NO"))]
        self.assertEqual(len(rows), 7)
        self.assertEqual({row[-1] for row in rows}, {"yes"})


if __name__ == "__main__":
    unittest.main()
