//! Two servers on one database: each accepts the passkeys and the state tokens of the other.

use serde_json::{Value, json};
use vestibule_testkit::authenticator::Authenticator;
use vestibule_testkit::keys::Algorithm;

use crate::support::http::Response;
use crate::support::jar::Jar;
use crate::support::pair::Pair;
use crate::support::passkeys::{
    DELETE, REGISTER, SIGN_IN, VERIFY, options, origin, passkeys, post, state,
};
use crate::support::requests::{sign_in, who};
use crate::support::users::ANA;

/// Both directions: a name, the server that issues a value, and the server that reads it.
fn both_ways(pair: &Pair) -> [(&'static str, u16, u16); 2] {
    [
        ("ours to the reference", pair.ours.port, pair.theirs.port),
        ("the reference's to ours", pair.theirs.port, pair.ours.port),
    ]
}

fn shown(answer: &Response) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    format!("{} {body}", answer.status)
}

fn is_signed_in(jar: &mut Jar, port: u16) -> bool {
    let answer = jar.send(who(), port).json().expect("JSON");
    answer["response"].get("user").is_some()
}

fn signed_in(port: u16) -> Jar {
    let mut jar = Jar::default();
    let answer = jar.send(sign_in(ANA), port);
    assert_eq!(answer.status, 200, "{}", shown(&answer));
    jar
}

/// Begins a ceremony at one server, lets the authenticator answer, and finishes it at another.
fn ceremony(
    jar: &mut Jar,
    (begin, finish): (u16, u16),
    path: &str,
    body: &Value,
    answer: impl FnOnce(&Value) -> Value,
) -> Response {
    let begun = jar.send(post(path, body, jar), begin);
    assert_eq!(begun.status, 200, "{}", shown(&begun));
    let credential = answer(&options(&begun)).to_string();
    let path = format!("{path}/{}", state(&begun));
    jar.send(post(&path, &json!({"credential": credential}), jar), finish)
}

/// Registers a key in a session of Ana's.
fn register(jar: &mut Jar, ports: (u16, u16), key: &mut Authenticator, name: &str, usage: &str) {
    key.origin = origin(ports.1);
    let body = json!({"name": name, "usage": usage});
    let answer = ceremony(jar, ports, REGISTER, &body, |options| {
        key.register(options).expect("a registration")
    });
    assert_eq!(answer.status, 200, "{name}: {}", shown(&answer));
}

/// Uses a key at an endpoint.
fn assert_with(jar: &mut Jar, ports: (u16, u16), key: &mut Authenticator, path: &str) -> Response {
    key.origin = origin(ports.1);
    ceremony(jar, ports, path, &json!({}), |options| {
        key.sign_in(options).expect("an assertion")
    })
}

#[test]
fn artefacts_passkey_registered_at_either_signs_in_at_the_other() {
    let pair = Pair::start("passkeys", &passkeys(&json!({})));
    for (name, maker, reader) in both_ways(&pair) {
        for algorithm in [Algorithm::Es256, Algorithm::EdDsa, Algorithm::Rs256] {
            let mut key = Authenticator::new("").with(algorithm);
            let label = format!("{algorithm:?} {maker}");
            let mut jar = signed_in(maker);
            register(&mut jar, (maker, maker), &mut key, &label, "first");
            for port in [reader, maker, reader] {
                let mut jar = Jar::default();
                let answer = assert_with(&mut jar, (port, port), &mut key, SIGN_IN);
                assert_eq!(answer.status, 200, "{name}, {label}: {}", shown(&answer));
                assert!(is_signed_in(&mut jar, port), "{name}, {label}");
            }
            // The sign count of one is known to the other.
            key.credentials[0].sign_count = 1;
            let mut jar = Jar::default();
            let answer = assert_with(&mut jar, (reader, reader), &mut key, SIGN_IN);
            assert_eq!(answer.status, 400, "{name}, {label}: {}", shown(&answer));
        }
    }
}

#[test]
fn artefacts_passkey_registered_at_either_is_the_others_second_factor() {
    let config = passkeys(&json!({"SECURITY_TWO_FACTOR": true}));
    let pair = Pair::start("passkey-factors", &config);
    for (name, maker, reader) in both_ways(&pair) {
        let mut key = Authenticator::new("").without_verification();
        key.resident = Some(false);
        let mut session = signed_in(maker);
        let label = format!("key {maker}");
        register(&mut session, (maker, maker), &mut key, &label, "secondary");
        let mut jar = signed_in(reader);
        let answer = assert_with(&mut jar, (reader, reader), &mut key, SIGN_IN);
        assert_eq!(answer.status, 200, "{name}: {}", shown(&answer));
        assert!(is_signed_in(&mut jar, reader), "{name}");
        // A sign-in that begins with a password at one is finished with the key at the other.
        let mut jar = signed_in(maker);
        let answer = assert_with(&mut jar, (reader, reader), &mut key, SIGN_IN);
        assert_eq!(answer.status, 200, "{name}: {}", shown(&answer));
        assert!(is_signed_in(&mut jar, maker), "{name}");
        // The other server deletes it, and the password is enough again.
        let deleted = jar.send(post(DELETE, &json!({"name": label}), &jar), reader);
        assert_eq!(deleted.status, 200, "{name}: {}", shown(&deleted));
        let mut jar = signed_in(maker);
        assert!(is_signed_in(&mut jar, maker), "{name}: without a key");
    }
}

#[test]
fn artefacts_passkey_ceremonies_begin_at_either_and_end_at_the_other() {
    let pair = Pair::start("passkey-states", &passkeys(&json!({})));
    for (name, maker, reader) in both_ways(&pair) {
        let ports = (maker, reader);
        let mut key = Authenticator::new("");
        let mut session = signed_in(maker);
        register(
            &mut session,
            ports,
            &mut key,
            &format!("key {maker}"),
            "first",
        );
        let mut jar = Jar::default();
        let answer = assert_with(&mut jar, ports, &mut key, SIGN_IN);
        assert_eq!(answer.status, 200, "{name}: {}", shown(&answer));
        assert!(is_signed_in(&mut jar, maker), "{name}");
        let answer = assert_with(&mut jar, ports, &mut key, VERIFY);
        assert_eq!(answer.status, 200, "{name}: {}", shown(&answer));
    }
}
