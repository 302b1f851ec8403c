"""Interception: routes every requests call through the cassette in charge of it, and leaves no trace afterwards.

Strategy: `HTTPAdapter.send` is where all of requests comes together, so a layer lies there while a block is open (see
`patches`). A class of adapters whose `send` never gets there has a layer of its own, so that it is met wherever it
is called from; one that does get there is left to do its work, in replay as live. What is no class's method, a stub
on an instance or an object that merely looks like an adapter, is met in `Session.get_adapter` and wrapped for the one
call. Sessions are never touched. Who is in charge is for `ownership` to say; what goes around all this is for `guard`
to stop.

Patches go in when a block opens and out when it closes. Only when threads, jobs or tasks outlive a block that
replays do its layers stay until the last of them has ended: what they ask must not go live.
"""

from __future__ import annotations

import functools
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.thread import ThreadPoolExecutor
from typing import Any

from requests import PreparedRequest, Response, Session
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.connectionpool import HTTPConnectionPool

from cassettes_lib.adapter import exchange
from cassettes_lib.broker import Broker
from cassettes_lib.carriers import start_thread, submit_job
from cassettes_lib.errors import InteractionNotFoundError
from cassettes_lib.guard import SealedBlock, guard_urlopen
from cassettes_lib.neighbours import SESSION_SEND, answers_before_mock, mock_adapter_class, warn_of_shadows
from cassettes_lib.ownership import Follower, LiveCall, block_in_charge, blocks_of, owner
from cassettes_lib.passthrough import Passthrough, PassthroughRule
from cassettes_lib.patches import Layer, PatchPoint, lock
from cassettes_lib.places import calling_place, warn_caller
from cassettes_lib.sockets import SOCKET_POINTS
from cassettes_lib.transports import Lookalike, needs_layer, on_urllib3, transport_classes

Send = Callable[..., Response]
_OPTIONS = ("stream", "timeout", "verify", "cert", "proxies")
_FORK_PATIENCE = 10.0  # seconds


