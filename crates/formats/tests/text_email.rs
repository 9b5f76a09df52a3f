//! Addresses are treated as by Python's `email_validator`: see `vectors/record_emails.py`.

#![expect(clippy::unwrap_used, reason = "an unexpected result ends the test")]

use proptest::prelude::*;
use serde_json::Value;
use vestibule_formats::text::email::{EmailOptions, normalise};

fn options(row: &Value) -> EmailOptions {
    let mut options = EmailOptions::default();
    for (name, value) in row["options"].as_object().unwrap() {
        let value = value.as_bool().unwrap();
        match name.as_str() {
            "allow_smtputf8" => options.allow_smtputf8 = value,
            "test_environment" => options.test_environment = value,
            "globally_deliverable" => options.globally_deliverable = value,
            "strict" => options.strict = value,
            other => panic!("{other}"),
        }
    }
    options
}

#[test]
fn addresses_are_normalised_as_by_the_reference() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/emails.json")).unwrap();
    let mut different = Vec::new();
    for row in vectors.as_array().unwrap() {
        let options = options(row);
        for pair in row["addresses"].as_array().unwrap() {
            let address = pair[0].as_str().unwrap();
            let ours = normalise(address, &options);
            if ours.as_deref().ok() != pair[1].as_str() {
                different.push(format!(
                    "{options:?} {address:?}: {ours:?}, not {}",
                    pair[1]
                ));
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

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_texts_never_panic(address in "\\PC{0,20}@?\\PC{0,20}") {
        let _ = normalise(&address, &EmailOptions::default());
    }

    #[test]
    fn arbitrary_domains_never_panic(domain in "(xn--)?[a-z0-9\u{fc}\u{5d0}\u{661}\u{30fb}\u{b7}.-]{0,20}") {
        let _ = normalise(&format!("a@{domain}"), &EmailOptions::default());
    }

    #[test]
    fn normalising_is_idempotent(
        address in "[a-zA-Z\u{e9}e\u{301}\u{212b}.+-]{1,8}@(xn--)?[a-zA-Z0-9\u{fc}\u{df}\u{3a3}\u{5d0}\u{ff0e}\u{661}-]{1,10}\\.(com|\u{4e2d}\u{56fd})",
    ) {
        let options = EmailOptions::default();
        if let Ok(normal) = normalise(&address, &options) {
            prop_assert_eq!(normalise(&normal, &options), Ok(normal.clone()));
            // It contains no second recipient and no header line.
            prop_assert_eq!(normal.matches('@').count(), 1);
            prop_assert!(!normal.contains([',', ';', '<', '>', '"', ' ', '\r', '\n', '\0']));
        }
    }
}
