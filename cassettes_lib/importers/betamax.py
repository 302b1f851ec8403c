"""The importer for betamax: its JSON, the same structure in YAML, and Ruby VCR's files, from which it descends."""

from __future__ import annotations

from typing import Any

from cassettes_lib.importers import parts
from cassettes_lib.importers.reading import Reading
from cassettes_lib.models import Interaction, InteractionRequest, InteractionResponse


def read_betamax(document: Any, reading: Reading) -> list[Interaction]:
    """Return the interactions of a betamax cassette, in the order of the file.

    Args:
        document: The file's plain data: an object with `http_interactions`.
        reading: Takes warnings and makes errors.

    Raises:
        CassetteImportError: The cassette is malformed.
    """
    if not isinstance(document, dict) or "http_interactions" not in document:
        raise reading.error("there is no list of http_interactions")
    entries = document["http_interactions"]
    if not isinstance(entries, list):
        raise reading.error(f"http_interactions is {parts.kind(entries)}, where a list belongs")
    return reading.each(entries, lambda entry: _interaction(entry, reading))


def _interaction(entry: Any, reading: Reading) -> Interaction:
    entry = parts.mapping(entry, "interaction")
    return Interaction(
        recorded_at=parts.time_of(entry.get("recorded_at"), reading.warn),
        request=_request(parts.mapping(parts.member(entry, "request", "interaction"), "request"), reading),
        response=_response(parts.mapping(parts.member(entry, "response", "interaction"), "response"), reading),
    )


def _request(request: dict[str, Any], reading: Reading) -> InteractionRequest:
    return InteractionRequest(
        method=parts.text(parts.member(request, "method", "request"), "method").upper(),
        url=parts.text(parts.member(request, "uri", "request"), "uri of the request"),
        headers=parts.headers(request.get("headers"), "request", reading.warn),
        body=_body(request.get("body"), "request"),
    )


def _response(response: dict[str, Any], reading: Reading) -> InteractionResponse:
    # betamax 0.1 has status_code and no reason.
    if "status" not in response and "status_code" not in response:
        raise ValueError("the response has neither status nor status_code")
    given = response.get("status", response.get("status_code"))
    reason = None
    if isinstance(given, dict):
        reason = given.get("message", given.get("reason"))
        if reason is None and ("message" in given or "reason" in given):
            reason = ""
        given = parts.member(given, "code", "status of the response")
    status = parts.status_code(given)
    return parts.response(
        status=status,
        reason=parts.reason_phrase(status, reason),
        headers=parts.headers(response.get("headers"), "response", reading.warn),
        stored=_body(response.get("body"), "response"),
        version=parts.http_version(response.get("http_version")),
    )


def _body(body: Any, what: str) -> bytes:
    """Return the bytes of a body: text alone (0.1), or an object in which base64 wins over text."""
    if body is None:
        return b""
    if isinstance(body, str):
        return parts.encoded(body, f"body of the {what}")
    if isinstance(body, bytes):
        return body
    body = parts.mapping(body, f"body of the {what}")
    if body.get("base64_string"):
        stored = body["base64_string"]
        if isinstance(stored, bytes):
            return stored
        return parts.decoded_base64(_text(stored, what), f"base64_string of the {what}")
    string = body.get("string")
    if isinstance(string, bytes):
        return string
    encoding = body.get("encoding")
    if encoding is not None and not isinstance(encoding, str):
        raise ValueError(f"the encoding of the {what} is {parts.kind(encoding)}, where text or null belongs")
    return parts.encoded(_text(string, what), f"body of the {what}", encoding or "utf-8")


def _text(value: Any, what: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError(f"the body of the {what} is {parts.kind(value)}, where text belongs")
    return value
