"""responses and requests-mock, outside and inside of our block, started and stopped in any order."""

from __future__ import annotations

import contextvars
import itertools
import subprocess
import sys
import textwrap
import threading
import unittest
import warnings
from typing import Any
from unittest import mock

import requests
import requests_mock
import responses

from cassettes_lib import InteractionNotFoundError, JsonFileCassetteStore, NetworkBlockedError, use_cassette
from cassettes_lib.broker import Broker
from cassettes_lib.errors import CassetteWarning
from cassettes_lib.interception import Interception
from cassettes_lib.models import Cassette
from tests.sealing_support import SealingTestCase
from tests.support import a_cassette, a_request, a_response, an_interaction


class NeighbourTestCase(SealingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.url = self.server.url + "/text"

    def get(self) -> bytes:
        return requests.get(self.url).content

    def mocked_responses(self, **options: Any) -> responses.RequestsMock:
        found = responses.RequestsMock(assert_all_requests_are_fired=False, **options)
        found.add("GET", self.url, body="by responses")
        return found

    def mocker(self, **options: Any) -> requests_mock.Mocker:
        found = requests_mock.Mocker(**options)
        found.get(self.url, text="by requests_mock")
        return found

    def recorded_by_itself(self) -> Any:
        path = self.new_path()
        request = an_interaction(a_request(url=self.url), a_response(b"recorded"))
        JsonFileCassetteStore(path).save(a_cassette(request))
        return path


class ResponsesTest(NeighbourTestCase):
    def test_inside_it_answers_first(self) -> None:
        with use_cassette(self.recorded_by_itself(), mode="replay") as broker:
            with self.mocked_responses():
                self.assertEqual(self.get(), b"by responses")
            self.assertEqual(self.get(), b"recorded")
        self.assertEqual((broker.play_count, self.server.hits), (1, []))

    def test_outside_the_cassette_answers_first(self) -> None:
        with self.mocked_responses() as mocked:
            with use_cassette(self.recorded_by_itself(), mode="replay"):
                self.assertEqual(self.get(), b"recorded")
            self.assertEqual(self.get(), b"by responses")
            self.assertEqual(len(mocked.calls), 1)
        self.assertEqual(self.server.hits, [])

    def test_outside_it_is_the_live_service_of_a_recording(self) -> None:
        with self.mocked_responses(), use_cassette(self.new_path(), mode="record") as broker:
            self.assertEqual(self.get(), b"by responses")
        self.assertEqual([each.response.body for each in broker.recorded if each.response], [b"by responses"])
        self.assertEqual(self.server.hits, [])

    def test_outside_its_passthru_is_recorded_from_the_real_service(self) -> None:
        with responses.RequestsMock() as mocked, use_cassette(self.new_path(), mode="record") as broker:
            mocked.add_passthru(self.server.url)
            self.get()
        self.assertEqual((len(broker.recorded), len(self.server.hits)), (1, 1))

    def test_inside_its_passthru_is_stopped_in_replay(self) -> None:
        with use_cassette(self.recorded("/text"), mode="replay"), responses.RequestsMock() as mocked:
            mocked.add_passthru(self.server.url)
            with self.assertRaises(NetworkBlockedError) as caught:
                self.get()
        self.assertIn(__file__, caught.exception.caller)
        self.assertEqual(self.server.hits, [])

    def test_inside_its_passthru_goes_live_with_a_warning_in_record(self) -> None:
        with use_cassette(self.new_path(), mode="record") as broker, responses.RequestsMock() as mocked:
            mocked.add_passthru(self.server.url)
            with self.assertWarnsRegex(CassetteWarning, "not recorded"):
                self.get()
        self.assertEqual((broker.recorded, len(self.server.hits)), ((), 1))

    def test_between_two_blocks_each_answers_in_its_turn(self) -> None:
        path = self.recorded_by_itself()
        with use_cassette(path, mode="replay") as outer, self.mocked_responses() as mocked:
            with use_cassette(self.new_path(), mode="record") as inner:
                self.assertEqual(self.get(), b"by responses")
            self.assertEqual((len(inner.recorded), len(mocked.calls), outer.play_count), (1, 1, 0))

    def test_stopped_inside_a_block_that_began_within_it(self) -> None:
        mocked = self.mocked_responses()
        mocked.start()
        with use_cassette(self.recorded_by_itself(), mode="replay"):
            mocked.stop()
            self.assertEqual(self.get(), b"recorded")
        self.assertEqual(self.server.hits, [])

    def test_stopped_after_the_block_in_which_it_was_started(self) -> None:
        mocked = self.mocked_responses()
        with use_cassette(self.recorded_by_itself(), mode="replay"):
            mocked.start()
        self.assertEqual(self.get(), b"by responses")
        mocked.stop()
        self.get()
        self.assertEqual(len(self.server.hits), 1)

    def test_its_decorator_in_either_order(self) -> None:
        path = self.recorded_by_itself()

        @use_cassette(path, mode="replay")
        @responses.activate
        def responses_inside() -> bytes:
            responses.add("GET", self.url, body="by responses")
            return self.get()

        @responses.activate
        @use_cassette(path, mode="replay")
        def responses_outside() -> bytes:
            return self.get()

        self.assertEqual(responses_inside(), b"by responses")
        self.assertEqual(responses_outside(), b"recorded")

    def test_imported_inside_a_block_it_keeps_nothing_alive(self) -> None:
        program = textwrap.dedent("""
            import sys, requests
            from requests.adapters import HTTPAdapter
            from cassettes_lib import Broker, Cassette, InteractionNotFoundError, NetworkBlockedError
            from cassettes_lib.interception import Interception
            url = sys.argv[1]
            original = HTTPAdapter.send
            first = Interception(Broker(Cassette()), "first")
            first.start()
            import responses
            def attempt():
                with responses.RequestsMock() as mocked:
                    mocked.add_passthru(url)
                    try:
                        print(requests.get(url + "/text").status_code)
                    except Exception as error:
                        print(type(error).__name__)
            attempt()
            first.stop()
            assert HTTPAdapter.send is original
            assert responses._real_send is original
            assert responses.mock._real_send is responses.RequestsMock()._real_send is original
            attempt()
            second = Interception(Broker(Cassette()), "second")
            second.start()
            attempt()
            second.stop()
            print(len(first.broker.misses), len(second.broker.misses))
            assert HTTPAdapter.send is original
        """)
        done = subprocess.run(
            [sys.executable, "-c", program, self.server.url], capture_output=True, text=True, check=False
        )
        self.assertEqual(
            done.stdout.split(), ["InteractionNotFoundError", "200", "NetworkBlockedError", "1", "0"], done.stderr
        )
        self.assertEqual(len(self.server.hits), 1)


class RequestsMockTest(NeighbourTestCase):
    def test_inside_it_answers_first(self) -> None:
        with use_cassette(self.recorded_by_itself(), mode="replay") as broker:
            with self.mocker():
                self.assertEqual(self.get(), b"by requests_mock")
            self.assertEqual(self.get(), b"recorded")
        self.assertEqual((broker.play_count, self.server.hits), (1, []))

    def test_inside_what_it_lets_pass_goes_to_the_cassette(self) -> None:
        with use_cassette(self.recorded("/json"), mode="replay") as broker, self.mocker(real_http=True):
            requests.get(self.server.url + "/json")
            with self.assertRaises(InteractionNotFoundError):
                requests.get(self.server.url + "/get")
            broker.misses.clear()
        self.assertEqual((broker.play_count, self.server.hits), (1, []))

    def test_outside_the_cassette_answers_first(self) -> None:
        with self.mocker() as mocked:
            with use_cassette(self.recorded_by_itself(), mode="replay"):
                self.assertEqual(self.get(), b"recorded")
            self.assertFalse(mocked.called)
            self.assertEqual(self.get(), b"by requests_mock")
        self.assertEqual(self.server.hits, [])

    def test_outside_a_miss_does_not_reach_it(self) -> None:
        path = self.recorded("/json")
        with self.mocker() as mocked, use_cassette(path, mode="replay") as broker:
            with self.assertRaises(InteractionNotFoundError):
                self.get()
            broker.misses.clear()
            self.assertFalse(mocked.called)

    def test_outside_it_is_the_live_service_of_a_recording(self) -> None:
        with self.mocker(), use_cassette(self.new_path(), mode="record") as broker:
            self.assertEqual(self.get(), b"by requests_mock")
        self.assertEqual([each.response.body for each in broker.recorded if each.response], [b"by requests_mock"])
        self.assertEqual(self.server.hits, [])

    def test_outside_what_it_lets_pass_is_recorded_from_the_real_service(self) -> None:
        with self.mocker(real_http=True), use_cassette(self.new_path(), mode="record") as broker:
            requests.get(self.server.url + "/json")
        self.assertEqual((len(broker.recorded), len(self.server.hits)), (1, 1))

    def test_outside_and_inside_at_once(self) -> None:
        with self.mocker(), use_cassette(self.recorded_by_itself(), mode="replay") as broker:
            with requests_mock.Mocker() as inner:
                inner.get(self.url, text="by the inner one")
                self.assertEqual(self.get(), b"by the inner one")
            self.assertEqual(self.get(), b"recorded")
        self.assertEqual(broker.play_count, 1)

    def test_between_the_blocks_of_two_threads(self) -> None:
        path = self.recorded_by_itself()
        opened, done = threading.Event(), threading.Event()

        def inner() -> None:
            with use_cassette(path, mode="replay"):
                opened.set()
                done.wait()

        with use_cassette(path, mode="replay"), self.mocker():
            thread = threading.Thread(target=contextvars.Context().run, args=(inner,))
            thread.start()
            opened.wait()
            self.assertEqual(self.get(), b"by requests_mock")
            done.set()
            thread.join()

    def test_undone_in_the_wrong_order(self) -> None:
        path = self.recorded_by_itself()
        first, second = self.mocker(), self.mocker()
        first.start()
        second.start()
        with use_cassette(path, mode="replay"):
            second.stop()
            self.assertEqual(self.get(), b"recorded")
        self.assertEqual(self.get(), b"by requests_mock")
        first.stop()
        self.assertEqual(self.server.hits, [])

    def test_stopped_after_the_block_in_which_it_was_started(self) -> None:
        original = requests.Session.send
        mocked = self.mocker()
        with use_cassette(self.recorded_by_itself(), mode="replay"):
            mocked.start()
        self.assertEqual(self.get(), b"by requests_mock")
        mocked.stop()
        self.get()
        self.assertEqual(len(self.server.hits), 1)
        self.assertIs(requests.Session.send, original)

    def test_a_session_that_it_has_served_works_in_and_after_the_block(self) -> None:
        session = requests.Session()
        with use_cassette(self.recorded_by_itself(), mode="replay"):
            with self.mocker():
                session.get(self.url)
            self.assertEqual(session.get(self.url).content, b"recorded")
        session.get(self.url)
        self.assertEqual(len(self.server.hits), 1)

    def test_on_one_session_it_answers_wherever_it_began_and_we_warn(self) -> None:
        session = requests.Session()
        with self.mocker(session=session), use_cassette(self.recorded_by_itself(), mode="replay"):
            with self.assertWarnsRegex(CassetteWarning, "one session"):
                self.assertEqual(session.get(self.url).content, b"by requests_mock")
            self.assertEqual(self.get(), b"recorded")

    def test_its_adapter_mounted_by_hand_answers(self) -> None:
        adapter = requests_mock.Adapter()
        adapter.register_uri("GET", "mock://it/", text="by the adapter")
        session = requests.Session()
        session.mount("mock://", adapter)
        with use_cassette(self.recorded("/text"), mode="replay"), self.assertWarns(CassetteWarning):
            self.assertEqual(session.get("mock://it/").text, "by the adapter")


class BothTest(NeighbourTestCase):
    def test_every_order_of_starting_and_stopping(self) -> None:
        """The block answers unless a neighbour that began later is still there; nothing goes live."""
        originals = requests.adapters.HTTPAdapter.send, requests.Session.send
        for starts in itertools.permutations("RMB"):
            for stops in itertools.permutations("RMB"):
                with self.subTest(starts=starts, stops=stops):
                    self.server.clear()
                    block = Interception(Broker(Cassette()), "B")
                    everyone: dict[str, Any] = {"R": self.mocked_responses(), "M": self.mocker(), "B": block}
                    for name in starts:
                        everyone[name].start()
                    there = list(starts)
                    try:
                        for name in ("", *stops):
                            if name:
                                everyone[name].stop()
                                there.remove(name)
                            if there:
                                self.assertEqual(self.who_answers(), self.expected(there), there)
                    finally:
                        block.stop()
                    self.assertEqual(self.server.hits, [])
                    self.get()
                    self.assertEqual(len(self.server.hits), 1)
                    self.assertEqual((requests.adapters.HTTPAdapter.send, requests.Session.send), originals)

    def who_answers(self) -> str:
        try:
            return {b"by responses": "R", b"by requests_mock": "M"}[self.get()]
        except InteractionNotFoundError:
            return "B"

    @staticmethod
    def expected(there: list[str]) -> str:
        # requests_mock answers before responses in any order: it sits in Session.send.
        if "B" not in there:
            return "M" if "M" in there else "R"
        later = there[there.index("B") + 1:]
        return "M" if "M" in later else "B" if "M" in there else "R" if "R" in later else "B"


class ShadowTest(NeighbourTestCase):
    def test_a_mock_in_place_of_what_leads_to_us_is_warned_about(self) -> None:
        for target in ("requests.Session.send", "requests.Session.request", "requests.request"):
            block = Interception(Broker(Cassette()), "shadowed")
            with self.subTest(target), mock.patch(target), self.assertWarnsRegex(CassetteWarning, target):
                block.start()
            block.stop()
        with mock.patch("requests.Session.send", wraps=requests.Session.send), warnings.catch_warnings():
            warnings.simplefilter("error")
            block.start()
            block.stop()


if __name__ == "__main__":
    unittest.main()
