"""Failures: exceptions of the transport, written down and raised again.

Strategy: requests wraps urllib3's exceptions, which wrap those of sockets and TLS. The whole chain is kept, each with
its class, text and arguments, so that `error.args[0].reason` is again what it was. Classes are looked up among the
modules already loaded; nothing is imported because a file says so, and nothing but exceptions is made.
"""

from __future__ import annotations

import builtins
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, cast

import requests.exceptions
import urllib3.exceptions
from requests.exceptions import RequestException

from cassettes_lib.models import BrokenBody, InteractionFailure

if TYPE_CHECKING:
    from requests import PreparedRequest

_MAX_DEPTH = 8


def can_be_recorded(error: BaseException) -> bool:
    """Tell whether an exception is an outcome of a request: one of requests, or of urllib3 passing through it."""
    return isinstance(error, (RequestException, urllib3.exceptions.HTTPError))


def failure_from_exception(error: BaseException, depth: int = 0) -> InteractionFailure:
    """Return the value that stands for an exception on a cassette."""
    cause = getattr(error, "reason", None)
    return InteractionFailure(
        error=_class_name(error),
        message=str(error),
        arguments=None if error.args == (str(error),) else tuple(_argument(each, depth) for each in error.args),
        cause=failure_from_exception(cause, depth + 1) if isinstance(cause, Exception) and depth < _MAX_DEPTH else None,
        carries_request=getattr(error, "request", None) is not None or not isinstance(error, RequestException),
    )


def exception_from_failure(
    failure: InteractionFailure, request: PreparedRequest | None = None, *, pool: object = None, url: str | None = None
) -> Exception:
    """Return the exception that a value stands for.

    Args:
        failure: The value.
        request: What was asked; in the attribute `request` of requests' exceptions.
        pool: The connection pool that urllib3's exceptions name.
        url: The target that urllib3's exceptions name.
    """
    kind = _exception_class(failure.error)
    arguments = tuple(
        exception_from_failure(each, request, pool=pool, url=url) if isinstance(each, InteractionFailure) else each
        for each in ((failure.message,) if failure.arguments is None else failure.arguments)
    )
    if issubclass(kind, RequestException):
        error: Exception = RequestException.__new__(kind, *arguments)
        RequestException.__init__(cast(RequestException, error), *arguments, request=_its_request(failure, request))
    else:
        error = kind.__new__(kind, *arguments)
        error.args = arguments
    _fill_in(error, failure, request, pool, url)
    wrapped = next((each for each in arguments if isinstance(each, Exception)), None)
    error.__context__ = cast(Any, error).reason if failure.cause else wrapped
    return error


def broken_body_error(broken: BrokenBody) -> Exception:
    """Return the low-level exception with which a body broke off."""
    kind = _exception_class(broken.error, builtins)
    if broken.errno is not None and issubclass(kind, OSError):
        return kind(broken.errno, broken.message)
    return kind(broken.message)


def broken_body_from(error: Exception | None, *, chunk_size: int | None, rest: str) -> BrokenBody:
    """Return the value for a body that broke off with an exception; None stands for an early end of the connection."""
    if error is None:
        return BrokenBody(error="IncompleteRead", chunk_size=chunk_size, rest=rest)
    number = error.errno if isinstance(error, OSError) and len(error.args) == 2 else None
    return BrokenBody(
        error=_class_name(error),
        message=str(error.args[-1]) if error.args else "",
        errno=number, chunk_size=chunk_size, rest=rest,
    )


def _class_name(error: BaseException) -> str:
    """Return the name of an exception's class, bare for Python's own where that is not also one of requests."""
    kind = type(error)
    if kind.__module__ == "builtins" and not hasattr(requests.exceptions, kind.__qualname__):
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _argument(value: object, depth: int) -> InteractionFailure | int | str:
    if isinstance(value, Exception) and depth < _MAX_DEPTH:
        return failure_from_exception(value, depth + 1)
    return value if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _its_request(failure: InteractionFailure, request: PreparedRequest | None) -> PreparedRequest | None:
    return request if failure.carries_request else None


def _fill_in(
    error: Exception, failure: InteractionFailure, request: PreparedRequest | None, pool: object, url: str | None
) -> None:
    """Give urllib3's exceptions the attributes that their constructors would have set."""
    cause = exception_from_failure(failure.cause, request, pool=pool, url=url) if failure.cause else None
    attributes: dict[str, object] = {}
    if isinstance(error, urllib3.exceptions.PoolError):
        attributes = {"pool": pool, "_message": failure.message.removeprefix(f"{pool}: ")}
    if isinstance(error, urllib3.exceptions.RequestError):
        attributes["url"] = url
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        attributes = {"conn": None, "_message": failure.message}
    if isinstance(error, urllib3.exceptions.ProxyError):
        attributes["original_error"] = next((each for each in error.args if isinstance(each, Exception)), None)
    if cause is not None:
        attributes["reason"] = cause
        error.__cause__ = cause
    for name, value in attributes.items():
        if name != "pool" or not isinstance(getattr(type(error), "pool", None), property):
            setattr(error, name, value)


def _exception_class(name: str, *bare: ModuleType) -> type[Exception]:
    """Return the class of that name; when there is none, the most general one of requests.

    Args:
        name: With its module, or a bare name such as other tools write.
        bare: The modules in which a bare name is looked up; by default those of the transport first.
    """
    module, _, own_name = name.rpartition(".")
    places = [sys.modules.get(module)] if module else bare or (requests.exceptions, builtins, urllib3.exceptions)
    for place in places:
        found = getattr(place, own_name, None)
        if isinstance(found, type) and issubclass(found, Exception):
            return found
    return RequestException
