//! Unified sign-in: `/us-signin`, `/us-verify-link`, `/us-verify` and the codes for them.

use http::Method;
use serde_json::{Value, json};
use vestibule::Event;
use vestibule::admin::{self, NewAccount};

use crate::support::callers::text;
use crate::support::mails::destination;
use crate::support::unified::{PHONE, SEND, SIGN_IN, VERIFY, VERIFY_SEND, app};
use crate::support::{ANA, PASSWORD};

fn pair(field: &str, code: &str) -> (String, String) {
    (field.to_owned(), code.to_owned())
}

#[tokio::test]
async fn the_methods_are_listed_for_anonymous_and_signed_in_clients() {
    let app = app("").await;
    let mut browser = app.browser();
    let answer = browser.get(SIGN_IN).await;
    assert!(answer.set_cookie("XSRF-TOKEN").is_some());
    let mut response = answer.response();
    text(
        &response
            .as_object_mut()
            .unwrap()
            .remove("csrf_token")
            .unwrap(),
    );
    let methods = json!({
        "available_methods": ["password", "email", "authenticator", "sms"],
        "code_methods": ["email", "sms"],
        "identity_attributes": ["email", "us_phone_number", "username"],
    });
    assert_eq!(response, methods);
    let mut browser = app.with_session().await;
    let answer = browser.get(SIGN_IN).await;
    assert_eq!(answer.response()["user"], json!({}));
    let answer = browser.unified(ANA, PASSWORD).await;
    assert_eq!(answer.verdict(), (400, "ANONYMOUS_USER_REQUIRED".into()));
    let answer = browser.send_code(ANA, "email").await;
    assert_eq!(answer.verdict(), (400, "ANONYMOUS_USER_REQUIRED".into()));
}

#[tokio::test]
async fn a_password_or_a_code_of_any_method_signs_in() {
    let app = app("").await;
    let user = app.has(ANA, &["email", "authenticator", "sms"]).await;
    let number: u64 = app.now("sms").parse().unwrap();
    let spaced = app.now("email");
    let spaced = format!("{} {}", &spaced[..3], &spaced[3..]);
    for (identity, passcode, via) in [
        (ANA, json!(PASSWORD), "password"),
        (ANA, json!(app.now("authenticator")), "authenticator"),
        (PHONE, json!(number), "sms"),
        ("020 7946 0958", json!(spaced), "email"),
    ] {
        app.take_events();
        let mut browser = app.browser();
        let answer = browser.unified(identity, passcode).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.members(), ["csrf_token", "tf_required", "user"]);
        assert_eq!(answer.response()["tf_required"], false);
        assert!(browser.is_authorised().await);
        let events = app.take_events();
        let signed_in = Event::SignedIn {
            user_id: user.id,
            via: &[via],
        };
        assert_eq!(events, [signed_in]);
    }
    let body = json!({"identity": ANA, "passcode": PASSWORD, "remember": true});
    let path = format!("{SIGN_IN}?include_auth_token");
    let answer = app.browser().post(&path, body).await;
    assert!(answer.set_cookie("remember_token").is_some());
    text(&answer.response()["user"]["authentication_token"]);
}

