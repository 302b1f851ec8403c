"""What an independent search for leaks, broken replays and mutilated innocents has found: one small test for each."""

from __future__ import annotations

import base64
import gzip
import json
import unittest

from cassettes_lib.models import Interaction
from cassettes_lib.redaction import Redactor
from tests.secrets_table import ODD, S, answered, asked_with, exchange, failed, multipart, posted

GITHUB = "ghp_" + "aB3dE5fG7hJ9" * 3


def redacted(interaction: Interaction) -> Interaction:
    return Redactor().start().interaction(interaction)


def body_of(interaction: Interaction) -> bytes:
    response = redacted(interaction).response
    assert response
    return response.body


class LeaksTest(unittest.TestCase):
    """Each of these reached the file."""

    def assertHidden(self, interaction: Interaction, secret: str = S) -> Interaction:
        stored = redacted(interaction)
        self.assertIn("REDACTED-1", repr(stored))
        self.assertNotIn(secret, repr(stored))
        session = Redactor().start()
        self.assertEqual(session.interaction(stored), stored)
        return stored

    def test_what_binds_question_and_answer_of_oauth(self) -> None:
        for query in (f"response_type=code&state={S}", f"code_challenge={S}&x=1", f"response_type=id_token&nonce={S}"):
            with self.subTest(query):
                self.assertHidden(exchange(f"https://x/authorize?{query}"))
        self.assertEqual(redacted(exchange(f"https://x/?state={S}")), exchange(f"https://x/?state={S}"))

    def test_the_signature_of_an_azure_shared_access_signature_header(self) -> None:
        value = f"SharedAccessSignature sr=https%3a%2f%2fx&sig={S}%3d&se=1790000000&skn=Root"
        stored = self.assertHidden(asked_with(("Authorization", value)))
        self.assertEqual(
            stored.request.headers[0][1],
            "SharedAccessSignature sr=https%3a%2f%2fx&sig=REDACTED-1&se=1790000000&skn=Root",
        )

    def test_a_field_of_a_page_whose_attributes_have_no_quotes(self) -> None:
        self.assertHidden(answered(f"<input name=csrfmiddlewaretoken type=hidden value={S}>", "text/html"))

    def test_a_session_in_a_link_of_a_page_behind_one_in_its_path(self) -> None:
        link = f'<a href="/next;jsessionid=0123456789ABCDEF0123456789ABCDEF?page=2&amp;sid={S}">n</a>'
        self.assertHidden(answered(link, "text/html"))
        self.assertIn(b'"/next;jsessionid=REDACTED-1?page=2&amp;sid=REDACTED-2"', body_of(answered(link, "text/html")))

    def test_the_answer_of_oauth_in_a_page_that_redirects(self) -> None:
        page = f'<meta http-equiv="refresh" content="0;url=/cb?code={S}&amp;scope=a&amp;state={S[::-1]}">'
        stored = self.assertHidden(answered(page, "text/html"))
        self.assertNotIn(S[::-1], repr(stored))

    def test_the_answer_of_oauth_in_a_form_that_posts_itself(self) -> None:
        page = f'<form><input name="code" value="{S}"/><input type="hidden" name=\'state\' value=\'{S[::-1]}\'/></form>'
        stored = self.assertHidden(answered(page, "text/html"))
        self.assertNotIn(S[::-1], repr(stored))
        other = answered('<input name="state" value="California90"/><input name="code" value="SALE2026"/>', "text/html")
        self.assertEqual(redacted(other), other)

    def test_a_secret_behind_a_telltale_segment_that_names_no_secret_itself(self) -> None:
        for path in ("/reset/", "/invite/accept/", "/activate/", "/confirm/", "/magic-link/"):
            with self.subTest(path):
                self.assertHidden(exchange(f"https://x{path}{S}{S}"), S + S)

    def test_shapes_in_small_binary_bodies_are_replaced_by_something_as_long(self) -> None:
        body = b"\x0a\x28" + GITHUB.encode() + b"\x10\x01\xff"
        stored = self.assertHiddenBytes(body)
        self.assertEqual(len(stored), len(body))

    def assertHiddenBytes(self, body: bytes) -> bytes:
        stored = redacted(posted_bytes(body)).request.body
        self.assertNotIn(GITHUB.encode(), stored)
        self.assertEqual(redacted(posted_bytes(stored)).request.body, stored)
        return stored

    def test_gzip_that_no_header_speaks_of(self) -> None:
        body = gzip.compress(json.dumps({"api_key": S, "n": [1, 2]}).encode())
        stored = gzip.decompress(redacted(posted_bytes(body)).request.body)
        self.assertEqual(json.loads(stored), {"api_key": "REDACTED-1", "n": [1, 2]})

    def test_gzip_without_a_secret_stays_to_the_byte(self) -> None:
        asked = posted_bytes(gzip.compress(b'{"n":1}', 3))
        self.assertIs(redacted(asked), asked)

    def test_names_that_were_unknown(self) -> None:
        for name in ("hmac_key", "accessTokenV2", "security_answer", "TokenCode", "kubeconfig"):
            with self.subTest(name):
                self.assertHidden(posted(json.dumps({name: S})))
        for name in ("X-GitHub-OTP", "X-OTP"):
            with self.subTest(name):
                self.assertHidden(asked_with((name, "482913")), "482913")
        self.assertHidden(asked_with(("X-JFrog-Art-Api", S)))

    def test_an_object_that_is_nothing_but_secrets(self) -> None:
        self.assertHidden(answered(json.dumps({"secrets": {"prod": S}, "apiKeys": {"main": S}})))
        self.assertHidden(answered(json.dumps({"secrets": {"prod": {"raw": S, "computed": S}}})))

    def test_a_name_in_two_parts(self) -> None:
        for document in ({"session": {"id": S}}, {"card": {"number": "4242424242424242"}}, {"api": {"key": S}}):
            with self.subTest(document):
                self.assertHidden(answered(json.dumps(document)), "4242424242424242" if "card" in document else S)
        self.assertHidden(posted("card[number]=4242424242424242", "application/x-www-form-urlencoded"), "42424242")

    def test_a_list_of_kubernetes_secrets(self) -> None:
        items = [{"metadata": {"name": "db"}, "data": {"whatever": base64.b64encode(S.encode()).decode()}}]
        document = answered(json.dumps({"kind": "SecretList", "items": items}))
        self.assertHidden(document, items[0]["data"]["whatever"])

    def test_signatures_called_sign(self) -> None:
        self.assertHidden(exchange(f"https://x/?sign={S}"))
        for name in ("API-Sign", "CB-ACCESS-SIGN", "X-Signature-Ed25519"):
            with self.subTest(name):
                self.assertHidden(asked_with((name, S)))


