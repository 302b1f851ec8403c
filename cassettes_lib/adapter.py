"""`CassetteAdapter`: a requests transport adapter in front of a Broker. Its exchange serves interception, too.

Strategy: one exchange is `Broker.play`, or a live call and `Broker.record`. The live call is the owning adapter's own,
asked for an unread response; its body is read here and the response built anew, or, for a caller who streams, it is
handed on with its body kept on the way. An adapter's own `build_response` is called once in every run.

Where it is `Session.send` that is about to read the body, 10 KB at a time through five layers, it is read here, at
once: the bytes and the state of the response are the same, and nobody sees it between the two.
"""

from __future__ import annotations

import http.client
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any, cast
from weakref import WeakKeyDictionary

from requests import PreparedRequest, Response, Session, adapters, sessions
from requests.adapters import BaseAdapter, HTTPAdapter
from requests.cookies import extract_cookies_to_jar
from requests.exceptions import RetryError
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPResponse
from urllib3.util.url import parse_url

from cassettes_lib.broker import Broker, failure_from
from cassettes_lib.conversion import (
    ResponseHead,
    head_of,
    original_of,
    raw_from_response,
    receiver_for,
    response_from_fake,
    response_from_live,
)
from cassettes_lib.cookies_time import with_remaining_life
from cassettes_lib.failures import can_be_recorded, exception_from_failure, failure_from_exception
from cassettes_lib.keywords import explain_wrong_keywords
from cassettes_lib.models import Interaction, InteractionFailure, InteractionRequest, InteractionResponse
from cassettes_lib.patches import layer_of
from cassettes_lib.read_responses import new_response, raw_after_reading, read_at_once, set_content
from cassettes_lib.retrying import RetriesExhausted, final_attempt, with_history
from cassettes_lib.streams import LiveBody, keep_body
from cassettes_lib.undisturbed import Undisturbed, when_undisturbed
from cassettes_lib.uploads import Upload

SendLive = Callable[..., Response]
_READ_SIZE = 1 << 16


class CassetteAdapter(BaseAdapter):
    """A requests transport adapter that answers from a cassette, and sends live through another adapter.

    Example:
        session.mount("https://api.example.com", CassetteAdapter(broker))
    """

    @explain_wrong_keywords()
    def __init__(
        self, broker: Broker, inner: BaseAdapter | None = None, *, preserve_exact_body_bytes: bool = False
    ) -> None:
        """Put the adapter in front of a Broker.

        Args:
            broker: Decides between replay and live.
            inner: Carries the live traffic, with its own retries, certificates and pools; an `HTTPAdapter` by default.
            preserve_exact_body_bytes: Record bodies as they came, encoded as `Content-Encoding` says.

        Raises:
            TypeError: What is given is not a Broker.
        """
        if not isinstance(broker, Broker):
            store = "Broker.from_store(JsonFileCassetteStore(path), mode='auto')"
            raise TypeError(f"CassetteAdapter takes a Broker, such as {store}, not {broker!r}")
        super().__init__()
        self.broker = broker
        self.inner = inner if inner is not None else HTTPAdapter()
        self.preserve_exact_body_bytes = preserve_exact_body_bytes

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
        response = exchange(
            self.broker, self.inner, request, _send_through, options,
            preserve_exact_body_bytes=self.preserve_exact_body_bytes,
        )
        response.connection = cast(HTTPAdapter, self)
        return response

    def close(self) -> None:
        """Close the adapter that carries the live traffic."""
        self.inner.close()


def _send_through(adapter: BaseAdapter, request: PreparedRequest, **options: Any) -> Response:
    return adapter.send(request, **options)