class Interception(SealedBlock):
    """Puts a Broker in charge of the requests of the contexts that enter it.

    Blocks may be nested, and left in any order and from any thread or task.

    Attributes:
        broker: Answers the requests.
        blocked: The `NetworkBlockedError`s that were raised for this block, in order, those after its end included.
    """

    def __init__(
        self,
        broker: Broker,
        name: str = "",
        *,
        passthrough: Iterable[PassthroughRule] = (),
        block_network: bool = False,
        allow_network: Iterable[str] = (),
        preserve_exact_body_bytes: bool = False,
    ) -> None:
        """Prepare; nothing is routed before `start`.

        Args:
            broker: Answers the requests.
            name: What messages call the cassette.
            passthrough: Hosts, as patterns, and functions of an InteractionRequest: which requests are handed on to
                the block around this one, or sent live, neither matched nor recorded.
            block_network: Stop every socket that would leave this machine, whoever opens it. What the Broker
                sends live itself, to record it, and what passes through is excepted.
            allow_network: Patterns of hosts that `block_network` leaves open.
            preserve_exact_body_bytes: Record bodies as they came, encoded as `Content-Encoding` says.

        Raises:
            TypeError, ValueError: A rule of `passthrough` is neither a host nor a function.
        """
        super().__init__(name, seals=broker.mode == "replay", block_network=block_network, allow_network=allow_network)
        self.broker = broker
        self._passthrough = Passthrough(passthrough)
        self._preserve_exact_body_bytes = preserve_exact_body_bytes
        self._points: list[PatchPoint] = []

    def start(self) -> None:
        """Put the Broker in charge of this context and of what follows it."""
        try:
            with lock:
                self.number()
                _installed.append(self)
                for point in _points_for(self):
                    self.enter_point(point)
                _notice_new_transports()
                self.enter_context()
        except BaseException:
            self.stop()
            raise
        warn_of_shadows(self.name)

    def stop(self) -> None:
        """Take the Broker out of charge. Harmless when repeated.

        Warns:
            RuntimeWarning: Threads, jobs or tasks that began inside have not ended.
        """
        with lock:
            if self.open:
                self.leave_context()
                self._follow_tasks()
            late = self.late_followers(grace=0.01)
            if not (self.seals and self.followers):
                self.release()
        if late:
            self._warn_of(late)

    def enter_point(self, point: PatchPoint) -> None:
        """Have a layer at a point until the end."""
        if point not in self._points:
            point.enter(self, self.serial)
            self._points.append(point)

    def release(self) -> None:
        """Take away the layers; called under the lock, by `stop` or when the last one that outlived the block ends."""
        if self not in _installed:
            return
        _installed.remove(self)
        while self._points:
            point = self._points.pop()
            point.leave(self)
            if not point.in_use:
                _transport_points.pop(point.owner, None)
                _session_points.pop(point.owner, None)
        if not _installed and "__init_subclass__" in BaseAdapter.__dict__:
            del BaseAdapter.__init_subclass__

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

        Raises:
            NetworkBlockedError: The block was left; this is from a thread, job or task that outlived it.
            InteractionNotFoundError: A miss; its `caller` says where the request was made.
        """
        if not self.open:
            raise self.refuse_request(request.method, request.url)
        if self._passthrough and self._passthrough.lets_pass(request):
            return self._hand_on(below, again, adapter, request, args, kwargs)
        options = {**dict(zip(_OPTIONS, args, strict=False)), **kwargs} if args else kwargs
        try:
            return exchange(
                self.broker, adapter, request, functools.partial(self._send_live, below), options,
                preserve_exact_body_bytes=self._preserve_exact_body_bytes,
            )
        except InteractionNotFoundError as error:
            error.caller = error.caller or calling_place()
            raise

    def _send_live(self, below: Send, adapter: Any, request: PreparedRequest, **options: Any) -> Response:
        with LiveCall(self):
            return on_urllib3(below(adapter, request, **options))

    def _hand_on(
        self, below: Send, again: Send, adapter: Any, request: PreparedRequest,
        args: tuple[Any, ...], kwargs: dict[str, Any],
    ) -> Response:
        outer = self.outer
        if outer is None:
            with LiveCall(self):
                return below(adapter, request, *args, **kwargs)
        token = owner.set(outer)
        try:
            return again(adapter, request, *args, **kwargs)
        finally:
            owner.reset(token)

    def _follow_tasks(self) -> None:
        """Let the tasks that began inside and go on be followers; Python tells since 3.12."""
        asyncio = sys.modules.get("asyncio")
        if asyncio is None or sys.version_info < (3, 12) or asyncio._get_running_loop() is None:
            return
        current = asyncio.current_task()
        for task in asyncio.all_tasks():
            found = task.get_context().get(owner)
            if task is not current and self in blocks_of(found):
                follower = Follower(f"the task {task.get_name()!r}, running {_name_of(task.get_coro())}")
                follower.follow(found)
                task.add_done_callback(lambda _, follower=follower: follower.end())

    def _warn_of(self, late: list[Follower]) -> None:
        fate = "is stopped" if self.seals else "goes live and is not recorded"
        warn_caller(
            f"the block of the cassette {self.name} was left before what began inside of it had ended: "
            f"{'; '.join(each.what for each in late)}. What they ask from now on {fate}. Wait for them before leaving "
            "the block; what is to live on is better begun before it"
        )


def _name_of(coroutine: object) -> str:
    return str(getattr(coroutine, "__qualname__", type(coroutine).__name__))


def _send(layer: Layer, adapter: Any, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
    """What the `send` of an adapter does while a block is open."""
    block = block_in_charge()
    if isinstance(block, Interception) and block.serial >= layer.serial:
        return block.answer(layer.below, layer.function, adapter, request, args, kwargs)
    return layer.below(adapter, request, *args, **kwargs)  # type: ignore[no-any-return]


def _send_of_mock(layer: Layer, adapter: Any, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
    """What the `send` of requests_mock's adapter does while a block is open."""
    if answers_before_mock(layer):
        return _send(layer, adapter, request, *args, **kwargs)
    return layer.below(adapter, request, *args, **kwargs)  # type: ignore[no-any-return]


