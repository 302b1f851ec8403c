"""What the command prints: through `rich` on a terminal where it is installed, plainly otherwise, or as JSON.

Strategy: commands describe (a line, a table, a source text), and the Output decides. Recorded text is not to be
trusted: control characters, which could drive a terminal, are shown as symbols.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TextIO, TypeVar

T = TypeVar("T")

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|[\ud800-\udfff]")


class Output(Protocol):
    """Where a command prints to."""

    def line(self, text: str = "", *, style: str = "") -> None:
        """Print a line."""

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table; columns whose title begins with `>` are right-aligned."""

    def source(self, text: str, language: str) -> None:
        """Print a text, highlighted as JSON, XML or HTML where that is possible."""

    def error(self, text: str) -> None:
        """Print a line on standard error."""

    def progress(self, items: Sequence[T], what: str) -> Iterator[T]:
        """Yield the items, showing how far we are."""

    def document(self, value: Any) -> None:
        """Print the result for programs, where `--json` asks for that."""


def make_output(*, as_json: bool, stream: TextIO | None = None) -> Output:
    """Return the output for this run: JSON, rich, or plain."""
    stream = stream or sys.stdout
    if as_json:
        return JsonOutput(stream)
    if stream.isatty() and os.environ.get("TERM") != "dumb":
        try:
            return RichOutput(stream)
        except ImportError:
            pass
    return PlainOutput(stream)


def printable(text: str) -> str:
    """Return a text with control characters, but for tab and line feed, shown as symbols."""
    return _CONTROL.sub(_symbol, text)


def _symbol(found: re.Match[str]) -> str:
    number = ord(found[0])
    if number < 0x20:
        return chr(0x2400 + number)
    return "\u2421" if number == 0x7F else f"\\u{number:04x}"


class PlainOutput:
    """Prints plain text, for pipes and for terminals without `rich`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def line(self, text: str = "", *, style: str = "") -> None:
        """Print a line."""
        self._print(printable(text))

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print columns of equal width, two spaces apart; the last one is not filled up."""
        names = [title.removeprefix(">") for title in titles]
        cells = [names, *([printable(cell).replace("\n", " ") for cell in row] for row in rows)]
        widths = [max(len(row[column]) for row in cells) for column in range(len(titles))]
        for row in cells:
            padded = [
                cell.rjust(width) if title.startswith(">") else cell.ljust(width)
                for cell, width, title in zip(row, widths, titles, strict=True)
            ]
            self._print("  ".join(padded).rstrip())

    def source(self, text: str, language: str) -> None:
        """Print a text as it is."""
        self._print(printable(text))

    def error(self, text: str) -> None:
        """Print a line on standard error."""
        print(printable(text), file=sys.stderr)

    def progress(self, items: Sequence[T], what: str) -> Iterator[T]:
        """Yield the items; there is no bar in a pipe."""
        yield from items

    def document(self, value: Any) -> None:
        """Print nothing: the lines have said it."""

    def _print(self, text: str) -> None:
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        self._stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")


class JsonOutput:
    """Prints the one document at the end, and nothing else on standard output."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def line(self, text: str = "", *, style: str = "") -> None:
        """Print nothing."""

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print nothing."""

    def source(self, text: str, language: str) -> None:
        """Print nothing."""

    def error(self, text: str) -> None:
        """Print a line on standard error."""
        print(printable(text), file=sys.stderr)

    def progress(self, items: Sequence[T], what: str) -> Iterator[T]:
        """Yield the items."""
        yield from items

    def document(self, value: Any) -> None:
        """Print the document."""
        self._stream.write(json.dumps(value, indent=2) + "\n")


class RichOutput:
    """Prints colours, tables, highlighted sources and progress bars."""

    def __init__(self, stream: TextIO) -> None:
        from rich.console import Console

        self._console = Console(file=stream, highlight=False)
        self._errors = Console(stderr=True, highlight=False)

    def line(self, text: str = "", *, style: str = "") -> None:
        """Print a line."""
        self._console.print(printable(text), style=style or None, markup=False, soft_wrap=True)

    def table(self, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Print a table that fits the terminal."""
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, header_style="bold", pad_edge=False)
        for title in titles:
            name = title.removeprefix(">")
            table.add_column(name, justify="right" if title != name else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        self._console.print(table)

    def source(self, text: str, language: str) -> None:
        """Print a text with its syntax highlighted."""
        from rich.syntax import Syntax

        if language == "text":
            self.line(text)
        else:
            self._console.print(Syntax(printable(text), language, background_color="default", word_wrap=True))

    def error(self, text: str) -> None:
        """Print a line on standard error."""
        self._errors.print(printable(text), style="red", markup=False, soft_wrap=True)

    def progress(self, items: Sequence[T], what: str) -> Iterator[T]:
        """Yield the items under a progress bar."""
        from rich.progress import track

        yield from track(items, description=what, console=self._errors, transient=True)

    def document(self, value: Any) -> None:
        """Print nothing: the lines have said it."""
