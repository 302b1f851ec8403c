"""Redactor: keeping secrets out of what is stored, out of errors and out of logs.

Strategy: redaction is one function, applied to what is recorded and to what is asked on replay, and idempotent. It
walks the places of a message (URL, headers, body) and finds secrets by the names they stand under, by their shape,
and by value: a secret found once is looked for everywhere from then on. A pass that learns a secret is followed by
another one, so the order of places does not matter. The Redactor is configuration and never changes; what a session
learns is in the Redaction that `start` returns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import NamedTuple, TypeVar

from cassettes_lib import redaction_outline, redaction_standin
from cassettes_lib.errors import CassetteSaveError
from cassettes_lib.keywords import explain_wrong_keywords
from cassettes_lib.models import Interaction, InteractionRequest, Interactions
from cassettes_lib.placeholders import Placeholders, PlaceholderValue, checked, restored_response
from cassettes_lib.redaction_memory import Memory
from cassettes_lib.redaction_pass import Pass
from cassettes_lib.redaction_review import Place, StoredTexts, may_be_redacted, places_of, texts_of
from cassettes_lib.redaction_rules import Rules
from cassettes_lib.redaction_screen import Screen
from cassettes_lib.replacements import holds_replacement, numbers_in
from cassettes_lib.secret_shapes import shapes_in
from cassettes_lib.taint import forms_of

_Redacted = TypeVar("_Redacted")
# Each pass may learn secrets that the places before them hold; a pass that learns nothing is the last.
_MOST_PASSES = 5


class Redacted(NamedTuple):
    """One line of a summary.

    Attributes:
        where: The place, such as `request header Authorization` or `response body $.access_token`.
        by: What gave the secret away: name, shape, place, pattern, known value.
        times: How often.
    """

    where: str
    by: str
    times: int


class Redactor:
    """Which secrets are kept off the cassette. Immutable; one can serve any number of sessions.

    The built-in rules always apply; the arguments add to them. Without a Redactor (`redact=None`,
    `redactor=None`) cassettes hold every secret in clear.

    Args:
        headers: Further headers whose values are secrets; the case is free, `*` stands for anything.
        query: Further parameters of URLs.
        fields: Further JSON members, form and multipart fields, XML elements and attributes; or paths in JSON
            bodies, such as `$.user.badge` or `items[*].code`.
        patterns: Regular expressions; their group 1, or else all they match, is a secret.
        values: Secrets known beforehand, removed wherever they stand, however short.
        keep: Names and JSON paths that are exempted; a value known as a secret from elsewhere is removed there too.
        placeholders: Names that stand in the file for values: `{"<API_KEY>": value}`. Two-way: on replay the code gets
            the value. A value may be a function, called when a session starts; an empty one is ignored.

    Raises:
        TypeError: An argument has the wrong type, or is unknown.
        ValueError: A regular expression or a name is wrong.

    Example:
        redactor = Redactor(headers=["X-Badge"], fields=["iban", "$.user.badge"], keep=["theme"])
        use_cassette("cassettes/orders.json", redact=redactor)
    """

    __slots__ = ("_placeholders", "_rules")

    @explain_wrong_keywords(
        json="fields=[...]", form="fields=[...]", body="fields=[...]", data="fields=[...]", params="query=[...]",
        cookies="nothing: all cookies are secrets, but for those in keep=[...]",
        ignore="keep=[...]", allow="keep=[...]", exclude="keep=[...]",
        regex="patterns=[...]", secrets="values=[...]",
    )
    def __init__(
        self,
        *,
        headers: Iterable[str] = (),
        query: Iterable[str] = (),
        fields: Iterable[str] = (),
        patterns: Iterable[str | re.Pattern[str]] = (),
        values: Iterable[str] = (),
        keep: Iterable[str] = (),
        placeholders: Mapping[str, PlaceholderValue] | None = None,
    ) -> None:
        self._rules = Rules(headers, query, fields, patterns, values, keep)
        self._placeholders = checked(placeholders)

    def __repr__(self) -> str:
        names = "".join(f", placeholders={sorted(self._placeholders)}" if self._placeholders else "")
        return f"<Redactor{names}>"

    def start(self) -> Redaction:
        """Begin a session with nothing learnt, but for given values, placeholders and the environment's secrets."""
        return Redaction(self._rules, Placeholders(self._placeholders))

    def with_placeholders(self, placeholders: Mapping[str, PlaceholderValue] | None) -> Redactor:
        """Return the same Redactor with more placeholders."""
        more = checked(placeholders)
        if not more:
            return self
        copy = object.__new__(Redactor)
        copy._rules = self._rules
        copy._placeholders = {**self._placeholders, **more}
        return copy


