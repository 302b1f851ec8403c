"""Secrets in the paths of URLs: what follows a word that announces it; sessions of ASP.NET, Telegram's bots."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import unquote

from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.replacements import MARK
from cassettes_lib.secret_names import word_set
from cassettes_lib.secret_shapes import is_empty, looks_secret

# What follows one of these is a secret, or else what follows that: /reset/<secret>, /reset/<user>/<secret>
_OF_LINKS = word_set(
    "reset resets reset-password reset_password resetpassword password-reset password_reset passwordreset "
    "password-resets password_resets forgot-password forgot_password set-password confirm confirmation "
    "confirmations confirmemail verifyemail magiclogin confirm-email confirm_email email-confirmation "
    "email_confirmation activate activation activations invite invites invitation invitations magic magic-link "
    "magic_link magic-links magiclink magic-login passwordless unsubscribe opt-out optout verification "
    "verifications verify-email verify_email email-verification"
)
# What follows one of these is a secret.
_DIRECT = word_set(
    "token tokens secret password jwt apikey api-key api_key access-token access_token access-tokens access_tokens "
    "auth-token auth_token refresh-token refresh_token session sessions sessionid"
)
# What follows one of these is a secret, or a hash of something, or what follows that.
_WEAK = word_set("key signed verify accept webhook webhooks hook hooks incoming-webhook incoming-webhooks")
_SEGMENT = r"[^/?#\s\"'<>\\&;(){}\[\],|`]"


def _written(word: str) -> set[str]:
    """Return a word as paths have it: reset-password, Reset-Password, ResetPassword."""
    return {word, word.title(), word.title().replace("-", "").replace("_", "")}


_WORDS = frozenset(written for word in _OF_LINKS | _DIRECT | _WEAK for written in _written(word))
_WORD = late_pattern(r"/([A-Za-z_-]+)(?=[/?])")
_LONG = rf"(?:/(?:{_SEGMENT}{{1,60}}/)?|\?){_SEGMENT}{{12}}"
_HINT = late_pattern(
    rf"/(?=bot\d+:{_SEGMENT}{{6}}|\([A-Z]\(|services/T[A-Z0-9]{{6}}|(?P<word>[A-Za-z_-]+)(?=[/?]){_LONG})"
)
_NEXT = late_pattern(rf"[/?]({_SEGMENT}+)")
_OTHERS = late_pattern(
    rf"/bot\d+:(?P<bot>{_SEGMENT}{{6,}})"
    r"|(?<=[A-Z]\()(?P<session>[A-Za-z0-9_-]{12,})(?=\))"
    r"|/services/T[A-Z0-9]{6,12}/B[A-Z0-9]{6,12}/(?P<hook>[A-Za-z0-9]{16,})"
)
_ID = late_pattern(
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{24}|01[0-9A-HJKMNP-TV-Z]{24}"  # UUID, MongoDB, ULID
    r"|(?:[A-Za-z]+\d{0,4}|\d{1,8}[a-z]{0,2})(?:[-_.+~ ](?:[A-Za-z]+\d{0,4}|\d{1,8}[a-z]{0,2}))+"  # words-of-2026
    r"|.*\.[a-z]{2,5}",  # the name of a file
    re.DOTALL,
)
_HASH = late_pattern(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")


def has_telling_segment(text: str) -> bool:
    """Tell quickly whether a path in a text may hold a secret."""
    return any(found["word"] is None or found["word"] in _WORDS for found in _HINT.finditer(text))


class Announced(NamedTuple):
    """A secret in a path: from where to where, and the word that announces it, or ""."""

    start: int
    end: int
    word: str


def secrets_after_telling_segments(text: str) -> Iterator[Announced]:
    """Yield the secrets in the paths of a text, which may be a path itself, in order."""
    done = 0
    for found in sorted((*_after_words(text), *_elsewhere(text))):
        if found.start >= done:
            yield found
            done = found.end


def _after_words(text: str) -> Iterator[Announced]:
    for found in _WORD.finditer(text):
        if found[1] not in _WORDS:
            continue
        word = found[1].lower()
        segment = _NEXT.match(text, found.end())
        is_query = text.startswith("?", found.end())
        if is_query and (word in _WEAK or not segment or "=" in segment[1]):
            continue
        if segment and not _is_secret(word, segment[1]) and word not in _DIRECT and not is_query:
            segment = _NEXT.match(text, segment.end())
        if segment and _is_secret(word, segment[1]):
            yield Announced(*segment.span(1), word)


def _elsewhere(text: str) -> Iterator[Announced]:
    for found in _OTHERS.finditer(text):
        if found.lastgroup and not MARK.search(found[found.lastgroup]):
            yield Announced(*found.span(found.lastgroup), "")


def _is_secret(word: str, segment: str) -> bool:
    """Tell whether a segment is a secret behind this word: long and mixed, and no id, slug or name of a file."""
    if len(segment) < (16 if word in _WEAK else 12) or segment.lower() in _OF_LINKS:
        return False
    plain = unquote(segment)
    if not any(c.isdigit() for c in plain) or not any(c.isalpha() for c in plain) or MARK.search(plain):
        return False
    if _ID.fullmatch(plain) or (word in _WEAK and _HASH.fullmatch(plain)):
        return False
    return looks_secret(plain) and not is_empty(plain)
