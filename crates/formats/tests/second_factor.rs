//! Recovery codes, set-up states and the validity cookie equal those of the Python libraries.

#![expect(clippy::unwrap_used, reason = "an unexpected result ends the test")]

use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;
use vestibule_formats::fernet::FernetRing;
use vestibule_formats::hex;
use vestibule_formats::purpose::Purpose;
use vestibule_formats::recovery_codes::{self, RecoveryCodes};
use vestibule_formats::setup_state::{SetupKind, SetupState, SetupStateCodec, SetupStateError};
use vestibule_formats::sign::{KeyRing, decode_payload, encode_payload};
use vestibule_formats::validity_cookie::ValidityCookieCodec;

const NOW: i64 = 1_800_000_000;
const DAY: Duration = Duration::from_secs(86_400);
const KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";
const OTHER: &str = "p5N7ZLjKpY8Dchu2us9ceMsjX-vg5wsbhM2ZVBRhoI4=";

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

fn texts<'a>(value: &'a Value, name: &str) -> Vec<&'a str> {
    let items = value[name].as_array();
    items
        .map(|items| items.iter().map(|item| item.as_str().unwrap()).collect())
        .unwrap_or_default()
}

fn ring(recorded: &Value) -> KeyRing {
    KeyRing::new(text(recorded, "key"), [text(recorded, "old")])
}

fn keys<'a>(keys: impl IntoIterator<Item = &'a str>) -> FernetRing {
    FernetRing::new(keys).unwrap()
}

/// The signed JSON. Compressed, it has other bytes than with Python, because zlib does.
fn payload(token: &str) -> Vec<u8> {
    let signed = token.rsplitn(3, '.').last().unwrap();
    decode_payload(signed).unwrap()
}

/// A column of codes that were encrypted at [`NOW`].
fn encrypted(codes: &[&str], ring: &FernetRing) -> String {
    let mut drawn = 0;
    let ivs = || {
        drawn += 1;
        [drawn; 16]
    };
    recovery_codes::seal(codes.iter().copied(), Some(ring), ivs, NOW).to_string()
}

#[test]
fn encrypted_codes_open_as_with_multi_fernet() {
    let recorded = recorded();
    let mut opened = 0;
    for case in cases(&recorded, "fernet") {
        let (at, ttl) = (case["at"].as_i64().unwrap(), case["ttl"].as_u64());
        let code = keys(texts(case, "keys")).open(text(case, "token"), at, ttl);
        assert_eq!(
            code.as_ref().map(|code| str::from_utf8(code).unwrap()),
            case["code"].as_str(),
            "{case}"
        );
        opened += usize::from(code.is_some());
    }
    assert!(opened > 10);
}

#[test]
fn encrypted_codes_have_the_bytes_of_fernet() {
    let recorded = recorded();
    for case in cases(&recorded, "sealed_codes") {
        let iv = hex::decode(text(case, "iv")).unwrap();
        let token = keys([text(case, "key")]).seal(
            text(case, "text").as_bytes(),
            &iv.try_into().unwrap(),
            case["at"].as_i64().unwrap(),
        );
        assert_eq!(token, text(case, "token"));
    }
}

#[test]
fn fernet_keys_are_accepted_as_by_cryptography() {
    let recorded = recorded();
    for case in cases(&recorded, "fernet_keys") {
        let valid = FernetRing::new([text(case, "key")]).is_ok();
        assert_eq!(Some(valid), case["valid"].as_bool(), "{case}");
    }
}

#[test]
fn columns_are_read_and_written_as_by_the_reference() {
    let recorded = recorded();
    for case in cases(&recorded, "columns") {
        let column = case["column"].as_str();
        let opened = RecoveryCodes::open(column, None, None, NOW);
        assert_eq!(opened.codes().collect::<Vec<_>>(), texts(case, "read"));
        assert_eq!(*opened.to_column(), column.unwrap_or_default());
        assert_eq!(opened.is_empty(), texts(case, "read").is_empty());
        if let Some(column) = column {
            let sealed = recovery_codes::seal(texts(case, "codes"), None, || [0; 16], NOW);
            assert_eq!(*sealed, column);
        }
    }
}

