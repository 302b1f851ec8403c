"""In replay nothing reaches the network, whichever way it goes: every adapter, session, thread and reference."""

from __future__ import annotations

import contextlib
import http.client
import io
import re
import socket
import sys
import threading
import unittest
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.auth import HTTPDigestAuth

from cassettes_lib import InteractionNotFoundError, NetworkBlockedError, use_cassette
from cassettes_lib.broker import Broker
from cassettes_lib.errors import CassetteWarning
from cassettes_lib.interception import Interception
from cassettes_lib.models import Cassette
from tests.sealing_support import SealingTestCase
from tests.support import MemoryCassetteStore

_captured_send = HTTPAdapter.send


class NeverCallsSuper(HTTPAdapter):
    """An adapter that opens its connections itself, with the means of HTTPAdapter."""

    def send(self, request: Any, stream: Any = False, timeout: Any = None, verify: Any = True,
             cert: Any = None, proxies: Any = None) -> Any:
        pool = self.get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
        raw = pool.urlopen(
            request.method, request.path_url, body=request.body, headers=request.headers, redirect=False,
            assert_same_host=False, preload_content=False, decode_content=False, retries=False,
        )
        return self.build_response(request, raw)


class CallsSuper(HTTPAdapter):
    """An adapter that adds a header and goes on."""

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.headers["X-Added"] = "by the adapter"
        response = super().send(request, *args, **kwargs)
        response.headers["X-Seen"] = "by the adapter"
        return response


class NamesItsBase(HTTPAdapter):
    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return HTTPAdapter.send(self, request, *args, **kwargs)


