"""The shapes of secrets: JWTs, private keys, well-known prefixes, and what makes a value long and rare.

Strategy: each shape names a literal that every match begins with, or contains. One pass finds where any of those
literals stands; only there the shapes that may begin so are tried. And before that the short words are left out: no
secret with a shape is shorter than 13 characters, and few words of ordinary texts are longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from cassettes_lib.any_of import any_of
from cassettes_lib.replacements import JWT, MARK, PEM, is_redacted_key, is_replacement
from cassettes_lib.secret_names import word_set

_A = r"(?<![A-Za-z0-9_])"  # not inside a longer word
_B = r"(?<![A-Za-z0-9+/=_-])"  # not inside base64, where everything occurs by chance

# The literal that the regular expression begins with; a group named `s` is the secret where it is not the whole match.
_SHAPES: tuple[tuple[str, str], ...] = (
    ("ghp_", _A + r"ghp_[A-Za-z0-9]{20,}"),
    ("gho_", _A + r"gho_[A-Za-z0-9]{20,}"),
    ("ghu_", _A + r"ghu_[A-Za-z0-9]{20,}"),
    ("ghs_", _A + r"ghs_[A-Za-z0-9_.-]{20,}"),
    ("ghr_", _A + r"ghr_[A-Za-z0-9]{20,}"),
    ("github_pat_", _A + r"github_pat_[A-Za-z0-9_]{20,}"),
    ("glpat-", _A + r"glpat-[\w.-]{16,}"),
    *((f"gl{kind}-", _A + rf"gl{kind}-[\w.-]{{16,}}")
      for kind in ("dt", "rt", "ptt", "cbt", "soat", "ft", "imt", "agent", "oas", "ffct", "wt")),
    ("GR1348941", _A + r"GR1348941[\w-]{16,}"),
    ("xox", _A + r"xox[a-z](?:\.xox[a-z])?-[\w.-]{8,}"),
    ("xapp-", _A + r"xapp-[\w-]{10,}"),
    ("xoxe.", _A + r"xoxe\.[\w.-]{10,}"),
    ("hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[\w/-]{16,})"),
    *((f"{name}.com/api/", rf"{name}\.com/api/(?:v\d+/)?webhooks/\d+/(?P<s>[\w-]{{20,}})")
      for name in ("discord", "discordapp")),
    ("webhook.office.com/", r"webhook\.office\.com/webhookb2/(?P<s>[\w@/-]{20,})"),
    ("hooks.zapier.com/", r"hooks\.zapier\.com/hooks/catch/(?P<s>[\w/]{8,})"),
    ("AKIA", _A + r"AKIA[A-Z0-9]{16}(?![A-Z0-9])"),
    ("ASIA", _A + r"ASIA[A-Z0-9]{16}(?![A-Z0-9])"),
    ("ABIA", _A + r"ABIA[A-Z0-9]{16}(?![A-Z0-9])"),
    ("ACCA", _A + r"ACCA[A-Z0-9]{16}(?![A-Z0-9])"),
    ("AIza", _A + r"AIza[\w-]{35}(?![\w-])"),
    ("ya29.", _A + r"ya29\.[\w.-]{20,}"),
    ("GOCSPX-", _A + r"GOCSPX-[\w-]{20,}"),
    ("1//0", _A + r"1//0[\w-]{30,}"),
    ("4/0", _A + r"4/0A[\w-]{30,}"),
    ("sk_", _A + r"sk_(?:live|test|prod)_[A-Za-z0-9_]{10,}"),
    ("rk_", _A + r"rk_(?:live|test|prod)_[A-Za-z0-9_]{10,}"),
    ("whsec_", _A + r"whsec_[A-Za-z0-9+/=]{16,}"),
    ("sk-", _A + r"sk-(?=[a-z_-]{0,60}[A-Z0-9])[A-Za-z0-9_-]{20,400}+"),
    ("SK", _A + r"SK[0-9a-f]{32}(?![0-9a-zA-Z])"),
    ("SG.", _A + r"SG\.[\w-]{16,}\.[\w-]{16,}"),
    ("key-", _A + r"key-[0-9a-f]{32}(?![0-9a-zA-Z])"),
    ("npm_", _A + r"npm_[A-Za-z0-9]{30,}"),
    ("pypi-", _A + r"pypi-[\w-]{30,}"),
    ("dckr_", _A + r"dckr_(?:pat|oat)_[\w-]{20,}"),
    ("hf_", _A + r"hf_[A-Za-z0-9]{30,}"),
    ("api_org_", _A + r"api_org_[A-Za-z0-9]{30,}"),
    *((f"shp{kind}_", _A + rf"shp{kind}_[A-Fa-f0-9]{{32}}") for kind in ("at", "ca", "pa", "ss", "tka", "ua", "ut")),
    ("sq0", _A + r"sq0[a-z]{3}-[\w-]{20,}"),
    ("EAAA", _B + r"EAAA[\w-]{56,}(?![A-Za-z0-9+/=])"),
    ("EAA", _B + r"EAA[A-Za-z0-9]{80,400}(?![A-Za-z0-9+/=])"),
    *((f"do{kind}_v1_", _A + rf"do{kind}_v1_[a-f0-9]{{60,}}") for kind in "opr"),
    ("dapi", _A + r"dapi[a-f0-9]{32}(?:-\d)?"),
    ("hvs.", _A + r"hvs\.[\w-]{20,}"),
    ("hvb.", _A + r"hvb\.[\w-]{20,}"),
    ("hvr.", _A + r"hvr\.[\w-]{20,}"),
    ("lin_", _A + r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}"),
    ("ntn_", _A + r"ntn_[A-Za-z0-9]{30,}"),
    ("secret_", _A + r"secret_[A-Za-z0-9]{40,}"),
    *((kind, _A + rf"{kind}[A-Za-z0-9+/=_.-]{{24,}}") for kind in ("ATATT", "ATCTT", "ATBB")),
    ("HRKU-", _A + r"HRKU-[\w-]{30,}"),
    ("glsa_", _A + r"glsa_[A-Za-z0-9+/=_]{20,}"),
    ("glc_", _A + r"glc_[A-Za-z0-9+/=_]{20,}"),
    ("NRAK-", _A + r"NRAK-[A-Z0-9]{20,}"),
    *((f"{kind}-", _A + rf"{kind}-[\w-]{{20,}}") for kind in ("NRII", "NRIQ", "NRRA", "NRJS")),
    ("sntry", _A + r"sntry[su]_[A-Za-z0-9+/=_]{20,}"),
    ("pscale_", _A + r"pscale_(?:tkn|pw|oauth)_[\w=.-]{20,}"),
    ("dp.", _A + r"dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{20,}"),
    ("PMAK-", _A + r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}"),
    ("pul-", _A + r"pul-[a-f0-9]{40}"),
    ("rubygems_", _A + r"rubygems_[a-f0-9]{48}"),
    ("sbp_", _A + r"sbp_[a-f0-9]{40}"),
    ("sb_secret_", _A + r"sb_secret_[\w-]{20,}"),
    ("pat", _A + r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    ("figd_", _A + r"figd_[\w-]{30,}"),
    ("sl.", _A + r"sl\.[A-Za-z0-9_-]{60,}"),
    ("AAAAAAAAAAAAAAAAAAAA", _B + r"A{20,24}(?=[A-Za-z0-9]*%)[A-Za-z0-9%]{60,120}(?![A-Za-z0-9+/=%])"),
    ("AGE-SECRET-KEY-", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    ("CFPAT-", _A + r"CFPAT-[\w-]{30,}"),
    ("dt0", _A + r"dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{60,}"),
    ("sha256~", _A + r"sha256~[\w-]{43}"),
    ("xkeysib-", _A + r"xkeysib-[a-f0-9]{60,}-[A-Za-z0-9]{16}"),
    ("xsmtpsib-", _A + r"xsmtpsib-[a-f0-9]{60,}-[A-Za-z0-9]{16}"),
    ("gsk_", _A + r"gsk_[A-Za-z0-9]{40,}"),
    ("r8_", _A + r"r8_[A-Za-z0-9]{36,}"),
    ("xai-", _A + r"xai-[A-Za-z0-9]{40,}"),
    ("pplx-", _A + r"pplx-[A-Za-z0-9]{40,}"),
    ("tskey-", _A + r"tskey-[\w-]{20,}"),
    ("rdme_", _A + r"rdme_[a-z0-9]{60,}"),
    ("tfp_", _A + r"tfp_[\w.=-]{40,}"),
    ("pnu_", _A + r"pnu_[a-z0-9]{36}"),
    ("shippo_", _A + r"shippo_(?:live|test)_[a-f0-9]{40}"),
    ("duffel_", _A + r"duffel_(?:live|test)_[\w=-]{40,}"),
    ("access_token$", r"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}"),
    ("FLWSECK", _A + r"FLWSECK(?:_TEST)?-[\w-]{12,}"),
    ("CLOJARS_", _A + r"CLOJARS_[a-f0-9]{60}"),
    ("ops_ey", _A + r"ops_ey[\w=+/-]{60,}"),
    ("v1.0-", _A + r"v1\.0-[a-f0-9]{24}-[a-f0-9]{100,}"),
    ("oy2", _B + r"oy2[a-z0-9]{43}(?![A-Za-z0-9+/])"),
    ("cio", _B + r"cio[A-Za-z0-9]{32}(?![A-Za-z0-9+/])"),
    ("bkua_", _A + r"bkua_[a-f0-9]{40}"),
    ("lsv2_", _A + r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}"),
    ("nfp_", _A + r"nfp_[A-Za-z0-9]{36,}"),
    ("vercel_", _A + r"vercel_[\w-]{20,}"),
    ("FlyV1 ", r"FlyV1 fm[12]_[A-Za-z0-9+/=_,-]{40,}"),
    ("re_", _A + r"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}"),
    ("phx_", _A + r"phx_[A-Za-z0-9]{40,}"),
    ("sgp_", _A + r"sgp_[A-Za-z0-9_]{40,}"),
    ("sk.eyJ", _A + r"sk\.eyJ[\w-]+\.[\w-]{20,}"),
    ("AccountKey=", r"AccountKey=(?P<s>[A-Za-z0-9+/]{40,}={0,2})"),
    ("SharedAccessKey=", r"SharedAccessKey=(?P<s>[A-Za-z0-9+/]{30,}={0,2})"),
    ("$2", r"\$2[abxy]?\$\d\d\$[./A-Za-z0-9]{53}"),
    ("$argon2", r"\$argon2(?:id|i|d)\$v=\d+\$[\w=,]+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+"),
    ("$6$", r"\$6\$(?:rounds=\d+\$)?[./A-Za-z0-9]{1,16}\$[./A-Za-z0-9]{86}"),
    ("bearer.authorization.k8s.io.", r"bearer\.authorization\.k8s\.io\.(?P<s>[\w-]{16,})"),
    (
        "LS0tLS1CRUdJTi",  # base64 of the beginning of a private key's armour
        r"LS0tLS1CRUdJTi(?:BSU0EgUFJJ|BQUklWQVRF|BFQyBQUklW|BPUEVOU1NI|BEU0EgUFJJ|BFTkNSWVBU)[A-Za-z0-9+/\s]+=*",
    ),
    ("Private-Lines: ", r"Private-Lines: \d+\s+(?P<s>[A-Za-z0-9+/=\s]{40,}?)(?=\s+Private-MAC)"),
)
# Shapes with something variable in front of the literal: how far back a match may begin.
_BACKWARD_SHAPES: tuple[tuple[str, tuple[int, ...], str], ...] = (
    ("-us", (32,), _A + r"[0-9a-f]{32}-us\d{1,2}(?![0-9a-zA-Z])"),
    (":AA", (8, 9, 10), r"(?<!\d)\d{8,10}:AA[\w-]{33}(?![\w-])"),
    (".atlasv1.", (14,), _A + r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{40,}"),
)
# Literals that are met in ordinary words, such as "path": what has to follow them to be worth a closer look.
_COMMON_LITERALS = {
    "pat": r"pat[A-Za-z0-9]{14}\.", "cio": r"cio[A-Za-z0-9]{32}", "oy2": r"oy2[a-z0-9]{43}", "SK": r"SK[0-9a-f]{32}",
    "re_": r"re_[A-Za-z0-9]{8}_", "sl.": r"sl\.[A-Za-z0-9_-]{60}", "EAA": r"EAA[A-Za-z0-9]{40}", "-us": r"-us\d",
    "$2": r"\$2[abxy]?\$\d\d\$", "xox": r"xox[a-z][-.]", "key-": r"key-[0-9a-f]{32}", "dapi": r"dapi[a-f0-9]{32}",
    "sk-": r"sk-[A-Za-z0-9_-]{20}", "SG.": r"SG\.[\w-]{16}",
    "sk_": r"sk_(?:live|test|prod)_", "dp.": r"dp\.[a-z]{2,5}\.",
    "AKIA": "AKIA[A-Z0-9]{16}", "4/0": "4/0A", "secret_": "secret_[A-Za-z0-9]{40}",
}  # fmt: skip
# By the two characters a match begins with, or its literal begins with: how far back to look, and the pattern.
_BY_START: dict[str, list[tuple[tuple[int, ...], str]]] = {"ey": [((0,), JWT.pattern)], "--": [((0,), PEM.pattern)]}
for _literal, _pattern in _SHAPES:
    _BY_START.setdefault(_literal[:2], []).append(((0,), _pattern))
for _literal, _back, _pattern in _BACKWARD_SHAPES:
    _BY_START.setdefault(_literal[:2], []).append((_back, _pattern))
_compiled = cache(re.compile)  # when first needed: most are never
_OTHER_HINTS = ("eyJ", "eyAi", "ewog", "W3si", "-----BEGIN")
@cache
def _hint() -> re.Pattern[str]:
    """Return the pattern of all literals."""
    literals = {*_OTHER_HINTS, *(each[0] for each in _SHAPES), *(each[0] for each in _BACKWARD_SHAPES)}
    return any_of(literals - _COMMON_LITERALS.keys(), *_COMMON_LITERALS.values())


# Every shape holds a word of at least so many characters, or one of these literals.
_SHORTEST_WORD = 13
_WORDLESS = ("-----BEGIN", "$argon2", "FlyV1 ", "Private-Lines: ", ":AA")
_WORDS_ONLY = bytes(each if chr(each).isalnum() or chr(each) in "_.+/=$~-" else 32 for each in range(128)) + b" " * 128
_REMEMBERED = 2048  # characters

_SPACE = re.compile(r"\s")
_DIGIT = re.compile(r"\d")
_TITLE = re.compile(r"[A-Z]?[a-z]+")
# Values that are met everywhere and prove nothing, though they are long and mixed enough.
_COMMON = re.compile(
    r"""(?ix)
    \d{4}-\d\d-\d\d(?:[T\ _].*)?                                  # dates and times
    | (?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,?\ .*                # HTTP dates
    | \d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?                           # times
    | [a-z]{2,3}[-_][a-z]{2,4}(?:\.utf-?8)?(?:,.*)?              # locales
    | (?:africa|america|antarctica|asia|atlantic|australia|europe|etc|indian|pacific|us|utc)/[\w/+-]+   # time zones
    | [a-z]+://[^\s@]*                                           # plain URLs
    | (?:text|application|image|audio|video|multipart|font)/[\w.+-]+.*
    | (?:required|disabled|optional|password|username|anonymous|undefined|application|internal|external|standard
        |unauthorized|forbidden|incorrect|authorization|authentication|credentials?|invalid.*|missing.*|example
        |developer|production|development|localhost|urlencoded|xmlhttprequest|redacted|placeholder|unlimited|personal)
    """
)
_MASKED = re.compile(r"[*\u2022\u00b7.xX#_-]+|[*\u2022xX.]{3,}\w{0,4}|\w{0,4}[*\u2022]{3,}\w{0,4}")
_TEMPLATE = re.compile(
    r"\$?\{\{.*\}\}|\$\{.*\}|%\(\w+\)s|\{\w*\}|\$[A-Z_]+|%[A-Z_]+%|<[\w \-.]*>|\[[A-Za-z ]+\]", re.DOTALL
)
# STAC's paging tokens, which are called just `token`; Twilio's ids, which are called `sid`.
_IDENTIFIER = re.compile(r"(?:next|prev|previous|first|last):\S+|(?!SK)[A-Z]{2}[0-9a-f]{32}")
_NOTHING = word_set(
    "true false null none nil undefined deleted delete yes no on off n/a na required optional string empty 0 1 "
    "redacted hidden removed filtered"
)
_PUBLIC_ARMOUR = ("-----BEGIN PGP SIGNATURE", "-----BEGIN CERTIFICATE", "-----BEGIN PUBLIC", "-----BEGIN PGP PUBLIC",
                  "-----BEGIN RSA PUBLIC", "-----BEGIN SSH SIGNATURE", "ssh-rsa ", "ssh-ed25519 ")  # fmt: skip
_URL_OR_MAIL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S*|(?:mailto:)?[^\s@/:]+@[\w-]+(?:\.[\w-]+)+|urn:\S+|arn:\S+|/\S*")


def has_shape(text: str) -> bool:
    """Tell quickly whether a text may hold a secret that its shape gives away."""
    if len(text) <= _REMEMBERED:
        return _has_shape(text)
    return _search_for_shape(text)


def _search_for_shape(text: str) -> bool:
    if len(text) < _SHORTEST_WORD:
        return False
    for literal in _WORDLESS:
        if literal in text:
            return True
    # Taking the text apart costs a tenth of looking for the literals everywhere.
    words = [
        word for word in text.encode("utf-8", "surrogatepass").translate(_WORDS_ONLY).split()
        if len(word) >= _SHORTEST_WORD
    ]
    return bool(words) and _hint().search(b" ".join(words).decode("ascii")) is not None


_has_shape = lru_cache(maxsize=1024)(_search_for_shape)  # the same headers and URLs come again and again


def shapes_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield where secrets stand that their shape gives away: start and end, in order, replacements left out."""
    done = 0
    for hint in _hint().finditer(text):
        position = hint.start()
        if position < done:
            continue
        for back, expression in _BY_START.get(text[position : position + 2], ()):
            pattern = _compiled(expression)
            starts = (position - each for each in back if position - each >= done)
            found = next((match for start in starts if (match := pattern.match(text, start))), None)
            if found and _is_secret(found):
                span = found.span("s") if "s" in pattern.groupindex else found.span()
                yield span
                done = span[1]
                break


def _is_secret(found: re.Match[str]) -> bool:
    if found.re.pattern == JWT.pattern:
        return _is_jwt(found[0]) and not is_replacement(found[0])
    if found.re.pattern == PEM.pattern:
        return not is_redacted_key(found)
    start, end = found.span("s" if "s" in found.re.groupindex else 0)
    mark = MARK.search(found.string, start)  # it may be longer than the shape, whose characters need not be its own
    return mark is None or mark.start() >= end


def _is_jwt(text: str) -> bool:
    return text.count(".") in (2, 4) and len(text) > 20


def is_empty(value: str) -> bool:
    """Tell whether a value under a secret's name holds none: empty, masked, a template, an identifier, `null`..."""
    stripped = value.strip().strip("\"'")
    if not stripped or stripped.lower() in _NOTHING:
        return True
    if _MASKED.fullmatch(stripped) or _TEMPLATE.fullmatch(stripped):
        return True
    return stripped.startswith(_PUBLIC_ARMOUR) or bool(_IDENTIFIER.fullmatch(stripped))


def is_rare(value: str) -> bool:
    """Tell whether a value is long and rare enough to be removed wherever it appears."""
    if len(value) < 8 or not _is_mixed(value):
        return False
    return not _COMMON.fullmatch(value) and not is_replacement(value)


def looks_secret(value: str) -> bool:
    """Tell whether a value looks like a secret, for a name that alone does not tell."""
    if len(value) < 8 or _SPACE.search(value) or _TITLE.fullmatch(value):
        return False
    return is_rare(value) and not _URL_OR_MAIL.fullmatch(value)


def _is_mixed(value: str) -> bool:
    return _DIGIT.search(value) is not None or (value != value.lower() and value != value.upper())
