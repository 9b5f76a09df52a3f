"""Writes py_webauthn.json: what py_webauthn's own tests verify, with its verdicts.

Usage: record_py_webauthn.py <source of webauthn 3.0.1> > py_webauthn.json, in an environment with webauthn
3.0.1. The source has a package `tests`, with `tests/helpers` from https://github.com/duo-labs/py_webauthn.
Runs the library's tests, and records each call of the two verifying functions with a
response as JSON.
"""

import base64
import contextlib
import io
import json
import sys
import time
import unittest

import OpenSSL.crypto
import webauthn
from webauthn.helpers import base64url_to_bytes
from webauthn.helpers.structs import RegistrationCredential, AuthenticationCredential

source = sys.argv[1]
sys.path.insert(0, source)
records = []
store_time = [None]


def text(value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.urlsafe_b64encode(bytes(value)).rstrip(b"=").decode()
    return value


def as_json(credential):
    """The response as a browser sends it. None for a class that is not the library's own."""
    if isinstance(credential, dict):
        return json.dumps(credential)
    if isinstance(credential, str):
        return credential
    response = credential.response
    members = {"clientDataJSON": text(response.client_data_json)}
    if isinstance(credential, RegistrationCredential):
        members["attestationObject"] = text(response.attestation_object)
    else:
        members["authenticatorData"] = text(response.authenticator_data)
        members["signature"] = text(response.signature)
    return json.dumps(
        {"id": credential.id, "rawId": text(credential.raw_id), "type": credential.type, "response": members}
    )


def recorder(kind, original):
    def call(**arguments):
        if not arguments.get("require_user_presence", True):
            # The test replaces parts of the library.
            return original(**arguments)
        record = {
            "kind": kind,
            "response": as_json(arguments["credential"]),
            "challenge": text(arguments["expected_challenge"]),
            "rp_id": arguments["expected_rp_id"],
            "origins": arguments["expected_origin"],
            "require_user_verification": arguments.get("require_user_verification", False),
        }
        if isinstance(record["origins"], str):
            record["origins"] = [record["origins"]]
        if kind == "registration":
            roots = arguments.get("pem_root_certs_bytes_by_fmt") or {}
            record["roots"] = [
                text(OpenSSL.crypto.dump_certificate(
                    OpenSSL.crypto.FILETYPE_ASN1,
                    OpenSSL.crypto.load_certificate(OpenSSL.crypto.FILETYPE_PEM, pem),
                ))
                for listed in roots.values()
                for pem in listed
            ]
            algorithms = arguments.get("supported_pub_key_algs")
            record["algorithms"] = algorithms and [int(alg) for alg in algorithms]
        else:
            record["public_key"] = text(arguments["credential_public_key"])
            record["sign_count"] = arguments["credential_current_sign_count"]
        try:
            verified = original(**arguments)
        except Exception as error:
            record["error"] = f"{type(error).__name__}: {error}"
            raise
        else:
            record["verified"] = {
                name: text(getattr(verified, name))
                for name in (
                    "credential_id", "credential_public_key", "sign_count", "new_sign_count", "aaguid",
                    "fmt", "user_verified", "credential_device_type", "credential_backed_up",
                )
                if hasattr(verified, name)
            }
            return verified
        finally:
            record["now"] = store_time[0] or int(time.time())
            store_time[0] = None
            if record not in records:
                records.append(record)

    return call


set_time = OpenSSL.crypto.X509Store.set_time


def recording_set_time(store, moment):
    store_time[0] = int(moment.timestamp())
    return set_time(store, moment)


OpenSSL.crypto.X509Store.set_time = recording_set_time
import webauthn.registration.verify_registration_response as registration
import webauthn.authentication.verify_authentication_response as authentication

for module, kind in ((registration, "registration"), (authentication, "authentication")):
    name = f"verify_{kind}_response"
    patched = recorder(kind, getattr(module, name))
    setattr(module, name, patched)
    setattr(webauthn, name, patched)

output = io.StringIO()
with contextlib.redirect_stdout(output):
    tests = unittest.TestLoader().discover(f"{source}/tests", top_level_dir=source)
    unittest.TextTestRunner(stream=output).run(tests)
print(output.getvalue()[-200:], file=sys.stderr)
for record in records:
    record["now"] = min(record["now"], 1_790_000_000)
json.dump(records, sys.stdout, indent=1)
print()
