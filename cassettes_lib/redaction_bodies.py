"""Secrets in bodies: JSON, forms, multipart, text and markup, compressed ones too; known values in everything else."""

from __future__ import annotations

import re
from email.message import Message
from functools import lru_cache
from itertools import islice

from cassettes_lib.codings import decoded, encoded
from cassettes_lib.json_places import (
    Edit,
    Frame,
    Scalar,
    edited,
    is_json,
    looks_like_json,
    objects_of,
    string_literal,
)
from cassettes_lib.late_patterns import late_pattern
from cassettes_lib.redaction_headers import SCHEMES, redacted_cookies
from cassettes_lib.redaction_memory import Where
from cassettes_lib.redaction_rules import COLLECTIONS, HEADERS_NAMES, INNER_NAMES, path_text
from cassettes_lib.redaction_scrub import Scrub
from cassettes_lib.redaction_tables import redacted_table
from cassettes_lib.redaction_text import Style, redacted_text
from cassettes_lib.redaction_urls import EXCHANGING, redacted_pairs
from cassettes_lib.secret_names import Verdict, normalised, word_set
from cassettes_lib.secret_shapes import has_shape, is_empty, looks_secret, shapes_in

FORM = late_pattern(r"[\w.\-+%\[\]*~]+=[^\s&=]*(?:&[\w.\-+%\[\]*~]+=[^\s&]*)*\s*")
_WEB_ADDRESS = late_pattern(r"https?://[^\s@]+")
_URL_IN_BYTES = late_pattern(r"[a-z]{4,10}://[!-~]{6,2000}")
_SENTENCE = late_pattern(r"[^\W\d_]+(?:[ ,.!?:;'()-]+[^\W\d_]+)*[.!?:]?")
_CODE_TYPES = late_pattern(r"html|javascript|ecmascript|css|typescript|x-python|svg")
_TEXT_TYPES = late_pattern(r"text/|xml|json|javascript|yaml|html|csv|urlencoded|graphql|x-sh|toml|event-stream")
_BINARY_TYPES = late_pattern(
    r"image/(?!svg)|audio/|video/|font/|application/(?:zip|gzip|pdf|wasm|x-tar|vnd\.ms|x-protobuf|grpc)"
)
# A body that is a token and nothing else, as GET /token may answer.
_BARE = late_pattern(r"\s*\"?(?P<secret>[\w.~+/=:$|-]{8,})\"?\s*")
_ERROR_NAMES = word_set(
    "error errors message messages validation violations fielderrors help label labels title "
    "description placeholder hint detail details properties translations i18n schema"
)
_WORD_COMPANY = word_set("logprob logprobs score token_str lemma pos")
# Bytes that are no text are searched for shapes, and gunzipped, up to this size.
_SMALL = 100_000
_PRIVATE_JWK = frozenset(("d", "p", "q", "dp", "dq", "qi", "k"))
_NAMING_KEYS = ("name", "key", "header", "field", "parameter", "param", "id", "label", "variable", "env")
_VALUE_KEYS = ("value", "content", "val", "secretvalue")
_VALUE_NAMES = frozenset(("value", "raw", "computed", "secret"))
_TELLING_KEYS = frozenset((*_VALUE_KEYS, "kty", "token", *EXCHANGING))


def redacted_body(
    scrub: Scrub, body: bytes, content_type: str | None, where: str, *, content_encoding: str | None = None
) -> bytes:
    """Redact a body; the same object when nothing changed.

    Args:
        scrub: The pass.
        body: The bytes.
        content_type: The value of `Content-Type`.
        where: "request body" or "response body", for the summary.
        content_encoding: The codings the body is in; it is put back into them.
    """
    if not body:
        return body
    if content_encoding:
        plain = decoded(body, content_encoding)
        if plain is None:
            return redacted_binary(scrub, body, where)
        new = redacted_body(scrub, plain, content_type, where)
        return body if new == plain else (encoded(new, content_encoding) or new)
    if body.startswith(b"\x1f\x8b") and len(body) <= _SMALL:  # a file, or a coding that no header names
        return redacted_body(scrub, body, None, where, content_encoding="gzip")
    media_type, charset, boundary = parsed_content_type(content_type)
    if media_type.startswith("multipart/") and boundary:
        return _redacted_multipart(scrub, body, boundary, where)
    text, charset = _text_of(body, media_type, charset)
    if text is None or _is_binary(media_type, text):
        return redacted_binary(scrub, body, where)
    new_text = redacted_document(scrub, text, media_type, where)
    return body if new_text == text else new_text.encode(charset, "surrogatepass" if charset == "utf-8" else "replace")


