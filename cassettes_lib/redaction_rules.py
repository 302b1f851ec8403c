"""What a Redactor was told: names, patterns, values and exemptions, checked when it is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

from cassettes_lib.any_of import any_of
from cassettes_lib.clean_pieces import CleanPieces
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.secret_names import (
    PARTED_NOUNS,
    STEMS,
    Verdict,
    field_verdict,
    header_verdict,
    normalised,
    query_verdict,
    word_set,
    words_of,
)
from cassettes_lib.secret_shapes import digits_alike, words_in

Path = tuple[str | int, ...]
_PATH_PART = late_pattern(r"\[(\*|\d+|'[^']*'|\"[^\"]*\")\]|\.?([^.\[\]]+)")

# A name inside an object that stands as a whole under a secret's name: {"token": {"value": "..."}}
INNER_NAMES = word_set(
    "value secret access refresh raw plaintext plain content data key hash current previous new old token text "
    "string jwt bearer"
)
# Objects that are nothing but secrets, each under a name of its own: {"secrets": {"prod": "..."}}
COLLECTIONS = word_set("secrets tokens passwords apikeys accesstokens privatekeys secretkeys refreshtokens authtokens")
_DESCRIPTIVE = word_set(
    "name type kind id url uri href arn model title description status state scope version format prefix note label "
    "provider region path created createdat updated updatedat expires expiresat lastused lastusedat digest sha hash"
)
HEADERS_NAMES = word_set("headers header requestheaders responseheaders extraheaders httpheaders")


# What a stem must be made of to stand within one of the words that `words_in` gives, in which all digits are alike.
_STEM = late_pattern("[a-z0-9_-]+")
# So long are the texts, in characters, whose words are remembered, and so many are.
_REMEMBERED, _MOST_WORDS = 1 << 16, 20_000


class Names:
    """Names of one kind: the built-in rule, further names and exempted names; remembers what it has judged."""

    def __init__(
        self, built_in: Callable[[str], Verdict], added: Iterable[str], kept: Iterable[str]
    ) -> None:
        self._built_in = built_in
        self._added = [_comparable(name) for name in added]
        self._kept = [_comparable(name) for name in kept]
        self._judged: dict[str, Verdict] = {}

    def verdict(self, name: str) -> Verdict:
        """Judge a name."""
        judged = self._judged.get(name)
        if judged is None:
            if len(self._judged) > 10_000:  # a bound: names come from the traffic
                self._judged.clear()
            judged = self._judged[name] = self._judge(name)
        return judged

    def adds(self, name: str) -> bool:
        """Tell whether a name was added to the built-in rule."""
        return bool(self._added) and any(_same(pattern, name) for pattern in self._added)

    def keeps(self, name: str) -> bool:
        """Tell whether a name is exempted."""
        return bool(self._kept) and any(_same(pattern, name) for pattern in self._kept)

    def _judge(self, name: str) -> Verdict:
        if self.keeps(name):
            return Verdict.NO
        if self.adds(name):
            return Verdict.YES
        return self._built_in(name)


class Rules:
    """The configuration of a Redactor, ready for use.

    Attributes:
        headers: The names of headers.
        query: The names in queries and fragments.
        fields: The names of JSON members, form and multipart fields, XML elements and attributes.
        patterns: Regular expressions; their group 1, or else all they match, is a secret.
        values: Secrets known beforehand.
        adds_names: Whether fields were added to the built-in rules.
        is_plain: Whether names alone decide: no exemptions, no patterns, no paths.
        has_paths: Whether paths in JSON bodies were named.
        pieces: The pieces of JSON texts that hold no such stem, no shape and no place of a secret.
    """

    def __init__(
        self,
        headers: Iterable[str],
        query: Iterable[str],
        fields: Iterable[str],
        patterns: Iterable[str | re.Pattern[str]],
        values: Iterable[str],
        keep: Iterable[str],
    ) -> None:
        headers, query, fields = texts("headers", headers), texts("query", query), texts("fields", fields)
        keep = texts("keep", keep)
        kept_names = [name for name in keep if not _is_path(name)]
        self.headers = Names(header_verdict, headers, kept_names)
        self.query = Names(query_verdict, query, kept_names)
        self.fields = Names(field_verdict, [name for name in fields if not _is_path(name)], kept_names)
        self.patterns = tuple(_pattern(each) for each in _listed("patterns", patterns))
        self.values = tuple(value for value in texts("values", values) if value)
        self._members: dict[tuple[str, str], Verdict] = {}
        self.is_plain = not (keep or self.patterns or any(_is_path(name) for name in fields))
        self._paths = [_path(name) for name in fields if _is_path(name)]
        self._kept_paths = [_path(name) for name in keep if _is_path(name)]
        stems = map(_stem, (*headers, *query, *fields))
        self._stems = tuple(dict.fromkeys((*STEMS, *stems)))
        self._stems_are_words = all(map(_STEM.fullmatch, self._stems[len(STEMS) :]))
        self._alike_stems = tuple(map(digits_alike, self._stems))
        self._innocent: set[bytes] = set()
        # Or None, where a stem may hold a quote, and so would not be found in what lies between two.
        self.pieces = CleanPieces() if self._stems_are_words else None
        self.adds_names = bool(fields)
        self.has_paths = bool(self._paths or self._kept_paths)

    @cached_property
    def stem(self) -> re.Pattern[str]:
        """What finds, in a text in lower case, pieces of which every name judged secret has one."""
        return any_of(dict.fromkeys(self._stems, ""))

    def member_verdict(self, name: str, outer: str) -> Verdict:
        """Judge the name of a JSON member.

        Args:
            name: The name; of an entry of a list, the name of the list.
            outer: The name of the member that holds the object in which it stands, or "".
        """
        judged = self._members.get((name, outer))
        if judged is None:
            if len(self._members) > 10_000:
                self._members.clear()
            judged = self._members[name, outer] = self._judge_member(name, normalised(outer), outer)
        return judged

    def _judge_member(self, name: str, context: str, outer: str) -> Verdict:
        verdict = self.fields.verdict(name) if name else Verdict.NO
        if verdict is Verdict.YES or not context or self.fields.keeps(name):
            return verdict
        if context in HEADERS_NAMES:
            return max(verdict, self.headers.verdict(name))
        if context in ("cookies", "cookie"):
            return Verdict.IF_IT_LOOKS_SO
        if context in COLLECTIONS and verdict is Verdict.NO and normalised(name) not in _DESCRIPTIVE:
            return Verdict.IF_IT_LOOKS_SO  # for an object's members only, as the caller sees to
        if context + normalised(name) in PARTED_NOUNS:
            return Verdict.IF_IT_LOOKS_SO
        if normalised(name) in INNER_NAMES:
            return max(verdict, min(self.fields.verdict(outer), Verdict.IF_IT_LOOKS_SO))
        return verdict

    def keeps_path(self, path: Path) -> bool:
        """Tell whether a place in a JSON body is exempted."""
        return bool(self._kept_paths) and any(_path_fits(each, path) for each in self._kept_paths)

    def adds_path(self, path: Path) -> bool:
        """Tell whether a place in a JSON body was named as a secret's."""
        return bool(self._paths) and any(_path_fits(each, path) for each in self._paths)

    def has_stem(self, text: str) -> bool:
        """Tell quickly whether a text may hold the name of a secret.

        Each different word is searched once, and what was searched in vain is remembered: most words of most texts,
        the names in lists of objects above all, have been met before. It takes half of searching all of the text.
        """
        if not self._stems_are_words or "\u212a" in text or "\u0130" in text:  # in lower case, they are ASCII
            return self.stem.search(text.lower()) is not None
        words = set(words_in(text)) - self._innocent
        if not words:
            return False
        searched = b" ".join(words).decode("ascii").lower()
        if any(stem in searched for stem in self._alike_stems):  # as fast as the expression, which takes 2 ms to make
            return True
        if len(text) <= _REMEMBERED:
            if len(self._innocent) > _MOST_WORDS:
                self._innocent.clear()
            self._innocent |= words
        return False


