"""The tools under measurement, behind one interface: the points of reference, and this library.

Strategy: a tool is told where its cassette lies and puts itself in charge of a `requests.Session`, so that every
sample is written once for all tools. What users import is imported here only when the tool is used.
"""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import requests
from requests.adapters import BaseAdapter

from benchmarks.server import Answer


class Exchange(NamedTuple):
    """One request, with its JSON payload if it is a POST, and the answer that the server gives to it."""

    method: str
    url: str
    payload: dict[str, Any] | None
    answer: Answer

    def prepared(self) -> requests.PreparedRequest:
        """Return the request as a Session sends it."""
        return requests.Session().prepare_request(requests.Request(self.method, self.url, json=self.payload))

    def send(self, session: requests.Session) -> bytes:
        """Send the request and return the body that came."""
        if self.payload is None:
            return session.get(self.url).content
        return session.post(self.url, json=self.payload).content


class Tool:
    """A tool that records and replays, or a point of reference that does neither.

    Attributes:
        name: What tables call it.
        module: What its users import.
        suffix: How the name of its cassette ends; `.json` where the file is JSON.
        records: Whether it can record.
        largest: The largest cassette, in interactions, that is worth the wait.
    """

    name = ""
    module = "requests"
    suffix = ".json"
    records = True
    largest = 10_000

    def missing(self) -> str:
        """Import the tool; return why that fails, or an empty string."""
        try:
            importlib.import_module(self.module)
        except ImportError as error:
            return str(error)
        return ""

    def use(self, session: requests.Session, path: str, *, record: bool = False) -> AbstractContextManager[Any]:
        """Put the tool in charge of the session, or of one of its own; the context's value is the session to use."""
        raise NotImplementedError

    def build(self, path: str, exchanges: Sequence[Exchange]) -> None:
        """Write a cassette. Overridden where the tool has a shorter way than to record."""
        with requests.Session() as session, self.use(session, path, record=True) as used:
            for exchange in exchanges:
                exchange.send(used)


class Null(Tool):
    """The floor of anything behind `requests`: the adapter returns one response that was made before."""

    name = "null"
    suffix = ""
    records = False
    largest = 10**9

    class Adapter(BaseAdapter):
        def __init__(self) -> None:
            super().__init__()
            self.response = requests.Response()
            self.response.status_code = 200
            self.response.reason = "OK"
            self.response.url = "http://127.0.0.1/"
            self.response._content = b"{}"
            self.response._content_consumed = True  # type: ignore[attr-defined]

        def send(self, *args: object, **kwargs: object) -> requests.Response:
            return self.response

        def close(self) -> None:
            pass

    def build(self, path: str, exchanges: Sequence[Exchange]) -> None:
        Path(path).touch()

    @contextmanager
    def use(self, session: requests.Session, path: str, *, record: bool = False) -> Iterator[requests.Session]:
        session.mount("http://", self.Adapter())
        yield session


class Live(Tool):
    """No tool: the session talks to the loopback server. CPU time leaves out the server's process."""

    name = "live"
    suffix = ""

    def build(self, path: str, exchanges: Sequence[Exchange]) -> None:
        Path(path).touch()

    def use(self, session: requests.Session, path: str, *, record: bool = False) -> AbstractContextManager[Any]:
        return contextlib.nullcontext(session)


class CassettesLib(Tool):
    """This library, with everything on by default."""

    name = module = "cassettes_lib"
    largest = 10**9

    def missing(self) -> str:
        """Import the library and, as users do, the name that brings its parts with it."""
        why = super().missing()
        return why or ("" if hasattr(importlib.import_module(self.module), "use_cassette") else "it is another one")

    @contextmanager
    def use(self, session: requests.Session, path: str, *, record: bool = False) -> Iterator[requests.Session]:
        with self.cassette(path, "record" if record else "replay"):
            yield session

    def cassette(self, path: str, mode: Any) -> AbstractContextManager[Any]:
        """Return the block that a user writes."""
        from cassettes_lib import use_cassette

        return use_cassette(path, mode=mode)

    def build(self, path: str, exchanges: Sequence[Exchange]) -> None:
        from cassettes_lib import JsonFileCassetteStore
        from cassettes_lib.models import Cassette, Interactions

        interactions = Interactions(map(interaction_of, exchanges))
        JsonFileCassetteStore(path).save(Cassette(interactions=interactions))


class WithoutRedaction(CassettesLib):
    """This library with redaction switched off."""

    name = "cassettes_lib-bare"

    def cassette(self, path: str, mode: Any) -> AbstractContextManager[Any]:
        from cassettes_lib import use_cassette

        options: dict[str, Any] = {"mode": mode, "redact": None}
        return use_cassette(path, **options)


def interaction_of(exchange: Exchange) -> Any:
    """Return an exchange as a value of this library."""
    from datetime import UTC, datetime

    from cassettes_lib.models import Interaction, InteractionRequest, InteractionResponse

    prepared = exchange.prepared()
    body = prepared.body or b""
    status, reason, headers, content = exchange.answer
    return Interaction(
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
        request=InteractionRequest(
            method=exchange.method, url=exchange.url, headers=tuple(prepared.headers.items()),
            body=body if isinstance(body, bytes) else body.encode(),
        ),
        response=InteractionResponse(status=status, reason=reason, headers=tuple(headers), body=content),
    )
