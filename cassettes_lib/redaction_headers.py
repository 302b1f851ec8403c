"""Secrets in headers: credentials, cookies, URLs, and unknown headers whose names give them away."""

from __future__ import annotations

import base64
import binascii
import re

from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.redaction_memory import Where
from cassettes_lib.redaction_scrub import Scrub
from cassettes_lib.secret_names import Verdict, word_set
from cassettes_lib.secret_shapes import is_empty, looks_secret

SCHEMES = word_set(
    "basic bearer digest token apikey api-key jwt oauth negotiate ntlm hawk mac aws aws4-hmac-sha256 "
    "aws4-ecdsa-p256-sha256 "
    "signature sharedkey sharedkeylite sharedaccesssignature googlelogin dpop key genie_key genie-key splunk bot "
    "zoho-oauthtoken vapid scram-sha-256 scram-sha-1 hmac session-token hoba mutual gnap privatetoken snowflake ssws "
    "goog4-hmac-sha256 goog4-rsa-sha256 hmac-sha256 acs-hmac-sha256 acs3-hmac-sha256 tc3-hmac-sha256 eg1-hmac-sha256 "
    "credential user usertoken accesstoken klaviyo-api-key discogs emby mediabrowser client-token fly flyv1 x-token"
)
_SCHEME = late_pattern(r"\s*([A-Za-z][\w.+-]*)(\s+)(\S.*?)\s*\Z", re.DOTALL)
_PARAMETER = late_pattern(r"""([A-Za-z_][\w.-]*)(\s*=\s*)("(?:[^"\\]|\\.)*"|[^\s,;"]+)""")
_PARAMETERS = late_pattern(r"""\s*[A-Za-z_][\w.-]*\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s,;"]*[^\s,;"=]=*)\s*(?:[,;\s]|\Z)""")
_PLAIN_PARAMETERS = word_set(
    "realm algorithm qop nc uri signedheaders headers oauth_version oauth_signature_method oauth_timestamp version "
    "charset userhash stale ts created expires sv se sp spr sr st"
)
_COOKIE_PAIR = late_pattern(r"(\s*)([^=;\s][^=;]*)(=)([^;]*)(;?)")
# A shorter value, such as `1` or `en`, protects nothing, unless the cookie's name says so.
_SHORTEST_COOKIE = 4
_LINK = late_pattern(r"<([^<>]*)>")
_REFRESH = late_pattern(r"(\s*\d*\s*[;,]?\s*(?:url\s*=\s*)?['\"]?)([^'\"]*)(['\"]?\s*)", re.IGNORECASE)


def redacted_header(scrub: Scrub, name: str, value: str, where: str) -> str:
    """Redact the value of one header."""
    lower = name.lower()
    place = f"{where} header {name}"
    if not value:
        return value
    if lower in ("cookie", "set-cookie", "set-cookie2", "cookie2"):
        if scrub.rules.headers.keeps(name):
            return _kept(scrub, value, place)
        return redacted_cookies(scrub, value, place, is_set=lower.startswith("set"))
    verdict = scrub.rules.headers.verdict(name)
    if verdict is Verdict.NO and scrub.rules.headers.keeps(name):
        return _kept(scrub, value, place)
    if verdict is Verdict.YES or (verdict is Verdict.IF_IT_LOOKS_SO and looks_secret(value)):
        return credentials(scrub, value, place)
    if lower in ("location", "content-location", "referer", "origin", "x-original-url", "x-forwarded-uri"):
        return scrub.url(value, place, is_redirect=True)
    if lower == "link":
        return _LINK.sub(lambda found: f"<{scrub.url(found[1], place)}>", value)
    if lower == "refresh":
        found = _REFRESH.fullmatch(value)
        return found[1] + scrub.url(found[2], place, is_redirect=True) + found[3] if found else value
    return scrub.leaf(value, place)


