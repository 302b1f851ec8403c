"""The explanation of a miss: what was asked, which recordings came closest, what differs, and what to do now.

Strategy: raising costs one scan (`likeness`), which finds the nearest recorded requests and the reason. The text, with
its diffs and its advice, is written when somebody prints the error. All it shows has been redacted before.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal

from cassettes_lib.circumstances import Circumstances, in_words
from cassettes_lib.columns import WIDTH, printable, shortened
from cassettes_lib.differences import body_preview, difference
from cassettes_lib.errors import InteractionNotFoundError, NearestRequest
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.likeness import Candidate, is_similar, nearest_candidates
from cassettes_lib.matching import NamedMatcher
from cassettes_lib.matching_bodies import understand
from cassettes_lib.models import InteractionRequest
from cassettes_lib.playback import PlaybackIndex
from cassettes_lib.relaxing import arguments_of_ignoring

Reason = Literal["nothing recorded", "none similar", "differs", "already played", "expired"]

_MOST_NEAREST = 3
_MOST_LINES = 60
# Of the diff of each of the nearest but the first, which gets the rest: it most often is the one that was meant.
_LEAST_LINES = 6
_REDACTED = late_pattern(r"REDACTED-\d+")


def explain_miss(
    request: InteractionRequest,
    index: PlaybackIndex,
    circumstances: Circumstances | None = None,
    *,
    fitting: InteractionRequest | None = None,
) -> InteractionNotFoundError:
    """Return the error for a request that nothing answers. Call it under the lock that guards the index.

    Args:
        request: What was asked, redacted.
        index: What is recorded, and what has been played.
        circumstances: What is known about the run.
        fitting: The same with the secrets of a recorded request in the place of its own, if there is one.
    """
    usage = index.usage(fitting or request)
    equal = usage.positions if usage else ()
    expired = [position for position in equal if position in index.withheld]
    candidates = nearest_candidates(request, index, skip=equal)
    similar = [each for each in candidates if is_similar(request, each, index.matchers)]
    reason: Reason
    if not index.count:
        reason = "nothing recorded"
    elif expired:
        reason = "expired"
    elif equal:
        reason = "already played"
        similar = [each for each in similar if not index.is_played(each.position)]
    else:
        reason = "differs" if similar else "none similar"
    found = (expired or equal)[-1:]
    shown = [Candidate(position, index.recorded.request_at(position), (), 0) for position in found] + similar
    shown = shown[:_MOST_NEAREST]
    nearest = [
        NearestRequest(
            position=each.position,
            request=each.request,
            differs=tuple(matcher.label for matcher in each.differing),
            played=index.is_played(each.position),
        )
        for each in shown
    ]
    text = _MissText(
        request,
        reason,
        tuple(zip(nearest, (each.differing for each in shown), strict=True)),
        tuple(index.matchers),
        circumstances or Circumstances(),
        index.count,
        asked=usage.asked if usage else 0,
        recorded=len(equal),
        recorded_at=index.withheld[expired[-1]] if expired else None,
        others=tuple(each.request for each in candidates[:_MOST_NEAREST]),
    )
    return InteractionNotFoundError(text, request=request, nearest=nearest, reason=reason)


def log_lines(error: InteractionNotFoundError) -> list[str]:
    """Return, for the log, a line for each of the nearest recorded requests that says why it did not match."""
    lines = []
    for each in error.nearest:
        equal_but = "has been played" if each.played else "is too old"
        why = f"differs in {_listed(each.differs)}" if each.differs else equal_but
        lines.append(f"{_line(error.request)} is not interaction {each.position + 1}, {_line(each.request)}: it {why}")
    return lines


class _MissText:
    """The text of a miss, written when it is first asked for; pickled and deep-copied as that text."""

    def __init__(
        self,
        request: InteractionRequest,
        reason: Reason,
        nearest: Sequence[tuple[NearestRequest, tuple[NamedMatcher, ...]]],
        matchers: Sequence[NamedMatcher],
        circumstances: Circumstances,
        count: int,
        *,
        asked: int,
        recorded: int,
        recorded_at: datetime | None,
        others: Sequence[InteractionRequest],
    ) -> None:
        self._request = request
        self._reason = reason
        self._nearest = nearest
        self._matchers = matchers
        self._circumstances = circumstances
        self._count = count
        self._asked = asked
        self._recorded = recorded
        self._recorded_at = recorded_at
        self._others = others
        self._now = datetime.now(UTC)
        self._text: str | None = None

    def __str__(self) -> str:
        if self._text is None:
            self._text = "\n".join(self._lines())
        return self._text

    def __repr__(self) -> str:
        return repr(f"{_line(self._request)}: {self._reason}")

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (str(self),)

    def _lines(self) -> Iterator[str]:
        head = [shortened(f"no recorded interaction answers {_line(self._request)}"), "", *self._facts()]
        advice = ["", *self._advice()]
        shown = [(near, differing) for near, differing in self._nearest if differing]
        lines_left = _MOST_LINES - len(head) - len(advice) - 3 * len(shown)
        yield from head
        for number, (near, differing) in enumerate(shown, start=1):
            lines = [line for matcher in differing for line in difference(matcher, near.request, self._request)]
            most_lines = max(_LEAST_LINES, lines_left - _LEAST_LINES * (len(shown) - number))
            lines_left -= min(len(lines), most_lines)
            yield ""
            yield self._near_line(near, "nearest" if number == 1 else "near")
            yield from lines[:most_lines]
            if len(lines) > most_lines:
                left_out = len(lines) - most_lines
                yield f"... {left_out:,} more line{'s' * (left_out > 1)}"
        yield from advice

    def _facts(self) -> Iterator[str]:
        here = self._circumstances
        mode = here.mode
        if here.wanted_mode and here.wanted_mode != mode:
            mode += f" (not {here.wanted_mode}{', because CI is set' if here.under_ci else ''})"
        yield from _fact("reason", f"{self._reason}{self._explained()}")
        yield from _fact("request", _line(self._request))
        preview = body_preview(understand(self._request))
        if preview:
            yield f"          {shortened(preview, 0, WIDTH - 10)}"
        name = printable(here.cassette_name) or "without a name"
        yield from _fact("cassette", f"{name}, {_interactions(self._count)}")
        yield from _fact("mode", mode)
        yield from _fact("match on", ", ".join(matcher.name for matcher in self._matchers))

    def _explained(self) -> str:
        if self._reason == "nothing recorded":
            return ": the cassette is empty"
        if self._reason == "none similar":
            return ": nothing like this request is recorded"
        if self._reason == "expired":
            return f": {self._expiry()}"
        if self._reason == "already played":
            return f": asked {_times(self._asked)}, recorded {_times(self._recorded)}"
        return f": the nearest recorded request differs in {_listed(self._nearest[0][0].differs)}"

    def _expiry(self) -> str:
        recorded_at, max_age = self._recorded_at, self._circumstances.max_age
        assert recorded_at is not None
        age = "" if max_age is None else f", {in_words(self._now - recorded_at)} ago; max_age is {in_words(max_age)}"
        return f"recorded on {recorded_at:%Y-%m-%d}{age}"

    def _near_line(self, near: NearestRequest, label: str) -> str:
        played = ", already played" if near.played else ""
        place = f"interaction {near.position + 1:,} of {self._count:,}"
        return shortened(f"{label + ':':10}{place}, differs in {_listed(near.differs)}{played}")

    def _advice(self) -> Iterator[str]:
        yield from self._redaction_advice()
        if self._reason == "none similar" and self._others:
            yield "recorded are, among others:"
            yield from (shortened(f"    {_line(each)}") for each in self._others)
            yield ""
        yield from self._recording_advice()
        if self._reason == "already played":
            yield "to answer with the last recorded one again:"
            yield "    allow_playback_repeats=True"
        if self._reason == "expired":
            yield "to replay it as long as it is not recorded anew:"
            yield '    on_expired="warn"'
        relaxed = self._relaxed()
        if relaxed:
            yield "if the difference does not matter:"
            yield from _wrapped_call("match_on=ignoring", relaxed)

    def _redaction_advice(self) -> Iterator[str]:
        if self._circumstances.redacting:
            return
        recorded = [near.request for near, differing in self._nearest if differing]
        if any(_REDACTED.search(f"{each.url} {each.headers} {each.body!r}") for each in recorded):
            yield from textwrap.wrap(
                "the recording is redacted, but this run does not redact (redact=None or redactor=None), so what "
                "was secret cannot match: switch redaction on, or record again without it",
                WIDTH,
            )

    def _recording_advice(self) -> Iterator[str]:
        here = self._circumstances
        if not here.has_environment:
            yield "to record it:"
            yield '    Broker(..., mode="auto", live_responder=...)'
            return
        where = "under CI nothing is recorded; to record it on your machine, then commit it:"
        yield where if here.under_ci else "to record it:"
        if not here.test_id:
            yield "    run this once with CASSETTES_MODE=auto in the environment"
            return
        yield from _wrapped_command(f"CASSETTES_MODE=auto {here.test_runner}", here.test_id)

    def _relaxed(self) -> list[str] | None:
        for near, differing in self._nearest:
            if differing and not near.played:
                relaxed = arguments_of_ignoring(self._matchers, near.request, self._request)
                # A name that fills more than a line is no name that somebody chose, and no advice.
                if relaxed and max(map(len, relaxed)) <= WIDTH - len("        ,"):
                    return relaxed
        return None


def _line(request: InteractionRequest) -> str:
    return printable(f"{request.method} {request.url}")


def _fact(name: str, text: str) -> Iterator[str]:
    """Write a fact under its name, in as many lines as it needs, at most four; a long URL is broken, not cut."""
    lines = textwrap.wrap(text, WIDTH - 10, break_on_hyphens=False) or [""]
    yield f"{name + ':':10}{lines[0]}"
    yield from (f"          {line}" for line in lines[1:3])
    if len(lines) > 3:
        yield f"          {shortened(lines[3] + '...' * (len(lines) > 4), 0, WIDTH - 10)}"


def _wrapped_command(command: str, argument: str) -> Iterator[str]:
    if 4 + len(command) + 1 + len(argument) <= WIDTH:
        yield f"    {command} {argument}"
    else:
        yield f"    {command} \\"
        yield f"        {argument}"


def _wrapped_call(function: str, arguments: Sequence[str]) -> Iterator[str]:
    """Write a call, each argument on a line of its own when it is long."""
    call = f"    {function}({', '.join(arguments)})"
    if len(call) <= WIDTH:
        yield call
        return
    yield f"    {function}("
    yield from (f"        {argument}," for argument in arguments)
    yield "    )"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count:,} times")


def _interactions(count: int) -> str:
    return "1 interaction" if count == 1 else f"{count:,} interactions"
