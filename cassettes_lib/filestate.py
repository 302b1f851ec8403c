"""What a store knows of its file: what it loaded or saved last, where that ends, and what others added since.

Strategy: at the end of a file in our layout there is a place where the next interaction belongs. The bytes around it
say whether it is still right, and if not, whether all that happened is that others added something there. So a save
costs what is new, not what is there.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from io import FileIO
from typing import Any, Literal, NamedTuple

from cassettes_lib.errors import CassetteFormatError
from cassettes_lib.fileformat import interaction_text, mark_to_entry, read_cassette
from cassettes_lib.files import FileIdentity, read_from, stat_of
from cassettes_lib.layout import Layout, find_additions, members_behind
from cassettes_lib.models import Cassette, Interactions, RecordingMark

GUARD = 64
"""How many bytes before the end of the interactions are looked at before something is added there."""


class Content(NamedTuple):
    """What a file holds.

    Attributes:
        data: Its bytes.
        identity: Which file it is.
        cassette: What the bytes stand for.
        layout: Where the parts of the cassette stand, or None when the file is not in our layout.
        torn: Whether it breaks off at its end, and `cassette` is what was recovered.
    """

    data: bytes
    identity: FileIdentity
    cassette: Cassette
    layout: Layout | None = None
    torn: bool = False

    def texts(self) -> list[bytes]:
        """Return the texts of its interactions."""
        interactions = self.cassette.interactions
        return [interaction_text(interactions, position) for position in range(len(interactions))]

    def place(self, others: list[tuple[int, int]] | None) -> FilePlace | None:
        """Return where the file is to be continued, given what is known of other writers' additions."""
        return FilePlace.of(self.data, self.layout, self.identity, others) if self.layout else None


def read_content(data: bytes, identity: FileIdentity, path: str, *, recover: bool = False) -> Content:
    """Make sense of the bytes of a file.

    Args:
        data: The bytes.
        identity: Which file they are from.
        path: Its name, for errors.
        recover: Whether to recover what is whole of a text that breaks off at its end.

    Raises:
        CassetteFormatError: They are damaged.
    """
    try:
        return Content(data, identity, *read_cassette(data, path))
    except CassetteFormatError:
        content = recovered_content(data, identity, path) if recover else None
        if content is None:
            raise
        return content


def recovered_content(data: bytes, identity: FileIdentity, path: str) -> Content | None:
    """Return what is whole in the bytes of a file that breaks off at its end, or None when it is damaged otherwise.

    Raises:
        CassetteFormatError: It breaks off, but holds a value of a wrong type, or is of a newer format.
    """
    from cassettes_lib.recovery import recover_cassette

    cassette = recover_cassette(data, path)
    return None if cassette is None else Content(data, identity, cassette, torn=True)


class FilePlace(NamedTuple):
    """Where, in a file in our layout, the next interaction is to be added.

    Attributes:
        identity: The file.
        end: Offset behind the last interaction.
        guard: The bytes before that; as long as they are there, the offset is right.
        tail: The bytes from there to the end of the file.
        members: The members that stand in the tail.
        empty: Whether there is no interaction.
        others: Start and end of what other writers added, in order; None when that is not known.
    """

    identity: FileIdentity
    end: int
    guard: bytes
    tail: bytes
    members: dict[str, Any]
    empty: bool
    others: list[tuple[int, int]] | None

    @classmethod
    def of(
        cls, data: bytes, layout: Layout, identity: FileIdentity, others: list[tuple[int, int]] | None
    ) -> FilePlace:
        """Return the place in a file of which all bytes are at hand."""
        end = layout.end
        guard = data[max(end - GUARD, 0) : end]
        return cls(identity, end, guard, data[end:], layout.members, not layout.slices, others)

    def found_again(self, file: FileIO) -> FilePlace | None:
        """Return the place in the file as it is now, or None when more happened to it than additions at its end."""
        if not self.identity.may_be(file):
            return None
        known = self.guard + self.tail
        start = self.end - len(self.guard)
        if read_from(file, start, len(known) + 1) == known:
            return self
        text = read_from(file, start)
        if not text.startswith(self.guard):
            return None
        rest = text[len(self.guard) :]
        size = find_additions(rest, behind_another=not self.empty)
        if size is None:
            return None
        members = members_behind(rest[size:])
        if members is None:
            return None
        if size and self.others is not None:
            while self.others and self.others[-1][1] > self.end:  # noted by a save that then failed
                self.others.pop()
            self.others.append((self.end, self.end + size))
        return self.after(rest[:size], rest[size:], members)

    def after(self, text: bytes | memoryview, tail: bytes, members: dict[str, Any]) -> FilePlace:
        """Return the place after interactions were added here."""
        guard = (self.guard + text[-GUARD:])[-GUARD:]
        return FilePlace(
            self.identity, self.end + len(text), guard, tail, members, self.empty and not text, self.others
        )

    def still_holds(self, there: Content) -> bool:
        """Tell whether offsets still say who wrote what in a file."""
        guarded = there.data[self.end - len(self.guard) : self.end]
        return self.others is not None and self.identity == there.identity and guarded == self.guard

    def is_of_others(self, start: int) -> bool:
        """Tell whether an interaction that starts at an offset was added by another writer."""
        others = self.others or []
        following = bisect_right(others, (start, self.end))
        return start >= self.end or (following > 0 and start < others[following - 1][1])


