"""What is wrong with a cassette's text, and where: errors with line, column and the member's path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from cassettes_lib.errors import CassetteFormatError
from cassettes_lib.jsontext import JsonTextError, explain_failure, find_member, line_and_column
from cassettes_lib.late_patterns import late_pattern

LEFT_ALONE = "The file is left as it is; repair it, restore it from version control, or delete it to record anew"
CONVERT = "(Recordings of other tools are converted with: cassettes convert)"
_OTHER_TOOL = late_pattern(r"(?:---\s+)?(?:interactions|http_interactions|responses|version):")  # in YAML


def text_error(error: JsonTextError, text: str, path: str) -> CassetteFormatError:
    """Return the error for a text that is not JSON, or beyond the limits of its reader."""
    line = column = None
    where = ""
    if error.position is not None:
        line, column = line_and_column(text, error.position)
        where = f", line {line}, column {column}"
    advice = CONVERT if _OTHER_TOOL.match(text) else LEFT_ALONE
    return CassetteFormatError(f"{path}{where}: {error.reason}. {advice}", path=path, line=line, column=column)


def entry_error(
    error: ValidationError | RecursionError, text: bytes, path: str, position: int, start_line: int
) -> CassetteFormatError:
    """Return the error for an interaction with a value of a wrong type."""
    if isinstance(error, RecursionError):
        line, column = line_and_column(text.decode("utf-8"), explain_failure(text.decode("utf-8"), error).position or 0)
        return CassetteFormatError(
            f"{path}, line {line + start_line - 1}, column {column}: interactions[{position}] is nested too deep",
            path=path, line=line + start_line - 1, column=column, member=f"interactions[{position}]",
        )
    return shape_error(error, text.decode("utf-8"), path, prefix=("interactions", position), line=start_line)


def shape_error(
    error: ValidationError,
    text: str,
    path: str,
    location: Sequence[int | str] = (),
    *,
    prefix: Sequence[int | str] = (),
    line: int = 1,
) -> CassetteFormatError:
    """Return the error for a value of a wrong type.

    Args:
        error: What pydantic says.
        text: The text of the file, or of a part that begins in column 5.
        path: The file.
        location: Where the value that was validated stands in the text.
        prefix: Where the text stands in the file.
        line: Line of the file in which the text begins.
    """
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    location = [*location, *(part for part in first["loc"] if not _is_validator(part))]
    found, followed = find_member(text, location)
    lines, column = line_and_column(text, found)
    if prefix and lines == 1:
        column += 4
    member = _member_path([*prefix, *(location if first["type"] == "missing" else location[:followed])])
    where = f", at {member}" if member else ""
    line += lines - 1
    return CassetteFormatError(
        f"{path}, line {line}, column {column}{where}: not a valid cassette: {first['msg']}",
        path=path, line=line, column=column, member=member,
    )


def _is_validator(part: int | str) -> bool:
    """Tell whether a part of a location names one of pydantic's validators rather than a member."""
    return isinstance(part, str) and part.startswith(("function-", "is-instance", "tuple[", "chain"))


def _member_path(location: Sequence[int | str]) -> str:
    """Write a location the way one reads JSON: `interactions[3].response.status`."""
    path = ""
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path


def shortened(value: Any) -> str:
    """Show a value that may be of any size."""
    try:
        text = repr(value)
    except ValueError:  # a number of more digits than Python prints
        return "a gigantic number"
    return text if len(text) <= 40 else f"{text[:40]}..."


def kind_of(value: Any) -> str:
    """Name what JSON calls the type of a value."""
    if isinstance(value, Mapping):
        return "an object"
    kinds = {list: "a list", str: "a string", bool: "a boolean", int: "a number", float: "a number"}
    return kinds.get(type(value), "null")
