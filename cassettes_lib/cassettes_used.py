"""Which cassettes a run used, and what of each: the file that `CASSETTES_USED` names, for finding what nobody uses.

Strategy: a run adds a line to the file by one write in append mode, so that the processes of a run share it without a
lock. A line is the path of a cassette that was opened, or a JSON object that says what of it was used, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cassettes_lib.errors import CassetteLoadError

USED_VARIABLE = "CASSETTES_USED"


@dataclass(slots=True)
class CassetteUsage:
    """What a run used of one cassette.

    Attributes:
        played: Positions, from 0, of the interactions that were replayed or recorded; None when the run only says that
            the cassette was used, and not what of it.
    """

    played: set[int] | None = None


def note_use(path: str | os.PathLike[str], played: Callable[[], Iterable[int]]) -> None:
    """Add what was used of a cassette to the file named by `CASSETTES_USED`; do nothing when that is not set.

    Args:
        path: The cassette.
        played: Returns the positions, from 0, of the interactions replayed or recorded; asked only when needed.
    """
    target = os.environ.get(USED_VARIABLE)
    if not target:
        return
    line = json.dumps({"cassette": os.path.abspath(path), "played": sorted(played())}) + "\n"
    descriptor = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, line.encode("utf-8"))
    finally:
        os.close(descriptor)


def read_uses(path: str | os.PathLike[str]) -> dict[str, CassetteUsage]:
    """Return what a run used, by the real path of each cassette; several sessions of one cassette are joined.

    A list of paths made by hand will do.

    Raises:
        CassetteLoadError: The file cannot be read, or a line has the wrong shape.
    """
    uses: dict[str, CassetteUsage] = {}
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    cassette, played = _use(line.strip(), f"{os.fspath(path)}, line {number}")
                    use = uses.setdefault(os.path.realpath(cassette), CassetteUsage())
                    if played is not None:
                        use.played = (use.played or set()).union(played)
    except OSError as error:
        raise CassetteLoadError(f"{os.fspath(path)} cannot be read: {error}", path=os.fspath(path)) from error
    return uses


def _use(line: str, where: str) -> tuple[str, list[int] | None]:
    if not line.startswith("{"):
        return line, None
    try:
        use = json.loads(line)
        cassette, played = use["cassette"], use.get("played")
    except (ValueError, KeyError) as error:
        raise CassetteLoadError(f"{where}: not a line that a run has written: {error}", path=where) from error
    if not isinstance(cassette, str) or not (played is None or _are_positions(played)):
        raise CassetteLoadError(f"{where}: cassette is a path, and played a list of positions", path=where)
    return cassette, played


def _are_positions(value: Any) -> bool:
    return isinstance(value, list) and all(type(each) is int and each >= 0 for each in value)
