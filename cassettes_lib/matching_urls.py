"""URLs in canonical form: what RFC 3986 calls equivalent becomes equal.

Strategy: split by the expression of RFC 3986 appendix B, normalise each component by section 6.2 (case, escapes, dot
segments, default port, empty path), and read the query as the form encoding does, as pairs. A component that needs
nothing done is recognised by one compiled expression. No URL is refused: what is not understood is compared as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, unquote, unquote_to_bytes

from cassettes_lib.late_patterns import late_pattern

Pairs = tuple[tuple[str, str], ...]

_COMPONENTS = late_pattern(r"(?:([^:/?#]+):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?", re.DOTALL)
# What `CanonicalUrl.text` would give back, up to the order of the query; see there.
_CANONICAL = late_pattern(
    r"https?://[a-z0-9._-]++(?::(?!(?:80|443)/)[1-9][0-9]{1,4})?(?:/(?!\.)[A-Za-z0-9_~!$&'()*+,;=:@.-]*+)++"
    r"(?:\?([A-Za-z0-9._~-]++=[A-Za-z0-9._~-]*+(?:&[A-Za-z0-9._~-]++=[A-Za-z0-9._~-]*+)*+))?\Z"
)
_PLAIN_AUTHORITY = late_pattern(r"[a-z0-9._-]*\Z")
_AUTHORITY = late_pattern(r"(?:(.*)@)?(\[[^\]]*\]|[^@]*?)(?::([0-9]*))?\Z", re.DOTALL)
_PLAIN_PATH = late_pattern(r"(?:/(?!\.)[A-Za-z0-9._~!$&'()*+,;=:@-]*)+\Z")
_ESCAPE_OR_ILLEGAL = late_pattern(r"%[0-9A-Fa-f]{2}|[^A-Za-z0-9._~!$&'()*+,;=:@/-]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class CanonicalUrl(NamedTuple):
    """A URL in canonical form, without its fragment. Equal ones are equal requests to a server.

    Attributes:
        scheme: In small letters.
        userinfo: As in `user:password@`, or "".
        host: In small letters, international names in their ASCII form (`xn--...`).
        port: The number, the scheme's default when the URL has none; None for schemes without default.
        path: With the fewest percent-escapes, `/` when empty.
        query: Pairs of name and value, decoded, sorted; a name without `=` has the value "".
    """

    scheme: str
    userinfo: str
    host: str
    port: int | None
    path: str
    query: Pairs

    def without_query(self, names: frozenset[str]) -> CanonicalUrl:
        """Return the URL without the query parameters of these names."""
        return self._replace(query=tuple(pair for pair in self.query if pair[0] not in names))

    def text(self) -> str:
        """Write the canonical URL; no two different ones have the same text."""
        shows_port = self.port != _DEFAULT_PORTS.get(self.scheme)
        if ":" in self.host and not self.host.startswith("["):
            shows_port = True  # no real host: without a port, its own end would be taken for one
        port = "" if self.port is None else self.port
        authority = (self.userinfo and f"{self.userinfo}@") + self.host + (f":{port}" if shows_port else "")
        start = f"{self.scheme}:" if self.scheme else ""
        return start + (f"//{authority}" if authority else "") + self.path + self._query_text()

    def _query_text(self) -> str:
        if not self.query:
            return ""
        return "?" + "&".join(sorted(f"{_quoted(name)}={_quoted(value)}" for name, value in self.query))


def url_key(url: str) -> str:
    """Return the canonical text of a URL: the URL itself in the usual case, told by one expression."""
    found = _CANONICAL.match(url)
    if not found:
        return canonical_url(url).text()
    query = found[1]
    if not query or "&" not in query:
        return url
    return f"{url[: found.start(1)]}{'&'.join(sorted(query.split('&')))}"


@lru_cache(maxsize=4096)  # several matchers look at the same URL, and so do the requests that are equal
def canonical_url(url: str) -> CanonicalUrl:
    """Return the canonical form of a URL; any string has one."""
    found = _COMPONENTS.match(url)
    assert found is not None  # every group is optional
    scheme, authority, path, query = found.groups()
    scheme = (scheme or "").lower()
    userinfo, host, port = _split_authority(authority or "")
    return CanonicalUrl(
        scheme,
        userinfo,
        host,
        _DEFAULT_PORTS.get(scheme) if port is None else port,
        _canonical_path(path, authority is not None),
        tuple(sorted(query_pairs(query))) if query else (),
    )


def query_pairs(query: str) -> list[tuple[str, str]]:
    """Decode the query of a URL into pairs, in their order; `+` and `%20` are a space, a lone name has the value ""."""
    if "%" in query or "+" in query or not query.isascii():
        return form_pairs(query.encode("utf-8", "surrogatepass"))
    return [(name, value) for name, _, value in (part.partition("=") for part in query.split("&") if part)]


def form_pairs(form: bytes) -> list[tuple[str, str]]:
    """Decode a urlencoded form into pairs, in their order; bytes that are not UTF-8 become lone surrogates."""
    return [
        (_form_decoded(name), _form_decoded(value))
        for name, _, value in (part.partition(b"=") for part in form.split(b"&") if part)
    ]


def _form_decoded(text: bytes) -> str:
    if b"+" in text:
        text = text.replace(b"+", b" ")
    if b"%" in text:
        text = unquote_to_bytes(text)
    return text.decode("utf-8", "surrogateescape")


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="surrogateescape")


def _split_authority(authority: str) -> tuple[str, str, int | None]:
    if _PLAIN_AUTHORITY.match(authority):
        return "", authority, None
    found = _AUTHORITY.match(authority)
    if not found:
        return "", authority.lower(), None
    userinfo, host, port = found.groups()
    # No port has more than five digits; a longer one is no port, and Python refuses to read thousands of them.
    if port and len(port.lstrip("0")) > 5:
        return "", authority.lower(), None
    return _normal_escapes(userinfo or ""), _canonical_host(host), int(port) if port else None


def _canonical_host(host: str) -> str:
    if "%" in host:
        host = unquote(host)
    if host.isascii():
        return host.lower()
    try:
        import idna  # comes with requests, which encodes the names of hosts by it; needed for such names only
    except ImportError:
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii").lower()
    except UnicodeError:
        return host.lower()


def _canonical_path(path: str, has_authority: bool) -> str:
    if _PLAIN_PATH.match(path):
        return path
    if not path:
        return "/" if has_authority else ""
    path = _normal_escapes(path)
    return _without_dot_segments(path) if "/." in path and path.startswith("/") else path


def _normal_escapes(text: str) -> str:
    return _ESCAPE_OR_ILLEGAL.sub(_normal_escape, text)


def _normal_escape(found: re.Match[str]) -> str:
    """Undo an escape that is not needed, write one that is in capitals, and escape what must not stand raw."""
    text = found[0]
    if len(text) == 3:
        character = chr(int(text[1:], 16))
        return character if character in _UNRESERVED else text.upper()
    return "".join(f"%{byte:02X}" for byte in text.encode("utf-8", "surrogatepass"))


def _without_dot_segments(path: str) -> str:
    """Remove `.` and `..` segments from an absolute path: RFC 3986 section 5.2.4."""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