def exchange(
    broker: Broker,
    adapter: BaseAdapter,
    request: PreparedRequest,
    send_live: SendLive,
    options: dict[str, Any],
    *,
    preserve_exact_body_bytes: bool = False,
) -> Response:
    """Answer one request by the Broker: replayed, or sent live and recorded.

    Args:
        broker: Decides.
        adapter: The session's adapter; it builds the response.
        request: What the session sends.
        send_live: Called as `send_live(adapter, request, **options)`, sends it over the network. Its adapter may be
            another object of the same state, of a subclass that leaves the building of the response to this function.
        options: The options of `HTTPAdapter.send`: stream, timeout, verify, cert, proxies.
        preserve_exact_body_bytes: Record bodies as they came, encoded as `Content-Encoding` says.

    Raises:
        InteractionNotFoundError: Nothing on the cassette answers, and the Broker's mode is `replay`.
        CassetteSaveError: The recording could not be saved.
        requests.RequestException: The request failed, now or when it was recorded.
    """
    upload = Upload(request)
    this = _Exchange(broker, adapter, request, options)
    recording = broker.mode == "record"
    asked = upload.request_before_sending() if recording else upload.request()
    with Undisturbed():
        interaction = broker.play(asked)
    if interaction is not None:
        upload.consume()
        return this.replay(asked, interaction)
    return this.record(send_live, upload, preserve_exact_body_bytes)


class _Exchange:
    """One request of a session on its way through its adapter."""

    def __init__(
        self, broker: Broker, adapter: BaseAdapter, request: PreparedRequest, options: dict[str, Any]
    ) -> None:
        self._broker = broker
        self._adapter = adapter
        self._request = request
        self._options = options
        self._method = request.method or "GET"
        self._reads_at_once = not options.get("stream") and not _has_hooks(request) and _is_for_session()

    # Replay

    def replay(self, asked: InteractionRequest, interaction: Interaction) -> Response:
        """Return what was recorded, or raise it."""
        adapter, request = self._adapter, self._request
        if isinstance(adapter, HTTPAdapter) and type(adapter).add_headers is not HTTPAdapter.add_headers:
            adapter.add_headers(request, **self._options)
        retries = getattr(adapter, "max_retries", None)
        if retries is not None and (retries.status_forcelist or retries.total):
            interaction, retries = self._final_attempt(asked, interaction, retries)
        response = interaction.response
        if response is None:
            assert interaction.failure is not None
            raise exception_from_failure(interaction.failure, request, pool=self._pool(), url=self._target())
        headers = with_remaining_life(response.headers, interaction.recorded_at)
        if headers is not response.headers:
            response = response.model_copy(update={"headers": headers})
        return self._built(response, retries)

    def _final_attempt(
        self, asked: InteractionRequest, interaction: Interaction, retries: Any
    ) -> tuple[Interaction, Any]:
        try:
            return final_attempt(
                interaction, retries, self._method, self._target(),
                pool=self._pool, make_raw=self._raw, next_attempt=lambda: self._broker.play(asked, if_any=True),
            )
        except RetriesExhausted as exhausted:
            raise RetryError(exhausted.error, request=self._request) from exhausted.error

    def _built(self, response: InteractionResponse, retries: Any) -> Response:
        """Return what the adapter makes of a recorded response."""
        is_whole = response.broken is None and not response.closed_early
        if self._reads_at_once and is_whole and _builds_plainly(_builder(self._adapter)):
            raw = raw_after_reading(response, self._method, self._target())
            if raw is not None:
                built = self._built_from(raw, response, retries)
                set_content(built, response.body)
                return built
            built = self._built_from(self._raw(response), response, retries)
            if read_at_once(built):
                return built
        return self._built_from(self._raw(response), response, retries)

    def _built_from(self, raw: HTTPResponse, response: InteractionResponse, retries: Any) -> Response:
        if response.retried and retries is not None:
            retries = with_history(retries, response.retried, self._method, self._target(), self._raw)
        if retries is not None:
            raw.retries = retries
        if response.broken is not None:
            cast(Any, raw)._pool = self._pool()  # the text of a read timeout names it
        return _built_by(self._adapter, self._request, raw)

    def _raw(self, response: InteractionResponse) -> HTTPResponse:
        return raw_from_response(response, self._method, request_url=self._target())

    def _target(self) -> str:
        """Return the target as it stands in the request line: a path, or the URL where a proxy is asked."""
        request, adapter = self._request, self._adapter
        proxies = self._options.get("proxies")
        if not isinstance(adapter, HTTPAdapter) or (
            not proxies and type(adapter).request_url is HTTPAdapter.request_url
        ):
            return _path_url(request)
        url = adapter.request_url(request, proxies)
        return url if url.startswith("/") else parse_url(url)._replace(fragment=None).url

    def _pool(self) -> Any:
        """Return the connection pool that would serve the request; nothing is connected."""
        adapter = self._adapter
        with suppress(Exception):
            if not isinstance(adapter, HTTPAdapter):
                adapter = _plain_adapter()
            proxies, verify = self._options.get("proxies"), self._options.get("verify", True)
            if hasattr(adapter, "get_connection_with_tls_context"):
                return adapter.get_connection_with_tls_context(self._request, verify, proxies=proxies)
            return adapter.get_connection(self._request.url or "", proxies)  # requests before 2.32
        return None

    # Live

    def record(self, send_live: SendLive, upload: Upload, preserve_exact_body_bytes: bool) -> Response:
        """Send the request, and record what comes of it."""
        carrier = _without_building(self._adapter)
        try:
            with upload.sending():
                live = send_live(carrier, self._request, **{**self._options, "stream": True})
        except Exception as error:
            if self._broker.record_failures and can_be_recorded(error):
                _save(self._broker, upload.request(), failure_from_exception(error))
            else:
                self._broker.note_live(upload.request_before_sending(), failure_from(error))
            raise
        asked = upload.request()
        original = original_of(live.raw)
        if original is None:
            return self._record_fake(asked, live, preserve_exact_body_bytes)
        head = head_of(live.raw, preserve_exact_body_bytes)
        receiver = receiver_for(live.raw)
        if self._options.get("stream"):
            keep_body(original, receiver, partial(_save_stream, self._broker, asked, head), self._broker)
            return live if carrier is self._adapter else _built_by(self._adapter, self._request, live.raw)
        body = keep_body(original, receiver)
        is_built = carrier is self._adapter and type(carrier) is HTTPAdapter
        if is_built and self._reads_at_once and read_at_once(live):
            response = response_from_live(head, body, streamed=False)
            if response.body == live.content:
                live._content = response.body  # of a large body, one copy is enough
            self._save_or_note(asked, response)
            return live
        _read_to_its_end(live.raw, original)
        return self._recorded(asked, response_from_live(head, body, streamed=False))

    def _record_fake(self, asked: InteractionRequest, live: Response, preserve_exact_body_bytes: bool) -> Response:
        response = response_from_fake(live, preserve_exact_body_bytes=preserve_exact_body_bytes)
        return self._recorded(asked, response)

    def _recorded(self, asked: InteractionRequest, response: InteractionResponse) -> Response:
        self._save_or_note(asked, response)
        return self._built(response, getattr(self._adapter, "max_retries", None))

    def _save_or_note(self, asked: InteractionRequest, response: InteractionResponse) -> None:
        if response.broken is None or self._broker.record_failures:
            _save(self._broker, asked, response)
        else:
            self._broker.note_live(asked, response)


