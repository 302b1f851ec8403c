"""Cassettes in object stores and on other remote file systems: `FsspecCassetteStore`, over the library fsspec.

Strategy: a remote object cannot be added to, so each save reads what is there, joins it with what is new, and puts the
whole. Where the file system can be told to put only if nothing has changed since (S3, by ETag; a first put nearly
everywhere), a put that comes too late is refused, and the save begins again with what the other writer has added.
Elsewhere the last writer wins whatever happened between its read and its put. Which texts are ours is told as for
files, see `filestate`. See docs/adr/remote-stores.rst.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import re
import sys
import threading
import warnings
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import replace
from time import time
from typing import Any, NamedTuple, NoReturn
from urllib.parse import parse_qsl, unquote, urlsplit

from cassettes_lib.bases import Bases
from cassettes_lib.errors import (
    CassetteError,
    CassetteFormatError,
    CassetteLoadError,
    CassetteNotFoundError,
    CassetteSaveError,
    CassetteWarning,
)
from cassettes_lib.files import FileIdentity
from cassettes_lib.filestate import Basis, Content, read_content
from cassettes_lib.layout import whole_text
from cassettes_lib.merging import Merging
from cassettes_lib.models import Cassette
from cassettes_lib.remote_urls import is_remote
from cassettes_lib.undisturbed import Undisturbed

_NO_IDENTITY = FileIdentity(0, 0, 0)
_TRIES = 20
_TOO_LATE = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_SHORTEST_SECRET = 4


def check_can_be_used(url: str) -> None:
    """Check that fsspec is there, without importing it.

    Raises:
        ImportError: It is not installed; the text says how to install it.
    """
    try:
        missing = "fsspec" not in sys.modules and importlib.util.find_spec("fsspec") is None
    except ValueError:  # a module of that name that was not imported the usual way
        missing = False
    if missing or ("fsspec" in sys.modules and sys.modules["fsspec"] is None):
        raise ImportError(
            f"cassettes at URLs such as {_without_credentials(url)} are kept by fsspec, which is not installed; "
            "install it with: pip install 'cassettes-lib[fsspec]'",
            name="fsspec",
        )


class FsspecCassetteStore:
    """Keeps a cassette in an object store or on another file system that fsspec knows: S3, GCS, Azure, SFTP, memory.

    Each save reads the object and puts a new one, so it costs what is there, not only what is new; before a slow
    connection put a `BufferedCassetteStore`. What other writers have added is kept. On S3 no addition is ever lost;
    on other file systems one that is made between the read and the put of another writer's save is.

    Example:
        >>> store = FsspecCassetteStore("memory://team/orders.json")
        >>> with use_cassette(store=store):                                              # doctest: +SKIP
        ...     requests.get("https://api.example.com/orders")

    Attributes:
        url: Where the cassette is kept, without user, password and query.
        path: The same, as every store calls it.
        marks_recordings: True: recordings are marked as incomplete in this store while they run.
    """

    marks_recordings = True

    def __init__(self, url: str, **storage_options: Any) -> None:
        """Make a store of an object, which need not exist. Nothing is asked of the remote side yet.

        Args:
            url: Where it is: `s3://bucket/x.json`, `gs://...`, `az://...`, `sftp://host/x.json`, `memory://x.json`.
            storage_options: What the file system needs, such as `key=` and `secret=`; see its documentation.

        Raises:
            ImportError: fsspec, or its package for this scheme, is not installed; the text names it.
            ValueError: The URL has no scheme, or one that fsspec does not know.
        """
        if not is_remote(url):
            raise ValueError(f"{url!r} has no scheme; give a URL such as 's3://bucket/x.json', or use a path as it is")
        check_can_be_used(url)
        self.url = self.path = _without_credentials(url)
        self._full_url = url
        self._options = storage_options
        self._secrets = sorted({*_secrets_of(url), *_texts_in(storage_options)}, key=len, reverse=True)
        _check_scheme(url, self.url)
        self._mutex = _mutex_of(url)
        self._bases = Bases(Basis("unseen"))
        self._in_doubt: tuple[bytes, Basis] | None = None
        _stores.add(self)

    def __repr__(self) -> str:
        return f"FsspecCassetteStore({self.url!r})"

    def load(self) -> Cassette:
        """Read the cassette.

        Raises:
            CassetteNotFoundError: There is none.
            CassetteFormatError: It is damaged, or of a newer format.
            CassetteLoadError: It cannot be read: no access, no connection.
        """
        with Undisturbed(), self._mutex:
            basis = Basis("missing")
            try:
                found = self._read_to_load()
                content = read_content(found.data, _NO_IDENTITY, self.url, recover=True)
                basis = replace(Basis.of_loaded(content, time()), place=None, digest=_digest(found.data))
            except CassetteFormatError as error:
                basis = Basis("missing" if error.empty else "damaged")
                raise
            finally:
                self._bases.note_loaded(basis)
        if content.torn:
            _warn(f"{self.url} breaks off at its end: {len(content.cassette.interactions)} interactions are whole")
        return content.cassette

    def save(self, cassette: Cassette) -> None:
        """Store a cassette; what other writers have added since it was loaded or saved last is kept.

        Raises:
            CassetteSaveError: It could not be stored; a later save can succeed.
        """
        with Undisturbed(), self._mutex:
            basis = self._bases.basis_of(cassette)
            try:
                outcome = self._save(cassette, basis)
            except (ValueError, TypeError, RecursionError) as error:
                self._refuse(CassetteSaveError, "was not saved", error)
            except CassetteError:
                raise
            except Exception as error:  # noqa: BLE001  each file system has errors of its own
                self._refuse(CassetteSaveError, "could not be saved", error)
            self._bases.note_saved(basis, outcome)

    def _save(self, cassette: Cassette, basis: Basis) -> Basis:
        for _ in range(_TRIES):
            there = self._read()
            if there is not None and self._in_doubt is not None and self._in_doubt[0] == there.data:
                basis = self._in_doubt[1]  # a put whose answer was lost has succeeded all the same
            if there is None and basis.found == "unseen":
                basis = replace(basis, found="missing")
            text, outcome = self._composed(cassette, basis, there)
            if there is not None and text == there.data:
                return outcome
            self._in_doubt = (text, outcome)
            if self._put(text, there):
                self._in_doubt = None
                return outcome
        raise CassetteSaveError(
            f"{self.url} was not saved: other writers were faster, {_TRIES} times running", path=self.url
        )

    def _composed(self, cassette: Cassette, basis: Basis, there: _Found | None) -> tuple[bytes, Basis]:
        """Return the text that is to be put, and what is known once it is."""
        merging = Merging(cassette, basis)
        content = None if there is None else self._content_of(there)
        if there is None or content is None:
            merged = merging.alone()
        elif merging.changes_nothing():
            return there.data, merging.outcome(None)
        else:
            unchanged = basis.found == "unseen" or basis.digest == _digest(content.data)
            merged = merging.instead_of(content, unchanged=unchanged)
        return whole_text(merged.ours + (merged.others or []), merged.members), merging.outcome(None)

    def _content_of(self, there: _Found) -> Content | None:
        """Make sense of what is there; what is damaged is kept under another name, and None is returned."""
        try:
            return read_content(there.data, _NO_IDENTITY, self.url, recover=True)
        except CassetteFormatError as error:
            if error.empty:
                return None
            ending = f".damaged-{_digest(there.data).hex()[:8]}"
            system, path = self._file_system()
            system.pipe_file(path + ending, there.data)
            _warn(f"{self.url} is damaged and was kept as {self.url}{ending}, so that a new one can be recorded")
            return None

    def _read_to_load(self) -> _Found:
        try:
            found = self._read()
        except Exception as error:  # noqa: BLE001  each file system has errors of its own
            self._refuse(CassetteLoadError, "cannot be read", error)
        if found is None:
            raise CassetteNotFoundError(
                f"there is no cassette {self.url}; record it first, in mode once, auto or record", path=self.url
            )
        return found

    def _read(self) -> _Found | None:
        system, path = self._file_system()
        system.invalidate_cache(path)
        try:
            # The tag first: if the object changes in between, the put that names the tag is refused.
            tag = system.info(path).get("ETag") if _is_s3(system) else None
            return _Found(system.cat_file(path), tag)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def _put(self, text: bytes, there: _Found | None) -> bool:
        """Put the text unless somebody else was faster, where that can be told; return whether it was put."""
        system, path = self._file_system()
        conditions: dict[str, Any] = {}
        if there is None:
            conditions = {"mode": "create"} if _can_create(system) else {}
        elif there.tag:
            conditions = {"IfMatch": there.tag}
        if _is_s3(system):
            conditions["chunksize"] = max(len(text), 1)  # in one piece: parts do not know conditions
        try:
            try:
                system.pipe_file(path, text, **conditions)
            except FileNotFoundError:
                if there is not None and there.tag:
                    return False  # deleted meanwhile
                self._make_folder(system, path)
                system.pipe_file(path, text, **conditions)
        except FileExistsError:
            return False
        except OSError as error:
            if _is_too_late(error):
                return False
            raise
        return True

    def _make_folder(self, system: Any, path: str) -> None:
        """Create the folder of the object, but not what stands for a bucket: that is not ours to create."""
        top = path.strip("/").split("/")[0]
        if not path.startswith("/") and not system.exists(top):
            raise FileNotFoundError(f"there is no {top}")
        system.makedirs(path.rpartition("/")[0], exist_ok=True)

    def _file_system(self) -> tuple[Any, str]:
        """Return the file system and the path in it. fsspec keeps one for each process and thread."""
        import fsspec.core

        found: tuple[Any, str] = fsspec.core.url_to_fs(self._full_url, **self._options)
        return found

    def _refuse(self, kind: type[CassetteLoadError | CassetteSaveError], what: str, error: Exception) -> NoReturn:
        """Raise an error for one of the file system's; where that one tells a secret, it is left out of the chain."""
        said = f"{type(error).__name__}: {error}"
        text = said
        for secret in self._secrets:
            text = text.replace(secret, "...")
        raised = kind(f"{self.url} {what}: {text}", path=self.url)
        if any(secret in f"{each!r} {each}" for each in _chain(error) for secret in self._secrets):
            raise raised from None
        raise raised from error

    def _renew_after_fork(self) -> None:
        self._mutex = _mutex_of(self._full_url)
        self._bases.renew_after_fork()


