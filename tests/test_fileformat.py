from __future__ import annotations

import json
import os
import subprocess
import sys
import tracemalloc
import unittest
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from cassettes_lib import fileformat, layout
from cassettes_lib.errors import CassetteFormatError
from cassettes_lib.fileformat import headers_to_form, interaction_text, parse_cassette, print_cassette, read_cassette
from cassettes_lib.header_pairs import Headers
from cassettes_lib.models import (
    BrokenBody,
    Cassette,
    Interaction,
    InteractionFailure,
    InteractionRequest,
    InteractionResponse,
    Interactions,
    RecordingMark,
)
from cassettes_lib.unread import UnreadEntry
from tests.support import a_request, a_response, an_interaction

DATA = Path(__file__).parent / "data"

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=6)
headers = st.lists(st.tuples(texts, texts), max_size=4).map(tuple)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=5,
)
bodies = st.binary(max_size=9) | st.builds(
    lambda value, only_ascii: json.dumps(value, ensure_ascii=only_ascii).encode(), values, st.booleans()
)
requests = st.builds(InteractionRequest, method=texts, url=texts, headers=headers, body=bodies)
responses = st.builds(
    InteractionResponse, status=st.integers(100, 999), reason=texts, headers=headers, body=bodies,
    wire_body=st.booleans(), recoding=texts, chunk_sizes=st.none() | st.lists(st.integers(0, 9), max_size=2).map(tuple),
    http_version=st.sampled_from(["1.1", "1.0"]), broken=st.none() | st.builds(BrokenBody, error=texts, message=texts),
    closed_early=st.booleans(),
)
offsets = st.integers(-80_000, 80_000).map(lambda seconds: timezone(timedelta(seconds=seconds)))
times = st.datetimes(min_value=datetime(1900, 1, 3), timezones=offsets)
failures = st.builds(InteractionFailure, error=texts, message=texts)
interactions = st.builds(
    Interaction, request=requests, response=responses, recorded_at=st.none() | times
) | st.builds(Interaction, request=requests, failure=failures)


def full_cassette() -> Cassette:
    """A cassette in which every member that there is says something."""
    return Cassette.model_validate(
        {
            "interactions": [
                {
                    "recorded_at": "2026-11-23T10:40:00Z",
                    "request": {
                        "method": "POST",
                        "url": "https://api.example.com/orders?page=2",
                        "headers": {"Accept": "*/*", "Content-Type": "application/json"},
                        "body": {"json": {"quantity": 1}},
                        "timeout": 3,
                    },
                    "response": {
                        "status": 201,
                        "reason": "Created",
                        "headers": {"Content-Type": "application/json", "Set-Cookie": ["a=1; Path=/", "b=2; Path=/"]},
                        "body": {"json": {"id": 7, "name": "Grüße \u2028"}, "style": "spaced"},
                        "wire_body": True,
                        "recoding": "gzip 6",
                        "chunk_sizes": [3, 4],
                        "http_version": "1.0",
                        "broken": {"error": "IncompleteRead", "message": "3 more expected"},
                        "closed_early": True,
                    },
                    "note": ["kept", {"by": None}],
                },
                {
                    "request": {"method": "GET", "url": "http://a/"},
                    "response": {"status": 200, "headers": [["A", "1"], ["B", "2"], ["A", "3"]],
                    "body": {"text": ["a", ""]}},
                },
                {
                    "request": {"method": "GET", "url": "http://a/"},
                    "response": {"status": 200, "body": {"base64": "/wA="}},
                },
                {
                    "request": {"method": "GET", "url": "http://a/"},
                    "failure": {"error": "requests.exceptions.ConnectTimeout", "message": "too slow"},
                },
            ],
            "incomplete": [{"session": "f00", "started_at": "2026-11-23T10:39:59.5Z"}],
            "about": "by hand",
        }
    )


