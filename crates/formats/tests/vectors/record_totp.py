"""Records one-time codes, their stored keys, recovery codes and set-up states as passlib, cryptography and Flask-Security
make them of fixed inputs.

Run with the reference's environment:  oracle/.venv/bin/python crates/formats/tests/vectors/record_totp.py
Writes totp.json beside this file. The Rust tests read all of it.
"""

import base64
import hashlib
import json
import warnings
from pathlib import Path
from types import SimpleNamespace

import itsdangerous
import passlib.totp
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import Flask
from flask_security.datastore import AsaList, UserDatastore
from flask_security.totp import Totp
from itsdangerous import URLSafeTimedSerializer
from passlib.totp import TOTP, AppWallet

warnings.simplefilter("ignore")
NOW = 1_800_000_000
KEY, OLD = "the present key, 0123456789", "the key before it, 9876543210"
SECRETS = {"1": "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B", "2": "a newer secret, with gr\u00fc\u00dfe"}
ISSUER = "Example & Co"

drawn = 0


def drawn_bytes(rng, count):
    """Unlike random bytes, the same in every run."""
    global drawn
    drawn += 1
    return hashlib.sha256(b"%d" % drawn).digest()[:count]


passlib.totp.getrandbytes = drawn_bytes
itsdangerous.timed.TimestampSigner.get_timestamp = lambda self: NOW
Fernet.encrypt = lambda self, data: self._encrypt_from_parts(data, NOW, drawn_bytes(None, 16))

factory = Totp(SECRETS, ISSUER)._totp


def outcome(call):
    """The result, or null for any exception: the reference answers some of them with 500."""
    try:
        return call()
    except Exception:
        return None


def parsed(source, of=factory):
    def call():
        totp = of.from_source(source)
        return {
            "key": totp.key.hex(),
            "alg": totp.alg,
            "digits": totp.digits,
            "period": totp.period,
            "changed": totp.changed,
        }

    return {"source": source, "parsed": outcome(call)}


def sealed(**options):
    totp = factory.new(**options)
    before = drawn
    text = totp.to_json(encrypt=True)
    return {"key": totp.key.hex(), "salt": hashlib.sha256(b"%d" % (before + 1)).hexdigest()[:24], "options": options, "json": text}


key = bytes(range(20))
b32 = base64.b32encode(key).decode()
current = factory.new().to_json(encrypt=True)
older = TOTP.using(secrets={"1": SECRETS["1"]}).new().to_json(encrypt=True)
foreign = TOTP.using(secrets={"elsewhere": "x"}).new().to_json(encrypt=True)
cheap = TOTP.using(secrets=SECRETS, encrypt_cost=4).new().to_json(encrypt=True)
tiny = TOTP.using(secrets=SECRETS, encrypt_cost=0).new().to_json(encrypt=True)
plain = TOTP.using(issuer=ISSUER)(key, "raw").to_json()
other = json.loads(current)


def changed(**members):
    enckey = {**other["enckey"], **members}
    return json.dumps({**other, "enckey": {k: v for k, v in enckey.items() if v is not ...}})


