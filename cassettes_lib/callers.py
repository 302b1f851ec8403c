"""Callers: which line of the user's code is making a request. Knows nothing of cassettes; every layer may ask."""

from __future__ import annotations

import sys
import warnings
from contextvars import ContextVar
from types import FrameType

from cassettes_lib.errors import CassetteWarning

# Nobody looks for his mistake in these: the way from the caller to us, and what runs threads and jobs.
_PASSED_OVER = frozenset({
    "cassettes_lib", "requests", "urllib3", "http", "responses", "requests_mock", "unittest",
    "asyncio", "concurrent", "contextlib", "functools", "multiprocessing", "socket", "ssl", "threading",
})

# Where the job that is running was submitted, or its thread started; a job may well be `requests.get` itself.
handed_over_at: ContextVar[str] = ContextVar("cassettes_lib_handed_over_at", default="")


def calling_place() -> str:
    """Return where the user's code makes the request in hand, as `file:line`.

    That is the innermost frame outside of requests, urllib3, their mocks, this package and the machinery of threads.
    In a thread or a job that has no such frame it is where the thread was started or the job submitted; "" when even
    that is unknown.
    """
    frame = _users_frame()
    return f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame is not None else handed_over_at.get()


def warn_caller(message: str, category: type[Warning] = CassetteWarning) -> None:
    """Issue a warning that points to the user's code, and leaves no registry in the modules of others."""
    file, _, line = calling_place().rpartition(":")
    warnings.warn_explicit(message, category, file or "(unknown)", int(line or 0))


def _users_frame() -> FrameType | None:
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__") or ""
        if name.partition(".")[0] not in _PASSED_OVER and name not in _PASSED_OVER:
            return frame
        frame = frame.f_back
    return None
