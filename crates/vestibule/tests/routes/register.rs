//! `/register`: creating an account.

use serde_json::{Value, json};
use vestibule_store::UserKey;

use crate::support::callers::text;
use crate::support::mails::{destination, path_in};
use crate::support::{ANA, Answer, LIFE, PASSWORD, TestApp};

const REGISTER: &str = "/api/accounts/register";
const NEW: &str = "new@example.com";

fn account(email: &str) -> Value {
    json!({"email": email, "password": "a new password", "password_confirm": "a new password"})
}

fn field_codes(answer: &Answer, field: &str) -> Vec<String> {
    let codes = answer.response()["field_error_codes"][field].clone();
    codes.as_array().into_iter().flatten().map(text).collect()
}

#[tokio::test]
async fn a_new_account_is_confirmed_and_signed_in_to() {
    let app = TestApp::with(LIFE).await;
    let mut browser = app.browser();
    let answer = browser.get(REGISTER).await;
    assert_eq!(answer.status, 200);
    text(&answer.response()["csrf_token"]);
    let answer = browser.post(REGISTER, account("New@Example.COM")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut response = answer.response();
    text(
        &response
            .as_object_mut()
            .unwrap()
            .remove("csrf_token")
            .unwrap(),
    );
    assert_eq!(response, json!({"user": {}}));
    assert!(!browser.is_signed_in().await);
    let stored = app.stored("New@example.com").await;
    assert!(stored.active && stored.confirmed_at.is_none());
    // An unconfirmed address may belong to another person, so it does not sign in.
    let answer = browser.sign_in("New@example.com", "a new password").await;
    assert_eq!(answer.code(), "CONFIRMATION_REQUIRED");

    let mails = app.mails("New@example.com").await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].html.as_ref().unwrap().contains("/confirm/"));
    let link = path_in(mails[0].text.as_ref().unwrap()).unwrap();
    let (view, query) = destination(&browser.get(&link).await);
    assert_eq!(view, "/confirmed");
    assert_eq!(query[1], ("email".to_owned(), "New@example.com".to_owned()));
    assert_eq!(
        query[2],
        ("identity".to_owned(), "New@example.com".to_owned())
    );
    assert_eq!(query[0].0, "success");
    let answer = browser.sign_in("new@example.com", "a new password").await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn without_confirmation_registering_signs_in() {
    let app = TestApp::with("SECURITY_REGISTERABLE = true").await;
    let mut browser = app.browser();
    let path = format!("{REGISTER}?include_auth_token");
    let answer = browser.post(&path, account(NEW)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response()["tf_required"], false);
    let token = text(&answer.response()["user"]["authentication_token"]);
    let authz = app.bearer(&token).get("/api/accounts/authz").await;
    assert_eq!(authz.named(), Some(NEW));
    assert!(browser.is_signed_in().await);
    assert_eq!(app.stored(NEW).await.login_count, Some(1));
    // A signed-in user cannot create another account.
    for answer in [
        browser.get(REGISTER).await,
        browser
            .clone()
            .post(REGISTER, account("b@example.com"))
            .await,
    ] {
        assert_eq!(answer.verdict(), (400, "ANONYMOUS_USER_REQUIRED".into()));
    }
}

#[tokio::test]
async fn all_invalid_fields_are_reported_at_once() {
    let app = TestApp::with(LIFE).await;
    for (body, expected) in [
        (
            json!({}),
            json!({
                "email": ["EMAIL_NOT_PROVIDED"],
                "password": ["PASSWORD_NOT_PROVIDED"],
                "password_confirm": ["PASSWORD_NOT_PROVIDED"],
            }),
        ),
        (
            json!({"email": "no", "password": "short", "password_confirm": "other",
                "next": "https://evil.example", "username": "a-b"}),
            json!({
                "email": ["INVALID_EMAIL_ADDRESS"],
                "password": ["PASSWORD_INVALID_LENGTH"],
                "password_confirm": ["RETYPE_PASSWORD_MISMATCH"],
                "next": ["INVALID_REDIRECT"],
                "username": ["USERNAME_DISALLOWED_CHARACTERS"],
            }),
        ),
        (
            json!({"email": [], "password": 1, "password_confirm": {}, "username": 2}),
            json!({
                "email": ["API_ERROR"],
                "password": ["API_ERROR"],
                "password_confirm": ["API_ERROR"],
                "username": ["API_ERROR"],
            }),
        ),
        (account(ANA), json!({"email": ["EMAIL_ALREADY_ASSOCIATED"]})),
        (
            account("ANA@EXAMPLE.COM"),
            json!({"email": ["EMAIL_ALREADY_ASSOCIATED"]}),
        ),
    ] {
        let answer = app.browser().post(REGISTER, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}");
        let codes = answer.response()["field_error_codes"].clone();
        assert_eq!(codes, expected, "{body}: {answer:?}");
    }
    assert!(app.all_mails().await.is_empty());
}

