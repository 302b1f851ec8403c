"""Matchers: functions from a request to a hashable key. Two requests match when all their keys are equal.

Strategy: a key, not a comparison, because a key can be looked up: the cost of finding the answer does not grow with the
cassette, whatever the matchers are, and matching is an equivalence relation by construction. What is noise is left
out of the key. `resolve_matchers` turns all that `match_on` may be into `NamedMatcher` objects.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Any

from cassettes_lib.ignore_rules import NO_RULES, IgnoreRules, quoted
from cassettes_lib.jsonpath import JsonPath
from cassettes_lib.keywords import explain_wrong_keywords, nearest
from cassettes_lib.matching_bodies import BodyRules, body_key, raw_body_key
from cassettes_lib.matching_texts import rules_out
from cassettes_lib.matching_urls import canonical_url, url_key
from cassettes_lib.media import media_type
from cassettes_lib.models import InteractionRequest

Matcher = Callable[[InteractionRequest], Hashable]
RulesOut = Callable[[InteractionRequest, Callable[[str], bool]], Callable[[bytes], bool] | None]
LineMatcher = Callable[[str, str], Hashable]
MatchOn = str | Matcher | Iterable["str | Matcher | MatchOn"]

DEFAULT_MATCH_ON: tuple[str, ...] = ("method", "url", "body")
MATCHER_NAMES = ("method", "url", "scheme", "host", "port", "path", "query", "headers", "body", "raw_body")

# What the neighbours, or people in a hurry, call our matchers.
_FOREIGN_NAMES = {
    "uri": "'uri' of vcrpy and betamax is 'url' here",
    "digest-auth": "betamax's 'digest-auth' is not needed here: leave it out, because headers are not compared by "
    "default; header('Authorization') compares that one",
    "body_as_json": "'body' compares JSON by value",
    "json": "'body' compares JSON by value; ignoring(json=[...]) leaves members out",
    "form": "'body' compares forms by their fields; ignoring(form=[...]) leaves fields out",
    "header": "one header is compared by header('Accept'), all by 'headers'",
    "params": "the parameters in the URL are compared by 'query'",
    "querystring": "the parameters in the URL are compared by 'query'",
    "hostname": "'host' compares the name of the host",
    "domain": "'host' compares the name of the host",
    "protocol": "'scheme' tells http from https",
    "verb": "'method' compares the method",
    "content": "'body' compares the body",
    "data": "'body' compares the body",
}


@dataclass(frozen=True)
class NamedMatcher:
    """A matcher that knows its name; call it with a request to get the key.

    Attributes:
        source: How it is written in `match_on`, without what it ignores: `"url"`, `header("Accept")`, `my_function`.
        part: The name in `MATCHER_NAMES` it compares by, or "" for a function of the user.
        key: The function from a request to the key.
        line_key: The same from method and URL, for a matcher that looks at nothing else; or None.
        rules: What it leaves out.
        raw_key: Gives a cheap key, or None; requests with equal raw keys have equal keys, which saves the index work.
        rules_out: Gives a function that tells from the text of a recorded body that its key is another one; or None.
        header_names: The headers that `header(...)` compares, in small letters; None for all others.
    """

    source: str
    part: str
    key: Matcher = field(repr=False)
    line_key: LineMatcher | None = field(default=None, repr=False, compare=False)
    rules: IgnoreRules = NO_RULES
    raw_key: Callable[[InteractionRequest], Hashable | None] | None = field(default=None, repr=False, compare=False)
    header_names: tuple[str, ...] | None = None
    rules_out: RulesOut | None = field(default=None, repr=False, compare=False)

    def __call__(self, request: InteractionRequest) -> Hashable:
        """Return the key of a request."""
        return self.key(request)

    @property
    def label(self) -> str:
        """What it compares, in short: `url`, `header("Accept")`, `my_function`."""
        return self.part if self.part not in ("", "header") else self.source

    @property
    def name(self) -> str:
        """The name for messages, with what it leaves out: `url ignoring query=["ts"]`."""
        if self.rules == NO_RULES:
            return self.label
        return f"{self.label} ignoring {', '.join(self.rules.arguments())}"

    def ignoring(self, rules: IgnoreRules) -> NamedMatcher:
        """Return the matcher that leaves out more; one that has nothing to do with these rules returns itself."""
        return _RULED[self.part](self.rules | rules, self.header_names) if self.part in _RULED else self


def resolve_matchers(match_on: MatchOn) -> tuple[NamedMatcher, ...]:
    """Return the matchers that `match_on` stands for.

    Args:
        match_on: A name, a function, the value of a factory (`header`, `headers`, `url`, `body`) or of `ignoring`, or
            several of them.

    Raises:
        ValueError: An unknown name, whose text lists the known ones and the nearest; or no matcher at all.
        TypeError: Something that is none of these.
    """
    if type(match_on) is tuple and set(map(type, match_on)) == {NamedMatcher}:
        return match_on  # as this has given it
    matchers = tuple(_resolved(match_on))
    if not matchers:
        raise ValueError(f"match_on is empty, so any request would match any other; {_known()}")
    return matchers


def header(*names: str) -> NamedMatcher:
    """Compare these headers; repeats are joined (RFC 9110 section 5.3).

    Args:
        names: Names of headers; the case is free.

    Raises:
        TypeError: There is no name, or one that is not a text.

    Example:
        use_cassette("cassettes/orders.json", match_on=("method", "url", header("Accept")))
    """
    if not names:
        raise TypeError('header() compares the headers it is given: header("Accept")')
    return _header_matcher(NO_RULES, tuple(_names(names, "header()")))


@explain_wrong_keywords()
def headers(*, ignore: str | Iterable[str] = ()) -> NamedMatcher:
    """Compare all headers but those to ignore; the order of different names is free.

    Args:
        ignore: Names of headers; the case is free.

    Example:
        use_cassette("cassettes/orders.json", match_on=("method", "url", headers(ignore=["Date"])))
    """
    return _headers_matcher(IgnoreRules(headers=_lower_names(ignore, "headers(ignore=...)")))


@explain_wrong_keywords()
def url(*, ignore: str | Iterable[str] = ()) -> NamedMatcher:
    """Compare the URL as `"url"` does, but for some query parameters.

    Args:
        ignore: Names of query parameters.

    Example:
        use_cassette("cassettes/orders.json", match_on=("method", url(ignore=["ts"]), "body"))
    """
    return _url_matcher(IgnoreRules(query=frozenset(_names(ignore, "url(ignore=...)"))))


@explain_wrong_keywords(path="json=[...]", fields="form=[...]")
def body(
    *, ignore: str | Iterable[str] = (), json: str | Iterable[str] = (), form: str | Iterable[str] = ()
) -> NamedMatcher:
    """Compare the body as `"body"` does, but for what is to be ignored.

    Args:
        ignore: JSON paths in JSON bodies, names of fields in forms: each entry is both.
        json: JSON paths only.
        form: Names of form fields only, urlencoded or multipart.

    Raises:
        ValueError: What is to be a JSON path is none.

    Example:
        use_cassette("cassettes/orders.json", match_on=("method", "url", body(json=["$.nonce"], form=["csrf"])))
    """
    both = _names(ignore, "body(ignore=...)")
    return _body_matcher(
        IgnoreRules(
            form=frozenset([*both, *_names(form, "body(form=...)")]),
            json=_paths([*both, *_names(json, "body(json=...)")]),
        )
    )


@explain_wrong_keywords(
    url="query=[...], the parameters to leave out", params="query=[...]", body="json=[...] or form=[...]",
    data="form=[...]", fields="json=[...] or form=[...]", cookies="headers=['Cookie']",
)
def ignoring(
    *,
    query: str | Iterable[str] = (),
    form: str | Iterable[str] = (),
    json: str | Iterable[str] = (),
    headers: str | Iterable[str] = (),
    match_on: MatchOn = DEFAULT_MATCH_ON,
) -> tuple[NamedMatcher, ...]:
    """Return `match_on` with noise removed: what is named here may differ, or be missing, and requests still match.

    Args:
        query: Names of query parameters.
        form: Names of form fields, urlencoded or multipart.
        json: Paths into JSON bodies (see `jsonpath`): `$.a.b`, `items[*].id`, `..nonce`.
        headers: Names of headers, for a `match_on` that compares headers.
        match_on: The match to start from.

    Returns:
        The matchers, for `match_on`.

    Raises:
        TypeError: A name is no text, or a keyword is unknown; the text names the right one.
        ValueError: What is to be a JSON path is none, or a matcher is unknown.

    Example:
        use_cassette("cassettes/orders.json", match_on=ignoring(query=["ts"], json=["$.nonce"]))
    """
    rules = IgnoreRules(
        frozenset(_names(query, "ignoring(query=...)")),
        frozenset(_names(form, "ignoring(form=...)")),
        _paths(_names(json, "ignoring(json=...)")),
        _lower_names(headers, "ignoring(headers=...)"),
    )
    if rules.form or rules.json:  # noise of changing length changes the length of the body
        rules |= IgnoreRules(headers=frozenset(["content-length"]))
    return tuple(matcher.ignoring(rules) for matcher in resolve_matchers(match_on))


def _resolved(match_on: Any) -> Iterable[NamedMatcher]:
    if isinstance(match_on, str):
        yield _named(match_on)
    elif isinstance(match_on, NamedMatcher):
        yield match_on
    elif match_on is header or match_on is ignoring:
        raise TypeError(f"{match_on.__name__} is to be called: " + _EXAMPLES[match_on.__name__])
    elif match_on is url or match_on is body or match_on is headers:
        yield match_on()
    elif callable(match_on):
        from cassettes_lib.own_keys import own_key

        key = own_key(match_on)
        yield NamedMatcher(key.name, "", key)
    elif isinstance(match_on, (set, frozenset)):
        for each in sorted(match_on, key=str):
            yield from _resolved(each)
    elif isinstance(match_on, (list, tuple)) or (hasattr(match_on, "__iter__") and not hasattr(match_on, "keys")):
        if isinstance(match_on, (bytes, bytearray)):
            raise TypeError(f"match_on takes names as str, not {match_on!r}")
        for each in match_on:
            yield from _resolved(each)
    else:
        raise TypeError(f"match_on takes names, functions and factories of matchers, not {match_on!r}; {_known()}")


_EXAMPLES = {"header": 'header("Accept")', "ignoring": 'match_on=ignoring(query=["ts"])'}


def _named(name: str) -> NamedMatcher:
    if name in _NAMED:
        return _NAMED[name]
    hint = _FOREIGN_NAMES.get(name.lower())
    if not hint:
        near = nearest(name.lower(), MATCHER_NAMES, cutoff=0.5)
        hint = f"did you mean {near!r}?" if near else ""
    raise ValueError(f"unknown matcher {name!r}" + (f": {hint}" if hint else "") + f"; {_known()}")


def _known() -> str:
    return (
        f"known are {', '.join(MATCHER_NAMES)}, the factories header(...), headers(...), url(...), body(...) "
        "and ignoring(...), and any function from a request to a hashable key"
    )


def _names(given: str | Iterable[str], where: str) -> list[str]:
    names = [given] if isinstance(given, str) else list(given)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"{where} takes names as str, not {name!r}")
    return names


def _lower_names(given: str | Iterable[str], where: str) -> frozenset[str]:
    return frozenset(name.lower() for name in _names(given, where))


def _paths(texts: Iterable[str]) -> tuple[JsonPath, ...]:
    return tuple(dict.fromkeys(JsonPath.parse(text) for text in texts))


def _url_matcher(rules: IgnoreRules, _: Any = None) -> NamedMatcher:
    names = rules.query

    def line_key(method: str, url: str) -> Hashable:
        return canonical_url(url).without_query(names).text() if names else url_key(url)

    return _line_matcher("url", line_key, IgnoreRules(query=names))


def _query_matcher(rules: IgnoreRules, _: Any = None) -> NamedMatcher:
    names = rules.query

    def line_key(method: str, url: str) -> Hashable:
        return canonical_url(url).without_query(names).query

    return _line_matcher("query", line_key, IgnoreRules(query=names))


def _line_matcher(name: str, line_key: LineMatcher, rules: IgnoreRules = NO_RULES) -> NamedMatcher:
    return NamedMatcher(f'"{name}"', name, lambda request: line_key(request.method, request.url), line_key, rules)


def _body_matcher(rules: IgnoreRules, _: Any = None) -> NamedMatcher:
    left_out = BodyRules(rules.json, rules.form)
    return NamedMatcher(
        '"body"',
        "body",
        (lambda request: body_key(request, left_out)) if left_out else body_key,
        rules=IgnoreRules(form=rules.form, json=rules.json),
        raw_key=raw_body_key,
        rules_out=lambda request, may_differ: rules_out(request, left_out, may_differ=may_differ),
    )


def _headers_matcher(rules: IgnoreRules, _: Any = None) -> NamedMatcher:
    ignored = rules.headers

    def key(request: InteractionRequest) -> Hashable:
        lowered = ((name.lower(), value) for name, value in request.headers)
        # Stable: the repeats of one name keep their order.
        kept = sorted((pair for pair in lowered if pair[0] not in ignored), key=lambda pair: pair[0])
        return tuple((name, header_value(name, value)) for name, value in kept)

    return NamedMatcher('"headers"', "headers", key, rules=IgnoreRules(headers=ignored))


def _header_matcher(rules: IgnoreRules, names: tuple[str, ...] | None) -> NamedMatcher:
    names = names or ()
    compared = [name.lower() for name in names if name.lower() not in rules.headers]

    def key(request: InteractionRequest) -> Hashable:
        values = ((name, request.header(name)) for name in compared)
        return tuple(value and header_value(name, value) for name, value in values)

    return NamedMatcher(
        f"header({', '.join(quoted(name) for name in names)})",
        "header",
        key,
        rules=IgnoreRules(headers=rules.headers & {name.lower() for name in names}),
        header_names=names,
    )


def keys_equal(matcher: NamedMatcher, one: InteractionRequest, other: InteractionRequest) -> bool:
    """Tell whether a matcher gives two requests equal keys."""
    try:
        return bool(matcher.key(one) == matcher.key(other))
    except Exception:  # noqa: BLE001 - a user's matcher may rely on matchers before it, which here have not been equal
        return False


def header_value(name: str, value: str) -> str:
    """Return the value of a header (its name in small letters) as it compares: without a multipart boundary."""
    if name == "content-type" and "boundary" in value.lower() and value.lstrip()[:10].lower() == "multipart/":
        return media_type(value).canonical
    return value


_RULED: dict[str, Callable[[IgnoreRules, tuple[str, ...] | None], NamedMatcher]] = {
    "url": _url_matcher,
    "query": _query_matcher,
    "body": _body_matcher,
    "headers": _headers_matcher,
    "header": _header_matcher,
}

_NAMED: dict[str, NamedMatcher] = {
    "method": _line_matcher("method", lambda method, url: method),
    "url": _url_matcher(NO_RULES),
    "scheme": _line_matcher("scheme", lambda method, url: canonical_url(url).scheme),
    "host": _line_matcher("host", lambda method, url: canonical_url(url).host),
    "port": _line_matcher("port", lambda method, url: canonical_url(url).port),
    "path": _line_matcher("path", lambda method, url: canonical_url(url).path),
    "query": _query_matcher(NO_RULES),
    "headers": _headers_matcher(NO_RULES),
    "body": _body_matcher(NO_RULES),
    "raw_body": NamedMatcher('"raw_body"', "raw_body", lambda request: request.body),
}
