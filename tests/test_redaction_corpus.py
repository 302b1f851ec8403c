from __future__ import annotations

import json
import unittest
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from cassettes_lib.fileformat import parse_cassette
from cassettes_lib.json_places import looks_like_json, scalars_of
from cassettes_lib.models import Interaction
from cassettes_lib.redaction import Redactor

CORPUS = Path(__file__).parent / "data" / "redaction_corpus"

# Everything that is redacted in the corpus. The cookie `PLAY_FLASH` holds no secret: it is the price of
# removing the values of cookies whatever their names.
EXPECTED = {
    "gatling__firefox56_redirect_post": {
        "request header Cookie PLAY_FLASH", "request header Cookie _ga", "request header Cookie _gid",
        "response header Set-Cookie PLAY_FLASH",
    },
    "keystoneauth__serializer_data": {"request body $.auth.passwordCredentials.password"},
    "lexicon__softlayer_unicode_xml": {"request body"},
    "octoclient__bad_auth": {"request header X-Api-Key", "response header Set-Cookie session"},
    "octoclient__upload_multipart": {
        "request header Cookie session", "request header X-Api-Key", "response header Set-Cookie session",
    },
    "pcap2har__github": {"request URL query sig2"},
    "prawcore__test_request__patch": {
        "request header Cookie edgebucket", "request header Cookie loid", "request header Cookie session_tracker",
        "response header Set-Cookie edgebucket", "response header set-cookie loid",
        "response header set-cookie session_tracker",
    },
    "prawcore__test_revoke__access_token_with_refresh_set": {
        "request body refresh_token", "request body token", "request header Cookie edgebucket",
        "response body $.access_token", "response body $.refresh_token",
    },
    "toolbelt__proxy_digest": {"request header Proxy-Authorization"},
    "tweepy__testgetlists": {
        "response header set-cookie guest_id",
        "response header set-cookie personalization_id",
    },
    "xbox__both_bodies": {"request header Authorization"},
}  # fmt: skip
INNOCENT = ("PLAY_FLASH",)


class RealRecordingsTest(unittest.TestCase):
    def test_only_secrets_are_redacted_in_real_recordings(self) -> None:
        values = redacted = wrong = 0
        for path in sorted(CORPUS.glob("*.json")):
            with self.subTest(path.stem):
                session = Redactor().start()
                for interaction in parse_cassette(path.read_text(encoding="utf-8"), path.name).interactions:
                    values += count_values(interaction)
                    session.interaction(interaction)
                found = {line.where: line.times for line in session.summary()}
                self.assertEqual(set(found), EXPECTED.get(path.stem, set()))
                redacted += sum(found.values())
                wrong += sum(times for where, times in found.items() if where.endswith(INNOCENT))
        print(f"\nredaction of {len(list(CORPUS.glob('*.json')))} real recordings: {values} values, "
              f"{redacted} redacted, {wrong} of them wrongly ({wrong / values:.2%} of all values)")
        self.assertLess(wrong / values, 0.005)

    def test_redacted_recordings_stay_as_they_are(self) -> None:
        for path in sorted(CORPUS.glob("*.json")):
            for interaction in parse_cassette(path.read_text(encoding="utf-8"), path.name).interactions:
                once = Redactor().start().interaction(interaction)
                self.assertEqual(Redactor().start().interaction(once), once, path.name)

    def test_redacted_json_bodies_are_still_json(self) -> None:
        for path in sorted(CORPUS.glob("*.json")):
            for interaction in parse_cassette(path.read_text(encoding="utf-8"), path.name).interactions:
                once = Redactor().start().interaction(interaction)
                if interaction.response and once.response and is_json(interaction.response.body):
                    self.assertTrue(is_json(once.response.body), path.name)


def count_values(interaction: Interaction) -> int:
    """Count what could have been redacted: header values, parameters, cookies, JSON scalars, other bodies as one."""
    count = 0
    for message in (interaction.request, interaction.response):
        if message:
            count += sum(1 + value.count(";") * ("cookie" in name.lower()) for name, value in message.headers)
            text = message.body.decode("utf-8", "replace")
            count += sum(1 for _ in scalars_of(text)) if looks_like_json(text) else bool(text)
    return count + len(parse_qsl(urlsplit(interaction.request.url).query))


def is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except ValueError:
        return False
    return True


if __name__ == "__main__":
    unittest.main()
