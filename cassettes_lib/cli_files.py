"""The files the command works on: finding them, reading cassettes, writing them whole or not at all."""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from cassettes_lib.errors import CassetteSaveError
from cassettes_lib.fileformat import print_cassette
from cassettes_lib.models import Cassette
from cassettes_lib.stores import JsonFileCassetteStore

_FOREIGN_FOLDERS = {"__pycache__", "node_modules"}


def files_below(folder: Path, *, without: Path | None = None) -> Iterator[Path]:
    """Yield the files of a tree in a fixed order, without hidden ones, and without those below one folder."""
    for root, folders, names in os.walk(folder):
        here = Path(root)
        folders[:] = sorted(
            name for name in folders
            if not name.startswith(".") and name not in _FOREIGN_FOLDERS and (without is None or here / name != without)
        )
        for name in sorted(names):
            if not name.startswith("."):
                yield here / name


def cassette_paths(paths: Iterable[str]) -> Iterator[tuple[Path, bool]]:
    """Yield the files meant by arguments, and whether each was named itself: a folder stands for its `*.json`."""
    for given in paths:
        path = Path(given)
        if path.is_dir():
            yield from ((each, False) for each in files_below(path) if each.suffix == ".json")
        else:
            yield path, True


def is_cassette(path: Path) -> bool:
    """Tell whether a file seems to be a cassette of ours, whole or damaged, rather than some other JSON."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError:
        return True
    return b'"interactions"' in start and b'"format"' in start


def load(path: Path) -> Cassette:
    """Return a cassette.

    Raises:
        CassetteLoadError: There is none, or it is damaged, or it cannot be read.
    """
    return JsonFileCassetteStore(path).load()


def load_with_warnings(path: Path) -> tuple[Cassette, list[str]]:
    """Return a cassette and what its store warned of, such as a torn end.

    Raises:
        CassetteLoadError: There is none, or it is damaged, or it cannot be read.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        cassette = load(path)
    return cassette, [str(each.message) for each in caught]


def rewrite(path: Path, edit: Callable[[Cassette], Cassette | None]) -> None:
    """Change a cassette in place, whole or not at all; what another process adds meanwhile is kept.

    Args:
        path: The cassette.
        edit: Returns the changed cassette, or None when nothing is to be written.

    Raises:
        CassetteLoadError: There is no cassette, or it is damaged, or it cannot be read.
        CassetteSaveError: It cannot be written; the file is as it was.
    """
    store = JsonFileCassetteStore(path)
    after = edit(store.load())
    if after is not None:
        store.save(after)


def format_in(path: Path) -> int | None:
    """Return the number of the format that a file is in, or None when it does not say."""
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    version = document.get("format") if isinstance(document, dict) else None
    return version if isinstance(version, int) else None


def write_cassette(path: Path, cassette: Cassette, *, force: bool) -> None:
    """Write a cassette to a file, whole or not at all.

    Raises:
        CassetteSaveError: It cannot be written, or is there already and `force` is not set.
    """
    write_text(path, print_cassette(cassette), force=force)


def write_text(path: Path, text: str, *, force: bool) -> None:
    """Write a text to a file, whole or not at all, making folders as needed.

    Raises:
        CassetteSaveError: It cannot be written, or is there already and `force` is not set.
    """
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".tmp")
        with open(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        _take_mode(temporary, path)
        if not force:
            _claim(path)
        os.replace(temporary, path)
    except FileExistsError as error:
        _remove(temporary)
        if not temporary:
            raise CassetteSaveError(f"{path} cannot be written: {path.parent} is a file", path=str(path)) from error
        raise CassetteSaveError(f"{path} is there already; --force overwrites it", path=str(path)) from None
    except OSError as error:
        _remove(temporary)
        raise CassetteSaveError(f"{path} cannot be written: {error.strerror or error}", path=str(path)) from error


def _claim(path: Path) -> None:
    """Make the file, empty, so that nobody else's is overwritten; raises `FileExistsError` when it is there."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))


def _take_mode(temporary: str, path: Path) -> None:
    """Give the new file the mode of the old one, or that of any new file: `mkstemp` makes it private."""
    try:
        mode = path.stat().st_mode & 0o7777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    os.chmod(temporary, mode)


def _remove(temporary: str) -> None:
    if temporary:
        with suppress(OSError):
            os.unlink(temporary)
