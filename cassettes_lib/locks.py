"""Locks: how several processes take turns at one file, without any lock file staying beside it.

Strategy: the lock is `flock` on the file itself. So there is nothing to clean up, a process that dies lets go, a
folder needs no write permission for a reader, and a file opened anew for each turn makes every thread and every
forked child a party of its own. The price: a file that is replaced takes its lock with it, so whoever gets the lock
looks whether the path still leads to the file it has locked. Where there is no `flock` (Windows, some network
folders), `filelock` locks a file in the folder for temporary files instead. See docs/adr/append-and-recovery.rst.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import FileIO

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

_NO_FLOCK_HERE = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
_FIRST_PAUSE = 0.0002
_LONGEST_PAUSE = 0.01

# Files that are locked at this moment. A child forked now closes its copies: a lock lasts until the last copy is
# closed, and a child that lives on must not keep the lock of a parent that was killed.
_locked_now: set[FileIO] = set()


class LockTimeoutError(OSError):
    """The lock was not to be had in time."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__(
            errno.EAGAIN,
            f"another process or thread has held the lock of this file for all of the {timeout:g} s waited for it",
            path,
        )


@contextmanager
def locked_file(path: str, timeout: float, *, create: bool = False) -> Iterator[FileIO | None]:
    """Hold the lock of a file while the block runs.

    Args:
        path: The file.
        timeout: How long to wait for the lock, in seconds.
        create: Create the file if there is none.

    Yields:
        The file, open for reading and writing; None, and no lock, where there is no file.

    Raises:
        LockTimeoutError: The lock was not to be had in time.
        OSError: The file cannot be opened for writing.
    """
    deadline = time.monotonic() + timeout
    with _by_filelock(path, timeout) if fcntl is None else nullcontext():
        while True:
            try:
                file = FileIO(os.open(path, _FLAGS | (os.O_CREAT if create else 0), 0o666), "r+")
            except FileNotFoundError:
                if create:
                    raise
                yield None
                return
            _locked_now.add(file)
            try:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise OSError(errno.EINVAL, "not a regular file", path)
                with _flocked(file, path, deadline, timeout):
                    if _leads_to(path, file):
                        yield file
                        return
            finally:
                _locked_now.discard(file)
                file.close()


_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)


@contextmanager
def _flocked(file: FileIO, path: str, deadline: float, timeout: float) -> Iterator[None]:
    if fcntl is None:  # pragma: no cover - Windows
        yield
        return
    pause = _FIRST_PAUSE
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise LockTimeoutError(path, timeout) from None
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)
        except OSError as error:
            if error.errno not in _NO_FLOCK_HERE:
                raise
            with _by_filelock(path, max(deadline - time.monotonic(), 0)):
                yield
            return
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)  # closing would not do: a child forked meanwhile may have a copy


@contextmanager
def _by_filelock(path: str, timeout: float) -> Iterator[None]:
    """Hold a lock that stands in for that of a file, in the folder for temporary files."""
    import hashlib
    import tempfile

    from filelock import FileLock, Timeout

    name = hashlib.sha256(os.path.normcase(os.path.realpath(path)).encode("utf-8", "surrogatepass")).hexdigest()
    lock = FileLock(os.path.join(tempfile.gettempdir(), f"cassettes-{name[:32]}.lock"), timeout=timeout)
    try:
        lock.acquire()
    except Timeout:
        raise LockTimeoutError(path, timeout) from None
    try:
        yield
    finally:
        lock.release()


def lock_to_read(file: FileIO, timeout: float) -> None:
    """Wait until nobody writes to an open file, at most `timeout` seconds, and keep writers out until it is closed.

    This needs no permission to write. It returns without the lock when the time is up, or where there are no locks.
    """
    if fcntl is None:  # pragma: no cover - Windows
        return
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_FIRST_PAUSE)
        except OSError as error:
            if error.errno in _NO_FLOCK_HERE:
                return
            raise
        else:
            return


def _leads_to(path: str, file: FileIO) -> bool:
    try:
        there = os.stat(path)
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(file.fileno()))


def _forget_locks_of_the_parent() -> None:
    for file in _locked_now:
        file.close()
    _locked_now.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_locks_of_the_parent)