class _Found(NamedTuple):
    """What is there: its bytes, and the tag that names them where a put can be made to depend on it."""

    data: bytes
    tag: str | None


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _check_scheme(url: str, shown: str) -> None:
    import fsspec

    scheme = url.split("://", maxsplit=1)[0].rpartition("::")[2]
    try:
        fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        raise ImportError(f"{shown} needs one more package: {error}", name=error.name) from error
    except ValueError as error:
        raise ValueError(f"{shown}: fsspec does not know the scheme {scheme!r}") from error


def _is_s3(system: Any) -> bool:
    protocol = system.protocol
    return "s3" in ((protocol,) if isinstance(protocol, str) else protocol)


def _can_create(system: Any) -> bool:
    """Tell whether the file system can be told to put an object only where there is none."""
    put = getattr(system, "_pipe_file", None) or system.pipe_file
    return "mode" in inspect.signature(put).parameters


def _is_too_late(error: OSError) -> bool:
    response = getattr(error.__cause__, "response", None)
    details = response.get("Error", {}) if isinstance(response, Mapping) else {}
    return str(details.get("Code")) in _TOO_LATE


def _without_credentials(url: str) -> str:
    """Return a URL without the userinfo and the query of each of its parts: signatures and passwords stand there."""
    return re.sub(r"\?[^:]*(?=::|$)", "", re.sub(r"://[^/]*@", "://", url), flags=re.DOTALL)


