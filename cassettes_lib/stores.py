"""`JsonFileCassetteStore`: a cassette in a JSON file, to which each save adds what is new.

Strategy: a store remembers, for each recording that it serves, what it loaded or saved last (a `Basis`). From that
and the cassette that is to be saved, a `Saving` finds out what is new, and writes as little as it can.
"""

from __future__ import annotations

import os
import threading
import time
import warnings
import weakref
from pathlib import Path

from cassettes_lib.bases import Bases
from cassettes_lib.errors import (
    CassetteFormatError,
    CassetteLoadError,
    CassetteNotFoundError,
    CassetteSaveError,
    CassetteWarning,
)
from cassettes_lib.files import FileIdentity, TornFileError, open_to_read, read_from
from cassettes_lib.filestate import Basis, Content, read_content, recovered_content
from cassettes_lib.keywords import explain_wrong_keywords
from cassettes_lib.locks import lock_to_read
from cassettes_lib.models import Cassette
from cassettes_lib.saving import Saving
from cassettes_lib.undisturbed import Undisturbed

_LOCK_TIMEOUT = 30.0
_READER_PATIENCE = 5.0


class JsonFileCassetteStore:
    """Keeps a cassette in a JSON file; each save costs what is new, not what is there.

    Several stores, in threads and processes, may save to one file: each adds what it records and keeps what the
    others add. A cassette that does not continue the one that was loaded or saved last takes the place of exactly
    that one. A store that never loaded replaces what was there when it was made.

    Attributes:
        path: The file.
        marks_recordings: True: recordings are marked as incomplete in this store while they run.

    Example:
        broker = Broker.from_store(JsonFileCassetteStore("cassettes/orders.json"), mode="auto", live_responder=ask)
    """

    marks_recordings = True

    @explain_wrong_keywords()
    def __init__(
        self, path: str | os.PathLike[str], *, durable: bool = False, lock_timeout: float = _LOCK_TIMEOUT
    ) -> None:
        """Make a store of a file, which need not exist; its folder is created by the first save.

        Args:
            path: The file. A relative path is relative to the current folder of this moment.
            durable: Make each save survive a power failure, at the price of waiting for the disk.
            lock_timeout: How long a save waits for other processes that write to the file, in seconds.
        """
        self.path = Path(path)
        self._path = os.path.abspath(self.path)
        self._durable = durable
        self._lock_timeout = lock_timeout
        self._mutex = threading.Lock()
        self._bases = Bases(Basis.at_the_beginning(self._path))
        self._unsettled: tuple[Basis, Saving] | None = None
        _stores.add(self)

    def __repr__(self) -> str:
        return f"JsonFileCassetteStore({str(self.path)!r})"

    def load(self) -> Cassette:
        """Read the file. No lock is taken, and nothing is written.

        A file that breaks off at its end, because its writer was killed, is read as far as it is whole, with a
        `CassetteWarning`; the cassette then bears the mark of an incomplete recording.

        Raises:
            CassetteNotFoundError: There is no file.
            CassetteFormatError: The file is damaged, or of a newer format.
            CassetteLoadError: The file cannot be opened.
        """
        with Undisturbed(), self._mutex:
            self._settle()
            basis: Basis | None = None
            try:
                content = self._read()
                basis = Basis.of_loaded(content, time.time())
            except CassetteFormatError as error:
                basis = Basis("missing" if error.empty else "damaged")
                raise
            finally:
                self._bases.note_loaded(basis or Basis("missing"))
            return content.cassette

    def save(self, cassette: Cassette) -> None:
        """Store a cassette: add what is new since it was loaded or saved last, or write it as a whole.

        What other writers have added is kept, and so are members that this version does not know. Where nothing is
        new, nothing is written.

        Raises:
            CassetteSaveError: It could not be stored. The file is as it was, and a later save can succeed. (Where the
                disk fails so that not even the old end can be put back, the text says so; `load` recovers the rest.)
        """
        with Undisturbed(), self._mutex:
            self._settle()
            basis = self._bases.basis_of(cassette)
            saving = Saving(self._path, basis, lock_timeout=self._lock_timeout, durable=self._durable)
            self._unsettled = basis, saving
            try:
                saving.run(cassette)
            except OSError as error:
                torn = isinstance(error, TornFileError)
                what = "Its end is torn, and will be recovered" if torn else "What it held is as it was"
                raise CassetteSaveError(
                    f"{self.path} could not be written: {error.strerror or error}. {what}",
                    path=str(self.path),
                ) from error
            except (ValueError, TypeError, RecursionError) as error:
                raise CassetteSaveError(
                    f"{self.path} was not written, because the cassette cannot be written as JSON: {error}",
                    path=str(self.path),
                ) from error
            finally:
                self._settle()

    def _settle(self) -> None:
        """Take note of what came of a save; the next one does it where an interrupt has come between."""
        if self._unsettled is not None:
            basis, saving = self._unsettled
            outcome = saving.settle()
            if outcome is not None:
                self._bases.note_saved(basis, outcome)
            self._unsettled = None

    def _read(self) -> Content:
        """Read the file; when it seems damaged, again while nobody writes to it."""
        data, identity = self._bytes()
        try:
            return read_content(data, identity, str(self.path))
        except CassetteFormatError:
            again, identity = self._bytes(alone=True)
            if again != data:  # somebody was writing
                content = read_content(again, identity, str(self.path), recover=True)
            else:
                recovered = recovered_content(data, identity, str(self.path))
                if recovered is None:
                    raise
                content = recovered
        if content.torn:
            self._warn_of_recovery(content)
        return content

    def _bytes(self, *, alone: bool = False) -> tuple[bytes, FileIdentity]:
        try:
            with open_to_read(self._path) as file:
                if alone:
                    lock_to_read(file, _READER_PATIENCE)
                return read_from(file), FileIdentity.of(file)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise CassetteNotFoundError(
                f"there is no cassette {self.path}; record it first, in mode once, auto or record",
                path=str(self.path),
            ) from error
        except IsADirectoryError as error:
            raise CassetteLoadError(
                f"{self.path} is a folder; give the path of a file in it, such as {self.path / 'orders.json'}",
                path=str(self.path),
            ) from error
        except OSError as error:
            raise CassetteLoadError(
                f"{self.path} cannot be read: {error.strerror or error}", path=str(self.path)
            ) from error

    def _warn_of_recovery(self, content: Content) -> None:
        warnings.warn(
            f"{self.path} breaks off at its end, as when the process that wrote it was killed: "
            f"{len(content.cassette.interactions)} whole interactions were recovered",
            CassetteWarning,
            stacklevel=4,
        )

    def _renew_after_fork(self) -> None:
        self._mutex = threading.Lock()  # a thread that does not exist in the child may have held it
        self._unsettled = None
        self._bases.renew_after_fork()


_stores: weakref.WeakSet[JsonFileCassetteStore] = weakref.WeakSet()


def _renew_stores_after_fork() -> None:
    for store in list(_stores):
        store._renew_after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_stores_after_fork)
