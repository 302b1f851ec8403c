"""Pieces of JSON texts in which nothing was found, so that they need not be searched again.

Strategy: the texts of one service repeat each other: the names of members above all, and most values. A text is cut
where a member or a string in a list begins, which costs a tenth of searching it, and only the pieces not met before are
searched. That is sound for whatever cannot reach across a quote, since there is one in whatever it is cut at. What
differs from text to text are numbers and dates above all; so digits are made alike, unless an escape has some.
"""

from __future__ import annotations

from cassettes_lib.secret_shapes import digits_alike, has_ascii_escape

# Longer texts are not cut: so long a piece is hardly met again. Nor are shorter ones, unless that is asked for: they
# are searched fast enough.
_SHORTEST_TEXT, _LONGEST_TEXT = 64, 1 << 16
_MOST_CHARACTERS = 1 << 20


class CleanPieces:
    """What was searched in vain of texts that were cut at quotes. Several threads may use it at once."""

    def __init__(self) -> None:
        """Begin with none."""
        self._clean: set[str] = set()
        self._characters = 0

    def others_in(self, text: str, cut: str = "", *, shortest: int = _SHORTEST_TEXT) -> set[str] | None:
        """Return the pieces of a text, digits alike, that are not known to be clean; None when it is not to be cut.

        Args:
            text: The text.
            cut: What holds a quote, to cut it at; "" for what suits a JSON text.
            shortest: How many characters a text has to have to be cut.
        """
        if not shortest <= len(text) <= _LONGEST_TEXT:
            return None
        cut = cut or (', "' if ', "' in text else ',"' if ',"' in text else '"')
        if "%" in text or has_ascii_escape(text):
            pieces = text.split(cut)
            return {each if "%" in each or "\\u00" in each else digits_alike(each) for each in pieces} - self._clean
        return set(digits_alike(text).split(cut)) - self._clean

    def add(self, pieces: set[str]) -> None:
        """Remember pieces as clean."""
        self._characters += sum(map(len, pieces))
        if self._characters > _MOST_CHARACTERS:  # a bound: pieces come from the traffic
            self._clean.clear()
            self._characters = 0
        self._clean |= pieces
