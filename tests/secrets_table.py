"""Secrets planted in every kind of place, and innocent values: tables for tests. None of them was ever real."""

from __future__ import annotations

import base64
import gzip
import json
import zlib
from typing import NamedTuple
from urllib.parse import quote

from cassettes_lib.header_pairs import Headers
from cassettes_lib.models import BrokenBody, Interaction, InteractionFailure, InteractionRequest, InteractionResponse

S = "Zk7pQ2vXw9LmT4rB"  # long and mixed: looked for everywhere once it is known
ODD = 'Pa"ss w/o+rd&9=\\é'  # needs an escape in every encoding
SHORT = "h7x!"


class Planted(NamedTuple):
    """A secret in a place.

    Attributes:
        kind: What it is, for messages.
        interaction: Where it stands.
        secrets: The texts that must not survive, in any encoding.
    """

    kind: str
    interaction: Interaction
    secrets: tuple[str, ...]


def exchange(
    url: str = "https://api.example.com/v1/things",
    *,
    method: str = "GET",
    headers: Headers = (),
    body: bytes = b"",
    status: int = 200,
    response_headers: Headers = (),
    response_body: bytes = b"",
) -> Interaction:
    """Make an interaction, a plain one unless told otherwise."""
    return Interaction(
        request=InteractionRequest(method=method, url=url, headers=headers, body=body),
        response=InteractionResponse(status=status, reason="OK", headers=response_headers, body=response_body),
    )


def asked_with(*headers: tuple[str, str]) -> Interaction:
    """Make an interaction whose request has these headers."""
    return exchange(headers=headers)


def posted(body: bytes | str, content_type: str = "application/json", *more: tuple[str, str]) -> Interaction:
    """Make an interaction whose request has this body."""
    data = body.encode() if isinstance(body, str) else body
    return exchange(method="POST", headers=(("Content-Type", content_type), *more), body=data)


def answered(body: bytes | str, content_type: str = "application/json", *more: tuple[str, str]) -> Interaction:
    """Make an interaction whose response has this body."""
    data = body.encode() if isinstance(body, str) else body
    return exchange(response_headers=(("Content-Type", content_type), *more), response_body=data)


def b64(text: str) -> str:
    """Return the base64 of a text."""
    return base64.b64encode(text.encode()).decode()


def jwt(**claims: object) -> str:
    """Return a token of three parts with a signature that is always the same."""
    header, payload = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()
        for part in ({"alg": "HS256", "typ": "JWT", "kid": "k1"}, claims)
    )
    return f"{header}.{payload}.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"


_GITHUB = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"
PEM = (
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIBOgIBAAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf9Cnzj4p4WGeKLs1Pt8Qu\n"
    "KUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQJAIJLixBy2qpFoS4DSmoEm\n"
    "-----END RSA PRIVATE KEY-----\n"
)


def multipart(name: str, value: str, extra: str = "") -> Interaction:
    """Make a request with a multipart body of two fields."""
    body = (
        f'--b0undary\r\nContent-Disposition: form-data; name="title"\r\n\r\nHello\r\n'
        f'--b0undary\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n{value}\r\n--b0undary--\r\n'
    )
    return posted(body, "multipart/form-data; boundary=b0undary")


def failed(message: str) -> Interaction:
    """Make an interaction that is a failure."""
    return Interaction(
        request=InteractionRequest(method="GET", url="https://api.example.com/"),
        failure=InteractionFailure(error="requests.exceptions.ConnectionError", message=message),
    )


