//! Two servers on one database: each accepts the second factors, recovery codes, remembered devices
//! and unfinished sign-ins of the other.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::factors::{
    KEY, RECOVERY, RECOVERY_CODES, SETUP, VALIDATE, code, member, post, two_factor,
};
use crate::support::http::{Request, Response};
use crate::support::jar::Jar;
use crate::support::pair::Pair;
use crate::support::python::Python;
use crate::support::requests::{sign_in, sign_in_with, who};
use crate::support::users::{ANA, ANA_ID, PASSWORD};

const OLD_SECRET: &str = "an old secret for stored keys, 0123456789";
const NEW_SECRET: &str = "a new secret for stored keys, 0123456789a";
const OLD_KEY: &str = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";
const NEW_KEY: &str = "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY=";

/// Both directions: a name, the server that issues a value, and the server that reads it.
fn both_ways(pair: &Pair) -> [(&'static str, u16, u16); 2] {
    [
        ("ours to the reference", pair.ours.port, pair.theirs.port),
        ("the reference's to ours", pair.theirs.port, pair.ours.port),
    ]
}

fn start(name: &str, changes: &Value) -> Pair {
    Pair::start(name, &two_factor(changes))
}

fn give_factor(pair: &Pair, secret: &str) {
    let database = &pair.ours.database;
    database.set(ANA, "tf_totp_secret", secret);
    database.set(ANA, "tf_primary_method", "authenticator");
}

fn column(pair: &Pair, name: &str) -> String {
    pair.ours.database.users()[ANA][name].clone()
}

fn plain() -> String {
    json!({"key": KEY, "type": "totp", "v": 1}).to_string()
}

fn shown(answer: &Response) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    format!("{} {body}", answer.status)
}

/// Whether a jar's session is signed in. The request ends an unfinished sign-in.
fn is_signed_in(jar: &mut Jar, port: u16) -> bool {
    let answer = jar.send(who(), port).json().expect("JSON");
    answer["response"].get("user").is_some()
}

/// A jar whose sign-in waits for the second factor.
fn half_signed_in(port: u16) -> Jar {
    let mut jar = Jar::default();
    let answer = jar.send(sign_in(ANA), port);
    assert_eq!(member(&answer, "tf_state"), "ready", "{}", shown(&answer));
    jar
}

fn validate(jar: &mut Jar, port: u16, code: &str) -> Response {
    jar.send(Request::post(VALIDATE, &json!({"code": code})), port)
}

/// A jar that is signed in with both factors.
fn signed_in(port: u16, steps: i64) -> Jar {
    let mut jar = half_signed_in(port);
    let answer = validate(&mut jar, port, &code(KEY, steps));
    assert_eq!(answer.status, 200, "{}", shown(&answer));
    jar
}

fn recovery_codes(answer: &Response) -> Vec<String> {
    let body = answer.json().expect("JSON");
    let codes = body["response"]["recovery_codes"].as_array();
    let codes = codes.expect("recovery codes").iter();
    codes
        .filter_map(|code| Some(code.as_str()?.to_owned()))
        .collect()
}

#[test]
fn artefacts_factor_set_up_at_either_is_shown_at_the_other() {
    let pair = start("factors", &json!({}));
    for (name, maker, reader) in both_ways(&pair) {
        let mut jar = Jar::default();
        jar.send(sign_in(ANA), maker);
        let begun = jar.send(post(SETUP, &json!({"setup": "authenticator"}), &jar), maker);
        let key = member(&begun, "tf_authr_b32key");
        let path = format!("{SETUP}/{}", member(&begun, "tf_state_token"));
        // The state of the set-up is confirmed at the other server.
        let confirmed = jar.send(post(&path, &json!({"code": code(&key, -1)}), &jar), reader);
        assert_eq!(confirmed.status, 200, "{name}: {}", shown(&confirmed));
        for (steps, port) in [(0, maker), (1, reader)] {
            let mut jar = half_signed_in(port);
            let answer = validate(&mut jar, port, &code(&key, steps));
            assert_eq!(answer.status, 200, "{name}: {}", shown(&answer));
        }
        let mut jar = half_signed_in(maker);
        let answer = validate(&mut jar, maker, &code(&key, 2));
        assert_eq!(answer.status, 200, "{name}: {}", shown(&answer));
        let removed = jar.send(post(SETUP, &json!({"setup": "disable"}), &jar), reader);
        assert_eq!(removed.status, 200, "{name}: {}", shown(&removed));
        let mut jar = Jar::default();
        jar.send(sign_in(ANA), maker);
        assert!(is_signed_in(&mut jar, maker), "{name}: without a factor");
        jar.send(post("/api/accounts/logout", &json!({}), &jar), maker);
    }
}

