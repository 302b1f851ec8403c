"""The `cassettes` command: converts, shows, checks, compares, redacts, prunes, merges and upgrades cassettes.

Exit codes: 0 when all is well; 1 when something was found (`check`, `diff`) or some files failed; 2 when the command
was used wrongly or could not do its work at all; 130 when it was interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from cassettes_lib._version import __version__
from cassettes_lib.cli_check import add_check
from cassettes_lib.cli_convert import add_convert
from cassettes_lib.cli_diff import add_diff
from cassettes_lib.cli_edit import add_edits
from cassettes_lib.cli_output import make_output, printable
from cassettes_lib.cli_show import add_show
from cassettes_lib.errors import CassetteError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: The words behind the name of the command; those of this process when None.

    Returns:
        The exit code.
    """
    parsed = make_parser().parse_args(arguments)
    try:
        output = make_output(as_json=parsed.json)
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            code: int = parsed.run(parsed, output)
        sys.stdout.flush()
    except CassetteError as error:
        print(f"cassettes: {printable(str(error))}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        # `cassettes show x | head`: the reader has seen enough. Python would complain once more when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    return code


def _show_warning(message: Warning | str, *details: Any, **more: Any) -> None:
    print(f"cassettes: warning: {printable(str(message))}", file=sys.stderr)


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="cassettes",
        description="Look at, check and clean cassettes, and convert recordings of other tools.",
        epilog="Exit codes: 0 all is well; 1 something was found, or some files failed; 2 wrong usage, or nothing "
        "could be done.",
    )
    parser.add_argument("--version", action="version", version=f"cassettes_lib {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in (add_convert, add_show, add_check, add_diff, add_edits):
        add(commands)
    for command in commands.choices.values():
        command.add_argument("--json", action="store_true", help="print the result for programs")
    return parser
