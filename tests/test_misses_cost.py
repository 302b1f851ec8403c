"""What a miss costs on a large cassette, counted in what is read, parsed and looked through, never by a clock."""

from __future__ import annotations

import contextlib
import json
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from cassettes_lib import entrycheck, matching_bodies, unread
from cassettes_lib.broker import Broker
from cassettes_lib.errors import InteractionNotFoundError
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, Interactions
from cassettes_lib.redaction_pass import Pass
from cassettes_lib.stores import JsonFileCassetteStore
from tests.support import URL, a_request, a_response

COUNT = 300
# The nearest, a dozen, are compared, and so are fifty that a secret may stand in for.
FEW = 80


class MissCostTest(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "cassette.json")

    def broker_for(self, made: Callable[[int], InteractionRequest]) -> Broker:
        recorded = [Interaction(request=made(number), response=a_response(b"{}")) for number in range(COUNT)]
        JsonFileCassetteStore(self.path).save(Cassette(interactions=Interactions(recorded)))
        return Broker.from_store(JsonFileCassetteStore(self.path))

    def costs_of_a_miss(self, broker: Broker, asked: InteractionRequest) -> dict[str, int]:
        watched = {
            "whole interactions read": (unread, "sure_interaction", unread.sure_interaction),
            "requests read": (unread, "sure_request", unread.sure_request),
            "bodies written": (entrycheck, "body_from_form", entrycheck.body_from_form),
            "requests looked through": (Pass, "request", Pass.request),
            "URLs looked through": (Pass, "request_url", Pass.request_url),
            "bodies parsed": (matching_bodies, "parse_json", matching_bodies.parse_json),
        }
        with contextlib.ExitStack() as patches:
            counts = {
                name: patches.enter_context(mock.patch.object(owner, attribute, autospec=True, side_effect=real))
                for name, (owner, attribute, real) in watched.items()
            }
            caught = patches.enter_context(self.assertRaises(InteractionNotFoundError))
            broker.respond(asked)
        self.assertEqual(len(caught.exception.nearest), 3)
        return {name: count.call_count for name, count in counts.items()}

    def assertFew(self, costs: dict[str, int], **allowed: int) -> None:
        for name, count in costs.items():
            self.assertLessEqual(count, allowed.get(name.replace(" ", "_"), FEW), name)

    def test_of_many_urls_only_the_nearest_are_read(self) -> None:
        broker = self.broker_for(lambda number: a_request(url=f"{URL}/{number}?page=2"))
        for missing in ("x1", "x2"):
            self.assertFew(self.costs_of_a_miss(broker, a_request(url=f"{URL}/{missing}?page=2")))

    def test_of_many_bodies_with_urls_of_their_own_only_the_nearest_are_read(self) -> None:
        broker = self.broker_for(lambda number: posted(number, f"{URL}/{number}"))
        for missing in (COUNT, COUNT + 1):
            self.assertFew(self.costs_of_a_miss(broker, posted(missing, f"{URL}/{missing}")))

    def test_of_many_bodies_of_one_url_only_the_nearest_are_read(self) -> None:
        broker = self.broker_for(posted)
        for missing in (COUNT, COUNT + 1):
            self.assertFew(self.costs_of_a_miss(broker, posted(missing)))

    def test_after_a_few_misses_the_texts_of_recorded_bodies_are_looked_through_no_more(self) -> None:
        broker = self.broker_for(posted)
        auto = Broker(broker.cassette, "auto", lambda request: a_response(b"{}"))
        real = Interactions.body_text_at
        costs = []
        for number in range(12):
            with mock.patch.object(Interactions, "body_text_at", autospec=True, side_effect=real) as looked_at:
                auto.respond(posted(COUNT + number))
            costs.append(looked_at.call_count)
        self.assertGreaterEqual(costs[0], COUNT)
        self.assertLess(sum(costs[6:]), 5)
        self.assertEqual(auto.respond(posted(7)).body, b"{}")
        self.assertEqual(auto.play_count, 1)

    def test_bodies_that_differ_in_what_may_be_spelt_in_many_ways_are_read_and_parsed_once(self) -> None:
        broker = self.broker_for(priced)
        once = COUNT + FEW
        costs = self.costs_of_a_miss(broker, priced(COUNT))
        self.assertFew(costs, requests_read=once, bodies_written=once, bodies_parsed=once)
        self.assertFew(self.costs_of_a_miss(broker, priced(COUNT + 1)))

    def test_a_token_in_the_headers_changes_nothing_of_that(self) -> None:
        self.record(lambda number: posted(number, headers=TOKEN))
        broker = Broker.from_store(JsonFileCassetteStore(self.path))
        self.assertFew(self.costs_of_a_miss(broker, posted(COUNT, headers=TOKEN)))

    def test_a_secret_in_the_url_is_looked_for_once_in_each_url(self) -> None:
        self.record(lambda number: a_request(url=f"{URL}?page={number}&api_key={SECRET}"))
        broker = Broker.from_store(JsonFileCassetteStore(self.path))
        costs = self.costs_of_a_miss(broker, a_request(url=f"{URL}?page=x&api_key={SECRET}"))
        self.assertFew(costs, requests_read=COUNT + FEW, bodies_written=COUNT + FEW, URLs_looked_through=COUNT + FEW)

    def record(self, made: Callable[[int], InteractionRequest]) -> None:
        broker = Broker(Cassette(), "record", lambda request: a_response(b"{}"))
        for number in range(COUNT):
            broker.respond(made(number))
        JsonFileCassetteStore(self.path).save(broker.cassette)
        self.assertNotIn(SECRET, self.path.read_text())


SECRET = "eN3tkZ81Kq27PwT5yB0v"
TOKEN = (("Authorization", f"Bearer {SECRET}"),)


def priced(number: int) -> InteractionRequest:
    return a_request("POST", URL, (("Content-Type", "application/json"),), b'{"price": %d.25, "kind": "pen"}' % number)


def posted(number: int, url: str = URL, headers: tuple[tuple[str, str], ...] = ()) -> InteractionRequest:
    body = json.dumps({"id": number, "customer": f"customer {number}", "items": ["pen", "ink"]}).encode()
    return a_request("POST", url, (("Content-Type", "application/json"), *headers), body)


if __name__ == "__main__":
    unittest.main()
