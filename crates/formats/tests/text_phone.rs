//! Phone numbers are treated as by Python's `phonenumbers`: see `vectors/record_phones.py`.

use proptest::prelude::*;
use serde_json::Value;
use vestibule_formats::text::phone::{Refusal, Region, normalise};

fn region(code: &str) -> Option<Region> {
    Region::from_code(code)
}

#[test]
fn numbers_are_normalised_as_by_the_reference() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/phones.json")).unwrap();
    let rows = vectors.as_array().unwrap();
    assert!(rows.len() > 800);
    let mut different = Vec::new();
    for row in rows {
        let text = row[0].as_str().unwrap();
        let ours = normalise(text, row[1].as_str().and_then(region));
        if ours.as_deref().ok() != row[2].as_str() {
            different.push(format!("{text:?} in {}: {ours:?}, not {}", row[1], row[2]));
        }
        // The normal form is its own normal form, in every region.
        if let Ok(kept) = ours {
            for region in [None, region("US"), region("DE")] {
                assert_eq!(normalise(&kept, region).as_ref(), Ok(&kept), "{text:?}");
            }
        }
    }
    assert!(
        different.is_empty(),
        "{}\n{}",
        different.len(),
        different.join("\n")
    );
}

#[test]
fn regions_are_two_capital_letters() {
    for code in ["US", "GB", "DE", "AX", "XK"] {
        assert!(region(code).is_some(), "{code}");
    }
    for code in ["", "us", "ZZ", "UK", "001", "1", "USA", "U", "#"] {
        assert!(region(code).is_none(), "{code}");
    }
}

#[test]
fn refusals_say_why() {
    for (text, refusal) in [
        ("mareike", Refusal::Shape),
        ("ana@example.com", Refusal::Shape),
        ("+999 123 456 789", Refusal::Country),
        ("+49 1", Refusal::Length),
        ("555-0100", Refusal::Unknown),
    ] {
        assert_eq!(normalise(text, region("US")), Err(refusal), "{text}");
    }
    let no_country = normalise("650 253 0000", None);
    assert_eq!(no_country, Err(Refusal::Country));
    let long = normalise(&"\u{10000}".repeat(10_000_000), None);
    assert_eq!(long, Err(Refusal::Length));
}

fn any_region() -> impl Strategy<Value = Option<Region>> {
    let codes = [
        "", "US", "GB", "DE", "IT", "AR", "BR", "SM", "CI", "KZ", "JP",
    ];
    prop::sample::select(codes.to_vec()).prop_map(region)
}

/// A normalised number is a plus sign and digits, and its own normal form.
fn check(text: &str, region: Option<Region>) -> Result<(), TestCaseError> {
    if let Ok(kept) = normalise(text, region) {
        let digits = kept.strip_prefix('+').unwrap_or_default();
        prop_assert!(digits.len() > 3 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        prop_assert_eq!(normalise(&kept, None), Ok(kept));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_texts_never_panic(text in any::<String>(), region in any_region()) {
        check(&text, region)?;
    }

    #[test]
    fn number_like_texts_never_panic(
        text in "[+\u{ff0b}]{0,2}[0-9]{0,4}[0-9\u{660}-\u{669}\u{1d7ce}-\u{1d7ff} ()./x#,;~a-cı\u{301}-]{0,24}",
        region in any_region(),
    ) {
        check(&text, region)?;
    }

    #[test]
    fn digits_never_panic(text in "(\\+|00|011|0)?[0-9]{2,20}( ?(x|ext|,|;ext=)[0-9]{1,5}#?)?", region in any_region()) {
        check(&text, region)?;
    }

    #[test]
    fn parameters_never_panic(
        text in "(tel:)?[0-9+-]{0,12}(;isub=|;ext=|;phone-context=|tel:|\\+1|example\\.com|[0-9é]){0,5}",
        region in any_region(),
    ) {
        check(&text, region)?;
    }
}
