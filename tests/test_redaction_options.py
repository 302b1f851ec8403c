from __future__ import annotations

import json
import re
import threading
import unittest
from typing import Any

from cassettes_lib.errors import CassetteSaveError
from cassettes_lib.models import Interaction, InteractionResponse, Interactions
from cassettes_lib.redaction import Redactor
from tests.secrets_table import PEM, answered, b64, exchange, jwt, posted

TOKEN = "Zk7pQ2vXw9LmT4rB"
KEY = 'k&y "9=é/ü+'


def body_of(interaction: Interaction) -> Any:
    assert interaction.response
    return json.loads(interaction.response.body)


class OptionsTest(unittest.TestCase):
    def test_further_headers_are_redacted_whatever_their_case(self) -> None:
        session = Redactor(headers=["X-Tenant"]).start()
        redacted = session.request(exchange(headers=(("x-TENANT", "abc"), ("X-Other", "abc"))).request)
        self.assertEqual(redacted.headers, (("x-TENANT", "REDACTED-1"), ("X-Other", "abc")))

    def test_further_parameters_and_fields_are_redacted(self) -> None:
        session = Redactor(query=["badge"], fields=["staffNumber", "$.a.b[*].c"]).start()
        asked = session.request(exchange("https://x/?badge=1234x").request)
        self.assertEqual(asked.url, "https://x/?badge=REDACTED-1")
        redacted = body_of(session.interaction(answered(
            json.dumps({"staff_number": "77y", "a": {"b": [{"c": "one"}, {"c": 222}, {"d": "kept"}]}})
        )))  # fmt: skip
        self.assertEqual(redacted["staff_number"], "REDACTED-2")
        self.assertEqual(redacted["a"]["b"], [{"c": "REDACTED-3"}, {"c": 73332833000004}, {"d": "kept"}])

    def test_a_pattern_is_looked_for_in_what_a_text_says_and_not_in_what_it_may_mean(self) -> None:
        interaction = answered(json.dumps({"a": "of \\u0041-1234"}))
        redacted = Redactor(patterns=[r"\\u0041-\d+"]).start().interaction(interaction)
        assert redacted.response is not None
        self.assertEqual(redacted.response.body, b'{"a": "of REDACTED-1"}')

    def test_a_pattern_may_say_with_a_group_what_the_secret_is(self) -> None:
        session = Redactor(patterns=[r"badge (\w+)", re.compile(r"\bX\d{3}\b")]).start()
        self.assertEqual(session.text("badge abc and X123"), "badge REDACTED-1 and REDACTED-2")
        redacted = session.interaction(answered(json.dumps({"x": "see X999"})))
        self.assertEqual(body_of(redacted), {"x": "see REDACTED-3"})

    def test_known_values_are_removed_however_short(self) -> None:
        session = Redactor(values=["hush", ""]).start()
        asked = session.request(exchange("https://x/hush/?a=%68ush").request)
        self.assertEqual(asked.url, "https://x/REDACTED-1/?a=REDACTED-1")

    def test_what_is_kept_by_name_or_path_stays(self) -> None:
        session = Redactor(keep=["session_id", "$.data.token", "X-Api-Key", "theme"]).start()
        document = {"session_id": "abcDEF123456", "data": {"token": jwt(sub="1")}, "token": "Qwerty12345"}
        redacted = session.interaction(
            Interaction(
                request=exchange(headers=(("X-Api-Key", "visible1"), ("Cookie", "theme=Dark-Theme1; s=x9y8"))).request,
                response=answered(json.dumps(document)).response,
            )
        )
        self.assertEqual(body_of(redacted), {**document, "token": "REDACTED-2"})
        cookies = "theme=Dark-Theme1; s=REDACTED-1"
        self.assertEqual(redacted.request.headers, (("X-Api-Key", "visible1"), ("Cookie", cookies)))

    def test_what_is_kept_is_still_removed_when_it_is_known_as_a_secret_from_elsewhere(self) -> None:
        session = Redactor(keep=["note"]).start()
        redacted = session.interaction(answered(json.dumps({"token": TOKEN, "note": TOKEN})))
        self.assertEqual(body_of(redacted), {"token": "REDACTED-1", "note": "REDACTED-1"})

    def test_wrong_arguments_are_errors_at_once(self) -> None:
        wrong: list[tuple[type[Exception], dict[str, Any]]] = [
            (TypeError, {"header": ["x"]}),
            (TypeError, {"headers": "X-Api-Key"}),
            (TypeError, {"fields": [1]}),
            (TypeError, {"query": 7}),
            (TypeError, {"values": [b"x"]}),
            (TypeError, {"patterns": [3]}),
            (TypeError, {"patterns": [re.compile(b"x")]}),
            (TypeError, {"placeholders": [("<A>", "b")]}),
            (TypeError, {"placeholders": {"<A>": 3}}),
            (ValueError, {"patterns": ["("]}),
            (ValueError, {"patterns": ["x*"]}),
            (ValueError, {"headers": [""]}),
            (ValueError, {"placeholders": {"": "b"}}),
            (ValueError, {"placeholders": {"a\nb": "b"}}),
        ]
        for error, arguments in wrong:
            with self.subTest(arguments), self.assertRaises(error):
                Redactor(**arguments)

    def test_a_redactor_shows_no_secret(self) -> None:
        self.assertNotIn("hush", repr(Redactor(values=["hush"], placeholders={"<A>": "hush"})))

    def test_one_redactor_serves_many_sessions_that_know_nothing_of_each_other(self) -> None:
        redactor = Redactor()
        redactor.start().request(exchange(headers=(("Authorization", f"Bearer {TOKEN}"),)).request)
        self.assertEqual(redactor.start().text(TOKEN), TOKEN)


