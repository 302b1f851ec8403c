"""The values: requests, responses, failures, interactions and cassettes.

Strategy: every value is a frozen pydantic model and holds bytes as bytes. The models validate both what
Python code passes (bytes, pairs of headers) and what stands in a file (the body forms of `bodies`, a mapping
of headers), so that reading a file is `Interaction.model_validate(entry)` and an error names the member.
Members we do not know are kept, so that nothing is lost when a file is written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Annotated, Any, Protocol, Self, TypeVar, overload

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    StrictBool,
    StrictInt,
    ValidatorFunctionWrapHandler,
    model_validator,
)
from pydantic_core import CoreSchema, core_schema

from cassettes_lib.bodies import body_from_form
from cassettes_lib.header_pairs import Headers, checked_headers, headers_from_file, joined_values


class _Value(BaseModel):
    """What all values share: they never change; `model_copy(update=...)` makes a changed copy."""

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)  # half of what importing this module costs


_Model = TypeVar("_Model", bound=_Value)
# Of a model's fields. All its values share the set, which nobody changes: an object fewer to make and to keep for each.
_names: dict[type[BaseModel], set[str]] = {}


def unchecked(kind: type[_Model], fields: dict[str, Any], extra: dict[str, Any] | None = None) -> _Model:
    """Return a value of fields that are known to be valid, at a fifth of the cost of having pydantic look at them.

    Args:
        kind: The model.
        fields: All of its fields, as validation would give them; the value keeps this very dictionary.
        extra: Members that the model does not know.
    """
    value = kind.__new__(kind)
    set_to = object.__setattr__
    set_to(value, "__dict__", fields)
    set_to(value, "__pydantic_extra__", extra or {})
    names = _names.get(kind) or _names.setdefault(kind, {*fields})
    set_to(value, "__pydantic_fields_set__", {*fields, *extra} if extra else names)
    set_to(value, "__pydantic_private__", None)
    return value


BodyField = Annotated[bytes, BeforeValidator(body_from_form)]
HeadersField = Annotated[Headers, BeforeValidator(headers_from_file)]


class InteractionRequest(_Value):
    """A request as it goes over the wire.

    Attributes:
        method: The method, in capitals as `requests` sends it.
        url: The absolute URL.
        headers: Pairs of name and value, in the order sent, repeats included.
        body: The bytes of the body; empty when there is none. A chunked upload is stored joined.
    """

    method: str
    url: str
    headers: HeadersField = ()
    body: BodyField = b""

    @model_validator(mode="after")
    def _headers_are_clean(self) -> Self:
        checked_headers(self.headers)
        return self

    def header(self, name: str) -> str | None:
        """Return the values of a header, joined by ", " when repeated, or None; the case of `name` is free."""
        return joined_values(self.headers, name)


class BrokenBody(_Value):
    """How the body of a response broke off after the bytes that were received.

    Attributes:
        error: The name of the low-level exception, such as `IncompleteRead` (the connection ended too early),
            `ConnectionResetError`, `TimeoutError`.
        message: Its text.
        errno: Its number, where it has one.
        chunk_size: The announced size of the chunk in which a chunked body broke off; None when between two chunks.
        rest: What had come of the line with the size of the next chunk, or of the end of a chunk.
    """

    error: str
    message: str = ""
    errno: int | None = None
    chunk_size: int | None = None
    rest: str = ""


class InteractionFailure(_Value):
    """An exception that came instead of a response.

    Attributes:
        error: The name of the exception's class, such as `requests.exceptions.ConnectTimeout`.
        message: Its text.
        arguments: What the exception was made of, where that is more than its text: texts, numbers, and the
            exceptions it wraps.
        cause: The exception it names as its reason (urllib3's `MaxRetryError` has one), or None.
        carries_request: False for an exception that was raised without the request in its attribute `request`.
    """

    error: str
    message: str = ""
    arguments: tuple[InteractionFailure | int | str, ...] | None = None
    cause: InteractionFailure | None = None
    carries_request: bool = True

    def with_texts(self, change: Callable[[str], str]) -> InteractionFailure:
        """Return the failure with every text in it changed, those of the exceptions it wraps included."""
        arguments = self.arguments and tuple(
            each.with_texts(change) if isinstance(each, InteractionFailure)
            else change(each) if isinstance(each, str) else each
            for each in self.arguments
        )
        cause = self.cause and self.cause.with_texts(change)
        return self.model_copy(update={"message": change(self.message), "arguments": arguments, "cause": cause})


class RetriedAttempt(_Value):
    """An attempt that the transport made before the response that the caller saw.

    Attributes:
        status: The status of the attempt's response, or None when there was none.
        failure: The exception that came instead, or None.
    """

    status: int | None = None
    failure: InteractionFailure | None = None


class InteractionResponse(_Value):
    """A response, in the form a cassette holds it.

    Attributes:
        status: The status code, 100 to 999.
        reason: The reason phrase as it came, possibly empty.
        headers: Pairs of name and value, in the order received, repeats included, decoded as latin-1.
        body: The body with its chunked framing and, unless `wire_body` is set, its `Content-Encoding` undone.
        wire_body: True when `body` still is encoded as `Content-Encoding` says: because the coding is unknown or the
            body corrupt, or because its exact bytes were asked for.
        recoding: How to encode `body` again so that exactly the received bytes result; empty when that is unknown.
        chunk_sizes: Boundaries, in bytes on the wire, of a chunked response that the caller streamed.
        http_version: "1.1" or "1.0"; other tools' recordings may have others.
        broken: How the body broke off, or None when it came whole.
        closed_early: True when the caller closed the stream before its end; `body` is what had been received.
        retried: The attempts that the transport made before this response, which are on no cassette.
    """

    status: int = Field(ge=100, le=999, strict=True)
    reason: str = ""
    headers: HeadersField = ()
    body: BodyField = b""
    wire_body: StrictBool = False
    recoding: str = ""
    chunk_sizes: tuple[StrictInt, ...] | None = None
    http_version: str = "1.1"
    broken: BrokenBody | None = None
    closed_early: StrictBool = False
    retried: tuple[RetriedAttempt, ...] = ()

    @model_validator(mode="after")
    def _headers_are_clean(self) -> Self:
        checked_headers(self.headers)
        return self

    def header(self, name: str) -> str | None:
        """Return the values of a header, joined by ", " when repeated, or None; the case of `name` is free."""
        return joined_values(self.headers, name)


RESPONSE_DEFAULTS = {name: field.get_default() for name, field in InteractionResponse.model_fields.items()}
"""All fields of a response, for `unchecked`; `status` has to be given."""


class Interaction(_Value):
    """One request and what came of it: a response, or a failure.

    Attributes:
        recorded_at: When it was recorded; aware. None where a foreign recording does not say.
        request: The request.
        response: The response, or None when there was a failure.
        failure: The failure, or None when there was a response.
    """

    recorded_at: datetime | None = None
    request: InteractionRequest
    response: InteractionResponse | None = None
    failure: InteractionFailure | None = None

    @model_validator(mode="after")
    def _one_outcome(self) -> Self:
        if (self.response is None) == (self.failure is None):
            raise ValueError("an interaction has either a response or a failure")
        return self


class UnreadInteraction(Protocol):
    """An interaction that is read only when somebody asks for it.

    One that also has the attributes `method` and `url` can be found by them without being read.
    """

    def __call__(self) -> Interaction:
        """Read it."""


_MOST_ANCESTORS = 16


class _Entries(list["Interaction | UnreadInteraction"]):
    """A list with an identity that can be remembered without keeping the list."""

    __slots__ = ("identity",)

    def __init__(self, entries: Iterable[Interaction | UnreadInteraction] = ()) -> None:
        super().__init__(entries)
        self.identity = object()


def _is_plain(request: InteractionRequest) -> bool:
    for name, value in request.headers:
        lower = name.lower()
        if lower == "content-encoding":
            return False
        if lower == "content-type" and "charset" in value.lower() and "utf-8" not in value.lower():
            return False
    return b"\0" not in request.body


class Interactions(Sequence[Interaction]):
    """An immutable sequence of interactions that can be extended without copying.

    Strategy: several sequences share one list, each showing its first `len(self)` entries; `plus` appends to the
    list when this sequence shows all of it and copies it otherwise. So the Broker makes a new frozen Cassette for each
    recording, and a store sees at once (`continues`) what it has not yet written, both at constant cost. Not
    thread-safe by itself: one owner appends (the Broker under its lock); reading needs no lock.
    """

    __slots__ = ("_ancestors", "_entries", "_length")

    def __init__(self, interactions: Iterable[Interaction | UnreadInteraction] = ()) -> None:
        self._ancestors: tuple[object, ...] = ()
        if isinstance(interactions, Interactions):
            self._entries: _Entries = interactions._entries
            self._length: int = interactions._length
            self._ancestors = interactions._ancestors
        else:
            self._entries = _Entries(interactions)
            self._length = len(self._entries)

    def plus(self, interaction: Interaction) -> Interactions:
        """Return the sequence with one more interaction at its end."""
        longer = Interactions(self)
        if self._length != len(self._entries):
            longer._entries = _Entries(self._entries[: self._length])
        longer._entries.append(interaction)
        longer._length += 1
        return longer

    def rewritten(self, interactions: Iterable[Interaction | UnreadInteraction]) -> Interactions:
        """Return other interactions in the place of these, one for one, such as the same ones with a secret removed.

        A store sees by `lineage` which of the interactions that it keeps give way to them.
        """
        other = Interactions(interactions)
        other._ancestors = self.lineage[:_MOST_ANCESTORS]
        return other

    @property
    def lineage(self) -> tuple[object, ...]:
        """The identities of the shared list and of those it was rewritten from, the latest first."""
        return self._entries.identity, *self._ancestors

    def continues(self, earlier: Interactions) -> bool:
        """Tell, at constant cost, whether this is `earlier` with nothing but additions at its end.

        False when the two do not share their list, even if they are equal.
        """
        return self._entries is earlier._entries and earlier._length <= self._length

    def head_at(self, position: int) -> tuple[str, str]:
        """Return method and URL of the request at a position, without reading an interaction that knows them."""
        entry = self._entries[position]
        if not isinstance(entry, Interaction):
            url = getattr(entry, "url", None)
            if isinstance(url, str):
                return getattr(entry, "method", ""), url
            entry = self[position]
        return entry.request.method, entry.request.url

    def request_at(self, position: int) -> InteractionRequest:
        """Return the request at a position, without reading the rest of an interaction that can be read in part."""
        entry = self._entries[position]
        if isinstance(entry, Interaction):
            return entry.request
        read_request = getattr(entry, "read_request", None)
        return read_request() if read_request else self[position].request

    def body_text_at(self, position: int) -> bytes | None:
        """Return the body of a request, or the text that stands for it in a file; None if it says more than its text.

        That is a body in a coding, or in a charset other than UTF-8.
        """
        entry = self._entries[position]
        if isinstance(entry, Interaction):
            return entry.request.body if _is_plain(entry.request) else None
        text = getattr(entry, "body_text", None)
        return text if isinstance(text, bytes) else None

    def unread_at(self, position: int) -> UnreadInteraction | None:
        """Return what stands for an interaction that has not been read yet, or None for one that has."""
        entry = self._entries[position]
        return None if isinstance(entry, Interaction) else entry

    def __reduce__(self) -> tuple[type[Interactions], tuple[list[Interaction | UnreadInteraction]]]:
        return Interactions, (self._entries[: self._length],)

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> Interaction: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Interaction, ...]: ...
    def __getitem__(self, index: int | slice) -> Interaction | tuple[Interaction, ...]:
        if isinstance(index, slice):
            return tuple(self[position] for position in range(*index.indices(self._length)))
        position = index + self._length if index < 0 else index
        if not 0 <= position < self._length:
            raise IndexError(f"interaction {index} of {self._length}")
        entry = self._entries[position]
        if not isinstance(entry, Interaction):
            self._entries[position] = entry = entry()
        return entry

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, (Interactions, tuple, list)):
            return NotImplemented
        return len(self) == len(other) and all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"<{self._length} interactions>"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: Any, validate_items: ValidatorFunctionWrapHandler) -> Interactions:
            return value if isinstance(value, Interactions) else Interactions(validate_items(value))

        items = handler.generate_schema(tuple[Interaction, ...])
        return core_schema.no_info_wrap_validator_function(validate, items)


class RecordingMark(_Value):
    """One recording session that has not ended well: it is running, was killed, or its block failed.

    Attributes:
        session: A random name, unique to the session.
        started_at: When it began; aware.
    """

    session: str
    started_at: datetime | None = None


class Cassette(_Value):
    """An ordered collection of interactions.

    Attributes:
        interactions: The interactions, in recorded order.
        incomplete: The recording sessions that have not ended well; empty for a complete cassette.
    """

    interactions: Interactions = Field(default_factory=Interactions)
    incomplete: tuple[RecordingMark, ...] = ()

    def plus(self, interaction: Interaction) -> Cassette:
        """Return the cassette with one more interaction at its end; the cost does not grow with the cassette."""
        longer = self.interactions.plus(interaction)
        if type(self) is not Cassette:
            return self.model_copy(update={"interactions": longer})
        return unchecked(Cassette, {**self.__dict__, "interactions": longer}, self.model_extra)


def new_mark(session: str, started_at: datetime) -> RecordingMark:
    """Return the mark of a session, without having pydantic build what validates one; see `empty_cassette`."""
    return unchecked(RecordingMark, {"session": session, "started_at": started_at})


def empty_cassette() -> Cassette:
    """Return `Cassette()`, without having pydantic build what validates one, which takes 7 ms in each process."""
    return complete_cassette(Interactions())


def complete_cassette(interactions: Interactions) -> Cassette:
    """Return a cassette of interactions that are known to be valid, and of nothing else; see `empty_cassette`."""
    return unchecked(Cassette, {"interactions": interactions, "incomplete": ()})
