//! Two servers on one database: each accepts what the other signed, and both refuse what neither
//! signed.

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::cookies::payload;
use crate::support::http::{Request, Response};
use crate::support::jar::with_token;
use crate::support::jar::{Jar, SetCookie};
use crate::support::pair::Pair;
use crate::support::python::Python;
use crate::support::requests::{sign_in, sign_in_with, sign_out, who};
use crate::support::users::{ANA, ANA_ID, CY_ID, PASSWORD};

const OLD_KEY: &str = "an older secret key, 0123456789 0123456789";

/// Both directions: a name, the server that issues a value, and the server that reads it.
fn both_ways(pair: &Pair) -> [(&'static str, u16, u16); 2] {
    [
        ("ours to the reference", pair.ours.port, pair.theirs.port),
        ("the reference's to ours", pair.theirs.port, pair.ours.port),
    ]
}

fn both(pair: &Pair) -> [(&'static str, u16); 2] {
    [
        ("ours", pair.ours.port),
        ("the reference", pair.theirs.port),
    ]
}

/// Whether the answer to a request for the current user names a user.
fn knows(answer: &Response) -> bool {
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    answer
        .json()
        .is_some_and(|body| body["response"].get("user").is_some())
}

fn asking_with(port: u16, cookie: &str, value: &str) -> Response {
    let mut jar = Jar::default();
    jar.set(cookie, value);
    jar.send(who(), port)
}

fn signed_in(port: u16, remember: bool) -> Jar {
    let mut jar = Jar::default();
    let answer = jar.send(
        sign_in_with(&json!({"email": ANA, "password": PASSWORD, "remember": remember})),
        port,
    );
    assert_eq!(
        answer.status,
        200,
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    jar
}

fn session(changes: &Value, key: &str, age: i64) -> String {
    let mut session = json!({
        "_user_id": ANA_ID, "_fresh": true, "_id": "of another browser", "fs_cc": "sent", "fs_paa": 1_700_000_000,
        "csrf_token": "0123456789012345678901234567890123456789",
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        session[key] = value.clone();
    }
    Python::get().sign("session", key, &session, age)
}

#[test]
fn artefacts_session_of_either_is_honoured_by_the_other() {
    let pair = Pair::start("sessions", &json!({}));
    for (name, maker, reader) in both_ways(&pair) {
        let mut jar = signed_in(maker, false);
        assert!(knows(&jar.send(who(), reader)), "{name}");
        // The first server accepts the session that the second one wrote back.
        assert!(knows(&jar.send(who(), maker)), "{name}: back at its issuer");
        let out = jar.send(sign_out(&jar), reader);
        assert_eq!(out.status, 200, "{name}");
        assert!(
            jar.get("session").is_none(),
            "{name}: the session is cleared for both"
        );
        assert!(!knows(&jar.send(who(), maker)), "{name}: signed out");
    }
}

#[test]
fn artefacts_session_before_sign_in_is_continued_by_the_other() {
    let pair = Pair::start(
        "anonymous",
        &json!({"SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": false}),
    );
    for (name, maker, reader) in both_ways(&pair) {
        let mut jar = Jar::default();
        jar.send(who(), maker);
        let answer = jar.send(with_token(sign_in(ANA), &jar), reader);
        assert_eq!(
            answer.status,
            200,
            "{name}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        assert!(knows(&jar.send(who(), maker)), "{name}");
    }
}

#[test]
fn artefacts_remember_cookie_of_either_is_honoured_by_the_other() {
    let pair = Pair::start("remembers", &json!({}));
    for (name, maker, reader) in both_ways(&pair) {
        let jar = signed_in(maker, true);
        let cookie = jar
            .get("remember_token")
            .expect("a remember cookie")
            .to_owned();
        assert!(
            knows(&asking_with(reader, "remember_token", &cookie)),
            "{name}"
        );
        assert!(
            knows(&asking_with(maker, "remember_token", &cookie)),
            "{name}: at its issuer"
        );
    }
}

#[test]
fn artefacts_csrf_token_of_either_is_honoured_by_the_other() {
    let pair = Pair::start(
        "tokens",
        &json!({"SECURITY_LOGOUT_CSRF": true, "WTF_CSRF_TIME_LIMIT": 3600}),
    );
    for (name, maker, reader) in both_ways(&pair) {
        let mut jar = signed_in(maker, false);
        let refused = jar.send(Request::post("/api/accounts/logout", &json!({})), reader);
        assert_eq!(refused.status, 400, "{name}: no token");
        let answer = jar.send(who(), maker).json().expect("JSON");
        let token = answer["response"]["csrf_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let out = jar.send(
            Request::post("/api/accounts/logout", &json!({})).header("X-CSRF-Token", token),
            reader,
        );
        assert_eq!(
            out.status,
            200,
            "{name}: {}",
            String::from_utf8_lossy(&out.body)
        );
    }
}

/// Expired, altered and wrongly signed session cookies, and those of unknown or inactive users.
#[test]
fn artefacts_session_that_is_invalid_is_refused_by_both() {
    let pair = Pair::start("refused-sessions", &json!({}));
    let good = session(&json!({}), SECRET, 0);
    let mut bad: Vec<(String, String)> = vec![
        (
            "expired".into(),
            session(&json!({}), SECRET, 31 * 86_400 + 60),
        ),
        ("retired key".into(), session(&json!({}), OLD_KEY, 0)),
        ("empty key".into(), session(&json!({}), "x", 0)),
        (
            "of an unknown user".into(),
            session(&json!({"_user_id": "f".repeat(32)}), SECRET, 0),
        ),
        (
            "inactive".into(),
            session(&json!({"_user_id": CY_ID}), SECRET, 0),
        ),
        ("repeated".into(), format!("{good}{good}")),
        ("with a space".into(), format!("{good} x")),
    ];
    for purpose in PURPOSES {
        let forged = json!({"_user_id": ANA_ID, "_fresh": true});
        bad.push((
            format!("signed for {purpose}"),
            Python::get().sign(purpose, SECRET, &forged, 0),
        ));
    }
    bad.extend(mutations(&good));
    for (name, value) in bad {
        for (server, port) in both(&pair) {
            assert!(
                !knows(&asking_with(port, "session", &value)),
                "{server}: {name}: {value}"
            );
        }
    }
    for (server, port) in both(&pair) {
        assert!(
            knows(&asking_with(port, "session", &good)),
            "{server}: the valid one"
        );
    }
}

/// Every purpose that the reference has a salt for, and `csrf`.
const PURPOSES: [&str; 12] = [
    "csrf",
    "confirm",
    "reset",
    "login",
    "change",
    "change_email",
    "remember",
    "us_setup",
    "two_factor_setup",
    "two_factor_validity",
    "wan",
    "refresh_token",
];

/// The value truncated, extended, and with single characters changed in every part.
fn mutations(good: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for place in (0..good.len()).step_by(good.len() / 24) {
        let mut bytes = good.as_bytes().to_vec();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        // The last character of base64 may contain unused bits, so changing it may change nothing.
        if place + 1 < good.len() {
            found.push((
                format!("changed at {place}"),
                String::from_utf8(bytes).expect("ASCII"),
            ));
        }
        found.push((format!("cut at {place}"), good[..place].to_owned()));
    }
    found.push(("longer".into(), format!("{good}A")));
    found
}

#[test]
fn artefacts_remember_cookie_that_is_invalid_is_refused_by_both() {
    let pair = Pair::start("refused-remembers", &json!({}));
    let good = Python::get().remember(SECRET, ANA_ID);
    let mut bad: Vec<(String, String)> = vec![
        (
            "retired key".into(),
            Python::get().remember(OLD_KEY, ANA_ID),
        ),
        (
            "of an unknown user".into(),
            Python::get().remember(SECRET, &"f".repeat(32)),
        ),
        ("inactive".into(), Python::get().remember(SECRET, CY_ID)),
        (
            "with another user's ID".into(),
            good.replacen(ANA_ID, CY_ID, 1),
        ),
        ("a session".into(), session(&json!({}), SECRET, 0)),
        (
            "an auth token".into(),
            Python::get().sign(
                "remember",
                SECRET,
                &json!({"uid": ANA_ID, "ver": "5", "exp": 0}),
                0,
            ),
        ),
    ];
    bad.extend(mutations(&good));
    for (name, value) in bad {
        for (server, port) in both(&pair) {
            assert!(
                !knows(&asking_with(port, "remember_token", &value)),
                "{server}: {name}: {value}"
            );
        }
    }
    for (server, port) in both(&pair) {
        assert!(
            knows(&asking_with(port, "remember_token", &good)),
            "{server}: the valid one"
        );
    }
}

#[test]
fn artefacts_csrf_token_that_is_invalid_is_refused_by_both() {
    let pair = Pair::start(
        "refused-tokens",
        &json!({"SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": false, "WTF_CSRF_TIME_LIMIT": 3600}),
    );
    for (server, port) in both(&pair) {
        let mut jar = Jar::default();
        jar.send(who(), port);
        let secret = jar.get("session").and_then(payload).expect("a session")["csrf_token"].clone();
        let good = Python::get().sign("csrf", SECRET, &secret, 0);
        let mut bad: Vec<(String, String)> = vec![
            (
                "expired".into(),
                Python::get().sign("csrf", SECRET, &secret, 3700),
            ),
            (
                "retired key".into(),
                Python::get().sign("csrf", OLD_KEY, &secret, 0),
            ),
            (
                "another session's".into(),
                Python::get().sign("csrf", SECRET, &json!("0".repeat(40)), 0),
            ),
            (
                "the secret itself".into(),
                secret.as_str().expect("a text").into(),
            ),
            (
                "the session cookie".into(),
                jar.get("session").expect("a session").into(),
            ),
            (
                "a list".into(),
                Python::get().sign("csrf", SECRET, &json!([secret]), 0),
            ),
        ];
        for purpose in &PURPOSES[1..] {
            bad.push((
                format!("signed for {purpose}"),
                Python::get().sign(purpose, SECRET, &secret, 0),
            ));
        }
        bad.extend(
            mutations(&good)
                .into_iter()
                .filter(|(_, value)| !value.is_empty()),
        );
        for (name, token) in bad {
            let answer = jar
                .clone()
                .send(sign_in(ANA).header("X-XSRF-Token", &token), port);
            // The reference fails on a signed token that is not a string.
            let refused = answer.status == 400 || (name == "a list" && server == "the reference");
            assert!(refused, "{server}: {name}: {} {token}", answer.status);
        }
        let answer = jar.send(sign_in(ANA).header("X-XSRF-Token", good), port);
        assert_eq!(answer.status, 200, "{server}: the valid one");
    }
}

#[test]
fn artefacts_fallback_keys_are_accepted_by_both() {
    let pair = Pair::start("fallbacks", &json!({"SECRET_KEY_FALLBACKS": [OLD_KEY]}));
    let old = session(&json!({}), OLD_KEY, 0);
    let retired = session(
        &json!({}),
        "a retired key that no server knows, 0123456789",
        0,
    );
    for (server, port) in both(&pair) {
        assert!(
            knows(&asking_with(port, "session", &old)),
            "{server}: signed by the fallback"
        );
        assert!(
            !knows(&asking_with(port, "session", &retired)),
            "{server}: signed by a retired key"
        );
    }
    for (name, maker, reader) in both_ways(&pair) {
        let mut jar = signed_in(maker, true);
        assert!(knows(&jar.send(who(), reader)), "{name}");
    }
}

#[test]
fn artefacts_of_a_deactivated_account_are_refused_by_both() {
    let pair = Pair::start("ends", &json!({}));
    let jars: Vec<Jar> = both(&pair)
        .iter()
        .map(|(_, port)| signed_in(*port, true))
        .collect();
    pair.run_ours(&["users", "deactivate", ANA]);
    for mut jar in jars {
        for (server, port) in both(&pair) {
            assert!(!knows(&jar.clone().send(who(), port)), "{server}: inactive");
        }
        jar.forget("session");
        for (server, port) in both(&pair) {
            assert!(
                !knows(&jar.clone().send(who(), port)),
                "{server}: inactive, remembered"
            );
        }
    }
    for (server, port) in both(&pair) {
        assert_eq!(
            Jar::default().send(sign_in(ANA), port).status,
            400,
            "{server}: sign-in refused"
        );
    }
    pair.run_ours(&["users", "activate", ANA]);
    for (server, port) in both(&pair) {
        assert_eq!(
            Jar::default().send(sign_in(ANA), port).status,
            200,
            "{server}: active again"
        );
    }
}

#[test]
fn artefacts_session_cookies_of_both_have_the_same_contents() {
    let pair = Pair::start("alike", &json!({}));
    let shapes: Vec<Value> = both(&pair)
        .iter()
        .map(|(_, port)| {
            let answer = sign_in(ANA)
                .header("User-Agent", "x")
                .send(*port)
                .expect("an answer");
            let cookies: Vec<SetCookie> = answer
                .all("set-cookie")
                .iter()
                .map(|header| SetCookie::parse(header))
                .collect();
            let session = cookies
                .iter()
                .find(|cookie| cookie.name == "session")
                .expect("a session");
            crate::support::cookies::comparable(session)
        })
        .collect();
    assert_eq!(shapes[0], shapes[1]);
    assert_eq!(shapes[0]["session"]["_user_id"], ANA_ID);
}