#[test]
fn a_used_code_is_removed_and_the_others_keep_their_bytes() {
    let ring = keys([KEY]);
    for ring in [None, Some(&ring)] {
        let codes = ["aaaa-0000-0001", "aaaa-0000-0002", "aaaa-0000-0003"];
        let column = ring.map_or_else(|| codes.join(","), |ring| encrypted(&codes, ring));
        let mut opened = RecoveryCodes::open(Some(&column), ring, None, NOW);
        let stored: Vec<&str> = column.split(',').collect();
        let index = opened.find(codes[1]).unwrap();
        assert!(opened.remove(index));
        assert_eq!(*opened.to_column(), [stored[0], stored[2]].join(","));
        assert_eq!(opened.find(codes[1]), None);
        let index = opened.find(codes[2]).unwrap();
        assert!(opened.remove(index));
        assert!(opened.remove(0));
        assert!(!opened.remove(0));
        assert_eq!(*opened.to_column(), "");
    }
}

/// The reference removes another code if one before it cannot be decrypted.
#[test]
fn attack_single_use_a_code_after_an_undecryptable_one_is_removed_itself() {
    let (ring, other) = (keys([KEY]), keys([OTHER]));
    let column = format!(
        "{},plain,{}",
        encrypted(&["aaaa-0000-0001"], &other),
        encrypted(&["aaaa-0000-0002", "aaaa-0000-0003"], &ring)
    );
    let mut opened = RecoveryCodes::open(Some(&column), Some(&ring), None, NOW);
    let valid = ["aaaa-0000-0002", "aaaa-0000-0003"];
    assert_eq!(opened.codes().collect::<Vec<_>>(), valid);
    assert_eq!(
        (opened.find("plain"), opened.find("aaaa-0000-0001")),
        (None, None)
    );
    let index = opened.find("aaaa-0000-0002").unwrap();
    assert!(opened.remove(index));
    let again = RecoveryCodes::open(Some(&opened.to_column()), Some(&ring), None, NOW);
    assert_eq!(again.codes().collect::<Vec<_>>(), ["aaaa-0000-0003"]);
    assert!(!again.is_empty());
}

#[test]
fn codes_are_valid_for_their_time_to_live_and_under_older_keys() {
    let column = encrypted(&["aaaa-0000-0001"], &keys([OTHER]));
    let ring = keys([KEY, OTHER]);
    let open = |now, ttl| RecoveryCodes::open(Some(&column), Some(&ring), ttl, now);
    assert_eq!(open(NOW + 60, Some(60)).find("aaaa-0000-0001"), Some(0));
    assert_eq!(open(NOW + 61, Some(60)).find("aaaa-0000-0001"), None);
    assert_eq!(open(NOW + 1_000_000, None).find("aaaa-0000-0001"), Some(0));
    // New codes are encrypted with the first key.
    assert!(
        keys([KEY])
            .open(&encrypted(&["x"], &ring), NOW, None)
            .is_some()
    );
}

#[test]
fn a_code_is_found_however_it_is_typed() {
    let codes = RecoveryCodes::open(
        Some("abcd-0123-ef45,,other,abcd-0123-ef45"),
        None,
        None,
        NOW,
    );
    for typed in ["abcd-0123-ef45", " ABCD 0123 EF45\n", "abcd0123ef45"] {
        assert_eq!(codes.find(typed), Some(0), "{typed}");
    }
    for none in [
        "",
        "-",
        " ",
        "abcd-0123-ef4",
        "abcd-0123-ef455",
        "abcd",
        ",",
        "abcd-0123-ef45,",
    ] {
        assert_eq!(codes.find(none), None, "{none:?}");
    }
}

#[test]
fn recorded_states_open_and_ours_hold_the_same_bytes() {
    let recorded = recorded();
    let ring = ring(&recorded);
    for (kind, group, method, phone) in [
        (SetupKind::Unified, "us", "chosen_method", "phone_number"),
        (SetupKind::TwoFactor, "tf", "method", "phone"),
    ] {
        let codec = SetupStateCodec::new(&ring, kind, None);
        for case in cases(&recorded["states"], group) {
            let (token, recorded) = (text(case, "token"), &case["state"]);
            let state = codec.open(token, NOW + 10, DAY).unwrap();
            assert_eq!(state.method, text(recorded, method));
            assert_eq!(*state.totp_secret, text(recorded, "totp_secret"));
            assert_eq!(state.phone.as_deref(), recorded[phone].as_str());
            assert_eq!(payload(&codec.seal(&state, NOW)), payload(token));
        }
    }
}

