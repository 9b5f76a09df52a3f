//! `/reset`: replacing a forgotten password.

use serde_json::{Value, json};
use vestibule::store::{PasswordChange, UserPatch};

use crate::support::mails::{destination, token_of};
use crate::support::{ANA, LIFE, PASSWORD, TestApp};

const RESET: &str = "/api/accounts/reset";
const NEW_PASSWORD: &str = "correct horse";

fn new_password() -> Value {
    json!({"password": NEW_PASSWORD, "password_confirm": NEW_PASSWORD})
}

async fn with_link(extra: &str) -> (TestApp, String) {
    let app = TestApp::with(&format!("{LIFE}{extra}")).await;
    let answer = app.browser().post(RESET, json!({"email": ANA})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response().as_object().unwrap().len(), 1);
    let link = app.link(ANA).await;
    (app, link)
}

#[tokio::test]
async fn the_link_leads_to_the_app_which_posts_the_new_password() {
    let (app, link) = with_link("").await;
    let mut other = app.signed_in().await;
    let token = app.auth_token(ANA).await;
    // A sign-in does not affect the link.
    let mut browser = app.browser();
    let (view, query) = destination(&browser.get(&link).await);
    assert_eq!(view, "/reset-password");
    assert_eq!(query, [("token".to_owned(), token_of(&link).to_owned())]);
    let answer = browser.post(&link, new_password()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response(), json!({}));
    assert!(!browser.is_signed_in().await);
    // Every earlier session and token has ended.
    assert!(!other.is_signed_in().await);
    let authz = app.bearer(&token).get("/api/accounts/authz").await;
    assert_eq!(authz.status, 401);
    assert_eq!(app.browser().sign_in(ANA, NEW_PASSWORD).await.status, 200);
    let answer = app.browser().sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.code(), "INVALID_PASSWORD");
    assert_eq!(app.mails(ANA).await.len(), 2, "the link, and the notice");
}

#[tokio::test]
async fn attack_single_use_a_link_sets_one_password() {
    let (app, link) = with_link("").await;
    let asking = (0..64).map(|number| {
        let (mut browser, link) = (app.browser(), &link);
        let password = format!("password number {number}");
        let body = json!({"password": password, "password_confirm": password});
        async move { (browser.post(link, body).await, password) }
    });
    let answers = futures_util::future::join_all(asking).await;
    let right: Vec<&String> = answers
        .iter()
        .filter(|(answer, _)| answer.status == 200)
        .map(|(_, password)| password)
        .collect();
    assert_eq!(right.len(), 1);
    assert_eq!(app.browser().sign_in(ANA, right[0]).await.status, 200);
    for (answer, _) in answers.iter().filter(|(answer, _)| answer.status != 200) {
        assert_eq!(answer.code(), "INVALID_RESET_PASSWORD_TOKEN");
    }
    // Another use on its own is refused as well.
    let answer = app.browser().post(&link, new_password()).await;
    assert_eq!(
        answer.verdict(),
        (400, "INVALID_RESET_PASSWORD_TOKEN".into())
    );
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(
        (view.as_str(), query[0].0.as_str()),
        ("/reset-password-error", "error")
    );
}

