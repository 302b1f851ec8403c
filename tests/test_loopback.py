"""What tests/loopback.py promises, seen through real `requests` calls."""

from __future__ import annotations

import os
import socket
import sys
import threading
import unittest
from collections.abc import Iterator

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPDigestAuth
from urllib3.util.request import ACCEPT_ENCODING
from urllib3.util.retry import Retry

from tests.loopback import LoopbackProxy, LoopbackServer, closed_port, unresponsive_server
from tests.loopback_messages import Hit, Reply, text_reply
from tests.loopback_routes import NONCE, POEM, TEXT


class LoopbackTestCase(unittest.TestCase):
    """A server and a session for each test, ended in the order that leaves nothing open."""

    tls = False
    client_certificates = False

    def setUp(self) -> None:
        self.server = self.enterContext(LoopbackServer(self.tls, self.client_certificates))
        self.session = self.enterContext(self.new_session())

    def new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        if self.tls:
            session.verify = self.server.ca_pem_path
        return session

    def get(self, path: str, **options: object) -> requests.Response:
        return self.session.request("GET", self.server.url_for(path), timeout=10, **options)  # type: ignore[arg-type]

    def post(self, path: str, **options: object) -> requests.Response:
        return self.session.request("POST", self.server.url_for(path), timeout=10, **options)  # type: ignore[arg-type]


class Lifecycle(LoopbackTestCase):
    def test_a_stopped_server_refuses_connections_and_leaves_no_thread(self) -> None:
        before = threading.active_count() - 1
        self.get("/json")
        self.server.stop()
        self.server.stop()
        self.assertEqual(threading.active_count(), before)
        with self.assertRaises(requests.ConnectionError) as caught:
            self.get("/json")
        self.assertIn("refused", str(caught.exception))

    def test_it_starts_again_on_the_same_port(self) -> None:
        url = self.server.url
        self.get("/json")
        self.server.stop()
        self.server.start()
        self.assertEqual(self.server.url, url)
        self.assertEqual(self.get("/json").status_code, 200)

    def test_stop_ends_stalled_gated_and_idle_connections(self) -> None:
        responses = [self.get("/stall", stream=True), self.get("/events?gate=g", stream=True), self.get("/json")]
        with socket.create_connection(("127.0.0.1", self.server.port)):
            self.server.stop()
        for response in responses:
            response.close()

    def test_connections_are_kept_and_used_again(self) -> None:
        with self.new_session() as session:
            for _ in range(3):
                session.get(self.server.url_for("/chunked"), timeout=10)
                session.head(self.server.url_for("/head-length"), timeout=10)
                session.get(self.server.url_for("/no-content"), timeout=10)
                session.get(self.server.url_for("/not-modified"), timeout=10)
            pools = session.get_adapter(self.server.url).poolmanager.pools  # type: ignore[attr-defined]
            self.assertEqual([pools[key].num_connections for key in pools.keys()], [1])  # noqa: SIM118 - not a dict

    def test_many_threads_lose_no_hit(self) -> None:
        def work() -> None:
            with self.new_session() as session:
                for _ in range(20):
                    session.get(self.server.url_for("/get"), timeout=10)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(self.server.hits), 160)


class Requests(LoopbackTestCase):
    def test_hits_hold_what_was_sent(self) -> None:
        self.post("/anything?a=1&a=2", data=b"\x00body", headers={"X-Name": "v"})
        [hit] = self.server.hits
        self.assertEqual((hit.method, hit.target, hit.path), ("POST", "/anything?a=1&a=2", "/anything"))
        self.assertEqual(
            (hit.query, hit.header("x-NAME"), hit.body, hit.chunked), ({"a": "2"}, "v", b"\x00body", False)
        )
        self.assertIn(("X-Name", "v"), hit.headers)
        self.server.clear()
        self.assertEqual(self.server.hits, [])

    def test_a_generator_arrives_dechunked(self) -> None:
        def pieces() -> Iterator[bytes]:
            yield b"one"
            yield b"two" * 1000

        answer = self.post("/upload", data=pieces()).json()
        self.assertEqual((answer["length"], answer["chunked"]), (3003, True))

    def test_multipart_and_expect(self) -> None:
        answer = self.post("/anything", files={"f": ("a.txt", b"content")}, headers={"Expect": "100-continue"}).json()
        self.assertIn("content", answer["text"])

    def test_no_http_is_answered_by_400(self) -> None:
        with socket.create_connection(("127.0.0.1", self.server.port)) as sock, sock.makefile("rb") as reader:
            sock.sendall(b"nonsense\r\n\r\n")
            self.assertIn(b" 400 ", reader.read())


