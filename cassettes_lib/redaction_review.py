"""Which stored interactions may hold a value: asked when a value is learnt to be a secret after it was stored.

Strategy: samples of every stored text are kept as bits, one set of bits for each stretch of interactions. A value can
only stand in a stretch that has all samples of the value at one of the possible offsets. So a value that was never
stored costs a few look-ups, whatever the number of interactions, and a recording in which every response sets a new
cookie stays linear.
"""

from __future__ import annotations

from collections.abc import Iterable

from cassettes_lib.codings import MOST_OF_A_RESPONSE, decoded
from cassettes_lib.models import Interaction
from cassettes_lib.replacements import bytes_hold_replacement, holds_replacement
from cassettes_lib.taint import LONG, MEDIUM, Form, Sampling, views_of

_BITS = 1 << 23
_STRETCH_CHARACTERS = 1_000_000


class _Stretch:
    """Some consecutive interactions and the samples of their texts."""

    __slots__ = ("bits", "characters", "first")

    def __init__(self, first: int) -> None:
        self.first = first
        self.bits = bytearray(_BITS // 8)
        self.characters = 0

    def note(self, text: str) -> None:
        self.characters += len(text)
        bits = self.bits
        for sampling in (LONG, MEDIUM):
            size = sampling.size
            for position in range(0, len(text) - size + 1, sampling.step):
                bit = hash(text[position : position + size]) % _BITS
                bits[bit >> 3] |= 1 << (bit & 7)

    def may_hold(self, form: str) -> bool:
        sampling = LONG if len(form) >= LONG.shortest else MEDIUM
        return any(self._has_all(form, offset, sampling) for offset in range(sampling.step))

    def _has_all(self, form: str, offset: int, sampling: Sampling) -> bool:
        bits = self.bits
        for position in range(offset, len(form) - sampling.size + 1, sampling.step):
            bit = hash(form[position : position + sampling.size]) % _BITS
            if not bits[bit >> 3] & (1 << (bit & 7)):
                return False
        return True


class StoredTexts:
    """The samples of all interactions noted so far.

    Attributes:
        noted: How many interactions, from the first on, were noted.
    """

    def __init__(self) -> None:
        self.noted = 0
        self._stretches: list[_Stretch] = []

    def note(self, interaction: Interaction) -> None:
        """Note the next interaction."""
        if not self._stretches or self._stretches[-1].characters > _STRETCH_CHARACTERS:
            self._stretches.append(_Stretch(self.noted))
        stretch = self._stretches[-1]
        for _, text, is_binary in places_of(interaction):
            stretch.note(text)
            for view in () if is_binary else views_of(text):
                stretch.note(view.text)
        self.noted += 1

    def candidates(self, forms: Iterable[Form]) -> list[int]:
        """Return the positions of the interactions that may hold one of these forms."""
        long_enough = [form.text for form in forms if len(form.text) >= MEDIUM.shortest]
        positions: list[int] = []
        for index, stretch in enumerate(self._stretches):
            if any(stretch.may_hold(form) for form in long_enough):
                end = self._stretches[index + 1].first if index + 1 < len(self._stretches) else self.noted
                positions.extend(range(stretch.first, end))
        return positions


Place = tuple[str, str, bool]
"""A text of an interaction in which a secret might stand: where it stands, the text (a body as UTF-8, or else as
latin-1), and whether it is bytes read as latin-1. It is a plain tuple, since each interaction has twenty of them."""


def texts_of(interaction: Interaction) -> list[str]:
    """Return the texts of an interaction in which a secret might stand, bodies as UTF-8 or latin-1."""
    return [text for _, text, _ in places_of(interaction)]


def places_of(interaction: Interaction) -> list[Place]:
    """Return the places of an interaction in which a secret might stand."""
    request, response = interaction.request, interaction.response
    places: list[Place] = [("request URL", request.url, False)]
    places += [(f"request header {name}", value, False) for name, value in request.headers if value]
    if request.body:
        coding = request.header("Content-Encoding")
        plain = decoded(request.body, coding) if coding else None
        places.append(_body_place("request body", request.body if plain is None else plain))
    if response:
        places.append(("reason phrase", response.reason, False))
        places += [(f"response header {name}", value, False) for name, value in response.headers if value]
        if response.body:
            coding = response.header("Content-Encoding") if response.wire_body else None
            plain = decoded(response.body, coding, most=MOST_OF_A_RESPONSE) if coding else None
            places.append(_body_place("response body", response.body if plain is None else plain))
        if response.broken:
            places.append(("end of the response", response.broken.message, False))
    if interaction.failure:
        places.append(("failure", interaction.failure.message, False))
    return places


def may_be_redacted(interaction: Interaction) -> bool:
    """Tell quickly whether a text of an interaction may hold a replacement; its bodies are not decoded for that."""
    request, response, failure = interaction.request, interaction.response, interaction.failure
    if request.body and (bytes_hold_replacement(request.body) or request.header("Content-Encoding")):
        return True
    texts = [request.url, *[value for _, value in request.headers]]
    if response:
        if response.body and (bytes_hold_replacement(response.body) or response.wire_body):
            return True
        texts += [response.reason, *[value for _, value in response.headers]]
        if response.broken:
            texts.append(response.broken.message)
    if failure:
        texts.append(failure.message)
    return holds_replacement("\n".join(texts))


def _body_place(name: str, body: bytes) -> Place:
    try:
        return name, body.decode("utf-8"), False
    except UnicodeDecodeError:
        return name, body.decode("latin-1"), True
