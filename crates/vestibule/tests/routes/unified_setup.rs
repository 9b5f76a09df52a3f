//! `/us-setup`: setting up and removing methods of unified sign-in.

use std::sync::Arc;

use serde_json::json;
use vestibule::Event;
use vestibule_formats::totp::UsSecrets;
use vestibule_store::{MemoryStore, UserPatch};

use crate::support::callers::text;
use crate::support::unified::{PHONE, SETUP, app, wallet};
use crate::support::{ANA, Browser, PASSWORD, TestApp};

fn pair(field: &str, code: &str) -> (String, String) {
    (field.to_owned(), code.to_owned())
}

async fn methods(app: &TestApp, email: &str) -> Vec<String> {
    let user = app.stored(email).await;
    let secrets = UsSecrets::parse(user.us_totp_secrets.as_deref()).unwrap();
    secrets.methods().map(str::to_owned).collect()
}

/// Begins to set up a method by mail. Returns the path that completes it, and the code.
async fn begun(app: &TestApp, browser: &mut Browser<'_>) -> (String, String) {
    let answer = browser.post(SETUP, json!({"chosen_method": "email"})).await;
    assert_eq!(
        answer.members(),
        ["chosen_method", "csrf_token", "phone", "state"]
    );
    let state = text(&answer.response()["state"]);
    (format!("{SETUP}/{state}"), app.mailed_code(ANA).await)
}

#[tokio::test]
async fn the_methods_of_the_caller_are_listed() {
    let app = app("SECURITY_US_ENABLED_METHODS = [\"sms\", \"password\", \"email\"]\n").await;
    app.has(ANA, &["authenticator", "sms"]).await;
    let mut browser = app.with_session().await;
    let mut response = browser.get(SETUP).await.response();
    text(
        &response
            .as_object_mut()
            .unwrap()
            .remove("csrf_token")
            .unwrap(),
    );
    let expected = json!({
        "identity_attributes": ["email", "us_phone_number", "username"],
        "available_methods": ["sms", "password", "email"],
        "active_methods": ["password", "sms"],
        "setup_methods": ["sms", "email"],
        "phone": PHONE,
    });
    assert_eq!(response, expected);
    let answer = app.browser().get(SETUP).await;
    assert_eq!(answer.verdict(), (401, "UNAUTHENTICATED".into()));
}

#[tokio::test]
async fn an_authenticator_app_is_set_up_by_its_first_code() {
    let app = app("").await;
    let mut browser = app.with_session().await;
    let answer = browser
        .post(SETUP, json!({"chosen_method": "authenticator"}))
        .await;
    let response = answer.response();
    for member in [
        "authr_key",
        "authr_username",
        "authr_issuer",
        "authr_uri",
        "authr_qrcode",
    ] {
        text(&response[member]);
    }
    assert_eq!(response["phone"], json!(null));
    assert!(methods(&app, ANA).await.is_empty(), "nothing is stored yet");
    let path = format!("{SETUP}/{}", text(&response["state"]));
    let key = text(&response["authr_b32key"]);
    let source = json!({"key": key, "type": "totp", "v": 1}).to_string();
    let totp = wallet().open(&source).unwrap().totp;
    for (body, code) in [
        (json!({"passcode": "000000"}), "INVALID_PASSWORD_CODE"),
        (json!({"passcode": PASSWORD}), "INVALID_PASSWORD_CODE"),
        (json!({}), "PASSCODE_NOT_PROVIDED"),
        (json!({"passcode": []}), "API_ERROR"),
    ] {
        let answer = browser.post(&path, body).await;
        assert_eq!(answer.refusal(), pair("passcode", code));
    }
    assert!(methods(&app, ANA).await.is_empty());
    app.take_events();
    let code = totp.generate(app.app().unix_now());
    let answer = browser
        .post(&path, json!({"passcode": code.as_str()}))
        .await;
    let mut response = answer.response();
    response.as_object_mut().unwrap().remove("csrf_token");
    assert_eq!(
        response,
        json!({"chosen_method": "authenticator", "phone": null})
    );
    let user = app.stored(ANA).await;
    let added = Event::SignInMethodAdded {
        user_id: user.id,
        method: "authenticator",
    };
    assert_eq!(app.take_events(), [added]);
    assert_eq!(methods(&app, ANA).await, ["authenticator"]);
    assert_eq!(app.mails(ANA).await.len(), 1, "a notice");
    // The next code signs in.
    app.wait(30);
    let code = totp.generate(app.app().unix_now());
    assert_eq!(app.browser().unified(ANA, code.as_str()).await.status, 200);
}