class Replies(LoopbackTestCase):
    def test_routes_prefixes_scripts_and_failing_handlers(self) -> None:
        self.server.route("/mine", lambda hit: text_reply(hit.path))
        self.server.script("/polled", text_reply("1"), text_reply("2"))
        self.server.route("/fails", lambda hit: Reply(int("x")))
        self.assertEqual(self.get("/mine/below").text, "/mine/below")
        self.assertEqual([self.get("/polled").text for _ in range(3)], ["1", "2", "2"])
        self.server.clear()
        self.assertEqual(self.get("/polled").text, "1")
        self.assertIn("ValueError", self.get("/fails").text)
        self.assertEqual(self.get("/nowhere").status_code, 404)

    def test_compressed_bodies(self) -> None:
        for path in ("/gzip", "/deflate", "/raw-deflate", "/double-coded", "/chunked-gzip", "/br", "/zstd"):
            with self.subTest(path):
                response = self.get(path)
                if response.status_code == 404:
                    self.skipTest(f"{path} needs a module that is not installed")
                if path == "/zstd" and "zstd" not in ACCEPT_ENCODING:
                    self.skipTest("this urllib3 does not decode zstd")
                self.assertEqual(response.content, POEM)

    def test_broken_compression(self) -> None:
        with self.assertRaises(requests.exceptions.ContentDecodingError):
            self.get("/corrupt-gzip")
        self.get("/truncated-gzip")

    def test_texts(self) -> None:
        self.assertEqual(self.get("/text").text, TEXT)
        self.assertIn("é", self.get("/latin1").text)
        self.assertEqual(self.get("/json-no-charset").json(), {"a": TEXT})
        self.assertRaises(requests.exceptions.JSONDecodeError, self.get("/bad-json").json)
        self.assertEqual(self.get("/image").content[:4], b"\x89PNG")

    def test_binary_is_large_and_deterministic(self) -> None:
        first, second = (self.get("/binary?size=300000&seed=4").content for _ in range(2))
        self.assertEqual(len(first), 300000)
        self.assertEqual(first, second)
        self.assertNotEqual(first[:9], self.get("/binary?seed=5").content[:9])
        self.assertEqual(self.get("/binary?size=0").content, b"")

    def test_chunk_boundaries(self) -> None:
        response = self.get("/chunked?sizes=3,7,1", stream=True)
        self.assertEqual(list(response.raw.read_chunked()), [b"abc", b"defghij", b"k"])
        lines = list(self.get("/chunked-crlf", stream=True).iter_lines())
        self.assertEqual(lines[0], b"one")

    def test_reasons_and_headers(self) -> None:
        self.assertEqual(self.get("/empty-reason").reason, "")
        self.assertEqual(self.get("/status/299?reason=Just%20so").reason, "Just so")
        self.assertEqual(self.get("/status/418").reason, "I'm a Teapot")
        self.assertEqual(self.get("/status/404?reason=").reason, "")
        raw = self.get("/repeated-headers").raw
        self.assertEqual(raw.headers.getlist("x-thing"), ["one", "two", "three, four"])
        self.assertIn("X-mIxEd-CaSe", raw.headers)
        self.assertEqual(self.get("/latin1-header").headers["X-Bytes"].encode("latin-1"), b"\xff\xfe \xc3\xa9")
        self.assertEqual(self.get("/links").links["next"]["url"], "/items?page=2")

    def test_http10_closing_and_lengths(self) -> None:
        self.assertEqual(self.get("/http10").raw.version, 10)
        self.assertEqual(self.get("/close").headers["Connection"], "close")
        self.assertEqual(self.get("/until-close").text, "as long as it lasts\n")
        self.assertEqual(self.session.head(self.server.url_for("/head-length")).headers["Content-Length"], "1234")
        self.assertEqual(self.get("/misfit-length").text, "lon")
        self.assertNotIn("Content-Length", self.get("/no-content").headers)

    def test_informational(self) -> None:
        self.assertEqual(self.get("/early-hints?status=100").text, "after the hints\n")
        self.assertEqual(self.get("/json").status_code, 200)

    def test_redirects(self) -> None:
        response = self.post("/redirect/3?code=307", data="kept")
        self.assertEqual([r.status_code for r in response.history], [307] * 3)
        self.assertEqual(response.json()["text"], "kept")
        self.assertEqual(self.post("/redirect/1?code=303").json()["method"], "GET")
        other = self.server.url_for("/get", host="localhost")
        answer = self.get("/redirect-to", params={"url": other}, headers={"Authorization": "Bearer x"}).json()
        self.assertNotIn("Authorization", dict(answer["headers"]))

    def test_cookies(self) -> None:
        self.get("/cookies/set?name=value")
        jar = {cookie.name: cookie for cookie in self.session.cookies}
        self.assertEqual(set(jar), {"name", "aged", "secured", "expiring", "scoped", "bare"})
        self.assertTrue(jar["secured"].secure)
        self.assertEqual(jar["expiring"].expires, 3023335680)
        self.assertIn("name=value", self.get("/cookies").json()["cookie"])
        self.assertIn("on_the_way=1", self.get("/set-cookie-redirect").json()["cookie"])
        self.get("/cookies/expires?seconds=-5")
        self.assertNotIn("login", self.session.cookies)

    def test_authentication(self) -> None:
        self.assertEqual(self.get("/basic-auth/u/p", auth=("u", "p")).status_code, 200)
        self.assertEqual(self.get("/basic-auth/u/p", auth=("u", "q")).status_code, 401)
        self.assertEqual(self.get("/bearer").status_code, 401)
        self.assertEqual(self.get("/bearer", headers={"Authorization": "Bearer t"}).json()["token"], "t")

    def test_digest_authentication(self) -> None:
        for query in ("", "?algorithm=SHA-256", "?a=b&algorithm=MD5"):
            with self.subTest(query):
                right = self.get(f"/digest-auth/u/p{query}", auth=HTTPDigestAuth("u", "p"))
                self.assertEqual((right.status_code, len(right.history)), (200, 1))
                wrong = self.get(f"/digest-auth/u/p{query}", auth=HTTPDigestAuth("u", "no"))
                self.assertEqual(wrong.status_code, 401)
        forged = f'Digest username="u", realm="loopback", nonce="{NONCE}"'
        self.assertEqual(self.get("/digest-auth/u/p", headers={"Authorization": forged}).status_code, 401)

    def test_counters(self) -> None:
        states = [self.get("/poll?token=a").json()["state"] for _ in range(4)]
        self.assertEqual(states, ["pending", "pending", "done", "done"])
        self.assertEqual(self.get("/poll?token=b").json()["state"], "pending")
        self.assertEqual([self.get("/too-many").status_code for _ in range(2)], [429, 200])
        self.session.mount("http://", HTTPAdapter(max_retries=Retry(total=3, status_forcelist=[503])))
        self.assertEqual(self.get("/flaky/2?id=1").json(), {"attempt": 3})


