//! Second factors in unusual states: choices, older names of methods, incomplete rows, sessions that
//! no step wrote, other HTTP methods.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::duo::{Browser, Duo};
use crate::support::factors::{
    KEY, RECOVERY, RECOVERY_CODES, RESCUE, SELECT, SETUP, VALIDATE, code, form, post,
};
use crate::support::http::Request;
use crate::support::known::Known;
use crate::support::python::Python;
use crate::support::requests::{sign_in, who};
use crate::support::users::{ANA, ANA_ID};

/// A browser whose session has these values.
fn with_session(values: &Value) -> Browser {
    let mut browser = Browser::new();
    let session = Python::get().sign("session", SECRET, values, 0);
    browser.both(|jar| jar.set("session", &session));
    browser
}

#[test]
fn oracle_two_factor_choice() {
    let mut duo = Duo::with_factors("tf-select", &json!({}));
    let mut stranger = Browser::new();
    duo.send("GET without a sign-in", &mut stranger, |_| {
        Request::get(SELECT)
    });
    duo.send("without a sign-in", &mut stranger, |_| {
        Request::post(SELECT, &json!({"which": "email"}))
    });
    duo.give_factor(ANA, "email");
    let choosing = || with_session(&json!({"tf_user_id": ANA_ID, "tf_select": true}));
    let mut ana = choosing();
    duo.send("GET", &mut ana, |_| Request::get(SELECT));
    for (name, body) in [
        ("empty body", json!({})),
        ("null", json!({"which": null})),
        ("unknown", json!({"which": "pigeon"})),
        ("not set up", json!({"which": "sms"})),
        ("a number", json!({"which": 5})),
    ] {
        duo.send(name, &mut ana, |_| Request::post(SELECT, &body));
    }
    for path in [VALIDATE, RESCUE, SETUP] {
        duo.send(path, &mut choosing(), |_| Request::get(path));
    }
    duo.send("choose", &mut ana, |_| form(SELECT, &[("which", "email")]));
    duo.send("GET after the choice", &mut ana, |_| Request::get(SELECT));
    duo.send("choose again", &mut ana, |_| {
        form(SELECT, &[("which", "email")])
    });
    let codes = duo.mailed_codes(ANA);
    duo.send_own("code", &mut ana, &codes, |_, code| {
        Request::post(VALIDATE, &json!({"code": code}))
    });
    duo.send("GET signed in", &mut ana, |_| Request::get(SELECT));
    duo.send("signed in", &mut ana, |jar| {
        post(SELECT, &json!({"which": "email"}), jar)
    });
    let mut gone = with_session(&json!({"tf_user_id": "f".repeat(32), "tf_select": true}));
    duo.send("with a user that no longer exists", &mut gone, |_| {
        Request::get(SELECT)
    });
    duo.finish(18);
}

#[test]
fn oracle_two_factor_older_names_of_methods() {
    for method in ["google_authenticator", "mail"] {
        let mut duo = Duo::with_factors(&format!("tf-old-{method}"), &json!({}));
        duo.give_factor(ANA, method);
        let mut ana = Browser::new();
        duo.send("password", &mut ana, |_| sign_in(ANA));
        duo.send("GET the validation", &mut ana, |_| Request::get(VALIDATE));
        let right = code(KEY, 1);
        duo.send("code", &mut ana, |_| {
            Request::post(VALIDATE, &json!({"code": right}))
        });
        duo.send("GET", &mut ana, |_| Request::get(SETUP));
        duo.finish(4);
    }
}

#[test]
fn oracle_two_factor_incomplete_rows() {
    let secret = json!({"key": KEY, "type": "totp", "v": 1}).to_string();
    for (name, columns) in [
        ("method-only", vec![("tf_primary_method", "authenticator")]),
        ("secret-only", vec![("tf_totp_secret", secret.as_str())]),
        (
            "empty",
            vec![("tf_primary_method", ""), ("tf_totp_secret", "")],
        ),
        ("phone-only", vec![("tf_phone_number", "+442083661177")]),
    ] {
        let mut duo = Duo::with_factors(&format!("tf-row-{name}"), &json!({}));
        for (column, value) in columns {
            duo.set(ANA, column, value);
        }
        let mut ana = Browser::new();
        duo.send("password", &mut ana, |_| sign_in(ANA));
        duo.send("GET", &mut ana, |_| Request::get(SETUP));
        duo.send("disable", &mut ana, |jar| {
            post(SETUP, &json!({"setup": "disable"}), jar)
        });
        duo.send("GET after that", &mut ana, |_| Request::get(SETUP));
        duo.finish(4);
    }
}

#[test]
fn oracle_two_factor_sessions_that_no_step_wrote() {
    let mut duo = Duo::with_factors("tf-sessions", &json!({}));
    duo.give_factor(ANA, "authenticator");
    let right = code(KEY, 0);
    for (name, session) in [
        ("no user", json!({"tf_state": "ready"})),
        ("no state", json!({"tf_user_id": ANA_ID})),
        (
            "unknown user",
            json!({"tf_state": "ready", "tf_user_id": "f".repeat(32)}),
        ),
        (
            "unknown state",
            json!({"tf_state": "done", "tf_user_id": ANA_ID}),
        ),
        (
            "nothing in set-up",
            json!({"tf_state": "validating_profile", "tf_user_id": ANA_ID}),
        ),
        (
            "a method in set-up without a secret",
            json!({
                "tf_state": "validating_profile", "tf_user_id": ANA_ID,
                "tf_primary_method": "authenticator",
            }),
        ),
    ] {
        for path in [VALIDATE, RESCUE] {
            duo.send(
                &format!("{name}, GET {path}"),
                &mut with_session(&session),
                |_| Request::get(path),
            );
        }
        duo.send(name, &mut with_session(&session), |_| {
            Request::post(VALIDATE, &json!({"code": right}))
        });
    }
    let ready = json!({"tf_state": "ready", "tf_user_id": ANA_ID, "tf_remember_login": true});
    let mut ana = with_session(&ready);
    duo.send("a sign-in of the reference", &mut ana, |_| {
        Request::post(VALIDATE, &json!({"code": right}))
    });
    duo.send("current user", &mut ana, |_| who());
    duo.finish(20);
}

#[test]
fn oracle_two_factor_other_http_methods() {
    let changes = json!({"SECURITY_MULTI_FACTOR_RECOVERY_CODES": true});
    let mut duo = Duo::with_factors("tf-http", &changes);
    for path in [SETUP, VALIDATE, RESCUE, SELECT, RECOVERY, RECOVERY_CODES] {
        for method in ["PUT", "DELETE"] {
            let known = Known::OwnErrorPages;
            duo.send_known(path, &mut Browser::new(), known, 405, |_| {
                Request::new(method, path).header("Accept", "application/json")
            });
        }
    }
    let known = Known::OwnErrorPages;
    duo.send_known(
        "GET a set-up's state",
        &mut Browser::new(),
        known,
        405,
        |_| Request::get(&format!("{SETUP}/token")),
    );
    duo.finish(13);
}
