//! Confirming one's identity with a passkey: `/wan-verify`, and what needs a fresh proof.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::{Jar, with_token};
use crate::support::known::Known;
use crate::support::passkeys::{DELETE, Passkeys, REGISTER, SIGN_IN, VERIFY, post, second_step};
use crate::support::requests::{sign_in, sign_in_for_tokens};
use crate::support::users::ANA;

const GIL: &str = "gil@example.com";

fn step(jar: &Jar, own: &str) -> Request {
    second_step(own, jar)
}

#[test]
fn oracle_passkeys_verify() {
    let mut duo = Duo::with_passkeys("wan-verify", &json!({}));
    let (mut first, mut second) = (Passkeys::new(&duo), Passkeys::plain(&duo));
    let mut ana = Browser::new();
    duo.send("GET signed out", &mut ana, |_| Request::get(VERIFY));
    duo.send("POST signed out", &mut ana, |_| {
        Request::post(VERIFY, &json!({}))
    });
    duo.send("second step signed out", &mut ana, |_| {
        Request::post(&format!("{VERIFY}/x"), &json!({}))
    });
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.begin_passkey_verification(&mut ana);
    duo.add_passkey(&mut ana, &mut first, "first", "first");
    duo.add_passkey(&mut ana, &mut second, "second", "secondary");
    duo.send("GET", &mut ana, |_| Request::get(VERIFY));
    duo.send("no CSRF token", &mut ana, |_| {
        Request::post(VERIFY, &json!({}))
    });
    for (name, keys) in [("first", &mut first), ("second", &mut second)] {
        let begun = duo.begin_passkey_verification(&mut ana);
        let own = keys.get(VERIFY, &begun);
        let known = (Known::OwnErrorPages, 405);
        duo.send_own_known("GET the second step", &mut ana, known, &own, |_, own| {
            Request::get(own.split('\n').next().expect("a path"))
        });
        duo.send_own("no CSRF token", &mut ana, &own, |_, own| {
            second_step(own, &Jar::default())
        });
        duo.send_own(name, &mut ana, &own, step);
    }
    let begun = duo.begin_passkey_verification(&mut ana);
    let own = first.get(VERIFY, &begun);
    duo.send_own("with an auth token", &mut ana, &own, |jar, own| {
        second_step(&own.replacen('\n', "?include_auth_token\n", 1), jar)
    });
    duo.send_own("unknown token", &mut ana, &own, |jar, own| {
        second_step(&own.replacen('\n', "x\n", 1), jar)
    });
    duo.send("no credential", &mut ana, |jar| {
        post(&format!("{VERIFY}/x"), &json!({}), jar)
    });
    duo.send("the list", &mut ana, |_| Request::get(REGISTER));
    duo.finish(24);
}

#[test]
fn oracle_passkeys_verify_with_another_users_key() {
    let mut duo = Duo::with_passkeys("wan-verify-other", &json!({}));
    let (mut ana, mut gil) = (Browser::new(), Browser::new());
    let mut keys = Passkeys::new(&duo);
    duo.send("Ana", &mut ana, |_| sign_in(ANA));
    duo.send("Gil", &mut gil, |_| sign_in(GIL));
    duo.add_passkey(&mut gil, &mut keys, "key", "first");
    let begun = duo.begin_passkey_verification(&mut ana);
    let own = keys.force(VERIFY, &begun, &mut |_| {});
    duo.send_own("Gil's key", &mut ana, &own, step);
    duo.finish(6);
}

#[test]
fn oracle_passkeys_need_a_fresh_proof() {
    let changes = json!({
        "SECURITY_FRESHNESS": {"seconds": 900}, "SECURITY_FRESHNESS_GRACE_PERIOD": {"seconds": 0},
    });
    let mut duo = Duo::with_passkeys("wan-fresh", &changes);
    let (mut ana, mut keys) = (Browser::new(), Passkeys::new(&duo));
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.add_passkey(&mut ana, &mut keys, "key", "first");
    let begun = duo.begin_passkey(&mut ana, &json!({"name": "another"}));
    ana.grow_stale();
    duo.send("GET", &mut ana, |_| Request::get(REGISTER));
    duo.send("begin", &mut ana, |jar| {
        post(REGISTER, &json!({"name": "x"}), jar)
    });
    duo.send("delete", &mut ana, |jar| {
        post(DELETE, &json!({"name": "key"}), jar)
    });
    duo.send("GET delete", &mut ana, |_| Request::get(DELETE));
    duo.send("GET verify", &mut ana, |_| Request::get(VERIFY));
    let own = Passkeys::new(&duo).create(&begun);
    duo.send_own("finish what was begun", &mut ana, &own, step);
    let begun = duo.begin_passkey_verification(&mut ana);
    let own = keys.get(VERIFY, &begun);
    duo.send_own("verify", &mut ana, &own, step);
    duo.send("GET now", &mut ana, |_| Request::get(REGISTER));
    duo.finish(13);
}

