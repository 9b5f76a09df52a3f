//! One-time codes, and their keys as passlib and Flask-Security store them, equal the recorded ones.

#![expect(clippy::unwrap_used, reason = "an unexpected result ends the test")]

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use qrcode::{Color, EcLevel, QrCode};
use serde_json::Value;
use vestibule_formats::hex;
use vestibule_formats::totp::{
    Algorithm, Key, Totp, UsSecrets, Wallet, WalletError, may_be_code, pretty_key,
    provisioning_uri, svg_data_url,
};

fn recorded() -> Value {
    serde_json::from_str(include_str!("vectors/totp.json")).unwrap()
}

fn cases<'a>(recorded: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    let cases = recorded[name].as_array().unwrap();
    assert!(!cases.is_empty());
    cases.iter()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn key(digits: &str) -> Key {
    Key::new(&hex::decode(digits).unwrap()).unwrap()
}

/// A key with passlib's names for the parameters.
fn totp(key: Key, options: &Value) -> Totp {
    let algorithm = match options["alg"].as_str() {
        None | Some("sha1") => Algorithm::Sha1,
        Some("sha256") => Algorithm::Sha256,
        Some("sha512") => Algorithm::Sha512,
        Some(other) => panic!("{other}"),
    };
    let number = |name: &str, default: u64| options[name].as_u64().unwrap_or(default);
    let period = u32::try_from(number("period", 30)).unwrap();
    let digits = u8::try_from(number("digits", 6)).unwrap();
    Totp::new(key)
        .with(algorithm, digits, NonZeroU32::new(period).unwrap())
        .unwrap()
}

fn wallet(recorded: &Value) -> Wallet {
    let secrets = recorded["secrets"].as_object().unwrap();
    Wallet::new(
        secrets
            .iter()
            .map(|(tag, secret)| (tag.as_str(), secret.as_str().unwrap())),
    )
    .unwrap()
}

#[test]
fn codes_are_those_of_passlib() {
    let recorded = recorded();
    for case in cases(&recorded, "codes") {
        let totp = totp(key(text(&recorded, "totp_key")), &case["options"]);
        let at = case["at"].as_i64().unwrap();
        assert_eq!(totp.generate(at).as_str(), text(case, "code"), "{case}");
    }
}

#[test]
fn a_window_contains_the_counters_that_it_contains_for_passlib() {
    let recorded = recorded();
    let totp = Totp::new(key(text(&recorded, "totp_key")));
    for case in cases(&recorded, "windows") {
        let at = case["at"].as_i64().unwrap();
        let window = u32::try_from(case["window"].as_u64().unwrap()).unwrap();
        let expected: Vec<u64> = case["counters"]
            .as_array()
            .unwrap()
            .iter()
            .map(|counter| counter.as_u64().unwrap())
            .collect();
        let middle = u64::try_from(at).unwrap() / 30;
        let accepted: Vec<u64> = (middle.saturating_sub(15)..middle + 15)
            .filter(|counter| {
                let code = totp.generate(i64::try_from(counter * 30).unwrap());
                totp.verify(code.as_str(), at, window) == Some(*counter)
            })
            .collect();
        assert_eq!(accepted, expected, "{at} {window}");
    }
}

#[test]
fn typed_codes_are_normalised_as_by_passlib() {
    let recorded = recorded();
    let totp = Totp::new(key(text(&recorded, "totp_key")));
    for case in cases(&recorded, "normal") {
        let typed = match &case["token"] {
            Value::String(typed) => typed.clone(),
            number => totp.code_from_number(number.as_u64().unwrap()).to_string(),
        };
        let seen = totp.normalise(&typed);
        assert_eq!(
            seen.as_ref().map(|code| code.as_str()),
            case["code"].as_str(),
            "{typed:?}"
        );
        assert!(seen.is_none() || may_be_code(&typed), "{typed:?}");
    }
    for (typed, may) in [
        ("123456", true),
        (" 123-456 ", true),
        ("1234567890", true),
        ("12345", false),
        ("12345678901", false),
        ("12345a", false),
        ("١٢٣٤٥٦", false),
        ("", false),
        ("battery staple", false),
    ] {
        assert_eq!(may_be_code(typed), may, "{typed:?}");
    }
}

