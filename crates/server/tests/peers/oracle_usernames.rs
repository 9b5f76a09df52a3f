//! Changing the username, and recovering a forgotten one.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::requests::{CHANGE_USERNAME, RECOVER_USERNAME, sign_in};
use crate::support::users::ANA;

fn names() -> Value {
    json!({"SECURITY_USERNAME_ENABLE": true, "SECURITY_CHANGE_USERNAME": true, "SECURITY_USERNAME_RECOVERY": true})
}

#[test]
fn oracle_usernames_change() {
    let mut duo = Duo::start_with_mail("username-change", &names());
    let mut ana = Browser::new();
    let body = |name: &Value| Request::post(CHANGE_USERNAME, &json!({"username": name}));
    duo.send("signed out", &mut Browser::new(), |_| {
        body(&json!("analove"))
    });
    duo.send("signed out, GET", &mut Browser::new(), |_| {
        Request::get(CHANGE_USERNAME)
    });
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("GET", &mut ana, |_| Request::get(CHANGE_USERNAME));
    for (name, username) in [
        ("too short", json!("abc")),
        ("too long", json!("a".repeat(33))),
        ("with punctuation", json!("a-b-c")),
        ("taken", json!("gilbert")),
        ("taken in capitals", json!("GILBERT")),
        ("a new username", json!("analove")),
        ("the same username", json!("analove")),
        ("another new username", json!("anahate")),
        ("only digits", json!("12345")),
    ] {
        duo.send(name, &mut ana, |jar| with_token(body(&username), jar));
    }
    duo.send_known(
        "without a CSRF token",
        &mut ana,
        Known::NoGraceWithoutCsrf,
        400,
        |_| body(&json!("unknown")),
    );
    duo.send("GET again", &mut ana, |_| Request::get(CHANGE_USERNAME));
    duo.send_known("empty body", &mut ana, Known::UsernameIsKept, 400, |jar| {
        with_token(Request::post(CHANGE_USERNAME, &json!({})), jar)
    });
    duo.finish(16);
}

#[test]
fn oracle_usernames_recover() {
    for generic in [false, true] {
        let mut changes = names();
        changes["SECURITY_RETURN_GENERIC_RESPONSES"] = generic.into();
        let mut duo = Duo::start_with_mail(&format!("username-recover-{generic}"), &changes);
        for (name, body) in [
            ("empty body", json!({})),
            ("empty address", json!({"email": ""})),
            ("not an address", json!({"email": "no"})),
            ("unknown address", json!({"email": "unknown@example.com"})),
            (
                "a user with a username",
                json!({"email": "gil@example.com"}),
            ),
            ("a user without a username", json!({"email": ANA})),
            ("unconfirmed", json!({"email": "bo@example.com"})),
            ("deactivated", json!({"email": "cy@example.com"})),
        ] {
            duo.send(name, &mut Browser::new(), |_| {
                Request::post(RECOVER_USERNAME, &body)
            });
        }
        duo.send("GET", &mut Browser::new(), |_| {
            Request::get(RECOVER_USERNAME)
        });
        let mut ana = Browser::new();
        duo.send("sign in", &mut ana, |_| sign_in(ANA));
        duo.send("signed in", &mut ana, |jar| {
            with_token(Request::post(RECOVER_USERNAME, &json!({"email": ANA})), jar)
        });
        duo.send("signed in, GET", &mut ana, |_| {
            Request::get(RECOVER_USERNAME)
        });
        duo.finish(12);
    }
}
