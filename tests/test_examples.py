"""Every example runs as it stands, offline, and checks its own result."""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
import tempfile
import unittest
from pathlib import Path

from tests import nursery

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
EXTRAS = {"remote_store.py": "fsspec"}
PROMISED = {
    "quickstart.py", "unittest_suite.py", "mounted_adapter.py", "polling.py", "login.py", "streaming.py",
    "sqlite_store.py", "remote_store.py", "convert_and_clean.py",
}
# Python runs this before the example: what leaves the machine is an error.
SITECUSTOMIZE = """\
import socket

connect = socket.socket.connect

def connect_here(self, address):
    if self.family != getattr(socket, "AF_UNIX", None) and address[0] not in ("127.0.0.1", "::1", "localhost"):
        raise AssertionError(f"an example left the machine, for {address}")
    return connect(self, address)

socket.socket.connect = connect_here
"""


class ExamplesTest(unittest.TestCase):
    def test_every_example_is_there_and_checks_its_result(self) -> None:
        self.assertEqual({example.name for example in EXAMPLES}, PROMISED)
        for example in EXAMPLES:
            with self.subTest(example.name):
                nodes = ast.walk(ast.parse(example.read_text(encoding="utf-8")))
                self.assertTrue(any(isinstance(node, ast.Assert) for node in nodes))

    def test_each_example_runs(self) -> None:
        for example in EXAMPLES:
            with self.subTest(example.name), tempfile.TemporaryDirectory() as folder:
                extra = EXTRAS.get(example.name)
                if extra and importlib.util.find_spec(extra) is None:
                    self.skipTest(f"needs the extra {extra}")
                copy = Path(folder, example.name)
                copy.write_bytes(example.read_bytes())
                Path(folder, "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
                environment = {**os.environ, "PYTHONPATH": os.pathsep.join([folder, *sys.path])}
                for ci in ("true", "false"):
                    run = nursery.run(copy, cwd=copy.parent, env={**environment, "CI": ci})
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
