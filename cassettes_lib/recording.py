"""`use_cassette`: the composition root. It puts options, a place for the cassette, and sessions together.

Strategy: the object it returns holds nothing but what was written in the code; each entry and each call makes a session
of its own. So it can be used again, from several threads, and while it is in use.
"""

from __future__ import annotations

import functools
import inspect
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self, TypeVar, Unpack, cast, overload

from cassettes_lib.broker import DEFAULT_REDACTOR, BeforeRecord, BeforeReplay, Broker, CassetteStore
from cassettes_lib.matching import DEFAULT_MATCH_ON, MatchOn
from cassettes_lib.modes import CassetteMode
from cassettes_lib.options import (
    CassetteOptions,
    OnExpired,
    OnUnused,
    Options,
    checked_options,
    checked_path,
    refuse_unknown,
)
from cassettes_lib.ownership import here
from cassettes_lib.passthrough import PassthroughRule
from cassettes_lib.plans import Place
from cassettes_lib.redaction import Redactor
from cassettes_lib.remote_urls import is_remote
from cassettes_lib.session import CassetteSession
from cassettes_lib.stores import JsonFileCassetteStore

_Function = TypeVar("_Function", bound=Callable[..., Any])
_Target = TypeVar("_Target", bound="Callable[..., Any] | staticmethod[Any, Any] | classmethod[Any, Any, Any]")


