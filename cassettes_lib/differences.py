"""Differences: how a recorded request and an asked one differ, part by part, to be read by people.

Strategy: each part a matcher compares is written as a document of lines (a URL with a line per parameter, JSON
pretty-printed with its members in order, a form with a line per field, binary as a hex dump), and the two documents
are compared like files. Common lines at both ends are cut off first, so that a long body costs what its difference
costs, and long lines are cut around the place where they differ.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from cassettes_lib.columns import WIDTH, shortened
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.likeness import common_beginning
from cassettes_lib.matching import NamedMatcher, header_value
from cassettes_lib.matching_bodies import BodyRules, Understood, understand, understand_part
from cassettes_lib.matching_urls import CanonicalUrl, canonical_url
from cassettes_lib.media import Part, media_type
from cassettes_lib.models import InteractionRequest

_CONTEXT = 2
# Text does not have them; ESC, which begins the colours of a terminal, is met in logs.
_CONTROL = late_pattern(r"[\0-\x08\x0e-\x1a\x1c-\x1f]")
_MOST_LINES = 300  # compared, where all differ; time grows with their square or worse
_ROW = 16
_ROWS = 6


def difference(matcher: NamedMatcher, recorded: InteractionRequest, asked: InteractionRequest) -> list[str]:
    """Return the unified diff of the part that a matcher compares, each line at most `WIDTH` columns.

    Args:
        matcher: One whose keys for the two requests differ.
        recorded: The recorded request: the lines with a minus.
        asked: The asked request: the lines with a plus.
    """
    label = matcher.label if matcher.part else f"key of {matcher.label}"
    heads = [shortened(f"--- recorded {label}"), shortened(f"+++ asked {label}")]
    one, other = _documents(matcher, recorded, asked)
    return heads + (unified_diff(one, other) or [" (the two look the same, but their keys differ)"])


def unified_diff(one: list[str], other: list[str]) -> list[str]:
    """Return the hunks of a unified diff of two documents, cut to `WIDTH` columns; [] when they are equal.

    Documents of one line need no line numbers.
    """
    start = _common_lines(one, other)
    end = _common_lines(one[start:][::-1], other[start:][::-1])
    context = max(0, start - _CONTEXT)
    olds, news = (each[context : len(each) - max(0, end - _CONTEXT)] for each in (one, other))
    lines: list[str] = []
    matcher = difflib.SequenceMatcher(None, olds[:_MOST_LINES], news[:_MOST_LINES], autojunk=False)
    for group in matcher.get_grouped_opcodes(_CONTEXT):
        old_span = _span(context + group[0][1], context + group[-1][2])
        new_span = _span(context + group[0][3], context + group[-1][4])
        if len(one) != 1 or len(other) != 1:
            lines.append(f"@@ -{old_span} +{new_span} @@")
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                lines += [shortened(f" {line}") for line in olds[old_start:old_end]]
            else:
                lines += _replaced(olds[old_start:old_end], news[new_start:new_end])
    left_out = max(len(olds), len(news)) - _MOST_LINES
    return [*lines, f" ({left_out:,} more lines are not compared)"] if left_out > 0 else lines


def body_preview(body: Understood) -> str:
    """Write a body on one line, for as long as that tells something."""
    if body.kind == "json":
        return json.dumps(body.value, ensure_ascii=False)
    if body.kind == "multipart":
        return ", ".join(_part_title(part) for part in body.value)
    if body.kind == "form":
        return ", ".join(_pair_lines(body.value, ""))
    text = _text_of(body)
    return _summary(body.data) if text is None else " ".join(text[:1000].split())


def body_lines(body: Understood, *, with_type: bool = False) -> list[str]:
    """Write a body as a document; binary ones as their size and digest."""
    lines = _body_lines(body)
    if not with_type:
        return lines
    name = body.media_type.name
    misfit = body.kind == "bytes" and (name.endswith("json") or name.startswith(("multipart/", "application/x-www")))
    note = " (does not parse as that)" if misfit else ""
    return [f"Content-Type: {body.media_type.canonical or 'none'}{note}", *lines]


def header_lines(request: InteractionRequest, matcher: NamedMatcher) -> list[str]:
    """Write the headers that a matcher compares as a document, sorted by name."""
    lines = []
    for name, value in sorted(request.headers, key=lambda pair: pair[0].lower()):
        lower = name.lower()
        compared = matcher.header_names is None or lower in [each.lower() for each in matcher.header_names]
        if compared and lower not in matcher.rules.headers:
            lines.append(f"{lower}: {header_value(lower, value)}")
    return lines


def _documents(
    matcher: NamedMatcher, recorded: InteractionRequest, asked: InteractionRequest
) -> tuple[list[str], list[str]]:
    if matcher.part == "body":
        return _body_documents(matcher, recorded, asked)
    if matcher.part == "raw_body":
        return _bytes_documents(recorded.body, asked.body)
    return _document(matcher, recorded), _document(matcher, asked)


def _document(matcher: NamedMatcher, request: InteractionRequest) -> list[str]:
    if matcher.part == "url":
        return url_lines(canonical_url(request.url).without_query(matcher.rules.query))
    if matcher.part == "query":
        return _pair_lines(canonical_url(request.url).without_query(matcher.rules.query).query, "")
    if matcher.part in ("headers", "header"):
        return header_lines(request, matcher)
    try:
        key = matcher.key(request)
    except Exception as error:  # noqa: BLE001 - a user's matcher; what it raises here is part of the explanation
        return [f"raises {type(error).__name__}: {error}"]
    if isinstance(key, str):
        return key.split("\n")
    from pprint import pformat  # needed to explain the key of a user's matcher only

    return pformat(key, width=WIDTH - 2).split("\n")


def url_lines(url: CanonicalUrl) -> list[str]:
    """Write a URL as a document: a line for its path and what is before it, and one per parameter."""
    return [url._replace(query=()).text(), *_pair_lines(url.query, "  ")]


def _pair_lines(pairs: Any, indent: str) -> list[str]:
    return [f"{indent}{name}={value}" for name, value in pairs]


def _body_documents(
    matcher: NamedMatcher, recorded: InteractionRequest, asked: InteractionRequest
) -> tuple[list[str], list[str]]:
    rules = BodyRules(matcher.rules.json, matcher.rules.form)
    guesses = [understand(each, rules, guess=True) for each in (recorded, asked)]
    if all(each.kind == "json" and not each.media_type.name for each in guesses):
        documents = body_lines(guesses[0]), body_lines(guesses[1])
        if documents[0] != documents[1]:
            return documents
    one, other = understand(recorded, rules), understand(asked, rules)
    if one.kind == other.kind == "bytes" and not (_text_of(one) and _text_of(other)):
        return _bytes_documents(one.data, other.data)
    differ = one.kind != other.kind and "empty" not in (one.kind, other.kind)
    with_type = differ or (one.kind == "multipart" and one.media_type.name != other.media_type.name)
    return body_lines(one, with_type=with_type), body_lines(other, with_type=with_type)


def _body_lines(body: Understood) -> list[str]:
    if body.kind == "empty":
        return []
    if body.kind == "json":
        return json.dumps(body.value, indent=2, ensure_ascii=False).split("\n")
    if body.kind == "form":
        return _pair_lines(sorted(body.value, key=lambda pair: pair[0]), "")
    if body.kind == "multipart":
        return [line for part in body.value for line in _part_lines(part)]
    text = _text_of(body)
    return [_summary(body.data)] if text is None else text.split("\n")


def _part_lines(part: Part) -> Iterator[str]:
    yield _part_title(part)
    for name, value in sorted(part.headers):
        if name not in ("content-disposition", "content-type", "content-length"):
            yield f"  {name}: {value}"
    for line in _body_lines(understand_part(part)):
        yield f"  {line}"


def _part_title(part: Part) -> str:
    title = f"part {json.dumps(part.name, ensure_ascii=False)}" if part.name is not None else "part"
    if part.filename is not None:
        title += f", file {json.dumps(part.filename, ensure_ascii=False)}"
    content_type = media_type(part.header("content-type")).canonical
    return f"{title}, {content_type}" if content_type else title


def _text_of(body: Understood) -> str | None:
    """Return bytes as text, or None when they are binary."""
    try:
        text = body.data.decode(body.media_type.charset or "utf-8")
    except (UnicodeError, LookupError, Warning):  # some codecs warn, which may be an error
        return None
    return None if _CONTROL.search(text, 0, 1024) else text


def _bytes_documents(one: bytes, other: bytes) -> tuple[list[str], list[str]]:
    """Write two binary bodies as their sizes and a hex dump of the rows from where they differ."""
    start = max(0, common_beginning(one, other) // _ROW - 1) * _ROW
    return [_summary(one), *_hex_rows(one, start)], [_summary(other), *_hex_rows(other, start)]


def _hex_rows(data: bytes, start: int) -> list[str]:
    rows = []
    for offset in range(start, min(len(data), start + _ROWS * _ROW), _ROW):
        row = data[offset : offset + _ROW]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        rows.append(f"{offset:08x}  {row.hex(' '):<{_ROW * 3}} {text}")
    return rows


def _summary(data: bytes) -> str:
    return f"{len(data):,} bytes, sha256 {sha256(data).hexdigest()[:16]}"


def _common_lines(one: list[str], other: list[str]) -> int:
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count


def _span(start: int, end: int) -> str:
    """Write a range of lines as unified diffs do."""
    length = end - start
    return str(start + 1) if length == 1 else f"{start + 1 if length else start},{length}"


def _replaced(olds: list[str], news: list[str]) -> list[str]:
    """Return the removed and the added lines; those that stand for each other are cut at the same place."""
    places = [common_beginning(old, new) for old, new in zip(olds, news, strict=False)]
    places += [0] * (max(len(olds), len(news)) - len(places))
    # The sign is put before the cut line, so that it is never cut off.
    removed = ["-" + shortened(line, place, WIDTH - 1) for line, place in zip(olds, places, strict=False)]
    added = ["+" + shortened(line, place, WIDTH - 1) for line, place in zip(news, places, strict=False)]
    return removed + added
