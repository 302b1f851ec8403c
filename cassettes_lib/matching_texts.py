"""Telling from the text of a recorded body in a file, unread, that it is surely not the JSON that was asked for.

Strategy: bodies that are equal as JSON hold the same strings and numbers, and these stand in the file letter by letter,
whatever the order of members and the spacing; a search for bytes costs a hundredth of parsing. What may be spelt in
another way there is not ruled out: it is read and compared. What excluded one recorded body is tried first on the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from cassettes_lib.matching_bodies import NO_RULES, BodyRules, understand
from cassettes_lib.models import InteractionRequest

# Characters that JSON hardly ever escapes; where it does, the text holds `\u`.
_PLAIN = re.compile(r"[A-Za-z0-9 _.:@-]{2,}")
# 1e4 is 10000; nothing else spells a whole number without its digits.
_EXPONENT = re.compile(rb"[0-9][eE]")
_MOST_EXACT = 2**53
_MOST = 100


def rules_out(
    request: InteractionRequest, rules: BodyRules = NO_RULES, *, may_differ: Callable[[str], bool] = lambda text: False
) -> Callable[[bytes], bool] | None:
    """Return a function that tells from the text of a recorded body that its key is not that of a request.

    Args:
        request: What is asked.
        rules: What is left out of the key.
        may_differ: Tells whether another text may stand in the file where the request has this one, which is the case
            if it holds a replacement.

    Returns:
        The function, which says False where it cannot tell; None where it never could.
    """
    body = understand(request, rules)
    if body.kind != "json":
        return None
    strings: dict[bytes, None] = {}
    numbers: dict[bytes, None] = {}
    for value in _scalars(body.value):
        if may_differ(str(value)):
            continue
        if isinstance(value, str):
            strings.update((found.encode(), None) for found in _PLAIN.findall(value))
        else:
            numbers[b"%d" % value] = None
    if not strings and not numbers:
        return None
    return _RuledOut(sorted(strings, key=len, reverse=True)[:_MOST], sorted(numbers, key=len, reverse=True)[:_MOST])


class _RuledOut:
    def __init__(self, strings: list[bytes], numbers: list[bytes]) -> None:
        self._strings = strings
        self._numbers = numbers

    def __call__(self, text: bytes) -> bool:
        if _lacks_one(text, self._strings):
            return b"\\u" not in text
        return _lacks_one(text, self._numbers) and not _EXPONENT.search(text)


def _lacks_one(text: bytes, words: list[bytes]) -> bool:
    for place, word in enumerate(words):
        if word not in text:
            words.insert(0, words.pop(place))
            return True
    return False


def _scalars(value: Any) -> Iterator[Any]:
    """Give the strings, names included, and the whole numbers of at least two digits that a double can hold."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield from each
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
        elif isinstance(each, str) or (type(each) is int and 10 <= abs(each) < _MOST_EXACT):
            yield each