#[test]
fn attack_wrong_purpose_states_open_for_their_own_set_up_only() {
    let ring = KeyRing::new("key", []);
    let state = SetupState {
        method: "sms".to_owned(),
        totp_secret: "secret".to_owned().into(),
        phone: None,
        user: None,
    };
    let codec = |kind| SetupStateCodec::new(&ring, kind, None);
    let kinds = [SetupKind::Unified, SetupKind::TwoFactor];
    for made in kinds {
        let token = codec(made).seal(&state, NOW);
        for kind in kinds {
            let expected = if made == kind {
                Ok(state.clone())
            } else {
                Err(SetupStateError::Invalid)
            };
            assert_eq!(codec(kind).open(&token, NOW, DAY), expected);
        }
        // Of the members, those of the other kind are missing, even if the salts are the same.
        let token = SetupStateCodec::new(&ring, made, Some("salt")).seal(&state, NOW);
        for kind in kinds {
            let opened = SetupStateCodec::new(&ring, kind, Some("salt")).open(&token, NOW, DAY);
            assert_eq!(opened.is_ok(), made == kind);
        }
        assert!(!format!("{state:?}").contains("secret\""));
    }
}

#[test]
fn attack_wrong_purpose_tokens_with_other_salts_are_no_states() {
    let ring = KeyRing::new("key", []);
    let json =
        br#"{"totp_secret":"a","method":"b","phone":null,"chosen_method":"b","phone_number":null}"#;
    for purpose in Purpose::ALL {
        let token = purpose
            .timed_signer(&ring, None)
            .sign(&encode_payload(json), NOW);
        for (kind, own) in [
            (SetupKind::Unified, Purpose::UnifiedSetup),
            (SetupKind::TwoFactor, Purpose::TwoFactorSetup),
        ] {
            let opened = SetupStateCodec::new(&ring, kind, None).open(&token, NOW, DAY);
            assert_eq!(opened.is_ok(), purpose == own, "{purpose:?} {kind:?}");
        }
    }
}

#[test]
fn a_state_expires() {
    let codec = SetupStateCodec::new(&KeyRing::new("key", []), SetupKind::Unified, None);
    let state = SetupState {
        method: "sms".to_owned(),
        totp_secret: "secret".to_owned().into(),
        phone: Some("+1".to_owned()),
        user: None,
    };
    let token = codec.seal(&state, NOW);
    assert!(codec.open(&token, NOW + 86_400, DAY).is_ok());
    assert_eq!(
        codec.open(&token, NOW + 86_401, DAY),
        Err(SetupStateError::Expired)
    );
    assert_eq!(
        codec.open(&token, NOW - 61, DAY),
        Err(SetupStateError::Expired)
    );
    assert_eq!(codec.open("x", NOW, DAY), Err(SetupStateError::Invalid));
}

