//! The settings of passkeys.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::Jar;
use crate::support::known::Known;
use crate::support::passkeys::{DELETE, Passkeys, REGISTER, SIGN_IN, VERIFY, post, second_step};
use crate::support::python::Python;
use crate::support::requests::{sign_in, sign_out};
use crate::support::users::ANA;

fn step(jar: &Jar, own: &str) -> Request {
    second_step(own, jar)
}

/// Registers a key with usage `first`, and signs in with it: seven exchanges.
fn round(name: &str, changes: &Value) -> Duo {
    let mut duo = Duo::with_passkeys(name, changes);
    let (mut ana, mut keys) = (Browser::new(), Passkeys::new(&duo));
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.add_passkey(&mut ana, &mut keys, "key", "first");
    duo.send("GET the list", &mut ana, |_| Request::get(REGISTER));
    duo.send("sign out", &mut ana, sign_out);
    let begun = duo.begin_passkey_sign_in(&mut ana, &json!({"identity": ANA}));
    let own = keys.get(SIGN_IN, &begun);
    duo.send_own("sign in", &mut ana, &own, step);
    duo
}

#[test]
fn oracle_passkeys_settings_of_the_options() {
    for (name, changes) in [
        ("hints", json!({"SECURITY_WAN_ALLOW_USER_HINTS": false})),
        (
            "multi",
            json!({"SECURITY_WAN_ALLOW_AS_MULTI_FACTOR": false}),
        ),
        ("rp", json!({"SECURITY_WAN_RP_NAME": "Shop \u{e9}"})),
        ("bytes", json!({"SECURITY_WAN_CHALLENGE_BYTES": 16})),
        ("long", json!({"SECURITY_WAN_CHALLENGE_BYTES": 64})),
        (
            "timeouts",
            json!({"SECURITY_WAN_REGISTER_TIMEOUT": 1000, "SECURITY_WAN_SIGNIN_TIMEOUT": 2000}),
        ),
        ("salt", json!({"SECURITY_WAN_SALT": "another salt"})),
        (
            "view",
            json!({"SECURITY_WAN_POST_REGISTER_VIEW": "/registered"}),
        ),
    ] {
        round(&format!("wan-set-{name}"), &changes).finish(7);
    }
}

#[test]
fn oracle_passkeys_not_as_first_factor() {
    let changes = json!({"SECURITY_WAN_ALLOW_AS_FIRST_FACTOR": false});
    let mut duo = Duo::with_passkeys("wan-no-first", &changes);
    let mut keys = Passkeys::plain(&duo);
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    duo.add_passkey(&mut ana, &mut keys, "key", "first");
    duo.send("GET the list", &mut ana, |_| Request::get(REGISTER));
    duo.send("sign out", &mut ana, sign_out);
    duo.send_known("GET", &mut ana, Known::OwnErrorPages, 404, |_| {
        Request::get(SIGN_IN)
    });
    duo.send_known("begin", &mut ana, Known::OwnErrorPages, 404, |_| {
        Request::post(SIGN_IN, &json!({}))
    });
    duo.send("password, then the key", &mut ana, |_| sign_in(ANA));
    let begun = duo.begin_passkey_sign_in(&mut ana, &json!({}));
    let own = keys.get(SIGN_IN, &begun);
    let known = (Known::PendingSignInLeavesNothing, 200);
    duo.send_own_known("key", &mut ana, known, &own, step);
    duo.finish(10);
}

