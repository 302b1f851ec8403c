"""The importers against files that are damaged, or made to harm: CassetteImportError, quickly, and no code."""

from __future__ import annotations

import base64
import gzip
import json
import random
import sys
import time
import tracemalloc
import unittest
from pathlib import Path
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from cassettes_lib.errors import CassetteImportError
from cassettes_lib.importers import FORMATS, import_cassette
from cassettes_lib.importers.contents import undo_content_encoding
from cassettes_lib.importers.yamltext import MAX_DEPTH, YamlError, read_yaml

RECORDINGS = Path(__file__).parent / "data" / "recordings"
SMALL = sorted(path for path in RECORDINGS.rglob("*") if path.is_file() and 0 < path.stat().st_size < 6000)
TOKENS = [
    b"\x00", b"\xff", b"[", b"{", b"}", b"\"", b"'", b"\n", b"\n  ", b"- ", b": ", b"&a ", b"*a", b"!!binary ", b"null",
    b"1e999", b"-1", b"\xed\xa0\x80", b"\\ud800", b"!!python/tuple ", b"<<: ", b"9" * 5000, b"\xe2\x80\xa8", b"? ",
]
MEMBERS = [
    "interactions", "http_interactions", "log", "entries", "responses", "response", "request", "headers", "body",
    "string", "base64_string", "status", "code", "message", "method", "uri", "url", "content", "text", "encoding",
    "name", "value", "postData", "params", "type", "recorded_at", "startedDateTime", "parsed_body", "_cassettes",
]


def mutated(data: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.randint(1, 40))
        match chance.randrange(5):
            case 0:
                data = data[:at]
            case 1:
                data = data[:at] + data[end:]
            case 2:
                data = data[:at] + chance.choice(TOKENS) + data[at:]
            case 3:
                data = data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
            case 4:
                data = data[:end] + data[at:]
    return data


def read(text: str) -> object:
    return read_yaml(text, lambda warning: None)


class DamageTest(unittest.TestCase):
    def test_only_import_errors_escape_from_damaged_recordings(self) -> None:
        chance = random.Random(20240607)
        for path in SMALL:
            data = path.read_bytes()
            for number in range(12):
                damaged = mutated(data, chance)
                started = time.monotonic()
                try:
                    import_cassette(damaged, path=path.name)
                except CassetteImportError as error:
                    self.assertLess(len(str(error)), 1000)
                except Exception as error:
                    raise AssertionError(f"{path.name}, mutation {number}: {damaged!r}") from error
                self.assertLess(time.monotonic() - started, 5)

    @settings(max_examples=60, deadline=None)
    @given(st.binary(max_size=60), st.sampled_from((None, *FORMATS)))
    def test_any_bytes_are_a_recording_or_an_import_error(self, data: bytes, source_format: str | None) -> None:
        for content in (data, b"interactions: " + data, b'{"log": ' + data):
            try:
                import_cassette(content, source_format=source_format)
            except CassetteImportError:
                pass

    JSON = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5),
        max_leaves=12,
    )

    @settings(max_examples=200, deadline=None)
    @given(JSON, JSON, st.sampled_from(FORMATS))
    def test_any_shape_is_a_recording_or_an_import_error(self, request: object, response: object, name: str) -> None:
        entry = {"request": request, "response": response}
        good_request = {"method": "GET", "uri": "http://a/", "url": "http://a/"}
        for each in (entry, {"request": good_request, "response": response}):
            top = {"interactions": [each], "http_interactions": [each], "log": {"entries": [each]}, "responses": [each]}
            try:
                import_cassette(json.dumps(top), source_format=name)
            except CassetteImportError:
                pass


