"""`cassettes convert`: recordings of other tools, one or a whole tree of them, become cassettes, or HAR."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cassettes_lib.cli_files import files_below, write_text
from cassettes_lib.cli_output import Output
from cassettes_lib.cli_redaction import without_secrets
from cassettes_lib.cli_text import counted
from cassettes_lib.errors import CassetteError, CassetteImportError
from cassettes_lib.exporters import to_har
from cassettes_lib.fileformat import parse_cassette, print_cassette
from cassettes_lib.importers import (
    FORMATS,
    ImportResult,
    LookalikeError,
    NotARecordingError,
    import_recording,
    looks_like_a_recording,
)

# The suffixes recordings have; a name that ends otherwise is kept whole, and `.json` put behind it.
_SUFFIXES = {".json", ".yaml", ".yml", ".har"}
_FEW = 4  # more warnings than this of one file, or the same one of more files, are not printed one by one


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    Attributes:
        source: The file.
        kind: `converted`, `skipped` (it is no recording) or `failed`.
        reason: Why it was skipped or failed.
        dest: What was written, or None.
        result: What the import gave, or None.
    """

    source: Path
    kind: Literal["converted", "skipped", "failed"]
    reason: str = ""
    dest: Path | None = None
    result: ImportResult | None = None


def add_convert(commands: Any) -> None:
    """Add the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "convert",
        help="turn recordings of other tools into cassettes",
        description="Turn a recording of another tool, or a tree of them, into cassettes. What a file is, its content "
        "says. In a tree, names are kept and the suffix becomes .json; files that are no recordings are skipped and "
        "counted; one bad file does not stop the rest. Exit code: 0 when all were converted, 1 when some failed.",
    )
    parser.add_argument("source", metavar="SOURCE", type=Path, help="a recording, or a folder with recordings in it")
    parser.add_argument("dest", metavar="DEST", type=Path, help="the file, or the folder, to write to")
    parser.add_argument(
        "--from", dest="source_format", choices=FORMATS, help="read recordings of this tool only; else of all"
    )
    parser.add_argument("--to", choices=("cassettes", "har"), default="cassettes", help="what to write")
    parser.add_argument(
        "--redact", action=argparse.BooleanOptionalAction, default=True,
        help="remove secrets (the default); --no-redact keeps what the source has",
    )
    parser.add_argument("--force", action="store_true", help="overwrite what is there")
    parser.add_argument("--verbose", action="store_true", help="name each file that was converted or skipped")
    parser.set_defaults(run=run_convert)


def run_convert(arguments: argparse.Namespace, output: Output) -> int:
    """Convert, print a summary, and return the exit code."""
    outcomes = _Conversion(arguments).outcomes(output)
    _report(outcomes, arguments.verbose, output)
    return 1 if any(outcome.kind == "failed" for outcome in outcomes) else 0


def target_name(name: str, suffix: str) -> str:
    """Return the name a recording has after the conversion: `x.yaml` becomes `x.json`, `x` and `x.1` get it added."""
    path = Path(name)
    return path.stem + suffix if path.suffix.lower() in _SUFFIXES else name + suffix


class _Conversion:
    """The options of one call, and what is done to each file under them."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._source: Path = arguments.source
        self._dest: Path = arguments.dest
        self._format: str | None = arguments.source_format
        self._to_har: bool = arguments.to == "har"
        self._redact: bool = arguments.redact
        self._force: bool = arguments.force
        self._suffix = ".har" if self._to_har else ".json"

    def outcomes(self, output: Output) -> list[Outcome]:
        """Convert everything."""
        if not self._source.is_dir():
            dest = self._dest / target_name(self._source.name, self._suffix) if self._dest.is_dir() else self._dest
            return [self._converted(self._source, dest)]
        planned = list(self._planned())
        # What is no recording does not take a name away from one that is.
        meant = Counter(dest for path, dest in planned if path.suffix.lower() in _SUFFIXES or not path.suffix)
        return [
            self._outcome_in_tree(path, dest, meant[dest] > 1, planned)
            for path, dest in output.progress(planned, "Converting")
        ]

    def _planned(self) -> Iterable[tuple[Path, Path]]:
        """Yield each file of the tree, and where it goes should it be a recording."""
        inside = self._dest if self._dest != self._source and self._dest.is_relative_to(self._source) else None
        for path in files_below(self._source, without=inside):
            below = path.relative_to(self._source)
            yield path, self._dest / below.with_name(target_name(below.name, self._suffix))

    def _outcome_in_tree(self, path: Path, dest: Path, contested: bool, planned: list[tuple[Path, Path]]) -> Outcome:
        try:
            content = path.read_bytes()
            reason, result = self._examined(path, content)
            if reason:
                return Outcome(path, "skipped", reason)
            rival = self._rival(path, dest, planned) if contested else None
            if rival:
                both = f"{path} and {rival.name} would both become {dest.name}"
                return Outcome(path, "failed", f"{both}; convert them one by one")
        except OSError as error:
            return Outcome(path, "failed", f"{path} cannot be read: {error.strerror or error}")
        except CassetteError as error:
            return Outcome(path, "failed", str(error))
        return self._written(path, dest, result)

    def _examined(self, path: Path, content: bytes) -> tuple[str, ImportResult | None]:
        """Return why a file in a tree is passed over, or "" and what was read from it.

        Raises:
            CassetteError: It is a recording, and damaged.
        """
        if _is_own(content) and not (self._to_har and self._format is None):
            return "it is a cassette already", None
        usual_name = not path.suffix or path.suffix.lower() in _SUFFIXES
        if not content.strip() and not (path.suffix and usual_name):
            return "it is empty", None
        if not usual_name and not looks_like_a_recording(content):
            return "it is no recording", None
        try:
            result = self._read(path, content, None)
        except NotARecordingError:
            return "it is no recording", None
        except CassetteImportError as error:
            # Under an unusual name only what can be read wholly is a recording: a page about recordings is none.
            is_meant = isinstance(error.__cause__, LookalikeError) or looks_like_a_recording(content)
            if usual_name and (is_meant or not content.strip()) and self._format in (None, error.source_format):
                raise
            return "it is no recording", None
        if self._format not in (None, result.source_format):
            return f"it is a recording of {result.source_format}", None
        return "", result

    def _rival(self, path: Path, dest: Path, planned: list[tuple[Path, Path]]) -> Path | None:
        """Return another recording that would become the same file."""
        for other, its_dest in planned:
            if its_dest == dest and other != path:
                try:
                    if not self._examined(other, other.read_bytes())[0]:
                        return other
                except (CassetteError, OSError):
                    return other
        return None

    def _converted(self, path: Path, dest: Path) -> Outcome:
        """Convert a file that was named, whatever its name is."""
        try:
            result = self._read(path, path.read_bytes(), self._format)
        except OSError as error:
            return Outcome(path, "failed", f"{path} cannot be read: {error.strerror or error}")
        except CassetteError as error:
            return Outcome(path, "failed", str(error))
        return self._written(path, dest, result)

    def _written(self, path: Path, dest: Path, result: ImportResult | None) -> Outcome:
        assert result is not None
        try:
            cassette = without_secrets(result.cassette).cassette if self._redact else result.cassette
            write_text(dest, to_har(cassette) if self._to_har else print_cassette(cassette), force=self._force)
        except CassetteError as error:
            return Outcome(path, "failed", str(error))
        except (ValueError, RecursionError) as error:
            return Outcome(path, "failed", f"{path} cannot be converted: {error}")
        return Outcome(path, "converted", dest=dest, result=result)

    def _read(self, path: Path, content: bytes, source_format: str | None) -> ImportResult:
        if source_format is None and _is_own(content):
            return ImportResult(parse_cassette(content, str(path)), "cassettes")
        return import_recording(
            content, source_format=source_format, path=str(path), read_attachment=lambda name: _attachment(path, name)
        )


