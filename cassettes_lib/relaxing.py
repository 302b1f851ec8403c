"""Relaxing: the `ignoring(...)` call that would make a recorded request match one that was asked.

Strategy: for each matcher whose keys differ, name the places that differ: query parameters, JSON paths, form fields,
headers. A suggestion is made only when few places explain everything, and when the relaxed matchers, applied to the two
requests, really give equal keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from cassettes_lib.ignore_rules import NO_RULES, IgnoreRules
from cassettes_lib.jsonpath import JsonPath, path_to
from cassettes_lib.matching import DEFAULT_MATCH_ON, NamedMatcher, keys_equal
from cassettes_lib.matching_bodies import BodyRules, body_key, understand
from cassettes_lib.matching_urls import canonical_url
from cassettes_lib.media import Part
from cassettes_lib.models import InteractionRequest

# With more places than these it is another request, and not the same one with some noise.
_MOST_PLACES = 3

Place = tuple[str | int | None, ...]


def arguments_of_ignoring(
    matchers: Sequence[NamedMatcher], recorded: InteractionRequest, asked: InteractionRequest
) -> list[str] | None:
    """Return the arguments of the `ignoring(...)`, as Python, by which two requests match, or None."""
    rules = NO_RULES
    for matcher in matchers:
        if not keys_equal(matcher, recorded, asked):
            found = _places_that_differ(matcher, recorded, asked)
            if found is None:
                return None
            rules |= found
    if not 0 < len(rules.query) + len(rules.form) + len(rules.json) + len(rules.headers) <= _MOST_PLACES:
        return None
    if not all(keys_equal(matcher.ignoring(rules), recorded, asked) for matcher in matchers):
        return None
    return _arguments(matchers, rules)


def _places_that_differ(
    matcher: NamedMatcher, recorded: InteractionRequest, asked: InteractionRequest
) -> IgnoreRules | None:
    if matcher.part in ("url", "query"):
        one, other = canonical_url(recorded.url), canonical_url(asked.url)
        if matcher.part == "url" and one._replace(query=()) != other._replace(query=()):
            return None
        return IgnoreRules(query=frozenset(_names_that_differ(one.query, other.query)))
    if matcher.part == "body":
        return _body_places(matcher, recorded, asked)
    if matcher.part in ("headers", "header"):
        pairs = [[(name.lower(), value) for name, value in each.headers] for each in (recorded, asked)]
        names = _names_that_differ(*pairs)
        if matcher.header_names is not None:
            names &= {name.lower() for name in matcher.header_names}
        return IgnoreRules(headers=frozenset(names - matcher.rules.headers))
    return None


def _body_places(matcher: NamedMatcher, recorded: InteractionRequest, asked: InteractionRequest) -> IgnoreRules | None:
    rules = BodyRules(matcher.rules.json, matcher.rules.form)
    # A body without a type is JSON as soon as there are paths for it.
    one, other = understand(recorded, rules, guess=True), understand(asked, rules, guess=True)
    if one.kind != other.kind:
        return None
    if one.kind == "json":
        places = list(_generalised(_json_differences(one.value, other.value, ())))
        if () in places:
            return None
        return IgnoreRules(json=tuple(dict.fromkeys(JsonPath.parse(path_to(place)) for place in places)))
    if one.kind == "form":
        return IgnoreRules(form=frozenset(_names_that_differ(one.value, other.value)))
    if one.kind == "multipart":
        return IgnoreRules(form=frozenset(_names_that_differ(_fields(one.value), _fields(other.value))))
    return None


def _names_that_differ(one: Iterable[tuple[str, Any]], other: Iterable[tuple[str, Any]]) -> set[str]:
    values: tuple[dict[str, list[Any]], dict[str, list[Any]]] = ({}, {})
    for side, pairs in zip(values, (one, other), strict=True):
        for name, value in pairs:
            side.setdefault(name, []).append(value)
    return {name for name in values[0].keys() | values[1].keys() if values[0].get(name) != values[1].get(name)}


def _fields(parts: Iterable[Part]) -> Iterator[tuple[str, Any]]:
    for part in parts:
        content = InteractionRequest(
            method="", url="", body=part.content, headers=(("Content-Type", part.header("content-type")),)
        )
        yield part.name or "", (part.filename, part.header("content-type"), body_key(content))


def _json_differences(one: Any, other: Any, place: Place) -> Iterator[Place]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in [*one, *(name for name in other if name not in one)]:
            if name not in one or name not in other:
                yield (*place, name)
            else:
                yield from _json_differences(one[name], other[name], (*place, name))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for index, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _json_differences(mine, theirs, (*place, index))
    elif type(one) is not type(other) or one != other:  # True is not 1 here
        yield place


def _generalised(places: Iterable[Place]) -> Iterator[Place]:
    """Write the same place in several elements of a list once, with a star for the index."""
    groups: dict[Place, list[Place]] = {}
    for place in places:
        general: Place = tuple(None if isinstance(step, int) else step for step in place)
        groups.setdefault(general, []).append(place)
    for general, members in groups.items():
        yield general if len(members) > 1 else members[0]


def _arguments(matchers: Sequence[NamedMatcher], rules: IgnoreRules) -> list[str] | None:
    for matcher in matchers:
        rules |= matcher.rules
    if rules.form or rules.json:  # `ignoring` adds it by itself
        rules = IgnoreRules(rules.query, rules.form, rules.json, rules.headers - {"content-length"})
    sources = [matcher.source for matcher in matchers]
    if sources == [f'"{name}"' for name in DEFAULT_MATCH_ON]:
        return rules.arguments()
    if not all(matcher.part or matcher.source.isidentifier() for matcher in matchers):
        return None  # a function without a name, which cannot be written
    comma = "," if len(sources) == 1 else ""
    return [*rules.arguments(), f"match_on=({', '.join(sources)}{comma})"]
