"""Running the `cassettes` command in this process, and catching what it prints."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Streams:
    """What was printed while `captured` was open."""

    def __init__(self, terminal: bool) -> None:
        self.out: io.StringIO = _Terminal() if terminal else io.StringIO()
        self.err = io.StringIO()

    def texts(self) -> tuple[str, str]:
        return self.out.getvalue(), self.err.getvalue()


@contextmanager
def captured(*, terminal: bool = False) -> Iterator[Streams]:
    """Catch standard output and standard error."""
    streams = Streams(terminal)
    with redirect_stdout(streams.out), redirect_stderr(streams.err):
        yield streams
