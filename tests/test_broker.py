"""The Broker: its modes, its queues, and its two ports."""

from __future__ import annotations

import threading
import unittest

from cassettes_lib.broker import Broker
from cassettes_lib.errors import (
    CassetteNotFoundError,
    CassetteSaveError,
    InteractionFailedError,
    InteractionNotFoundError,
    LiveResponderRequiredError,
)
from cassettes_lib.models import (
    Cassette,
    Interaction,
    InteractionFailure,
    InteractionRequest,
    InteractionResponse,
    Interactions,
)
from tests.support import (
    URL,
    FailingCassetteStore,
    MemoryCassetteStore,
    ScriptedService,
    a_cassette,
    a_request,
    a_response,
    an_interaction,
)


def bodies(broker: Broker, count: int, service: ScriptedService | None = None) -> list[bytes]:
    return [broker.respond(a_request(), service).body for _ in range(count)]


class ReplayTest(unittest.TestCase):
    def test_equal_requests_are_answered_in_recorded_order(self) -> None:
        recorded = [an_interaction(response=a_response(body)) for body in (b"pending", b"pending", b"done")]
        broker = Broker(a_cassette(*recorded))
        self.assertEqual(bodies(broker, 3), [b"pending", b"pending", b"done"])
        self.assertTrue(broker.all_played)
        self.assertEqual(broker.play_count, 3)

    def test_after_the_last_equal_interaction_comes_a_miss(self) -> None:
        broker = Broker(a_cassette(an_interaction()))
        bodies(broker, 1)
        with self.assertRaises(InteractionNotFoundError) as caught:
            broker.respond(a_request())
        self.assertEqual(broker.misses, [caught.exception])

    def test_the_last_answer_is_repeated_when_that_is_allowed(self) -> None:
        recorded = [an_interaction(response=a_response(body)) for body in (b"1", b"2")]
        broker = Broker(a_cassette(*recorded), allow_playback_repeats=True)
        self.assertEqual(bodies(broker, 4), [b"1", b"2", b"2", b"2"])

    def test_repeats_do_not_answer_what_was_never_recorded(self) -> None:
        broker = Broker(Cassette(), allow_playback_repeats=True)
        with self.assertRaises(InteractionNotFoundError):
            broker.respond(a_request())

    def test_other_methods_urls_and_bodies_do_not_match(self) -> None:
        broker = Broker(a_cassette(an_interaction(a_request("POST", body=b"a"))))
        put, b, elsewhere = a_request("PUT", body=b"a"), a_request(body=b"b"), a_request("POST", "http://x/", (), b"a")
        for other in (put, b, elsewhere):
            with self.assertRaises(InteractionNotFoundError):
                broker.respond(other)
        self.assertEqual(len(broker.misses), 3)

    def test_nothing_is_sent_and_nothing_saved(self) -> None:
        store, service = MemoryCassetteStore(a_cassette(an_interaction())), ScriptedService()
        broker = Broker.from_store(store, "replay", service)
        bodies(broker, 1)
        with self.assertRaises(InteractionNotFoundError):
            broker.respond(a_request())
        self.assertEqual((store.loads, store.saves, service.asked), (1, 0, []))

    def test_unused_interactions_are_told_in_recorded_order(self) -> None:
        first, second, third = (an_interaction(a_request(url=f"http://x/{n}")) for n in range(3))
        broker = Broker(a_cassette(first, second, third))
        broker.respond(second.request)
        self.assertEqual(broker.unused, (first, third))
        self.assertFalse(broker.all_played)

    def test_a_recorded_failure_is_raised(self) -> None:
        failure = InteractionFailure(error="requests.exceptions.ConnectTimeout", message="too slow")
        broker = Broker(a_cassette(Interaction(request=a_request(), failure=failure)))
        with self.assertRaises(InteractionFailedError) as caught:
            broker.respond(a_request())
        self.assertEqual(caught.exception.failure, failure)

    def test_a_missing_cassette_is_an_error(self) -> None:
        with self.assertRaises(CassetteNotFoundError):
            Broker.from_store(MemoryCassetteStore(), "replay")

    def test_a_custom_matcher_decides(self) -> None:
        broker = Broker(a_cassette(an_interaction()), match_on=[lambda request: request.method])
        self.assertEqual(broker.respond(a_request(url="http://elsewhere/")).body, b"hello")


