"""The importer for HAR 1.1 and 1.2: browsers, proxies, Polly.js, Playwright, and our own export."""

from __future__ import annotations

import json
import re
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urlsplit

from cassettes_lib.header_pairs import Headers
from cassettes_lib.importers import parts
from cassettes_lib.importers.contents import undo_content_encoding
from cassettes_lib.importers.reading import Reading
from cassettes_lib.models import Interaction, InteractionRequest, InteractionResponse

# The custom member (HAR 1.2 allows names with an underscore) in which our export keeps what HAR has no place for.
OWN_MEMBER = "_cassettes"
OWN_CREATOR = "cassettes_lib"
# What HAR has a place for.
REQUEST_MEMBERS = frozenset(("method", "url", "headers", "body"))
RESPONSE_MEMBERS = frozenset(("status", "reason", "headers", "body", "http_version"))

# A reference that could be resolved against a page, RFC 3986 section 4.2.
_RELATIVE = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?#\[\]-]*")
_NEW_LINE = re.compile(r"\r?\n(?![ \t])")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})*")
_QUOTED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


def read_har(document: Any, reading: Reading) -> list[Interaction]:
    """Return the interactions of an HTTP archive; entries that hold no exchange are skipped and counted.

    Args:
        document: The file's plain data: an object with `log`.
        reading: Takes warnings and makes errors, and reads attachments (Playwright's `content._file`).

    Raises:
        CassetteImportError: The archive is malformed.
    """
    log = document.get("log") if isinstance(document, dict) else None
    if not isinstance(log, dict):
        raise reading.error(_no_log(document))
    if not isinstance(log.get("entries"), list):
        raise reading.error(f"log.entries is {parts.kind(log.get('entries'))}, where a list belongs")
    creator = log.get("creator")
    by = creator.get("name") if isinstance(creator, dict) else None
    found = reading.each(log["entries"], lambda entry: _interaction(entry, by, reading))
    return [interaction for interaction in found if interaction is not None]


def _no_log(document: Any) -> str:
    if isinstance(document, dict):
        for name, value in document.items():
            if isinstance(value, dict) and isinstance(value.get("log"), dict):
                return f"the archive is wrapped in a member {name!r:.40}; take its value out into a file of its own"
    return "there is no object named log at the top"


def _interaction(entry: Any, by: Any, reading: Reading) -> Interaction | None:
    entry = parts.mapping(entry, "entry")
    request = parts.mapping(parts.member(entry, "request", "entry"), "request")
    url = parts.member(request, "url", "request")
    own = _own(entry)
    if "failure" in own:
        return Interaction.model_validate({
            **_more(own), "recorded_at": _time(entry, own, reading), "request": _request(request, own, reading),
        })
    # Our own archives hold what a cassette holds, however odd its URLs (placeholders, for one).
    why = "" if by == OWN_CREATOR and entry.get("response") else _no_exchange(entry, url)
    if why:
        reading.skip(why)
        return None
    return Interaction.model_validate({
        **_more(own),
        "recorded_at": _time(entry, own, reading),
        "request": _request(request, own, reading),
        "response": _response(parts.mapping(entry["response"], "response"), own, by == "Polly.JS", reading),
    })


