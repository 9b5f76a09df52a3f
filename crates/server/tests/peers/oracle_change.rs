//! Changing the password and the address.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::requests::{
    CHANGE, CHANGE_EMAIL, VERIFY, basic, sign_in, sign_in_for_tokens, sign_in_with, who,
};
use crate::support::users::{ANA, PASSWORD};

const NEW: &str = "correct horse battery";

fn change(old: &str, new: &str) -> Value {
    json!({"password": old, "new_password": new, "new_password_confirm": new})
}

#[test]
fn oracle_change_password() {
    let mut duo = Duo::start_with_mail("change-password", &json!({}));
    let (mut ana, mut elsewhere) = (Browser::new(), Browser::new());
    duo.send("signed out, GET", &mut Browser::new(), |_| {
        Request::get(CHANGE)
    });
    duo.send("signed out", &mut Browser::new(), |_| {
        Request::post(CHANGE, &change(PASSWORD, NEW))
    });
    duo.send("sign in", &mut ana, |_| {
        sign_in_with(&json!({"email": ANA, "password": PASSWORD, "remember": true}))
    });
    duo.send("sign in elsewhere", &mut elsewhere, |_| sign_in(ANA));
    duo.send("GET", &mut ana, |_| Request::get(CHANGE));
    for (name, body) in [
        ("empty body", json!({})),
        (
            "no old password",
            json!({"new_password": NEW, "new_password_confirm": NEW}),
        ),
        ("an empty old password", change("", NEW)),
        ("a wrong old password", change("wrong", NEW)),
        ("no new password", json!({"password": PASSWORD})),
        (
            "no confirmation",
            json!({"password": PASSWORD, "new_password": NEW}),
        ),
        (
            "new passwords differ",
            json!({"password": PASSWORD, "new_password": NEW, "new_password_confirm": "other"}),
        ),
        ("too short", change(PASSWORD, "short")),
        ("too long", change(PASSWORD, &"x".repeat(129))),
        ("the same password", change(PASSWORD, PASSWORD)),
        ("wrong and too short", change("wrong", "short")),
        ("only spaces", change(PASSWORD, "         ")),
    ] {
        duo.send(name, &mut ana, |jar| {
            with_token(Request::post(CHANGE, &body), jar)
        });
    }
    duo.send("without a CSRF token", &mut ana, |_| {
        Request::post(CHANGE, &change(PASSWORD, NEW))
    });
    duo.send("changed", &mut ana, |jar| {
        let path = format!("{CHANGE}?include_auth_token");
        with_token(Request::post(&path, &change(PASSWORD, NEW)), jar)
    });
    duo.send("current user", &mut ana, |_| who());
    duo.send("current user elsewhere", &mut elsewhere, |_| who());
    duo.send("the old password", &mut Browser::new(), |_| sign_in(ANA));
    duo.send("the new password", &mut Browser::new(), |_| {
        sign_in_with(&json!({"email": ANA, "password": NEW}))
    });
    duo.finish(23);
}

#[test]
fn oracle_change_password_of_a_user_without_one() {
    let mut duo = Duo::start_with_mail(
        "change-none",
        &json!({"SECURITY_FRESHNESS": {"seconds": 2}, "SECURITY_FRESHNESS_GRACE_PERIOD": {"seconds": 0}, "SECURITY_CONFIRMABLE": false, "SECURITY_PASSWORD_REQUIRED": false}),
    );
    let mut new = Browser::new();
    duo.send("register", &mut new, |_| {
        Request::post(
            "/api/accounts/register",
            &json!({"email": "new@example.com"}),
        )
    });
    duo.send("GET", &mut new, |_| Request::get(CHANGE));
    std::thread::sleep(Duration::from_millis(2200));
    duo.send("GET, stale", &mut new, |_| Request::get(CHANGE));
    let body = json!({"new_password": NEW, "new_password_confirm": NEW});
    duo.send("stale", &mut new, |jar| {
        with_token(Request::post(CHANGE, &body), jar)
    });
    duo.finish(4);
}

#[test]
fn oracle_change_password_by_token_and_by_basic() {
    let mut duo = Duo::start_with_mail("change-token", &json!({}));
    let answers = duo.send("tokens", &mut Browser::new(), |_| sign_in_for_tokens(ANA));
    let tokens = answers.of_user("authentication_token");
    duo.send_own("GET", &mut Browser::new(), &tokens, |_, token| {
        Request::get(CHANGE).header("Authentication-Token", token)
    });
    let known = (Known::OneCaller, 400);
    duo.send_own_known(
        "wrong password",
        &mut Browser::new(),
        known,
        &tokens,
        |_, token| {
            Request::post(CHANGE, &change("wrong", NEW)).header("Authentication-Token", token)
        },
    );
    let known = (Known::NoSignInByToken, 200);
    duo.send_own_known(
        "changed",
        &mut Browser::new(),
        known,
        &tokens,
        |_, token| {
            Request::post(CHANGE, &change(PASSWORD, NEW)).header("Authentication-Token", token)
        },
    );
    duo.send_own(
        "the token has ended",
        &mut Browser::new(),
        &tokens,
        |_, token| Request::get(CHANGE).header("Authentication-Token", token),
    );
    duo.send(
        "basic authentication is refused",
        &mut Browser::new(),
        |_| Request::get(CHANGE).header("Authorization", basic(ANA, NEW)),
    );
    duo.finish(6);
}

