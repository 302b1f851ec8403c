"""What one cassette session knows: the secrets met so far, their numbers, and the values looked for everywhere.

Strategy: a secret gets its number when it is replaced for the first time, so the same conversation gives the same
numbers, recorded or replayed. Numbers that a replayed interaction brings along are taken from then on.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable
from urllib.parse import unquote, urlsplit

from cassettes_lib.placeholders import Placeholders
from cassettes_lib.replacements import JWT, PEM, is_replacement, number_literal, number_of, replacement
from cassettes_lib.secret_names import Verdict, variable_verdict
from cassettes_lib.secret_shapes import is_empty, is_rare, looks_secret
from cassettes_lib.taint import Hit, ValueIndex

Where = str | Callable[[], str]


class Memory:
    """The secrets of one session. Not thread-safe by itself: its owner holds a lock.

    Attributes:
        index: The values looked for everywhere.
        placeholders: The values with names of their own.
        fresh: Values learnt since somebody last emptied this list.
        counts: How often something was replaced: (where, what gave it away) to number; None while nobody counts.
    """

    def __init__(self, placeholders: Placeholders, values: Iterable[str]) -> None:
        self.index = ValueIndex()
        self.placeholders = placeholders
        self.fresh: list[str] = []
        self.counts: Counter[tuple[str, str]] | None = None
        self._numbers: dict[str, int] = {}
        self._values: dict[int, str] = {}
        self._next = 1
        self._settled: set[int] = set()
        self._kept: set[str] = set()
        self._host_words: set[str] = set()
        for value in placeholders.values():
            self.index.add(value)
        for value in values:
            self.index.add(value)
        for value in _environment_secrets():
            self.index.add(value)
        for name in placeholders.names():
            self.index.add(name)

    @property
    def taints(self) -> int:
        """How many values are looked for everywhere; grows when one is learnt."""
        return len(self.index)

    def secret(self, value: str, where: Where, by: str) -> str:
        """Return what stands for a secret, which is remembered and from now on looked for everywhere."""
        if is_replacement(value) or self.placeholders.is_name(value):
            return value
        self.count(where, by)
        if name := self.placeholders.name_of(value):
            return name
        self.taint(value)
        return replacement(value, self.number(value))

    def secret_number(self, literal: str, where: Where, by: str) -> str:
        """Return the number that stands for a JSON number which is a secret."""
        if is_replacement(literal):
            return literal
        self.count(where, by)
        self.taint(literal)
        return number_literal(self.number(literal), literal)

    def number(self, value: str) -> int:
        """Return the number of a secret, a new one when it has none."""
        number = self._numbers.get(value)
        if number is None:
            number = self._next
            self._next += 1
            self._numbers[value] = number
            self._values[number] = value
        return number

    def taint(self, value: str) -> None:
        """Look for a value everywhere from now on, if it is long and rare enough."""
        plain = unquote(value) if "%" in value else value
        for alias in dict.fromkeys((value, value.strip(), plain, *_parts_of(value))):
            if is_rare(alias) and alias.lower() not in self._host_words and self.index.add(alias, value):
                self.fresh.append(alias)

    def replaced(self, text: str, where: Where, *, is_padded: bool = False) -> str:
        """Return a text without the values looked for; the same object when it holds none.

        Args:
            text: Any text.
            where: Where it stands.
            is_padded: Make the replacement as long as what it replaces, by zeros before its number, where that fits.
        """

        def replace(hit: Hit) -> str | None:
            if self.placeholders.is_name(hit.value):
                return hit.value
            if name := self.placeholders.name_of(hit.value):
                return name
            if hit.value.lower() in self._host_words:
                return None
            self.count(where, "known value")
            number = self.number(hit.value)
            if is_padded and not hit.is_base64:
                return f"REDACTED-{number:0{max(1, hit.end - hit.start - 9)}d}"
            return replacement(hit.value, number)

        return self.index.replaced(text, replace, is_binary=is_padded)

    @property
    def knows_values(self) -> bool:
        """Whether any value is looked for."""
        return len(self.index) > 0

    def holds_known(self, text: str, *, is_binary: bool = False) -> bool:
        """Tell whether a value looked for stands in a text, or in bytes read as latin-1."""
        return any(
            hit.value.lower() not in self._host_words and not self.placeholders.is_name(hit.value)
            for hit in self.index.hits(text, is_binary=is_binary)
        )

    def may_hold(self, text: str) -> bool:
        """Tell whether a value looked for, or a placeholder, stands in a text."""
        return self.index.occurs(text)

    def keep(self, value: str) -> None:
        """Remember a value that an exemption keeps, so that its shape does not give it away."""
        if len(value) >= 8:
            self._kept.add(value)

    def is_kept(self, value: str) -> bool:
        """Tell whether a value is, or is part of, one that an exemption keeps."""
        return bool(self._kept) and any(value in kept for kept in self._kept)

    def host(self, host: str) -> None:
        """Remember the words of a host name: none of them is a secret."""
        if host and host not in self._host_words:
            self._host_words.update((host, *host.split("."), *host.replace("-", ".").split(".")))

    def count(self, where: Where, by: str) -> None:
        """Count one replacement."""
        if self.counts is not None:
            self.counts[(where if isinstance(where, str) else where(), by)] += 1

    def met(self, numbers: Iterable[int]) -> None:
        """Remember that these numbers are in use on the cassette, with the meaning they have there."""
        for number in numbers:
            self._settled.add(number)
            self._next = max(self._next, number + 1)

    def is_settled(self, number: int) -> bool:
        """Tell whether a number has the meaning here that it has on the cassette."""
        return number in self._settled

    def contradicts(self, found: str, number: int) -> bool:
        """Tell whether what was found is known to be another secret of the cassette than the one with this number."""
        own = number_of(found)
        if own is None:
            own = self._numbers.get(found)
        if own == number:
            return False
        return (own is not None and own in self._settled) or (number in self._settled and number in self._values)

    def reserve(self, highest: int) -> None:
        """Give no number up to `highest` any more."""
        self._next = max(self._next, highest + 1)

    def settle(self, found: str, number: int) -> None:
        """Give a value the number that the cassette has in its place.

        Args:
            found: What stands in the place: the value, or the replacement it has been given here.
            number: The number that the cassette has there.
        """
        own = number_of(found)
        if own == number:
            self._settled.add(number)
            return
        value = found if own is None else self._values.get(own)
        if value is None or (own is not None and own in self._settled):
            return
        if number in self._settled and self._values.get(number, value) != value:
            return
        previous = self._values.pop(number, None)
        if previous is not None and self._numbers.get(previous) == number:
            del self._numbers[previous]  # it gets another number when it is met again
        self._numbers[value] = number
        self._values[number] = value
        self.met([number])
        if own is None:
            self.taint(value)

    def renumber_unsettled(self, highest: int) -> bool:
        """Give new numbers to secrets whose numbers mean something else on the cassette; tell whether there were any.

        Args:
            highest: The highest number on the cassette.
        """
        clashing = [n for n in self._values if n <= highest and n not in self._settled]
        self.reserve(highest)
        for number in clashing:
            del self._numbers[self._values.pop(number)]
        return bool(clashing)


def _parts_of(value: str) -> list[str]:
    """Return the parts of a secret that prove as much as the whole: a JWT's signature, the lines of a private key."""
    if JWT.fullmatch(value):
        return [part for part in value.split(".")[2:] if len(part) >= 16]
    if "-----BEGIN" in value and (found := PEM.search(value)):
        lines = (found["key"] or found["cut"]).replace("\\r", "\n").replace("\\n", "\n").split()
        return ["".join(lines), *(line for line in lines if len(line) >= 40)]
    return []


def _environment_secrets() -> list[str]:
    """Return the values of environment variables whose names look secret, and the passwords in URLs."""
    found = []
    for name, value in os.environ.items():
        if len(value) < 8:
            continue
        verdict = variable_verdict(name)
        if "://" in value and "@" in value:
            found += _userinfo(value)
        elif verdict is not Verdict.NO and looks_secret(value) and not is_empty(value):
            found.append(value)
    return [value for value in found if is_rare(value)]


def _userinfo(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
    except ValueError:
        return []
    return [unquote(part) for part in (parts.password,) if part]