#[test]
fn stored_keys_are_read_as_by_passlib() {
    let recorded = recorded();
    let wallet = wallet(&recorded);
    for case in cases(&recorded, "sources") {
        let source = text(case, "source");
        let opened = wallet.open(source);
        let parsed = &case["parsed"];
        if parsed.is_null() {
            assert!(opened.is_err(), "{source}");
            continue;
        }
        let opened = opened.unwrap_or_else(|error| panic!("{source}: {error}"));
        assert_eq!(opened.totp, totp(key(text(parsed, "key")), parsed));
        // passlib leaves a key in plain text as it is.
        let is_plain = !source.contains("enckey");
        let changed = parsed["changed"].as_bool().unwrap();
        assert_eq!(opened.needs_reseal, changed || is_plain, "{source}");
        assert!(opened.was_cheap || !is_plain, "{source}");
    }
}

#[test]
fn sealed_keys_have_the_bytes_of_passlib() {
    let recorded = recorded();
    let wallet = wallet(&recorded);
    for case in cases(&recorded, "sealed") {
        let totp = totp(key(text(case, "key")), &case["options"]);
        let salt = hex::decode(text(case, "salt")).unwrap();
        let sealed = wallet.seal(&totp, &salt.try_into().unwrap());
        assert_eq!(sealed, text(case, "json"));
        let opened = wallet.open(&sealed).unwrap();
        assert_eq!(opened.totp, totp);
        assert!(!opened.needs_reseal);
        assert!(!opened.was_cheap);
    }
}

#[test]
fn the_default_secret_is_the_one_that_passlib_selects() {
    let recorded = recorded();
    for case in cases(&recorded, "tags") {
        let tags: Vec<&str> = case["tags"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tag| tag.as_str().unwrap())
            .collect();
        let wallet = Wallet::new(tags.iter().map(|tag| (*tag, "x")));
        let Some(default) = case["default"].as_str() else {
            assert!(wallet.is_err(), "{tags:?}");
            continue;
        };
        let sealed = wallet
            .unwrap()
            .seal(&Totp::new(Key::new(b"key").unwrap()), &[0; 12]);
        assert!(
            sealed.contains(&format!("\"t\":\"{default}\"")),
            "{tags:?}: {sealed}"
        );
    }
}

#[test]
fn a_wallet_explains_why_it_cannot_open_a_key() {
    assert_eq!(
        Wallet::new([("1", "")]).err(),
        Some(WalletError::EmptySecret("1".to_owned()))
    );
    assert_eq!(
        Wallet::new([("_", "x")]).err(),
        Some(WalletError::BadTag("_".to_owned()))
    );
    let none: [(&str, &str); 0] = [];
    assert_eq!(Wallet::new(none).err(), Some(WalletError::NoSecrets));
    let sealed = Wallet::new([("old", "x")])
        .unwrap()
        .seal(&Totp::new(Key::new(b"key").unwrap()), &[7; 12]);
    let other = Wallet::new([("new", "y")]).unwrap();
    assert_eq!(
        other.open(&sealed),
        Err(WalletError::UnknownTag("old".to_owned()))
    );
    let both = Wallet::new([("old", "x"), ("new", "y")]).unwrap();
    assert!(!both.open(&sealed).unwrap().needs_reseal, "old > new");
    assert_eq!(both.open("{}"), Err(WalletError::Malformed));
    // A wrong secret results in a wrong key.
    let wrong = Wallet::new([("old", "z")]).unwrap().open(&sealed).unwrap();
    assert_ne!(wrong.totp.key(), &Key::new(b"key").unwrap());
}

#[test]
fn attack_denial_a_stored_key_cannot_demand_unlimited_rounds() {
    let wallet = Wallet::new([("1", "x")]).unwrap();
    for cost in [21, 31, 32, 63, 64, u32::MAX] {
        let stored = format!(
            "{{\"enckey\":{{\"c\":{cost},\"k\":\"MFRGG\",\"s\":\"MFRGG\",\"t\":\"1\",\"v\":1}},\"type\":\"totp\",\"v\":1}}"
        );
        assert_eq!(wallet.open(&stored), Err(WalletError::TooExpensive(cost)));
    }
    let long = format!(
        "{{\"key\":\"{}\",\"type\":\"totp\",\"v\":1}}",
        "A".repeat(8000)
    );
    assert_eq!(wallet.open(&long), Err(WalletError::Malformed));
}

#[test]
fn attack_empty_keys_whose_codes_everybody_can_compute_are_refused() {
    assert_eq!(Key::new(b""), None);
    let wallet = Wallet::new([("1", "x")]).unwrap();
    for stored in [
        r#"{"enckey":{"c":1,"k":"","s":"MFRGG","t":"1","v":1},"type":"totp","v":1}"#,
        r#"{"key":"","type":"totp","v":1}"#,
        r#"{"key":" - ","type":"totp","v":1}"#,
        "otpauth://totp/ana?secret=%20",
    ] {
        assert_eq!(wallet.open(stored), Err(WalletError::Malformed), "{stored}");
    }
}