class UseCassette:
    """What `use_cassette` returns: a context manager and a decorator, to be used any number of times, and at once."""

    def __init__(self, path: str | None, options: Options) -> None:
        """Keep what was written in the code; see `use_cassette`."""
        self._path = path
        self._options = options
        self._lock = threading.Lock()
        self._entered: list[tuple[object, CassetteSession]] = []

    def __repr__(self) -> str:
        return f"<use_cassette {self._path or self._options.store or 'of the decorated test'}>"

    def __enter__(self) -> Broker:
        """Load the cassette and put its Broker in charge of the requests of this context.

        Raises:
            CassetteLoadError: The cassette is missing where the mode does not record, or is damaged.
            ValueError: `CASSETTES_MODE` is not the name of a mode.
        """
        session = CassetteSession(self._place_given, self._options)
        broker = session.start()
        with self._lock:
            self._entered.append((here(), session))
        return broker

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the Broker out of charge, and raise what the block swallowed.

        Raises:
            InteractionNotFoundError: A miss is still in `broker.misses`, and the block raised nothing else.
            UnusedInteractionsError: Interactions were not asked for, and `on_unused="error"`.
        """
        self._last_entered().end(error)

    async def __aenter__(self) -> Broker:
        """See `__enter__`."""
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """See `__exit__`."""
        self._last_entered().end(error)

    def __call__(self, target: _Target) -> _Target:
        """Decorate a function, a method or a class; see `use_cassette`.

        Raises:
            TypeError: The target is none of these, or a class without tests.
        """
        from cassettes_lib.decorating import cover_tests_of, decorate_tests_of, decorated, is_test_case

        if not isinstance(target, type):
            decoration: _Target = decorated(target, self._session_of_call)
            return decoration
        if is_test_case(target):
            cover_tests_of(target, self._session_of_test)
        else:
            decorate_tests_of(target, self._session_of_call_in_class)
        return target

    def _last_entered(self) -> CassetteSession:
        """Take the session entered last off the list: the last one of this thread and task, or else of all."""
        now = here()
        with self._lock:
            positions = [at for at, (where, _) in enumerate(self._entered) if where == now]
            return self._entered.pop(positions[-1] if positions else -1)[1]

    def session_at(self, find_path: Callable[[], Path], *, part: str = "", fails: bool = False) -> CassetteSession:
        """Return a session whose file is told when it starts, unless a path or a store was given.

        Args:
            find_path: Tells the file.
            part: The name of the block among those that share a path or a store that was given; see `CassetteSession`.
            fails: Whether the block is expected to fail.
        """
        if self._has_place:
            return CassetteSession(self._place_given, self._options, part=part, fails=fails)
        return CassetteSession(lambda: _file_place(find_path()), self._options, fails=fails)

    def session_of_test(self, case: Any, find_path: Callable[[], Path]) -> CassetteSession:
        """Return the session of a test.

        Args:
            case: The instance of the TestCase.
            find_path: Tells its file.
        """
        from cassettes_lib.decorating import expects_failure

        name = case._testMethodName
        fails = expects_failure(case, getattr(case, name, None))
        return self.session_at(find_path, part=f"{type(case).__module__}.{type(case).__qualname__}.{name}", fails=fails)

    def _session_of_call(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], *, fails: bool
    ) -> CassetteSession:
        return self.session_at(lambda: _path_of_call(function, arguments), fails=fails)

    def _session_of_call_in_class(
        self, function: Callable[..., Any], arguments: tuple[Any, ...], *, fails: bool
    ) -> CassetteSession:
        part = f"{function.__module__}.{function.__qualname__}"
        return self.session_at(lambda: _path_of_call(function, arguments), part=part, fails=fails)

    def _session_of_test(self, case: Any) -> CassetteSession:
        from cassettes_lib.cassette_paths import path_of_test

        return self.session_of_test(case, lambda: path_of_test(type(case), case._testMethodName))

    @property
    def _has_place(self) -> bool:
        return self._path is not None or self._options.store is not None

    def _place_given(self) -> Place:
        given = self._options.store
        if given is not None:
            return Place(given, str(getattr(given, "path", "")) or type(given).__name__, None)
        if self._path is None:
            raise TypeError(
                "a with block has no name to call a cassette by; give it a path: use_cassette('cassettes/orders.json')"
            )
        if is_remote(self._path):
            from cassettes_lib.remote_store import FsspecCassetteStore

            store = FsspecCassetteStore(self._path)
            return Place(store, store.url, None)
        return _file_place(self._path)


class _ToBeCalled:
    """A function that says what is missing when it is entered without having been called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self._function = function
        signature = inspect.signature(function)
        known = [each for each in signature.parameters.values() if each.kind is not inspect.Parameter.VAR_KEYWORD]
        self.__signature__ = signature.replace(parameters=known)  # for `help`: without what catches wrong keywords

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._function(*args, **kwargs)

    def __get__(self, instance: object, owner: type | None = None) -> Self:
        return self  # having this method makes it a function for `help`

    def __reduce__(self) -> str:
        return self._function.__qualname__

    def __enter__(self) -> NoReturn:
        name = self._function.__name__
        raise TypeError(f"{name} is to be called: with {name}('cassettes/orders.json'): ...")

    def __exit__(self, *exception: object) -> None: ...

    async def __aenter__(self) -> NoReturn:
        self.__enter__()

    async def __aexit__(self, *exception: object) -> None: ...


def _to_be_called(function: _Function) -> _Function:
    return cast(_Function, _ToBeCalled(function))


