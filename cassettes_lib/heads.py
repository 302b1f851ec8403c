"""Heads: the headers of a message as `http.client` has them, made without its parser, which is one for mails.

Strategy: what that parser makes of plain lines is a list of pairs. So where a head lies in the buffer as a whole, and
all of its lines are plain, it is cut there. From any other nothing is taken: folded lines, bare line feeds, names with
spaces, more headers than `http.client` allows, and headers of a message that is made of messages are the parser's.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from http.client import HTTPMessage
from typing import Any

from cassettes_lib.late_patterns import late_pattern

_PLAIN_HEAD = late_pattern(rb"(?:[\w!#$%&'*+.^`|~-]+:[\t -~]*\r\n){1,99}\r\n", re.ASCII)
# The parser takes headers with such a type for those of a mail and looks for its parts; only it knows with what result.
TYPES_OF_MAILS = late_pattern(r"multipart/|message/", re.IGNORECASE)


def plain_message(file: Any) -> HTTPMessage | None:
    """Read the headers of a message, as `http.client.parse_headers` does.

    Args:
        file: What the message is read from, its first line done with.

    Returns:
        None where that parser is needed; then nothing has been read.
    """
    if type(file) is not io.BufferedReader:
        return None
    head = _PLAIN_HEAD.match(file.peek())
    text = head[0].decode("ascii") if head else ""
    if head is None or TYPES_OF_MAILS.search(text):
        return None
    file.read(head.end())
    lines = [line.partition(":") for line in text[:-4].split("\r\n")]
    return message_from([(name, value.lstrip(" \t")) for name, _, value in lines])


def message_from(headers: Iterable[tuple[str, str]]) -> HTTPMessage:
    """Return what the parser would make of plain headers."""
    message: Any = HTTPMessage()
    message._headers = list(headers)
    message._payload = ""
    return message  # type: ignore[no-any-return]
