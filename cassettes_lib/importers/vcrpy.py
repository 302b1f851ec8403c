"""The importer for vcrpy: YAML and JSON of format 1, the list of before 1.0, and the dialects met in the wild."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from cassettes_lib.importers import parts
from cassettes_lib.importers.reading import Reading
from cassettes_lib.models import Interaction, InteractionRequest, InteractionResponse


def read_vcrpy(document: Any, reading: Reading) -> list[Interaction]:
    """Return the interactions of a vcrpy cassette, in the order of the file.

    Args:
        document: The file's plain data: an object with `interactions`, or the list of vcrpy before 1.0.
        reading: Takes warnings and makes errors.

    Raises:
        CassetteImportError: The cassette is malformed.
    """
    if isinstance(document, dict):
        if "interactions" not in document:
            raise reading.error("there is no list of interactions")
        entries = document["interactions"]
        version = document.get("version", 1)
        if version != 1:
            reading.warn(f"the version is {version!r:.20} where vcrpy writes 1; read as version 1")
    else:
        entries = document
    if not isinstance(entries, list):
        raise reading.error(f"interactions is {parts.kind(entries)}, where a list belongs")
    return reading.each(entries, lambda entry: _interaction(entry, reading))


def _interaction(entry: Any, reading: Reading) -> Interaction:
    entry = parts.mapping(entry, "interaction")
    if "request" not in entry and "include_file" in entry:
        raise ValueError("it stands in another file (include_file), which only the project's own persister can read")
    return Interaction(
        recorded_at=parts.time_of(entry.get("recorded_at"), reading.warn),
        request=_request(parts.mapping(parts.member(entry, "request", "interaction"), "request"), reading),
        response=_response(parts.mapping(parts.member(entry, "response", "interaction"), "response"), reading),
    )


def _request(request: dict[str, Any], reading: Reading) -> InteractionRequest:
    headers = parts.headers(request.get("headers"), "request", reading.warn)
    return InteractionRequest(
        method=parts.text(parts.member(request, "method", "request"), "method").upper(),
        url=_url(request),
        headers=headers,
        body=_request_body(request, reading),
    )


def _url(request: dict[str, Any]) -> str:
    if "uri" in request:
        return parts.text(request["uri"], "uri of the request")
    if "host" not in request:
        raise ValueError("the request has no uri")
    # Before 1.0 the URL was in pieces; the first versions had no protocol and called the path `url`.
    host = parts.text(request["host"], "host of the request")
    path = parts.text(request.get("path") or request.get("url") or "/", "path of the request")
    if urlsplit(path).scheme in ("http", "https"):
        return path
    port = request.get("port")
    if port is not None and (isinstance(port, bool) or not isinstance(port, int)):
        raise ValueError(f"the port of the request is {port!r:.20}, where a number belongs")
    scheme = parts.text(request.get("protocol") or ("https" if port == 443 else "http"), "protocol of the request")
    default = {"http": 80, "https": 443}.get(scheme)
    return f"{scheme}://{host}{'' if port in (None, default) else f':{port}'}{path}"


def _request_body(request: dict[str, Any], reading: Reading) -> bytes:
    body = request.get("body")
    if body is None and request.get("parsed_body") is not None:
        return _printed(request["parsed_body"], "request", reading)
    if isinstance(body, dict):
        if set(body) <= {"string", "base64_string", "encoding"} and body:
            return _stored(body, "request")
        return _printed(body, "request", reading)
    return _bytes(body, "body of the request")


def _response(response: dict[str, Any], reading: Reading) -> InteractionResponse:
    if "status" not in response and "status_code" not in response:
        raise ValueError("the response has no status")
    given = response.get("status", response.get("status_code"))
    reason = None
    if isinstance(given, dict):
        reason = given.get("message")
        if "message" in given and reason is None:
            reason = ""
        given = parts.member(given, "code", "status of the response")
    elif "status" in response and not isinstance(response.get("body"), dict) and "code" in response:
        raise ValueError("the status is text beside a code: this looks like a cassette of go-vcr, which is not read")
    status = parts.status_code(given)
    return parts.response(
        status=status,
        reason=parts.reason_phrase(status, reason),
        headers=parts.headers(response.get("headers"), "response", reading.warn),
        stored=_response_body(response, reading),
        version=parts.http_version(response.get("http_version")),
    )


def _response_body(response: dict[str, Any], reading: Reading) -> bytes:
    body = response.get("body")
    if body is None and response.get("parsed_body") is not None:
        return _printed(response["parsed_body"], "response", reading)
    if body is None and "content" in response:  # httpx as vcrpy 4 and 5 recorded it
        body = response["content"]
    return _stored(body, "response") if isinstance(body, dict) else _bytes(body, "body of the response")


def _stored(body: dict[str, Any], what: str) -> bytes:
    if isinstance(body.get("base64_string"), str):
        return parts.decoded_base64(body["base64_string"], f"base64_string of the {what}")
    return _bytes(body.get("string"), f"body of the {what}")


def _bytes(value: Any, what: str) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return parts.encoded(value, what)
    if isinstance(value, (int, float)):  # an unquoted number or word in a file edited by hand
        return parts.header_text(value).encode()
    raise ValueError(f"the {what} is {parts.kind(value)}, where text or bytes belong")


def _printed(value: Any, what: str, reading: Reading) -> bytes:
    """Return the JSON of a body that a serializer of the project's own has stored as a value."""
    reading.warn(f"the body of the {what} is stored as a value; its bytes are those of Python's json.dumps")
    try:
        return json.dumps(value).encode()
    except TypeError as error:
        raise ValueError(f"the body of the {what} is a value that JSON cannot hold: {error}") from error
