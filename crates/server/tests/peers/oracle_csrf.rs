//! When a CSRF token is required, where it may be sent, and which tokens are refused.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::cookies::payload;
use crate::support::duo::{Browser, Duo};
use crate::support::http::{Request, Response};
use crate::support::jar::Jar;
use crate::support::known::Known;
use crate::support::python::Python;
use crate::support::requests::{LOGIN, LOGOUT, sign_in, sign_in_with, sign_out, who};
use crate::support::users::{ANA, PASSWORD};

const BY_HEADER: [&str; 4] = [
    "X-XSRF-Token",
    "X-CSRFToken",
    "X-CSRF-Token",
    "x-xsrf-token",
];

/// The configuration in which unauthenticated requests need a CSRF token too.
fn required_of_all_callers() -> Value {
    json!({"SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": false})
}

/// The secret in the session that a token must contain.
fn secret_of(jar: &Jar) -> Value {
    jar.get("session")
        .and_then(payload)
        .map(|session| session["csrf_token"].clone())
        .unwrap_or_default()
}

/// A token as the reference would have signed it `age` seconds ago.
fn token(secret: &Value, key: &str, age: i64) -> String {
    Python::get().sign("csrf", key, secret, age)
}

fn with(token: &str) -> Request {
    sign_in(ANA).header("X-XSRF-Token", token)
}

#[test]
fn oracle_csrf_required_of_unauthenticated_callers() {
    let mut duo = Duo::start("csrf-unauthenticated", &required_of_all_callers());
    let mut ana = Browser::new();
    duo.send("no session, no token", &mut Browser::new(), |_| {
        sign_in(ANA)
    });
    duo.send("no session, a token", &mut Browser::new(), |_| {
        with(&token(&json!("abc"), SECRET, 0))
    });
    duo.send("fetch a token", &mut ana, |_| who());
    duo.send("no token", &mut ana, |_| sign_in(ANA));
    duo.send("an empty token", &mut ana, |_| with(""));
    duo.send("not a token", &mut ana, |_| with("wrong"));
    duo.send("a tampered token", &mut ana, |jar| {
        with(&format!("{}x", jar.get("XSRF-TOKEN").unwrap_or_default()))
    });
    duo.send("a token of another session", &mut ana, |_| {
        with(&token(&json!("0123456789"), SECRET, 0))
    });
    duo.send("a token signed with another key", &mut ana, |jar| {
        with(&token(&secret_of(jar), "another key", 0))
    });
    duo.send("a token signed for another purpose", &mut ana, |jar| {
        with(&Python::get().sign("remember", SECRET, &secret_of(jar), 0))
    });
    duo.send("a very old token, without a time limit", &mut ana, |jar| {
        with(&token(&secret_of(jar), SECRET, 400_000_000))
    });
    duo.finish(11);
}

#[test]
fn oracle_csrf_token_is_valid_from_before_the_sign_in_until_the_sign_out() {
    let mut duo = Duo::start("csrf-life", &json!({"SECURITY_LOGOUT_CSRF": true}));
    let mut ana = Browser::new();
    let first = duo.send("current user, signed out", &mut ana, |_| who());
    let told = |answer: &Response| {
        let body = answer.json().unwrap_or_default();
        let token = &body["response"]["csrf_token"];
        token.as_str().unwrap_or_default().to_owned()
    };
    let early = (told(&first.ours), told(&first.theirs));
    let secrets = |ana: &Browser| (secret_of(&ana.ours), secret_of(&ana.theirs));
    let before = secrets(&ana);
    let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
    duo.send("sign in", &mut ana, |_| sign_in_with(&body));
    assert_eq!(secrets(&ana), before, "the sign-in keeps the secret");
    let again = |_: &Jar, token: &str| with(token);
    duo.send_own("the early token", &mut ana, &early, again);
    // A session restored from the remember cookie keeps its CSRF secret too.
    let mut back = Browser::new();
    duo.send("current user, elsewhere", &mut back, |_| who());
    let elsewhere = secrets(&back);
    for (jar, from) in [(&mut back.ours, &ana.ours), (&mut back.theirs, &ana.theirs)] {
        jar.set(
            "remember_token",
            from.get("remember_token").unwrap_or_default(),
        );
    }
    duo.send("current user, remembered", &mut back, |_| who());
    assert_eq!(
        secrets(&back),
        elsewhere,
        "restoring the session keeps the secret"
    );
    duo.send_own(
        "sign out with the early token",
        &mut ana,
        &early,
        |_, token| Request::post(LOGOUT, &json!({})).header("X-XSRF-Token", token),
    );
    duo.send("sign in once more", &mut ana, |_| sign_in(ANA));
    let after = secrets(&ana);
    assert!(
        after.0 != before.0 && after.1 != before.1,
        "the sign-out replaces the secret"
    );
    duo.send_own(
        "the early token after the sign-out",
        &mut ana,
        &early,
        again,
    );
    duo.finish(8);
}

