"""The adapter and its exchange: what the conformance table cannot show: when, where and how often."""

from __future__ import annotations

import gc
import json
import threading
import time
import tracemalloc
import unittest
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from unittest import mock

import requests
import requests_mock
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from cassettes_lib.adapter import CassetteAdapter
from cassettes_lib.broker import Broker
from cassettes_lib.errors import CassetteSaveError, InteractionNotFoundError
from cassettes_lib.fileformat import interaction_to_entry
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, InteractionResponse, RetriedAttempt
from cassettes_lib.streams import finish_open_streams
from tests.loopback import LoopbackProxy, LoopbackServer
from tests.loopback_messages import Reply
from tests.loopback_routes import POEM
from tests.support import FailingCassetteStore, MemoryCassetteStore


class AdapterTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.server = self.enterContext(LoopbackServer())
        self.store = MemoryCassetteStore()

    def url(self, path: str) -> str:
        return self.server.url_for(path)

    def broker(self, mode: str = "record", **options: Any) -> Broker:
        return Broker.from_store(self.store, mode, **{"redactor": None, **options})  # type: ignore[arg-type]

    def session(self, broker: Broker, inner: Any = None, **options: Any) -> requests.Session:
        session = self.enterContext(requests.Session())
        session.trust_env = False
        for prefix in ("http://", "https://"):
            session.mount(prefix, CassetteAdapter(broker, inner, **options))
        return session

    def replaying(self, **options: Any) -> requests.Session:
        self.server.stop()
        return self.session(self.broker("replay"), **options)

    def recorded(self, broker: Broker, position: int = -1) -> InteractionResponse:
        response = broker.recorded[position].response
        assert response is not None
        return response


