"""Prints what one save costs against the size of the cassette: python benchmarks/saving.py [--counts 100,1000,10000]

For each number of interactions (JSON of 1.5 KB) a cassette is recorded from nothing, saved after each interaction, in a
process of its own, and the last hundred saves are timed. "Total" is the time of all saves together; the exponent says
how it grows with the number of interactions: 1.0 is linear, 2.0 what a store does that writes everything each time.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from io import FileIO
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from cassettes_lib import files
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, InteractionResponse
from cassettes_lib.stores import JsonFileCassetteStore


def an_interaction(number: int, size: int) -> Interaction:
    """Return an exchange whose JSON body has about `size` bytes, as an API would give it."""
    items = [{"id": number * 100 + each, "name": f"item {each}", "price": each * 1.5} for each in range(size // 48)]
    body = json.dumps({"page": number, "items": items}, separators=(",", ":")).encode()
    return Interaction.model_validate(
        {
            "recorded_at": "2026-11-23T10:40:00Z",
            "request": InteractionRequest(
                method="GET", url=f"https://api.example.com/items?page={number}",
                headers=(("Accept", "*/*"), ("User-Agent", "python-requests/2.32.3")),
            ),
            "response": InteractionResponse(
                status=200, reason="OK", body=body,
                headers=(("Content-Type", "application/json"), ("Content-Length", str(len(body)))),
            ),
        }
    )


def sample(count: int, size: int, durable: bool) -> dict[str, float]:
    """Record a cassette and return the figures: seconds of CPU and of the clock, bytes written."""
    interactions = [an_interaction(number, size) for number in range(count)]
    written = [0]
    original = files._write_all

    def counting(file: FileIO, start: int, text: bytes) -> None:
        written[0] += len(text)
        original(file, start, text)

    files._write_all = counting
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "cassette.json")
        store, cassette = JsonFileCassetteStore(path, durable=durable), Cassette()
        each: list[float] = []
        began, cpu = time.perf_counter(), time.process_time()
        for interaction in interactions:
            started = time.process_time()
            cassette = cassette.plus(interaction)
            store.save(cassette)
            each.append(time.process_time() - started)
        return {
            "count": count, "clock": time.perf_counter() - began, "cpu": time.process_time() - cpu,
            "last": statistics.median(each[-100:]), "written": written[0], "size": os.path.getsize(path),
        }


def exponent(figures: list[dict[str, float]], name: str) -> float:
    """Return the power of the count with which a figure grows, from the smallest count to the largest."""
    first, last = figures[0], figures[-1]
    return math.log(last[name] / first[name]) / math.log(last["count"] / first["count"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="What one save costs against the size of the cassette.")
    parser.add_argument("--counts", default="100,1000,10000", help="how many interactions, comma-separated")
    parser.add_argument("--size", type=int, default=1500, help="bytes of a JSON body")
    parser.add_argument("--durable", action="store_true", help="with fsync")
    parser.add_argument("--rounds", type=int, default=3, help="samples of each, of which the fastest counts")
    parser.add_argument("--sample", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sample:
        print(json.dumps(sample(options.sample, options.size, options.durable)))
        return
    figures = []
    print(f"{'interactions':>12}  {'one save':>9}  {'all saves':>10}  {'written':>10}  {'on disk':>9}   (CPU; MB)")
    for count in map(int, options.counts.split(",")):
        command = [sys.executable, __file__, "--sample", str(count), "--size", str(options.size)]
        command += ["--durable"] * options.durable
        samples = [json.loads(subprocess.check_output(command)) for _ in range(options.rounds)]
        best = min(samples, key=lambda each: float(each["cpu"]))
        figures.append(best)
        print(
            f"{count:12,}  {best['last'] * 1e6:6.0f} us  {best['cpu']:8.3f} s  "
            f"{best['written'] / 1e6:10.2f}  {best['size'] / 1e6:9.2f}"
        )
    if len(figures) > 1:
        print(f"grows with the number of interactions to the power of {exponent(figures, 'cpu'):.2f} (CPU), "
              f"{exponent(figures, 'clock'):.2f} (clock), {exponent(figures, 'written'):.2f} (bytes written)")


if __name__ == "__main__":
    main()
