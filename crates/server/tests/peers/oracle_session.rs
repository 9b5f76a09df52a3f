//! Which sessions and remember cookies are valid.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::cookies::payload;
use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::python::Python;
use crate::support::requests::{sign_in, sign_in_with, sign_out, who};
use crate::support::users::{ANA, ANA_ID, CY_ID, PASSWORD};

/// A session of [`ANA`] as a server would have signed it `age` seconds ago.
fn session(changes: &Value, key: &str, age: i64) -> String {
    let mut session = json!({
        "_user_id": ANA_ID, "_fresh": true, "_id": "of another browser", "fs_cc": "sent", "fs_paa": 1_700_000_000,
        "csrf_token": "0123456789012345678901234567890123456789",
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        session[key] = value.clone();
    }
    Python::get().sign("session", key, &session, age)
}

fn holding(cookie: &str, value: &str) -> Browser {
    let mut browser = Browser::new();
    browser.both(|jar| jar.set(cookie, value));
    browser
}

fn signed_in_and_remembered(duo: &mut Duo) -> Browser {
    let mut ana = Browser::new();
    let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
    duo.send("sign in, remembered", &mut ana, |_| sign_in_with(&body));
    ana
}

#[test]
fn oracle_session_invalid_cookies() {
    let mut duo = Duo::start("worthless", &json!({}));
    let good = session(&json!({}), SECRET, 0);
    for (name, value) in [
        ("empty", String::new()),
        ("not a session", "nonsense".into()),
        (
            "tampered at the end",
            // Python ignores the two low bits of the last character, so change one of the others.
            format!(
                "{}{}",
                &good[..good.len() - 1],
                if good.ends_with('w') { 'A' } else { 'w' }
            ),
        ),
        ("tampered at the beginning", format!("e{good}")),
        (
            "signed with another key",
            session(&json!({}), "another key", 0),
        ),
        (
            "older than its lifetime",
            session(&json!({}), SECRET, 32 * 86_400),
        ),
        ("from the future", session(&json!({}), SECRET, -86_400)),
        (
            "signed for another purpose",
            Python::get().sign("remember", SECRET, &json!({"_user_id": ANA_ID}), 0),
        ),
        (
            "of an unknown user",
            session(
                &json!({"_user_id": "ffffffffffffffffffffffffffffffff"}),
                SECRET,
                0,
            ),
        ),
        (
            "of an inactive account",
            session(&json!({"_user_id": CY_ID}), SECRET, 0),
        ),
        (
            "empty identity",
            session(&json!({"_user_id": ""}), SECRET, 0),
        ),
        (
            "null identity",
            session(&json!({"_user_id": null}), SECRET, 0),
        ),
        (
            "unsigned",
            good.rsplit_once('.')
                .map(|(front, _)| front.to_owned())
                .unwrap_or_default(),
        ),
    ] {
        duo.send(name, &mut holding("session", &value), |_| who());
    }
    let list = Python::get().sign("session", SECRET, &json!([1, 2]), 0);
    duo.send_known(
        "signed, but not an object",
        &mut holding("session", &list),
        Known::ClientMistake,
        200,
        |_| who(),
    );
    duo.finish(14);
}

#[test]
fn oracle_session_cookies_of_another_server() {
    let mut duo = Duo::start("foreign", &json!({}));
    duo.send(
        "complete",
        &mut holding("session", &session(&json!({}), SECRET, 0)),
        |_| who(),
    );
    duo.send(
        "shortly before it expires",
        &mut holding("session", &session(&json!({}), SECRET, 30 * 86_400)),
        |_| who(),
    );
    duo.send(
        "with application data",
        &mut holding(
            "session",
            &session(&json!({"cart": [1, {"a": null}], "n": 1.5}), SECRET, 0),
        ),
        |_| who(),
    );
    duo.send(
        "with flask's tagged values",
        &mut holding(
            "session",
            &session(
                &json!({"when": {" d": "Mon, 01 Jan 2024 00:00:00 GMT"}, "pair": {" t": [1, 2]}}),
                SECRET,
                0,
            ),
        ),
        |_| who(),
    );
    duo.send_known(
        "without a CSRF value",
        &mut holding("session", &session(&json!({"csrf_token": null}), SECRET, 0)),
        Known::ClientMistake,
        200,
        |_| who(),
    );
    let mut ana = holding("session", &session(&json!({"cart": [1, 2]}), SECRET, 0));
    duo.send("sign in again while signed in", &mut ana, |_| sign_in(ANA));
    duo.send("sign out keeps application data", &mut ana, sign_out);
    duo.send("current user", &mut ana, |_| who());
    duo.finish(8);
}

#[test]
fn oracle_session_ends_when_the_uniquifier_changes() {
    let mut duo = Duo::start("identity", &json!({}));
    let mut ana = signed_in_and_remembered(&mut duo);
    duo.send("signed in", &mut ana, |_| who());
    duo.set(ANA, "fs_uniquifier", "a0000000000000000000000000009999");
    let known = Known::NoTraceOfDeletedUser;
    duo.send_known("after the uniquifier changed", &mut ana, known, 200, |_| {
        who()
    });
    ana.both(|jar| jar.forget("session"));
    duo.send_known("the remember cookie alone", &mut ana, known, 200, |_| who());
    duo.finish(4);
}

#[test]
fn oracle_session_ends_when_the_account_is_deactivated() {
    let mut duo = Duo::start("account", &json!({}));
    let mut ana = signed_in_and_remembered(&mut duo);
    duo.set(ANA, "active", "0");
    let known = Known::NoTraceOfDeletedUser;
    duo.send_known("inactive", &mut ana, known, 200, |_| who());
    duo.send_known("sign out while inactive", &mut ana, known, 200, sign_out);
    duo.set(ANA, "active", "1");
    duo.send("active again", &mut ana, |_| who());
    duo.finish(4);
}

#[test]
fn oracle_session_survives_the_confirmation_of_another_user() {
    let mut duo = Duo::start("confirmation", &json!({}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.set(
        "bo@example.com",
        "confirmed_at",
        "2026-01-02 03:04:05.000006",
    );
    duo.send("sign in, newly confirmed", &mut Browser::new(), |_| {
        sign_in("bo@example.com")
    });
    duo.send("current user", &mut ana, |_| who());
    duo.finish(3);
}

#[test]
fn oracle_session_restored_from_the_remember_cookie() {
    let mut duo = Duo::start("restored", &json!({}));
    let mut ana = signed_in_and_remembered(&mut duo);
    ana.both(|jar| {
        jar.forget("session");
        jar.forget("XSRF-TOKEN");
    });
    duo.send("current user, restored", &mut ana, |_| who());
    duo.send("current user, restored earlier", &mut ana, |_| who());
    duo.send("sign in without a CSRF token", &mut ana, |_| sign_in(ANA));
    duo.send("sign out", &mut ana, sign_out);
    duo.send("current user, signed out", &mut ana, |_| who());
    duo.finish(6);
}

#[test]
fn oracle_session_valid_and_invalid_remember_cookies() {
    let mut duo = Duo::start("forgotten", &json!({}));
    let good = Python::get().remember(SECRET, ANA_ID);
    duo.send("valid", &mut holding("remember_token", &good), |_| who());
    duo.send(
        "valid, sign in",
        &mut holding("remember_token", &good),
        |_| sign_in(ANA),
    );
    duo.send(
        "valid, sign out",
        &mut holding("remember_token", &good),
        sign_out,
    );
    for (name, value) in [
        ("empty", String::new()),
        ("no digest", ANA_ID.to_owned()),
        ("an empty digest", format!("{ANA_ID}|")),
        ("tampered", format!("{}0", &good[..good.len() - 1])),
        (
            "another user's digest",
            good.replacen(ANA_ID, "b0000000000000000000000000000002", 1),
        ),
        (
            "signed with another key",
            Python::get().remember("another key", ANA_ID),
        ),
        (
            "digest in upper case",
            good.split_once('|')
                .map(|(id, digest)| format!("{id}|{}", digest.to_uppercase()))
                .unwrap_or_default(),
        ),
    ] {
        duo.send(name, &mut holding("remember_token", &value), |_| who());
    }
    for (name, id) in [
        ("of an unknown user", "ffffffffffffffffffffffffffffffff"),
        ("of an inactive account", CY_ID),
    ] {
        let value = Python::get().remember(SECRET, id);
        let mut browser = holding("remember_token", &value);
        duo.send_known(name, &mut browser, Known::NoTraceOfDeletedUser, 200, |_| {
            who()
        });
    }
    duo.send(
        "an invalid session beside a valid remember cookie",
        &mut {
            let mut browser = holding("remember_token", &good);
            browser.both(|jar| jar.set("session", "nonsense"));
            browser
        },
        |_| who(),
    );
    duo.finish(13);
}

#[test]
fn oracle_session_after_another_session_signed_out() {
    let mut duo = Duo::start("two-sessions", &json!({}));
    let (mut first, mut second) = (Browser::new(), Browser::new());
    duo.send("sign in on the first", &mut first, |_| sign_in(ANA));
    duo.send("sign in on the second", &mut second, |_| sign_in(ANA));
    duo.send("sign out on the first", &mut first, sign_out);
    duo.send("current user on the second", &mut second, |_| who());
    duo.finish(4);
}

fn protection(name: &str, mode: &Value) -> (Duo, Browser) {
    let mut duo = Duo::start(name, &json!({"SESSION_PROTECTION": mode}));
    let ana = signed_in_and_remembered(&mut duo);
    (duo, ana)
}

fn elsewhere(request: Request) -> Request {
    request.header("User-Agent", "another-browser/2.0")
}

#[test]
fn oracle_session_protection_basic() {
    let (mut duo, mut ana) = protection("basic", &json!("basic"));
    duo.send("another browser", &mut ana, |_| elsewhere(who()));
    duo.send("another browser again", &mut ana, |_| elsewhere(who()));
    duo.send("the first browser again", &mut ana, |_| who());
    duo.send("a forwarded address", &mut ana, |_| {
        who().header("X-Forwarded-For", "192.0.2.1, 198.51.100.1")
    });
    duo.send("sign out in another browser", &mut ana, |jar| {
        elsewhere(with_token(
            Request::post(crate::support::requests::LOGOUT, &json!({})),
            jar,
        ))
    });
    duo.finish(6);
}

#[test]
fn oracle_session_protection_strong() {
    let (mut duo, mut ana) = protection("strong", &json!("strong"));
    duo.send("same browser", &mut ana, |_| who());
    duo.send("another browser", &mut ana, |_| elsewhere(who()));
    duo.send("the first browser again", &mut ana, |_| who());
    duo.send("sign in in another browser", &mut ana, |_| {
        elsewhere(sign_in(ANA))
    });
    duo.finish(5);
}

#[test]
fn oracle_session_protection_off() {
    let (mut duo, mut ana) = protection("unprotected", &Value::Null);
    duo.send("another browser", &mut ana, |_| elsewhere(who()));
    duo.finish(2);
}

#[test]
fn oracle_session_without_a_user_agent() {
    let mut duo = Duo::start("nameless", &json!({}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| {
        sign_in(ANA).header("User-Agent", "")
    });
    duo.send("current user", &mut ana, |_| who().header("User-Agent", ""));
    duo.send("non-ASCII user agent", &mut ana, |_| {
        who().header("User-Agent", "br\u{fc}ser".as_bytes())
    });
    duo.finish(3);
}

#[test]
fn oracle_session_repeated_in_one_header() {
    let mut duo = Duo::start("twice", &json!({}));
    let good = session(&json!({}), SECRET, 0);
    duo.send("good, then bad", &mut Browser::new(), |_| {
        who().header("Cookie", format!("session={good}; session=bad"))
    });
    duo.send("bad, then good", &mut Browser::new(), |_| {
        who().header("Cookie", format!("session=bad; session={good}"))
    });
    duo.send("quoted", &mut Browser::new(), |_| {
        who().header("Cookie", format!("session=\"{good}\""))
    });
    duo.send("among malformed cookies", &mut Browser::new(), |_| {
        who().header("Cookie", format!("a=1;session={good};b=\u{e9}; =x; c"))
    });
    duo.finish(4);
}

#[test]
fn oracle_session_signed_with_a_fallback_key() {
    let mut duo = Duo::start(
        "fallback",
        &json!({"SECRET_KEY_FALLBACKS": ["an older key 0123456789 0123456789 01"]}),
    );
    let old = session(&json!({}), "an older key 0123456789 0123456789 01", 0);
    let mut ana = holding("session", &old);
    duo.send("signed with the older key", &mut ana, |_| who());
    duo.send(
        "signed with the current key",
        &mut holding("session", &session(&json!({}), SECRET, 0)),
        |_| who(),
    );
    duo.send(
        "signed with a retired key",
        &mut holding("session", &session(&json!({}), "retired", 0)),
        |_| who(),
    );
    let fresh = duo.send("sign in", &mut Browser::new(), |_| sign_in(ANA));
    assert!(fresh.ours.all("set-cookie").iter().any(|cookie| {
        cookie
            .strip_prefix("session=")
            .and_then(payload)
            .is_some_and(|session| session["_user_id"] == ANA_ID)
    }));
    duo.finish(4);
}
