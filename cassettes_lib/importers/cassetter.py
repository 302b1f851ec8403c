"""The importer for cassetter's YAML; its gRPC and websocket recordings are skipped and counted."""

from __future__ import annotations

import binascii
import json
from typing import Any

from cassettes_lib.importers import parts
from cassettes_lib.importers.reading import Reading
from cassettes_lib.models import Interaction, InteractionRequest


def read_cassetter(document: Any, reading: Reading) -> list[Interaction]:
    """Return the HTTP interactions of a cassetter recording, in the order of the file.

    Args:
        document: The file's plain data: an object with `interactions`, whose bodies have a `type`.
        reading: Takes warnings and makes errors.

    Raises:
        CassetteImportError: The recording is malformed.
    """
    if not isinstance(document, dict) or not isinstance(document.get("interactions"), list):
        raise reading.error("there is no list of interactions")
    interactions = reading.each(document["interactions"], lambda entry: _interaction(entry, reading))
    for name in ("grpc_interactions", "ws_interactions"):
        for _ in parts.items(document.get(name) or [], name):
            reading.skip(f"one of {name} is no HTTP exchange")
    return interactions


def _interaction(entry: Any, reading: Reading) -> Interaction:
    entry = parts.mapping(entry, "interaction")
    request = parts.mapping(parts.member(entry, "request", "interaction"), "request")
    response = parts.mapping(parts.member(entry, "response", "interaction"), "response")
    given = parts.member(response, "status", "response")
    status = parts.status_code(given.get("code") if isinstance(given, dict) else given)
    return Interaction(
        recorded_at=parts.time_of(entry.get("recorded_at"), reading.warn),
        request=InteractionRequest(
            method=parts.text(parts.member(request, "method", "request"), "method").upper(),
            url=parts.text(parts.member(request, "uri", "request"), "uri of the request"),
            headers=parts.headers(request.get("headers"), "request", reading.warn),
            body=_body(request.get("body"), "request"),
        ),
        response=parts.response(
            status=status,
            reason=parts.reason_phrase(status, None),
            headers=parts.headers(response.get("headers"), "response", reading.warn),
            stored=_body(response.get("body"), "response"),
        ),
    )


def _body(body: Any, what: str) -> bytes:
    if body is None:
        return b""
    body = parts.mapping(body, f"body of the {what}")
    content = body.get("content")
    match body.get("type"):
        case "none":
            return b""
        case "json":
            return json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        case "text" if isinstance(content, str):
            return parts.encoded(content, f"body of the {what}")
        case "binary" if isinstance(content, str):
            try:
                return binascii.unhexlify(content)
            except ValueError as error:
                raise ValueError(f"the binary body of the {what} is not hexadecimal: {error}") from error
    raise ValueError(f"the body of the {what} is of a type that is not known: {body.get('type')!r:.40}")
