//! Signing in with a passkey: `/wan-signin`.

use serde_json::{Value, json};
use vestibule_testkit::authenticator::Counter;

use crate::support::duo::{Browser, Duo};
use crate::support::factors::form;
use crate::support::http::Request;
use crate::support::jar::Jar;
use crate::support::known::Known;
use crate::support::passkeys::{Passkeys, SIGN_IN, VERIFY, post, second_step, second_step_with};
use crate::support::requests::{LOGIN, sign_in, sign_out, who};
use crate::support::users::ANA;

const GIL: &str = "gil@example.com";

fn step(jar: &Jar, own: &str) -> Request {
    second_step(own, jar)
}

/// Both servers, with a passkey of Ana's for signing in.
fn with_key(name: &str, changes: &Value) -> (Duo, Passkeys) {
    let mut duo = Duo::with_passkeys(name, changes);
    let (mut ana, mut keys) = (Browser::new(), Passkeys::new(&duo));
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.add_passkey(&mut ana, &mut keys, "key", "first");
    (duo, keys)
}

#[test]
fn oracle_passkeys_sign_in_and_out() {
    let (mut duo, mut keys) = with_key("wan-in", &json!({}));
    let mut ana = Browser::new();
    duo.send("GET", &mut ana, |_| Request::get(SIGN_IN));
    let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
    let own = keys.get(SIGN_IN, &begun);
    let known = (Known::OwnErrorPages, 405);
    duo.send_own_known("GET the second step", &mut ana, known, &own, |_, own| {
        Request::get(own.split('\n').next().expect("a path"))
    });
    duo.send_own("right", &mut ana, &own, step);
    duo.send("current user", &mut ana, |_| who());
    duo.send_own("the same again", &mut Browser::new(), &own, step);
    duo.send("GET when signed in", &mut ana, |_| Request::get(SIGN_IN));
    duo.begin_passkey_sign_in(&mut ana, &json!({}));
    duo.send("sign out", &mut ana, sign_out);
    let begun = duo.begin_passkey_sign_in(&mut ana, &json!({"identity": ANA}));
    let own = keys.get(SIGN_IN, &begun);
    duo.send_own("with an auth token", &mut ana, &own, |jar, own| {
        second_step(&own.replacen('\n', "?include_auth_token\n", 1), jar)
    });
    duo.send("current user again", &mut ana, |_| who());
    duo.finish(15);
}

#[test]
fn oracle_passkeys_bodies_of_the_first_step() {
    let (mut duo, _) = with_key("wan-in-bodies", &json!({}));
    for body in [
        json!({"identity": ANA}),
        json!({"identity": "ANA@example.com"}),
        json!({"identity": GIL}),
        json!({"identity": "unknown@example.com"}),
        json!({"identity": "cy@example.com"}),
        json!({"identity": ""}),
        json!({"identity": null}),
        json!({"identity": 5}),
        json!({"identity": true}),
        json!({"identity": {}}),
        json!({"remember": true}),
        json!({"remember": false}),
        json!({"remember": "y"}),
        json!({"remember": "false"}),
        json!({"remember": 1}),
        json!({"other": [1]}),
        json!({"next": "/here"}),
        json!({"next": "https://evil.example/"}),
    ] {
        duo.begin_passkey_sign_in(&mut Browser::new(), &body);
    }
    duo.send("a form", &mut Browser::new(), |_| {
        form(SIGN_IN, &[("identity", ANA), ("remember", "y")])
    });
    duo.send("a query", &mut Browser::new(), |_| {
        Request::post(&format!("{SIGN_IN}?next=/here"), &json!({}))
    });
    duo.finish(23);
}

#[test]
fn oracle_passkeys_bodies_of_the_second_step() {
    let (mut duo, mut keys) = with_key("wan-in-second", &json!({}));
    let begun = duo.begin_passkey_sign_in(&mut Browser::new(), &json!({}));
    let own = keys.get(SIGN_IN, &begun);
    for credential in [
        Value::Null,
        json!(""),
        json!("text"),
        json!("[]"),
        json!("null"),
        json!("{}"),
        json!(5),
        json!(true),
    ] {
        let name = format!("credential {credential}");
        duo.send_own(&name, &mut Browser::new(), &own, |jar, own| {
            second_step_with(own, jar, &json!({"credential": credential}))
        });
    }
    duo.send_own("no credential", &mut Browser::new(), &own, |jar, own| {
        post(own.split('\n').next().expect("a path"), &json!({}), jar)
    });
    duo.send("unknown token", &mut Browser::new(), |_| {
        Request::post(&format!("{SIGN_IN}/x"), &json!({"credential": "{}"}))
    });
    duo.send_own("changed token", &mut Browser::new(), &own, |jar, own| {
        second_step(&own.replacen('\n', "x\n", 1), jar)
    });
    for members in [
        json!({"remember": true}),
        json!({"remember": false}),
        json!({"remember": null}),
        json!({"remember": ""}),
        json!({"remember": "y"}),
        json!({"next": "/here"}),
        json!({"next": "https://evil.example/"}),
        json!({"other": [1]}),
    ] {
        let mut visitor = Browser::new();
        let begun = duo.begin_passkey_sign_in(&mut visitor, &json!({}));
        let own = keys.get(SIGN_IN, &begun);
        duo.send_own(&members.to_string(), &mut visitor, &own, |jar, own| {
            second_step_with(own, jar, &members)
        });
    }
    let mut visitor = Browser::new();
    let begun = duo.begin_passkey_sign_in(&mut visitor, &json!({}));
    let own = keys.get(SIGN_IN, &begun);
    duo.send_own("next in the query", &mut visitor, &own, |jar, own| {
        second_step(&own.replacen('\n', "?next=/here\n", 1), jar)
    });
    duo.finish(33);
}