#[tokio::test]
async fn attack_wrong_step_a_link_is_void_after_any_other_change_to_the_account() {
    // The password was changed in the meantime.
    let (app, link) = with_link("").await;
    let user = app.stored(ANA).await;
    vestibule::admin::change_password(app.app(), &user, "something else")
        .await
        .unwrap();
    let answer = app.browser().post(&link, new_password()).await;
    assert_eq!(answer.status, 400);
    // The address was changed.
    let (app, link) = with_link("").await;
    let user = app.stored(ANA).await;
    let patch = UserPatch {
        email: Some("other@example.com".to_owned()),
        ..Default::default()
    };
    let now = app.app().clock().now();
    app.app()
        .store()
        .update_user(user.id, patch, now)
        .await
        .unwrap();
    let answer = app.browser().post(&link, new_password()).await;
    assert_eq!(answer.status, 400);
    // The account was deactivated.
    let (app, link) = with_link("").await;
    let user = app.stored(ANA).await;
    vestibule::admin::set_active(app.app(), &user, false)
        .await
        .unwrap();
    let answer = app.browser().post(&link, new_password()).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn an_expired_link_is_refused_with_its_lifetime() {
    let (app, link) = with_link("SECURITY_RESET_PASSWORD_WITHIN = \"90 minutes\"\n").await;
    app.wait(90 * 60 + 1);
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(view, "/reset-password-error");
    assert!(query[0].1.contains("1 hour and 30 minutes"), "{query:?}");
    let answer = app.browser().post(&link, new_password()).await;
    let codes = &answer.response()["field_error_codes"];
    assert_eq!(*codes, json!({"": ["PASSWORD_RESET_EXPIRED"]}));
}

#[tokio::test]
async fn a_refused_password_does_not_consume_the_link() {
    let (app, link) = with_link("").await;
    for (body, field, code) in [
        (json!({}), "password", "PASSWORD_NOT_PROVIDED"),
        (
            json!({"password": "short", "password_confirm": "short"}),
            "password",
            "PASSWORD_INVALID_LENGTH",
        ),
        (
            json!({"password": NEW_PASSWORD, "password_confirm": "other"}),
            "password_confirm",
            "RETYPE_PASSWORD_MISMATCH",
        ),
    ] {
        let answer = app.browser().post(&link, body).await;
        assert_eq!(answer.status, 400);
        let codes = &answer.response()["field_error_codes"][field];
        assert_eq!(*codes, json!([code]), "{answer:?}");
    }
    assert_eq!(app.browser().post(&link, new_password()).await.status, 200);
}

#[tokio::test]
async fn a_reset_signs_in_with_auto_login() {
    let (app, link) = with_link("SECURITY_AUTO_LOGIN_AFTER_RESET = true\n").await;
    let mut browser = app.browser();
    let path = format!("{link}?include_auth_token");
    let answer = browser.post(&path, new_password()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response()["tf_required"], false);
    assert!(browser.is_signed_in().await);
    let token = &answer.response()["user"]["authentication_token"];
    let authz = app.bearer(token.as_str().unwrap());
    assert_eq!(
        { authz }.get("/api/accounts/authz").await.named(),
        Some(ANA)
    );
}

#[tokio::test]
async fn unusable_accounts_get_no_reset_link() {
    let app = TestApp::with(LIFE).await;
    app.user("off@example.com", |draft| vestibule::admin::NewAccount {
        active: false,
        ..draft
    })
    .await;
    app.user("new@example.com", |draft| vestibule::admin::NewAccount {
        confirmed: false,
        ..draft
    })
    .await;
    for (email, code) in [
        ("off@example.com", "DISABLED_ACCOUNT"),
        ("new@example.com", "CONFIRMATION_REQUIRED"),
        ("no@example.com", "USER_DOES_NOT_EXIST"),
        ("no", "INVALID_EMAIL_ADDRESS"),
    ] {
        let answer = app.browser().post(RESET, json!({"email": email})).await;
        assert_eq!(answer.verdict(), (400, code.to_owned()), "{email}");
    }
    assert!(app.all_mails().await.is_empty());
}

#[tokio::test]
async fn attack_look_alike_the_link_goes_to_the_stored_address() {
    let app = TestApp::with(LIFE).await;
    let answer = app
        .browser()
        .post(RESET, json!({"email": "ANA@EXAMPLE.com"}))
        .await;
    assert_eq!(answer.status, 200);
    let mails = app.all_mails().await;
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ANA);
}

#[tokio::test]
async fn attack_state_change_a_reset_link_is_void_after_another_program_changes_the_password() {
    let (app, link) = with_link("").await;
    let user = app.stored(ANA).await;
    // Another program changes only the password column.
    let patch = UserPatch {
        password: Some(PasswordChange::Set("$argon2id$another".to_owned())),
        ..UserPatch::default()
    };
    let now = app.app().clock().now();
    app.app()
        .store()
        .update_user(user.id, patch, now)
        .await
        .unwrap();
    let answer = app.browser().post(&link, new_password()).await;
    assert_eq!(answer.code(), "INVALID_RESET_PASSWORD_TOKEN");
}
