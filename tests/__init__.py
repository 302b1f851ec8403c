"""The tests. Properties are not timed: on a busy machine that would only make them fail at random."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "cassettes",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI", "") not in ("", "false"),
    print_blob=True,
)
settings.load_profile("cassettes")
