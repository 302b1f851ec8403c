"""A miss shows no secret, wherever one is looked for: in the error, its copies, what it holds, notes and log."""

from __future__ import annotations

import copy
import gzip
import json
import logging
import pickle
import tempfile
import traceback
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from cassettes_lib.broker import Broker
from cassettes_lib.errors import InteractionNotFoundError
from cassettes_lib.matching import DEFAULT_MATCH_ON, header
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, Interactions
from cassettes_lib.redaction import Redactor
from cassettes_lib.stores import JsonFileCassetteStore
from tests.support import URL, a_request, a_response
from tests.support_matching import field, multipart, posted

RECORDED, ASKED = "hunter-2000-Kx27Pw", "eN3tkZ81Kq27PwT5yB0v"
FORM = "application/x-www-form-urlencoded"
MATCHES: dict[str, Any] = {
    "by default": DEFAULT_MATCH_ON,
    "with headers": ("method", "url", "headers", "body"),
    "by one header": ("method", header("Authorization", "Cookie"), "raw_body"),
    "by a function": ("method", lambda request: (request.url, request.headers, request.body)),
}


def places(secret: str) -> Iterator[tuple[str, InteractionRequest]]:
    """Give requests that hold a secret in one place."""
    yield "a header", a_request(headers=(("Authorization", f"Bearer {secret}"),))
    yield "a cookie", a_request(headers=(("Cookie", f"session={secret}; theme=dark"),))
    yield "a header and the path", a_request(url=f"{URL}/of/{secret}", headers=(("X-Api-Key", secret),))
    yield "the query", a_request(url=f"{URL}?page=1&api_key={secret}")
    yield "the userinfo", a_request(url=f"https://joe:{secret}@api.example.com/orders")
    yield "JSON", posted(json.dumps({"user": "joe", "password": secret}), "application/json")
    yield "JSON in JSON", posted(json.dumps({"text": json.dumps({"password": secret})}), "application/json")
    yield "a form", posted(urlencode({"user": "joe", "client_secret": secret}), FORM)
    yield "multipart", multipart(field("user", "joe"), field("password", secret))
    packed = gzip.compress(json.dumps({"password": secret}).encode(), mtime=0)
    yield "gzipped JSON", posted(packed, "application/json", Content_Encoding="gzip")  # type: ignore[arg-type]


def changed(request: InteractionRequest) -> InteractionRequest:
    """Return a request that matches none of the others, because of something that is no secret."""
    return request.model_copy(update={"method": "PUT", "headers": (*request.headers, ("X-More", "1"))})


def bodies(secret: str) -> list[InteractionRequest]:
    """Return posts to one URL whose JSON holds a secret."""
    token = f"eyJhbGciOiJIUzI1NiJ9.eyJuYW1lIjoiam9lIn0.{secret.replace('-', '_')}AAAABBBBCCCC"
    values = [
        {"user": "joe", "password": secret}, {"user": "ann", "password": secret, "note": f"it is {secret}"},
        {"user": "joe", "text": json.dumps({"user": "joe", "password": secret})}, {"id": 12, "jwt": token},
        {"id": 13, "access_token": token}, {"id": 14, "pin": 73645281, "secret": 12345678},
        {"items": [{"token": secret}]},
        {"id": 15, "url": f"https://joe:{secret}@a.example/?api_key={secret}"}, {"id": 16, "name": "no secret at all"},
    ]  # fmt: skip
    return [posted(json.dumps(value), "application/json") for value in values]


class ReplayOfSecretsTest(unittest.TestCase):
    def test_bodies_with_secrets_are_found_in_any_order_however_they_are_stored(self) -> None:
        wide = posted(json.dumps({"password": RECORDED}).encode("utf-16"), "application/json; charset=utf-16")
        packed = gzip.compress(json.dumps({"password": RECORDED}).encode(), mtime=0)
        others = [wide, posted(packed, "application/octet-stream"), multipart(field("file").encode() + packed)]
        for state in ("in clear", "redacted"):
            recorder = Broker(
                Cassette(), "record", lambda request: a_response(request.body),
                redactor=Redactor() if state == "redacted" else None,
            )
            for request in (*bodies(RECORDED), *others):
                recorder.respond(request)
            for order in (1, -1):
                with self.subTest(state, order=order), tempfile.TemporaryDirectory() as folder:
                    store = JsonFileCassetteStore(Path(folder, "cassette.json"))
                    store.save(recorder.cassette)
                    broker = Broker.from_store(store)
                    for request in [*bodies(RECORDED), *others][::order]:
                        broker.respond(request)
                    self.assertTrue(broker.all_played)
                    broker = Broker.from_store(store)
                    for request in bodies(RECORDED)[::order]:
                        with self.assertRaises(InteractionNotFoundError):
                            broker.respond(posted(request.body.replace(b": ", b":  [", 1) + b"]", "application/json"))
                        with self.assertRaises(InteractionNotFoundError):
                            broker.respond(posted(request.body.replace(b"}", b', "more": 1}'), "application/json"))
                        broker.respond(request)


class MissesHideSecretsTest(unittest.TestCase):
    def cassettes(self, request: InteractionRequest) -> Iterator[tuple[str, Cassette]]:
        interaction = Interaction(request=request, response=a_response())
        yield "in clear", Cassette(interactions=Interactions([interaction] * 2))
        broker = Broker(Cassette(), "record", lambda request: a_response())
        broker.respond(request)
        yield "redacted", broker.cassette

    def test_nothing_of_a_miss_holds_a_secret(self) -> None:
        for (place, recorded), (_, asked) in zip(places(RECORDED), places(ASKED), strict=True):
            for state, cassette in self.cassettes(recorded):
                for how, match_on in MATCHES.items():
                    with self.subTest(place, cassette=state, match_on=how):
                        self.assert_no_secret(Broker(cassette, match_on=match_on), changed(asked))

    def assert_no_secret(self, broker: Broker, asked: InteractionRequest) -> None:
        missing = self.assertRaises(InteractionNotFoundError)
        with self.assertLogs("cassettes_lib", logging.DEBUG) as logs, missing as caught:
            broker.respond(asked)
        self.assertIn(" is not interaction ", logs.output[-1])
        error = caught.exception
        error.add_note(broker.tape.note())
        copies = [error, copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))]
        told = [
            *[text for each in copies for text in (str(each), repr(each), repr(each.args), repr(vars(each)))],
            repr(error.request), repr(error.nearest), *[repr(each.request.body) for each in error.nearest],
            "".join(traceback.format_exception(error)), repr(broker), repr(broker.misses),
            pickle.dumps(error, 0).decode("latin-1"), *logs.output,
        ]  # fmt: skip
        bodies = [each.body for each in (error.request, *[near.request for near in error.nearest])]
        told += [gzip.decompress(body).decode() for body in bodies if body.startswith(b"\x1f\x8b")]
        self.assertGreater(len(str(error)), 100)
        for text in told:
            for secret in (RECORDED, ASKED):
                self.assertNotIn(secret, text)
                self.assertNotIn(quote(secret, safe=""), text)


if __name__ == "__main__":
    unittest.main()
