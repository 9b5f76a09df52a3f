//! Properties that hold for every input: values round-trip, changed values are refused, and nothing
//! panics.

#![expect(clippy::unwrap_used, reason = "an unexpected result ends the test")]

use std::time::Duration;

use proptest::prelude::*;
use vestibule_formats::auth_token::{AuthToken, AuthTokenCodec};
use vestibule_formats::csrf::CsrfCodec;
use vestibule_formats::flask_session::{Session, SessionCodec};
use vestibule_formats::hash::{Argon2Options, Hasher, HasherOptions, Memory, SingleHash};
use vestibule_formats::purpose::Purpose;
use vestibule_formats::redirect::{AllowedHosts, is_allowed};
use vestibule_formats::remember_cookie::RememberCodec;
use vestibule_formats::sign::{KeyRing, decode_payload, encode_payload};
use vestibule_formats::text::email::{EmailOptions, normalise};

const NOW: i64 = 1_800_000_000;
const DAY: Duration = Duration::from_secs(86400);

fn ring() -> KeyRing {
    KeyRing::new("the present key", ["the key before it"])
}

fn hasher() -> Hasher {
    let argon2 = Argon2Options {
        memory_cost: 16,
        time_cost: 1,
        parallelism: 1,
        ..Argon2Options::default()
    };
    let options = HasherOptions {
        salt: Some("salt"),
        single_hash: SingleHash::Schemes(Vec::new()),
        argon2,
    };
    Hasher::new(&options).unwrap()
}

/// The same text with one character changed.
fn changed(text: &str, position: usize) -> String {
    let mut bytes = text.as_bytes().to_vec();
    let position = position % bytes.len();
    bytes[position] = if bytes[position] == b'x' { b'y' } else { b'x' };
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #[test]
    fn payloads_round_trip(json in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert_eq!(decode_payload(&encode_payload(&json)).unwrap(), json);
    }

    #[test]
    fn sessions_round_trip(values in prop::collection::btree_map(".{1,20}", ".{0,200}", 0..8)) {
        let codec = SessionCodec::new(&ring());
        let mut session = Session::default();
        for (name, value) in &values {
            session.set_str(name, value);
        }
        let cookie = codec.seal(&session, NOW);
        prop_assert!(cookie.is_ascii());
        let opened = codec.open(&cookie, NOW, DAY);
        prop_assert_eq!(opened.names().count(), values.len());
        for (name, value) in &values {
            prop_assert_eq!(opened.get_str(name), Some(value.clone()));
        }
    }

    #[test]
    fn one_changed_character_is_refused(name in "[a-z]{1,12}", value in ".{0,60}", position in any::<usize>()) {
        let codec = SessionCodec::new(&ring());
        let mut session = Session::default();
        session.set_str(&name, &value);
        let cookie = codec.seal(&session, NOW);
        prop_assert!(codec.open(&changed(&cookie, position), NOW, DAY).is_empty());

        let remember = RememberCodec::new(&ring());
        let cookie = remember.seal(&name);
        prop_assert_eq!(remember.open(&changed(&cookie, position)), None);

        let csrf = CsrfCodec::new(&ring());
        let token = csrf.make(&name, NOW);
        prop_assert!(csrf.check(&changed(&token, position), Some(&name), NOW, None).is_err());

        let auth = AuthTokenCodec::new(&ring(), None);
        let token = AuthToken { uniquifier: name, authenticated_at: Some(1.5), expires_at: None };
        let sealed = auth.seal(&token, NOW);
        prop_assert_eq!(auth.open(&sealed, NOW, DAY).unwrap(), token);
        prop_assert!(auth.open(&changed(&sealed, position), NOW, DAY).is_err());
    }

    #[test]
    fn a_token_opens_for_its_own_purpose_only(one in 0..10_usize, other in 0..10_usize) {
        let (one, other) = (Purpose::ALL[one], Purpose::ALL[other]);
        let token = one.timed_signer(&ring(), None).sign(&encode_payload(b"[]"), NOW);
        let outcome = other.timed_signer(&ring(), None).open(&token, NOW, None);
        prop_assert_eq!(outcome.is_ok(), one == other);
    }

    #[test]
    fn age_limits_are_exact_to_the_second(age in -100_i64..100, limit in 0_u64..100) {
        let signer = Purpose::Reset.timed_signer(&ring(), None);
        let token = signer.sign(&encode_payload(b"[]"), NOW);
        let outcome = signer.open(&token, NOW + age, Some(Duration::from_secs(limit)));
        // Another server's clock may be up to a minute ahead.
        let age = if (-60..0).contains(&age) { 0 } else { age };
        prop_assert_eq!(outcome.is_ok(), u64::try_from(age).is_ok_and(|age| age <= limit));
    }

    #[test]
    fn passwords_verify_and_others_do_not(password in ".{0,80}", other in ".{0,80}", salt in any::<[u8; 16]>()) {
        let (hasher, mut memory) = (hasher(), Memory::default());
        let hash = hasher.hash(&password, &salt, &mut memory).unwrap();
        prop_assert!(hasher.verify(&password, &hash, &mut memory).unwrap());
        prop_assert!(!hasher.needs_upgrade(&hash));
        prop_assert_eq!(hasher.verify(&other, &hash, &mut memory).unwrap(), other == password);
    }

    #[test]
    fn arbitrary_input_never_panics(text in "\\PC{0,300}", host in "[a-z.:0-9]{0,30}") {
        let ring = ring();
        let _ = SessionCodec::new(&ring).open(&text, NOW, DAY);
        let _ = RememberCodec::new(&ring).open(&text);
        let _ = CsrfCodec::new(&ring).check(&text, Some(&text), NOW, Some(DAY));
        let _ = AuthTokenCodec::new(&ring, None).open(&text, NOW, DAY);
        let _ = decode_payload(&text);
        let _ = hasher().verify("x", &text, &mut Memory::default());
        let _ = hasher().verify("x", &format!("$argon2id${text}"), &mut Memory::default());
        let _ = is_allowed(&text, &AllowedHosts { own: &host, with_subdomains_of: Some(&host), listed: &[] });
        if let Ok(address) = normalise(&text, &EmailOptions::default()) {
            prop_assert_eq!(normalise(&address, &EmailOptions::default()), Ok(address));
        }
    }

    #[test]
    fn an_allowed_target_stays_on_our_host(target in "[/\\\\:@.?#a-z \\t%5c-]{0,24}") {
        let hosts = AllowedHosts { own: "app.example", with_subdomains_of: None, listed: &[] };
        if is_allowed(&target, &hosts) {
            for base in ["http://app.example/", "https://app.example/"] {
                let url = url::Url::parse(base).unwrap().join(&target).unwrap();
                prop_assert_eq!(url.host_str(), Some("app.example"), "{}", target);
            }
        }
    }
}

#[test]
fn attack_decompression_bomb_payloads_beyond_the_limit_are_refused() {
    let zeros = vec![b'0'; 10 * 1024 * 1024];
    let bomb = encode_payload(&zeros);
    assert!(bomb.len() < 20_000);
    assert!(decode_payload(&bomb).is_err());
}
