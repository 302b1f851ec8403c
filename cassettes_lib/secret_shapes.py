"""The shapes of secrets: JWTs, private keys, well-known prefixes, and what makes a value long and rare.

Strategy: each shape names a literal that every match begins with, or contains. One pass finds where any of those
literals stands; only there the shapes that may begin so are tried. And before that the short words are left out: no
secret with a shape is shorter than 13 characters, and few words of ordinary texts are longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cache, lru_cache
from urllib.parse import unquote

from cassettes_lib.any_of import any_of
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.replacements import JWT, MARK, PEM, is_redacted_key, is_replacement
from cassettes_lib.secret_names import word_set
from cassettes_lib.shape_table import BACKWARD_SHAPES, FOLLOWED, SHAPES

# By the two characters a match begins with, or its literal begins with: how far back to look, and the pattern.
_BY_START: dict[str, list[tuple[tuple[int, ...], str]]] = {"ey": [((0,), JWT.pattern)], "--": [((0,), PEM.pattern)]}
for _literal, _pattern in SHAPES:
    _BY_START.setdefault(_literal[:2], []).append(((0,), _pattern))
for _literal, _back, _pattern in BACKWARD_SHAPES:
    _BY_START.setdefault(_literal[:2], []).append((_back, _pattern))
_compiled = cache(re.compile)  # when first needed: most are never
_OTHER_HINTS = ("eyJ", "eyAi", "ewog", "W3si", "-----BEGIN")


# Digits are not told apart where it is only asked whether there may be a shape. Every class of digits holds this one.
_DIGITS_ALIKE = bytes(ord("2") if chr(each).isdecimal() else each for each in range(128)) + bytes(range(128, 256))
_LITERALS = {*_OTHER_HINTS, *(each[0] for each in SHAPES)}
# Those that stand where a word begins, by their first two characters: most texts have no word that begins so.
_WORD_BEGINNINGS = {each for each in _LITERALS if each[:2].isalnum()}
_ELSEWHERE = (_LITERALS - _WORD_BEGINNINGS) | {each[0] for each in BACKWARD_SHAPES}


def digits_alike(text: str) -> str:
    """Return a text with all its digits alike: whatever may hold a secret with a shape still may."""
    return text.encode("utf-8", "surrogatepass").translate(_DIGITS_ALIKE).decode("utf-8", "surrogatepass")


_FOLLOWERS: dict[str, str] = {}  # by the literals, digits alike: what has to follow them, or ""
for _literal in _LITERALS | _ELSEWHERE:
    _alike, _follower = digits_alike(_literal), FOLLOWED.get(_literal, "")
    _FOLLOWERS[_alike] = _follower if _FOLLOWERS.get(_alike, _follower) == _follower else ""
_BY_BEGINNING: dict[bytes, set[str]] = {}
for _literal in map(digits_alike, _WORD_BEGINNINGS):
    _BY_BEGINNING.setdefault(_literal[:2].encode(), set()).add(_literal)
_ALIKE_ELSEWHERE = set(map(digits_alike, _ELSEWHERE))


def _any_of(literals: Iterable[str], behind: str = "") -> re.Pattern[str]:
    return any_of({each: FOLLOWED.get(each, "") for each in literals}, behind=behind)


@cache
def _hint() -> re.Pattern[str]:
    beginnings = _any_of(_WORD_BEGINNINGS, "(?<![A-Za-z0-9_])")
    return re.compile(f"{beginnings.pattern}|{_any_of(_ELSEWHERE).pattern}")


# Every shape holds a word of at least so many characters, or one of these literals.
_SHORTEST_WORD = 13
_WORDLESS = ("-----BEGIN", "$argon", "$scrypt$", "FlyV", "Private-Lines: ", ":AA", "scrypt:", "pbkdf")
_WORDS_ONLY = bytes(
    _DIGITS_ALIKE[each] if chr(each).isalnum() or chr(each) in "_.+/=$~-" else 32 for each in range(128)
) + b" " * 128
_NAMES_ONLY = bytes(each if chr(each).isalnum() or each == ord("_") else 32 for each in range(128)) + b" " * 128
_SHORT, _REMEMBERED = 2048, 1 << 20  # characters

_ESCAPED = late_pattern("%(?:2[4BFbf]|3[ADad]|[4-7][0-9A-Fa-f])")  # what the characters of a shape become
# They begin with a literal, which costs a tenth to look for; the look behind it keeps long runs from being tried often.
_BACKSLASHES = r"\\(?<!\\\\)\\*+"
_LINE_ESCAPE = late_pattern(_BACKSLASHES + "[nrt]")
_SLASH_ESCAPE = late_pattern(_BACKSLASHES + "/")
_ASCII_ESCAPE = late_pattern(_BACKSLASHES + "u00([2-7][0-9A-Fa-f])")
_ESCAPE = late_pattern(_BACKSLASHES + "u[0-9A-Fa-f]{4}")
_SPACE = late_pattern(r"\s")
_DIGIT = late_pattern(r"\d")
_TITLE = late_pattern(r"[A-Z]?[a-z]+")
# Values that are met everywhere and prove nothing, though they are long and mixed enough.
_COMMON = late_pattern(
    r"""(?ix)
    \d{4}-\d\d-\d\d(?:[T\ _].*)?                                  # dates and times
    | (?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\ .*                # HTTP dates
    | \d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?                           # times
    | [a-z]{2,3}[-_][a-z]{2,4}(?:\.utf-?8)?(?:,.*)?              # locales
    | (?:africa|america|antarctica|asia|atlantic|australia|europe|etc|indian|pacific|us|utc)/[\w/+-]+   # time zones
    | [a-z]+://[^\s@]*                                           # plain URLs
    | (?:text|application|image|audio|video|multipart|font)/[\w.+-]+.*
    | (?:required|disabled|optional|password|username|anonymous|undefined|application|internal|external|standard
        |unauthorized|forbidden|incorrect|authorization|authentication|credentials?|invalid.*|missing.*|example
        |developer|production|development|localhost|urlencoded|xmlhttprequest|redacted|placeholder|unlimited|personal)
    """
)
_MASKED = late_pattern(r"[*\u2022\u00b7.xX#_-]+|[*\u2022xX.]{3,}\w{0,4}|\w{0,4}[*\u2022]{3,}\w{0,4}")
_TEMPLATE = late_pattern(
    r"\$?\{\{.*\}\}|\$\{.*\}|%\(\w+\)s|\{\w*\}|\$[A-Z_]+|%[A-Z_]+%|<[\w \-.]*>|\[[A-Za-z ]+\]", re.DOTALL
)
# STAC's paging tokens, which are called just `token`; Twilio's ids, which are called `sid`.
_IDENTIFIER = late_pattern(r"(?:next|prev|previous|first|last):\S+|(?!SK)[A-Z]{2}[0-9a-f]{32}")
_NOTHING = word_set(
    "true false null none nil undefined deleted delete yes no on off n/a na required optional string empty 0 1 "
    "redacted hidden removed filtered"
)
_PUBLIC_ARMOUR = ("-----BEGIN PGP SIGNATURE", "-----BEGIN CERTIFICATE", "-----BEGIN PUBLIC", "-----BEGIN PGP PUBLIC",
                  "-----BEGIN RSA PUBLIC", "-----BEGIN SSH SIGNATURE", "ssh-rsa ", "ssh-ed25519 ")  # fmt: skip
_URL_OR_MAIL = late_pattern(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S*|(?:mailto:)?[^\s@/:]+@[\w-]+(?:\.[\w-]+)+|urn:\S+|arn:\S+|/\S*")


def spaced(text: str) -> str:
    r"""Return a text, as long as it is, with spaces for the escapes `\n`, `\r` and `\t`, which look like letters."""
    return _LINE_ESCAPE.sub(lambda found: " " * len(found[0]), text) if "\\" in text else text


def has_ascii_escape(text: str) -> bool:
    r"""Tell whether a text holds an ASCII character as JSON may have it: `\u0073` for an `s`."""
    return "\\u00" in text and _ASCII_ESCAPE.search(text) is not None


def plainly(text: str) -> str:
    r"""Return a JSON text as it is to be looked through: without needless escapes, however deep they are nested.

    `\/` and `\u0073` become what they mean, and what is not ASCII becomes a space: nothing begins or ends with it.
    """
    text = _SLASH_ESCAPE.sub("/", text) if "\\/" in text else text
    if "\\u" not in text:
        return text
    if has_ascii_escape(text):
        text = _ASCII_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)
    return _ESCAPE.sub(" ", text)


def has_shape(text: str) -> bool:
    """Tell quickly whether a text may hold a secret that its shape gives away."""
    if len(text) <= _SHORT:
        return len(text) >= _SHORTEST_WORD and _has_shape(text)
    return _has_shape_at_length(text) if len(text) <= _REMEMBERED else search_for_shape(text)


def has_escaped_shape(text: str) -> bool:
    """Tell quickly whether a text may hold a secret with a shape behind percent-escapes."""
    return "%" in text and _ESCAPED.search(text) is not None and has_shape(unquote(text))


def search_for_shape(text: str) -> bool:
    """Tell what `has_shape` tells, without remembering it: for a text that will hardly be met again."""
    if len(text) < _SHORTEST_WORD:
        return False
    for literal in _WORDLESS:
        if literal in text:
            return True
    # Taking the text apart costs a tenth of looking for the literals everywhere.
    words = [word for word in words_in(spaced(text)) if len(word) >= _SHORTEST_WORD]
    if not words:
        return False
    joined = b" ".join(words)
    starts = {each[:2] for each in joined.translate(_NAMES_ONLY).split()}
    searched = joined.decode("ascii")
    return any(_stands_in(searched, _BY_BEGINNING[start]) for start in _BY_BEGINNING.keys() & starts) or _stands_in(
        searched, _ALIKE_ELSEWHERE
    )


def _stands_in(text: str, literals: set[str]) -> bool:
    """Tell whether any of some literals stands in a text whose digits are alike, and before what has to follow it.

    Looking for one after the other takes as long as one expression for all of them, which takes longer to compile than
    ten recordings; and hardly any is ever found.
    """
    return any(
        each in text and (not _FOLLOWERS[each] or _compiled(re.escape(each) + _FOLLOWERS[each]).search(text))
        for each in literals
    )


_has_shape = lru_cache(maxsize=1024)(search_for_shape)  # the same headers and URLs come again and again
_has_shape_at_length = lru_cache(maxsize=2)(search_for_shape)  # a body is looked at by the pass, and by the gate


def words_in(text: str) -> list[bytes]:
    """Return the words of a text, in ASCII, as shapes and names are made of them: letters, digits and `_.+/=$~-`.

    Their digits are alike, as `digits_alike` makes them.
    """
    return _words_in(text) if len(text) <= _SHORT else _taken_apart(text)


def _taken_apart(text: str) -> list[bytes]:
    return text.encode("utf-8", "surrogatepass").translate(_WORDS_ONLY).split()


_words_in = lru_cache(maxsize=2)(_taken_apart)  # of a body, they are wanted for names and for shapes


def shapes_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield where secrets stand that their shape gives away: start and end, in order, replacements left out."""
    done = 0
    text = spaced(text)
    for hint in _hint().finditer(text):
        position = hint.start()
        if position < done:
            continue
        for back, expression in _BY_START.get(text[position : position + 2], ()):
            pattern = _compiled(expression)
            starts = (position - each for each in back if position - each >= done)
            found = next((match for start in starts if (match := pattern.match(text, start))), None)
            if found and _is_secret(found):
                span = found.span("s") if "s" in pattern.groupindex else found.span()
                yield span
                done = span[1]
                break


def _is_secret(found: re.Match[str]) -> bool:
    if found.re.pattern == JWT.pattern:
        return _is_jwt(found[0]) and not is_replacement(found[0])
    if found.re.pattern == PEM.pattern:
        return not is_redacted_key(found)
    start, end = found.span("s" if "s" in found.re.groupindex else 0)
    mark = MARK.search(found.string, start)  # it may be longer than the shape, whose characters need not be its own
    return mark is None or mark.start() >= end


def _is_jwt(text: str) -> bool:
    return text.count(".") in (2, 4) and len(text) > 20


def is_empty(value: str) -> bool:
    """Tell whether a value under a secret's name holds none: empty, masked, a template, an identifier, `null`..."""
    stripped = value.strip().strip("\"'")
    if not stripped or stripped.lower() in _NOTHING:
        return True
    if _MASKED.fullmatch(stripped) or _TEMPLATE.fullmatch(stripped):
        return True
    return stripped.startswith(_PUBLIC_ARMOUR) or bool(_IDENTIFIER.fullmatch(stripped))


def is_rare(value: str) -> bool:
    """Tell whether a value is long and rare enough to be removed wherever it appears."""
    if len(value) < 8 or not _is_mixed(value):
        return False
    return not _COMMON.fullmatch(value) and not is_replacement(value)


def looks_secret(value: str) -> bool:
    """Tell whether a value looks like a secret, for a name that alone does not tell."""
    if len(value) < 8 or _SPACE.search(value) or _TITLE.fullmatch(value):
        return False
    return is_rare(value) and not _URL_OR_MAIL.fullmatch(value)


def _is_mixed(value: str) -> bool:
    return _DIGIT.search(value) is not None or (value != value.lower() and value != value.upper())
