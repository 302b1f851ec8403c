"""What tells the URL of a remote cassette from the path of a file."""

from __future__ import annotations

import re

from cassettes_lib.late_patterns import late_pattern

_REMOTE = late_pattern(r"(?:[a-z][a-z0-9+.-]*::)*[a-z][a-z0-9+.-]+://", re.IGNORECASE)  # a drive has one letter


def is_remote(path: str) -> bool:
    """Tell whether a path is a URL such as `s3://bucket/x.json`, with a scheme of more than one letter."""
    return "://" in path and _REMOTE.match(path) is not None