def _own(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the member that our export has added, without what could stand in for HAR's own."""
    own = entry.get(OWN_MEMBER)
    if not isinstance(own, dict):
        return {}
    cleaned = dict(own)
    for name, in_har in (("request", REQUEST_MEMBERS), ("response", RESPONSE_MEMBERS)):
        rest = own.get(name)
        rest = rest if isinstance(rest, dict) else {}
        cleaned[name] = {member: value for member, value in rest.items() if member not in in_har}
    return cleaned


def _more(own: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in own.items() if name not in ("request", "response", "http_version")}


def _no_exchange(entry: dict[str, Any], url: Any) -> str:
    """Return why an entry holds no HTTP exchange, or ""."""
    if not isinstance(url, str):
        raise ValueError(f"the url of the request is {parts.kind(url)}, where text belongs")
    response = entry.get("response")
    if not response:
        return "there is no response"
    status = parts.status_code(parts.member(parts.mapping(response, "response"), "status", "response"))
    if entry.get("_resourceType") == "websocket" or status == 101:
        return "a websocket is no HTTP exchange"
    if status < 200:
        return f"the status is {status}: there was no answer"
    if not url:
        return "the url is empty"
    try:
        address = urlsplit(url)
    except ValueError as error:
        raise ValueError(f"the url {url!r:.80} is malformed: {error}") from error
    if address.scheme in ("http", "https") and address.netloc:
        return ""
    if address.scheme and re.match(r"[a-z][a-z0-9+.-]*:\S", url, re.IGNORECASE):
        return f"{url!r:.80} is not of the schemes http and https"
    if _RELATIVE.fullmatch(url):
        return f"the url {url!r:.80} is relative"
    raise ValueError(f"{url!r:.80} is no url")


def _time(entry: dict[str, Any], own: dict[str, Any], reading: Reading) -> datetime | None:
    if "recorded_at" in own:
        return parts.time_of(own["recorded_at"], reading.warn)
    return parts.time_of(entry.get("startedDateTime"), reading.warn)


def _request(request: dict[str, Any], own: dict[str, Any], reading: Reading) -> InteractionRequest:
    headers = _headers(request.get("headers"), "request")
    return InteractionRequest(
        method=parts.text(parts.member(request, "method", "request"), "method").upper(),
        url=parts.text(request["url"], "url of the request"),
        headers=headers,
        body=_request_body(request.get("postData"), headers, reading),
        **own.get("request", {}),
    )


def _headers(value: Any, what: str) -> Headers:
    """Return the headers of a message, without the pseudo headers that HTTP/2 and 3 put first."""
    pairs: list[tuple[str, str]] = []
    for each in parts.items(value or [], f"headers of the {what}"):
        header = parts.mapping(each, f"header of the {what}")
        name = parts.header_text(parts.member(header, "name", f"header of the {what}"))
        if name.startswith(":"):
            continue
        given = parts.member(header, "value", f"header {name!r:.40} of the {what}")
        for one in given if isinstance(given, list) else [given]:
            # Firefox and Firebug join the values of repeated headers by line breaks.
            pairs.extend((name, line) for line in _NEW_LINE.split(parts.header_text(one)))
    return tuple(pairs)


def _request_body(post: Any, headers: Headers, reading: Reading) -> bytes:
    if post is None:
        return b""
    post = parts.mapping(post, "postData")
    text = post.get("text")
    if text:
        if not isinstance(text, str):
            raise ValueError(f"postData.text is {parts.kind(text)}, where text belongs")
        if "base64" in (post.get("encoding"), post.get("_encoding")):
            return parts.decoded_base64(text, "postData.text")
        return parts.encoded(text, "postData.text")
    params = post.get("params")
    if not params:
        return b""
    params = [parts.mapping(each, "postData.params") for each in parts.items(params, "postData.params")]
    reading.warn("postData has params and no text: the body is put together from them")
    declared = next((value for name, value in headers if name.lower() == "content-type"), str(post.get("mimeType")))
    boundary = re.search(r"multipart/.*boundary=\"?([^\";]+)", declared, re.IGNORECASE)
    return _multipart(params, boundary[1]) if boundary else _form(params)


def _form(params: list[dict[str, Any]]) -> bytes:
    pairs = [(str(each.get("name", "")), str(each.get("value") or "")) for each in params]
    return parts.encoded(urlencode([(name, parts.encoded(value, "value of postData.params")) for name, value in pairs]),
                         "postData.params")


def _multipart(params: list[dict[str, Any]], boundary: str) -> bytes:
    body = ""
    for each in params:
        name = str(each.get("name", "")).translate(_QUOTED)
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'
        if each.get("fileName"):
            body += f'; filename="{str(each["fileName"]).translate(_QUOTED)}"'
        if each.get("contentType"):
            body += f"\r\nContent-Type: {each['contentType']}"
        body += f"\r\n\r\n{each.get('value') or ''}\r\n"
    return parts.encoded(f"{body}--{boundary}--\r\n", "postData.params")


def _response(response: dict[str, Any], own: dict[str, Any], from_polly: bool, reading: Reading) -> InteractionResponse:
    status = parts.status_code(parts.member(response, "status", "response"))
    headers = _headers(response.get("headers"), "response")
    body, encoded = _content(response.get("content"), from_polly, reading)
    more = own.get("response", {})
    if encoded:
        codings = ", ".join(value for name, value in headers if name.lower() == "content-encoding")
        body, more["wire_body"] = undo_content_encoding(body, codings)
    version = own.get("http_version") or parts.http_version(response.get("httpVersion"))
    return InteractionResponse(
        status=status, reason=parts.reason_phrase(status, response.get("statusText")), headers=headers, body=body,
        http_version=version, **more,
    )


def _content(content: Any, from_polly: bool, reading: Reading) -> tuple[bytes, bool]:
    """Return the bytes of `content`, and whether they are as on the wire, which only Polly.js's chunks are."""
    if content is None:
        return b"", False
    content = parts.mapping(content, "content")
    text = content.get("text")
    if text is None and content.get("_file"):
        return _attachment(content["_file"], reading), False
    if text is None or text == "":
        return b"", False
    encoding = content.get("encoding") or ""
    if isinstance(text, list) or (isinstance(text, str) and (from_polly or content.get("_isBinary") is True)):
        chunks = _chunks(text, encoding)
        if chunks is not None:
            return chunks, True
    if not isinstance(text, str):
        raise ValueError(f"content.text is {parts.kind(text)}, where text belongs")
    if encoding == "base64":
        return parts.decoded_base64(text, "content.text"), False
    if str(encoding).lower() not in ("", "utf-8", "utf8"):
        raise ValueError(f"the encoding of content is {encoding!r:.40}, where only base64 is defined")
    return parts.encoded(text, "content.text"), False


def _chunks(text: Any, encoding: Any) -> bytes | None:
    """Return the bytes of Polly.js's chunks, an array of hexadecimal or base64 pieces in the text, or None."""
    chunks = text
    if isinstance(text, str):
        if not text.startswith("["):
            return None
        try:
            chunks = json.loads(text)
        except ValueError:
            return None
    if not isinstance(chunks, list) or not chunks or not all(isinstance(chunk, str) for chunk in chunks):
        return None
    if encoding == "base64":
        return b"".join(parts.decoded_base64(chunk, "chunk of content.text") for chunk in chunks)
    if not all(_HEX.fullmatch(chunk) for chunk in chunks):
        return None
    return b"".join(bytes.fromhex(chunk) for chunk in chunks)


def _attachment(name: Any, reading: Reading) -> bytes:
    if reading.read_attachment is None or not isinstance(name, str):
        raise ValueError(f"the body is in another file, {name!r:.80}, beside the archive, which is not at hand")
    try:
        return reading.read_attachment(name)
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(f"the body is in another file, {name!r:.80}, which cannot be read: {reason}") from error
