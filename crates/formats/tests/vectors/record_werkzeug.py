"""Records password hashes made by the real werkzeug, for tests/hash_werkzeug.rs.

    oracle/.venv/bin/python crates/formats/tests/vectors/record_werkzeug.py

writes werkzeug.json beside itself. A "double" hash is one of the input that Flask-Security gives
to its scheme: the HMAC of the password in base64.
"""

import base64
import hashlib
import hmac
import json
import pathlib

from werkzeug.security import check_password_hash, generate_password_hash

SALT = "the salt of the vectors"
METHODS = [
    "scrypt",
    "scrypt:1024:8:2",
    "pbkdf2:sha256:1000",
    "pbkdf2:sha512:1000",
    "pbkdf2:sha1:1000",
    "pbkdf2",
]
PASSWORDS = ["correct horse battery staple", "pass\u00e9 \u20ac \u5bc6\u7801 \U0001f511"]


def double(password):
    digest = hmac.new(SALT.encode(), password.encode(), hashlib.sha512).digest()
    return base64.b64encode(digest).decode()


rows = []
for method in METHODS:
    for password in PASSWORDS if ":" in method else PASSWORDS[:1]:
        for name, secret in (("single", password), ("double", double(password))):
            hashed = generate_password_hash(secret, method=method)
            assert check_password_hash(hashed, secret)
            rows.append({"password": password, "form": name, "hash": hashed})
found = {"salt": SALT, "hashes": rows}
path = pathlib.Path(__file__).with_name("werkzeug.json")
path.write_text(json.dumps(found, indent=1, ensure_ascii=True) + "\n")
