"""Rows about `requests.Response`."""

from __future__ import annotations

import pickle
from datetime import timedelta
from typing import Any

import requests

from tests.conformance_world import World, error, jar, row, rows

TEXTS = ("/text", "/latin1", "/wrong-charset", "/unknown-charset", "/no-type", "/image", "/json", "/json-no-charset")

rows("response", {
    "exact type": lambda w: (type(w.get("/text")) is requests.Response, sorted(vars(w.get("/text")))),
    "status_code": lambda w: [w.get(f"/status/{code}").status_code for code in (200, 201, 206, 404, 418, 500, 599)],
    "reason": lambda w: [w.get(p).reason for p in ("/status/200", "/status/299?reason=Quite%20Fine", "/empty-reason")],
    "url with fragment": lambda w: w.get("/text?b=2&a=1&a=%20#part").url,
    "url with unicode": lambda w: w.get("/anything/é?q=日本").url,
    "headers": lambda w: list(w.get("/repeated-headers").headers.items()),
    "headers case-insensitively": lambda w: [
        w.get("/repeated-headers").headers.get(n) for n in ("x-mixed-case", "X-THING", "x-empty", "none")
    ],
    "headers in latin-1": lambda w: list(w.get("/latin1-header").headers.items()),
    "headers are of the exact type": lambda w: type(w.get("/text").headers).__name__,
    "encoding": lambda w: [w.get(path).encoding for path in TEXTS],
    "apparent_encoding": lambda w: [w.get(path).apparent_encoding for path in TEXTS],
    "text": lambda w: [w.get(path).text for path in TEXTS],
    "content": lambda w: [w.get(path).content for path in (*TEXTS, "/binary?size=70000&seed=3", "/no-content")],
    "json": lambda w: [w.get(path).json() for path in ("/json", "/json-no-charset", "/gzip")],
    "json error": lambda w: [error(w.get(path).json) for path in ("/bad-json", "/text", "/no-content")],
    "raise_for_status": lambda w: [
        error(w.get(path).raise_for_status)["chain"][:2] if code >= 400 else w.get(path).raise_for_status()
        for code, path in ((200, "/text"), (404, "/status/404"), (500, "/status/500?reason=Oh%20dear"))
    ],
    "ok": lambda w: [w.get(path).ok for path in ("/text", "/status/404", "/status/503")],
    "repr and bool": lambda w: [(repr(w.get(path)), bool(w.get(path))) for path in ("/text", "/status/404")],
    "links": lambda w: w.get("/links").links,
    "elapsed": lambda w: (type(w.get("/text").elapsed), w.get("/text").elapsed > timedelta(0)),
    "close is harmless": lambda w: [(r.close(), r.content) for r in [w.get("/text")]],
    "iter_content of a read response": lambda w: [
        list(w.get("/text").iter_content(size)) for size in (1, 7, None)
    ],
    "iterating": lambda w: [list(w.get("/text")), list(w.get("/binary?size=300"))],
    "a fresh object each time": lambda w: len({id(r) for r in [w.get("/text") for _ in range(3)]}),
})

for _size in (1, 7, 4096, None):
    for _unicode in (False, True):
        for _path in ("/text", "/latin1", "/image", "/gzip", "/chunked-crlf", "/no-content"):
            def _iterated(w: World, path: str = _path, size: Any = _size, unicode: bool = _unicode) -> Any:
                return list(w.get(path, stream=True).iter_content(size, decode_unicode=unicode))

            row("iterating", f"iter_content of {_path} by {_size}{' as text' if _unicode else ''}")(_iterated)

rows("iterating", {
    "iter_lines over split CRLF": lambda w: list(w.get("/chunked-crlf", stream=True).iter_lines()),
    "iter_lines by None": lambda w: list(w.get("/chunked-crlf", stream=True).iter_lines(chunk_size=None)),
    "iter_lines by 1": lambda w: list(w.get("/chunked-crlf", stream=True).iter_lines(chunk_size=1)),
    "iter_lines as text": lambda w: list(w.get("/text", stream=True).iter_lines(decode_unicode=True)),
    "iter_lines with a delimiter": lambda w: list(w.get("/chunked-crlf", stream=True).iter_lines(delimiter=b"\r\n")),
    "iter_lines of events": lambda w: list(w.get("/events?count=4", stream=True).iter_lines()),
})


@row("iterating", "StreamConsumedError")
def _consumed(w: World) -> Any:
    response = w.get("/text", stream=True)
    first = list(response.iter_content(4))
    return first, error(lambda: list(response.iter_content(4))), error(lambda: response.content)


@row("iterating", "content twice, then iter_content")
def _content_twice(w: World) -> Any:
    response = w.get("/text", stream=True)
    return response.content, response.content is response.content, list(response.iter_content(4))