class StreamTest(AdapterTestCase):
    def test_events_are_delivered_as_they_arrive_and_saved_when_the_stream_ends(self) -> None:
        broker = self.broker()
        gates = [self.server.gate(f"g-{number}") for number in range(4)]
        gates[0].set()
        response = self.session(broker).get(self.url("/events?count=3&gate=g"), stream=True)
        pieces = response.iter_content(None)
        received = []
        for number in range(3):
            received.append(next(pieces))  # would block for ever if it waited for what comes behind the next gate
            self.assertEqual(broker.recorded, ())
            gates[number + 1].set()
        self.assertEqual(list(pieces), [])
        self.assertEqual(self.recorded(broker).chunk_sizes, tuple(map(len, received)))
        self.assertEqual(self.store.saves, 1)
        replayed = self.replaying().get(self.url("/events?count=3&gate=g"), stream=True)
        self.assertEqual(list(replayed.iter_content(None)), received)

    def test_a_stream_closed_early_is_saved_then_and_marked(self) -> None:
        broker = self.broker()
        self.server.gate("g-0").set()
        response = self.session(broker).get(self.url("/events?count=3&gate=g"), stream=True)
        first = next(response.iter_content(None))
        response.close()
        self.assertEqual(self.recorded(broker).body, first)
        self.assertTrue(self.recorded(broker).closed_early)
        replayed = self.replaying().get(self.url("/events?count=3&gate=g"), stream=True)
        self.assertEqual(next(replayed.iter_content(None)), first)

    def test_a_stream_that_nobody_holds_any_more_is_saved(self) -> None:
        broker = self.broker()
        session = self.session(broker)
        for read in (0, 3):
            response: Any = session.get(self.url("/binary?size=100000"), stream=True)
            response.raw.read(read)
            del response
            gc.collect()
        self.assertEqual([each.response and each.response.closed_early for each in broker.recorded], [True, True])

    def test_a_stream_read_to_its_last_byte_is_whole(self) -> None:
        broker = self.broker()
        session = self.session(broker)
        for path in ("/text", "/until-close", "/chunked", "/gzip", "/no-content", "/http10"):
            response = session.get(self.url(path), stream=True)
            self.assertIsNotNone(response.content)
            self.assertFalse(self.recorded(broker).closed_early, path)
        self.assertEqual(len(broker.recorded), 6)

    def test_a_stream_outlives_its_session(self) -> None:
        broker = self.broker()
        session = self.session(broker)
        response = session.get(self.url("/chunked?sizes=5,5"), stream=True)
        session.close()
        self.assertEqual(response.content, b"abcdefghij")
        self.assertEqual(self.recorded(broker).body, b"abcdefghij")

    def test_what_is_open_when_the_process_ends_is_saved_as_far_as_it_came(self) -> None:
        broker = self.broker()
        response = self.session(broker).get(self.url("/binary?size=100000"), stream=True)
        first = response.raw.read(10)
        finish_open_streams()
        self.assertTrue(self.recorded(broker).closed_early)
        self.assertTrue(self.recorded(broker).body.startswith(first))
        self.assertEqual(len(first + response.raw.read()), 100_000)
        response.close()
        self.assertEqual(len(broker.recorded), 1, "once is enough")

    def test_a_stream_that_cannot_be_saved_says_so_to_its_reader(self) -> None:
        self.store = FailingCassetteStore()
        broker = self.broker()
        response = self.session(broker).get(self.url("/text"), stream=True)
        with self.assertRaises(CassetteSaveError), self.assertLogs("cassettes_lib", "ERROR"):
            list(response.iter_content(None))

    def test_the_connection_goes_back_to_its_pool(self) -> None:
        inner = HTTPAdapter()
        session = self.session(self.broker(), inner)
        for stream in (False, True):
            for path in ("/text", "/chunked", "/gzip", "/no-content", "/status/404"):
                response = session.get(self.url(path), stream=stream)
                self.assertIsNotNone(response.content)
        (pool,) = (inner.poolmanager.pools[key] for key in inner.poolmanager.pools.keys())  # noqa: SIM118
        self.assertEqual(pool.num_connections, 1)

    def test_many_streams_in_many_threads_are_all_kept(self) -> None:
        broker = self.broker()
        session = self.session(broker)
        bodies: dict[int, bytes] = {}

        def read(number: int) -> None:
            response = session.get(self.url(f"/binary?size=50000&seed={number}"), stream=True)
            bodies[number] = b"".join(response.iter_content(997))

        threads = [threading.Thread(target=read, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        recorded = {int(each.request.url.rpartition("=")[2]): each.response.body for each in broker.recorded
                    if each.response}
        self.assertEqual(recorded, bodies)


class SavingTest(AdapterTestCase):
    def test_a_response_that_cannot_be_saved_is_not_delivered(self) -> None:
        self.store = FailingCassetteStore()
        with self.assertRaises(CassetteSaveError):
            self.session(self.broker()).get(self.url("/text"))

    def test_a_compressed_body_is_stored_readable_and_with_a_note(self) -> None:
        broker = self.broker()
        session = self.session(broker)
        for path in ("/gzip", "/deflate", "/br"):
            session.get(self.url(path))
            entry = interaction_to_entry(broker.recorded[-1])["response"]
            self.assertEqual(entry["body"]["json"], json.loads(POEM))
            self.assertTrue(entry["recoding"])
            self.assertNotIn("wire_body", entry)
        self.assertNotIn("chunk_sizes", entry)

    def test_exact_bytes_are_stored_on_request(self) -> None:
        broker = self.broker()
        self.session(broker, preserve_exact_body_bytes=True).get(self.url("/gzip"))
        self.assertTrue(self.recorded(broker).wire_body)
        self.assertEqual(self.recorded(broker).body[:3], b"\x1f\x8b\x08")

    def test_failures_are_not_recorded_unless_asked_for(self) -> None:
        broker = self.broker()
        session = self.session(broker)
        for path in ("/reset", "/hang-up", "/truncated", "/reset-body"):
            with self.assertRaises(requests.ConnectionError if "ed" not in path and "body" not in path
                                   else requests.exceptions.ChunkedEncodingError):
                session.get(self.url(path))
        self.assertEqual(list(broker.recorded), [])

    def test_an_error_that_is_none_of_the_transport_s_is_never_recorded(self) -> None:
        broker = self.broker(record_failures=True)

        class Failing(HTTPAdapter):
            def send(self, *args: Any, **kwargs: Any) -> requests.Response:
                raise ZeroDivisionError("not yours")

        with self.assertRaises(ZeroDivisionError):
            self.session(broker, Failing()).get(self.url("/text"))
        self.assertEqual(broker.recorded, ())


class UploadTest(AdapterTestCase):
    def test_a_generator_is_sent_while_it_is_made(self) -> None:
        """In record mode nothing has to be decided before, so that nothing is read ahead."""
        broker, arrived = self.broker(), []

        def parts() -> Iterator[bytes]:
            yield b"one"
            arrived.append(len(broker.recorded))
            yield b"two"

        self.session(broker).post(self.url("/upload"), data=parts())
        self.assertEqual(broker.recorded[0].request.body, b"onetwo")
        self.assertTrue(self.server.hits[0].chunked)

    def test_in_auto_mode_a_generator_is_read_once_matched_and_sent_in_its_pieces(self) -> None:
        taken: list[bytes] = []

        def parts(*pieces: bytes) -> Iterator[bytes]:
            for piece in pieces:
                taken.append(piece)
                yield piece

        first = self.session(self.broker("auto"))
        live = first.post(self.url("/upload"), data=parts(b"one", b"two"))
        self.assertEqual((self.server.hits[0].body, self.server.hits[0].chunked), (b"onetwo", True))
        second = self.session(self.broker("auto"))
        self.assertEqual(second.post(self.url("/upload"), data=parts(b"on", b"etwo")).json(), live.json())
        self.assertEqual(len(self.server.hits), 1)
        second.post(self.url("/upload"), data=parts(b"other"))
        self.assertEqual(self.server.hits[1].body, b"other")
        self.assertEqual(taken, [b"one", b"two", b"on", b"etwo", b"other"])

    def test_an_attempt_that_is_repeated_sends_a_file_again(self) -> None:
        import io

        broker = self.broker()
        inner = HTTPAdapter(max_retries=Retry(total=2, status_forcelist=[503], allowed_methods=None, backoff_factor=0))
        file = io.BytesIO(b"the content")
        self.assertEqual(self.session(broker, inner).post(self.url("/flaky/1?id=f"), data=file).status_code, 200)
        self.assertEqual([hit.body for hit in self.server.hits], [b"the content", b"the content"])
        self.assertEqual(len(broker.recorded), 1)


class RetryTest(AdapterTestCase):
    """Cassettes of other tools hold every attempt."""

    def attempts(self, *statuses: int, headers: Any = ()) -> requests.Session:
        request = InteractionRequest(method="GET", url="http://127.0.0.1/job?id=1")
        self.store.cassette = Cassette(interactions=[  # type: ignore[arg-type]
            Interaction(request=request, response=InteractionResponse(
                status=status, headers=headers, body=b"%d, attempt %d" % (status, number)))
            for number, status in enumerate(statuses, 1)
        ])
        self.used = self.broker("replay")
        return self.session(self.used, HTTPAdapter(max_retries=self.retry))

    retry = Retry(total=3, status_forcelist=[503], backoff_factor=100)

    def get(self, session: requests.Session) -> requests.Response:
        with mock.patch.object(time, "sleep", side_effect=AssertionError("a replay never sleeps")):
            return session.get("http://127.0.0.1/job?id=1")

    def test_they_are_consumed_as_the_adapter_would_have(self) -> None:
        response = self.get(self.attempts(503, 503, 200, 200))
        self.assertEqual(response.content, b"200, attempt 3")
        self.assertEqual([each.status for each in response.raw.retries.history], [503, 503])
        self.assertEqual([each.url for each in response.raw.retries.history], ["/job?id=1"] * 2)
        self.assertEqual(response.raw.retries.total, 1)
        self.assertEqual(len(self.used.unused), 1)

    def test_too_many_are_the_adapter_s_error(self) -> None:
        session = self.attempts(503, 503, 503, 503, 200)
        with self.assertRaises(requests.exceptions.RetryError) as caught:
            self.get(session)
        self.assertIn("too many 503 error responses", str(caught.exception))
        self.assertIn("HTTPConnectionPool(host='127.0.0.1', port=80)", str(caught.exception))
        self.assertEqual(caught.exception.request.url, "http://127.0.0.1/job?id=1")  # type: ignore[union-attr]
        self.assertEqual(self.get(session).content, b"200, attempt 5")

    def test_an_adapter_that_wants_the_last_response_gets_it(self) -> None:
        self.retry = self.retry.new(raise_on_status=False)
        response = self.get(self.attempts(503, 503, 503, 503))
        self.assertEqual(response.content, b"503, attempt 4")
        self.assertEqual(len(response.raw.retries.history), 3)

    def test_a_cassette_that_holds_only_what_the_caller_saw_is_taken_at_its_word(self) -> None:
        self.assertEqual(self.get(self.attempts(503)).status_code, 503)
        self.assertEqual(self.used.misses, [])

    def test_an_adapter_that_does_not_retry_sees_each_attempt(self) -> None:
        self.retry = Retry(0, read=False)
        session = self.attempts(503, 200)
        self.assertEqual([self.get(session).status_code for _ in range(2)], [503, 200])
        with self.assertRaises(InteractionNotFoundError):
            self.get(session)

    def test_retry_after_is_respected_without_waiting(self) -> None:
        response = self.get(self.attempts(429, 200, headers=(("Retry-After", "3600"),)))
        self.assertEqual(response.content, b"200, attempt 2")

    def test_our_own_recording_is_final(self) -> None:
        self.retry = self.retry.new(raise_on_status=False)
        session = self.attempts(503, 503)
        first = self.store.cassette.interactions[0] if self.store.cassette else None
        assert first
        assert first.response
        final = first.response.model_copy(update={"retried": (RetriedAttempt(status=503),) * 3})
        self.store.cassette = Cassette(interactions=[first.model_copy(update={"response": final}), first])  # type: ignore[arg-type]
        session = self.session(self.broker("replay"), HTTPAdapter(max_retries=self.retry))
        response = self.get(session)
        self.assertEqual((response.status_code, len(response.raw.retries.history)), (503, 3))


class TimeTest(AdapterTestCase):
    def test_a_login_still_works_ten_years_later(self) -> None:
        expires = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
        cookie = ("Set-Cookie", f"login=yes; Path=/; Expires={expires}")
        self.server.route("/login", lambda hit: Reply(headers=[cookie], body=b"welcome"))
        session = self.session(self.broker())
        session.get(self.url("/login"))
        self.assertEqual(session.get(self.url("/cookies")).json(), {"cookie": "login=yes"})
        self.server.stop()
        later = time.time() + 10 * 365.25 * 86400
        with mock.patch("time.time", return_value=later):
            session = self.session(self.broker("replay", match_on=("method", "url", sent_cookie)))
            response = session.get(self.url("/login"))
            self.assertEqual(session.get(self.url("/cookies")).json(), {"cookie": "login=yes"})
            (login,) = response.cookies
            self.assertAlmostEqual((login.expires or 0) - later, 3600, delta=30)
            self.assertNotEqual(response.headers["Set-Cookie"], cookie[1])

    def test_today_the_text_is_as_recorded(self) -> None:
        session = self.session(self.broker())
        live = session.get(self.url("/cookies/expires?seconds=3600"))
        replayed = self.replaying().get(self.url("/cookies/expires?seconds=3600"))
        self.assertEqual(replayed.headers["Set-Cookie"], live.headers["Set-Cookie"])


def sent_cookie(request: InteractionRequest) -> str | None:
    return request.header("Cookie")


class OptionsTest(AdapterTestCase):
    def test_options_reach_the_live_adapter_as_they_are(self) -> None:
        given: list[dict[str, Any]] = []

        class Spying(HTTPAdapter):
            def send(self, request: Any, **options: Any) -> requests.Response:  # type: ignore[override]
                given.append(options)
                return super().send(request, **options)

        session = self.session(self.broker(), Spying())
        session.get(self.url("/text"), timeout=(3, 4), verify=False, proxies={"ftp": "http://p"})
        self.assertEqual(given, [{
            "timeout": (3, 4), "verify": False, "cert": None, "proxies": {"ftp": "http://p"}, "stream": True,
        }])

    def test_they_are_not_part_of_the_match(self) -> None:
        proxy = self.enterContext(LoopbackProxy())
        live = self.session(self.broker()).get(self.url("/text"), timeout=5, proxies={"http": proxy.url})
        self.assertEqual(len(proxy.hits), 1)
        replayed = self.replaying().get(self.url("/text"), verify=False, stream=True)
        self.assertEqual(replayed.content, live.content)


class MemoryTest(AdapterTestCase):
    SIZE = 24_000_000

    def peak_of(self, call: Any) -> float:
        """How many copies of the body were held at once."""
        tracemalloc.start()
        try:
            call()
            return tracemalloc.get_traced_memory()[1] / self.SIZE
        finally:
            tracemalloc.stop()

    def test_a_large_body_takes_few_copies(self) -> None:
        path = f"/binary?size={self.SIZE}"
        recording = self.session(self.broker())
        self.assertLess(self.peak_of(lambda: recording.get(self.url(path)).content), 3.5)
        replaying = self.replaying()
        self.assertLess(self.peak_of(lambda: replaying.get(self.url(path)).content), 3.5)

    def test_a_large_stream_takes_its_own_copy_and_no_more(self) -> None:
        path = f"/binary?size={self.SIZE}"

        def read(session: requests.Session) -> None:
            for _ in session.get(self.url(path), stream=True).iter_content(65536):
                pass

        recording = self.session(self.broker())
        self.assertLess(self.peak_of(lambda: read(recording)), 2.5)
        replaying = self.replaying()
        self.assertLess(self.peak_of(lambda: read(replaying)), 1.5)


class InnerAdapterTest(AdapterTestCase):
    def test_a_fake_in_place_of_the_network_can_be_recorded(self) -> None:
        fake = requests_mock.Adapter()
        fake.register_uri("GET", "http://fake.test/", json={"a": 1}, headers={"X-Fake": "yes"}, cookies={"c": "1"})
        live = self.session(self.broker(), fake).get("http://fake.test/", stream=True)
        self.assertEqual(live.json(), {"a": 1})
        replayed = self.replaying().get("http://fake.test/")
        self.assertEqual((replayed.json(), replayed.headers["X-Fake"]), ({"a": 1}, "yes"))

    def test_an_adapter_with_no_urllib3_at_all_can_be_recorded(self) -> None:
        class Plain(requests.adapters.BaseAdapter):
            def send(self, request: Any, **options: Any) -> requests.Response:
                response = requests.Response()
                response.status_code, response._content, response.url = 201, b"made", request.url
                response.headers["X-Made"] = "here"
                response.raw = None
                return response

            def close(self) -> None:
                pass

        broker = self.broker()
        live = self.session(broker, Plain()).get("http://plain.test/")
        replayed = self.replaying(inner=Plain()).get("http://plain.test/")
        for response in (live, replayed):
            seen = response.status_code, response.content, response.headers["X-Made"]
            self.assertEqual(seen, (201, b"made", "here"))

    def test_build_response_is_called_once_in_each_run(self) -> None:
        calls: list[str] = []

        class Counting(HTTPAdapter):
            def build_response(self, req: Any, resp: Any) -> requests.Response:
                calls.append(type(self).__name__)
                return super().build_response(req, resp)

        self.session(self.broker(), Counting()).get(self.url("/text"))
        self.session(self.broker("auto"), Counting()).get(self.url("/text"), stream=True).close()
        self.replaying(inner=Counting()).get(self.url("/text"))
        self.assertEqual(calls, ["Counting"] * 3)

    def test_an_adapter_that_cannot_be_extended_is_used_as_it_is(self) -> None:
        class Final(HTTPAdapter):
            def __init_subclass__(cls, **kwargs: Any) -> None:
                raise TypeError("nobody extends this")

            def build_response(self, req: Any, resp: Any) -> requests.Response:
                response = super().build_response(req, resp)
                response.reason = "built"
                return response

        class Slotted(HTTPAdapter):
            __slots__ = ("mark",)

            def build_response(self, req: Any, resp: Any) -> requests.Response:
                self.mark = "seen"
                return super().build_response(req, resp)

        session = self.session(self.broker(), Final())
        for stream in (False, True):
            response = session.get(self.url("/text"), stream=stream)
            self.assertEqual((response.reason, response.content[:3]), ("built", b"Gr\xc3"))
        slotted = Slotted()
        self.assertTrue(self.session(self.broker(), slotted).get(self.url("/text")).ok)
        self.assertEqual(slotted.mark, "seen")

    def test_what_send_leaves_on_the_adapter_stays_there(self) -> None:
        class Remembering(HTTPAdapter):
            last = ""

            def build_response(self, req: Any, resp: Any) -> requests.Response:
                return super().build_response(req, resp)

            def add_headers(self, request: Any, **kwargs: Any) -> None:
                self.last = request.url

        inner = Remembering()
        self.session(self.broker(), inner).get(self.url("/text"))
        self.assertEqual(inner.last, self.url("/text"))

    def test_closing_closes_the_inner_adapter(self) -> None:
        inner = mock.create_autospec(HTTPAdapter, instance=True)
        CassetteAdapter(self.broker(), inner).close()
        inner.close.assert_called_once_with()

    def test_a_path_in_place_of_the_broker_is_refused_at_once(self) -> None:
        with self.assertRaisesRegex(TypeError, r"JsonFileCassetteStore\(path\).*not 'orders.json'"):
            CassetteAdapter("orders.json")  # type: ignore[arg-type]


if __name__ == "__main__":
    unittest.main()