def json_text(body: bytes, content_type: str | None) -> str | None:
    """Return the text of a body that is said to be JSON in UTF-8, or None for any other."""
    media_type, charset, _ = parsed_content_type(content_type)
    if media_type != "application/json" and (
        "json" not in media_type or media_type.startswith("multipart/") or _BINARY_TYPES.match(media_type)
    ):
        return None
    text, charset = _text_of(body, media_type, charset)
    return text if charset == "utf-8" else None


def is_valued(text: str) -> bool:
    """Tell whether a text has what one with a name and a value has between them, or in front of the name.

    One question for each takes less than one expression for all of them, since most texts have none.
    """
    return (
        "=" in text or ":" in text or "/" in text or "<" in text or "earer" in text or "asic" in text
        or "EARER" in text or "ASIC" in text or "machine" in text
    )


def redacted_document(scrub: Scrub, text: str, media_type: str, where: Where) -> str:
    """Redact a text of a media type."""
    if scrub.awaits_secret and len(text) < _SMALL and (bare := _BARE.fullmatch(text)) and looks_secret(bare["secret"]):
        return text[: bare.start("secret")] + scrub.secret(bare["secret"], where, "place") + text[bare.end("secret") :]
    if looks_like_json(text) or "json" in media_type:
        text = redacted_json(scrub, text, where)
        if is_json(text):
            without = scrub.known(text, where)
            return without if without is text or is_json(without) else text  # a number is left to the next pass
    if "x-www-form-urlencoded" in media_type or (not _CODE_TYPES.search(media_type) and FORM.fullmatch(text)):
        return redacted_pairs(scrub, scrub.shapeless(text, where), where, is_query=False)
    text = scrub.known(text, where)
    if "csv" in media_type:
        text = redacted_table(scrub, text, where)
    style = Style(is_code=bool(_CODE_TYPES.search(media_type)))
    if not media_type and text.lstrip()[:1] == "<" and "<html" in text[:2000].lower():
        style = Style(is_code=True)
    return scrub.known(redacted_text(scrub, text, where, style), where)


def redacted_json(scrub: Scrub, text: str, where: Where) -> str:
    """Redact a JSON text, touching nothing but the literals that change."""
    before = scrub.narrowed(text)
    try:
        if scrub.finds_nothing:
            return text
        edits: dict[int, Edit] = {}
        is_quick = scrub.finds_names_only
        for each in objects_of(text, with_keys=not is_quick):
            if isinstance(each, Frame):
                _judge_siblings(scrub, text, each, edits, where)
            elif is_quick and _is_boring(scrub, each):
                continue
            elif edit := _redacted_scalar(scrub, text, each, where):
                edits[edit.start] = edit
        return edited(text, list(edits.values()))
    finally:
        scrub.widened(before)


def redacted_binary(scrub: Scrub, body: bytes, where: Where) -> bytes:
    """Remove known values from bytes, and from small ones what its shape gives away; everything else stays."""
    text = body.decode("latin-1")
    if len(body) <= _SMALL and has_shape(text):
        for start, end in shapes_in(text):
            if not scrub.is_kept(text[start:end]):
                scrub.secret(text[start:end], where, "shape")  # makes it a known value, replaced by one as long
    if len(body) <= _SMALL and "://" in text:
        for found in _URL_IN_BYTES.finditer(text):
            scrub.leaf(found[0], where)  # as above
    new = scrub.known_in_bytes(text, where)
    return body if new == text else new.encode("latin-1")


