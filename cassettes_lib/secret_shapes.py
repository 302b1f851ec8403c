"""The shapes of secrets: JWTs, private keys, well-known prefixes, and what makes a value long and rare.

Strategy: each shape names a literal that every match contains. Searching those literals is fast, so a text without
them never meets a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cassettes_lib.replacements import JWT, MARK, PEM, is_replacement
from cassettes_lib.secret_names import word_set

_A = r"(?<![A-Za-z0-9_])"  # not inside a longer word

# literal, regular expression; a group named `s` is the secret where it is not all of the match
_SHAPES: tuple[tuple[str, str], ...] = (
    ("ghp_", _A + r"ghp_[A-Za-z0-9]{20,}"),
    ("gho_", _A + r"gho_[A-Za-z0-9]{20,}"),
    ("ghu_", _A + r"ghu_[A-Za-z0-9]{20,}"),
    ("ghs_", _A + r"ghs_[A-Za-z0-9_.-]{20,}"),
    ("ghr_", _A + r"ghr_[A-Za-z0-9]{20,}"),
    ("github_pat_", _A + r"github_pat_[A-Za-z0-9_]{20,}"),
    ("glpat-", _A + r"glpat-[\w.-]{16,}"),
    ("gl", _A + r"gl(?:dt|rt|ptt|cbt|soat|ft|imt|agent|oas|ffct|wt)-[\w.-]{16,}"),
    ("GR1348941", _A + r"GR1348941[\w-]{16,}"),
    ("xox", _A + r"xox[a-z](?:\.xox[a-z])?-[\w.-]{8,}"),
    ("xapp-", _A + r"xapp-[\w-]{10,}"),
    ("xoxe.", _A + r"xoxe\.[\w.-]{10,}"),
    ("hooks.slack.com/", r"hooks\.slack\.com/(?:services|workflows|triggers)/(?P<s>[\w/-]{16,})"),
    ("/webhooks/", r"discord(?:app)?\.com/api/(?:v\d+/)?webhooks/\d+/(?P<s>[\w-]{20,})"),
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
    ("sk-", _A + r"sk-(?=[\w-]*[A-Z0-9])(?:[a-z]+\d*-)*[A-Za-z0-9_-]{20,}"),
    ("SK", _A + r"SK[0-9a-f]{32}(?![0-9a-zA-Z])"),
    ("SG.", _A + r"SG\.[\w-]{16,}\.[\w-]{16,}"),
    ("key-", _A + r"key-[0-9a-f]{32}(?![0-9a-zA-Z])"),
    ("-us", _A + r"[0-9a-f]{32}-us\d{1,2}(?![0-9a-zA-Z])"),
    ("npm_", _A + r"npm_[A-Za-z0-9]{30,}"),
    ("pypi-", _A + r"pypi-[\w-]{30,}"),
    ("dckr_", _A + r"dckr_(?:pat|oat)_[\w-]{20,}"),
    ("hf_", _A + r"hf_[A-Za-z0-9]{30,}"),
    ("api_org_", _A + r"api_org_[A-Za-z0-9]{30,}"),
    ("shp", _A + r"shp(?:at|ca|pa|ss|tka|ua|ut)_[A-Fa-f0-9]{32}"),
    ("sq0", _A + r"sq0[a-z]{3}-[\w-]{20,}"),
    ("EAAA", _A + r"EAAA[\w-]{56,}"),
    ("EAA", _A + r"EAA[A-Za-z0-9]{40,}"),
    ("_v1_", _A + r"do[opr]_v1_[a-f0-9]{60,}"),
    ("dapi", _A + r"dapi[a-f0-9]{32}(?:-\d)?"),
    ("hvs.", _A + r"hvs\.[\w-]{20,}"),
    ("hvb.", _A + r"hvb\.[\w-]{20,}"),
    ("hvr.", _A + r"hvr\.[\w-]{20,}"),
    (":AA", r"(?<!\d)\d{8,10}:AA[\w-]{33}(?![\w-])"),
    ("lin_", _A + r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}"),
    ("ntn_", _A + r"ntn_[A-Za-z0-9]{30,}"),
    ("secret_", _A + r"secret_[A-Za-z0-9]{40,}"),
    ("AT", _A + r"AT(?:ATT|CTT|BBT|BB)[A-Za-z0-9+/=_.-]{24,}"),
    ("HRKU-", _A + r"HRKU-[\w-]{30,}"),
    ("gl", _A + r"gl(?:sa|c)_[A-Za-z0-9+/=_]{20,}"),
    ("NRAK-", _A + r"NRAK-[A-Z0-9]{20,}"),
    ("NR", _A + r"NR(?:II|IQ|RA|JS)-[\w-]{20,}"),
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
    ("AAAAAAAAAAAAAAAAAAAA", _A + r"A{20,}[A-Za-z0-9%]{60,}"),
    (".atlasv1.", _A + r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{40,}"),
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
    ("oy2", _A + r"oy2[a-z0-9]{43}(?![a-z0-9])"),
    ("cio", _A + r"cio[A-Za-z0-9]{32}(?![A-Za-z0-9])"),
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
    ("PuTTY-User-Key-File", r"Private-Lines: \d+\s+(?P<s>[A-Za-z0-9+/=\s]{40,}?)(?=\s+Private-MAC)"),
    (".", r"(?<![\w.-])[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}(?![\w.-])"),
)
_LITERALS: dict[str, list[re.Pattern[str]]] = {}
for _literal, _pattern in _SHAPES:
    _LITERALS.setdefault(_literal, []).append(re.compile(_pattern))

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
_NOTHING = word_set(
    "true false null none nil undefined deleted delete yes no on off n/a na required optional string empty 0 1 "
    "redacted hidden removed filtered"
)
_PUBLIC_ARMOUR = ("-----BEGIN PGP SIGNATURE", "-----BEGIN CERTIFICATE", "-----BEGIN PUBLIC", "-----BEGIN PGP PUBLIC",
                  "-----BEGIN RSA PUBLIC", "-----BEGIN SSH SIGNATURE", "ssh-rsa ", "ssh-ed25519 ")  # fmt: skip
_URL_OR_MAIL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S*|(?:mailto:)?[^\s@/:]+@[\w-]+(?:\.[\w-]+)+|urn:\S+|arn:\S+|/\S*")


def has_shape(text: str) -> bool:
    """Tell quickly whether a text may hold a secret that its shape gives away."""
    return any(literal in text for literal in _LITERALS) or "eyJ" in text or "-----BEGIN" in text


def shapes_in(text: str) -> Iterator[tuple[int, int]]:
    """Yield where secrets stand that their shape gives away: start and end, the replacements left out."""
    if "-----BEGIN" in text:
        for found in PEM.finditer(text):
            if not MARK.fullmatch(found["key"]):
                yield found.span()
    if "eyJ" in text:
        for found in JWT.finditer(text):
            if _is_jwt(found[0]) and not is_replacement(found[0]):
                yield found.span()
    for literal, patterns in _LITERALS.items():
        if literal in text:
            for pattern in patterns:
                for found in pattern.finditer(text):
                    span = found.span("s") if "s" in pattern.groupindex else found.span()
                    if not MARK.search(text, *span):
                        yield span


def _is_jwt(text: str) -> bool:
    return text.count(".") in (2, 4) and len(text) > 20


def is_empty(value: str) -> bool:
    """Tell whether a value under a secret's name holds none: empty, masked, a template, a word such as `null`."""
    stripped = value.strip().strip("\"'")
    if not stripped or stripped.lower() in _NOTHING:
        return True
    if _MASKED.fullmatch(stripped) or _TEMPLATE.fullmatch(stripped):
        return True
    return stripped.startswith(_PUBLIC_ARMOUR)


def is_rare(value: str) -> bool:
    """Tell whether a value is long and rare enough to be removed wherever it appears."""
    if len(value) < 8 or not _is_mixed(value):
        return False
    return not _COMMON.fullmatch(value) and not is_replacement(value)


def looks_secret(value: str) -> bool:
    """Tell whether a value looks like a secret, for a name that alone does not tell."""
    if len(value) < 8 or any(character.isspace() for character in value) or _TITLE.fullmatch(value):
        return False
    return is_rare(value) and not _URL_OR_MAIL.fullmatch(value)


def _is_mixed(value: str) -> bool:
    has_digit = any(character.isdigit() for character in value)
    return has_digit or (value != value.lower() and value != value.upper())
