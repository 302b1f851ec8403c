"""Keywords: a wrong one in a call of the public API names the right one."""

from __future__ import annotations

import unittest
from typing import Any

from cassettes_lib.adapter import CassetteAdapter
from cassettes_lib.broker import Broker
from cassettes_lib.buffering import BufferedCassetteStore
from cassettes_lib.keywords import did_you_mean
from cassettes_lib.matching import body, headers, ignoring, url
from cassettes_lib.models import Cassette
from cassettes_lib.redaction import Redactor
from cassettes_lib.stores import JsonFileCassetteStore
from tests.support import MemoryCassetteStore

STORE = MemoryCassetteStore()


class WrongKeywordTest(unittest.TestCase):
    def refuse(self, message: str, function: Any, *args: Any, **keywords: Any) -> None:
        with self.subTest(message), self.assertRaises(TypeError) as caught:
            function(*args, **keywords)
        self.assertEqual(str(caught.exception), message)

    def test_a_misspelt_one_is_answered_with_the_nearest(self) -> None:
        broker = Broker(Cassette())
        for name, meant, function, args in [
            ("querry", "query", ignoring, ()), ("ignor", "ignore", url, ()), ("jsn", "json", body, ()),
            ("ignored", "ignore", headers, ()), ("header", "headers", Redactor, ()),
            ("fild", "fields", Redactor, ()), ("moed", "mode", Broker, (Cassette(),)),
            ("iner", "inner", CassetteAdapter, (broker,)), ("durabel", "durable", JsonFileCassetteStore, ("x.json",)),
            ("second", "seconds", BufferedCassetteStore, (STORE,)),
        ]:
            called = function.__name__  # type: ignore[attr-defined]
            self.refuse(f"{called}() has no keyword {name!r}; did you mean {meant!r}?", function, *args, **{name: []})
        self.refuse("Broker.from_store() has no keyword 'match'; did you mean 'match_on'?", Broker.from_store, STORE,
                    match="url")

    def test_what_others_call_it_is_answered_with_ours(self) -> None:
        self.refuse("ignoring() has no keyword 'params'; write query=[...]", ignoring, params=["ts"])
        self.refuse("Redactor() has no keyword 'json'; write fields=[...]", Redactor, json=["$.pin"])
        self.refuse("Broker() has no keyword 'redact'; write redactor", Broker, Cassette(), redact=None)
        self.refuse("Broker.from_store() has no keyword 'store'; write cassette_store", Broker.from_store, store=STORE)

    def test_one_like_no_other_is_answered_with_all(self) -> None:
        self.refuse("url() has no keyword 'zzz'; there are ignore", url, zzz=1)
        self.refuse("JsonFileCassetteStore() has no keyword 'zzz'; there are path, durable, lock_timeout",
                    JsonFileCassetteStore, "x.json", zzz=1)

    def test_a_value_without_its_keyword_is_answered_with_the_keywords(self) -> None:
        self.refuse("ignoring() takes its arguments by keyword: query, form, json, headers, match_on", ignoring, ["ts"])
        self.refuse("Redactor() takes its arguments by keyword: headers, query, fields, patterns, values, keep, "
                    "placeholders", Redactor, ["X-Badge"])

    def test_right_calls_and_derived_classes_are_as_they_were(self) -> None:
        class Ours(Broker):
            def __init__(self, colour: str, **options: Any) -> None:
                super().__init__(Cassette(), **options)
                self.colour = colour

        self.assertEqual((Ours("red", mode="replay").colour, ignoring.__name__), ("red", "ignoring"))


class NearestNameTest(unittest.TestCase):
    def test_without_a_near_one_the_list_can_be_left_to_the_caller(self) -> None:
        self.assertEqual(did_you_mean("zzz", ["mode"], or_all=False), "")


if __name__ == "__main__":
    unittest.main()