@lru_cache(maxsize=64)
def parsed_content_type(content_type: str | None) -> tuple[str, str, str]:
    """Return media type and charset in lower case, and the boundary, of a `Content-Type`; each "" when absent."""
    if not content_type:
        return "", "", ""
    if ";" not in content_type:
        return content_type.strip().lower(), "", ""
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    return (
        content_type.partition(";")[0].strip().lower(),
        message.get_content_charset() or "",
        boundary if isinstance(boundary, str) else "",
    )


def _text_of(body: bytes, media_type: str, charset: str) -> tuple[str | None, str]:
    if charset.startswith("utf-16") or charset.startswith("utf-32"):
        try:
            return body.decode(charset), charset
        except UnicodeDecodeError:
            return None, ""
    try:
        return body.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    if charset or _TEXT_TYPES.search(media_type):
        return body.decode("latin-1"), "latin-1"  # no byte is lost, whatever the charset
    return None, ""


def _is_binary(media_type: str, text: str) -> bool:
    return bool(_BINARY_TYPES.match(media_type)) or ("\0" in text[:1024] and not _TEXT_TYPES.search(media_type))


def _redacted_scalar(scrub: Scrub, text: str, scalar: Scalar, where: Where) -> Edit | None:
    value = scalar.text

    def place() -> str:
        return f"{where if isinstance(where, str) else where()} {path_text(scalar.path)}"

    if scalar.kind == "key":
        new = scrub.name(value, place)
        return _edit(text, scalar, new) if new != value else None
    if _is_exempt(scrub, scalar):
        scrub.keep(value)
        new = scrub.known(value, place)
    elif "=" in value and scalar.kind == "string" and normalised(scalar.key) in ("cookie", "setcookie"):
        new = redacted_cookies(scrub, value, place(), is_set=normalised(scalar.key) == "setcookie")
    elif scalar.kind == "number":
        return _redacted_number(scrub, scalar, place)
    elif _is_secret(scrub, scalar):
        scheme, space, _ = value.partition(" ")
        is_scheme = space and scheme.lower() in SCHEMES
        new = scrub.credentials(value, place) if is_scheme else scrub.secret(value, place)
    else:
        new = scrub.leaf(value, place)
    return _edit(text, scalar, new) if new != value else None


def _edit(text: str, scalar: Scalar, new: str) -> Edit:
    return Edit(scalar.start, scalar.end, string_literal(new, text[scalar.start : scalar.end]))


def _is_exempt(scrub: Scrub, scalar: Scalar) -> bool:
    return (scrub.rules.has_paths and scrub.rules.keeps_path(scalar.path)) or scrub.rules.fields.keeps(scalar.key)


def _is_secret(scrub: Scrub, scalar: Scalar) -> bool:
    """Judge a string by the names it stands under."""
    if scrub.rules.has_paths and scrub.rules.adds_path(scalar.path):
        return True
    verdict = _verdict(scrub, scalar)
    if verdict is Verdict.IF_IT_LOOKS_SO and _is_detail(scrub, scalar):
        return False
    if verdict is Verdict.YES and _WEB_ADDRESS.fullmatch(scalar.text):
        return False  # where to get a token; secrets in it are found as in any URL
    if verdict is Verdict.YES and " " in scalar.text.strip():
        # {"errors": {"password": "is too short"}} speaks of a password and holds none
        in_list = isinstance(scalar.part, int)
        outer = {normalised(name) for name in islice(scalar.names, 1, None)}
        return not in_list and not outer.intersection(_ERROR_NAMES)
    if verdict is Verdict.IF_IT_LOOKS_SO and normalised(scalar.key).endswith("tokens") and len(scalar.text) < 16:
        return False  # words of a text
    return verdict is Verdict.YES or (verdict is Verdict.IF_IT_LOOKS_SO and looks_secret(scalar.text))


