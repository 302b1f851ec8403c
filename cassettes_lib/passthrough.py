"""Passthrough: which requests a block hands on, to the block around it or live, neither matched nor recorded."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable
from urllib.parse import urlsplit

from cassettes_lib.models import InteractionRequest

PassthroughRule = str | Callable[[InteractionRequest], object]


class Passthrough:
    """The rules of `passthrough=`; true when there are any.

    Args:
        rules: Hosts such as `"localhost"`, `"*.internal"` (which stands for the subdomains, not for `internal`
            itself), `"localhost:8080"`, `"[::1]"`; or functions from a request to whether it is handed on.

    Raises:
        TypeError: A rule is neither; or `rules` is one string.
        ValueError: A rule is a URL, or empty.
    """

    def __init__(self, rules: Iterable[PassthroughRule] = ()) -> None:
        if isinstance(rules, (str, bytes)) or callable(rules):
            raise TypeError(f"passthrough={rules!r}: give a tuple of hosts and functions, such as ({rules!r},)")
        self._functions: list[Callable[[InteractionRequest], object]] = []
        self._hosts: list[re.Pattern[str]] = []
        for rule in rules:
            if callable(rule):
                self._functions.append(rule)
            else:
                self._hosts.append(_host_pattern(rule))

    def __bool__(self) -> bool:
        return bool(self._functions or self._hosts)

    def lets_pass(self, url: str, request: Callable[[], InteractionRequest]) -> bool:
        """Tell whether a request is handed on; `request` makes its value, where a function has to be asked."""
        if self._hosts:
            names = _names_of(url)
            if any(host.fullmatch(name) for host in self._hosts for name in names):
                return True
        if not self._functions:
            return False
        value = request()
        return any(function(value) for function in self._functions)


def _host_pattern(rule: object) -> re.Pattern[str]:
    if not isinstance(rule, str):
        raise TypeError(f"passthrough: {rule!r} is neither a host nor a function")
    if not rule.strip() or "/" in rule:
        raise ValueError(f'passthrough: {rule!r} is not a host; write "localhost", "*.internal" or "localhost:8080"')
    literal = rule.strip().lower().replace("[", "[[]") if rule.strip().startswith("[") else rule.strip().lower()
    return re.compile(fnmatch.translate(literal))


def _names_of(url: str) -> tuple[str, ...]:
    """Return the ways in which a rule may write the host of a URL: alone, and with its port."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return ()
    host = (parts.hostname or "").rstrip(".")
    if ":" in host:
        return host, f"[{host}]", f"[{host}]:{port}"
    return host, f"{host}:{port}"