@dataclass(slots=True, eq=False)  # not frozen, which would make the making of one a tenth of a save
class Basis:
    """What a store knows that it keeps for one recording; it is never changed.

    Attributes:
        found: What was there when the recording began: nothing, a cassette, a damaged file; `unseen`: nobody looked.
        entries: Identity of the list of interactions of the cassette that was loaded or saved last.
        count: How many of those interactions are in the file.
        keys: Hashes of their texts, of which the first `count` count.
        loaded: How many of them were loaded rather than saved.
        given_up: Positions of those that others have removed or rewritten in the file since.
        loaded_at: When, in seconds since the epoch.
        marks: The marks of that cassette, by session.
        extra: Its members that we do not know.
        foreign_marks: Sessions of marks that are another process's, though this one has a copy of them.
        place: Where the file is to be continued, or None when that is not known.
        seen: What `stat_of` said of an `unseen` file when the store was made.
        digest: Digest of the whole text, where it was loaded, nothing was saved since, and offsets cannot tell.
        saved: Whether this recording has saved.
        thread: The thread that loaded or saved last.
    """

    found: Literal["missing", "cassette", "damaged", "unseen"]
    entries: object = None
    count: int = 0
    keys: array[int] = field(default_factory=lambda: array("q"))
    loaded: int = 0
    given_up: frozenset[int] = frozenset()
    loaded_at: float = 0.0
    marks: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)
    foreign_marks: frozenset[str] = frozenset()
    place: FilePlace | None = None
    seen: tuple[int, ...] = ()
    digest: bytes = b""
    saved: bool = False
    thread: object = None

    @classmethod
    def of_loaded(cls, content: Content, loaded_at: float) -> Basis:
        """Return what is known after a file was loaded by this thread."""
        interactions = content.cassette.interactions
        texts = (interaction_text(interactions, position) for position in range(len(interactions)))
        return cls(
            "cassette", count=len(interactions), keys=array("q", map(hash, texts)), loaded=len(interactions),
            loaded_at=loaded_at, place=content.place([]), entries=interactions.lineage[0],
            marks=marks_of(content.cassette), extra=extra_of(content.cassette), thread=this_thread(),
        )

    def after_saving(
        self, cassette: Cassette, texts: Iterable[bytes], place: FilePlace | None, *, afresh: bool,
        given_up: frozenset[int],
    ) -> Basis:
        """Return what is known after a cassette was saved by this thread.

        Args:
            cassette: The cassette.
            texts: The texts of its interactions beyond the first `count`; of all of them, if `afresh`.
            place: Where the file is to be continued, if it can be.
            afresh: Whether the cassette took the place of what was kept, rather than being added to it.
            given_up: Positions of interactions of the cassette that are not in the file, because others removed them.
        """
        keys = self.keys if self.count and not afresh else array("q")
        del keys[self.count :]  # what a save noted that then failed
        keys.extend(map(hash, texts))
        loaded = 0 if afresh and not self.is_rewritten_by(cassette.interactions) else self.loaded
        return Basis(
            "cassette", cassette.interactions.lineage[0], len(keys), keys, loaded, given_up, self.loaded_at,
            marks_of(cassette), extra_of(cassette), self.foreign_marks, place, saved=True, thread=this_thread(),
        )

    def is_continued_by(self, interactions: Interactions) -> bool:
        """Tell whether interactions are those of this basis with additions at their end."""
        return (
            self.entries is not None and self.entries is interactions.lineage[0] and self.count <= len(interactions)
        )

    def is_rewritten_by(self, interactions: Interactions) -> bool:
        """Tell whether interactions were made from those of this basis, one for one, to take their place."""
        return any(each is self.entries for each in interactions.lineage[1:]) and self.count <= len(interactions)

    def additions_in(self, cassette: Cassette) -> range | None:
        """Return the positions of what is to be added to the file, or None when it is to be written anew."""
        if self.found == "missing":
            return range(len(cassette.interactions))
        if self.is_continued_by(cassette.interactions):
            return range(self.count, len(cassette.interactions))
        return None

    def says_all_of(self, cassette: Cassette) -> bool:
        """Tell whether the marks and unknown members of a cassette are those of this basis."""
        return marks_of(cassette) == self.marks and extra_of(cassette) == self.extra

    def merged_members(self, cassette: Cassette, there: dict[str, Any]) -> dict[str, Any]:
        """Return what is to stand behind the interactions.

        The marks that this recording has set or cleared since its last save are set and cleared; those of others
        stay. Likewise for members that we do not know, which are never removed.

        Args:
            cassette: What is saved.
            there: What stands there now.
        """
        if self.says_all_of(cassette):
            return there
        marks, extra = marks_of(cassette), extra_of(cassette)
        present = there.get("incomplete")
        standing = present if isinstance(present, list) else []
        if marks != self.marks:
            cleared = self.marks.keys() - marks.keys() - self.foreign_marks
            standing = [mark for mark in standing if _session_of(mark) not in cleared]
            known = {_session_of(mark) for mark in standing} | self.marks.keys() | self.foreign_marks
            standing += [mark for session, mark in marks.items() if session not in known]
        members = {name: value for name, value in there.items() if name != "incomplete"}
        members |= {
            name: value for name, value in extra.items() if name not in self.extra or self.extra[name] != value
        }
        return {"incomplete": standing, **members} if standing else members

    @classmethod
    def at_the_beginning(cls, path: str) -> Basis:
        """Return what is known before anything was loaded."""
        seen = stat_of(path)
        return cls("unseen", seen=seen) if seen else cls("missing")

    def after_fork(self) -> Basis:
        """Return what a forked child knows: the same, but the marks are its parent's."""
        return replace(self, foreign_marks=self.foreign_marks | self.marks.keys())


def this_thread() -> object:
    """Return what tells the running thread from all others; a thread's ident is given to another when it ends."""
    try:
        return _thread.token
    except AttributeError:
        _thread.token = object()
        return _thread.token


_thread = threading.local()


def marks_of(cassette: Cassette) -> dict[str, dict[str, Any]]:
    """Return the marks of a cassette as they stand in a file, by session."""
    incomplete, marks = _latest_marks[0]
    if cassette.incomplete is not incomplete:
        incomplete = cassette.incomplete
        marks = {mark.session: mark_to_entry(mark) for mark in incomplete}
        _latest_marks[0] = incomplete, marks
    return marks


# Those asked for last, which are nearly always asked for again; to look them up by their hash would cost more.
_latest_marks: list[tuple[tuple[RecordingMark, ...], dict[str, dict[str, Any]]]] = [((), {})]


def extra_of(cassette: Cassette) -> dict[str, Any]:
    """Return the members of a cassette that we do not know."""
    return cassette.model_extra or {}


def _session_of(mark: Any) -> Any:
    return mark.get("session") if isinstance(mark, Mapping) else None
