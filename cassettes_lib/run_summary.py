"""The summary of a run: what all blocks of this process did, told on stderr when it ends.

Silent when nothing happened that somebody should know: a run that only replayed says nothing, unless
`CASSETTES_MODE` was set for it.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from typing import NamedTuple

from cassettes_lib.modes import MODE_VARIABLE


class Counts(NamedTuple):
    """What blocks did.

    Attributes:
        recorded: Interactions that were recorded.
        replayed: Requests that were answered from a cassette.
        live: Requests that went to the real service.
        missed: Requests that nothing answered.
        unused: Interactions that nobody asked for.
        expired: Interactions older than `max_age`.
    """

    recorded: int = 0
    replayed: int = 0
    live: int = 0
    missed: int = 0
    unused: int = 0
    expired: int = 0

    def plus(self, other: Counts) -> Counts:
        """Return the sum of this and what another block did."""
        return Counts(*map(sum, zip(self, other, strict=True)))

    def __str__(self) -> str:
        parts = [f"{getattr(self, name)} {name}" for name in ("recorded", "replayed", "live", "unused", "expired")]
        return ", ".join(parts + ([f"{self.missed} missed"] if self.missed else []))


class RunSummary:
    """What all blocks of a process did; thread-safe.

    Attributes:
        counts: The sum.
        touched: The names of the cassettes that were opened.
    """

    def __init__(self) -> None:
        """Begin with nothing done."""
        self.counts = Counts()
        self.touched: set[str] = set()
        self._lock = threading.Lock()
        self._announced = False

    def opened(self, name: str, path: str | None) -> None:
        """Take note of a cassette that was opened.

        Args:
            name: What messages call it.
            path: Its file, or None when it is kept by another store.
        """
        with self._lock:
            if not self._announced:
                self._announced = True
                atexit.register(self.tell)
            self.touched.add(path or name)

    def closed(self, name: str, counts: Counts) -> None:
        """Take note of what a block did, and show the progress of a run that re-records."""
        with self._lock:
            self.counts = self.counts.plus(counts)
        if counts.recorded and os.environ.get(MODE_VARIABLE) == "record":
            _print(f"cassettes: recorded {counts.recorded} on {shown(name)}")

    def text(self) -> str:
        """Return the summary, or "" when there is nothing to tell."""
        counts = self.counts
        news = counts.recorded or counts.live or counts.expired or os.environ.get(MODE_VARIABLE)
        if not news or not any(counts):
            return ""
        files = "1 cassette" if len(self.touched) == 1 else f"{len(self.touched)} cassettes"
        return f"cassettes: {counts}; {files} touched"

    def tell(self) -> None:
        """Print the summary, once."""
        text = self.text()
        if text:
            _print(text)

    def forget(self) -> None:
        """Begin anew, as a forked child does: what its parent did, its parent tells."""
        self.counts = Counts()
        self.touched = set()
        self._lock = threading.Lock()


def shown(path: str) -> str:
    """Return a path as people read it: relative to the current folder where it lies below."""
    try:
        folder = os.path.join(os.getcwd(), "")
    except OSError:  # a current folder that is gone
        return path
    absolute = os.path.abspath(path)  # `relpath` takes three times as long, and each block asks
    if not os.path.normcase(absolute).startswith(os.path.normcase(folder)):
        return path
    return absolute[len(folder) :]


def _print(line: str) -> None:
    stream = sys.__stderr__  # test runners that buffer put something else in the place of sys.stderr
    if stream is None:
        return
    try:
        stream.write(line + "\n")
        stream.flush()
    except (OSError, ValueError):  # closed: there is nobody to tell
        return


run_summary = RunSummary()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=run_summary.forget)
