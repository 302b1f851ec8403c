"""Known values: finding each of them in any text, in every encoding, however many they are.

Strategy: a text is searched as it is and as it reads when its percent-, JSON- and HTML-escapes are undone, each such
view knowing where its characters came from. Base64 hides a value at three alignments; the characters that depend on
nothing but the value are searched instead. The search takes a sample of every few characters of the text and looks
it up among the samples of all known values, so its cost does not grow with their number.
"""

from __future__ import annotations

import base64
import functools
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cassettes_lib.base64_runs import bytes_of, decoded_run, encoded_like, is_whole, runs_around, text_of
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.replacements import MARK, WORD

_PERCENT = late_pattern(r"(?:%[0-9A-Fa-f]{2})+")
_BACKSLASH = late_pattern(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\(?:u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|[\"'\\/bfnrt])"
)
_ENTITY = late_pattern(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,30});")
_SIMPLE = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_FOLD = late_pattern(r"(?<=[A-Za-z0-9+/_-]{16})(?:\r?\n[ \t]*|\\r\\n|\\n)(?=[A-Za-z0-9+/_=-])")


class Sampling(NamedTuple):
    """How forms of at least `shortest` characters are sampled: pieces of `size` characters, every `step`th."""

    shortest: int
    size: int
    step: int


# size + step - 1 <= shortest, so that every occurrence of a form holds one of its samples at a sampled position.
LONG = Sampling(16, 8, 9)
MEDIUM = Sampling(8, 6, 3)
# Up to this number of forms, searching a long text for each of them is faster than looking up its samples.
_FEW_FORMS = 80
_LARGE = 1_000_000  # characters


class Form(NamedTuple):
    """One way in which a value may stand in a text."""

    text: str
    value: str
    is_base64: bool


class Hit(NamedTuple):
    """A known value found in a text."""

    start: int
    end: int
    value: str
    is_base64: bool


class View:
    """A text with escapes undone, and the way back from its positions to those of the original."""

    __slots__ = ("_here", "_of", "_there", "text")

    def __init__(self, text: str, here: list[int], there: list[int], of: View | None = None) -> None:
        self.text = text
        self._here = here
        self._there = there
        self._of = of  # the view that this is a view of

    def original(self, position: int) -> int:
        """Return the position in the original text at which a character of this view begins."""
        index = bisect_right(self._here, position) - 1
        there = self._there[index] + position - self._here[index]
        return there if self._of is None else self._of.original(there)

    def original_end(self, position: int) -> int:
        """Return the position in the original text behind the character that ends at a position of this view.

        It is not always where the next character begins: between the two a fold may have been left out.
        """
        index = bisect_left(self._here, position)
        if index == len(self._here) or self._here[index] != position:
            index -= 1
        there = self._there[index] + position - self._here[index]
        return there if self._of is None else self._of.original_end(there)


def forms_of(value: str) -> list[Form]:
    """Return the forms under which a value is looked for, without those that undoing escapes reveals."""
    data = value.encode("utf-8", "surrogatepass")
    forms = {value: False}
    if " " in value:
        forms[value.replace(" ", "+")] = False
    if not value.isascii():
        forms[data.decode("latin-1")] = False  # how http.client reads UTF-8 in a header
    if len(value) >= 8:
        forms[data.hex()] = False
        forms[data.hex().upper()] = False
    for core in base64_cores(data):
        forms.setdefault(core, True)
        forms.setdefault(core.replace("+", "-").replace("/", "_"), True)
    return [Form(text, value, is_base64) for text, is_base64 in forms.items()]


def base64_cores(data: bytes) -> Iterator[str]:
    """Yield the base64 characters that depend on nothing but `data`, for its three alignments in a longer text."""
    for lead in range(3):
        encoded = base64.b64encode(b"\0" * lead + data).decode()
        first = (0, 2, 3)[lead]
        last = (lead + len(data)) * 8 // 6
        core = encoded[first:last]
        if len(core) >= 6:
            yield core


class ValueIndex:
    """All known values of a session. Adding one costs its length; a search costs the length of the text."""

    def __init__(self) -> None:
        self._short: dict[str, Form] = {}
        self._long: dict[str, Form] = {}
        self._grams: dict[Sampling, dict[str, list[tuple[int, Form]]]] = {LONG: {}, MEDIUM: {}}
        self._values: set[str] = set()
        self._specials: set[str] = set()

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, value: str) -> bool:
        return value in self._values

    def add(self, value: str, stands_for: str | None = None) -> list[Form]:
        """Know one more value.

        Args:
            value: What to look for.
            stands_for: The value to report when it is found; itself when None.

        Returns:
            The forms it is looked for in; empty when it was known already.
        """
        if not value or value in self._values:
            return []
        self._values.add(value)
        forms = [form._replace(value=stands_for or value) for form in forms_of(value)]
        for form in forms:
            self._add_form(form)
        return forms

    def _add_form(self, form: Form) -> None:
        self._specials.update(each for each in form.text if not each.isascii() or not each.isalnum())
        if len(form.text) < MEDIUM.shortest:
            self._short.setdefault(form.text, form)
            return
        self._long.setdefault(form.text, form)
        sampling = LONG if len(form.text) >= LONG.shortest else MEDIUM
        grams = self._grams[sampling]
        for offset in range(sampling.step):
            grams.setdefault(form.text[offset : offset + sampling.size], []).append((offset, form))

    def occurs(self, text: str) -> bool:
        """Tell whether any known value stands in a text; replacements do not count."""
        return bool(self.hits(text))

    def hits(self, text: str, *, is_binary: bool = False) -> list[Hit]:
        """Return where known values stand in a text, in order, none overlapping another, the longest first.

        Args:
            text: Any text.
            is_binary: It is bytes read as latin-1; when large, nothing in it is taken for an escape.
        """
        if not self._values:
            return []
        found = list(self._plain_hits(text))
        for view in () if is_binary and len(text) > _LARGE else self._views(text):
            found.extend(
                hit._replace(start=view.original(hit.start), end=view.original_end(hit.end))
                for hit in self._plain_hits(view.text)
            )
        return _without_overlaps(text, found) if found else []

    def replaced(
        self,
        text: str,
        replace: Callable[[Hit], str | None],
        *,
        inside: Callable[[Hit], str | None] | None = None,
        depth: int = 0,
        is_binary: bool = False,
    ) -> str:
        """Return a text with all known values replaced; the same object when there are none.

        Args:
            text: Any text.
            replace: Gives the replacement for a hit, or None to leave it.
            inside: Gives it inside base64, where the text around has no say in how it is written; `replace` when None.
            depth: How many layers of base64 are around this text.
            is_binary: It is bytes read as latin-1, in which nothing is escaped.
        """
        hits = self.hits(text, is_binary=is_binary)
        if not hits:
            return text
        pieces: list[str] = []
        done = 0
        for hit in hits:
            if hit.start < done:
                continue
            start, end, new = hit.start, hit.end, None
            if hit.is_base64 and depth < 3:
                start, end, new = self._inside_base64(text, hit, done, inside or replace, depth)
            if new is None:
                start, end, new = hit.start, hit.end, replace(hit)
            if new is None:
                continue
            pieces += [text[done:start], new]
            if WORD.search(new) and new[-1].isdigit() and text[end : end + 1].isdigit():
                pieces.append("-")  # else the number of the replacement would grow
            done = end
        return "".join([*pieces, text[done:]]) if pieces else text

    def _inside_base64(
        self, text: str, hit: Hit, after: int, replace: Callable[[Hit], str | None], depth: int
    ) -> tuple[int, int, str | None]:
        """Replace a value inside the base64 around a hit, so that what was decodable stays so."""
        for start, end in runs_around(text, hit.start, hit.end, after):
            run = text[start:end]
            data = decoded_run(run)
            if data is None:
                continue
            inner = text_of(data)
            changed = self.replaced(inner, replace, depth=depth + 1)
            if changed is inner:
                continue
            is_padded = text.startswith("=", end)
            while text.startswith("=", end):
                end += 1
            new = bytes_of(changed, data)
            return start, end, encoded_like(run, new, is_padded=is_padded or is_whole(run))
        return hit.start, hit.end, None

    def _views(self, text: str) -> Iterator[View]:
        """Yield the views of a text that may show a value; none where the escapes in it stand for no part of one."""
        if (
            "%" in text
            or "\\u" in text
            or "\\x" in text
            or "&#" in text
            or ("\n" in text and _FOLD.search(text))
            or any(escape in text for special in self._specials for escape in _ESCAPES_OF.get(special, ()))
        ):
            yield from views_of(text)

    def _plain_hits(self, text: str) -> Iterator[Hit]:
        if len(text) > 2000 and len(self._long) <= _FEW_FORMS:
            yield from _searched(text, self._long)
        else:
            yield from self._sampled(text)
        yield from _searched(text, self._short)

    def _sampled(self, text: str) -> Iterator[Hit]:
        for sampling, grams in self._grams.items():
            if not grams:
                continue
            size = sampling.size
            positions = range(0, len(text) - size + 1, sampling.step)
            for position in [each for each in positions if text[each : each + size] in grams]:
                for offset, form in grams[text[position : position + size]]:
                    start = position - offset
                    if start >= 0 and text.startswith(form.text, start):
                        yield from _bounded(text, start, form)