#[test]
fn artefacts_sign_in_begun_at_either_is_finished_at_the_other() {
    let pair = start("halves", &json!({}));
    give_factor(&pair, &plain());
    for (steps, (name, maker, reader)) in [-1, 1].into_iter().zip(both_ways(&pair)) {
        let mut jar = half_signed_in(maker);
        let wrong = validate(&mut jar, reader, "000000x");
        assert_eq!(wrong.status, 400, "{name}: {}", shown(&wrong));
        let answer = validate(&mut jar, reader, &code(KEY, steps));
        assert_eq!(answer.status, 200, "{name}: {}", shown(&answer));
        assert!(is_signed_in(&mut jar, maker), "{name}: back at its issuer");
    }
}

#[test]
fn artefacts_set_up_of_a_sign_in_moves_between_both() {
    let pair = start("set-ups", &json!({"SECURITY_TWO_FACTOR_REQUIRED": true}));
    for (user, (name, maker, reader)) in ["gil@example.com", "hal@example.com"]
        .into_iter()
        .zip(both_ways(&pair))
    {
        let mut jar = Jar::default();
        let answer = jar.send(sign_in(user), maker);
        assert_eq!(member(&answer, "tf_state"), "setup_from_login", "{name}");
        let body = json!({"setup": "authenticator"});
        let begun = jar.send(Request::post(SETUP, &body), reader);
        let key = member(&begun, "tf_authr_b32key");
        assert_eq!(begun.status, 200, "{name}: {}", shown(&begun));
        let answer = validate(&mut jar, maker, &code(&key, 0));
        assert_eq!(answer.status, 200, "{name}: {}", shown(&answer));
        assert!(is_signed_in(&mut jar, reader), "{name}");
    }
}

#[test]
fn artefacts_stored_keys_are_read_by_both() {
    let old = json!({"1": OLD_SECRET});
    let new = json!({"2": NEW_SECRET});
    let rotated = json!({"1": OLD_SECRET, "2": NEW_SECRET});
    let pair = start("keys", &json!({"SECURITY_TOTP_SECRETS": rotated}));
    let python = Python::get();
    let mut steps = -3;
    for (name, stored) in [
        ("plain", plain()),
        ("sealed with the old secret", python.seal_key(&old, KEY)),
        ("sealed with the new secret", python.seal_key(&new, KEY)),
    ] {
        give_factor(&pair, &stored);
        for port in [pair.ours.port, pair.theirs.port] {
            steps += 1;
            let mut jar = half_signed_in(port);
            let answer = validate(&mut jar, port, &code(KEY, steps));
            assert_eq!(answer.status, 200, "{name} at {port}: {}", shown(&answer));
        }
    }
    // A key that no server can read shows no factor.
    give_factor(&pair, &python.seal_key(&json!({"9": SECRET}), KEY));
    let mut jar = half_signed_in(pair.ours.port);
    let answer = validate(&mut jar, pair.ours.port, &code(KEY, 4));
    assert_eq!(answer.status, 400, "{}", shown(&answer));
    // Both seal new keys with the new secret.
    for (name, maker, _) in both_ways(&pair) {
        let mut jar = Jar::default();
        pair.ours.database.set(ANA, "tf_totp_secret", "");
        jar.send(sign_in(ANA), maker);
        let begun = jar.send(post(SETUP, &json!({"setup": "authenticator"}), &jar), maker);
        let key = member(&begun, "tf_authr_b32key");
        let path = format!("{SETUP}/{}", member(&begun, "tf_state_token"));
        let confirmed = jar.send(post(&path, &json!({"code": code(&key, 0)}), &jar), maker);
        assert_eq!(confirmed.status, 200, "{name}: {}", shown(&confirmed));
        let stored = column(&pair, "tf_totp_secret");
        assert_eq!(python.open_key(&new, &stored), key, "{name}");
    }
}

