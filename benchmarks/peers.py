"""The peers, as their own manuals use them; those that are not installed are left out of a run."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from benchmarks.tools import Exchange, Tool


class Vcrpy(Tool):
    """vcrpy saves the whole cassette when the block is left."""

    module = "vcr"
    largest = 1_000

    def __init__(self, serializer: str) -> None:
        self.name = f"vcrpy-{serializer}"
        self.suffix = f".{serializer}"
        self._serializer = serializer

    def _cassette(self, path: str, record: bool) -> Any:
        import vcr

        return vcr.VCR(serializer=self._serializer, record_mode="once" if record else "none").use_cassette(path)

    @contextmanager
    def use(self, session: requests.Session, path: str, *, record: bool = False) -> Iterator[requests.Session]:
        with self._cassette(path, record):
            yield session

    def build(self, path: str, exchanges: Sequence[Exchange]) -> None:
        from vcr.request import Request

        with self._cassette(path, record=True) as cassette:
            for exchange in exchanges:
                prepared, answer = exchange.prepared(), exchange.answer
                cassette.append(Request(exchange.method, exchange.url, prepared.body, dict(prepared.headers)), {
                    "status": {"code": answer.status, "message": answer.reason},
                    "headers": {name: [value] for name, value in answer.headers},
                    "body": {"string": answer.body},
                })


class Betamax(Tool):
    name = module = "betamax"
    largest = 1_000

    @contextmanager
    def use(self, session: requests.Session, path: str, *, record: bool = False) -> Iterator[requests.Session]:
        from betamax import Betamax

        folder, name = os.path.split(path.removesuffix(self.suffix))
        # Without preserve_exact_body_bytes betamax damages binary bodies.
        options = {"record": "once" if record else "none", "preserve_exact_body_bytes": name.startswith("binary")}
        with Betamax(session, cassette_library_dir=folder).use_cassette(name, **options):
            yield session


class Cassetter(Tool):
    """The one with a core in Rust."""

    name = module = "cassetter"
    suffix = ".yaml"

    @contextmanager
    def use(self, session: requests.Session, path: str, *, record: bool = False) -> Iterator[requests.Session]:
        from cassetter import use_cassette

        with use_cassette(path, record_mode="all" if record else "none"):
            yield session


class Responses(Tool):
    """No recorder for JSON: the answers are registered by hand from a plain file."""

    name = module = "responses"
    records = False
    largest = 1_000

    def build(self, path: str, exchanges: Sequence[Exchange]) -> None:
        Path(path).write_text(json.dumps([
            {"method": each.method, "url": each.url, "status": each.answer.status,
             "headers": dict(each.answer.headers), **_to_json(each.answer.body)}
            for each in exchanges
        ]))

    @contextmanager
    def use(self, session: requests.Session, path: str, *, record: bool = False) -> Iterator[requests.Session]:
        import responses

        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            for entry in json.loads(Path(path).read_bytes()):
                mock.add(
                    entry["method"], entry["url"], body=_from_json(entry), status=entry["status"],
                    headers=entry["headers"],
                )
            yield session


class RequestsCache(Tool):
    """A cache rather than a recorder; here with sqlite, its default."""

    name = "requests-cache"
    module = "requests_cache"
    suffix = ".sqlite"

    def use(
        self, session: requests.Session, path: str, *, record: bool = False, **options: Any
    ) -> AbstractContextManager[Any]:
        from requests_cache import CachedSession

        cached: AbstractContextManager[Any] = CachedSession(
            path, backend="sqlite", only_if_cached=not record, allowable_methods=("GET", "POST"), **options
        )
        return cached

    def build(self, path: str, exchanges: Sequence[Exchange]) -> None:
        with requests.Session() as unused, self.use(unused, path, record=True, fast_save=True) as session:
            for exchange in exchanges:
                exchange.send(session)


class Interposition(Tool):
    """interposition has no HTTP client of its own; this is the least adapter that keeps status and headers."""

    name = module = "interposition"

    class Adapter(HTTPAdapter):
        def __init__(self, store: Any, mode: Any) -> None:
            from interposition import Broker

            super().__init__()
            self.broker = Broker.from_store(store, mode=mode, live_responder=self.live)

        def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
            self.current = request, options
            (chunk,) = self.broker.replay(Interposition.request(request))
            (status, reason), (_, encoded), *headers = chunk.metadata
            body = BytesIO(base64.b64decode(chunk.data) if encoded else chunk.data)
            return self.build_response(request, urllib3.HTTPResponse(
                body, urllib3.HTTPHeaderDict(headers), int(status), reason=reason, preload_content=False
            ))

        def live(self, _: object) -> list[Any]:
            request, options = self.current
            raw = super().send(request, **{**options, "stream": True}).raw
            return [Interposition.chunk(raw.status, raw.reason, raw.headers.items(), raw.read(decode_content=False))]

    @staticmethod
    def request(prepared: Any) -> Any:
        from interposition import InteractionRequest

        return InteractionRequest(
            protocol="http", action=prepared.method, target=prepared.url, headers=(), body=prepared.body or b""
        )

    @staticmethod
    def chunk(status: int, reason: Any, headers: Any, body: bytes) -> Any:
        from interposition import ResponseChunk

        ((kind, data),) = _to_json(body).items()  # its JSON store refuses bytes that are not UTF-8
        encoded = "1" if kind == "base64" else ""
        return ResponseChunk(
            data=data.encode(), sequence=0, metadata=((str(status), reason), ("base64", encoded), *headers)
        )

    @contextmanager
    def use(self, session: requests.Session, path: str, *, record: bool = False) -> Iterator[requests.Session]:
        from interposition.stores import JsonFileCassetteStore

        store = JsonFileCassetteStore(Path(path), create_if_missing=record)
        session.mount("http://", self.Adapter(store, "record" if record else "replay"))
        yield session

    def build(self, path: str, exchanges: Sequence[Exchange]) -> None:
        from interposition import Cassette, Interaction
        from interposition.stores import JsonFileCassetteStore

        interactions = []
        for exchange in exchanges:
            request = self.request(exchange.prepared())
            status, reason, headers, body = exchange.answer
            interactions.append(Interaction(
                request=request, fingerprint=request.fingerprint(),
                response_chunks=(self.chunk(status, reason, headers, body),),
            ))
        JsonFileCassetteStore(Path(path)).save(Cassette(interactions=tuple(interactions)))


def _to_json(body: bytes) -> dict[str, str]:
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def _from_json(entry: dict[str, str]) -> bytes:
    return entry["body"].encode() if "body" in entry else base64.b64decode(entry["base64"])


PEERS: tuple[Tool, ...] = (
    Cassetter(), Interposition(), RequestsCache(), Betamax(), Responses(), Vcrpy("json"), Vcrpy("yaml"),
)
