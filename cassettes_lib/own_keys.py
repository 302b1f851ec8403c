"""Keys that functions of the user return: checked, so that a mistake in one is an error and never a miss.

Strategy: an exception passes through with a note that says which matcher failed, and for which request. What cannot be
hashed, or is equal to nothing but itself, such as an iterator, is an error. NaN, which by the rules of floats does not
even equal itself, is equal to itself in a key.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Hashable, Iterator, ValuesView
from dataclasses import dataclass
from typing import Any

from cassettes_lib.models import InteractionRequest

_Function = Callable[[InteractionRequest], Hashable]


class _NotANumber:
    def __repr__(self) -> str:
        return "nan"


_NAN = _NotANumber()


@dataclass(frozen=True)
class OwnKey:
    """Calls a function of the user, and checks what it returns.

    Attributes:
        name: What messages call the function.
        function: The function.
    """

    name: str
    function: _Function

    def __call__(self, request: InteractionRequest) -> Hashable:
        """Return the key of a request.

        Raises:
            TypeError: It is no key.
        """
        try:
            returned = self.function(request)
        except Exception as error:
            error.add_note(f"raised by the matcher {self.name}, for the request {request.method} {request.url}")
            raise
        if isinstance(returned, (Iterator, Awaitable, ValuesView)):
            raise TypeError(f"{self._wrong(returned)} equal to nothing but itself; {_RIGHT}")
        key: Hashable = _with_equal_nan(returned)
        try:
            hash(key)
        except TypeError as error:
            raise TypeError(f"{self._wrong(key)} that cannot be hashed; {_RIGHT}") from error
        return key

    def _wrong(self, key: object) -> str:
        return f"the matcher {self.name} returned a key, {str(key)[:80]} ({type(key).__name__}),"


_RIGHT = "return a str, a number, a tuple, a frozenset or the like"


def own_key(function: _Function) -> OwnKey:
    """Return a function of the user as the function of a matcher.

    Raises:
        TypeError: It is none that takes a request and returns a key at once.
    """
    name = getattr(function, "__name__", f"a {type(function).__name__}")
    if inspect.isgeneratorfunction(function):
        raise TypeError(f"the matcher {name} is a generator; a matcher returns its key, with return")
    if inspect.iscoroutinefunction(function):
        raise TypeError(f"the matcher {name} is an async function; a matcher returns its key at once")
    try:
        inspect.signature(function).bind(None)
    except TypeError as error:
        raise TypeError(
            f"the matcher {name} does not take one argument: {error}. Other tools' matchers compare two requests; one "
            "of ours takes a request and returns a key, and requests match when their keys are equal"
        ) from error
    except ValueError:  # a function written in C, which does not tell its arguments
        pass
    return OwnKey(name, function)


def _with_equal_nan(key: Any) -> Any:
    if isinstance(key, float) and key != key:
        return _NAN
    if type(key) in (tuple, frozenset):
        return type(key)(map(_with_equal_nan, key))
    return key
