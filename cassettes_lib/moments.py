"""Moments: when something was recorded, to the second, and how that is written.

Strategy: interactions are recorded in the second of the one before, mostly, so what is made of a second is kept: a time
and its text take a hundredth of a recording.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import lru_cache


def this_second() -> datetime:
    """Return the present time in UTC, without a fraction of a second."""
    return _at(int(time.time()))


@lru_cache(maxsize=1)
def _at(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def moment_text(moment: datetime) -> str:
    """Write a moment as RFC 3339 has it, `Z` for UTC."""
    if moment.tzinfo is UTC:  # as we record it
        return _utc_text(moment)
    offset = moment.utcoffset()
    if offset is not None and offset.total_seconds() % 60:  # a local time of long ago: RFC 3339 knows whole minutes
        moment = moment.astimezone(UTC)
    return moment.isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=16)
def _utc_text(moment: datetime) -> str:
    return moment.isoformat()[: -len("+00:00")] + "Z"
