"""Secrets that their place in a URL gives away, and innocent values in the same places."""

from __future__ import annotations

import json
import unittest

from cassettes_lib.models import Interaction
from cassettes_lib.redaction import Redactor
from tests.secrets_table import S, answered, exchange, posted

FORM = "application/x-www-form-urlencoded"
HEX = "3f09ab7c1d58e264" * 2
UUID = "123e4567-e89b-42d3-a456-426614174000"


def redacted(interaction: Interaction) -> Interaction:
    return Redactor().start().interaction(interaction)


class PathTest(unittest.TestCase):
    def test_what_follows_a_word_that_announces_a_secret_is_hidden(self) -> None:
        for path in (
            "/sessions/{}", "/v1/session/{}/end", "/tokens/{}", "/oauth/token/{}", "/reset/{}", "/reset/MQ/{}/",
            "/password_resets/{}/edit", "/Account/ResetPassword/{}", "/invites/{}", "/invitations/{}/accept",
            "/verify/{}", "/verify-email/4711/{}", "/activate/jane.doe/{}", "/webhooks/{}", "/webhooks/4711/{}",
            "/hooks/{}", "/unsubscribe/{}", "/unsubscribe?{}", "/magic-link/{}", "/apikey/{}", "/jwt/{}",
        ):  # fmt: skip
            with self.subTest(path):
                url = "https://x" + path.format(S)
                self.assertEqual(redacted(exchange(url)).request.url, "https://x" + path.format("REDACTED-1"))
                stored = redacted(exchange(url))
                self.assertEqual(redacted(stored), stored)
                for page in (f"<a href='{url}'>", json.dumps({"link": url}), json.dumps({"mail": f"Go to {url} now"})):
                    self.assertNotIn(S, repr(redacted(answered(page, "text/html" if page[0] == "<" else "text/json"))))

    def test_secrets_in_hexadecimal_are_hidden_where_hashes_make_no_sense(self) -> None:
        for path in (f"/sessions/{HEX}", f"/reset/{HEX}3f09ab7c", f"/token/{HEX}{HEX}"):
            with self.subTest(path):
                self.assertNotIn(HEX, redacted(exchange("https://x" + path)).request.url)

    def test_ids_slugs_hashes_and_names_of_files_behind_such_words_stay(self) -> None:
        for path in (
            f"/sessions/{UUID}", "/sessions/keynote-rust-in-2026", "/sessions/4711",
            "/sessions/507f1f77bcf86cd799439011", "/sessions/01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "/sessions/2026-11-26T10:40:00Z", "/tokens/production-server-2", f"/reset/{UUID}", "/reset/step2",
            "/verify/jane.doe9@example.com", f"/verify/{HEX}{HEX}", f"/key/{HEX}3f09ab7c",
            "/webhooks/order-created-2026", "/accept/terms-of-service-2026-v2", "/hooks/useDebounce4.js",
            "/confirm/app.3f8a9b2c1d.css", f"/commits/{HEX}3f09ab7c", f"/orders/{S}",
            "/invite/friends-and-family-2026", "/key/value-store-2026-11", "/password/reset/step-2-of-3-for-2026",
            "/activation/rates-2026.json",
        ):  # fmt: skip
            with self.subTest(path):
                asked = exchange("https://x" + path)
                self.assertIs(redacted(asked), asked)

    def test_texts_with_paths_of_words_and_files_stay(self) -> None:
        for media_type, text in (
            ("text/css", "a{width:50%;background:url(/hooks/bg.3f8a9b2c1d.png)}"),
            ("text/html", "<a href='/sessions/how-to-test-in-2026'>x</a><img src='/accept/logo.8f7a6b5c.png'>"),
            ("application/javascript", 'import{a}from"/hooks/useThing2026.js";const u="/tokens/"+id;'),
            ("text/plain", "50% off, 30% more: page 3f of /key/figures-2026-Q3, /reset/step-2, /tokens/index.html"),
        ):
            with self.subTest(media_type):
                page = answered(text, media_type)
                self.assertIs(redacted(page), page)

    def test_such_a_word_can_be_exempted(self) -> None:
        asked = exchange(f"https://x/sessions/{S}")
        self.assertIs(Redactor(keep=["sessions"]).start().interaction(asked), asked)
        page = answered(json.dumps({"link": asked.request.url}))
        self.assertIs(Redactor(keep=["sessions"]).start().interaction(page), page)

    def test_sessions_in_the_path_are_hidden(self) -> None:
        session = "lit3py55t21z5v55vlm25s55"
        for before, after in (
            (f"/app/(S({session}))/page.aspx?a=1", "/app/(S(REDACTED-1))/page.aspx?a=1"),
            (f"/(X(1)A({S}{S})F({session}))/p", "/(X(1)A(REDACTED-1)F(REDACTED-2))/p"),
            (f"/cart;jsessionid={session}.node1?a=1", "/cart;jsessionid=REDACTED-1?a=1"),
            (f"/cart;v=1;JSESSIONID={session}/x;y=2", "/cart;v=1;JSESSIONID=REDACTED-1/x;y=2"),
        ):
            with self.subTest(before):
                self.assertEqual(redacted(exchange("https://x" + before)).request.url, "https://x" + after)
        asked = exchange("https://x/odata/Orders(4711)/Lines('a1b2c3d4e5f6g7')")
        self.assertIs(redacted(asked), asked)

    def test_tokens_of_bots_and_hooks_are_hidden_on_any_host(self) -> None:
        hook = f"/services/T0A1B2C3D/B0A1B2C3D/{S}abcdEFGH"
        self.assertEqual(
            redacted(exchange("https://proxy.example" + hook)).request.url,
            "https://proxy.example/services/T0A1B2C3D/B0A1B2C3D/REDACTED-1",
        )
        asked = exchange("http://localhost:8081/bot123:ABC-def1/getMe")
        self.assertEqual(redacted(asked).request.url, "http://localhost:8081/bot123:REDACTED-1/getMe")
        self.assertNotIn(S, repr(redacted(answered(json.dumps({"text": f"posting to http://h{hook}..."})))))
        innocent = exchange("https://x/bots/4711/services/Tea/Biscuits/ordered2026")
        self.assertIs(redacted(innocent), innocent)


