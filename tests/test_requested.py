"""What a test says about the requests that were made: `assertRequested` and its neighbours."""

from __future__ import annotations

import unittest
from typing import Any
from unittest import mock

import requests

from cassettes_lib.testcase import CassetteTestCase
from tests.recording_support import problems, run_class
from tests.testcase_support import CaseTestCase


class AssertionsTest(CaseTestCase):
    """`check` runs assertions at the end of a test that made some requests, and returns the text of its failure."""

    def check(self, *assertions: Any) -> str:
        server = self.server

        class ShopTest(CassetteTestCase):
            cassette_mode = "auto"

            def test(self) -> None:
                url = server.url_for
                with requests.Session() as session:
                    session.get(url("/anything/orders?page=2&tag=a&tag=b"), headers={"X-Shop": "north"})
                    session.post(url("/anything/orders"), json={"quantity": 1, "id": "x-7", "items": [1, 2, 3]})
                    session.post(url("/anything/form"), data={"name": "Tea", "tag": ["hot", "green"]})
                    session.put(url("/anything/raw"), data="Grüße".encode())
                for assertion in assertions:
                    assertion(self)

        result = run_class(ShopTest)
        self.assertEqual(result.errors, [])
        return result.failures[0][1] if result.failures else ""

    def test_what_was_requested_passes(self) -> None:
        url = self.server.url_for
        self.assertEqual("", self.check(
            lambda case: case.assertRequested("POST", "/anything/orders"),
            lambda case: case.assertRequested("post", "/anything/orders", times=1),
            lambda case: case.assertRequested("GET", "/anything/orders"),
            lambda case: case.assertRequested("GET", "/anything/orders?tag=b&page=2&tag=a"),
            lambda case: case.assertRequested("GET", url("/anything/orders")),
            lambda case: case.assertRequested("GET", url("/anything/orders").replace("http", "HTTP")),
            lambda case: case.assertRequested("GET", "/anything/orders", query={"page": 2, "tag": ["a", "b"]}),
            lambda case: case.assertRequested("GET", "/anything/orders", headers={"x-shop": "north"}),
            lambda case: case.assertRequested("POST", "/anything/orders", times=1,
                                              json={"quantity": 1, "id": mock.ANY, "items": [1, 2, 3]}),
            lambda case: case.assertRequested("POST", "/anything/form", form={"name": "Tea", "tag": ["hot", "green"]}),
            lambda case: case.assertRequested("POST", "/anything/form",
                                              form=[("tag", "green"), ("tag", "hot"), ("name", "Tea")]),
            lambda case: case.assertRequested("PUT", "/anything/raw", body="Grüße"),
            lambda case: case.assertRequested("PUT", "/anything/raw", body="Grüße".encode()),
            lambda case: case.assertRequested("DELETE", "/anything/orders", times=0),
            lambda case: case.assertAllPlayed(),
            lambda case: case.assertNoUnused(),
        ))

    def test_what_was_not_requested_fails(self) -> None:
        for assertion in (
            lambda case: case.assertRequested("POST", "/orders"),
            lambda case: case.assertRequested("PATCH", "/anything/orders"),
            lambda case: case.assertRequested("POST", "/anything/orders", times=2),
            lambda case: case.assertRequested("POST", "/anything/orders", times=0),
            lambda case: case.assertRequested("POST", "/anything/orders", json={"quantity": 1}),
            lambda case: case.assertRequested("POST", "/anything/orders", json=None),
            lambda case: case.assertRequested("PUT", "/anything/raw", json={}),
            lambda case: case.assertRequested("GET", "/anything/orders?page=2"),
            lambda case: case.assertRequested("GET", "/anything/orders?"),
            lambda case: case.assertRequested("GET", "http://127.0.0.1:1/anything/orders"),
            lambda case: case.assertRequested("GET", "/anything/orders", query={"page": 3}),
            lambda case: case.assertRequested("GET", "/anything/orders", headers={"X-Shop": "south"}),
            lambda case: case.assertRequested("GET", "/anything/orders", headers={"X-Other": "north"}),
            lambda case: case.assertRequested("POST", "/anything/form", form={"name": "Tea"}),
            lambda case: case.assertRequested("PUT", "/anything/raw", body=b""),
        ):
            self.assertIn("AssertionError", self.check(assertion))

    def test_a_failure_lists_what_was_requested(self) -> None:
        text = self.check(lambda case: case.assertRequested("POST", "/nowhere", msg="no order"))
        self.assertIn("POST /nowhere was not requested; the test requested:", text)
        self.assertIn(f"POST {self.server.url_for('/anything/orders')}", text)
        self.assertIn("no order", text)

    def test_a_failure_shows_what_differs(self) -> None:
        text = self.check(lambda case: case.assertRequested(
            "POST", "/anything/orders", json={"quantity": 2, "id": "x-7", "items": [1, 2, 3]}
        ))
        self.assertIn("POST /anything/orders was not requested like this", text)
        self.assertIn("'quantity': 2", text)
        self.assertIn("'quantity': 1", text)

    def test_a_failure_shows_no_secrets(self) -> None:
        server = self.server

        class ShopTest(CassetteTestCase):
            def test_list(self) -> None:
                requests.get(server.url_for("/anything/orders?api_key=k-4711-0815"), timeout=30)
                self.assertRequested("GET", "/nowhere")

            def test_difference(self) -> None:
                requests.post(server.url_for("/anything/login"), json={"password": "hunter2", "at": 1}, timeout=30)
                self.assertRequested("POST", "/anything/login", json={"password": mock.ANY, "at": 2})

        text = problems(run_class(ShopTest))
        self.assertIn("REDACTED-1", text)
        self.assertNotIn("4711", text.replace(f"{ShopTest.__module__}", "").partition("AssertionError")[2])
        self.assertNotRegex(text, "made.*hunter2|[+].*hunter2")

    def test_a_failure_counts(self) -> None:
        self.assertIn("POST /anything/orders was requested once, not twice",
                      self.check(lambda case: case.assertRequested("POST", "/anything/orders", times=2)))
        self.assertIn("POST /anything/orders was requested once, not never",
                      self.check(lambda case: case.assertRequested("POST", "/anything/orders", times=0)))

    def test_a_test_without_requests_says_so(self) -> None:
        class ShopTest(CassetteTestCase):
            def test(self) -> None:
                self.assertRequested("GET", "/orders")

        self.assertIn("the test made no requests", problems(run_class(ShopTest)))

    def test_what_is_neither_url_nor_path_is_refused(self) -> None:
        class ShopTest(CassetteTestCase):
            def test(self) -> None:
                self.assertRequested("GET", "orders")

        self.assertIn("'/orders'", problems(run_class(ShopTest)))

    def test_all_played_and_no_unused_list_what_is_left(self) -> None:
        outer = self

        class ShopTest(CassetteTestCase):
            names = ["one", "two"]

            def test(self) -> None:
                for name in self.names:
                    outer.get(name)
                with self.subTest("played"):
                    self.assertAllPlayed()
                with self.subTest("unused"):
                    self.assertNoUnused()

        self.run_well(ShopTest)
        self.run_well(ShopTest)
        ShopTest.names = ["one"]
        result = run_class(ShopTest)
        self.assertEqual(len(result.failures), 2)
        for _, text in result.failures:
            self.assertRegex(text, r"1 interaction on the cassette was not .*:\n  GET http.*/count/two")

    def test_an_upload_that_is_read_while_it_is_sent_is_seen_whole(self) -> None:
        server = self.server

        class ShopTest(CassetteTestCase):
            def test(self) -> None:
                requests.post(server.url_for("/anything/upload"), data=iter([b"one", b"two"]), timeout=30)
                self.assertRequested("POST", "/anything/upload", body="onetwo")

        for _ in range(2):
            self.run_well(ShopTest)


if __name__ == "__main__":
    unittest.main()
