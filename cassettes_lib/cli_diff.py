"""`cassettes diff`: what changed between two cassettes by meaning, not by line.

Strategy: interactions whose requests match, as replay matches them, belong together in recorded order. What is left
over and has the same method and URL is a changed request; the rest was added or removed. Pairs are then compared
part by part, JSON bodies member by member.
"""

from __future__ import annotations

import argparse
import difflib
import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cassettes_lib.cli_files import load
from cassettes_lib.cli_output import Output
from cassettes_lib.cli_text import media_type, outcome, readable, size
from cassettes_lib.header_pairs import Headers
from cassettes_lib.matching import DEFAULT_MATCH_ON, resolve_matchers
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, InteractionResponse

_MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between the two interactions of a pair.

    Attributes:
        part: Where, such as `response status`, `response header ETag`, `response body $.items[0].price`.
        before: What stood there, as text; None when nothing.
        after: What stands there now; None when nothing.
    """

    part: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of one interaction.

    Attributes:
        kind: `added`, `removed` or `changed`.
        interaction: The interaction: the new one, or the old one when it was removed.
        before: Its number in the old cassette, from 1, or None.
        after: Its number in the new cassette, from 1, or None.
        changes: What is different, for a changed one.
    """

    kind: str
    interaction: Interaction
    before: int | None
    after: int | None
    changes: tuple[Change, ...] = ()


def add_diff(commands: Any) -> None:
    """Add the command to the parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "diff",
        help="compare two cassettes by meaning",
        description="Compare two cassettes: interactions added, removed and changed; JSON bodies member by member. The "
        "time of the recording does not count. Exit code: 0 when they mean the same, 1 when they differ, 2 on trouble.",
    )
    parser.add_argument("old", metavar="A", type=Path)
    parser.add_argument("new", metavar="B", type=Path)
    parser.set_defaults(run=run_diff)


def run_diff(arguments: argparse.Namespace, output: Output) -> int:
    """Print the differences, and return the exit code."""
    differences = differences_of(load(arguments.old), load(arguments.new))
    styles = {"added": "green", "removed": "red", "changed": "yellow"}
    signs = {"added": "+", "removed": "-", "changed": "~"}
    for each in differences:
        request = each.interaction.request
        number = f"{each.before or ''}{' -> ' if each.before and each.after else ''}{each.after or ''}"
        headline = f"{signs[each.kind]} {request.method} {request.url} ({outcome(each.interaction)}), number {number}"
        output.line(headline, style=styles[each.kind])
        for change in each.changes:
            _print_change(change, output)
    kinds = [sum(each.kind == kind for each in differences) for kind in styles]
    if any(kinds):
        output.line(", ".join(f"{count} {kind}" for count, kind in zip(kinds, styles, strict=True) if count))
    output.document([_members(each) for each in differences])
    return 1 if differences else 0


def _members(difference: Difference) -> dict[str, Any]:
    return {
        "kind": difference.kind,
        "method": difference.interaction.request.method,
        "url": difference.interaction.request.url,
        "before": difference.before,
        "after": difference.after,
        "changes": [
            {"part": change.part, "before": change.before, "after": change.after} for change in difference.changes
        ],
    }


def _print_change(change: Change, output: Output) -> None:
    before, after = change.before, change.after
    if before is not None and after is not None and ("\n" in before or "\n" in after):
        output.line(f"    {change.part}:")
        lines = list(difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=1))[2:]
        for line in lines[:_MOST_LINES]:
            output.line(f"      {line}", style={"+": "green", "-": "red"}.get(line[:1], ""))
        if len(lines) > _MOST_LINES:
            output.line(f"      ... {len(lines) - _MOST_LINES} lines more")
    elif before is None:
        output.line(f"    {change.part}: + {after}", style="green")
    elif after is None:
        output.line(f"    {change.part}: - {before}", style="red")
    else:
        output.line(f"    {change.part}: {before} -> {after}")


def differences_of(old: Cassette, new: Cassette) -> list[Difference]:
    """Return what is different, in the order of the new cassette, removed interactions last."""
    matchers = resolve_matchers(DEFAULT_MATCH_ON)
    line_matchers = resolve_matchers(("method", "url"))
    pairs = _paired(
        old.interactions, new.interactions,
        [lambda request: tuple(matcher(request) for matcher in matchers),
         lambda request: tuple(matcher(request) for matcher in line_matchers)],
    )
    differences = []
    for position, interaction in enumerate(new.interactions):
        before = pairs.get(position)
        if before is None:
            differences.append(Difference("added", interaction, None, position + 1))
            continue
        changes = tuple(changes_of(old.interactions[before], interaction))
        if changes:
            differences.append(Difference("changed", interaction, before + 1, position + 1, changes))
    kept = set(pairs.values())
    differences.extend(
        Difference("removed", interaction, position + 1, None)
        for position, interaction in enumerate(old.interactions) if position not in kept
    )
    return differences


def _paired(
    old: Sequence[Interaction], new: Sequence[Interaction], keys: Sequence[Callable[[InteractionRequest], Hashable]]
) -> dict[int, int]:
    """Return, for positions in the new sequence, those in the old one that belong to them.

    Equal requests are paired in recorded order, by the first key that makes two interactions equal.
    """
    pairs: dict[int, int] = {}
    left = dict(enumerate(old))
    for key in keys:
        queues: defaultdict[Hashable, deque[int]] = defaultdict(deque)
        for position, interaction in left.items():
            queues[key(interaction.request)].append(position)
        for position, interaction in enumerate(new):
            queue = queues.get(key(interaction.request)) if position not in pairs else None
            if queue:
                pairs[position] = queue.popleft()
                del left[pairs[position]]
    return pairs


def changes_of(before: Interaction, after: Interaction) -> Iterator[Change]:
    """Yield what is different between two interactions, but for the time of their recording."""
    yield from _header_changes("request", before.request.headers, after.request.headers)
    yield from _body_changes("request", before.request.body, after.request.body, media_type(after.request))
    old, new = before.response, after.response
    if old is None or new is None:
        if (old, before.failure) != (new, after.failure):
            yield Change("outcome", outcome(before), outcome(after))
            yield from _message_change(before, after)
        return
    if old.status != new.status:
        yield Change("response status", str(old.status), str(new.status))
    if old.reason != new.reason:
        yield Change("response reason", old.reason, new.reason)
    yield from _header_changes("response", old.headers, new.headers)
    yield from _body_changes("response", old.body, new.body, media_type(new))
    yield from _detail_changes(old, new)


def _message_change(before: Interaction, after: Interaction) -> Iterator[Change]:
    old = before.failure.message if before.failure else None
    new = after.failure.message if after.failure else None
    if old != new:
        yield Change("message", old, new)


def _detail_changes(old: InteractionResponse, new: InteractionResponse) -> Iterator[Change]:
    for name in ("wire_body", "http_version", "broken", "closed_early"):
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield Change(f"response {name}", str(before), str(after))


def _header_changes(message: str, before: Headers, after: Headers) -> Iterator[Change]:
    """Compare headers by name, whose case and order do not matter; the order of one name's values does."""
    old, new = _by_name(before), _by_name(after)
    for name in [*new, *(name for name in old if name not in new)]:
        if old.get(name) != new.get(name):
            yield Change(f"{message} header {name}", _joined(old.get(name)), _joined(new.get(name)))


