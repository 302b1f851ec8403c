"""Saving: one save of one cassette to one file.

Strategy: three ways, tried in this order under the lock of the file. (1) Append: the cassette continues what this
recording saved last, and the file ends as we know it or as other writers extend it; only what is new is written,
over the closing brackets. (2) Rewrite: the file is read and replaced by a new one, in which our cassette, or its
additions, are joined with what others have added. (3) Create, when there is no file.
"""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from dataclasses import replace
from io import FileIO

from cassettes_lib.errors import CassetteFormatError, CassetteWarning
from cassettes_lib.files import (
    FileIdentity,
    TornFileError,
    make_folders,
    move_aside,
    open_to_read,
    overwrite_end,
    put_file,
    read_from,
    replace_file,
    stat_of,
    sync_folder,
)
from cassettes_lib.filestate import GUARD, Basis, Content, FilePlace, read_content
from cassettes_lib.layout import joined, tail_text, whole_text
from cassettes_lib.locks import LockedFile
from cassettes_lib.merging import Merged, Merging
from cassettes_lib.models import Cassette


class Saving:
    """One save.

    Attributes:
        outcome: What is known of the file once the cassette is in it; None before.
    """

    def __init__(self, path: str, basis: Basis, *, lock_timeout: float, durable: bool) -> None:
        """Prepare to save a cassette.

        Args:
            path: Absolute path of the file.
            basis: What is known of the file.
            lock_timeout: How long to wait for other writers, in seconds.
            durable: Whether it survives a power failure.
        """
        self.outcome: Basis | None = None
        self._intended: Basis | None = None  # what the outcome is to be, from the moment that something is written
        self._path = path
        self._basis = basis
        self._lock_timeout = lock_timeout
        self._lock = LockedFile(path, lock_timeout)
        self._durable = durable

    def run(self, cassette: Cassette) -> None:
        """Save a cassette. If an exception comes up, `settle` tells whether that was before it was done or after.

        Raises:
            OSError: It could not be saved; the file is as it was.
            ValueError: The cassette holds a number that is not finite.
            TypeError: The cassette holds a member that cannot be written.
        """
        self._merging = Merging(cassette, self._basis)
        if self._merging.changes_nothing() and os.path.exists(self._path):
            return
        while True:
            with self._lock as file:
                if file is not None and ((self._merging.adds and self._append(file)) or self._rewrite(file)):
                    return
            if self._create():
                return

    def settle(self) -> Basis | None:
        """Let go of the file, look whether an interrupted save was done after all, and return the outcome."""
        self._lock.release()
        intended = self._intended
        if self.outcome is None and intended is not None and intended.place is not None:
            with suppress(OSError), open_to_read(self._path) as file:
                place = intended.place.found_again(file)
                if place is not None:
                    self.outcome = replace(intended, place=place)
        return self.outcome

    def _append(self, file: FileIO) -> bool:
        """Add what is new to the end of the file; return False where that cannot be done."""
        place = self._end_of(file)
        if place is None:
            return False
        members = self._merging.members(place)
        texts = self._merging.texts
        if not texts and members == place.members:
            self.outcome = self._merging.outcome(place)
            return True
        is_same_tail = members == place.members and not place.empty
        tail = place.tail if is_same_tail else tail_text(members, empty=place.empty and not texts)
        text = joined(texts, behind_another=not place.empty, tail=tail)
        added = memoryview(text)[: len(text) - len(tail)]
        if self._durable and not self._basis.saved:  # the file was made by somebody else
            sync_folder(os.path.realpath(self._path))
        self._intended = self._merging.outcome(place.after(added, tail, members))
        try:
            overwrite_end(file, place.end, place.tail, text, durable=self._durable)
        except TornFileError:  # all of it may be there
            raise
        except OSError:  # the file is as it was
            self._intended = None
            raise
        self.outcome = self._intended
        return True

    def _end_of(self, file: FileIO) -> FilePlace | None:
        place = self._basis.place.found_again(file) if self._basis.place else None
        if place is not None:
            return place
        try:
            return read_content(read_from(file), FileIdentity.of(file), self._path).place(None)
        except CassetteFormatError:
            return None

    def _rewrite(self, file: FileIO) -> bool:
        """Replace the file; return False when there is none any more, since a damaged one was moved aside."""
        there = self._content_of(file)
        if there is None:
            return False
        unchanged = self._basis.found == "unseen" and self._basis.seen == stat_of(self._path)
        text, place = _compose(self._merging.instead_of(there, unchanged=unchanged), there.identity)
        if text == there.data:
            self.outcome = self._merging.outcome(place)
            return True
        replace_file(
            self._path, file, text, timeout=self._lock_timeout, durable=self._durable,
            intend=lambda identity: self._intend(place, identity),
        )
        self.outcome = self._intended
        return True

    def _content_of(self, file: FileIO) -> Content | None:
        """Read the file; a damaged one is moved aside, and None is returned."""
        data, identity = read_from(file), FileIdentity.of(file)
        try:
            content = read_content(data, identity, self._path, recover=True)
        except CassetteFormatError as error:
            if error.empty:
                return Content(data, identity, Cassette())
            aside = move_aside(os.path.realpath(self._path))
            _warn(f"{self._path} is damaged and was moved to {aside}, so that a new one can be recorded: {error}")
            return None
        if content.torn:
            count = len(content.cassette.interactions)
            _warn(f"{self._path} broke off at its end, where its writer was killed; {count} interactions are whole")
        return content

    def _create(self) -> bool:
        """Write a new file; return False when somebody else has done that meanwhile."""
        path = os.path.realpath(self._path)
        if self._basis.found in ("missing", "unseen"):
            # Where there was a file before, a folder that is gone has been taken away from us: that is an error.
            make_folders(path, durable=self._durable)
        text, place = _compose(self._merging.alone(), FileIdentity(0, 0, 0))
        is_put = put_file(
            path, text, timeout=self._lock_timeout, durable=self._durable,
            intend=lambda identity: self._intend(place, identity),
        )
        if is_put:
            self.outcome = self._intended
        return is_put

    def _intend(self, place: FilePlace, identity: FileIdentity) -> None:
        self._intended = self._merging.outcome(place._replace(identity=identity))


def _compose(merged: Merged, identity: FileIdentity) -> tuple[bytes, FilePlace]:
    """Return the text of a file, and where it is to be continued."""
    others = merged.others
    entries = merged.ours + (others or [])
    text = whole_text(entries, merged.members)
    tail = tail_text(merged.members, empty=not entries)
    end = len(text) - len(tail)
    spans = others if others is None else [(end - len(joined(others)), end)] if others else []
    guard = text[max(end - GUARD, 0) : end]
    return text, FilePlace(identity, end, guard, tail, merged.members, not entries, spans)


def _warn(message: str) -> None:
    warnings.warn(message, CassetteWarning, stacklevel=5)
