"""Garbage: what its collector ends waits until nobody is in the middle of a look-up or a save.

Strategy: the collector may run at any moment, in any thread. A stream that it ends is recorded, which takes the locks
of a Broker and a store; in a thread that is about to change what these guard, or that holds them in another order,
that would spoil the change, or wait for ever.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger("cassettes_lib")
_thread = threading.local()


class Undisturbed:
    """A block in which this thread does not save streams that the garbage collector ends; they wait for its end."""

    __slots__ = ("_outermost",)

    def __enter__(self) -> None:
        self._outermost = getattr(_thread, "waiting", None) is None
        if self._outermost:
            _thread.waiting = []

    def __exit__(self, *error: object) -> None:
        if self._outermost:
            waiting = _thread.waiting
            try:
                while waiting:
                    _run_unattended(waiting.pop(0))
            finally:
                _thread.waiting = None


def when_undisturbed(action: Callable[[], None]) -> None:
    """Run an action now, or at the end of the block of this thread that must not be disturbed."""
    waiting: list[Callable[[], None]] | None = getattr(_thread, "waiting", None)
    if waiting is not None:
        waiting.append(action)
        return
    with Undisturbed():
        action()


def _run_unattended(action: Callable[[], None]) -> None:
    try:
        action()
    except Exception as error:  # noqa: BLE001 - the caller of the garbage collector has nothing to do with it
        _log.error("a streamed response could not be recorded: %s", error)