class SecondSearchTest(unittest.TestCase):
    """Each of these reached the file, or was redacted on one side only, before a search with 260 kinds of tokens."""

    def assertHidden(self, interaction: Interaction, secret: str) -> None:
        stored = redacted(interaction)
        self.assertNotIn(secret, repr(stored))
        self.assertEqual(redacted(stored), stored)
        self.assertEqual(Redactor().start().request(interaction.request), stored.request)

    def test_a_token_behind_the_escape_of_a_line_end(self) -> None:
        for text in (f'data: {{"log": "Use\\n{GITHUB}\\n"}}', f'data: {{"log": "> GET\\nBearer {S}\\n"}}'):
            with self.subTest(text):
                self.assertHidden(answered(text, "text/event-stream"), GITHUB if GITHUB in text else S)

    def test_a_token_behind_percent_escapes_in_prose(self) -> None:
        token = "sk_live_" + S
        encoded = "".join(f"%{ord(character):02X}" for character in token)
        self.assertHidden(answered(f"Failed at https://x/?q=a%20{encoded} again", "text/plain"), encoded)
        hook = f"services%2FT0A1B2C3D%2FB0A1B2C3D%2F{S}abcdEFGH"
        self.assertHidden(failed(f"Max retries exceeded with url: /?to=https%3A%2F%2Fhooks.slack.com%2F{hook}"), S)

    def test_a_name_behind_percent_escapes_in_prose(self) -> None:
        self.assertHidden(answered(f"Go to /login?next=https%3A%2F%2Fx%2F%3Ftoken%3D{S}%26a%3Db!", "text/plain"), S)

    def test_a_token_that_looks_like_a_pair(self) -> None:
        token = "ATATT3xFfGF0" + S * 3 + "=3F09AB7C"
        self.assertHidden(posted(token, "text/plain"), S)
        self.assertHidden(multipart("note", token), S)
        self.assertHidden(posted(f"{GITHUB}=1&a=2", "application/x-www-form-urlencoded"), GITHUB)

    def test_a_token_like_base64_behind_a_slash_of_a_path(self) -> None:
        self.assertHidden(exchange("https://x/crates/cio" + "aB3d" * 8), "aB3d" * 8)

    def test_a_token_behind_percent_escapes_in_a_url(self) -> None:
        token = "1%2F%2F0" + S * 3
        for url in (f"https://x/?q={token}", f"https://x/#{token}", f"https://x/a/{token}/b"):
            with self.subTest(url):
                self.assertHidden(exchange(url), S)

    def test_a_password_with_spaces_beside_its_name(self) -> None:
        self.assertHidden(answered(json.dumps({"env": [{"name": "DB_PASSWORD", "value": "Pass w/o 9"}]})), "Pass w/o 9")
        labels = answered(json.dumps([{"key": "password", "value": "Your new password, please!"}]))
        self.assertIs(redacted(labels), labels)

    def test_names_of_forms_written_in_one_word(self) -> None:
        for name in ("newpassword", "OLDPASSWORD", "passwordagain", "credentials_secret"):
            with self.subTest(name):
                self.assertHidden(posted(f"{name}=hunter2", "application/x-www-form-urlencoded"), "hunter2")

    def test_a_token_as_the_name_of_a_member_a_field_or_a_cookie(self) -> None:
        for interaction in (
            posted(json.dumps({GITHUB: {"n": 1}})), multipart(GITHUB, "x"), asked_with(("Cookie", f"{GITHUB}=1234")),
        ):  # fmt: skip
            with self.subTest(interaction.request.body):
                self.assertHidden(interaction, GITHUB)

    def test_the_summary_names_no_place_by_a_secret(self) -> None:
        session = Redactor().start()
        session.interaction(answered(json.dumps({"token": S, GITHUB: {"password": "hunter2"}, S: {"pin": "9999"}})))
        session.interaction(asked_with(("Cookie", f"{GITHUB}=1234")))
        places = [line.where for line in session.summary()]
        self.assertNotIn(GITHUB, repr(places))
        self.assertNotIn(S, repr(places))
        self.assertIn("response body $.REDACTED-2.password", places)

    def test_a_url_in_bytes(self) -> None:
        self.assertHidden(posted_bytes(b"\x0a\xff\x20https://x/?page=2&sig=" + S.encode() + b"\x10\x01\xfe"), S)


