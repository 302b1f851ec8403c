"""What one sample does, in a process of its own: `python -m benchmarks.samples '["tool", "sample", {options}]'`.

Each sample returns numbers by name. CPU time is preferred to wall time, which other jobs on the machine disturb more.
"""

from __future__ import annotations

import itertools
import json
import resource
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import requests

from benchmarks.peers import PEERS
from benchmarks.promises import command_to_record, fidelity, killed, record_until_killed, secrets
from benchmarks.server import answer_to, item
from benchmarks.tools import CassettesLib, Exchange, Live, Null, Tool, WithoutRedaction, interaction_of

NULL, LIVE, OURS, BARE = Null(), Live(), CassettesLib(), WithoutRedaction()
MEASURED: dict[str, Tool] = {tool.name: tool for tool in (OURS, *PEERS)}
TOOLS: dict[str, Tool] = {tool.name: tool for tool in (NULL, LIVE, BARE)} | MEASURED
Sample = dict[str, float]


class Stopwatch:
    """Adds up CPU and wall time; it stands while another process has its turn, if there is one that takes turns."""

    takes_turns = False

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0
        self._count = 0

    def __enter__(self) -> Self:
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        self.cpu += time.process_time() - self._cpu
        self.wall += time.perf_counter() - self._wall

    def request(self) -> None:
        """Note that a request begins; every 50th waits until it is this process's turn."""
        if self.takes_turns and self._count % 50 == 0:
            self.__exit__()
            print(TURN, flush=True)
            sys.stdin.readline()
            self.__enter__()
        self._count += 1


TURN = "the other's turn"


def exchanges(base: str, content: str, count: int) -> Iterator[Exchange]:
    """Yield `count` exchanges of one kind: item (GET of 1.5 KB JSON), post (the same posted), binary or list."""
    for number in range(count):
        payload = item(number) if content == "post" else None
        target = f"/{'item' if content == 'post' else content}/{number}?page={number % 7}&per_page=50"
        yield Exchange("POST" if payload else "GET", base + target, payload, answer_to(target))


def build(tool: Tool, path: str, base: str, content: str, count: int) -> Sample:
    """Write a cassette."""
    tool.build(path, list(exchanges(base, content, count)))
    return {"MB_of_file": _size(path) / 1e6}


