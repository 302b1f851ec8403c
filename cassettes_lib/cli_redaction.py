"""The redaction of whole cassettes for the command: the same rules as in `use_cassette`, applied to what is stored."""

from __future__ import annotations

from typing import NamedTuple

from cassettes_lib.fileformat import parse_cassette, print_cassette
from cassettes_lib.models import Cassette, Interactions
from cassettes_lib.redaction import Redactor
from cassettes_lib.redaction_review import texts_of
from cassettes_lib.replacements import numbers_in


class Finding(NamedTuple):
    """What the redaction of a cassette found in one place; never the value.

    Attributes:
        where: The place, such as `request header Authorization`.
        by: What gave it away: name, shape, known value.
        times: How often.
    """

    where: str
    by: str
    times: int


class RedactedCassette(NamedTuple):
    """A cassette without its secrets.

    Attributes:
        cassette: The cassette; the very one that was given when nothing was found.
        changed: Positions, from 0, of the interactions that are not as they were.
        findings: What was found, and where.
    """

    cassette: Cassette
    changed: tuple[int, ...]
    findings: tuple[Finding, ...]


def without_secrets(cassette: Cassette, redactor: Redactor | None = None) -> RedactedCassette:
    """Return a cassette as it would have been recorded with redaction.

    A secret learnt in a late interaction is removed from the earlier ones too, and the text that would be written is
    checked once more.

    Raises:
        CassetteSaveError: A secret stands where it cannot be replaced.
    """
    session = (redactor or Redactor()).start()
    if any(numbers_in(text) for each in cassette.interactions for text in texts_of(each)):
        session.adopt(cassette.interactions)  # so that new replacements get other numbers than those that are there
    found = Interactions([session.interaction(each) for each in cassette.interactions])
    found = session.reviewed(found) or found
    clean = cassette.model_copy(update={"interactions": found})
    text = print_cassette(clean)
    gated = session.gate(text)
    if gated != text:
        clean = parse_cassette(gated, "the redacted cassette")
    pairs = enumerate(zip(cassette.interactions, clean.interactions, strict=True))
    changed = tuple(position for position, (before, after) in pairs if before != after)
    findings = tuple(Finding(*line) for line in session.summary())
    return RedactedCassette(clean if changed else cassette, changed, findings if changed else ())