#[tokio::test]
async fn a_number_is_stored_once_its_code_is_shown() {
    let app = app("").await;
    let mut browser = app.with_session().await;
    let body = json!({"chosen_method": "sms", "phone": "020 7946 0958"});
    let answer = browser.post(SETUP, body).await;
    assert_eq!(answer.response()["phone"], PHONE);
    assert_eq!(app.stored(ANA).await.us_phone_number, None);
    let code = app.texted_code(PHONE).await;
    let path = format!("{SETUP}/{}", text(&answer.response()["state"]));
    let answer = browser.post(&path, json!({"passcode": code})).await;
    assert_eq!(answer.response()["phone"], PHONE);
    assert_eq!(
        app.stored(ANA).await.us_phone_number.as_deref(),
        Some(PHONE)
    );
    // The own number can be set up again.
    let body = json!({"chosen_method": "sms", "phone": PHONE});
    assert_eq!(browser.post(SETUP, body).await.status, 200);
    // Removing the method removes the number.
    let answer = browser.post(SETUP, json!({"delete_method": "sms"})).await;
    assert_eq!(answer.members(), ["csrf_token"]);
    assert_eq!(app.stored(ANA).await.us_phone_number, None);
}

#[tokio::test]
async fn methods_are_removed_alone_or_together_or_beside_a_set_up() {
    let app = app("").await;
    let user = app.has(ANA, &["email", "authenticator", "sms"]).await;
    let mut browser = app.with_session().await;
    app.take_events();
    let body = json!({"delete_method": ["authenticator", "sms"], "chosen_method": "email"});
    let answer = browser.post(SETUP, body).await;
    assert_eq!(
        answer.members(),
        ["chosen_method", "csrf_token", "phone", "state"]
    );
    assert_eq!(methods(&app, ANA).await, ["email"]);
    let removed = |method| Event::SignInMethodRemoved {
        user_id: user.id,
        method,
    };
    let sent = Event::CodeSent {
        user_id: user.id,
        method: "email",
    };
    assert_eq!(
        app.take_events(),
        [removed("authenticator"), removed("sms"), sent]
    );
    assert_eq!(app.mails(ANA).await.len(), 3, "two notices and a code");
    let answer = browser
        .post(SETUP, json!({"delete_method": ["email"]}))
        .await;
    assert_eq!(answer.members(), ["csrf_token"]);
    assert_eq!(app.stored(ANA).await.us_totp_secrets, None);
}

