//! Auth tokens and basic authentication: where they may be sent, and when they are valid.

use serde_json::json;

use crate::support::config::SECRET;
use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::known::Known;
use crate::support::python::Python;
use crate::support::requests::{LOGIN, VERIFY, basic, sign_in, sign_in_for_tokens, sign_out, who};
use crate::support::users::{ANA, ANA_ID, CY_ID, PASSWORD};

fn ways() -> Request {
    Request::get(VERIFY)
}

fn by_header(token: &str) -> Request {
    ways().header("Authentication-Token", token)
}

#[test]
fn oracle_tokens_are_requested_in_the_query() {
    let mut duo = Duo::start("tokens-asked", &json!({}));
    for query in [
        "?include_auth_token",
        "?include_auth_token=",
        "?include_auth_token=false",
        "",
    ] {
        let mut ana = Browser::new();
        duo.send(query, &mut ana, |_| {
            Request::post(
                &format!("{LOGIN}{query}"),
                &json!({"email": ANA, "password": PASSWORD}),
            )
        });
        duo.send(&format!("signed in, GET {query}"), &mut ana, |_| {
            Request::get(&format!("{LOGIN}{query}"))
        });
    }
    duo.send("in the body", &mut Browser::new(), |_| {
        Request::post(
            LOGIN,
            &json!({"email": ANA, "password": PASSWORD, "include_auth_token": true}),
        )
    });
    duo.send("a wrong password", &mut Browser::new(), |_| {
        Request::post(
            &format!("{LOGIN}?include_auth_token"),
            &json!({"email": ANA, "password": "wrong"}),
        )
    });
    duo.finish(10);
}

#[test]
fn oracle_tokens_always_with_the_old_setting() {
    let mut duo = Duo::start(
        "tokens-always",
        &json!({"SECURITY_BACKWARDS_COMPAT_AUTH_TOKEN": true}),
    );
    duo.send("not requested", &mut Browser::new(), |_| sign_in(ANA));
    duo.finish(1);
}

#[test]
fn oracle_tokens_where_they_may_be_sent() {
    let mut duo = Duo::start("tokens-places", &json!({}));
    let mut ana = Browser::new();
    let tokens = duo
        .send("sign in", &mut ana, |_| sign_in_for_tokens(ANA))
        .of_user("authentication_token");
    let anonymous = Browser::new;
    duo.send("no token", &mut anonymous(), |_| ways());
    duo.send_own("header", &mut anonymous(), &tokens, |_, token| {
        by_header(token)
    });
    duo.send_own("query", &mut anonymous(), &tokens, |_, token| {
        Request::get(&format!("{VERIFY}?auth_token={token}"))
    });
    duo.send_own(
        "wrong query before header",
        &mut anonymous(),
        &tokens,
        |_, token| {
            Request::get(&format!("{VERIFY}?auth_token=wrong"))
                .header("Authentication-Token", token)
        },
    );
    duo.send_own("another header", &mut anonymous(), &tokens, |_, token| {
        ways().header("Authorization", format!("Bearer {token}"))
    });
    duo.send_own("as a cookie", &mut anonymous(), &tokens, |_, token| {
        ways().header("Cookie", format!("auth_token={token}"))
    });
    duo.send_own("tampered", &mut anonymous(), &tokens, |_, token| {
        by_header(&format!("{token}x"))
    });
    duo.send("garbage", &mut anonymous(), |_| by_header("a.b.c"));
    duo.send("empty", &mut anonymous(), |_| by_header(""));
    duo.send_own(
        "wrong token beside a session",
        &mut ana,
        &tokens,
        |_, token| by_header(&format!("{token}x")),
    );
    duo.send_own(
        "current user, by token",
        &mut anonymous(),
        &tokens,
        |_, token| who().header("Authentication-Token", token),
    );
    duo.send("sign out the session", &mut ana, sign_out);
    duo.send_own(
        "the token stays valid",
        &mut anonymous(),
        &tokens,
        |_, token| by_header(token),
    );
    duo.set(ANA, "active", "0");
    duo.send_own(
        "of a deactivated user",
        &mut anonymous(),
        &tokens,
        |_, token| by_header(token),
    );
    duo.set(ANA, "active", "1");
    duo.set(ANA, "fs_uniquifier", "another uniquifier");
    duo.send_own(
        "after all sessions were ended",
        &mut anonymous(),
        &tokens,
        |_, token| by_header(token),
    );
    duo.finish(16);
}

#[expect(
    clippy::disallowed_methods,
    reason = "both servers use the system clock"
)]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("it is later than 1970").as_secs()
}