sources = [
    current,
    older,
    foreign,
    cheap,
    tiny,
    plain,
    " " + current.replace(",", " , ") + "\n",
    TOTP(key, "raw", alg="sha256", digits=8, period=60, label="ana", issuer="Other").to_json(),
    TOTP(key, "raw", alg="sha512").to_json(),
    "",
    "null",
    "1",
    "[]",
    "{}",
    b32,
    '"%s"' % b32,
    '{"key":"%s"}' % b32,
    '{"key":"%s","type":"hotp","v":1}' % b32,
    '{"key":"%s","type":"totp"}' % b32,
    '{"key":"%s","type":"totp","v":0}' % b32,
    '{"key":"%s","type":"totp","v":2}' % b32,
    '{"key":"","type":"totp","v":1}',
    '{"key":null,"type":"totp","v":1}',
    '{"key":"M","type":"totp","v":1}',
    '{"key":"MFRG","type":"totp","v":1}',
    '{"key":"mfrg g-zdf=","type":"totp","v":1}',
    '{"key":"0808 0808","type":"totp","v":1}',
    '{"key":"1111","type":"totp","v":1}',
    '{"key":"%s","type":"totp","v":1,"more":1}' % b32,
    '{"key":"%s","type":"totp","v":1,"last_counter":5,"changed":false}' % b32,
    '{"key":"%s","type":"totp","v":1,"alg":"SHA-256","digits":10,"period":1}' % b32,
    '{"key":"%s","type":"totp","v":1,"alg":null,"digits":null,"period":null,"label":null,"issuer":null}' % b32,
    '{"key":"%s","type":"totp","v":1,"alg":"none"}' % b32,
    '{"key":"%s","type":"totp","v":1,"digits":5}' % b32,
    '{"key":"%s","type":"totp","v":1,"digits":11}' % b32,
    '{"key":"%s","type":"totp","v":1,"digits":"6"}' % b32,
    '{"key":"%s","type":"totp","v":1,"period":0}' % b32,
    '{"key":"%s","type":"totp","v":1,"period":-30}' % b32,
    '{"key":"%s","type":"totp","v":1,"period":30.0}' % b32,
    '{"key":"%s","type":"totp","v":1,"label":"a:b"}' % b32,
    '{"key":"%s","type":"totp","v":1,"issuer":"a:b"}' % b32,
    '{"key":"%s","enckey":{},"type":"totp","v":1}' % b32,
    changed(v=2),
    changed(v=...),
    changed(t=...),
    changed(t=2),
    changed(t="3"),
    changed(c="14"),
    changed(c=-1),
    changed(c=2),
    changed(k="M"),
    changed(s="1"),
    changed(s=""),
    changed(k=other["enckey"]["k"].lower() + "==="),
    changed(k=other["enckey"]["k"] + "MY======"),
    changed(more=1),
    TOTP(key, "raw").to_uri("ana@example.com", "Example"),
    TOTP(key, "raw", alg="sha256", digits=7, period=45).to_uri("ana", "A / B"),
    f"otpauth://totp/ana?secret={b32}",
    f"otpauth://totp/ana?secret={b32}&digits=&foo=bar&blank=&x",
    f"otpauth://totp/ana?secret={b32.lower()}&digits=+8&period=%2060",
    f"otpauth://totp/ana?secret={b32}&digits=8#fragment",
    f"otpauth://totp/ana?secret={b32}&digits=eight",
    f"otpauth://totp/ana?secret={b32}&secret={b32}",
    f"otpauth://totp/ana?secret={b32}&label=ana",
    f"otpauth://totp/A:ana?secret={b32}&issuer=A",
    f"otpauth://totp/A:ana?secret={b32}&issuer=B",
    f"otpauth://totp/A:b:ana?secret={b32}",
    f"otpauth://totp/A%3A%20ana?secret={b32}",
    f"otpauth://totp/:ana?secret={b32}&issuer=A",
    f"otpauth://totp/A:?secret={b32}",
    f"otpauth://totp/ana?secret={b32}&issuer=A:B",
    f"otpauth://totp/?secret={b32}",
    f"otpauth://totp/%20?secret={b32}",
    f"otpauth://totp?secret={b32}",
    f"otpauth://hotp/ana?secret={b32}&counter=0",
    "otpauth://totp/ana?issuer=A",
    "otpauth://totp/ana",
    "otpauth://totp/ana?secret=1",
    f"OTPAUTH://totp/ana?secret={b32}",
    f"otpauth://TOTP/ana?secret={b32}",
]