def _send_of_lookalike(adapter: Any, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
    block = block_in_charge()
    if isinstance(block, Interception):
        return block.answer(_send_by_instance, _send_of_lookalike, adapter, request, args, kwargs)
    return _send_by_instance(adapter, request, *args, **kwargs)


def _send_by_instance(adapter: Any, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
    return adapter.send(request, *args, **kwargs)  # type: ignore[no-any-return]


def _get_adapter(layer: Layer, session: Session, *args: Any, **kwargs: Any) -> Any:
    """What `get_adapter` of a session does while a block is open."""
    adapter = layer.below(session, *args, **kwargs)
    _HTTP_SEND.repair()
    kind = type(adapter)
    if "send" not in getattr(adapter, "__dict__", ()) and issubclass(kind, BaseAdapter):
        if kind is not HTTPAdapter:
            _cover(kind)
        return adapter
    if isinstance(adapter, Lookalike):
        return adapter
    return Lookalike(adapter, functools.partial(_send_of_lookalike, adapter))


def _cover(kind: type) -> None:
    """See to it that what a class of adapters sends is met, if it was made, or laid bare, while blocks are open."""
    for each in kind.__mro__:
        point = _transport_points.get(each)
        if point is not None:
            point.repair()
        elif needs_layer(each):
            with lock:
                for block in _installed:
                    block.enter_point(_transport_point(each))


def _notice_new_transports() -> None:
    def notice(kind: type[Any], /, **options: Any) -> None:
        super(BaseAdapter, kind).__init_subclass__(**options)
        _cover(kind)

    base: Any = BaseAdapter
    base.__init_subclass__ = classmethod(notice)


_HTTP_SEND = PatchPoint(HTTPAdapter, "send", _send)
_COMMON_POINTS = (
    _HTTP_SEND,
    PatchPoint(HTTPConnectionPool, "urlopen", guard_urlopen),
    PatchPoint(threading.Thread, "start", start_thread),
    PatchPoint(ThreadPoolExecutor, "submit", submit_job),
)
# The points on classes that other people define exist as long as they are in use.
_transport_points: dict[type, PatchPoint] = {}
_session_points: dict[type, PatchPoint] = {}
# The blocks that have layers, in the order they were opened: those that are open, and those that were outlived.
_installed: list[Interception] = []


def _points_for(block: Interception) -> list[PatchPoint]:
    points = list(_COMMON_POINTS)
    points += [_session_point(kind) for kind in _classes_defining("get_adapter", Session)]
    points += [_transport_point(kind) for kind in transport_classes()]
    mock_adapter = mock_adapter_class()
    if mock_adapter is not None:
        points += [SESSION_SEND, _transport_points.setdefault(
            mock_adapter, PatchPoint(mock_adapter, "send", _send_of_mock)
        )]
    if block.block_network:
        points += SOCKET_POINTS
    return points


def _transport_point(kind: type) -> PatchPoint:
    return _transport_points.setdefault(kind, PatchPoint(kind, "send", _send))


def _session_point(kind: type) -> PatchPoint:
    return _session_points.setdefault(kind, PatchPoint(kind, "get_adapter", _get_adapter))


def _classes_defining(name: str, kind: type) -> Iterator[type]:
    if name in kind.__dict__:
        yield kind
    below: list[type] = kind.__subclasses__()
    for each in below:
        yield from _classes_defining(name, each)


# A forked child has one thread: whatever the others were in the middle of stays so, and a lock that one of them held
# stays locked. So nobody is in the middle of anything here, or in a Broker, while the process forks.
_held: list[Any] = []


def _before_fork() -> None:
    # The Brokers first: who holds a Broker's lock may want ours, to start a thread while saving, but not vice versa.
    wanted = [*(each.broker._lock for each in _installed), lock]
    _held.extend(each for each in wanted if each.acquire(timeout=_FORK_PATIENCE))


def _after_fork() -> None:
    while _held:
        _held.pop().release()


def _after_fork_in_child() -> None:
    _after_fork()
    current = threading.current_thread()
    for block in _installed:
        for follower in list(block.followers):
            if follower.thread is not current:
                follower.end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork_in_child
    )
