"""The outline of a request: what remains of it when it does not matter which secret stands in which place."""

from __future__ import annotations

import re

from cassettes_lib.base64_runs import decoded_run, text_of
from cassettes_lib.codings import decoded
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.models import InteractionRequest
from cassettes_lib.replacements import HINTS, HINTS_BYTES, MARK, WORD, holds_replacement

# In these, and in a gzipped file, no hint can be seen.
_WIDE_CHARSET = late_pattern(r"utf-(?:16|32)", re.IGNORECASE)
_GZIP_MAGIC = b"\x1f\x8b\x08"
_ANY = "REDACTED-0"
_RUN = late_pattern(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_PATH = late_pattern(r"[^/?#]*//[^/?#]*([^?#]*)")


def outline(request: InteractionRequest) -> InteractionRequest:
    """Return a request in which all replacements are the same one; the body without its codings."""
    body = _plain_body(request)
    if body:
        body = _outlined(body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    headers = tuple((name, _outlined(value)) for name, value in request.headers)
    return request.model_copy(update={"url": _outlined(request.url), "headers": headers, "body": body or request.body})


def count_replacements(request: InteractionRequest, *, with_headers: bool) -> int:
    """Count the replacements in the URL and the body of a request, and in its headers if wanted."""
    count = _count(request.url)
    body = _plain_body(request)
    if body:
        count += _count(body.decode("utf-8", "surrogateescape"))
    if with_headers:
        count += sum(_count(value) for _, value in request.headers)
    return count


def may_hold_replacement(request: InteractionRequest) -> bool:
    """Tell quickly whether the URL or the body of a request may hold a replacement; seldom true without one."""
    if holds_replacement(request.url) or _plain_body(request):
        return True
    if not request.body:
        return False
    return _GZIP_MAGIC in request.body or bool(_WIDE_CHARSET.search(request.header("Content-Type") or ""))


def has_replacement_in_path(request: InteractionRequest) -> bool:
    """Tell whether the path of a request's URL holds a replacement."""
    found = _PATH.match(request.url)
    return bool(found) and holds_replacement(found[1] if found else "")


def _plain_body(request: InteractionRequest) -> bytes:
    """Return a body that may hold a replacement, without its codings; empty when it holds none."""
    if not request.body:
        return b""
    coding = request.header("Content-Encoding")
    body = decoded(request.body, coding) if coding else request.body
    return body if body and any(hint in body for hint in HINTS_BYTES) else b""


def _outlined(text: str) -> str:
    if not holds_replacement(text):
        return text
    if not any(hint in text for hint in HINTS[1:]):
        return WORD.sub(_ANY, text)  # the usual case, at a tenth of the cost
    return MARK.sub(_ANY, _RUN.sub(_outlined_run, MARK.sub(_ANY, text)))


def _count(text: str) -> int:
    return _outlined(text).count(_ANY) if holds_replacement(text) else 0


def _outlined_run(found: re.Match[str]) -> str:
    """Write out base64 that holds a replacement."""
    if not holds_replacement(found[0]) or MARK.search(found[0]):
        return found[0]
    data = decoded_run(found[0])
    plain = text_of(data) if data else ""
    return MARK.sub(_ANY, plain) if MARK.search(plain) else found[0]
