//! Auth tokens: how clients request and send them, and when they expire.

use serde_json::{Value, json};
use time::OffsetDateTime;
use vestibule_formats::auth_token::{AuthToken, AuthTokenCodec};
use vestibule_formats::purpose::Purpose;
use vestibule_formats::sign::{KeyRing, encode_payload};

use crate::support::callers::{SECRET_KEY, TOKEN_HEADER, text};
use crate::support::{ANA, PASSWORD, TestApp};

const LOGIN: &str = "/api/accounts/login";
const AUTHZ: &str = "/api/accounts/authz";

#[tokio::test]
async fn a_token_is_returned_only_on_request() {
    let app = TestApp::new().await;
    let body = json!({"email": ANA, "password": PASSWORD});
    for (path, handed_out) in [
        (LOGIN.to_owned(), false),
        (format!("{LOGIN}?include_auth_token"), true),
        (format!("{LOGIN}?include_auth_token="), true),
        (format!("{LOGIN}?include_auth_token=false"), true),
        (format!("{LOGIN}?INCLUDE_AUTH_TOKEN"), false),
    ] {
        let answer = app.browser().post(&path, body.clone()).await;
        let user = &answer.response()["user"];
        assert_eq!(
            user.get("authentication_token").is_some(),
            handed_out,
            "{path}"
        );
        assert!(user.get("refresh_token").is_none(), "{path}");
    }
    let app = TestApp::with("SECURITY_BACKWARDS_COMPAT_AUTH_TOKEN = true").await;
    let answer = app.browser().post(LOGIN, body).await;
    text(&answer.response()["user"]["authentication_token"]);
}

#[tokio::test]
async fn a_refused_sign_in_returns_no_token() {
    let app = TestApp::with("SECURITY_REFRESH_TOKEN = true").await;
    let body = json!({"email": ANA, "password": "wrong"});
    let path = format!("{LOGIN}?include_auth_token");
    let answer = app.browser().post(&path, body).await;
    assert_eq!(answer.verdict(), (400, "INVALID_PASSWORD".into()));
    assert!(!answer.text.contains("_token"), "{answer:?}");
    assert!(answer.set_cookie("fs_refresh").is_none());
}

#[tokio::test]
async fn a_token_in_the_body_precedes_the_query_and_the_query_the_header() {
    let app = TestApp::new().await;
    app.user("bo@example.com", |draft| draft).await;
    app.user("cy@example.com", |draft| draft).await;
    let ana = app.auth_token(ANA).await;
    let bo = app.auth_token("bo@example.com").await;
    let cy = app.auth_token("cy@example.com").await;
    let in_body = |token: &str| json!({"auth_token": token}).to_string().into_bytes();
    let in_query = |token: &str| format!("{AUTHZ}?auth_token={token}");
    for (header, query, body, named) in [
        (Some(&ana), None, None, ANA),
        (None, Some(&bo), None, "bo@example.com"),
        (None, None, Some(&cy), "cy@example.com"),
        (Some(&ana), Some(&bo), None, "bo@example.com"),
        (Some(&ana), None, Some(&cy), "cy@example.com"),
        (Some(&ana), Some(&bo), Some(&cy), "cy@example.com"),
    ] {
        let mut browser = app.browser();
        if let Some(token) = header {
            browser = browser.header(TOKEN_HEADER, token);
        }
        let path = query.map_or_else(|| AUTHZ.to_owned(), |token| in_query(token));
        let answer = match body {
            Some(token) => {
                let json = Some("application/json");
                browser
                    .send(http::Method::GET, &path, json, in_body(token))
                    .await
            }
            None => browser.get(&path).await,
        };
        assert_eq!(answer.named(), Some(named), "{answer:?}");
    }
}

#[tokio::test]
async fn a_token_expires_at_its_max_age_to_the_second() {
    let app = TestApp::with("SECURITY_TOKEN_MAX_AGE = \"1 hours\"").await;
    let mut bearer = app.bearer(&app.auth_token(ANA).await);
    app.wait(3600);
    assert_eq!(bearer.get(AUTHZ).await.named(), Some(ANA));
    app.wait(1);
    assert_eq!(
        bearer.get(AUTHZ).await.verdict(),
        (401, "UNAUTHENTICATED".into())
    );
}

