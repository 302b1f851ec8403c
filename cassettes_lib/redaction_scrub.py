"""One pass over one message: what the walkers through its places share."""

from __future__ import annotations

from typing import Any, Protocol

from cassettes_lib.redaction_memory import Where
from cassettes_lib.redaction_rules import Rules


class Scrub(Protocol):
    """What a walker through a place asks: what replaces a secret, and how a text inside that place is redacted.

    Attributes:
        rules: The configuration.
        awaits_secret: Whether the body is the answer to a request for a secret, such as `GET /token`.
    """

    rules: Rules
    awaits_secret: bool

    @property
    def may_have_names(self) -> bool:
        """Whether the present document may hold the name of a secret."""

    def secret(self, value: str, where: Where, by: str = "name") -> str:
        """Return what stands for a value that stands under a secret's name; itself when it holds no secret."""

    def secret_number(self, literal: str, where: Where) -> str:
        """Return the number literal that stands for a number under a secret's name."""

    def credentials(self, value: str, where: Where) -> str:
        """Redact the value of an Authorization header, which may stand elsewhere too."""

    def leaf(self, text: str, where: Where) -> str:
        """Redact a text that stands under no secret's name: JSON, a URL, a form, or prose that holds some."""

    def url(self, url: str, where: Where, *, is_redirect: bool = False) -> str:
        """Redact a URL, absolute or relative."""

    def shapeless(self, text: str, where: Where) -> str:
        """Remove secrets that their shape gives away."""

    def name(self, name: str, where: Where) -> str:
        """Remove known values, and what its shape gives away, from the name of a member, a field or a cookie."""

    def hidden(self, text: str, where: Where) -> str:
        """Redact a text that was hidden in the present document by an encoding."""

    def known(self, text: str, where: Where) -> str:
        """Remove values that are known, wherever they stand in a text."""

    def known_in_bytes(self, text: str, where: Where) -> str:
        """Remove known values from bytes read as latin-1."""

    def narrowed(self, text: str) -> Any:
        """Look at a whole document once, so that its parts need not be looked at for what it does not hold."""

    def widened(self, before: Any) -> None:
        """End what `narrowed` began."""

    @property
    def holds_secret_objects(self) -> bool:
        """Whether the present document holds Kubernetes' objects of the kind `Secret`."""

    @property
    def finds_names_only(self) -> bool:
        """Whether nothing but the names in the present document gives secrets away."""

    @property
    def finds_nothing(self) -> bool:
        """Whether the present document holds nothing to redact."""

    def learn(self, value: str) -> None:
        """Look for a value everywhere from now on, if it is long and rare enough."""

    def name_of(self, value: str) -> str | None:
        """Return the placeholder that stands for a value."""

    def is_settled(self, value: str) -> bool:
        """Tell whether a value needs no more redaction: it is empty, a replacement or a placeholder."""

    def keep(self, value: str) -> None:
        """Remember a value that an exemption keeps."""

    def is_kept(self, value: str) -> bool:
        """Tell whether a value is, or is part of, one that an exemption keeps."""

    def host(self, host: str) -> None:
        """Remember a host name: its words are no secrets."""
