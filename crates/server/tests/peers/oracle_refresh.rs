//! Refresh tokens: issued, exchanged, reused, ended.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::python::Python;
use crate::support::requests::{LOGOUT, REFRESH, VERIFY, sign_in, sign_in_for_tokens};
use crate::support::users::{ANA, ANA_ID, PASSWORD};

fn in_the_body() -> Value {
    json!({"SECURITY_REFRESH_TOKEN": true, "SECURITY_REFRESH_TOKEN_COOKIE_NAME": null})
}

fn in_a_cookie() -> Value {
    json!({"SECURITY_REFRESH_TOKEN": true})
}

fn exchange(token: &str) -> Request {
    Request::post(REFRESH, &json!({"refresh_token": token}))
}

#[test]
fn oracle_refresh_in_the_body() {
    let mut duo = Duo::start("refresh-body", &in_the_body());
    let app = Browser::new;
    duo.send("sign in without tokens", &mut app(), |_| sign_in(ANA));
    let first = duo
        .send("sign in", &mut app(), |_| sign_in_for_tokens(ANA))
        .of_user("refresh_token");
    let second = duo
        .send_own("exchange", &mut app(), &first, |_, token| exchange(token))
        .of_user("refresh_token");
    assert_ne!(second.0, first.0);
    let third = duo
        .send_own("exchange again", &mut app(), &second, |_, token| {
            exchange(token)
        })
        .of_user("refresh_token");
    for (name, members) in [
        ("no token", json!({})),
        ("empty token", json!({"refresh_token": ""})),
        ("null token", json!({"refresh_token": null})),
        ("not a token", json!({"refresh_token": "garbage"})),
        ("three invalid parts", json!({"refresh_token": "a.b.c"})),
    ] {
        duo.send(name, &mut app(), |_| Request::post(REFRESH, &members));
    }
    duo.send_own("tampered", &mut app(), &third, |_, token| {
        exchange(&format!("{token}x"))
    });
    duo.send_known("a list", &mut app(), Known::ClientMistake, 400, |_| {
        Request::post(REFRESH, &json!({"refresh_token": ["a"]}))
    });
    duo.send_own_known(
        "as a form",
        &mut app(),
        (Known::JsonAlways, 400),
        &third,
        |_, token| {
            Request::new("POST", REFRESH)
                .header("Accept", "application/json")
                .form(&[("refresh_token", token)])
        },
    );
    duo.send_own("in the cookie", &mut app(), &third, |_, token| {
        Request::post(REFRESH, &json!({})).header("Cookie", format!("fs_refresh={token}"))
    });
    duo.send_own("the first token, reused", &mut app(), &first, |_, token| {
        exchange(token)
    });
    duo.send_own("the family has ended", &mut app(), &third, |_, token| {
        exchange(token)
    });
    duo.send_known("GET", &mut app(), Known::OwnErrorPages, 405, |_| {
        Request::get(REFRESH)
    });
    duo.finish(16);
}

#[test]
fn oracle_refresh_in_a_cookie() {
    let mut duo = Duo::start("refresh-cookie", &in_a_cookie());
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in_for_tokens(ANA));
    duo.send("exchange", &mut ana, |jar| {
        with_token(Request::post(REFRESH, &json!({})), jar)
    });
    duo.send("without a CSRF token", &mut ana, |_| {
        Request::post(REFRESH, &json!({}))
    });
    duo.send("no cookie, token in the body", &mut Browser::new(), |_| {
        exchange("anything")
    });
    ana.both(|jar| {
        jar.forget("session");
    });
    duo.send("without a session", &mut ana, |_| {
        Request::post(REFRESH, &json!({}))
    });
    duo.send("verify for tokens", &mut Browser::new(), |_| {
        Request::post(
            &format!("{VERIFY}?include_auth_token"),
            &json!({"password": PASSWORD}),
        )
    });
    duo.finish(6);
}

#[test]
fn oracle_refresh_ends_with_the_sign_out() {
    let mut duo = Duo::start("refresh-logout", &in_a_cookie());
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in_for_tokens(ANA));
    let kept = ana.clone();
    duo.send("sign out", &mut ana, |jar| {
        with_token(Request::post(LOGOUT, &json!({})), jar)
    });
    let mut thief = kept;
    thief.both(|jar| jar.forget("session"));
    duo.send("the family has ended", &mut thief, |_| {
        Request::post(REFRESH, &json!({}))
    });
    duo.finish(3);

    let mut duo = Duo::start("refresh-logout-body", &in_the_body());
    let mut ana = Browser::new();
    let tokens = duo
        .send("sign in", &mut ana, |_| sign_in_for_tokens(ANA))
        .of_user("refresh_token");
    duo.send_own("sign out", &mut ana, &tokens, |jar, token| {
        with_token(Request::post(LOGOUT, &json!({"refresh_token": token})), jar)
    });
    duo.send_own(
        "the family has ended",
        &mut Browser::new(),
        &tokens,
        |_, token| exchange(token),
    );
    duo.finish(3);
}

#[test]
fn oracle_refresh_after_deactivation_and_after_ending_all_sessions() {
    let mut duo = Duo::start("refresh-people", &in_the_body());
    let tokens = duo
        .send("sign in", &mut Browser::new(), |_| sign_in_for_tokens(ANA))
        .of_user("refresh_token");
    duo.set(ANA, "active", "0");
    duo.send_own_known(
        "deactivated",
        &mut Browser::new(),
        (Known::NoRefreshForTheInactive, 400),
        &tokens,
        |_, token| exchange(token),
    );
    duo.set(ANA, "active", "1");
    let tokens = duo
        .send("sign in again", &mut Browser::new(), |_| {
            sign_in_for_tokens(ANA)
        })
        .of_user("refresh_token");
    duo.set(ANA, "fs_uniquifier", "another uniquifier");
    duo.send_own(
        "after all sessions were ended",
        &mut Browser::new(),
        &tokens,
        |_, token| exchange(token),
    );
    duo.finish(4);
}

#[test]
fn oracle_refresh_with_forged_tokens() {
    let mut duo = Duo::start("refresh-forged", &in_the_body());
    let said = json!({
        "ver": "1", "uid": ANA_ID, "expires_at": 4_000_000_000.0, "last_used_at": 1_700_000_000.5,
        "name": "default", "family": "0".repeat(32), "gen": 1,
    });
    for kind in ["refresh_token", "remember", "login"] {
        let token = Python::get().sign(kind, SECRET, &said, 0);
        duo.send(kind, &mut Browser::new(), |_| exchange(&token));
    }
    duo.finish(3);
}