def _searched(text: str, forms: dict[str, Form]) -> Iterator[Hit]:
    for known, form in forms.items():
        start = text.find(known)
        while start >= 0:
            yield from _bounded(text, start, form)
            start = text.find(known, start + len(known))


# How characters are written by those who escape them, for telling quickly that nobody did.
_ESCAPES_OF = {
    "/": ("\\/", "&sol;"), '"': ('\\"', "&quot;", "&amp;"), "\\": ("\\\\",),
    "\n": ("\\n",), "\r": ("\\r",), "\t": ("\\t",),
    "&": ("&amp;",), "<": ("&lt;", "&amp;"), ">": ("&gt;", "&amp;"), "'": ("\\'", "&apos;", "&amp;"),
    "+": ("&plus;",), "=": ("&equals;",),
}  # fmt: skip


def percent_view(text: str) -> View | None:
    """Return the view of a text in which percent-escapes are undone; None when it has none."""
    return _view(text, _PERCENT, _unpercent) if "%" in text else None


def views_of(text: str, depth: int = 2) -> Iterator[View]:
    """Yield the views of a text in which escapes are undone, and the views of those."""
    for marker, pattern, undo in _ESCAPES:
        if marker in text and (marker != "&" or ";" in text) and (view := _view(text, pattern, undo)):
            yield view
            if depth > 1:
                for deeper in views_of(view.text, depth - 1):
                    deeper._of = deeper._of or view
                    yield deeper


