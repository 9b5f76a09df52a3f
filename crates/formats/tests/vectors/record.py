"""Records the tokens and cookies that the Python libraries make of fixed inputs at a fixed time.

Run with the reference's environment:  oracle/.venv/bin/python crates/formats/tests/vectors/record.py
Writes artefacts.json beside this file. The Rust tests open all of it.
"""

import datetime
import hashlib
import json
import uuid
from pathlib import Path

import itsdangerous
from flask import Flask, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager
from flask_login.utils import _create_identifier, encode_cookie
from itsdangerous import URLSafeSerializer, URLSafeTimedSerializer
from markupsafe import Markup
from passlib.context import CryptContext

NOW = 1_800_000_000
KEY, OLD, OTHER = "the present key, 0123456789", "the key before it, 9876543210", "somebody else's key, 000000"
SALTS = {
    "Confirm": "confirm-salt",
    "Reset": "reset-salt",
    "Login": "login-salt",
    "ChangeEmail": "change-email-salt",
    "AuthToken": "remember-salt",
    "UnifiedSetup": "us-setup-salt",
    "TwoFactorSetup": "tf-setup-salt",
    "TwoFactorValidity": "tf-validity-salt",
    "WebAuthn": "wan-salt",
}

itsdangerous.timed.TimestampSigner.get_timestamp = lambda self: NOW


def app(fallbacks=None):
    made = Flask("vectors")
    made.secret_key = KEY
    made.config["SECRET_KEY_FALLBACKS"] = fallbacks
    LoginManager(made)
    return made


def cookie(values, fallbacks=None):
    return SecureCookieSessionInterface().get_signing_serializer(app(fallbacks)).dumps(values)


def signed_with(key, values):
    made = app()
    made.secret_key = key
    return SecureCookieSessionInterface().get_signing_serializer(made).dumps(values)


FOREIGN = {
    "tuple": (1, "two", (3,)),
    "bytes": b"\x00\xff",
    "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
    "moment": datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc),
    "markup": Markup("<b>bold</b>"),
    "like a tag": {" t": [1]},
    "big": 2**80,
    "float": 0.1 + 0.2,
    "text": "gr\u00fc\u00df dich \U0001f600 \u2028 \"quoted\" \\ /",
    "nested": {"list": [None, True, {"deep": [1, 2]}]},
}
USER = {
    "_user_id": "f52d77f5f7cb4535a10a4c28fa224137",
    "_fresh": True,
    "_id": "ab" * 64,
    "csrf_token": "c" * 40,
    "fs_cc": "sent",
    "fs_paa": 1799999999.123456,
}

sessions = [
    {"name": "empty", "cookie": cookie({}), "values": {}},
    {"name": "short", "cookie": cookie({"fs_cc": "set"}), "values": {"fs_cc": "set"}},
    {"name": "compressed", "cookie": cookie(USER), "values": USER},
    {"name": "permanent", "cookie": cookie({"_permanent": True}), "values": {"_permanent": True}},
    {"name": "with a fallback", "cookie": cookie(USER, [OLD]), "values": USER},
    {"name": "signed with the old key", "cookie": signed_with(OLD, USER), "values": USER},
]

identifiers = []
for address, forwarded, agent in [
    ("127.0.0.1", None, "curl/8.0"),
    ("127.0.0.1", None, None),
    ("::1", None, "Mozilla/5.0 (X11) 'quoted'"),
    ("10.0.0.1", "1.2.3.4, 5.6.7.8", "both ' and \" and \\ and \ttab"),
    ("10.0.0.1", " spaced ,x", "gr\u00fc\u00df"),
    ("10.0.0.1", "", ""),
]:
    headers = {}
    if forwarded is not None:
        headers["X-Forwarded-For"] = forwarded
    if agent is not None:
        headers["User-Agent"] = agent
    with app().test_request_context("/", headers=headers, environ_base={"REMOTE_ADDR": address}) as context:
        if agent is None:
            context.request.environ.pop("HTTP_USER_AGENT", None)
        identifiers.append(
            {
                "address": address,
                "forwarded": forwarded,
                "agent": None if agent is None else list(agent.encode("latin-1")),
                "identifier": _create_identifier(),
            }
        )

remember = []
for key in [KEY, "caf\u00e9 as a key, 0123456789"]:
    for user in ["f52d77f5f7cb4535a10a4c28fa224137", "with|bar", "\u00fcser"]:
        remember.append({"key": key, "user": user, "cookie": encode_cookie(user, key=key)})


def timed(salt, value, key=KEY):
    return URLSafeTimedSerializer(key, salt=salt).dumps(value)


raw = hashlib.sha1(b"csrf").hexdigest()
auth = {
    "version 5": {"ver": "5", "uid": "u" * 32, "fs_paa": 1799999999.5, "exp": 0},
    "version 5, with an end": {"ver": "5", "uid": "u" * 32, "fs_paa": 1799999999.5, "exp": NOW + 60},
    "version 5, ended": {"ver": "5", "uid": "u" * 32, "fs_paa": 1799999999.5, "exp": NOW - 1},
    "version 4": ["u" * 32],
    "version 3": ["1", "hash", "u" * 32],
}


def context(**options):
    return CryptContext(schemes=["argon2"], **options)


hashes = []
for password, options in [
    ("battery staple", {}),
    ("battery staple", {"argon2__memory_cost": 64, "argon2__time_cost": 1, "argon2__parallelism": 1}),
    ("gr\u00fc\u00df", {"argon2__memory_cost": 128, "argon2__time_cost": 2, "argon2__parallelism": 2}),
    ("", {"argon2__memory_cost": 64, "argon2__time_cost": 1, "argon2__parallelism": 1, "argon2__type": "I"}),
    ("x" * 300, {"argon2__memory_cost": 64, "argon2__time_cost": 1, "argon2__parallelism": 1, "argon2__type": "D"}),
]:
    hashes.append({"password": password, "hash": context(**options).hash(password)})

small = {"argon2__memory_cost": 64, "argon2__time_cost": 2, "argon2__parallelism": 2}
upgrades = []
for change in [
    {},
    {"argon2__memory_cost": 128},
    {"argon2__memory_cost": 32},
    {"argon2__parallelism": 1},
    {"argon2__type": "I"},
]:
    made = context(**{**small, **change}).hash("x")
    upgrades.append({"hash": made, "needs": context(**small).needs_update(made)})

Path(__file__).with_name("artefacts.json").write_text(
    json.dumps(
        {
            "now": NOW,
            "key": KEY,
            "old": OLD,
            "other": OTHER,
            "sessions": sessions,
            "foreign": {"cookie": cookie(FOREIGN), "names": sorted(FOREIGN)},
            "identifiers": identifiers,
            "remember": remember,
            "csrf": {"raw": raw, "token": timed("wtf-csrf-token", raw)},
            "auth": {name: timed("remember-salt", value) for name, value in auth.items()},
            "links": {
                purpose: timed(salt, ["f52d77f5f7cb4535a10a4c28fa224137", "$5$rounds=1000$salt$digest"])
                for purpose, salt in SALTS.items()
            },
            "refresh": URLSafeSerializer(KEY, salt="refresh-token-salt").dumps({"family": "f" * 32, "gen": 1}),
            "hashes": hashes,
            "upgrades": upgrades,
        },
        indent=1,
        ensure_ascii=True,
    )
    + "\n"
)
