"""Where cassettes are kept: `JsonFileCassetteStore`."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from cassettes_lib.errors import CassetteFormatError, CassetteNotFoundError, CassetteSaveError
from cassettes_lib.fileformat import parse_cassette, print_cassette
from cassettes_lib.models import Cassette


class JsonFileCassetteStore:
    """Keeps a cassette in a JSON file."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def load(self) -> Cassette:
        """Read the file."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            raise CassetteNotFoundError(f"there is no cassette {self.path}", path=str(self.path)) from None
        try:
            return parse_cassette(data.decode("utf-8"), str(self.path))
        except UnicodeDecodeError as error:
            raise CassetteFormatError(f"{self.path} is not UTF-8", path=str(self.path)) from error

    def save(self, cassette: Cassette) -> None:
        """Write the whole file to a temporary one and put it in its place."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=".")
            with open(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(print_cassette(cassette))
            os.replace(temporary, self.path)
        except OSError as error:
            raise CassetteSaveError(f"{self.path} cannot be written: {error}", path=str(self.path)) from error
