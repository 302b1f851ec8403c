"""Rows about streams."""

from __future__ import annotations

import gc
from typing import Any

from tests.conformance_world import World, error, row, rows, seen


def streamed(w: World, path: str, **options: Any) -> Any:
    return w.get(path, stream=True, **options)


rows("stream", {
    "chunks as they were sent": lambda w: [
        list(streamed(w, f"/chunked?sizes={sizes}").iter_content(None)) for sizes in ("3,7,1", "100,1,50", "8000,9000")
    ],
    "events": lambda w: list(streamed(w, "/events?count=5").iter_content(None)),
    "by small pieces over chunks": lambda w: list(streamed(w, "/chunked?sizes=3,7,1").iter_content(4)),
    "content of a stream": lambda w: seen(streamed(w, "/chunked"), "content", "raw.closed", "raw._fp_bytes_read"),
    "a megabyte": lambda w: [len(p) for p in streamed(w, "/binary?size=1000000").iter_content(65536)],
    "chunked gzip by chunks": lambda w: list(streamed(w, "/chunked-gzip").iter_content(None)),
    "flushed gzip by chunks": lambda w: list(streamed(w, "/flushed-gzip").iter_content(None)),
    "flushed gzip as it is": lambda w: [len(p) > 0 for p in streamed(w, "/flushed-gzip").raw.stream()],
    "HEAD": lambda w: seen(w.session().head(w.url("/text"), stream=True), "content", "raw.closed"),
    "204": lambda w: [(list(r.iter_content(3)), r.raw.closed) for r in [streamed(w, "/no-content")]],
})


@row("stream", "closed early")
def _closed_early(w: World) -> Any:
    results = []
    for path in ("/binary?size=100000", "/chunked?sizes=100,200,300", "/until-close", "/gzip", "/events?count=9"):
        response = streamed(w, path)
        first = response.raw.read(10)
        before = response.raw.length_remaining, response.raw.tell(), dict(response.headers)
        response.close()
        results.append((first, before, response.raw.closed, error(lambda r=response: r.raw.read(5))))
    return results


@row("stream", "dropped unread")
def _dropped(w: World) -> Any:
    response = streamed(w, "/binary?size=5000")
    head = response.status_code, dict(response.headers)
    del response
    gc.collect()
    return head, w.get("/text").content


@row("stream", "two at once, read in turns")
def _interleaved(w: World) -> Any:
    first, second = streamed(w, "/chunked?sizes=2,2,2"), streamed(w, "/chunked?sizes=3,3")
    return [piece for pair in zip(first.iter_content(None), second.iter_content(None), strict=False) for piece in pair]


@row("stream", "in a with block that is left early")
def _with_block(w: World) -> Any:
    with streamed(w, "/events?count=5") as response:
        for line in response.iter_lines():
            if line.startswith(b"data: event 1"):
                break
    return line, response.raw.closed
