"""`cassettes check`: what is wrong with cassettes, made for pre-commit and CI.

Strategy: each check yields findings with a level. Errors make the exit code 1, warnings do so with `--strict` only:
noise is a matter of opinion, a secret is not.
"""

from __future__ import annotations

import argparse
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from cassettes_lib.cassettes_used import read_uses
from cassettes_lib.cli_files import cassette_paths, format_in, is_cassette, load_with_warnings
from cassettes_lib.cli_output import Output
from cassettes_lib.cli_redaction import without_secrets
from cassettes_lib.cli_text import counted, media_type
from cassettes_lib.errors import CassetteError
from cassettes_lib.fileformat import FORMAT
from cassettes_lib.models import Cassette, Interaction

# Names of parameters that are made to be new in each request.
_NOISY_NAME = re.compile(
    r"_|cb|cache_?bust(?:er)?|nonce|oauth_(?:nonce|timestamp)|rand(?:om)?|ts|time_?stamp|request_?id|idempotency_?key",
    re.IGNORECASE,
)
_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)
_EPOCH_TOLERANCE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        path: The cassette.
        kind: `invalid`, `format`, `incomplete`, `expired`, `secret`, `noise` or `orphan`.
        level: `error` or `warning`.
        message: What, and what to do.
        interaction: The number of the interaction, from 1, or None.
    """

    path: str
    kind: str
    level: Literal["error", "warning"]
    message: str
    interaction: int | None = None


def add_check(commands: Any) -> None:
    """Add the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "check",
        help="find what is wrong with cassettes",
        description="Check cassettes: damage, old formats, recordings that have not ended well, age, secrets, values "
        "that change with every run. Exit code: 0 when nothing is wrong, 1 when something is, 2 on wrong usage.",
    )
    parser.add_argument("paths", metavar="PATH", nargs="+", help="a cassette, or a folder with cassettes in it")
    parser.add_argument("--max-age", metavar="DAYS", type=float, help="find interactions that are older")
    parser.add_argument(
        "--unused-by", metavar="FILE", type=Path,
        help="find cassettes that a run did not use; the run writes FILE when CASSETTES_USED names it",
    )
    parser.add_argument("--no-secrets", dest="secrets", action="store_false", help="do not look for secrets")
    parser.add_argument("--no-noise", dest="noise", action="store_false", help="do not look for what changes")
    parser.add_argument("--strict", action="store_true", help="let warnings count as errors")
    parser.set_defaults(run=run_check)


def run_check(arguments: argparse.Namespace, output: Output) -> int:
    """Print the findings, and return the exit code."""
    uses = read_uses(arguments.unused_by) if arguments.unused_by else None
    paths = [path for path, named in cassette_paths(arguments.paths) if named or is_cassette(path)]
    findings: list[Finding] = []
    for path in output.progress(paths, "Checking"):
        found = list(_findings(path, arguments))
        if uses is not None and os.path.realpath(path) not in uses:
            found.append(_finding(path, "orphan", "the run did not use this cassette; delete it if no other does"))
        for finding in found:
            number = f", interaction {finding.interaction}" if finding.interaction else ""
            style = "red" if finding.level == "error" else "yellow"
            output.line(f"{finding.path}{number}: {finding.level}: {finding.message} [{finding.kind}]", style=style)
        findings += found
    errors = sum(finding.level == "error" for finding in findings)
    warnings = len(findings) - errors
    total = f"{counted(len(paths), 'cassette')} checked"
    output.line(f"{total}: {counted(errors, 'error')}, {counted(warnings, 'warning')}")
    output.document({"checked": len(paths), "findings": [asdict(finding) for finding in findings]})
    return 1 if errors or (warnings and arguments.strict) else 0


def _finding(
    path: Path, kind: str, message: str, *, level: Literal["error", "warning"] = "error", number: int | None = None
) -> Finding:
    return Finding(str(path), kind, level, message, number)


