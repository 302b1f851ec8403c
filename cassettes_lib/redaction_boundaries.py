"""What redaction changes beside the bytes of a response's body: the notes that describe the bytes it had."""

from __future__ import annotations

from typing import Any

from cassettes_lib.models import InteractionResponse


def unframed(response: InteractionResponse, old: bytes, new: bytes) -> dict[str, Any]:
    """Return what else changes with the bytes of a body: notes that describe the bytes it had."""
    update: dict[str, Any] = {}
    if response.recoding:
        update["recoding"] = ""
    if response.chunk_sizes:
        is_coded = bool(response.header("Content-Encoding"))
        update["chunk_sizes"] = None if is_coded else _moved_boundaries(response.chunk_sizes, old, new)
    return update


def _moved_boundaries(sizes: tuple[int, ...], old: bytes, new: bytes) -> tuple[int, ...] | None:
    """Fit chunk sizes to a changed body: a boundary behind a line stays behind that line, others move in proportion."""
    if sum(sizes) != len(old) or not old:
        return None
    same_lines = old.count(b"\n") == new.count(b"\n")
    lines_before = line_start = position = last = 0
    moved = []
    for size in sizes:
        lines_before += old.count(b"\n", position, position + size)
        position += size
        if position == len(old):
            boundary = len(new)
        elif same_lines and old[position - 1 : position] == b"\n":
            while lines_before:
                line_start = new.index(b"\n", line_start) + 1
                lines_before -= 1
            boundary = line_start
        else:
            boundary = position * len(new) // len(old)
        boundary = max(boundary, last)
        if boundary > last:
            moved.append(boundary - last)
        last = boundary
    return tuple(moved)
