"""The conformance test: whatever can be observed is equal, live, while recording, and in replay with the server gone.

Run alone it prints its score: `python -m unittest tests.test_conformance`, or `python -m tests.test_conformance`.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
import unittest
import warnings
from pathlib import Path
from typing import Any, ClassVar
from unittest import mock

from requests.adapters import BaseAdapter, HTTPAdapter

from cassettes_lib import Broker, Cassette, CassetteAdapter, JsonFileCassetteStore, use_cassette
from cassettes_lib.fileformat import print_cassette
from tests.conformance_world import ROWS, Row, World
from tests.loopback import unresponsive_server

for _part in ("response", "raw", "conversations", "failures", "streams", "more"):
    importlib.import_module(f"tests.conformance_{_part}")

_NO_ENVIRONMENT = {
    name: value for name, value in os.environ.items()
    if name.upper() not in ("CI", "CASSETTES_MODE", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
                            "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC")
}


class Score:
    """How many rows were equal, printed at the end."""

    def __init__(self) -> None:
        self.results: dict[str, bool] = {}

    def print(self) -> None:
        groups: dict[str, list[bool]] = {}
        for row in ROWS:
            if row.method_name in self.results:
                groups.setdefault(row.group, []).append(self.results[row.method_name])
        for group, results in groups.items():
            print(f"  {group:<14} {sum(results):>3} of {len(results)}", file=sys.stderr)
        total = [each for results in groups.values() for each in results]
        if total:
            print(f"  equal          {sum(total):>3} of {len(total)}: {sum(total) / len(total):.1%}", file=sys.stderr)


class ConformanceTest(unittest.TestCase):
    """One test for each row of the table."""

    maxDiff = None
    world: ClassVar[World]
    live: ClassVar[dict[str, Any]]
    recorded: ClassVar[dict[tuple[str, str], Any]]
    folder: ClassVar[Path]
    score: ClassVar[Score]

    @classmethod
    def setUpClass(cls) -> None:
        """Observe all rows live and while recording, each from a fresh start, then stop the servers."""
        cls.enterClassContext(mock.patch.dict(os.environ, _NO_ENVIRONMENT, clear=True))
        cls.enterClassContext(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        cls.folder = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.world, cls.live, cls.recorded, cls.score = World(), {}, {}, Score()
        for place in cls.world.places:
            place.start()
            cls.addClassCleanup(place.stop)
        cls.world.silent = cls.enterClassContext(unresponsive_server())
        cls.world.deaf = cls.enterClassContext(unresponsive_server(accepting=False))
        wanted = cls.wanted_rows()
        for row in wanted:
            cls.live[row.method_name] = observed(cls.world, row)
            for way in row.ways:
                cls.recorded[row.method_name, way] = cls.run_row(row, way, "record")
            if "use_cassette" in row.ways:
                cls.recorded[row.method_name, "auto"] = cls.run_row(row, "auto", "auto")
        for place in cls.world.places:
            place.stop()
        cls.addClassCleanup(cls.score.print)

    @classmethod
    def wanted_rows(cls) -> list[Row]:
        """All rows, or those whose name contains CONFORMANCE_ROW."""
        wanted = os.environ.get("CONFORMANCE_ROW", "")
        return [row for row in ROWS if wanted in row.method_name]

    @classmethod
    def run_row(cls, row: Row, way: str, mode: Any) -> Any:
        path = cls.folder / f"{row.method_name}-{way}.json"
        if way != "adapter":
            with use_cassette(path, mode=mode, redact=None, **row.options) as broker:
                result = observed(cls.world, row)
        else:
            exact = row.options.get("preserve_exact_body_bytes", False)
            options = {name: value for name, value in row.options.items() if name != "preserve_exact_body_bytes"}
            broker = Broker.from_store(JsonFileCassetteStore(path), mode, redactor=None, **options)

            def mounted(adapter: HTTPAdapter) -> BaseAdapter:
                return CassetteAdapter(broker, adapter, preserve_exact_body_bytes=exact)

            with mock.patch.object(cls.world, "adapter", mounted):
                result = observed(cls.world, row)
        if way != "auto" and mode == "record" and not path.exists():
            path.write_text(print_cassette(Cassette()))  # the row is about something that is not recorded
        if mode != "record" and not broker.all_played:
            return ("not all played", len(broker.unused), result)
        return result

    def check(self, row: Row) -> None:
        name = row.method_name
        self.score.results[name] = False
        live = self.live[name]
        for way in row.ways:
            self.assertEqual(self.recorded[name, way], live, f"while recording, by {way}")
        if "use_cassette" in row.ways:
            self.assertEqual(self.recorded[name, "auto"], live, "while recording in auto mode")
        for way in row.ways:
            for mode in ("replay", "auto"):
                self.assertEqual(self.run_row(row, way, mode), live, f"in {mode}, by {way}")
        self.score.results[name] = True


def observed(world: World, row: Row) -> Any:
    """One run of a row; an error of its own is an observation, too, so that one row cannot hide the others."""
    with world.row():
        try:
            return row.observe(world)
        except Exception as error:
            return ("raised", repr(error))


def _test_of(row: Row) -> Any:
    def test(self: ConformanceTest) -> None:
        self.check(row)

    test.__doc__ = f"{row.group}: {row.name}"
    return test


for _row in ConformanceTest.wanted_rows():
    setattr(ConformanceTest, _row.method_name, _test_of(_row))


class TableTest(unittest.TestCase):
    def test_no_two_rows_have_one_name(self) -> None:
        names = [row.method_name for row in ROWS]
        self.assertEqual(sorted(set(names)), sorted(names))

    def test_no_row_fails_live(self) -> None:
        """A row that raises by itself would compare equal and show nothing."""
        failing = {name: live for name, live in ConformanceTest.live.items() if isinstance(live, tuple)
                   and live[:1] == ("raised",)}
        self.assertEqual(failing, {})


if __name__ == "__main__":
    unittest.main()