class Failures(LoopbackTestCase):
    @property
    def sees_resets(self) -> bool:
        return not self.tls or sys.version_info >= (3, 13)  # before, ssl took a reset for an end of file

    def test_truncated_bodies(self) -> None:
        for path in ("/truncated", "/truncated?chunked=1", "/truncated?chunked=1&at=350", "/truncated?at=0"):
            with self.subTest(path), self.assertRaises(requests.exceptions.ChunkedEncodingError) as caught:
                self.get(path)
            self.assertRegex(str(caught.exception), "IncompleteRead|ended prematurely")

    def test_reset_in_the_body_delivers_what_came_before(self) -> None:
        for path in ("/reset-body", "/reset-body?chunked=1"):
            with self.subTest(path):
                response = self.get(path, stream=True)
                received = b""
                with self.assertRaises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)) as caught:
                    for piece in response.iter_content(100):
                        received += piece
                if self.sees_resets:
                    self.assertIn("reset", str(caught.exception).lower())
                self.assertEqual(len(received), 300)

    def test_stall_in_the_body_times_out_on_reading(self) -> None:
        for path in ("/stall", "/stall?chunked=1"):
            with self.subTest(path):
                response = self.session.get(self.server.url_for(path), stream=True, timeout=0.2)
                pieces = response.iter_content(100)
                self.assertEqual([len(next(pieces)) for _ in range(3)], [100] * 3)
                with self.assertRaises(requests.ConnectionError) as caught:
                    next(pieces)
                self.assertIn("timed out", str(caught.exception))

    def test_no_response_at_all(self) -> None:
        for path, words in {"/reset": "ConnectionResetError", "/hang-up": "RemoteDisconnected"}.items():
            for method in ("GET", "POST"):
                with self.subTest(path, method=method), self.assertRaises(requests.ConnectionError) as caught:
                    self.session.request(method, self.server.url_for(path), data=b"x" * 70000, timeout=10)
                if self.sees_resets or path != "/reset":
                    self.assertIn(words, str(caught.exception))
        with self.assertRaises(requests.ConnectionError):
            self.get("/garbage")
        with self.assertRaises(requests.ReadTimeout):
            self.session.get(self.server.url_for("/delay"), timeout=0.2)

    def test_dead_ends(self) -> None:
        with self.assertRaisesRegex(requests.ConnectionError, "refused"):
            self.session.get(f"http://127.0.0.1:{closed_port()}/", timeout=10)
        with unresponsive_server() as url, self.assertRaises(requests.ReadTimeout):
            self.session.get(url, timeout=0.2)

    @unittest.skipUnless(sys.platform == "linux", "other kernels may refuse when the backlog is full")
    def test_connect_timeout(self) -> None:
        with unresponsive_server(accepting=False) as url, self.assertRaises(requests.ConnectTimeout):
            self.session.get(url, timeout=0.2)


