//! Signing in by a link.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::requests::LOGIN;
use crate::support::users::ANA;

fn passwordless(extra: &Value) -> Value {
    let mut changes = json!({"SECURITY_PASSWORDLESS": true, "SECURITY_UNIFIED_SIGNIN": false, "SECURITY_POST_LOGIN_VIEW": "/in"});
    for (key, value) in extra.as_object().into_iter().flatten() {
        changes[key] = value.clone();
    }
    changes
}

fn ask(email: &str) -> Request {
    Request::post(LOGIN, &json!({"email": email}))
}

/// A session is a session: `/change` lets in whoever has one.
fn who() -> Request {
    Request::get("/api/accounts/change")
}

#[test]
fn oracle_passwordless_asking_for_a_link() {
    let mut duo = Duo::start_with_mail("passwordless-ask", &passwordless(&json!({})));
    for (name, body) in [
        ("nothing", json!({})),
        ("empty", json!({"email": ""})),
        ("no address", json!({"email": "no"})),
        ("nobody", json!({"email": "nobody@example.com"})),
        ("somebody", json!({"email": ANA})),
        ("in capitals", json!({"email": "ANA@example.com"})),
        ("switched off", json!({"email": "cy@example.com"})),
        (
            "more members",
            json!({"email": ANA, "password": "x", "remember": true}),
        ),
    ] {
        duo.send(name, &mut Browser::new(), |_| Request::post(LOGIN, &body));
    }
    duo.send("GET", &mut Browser::new(), |_| Request::get(LOGIN));
    duo.send_known(
        "unconfirmed",
        &mut Browser::new(),
        Known::NoLinkForTheUnconfirmed,
        400,
        |_| ask("bo@example.com"),
    );
    duo.finish(10);
}

#[test]
fn oracle_passwordless_links() {
    let mut duo = Duo::start_with_mail("passwordless-links", &passwordless(&json!({})));
    let mut ana = Browser::new();
    duo.send("ask", &mut ana, |_| ask(ANA));
    let links = duo.links(ANA);
    duo.send_own("open", &mut ana, &links, |_, link| Request::get(link));
    duo.send("who", &mut ana, |_| who());
    duo.send_own("open, signed in", &mut ana, &links, |_, link| {
        Request::get(link)
    });
    duo.send("ask, signed in", &mut ana, |jar| with_token(ask(ANA), jar));
    let known = (Known::LinksWorkOnce, 302);
    duo.send_own_known(
        "open elsewhere",
        &mut Browser::new(),
        known,
        &links,
        |_, link| Request::get(link),
    );
    for bad in ["x", "a.b.c"] {
        duo.send(bad, &mut Browser::new(), |_| {
            Request::get(&format!("{LOGIN}/{bad}"))
        });
    }
    duo.finish(8);
}

#[test]
fn oracle_passwordless_too_late() {
    let changes = passwordless(&json!({"SECURITY_LOGIN_WITHIN": "1 seconds"}));
    let mut duo = Duo::start_with_mail("passwordless-late", &changes);
    duo.send("ask", &mut Browser::new(), |_| ask(ANA));
    let links = duo.links(ANA);
    std::thread::sleep(Duration::from_millis(2200));
    duo.send_own("open", &mut Browser::new(), &links, |_, link| {
        Request::get(link)
    });
    duo.finish(2);
}

#[test]
fn oracle_passwordless_switched_off_meanwhile() {
    let mut duo = Duo::start_with_mail("passwordless-off", &passwordless(&json!({})));
    duo.send("ask", &mut Browser::new(), |_| ask(ANA));
    let links = duo.links(ANA);
    duo.set(ANA, "active", "0");
    let known = (Known::LinksWorkOnce, 302);
    duo.send_own_known("open", &mut Browser::new(), known, &links, |_, link| {
        Request::get(link)
    });
    duo.finish(2);
}
