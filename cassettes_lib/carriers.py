"""Carriers: threads and jobs that take the ownership of the context which starts or submits them along.

Threads do not inherit contexts before Python 3.14, and since then only as a flag says; jobs of a pool run in whatever
context its thread has. So `Thread.start` (Timer and `run` overridden by subclasses included) and
`ThreadPoolExecutor.submit` (hence `asyncio.to_thread` and `run_in_executor`) are patched while a block is open.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.thread import ThreadPoolExecutor
from contextvars import Context
from typing import Any

from cassettes_lib.callers import calling_place, handed_over_at
from cassettes_lib.ownership import Follower, Owner, owner
from cassettes_lib.patches import Layer


def start_thread(layer: Layer, thread: threading.Thread) -> None:
    """What `Thread.start` does while a block is open."""
    found = owner.get()
    if found is None:
        layer.below(thread)
        return
    place = calling_place()
    follower = Follower(f"the thread {thread.name!r}, started at {place or 'an unknown place'}", thread)
    # On the instance, as tracing tools do it: a subclass may override `run`, and `_bootstrap` is private.
    replaced = thread.__dict__.get("run")
    run = thread.run

    def carried_run() -> None:
        put_back()
        try:
            _call_inside(found, place, run)
        finally:
            follower.end()

    def put_back() -> None:
        if thread.__dict__.get("run") is carried_run:
            if replaced is None:
                del thread.run
            else:
                thread.run = replaced  # type: ignore[method-assign]

    follower.follow(found)
    thread.run = carried_run  # type: ignore[method-assign]
    try:
        layer.below(thread)
    except BaseException:  # it was started before, or the system has no thread left
        put_back()
        follower.end()
        raise


def submit_job(
    layer: Layer, executor: ThreadPoolExecutor, function: Callable[..., Any], /, *args: Any, **kwargs: Any
) -> Future[Any]:
    """What `ThreadPoolExecutor.submit` does while a block is open."""
    found = owner.get()
    if found is None or _is_of_interpreters(executor):
        return layer.below(executor, function, *args, **kwargs)  # type: ignore[no-any-return]
    place = calling_place()
    follower = Follower(f"the job {_name_of(function)}, submitted at {place or 'an unknown place'}")

    def carried_job(*args: Any, **kwargs: Any) -> Any:
        follower.thread = threading.current_thread()
        try:
            return _call_inside(found, place, function, *args, **kwargs)
        finally:
            follower.end()  # before anybody who waits for the result goes on

    follower.follow(found)
    # A thread that the pool starts now will serve others as well: it belongs to nobody.
    token = owner.set(None)
    try:
        future: Future[Any] = layer.below(executor, carried_job, *args, **kwargs)
    except BaseException:
        follower.end()
        raise
    finally:
        owner.reset(token)
    future.add_done_callback(lambda _: follower.end())  # a cancelled job never runs
    return future


def set_up_async_test(layer: Layer, case: Any) -> None:
    """What `IsolatedAsyncioTestCase._callSetUp` does while a block is open.

    Such a test runs in a context that was copied when the test was made, before the fixtures of its class and module
    have opened their blocks. It takes the owner of the context that runs the test along.
    """
    context, found = getattr(case, "_asyncioTestContext", None), owner.get()
    if isinstance(context, Context) and found is not None and context.get(owner) is None:
        context.run(owner.set, found)
    layer.below(case)


def _is_of_interpreters(executor: ThreadPoolExecutor) -> bool:
    """Whether jobs run in other interpreters (Python 3.14); these have a requests of their own."""
    return any(kind.__name__ == "InterpreterPoolExecutor" for kind in type(executor).__mro__)


def _name_of(function: Any) -> str:
    while isinstance(function, functools.partial):
        # asyncio.to_thread wraps what it is given as partial(context.run, function).
        runs_in_context = isinstance(getattr(function.func, "__self__", None), Context) and function.args
        function = function.args[0] if runs_in_context else function.func
    return str(getattr(function, "__qualname__", type(function).__name__))


def _call_inside(found: Owner, place: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function as a part of what `found` is in charge of."""
    owner_token, place_token = owner.set(found), handed_over_at.set(place)
    try:
        return function(*args, **kwargs)
    finally:
        owner.reset(owner_token)
        handed_over_at.reset(place_token)
