"""What is found in a text, and the finds that no name gives away: patterns, shapes, URLs with users, schemes, OAuth."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple
from urllib.parse import unquote_plus

from cassettes_lib.base64_runs import bytes_of, decoded_run, encoded_like, is_whole, text_of
from cassettes_lib.json_places import looks_like_json
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.redaction_memory import Where
from cassettes_lib.redaction_scrub import Scrub
from cassettes_lib.secret_shapes import has_escaped_shape, has_shape, is_empty, looks_secret, shapes_in, spaced
from cassettes_lib.taint import percent_view, unescaped
from cassettes_lib.telling_paths import has_telling_segment, secrets_after_telling_segments

_BASE64_JSON = late_pattern(
    r"(?<![A-Za-z0-9+/_.-])(?:eyJ|eyAi|ewog|W3si)[A-Za-z0-9+/_-]{12,}(?:={1,2}|(?![A-Za-z0-9+/_.=-]))"
)
_BARE_SCHEME = late_pattern(
    r"\b(?P<scheme>[Bb]earer|BEARER|[Bb]asic|BASIC)[ \t]+(?P<value>[A-Za-z0-9._~+/-]{8,}={0,2})"
)
_USERINFO = late_pattern(r"[A-Za-z][A-Za-z0-9+.-]*://(?P<userinfo>[^\s/?\#@\"'<>\\`]{1,400})@(?=[\w\[])")
_CURL = late_pattern(
    r"(?:\s-u|\s--user|\s--proxy-user)[ \t=]+\\?[\"']?(?P<user>[^\s:\"'\\]+):(?P<password>[^\s\"'\\]+)"
)
_NETRC = late_pattern(r"\bmachine\s+\S+\s+login\s+(?P<user>\S+)\s+password\s+(?P<password>\S+)")
_OAUTH_FIELD = late_pattern(r"\sname=[\"'](?P<name>code|state)[\"']\s+value=[\"'](?P<value>[^\"'<>]{6,1000})[\"']")
_OAUTH_ANSWER = late_pattern(
    r"[?;&]code=(?P<code>[^&\s\"'<>#]{6,1000})(?:&(?:amp;)?[a-z_]{2,16}=[^&\s\"'<>#]{0,200}){0,4}?"
    r"&(?:amp;)?state=(?P<state>[^&\s\"'<>#]{1,1000})"
)


class Find(NamedTuple):
    """A secret in a text: from where to where, and what gives its replacement when it is wanted."""

    start: int
    end: int
    replace: Callable[[], str]


def unnamed(scrub: Scrub, text: str, lowered: str, where: Where) -> Iterator[Find]:
    """Find the secrets of a text that stand under no name: patterns, shapes, and places that give them away."""
    for pattern in scrub.rules.patterns:
        for found in pattern.finditer(text):
            group = 1 if found.re.groups and found[1] else 0
            yield secret_at(scrub, text, *found.span(group), where, "pattern")
    if has_shape(text):
        for start, end in shapes_in(text):
            if not scrub.is_kept(text[start:end]):
                yield secret_at(scrub, text, start, end, where, "shape")
        for found in _BASE64_JSON.finditer(text):
            if (new := _redacted_base64(scrub, found[0], where)) != found[0]:
                yield Find(*found.span(), partial(str, new))
    if "%" in text and has_escaped_shape(text) and (view := percent_view(text)):
        for start, end in shapes_in(view.text):
            plain = view.text[start:end]
            if not scrub.is_kept(plain):
                yield encoded_at(scrub, plain, view.original(start), view.original_end(end), where, "shape")
    text = spaced(text)
    if "://" in text and "@" in text:
        yield from _userinfos(scrub, text, where)
    if has_telling_segment(text):
        for start, end, word in secrets_after_telling_segments(text):
            if not word or not scrub.rules.query.keeps(word):
                yield encoded_at(scrub, text[start:end], start, end, where, "place")
    if "code" in text and "state" in text:
        yield from _oauth_answers(scrub, text, where)
    if "bearer" in lowered or "basic" in lowered:
        for found in _BARE_SCHEME.finditer(text):
            is_basic = found["scheme"].lower() == "basic"
            if is_credential(found["value"]) and (not is_basic or b":" in (decoded_run(found["value"]) or b":")):
                yield secret_at(scrub, text, *found.span("value"), where, "name")
    if "password" in lowered and "machine" in lowered:
        yield from _pairs(scrub, text, _NETRC, where)
    if "-u" in text:
        yield from _pairs(scrub, text, _CURL, where)


def secret_at(scrub: Scrub, text: str, start: int, end: int, where: Where, by: str) -> Find:
    """Return the find of a secret that is written as it is."""
    return Find(start, end, lambda: scrub.secret(text[start:end], where, by))


def is_credential(value: str) -> bool:
    """Tell whether a value looks like a secret, and not like a word, for a place that many texts have."""
    return looks_secret(value) and (any(c.isdigit() for c in value) or len(value) >= 20)


def encoded_at(scrub: Scrub, raw: str, start: int, end: int, where: Where, by: str) -> Find:
    """Return the find of a secret that is written with escapes."""
    return Find(start, end, lambda: scrub.secret(decoded(raw), where, by))


def decoded(raw: str) -> str:
    """Undo the escapes of a value in a text, so that it is known as what it means."""
    if "\\" in raw:
        try:
            value = json.loads(f'"{raw}"')
            return value if isinstance(value, str) else raw
        except ValueError:
            return raw
    if "&" in raw and ";" in raw:
        return unescaped(raw)
    if "%" in raw and re.search(r"%[0-9A-Fa-f]{2}", raw):
        return unquote_plus(raw)
    return raw


def _redacted_base64(scrub: Scrub, run: str, where: Where) -> str:
    """Redact base64 that holds JSON."""
    data = decoded_run(run)
    plain = text_of(data) if data else ""
    if not data or not looks_like_json(plain):
        return run
    new = scrub.hidden(plain, where)
    return run if new == plain else encoded_like(run, bytes_of(new, data), is_padded=is_whole(run))


def _pairs(scrub: Scrub, text: str, pattern: re.Pattern[str], where: Where) -> Iterator[Find]:
    for found in pattern.finditer(text):
        for group in ("user", "password"):
            yield secret_at(scrub, text, *found.span(group), where, "place")


def _userinfos(scrub: Scrub, text: str, where: Where) -> Iterator[Find]:
    for found in _USERINFO.finditer(text):
        start, end = found.span("userinfo")
        user, colon, password = found["userinfo"].partition(":")
        if not colon:
            if looks_secret(user):
                yield secret_at(scrub, text, start, end, where, "place")
            continue
        for begin, part in ((start, user), (end - len(password), password)):
            if part and not is_empty(part):
                yield encoded_at(scrub, part, begin, begin + len(part), where, "place")


def _oauth_answers(scrub: Scrub, text: str, where: Where) -> Iterator[Find]:
    """Find OAuth's `code` and `state` in URLs inside a text, as in a page that redirects, and in its form."""
    for found in _OAUTH_ANSWER.finditer(text):
        yield secret_at(scrub, text, *found.span("code"), where, "name")
        if looks_secret(found["state"]):
            yield secret_at(scrub, text, *found.span("state"), where, "name")
    fields = {found["name"]: found for found in _OAUTH_FIELD.finditer(text)}  # OpenID Connect's response_mode=form_post
    if len(fields) == 2 and len(fields["code"]["value"]) >= 16:  # a coupon beside an address is shorter
        for found in fields.values():
            if looks_secret(found["value"]):
                yield secret_at(scrub, text, *found.span("value"), where, "name")
