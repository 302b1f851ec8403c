"""The modes of `use_cassette`: their names, what other tools call them, and what the environment has to say.

Strategy: what a block does follows from three things, asked for when the block is entered: the mode written in the
code, `CASSETTES_MODE`, which overrides it for a whole run, and `CI`, under which nothing is recorded unless asked for.
"""

from __future__ import annotations

import enum
import os
from typing import Any, Literal, NamedTuple, cast, get_args

from cassettes_lib.keywords import nearest

CassetteMode = Literal["once", "replay", "auto", "record"]
MODES: tuple[str, ...] = get_args(CassetteMode)
MODE_VARIABLE = "CASSETTES_MODE"

# What other tools call our modes: whose word it is, and ours.
_FOREIGN_MODES = {
    "new_episodes": ("vcrpy's", "auto"),
    "none": ("vcrpy's", "replay"),
    "all": ("vcrpy's", "record"),
    "any": ("vcrpy's", "auto"),
    "rewrite": ("pytest-recording's", "record"),
    "playback": ("betamax's", "replay"),
    "live": ("other tools'", "record"),
    "overwrite": ("other tools'", "record"),
    "append": ("other tools'", "auto"),
}


class ModeInCharge(NamedTuple):
    """What a block is to do.

    Attributes:
        mode: The mode that holds, before CI is considered.
        from_environment: Whether `CASSETTES_MODE` said so.
        may_record: Whether this run may record: it is not under CI, or the mode is `record`.
    """

    mode: CassetteMode
    from_environment: bool
    may_record: bool


def mode_in_charge(own: CassetteMode | None) -> ModeInCharge:
    """Return the mode that holds now, by the environment, the code, or by default `once`.

    Args:
        own: The mode written in the code, or None.

    Raises:
        ValueError: `CASSETTES_MODE` is not the name of a mode.
    """
    given = os.environ.get(MODE_VARIABLE, "").strip()
    if given:
        check_mode(given, f"{MODE_VARIABLE}=")
    mode = cast(CassetteMode, given or own or "once")
    return ModeInCharge(mode, bool(given), mode == "record" or not under_ci())


def under_ci() -> bool:
    """Tell whether this is a run under continuous integration: `CI` is set and is not "false"."""
    return os.environ.get("CI", "").strip().lower() not in ("", "false")


def checked_mode(mode: Any) -> CassetteMode | None:
    """Return a mode given as an argument; other tools' enumerations of strings are read, too.

    Raises:
        TypeError: It is not a string.
        ValueError: It is not the name of a mode; the text names the right one.
    """
    if isinstance(mode, enum.Enum):
        mode = mode.value
    if mode is None:
        return None
    if not isinstance(mode, str):
        raise TypeError(f"mode={mode!r}: a mode is one of the strings {_known()}")
    check_mode(mode)
    return cast(CassetteMode, mode)


def check_mode(mode: str, label: str = "mode=") -> None:
    """Raise a ValueError that names the right one for an unknown mode.

    Args:
        mode: The mode as given.
        label: How the message names the place it was given in.
    """
    if mode in MODES:
        return
    word = mode.lower()
    if word in _FOREIGN_MODES:
        whose, ours = _FOREIGN_MODES[word]
        raise ValueError(f"{label}{mode!r}: {whose} {word} is mode={ours!r} here")
    near = nearest(word, MODES, cutoff=0.5)
    hint = f"did you mean {near!r}? " if near else ""
    raise ValueError(f"unknown mode: {label}{mode!r}; {hint}The modes are {_known()}")


def why_not_recorded(path: str) -> str:
    """Return the sentence that errors under CI end with: why nothing was recorded, and how to record."""
    return (
        f"Nothing is recorded in this run because it is under CI (the environment has CI={os.environ.get('CI')!r}). "
        f"Run the test where CI is not set and commit {path}; or ask for a recording here with {MODE_VARIABLE}=record"
    )


def _known() -> str:
    return ", ".join(repr(mode) for mode in MODES)
