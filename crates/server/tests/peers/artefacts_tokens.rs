//! Two servers on one database: each accepts the tokens that the other issued.

use serde_json::{Value, json};

use crate::support::cookies::payload;
use crate::support::http::{Request, Response};
use crate::support::jar::Jar;
use crate::support::pair::Pair;
use crate::support::requests::{REFRESH, VERIFY, sign_in_for_tokens};
use crate::support::users::ANA;

fn both_ways(pair: &Pair) -> [(&'static str, u16, u16); 2] {
    [
        ("ours to the reference", pair.ours.port, pair.theirs.port),
        ("the reference's to ours", pair.theirs.port, pair.ours.port),
    ]
}

fn of_user(answer: &Response, member: &str) -> String {
    let body = answer.json().unwrap_or_default();
    let value = body["response"]["user"][member].as_str();
    value.unwrap_or_else(|| panic!("{body}")).to_owned()
}

fn sign_in(port: u16) -> Response {
    Jar::default().send(sign_in_for_tokens(ANA), port)
}

fn status(token: &str, port: u16) -> u16 {
    let request = Request::get(VERIFY).header("Authentication-Token", token);
    Jar::default().send(request, port).status
}

fn exchange(token: &str, port: u16) -> Response {
    Jar::default().send(
        Request::post(REFRESH, &json!({"refresh_token": token})),
        port,
    )
}

fn in_the_body() -> Value {
    json!({"SECURITY_REFRESH_TOKEN": true, "SECURITY_REFRESH_TOKEN_COOKIE_NAME": null})
}

#[test]
fn artefacts_auth_token_of_either_is_accepted_by_the_other() {
    let pair = Pair::start("auth-tokens", &json!({}));
    for (name, maker, taker) in both_ways(&pair) {
        let token = of_user(&sign_in(maker), "authentication_token");
        assert_eq!(status(&token, taker), 200, "{name}");
        assert_eq!(status(&token, maker), 200, "{name}");
        let last = token.chars().last().unwrap();
        let other = if last == 'A' { 'B' } else { 'A' };
        let tampered = format!("{}{other}x", &token[..token.len() - 1]);
        assert_eq!(status(&tampered, taker), 401, "{name}");
    }
}

#[test]
fn artefacts_refresh_family_of_either_continues_at_the_other() {
    let pair = Pair::start("refresh-tokens", &in_the_body());
    for (name, maker, taker) in both_ways(&pair) {
        let first = of_user(&sign_in(maker), "refresh_token");
        let mut token = first.clone();
        let mut generation = 1;
        for port in [taker, maker, taker, taker, maker] {
            let answer = exchange(&token, port);
            assert_eq!(answer.status, 200, "{name}: generation {generation}");
            token = of_user(&answer, "refresh_token");
            generation += 1;
            assert_eq!(payload(&token).unwrap()["gen"], generation, "{name}");
            let auth = of_user(&answer, "authentication_token");
            assert_eq!(status(&auth, maker), 200, "{name}");
            assert_eq!(status(&auth, taker), 200, "{name}");
        }
        // A token that was used at one server counts as used at the other: reuse ends the family.
        assert_eq!(exchange(&first, taker).status, 400, "{name}");
        assert_eq!(
            exchange(&token, maker).status,
            400,
            "{name}: the family has ended"
        );
    }
}

#[test]
fn artefacts_refresh_cookie_of_either_is_accepted_by_the_other() {
    let pair = Pair::start("refresh-cookies", &json!({"SECURITY_REFRESH_TOKEN": true}));
    for (name, maker, taker) in both_ways(&pair) {
        let mut jar = Jar::default();
        jar.send(sign_in_for_tokens(ANA), maker);
        jar.forget("session");
        for port in [taker, maker] {
            let before = jar.get("fs_refresh").unwrap().to_owned();
            let answer = jar.send(Request::post(REFRESH, &json!({})), port);
            assert_eq!(answer.status, 200, "{name}");
            assert_ne!(jar.get("fs_refresh"), Some(before.as_str()), "{name}");
        }
    }
}