def _is_own(content: bytes) -> bool:
    """Tell whether this is a cassette of ours: no other recording begins with these members."""
    start = content[:200].lstrip()
    return start.startswith(b"{") and b'"format"' in start and b'"interactions"' in start


def _attachment(path: Path, name: str) -> bytes:
    """Read a file that a recording names, if it lies beside the recording or below it."""
    folder = path.parent.resolve()
    attachment = (folder / name).resolve()
    if not attachment.is_relative_to(folder):
        raise PermissionError(1, "it does not lie in the folder of the archive")
    return attachment.read_bytes()


def _report(outcomes: list[Outcome], verbose: bool, output: Output) -> None:
    converted = [outcome for outcome in outcomes if outcome.kind == "converted"]
    skipped = [outcome for outcome in outcomes if outcome.kind == "skipped"]
    failed = [outcome for outcome in outcomes if outcome.kind == "failed"]
    for outcome in outcomes:
        if outcome.result and verbose:
            output.line(f"{outcome.source} -> {outcome.dest}")
        elif outcome.kind == "skipped" and verbose:
            output.line(f"{outcome.source} is skipped: {outcome.reason}")
    _report_warnings(converted, output)
    for outcome in failed:
        output.error(outcome.reason)
    output.line(_summary(converted, skipped, failed))
    output.document({
        "converted": [_members(outcome) for outcome in converted],
        "skipped": [{"source": str(outcome.source), "reason": outcome.reason} for outcome in skipped],
        "failed": [{"source": str(outcome.source), "reason": outcome.reason} for outcome in failed],
    })


def _report_warnings(converted: list[Outcome], output: Output) -> None:
    """Print the first warnings of each file, and once what is said of many files."""
    warnings = {outcome.source: outcome.result.warnings for outcome in converted if outcome.result}
    files = Counter(warning for each in warnings.values() for warning in set(each))
    for warning, count in files.items():
        if count > _FEW:
            output.line(f"{counted(count, 'file')}: {warning}", style="yellow")
    for source, each in warnings.items():
        own = [warning for warning in each if files[warning] <= _FEW]
        for warning in own[:_FEW]:
            output.line(f"{source}: {warning}", style="yellow")
        if len(own) > _FEW:
            output.line(f"{source}: {len(own) - _FEW} warnings more; --json lists them all", style="yellow")


def _summary(converted: list[Outcome], skipped: list[Outcome], failed: list[Outcome]) -> str:
    results = [outcome.result for outcome in converted if outcome.result]
    interactions = sum(len(result.cassette.interactions) for result in results)
    entries = sum(result.skipped for result in results)
    formats = Counter(result.source_format for result in results)
    origin = f" from {', '.join(f'{name} ({count})' for name, count in sorted(formats.items()))}" if formats else ""
    parts = [f"{counted(len(converted), 'recording')} converted{origin}: {counted(interactions, 'interaction')}"]
    if entries:
        parts.append(f"{counted(entries, 'entry', 'entries')} without an exchange left out")
    if skipped:
        parts.append(f"{counted(len(skipped), 'other file')} skipped")
    if failed:
        parts.append(f"{len(failed)} failed")
    return "; ".join(parts)


def _members(outcome: Outcome) -> dict[str, Any]:
    assert outcome.result is not None
    return {
        "source": str(outcome.source),
        "dest": str(outcome.dest),
        "format": outcome.result.source_format,
        "interactions": len(outcome.result.cassette.interactions),
        "skipped_entries": outcome.result.skipped,
        "warnings": list(outcome.result.warnings),
    }
