"""What the tests of matching share: requests with bodies, and whether two of them match."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

from cassettes_lib.matching import DEFAULT_MATCH_ON, MatchOn, resolve_matchers
from cassettes_lib.models import InteractionRequest
from tests.support import a_request


class Requests:
    """Requests as an index reads them, with nothing to redact.

    Attributes:
        read: How often the request at a position was read; its line alone does not count.
    """

    def __init__(self, requests: Sequence[InteractionRequest]) -> None:
        self._requests = requests
        self.read: Counter[int] = Counter()

    def __len__(self) -> int:
        return len(self._requests)

    def request_at(self, position: int) -> InteractionRequest:
        self.read[position] += 1
        return self._requests[position]

    def line_at(self, position: int) -> tuple[str, str]:
        return self._requests[position].method, self._requests[position].url

    def body_text_at(self, position: int) -> bytes | None:
        return None

    def compares_as_stored(self, request: InteractionRequest) -> bool:
        return True

    def may_be_put_there(self, text: str) -> bool:
        return False

    stored_at = played_at = request_at
    stored_line_at = line_at


def match(one: InteractionRequest, other: InteractionRequest, match_on: MatchOn = DEFAULT_MATCH_ON) -> bool:
    return all(matcher(one) == matcher(other) for matcher in resolve_matchers(match_on))


def posted(body: bytes | str, content_type: str = "", **others: str) -> InteractionRequest:
    sent = [("Content-Type", content_type)] if content_type else []
    sent += [(name.replace("_", "-"), value) for name, value in others.items()]
    return a_request("POST", headers=tuple(sent), body=body.encode() if isinstance(body, str) else body)


def json_posted(value: Any, **options: Any) -> InteractionRequest:
    return posted(json.dumps(value, **options), "application/json")


def multipart(*parts: str | bytes, boundary: str = "B", kind: str = "form-data") -> InteractionRequest:
    whole = b"".join(
        b"--%s\r\n%s\r\n" % (boundary.encode(), part.encode() if isinstance(part, str) else part) for part in parts
    )
    return posted(whole + f"--{boundary}--\r\n".encode(), f"multipart/{kind}; boundary={boundary}")


def field(name: str, value: str = "", more: str = "") -> str:
    return f'Content-Disposition: form-data; name="{name}"{more}\r\n\r\n{value}'
