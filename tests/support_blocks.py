"""Running the code blocks of README and docs: with a service that answers, and then without one."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import sys
import tempfile
import textwrap
import types
import unittest
from collections.abc import Iterator
from pathlib import Path

import requests
import responses
from requests import PreparedRequest

from tests import nursery
from tests.support import with_environment

API = "https://api.example.com"
ORDERS = f"{API}/orders"
TOKEN = "tok-5up3r-53cr3t"
_CHAT = ["Yes", ", it", " is."]
_Answer = tuple[int, dict[str, str], str]


def blocks(text: str, language: str) -> list[str]:
    """Return the code blocks of a page in reStructuredText that are in a language."""
    found = re.findall(rf"\.\. code-block:: {language}\n\n((?:   .*\n|\n)+)", text)
    return [textwrap.dedent(each).strip() + "\n" for each in found]


def commands(text: str) -> list[tuple[str, str]]:
    """Return the commands shown in the console blocks of a page, with their outputs."""
    found = []
    for block in blocks(text, "console"):
        for shown in re.split(r"(?m)^\$ ", block)[1:]:
            command, _, output = shown.partition("\n")
            found.append((command, output))
    return found


def output_of_script(code: str, *, live: bool) -> str:
    """Run code as the script of a process, in the current folder; return all it prints, to either stream."""
    world = "the_service" if live else "no_service"
    path = Path("script.py")
    path.write_text(code, encoding="utf-8")
    start = (
        "import runpy, sys, tests.support_blocks as b\nsys.stdout.reconfigure(line_buffering=True)\n"
        f"with b.{world}(): runpy.run_path({str(path)!r})"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), *sys.path])}
    return nursery.run("-c", start, cwd=Path.cwd(), env=environment, errors_too=True).stdout


def _echo(request: PreparedRequest) -> _Answer:
    body = request.body
    return 200, {"Content-Type": "application/json"}, body.decode() if isinstance(body, bytes) else str(body)


def _upload(request: PreparedRequest) -> _Answer:
    body = request.body
    if body is not None and not isinstance(body, (bytes, str)):
        b"".join(body)
    return 201, {}, ""


def _item(request: PreparedRequest) -> _Answer:
    return 200, {"Content-Type": "application/json"}, f'{{"number": {str(request.url).rpartition("/")[2]}}}'


def _digest(request: PreparedRequest) -> _Answer:
    if "Authorization" in request.headers:
        return 200, {}, "welcome"
    return 401, {"WWW-Authenticate": 'Digest realm="shop", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c0", qop="auth"'}, ""


@contextlib.contextmanager
def the_service() -> Iterator[responses.RequestsMock]:
    """The real service, as far as the pages are concerned."""
    with responses.RequestsMock(assert_all_requests_are_fired=False) as service:
        service.get("https://api.github.com/zen", body="Keep it logically awesome.")
        service.get(ORDERS, json=[{"id": 7}])
        service.post(ORDERS, json={"id": 8}, status=201)
        service.post(f"{API}/login", json={"access_token": TOKEN, "token_type": "Bearer"})
        service.get(f"{API}/me", json={"name": "Ada"})
        for state in ("pending", "pending", "done"):
            service.get(f"{API}/jobs/1", json={"state": state})
        service.get(f"{API}/flaky", status=503)
        service.get(f"{API}/flaky", json={})
        service.get(f"{API}/down", body=requests.ConnectionError("no route"))
        events = "".join(f'data: {{"delta": "{word}"}}\n\n' for word in _CHAT) + "data: [DONE]\n\n"
        service.post(f"{API}/chat", body=events, content_type="text/event-stream")
        service.get(f"{API}/events", body="data: 1\n\ndata: 2\n\n", content_type="text/event-stream")
        service.add_callback("POST", f"{API}/echo", _echo)
        service.add_callback("GET", f"{API}/digest", _digest)
        service.add_callback("POST", f"{API}/upload", _upload)
        service.add_callback("GET", re.compile(rf"{re.escape(API)}/items/\d+"), _item)
        yield service


@contextlib.contextmanager
def no_service() -> Iterator[responses.RequestsMock]:
    """The same world without the service: whatever is sent is an error."""
    with responses.RequestsMock() as nothing:
        yield nothing


class BlocksTestCase(unittest.TestCase):
    """Runs in a folder of its own, with an environment that says nothing about modes."""

    def setUp(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None, CASSETTES_USED=None)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.addCleanup(os.chdir, Path.cwd())
        os.chdir(folder.name)

    def run_block(self, name: str, code: str) -> None:
        """Run a block as the module it would be; the tests it defines, too."""
        path = Path(f"{name}.py").resolve()
        path.write_text(code, encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[name] = importlib.util.module_from_spec(spec)
        self.addCleanup(sys.modules.pop, name, None)
        with contextlib.redirect_stdout(io.StringIO()):
            spec.loader.exec_module(module)
        result = unittest.TextTestRunner(stream=io.StringIO()).run(tests_in(module))
        self.assertEqual([text for _, text in (*result.failures, *result.errors)], [])


def tests_in(module: types.ModuleType) -> unittest.TestSuite:
    """Return the tests of a module."""
    return unittest.defaultTestLoader.loadTestsFromModule(module)
