"""What the loopback server is asked, a `Hit`, and what it answers, a `Reply`."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

HeaderPairs = Sequence[tuple[str, "str | bytes"]]


@dataclass(frozen=True)
class Hit:
    """One request as it was received; `body` is without transfer coding, `chunked` says whether there was one."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    chunked: bool = False
    peer_certificate: Mapping[str, object] | None = None

    @property
    def path(self) -> str:
        """The target without its query, and without scheme and host in absolute form."""
        if self.target.startswith("/"):
            return self.target.partition("?")[0]
        return urlsplit(self.target).path or "/"

    @property
    def query(self) -> dict[str, str]:
        """The decoded query; of a repeated name the last value."""
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    @property
    def last_segment(self) -> str:
        """What follows the last slash of the path."""
        return self.path.rpartition("/")[2]

    def header(self, name: str) -> str | None:
        """The first header of that name, case-insensitively."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(frozen=True)
class Reply:
    """What the server shall send; without options a plain, complete response with Content-Length.

    Args:
        status: The status code.
        reason: The reason phrase; None stands for the usual one, `""` for none at all.
        headers: Sent in this order; `str` goes out as latin-1, `bytes` as they are. Framing headers are added behind
            them unless named here.
        body: The body, before framing.
        chunks: The body in pieces, each sent on its own; `framing` is then "chunked" unless given.
        http_version: "1.1" or "1.0"; after "1.0" the connection is closed.
        framing: "none" adds no header; the connection is closed unless a Content-Length in `headers` fits. Where the
            client cannot know that, add `close=True`, or it may race the end with its next request.
        informational: (status, headers) sent before the response. (http.client takes all but 100 for the response.)
        truncate_at: Send this many bytes of the body, and not the end of a chunked one, then close.
        reset_at: The same, ended by a TCP reset. (Over TLS, Python before 3.13 reports it as an end of file.)
        stall_at: The same, then silence until the client goes away or the server is stopped.
        gates: Waited for one by one before each piece; one more than pieces gates the end.
        raw: Sent verbatim in place of everything else, then closed; obeys `reset_at` and `stall_at`.
        delay_event: Waited for before the first byte.
        close: Say `Connection: close`, and do.
    """

    status: int = 200
    reason: str | None = None
    headers: HeaderPairs = ()
    body: bytes = b""
    _: KW_ONLY
    chunks: Sequence[bytes] | None = None
    http_version: Literal["1.1", "1.0"] = "1.1"
    framing: Literal["length", "chunked", "close", "none"] | None = None
    informational: Sequence[tuple[int, HeaderPairs]] = ()
    truncate_at: int | None = None
    reset_at: int | None = None
    stall_at: int | None = None
    gates: Sequence[threading.Event] | None = None
    raw: bytes | None = None
    delay_event: threading.Event | None = None
    close: bool = False

    @property
    def cut(self) -> int | None:
        """After how many bytes of body the response breaks off; None when it does not."""
        return next((at for at in (self.truncate_at, self.reset_at, self.stall_at) if at is not None), None)


Handler = Callable[[Hit], Reply]


def json_reply(value: object, status: int = 200, headers: HeaderPairs = ()) -> Reply:
    """A Reply with a JSON body."""
    return Reply(status, headers=[("Content-Type", "application/json"), *headers], body=json.dumps(value).encode())


def text_reply(text: str, status: int = 200, headers: HeaderPairs = ()) -> Reply:
    """A Reply with a UTF-8 text body."""
    return Reply(status, headers=[("Content-Type", "text/plain; charset=utf-8"), *headers], body=text.encode())


# Reading requests -----------------------------------------------------------------------------------------------
