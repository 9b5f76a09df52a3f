"""Records how Python's email_validator normalises addresses, for tests/text_email.rs.

    oracle/.venv/bin/python crates/formats/tests/vectors/record_emails.py

writes emails.json beside itself: for each set of options, pairs of an address and its normal
form, or null if it is refused.
"""

import json
import pathlib
import unicodedata

from email_validator import EmailNotValidError, validate_email

LOCAL_PARTS = [
    "ana", "Ana", "ANA", "a", "a.b", "a.b.c", "a+b", "a-b", "-a", "a-", "_a_", "a_b", "1", "1.2",
    "!#$%&'*+-/=?^_`{|}~", "a/b", "a=b", "a'b", "{a}", "info", "Info", "INFO", "PostMaster",
    "abuse", "ABUSE", "www", "WwW", "info+tag", "INFO.x", "webmaster", "Security", "noreply",
    "", ".", "..", ".a", "a.", "a..b", "a b", " a", "a ", "a\tb", "a\nb", "\"a\"", "\"a b\"",
    "\"a@b\"", "\"\"", "a\"b", "\"a", "a\"", "\\a", "a\\@b", "a,b", "a;b", "a:b", "a<b", "a>b",
    "a(b", "a)b", "(c)a", "a(c)", "a[b", "a]b", "a\0b", "\x7f", "a\x1fb", "mailto:a", "a@b", "@",
    "@a", "a@", "<a", "a>", "Ana <ana", "\u00e9", "E\u0301", "e\u0301", "\u0301", "\u0301a", "a\u0301",
    "jos\u00e9", "JOS\u00c9", "stra\u00dfe", "\u5bc6\u7801", "\u3042", "\u0430\u043d\u0430", "\u05d0\u05d1",
    "\u0639\u0644\u064a", "\u0915\u094d\u0937", "\U0001f600", "a\u200bb", "a\u200db", "a\u00a0b",
    "a\u2028b", "a\u202eb", "a\ufeffb", "\ufeffa", "a\u00adb", "\ue000", "\u0378", "\ufffd", "\uff41",
    "\uff0e", "a\uff0eb", "\uff20", "\ufb01", "\u2460", "\u037e", "a\u037eb", "\u1fef", "\u212a",
    "\u212b", "\u0958", "\u1e9b\u0323", "in\ufb01o", "\u0131nfo", "\u017fales", "\uac00", "\u1100\u1161",
    "x" * 63, "x" * 64, "x" * 65, "x" * 241, "x" * 242, "x" * 243, "\u00e9" * 121, "\u00e9" * 122,
    "e\u0301" * 80, "e\u0301" * 81,
]

