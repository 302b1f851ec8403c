"""Routes every requests call of the process through the cassette in charge of it.

Strategy: a layer on the class attribute `HTTPAdapter.send`, put there when the first cassette opens and taken away
when the last one closes; sessions are never touched. The cassette in charge of a call is the innermost one entered by
the same context, else the only one open in the process.
"""

from __future__ import annotations

import threading
from contextvars import ContextVar
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from cassettes_lib.adapter import exchange
from cassettes_lib.broker import Broker
from cassettes_lib.errors import AmbiguousCassetteError

_lock = threading.Lock()
_open: list[Interception] = []
_entered: ContextVar[tuple[Interception, ...]] = ContextVar("cassettes_lib_entered", default=())
_in_live_call: ContextVar[bool] = ContextVar("cassettes_lib_in_live_call", default=False)
_real_send = HTTPAdapter.send


class Interception:
    """Puts a Broker in charge of the requests of the contexts that enter it; `start` and `stop` may nest freely."""

    def __init__(self, broker: Broker, name: str, *, preserve_exact_body_bytes: bool = False) -> None:
        """Prepare; nothing is routed before `start`.

        Args:
            broker: Answers the requests.
            name: What messages call the cassette.
            preserve_exact_body_bytes: Record bodies as they came, encoded as `Content-Encoding` says.
        """
        self.preserve_exact_body_bytes = preserve_exact_body_bytes
        self.broker = broker
        self.name = name

    def start(self) -> None:
        """Put the Broker in charge."""
        global _real_send
        with _lock:
            if not _open:
                _real_send = HTTPAdapter.send
                HTTPAdapter.send = _send  # type: ignore[method-assign, assignment]
            _open.append(self)
        _entered.set((*_entered.get(), self))

    def stop(self) -> None:
        """Take the Broker out of charge."""
        _entered.set(tuple(each for each in _entered.get() if each is not self))
        with _lock:
            _open.remove(self)
            if not _open:
                HTTPAdapter.send = _real_send  # type: ignore[method-assign]


def _in_charge() -> Interception | None:
    alive = [each for each in _entered.get() if each in _open]
    if alive:
        return alive[-1]
    candidates = list(_open)
    if len(candidates) > 1:
        names = ", ".join(each.name for each in candidates)
        raise AmbiguousCassetteError(f"this thread belongs to none of the open cassettes: {names}")
    return candidates[0] if candidates else None


def _send(adapter: HTTPAdapter, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
    interception = None if _in_live_call.get() else _in_charge()
    if interception is None:
        return _real_send(adapter, request, *args, **kwargs)
    options = dict(zip(("stream", "timeout", "verify", "cert", "proxies"), args, strict=False)) | kwargs
    return exchange(
        interception.broker, adapter, request, _send_live, options,
        preserve_exact_body_bytes=interception.preserve_exact_body_bytes,
    )


def _send_live(adapter: HTTPAdapter, request: PreparedRequest, **options: Any) -> Response:
    token = _in_live_call.set(True)
    try:
        return _real_send(adapter, request, **options)
    finally:
        _in_live_call.reset(token)
