"""Which recording a document is: the formats that are read, and the lookalikes that are named in an error."""

from __future__ import annotations

from typing import Any

FORMATS = ("vcrpy", "betamax", "har", "responses", "cassetter")


class LookalikeError(ValueError):
    """The document is a recording of a kind that is known and not read."""


def format_of(document: Any) -> str | None:
    """Return the name of the format that a document's shape shows, or None when it is no recording.

    Raises:
        LookalikeError: It is a recording of a kind that is not read; the text names it.
    """
    if isinstance(document, list):
        return _format_of_list(document)
    if not isinstance(document, dict):
        return None
    if "http_interactions" in document:
        return "betamax"
    if "interactions" in document:
        return _format_of_interactions(document)
    if isinstance(document.get("log"), dict) or _looks_like_har(document):
        return "har"
    if "responses" in document and len(document) == 1:
        return "responses"
    _refuse_requests_cache(document)
    return None


def _format_of_list(document: list[Any]) -> str | None:
    first = document[0] if document else None
    return "vcrpy" if isinstance(first, dict) and {"request", "response"} & first.keys() else None


def _looks_like_har(document: dict[str, Any]) -> bool:
    """Tell whether this is a damaged archive: the content of `log` alone, or an archive in a wrapping."""
    if "log" in document or ({"creator", "entries"} <= document.keys()):
        return True
    return any(isinstance(value, dict) and isinstance(value.get("log"), dict) for value in document.values())


def _format_of_interactions(document: dict[str, Any]) -> str:
    interactions = document["interactions"]
    if "format" in document and "version" not in document:
        raise LookalikeError("this is a cassette of cassettes_lib already")
    if "grpc_interactions" in document or "ws_interactions" in document:
        return "cassetter"
    for entry in interactions if isinstance(interactions, list) else []:
        if isinstance(entry, dict):
            found = _format_of_entry(entry)
            if found:
                return found
    return "vcrpy"


def _format_of_entry(entry: dict[str, Any]) -> str | None:
    request = entry.get("request")
    response = entry.get("response")
    if {"request_stream", "response_stream"} & entry.keys():
        raise LookalikeError("this is a gRPC cassette (request_stream, response_stream), which is not read")
    if "direction" in entry and "request" not in entry:
        raise LookalikeError("this is a websocket cassette (messages with a direction), which is not read")
    if isinstance(response, dict):
        if "code" in response and isinstance(request, dict) and "url" in request:
            raise LookalikeError("this is a cassette of go-vcr, which is not read")
        if "recorded" in entry and isinstance(response.get("status"), int):
            raise LookalikeError("this is a tape of OkReplay or Betamax-JVM, which is not read")
    for message in (request, response):
        body = message.get("body") if isinstance(message, dict) else None
        if isinstance(body, dict) and body.get("type") in ("none", "text", "json", "binary") and len(body) <= 2:
            return "cassetter"
    return None


def _refuse_requests_cache(document: dict[str, Any]) -> None:
    signs = {"_content", "_decoded_content", "cache_key"}
    if {"status_code", "url"} <= document.keys() and signs & document.keys():
        raise LookalikeError("this is a response cached by requests-cache, which is not read")
