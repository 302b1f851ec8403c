"""Likeness: which recorded requests come closest to one that was asked.

Strategy: three stages, each dearer and for fewer. Method and URL of all recorded requests are scored first; where many
tie (10,000 posts to one URL), the words of their bodies decide, of long bodies the first and the last ones; the
matchers themselves are applied to the best dozen only. So a scan of 10,000 takes a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.matching import NamedMatcher, keys_equal
from cassettes_lib.matching_urls import CanonicalUrl, canonical_url
from cassettes_lib.models import InteractionRequest
from cassettes_lib.playback import PlaybackIndex

_FINALISTS = 12
_LOOKED_AT = 8_000_000  # bytes of bodies, all together
_LEAST_LOOKED_AT, _MOST_LOOKED_AT = 128, 4096  # of the first and of the last bytes of one body
_WORD = late_pattern(rb"[^\s,:;&={}\[\]<>]+")
_PATH_PARTS = {"url", "path"}


class Candidate(NamedTuple):
    """A recorded request beside the one that was asked.

    Attributes:
        position: Its position on the cassette, from 0.
        request: The recorded request.
        differing: The matchers whose keys differ; empty when it is equal.
        likeness: From 0 on; higher is closer.
    """

    position: int
    request: InteractionRequest
    differing: tuple[NamedMatcher, ...]
    likeness: float


def nearest_candidates(
    request: InteractionRequest, index: PlaybackIndex, *, skip: Iterable[int] = ()
) -> list[Candidate]:
    """Return the recorded requests closest to one, the closest first, at most a dozen.

    Args:
        request: What was asked.
        index: What is recorded, and by which matchers it is found.
        skip: Positions to leave out.
    """
    skipped = set(skip)
    positions = [position for position in range(index.count) if position not in skipped]
    likenesses = dict(zip(positions, _line_likenesses(request, positions, index.recorded.stored_line_at), strict=True))
    positions = _best(positions, likenesses)
    if len(positions) > _FINALISTS:
        length = min(_MOST_LOOKED_AT, max(_LEAST_LOOKED_AT, _LOOKED_AT // len(positions) // 2))
        words = _words(request.body, length)
        looked_at = {position: _shared(words, _words(_body_of(index, position), length)) for position in positions}
        # Among equals, what was not yet played comes first, in recorded order.
        positions.sort(
            key=lambda position: (-likenesses[position] - looked_at[position], index.is_played(position), position)
        )
    candidates = []
    for position in positions[:_FINALISTS]:
        recorded = index.recorded.request_at(position)
        differing = tuple(matcher for matcher in index.matchers if not keys_equal(matcher, request, recorded))
        likeness = likenesses[position] + _shared(
            _words(request.body, _MOST_LOOKED_AT), _words(recorded.body, _MOST_LOOKED_AT)
        )
        candidates.append(Candidate(position, recorded, differing, likeness))
    return sorted(
        candidates,
        key=lambda each: (len(each.differing), index.is_played(each.position), -each.likeness, each.position),
    )


def is_similar(request: InteractionRequest, candidate: Candidate, matchers: Iterable[NamedMatcher]) -> bool:
    """Tell whether a recorded request resembles one enough to be shown beside it."""
    if not any(matcher.part in _PATH_PARTS for matcher in matchers):
        return True
    asked, recorded = canonical_url(request.url), canonical_url(candidate.request.url)
    if asked.host == recorded.host and text_likeness(asked.path[1:], recorded.path[1:]) >= 0.5:
        return True
    return asked.path == recorded.path and asked.path != "/"


def text_likeness(one: str, other: str) -> float:
    """Return how much of two texts is a common beginning or end: from 0 to 1."""
    longer = max(len(one), len(other))
    if one == other or not longer:
        return 1.0
    beginning = common_beginning(one, other)
    rest = min(len(one), len(other)) - beginning
    end = common_beginning(one[::-1], other[::-1]) if rest else 0
    return (beginning + min(end, rest)) / longer


def common_beginning(one: str | bytes, other: str | bytes) -> int:
    """Return the length of the common beginning."""
    shorter = min(len(one), len(other))
    if one[:shorter] == other[:shorter]:
        return shorter
    low, high = 0, shorter  # equal up to low, different within high
    while high - low > 1:
        middle = (low + high) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _line_likenesses(
    request: InteractionRequest, positions: list[int], line_at: Callable[[int], tuple[str, str]]
) -> list[float]:
    asked = canonical_url(request.url)
    known: dict[tuple[str, str], float] = {}
    likenesses = []
    for position in positions:
        line = line_at(position)
        likeness = known.get(line)
        if likeness is None:
            likeness = known[line] = _url_likeness(asked, canonical_url(line[1])) + (line[0] == request.method)
        likenesses.append(likeness)
    return likenesses


def _url_likeness(one: CanonicalUrl, other: CanonicalUrl) -> float:
    likeness = 3 * text_likeness(one.path, other.path) + 2 * (one.host == other.host)
    likeness += 0.25 * ((one.scheme == other.scheme) + (one.port == other.port))
    if one.query == other.query:
        return likeness + 1
    # A value that differs under the same name is closer than a parameter the other one has not.
    names = _shared({name for name, _ in one.query}, {name for name, _ in other.query})
    return likeness + 0.8 * _shared(set(one.query), set(other.query)) + 0.15 * names


def _best(positions: list[int], likenesses: dict[int, float]) -> list[int]:
    """Return the best positions, the best first: as many as there are finalists, and all that tie with the last."""
    ranked = sorted(positions, key=lambda position: -likenesses[position])
    if len(ranked) > _FINALISTS:
        last = likenesses[ranked[_FINALISTS - 1]]
        ranked = [position for position in ranked if likenesses[position] >= last]
    return ranked


def _body_of(index: PlaybackIndex, position: int) -> bytes:
    text = index.recorded.body_text_at(position)
    return index.recorded.stored_at(position).body if text is None else text


def _words(body: bytes, length: int) -> set[bytes]:
    if len(body) > 2 * length:
        body = body[:length] + b"\n" + body[-length:] + b"\n%d" % len(body)
    return set(_WORD.findall(body))


def _shared(one: set[Any], other: set[Any]) -> float:
    together = len(one | other)
    return len(one & other) / together if together else 1.0
