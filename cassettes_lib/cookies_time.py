"""Cookies and time: a replayed cookie has the life it had left when it was recorded.

Only dates between the recording and now are moved: a cookie that had expired already (that is how servers delete one)
stays expired, and one that is still good needs nothing. `Max-Age` counts from the replay by itself.
"""

from __future__ import annotations

import http.cookiejar
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from cassettes_lib.header_pairs import Headers
from cassettes_lib.late_patterns import late_pattern

_EXPIRES = late_pattern(r"(;\s*expires\s*=\s*)(\"?)([^;\"]*)(\"?)", re.IGNORECASE)
_MAX_AGE = late_pattern(r";\s*max-age\s*=\s*-?\d", re.IGNORECASE)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FORM = late_pattern(r"(?P<day>[A-Za-z]+),?(?P<space>\s+)\d{1,2}(?P<dash>[-\s])[A-Za-z]{3}[-\s](?P<year>\d{4}|\d{2})\s")


def with_remaining_life(headers: Headers, recorded_at: datetime | None, now: float | None = None) -> Headers:
    """Return headers whose cookies have as long to live now as they had when they were recorded.

    Args:
        headers: The headers of a recorded response.
        recorded_at: When it was recorded; None leaves everything as it is.
        now: The time of the replay, in seconds since 1970; the clock's by default, the one by which cookies expire.
    """
    if recorded_at is None or not _set_cookies(headers):
        return headers
    then, now = recorded_at.timestamp(), time.time() if now is None else now
    return tuple(
        (name, _moved(value, then, now)) if name.lower() == "set-cookie" else (name, value) for name, value in headers
    )


def _set_cookies(headers: Headers) -> bool:
    for name, _ in headers:  # noqa: SIM110 - on the path of every replay, where any() takes twice as long
        if len(name) == 10 and name.lower() == "set-cookie":
            return True
    return False


def _moved(cookie: str, then: float, now: float) -> str:
    found = _EXPIRES.search(cookie)
    if found is None or _MAX_AGE.search(cookie):
        return cookie
    # The cookie jar's own reading of a date, which typeshed does not know.
    expires = cast(Any, http.cookiejar).http2time(found[3].strip())
    if expires is None or not then < expires <= now:
        return cookie
    try:
        moment = datetime.fromtimestamp(now, UTC) + timedelta(seconds=expires - then)
    except OverflowError:
        return cookie
    return f"{cookie[: found.start()]}{found[1]}{found[2]}{_written(moment, found[3])}{found[4]}{cookie[found.end() :]}"


def _written(moment: datetime, like: str) -> str:
    """Write a moment in the form in which the recorded one stands."""
    form = _FORM.match(like.strip())
    day, dash, year = _DAYS[moment.weekday()], " ", f"{moment:%Y}"
    if form is None or len(form["day"]) <= 3:
        day = day[:3]
    if form is not None and form["dash"] == "-":
        dash = "-"
        # RFC 850 has two digits, which are taken for the nearest year that fits.
        year = year[2:] if len(form["year"]) == 2 else year
    return f"{day}, {moment:%d}{dash}{_MONTHS[moment.month - 1]}{dash}{year} {moment:%H:%M:%S} GMT"
