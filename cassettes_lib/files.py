"""Files: the few ways in which a store writes to its file, each of which leaves it whole or as it was.

Strategy: a file is replaced by writing its successor beside it and renaming that; its end is overwritten in place by
one write, which is put back when it fails. Every write is done under the lock of the file.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO

from cassettes_lib.locks import LockedFile

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

_PAGE = 4096
_FS_IOC_GETVERSION = 0x80087601  # linux/fs.h: the generation of an inode, for ext4, XFS, btrfs and others


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What tells one file from its successor at the same path.

    An inode's number is given to the next file as soon as it is free; its generation, where the system tells it,
    then is another one.
    """

    device: int
    inode: int
    generation: float

    @classmethod
    def of(cls, file: FileIO) -> FileIdentity:
        """Return the identity of an open file."""
        status = os.fstat(file.fileno())
        return cls(status.st_dev, status.st_ino, _generation(file, status))


    def may_be(self, file: FileIO) -> bool:
        """Tell, without asking for the generation, whether an open file may be the one that has this identity."""
        status = os.fstat(file.fileno())
        return status.st_ino == self.inode and status.st_dev == self.device


def _generation(file: FileIO, status: os.stat_result) -> float:
    birth = getattr(status, "st_birthtime", None)
    if birth is not None:
        return float(birth)
    if fcntl is not None:
        with suppress(OSError):
            return int.from_bytes(fcntl.ioctl(file, _FS_IOC_GETVERSION, bytes(8))[:4], "little")
    return 0


def stat_of(path: str) -> tuple[int, ...]:
    """Return what changes when a file is written or replaced; nothing for a file that cannot be seen."""
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def open_to_read(path: str) -> FileIO:
    """Open a file for reading, without waiting for anything.

    Raises:
        OSError: It cannot be opened, or is not a regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        is_folder = stat.S_ISDIR(status.st_mode)
        raise OSError(errno.EISDIR if is_folder else errno.EINVAL, "not a regular file", path)
    return FileIO(descriptor, "r")


def read_from(file: FileIO, start: int = 0, at_most: int = -1) -> bytes:
    """Return what stands in a file from an offset on."""
    file.seek(start)
    return file.read(at_most)


def overwrite_end(file: FileIO, start: int, old: bytes, text: bytes, *, durable: bool) -> None:
    """Overwrite the end of a JSON file, so that nothing of what stood there from `start` on is left.

    The file first gets its new length, by white space, which JSON allows at the end; then one write puts the text
    in place. So a full disk is found before anything is overwritten, and a process that is killed leaves the file
    valid, or with the beginning of `text` and white space at its end. When a write fails, or is interrupted by an
    exception, the old end is put back.

    Args:
        file: The file, its lock held.
        start: Offset of the end that is overwritten.
        old: What stands there.
        text: What is to stand there.
        durable: Whether it survives a power failure once this has returned.

    Raises:
        OSError: It could not be written; the file is as it was.
    """
    end = start + len(old)
    try:
        if len(text) > len(old):
            _write_all(file, end, b" " * (len(text) - len(old)))
        boundary = start - start % _PAGE + _PAGE
        if boundary < end:
            # A write that is cut short by SIGKILL ends between two pages. Then the rest of the old end must not
            # follow, or the text would not just break off but go on with something else.
            _write_all(file, boundary, b" " * (end - boundary))
        _write_all(file, start, text.ljust(len(old)))
        if len(text) < len(old):
            file.truncate(start + len(text))
        if durable:
            os.fsync(file.fileno())
    except BaseException:
        _write_all(file, start, old)
        file.truncate(end)
        raise


def _write_all(file: FileIO, start: int, text: bytes) -> None:
    file.seek(start)
    view = memoryview(text)
    while view:
        view = view[file.write(view) :]


def put_file(
    path: str, text: bytes, *, timeout: float, durable: bool, done: Callable[[FileIdentity], None]
) -> bool:
    """Put a file with a text at a path where there is none.

    Args:
        path: The path, symbolic links resolved.
        text: What the file will hold.
        timeout: How long to wait for other processes that do the same, in seconds.
        durable: Whether the file survives a power failure once this has returned.
        done: Called as soon as the file is at its path, even if an exception comes up at that moment.

    Returns:
        False when there is a file already; it is left alone.
    """
    return _put(path, text, timeout=timeout, durable=durable, done=done, old=None)


def replace_file(
    path: str, old: FileIO, text: bytes, *, timeout: float, durable: bool, done: Callable[[FileIdentity], None]
) -> None:
    """Replace a file, whose lock is held, by one with another text and the same permissions; else as `put_file`."""
    _put(os.path.realpath(path), text, timeout=timeout, durable=durable, done=done, old=old)


def _put(
    path: str, text: bytes, *, timeout: float, durable: bool, done: Callable[[FileIdentity], None], old: FileIO | None
) -> bool:
    """Write a text to a file beside `path` and rename it.

    The file beside has always the same name and is itself locked. So the one that a killed process left is used by
    the next, and of several processes that create a cassette one does and the others see it.
    """
    folder, name = os.path.split(path)
    beside = os.path.join(folder, f".{name}.tmp")
    with LockedFile(beside, timeout, create=True) as file:
        assert file is not None
        try:
            if old is None and os.path.lexists(path):
                os.unlink(beside)
                return False
            file.truncate(0)
            if old is not None:
                with suppress(OSError):  # not ours to set
                    os.chmod(beside, stat.S_IMODE(os.fstat(old.fileno()).st_mode))
            _write_all(file, 0, text)
            if durable:
                os.fsync(file.fileno())
            _rename(beside, path, file, old, done)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(beside)
            raise
    if durable:
        _sync_folder(folder)
    return True


def _rename(
    beside: str, path: str, file: FileIO, old: FileIO | None, done: Callable[[FileIdentity], None]
) -> None:
    identity = FileIdentity.of(file)
    if os.name == "nt":  # pragma: no cover - Windows renames neither an open file nor over one
        file.close()
        if old is not None:
            old.close()
    try:
        os.replace(beside, path)
    finally:
        if not os.path.lexists(beside):
            done(identity)


def _sync_folder(folder: str) -> None:
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def move_aside(path: str) -> str:
    """Rename a file to a free name beside it, and return that name."""
    for number in range(1, 10_000):
        aside = f"{path}.damaged" if number == 1 else f"{path}.damaged-{number}"
        if not os.path.lexists(aside):
            os.rename(path, aside)
            return aside
    raise FileExistsError(f"{path} is damaged, and so many damaged ones lie beside it already")
