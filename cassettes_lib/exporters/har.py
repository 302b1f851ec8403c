"""The export to HAR 1.2, which opens in the network panel of a browser's developer tools.

Strategy: everything HAR has a place for goes there, in the form browsers write. What it has no place for (the class of
a failure, a body kept encoded, the boundaries of chunks) goes into one custom member of the entry, so that
importing the archive again gives the cassette back.
"""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cassettes_lib._version import __version__
from cassettes_lib.fileformat import interaction_to_entry
from cassettes_lib.header_pairs import Headers
from cassettes_lib.importers.har import OWN_CREATOR, OWN_MEMBER, REQUEST_MEMBERS, RESPONSE_MEMBERS
from cassettes_lib.importers.parts import http_version
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, InteractionResponse

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_har(cassette: Cassette) -> str:
    """Return the text of an HTTP archive with the interactions of a cassette; `import_cassette` reads it back."""
    log = {
        "version": "1.2",
        "creator": {"name": OWN_CREATOR, "version": __version__},
        "pages": [],
        "entries": [_entry(interaction) for interaction in cassette.interactions],
    }
    return json.dumps({"log": log}, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def _entry(interaction: Interaction) -> dict[str, Any]:
    response = interaction.response
    own = _own_members(interaction)
    return {
        "startedDateTime": _time(interaction.recorded_at or _EPOCH),
        "time": 0,
        "request": _request(interaction.request, response),
        "response": _response(response) if response else _no_response(interaction),
        "cache": {},
        "timings": {"send": 0, "wait": 0, "receive": 0},
        **({"_error": interaction.failure.error} if interaction.failure else {}),
        **({OWN_MEMBER: own} if own else {}),
    }


def _time(moment: datetime) -> str:
    """Return a time as browsers write it, with milliseconds, or with microseconds where there are some."""
    precision = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")


def _request(request: InteractionRequest, response: InteractionResponse | None) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.url,
        "httpVersion": _version(response.http_version if response else "1.1"),
        "headers": _headers(request.headers),
        "queryString": [{"name": name, "value": value} for name, value in _query(request.url)],
        "cookies": _request_cookies(request),
        "headersSize": -1,
        "bodySize": len(request.body),
        **({"postData": _post_data(request)} if request.body else {}),
    }


def _response(response: InteractionResponse) -> dict[str, Any]:
    return {
        "status": response.status,
        "statusText": response.reason,
        "httpVersion": _version(response.http_version),
        "headers": _headers(response.headers),
        "cookies": [_set_cookie(value) for name, value in response.headers if name.lower() == "set-cookie"],
        "content": _content(response),
        "redirectURL": response.header("Location") or "",
        "headersSize": -1,
        "bodySize": len(response.body) if response.wire_body or not response.header("Content-Encoding") else -1,
    }


def _no_response(interaction: Interaction) -> dict[str, Any]:
    """Return the response of status 0 that browsers write for a request that failed."""
    message = interaction.failure.message if interaction.failure else ""
    return {
        "status": 0, "statusText": "", "httpVersion": "", "headers": [], "cookies": [],
        "content": {"size": 0, "mimeType": "x-unknown"}, "redirectURL": "", "headersSize": -1, "bodySize": -1,
        "_error": message,
    }


def _own_members(interaction: Interaction) -> dict[str, Any]:
    """Return the members, as our files have them, for which HAR has no place."""
    entry = interaction_to_entry(interaction)
    own = {name: value for name, value in entry.items() if name not in ("recorded_at", "request", "response")}
    if interaction.recorded_at is None:
        own["recorded_at"] = None
    for name, in_har in (("request", REQUEST_MEMBERS), ("response", RESPONSE_MEMBERS)):
        rest = {member: value for member, value in entry.get(name, {}).items() if member not in in_har}
        if rest:
            own[name] = rest
    version = interaction.response.http_version if interaction.response else "1.1"
    if http_version(_version(version)) != version:
        own["http_version"] = version
    return own


def _version(version: str) -> str:
    return f"HTTP/{ {'2': '2.0', '3': '3.0'}.get(version, version) }"


def _headers(headers: Headers) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _query(url: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(url).query, keep_blank_values=True)
    except ValueError:
        return []


def _post_data(request: InteractionRequest) -> dict[str, Any]:
    return {"mimeType": request.header("Content-Type") or "", **_text(request.body, "_encoding")}


def _content(response: InteractionResponse) -> dict[str, Any]:
    content: dict[str, Any] = {"size": len(response.body), "mimeType": response.header("Content-Type") or ""}
    return content | _text(response.body, "encoding") if response.body else content


def _text(body: bytes, encoding_member: str) -> dict[str, str]:
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": base64.b64encode(body).decode("ascii"), encoding_member: "base64"}


def _request_cookies(request: InteractionRequest) -> list[dict[str, str]]:
    pairs = (pair.partition("=") for pair in (request.header("Cookie") or "").split(";"))
    return [{"name": name.strip(), "value": value.strip()} for name, equals, value in pairs if equals]


def _set_cookie(header: str) -> dict[str, Any]:
    first, *attributes = header.split(";")
    name, _, value = first.partition("=")
    cookie: dict[str, Any] = {"name": name.strip(), "value": value.strip()}
    for attribute in attributes:
        key, _, given = attribute.strip().partition("=")
        match key.lower():
            case "path" | "domain" as member:
                cookie[member] = given
            case "httponly":
                cookie["httpOnly"] = True
            case "secure":
                cookie["secure"] = True
            case "expires":
                cookie |= _expiry(given)
    return cookie


def _expiry(given: str) -> dict[str, str]:
    try:
        return {"expires": _time(parsedate_to_datetime(given))}
    except (ValueError, OverflowError):
        return {}
