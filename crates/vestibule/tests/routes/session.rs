//! The session and the remember cookie.

use http::Method;
use serde_json::json;
use vestibule::admin;
use vestibule_formats::flask_session::{Session, SessionCodec};
use vestibule_formats::sign::KeyRing;

use crate::support::{ANA, PASSWORD, TestApp};

const LOGIN: &str = "/api/accounts/login";

#[tokio::test]
async fn attack_state_change_not_effective_deactivation_ends_the_session_at_once() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    let user = app.stored(ANA).await;
    admin::set_active(app.app(), &user, false).await.unwrap();
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn attack_state_change_not_effective_a_new_password_ends_every_session() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
    browser.post(LOGIN, body).await;
    let mut remembered = app.browser();
    remembered.cookies.insert(
        "remember_token".into(),
        browser.cookies["remember_token"].clone(),
    );
    assert!(remembered.clone().is_signed_in().await);
    let user = app.stored(ANA).await;
    admin::change_password(app.app(), &user, "correct horse battery")
        .await
        .unwrap();
    assert!(!browser.is_signed_in().await);
    assert!(!remembered.is_signed_in().await);
    assert_eq!(
        app.browser().sign_in(ANA, PASSWORD).await.code(),
        "INVALID_PASSWORD"
    );
    assert_eq!(
        app.browser()
            .sign_in(ANA, "correct horse battery")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_remember_cookie_restores_the_session() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser
        .post(
            LOGIN,
            json!({"email": ANA, "password": PASSWORD, "remember": true}),
        )
        .await;
    browser.cookies.retain(|name, _| name == "remember_token");
    let answer = browser.get(LOGIN).await;
    assert!(answer.response().get("user").is_some());
    assert!(answer.set_cookie("session").is_some());
    assert!(
        answer.set_cookie("XSRF-TOKEN").is_some(),
        "a CSRF cookie is set as well"
    );
    browser.cookies.remove("remember_token");
    assert!(
        browser.is_signed_in().await,
        "the session does not depend on the remember cookie"
    );
}

#[tokio::test]
async fn attack_tampering_modified_cookies_are_ignored() {
    let app = TestApp::new().await;
    let mut signed_in = app.browser();
    signed_in
        .post(
            LOGIN,
            json!({"email": ANA, "password": PASSWORD, "remember": true}),
        )
        .await;
    for name in ["session", "remember_token"] {
        let genuine = signed_in.cookies[name].clone();
        for position in 0..genuine.len() {
            let mut bytes = genuine.clone().into_bytes();
            bytes[position] = if bytes[position] == b'A' { b'B' } else { b'A' };
            let mut browser = app.browser();
            browser
                .cookies
                .insert(name.into(), String::from_utf8(bytes).unwrap());
            let last = name == "session" && position == genuine.len() - 1;
            // The last base64 digit has unused bits, so changing it may leave the signature equal.
            assert!(
                last || !browser.is_signed_in().await,
                "{name} at {position}"
            );
        }
        for cut in [genuine.len() - 1, genuine.len() / 2, 1, 0] {
            let mut browser = app.browser();
            browser
                .cookies
                .insert(name.into(), genuine[..cut].to_owned());
            assert!(!browser.is_signed_in().await, "{name} cut at {cut}");
        }
    }
}

#[tokio::test]
async fn attack_wrong_purpose_the_value_of_one_cookie_is_refused_in_another() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    browser
        .post(
            LOGIN,
            json!({"email": ANA, "password": PASSWORD, "remember": true}),
        )
        .await;
    for from in ["session", "remember_token", "XSRF-TOKEN"] {
        for to in ["session", "remember_token"] {
            if from != to {
                let mut other = app.browser();
                other
                    .cookies
                    .insert(to.into(), browser.cookies[from].clone());
                assert!(!other.is_signed_in().await, "{from} as {to}");
            }
        }
    }
}

#[tokio::test]
async fn a_session_expires_after_its_lifetime() {
    let app = TestApp::with("PERMANENT_SESSION_LIFETIME = \"1 hours\"").await;
    let mut browser = app.signed_in().await;
    app.wait(3600);
    assert!(browser.is_signed_in().await);
    let mut late = browser.clone();
    app.wait(1);
    assert!(!late.is_signed_in().await);
}

#[tokio::test]
async fn strong_protection_ends_a_session_of_another_user_agent() {
    let app = TestApp::with("SESSION_PROTECTION = \"strong\"").await;
    let mut browser = app.browser().header("user-agent", "one");
    browser.sign_in(ANA, PASSWORD).await;
    assert!(browser.is_signed_in().await);
    assert!(!browser.header("user-agent", "two").is_signed_in().await);
}

