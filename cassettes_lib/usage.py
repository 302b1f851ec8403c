"""Which cassettes a run used, and what of each: a file that a run writes when asked, for finding what nobody uses.

Strategy: the environment variable names the file. Each cassette session that ends appends one line of JSON by a single
write in append mode, so that the processes of one run share the file without a lock.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from cassettes_lib.errors import CassetteLoadError

USAGE_VARIABLE = "CASSETTES_USED"


@dataclass(slots=True)
class CassetteUse:
    """What a run used of one cassette.

    Attributes:
        played: Positions, from 0, of the interactions that were replayed or recorded.
        whole: True when the run only says that the cassette was used, not what of it.
    """

    played: set[int] = field(default_factory=set)
    whole: bool = False


def note_use(path: str | os.PathLike[str], played: Iterable[int] | None) -> None:
    """Append that a cassette was used to the file named by `CASSETTES_USED`; do nothing when that is not set.

    Args:
        path: The cassette.
        played: Positions, from 0, of the interactions replayed or recorded; None when it is not known which.
    """
    target = os.environ.get(USAGE_VARIABLE)
    if not target:
        return
    use: dict[str, Any] = {"cassette": os.path.abspath(path)}
    if played is not None:
        use["played"] = sorted(played)
    line = json.dumps(use) + "\n"
    descriptor = os.open(target, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, line.encode("utf-8"))
    finally:
        os.close(descriptor)


def read_uses(path: str | os.PathLike[str]) -> dict[str, CassetteUse]:
    """Return what a run used, by the real path of each cassette; several sessions of one cassette are joined.

    A line that is no JSON object is taken as the path of a cassette, so that a list made by hand will do.

    Raises:
        CassetteLoadError: The file cannot be read, or a line has the wrong shape.
    """
    uses: dict[str, CassetteUse] = {}
    try:
        with open(path, encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    cassette, played = _use(line.strip(), f"{os.fspath(path)}, line {number}")
                    use = uses.setdefault(os.path.realpath(cassette), CassetteUse())
                    use.played.update(played or ())
                    use.whole = use.whole or played is None
    except (OSError, UnicodeDecodeError) as error:
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