class Gates(LoopbackTestCase):
    def test_events_come_one_by_one(self) -> None:
        response = self.get("/events?count=2&gate=g", stream=True)
        chunks = response.iter_content(None)
        for number in range(2):
            self.server.gate(f"g-{number}").set()
            self.assertIn(f"event {number}".encode(), next(chunks))
        self.server.gate("g-2").set()
        self.assertEqual(list(chunks), [])

    def test_a_delayed_response(self) -> None:
        answers: list[str] = []
        thread = threading.Thread(target=lambda: answers.append(self.get("/delay?gate=later").text))
        thread.start()
        self.server.wait_for_hits(1)
        self.assertEqual(answers, [])
        self.server.gate("later").set()
        thread.join()
        self.assertEqual(answers, ["late\n"])
        with self.assertRaisesRegex(AssertionError, "1 requests arrived, not 2"):
            self.server.wait_for_hits(2, timeout=0.01)


class SecureReplies(Replies):
    tls = True

    def test_counters(self) -> None:
        self.assertEqual(self.get("/too-many").status_code, 429)


class SecureGates(Gates):
    tls = True


class SecureFailures(Failures):
    tls = True

    def test_an_unknown_authority(self) -> None:
        with self.assertRaises(requests.exceptions.SSLError):
            self.get("/json", verify=True)
        self.assertEqual(self.server.hits, [])
        self.assertEqual(self.session.get(self.server.url_for("/json", "localhost"), timeout=10).status_code, 200)

    def test_the_authority_outlives_the_server(self) -> None:
        self.server.stop()
        self.assertTrue(os.path.exists(self.server.ca_pem_path))


class SecureLifecycle(Lifecycle):
    tls = True


class ClientCertificates(LoopbackTestCase):
    tls = True
    client_certificates = True

    def test_it_is_in_the_hit(self) -> None:
        self.get("/json", cert=self.server.client_cert_path)
        self.assertIn("client@example.org", str(self.server.hits[0].peer_certificate))

    def test_it_is_demanded(self) -> None:
        for _ in range(20):
            with self.assertRaises(requests.exceptions.SSLError) as caught:
                self.get("/json")
            self.assertIn("certificate required", str(caught.exception).lower())
        self.assertEqual(self.server.hits, [])


class Proxies(LoopbackTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.proxy = self.enterContext(LoopbackProxy())
        self.session.proxies = {"http": self.proxy.url, "https": self.proxy.url}

    def test_absolute_form(self) -> None:
        for data in (b"body", iter([b"bo", b"dy"]), b""):
            self.assertEqual(
                self.post("/anything?q=%20", data=data).json()["text"].encode(), b"" if data == b"" else b"body"
            )
        self.assertEqual(self.proxy.hits[0].target, self.server.url_for("/anything?q=%20"))
        self.assertEqual([hit.target for hit in self.server.hits], ["/anything?q=%20"] * 3)
        self.assertEqual([hit.chunked for hit in self.server.hits], [False, True, False])

    def test_a_tunnel(self) -> None:
        with LoopbackServer(tls=True) as secure:
            response = self.session.get(secure.url_for("/gzip"), verify=secure.ca_pem_path, timeout=10)
            self.assertEqual(response.content, POEM)
            self.assertEqual(self.proxy.hits[0].method, "CONNECT")
            with self.assertRaises(requests.exceptions.ProxyError):
                self.proxy.refuse = True
                requests.get(secure.url, proxies=self.session.proxies, verify=secure.ca_pem_path, timeout=10)
            self.assertEqual(len(secure.hits), 1)

    def test_refusals(self) -> None:
        self.assertEqual(self.session.get(f"http://127.0.0.1:{closed_port()}", timeout=10).status_code, 502)
        self.assertEqual(self.session.get("http://example.org", timeout=10).status_code, 403)
        self.proxy.refuse = True
        self.assertEqual(self.get("/json").status_code, 407)
        self.proxy.refuse = 502
        self.assertEqual(self.get("/json").status_code, 502)
        self.assertEqual(self.server.hits, [])


class Values(unittest.TestCase):
    def test_absolute_targets(self) -> None:
        self.assertEqual(Hit("GET", "http://h/p/q?a=b", []).path, "/p/q")
        self.assertEqual(Hit("GET", "//p//q", []).path, "//p//q")


if __name__ == "__main__":
    unittest.main()