#[test]
fn artefacts_recovery_codes_of_either_are_accepted_by_the_other() {
    for (name, keys) in [("plain", json!([])), ("sealed", json!([OLD_KEY]))] {
        let changes = json!({
            "SECURITY_MULTI_FACTOR_RECOVERY_CODES": true,
            "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": keys,
        });
        let pair = start(&format!("recovery-{name}"), &changes);
        give_factor(&pair, &plain());
        for (steps, (direction, maker, reader)) in [-1, 1].into_iter().zip(both_ways(&pair)) {
            let mut jar = signed_in(maker, steps);
            let created = jar.send(post(RECOVERY_CODES, &json!({}), &jar), maker);
            let codes = recovery_codes(&created);
            assert_eq!(codes.len(), 5, "{name}, {direction}");
            let at_reader = recovery_codes(&jar.send(Request::get(RECOVERY_CODES), reader));
            assert_eq!(at_reader, codes, "{name}, {direction}");
            let used = Request::post(RECOVERY, &json!({"code": codes[2]}));
            for (port, status) in [(reader, 200), (maker, 400), (reader, 400)] {
                let answer = half_signed_in(port).send(used.clone(), port);
                assert_eq!(
                    answer.status,
                    status,
                    "{name}, {direction}: {}",
                    shown(&answer)
                );
            }
            let left = recovery_codes(&jar.send(Request::get(RECOVERY_CODES), maker));
            assert_eq!(
                left,
                [&codes[..2], &codes[3..]].concat(),
                "{name}, {direction}"
            );
        }
    }
}

#[test]
fn artefacts_recovery_codes_survive_a_rotation_of_their_keys() {
    let with_keys = |name: &str, keys: Value| {
        let changes = json!({
            "SECURITY_MULTI_FACTOR_RECOVERY_CODES": true,
            "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS": keys,
        });
        let pair = start(name, &changes);
        give_factor(&pair, &plain());
        pair
    };
    let before = with_keys("recovery-old", json!([OLD_KEY]));
    let after = with_keys("recovery-new", json!([NEW_KEY, OLD_KEY]));
    let retired = with_keys("recovery-retired", json!([NEW_KEY]));
    for (steps, maker) in [(-1, before.ours.port), (1, before.theirs.port)] {
        let mut jar = signed_in(maker, steps);
        let created = jar.send(post(RECOVERY_CODES, &json!({}), &jar), maker);
        let codes = recovery_codes(&created);
        let stored = column(&before, "mf_recovery_codes");
        assert!(!stored.contains(&codes[0]), "{stored}");
        for pair in [&after, &retired] {
            pair.ours.database.set(ANA, "mf_recovery_codes", &stored);
        }
        for (place, port) in [after.ours.port, after.theirs.port].into_iter().enumerate() {
            let body = json!({"code": codes[place]});
            let answer = half_signed_in(port).send(Request::post(RECOVERY, &body), port);
            assert_eq!(answer.status, 200, "{}", shown(&answer));
        }
        for port in [retired.ours.port, retired.theirs.port] {
            let body = json!({"code": codes[4]});
            let answer = half_signed_in(port).send(Request::post(RECOVERY, &body), port);
            assert_eq!(answer.status, 400, "{}", shown(&answer));
        }
    }
}

#[test]
fn artefacts_device_remembered_by_either_is_spared_by_the_other() {
    let pair = start(
        "devices",
        &json!({"SECURITY_TWO_FACTOR_ALWAYS_VALIDATE": false}),
    );
    give_factor(&pair, &plain());
    let remembering =
        || sign_in_with(&json!({"email": ANA, "password": PASSWORD, "remember": true}));
    for (steps, (name, maker, reader)) in [-1, 1].into_iter().zip(both_ways(&pair)) {
        let mut jar = Jar::default();
        jar.send(remembering(), maker);
        let answer = validate(&mut jar, maker, &code(KEY, steps));
        assert_eq!(answer.status, 200, "{name}: {}", shown(&answer));
        let cookie = jar.get("tf_validity").expect("a cookie").to_owned();
        for port in [reader, maker] {
            let mut device = Jar::default();
            device.set("tf_validity", &cookie);
            device.send(sign_in(ANA), port);
            assert!(is_signed_in(&mut device, port), "{name} at {port}");
            let mut forged = Jar::default();
            forged.set("tf_validity", &format!("x{cookie}"));
            forged.send(sign_in(ANA), port);
            assert!(!is_signed_in(&mut forged, port), "{name} at {port}");
        }
    }
    let signed = Python::get().sign("two_factor_validity", SECRET, &json!(ANA_ID), 0);
    let mut device = Jar::default();
    device.set("tf_validity", &signed);
    device.send(sign_in(ANA), pair.ours.port);
    assert!(is_signed_in(&mut device, pair.ours.port));
}