class BombTest(unittest.TestCase):
    def refused(self, text: str) -> str:
        with self.assertRaises(CassetteImportError) as caught:
            import_cassette(text)
        return str(caught.exception)

    def test_deep_nesting_is_an_error(self) -> None:
        for text in ("[" * 50_000, '{"log":' * 50_000, "interactions: " + "[" * 20_000, "- " * 20_000,
                     '{"interactions": ' + "[" * 900 + "]" * 900 + "}"):
            with self.subTest(text[:20]):
                self.refused(text)

    def test_nesting_up_to_the_limit_is_read(self) -> None:
        self.assertIsInstance(read("[" * MAX_DEPTH + "]" * MAX_DEPTH), list)
        with self.assertRaisesRegex(YamlError, "levels deep"):
            read("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))

    def test_aliases_that_expand_to_gigabytes_are_refused_quickly_and_in_little_memory(self) -> None:
        levels = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
        levels += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
        keys = ["a0: &a0 {k: x}"]
        keys += [f"a{n}: &a{n} {{{','.join(f'k{m}: *a{n - 1}' for m in range(9))}}}" for n in range(1, 30)]
        for lines in (levels, keys):
            tracemalloc.start()
            self.assertIn("aliases", self.refused("\n".join([*lines, "interactions: []", ""])))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            self.assertLess(peak, 20_000_000)

    def test_honest_aliases_are_read(self) -> None:
        document = read("a: &x {k: [1, 2]}\nb: *x\nc: {<<: *x, l: 3}\nd: [*x, *x]\n")
        same = {"k": [1, 2]}
        self.assertEqual(document, {"a": same, "b": same, "c": {"k": [1, 2], "l": 3}, "d": [same, same]})

    def test_an_alias_of_itself_is_an_error(self) -> None:
        for text in ("interactions: &x\n- *x\n", "interactions: &x {a: *x}", "interactions: *nowhere"):
            self.assertIn("alias", self.refused(text))

    def test_a_compression_bomb_stays_compressed(self) -> None:
        bomb = gzip.compress(bytes(3_000_000))
        with mock.patch("cassettes_lib.importers.contents.MAX_DECODED", 1_000_000):
            self.assertEqual(undo_content_encoding(bomb, "gzip"), (bomb, True))
            twice = gzip.compress(bomb)  # once, since it holds the time
            self.assertEqual(undo_content_encoding(twice, "gzip, gzip"), (twice, True))

    def test_a_huge_number_is_an_error(self) -> None:
        self.refused('{"interactions": ' + "9" * 5000 + "}")
        self.refused("interactions: " + "9" * 5000)


class TagsTest(unittest.TestCase):
    def test_tags_that_name_code_are_refused(self) -> None:
        for tag, value in (
            ("!!python/object/apply:os.system", "[exit]"), ("!!python/object/new:subprocess.Popen", "[[/bin/true]]"),
            ("!!python/name:os.system", "''"), ("!!python/module:this", "''"),
            ("!!python/object:vcr.request.Thing", "{}"),
            ("!!python/object/apply:builtins.eval", "['1']"), ("!!python/object/apply:builtins.exec", "['1']"),
            ("!!python/object/new:type", "{args: [X, [], {}]}"), ("!secret", "x"), ("!<tag:example.com,2000:x>", "x"),
            ("!!set", "{a: null}"),
        ):
            with self.subTest(tag), self.assertRaisesRegex(YamlError, "refused"):
                read(f"a: {tag} {value}\n")
        self.assertNotIn("this", sys.modules)

    def test_no_constructor_of_pyyaml_runs(self) -> None:
        with mock.patch("yaml.constructor.BaseConstructor.construct_object", side_effect=AssertionError("constructed")):
            read("a: !!python/tuple [1, !!binary aGk=, 2020-01-01]\n")

    def test_tagged_data_is_the_data(self) -> None:
        document = read(
            "set: !!python/object/apply:__builtin__.frozenset\n- - !!python/tuple [A, b]\n  - !!python/tuple [C, d]\n"
            "dict: !!python/object:requests.structures.CaseInsensitiveDict\n  _store:\n    a: !!python/tuple [A, b]\n"
            "ordered: !!python/object/apply:collections.OrderedDict\n- - [A, b]\n"
            "unicode: !!python/unicode 'x'\nbinary: !!binary |\n  aG\n  k=\nempty: !!python/object/new:_io.BytesIO {}\n"
        )
        self.assertEqual(document, {
            "set": [["A", "b"], ["C", "d"]], "dict": {"A": "b"}, "ordered": {"A": "b"}, "unicode": "x", "binary": b"hi",
            "empty": b"",
        })

    def test_malformed_tagged_data_is_an_error(self) -> None:
        for text in (
            "!!binary x", "!!binary é", "!!python/tuple {a: b}", "!!python/object/apply:builtins.iter {args: 1}",
            "!!python/object/apply:builtins.iter [[1, 2]]", "!!python/object/new:_io.BytesIO {state: [1]}",
            "!!python/object:requests.structures.CaseInsensitiveDict {}", "!!python/object/new:yarl.URL [1]",
            "!!python/object/apply:builtins.frozenset [1, 2]", "!!python/object/new:urllib.parse.SplitResult [a]",
            "!!int x", "!!python/object:vcr.request.Request [a]",
        ):
            with self.subTest(text), self.assertRaises(YamlError):
                read(f"a: {text}\n")

    def test_plain_scalars_keep_what_could_be_text(self) -> None:
        self.assertEqual(
            read("[1, -2, 0123, 1_000, 12:30:45, yes, true, ~, 2020-01-01, 0x1F, '5', 1.50, '<<', =]"),
            [1, -2, "0123", "1_000", "12:30:45", "yes", True, None, "2020-01-01", "0x1F", "5", 1.5, "<<", "="],
        )

    def test_a_number_in_a_header_stays_as_it_was_written(self) -> None:
        cassette = import_cassette(
            "interactions:\n- request: {method: GET, uri: 'http://a/'}\n"
            "  response: {status: {code: 200}, headers: {X: 1.50, Y: 007, Z: 2020-01-01}}\n"
        )
        response = cassette.interactions[0].response
        assert response is not None
        self.assertEqual(response.headers, (("X", "1.50"), ("Y", "007"), ("Z", "2020-01-01")))

    def test_the_parser_without_libyaml_reads_the_same(self) -> None:
        import yaml

        for path in sorted(RECORDINGS.glob("vcrpy_yaml/*")):
            data = path.read_bytes()
            fast = import_cassette(data)
            with mock.patch.object(yaml, "CSafeLoader", yaml.SafeLoader):
                self.assertEqual(import_cassette(data), fast)


class CodingsTest(unittest.TestCase):
    def test_short_text_is_never_taken_for_brotli_or_deflate(self) -> None:
        import brotli

        for number in range(32, 127):
            body = bytes([number])
            for coding in ("br", "deflate"):
                self.assertEqual(undo_content_encoding(body, coding), (body, False))
        packed = brotli.compress(b"hello " * 50)
        self.assertEqual(undo_content_encoding(packed, "br"), (b"hello " * 50, False))

    def test_zstd_is_undone_and_a_cut_one_stays(self) -> None:
        import zstandard

        packed = zstandard.compress(b"hello " * 5000)
        self.assertEqual(undo_content_encoding(packed, "zstd"), (b"hello " * 5000, False))
        self.assertEqual(undo_content_encoding(packed[:-2], "zstd"), (packed[:-2], True))
        self.assertEqual(undo_content_encoding(packed + packed, "zstd"), (b"hello " * 10000, False))

    def test_without_the_module_binary_stays_encoded_and_text_is_taken_as_decoded(self) -> None:
        with mock.patch.dict(sys.modules, {"brotli": None, "zstandard": None}):
            self.assertEqual(undo_content_encoding(b"text", "br"), (b"text", False))
            self.assertEqual(undo_content_encoding(b"\xff\x00", "br"), (b"\xff\x00", True))
            self.assertEqual(undo_content_encoding(b"\x28\xb5\x2f\xfd", "zstd"), (b"\x28\xb5\x2f\xfd", True))

    def test_several_members_of_gzip_are_one_body(self) -> None:
        self.assertEqual(undo_content_encoding(gzip.compress(b"a") + gzip.compress(b"b"), "GZIP"), (b"ab", False))

    @given(st.binary(max_size=50), st.sampled_from(("gzip", "deflate", "br", "zstd", "x", "gzip, br", "identity", "")))
    def test_nothing_escapes(self, body: bytes, coding: str) -> None:
        undo_content_encoding(body, coding)
        undo_content_encoding(base64.b64decode("H4sI") + body, coding)
        undo_content_encoding(b"\x28\xb5\x2f\xfd" + body, coding)


if __name__ == "__main__":
    unittest.main()
