"""Takes samples of several tools in interleaved rounds, each in a process of its own, and compares them by medians.

Where a ratio near one is to be told, the processes of the two that are compared take turns within a sample, too.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.samples import TOOLS, TURN, Sample
from benchmarks.server import start_server
from benchmarks.tools import Tool

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Case:
    """One cell of a table: how to take a sample of it."""

    row: str
    column: str
    take: Callable[[], Sample | None]


@dataclass(frozen=True)
class Cell:
    """The median of the samples of a case, and the median of its ratios to the reference, round by round."""

    value: float
    ratio: float | None


@dataclass
class Table:
    """Figures of one kind, a row per tool.

    Attributes:
        title: What is measured.
        unit: Of the values.
        reference: What the ratios are to.
        limits: Per column, the ratio that this library is to stay within.
        cells: Per row and column, the figure; absent where it could not be taken.
    """

    title: str
    unit: str
    reference: str
    limits: dict[str, float] = field(default_factory=dict)
    cells: dict[tuple[str, str], Cell] = field(default_factory=dict)

    @property
    def columns(self) -> list[str]:
        return list(dict.fromkeys(column for _, column in self.cells))

    @property
    def rows(self) -> list[str]:
        return list(dict.fromkeys(row for row, _ in self.cells))


@dataclass
class Options:
    """What a run covers; the defaults are the quick run."""

    tools: list[str]
    sizes: list[int] = field(default_factory=lambda: [100, 1_000, 10_000, 100_000])
    record_sizes: list[int] = field(default_factory=lambda: [100, 1_000])
    rounds: int = 3
    requests: int = 2_000
    patience: float = 60.0
    kills: int = 5


class Bench:
    """The processes, the cassettes and the samples of one run."""

    def __init__(self, options: Options) -> None:
        """Start the loopback server, and import each tool once to see whether it is here."""
        self.options = options
        self.skipped: list[str] = []
        self.samples: list[dict[str, Any]] = []
        self.folder = Path(tempfile.mkdtemp(prefix="cassettes-bench-"))
        self._cassettes: dict[tuple[str, str, int], str | None] = {}
        # requests walks os.environ twice per request, so every process gets the same small environment.
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPYCACHEPREFIX")
                if name in os.environ}
        self.environment = {**kept, "PYTHONPATH": str(ROOT)}
        self.tools = [TOOLS[name] for name in options.tools if self._is_here(TOOLS[name])]
        self._server, self.base = start_server()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server and remove the cassettes."""
        self._server.kill()
        self._server.communicate()
        shutil.rmtree(self.folder, ignore_errors=True)

    def sample(self, tool: Tool, kind: str, /, **options: Any) -> Sample | None:
        """Take one sample in a process of its own; None, and a note in `skipped`, when that fails."""
        try:
            done = subprocess.run(
                _command(tool, kind, options), capture_output=True, text=True, env=self.environment, cwd=ROOT,
                timeout=self.options.patience * 4,
            )
        except subprocess.TimeoutExpired as error:
            self._skip(f"{tool.name}, {kind}: no answer after {error.timeout:.0f} s")
            return None
        if done.returncode:
            why = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
            self._skip(f"{tool.name}, {kind}: {why[:300]}")
            return None
        sample: Sample = json.loads(done.stdout.splitlines()[-1])
        return sample

    def beside(
        self, tool: Tool, kind: str, options: dict[str, Any], reference: Tool, its_options: dict[str, Any]
    ) -> Sample | None:
        """Take a sample of a tool and one of a reference, in two processes that take turns of 50 requests.

        A machine that is fast in one second and slow in the next, because of its neighbours, is so for both.

        Returns:
            The tool's sample, with the values of the reference by their names behind `floor_`; None as for `sample`.
        """
        if tool is reference:
            sample = self.sample(tool, kind, **options)
            return sample and _with_floor(sample, sample)
        with ExitStack() as stack:
            both = [stack.enter_context(_Turns(each, kind, its, self.environment))
                    for each, its in ((tool, options), (reference, its_options))]
            timer = threading.Timer(self.options.patience * 4, _kill, both)
            stack.callback(timer.cancel)
            timer.start()
            while any(each.goes_on for each in both):
                for each in both:
                    each.take()
            samples = []
            for name, each in zip((tool.name, reference.name), both, strict=True):
                if each.sample is None:
                    self._skip(f"{name}, {kind}: {each.why()}")
                    return None
                samples.append(each.sample)
            return _with_floor(*samples)

    def run(self, statement: str) -> Sample:
        """Run a statement as a whole Python process."""
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], env=self.environment, cwd=ROOT, check=True)
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return {"ms": cpu * 1e3, "wall_ms": wall * 1e3}

    def fresh(self, tool: Tool, stem: str) -> str:
        """Return the path of a cassette that is not there yet."""
        return str(self.folder / f"{stem}-{tool.name}-{random.getrandbits(48):012x}{tool.suffix}")

    def cassette(self, tool: Tool, content: str, count: int) -> str | None:
        """Return the path of a cassette of `count` exchanges, built once per run; None when that fails."""
        key = tool.name, content, count
        if key not in self._cassettes:
            path = self.fresh(tool, f"{content}{count}")
            built = self.sample(tool, "build", path=path, base=self.base, content=content, count=count)
            self._cassettes[key] = path if built else None
        return self._cassettes[key]

    def rounds(self, name: str, cases: Sequence[Case], rounds: int | None = None) -> Results:
        """Take a sample of every case in each round, in alternating order; a case that failed is not tried again."""
        alive = list(cases)
        results = Results()
        total = rounds or self.options.rounds
        for number in range(total):
            for case in alive[:: -1 if number % 2 else 1]:
                sample = case.take()
                if sample is None:
                    alive.remove(case)
                else:
                    results.setdefault((case.row, case.column), []).append(sample)
                    self.samples.append({"workload": name, "tool": case.row, "case": case.column, **sample})
            print(f"  {name}: round {number + 1} of {total}", file=sys.stderr, flush=True)
        keys = [(case.row, case.column) for case in cases]
        return Results({key: results[key] for key in keys if key in results})

    def _is_here(self, tool: Tool) -> bool:
        why = tool.missing()
        if why:
            self._skip(f"{tool.name}: {why}")
        return not why

    def _skip(self, what: str) -> None:
        self.skipped.append(what)
        print(f"  skipped {what}", file=sys.stderr, flush=True)


