"""The export to `responses`: its `Response` objects that match and answer as a cassette does."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag
from weakref import WeakKeyDictionary

import requests
import responses
from responses.registries import FirstMatchRegistry

from cassettes_lib.conversion import raw_from_response
from cassettes_lib.failures import exception_from_failure
from cassettes_lib.matching import MatchOn, resolve_matchers
from cassettes_lib.models import Cassette, Interaction, InteractionRequest
from cassettes_lib.uploads import Upload

if TYPE_CHECKING:
    from urllib3 import HTTPResponse


def fill_registry(cassette: Cassette, mock: Any, match_on: MatchOn) -> FirstMatchRegistry:
    """Add a `Response` for each interaction to the registry of `mock`, or to a new one; return the registry."""
    if mock is responses:
        mock = responses.mock
    registry: FirstMatchRegistry = FirstMatchRegistry() if mock is None else mock.get_registry()
    add = registry.add if mock is None else mock.add
    keys = _Keys(match_on)
    for interaction in cassette.interactions:
        add(CassetteResponse(interaction, keys))
    return registry


class _Keys:
    """The keys by which requests match; a request that is being answered is converted once for all candidates."""

    def __init__(self, match_on: MatchOn) -> None:
        self._matchers = resolve_matchers(match_on)
        self._seen: WeakKeyDictionary[requests.PreparedRequest, tuple[Hashable, ...]] = WeakKeyDictionary()

    def of(self, request: InteractionRequest) -> tuple[Hashable, ...]:
        return tuple(matcher(request) for matcher in self._matchers)

    def of_prepared(self, prepared: requests.PreparedRequest) -> tuple[Hashable, ...]:
        keys = self._seen.get(prepared)
        if keys is None:
            keys = self._seen[prepared] = self.of(Upload(prepared).request())
        return keys


class CassetteResponse(responses.Response):
    """A `responses.Response` for one interaction.

    Attributes:
        interaction: The interaction.
    """

    def __init__(self, interaction: Interaction, keys: _Keys) -> None:
        """Describe the interaction in the terms of `responses`; the answer itself is built from the interaction."""
        request, response = interaction.request, interaction.response
        body: bytes | Exception = response.body if response else _exception(interaction)
        super().__init__(
            request.method,
            urldefrag(request.url).url,
            body=body,
            status=response.status if response else 0,
            headers=dict(response.headers) if response else None,
            content_type=response.header("Content-Type") if response else None,
        )
        self.interaction = interaction
        self._keys = keys
        self._own_keys = keys.of(request)

    def matches(self, request: requests.PreparedRequest) -> tuple[bool, str]:
        """Tell whether a request matches the recorded one, and why not."""
        if self._keys.of_prepared(request) == self._own_keys:
            return True, ""
        return False, f"it is not the recorded {self.method} {self.url}"

    def get_response(self, request: requests.PreparedRequest) -> HTTPResponse:
        """Return the recorded response, or raise the recorded failure."""
        if self.interaction.response is None:
            raise _exception(self.interaction, request)
        return raw_from_response(self.interaction.response, request.method or "GET")


def _exception(interaction: Interaction, request: requests.PreparedRequest | None = None) -> Exception:
    assert interaction.failure is not None
    return exception_from_failure(interaction.failure, request)