class PlaceholdersTest(unittest.TestCase):
    def test_a_placeholder_stands_in_the_file_and_its_value_comes_back(self) -> None:
        session = Redactor(placeholders={"<API_KEY>": KEY}).start()
        live = Interaction(
            request=exchange(
                "https://x/a/k%26y%20%229%3D%C3%A9%2F%C3%BC%2B?key=k%26y+%229%3d%c3%a9%2f%c3%bc%2b",
                headers=(("X-Api-Key", KEY), ("Authorization", f"Basic {b64('joe:' + KEY)}")),
            ).request,
            response=answered(json.dumps({"k": f"<{KEY}>", "b": b64(f"x{KEY}x")})).response,
        )
        stored = session.interaction(live)
        self.assertEqual(stored.request.url, "https://x/a/<API_KEY>?key=<API_KEY>")
        self.assertEqual(stored.request.headers[0][1], "<API_KEY>")
        self.assertEqual(body_of(stored), {"k": "<<API_KEY>>", "b": b64("x<API_KEY>x")})
        self.assertEqual(session.interaction(stored), stored)
        self.assertEqual(session.request(live.request), stored.request)
        self.assertEqual(body_of(session.restored(stored, stored.request)), body_of(live))

    def test_a_form_and_a_page_get_the_value_as_they_write_it(self) -> None:
        session = Redactor(placeholders={"<K>": "a&b<c"}).start()
        for media_type, text in (
            ("application/x-www-form-urlencoded", "k=a%26b%3Cc"), ("text/html", "<p>a&amp;b&lt;c</p>"),
            ("text/plain", "say a&b<c"), ("application/json", '{"k":"a&b<c"}'),
        ):  # fmt: skip
            with self.subTest(media_type):
                live = answered(text, media_type)
                stored = session.interaction(live)
                self.assertIn("<K>", repr(stored))
                self.assertNotIn("a&b<c", repr(stored))
                restored = session.restored(stored, stored.request).response
                self.assertEqual(restored and restored.body.decode(), text)

    def test_headers_of_the_response_are_restored(self) -> None:
        session = Redactor(placeholders={"<ID>": "tenant 77"}).start()
        live = exchange(response_headers=(("Location", "https://x/tenant%2077"), ("X-T", "tenant 77")))
        stored = session.interaction(live)
        assert stored.response
        self.assertEqual(stored.response.headers, (("Location", "https://x/<ID>"), ("X-T", "<ID>")))
        self.assertEqual(session.restored(stored, stored.request), live)

    def test_values_may_be_functions_and_empty_ones_are_ignored(self) -> None:
        asked: list[int] = []
        redactor = Redactor(placeholders={"<A>": lambda: asked.append(1) or "value-of-a", "<B>": None, "<C>": ""})
        self.assertEqual(asked, [])
        self.assertEqual(redactor.start().text("value-of-a <B> <C>"), "<A> <B> <C>")
        self.assertEqual(asked, [1])

    def test_a_client_without_the_value_may_send_the_name_itself(self) -> None:
        stored = Redactor(placeholders={"<K>": "v4lue"}).start().request(exchange("https://x/?key=v4lue").request)
        session = Redactor(placeholders={"<K>": "another"}).start()
        self.assertEqual(session.request(exchange("https://x/?key=%3CK%3E").request), stored)

    def test_more_placeholders_make_another_redactor(self) -> None:
        redactor = Redactor(values=["hush"], placeholders={"<A>": "value-of-a"})
        more = redactor.with_placeholders({"<B>": "value-of-b"})
        self.assertEqual(more.start().text("value-of-a value-of-b hush"), "<A> <B> REDACTED-1")
        self.assertEqual(redactor.start().text("value-of-b"), "value-of-b")
        self.assertIs(redactor.with_placeholders(None), redactor)


