"""The workloads: which samples are taken of which tools, and the tables of figures that come of them.

The limits are those the library sets itself, as ratios to a reference that is measured in the same rounds.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from benchmarks.harness import Bench, Case, Table
from benchmarks.samples import BARE, LIVE, NULL, OURS, Sample
from benchmarks.tools import Tool

Take = Callable[[], Sample | None]

DEPENDENCIES = "import requests; from pydantic import BaseModel"


def replay(bench: Bench) -> Iterator[Table]:
    """Item 1: GET of 1.5 KB JSON from cassettes of growing size, in recorded and in reversed order."""
    table = Table("Replay of a GET, CPU", "us", "null", {})
    for count in bench.options.sizes:
        cases = list(_replays(bench, "item", count, ("recorded", "reversed"), f"{count:,} "))
        results = bench.rounds(f"replay {count:,}", cases)
        results.fill(table, "us", _itself, to="floor_us")
    table.limits = dict.fromkeys(table.columns, 1.7)
    yield table


def post(bench: Bench) -> Iterator[Table]:
    """Item 1: POST of 1.5 KB JSON."""
    results = bench.rounds("post", list(_replays(bench, "post", _middle(bench), ("recorded", "reversed"))))
    table = Table("Replay of a POST with 1.5 KB of JSON, CPU", "us", "null", {"recorded": 2.2, "reversed": 2.2})
    yield results.fill(table, "us", _itself, to="floor_us")


def binary(bench: Bench) -> Iterator[Table]:
    """Item 1: a body of 1 MB beside the live server."""
    cases = list(_replays(bench, "binary", 20, ("recorded",), reference=LIVE))
    results = bench.rounds("binary", cases, bench.options.rounds + 2)
    table = Table("Replay of a binary body of 1 MB, CPU", "us", "live, without the server", {"recorded": 0.6})
    yield results.fill(table, "us", _itself, to="floor_us")


def opening(bench: Bench) -> Iterator[Table]:
    """Item 2: opening a cassette and asking for its first exchange, beside `json.loads` of the file."""
    count = max((size for size in bench.options.sizes if size <= 10_000), default=bench.options.sizes[0])
    column = f"{count:,}"
    cases, floors = [], []
    for tool, path in _cassettes(bench, "item", count):
        cases.append(Case(tool.name, column, _take(bench, tool, "open", path=path, content="item", count=count)))
        if tool.suffix == ".json" and tool.records:
            floors.append(f"json.loads of {tool.name}")
            cases.append(Case(floors[-1], column, _take(bench, tool, "parse", path=path)))
    results = bench.rounds("open", cases)
    table = Table("Opening a cassette and its first request, CPU", "ms", "json.loads of the file", {column: 2.0})
    yield results.fill(table, "ms", lambda row, column: (f"json.loads of {row}", column), hide=floors)
    table = Table("Opening a cassette, peak memory above the process before", "MB", "size of its file", {column: 3.0})
    yield results.fill(table, "MB", lambda row, column: (row, column), to="MB_of_file")


def record(bench: Bench) -> Iterator[Table]:
    """Item 3: what recording adds to plain live traffic."""
    titles = {"us": "Recording 1.5 KB, CPU per interaction", "wall_us": "Recording 1.5 KB, wall per interaction"}
    tables = {value: Table(title, "us", "live, without a tool", {}) for value, title in titles.items()}
    for count in bench.options.record_sizes:
        cases = [
            Case(tool.name, f"{count:,}", _record(bench, tool, count, reference=LIVE))
            for tool in [LIVE, *bench.tools] if tool.records
        ]
        results = bench.rounds(f"record {count:,}", cases)
        for value, table in tables.items():
            results.fill(table, value, _itself, to=f"floor_{value}")
    tables["us"].limits = dict.fromkeys(tables["us"].columns, 1.6)
    yield from tables.values()


def save(bench: Bench) -> Iterator[Table]:
    """Item 3: the cost of one save to cassettes of growing size."""
    sizes = [1, *(size for size in bench.options.sizes if size <= 10_000)]
    cases = []
    for count in sizes:
        cases += [Case(tool.name, f"{count:,}", _save(bench, tool, path, count))
                  for tool, path in _cassettes(bench, "item", count, [OURS] if OURS in bench.tools else [])]
    results = bench.rounds("save", cases)
    limits = dict.fromkeys((f"{size:,}" for size in sizes[1:]), 1.3)
    table = Table("One save to a cassette of that size, CPU", "us", "a save to a cassette of one", limits)
    yield results.fill(table, "us", lambda row, column: (row, "1"))


def imports(bench: Bench) -> Iterator[Table]:
    """Item 4: importing the library, as a whole process."""
    column = "import"
    cases = [Case(DEPENDENCIES, column, _run(bench, DEPENDENCIES))]
    cases += [
        Case(tool.name, column, _run(bench, f"import requests, {tool.module}"))
        for tool in {tool.module: tool for tool in reversed(bench.tools)}.values()
    ]
    results = bench.rounds("import", cases, bench.options.rounds * 4 + 1)
    table = Table("Importing, whole process, CPU", "ms", DEPENDENCIES, {column: 1.1})
    yield results.fill(table, "ms", lambda row, column: (DEPENDENCIES, column))


def threads(bench: Bench) -> Iterator[Table]:
    """Item 5: eight threads on one cassette beside one thread."""
    count = _middle(bench)
    column = "8 threads"
    cases = [
        Case(tool.name, column, _take(bench, tool, "threads", path=path, content="item", count=count, clients=8))
        for tool, path in _cassettes(bench, "item", count, [NULL, *bench.tools])
    ]
    results = bench.rounds("threads", cases, bench.options.rounds + 2)
    table = Table("Replay by threads, wall per request over all", "us", "the same tool with 1 thread", {column: 1.0})
    yield results.fill(table, "us", _itself, to="floor_us")


def block(bench: Bench) -> Iterator[Table]:
    """Item 6: entering and leaving a block on a cassette of five."""
    column = "block of 5"
    cases = []
    for tool, path in _cassettes(bench, "item", 5):
        cases.append(Case(tool.name, column, _take(bench, tool, "block", path=path, blocks=200)))
        if tool is OURS:
            cases.append(Case("json.loads", column, _take(bench, tool, "read", path=path, blocks=200)))
    results = bench.rounds("block", cases)
    table = Table("Entering and leaving a block, wall (limit: 1,000 us)", "us", "reading the file with json.loads")
    yield results.fill(table, "us", lambda row, column: ("json.loads", column))


def redaction(bench: Bench) -> Iterator[Table]:
    """Item 7: what redaction costs: this library with it beside the same without it."""
    if OURS not in bench.tools:
        return
    tools, count = [BARE, OURS], _middle(bench)
    cases = list(_replays(bench, "item", count, ("recorded",), "GET ", tools, BARE))
    cases += _replays(bench, "post", count, ("recorded",), "POST ", tools, BARE)
    for tool in tools:
        cases.append(Case(tool.name, "record 1.5 KB", _record(bench, tool, count, reference=BARE)))
        cases.append(Case(tool.name, "record 3 MB", _record(bench, tool, 3, "list", reference=BARE)))
    results = bench.rounds("redaction", cases)
    table = Table("Redaction, CPU per request", "us", "without redaction")
    yield results.fill(table, "us", _itself, to="floor_us")


def crash(bench: Bench) -> Iterator[Table]:
    """What is on the cassette of a process that was killed (SIGKILL) while it recorded."""
    column = "SIGKILL"
    cases = [Case(tool.name, column, _afresh(bench, tool, "crash", kills=bench.options.kills, base=bench.base))
             for tool in bench.tools if tool.records]
    results = bench.rounds("crash", cases)
    table = Table("Interactions on the cassette after a kill", "interactions", "those whose response had returned")
    yield results.fill(table, "kept", lambda row, column: (row, column), to="returned")
    table = Table("Cassettes that can be replayed after a kill", "cassettes", "kills")
    yield results.fill(table, "opened", lambda row, column: (row, column), to="kills")


def fidelity(bench: Bench) -> Iterator[Table]:
    """What of a replayed response is as it was live."""
    table = Table("Observations that are in replay as they were live", "observations", "all")
    yield _promise(bench, "fidelity", table, "equal", "rows")


def secrets(bench: Bench) -> Iterator[Table]:
    """Which secrets stand on the cassette."""
    table = Table("Conversations whose secret stands on the cassette", "conversations", "all stored")
    yield _promise(bench, "secrets", table, "left", "stored")


def _promise(bench: Bench, kind: str, table: Table, value: str, to: str) -> Table:
    """Fill a table of what does not vary from round to round."""
    cases = [Case(tool.name, kind, _afresh(bench, tool, kind))
             for tool in bench.tools if tool.records and tool.name != "interposition"]  # whose adapter is ours
    return bench.rounds(kind, cases, 1).fill(table, value, lambda row, column: (row, column), to=to)


WORKLOADS: dict[str, Callable[[Bench], Iterator[Table]]] = {
    "replay": replay, "post": post, "binary": binary, "open": opening, "record": record, "save": save,
    "import": imports, "threads": threads, "block": block, "redaction": redaction,
    "crash": crash, "fidelity": fidelity, "secrets": secrets,
}


def _middle(bench: Bench) -> int:
    """Return 1,000, or the largest size of a smaller run."""
    return min(1_000, max(bench.options.sizes))


def _itself(row: str, column: str) -> tuple[str, str]:
    return row, column


def _take(bench: Bench, tool: Tool, kind: str, **options: object) -> Take:
    if "content" in options:
        options["base"] = bench.base
    return lambda: bench.sample(tool, kind, **options)


def _afresh(bench: Bench, tool: Tool, kind: str, **options: object) -> Take:
    return lambda: bench.sample(tool, kind, path=bench.fresh(tool, kind), **options)


def _run(bench: Bench, statement: str) -> Take:
    return lambda: bench.run(statement)


def _cassettes(
    bench: Bench, content: str, count: int, tools: Sequence[Tool] | None = None
) -> Iterator[tuple[Tool, str]]:
    """Yield the tools that can hold that many, each with a cassette of `count` exchanges."""
    for tool in bench.tools if tools is None else tools:
        if count <= tool.largest and (path := bench.cassette(tool, content, count)):
            yield tool, path


def _replays(
    bench: Bench, content: str, count: int, orders: tuple[str, ...], prefix: str = "",
    tools: Sequence[Tool] | None = None, reference: Tool = NULL,
) -> Iterator[Case]:
    floor = bench.cassette(reference, content, count)
    for tool, path in _cassettes(bench, content, count, [NULL, LIVE, *bench.tools] if tools is None else tools):
        for order in orders:
            options = {"content": content, "count": count, "order": order, "at_most": bench.options.requests,
                       "base": bench.base}
            yield Case(tool.name, prefix + order, partial(
                bench.beside, tool, "replay", {**options, "path": path}, reference, {**options, "path": floor}
            ))  # fmt: skip


def _record(bench: Bench, tool: Tool, count: int, content: str = "item", *, reference: Tool) -> Take:
    options = {"base": bench.base, "content": content, "count": count, "deadline": bench.options.patience}
    return lambda: bench.beside(
        tool, "record", {**options, "path": bench.fresh(tool, "record")},
        reference, {**options, "path": bench.fresh(reference, "record")},
    )


def _save(bench: Bench, tool: Tool, path: str, count: int) -> Take:
    """Save to a copy, so that the next round finds the cassette as it was."""
    def take() -> Sample | None:
        copy = bench.fresh(tool, "save")
        saves = min(200, bench.options.requests)
        shutil.copyfile(path, copy)
        return bench.sample(tool, "save", path=copy, base=bench.base, content="item", count=count, saves=saves)

    return take