#[tokio::test]
async fn basic_protection_marks_a_session_of_another_user_agent_as_not_fresh() {
    let app = TestApp::new().await;
    let mut browser = app.browser().header("user-agent", "one");
    browser.sign_in(ANA, PASSWORD).await;
    let mut moved = browser.header("user-agent", "two");
    let before = moved.cookies["session"].clone();
    assert!(moved.is_signed_in().await);
    assert_ne!(
        moved.cookies["session"], before,
        "the session is marked as not fresh"
    );
}

#[tokio::test]
async fn cookies_have_the_configured_names_and_attributes() {
    let app = TestApp::with(
        r#"SESSION_COOKIE_NAME = "s"
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = true
SESSION_COOKIE_PATH = "/api"
REMEMBER_COOKIE_NAME = "r"
REMEMBER_COOKIE_SAMESITE = "Strict"
REMEMBER_COOKIE_DURATION = "1 days""#,
    )
    .await;
    let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
    let answer = app.browser().post(LOGIN, body).await;
    let session = answer.set_cookie("s").unwrap();
    assert!(
        session.ends_with("; Secure; HttpOnly; Path=/api; SameSite=Lax"),
        "{session}"
    );
    let remember = answer.set_cookie("r").unwrap();
    assert!(
        remember
            .ends_with("Expires=Sat, 16 Jan 2027 08:00:00 GMT; HttpOnly; Path=/; SameSite=Strict"),
        "{remember}"
    );
}

#[tokio::test]
async fn an_unchanged_session_sets_no_cookie() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    let answer = browser.get(LOGIN).await;
    assert!(!answer.headers.contains_key("set-cookie"), "{answer:?}");
    assert_eq!(answer.headers["cache-control"], "no-store, private");
}

#[tokio::test]
async fn attack_session_fixation_a_sign_in_discards_planted_session_values() {
    let app = TestApp::new().await;
    let codec = SessionCodec::new(&KeyRing::new("a secret key for tests, long enough", []));
    let now = 1_800_000_000;
    let mut planted = Session::default();
    for name in [
        "tf_user_id",
        "tf_state",
        "fs_gexp",
        "_user_id",
        "csrf_token",
        "cart",
    ] {
        planted.set_str(name, "planted");
    }
    let mut browser = app.browser();
    browser
        .cookies
        .insert("session".into(), codec.seal(&planted, now));
    assert!(!browser.is_signed_in().await);
    assert_eq!(browser.sign_in(ANA, PASSWORD).await.status, 200);
    let lifetime = std::time::Duration::from_secs(60);
    let open = |cookie: &str| codec.open(cookie, now, lifetime);
    let session = open(&browser.cookies["session"]);
    let mut names: Vec<&str> = session.names().collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "_fresh",
            "_id",
            "_user_id",
            "cart",
            "csrf_token",
            "fs_cc",
            "fs_paa"
        ]
    );
    assert_ne!(session.get_str("_user_id").as_deref(), Some("planted"));
    // Of the values that vestibule reads, only the CSRF token stays;
    // `attack_csrf_a_planted_session_*` show that this does no harm.
    assert_eq!(session.get_str("csrf_token").as_deref(), Some("planted"));
    browser.sign_out().await;
    let session = open(&browser.cookies["session"]);
    assert_eq!(
        session.names().collect::<Vec<_>>(),
        ["cart"],
        "the application's own values are kept"
    );
}

