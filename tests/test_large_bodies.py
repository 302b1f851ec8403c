"""Large bodies: in slices they read as if printed and parsed at once, for a few copies of them."""

from __future__ import annotations

import json
import tempfile
import tracemalloc
import unittest
from pathlib import Path
from unittest import mock

from hypothesis import example, given, settings
from hypothesis import strategies as st

from cassettes_lib.fileformat import interaction_text, interaction_to_entry, parse_cassette, print_cassette
from cassettes_lib.large_bodies import cut_out_large, with_bodies
from cassettes_lib.layout import entry_text
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, InteractionResponse, Interactions
from cassettes_lib.stores import JsonFileCassetteStore

SOME = (
    b"\n          ]", b'"body": {\n', b'\n      "request": {', b"\\", b'"', b"\r\n", "é\u2028😀".encode(), b"[1]",
    b"\0",
)


def interaction(request_body: bytes, body: bytes) -> Interaction:
    return Interaction(
        request=InteractionRequest(method="PUT", url="http://h/", body=request_body),
        response=InteractionResponse(status=200, body=body),
    )


def small_limits() -> mock._patch_dict:
    """Ten bytes are large, and slices have three."""
    return mock.patch.multiple("cassettes_lib.large_bodies", LARGE=10, _SLICE=3)  # type: ignore[return-value]


bodies = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=40).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(st.sampled_from((*SOME, b"a", b"\n", b"\xff")), max_size=9).map(b"".join),
)


class SlicesTest(unittest.TestCase):
    @settings(max_examples=400, deadline=None)
    @given(bodies, bodies)
    @example(b"line\n" * 9, b"\xff" * 40)
    @example(b"", b"\n" * 20)
    def test_they_are_the_text_and_the_bytes_of_the_whole(self, request_body: bytes, body: bytes) -> None:
        value = interaction(request_body, body)
        with mock.patch("cassettes_lib.bodies.LARGE", 10):
            whole = entry_text(interaction_to_entry(value))
        with small_limits():
            self.assertEqual(interaction_text(Interactions([value]), 0), whole)
            text, cut_out = cut_out_large(whole)
        self.assertEqual(Interaction.model_validate(with_bodies(json.loads(text), cut_out)), value)

    def test_bodies_in_base64_and_in_lines_are_cut_out(self) -> None:
        value = interaction(b"line\n" * 9, b"\xff" * 40)
        with small_limits():
            text, cut_out = cut_out_large(entry_text(interaction_to_entry(value)))
        self.assertEqual(cut_out, {"request": b"line\n" * 9, "response": b"\xff" * 40})
        self.assertLess(len(text), 400)

    def test_what_is_not_as_it_should_be_is_left_to_the_parser(self) -> None:
        for body, good, bad in (
            (b"\xff" * 40, b"////", b"//?/"), (b"\xff" * 40, b'"\n        }', b'",\n          "x": 1\n        }'),
            (b"ab\ncd\nef\ngh", b'"cd",', b'"cd"'), (b"ab\ncd\nef\ngh", b'"ef",', b"3,"),
            (b"ab\ncd\nef\ngh", b'"gh"', b'"gh",'), (b"ab\ncd\nef\ngh", b'"cd"', b'"\\ud800"'),
        ):
            text = entry_text(interaction_to_entry(interaction(b"", body)))
            wrong = text.replace(good, bad, 1)
            self.assertNotEqual(wrong, text)
            with self.subTest(bad=bad), small_limits():
                self.assertEqual(cut_out_large(wrong), (wrong, {}))

    def test_a_large_body_is_read_where_the_rest_is_doubtful(self) -> None:
        value = Interaction(
            request=InteractionRequest(method="GET", url="http://h/", headers=(("X", "folded\r\n value"),)),
            response=InteractionResponse(status=200, body=b"\xff" * 40, headers=(("A", "1"), ("B", "2"), ("a", "3"))),
        )
        with small_limits():
            text = print_cassette(Cassette(interactions=Interactions([value])))
            self.assertEqual(parse_cassette(text, "x").interactions[0], value)

    def test_large_json_is_text(self) -> None:
        body = b'{"rows": [' + b'{"a": 1}, ' * 900_000 + b"{}]}"
        form = interaction_to_entry(interaction(b"", body))["response"]["body"]
        self.assertEqual(form, {"text": body.decode()})


class MemoryTest(unittest.TestCase):
    SIZE = 20_000_000

    def copies(self, body: bytes) -> tuple[float, float]:
        """How many copies of a body were held at once while it was saved, beside itself, and while it was loaded."""
        path = Path(self.enterContext(tempfile.TemporaryDirectory()), "large.json")
        cassette = Cassette(interactions=Interactions([interaction(b"", body)]))
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        JsonFileCassetteStore(path).save(cassette)
        saving = tracemalloc.get_traced_memory()[1]
        tracemalloc.reset_peak()
        response = JsonFileCassetteStore(path).load().interactions[0].response
        loading = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert response is not None
        self.assertEqual(response.body, body)
        return saving / len(body), loading / len(body)

    def test_saving_and_loading_take_a_few_copies(self) -> None:
        lines = b"a line of a text, the size of a usual one\n"
        for body in (bytes(range(256)) * (self.SIZE // 256), lines * (self.SIZE // len(lines))):
            with self.subTest(body[:20]):
                saving, loading = self.copies(body)
                self.assertLess(saving, 3.2)
                self.assertLess(loading, 5)


if __name__ == "__main__":
    unittest.main()
