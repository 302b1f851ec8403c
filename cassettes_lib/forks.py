"""Forks: a child finds nothing half done, and no lock that is held by a thread it does not have.

A forked child has one thread; whatever the others were in the middle of stays so. So nobody is in the middle of a
patch, or in a Broker, while the process forks.
"""

from __future__ import annotations

import os
import threading
from typing import Any

from cassettes_lib.patch_points import installed_blocks
from cassettes_lib.patches import lock

_PATIENCE = 10.0  # seconds; better a child that may hang than a parent that does
_held: list[Any] = []


def take_part_in_forks() -> None:
    """Have this done at each fork of the process from now on; where processes fork at all."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child)


def _before_fork() -> None:
    # The Brokers first: who holds a Broker's lock may want ours, to start a thread while saving, but not vice versa.
    wanted = [each for block in installed_blocks() for each in block.locks()]
    _held.extend(each for each in (*wanted, lock) if each.acquire(timeout=_PATIENCE))


def _after_fork() -> None:
    while _held:
        _held.pop().release()


def _after_fork_in_child() -> None:
    _after_fork()
    current = threading.current_thread()
    for block in installed_blocks():
        for follower in list(block.followers):
            if follower.thread is not current:
                follower.end()