def _by_name(headers: Headers) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return values


def _joined(values: list[str] | None) -> str | None:
    return None if values is None else ", ".join(values)


def _body_changes(message: str, before: bytes, after: bytes, declared: str) -> Iterator[Change]:
    if before == after:
        return
    part = f"{message} body"
    old, new = _parsed(before), _parsed(after)
    if isinstance(old, (dict, list)) and isinstance(new, (dict, list)):
        changes = list(_member_changes(part + " $", old, new))
        # What differs in spacing only means the same, but the bytes have changed.
        if not changes:
            changes = [Change(f"{part}, the same JSON written differently", size(len(before)), size(len(after)))]
        yield from changes
        return
    yield Change(part, _shown(before, declared), _shown(after, declared))


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _shown(body: bytes, declared: str) -> str | None:
    if not body:
        return None
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return f"{size(len(body))}, SHA-256 {hashlib.sha256(body).hexdigest()[:16]}"
    return readable(body, declared)[1]


def _member_changes(path: str, before: Any, after: Any) -> Iterator[Change]:
    """Yield the members in which two JSON values differ; a stack, because JSON may be nested deeply."""
    stack = [(path, before, after)]
    while stack:
        path, old, new = stack.pop()
        if type(old) is type(new) and old == new:
            continue
        if isinstance(old, dict) and isinstance(new, dict):
            names = [*old, *(name for name in new if name not in old)]
            stack.extend(
                (f"{path}{_member_name(name)}", old.get(name, _ABSENT), new.get(name, _ABSENT))
                for name in reversed(names)
            )
        elif isinstance(old, list) and isinstance(new, list):
            longer = range(max(len(old), len(new)))
            stack.extend((f"{path}[{index}]", _at(old, index), _at(new, index)) for index in reversed(longer))
        else:
            yield Change(path, _json_text(old), _json_text(new))


_ABSENT = object()


def _at(values: list[Any], index: int) -> Any:
    return values[index] if index < len(values) else _ABSENT


def _member_name(name: str) -> str:
    return f".{name}" if name.isidentifier() else f"[{json.dumps(name, ensure_ascii=False)}]"


def _json_text(value: Any) -> str | None:
    return None if value is _ABSENT else json.dumps(value, ensure_ascii=False)
