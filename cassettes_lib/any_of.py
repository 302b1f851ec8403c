"""One regular expression for many words: finding where any of them stands, at the cost of one pass."""

from __future__ import annotations

import re
from collections.abc import Iterable


def any_of(words: Iterable[str], *more: str) -> re.Pattern[str]:
    """Return a pattern that matches where any of some words begins.

    It matches the shortest of several words that begin alike. Common beginnings are tested once, which makes it a few
    times faster than an alternation, or than asking for the words one after the other.

    Args:
        words: Plain texts.
        more: Regular expressions to match as well.
    """
    tree: dict[str, object] = {}
    for word in words:
        branch = tree
        for character in word:
            deeper = branch.setdefault(character, {})
            assert isinstance(deeper, dict)
            branch = deeper
        branch[""] = None
    # All alternatives stand on the outermost level, where the engine first looks for a character that begins one.
    return re.compile("|".join((*_branches(tree), *more)))


def _branches(tree: dict[str, object]) -> list[str]:
    return [
        re.escape(character) + (_pattern(rest) if isinstance(rest, dict) else "") for character, rest in tree.items()
    ]


def _pattern(tree: dict[str, object]) -> str:
    if "" in tree:
        return ""
    branches = _branches(tree)
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"
