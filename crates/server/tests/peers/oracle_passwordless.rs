//! Signing in with a link from a mail.

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

/// A request that is refused without a signed-in session.
fn who() -> Request {
    Request::get("/api/accounts/change")
}

#[test]
fn oracle_passwordless_requesting_a_link() {
    let mut duo = Duo::start_with_mail("passwordless-ask", &passwordless(&json!({})));
    for (name, body) in [
        ("empty body", json!({})),
        ("empty address", json!({"email": ""})),
        ("not an address", json!({"email": "no"})),
        ("unknown address", json!({"email": "unknown@example.com"})),
        ("known address", json!({"email": ANA})),
        ("in capitals", json!({"email": "ANA@example.com"})),
        ("deactivated", json!({"email": "cy@example.com"})),
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
    duo.send("request a link", &mut ana, |_| ask(ANA));
    let links = duo.links(ANA);
    duo.send_own("open the link", &mut ana, &links, |_, link| {
        Request::get(link)
    });
    duo.send("GET /change", &mut ana, |_| who());
    duo.send_own("open the link, signed in", &mut ana, &links, |_, link| {
        Request::get(link)
    });
    duo.send("request a link, signed in", &mut ana, |jar| {
        with_token(ask(ANA), jar)
    });
    let known = (Known::LinksWorkOnce, 302);
    duo.send_own_known(
        "open the link elsewhere",
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
fn oracle_passwordless_with_an_expired_link() {
    let changes = passwordless(&json!({"SECURITY_LOGIN_WITHIN": "1 seconds"}));
    let mut duo = Duo::start_with_mail("passwordless-late", &changes);
    duo.send("request a link", &mut Browser::new(), |_| ask(ANA));
    let links = duo.links(ANA);
    std::thread::sleep(Duration::from_millis(2200));
    duo.send_own(
        "open the expired link",
        &mut Browser::new(),
        &links,
        |_, link| Request::get(link),
    );
    duo.finish(2);
}

#[test]
fn oracle_passwordless_link_of_a_deactivated_user() {
    let mut duo = Duo::start_with_mail("passwordless-off", &passwordless(&json!({})));
    duo.send("request a link", &mut Browser::new(), |_| ask(ANA));
    let links = duo.links(ANA);
    duo.set(ANA, "active", "0");
    let known = (Known::LinksWorkOnce, 302);
    duo.send_own_known(
        "open the link",
        &mut Browser::new(),
        known,
        &links,
        |_, link| Request::get(link),
    );
    duo.finish(2);
}
