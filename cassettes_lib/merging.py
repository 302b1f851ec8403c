"""Merging: how a cassette that is to be saved is joined with what is stored.

Strategy: three things are compared, as in a merge of texts: what this recording loaded or saved last (the basis), the
cassette it saves now, and what is stored now. What is only in the cassette is added. What is only in the store is
another writer's, and stays. As long as a file is the same one, everybody only adds at its end, so offsets tell which is
which. When somebody has replaced it, texts tell: each text of the basis accounts for one equal text in the store.

That is enough to rewrite what is ours, since equal texts are as good as each other; and what others have removed or
rewritten meanwhile is not brought back. It is not enough to drop what was loaded, when a recording begins anew: an
equal text may be somebody's new recording. Then only what is surely old is dropped; in doubt an interaction is kept.
See docs/adr/append-and-recovery.rst.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cassettes_lib.fileformat import cassette_members, interaction_text
from cassettes_lib.filestate import Basis, Content, FilePlace
from cassettes_lib.models import Cassette


class Merged(NamedTuple):
    """What is to be stored.

    Attributes:
        ours: The texts of the interactions of this recording, or of all that were stored and ours, if `others` is None.
        others: The texts of the interactions of other writers; None when they were not told apart.
        members: What stands behind the interactions.
    """

    ours: list[bytes]
    others: list[bytes] | None
    members: dict[str, Any]


class Merging:
    """One cassette that is to be saved, seen from what is known of what is stored.

    Attributes:
        adds: Whether the cassette only adds to what this recording has stored; else it takes the place of that.
        texts: The texts of what it adds, or of all its interactions.
    """

    def __init__(self, cassette: Cassette, basis: Basis) -> None:
        """Find out what is new.

        Raises:
            ValueError: The cassette holds a number that is not finite.
            TypeError: The cassette holds a member that cannot be written.
        """
        self._cassette = cassette
        self._basis = basis
        additions = basis.additions_in(cassette)
        self.adds = additions is not None
        self._is_derived = not self.adds and basis.is_rewritten_by(cassette.interactions)
        self._given_up = basis.given_up if self.adds or self._is_derived else frozenset()
        positions = range(len(cassette.interactions)) if additions is None else additions
        self.texts = [interaction_text(cassette.interactions, position) for position in positions]

    def changes_nothing(self) -> bool:
        """Tell whether all of the cassette is known to have been stored."""
        return (
            self.adds and not self.texts
            and self._basis.found == "cassette" and self._basis.says_all_of(self._cassette)
        )

    def alone(self) -> Merged:
        """Return what is to be stored where nothing is stored."""
        interactions = self._cassette.interactions
        texts = self.texts
        if len(texts) < len(interactions):
            texts = [interaction_text(interactions, position) for position in range(len(interactions))]
        kept = [text for position, text in enumerate(texts) if position not in self._given_up]
        return Merged(kept, [], cassette_members(self._cassette))

    def instead_of(self, there: Content, *, unchanged: bool) -> Merged:
        """Return what is to be stored in the place of what is.

        Args:
            there: What is stored.
            unchanged: Whether it is known to be what the basis says, and nothing of others.
        """
        basis = self._basis
        if unchanged and basis.found == "unseen":
            return Merged(self.texts, [], basis.merged_members(self._cassette, {}))
        members = basis.merged_members(self._cassette, cassette_members(there.cassette))
        if self.adds:
            return Merged(there.texts() + self.texts, None, members)
        others = [] if unchanged else self._others(there)
        ours = [text for position, text in enumerate(self.texts) if position not in self._given_up]
        return Merged(ours, others, members)

    def members(self, place: FilePlace) -> dict[str, Any]:
        """Return what is to stand behind the interactions of a file that is continued."""
        return self._basis.merged_members(self._cassette, place.members)

    def outcome(self, place: FilePlace | None) -> Basis:
        """Return what is known once the cassette is stored."""
        return self._basis.after_saving(
            self._cassette, self.texts, place, afresh=not self.adds, given_up=self._given_up
        )

    def _others(self, there: Content) -> list[bytes]:
        """Return the texts that are not of the basis; take note of those of the basis that are not there any more."""
        basis = self._basis
        texts = there.texts()
        if there.layout is not None and basis.place is not None and basis.place.still_holds(there):
            starts = [start for start, _ in there.layout.slices]
            return [text for text, start in zip(texts, starts, strict=True) if basis.place.is_of_others(start)]
        wanted: dict[int, list[int]] = {}
        for position in reversed(range(basis.count)):
            if position not in basis.given_up:
                wanted.setdefault(basis.keys[position], []).append(position)
        is_untouched = [hash(text) for text in texts[: basis.loaded]] == list(basis.keys[: basis.loaded])
        others = []
        for index, text in enumerate(texts):
            positions = wanted.get(hash(text))
            if positions and (
                self._is_derived or basis.saved or _is_old(there.cassette, index, basis.loaded_at, is_untouched)
            ):
                positions.pop()
            else:
                others.append(text)
        if self._is_derived:
            self._given_up |= {position for positions in wanted.values() for position in positions}
        return others


def _is_old(there: Cassette, position: int, loaded_at: float, is_untouched: bool) -> bool:
    """Tell whether an interaction was surely recorded before a moment; times on a cassette have no fractions."""
    recorded_at = there.interactions[position].recorded_at
    return is_untouched if recorded_at is None else recorded_at.timestamp() < int(loaded_at)
