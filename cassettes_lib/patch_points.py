"""Patch points: the places in requests, urllib3 and the standard library that have a layer while a block is open.

Strategy: `HTTPAdapter.send` is where all of requests comes together, so a layer lies there (see `patches`). A class of
adapters whose `send` never gets there has a layer of its own, so that it is met wherever it is called from; one that
does get there is left to do its work, in replay as live. What is no class's method, a stub on an instance or an object
that merely looks like an adapter, is met in `Session.get_adapter` and wrapped for the one call. Sessions are never
touched. Who is in charge is for `ownership` to say; what goes around all this is for `guard` to stop.

Layers go in when a block opens and out when it closes. Only when threads, jobs or tasks outlive a block that replays
do its layers stay until the last of them has ended: what they ask must not go live.
"""

from __future__ import annotations

import functools
import sys
import threading
from abc import abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures.thread import ThreadPoolExecutor
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool

from cassettes_lib.carriers import set_up_async_test, start_thread, submit_job
from cassettes_lib.guard import SealedBlock, guard_urlopen
from cassettes_lib.lookups import LOOKUP_POINTS
from cassettes_lib.neighbours import (
    SESSION_SEND,
    answers_before_mock,
    disarm_for_mounted,
    mend_responses,
    mock_adapter_class,
)
from cassettes_lib.ownership import LiveCall, block_in_charge, owner
from cassettes_lib.patches import Layer, PatchPoint, lock
from cassettes_lib.sockets import SOCKET_POINTS
from cassettes_lib.transports import Lookalike, is_mock, needs_layer, transport_classes

Send = Callable[..., Response]


class CoveredBlock(SealedBlock):
    """A block that has layers in all these places, from `install` to `release`."""

    _points: tuple[PatchPoint, ...] = ()

    @abstractmethod
    def answer(
        self, below: Send, again: Send, adapter: Any, request: PreparedRequest,
        args: tuple[Any, ...], kwargs: dict[str, Any],
    ) -> Response:
        """Answer a request that this block is in charge of.

        Args:
            below: Sends it on, as `below(adapter, request, ...)`, when it goes live.
            again: Asks who is in charge anew, when it is handed on to the block around this one.
            adapter: The adapter that the request came to.
            request: The request.
            args: Further arguments of the adapter's `send`.
            kwargs: The same.
        """

    def install(self) -> None:
        """Put the layers in place; called under the lock."""
        self.number()
        _installed.append(self)
        for point in _points_for(self):
            self.enter_point(point)
        _notice_new_classes()

    def enter_point(self, point: PatchPoint) -> None:
        """Have a layer at a point until the end."""
        if point not in self._points:
            self._points = (*self._points, point)
            point.enter(self, self.serial)

    def release(self) -> None:
        """Take away the layers; called under the lock, at the end or when the last one that outlived it ends."""
        if self not in _installed:
            return
        _installed.remove(self)
        points, self._points = self._points, ()
        for point in reversed(points):
            point.leave(self)
            if not point.in_use:
                _transport_points.pop(point.owner, None)
                _session_points.pop(point.owner, None)
        mend_responses()
        if not _installed:
            _ignore_new_classes()


def installed_blocks() -> list[CoveredBlock]:
    """Return the blocks that have layers, in the order they were opened: the open ones, and those outlived."""
    return list(_installed)


