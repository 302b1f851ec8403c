"""Transports: which classes of adapters need a layer of their own, because they never get to `HTTPAdapter.send`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from types import CodeType
from typing import Any
from weakref import WeakKeyDictionary

from requests.adapters import BaseAdapter, HTTPAdapter

from cassettes_lib.adapter import CassetteAdapter

_known_to_go_on: WeakKeyDictionary[Any, bool] = WeakKeyDictionary()


def transport_classes() -> Iterator[type]:
    """Yield the classes below `BaseAdapter`, except `HTTPAdapter`, that need a layer on their `send`."""
    waiting: list[type] = [BaseAdapter]
    seen: set[type] = set()
    while waiting:
        below: list[type] = waiting.pop().__subclasses__()
        for each in below:
            if each not in seen:
                seen.add(each)
                waiting.append(each)
                if needs_layer(each):
                    yield each


def needs_layer(kind: type) -> bool:
    """Tell whether a class defines a `send` of its own that does not go on to that of its base class."""
    own = kind.__dict__.get("send")
    if own is None or kind is HTTPAdapter or kind is BaseAdapter or _has_its_say(kind):
        return False
    try:
        known = _known_to_go_on.get(own)
        if known is None:
            known = _known_to_go_on[own] = _goes_on(own)
    except TypeError:  # nothing that can be referred to weakly, so not a plain function
        return True
    return not known


def _has_its_say(kind: type) -> bool:
    """Whether the adapter is itself a stand-in for the network that somebody mounted to be asked: ours, a mock's."""
    return issubclass(kind, CassetteAdapter) or kind.__module__.partition(".")[0] == "requests_mock"


def _goes_on(function: Any) -> bool:
    """Whether a `send` calls that of its base class, by the names it uses. In doubt it does not, and gets a layer."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    names = set(_names_in(code)) if isinstance(code, CodeType) else set()
    return "send" in names and bool(names & {"super", "HTTPAdapter"})


def _names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_in(constant)


def is_mock(thing: object) -> bool:
    """Whether this is a mock of `unittest.mock`."""
    kind = getattr(sys.modules.get("unittest.mock"), "NonCallableMock", None)
    return kind is not None and isinstance(thing, kind)


class Lookalike:
    """Wraps an adapter whose `send` no class knows of: a stub on the instance, an object with just the methods."""

    def __init__(self, adapter: Any, send: Any) -> None:
        self._adapter = adapter
        self.send = send

    def __getattr__(self, name: str) -> Any:
        return getattr(self._adapter, name)