def credentials(scrub: Scrub, value: str, where: Where) -> str:
    """Redact credentials as `Authorization` has them: `Scheme secret`, `Scheme name=value, ...`, or a secret alone."""
    found = _SCHEME.match(value)
    if not found or not (found[1].lower() in SCHEMES or _is_scheme(found[1], found[3])):
        if ("," not in value and ";" not in value and "=" not in value[:-2]) or not _PARAMETERS.match(value):
            return scrub.secret(value, where)
        return _redacted_parameters(scrub, value, where)
    scheme, rest = found[1].lower(), found[3]
    front = value[: found.start(3)]
    if scheme == "basic":
        return front + _basic(scrub, rest, where)
    if scheme == "sharedaccesssignature" and "&" in rest:
        return front + scrub.url(f"?{rest}", where)[1:]  # sr=...&sig=...&se=...&skn=...
    if _PARAMETERS.match(rest):
        return front + _redacted_parameters(scrub, rest, where)
    if scheme in ("aws", "sharedkey", "sharedkeylite") and ":" in rest:
        key, colon, signature = rest.partition(":")
        return front + scrub.secret(key, where) + colon + scrub.secret(signature, where)
    return front + scrub.secret(rest, where)


def redacted_cookies(scrub: Scrub, value: str, where: str, *, is_set: bool) -> str:
    """Redact the values of cookies; their names, and the attributes of `Set-Cookie`, stay."""
    if not is_set:
        if "=" not in value:
            return scrub.secret(value, where, "place")
        return _COOKIE_PAIR.sub(lambda found: _cookie(scrub, found, where), value)
    first, semicolon, attributes = value.partition(";")
    found = _COOKIE_PAIR.fullmatch(first)
    first = _cookie(scrub, found, where) if found else scrub.leaf(first, where)
    return f"{first}{semicolon}{scrub.known(attributes, where) if attributes else ''}"


def _cookie(scrub: Scrub, found: re.Match[str], where: str) -> str:
    lead, name, equals, value, end = found.groups()
    if scrub.rules.headers.keeps(name) or scrub.rules.fields.keeps(name):
        scrub.keep(value)
        return f"{lead}{name}{equals}{scrub.known(value, where)}{end}"
    core = value.strip().strip('"')
    if not core or core.lower() in ("deleted", "null"):
        return found[0]
    if len(core) < _SHORTEST_COOKIE and scrub.rules.fields.verdict(name) is Verdict.NO:
        return found[0]
    new, name = scrub.secret(core, f"{where} {name}", "place"), scrub.name(name, where)
    return f"{lead}{name}{equals}{value.replace(core, new, 1)}{end}"


def _basic(scrub: Scrub, encoded: str, where: Where) -> str:
    """Redact `user:password` in base64, and learn both."""
    try:
        plain = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True).decode("utf-8", "surrogateescape")
    except (binascii.Error, ValueError):
        return scrub.secret(encoded, where)
    user, colon, password = plain.partition(":")
    if not colon:
        return scrub.secret(encoded, where)
    if all(scrub.is_settled(part) for part in (user, password)):
        return encoded
    if scrub.name_of(user) or scrub.name_of(password):  # a placeholder stays visible to whoever decodes it
        named = f"{scrub.secret(user, where)}:{scrub.secret(password, where)}"
        return base64.b64encode(named.encode("utf-8", "surrogateescape")).decode()
    new = scrub.secret(encoded, where)
    for part in (user, password):
        if part:
            scrub.learn(part)
    return new


def _redacted_parameters(scrub: Scrub, text: str, where: Where) -> str:
    def redact(found: re.Match[str]) -> str:
        name, equals, value = found.groups()
        quoted = value.startswith('"')
        core = value[1:-1] if quoted else value
        lower = name.lower()
        if lower == "uri":
            new = scrub.url(core, where)
        elif lower in _PLAIN_PARAMETERS or is_empty(core):
            return found[0]
        elif lower == "credential" and "/" in core:
            key, slash, scope = core.partition("/")
            new = scrub.secret(key, where) + slash + scope
        else:
            new = scrub.secret(core, where)
        return f'{name}{equals}"{new}"' if quoted else f"{name}{equals}{new}"

    return _PARAMETER.sub(redact, text)


def _is_scheme(word: str, rest: str) -> bool:
    """Tell whether an unknown first word is a scheme: a plain word in front of a single token."""
    return word.replace("-", "").isalpha() and len(word) <= 24 and looks_secret(rest)


def _kept(scrub: Scrub, value: str, where: str) -> str:
    scrub.keep(value)
    return scrub.known(value, where)
