//! Two servers on one database: a link that either server mails works once at the other.

use serde_json::{Value, json};

use crate::support::http::{Request, Response};
use crate::support::jar::Jar;
use crate::support::jar::with_token;
use crate::support::pair::Pair;
use crate::support::post::Post;
use crate::support::requests::{
    CHANGE_EMAIL, CONFIRM, LOGIN, RESET, register, sign_in, sign_in_with,
};
use crate::support::users::{ANA, PASSWORD};

/// Starts both servers with one shared SMTP server.
fn start(name: &str, post: &Post, more: &Value) -> Pair {
    let mut changes = json!({
        "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": post.port,
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": false},
        "SECURITY_POST_LOGIN_VIEW": "/in",
        "SECURITY_CHANGE_EMAIL": true, "SECURITY_CHANGE_EMAIL_NOTIFY_OLD": false,
        "SECURITY_POST_CHANGE_EMAIL_VIEW": "/moved", "SECURITY_CHANGE_EMAIL_ERROR_VIEW": "/not-moved",
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        changes[key] = value.clone();
    }
    Pair::start(name, &changes)
}

/// Both directions: a name, the server that issues a link, and the server that accepts it.
fn both_ways(pair: &Pair) -> [(&'static str, u16, u16); 2] {
    [
        ("ours to the reference", pair.ours.port, pair.theirs.port),
        ("the reference's to ours", pair.theirs.port, pair.ours.port),
    ]
}

fn ask(request: Request, port: u16) -> Response {
    Jar::default().send(request, port)
}

/// The view that an answer redirects to.
fn view(answer: &Response) -> String {
    assert_eq!(answer.status, 302, "{answer:?}");
    let target = answer.first("location").unwrap_or_default();
    target.split('?').next().unwrap_or_default().to_owned()
}

#[test]
fn artefacts_confirmation_link_of_either_works_once_at_the_other() {
    let post = Post::open();
    let pair = start("links-confirm", &post, &json!({}));
    for (number, (name, maker, taker)) in both_ways(&pair).into_iter().enumerate() {
        let email = format!("new{number}@example.com");
        assert_eq!(ask(register(&email), maker).status, 200, "{name}");
        let link = post.link(&email);
        assert!(link.starts_with(CONFIRM), "{link}");
        assert_eq!(
            view(&ask(Request::get(&link), taker)),
            "/confirmed",
            "{name}"
        );
        for port in [taker, maker] {
            let again = view(&ask(Request::get(&link), port));
            assert_eq!(again, "/confirm-error", "{name}: works only once");
        }
    }
}

#[test]
fn artefacts_reset_link_of_either_works_once_at_the_other() {
    let post = Post::open();
    let pair = start("links-reset", &post, &json!({}));
    for (name, maker, taker) in both_ways(&pair) {
        let sent = post.to(ANA).len();
        assert_eq!(
            ask(Request::post(RESET, &json!({"email": ANA})), maker).status,
            200,
            "{name}"
        );
        post.wait_for(ANA, sent + 1);
        let link = post.link(ANA);
        assert!(link.starts_with(RESET), "{link}");
        assert_eq!(
            view(&ask(Request::get(&link), taker)),
            "/reset-password",
            "{name}"
        );
        let new = format!("a password for {maker}");
        let body = json!({"password": new, "password_confirm": new});
        assert_eq!(
            ask(Request::post(&link, &body), taker).status,
            200,
            "{name}"
        );
        for port in [taker, maker] {
            let again = ask(Request::post(&link, &body), port);
            assert_eq!(again.status, 400, "{name}: works only once");
            let credentials = json!({"email": ANA, "password": new});
            assert_eq!(ask(sign_in_with(&credentials), port).status, 200, "{name}");
        }
        // Wait for the notice too, so that the next round counts from here.
        post.wait_for(ANA, sent + 2);
    }
}

#[test]
fn artefacts_sign_in_link_of_either_works_at_the_other() {
    let post = Post::open();
    let passwordless = json!({"SECURITY_PASSWORDLESS": true, "SECURITY_UNIFIED_SIGNIN": false});
    let pair = start("links-login", &post, &passwordless);
    for (name, maker, taker) in both_ways(&pair) {
        let sent = post.to(ANA).len();
        assert_eq!(
            ask(Request::post(LOGIN, &json!({"email": ANA})), maker).status,
            200,
            "{name}"
        );
        post.wait_for(ANA, sent + 1);
        let link = post.link(ANA);
        assert!(link.starts_with(LOGIN), "{link}");
        assert_eq!(view(&ask(Request::get(&link), taker)), "/in", "{name}");
        // The reference accepts a sign-in link every time. Ours accepts it once, but only knows the
        // links that it accepted itself.
        if taker == pair.ours.port {
            let again = view(&ask(Request::get(&link), taker));
            assert_eq!(again, "/login-error", "{name}: works only once");
        }
    }
}

#[test]
fn artefacts_change_email_link_of_either_works_once_at_the_other() {
    let post = Post::open();
    let pair = start("links-change-email", &post, &json!({}));
    let mut current = ANA.to_owned();
    for (number, (name, maker, taker)) in both_ways(&pair).into_iter().enumerate() {
        let mut jar = Jar::default();
        let credentials = json!({"email": current, "password": PASSWORD});
        assert_eq!(
            jar.send(sign_in_with(&credentials), maker).status,
            200,
            "{name}"
        );
        let new = format!("moved{number}@example.com");
        let request = with_token(Request::post(CHANGE_EMAIL, &json!({"email": new})), &jar);
        assert_eq!(jar.send(request, maker).status, 200, "{name}");
        let link = post.link(&new);
        assert!(link.starts_with(CHANGE_EMAIL), "{link}");
        assert_eq!(view(&ask(Request::get(&link), taker)), "/moved", "{name}");
        for port in [taker, maker] {
            let again = view(&ask(Request::get(&link), port));
            assert_eq!(again, "/not-moved", "{name}: works only once");
            assert_eq!(ask(sign_in(&current), port).status, 400, "{name}");
            let credentials = json!({"email": new, "password": PASSWORD});
            assert_eq!(ask(sign_in_with(&credentials), port).status, 200, "{name}");
        }
        current = new;
    }
}