#[test]
fn oracle_tokens_of_every_version_and_age() {
    let mut duo = Duo::start(
        "tokens-versions",
        &json!({"SECURITY_TOKEN_MAX_AGE": {"seconds": 600}}),
    );
    let now = now();
    let five = |uid: &str, exp: u64| json!({"ver": "5", "uid": uid, "fs_paa": now, "exp": exp});
    let payloads = [
        ("version 5", five(ANA_ID, 0)),
        ("expires later", five(ANA_ID, now + 60)),
        ("expired", five(ANA_ID, now - 60)),
        ("of an unknown user", five("unknown", 0)),
        ("of a deactivated user", five(CY_ID, 0)),
        ("version 4", json!([ANA_ID])),
        ("version 3", json!(["x", "y", ANA_ID])),
        ("without an expiry", json!({"ver": "5", "uid": ANA_ID})),
        ("without a user", json!({"ver": "5", "exp": 0})),
        ("without a version", json!({"uid": ANA_ID, "exp": 0})),
        ("a string", json!(ANA_ID)),
        ("a number", json!(5)),
        ("null", json!(null)),
        ("an empty list", json!([])),
    ];
    for (name, payload) in &payloads {
        let token = Python::get().sign("remember", SECRET, payload, 0);
        duo.send(name, &mut Browser::new(), |_| by_header(&token));
    }
    for (name, age) in [
        ("not yet too old", 590),
        ("too old", 610),
        ("from the future", -3600),
    ] {
        let token = Python::get().sign("remember", SECRET, &five(ANA_ID, 0), age);
        duo.send(name, &mut Browser::new(), |_| by_header(&token));
    }
    for kind in [
        "login",
        "confirm",
        "reset",
        "two_factor_validity",
        "us_setup",
        "wan",
    ] {
        let token = Python::get().sign(kind, SECRET, &five(ANA_ID, 0), 0);
        duo.send(&format!("signed for {kind}"), &mut Browser::new(), |_| {
            by_header(&token)
        });
    }
    let token = Python::get().sign("remember", "another key", &five(ANA_ID, 0), 0);
    duo.send("signed with another key", &mut Browser::new(), |_| {
        by_header(&token)
    });
    duo.finish(24);
}

#[test]
fn oracle_api_methods_as_configured() {
    for methods in [
        &["session"][..],
        &["token"],
        &["basic"],
        &["basic", "session"],
        &["session", "token", "basic"],
    ] {
        let config = json!({
            "SECURITY_API_ENABLED_METHODS": methods,
            "SECURITY_DEFAULT_HTTP_AUTH_REALM": "the realm",
        });
        let mut duo = Duo::start("api-methods", &config);
        let mut ana = Browser::new();
        let tokens = duo
            .send("sign in", &mut ana, |_| sign_in_for_tokens(ANA))
            .of_user("authentication_token");
        let name = methods.join("+");
        duo.send(
            &format!("{name}: unauthenticated"),
            &mut Browser::new(),
            |_| ways(),
        );
        duo.send(&format!("{name}: session"), &mut ana, |_| ways());
        duo.send_own(
            &format!("{name}: token"),
            &mut Browser::new(),
            &tokens,
            |_, token| by_header(token),
        );
        duo.send(&format!("{name}: basic"), &mut Browser::new(), |_| {
            ways().header("Authorization", basic(ANA, PASSWORD))
        });
        duo.finish(5);
    }
}

#[test]
fn oracle_basic_authentication() {
    let config = json!({
        "SECURITY_API_ENABLED_METHODS": ["basic"], "SECURITY_CONFIRMABLE": false,
        "SECURITY_DEFAULT_HTTP_AUTH_REALM": "the realm",
    });
    let mut duo = Duo::start("basic", &config);
    let mut send = |name: &str, value: &str| {
        duo.send(name, &mut Browser::new(), |_| {
            ways().header("Authorization", value)
        });
    };
    send("right password", &basic(ANA, PASSWORD));
    send("wrong password", &basic(ANA, "wrong"));
    send("unknown address", &basic("unknown@example.com", PASSWORD));
    send("deactivated", &basic("cy@example.com", PASSWORD));
    send("address in capitals", &basic("ANA@EXAMPLE.COM", PASSWORD));
    send("an old hash", &basic("pbkdf2-sha256@example.com", PASSWORD));
    send("no password", &basic(ANA, ""));
    send("no name", &basic("", PASSWORD));
    send("another scheme", "Bearer abc");
    send("not base64", "Basic %%%");
    send("no colon", "Basic YW5h");
    send(
        "scheme in lower case",
        &basic(ANA, PASSWORD).replace("Basic", "basic"),
    );
    duo.send_known(
        "user without a password",
        &mut Browser::new(),
        Known::ClientMistake,
        401,
        |_| ways().header("Authorization", basic("eve@example.com", PASSWORD)),
    );
    duo.finish(13);
}

#[test]
fn oracle_basic_authentication_accepts_only_users_who_may_sign_in() {
    let config = json!({
        "SECURITY_API_ENABLED_METHODS": ["basic"],
        "SECURITY_DEFAULT_HTTP_AUTH_REALM": "the realm",
    });
    let mut duo = Duo::start("basic-unconfirmed", &config);
    duo.send("confirmed", &mut Browser::new(), |_| {
        ways().header("Authorization", basic(ANA, PASSWORD))
    });
    duo.send_known(
        "unconfirmed",
        &mut Browser::new(),
        Known::BasicAsLogin,
        401,
        |_| ways().header("Authorization", basic("bo@example.com", PASSWORD)),
    );
    duo.finish(2);
}