class Redaction:
    """What one cassette session has learnt, and the redaction that uses it. Thread-safe."""

    def __init__(self, rules: Rules, placeholders: Placeholders) -> None:
        self._rules = rules
        self._lock = RLock()
        self._memory = Memory(placeholders, rules.values)
        self._pass = Pass(rules, self._memory)
        self._screen = Screen(rules, self._memory)
        self._adopted: Sequence[Interaction] = ()
        self._stored = StoredTexts()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._last_clean: tuple[InteractionRequest | None, int] = None, 0

    def request(self, request: InteractionRequest) -> InteractionRequest:
        """Return a request without its secrets, for matching and for errors; the same object when it has none."""
        clean, taints = self._last_clean  # a look-up asks for the same recorded request several times
        if clean is request and taints == self._memory.taints:
            return request
        with self._lock:
            redacted = self._settled(self._pass.request, request)
            if redacted is request:
                self._last_clean = request, self._memory.taints
            return redacted

    @property
    def taints(self) -> int:
        """How many secrets are known; what held none holds none as long as this stays the same."""
        return self._memory.taints

    def with_clean_headers(self, request: InteractionRequest) -> InteractionRequest:
        """Return a request whose URL and body are known to hold no secret, with its headers redacted."""
        if self._pass.knows_headers(request.headers):  # without the lock: threads that replay would queue for it
            return request
        with self._lock:
            headers = self._pass.request_headers(request)
            return request if headers is request.headers else request.model_copy(update={"headers": headers})

    def url(self, url: str) -> str:
        """Return the URL of a request without its secrets."""
        with self._lock:
            return self._settled(self._pass.request_url, url)

    def interaction(self, interaction: Interaction) -> Interaction:
        """Return an interaction as the cassette may hold it.

        Raises:
            CassetteSaveError: A secret is left where it cannot be replaced; the text says where.
        """
        with self._lock:
            if self._screen.lets_through(interaction):
                return interaction
            with self._counting():
                self._leave_numbers_of_the_cassette(interaction)
                redacted = self._settled(self._pass.interaction, interaction)
                return self._gated(redacted)

    def restored(self, interaction: Interaction, asked: InteractionRequest) -> Interaction:
        """Return an interaction as replay delivers it: placeholders in the response become their values again.

        Args:
            interaction: What was recorded.
            asked: The request that it answers; what it has in the places of replacements is learnt.
        """
        is_redacted = may_be_redacted(interaction)
        if not is_redacted and not self._memory.placeholders:
            return interaction
        with self._lock:
            if is_redacted:
                if redaction_standin.is_redacted(interaction.request):
                    self.accept(asked, interaction.request)
                for text in texts_of(interaction):
                    self._memory.met(numbers_in(text))
            if not self._memory.placeholders or not interaction.response:
                return interaction
            response = restored_response(self._memory.placeholders, interaction.response)
            return interaction if response is interaction.response else interaction.model_copy(
                update={"response": response}
            )

    def text(self, text: str) -> str:
        """Return a text for errors, notes and logs without its secrets."""
        with self._lock:
            return self._settled(lambda each: self._pass.leaf(each, "text"), text)

    def adopt(self, interactions: Sequence[Interaction]) -> None:
        """Take over what a loaded cassette holds. They are read only if something with a new secret is recorded."""
        with self._lock:
            self._adopted = interactions

    def reviewed(self, interactions: Interactions) -> Interactions | None:
        """Remove secrets that were learnt late from what is stored.

        Args:
            interactions: All that is stored now.

        Returns:
            The interactions without them, or None when none holds any.
        """
        with self._lock:
            memory = self._memory
            if not memory.fresh:
                return None
            while self._stored.noted < len(interactions):
                self._stored.note(interactions[self._stored.noted])
            forms = [form for value in memory.fresh for form in forms_of(value)]
            memory.fresh.clear()
            changed: dict[int, Interaction] = {}
            for position in self._stored.candidates(forms):
                if position < len(interactions):
                    stored = interactions[position]
                    if any(memory.holds_known(text) for text in texts_of(stored)):
                        changed[position] = self._settled(self._pass.interaction, stored)
            changed = {position: new for position, new in changed.items() if new != interactions[position]}
            if not changed:
                return None
            return Interactions([changed.get(position) or each for position, each in enumerate(interactions)])

    def outline(self, request: InteractionRequest) -> InteractionRequest:
        """Return a request in which all replacements are the same one."""
        return redaction_outline.outline(request)

    def count_replacements(self, request: InteractionRequest, *, with_headers: bool) -> int:
        """Count the replacements in the URL and the body of a request, and in its headers if wanted."""
        return redaction_outline.count_replacements(request, with_headers=with_headers)

    def may_have_replaced(self, request: InteractionRequest) -> bool:
        """Tell whether the URL or the body of a redacted request may hold something that redaction has put there."""
        return bool(self._memory.placeholders) or redaction_outline.may_hold_replacement(request)

    def may_have_put(self, text: str) -> bool:
        """Tell whether a text of a redacted request may hold something that redaction has put there."""
        return bool(self._memory.placeholders) or holds_replacement(text)

    def has_replacement_in_path(self, request: InteractionRequest) -> bool:
        """Tell whether the path of a request's URL holds a replacement."""
        return redaction_outline.has_replacement_in_path(request)

    def stand_in(
        self, asked: InteractionRequest, recorded: InteractionRequest, *, consistent: bool = False
    ) -> InteractionRequest | None:
        """Return a request with the replacements of a recorded one in their places, whatever stands there.

        To be tried when nothing matches exactly: the secret may have been learnt, when recording, from a response
        that this run never asked for, or may be another one now.

        Args:
            asked: The request, redacted.
            recorded: A request on the cassette.
            consistent: Refuse where a secret that is known to be one of the cassette's would stand in for another.

        Returns:
            The request to compare with the recorded one, or None when no replacement fits.
        """
        with self._lock:
            found = redaction_standin.stand_in(asked, recorded)
            if not found:
                return None
            request, pairs = found
            if consistent and any(self._memory.contradicts(pair.found, pair.number) for pair in pairs):
                return None
            return request

    def accept(self, asked: InteractionRequest, recorded: InteractionRequest) -> None:
        """Remember that what `asked` has in the places of `recorded`'s replacements are the same secrets.

        To be called when a stand-in was taken for an answer, so that the next requests match exactly.
        """
        with self._lock:
            found = redaction_standin.stand_in(asked, recorded)
            for pair in found[1] if found else ():
                self._memory.settle(pair.found, pair.number)

    def gate(self, text: str, *, path: str = "") -> str:
        """Check outgoing text once more for known values and for shapes of secrets, and replace what is found.

        Args:
            text: What is about to be written, JSON or not.
            path: Where to, for the error.

        Raises:
            CassetteSaveError: Something is left that cannot be replaced.
        """
        with self._lock:
            clean = self._pass.known(self._pass.shapeless(text, "gate"), "gate")
            if self._memory.holds_known(clean) or self._holds_shape(clean):
                raise CassetteSaveError(
                    f"{path or 'the text'} is not written: it would hold a secret that cannot be replaced", path=path
                )
            return clean

    def summary(self) -> tuple[Redacted, ...]:
        """Return what was redacted in recorded interactions: where and how often, never the values."""
        with self._lock:
            counts: Counter[tuple[str, str]] = Counter()
            for (where, by), times in self._counts.items():
                counts[self._pass.name(where, "summary"), by] += times  # a place may be named after a secret
            lines = [Redacted(where, by, times) for (where, by), times in counts.items()]
        return tuple(sorted(lines, key=lambda line: (-line.times, line.where)))

    @contextmanager
    def _counting(self) -> Iterator[None]:
        self._memory.counts = self._counts
        try:
            yield
        finally:
            self._memory.counts = None

    def _settled(self, redact: Callable[[_Redacted], _Redacted], value: _Redacted) -> _Redacted:
        """Redact until a pass learns no further secret."""
        for _ in range(_MOST_PASSES):
            before = self._memory.taints
            value = redact(value)
            if self._memory.taints == before:
                break
        return value

    def _leave_numbers_of_the_cassette(self, interaction: Interaction) -> None:
        """Before something is added to a loaded cassette, leave the numbers it holds to the secrets they stand for."""
        if not self._adopted:
            return
        before = self._memory.taints
        redacted = self._settled(self._pass.interaction, interaction)
        if redacted is interaction and self._memory.taints == before:
            return
        highest = 0
        for adopted in self._adopted:
            for text in texts_of(adopted):
                highest = max(highest, *numbers_in(text), 0)
        self._adopted = ()
        self._memory.renumber_unsettled(highest)
        self._counts.clear()

    def _gated(self, interaction: Interaction) -> Interaction:
        """Be the gate: look through all texts once more, remove what is found, refuse what cannot be removed.

        Raises:
            CassetteSaveError: A secret is left; the text says where.
        """
        if self._leak_in(interaction) is None:
            return interaction
        clean = self._settled(self._pass.gated, interaction)
        leak = self._leak_in(clean)
        if leak is not None:
            raise CassetteSaveError(
                f"a {clean.request.method} interaction is not stored: its {leak[0]} would hold a secret that "
                "cannot be replaced",
                path="",
            )
        return clean

    def _leak_in(self, interaction: Interaction) -> Place | None:
        """Return the first place that holds a known value or a shape, or None."""
        memory = self._memory
        knows_values = memory.knows_values
        for place in places_of(interaction):
            _, text, is_binary = place
            if knows_values and memory.holds_known(text, is_binary=is_binary):
                return place
            if not is_binary and self._pass.may_hold_shape(text) and self._holds_shape(text):
                return place
        return None

    def _holds_shape(self, text: str) -> bool:
        return any(not self._memory.is_kept(text[start:end]) for start, end in shapes_in(text))