@overload
def use_cassette(function: _Target, /, **options: Unpack[CassetteOptions]) -> _Target: ...
@overload
def use_cassette(
    path: str | os.PathLike[str] | None = None, **options: Unpack[CassetteOptions]
) -> UseCassette: ...
@_to_be_called
def use_cassette(
    path: Any = None,
    *,
    mode: CassetteMode | None = None,
    store: CassetteStore | None = None,
    match_on: MatchOn = DEFAULT_MATCH_ON,
    redact: Redactor | None = DEFAULT_REDACTOR,
    placeholders: Mapping[str, Any] | None = None,
    before_record: BeforeRecord | None = None,
    before_replay: BeforeReplay | None = None,
    allow_playback_repeats: bool = False,
    record_failures: bool = False,
    preserve_exact_body_bytes: bool = False,
    on_unused: OnUnused = "ignore",
    passthrough: PassthroughRule | Iterable[PassthroughRule] = (),
    block_network: bool = False,
    allow_network: Iterable[str] = (),
    max_age: timedelta | None = None,
    on_expired: OnExpired = "warn",
    tape: bool | int = True,
    **unknown: Any,
) -> Any:
    """Record the requests of a block, a function or a class of tests on a cassette, and replay them when it runs again.

    A context manager (`with`, `async with`), and a decorator of functions (plain, `async def`, generators),
    methods and classes; each entry, call or test is a session of its own. On a class, each test is covered from
    before `setUp` to after its last cleanup, and has a file of its own unless a path or store is given. It works
    bare, too: `@use_cassette`.

    Args:
        path: The file of the cassette, or a URL such as `s3://bucket/x.json`, which needs the extra `fsspec`. None in a
            decorator: `cassettes/<module>/<Class>.<method>.json` beside the source file of the test.
        mode: `once` (the default: replay a complete cassette, else record), `replay`, `auto` (replay, and record what
            is new) or `record` (anew). The environment's `CASSETTES_MODE` overrides; under CI only `record` records.
        store: Keeps the cassette, in place of a file.
        match_on: Names of matchers, or functions from a request to a hashable key.
        redact: Keeps secrets off the cassette, with more rules than the default ones; None switches that off.
        placeholders: Names that stand on the cassette for values: `{"<API_KEY>": key}`.
        before_record: Changes an interaction before it is stored; None from it: do not store.
        before_replay: Changes an interaction before it is replayed.
        allow_playback_repeats: Answer with the last equal interaction again once all are used up.
        record_failures: Record exceptions of the transport, too.
        preserve_exact_body_bytes: Store compressed bodies as they came over the wire.
        on_unused: What to do about interactions that nobody asked for: `ignore`, `warn` or `error`.
        passthrough: Hosts, patterns of hosts (`*.internal`) and functions of a request: sent live, not recorded.
        block_network: Stop every socket that would leave this machine, whoever opens it, but for what is sent live to
            be recorded and what passes through.
        allow_network: Patterns of hosts that `block_network` leaves open.
        max_age: How old interactions may be.
        on_expired: What to do when some are older: `warn` and replay them, raise an `error`, or `record` the cassette
            anew; where nothing may be recorded, that means that they are not replayed.
        tape: Whether an exception that leaves the block gets a note with the last 10 interactions; a number: with so
            many.

    Raises:
        ImportError: The path is a URL, and the extra `fsspec` is not installed.
        TypeError: An unknown option, a value of a wrong type, or both path and store.
        ValueError: An unknown mode, matcher or word; the text names the right ones.

    Example:
        with use_cassette("cassettes/orders.json") as broker:
            requests.get("https://api.example.com/orders")
    """
    if unknown:
        refuse_unknown(unknown)
    options = checked_options({
        "mode": mode, "store": store, "match_on": match_on, "redact": redact, "placeholders": placeholders,
        "before_record": before_record, "before_replay": before_replay,
        "allow_playback_repeats": allow_playback_repeats, "record_failures": record_failures,
        "preserve_exact_body_bytes": preserve_exact_body_bytes, "on_unused": on_unused, "passthrough": passthrough,
        "block_network": block_network, "allow_network": allow_network,
        "max_age": max_age, "on_expired": on_expired, "tape": tape,
    })
    if _is_decorated(path):
        return UseCassette(None, options)(path)
    checked = checked_path(path)
    if checked is not None and store is not None:
        raise TypeError("use_cassette takes either a path or a store, not both")
    return UseCassette(checked, options)


def _is_decorated(path: Any) -> bool:
    """Tell whether what stands in the place of the path is what a bare `@use_cassette` decorates."""
    return isinstance(path, (staticmethod, classmethod)) or (callable(path) and not isinstance(path, os.PathLike))


def _path_of_call(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Path:
    from cassettes_lib.cassette_paths import path_of_function

    return path_of_function(function, arguments)


def _file_place(path: str | Path) -> Place:
    absolute = os.path.abspath(path)
    return Place(JsonFileCassetteStore(absolute), str(path), absolute)
