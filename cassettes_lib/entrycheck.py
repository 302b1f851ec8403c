"""A quick look over the object that stands for an interaction: is it surely valid? Then it can be built as quickly.

Strategy: opening a cassette of 10,000 interactions must find every wrong type and yet not build 10,000 models. So
this module knows a part of what the models accept, by plain type checks at a tenth of their cost. "No" means "ask
the models"; a property in the tests shows that it never says "yes" to what they refuse, and that what it builds equals
what they build. (But for a number in a JSON body that no float can hold: that is found when the interaction is built.)
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, TypeVar

from cassettes_lib.bodies import STYLE_WORDS, body_from_form
from cassettes_lib.header_pairs import headers_from_file
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.models import (
    RESPONSE_DEFAULTS,
    Interaction,
    InteractionFailure,
    InteractionRequest,
    InteractionResponse,
    unchecked,
)

_Message = TypeVar("_Message", InteractionRequest, InteractionResponse)

_NOTHING: dict[str, Any] = {}
_REQUEST = {"method": "", "url": "", "headers": _NOTHING, "body": b""}
_RESPONSE = {**RESPONSE_DEFAULTS, "headers": _NOTHING}
_TIME = late_pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)\Z", re.ASCII)
# Lone surrogates and control characters: all of them fine in some places.
_DOUBTFUL = late_pattern(rb"\\u(?:[dD][89a-fA-F]|000[0aAdD])")
_LINE_ENDS = late_pattern("[\0\r\n]")
_TEXTS = {str}
_RESPONSE_TYPES = {
    "status": int, "reason": str, "wire_body": bool, "recoding": str, "http_version": str, "closed_early": bool,
}


def is_surely_valid(entry: Any, text: bytes) -> bool:
    """Tell whether an object is an interaction that `Interaction.model_validate` accepts, as far as this can tell.

    A body in base64 has become bytes then, which the models accept as well.

    Args:
        entry: The parsed object.
        text: The text it was parsed from.
    """
    if type(entry) is not dict:
        return False
    request = entry.get("request")
    if type(request) is not dict or type(request.get("method")) is not str or type(request.get("url")) is not str:
        return False
    if (time := entry.get("recorded_at")) is not None and not _is_time(time):
        return False
    # Escapes other than that of a quote are seldom; and a search for bytes costs a hundredth of one for a pattern.
    has_line_ends = False
    if text.count(b"\\") != text.count(b'\\"'):
        if b"\\r" in text or (b"\\u" in text and _DOUBTFUL.search(text)):
            return False
        has_line_ends = b"\\n" in text  # the only other way to write one in a JSON string
    if not _are_headers(request.get("headers", _NOTHING), has_line_ends) or not _has_body(request):
        return False
    response = entry.get("response")
    if (response is None) == (entry.get("failure") is None):
        return False
    if response is None:
        failure = entry["failure"]
        return (
            type(failure) is dict
            and type(failure.get("error")) is str and type(failure.get("message", "")) is str
        )
    return _is_response(response, has_line_ends)


def sure_interaction(entry: dict[str, Any]) -> Interaction:
    """Build the interaction that a surely valid object stands for.

    Raises:
        ValueError: A body holds a number that no float can hold.
    """
    time, failure = entry.get("recorded_at"), entry.get("failure")
    fields = {
        "recorded_at": time and datetime.fromisoformat(time),
        "request": _built(InteractionRequest, _REQUEST, entry["request"]),
        "response": None,
        "failure": failure and InteractionFailure.model_validate(failure),
    }
    if failure is None:
        fields["response"] = _built(InteractionResponse, _RESPONSE, entry["response"])
    return unchecked(Interaction, fields, {name: each for name, each in entry.items() if name not in fields})


def sure_request(entry: dict[str, Any]) -> InteractionRequest:
    """Build the request of a surely valid object.

    Raises:
        ValueError: As `sure_interaction`.
    """
    return _built(InteractionRequest, _REQUEST, entry)


def _built(kind: type[_Message], defaults: dict[str, Any], entry: dict[str, Any]) -> _Message:
    fields = {**defaults, **entry}
    fields["headers"] = headers_from_file(fields["headers"])
    fields["body"] = body_from_form(fields["body"])
    if len(fields) == len(defaults):
        return unchecked(kind, fields)
    return unchecked(
        kind, {name: fields[name] for name in defaults},
        {name: each for name, each in entry.items() if name not in defaults},
    )


def _is_response(response: Any, has_line_ends: bool) -> bool:
    if type(response) is not dict:
        return False
    status = response.get("status")
    if type(status) is not int or not 100 <= status <= 999:
        return False
    if not _are_headers(response.get("headers", _NOTHING), has_line_ends) or not _has_body(response):
        return False
    for name, value in response.items():
        if name not in ("headers", "body") and type(value) is not _RESPONSE_TYPES.get(name):
            return False
    return True


def _is_time(value: Any) -> bool:
    if type(value) is not str or not _TIME.match(value):
        return False
    try:
        return datetime.fromisoformat(value).year >= 1900
    except ValueError:
        return False


def _are_headers(headers: Any, has_line_ends: bool) -> bool:
    """Tell whether this is an object of texts, and lists of them, without line ends; `has_line_ends`: there may be."""
    if type(headers) is not dict:
        return False
    texts = [*headers.values()]
    kinds = set(map(type, texts))
    if list in kinds:
        texts = [text for value in texts for text in (value if type(value) is list else (value,))]
        kinds = set(map(type, texts))
    return kinds <= _TEXTS and not (has_line_ends and _LINE_ENDS.search("".join([*headers, *texts])))


def _has_body(message: dict[str, Any]) -> bool:
    form = message.get("body")
    if form is None:
        return True
    if type(form) is not dict:
        return False
    if len(form) == 1:
        if "json" in form:
            return True
        if "text" in form:
            text = form["text"]
            return type(text) is str or (type(text) is list and all(type(line) is str for line in text))
    elif len(form) == 2 and "json" in form:
        style = form.get("style")
        return type(style) is str and _STYLES.issuperset(style.split())
    try:
        message["body"] = body_from_form(form)
    except ValueError:
        return False
    return True


_STYLES = frozenset({*STYLE_WORDS, "indent-1", "indent-2", "indent-4", "indent-8"})
