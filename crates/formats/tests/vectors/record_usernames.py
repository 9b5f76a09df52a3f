"""Records how Flask-Security validates and normalises usernames, for tests/text_username.rs.

    oracle/.venv/bin/python crates/formats/tests/vectors/record_usernames.py

writes usernames.json beside itself: for each set of rules the name, the result
(ok, unallowed, illegal, length) and its normal form.
"""

import json
import pathlib

from flask_security.utils import input_svn

NAMES = [
    "mareike", "Mareike7", " padded ", "\tpadded\n", "\x1cpadded\x1f", "\u2003padded\u3000", "abc", "abcd",
    "x" * 32, "x" * 33, "with space", "a@b.example", "under_score", "dash-ed", "dot.ted", "<b>bold</b>",
    "<script>", "a<b", "a>b", "a&b", "a&amp;b", "a&lt;b&gt;", "a&nbsp;b", "a&amp", "a&copy;b", "a&AMP;b",
    "&amp;lt;x", "quo\"ted", "quo'ted", "semi;colon", "a\0bcd", "a\rbcd", "a\nbcd", "a\u00a0bcd", "\ufeffabcd",
    "abcd\ufeff", "a\u200bbcd", "a\u202ebcd", "", " ", "\u00e9t\u00e9s", "\u0433\u043e\u0433\u043e\u043b\u044c",
    "\u5bc6\u7801\u5bc6\u7801", "\uac00\uac01\uac02\uac03", "\ufb01sch", "\uff4d\uff41\uff52\uff4b",
    "x\u00b2y\u00b3", "\u2167\u2167\u2167\u2167", "\u0661\u0662\u0663\u0664", "stra\u00dfe", "\u0130stanbul",
    "\U0001f600\U0001f600\U0001f600\U0001f600", "\u20ac\u20ac\u20ac\u20ac", "a\u00adbcd", "\U0001d504\U0001d505abc",
    "\u1e9b\u1e9b\u1e9b\u1e9b", "e" * 16 + "\u00e9" * 9, "\u00e9" * 16, "\u00e9" * 17, "<" * 1000, "&amp;" * 6,
]

RULES = [
    {"categories": ["L", "N"], "form": "NFKD"},
    {"categories": ["L", "N"], "form": "NFC"},
    {"categories": ["L", "N", "Pd", "Pc", "Zs"], "form": None},
    {"categories": None, "form": "NFKC"},
]


def judge(name, categories, form):
    reason, clean = input_svn(name, categories, form)
    if clean is not None and not 4 <= len(clean) <= 32:
        return "length", None
    return reason, clean


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("usernames.json")
    found = [
        {**rules, "names": [[name, *judge(name, **rules)] for name in NAMES]} for rules in RULES
    ]
    rows = []
    for row in found:
        names = ",\n".join("  " + json.dumps(name) for name in row["names"])
        rows.append(
            f'{{"categories": {json.dumps(row["categories"])}, "form": {json.dumps(row["form"])},'
            f' "names": [\n{names}\n]}}'
        )
    path.write_text("[" + ",\n".join(rows) + "]\n")