def _findings(path: Path, arguments: argparse.Namespace) -> Iterator[Finding]:
    try:
        cassette, warnings = load_with_warnings(path)
        interactions = list(cassette.interactions)
    except CassetteError as error:
        yield _finding(path, "invalid", str(error))
        return
    for warning in warnings:
        yield _finding(path, "invalid", warning)
    version = format_in(path)
    if version is not None and version < FORMAT:
        yield _finding(
            path, "format", f"this is format {version}, now it is {FORMAT}; run: cassettes upgrade", level="warning"
        )
    if cassette.incomplete:
        message = "a recording has not ended well; run the test again in mode once, or record anew"
        yield _finding(path, "incomplete", message)
    if arguments.max_age is not None:
        yield from _expired(path, interactions, timedelta(days=arguments.max_age))
    if arguments.secrets:
        yield from _secrets(path, cassette)
    if arguments.noise:
        yield from _noise(path, interactions)


def _expired(path: Path, interactions: list[Interaction], max_age: timedelta) -> Iterator[Finding]:
    now = datetime.now(UTC)
    for number, interaction in enumerate(interactions, start=1):
        recorded_at = interaction.recorded_at
        if recorded_at is not None and recorded_at.tzinfo is None:
            recorded_at = recorded_at.replace(tzinfo=UTC)
        if recorded_at is not None and now - recorded_at > max_age:
            yield _finding(path, "expired", f"recorded {(now - recorded_at).days} days ago; record anew", number=number)


def _secrets(path: Path, cassette: Cassette) -> Iterator[Finding]:
    try:
        _, changed, findings = without_secrets(cassette)
    except CassetteError as error:
        yield _finding(path, "secret", str(error))
        return
    if changed:
        places = ", ".join(f"{finding.where} (by {finding.by}, {finding.times} times)" for finding in findings)
        numbers = ", ".join(str(position + 1) for position in changed)
        yield _finding(
            path, "secret",
            f"secrets in interaction {numbers}{f': {places}' if places else ''}; run: cassettes redact, and renew them",
            number=changed[0] + 1 if len(changed) == 1 else None,
        )


def _noise(path: Path, interactions: list[Interaction]) -> Iterator[Finding]:
    """Find values in requests that a later run will not send again, so that replay would miss."""
    for number, interaction in enumerate(interactions, start=1):
        for place, name, value in _request_values(interaction):
            if _is_noise(name, value, interaction.recorded_at):
                yield _finding(
                    path, "noise",
                    f"the {place} {name} looks new in every run; match with ignoring({place.split()[0]}=[{name!r}])",
                    level="warning", number=number,
                )


def _request_values(interaction: Interaction) -> Iterator[tuple[str, str, str]]:
    """Yield place, name and value of the parameters, form fields and JSON members on top of a request."""
    request = interaction.request
    try:
        for name, value in parse_qsl(urlsplit(request.url).query):
            yield "query parameter", name, value
        if media_type(request) == "application/x-www-form-urlencoded":
            for name, value in parse_qsl(request.body.decode("utf-8", "replace")):
                yield "form field", name, value
    except ValueError:
        return
    document = _json_object(request.body)
    for name, value in document.items():
        if isinstance(value, (str, int, float)) and not isinstance(value, bool):
            yield "json member", name, str(value)


def _json_object(body: bytes) -> dict[str, Any]:
    if not body.lstrip().startswith(b"{"):
        return {}
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _is_noise(name: str, value: str, recorded_at: datetime | None) -> bool:
    if _is_moment(value, recorded_at):
        return True
    return bool(_NOISY_NAME.fullmatch(name.replace("-", "_")) and (_UUID4.fullmatch(value) or len(value) >= 8))


def _is_moment(value: str, recorded_at: datetime | None) -> bool:
    """Tell whether a value is the time of the recording, as seconds or milliseconds of the Unix epoch."""
    if recorded_at is None or not re.fullmatch(r"1[0-9]{9}(?:\.[0-9]+|[0-9]{3})?", value):
        return False
    seconds = float(value) / (1000 if len(value) == 13 and "." not in value else 1)
    return abs(datetime.fromtimestamp(seconds, UTC) - recorded_at.astimezone(UTC)) < _EPOCH_TOLERANCE
