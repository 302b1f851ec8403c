"""Threads that replay do not wait for each other, and what requests does for them meanwhile is what it always does."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any
from unittest import mock

import requests
from requests.adapters import HTTPAdapter
from requests.cookies import RequestsCookieJar

from cassettes_lib import Broker, use_cassette
from cassettes_lib.lookups import LOOKUP_POINTS
from cassettes_lib.models import Headers, InteractionRequest
from cassettes_lib.playback import PlaybackIndex
from cassettes_lib.recorded import RecordedRequests
from cassettes_lib.stores import JsonFileCassetteStore
from tests.loopback import LoopbackServer
from tests.loopback_messages import Reply
from tests.support import a_cassette, a_request, a_response, an_interaction, with_environment

HOST = "api.example.com"


def url(number: int) -> str:
    return f"http://{HOST}/item/{number}"


class LookupsTestCase(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.path = self.folder / "cassette.json"
        with_environment(self, HOME=str(self.folder), NETRC=None, CASSETTES_MODE=None)

    def record(self, *responses: Headers) -> None:
        JsonFileCassetteStore(self.path).save(a_cassette(*[
            an_interaction(a_request(url=url(number)), a_response(headers=headers))
            for number, headers in enumerate(responses)
        ]))  # fmt: skip

    def replayed(self, number: int = 0, session: requests.Session | None = None) -> requests.Response:
        with use_cassette(self.path, mode="replay"), session or requests.Session() as used:
            return used.get(url(number))


class LocksTest(LookupsTestCase):
    def test_who_replays_what_was_recorded_takes_no_lock_of_the_broker(self) -> None:
        self.record(*[()] * 20)
        log = logging.getLogger("cassettes_lib")  # what is told of each request has to be redacted, under the lock
        self.addCleanup(log.setLevel, log.level)
        log.setLevel(logging.WARNING)
        with use_cassette(self.path, mode="replay") as broker, ThreadPoolExecutor() as pool, ExitStack() as stack:
            self.assertEqual(requests.get(url(0)).status_code, 200)  # its headers are looked through, once
            self.assertEqual(requests.get(url(5)).status_code, 200)  # the index is made, once
            for lock in broker.locks:
                stack.enter_context(lock)
            answers = pool.map(lambda number: requests.get(url(number)).status_code, (1, 9, 2, 7), timeout=30)
            self.assertEqual(list(answers), [200] * 4)

    def test_each_interaction_is_given_to_one_of_many_threads(self) -> None:
        same, others, threads = 400, 40, 8
        interactions = [an_interaction(a_request(url=url(0)), a_response(body=b"%d" % each)) for each in range(same)]
        interactions += [an_interaction(a_request(url=url(each))) for each in range(1, others)]
        broker = Broker(a_cassette(*interactions), "replay")
        start = threading.Barrier(threads, timeout=30)

        def play(first: int) -> list[bytes]:
            start.wait()
            bodies = []
            for number in range(first, same, threads):
                bodies.append(broker.respond(a_request(url=url(0))).body)
                if 0 < number < others:  # the index is made, and split, while others look into it
                    broker.respond(a_request(url=url(number)))
            return bodies

        with ThreadPoolExecutor(threads) as pool:
            bodies = Counter(body for played in pool.map(play, range(threads)) for body in played)
        self.assertEqual(bodies, Counter(b"%d" % each for each in range(same)))
        self.assertTrue(broker.all_played)
        self.assertEqual(broker.play_count, len(interactions))

    def test_who_comes_second_to_a_position_gets_the_next(self) -> None:
        requested, taken = a_request(url=url(0)), []

        class Recorded(RecordedRequests):
            """The first time that a request is compared, somebody else takes it."""

            meanwhile = True

            def played_at(self, position: int) -> InteractionRequest:
                if self.meanwhile:
                    self.meanwhile = False
                    taken.append(index.take_same(requested))
                return super().played_at(position)

        index = PlaybackIndex(Recorded(a_cassette(*[an_interaction(requested)] * 2).interactions, None), ("url",))
        self.assertEqual((index.take_same(requested), taken), (1, [0]))
        self.assertIsNone(index.take_same(requested))


class NetrcTest(LookupsTestCase):
    def sent(self, session: requests.Session | None = None) -> str | None:
        sent = self.replayed(session=session).request.headers.get("Authorization")
        return sent if sent is None else str(sent)

    def write(self, name: str) -> Path:
        path = self.folder / name
        path.write_text(f"machine {HOST} login joe password swordfish\n", encoding="utf-8")
        return path

    def test_a_netrc_is_found_wherever_requests_looks_for_one(self) -> None:
        self.record(())
        for name in (".netrc", "_netrc"):
            with self.subTest(name):
                path = self.write(name)
                self.assertEqual(self.sent(), "Basic am9lOnN3b3JkZmlzaA==")
                path.unlink()
                self.assertIsNone(self.sent())
        with self.subTest("NETRC"):
            with_environment(self, NETRC=str(self.write("another")))
            self.assertEqual(self.sent(), "Basic am9lOnN3b3JkZmlzaA==")

    def test_one_that_comes_and_goes_while_the_block_is_open_and_a_home_that_changes(self) -> None:
        self.record(*[()] * 4)
        sent: list[bool] = []

        def ask() -> None:
            sent.append("Authorization" in requests.get(url(len(sent))).request.headers)

        with use_cassette(self.path, mode="replay"):
            ask()
            path = self.write(".netrc")
            ask()
            with mock.patch.dict(os.environ, HOME="/nowhere"):
                ask()
            path.unlink()
            ask()
        self.assertEqual(sent, [False, True, False, False])

    def test_requests_looks_itself_where_its_look_or_that_at_the_disk_is_patched_or_home_is_unknown(self) -> None:
        self.record(())
        with mock.patch("requests.sessions.get_netrc_auth", return_value=("joe", "swordfish")):
            self.assertEqual(self.sent(), "Basic am9lOnN3b3JkZmlzaA==")
        with mock.patch("os.path.exists", side_effect=lambda path: str(path).endswith("netrc")) as exists:
            self.assertIsNone(self.sent())  # it cannot be read
        self.assertTrue(exists.called)
        self.write(".netrc")
        with_environment(self, HOME=None)
        with mock.patch("requests.utils.os.path.expanduser", lambda path: path.replace("~", str(self.folder))):
            self.assertEqual(self.sent(), "Basic am9lOnN3b3JkZmlzaA==")

    def test_a_netrc_is_found_beside_another_thread_with_and_without_a_c_library_that_tells(self) -> None:
        self.record(())
        path = self.write(".netrc")
        end = threading.Event()
        other = threading.Thread(target=end.wait)
        other.start()
        self.addCleanup(other.join)
        self.addCleanup(end.set)
        self.assertEqual(self.sent(), "Basic am9lOnN3b3JkZmlzaA==")
        with mock.patch("cassettes_lib.lookups._access", return_value=None) as access:
            self.assertEqual(self.sent(), "Basic am9lOnN3b3JkZmlzaA==")
            self.assertTrue(access.called)
            path.unlink()
            self.assertIsNone(self.sent())

    @unittest.skipIf(os.name == "nt", "the C library of Windows is not asked")
    def test_the_usual_look_at_the_disk_is_spared(self) -> None:
        self.record(())
        netrc_point = LOOKUP_POINTS[0]
        with use_cassette(self.path, mode="replay"):
            layer = netrc_point._layers[-1]
            self.assertIs(layer.below, requests.utils.get_netrc_auth)
            with mock.patch("requests.utils.os.path.expanduser") as look:
                self.assertEqual(requests.get(url(0)).status_code, 200)
        self.assertFalse(look.called)


class ProxiesTest(LookupsTestCase):
    def proxies(self) -> dict[str, str]:
        """Return the proxies with which the adapter is asked for a response."""
        given: list[Any] = []

        class Adapter(HTTPAdapter):
            def send(self, request: Any, *args: Any, **options: Any) -> Any:
                given.append(options["proxies"])
                return super().send(request, *args, **options)

        with requests.Session() as session:
            session.mount("http://", Adapter())
            self.replayed(session=session)
        return dict(given[0])

    def test_those_of_the_environment_are_found_however_they_are_written(self) -> None:
        self.record(())
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        with mock.patch.dict(os.environ, environment, clear=True):
            self.assertEqual(self.proxies(), {})
            for name in ("http_proxy", "HTTP_PROXY", "Http_Proxy"):
                with self.subTest(name), mock.patch.dict(os.environ, {name: "http://proxy.example.com:3128"}):
                    self.assertEqual(self.proxies(), {"http": "http://proxy.example.com:3128"})
            with mock.patch.dict(os.environ, all_proxy="http://proxy.example.com:3128", NO_PROXY=HOST):
                self.assertEqual(self.proxies(), {})

    def test_requests_looks_itself_where_its_look_is_patched(self) -> None:
        self.record(())
        for name in ("utils.getproxies", "sessions.get_environ_proxies"):
            with self.subTest(name), mock.patch(f"requests.{name}", return_value={"http": "http://one.example.com"}):
                self.assertEqual(self.proxies(), {"http": "http://one.example.com"})
        with mock.patch("requests.utils.should_bypass_proxies") as bypass:
            self.proxies()
        self.assertTrue(bypass.called)


class CookiesTest(LookupsTestCase):
    def test_cookies_are_kept_however_they_are_set(self) -> None:
        self.record((("Set-Cookie", "a=1"),), (("sEt-cOOkie", "b=2; Path=/"), ("set-cookie", "c=3")), ())
        with requests.Session() as session:
            for number in range(3):
                self.replayed(number, session)
            self.assertEqual(session.cookies.get_dict(), {"a": "1", "b": "2", "c": "3"})

    def test_a_jar_that_looks_itself_gets_each_response(self) -> None:
        looked: list[Any] = []

        class Jar(RequestsCookieJar):
            def extract_cookies(self, response: Any, request: Any) -> None:
                looked.append(request.get_full_url())

        self.record((), (("Set-Cookie", "a=1"),))
        with requests.Session() as session:
            session.cookies = Jar()
            for number in range(2):
                self.replayed(number, session)
        self.assertEqual(looked, [url(0), url(1)])

    def test_what_others_put_in_its_place_is_called(self) -> None:
        self.record(())
        with mock.patch("requests.sessions.extract_cookies_to_jar") as extract:
            self.replayed()
        self.assertTrue(extract.called)

    def test_the_lock_of_the_jar_is_taken_for_cookies_only(self) -> None:
        self.record((), (("Set-Cookie", "a=1"),))
        with requests.Session() as session:
            jar = session.cookies
            for number, expected in ((0, 0), (1, 1)):
                with mock.patch.object(jar, "make_cookies", wraps=jar.make_cookies) as make:
                    self.replayed(number, session)
                self.assertEqual(make.call_count, expected)

    def test_live_responses_are_searched_for_cookies_only_where_they_have_some(self) -> None:
        with LoopbackServer() as server:
            server.script("/a", Reply(headers=[("sEt-cOOkie", "a=1")]))
            for path, expected in (("/json", {}), ("/a", {"a": "1"})):
                make = mock.patch.object(CookieJar, "make_cookies", autospec=True, side_effect=CookieJar.make_cookies)
                with use_cassette(self.path, mode="record"), make as made:
                    response = requests.get(server.url_for(path))
                self.assertEqual(response.cookies.get_dict(), expected)
                self.assertEqual(made.called, bool(expected))
            patched = mock.patch("requests.adapters.extract_cookies_to_jar")
            with use_cassette(self.path, mode="record"), patched as extract:
                requests.get(server.url_for("/json"))
        self.assertTrue(extract.called)

    def test_jars_of_the_standard_library(self) -> None:
        self.record((("Set-Cookie", "a=1"),))
        with requests.Session() as session:
            session.cookies = CookieJar()  # type: ignore[assignment]
            self.replayed(0, session)
            self.assertEqual([cookie.name for cookie in session.cookies], ["a"])


class SentTest(LookupsTestCase):
    """What is looked for before a request is sent."""

    def ask(
        self, address: str = url(0), session: requests.Session | None = None, **options: Any
    ) -> requests.PreparedRequest:
        with use_cassette(self.path, mode="replay"), session or requests.Session() as used:
            return used.get(address, **options).request

    def test_cookies_of_any_jar_are_sent(self) -> None:
        self.record((), ())
        session = requests.Session()
        session.cookies.set("a", "1", domain=HOST)
        self.assertEqual(self.ask(session=session).headers["Cookie"], "a=1")
        self.assertEqual(self.ask(url(1), cookies={"b": "2"}).headers["Cookie"], "b=2")

        class Jar(RequestsCookieJar):
            def add_cookie_header(self, request: Any) -> None:
                request.add_unredirected_header("Cookie", "c=3")

        with use_cassette(self.path, mode="replay"):
            self.assertEqual(requests.Request("GET", url(2), cookies=Jar()).prepare().headers["Cookie"], "c=3")

    def test_credentials_of_a_url_are_sent(self) -> None:
        with LoopbackServer() as server, use_cassette(self.path, mode="record"):
            asked = requests.get(server.url_for("/json").replace("//", "//joe:sword%40fish@")).request
        self.assertEqual(asked.headers["Authorization"], "Basic am9lOnN3b3JkQGZpc2g=")

    def test_a_proxy_is_found_live(self) -> None:
        with LoopbackServer() as proxy, use_cassette(self.path, mode="record"):
            proxy.script("/item/0", Reply(body=b"by the proxy"))
            response = requests.get(f"http://{HOST}/item/0", proxies={f"http://{HOST}": proxy.url})
        self.assertEqual(response.text, "by the proxy")

    def test_where_there_is_nothing_nobody_searches(self) -> None:
        with LoopbackServer() as server, use_cassette(self.path, mode="record"):
            requests.get(server.url_for("/json"))  # what is imported and kept with the first request
            with (
                mock.patch("requests.cookies.MockRequest", side_effect=AssertionError),
                mock.patch("requests.utils.urlparse", side_effect=AssertionError),
            ):
                self.assertEqual(requests.get(server.url_for("/json")).status_code, 200)

    def test_what_others_put_in_the_place_of_a_search_is_called(self) -> None:
        for name, value in (("models.get_cookie_header", "x=y"), ("models.get_auth_from_url", ("a", "b"))):
            self.record(())
            for is_inner in (True, False):
                patched = mock.patch(f"requests.{name}", return_value=value)
                with ExitStack() as stack:
                    if not is_inner:
                        search = stack.enter_context(patched)
                    stack.enter_context(use_cassette(self.path, mode="replay"))
                    if is_inner:
                        search = stack.enter_context(patched)
                    requests.get(url(0))
                self.assertTrue(search.called, name)


if __name__ == "__main__":
    unittest.main()
