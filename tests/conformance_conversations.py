"""Rows about conversations: sessions, redirects, logins, uploads, retries, proxies, adapters."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import requests
from requests.adapters import HTTPAdapter
from requests.auth import HTTPBasicAuth, HTTPDigestAuth, HTTPProxyAuth
from urllib3.util.retry import Retry

from tests.conformance_world import World, error, jar, row, rows, seen

REDIRECTS = (301, 302, 303, 307, 308)


def hops(response: requests.Response) -> Any:
    return [
        (*seen(r, "status_code", "url", "request.method", "request.body", "content"), jar(r.cookies),
         sorted(r.request.headers.items()))
        for r in (*response.history, response)
    ]


rows("conversation", {
    "HEAD with Content-Length": lambda w: seen(
        w.session().head(w.url("/head-length")), "status_code", "content", "headers"),
    "204 and 304": lambda w: [
        (r.status_code, r.content, r.text, dict(r.headers)) for r in (w.get("/no-content"), w.get("/not-modified"))
    ],
    "100 then 200": lambda w: seen(w.get("/early-hints?status=100"), "status_code", "content"),
    "103": lambda w: seen(w.get("/early-hints?status=103"), "status_code", "content", "headers"),
    "Connection: close": lambda w: seen(w.get("/close"), "content", "headers", "raw.version"),
    "HTTP/1.0": lambda w: seen(w.get("/http10"), "content", "headers", "raw.version"),
    "until close": lambda w: seen(w.get("/until-close"), "content", "headers"),
    "OPTIONS, DELETE, PATCH, PROPFIND": lambda w: [
        w.session().request(m, w.url("/anything")).json() for m in ("OPTIONS", "DELETE", "PATCH", "PROPFIND")
    ],
    "redirects after GET": lambda w: [hops(w.get(f"/redirect/2?code={c}")) for c in REDIRECTS],
    "redirects after POST": lambda w: [
        hops(w.session().post(w.url(f"/redirect/1?code={c}"), data={"a": "1"})) for c in REDIRECTS
    ],
    "redirects after PUT of JSON": lambda w: [
        hops(w.session().put(w.url(f"/redirect/1?code={c}"), json={"a": 1})) for c in REDIRECTS
    ],
    "redirects after HEAD": lambda w: hops(w.session().head(w.url("/redirect/2"), allow_redirects=True)),
    "a redirect not followed": lambda w: hops(w.get("/redirect/2", allow_redirects=False)),
    "TooManyRedirects": lambda w: {
        name: getattr(value, "status_code", value) for name, value in error(lambda: w.get("/redirect/40")).items()},
    "a redirect to nowhere": lambda w: error(lambda: w.get("/redirect-to?url=http://"))["chain"],
    "a relative, encoded redirect with fragment": lambda w: [
        (r.url, r.json()["target"]) for r in (
            w.get("/redirect-to", params={"url": "/anything/%C3%A9?q=1#top"}), w.get("/redirect-to?url=anything%23a"))
    ],
    "cookies set on the way": lambda w: hops(w.get("/set-cookie-redirect")),
    "two identical 401s": lambda w: [w.get("/basic-auth/u/p").status_code for _ in range(2)],
    "polling": lambda w: [w.get("/poll?token=a").json() for _ in range(4)],
    "429 then 200": lambda w: [(w.get("/too-many?id=a&after=7")).status_code for _ in range(2)],
    "basic auth": lambda w: [
        w.get("/basic-auth/us/pa", auth=a).status_code for a in (("us", "pa"), HTTPBasicAuth("us", "no"), ("ü", "ß"))
    ],
    "auth in the URL": lambda w: seen(
        w.session().get(w.url("/basic-auth/us/pa").replace("://", "://us:pa@")), "status_code", "url"),
    "bearer": lambda w: [w.get("/bearer", headers={"Authorization": f"Bearer {t}"}).text for t in ("abc", "def")],
    "timeouts": lambda w: [w.get("/text", timeout=t).content for t in (5, (3, 4), (None, 5), None)],
    "https": lambda w: seen(w.session().get(w.https.url_for("/text")), "content", "url", "raw.url"),
    "https, verify=False": lambda w: w.session().get(w.https.url_for("/text"), verify=False).content,
    "client certificates": lambda w: w.session().get(
        w.mutual.url_for("/text"), cert=w.mutual.client_cert_path).content,
})


@row("conversation", "a redirect to another host loses Authorization")
def _cross_host(w: World) -> Any:
    session = w.session()
    target = w.other.url_for("/anything", host="localhost")
    response = session.get(w.url(f"/redirect-to?url={target}"), auth=("us", "pa"))
    return response.url, response.json(), hops(response)


@row("conversation", "a redirect from https to http")
def _downgraded(w: World) -> Any:
    response = w.session().get(w.https.url_for(f"/redirect-to?url={w.url('/anything')}"), auth=("us", "pa"))
    return hops(response)


@row("conversation", "redirects one by one")
def _next(w: World) -> Any:
    session, visited = w.session(), []
    response = session.get(w.url("/redirect/2"), allow_redirects=False)
    while response.next:
        visited.append((response.status_code, response.next.url))
        response = session.send(response.next, allow_redirects=False)
    return visited, response.json(), response.history


@row("conversation", "redirects streamed")
def _streamed_redirects(w: World) -> Any:
    return hops(w.get("/redirect/3", stream=True))


def same_time() -> Any:
    return mock.patch("requests.auth.time.ctime", return_value="t")


@row("conversation", "digest auth with all its legs")
def _digest(w: World) -> Any:
    session = w.session()
    session.auth = HTTPDigestAuth("us", "pa")
    with mock.patch("requests.auth.os.urandom", lambda n: b"n" * n), same_time():
        responses = [session.get(w.url("/digest-auth/us/pa")), session.get(w.url("/digest-auth/us/pa"))]
        wrong = w.session().get(w.url("/digest-auth/us/other"), auth=HTTPDigestAuth("us", "pa"))
    return (
        [(r.status_code, r.content, [h.status_code for h in r.history], [h.content for h in r.history],
          r.request.headers.get("Cookie")) for r in (*responses, wrong)],
        jar(session.cookies),
    )


@row("conversation", "digest auth after POST of a file")
def _digest_post(w: World) -> Any:
    with mock.patch("requests.auth.os.urandom", lambda n: b"n" * n), same_time():
        file = io.BytesIO(b"some bytes")
        response = w.session().post(w.url("/digest-auth/us/pa"), data=file, auth=HTTPDigestAuth("us", "pa"))
    return response.status_code, response.content, file.tell(), response.request.headers["Content-Length"]


@row("conversation", "netrc")
def _netrc(w: World) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "netrc")
        path.write_text("machine 127.0.0.1 login us password pa\n")
        session = w.session()
        session.trust_env = True
        with mock.patch.dict("os.environ", {"NETRC": str(path), "NO_PROXY": "*"}):
            return session.get(w.url("/basic-auth/us/pa")).json()


@row("conversation", "a session's headers, auth, params, cookies and hooks")
def _session_level(w: World) -> Any:
    session, calls = w.session(), []
    session.headers.update({"X-App": "test", "Accept": "a/b"})
    session.auth, session.params = ("us", "pa"), {"from": "session"}
    session.cookies.set("mine", "1")
    session.hooks["response"].append(lambda r, **_: calls.append(r.status_code))
    response = session.get(w.url("/anything"), params={"q": ["1", "2"]})
    return response.url, response.json(), calls, sorted(response.request.headers.items())


@row("conversation", "a login, then a page that needs it")
def _login(w: World) -> Any:
    session = w.session()
    session.get(w.url("/set-cookie-redirect"))
    return session.get(w.url("/cookies")).json(), session.post(w.url("/anything"), json={"a": [1]}).json()


# Uploads --------------------------------------------------------------------------------------------------------


def uploaded(w: World, **options: Any) -> Any:
    response = w.session().post(w.url("/upload"), **options)
    return response.json(), response.request.headers.get("Content-Length"), response.request.headers.get("Content-Type")


rows("upload", {
    "dict": lambda w: uploaded(w, data={"a": "1", "b": ["x", "y"], "ü": "é€"}),
    "pairs": lambda w: uploaded(w, data=[("a", "1"), ("a", "2")]),
    "JSON": lambda w: uploaded(w, json={"a": [1, "ü", None]}),
    "bytes": lambda w: uploaded(w, data=b"\x00\xff\r\n"),
    "bytearray": lambda w: uploaded(w, data=bytearray(b"abc")),
    "str": lambda w: uploaded(w, data="grüße €"),
    "empty with a Content-Type": lambda w: uploaded(w, data=b"", headers={"Content-Type": "application/json"}),
    "nothing": lambda w: uploaded(w),
    "BytesIO": lambda w: uploaded(w, data=io.BytesIO(b"x" * 100_000)),
    "StringIO": lambda w: uploaded(w, data=io.StringIO("text ü")),
    "a list's iterator": lambda w: uploaded(w, data=iter([b"one", b"two"])),
})


@row("upload", "an open file, and where it stands afterwards")
def _file(w: World) -> Any:
    with tempfile.TemporaryFile() as file:
        file.write(b"skip this, send the rest" * 1000)
        file.seek(11)
        result = uploaded(w, data=file)
        return result, file.tell(), file.closed


@row("upload", "the same file twice")
def _file_twice(w: World) -> Any:
    file = io.BytesIO(b"content")
    return uploaded(w, data=file), uploaded(w, data=file), file.tell()


@row("upload", "a generator is consumed once and sent in chunks")
def _generator(w: World) -> Any:
    taken: list[int] = []

    def generate() -> Iterator[bytes]:
        for number in range(5):
            taken.append(number)
            yield b"part %d," % number

    body = generate()
    response = w.session().post(w.url("/upload"), data=body)
    return response.json(), taken, list(body), response.request.body is body, dict(response.request.headers)


@row("upload", "an object that is iterated anew each time")
def _iterable(w: World) -> Any:
    class Parts:
        runs = 0

        def __iter__(self) -> Iterator[bytes]:
            self.runs += 1
            return iter([b"one,", b"two"])

    body = Parts()
    return uploaded(w, data=body), body.runs, list(body)


@row("upload", "a pipe, which cannot be rewound")
def _pipe(w: World) -> Any:
    class Pipe:
        def __init__(self) -> None:
            self.parts = [b"first", b"second", b""]

        def read(self, size: int = -1) -> bytes:
            return self.parts.pop(0)

        def __iter__(self) -> Iterator[bytes]:
            return iter(self.read, b"")

    pipe = Pipe()
    return uploaded(w, data=pipe), pipe.parts


@row("upload", "a generator that fails")
def _failing_generator(w: World) -> Any:
    def generate() -> Iterator[bytes]:
        yield b"one"
        raise KeyError("no second")

    return error(lambda: w.session().post(w.url("/upload"), data=generate()))


@row("upload", "a file redirected with 307")
def _redirected_file(w: World) -> Any:
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    response = w.session().post(w.url("/redirect/1?code=307"), data=file)
    return response.json()["text"], file.tell(), [h.status_code for h in response.history]


@row("upload", "a generator redirected with 307")
def _redirected_generator(w: World) -> Any:
    return error(lambda: w.session().post(w.url("/redirect/1?code=307"), data=(b for b in [b"a"])).content)


@row("upload", "multipart with several files and fields")
def _multipart(w: World) -> Any:
    with mock.patch("requests.models.encode_multipart_formdata", _with_boundary):
        response = w.session().post(
            w.url("/anything"), data={"field": "ü"}, files=[("f", ("a.bin", b"\x00\xff")), ("f", ("é.txt", "text"))])
    return response.json(), response.request.body


def _with_boundary(fields: Any) -> Any:
    from urllib3.filepost import encode_multipart_formdata

    return encode_multipart_formdata(fields, boundary="boundary")


# Adapters -------------------------------------------------------------------------------------------------------


def retrying(w: World, path: str, **options: Any) -> Any:
    adapter = HTTPAdapter(max_retries=Retry(backoff_factor=0.001, allowed_methods=None, **options))

    def call() -> Any:
        response = w.session(adapter).get(w.url(path))
        retries = response.raw.retries
        return (response.status_code, response.content, repr(retries), repr(retries.history), response.raw.geturl(),
                retries.total, retries.is_exhausted())

    return error(call)


rows("retry", {
    "two 503, then 200": lambda w: retrying(w, "/flaky/2?id=a", total=3, status_forcelist=[503]),
    "too many, as an error": lambda w: retrying(w, "/flaky/9?id=a", total=2, status_forcelist=[503]),
    "too many, as a response": lambda w: retrying(
        w, "/flaky/9?id=a", total=2, status_forcelist=[503], raise_on_status=False),
    "Retry-After": lambda w: retrying(w, "/too-many?id=a&after=0", total=3),
    "none allowed": lambda w: retrying(w, "/flaky/9?id=a", total=0, status_forcelist=[503], raise_on_status=False),
    "not needed": lambda w: retrying(w, "/text", total=3, status_forcelist=[503]),
    "an attempt that hangs up": lambda w: retrying(w, "/hangs-up-once", total=3),
}, record_failures=True)


@row("adapter", "a subclass's send and build_response", ways=("use_cassette",))
def _subclasses(w: World) -> Any:
    calls: list[str] = []

    class Own(HTTPAdapter):
        def send(self, *args: Any, **kwargs: Any) -> requests.Response:
            calls.append("send")
            response = super().send(*args, **kwargs)
            response.headers["X-Sent-By"] = "own"
            return response

        def build_response(self, req: Any, resp: Any) -> requests.Response:
            calls.append("build")
            response = super().build_response(req, resp)
            response.reason = f"built: {response.reason}"
            return response

        def add_headers(self, request: requests.PreparedRequest, **kwargs: Any) -> None:
            request.headers["X-Added"] = str(sorted(kwargs))

    class OwnSession(requests.Session):
        def request(self, *args: Any, **kwargs: Any) -> requests.Response:  # type: ignore[override]
            calls.append("request")
            return super().request(*args, **kwargs)

    own = Own()
    session = w.keep(OwnSession())
    session.trust_env = False
    session.mount(w.http.url, own)
    response = session.get(w.url("/text"))
    return calls, response.reason, response.content, response.headers["X-Sent-By"], sorted(response.request.headers)


@row("adapter", "a build_response that reads the body")
def _reading_build(w: World) -> Any:
    class Reading(HTTPAdapter):
        def build_response(self, req: Any, resp: Any) -> requests.Response:
            response = super().build_response(req, resp)
            response.seen = (resp.tell(), resp.read(4), resp.tell())  # type: ignore[attr-defined]
            return response

    session = w.session(Reading())
    whole, streamed = session.get(w.url("/text")), session.get(w.url("/text"), stream=True)
    return whole.seen, whole.content, streamed.seen, streamed.content  # type: ignore[attr-defined]


@row("adapter", "mounted on a prefix")
def _prefix(w: World) -> Any:
    session, visited = w.session(), []

    class Special(HTTPAdapter):
        def build_response(self, req: Any, resp: Any) -> requests.Response:
            visited.append(req.path_url)
            return super().build_response(req, resp)

    special = Special()
    session.mount(w.url("/anything"), w.adapter(special) if w.adapter else special)
    return [session.get(w.url(path)).status_code for path in ("/text", "/anything/1")], visited


@row("adapter", "requests.get and the module's functions", ways=("use_cassette",))
def _functions(w: World) -> Any:
    with mock.patch.dict("os.environ", {"NO_PROXY": "*"}):
        first = requests.get(w.url("/text"), params={"a": "1"}).text
        return [requests.request(m, w.url("/anything")).content for m in ("GET", "POST")], first


@row("proxy", "http")
def _http_proxy(w: World) -> Any:
    session = w.session()
    session.proxies = {"http": w.proxy.url}
    response = session.get(w.url("/text?a=1#f"))
    return response.content, response.raw.geturl(), response.url, dict(response.headers)


@row("proxy", "https, through a tunnel")
def _https_proxy(w: World) -> Any:
    response = w.session().get(w.https.url_for("/text"), proxies={"https": w.proxy.url})
    return response.content, response.raw.geturl()


@row("proxy", "with a name and password")
def _proxy_auth(w: World) -> Any:
    proxies = {"http": w.proxy.url.replace("://", "://user:pass@")}
    return w.get("/text", proxies=proxies).content, w.get("/text", auth=HTTPProxyAuth("a", "b")).content


@row("proxy", "one that wants a password")
def _refused(w: World) -> Any:
    response = w.get("/text", proxies={"http": w.refusing_proxy.url})
    return response.status_code, response.content, dict(response.headers)