def _is_detail(scrub: Scrub, scalar: Scalar) -> bool:
    """Tell whether a string describes one of listed secrets: {"tokens": [{"alias": "..."}]}."""
    name, outer = scalar.key_and_outer
    if scalar.frame is None or isinstance(scalar.frame.part, str) or normalised(outer) not in COLLECTIONS:
        return False
    return normalised(name) not in INNER_NAMES and scrub.rules.fields.verdict(name) is Verdict.NO


def _verdict(scrub: Scrub, scalar: Scalar) -> Verdict:
    name, outer = scalar.key_and_outer
    verdict = scrub.rules.member_verdict(name, outer)
    if verdict is Verdict.NO and scrub.holds_secret_objects and outer in ("data", "stringData"):
        return Verdict.IF_IT_LOOKS_SO
    if verdict is Verdict.NO and name in _VALUE_NAMES and _outermost_of_three(scalar) in COLLECTIONS:
        return Verdict.IF_IT_LOOKS_SO  # {"secrets": {"prod": {"value": "..."}}}
    return verdict


def _outermost_of_three(scalar: Scalar) -> str:
    return normalised(next(islice(scalar.names, 2, None), ""))


def _is_boring(scrub: Scrub, scalar: Scalar) -> bool:
    """Tell quickly that there is nothing to redact in a scalar of a document that holds no known value."""
    text = scalar.text
    if scalar.kind == "string" and len(text) >= 6 and is_valued(text):
        return False
    return _verdict(scrub, scalar) is Verdict.NO


def _redacted_number(scrub: Scrub, scalar: Scalar, where: Where) -> Edit | None:
    if _is_secret(scrub, scalar) and float(scalar.text) not in (0, 1, -1):
        is_sure = _verdict(scrub, scalar) is Verdict.YES and _is_long_enough(scalar)
        if is_sure or scrub.rules.adds_path(scalar.path) or scrub.rules.fields.adds(scalar.key):
            new = scrub.secret_number(scalar.text, where)
            return Edit(scalar.start, scalar.end, new) if new != scalar.text else None
    if len(scalar.text) >= 8 and scrub.known(scalar.text, where) != scalar.text:
        return Edit(scalar.start, scalar.end, scrub.secret_number(scalar.text, where))
    return None


def _is_long_enough(scalar: Scalar) -> bool:
    """Tell whether a number can be a secret: `"pass": 12` counts tests, `"pin": 13` is a pin of a board."""
    name = normalised(scalar.key)
    digits = sum(character.isdigit() for character in scalar.text)
    return not name.endswith("pass") and digits >= (3 if name.startswith(("cvv", "cvc", "cvn")) else 4)


def _judge_siblings(scrub: Scrub, text: str, frame: Frame, edits: dict[int, Edit], where: Where) -> None:
    """Judge the members of an object that mean something only together."""
    if len(frame.scalars) < 2:
        return
    if not frame.is_object:
        _judge_pair(scrub, text, frame, edits, where)
        return
    if _TELLING_KEYS.isdisjoint([str(scalar.part).lower() for scalar in frame.scalars]):
        return
    by_key = {str(scalar.part).lower(): scalar for scalar in frame.scalars if scalar.kind == "string"}
    if "kty" in by_key:
        for name in _PRIVATE_JWK & by_key.keys():
            _redact_sibling(scrub, text, by_key[name], edits, where)
    if "token" in by_key and _WORD_COMPANY.intersection(scalar.key for scalar in frame.scalars):
        edits.pop(by_key["token"].start, None)  # a language model's token: a word
    if "code" in by_key and not EXCHANGING.isdisjoint(by_key):
        _redact_sibling(scrub, text, by_key["code"], edits, where)
    value = next((by_key[key] for key in _VALUE_KEYS if key in by_key), None)
    naming = next((by_key[key] for key in _NAMING_KEYS if key in by_key), None)
    if value and naming:
        name = naming.text
        verdict = scrub.rules.fields.verdict(name)
        if naming.key.lower() == "header" or HEADERS_NAMES.intersection(map(normalised, islice(naming.names, 1, None))):
            verdict = max(verdict, scrub.rules.headers.verdict(name))
        is_sure = verdict is Verdict.YES and not (" " in value.text.strip() and _SENTENCE.fullmatch(value.text))
        is_sure = is_sure or normalised(name) in ("authorization", "proxyauthorization", "cookie", "setcookie")
        if is_sure or (verdict is Verdict.IF_IT_LOOKS_SO and looks_secret(value.text)):
            _redact_sibling(scrub, text, value, edits, where)


