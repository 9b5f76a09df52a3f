//! `/verify`: proving one's identity again.

use http::Method;
use serde_json::json;
use vestibule::Event;
use vestibule::admin;
use vestibule_store::{PasswordChange, UserPatch};

use crate::support::callers::text;
use crate::support::{ANA, Browser, PASSWORD, TestApp};

const VERIFY: &str = "/api/accounts/verify";
const FRESH: &str = "/api/accounts/authz?within=60&grace=0";

/// A signed-in browser that sends the CSRF token in the header.
async fn signed_in(app: &TestApp) -> Browser<'_> {
    let mut browser = app.signed_in().await;
    let csrf = browser.get("/api/accounts/login").await.csrf_token();
    browser.header("x-xsrf-token", &csrf)
}

async fn is_fresh(browser: &mut Browser<'_>) -> bool {
    let answer = browser.get(FRESH).await;
    if answer.status == 200 {
        return true;
    }
    let verdict = (401, "REAUTHENTICATION_REQUIRED".to_owned());
    assert_eq!(answer.verdict(), verdict, "{answer:?}");
    false
}

#[tokio::test]
async fn a_signed_in_user_is_told_the_ways_to_verify() {
    let app = TestApp::new().await;
    let answer = app.browser().get(VERIFY).await;
    assert_eq!(answer.verdict(), (401, "UNAUTHENTICATED".into()));
    let mut browser = app.signed_in().await;
    let answer = browser.get(VERIFY).await;
    assert_eq!(answer.status, 200);
    let csrf = answer.csrf_token();
    let mut response = answer.response();
    response.as_object_mut().unwrap().remove("csrf_token");
    assert_eq!(
        response,
        json!({
            "user": {},
            "has_webauthn_verify_credential": false,
            "oauth_enabled": false,
            "oauth_providers": [],
        })
    );
    // The CSRF token in the answer is valid.
    let mut browser = browser.header("x-xsrf-token", &csrf);
    let answer = browser.post(VERIFY, json!({"password": PASSWORD})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn the_password_makes_the_session_fresh() {
    let app = TestApp::new().await;
    let mut browser = signed_in(&app).await;
    assert!(is_fresh(&mut browser).await);
    app.wait(60);
    assert!(!is_fresh(&mut browser).await);
    app.take_events();
    let answer = browser.post(VERIFY, json!({"password": PASSWORD})).await;
    assert_eq!(answer.status, 200);
    let verified = Event::Verified {
        user_id: app.stored(ANA).await.id,
        via: "password",
    };
    assert_eq!(app.take_events(), [verified]);
    assert_eq!(answer.response()["user"], json!({}));
    text(&answer.response()["csrf_token"]);
    app.wait(59);
    assert!(is_fresh(&mut browser).await);
    app.wait(1);
    assert!(!is_fresh(&mut browser).await);
    assert_eq!(app.take_events(), []);
}

#[tokio::test]
async fn an_invalid_password_does_not_make_the_session_fresh() {
    let app = TestApp::new().await;
    let mut browser = signed_in(&app).await;
    app.wait(60);
    app.take_events();
    let before = browser.session_state();
    let cases = [
        (json!({"password": "wrong"}), "password", "INVALID_PASSWORD"),
        (
            json!({"password": PASSWORD.to_uppercase()}),
            "password",
            "INVALID_PASSWORD",
        ),
        (
            json!({"password": format!("{PASSWORD} ")}),
            "password",
            "INVALID_PASSWORD",
        ),
        (json!({}), "password", "PASSWORD_NOT_PROVIDED"),
        (
            json!({"password": null}),
            "password",
            "PASSWORD_NOT_PROVIDED",
        ),
        (json!({"password": ""}), "password", "PASSWORD_NOT_PROVIDED"),
        (
            json!({"password": "  "}),
            "password",
            "PASSWORD_NOT_PROVIDED",
        ),
        (json!({"password": 7}), "password", "API_ERROR"),
        (json!({"password": true}), "password", "API_ERROR"),
        (json!({"password": [PASSWORD]}), "password", "API_ERROR"),
        (
            json!({"password": {"a": PASSWORD}}),
            "password",
            "API_ERROR",
        ),
        (
            json!({"password": PASSWORD, "next": "//evil.example"}),
            "next",
            "INVALID_REDIRECT",
        ),
        (
            json!({"password": PASSWORD, "next": 1}),
            "next",
            "API_ERROR",
        ),
    ];
    for (body, field, code) in cases {
        let answer = browser.post(VERIFY, body.clone()).await;
        assert_eq!(answer.verdict(), (400, code.into()), "{body}");
        let by_field = &answer.response()["field_error_codes"];
        assert_eq!(*by_field, json!({field: [code]}), "{body}");
        assert!(answer.response().get("user").is_none(), "{body}");
        assert_eq!(browser.session_state(), before, "{body}");
        assert!(!is_fresh(&mut browser).await, "{body}");
    }
    let failed = Event::SignInFailed {
        user_id: Some(app.stored(ANA).await.id),
        via: "password",
    };
    assert_eq!(app.take_events(), [failed; 3]);
}

#[tokio::test]
async fn forms_are_read_and_malformed_bodies_refused() {
    let app = TestApp::new().await;
    let mut browser = signed_in(&app).await;
    let form = Some("application/x-www-form-urlencoded");
    let body = b"password=battery+staple".to_vec();
    let answer = browser.send(Method::POST, VERIFY, form, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for (content_type, body, status) in [
        ("application/json", "[]", 400),
        (
            "application/json",
            "{\"password\": \"a\", \"password\": \"battery staple\"}",
            400,
        ),
        ("application/json", "\u{0}", 400),
        ("text/plain", "{\"password\": \"battery staple\"}", 415),
    ] {
        let body = body.as_bytes().to_vec();
        let answer = browser
            .send(Method::POST, VERIFY, Some(content_type), body)
            .await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
}

#[tokio::test]
async fn attack_csrf_verifying_needs_the_token_of_the_session() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    app.wait(60);
    let before = browser.session_state();
    let answer = browser.post(VERIFY, json!({"password": PASSWORD})).await;
    assert_eq!(answer.verdict(), (400, "CSRF_TOKEN_MISSING".into()));
    assert_eq!(browser.session_state(), before);
    assert_eq!(
        app.app().passwords().checked(),
        1,
        "the refused request hashed no password"
    );
}

#[tokio::test]
async fn attack_wrong_person_verifying_with_a_token_does_not_make_the_session_fresh() {
    let app = TestApp::new().await;
    let mut ana = app.signed_in().await;
    app.wait(60);
    // This holds even for the user's own token: the token was verified, not the session.
    let mut bearer = app.bearer(&app.auth_token(ANA).await);
    bearer.cookies = ana.cookies.clone();
    let answer = bearer.post(VERIFY, json!({"password": PASSWORD})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    ana.cookies = bearer.cookies;
    assert!(!is_fresh(&mut ana).await);
}

#[tokio::test]
async fn verifying_returns_a_fresh_token_on_request() {
    let app = TestApp::with("SECURITY_TOKEN_MAX_AGE = \"1 days\"").await;
    let mut bearer = app.bearer(&app.auth_token(ANA).await);
    app.wait(60);
    assert!(!is_fresh(&mut bearer).await);
    let answer = bearer.post(VERIFY, json!({"password": PASSWORD})).await;
    assert!(
        answer.response()["user"]
            .get("authentication_token")
            .is_none()
    );
    assert!(!is_fresh(&mut bearer).await);
    let path = format!("{VERIFY}?include_auth_token");
    let wrong = bearer.post(&path, json!({"password": "wrong"})).await;
    assert!(!wrong.text.contains("authentication_token"));
    let answer = bearer.post(&path, json!({"password": PASSWORD})).await;
    let token = text(&answer.response()["user"]["authentication_token"]);
    assert!(is_fresh(&mut app.bearer(&token)).await);
    assert!(
        !is_fresh(&mut bearer).await,
        "the old token does not become fresh"
    );
}

#[tokio::test]
async fn only_the_enabled_methods_are_accepted() {
    let all = ["session", "token", "basic"];
    for mask in 1..8_usize {
        let named: Vec<&str> = (0..3)
            .filter(|bit| mask & (1 << bit) != 0)
            .map(|bit| all[bit])
            .collect();
        let lines = format!("SECURITY_API_ENABLED_METHODS = {named:?}");
        let app = TestApp::with(&lines).await;
        let token = app.auth_token(ANA).await;
        let callers = [
            ("session", app.signed_in().await),
            ("token", app.bearer(&token)),
            ("basic", app.basic(ANA, PASSWORD)),
        ];
        for (by, mut browser) in callers {
            let answer = browser.get(VERIFY).await;
            let expected = if named.contains(&by) { 200 } else { 401 };
            assert_eq!(answer.status, expected, "{named:?} by {by}");
            let challenge = answer.headers.get("www-authenticate");
            let challenged = expected == 401 && named.contains(&"basic");
            assert_eq!(challenge.is_some(), challenged, "{named:?} by {by}");
        }
    }
}

#[tokio::test]
async fn attack_crash_an_account_with_an_invalid_hash_is_verified_by_no_password() {
    let app = TestApp::with("SECURITY_LIMITS = \"off\"").await;
    let mut browser = signed_in(&app).await;
    let user = app.stored(ANA).await;
    for hash in ["", "nonsense", "$argon2id$v=19$m=1", "pbkdf2:"] {
        let patch = UserPatch {
            password: Some(PasswordChange::Set(hash.to_owned())),
            ..UserPatch::default()
        };
        let now = app.app().clock().now();
        app.app()
            .store()
            .update_user(user.id, patch, now)
            .await
            .unwrap();
        for password in [PASSWORD, hash, "x"] {
            let answer = browser.post(VERIFY, json!({"password": password})).await;
            assert_eq!(answer.status, 400, "{hash:?} {password:?}");
        }
    }
}

#[tokio::test]
async fn attack_state_change_a_deactivated_user_cannot_verify() {
    let app = TestApp::new().await;
    let mut browser = signed_in(&app).await;
    let user = app.stored(ANA).await;
    admin::set_active(app.app(), &user, false).await.unwrap();
    let answer = browser.post(VERIFY, json!({"password": PASSWORD})).await;
    assert_eq!(answer.verdict(), (401, "UNAUTHENTICATED".into()));
}

#[tokio::test]
async fn attack_open_redirect_next_is_checked_and_not_followed() {
    let app = TestApp::new().await;
    let mut browser = signed_in(&app).await;
    for target in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
    ] {
        let body = json!({"password": PASSWORD, "next": target});
        let answer = browser.post(VERIFY, body).await;
        assert_eq!(answer.code(), "INVALID_REDIRECT", "{target}");
        let query: String = form_urlencoded::byte_serialize(target.as_bytes()).collect();
        let path = format!("{VERIFY}?next={query}");
        let answer = browser.post(&path, json!({"password": PASSWORD})).await;
        assert_eq!(answer.code(), "INVALID_REDIRECT", "{target}");
    }
    let body = json!({"password": PASSWORD, "next": "/settings"});
    let answer = browser.post(VERIFY, body).await;
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.contains_key("location"));
}