#[tokio::test]
async fn attack_tampering_a_token_with_any_byte_changed_removed_or_added_is_refused() {
    let app = TestApp::new().await;
    let token = app.auth_token(ANA).await;
    assert_eq!(app.bearer(&token).get(AUTHZ).await.named(), Some(ANA));
    let mut forged = Vec::new();
    for at in 0..token.len() {
        let (before, after) = token.split_at(at);
        let other = if after.starts_with('A') { 'Q' } else { 'A' };
        forged.push(format!("{before}{other}{}", &after[1..]));
        forged.push(format!("{before}{}", &after[1..]));
        forged.push(format!("{before}A{after}"));
    }
    for odd in ["", ".", "..", "...", "e30.e30.e30"] {
        forged.push(odd.to_owned());
    }
    for forged in forged.into_iter().filter(|forged| *forged != token) {
        let answer = app.bearer(&forged).get(AUTHZ).await;
        assert_eq!(
            answer.verdict(),
            (401, "UNAUTHENTICATED".into()),
            "{forged}"
        );
    }
}

#[tokio::test]
async fn a_token_from_more_than_a_minute_ahead_is_refused() {
    let app = TestApp::new().await;
    app.wait(61);
    let token = app.auth_token(ANA).await;
    app.wait(-60);
    assert_eq!(app.bearer(&token).get(AUTHZ).await.named(), Some(ANA));
    app.wait(-1);
    let answer = app.bearer(&token).get(AUTHZ).await;
    assert_eq!(answer.verdict(), (401, "UNAUTHENTICATED".into()));
}

#[tokio::test]
async fn a_token_expires_at_the_configured_timestamp() {
    let end = 1_800_000_000 + 100;
    let lines = format!("SECURITY_TOKEN_EXPIRE_TIMESTAMP = {end}");
    let app = TestApp::with(&lines).await;
    let mut bearer = app.bearer(&app.auth_token(ANA).await);
    app.wait(100);
    assert_eq!(bearer.get(AUTHZ).await.named(), Some(ANA));
    app.wait(1);
    assert_eq!(bearer.get(AUTHZ).await.status, 401);
    // A new token has expired already, but the sign-in succeeds.
    let mut late = app.bearer(&app.auth_token(ANA).await);
    assert_eq!(late.get(AUTHZ).await.status, 401);
    // The timestamp does not extend the token's maximum age.
    let lines = format!("SECURITY_TOKEN_EXPIRE_TIMESTAMP = {}", end + 1_000_000);
    let app = TestApp::with(&lines).await;
    let mut bearer = app.bearer(&app.auth_token(ANA).await);
    app.wait(15 * 60 + 1);
    assert_eq!(bearer.get(AUTHZ).await.status, 401);
}

#[tokio::test]
async fn an_application_sets_the_expiry_of_each_users_tokens() {
    let app = TestApp::built("SECURITY_TOKEN_EXPIRE_TIMESTAMP = 1", |builder| {
        builder.token_end(|user| {
            let end = if user.email.as_deref() == Some(ANA) {
                60
            } else {
                120
            };
            Some(OffsetDateTime::from_unix_timestamp(1_800_000_000 + end).unwrap())
        })
    })
    .await;
    app.user("bo@example.com", |draft| draft).await;
    let mut ana = app.bearer(&app.auth_token(ANA).await);
    let mut bo = app.bearer(&app.auth_token("bo@example.com").await);
    app.wait(60);
    assert_eq!(ana.get(AUTHZ).await.status, 200);
    app.wait(1);
    assert_eq!(ana.get(AUTHZ).await.status, 401);
    assert_eq!(bo.get(AUTHZ).await.status, 200);
}

#[tokio::test]
async fn attack_fail_open_an_expiry_in_the_past_is_respected() {
    for seconds in [-1, 0, 1, 1_799_999_999] {
        let end = OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let app = TestApp::built("", |builder| builder.token_end(move |_| Some(end))).await;
        let mut bearer = app.bearer(&app.auth_token(ANA).await);
        assert_eq!(bearer.get(AUTHZ).await.status, 401, "{seconds}");
    }
}

