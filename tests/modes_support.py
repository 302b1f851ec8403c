"""What the tests of the modes share."""

from __future__ import annotations

from typing import Any

from cassettes_lib import (
    use_cassette,
)
from tests.recording_support import RecordingTestCase


class ModesTestCase(RecordingTestCase):
    def record(self, *names: str) -> None:
        """Put a cassette with these requests in place."""
        with use_cassette(self.path, mode="record"):
            for name in names or ("one",):
                self.get(name)
        self.server.clear()

    def use(self, *names: str, mode: Any = None, **options: Any) -> list[str]:
        """Make requests in a block, and return the answers."""
        with use_cassette(self.path, mode=mode, **options) as broker:
            answers = [self.get(name) for name in names]
        self.broker = broker
        return answers
