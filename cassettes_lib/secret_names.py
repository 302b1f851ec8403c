"""The names under which secrets stand: headers, query and form fields, JSON members, environment variables.

Strategy: a name is cut into words (`accessToken`, `access-token`, `ACCESS_TOKEN` are the same two) and compared as
a whole, never by substring. What remains of the name in front of a known noun decides: nothing or known qualifiers
(`github_token`, `new_password`) make it certain, words that speak of something else (`next_page_token`,
`max_tokens`, `has_password`) make it innocent, and other words make it plausible, so that the value decides.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache

from cassettes_lib.late_patterns import late_pattern


class Verdict(IntEnum):
    """How sure a name makes us that its value is a secret."""

    NO = 0
    IF_IT_LOOKS_SO = 1
    YES = 2


def word_set(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


_WORD = late_pattern(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+|[^\W\d_]+")
_LAST_PART = late_pattern(r"[^\[\].:/$]+(?=[\[\].:/$]*\Z)")

# Nouns are written as their words joined: `api_key`, `apiKey` and `apikey` are all `apikey`.
_NOUNS = word_set("""
    password passwd passwort pwd passphrase passcode pass psw kennwort senha contrasena motdepasse userpass pswd
    token accesstoken refreshtoken idtoken authtoken authenticationtoken sessiontoken bearertoken apitoken
    securitytoken csrftoken xsrftoken csrfmiddlewaretoken authenticitytoken requestverificationtoken oauthtoken
    usertoken clienttoken privatetoken personalaccesstoken devicetoken logintoken pushtoken resettoken jobtoken
    deploytoken verificationtoken bottoken servicetoken webhooktoken identitytoken logouttoken invitetoken
    registrationtoken activationtoken magictoken remembertoken wstoken formtoken
    secret clientsecret apisecret appsecret sharedsecret consumersecret tokensecret oauthtokensecret webhooksecret
    signingsecret usersecret jwtsecret cookiesecret sessionsecret totpsecret otpsecret mfasecret oauthsecret authsecret
    apikey apikeys secretkey privatekey accesskey secretaccesskey signingkey encryptionkey masterkey accountkey
    sharedkey
    authkey appkey applicationkey subscriptionkey servicekey serverkey adminkey licensekey
    apiaccesskey hapikey authorizationkey presharedkey psk recoverykey
    sharedaccesskey sharedaccesssignature sastoken rsaprivatekey sshprivatekey privatekeypem secretaccess
    authorization proxyauthorization bearer jwt csrf xsrf hmac
    sessionid jsessionid phpsessid aspnetsessionid sessid sessioncookie
    otp totp otpcode totpcode mfacode mfatoken twofactorcode verificationcode securitycode backupcode recoverycode
    pin pincode cvv cvc cvv2 cvn cardnumber creditcardnumber ccnumber ssn socialsecuritynumber
    devicecode codeverifier clientassertion samlresponse samlrequest samlart
    secretkeybase clientkeydata tlskey
    newpassword oldpassword currentpassword confirmpassword repeatpassword userpassword adminpassword rootpassword
    loginpassword dbpassword passwordconfirm passwordconfirmation passwordagain
    pw mnemonic seedphrase recoveryphrase
    tokencode securityanswer hmackey
    credentialsecret secretstring secretbinary connectionstring connstr bindpw bindpassword
""")
# Nouns whose values are often something else; the value decides.
_WEAK_NOUNS = word_set("""
    auth session credential credentials assertion signature sig accesskeyid awsaccesskeyid consumerkey
    oauthconsumerkey oauthverifier oauthsignature secretid usercode cookie cookies authcode authorizationcode
    authentication authdata crumb wsse otac tempcode authorizationtoken sid pat
    webhookurl databaseurl dsn secretvalue securestring rememberme recoverycodes backupcodes otpcodes scratchcodes
    kubeconfig dockerconfigjson userkey integrationkey writekey storagekey sessionkey clientkey functionkey
""")
# Nouns that some write as a name inside a name: {"session": {"id": ...}}
PARTED_NOUNS = word_set("sessionid cardnumber creditcardnumber apikey privatekey secretkey signingkey encryptionkey")
# Words that stand in front of a noun and leave it what it is.
_QUALIFIERS = word_set("""
    x my user users account admin root client app application bot service server device customer member owner guest
    new old current original initial temp temporary default plain raw clear encrypted hashed secure
    db database mysql postgres postgresql mongo mongodb redis rabbitmq amqp smtp imap ftp sftp ssh ldap http https
    proxy
    credential credentials
    basic api access refresh id auth oauth oauth2 oauth1 o sso saml oidc openid login signin signup session bearer jwt
    csrf xsrf anti forgery authenticity verification verify reset confirm confirmation repeat retype email mail sms
    phone
    mobile push fcm apns webhook hook signing shared private personal secret security master web site portal
    github gitlab bitbucket slack discord telegram stripe paypal twilio sendgrid mailgun aws amz azure ms gcp google
    goog
    facebook fb twitter linkedin dropbox heroku netlify vercel cloudflare datadog dd sentry newrelic openai anthropic
    npm pypi docker registry vault consul nomad okta keycloak shopify square braintree zendesk hubspot notion jira
    atlassian circleci travis buildkite jenkins sonar snyk figma linear asana airtable mapbox algolia firebase supabase
    ci deploy build job runner pipeline project repo repository org organization team tenant workspace company
    test prod production staging dev live sandbox internal external remote local main backup
    storefront subscription partner merchant store wp wordpress gh hf kube k8s kubernetes cluster node
    oob one time two factor mfa otp totp 2 fa 2fa challenge invite invitation registration activation remember magic
    upload download feed rss calendar ical host csp sas shop vendor provider