#[test]
fn oracle_csrf_where_the_token_may_be_sent() {
    let mut duo = Duo::start("csrf-places", &required_of_all_callers());
    for header in BY_HEADER {
        let mut ana = Browser::new();
        duo.send("fetch a token", &mut ana, |_| who());
        duo.send(header, &mut ana, |jar| {
            sign_in(ANA).header(header, jar.get("XSRF-TOKEN").unwrap_or_default())
        });
    }
    let mut ana = Browser::new();
    duo.send("fetch a token for the body", &mut ana, |_| who());
    duo.send("in the JSON body", &mut ana, |jar| {
        sign_in_with(
            &json!({"email": ANA, "password": PASSWORD, "csrf_token": jar.get("XSRF-TOKEN")}),
        )
    });
    duo.send("in the query", &mut ana, |jar| {
        Request::post(
            &format!(
                "{LOGIN}?csrf_token={}",
                jar.get("XSRF-TOKEN").unwrap_or_default()
            ),
            &json!({"email": ANA, "password": PASSWORD}),
        )
    });
    duo.send("only as the cookie", &mut ana, |_| sign_in(ANA));
    duo.send_known("in a form field", &mut ana, Known::JsonAlways, 200, |jar| {
        let token = jar.get("XSRF-TOKEN").unwrap_or_default().to_owned();
        Request::new("POST", LOGIN).form(&[
            ("email", ANA),
            ("password", PASSWORD),
            ("csrf_token", &token),
        ])
    });
    duo.finish(13);
}

#[test]
fn oracle_csrf_time_limit() {
    let mut config = required_of_all_callers();
    config["WTF_CSRF_TIME_LIMIT"] = json!(60);
    let mut duo = Duo::start("csrf-limit", &config);
    let mut ana = Browser::new();
    duo.send("fetch a token", &mut ana, |_| who());
    duo.send("an expired token", &mut ana, |jar| {
        with(&token(&secret_of(jar), SECRET, 120))
    });
    duo.send("a token from the future", &mut ana, |jar| {
        with(&token(&secret_of(jar), SECRET, -3600))
    });
    duo.send("a token within the limit", &mut ana, |jar| {
        with(&token(&secret_of(jar), SECRET, 20))
    });
    ana.both(|jar| {
        let old = token(&secret_of(jar), SECRET, 120);
        jar.set("XSRF-TOKEN", &old);
    });
    duo.send("an expired cookie is renewed", &mut ana, |_| who());
    duo.send("a fresh cookie is kept", &mut ana, |_| who());
    ana.both(|jar| jar.forget("XSRF-TOKEN"));
    duo.send("a lost cookie is set again", &mut ana, |_| who());
    duo.send("sign out", &mut ana, sign_out);
    duo.finish(8);
}

#[test]
fn oracle_csrf_cookie_on_each_request() {
    let mut duo = Duo::start(
        "csrf-refresh",
        &json!({"SECURITY_CSRF_COOKIE_REFRESH_EACH_REQUEST": true}),
    );
    let mut ana = Browser::new();
    duo.send("current user", &mut ana, |_| who());
    duo.send("current user again", &mut ana, |_| who());
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("current user, signed in", &mut ana, |_| who());
    duo.send("a refused sign-in", &mut ana, |_| sign_in(ANA));
    duo.send("sign out", &mut ana, sign_out);
    duo.finish(6);
}

