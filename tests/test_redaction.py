from __future__ import annotations

import base64
import html
import json
import unittest
from urllib.parse import quote, quote_plus

from cassettes_lib.codings import decoded
from cassettes_lib.fileformat import print_cassette
from cassettes_lib.models import Cassette, Interaction, Interactions
from cassettes_lib.redaction import Redactor
from cassettes_lib.taint import base64_cores
from tests.secrets_more import MORE_PLANTED
from tests.secrets_table import (
    INNOCENT_HEADERS,
    INNOCENT_JSON,
    INNOCENT_TEXTS,
    INNOCENT_URLS,
    answered,
    exchange,
)
from tests.secrets_table import (
    PLANTED as FIRST_PLANTED,
)

PLANTED = (*FIRST_PLANTED, *MORE_PLANTED)


def encodings_of(secret: str) -> set[str]:
    """Return a secret as it is and in the encodings of the issue."""
    data = secret.encode()
    forms = {
        secret, quote(secret, safe=""), quote_plus(secret), quote(secret), quote(secret, safe="").lower(),
        json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], html.escape(secret),
        json.dumps(json.dumps(secret)[1:-1])[1:-1],
    }  # fmt: skip
    if len(secret) >= 8:
        for core in base64_cores(data):
            forms |= {core, core.replace("+", "-").replace("/", "_")}
        forms |= {base64.b64encode(data).decode().rstrip("="), data.hex()}
    return forms


def stored_texts(interaction: Interaction) -> list[str]:
    """Return what is stored of an interaction: the file's text, and all bodies decoded."""
    texts = [print_cassette(Cassette(interactions=Interactions([interaction]))), repr(interaction)]
    for message in (interaction.request, interaction.response):
        if message and message.body:
            plain = decoded(message.body, message.header("Content-Encoding")) or message.body
            texts += [plain.decode("latin-1"), plain.decode("utf-8", "replace"), plain.decode("utf-16-le", "replace")]
    return texts


def survivors(interaction: Interaction, secrets: tuple[str, ...]) -> list[str]:
    """Return what is still to be found of some secrets."""
    forms = {form for secret in secrets for form in encodings_of(secret)}
    return [form for text in stored_texts(interaction) for form in forms if form in text]


class PlantedSecretsTest(unittest.TestCase):
    def test_no_planted_secret_survives_in_any_encoding(self) -> None:
        for planted in PLANTED:
            with self.subTest(planted.kind):
                redacted = Redactor().start().interaction(planted.interaction)
                self.assertEqual(survivors(redacted, planted.secrets), [], redacted)

    def test_redacting_what_is_redacted_changes_nothing(self) -> None:
        for planted in PLANTED:
            with self.subTest(planted.kind):
                session = Redactor().start()
                once = session.interaction(planted.interaction)
                self.assertEqual(session.interaction(once), once)
                self.assertEqual(Redactor().start().interaction(once), once)

    def test_the_request_is_redacted_alike_when_it_is_asked_and_when_it_is_recorded(self) -> None:
        for planted in PLANTED:
            with self.subTest(planted.kind):
                recorded = Redactor().start().interaction(planted.interaction).request
                asked = Redactor().start().request(planted.interaction.request)
                self.assertEqual(asked, recorded)

    def test_redacted_json_is_still_json(self) -> None:
        for planted in PLANTED:
            if "JSON re" in planted.kind:
                redacted = Redactor().start().interaction(planted.interaction)
                for before, after in (
                    (planted.interaction.request, redacted.request),
                    (planted.interaction.response, redacted.response),
                ):
                    if before and after and before.body:
                        with self.subTest(planted.kind):
                            self.assertEqual(_structure(json.loads(after.body)), _structure(json.loads(before.body)))


def _structure(value: object) -> object:
    if isinstance(value, dict):
        return {name: _structure(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_structure(each) for each in value]
    return type(value)


class InnocentValuesTest(unittest.TestCase):
    def test_innocent_members_survive(self) -> None:
        for name, value in INNOCENT_JSON.items():
            with self.subTest(name):
                interaction = answered(json.dumps({name: value}))
                self.assertIs(Redactor().start().interaction(interaction), interaction)

    def test_innocent_members_survive_beside_a_secret(self) -> None:
        interaction = answered(json.dumps({**INNOCENT_JSON, "access_token": "Zk7pQ2vXw9LmT4rB"}))
        redacted = Redactor().start().interaction(interaction)
        assert redacted.response
        self.assertEqual(json.loads(redacted.response.body), {**INNOCENT_JSON, "access_token": "REDACTED-1"})

    def test_innocent_headers_survive(self) -> None:
        for header in INNOCENT_HEADERS:
            with self.subTest(header[0]):
                interaction = exchange(headers=(header,), response_headers=(header,))
                self.assertIs(Redactor().start().interaction(interaction), interaction)

    def test_innocent_urls_survive(self) -> None:
        for url in INNOCENT_URLS:
            with self.subTest(url):
                interaction = exchange(url)
                self.assertIs(Redactor().start().interaction(interaction), interaction)

    def test_innocent_texts_survive(self) -> None:
        for media_type, text in INNOCENT_TEXTS.items():
            with self.subTest(media_type):
                interaction = answered(text, media_type)
                self.assertIs(Redactor().start().interaction(interaction), interaction)


if __name__ == "__main__":
    unittest.main()
