"""What the tests of the stores share: small cassettes, and a folder of its own for each test."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

from cassettes_lib.models import Cassette, Interaction, Interactions
from cassettes_lib.stores import JsonFileCassetteStore
from tests.support import a_request, a_response, an_interaction


def numbered(number: int, size: int = 10) -> Interaction:
    return an_interaction(a_request(url=f"https://api.example.com/{number}"), a_response(b"x" * size))


def a_cassette_of(*numbers: int) -> Cassette:
    return Cassette(interactions=Interactions(numbered(number) for number in numbers))


class FolderTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.path = self.folder / "cassette.json"

    def store(self, **options: object) -> JsonFileCassetteStore:
        return JsonFileCassetteStore(self.path, **options)  # type: ignore[arg-type]

    def numbers(self, path: Path | None = None) -> list[int]:
        """The numbers of the interactions in the file, which must be whole and valid JSON."""
        document = json.loads((path or self.path).read_bytes())
        self.assertEqual(document["format"], 1)
        return [int(each["request"]["url"].rpartition("/")[2]) for each in document["interactions"]]

    def sessions(self) -> list[str]:
        return [each["session"] for each in json.loads(self.path.read_bytes()).get("incomplete", [])]
