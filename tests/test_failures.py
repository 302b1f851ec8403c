"""Failures: exceptions written down and raised again, whatever they wrap."""

from __future__ import annotations

import json
import unittest
from typing import Any

import requests
import urllib3.exceptions
from requests.exceptions import ConnectTimeout, ProxyError, SSLError
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError

from cassettes_lib.failures import can_be_recorded, exception_from_failure, failure_from_exception
from cassettes_lib.fileformat import interaction_to_entry
from cassettes_lib.models import Interaction, InteractionFailure
from tests.support import a_request

REQUEST = requests.Request("GET", "http://example.com/").prepare()


def through_the_file(failure: InteractionFailure) -> InteractionFailure:
    entry = json.loads(json.dumps(interaction_to_entry(Interaction(request=a_request(), failure=failure))))
    read = Interaction.model_validate(entry).failure
    assert read
    return read


def again(error: Exception) -> Any:
    return exception_from_failure(through_the_file(failure_from_exception(error)), REQUEST, pool="pool", url="/x")


def max_retries(reason: Exception) -> MaxRetryError:
    return MaxRetryError("HTTPConnectionPool(host='h', port=80)", "/x", reason)  # type: ignore[arg-type]


class RoundTripTest(unittest.TestCase):
    def test_class_text_and_all_that_is_wrapped_come_back(self) -> None:
        refused = NewConnectionError("conn", "[Errno 111] refused")  # type: ignore[arg-type]
        for error in (
            ConnectTimeout(max_retries(refused), request=REQUEST),
            requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionResetError(104, "reset")),
                                     request=REQUEST),
            requests.ConnectionError(ProtocolError("Connection aborted.", ConnectionError("plain")), request=REQUEST),
            SSLError(max_retries(urllib3.exceptions.SSLError(OSError(1, "bad certificate"))), request=REQUEST),
            ProxyError(urllib3.exceptions.ProxyError("no proxy", refused)),
            requests.exceptions.InvalidHeader("odd", 3, request=REQUEST),
            requests.RequestException(),
            urllib3.exceptions.LocationParseError("a..b"),
        ):
            with self.subTest(error=error):
                new = again(error)
                self.assertIs(type(new), type(error))
                self.assertEqual((str(new), repr(new)), (str(error), repr(error)))
                self.assertIs(getattr(new, "request", None), getattr(error, "request", None))

    def test_reasons_are_exceptions_again(self) -> None:
        refused = NewConnectionError("conn", "refused")  # type: ignore[arg-type]
        new = again(ConnectTimeout(max_retries(refused), request=REQUEST))
        self.assertIsInstance(new.args[0].reason, NewConnectionError)
        self.assertIs(new.args[0].__cause__, new.args[0].reason)
        self.assertIs(new.__context__, new.args[0])
        self.assertEqual((new.args[0].pool, new.args[0].url), ("pool", "/x"))
        reset = again(requests.ConnectionError(ProtocolError("x", ConnectionResetError(104, "reset"))))
        self.assertEqual(reset.args[0].args[1].errno, 104)

    def test_python_s_connection_error_is_not_taken_for_that_of_requests(self) -> None:
        new = again(requests.ConnectionError(ConnectionError("plain")))
        self.assertIs(type(new.args[0]), ConnectionError)

    def test_texts_can_be_changed_all_the_way_down(self) -> None:
        error = ConnectTimeout(max_retries(ProtocolError("secret", OSError(1, "a secret"))), request=REQUEST)
        hidden = failure_from_exception(error).with_texts(lambda text: text.replace("secret", "REDACTED"))
        self.assertNotIn("secret", json.dumps(hidden.model_dump()))
        self.assertIs(type(exception_from_failure(hidden)), ConnectTimeout)


class ForeignTest(unittest.TestCase):
    def test_a_bare_name_is_that_of_requests_first(self) -> None:
        for name, expected in (("ConnectTimeout", ConnectTimeout), ("ConnectionError", requests.ConnectionError),
                               ("MaxRetryError", MaxRetryError), ("TimeoutError", TimeoutError)):
            error = exception_from_failure(InteractionFailure(error=name, message="text"), REQUEST)
            self.assertIs(type(error), expected)
            self.assertEqual(str(error), "text")

    def test_nothing_but_exceptions_is_made_and_nothing_is_imported(self) -> None:
        for name in ("os.system", "builtins.eval", "antigravity.Error", "", ".", "no.such.Class", "SystemExit", "type"):
            error = exception_from_failure(InteractionFailure(error=name, message="text"), REQUEST)
            self.assertIs(type(error), requests.RequestException)
            self.assertEqual(str(error), "text")

    def test_only_errors_of_the_transport_are_outcomes(self) -> None:
        self.assertTrue(can_be_recorded(requests.Timeout()))
        self.assertTrue(can_be_recorded(ProtocolError()))
        for error in (ValueError(), OSError(), KeyboardInterrupt()):
            self.assertFalse(can_be_recorded(error))


if __name__ == "__main__":
    unittest.main()
