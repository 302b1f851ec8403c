"""Samples of what no clock shows: what a kill leaves, how equal a replay is, which secrets a cassette holds.

Strategy: the conversations and the planted secrets are those of this library's own tests, and every tool records them
with its defaults. Each session gets a cassette of its own, for the sake of tools that take charge of one session.
"""

from __future__ import annotations

import base64
import os
import random
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import requests
from requests.adapters import HTTPAdapter

from benchmarks.server import answer_to
from benchmarks.tools import Exchange, Tool

_MOST = 5_000
_LONGEST = 5.0  # seconds that a row may take: some tools replay some bodies without an end
# Their URLs are secrets because of the host, which is the loopback's here.
_TOLD_BY_HOST = {"hooks.slack.com", "discord.com"}


def killed(tool: Tool, path: str, base: str, kills: int, command: list[str]) -> dict[str, float]:
    """Kill processes that record, and replay what they left.

    Args:
        tool: Records and replays.
        path: Where cassettes may be put.
        base: The URL of the server.
        kills: How many processes.
        command: Starts the recording of a cassette whose path is put behind it; see `record_until_killed`.
    """
    returned = kept = opened = 0
    for number in range(kills):
        target = _numbered(path, number)
        process = subprocess.Popen([*command, target], stdout=subprocess.PIPE)
        assert process.stdout is not None
        made = len(process.stdout.read(random.randint(50, 250)))
        process.kill()
        made += len(process.communicate()[0])
        found = _replayed(tool, target, base, made)
        returned, kept, opened = returned + made, kept + found, opened + bool(found)
    return {"returned": returned, "kept": kept, "opened": opened, "kills": kills}


def record_until_killed(tool: Tool, path: str, base: str) -> None:
    """Record, and write one character to stdout for each response that has been returned."""
    with requests.Session() as session, tool.use(session, path, record=True) as used:
        for exchange in _items(base, _MOST):
            if exchange.send(used) == exchange.answer.body:
                os.write(1, b"+")


def _replayed(tool: Tool, path: str, base: str, count: int) -> int:
    """Return how many of the first exchanges a cassette replays."""
    found = 0
    with warnings.catch_warnings(), suppress(Exception), requests.Session() as session:
        warnings.simplefilter("ignore")
        with tool.use(session, path) as used:
            for exchange in _items(base, count):
                with suppress(Exception):
                    found += exchange.send(used) == exchange.answer.body
    return found


def _items(base: str, count: int) -> Iterator[Exchange]:
    for number in range(count):
        yield Exchange("GET", f"{base}/item/{number}", None, answer_to(f"/item/{number}"))


def fidelity(tool: Tool, path: str) -> dict[str, float]:
    """Compare what is observed live with what is observed in replay, where the servers are gone.

    The rows are those of tests/test_conformance.py that need no option of this library and make their own sessions.
    """
    from tests.conformance_world import ROWS, Row, World
    from tests.loopback import unresponsive_server
    from tests.test_conformance import observed

    class Charged(World):
        """Puts the tool in charge of every session."""

        record: bool | None = None

        def session(self, adapter: HTTPAdapter | None = None) -> requests.Session:
            session = super().session(adapter)
            self.number += 1
            if self.record is None:
                return session
            used: requests.Session = self.keep(tool.use(session, _numbered(self.path, self.number), record=self.record))
            return used

        def run(self, row: Row, record: bool | None) -> Any:
            self.path, self.number, self.record = _numbered(path, ROWS.index(row)), 0, record
            signal.setitimer(signal.ITIMER_REAL, _LONGEST)
            try:
                return observed(self, row)
            except Exception as error:  # noqa: BLE001 - a tool that cannot save says so when the row is left
                return "raised", repr(error)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)

    world = Charged()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, _give_up)
    with unresponsive_server() as world.silent, unresponsive_server(accepting=False) as world.deaf:
        for place in world.places:
            place.start()
        live = []
        for row in ROWS:
            if "use_cassette" in row.ways and not row.options:
                observation = world.run(row, None)
                if world.number:  # else it is about sessions that requests makes itself
                    live.append((row, observation))
        for row, _ in live:
            world.run(row, record=True)
        for place in world.places:
            place.stop()
        equal = sum(world.run(row, record=False) == observation for row, observation in live)
    return {"equal": equal, "rows": len(live)}


def _give_up(*_: object) -> None:
    raise RuntimeError("the row does not end")


def secrets(tool: Tool, path: str) -> dict[str, float]:
    """Record conversations with a secret in each, and look for it on the cassette.

    It is looked for plain, percent-encoded and in base64. A conversation that the tool cannot record does not count.
    """
    from tests.loopback import LoopbackServer
    from tests.loopback_messages import Reply
    from tests.secrets_more import MORE_PLANTED
    from tests.secrets_table import PLANTED

    left = stored = 0
    with LoopbackServer() as server:
        for number, planted in enumerate((*PLANTED, *MORE_PLANTED)):
            request, response = planted.interaction.request, planted.interaction.response
            parts = urlsplit(request.url)
            if response is None or str(parts.hostname) in _TOLD_BY_HOST:
                continue
            reply = Reply(response.status, headers=list(response.headers), body=response.body)
            server.script(parts.path, reply)
            target = _numbered(path, number)
            user, at, _ = parts.netloc.rpartition("@")
            url = parts._replace(scheme="http", netloc=user + at + urlsplit(server.url).netloc).geturl()
            with suppress(Exception), requests.Session() as session, tool.use(session, target, record=True) as used:
                used.trust_env = False
                used.request(request.method, url, headers=dict(request.headers), data=request.body)
            if Path(target).is_file():
                text = Path(target).read_bytes()
                stored += 1
                left += any(form in text for secret in planted.secrets for form in _forms(secret))
    return {"left": left, "stored": stored}


def _forms(secret: str) -> Iterator[bytes]:
    plain = secret.encode()
    yield plain
    yield quote(secret, safe="").encode()
    for before in range(3):  # what stands before it shifts the letters of base64
        encoded = base64.b64encode(bytes(before) + plain)[(before * 8 + 5) // 6 : (before + len(plain)) * 8 // 6]
        if len(encoded) >= 8:
            yield encoded


def _numbered(path: str, number: int) -> str:
    stem, suffix = os.path.splitext(path)
    return f"{stem}-{number}{suffix}"


def command_to_record(tool: Tool, base: str) -> list[str]:
    """Return the command that `killed` takes."""
    return [sys.executable, "-m", "benchmarks.samples", tool.name, base]
