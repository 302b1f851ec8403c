"""Secrets in URLs: user information, path segments, query, fragment; and in forms, which are written like queries."""

from __future__ import annotations

import re
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.redaction_memory import Where
from cassettes_lib.redaction_scrub import Scrub
from cassettes_lib.replacements import is_replacement
from cassettes_lib.secret_names import Verdict
from cassettes_lib.secret_shapes import has_shape, looks_secret
from cassettes_lib.telling_paths import has_telling_segment, secrets_after_telling_segments

_URL = late_pattern(
    r"(?P<front>(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*:)?//)?(?P<authority>(?<=//)[^/?#]*)?(?P<path>[^?#]*)"
    r"(?P<query>\?[^#]*)?(?P<fragment>\#.*)?",
    re.DOTALL,
)
_SEPARATORS = late_pattern(r"([&;])")
# OAuth's code comes back in a redirect with one of these beside it (RFC 6749 section 4.1.2, RFC 9207), or with `state`,
# which has other meanings too; and it is exchanged with one of those (RFC 6749 section 4.1.3, RFC 7636).
_BESIDE_CODE = frozenset(("session_state", "iss", "authuser", "code_challenge", "id_token"))
EXCHANGING = frozenset(("grant_type", "client_secret", "code_verifier"))
# What binds OAuth's question and answer together (RFC 6749 section 10.12, RFC 7636, OpenID Connect Core 3.1.2.1); it is
# another one each time. Elsewhere these names are innocent.
_OF_OAUTH = frozenset(("response_type", "code_challenge", "response_mode", "access_token", "id_token"))
_BINDING = frozenset(("state", "nonce", "code_challenge", "session_state"))


def redacted_url(scrub: Scrub, url: str, where: Where, *, is_redirect: bool = False) -> str:
    """Redact a URL, absolute or relative.

    Args:
        scrub: The pass.
        url: The URL.
        where: What it is, for the summary.
        is_redirect: True where OAuth's `code` may stand.
    """
    found = _URL.fullmatch(url)
    if not found:
        return scrub.leaf(url, where)
    front, authority, path = found["front"] or "", found["authority"] or "", found["path"]
    query, fragment = found["query"] or "", found["fragment"] or ""
    userinfo, at, host = authority.rpartition("@")
    if host:
        scrub.host(host_of(f"//{host}"))
    if userinfo:
        userinfo = _redacted_userinfo(scrub, userinfo, where)
    if has_telling_segment(path + query):
        path, question, query = _redacted_after_words(scrub, path + query, _place(where, "path")).partition("?")
        query = question + query
    if len(path) > 3:
        path = _redacted_path(scrub, path, _place(where, "path"))
    if query:
        query = "?" + redacted_pairs(scrub, query[1:], _place(where, "query"), is_query=True, is_redirect=is_redirect)
    if len(fragment) > 1:
        fragment = "#" + _redacted_fragment(scrub, fragment[1:], where)
    result = f"{front}{userinfo}{at}{host}{path}{query}{fragment}"
    return result if result != url else url


def redacted_pairs(
    scrub: Scrub, text: str, where: Where, *, is_query: bool, is_redirect: bool = False, separators: str = "&"
) -> str:
    """Redact `name=value` pairs as a query, a fragment or an urlencoded form has them; untouched ones stay as written.

    Args:
        scrub: The pass.
        text: The pairs, joined by `&` (or `;`).
        where: What they are, for the summary.
        is_query: True for the rules of a query, False for those of a form.
        is_redirect: True where OAuth's `code` may stand.
        separators: "&", or "&;" where both separate.
    """
    pieces = _SEPARATORS.split(text) if separators != "&" else re.split(r"(&)", text)
    names = [piece.partition("=")[0] for piece in pieces[::2]]
    has_code = "code" in names and _is_of_oauth(dict(zip(names, pieces[::2], strict=True)), is_redirect=is_redirect)
    is_oauth = has_code or not _OF_OAUTH.isdisjoint(names)
    judge = scrub.rules.query if is_query else scrub.rules.fields
    for index in range(0, len(pieces), 2):
        raw_name, equals, raw = pieces[index].partition("=")
        if not raw:
            if not equals and len(raw_name) >= 8:  # a bare value: ?SECRET
                pieces[index] = _requoted(raw_name, scrub.leaf(unquote_plus(raw_name), where), is_query)
            continue
        name = unquote_plus(raw_name) if "%" in raw_name or "+" in raw_name else raw_name
        verdict = judge.verdict(name)
        if verdict is Verdict.NO and (not is_query or scrub.rules.adds_names):
            verdict = scrub.rules.fields.verdict(name) if is_query else verdict
        if name == "code" and not judge.keeps(name):
            # A short one without company may be any code; it would be in clear in the request that follows.
            verdict = Verdict.YES if has_code else Verdict.IF_IT_LOOKS_SO if is_redirect else verdict
        if is_oauth and verdict is Verdict.NO and name in _BINDING and not judge.keeps(name):
            verdict = Verdict.IF_IT_LOOKS_SO
        if verdict is Verdict.NO and len(raw) < 4 and not raw_name[8:]:
            continue
        value = unquote_plus(raw) if "%" in raw or "+" in raw else raw
        new = _redacted_value(scrub, name, value, verdict, _place(where, name))
        if judge.keeps(name):
            scrub.keep(value)
            new = scrub.known(value, where)
        if len(raw_name) >= 8 and (new_name := scrub.name(name, where)) != name:
            raw_name = quote_plus(new_name)
        if new != value:
            raw = _requoted(raw, new, is_query)
        pieces[index] = f"{raw_name}{equals}{raw}"
    return "".join(pieces)


