//! `/us-verify` and `/us-verify/send-code`: proving one's identity again by each method.

use serde_json::json;

use crate::support::duo::{Browser, Duo};
use crate::support::factors::{form, other_than, post};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::unified::{
    PHONE, SETUP, VERIFY, VERIFY_SEND, app_code, as_number, with_passcode,
};
use crate::support::users::{ANA, PASSWORD};

const ALL: &[&str] = &["email", "authenticator", "sms"];

#[test]
fn oracle_unified_verify_by_each_method() {
    let mut duo = Duo::with_unified("us-verify", &json!({}));
    duo.give_methods(ANA, ALL);
    let ana = &mut Browser::new();
    for path in [VERIFY, VERIFY_SEND] {
        duo.send("signed out", &mut Browser::new(), |_| {
            Request::post(
                path,
                &json!({"passcode": PASSWORD, "chosen_method": "email"}),
            )
        });
    }
    duo.send("sign in", ana, |_| with_passcode(PASSWORD));
    duo.send("GET", ana, |_| Request::get(VERIFY));
    let right = app_code(0);
    let (number, known_of_number) = as_number(&app_code(1));
    for (name, body) in [
        ("password", json!({"passcode": PASSWORD})),
        ("app", json!({"passcode": right})),
        ("wrong code", json!({"passcode": other_than(&right)})),
        ("nothing", json!({})),
        ("null", json!({"passcode": null})),
        ("empty", json!({"passcode": ""})),
        ("a list", json!({"passcode": [1]})),
        ("an object", json!({"passcode": {"a": 1}})),
        ("a fraction", json!({"passcode": 0.5})),
        ("a number", json!({"passcode": number})),
        ("next", json!({"passcode": PASSWORD, "next": "/there"})),
    ] {
        let known = match name {
            "a list" => Some((Known::NoListForText, 400)),
            "a number" => known_of_number,
            _ => None,
        };
        duo.send_differing(name, ana, known, |jar| post(VERIFY, &body, jar));
    }
    let known = Known::CodesWorkOnce;
    duo.send_known("app again", ana, known, 400, |jar| {
        post(VERIFY, &json!({"passcode": right}), jar)
    });
    duo.send("with tokens", ana, |jar| {
        let path = format!("{VERIFY}?include_auth_token");
        post(&path, &json!({"passcode": PASSWORD}), jar)
    });
    duo.send("form", ana, |jar| {
        with_token(form(VERIFY, &[("passcode", PASSWORD)]), jar)
    });
    duo.send("empty form", ana, |jar| with_token(form(VERIFY, &[]), jar));
    duo.finish(19);
}

#[test]
fn oracle_unified_verify_by_sent_codes() {
    let mut duo = Duo::with_unified("us-verify-sent", &json!({}));
    duo.give_methods(ANA, ALL);
    let ana = &mut Browser::new();
    duo.send("sign in", ana, |_| with_passcode(PASSWORD));
    for (name, body) in [
        ("nothing", json!({})),
        ("null", json!({"chosen_method": null})),
        ("unknown", json!({"chosen_method": "pigeon"})),
        ("password", json!({"chosen_method": "password"})),
        ("app", json!({"chosen_method": "authenticator"})),
        ("a number", json!({"chosen_method": 5})),
        ("a list", json!({"chosen_method": ["email"]})),
        (
            "a list as passcode",
            json!({"chosen_method": "email", "passcode": []}),
        ),
        (
            "next elsewhere",
            json!({"chosen_method": "email", "next": "https://evil.example/"}),
        ),
    ] {
        let known = match name {
            "null" => Some((Known::NullIsAbsent, 400)),
            "a list" => Some((Known::NoListForText, 400)),
            _ => None,
        };
        duo.send_differing(name, ana, known, |jar| post(VERIFY_SEND, &body, jar));
    }
    duo.send("no CSRF token", ana, |_| {
        Request::post(VERIFY_SEND, &json!({"chosen_method": "email"}))
    });
    for method in ["email", "sms"] {
        duo.send("send", ana, |jar| {
            post(VERIFY_SEND, &json!({"chosen_method": method}), jar)
        });
        let codes = if method == "email" {
            duo.mailed_codes(ANA)
        } else {
            duo.texted_codes(PHONE)
        };
        duo.send_own("code", ana, &codes, |jar, code| {
            post(VERIFY, &json!({"passcode": code}), jar)
        });
    }
    duo.send("form", ana, |jar| {
        with_token(form(VERIFY_SEND, &[("chosen_method", "sms")]), jar)
    });
    let known = Known::OwnErrorPages;
    duo.send_known("GET to send", ana, known, 405, |_| {
        Request::get(VERIFY_SEND)
    });
    duo.finish(17);
}

#[test]
fn oracle_unified_verify_makes_a_stale_session_fresh() {
    let changes = json!({
        "SECURITY_FRESHNESS": {"seconds": 2}, "SECURITY_FRESHNESS_GRACE_PERIOD": {"seconds": 0},
    });
    let mut duo = Duo::with_unified("us-verify-stale", &changes);
    duo.give_methods(ANA, ALL);
    let ana = &mut Browser::new();
    duo.send("sign in", ana, |_| with_passcode(PASSWORD));
    for (name, passcode) in [("password", PASSWORD.to_owned()), ("app", app_code(0))] {
        std::thread::sleep(std::time::Duration::from_millis(3200));
        duo.send("GET, stale", ana, |_| Request::get(SETUP));
        duo.send("POST, stale", ana, |jar| {
            post(SETUP, &json!({"chosen_method": "authenticator"}), jar)
        });
        duo.send("wrong", ana, |jar| {
            post(VERIFY, &json!({"passcode": "wrong"}), jar)
        });
        duo.send("GET, still stale", ana, |_| Request::get(SETUP));
        duo.send(name, ana, |jar| {
            post(VERIFY, &json!({"passcode": passcode}), jar)
        });
        duo.send("GET, fresh", ana, |_| Request::get(SETUP));
    }
    duo.finish(13);
}
