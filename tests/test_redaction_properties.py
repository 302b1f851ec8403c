from __future__ import annotations

import base64
import html
import json
import unittest
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cassettes_lib.models import Interaction, InteractionRequest, InteractionResponse
from cassettes_lib.redaction import Redactor
from cassettes_lib.secret_shapes import is_empty, is_rare
from tests.secrets_table import S, answered
from tests.test_redaction import survivors

SECRET_NAMES = (
    "password", "access_token", "apiKey", "client-secret", "X-Api-Key", "refreshToken", "db_password", "pwd",
)  # fmt: skip
INNOCENT_NAMES = ("name", "token_type", "max_tokens", "nextPageToken", "id", "secretary", "author", "created_at")
FORM = "application/x-www-form-urlencoded"
CONTENT_TYPES = (
    "application/json", FORM, "text/plain", "text/html", "application/xml", "text/csv",
    "multipart/form-data; boundary=b", "application/octet-stream", "text/plain; charset=utf-16", "",
)  # fmt: skip

header_text = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)
fragments = st.sampled_from((
    "password=", "token: ", '"secret":"', "&", "?", "=", "eyJhbGciOiJIUzI1NiJ9.e30.abc",
    "ghp_" + "aB1" * 12, "://", "@", "%3D",
    "\\u0041", "&amp;", "REDACTED-1", "REDACTED-", "REDACTED-12", "73332833000001", "<password>",
    "</password>", "{", "}", "[", '"',
    "Bearer abcDEF123456", "\n", "\r\n", "--b", "a1B2c3D4e5", "/", ";", ",", "is ",
    "--token x1y2z3w4", "Cookie: a=b1c2d3e4",
    "-----BEGIN RSA PRIVATE KEY-----", "abc", "-----END RSA PRIVATE KEY-----", "\u0130", "UkVEQUNURUQt", "\0",
))  # fmt: skip
messy_text = st.lists(st.one_of(fragments, st.text(max_size=6)), max_size=14).map("".join)
numbers = st.one_of(st.integers(), st.floats(allow_nan=False, allow_infinity=False))
scalars = st.one_of(messy_text, numbers, st.booleans(), st.none())
names = st.one_of(st.sampled_from(SECRET_NAMES + INNOCENT_NAMES), st.text(max_size=8))
documents = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=4)),
    max_leaves=8,
)


innocents = st.one_of(st.integers(), st.uuids().map(str), st.datetimes().map(str))


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from(("json", "messy", "bytes", "form", "multipart")))
    if kind == "json":
        return json.dumps(draw(documents), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if kind == "bytes":
        return draw(st.binary(max_size=80))
    if kind == "form":
        pairs = draw(st.lists(st.tuples(names, messy_text), max_size=4))
        return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in pairs).encode()
    text = draw(messy_text).encode("utf-8", "surrogatepass")
    if kind == "multipart":
        name = draw(st.sampled_from(SECRET_NAMES + INNOCENT_NAMES)).encode()
        return b'--b\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + text + b"\r\n--b--\r\n"
    return text


def _quoted(text: str) -> str:
    return quote_plus(text.encode("utf-8", "surrogatepass"))


@st.composite
def interactions(draw: st.DrawFn) -> Interaction:
    content_type = draw(st.sampled_from(CONTENT_TYPES))
    header_names = st.sampled_from(("X-A", "Cookie", "Authorization", "Link", "Location"))
    more = draw(st.lists(st.tuples(header_names, header_text), max_size=3))
    headers = (("Content-Type", content_type), *((name, value.strip()) for name, value in more))
    path = draw(messy_text)
    return Interaction(
        request=InteractionRequest(
            method="POST",
            url=f"https://api.example.com/{_quoted(path)}?{draw(messy_text)}",
            headers=headers,
            body=draw(bodies()),
        ),
        response=InteractionResponse(status=200, headers=headers, body=draw(bodies())),
    )


# Secrets of any alphabet, long and mixed enough to be looked for everywhere.
secrets = (
    st.text(st.characters(min_codepoint=33, max_codepoint=0x24F, exclude_characters="\x7f"), min_size=8, max_size=24)
    .map(lambda text: f"{text}q7Z")
    .filter(lambda text: is_rare(text) and not is_empty(text) and "REDACTED" not in text and text == text.strip())
)


def _base64_of(secret: str, before: str, after: str) -> str:
    return base64.b64encode(f"{before}{secret}{after}".encode()).decode()


ENCODERS: tuple[Callable[[str, str, str], str], ...] = (
    lambda secret, before, after: f"{before}{secret}{after}",
    lambda secret, before, after: f"{before}{quote(secret, safe='')}{after}",
    lambda secret, before, after: f"{before}{quote(secret, safe='/:@!$')}{after}",
    lambda secret, before, after: quote_plus(f"{before}{secret}{after}"),
    _base64_of,
    lambda secret, before, after: _base64_of(secret, before, after).translate(str.maketrans("+/", "-_")).rstrip("="),
    lambda secret, before, after: f"{before}{json.dumps(secret)[1:-1]}{after}",
    lambda secret, before, after: f"{before}{html.escape(secret)}{after}",
    lambda secret, before, after: f"{before}{''.join(f'&#{ord(c)};' if not c.isalnum() else c for c in secret)}{after}",
    lambda secret, before, after: f"{before}{secret.encode().hex()}{after}",
)
PLACES: tuple[Callable[[str], Interaction], ...] = (
    lambda text: _asked(f"https://api.example.com/{quote(text, safe='')}"),
    lambda text: _asked(f"https://api.example.com/?q={quote_plus(text)}&x=1"),
    lambda text: _asked("https://api.example.com/", body=json.dumps({"a": [text]}).encode()),
    lambda text: _asked("https://api.example.com/", body=json.dumps({"a": json.dumps({"b": text})}).encode()),
    lambda text: _asked("https://api.example.com/", "text/plain", text.encode()),
    lambda text: _asked("https://api.example.com/", "text/html", f"<p title='x'>{text}</p>".encode()),
    lambda text: _asked("https://api.example.com/", FORM, f"a={quote_plus(text)}".encode()),
    lambda text: _asked("https://api.example.com/", "application/octet-stream", b"\xff\x00" + text.encode() + b"\xff"),
)  # fmt: skip


