"""`CassetteAdapter`: a requests transport adapter in front of a Broker. Its exchange serves interception, too."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from time import perf_counter
from typing import Any, cast

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter, HTTPAdapter

from cassettes_lib.broker import Broker
from cassettes_lib.conversion import raw_from_response, request_from_prepared, response_from_raw
from cassettes_lib.models import InteractionResponse

SendLive = Callable[..., Response]


class CassetteAdapter(BaseAdapter):
    """A requests transport adapter that answers from a cassette, and sends live through another adapter.

    Example:
        session.mount("https://api.example.com", CassetteAdapter(broker))
    """

    def __init__(self, broker: Broker, inner: BaseAdapter | None = None) -> None:
        """Put the adapter in front of a Broker.

        Args:
            broker: Decides between replay and live.
            inner: Carries the live traffic, with its own retries, certificates and pools; an `HTTPAdapter` by default.
        """
        super().__init__()
        self.broker = broker
        self.inner = inner if inner is not None else HTTPAdapter()

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> Response:
        """Answer a prepared request, as `requests.adapters.HTTPAdapter.send` does."""
        options = {"stream": stream, "timeout": timeout, "verify": verify, "cert": cert, "proxies": proxies}
        response = exchange(self.broker, self.inner, request, self.inner.send, options)
        response.connection = cast(HTTPAdapter, self)
        return response

    def close(self) -> None:
        """Close the adapter that carries the live traffic."""
        self.inner.close()


def exchange(
    broker: Broker, adapter: BaseAdapter, request: PreparedRequest, send_live: SendLive, options: dict[str, Any]
) -> Response:
    """Answer one request by the Broker: replayed, or sent live and recorded.

    Args:
        broker: Decides.
        adapter: The session's adapter; it builds the response.
        request: What the session sends.
        send_live: Sends it over the network.
        options: The options of `HTTPAdapter.send`: stream, timeout, verify, cert, proxies.
    """
    started = perf_counter()

    def ask_live(_: object) -> InteractionResponse:
        live = send_live(request, **{**options, "stream": True})
        return response_from_raw(live.raw)

    answer = broker.respond(request_from_prepared(request), ask_live)
    raw = raw_from_response(answer, request.method or "GET")
    builder = adapter if isinstance(adapter, HTTPAdapter) else HTTPAdapter()
    response = builder.build_response(request, raw)
    response.connection = cast(HTTPAdapter, adapter)
    response.elapsed = timedelta(seconds=perf_counter() - started)
    return response