DOMAINS = [
    "example.com", "Example.COM", "EXAMPLE.ORG", "a.b.c.example.net", "example.co.uk", "x.y",
    "a-b.example", "a--b.example", "ab--c.example", "abc--d.example", "1.example", "1a.example",
    "example.1", "example.1a", "example.a1", "127.0.0.1", "[127.0.0.1]", "[IPv6:::1]", "[ipv6:::1]",
    "[]", "[x]", "::1", "example", "com", "localhost", "a.localhost", "localhost.example", "local",
    "a.local", "mail.local.example", "test", "a.test", "test.example", "a.test.example", "invalid",
    "a.invalid", "Invalid.example", "onion", "a.onion", "arpa", "a.in-addr.arpa", "arpa.example",
    "a.example", "a.TEST", "xtest", "a.xtest", "a.mytest", "a.alt", "a.internal", "a.home.arpa",
    "", ".", "..", ".example.com", "example.com.", "example..com", "-a.example", "a-.example",
    "a.-example", "a.example-", "-.example", "a_b.example", "_dmarc.example.com", "a b.example",
    " example.com", "example.com ", "example.com\n", "example.com\r\nBcc:x@y.z", "exam\tple.com",
    "exa\0mple.com", "exa%6dple.com", "example.com,b@c.example", "example.com;b@c.example",
    "example.com>", "<example.com", "example.com(c)", "example.com:25", "example.com/x", "b@c.example",
    "@example.com", "user:pw@example.com", "exam!ple.com", "exam'ple.com", "exam\"ple.com",
    "\u00fcber.example", "M\u00dcNCHEN.example", "mu\u0308nchen.example", "xn--mnchen-3ya.example",
    "XN--MNCHEN-3YA.example", "Xn--Mnchen-3Ya.Example", "xn--mnchen-3ya.xn--p1ai", "stra\u00dfe.example",
    "STRASSE.example", "xn--strae-oqa.example", "fa\u00df.xn--fa-hia.example", "\u03c2.example",
    "\u03a3\u03a3.example", "xn--3xa.example", "xn--4xa.example", "\u043f\u0440\u0438\u043c\u0435\u0440.\u0440\u0444",
    "\u4f8b\u5b50.\u4e2d\u56fd", "\u4f8b\u3048.jp", "example\u3002com", "example\uff0ecom", "example\uff61com",
    "\uff45\uff58\uff41\uff4d\uff50\uff4c\uff45.com", "exam\u200bple.com", "exam\u00adple.com", "exam\u200cple.com",
    "exam\u200dple.com", "exa\u2060mple.com", "\u2488example.com", "\u2024.example", "a\u2026b.example",
    "a\ufe52b.example", "\u2460.example", "\u2603.example", "xn--n3h.example", "\U0001f600.example",
    "xn--e28h.example", "\u1fef.example", "a\u0301.example", "\u0301a.example", "a.\u0301b.example",
    "xn--a-ecp.example", "xn--.example", "xn---.example", "xn--a.example", "xn--abc.example",
    "xn--999999999.example", "xn--zzzzzzzzzzzz.example", "xn--mnchen-3yb.example", "xn--a-0.example",
    "xn--11b4c3d.example", "xn--bcher-kva.xn--bcher-kvb", "xn--xn---epa.example", "xn--xn--a-gua.example",
    "axn--b.example", "\u05d0\u05d1.example", "\u05d0b.example", "b\u05d0.example", "1.\u05d0.example",
    "\u05d01.example", "1\u05d0.example", "1.xn--4dbc.com", "xn--4dbc.1.com", "\u05d0-.example",
    "\u0661\u0662.example", "\u0627\u0661.example", "\u0627\u0661\u06f1.example", "\u06f1\u06f2.example",
    "l\u00b7l.example", "a\u00b7b.example", "\u00b7.example", "\u0375\u03b1.example", "\u0375a.example",
    "\u05d0\u05f3.example", "a\u05f3.example", "\u30a2\u30fb\u30a2.example", "a\u30fbb.example",
    "\u4e2d\u30fb\u4e2d.example", "\u0915\u094d\u200d\u0937.example", "xn--11b1ab94g.example",
    "\u0640.example", "\u302e.example", "\u3007.example", "\u06fd.example", "\u0f0b.example", "\u1100.example",
    "\uac00.example", "\u1100\u1161.example", "\u3164.example", "\u115f.example", "\u034f.example",
    "a\ufe0f.example", "\u20ac.example", "\u2070.example", "\u00aa.example", "\u00bd.example", "\u2f00.example",
    "\u1d2c.example", "\u212a.example", "\u0130.example", "i\u0307.example", "\u0131.example", "\u1e9e.example",
    "\ufb01.example", "\u00e6.example", "\U00010400.example", "\u13a0.example", "\uab70.example", "\u10a0.example",
    "\u1c90.example", "\u0378.example", "\ue000.example", "\ud7b0.example", "\ua960.example", "\u0e33.example",
    "\u0f43.example", "\u2126.example", "\u0344.example", "\u1fd3.example", "-\u00fc.example", "\u00fc-.example",
    "\u00fc\u00fc--a.example", "a\u00fc--b.example", "\u00fc.-example", "\u00fc..example", "\u00fc.example.",
    "\u00fc.test", "\u00fc.localhost", "a.\uff54\uff45\uff53\uff54", "\u00fc", "xn--tda", "a.xn--tda",
    "a." + "b" * 63, "a" * 63 + ".example", "a" * 64 + ".example", "\u00fc" * 40 + ".example",
    "\u00fc" * 57 + ".example", "\u00fc" * 58 + ".example", ("a" * 49 + ".") * 4 + "example",
    ("a" * 49 + ".") * 5 + "com", ("a" * 60 + ".") * 4 + "example", "a" * 300 + ".example", "\u00fc" * 300,
]

