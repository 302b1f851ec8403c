"""`use_cassette`: composes store, Broker and interception, and takes them down again."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Literal, ParamSpec, TypeVar, get_args

from cassettes_lib.broker import DEFAULT_REDACTOR, BeforeRecord, BeforeReplay, Broker, CassetteStore, Mode, load_for
from cassettes_lib.errors import CassetteNotFoundError
from cassettes_lib.interception import Interception
from cassettes_lib.matching import DEFAULT_MATCH_ON, MatchOn, resolve_matchers
from cassettes_lib.placeholders import PlaceholderValue
from cassettes_lib.redaction import Redactor
from cassettes_lib.stores import JsonFileCassetteStore

CassetteMode = Literal["once", "replay", "auto", "record"]
_MODES: tuple[str, ...] = get_args(CassetteMode)
# What other tools call our modes.
_FOREIGN_MODES = {
    "new_episodes": ("vcrpy's and betamax's new_episodes", "auto"),
    "none": ("vcrpy's and betamax's none", "replay"),
    "all": ("vcrpy's and betamax's all", "record"),
    "any": ("vcrpy's any", "auto"),
    "rewrite": ("cassetter's rewrite", "record"),
}

P = ParamSpec("P")
R = TypeVar("R")


class use_cassette:
    """Records the requests of a block or a function on a cassette, and replays them when it runs again.

    Example:
        with use_cassette("cassettes/orders.json") as broker:
            requests.get("https://api.example.com/orders")
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        mode: CassetteMode | None = None,
        store: CassetteStore | None = None,
        match_on: MatchOn = DEFAULT_MATCH_ON,
        redact: Redactor | None = DEFAULT_REDACTOR,
        placeholders: Mapping[str, PlaceholderValue] | None = None,
        before_record: BeforeRecord | None = None,
        before_replay: BeforeReplay | None = None,
        allow_playback_repeats: bool = False,
        record_failures: bool = False,
        preserve_exact_body_bytes: bool = False,
    ) -> None:
        """Check the options; nothing is opened before the block is entered.

        Args:
            path: The file of the cassette.
            mode: `once` (the default), `replay`, `auto` or `record`; `CASSETTES_MODE` in the environment overrides.
            store: Keeps the cassette, in place of a file.
            match_on: Names of matchers, or functions from a request to a hashable key.
            redact: Which secrets are kept off the cassette; None stores all secrets in clear.
            placeholders: Names that stand on the cassette for values, `{"<API_KEY>": value}`.
            before_record: Changes an interaction before it is stored; None from it: do not store.
            before_replay: Changes an interaction before it is replayed.
            allow_playback_repeats: Answer with the last equal interaction again once all are used up.
            record_failures: Record exceptions, too.
            preserve_exact_body_bytes: Record bodies as they came, encoded as `Content-Encoding` says.

        Raises:
            ValueError: An unknown mode or matcher; the text names the right ones.
            TypeError: Neither path nor store is given, or both.
        """
        if (path is None) == (store is None):
            raise TypeError("use_cassette takes either a path or a store")
        if mode is not None:
            check_mode(mode)
        match_on = resolve_matchers(match_on)  # once: it may be an iterator
        self._store: CassetteStore = JsonFileCassetteStore(path) if path is not None else store  # type: ignore[assignment]
        self._name = str(path) if path is not None else type(store).__name__
        self._mode = mode
        self._preserve = preserve_exact_body_bytes
        self._options: dict[str, Any] = {
            "match_on": match_on, "redactor": redact and redact.with_placeholders(placeholders),
            "before_record": before_record, "before_replay": before_replay,
            "allow_playback_repeats": allow_playback_repeats, "record_failures": record_failures,
        }
        self._open: list[Interception] = []

    def __enter__(self) -> Broker:
        """Load the cassette and put its Broker in charge of the requests of this context."""
        broker = self._make_broker()
        interception = Interception(broker, self._name, preserve_exact_body_bytes=self._preserve)
        interception.start()
        self._open.append(interception)
        return broker

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take the Broker out of charge; a miss that the block swallowed is raised here."""
        interception = self._open.pop()
        interception.stop()
        if kind is None and interception.broker.misses:
            raise interception.broker.misses[0]

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate a function: each call runs inside a cassette session of its own."""

        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            with self:
                return function(*args, **kwargs)

        return wrapper

    def _make_broker(self) -> Broker:
        wanted = os.environ.get("CASSETTES_MODE") or self._mode or "once"
        check_mode(wanted)
        cassette = None
        mode: Mode
        if wanted == "once":
            try:
                cassette = load_for(self._store, "replay")
                mode = "replay"
            except CassetteNotFoundError:
                if under_ci():
                    raise
                mode = "record"
        else:
            mode = "replay" if wanted == "auto" and under_ci() else wanted  # type: ignore[assignment]
        if cassette is None:
            cassette = load_for(self._store, mode)
        return Broker(cassette, mode, None, self._store, name=self._name, **self._options)


def check_mode(mode: str) -> None:
    """Raise a ValueError that names the right one for an unknown mode."""
    if mode in _MODES:
        return
    if mode in _FOREIGN_MODES:
        theirs, ours = _FOREIGN_MODES[mode]
        raise ValueError(f"mode={mode!r}: {theirs} is mode={ours!r} here")
    raise ValueError(f"unknown mode {mode!r}; the modes are {', '.join(_MODES)}")


def under_ci() -> bool:
    """Whether this is a run under continuous integration: `CI` is set and is not "false"."""
    return os.environ.get("CI", "").lower() not in ("", "false", "0")
