//! The attributes of the session, remember and CSRF cookies under every setting that changes them,
//! and when each cookie is set.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::duo::{Browser, Duo};
use crate::support::http::Response;
use crate::support::known::Known;
use crate::support::python::Python;
use crate::support::requests::{sign_in, sign_in_with, sign_out, who};
use crate::support::users::{ANA, ANA_ID, PASSWORD};

fn remembered(remember: &Value) -> Value {
    json!({"email": ANA, "password": PASSWORD, "remember": remember})
}

#[test]
fn oracle_cookies_remember_in_every_spelling() {
    let mut duo = Duo::start("remember", &json!({}));
    for remember in [
        json!(true),
        json!(false),
        json!("on"),
        json!("y"),
        json!("true"),
        json!("false"),
        json!("False"),
        json!(""),
        json!("no"),
        json!("0"),
        json!(1),
    ] {
        let name = format!("remember {remember}");
        duo.send(&name, &mut Browser::new(), |_| {
            sign_in_with(&remembered(&remember))
        });
    }
    duo.send_known(
        "remember an object",
        &mut Browser::new(),
        Known::ClientMistake,
        400,
        |_| sign_in_with(&remembered(&json!({"a": 1}))),
    );
    duo.send_known(
        "remember null",
        &mut Browser::new(),
        Known::Remember,
        200,
        |_| sign_in_with(&remembered(&Value::Null)),
    );
    duo.finish(13);
}

#[test]
fn oracle_cookies_remember_by_default() {
    let mut duo = Duo::start(
        "remember-default",
        &json!({"SECURITY_DEFAULT_REMEMBER_ME": true}),
    );
    for remember in [json!(true), json!(false)] {
        let name = format!("remember {remember}");
        duo.send(&name, &mut Browser::new(), |_| {
            sign_in_with(&remembered(&remember))
        });
    }
    duo.send_known(
        "remember absent",
        &mut Browser::new(),
        Known::Remember,
        200,
        |_| sign_in(ANA),
    );
    duo.finish(3);
}

#[test]
fn oracle_cookies_remember_attributes() {
    let mut duo = Duo::start(
        "remember-attributes",
        &json!({
            "REMEMBER_COOKIE_NAME": "keep",
            "REMEMBER_COOKIE_DURATION": {"seconds": 3600},
            "REMEMBER_COOKIE_DOMAIN": "localhost",
            "REMEMBER_COOKIE_PATH": "/api",
            "REMEMBER_COOKIE_SECURE": true,
            "REMEMBER_COOKIE_HTTPONLY": false,
            "REMEMBER_COOKIE_SAMESITE": "Strict",
        }),
    );
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| {
        sign_in_with(&remembered(&json!(true)))
    });
    duo.send("current user", &mut ana, |_| who());
    duo.send("sign out", &mut ana, sign_out);
    duo.finish(3);
}

#[test]
fn oracle_cookies_remember_on_each_request() {
    let mut duo = Duo::start(
        "remember-refresh",
        &json!({"REMEMBER_COOKIE_REFRESH_EACH_REQUEST": true}),
    );
    let mut ana = Browser::new();
    duo.send("current user, signed out", &mut ana, |_| who());
    let known = Known::RememberRenewed;
    duo.send_known("sign in, not remembered", &mut ana, known, 200, |_| {
        sign_in(ANA)
    });
    duo.send_known("current user", &mut ana, known, 200, |_| who());
    duo.send_known("sign out", &mut ana, known, 200, sign_out);
    let mut kept = Browser::new();
    let body = remembered(&json!(true));
    duo.send("sign in, remembered", &mut kept, |_| sign_in_with(&body));
    // The reference also rewrites the session: it adds a flag and removes it again.
    let renewed = duo.send_known("current user, remembered", &mut kept, known, 200, |_| who());
    let sets = |answer: &Response| {
        answer
            .all("set-cookie")
            .iter()
            .any(|c| c.starts_with("remember_token=a"))
    };
    assert!(sets(&renewed.ours) && sets(&renewed.theirs));
    duo.send("sign out, remembered", &mut kept, sign_out);
    duo.finish(7);
}

#[test]
fn oracle_cookies_session_attributes() {
    let mut duo = Duo::start(
        "session-attributes",
        &json!({
            "SESSION_COOKIE_NAME": "sid",
            "SESSION_COOKIE_DOMAIN": "localhost",
            "SESSION_COOKIE_PATH": "/api",
            "SESSION_COOKIE_SECURE": true,
            "SESSION_COOKIE_HTTPONLY": false,
            "SESSION_COOKIE_SAMESITE": "Lax",
        }),
    );
    let mut ana = Browser::new();
    duo.send("current user", &mut ana, |_| who());
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("current user, signed in", &mut ana, |_| who());
    duo.send("sign out", &mut ana, sign_out);
    duo.finish(4);
}

#[test]
fn oracle_cookies_partitioned_and_cross_site() {
    let mut duo = Duo::start(
        "session-partitioned",
        &json!({
            "SESSION_COOKIE_SECURE": true,
            "SESSION_COOKIE_SAMESITE": "None",
            "SESSION_COOKIE_PARTITIONED": true,
            "SECURITY_CSRF_COOKIE": {"samesite": "None", "secure": true, "httponly": false},
        }),
    );
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("sign out", &mut ana, sign_out);
    duo.finish(2);
}

#[test]
fn oracle_cookies_under_an_application_root() {
    let mut duo = Duo::start("root", &json!({"APPLICATION_ROOT": "/app"}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("sign out", &mut ana, sign_out);
    duo.finish(2);
}

/// A session that the application made permanent.
fn permanent() -> String {
    let session = json!({
        "_permanent": true, "_user_id": ANA_ID, "_fresh": true, "_id": "of another browser", "fs_cc": "sent",
        "fs_paa": 1_700_000_000, "csrf_token": "0123456789012345678901234567890123456789",
    });
    Python::get().sign("session", SECRET, &session, 5)
}

#[test]
fn oracle_cookies_permanent_session() {
    let mut duo = Duo::start(
        "permanent",
        &json!({"PERMANENT_SESSION_LIFETIME": {"seconds": 7200}}),
    );
    let mut ana = Browser::new();
    let session = permanent();
    ana.both(|jar| jar.set("session", &session));
    duo.send("current user", &mut ana, |_| who());
    duo.send("current user again", &mut ana, |_| who());
    duo.send("sign out", &mut ana, sign_out);
    duo.send("current user, signed out", &mut ana, |_| who());
    duo.finish(4);
}

#[test]
fn oracle_cookies_permanent_session_not_refreshed() {
    let mut duo = Duo::start(
        "permanent-still",
        &json!({"SESSION_REFRESH_EACH_REQUEST": false}),
    );
    let mut ana = Browser::new();
    let session = permanent();
    ana.both(|jar| jar.set("session", &session));
    duo.send("current user", &mut ana, |_| who());
    duo.send("current user again", &mut ana, |_| who());
    duo.finish(2);
}
