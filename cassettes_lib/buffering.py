"""Buffering: `BufferedCassetteStore`, which saves to another store less often."""

from __future__ import annotations

import atexit
import os
import threading
import weakref
from types import TracebackType
from typing import Self

from cassettes_lib.broker import CassetteStore
from cassettes_lib.keywords import explain_wrong_keywords
from cassettes_lib.models import Cassette
from cassettes_lib.undisturbed import Undisturbed


class BufferedCassetteStore:
    """Stands in front of a store in which each save is dear, and saves to it now and then, and at `close`.

    What is buffered is lost when the process dies: that is the price. (An interpreter that exits saves it first.) A
    save that fails in the background is raised by the next `save`, `flush` or `close`, and tried again by it. Where
    several recordings take turns at one buffer, each turn saves what the one before has buffered.

    Example:
        >>> with BufferedCassetteStore(store, every=100, seconds=5) as buffered:        # doctest: +SKIP
        ...     broker = Broker.from_store(buffered, mode="auto", live_responder=ask)

    Attributes:
        store: The store behind it.
    """

    @explain_wrong_keywords()
    def __init__(self, store: CassetteStore, *, every: int = 50, seconds: float | None = 5.0) -> None:
        """Put a buffer in front of a store.

        Args:
            store: Where cassettes are saved in the end.
            every: Save when so many interactions are buffered.
            seconds: Save when something has been buffered for so long; None: never for that reason.

        Raises:
            ValueError: `every` is not at least 1, or `seconds` is not positive.
        """
        if every < 1:
            raise ValueError(f"every is the number of interactions between two saves, at least 1, not {every}")
        if seconds is not None and seconds <= 0:
            raise ValueError(f"seconds is a positive number or None, not {seconds}")
        self.store = store
        self._every = every
        self._seconds = seconds
        self._pending: Cassette | None = None
        self._saved: Cassette | None = None
        self._failed = False
        self._timer: threading.Timer | None = None
        self._lock = threading.RLock()
        _buffers.add(self)

    @property
    def marks_recordings(self) -> bool:
        """Whether recordings are marked as incomplete in the store while they run."""
        return bool(getattr(self.store, "marks_recordings", False))

    def load(self) -> Cassette:
        """Return what is stored, after saving what is buffered. Raises what the store raises."""
        with Undisturbed(), self._lock:
            self.flush()
            cassette = self.store.load()
            self._saved = cassette
            return cassette

    def save(self, cassette: Cassette) -> None:
        """Buffer a cassette, or save it when it is time. Raises what the store raises."""
        with Undisturbed(), self._lock:
            if self._pending is not None and not _holds_all_of(cassette, self._pending):
                self.flush()
            self._pending = cassette
            _waiting.add(self)
            if self._is_due(cassette):
                self.flush()
            elif self._timer is None and self._seconds is not None:
                self._timer = threading.Timer(self._seconds, self._flush_in_background)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Save what is buffered. Raises what the store raises; it then stays buffered."""
        with Undisturbed(), self._lock:
            self._stop_timer()
            if self._pending is not None:
                self.store.save(self._pending)
                self._saved, self._pending, self._failed = self._pending, None, False
                _waiting.discard(self)

    def close(self) -> None:
        """Save what is buffered; the store can be used on."""
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _is_due(self, cassette: Cassette) -> bool:
        """Tell whether to save now: much is new, or what is new is more than additions to what was saved."""
        if self._failed or _at_exit.is_set() or cassette.incomplete != (self._saved.incomplete if self._saved else ()):
            return True
        if self._saved is None:
            return len(cassette.interactions) >= self._every
        if not cassette.interactions.continues(self._saved.interactions):
            return True
        return len(cassette.interactions) - len(self._saved.interactions) >= self._every

    def _flush_in_background(self) -> None:
        try:
            self.flush()
        except Exception:  # noqa: BLE001 - whatever the store raises is raised again by the next save
            self._failed = True

    def _renew_after_fork(self) -> None:
        self._lock = threading.RLock()
        self._timer = None

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


_buffers: weakref.WeakSet[BufferedCassetteStore] = weakref.WeakSet()
_waiting: set[BufferedCassetteStore] = set()
"""Those that hold something; kept alive until it is saved."""


_at_exit = threading.Event()


def _holds_all_of(later: Cassette, earlier: Cassette) -> bool:
    """Tell whether a cassette continues another one, or was rewritten from one that does."""
    return (
        earlier.interactions.lineage[0] in later.interactions.lineage
        and len(earlier.interactions) <= len(later.interactions)
    )


@atexit.register
def _flush_at_exit() -> None:
    """Save what is buffered; from now on nothing waits, such as a stream that is ended later on the way out.

    Raises:
        RuntimeError: Something could not be saved; nobody but the user is left to be told, and Python prints it.
    """
    _at_exit.set()
    errors = _flush_all()
    if errors:
        raise RuntimeError("what was buffered could not be saved: " + "; ".join(map(str, errors)))


def _flush_all() -> list[Exception]:
    errors = []
    for buffer in list(_waiting):
        try:
            buffer.flush()
        except Exception as error:  # noqa: BLE001 - the others are to be saved all the same
            errors.append(error)
    return errors


def _renew_all_after_fork() -> None:
    for buffer in list(_buffers):
        buffer._renew_after_fork()


if hasattr(os, "register_at_fork"):
    # Before a fork, lest the parent and the child both save it; what fails now is tried again later.
    os.register_at_fork(before=_flush_all, after_in_child=_renew_all_after_fork)
