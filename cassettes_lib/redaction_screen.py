"""A screen: which interactions hold nothing to redact, told by one look at all of their texts together.

Strategy: a look through a text costs more for the look than for the text. So the texts of an ordinary interaction (its
URL, the values of its headers, its JSON) are taken to pieces, and those not met before are put together and searched
once for all that gives a secret away. What gets through is what a pass would leave as it is, and its gate would let go;
in doubt nothing gets through, and a pass walks the interaction place by place. That is a quarter of the cost for
what gets through.
"""

from __future__ import annotations

from cassettes_lib.json_places import is_json
from cassettes_lib.models import Interaction
from cassettes_lib.redaction_bodies import json_text
from cassettes_lib.redaction_memory import Memory
from cassettes_lib.redaction_rules import Rules
from cassettes_lib.redaction_urls import host_of
from cassettes_lib.secret_names import Verdict
from cassettes_lib.secret_shapes import has_escaped_shape, plainly, search_for_shape
from cassettes_lib.telling_paths import has_telling_segment

_MOST_NAMES = 4096
_JOINT = '"'  # no name, shape or place of a secret reaches across it, nor begins or ends with it


class Screen:
    """Tells the interactions that surely hold nothing to redact. Its owner guards it by a lock."""

    def __init__(self, rules: Rules, memory: Memory) -> None:
        """Begin with no name of a header met.

        Args:
            rules: What to look for.
            memory: What is known of the session; learns the hosts of what gets through.
        """
        self._rules = rules
        self._memory = memory
        self._innocent: set[str] = set()

    def lets_through(self, interaction: Interaction) -> bool:
        """Tell whether an interaction surely holds nothing to redact; False where only a pass can tell."""
        request, response = interaction.request, interaction.response
        if (
            response is None or response.broken or response.retried
            or interaction.model_extra or request.model_extra or response.model_extra
            or not self._rules.is_plain
        ):
            return False
        headers = (*request.headers, *response.headers)
        bodies = _json_bodies(interaction)
        if bodies is None or not self._are_innocent({name for name, _ in headers}):
            return False
        texts = [request.url, response.reason, *[value for _, value in headers]]
        if not self._hold_nothing(texts, bodies) or not all(map(is_json, bodies)):
            return False
        if self._memory.knows_values and self._memory.may_hold(_JOINT.join((*texts, *bodies))):
            return False
        self._memory.host(host_of(request.url))
        return True

    def _are_innocent(self, names: set[str]) -> bool:
        """Tell whether none of some headers is named as a secret's are."""
        new = names - self._innocent
        if any(self._rules.headers.verdict(name) is not Verdict.NO for name in new):
            return False
        if len(self._innocent) > _MOST_NAMES:  # a bound: names come from the traffic
            self._innocent.clear()
        self._innocent |= new
        return True

    def _hold_nothing(self, texts: list[str], bodies: list[str]) -> bool:
        pieces, outside = self._rules.pieces, _JOINT.join(texts)
        if pieces is None or "-u" in outside:
            return False
        new: set[str] = set()
        for text, cut in ((outside, _JOINT), *((body, "") for body in bodies)):
            others = None if "REDACTED-" in text else pieces.others_in(text, cut, shortest=0)
            if others is None:
                return False
            new |= others
        if not new:
            return True
        looked_at = plainly(_JOINT.join(new))
        if (
            "@" in looked_at or "%40" in looked_at
            or self._rules.has_stem(looked_at) or search_for_shape(looked_at) or has_escaped_shape(looked_at)
            or has_telling_segment(looked_at)
        ):
            return False
        pieces.add(new)
        return True


def _json_bodies(interaction: Interaction) -> list[str] | None:
    """Return the bodies that there are, or None when one of them is not to be read as JSON, or is in a coding."""
    request, response = interaction.request, interaction.response
    if (response and response.wire_body) or (request.body and request.header("Content-Encoding")):
        return None
    bodies = []
    for message in (request, response):
        if message and message.body:
            text = json_text(message.body, message.header("Content-Type"))
            if text is None:
                return None
            bodies.append(text)
    return bodies
