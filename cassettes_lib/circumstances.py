"""The circumstances of a run: what its messages may need to know, whoever writes them."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple


class Circumstances(NamedTuple):
    """What is known about a run, for the advice.

    Attributes:
        cassette_name: What to call the cassette, such as its path; "" when it has no name.
        mode: The Broker's mode.
        wanted_mode: The mode the user chose, when it is another one.
        test_id: The running test, as `test_runner` takes it; "" when not known.
        test_runner: The command that runs it.
        under_ci: Whether `CI` is set, so that nothing is recorded.
        redacting: Whether requests are redacted before they are matched.
        has_environment: Whether `CASSETTES_MODE` has a say: in `use_cassette`, not with a bare Broker.
        max_age: How old interactions may be; None: any age.
    """

    cassette_name: str = ""
    mode: str = "replay"
    wanted_mode: str = ""
    test_id: str = ""
    test_runner: str = "python -m unittest"
    under_ci: bool = False
    redacting: bool = True
    has_environment: bool = True
    max_age: timedelta | None = None


def in_words(duration: timedelta) -> str:
    """Write a duration as `90 days`, `36 hours` or `5 minutes`, rounded down."""
    seconds = int(duration.total_seconds())
    units = (("day", 86400), ("hour", 3600), ("minute", 60))
    unit, length = next((each for each in units if seconds >= 2 * each[1] or seconds == each[1]), ("second", 1))
    count = seconds // length
    return f"{count:,} {unit}{'s' * (count != 1)}"