def _is_of_oauth(pieces: dict[str, str], *, is_redirect: bool) -> bool:
    """Tell by its company whether `code` is OAuth's, and no postal code, coupon or number of an error."""
    if not EXCHANGING.isdisjoint(pieces) or not _BESIDE_CODE.isdisjoint(pieces):
        return True
    return "state" in pieces and (
        is_redirect or len(pieces["code"]) >= 16 + len("code=") or looks_secret(pieces["state"].removeprefix("state="))
    )


def _redacted_value(scrub: Scrub, name: str, value: str, verdict: Verdict, where: Where) -> str:
    if verdict is Verdict.YES or (verdict is Verdict.IF_IT_LOOKS_SO and looks_secret(value)):
        if name.lower() in ("x-amz-credential", "x-goog-credential") and "/" in value:
            key, slash, scope = value.partition("/")  # the scope is date, region and service
            return scrub.secret(key, where) + slash + scope
        return scrub.credentials(value, where) if " " in value else scrub.secret(value, where)
    return scrub.leaf(value, where)


def _requoted(raw: str, new: str, is_query: bool) -> str:
    """Write a value that replaces another, percent-encoding as much as that one did."""
    if unquote_plus(raw) == new:
        return raw
    if is_query and "+" not in raw:
        return quote(new, safe="/:@!$'()*,~<>{}\"[]" if "%" not in raw else "~<>")
    return quote_plus(new, safe="~<>" if "%" in raw else "/:@!$'()*,~<>{}\"[]")


def _redacted_userinfo(scrub: Scrub, userinfo: str, where: Where) -> str:
    user, colon, password = userinfo.partition(":")
    place = _place(where, "userinfo")
    new_user = scrub.secret(unquote(user), place, "place") if user and user != "oauth2" else user
    new_password = scrub.secret(unquote(password), place, "place") if password else password
    user = user if new_user == unquote(user) else quote(new_user, safe="<>")
    password = password if new_password == unquote(password) else quote(new_password, safe="<>")
    return f"{user}{colon}{password}"


def _redacted_after_words(scrub: Scrub, path: str, where: Where) -> str:
    """Redact what follows a word that announces a secret."""
    pieces, done = [], 0
    for start, end, word in secrets_after_telling_segments(path):
        value = unquote(path[start:end])
        if word and scrub.rules.query.keeps(word):
            scrub.keep(value)
            continue
        pieces += [path[done:start], scrub.secret(value, where, "place")]
        done = end
    return "".join([*pieces, path[done:]])


def _redacted_path(scrub: Scrub, path: str, where: Where) -> str:
    segments = path.split("/")
    is_shaped = has_shape(path)
    for index, segment in enumerate(segments):
        if len(segment) >= 4:
            segments[index] = _redacted_segment(scrub, segment, where)
            if is_shaped:  # alone, so that the slash before it is taken for no character of base64
                segments[index] = scrub.shapeless(segments[index], where)
    return scrub.leaf("/".join(segments), where)


def _redacted_segment(scrub: Scrub, segment: str, where: Where) -> str:
    """Redact `;name=value` parameters, and what is percent-encoded."""
    if ";" in segment and "=" in segment:
        first, *parameters = segment.split(";")
        return ";".join([first, *(redacted_pairs(scrub, each, where, is_query=True) for each in parameters)])
    if "%" in segment and (plain := unquote(segment)) != segment:
        new = scrub.leaf(plain, where)
        separators = "".join(character for character in "&;=" if character in segment)  # or it would be read otherwise
        return segment if new == plain else quote(new, safe="!$'()*+,:@~<>" + separators)
    return segment


def _redacted_fragment(scrub: Scrub, fragment: str, where: Where) -> str:
    if is_replacement(fragment):
        return fragment
    place = _place(where, "fragment")
    if "%" in fragment and "=" not in fragment and (plain := unquote(fragment)) != fragment:
        new = scrub.leaf(plain, place)
        return fragment if new == plain else quote(new, safe="!$&'()*+,;=:@~<>/?")
    route, question, pairs = fragment.partition("?")
    if question:
        return f"{scrub.leaf(route, place)}?{redacted_pairs(scrub, pairs, place, is_query=True, is_redirect=True)}"
    if "=" in fragment:
        return redacted_pairs(scrub, fragment, place, is_query=True, is_redirect=True)
    return scrub.leaf(fragment, place)


def host_of(url: str) -> str:
    """Return the host of an absolute URL in lower case, without its port, or ""."""
    start = url.find("//") + 2
    if start < 2:
        return ""
    authority = url[start : url.find("/", start) if "/" in url[start:] else None]
    host = authority.partition("?")[0].partition("#")[0].rpartition("@")[2]
    return (host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host).lower()


def last_segment(url: str) -> str:
    """Return the last segment of a URL's path, or ""."""
    return url.partition("?")[0].partition("#")[0].rstrip("/").rpartition("/")[2]


def _place(where: Where, name: str) -> Where:
    return lambda: f"{where if isinstance(where, str) else where()} {name}"
