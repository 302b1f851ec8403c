"""The explanation of a miss."""

from __future__ import annotations

from collections.abc import Sequence

from cassettes_lib.errors import InteractionNotFoundError
from cassettes_lib.matching import Matcher
from cassettes_lib.models import Interaction, InteractionRequest


def explain_miss(
    request: InteractionRequest,
    interactions: Sequence[Interaction],
    *,
    matchers: Sequence[Matcher],
    mode: str,
    name: str,
) -> InteractionNotFoundError:
    """Return the error for a request that nothing answers."""
    return InteractionNotFoundError(
        f"{request.method} {request.url} is not on the cassette {name}", request=request, reason="none similar"
    )
