"""Neighbours: other tools that replace parts of requests, where the order of patches alone does not do them justice.

`responses` replaces `HTTPAdapter.send`, as we do; whoever comes last answers first, and nothing more is needed.
`requests_mock` replaces `Session.send` and, during the call, `get_adapter` on the session itself. A block opened
inside of such a mock is to answer first all the same, and to reach the mock as its live service. So once
`requests_mock` is loaded there is a layer on `Session.send`, too, which notes that a call came by (it is *armed*), and
one on the `send` of its adapter, which is where the mock would answer: an armed call is ours, any other comes from a
mock inside of the block and is the mock's.
"""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import Any

import requests
from requests import Response, Session

from cassettes_lib.callers import warn_caller
from cassettes_lib.ownership import block_in_charge
from cassettes_lib.patches import Layer, PatchPoint, below_the_dead

# The serial of the innermost layer on Session.send that the call in hand came by; 0: none.
armed: ContextVar[int] = ContextVar("cassettes_lib_armed", default=0)


def send_of_session(layer: Layer, session: Session, *args: Any, **kwargs: Any) -> Response:
    """What `Session.send` does while a block is open and `requests_mock` is loaded."""
    token = armed.set(layer.serial)
    try:
        return layer.below(session, *args, **kwargs)  # type: ignore[no-any-return]
    finally:
        armed.reset(token)


SESSION_SEND = PatchPoint(Session, "send", send_of_session)


def mock_adapter_class() -> type | None:
    """Return the class of requests_mock's adapters, or None when it is not loaded."""
    module = sys.modules.get("requests_mock.adapter")
    found = getattr(module, "Adapter", None)
    return found if isinstance(found, type) else None


def mend_responses() -> None:
    """Give `responses` the real `send` where, imported inside of a block, it took our layer for it."""
    module: Any = sys.modules.get("responses")
    kept = getattr(module, "_real_send", None)
    if module is None or below_the_dead(kept) is kept:
        return
    module._real_send = below_the_dead(kept)
    module._default_mock._real_send = below_the_dead(module._default_mock._real_send)
    defaults = module.RequestsMock.__init__.__kwdefaults__ or {}
    defaults.update({name: below_the_dead(value) for name, value in defaults.items()})


def disarm_for_mounted(kind: type) -> None:
    """Leave a call to the adapter of a mock that `Session.get_adapter` itself has found: somebody mounted it by hand.

    A mock of all sessions lets nobody get to `Session.get_adapter`.
    """
    if armed.get() and kind is mock_adapter_class():
        armed.set(0)


def warn_of_shadows(name: str) -> None:
    """Warn when requests is replaced by a mock that never calls what is below it: the cassette would not be asked."""
    mock = sys.modules.get("unittest.mock")
    kind = getattr(mock, "NonCallableMock", None)
    if kind is None:
        return
    for where, attribute in ((Session, "send"), (Session, "request"), (Session, "get_adapter"), (requests, "request")):
        found = where.__dict__.get(attribute)
        if isinstance(found, kind) and found._mock_wraps is None:
            label = "requests.Session" if where is Session else "requests"
            warn_caller(
                f"{label}.{attribute} is a mock that was put there before the cassette {name} was opened: it answers "
                "in place of the cassette, which will not see these requests"
            )


def warn_of_session_mock(name: str) -> None:
    """Warn that a mock on one session answers, wherever it was started."""
    warn_caller(
        f"a requests_mock adapter that belongs to one session answers in place of the cassette {name}, even if it was "
        "there first. Mock requests as a whole (requests_mock.Mocker() without session=) where the order is to count"
    )


def answers_before_mock(layer: Layer) -> bool:
    """Tell whether a call that has reached requests_mock's adapter is for the block in charge, not for the mock."""
    block = block_in_charge()
    if block is None or block.serial < layer.serial:
        return False
    came_by = armed.get()
    # Undoing one outer mock may have thrown our layer on Session.send away, with another outer mock still in place.
    if (came_by and block.serial >= came_by) or SESSION_SEND.repair():
        return True
    if getattr(Session.__dict__["send"], "__module__", "") != "requests_mock.mocker":
        warn_of_session_mock(block.name)
    return False
