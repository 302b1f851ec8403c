"""Ignore rules: what matchers leave out of their keys, and how it is written in code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from cassettes_lib.jsonpath import JsonPath


class IgnoreRules(NamedTuple):
    """What matchers leave out.

    Attributes:
        query: Names of query parameters.
        form: Names of form fields, urlencoded or multipart.
        json: Paths of members and elements of JSON bodies.
        headers: Names of headers, in small letters.
    """

    query: frozenset[str] = frozenset()
    form: frozenset[str] = frozenset()
    json: tuple[JsonPath, ...] = ()
    headers: frozenset[str] = frozenset()

    def __or__(self, other: IgnoreRules) -> IgnoreRules:
        return IgnoreRules(
            self.query | other.query,
            self.form | other.form,
            self.json + tuple(path for path in other.json if path not in self.json),
            self.headers | other.headers,
        )

    def arguments(self) -> list[str]:
        """Write the rules as arguments of `ignoring`: `query=["ts"]`, `json=["$.nonce"]`."""
        given = {
            "query": sorted(self.query),
            "form": sorted(self.form),
            "json": [path.text for path in self.json],
            "headers": sorted(self.headers),
        }
        return [f"{name}={quoted_list(values)}" for name, values in given.items() if values]


NO_RULES = IgnoreRules()


def quoted(text: str) -> str:
    """Write a string as Python does, in double quotes where that needs no escape, as the examples have it."""
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain.startswith("'") and '"' not in plain and "\\'" not in plain else plain


def quoted_list(texts: Iterable[str]) -> str:
    """Write a list of strings as Python does."""
    return f"[{', '.join(quoted(text) for text in texts)}]"
