"""More secrets planted in kinds of places met in the wild: the second half of the tables for the tests of redaction."""

from __future__ import annotations

import json
from urllib.parse import quote

from cassettes_lib.models import Interaction
from tests.secrets_table import PEM, Planted, S, answered, asked_with, b64, exchange, jwt, multipart, posted

W = "correcthorsebattery"  # not mixed enough to be looked for everywhere: removed where its name stands

_CASES: dict[str, tuple[Interaction, tuple[str, ...]]] = {
    "lower password json": (posted(json.dumps({"password": W})), (W,)),
    "lower token header": (asked_with(("X-Auth-Token", W)), (W,)),
    "lower bearer": (asked_with(("Authorization", "Bearer " + W)), (W,)),
    "lower cookie": (asked_with(("Cookie", "sid=" + W)), (W,)),
    "passphrase json": (
        posted(json.dumps({"passphrase": "correct horse battery staple"})),
        ("correct horse battery staple",),
    ),
    "form passphrase": (
        posted("passphrase=correct+horse+battery+staple", "application/x-www-form-urlencoded"),
        ("correct horse battery staple",),
    ),
    "xml passphrase": (
        answered("<a><passphrase>correct horse battery staple</passphrase></a>", "application/xml"),
        ("correct horse battery staple",),
    ),
    "yaml passphrase": (
        answered('passphrase: "correct horse battery staple"\n', "text/yaml"),
        ("correct horse battery staple",),
    ),
    "yaml passphrase bare": (
        answered("passphrase: correct horse battery staple\n", "text/yaml"),
        ("horse battery staple",),
    ),
    "ini spaces": (answered("password = correct horse battery\n", "text/plain"), ("horse battery",)),
    "password w/ amp in xml": (answered("<password>ab&amp;cd1234</password>", "text/xml"), ("ab&cd1234",)),
    "numeric password string": (posted(json.dumps({"password": "12345678"})), ("12345678",)),
    "list of tokens": (
        answered(json.dumps({"tokens": ["Abcdefgh12345678Z", "zyxwvut987654321A"]})),
        ("Abcdefgh12345678Z", "zyxwvut987654321A"),
    ),
    "recovery codes": (answered(json.dumps({"recovery_codes": ["abcd-1234", "efgh-5678"]})), ("abcd-1234",)),
    "backup_codes": (answered(json.dumps({"backup_codes": ["abcd-1234", "efgh-5678"]})), ("abcd-1234",)),
    "session dict": (answered(json.dumps({"session": {"token": S}})), (S,)),
    "session id str": (answered(json.dumps({"sessionId": "node01abc"})), ("node01abc",)),
    "set-cookie json attr": (
        exchange(response_headers=(("Set-Cookie", 'prefs="%7B%22a%22%3A%22' + S + '%22%7D"; Path=/'),)),
        (S,),
    ),
    "two set-cookie": (
        exchange(
            response_headers=(
                ("Set-Cookie", "a=" + S),
                ("Set-Cookie", "b=x" + S + "; Secure"),
            )
        ),
        (S,),
    ),
    "password in path-like": (exchange(f"https://x/login/password/{S}"), (S,)),
    "basic in url query": (exchange(f"https://x/?auth={b64('joe:' + S)}"), (S,)),
    "userinfo percent": (exchange("https://joe:p%40ss%2Fw0rd9@x/"), ("p@ss/w0rd9",)),
    "proxy url in json": (posted(json.dumps({"proxy": f"http://u:{S}@proxy:3128"})), (S,)),
    "redis url no user": (posted(json.dumps({"u": f"redis://:{S}@h:6379/0"})), (S,)),
    "mongodb srv": (posted(json.dumps({"u": f"mongodb+srv://u:{S}@c.mongodb.net/x?retryWrites=true"})), (S,)),
    "git url token": (posted(json.dumps({"u": f"https://x-access-token:{S}@github.com/a/b.git"})), (S,)),
    "git ssh": (posted(json.dumps({"u": f"https://oauth2:{S}@gitlab.com/a/b.git"})), (S,)),
    "s3 presign in json": (
        answered(
            json.dumps(
                {
                    "url": f"https://b.s3.amazonaws.com/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAIOSFODNN7EXAMPLE%2F2026&X-Amz-Signature={S}&X-Amz-Security-Token={S}z"
                }
            )
        ),
        (S, "ASIAIOSFODNN7EXAMPLE"),
    ),
    "gcs presign": (
        exchange(
            f"https://storage.googleapis.com/b/o?GoogleAccessId=a@b.iam&Expires=1&Signature={quote(S + '/+', safe='')}"
        ),
        (S,),
    ),
    "azure sas": (
        answered(json.dumps({"sas": f"sv=2022-11-02&ss=b&srt=sco&sp=rl&se=2026&sig={quote(S + '+/=', safe='')}"})),
        (S,),
    ),
    "client cert": (
        posted(json.dumps({"cert": "-----BEGIN EC PRIVATE KEY-----\\n" + S * 4 + "\\n-----END EC PRIVATE KEY-----"})),
        (S * 4,),
    ),
    "openssh": (
        posted(
            "-----BEGIN OPENSSH PRIVATE KEY-----\n" + (S * 4 + "\n") * 5 + "-----END OPENSSH PRIVATE KEY-----\n",
            "text/plain",
        ),
        (S * 4,),
    ),
    "pgp": (
        posted(
            "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: x\n\n"
            + (S * 4 + "\n") * 5
            + "=abcd\n-----END PGP PRIVATE KEY BLOCK-----\n",
            "text/plain",
        ),
        (S * 4,),
    ),
    "enc pem": (
        posted(
            "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123\n\n"
            + (S * 4 + "\n") * 5
            + "-----END RSA PRIVATE KEY-----\n",
            "text/plain",
        ),
        (S * 4,),
    ),
    "jwe": (
        asked_with(
            (
                "X-A",
                "eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe.48V1_ALb6US04U3b.5eym8TW_c8SuK0ltJ3rpYIzOeDQz7TALvtu6UG9oMo4vpzs9tX_EFShS8iB7j6ji.XFBoMYUZodetZdvTiFvSkQ",
            )
        ),
        ("OKOawDo13gRp2ojaHV7LFpZcgV7T6DVZKTyKOMTYUmKoTCVJRgckCL9kiMT03JGe", "XFBoMYUZodetZdvTiFvSkQ"),
    ),
    "jwt in url": (
        exchange("https://x/v/" + jwt(sub="1", email="x@y.z")),
        (jwt(sub="1", email="x@y.z").split(".")[2],),
    ),
    "jwt in html": (
        answered("<script>var t='" + jwt(sub="1") + "'</script>", "text/html"),
        (jwt(sub="1").split(".")[2],),
    ),
    "saml": (
        posted(
            "SAMLResponse=" + quote(b64("<samlp:Response>" + S + "</samlp:Response>"), safe=""),
            "application/x-www-form-urlencoded",
        ),
        (S,),
    ),
    "wsse header": (
        asked_with(
            ("X-WSSE", f'UsernameToken Username="bob77xyz", PasswordDigest="{S}=", Nonce="d36e", Created="2026"')
        ),
        (S,),
    ),
    "soap digest": (
        posted(
            f'<wsse:UsernameToken><wsse:Password Type="x#PasswordText">{S}</wsse:Password></wsse:UsernameToken>',
            "text/xml",
        ),
        (S,),
    ),
    "ldap": (posted(json.dumps({"bind_password": S, "bindDN": "cn=a"})), (S,)),
    "smtp": (posted(json.dumps({"smtp": {"pass": "hunter2"}})), ("hunter2",)),
    "terraform state": (
        answered(json.dumps({"attributes": {"secret_string": "hunter2", "private_key_pem": PEM}})),
        ("hunter2", PEM.split("\n")[1]),
    ),
    "helm": (answered(json.dumps({"adminPassword": "hunter2"})), ("hunter2",)),
    "aws sts json": (
        answered(
            json.dumps(
                {
                    "Credentials": {
                        "AccessKeyId": "ASIAIOSFODNN7EXAMPLE",
                        "SecretAccessKey": S,
                        "SessionToken": S + "x",
                    }
                }
            )
        ),
        (S, "ASIAIOSFODNN7EXAMPLE"),
    ),
    "gcp sa": (
        answered(json.dumps({"privateKeyData": b64(json.dumps({"private_key": PEM}))})),
        (PEM.split("\n")[1],),
    ),
    "webhook teams": (
        posted(
            json.dumps(
                {
                    "url": "https://outlook.webhook.office.com/webhookb2/11111111-2222-3333-4444-555555555555@abc/IncomingWebhook/0123456789abcdef0123456789abcdef/x"
                }
            )
        ),
        ("0123456789abcdef0123456789abcdef",),
    ),
    "discord hook": (exchange("https://discord.com/api/webhooks/123456789012345678/" + S * 4), (S * 4,)),
    "firebase": (exchange(f"https://x.firebaseio.com/a.json?auth={S}"), (S,)),
    "ipinfo": (exchange(f"https://ipinfo.io/?token={W}"), (W,)),
    "matrix": (exchange(f"https://m/_matrix/client/r0/sync?access_token=MDAxOGxvY2F0aW9u{S}"), (S,)),
    "multipart short": (multipart("pin", "9182"), ("9182",)),
    "graphql inline single": (posted(json.dumps({"query": '{ me(token: "' + W + '") { id } }'})), (W,)),
    "x-www in json string": (posted(json.dumps({"data": "username=joe&passwd=hunter2"})), ("hunter2",)),
    "html input password value": (
        answered('<html><input type="password" name="pw" value="' + S + '"></html>', "text/html"),
        (S,),
    ),
    "js const": (answered('<html><script>const API_KEY = "' + S + '";</script></html>', "text/html"), (S,)),
    "xml attr apikey lower": (answered('<r apikey="' + W + '"/>', "text/xml"), (W,)),
    "text colon": (answered("Access token: " + S, "text/plain"), (S,)),
    "text equals spaced": (answered("token = " + S + " (expires soon)", "text/plain"), (S,)),
    "header dump": (
        answered(
            "> GET / HTTP/1.1\n> Host: x\n> X-Api-Key: " + W + "\n> Cookie: a=b; sess=" + S + "\n", "text/plain"
        ),
        (S, W),
    ),
    "python repr bytes": (answered(f"b'{{\"token\": \"{S}\"}}'", "text/plain"), (S,)),
    "double-escaped json": (answered('"{\\"a\\": \\"{\\\\\\"token\\\\\\": \\\\\\"' + S + '\\\\\\"}\\"}"'), (S,)),
    "utf16": (answered(("password=" + S).encode("utf-16"), "text/plain; charset=utf-16"), (S,)),
    "bom json": (answered(b"\xef\xbb\xbf" + json.dumps({"token": S}).encode()), (S,)),
    "latin1": (
        answered(('{"token": "' + S + '", "x": "é"}').encode("latin-1"), "application/json; charset=latin-1"),
        (S,),
    ),
    "json without quotes type": (answered(json.dumps({"token": S}), "text/plain"), (S,)),
    "vnd json": (answered(json.dumps({"token": S}), "application/vnd.api+json"), (S,)),
    "msg invalid key": (
        answered(json.dumps({"error": {"message": "Incorrect API key provided: " + S + ". Find it"}})),
        (S,),
    ),
}
MORE_PLANTED = tuple(Planted(f"more: {kind}", *case) for kind, case in _CASES.items())