class CodeTest(unittest.TestCase):
    def test_a_code_in_a_form_is_a_secret_only_in_the_company_of_oauth(self) -> None:
        for form in (f"grant_type=authorization_code&code={S}", f"client_id=a&client_secret=b&code={S}",
                     f"code={S}&code_verifier=v&client_id=a", f"code={S}&state=x"):  # fmt: skip
            with self.subTest(form):
                self.assertNotIn(S, redacted(posted(form, FORM)).request.body.decode())
        for form in ("code=SUMMER-2026&scope=all", "code=94105a&state=California", "code=ERR_4711&iso=x"):
            with self.subTest(form):
                asked = posted(form, FORM)
                self.assertIs(redacted(asked), asked)

    def test_a_code_in_a_document_is_a_secret_only_where_it_is_exchanged(self) -> None:
        document = {"client_id": "a", "client_secret": "b", "code": S}
        self.assertNotIn(S, repr(redacted(posted(json.dumps(document)))))
        asked = posted(json.dumps({"code": "SUMMER-2026", "scope": "all", "state": "California90"}))
        self.assertIs(redacted(asked), asked)

    def test_a_code_in_a_query_is_a_secret_only_in_the_company_of_oauth(self) -> None:
        for query in (f"code={S}&state=x", f"code=abcdefgh&state={S}", f"code={S}&scope=a&authuser=0"):
            with self.subTest(query):
                self.assertIn("code=REDACTED-", redacted(exchange(f"https://x/cb?{query}")).request.url)
        for query in ("code=ERR_4711&state=open", "code=94105&state=CA", "code=SUMMER-2026&scope=all"):
            with self.subTest(query):
                asked = exchange(f"https://x/?{query}")
                self.assertIs(redacted(asked), asked)


if __name__ == "__main__":
    unittest.main()