def posted_bytes(body: bytes) -> Interaction:
    return posted(body, "application/octet-stream")


class InnocentsTest(unittest.TestCase):
    """Each of these was mutilated, or was in danger to be by what hides the others."""

    def test_details_of_listed_secrets(self) -> None:
        document = {
            "secrets": [{"alias": "Prod-Db-2026", "name": "Prod-Db-1"}],
            "tokens": {"model": "gpt-4o-Mini-2024", "type": "Opaque12"},
            "secret": {"name": "Prod-Db-1"},
            "license": {"key": "apache-2.0"},
            "card": {"id": "card-1234", "brand": "Visa-2026"},
            "order": {"number": "4242424242424242"},
        }
        self.assertEqual(json.loads(body_of(answered(json.dumps(document)))), document)

    def test_basic_in_front_of_a_word_that_is_no_base64_of_a_user(self) -> None:
        text = json.dumps({"text": "Basic English2 for all of us: a course"})
        self.assertEqual(body_of(answered(text)).decode(), text)
        secret = base64.b64encode(f"ann:{S}".encode()).decode()
        self.assertNotIn(secret.encode(), body_of(answered(f"send Basic {secret} please", "text/plain")))

    def test_state_beside_nothing_of_oauth(self) -> None:
        asked = exchange("https://x/?state=California90&nonce=aB3dE5fG7h&zip=12345")
        self.assertEqual(redacted(asked), asked)

    def test_short_segments_behind_telltale_ones(self) -> None:
        for url in ("https://x/reset/Step2", "https://x/confirm/123e4567-e89b-42d3-a456-426614174000"):
            with self.subTest(url):
                self.assertEqual(redacted(exchange(url)), exchange(url))


class ReplayTest(unittest.TestCase):
    """Each of these broke the recording or the replay."""

    def test_a_known_value_that_spans_a_name_and_its_value_in_a_url(self) -> None:
        session = Redactor().start()
        url = "https://x/?Cookie: a=b1c2d3e4password=--token x1y2z3w4"
        asked = exchange(url, response_body=b"%3DCookie: a=b1c2d3e4")
        stored = session.interaction(asked)
        self.assertEqual(session.interaction(stored), stored)

    def test_a_number_that_is_learnt_to_be_a_secret_where_it_stands_twice(self) -> None:
        stored = body_of(answered(json.dumps({"password": 100000.0, "again": 100000.0})))
        self.assertEqual(json.loads(stored), {"password": 73332833000001.5, "again": 73332833000001.5})

    def test_a_replacement_does_not_make_what_it_is_in_look_secret(self) -> None:
        for text in ("token: password=password=", "my_odd_password=password=password="):
            with self.subTest(text):
                session = Redactor().start()
                stored = session.interaction(answered(text, "text/plain"))
                self.assertEqual(session.interaction(stored), stored)

    def test_what_follows_a_session_in_a_path_stays(self) -> None:
        asked = exchange("https://x/home;jsessionid=0123456789ABCDEF0123456789ABCDEF/part;v=2?page=1")
        self.assertEqual(redacted(asked).request.url, "https://x/home;jsessionid=REDACTED-1/part;v=2?page=1")

    def test_a_webhook_whose_replacement_looked_like_another_one(self) -> None:
        url = "https://hooks.zapier.com/hooks/catch/123456/abcdefg"
        self.assertEqual(
            json.loads(body_of(answered(json.dumps({"u": url})))), {"u": "https://hooks.zapier.com/hooks/catch/REDACTED-1"}
        )

    def test_the_key_of_a_presigned_url_gets_one_replacement_in_a_document_and_in_the_request(self) -> None:
        url = (
            "https://x/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAABCDEFGHIJKLMNOP%2F20261126%2Feu-west-1"
            f"%2Fs3%2Faws4_request&X-Amz-Signature={'ab12' * 16}"
        )
        page = f"<a href='{url}'>"
        for document, media_type in ((json.dumps({"url": url}), "application/json"), (page, "text/html")):
            with self.subTest(media_type):
                session = Redactor().start()
                stored = session.interaction(answered(document, media_type))
                assert stored.response
                self.assertIn(session.request(exchange(url).request).url, stored.response.body.decode())


