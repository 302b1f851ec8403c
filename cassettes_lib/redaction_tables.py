"""Secrets in tables of text (CSV): a column named as a secret holds secrets."""

from __future__ import annotations

from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.redaction_memory import Where
from cassettes_lib.redaction_scrub import Scrub
from cassettes_lib.secret_names import Verdict
from cassettes_lib.secret_shapes import looks_secret

_CELL = {delimiter: late_pattern(rf'"(?:[^"]|"")*"|[^{delimiter}\r\n"]*') for delimiter in (",", ";", "\t", "|")}


def redacted_table(scrub: Scrub, text: str, where: Where) -> str:
    """Redact the columns of a CSV text whose heads name secrets; everything else stays."""
    lines = text.splitlines(keepends=True)
    if len(lines) < 2:
        return text
    delimiter = max(_CELL, key=lines[0].count)
    heads = [cell.strip().strip('"') for cell in lines[0].rstrip("\r\n").split(delimiter)]
    verdicts = {column: scrub.rules.fields.verdict(head) for column, head in enumerate(heads) if head}
    verdicts = {column: verdict for column, verdict in verdicts.items() if verdict is not Verdict.NO}
    if not verdicts:
        return text
    return lines[0] + "".join(_redacted_line(scrub, line, delimiter, verdicts, where) for line in lines[1:])


def _redacted_line(
    scrub: Scrub, line: str, delimiter: str, verdicts: dict[int, Verdict], where: Where
) -> str:
    pieces: list[str] = []
    position = 0
    for column in range(max(verdicts) + 1):
        found = _CELL[delimiter].match(line, position)
        if not found:
            break
        cell = found[0]
        if column in verdicts:
            core = cell.strip().strip('"').replace('""', '"')
            if core and (verdicts[column] is Verdict.YES or looks_secret(core)):
                new = scrub.secret(core, where)
                cell = cell if new == core else f'"{new}"' if cell.startswith('"') else new
        pieces.append(cell)
        position = found.end()
        if not line.startswith(delimiter, position):
            break
        pieces.append(delimiter)
        position += 1
    return "".join(pieces) + line[position:]
