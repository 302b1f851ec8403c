"""The guard: what finds its way around the cassette in charge, past `HTTPAdapter.send`, is stopped before a socket.

Strategy: requests reaches the network through urllib3's `HTTPConnectionPool.urlopen` only, so the guard sits there. It
lets pass what a block sends live itself, and what is not from requests at all: urllib3 has other users, and their
traffic is not ours. A call is from requests when on its stack there is a function whose first argument is a transport
adapter, as `HTTPAdapter.send` is. (The pool does not tell whose it is, and a context variable would have to be
set by the very functions that were gone around.) Walking the stack costs a microsecond per frame, and only for calls
that are about to use the network anyway.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from requests.adapters import BaseAdapter

from cassettes_lib.callers import calling_place, warn_caller
from cassettes_lib.errors import NetworkBlockedError
from cassettes_lib.models import InteractionRequest
from cassettes_lib.ownership import Block, block_in_charge, in_live_call

if TYPE_CHECKING:
    from urllib3.connectionpool import HTTPConnectionPool

    from cassettes_lib.patches import Layer


class SealedBlock(Block):
    """A block that keeps an account of what was stopped in it, and says which hosts its sockets may reach.

    Attributes:
        block_network: Whether its sockets are stopped, too.
        allow_network: Patterns of the hosts that they may reach nevertheless.
        blocked: The errors that were raised, in order.
    """

    def __init__(self, name: str, *, seals: bool, block_network: bool, allow_network: Iterable[str]) -> None:
        super().__init__(name, seals=seals)
        self.block_network = block_network
        self.allow_network = tuple(pattern.lower() for pattern in allow_network)
        self.allowed_addresses: set[str] = set()
        self.blocked: list[NetworkBlockedError] = []

    def lets_pass(self, url: str, request: Callable[[], InteractionRequest]) -> bool:
        """Tell whether a request is none of this block's business; `request` makes its value."""
        return False

    def shown(self, request: InteractionRequest) -> InteractionRequest:
        """Return a request as messages may show it."""
        return request.model_copy(update={"url": without_userinfo(request.url)})

    def locks(self) -> list[Any]:
        """Return the locks that must be free when the process forks."""
        return []

    def refuse(self, request: InteractionRequest | None, what: str, why: str) -> NetworkBlockedError:
        """Return the error for something that was about to reach the network, and note it down."""
        place = calling_place()
        error = NetworkBlockedError(
            f"{what}{f' at {place}' if place else ''} was about to reach the network: {why}",
            request=request, caller=place,
        )
        self.blocked.append(error)
        return error

    def refuse_request(self, method: str | None, url: str | None) -> NetworkBlockedError:
        """Return the error for a request that this block, open or closed, does not let pass."""
        shown = self.shown(InteractionRequest(method=method or "GET", url=url or ""))
        if self.open:
            why = (
                f"it went around the cassette {self.name}, which is in charge and replays. Requests do so through a "
                "reference to HTTPAdapter.send that was kept from before the block (`responses` keeps one for its "
                "passthru), or through an adapter that opens its connections itself. Send it through a session; or "
                "name its host in passthrough="
            )
        else:
            why = (
                f"what it belongs to was begun inside of the cassette {self.name} and has outlived its block, which "
                "has been left. Wait for the thread, job or task before leaving the block (join it); if it is to "
                "live on, begin it before the block"
            )
        return self.refuse(shown, f"{shown.method} {shown.url}", why)


def without_userinfo(url: str) -> str:
    """Return a URL without the name and the password it may carry."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def guard_urlopen(layer: Layer, pool: HTTPConnectionPool, *args: Any, **kwargs: Any) -> Any:
    """What `HTTPConnectionPool.urlopen` does while a block is open."""
    if not in_live_call() and _is_from_requests(sys._getframe(2)):
        method = args[0] if args else kwargs.get("method")
        url = _url_of(pool, args[1] if len(args) > 1 else kwargs.get("url", ""))
        block = _block_to_ask(method, url)
        if block is not None:
            if block.seals or not block.open:
                raise block.refuse_request(method, url)
            shown = block.shown(InteractionRequest(method=method or "GET", url=url))
            warn_caller(
                f"{method} {shown.url} goes around the cassette {block.name}, live and not recorded: "
                "through a reference to HTTPAdapter.send that was kept from before the block, or an adapter that opens "
                "its connections itself. A replay will stop it"
            )
    return layer.below(pool, *args, **kwargs)


def _block_to_ask(method: str | None, url: str) -> SealedBlock | None:
    """Return the innermost block in charge that does not let a request pass."""
    block = block_in_charge()
    while isinstance(block, SealedBlock):
        if not block.lets_pass(url, lambda: InteractionRequest(method=method or "GET", url=url)):
            return block
        block = block.outer
    return None


def _url_of(pool: HTTPConnectionPool, target: str) -> str:
    if "://" in target:
        return target
    host = f"[{pool.host}]" if ":" in pool.host else pool.host
    return f"{pool.scheme}://{host}{f':{pool.port}' if pool.port else ''}{target}"


def _is_from_requests(frame: FrameType | None) -> bool:
    while frame is not None:
        code = frame.f_code
        if code.co_argcount and isinstance(frame.f_locals.get(code.co_varnames[0]), BaseAdapter):
            return True
        frame = frame.f_back
    return False