def _headers() -> list[Planted]:
    values = {
        "Authorization": f"Bearer {S}", "authorization": f"token {S}",
        "Proxy-Authorization": f"Basic {b64('joe:' + S)}",
        "X-Api-Key": S, "X-Auth-Token": S, "Private-Token": S, "X-Vault-Token": S, "X-Amz-Security-Token": S,
        "X-Acme-Token": S, "X-Acme-Secret": S, "X-Acme-Key": S, "Ocp-Apim-Subscription-Key": S, "X-CSRF-Token": S,
        "apikey": S, "DD-API-KEY": S, "X-Session-Id": S, "X-Hub-Signature-256": "sha256=" + S,
        "Cookie": f"theme=dark; sid={S}", "X-Goog-Api-Key": S, "X-Shopify-Access-Token": S, "X-Plex-Token": S,
        "X-User-Password": S, "Api-Key": S, "Stripe-Signature": f"t=1492774577,v1={S}",
    }  # fmt: skip
    planted = [Planted(f"header {name}", asked_with((name, value)), (S,)) for name, value in values.items()]
    digest = f'Digest username="mu-fasa77", realm="r", nonce="n", uri="/", response="{S}", opaque="o"'
    aws = (
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        f"SignedHeaders=host;range;x-amz-date, Signature={S}"
    )
    oauth1 = f'OAuth realm="x", oauth_consumer_key="ck{S}", oauth_token="{S}", oauth_signature="s{S}%3D"'
    return [
        *planted,
        Planted("Digest", asked_with(("Authorization", digest)), (S, "mu-fasa77")),
        Planted("AWS SigV4", asked_with(("Authorization", aws)), (S, "AKIAIOSFODNN7EXAMPLE")),
        Planted("OAuth 1", asked_with(("Authorization", oauth1)), (S, "ck" + S)),
        Planted("Basic", asked_with(("Authorization", f"Basic {b64('joe.user7:' + ODD)}")), ("joe.user7", ODD)),
        Planted("Token token=", asked_with(("Authorization", f'Token token="{S}"')), (S,)),
        Planted("a bare Authorization", asked_with(("Authorization", S)), (S,)),
        Planted("an unknown scheme", asked_with(("Authorization", f"Acme {S}")), (S,)),
        Planted("Negotiate", asked_with(("Authorization", f"Negotiate {S}{S}==")), (S,)),
        Planted("Set-Cookie", exchange(response_headers=(("Set-Cookie", f"sid={S}; Path=/; HttpOnly"),)), (S,)),
        Planted("a short cookie", asked_with(("Cookie", f"sid={SHORT}")), (SHORT,)),
        Planted(
            "Location with code",
            exchange(status=302, response_headers=(("Location", f"https://app/cb?code={S}&state=x"),)),
            (S,),
        ),
        Planted(
            "Location's fragment",
            exchange(status=302, response_headers=(("Location", f"https://app/cb#access_token={S}&expires_in=9"),)),
            (S,),
        ),
        Planted(
            "Link", exchange(response_headers=(("Link", f'<https://x/?page=2&access_token={S}>; rel="next"'),)), (S,)
        ),
        Planted("Refresh", exchange(response_headers=(("Refresh", f"0; url=https://x/?token={S}"),)), (S,)),
        Planted("Referer", asked_with(("Referer", f"https://x/?api_key={S}")), (S,)),
        Planted("a JSON header", asked_with(("X-Context", json.dumps({"password": S}))), (S,)),
        Planted("Authentication-Info", exchange(response_headers=(("Authentication-Info", f'nextnonce="{S}"'),)),
        (S,)),
        Planted("X-Amz-Meta style JWT", asked_with(("X-Whatever", jwt(sub="1", email="a@b.c"))), (jwt(sub="1"),)),
    ]


def _urls() -> list[Planted]:
    urls = {
        "userinfo": f"https://joe7user:{S}@api.example.com/",
        "userinfo without password": f"https://{S}@git.example.com/repo.git",
        "userinfo escaped": f"https://u:{quote(ODD, safe='')}@h.example/",
        "query access_token": f"https://api.example.com/?access_token={S}",
        "query key": f"https://api.example.com/maps?key={SHORT}",
        "query sig": f"https://acct.blob.example.com/c?sv=2020&sp=r&sig={quote(S + '+/=', safe='')}",
        "query presigned": f"https://b.s3.example.com/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20260101%2Fus-east-1&"
        f"X-Amz-Signature={S}",
        "query escaped": f"https://x/?password={quote(ODD, safe='')}",
        "query camelCase": f"https://x/?clientSecret={S}",
        "query nested": f"https://x/?user%5Bpassword%5D={S}",
        "query in a query": f"https://x/?redirect_uri={quote('https://y/?token=' + S, safe='')}",
        "query with JSON": f"https://x/?payload={quote(json.dumps({'api_key': S}), safe='')}",
        "OAuth code": f"https://x/callback?code={S}&state=abc",
        "fragment": f"https://x/#id_token={S}&token_type=bearer",
        "jsessionid": f"https://x/cart;jsessionid={S}?a=1",
        "path after token": f"https://x/reset-password/token/{S}{S}",
        "Telegram bot": "https://api.telegram.org/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1/getMe",
        "Slack webhook": "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXabcdEFGH",
        "GitHub token in the path": "https://x/repos/ghp_16C7e42F292c6912E7710c838347Ae178B4a/x",
    }
    secrets = {
        "query key": (SHORT,), "userinfo escaped": (ODD,), "query escaped": (ODD,),
        "query presigned": (S, "AKIAIOSFODNN7EXAMPLE"), "userinfo": ("joe7user", S),
        "Telegram bot": ("AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",),
        "Slack webhook": ("XXXXXXXXXXXXXXXXabcdEFGH",),
        "GitHub token in the path": ("ghp_16C7e42F292c6912E7710c838347Ae178B4a",),
    }  # fmt: skip
    return [Planted(f"URL: {kind}", exchange(url), secrets.get(kind, (S,))) for kind, url in urls.items()]


