"""The importer for the YAML of `responses`' recorder, which holds responses only and text only."""

from __future__ import annotations

from typing import Any

from cassettes_lib.header_pairs import Headers
from cassettes_lib.importers import parts
from cassettes_lib.importers.reading import Reading
from cassettes_lib.models import Interaction, InteractionRequest


def read_responses(document: Any, reading: Reading) -> list[Interaction]:
    """Return the interactions of a recording made by `responses`, in the order of the file.

    The requests have method and URL only: the format has no more.

    Args:
        document: The file's plain data: an object with `responses`.
        reading: Takes warnings and makes errors.

    Raises:
        CassetteImportError: The recording is malformed.
    """
    if not isinstance(document, dict) or "responses" not in document:
        raise reading.error("there is no list of responses")
    entries = document["responses"]
    if not isinstance(entries, list):
        raise reading.error(f"responses is {parts.kind(entries)}, where a list belongs")
    interactions = reading.each(entries, lambda entry: _interaction(entry, reading))
    if interactions:
        reading.warn(
            "responses records no request bodies and headers: replay with match_on=('method', 'url') "
            "if the requests have bodies"
        )
    return interactions


def _interaction(entry: Any, reading: Reading) -> Interaction:
    entry = parts.mapping(entry, "item")
    response = parts.mapping(parts.member(entry, "response", "item"), "response")
    url = parts.text(parts.member(response, "url", "response"), "url of the response")
    status = parts.status_code(parts.member(response, "status", "response"))
    return Interaction(
        request=InteractionRequest(
            method=parts.text(parts.member(response, "method", "response"), "method").upper(), url=url
        ),
        response=parts.response(
            status=status,
            reason=parts.reason_phrase(status, None),
            headers=_headers(response, reading),
            stored=_body(response.get("body"), reading),
        ),
    )


def _headers(response: dict[str, Any], reading: Reading) -> Headers:
    headers = parts.headers(response.get("headers"), "response", reading.warn)
    content_type = response.get("content_type")
    names = {name.lower() for name, _ in headers}
    if any(name.lower() == "set-cookie" and "=" in value.partition(", ")[2] for name, value in headers):
        reading.warn("several Set-Cookie values are joined in one: as with responses, only the first cookie is set")
    if content_type is None or "content-type" in names:
        return headers
    return (*headers, ("Content-Type", parts.header_text(content_type)))


def _body(body: Any, reading: Reading) -> bytes:
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if not isinstance(body, str):
        raise ValueError(f"the body is {parts.kind(body)}, where text belongs")
    if "\ufffd" in body:
        reading.warn("the body is damaged: responses recorded binary data as text, and bytes were lost (U+FFFD)")
    return parts.encoded(body, "body")
