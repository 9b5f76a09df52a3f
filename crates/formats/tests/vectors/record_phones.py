"""Records how Python's phonenumbers normalises phone numbers, for tests/text_phone.rs.

    oracle/.venv/bin/python crates/formats/tests/vectors/record_phones.py

writes phones.json beside itself: a text, the region that it is read in (or null), and the
number in E.164, or null if the text contains no valid number. After an update of phonenumbers, run
crates/formats/src/text/phone/record.py too.
"""

import json
import pathlib

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumberFormat

# Valid and invalid texts as users type them.
WRITTEN = [
    ("(650) 253-0000", "US"), ("650-253-0000", "US"), ("650.253.0000", "US"), ("6502530000", "US"),
    ("1 650 253 0000", "US"), ("+1 (650) 253-0000", "US"), ("+1 (650) 253-0000", None), ("650 253 0000", None),
    ("001 650 253 0000", "DE"), ("011 44 20 7946 0958", "US"), ("020 7946 0958", "GB"), ("+44 (0)20 7946 0958", "US"),
    ("0044 20 7946 0958", "FR"), ("44 20 7946 0958", "GB"), ("7946 0958", "GB"), ("07400 123456", "GB"),
    ("030 123456", "DE"), ("+49 30 123456", "US"), ("49 30 123456", "DE"), ("0171 1234567", "DE"),
    ("01 23 45 67 89", "FR"), ("+33 1 23 45 67 89", "US"), ("+33 (0)1 23 45 67 89", "US"),
    ("06 1234 5678", "IT"), ("+39 06 1234 5678", "US"), ("312 345 6789", "IT"), ("+39 06698 12345", "IT"),
    ("0011 15 2345-6789", "AR"), ("011 15 2345-6789", "AR"), ("+54 9 11 2345 6789", "US"),
    ("(11) 96123-4567", "BR"), ("0 15 11 96123-4567", "BR"), ("+52 1 222 123 4567", "MX"), ("222 123 4567", "MX"),
    ("8 (912) 345-67-89", "RU"), ("+7 912 345 67 89", "US"), ("8~10 1 650 253 0000", "RU"), ("+7 710 009 9998", "RU"),
    ("090-1234-5678", "JP"), ("+81 90 1234 5678", "US"), ("010-2000-0000", "KR"), ("131 2345 6789", "CN"),
    ("081234 56789", "IN"), ("+91 1860 345 1234", "US"), ("0412 345 678", "AU"), ("0491 570 156", "CX"),
    ("021 123 4567", "NZ"), ("0549 886377", "SM"), ("886377", "SM"), ("+385 1 2345 678", "US"), ("044 668 18 00", "CH"),
    ("0664 123456", "AT"), ("+358 41 2345678", "US"), ("041 2345678", "AX"), ("406 12 345", "NO"), ("79 12 34 56", "SJ"),
    ("050 123 4567", "AE"), ("052-234-5678", "IL"), ("071 123 4567", "ZA"), ("0712 123456", "KE"), ("04 1234 5678", "CI"),
    ("+870 773 111 632", "US"), ("+800 1234 5678", "US"), ("+883 5100 12345678", None), ("+882 16 12345678", None),
    # Letters, digits of other scripts, unusual spaces and signs.
    ("1-800-FLOWERS", "US"), ("1-800-MICROSOFT", "US"), ("650 253 00OO", "US"), ("1\uff18\uff10\uff10-FLOWERS", "US"),
    ("\uff0b\uff11\uff16\uff15\uff10\uff12\uff15\uff13\uff10\uff10\uff10\uff10", None), ("++1 650 253 0000", None),
    ("\u0660\u0662\u0660\u0667\u0669\u0664\u0666\u0660\u0669\u0665\u0668", "GB"), ("+\u0967 650 253 0000", None),
    ("650\u00a0253\u20110000", "US"), ("\u200b650\u200b253\u200b0000", "US"), ("\U0001d7ec20 7946 0958", "GB"),
    ("\u00b2650 253 0000", "US"), ("650\t253\t0000", "US"), ("650 253 0000\n", "US"), ("65\u01312530000", "US"),
    # Text around the number.
    ("Tel: 650 253 0000", "US"), ("call 650 253 0000 now", "US"), ("650 253 0000.", "US"), ("(650 253 0000)", "US"),
    ("650 253 0000 x123", "US"), ("650 253 0000 ext. 123", "US"), ("650 253 0000 extensi\u00f3n 123", "US"),
    ("650 253 0000 extensio\u0301n 123", "US"), ("650 253 0000,,123#", "US"), ("650 253 0000;123", "US"),
    ("650 253 0000 - 123#", "US"), ("650 253 0000 \u0414\u041e\u0411 123", "RU"), ("650 253 0000 x302/x2303", "US"),
    ("650 253 0000 x1234567890", "US"), ("650 253 0000 \uff45\uff58\uff54 7", "US"), ("650 253 0000 int 5", "US"),
    ("tel:+1-650-253-0000", None), ("tel:+1-650-253-0000;ext=7", None), ("tel:+1-650-253-0000;isub=7", None),
    ("tel:253-0000;phone-context=+1-650", "GB"), ("tel:650-253-0000;phone-context=example.com", "US"),
    ("650-253-0000;phone-context=+1", None), ("650-253-0000;phone-context=", "US"), ("650-253-0000;phone-context=-", "US"),
    ("tel:650-253-0000;phone-context=+1;x=y", None), (";phone-context=+1tel:650-253-0000", "US"), (".;phone-context=", "US"),
    # Texts without a valid number.
    ("", "US"), (" ", "US"), ("+", "US"), ("0", "US"), ("12", "US"), ("911", "US"), ("112", "DE"), ("ana@example.com", "US"),
    ("ana1234567890@example.com", "US"), ("mareike", "US"), ("555-0100", "US"), ("650 253 000", "US"), ("650 253 00000", "US"),
    ("150 253 0000", "US"), ("650 153 0000", "US"), ("+999 123 456 789", "US"), ("+0 650 253 0000", "US"), ("+1", "US"),
    ("+210 6502530000", "US"), ("00", "DE"), ("+49 1", "US"), ("9" * 18, "DE"), ("+49" + "1" * 16, None),
    (" " * 238 + "650253 0000", "US"), (" " * 239 + "650253 00000", "US"), ("1" * 250, "US"), ("1" * 251, "US"),
    ("650 253 0000", "ZZ"), ("650 253 0000", "us"), ("+1 650 253 0000", "ZZ"), ("+800 1234 5678", "001"), ("1234 5678", "001"),
    ("--" * 60 + "6502530000", "US"), ("+" * 100 + "16502530000", "US"), ("1 " * 120, "US"), ("x" * 250, "US"), ("1x" * 125, "US"),
]


def normal_form(text, region):
    """Does what flask_security.PhoneUtil.get_canonical_form does."""
    try:
        number = phonenumbers.parse(text, region=region)
    except NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def examples():
    """For each region: a number in national and international format, and one with a digit too few."""
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        number = phonenumbers.example_number(region)
        national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
        yield national, region
        yield national[:-1], region
        yield phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL), "US"


if __name__ == "__main__":
    path = pathlib.Path(__file__).with_name("phones.json")
    rows = [[text, region, normal_form(text, region)] for text, region in [*WRITTEN, *examples()]]
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