#[test]
fn us_totp_secrets_has_the_bytes_of_the_reference() {
    let recorded = recorded();
    for case in cases(&recorded, "us_secrets") {
        let mut secrets = UsSecrets::parse(case["column"].as_str()).unwrap();
        for step in case["steps"].as_array().unwrap() {
            let method = step[0].as_str().unwrap();
            match step[1].as_str() {
                Some(key) => {
                    secrets.set(method, key);
                    assert_eq!(secrets.get(method), Some(key));
                }
                None => assert!(secrets.remove(method)),
            }
        }
        assert_eq!(
            secrets.to_column().as_deref(),
            case["after"].as_str(),
            "{case}"
        );
    }
}

#[test]
fn us_totp_secrets_that_are_no_object_are_refused() {
    for column in [
        "[]",
        "null",
        "1",
        "\"x\"",
        "{",
        "{\"a\":}",
        "{\"a\":\"b\"}x",
        " ",
    ] {
        assert!(UsSecrets::parse(Some(column)).is_err(), "{column}");
    }
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(70_000));
    assert!(UsSecrets::parse(Some(&long)).is_err());
    let odd = UsSecrets::parse(Some("{\"sms\":null}")).unwrap();
    assert_eq!((odd.get("sms"), odd.methods().count()), (None, 1));
    assert!(UsSecrets::parse(Some("{\"a\": \"\\ud800\"}")).is_err());
    let kept = "{\"a\": 111111111111111111111111111111.50, \"b\": [1,{ }]}";
    let kept = Some(kept);
    assert_eq!(UsSecrets::parse(kept).unwrap().to_column().as_deref(), kept);
    assert!(!odd.is_empty());
}

