"""Ownership: which block is in charge of the code that is running, in this thread, task and job.

Strategy: one context variable holds the innermost block that this context has entered; blocks know the one they were
entered in. So the answer is one look-up in the usual case. What follows another context, a thread, a job, a task,
inherits its value. A context that has none uses the only block that is open in the process.

A follower may outlive its block. Its context then still holds the closed block, and that is not the same as having
none: nothing else is in charge of it, and what a replay would have answered must not go live now. The context that
entered the block may keep a closed block as well, when another one left it (generators, fixtures, tasks); it is told
from a follower by thread and task, and belongs to none again.
"""

from __future__ import annotations

import itertools
import sys
import threading
from contextvars import ContextVar

from cassettes_lib.errors import AmbiguousCassetteError
from cassettes_lib.patches import lock


class Follower:
    """A thread, a job or a task that began inside of blocks and may outlive them.

    Attributes:
        what: How messages call it.
        thread: The thread it runs in, once that is known.
        blocks: The blocks it began in; none after its end.
    """

    def __init__(self, what: str, thread: threading.Thread | None = None) -> None:
        self.what = what
        self.thread = thread
        self.blocks: tuple[Block, ...] = ()

    def follow(self, owner: Owner) -> None:
        """Begin, inside of the blocks that `owner` stands for."""
        with lock:
            self.blocks = tuple(blocks_of(owner))
            for block in self.blocks:
                block.followers[self] = None

    def end(self) -> None:
        """End; the last one to do so after its block was left lets the block go."""
        with lock:
            for block in self.blocks:
                block.followers.pop(self, None)
                if not block.open and not block.followers:
                    block.release()
            self.blocks = ()
            _ended.notify_all()


class Block:
    """A stretch of a program in whose requests somebody is in charge, from `enter_context` to `leave_context`.

    Attributes:
        name: What messages call it.
        seals: Whether nothing that began inside may go live, even after the end.
        open: Whether it is in charge.
        serial: Counts the blocks of the process, in the order they were opened.
        parent: The block it was entered in.
        followers: What began inside and has not ended.
    """

    _serials = itertools.count(1)

    def __init__(self, name: str, *, seals: bool) -> None:
        self.name = name
        self.seals = seals
        self.open = False
        self.serial = 0
        self.parent: Owner = None
        self.followers: dict[Follower, None] = {}
        self._home: tuple[threading.Thread, object] | None = None

    def enter_context(self) -> None:
        """Open, and be in charge of this context and what will follow it."""
        global _open_blocks
        with lock:
            self.parent = _without_left(owner.get())
            self._home = here()
            self.open = True
            _open_blocks = (*_open_blocks, self)
        owner.set(self)

    def leave_context(self) -> None:
        """Close, in whatever context."""
        global _open_blocks
        with lock:
            self.open = False
            _open_blocks = tuple(each for each in _open_blocks if each is not self)
        found = owner.get()
        owner.set(_without_left(self.parent if found is self else found))

    def number(self) -> None:
        """Take the next serial."""
        with lock:
            self.serial = next(self._serials)

    def late_followers(self, grace: float) -> list[Follower]:
        """Return what has not ended, except the thread this is called in; wait `grace` seconds for other threads."""
        current = threading.current_thread()

        def others() -> list[Follower]:
            return [each for each in self.followers if each.thread is not current]

        with lock:
            if others():
                _ended.wait_for(lambda: not others(), grace)
            return others()

    @property
    def outer(self) -> Block | None:
        """The innermost block around this one that is open."""
        found = self.parent
        while found is not None:
            if isinstance(found, LiveCall):
                if found.running:
                    return None
                found = found.block
            if found.open:
                return found
            found = found.parent
        return None

    def release(self) -> None:
        """Called when the last follower of a closed block has ended."""

    @property
    def at_home(self) -> bool:
        """Whether this is the thread and the task that entered the block."""
        return self._home is not None and all(mine is now for mine, now in zip(self._home, here(), strict=True))


class LiveCall:
    """Stands in the place of a block while that block sends a request live: nobody is in charge meanwhile.

    Attributes:
        block: The block.
        running: Whether the call goes on. A thread that begins in it and goes on afterwards belongs to the block.
    """

    __slots__ = ("_adapter", "_request", "_token", "block", "running")

    def __init__(self, block: Block, adapter: object, request: object) -> None:
        self.block = block
        self._adapter = adapter
        self._request = request
        self.running = True

    def is_beside(self, adapter: object, request: object) -> bool:
        """Whether a request that an adapter is to send meanwhile is another one, not a part of this call."""
        return request is not self._request and adapter is not self._adapter

    def __enter__(self) -> None:
        """Leave what runs in this context to the network."""
        self._token = owner.set(self)

    def __exit__(self, *exc_info: object) -> None:
        """Put the block in charge again."""
        self.running = False
        owner.reset(self._token)


Owner = Block | LiveCall | None

owner: ContextVar[Owner] = ContextVar("cassettes_lib_owner", default=None)
_ended = threading.Condition(lock)
_open_blocks: tuple[Block, ...] = ()


def block_in_charge() -> Block | None:
    """Return the block in charge of what is running, or None.

    The block is closed when this is a follower that outlived it and the block seals: what it asks must not go live.

    Raises:
        AmbiguousCassetteError: This belongs to no block, and several are open.
    """
    found = owner.get()
    if isinstance(found, Block) and found.open:
        return found
    return _look_further(found)


def _look_further(found: Owner) -> Block | None:
    stray = False
    while found is not None:
        if isinstance(found, LiveCall):
            if found.running:
                return None
            found = found.block
        if found.open:
            return found
        if not found.at_home:
            if found.seals:
                return found
            stray = True
        found = found.parent
    return None if stray else _only_one_open()


def _only_one_open() -> Block | None:
    candidates = _open_blocks
    if len(candidates) < 2:
        return candidates[0] if candidates else None
    names = ", ".join(each.name or "(no name)" for each in candidates)
    raise AmbiguousCassetteError(
        f"{_who()} belongs to none of the cassettes that are open, and any of them could be meant: {names}. "
        "Start the thread, or submit the job, inside of the block whose cassette is to answer it; or run it in "
        "contextvars.copy_context() of that block"
    )


def in_live_call() -> bool:
    """Whether what is running is part of sending a request live."""
    found = owner.get()
    return isinstance(found, LiveCall) and found.running


def open_blocks() -> tuple[Block, ...]:
    """Return the blocks that are open in the process, in the order they were opened."""
    return _open_blocks


def blocks_of(found: Owner) -> list[Block]:
    """Return the blocks from the innermost outwards."""
    blocks = []
    while found is not None:
        if isinstance(found, LiveCall):
            found = found.block
        blocks.append(found)
        found = found.parent
    return blocks


def _without_left(found: Owner) -> Owner:
    """Go outwards past the blocks that are closed, but not past one that this outlived."""
    while isinstance(found, Block) and not found.open and (found.at_home or not found.seals):
        found = found.parent
    return found


def here() -> tuple[threading.Thread, object]:
    """Return the thread and the task that run, the task None where there is none."""
    asyncio = sys.modules.get("asyncio")
    task = None
    if asyncio is not None and asyncio._get_running_loop() is not None:
        task = asyncio.current_task()
    return threading.current_thread(), task


def _who() -> str:
    thread, task = here()
    return f"the thread {thread.name!r}" if task is None else f"a task of the thread {thread.name!r}"