class LineEndsTest(unittest.TestCase):
    def test_the_line_end_behind_a_known_value_stays(self) -> None:
        for end in ("\nnext line", "\r\nb: 1\n", "\\nnext", "%0Anext", "&#10;next", "\n  next", "%20%0Anext"):
            with self.subTest(end):
                session = Redactor(values=[S]).start()
                self.assertEqual(session.text(f"a: {S}{end}"), f"a: REDACTED-1{end}")
        folded = f"{S[:8]}%{ord(S[8]):x}{S[9:]}\nnext"
        self.assertEqual(Redactor(values=[S]).start().text(folded), "REDACTED-1\nnext")

    def test_what_follows_a_known_value_in_url_safe_base64_stays(self) -> None:
        for suffix in ("CC~F", "?3>J`ZkJf*?5", "~"):
            session = Redactor(values=[S]).start()
            encoded = base64.urlsafe_b64encode(f"X&{S}{suffix}".encode()).decode()
            with self.subTest(suffix):
                stored = session.text(f"a: {encoded}")[3:]
                self.assertEqual(base64.urlsafe_b64decode(stored), f"X&REDACTED-1{suffix}".encode())
        session = Redactor(values=[S]).start()
        self.assertEqual(session.text(f"{base64.b64encode(S.encode()).decode()}-2026"), "UkVEQUNURUQtMQ==-2026")

    def test_what_looks_like_an_entity_around_a_known_value_stays(self) -> None:
        session = Redactor(values=[S]).start()
        for text in ("a&{};b", "?x=1&amp;{};", "&{}&amp;"):
            with self.subTest(text):
                self.assertEqual(session.text(text.format(S)), text.format("REDACTED-1"))

    def test_separators_behind_percent_escapes_of_a_path_stay_there(self) -> None:
        session = Redactor().start()
        stored = session.interaction(exchange("https://x/%26amp%3Bpassword%3D2%3A?"))
        self.assertIn("%26amp%3Bpassword%3DREDACTED-1:", stored.request.url)
        self.assertEqual(session.interaction(stored), stored)

    def test_a_value_that_is_folded_over_lines_is_known_all_the_same(self) -> None:
        long = S * 4
        session = Redactor(values=[long]).start()
        self.assertEqual(session.text(f"key:\n{long[:40]}\n{long[40:]}\nend"), "key:\nREDACTED-1\nend")


class PlaceholdersInUrlsTest(unittest.TestCase):
    def test_a_value_comes_back_as_the_part_of_the_url_that_it_is(self) -> None:
        base = "https://api.example.com:8443/v1"
        session = Redactor(
            placeholders={"<BASE>": base, "<HOST>": "files.example.com:99", "<PART>": "tenants/a b", "<KEY>": ODD}
        ).start()
        key = "Pa%22ss%20w%2Fo%2Brd%269%3D%5C%C3%A9"
        for name, value in (
            ("Location", f"{base}/orders?page=2"),
            ("Location", f"{base}/x?next=https%3A%2F%2Fapi.example.com%3A8443%2Fv1&key={key}#{key}"),
            ("Location", "https://files.example.com:99/tenants/a%20b/x"),
            ("Location", f"https://oauth2:{key}@files.example.com:99/x"),
            ("Content-Location", f"{base}"),
            ("Link", f'<{base}/x?page=2&key={key}>; rel="next", <{base}/x?page=9>; rel="last"'),
            ("Refresh", f"5; url={base}/x"),
        ):
            with self.subTest(value):
                live = exchange(response_headers=((name, value),))
                stored = session.interaction(live)
                self.assertNotIn("example.com", repr(stored.response))
                self.assertEqual(session.restored(stored, stored.request).response, live.response)


if __name__ == "__main__":
    unittest.main()