#[tokio::test]
async fn wishes_that_cannot_be_met_are_refused() {
    let app = app("SECURITY_US_ENABLED_METHODS = [\"password\", \"email\", \"sms\"]\n").await;
    app.has(ANA, &["email", "authenticator"]).await;
    app.user("bo@example.com", |draft| draft).await;
    app.has("bo@example.com", &["sms"]).await;
    let mut browser = app.with_session().await;
    for (body, field, code) in [
        (json!({}), "", "API_ERROR"),
        (json!({"delete_method": []}), "", "API_ERROR"),
        (
            json!({"chosen_method": 7}),
            "chosen_method",
            "US_METHOD_NOT_AVAILABLE",
        ),
        (
            json!({"delete_method": [7]}),
            "delete_method",
            "US_METHOD_NOT_AVAILABLE",
        ),
        (
            json!({"chosen_method": "password"}),
            "chosen_method",
            "US_METHOD_NOT_AVAILABLE",
        ),
        (
            json!({"chosen_method": "authenticator"}),
            "chosen_method",
            "US_METHOD_NOT_AVAILABLE",
        ),
        (
            json!({"chosen_method": "smoke"}),
            "chosen_method",
            "US_METHOD_NOT_AVAILABLE",
        ),
        (json!({"chosen_method": "sms"}), "phone", "PHONE_INVALID"),
        (
            json!({"chosen_method": "sms", "phone": "12"}),
            "phone",
            "PHONE_INVALID",
        ),
        (
            json!({"chosen_method": "sms", "phone": 12}),
            "phone",
            "API_ERROR",
        ),
        (
            json!({"chosen_method": "sms", "phone": PHONE}),
            "phone",
            "IDENTITY_ALREADY_ASSOCIATED",
        ),
        (
            json!({"delete_method": "password"}),
            "delete_method",
            "US_METHOD_NOT_AVAILABLE",
        ),
        (
            json!({"delete_method": ["email", "sms"]}),
            "delete_method",
            "US_METHOD_NOT_AVAILABLE",
        ),
        (
            json!({"delete_method": "authenticator"}),
            "delete_method",
            "US_METHOD_NOT_AVAILABLE",
        ),
    ] {
        let answer = browser.post(SETUP, body.clone()).await;
        assert_eq!(answer.refusal(), pair(field, code), "{body}");
    }
    assert_eq!(methods(&app, ANA).await, ["email", "authenticator"]);
}

#[tokio::test]
async fn a_set_up_needs_a_fresh_proof_of_identity_and_is_completed_in_time() {
    let app = app("SECURITY_US_SETUP_WITHIN = \"10 minutes\"\n").await;
    let mut browser = app.with_session().await;
    let (path, _) = begun(&app, &mut browser).await;
    app.wait(601);
    let answer = browser.post(&path, json!({"passcode": "123456"})).await;
    assert_eq!(answer.refusal(), pair("", "US_SETUP_EXPIRED"));
    app.wait(100_000);
    for answer in [
        browser.get(SETUP).await,
        browser.post(SETUP, json!({"chosen_method": "email"})).await,
    ] {
        assert_eq!(answer.verdict(), (401, "REAUTHENTICATION_REQUIRED".into()));
        assert_eq!(answer.response()["unified_signin_enabled"], true);
    }
}

#[tokio::test]
async fn attack_wrong_person_another_users_set_up_is_refused() {
    let app = app("").await;
    let mut ana = app.with_session().await;
    let (path, code) = begun(&app, &mut ana).await;
    app.user("bo@example.com", |draft| draft).await;
    let mut bo = app.browser();
    let csrf = bo.unified("bo@example.com", PASSWORD).await.csrf_token();
    let mut bo = bo.header("x-xsrf-token", &csrf);
    let answer = bo.post(&path, json!({"passcode": code})).await;
    assert_eq!(answer.refusal(), pair("", "API_ERROR"));
    assert!(methods(&app, "bo@example.com").await.is_empty());
    for forged in ["x", "a.b.c"] {
        let answer = ana
            .post(&format!("{SETUP}/{forged}"), json!({"passcode": code}))
            .await;
        assert_eq!(answer.refusal(), pair("", "API_ERROR"));
    }
    assert_eq!(ana.post(&path, json!({"passcode": code})).await.status, 200);
}

#[tokio::test]
async fn attack_replayed_code_a_set_up_consumes_its_code() {
    let app = app("").await;
    let mut browser = app.with_session().await;
    let (path, code) = begun(&app, &mut browser).await;
    assert_eq!(
        browser.post(&path, json!({"passcode": code})).await.status,
        200
    );
    let answer = browser.post(&path, json!({"passcode": code})).await;
    assert_eq!(answer.refusal(), pair("passcode", "INVALID_PASSWORD_CODE"));
    let answer = app.browser().unified(ANA, code).await;
    assert_eq!(answer.refusal(), pair("passcode", "INVALID_PASSWORD_CODE"));
}

