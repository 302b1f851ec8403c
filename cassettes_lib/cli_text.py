"""Cassettes as text for people: bodies made readable, sizes, one line or one page for an interaction."""

from __future__ import annotations

import json
from collections.abc import Iterator

from cassettes_lib.header_pairs import Headers
from cassettes_lib.models import Interaction, InteractionRequest, InteractionResponse

_HEX_LINES = 16


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun: `1 file`, `2 files`."""
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"


def size(length: int) -> str:
    """Return a number of bytes as people read it: `512 B`, `1.2 kB`, `3.4 MB`."""
    if length < 1000:
        return f"{length} B"
    for unit in ("kB", "MB"):
        length_in_unit = length / (1000 if unit == "kB" else 1_000_000)
        if length_in_unit < 999.95:
            return f"{length_in_unit:.1f} {unit}"
    return f"{length / 1e9:.1f} GB"


def media_type(message: InteractionRequest | InteractionResponse) -> str:
    """Return the media type that a message declares, without parameters, or ""."""
    return (message.header("Content-Type") or "").partition(";")[0].strip().lower()


def outcome(interaction: Interaction) -> str:
    """Return the status, or the class of the failure."""
    if interaction.response is not None:
        return str(interaction.response.status)
    return interaction.failure.error.rpartition(".")[2] if interaction.failure else ""


def when(interaction: Interaction) -> str:
    """Return the time of the recording, to the second, or ""."""
    return f"{interaction.recorded_at:%Y-%m-%d %H:%M:%S}" if interaction.recorded_at else ""


def row(number: int, interaction: Interaction) -> tuple[str, ...]:
    """Return the cells of the table: number, method, URL, status, type, size, when."""
    response = interaction.response
    return (
        str(number),
        interaction.request.method,
        interaction.request.url,
        outcome(interaction),
        media_type(response) if response else "",
        size(len(response.body)) if response else "",
        when(interaction),
    )


def page(interaction: Interaction) -> Iterator[tuple[str, str]]:
    """Yield an interaction as parts of text, each with its language: `text`, `http`, `json`, `xml`, `html`."""
    request, response = interaction.request, interaction.response
    yield "http", "\n".join([f"{request.method} {request.url}", *_header_lines(request.headers)])
    yield from _body_part(request.body, media_type(request))
    if response is None:
        assert interaction.failure is not None
        yield "text", f"failed with {interaction.failure.error}: {interaction.failure.message}"
        return
    status = f"HTTP/{response.http_version} {response.status} {response.reason}".rstrip()
    yield "http", "\n".join([status, *_header_lines(response.headers)])
    if response.wire_body:
        yield "text", f"(still encoded: {response.header('Content-Encoding') or 'unknown'})"
        yield from _body_part(response.body, "application/octet-stream")
    else:
        yield from _body_part(response.body, media_type(response))
    if response.broken:
        yield "text", f"(the body broke off: {response.broken.error}: {response.broken.message})"


def _header_lines(headers: Headers) -> Iterator[str]:
    return (f"{name}: {value}" for name, value in headers)


def _body_part(body: bytes, declared: str) -> Iterator[tuple[str, str]]:
    if body:
        yield readable(body, declared)


def readable(body: bytes, declared: str) -> tuple[str, str]:
    """Return a body as text, with its language: JSON indented, other text as it is, binary as a hexadecimal view."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return "text", hexadecimal(body)
    if "json" in declared or text.lstrip()[:1] in ("{", "["):
        try:
            return "json", json.dumps(json.loads(text), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            pass
    if "html" in declared:
        return "html", text
    return ("xml" if "xml" in declared else "text"), text


def hexadecimal(body: bytes) -> str:
    """Return the first bytes of a body as a hexadecimal view, and its size."""
    lines = []
    for start in range(0, min(len(body), 16 * _HEX_LINES), 16):
        part = body[start : start + 16]
        characters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{start:08x}  {part.hex(' '):<47}  {characters}")
    if len(body) > 16 * _HEX_LINES:
        lines.append(f"... {size(len(body))} in all")
    return "\n".join(lines)