def _judge_pair(scrub: Scrub, text: str, frame: Frame, edits: dict[int, Edit], where: Where) -> None:
    """Judge a list of a name and a value, which is how some write headers and forms."""
    if len(frame.scalars) == 2 and frame.position == 1 and all(each.kind == "string" for each in frame.scalars):
        name, value = frame.scalars
        verdict = max(scrub.rules.fields.verdict(name.text), scrub.rules.headers.verdict(name.text))
        if verdict is not Verdict.NO and looks_secret(value.text):
            _redact_sibling(scrub, text, value, edits, where)


def _redact_sibling(scrub: Scrub, text: str, scalar: Scalar, edits: dict[int, Edit], where: Where) -> None:
    if is_empty(scalar.text) or _is_exempt(scrub, scalar):
        return

    def place() -> str:
        return f"{where if isinstance(where, str) else where()} {path_text(scalar.path)}"

    new = scrub.credentials(scalar.text, place) if " " in scalar.text else scrub.secret(scalar.text, place)
    if new != scalar.text:
        edits[scalar.start] = _edit(text, scalar, new)


def _redacted_multipart(scrub: Scrub, body: bytes, boundary: str, where: str) -> bytes:
    delimiter = b"--" + boundary.encode("latin-1", "replace")
    parts = body.split(delimiter)
    for index in range(1, len(parts)):
        head, blank, content = _split_part(parts[index])
        if not blank:
            continue
        tail = b"\r\n" if content.endswith(b"\r\n") else b"\n" if content.endswith(b"\n") else b""
        content = content[: len(content) - len(tail)]
        parts[index] = redacted_part(scrub, head, blank, content, where) + tail
    joined = delimiter.join(parts)
    return body if joined == body else joined


def _split_part(part: bytes) -> tuple[bytes, bytes, bytes]:
    head, blank, content = part.partition(b"\r\n\r\n")
    return (head, blank, content) if blank else part.partition(b"\n\n")


def redacted_part(scrub: Scrub, head: bytes, blank: bytes, content: bytes, where: str) -> bytes:
    """Redact one part of a multipart body: by its name, else by its own media type."""
    lines = head.decode("utf-8", "surrogateescape")
    name, content_type = part_name(lines), part_header(lines, "content-type")
    place = f"{where} part {name}"
    verdict = scrub.rules.fields.verdict(name) if name else Verdict.NO
    if name and scrub.rules.fields.keeps(name):
        scrub.keep(content.decode("utf-8", "replace"))
        return head + blank + redacted_binary(scrub, content, place)
    text = content.decode("utf-8", "surrogateescape")
    if verdict is Verdict.YES or (verdict is Verdict.IF_IT_LOOKS_SO and looks_secret(text)):
        new = scrub.secret(text.strip(), place)
        if new != text.strip():
            content = text.replace(text.strip(), new, 1).encode("utf-8", "surrogateescape")
    else:
        content = redacted_body(scrub, content, content_type or None, place)
    new_head = scrub.known(scrub.shapeless(lines, place), place)
    return (head if new_head == lines else new_head.encode("utf-8", "surrogateescape")) + blank + content


def part_name(head: str) -> str:
    """Return the name of a multipart field from the headers of its part."""
    found = re.search(r'content-disposition:[^\r\n]*?;\s*name="?([^";\r\n]*)', head, re.IGNORECASE)
    return found[1] if found else ""


def part_header(head: str, name: str) -> str:
    """Return a header of a multipart part, or ""."""
    found = re.search(rf"^{name}:[ \t]*([^\r\n]*)", head, re.IGNORECASE | re.MULTILINE)
    return found[1] if found else ""
