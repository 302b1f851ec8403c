"""Files: the few ways in which a store writes to its file, each of which leaves it whole or as it was.

Strategy: a file is replaced by writing its successor beside it and renaming that; its end is overwritten in place by
one write, which is put back when it fails. Every write is done under the lock of the file.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from io import FileIO
from typing import NamedTuple

from cassettes_lib.locks import LockedFile

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

_PAGE = 4096
_LONGEST_PREFIX = 60  # of up to four bytes each; a system allows for names of 255
_FS_IOC_GETVERSION = 0x80087601  # linux/fs.h: the generation of an inode, for ext4, XFS, btrfs and others


class FileIdentity(NamedTuple):
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


class TornFileError(OSError):
    """The end of a file was lost, as by a killed process: what was whole before it can be recovered."""


def overwrite_end(file: FileIO, start: int, old: bytes, text: bytes, *, durable: bool) -> None:
    """Overwrite the end of a JSON file, so that nothing of what stood there from `start` on is left.

    One write does it, so that a process that is killed leaves all of it, nothing, or the beginning of `text`. When it
    fails, or is interrupted by an exception, the old end is put back; that needs no room on the disk, since what is
    overwritten is never cut off before.

    Args:
        file: The file, its lock held.
        start: Offset of the end that is overwritten.
        old: What stands there.
        text: What is to stand there.
        durable: Whether it survives a power failure once this has returned.

    Raises:
        TornFileError: It could not be written, and what it held could not be put back.
        OSError: It could not be written; the file is as it was.
    """
    end = start + len(old)
    try:
        boundary = start - start % _PAGE + _PAGE
        if boundary < end:
            # A write that is cut short by SIGKILL ends between two pages. Then the rest of the old end must not
            # follow, or the text would not just break off but go on with something else: white space may follow.
            _write_all(file, boundary, b" " * (end - boundary))
        _write_all(file, start, text.ljust(len(old)))  # a shorter text is valid before the rest is cut off, too
        if len(text) < len(old):
            file.truncate(start + len(text))
        if durable:
            _sync(file.fileno())
    except BaseException:
        try:
            file.truncate(end)  # first, so that a kill now leaves a text that breaks off, not one with two ends
            _write_all(file, start, old)
        except OSError as error:
            raise TornFileError(error.errno, error.strerror, str(file.name)) from error
        raise


def _write_all(file: FileIO, start: int, text: bytes) -> None:
    file.seek(start)
    view = memoryview(text)
    while view:
        view = view[file.write(view) :]


def put_file(
    path: str, text: bytes, *, timeout: float, durable: bool, intend: Callable[[FileIdentity], None]
) -> bool:
    """Put a file with a text at a path where there is none.

    Args:
        path: The path, symbolic links resolved.
        text: What the file will hold.
        timeout: How long to wait for other processes that do the same, in seconds.
        durable: Whether the file survives a power failure once this has returned.
        intend: Called just before the file gets its path.

    Returns:
        False when there is a file already; it is left alone.
    """
    return _put(path, text, timeout=timeout, durable=durable, intend=intend, old=None)


def replace_file(
    path: str, old: FileIO, text: bytes, *, timeout: float, durable: bool, intend: Callable[[FileIdentity], None]
) -> None:
    """Replace a file, whose lock is held, by one with another text and the same permissions; else as `put_file`."""
    _put(os.path.realpath(path), text, timeout=timeout, durable=durable, intend=intend, old=old)


def _put(
    path: str, text: bytes, *, timeout: float, durable: bool, intend: Callable[[FileIdentity], None], old: FileIO | None
) -> bool:
    """Write a text to a new file and give it the path; it is complete before anybody can see it there."""
    folder, name = os.path.split(path)
    new = _New(path, os.path.join(folder, _name_beside(name)), text, durable, intend, old)
    is_put = _put_unnamed(new, folder)
    if is_put is None:
        is_put = _put_beside(new, timeout)
    if is_put and durable:
        sync_folder(path)
    return is_put


def _name_beside(name: str) -> str:
    """Return the name of the file that is to take the place of another; no two in a folder have the same."""
    if len(name) > _LONGEST_PREFIX:
        digest = hashlib.blake2b(os.fsencode(name), digest_size=8).hexdigest()
        name = f"{name[: _LONGEST_PREFIX - len(digest)]}{digest}"
    return f".{name}.tmp"


class _New(NamedTuple):
    """A file that is about to be: its path, the path beside that, its text, and the file that it replaces or None."""

    path: str
    beside: str
    text: bytes
    durable: bool
    intend: Callable[[FileIdentity], None]
    old: FileIO | None

    def write_to(self, file: FileIO, name: str | int) -> None:
        if self.old is not None:
            with suppress(OSError):  # not ours to set
                os.chmod(name, stat.S_IMODE(os.fstat(self.old.fileno()).st_mode))
        file.truncate(0)
        _write_all(file, 0, self.text)
        if self.durable:
            _sync(file.fileno())


def _put_unnamed(new: _New, folder: str) -> bool | None:
    """Write a file that has no name until it is complete, so that nothing stays when we are killed.

    Returns:
        False when there is a file already, None when there are no such files here (they are a thing of Linux).
    """
    file = _open_unnamed(folder)
    if file is None:
        return None
    with file:
        new.write_to(file, file.fileno())
        new.intend(FileIdentity.of(file))
        try:
            if new.old is None:
                _name(file, new.path)
            else:
                with suppress(FileNotFoundError):
                    os.unlink(new.beside)  # left by a process that was killed between the next two steps
                _name(file, new.beside)
                os.replace(new.beside, new.path)
        except FileExistsError:
            if new.old is not None:
                raise
            return False
        except OSError as error:
            if error.errno in (errno.EXDEV, errno.EPERM, errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL):
                return None
            raise
    return True


def _open_unnamed(folder: str) -> FileIO | None:
    with suppress(OSError, AttributeError):
        return FileIO(os.open(folder, os.O_TMPFILE | os.O_RDWR, 0o666), "r+")
    return None


def _name(file: FileIO, path: str) -> None:
    folder = os.open("/", os.O_RDONLY)  # has no effect but that Python calls linkat, which can follow links
    try:
        os.link(f"/proc/self/fd/{file.fileno()}", path, src_dir_fd=folder, follow_symlinks=True)
    finally:
        os.close(folder)


def _put_beside(new: _New, timeout: float) -> bool:
    """Write a file beside the path and rename it; return False when there is a file already.

    The file beside has always the same name and is itself locked. So the one that a killed process left is used by
    the next, and of several processes that create a cassette one does and the others see it.
    """
    with LockedFile(new.beside, timeout, create=True) as file:
        assert file is not None
        try:
            if new.old is None and os.path.lexists(new.path):
                return False
            new.write_to(file, new.beside)
            new.intend(FileIdentity.of(file))
            _rename(new, file)
        finally:
            _unlink(new.beside, file)
    return True


def _rename(new: _New, file: FileIO) -> None:
    if os.name == "nt":  # pragma: no cover - Windows renames neither an open file nor over one
        file.close()
        if new.old is not None:
            new.old.close()
    os.replace(new.beside, new.path)


def _unlink(path: str, file: FileIO) -> None:
    """Remove a file, unless the path leads to another one by now."""
    with suppress(FileNotFoundError, ValueError):  # ValueError: Windows had to have it closed before it was renamed
        if os.path.samestat(os.lstat(path), os.fstat(file.fileno())):
            os.unlink(path)


def make_folders(path: str, *, durable: bool) -> None:
    """Make the folder of a path, and those above it.

    Args:
        path: The path.
        durable: Whether they survive a power failure once this has returned.
    """
    folder = os.path.dirname(path)
    if os.path.isdir(folder):
        return
    make_folders(folder, durable=durable)
    os.makedirs(folder, exist_ok=True)
    if durable:
        sync_folder(folder)


def sync_folder(path: str) -> None:
    """Make the name of a file survive a power failure.

    Args:
        path: The path of the file; its folder is synchronised.
    """
    try:
        descriptor = os.open(os.path.dirname(path), os.O_RDONLY)
    except PermissionError:  # Windows opens no folders
        return
    try:
        _sync(descriptor)
    finally:
        os.close(descriptor)


def _sync(descriptor: int) -> None:
    """Wait until a file is on the disk, and, where `fsync` stops before its cache, until that is written."""
    full = getattr(fcntl, "F_FULLFSYNC", None)  # macOS
    if full is not None:
        with suppress(OSError):  # not every file system there knows it
            fcntl.fcntl(descriptor, full)
            return
    os.fsync(descriptor)


def move_aside(path: str) -> str:
    """Rename a file to a free name beside it, and return that name."""
    for number in range(1, 10_000):
        aside = f"{path}.damaged" if number == 1 else f"{path}.damaged-{number}"
        if not os.path.lexists(aside):
            os.rename(path, aside)
            return aside
    raise FileExistsError(f"{path} is damaged, and so many damaged ones lie beside it already")
