"""The options of `use_cassette`: wrong ones are errors at construction that name the right one."""

from __future__ import annotations

import asyncio
import inspect
import pickle
import pydoc
import unittest
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from cassettes_lib import (
    CassetteNotFoundError,
    use_cassette,
)
from cassettes_lib.redaction import Redactor
from tests.support import MemoryCassetteStore


class OptionsTest(unittest.TestCase):
    """Wrong options are errors at construction."""

    def refuse(self, kind: type[Exception], pattern: str, *args: Any, **options: Any) -> None:
        with self.assertRaisesRegex(kind, pattern):
            use_cassette(*args, **options)

    def test_a_misspelt_keyword_suggests(self) -> None:
        for given, meant in [("modus", "mode"), ("match", "match_on"), ("before_recrod", "before_record"),
                             ("allow_playback_repeat", "allow_playback_repeats"), ("on_unsued", "on_unused"),
                             ("tapes", "tape")]:
            with self.subTest(given):
                self.refuse(TypeError, f"{given}.*{meant}", "x.json", **{given: None})

    def test_a_keyword_that_nobody_knows_lists_the_known_ones(self) -> None:
        self.refuse(TypeError, "there are path, mode, store, match_on", "x.json", zzzz=1)

    def test_other_tools_keywords_are_answered_with_ours(self) -> None:
        for given, ours in [
            ("record_mode", "mode="), ("filter_headers", r"redact=Redactor\(headers=\["),
            ("filter_query_parameters", r"redact=Redactor\(query=\["),
            ("filter_post_data_parameters", r"redact=Redactor\(fields=\["), ("ignore_hosts", "passthrough="),
            ("ignore_localhost", "passthrough="), ("match_requests_on", "match_on="),
            ("cassette_library_dir", "cassette_dir"), ("decode_compressed_response", "preserve_exact_body_bytes"),
            ("before_record_request", "before_record"), ("before_record_response", "before_record"),
            ("serializer", "store="), ("serialize_with", "store="), ("record", "mode="), ("path_transformer", "path"),
            ("re_record_interval", "max_age="), ("drop_unused_requests", "on_unused="), ("new_episodes", "mode='auto'"),
            ("session", "CassetteAdapter"), ("additional_matchers", "match_on="), ("real_http", "passthrough="),
            ("assert_all_requests_are_fired", "on_unused="), ("allowed_hosts", "allow_network="),
        ]:
            with self.subTest(given):
                self.refuse(TypeError, f"{given}.*{ours}", "x.json", **{given: None})

    def test_wrong_values_say_what_is_right(self) -> None:
        cases: list[tuple[type[Exception], str, dict[str, Any]]] = [
            (ValueError, "did you mean 'error'", {"on_unused": "eror"}),
            (ValueError, "'ignore', 'warn', 'error'", {"on_unused": True}),
            (ValueError, "^on_unused='raise'. It is one of 'ignore', 'warn', 'error'$", {"on_unused": "raise"}),
            (ValueError, "'warn', 'error', 'record'", {"on_expired": "ignore"}),
            (TypeError, "timedelta", {"max_age": 90}),
            (ValueError, "not positive", {"max_age": timedelta(0)}),
            (TypeError, "tape is True, False, or how many", {"tape": "off"}),
            (TypeError, "tape is True, False, or how many", {"tape": None}),
            (TypeError, "tape is True, False, or how many", {"tape": 2.0}),
            (ValueError, "0 or False switches the tape off", {"tape": -1}),
            (ValueError, "0 or False switches the tape off", {"tape": 10**30}),
            (ValueError, "(?i)matcher", {"match_on": ("method", "uri")}),
            (TypeError, "True or False", {"allow_playback_repeats": "no"}),
            (TypeError, "True or False", {"record_failures": 1}),
            (TypeError, "function", {"before_record": "scrub"}),
            (TypeError, "function", {"before_replay": 1}),
            (TypeError, r"Redactor\(headers=", {"redact": ["Authorization"]}),
            (TypeError, r"redact=None", {"redact": False}),
            (TypeError, "dictionary", {"placeholders": [{"placeholder": "<KEY>", "replace": "k"}]}),
            (ValueError, "redact=None", {"redact": None, "placeholders": {"<KEY>": "k"}}),
            (TypeError, "passthrough", {"passthrough": 80}),
            (TypeError, "neither", {"passthrough": [80]}),
            (ValueError, "not a host", {"passthrough": "https://example.com"}),
            (TypeError, "load.. and save", {"store": object()}),
            (TypeError, "first argument", {"store": "x.json"}),
            (TypeError, "instance", {"store": MemoryCassetteStore}),
        ]
        for kind, pattern, options in cases:
            with self.subTest(options=options):
                self.refuse(kind, pattern, **options)

    def test_wrong_paths_say_what_is_right(self) -> None:
        cases: list[tuple[type[Exception], str, Any]] = [
            (TypeError, "str or a Path", b"x.json"), (TypeError, "str or a Path", 7),
            (ValueError, "path of a file", ""),
            (ValueError, "path of a file", "cassettes/"), (TypeError, "store=Memory", MemoryCassetteStore()),
        ]
        for kind, pattern, path in cases:
            with self.subTest(path):
                self.refuse(kind, pattern, path)

    def test_path_and_store_together_are_refused(self) -> None:
        self.refuse(TypeError, "either", "x.json", store=MemoryCassetteStore())

    def test_entering_it_without_a_call_says_how_it_is_called(self) -> None:
        entered: Any = use_cassette
        said = r"^use_cassette is to be called: with use_cassette\('cassettes/orders.json'\): ...$"
        with self.assertRaisesRegex(TypeError, said), entered:
            pass
        with self.assertRaisesRegex(TypeError, said):
            self.enterContext(entered)

        async def block() -> None:
            async with entered:
                pass

        with self.assertRaisesRegex(TypeError, said):
            asyncio.run(block())

    def test_it_is_a_function_to_those_who_look(self) -> None:
        self.assertTrue(inspect.isroutine(use_cassette))
        self.assertIs(pickle.loads(pickle.dumps(use_cassette)), use_cassette)
        page = pydoc.plain(pydoc.render_doc(use_cassette))
        self.assertRegex(page, r"(?s)use_cassette\(\s*path: .*\n +Record the requests")

        class Suite:
            kept = use_cassette

        self.assertIs(Suite().kept, use_cassette)

    def test_options_are_keywords_only(self) -> None:
        self.refuse(TypeError, "positional", "x.json", "record")

    def test_every_option_of_the_design_is_taken(self) -> None:
        use_cassette(
            "x.json", mode="once", store=None, match_on=("method", "url", "body"), redact=Redactor(),
            placeholders={"<API_KEY>": "k"}, before_record=None, before_replay=None, allow_playback_repeats=False,
            record_failures=False, preserve_exact_body_bytes=False, on_unused="ignore", passthrough=(), max_age=None,
            on_expired="warn", tape=True,
        )
        use_cassette(Path("x.json"), redact=None, max_age=timedelta(days=1))

    def test_its_signature_is_that_of_the_design(self) -> None:
        names = list(inspect.signature(use_cassette).parameters)
        self.assertEqual(names[:2], ["path", "mode"])
        self.assertNotIn("unknown", names)

    def test_partial_is_shared_configuration(self) -> None:
        ours = partial(use_cassette, mode="replay", on_unused="error")
        with self.assertRaises(CassetteNotFoundError), ours("nowhere/x.json"):
            pass
        with self.assertRaisesRegex(TypeError, "record_mode"):
            partial(use_cassette, record_mode="none")("x.json")

        @ours
        def function() -> None: ...

        self.assertEqual(function.__name__, "function")


if __name__ == "__main__":
    unittest.main()