#[tokio::test]
async fn errors_name_the_field() {
    let app = app("").await;
    app.has(ANA, &["email"]).await;
    let unconfirmed = |draft| NewAccount {
        confirmed: false,
        ..draft
    };
    app.user("new@example.com", unconfirmed).await;
    let inactive = |draft| NewAccount {
        active: false,
        ..draft
    };
    app.user("off@example.com", inactive).await;
    let body =
        |identity: &str, passcode: Value| json!({"identity": identity, "passcode": passcode});
    for (body, field, code) in [
        (json!({"passcode": "x"}), "identity", "US_SPECIFY_IDENTITY"),
        (body(" ", json!("x")), "identity", "US_SPECIFY_IDENTITY"),
        (
            body("no@example.com", json!("x")),
            "identity",
            "US_SPECIFY_IDENTITY",
        ),
        (
            body("no@example.com", json!(null)),
            "identity",
            "US_SPECIFY_IDENTITY",
        ),
        (
            body(&"x".repeat(2000), json!("x")),
            "identity",
            "US_SPECIFY_IDENTITY",
        ),
        (
            json!({"identity": 7, "passcode": "x"}),
            "identity",
            "API_ERROR",
        ),
        (
            body("off@example.com", json!(PASSWORD)),
            "identity",
            "DISABLED_ACCOUNT",
        ),
        (
            body("off@example.com", json!("wrong")),
            "identity",
            "DISABLED_ACCOUNT",
        ),
        (
            body("new@example.com", json!("wrong")),
            "passcode",
            "INVALID_PASSWORD_CODE",
        ),
        (
            body("new@example.com", json!(PASSWORD)),
            "identity",
            "CONFIRMATION_REQUIRED",
        ),
        (
            json!({"identity": ANA}),
            "passcode",
            "INVALID_PASSWORD_CODE",
        ),
        (body(ANA, json!("")), "passcode", "INVALID_PASSWORD_CODE"),
        (
            body(ANA, json!("wrong")),
            "passcode",
            "INVALID_PASSWORD_CODE",
        ),
        (
            body(ANA, json!("000000")),
            "passcode",
            "INVALID_PASSWORD_CODE",
        ),
        (body(ANA, json!([PASSWORD])), "passcode", "API_ERROR"),
        (body(ANA, json!(true)), "passcode", "API_ERROR"),
        (
            json!({"identity": ANA, "passcode": PASSWORD, "next": "https://evil.example"}),
            "next",
            "INVALID_REDIRECT",
        ),
        (
            json!({"identity": ANA, "passcode": PASSWORD, "remember": []}),
            "remember",
            "API_ERROR",
        ),
    ] {
        let mut browser = app.browser();
        let answer = browser.post(SIGN_IN, body.clone()).await;
        assert_eq!(answer.refusal(), pair(field, code), "{body}");
        assert!(!browser.is_authorised().await);
    }
}

#[tokio::test]
async fn a_wrong_passcode_is_recorded_once() {
    let app = app("").await;
    let user = app.has(ANA, &["email", "authenticator", "sms"]).await;
    for (identity, passcode, user_id) in [
        (ANA, "wrong", Some(user.id)),
        (ANA, "123456", Some(user.id)),
        ("no@example.com", "123456", None),
    ] {
        app.take_events();
        app.browser().unified(identity, passcode).await;
        let failed = Event::SignInFailed {
            user_id,
            via: "passcode",
        };
        assert_eq!(app.take_events(), [failed], "{identity} {passcode}");
    }
}

