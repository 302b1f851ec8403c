"""The moment of a recording is the present second in UTC, and is written as RFC 3339 has it."""

from __future__ import annotations

import unittest
from datetime import UTC, datetime, timedelta, timezone
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from cassettes_lib.moments import moment_text, this_second

ZONES = st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))) | st.just(UTC)


class MomentsTest(unittest.TestCase):
    def test_the_present_second(self) -> None:
        before = datetime.now(UTC).replace(microsecond=0)
        moment = this_second()
        self.assertLessEqual(before, moment)
        self.assertLessEqual(moment, datetime.now(UTC))
        self.assertEqual((moment.microsecond, moment.tzinfo), (0, UTC))

    def test_each_second_is_another_one(self) -> None:
        for seconds, text in ((0.9, "00:00:00"), (1.0, "00:00:01"), (0.0, "00:00:00")):
            with mock.patch("time.time", return_value=seconds):
                self.assertEqual(moment_text(this_second()), f"1970-01-01T{text}Z")

    @given(st.datetimes(datetime(1800, 1, 1), datetime(2200, 1, 1), timezones=ZONES))
    def test_the_text_of_a_moment_is_read_as_that_moment(self, moment: datetime) -> None:
        text = moment_text(moment)
        self.assertEqual(datetime.fromisoformat(text), moment)
        self.assertRegex(text, r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)\Z")
        self.assertEqual(moment_text(moment.astimezone(UTC)).endswith("Z"), True)

    def test_an_offset_of_seconds_is_written_in_utc(self) -> None:
        long_ago = datetime(1890, 1, 1, tzinfo=timezone(timedelta(minutes=53, seconds=28)))
        self.assertEqual(moment_text(long_ago), "1889-12-31T23:06:32Z")


if __name__ == "__main__":
    unittest.main()
