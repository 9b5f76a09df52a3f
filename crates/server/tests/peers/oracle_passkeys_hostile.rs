//! Replies of authenticators that are malformed or wrong, at the three second steps.

use serde_json::{Value, json};
use vestibule_testkit::authenticator::{Counter, Stage, flag};
use vestibule_testkit::keys::{Algorithm, Key};

use crate::support::duo::{Browser, Duo, Pair};
use crate::support::http::Request;
use crate::support::jar::Jar;
use crate::support::passkeys::{Passkeys, REGISTER, SIGN_IN, VERIFY, second_step};
use crate::support::requests::sign_in;
use crate::support::users::ANA;

type Change = Box<dyn FnMut(Stage<'_>)>;

fn step(jar: &Jar, own: &str) -> Request {
    second_step(own, jar)
}

/// A reply with another value, or without the member, at this path.
fn with(path: &'static [&'static str], value: Option<Value>) -> Change {
    Box::new(move |stage| {
        if let Stage::Reply(reply) = stage {
            let (last, parents) = path.split_last().expect("a path");
            let parent = parents.iter().fold(reply, |value, name| &mut value[*name]);
            match &value {
                Some(value) => parent[*last] = value.clone(),
                None => {
                    parent.as_object_mut().expect("an object").remove(*last);
                }
            }
        }
    })
}

/// Client data with another value.
fn client(name: &'static str, value: Value) -> Change {
    Box::new(move |stage| {
        if let Stage::ClientData(data) = stage {
            match (name, &value) {
                ("type", Value::String(text)) => data.kind.clone_from(text),
                ("challenge", Value::String(text)) => data.challenge.clone_from(text),
                ("origin", Value::String(text)) => data.origin.clone_from(text),
                _ => {
                    data.others.insert(name.into(), value.clone());
                }
            }
        }
    })
}

fn data(
    change: impl Fn(&mut vestibule_testkit::authenticator::AuthenticatorData) + 'static,
) -> Change {
    Box::new(move |stage| {
        if let Stage::AuthenticatorData(data) = stage {
            change(data);
        }
    })
}

/// What is malformed or wrong in both ceremonies.
fn common() -> Vec<(&'static str, Change)> {
    vec![
        ("without id", with(&["id"], None)),
        ("id a number", with(&["id"], Some(json!(5)))),
        ("another id", with(&["id"], Some(json!("AAAA")))),
        ("without rawId", with(&["rawId"], None)),
        ("rawId a number", with(&["rawId"], Some(json!(5)))),
        ("without type", with(&["type"], None)),
        ("another type", with(&["type"], Some(json!("password")))),
        ("without response", with(&["response"], None)),
        ("response a text", with(&["response"], Some(json!("text")))),
        (
            "without client data",
            with(&["response", "clientDataJSON"], None),
        ),
        (
            "client data a number",
            with(&["response", "clientDataJSON"], Some(json!(5))),
        ),
        (
            "client data no JSON",
            with(&["response", "clientDataJSON"], Some(json!("AAAA"))),
        ),
        (
            "unknown attachment",
            with(&["authenticatorAttachment"], Some(json!("neural"))),
        ),
        ("another challenge", client("challenge", json!("AAAA"))),
        ("no challenge", client("challenge", json!(""))),
        (
            "another origin",
            client("origin", json!("https://evil.example")),
        ),
        (
            "origin with a slash",
            client("origin", json!("http://localhost/")),
        ),
        ("another ceremony", client("type", json!("webauthn.other"))),
        (
            "another relying party",
            data(|data| data.rp_id_hash = vec![7; 32]),
        ),
        (
            "no user presence",
            data(|data| data.flags &= !flag::USER_PRESENT),
        ),
        ("bytes at the end", data(|data| data.rest = vec![0, 0])),
        ("a short hash", data(|data| data.rp_id_hash.truncate(8))),
    ]
}

