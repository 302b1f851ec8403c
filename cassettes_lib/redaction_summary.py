"""The summary of a recording's redactions, for the log: what was removed, where and how often, never the values."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from cassettes_lib.redaction import Redacted

_log = logging.getLogger("cassettes_lib")


def log_redactions(name: str, redacted: Sequence[Redacted]) -> None:
    """Log what was redacted in a recording, one line for each place; nothing when nothing was.

    Args:
        name: The cassette's path, or what its store is called.
        redacted: The summary, as `Broker.redacted` gives it.
    """
    if not redacted or not _log.isEnabledFor(logging.INFO):
        return
    total = sum(line.times for line in redacted)
    _log.info("%s: redacted %d value%s", name, total, "" if total == 1 else "s")
    for line in redacted:
        _log.info("  %s: %d, by %s", line.where, line.times, line.by)