""")
# Words that make the noun something else: a count, a cursor, a flag, a public thing, a unit of text.
_BLOCKERS = word_set("""
    has have is was are can should must max min maximum minimum num number n count total avg next prev previous page
    paging pagination continuation continue cursor sync start end stop pad eos bos unk mask sep cls special input output
    prompt completion reasoning cached cache used remaining limit rate per no non not public show hide forgot require
    requires required need needs allow allows enable enabled disable disabled delta resume
    resumption skip scroll shard snapshot idempotency surrogate partition sort primary foreign row object routing dedupe
    design css style theme language syntax lexer parser nft erc20 crypto coin websocket sec query with without supports
    checkpoint watch offset list after before pad parent child tag label i18n translation
""")
# Words behind a noun that leave it what it is.
_SUFFIXES = word_set(
    "confirmation confirm confirmed again repeat verify v value plain plaintext hash hashed digest encrypted raw"
)

_HEADERS = word_set("""
    authorization proxyauthorization cookie cookie2 setcookie setcookie2 xapikey xauthtoken privatetoken xvaulttoken
    xamzsecuritytoken xcsrftoken xxsrftoken xcsrf xxsrf csrftoken xaccesstoken xgoogapikey xfunctionskey xgitlabtoken
    ocpapimsubscriptionkey jobtoken deploytoken xshopifyaccesstoken xshopifystorefrontaccesstoken xapisecret apikey
    xhubsignature xhubsignature256 xslacksignature stripesignature xtwiliosignature xshopifyhmacsha256 xlinesignature
    ddapikey ddapplicationkey xfigmatoken xrapidapikey xmashapekey xauthkey xauthuserservicekey xsessionid xsessiontoken
    xauth xauthentication xauthorization xforwardedauthorization xoriginalauthorization xjwtassertion
    xgoogiamauthorizationtoken xmsclientprincipal xmstokenaadaccesstoken
    xmstokenaadidtoken xmstokenaadrefreshtoken authentication authenticationinfo proxyauthenticationinfo
    xamzserversideencryptioncustomerkey xamzcopysourceserversideencryptioncustomerkey xgoogencryptionkey
    xmsencryptionkey xconsultoken xnomadtoken xrequestedtoken xplextoken xembytoken xmediabrowsertoken xtoken xsecret
    xpassword xkey xwsse sentryauth xsentryauth xsentrytoken xalgoliaapikey xparserestapikey xparsemasterkey
    xparsesessiontoken xapplicationkey xappkey xredmineapikey xdropboxtoken linearsignature xsignature signature
    xgithubotp xotp xsignatureed25519 xjfrogartapi
    xgithubtoken xregistryauth xrefreshtoken refreshtoken accesstoken idtoken xidtoken authtoken secret token
    xamznoidcdata xamznoidcaccesstoken cfaccessjwtassertion cfaccessclientsecret cfauthorization xgoogiapjwtassertion
    xapitoken apitoken xapiauth anticsrftoken requestverificationtoken xclientsecret clientsecret subscriptionkey
    xusertoken xservicetoken xwebhooksecret xwebhooksignature xtelegrambotapisecrettoken xcidentitytoken
    paypaltransmissionsig dpop xmsauthorizationauxiliary xappsecret xdevicetoken xadminkey xmasterkey
    fastlykey xinsertkey xquerykey xlicensekey cookiesecret xhubspotsignature xamzdatasecuritytoken
""")
_INNOCENT_HEADERS = word_set("""
    idempotencykey xidempotencykey surrogatekey xsurrogatekey cachekey xcachekey xcontinuationtoken xnextpagetoken
    xpagetoken secwebsocketkey xamzmetakey publickeypins publickey etag xrequestid xcorrelationid wwwauthenticate
    proxyauthenticate xsynctoken accesscontrolallowcredentials