def _asked(url: str, content_type: str = "application/json", body: bytes = b"") -> Interaction:
    return Interaction(
        request=InteractionRequest(method="POST", url=url, headers=(("Content-Type", content_type),), body=body),
        response=InteractionResponse(status=200),
    )


class RedactionProperties(unittest.TestCase):
    @settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(interactions())
    def test_redacting_twice_is_redacting_once_and_what_is_asked_becomes_what_was_recorded(
        self, interaction: Interaction
    ) -> None:
        session = Redactor().start()
        once = session.interaction(interaction)
        self.assertEqual(session.interaction(once), once)
        self.assertEqual(Redactor().start().interaction(once), once)
        recorder, player = Redactor().start(), Redactor().start()
        asked = recorder.request(interaction.request)
        recorder.interaction(interaction)
        self.assertEqual(player.request(interaction.request), asked)

    @settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(documents)
    @example({"password": {"password": "x"}})
    @example(["token: --token x1y2z3w4", "%3D\x1f\x1f--token x1y2z3w4"])  # two kinds of escapes before a known value
    def test_json_keeps_its_structure_and_types(self, document: Any) -> None:
        text = json.dumps(document)
        redacted = Redactor().start().interaction(_asked("https://x/", body=text.encode())).request.body
        self.assertEqual(_types(json.loads(redacted)), _types(json.loads(text)))

    @settings(max_examples=400, deadline=None)
    @given(
        secrets, st.sampled_from(ENCODERS), st.sampled_from(PLACES),
        st.sampled_from(("", "x", "id:", "a/b", "Ω")), st.sampled_from(("", "y", ":x", "zz9", "!")),
    )  # fmt: skip
    def test_a_known_secret_survives_in_no_encoding_and_no_place(
        self,
        secret: str,
        encode: Callable[[str, str, str], str],
        place: Callable[[str], Interaction],
        before: str,
        after: str,
    ) -> None:
        session = Redactor(values=[secret]).start()
        redacted = session.interaction(place(encode(secret, before, after)))
        self.assertEqual(survivors(redacted, (secret,)), [])

    @settings(max_examples=200, deadline=None)
    @given(secrets, st.sampled_from(SECRET_NAMES), st.sampled_from(PLACES))
    def test_a_secret_seen_under_its_name_is_removed_elsewhere(
        self, secret: str, name: str, place: Callable[[str], Interaction]
    ) -> None:
        session = Redactor().start()
        first = session.interaction(_asked("https://x/", body=json.dumps({name: secret}).encode()))
        second = session.interaction(place(secret))
        self.assertEqual(survivors(first, (secret,)) + survivors(second, (secret,)), [])

    @settings(max_examples=200, deadline=None)
    @given(secrets, secrets, st.sampled_from(PLACES), st.sampled_from(PLACES))
    def test_another_secret_in_the_place_of_a_recorded_one_stands_in(
        self, recorded: str, own: str, place: Callable[[str], Interaction], other: Callable[[str], Interaction]
    ) -> None:
        recorder = Redactor(values=[recorded]).start()
        stored = recorder.interaction(place(recorded)).request
        player = Redactor().start()
        stand_in = player.stand_in(player.request(place(own).request), stored)
        self.assertEqual(stand_in, stored)

    @settings(max_examples=200, deadline=None)
    @given(st.dictionaries(st.sampled_from(INNOCENT_NAMES), innocents, max_size=6))
    def test_innocent_documents_survive(self, document: dict[str, Any]) -> None:
        interaction = _asked("https://x/", body=json.dumps(document).encode())
        self.assertIs(Redactor().start().interaction(interaction), interaction)


def _types(value: Any) -> Any:
    if isinstance(value, dict):
        return [_types(each) for each in value.values()]
    if isinstance(value, list):
        return [_types(each) for each in value]
    return type(value)


class ReplacedNeighboursTest(unittest.TestCase):
    def test_a_secret_beside_what_is_replaced_already_is_found(self) -> None:
        for value in (
            {"token": "REDACTED-1", "password": S}, {"password": f"REDACTED-1 {S}"}, {"password": f"REDACTED-1{S}"},
            {"name": "token", "value": S, "token": "REDACTED-3"}, {"token": ["REDACTED-1", S]},
            {"name": "REDACTED-2", "password": S}, {"a": {"token": "REDACTED-1"}, "b": {"secret": {"value": S}}},
            {"to\"ken": "REDACTED-1", "password": S}, {"text": json.dumps({"token": "REDACTED-1", "password": S})},
            {"x": '"password": "REDACTED-1"', "password": S}, {"REDACTED-1": "REDACTED-1", "password": S},
        ):  # fmt: skip
            for separators in ((", ", ": "), (",", ":")):
                text = json.dumps(value, separators=separators)
                with self.subTest(text):
                    self.assertNotIn(S, repr(Redactor().start().interaction(answered(text))))


if __name__ == "__main__":
    unittest.main()