class OwnTransport(BaseAdapter):
    """An adapter that knows nothing of urllib3."""

    def send(self, request: Any, stream: Any = False, timeout: Any = None, verify: Any = True,
             cert: Any = None, proxies: Any = None) -> Any:
        parts = urlsplit(request.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
        connection.request(request.method, request.path_url, request.body, dict(request.headers))
        answer = connection.getresponse()
        response = requests.Response()
        response.status_code = answer.status
        response.reason = answer.reason
        response.headers = requests.structures.CaseInsensitiveDict(answer.getheaders())
        response.raw = io.BytesIO(answer.read())
        response.url = request.url
        response.request = request
        connection.close()
        return response

    def close(self) -> None:
        pass


class Duck:
    """Not even a BaseAdapter."""

    def __init__(self) -> None:
        self.own = OwnTransport()

    def send(self, request: Any, **kwargs: Any) -> Any:
        return type(self.own).send.__wrapped__(self.own, request, **kwargs) if hasattr(
            type(self.own).send, "__wrapped__") else self.own.send(request, **kwargs)

    def close(self) -> None:
        pass


class SendsItself(requests.Session):
    def send(self, request: Any, **kwargs: Any) -> Any:
        kwargs.pop("allow_redirects", None)
        return self.get_adapter(request.url).send(request, **kwargs)


class RequestsItself(requests.Session):
    def request(self, method: Any, url: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        return self.send(requests.Request(method, url).prepare(), timeout=5)


class FindsItsAdapter(requests.Session):
    kind: type = HTTPAdapter

    def get_adapter(self, url: Any) -> Any:
        return self.kind()


class FindsItsOwnTransport(FindsItsAdapter):
    kind = OwnTransport


class FindsADuck(FindsItsAdapter):
    kind = Duck


def mounted(adapter: Any, session: requests.Session | None = None) -> requests.Session:
    session = session or requests.Session()
    session.mount("http://", adapter)
    return session


def prepared(url: str, method: str = "GET") -> Any:
    return requests.Session().prepare_request(requests.Request(method, url))


def stubbed_instance() -> HTTPAdapter:
    adapter = HTTPAdapter()
    adapter.send = OwnTransport().send  # type: ignore[method-assign]
    return adapter


early_session = requests.Session()

WAYS: dict[str, Any] = {
    "requests.get": lambda url: requests.get(url),
    "requests.api.request": lambda url: requests.api.request("GET", url),
    "a session from before": lambda url: early_session.get(url),
    "a session from inside": lambda url: requests.Session().get(url),
    "Session().send(prepared)": lambda url: requests.sessions.Session().send(prepared(url)),
    "a Session overriding send": lambda url: SendsItself().get(url),
    "a Session overriding request": lambda url: RequestsItself().get(url),
    "a Session overriding get_adapter": lambda url: FindsItsAdapter().get(url),
    "a Session whose get_adapter returns an own transport": lambda url: FindsItsOwnTransport().get(url),
    "a Session whose get_adapter returns a duck": lambda url: FindsADuck().get(url),
    "a mounted HTTPAdapter": lambda url: mounted(HTTPAdapter()).get(url),
    "an adapter that never calls super().send": lambda url: mounted(NeverCallsSuper()).get(url),
    "an adapter that calls super().send": lambda url: mounted(CallsSuper()).get(url),
    "an adapter that calls HTTPAdapter.send": lambda url: mounted(NamesItsBase()).get(url),
    "an adapter derived from BaseAdapter": lambda url: mounted(OwnTransport()).get(url),
    "a mounted duck": lambda url: mounted(Duck()).get(url),
    "a stub on an adapter instance": lambda url: mounted(stubbed_instance()).get(url),
    "an own transport in a Session overriding send": lambda url: mounted(OwnTransport(), SendsItself()).get(url),
    "HTTPAdapter called directly": lambda url: HTTPAdapter().send(prepared(url)),
    "HTTPAdapter called positionally": lambda url: HTTPAdapter().send(prepared(url), False, 5, True, None, {}),
    "never-super called directly": lambda url: NeverCallsSuper().send(prepared(url)),
    "an own transport called directly": lambda url: OwnTransport().send(prepared(url)),
    "an adapter class made inside": lambda url: type("Made", (HTTPAdapter,), {})().send(prepared(url)),
    "an own transport class made inside": lambda url: type(
        "Made", (BaseAdapter,), {"send": lambda self, request, **kw: OwnTransport().send(request, **kw)}
    )().send(prepared(url)),
}


class EveryWayTest(SealingTestCase):
    def test_what_was_recorded_is_replayed_and_nothing_reaches_the_server(self) -> None:
        for name, way in WAYS.items():
            with self.subTest(name):
                path = self.new_path()
                self.server.clear()
                with use_cassette(path, mode="record") as broker:
                    live = way(self.server.url + "/poll?token=way")
                self.assertEqual(len(self.server.hits), 1)
                self.assertEqual(len(broker.recorded), 1)
                with use_cassette(path, mode="replay") as broker:
                    replayed = way(self.server.url + "/poll?token=way")
                self.assertEqual(broker.play_count, 1)
                self.assertEqual(len(self.server.hits), 1, "it went live")
                self.assertEqual((replayed.status_code, replayed.content), (live.status_code, live.content))

    def test_what_was_not_recorded_is_a_miss_and_does_not_reach_the_server(self) -> None:
        path = self.recorded("/text")
        for name, way in WAYS.items():
            with self.subTest(name):
                with self.assertRaises(InteractionNotFoundError) as caught, use_cassette(path, mode="replay"):
                    way(self.server.url + "/json")
                self.assertEqual(self.server.hits, [])
                file, _, line = caught.exception.caller.rpartition(":")
                self.assertEqual((file, line.isdigit()), (__file__, True))

    def test_an_adapter_that_calls_super_does_its_work_in_replay_as_live(self) -> None:
        path = self.new_path()
        for mode in ("record", "replay"):
            with use_cassette(path, mode=mode) as broker:  # type: ignore[arg-type]
                response = mounted(CallsSuper()).get(self.server.url + "/get")
            self.assertEqual(response.headers["X-Seen"], "by the adapter")
            self.assertIn(["X-Added", "by the adapter"], response.json()["headers"])
        self.assertEqual(broker.cassette.interactions[0].request.header("x-added"), "by the adapter")
        self.assertEqual(len(self.server.hits), 1)

    def test_the_second_leg_of_digest_and_redirects_are_covered(self) -> None:
        path = self.new_path()
        for mode in ("record", "replay"):
            with use_cassette(path, mode=mode) as broker, requests.Session() as session:  # type: ignore[arg-type]
                first = session.get(self.server.url + "/digest-auth/u/p", auth=HTTPDigestAuth("u", "p"))
                second = session.get(self.server.url + "/redirect/3")
            self.assertEqual((first.status_code, len(first.history)), (200, 1))
            self.assertEqual((second.status_code, len(second.history)), (200, 3))
            self.assertEqual(len(broker.cassette.interactions), 6)
        self.assertEqual(len(self.server.hits), 6)


    def test_requests_made_while_a_body_is_sent_are_covered(self) -> None:
        def body() -> Any:
            yield requests.get(self.server.url + "/poll?token=body").content

        path = self.new_path()
        with use_cassette(path, mode="record") as broker:
            live = requests.post(self.server.url + "/upload", data=body())
        self.assertEqual((len(broker.recorded), len(self.server.hits)), (2, 2))
        with use_cassette(path, mode="replay") as broker:
            replayed = requests.post(self.server.url + "/upload", data=body())
        self.assertEqual((replayed.content, broker.all_played, len(self.server.hits)), (live.content, True, 2))

    def test_an_adapter_around_an_adapter_is_recorded_once(self) -> None:
        class Around(BaseAdapter):
            def __init__(self) -> None:
                super().__init__()
                self.inner = HTTPAdapter()

            def send(self, request: Any, **kwargs: Any) -> Any:  # type: ignore[override]
                return self.inner.send(request, **kwargs)

            def close(self) -> None:
                self.inner.close()

        path = self.new_path()
        for mode in ("record", "replay"):
            with use_cassette(path, mode=mode) as broker:  # type: ignore[arg-type]
                mounted(Around()).get(self.server.url + "/text")
            self.assertEqual((len(broker.cassette.interactions), len(self.server.hits)), (1, 1))

    def test_an_adapter_that_goes_on_unseen_with_another_request_is_recorded_once(self) -> None:
        def unseen(function: Any) -> Any:
            return lambda *args, **kwargs: function(*args, **kwargs)

        class SendsACopy(HTTPAdapter):
            @unseen
            def send(self, request: Any, **kwargs: Any) -> Any:
                return super().send(request.copy(), **kwargs)

        path = self.new_path()
        for mode in ("record", "replay"):
            with use_cassette(path, mode=mode) as broker:  # type: ignore[arg-type]
                mounted(SendsACopy()).get(self.server.url + "/text")
            self.assertEqual((len(broker.cassette.interactions), len(self.server.hits)), (1, 1))

    def test_sessions_and_adapters_made_inside_are_covered(self) -> None:
        with use_cassette(self.recorded("/text", "/text", "/text"), mode="replay") as broker:
            class FindsADuckLater(requests.Session):
                def get_adapter(self, url: Any) -> Any:
                    return Duck()

            class OwnTransportLater(OwnTransport):
                def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
                    raise AssertionError("not asked")

            class KeepsToItself(BaseAdapter):
                def __init_subclass__(cls) -> None:
                    pass

            class NobodyWasTold(KeepsToItself):
                def send(self, *args: Any, **kwargs: Any) -> Any:
                    raise AssertionError("not asked")

            mounted(NobodyWasTold()).get(self.server.url + "/text")
            FindsADuckLater().get(self.server.url + "/text")
            OwnTransportLater().send(prepared(self.server.url + "/text"))
        self.assertEqual((broker.play_count, self.server.hits), (3, []))


class StoreOverHttpTest(SealingTestCase):
    def test_a_store_that_uses_requests_itself_is_neither_recorded_nor_stopped(self) -> None:
        url = self.server.url

        class HttpStore(MemoryCassetteStore):
            def save(self, cassette: Cassette) -> None:
                super().save(cassette)
                requests.put(url + "/upload", data=str(len(cassette.interactions)))

        store = HttpStore()
        with use_cassette(store=store, mode="record") as broker:
            requests.get(url + "/text")
            with requests.get(url + "/chunked", stream=True) as response:
                list(response.iter_content())
        self.assertEqual(len(broker.recorded), 2)
        self.assertEqual({each.path for each in self.server.hits}, {"/text", "/chunked", "/upload"})
        self.assertEqual(sum(each.path != "/upload" for each in self.server.hits), 2)


class SwallowedMissTest(SealingTestCase):
    def swallow(self) -> str:
        with contextlib.suppress(Exception):
            requests.get(self.server.url + "/json")
        return f"{__file__}:{sys._getframe().f_lineno - 1}"

    def test_it_is_raised_at_the_end_with_the_place_where_it_happened(self) -> None:
        with self.assertRaises(InteractionNotFoundError) as caught, use_cassette(self.recorded("/text"), mode="replay"):
            place = self.swallow()
        self.assertEqual(caught.exception.caller, place)

    def test_it_is_raised_when_a_thread_died_of_it(self) -> None:
        path = self.recorded("/text")
        with self.assertRaises(InteractionNotFoundError) as caught, use_cassette(path, mode="replay"):
            thread = threading.Thread(target=self.swallow)
            thread.start()
            thread.join()
        self.assertIn(__file__, caught.exception.caller)

    def test_it_is_not_raised_over_the_blocks_own_error(self) -> None:
        with self.assertRaises(ZeroDivisionError), use_cassette(self.recorded("/text"), mode="replay"):
            self.swallow()
            _ = 1 / 0

    def test_a_test_that_expected_it_says_so(self) -> None:
        with use_cassette(self.recorded("/text"), mode="replay") as broker:
            self.swallow()
            broker.misses.clear()


class GuardTest(SealingTestCase):
    def test_what_passes_through_is_not_stopped(self) -> None:
        replaying = Interception(Broker(Cassette()), "replaying", passthrough=("127.0.0.1",))
        replaying.start()
        self.addCleanup(replaying.stop)
        _captured_send(HTTPAdapter(), prepared(self.server.url + "/text"))
        self.assertEqual((len(self.server.hits), replaying.blocked), (1, []))
        inner = Interception(Broker(Cassette()), "inner", passthrough=(lambda request: True,))
        with use_cassette(self.recorded("/text"), mode="replay"):
            inner.start()
            with self.assertRaises(NetworkBlockedError):
                _captured_send(HTTPAdapter(), prepared(self.server.url + "/text"))
            inner.stop()
        self.assertEqual(self.server.hits, [])

    def test_a_captured_send_is_stopped_in_replay(self) -> None:
        path = self.recorded("/text")
        with use_cassette(path, mode="replay"), self.assertRaises(NetworkBlockedError) as caught:
            _captured_send(HTTPAdapter(), prepared(self.server.url + "/text?page=2&token=hush-Hush-1"))
        self.assertEqual(self.server.hits, [])
        self.assertEqual(caught.exception.request.method, "GET")
        self.assertEqual(caught.exception.request.url, self.server.url + "/text?page=2&token=REDACTED-1")
        self.assertRegex(caught.exception.caller, re.escape(__file__) + r":\d+")
        self.assertIn(caught.exception.caller, str(caught.exception))
        self.assertNotIn("hush-Hush-1", str(caught.exception))

    def test_a_captured_send_goes_live_with_a_warning_in_record(self) -> None:
        with use_cassette(self.new_path(), mode="record") as broker, self.assertWarnsRegex(CassetteWarning, "/text"):
            _captured_send(HTTPAdapter(), prepared(self.server.url + "/text"))
        self.assertEqual((len(self.server.hits), broker.recorded), (1, ()))

    def test_an_adapter_that_calls_super_only_sometimes_is_stopped_when_it_does_not(self) -> None:
        class Sometimes(HTTPAdapter):
            def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
                if "super" in request.url:
                    return super().send(request, *args, **kwargs)
                return self.poolmanager.connection_from_url(request.url).urlopen(request.method, request.path_url)

        with use_cassette(self.recorded("/text"), mode="replay"), self.assertRaises(NetworkBlockedError):
            mounted(Sometimes()).get(self.server.url + "/text")
        self.assertEqual(self.server.hits, [])

    def test_other_users_of_urllib3_are_left_alone(self) -> None:
        with use_cassette(self.recorded("/text"), mode="replay"):
            answer = urllib3.PoolManager().request("GET", self.server.url + "/json")
        self.assertEqual((answer.status, len(self.server.hits)), (200, 1))

    def test_other_users_of_urllib3_are_left_alone_when_several_cassettes_are_open(self) -> None:
        answers = []

        def ask() -> None:
            answers.append(urllib3.PoolManager().request("GET", self.server.url + "/json").status)

        path = self.recorded("/text")
        stranger = self.stranger()
        with use_cassette(path, mode="replay"), use_cassette(path, mode="replay"):
            stranger(ask)
        self.assertEqual(answers, [200])


class BlockNetworkTest(SealingTestCase):
    ELSEWHERE = ("192.0.2.1", 9)  # TEST-NET-1, RFC 5737

    def opened(self, **options: Any) -> Interception:
        interception = Interception(Broker(Cassette()), "sealed", block_network=True, **options)
        interception.start()
        self.addCleanup(interception.stop)
        return interception

    def test_every_socket_is_stopped(self) -> None:
        interception = self.opened()
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            for attempt in (
                lambda: tcp.connect(self.ELSEWHERE),
                lambda: tcp.connect_ex(self.ELSEWHERE),
                lambda: udp.sendto(b"x", self.ELSEWHERE),
                lambda: udp.sendto(b"x", 0, self.ELSEWHERE),
                lambda: udp.sendmsg([b"x"], [], 0, self.ELSEWHERE),
                lambda: socket.create_connection(("example.com", 80)),
                lambda: socket.getaddrinfo("example.com", 80),
                lambda: urllib3.PoolManager().request("GET", "http://192.0.2.1/"),
            ):
                with self.assertRaises(NetworkBlockedError) as caught:
                    attempt()
                self.assertIn(__file__, caught.exception.caller)
        self.assertEqual(len(interception.blocked), 8)

    def test_loopback_and_the_allowed_are_excepted(self) -> None:
        interception = self.opened(allow_network=("*.allowed.test", "192.0.2.7"))
        self.assertEqual(urllib3.PoolManager().request("GET", self.server.url + "/json").status, 200)
        with self.assertRaises(socket.gaierror):
            socket.getaddrinfo("db.allowed.test", 80)
        with socket.socket() as sock:
            sock.setblocking(False)
            sock.connect_ex(("192.0.2.7", 9))
        one, other = socket.socketpair()
        one.close()
        other.close()
        self.assertEqual(interception.blocked, [])

    def test_the_addresses_of_an_allowed_name_are_allowed(self) -> None:
        answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", self.ELSEWHERE)]
        with unittest.mock.patch("socket.getaddrinfo", return_value=answer):
            interception = self.opened(allow_network=("*.allowed.test",))
            for host, error in (("db.allowed.test", OSError), ("db.other.test", NetworkBlockedError)):
                with self.assertRaises(error):
                    socket.create_connection((host, 9), timeout=0.001)
            interception.stop()
        self.assertEqual(len(interception.blocked), 1)

    def test_a_stranger_is_blocked_if_any_of_the_blocks_blocks(self) -> None:
        stranger = self.stranger()
        self.opened()
        other = Interception(Broker(Cassette()), "other")
        other.start()
        self.addCleanup(other.stop)
        errors = stranger(lambda: socket.create_connection(self.ELSEWHERE, timeout=0.01).close())
        self.assertIsInstance(errors[0], NetworkBlockedError)

    def test_other_threads_are_blocked_and_those_of_other_blocks_are_not(self) -> None:
        stranger = self.stranger()
        self.opened()
        errors = stranger(lambda: socket.create_connection(self.ELSEWHERE, timeout=0.01))
        self.assertIsInstance(errors[0], NetworkBlockedError)

    def test_what_the_block_sends_live_itself_is_excepted(self) -> None:
        interception = Interception(Broker(Cassette(), "record"), "recorded", block_network=True)
        with unittest.mock.patch("cassettes_lib.sockets.is_loopback", return_value=False):
            interception.start()
            self.addCleanup(interception.stop)
            requests.get(self.server.url + "/text")
            with self.assertRaises(NetworkBlockedError):
                urllib3.PoolManager().request("GET", self.server.url + "/text")
        self.assertEqual(len(self.server.hits), 1)


if __name__ == "__main__":
    unittest.main()
