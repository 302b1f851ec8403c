"""`cassettes redact`, `prune`, `merge` and `upgrade`: they change cassettes, each file whole or not at all."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

from cassettes_lib.cassettes_used import CassetteUsage, read_uses
from cassettes_lib.cli_files import cassette_paths, format_in, is_cassette, load, rewrite, write_cassette
from cassettes_lib.cli_output import Output
from cassettes_lib.cli_redaction import without_secrets
from cassettes_lib.cli_text import counted
from cassettes_lib.errors import CassetteError
from cassettes_lib.fileformat import FORMAT
from cassettes_lib.models import Cassette, Interaction, Interactions, RecordingMark


def add_edits(commands: Any) -> None:
    """Add the commands to the parser."""
    redact = commands.add_parser(
        "redact",
        help="remove secrets from cassettes that were recorded without",
        description="Apply the current rules to cassettes, in place; requests go on matching. A folder stands for the "
        "cassettes in it.",
    )
    redact.set_defaults(run=run_redact)
    prune = commands.add_parser(
        "prune",
        help="drop interactions",
        description="Drop interactions from cassettes, in place: those whose URL matches a pattern, or those that a "
        "recorded run did not use. A run writes what it used to the file named by CASSETTES_USED.",
    )
    prune.add_argument(
        "--url", metavar="PATTERN", action="append", default=[],
        help="drop what has a URL like this, * standing for anything; may be given several times",
    )
    prune.add_argument("--unused-by", metavar="FILE", type=Path, help="drop what the run that wrote FILE did not use")
    prune.set_defaults(run=run_prune)
    upgrade = commands.add_parser(
        "upgrade",
        help="bring cassettes of older formats up",
        description=f"Rewrite cassettes of an older format in the current one, which is {FORMAT}.",
    )
    upgrade.set_defaults(run=run_upgrade)
    for parser in (redact, prune, upgrade):
        parser.add_argument("paths", metavar="PATH", nargs="+", help="a cassette, or a folder with cassettes in it")
        parser.add_argument("--dry-run", action="store_true", help="say what would change, and change nothing")
    merge = commands.add_parser(
        "merge",
        help="join cassettes",
        description="Join cassettes: their interactions follow each other in the order given.",
    )
    merge.add_argument("sources", metavar="SOURCE", type=Path, nargs="+", help="a cassette")
    merge.add_argument("-o", "--output", metavar="DEST", type=Path, required=True, help="the cassette to write")
    merge.add_argument(
        "--drop-duplicates", action="store_true", help="leave out what an earlier cassette has, but for the time"
    )
    merge.add_argument("--force", action="store_true", help="overwrite what is there")
    merge.set_defaults(run=run_merge)


# Returns the changed cassette, and what was done to it in words; the very cassette it was given when nothing was.
Edit = Callable[[Path, Cassette], tuple[Cassette, str]]


def run_redact(arguments: argparse.Namespace, output: Output) -> int:
    """Redact in place, and return the exit code."""

    def edit(path: Path, cassette: Cassette) -> tuple[Cassette, str]:
        clean, changed, findings = without_secrets(cassette)
        places = "; ".join(f"{each.where} ({each.times})" for each in findings)
        return clean, f"{counted(len(changed), 'interaction')} redacted{f': {places}' if places else ''}"

    return _edited(arguments, output, edit)


def run_prune(arguments: argparse.Namespace, output: Output) -> int:
    """Drop interactions, and return the exit code."""
    if not arguments.url and not arguments.unused_by:
        output.error("nothing says what to drop: give --url PATTERN or --unused-by FILE")
        return 2
    uses = read_uses(arguments.unused_by) if arguments.unused_by else None

    def edit(path: Path, cassette: Cassette) -> tuple[Cassette, str]:
        use = None if uses is None else uses.get(os.path.realpath(path), CassetteUsage(played=set()))
        kept = [
            each for position, each in enumerate(cassette.interactions)
            if not _is_dropped(position, each, arguments.url, use)
        ]
        dropped = len(cassette.interactions) - len(kept)
        pruned = cassette.model_copy(update={"interactions": Interactions(kept)}) if dropped else cassette
        return pruned, f"{counted(dropped, 'interaction')} dropped, {len(kept)} kept"

    return _edited(arguments, output, edit)


def _is_dropped(position: int, interaction: Interaction, patterns: list[str], use: CassetteUsage | None) -> bool:
    """Tell whether an interaction goes: under both conditions when both are given."""
    if patterns and not any(fnmatchcase(interaction.request.url, pattern) for pattern in patterns):
        return False
    return use is None or (use.played is not None and position not in use.played)


def run_upgrade(arguments: argparse.Namespace, output: Output) -> int:
    """Rewrite older formats, and return the exit code."""

    def edit(path: Path, cassette: Cassette) -> tuple[Cassette, str]:
        version = format_in(path)
        if version is None or version >= FORMAT:
            return cassette, ""
        # The store saves what is new. Interactions in a list of their own are, and so all of the file is written.
        renewed = cassette.model_copy(update={"interactions": Interactions(list(cassette.interactions))})
        return renewed, f"format {version} is now {FORMAT}"

    return _edited(arguments, output, edit)


def run_merge(arguments: argparse.Namespace, output: Output) -> int:
    """Join cassettes, and return the exit code."""
    interactions: list[Interaction] = []
    marks: list[RecordingMark] = []
    seen: set[int] = set()
    left_out = 0
    for path in arguments.sources:
        cassette = load(path)
        marks.extend(mark for mark in cassette.incomplete if mark not in marks)
        timeless = [hash(each.model_copy(update={"recorded_at": None})) for each in cassette.interactions]
        for each, identity in zip(cassette.interactions, timeless, strict=True):
            if arguments.drop_duplicates and identity in seen:
                left_out += 1
            else:
                interactions.append(each)
        seen.update(timeless)
    joined = Cassette(interactions=Interactions(interactions), incomplete=tuple(marks))
    write_cassette(arguments.output, joined, force=arguments.force)
    duplicates = f", {counted(left_out, 'duplicate')} left out" if arguments.drop_duplicates else ""
    output.line(f"{arguments.output}: {counted(len(interactions), 'interaction')}{duplicates}")
    output.document({"path": str(arguments.output), "interactions": len(interactions), "duplicates": left_out})
    return 0


def _edited(arguments: argparse.Namespace, output: Output, edit: Edit) -> int:
    """Edit every cassette that is meant, and go on when one cannot be."""
    changed: list[dict[str, str]] = []
    failed: list[dict[str, str]] = []
    paths = list(_cassettes(arguments.paths))

    def edited(path: Path, cassette: Cassette) -> Cassette | None:
        after, summary = edit(path, cassette)
        if after is cassette:
            return None
        changed.append({"path": str(path), "summary": summary})
        return None if arguments.dry_run else after

    for path in output.progress(paths, arguments.command.capitalize()):
        before = len(changed)
        try:
            rewrite(path, partial(edited, path))
        except CassetteError as error:
            output.error(str(error))
            failed.append({"path": str(path), "error": str(error)})
            del changed[before:]
        for each in changed[before:]:
            output.line(f"{each['path']}: {each['summary']}")
    would = "would change" if arguments.dry_run else "changed"
    failures = f", {len(failed)} failed" if failed else ""
    output.line(f"{len(changed)} of {counted(len(paths), 'cassette')} {would}{failures}")
    output.document({"changed": changed, "failed": failed, "cassettes": len(paths), "dry_run": arguments.dry_run})
    return 1 if failed else 0


def _cassettes(paths: list[str]) -> Iterator[Path]:
    return (path for path, named in cassette_paths(paths) if named or is_cassette(path))
