"""What a store knows for each of the recordings that it serves, and which of them a cassette belongs to."""

from __future__ import annotations

from dataclasses import replace

from cassettes_lib.filestate import Basis, this_thread
from cassettes_lib.models import Cassette

_MOST_BASES = 64


class Bases:
    """The bases of one store: the one that loaded or saved last at the end. Its store guards it by a lock."""

    def __init__(self, first: Basis) -> None:
        """Begin with what was there when the store was made."""
        self._first = first
        self._bases: list[Basis] = []
        self._has_loaded = False

    def note_loaded(self, basis: Basis) -> None:
        """Take note of what this thread has just loaded, or what was not there to be loaded."""
        self._has_loaded = True
        self._note(None, replace(basis, thread=this_thread()) if basis.thread is None else basis)

    def note_saved(self, old: Basis, new: Basis) -> None:
        """Take note of what is known after a save."""
        self._note(old, new)

    def basis_of(self, cassette: Cassette) -> Basis:
        """Return what is known for the recording that a cassette belongs to.

        A cassette that comes from none of them begins a recording: on what its thread loaded or saved last, or else
        on what was loaded by somebody who has not saved yet.
        """
        latest_first = self._bases[::-1]
        for basis in latest_first:
            if basis.is_continued_by(cassette.interactions):
                return basis
        for basis in latest_first:
            if basis.is_rewritten_by(cassette.interactions):
                return basis
        thread = this_thread()
        mine = [basis for basis in latest_first if basis.thread == thread]
        unclaimed = [basis for basis in latest_first if not basis.saved]
        return next(iter([*mine, *unclaimed]), latest_first[0] if self._has_loaded else self._first)

    def renew_after_fork(self) -> None:
        """Make it what a forked child knows."""
        self._bases = [basis.after_fork() for basis in self._bases]

    def _note(self, old: Basis | None, new: Basis) -> None:
        """Put what is now known for a recording at the end, and forget the eldest of its kind when there are many."""
        if self._bases and self._bases[-1] is old and old.saved == new.saved:
            self._bases[-1] = new  # as nearly always
            return
        bases = [each for each in self._bases if each is not old and each is not new]
        alike = [each for each in bases if each.saved == new.saved]
        if len(alike) >= _MOST_BASES:
            bases.remove(alike[0])
        self._bases = [*bases, new]