class GateTest(unittest.TestCase):
    def test_outgoing_text_loses_known_values_and_shapes(self) -> None:
        session = Redactor().start()
        session.request(exchange(headers=(("Authorization", f"Bearer {TOKEN}"),)).request)
        text = json.dumps({"a": TOKEN, "b": b64(f"xx{TOKEN}"), "c": jwt(sub="1"), "d": PEM})
        clean = session.gate(text)
        self.assertEqual(set(json.loads(clean)), {"a", "b", "c", "d"})
        for secret in (TOKEN, b64(f"xx{TOKEN}"), jwt(sub="1"), PEM.split("\n")[1]):
            self.assertNotIn(secret, clean)
        self.assertEqual(session.gate(clean), clean)

    def test_an_interaction_changed_by_a_hook_is_checked_again(self) -> None:
        session = Redactor().start()
        stored = session.interaction(exchange(headers=(("Authorization", f"Bearer {TOKEN}"),)))
        changed = stored.model_copy(update={"request": stored.request.model_copy(update={"url": f"https://x/{TOKEN}"})})
        self.assertEqual(session.interaction(changed).request.url, "https://x/REDACTED-1")

    def test_a_save_that_would_leak_is_refused_and_says_where_but_not_what(self) -> None:
        # A known value that is part of the mark that would replace it cannot be removed.
        session = Redactor(values=["REDACTED"]).start()
        try:
            clean = session.interaction(exchange("https://x/?token=abc"))
        except CassetteSaveError as error:
            self.assertIn("request URL", str(error))
            self.assertNotIn("abc", str(error))
        else:
            self.assertEqual(clean.request.url, "https://x/?token=REDACTED-1")

    def test_messages_are_redacted(self) -> None:
        session = Redactor().start()
        session.request(exchange(headers=(("Authorization", f"Bearer {TOKEN}"),)).request)
        self.assertEqual(
            session.text(f"no answer to GET https://joe:pw@x/?token=abc with {TOKEN}"),
            "no answer to GET https://REDACTED-2:REDACTED-3@x/?token=REDACTED-4 with REDACTED-1",
        )


class ReviewTest(unittest.TestCase):
    def test_late_secrets_are_removed_and_the_rest_is_the_same(self) -> None:
        session = Redactor().start()
        stored = Interactions()
        early = [exchange(f"https://x/{n}/{TOKEN if n == 3 else 'plain'}") for n in range(6)]
        for interaction in early:
            stored = stored.plus(session.interaction(interaction))
            self.assertIsNone(session.reviewed(stored))
        stored = stored.plus(session.interaction(answered(json.dumps({"access_token": TOKEN}))))
        reviewed = session.reviewed(stored)
        assert reviewed is not None
        self.assertEqual([each.request.url for each in reviewed][:6], [
            "https://x/0/plain", "https://x/1/plain", "https://x/2/plain", "https://x/3/REDACTED-1", "https://x/4/plain",
            "https://x/5/plain",
        ])  # fmt: skip
        self.assertIs(reviewed[0], stored[0])
        self.assertIsNone(session.reviewed(reviewed))

    def test_a_late_secret_is_found_in_every_encoding(self) -> None:
        escaped = "".join(f"%{ord(character):02x}" for character in TOKEN)
        for text in (TOKEN, b64(f"user:{TOKEN}"), b64(f"u:{TOKEN}!"), b64(f"x{TOKEN}"), escaped):
            with self.subTest(text):
                session = Redactor().start()
                stored = Interactions([session.interaction(answered(f"see {text}.", "text/plain"))])
                session.request(exchange(headers=(("X-Api-Key", TOKEN),)).request)
                reviewed = session.reviewed(stored)
                assert reviewed
                assert reviewed[0].response
                self.assertNotIn(text.encode(), reviewed[0].response.body)

    def test_a_recording_in_which_every_response_sets_a_cookie_looks_at_few_stored_interactions(self) -> None:
        session = Redactor().start()
        read: list[int] = []

        class Counting(Interactions):
            def __getitem__(self, index: Any) -> Any:
                read.append(index)
                return super().__getitem__(index)

        stored = Interactions()
        for number in range(300):
            cookie = (("Set-Cookie", f"sid={hash((number, 'salt')) & (1 << 63):x}{number * 7919:012x}aZ9"),)
            stored = stored.plus(session.interaction(exchange(f"https://x/{number}", response_headers=cookie)))
            session.reviewed(Counting(stored))
        self.assertLess(len(read), 300 * 4)