#[test]
fn oracle_passkeys_that_are_not_resident() {
    let mut duo = Duo::with_passkeys("wan-in-plain", &json!({}));
    let (mut ana, mut keys) = (Browser::new(), Passkeys::plain(&duo));
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.add_passkey(&mut ana, &mut keys, "key", "first");
    let mut visitor = Browser::new();
    let begun = duo.begin_passkey_sign_in(&mut visitor, &json!({"identity": ANA}));
    let own = keys.get(SIGN_IN, &begun);
    duo.send_own("named", &mut visitor, &own, step);
    duo.send("current user", &mut visitor, |_| who());
    duo.finish(6);
}

#[test]
fn oracle_passkeys_that_a_server_backs_up() {
    let (mut duo, mut keys) = with_key("wan-in-backup", &json!({}));
    keys.both(|key| {
        key.backup_eligible = true;
        key.backed_up = true;
    });
    for name in ["backed up", "again"] {
        let mut visitor = Browser::new();
        let begun = duo.begin_passkey_sign_in(&mut visitor, &json!({}));
        let own = keys.get(SIGN_IN, &begun);
        duo.send_own(name, &mut visitor, &own, step);
    }
    let mut visitor = Browser::new();
    keys.both(|key| key.backed_up = false);
    let begun = duo.begin_passkey_sign_in(&mut visitor, &json!({}));
    let own = keys.get(SIGN_IN, &begun);
    duo.send_own("no more", &mut visitor, &own, step);
    duo.send("the list", &mut visitor, |_| {
        Request::get(crate::support::passkeys::REGISTER)
    });
    duo.finish(10);
}

#[test]
fn oracle_passkeys_of_users_who_may_not_sign_in() {
    let mut duo = Duo::with_passkeys("wan-in-states", &json!({}));
    let (mut ana, mut keys) = (Browser::new(), Passkeys::new(&duo));
    // Without a sign count, which only the reference stores for a deactivated user.
    keys.both(|key| key.counter = Counter::Zero);
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.add_passkey(&mut ana, &mut keys, "key", "first");
    for active in ["0", "1"] {
        duo.set(ANA, "active", active);
        let mut visitor = Browser::new();
        let begun = duo.begin_passkey_sign_in(&mut visitor, &json!({}));
        let own = keys.get(SIGN_IN, &begun);
        let known = (Known::RefusedPasskeyChangesNothing, 400);
        let known = (active == "0").then_some(known);
        let name = format!("active: {active}");
        duo.send_own_differing(&name, &mut visitor, known, &own, step);
        let known = known.map(|(known, _)| (known, 200));
        duo.send_differing("current user", &mut visitor, known, |_| who());
        duo.even_sign_ins(ANA);
    }
    duo.finish(9);
}

#[test]
fn oracle_passkeys_states_for_another_purpose() {
    let (mut duo, mut keys) = with_key("wan-in-purposes", &json!({}));
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| {
        Request::post(
            LOGIN,
            &json!({"email": ANA, "password": crate::support::users::PASSWORD}),
        )
    });
    let begun = duo.begin_passkey(&mut ana, &json!({"name": "another"}));
    let states = (
        crate::support::passkeys::state(&begun.ours),
        crate::support::passkeys::state(&begun.theirs),
    );
    let known = (Known::StateForOnePurpose, 400);
    duo.send_own_known(
        "a registration's at the sign-in",
        &mut Browser::new(),
        known,
        &states,
        |_, state| Request::post(&format!("{SIGN_IN}/{state}"), &json!({"credential": "{}"})),
    );
    duo.send_own_known(
        "a registration's at the verification",
        &mut ana,
        known,
        &states,
        |jar, state| {
            post(
                &format!("{VERIFY}/{state}"),
                &json!({"credential": "{}"}),
                jar,
            )
        },
    );
    let begun = duo.begin_passkey_sign_in(&mut Browser::new(), &json!({}));
    let own = keys.get(VERIFY, &begun);
    duo.send_own_known(
        "a sign-in's at the verification",
        &mut ana,
        known,
        &own,
        step,
    );
    let begun = duo.begin_passkey_verification(&mut ana);
    let own = keys.get(SIGN_IN, &begun);
    duo.send_own_known(
        "a verification's at the sign-in",
        &mut Browser::new(),
        known,
        &own,
        step,
    );
    duo.finish(11);
}