#[test]
fn secrets_are_not_printed() {
    let wallet = Wallet::new([("1", "the secret")]).unwrap();
    let totp = Totp::new(Key::new(b"the key").unwrap());
    let mut us = UsSecrets::default();
    us.set("sms", "the secret");
    let printed = format!("{wallet:?} {totp:?} {us:?} {:?}", totp.generate(0));
    for secret in ["the", "116", "0x74", totp.generate(0).as_str()] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

proptest! {
    // Each case takes 2 x 2^15 rounds of PBKDF2.
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn sealed_keys_open(bytes in prop::collection::vec(any::<u8>(), 1..64), salt in any::<[u8; 12]>()) {
        let wallet = Wallet::new([("1", "x")]).unwrap();
        let totp = Totp::new(Key::new(&bytes).unwrap());
        prop_assert_eq!(wallet.open(&wallet.seal(&totp, &salt)).unwrap().totp, totp);
    }
}

proptest! {
    #[test]
    fn a_code_is_accepted_until_its_period_has_left_the_window(
        bytes in prop::collection::vec(any::<u8>(), 1..64),
        at in 0_i64..4_000_000_000,
        offset in -1000_i64..1000,
        window in 0_u32..600,
    ) {
        let totp = Totp::new(Key::new(&bytes).unwrap());
        let code = totp.generate(at);
        let now = at + offset;
        let matched = totp.verify(code.as_str(), now, window);
        let (first, last) = ((now - i64::from(window)).max(0) / 30, (now + i64::from(window)).max(0) / 30);
        if now >= 0 && (first..=last).contains(&(at / 30)) {
            prop_assert!(matched.unwrap() >= u64::try_from(at / 30).unwrap());
        } else if let Some(counter) = matched {
            // Another period has the same code.
            let start = i64::try_from(counter * 30).unwrap();
            let again = totp.generate(start);
            prop_assert_eq!(again.as_str(), code.as_str());
        }
    }

    #[test]
    fn arbitrary_input_never_panics(typed in ".{0,40}", at in any::<i64>(), stored in ".{0,200}") {
        let totp = Totp::new(Key::new(b"key").unwrap());
        let matched = totp.verify(&typed, at, 300);
        prop_assert!(matched.is_none() || totp.normalise(&typed).is_some());
        prop_assert_eq!(totp.generate(at).as_str().len(), 6);
        let _ = Wallet::new([("1", "x")]).unwrap().open(&stored);
        let _ = UsSecrets::parse(Some(&stored));
    }

    #[test]
    fn us_totp_secrets_round_trip(members in prop::collection::vec((".{0,20}", ".{0,100}"), 0..8)) {
        let mut secrets = UsSecrets::default();
        for (method, key) in &members {
            secrets.set(method, key);
        }
        let again = UsSecrets::parse(secrets.to_column().as_deref()).unwrap();
        prop_assert_eq!(&again, &secrets);
        prop_assert_eq!(secrets.to_column().is_none(), members.is_empty());
    }
}

#[test]
fn provisioning_uris_are_those_of_passlib() {
    let recorded = recorded();
    for case in cases(&recorded, "uris") {
        let totp = totp(key(text(&recorded, "totp_key")), &case["options"]);
        let uri = provisioning_uri(&totp, text(case, "label"), text(case, "issuer"));
        assert_eq!(*uri, text(case, "uri"));
        let opened = wallet(&recorded).open(&uri).unwrap();
        assert_eq!(opened.totp, totp);
    }
    let totp = Totp::new(Key::new(b"x").unwrap());
    let uri = provisioning_uri(&totp, "a:b", "c:d");
    assert_eq!(*uri, "otpauth://totp/c_d:a_b?secret=PA&issuer=c_d");
    let uri = provisioning_uri(&totp, "a", "");
    assert_eq!(*uri, "otpauth://totp/a?secret=PA");
}

#[test]
fn keys_are_shown_in_the_groups_of_passlib() {
    let recorded = recorded();
    for case in cases(&recorded, "pretty") {
        let key = key(text(case, "key"));
        assert_eq!(*key.to_base32(), text(case, "b32key"));
        assert_eq!(*pretty_key(&key), text(case, "pretty"));
    }
}

/// The modules are read from the SVG, as a scanner would.
#[test]
fn the_qr_code_is_an_image_of_the_uri() {
    let totp = Totp::new(Key::new(&[7; 20]).unwrap());
    let uri = provisioning_uri(&totp, "ana@example.com", "Example & Co");
    let url = svg_data_url(&uri).unwrap();
    let image = url.strip_prefix("data:image/svg+xml;base64,").unwrap();
    let image = String::from_utf8(STANDARD.decode(image).unwrap()).unwrap();
    assert!(image.contains("<svg xmlns=\"http://www.w3.org/2000/svg\""));
    assert!(!image.contains("<script") && !image.contains("otpauth"));
    let code = QrCode::with_error_correction_level(uri.as_bytes(), EcLevel::M).unwrap();
    let width = code.width();
    assert!(image.contains(&format!("width=\"{}\"", (width + 8) * 10)));
    let mut dark = vec![false; width * width];
    let path = image
        .split_once(" d=\"")
        .unwrap()
        .1
        .split_once('"')
        .unwrap()
        .0;
    for rectangle in path.split('M').skip(1) {
        let numbers: Vec<usize> = rectangle
            .split(['h', 'v', 'H', 'V', ' '])
            .map(|number| number.parse().unwrap())
            .collect();
        let [left, top, across, down, ..] = numbers[..] else {
            panic!("{rectangle}")
        };
        for y in top / 10..(top + down) / 10 {
            for x in left / 10..(left + across) / 10 {
                dark[(y - 4) * width + (x - 4)] = true;
            }
        }
    }
    let expected: Vec<bool> = code
        .to_colors()
        .iter()
        .map(|color| *color == Color::Dark)
        .collect();
    assert_eq!(dark, expected);
    assert!(svg_data_url(&"x".repeat(3000)).is_err());
}

proptest! {
    /// `totp-rs` is a second opinion on codes with other parameters.
    #[test]
    fn codes_are_those_of_totp_rs(
        bytes in any::<[u8; 20]>(),
        algorithm in 0_usize..3,
        digits in 6_u8..=9,
        period in 1_u32..1000,
        at in 0_i64..100_000_000_000,
    ) {
        let (ours, theirs) = [
            (Algorithm::Sha1, totp_rs::Algorithm::SHA1),
            (Algorithm::Sha256, totp_rs::Algorithm::SHA256),
            (Algorithm::Sha512, totp_rs::Algorithm::SHA512),
        ][algorithm];
        let other = totp_rs::Builder::new()
            .with_algorithm(theirs)
            .with_digits(digits)
            .with_secret(bytes)
            .with_step_duration(u64::from(period))
            .build_noncompliant();
        let totp = Totp::new(Key::new(&bytes).unwrap());
        let totp = totp.with(ours, digits, NonZeroU32::new(period).unwrap()).unwrap();
        let token = other.generate(u64::try_from(at).unwrap());
        let code = totp.generate(at);
        prop_assert_eq!(code.as_str(), token.to_string());
    }
}
