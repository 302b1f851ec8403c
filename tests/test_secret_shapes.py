from __future__ import annotations

import functools
import re
import unittest

from hypothesis import given, settings
from hypothesis import strategies as st

from cassettes_lib import secret_shapes
from cassettes_lib.secret_shapes import digits_alike, has_shape, shapes_in

HEX, WORD, URL = "3f09ab7c1d58e264", "aZ3bY7cX1dW9", "aZ3-bY7_cX1dW"
UUID = "3f09ab7c-1d58-4264-9a3b-7c1d58e26400"
# What the tokens of services look like: written in pieces, so that no scanner takes this file for a leak.
TOKENS = {
    "GitHub": ("ghp_", WORD * 3), "GitHub, fine-grained": ("github_pat_", WORD * 2 + "_" + WORD * 4),
    "GitLab": ("glpat-", URL * 2), "GitLab, runner": ("glrt-", URL * 2),
    "GitLab, CI job": ("glcbt-", "64_" + URL * 2), "Slack": ("xoxb-", "1234567890-1234567890-" + WORD * 2),
    "Slack, app": ("xapp-", "1-A0B1C2-1234567890-" + HEX * 4), "Stripe": ("sk_live_", WORD * 2),
    "Stripe, restricted": ("rk_test_", WORD * 2), "Stripe, hook": ("whsec_", WORD * 3),
    "OpenAI": ("sk-proj-", URL * 8), "OpenAI, old": ("sk-", WORD * 4), "Anthropic": ("sk-ant-api03-", URL * 7),
    "Google": ("AIza", "Sy" + URL * 2 + WORD[:7]), "Google, OAuth": ("ya29.", URL * 4),
    "Google, client": ("GOCSPX-", URL * 2), "AWS": ("AKIA", "3F09AB7C1D58E264"),
    "AWS, session": ("IQoJb3JpZ2lu", WORD * 12), "AWS, Bedrock": ("ABSK", WORD * 8), "npm": ("npm_", WORD * 3),
    "PyPI": ("pypi-", "AgEIcHlwaS5vcmc" + URL * 5), "RubyGems": ("rubygems_", HEX * 3),
    "Packagist": ("packagist_", "ors_" + HEX * 4), "Docker": ("dckr_pat_", URL * 2), "JFrog": ("AKCp", WORD * 6),
    "SendGrid": ("SG.", URL * 2 + "." + URL * 3), "Twilio": ("SK", HEX * 2), "Mailgun": ("key-", HEX * 2),
    "MailerSend": ("mlsn.", HEX * 4), "Mailchimp": ("", HEX * 2 + "-us12"),
    "Brevo": ("xkeysib-", HEX * 4 + "-" + WORD + "aZ3b"), "Telegram": ("", "123456789:AA" + WORD * 2 + WORD[:9]),
    "Discord, bot": ("MTE4", WORD * 2 + ".aZ3bY7." + WORD * 3), "Discord, two factors": ("mfa.", URL * 7),
    "Entra ID": ("aZ3", "8Q~" + URL * 2 + WORD[:8]), "HubSpot": ("pat-na1-", UUID),
    "Azure DevOps": ("", WORD * 6 + "aZ3bAZDOaZ3b"), "Vault": ("hvs.", URL * 3), "DigitalOcean": ("dop_v1_", HEX * 4),
    "Databricks": ("dapi", HEX * 2), "Terraform": ("", "aZ3bY7cX1dW9aZ.atlasv1." + WORD * 5),
    "Heroku": ("HRKU-", URL * 4), "Shopify": ("shpat_", HEX * 2), "Square": ("sq0atp-", URL * 2),
    "Facebook": ("EAAC", WORD * 8), "Instagram": ("IGQV", WORD * 8), "Linear": ("lin_api_", WORD * 4),
    "Notion": ("ntn_", WORD * 4), "Atlassian": ("ATATT3xFfGF0", URL * 8),
    "Asana": ("1/", "1234567890123456:" + HEX * 2), "Airtable": ("pat", WORD + "aZ." + HEX * 4),
    "Figma": ("figd_", URL * 3), "Dropbox": ("sl.u.", URL * 8), "Grafana": ("glsa_", WORD * 3),
    "Grafana, old": ("eyJrIjoi", WORD * 5), "New Relic": ("NRAK-", "3F09AB7C1D58E264ABC3F09AB7C"),
    "New Relic, licence": ("", HEX * 2 + "3f09NRAL"), "Sentry": ("sntrys_", WORD * 6),
    "Honeycomb": ("hcaik_", HEX * 4), "Snyk": ("snyk_uat.", "aZ3bY7cX." + URL * 3),
    "SonarQube": ("squ_", HEX * 2 + "3f09ab7c"), "CircleCI": ("CCIPAT_", WORD * 2 + "_" + HEX * 2 + "3f09ab7c"),
    "Hugging Face": ("hf_", WORD * 3), "Replicate": ("r8_", WORD * 3 + "a"), "Groq": ("gsk_", WORD * 5),
    "xAI": ("xai-", WORD * 7), "NVIDIA": ("nvapi-", URL * 5), "Pinecone": ("pcsk_", "aZ3b_" + WORD * 5),
    "Tavily": ("tvly-", WORD * 3), "Weights and Biases": ("wandb_v1_", URL * 5), "ElevenLabs": ("sk_", HEX * 3),
    "Jina": ("jina_", WORD * 5), "Supabase": ("sbp_", HEX * 2 + "3f09ab7c"), "Neon": ("napi_", HEX * 4),
    "Vercel": ("vcp_", WORD * 5), "Fly": ("fo1_", URL * 4), "Render": ("rnd_", WORD * 3),
    "Plaid": ("access-sandbox-", UUID), "Mollie": ("live_", WORD * 3),
    "ClickUp": ("pk_", "1234567_" + "3F09AB7C" * 4), "EasyPost": ("EZAK", WORD * 5),
    "Checkout": ("sk_sbox_", WORD * 3), "LaunchDarkly": ("sdk-", UUID),
    "Postman": ("PMAK-", HEX[:12] * 2 + "-" + HEX * 2 + "3f"), "Alibaba": ("LTAI", WORD + "aZ3bY7"),
    "Tencent": ("AKID", HEX * 2), "Yandex": ("y0_", URL * 5), "PASETO": ("v4.local.", URL * 6),
    "a macaroon": ("MDAx", "b2xvY2F0aW9u" + WORD * 6), "Tailscale": ("tskey-auth-", URL * 3),
    "bcrypt": ("$2b$12$", WORD * 4 + "aZ3bY"), "md5crypt": ("$1$", "aZ3bY7cX$" + WORD + WORD[:10]),
    "Django": ("pbkdf2_sha256$", "600000$aZ3b$" + WORD * 3 + "aZ3bY7c="),
    "Werkzeug": ("scrypt:", "32768:8:1$aZ3b$" + HEX * 8),
    "age": ("AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2),
}  # fmt: skip
# What begins like one of them.
INNOCENT = (
    "task-force-1234567890abcdefghij", "risk-assessment-for-projects-2026",
    "test_it_does_what_the_name_of_the_test_says", "live_events_of_the_european_championship",
    "sdk-for-python-2026-11-26", "pk_live_" + WORD * 2, "/bots/4711:details-of-a-bot", "robots.txt",
    "patience-is-a-virtue-of-all-42-users", "api-" + UUID, "v1/local/paths/of/some/length/42",
    "access-production-2026", "MTB.2026.results-of-the-race", HEX * 2, HEX * 4, UUID, "1/2026 and 2/2026",
    "2026-11-26T10:40:00Z", "pa-system-for-the-concert-hall-in-Zurich-9", "fc-barcelona-2026-season-tickets-for-all",
    "fw_version_1_2_3_of_the_firmware_image", "key-figures-2026-of-the-company",
)  # fmt: skip

PATTERNS = sorted({pattern for tried in secret_shapes._BY_START.values() for _, pattern in tried})


@functools.cache
def _like(pattern: str) -> st.SearchStrategy[str]:
    return st.from_regex(re.compile(pattern, re.ASCII)).map(lambda text: text[:3000])


class KindsTest(unittest.TestCase):
    def test_the_tokens_of_well_known_services_are_known_wherever_they_stand(self) -> None:
        for kind, pieces in TOKENS.items():
            secret = "".join(pieces)
            for text in (secret, f"Use {secret} for it", f'{{"note": "{secret}"}}', f"https://x/?q={secret}&a=b"):
                with self.subTest(kind, text=text):
                    found = [text[start:end] for start, end in shapes_in(text)]
                    self.assertEqual(found, [secret])
                    self.assertTrue(has_shape(text))
                    self.assertTrue(has_shape(digits_alike(text)))

    def test_what_only_begins_like_one_is_innocent(self) -> None:
        for text in INNOCENT:
            with self.subTest(text):
                self.assertEqual(list(shapes_in(f"See {text} there")), [])


class QuickLookTest(unittest.TestCase):
    @settings(max_examples=600, deadline=None)
    @given(st.data())
    def test_it_overlooks_nothing_that_has_a_shape(self, data: st.DataObject) -> None:
        pattern = data.draw(st.sampled_from(PATTERNS))
        secret = data.draw(_like(pattern))
        for text in (secret, f'{{"a": "b", "c": "{secret}"}}', f"It is {secret}, or {secret}!"):
            if any(shapes_in(text)):
                self.assertTrue(has_shape(text), (pattern, text))

    @settings(max_examples=600, deadline=None)
    @given(st.data())
    def test_it_overlooks_nothing_where_digits_are_alike(self, data: st.DataObject) -> None:
        text = data.draw(st.sampled_from(PATTERNS).flatmap(_like) | st.text("aAyoFlV$-_.:/?%2019 ", max_size=40))
        alike = digits_alike(text)
        self.assertTrue(not any(shapes_in(text)) or has_shape(alike), text)
        self.assertEqual(has_shape(alike), has_shape(text), text)
        self.assertEqual(re.sub("[0-9]", "2", text), alike)

    def test_it_costs_no_closer_look_at_ordinary_documents(self) -> None:
        for text in (
            '{"id": 7, "name": "tea", "price": 1.5, "created": "2026-11-23T10:40:00Z", "tags": ["path", "task"]}',
            "The quick brown fox jumps over the lazy dog.", "application/json; charset=utf-8", "keep-alive", "",
            "3f2b8c1e-9a4d-4f6b-8e2a-1c5d7e9f0a00", "https://api.example.com/v1/orders?page=2",
        ):
            self.assertFalse(has_shape(text), text)


if __name__ == "__main__":
    unittest.main()
