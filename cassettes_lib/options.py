"""The options of `use_cassette`: their types, their defaults, and errors that name the right one for a wrong one."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, Literal, NamedTuple, NoReturn, TypedDict, get_args

from cassettes_lib.broker import BeforeRecord, BeforeReplay, CassetteStore
from cassettes_lib.keywords import did_you_mean
from cassettes_lib.matching import MatchOn, resolve_matchers
from cassettes_lib.modes import CassetteMode, checked_mode
from cassettes_lib.passthrough import Passthrough, PassthroughRule
from cassettes_lib.redaction import Redactor
from cassettes_lib.remote_urls import is_remote
from cassettes_lib.tape import DEFAULT_LENGTH

OnUnused = Literal["ignore", "warn", "error"]
OnExpired = Literal["warn", "error", "record"]
_ON_UNUSED, _ON_EXPIRED = get_args(OnUnused), get_args(OnExpired)


class CassetteOptions(TypedDict, total=False):
    """The keyword options of `use_cassette`, as a type for those who keep them in a dictionary."""

    mode: CassetteMode | None
    store: CassetteStore | None
    match_on: MatchOn
    redact: Redactor | None
    placeholders: Mapping[str, Any] | None
    before_record: BeforeRecord | None
    before_replay: BeforeReplay | None
    allow_playback_repeats: bool
    record_failures: bool
    preserve_exact_body_bytes: bool
    on_unused: OnUnused
    passthrough: PassthroughRule | Iterable[PassthroughRule]
    block_network: bool
    allow_network: Iterable[str]
    max_age: timedelta | None
    on_expired: OnExpired
    tape: bool | int


class Options(NamedTuple):
    """The options of one `use_cassette`, checked."""

    mode: CassetteMode | None
    store: CassetteStore | None
    match_on: MatchOn
    redact: Redactor | None
    placeholders: Mapping[str, Any] | None
    before_record: BeforeRecord | None
    before_replay: BeforeReplay | None
    allow_playback_repeats: bool
    record_failures: bool
    preserve_exact_body_bytes: bool
    on_unused: OnUnused
    passthrough: tuple[PassthroughRule, ...]
    block_network: bool
    allow_network: tuple[str, ...]
    max_age: timedelta | None
    on_expired: OnExpired
    tape: int


# What other tools call our options, and what to write here.
_FOREIGN_NAMES = {
    "record_mode": "mode='once', 'replay', 'auto' or 'record'",
    "record": "mode='once', 'replay', 'auto' or 'record'",
    "match_requests_on": "match_on=('method', 'url', 'body')",
    "match": "match_on=('method', 'url', 'body')",
    "matchers": "match_on=('method', 'url', 'body')",
    "additional_matchers": "match_on=('method', 'url', 'body', your_function)",
    "ignore": "match_on=ignoring(...)",
    "filter_headers": "redact=Redactor(headers=[...])",
    "filter_query_parameters": "redact=Redactor(query=[...])",
    "filter_post_data_parameters": "redact=Redactor(fields=[...])",
    "filters": "redact=Redactor(headers=[...], query=[...], fields=[...])",
    "redactor": "redact=Redactor(...)",
    "secrets": "redact=Redactor(values=[...])",
    "define_cassette_placeholder": "placeholders={'<NAME>': value}",
    "default_cassette_options": "functools.partial(use_cassette, ...)",
    "before_record_request": "before_record, a function from an interaction to one to store, or to None",
    "before_record_response": "before_record, a function from an interaction to one to store",
    "before_playback": "before_replay",
    "ignore_hosts": "passthrough=('host', '*.internal')",
    "ignore_localhost": "passthrough=('localhost', '127.0.0.1')",
    "passthru": "passthrough=('host', '*.internal')",
    "allow_hosts": "passthrough=('host', '*.internal')",
    "allowed_hosts": "passthrough=('host', '*.internal'); or allow_network=[...] beside block_network=True",
    "real_http": "passthrough=('host', '*.internal')",
    "decode_compressed_response": "nothing: compressed bodies are stored decoded and replayed compressed; "
    "preserve_exact_body_bytes=True stores the bytes of the wire",
    "preserve_exact_bytes": "preserve_exact_body_bytes",
    "cassette_library_dir": "the folder in the path, or cassette_dir in a CassetteTestCase",
    "cassette_dir": "the folder in the path; cassette_dir is an attribute of CassetteTestCase",
    "library_dir": "the folder in the path, or cassette_dir in a CassetteTestCase",
    "path_transformer": "the path itself, or cassette_name() in a CassetteTestCase",
    "func_path_generator": "the path itself, or cassette_name() in a CassetteTestCase",
    "cassette_name": "path, the first argument; cassette_name() is a method of CassetteTestCase",
    "name": "path, the first argument",
    "filename": "path, the first argument",
    "cassette": "path, the first argument",
    "serializer": "store=..., a class with load() and save(); a path is always JSON",
    "serialize_with": "store=..., a class with load() and save(); a path is always JSON",
    "persister": "store=..., a class with load() and save()",
    "cassette_store": "store",
    "inject_cassette": "nothing: `with use_cassette(...) as broker` gives the broker",
    "drop_unused_requests": "on_unused='warn' or 'error'; re-recording with mode='record' leaves out what is not used",
    "re_record_interval": "max_age=timedelta(...) and on_expired='record'",
    "record_on_exception": "nothing: a block that fails leaves a cassette that is marked incomplete",
    "allow_repeats": "allow_playback_repeats",
    "custom_patches": "nothing: everything that goes through requests is covered",
    "session": "nothing: every session is covered; CassetteAdapter(broker) is mounted on a single one",
    "new_episodes": "mode='auto'",
    "assert_all_called": "on_unused='error'",
    "assert_all_requests_are_fired": "on_unused='error'",
    "live_responder": "nothing: live traffic goes through the session's own adapter; a Broker takes a live_responder",
}


def refuse_unknown(unknown: Iterable[str]) -> NoReturn:
    """Raise the TypeError for keywords that `use_cassette` does not have; it names what to write instead."""
    name = next(iter(unknown))
    if name in _FOREIGN_NAMES:
        raise TypeError(f"use_cassette has no option {name!r}; write {_FOREIGN_NAMES[name]}")
    raise TypeError(f"use_cassette has no option {name!r}{did_you_mean(name, ('path', *Options.__annotations__))}")


def checked_options(given: Mapping[str, Any]) -> Options:
    """Check all options of `use_cassette`.

    Raises:
        TypeError: An option has a value of a wrong type.
        ValueError: An option has a value that it does not know; the text names the right ones.
    """
    values = dict(given)
    values["mode"] = checked_mode(values["mode"])
    values["match_on"] = resolve_matchers(values["match_on"])
    _check_store(values["store"])
    for name in ("before_record", "before_replay"):
        if values[name] is not None and not callable(values[name]):
            raise TypeError(f"{name} is a function from an interaction to an interaction, not {values[name]!r}")
    for name in ("allow_playback_repeats", "record_failures", "preserve_exact_body_bytes", "block_network"):
        if not isinstance(values[name], bool):
            raise TypeError(f"{name} is True or False, not {values[name]!r}")
    _check_word("on_unused", values["on_unused"], _ON_UNUSED)
    _check_word("on_expired", values["on_expired"], _ON_EXPIRED)
    _check_age(values["max_age"])
    _check_placeholders(values["placeholders"])
    _check_redactor(values["redact"])
    if values["redact"] is None and values["placeholders"]:
        raise ValueError("placeholders are put in by the Redactor, and redact=None switches it off: leave redact out")
    values["passthrough"] = _checked_passthrough(values["passthrough"])
    values["allow_network"] = _checked_hosts(values["allow_network"])
    values["tape"] = _checked_tape(values["tape"])
    return Options(**values)


def checked_path(path: Any) -> str | None:
    """Return a path given as an argument as text, or None.

    Raises:
        ImportError: It is a URL, and what keeps cassettes at URLs is not installed.
        TypeError: It is not a path.
        ValueError: It is empty.
    """
    if path is None:
        return None
    if isinstance(path, bytes):
        raise TypeError(f"the path of a cassette is a str or a Path, not {path!r}")
    if hasattr(path, "load") and hasattr(path, "save"):
        raise TypeError(f"the first argument is the path; write use_cassette(store={type(path).__name__}(...))")
    try:
        text = os.fspath(path)
    except TypeError:
        raise TypeError(f"the path of a cassette is a str or a Path, not {path!r}") from None
    if not isinstance(text, str):
        raise TypeError(f"the path of a cassette is a str or a Path, not {path!r}")
    if not text.strip() or text.endswith(("/", os.sep)):
        raise ValueError(f"{text!r} is not the path of a file; give one such as 'cassettes/orders.json'")
    if is_remote(text):
        from cassettes_lib.remote_store import check_can_be_used

        check_can_be_used(text)
    return text


def _check_store(store: Any) -> None:
    if store is None or (not isinstance(store, type) and _is_store(store)):
        return
    if isinstance(store, type):
        raise TypeError(f"store={store.__name__}: give an instance, {store.__name__}(...)")
    if isinstance(store, (str, os.PathLike)):
        raise TypeError(f"store={store!r}: a path is the first argument, use_cassette({os.fspath(store)!r})")
    raise TypeError(f"store={store!r} is not a CassetteStore: it needs the methods load() and save(cassette)")


def _is_store(store: Any) -> bool:
    return callable(getattr(store, "load", None)) and callable(getattr(store, "save", None))


def _check_word(name: str, value: Any, known: tuple[str, ...]) -> None:
    if value in known:
        return
    hint = did_you_mean(value, known, or_all=False) if isinstance(value, str) else ""
    raise ValueError(f"{name}={value!r}{hint or '.'} It is one of {', '.join(repr(word) for word in known)}")


def _check_age(max_age: Any) -> None:
    if max_age is None:
        return
    if not isinstance(max_age, timedelta):
        raise TypeError(f"max_age={max_age!r}: give a timedelta, such as datetime.timedelta(days=90)")
    if max_age <= timedelta(0):
        raise ValueError(f"max_age={max_age!r} is not positive")


def _check_placeholders(placeholders: Any) -> None:
    if placeholders is not None and not isinstance(placeholders, Mapping):
        raise TypeError(f"placeholders={placeholders!r}: give a dictionary, such as {{'<API_KEY>': value}}")


def _checked_passthrough(given: Any) -> tuple[PassthroughRule, ...]:
    rules = (given,) if isinstance(given, str) or callable(given) else given
    if not isinstance(rules, Iterable):
        raise TypeError(f"passthrough={given!r}: give hosts, patterns such as '*.internal', or functions of a request")
    checked = tuple(rules)
    Passthrough(checked)
    return checked


def _checked_hosts(given: Any) -> tuple[str, ...]:
    hosts = (given,) if isinstance(given, str) else given
    if not isinstance(hosts, Iterable):
        raise TypeError(f"allow_network={given!r}: give patterns of hosts, such as ('*.internal',)")
    checked = tuple(hosts)
    for host in checked:
        if not isinstance(host, str):
            raise TypeError(f"allow_network has {host!r}, which is not a host")
    return checked


def _checked_tape(tape: Any) -> int:
    """Return how many interactions the tape holds."""
    if isinstance(tape, bool):
        return DEFAULT_LENGTH if tape else 0
    if not isinstance(tape, int):
        raise TypeError(f"tape is True, False, or how many interactions it shows, not {tape!r}")
    if not 0 <= tape <= sys.maxsize:
        raise ValueError(f"tape={tape} is no number of interactions; 0 or False switches the tape off")
    return tape


def _check_redactor(redact: Any) -> None:
    if redact is None or isinstance(redact, Redactor):
        return
    instead = "Redactor()" if redact is True else "None" if redact is False else "Redactor(headers=[...], fields=[...])"
    raise TypeError(f"redact={redact!r}: write redact={instead}")