#[test]
fn oracle_passkeys_settings_of_names() {
    for (name, changes, names) in [
        (
            "classes",
            json!({"SECURITY_WAN_NAME_ALLOWED_CHARS": ["Ll", "Nd"]}),
            vec!["abc1", "Abc", "a b", "a-b"],
        ),
        (
            "length",
            json!({"SECURITY_WAN_NAME_MAX_LENGTH": 3}),
            vec!["abc", "abcd", "äöü"],
        ),
        (
            "all",
            json!({"SECURITY_WAN_NAME_ALLOWED_CHARS": null}),
            vec!["abc!", "a\u{7}", "\u{1f511}"],
        ),
        (
            "form",
            json!({"SECURITY_INPUT_NORMALIZE_FORM": "NFKC"}),
            vec!["\u{ff41}", "\u{fb01}"],
        ),
    ] {
        let mut duo = Duo::with_passkeys(&format!("wan-name-{name}"), &changes);
        let mut ana = Browser::new();
        duo.send("password", &mut ana, |_| sign_in(ANA));
        let count = names.len();
        for name in names {
            duo.begin_passkey(&mut ana, &json!({"name": name}));
        }
        match count {
            4 => duo.finish(5),
            3 => duo.finish(4),
            _ => duo.finish(3),
        }
    }
}

#[test]
fn oracle_passkeys_paths() {
    let changes = json!({
        "SECURITY_WAN_REGISTER_URL": "/keys", "SECURITY_WAN_SIGNIN_URL": "/key-sign-in",
        "SECURITY_WAN_DELETE_URL": "/key-delete", "SECURITY_WAN_VERIFY_URL": "/key-verify",
    });
    let mut duo = Duo::with_passkeys("wan-paths", &changes);
    let mut ana = Browser::new();
    duo.send("GET the sign-in", &mut ana, |_| {
        Request::get("/api/accounts/key-sign-in")
    });
    duo.send("password", &mut ana, |_| sign_in(ANA));
    for path in ["keys", "key-delete", "key-verify"] {
        duo.send(path, &mut ana, |_| {
            Request::get(&format!("/api/accounts/{path}"))
        });
    }
    for path in [REGISTER, DELETE, VERIFY, SIGN_IN] {
        duo.send_known(path, &mut ana, Known::OwnErrorPages, 404, |_| {
            Request::get(path)
        });
    }
    duo.finish(9);
}

#[test]
fn oracle_passkeys_off() {
    let mut duo = Duo::with_passkeys("wan-off", &json!({"SECURITY_WEBAUTHN": false}));
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    for path in [REGISTER, DELETE, VERIFY, SIGN_IN] {
        duo.send_known(path, &mut ana, Known::OwnErrorPages, 404, |_| {
            Request::get(path)
        });
        duo.send_known(path, &mut ana, Known::OwnErrorPages, 404, |jar| {
            post(path, &json!({}), jar)
        });
    }
    duo.finish(9);
}

#[test]
fn oracle_passkeys_states_expire() {
    let changes = json!({
        "SECURITY_WAN_REGISTER_WITHIN": {"seconds": 90}, "SECURITY_WAN_SIGNIN_WITHIN": {"seconds": 30},
    });
    let mut duo = Duo::with_passkeys("wan-late", &changes);
    let mut ana = Browser::new();
    duo.send("password", &mut ana, |_| sign_in(ANA));
    let of = |payload: &Value, age: i64| Python::get().sign("wan", SECRET, payload, age);
    let registration = json!({
        "challenge": "c", "name": "key", "usage": "first", "user_verification": false,
    });
    let sign_in = json!({"challenge": "c", "user_verification": false});
    for (name, path, payload, age) in [
        ("registration", REGISTER, &registration, 100),
        ("sign-in", SIGN_IN, &sign_in, 40),
        ("verification", VERIFY, &sign_in, 40),
        (
            "registration from the future",
            REGISTER,
            &registration,
            -100,
        ),
    ] {
        let token = of(payload, age);
        let mut browser = if path == SIGN_IN {
            Browser::new()
        } else {
            ana.clone()
        };
        duo.send(name, &mut browser, |jar| {
            post(
                &format!("{path}/{token}"),
                &json!({"credential": "{}"}),
                jar,
            )
        });
    }
    let forged = Python::get().sign("wan", "another secret", &sign_in, 0);
    duo.send("forged", &mut Browser::new(), |jar| {
        post(
            &format!("{SIGN_IN}/{forged}"),
            &json!({"credential": "{}"}),
            jar,
        )
    });
    duo.finish(6);
}