class RecordTest(unittest.TestCase):
    def test_each_new_recording_is_saved_once(self) -> None:
        store = MemoryCassetteStore()
        broker = Broker.from_store(store, "record", ScriptedService(b"1", b"2"))
        self.assertEqual(bodies(broker, 1), [b"1"])
        self.assertEqual(store.saves, 1)
        self.assertEqual(bodies(broker, 1), [b"2"])
        self.assertEqual(store.saves, 2)
        assert store.cassette is not None
        self.assertEqual([each.response.body for each in store.cassette.interactions if each.response], [b"1", b"2"])

    def test_record_replaces_what_was_there_with_the_first_recording(self) -> None:
        old = a_cassette(an_interaction(response=a_response(b"old")))
        store = MemoryCassetteStore(old)
        broker = Broker.from_store(store, "record", ScriptedService(b"new"))
        self.assertIs(store.cassette, old)
        self.assertEqual(bodies(broker, 1), [b"new"])
        assert store.cassette is not None
        self.assertEqual(len(store.cassette.interactions), 1)

    def test_a_failing_save_reaches_the_caller_and_a_later_save_holds_everything(self) -> None:
        store = FailingCassetteStore()
        broker = Broker.from_store(store, "record", ScriptedService(b"1", b"2"))
        with self.assertRaises(CassetteSaveError):
            broker.respond(a_request())
        store.broken = False
        self.assertEqual(bodies(broker, 1), [b"2"])
        assert store.cassette is not None
        self.assertEqual([each.response.body for each in store.cassette.interactions if each.response], [b"1", b"2"])

    def test_without_a_store_everything_works_and_nothing_is_persisted(self) -> None:
        broker = Broker(Cassette(), "record", ScriptedService(b"1"))
        self.assertEqual(bodies(broker, 1), [b"1"])
        self.assertEqual(len(broker.recorded), 1)
        self.assertEqual(broker.cassette.interactions, broker.recorded)

    def test_the_responder_of_the_call_goes_before_the_brokers_own(self) -> None:
        broker = Broker(Cassette(), "record", ScriptedService(b"its own"))
        self.assertEqual(broker.respond(a_request(), ScriptedService(b"the call's")).body, b"the call's")

    def test_recording_without_a_live_responder_is_an_error(self) -> None:
        for mode in ("record", "auto"):
            with self.subTest(mode), self.assertRaises(LiveResponderRequiredError) as caught:
                Broker(Cassette(), mode).respond(a_request())  # type: ignore[arg-type]
            self.assertEqual(caught.exception.mode, mode)

    def test_before_record_changes_or_drops_what_is_stored_and_not_what_is_returned(self) -> None:
        def change(interaction: Interaction) -> Interaction | None:
            if interaction.response and interaction.response.body == b"drop":
                return None
            return interaction.model_copy(update={"response": a_response(b"changed")})

        store = MemoryCassetteStore()
        broker = Broker.from_store(store, "record", ScriptedService(b"drop", b"keep"), before_record=change)
        self.assertEqual(bodies(broker, 2), [b"drop", b"keep"])
        self.assertEqual(store.saves, 1)
        self.assertEqual([each.response.body for each in broker.recorded if each.response], [b"changed"])

    def test_exceptions_are_recorded_only_on_request(self) -> None:
        def refuse(request: InteractionRequest) -> InteractionResponse:
            raise ConnectionRefusedError("nobody there")

        for wanted, count in ((False, 0), (True, 1)):
            broker = Broker(Cassette(), "record", refuse, record_failures=wanted)
            with self.subTest(wanted), self.assertRaisesRegex(ConnectionRefusedError, "nobody there"):
                broker.respond(a_request())
            self.assertEqual(len(broker.recorded), count)
        self.assertEqual(
            broker.recorded[0].failure,
            InteractionFailure(error="builtins.ConnectionRefusedError", message="nobody there"),
        )

    def test_the_lock_is_free_during_a_live_call(self) -> None:
        both_inside = threading.Barrier(2, timeout=10)

        def responder(request: InteractionRequest) -> InteractionResponse:
            both_inside.wait()  # reached by both threads only when neither waits for the other's live call
            return a_response()

        broker = Broker(Cassette(), "record", responder)
        threads = [threading.Thread(target=broker.respond, args=(a_request(),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        self.assertEqual(len(broker.recorded), 2)


class AutoTest(unittest.TestCase):
    def test_a_hit_is_replayed_and_a_miss_is_recorded(self) -> None:
        store, service = MemoryCassetteStore(a_cassette(an_interaction())), ScriptedService(b"new")
        broker = Broker.from_store(store, "auto", service)
        self.assertEqual(bodies(broker, 1), [b"hello"])
        self.assertEqual(store.saves, 0)
        self.assertEqual(bodies(broker, 1), [b"new"])
        self.assertEqual(store.saves, 1)
        assert store.cassette is not None
        self.assertEqual(len(store.cassette.interactions), 2)

    def test_what_this_session_recorded_is_not_replayed_in_it(self) -> None:
        broker = Broker(Cassette(), "auto", ScriptedService(b"1", b"2"))
        self.assertEqual(bodies(broker, 2), [b"1", b"2"])

    def test_a_missing_cassette_is_an_empty_one(self) -> None:
        broker = Broker.from_store(MemoryCassetteStore(), "auto", ScriptedService(b"1"))
        self.assertEqual(bodies(broker, 1), [b"1"])


class ArgumentsTest(unittest.TestCase):
    def test_an_unknown_mode_names_the_right_ones(self) -> None:
        with self.assertRaisesRegex(ValueError, "replay, record, auto"):
            Broker(Cassette(), "once")  # type: ignore[arg-type]

    def test_a_path_in_place_of_the_cassette_or_the_store_is_refused_with_what_to_write(self) -> None:
        for broker_of in (Broker, Broker.from_store):
            with self.assertRaisesRegex(TypeError, r"'orders.json' is not .*JsonFileCassetteStore\(path\)"):
                broker_of("orders.json")  # type: ignore[arg-type]

    def test_its_repr_says_what_it_did(self) -> None:
        broker = Broker(a_cassette(an_interaction()), name="orders.json")
        bodies(broker, 1)
        self.assertEqual(
            repr(broker), "<Broker in mode replay on orders.json: 1 replayed, 0 recorded, 0 missed>"
        )

    def test_an_unknown_keyword_is_an_error(self) -> None:
        with self.assertRaises(TypeError):
            Broker(Cassette(), filter_headers=["x"])  # type: ignore[call-arg]


class OwnMatcherTest(unittest.TestCase):
    def test_its_exception_is_no_miss_and_its_note_is_redacted(self) -> None:
        def broken(request: InteractionRequest) -> str:
            if "page=2" in request.url:
                raise KeyError("page")
            return request.url

        secret = "eN3tkZ81Kq27PwT5yB0v"
        for mode in ("replay", "auto"):
            recorded = Cassette(interactions=Interactions([an_interaction()]))
            broker = Broker(recorded, mode, lambda request: self.fail("live"), match_on=("method", broken))
            with self.subTest(mode), self.assertRaises(KeyError) as caught:
                broker.respond(a_request(url=f"{URL}?page=2&api_key={secret}"))
            self.assertEqual(broker.misses, [])
            (note,) = caught.exception.__notes__
            self.assertIn("the matcher broken, for the request GET https://api.example.com/orders?page=2", note)
            self.assertNotIn(secret, note)


if __name__ == "__main__":
    unittest.main()
