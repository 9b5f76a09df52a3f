//! Signing in with a password: `/login`.

use http::Method;
use serde_json::{Value, json};
use vestibule::Event;

use crate::support::{ANA, PASSWORD, TestApp};

const LOGIN: &str = "/api/accounts/login";

#[tokio::test]
async fn an_anonymous_client_gets_a_csrf_token_and_the_identity_attributes() {
    let app = TestApp::new().await;
    let answer = app.browser().get(LOGIN).await;
    assert_eq!(answer.status, 200);
    let response = answer.response();
    assert_eq!(response["identity_attributes"], json!(["email"]));
    assert!(response.get("user").is_none());
    assert!(
        answer
            .set_cookie("XSRF-TOKEN")
            .unwrap()
            .contains(&answer.csrf_token())
    );
    assert!(answer.set_cookie("session").unwrap().contains("HttpOnly"));
    assert_eq!(answer.headers["vary"], "Cookie");
}

#[tokio::test]
async fn the_right_password_signs_in() {
    let app = TestApp::new().await;
    let mut browser = app.browser();
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.status, 200);
    let response = answer.response();
    assert_eq!(response["tf_required"], false);
    assert_eq!(response["user"], json!({}));
    assert!(answer.set_cookie("remember_token").is_none());
    assert!(browser.is_signed_in().await);
    let signed_in = Event::SignedIn {
        user_id: app.stored(ANA).await.id,
        via: &["password"],
    };
    assert_eq!(app.take_events(), [signed_in]);
}

#[tokio::test]
async fn a_sign_in_is_tracked_and_a_refusal_is_not() {
    let app = TestApp::new().await;
    let untouched = app.stored(ANA).await;
    app.browser().sign_in(ANA, "wrong").await;
    assert_eq!(app.stored(ANA).await.login_count, untouched.login_count);
    app.browser().sign_in(ANA, PASSWORD).await;
    app.wait(60);
    app.browser()
        .header("x-forwarded-for", "1.2.3.4")
        .sign_in(ANA, PASSWORD)
        .await;
    let user = app.stored(ANA).await;
    assert_eq!(user.login_count, Some(2));
    assert_eq!(
        user.current_login_at.unwrap() - user.last_login_at.unwrap(),
        time::Duration::minutes(1)
    );
    assert_eq!(user.last_login_ip.as_deref(), Some("127.0.0.1"));
}

#[tokio::test]
async fn refusals_name_the_field_and_the_code() {
    let app = TestApp::new().await;
    app.user("off@example.com", |draft| vestibule::admin::NewAccount {
        active: false,
        ..draft
    })
    .await;
    for (body, field, code) in [
        (
            json!({"email": ANA, "password": "wrong"}),
            "password",
            "INVALID_PASSWORD",
        ),
        (
            json!({"email": "no@example.com", "password": "x"}),
            "email",
            "USER_DOES_NOT_EXIST",
        ),
        (
            json!({"email": "off@example.com", "password": PASSWORD}),
            "email",
            "DISABLED_ACCOUNT",
        ),
        (
            json!({"email": "off@example.com", "password": "wrong"}),
            "password",
            "INVALID_PASSWORD",
        ),
        (json!({"email": ANA}), "password", "PASSWORD_NOT_PROVIDED"),
        (
            json!({"email": ANA, "password": null}),
            "password",
            "PASSWORD_NOT_PROVIDED",
        ),
        (json!({"password": "x"}), "email", "EMAIL_NOT_PROVIDED"),
        (
            json!({"email": "no address", "password": "x"}),
            "email",
            "INVALID_EMAIL_ADDRESS",
        ),
        (json!({"email": 7, "password": "x"}), "email", "API_ERROR"),
        (
            json!({"email": [ANA], "password": PASSWORD}),
            "email",
            "API_ERROR",
        ),
        (
            json!({"email": ANA, "password": {"a": 1}}),
            "password",
            "API_ERROR",
        ),
        (
            json!({"email": ANA, "password": PASSWORD, "remember": []}),
            "remember",
            "API_ERROR",
        ),
        (
            json!({"email": ANA, "password": PASSWORD, "next": 1}),
            "next",
            "API_ERROR",
        ),
        (
            json!({"email": ANA, "password": PASSWORD, "next": "//evil.example"}),
            "next",
            "INVALID_REDIRECT",
        ),
    ] {
        let mut browser = app.browser();
        let answer = browser.post(LOGIN, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
        let response = answer.response();
        assert_eq!(answer.code(), code, "{body}");
        assert_eq!(
            response["field_error_codes"],
            json!({field: [code]}),
            "{body}"
        );
        assert_eq!(
            response["field_errors"][field].as_array().unwrap().len(),
            1,
            "{body}"
        );
        assert!(!browser.is_signed_in().await, "{body}");
    }
}

#[tokio::test]
async fn every_missing_field_is_named_in_the_order_of_the_form() {
    let app = TestApp::new().await;
    let response = app.browser().post(LOGIN, json!({})).await.response();
    assert_eq!(
        response["error_codes"],
        json!(["PASSWORD_NOT_PROVIDED", "EMAIL_NOT_PROVIDED"])
    );
}

#[tokio::test]
async fn an_address_is_found_in_any_case() {
    let app = TestApp::new().await;
    assert_eq!(
        app.browser()
            .sign_in("ANA@Example.COM", PASSWORD)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn forms_are_read_and_answered_in_json() {
    let app = TestApp::new().await;
    let body = b"email=ana%40example.com&password=battery+staple&remember=on".to_vec();
    let form = Some("application/x-www-form-urlencoded");
    let answer = app.browser().send(Method::POST, LOGIN, form, body).await;
    assert_eq!(answer.status, 200);
    assert!(answer.set_cookie("remember_token").is_some());
}

#[tokio::test]
async fn a_signed_in_user_cannot_sign_in_again() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    let token = browser.get(LOGIN).await.csrf_token();
    let answer = browser
        .header("x-xsrf-token", &token)
        .sign_in(ANA, PASSWORD)
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.code().as_str()),
        (400, "ANONYMOUS_USER_REQUIRED")
    );
}