""")
_PLURALS = word_set(
    "tokens secrets passwords apikeys credentials accesstokens privatekeys secretkeys accesskeys refreshtokens"
)

# Every name that can be judged secret contains one of these, in lower case: a text with none holds no such name.
STEMS = (
    "pass", "pw", "psw", "mnemonic", "phrase", "senha", "contrase", "kennwort",
    "token", "secret", "key", "auth", "sig", "sess", "sid",
    "jwt", "csrf", "xsrf", "cred", "otp", "pin", "cvv", "cvc", "cvn", "code", "assertion", "saml", "bearer", "ticket",
    "hmac", "cookie", "crumb", "appid", "ssn", "card", "ccnumber", "cc_number",
    "connectionstring", "connection_string", "connstr", "conn_str", "bindpw", "psk", "remember", "dsn", "webhook",
    "database", "license", "usercode", "verif", "refresh", "otac", "mac", "apiid", "api_id", "api-id", "wsse",
    "social", "securestring", "kty", "kind", "kubeconfig", "dockerconfig", "yanswer", "y_answer", "y-answer",
)  # fmt: skip


def lowercase(text: str) -> str:
    """Return a text in lower case with every character where it was: `str.lower` makes two of an İ."""
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else "".join(c.lower() if len(c.lower()) == 1 else c for c in text)


def words_of(name: str) -> tuple[str, ...]:
    """Cut a name into lower-case words: `X-Api-Key`, `apiKey2` and `API_KEY` become ("x", "api", "key") and so on."""
    return tuple(word.lower() for word in _WORD.findall(name))


@lru_cache(maxsize=4096)
def normalised(name: str) -> str:
    """Return the words of a name joined: what names are compared by."""
    return "".join(words_of(name))


@lru_cache(maxsize=4096)
def field_verdict(name: str) -> Verdict:
    """Judge the name of a JSON member, a form or multipart field, an XML element or attribute."""
    part = _LAST_PART.search(name)
    words = words_of(part[0] if part else name)
    verdict = _by_nouns(words)
    while verdict is Verdict.NO and len(words) > 1 and (words[-1] in _SUFFIXES or words[-1].isdigit()):
        words = words[:-1]
        verdict = _by_nouns(words)
    if verdict is Verdict.NO and normalised(name) in PARTED_NOUNS:  # card[number], session.id
        return Verdict.YES
    return verdict


@lru_cache(maxsize=4096)
def query_verdict(name: str) -> Verdict:
    """Judge the name of a parameter in a query or a fragment, where `key` is a secret too."""
    words = words_of(name)
    joined = "".join(words)
    if joined in ("key", "sig", "signature", "sid"):
        return Verdict.YES
    if joined in ("appid", "ticket", "sign"):  # of OpenWeather, of CAS, of Alibaba and others
        return Verdict.IF_IT_LOOKS_SO
    if words[-1:] == ("signature",) and words[0] == "x":  # X-Amz-Signature, X-Goog-Signature
        return Verdict.YES
    if joined in ("xamzcredential", "xgoogcredential", "awsaccesskeyid"):
        return Verdict.YES
    verdict = field_verdict(name)
    if verdict is Verdict.NO and words[-1:] == ("key",) and not _BLOCKERS.intersection(words):
        return Verdict.IF_IT_LOOKS_SO
    return verdict


@lru_cache(maxsize=4096)
def header_verdict(name: str) -> Verdict:
    """Judge the name of a header: known ones, and unknown ones such as `*-token`, `*-secret`, `*-key`."""
    words = words_of(name)
    joined = "".join(words)
    if joined in _HEADERS:
        return Verdict.YES
    if joined in _INNOCENT_HEADERS or words[:2] == ("access", "control"):
        return Verdict.NO
    verdict = field_verdict(name)
    is_telling = words[-1:] in (("key",), ("auth",), ("jwt",), ("sign",)) and not _BLOCKERS.intersection(words)
    if verdict is Verdict.NO and is_telling:
        return Verdict.IF_IT_LOOKS_SO
    return verdict


@lru_cache(maxsize=4096)
def variable_verdict(name: str) -> Verdict:
    """Judge the name of an environment variable."""
    words = words_of(name)
    verdict = field_verdict(name.replace(":", "_"))
    if verdict is Verdict.NO and words[-1:] in (("key",), ("pw",), ("auth",)) and not _BLOCKERS.intersection(words):
        return Verdict.IF_IT_LOOKS_SO
    return verdict


def _by_nouns(words: tuple[str, ...]) -> Verdict:
    if words and words[-1] in ("tokens", "secrets", "passwords", "keys", "credentials"):
        plural = any("".join(words[start:]) in _PLURALS for start in range(len(words)))
        return Verdict.IF_IT_LOOKS_SO if plural and not _BLOCKERS.intersection(words) else Verdict.NO
    for start in range(len(words)):  # the longest noun first
        noun = "".join(words[start:])
        if noun in _NOUNS:
            return _by_front(words[:start])
        if noun in _WEAK_NOUNS:
            return min(_by_front(words[:start]), Verdict.IF_IT_LOOKS_SO)
    return Verdict.NO


def _by_front(front: tuple[str, ...]) -> Verdict:
    if _BLOCKERS.intersection(front):
        return Verdict.NO
    known = all(word in _QUALIFIERS or word in _NOUNS or word.isdigit() for word in front)
    return Verdict.YES if known else Verdict.IF_IT_LOOKS_SO