def _path_url(request: PreparedRequest) -> str:
    """Return `request.path_url`, without taking a usual URL apart as that does."""
    url = request.url or ""
    start = url.find("/", url.find("://") + 3)
    if start < 0 or "?" in url[:start] or "#" in url or url.endswith("?"):
        return request.path_url
    return url[start:]


def _save(broker: Broker, asked: InteractionRequest, outcome: InteractionResponse | InteractionFailure) -> None:
    with Undisturbed():
        broker.record(asked, outcome)


def _save_stream(broker: Broker, asked: InteractionRequest, head: ResponseHead, body: LiveBody) -> None:
    response = response_from_live(head, body, streamed=True)
    if response.broken is None or broker.record_failures:
        when_undisturbed(partial(broker.record, asked, response))
    else:
        broker.note_live(asked, response)


def _read_to_its_end(raw: HTTPResponse, original: http.client.HTTPResponse) -> None:
    """Read a live body, which is kept on the way, and give the connection back to its pool."""
    try:
        while original.read(_READ_SIZE):
            pass
    except (http.client.HTTPException, OSError, ValueError):  # kept, and raised again when the caller reads
        raw.close()
    raw.release_conn()


def _has_hooks(request: PreparedRequest) -> bool:
    return bool(request.hooks and request.hooks.get("response"))  # a request that was put together by hand has None