#[tokio::test]
async fn attack_session_fixation_a_known_csrf_token_in_a_remembered_session_is_refused_cross_site()
{
    // The attacker plants an anonymous session whose CSRF token they know.
    let app = TestApp::new().await;
    let mut attacker = app.browser();
    let known = attacker.get(LOGIN).await.csrf_token();
    let mut victim = app.browser();
    let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
    victim.post(LOGIN, body).await;
    victim.cookies.retain(|name, _| name == "remember_token");
    let planted = attacker.cookies["session"].clone();
    victim.cookies.insert("session".into(), planted);
    // As in the reference, the token stays when the remember cookie restores the session.
    assert!(victim.is_signed_in().await);
    let mut own = victim.clone().header("x-xsrf-token", &known);
    let verify = json!({"password": PASSWORD});
    let answer = own.post("/api/accounts/verify", verify.clone()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for (name, value) in [
        ("origin", "http://evil.localhost:5000"),
        ("sec-fetch-site", "same-site"),
    ] {
        let mut forged = victim
            .clone()
            .header("x-xsrf-token", &known)
            .header(name, value);
        let answer = forged.post("/api/accounts/verify", verify.clone()).await;
        assert_eq!(answer.code(), "CROSS_SITE_REQUEST", "{name}");
    }
}

#[tokio::test]
async fn attack_session_residue_an_invalid_remember_cookie_is_never_renewed() {
    let app = TestApp::with("REMEMBER_COOKIE_REFRESH_EACH_REQUEST = true").await;
    let mut browser = app.signed_in().await;
    assert!(!browser.cookies.contains_key("remember_token"));
    for made_up in ["x", "another|user"] {
        let mut asking = browser.clone();
        asking
            .cookies
            .insert("remember_token".into(), made_up.into());
        let answer = asking.get(LOGIN).await;
        assert!(answer.set_cookie("remember_token").is_none(), "{answer:?}");
    }
    // The user's own remember cookie is renewed.
    let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
    browser.sign_out().await;
    browser.post(LOGIN, body).await;
    let answer = browser.get(LOGIN).await;
    assert!(answer.set_cookie("remember_token").is_some());
}

#[tokio::test]
async fn strong_protection_keeps_a_remembered_session_of_the_same_client() {
    let app = TestApp::with("SESSION_PROTECTION = \"strong\"").await;
    let mut browser = app.browser().header("user-agent", "one");
    let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
    browser.post(LOGIN, body).await;
    browser.cookies.retain(|name, _| name == "remember_token");
    for request in 1..=3 {
        assert!(browser.is_signed_in().await, "request {request}");
    }
}

#[tokio::test]
async fn a_session_from_a_server_up_to_a_minute_ahead_is_accepted() {
    let app = TestApp::new().await;
    for ahead in [1, 60] {
        app.wait(ahead);
        let mut browser = app.signed_in().await;
        app.wait(-ahead);
        let cookie = browser.cookies["session"].clone();
        let answer = browser.get("/api/accounts/authz").await;
        assert_eq!(answer.status, 200, "{ahead}");
        assert!(browser.is_signed_in().await, "{ahead}");
        assert_eq!(browser.cookies["session"], cookie, "{ahead}");
    }
    app.wait(61);
    let mut browser = app.signed_in().await;
    app.wait(-61);
    assert_eq!(browser.get("/api/accounts/authz").await.status, 401);
    // The session is accepted once this server's clock has caught up.
    app.wait(61);
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn an_unusable_session_cookie_is_overwritten_only_when_something_is_stored() {
    let app = TestApp::with(crate::support::LIFE).await;
    app.wait(120);
    let ahead = app.signed_in().await.cookies["session"].clone();
    app.wait(-120);
    let expired = app.signed_in().await.cookies["session"].clone();
    app.wait(40 * 86_400);
    let late = |cookie: &str| cookie == expired;
    for cookie in [ahead.as_str(), expired.as_str(), "another.users.cookie", ""] {
        // Only the expired cookie is tested at the later time; the others are tested before it.
        let back = if late(cookie) { 0 } else { 40 * 86_400 };
        app.wait(-back);
        let mut browser = app.browser();
        browser.cookies.insert("session".into(), cookie.into());
        for (method, path, body) in [
            (Method::GET, "/healthz", json!({})),
            (Method::GET, "/readyz", json!({})),
            (Method::GET, "/nowhere", json!({})),
            (Method::GET, "/api/accounts/authz", json!({})),
            (Method::GET, "/api/accounts/openapi.json", json!({})),
            (Method::GET, "/api/accounts/change", json!({})),
            (Method::POST, "/api/accounts/change", json!({})),
            (
                Method::POST,
                "/api/accounts/verify",
                json!({"password": PASSWORD}),
            ),
            (
                Method::POST,
                LOGIN,
                json!({"email": ANA, "password": "wrong"}),
            ),
            (Method::POST, "/api/accounts/logout", json!({})),
        ] {
            let json = Some("application/json");
            let answer = browser
                .send(method.clone(), path, json, body.to_string().into())
                .await;
            let written = answer.set_cookie("session");
            assert_eq!(written, None, "{cookie} {method} {path}: {answer:?}");
        }
        // A CSRF token for a new session has to be stored.
        let answer = browser.get(LOGIN).await;
        assert!(answer.set_cookie("session").is_some(), "{cookie}");
        app.wait(back);
    }
}
