"""The way from the bytes of a foreign recording to plain data: character encoding, then JSON or YAML by content."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from typing import Any

from cassettes_lib.importers.yamltext import YamlError, read_yaml

INSTALL_YAML = (
    "recordings in YAML are read with PyYAML, which is not installed; install it with: "
    "pip install 'cassettes-lib[yaml]'"
)

_JSONP = re.compile(r"[A-Za-z_$][\w$.]*\s*\(\s*[{\[]")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# How the beginning of a file tells what it was meant to be, when it is too damaged to be read.
_SIGNS = (
    ("betamax", re.compile(r"^http_interactions\s*:|\"http_interactions\"\s*:", re.MULTILINE)),
    ("har", re.compile(r"^[\s{]*\"log\"\s*:\s*\{", re.MULTILINE)),
    ("responses", re.compile(r"^responses\s*:|^- response:", re.MULTILINE)),
    ("vcrpy", re.compile(r"^interactions\s*:|^- request:|\"interactions\"\s*:|^[\s\[{]*\"request\"\s*:", re.MULTILINE)),
)


class DocumentError(ValueError):
    """The content is neither JSON nor YAML, or not decodable."""


def text_of(content: str | bytes) -> str:
    """Return the text of a file: UTF-8, with or without a byte order mark, or UTF-16 with one.

    Raises:
        DocumentError: The bytes are not of that encoding.
    """
    if isinstance(content, str):
        return content.removeprefix("\ufeff")
    try:
        return content.decode("utf-16" if content.startswith(_UTF16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DocumentError(f"the file is not UTF-8: byte {error.start} in line {line} ({error.reason})") from error


def document_of(text: str, warn: Callable[[str], None]) -> Any:
    """Return the plain data of a text, which is JSON when it begins with a brace or bracket and YAML otherwise.

    Raises:
        DocumentError: It is neither, is empty, or is YAML and PyYAML is missing.
    """
    start = text.lstrip()
    if not start:
        raise DocumentError("the file is empty")
    if start[0] in "{[":
        return _json(text)
    if _JSONP.match(start):
        raise DocumentError("this is JSONP, JSON in a call of a function; take the call away")
    try:
        document = read_yaml(text, warn)
    except YamlError as error:
        raise DocumentError(str(error)) from error
    except ImportError as error:
        raise DocumentError(INSTALL_YAML) from error
    if document is None:
        raise DocumentError("the file holds nothing but comments or null")
    return document


def probable_format(text: str) -> str | None:
    """Guess from its first lines what a damaged text was meant to be, or None when it is nothing we know."""
    beginning = text[:20_000]
    for name, sign in _SIGNS:
        if sign.search(beginning):
            return name
    return None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DocumentError(f"not valid JSON in line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise DocumentError("not readable as JSON: nested too deeply") from error
    except ValueError as error:  # an integer of more than 4,300 digits
        raise DocumentError(f"not readable as JSON: {error}") from error