@row("iterating", "half iterated, then content")
def _half(w: World) -> Any:
    response = w.get("/binary?size=1000", stream=True)
    return next(response.iter_content(100)), error(lambda: response.content)


@row("iterating", "closed unread, then content")
def _closed_unread(w: World) -> Any:
    response = w.get("/binary?size=100", stream=True)
    response.close()
    return error(lambda: response.content), response.raw.closed, response.raw.isclosed()


@row("iterating", "context manager")
def _context(w: World) -> Any:
    with w.get("/text", stream=True) as response:
        before = response.raw.closed
        part = next(response.iter_content(3))
    return before, part, response.raw.closed, error(lambda: response.content)


@row("iterating", "wrong chunk size")
def _wrong_size(w: World) -> Any:
    response = w.get("/text", stream=True)
    return error(lambda: response.iter_content("x"))["chain"][0], response.content  # type: ignore[arg-type]


@row("response", "the encoding can be set")
def _set_encoding(w: World) -> Any:
    response = w.get("/latin1")
    before = response.text
    response.encoding = "utf-8"
    return before, response.text


@row("response", "pickling")
def _pickling(w: World) -> Any:
    copy = pickle.loads(pickle.dumps(w.get("/redirect/2")))
    return {
        "vars": sorted(vars(copy)), "content": copy.content, "headers": list(copy.headers.items()), "url": copy.url,
        "history": [(each.status_code, each.url) for each in copy.history], "cookies": jar(copy.cookies),
        "encoding": copy.encoding, "reason": copy.reason, "request": copy.request.url,
    }


@row("response", "cookies")
def _cookies(w: World) -> Any:
    response = w.get("/cookies/set?one=1&two=zwei")
    lasting = [c for c in response.cookies if c.name != "aged"]
    return jar(response.cookies, ages=True), sorted((c.name, c.expires) for c in lasting), dict(response.cookies)


@row("response", "cookies that are quoted, empty or odd")
def _odd_cookies(w: World) -> Any:
    response = w.get("/odd-cookies")
    return jar(response.cookies, ages=True), response.headers["Set-Cookie"], response.raw.headers.getlist("Set-Cookie")


@row("response", "the session's cookies and what it sends next")
def _session_cookies(w: World) -> Any:
    session = w.session()
    session.get(w.url("/cookies/set?one=1&two=2"))
    return jar(session.cookies, ages=True), session.get(w.url("/cookies")).json(), session.get(w.url("/json")).ok


@row("response", "history and next")
def _history(w: World) -> Any:
    response = w.get("/redirect/3")
    hop = w.get("/redirect/2", allow_redirects=False)
    assert hop.next is not None
    return (
        [(r.status_code, r.url, r.content, list(r.headers.items()), [h.url for h in r.history])
         for r in response.history],
        response.url, response.is_redirect,
        hop.is_redirect, hop.is_permanent_redirect, hop.next.url, hop.next.method,
        w.get("/redirect/1?code=301", allow_redirects=False).is_permanent_redirect,
        w.get("/redirect/1?code=308", allow_redirects=False).is_permanent_redirect,
    )


@row("response", "the request is the very object, and the connection the session's adapter")
def _request(w: World) -> Any:
    session = w.session()
    prepared = session.prepare_request(requests.Request("POST", w.url("/anything"), data={"a": "1"}))
    response = session.send(prepared)
    return (
        response.request is prepared, prepared.body, sorted(prepared.headers.items()),
        response.connection is session.get_adapter(prepared.url or ""),
    )


@row("response", "connection.send works")
def _connection_send(w: World) -> Any:
    response = w.get("/json")
    again = requests.Request("GET", w.url("/text")).prepare()
    second = response.connection.send(again, timeout=5)
    return second.status_code, second.content, second.elapsed, second.request is again, len(second.history)


@row("response", "hooks are called once")
def _hooks(w: World) -> Any:
    calls: list[Any] = []
    session = w.session()
    session.hooks["response"].append(lambda r, **k: calls.append(("session", r.status_code, sorted(k))))
    session.get(w.url("/redirect/1"), hooks={"response": lambda r, **k: calls.append(("request", r.url, k["stream"]))})
    return calls


@row("response", "a hook sees an unread response and may replace it")
def _hook_reads(w: World) -> Any:
    seen: list[Any] = []

    def hook(response: requests.Response, **_: Any) -> requests.Response:
        seen.append((response._content, response.raw.closed, response.raw.tell(), response.raw.length_remaining))
        seen.append(response.raw.read(4))
        return response

    response = w.get("/text", hooks={"response": hook})
    return seen, response.content
