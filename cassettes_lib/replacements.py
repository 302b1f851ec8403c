"""What stands in the place of a secret: `REDACTED-n`, and its forms for numbers, JWTs and PEM blocks.

Strategy: a replacement is recognised wherever it stands, so redacting what is redacted changes nothing, and a client
that receives a replacement on replay and sends it back is understood.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import Any

from cassettes_lib.late_patterns import late_pattern

_WORD = r"REDACTED-(\d+)"
_IN_BASE64 = "UkVEQUNURUQt"  # base64 of "REDACTED-", whose nine bytes fill twelve characters exactly
# Digits that nobody would choose: REDACTED on a telephone's keys, then six digits of number.
_NUMBER_BASE = 73332833_000000
_NUMBER = r"(?<![\d.])73332833(\d{6})(?:\.5)?(?![\d.])"
# Bounded, and not inside a word, so that text made of their beginnings is not searched again and again.
_JWT = rf"(?<![A-Za-z0-9])eyJ[\w-]{{0,9999}}\.[\w-]{{0,99999}}\.(?:[\w-]*\.[\w-]*\.)?{_IN_BASE64}[\w-]*"

WORD = late_pattern(_WORD)
MARK = late_pattern(f"(?:{_JWT}|{_WORD}|{_NUMBER})")
# "REDACTED-" at the three alignments of base64, as far as its characters are determined by it alone.
HINTS = ("REDACTED-", "73332833", _IN_BASE64, "JFREFDVEVELT", "SRURBQ1RFRC")
HINTS_BYTES = tuple(hint.encode() for hint in HINTS)

JWT = late_pattern(r"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{6,9999}+\.(?:[A-Za-z0-9_-]*+\.){1,3}[A-Za-z0-9_-]*+")
# A private key's armour; when its end is missing, as many lines of base64 as follow.
PEM = late_pattern(
    r"(?P<begin>-----BEGIN (?P<kind>[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?)-----(?:\s|\\{1,4}[rn]|&\#?\w+;|<br ?/?>)*)"
    r"(?:(?P<key>(?:(?!-----BEGIN)[^\"'<>{}&]|&\#?\w+;|<br ?/?>)+?)(?P<end>(?:\s|\\{1,4}[rn])*-----END (?P=kind)-----)"
    r"|(?P<cut>REDACTED-\d+|(?:[A-Za-z0-9+/=]{16,76}(?:\s|\\{1,4}[rn]|\Z|(?=[\"'<]))+)+))"
)
_ARMOURED = late_pattern(r"\s*(?:-----BEGIN [A-Z0-9 ]+-----[^\"'<>{}]*?-----END [A-Z0-9 ]+-----\s*)+")
# Claims that say when or for whom, not what proves it; the rest of a token's texts is removed with its signature.
_PLAIN_CLAIMS = frozenset(
    ("iss", "aud", "sub", "scope", "scp", "azp", "token_use", "client_id", "alg", "typ", "cty", "enc", "zip")
)


def word(number: int) -> str:
    """Return the plain replacement, valid in a header, a URL, a cookie and JSON."""
    return f"REDACTED-{number}"


def replacement(value: str, number: int) -> str:
    """Return what stands for a secret: a plain word, or a JWT or PEM block of the same structure."""
    if value.startswith("eyJ") and JWT.fullmatch(value):
        return _jwt(value, number)
    if _is_armoured(value):
        return PEM.sub(lambda found: f"{found['begin']}{word(number)}{found['end'] or ''}", value)
    return word(number)


def number_literal(number: int, like: str) -> str:
    """Return the replacement of a JSON number, an integer or not as the literal it replaces."""
    return f"{_NUMBER_BASE + number}{'' if like.lstrip('-').isdigit() else '.5'}"


def is_replacement(value: str) -> bool:
    """Tell whether a text is a replacement and nothing else."""
    if MARK.fullmatch(value):
        return True
    return _is_armoured(value) and all(is_redacted_key(found) for found in PEM.finditer(value))


def is_redacted_key(found: re.Match[str]) -> bool:
    """Tell whether a match of `PEM` holds a replacement for its key."""
    return WORD.fullmatch(found["key"] or found["cut"]) is not None


def _is_armoured(value: str) -> bool:
    """Tell whether a text is a private key's armour, with those of certificates perhaps, and nothing else."""
    if "-----BEGIN" not in value or not PEM.search(value):
        return False
    return bool(PEM.fullmatch(value.strip()) or _ARMOURED.fullmatch(value))


def holds_replacement(text: str) -> bool:
    """Tell quickly whether a text may hold a replacement, in base64 too; seldom true without one."""
    for hint in HINTS:  # noqa: SIM110 - on the path of every replay, where any() takes three times as long
        if hint in text:
            return True
    return False


def bytes_hold_replacement(data: bytes) -> bool:
    """Tell quickly whether a body may hold a replacement; in binary data, none in base64 is looked for."""
    hints = HINTS_BYTES[:1] if b"\0" in data[:4096] else HINTS_BYTES  # each look at 1 MB takes a tenth of its replay
    for hint in hints:  # noqa: SIM110
        if hint in data:
            return True
    return False


def numbers_in(text: str) -> list[int]:
    """Return the numbers of all replacements in a text."""
    if not holds_replacement(text):
        return []
    return [_number_of(found[0]) for found in MARK.finditer(text)]


def number_of(mark: str) -> int | None:
    """Return the number of a text that is a replacement, else None."""
    found = MARK.fullmatch(mark)
    if found:
        return _number_of(found[0])
    inner = WORD.search(mark) if is_replacement(mark) else None
    return int(inner[1]) if inner else None


def _number_of(mark: str) -> int:
    if mark.startswith("REDACTED-"):
        return int(mark[9:][:15])
    if mark.startswith("7"):
        return int(mark.partition(".")[0]) - _NUMBER_BASE
    inner = WORD.fullmatch((_unbase64(mark.rpartition(".")[2]) or b"").decode("latin-1"))
    return int(inner[1][:15]) if inner else 0


def _jwt(token: str, number: int) -> str:
    mark = word(number)
    header, *rest = token.split(".")
    parts = [_redacted_json(header, mark, None)]
    parts += [_redacted_json(part, mark, "jti") for part in rest[:-1]]
    return ".".join([*parts, _base64(mark.encode())])


def _redacted_json(part: str, mark: str, marked_claim: str | None) -> str:
    """Redact the header or the payload of a JWT; a part that is not JSON becomes the mark."""
    try:
        claims = json.loads(_unbase64(part) or b"")
    except (ValueError, RecursionError):
        return _base64(mark.encode())
    if not isinstance(claims, dict):
        return _base64(mark.encode())
    redacted = {name: _claim(name, value, mark) for name, value in claims.items()}
    if marked_claim:  # a payload of nothing but times would stay as it is, and could be put before another signature
        redacted[marked_claim] = mark
    return _base64(json.dumps(redacted, separators=(",", ":")).encode())


def _claim(name: str, value: Any, mark: str) -> Any:
    if isinstance(value, str):
        return value if name in _PLAIN_CLAIMS else mark
    if isinstance(value, dict):
        return {each: _claim(each, child, mark) for each, child in value.items()}
    if isinstance(value, list):
        return [_claim(name, child, mark) for child in value]
    return value


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unbase64(text: str) -> bytes | None:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