def _is_for_session() -> bool:
    """Tell whether what this package returns goes to `Session.send` itself, and to nobody between."""
    frame = sys._getframe(1)
    while frame.f_globals.get("__package__") == __package__ and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code is _SESSION_SEND


class _Unbuilt:
    """Mixed into an adapter's class: gives the live response as it is, so that `build_response` is not called twice."""

    def build_response(self, req: PreparedRequest, resp: HTTPResponse, *args: Any, **options: Any) -> Response:
        return BUILD_RESPONSE(cast(HTTPAdapter, self), req, resp)


BUILD_RESPONSE = HTTPAdapter.build_response
# Or else somebody has replaced it before this module was imported.
_IS_OF_REQUESTS = getattr(BUILD_RESPONSE, "__globals__", None) is vars(adapters)
_SESSION_SEND = Session.send.__code__ if getattr(Session.send, "__globals__", None) is vars(sessions) else None
_unbuilt: WeakKeyDictionary[type, type] = WeakKeyDictionary()


def _without_building(adapter: BaseAdapter) -> BaseAdapter:
    """Return an adapter with the same state that leaves `build_response` to us, where that is somebody's own."""
    if not isinstance(adapter, HTTPAdapter):
        return adapter
    kind = type(adapter)
    if _below_ours(kind.build_response) is BUILD_RESPONSE or any("__slots__" in vars(each) for each in kind.__mro__):
        return adapter
    if kind not in _unbuilt:
        try:
            _unbuilt[kind] = type(kind.__name__, (_Unbuilt, kind), {})
        except TypeError:  # a class that forbids subclasses, or wants to know more about them
            return adapter
    carrier: BaseAdapter = object.__new__(_unbuilt[kind])
    carrier.__dict__ = adapter.__dict__
    return carrier


def _builder(adapter: Any) -> HTTPAdapter:
    return adapter if hasattr(adapter, "build_response") else _plain_adapter()


def _builds_plainly(builder: HTTPAdapter) -> bool:
    """Tell whether `build_response` is the one of requests."""
    return _IS_OF_REQUESTS and _below_ours(getattr(builder.build_response, "__func__", None)) is BUILD_RESPONSE


def _below_ours(function: Any) -> Any:
    """Return a function, or what lies below it when it is a layer of ours."""
    layer = layer_of(function)
    return function if layer is None else layer.below


def _built_by(adapter: BaseAdapter, request: PreparedRequest, raw: HTTPResponse) -> Response:
    """Return what `adapter.build_response` returns."""
    builder = _builder(adapter)
    if not _builds_plainly(builder):
        return builder.build_response(request, raw)
    return built_plainly(builder, request, raw)


def built_plainly(builder: HTTPAdapter, request: PreparedRequest, raw: HTTPResponse) -> Response:
    """Return what `build_response` of requests returns, equal in everything, at 0.4 of the cost.

    Headers that urllib3 has told apart are not told apart again, and nobody looks for cookies where there are none.
    """
    if not _IS_OF_REQUESTS or isinstance(request.url, bytes):
        return BUILD_RESPONSE(builder, request, raw)
    response = new_response()
    response.status_code, response.reason, response.raw = raw.status, raw.reason, raw  # type: ignore[assignment]
    store = response.headers._store  # type: ignore[attr-defined]
    for name, entry in raw.headers._container.items():
        store[name] = (entry[0], entry[1] if len(entry) == 2 else ", ".join(entry[1:]))
    content_type = store.get("content-type")
    response.encoding = _encoding_of(content_type[1]) if content_type else None
    response.url = request.url  # type: ignore[assignment]
    if "set-cookie" in store or "set-cookie2" in store:
        extract_cookies_to_jar(response.cookies, request, raw)  # type: ignore[no-untyped-call]
    response.request = request
    response.connection = builder
    return response


@lru_cache(maxsize=64)
def _encoding_of(content_type: str) -> str | None:
    return get_encoding_from_headers(CaseInsensitiveDict({"content-type": content_type}))


@lru_cache(maxsize=1)
def _plain_adapter() -> HTTPAdapter:
    return HTTPAdapter()