#[test]
fn oracle_passkeys_without_freshness() {
    let changes = json!({"SECURITY_FRESHNESS": {"seconds": -1}});
    let mut duo = Duo::with_passkeys("wan-no-fresh", &changes);
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.send("GET the list", &mut ana, |_| Request::get(REGISTER));
    duo.add_passkey(&mut ana, &mut Passkeys::new(&duo), "key", "first");
    duo.send("delete", &mut ana, |jar| {
        post(DELETE, &json!({"name": "key"}), jar)
    });
    duo.finish(5);
}

#[test]
fn oracle_passkeys_verify_with_a_token() {
    let mut duo = Duo::with_passkeys("wan-verify-token", &json!({}));
    let (mut ana, mut keys) = (Browser::new(), Passkeys::new(&duo));
    let tokens = duo.send("sign in", &mut ana, |_| sign_in_for_tokens(ANA));
    let tokens = tokens.of_user("authentication_token");
    duo.add_passkey(&mut ana, &mut keys, "key", "first");
    let with = |token: &str, request: Request| request.header("Authentication-Token", token);
    let mut app = Browser::new();
    let begun = duo.send_own("begin", &mut app, &tokens, |_, token| {
        with(token, Request::post(VERIFY, &json!({})))
    });
    keys.get(VERIFY, &begun);
    duo.send_own("sign in with a token", &mut app, &tokens, |_, token| {
        with(token, Request::post(SIGN_IN, &json!({})))
    });
    duo.finish(5);
}

#[test]
fn oracle_passkeys_usages_that_verify() {
    let usages: [(&str, Value); 4] = [
        ("first", json!(["first"])),
        ("secondary", json!(["secondary"])),
        ("both", json!(["first", "secondary"])),
        ("a text", json!("first")),
    ];
    for (name, usages) in usages {
        let name = format!("wan-verify-{}", name.replace(' ', "-"));
        let mut duo = Duo::with_passkeys(&name, &json!({"SECURITY_WAN_ALLOW_AS_VERIFY": usages}));
        let (mut first, mut second) = (Passkeys::new(&duo), Passkeys::plain(&duo));
        let mut ana = Browser::new();
        duo.send("password", &mut ana, |_| sign_in(ANA));
        duo.send("GET verify without keys", &mut ana, |_| {
            Request::get("/api/accounts/verify")
        });
        duo.add_passkey(&mut ana, &mut first, "first", "first");
        duo.send("GET verify", &mut ana, |_| {
            Request::get("/api/accounts/verify")
        });
        duo.add_passkey(&mut ana, &mut second, "second", "secondary");
        duo.send("GET verify", &mut ana, |_| {
            Request::get("/api/accounts/verify")
        });
        duo.send("GET us-verify", &mut ana, |_| {
            Request::get("/api/accounts/us-verify")
        });
        for (key, keys) in [("first", &mut first), ("second", &mut second)] {
            let begun = duo.begin_passkey_verification(&mut ana);
            let own = keys.force(VERIFY, &begun, &mut |_| {});
            duo.send_own(key, &mut ana, &own, step);
        }
        duo.finish(13);
    }
    for off in [json!([]), Value::Null] {
        let changes = json!({"SECURITY_WAN_ALLOW_AS_VERIFY": off});
        let mut duo = Duo::with_passkeys("wan-verify-off", &changes);
        let mut ana = Browser::new();
        duo.send("password", &mut ana, |_| sign_in(ANA));
        duo.add_passkey(&mut ana, &mut Passkeys::new(&duo), "key", "first");
        duo.send("GET verify", &mut ana, |_| {
            Request::get("/api/accounts/verify")
        });
        duo.send_known("wan-verify", &mut ana, Known::OwnErrorPages, 404, |jar| {
            with_token(Request::post(VERIFY, &json!({})), jar)
        });
        duo.finish(5);
    }
}
