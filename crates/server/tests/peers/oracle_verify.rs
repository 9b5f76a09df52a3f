//! Confirming one's identity again with the password.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::requests::{VERIFY, basic, sign_in, sign_in_for_tokens};
use crate::support::users::{ANA, PASSWORD};

fn verify(members: &Value) -> Request {
    Request::post(VERIFY, members)
}

#[test]
fn oracle_verify_by_session() {
    let mut duo = Duo::start("verify-session", &json!({}));
    let mut ana = Browser::new();
    duo.send("signed out, GET", &mut Browser::new(), |_| {
        Request::get(VERIFY)
    });
    duo.send("signed out", &mut Browser::new(), |_| {
        verify(&json!({"password": PASSWORD}))
    });
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("GET", &mut ana, |_| Request::get(VERIFY));
    let right = json!({"password": PASSWORD});
    for (name, members) in [
        ("right password", right.clone()),
        ("wrong password", json!({"password": "wrong"})),
        ("empty password", json!({"password": ""})),
        ("no password", json!({})),
        ("null password", json!({"password": null})),
        ("more members", json!({"password": PASSWORD, "other": [1]})),
        (
            "next on this site",
            json!({"password": PASSWORD, "next": "/there"}),
        ),
        (
            "next on another site",
            json!({"password": PASSWORD, "next": "https://evil.example/"}),
        ),
    ] {
        duo.send(name, &mut ana, |jar| with_token(verify(&members), jar));
    }
    duo.send("no CSRF token", &mut ana, |_| verify(&right));
    duo.send("request tokens", &mut ana, |jar| {
        with_token(
            Request::post(&format!("{VERIFY}?include_auth_token"), &right),
            jar,
        )
    });
    duo.send("password is a number", &mut ana, |jar| {
        with_token(verify(&json!({"password": 5})), jar)
    });
    duo.finish(15);
}

#[test]
fn oracle_verify_by_token_and_basic() {
    let config = json!({
        "SECURITY_API_ENABLED_METHODS": ["session", "token", "basic"],
        "SECURITY_DEFAULT_HTTP_AUTH_REALM": "the realm",
    });
    let mut duo = Duo::start("verify-token", &config);
    let tokens = duo
        .send("sign in", &mut Browser::new(), |_| sign_in_for_tokens(ANA))
        .of_user("authentication_token");
    duo.send_own("GET by token", &mut Browser::new(), &tokens, |_, token| {
        Request::get(VERIFY).header("Authentication-Token", token)
    });
    duo.send_own_known(
        "wrong password, by token",
        &mut Browser::new(),
        (Known::OneCaller, 400),
        &tokens,
        |_, token| verify(&json!({"password": "wrong"})).header("Authentication-Token", token),
    );
    duo.send_own_known(
        "right password, by token",
        &mut Browser::new(),
        (Known::OneCaller, 200),
        &tokens,
        |_, token| verify(&json!({"password": PASSWORD})).header("Authentication-Token", token),
    );
    duo.send(
        "by basic, without a CSRF token",
        &mut Browser::new(),
        |_| verify(&json!({"password": PASSWORD})).header("Authorization", basic(ANA, PASSWORD)),
    );
    duo.send("GET by basic", &mut Browser::new(), |_| {
        Request::get(VERIFY).header("Authorization", basic(ANA, PASSWORD))
    });
    duo.finish(6);
}

#[test]
fn oracle_verify_is_not_served_without_freshness() {
    let config = json!({"SECURITY_FRESHNESS": {"seconds": -60}});
    let mut duo = Duo::start("verify-off", &config);
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send_known("GET", &mut ana, Known::OwnErrorPages, 404, |_| {
        Request::get(VERIFY)
    });
    duo.finish(2);
}
