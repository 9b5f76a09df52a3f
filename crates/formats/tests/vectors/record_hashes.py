"""Records password hashes made by the real Flask-Security, for tests/hash_vectors.rs.

    oracle/.venv/bin/python crates/formats/tests/vectors/record_hashes.py

writes hashes.json beside itself. Every run draws new salts and writes different hashes; the
tests pass with any of them. Costs are low where they do not matter, which keeps the tests fast.
"""

import json
import pathlib

from flask import Flask
from flask_security import Security, UserDatastore, hash_password, verify_password
from flask_security.utils import _pwd_context

SALT = "the salt of the vectors"

PASSWORDS = [
    "correct horse battery staple",
    "p",
    "pass\u00e9 \u20ac \u5bc6\u7801 \U0001f511",
    "seventy-two bytes are what bcrypt looks at, so this one is longer: 0123456789abcdef",
]

# The scheme, and its options in SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS.
KINDS = [
    ("argon2", {}),
    ("argon2", {"memory_cost": 1024, "time_cost": 1, "parallelism": 1}),
    ("argon2", {"memory_cost": 777, "time_cost": 2, "parallelism": 3, "type": "I"}),
    ("argon2", {"memory_cost": 512, "time_cost": 3, "parallelism": 2, "type": "D"}),
    ("argon2", {"memory_cost": 512, "hash_len": 64, "salt_len": 32}),
    ("argon2", {"memory_cost": 512, "hash_len": 16, "salt_len": 8}),
    ("bcrypt", {"rounds": 4}),
    ("bcrypt", {"rounds": 5, "ident": "2a"}),
    ("bcrypt", {"rounds": 4, "ident": "2y"}),
    ("pbkdf2_sha256", {"rounds": 1000}),
    ("pbkdf2_sha256", {"rounds": 1, "salt_size": 5}),
    ("pbkdf2_sha512", {"rounds": 1000}),
    ("scrypt", {"rounds": 4}),
    ("scrypt", {"rounds": 5, "block_size": 3, "parallelism": 2}),
    ("sha256_crypt", {"rounds": 1000}),
    ("sha256_crypt", {"rounds": 5000}),
    ("sha512_crypt", {"rounds": 1001}),
    ("sha512_crypt", {"rounds": 5000, "salt_size": 3}),
    ("django_pbkdf2_sha256", {"rounds": 1000}),
    ("django_pbkdf2_sha1", {"rounds": 1000}),
    ("django_bcrypt", {"rounds": 4}),
    ("django_bcrypt_sha256", {"rounds": 4}),
    ("django_argon2", {"memory_cost": 512}),
    ("django_salted_sha1", {}),
    ("django_salted_md5", {}),
]


class NoStore(UserDatastore):
    """Never used: this script looks up no user."""

    def __init__(self):
        pass


def application(scheme, options, single_hash, deprecated=("auto",)):
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY="nothing is signed here",
        SECURITY_PASSWORD_SALT=SALT,
        SECURITY_PASSWORD_HASH=scheme,
        SECURITY_PASSWORD_SCHEMES=sorted({kind for kind, _ in KINDS}) + ["plaintext"],
        SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS={
            name if "__" in name else f"{scheme}__{name}": value for name, value in options.items()
        },
        SECURITY_DEPRECATED_PASSWORD_SCHEMES=list(deprecated),
    )
    if single_hash is not None:
        app.config["SECURITY_PASSWORD_SINGLE_HASH"] = single_hash
    Security(app, NoStore(), register_blueprint=False)
    return app


def record():
    rows = []
    for scheme, options in KINDS:
        # Django's hashes are single in either configuration.
        for single_hash in (True,) if scheme.startswith("django") else (None, True):
            with application(scheme, options, single_hash).app_context():
                for password in PASSWORDS:
                    # bcrypt 5 accepts at most 72 bytes. Only the scheme "bcrypt" itself truncates
                    # longer passwords, and only when it hashes, not when it verifies.
                    too_long = single_hash and len(password.encode()) > 72
                    if scheme == "django_bcrypt" and too_long:
                        continue
                    stored = hash_password(password)
                    if not (scheme == "bcrypt" and too_long):
                        assert verify_password(password, stored)
                    rows.append(
                        {
                            "scheme": scheme,
                            "single": bool(single_hash),
                            "password": password,
                            "hash": stored,
                        }
                    )
                    if scheme == "argon2" and not options:
                        break
    return rows


def upgrades():
    """Records which stored hashes the reference upgrades, for several settings."""
    stored = {}
    for options in (
        {},
        {"memory_cost": 1024},
        {"time_cost": 2},
        {"time_cost": 4},
        {"parallelism": 1},
        {"type": "I"},
        {"hash_len": 16},
        {"salt_len": 8},
    ):
        with application("argon2", options, True).app_context():
            stored[json.dumps(options)] = hash_password("x")
    rows = []
    for configured in ({}, {"memory_cost": 1024}, {"time_cost": 3}, {"type": "I"}):
        with application("argon2", configured, True).app_context():
            for made_with, hashed in stored.items():
                rows.append(
                    {
                        "configured": configured,
                        "made_with": json.loads(made_with),
                        "hash": hashed,
                        "upgrade": _pwd_context.needs_update(hashed),
                    }
                )
    return rows


def deprecations(hashes):
    """Records which stored hashes the reference upgrades, for several lists of deprecated schemes:
    y or n for each hash."""
    rows = []
    for scheme, options, deprecated in (
        ("argon2", {}, ["auto"]),
        ("argon2", {}, []),
        ("argon2", {}, ["bcrypt", "django_salted_md5"]),
        ("argon2", {"bcrypt__rounds": 5}, ["pbkdf2_sha256", "django_pbkdf2_sha256"]),
        ("argon2", {"scrypt__rounds": 5}, ["sha256_crypt", "sha512_crypt"]),
        ("bcrypt", {"rounds": 4}, ["argon2"]),
        ("bcrypt", {"rounds": 5}, ["scrypt"]),
    ):
        with application(scheme, options, True, deprecated).app_context():
            found = "".join("ny"[_pwd_context.needs_update(row["hash"])] for row in hashes)
            rows.append(
                {"scheme": scheme, "options": options, "deprecated": deprecated, "upgrades": found}
            )
    return rows


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("hashes.json")
    hashes = record()
    found = {"salt": SALT, "hashes": hashes, "upgrades": upgrades(), "deprecations": deprecations(hashes)}
    path.write_text(json.dumps(found, indent=1, ensure_ascii=True) + "\n")