def _send(layer: Layer, adapter: Any, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
    """What the `send` of an adapter does while a block is open."""
    block = block_in_charge() or _block_of_live_call(adapter, request)
    if isinstance(block, CoveredBlock) and block.serial >= layer.serial:
        return block.answer(layer.below, layer.function, adapter, request, args, kwargs)
    return layer.below(adapter, request, *args, **kwargs)  # type: ignore[no-any-return]


def _send_of_mock(layer: Layer, adapter: Any, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
    """What the `send` of requests_mock's adapter does while a block is open."""
    if answers_before_mock(layer):
        return _send(layer, adapter, request, *args, **kwargs)
    return layer.below(adapter, request, *args, **kwargs)  # type: ignore[no-any-return]


def _send_of_lookalike(adapter: Any, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
    block = block_in_charge() or _block_of_live_call(adapter, request)
    if isinstance(block, CoveredBlock):
        return block.answer(_send_by_instance, _send_of_lookalike, adapter, request, args, kwargs)
    return _send_by_instance(adapter, request, *args, **kwargs)


def _send_by_instance(adapter: Any, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
    return adapter.send(request, *args, **kwargs)  # type: ignore[no-any-return]


def _block_of_live_call(adapter: Any, request: PreparedRequest) -> CoveredBlock | None:
    """Return the block that is sending something else live, from within which this request is made.

    A generator that yields the body may make requests; they are as much the block's as any other. What is but a part
    of the live call, a wrapped adapter or `super().send`, has the same request or the same adapter.
    """
    call = owner.get()
    if isinstance(call, LiveCall) and call.running and call.is_beside(adapter, request):
        block = call.block
        return block if isinstance(block, CoveredBlock) and block.open else None
    return None


def _get_adapter(layer: Layer, session: Session, *args: Any, **kwargs: Any) -> Any:
    """What `get_adapter` of a session does while a block is open."""
    adapter = layer.below(session, *args, **kwargs)
    _HTTP_SEND.repair()
    kind = type(adapter)
    if kind is HTTPAdapter and adapter.__dict__.get("send") is None:
        return adapter
    own_send = getattr(adapter, "__dict__", {}).get("send")
    if is_mock(adapter) or is_mock(own_send):
        return adapter  # it is there to answer
    if own_send is None and issubclass(kind, BaseAdapter):
        _cover(kind)
        disarm_for_mounted(kind)
        return adapter
    return Lookalike(adapter, functools.partial(_send_of_lookalike, adapter))


def _cover(kind: type) -> None:
    """See to it that what a class of adapters sends is met, if it was made, or laid bare, while blocks are open."""
    for each in kind.__mro__:
        point = _transport_points.get(each)
        if point is not None:
            point.repair()
        elif needs_layer(each):
            _enter_all(_transport_point, each)


def _notice_transport(kind: type[Any], /, **options: Any) -> None:
    super(BaseAdapter, kind).__init_subclass__(**options)
    _cover(kind)


def _notice_session(kind: type[Any], /, **options: Any) -> None:
    super(Session, kind).__init_subclass__(**options)
    if "get_adapter" in kind.__dict__:
        _enter_all(_session_point, kind)


def _notice_new_classes() -> None:
    """Let the classes that are made from now on below `BaseAdapter` and `Session` have their layers, too."""
    for owner_of_hook, notice in ((BaseAdapter, _notice_transport), (Session, _notice_session)):
        if "__init_subclass__" not in owner_of_hook.__dict__:
            hooked: Any = owner_of_hook
            hooked.__init_subclass__ = classmethod(notice)


def _ignore_new_classes() -> None:
    for hooked in (BaseAdapter, Session):
        hook = hooked.__dict__.get("__init_subclass__")
        if getattr(getattr(hook, "__func__", None), "__module__", "") == __name__:
            del hooked.__init_subclass__


def _enter_all(find: Callable[[type], PatchPoint], kind: type) -> None:
    with lock:
        for block in _installed:
            block.enter_point(find(kind))


_HTTP_SEND = PatchPoint(HTTPAdapter, "send", _send)
_COMMON_POINTS = (
    _HTTP_SEND,
    PatchPoint(HTTPConnectionPool, "urlopen", guard_urlopen),
    PatchPoint(threading.Thread, "start", start_thread),
    PatchPoint(ThreadPoolExecutor, "submit", submit_job),
    *LOOKUP_POINTS,
    PatchPoint(Session, "get_adapter", _get_adapter),
)
# The points on classes that other people define exist as long as they are in use.
_transport_points: dict[type, PatchPoint] = {}
_session_points: dict[type, PatchPoint] = {}
_test_points: dict[type, PatchPoint] = {}
# The blocks that have layers, in the order they were opened: those that are open, and those that were outlived.
_installed: list[CoveredBlock] = []


def _points_for(block: CoveredBlock) -> list[PatchPoint]:
    points = list(_COMMON_POINTS)
    points += [_session_point(kind) for kind in _classes_below(Session, defining="get_adapter")]
    points += [_transport_point(kind) for kind in transport_classes()]
    mock_adapter = mock_adapter_class()
    if mock_adapter is not None:
        points += [SESSION_SEND, _transport_points.setdefault(
            mock_adapter, PatchPoint(mock_adapter, "send", _send_of_mock)
        )]
    points += _points_of_async_tests()
    if block.block_network:
        points += SOCKET_POINTS
    return points


def _points_of_async_tests() -> list[PatchPoint]:
    kind: Any = getattr(sys.modules.get("unittest.async_case"), "IsolatedAsyncioTestCase", None)
    if not hasattr(kind, "_callSetUp"):
        return []
    return [_test_points.setdefault(kind, PatchPoint(kind, "_callSetUp", set_up_async_test))]


def _transport_point(kind: type) -> PatchPoint:
    return _transport_points.setdefault(kind, PatchPoint(kind, "send", _send))


def _session_point(kind: type) -> PatchPoint:
    return _session_points.setdefault(kind, PatchPoint(kind, "get_adapter", _get_adapter))


def _classes_below(kind: type, *, defining: str) -> Iterator[type]:
    below: list[type] = kind.__subclasses__()
    for each in below:
        if defining in each.__dict__:
            yield each
        yield from _classes_below(each, defining=defining)
