"""Plain factories and small stores that the tests share."""

from __future__ import annotations

import os
import unittest
from collections.abc import Mapping
from unittest import mock

from cassettes_lib.errors import CassetteNotFoundError, CassetteSaveError
from cassettes_lib.header_pairs import Headers
from cassettes_lib.models import Cassette, Interaction, InteractionRequest, InteractionResponse

URL = "https://api.example.com/orders"


def a_request(method: str = "GET", url: str = URL, headers: Headers = (), body: bytes = b"") -> InteractionRequest:
    return InteractionRequest(method=method, url=url, headers=headers, body=body)


def a_response(
    body: bytes = b"hello", status: int = 200, headers: Headers = (), reason: str = "OK"
) -> InteractionResponse:
    return InteractionResponse(status=status, reason=reason, headers=headers, body=body)


def an_interaction(
    request: InteractionRequest | None = None, response: InteractionResponse | None = None
) -> Interaction:
    return Interaction(request=request or a_request(), response=response or a_response())


def a_cassette(*interactions: Interaction) -> Cassette:
    return Cassette(interactions=interactions)  # type: ignore[arg-type]


class MemoryCassetteStore:
    """Keeps a cassette in memory, and counts."""

    def __init__(self, cassette: Cassette | None = None) -> None:
        self.cassette = cassette
        self.loads = 0
        self.saves = 0

    def load(self) -> Cassette:
        self.loads += 1
        if self.cassette is None:
            raise CassetteNotFoundError("nothing in memory", path="memory")
        return self.cassette

    def save(self, cassette: Cassette) -> None:
        self.saves += 1
        self.cassette = cassette


class FailingCassetteStore(MemoryCassetteStore):
    """Fails to save as long as `broken` is set."""

    broken = True

    def save(self, cassette: Cassette) -> None:
        super().save(cassette)
        if self.broken:
            raise CassetteSaveError("the disk is full", path="memory")


class ScriptedService:
    """A live responder that gives the scripted bodies one after the other, and keeps what it was asked."""

    def __init__(self, *bodies: bytes) -> None:
        self.bodies = list(bodies)
        self.asked: list[InteractionRequest] = []

    def __call__(self, request: InteractionRequest) -> InteractionResponse:
        self.asked.append(request)
        return a_response(self.bodies.pop(0) if self.bodies else b"live")


def with_environment(case: unittest.TestCase, **variables: str | None) -> None:
    """Set environment variables, or remove those that are None, until the test ends."""
    kept = {name: value for name, value in os.environ.items() if name not in variables}
    changed: Mapping[str, str] = {name: value for name, value in variables.items() if value is not None}
    patch = mock.patch.dict(os.environ, {**kept, **changed}, clear=True)
    patch.start()
    case.addCleanup(patch.stop)
