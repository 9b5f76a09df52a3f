//! Basic authentication: a name and a password with each request (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use vestibule::Event;
use vestibule::admin;
use vestibule_store::{NewUser, PasswordChange, UserPatch};

use crate::support::{ANA, PASSWORD, TestApp};

const AUTHZ: &str = "/api/accounts/authz?methods=basic";
const VERIFY: &str = "/api/accounts/verify";

/// An application with every kind of account that basic authentication meets.
async fn accounts() -> TestApp {
    let app = TestApp::with(
        "SECURITY_API_ENABLED_METHODS = [\"basic\"]
SECURITY_CONFIRMABLE = true
SECURITY_POST_CONFIRM_VIEW = \"/c\"
SECURITY_CONFIRM_ERROR_VIEW = \"/e\"
SECURITY_TWO_FACTOR = true
SECURITY_USERNAME_ENABLE = true",
    )
    .await;
    let off = |draft| admin::NewAccount {
        active: false,
        ..draft
    };
    app.user("off@example.com", off).await;
    let unconfirmed = |draft| admin::NewAccount {
        confirmed: false,
        ..draft
    };
    app.user("new@example.com", unconfirmed).await;
    let named = |draft| admin::NewAccount {
        username: Some("mareike".to_owned()),
        ..draft
    };
    app.user("m@example.com", named).await;
    let user = app.user("more@example.com", |draft| draft).await;
    let second = UserPatch {
        tf_primary_method: Some(Some("authenticator".to_owned())),
        tf_totp_secret: Some(Some("secret".to_owned())),
        ..UserPatch::default()
    };
    let now = app.app().clock().now();
    let store = app.app().store();
    store.update_user(user.id, second, now).await.unwrap();
    let without = NewUser {
        email: "none@example.com".to_owned(),
        username: None,
        password: None,
        active: true,
        confirmed_at: Some(now),
        fs_uniquifier: "u".repeat(32),
        fs_token_uniquifier: "t".repeat(32),
        fs_webauthn_user_handle: "h".repeat(32),
        us_phone_number: None,
        us_totp_secrets: None,
        created_at: now,
    };
    store.create_user(without).await.unwrap();
    app
}

const REFUSED: [(&str, &str); 9] = [
    (ANA, "wrong"),
    (ANA, ""),
    (ANA, "battery staple "),
    ("no@example.com", PASSWORD),
    ("off@example.com", PASSWORD),
    ("new@example.com", PASSWORD),
    ("more@example.com", PASSWORD),
    ("none@example.com", PASSWORD),
    ("none@example.com", ""),
];

#[tokio::test]
async fn basic_authentication_lasts_one_request_and_creates_no_session() {
    let app = accounts().await;
    for name in [ANA, "ANA@Example.COM", "mareike", "Mareike"] {
        let mut basic = app.basic(name, PASSWORD);
        let answer = basic.get(AUTHZ).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        assert!(basic.cookies.is_empty(), "{:?}", basic.cookies);
    }
    assert!(!app.browser().is_signed_in().await);
    assert_eq!(
        app.stored(ANA).await.login_count,
        None,
        "basic authentication is not a sign-in"
    );
}

#[tokio::test]
async fn attack_enumeration_every_refusal_is_the_same() {
    let app = accounts().await;
    let mut answers = Vec::new();
    for (name, password) in REFUSED {
        for path in [AUTHZ, VERIFY] {
            let answer = app.basic(name, password).get(path).await;
            assert_eq!(answer.verdict(), (401, "UNAUTHENTICATED".into()), "{name}");
            assert_eq!(
                answer.headers["www-authenticate"],
                "Basic realm=\"Sign in\""
            );
            let mut headers = answer.headers.clone();
            headers.remove("x-request-id");
            headers.remove("cache-control");
            answers.push((format!("{headers:?}"), answer.text));
        }
    }
    assert!(
        answers.iter().all(|answer| *answer == answers[0]),
        "{answers:#?}"
    );
}

