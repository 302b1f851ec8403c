"""Looking for what may be the name of a secret, word by word, finds what a search through all of the text finds."""

from __future__ import annotations

import unittest
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from cassettes_lib import redaction_rules
from cassettes_lib.redaction_rules import Rules
from cassettes_lib.secret_names import STEMS

PIECES = st.sampled_from([
    *STEMS, "Pass", "TOKEN", "to\u212aen", "\u0130d", "\u00e9", "_", "-", ".", " ", "\\n", "\\", "\n", "\0",
    "\udc80", "x",
    "lorem", "http://a.example/b?c=d", "own name", "Eigenes",
])
TEXTS = st.lists(PIECES | st.text(max_size=3), max_size=8).map("".join)


def rules(*names: str) -> Rules:
    return Rules((), (), names, (), (), ())


class StemTest(unittest.TestCase):
    @given(st.lists(TEXTS, max_size=4), st.sampled_from([(), ("eigenes",), ("own name",), ("caf\u00e9 key",)]))
    def test_it_is_told_as_by_one_search(self, texts: list[str], names: tuple[str, ...]) -> None:
        judged = rules(*names)
        for text in (*texts, *texts):
            self.assertEqual(judged.has_stem(text), judged.stem.search(text.lower()) is not None, text)

    @given(st.lists(st.sampled_from(["12", "13", "1", "ab", "-", "_", "x", "7"]), max_size=9).map("".join))
    def test_which_digits_a_name_has_does_not_matter(self, text: str) -> None:
        for name in ("*12*", "1-2", "ab-1234"):
            judged = rules(name)
            self.assertTrue(judged.has_stem(text) or judged.stem.search(text.lower()) is None, text)
            self.assertEqual(judged.has_stem(text), judged.has_stem(text.replace("3", "2").replace("7", "1")))

    def test_words_that_were_met_are_not_searched_again(self) -> None:
        judged = rules()
        self.assertFalse(judged.has_stem('{"name": "lorem", "tags": ["a", "b"]}'))
        judged._stems = ("lorem",)
        self.assertFalse(judged.has_stem('{"tags": ["b", "lorem", "a"]}'))

    def test_no_more_than_so_many_words_are_remembered(self) -> None:
        judged = rules()
        with mock.patch.object(redaction_rules, "_MOST_WORDS", 10):
            for number in range(100):
                judged.has_stem(f"w{number}")
        self.assertLessEqual(len(judged._innocent), 11)


if __name__ == "__main__":
    unittest.main()
