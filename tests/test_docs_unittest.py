"""docs/unittest.rst: its code runs twice, the second time without a service."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import sys
import tempfile
import textwrap
import types
import unittest
from pathlib import Path

import responses

from tests.recording_support import problems
from tests.support import with_environment

PAGE = (Path(__file__).parent.parent / "docs" / "unittest.rst").read_text(encoding="utf-8")
ORDERS = "https://api.example.com/orders"


class UnittestPageTest(unittest.TestCase):
    def setUp(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None, CASSETTES_USED=None)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(folder.name)

    def run_module(self, path: Path, *, live: bool) -> None:
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
        self.addCleanup(sys.modules.pop, path.stem, None)
        result = unittest.TestResult()
        with responses.RequestsMock(assert_all_requests_are_fired=False) as service:
            if live:
                service.get(ORDERS, json=[{"id": 7}])
                service.post(ORDERS, json={"id": 8}, status=201)
            spec.loader.exec_module(module)
            tests_in(module).run(result)
            self.assertEqual(bool(service.calls), live)
        self.assertTrue(result.wasSuccessful(), problems(result))
        self.assertGreater(result.testsRun, 0)

    def test_every_block_records_and_then_replays(self) -> None:
        blocks = re.findall(r"\.\. code-block:: python\n\n((?:   .*\n|\n)+)", PAGE)
        self.assertGreater(len(blocks), 2)
        for number, block in enumerate(blocks):
            path = Path(f"block_{number}", f"test_page_{number}.py").resolve()
            path.parent.mkdir()
            path.write_text(textwrap.dedent(block), encoding="utf-8")
            with self.subTest(number=number), contextlib.chdir(path.parent):
                self.run_module(path, live=True)
                self.run_module(path, live=False)


def tests_in(module: types.ModuleType) -> unittest.TestSuite:
    return unittest.defaultTestLoader.loadTestsFromModule(module)


if __name__ == "__main__":
    unittest.main()