def _json_bodies() -> list[Planted]:
    documents: dict[str, object] = {
        "password": {"user": "joe", "password": ODD},
        "short password": {"password": SHORT},
        "deep": {"a": [{"b": {"c": [{"client_secret": S}]}}]},
        "camelCase": {"refreshToken": S},
        "capitals": {"API_KEY": S},
        "dashes": {"api-key": S},
        "prefixed": {"stripe_secret_key": S},
        "an unknown prefix": {"frobnicator_token": S},
        "list": {"api_keys": [S, "x"]},
        "JSON in a string": {"body": json.dumps({"deep": json.dumps({"secret": ODD})})},
        "form in a string": {"body": f"user=joe&password={S}"},
        "header in a string": {"log": f"> Authorization: Bearer {S}"},
        "header list": {"headers": [{"name": "X-Api-Key", "value": S}]},
        "value before name": {"env": [{"value": S, "name": "DB_PASSWORD"}]},
        "an object under the name": {"token": {"value": S, "type": "bearer"}},
        "URL in a string": {"clone_url": f"https://joe:{S}@git.example.com/r.git"},
        "query in a string": {"next": f"https://x/?page=2&access_token={S}"},
        "database URL": {"url": f"postgres://app:{S}@db.internal:5432/prod"},
        "JWK": {"kty": "RSA", "n": "abc", "e": "AQAB", "d": S},
        "PEM": {"private": PEM},
        "service account": {"type": "service_account", "private_key": PEM, "client_email": "x@y.iam"},
        "GraphQL": {"query": f'mutation {{ login(user: "joe", password: "{S}") {{ id }} }}'},
        "connection string": {"v": f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={S * 4}==;Suffix=x"},
        "AWS": {"AccessKeyId": "ASIAIOSFODNN7EXAMPLE", "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
        "docker auth": {"auths": {"reg.example.com": {"auth": b64("joe:" + S)}}},
        "bcrypt": {"x": "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW"},
        "unusual whitespace": {" Password ": S},
        "OTP number": {"otp": 493817},
        "authorization member": {"Authorization": f"Bearer {S}"},
        "cookie jar": {"session_id": S},
    }
    secrets = {
        "password": (ODD,), "short password": (SHORT,), "JSON in a string": (ODD,), "OTP number": ("493817",),
        "PEM": (PEM.split("\n")[1],), "service account": (PEM.split("\n")[1], PEM.split("\n")[2]),
        "bcrypt": ("EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",),
        "AWS": ("ASIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    }  # fmt: skip
    return [
        *(
            Planted(f"JSON {side}: {kind}", make(json.dumps(document)), secrets.get(kind, (S,)))
            for kind, document in documents.items()
            for side, make in (("request", posted), ("response", answered))
        ),
        Planted("pretty JSON", answered(json.dumps({"password": ODD}, indent=2, ensure_ascii=False)), (ODD,)),
        Planted("JSON cut short", answered('{"a": 1, "token": "' + S), (S,)),
        Planted("JSON lines", answered(f'{{"a":1}}\n{{"token":"{S}"}}\n', "application/x-ndjson"), (S,)),
        Planted("JSON without a type", exchange(response_body=json.dumps({"token": S}).encode()), (S,)),
        Planted("UTF-16 JSON", answered(json.dumps({"token": S}).encode("utf-16"), "text/json; charset=utf-16"),
        (S,)),
        Planted("event stream", answered(f'event: x\ndata: {{"token": "{S}"}}\n\n', "text/event-stream"), (S,)),
        Planted("JSONP", answered(f'cb({{"token": "{S}"}});', "application/javascript"), (S,)),
    ]


def _other_bodies() -> list[Planted]:
    form = "application/x-www-form-urlencoded"
    secret_json = json.dumps({"password": ODD}).encode()
    texts = {
        "ini": f"[db]\nuser = joe\npassword = {S}\n",
        "yaml": f"db:\n  user: joe\n  password: {S}\n",
        "env file": f"HOST=x\nexport API_TOKEN={S}\n",
        "log line": f"2026-01-01 INFO calling https://x/?api_key={S} now",
        "curl": f"curl -u joe:{S} https://x/",
        "curl header": f"curl -H 'Authorization: Bearer {S}' https://x/",
        "netrc": f"machine x.example.com login joe7user password {S}",
        "shape in prose": "use ghp_16C7e42F292c6912E7710c838347Ae178B4a for it",
        "PEM": "key:\n" + PEM,
    }
    text_secrets = {
        "shape in prose": ("ghp_16C7e42F292c6912E7710c838347Ae178B4a",), "PEM": (PEM.split("\n")[2],),
        "netrc": (S, "joe7user"),
    }  # fmt: skip
    markup = {
        "element": f"<r><Password>{S}</Password></r>",
        "namespaced": f'<s:E xmlns:w="u"><w:Password Type="t">{S}</w:Password></s:E>',
        "CDATA": f"<r><client_secret><![CDATA[{S}]]></client_secret></r>",
        "attribute": f'<user name="joe" password="{S}"/>',
        "escaped attribute": '<user password="Pa&quot;ss&amp;9word"/>',
        "AWS STS": f"<C><SecretAccessKey>{S}</SecretAccessKey><SessionToken>{S}x</SessionToken></C>",
        "key and value": f'<add key="ApiKey" value="{S}"/>',
        "plist": f"<dict><key>password</key><string>{S}</string></dict>",
    }
    page = {
        "csrf input": f'<html><input type="hidden" name="csrf_token" value="{S}"></html>',
        "input, value first": f'<html><input value="{S}" name="authenticity_token"></html>',
        "meta": f'<html><meta name="csrf-token" content="{S}"/></html>',
        "script": f'<html><script>window.config = {{apiKey: "{S}", x: 1}};</script></html>',
        "link": f'<html><a href="https://x/?a=1&amp;access_token={S}">x</a></html>',
    }
    gzipped = (("Content-Encoding", "gzip"),)
    deflated = (("Content-Encoding", "deflate"),)
    wire = InteractionResponse(
        status=200,
        headers=(("Content-Type", "application/json"), ("Content-Encoding", "gzip")),
        body=gzip.compress(secret_json),
        wire_body=True,
    )
    plain = exchange()
    broken = InteractionResponse(
        status=200, body=b"x", broken=BrokenBody(error="E", message=f"broke at https://x/?token={S}")
    )
    return [
        Planted("form", posted(f"user=joe&password={quote(ODD, safe='')}", form), (ODD,)),
        Planted("form with plus", posted("user=joe&password=Pa+ss+W0rd", form), ("Pa ss W0rd", "Pa+ss+W0rd")),
        Planted("form: OAuth", posted(f"grant_type=authorization_code&code={S}&client_secret={SHORT}s", form), (S,)),
        Planted("form: SAML", posted(f"SAMLResponse={S}{S}", form), (S,)),
        Planted("form without a type", exchange(method="POST", body=f"a=1&token={S}".encode()), (S,)),
        Planted("multipart", multipart("password", ODD), (ODD,)),
        Planted("multipart JSON", multipart("meta", json.dumps({"api_key": S})), (S,)),
        Planted("multipart file", multipart("f", f"password={S}\n", '; filename="x.env"'), (S,)),
        Planted("gzip request", posted(gzip.compress(secret_json), "application/json", *gzipped), (ODD,)),
        Planted("deflate request", posted(zlib.compress(secret_json), "application/json", *deflated), (ODD,)),
        Planted("gzip kept on the wire", plain.model_copy(update={"response": wire}), (ODD,)),
        Planted("how a body broke", plain.model_copy(update={"response": broken}), (S,)),
        Planted("failure: URL", failed(f"Max retries exceeded with url: /x?token={S} (Caused by E)"), (S,)),
        Planted("failure: userinfo", failed(f"cannot connect to http://joe:{S}@proxy:3128"), (S,)),
        *(Planted(f"text: {kind}", answered(text, "text/plain"), text_secrets.get(kind, (S,)))
          for kind, text in texts.items()),
        *(Planted(f"XML: {kind}", answered(text, "application/xml"), ('Pa"ss&9word',) if "escaped" in kind else (S,))
          for kind, text in markup.items()),
        *(Planted(f"HTML: {kind}", answered(text, "text/html"), (S,)) for kind, text in page.items()),
    ]  # fmt: skip


def _shapes() -> list[Planted]:
    digits, letters = "0123456789abcdef", "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789"
    values = {
        "JWT": jwt(sub="1234567890", exp=1700000000),
        "GitHub": "ghp_" + letters, "GitHub fine": "github_pat_" + letters, "GitLab": "glpat-" + letters[:20],
        "Slack": "xoxb-123456789012-" + letters[:24], "Slack app": "xapp-1-A0-" + letters[:24],
        "AWS": "AKIAIOSFODNN7EXAMPLE", "Google": "AIza" + letters[:35], "Google OAuth": "ya29." + letters,
        "Google secret": "GOCSPX-" + letters[:28], "Stripe": "sk_live_" + letters[:24],
        "Stripe hook": "whsec_" + letters[:32],
        "OpenAI": "sk-" + letters + letters[:12], "OpenAI project": "sk-proj-" + letters,
        "Anthropic": "sk-ant-api03-" + letters,
        "SendGrid": "SG." + letters[:22] + "." + letters + "abcdefg", "Twilio": "SK" + digits * 2,
        "Mailgun": "key-" + digits * 2, "Mailchimp": digits * 2 + "-us12", "npm": "npm_" + letters,
        "PyPI": "pypi-AgEIcHlwaS5vcmc" + letters, "Docker": "dckr_pat_" + letters[:27],
        "Hugging Face": "hf_" + letters[:34],
        "Shopify": "shpat_" + digits * 2, "DigitalOcean": "dop_v1_" + digits * 4, "Vault": "hvs." + letters,
        "Databricks": "dapi" + digits * 2, "Linear": "lin_api_" + letters, "Notion": "ntn_" + letters,
        "Telegram": "123456789:AA" + letters[:33], "Grafana": "glsa_" + letters, "Sentry": "sntrys_" + letters,
        "Square": "sq0csp-" + letters, "age": "AGE-SECRET-KEY-1" + (letters * 2)[:58].upper(),
        "Figma": "figd_" + letters, "Doppler": "dp.pt." + letters, "Atlassian": "ATATT3" + letters,
        "argon2": "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b4dWRWJTmaaJObG",
        "Groq": "gsk_" + letters + letters[:16],
    }  # fmt: skip
    return [
        Planted(f"shape: {kind}", make(document), (value,))
        for kind, value in values.items()
        for make, document in (
            (answered, json.dumps({"note": f"use {value} here"})),
            (posted, json.dumps({"x": value})),
        )
    ]


_BATCH = (
    "--b\r\nContent-Type: application/http\r\n\r\nGET /x HTTP/1.1\r\n"
    f"Authorization: Bearer {S}\r\nX-Api-Key: {S}\r\n\r\n--b--"
)


def _unusual() -> list[Planted]:
    cases: dict[str, tuple[Interaction, tuple[str, ...]]] = {
        "xmlrpc": (answered(f"<m><name>password</name><value><string>{S}</string></value></m>", "text/xml"), (S,)),
        "httpsig": (asked_with(("Authorization", f'Signature keyId="k1",algorithm="rsa",signature="{S}=="')), (S,)),
        "hawk": (asked_with(("Authorization", f'Hawk id="dh37", ts="1353832234", nonce="j4", mac="{S}="')), (S,)),
        "pair list": (posted(json.dumps([["password", S]])), (S,)),
        "cookies list": (posted(json.dumps({"cookies":[{"name":"_gh_sess", "value": S}]})), (S,)),
        "cookies dict": (posted(json.dumps({"cookies": {"_gh": S}})), (S,)),
        "headers dict": (posted(json.dumps({"headers": {"X-Custom-Auth": S}})), (S,)),
        "cookie member": (posted(json.dumps({"headers": {"Cookie": f"a=b; q={S}"}})), (S,)),
        "set-cookie member list": (posted(json.dumps({"headers": {"Set-Cookie":[f"q={S}; Path=/"]}})), (S,)),
        "repr": (answered(f"{{'password': '{S}', 'x': None}}", "text/plain"), (S,)),
        "b64 json query": (exchange("https://x/?state=" + b64(json.dumps({"access_token": S})).rstrip("=")), (S,)),
        "b64 json cookieish": (answered(json.dumps({"blob": b64(json.dumps({"password": S}))})), (S,)),
        "bare cookie": (asked_with(("Cookie", S)), (S,)),
        "batch": (posted(_BATCH, "multipart/mixed; boundary=b"), (S,)),
        "csv": (answered(f"user,password\njoe,{S}\n", "text/csv"), (S,)),
        "toml": (answered(f'[x]\npassword = "{S}"\n', "application/toml"), (S,)),
        "props": (answered(f"spring.datasource.password={S}\n", "text/plain"), (S,)),
        "jdbc": (posted(json.dumps({"u": f"jdbc:sqlserver://h:1433;user=sa;password={S};x=1"})), (S,)),
        "cli": (answered(f"run --password {S} --verbose", "text/plain"), (S,)),
        "setItem": (answered(f'<html><script>localStorage.setItem("token", "{S}")</script>', "text/html"), (S,)),
        "js header": (answered(f'headers["X-Api-Key"]="{S}";', "application/javascript"), (S,)),
        "js escaped": (answered(f'<html><script>var s="{{\\"apiKey\\":\\"{S}\\"}}"</script>', "text/html"), (S,)),
        "u0022": (answered(f'<html><script>s="{{\\u0022token\\u0022:\\u0022{S}\\u0022}}"</script>', "text/html"), (S,)),
        "quot": (answered(f'<html><div data-x="{{&quot;token&quot;:&quot;{S}&quot;}}"></div>', "text/html"), (S,)),
        "data attr": (answered(f'<html><div data-token="{S}"></div>', "text/html"), (S,)),
        "path proxy": (exchange(f"https://x/proxy/https%3A%2F%2Fjoe%3A{S}%40host%2F"), (S,)),
        "k8s": (answered(json.dumps({"kind":"Secret", "apiVersion":"v1", "data": {"whatever": b64(S)}})), (S, b64(S))),
        "rails": (answered(json.dumps({"SECRET_KEY_BASE": S})), (S,)),
        "npmrc": (answered(f"//registry.npmjs.org/:_authToken={S}\n", "text/plain"), (S,)),
        "kubeconfig": (answered("client-key-data: "+b64(PEM)+"\n", "application/yaml"), (b64(PEM)[30:90],)),
        "is": (answered(f"Your password is {S}. Bye", "text/plain"), (S,)),
        "is:": (answered(json.dumps({"msg": f"Your temporary password is: {S}"})), (S,)),
        "otpauth": (answered(json.dumps({"u": f"otpauth://totp/x?secret={S}&issuer=a"})), (S,)),
        "json key": (answered(json.dumps({_GITHUB: 1})), (_GITHUB,)),
        "api_sig": (exchange(f"https://x/?api_sig={S}"), (S,)),
        "auth query": (exchange(f"https://x/?auth={S}"), (S,)),
        "appid": (exchange(f"https://x/?appid={S}"), (S,)),
        "authorization query": (exchange(f"https://x/?authorization=Bearer%20{S}"), (S,)),
        "ws proto": (asked_with(("Sec-WebSocket-Protocol", f"base64url.bearer.authorization.k8s.io.{S}, x")), (S,)),
        "multi auth": (asked_with(("Authorization", f"Bearer {S}, Basic {b64('a:'+S)}")), (S,)),
        "x-auth-request": (asked_with(("X-Auth-Request-Access-Token", S)), (S,)),
        "x-aws-ec2": (asked_with(("X-aws-ec2-metadata-token", S)), (S,)),
        "x-forwarded-client-cert-key": (asked_with(("X-Client-Key", S)), (S,)),
        "xml attr single": (answered(f"<u token='{S}'/>", "text/xml"), (S,)),
        "xml nested elt": (answered(f"<token><value>{S}</value></token>", "text/xml"), (S,)),
        "xml ns attr": (answered(f'<u x:token="{S}"/>', "text/xml"), (S,)),
        "html textarea": (answered(f"<html><textarea name='secret'>{S}</textarea>", "text/html"), (S,)),
        "yaml quoted": (answered(f"password: '{S}'\n", "text/yaml"), (S,)),
        "yaml nested list": (answered(f"- name: DB_PASSWORD\n  value: {S}\n", "text/yaml"), (S,)),
        "authorization log": (answered(f"h={{'Authorization': 'Basic {b64('joe:' + S)}'}}", "text/plain"), (S,)),
        "log kv": (answered(f'level=info msg="x" token={S} user=joe', "text/plain"), (S,)),
        "email-ish": (answered(f"API Key: {S}\nUser: joe\n", "text/plain"), (S,)),
        "secret key with spaces": (answered(f"Secret Access Key: {S}\n", "text/plain"), (S,)),
        "graphql var": (posted(json.dumps({"query": "mutation", "variables": {"input": {"newPassword": S}}})), (S,)),
        "graphql unescaped": (posted(f'{{ login(token: "{S}") }}', "application/graphql"), (S,)),
        "jsonrpc params": (posted(json.dumps({"jsonrpc":"2.0", "method":"auth", "params": {"password": S}})), (S,)),
        "odd name": (posted(json.dumps({"mdp": S, "x-api-key": S})), (S,)),
        "key id": (posted(json.dumps({"accessKeyId": S})), (S,)),
        "refresh": (posted("grant_type=refresh_token&refresh_token="+S, "application/x-www-form-urlencoded"), (S,)),
        "authcode form": (posted("grant_type=authorization_code&code="+S, "application/x-www-form-urlencoded"), (S,)),
        "authcode json": (posted(json.dumps({"grant_type":"authorization_code", "code": S})), (S,)),
        "redirect relative": (exchange(status=302,response_headers=(("Location", f"/cb?code={S}"),)), (S,)),
        "two slashes": (exchange(status=302,response_headers=(("Location", f"//joe9: {S}@x/cb"),)), (S,)),
        "fragment route": (exchange(f"https://x/#/cb?access_token={S}"), (S,)),
        "semicolon query": (exchange(f"https://x/?a=1;token={S}"), (S,)),
        "signed cookies": (asked_with(("Cookie", f'CloudFront-Signature="{S}"; x="y z"')), (S,)),
        "json in multipart no type": (multipart("payload", json.dumps({"token": S})), (S,)),
    }
    return [Planted(f"unusual: {kind}", *case) for kind, case in cases.items()]


PLANTED: tuple[Planted, ...] = (*_headers(), *_urls(), *_json_bodies(), *_other_bodies(), *_unusual(), *_shapes())

_SHA1 = "33a64df551425fcc55e4d42a148795d9f25f89d4"
_UUID = "123e4567-e89b-42d3-a456-426614174000"
_PNG = base64.b64encode(bytes(range(256)) * 4).decode()

INNOCENT_JSON: dict[str, object] = {
    "token_type": "Bearer", "max_tokens": 4096, "next_page_token": "CAUQAA12abXY", "pageToken": "CAUQAA12abXY",
    "nextPageToken": "CAUQAA12abXY", "cursor": "dXNlcjpXMDdRQ1JQQTQ=", "secretary": "Jane Doe 42",
    "etag": f'W/"{_SHA1}"',
    "sha": _SHA1, "uuid": _UUID, "id": 12345678901, "created_at": "2026-01-02T03:04:05Z", "timestamp": 1767323045,
    "public_key": "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n-----END PUBLIC KEY-----\n",
    "ssh_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl joe@x",
    "has_password": True, "password": None, "is_secret": False, "passwordless": "Yes Indeed 1", "image": _PNG,
    "tokens": 512, "token_count": 99, "prompt_tokens": 17, "usage": {"completion_tokens": 5, "total_tokens": 22},
    "keyboard": "QWERTY-1234", "monkey": "Capuchin77", "author": "JaneDoe1999", "authority": "Example-CA-1",
    "description": "Please keep your password safe. Token: see the manual.", "passenger": "Ada King 1815",
    "password_reset_url": "https://example.com/reset", "token_endpoint": "https://example.com/oauth2/token",
    "client_id": "my-app-1234", "key": "orders/2026/01.json", "keys": ["a1b2c3d4e5"], "private": False,
    "signature_algorithm": "SHA256withRSA", "authors": ["JaneDoe1999"], "compass": "NNE-12345",
    "primary_key": "Order#1234",
    "idempotency_key": _UUID, "code": "ERR_4711", "state": "Nevada89", "pinned": True, "session_count": 12,
    "errors": {"password": ["is too short", "needs 1 digit"]}, "scopes": ["read:tokens1"], "status_code": 20012345,
    "secret_santa": "Gift-2026", "tokenizer": "cl100k_base", "continuationToken": "Zm9vYmFyMTIz",
    "sync_token": "abcDEF123",
    "color": "#33a64d", "version": "1.2.3-rc.1+build.5", "email": "Jane.Doe9@example.com", "phone": "+15551234567",
    "isbn": "978-3-16-148410-0", "iban": "DE89370400440532013000", "task": "task-force-1234567890abcdefghij",
    "risk": "risk-assessment-for-projects-2026", "desk": "desk-booking-of-the-whole-floor-12",
}  # fmt: skip
INNOCENT_HEADERS: Headers = (
    ("ETag", f'"{_SHA1}"'), ("X-Request-Id", _UUID), ("Idempotency-Key", _UUID), ("If-None-Match", f'W/"{_SHA1}"'),
    ("Date", "Tue, 02 Jan 2026 03:04:05 GMT"), ("Content-Type", "application/json"), ("Cache-Control",
    "max-age=3600"),
    ("User-Agent", "python-requests/2.32.3"), ("X-RateLimit-Remaining-Tokens", "149984"),
    ("Traceparent", f"00-{'ab12' * 8}-01"),
    ("Content-Security-Policy", "script-src 'nonce-rAnd0m123abc'"),
    ("WWW-Authenticate", 'Bearer realm="Example1", error="x"'),
    ("Surrogate-Key", "post-1234567890"), ("Access-Control-Allow-Headers", "Authorization, X-Api-Key"),
    ("Vary", "Authorization, Cookie"), ("X-Amz-Cf-Id", "7dZk1aBcDeFgHiJkLmNoPqRsTuVw=="), ("Server", "nginx/1.25.3"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="), ("Digest",
    "SHA-256=X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE="),
)  # fmt: skip
INNOCENT_URLS = (
    "https://api.example.com/orders?page=2&pageToken=CAUQAA12abXY&cursor=abcDEF123456",
    f"https://api.example.com/repos/x/commits/{_SHA1}",
    f"https://api.example.com/orders/{_UUID}?since=2026-01-02T03:04:05Z&max_tokens=5",
    "https://cdn.example.com/static/app.3f8a9b2c1d.css?v=20260102",
    "https://api.example.com/oauth2/token",
    "https://api.example.com/password-reset?lang=en-US",
    "https://api.example.com/keyboard?author=JaneDoe1999&secretary=Jane",
    "https://api.example.com/error?code=ERR_4711",
)
INNOCENT_TEXTS = {
    "text/css": ".token.keyword { color: #07a; } "
    ".password-field:hover{background:url(data:image/png;base64,iVBORw0KGgo=)}",
    "application/javascript": "var token=e.token;function pass(a){return a.password?t.auth(a.password):this.key}"
    "const labels={password:'Password',token:'Token'};if(token===null)session=getSession(a);",
    "text/html": "<html><body><label for=password>Password:</label><input type=password name=password>"
    "<p>Your token: none. Basic Authentication, Bearer tokens.</p></body></html>",
    "text/plain": "The secret: there is none. Password: required. See https://medium.com/@joe/post-12345678.\n",
    "text/csv": f"id,sha,created\n1,{_SHA1},2026-01-02\n",
    "application/xml": f'<r id="{_UUID}"><Author>JaneDoe1999</Author><NextToken>abcDEF123</NextToken>'
    '<x key="a1b2c3d4"/></r>',
}
