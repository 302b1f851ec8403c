"""Regular expressions that are compiled when they are first used: most runs of a suite need few of them.

Strategy: the object that stands for a pattern takes over each method of it that was asked for, so that every later use
finds the method of the compiled pattern in the object itself. Two threads may both compile; they get the same.
"""

from __future__ import annotations

import re
from typing import Any, AnyStr, cast


class LatePattern:
    """What stands for a compiled pattern; see `late_pattern`."""

    def __init__(self, pattern: str | bytes, flags: int) -> None:
        """Keep what is to be compiled; see `late_pattern`."""
        self.pattern: Any = pattern
        self._flags = flags

    def __repr__(self) -> str:
        return f"<late pattern {self.pattern!r}>"

    def __getattr__(self, name: str) -> Any:
        """Take over an attribute of the compiled pattern."""
        if name in ("pattern", "_flags"):  # a copy that is being made has none yet
            raise AttributeError(name)
        value = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, value)
        return value


def late_pattern(pattern: AnyStr, flags: int = 0) -> re.Pattern[AnyStr]:
    """Return what `re.compile` would, as far as methods and attributes go, without compiling it now.

    Patterns that nearly every block needs gain nothing by it.

    Args:
        pattern: The regular expression. A wrong one is told by a test, not here.
        flags: Those of `re`.
    """
    return cast("re.Pattern[AnyStr]", LatePattern(pattern, flags))
