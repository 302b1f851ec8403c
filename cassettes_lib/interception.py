"""Interception: puts a Broker in charge of the requests of the contexts that enter its block.

Strategy: `patch_points` brings a request here, `ownership` has said that this block is in charge of it. It is handed on
when a rule of `passthrough` says so; else the Broker answers, and what it sends live goes to what lies below our
layer, with nobody in charge meanwhile.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable
from typing import Any

from requests import PreparedRequest, Response

from cassettes_lib.adapter import exchange
from cassettes_lib.broker import Broker
from cassettes_lib.callers import calling_place, warn_caller
from cassettes_lib.errors import InteractionNotFoundError
from cassettes_lib.forks import take_part_in_forks
from cassettes_lib.models import InteractionRequest
from cassettes_lib.neighbours import warn_of_shadows
from cassettes_lib.ownership import Follower, LiveCall, blocks_of, owner
from cassettes_lib.passthrough import Passthrough, PassthroughRule
from cassettes_lib.patch_points import CoveredBlock, Send
from cassettes_lib.patches import lock
from cassettes_lib.uploads import Upload

_OPTIONS = ("stream", "timeout", "verify", "cert", "proxies")


class Interception(CoveredBlock):
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
        self._lock_of_broker = broker.locks[0]
        self._passthrough = Passthrough(passthrough)
        self._preserve_exact_body_bytes = preserve_exact_body_bytes
        self._tasks_before: frozenset[Any] = frozenset()

    def start(self) -> None:
        """Put the Broker in charge of this context and of what follows it.

        Warns:
            CassetteWarning: requests is replaced by a mock, which will answer in place of the cassette.
        """
        if self.open:
            raise RuntimeError(f"the block of the cassette {self.name} is open already")
        warn_of_shadows(self.name)
        try:
            with lock:
                self.install()
                self._tasks_before = frozenset(_tasks())
                self.enter_context()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Take the Broker out of charge. Harmless when repeated.

        Warns:
            CassetteWarning: Threads, jobs or tasks that began inside have not ended.
        """
        late: list[Follower] = []
        with lock:
            try:
                if self.open:
                    self.leave_context()
                    self._follow_tasks()
                late = self.late_followers(grace=0.01)
            finally:
                if not (self.seals and self.followers):
                    self.release()
        if late:
            self._warn_of(late)

    def answer(
        self, below: Send, again: Send, adapter: Any, request: PreparedRequest,
        args: tuple[Any, ...], kwargs: dict[str, Any],
    ) -> Response:
        """Answer a request that this block is in charge of, or hand it on.

        Raises:
            NetworkBlockedError: The block was left; this is from a thread, job or task that outlived it.
            InteractionNotFoundError: A miss; its `caller` says where the request was made.
        """
        if self._passthrough and self.lets_pass(request.url or "", Upload(request).request_before_sending):
            return self._hand_on(below, again, adapter, request, args, kwargs)
        if not self.open:
            raise self.refuse_request(request.method, request.url)
        if self._is_the_brokers_own():
            return self._send_live(below, adapter, request, *args, **kwargs)
        options = {**dict(zip(_OPTIONS, args, strict=False)), **kwargs} if args else kwargs
        try:
            return exchange(
                self.broker, adapter, request, functools.partial(self._send_live, below), options,
                preserve_exact_body_bytes=self._preserve_exact_body_bytes,
            )
        except InteractionNotFoundError as error:
            error.caller = error.caller or calling_place()
            raise

    def _is_the_brokers_own(self) -> bool:
        """Whether this thread is inside of the Broker: then a store is at work that uses requests itself."""
        return bool(self._lock_of_broker._is_owned())

    def _send_live(self, below: Send, adapter: Any, request: PreparedRequest, *args: Any, **options: Any) -> Response:
        with LiveCall(self, adapter, request):
            return below(adapter, request, *args, **options)

    def lets_pass(self, url: str, request: Callable[[], InteractionRequest]) -> bool:
        """Tell whether a rule of `passthrough` hands a request on."""
        return bool(self._passthrough) and self._passthrough.lets_pass(url, request)

    def shown(self, request: InteractionRequest) -> InteractionRequest:
        """Return a request as messages may show it."""
        return super().shown(self.broker.without_secrets(request))

    def locks(self) -> list[Any]:
        """Return the locks that must be free when the process forks."""
        return [*self.broker.locks]

    def _hand_on(
        self, below: Send, again: Send, adapter: Any, request: PreparedRequest,
        args: tuple[Any, ...], kwargs: dict[str, Any],
    ) -> Response:
        outer = self.outer
        if outer is None:
            return self._send_live(below, adapter, request, *args, **kwargs)
        token = owner.set(outer)
        try:
            return again(adapter, request, *args, **kwargs)
        finally:
            owner.reset(token)

    def _follow_tasks(self) -> None:
        """Let the tasks that began inside and go on be followers.

        Before Python 3.12 a task does not tell its context. Then all that began meanwhile are watched and none is
        named: which of them belong to the block shows when they ask for something.
        """
        for task in _tasks() - self._tasks_before:
            if sys.version_info < (3, 12):
                follower = Follower("")
            elif self in blocks_of(task.get_context().get(owner)):
                follower = Follower(f"the task {task.get_name()!r}, running {_name_of(task.get_coro())}")
            else:
                continue
            follower.follow(self)
            task.add_done_callback(lambda _, follower=follower: follower.end())

    def _warn_of(self, late: list[Follower]) -> None:
        fate = "is stopped" if self.seals else "goes live and is not recorded"
        warn_caller(
            f"the block of the cassette {self.name} was left before what began inside of it had ended: "
            f"{'; '.join(each.what for each in late)}. What they ask from now on {fate}. Wait for them before leaving "
            "the block; what is to live on is better begun before it"
        )


def _tasks() -> set[Any]:
    """Return the tasks of the loop that is running here, except the current one."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or asyncio._get_running_loop() is None:
        return set()
    return set(asyncio.all_tasks()) - {asyncio.current_task()}


def _name_of(coroutine: object) -> str:
    return str(getattr(coroutine, "__qualname__", type(coroutine).__name__))


take_part_in_forks()
