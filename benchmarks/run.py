"""Measures this library beside its peers: python benchmarks/run.py [--tools a,b] [--workloads x,y] [--json out.json]

Every sample is taken in a process of its own, the samples of all tools are interleaved round by round, and ratios are
medians of the ratios within a round. Peers are measured when they are installed: pip install "cassettes-lib[bench]".
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.harness import Bench, Options, Table
from benchmarks.plot import draw, lines_of
from benchmarks.report import document, summary, table_text
from benchmarks.samples import MEASURED
from benchmarks.workloads import WORKLOADS


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks that the command line asks for; 2 when it cannot be understood."""
    args = _parser().parse_args(arguments)
    options = Options(args.tools, args.sizes, args.record_sizes, args.rounds, args.requests, args.patience)
    if args.full:
        options.record_sizes = [*options.record_sizes, 5_000]
        options.rounds, options.requests = max(7, options.rounds), max(10_000, options.requests)
    started, tables = time.time(), list[Table]()
    with Bench(options) as bench:
        for name in args.workloads:
            for table in WORKLOADS[name](bench):
                tables.append(table)
                print(f"{table_text(table)}\n", flush=True)
        print(summary(tables))
        minutes = (time.time() - started) / 60
        print("".join(f"\nskipped {what}" for what in bench.skipped) + f"\n{minutes:.1f} minutes")
        if args.json:
            args.json.write_text(json.dumps(document(bench, tables, minutes), indent=1) + "\n", encoding="utf-8")
    if args.plot:
        replays = [table for table in tables if table.title.startswith("Replay of a GET")]
        if not replays:
            print("--plot needs the workload replay", file=sys.stderr)
            return 2
        args.plot.write_text(draw(lines_of(replays[0])), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=_names(MEASURED), default=list(MEASURED), help="of " + ",".join(MEASURED))
    parser.add_argument(
        "--workloads", type=_names(WORKLOADS), default=list(WORKLOADS), help="of " + ",".join(WORKLOADS)
    )
    parser.add_argument("--json", type=Path, help="write every figure and every sample to this file")
    parser.add_argument("--plot", type=Path, help="draw cost against size of the cassette to this file, as SVG")
    parser.add_argument("--full", action="store_true", help="more rounds, more requests, larger recordings")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sizes", type=_numbers, default=[100, 1_000, 10_000, 100_000], help="of replayed cassettes")
    parser.add_argument("--record-sizes", type=_numbers, default=[100, 1_000])
    parser.add_argument("--requests", type=int, default=2_000, help="asked for at most in one sample of replay")
    parser.add_argument("--patience", type=float, default=60, help="seconds that one recording lasts at most")
    return parser


def _names(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not of {', '.join(known)}")
        return names

    return parse


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
