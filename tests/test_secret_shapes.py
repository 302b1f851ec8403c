from __future__ import annotations

import re
import unittest

from hypothesis import given, settings
from hypothesis import strategies as st

from cassettes_lib import secret_shapes
from cassettes_lib.secret_shapes import has_shape, shapes_in

PATTERNS = sorted({pattern for tried in secret_shapes._BY_START.values() for _, pattern in tried})


class QuickLookTest(unittest.TestCase):
    @settings(max_examples=600, deadline=None)
    @given(st.data())
    def test_it_overlooks_nothing_that_has_a_shape(self, data: st.DataObject) -> None:
        pattern = data.draw(st.sampled_from(PATTERNS))
        secret = data.draw(st.from_regex(re.compile(pattern, re.ASCII)).map(lambda text: text[:3000]))
        for text in (secret, f'{{"a": "b", "c": "{secret}"}}', f"It is {secret}, or {secret}!"):
            if any(shapes_in(text)):
                self.assertTrue(has_shape(text), (pattern, text))

    def test_it_costs_no_closer_look_at_ordinary_documents(self) -> None:
        for text in (
            '{"id": 7, "name": "tea", "price": 1.5, "created": "2026-11-23T10:40:00Z", "tags": ["path", "task"]}',
            "The quick brown fox jumps over the lazy dog.", "application/json; charset=utf-8", "keep-alive", "",
            "3f2b8c1e-9a4d-4f6b-8e2a-1c5d7e9f0a00", "https://api.example.com/v1/orders?page=2",
        ):
            self.assertFalse(has_shape(text), text)


if __name__ == "__main__":
    unittest.main()