#[test]
fn oracle_passkeys_hostile_registrations() {
    let mut duo = Duo::with_passkeys("wan-hostile-reg", &json!({}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    let begun = duo.begin_passkey(&mut ana, &json!({"name": "key", "usage": "first"}));
    let object = &["response", "attestationObject"];
    let mut changes = common();
    changes.extend([
        ("without attestation", with(object, None)),
        ("attestation a number", with(object, Some(json!(5)))),
        ("attestation no CBOR", with(object, Some(json!("AAAA")))),
        ("the other ceremony", client("type", json!("webauthn.get"))),
        (
            "no credential",
            data(|data| {
                data.attested = None;
                data.flags &= !flag::ATTESTED;
            }),
        ),
        (
            "a credential without its flag",
            data(|data| data.flags &= !flag::ATTESTED),
        ),
        (
            "a flag without extensions",
            data(|data| data.flags |= flag::EXTENSIONS),
        ),
        (
            "a credential ID that is too long for its data",
            data(|data| {
                if let Some(attested) = &mut data.attested {
                    attested.id_length = Some(60_000);
                }
            }),
        ),
        (
            "an empty credential ID",
            data(|data| {
                if let Some(attested) = &mut data.attested {
                    attested.id.clear();
                }
            }),
        ),
        (
            "truncated attestation",
            Box::new(|stage: Stage<'_>| {
                if let Stage::AttestationObject(bytes) = stage {
                    bytes.truncate(bytes.len() - 3);
                }
            }) as Change,
        ),
    ]);
    let count = changes.len();
    for (name, mut change) in changes {
        let own = Passkeys::new(&duo).create_with(&begun, &mut *change);
        duo.send_own(name, &mut ana, &own, step);
    }
    for algorithm in [Algorithm::Es384, Algorithm::Es512, Algorithm::Ps256] {
        let key = Key::generate(algorithm);
        let own = Passkeys::new(&duo).create_with(&begun, &mut |stage| {
            if let Stage::AuthenticatorData(data) = stage
                && let Some(attested) = &mut data.attested
            {
                attested.key = key.cose_key();
            }
        });
        let name = format!("an algorithm that was not offered: {algorithm:?}");
        duo.send_own(&name, &mut ana, &own, step);
    }
    duo.send("nothing was registered", &mut ana, |_| {
        Request::get(REGISTER)
    });
    assert_eq!(count, 32);
    duo.finish(38);
}

/// Assertions that are refused at the endpoint, with the last one accepted.
fn assertions(
    duo: &mut Duo,
    keys: &mut Passkeys,
    endpoint: &str,
    browser: &Browser,
    begun: &Pair,
) -> usize {
    let (raw, handle) = (&["rawId"], &["response", "userHandle"]);
    let (bytes, signature) = (
        &["response", "authenticatorData"],
        &["response", "signature"],
    );
    let mut changes = common();
    changes.extend([
        ("without authenticator data", with(bytes, None)),
        ("authenticator data a number", with(bytes, Some(json!(5)))),
        (
            "authenticator data truncated",
            with(bytes, Some(json!("AAAA"))),
        ),
        ("without signature", with(signature, None)),
        ("signature a number", with(signature, Some(json!(5)))),
        ("signature of nothing", with(signature, Some(json!("")))),
        ("another signature", with(signature, Some(json!("AAAA")))),
        ("user handle a number", with(handle, Some(json!(5)))),
        ("another user's handle", with(handle, Some(json!("AAAA")))),
        ("an unknown credential", with(raw, Some(json!("AAAA")))),
        (
            "the other ceremony",
            client("type", json!("webauthn.create")),
        ),
        (
            "a signature of something else",
            Box::new(|stage: Stage<'_>| {
                if let Stage::Signed(bytes) = stage {
                    bytes.push(0);
                }
            }) as Change,
        ),
        ("an old sign count", data(|data| data.sign_count = 0)),
    ]);
    let count = changes.len();
    for (name, mut change) in changes {
        let own = keys.force(endpoint, begun, &mut *change);
        duo.send_own(name, &mut browser.clone(), &own, step);
    }
    let other = Key::generate(Algorithm::Es256);
    let mut forged = Passkeys::new(duo);
    std::mem::swap(&mut forged.ours.credentials, &mut keys.ours.credentials);
    std::mem::swap(&mut forged.theirs.credentials, &mut keys.theirs.credentials);
    let mut keep = (other, Key::generate(Algorithm::Es256));
    std::mem::swap(&mut keep.0, &mut forged.ours.credentials[0].key);
    std::mem::swap(&mut keep.1, &mut forged.theirs.credentials[0].key);
    let own = forged.force(endpoint, begun, &mut |_| {});
    duo.send_own("signed with another key", &mut browser.clone(), &own, step);
    std::mem::swap(&mut keep.0, &mut forged.ours.credentials[0].key);
    std::mem::swap(&mut keep.1, &mut forged.theirs.credentials[0].key);
    *keys = forged;
    count + 1
}

#[test]
fn oracle_passkeys_hostile_sign_ins() {
    let mut duo = Duo::with_passkeys("wan-hostile-in", &json!({}));
    let (mut ana, mut keys) = (Browser::new(), Passkeys::new(&duo));
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.add_passkey(&mut ana, &mut keys, "key", "first");
    let mut visitor = Browser::new();
    let begun = duo.begin_passkey_sign_in(&mut visitor, &json!({}));
    let count = assertions(&mut duo, &mut keys, SIGN_IN, &visitor, &begun);
    let own = keys.get(SIGN_IN, &begun);
    duo.send_own("right after all", &mut visitor, &own, step);
    assert_eq!(count, 36);
    duo.finish(41);
}

#[test]
fn oracle_passkeys_hostile_verifications() {
    let mut duo = Duo::with_passkeys("wan-hostile-ver", &json!({}));
    let (mut ana, mut keys) = (Browser::new(), Passkeys::new(&duo));
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.add_passkey(&mut ana, &mut keys, "key", "first");
    let begun = duo.begin_passkey_verification(&mut ana);
    let count = assertions(&mut duo, &mut keys, VERIFY, &ana, &begun);
    let own = keys.get(VERIFY, &begun);
    duo.send_own("right after all", &mut ana, &own, step);
    assert_eq!(count, 36);
    duo.finish(41);
}

#[test]
fn oracle_passkeys_sign_counts() {
    for (name, counter, accepted) in [
        ("zero", Counter::Zero, true),
        ("stuck", Counter::Stuck, false),
        ("falling", Counter::Falling, false),
        ("counting", Counter::Counting, true),
    ] {
        let mut duo = Duo::with_passkeys(&format!("wan-count-{name}"), &json!({}));
        let (mut ana, mut keys) = (Browser::new(), Passkeys::new(&duo));
        keys.both(|key| key.counter = counter);
        duo.send("sign in", &mut ana, |_| sign_in(ANA));
        duo.add_passkey(&mut ana, &mut keys, "key", "first");
        for round in ["once", "twice"] {
            let mut visitor = Browser::new();
            let begun = duo.begin_passkey_sign_in(&mut visitor, &json!({}));
            let own = keys.get(SIGN_IN, &begun);
            let pair = duo.send_own(round, &mut visitor, &own, step);
            let status = if accepted { 200 } else { 400 };
            assert_eq!(pair.theirs.status, status, "{name}, {round}");
        }
        duo.finish(7);
    }
}
