"""The reading of one foreign recording: what every importer is given, and what it leaves behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError

from cassettes_lib.errors import CassetteImportError

T = TypeVar("T")

ReadAttachment = Callable[[str], bytes]


class NotARecordingError(CassetteImportError):
    """The content is none of the recordings that are known, whole or damaged: somebody else's file."""


class Reading:
    """One recording while it is read.

    Attributes:
        path: Its name, for errors, or "".
        source_format: The name of its format.
        warnings: What was odd but readable, as sentences.
        skipped: How many entries were left out because they hold no exchange.
        read_attachment: Reads a file that the recording refers to by name, or None.
    """

    def __init__(self, *, path: str, source_format: str, read_attachment: ReadAttachment | None = None) -> None:
        self.path = path
        self.source_format = source_format
        self.warnings: list[str] = []
        self.skipped = 0
        self.read_attachment = read_attachment
        self._number: int | None = None

    def warn(self, message: str) -> None:
        """Note something odd, with the number of the interaction that is being read."""
        self.warnings.append(f"interaction {self._number}: {message}" if self._number else message)

    def skip(self, why: str) -> None:
        """Note that the entry that is being read holds no exchange."""
        self.skipped += 1
        self.warn(f"skipped: {why}")

    def each(self, entries: Sequence[Any], read: Callable[[Any], T]) -> list[T]:
        """Read every entry, numbering them from 1 for warnings and errors.

        Raises:
            CassetteImportError: An entry is malformed; `interaction` is its number.
        """
        values: list[T] = []
        for self._number, entry in enumerate(entries, start=1):
            try:
                values.append(read(entry))
            except (ValueError, RecursionError) as error:
                raise self.error(sentence(error)) from error
        self._number = None
        return values

    def error(self, message: str) -> CassetteImportError:
        """Return the error for what is wrong with the entry that is being read, or with the whole."""
        where = f", interaction {self._number}" if self._number else ""
        read_as = "" if self.source_format == "unknown" else f" (read as {self.source_format})"
        return CassetteImportError(
            f"{self.path or 'the recording'}{where}: {message}{read_as}",
            path=self.path, source_format=self.source_format, interaction=self._number,
        )


def sentence(error: ValueError | RecursionError) -> str:
    """Return what went wrong as one short line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place}: {first['msg']}" if place else first["msg"].removeprefix("Value error, ")
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return str(error)