#[tokio::test]
async fn only_enabled_methods_sign_in() {
    let app = app("SECURITY_US_ENABLED_METHODS = [\"email\"]\n").await;
    app.has(ANA, &["email", "authenticator"]).await;
    let refused = pair("passcode", "INVALID_PASSWORD_CODE");
    assert_eq!(
        app.browser().unified(ANA, PASSWORD).await.refusal(),
        refused
    );
    let code = app.now("authenticator");
    assert_eq!(app.browser().unified(ANA, code).await.refusal(), refused);
    let code = app.now("email");
    assert_eq!(app.browser().unified(ANA, code).await.status, 200);
    // `/login` still takes the password.
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn login_can_be_unified_sign_in() {
    let app = app("SECURITY_US_SIGNIN_REPLACES_LOGIN = true\n").await;
    let login = "/api/accounts/login";
    let mut browser = app.browser();
    let answer = browser.get(login).await;
    assert_eq!(answer.response()["code_methods"], json!(["email", "sms"]));
    let answer = browser.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.refusal(), pair("identity", "US_SPECIFY_IDENTITY"));
    let body = json!({"identity": ANA, "passcode": PASSWORD});
    assert_eq!(browser.post(login, body).await.status, 200);
    assert!(browser.is_authorised().await);
    assert_eq!(app.browser().unified(ANA, PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_mailed_code_signs_in() {
    let app = app("").await;
    let user = app.has(ANA, &["email"]).await;
    let answer = app.browser().send_code(ANA, "email").await;
    assert_eq!(
        (answer.status.as_u16(), answer.members()),
        (200, vec!["csrf_token".to_owned()])
    );
    let sent = Event::CodeSent {
        user_id: user.id,
        method: "email",
    };
    assert_eq!(app.take_events(), [sent]);
    let code = app.mailed_code(ANA).await;
    app.wait(119);
    let mut browser = app.browser();
    assert_eq!(browser.unified(ANA, code).await.status, 200);
    // An old code does not.
    app.browser().send_code(ANA, "email").await;
    let code = app.mailed_code(ANA).await;
    app.wait(300);
    let answer = app.browser().unified(ANA, code).await;
    assert_eq!(answer.refusal(), pair("passcode", "INVALID_PASSWORD_CODE"));
}

#[tokio::test]
async fn a_code_in_an_sms_signs_in() {
    let app = app("").await;
    app.has(ANA, &["sms"]).await;
    assert_eq!(app.browser().send_code(PHONE, "sms").await.status, 200);
    let code = app.texted_code(PHONE).await;
    assert_eq!(app.browser().unified(PHONE, code).await.status, 200);
}

#[tokio::test]
async fn codes_that_cannot_be_sent_are_refused() {
    let app =
        app("SECURITY_US_ENABLED_METHODS = [\"password\", \"email\", \"authenticator\"]\n").await;
    app.has(ANA, &["authenticator"]).await;
    let unconfirmed = |draft| NewAccount {
        confirmed: false,
        ..draft
    };
    app.user("new@example.com", unconfirmed).await;
    for (body, field, code) in [
        (
            json!({"chosen_method": "email"}),
            "identity",
            "US_SPECIFY_IDENTITY",
        ),
        (
            json!({"identity": ANA}),
            "chosen_method",
            "US_METHOD_NOT_AVAILABLE",
        ),
        (
            json!({"identity": ANA, "chosen_method": 7}),
            "chosen_method",
            "INVALID_INPUT",
        ),
        (
            json!({"identity": ANA, "chosen_method": "authenticator"}),
            "chosen_method",
            "INVALID_INPUT",
        ),
        (
            json!({"identity": ANA, "chosen_method": "sms"}),
            "chosen_method",
            "US_METHOD_NOT_AVAILABLE",
        ),
        (
            json!({"identity": ANA, "chosen_method": "email"}),
            "chosen_method",
            "US_METHOD_NOT_AVAILABLE",
        ),
        (
            json!({"identity": "no@example.com", "chosen_method": "email"}),
            "identity",
            "US_SPECIFY_IDENTITY",
        ),
        (
            json!({"identity": "new@example.com", "chosen_method": "email"}),
            "chosen_method",
            "US_METHOD_NOT_AVAILABLE",
        ),
    ] {
        let answer = app.browser().post(SEND, body.clone()).await;
        assert_eq!(answer.refusal(), pair(field, code), "{body}");
    }
    app.has("new@example.com", &["email"]).await;
    let answer = app.browser().send_code("new@example.com", "email").await;
    assert_eq!(answer.refusal(), pair("identity", "CONFIRMATION_REQUIRED"));
    assert!(app.all_mails().await.is_empty());
}

#[tokio::test]
async fn an_sms_needs_a_number() {
    let app = app("").await;
    app.has(ANA, &["sms"]).await;
    let patch = vestibule_store::UserPatch {
        us_phone_number: Some(None),
        ..vestibule_store::UserPatch::default()
    };
    app.patched(ANA, patch).await;
    let answer = app.browser().send_code(ANA, "sms").await;
    assert_eq!(answer.refusal(), pair("chosen_method", "PHONE_INVALID"));
}

#[tokio::test]
async fn the_link_in_the_mail_signs_in_once() {
    let app = app("").await;
    let user = app.has(ANA, &["email"]).await;
    app.browser().send_code(ANA, "email").await;
    let link = app.link(ANA).await;
    assert!(
        link.starts_with("/api/accounts/us-verify-link?id="),
        "{link}"
    );
    app.take_events();
    let mut browser = app.browser();
    let (view, query) = destination(&browser.get(&link).await);
    assert_eq!(view, "/in");
    assert_eq!(query, [pair("email", ANA), pair("identity", ANA)]);
    let signed_in = Event::SignedIn {
        user_id: user.id,
        via: &["link"],
    };
    assert_eq!(app.take_events(), [signed_in]);
    assert!(browser.is_authorised().await);
    // A second use, a wrong code, an unknown user and missing parameters.
    let unknown = format!(
        "/api/accounts/us-verify-link?id={}&code=123456",
        "0".repeat(32)
    );
    let wrong = format!(
        "/api/accounts/us-verify-link?id={}&code=000000",
        user.fs_uniquifier
    );
    let bare = "/api/accounts/us-verify-link?id=7".to_owned();
    for path in [&link, &wrong, &unknown, &bare] {
        let mut browser = app.browser();
        let (view, query) = destination(&browser.get(path).await);
        assert_eq!((view.as_str(), query.len()), ("/login-error", 1), "{path}");
        assert_eq!(query[0].0, "error");
        assert!(!browser.is_authorised().await, "{path}");
    }
}

#[tokio::test]
async fn a_signed_in_user_verifies_with_a_password_or_a_code() {
    let app = app("").await;
    let user = app.has(ANA, &["authenticator", "email"]).await;
    let fresh = "/api/accounts/authz?within=60&grace=0";
    let mut browser = app.with_session().await;
    let answer = browser.get(VERIFY).await;
    let mut response = answer.response();
    text(
        &response
            .as_object_mut()
            .unwrap()
            .remove("csrf_token")
            .unwrap(),
    );
    let ways = json!({
        "available_methods": ["password", "email", "authenticator", "sms"],
        "code_methods": ["email"],
        "has_webauthn_verify_credential": false,
        "oauth_enabled": false,
        "oauth_providers": [],
    });
    assert_eq!(response, ways);
    for by in ["password", "authenticator", "email"] {
        app.wait(100);
        assert_eq!(browser.get(fresh).await.status, 401);
        for wrong in [
            json!({"passcode": "wrong"}),
            json!({"passcode": 0}),
            json!({}),
        ] {
            let answer = browser.post(VERIFY, wrong).await;
            assert_eq!(answer.refusal(), pair("passcode", "INVALID_PASSWORD_CODE"));
        }
        assert_eq!(browser.get(fresh).await.status, 401);
        let passcode = match by {
            "password" => PASSWORD.to_owned(),
            "email" => {
                let answer = browser
                    .post(VERIFY_SEND, json!({"chosen_method": "email"}))
                    .await;
                assert_eq!(answer.members(), ["csrf_token"]);
                let mails = app.mails(ANA).await;
                let text = mails.last().unwrap().text.clone().unwrap();
                assert!(!text.contains("us-verify-link"), "{text}");
                app.mailed_code(ANA).await
            }
            method => app.now(method),
        };
        app.take_events();
        let answer = browser.post(VERIFY, json!({"passcode": passcode})).await;
        assert_eq!(answer.members(), ["csrf_token", "user"]);
        let verified = Event::Verified {
            user_id: user.id,
            via: by,
        };
        assert_eq!(app.take_events(), [verified]);
        assert_eq!(browser.get(fresh).await.status, 200);
    }
    for (method, code) in [
        (json!("sms"), "US_METHOD_NOT_AVAILABLE"),
        (json!("authenticator"), "INVALID_INPUT"),
        (json!(null), "US_METHOD_NOT_AVAILABLE"),
    ] {
        let answer = browser
            .post(VERIFY_SEND, json!({"chosen_method": method}))
            .await;
        assert_eq!(answer.refusal(), pair("chosen_method", code));
    }
    let answer = app.browser().get(VERIFY).await;
    assert_eq!(answer.verdict(), (401, "UNAUTHENTICATED".into()));
}

#[tokio::test]
async fn without_freshness_there_is_nothing_to_verify() {
    let app = app("SECURITY_FRESHNESS = \"-1 seconds\"\n").await;
    for path in [VERIFY, VERIFY_SEND] {
        let answer = app
            .browser()
            .send(Method::POST, path, None, Vec::new())
            .await;
        assert_eq!(answer.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_user_without_a_password_registers_confirms_and_signs_in_by_mail() {
    let extra = "SECURITY_PASSWORD_REQUIRED = false\nSECURITY_AUTO_LOGIN_AFTER_CONFIRM = false\n";
    let app = app(extra).await;
    let new = "new@example.com";
    let answer = app
        .browser()
        .post("/api/accounts/register", json!({"email": new}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let user = app.stored(new).await;
    assert_eq!(user.password, None);
    let answer = app.browser().send_code(new, "email").await;
    assert_eq!(answer.refusal(), pair("identity", "CONFIRMATION_REQUIRED"));
    let link = app.link(new).await;
    let (view, _) = destination(&app.browser().get(&link).await);
    assert_eq!(view, "/confirmed");
    assert_eq!(app.browser().send_code(new, "email").await.status, 200);
    let code = app.mailed_code(new).await;
    let mut browser = app.browser();
    assert_eq!(browser.unified(new, code).await.status, 200);
    assert!(browser.is_authorised().await);
    // An empty password is none.
    for passcode in ["", " ", "None"] {
        let answer = app.browser().unified(new, passcode).await;
        assert_eq!(answer.refusal(), pair("passcode", "INVALID_PASSWORD_CODE"));
    }
}

#[tokio::test]
async fn a_deactivated_user_is_sent_no_code() {
    let app = app("").await;
    let user = app.has(ANA, &["email"]).await;
    admin::set_active(app.app(), &user, false).await.unwrap();
    let answer = app.browser().send_code(ANA, "email").await;
    assert_eq!(answer.refusal(), pair("identity", "DISABLED_ACCOUNT"));
}