# Which codes match, for each window: the counters relative to the current one.
windows = []
for at in [NOW, NOW + 1, NOW + 15, NOW + 29, 0, 31, 100]:
    for window in [0, 1, 29, 30, 45, 60, 120, 300]:
        totp = TOTP(key, "raw")
        first, last = max(0, (at - window) // 30 - 3), (at + window) // 30 + 3
        accepted = [
            counter
            for counter in range(first, last + 1)
            if outcome(lambda: totp.match(totp.generate(counter * 30).token, time=at, window=window).counter) == counter
        ]
        windows.append({"at": at, "window": window, "counters": accepted})

codes = []
for options in [{}, {"digits": 8}, {"digits": 10}, {"alg": "sha256"}, {"alg": "sha512", "digits": 8, "period": 60}, {"period": 1}]:
    totp = TOTP(key, "raw", **options)
    for at in [0, 59, NOW, 20_000_000_000]:
        codes.append({"options": options, "at": at, "code": totp.generate(at).token})

tokens = [
    "123456", " 123 456\t", "123-456", "=123456=", "1\u2003234\u0085 56", "\x1c123456\x1f", "12345", "1234567", "", "-", "12345a",
    "+12345", "12345\u0661", "\u00b23456\u00b91", "12345.", "1234\u200b56", "0x1234", 123456, 1, 0, 999999, 1000000,
]  # fmt: skip

labels = [
    ("ana@example.com", ISSUER), ("ana", "Example"), ("Ana B\u00fccher", "Gr\u00fc\u00dfe"), ("a/b?c&d=e#f", "x/y z"),
    ("a+b.c_d~e-f", "100% \"sure\""), ("\U0001f600", "\U0001f511"), ("o'neil*(x)!", "a@b"),
]  # fmt: skip
uris = []
for label, issuer in labels:
    for options in [{}, {"alg": "sha256", "digits": 8, "period": 60}]:
        uris.append({"label": label, "issuer": issuer, "options": options, "uri": TOTP(key, "raw", **options).to_uri(label, issuer)})
pretty = [
    {"key": bytes(range(size)).hex(), "b32key": TOTP(bytes(range(size)), "raw").base32_key, "pretty": TOTP(bytes(range(size)), "raw").pretty_key()}
    for size in range(1, 41)
]

store = UserDatastore.__new__(UserDatastore)
store.put = lambda model: None


def us(column, *steps):
    user = SimpleNamespace(us_totp_secrets=column, us_phone_number=None)
    for method, secret in steps:
        if secret is None:
            store.us_reset(user, method)
        else:
            store.us_set(user, method, secret)
    return {"column": column, "steps": steps, "after": user.us_totp_secrets}


us_secrets = [
    us(None, ("email", current)),
    us("", ("email", current), ("authenticator", older)),
    us(None, ("sms", "a"), ("email", "b"), ("authenticator", "c"), ("email", "d"), ("sms", None)),
    us('{"email":"x"}', ("email", None)),
    us('{"email": "x", "sms": null, "odd": {"a": [1, true]}, "email": "y"}', ("new", "gr\u00fc\u00dfe \U0001f600 \x7f \u2028 \"\\/\n\x01")),
    us("{}", ("a", "b")),
    us(' {"z" :\n"1","a":"2" } ', ("m\u00fc", "3")),
]

keys = [base64.urlsafe_b64encode(hashlib.sha256(name.encode()).digest()).decode() for name in ["first", "second", "third"]]
plain_codes = ["abcd-0123-ef45", "0000-1111-2222", "ffff-eeee-dddd"]


def encrypted(with_keys, text, at=NOW):
    fernet = Fernet(with_keys)
    return fernet._encrypt_from_parts(text.encode(), at, drawn_bytes(None, 16)).decode()


def decrypted(with_keys, token, ttl, at):
    def call():
        fernet = MultiFernet([Fernet(key) for key in with_keys])
        return (fernet.decrypt(token.encode()) if ttl is None else fernet.decrypt_at_time(token.encode(), ttl, at)).decode()

    try:
        return call()
    except InvalidToken:
        return None


fernet = []
by_first, by_second = encrypted(keys[0], plain_codes[0]), encrypted(keys[1], plain_codes[1])
tampered = by_first[:-5] + ("A" if by_first[-5] != "A" else "B") + by_first[-4:]
for with_keys in [keys[:1], keys[:2], keys[1:]]:
    for token in [by_first, by_second, tampered, by_first[:-1], "", "AAAA", plain_codes[0], by_first.replace("-", "+").replace("_", "/")]:
        for ttl, at in [(None, NOW), (60, NOW), (60, NOW + 60), (60, NOW + 61), (60, NOW - 60), (60, NOW - 61), (0, NOW)]:
            fernet.append({"keys": with_keys, "token": token, "ttl": ttl, "at": at, "code": decrypted(with_keys, token, ttl, at)})
iv = drawn_bytes(None, 16)
sealed_codes = [
    {"key": keys[0], "iv": iv.hex(), "at": NOW, "text": text, "token": Fernet(keys[0])._encrypt_from_parts(text.encode(), NOW, iv).decode()}
    for text in [*plain_codes, "", "a", "exactly 16 bytes", "gr\u00fc\u00dfe"]
]
bad_keys = []
for text in [keys[0], keys[0][:-1], keys[0] + "\n", keys[0].replace("_", "/").replace("-", "+"), "", "c2hvcnQ=", "x" * 44, keys[0][:-4]]:
    bad_keys.append({"key": text, "valid": outcome(lambda: Fernet(text)) is not None})
columns = []
for codes_column in [None, [], ["a"], plain_codes, ["a", "", "b"]]:
    bound = AsaList().process_bind_param(codes_column, None)
    columns.append({"codes": codes_column, "column": bound, "read": AsaList().process_result_value(bound, None)})


def timed(salt, value, secret=KEY):
    return URLSafeTimedSerializer(secret, salt=salt).dumps(value)


us_states = [
    {"totp_secret": current, "chosen_method": "email", "phone_number": None},
    {"totp_secret": current, "chosen_method": "sms", "phone_number": "+16505551212"},
]
tf_states = [
    {"totp_secret": current, "method": "authenticator", "phone": None},
    {"totp_secret": current, "method": "sms", "phone": "650 555 1212 gr\u00fc\u00df"},
]
states = {
    "us": [{"state": state, "token": timed("us-setup-salt", state)} for state in us_states],
    "tf": [{"state": state, "token": timed("tf-setup-salt", state)} for state in tf_states],
    "validity": [
        {"uniquifier": uniquifier, "cookie": timed("tf-validity-salt", uniquifier)}
        for uniquifier in ["f52d77f5f7cb4535a10a4c28fa224137", "\u00fc" * 40, "a" * 200]
    ],
}


def default_tag(tags):
    return AppWallet({tag: "x" for tag in tags}).default_tag


tags = []
for names in [["1"], ["1", "2", "10"], ["10", "9"], ["1", "01"], ["01", "1"], ["a", "b", "10"], ["2016-01-01", "2016-05-16"], ["9", "10a"],
              ["99999999999999999999999", "100000000000000000000000"], ["a.b", "a_b", "a-b"], ["A", "a"], [], [""], ["-a"], ["a b"], ["\u0661"], ["a\u00e9"]]:  # fmt: skip
    tags.append({"tags": names, "default": outcome(lambda: default_tag(names))})


def normalised(token):
    return {"token": token, "code": outcome(lambda: TOTP.normalize_token(token))}


# Digits that are not ASCII pass here but match no code.
normal = [normalised(token) for token in tokens]
for case in normal:
    if case["code"] is not None and not case["code"].isascii():
        case["code"] = None

Path(__file__).with_name("totp.json").write_text(
    json.dumps(
        {
            "now": NOW,
            "key": KEY,
            "old": OLD,
            "secrets": SECRETS,
            "totp_key": key.hex(),
            "sources": [parsed(source) for source in sources],
            "sealed": [sealed(), sealed(), sealed(alg="sha256", digits=8, period=60), sealed(alg="sha512", period=15)],
            "tags": tags,
            "windows": windows,
            "codes": codes,
            "normal": normal,
            "uris": uris,
            "pretty": pretty,
            "us_secrets": us_secrets,
            "fernet": fernet,
            "sealed_codes": sealed_codes,
            "fernet_keys": bad_keys,
            "columns": columns,
            "states": states,
        },
        indent=1,
        ensure_ascii=True,
    )
    + "\n"
)