class TextTest(unittest.TestCase):
    def test_the_text_is_that_of_the_design(self) -> None:
        text = (DATA / "format-1.json").read_text(encoding="utf-8")
        self.assertEqual(print_cassette(full_cassette()), text)
        self.assertEqual(parse_cassette(text, "format-1.json"), full_cassette())
        self.assertEqual(print_cassette(parse_cassette(text, "format-1.json")), text)

    def test_an_empty_cassette(self) -> None:
        self.assertEqual(print_cassette(Cassette()), '{\n  "format": 1,\n  "interactions": []\n}\n')

    def test_the_text_is_what_the_standard_library_prints(self) -> None:
        text = print_cassette(full_cassette())
        self.assertEqual(json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n", text)

    def test_what_json_does_not_have_is_never_written(self) -> None:
        broken = BrokenBody.model_validate({"error": "a", "message": "b", "own": float("nan")})
        for update, error in (({"broken": broken}, ValueError), ({"reason": b"OK"}, TypeError)):
            response = a_response().model_copy(update=update)
            with self.subTest(update=update), self.assertRaises(error):
                print_cassette(Cassette(interactions=Interactions([an_interaction().model_copy(
                    update={"response": response}
                )])))

    @settings(max_examples=150, deadline=None)
    @given(st.lists(interactions, max_size=4))
    def test_every_cassette_survives(self, given_: list[Interaction]) -> None:
        cassette = Cassette(interactions=Interactions(given_))
        text = print_cassette(cassette)
        ours, its_layout = read_cassette(text.encode(), "x.json")
        self.assertEqual(ours, cassette)
        self.assertIsNotNone(its_layout)
        self.assertEqual(json.dumps(json.loads(text), indent=2, ensure_ascii=False) + "\n", text)
        self.assertEqual(parse_cassette(json.dumps(json.loads(text)), "x.json"), cassette)
        self.assertEqual(print_cassette(ours), text)

    def test_the_bytes_do_not_depend_on_the_hash_seed(self) -> None:
        code = (
            "from tests.test_fileformat import full_cassette, print_cassette; "
            "print(ascii(print_cassette(full_cassette())), end='')"
        )
        root = Path(__file__).parent.parent
        printed = {
            subprocess.run(
                [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root,
                env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            ).stdout
            for seed in ("0", "1", "2")
        }
        self.assertEqual(printed, {ascii(print_cassette(full_cassette()))})

    def test_headers_keep_their_order(self) -> None:
        for pairs, form in [
            ((), {}), ((("A", "1"), ("B", "2")), {"A": "1", "B": "2"}),
            ((("A", "1"), ("A", "2"), ("A", "3"), ("B", "4")), {"A": ["1", "2", "3"], "B": "4"}),
            ((("A", "1"), ("B", "2"), ("A", "3")), [["A", "1"], ["B", "2"], ["A", "3"]]),
            ((("A", "1"), ("a", "2")), {"A": "1", "a": "2"}),
        ]:
            self.assertEqual(headers_to_form(pairs), form)

    @given(headers)
    def test_every_order_of_headers_survives(self, pairs: Headers) -> None:
        form = headers_to_form(pairs)
        request = InteractionRequest.model_validate({"method": "GET", "url": "", "headers": form})
        self.assertEqual(request.headers, pairs)


class UpgradeTest(unittest.TestCase):
    def test_there_is_a_golden_file_of_every_format(self) -> None:
        for version in range(1, fileformat.FORMAT + 1):
            text = (DATA / f"format-{version}.json").read_text(encoding="utf-8")
            self.assertEqual(json.loads(text)["format"], version)
            self.assertEqual(parse_cassette(text, "golden"), full_cassette())

    def test_older_formats_are_lifted_step_by_step(self) -> None:
        def from_1(document: dict[str, Any]) -> dict[str, Any]:
            return {**document, "note": "one"}

        def from_2(document: dict[str, Any]) -> dict[str, Any]:
            return {**document, "note": document["note"] + " two"}

        with (
            mock.patch.object(fileformat, "FORMAT", 3),
            mock.patch.dict(fileformat._UPGRADES, {1: from_1, 2: from_2}),
            mock.patch.object(layout, "_HEAD", layout._HEAD.replace(b"1", b"3")),
        ):
            for version, note in ((1, "one two"), (2, "zero two"), (3, "zero")):
                text = json.dumps({"format": version, "interactions": [], "note": "zero"}, indent=2)
                self.assertEqual(parse_cassette(text, "x").model_extra, {"note": note})
            self.assertIn('"format": 3', print_cassette(Cassette()))
            with self.assertRaisesRegex(CassetteFormatError, "has format 4, newer than the format 3"):
                parse_cassette('{"format": 4}', "x")


class ReadLatelyTest(unittest.TestCase):
    def setUp(self) -> None:
        one = an_interaction(a_request(url="https://api.example.com/1"), a_response(b'{"a": 1}'))
        self.data = print_cassette(Cassette(interactions=Interactions([one]))).encode()
        self.enterContext(mock.patch.dict(fileformat._read_lately, clear=True))

    def test_a_text_that_was_read_before_is_not_read_again(self) -> None:
        first, first_layout = read_cassette(self.data, "x")
        with mock.patch.object(fileformat, "_read_slices", side_effect=AssertionError):
            second, second_layout = read_cassette(bytes(bytearray(self.data)), "x")
        self.assertEqual((first, first_layout), (second, second_layout))
        self.assertEqual(print_cassette(second).encode(), self.data)

    def test_what_is_added_to_the_one_is_not_in_the_other(self) -> None:
        cassettes = [read_cassette(self.data, "x")[0] for _ in range(3)]
        longer = cassettes[1].plus(an_interaction())
        self.assertEqual([len(each.interactions) for each in (*cassettes, longer)], [1, 1, 1, 2])
        self.assertFalse(longer.interactions.continues(cassettes[0].interactions))
        self.assertEqual(len(read_cassette(self.data, "x")[0].interactions), 1)

    def test_another_text_is_read_however_alike_it_is(self) -> None:
        read_cassette(self.data, "x")
        changed = self.data.replace(b'"a": 1', b'"a": 2')
        response = read_cassette(changed, "x")[0].interactions[0].response
        assert response is not None
        self.assertEqual(response.body, b'{"a": 2}')
        with self.assertRaises(CassetteFormatError):
            read_cassette(self.data.replace(b'"a": 1', b'"a": !'), "x")

    def test_no_more_is_remembered_than_there_is_room_for(self) -> None:
        for number in range(100):
            read_cassette(self.data, f"{number}.json")
        self.assertLess(len(fileformat._read_lately), 40)
        read_cassette(self.data.replace(b'"a": 1', b'"a": "' + b"x" * 70_000 + b'"'), "large.json")
        self.assertNotIn("large.json", fileformat._read_lately)


class SlicesTest(unittest.TestCase):
    def setUp(self) -> None:
        self.cassette = Cassette(
            interactions=Interactions(
                an_interaction(a_request(url=f"https://api.example.com/{number}"), a_response(b'{"a": [1, "3"]}' * 20))
                for number in range(200)
            )
        )
        self.data = print_cassette(self.cassette).encode()

    def test_no_interaction_is_built_before_it_is_asked_for(self) -> None:
        with mock.patch.object(Interaction, "model_validate", side_effect=AssertionError):
            loaded = read_cassette(self.data, "x")[0]
            self.assertEqual(loaded.interactions.head_at(7), ("GET", "https://api.example.com/7"))
        self.assertIsInstance(loaded.interactions.unread_at(7), UnreadEntry)
        self.assertEqual(loaded, self.cassette)

    def test_what_was_not_read_is_printed_as_it_stands(self) -> None:
        with mock.patch.object(Interaction, "model_validate", side_effect=AssertionError):
            loaded = read_cassette(self.data, "x")[0]
            self.assertEqual(print_cassette(loaded).encode(), self.data)

    @given(interactions, st.sampled_from(["request", "response", "broken", "failure", "itself"]), values)
    def test_what_is_printed_in_parts_is_what_is_printed_as_a_whole(
        self, interaction: Interaction, where: str, value: Any
    ) -> None:
        response = interaction.response
        if where == "itself":
            interaction = interaction.model_copy(update={"note": value})
        elif where == "broken" and response and response.broken:
            broken = response.broken.model_copy(update={"note": value})
            interaction = interaction.model_copy(update={"response": response.model_copy(update={"broken": broken})})
        elif isinstance(getattr(interaction, where, None), (InteractionRequest, InteractionResponse)):
            changed = getattr(interaction, where).model_copy(update={"headers": (("A", value),), "note": value})
            interaction = interaction.model_copy(update={where: changed})
        listed = Interactions([interaction])
        in_parts = interaction_text(listed, 0)
        with mock.patch.object(fileformat, "_quick_text", return_value=None):
            self.assertEqual(interaction_text(listed, 0), in_parts)

    def test_memory_stays_within_three_times_the_text(self) -> None:
        tracemalloc.start()
        try:
            loaded = read_cassette(self.data, "x")
            self.assertLess(tracemalloc.get_traced_memory()[1], 2 * len(self.data), "beside the bytes themselves")
        finally:
            tracemalloc.stop()
        self.assertEqual(loaded[0], self.cassette)

    def test_the_layout_says_where_everything_stands(self) -> None:
        cassette = self.cassette.model_copy(update={"incomplete": (RecordingMark(session="a"),
            RecordingMark(session="b"))})
        data = print_cassette(cassette).encode()
        found = read_cassette(data, "x")[1]
        assert found is not None
        self.assertEqual(len(found.slices), 200)
        for (start, end), interaction in zip(found.slices, self.cassette.interactions, strict=True):
            self.assertEqual(Interaction.model_validate(json.loads(data[start:end])), interaction)
        self.assertEqual(found.slices[-1][1], found.end)
        self.assertEqual(list(found.members), ["incomplete"])
        more = self.cassette.plus(an_interaction()).interactions
        added = layout.joined([fileformat.interaction_text(more, 200)])
        self.assertEqual(
            data[: found.end] + b"," + added + data[found.end :],
            print_cassette(cassette.plus(an_interaction())).encode(),
        )

    def test_any_other_layout_is_read_as_a_whole(self) -> None:
        document = json.loads(self.data)
        swapped = {"interactions": document["interactions"], "format": 1}
        for text in (
            json.dumps(document), json.dumps(document, indent=1), json.dumps(document, indent=2) + " x"[:1],
            json.dumps(swapped, indent=2), self.data.decode().replace("\n", "\r\n"), "\ufeff" + self.data.decode(),
            self.data.decode().replace("    {\n", "    {\n\n", 3), self.data.decode().replace("    },\n    {",
                "    }, {", 2),
        ):
            self.assertEqual(parse_cassette(text, "x"), self.cassette)

    def test_bodies_that_look_like_the_layout_are_harmless(self) -> None:
        for body in (b"\n    },\n    {\n", b"\n    }\n  ]\n}\n", self.data):
            cassette = Cassette(interactions=Interactions([an_interaction(response=a_response(body))] * 3))
            loaded, found = read_cassette(print_cassette(cassette).encode(), "x")
            self.assertEqual(loaded, cassette)
            self.assertIsNotNone(found)

    def test_a_text_may_have_members_twice(self) -> None:
        text = self.data.decode().replace("\n  ]\n}\n", '\n  ],\n  "format": 1,\n  "interactions": []\n}\n')
        self.assertEqual(len(parse_cassette(text, "x").interactions), 0, "the last one counts, as json has it")


if __name__ == "__main__":
    unittest.main()
