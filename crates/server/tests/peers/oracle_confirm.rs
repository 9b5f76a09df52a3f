//! Confirming an email address.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::requests::{CONFIRM, sign_in, who};
use crate::support::users::ANA;

/// A user whose address is not confirmed.
const BO: &str = "bo@example.com";

fn ask(email: &str) -> Request {
    Request::post(CONFIRM, &json!({"email": email}))
}

fn bodies() -> Vec<(&'static str, Value)> {
    vec![
        ("empty body", json!({})),
        ("empty address", json!({"email": ""})),
        ("null address", json!({"email": null})),
        ("not an address", json!({"email": "no"})),
        ("unknown address", json!({"email": "unknown@example.com"})),
        ("confirmed", json!({"email": ANA})),
        (
            "confirmed, in capitals",
            json!({"email": "ANA@example.com"}),
        ),
        ("unconfirmed", json!({"email": BO})),
        (
            "unconfirmed, in capitals",
            json!({"email": "BO@EXAMPLE.COM"}),
        ),
        ("deactivated, confirmed", json!({"email": "cy@example.com"})),
        (
            "deactivated, unconfirmed",
            json!({"email": "dee@example.com"}),
        ),
        ("more members", json!({"email": BO, "password": "x"})),
        ("surrounding spaces", json!({"email": format!(" {BO} ")})),
    ]
}

#[test]
fn oracle_confirm_requesting_a_link() {
    for generic in [false, true] {
        let changes = json!({"SECURITY_RETURN_GENERIC_RESPONSES": generic});
        let mut duo = Duo::start_with_mail(&format!("confirm-ask-{generic}"), &changes);
        for (name, body) in bodies() {
            duo.send(name, &mut Browser::new(), |_| Request::post(CONFIRM, &body));
        }
        duo.send("GET", &mut Browser::new(), |_| Request::get(CONFIRM));
        let mut ana = Browser::new();
        duo.send("sign in", &mut ana, |_| sign_in(ANA));
        duo.send("signed in, for another user", &mut ana, |jar| {
            with_token(ask(BO), jar)
        });
        duo.send("signed in, GET", &mut ana, |_| Request::get(CONFIRM));
        duo.send("signed in, without a CSRF token", &mut ana, |_| ask(BO));
        duo.finish(18);
    }
}

/// Opens a link for the first time, in a browser without cookies. The reference still clears the
/// session cookie.
fn open(duo: &mut Duo, links: &(String, String)) {
    let known = (Known::LinkSignsNoUserOut, 302);
    duo.send_own_known(
        "open the link",
        &mut Browser::new(),
        known,
        links,
        |_, link| Request::get(link),
    );
}

#[test]
fn oracle_confirm_links() {
    for auto_login in [false, true] {
        let changes = json!({"SECURITY_AUTO_LOGIN_AFTER_CONFIRM": auto_login});
        let mut duo = Duo::start_with_mail(&format!("confirm-links-{auto_login}"), &changes);
        let mut bo = Browser::new();
        duo.send("request a link", &mut bo, |_| ask(BO));
        let first = duo.links(BO);
        duo.send("request another link", &mut bo, |_| ask(BO));
        let second = duo.links(BO);
        let mut bo = Browser::new();
        let known = (Known::LinkSignsNoUserOut, 302);
        if auto_login {
            duo.send_own("open the first", &mut bo, &first, |_, link| {
                Request::get(link)
            });
        } else {
            duo.send_own_known("open the first", &mut bo, known, &first, |_, link| {
                Request::get(link)
            });
        }
        duo.send("current user", &mut bo, |_| who());
        duo.send_own("open the second", &mut bo, &second, |_, link| {
            Request::get(link)
        });
        duo.send_own(
            "open the first in another browser",
            &mut Browser::new(),
            &first,
            |_, link| Request::get(link),
        );
        for bad in ["x", "a.b.c", "WyJhIl0.aSN5vA.xxxxxxxxxxxxxxxxxxxxxxxxxxx"] {
            duo.send(bad, &mut Browser::new(), |_| {
                Request::get(&format!("{CONFIRM}/{bad}"))
            });
        }
        duo.send_own("truncated token", &mut Browser::new(), &first, |_, link| {
            Request::get(&link[..link.len() - 1])
        });
        duo.finish(10);
    }
}

#[test]
fn oracle_confirm_by_post() {
    let mut duo = Duo::start_with_mail("confirm-post", &json!({}));
    let mut bo = Browser::new();
    duo.send("request a link", &mut bo, |_| ask(BO));
    let links = duo.links(BO);
    let known = (Known::LinkSignsNoUserOut, 302);
    duo.send_own_known("post", &mut Browser::new(), known, &links, |_, link| {
        Request::post(link, &json!({}))
    });
    duo.send_own("post again", &mut Browser::new(), &links, |_, link| {
        Request::post(link, &json!({}))
    });
    duo.finish(3);
}

#[test]
fn oracle_confirm_with_an_expired_link() {
    let changes = json!({"SECURITY_CONFIRM_EMAIL_WITHIN": "1 seconds"});
    let mut duo = Duo::start_with_mail("confirm-late", &changes);
    let mut bo = Browser::new();
    duo.send("request a link", &mut bo, |_| ask(BO));
    let links = duo.links(BO);
    std::thread::sleep(Duration::from_millis(2200));
    duo.send_own("open the expired link", &mut bo, &links, |_, link| {
        Request::get(link)
    });
    duo.finish(2);
}

#[test]
fn oracle_confirm_with_a_link_of_another_user() {
    let mut duo = Duo::start_with_mail("confirm-other", &json!({}));
    let mut ana = Browser::new();
    duo.send("request a link", &mut Browser::new(), |_| ask(BO));
    let links = duo.links(BO);
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    let known = (Known::LinkSignsNoUserOut, 302);
    duo.send_own_known("open the link", &mut ana, known, &links, |_, link| {
        Request::get(link)
    });
    duo.finish(3);
}

#[test]
fn oracle_confirm_redirects_as_configured() {
    for (name, changes) in [
        ("host", json!({"SECURITY_REDIRECT_HOST": "localhost:8080"})),
        (
            "query",
            json!({"SECURITY_POST_CONFIRM_VIEW": "/done?a=1", "SECURITY_CONFIRM_ERROR_VIEW": "/failed?error=none&b=2"}),
        ),
        (
            "fragment",
            json!({"SECURITY_POST_CONFIRM_VIEW": "/#/done", "SECURITY_CONFIRM_ERROR_VIEW": "/#/failed"}),
        ),
        ("url", json!({"SECURITY_CONFIRM_URL": "/check/"})),
    ] {
        let mut duo = Duo::start_with_mail(&format!("confirm-{name}"), &changes);
        let path = if name == "url" {
            "/api/accounts/check/"
        } else {
            CONFIRM
        };
        let mut bo = Browser::new();
        duo.send("request a link", &mut bo, |_| {
            Request::post(path, &json!({"email": BO}))
        });
        let links = duo.links(BO);
        open(&mut duo, &links);
        duo.send_own(
            "open the link again",
            &mut Browser::new(),
            &links,
            |_, link| Request::get(link),
        );
        duo.finish(3);
    }
}
