"""Garbage: what its collector ends waits until nobody is in the middle of a look-up or a save.

Strategy: the collector may run at any moment, in any thread. A stream that it ends is recorded, which takes the locks
of a Broker and a store; in a thread that is about to change what these guard, or that holds them in another order,
that would spoil the change, or wait for ever.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Callable

_log = logging.getLogger("cassettes_lib")


class _Thread(threading.local):
    """What each thread knows: which block it is in, by a weak reference, and what waits for the end of that."""

    def __init__(self) -> None:
        self.block: Callable[[], object | None] = _no_block
        self.waiting: list[Callable[[], None]] = []


def _no_block() -> None:
    return None


_thread = _Thread()


class Undisturbed:
    """A block in which this thread does not save streams that the garbage collector ends; they wait for its end.

    An interrupt may come just where the block is left, before ``__exit__`` did anything. Then the block is over when
    this object is gone, and what still waits is done at the end of the next one.
    """

    __slots__ = ("__weakref__", "_outermost")

    def __enter__(self) -> None:
        self._outermost = _thread.block() is None
        if self._outermost:
            _thread.block = weakref.ref(self)

    def __exit__(self, *error: object) -> None:
        if self._outermost:
            waiting = _thread.waiting
            try:
                while waiting:
                    _run_unattended(waiting.pop(0))
            finally:
                _thread.block = _no_block


def when_undisturbed(action: Callable[[], None]) -> None:
    """Run an action now, or at the end of the block of this thread that must not be disturbed."""
    if _thread.block() is not None:
        _thread.waiting.append(action)
        return
    with Undisturbed():
        action()


def _run_unattended(action: Callable[[], None]) -> None:
    try:
        action()
    except Exception as error:  # noqa: BLE001 - the caller of the garbage collector has nothing to do with it
        _log.error("a streamed response could not be recorded: %s", error)