class ResponseTest(unittest.TestCase):
    def test_notes_about_exact_bytes_go_with_the_bytes(self) -> None:
        response = InteractionResponse(
            status=200, headers=(("Content-Type", "application/json"),), body=b'{"token":"abc","x":1}',
            recoding="gzip-6", chunk_sizes=(10, 11),
        )  # fmt: skip
        redacted = Redactor().start().interaction(exchange().model_copy(update={"response": response})).response
        assert redacted
        assert redacted.chunk_sizes
        self.assertEqual(redacted.recoding, "")
        self.assertEqual(sum(redacted.chunk_sizes), len(redacted.body))

    def test_chunks_of_lines_stay_chunks_of_lines(self) -> None:
        lines = [b'data: {"token": "abcDEF123456"}\n\n', b'data: {"n": 2}\n\n', b'data: {"token": "x1"}\n\n']
        response = InteractionResponse(
            status=200, headers=(("Content-Type", "text/event-stream"),), body=b"".join(lines),
            chunk_sizes=tuple(map(len, lines)),
        )  # fmt: skip
        redacted = Redactor().start().interaction(exchange().model_copy(update={"response": response})).response
        assert redacted
        assert redacted.chunk_sizes
        position, chunks = 0, []
        for size in redacted.chunk_sizes:
            chunks.append(redacted.body[position : position + size])
            position += size
        self.assertEqual(chunks, [
            b'data: {"token": "REDACTED-1"}\n\n', b'data: {"n": 2}\n\n', b'data: {"token": "REDACTED-2"}\n\n',
        ])  # fmt: skip

    def test_only_the_literals_that_change_are_written_anew(self) -> None:
        text = '{ "a" : 1.10,\t"token":"x\\u0041y" , "a":2e5, "big": 123456789012345678901234567890 }\n'
        redacted = Redactor().start().interaction(answered(text)).response
        self.assertEqual(redacted and redacted.body.decode(), text.replace("x\\u0041y", "REDACTED-1"))

    def test_nulls_booleans_and_numbers_keep_their_types(self) -> None:
        document = {"password": None, "token": True, "secret": 48213, "api_key": 1.5, "pin": 0, "otp": ""}
        redacted = body_of(Redactor().start().interaction(answered(json.dumps(document))))
        self.assertEqual([redacted[name] for name in ("password", "token", "pin", "otp")], [None, True, 0, ""])
        self.assertIsInstance(redacted["secret"], int)
        self.assertNotEqual(redacted["secret"], 48213)

    def test_a_pem_block_keeps_its_armour(self) -> None:
        redacted = body_of(Redactor().start().interaction(answered(json.dumps({"private_key": PEM}))))
        self.assertEqual(
            redacted["private_key"], "-----BEGIN RSA PRIVATE KEY-----\nREDACTED-1\n-----END RSA PRIVATE KEY-----\n"
        )


class SummaryTest(unittest.TestCase):
    def test_the_summary_says_what_where_and_how_often_but_never_the_value(self) -> None:
        session = Redactor().start()
        for _ in range(3):
            session.interaction(posted(json.dumps({"items": [{"token": TOKEN}, {"token": "other"}]})))
        (line,) = session.summary()
        self.assertEqual((line.where, line.by, line.times), ("request body $.items[*].token", "name", 6))
        self.assertNotIn(TOKEN, repr(session.summary()))

    def test_only_what_is_recorded_counts(self) -> None:
        session = Redactor().start()
        session.request(exchange(headers=(("X-Api-Key", TOKEN),)).request)
        self.assertEqual(session.summary(), ())


class ThreadsTest(unittest.TestCase):
    def test_one_session_serves_many_threads(self) -> None:
        session = Redactor().start()
        found: dict[int, str] = {}

        def work(number: int) -> None:
            for repeat in range(20):
                secret = f"Thread{number}secret{repeat}"
                session.interaction(exchange(f"https://x/?token={secret}"))
            found[number] = session.request(exchange(f"https://x/?token=Thread{number}secret0").request).url

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(set(found.values())), 8)


if __name__ == "__main__":
    unittest.main()
