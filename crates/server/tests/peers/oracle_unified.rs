//! Unified sign-in, without the codes that only their recipient sees.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::requests::REGISTER;
use crate::support::users::{ANA, PASSWORD};

const SIGN_IN: &str = "/api/accounts/us-signin";
const SEND: &str = "/api/accounts/us-signin/send-code";
const VERIFY: &str = "/api/accounts/us-verify";
const VERIFY_SEND: &str = "/api/accounts/us-verify/send-code";
const SETUP: &str = "/api/accounts/us-setup";
const LINK: &str = "/api/accounts/us-verify-link";

/// The reference lists methods in any order, so that no list may have two.
fn config(more: &Value) -> Value {
    let mut config = json!({"SECURITY_US_ENABLED_METHODS": ["password", "email"]});
    for (key, value) in more.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config
}

fn sign_in(passcode: &Value) -> Request {
    Request::post(SIGN_IN, &json!({"identity": ANA, "passcode": passcode}))
}

fn compare_sign_ins(name: &str, more: &Value) {
    let mut duo = Duo::start(name, &config(more));
    let anonymous = &mut Browser::new();
    duo.send("GET", anonymous, |_| Request::get(SIGN_IN));
    for (name, passcode) in [
        ("wrong", json!("wrong")),
        ("digits", json!("123456")),
        ("a number", json!(123_456)),
        ("none", json!(null)),
        ("empty", json!("")),
    ] {
        duo.send(name, anonymous, |_| sign_in(&passcode));
    }
    for (name, body) in [
        (
            "unknown",
            json!({"identity": "no@example.com", "passcode": "x"}),
        ),
        (
            "a number as identity",
            json!({"identity": 7, "passcode": "x"}),
        ),
        (
            "next on another site",
            json!({"identity": ANA, "passcode": PASSWORD, "next": "https://evil.example/"}),
        ),
    ] {
        duo.send(name, anonymous, |_| Request::post(SIGN_IN, &body));
    }
    let ana = &mut Browser::new();
    duo.send("right", ana, |_| sign_in(&json!(PASSWORD)));
    duo.send("GET, signed in", ana, |_| Request::get(SIGN_IN));
    duo.send("signed in already", ana, |jar| {
        with_token(sign_in(&json!(PASSWORD)), jar)
    });
    duo.send("with tokens", &mut Browser::new(), |_| {
        let body = json!({"identity": ANA, "passcode": PASSWORD, "remember": true});
        Request::post(&format!("{SIGN_IN}?include_auth_token"), &body)
    });
    duo.finish(13);
}

#[test]
fn oracle_unified_sign_in_by_password() {
    compare_sign_ins("unified", &json!({}));
}

#[test]
fn oracle_unified_sign_in_with_generic_responses() {
    compare_sign_ins(
        "unified-generic",
        &json!({"SECURITY_RETURN_GENERIC_RESPONSES": true}),
    );
}

#[test]
fn oracle_unified_codes_that_are_not_sent() {
    let mut duo = Duo::start_with_mail("unified-send", &config(&json!({})));
    let anonymous = &mut Browser::new();
    for (name, body) in [
        (
            "unknown",
            json!({"identity": "no@example.com", "chosen_method": "email"}),
        ),
        (
            "not set up",
            json!({"identity": ANA, "chosen_method": "email"}),
        ),
        (
            "not enabled",
            json!({"identity": ANA, "chosen_method": "sms"}),
        ),
        ("no method", json!({"identity": ANA})),
    ] {
        duo.send(name, anonymous, |_| Request::post(SEND, &body));
    }
    for (name, path) in [
        ("a link without a code", format!("{LINK}?id=7")),
        ("a link without a user", format!("{LINK}?id=7&code=123456")),
    ] {
        duo.send(name, anonymous, |_| Request::get(&path));
    }
    duo.finish(6);
}

#[test]
fn oracle_unified_a_user_without_a_password_is_sent_a_code() {
    let more = json!({"SECURITY_CONFIRMABLE": false, "SECURITY_PASSWORD_REQUIRED": false});
    let mut duo = Duo::start_with_mail("unified-mail", &config(&more));
    let new = "new@example.com";
    let browser = &mut Browser::new();
    duo.send("register", browser, |_| {
        Request::post(REGISTER, &json!({"email": new}))
    });
    duo.send("GET the ways to verify", browser, |_| Request::get(VERIFY));
    duo.send("send to verify", browser, |jar| {
        let body = json!({"chosen_method": "email"});
        with_token(Request::post(VERIFY_SEND, &body), jar)
    });
    duo.send("GET the methods", browser, |_| Request::get(SETUP));
    duo.send("send", &mut Browser::new(), |_| {
        Request::post(SEND, &json!({"identity": new, "chosen_method": "email"}))
    });
    duo.send("remove the method", browser, |jar| {
        with_token(
            Request::post(SETUP, &json!({"delete_method": ["email"]})),
            jar,
        )
    });
    duo.finish(6);
}

#[test]
fn oracle_unified_verify() {
    let mut duo = Duo::start_with_mail("unified-verify", &config(&json!({})));
    duo.send("signed out", &mut Browser::new(), |_| Request::get(VERIFY));
    let ana = &mut Browser::new();
    duo.send("sign in", ana, |_| sign_in(&json!(PASSWORD)));
    duo.send("GET", ana, |_| Request::get(VERIFY));
    for (name, body) in [
        ("right", json!({"passcode": PASSWORD})),
        ("wrong", json!({"passcode": "wrong"})),
        ("none", json!({})),
        (
            "next on another site",
            json!({"passcode": PASSWORD, "next": "https://evil.example/"}),
        ),
    ] {
        duo.send(name, ana, |jar| {
            with_token(Request::post(VERIFY, &body), jar)
        });
    }
    duo.send("no CSRF token", ana, |_| {
        Request::post(VERIFY, &json!({"passcode": PASSWORD}))
    });
    for (name, body) in [
        ("not set up", json!({"chosen_method": "email"})),
        ("not enabled", json!({"chosen_method": "sms"})),
        ("no method", json!({})),
    ] {
        duo.send(name, ana, |jar| {
            with_token(Request::post(VERIFY_SEND, &body), jar)
        });
    }
    duo.finish(11);
}

#[test]
fn oracle_unified_setup() {
    let mut duo = Duo::start_with_mail("unified-setup", &config(&json!({})));
    let ana = &mut Browser::new();
    duo.send("sign in", ana, |_| sign_in(&json!(PASSWORD)));
    duo.send("GET", ana, |_| Request::get(SETUP));
    for (name, body) in [
        ("nothing", json!({})),
        ("not enabled", json!({"chosen_method": "sms"})),
        ("not set up", json!({"delete_method": ["email"]})),
        ("not a list of methods", json!({"delete_method": ["smoke"]})),
    ] {
        duo.send(name, ana, |jar| {
            with_token(Request::post(SETUP, &body), jar)
        });
    }
    duo.send("a wrong state", ana, |jar| {
        let body = json!({"passcode": "123456"});
        with_token(Request::post(&format!("{SETUP}/a.b.c"), &body), jar)
    });
    duo.finish(7);
}
