//! Usernames are treated as by the real Flask-Security: see `vectors/record_usernames.py`.

#![expect(clippy::unwrap_used, reason = "an unexpected result ends the test")]

use proptest::prelude::*;
use serde_json::Value;
use vestibule_formats::text::normalise::Form;
use vestibule_formats::text::username::{Refusal, UsernameOptions, normalise};

fn options(row: &Value) -> UsernameOptions {
    let categories = row["categories"].as_array().into_iter().flatten();
    UsernameOptions {
        allowed_categories: categories
            .map(|name| name.as_str().unwrap().to_owned())
            .collect(),
        min_length: 4,
        max_length: 32,
        form: row["form"].as_str().map(|name| match name {
            "NFC" => Form::Nfc,
            "NFKC" => Form::Nfkc,
            "NFKD" => Form::Nfkd,
            other => panic!("{other}"),
        }),
    }
}

#[test]
fn names_are_accepted_and_refused_as_by_the_reference() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/usernames.json")).unwrap();
    for row in vectors.as_array().unwrap() {
        let options = options(row);
        for judged in row["names"].as_array().unwrap() {
            let name = judged[0].as_str().unwrap();
            let expected = match judged[1].as_str().unwrap() {
                "ok" => Ok(judged[2].as_str().unwrap().to_owned()),
                "unallowed" => Err(Refusal::Disallowed),
                "illegal" => Err(Refusal::Invalid),
                "length" => Err(Refusal::Length),
                other => panic!("{other}"),
            };
            assert_eq!(normalise(name, &options), expected, "{name:?} {options:?}");
        }
    }
}

fn plain(form: Option<Form>, categories: &[&str]) -> UsernameOptions {
    UsernameOptions {
        allowed_categories: categories.iter().map(|&name| name.to_owned()).collect(),
        min_length: 1,
        max_length: 100,
        form,
    }
}

#[test]
fn attack_markup_cannot_result_from_normalising() {
    let options = plain(Some(Form::Nfkd), &[]);
    for name in [
        "\u{ff1c}script\u{ff1e}",
        "a\u{fe64}b",
        "a\u{ff06}b",
        "a\u{226e}b",
    ] {
        assert_eq!(normalise(name, &options), Err(Refusal::Invalid), "{name}");
    }
    // One letter whose normal form is several words with spaces between them.
    let letters = plain(Some(Form::Nfkd), &["L", "N"]);
    assert_eq!(normalise("\u{fdfa}", &letters), Err(Refusal::Disallowed));
}

#[test]
fn a_normalised_name_is_its_own_normal_form() {
    let options = plain(Some(Form::Nfkd), &["L", "N"]);
    let kept = normalise("Ren\u{e9}e", &options).unwrap();
    assert_eq!(kept, "Rene\u{301}e");
    assert_eq!(normalise(&kept, &options), Ok(kept));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn normalising_is_idempotent(
        name in "[\\PC\u{1c}\u{85}\u{a0}\u{feff}&;<\u{ff1c}\u{301}\u{b4}\u{fdfa}\u{bd}]{0,12}",
        form in prop::sample::select(vec![
            None,
            Some(Form::Nfc),
            Some(Form::Nfd),
            Some(Form::Nfkc),
            Some(Form::Nfkd),
        ]),
        letters in any::<bool>(),
    ) {
        let options = plain(form, if letters { &["L", "N"] } else { &[] });
        if let Ok(kept) = normalise(&name, &options) {
            prop_assert_eq!(normalise(&kept, &options), Ok(kept.clone()));
            prop_assert!(!kept.contains(['<', '>', '\0']));
        }
    }
}
