//! Tokens and cookies made by the Python libraries open here, and those made here equal theirs.

#![expect(clippy::unwrap_used, reason = "an unexpected result ends the test")]

use std::net::IpAddr;
use std::time::Duration;

use serde_json::Value;
use vestibule_formats::auth_token::{AuthTokenCodec, AuthTokenError};
use vestibule_formats::csrf::{CsrfCodec, CsrfError};
use vestibule_formats::flask_session::SessionCodec;
use vestibule_formats::purpose::Purpose;
use vestibule_formats::remember_cookie::RememberCodec;
use vestibule_formats::session_identifier::session_identifier;
use vestibule_formats::sign::{KeyRing, SignatureError, decode_payload, encode_payload};

const DAY: Duration = Duration::from_secs(86400);
const USER: &str = "f52d77f5f7cb4535a10a4c28fa224137";

fn recorded() -> Value {
    serde_json::from_str(include_str!("vectors/artefacts.json")).unwrap()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

fn now(recorded: &Value) -> i64 {
    recorded["now"].as_i64().unwrap()
}

/// The current key and the one before it.
fn ring(recorded: &Value) -> KeyRing {
    KeyRing::new(text(recorded, "key"), [text(recorded, "old")])
}

#[test]
fn recorded_sessions_open_with_their_values() {
    let recorded = recorded();
    let codec = SessionCodec::new(&ring(&recorded));
    for case in recorded["sessions"].as_array().unwrap() {
        let name = text(case, "name");
        let session = codec.open(text(case, "cookie"), now(&recorded), DAY);
        let values = case["values"].as_object().unwrap();
        assert_eq!(session.names().count(), values.len(), "{name}");
        for (key, value) in values {
            match value {
                Value::String(text) => {
                    assert_eq!(session.get_str(key).as_ref(), Some(text), "{name}");
                }
                Value::Bool(flag) => assert_eq!(session.get_bool(key), Some(*flag), "{name}"),
                other => assert_eq!(session.get_f64(key), other.as_f64(), "{name}"),
            }
        }
        assert!(!session.modified(), "{name}");
        assert_eq!(session.permanent(), name == "permanent");
    }
}

#[test]
fn sealed_sessions_equal_those_of_flask() {
    let recorded = recorded();
    let codec = SessionCodec::new(&ring(&recorded));
    let case = &recorded["sessions"][1];
    let session = codec.open(text(case, "cookie"), now(&recorded), DAY);
    assert_eq!(codec.seal(&session, now(&recorded)), text(case, "cookie"));
}

#[test]
fn values_of_an_application_are_sealed_unchanged() {
    let recorded = recorded();
    let codec = SessionCodec::new(&ring(&recorded));
    let cookie = text(&recorded["foreign"], "cookie");
    let mut session = codec.open(cookie, now(&recorded), DAY);
    let mut names: Vec<&str> = session.names().collect();
    names.sort_unstable();
    let expected: Vec<&str> = recorded["foreign"]["names"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(names, expected);
    session.set_str("_user_id", USER);
    session.remove("_user_id");
    let sealed = codec.seal(&session, now(&recorded));
    let json = |cookie: &str| {
        let payload = cookie.rsplitn(3, '.').nth(2).unwrap();
        decode_payload(payload).unwrap()
    };
    assert_eq!(json(&sealed), json(cookie), "byte for byte");
}

#[test]
fn foreign_expired_and_changed_sessions_are_refused() {
    let recorded = recorded();
    let cookie = text(&recorded["sessions"][2], "cookie");
    let at = now(&recorded);
    let retired = SessionCodec::new(&KeyRing::new(text(&recorded, "other"), []));
    assert!(retired.open(cookie, at, DAY).is_empty());
    let codec = SessionCodec::new(&ring(&recorded));
    assert!(!codec.open(cookie, at + 86400, DAY).is_empty());
    assert!(codec.open(cookie, at + 86401, DAY).is_empty(), "too old");
    assert!(
        !codec.open(cookie, at - 60, DAY).is_empty(),
        "clocks differ"
    );
    assert!(
        codec.open(cookie, at - 61, DAY).is_empty(),
        "from the future"
    );
    for link in recorded["links"].as_object().unwrap().values() {
        assert!(codec.open(link.as_str().unwrap(), at, DAY).is_empty());
    }
    for position in 0..cookie.len() {
        let mut bytes = cookie.as_bytes().to_vec();
        bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert!(
            codec.open(&changed, at, DAY).is_empty(),
            "changed at {position}"
        );
        assert!(
            codec.open(&cookie[..position], at, DAY).is_empty(),
            "cut at {position}"
        );
    }
}

#[test]
fn identifiers_equal_those_of_flask_login() {
    let recorded = recorded();
    for case in recorded["identifiers"].as_array().unwrap() {
        let address: IpAddr = text(case, "address").parse().unwrap();
        let agent: Option<Vec<u8>> = case["agent"].as_array().map(|bytes| {
            bytes
                .iter()
                .map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap())
                .collect()
        });
        // A trusted proxy reports the client's address. Anything that is not an address is not
        // trusted here.
        let forwarded = case["forwarded"].as_str();
        let first = forwarded.and_then(|chain| chain.split(',').next());
        let address = match first.map(|first| first.trim().parse()) {
            None => Some(address),
            Some(Ok(address)) => Some(address),
            Some(Err(_)) => continue,
        };
        assert_eq!(
            session_identifier(address, agent.as_deref()),
            text(case, "identifier"),
            "{case}"
        );
    }
}

#[test]
fn remember_cookies_equal_those_of_flask_login() {
    let recorded = recorded();
    for case in recorded["remember"].as_array().unwrap() {
        let (user, cookie) = (text(case, "user"), text(case, "cookie"));
        let codec = RememberCodec::new(&KeyRing::new(text(case, "key"), []));
        assert_eq!(codec.seal(user), cookie);
        assert_eq!(codec.open(cookie).as_deref(), Some(user));
        let rotated =
            RememberCodec::new(&KeyRing::new("a new key, 0123456789", [text(case, "key")]));
        assert_eq!(
            rotated.open(cookie).as_deref(),
            Some(user),
            "an older key is accepted"
        );
        let retired = RememberCodec::new(&KeyRing::new("a new key, 0123456789", []));
        assert_eq!(retired.open(cookie), None);
        for (end, _) in cookie.char_indices() {
            assert_eq!(codec.open(&cookie[..end]), None, "cut at {end}");
        }
    }
}

#[test]
fn csrf_tokens_equal_those_of_flask_wtf() {
    let recorded = recorded();
    let (raw, token) = (
        text(&recorded["csrf"], "raw"),
        text(&recorded["csrf"], "token"),
    );
    let at = now(&recorded);
    let codec = CsrfCodec::new(&ring(&recorded));
    assert_eq!(codec.make(raw, at), token);
    let hour = Some(Duration::from_secs(3600));
    let check = |token, session, at, limit| codec.check(token, session, at, limit);
    assert_eq!(check(token, Some(raw), at, hour), Ok(()));
    assert_eq!(check(token, Some(raw), at + 3600, hour), Ok(()));
    assert_eq!(
        check(token, Some(raw), at + 3601, hour),
        Err(CsrfError::Expired)
    );
    assert_eq!(check(token, Some(raw), at + 999_999, None), Ok(()));
    assert_eq!(check("", Some(raw), at, hour), Err(CsrfError::Missing));
    assert_eq!(check(token, None, at, hour), Err(CsrfError::SessionMissing));
    assert_eq!(
        check(token, Some("another"), at, hour),
        Err(CsrfError::Mismatch)
    );
    assert_eq!(
        check(&token[1..], Some(raw), at, hour),
        Err(CsrfError::Invalid)
    );
    let link = recorded["links"]["Confirm"].as_str().unwrap();
    assert_eq!(check(link, Some(raw), at, hour), Err(CsrfError::Invalid));
}

#[test]
fn auth_tokens_of_every_version_are_read() {
    let recorded = recorded();
    let at = now(&recorded);
    let codec = AuthTokenCodec::new(&ring(&recorded), None);
    let uid = "u".repeat(32);
    for (name, token) in recorded["auth"].as_object().unwrap() {
        let token = token.as_str().unwrap();
        let outcome = codec.open(token, at, DAY);
        if name == "version 5, ended" {
            assert_eq!(outcome, Err(AuthTokenError::PastItsEnd));
            continue;
        }
        let read = outcome.unwrap();
        assert_eq!(read.uniquifier, uid, "{name}");
        let version_5 = name.starts_with("version 5");
        assert_eq!(
            read.authenticated_at,
            version_5.then_some(1_799_999_999.5),
            "{name}"
        );
        assert_eq!(read.expires_at.is_some(), name.contains("end"), "{name}");
        assert!(matches!(
            codec.open(token, at + 86401, DAY),
            Err(AuthTokenError::Signature(SignatureError::Expired { .. }))
        ));
        let again = codec.seal(&read, at);
        assert_eq!(
            codec.open(&again, at, DAY).unwrap(),
            read_as_version_5(read),
            "{name}"
        );
    }
}

/// Old versions hold no time of authentication; version 5 writes zero instead.
fn read_as_version_5(
    mut token: vestibule_formats::auth_token::AuthToken,
) -> vestibule_formats::auth_token::AuthToken {
    token.authenticated_at = Some(token.authenticated_at.unwrap_or_default());
    token
}

#[test]
fn recorded_links_open_for_their_own_purpose_only() {
    let recorded = recorded();
    let at = now(&recorded);
    let links = recorded["links"].as_object().unwrap();
    for purpose in Purpose::ALL {
        let signer = purpose.timed_signer(&ring(&recorded), None);
        for (name, link) in links {
            let outcome = signer.open(link.as_str().unwrap(), at, Some(DAY));
            if *name != format!("{purpose:?}") {
                assert_eq!(
                    outcome,
                    Err(SignatureError::BadSignature),
                    "{name} as {purpose:?}"
                );
                continue;
            }
            let opened = outcome.unwrap();
            assert_eq!(opened.signed_at, at);
            let data: Value =
                serde_json::from_slice(&decode_payload(opened.payload).unwrap()).unwrap();
            assert_eq!(data[0], USER);
            let json = format!("[\"{USER}\",\"$5$rounds=1000$salt$digest\"]");
            let again = signer.sign(&encode_payload(json.as_bytes()), at);
            let payload = signer.open(&again, at, None).unwrap().payload;
            assert_eq!(decode_payload(payload).unwrap(), json.as_bytes());
        }
    }
}

#[test]
fn refresh_tokens_are_signed_without_a_time() {
    let recorded = recorded();
    let signer = Purpose::RefreshToken.signer(&ring(&recorded), None);
    let payload = signer.unsign(text(&recorded, "refresh")).unwrap();
    let data: Value = serde_json::from_slice(&decode_payload(payload).unwrap()).unwrap();
    assert_eq!(data["gen"], 1);
}

#[test]
fn tokens_with_another_salt_are_refused() {
    let recorded = recorded();
    let link = recorded["links"]["Confirm"].as_str().unwrap();
    let signer = Purpose::Confirm.timed_signer(&ring(&recorded), Some("another-salt"));
    assert_eq!(
        signer.open(link, now(&recorded), None),
        Err(SignatureError::BadSignature)
    );
}
