"""What holds for all requests: matching is an equivalence, blind to spelling and to nothing else.

Each property makes two values, writes each in a spelling of its own, and says that the requests match exactly when the
values are equal. The values are small, so that equal ones and nearly equal ones are met often.
"""

from __future__ import annotations

import json
import random
import unittest
import urllib.parse
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from cassettes_lib.jsonpath import JsonPath, path_to, without
from cassettes_lib.matching import DEFAULT_MATCH_ON, MATCHER_NAMES, header, ignoring, resolve_matchers
from cassettes_lib.matching_urls import canonical_url, url_key
from cassettes_lib.models import InteractionRequest
from tests.support import a_request
from tests.support_matching import match, posted

TEXTS = st.text(st.sampled_from("ab=&%+/?#;:. ~é\u20ac\x00\"\\[]{}<\u2028\U0001f600"), max_size=4)
NAMES = st.sampled_from(["a", "b", "a b", "é", "", "a[]", "%"])
PAIRS = st.lists(st.tuples(NAMES, TEXTS), max_size=4)
NUMBERS = st.one_of(st.integers(-2, 2), st.sampled_from([0.5, 1.0, -0.0, 1e300, 2**53, 2**53 + 1, 10**25, 0.1, 1e-300]))
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, st.sampled_from(["", "1", "true", "é", "\ud800", '"', "\\", "/"]))
JSON = st.recursive(
    LEAVES,
    lambda children: st.one_of(
        st.lists(children, max_size=3), st.dictionaries(st.sampled_from(["a", "b", "é", ""]), children, max_size=3)
    ),
    max_leaves=6,
)
TYPES = [
    "", "application/json", "application/json; charset=utf-16", "text/json;charset=x", "text/plain", "multipart/mixed",
    "multipart/form-data; boundary=a", 'multipart/mixed; boundary="a b"', "application/x-www-form-urlencoded",
]  # fmt: skip
SEEDS = st.integers(0, 2**32)
DEFAULT_PORTS = {"http": 80, "https": 443}
UrlParts = tuple[str, str, int, list[str]]
URL_PARTS = st.tuples(
    st.sampled_from(["http", "https"]),
    st.sampled_from(["h", "a.b", "127.0.0.1", "bücher.example", "[::1]"]),
    st.sampled_from([80, 443, 8080]),
    st.lists(st.text(st.sampled_from("ab/.~é %+;@:é!'"), max_size=4), max_size=3),
)


def changed(value: Any, draw: random.Random) -> Any:
    """Return a value like another one, with one small change somewhere, or none."""
    if isinstance(value, dict) and value and draw.random() < 0.7:
        name = draw.choice(list(value))
        return {**value, name: changed(value[name], draw)}
    if isinstance(value, list) and value and draw.random() < 0.7:
        index = draw.randrange(len(value))
        return [*value[:index], changed(value[index], draw), *value[index + 1 :]]
    if isinstance(value, list) and len(value) > 1 and draw.random() < 0.5:
        return value[::-1]
    return draw.choice([value, value, None, True, False, 0, 1, 1.0, "1", "", [], {}, [value], {"a": value}])


