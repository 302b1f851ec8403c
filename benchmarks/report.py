"""Prints the tables, the summary of what this library promises, and the JSON."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator
from typing import Any

from benchmarks.harness import Bench, Table

OURS = "cassettes_lib"


def table_text(table: Table) -> str:
    """Return a table as text: per cell the value, and the ratio to the reference."""
    width = max(18, *(len(column) + 2 for column in table.columns)) if table.columns else 18
    first = max([22, *(len(row) + 2 for row in table.rows)])
    lines = [f"{table.title} [{table.unit}] (ratio to {table.reference})",
             " " * first + "".join(f"{column:>{width}}" for column in table.columns)]
    lines += [
        f"{row:{first}}" + "".join(f"{_cell(table, row, column):>{width}}" for column in table.columns)
        for row in table.rows
    ]
    return "\n".join(lines)


def summary(tables: Iterable[Table]) -> str:
    """Return what this library promises beside what was measured, one line per figure."""
    lines = ["Limits that cassettes_lib sets itself, as ratios to the references"]
    for title, column, ratio, limit in _promises(tables):
        verdict = "within" if ratio <= limit else "OVER"
        lines.append(f"  {title + ', ' + column:75}{ratio:6.2f}  of at most {limit:.1f}  {verdict}")
    return "\n".join(lines)


def document(bench: Bench, tables: Iterable[Table], minutes: float) -> dict[str, Any]:
    """Return everything that was measured, for JSON."""
    return {
        "python": platform.python_version(), "machine": platform.machine(), "cpus": os.cpu_count(),
        "minutes": round(minutes, 1),
        "tables": [
            {"title": table.title, "unit": table.unit, "reference": table.reference, "limits": table.limits,
             "cells": [{"tool": row, "case": column, "value": cell.value, "ratio": cell.ratio}
                       for (row, column), cell in table.cells.items()]}
            for table in tables
        ],
        "samples": bench.samples, "skipped": bench.skipped,
    }


def _promises(tables: Iterable[Table]) -> Iterator[tuple[str, str, float, float]]:
    for table in tables:
        for column, limit in table.limits.items():
            cell = table.cells.get((OURS, column))
            if cell and cell.ratio is not None:
                yield table.title, column, cell.ratio, limit


def _cell(table: Table, row: str, column: str) -> str:
    cell = table.cells.get((row, column))
    if cell is None:
        return "-"
    value = f"{cell.value:,.0f}" if cell.value >= 100 else f"{cell.value:.1f}"
    return value if cell.ratio is None else f"{value} ({cell.ratio:.2f}x)"
