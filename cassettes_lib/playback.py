"""The index: which recorded interaction answers a request, each key's in recorded order, each once.

Strategy: a trie that grows where it is touched. Its levels are the matchers, cheapest first; a node holds the positions
whose keys were equal so far, and is split by the next matcher when a request gets there, unless the first of its
positions that has not been played is the very same request: that one is the answer without any key. So a test that
asks again what it asked when recording costs a comparison per request; one that asks in another order costs the keys
of method and URL of all, once, and those of the bodies among recorded requests that are equal in all else. After
that a lookup is one dictionary access per matcher. Before bodies are parsed for their keys, the first few times, their
texts are searched for what must stand in them. There is a trie over the requests as they are stored, and one over the
same without secrets, for what is asked and had some (see `docs/adr/cost-of-a-miss.rst`).

Threads that ask what was recorded do not wait for each other (see `docs/adr/threads-do-not-queue.rst`): a position is
claimed by one step of the interpreter, and a trie that grows meanwhile is one in which less is found.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple, Protocol

from cassettes_lib.matching import MatchOn, NamedMatcher, resolve_matchers
from cassettes_lib.matching_bodies import body_headers
from cassettes_lib.models import InteractionRequest

RequestAt = Callable[[int], InteractionRequest]
LineAt = Callable[[int], tuple[str, str]]

# Built-in matchers that look at nothing but method, URL and body.
_TOLD_BY_SAMENESS = frozenset(("method", "url", "scheme", "host", "port", "path", "query", "body", "raw_body"))
# So often the texts of recorded bodies are searched before all their keys are computed.
_A_FEW_SCANS = 6
# Of so many the keys are computed in vain, to spare those of all others.
_A_FEW = 50
# What stands for a position that is never given out.
_WITHHELD = object()


class Usage(NamedTuple):
    """How a recorded request has been used.

    Attributes:
        positions: Where requests equal to it stand on the cassette, in recorded order.
        asked: How often it was asked for, misses included.
    """

    positions: Sequence[int]
    asked: int


class RecordedForms(Protocol):
    """Reads the recorded requests by their position, in the forms in which they are compared."""

    def __len__(self) -> int:
        """Return how many there are."""

    def request_at(self, position: int) -> InteractionRequest:
        """Return a request without secrets."""

    def line_at(self, position: int) -> tuple[str, str]:
        """Return method and URL of the same."""

    def stored_at(self, position: int) -> InteractionRequest:
        """Return a request as it is stored, which may hold secrets."""

    def stored_line_at(self, position: int) -> tuple[str, str]:
        """Return method and URL of the same."""

    def played_at(self, position: int) -> InteractionRequest:
        """Return a request as it is stored, which will most likely be played."""

    def body_text_at(self, position: int) -> bytes | None:
        """Return the stored body, or the text that stands for it in a file; None if it says more than its text."""

    def compares_as_stored(self, request: InteractionRequest, /) -> bool:
        """Tell whether a request without secrets can only be equal to one that is stored as it is."""

    def may_be_put_there(self, text: str, /) -> bool:
        """Tell whether a text in a request without secrets may hold what has been put in the place of one."""


class PlaybackIndex:
    """Finds, for each request, the next recorded one that is equal to it.

    Not thread-safe, but for `take_same`: the Broker calls all else under its lock.

    Attributes:
        count: How many interactions are recorded.
        recorded: Reads the recorded requests.
        matchers: What makes requests equal.
        withheld: The positions that are never given out because they are too old, and when they were recorded.
    """

    def __init__(self, recorded: RecordedForms, matchers: MatchOn) -> None:
        """Make an index; no request is read before the first one is asked for."""
        self.count = len(recorded)
        self.recorded = recorded
        self.matchers = resolve_matchers(matchers)
        self._levels = _levels(self.matchers)
        self._same_means_equal = all(matcher.part in _TOLD_BY_SAMENESS for matcher in self.matchers)
        everything = range(self.count)
        self._redacted = _Tree(everything, recorded, recorded.request_at, recorded.line_at)
        self._stored = _Tree(everything, recorded, recorded.stored_at, recorded.stored_line_at)
        self._claims: dict[int, object] = {}
        self._repeats = 0
        self.withheld: Mapping[int, datetime] = {}

    def withhold(self, positions: Mapping[int, datetime]) -> None:
        """Never give out these positions, because they were recorded too long ago; call it before anything is asked."""
        self.withheld = positions
        for position in positions:
            self._claims[position] = _WITHHELD

    @property
    def play_count(self) -> int:
        """How many requests were answered."""
        return len(self._claims) - len(self.withheld) + self._repeats

    def take_same(self, request: InteractionRequest) -> int | None:
        """Return the next recorded request if it is this one in every character, and count it as played.

        Neither of the two needs to be redacted for that: what is the same stays the same. So the usual case, a test
        that asks what it asked when recording, costs comparisons of strings. Threads may call it without a lock.

        Args:
            request: What is asked, not redacted.

        Returns:
            The position, or None when `take` has to look closer.
        """
        if not self._same_means_equal:
            return None
        node = self._stored.root
        for level in self._levels:
            if node.children is None:
                return self._play_next(node, lambda each: _is_same(request, self.recorded.played_at(each)))
            child = node.shortcuts.get(level.raw_key(request))
            if child is None:
                return None
            node = child
        return self._play_next(node)

    def take(self, request: InteractionRequest, *, repeat: bool = False) -> int | None:
        """Return the position of the next recorded request equal to this one, and count it as played.

        Args:
            request: What is asked, redacted.
            repeat: Give the last one again when all are used up.

        Returns:
            The position, or None when there is none, or none left.

        Raises:
            TypeError: A matcher returned a key that cannot be hashed.
        """
        tree = self._tree_for(request)
        node = tree.root
        for depth, level in enumerate(self._levels):
            if node.children is None:
                position = self._play_next(node, partial(tree.is_equal, request, self._levels[depth:]))
                if position is not None:
                    return position
            child = tree.child(node, level, request)
            if child is None:
                return None
            node = child
        position = self._play_next(node)
        if position is not None:
            return position
        node.unanswered += 1
        if not repeat:
            return None
        last = next((each for each in reversed(node.positions) if self.is_played(each)), None)
        self._repeats += last is not None
        return last

    def usage(self, request: InteractionRequest) -> Usage | None:
        """Tell where requests equal to this one are recorded and how often they were asked for; None if nowhere."""
        tree = self._tree_for(request)
        node = tree.root
        for level in self._levels:
            child = tree.child(node, level, request)
            if child is None:
                return None
            node = child
        played = sum(map(self.is_played, node.positions))
        return Usage(tuple(node.positions), played + node.unanswered)

    def is_played(self, position: int) -> bool:
        """Tell whether the interaction at a position has been played."""
        return self._claims.get(position, _WITHHELD) is not _WITHHELD

    def is_left(self, position: int) -> bool:
        """Tell whether the interaction at a position can still be played."""
        return position not in self._claims

    def compares_as_stored(self, request: InteractionRequest) -> bool:
        """Tell whether a request is looked up among the recorded ones as they are stored, and not as redacted."""
        return self._same_means_equal and self.recorded.compares_as_stored(request)

    @property
    def unused(self) -> list[int]:
        """The positions that have not been played, in recorded order."""
        return [position for position in range(self.count) if not self.is_played(position)]

    @property
    def unused_count(self) -> int:
        """How many positions have not been played; costs nothing."""
        return self.count - len(self._claims) + len(self.withheld)

    @property
    def all_played(self) -> bool:
        """Whether every position has been played; costs nothing."""
        return not self.unused_count

    def _tree_for(self, request: InteractionRequest) -> _Tree:
        return self._stored if self.compares_as_stored(request) else self._redacted

    def _play_next(self, node: _Node, is_wanted: Callable[[int], bool] | None = None) -> int | None:
        """Claim the first position of a node that is left, or return None; all calls together look at each once.

        Args:
            node: Where to look.
            is_wanted: If given, called for this position, which is not claimed when it says no.
        """
        positions, passed = node.positions, node.passed
        while passed < len(positions):
            position = positions[passed]
            if position in self._claims:
                passed += 1
                continue
            node.passed = passed
            if is_wanted is not None and not is_wanted(position):
                return None
            mine = object()
            if self._claims.setdefault(position, mine) is mine:
                return position
        node.passed = passed
        return None


class _Tree:
    """The trie over the recorded requests in one of their forms; see the strategy.

    Attributes:
        root: Its first node.
    """

    def __init__(
        self, positions: Sequence[int], recorded: RecordedForms, request_at: RequestAt, line_at: LineAt
    ) -> None:
        self.root = _Node(positions)
        self._recorded = recorded
        self._request_at = request_at
        self._line_at = line_at

    def is_equal(self, request: InteractionRequest, levels: Sequence[_Level], position: int) -> bool:
        """Tell whether a request equals the one recorded at a position by these levels."""
        for level in levels:
            raw_key = self._raw_key(level, position)
            if raw_key is not None:
                if raw_key != level.raw_key(request):
                    return False
            elif self._key(level, position) != level.key(request):
                return False
        return True

    def child(self, node: _Node, level: _Level, request: InteractionRequest) -> _Node | None:
        """Return the node of a level where a request is found, or None; the level is made where it is needed."""
        if node.children is None:
            if self._is_ruled_out(node, level, request):
                return None
            self._split(node, level)
        assert node.children is not None
        raw_key = level.raw_key(request)
        child = node.shortcuts.get(raw_key) if raw_key is not None else None
        return child or node.children.get(level.key(request))

    def _is_ruled_out(self, node: _Node, level: _Level, request: InteractionRequest) -> bool:
        """Tell, if it is cheap to tell, that none of the recorded requests of a node equals this one.

        Only a few times: after that the keys of all, by which it is told at once, cost less.
        """
        if node.scans == _A_FEW_SCANS:
            return False
        rules_out = level.rules_out(request, self._recorded.may_be_put_there)
        if rules_out is None:
            return False
        node.scans += 1
        read: list[int] = []
        for position in node.positions:
            text = self._recorded.body_text_at(position)
            if text is None:
                read.append(position)
                if len(read) > _A_FEW:
                    return False
            elif not rules_out(text):
                return False
        if len(read) == len(node.positions):
            return False
        key = level.key(request)
        return all(self._key(level, position) != key for position in read)

    def _split(self, node: _Node, level: _Level) -> None:
        children = node.children = {}
        line_at = self._line_at if level.needs_line_only else None
        for position in node.positions:
            line = line_at(position) if line_at else None  # looked at once: twice, all keys cost half as much again
            raw_key = line or level.raw_key(self._request_at(position))
            child = node.shortcuts.get(raw_key) if raw_key is not None else None
            if child is None:
                key = level.line_key(*line) if line else level.key(self._request_at(position))
                child = children.get(key)
                if child is None:
                    child = children[key] = _Node([])
                if raw_key is not None:
                    node.shortcuts[raw_key] = child
            child.add(position)

    def _raw_key(self, level: _Level, position: int) -> Hashable | None:
        if level.needs_line_only:
            return self._line_at(position)
        return level.raw_key(self._request_at(position))

    def _key(self, level: _Level, position: int) -> Hashable:
        if level.needs_line_only:
            return level.line_key(*self._line_at(position))
        return level.key(self._request_at(position))


class _Level:
    """A level of the trie: a matcher, or several of those that look at method and URL only, as one."""

    def __init__(self, matchers: Sequence[NamedMatcher]) -> None:
        self._line_keys = [matcher.line_key for matcher in matchers if matcher.line_key]
        self._matcher = matchers[0]

    @property
    def needs_line_only(self) -> bool:
        return bool(self._line_keys)

    def raw_key(self, request: InteractionRequest) -> Hashable | None:
        """Return a cheap key such that requests with equal ones have equal keys, or None."""
        if self._line_keys:
            return (request.method, request.url)
        return self._matcher.raw_key(request) if self._matcher.raw_key else None

    def key(self, request: InteractionRequest) -> Hashable:
        if self._line_keys:
            return self.line_key(request.method, request.url)
        return self._matcher.key(request)

    def rules_out(
        self, request: InteractionRequest, may_differ: Callable[[str], bool]
    ) -> Callable[[bytes], bool] | None:
        """Return what tells from the text of a recorded body that its key is not that of a request, or None."""
        return self._matcher.rules_out(request, may_differ) if self._matcher.rules_out else None

    def line_key(self, method: str, url: str) -> Hashable:
        return tuple([line_key(method, url) for line_key in self._line_keys])


class _Node:
    """Positions whose keys are equal down to a level, in recorded order.

    Attributes:
        positions: The positions.
        children: The nodes of the next level by key, None until needed.
        shortcuts: The same nodes by raw key.
        passed: How many of the first positions are known to have been played, or withheld.
        scans: How often their texts were looked through.
        unanswered: How often they were asked for when none was left.
    """

    __slots__ = ("children", "passed", "positions", "scans", "shortcuts", "unanswered")

    def __init__(self, positions: Sequence[int]) -> None:
        self.positions = positions
        self.children: dict[Hashable, _Node] | None = None
        self.shortcuts: dict[Hashable, _Node] = {}
        self.passed = 0
        self.scans = 0
        self.unanswered = 0

    def add(self, position: int) -> None:
        assert isinstance(self.positions, list)
        self.positions.append(position)


def _is_same(one: InteractionRequest, other: InteractionRequest) -> bool:
    """Tell whether two requests have the same method, URL and body, in the same type and coding."""
    return (
        one.url == other.url and one.method == other.method and one.body == other.body
        and (not one.body or body_headers(one.headers) == body_headers(other.headers))
    )


def _levels(matchers: Sequence[NamedMatcher]) -> list[_Level]:
    """Put the matchers in the order of what they cost; those of the user last, which may rely on the others."""
    lines = [matcher for matcher in matchers if matcher.line_key]
    others = sorted(
        (matcher for matcher in matchers if not matcher.line_key),
        key=lambda matcher: ("headers", "header", "raw_body", "body", "").index(matcher.part),
    )
    return [_Level(each) for each in ([lines] if lines else []) + [[matcher] for matcher in others]]