fn codec(secret: &str) -> AuthTokenCodec {
    AuthTokenCodec::new(&KeyRing::new(secret, []), Some("remember-salt"))
}

#[tokio::test]
async fn attack_key_confusion_only_a_token_signed_with_our_key_is_accepted() {
    let app =
        TestApp::with("SECRET_KEY_FALLBACKS = [\"the key before this one, long enough\"]").await;
    let user = app.stored(ANA).await;
    let token = AuthToken {
        uniquifier: user.fs_token_uniquifier.unwrap(),
        authenticated_at: Some(1_800_000_000.0),
        expires_at: None,
    };
    for (secret, status) in [
        (SECRET_KEY, 200),
        ("the key before this one, long enough", 200),
        ("a secret key for tests, long enougH", 401),
        ("another server's key, long enough too", 401),
        // The salts, the password salt, and an empty key.
        ("remember-salt", 401),
        ("146585145368132386173505678016728509634", 401),
        ("", 401),
    ] {
        let forged = codec(secret).seal(&token, 1_800_000_000);
        assert_eq!(
            app.bearer(&forged).get(AUTHZ).await.status,
            status,
            "{secret:?}"
        );
    }
}

#[tokio::test]
async fn attack_wrong_purpose_a_payload_signed_for_another_purpose_is_no_auth_token() {
    let app = TestApp::new().await;
    let user = app.stored(ANA).await;
    let now = 1_800_000_000;
    // The session's uniquifier is refused in a token if tokens have their own.
    let of_tokens = user.fs_token_uniquifier.unwrap();
    let ring = KeyRing::new(SECRET_KEY, []);
    for uniquifier in [&user.fs_uniquifier, &of_tokens] {
        // Every payload format that the reference has used for auth tokens.
        for payload in [
            json!({"ver": "5", "uid": uniquifier, "fs_paa": 1.8e9, "exp": 0}),
            json!([uniquifier]),
            json!(["1", "2", uniquifier]),
        ] {
            let payload = encode_payload(&serde_json::to_vec(&payload).unwrap());
            for purpose in Purpose::ALL {
                let timed = purpose.timed_signer(&ring, None).sign(&payload, now);
                let expected = if purpose == Purpose::AuthToken && *uniquifier == of_tokens {
                    200
                } else {
                    401
                };
                let answer = app.bearer(&timed).get(AUTHZ).await;
                assert_eq!(answer.status, expected, "{purpose:?} {payload}");
                let untimed = purpose.signer(&ring, None).sign(&payload);
                let answer = app.bearer(&untimed).get(AUTHZ).await;
                assert_eq!(answer.status, 401, "{purpose:?} {payload}");
            }
        }
    }
}

