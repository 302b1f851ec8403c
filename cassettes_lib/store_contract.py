"""The contract of a store, as tests that anybody's own store can inherit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cassettes_lib.broker import Broker, CassetteStore
from cassettes_lib.errors import CassetteNotFoundError
from cassettes_lib.models import (
    BrokenBody,
    Cassette,
    Interaction,
    InteractionFailure,
    InteractionRequest,
    InteractionResponse,
    Interactions,
    RecordingMark,
)

if TYPE_CHECKING:
    from unittest import TestCase as _Base
else:
    _Base = object  # a mixin that is collected by itself would fail for want of a store


def _interaction(number: int) -> Interaction:
    return Interaction(
        request=InteractionRequest(method="GET", url=f"https://api.example.com/{number}"),
        response=InteractionResponse(status=200, reason="OK", body=f"answer {number}".encode()),
    )


class CassetteStoreContract(_Base):
    """What every `CassetteStore` must do; mix it into a `unittest.TestCase` that says how to make one.

    Example:
        class MyStoreTest(CassetteStoreContract, unittest.TestCase):
            def make_store(self) -> MyStore:
                return MyStore(self.enterContext(tempfile.TemporaryDirectory()))
    """

    def make_store(self) -> CassetteStore:
        """Return a store of a place of its own where nothing is stored yet.

        Raises:
            NotImplementedError: The test case does not define it.
        """
        raise NotImplementedError(f"{type(self).__name__} must define make_store()")

    def reopened(self, store: CassetteStore) -> CassetteStore:
        """Return another store of the same place, as another process has it; by default the very same store."""
        return store

    def assert_stored(self, store: CassetteStore, *numbers: int) -> None:
        """Assert that a store holds the interactions of these numbers, in this order."""
        for each in (store, self.reopened(store)):
            self.assertEqual(list(each.load().interactions), [_interaction(number) for number in numbers])

    def test_loading_what_was_never_saved_is_a_not_found_error(self) -> None:
        with self.assertRaises(CassetteNotFoundError):
            self.make_store().load()

    def test_what_is_saved_is_loaded(self) -> None:
        store = self.make_store()
        store.save(Cassette(interactions=Interactions([_interaction(1), _interaction(2)])))
        self.assert_stored(store, 1, 2)

    def test_an_empty_cassette_is_stored_too(self) -> None:
        store = self.make_store()
        store.save(Cassette())
        self.assert_stored(store)

    def test_every_value_survives(self) -> None:
        text = "\ufeffé\u2028\0"
        bodies = [bytes(range(256)), b'{"a":1.10}', b'{"a": [1, 2]}', b"one\r\ntwo\r", text.encode(), b"\0"]
        interactions = [
            Interaction.model_validate(
                {
                    "recorded_at": "2026-11-23T10:40:00Z",
                    "request": InteractionRequest(method="POST", url="http://a/?b=c", headers=(("A", "1"),), body=body),
                    "response": InteractionResponse(
                        status=299, headers=(("b", "1"), ("C", ""), ("b", "2"), ("b", "2")), body=body, wire_body=True,
                        chunk_sizes=(1, 2), http_version="1.0",
                        broken=BrokenBody(error="IncompleteRead", message="3 more"), closed_early=True,
                    ),
                }
            )
            for body in bodies
        ]
        interactions.append(
            Interaction(
                request=InteractionRequest(method="GET", url="http://a/"),
                failure=InteractionFailure(error="requests.exceptions.ConnectTimeout", message="too slow"),
            )
        )
        store = self.make_store()
        store.save(Cassette(interactions=Interactions(interactions)))
        self.assertEqual(list(self.reopened(store).load().interactions), interactions)

    def test_a_save_replaces_what_was_saved(self) -> None:
        store = self.make_store()
        store.save(Cassette(interactions=Interactions([_interaction(1), _interaction(2)])))
        store.save(Cassette(interactions=Interactions([_interaction(3)])))
        self.assert_stored(store, 3)

    def test_what_is_added_is_kept_in_order(self) -> None:
        store, cassette = self.make_store(), Cassette()
        for number in range(5):
            cassette = cassette.plus(_interaction(number))
            store.save(cassette)
            self.assert_stored(store, *range(number + 1))

    def test_a_loaded_cassette_can_be_continued(self) -> None:
        store = self.make_store()
        store.save(Cassette(interactions=Interactions([_interaction(1)])))
        store = self.reopened(store)
        cassette = store.load().plus(_interaction(2))
        store.save(cassette)
        store.save(cassette.plus(_interaction(1)))
        self.assert_stored(store, 1, 2, 1)

    def test_several_additions_may_come_with_one_save(self) -> None:
        store, cassette = self.make_store(), Cassette()
        for number in range(4):
            cassette = cassette.plus(_interaction(number))
            if number % 2:
                store.save(cassette)
        self.assert_stored(store, 0, 1, 2, 3)

    def test_what_is_on_the_cassette_can_be_rewritten(self) -> None:
        store, cassette = self.make_store(), Cassette().plus(_interaction(1)).plus(_interaction(2))
        store.save(cassette)
        rewritten = cassette.interactions.rewritten([_interaction(3), cassette.interactions[1]])
        cassette = cassette.model_copy(update={"interactions": rewritten})
        store.save(cassette)
        store.save(cassette.plus(_interaction(4)))
        self.assert_stored(store, 3, 2, 4)

    def test_the_marks_of_an_incomplete_recording_come_and_go(self) -> None:
        store, mark = self.make_store(), RecordingMark(session="a session")
        cassette = Cassette(incomplete=(mark,)).plus(_interaction(1))
        store.save(cassette)
        self.assertEqual([each.session for each in self.reopened(store).load().incomplete], ["a session"])
        store.save(cassette.model_copy(update={"incomplete": ()}))
        self.assertEqual(self.reopened(store).load().incomplete, ())
        self.assert_stored(store, 1)

    def test_members_that_this_version_does_not_know_are_kept(self) -> None:
        interaction = Interaction.model_validate(
            {
                "note": {"by": "hand"},
                "request": {"method": "GET", "url": "http://a/", "timeout": 3},
                "response": {"status": 200, "lang": ["en", None]},
            }
        )
        store = self.make_store()
        store.save(Cassette.model_validate({"interactions": [interaction], "about": [1, {"a": "é"}]}))
        store = self.reopened(store)
        cassette = store.load()
        store.save(cassette.plus(_interaction(2)))
        loaded = self.reopened(store).load()
        self.assertEqual(loaded.model_extra, {"about": [1, {"a": "é"}]})
        self.assertEqual(list(loaded.interactions), [interaction, _interaction(2)])

    def test_two_stores_share_nothing(self) -> None:
        one, other = self.make_store(), self.make_store()
        one.save(Cassette().plus(_interaction(1)))
        with self.assertRaises(CassetteNotFoundError):
            other.load()
        other.save(Cassette().plus(_interaction(2)))
        self.assert_stored(one, 1)
        self.assert_stored(other, 2)

    def test_what_is_loaded_does_not_change_when_more_is_saved(self) -> None:
        store = self.make_store()
        store.save(Cassette().plus(_interaction(1)))
        loaded = store.load()
        store.save(loaded.plus(_interaction(2)))
        self.assertEqual(list(loaded.interactions), [_interaction(1)])

    def test_a_broker_records_to_it_and_replays_from_it(self) -> None:
        store = self.make_store()
        request = InteractionRequest(method="GET", url="https://api.example.com/7")
        answer = InteractionResponse(status=200, body=b"live")
        for mode in ("auto", "record"):
            with self.subTest(mode):
                recorded = Broker.from_store(store, mode, lambda _: answer).respond(request)
                self.assertEqual(recorded, answer)
                replaying = Broker.from_store(self.reopened(store), "replay")
                self.assertEqual(replaying.respond(request), answer)
                self.assertEqual(len(replaying.cassette.interactions), 1)
