"""Draws the cost of one replayed request against the size of the cassette, both axes logarithmic, as SVG."""

from __future__ import annotations

import math
from html import escape

from benchmarks.harness import Table

Line = list[tuple[float, float]]

_WIDTH, _HEIGHT = 760, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 190, 50, 55
_COLOURS = ("#c0392b", "#2980b9", "#27ae60", "#8e44ad", "#d35400", "#16a085", "#7f8c8d", "#2c3e50", "#b7950b")
_OURS = "cassettes_lib"


def lines_of(table: Table, order: str = "recorded") -> dict[str, Line]:
    """Return per tool the points (interactions on the cassette, cost as a multiple of null) of a replay table."""
    lines: dict[str, Line] = {}
    for (row, column), cell in table.cells.items():
        size, _, its_order = column.partition(" ")
        if its_order == order and cell.ratio:
            lines.setdefault(row, []).append((float(size.replace(",", "")), cell.ratio))
    return lines


def draw(lines: dict[str, Line]) -> str:
    """Return the SVG: a line per tool, its name at the line's end."""
    points = [point for line in lines.values() for point in line]
    if not points:
        raise ValueError("there is nothing to draw: the table has no ratios")
    across = _decades([x for x, _ in points])
    upwards = _decades([y for _, y in points])

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            _LEFT + (math.log10(x) - across[0]) / (across[-1] - across[0]) * (_WIDTH - _LEFT - _RIGHT),
            _HEIGHT - _BOTTOM - (math.log10(y) - upwards[0]) / (upwards[-1] - upwards[0]) * (_HEIGHT - _TOP - _BOTTOM),
        )

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif" '
        'font-size="12" role="img">',
        "<title>Cost of one replayed GET by size of the cassette</title>",
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="24" font-size="15">CPU per replayed GET of 1.5 KB JSON, as multiple of the floor of '
        "requests</text>",
        f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 14}" text-anchor="middle">interactions on the '
        "cassette</text>",
    ]
    for power in across:
        x, _ = at(10.0**power, 10.0 ** upwards[0])
        parts.append(_grid(x, _TOP, x, _HEIGHT - _BOTTOM))
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - _BOTTOM + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in upwards:
        _, y = at(10.0 ** across[0], 10.0**power)
        parts.append(_grid(_LEFT, y, _WIDTH - _RIGHT, y))
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:,g}x</text>')
    labels = _spread({name: at(*line[-1])[1] for name, line in lines.items()})
    for index, (name, line) in enumerate(sorted(lines.items(), key=lambda each: each[0] != _OURS)):
        colour = _COLOURS[index % len(_COLOURS)]
        places = [at(*point) for point in line]
        width = 3 if name == _OURS else 1.5
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{width}" fill="{colour}"/>' for x, y in places]
        weight = ' font-weight="bold"' if name == _OURS else ""
        end, (x, y) = _WIDTH - _RIGHT + 22, places[-1]
        parts.append(f'<path d="M{x + 4:.1f},{y:.1f} L{end - 3},{labels[name]:.1f}" stroke="{colour}" '
                     'stroke-width="0.5" fill="none"/>')
        parts.append(f'<text x="{end}" y="{labels[name] + 4:.1f}" fill="{colour}"{weight}>'
                     f"{escape(name)} {line[-1][1]:.3g}x</text>")
    return "\n".join([*parts, "</svg>", ""])


def _decades(values: list[float]) -> range:
    low, high = math.floor(math.log10(min(values)) + 1e-9), math.ceil(math.log10(max(values)) - 1e-9)
    return range(low, max(high, low + 1) + 1)


def _grid(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def _spread(places: dict[str, float], apart: float = 15.0) -> dict[str, float]:
    """Move labels up where they would overlap with the one below."""
    moved: dict[str, float] = {}
    above = math.inf
    for name, place in sorted(places.items(), key=lambda each: -each[1]):
        above = min(place, above - apart)
        moved[name] = above
    return moved