#[tokio::test]
async fn only_a_true_value_sets_the_remember_cookie() {
    let app = TestApp::new().await;
    for (value, remembered) in [
        (json!(true), true),
        (json!("on"), true),
        (json!(false), false),
        (json!("false"), false),
        (Value::Null, false),
    ] {
        let body = json!({"email": ANA, "password": PASSWORD, "remember": value});
        let answer = app.browser().post(LOGIN, body).await;
        assert_eq!(
            answer.set_cookie("remember_token").is_some(),
            remembered,
            "{value}"
        );
    }
}

#[tokio::test]
async fn the_default_for_remember_applies_to_json() {
    let app = TestApp::with("SECURITY_DEFAULT_REMEMBER_ME = true").await;
    let mut browser = app.browser();
    assert!(
        browser
            .sign_in(ANA, PASSWORD)
            .await
            .set_cookie("remember_token")
            .is_some()
    );
    let body = json!({"email": ANA, "password": PASSWORD, "remember": false});
    assert!(
        app.browser()
            .post(LOGIN, body)
            .await
            .set_cookie("remember_token")
            .is_none()
    );
}

#[tokio::test]
async fn an_unconfirmed_user_is_told_only_after_the_right_password() {
    let app = TestApp::with("SECURITY_CONFIRMABLE = true\nSECURITY_POST_CONFIRM_VIEW = \"/c\"\nSECURITY_CONFIRM_ERROR_VIEW = \"/e\"").await;
    app.user("new@example.com", |draft| vestibule::admin::NewAccount {
        confirmed: false,
        ..draft
    })
    .await;
    let answer = app.browser().sign_in("new@example.com", PASSWORD).await;
    assert_eq!(answer.code(), "CONFIRMATION_REQUIRED");
    let answer = app.browser().sign_in("new@example.com", "wrong").await;
    assert_eq!(answer.code(), "INVALID_PASSWORD");
}

#[tokio::test]
async fn a_username_signs_in_if_usernames_are_enabled() {
    let app = TestApp::with("SECURITY_USERNAME_ENABLE = true").await;
    let named = |draft| vestibule::admin::NewAccount {
        username: Some("mareike".into()),
        ..draft
    };
    app.user("m@example.com", named).await;
    let mut browser = app.browser();
    assert_eq!(
        browser.get(LOGIN).await.response()["identity_attributes"],
        json!(["email", "username"])
    );
    let answer = browser
        .post(LOGIN, json!({"username": "Mareike", "password": PASSWORD}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = app
        .browser()
        .post(LOGIN, json!({"password": PASSWORD}))
        .await;
    assert_eq!(
        answer.response()["field_error_codes"],
        json!({"": ["USER_DOES_NOT_EXIST"]})
    );
}

#[tokio::test]
async fn attack_enumeration_by_answer_generic_responses_are_identical() {
    let app = TestApp::with("SECURITY_RETURN_GENERIC_RESPONSES = true").await;
    app.user("off@example.com", |draft| vestibule::admin::NewAccount {
        active: false,
        ..draft
    })
    .await;
    let mut bodies = Vec::new();
    for (email, password) in [
        (ANA, "wrong"),
        ("no@example.com", "wrong"),
        ("off@example.com", "wrong"),
        ("off@example.com", PASSWORD),
    ] {
        let answer = app.browser().sign_in(email, password).await;
        assert_eq!(answer.code(), "GENERIC_AUTHN_FAILED");
        let mut headers = answer.headers.clone();
        headers.remove("x-request-id");
        bodies.push((answer.status, format!("{headers:?}"), answer.text));
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:#?}");
}

#[tokio::test]
async fn attack_second_factor_skipped_a_user_with_a_second_factor_is_not_signed_in_by_password() {
    let app = TestApp::with("SECURITY_TWO_FACTOR = true").await;
    let user = app.stored(ANA).await;
    let patch = vestibule_store::UserPatch {
        tf_primary_method: Some(Some("authenticator".to_owned())),
        tf_totp_secret: Some(Some("secret".to_owned())),
        ..Default::default()
    };
    app.app()
        .store()
        .update_user(user.id, patch, app.app().clock().now())
        .await
        .unwrap();
    let mut browser = app.browser();
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.response()["tf_required"], true);
    assert!(!browser.is_signed_in().await);
}