def texts(argument: str, given: Any) -> tuple[str, ...]:
    """Check that an argument is a collection of texts.

    Raises:
        TypeError: It is a single text, or holds something else.
    """
    listed = _listed(argument, given)
    for each in listed:
        if not isinstance(each, str):
            raise TypeError(f"Redactor({argument}=...) takes texts, not {type(each).__name__}")
    return tuple(listed)


def path_text(path: Sequence[str | int]) -> str:
    """Write a path the way `keep` and `fields` read it, list positions as `[*]`."""
    return "$" + "".join("[*]" if isinstance(part, int) else f".{part}" for part in path)


def _listed(argument: str, given: Any) -> list[Any]:
    if isinstance(given, (str, bytes, re.Pattern)):
        raise TypeError(f"Redactor({argument}=...) takes a list; write {argument}=[{'...'}] around the single one")
    try:
        return list(given)
    except TypeError as error:
        raise TypeError(f"Redactor({argument}=...) takes a list, not {type(given).__name__}") from error


def _pattern(given: Any) -> re.Pattern[str]:
    if isinstance(given, re.Pattern):
        if not isinstance(given.pattern, str):
            raise TypeError("Redactor(patterns=...) takes regular expressions on text, not on bytes")
        return given
    if not isinstance(given, str):
        raise TypeError(f"Redactor(patterns=...) takes regular expressions, not {type(given).__name__}")
    try:
        pattern = re.compile(given)
    except re.error as error:
        raise ValueError(f"Redactor(patterns=...): {given!r} is not a regular expression: {error}") from error
    if pattern.match(""):
        raise ValueError(f"Redactor(patterns=...): {given!r} matches the empty text, so it would match everywhere")
    return pattern


def _comparable(name: str) -> str:
    if not name.strip():
        raise ValueError("Redactor: a name is empty")
    return name.lower() if "*" in name else normalised(name) or name.lower()


def _same(pattern: str, name: str) -> bool:
    if "*" in pattern:
        return fnmatchcase(name.lower(), pattern)
    return pattern == (normalised(name) or name.lower())


def _stem(name: str) -> str:
    return max(words_of(name) or (name.lower(),), key=len)


def _is_path(name: str) -> bool:
    return name.startswith("$") or "." in name or "[" in name


def _path(text: str) -> tuple[str, ...]:
    parts = [found[1] or found[2] for found in _PATH_PART.finditer(text.removeprefix("$"))]
    return tuple(part.strip("'\"") for part in parts)


def _path_fits(pattern: tuple[str, ...], path: Path) -> bool:
    return len(pattern) == len(path) and all(
        wanted == "*" or wanted == str(part) for wanted, part in zip(pattern, path, strict=True)
    )
