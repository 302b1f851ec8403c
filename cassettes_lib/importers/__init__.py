"""The importers: recordings of other tools become cassettes.

vcrpy (YAML and JSON, of every age), betamax (JSON, also as YAML), HAR 1.1 and 1.2, the YAML of `responses`' recorder
and cassetter's YAML. What a file is, its content says; its name does not matter. No code in a file is ever run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cassettes_lib.importers.betamax import read_betamax
from cassettes_lib.importers.cassetter import read_cassetter
from cassettes_lib.importers.documents import DocumentError, document_of, probable_format, text_of
from cassettes_lib.importers.formats import FORMATS, LookalikeError, format_of
from cassettes_lib.importers.har import read_har
from cassettes_lib.importers.reading import NotARecordingError, ReadAttachment, Reading
from cassettes_lib.importers.responses import read_responses
from cassettes_lib.importers.vcrpy import read_vcrpy
from cassettes_lib.models import Cassette, Interaction, Interactions

__all__ = [
    "FORMATS", "ImportResult", "LookalikeError", "NotARecordingError",
    "detect_format", "import_cassette", "import_recording", "looks_like_a_recording",
]

_READERS: dict[str, Callable[[Any, Reading], list[Interaction]]] = {
    "vcrpy": read_vcrpy,
    "betamax": read_betamax,
    "har": read_har,
    "responses": read_responses,
    "cassetter": read_cassetter,
}


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import gives.

    Attributes:
        cassette: The cassette.
        source_format: The name of the format that was read, one of `FORMATS`.
        skipped: How many entries were left out because they hold no HTTP exchange.
        warnings: What was odd, as sentences; among them one for each entry skipped.
    """

    cassette: Cassette
    source_format: str
    skipped: int = 0
    warnings: tuple[str, ...] = ()


def import_cassette(content: str | bytes, *, source_format: str | None = None, path: str = "") -> Cassette:
    """Return the cassette that another tool's recording stands for.

    Args:
        content: The whole file. Bytes are UTF-8, or UTF-16 with a byte order mark.
        source_format: One of `FORMATS`; None to see by the content.
        path: The name of the file, for errors.

    Raises:
        CassetteImportError: The recording is malformed, or of no format that is read; with the path, the format and the
            number of the interaction.
    """
    return import_recording(content, source_format=source_format, path=path).cassette


def import_recording(
    content: str | bytes,
    *,
    source_format: str | None = None,
    path: str = "",
    read_attachment: ReadAttachment | None = None,
) -> ImportResult:
    """Return the cassette, and with it what the import noticed.

    Args:
        content: The whole file. Bytes are UTF-8, or UTF-16 with a byte order mark.
        source_format: One of `FORMATS`; None to see by the content.
        path: The name of the file, for errors.
        read_attachment: Returns the bytes of a file that the recording names (Playwright keeps bodies beside the HAR).
            Without it such a recording is an error.

    Raises:
        CassetteImportError: As for `import_cassette`.
        ValueError: `source_format` is no known name.
    """
    if source_format is not None and source_format not in _READERS:
        raise ValueError(f"unknown format {source_format!r}; known are {', '.join(FORMATS)}")
    document, reading = _opened(content, source_format, path)
    reading.read_attachment = read_attachment
    interactions = _READERS[reading.source_format](document, reading)
    return ImportResult(
        cassette=Cassette(interactions=Interactions(interactions)),
        source_format=reading.source_format,
        skipped=reading.skipped,
        warnings=tuple(reading.warnings),
    )


def detect_format(content: str | bytes, *, path: str = "") -> str:
    """Return the name of the format of a recording, one of `FORMATS`, by its content.

    Raises:
        CassetteImportError: It is none of them, or too damaged to tell.
    """
    return _opened(content, None, path)[1].source_format


def _opened(content: str | bytes, source_format: str | None, path: str) -> tuple[Any, Reading]:
    """Return the plain data of a file and the reading for its format."""
    reading = Reading(path=path, source_format=source_format or "unknown")
    text = ""
    try:
        text = text_of(content)
        document = document_of(text, reading.warn)
        reading.source_format = source_format or format_of(document) or "unknown"
    except DocumentError as error:
        reading.source_format = source_format or probable_format(text or _readable(content)) or "unknown"
        raise reading.error(str(error)) from error
    except LookalikeError as error:
        raise reading.error(str(error)) from error
    except RecursionError as error:
        raise reading.error("nested too deeply") from error
    if reading.source_format == "unknown":
        raise NotARecordingError(
            f"{path or 'the content'} is no recording that is known: "
            f"its content has not the shape of {', '.join(FORMATS)}",
            path=path, source_format="unknown",
        )
    return document, reading


def looks_like_a_recording(content: str | bytes) -> bool:
    """Tell quickly, by its beginning, whether a file was meant to be a recording, though it may be damaged."""
    return probable_format(_readable(content)) is not None


def _readable(content: str | bytes) -> str:
    if isinstance(content, str):
        return content
    return content[:40_000].decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8", "replace")
