//! `POST` and `GET /logout`, and what remains of the session.

use serde_json::json;

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::with_token;
use crate::support::known::Known;
use crate::support::requests::{LOGOUT, sign_in, sign_in_with, sign_out, who};
use crate::support::users::{ANA, PASSWORD};

#[test]
fn oracle_sign_out() {
    let mut duo = Duo::start("sign-out", &json!({}));
    let mut ana = Browser::new();
    duo.send("already signed out", &mut ana, |_| {
        Request::post(LOGOUT, &json!({}))
    });
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("sign out", &mut ana, sign_out);
    duo.send("current user", &mut ana, |_| who());
    duo.send("sign out again", &mut ana, sign_out);
    duo.send("sign in again", &mut ana, |_| sign_in(ANA));
    duo.send("sign out without a body", &mut ana, |jar| {
        with_token(
            Request::new("POST", LOGOUT).header("Accept", "application/json"),
            jar,
        )
    });
    duo.finish(7);
}

#[test]
fn oracle_sign_out_forgets_the_remembered_browser() {
    let mut duo = Duo::start("sign-out-remembered", &json!({}));
    let mut ana = Browser::new();
    let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
    duo.send("sign in, remembered", &mut ana, |_| sign_in_with(&body));
    duo.send("sign out", &mut ana, sign_out);
    duo.send("current user", &mut ana, |_| who());
    duo.finish(3);
}

#[test]
fn oracle_sign_out_without_a_token() {
    let mut duo = Duo::start("sign-out-open", &json!({"SECURITY_LOGOUT_CSRF": false}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("sign out", &mut ana, |_| Request::post(LOGOUT, &json!({})));
    duo.send("current user", &mut ana, |_| who());
    duo.finish(3);
}

#[test]
fn oracle_sign_out_that_requires_a_token() {
    let mut duo = Duo::start("sign-out-csrf", &json!({"SECURITY_LOGOUT_CSRF": true}));
    let mut ana = Browser::new();
    duo.send("signed out, no token", &mut ana, |_| {
        Request::post(LOGOUT, &json!({}))
    });
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("no token", &mut ana, |_| Request::post(LOGOUT, &json!({})));
    duo.send("wrong token", &mut ana, |_| {
        Request::post(LOGOUT, &json!({})).header("X-XSRF-Token", "wrong")
    });
    duo.send("still signed in", &mut ana, |_| who());
    duo.send("with the token", &mut ana, sign_out);
    duo.send("current user", &mut ana, |_| who());
    duo.finish(7);
}

#[test]
fn oracle_sign_out_methods() {
    let mut duo = Duo::start(
        "sign-out-get",
        &json!({"SECURITY_LOGOUT_METHODS": ["GET", "POST"]}),
    );
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send("GET", &mut ana, |_| Request::get(LOGOUT));
    duo.send("current user", &mut ana, |_| who());
    duo.send_known("PUT", &mut ana, Known::OwnErrorPages, 405, |_| {
        Request::new("PUT", LOGOUT).json(&json!({}))
    });
    duo.send_known("OPTIONS", &mut ana, Known::PlainOptions, 200, |_| {
        Request::new("OPTIONS", LOGOUT)
    });
    duo.finish(5);
}

#[test]
fn oracle_sign_out_by_get_only() {
    let mut duo = Duo::start(
        "sign-out-get-only",
        &json!({"SECURITY_LOGOUT_METHODS": ["GET"]}),
    );
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send_known("POST", &mut ana, Known::OwnErrorPages, 405, sign_out);
    duo.send("still signed in", &mut ana, |_| who());
    duo.finish(3);
}

#[test]
fn oracle_sign_out_switched_off() {
    let mut duo = Duo::start("sign-out-off", &json!({"SECURITY_LOGOUT_METHODS": null}));
    duo.send_known(
        "POST",
        &mut Browser::new(),
        Known::OwnErrorPages,
        404,
        sign_out,
    );
    duo.finish(1);
}

#[test]
fn oracle_sign_out_default_methods() {
    let mut duo = Duo::start("sign-out-default", &json!({}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send_known("GET", &mut ana, Known::OwnErrorPages, 405, |_| {
        Request::get(LOGOUT)
    });
    duo.send("HEAD, current user", &mut ana, |_| {
        Request::new("HEAD", crate::support::requests::LOGIN).header("Accept", "application/json")
    });
    duo.send_known("OPTIONS", &mut ana, Known::PlainOptions, 200, |_| {
        Request::new("OPTIONS", LOGOUT)
    });
    duo.finish(4);
}

#[test]
fn oracle_sign_out_by_form() {
    let mut duo = Duo::start("sign-out-form", &json!({}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| sign_in(ANA));
    duo.send_known("form", &mut ana, Known::JsonAlways, 200, |_| {
        Request::new("POST", LOGOUT).form(&[])
    });
    duo.send("current user", &mut ana, |_| who());
    duo.finish(3);
}
