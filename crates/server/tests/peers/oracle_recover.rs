//! Resetting a forgotten password.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::requests::{RESET, sign_in, sign_in_with, who};
use crate::support::users::ANA;

fn ask(email: &str) -> Request {
    Request::post(RESET, &json!({"email": email}))
}

fn new(password: &str) -> Value {
    json!({"password": password, "password_confirm": password})
}

const NEW: &str = "correct horse battery";

#[test]
fn oracle_recover_requesting_a_link() {
    for generic in [false, true] {
        let changes = json!({"SECURITY_RETURN_GENERIC_RESPONSES": generic});
        let mut duo = Duo::start_with_mail(&format!("recover-ask-{generic}"), &changes);
        for (name, body) in [
            ("empty body", json!({})),
            ("empty address", json!({"email": ""})),
            ("null address", json!({"email": null})),
            ("not an address", json!({"email": "no"})),
            ("unknown address", json!({"email": "unknown@example.com"})),
            ("known address", json!({"email": ANA})),
            ("in capitals", json!({"email": "ANA@example.com"})),
            ("unconfirmed", json!({"email": "bo@example.com"})),
            ("deactivated", json!({"email": "cy@example.com"})),
            (
                "deactivated and unconfirmed",
                json!({"email": "dee@example.com"}),
            ),
            ("without a password", json!({"email": "eve@example.com"})),
            ("non-ASCII domain", json!({"email": "ida@bücher.example"})),
            ("more members", json!({"email": ANA, "password": "x"})),
        ] {
            duo.send(name, &mut Browser::new(), |_| Request::post(RESET, &body));
        }
        duo.send("GET", &mut Browser::new(), |_| Request::get(RESET));
        let mut ana = Browser::new();
        duo.send("sign in", &mut ana, |_| sign_in(ANA));
        duo.send("signed in", &mut ana, |jar| with_token(ask(ANA), jar));
        duo.send("signed in, without a CSRF token", &mut ana, |_| ask(ANA));
        duo.finish(17);
    }
}

#[test]
fn oracle_recover_links() {
    for auto_login in [false, true] {
        let changes = json!({"SECURITY_AUTO_LOGIN_AFTER_RESET": auto_login});
        let mut duo = Duo::start_with_mail(&format!("recover-links-{auto_login}"), &changes);
        let (mut ana, mut elsewhere) = (Browser::new(), Browser::new());
        duo.send("sign in elsewhere", &mut elsewhere, |_| sign_in(ANA));
        duo.send("request a link", &mut ana, |_| ask(ANA));
        let links = duo.links(ANA);
        duo.send_own("open the link", &mut ana, &links, |_, link| {
            Request::get(link)
        });
        for (name, body) in [
            ("empty body", json!({})),
            ("no confirmation", json!({"password": NEW})),
            (
                "passwords differ",
                json!({"password": NEW, "password_confirm": "other"}),
            ),
            ("too short", new("short")),
            ("too long", new(&"x".repeat(129))),
            ("empty", new("")),
            ("only spaces", new("         ")),
        ] {
            duo.send_own(name, &mut ana, &links, |_, link| Request::post(link, &body));
        }
        duo.send_own("set a password", &mut ana, &links, |_, link| {
            Request::post(&format!("{link}?include_auth_token"), &new(NEW))
        });
        duo.send("current user", &mut ana, |_| who());
        duo.send("current user elsewhere", &mut elsewhere, |_| who());
        duo.send_own(
            "set a password again",
            &mut Browser::new(),
            &links,
            |_, link| Request::post(link, &new("another password")),
        );
        duo.send_own(
            "open the link again",
            &mut Browser::new(),
            &links,
            |_, link| Request::get(link),
        );
        duo.send("the old password", &mut Browser::new(), |_| sign_in(ANA));
        duo.send("the new password", &mut Browser::new(), |_| {
            sign_in_with(&json!({"email": ANA, "password": NEW}))
        });
        for bad in ["x", "a.b.c"] {
            let path = format!("{RESET}/{bad}");
            duo.send(bad, &mut Browser::new(), |_| Request::get(&path));
            duo.send(bad, &mut Browser::new(), |_| {
                Request::post(&path, &new(NEW))
            });
        }
        duo.finish(21);
    }
}

#[test]
fn oracle_recover_with_an_expired_link() {
    let changes = json!({"SECURITY_RESET_PASSWORD_WITHIN": "1 seconds"});
    let mut duo = Duo::start_with_mail("recover-late", &changes);
    duo.send("request a link", &mut Browser::new(), |_| ask(ANA));
    let links = duo.links(ANA);
    std::thread::sleep(Duration::from_millis(2200));
    duo.send_own(
        "open the expired link",
        &mut Browser::new(),
        &links,
        |_, link| Request::get(link),
    );
    duo.send_own("set a password", &mut Browser::new(), &links, |_, link| {
        Request::post(link, &new(NEW))
    });
    duo.finish(3);
}

#[test]
fn oracle_recover_without_mails() {
    let changes = json!({"SECURITY_SEND_PASSWORD_RESET_EMAIL": false, "SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL": false});
    let mut duo = Duo::start_with_mail("recover-no-mail", &changes);
    duo.send("request a link", &mut Browser::new(), |_| ask(ANA));
    duo.finish(1);
    let changes = json!({"SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL": false});
    let mut duo = Duo::start_with_mail("recover-no-notice", &changes);
    duo.send("request a link", &mut Browser::new(), |_| ask(ANA));
    let links = duo.links(ANA);
    duo.send_own("set a password", &mut Browser::new(), &links, |_, link| {
        Request::post(link, &new(NEW))
    });
    duo.finish(2);
}

#[test]
fn oracle_recover_sets_a_first_password() {
    let mut duo = Duo::start_with_mail("recover-none", &json!({}));
    let eve = "eve@example.com";
    duo.send("request a link", &mut Browser::new(), |_| ask(eve));
    let links = duo.links(eve);
    duo.send_own("set a password", &mut Browser::new(), &links, |_, link| {
        Request::post(link, &new(NEW))
    });
    duo.send("sign in", &mut Browser::new(), |_| {
        sign_in_with(&json!({"email": eve, "password": NEW}))
    });
    duo.finish(3);
}

#[test]
fn oracle_recover_link_of_a_deactivated_user() {
    let mut duo = Duo::start_with_mail("recover-off", &json!({}));
    duo.send("request a link", &mut Browser::new(), |_| ask(ANA));
    let links = duo.links(ANA);
    duo.set(ANA, "active", "0");
    let known = (Known::NoNewPasswordForTheInactive, 400);
    duo.send_own_known(
        "set a password",
        &mut Browser::new(),
        known,
        &links,
        |_, link| Request::post(link, &new(NEW)),
    );
    duo.finish(2);
}
