"""`cassettes show`: a cassette as a table, one interaction whole, or all of it as text for `git diff`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from cassettes_lib.cli_files import load
from cassettes_lib.cli_output import Output, PlainOutput
from cassettes_lib.cli_text import counted, outcome, page, row, when
from cassettes_lib.errors import CassetteLoadError
from cassettes_lib.fileformat import interaction_to_entry
from cassettes_lib.models import Cassette

_TITLES = (">#", "method", "url", "status", "type", ">size", "when")


def add_show(commands: Any) -> None:
    """Add the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "show",
        help="look at a cassette",
        description="Show a cassette as a table, or one of its interactions whole, its bodies made readable.",
    )
    parser.add_argument("path", metavar="PATH", type=Path, help="a cassette")
    parser.add_argument("number", metavar="N", type=int, nargs="?", help="the interaction to show whole, from 1 on")
    parser.add_argument(
        "--textconv", action="store_true",
        help="print all of it as plain text, and a file that is no cassette as it is: for git's diff.*.textconv",
    )
    parser.set_defaults(run=run_show)


def run_show(arguments: argparse.Namespace, output: Output) -> int:
    """Print what was asked for, and return the exit code."""
    if arguments.textconv:
        return _textconv(arguments.path)
    cassette = load(arguments.path)
    if arguments.number is None:
        _show_table(arguments.path, cassette, output)
        return 0
    if not 1 <= arguments.number <= len(cassette.interactions):
        output.error(f"{arguments.path} has no interaction {arguments.number}: it has {len(cassette.interactions)}")
        return 2
    _show_interaction(cassette, arguments.number, output)
    return 0


def _show_table(path: Path, cassette: Cassette, output: Output) -> None:
    count = len(cassette.interactions)
    output.table(_TITLES, (row(number, each) for number, each in enumerate(cassette.interactions, start=1)))
    output.line(f"{path}: {counted(count, 'interaction')}" + _marks(cassette))
    output.document({
        "path": str(path),
        "incomplete": bool(cassette.incomplete),
        "interactions": [
            {
                "number": number,
                "method": each.request.method,
                "url": each.request.url,
                "status": each.response.status if each.response else None,
                "failure": each.failure.error if each.failure else None,
                "content_type": each.response.header("Content-Type") if each.response else None,
                "size": len(each.response.body) if each.response else None,
                "recorded_at": each.recorded_at.isoformat() if each.recorded_at else None,
            }
            for number, each in enumerate(cassette.interactions, start=1)
        ],
    })


def _marks(cassette: Cassette) -> str:
    return ", incomplete: a recording of it has not ended well" if cassette.incomplete else ""


def _show_interaction(cassette: Cassette, number: int, output: Output) -> None:
    interaction = cassette.interactions[number - 1]
    moment = when(interaction)
    output.line(f"interaction {number} of {len(cassette.interactions)}" + (f", recorded {moment}" if moment else ""))
    for language, text in page(interaction):
        output.line()
        output.source(text, language)
    output.document(interaction_to_entry(interaction))


def _textconv(path: Path) -> int:
    """Print a cassette as text that compares well line by line; git wants exit code 0 whatever the file holds."""
    output = PlainOutput(sys.stdout)
    try:
        cassette = load(path)
    except CassetteLoadError:
        sys.stdout.flush()
        sys.stdout.buffer.write(path.read_bytes() if path.exists() else b"")
        return 0
    if cassette.incomplete:
        output.line("incomplete")
    for interaction in cassette.interactions:
        output.line(f"=== {interaction.request.method} {interaction.request.url} -> {outcome(interaction)}")
        for language, text in page(interaction):
            output.source(text, language)
            output.line()
    return 0
