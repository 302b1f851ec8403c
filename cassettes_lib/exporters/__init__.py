"""The exporters: cassettes become HAR, for a browser's developer tools, or a registry of `responses`."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

from cassettes_lib.exporters.har import to_har
from cassettes_lib.matching import DEFAULT_MATCH_ON, MatchOn
from cassettes_lib.models import Cassette

if TYPE_CHECKING:
    from responses import RequestsMock
    from responses.registries import FirstMatchRegistry

__all__ = ["cassette_to_responses", "to_har"]


def cassette_to_responses(
    cassette: Cassette, *, mock: RequestsMock | ModuleType | None = None, match_on: MatchOn = DEFAULT_MATCH_ON
) -> FirstMatchRegistry:
    """Fill a registry of `responses` with the interactions of a cassette.

    Each interaction becomes a `responses.Response` that matches as this library matches and delivers the recorded
    response exactly: reason, repeated headers, codings; a recorded failure raises. Equal requests are answered in
    recorded order, and after the last by the last again, as is the way of `responses`.

        with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
            cassette_to_responses(cassette, mock=mock)

    Args:
        cassette: The cassette.
        mock: A `RequestsMock`, or the module `responses` itself, to whose registry the responses are added; None for a
            registry of their own.
        match_on: What two requests must agree in, as for `use_cassette`.

    Returns:
        The registry; its `registered` are the responses, in recorded order.

    Raises:
        ImportError: `responses` is not installed.
        ValueError: `match_on` names an unknown matcher.
    """
    from cassettes_lib.exporters.responses import fill_registry

    return fill_registry(cassette, mock, match_on)
