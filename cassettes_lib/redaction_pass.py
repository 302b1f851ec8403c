"""One pass over a message: what each place of it becomes.

Strategy: the walkers (`redaction_urls`, `redaction_headers`, `redaction_bodies`, `redaction_text`) know the places and
ask this object about values. What was found to hold no secret is remembered as long as no further secret is learnt,
so that the same URL or header costs a look-up the next time.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from pydantic import BaseModel

from cassettes_lib.codings import MOST_OF_A_RESPONSE, decoded
from cassettes_lib.header_pairs import Headers
from cassettes_lib.json_places import is_json, looks_like_json
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.models import Interaction, InteractionFailure, InteractionRequest, InteractionResponse
from cassettes_lib.redaction_bodies import FORM, is_valued, redacted_binary, redacted_body, redacted_json
from cassettes_lib.redaction_boundaries import unframed
from cassettes_lib.redaction_headers import credentials, redacted_header
from cassettes_lib.redaction_memory import Memory, Where
from cassettes_lib.redaction_rules import Rules
from cassettes_lib.redaction_text import redacted_text
from cassettes_lib.redaction_urls import host_of, last_segment, redacted_pairs, redacted_url
from cassettes_lib.replacements import is_replacement
from cassettes_lib.secret_names import Verdict, word_set
from cassettes_lib.secret_shapes import has_escaped_shape, has_shape, is_empty, plainly, shapes_in
from cassettes_lib.telling_paths import has_telling_segment

_MEMORY_SIZE = 4096
_MAX_DEPTH = 10
_KIND_SECRET = late_pattern(r'"kind"\s*:\s*"Secret(?:List)?"')
_REPLACED_VALUE = late_pattern(r'"REDACTED-\d+"')
_LONG_ENOUGH = '"' * 13  # a shorter text would not be searched for shapes, though one in which it stands is
_NAME_BEFORE = late_pattern(r'"[^"\\]*"\s*:\s*"\Z')
_NOT_IN_URL = late_pattern(r"[\s<>\"']")
_KNOWN_FIELDS = {
    InteractionRequest: frozenset(("method", "url", "headers", "body")),
    InteractionResponse: word_set(
        "status headers body wire_body recoding chunk_sizes http_version closed_early"
    ),
    InteractionFailure: frozenset(("error",)),
    Interaction: frozenset(("recorded_at", "request", "response", "failure")),
}


@cache
def _other_fields(kind: type[BaseModel]) -> tuple[str, ...]:
    known = _KNOWN_FIELDS.get(kind, frozenset())
    return tuple(name for name in kind.model_fields if name not in known)


class Scope(NamedTuple):
    """What the present document may hold.

    Attributes:
        names: Names of secrets.
        shapes: Secrets that their shape gives away.
        places: URLs with user information, or with segments that announce a secret.
        known: Known values.
        secret_objects: Kubernetes' objects of the kind `Secret`.
    """

    names: bool
    shapes: bool
    places: bool
    known: bool
    secret_objects: bool = False


class Pass:
    """What the walkers ask (see `redaction_scrub.Scrub`), and the redaction of whole messages."""

    def __init__(self, rules: Rules, memory: Memory) -> None:
        self.rules = rules
        self.awaits_secret = False
        self._memory = memory
        self._depth = 0
        self._scope = Scope(True, True, True, True)
        self._shapeless = ""  # the last document; the gate looks at it again
        self._unchanged: set[tuple[str, str]] = set()
        self._unchanged_at = 0

    def request(self, request: InteractionRequest) -> InteractionRequest:
        """Redact a request; the same object when nothing changed."""
        update: dict[str, Any] = {}
        url = self.request_url(request.url)
        if url is not request.url:
            update["url"] = url
        headers = self._headers(request.headers, "request")
        if headers is not request.headers:
            update["headers"] = headers
        if request.body:
            body = redacted_body(
                self, request.body, request.header("Content-Type"), "request body",
                content_encoding=request.header("Content-Encoding"),
            )  # fmt: skip
            if body != request.body:
                update["body"] = body
        if request.model_extra:
            update.update(self._others(request))
        return request.model_copy(update=update) if update else request

    def request_url(self, url: str) -> str:
        """Redact the URL of a request; the same object when nothing changed."""
        self._forget_when_learnt()
        if ("", url) in self._unchanged:
            return url
        self.host(host_of(url))
        new = self.url(url, "request URL")
        if new != url:
            return new
        self._remember(("", url))
        return url

    def knows_headers(self, headers: Headers) -> bool:
        """Tell whether all of these were found to hold no secret; threads may call it while others redact."""
        return self._unchanged_at == self._memory.taints and self._unchanged.issuperset(headers)

    def request_headers(self, request: InteractionRequest) -> Headers:
        """Redact the headers of a request; the same object when nothing changed."""
        self._forget_when_learnt()
        return self._headers(request.headers, "request")

    def response(self, response: InteractionResponse) -> InteractionResponse:
        """Redact a response; the same object when nothing changed."""
        self._forget_when_learnt()
        update = self._others(response)
        headers = self._headers(response.headers, "response")
        if headers is not response.headers:
            update["headers"] = headers
        if response.body:
            update.update(self._response_body(response))
        return response.model_copy(update=update) if update else response

    def interaction(self, interaction: Interaction) -> Interaction:
        """Redact an interaction; the same object when nothing changed."""
        update = self._others(interaction)
        request = self.request(interaction.request)
        if request is not interaction.request:
            update["request"] = request
        if interaction.response:
            self.awaits_secret = self.rules.fields.verdict(last_segment(interaction.request.url)) is Verdict.YES
            try:
                response = self.response(interaction.response)
            finally:
                self.awaits_secret = False
            if response is not interaction.response:
                update["response"] = response
        if interaction.failure and (others := self._others(interaction.failure)):
            update["failure"] = interaction.failure.model_copy(update=others)
        return interaction.model_copy(update=update) if update else interaction

    def secret(self, value: str, where: Where, by: str = "name") -> str:
        """Return what stands for a value that stands under a secret's name; itself when it holds no secret."""
        if is_empty(value) or is_replacement(value) or self._memory.is_kept(value):
            return value
        return self._memory.secret(value, where, by)

    def secret_number(self, literal: str, where: Where) -> str:
        """Return the number literal that stands for a number under a secret's name."""
        return self._memory.secret_number(literal, where, "name")

    def credentials(self, value: str, where: Where) -> str:
        """Redact the value of an Authorization header, which may stand elsewhere too."""
        return credentials(self, value, where)

    def leaf(self, text: str, where: Where) -> str:
        """Redact a text that stands under no secret's name: JSON, a URL, a form, or prose that holds some."""
        text = self.known(text, where)  # first, else the rules for text might find a part of it only
        if len(text) >= 6 and self._depth < _MAX_DEPTH and self.is_suspicious(text):
            taints = self._memory.taints
            self._depth += 1
            try:
                text = self._nested(text, where)
            finally:
                self._depth -= 1
            if self._memory.taints != taints:
                text = self.known(text, where)
        return text

    def _nested(self, text: str, where: Where) -> str:
        if looks_like_json(text):
            text = redacted_json(self, text, where)
            if is_json(text):
                return text
        if "://" in text[:20] and not _NOT_IN_URL.search(text):
            return redacted_text(self, self.url(text, where), where)
        if "&" in text and "=" in text and FORM.fullmatch(text):
            return redacted_pairs(self, self.shapeless(text, where), where, is_query=False)
        return redacted_text(self, text, where)

    def url(self, url: str, where: Where, *, is_redirect: bool = False) -> str:
        """Redact a URL, absolute or relative: the same way wherever it stands, so that what follows it matches."""
        if "@" in url or self.is_suspicious(url):
            url = self.known(url, where)  # first, since a known value may be more than the value of one parameter
            url = redacted_url(self, self.shapeless(url, where), where, is_redirect=is_redirect)
        return self.known(url, where)

    def shapeless(self, text: str, where: Where) -> str:
        """Remove secrets that their shape gives away."""
        if has_shape(text):
            for start, end in sorted(shapes_in(text), reverse=True):
                if not self.is_kept(text[start:end]):
                    text = text[:start] + self._memory.secret(text[start:end], where, "shape") + text[end:]
        return text

    def name(self, name: str, where: Where) -> str:
        """Remove known values, and what its shape gives away, from the name of a member, a field or a cookie."""
        return self.known(self.shapeless(name, where), where) if len(name) >= 8 else name

    def gated(self, interaction: Interaction) -> Interaction:
        """Remove known values and shapes from wherever a text stands, whatever it is part of."""
        update: dict[str, Any] = {}
        request, response, failure = interaction.request, interaction.response, interaction.failure
        update["request"] = request.model_copy(
            update={"url": self._bare(request.url), "headers": self._bare_headers(request.headers),
                    "body": self._bare_bytes(request.body)}
        )  # fmt: skip
        if response:
            broken = response.broken
            update["response"] = response.model_copy(
                update={"headers": self._bare_headers(response.headers), "body": self._bare_bytes(response.body),
                        "reason": self._bare(response.reason), "recoding": "", "chunk_sizes": None,
                        "broken": broken and broken.model_copy(update={"message": self._bare(broken.message)})}
            )  # fmt: skip
        if failure:
            update["failure"] = failure.model_copy(update={"message": self._bare(failure.message)})
        return interaction.model_copy(update=update)

    def _bare(self, text: str) -> str:
        return self.known(self.shapeless(text, "gate"), "gate")

    def _bare_headers(self, headers: Headers) -> Headers:
        return tuple((name, self._bare(value)) for name, value in headers)

    def _bare_bytes(self, body: bytes) -> bytes:
        try:
            return self._bare(body.decode("utf-8")).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            return self._bare(body.decode("latin-1")).encode("latin-1", "replace")

    def hidden(self, text: str, where: Where) -> str:
        """Redact a text that was hidden in the present document by an encoding."""
        before = self._scope
        self._scope = Scope(True, True, True, True)
        try:
            return self.leaf(text, where)
        finally:
            self._scope = before

    def known(self, text: str, where: Where) -> str:
        """Remove values that are known, wherever they stand in a text."""
        return self._memory.replaced(text, where) if self._scope.known else text

    def known_in_bytes(self, text: str, where: Where) -> str:
        """Remove known values from bytes read as latin-1; what replaces them is as long, where it fits."""
        return self._memory.replaced(text, where, is_padded=True)

    def learn(self, value: str) -> None:
        """Look for a value everywhere from now on, if it is long and rare enough."""
        self._memory.taint(value)

    def name_of(self, value: str) -> str | None:
        """Return the placeholder that stands for a value."""
        return self._memory.placeholders.name_of(value)

    def is_settled(self, value: str) -> bool:
        """Tell whether a value needs no more redaction: it is empty, a replacement or a placeholder."""
        return not value or is_replacement(value) or self._memory.placeholders.is_name(value)

    def keep(self, value: str) -> None:
        """Remember a value that an exemption keeps."""
        self._memory.keep(value)

    def is_kept(self, value: str) -> bool:
        """Tell whether a value is, or is part of, one that an exemption keeps."""
        return self._memory.is_kept(value)

    def host(self, host: str) -> None:
        """Remember a host name: its words are no secrets."""
        self._memory.host(host)

    def is_suspicious(self, text: str) -> bool:
        """Tell quickly whether a text may hold a secret by name, shape, place or pattern."""
        scope, plain = self._scope, plainly(text)  # it may be JSON itself
        if scope.names and is_valued(plain) and self.rules.has_stem(plain):
            return True
        if scope.shapes and (has_shape(plain) or has_escaped_shape(plain)):
            return True
        if scope.places and (("@" in plain and "://" in plain) or "%40" in plain or has_telling_segment(plain)):
            return True
        return "-u" in text or any(pattern.search(text) for pattern in self.rules.patterns)

    @property
    def may_have_names(self) -> bool:
        """Whether the present document may hold the name of a secret."""
        return self._scope.names

    def narrowed(self, text: str) -> Scope:
        """Look at a whole document once, so that its parts need not be looked at for what it does not hold."""
        before = self._scope
        pieces = self.rules.pieces
        # A name whose value is replaced already is left out below, and stands in another piece than that.
        new = pieces.others_in(text) if pieces and "REDACTED-" not in text and all(before[:3]) else None
        looked_at = plainly(text if new is None else '"'.join(new) + _LONG_ENOUGH)
        scope = self._scope = Scope(
            before.names and self.rules.has_stem(_without_replaced(looked_at)),
            before.shapes and (has_shape(looked_at) or has_escaped_shape(looked_at)),
            before.places and ("@" in looked_at or "%40" in looked_at or has_telling_segment(looked_at)),
            before.known and self._memory.may_hold(text),
            '"Secret' in text and _KIND_SECRET.search(text) is not None,
        )
        if pieces and new is not None:
            if new and not (scope.names or scope.shapes or scope.places):
                pieces.add(new)
            if not scope.shapes and "\\/" not in text:
                self._shapeless = text
        return before

    def may_hold_shape(self, text: str) -> bool:
        """Tell quickly, as `has_shape` does, whether a text may hold a secret that its shape gives away."""
        return text != self._shapeless and has_shape(text)

    def widened(self, before: Scope) -> None:
        """End what `narrowed` began."""
        self._scope = before

    @property
    def holds_secret_objects(self) -> bool:
        """Whether the present document holds Kubernetes' objects of the kind `Secret`."""
        return self._scope.secret_objects

    @property
    def finds_names_only(self) -> bool:
        """Whether nothing but the names in the present document gives secrets away."""
        scope = self._scope
        return self.rules.is_plain and not (scope.shapes or scope.places or scope.known)

    @property
    def finds_nothing(self) -> bool:
        """Whether the present document holds nothing to redact."""
        return not any(self._scope) and not self.rules.patterns and not self.rules.has_paths

    def _headers(self, headers: Headers, side: str) -> Headers:
        changed: list[tuple[str, str]] | None = None
        unchanged = self._unchanged
        for index, pair in enumerate(headers):
            if pair in unchanged:
                continue
            name, value = pair
            new = redacted_header(self, name, value, side)
            if new == value:
                self._remember(pair)
            else:
                changed = changed or list(headers)
                changed[index] = (name, new)
        return tuple(changed) if changed else headers

    def _response_body(self, response: InteractionResponse) -> dict[str, Any]:
        body, content_type = response.body, response.header("Content-Type")
        if response.wire_body:
            plain = decoded(body, response.header("Content-Encoding"), most=MOST_OF_A_RESPONSE)
            if plain is None:
                new = redacted_binary(self, body, "response body")
                return {} if new == body else {"body": new, **unframed(response, body, new)}
            new = redacted_body(self, plain, content_type, "response body")
            return {} if new == plain else {"body": new, "wire_body": False, "recoding": "", "chunk_sizes": None}
        new = redacted_body(self, body, content_type, "response body")
        return {} if new == body else {"body": new, **unframed(response, body, new)}

    def _others(self, value: BaseModel) -> dict[str, Any]:
        """Redact the texts of all other members, those of other tools included."""
        update = {}
        for name in (*_other_fields(type(value)), *(value.model_extra or ())):
            given = getattr(value, name)
            if given and (new := self._any(given, name)) != given:
                update[name] = new
        return update

    def _any(self, value: Any, where: str) -> Any:
        if isinstance(value, str):
            return self.leaf(value, where)
        if isinstance(value, dict):
            return {name: self._any(each, where) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._any(each, where) for each in value)
        if isinstance(value, BaseModel):
            update = self._others(value)
            return value.model_copy(update=update) if update else value
        return value

    def _remember(self, pair: tuple[str, str]) -> None:
        if len(self._unchanged) > _MEMORY_SIZE:
            self._unchanged.clear()
        self._unchanged.add(pair)

    def _forget_when_learnt(self) -> None:
        if self._unchanged_at != self._memory.taints:
            self._unchanged.clear()
            self._unchanged_at = self._memory.taints


def _without_replaced(text: str) -> str:
    """Leave the names out of a JSON text whose values are replacements already: they give nothing away."""
    if "REDACTED-" not in text:  # a quarter of the cost of looking for the expression
        return text
    kept, end = [], 0
    for found in _REPLACED_VALUE.finditer(text):
        name = _NAME_BEFORE.search(text, max(end, found.start() - 100), found.start() + 1)
        if name:
            kept.append(text[end : name.start()])
            end = found.start() + 1
    return "".join([*kept, text[end:]]) if kept else text
