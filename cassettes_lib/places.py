"""Places: which line of the user's code is making a request. Knows nothing of cassettes; every layer may ask."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from types import FrameType

# Nobody looks for his mistake in these: the way from the caller to us, and what runs threads and jobs.
_PASSED_OVER = frozenset({
    "cassettes_lib", "requests", "urllib3", "http", "responses", "requests_mock", "unittest.mock",
    "asyncio", "concurrent", "contextlib", "contextvars", "functools", "multiprocessing", "threading",
})

# Where the job that is running was submitted, or its thread started; a job may well be `requests.get` itself.
handed_over_at: ContextVar[str] = ContextVar("cassettes_lib_handed_over_at", default="")


def calling_place() -> str:
    """Return where the user's code makes the request in hand, as `file:line`.

    That is the innermost frame outside of requests, urllib3, their mocks, this package and the machinery of threads.
    In a thread or a job that has no such frame it is where the thread was started or the job submitted; "" when even
    that is unknown.
    """
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__") or ""
        if name.partition(".")[0] not in _PASSED_OVER and name not in _PASSED_OVER:
            return f"{frame.f_code.co_filename}:{frame.f_lineno}"
        frame = frame.f_back
    return handed_over_at.get()