#[test]
fn signed_payloads_that_are_no_states_are_invalid() {
    let ring = KeyRing::new("key", []);
    let codec = SetupStateCodec::new(&ring, SetupKind::TwoFactor, None);
    let signer = Purpose::TwoFactorSetup.timed_signer(&ring, None);
    let open = |json: &str| {
        codec.open(
            &signer.sign(&encode_payload(json.as_bytes()), NOW),
            NOW,
            DAY,
        )
    };
    for json in [
        "[]",
        "null",
        "{}",
        r#"{"totp_secret":"a","method":"b"}"#,
        r#"{"totp_secret":"a","method":null,"phone":null}"#,
        r#"{"totp_secret":1,"method":"b","phone":null}"#,
        r#"{"totp_secret":"a","method":"b","phone":1}"#,
        r#"{"totp_secret":"a","chosen_method":"b","phone_number":null}"#,
    ] {
        assert_eq!(open(json), Err(SetupStateError::Invalid), "{json}");
    }
    assert!(open(r#"{"more":1,"totp_secret":"a","method":"b","phone":null}"#).is_ok());
}

#[test]
fn recorded_validity_cookies_open_and_ours_hold_the_same_bytes() {
    let recorded = recorded();
    let codec = ValidityCookieCodec::new(&ring(&recorded), None);
    for case in cases(&recorded["states"], "validity") {
        let (user, cookie) = (text(case, "uniquifier"), text(case, "cookie"));
        assert_eq!(codec.open(cookie, NOW, DAY).as_deref(), Some(user));
        assert_eq!(payload(&codec.seal(user, NOW)), payload(cookie));
        assert!(codec.is_valid_for(user, cookie, NOW + 86_400, DAY));
        assert!(!codec.is_valid_for(user, cookie, NOW + 86_401, DAY));
        assert!(!codec.is_valid_for("another", cookie, NOW, DAY));
    }
}

#[test]
fn attack_second_factor_bypass_only_a_validity_cookie_of_the_user_counts() {
    let ring = KeyRing::new("key", []);
    let codec = ValidityCookieCodec::new(&ring, None);
    for purpose in Purpose::ALL {
        let cookie = purpose
            .timed_signer(&ring, None)
            .sign(&encode_payload(b"\"u1\""), NOW);
        let valid = purpose == Purpose::TwoFactorValidity;
        assert_eq!(
            codec.is_valid_for("u1", &cookie, NOW, DAY),
            valid,
            "{purpose:?}"
        );
    }
    let signer = Purpose::TwoFactorValidity.timed_signer(&ring, None);
    for json in ["[\"u1\"]", "null", "1", "\"u1", "\"\""] {
        let cookie = signer.sign(&encode_payload(json.as_bytes()), NOW);
        assert!(!codec.is_valid_for("u1", &cookie, NOW, DAY), "{json}");
        assert!(!codec.is_valid_for("", &cookie, NOW, DAY), "{json}");
    }
    assert!(!codec.is_valid_for("u1", "", NOW, DAY));
}

proptest! {
    #[test]
    fn encrypted_codes_round_trip(plain in prop::collection::vec(any::<u8>(), 0..100), iv in any::<[u8; 16]>(), now in 0_i64..4_000_000_000) {
        let ring = keys([KEY]);
        let token = ring.seal(&plain, &iv, now);
        prop_assert_eq!(ring.open(&token, now, Some(0)).unwrap().to_vec(), plain);
        prop_assert_eq!(keys([OTHER]).open(&token, now, None), None);
    }

    #[test]
    fn a_changed_token_does_not_open(plain in ".{0,40}", at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
        let ring = keys([KEY]);
        let token = ring.seal(plain.as_bytes(), &[7; 16], NOW);
        let digits = token.trim_end_matches('=').len();
        // The last digit has unused bits.
        let at = at.index(digits - 1);
        prop_assume!(token[at..=at] != to);
        let changed = format!("{}{to}{}", &token[..at], &token[at + 1..]);
        prop_assert_eq!(ring.open(&changed, NOW, None), None);
    }

    #[test]
    fn states_round_trip(method in ".{0,20}", secret in ".{0,300}", phone in prop::option::of(".{0,20}")) {
        let state = SetupState { method, totp_secret: secret.into(), phone, user: None };
        for kind in [SetupKind::Unified, SetupKind::TwoFactor] {
            let codec = SetupStateCodec::new(&KeyRing::new("key", []), kind, None);
            let opened = codec.open(&codec.seal(&state, NOW), NOW, DAY);
            prop_assert_eq!(opened.as_ref(), Ok(&state));
        }
    }

    #[test]
    fn validity_cookies_round_trip(user in ".{1,80}") {
        let codec = ValidityCookieCodec::new(&KeyRing::new("key", []), None);
        prop_assert!(codec.is_valid_for(&user, &codec.seal(&user, NOW), NOW, DAY));
    }

    #[test]
    fn arbitrary_input_never_panics(column in ".{0,200}", typed in ".{0,40}", now in any::<i64>()) {
        let ring = keys([KEY]);
        for keys in [None, Some(&ring)] {
            let codes = RecoveryCodes::open(Some(&column), keys, Some(60), now);
            let _ = codes.find(&typed);
            prop_assert!(keys.is_some() || *codes.to_column() == column);
        }
        let _ = ring.seal(column.as_bytes(), &[0; 16], now);
        let codec = SetupStateCodec::new(&KeyRing::new("key", []), SetupKind::Unified, None);
        let _ = codec.open(&column, now, DAY);
    }
}
