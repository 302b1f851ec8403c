"""The dialect of JSON paths."""

from __future__ import annotations

import copy
import unittest

from cassettes_lib.jsonpath import JsonPath, path_to, without

DOCUMENT = {
    "a": {"b": 1, "c": 2},
    "items": [{"id": 1, "n": "x"}, {"id": 2, "n": "y"}, {"id": 3}],
    "deep": [{"nonce": 1, "more": {"nonce": 2, "rest": 0}}],
    "nonce": 3,
    "user-id": 4,
    "a.b": 5,
    "it's": 6,
    "@type": 7,
    "$ref": 8,
    "é": 9,
}


def rest_of(*paths: str) -> object:
    return without(copy.deepcopy(DOCUMENT), [JsonPath.parse(path) for path in paths])


def changed(**members: object) -> dict[str, object]:
    return copy.deepcopy(DOCUMENT) | members


def lacking(*names: str) -> dict[str, object]:
    return {name: value for name, value in copy.deepcopy(DOCUMENT).items() if name not in names}


class JsonPathTest(unittest.TestCase):
    def test_a_path_selects_places(self) -> None:
        for path, expected in (
            ("$.a.b", changed(a={"c": 2})),
            ("a.b", changed(a={"c": 2})),
            ("$['a']['b']", changed(a={"c": 2})),
            ('$["a"].b', changed(a={"c": 2})),
            ("$.a.*", changed(a={})),
            ("a[*]", changed(a={})),
            ("$['a.b']", lacking("a.b")),
            (r"$['it\'s']", lacking("it's")),
            ('$["it\'s"]', lacking("it's")),
            (r"$['\u00e9']", lacking("é")),
            ("é", lacking("é")),
            ("user-id", lacking("user-id")),
            ("$.@type", lacking("@type")),
            ("$.$ref", lacking("$ref")),
            ("$['a.b', 'nonce']", lacking("a.b", "nonce")),
            ("items[*].id", changed(items=[{"n": "x"}, {"n": "y"}, {}])),
            ("items.*.id", changed(items=[{"n": "x"}, {"n": "y"}, {}])),
            ("items[0]", changed(items=[{"id": 2, "n": "y"}, {"id": 3}])),
            ("items[-1]", changed(items=[{"id": 1, "n": "x"}, {"id": 2, "n": "y"}])),
            ("items[-3]", changed(items=[{"id": 2, "n": "y"}, {"id": 3}])),
            ("items[-4]", DOCUMENT),
            ("items[0,2]", changed(items=[{"id": 2, "n": "y"}])),
            ("items[1:]", changed(items=[{"id": 1, "n": "x"}])),
            ("items[:-1].n", changed(items=[{"id": 1}, {"id": 2}, {"id": 3}])),
            ("items[::2]", changed(items=[{"id": 2, "n": "y"}])),
            ("items[*]", changed(items=[])),
            ("..nonce", lacking("nonce") | {"deep": [{"more": {"rest": 0}}]}),
            ("$..nonce", lacking("nonce") | {"deep": [{"more": {"rest": 0}}]}),
            ("deep..nonce", changed(deep=[{"more": {"rest": 0}}])),
            ("$..more..nonce", changed(deep=[{"nonce": 1, "more": {"rest": 0}}])),
            ("$..[0].id", changed(items=[{"n": "x"}, {"id": 2, "n": "y"}, {"id": 3}])),
            ("$..*", {}),
            ("$", None),
            ("missing", DOCUMENT),
            ("nonce.deeper", DOCUMENT),
            ("items.id", DOCUMENT),
            ("items[7]", DOCUMENT),
            ("a[0]", DOCUMENT),
        ):
            with self.subTest(path):
                self.assertEqual(rest_of(path), expected)

    def test_several_paths_apply_to_the_value_as_it_was(self) -> None:
        self.assertEqual(rest_of("items[0]", "items[1]"), changed(items=[{"id": 3}]))
        self.assertEqual(rest_of("items[0].id", "items[0]"), changed(items=[{"id": 2, "n": "y"}, {"id": 3}]))

    def test_the_index_one_is_not_the_wildcard(self) -> None:
        self.assertEqual(without([1, 2], [JsonPath.parse("[1]")]), [1])

    def test_any_depth_is_no_matter(self) -> None:
        value: object = {"nonce": 1}
        for _ in range(5_000):
            value = [value]
        without(value, [JsonPath.parse("..nonce")])
        while isinstance(value, list):
            (value,) = value
        self.assertEqual(value, {})

    def test_what_is_no_path_is_refused_with_the_place(self) -> None:
        for path, expected in (
            ("", "the JSON path '', at column 1: is empty; the whole value is '$'"),
            ("a..", "the JSON path 'a..', at column 4: a name belongs here"),
            ("a.", "the JSON path 'a.', at column 3: a name belongs here"),
            ("$a", "the JSON path '$a', at column 2: a dot or a bracket belongs here"),
            ("a b", "the JSON path 'a b', at column 2: a dot or a bracket belongs here"),
            ("a[", "the JSON path 'a[', at column 3: an index, a slice, * or a name in quotes belongs here"),
            ("a[b]", "the JSON path 'a[b]', at column 3: an index, a slice, * or a name in quotes belongs here"),
            ("a[0", "the JSON path 'a[0', at column 4: a comma or a closing bracket belongs here"),
            ("a[::0]", "the JSON path 'a[::0]', at column 6: a slice has a step other than 0"),
            ("a[?(@.b)]", "the JSON path 'a[?(@.b)]', at column 3: filters are not part of this dialect"),
        ):
            with self.subTest(path), self.assertRaises(ValueError) as caught:
                JsonPath.parse(path)
            with self.subTest(path):
                self.assertIn(expected, str(caught.exception))

    def test_a_path_is_a_string(self) -> None:
        with self.assertRaisesRegex(TypeError, "a JSON path is a string such as"):
            JsonPath.parse(7)  # type: ignore[arg-type]

    def test_the_path_of_a_place_selects_it(self) -> None:
        for places, expected in (
            ((), "$"),
            (("a", "b"), "$.a.b"),
            (("items", 0, "id"), "$.items[0].id"),
            (("items", None, "id"), "$.items[*].id"),
            (("a.b",), '$["a.b"]'),
            (("it's",), '$["it\'s"]'),
            (('"',), '$["\\""]'),
            (("é",), "$.é"),
            (("\n",), '$["\\n"]'),
            (("0",), '$["0"]'),
        ):
            with self.subTest(expected):
                self.assertEqual(path_to(places), expected)
                JsonPath.parse(expected)
        for name in DOCUMENT:
            with self.subTest(name):
                self.assertEqual(rest_of(path_to([name])), lacking(name))


if __name__ == "__main__":
    unittest.main()