def replay(tool: Tool, path: str, base: str, content: str, count: int, order: str, at_most: int) -> Sample:
    """Ask for the exchanges of a cassette in recorded or reversed order, evenly spread ones if it holds very many.

    The first two requests are not in the figure. Some tools open the cassette with the first; with the second, which
    is not the next one recorded where they are spread or reversed, this library makes its index, once (about 10 us per
    recorded interaction). Divided by the few requests of a sample, that would say more of the sample than of the tool.
    """
    picked = list(itertools.islice(exchanges(base, content, count), 0, None, -(-count // at_most)))
    if order == "reversed":
        picked.reverse()
    bodies = []
    with requests.Session() as session, tool.use(session, path) as used:
        bodies += [exchange.send(used) for exchange in picked[:2]]
        with Stopwatch() as watch:
            for exchange in picked[2:]:
                watch.request()
                bodies.append(exchange.send(used))
    if tool is not NULL and bodies != [each.answer.body for each in picked]:
        raise AssertionError("what was replayed is not what was recorded")
    made = max(1, len(picked) - 2)
    return {"us": watch.cpu * 1e6 / made, "wall_us": watch.wall * 1e6 / made, "requests": len(picked)}


def open_cassette(tool: Tool, path: str, base: str, content: str, count: int) -> Sample:
    """Open a cassette and ask for its first exchange."""
    first = next(exchanges(base, content, 1))
    memory, start = _peak_memory(), time.process_time()
    with requests.Session() as session, tool.use(session, path) as used:
        body = first.send(used)
        cpu = time.process_time() - start
    if body != first.answer.body:
        raise AssertionError("what was replayed is not what was recorded")
    return {"ms": cpu * 1e3, "MB": (_peak_memory() - memory) / 1e6, "MB_of_file": _size(path) / 1e6}


def parse(tool: Tool, path: str) -> Sample:
    """Read the file of a cassette with `json.loads`: the floor of opening it."""
    memory, start = _peak_memory(), time.process_time()
    json.loads(Path(path).read_bytes())
    cpu = time.process_time() - start
    return {"ms": cpu * 1e3, "MB": (_peak_memory() - memory) / 1e6, "MB_of_file": _size(path) / 1e6}


def record(tool: Tool, path: str, base: str, content: str, count: int, deadline: float) -> Sample:
    """Record exchanges with the loopback server, leaving the block included."""
    made, start = 0, time.perf_counter()
    with Stopwatch() as watch, requests.Session() as session, tool.use(session, path, record=True) as used:
        for exchange in exchanges(base, content, count):
            watch.request()
            made += exchange.send(used) == exchange.answer.body
            if time.perf_counter() - start > deadline:
                break
    return {"us": watch.cpu * 1e6 / made, "wall_us": watch.wall * 1e6 / made, "requests": made}


def save(tool: Tool, path: str, base: str, content: str, count: int, saves: int) -> Sample:
    """Add interactions to a cassette of this library that holds `count`; the first save and the median of the rest."""
    from cassettes_lib import Broker, JsonFileCassetteStore

    broker = Broker.from_store(JsonFileCassetteStore(path), "auto", _never)
    times = []
    for exchange in itertools.islice(exchanges(base, content, count + saves + 1), count, None):
        interaction = interaction_of(exchange)
        start = time.process_time_ns()
        broker.record(interaction.request, interaction.response)
        times.append((time.process_time_ns() - start) / 1e3)
    return {"first_us": times[0], "us": statistics.median(times[1:])}


def threads(tool: Tool, path: str, base: str, content: str, count: int, clients: int) -> Sample:
    """Ask for the exchanges of a cassette from several threads that share one session, and from one, by turns.

    A turn is of 100 requests, so that a machine which is fast in one second and slow in the next is so for both. The
    last two requests are made first, and are not in the figure, for the reason that `replay` gives.
    """
    *todo, last_but_one, last = exchanges(base, content, count)
    turns = [todo[start : start + 100] for start in range(0, len(todo), 100)]
    right: list[bool] = []
    walls = {clients: 0.0, 1: 0.0}
    for order in ((clients, 1), (1, clients)):
        with requests.Session() as session, tool.use(session, path) as used:
            last.send(used)
            last_but_one.send(used)
            for turn, pool in zip(turns, itertools.cycle(order)):
                walls[pool] += _answered(used, turn, pool, right)
    if tool is not NULL and sum(right) != 2 * len(todo):
        raise AssertionError(f"{sum(right)} right answers of {2 * len(todo)}")
    return {"us": walls[clients] * 1e6 / len(todo), "floor_us": walls[1] * 1e6 / len(todo)}


def _answered(session: requests.Session, todo: list[Exchange], clients: int, right: list[bool]) -> float:
    """Ask from so many threads, note which answers are right, and return the seconds it took."""
    barrier = threading.Barrier(clients + 1)

    def client(number: int) -> None:
        barrier.wait()
        right.extend([exchange.send(session) == exchange.answer.body for exchange in todo[number::clients]])

    pool = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in pool:
        thread.start()
    barrier.wait()
    start = time.perf_counter()
    for thread in pool:
        thread.join()
    return time.perf_counter() - start


def block(tool: Tool, path: str, blocks: int) -> Sample:
    """Enter and leave a block, without a request in it."""
    times = []
    with requests.Session() as session:
        for _ in range(blocks):
            start = time.perf_counter_ns()
            with tool.use(session, path):
                pass
            times.append((time.perf_counter_ns() - start) / 1e3)
    return {"us": statistics.median(times)}


def read(tool: Tool, path: str, blocks: int) -> Sample:
    """Read and parse a file with `json.loads`: the floor of a block."""
    times = []
    for _ in range(blocks):
        start = time.perf_counter_ns()
        json.loads(Path(path).read_bytes())
        times.append((time.perf_counter_ns() - start) / 1e3)
    return {"us": statistics.median(times)}


def crash(tool: Tool, path: str, base: str, kills: int) -> Sample:
    """Kill processes that record, and count what they left."""
    return killed(tool, path, base, kills, command_to_record(tool, base))


SAMPLES: dict[str, Callable[..., Sample]] = {
    "build": build, "replay": replay, "open": open_cassette, "parse": parse, "record": record, "save": save,
    "threads": threads, "block": block, "read": read,
    "crash": crash, "fidelity": fidelity, "secrets": secrets,
}


def _peak_memory() -> int:
    """Return the peak of the resident memory of this process so far, in bytes."""
    try:  # unlike ru_maxrss, this does not begin with the peak of the parent
        text = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return int(text.split("VmHWM:")[1].split()[0]) * 1024


def _size(path: str) -> int:
    """Return the bytes of a file, or of a folder's files; those of none are 0."""
    files = Path(path).rglob("*") if Path(path).is_dir() else [Path(path)]
    return sum(file.stat().st_size for file in files if file.is_file())


def _never(request: Any) -> Any:
    raise AssertionError("nothing is asked live here")


def main() -> None:
    """Take the sample that the command line asks for, and print it as JSON; or record until this process is killed."""
    if len(sys.argv) == 4:
        name, base, path = sys.argv[1:]
        record_until_killed(TOOLS[name], path, base)
        return
    name, sample, options, Stopwatch.takes_turns = json.loads(sys.argv[1])
    TOOLS[name].missing()  # imports the tool, so that no sample pays for it
    print("\n" + json.dumps(SAMPLES[sample](TOOLS[name], **options)))


if __name__ == "__main__":
    main()