#[test]
fn oracle_change_email() {
    let changes = json!({
        "SECURITY_CHANGE_EMAIL": true, "SECURITY_CHANGE_EMAIL_NOTIFY_OLD": false,
        "SECURITY_POST_CHANGE_EMAIL_VIEW": "/moved", "SECURITY_CHANGE_EMAIL_ERROR_VIEW": "/not-moved",
    });
    let mut duo = Duo::start_with_mail("change-email", &changes);
    let mut ana = Browser::new();
    let ask = |email: &str| Request::post(CHANGE_EMAIL, &json!({"email": email}));
    duo.send("signed out", &mut Browser::new(), |_| {
        ask("new@example.com")
    });
    duo.send("signed out, GET", &mut Browser::new(), |_| {
        Request::get(CHANGE_EMAIL)
    });
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("GET", &mut ana, |_| Request::get(CHANGE_EMAIL));
    for (name, email) in [
        ("empty", ""),
        ("not an address", "no"),
        ("the user's own address", ANA),
        ("another user's address", "bo@example.com"),
        ("another user's address in capitals", "BO@EXAMPLE.COM"),
        ("a new address", "first@example.com"),
        ("another new address", "second@example.com"),
    ] {
        duo.send(name, &mut ana, |jar| with_token(ask(email), jar));
    }
    duo.send("empty body", &mut ana, |jar| {
        with_token(Request::post(CHANGE_EMAIL, &json!({})), jar)
    });
    duo.send_known(
        "without a CSRF token",
        &mut ana,
        Known::NoGraceWithoutCsrf,
        400,
        |_| ask("third@example.com"),
    );
    let (first, second) = (
        duo.links("first@example.com"),
        duo.links("second@example.com"),
    );
    duo.send_own(
        "open the second",
        &mut Browser::new(),
        &second,
        |_, link| Request::get(link),
    );
    duo.send_own("open the first", &mut Browser::new(), &first, |_, link| {
        Request::get(link)
    });
    duo.send_own(
        "open the second again",
        &mut Browser::new(),
        &second,
        |_, link| Request::get(link),
    );
    duo.send("invalid token", &mut Browser::new(), |_| {
        Request::get(&format!("{CHANGE_EMAIL}/x"))
    });
    duo.send("GET again", &mut ana, |_| Request::get(CHANGE_EMAIL));
    duo.send("the old address", &mut Browser::new(), |_| sign_in(ANA));
    duo.send("the new address", &mut Browser::new(), |_| {
        sign_in("second@example.com")
    });
    duo.finish(20);
}

#[test]
fn oracle_change_email_with_generic_responses() {
    let changes = json!({"SECURITY_CHANGE_EMAIL": true, "SECURITY_RETURN_GENERIC_RESPONSES": true,
        "SECURITY_POST_CHANGE_EMAIL_VIEW": "/moved", "SECURITY_CHANGE_EMAIL_ERROR_VIEW": "/not-moved"});
    let mut duo = Duo::start_with_mail("change-email-generic", &changes);
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    for (name, email) in [
        ("not an address", "no"),
        ("the user's own address", ANA),
        ("another user's address", "bo@example.com"),
        ("a new address", "first@example.com"),
    ] {
        duo.send(name, &mut ana, |jar| {
            with_token(Request::post(CHANGE_EMAIL, &json!({"email": email})), jar)
        });
    }
    duo.finish(5);
}

#[test]
fn oracle_change_email_with_a_stale_session_and_an_expired_link() {
    let changes = json!({"SECURITY_CHANGE_EMAIL": true, "SECURITY_CHANGE_EMAIL_NOTIFY_OLD": false,
        "SECURITY_POST_CHANGE_EMAIL_VIEW": "/moved", "SECURITY_CHANGE_EMAIL_ERROR_VIEW": "/not-moved",
        "SECURITY_CHANGE_EMAIL_WITHIN": "1 seconds", "SECURITY_UNIFIED_SIGNIN": false,
        "SECURITY_FRESHNESS": {"seconds": 2}, "SECURITY_FRESHNESS_GRACE_PERIOD": {"seconds": 0}});
    let mut duo = Duo::start_with_mail("change-email-late", &changes);
    let mut ana = Browser::new();
    let ask = |email: &str| Request::post(CHANGE_EMAIL, &json!({"email": email}));
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("request a change", &mut ana, |jar| {
        with_token(ask("new@example.com"), jar)
    });
    let links = duo.links("new@example.com");
    std::thread::sleep(Duration::from_millis(2300));
    duo.send_own(
        "open the expired link",
        &mut Browser::new(),
        &links,
        |_, link| Request::get(link),
    );
    duo.send("stale", &mut ana, |jar| {
        with_token(ask("b@example.com"), jar)
    });
    duo.send("stale, GET", &mut ana, |_| Request::get(CHANGE_EMAIL));
    duo.send("verify", &mut ana, |jar| {
        with_token(Request::post(VERIFY, &json!({"password": PASSWORD})), jar)
    });
    duo.send("fresh", &mut ana, |jar| {
        with_token(ask("b@example.com"), jar)
    });
    duo.finish(7);
}