def _secrets_of(url: str) -> Iterator[str]:
    for part in url.split("::"):
        parts = urlsplit(part)
        user, _, password = parts.netloc.rpartition("@")[0].partition(":")
        asked = [value for _, value in parse_qsl(parts.query)]
        for value in (parts.netloc.rpartition("@")[0], user, password, unquote(password), parts.query, *asked):
            if len(value) >= _SHORTEST_SECRET:
                yield value


def _texts_in(value: Any) -> Iterator[str]:
    """All texts in storage options but URLs: there is no telling which of them are secrets."""
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts_in(each)
    elif isinstance(value, (list, tuple, set)):
        for each in value:
            yield from _texts_in(each)
    elif isinstance(value, str):
        if "://" in value:
            yield from _secrets_of(value)
        elif len(value) >= _SHORTEST_SECRET:
            yield value


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _warn(message: str) -> None:
    warnings.warn(message, CassetteWarning, stacklevel=4)


# Stores of one object in this process take turns, whether or not the file system can tell who was faster.
_mutexes: weakref.WeakValueDictionary[str, _Mutex] = weakref.WeakValueDictionary()
_mutexes_lock = threading.Lock()
_stores: weakref.WeakSet[FsspecCassetteStore] = weakref.WeakSet()


class _Mutex:
    """A lock that can be referred to weakly."""

    def __init__(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *exc_info: object) -> None:
        self._lock.release()


def _mutex_of(url: str) -> _Mutex:
    with _mutexes_lock:
        return _mutexes.setdefault(url, _Mutex())


def _renew_stores_after_fork() -> None:
    global _mutexes_lock
    _mutexes_lock = threading.Lock()
    _mutexes.clear()
    for store in list(_stores):
        store._renew_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_stores_after_fork)