#[tokio::test]
async fn a_username_is_stored_and_must_be_unique() {
    let app = TestApp::with(LIFE).await;
    let mut body = account(NEW);
    body["username"] = "newbie".into();
    let answer = app.browser().post(REGISTER, body.clone()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(app.stored(NEW).await.username.as_deref(), Some("newbie"));
    body["email"] = "other@example.com".into();
    let answer = app.browser().post(REGISTER, body).await;
    assert_eq!(
        field_codes(&answer, "username"),
        ["USERNAME_ALREADY_ASSOCIATED"]
    );
    assert!(answer.text.contains("newbie"), "{answer:?}");
}

#[tokio::test]
async fn an_account_without_a_password_is_created_if_allowed() {
    let app = TestApp::with(&format!(
        "{LIFE}SECURITY_PASSWORD_REQUIRED = false\nSECURITY_UNIFIED_SIGNIN = true"
    ))
    .await;
    let answer = app.browser().post(REGISTER, json!({"email": NEW})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(app.stored(NEW).await.password, None);
    for password in ["", " ", "a new password"] {
        let answer = app.browser().sign_in(NEW, password).await;
        assert_eq!(answer.status, 400, "{password:?}");
    }
    // A password that is sent is validated nevertheless.
    let body = json!({"email": "b@example.com", "password": "short"});
    let answer = app.browser().post(REGISTER, body).await;
    assert_eq!(
        field_codes(&answer, "password"),
        ["PASSWORD_INVALID_LENGTH"]
    );
}

#[tokio::test]
async fn the_password_need_not_be_repeated_if_so_configured() {
    let app = TestApp::with(&format!("{LIFE}SECURITY_PASSWORD_CONFIRM_REQUIRED = false")).await;
    let body = json!({"email": NEW, "password": "a new password"});
    assert_eq!(app.browser().post(REGISTER, body).await.status, 200);
}

#[tokio::test]
async fn attack_mass_assignment_only_the_form_fields_are_stored() {
    let app = TestApp::with(LIFE).await;
    let mut body = account(NEW);
    for (name, value) in [
        ("active", json!(false)),
        ("confirmed_at", json!("2020-01-01T00:00:00")),
        ("id", json!(1)),
        ("roles", json!(["admin"])),
        ("fs_uniquifier", json!("chosen")),
        ("us_phone_number", json!("+15551234567")),
        ("login_count", json!(7)),
    ] {
        body[name] = value;
    }
    assert_eq!(app.browser().post(REGISTER, body).await.status, 200);
    let user = app.stored(NEW).await;
    assert!(user.active && user.confirmed_at.is_none() && user.id.0 != 1);
    assert_ne!(user.fs_uniquifier, "chosen");
    assert_eq!(user.us_phone_number, None);
    let roles = app.app().store().roles_of(user.id).await.unwrap();
    assert!(roles.is_empty());
}

#[tokio::test]
async fn attack_race_simultaneous_registrations_of_one_address_create_one_account() {
    let app = TestApp::with(LIFE).await;
    let asking = (0..64).map(|number| {
        let mut browser = app.browser();
        let spelling = if number % 2 == 0 {
            NEW
        } else {
            "NEW@example.com"
        };
        async move { browser.post(REGISTER, account(spelling)).await }
    });
    let answers = futures_util::future::join_all(asking).await;
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(made, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(answer.code(), "EMAIL_ALREADY_ASSOCIATED");
    }
    assert_eq!(app.all_mails().await.len(), 1);
}

#[tokio::test]
async fn attack_enumeration_only_the_holder_of_the_address_learns_of_the_registration_by_mail() {
    let generic = format!("{LIFE}SECURITY_RETURN_GENERIC_RESPONSES = true");
    let app = TestApp::with(&generic).await;
    let answer = app
        .browser()
        .post(REGISTER, account("ANA@example.com"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mails = app.mails(ANA).await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.as_ref().unwrap().contains("/reset/"));
    // Their password is unchanged.
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 200);
    let answer = app.browser().sign_in(ANA, "a new password").await;
    assert_eq!(answer.code(), "GENERIC_AUTHN_FAILED");
    // A taken username is reported to the requester by mail only.
    app.user("named@example.com", |draft| vestibule::admin::NewAccount {
        username: Some("newbie".to_owned()),
        ..draft
    })
    .await;
    let mut body = account(NEW);
    body["username"] = "newbie".into();
    assert_eq!(app.browser().post(REGISTER, body).await.status, 200);
    let mails = app.mails(NEW).await;
    assert_eq!(mails.len(), 1);
    assert!(mails[0].text.as_ref().unwrap().contains("newbie"));
    let key = UserKey::Identity {
        attribute: vestibule_store::Identity::Email,
        value: NEW,
        ignore_case: true,
    };
    assert!(app.app().store().user(key).await.unwrap().is_none());
}

/// An application's own check, which refuses every username and password that contains "cat".
#[derive(Debug)]
struct NoCats;

impl vestibule::UsernameCheck for NoCats {
    fn check(&self, username: &str) -> Vec<vestibule::LocalizedMessage> {
        let cat = username.contains("cat");
        let said = vestibule::Message::InvalidInput
            .with("name", username)
            .in_own_words("%(name)s is a cat.");
        cat.then_some(said).into_iter().collect()
    }
}

#[async_trait::async_trait]
impl vestibule::PasswordCheck for NoCats {
    async fn check(&self, password: &str, about: &[&str]) -> Vec<vestibule::LocalizedMessage> {
        // The check also runs for Ana, whom the test application creates.
        assert!(about.contains(&NEW) || about.contains(&ANA), "{about:?}");
        let cat = password.contains("cat");
        cat.then_some(vestibule::Message::PasswordTooSimple.into())
            .into_iter()
            .collect()
    }
}

#[tokio::test]
async fn an_application_adds_its_own_checks() {
    let app = TestApp::built(LIFE, |builder| {
        builder.username_check(NoCats).password_check(NoCats)
    })
    .await;
    let body = |username: &str, password: &str| json!({"email": NEW, "username": username, "password": password, "password_confirm": password});
    let answer = app
        .browser()
        .post(REGISTER, body("concatenate", "a tomcat's own"))
        .await;
    assert_eq!(field_codes(&answer, "username"), ["INVALID_INPUT"]);
    assert_eq!(field_codes(&answer, "password"), ["PASSWORD_TOO_SIMPLE"]);
    let text = &answer.response()["field_errors"]["username"][0];
    assert_eq!(text, "concatenate is a cat.");
    let answer = app
        .browser()
        .post(REGISTER, body("doggerel", "a dog's own life"))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}
