"""Telling from the text of a recorded body in a file, unread, that it is surely not the one that was asked for.

Strategy: bodies that are equal hold the same words and numbers, and these stand in the file letter by letter, whatever
the order of members and the spacing; a search for bytes costs a hundredth of parsing. What may be spelt in another way
there is not ruled out: it is read and compared. What excluded one recorded body is tried first on the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.matching_bodies import NO_RULES, BodyRules, understand, understand_part
from cassettes_lib.models import InteractionRequest

# Characters that JSON hardly ever escapes; where it does, the text holds `\\u`.
_PLAIN = late_pattern(r"[A-Za-z0-9 _.:@-]{2,}")
# Of these, those that a form hardly ever escapes and no printer of JSON moves apart; and how a form would escape them.
_WORD = late_pattern(r"[A-Za-z0-9]{2,}")
_ESCAPED_IN_FORM = late_pattern(rb"%(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])")
# 1e4 is 10000; nothing else spells a whole number without its digits.
_EXPONENT = late_pattern(rb"[0-9][eE]")
_MOST_EXACT = 2**53
_MOST = 100
_LOOKED_AT = 20_000  # bytes of a body


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
    if body.kind != "json" and may_differ(body.data.decode("latin-1")):
        return None
    strings: set[bytes] = set()
    numbers: set[bytes] = set()
    if body.kind == "json":
        _add_scalars(body.value, strings, numbers, may_differ)
    elif body.kind == "form":
        texts = [text for pair in body.value for text in pair]
        strings.update(word.encode() for text in texts for word in _WORD.findall(text))
    elif body.kind == "multipart":
        for part in body.value:
            content = understand_part(part)
            if content.kind == "bytes":
                strings.update(_words(content.data))
    elif b"\\" not in body.data:
        strings.update(_words(body.data))
    if not strings and not numbers:
        return None
    escapes = _ESCAPED_IN_FORM if body.kind == "form" else None
    longest = [sorted(words, key=len, reverse=True)[:_MOST] for words in (strings, numbers)]
    return _RuledOut(longest[0], longest[1], escapes)


class _RuledOut:
    def __init__(self, strings: list[bytes], numbers: list[bytes], escapes: re.Pattern[bytes] | None) -> None:
        self._strings = strings
        self._numbers = numbers
        self._escapes = escapes

    def __call__(self, text: bytes) -> bool:
        if _lacks_one(text, self._strings):
            return b"\\u" not in text and not (self._escapes and self._escapes.search(text))
        return _lacks_one(text, self._numbers) and not _EXPONENT.search(text)


def _lacks_one(text: bytes, words: list[bytes]) -> bool:
    for place, word in enumerate(words):
        if word not in text:
            words.insert(0, words.pop(place))
            return True
    return False


def _words(data: bytes) -> Iterator[bytes]:
    return (word.encode() for word in _WORD.findall(data[:_LOOKED_AT].decode("latin-1")))


def _add_scalars(value: Any, strings: set[bytes], numbers: set[bytes], may_differ: Callable[[str], bool]) -> None:
    """Add the strings, names included, and the whole numbers of at least two digits that a double can hold."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            waiting.extend(each)
            waiting.extend(each.values())
        elif isinstance(each, list):
            waiting.extend(each)
        elif isinstance(each, str) and not may_differ(each):
            strings.update(word.encode() for word in _PLAIN.findall(each))
        elif type(each) is int and 10 <= abs(each) < _MOST_EXACT and not may_differ(str(each)):
            numbers.add(b"%d" % each)
