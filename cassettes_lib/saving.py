"""Saving: one save of one cassette to one file.

Strategy: three ways, tried in this order under the lock of the file. (1) Append: the cassette continues what this
recording saved last, and the file ends as we know it or as other writers extend it; only what is new is written,
over the closing brackets. (2) Rewrite: the file is read and replaced by a new one, in which our cassette, or its
additions, are joined with what others have added. (3) Create, when there is no file.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from io import FileIO
from typing import Any

from cassettes_lib.errors import CassetteFormatError, CassetteWarning
from cassettes_lib.fileformat import cassette_members, interaction_text
from cassettes_lib.files import FileIdentity, move_aside, overwrite_end, put_file, read_from, replace_file, stat_of
from cassettes_lib.filestate import GUARD, Basis, Content, FilePlace, entries_of_others, read_content
from cassettes_lib.layout import joined, tail_text, whole_text
from cassettes_lib.locks import LockedFile
from cassettes_lib.models import Cassette


class Saving:
    """One save.

    Attributes:
        outcome: What is known of the file once the cassette is in it; None before.
    """

    def __init__(self, path: str, cassette: Cassette, basis: Basis, *, lock_timeout: float, durable: bool) -> None:
        """Prepare to save a cassette.

        Args:
            path: Absolute path of the file.
            cassette: What is to be saved.
            basis: What is known of the file.
            lock_timeout: How long to wait for other writers, in seconds.
            durable: Whether it survives a power failure.
        """
        self.outcome: Basis | None = None
        self._path = path
        self._cassette = cassette
        self._basis = basis
        self._lock_timeout = lock_timeout
        self._durable = durable
        self._additions = basis.additions_in(cassette)
        positions = range(len(cassette.interactions)) if self._additions is None else self._additions
        self._texts = [interaction_text(cassette.interactions, position) for position in positions]
        """What is new; the whole cassette when `additions` is None."""

    def run(self) -> None:
        """Save; `outcome` is set even if an exception comes up just when it is done.

        Raises:
            OSError: It could not be saved; the file is as it was.
            ValueError: The cassette holds a number that is not finite.
            TypeError: The cassette holds a member that cannot be written.
        """
        if self._is_saved_already():
            return
        while True:
            with LockedFile(self._path, self._lock_timeout) as file:
                if file is not None and ((self._additions is not None and self._append(file)) or self._rewrite(file)):
                    return
            if self._create():
                return

    def _is_saved_already(self) -> bool:
        return (
            self._additions is not None and not self._additions
            and self._basis.found == "cassette" and self._basis.says_all_of(self._cassette)
            and os.path.exists(self._path)
        )

    def _append(self, file: FileIO) -> bool:
        """Add what is new to the end of the file; return False where that cannot be done."""
        place = self._end_of(file)
        if place is None:
            return False
        members = self._basis.merged_members(self._cassette, place.members)
        added = joined(self._texts)
        if added and not place.empty:
            added = b"," + added
        if not added and members == place.members:
            self.outcome = self._outcome(place)
            return True
        tail = tail_text(members, empty=place.empty and not added)
        outcome = self._outcome(place.after(added, tail, members))
        overwrite_end(file, place.end, place.tail, added + tail, durable=self._durable)
        self.outcome = outcome
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
        basis, ours, others = self._basis, self._texts, None
        standing = cassette_members(there.cassette)
        if basis.found == "unseen" and basis.seen == stat_of(self._path):
            others, standing = [], {}
        elif self._additions is None:
            others = entries_of_others(basis, there, rewriting=self._is_rewriting())
        else:
            ours = there.texts() + ours
        members = basis.merged_members(self._cassette, standing)
        text, place = _compose(ours, others, members, there.identity)
        if text == there.data:
            self.outcome = self._outcome(place)
            return True
        replace_file(
            self._path, file, text, timeout=self._lock_timeout, durable=self._durable,
            done=lambda identity: self._set_outcome(place, identity),
        )
        return True

    def _is_rewriting(self) -> bool:
        return self._basis.saved or self._basis.is_rewritten_by(self._cassette.interactions)

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
            os.makedirs(os.path.dirname(path), exist_ok=True)
        interactions = self._cassette.interactions
        texts = self._texts
        if len(texts) < len(interactions):
            texts = [interaction_text(interactions, position) for position in range(len(interactions))]
        text, place = _compose(texts, [], cassette_members(self._cassette), FileIdentity(0, 0, 0))
        return put_file(
            path, text, timeout=self._lock_timeout, durable=self._durable,
            done=lambda identity: self._set_outcome(place, identity),
        )

    def _set_outcome(self, place: FilePlace, identity: FileIdentity) -> None:
        self.outcome = self._outcome(replace(place, identity=identity))

    def _outcome(self, place: FilePlace) -> Basis:
        return self._basis.after_saving(
            self._cassette, self._texts, place, afresh=self._additions is None, rewriting=self._is_rewriting()
        )


def _compose(
    ours: list[bytes], others: list[bytes] | None, members: Mapping[str, Any], identity: FileIdentity
) -> tuple[bytes, FilePlace]:
    """Return the text of a file, and where it is to be continued; `others` is None when they are not known apart."""
    entries = ours + (others or [])
    text = whole_text(entries, members)
    tail = tail_text(members, empty=not entries)
    end = len(text) - len(tail)
    spans = others if others is None else [(end - len(joined(others)), end)] if others else []
    place = FilePlace(identity, end, text[max(end - GUARD, 0) : end], tail, dict(members), not entries, spans)
    return text, place


def _warn(message: str) -> None:
    warnings.warn(message, CassetteWarning, stacklevel=5)