#[tokio::test]
async fn attack_wrong_purpose_every_issued_secret_is_refused_for_other_purposes() {
    let app =
        TestApp::with("SECURITY_REFRESH_TOKEN = true\nSECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"")
            .await;
    let mut browser = app.browser();
    let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
    let answer = browser
        .post(&format!("{LOGIN}?include_auth_token"), body)
        .await;
    let user = &answer.response()["user"];
    let handed_out = [
        ("auth", text(&user["authentication_token"])),
        ("refresh", text(&user["refresh_token"])),
        ("csrf", answer.csrf_token()),
        ("session", browser.cookies["session"].clone()),
        ("remember", browser.cookies["remember_token"].clone()),
    ];
    for (kind, secret) in &handed_out {
        if *kind != "auth" {
            let answer = app.bearer(secret).get(AUTHZ).await;
            assert_eq!(answer.status, 401, "{kind} as an auth token");
        }
        if *kind != "refresh" {
            let body = json!({"refresh_token": secret});
            let answer = app
                .browser()
                .post("/api/accounts/refresh-token", body)
                .await;
            assert_eq!(answer.code(), "REFRESH_TOKEN_INVALID", "{kind}");
        }
        for (cookie, own) in [("session", "session"), ("remember_token", "remember")] {
            if *kind != own {
                let mut other = app.browser();
                other.cookies.insert(cookie.into(), secret.clone());
                assert!(!other.is_signed_in().await, "{kind} as {cookie}");
            }
        }
        if *kind != "csrf" {
            let mut other = browser.clone().header("x-xsrf-token", secret);
            let answer = other.sign_in(ANA, PASSWORD).await;
            assert_eq!(answer.code(), "CSRF_TOKEN_INVALID", "{kind}");
        }
    }
    // None of the secrets was consumed.
    let body = json!({"refresh_token": handed_out[1].1});
    let answer = app
        .browser()
        .post("/api/accounts/refresh-token", body)
        .await;
    assert_eq!(answer.status, 200);
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn tokens_of_older_versions_are_accepted_but_never_fresh() {
    let app = TestApp::new().await;
    let user = app.stored(ANA).await;
    let ring = KeyRing::new(SECRET_KEY, []);
    let signer = Purpose::AuthToken.timed_signer(&ring, None);
    let seal = |payload: &Value| {
        let payload = encode_payload(&serde_json::to_vec(payload).unwrap());
        signer.sign(&payload, 1_800_000_000)
    };
    let uniquifier = user.fs_token_uniquifier.unwrap();
    for payload in [
        json!([uniquifier]),
        json!(["1", "password hash", uniquifier]),
        json!({"ver": "5", "uid": uniquifier, "exp": 0}),
        json!({"ver": "5", "uid": uniquifier, "fs_paa": null, "exp": 0}),
        json!({"ver": "5", "uid": uniquifier, "fs_paa": "1800000000", "exp": 0}),
    ] {
        let mut bearer = app.bearer(&seal(&payload));
        assert_eq!(bearer.get(AUTHZ).await.status, 200, "{payload}");
        let answer = bearer.get(&format!("{AUTHZ}?within=4294967295")).await;
        assert_eq!(answer.code(), "REAUTHENTICATION_REQUIRED", "{payload}");
    }
    for payload in [
        json!(uniquifier),
        json!([]),
        json!([[uniquifier]]),
        json!([uniquifier, uniquifier]),
        json!([1]),
        json!([null]),
        json!({"uid": uniquifier, "exp": 0}),
        json!({"ver": "5", "uid": uniquifier}),
        json!({"ver": "5", "uid": uniquifier, "exp": "0"}),
        json!({"ver": "5", "uid": uniquifier, "exp": 1e300}),
        json!({"ver": "5", "uid": [uniquifier], "exp": 0}),
        json!({"ver": "5", "uid": "", "exp": 0}),
        json!({"ver": "5", "uid": null, "exp": 0}),
        json!({"ver": "5", "uid": true, "exp": 0}),
        json!(null),
        json!(7),
    ] {
        let answer = app.bearer(&seal(&payload)).get(AUTHZ).await;
        assert_eq!(
            answer.verdict(),
            (401, "UNAUTHENTICATED".into()),
            "{payload}"
        );
    }
}

#[tokio::test]
async fn the_header_and_the_parameter_have_the_configured_names() {
    let app = TestApp::with(
        "SECURITY_TOKEN_AUTHENTICATION_HEADER = \"X-Key\"\nSECURITY_TOKEN_AUTHENTICATION_KEY = \"key\"",
    )
    .await;
    let token = app.auth_token(ANA).await;
    assert_eq!(app.bearer(&token).get(AUTHZ).await.status, 401);
    let mut browser = app.browser().header("x-key", &token);
    assert_eq!(browser.get(AUTHZ).await.status, 200);
    let mut browser = app.browser();
    assert_eq!(
        browser.get(&format!("{AUTHZ}?key={token}")).await.status,
        200
    );
    let answer = browser.get(&format!("{AUTHZ}?auth_token={token}")).await;
    assert_eq!(
        answer.status, 400,
        "the default parameter name is unknown here"
    );
    // A scheme, a trailing space or another case makes the token invalid.
    for value in [
        format!("Bearer {token}"),
        format!("{token} "),
        token.to_uppercase(),
    ] {
        let mut browser = app.browser().header("x-key", &value);
        assert_eq!(browser.get(AUTHZ).await.status, 401, "{value}");
    }
}