#[tokio::test]
async fn attack_enumeration_by_time_every_attempt_costs_one_hash() {
    let app = accounts().await;
    let checked = || app.app().passwords().checked();
    let mut attempts = REFUSED.to_vec();
    attempts.push((ANA, PASSWORD));
    attempts.push(("not an address", PASSWORD));
    attempts.push(("\u{0}", PASSWORD));
    for (name, password) in attempts {
        let before = checked();
        app.basic(name, password).get(AUTHZ).await;
        assert_eq!(checked() - before, 1, "{name:?}");
    }
}

#[tokio::test]
async fn attack_second_factor_skipped_a_password_alone_is_refused_everywhere() {
    let app = accounts().await;
    let name = "more@example.com";
    let mut browser = app.browser();
    let body = json!({"email": name, "password": PASSWORD, "remember": true});
    let path = "/api/accounts/login?include_auth_token";
    let answer = browser.post(path, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response()["tf_required"], true);
    assert!(
        !answer.text.contains("authentication_token\""),
        "{answer:?}"
    );
    assert!(!browser.cookies.contains_key("remember_token"));
    for path in [AUTHZ, VERIFY] {
        let mut basic = app.basic(name, PASSWORD);
        basic.cookies = browser.cookies.clone();
        let answer = basic.get(path).await;
        assert_eq!(answer.verdict(), (401, "UNAUTHENTICATED".into()));
    }
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn no_password_is_hashed_if_basic_authentication_is_not_accepted() {
    let app = TestApp::new().await;
    for path in ["/api/accounts/authz", VERIFY, "/api/accounts/login"] {
        let mut basic = app.basic(ANA, PASSWORD);
        let answer = basic.get(path).await;
        assert!(!answer.headers.contains_key("www-authenticate"), "{path}");
        assert!(!answer.headers.contains_key("x-auth-user"), "{path}");
    }
    assert_eq!(app.app().passwords().checked(), 0);
}

#[tokio::test]
async fn attack_crash_by_odd_input_malformed_authorization_headers_are_unauthenticated() {
    let app = accounts().await;
    let encode = |bytes: &[u8]| STANDARD.encode(bytes);
    let right = encode(format!("{ANA}:{PASSWORD}").as_bytes());
    for value in [
        String::new(),
        "Basic".into(),
        "Basic ".into(),
        "Basic  ".into(),
        format!("Basic{right}"),
        format!("Basic={right}"),
        format!("Bearer {right}"),
        format!("Digest {right}"),
        format!("Basic {right}, Basic {right}"),
        format!("Basic {right}="),
        format!("Basic {}", &right[1..]),
        "Basic !!!!".into(),
        format!("Basic {}", encode(b":")),
        format!("Basic {}", encode(b"::")),
        format!("Basic {}", encode(format!(":{PASSWORD}").as_bytes())),
        format!("Basic {}", encode(ANA.as_bytes())),
        format!("Basic {}", encode(b"\xff\xfe:\xff")),
        format!("Basic {}", encode(&[0; 64])),
        format!(
            "Basic {}",
            encode(format!("{ANA}:{}", "x".repeat(20_000)).as_bytes())
        ),
        "\u{e9}".into(),
    ] {
        let mut browser = app.browser();
        let header = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
        browser.headers.insert("authorization", header);
        let answer = browser.get(AUTHZ).await;
        assert_eq!(answer.verdict(), (401, "UNAUTHENTICATED".into()), "{value}");
    }
}

#[tokio::test]
async fn a_password_may_contain_colons_spaces_and_any_unicode() {
    let app = accounts().await;
    let user = app.stored(ANA).await;
    for password in [
        "::with:colons::",
        "p\u{e4}ssw\u{f6}rt \u{1f511}",
        "  around  ",
    ] {
        admin::change_password(app.app(), &user, password)
            .await
            .unwrap();
        assert_eq!(
            app.basic(ANA, password).get(AUTHZ).await.status,
            200,
            "{password}"
        );
        // Composed and decomposed forms are the same password.
        let decomposed = password.replace('\u{e4}', "a\u{308}");
        assert_eq!(app.basic(ANA, &decomposed).get(AUTHZ).await.status, 200);
    }
}

#[tokio::test]
async fn the_realm_is_the_configured_one() {
    let app = TestApp::with("SECURITY_DEFAULT_HTTP_AUTH_REALM = \"The vault (1)\"").await;
    let answer = app.browser().get(AUTHZ).await;
    assert_eq!(
        answer.headers["www-authenticate"],
        "Basic realm=\"The vault (1)\""
    );
}

#[tokio::test]
async fn an_outdated_hash_is_replaced_once() {
    let app = accounts().await;
    let user = app.stored(ANA).await;
    let other = TestApp::with(
        "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = { argon2__memory_cost = 32, argon2__time_cost = 2, argon2__parallelism = 1 }",
    )
    .await;
    let old = other.stored(ANA).await.password.unwrap();
    let patch = UserPatch {
        password: Some(PasswordChange::Set(old.clone())),
        ..UserPatch::default()
    };
    let now = app.app().clock().now();
    app.app()
        .store()
        .update_user(user.id, patch, now)
        .await
        .unwrap();
    assert_eq!(app.basic(ANA, "wrong").get(AUTHZ).await.status, 401);
    assert_eq!(app.stored(ANA).await.password.unwrap(), old);
    assert_eq!(app.basic(ANA, PASSWORD).get(AUTHZ).await.status, 200);
    let upgraded = app.stored(ANA).await.password.unwrap();
    assert_ne!(upgraded, old);
    assert_eq!(app.stored(ANA).await.fs_uniquifier, user.fs_uniquifier);
    assert_eq!(app.basic(ANA, PASSWORD).get(AUTHZ).await.status, 200);
    assert_eq!(app.stored(ANA).await.password.unwrap(), upgraded);
    // The hash of a user who is refused is not replaced.
    let off = app.stored("off@example.com").await;
    let patch = UserPatch {
        password: Some(PasswordChange::Set(old.clone())),
        ..UserPatch::default()
    };
    app.app()
        .store()
        .update_user(off.id, patch, now)
        .await
        .unwrap();
    assert_eq!(
        app.basic("off@example.com", PASSWORD)
            .get(AUTHZ)
            .await
            .status,
        401
    );
    assert_eq!(app.stored("off@example.com").await.password.unwrap(), old);
}

#[tokio::test]
async fn attack_brute_force_a_wrong_password_emits_an_event_at_every_endpoint() {
    let app = accounts().await;
    let failed = |user_id| Event::SignInFailed {
        user_id,
        via: "password",
    };
    let ana = Some(app.stored(ANA).await.id);
    app.browser().sign_in(ANA, "wrong").await;
    assert_eq!(app.take_events(), [failed(ana)], "at /login");
    app.basic(ANA, "wrong").get(AUTHZ).await;
    assert_eq!(app.take_events(), [failed(ana)], "basic authentication");
    app.basic("no@example.com", "wrong").get(AUTHZ).await;
    assert_eq!(app.take_events(), [failed(None)], "an unknown account");
    app.browser().sign_in("no@example.com", "wrong").await;
    assert_eq!(app.take_events(), [failed(None)], "an unknown account");
}

#[tokio::test]
async fn attack_csrf_basic_authentication_needs_a_csrf_token() {
    let app = accounts().await;
    let mut basic = app.basic(ANA, PASSWORD);
    let answer = basic.post(VERIFY, json!({"password": PASSWORD})).await;
    assert_eq!(answer.verdict(), (400, "CSRF_TOKEN_MISSING".into()));
    let csrf = basic.get(VERIFY).await.csrf_token();
    let mut basic = basic.header("x-xsrf-token", &csrf);
    let answer = basic.post(VERIFY, json!({"password": PASSWORD})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    basic.headers.clear();
    assert!(!basic.is_signed_in().await, "no session was created");
}