#[test]
fn oracle_csrf_cookie_with_another_name_and_attributes() {
    let cookie = json!({
        "samesite": "Lax", "httponly": true, "secure": false, "path": "/api", "domain": "localhost", "max_age": 600
    });
    let mut duo = Duo::start(
        "csrf-cookie",
        &json!({"SECURITY_CSRF_COOKIE_NAME": "my-csrf", "SECURITY_CSRF_COOKIE": cookie, "SECURITY_CSRF_HEADER": "X-My-Token"}),
    );
    let mut ana = Browser::new();
    duo.send("current user", &mut ana, |_| who());
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    let token = |jar: &Jar| jar.get("my-csrf").unwrap_or_default().to_owned();
    duo.send("the usual header is ignored", &mut ana, |jar| {
        sign_in(ANA).header("X-XSRF-Token", token(jar))
    });
    duo.send("the configured header", &mut ana, |jar| {
        sign_in(ANA).header("X-My-Token", token(jar))
    });
    duo.send("the default header", &mut ana, |jar| {
        sign_in(ANA).header("X-CSRF-Token", token(jar))
    });
    duo.send("sign out", &mut ana, |jar| {
        Request::post(LOGOUT, &json!({})).header("X-My-Token", token(jar))
    });
    duo.finish(6);
}

#[test]
fn oracle_csrf_without_a_cookie() {
    let mut duo = Duo::start(
        "csrf-no-cookie",
        &json!({"SECURITY_CSRF_COOKIE_NAME": null}),
    );
    let mut ana = Browser::new();
    duo.send("current user", &mut ana, |_| who());
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("current user, signed in", &mut ana, |_| who());
    duo.send("sign out", &mut ana, |_| Request::post(LOGOUT, &json!({})));
    duo.finish(4);
}

#[test]
fn oracle_csrf_switched_off() {
    let mut duo = Duo::start("csrf-off", &json!({"WTF_CSRF_ENABLED": false}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("sign in again", &mut ana, |_| sign_in(ANA));
    duo.send("current user", &mut ana, |_| who());
    duo.send("sign out", &mut ana, |_| Request::post(LOGOUT, &json!({})));
    duo.finish(4);
}

#[test]
fn oracle_csrf_required_of_every_unsafe_request() {
    // Flask-WTF's own default: every unsafe request needs a token, even unauthenticated ones.
    let mut duo = Duo::start(
        "csrf-default",
        &json!({
            "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": false,
            "SECURITY_CSRF_PROTECT_MECHANISMS": ["basic", "session", "token"],
            "WTF_CSRF_CHECK_DEFAULT": false,
            "WTF_CSRF_TIME_LIMIT": 3600,
            "SECURITY_LOGOUT_CSRF": true,
        }),
    );
    let mut ana = Browser::new();
    duo.send("no token", &mut ana, |_| sign_in(ANA));
    duo.send("fetch a token", &mut ana, |_| who());
    duo.send("sign in", &mut ana, |jar| {
        with(jar.get("XSRF-TOKEN").unwrap_or_default())
    });
    duo.send("sign out without a token", &mut ana, |_| {
        Request::post(LOGOUT, &json!({}))
    });
    duo.send("sign out", &mut ana, sign_out);
    duo.finish(5);
}

#[test]
fn oracle_csrf_with_another_secret_and_field() {
    let mut duo = Duo::start(
        "csrf-secret",
        &json!({
            "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": false,
            "WTF_CSRF_SECRET_KEY": "a key for these tokens alone, 0123456789",
            "WTF_CSRF_FIELD_NAME": "xsrf",
            "WTF_CSRF_HEADERS": ["X-One"],
        }),
    );
    let mut ana = Browser::new();
    duo.send("fetch a token", &mut ana, |_| who());
    let sent = |jar: &Jar| jar.get("XSRF-TOKEN").unwrap_or_default().to_owned();
    duo.send("signed with the session's key", &mut ana, |jar| {
        let session = jar.get("session").and_then(payload).unwrap_or_default();
        sign_in(ANA).header("X-One", token(&session["xsrf"], SECRET, 0))
    });
    duo.send("the default header is ignored", &mut ana, |jar| {
        sign_in(ANA).header("X-CSRF-Token", sent(jar))
    });
    duo.send("sign in", &mut ana, |jar| {
        sign_in(ANA).header("X-One", sent(jar))
    });
    duo.send("sign out", &mut ana, sign_out);
    duo.finish(5);
}

#[test]
fn oracle_csrf_methods() {
    let mut config = required_of_all_callers();
    config["WTF_CSRF_METHODS"] = json!(["PUT"]);
    let mut duo = Duo::start("csrf-methods", &config);
    duo.send_known(
        "POST is not among them",
        &mut Browser::new(),
        Known::CsrfIsNoFieldError,
        400,
        |_| sign_in(ANA),
    );
    duo.finish(1);
}