WHOLE = [
    "", "a", "@", "a@", "@a.example", "ana", "ana.example.com", "ana@@example.com", "ana@b@example.com",
    "<ana@example.com>", "Ana <ana@example.com>", "\"Ana\" <ana@example.com>", "ana@example.com <ana@example.com>",
    "ana\uff20example.com", "ana\ufe6bexample.com", "ana@example.com, b@example.com", "ana@example.com;b@example.com",
    "ana@example.com b@example.com", "\"ana@evil.example\"@example.com", "ana@\u0338example.com",
    "ana@<example.com>", "mailto:ana@example.com", "ana@example.com?x=y", "ana@example.com#x", "ana%b@example.com",
    "b!ana@example.com", "ana@example.com\0", "\0ana@example.com", "ana@exam\ufffdple.com", "=?utf-8?q?a?=@example.com",
    "a" * 5000, "@" * 500, "a@" + "b." * 200 + "example", "x" * 64 + "@" + "y" * 63 + "." + "z" * 63 + "." + "w" * 59 + ".de",
    "x" * 64 + "@" + "y" * 63 + "." + "z" * 63 + "." + "w" * 58 + ".de",
    "x" * 180 + "@" + "\u00fc" * 30 + ".example", "x" * 190 + "@" + "\u00fc" * 30 + ".example",
    "\u00e9" * 100 + "@" + "\u00fc" * 18 + ".example", "\u00e9" * 100 + "@" + "\u00fc" * 19 + ".example",
]


def code_points():
    """Samples of the categories: the first and a middle character of every fourth run of one.

    For characters newer than Unicode 13, the results depend on the versions of the programs' tables.
    """
    runs, last = [], None
    for number in range(0x80, 0x30000):
        if 0xD800 <= number < 0xE000:
            continue
        category = unicodedata.category(chr(number))
        if category != last:
            runs.append([number, number])
            last = category
        runs[-1][1] = number
    for index, (first, end) in enumerate(runs):
        if unicodedata.category(chr(first)) != "Cn" and index % 4 == 0:
            yield chr(first)
            yield chr((first + end) // 2)


OPTIONS = [
    {},
    {"allow_smtputf8": False},
    {"test_environment": True},
    {"globally_deliverable": False},
    {"strict": True},
]


def judge(address, options):
    try:
        return validate_email(address, check_deliverability=False, **options).normalized
    except EmailNotValidError:
        return None


def record():
    addresses = [f"{local}@example.com" for local in LOCAL_PARTS]
    addresses += [f"ana@{domain}" for domain in DOMAINS] + WHOLE
    letters = list(code_points())
    rows = []
    for options in OPTIONS:
        found = addresses
        if not options:
            found = addresses + [f"a{c}b@example.com" for c in letters[::3]]
            found += [f"ana@{c}.example" for c in letters]
        # Record only what the options change.
        pairs = [
            [address, judge(address, options)]
            for address in dict.fromkeys(found)
            if not options or judge(address, options) != judge(address, {})
        ]
        rows.append({"options": options, "addresses": pairs})
    return rows


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("emails.json")
    lines = []
    for row in record():
        pairs = ",\n".join("  " + json.dumps(pair) for pair in row["addresses"])
        lines.append(f'{{"options": {json.dumps(row["options"])}, "addresses": [\n{pairs}\n]}}')
    path.write_text("[" + ",\n".join(lines) + "]\n")