def equal_json(one: Any, other: Any) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(equal_json(one[name], other[name]) for name in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(equal_json(mine, theirs) for mine, theirs in zip(one, other, strict=True))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def written_json(value: Any, draw: random.Random) -> str:
    """Print JSON with its members in any order, any spacing and any escapes."""
    space = draw.choice(["", " ", "\n", "\t "])
    if isinstance(value, dict):
        written = [(written_json(name, draw), written_json(each, draw)) for name, each in value.items()]
        members = [f"{name}{space}:{space}{each}" for name, each in written]
        draw.shuffle(members)
        return "{" + space + f"{space},".join(members) + space + "}"
    if isinstance(value, list):
        return "[" + f",{space}".join(written_json(each, draw) for each in value) + "]"
    text = json.dumps(value, ensure_ascii=draw.random() < 0.5 or value == "\ud800")
    if isinstance(value, str):
        escaped = "".join(f"\\u{ord(each):04X}" for each in value)
        return draw.choice([text, text.replace("/", "\\/"), f'"{escaped}"'])
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 2**53:
        return draw.choice([text, f"{text}.0", f"{text}e0"])
    return text


def written_pairs(pairs: list[tuple[str, str]], draw: random.Random) -> str:
    """Write pairs as a query or a form, each character escaped or not, where it may stand raw."""

    def escaped(text: str) -> str:
        written = []
        for character in text:
            quoted = "".join(f"%{byte:02x}" for byte in character.encode())
            quoted = quoted.upper() if draw.random() < 0.5 else quoted
            raw = character if character not in '&=%+# \x00"\\[]{}<' else "+" if character == " " else quoted
            written.append(draw.choice([quoted, raw]))
        return "".join(written)

    pieces = [f"{escaped(name)}={escaped(value)}" for name, value in pairs]
    return draw.choice(["&", "&&"]).join(pieces)


def spelt_url(parts: UrlParts, draw: random.Random) -> str:
    """Write a URL in one of the many ways that RFC 3986 calls equivalent."""
    scheme, host, port, segments = parts
    written = draw.choice([scheme.upper(), scheme, scheme.capitalize()])
    written += "://" + draw.choice([host, host.upper()])
    if port != DEFAULT_PORTS[scheme] or draw.random() < 0.5:
        written += f":{port}"
    elif draw.random() < 0.2:
        written += ":"
    for segment in segments:
        quoted = urllib.parse.quote(segment, safe="+;@:!'").replace("/", "%2F")
        if "%" not in quoted:
            quoted = "".join(f"%{ord(each):02x}" if each in "ab~." and draw.random() < 0.5 else each for each in quoted)
        written += draw.choice(["/", "/./", "/x/../"]) + quoted
    if not segments and draw.random() < 0.5:
        written += "/"
    return written + draw.choice(["", "#", "#f", "#é?a=b"])


def changed_url(parts: UrlParts, draw: random.Random) -> UrlParts:
    """Return the parts of a URL with one of them another one, or none."""
    scheme, host, port, segments = parts
    segment = draw.choice(["a", "", "~", "%", "a/b", "é", "+", " ", "A"])
    place = draw.randrange(len(segments) + 1)
    return draw.choice([
        parts,
        (draw.choice(["http", "https"]), host, port, segments),
        (scheme, draw.choice(["h", "a.b"]), port, segments),
        (scheme, host, draw.choice([80, 443, 8080]), segments),
        (scheme, host, port, [*segments[:place], segment, *segments[place:]]),
        (scheme, host, port, [*segments[:place], segment, *segments[place + 1 :]]),
        (scheme, host, port, segments[::-1]),
    ])  # fmt: skip


def meant(parts: UrlParts) -> object:
    """Return what a URL of these parts asks for."""
    scheme, host, port, segments = parts
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments and segments[-1] in (".", ".."):
        kept.append("")
    return scheme, host, port, kept or [""]


def stably_shuffled(pairs: list[tuple[str, str]], draw: random.Random) -> list[tuple[str, str]]:
    """Shuffle pairs, but keep the order of those with one name."""
    queues: dict[str, list[tuple[str, str]]] = {}
    for pair in pairs:
        queues.setdefault(pair[0], []).append(pair)
    names = [name for name, _ in pairs]
    draw.shuffle(names)
    return [queues[name].pop(0) for name in names]


class PropertiesTest(unittest.TestCase):
    @given(JSON, SEEDS)
    def test_json_bodies_match_exactly_when_their_values_are_equal(self, value: Any, seed: int) -> None:
        draw = random.Random(seed)
        other = changed(value, draw)
        requests = [posted(written_json(each, draw), "application/json") for each in (value, other)]
        self.assertEqual(match(*requests), equal_json(value, other))

    @given(PAIRS, PAIRS, st.booleans(), SEEDS)
    def test_queries_match_exactly_when_their_pairs_do(
        self, pairs: list[tuple[str, str]], others: list[tuple[str, str]], alike: bool, seed: int
    ) -> None:
        draw = random.Random(seed)
        others = draw.sample(pairs, len(pairs)) if alike else others
        pairs, others = ([pair for pair in each if pair != ("", "")] for each in (pairs, others))
        requests = [a_request(url=f"http://h/?{written_pairs(each, draw)}") for each in (pairs, others)]
        self.assertEqual(match(*requests), sorted(pairs) == sorted(others))

    @given(PAIRS, PAIRS, st.booleans(), SEEDS)
    def test_forms_match_exactly_when_their_pairs_do_in_the_order_of_each_name(
        self, pairs: list[tuple[str, str]], others: list[tuple[str, str]], alike: bool, seed: int
    ) -> None:
        draw = random.Random(seed)
        others = stably_shuffled(pairs, draw) if alike else others
        form = "application/x-www-form-urlencoded"
        requests = [posted(written_pairs(each, draw), form) for each in (pairs, others)]
        by_name = [sorted(each, key=lambda pair: pair[0]) for each in (pairs, others)]
        self.assertEqual(match(*requests), by_name[0] == by_name[1])

    @given(
        st.lists(
            st.tuples(NAMES, st.one_of(st.none(), TEXTS), st.sampled_from(["", "text/plain"]), st.binary(max_size=9)),
            min_size=1,
            max_size=3,
        ),
        SEEDS,
    )
    def test_multiparts_match_exactly_when_their_parts_are_equal(self, parts: list[Any], seed: int) -> None:
        draw = random.Random(seed)
        others = list(parts)
        if draw.random() < 0.5:
            index = draw.randrange(len(parts))
            name, filename, kind, content = parts[index]
            others[index] = draw.choice(
                [
                    (name + "x", filename, kind, content),
                    (name, "f", kind, content),
                    (name, filename, "image/png", content),
                    (name, filename, kind, content + b"\r\n"),
                    (name, filename, kind, content[1:]),
                    parts[0],
                ]
            )

        def written(parts: list[Any]) -> InteractionRequest:
            boundary = "".join(draw.choices("abcXYZ123", k=draw.randint(20, 30)))
            body = b""
            for name, filename, kind, content in parts:
                head = f'form-data; name="{urllib.parse.quote(name)}"'
                head += "" if filename is None else f'; filename="{urllib.parse.quote(filename)}"'
                lines = [f"Content-Disposition: {head}", *([f"Content-Type: {kind}"] if kind else [])]
                draw.shuffle(lines)
                body += f"--{boundary}\r\n{chr(13) + chr(10) if not lines else ''}".encode()
                body += "\r\n".join(lines).encode() + b"\r\n\r\n" + content + b"\r\n"
            return posted(body + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}")

        self.assertEqual(match(written(parts), written(others)), parts == others)

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("123")), max_size=5), SEEDS)
    def test_headers_match_in_any_order_of_different_names(self, headers: list[tuple[str, str]], seed: int) -> None:
        draw = random.Random(seed)
        others = stably_shuffled(headers, draw)
        spelt = tuple((draw.choice([name, name.upper()]), value) for name, value in others)
        one = a_request(headers=tuple(headers))
        self.assertTrue(match(one, a_request(headers=spelt), ("headers", header("a", "b", "c"))))
        if headers:
            self.assertFalse(match(one, a_request(headers=tuple(others[1:])), "headers"))

    @given(URL_PARTS, SEEDS)
    def test_urls_match_exactly_when_their_parts_do_however_they_are_spelt(self, parts: UrlParts, seed: int) -> None:
        draw = random.Random(seed)
        other_parts = changed_url(parts, draw)
        one, other = spelt_url(parts, draw), spelt_url(other_parts, draw)
        are_equal = meant(parts) == meant(other_parts)
        self.assertEqual(url_key(one) == url_key(other), are_equal, (one, other))
        self.assertEqual(canonical_url(one) == canonical_url(other), are_equal, (one, other))
        self.assertNotEqual(url_key(one), url_key(f"{one.partition('#')[0]}?a"))

    @given(st.text(), st.text())
    @example(":", "")
    @example("x:12", "")
    @example("x:12:", "")
    def test_the_key_of_any_url_is_its_canonical_text(self, one: str, other: str) -> None:
        for url in (one, f"http://h{one}", f"http://h/{one}?{other}", f"https://{one}:{other}"):
            canonical = canonical_url(url)
            self.assertEqual(url_key(url), canonical.text())
            if canonical.host and canonical.host.isascii():
                self.assertEqual(canonical_url(canonical.text()), canonical, url)

    @given(
        st.from_regex(
            r"https?://[a-z0-9.-]{1,5}(:[0-9]{1,4})?(/[a-z.~%]{0,3}){0,3}(\?([a-b.]{0,2}=?[a-b%+]{0,2}&?){0,3})?(#.)?",
            fullmatch=True,
        )
    )
    def test_the_short_way_to_the_key_of_a_url_is_the_long_way(self, url: str) -> None:
        self.assertEqual(url_key(url), canonical_url(url).text())

    @given(st.binary(max_size=40), st.sampled_from(TYPES), st.sampled_from(["", "gzip", "deflate", "br", "zstd", "x"]))
    def test_no_body_is_an_exception(self, data: bytes, content_type: str, coding: str) -> None:
        headers = [("Content-Type", content_type), *([("Content-Encoding", coding)] if coding else [])]
        request = a_request("POST", headers=tuple(headers), body=data)
        for matcher in resolve_matchers([*MATCHER_NAMES, ignoring(json=["..a"], form=["a"])]):
            self.assertEqual(hash(matcher(request)), hash(matcher(request.model_copy())))
        multipart = posted(b"--a\r\n" + data + b"\r\n--a--", content_type)
        self.assertTrue(match(multipart, multipart))

    @given(st.lists(st.sampled_from([
        posted(body, kind) for body in ("", "a=1&b=2", "b=2&a=1", '{"a":1}', '{ "a": 1.0}', "1", "1.0", "%61=1&b=2")
        for kind in ("", "application/json", "application/x-www-form-urlencoded", "text/plain")
    ]), min_size=3, max_size=3))  # fmt: skip
    def test_matching_is_an_equivalence_relation(self, requests: list[InteractionRequest]) -> None:
        one, two, three = requests
        self.assertTrue(match(one, one))
        self.assertEqual(match(one, two), match(two, one))
        if match(one, two) and match(two, three):
            self.assertTrue(match(one, three))
        self.assertEqual(match(one, two), keys_of(one) == keys_of(two))

    @given(JSON, SEEDS)
    def test_the_path_to_a_place_removes_that_place_and_no_other(self, value: Any, seed: int) -> None:
        draw = random.Random(seed)
        node, places = value, []
        while isinstance(node, (dict, list)) and node:
            place = draw.choice(list(node) if isinstance(node, dict) else range(len(node)))
            places.append(place)
            if draw.random() < 0.3:
                break
            node = node[place]
        if not places:
            return
        expected = json.loads(json.dumps(value))
        parent = expected
        for place in places[:-1]:
            parent = parent[place]
        del parent[places[-1]]
        self.assertEqual(without(json.loads(json.dumps(value)), [JsonPath.parse(path_to(places))]), expected)

    @given(st.text(st.sampled_from("$.a[]*'\",:-0?@( \\"), max_size=8))
    def test_a_path_is_read_or_refused(self, text: str) -> None:
        try:
            path = JsonPath.parse(text)
        except ValueError as error:
            self.assertIn("the JSON path", str(error))
        else:
            without({"a": [{"a": 1}, [0]]}, [path])


def keys_of(request: InteractionRequest) -> tuple[object, ...]:
    return tuple(matcher(request) for matcher in resolve_matchers(DEFAULT_MATCH_ON))


if __name__ == "__main__":
    unittest.main()