def _command(tool: Tool, kind: str, options: dict[str, Any], *, takes_turns: bool = False) -> list[str]:
    return [sys.executable, "-m", "benchmarks.samples", json.dumps([tool.name, kind, options, takes_turns])]


def _with_floor(sample: Sample, floor: Sample) -> Sample:
    return {**sample, **{f"floor_{name}": value for name, value in floor.items()}}


def _kill(*processes: _Turns) -> None:
    for each in processes:
        each.process.kill()


class _Turns:
    """A process that takes a sample, and stops before its turns."""

    def __init__(self, tool: Tool, kind: str, options: dict[str, Any], environment: dict[str, str]) -> None:
        self.sample: Sample | None = None
        self.process = subprocess.Popen(
            _command(tool, kind, options, takes_turns=True), env=environment, cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        self.goes_on = self._listen()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def take(self) -> None:
        """Give the process its turn, and wait for the end of that."""
        if self.goes_on:
            assert self.process.stdin
            self.process.stdin.write("\n")
            self.process.stdin.flush()
            self.goes_on = self._listen()

    def why(self) -> str:
        """Return why there is no sample."""
        lines = self.process.communicate()[1].strip().splitlines()
        return lines[-1][:300] if lines else f"exit status {self.process.returncode}"

    def _listen(self) -> bool:
        """Read to the end of the turn; return whether there is a further one."""
        assert self.process.stdout
        for line in self.process.stdout:
            if line.startswith(TURN):
                return True
            if line.startswith("{"):
                self.sample = json.loads(line)
        return False


class Results(dict[tuple[str, str], list[Sample]]):
    """The samples of each row and column, one per round."""

    def fill(
        self, table: Table, value: str, reference: Callable[[str, str], tuple[str, str]], *,
        to: str | None = None, hide: Collection[str] = (),
    ) -> Table:
        """Fill a table.

        Args:
            table: What is filled, and returned.
            value: The name of the value in the samples.
            reference: Gives the row and column of what a row and column is compared with.
            to: The name of the value that it is compared with, if another one.
            hide: Rows that are references only.
        """
        for (row, column), samples in self.items():
            if row in hide:
                continue
            others = self.get(reference(row, column), [])
            ratios = [mine[value] / other[to or value] for mine, other in zip(samples, others, strict=False)
                      if other[to or value]]
            median = statistics.median(sample[value] for sample in samples)
            table.cells[row, column] = Cell(median, statistics.median(ratios) if ratios else None)
        return table
