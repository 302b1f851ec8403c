"""Decorating: functions of every kind, methods, and whole classes, each call or test in a session of its own.

Strategy: a wrapper is of the kind of what it wraps (a coroutine function stays one, a generator function too), and
its session is open while the body runs, not while it is made. `functools.wraps` keeps name, docstring, signature and
the marks of unittest, mock and pytest. A TestCase is covered by its `run`: the session opens when `setUp` is called,
by an attribute of the instance that shadows it, and is ended by the cleanup registered first, which is called last.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from cassettes_lib.session import CassetteSession
from cassettes_lib.session_broker import SessionBroker

_COVERED = "_cassettes_lib_is_covered"
_EXPECTS_FAILURE = "__unittest_expecting_failure__"


class NewSession(Protocol):
    """Makes the session of a call."""

    def __call__(self, function: Callable[..., Any], arguments: tuple[Any, ...], *, fails: bool) -> CassetteSession:
        """Return the session of one call.

        Args:
            function: The function that is called; it names the cassette when nothing else does.
            arguments: Its positional arguments.
            fails: Whether it is expected to fail.
        """


def decorated(target: Any, new_session: NewSession) -> Any:
    """Return a function, or a static or class method, whose calls run in sessions.

    Raises:
        TypeError: The target is nothing that can be called.
    """
    if isinstance(target, (staticmethod, classmethod)):
        return type(target)(decorated(target.__func__, new_session))
    if not callable(target):
        raise TypeError(f"use_cassette decorates functions, methods and classes, not {target!r}")
    return _wrapper_for(target, new_session)


def decorate_tests_of(cls: type, new_session: NewSession) -> None:
    """Decorate the test methods of a class that is no TestCase, inherited ones too.

    Raises:
        TypeError: It has none.
    """
    found = False
    for name in dir(cls):
        method = inspect.getattr_static(cls, name)
        is_function = inspect.isfunction(method) or isinstance(method, (staticmethod, classmethod))
        if name.startswith(_test_prefix()) and is_function:
            setattr(cls, name, decorated(method, new_session))
            found = True
    if not found:
        raise TypeError(
            f"the class {cls.__qualname__} has no method that begins with {_test_prefix()!r}, "
            "so that there is nothing to decorate"
        )


def is_test_case(cls: type) -> bool:
    """Tell whether a class is a `unittest.TestCase`, without importing unittest."""
    module = sys.modules.get("unittest.case")
    return module is not None and issubclass(cls, module.TestCase)


def cover_tests_of(cls: Any, session_for: Callable[[Any], CassetteSession]) -> None:
    """Cover each test of a TestCase class, from before `setUp` to after its last cleanup, by a session of its own.

    Args:
        cls: The class. Classes derived from it are covered, too.
        session_for: Makes the session of a test, given the instance of the class.
    """
    for name in ("run", "debug"):
        setattr(cls, name, _covered_run(cls, name, session_for))


@contextmanager
def cover(
    case: Any, session_for: Callable[[Any], CassetteSession], opened: Callable[[SessionBroker], None] | None = None
) -> Iterator[None]:
    """While this is entered, the next `setUp` of a test case begins a session, and its last cleanup ends it.

    Nothing happens for a test that is covered already: the decoration of a derived class goes before its base's.

    Args:
        case: The test.
        session_for: Makes its session.
        opened: Is given the Broker of the session once it is open.
    """
    attributes = vars(case)
    if attributes.get(_COVERED):
        yield
        return
    original = case.setUp
    session: CassetteSession | None = None
    is_open = False

    def end() -> None:
        nonlocal is_open
        is_open = False
        assert session is not None
        session.end()

    def set_up() -> Any:
        nonlocal session, is_open
        attributes.pop("setUp", None)
        session = session_for(case)
        broker = session.start()
        is_open = True
        case.addCleanup(end)
        if opened is not None:
            opened(broker)
        return original()

    attributes[_COVERED] = True
    attributes["setUp"] = set_up
    try:
        yield
    finally:
        attributes.pop("setUp", None)
        attributes.pop(_COVERED, None)
        if is_open and session is not None:  # debug() leaves out the cleanups of a test that fails
            session.end(sys.exc_info()[1])


def expects_failure(case: Any, method: Any) -> bool:
    """Tell whether a test is decorated with `unittest.expectedFailure`, it or its class."""
    return bool(getattr(type(case), _EXPECTS_FAILURE, False) or getattr(method, _EXPECTS_FAILURE, False))


def _covered_run(cls: Any, name: str, session_for: Callable[[Any], CassetteSession]) -> Callable[..., Any]:
    own = vars(cls).get(name)
    inherited = getattr(cls, name)

    @functools.wraps(inherited)
    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        with cover(self, session_for):
            if own is not None:
                return own(self, *args, **kwargs)
            return getattr(super(cls, self), name)(*args, **kwargs)

    return run


def _test_prefix() -> str:
    loader = sys.modules.get("unittest.loader")
    return loader.TestLoader.testMethodPrefix if loader is not None else "test"


def _wrapper_for(function: Any, new_session: NewSession) -> Any:
    begin = _Begin(function, new_session)
    kinds = (
        (inspect.iscoroutinefunction, _coroutine_wrapper),
        (inspect.isasyncgenfunction, _async_generator_wrapper),
        (inspect.isgeneratorfunction, _generator_wrapper),
    )
    called = function if inspect.isroutine(function) or isinstance(function, functools.partial) else function.__call__
    make = next((make for is_of_kind, make in kinds if is_of_kind(called)), _plain_wrapper)
    wrapper = functools.wraps(function)(make(function, begin))
    begin.wrapper = wrapper
    return wrapper


class _Begin:
    """Makes the session of a call of a decorated function."""

    def __init__(self, function: Callable[..., Any], new_session: NewSession) -> None:
        self._function = function
        self._new_session = new_session
        self.wrapper: Any = None

    def __call__(self, arguments: tuple[Any, ...]) -> CassetteSession:
        case = arguments[0] if arguments else None
        return self._new_session(self._function, arguments, fails=expects_failure(case, self.wrapper))


def _plain_wrapper(function: Callable[..., Any], begin: _Begin) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        session = begin(args)
        session.start()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            session.end(error)
            raise
        if inspect.iscoroutine(result):
            # A coroutine function under a decorator that hides what it is: its body has not begun.
            session.cancel()
            return _awaited(result, begin(args))
        session.end()
        return result

    return wrapper


async def _awaited(coroutine: Awaitable[Any], session: CassetteSession) -> Any:
    with session:
        return await coroutine


def _coroutine_wrapper(function: Callable[..., Awaitable[Any]], begin: _Begin) -> Callable[..., Awaitable[Any]]:
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        with begin(args):
            return await function(*args, **kwargs)

    return wrapper


def _generator_wrapper(function: Callable[..., Generator[Any, Any, Any]], begin: _Begin) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with begin(args):
            return (yield from function(*args, **kwargs))

    return wrapper


def _async_generator_wrapper(function: Callable[..., AsyncGenerator[Any, Any]], begin: _Begin) -> Callable[..., Any]:
    async def wrapper(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with begin(args):
            generator = function(*args, **kwargs)
            # What `yield from` does, which async generators do not have (PEP 525).
            advance: Callable[[], Awaitable[Any]] = generator.__anext__
            while True:
                try:
                    value = await advance()
                except StopAsyncIteration:
                    return
                try:
                    sent = yield value
                except GeneratorExit:
                    await generator.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 - whatever is thrown in belongs to the generator
                    advance = functools.partial(generator.athrow, error)
                else:
                    advance = functools.partial(generator.asend, sent)

    return wrapper
