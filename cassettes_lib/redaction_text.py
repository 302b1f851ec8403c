"""Secrets in text that is not, as a whole, JSON or a form: prose, logs, YAML, scripts, HTML, XML, messages.

Strategy: a name that could be a secret's contains one of a few stems; only where a stem stands is the text looked at
closely, for `name = value`, `name: value`, `name="value"`, `<name>value</name>` and their escaped forms. In code
(scripts, HTML, style sheets) a value has to look like a secret as well, since names there are often variables.
All finds are collected first, and where two overlap the one that begins first, or is longer, wins.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from typing import NamedTuple

from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.redaction_finds import Find, decoded, encoded_at, is_credential, unnamed
from cassettes_lib.redaction_headers import SCHEMES, redacted_cookies
from cassettes_lib.redaction_memory import Where
from cassettes_lib.redaction_scrub import Scrub
from cassettes_lib.replacements import WORD
from cassettes_lib.secret_names import Verdict, lowercase, normalised
from cassettes_lib.secret_shapes import is_empty, looks_secret
from cassettes_lib.taint import percent_view

_NAME_CHARACTERS = string.ascii_letters + string.digits + "_.-[]%$"
_NAME = late_pattern(r"\$?[A-Za-z_][\w.\-]*(?:(?:\[|%5B)[\w.\-]*(?:\]|%5D))*")
_QUOTE = r"(?:\\{0,3}[\"']|&quot;|&\#34;|&\#39;|&apos;|\\u0022|%22)"
_SEPARATOR = late_pattern(
    rf"(?P<close>{_QUOTE})?\]?(?P<space>[ \t]{{0,8}})"
    r"(?:(?:provided|supplied|given|used|value)[ \t]?(?=:))?"  # "API key provided: ..."
    r"(?P<sep>=>|:=|=(?![=>~])|:(?![:/])|,|(?<=[ ])is:?(?=[ ]))"
    rf"[ \t]{{0,8}}(?:(?P<open>{_QUOTE})|(?=\S))"
)
_BARE = late_pattern(r"[^\s&;,\"'<>(){}\[\]\\|\#`]{1,20000}")
_BARE_IN_CODE = late_pattern(_BARE.pattern.replace("20000", "2000"))  # mostly no secret, and looked at again
# What may follow a name that has a value: a separator, a quote or the end of a tag.
_NEXT = late_pattern(r"[\s\]]{0,8}(?:[:=<>\"'\\&%]|is\b|value\b|provided|supplied|given|used)")
_ELEMENT = late_pattern(r"(?:\s[^<>]*)?>(?:\s*<!\[CDATA\[)?(?P<value>[^<>]*?)(?:\]\]>\s*)?</")
_INNER_ELEMENT = late_pattern(r"(?:\s[^<>]*)?>\s*<(?:\w+:)?(?:value|string|secret|text|data)>(?P<value>[^<>]*)</", re.I)
_NAMED_BEFORE = late_pattern(r"\b(?:name|key|id)[\"']?\s*:\s*[\"']?\Z")
_VALUE_AFTER = late_pattern(r"[\"']?\s*\n\s*(?:-\s*)?value[\"']?\s*[:=][ \t]*[\"']?(?P<value>[^\s\"']+)")
_OPTION_VALUE = late_pattern(r"[ \t]+[\"']?(?P<value>[^\s\"'-][^\s\"']*)")
_WORDS_BEFORE = late_pattern(r"(?:[A-Za-z]{2,16} ){1,3}\Z")
_LATER_VALUE = late_pattern(
    r"\s*</(?:\w+:)?(?:key|name|param|member)>\s*(?:<value>\s*)?<\w+>(?P<value>[^<]*)</", re.IGNORECASE
)
_VALUE_ATTRIBUTE = late_pattern(
    r"\b(?:value|content)\s*=\s*(?:(?P<quote>\\?[\"'])(?P<quoted>.*?)(?P=quote)|(?P<bare>[^\s\"'<>=`]+))",
    re.DOTALL | re.IGNORECASE,
)
_NAMING = late_pattern(r"(?:name|id|type|property|key|data-name)\s*=\s*\\?[\"']\Z|\sname=\Z", re.IGNORECASE)
# What follows the key in X-Amz-Credential and its kin: date, region, service.
_SIGNING_SCOPE = late_pattern(r"(?:/|%2[fF]|\\/)\d{8}(?:/|%2[fF]|\\/)[\w%/\\-]+_request\Z")
_REPLACED_PARAMETER = late_pattern(r"REDACTED-\d+[/?]")
_AFTER_SCHEME = late_pattern(r"[ \t]+[^\s\"'\\,;<>]+")
_REST_OF_LINE = late_pattern(r"[^\r\n\"\\]*")
_VALUE_END = late_pattern(r"[ \t]*(?:\#.*)?(?:\r|\n|\Z)")
_CODE_LIKE = late_pattern(r"[\w$]+(?:\.[\w$]+)+|[A-Za-z_$]+|!\d|[a-z]+[A-Z]\w*[a-z]")


class Style(NamedTuple):
    """How a text is to be read.

    Attributes:
        is_code: It is a script, a style sheet or HTML, where names of secrets are often variables or labels.
    """

    is_code: bool = False


PROSE = Style()


def redacted_text(scrub: Scrub, text: str, where: Where, style: Style = PROSE) -> str:
    """Redact what stands in a text under a secret's name, by its shape, or as a pattern of the user's says.

    Known values are left to the caller.
    """
    finds = list(_finds(scrub, text, where, style))
    if not finds:
        return text
    pieces = []
    done = 0
    for find in sorted(finds, key=lambda each: (each.start, -each.end)):
        if find.start < done:
            continue
        pieces += [text[done : find.start], find.replace()]
        done = find.end
    return "".join([*pieces, text[done:]])


def _finds(scrub: Scrub, text: str, where: Where, style: Style) -> Iterator[Find]:
    lowered = lowercase(text)
    yield from unnamed(scrub, text, lowered, where)
    if scrub.may_have_names:
        yield from _named(scrub, text, lowered, where, style)
        if "%3d" in lowered and (view := percent_view(text)):  # ...?next=https%3A%2F%2Fx%2F%3Ftoken%3D...
            for find in _named(scrub, view.text, lowercase(view.text), where, style):
                yield Find(view.original(find.start), view.original_end(find.end), find.replace)


def _named(scrub: Scrub, text: str, lowered: str, where: Where, style: Style) -> Iterator[Find]:
    """Find values that stand under the name of a secret."""
    name_end = covered = 0
    for stem in scrub.rules.stem.finditer(lowered):
        position = stem.start()
        if position < name_end or position < covered:
            continue
        start = _name_start(text, position)
        found = _NAME.match(text, start)
        if found and found.end() > position:
            name_end = found.end()
            if _NEXT.match(text, name_end) or text[start - 1 : start] in ("<", ":", "-", "="):
                for find in _value_of(scrub, text, start, found[0], where, style):
                    covered = find.end
                    yield find


def _name_start(text: str, position: int) -> int:
    before = text[max(0, position - 60) : position]
    start = position - len(before) + len(before.rstrip(_NAME_CHARACTERS))
    while start < position and not (text[start].isalpha() or text[start] in "_$"):
        start += 1
    # an escape such as \n or %20 in front of a name is not part of it
    if start > 0 and text[start - 1] == "\\" and text[start] in "nrt":
        start += 1
    percent = text.rfind("%", start, position)
    if percent >= 0 and text[percent + 1 : percent + 3].upper() not in ("5B", "5D"):
        start = min(position, percent + 3)
    return start


def _value_of(scrub: Scrub, text: str, start: int, name: str, where: Where, style: Style) -> Iterator[Find]:
    verdict = scrub.rules.fields.verdict(name)
    kept = scrub.rules.fields.keeps(name)
    before = text[start - 1 : start]
    if before in ("?", "&", ";") and not kept:
        verdict = max(verdict, scrub.rules.query.verdict(name))
    if verdict is Verdict.NO and before == " " and (words := _WORDS_BEFORE.search(text[max(0, start - 50) : start])):
        verdict = scrub.rules.fields.verdict((words[0] + name).replace(" ", "_"))  # "Secret Access Key: ..."
    is_header = normalised(name) in ("cookie", "setcookie")
    if verdict is Verdict.NO and not kept and not is_header and scrub.rules.headers.verdict(name) is Verdict.YES:
        verdict = Verdict.IF_IT_LOOKS_SO
    if verdict is Verdict.NO and not kept and not is_header:
        return
    end = start + len(name)
    if _NAMED_BEFORE.search(text[max(0, start - 16) : start]) and (later := _VALUE_AFTER.match(text, end)):
        yield from _judged(scrub, later["value"], later.start("value"), where, verdict, kept, style)
        return
    tag = before == "<" or (before == ":" and re.search(r"<[\w.-]+:\Z", text[max(0, start - 40) : start]))
    found: re.Match[str] | None
    if tag:
        if found := _ELEMENT.match(text, end) or _INNER_ELEMENT.match(text, end):
            yield from _judged(scrub, found["value"], found.start("value"), where, verdict, kept, style)
        return
    if before == ">" and (found := _LATER_VALUE.match(text, end)):
        yield from _judged(scrub, found["value"], found.start("value"), where, verdict, kept, style)
        return
    if _NAMING.search(text[max(0, start - 24) : start]):
        yield from _beside(scrub, text, start, where, verdict, kept, style)
        return
    found = _SEPARATOR.match(text, end)
    if not found:
        if before == "-" and (found := _OPTION_VALUE.match(text, end)):
            yield from _judged(scrub, found["value"], found.start("value"), where, verdict, kept, style)
        return
    if found["sep"] == ",":  # setItem("token", "..."), ["token", "..."]
        if not found["close"] or not found["open"]:
            return
        verdict = min(verdict, Verdict.IF_IT_LOOKS_SO)
    if is_header:
        if found["sep"] == ":":
            line = _REST_OF_LINE.match(text, found.end())
            if line and "=" in line[0]:
                is_set = normalised(name) == "setcookie"
                yield Find(*line.span(), lambda: redacted_cookies(scrub, line[0], _text_of(where), is_set=is_set))
        return
    if found["open"]:
        yield from _quoted(scrub, text, found, where, verdict, kept, style)
    elif not found["close"] or found["sep"] == ":":
        yield from _bare(scrub, text, start, name.lower(), found, where, verdict, kept, style)


def _quoted(
    scrub: Scrub, text: str, found: re.Match[str], where: Where, verdict: Verdict, kept: bool, style: Style
) -> Iterator[Find]:
    start = found.end()
    end = _end_of_quoted(text, start, found["open"])
    if end is None:
        return
    value = text[start:end]
    if style.is_code and verdict is Verdict.YES and not looks_secret(value):
        return
    scheme, space, rest = value.partition(" ")
    if space and scheme.lower() in SCHEMES and rest.strip():
        yield Find(start, end, lambda: scrub.credentials(value, where))
        return
    yield from _judged(scrub, value, start, where, verdict, kept, style)


def _end_of_quoted(text: str, start: int, opening: str) -> int | None:
    """Return where a quoted value ends: at the quote that opened it, not escaped more deeply than that one."""
    if len(opening) > 1:
        end = text.find(opening, start, start + 20_000)
        return None if end < 0 else end
    found = re.compile(rf"(?:[^{opening}\\\n]++|\\.)*+(?={opening}|\Z)").match(text, start)
    return found.end() if found else None


def _bare(
    scrub: Scrub,
    text: str,
    start: int,
    name: str,
    found: re.Match[str],
    where: Where,
    verdict: Verdict,
    kept: bool,
    style: Style,
) -> Iterator[Find]:
    value = (_BARE_IN_CODE if style.is_code else _BARE).match(text, found.end())
    if not value:
        return
    begin, end = value.span()
    if end - begin < 40 and value[0].lower() in SCHEMES and (more := _AFTER_SCHEME.match(text, end)):
        whole = text[begin : more.end()]
        if is_credential(more[0].strip()) or verdict is Verdict.YES:
            yield Find(begin, more.end(), lambda: scrub.credentials(whole, where))
        return
    before = text[max(0, start - 5) : start]
    is_query = before[-1:] in ("?", "&") or before == "&amp;"
    if before[-1:] == ";":  # perhaps a parameter of a path: /home;jsessionid=.../part?a=b
        if _REPLACED_PARAMETER.match(value[0]):
            return
        end = begin + len(value[0].partition("?")[0])
    while end > begin and text[end - 1] in ".:!?*":
        end -= 1
    has_words = not style.is_code and (found["sep"] == "=" or name.endswith("phrase"))
    if has_words and _is_alone(text, start, begin, to_the_end=False):
        line = _REST_OF_LINE.match(text, begin)
        end = max(end, line.end() if line else end)  # a value with spaces in it
        while text[end - 1] in " \t":
            end -= 1
    plain = text[begin:end]
    if text[end : end + 1] in ("(", "[", "{") or (style.is_code and not is_query and _CODE_LIKE.fullmatch(plain)):
        return
    if style.is_code and not is_query and not is_credential(plain):
        return
    if found["sep"].startswith("is") and not _is_odd(plain):
        return
    if found["sep"] != "=" and not found["close"] and not _is_alone(text, start, end) and not _is_odd(plain):
        return
    if found["sep"] == "=" and found["space"] and not _is_odd(plain) and not _is_alone(text, start, end):
        return
    yield from _judged(scrub, plain, begin, where, verdict, kept, style)


def _is_alone(text: str, start: int, end: int, *, to_the_end: bool = True) -> bool:
    """Tell whether `name: value` fills its line, as in YAML, an .ini file or a header."""
    line_start = text.rfind("\n", 0, start) + 1
    lead = text[line_start:start].strip(" \t-\"'><*|+")
    if lead not in ("", "export", "set", "<") or "\n" not in text:
        return False
    return not to_the_end or bool(_VALUE_END.match(text, end))


def _is_odd(value: str) -> bool:
    value = WORD.sub("", value)  # or a replacement in it would make of `token: password=...` what it was not before
    return (len(value) >= 6 and any(c.isdigit() for c in value)) or looks_secret(value)


def _beside(
    scrub: Scrub, text: str, start: int, where: Where, verdict: Verdict, kept: bool, style: Style
) -> Iterator[Find]:
    """Find the value of a tag that names it in another attribute: `<input name="csrf" value="...">`."""
    opening = text.rfind("<", max(0, start - 2000), start)
    closing = text.find(">", start, start + 8000)
    if opening < 0 or closing < 0:
        return
    found = _VALUE_ATTRIBUTE.search(text, opening, closing + 1)
    if found:
        group = "quoted" if found["quote"] else "bare"
        yield from _judged(scrub, found[group], found.start(group), where, verdict, kept, style)
    elif later := re.compile(r">(?P<value>[^<>]+)</").match(text, closing):
        yield from _judged(scrub, later["value"], later.start("value"), where, verdict, kept, style)


def _judged(
    scrub: Scrub, value: str, start: int, where: Where, verdict: Verdict, kept: bool, style: Style
) -> Iterator[Find]:
    lead = len(value) - len(value.lstrip())
    core = value.strip()
    if scope := _SIGNING_SCOPE.search(core):
        core = core[: scope.start()]  # as in the URL itself
    if not core:
        return
    if kept:
        scrub.keep(decoded(core))
        return
    if verdict is Verdict.IF_IT_LOOKS_SO and not looks_secret(WORD.sub("", core)):
        return
    if is_empty(core) or verdict is Verdict.NO or (style.is_code and not looks_secret(core)):
        return
    yield encoded_at(scrub, core, start + lead, start + lead + len(core), where, "name")


def _text_of(where: Where) -> str:
    return where if isinstance(where, str) else where()
