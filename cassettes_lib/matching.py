"""Matchers: functions from a request to a hashable key. Two requests match when all their keys are equal."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from cassettes_lib.models import InteractionRequest

Matcher = Callable[[InteractionRequest], Hashable]
MatchOn = Sequence[str | Matcher]
DEFAULT_MATCH_ON: MatchOn = ("method", "url", "body")

_NAMED: dict[str, Matcher] = {
    "method": lambda request: request.method,
    "url": lambda request: request.url,
    "body": lambda request: request.body,
}


def resolve_matchers(match_on: MatchOn) -> tuple[Matcher, ...]:
    """Return the matchers for names and functions."""
    return tuple(_NAMED[each] if isinstance(each, str) else each for each in match_on)
