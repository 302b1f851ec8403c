"""The main job, end to end: record a real conversation over HTTP and HTTPS, stop the server, replay it."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path
from typing import Any

import requests

from cassettes_lib import Broker, CassetteAdapter, InteractionNotFoundError, JsonFileCassetteStore, use_cassette
from tests.loopback import LoopbackServer
from tests.support import MemoryCassetteStore, with_environment


def seen(response: requests.Response) -> dict[str, Any]:
    return {
        "status": response.status_code,
        "reason": response.reason,
        "url": response.url,
        "headers": list(response.headers.items()),
        "cookies": sorted((cookie.name, cookie.value) for cookie in response.cookies),
        "content": response.content,
        "history": [(hop.status_code, hop.url) for hop in response.history],
    }


class MainJobTest(unittest.TestCase):
    tls = False

    def setUp(self) -> None:
        with_environment(self, CI=None, CASSETTES_MODE=None, REQUESTS_CA_BUNDLE=None, CURL_CA_BUNDLE=None)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name, "cassettes", "conversation.json")
        self.server = LoopbackServer(tls=self.tls)
        self.server.start()
        self.addCleanup(self.server.stop)

    def session(self) -> requests.Session:
        session = requests.Session()
        self.addCleanup(session.close)
        if self.tls:
            session.verify = str(self.server.ca_pem_path)
        return session

    def conversation(self) -> list[dict[str, Any]]:
        url = self.server.url_for
        session = self.session()
        responses = [session.get(url(path)) for path in (
            "/text", "/latin1", "/json", "/binary?size=5000", "/image", "/gzip", "/deflate", "/status/404",
            "/cookies/set?a=1&b=2", "/cookies", "/redirect/2", "/repeated-headers", "/no-content",
            "/chunked?sizes=3,7,1",
        )]
        responses.append(session.post(url("/anything"), data={"name": "Tea", "tag": ["hot", "green"]}))
        responses.append(session.post(url("/anything"), json={"name": "Café"}))
        responses.append(session.put(url("/anything"), data=b"\x00\xff"))
        responses.append(session.head(url("/head-length")))
        return [seen(each) for each in responses]

    def test_a_conversation_is_recorded_and_replayed_with_the_server_gone(self) -> None:
        with use_cassette(self.path, redact=None) as broker:
            live = self.conversation()
        self.assertEqual(broker.mode, "record")
        self.server.stop()
        recorded = self.path.read_bytes()
        with use_cassette(self.path, redact=None) as broker:
            replayed = self.conversation()
        self.assertEqual(broker.mode, "replay")
        self.assertEqual(replayed, live)
        self.assertTrue(broker.all_played)
        self.assertEqual(self.path.read_bytes(), recorded)

    def test_a_mounted_adapter_records_and_replays(self) -> None:
        runs = []
        for mode in ("record", "replay"):
            broker = Broker.from_store(JsonFileCassetteStore(self.path), mode)  # type: ignore[arg-type]
            session = self.session()
            session.mount(self.server.url, CassetteAdapter(broker))
            runs.append([seen(session.get(self.server.url_for(path))) for path in ("/json", "/redirect/1", "/gzip")])
            self.server.stop()
        self.assertEqual(*runs)

    def test_all_traffic_of_the_process_is_routed(self) -> None:
        def talk() -> list[bytes]:
            adapted = self.session()
            adapted.mount(self.server.url, requests.adapters.HTTPAdapter(max_retries=1))
            inside, verify = self.session(), str(self.server.ca_pem_path) if self.tls else True
            url = self.server.url_for("/json")
            return [requests.get(url, verify=verify).content, *(s.get(url).content for s in (before, inside, adapted))]

        before = self.session()
        with use_cassette(self.path) as broker:
            live = talk()
        self.assertEqual(len(broker.recorded), 4)
        self.server.stop()
        with use_cassette(self.path) as broker:
            self.assertEqual(talk(), live)
        self.assertTrue(broker.all_played)

    def test_a_decorated_test_method_records_and_replays(self) -> None:
        server, session = self.server, self.session()

        class ShopTest(unittest.TestCase):
            @use_cassette(self.path)
            def test_item(self) -> None:
                self.assertIn("json", session.get(server.url_for("/json")).headers["Content-Type"])

        for _ in range(2):
            result = ShopTest("test_item").run()
            assert result is not None
            self.assertTrue(result.wasSuccessful(), result.failures + result.errors)
            server.stop()

    def test_polling_replays_in_the_order_it_happened(self) -> None:
        def poll() -> list[str]:
            return [self.session().get(self.server.url_for("/poll?token=t")).text for _ in range(3)]

        with use_cassette(self.path):
            live = poll()
        self.assertEqual([json.loads(each)["state"] for each in live], ["pending", "pending", "done"])
        self.server.stop()
        with use_cassette(self.path):
            self.assertEqual(poll(), live)

    def test_re_recording_replaces_the_old_cassette(self) -> None:
        for paths in (["/text", "/json"], ["/image"]):
            with use_cassette(self.path, mode="record"):
                for path in paths:
                    self.session().get(self.server.url_for(path))
        entries = json.loads(self.path.read_text(encoding="utf-8"))["interactions"]
        self.assertEqual([entry["request"]["url"] for entry in entries], [self.server.url_for("/image")])

    def test_a_swallowed_miss_is_raised_on_leaving(self) -> None:
        with use_cassette(self.path, mode="record"):
            self.session().get(self.server.url_for("/text"))
        with (
            self.assertRaises(InteractionNotFoundError),
            use_cassette(self.path, mode="replay"),
        ):
            try:
                self.session().get(self.server.url_for("/json"))
            except Exception:
                pass
        with use_cassette(self.path, mode="replay") as broker:
            with self.assertRaises(InteractionNotFoundError):
                self.session().get(self.server.url_for("/json"))
            broker.misses.clear()

    def test_another_store_takes_the_place_of_the_file(self) -> None:
        store = MemoryCassetteStore()
        for _ in range(2):
            with use_cassette(store=store):
                self.session().get(self.server.url_for("/json"))
            self.server.stop()
        self.assertEqual(store.saves, 1)
        self.assertFalse(self.path.exists())


class MainJobOverTlsTest(MainJobTest):
    tls = True


if __name__ == "__main__":
    unittest.main()
