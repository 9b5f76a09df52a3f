"""Records the numbering plans that phone.rs validates numbers against, from Python's phonenumbers.

    oracle/.venv/bin/python crates/formats/src/text/phone/record.py

writes plans.tsv beside itself. The data is that of Google's libphonenumber (Apache-2.0), as the
reference's library contains it. There is one line for each region; regions with the same calling
code are adjacent, and the main one is first:

    region, calling code, international prefix, national prefix, its replacement,
    leading digits, lengths of local numbers, all numbers, and the numbers of each kind

Numbers are lengths and a regular expression, "10:[2-9]\\d{9}". Kinds with the same expression are
written once, because the kind of a number does not matter here.
"""

import pathlib

import phonenumbers
from phonenumbers.phonemetadata import PhoneMetadata

KINDS = [
    "premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan",
    "voicemail", "fixed_line", "mobile",
]


def lengths(numbers):
    return ",".join(str(length) for length in numbers)


def numbers(desc):
    return f"{lengths(desc.possible_length)}:{desc.national_number_pattern}"


def line(region, code):
    plan = PhoneMetadata.metadata_for_region_or_calling_code(code, region)
    kinds = []
    for kind in KINDS:
        desc = getattr(plan, kind)
        if desc is not None and desc.national_number_pattern:
            assert desc.possible_length, (region, kind)
            if numbers(desc) not in kinds:
                kinds.append(numbers(desc))
    fields = [
        region, str(code), plan.international_prefix or "", plan.national_prefix_for_parsing or "",
        plan.national_prefix_transform_rule or "", plan.leading_digits or "",
        lengths(plan.general_desc.possible_length_local_only), numbers(plan.general_desc), *kinds,
    ]
    assert not any("\t" in field or "\n" in field for field in fields), region
    return "\t".join(fields)


if __name__ == "__main__":
    lines = [
        f"# Made by record.py from phonenumbers {phonenumbers.__version__}: libphonenumber's data,"
        " Copyright Google, Apache-2.0."
    ]
    for code, regions in sorted(phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items()):
        lines += [line(region, code) for region in regions]
    pathlib.Path(__file__).with_name("plans.tsv").write_text("\n".join(lines) + "\n")
