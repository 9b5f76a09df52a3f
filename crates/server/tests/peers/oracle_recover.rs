//! Replacing a forgotten password.

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
fn oracle_recover_asking_for_a_link() {
    for generic in [false, true] {
        let changes = json!({"SECURITY_RETURN_GENERIC_RESPONSES": generic});
        let mut duo = Duo::start_with_mail(&format!("recover-ask-{generic}"), &changes);
        for (name, body) in [
            ("nothing", json!({})),
            ("empty", json!({"email": ""})),
            ("null", json!({"email": null})),
            ("no address", json!({"email": "no"})),
            ("nobody", json!({"email": "nobody@example.com"})),
            ("somebody", json!({"email": ANA})),
            ("in capitals", json!({"email": "ANA@example.com"})),
            ("unconfirmed", json!({"email": "bo@example.com"})),
            ("switched off", json!({"email": "cy@example.com"})),
            (
                "switched off and unconfirmed",
                json!({"email": "dee@example.com"}),
            ),
            ("without a password", json!({"email": "eve@example.com"})),
            (
                "in another alphabet",
                json!({"email": "ida@bücher.example"}),
            ),
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
        duo.send("elsewhere", &mut elsewhere, |_| sign_in(ANA));
        duo.send("ask", &mut ana, |_| ask(ANA));
        let links = duo.links(ANA);
        duo.send_own("open", &mut ana, &links, |_, link| Request::get(link));
        for (name, body) in [
            ("nothing", json!({})),
            ("once", json!({"password": NEW})),
            ("two", json!({"password": NEW, "password_confirm": "other"})),
            ("short", new("short")),
            ("long", new(&"x".repeat(129))),
            ("empty", new("")),
            ("spaces", new("         ")),
        ] {
            duo.send_own(name, &mut ana, &links, |_, link| Request::post(link, &body));
        }
        duo.send_own("set", &mut ana, &links, |_, link| {
            Request::post(&format!("{link}?include_auth_token"), &new(NEW))
        });
        duo.send("who", &mut ana, |_| who());
        duo.send("who elsewhere", &mut elsewhere, |_| who());
        duo.send_own("set again", &mut Browser::new(), &links, |_, link| {
            Request::post(link, &new("another password"))
        });
        duo.send_own("open again", &mut Browser::new(), &links, |_, link| {
            Request::get(link)
        });
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
fn oracle_recover_too_late() {
    let changes = json!({"SECURITY_RESET_PASSWORD_WITHIN": "1 seconds"});
    let mut duo = Duo::start_with_mail("recover-late", &changes);
    duo.send("ask", &mut Browser::new(), |_| ask(ANA));
    let links = duo.links(ANA);
    std::thread::sleep(Duration::from_millis(2200));
    duo.send_own("open", &mut Browser::new(), &links, |_, link| {
        Request::get(link)
    });
    duo.send_own("set", &mut Browser::new(), &links, |_, link| {
        Request::post(link, &new(NEW))
    });
    duo.finish(3);
}

#[test]
fn oracle_recover_without_mails() {
    let changes = json!({"SECURITY_SEND_PASSWORD_RESET_EMAIL": false, "SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL": false});
    let mut duo = Duo::start_with_mail("recover-no-mail", &changes);
    duo.send("ask", &mut Browser::new(), |_| ask(ANA));
    duo.finish(1);
    let changes = json!({"SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL": false});
    let mut duo = Duo::start_with_mail("recover-no-notice", &changes);
    duo.send("ask", &mut Browser::new(), |_| ask(ANA));
    let links = duo.links(ANA);
    duo.send_own("set", &mut Browser::new(), &links, |_, link| {
        Request::post(link, &new(NEW))
    });
    duo.finish(2);
}

#[test]
fn oracle_recover_whoever_has_no_password_gets_one() {
    let mut duo = Duo::start_with_mail("recover-none", &json!({}));
    let eve = "eve@example.com";
    duo.send("ask", &mut Browser::new(), |_| ask(eve));
    let links = duo.links(eve);
    duo.send_own("set", &mut Browser::new(), &links, |_, link| {
        Request::post(link, &new(NEW))
    });
    duo.send("sign in", &mut Browser::new(), |_| {
        sign_in_with(&json!({"email": eve, "password": NEW}))
    });
    duo.finish(3);
}

#[test]
fn oracle_recover_a_link_of_somebody_switched_off_meanwhile() {
    let mut duo = Duo::start_with_mail("recover-off", &json!({}));
    duo.send("ask", &mut Browser::new(), |_| ask(ANA));
    let links = duo.links(ANA);
    duo.set(ANA, "active", "0");
    let known = (Known::NoNewPasswordForTheInactive, 400);
    duo.send_own_known("set", &mut Browser::new(), known, &links, |_, link| {
        Request::post(link, &new(NEW))
    });
    duo.finish(2);
}
