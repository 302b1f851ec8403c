"""One regular expression for many words: finding where any of them stands, at the cost of one pass."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


def any_of(words: Mapping[str, str], *, behind: str = "") -> re.Pattern[str]:
    """Return a pattern that matches where any of some words begins.

    It matches the shortest of several words that begin alike. Common beginnings are tested once, which makes it a few
    times faster than an alternation, or than asking for the words one after the other.

    Args:
        words: Plain texts, each with a regular expression for what has to follow it, or "".
        behind: A regular expression for what has to stand before a word.
    """
    tree: dict[str, Any] = {}
    for word, follower in words.items():
        branch = tree
        for character in word:
            branch = branch.setdefault(character, {})
        branch[""] = follower
    # All alternatives stand on the outermost level, where the engine first looks for a character that begins one.
    return re.compile(f"{behind}(?:{'|'.join(_branches(tree))})" if behind else "|".join(_branches(tree)))


def _branches(tree: dict[str, Any]) -> list[str]:
    return [re.escape(character) + _pattern(rest) for character, rest in tree.items() if character]


def _pattern(tree: dict[str, Any]) -> str:
    if tree.get("") == "":
        return ""
    branches = [*_branches(tree), *([tree[""]] if "" in tree else [])]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
