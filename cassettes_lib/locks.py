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
from io import FileIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from filelock import BaseFileLock

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


class LockedFile:
    """Holds the lock of a file while a `with` block runs, and opens the file for reading and writing.

    Entering it gives the open file, or None, and no lock, where there is no file.
    """

    def __init__(self, path: str, timeout: float, *, create: bool = False) -> None:
        """Prepare to lock a file.

        Args:
            path: The file.
            timeout: How long to wait for the lock, in seconds.
            create: Create the file if there is none.
        """
        self._path = path
        self._timeout = timeout
        self._create = create
        self._file: FileIO | None = None
        self._stand_in: BaseFileLock | None = None

    def __enter__(self) -> FileIO | None:
        """Wait for the lock.

        Raises:
            LockTimeoutError: The lock was not to be had in time.
            OSError: The file cannot be opened for writing.
        """
        deadline = time.monotonic() + self._timeout
        try:
            if fcntl is None:
                self._lock_stand_in(deadline)
            while True:
                try:
                    descriptor = os.open(self._path, _FLAGS | (_CREATE if self._create else 0), 0o666)
                except FileNotFoundError:
                    if self._create:
                        raise
                    self.release()
                    return None
                self._file = FileIO(descriptor, "r+")
                _locked_now.add(self._file)
                status = os.fstat(descriptor)
                if not stat.S_ISREG(status.st_mode):
                    raise OSError(errno.EINVAL, "not a regular file", self._path)
                if fcntl is not None:
                    self._wait_for_turn(self._file, deadline)
                if self._leads_to(status):
                    return self._file
                self._let_go_of_file(self._file)
        except BaseException:
            self.release()
            raise

    def __exit__(self, *exception: object) -> None:
        self.release()

    def release(self) -> None:
        """Let go of the lock; it may be done again where an interrupt has come between."""
        if self._file is not None:
            self._let_go_of_file(self._file)
        if self._stand_in is not None:
            self._stand_in.release()
            self._stand_in = None

    def _wait_for_turn(self, file: FileIO, deadline: float) -> None:
        pause = _FIRST_PAUSE
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise LockTimeoutError(self._path, self._timeout) from None
                time.sleep(pause)
                pause = min(pause * 1.5, _LONGEST_PAUSE)
            except OSError as error:
                if error.errno not in _NO_FLOCK_HERE:
                    raise
                self._lock_stand_in(deadline)
                return
            else:
                return

    def _lock_stand_in(self, deadline: float) -> None:
        """Lock a file that stands in for this one, in the folder for temporary files."""
        if self._stand_in is not None:
            return
        import hashlib
        import tempfile

        from filelock import FileLock, Timeout

        real = os.path.normcase(os.path.realpath(self._path)).encode("utf-8", "surrogatepass")
        name = f"cassettes-{hashlib.sha256(real).hexdigest()[:32]}.lock"
        lock = FileLock(os.path.join(tempfile.gettempdir(), name))
        try:
            lock.acquire(timeout=max(deadline - time.monotonic(), 0))
        except Timeout:
            raise LockTimeoutError(self._path, self._timeout) from None
        self._stand_in = lock

    def _leads_to(self, status: os.stat_result) -> bool:
        """Tell whether the path still leads to the file that is locked, rather than to one that replaced it."""
        try:
            return os.path.samestat(os.stat(self._path), status)
        except FileNotFoundError:
            return False

    def _let_go_of_file(self, file: FileIO) -> None:
        if fcntl is not None and not file.closed:
            # Closing would not do: a child forked meanwhile may have a copy.
            try:  # noqa: SIM105 - three calls fewer in each save
                fcntl.flock(file, fcntl.LOCK_UN)
            except OSError:
                pass
        file.close()
        _locked_now.discard(file)
        self._file = None


_FLAGS = os.O_RDWR | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
_CREATE = os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


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


def _forget_locks_of_the_parent() -> None:
    for file in list(_locked_now):
        file.close()
    _locked_now.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_locks_of_the_parent)
