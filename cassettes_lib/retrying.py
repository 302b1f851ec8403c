"""Retries: what an adapter's `max_retries` makes of recorded attempts, and the history that a response carries.

Strategy: urllib3's own `Retry` decides and counts, as `HTTPConnectionPool.urlopen` has it do; only the sleeping is left
out. Our recordings hold what the caller finally saw, with its history; those of other tools may hold each attempt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from urllib3.exceptions import MaxRetryError
from urllib3.util.retry import Retry

from cassettes_lib.failures import exception_from_failure, failure_from_exception
from cassettes_lib.models import Interaction, InteractionResponse, RetriedAttempt

if TYPE_CHECKING:
    from urllib3 import HTTPResponse

NextAttempt = Callable[[], Interaction | None]
MakeRaw = Callable[[InteractionResponse], "HTTPResponse"]


def retried_of(raw: HTTPResponse) -> tuple[RetriedAttempt, ...]:
    """Return the attempts before a live response that its transport made."""
    retries = getattr(raw, "retries", None)
    if not isinstance(retries, Retry) or not retries.history:
        return ()
    return tuple(
        RetriedAttempt(status=each.status, failure=failure_from_exception(each.error) if each.error else None)
        for each in retries.history
    )


def with_history(
    retries: Retry, retried: tuple[RetriedAttempt, ...], method: str, url: str, make_raw: MakeRaw
) -> Retry:
    """Count recorded attempts, as they were counted live."""
    for attempt in retried:
        answer: dict[str, Any] = {}
        if attempt.failure is not None:
            answer["error"] = exception_from_failure(attempt.failure, url=url)
        else:
            answer["response"] = make_raw(InteractionResponse(status=attempt.status or 500))
        try:
            retries = retries.increment(method, url, **answer)
        except Exception:  # noqa: BLE001 - recorded with another adapter: this one allows fewer attempts
            break
    return retries


class RetriesExhausted(Exception):
    """The attempts that an adapter allows are used up, and it wants that to be an error.

    Attributes:
        error: What urllib3 raises.
    """

    def __init__(self, error: MaxRetryError) -> None:
        super().__init__(str(error))
        self.error = error


def final_attempt(
    interaction: Interaction, retries: Retry, method: str, url: str, *,
    pool: Callable[[], Any], make_raw: MakeRaw, next_attempt: NextAttempt,
) -> tuple[Interaction, Retry]:
    """Go on from one recorded attempt to the next for as long as an adapter would have.

    Args:
        interaction: The first attempt.
        retries: The adapter's `max_retries`.
        method: The method of the request.
        url: Its target, as it stands in the history.
        pool: Gives the connection pool that an error names.
        make_raw: Makes urllib3's response of a recorded one.
        next_attempt: Gives the next recorded answer to the same request, or None.

    Returns:
        What the caller sees, and the retries with their history.

    Raises:
        RetriesExhausted: The last attempt failed, and `retries.raise_on_status` is set.
    """
    while (response := interaction.response) is not None and not response.retried:
        has_retry_after = bool(response.header("Retry-After"))
        if not retries.is_retry(method, response.status, has_retry_after):
            break
        try:
            incremented = retries.increment(method, url, response=make_raw(response), _pool=pool())
        except MaxRetryError as error:
            if retries.raise_on_status:
                raise RetriesExhausted(error) from error
            break
        following = next_attempt()
        if following is None:
            break
        interaction, retries = following, incremented
    return interaction, retries