def _view(text: str, pattern: re.Pattern[str], undo: Callable[[str], str]) -> View | None:
    pieces: list[str] = []
    here, there = [0], [0]
    length = done = 0
    for found in pattern.finditer(text):
        plain = undo(found[0])
        if plain == found[0]:
            continue  # no escape, though it looks like one: &and_so_on;
        start, end = found.span()
        if start > done:
            pieces.append(text[done:start])
            length += start - done
        here.append(length)
        there.append(start)
        position = start
        for character, width in _characters(found[0], plain):
            here.append(length)
            there.append(position)
            pieces.append(character)
            length += 1
            position += width
        here.append(length)
        there.append(end)
        done = end
    if not done:
        return None
    pieces.append(text[done:])
    return View("".join(pieces), here, there)


def _characters(escaped: str, plain: str) -> Iterator[tuple[str, int]]:
    """Yield the characters of an escape sequence and how much of it each takes."""
    if escaped[0] != "%":
        for index, character in enumerate(plain):
            yield character, len(escaped) if index == len(plain) - 1 else 0
        return
    for character in plain:
        yield character, 3 * len(character.encode("utf-8", "surrogateescape"))


def _unpercent(escaped: str) -> str:
    return bytes.fromhex(escaped.replace("%", "")).decode("utf-8", "surrogateescape")


def unescaped(text: str) -> str:
    """Undo the character references of HTML in a text."""
    return _unescape()(text)


@functools.cache
def _unescape() -> Callable[[str], str]:
    from html import unescape  # here, since its table of names takes 2 ms

    return unescape


def _unbackslash(escaped: str) -> str:
    if escaped[1] in "ux":
        codes = [int(code, 16) for code in re.split(r"\\[ux]", escaped)[1:]]
        if len(codes) == 2:
            return chr(0x10000 + ((codes[0] - 0xD800) << 10) + codes[1] - 0xDC00)
        return chr(codes[0])
    return _SIMPLE.get(escaped[1], escaped[1])


_ESCAPES: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("%", _PERCENT, _unpercent),
    ("\\", _BACKSLASH, _unbackslash),
    ("&", _ENTITY, unescaped),
    ("\n", _FOLD, lambda fold: ""),
)


def _bounded(text: str, start: int, form: Form) -> Iterator[Hit]:
    """Yield the hit unless it is a number inside a longer number."""
    end = start + len(form.text)
    if form.text.isdigit() and (text[start - 1 : start].isdigit() or text[end : end + 1].isdigit()):
        return
    yield Hit(start, end, form.value, form.is_base64)


def _without_overlaps(text: str, found: list[Hit]) -> list[Hit]:
    marks = [mark.span() for mark in MARK.finditer(text)]
    kept: list[Hit] = []
    done = passed = 0
    for hit in sorted(found, key=lambda each: (each.start, -each.end)):
        while passed < len(marks) and marks[passed][1] <= hit.start:
            passed += 1
        is_marked = passed < len(marks) and marks[passed][0] < hit.end
        if hit.start >= done and not is_marked:
            kept.append(hit)
            done = hit.end
    return kept
