"""What the tests of the test cases share."""

from __future__ import annotations

import unittest
from pathlib import Path
from unittest import mock

from tests.recording_support import RecordingTestCase, problems, run_class


class CaseTestCase(RecordingTestCase):
    def setUp(self) -> None:
        super().setUp()
        for name, value in {
            "_source_of_module": lambda module: str(self.folder / (module.rpartition(".")[2] + ".py")), "_claims": {},
        }.items():
            patch = mock.patch(f"cassettes_lib.cassette_paths.{name}", value)
            patch.start()
            self.addCleanup(patch.stop)

    def run_well(self, cls: type[unittest.TestCase]) -> None:
        result = run_class(cls)
        self.assertTrue(result.wasSuccessful(), problems(result))

    @property
    def file(self) -> Path:
        (found,) = self.folder.rglob("*.json")
        return found