#[tokio::test]
async fn attack_factor_brute_force_codes_of_ones_own_clear_no_count_of_wrong_codes() {
    let app = app("").await;
    let mut browser = app.with_session().await;
    // A session from an unknown device, as an attacker has one.
    browser.cookies.remove("vestibule_device");
    let body = json!({"chosen_method": "sms", "phone": PHONE});
    let answer = browser.post(SETUP, body).await;
    let number = format!("{SETUP}/{}", text(&answer.response()["state"]));
    for _ in 0..5 {
        let answer = browser.post(&number, json!({"passcode": "000000"})).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        // Until the limit is reached, a code to the own mailbox is right.
        let (path, code) = begun(&app, &mut browser).await;
        browser.post(&path, json!({"passcode": code})).await;
    }
    let answer = browser.post(&number, json!({"passcode": "000000"})).await;
    assert_eq!(answer.verdict(), (429, "TOO_MANY_ATTEMPTS".into()));
}

#[tokio::test]
async fn attack_race_a_number_that_another_account_took_meanwhile_is_refused() {
    for extra in ["", "SECURITY_RETURN_GENERIC_RESPONSES = true\n"] {
        let app = app(extra).await;
        let mut browser = app.with_session().await;
        let body = json!({"chosen_method": "sms", "phone": PHONE});
        let answer = browser.post(SETUP, body.clone()).await;
        let path = format!("{SETUP}/{}", text(&answer.response()["state"]));
        let code = app.texted_code(PHONE).await;
        app.user("bo@example.com", |draft| draft).await;
        app.has("bo@example.com", &["sms"]).await;
        let answer = browser.post(&path, json!({"passcode": code})).await;
        assert_eq!(
            answer.refusal(),
            pair("phone", "IDENTITY_ALREADY_ASSOCIATED")
        );
        assert!(methods(&app, ANA).await.is_empty());
        // With generic responses, this is all that reveals it.
        let answer = browser.post(SETUP, body).await;
        assert_eq!(answer.status == 200, !extra.is_empty(), "{answer:?}");
    }
}

#[tokio::test]
async fn attack_race_concurrent_changes_lose_no_method() {
    let app = TestApp::built(
        &format!(
            "{}{}",
            crate::support::LIFE,
            crate::support::unified::UNIFIED
        ),
        |builder| builder.datastore(Arc::new(MemoryStore::default())),
    )
    .await;
    app.has(ANA, &["sms"]).await;
    let mut browser = app.with_session().await;
    let (path, code) = begun(&app, &mut browser).await;
    let mut other = browser.clone();
    let adding = browser.post(&path, json!({"passcode": code}));
    let removing = other.post(SETUP, json!({"delete_method": "sms"}));
    let (added, removed) = futures_util::future::join(adding, removing).await;
    assert_eq!((added.status.as_u16(), removed.status.as_u16()), (200, 200));
    assert_eq!(methods(&app, ANA).await, ["email"]);
}

#[tokio::test]
async fn a_column_that_cannot_be_read_is_not_overwritten() {
    let app = app("").await;
    let mut browser = app.with_session().await;
    let (path, code) = begun(&app, &mut browser).await;
    let patch = UserPatch {
        us_totp_secrets: Some(Some("garbage".to_owned())),
        ..UserPatch::default()
    };
    app.patched(ANA, patch).await;
    let answer = browser.post(&path, json!({"passcode": code})).await;
    assert_eq!(answer.status, 500);
    let stored = app.stored(ANA).await.us_totp_secrets;
    assert_eq!(stored.as_deref(), Some("garbage"));
}
