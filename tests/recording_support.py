"""What the tests of `use_cassette` share: a server that counts, a folder, a clean environment, and suites to run."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests

from cassettes_lib.models import Cassette
from cassettes_lib.stores import JsonFileCassetteStore
from tests import nursery
from tests.loopback import LoopbackServer
from tests.loopback_messages import Hit, Reply
from tests.support import with_environment

PROJECT = Path(__file__).resolve().parent.parent


class RecordingTestCase(unittest.TestCase):
    """Has a server whose answers are numbered (`/count/...`), a folder, and an environment without CI and mode."""

    def setUp(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None, CASSETTES_USED=None, PYTEST_CURRENT_TEST=None)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "cassettes" / "test.json"
        numbers: Iterator[int] = itertools.count(1)
        self.server = LoopbackServer()
        self.server.route("/count", lambda hit: Reply(body=f"{hit.last_segment} {next(numbers)}".encode()))
        self.server.start()
        self.addCleanup(self.server.stop)

    def get(self, name: str = "one") -> str:
        with requests.get(self.server.url_for(f"/count/{name}"), timeout=30) as response:
            return response.text

    @property
    def hits(self) -> list[str]:
        """The last segments of what reached the server."""
        return [hit.last_segment for hit in self.server.hits]

    def set_environment(self, **variables: str | None) -> None:
        with_environment(self, **variables)

    def document(self, path: Path | None = None) -> dict[str, Any]:
        return dict(json.loads((path or self.path).read_text(encoding="utf-8")))

    def recorded(self, path: Path | None = None) -> list[str]:
        """The last segments of the URLs on a cassette."""
        return [entry["request"]["url"].rpartition("/")[2] for entry in self.document(path)["interactions"]]

    def marks(self, path: Path | None = None) -> int:
        return len(self.document(path).get("incomplete", ()))

    def stored(self) -> Cassette:
        return JsonFileCassetteStore(self.path).load()


def hit_name(hit: Hit) -> str:
    return hit.last_segment


def run_test(case: unittest.TestCase) -> unittest.TestResult:
    """Run one test and return its result."""
    result = unittest.TestResult()
    case.run(result)
    return result


def run_class(cls: type[unittest.TestCase]) -> unittest.TestResult:
    """Run the tests of a class as a suite, with the fixtures of the class."""
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(cls).run(result)
    return result


def problems(result: unittest.TestResult) -> str:
    """Return the texts of all that went wrong."""
    return "\n".join(text for _, text in [*result.errors, *result.failures])


def run_python(
    *arguments: str, cwd: Path, check: bool = True, fresh: bool = False, modules: tuple[str, ...] = nursery.USUAL,
    **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run this Python on the package under test, with an environment that says nothing but what is given.

    Unless it is to be a fresh interpreter, one that has imported `modules` is forked for it.
    """
    kept = {name: value for name, value in os.environ.items() if name not in (
        "CI", "CASSETTES_MODE", "CASSETTES_USED", "PYTEST_CURRENT_TEST", "PYTHONWARNINGS"
    )}
    package = os.pathsep.join([str(cwd), os.environ.get("PYTHONPATH", ""), _import_root()])
    env = {**kept, "PYTHONPATH": package, **environment}
    if fresh:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=120
        )
    else:
        done = nursery.run(*arguments, cwd=cwd, env=env, modules=modules)
    if check and done.returncode:
        raise AssertionError(f"{arguments} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done


def _import_root() -> str:
    import cassettes_lib

    return str(Path(cassettes_lib.__file__).resolve().parent.parent)


def swallowing(call: Callable[[], object]) -> None:
    """Call, as application code does that catches everything."""
    try:
        call()
    except Exception:
        pass
