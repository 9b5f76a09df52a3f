"""Writes w3c.json: the test vectors of Web Authentication Level 3, section 16.

Usage: record_w3c.py index.bs > w3c.json, with the specification's source from
https://github.com/w3c/webauthn.
"""

import json
import re
import sys

source = open(sys.argv[1], encoding="utf-8").read()
start = source.index("{#sctn-test-vectors-attestation-root-cert}")
sections = re.split(r"^## .* ## \{#sctn-test-vectors-", source[start - 100 :], flags=re.M)
vectors = {"root": "", "ceremonies": []}
for section in sections[1:]:
    name = section[: section.index("}")]
    values = [
        dict(re.findall(r"^(\w+) = h'([0-9a-f]+)'", block, flags=re.M))
        for block in re.findall(r"<xmp.*?>(.*?)</xmp>", section, flags=re.S)
    ]
    if name == "attestation-root-cert":
        vectors["root"] = values[0]["attestation_ca_cert"]
        continue
    if len(values) < 2 or "attestationObject" not in values[0]:
        continue
    kept = ["challenge", "clientDataJSON", "attestationObject", "credential_id"]
    signed = ["challenge", "clientDataJSON", "authenticatorData", "signature"]
    vectors["ceremonies"].append(
        {
            "name": name,
            "registration": {key: values[0][key] for key in kept},
            "authentication": {key: values[1][key] for key in signed},
        }
    )
json.dump(vectors, sys.stdout, indent=1)
print()
