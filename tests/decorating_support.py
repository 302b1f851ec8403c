"""What the tests of decorating share."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

from tests.recording_support import RecordingTestCase


class DecoratedTestCase(RecordingTestCase):
    def in_folder(self) -> None:
        """Let the default cassettes of this module's classes lie in the temporary folder."""
        patch = mock.patch("cassettes_lib.cassette_paths._source_of_module",
                           lambda module: str(self.folder / (module.rpartition(".")[2] + ".py")))
        patch.start()
        self.addCleanup(patch.stop)
        claims = mock.patch("cassettes_lib.cassette_paths._claims", {})
        claims.start()
        self.addCleanup(claims.stop)

    @property
    def files(self) -> list[str]:
        """The cassettes in the folder that default paths lead to."""
        root = self.folder / "cassettes" / type(self).__module__.rpartition(".")[2]
        return sorted(path.relative_to(root).as_posix().rpartition("ShopTest")[2] for path in root.rglob("*.json"))

    def file(self, end: str) -> Path:
        (found,) = self.folder.rglob(f"*{end}.json")
        return found
