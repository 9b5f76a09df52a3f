//! The second factor: `/tf-setup`, `/tf-validate`, `/tf-rescue`, `/tf-select`.

use serde_json::{Value, json};
use vestibule::Event;
use vestibule_store::UserPatch;

use crate::support::callers::text;
use crate::support::codes::{Authenticator, SETUP, TWO_FACTOR, VALIDATE};
use crate::support::mails::{destination, is_code};
use crate::support::{ANA, LIFE, PASSWORD, TestApp};

const RESCUE: &str = "/api/accounts/tf-rescue";
const NUMBER: &str = "+14155550123";

#[tokio::test]
async fn password_and_code_sign_in() {
    let (app, authenticator) = TestApp::with_authenticator("").await;
    let (mut browser, response) = app.half_signed_in(ANA).await;
    assert_eq!(response["tf_state"], "ready");
    assert_eq!(response["tf_method"], "authenticator");
    assert_eq!(response["tf_primary_method"], "authenticator");
    assert!(response.get("user").is_none(), "{response}");
    assert!(!browser.is_signed_in().await);

    let (mut browser, _) = app.half_signed_in(ANA).await;
    let answer = browser.post(VALIDATE, json!({"code": "000000"})).await;
    assert_eq!(answer.verdict(), (400, "TWO_FACTOR_INVALID_TOKEN".into()));
    let code = authenticator.code(&app);
    let path = format!("{VALIDATE}?include_auth_token");
    let answer = browser.post(&path, json!({"code": code})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let token = text(&answer.response()["user"]["authentication_token"]);
    assert!(browser.is_signed_in().await);
    let mut bearer = app.bearer(&token);
    assert_eq!(bearer.get("/api/accounts/authz").await.status, 200);
    assert_eq!(app.stored(ANA).await.login_count, Some(2));
    let events = app.events.lock().unwrap();
    let via = events.iter().rev().find_map(|event| match event {
        Event::SignedIn { via, .. } => Some(via.to_vec()),
        _ => None,
    });
    assert_eq!(via, Some(vec!["password", "authenticator"]));
}

#[tokio::test]
async fn a_code_may_be_sent_as_a_number() {
    let (app, authenticator) = TestApp::with_authenticator("").await;
    let mut accepted = 0;
    for _ in 0..3 {
        let (mut browser, _) = app.half_signed_in(ANA).await;
        let number: u64 = authenticator.code(&app).parse().unwrap();
        let answer = browser.post(VALIDATE, json!({"code": number})).await;
        accepted += usize::from(answer.status == 200);
        app.wait(30);
    }
    assert_eq!(accepted, 3);
    for wrong in [json!(true), json!(1.5), json!(["1"]), json!({})] {
        let (mut browser, _) = app.half_signed_in(ANA).await;
        let answer = browser.post(VALIDATE, json!({"code": wrong})).await;
        assert_eq!(answer.verdict(), (400, "API_ERROR".into()), "{wrong}");
    }
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let answer = browser.post(VALIDATE, json!({})).await;
    assert_eq!(answer.verdict(), (400, "PASSCODE_NOT_PROVIDED".into()));
}

#[tokio::test]
async fn set_up_shows_what_an_authenticator_app_needs() {
    let app = TestApp::with(TWO_FACTOR).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    let answer = browser.get(SETUP).await.response();
    assert_eq!(answer["tf_required"], false);
    assert_eq!(answer["tf_primary_method"], Value::Null);
    let methods = json!(["email", "authenticator", "sms"]);
    assert_eq!(answer["tf_available_methods"], methods);

    let answer = browser
        .post(SETUP, json!({"setup": "authenticator"}))
        .await
        .response();
    assert_eq!(answer["tf_state"], "validating_profile");
    assert_eq!(answer["tf_method"], "authenticator");
    assert_eq!(answer["tf_authr_username"], ANA);
    assert_eq!(answer["tf_authr_issuer"], "tests");
    let key = text(&answer["tf_authr_b32key"]);
    assert_eq!(text(&answer["tf_authr_key"]).replace('-', ""), key);
    let uri = text(&answer["tf_authr_uri"]);
    assert!(uri.starts_with("otpauth://totp/tests:ana"), "{uri}");
    assert!(uri.contains(&format!("secret={key}")), "{uri}");
    let image = text(&answer["tf_authr_qrcode"]);
    assert!(image.starts_with("data:image/svg+xml"), "{image}");
    // Nothing is stored before the first code.
    let user = app.stored(ANA).await;
    assert_eq!((user.tf_primary_method, user.tf_totp_secret), (None, None));
    // The session holds the state as well, so the first code may go to /tf-validate.
    let authenticator = Authenticator::with_key(&key);
    let code = authenticator.code(&app);
    let answer = browser.post(VALIDATE, json!({"code": code})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let user = app.stored(ANA).await;
    assert_eq!(user.tf_primary_method.as_deref(), Some("authenticator"));
    let answer = browser.get(SETUP).await.response();
    let methods = json!(["disable", "email", "authenticator", "sms"]);
    assert_eq!(answer["tf_available_methods"], methods);
    let mails = app.mails(ANA).await;
    assert_eq!(mails.len(), 1, "a notice that a factor was added");
}

#[tokio::test]
async fn codes_are_mailed() {
    let app = TestApp::with(TWO_FACTOR).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    let answer = browser.post(SETUP, json!({"setup": "email"})).await;
    let path = format!("{SETUP}/{}", text(&answer.response()["tf_state_token"]));
    let code = app.mailed_code(ANA).await;
    let answer = browser.post(&path, json!({"code": code})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response()["tf_method"], "email");
    // Another code within the same time step: it differs from the used one, and works.
    let (mut browser, response) = app.half_signed_in(ANA).await;
    assert_eq!(response["tf_method"], "email");
    let next = app.mailed_code(ANA).await;
    assert_ne!(next, code);
    let answer = browser.post(VALIDATE, json!({"code": next})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn codes_are_sent_by_sms_once_the_number_is_proven() {
    let app = TestApp::with(TWO_FACTOR).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    for phone in [json!(""), json!("123"), json!(null)] {
        let body = json!({"setup": "sms", "phone": phone});
        let answer = browser.post(SETUP, body).await;
        assert_eq!(answer.verdict(), (400, "PHONE_INVALID".into()), "{phone}");
    }
    let answer = browser
        .post(SETUP, json!({"setup": "sms", "phone": "(415) 555-0123"}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let path = format!("{SETUP}/{}", text(&answer.response()["tf_state_token"]));
    let sent = app.sms(NUMBER).await;
    let code = code_in(&sent[0]);
    assert!(
        sent[0].ends_with(&format!("\n@localhost #{code}")),
        "{sent:?}"
    );
    assert_eq!(app.stored(ANA).await.tf_phone_number, None);
    let answer = browser.post(&path, json!({"code": code})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response()["tf_phone"], NUMBER);
    app.wait(30);
    let (mut browser, response) = app.half_signed_in(ANA).await;
    assert_eq!(response["tf_method"], "sms");
    let code = code_in(&app.sms(NUMBER).await[1]);
    let answer = browser.post(VALIDATE, json!({"code": code})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

fn code_in(sms: &str) -> String {
    let code = sms.rsplit('#').next().unwrap_or_default().to_owned();
    assert!(is_code(&code), "{sms}");
    code
}

#[tokio::test]
async fn a_user_without_a_factor_sets_one_up_during_the_sign_in_that_requires_it() {
    let app = TestApp::with(&format!(
        "{TWO_FACTOR}SECURITY_TWO_FACTOR_REQUIRED = true\n"
    ))
    .await;
    let (mut browser, response) = app.half_signed_in(ANA).await;
    assert_eq!(response["tf_state"], "setup_from_login");
    assert!(response.get("tf_method").is_none(), "{response}");
    let state = browser.get(SETUP).await.response();
    assert_eq!(state["tf_required"], true);
    let answer = browser.post(SETUP, json!({"setup": "disable"})).await;
    let unavailable = (400, "TWO_FACTOR_METHOD_NOT_AVAILABLE".to_owned());
    assert_eq!(answer.verdict(), unavailable);
    let answer = browser
        .post(SETUP, json!({"setup": "authenticator"}))
        .await
        .response();
    assert_eq!(answer["tf_state_token"], Value::Null);
    let authenticator = Authenticator::with_key(&text(&answer["tf_authr_b32key"]));
    let answer = browser
        .post(VALIDATE, json!({"code": authenticator.code(&app)}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(browser.is_signed_in().await);
    let user = app.stored(ANA).await;
    assert_eq!(user.tf_primary_method.as_deref(), Some("authenticator"));
    // No user can switch the second factor off where it is required.
    let mut browser = browser.with_csrf().await;
    let answer = browser.post(SETUP, json!({"setup": "disable"})).await;
    assert_eq!(answer.verdict(), unavailable);
}

#[tokio::test]
async fn the_second_factor_can_be_removed() {
    let (app, authenticator) = TestApp::with_authenticator("").await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let code = authenticator.code(&app);
    browser.post(VALIDATE, json!({"code": code})).await;
    let mut browser = browser.with_csrf().await;
    let answer = browser.post(SETUP, json!({"setup": "disable"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let user = app.stored(ANA).await;
    assert_eq!((user.tf_primary_method, user.tf_totp_secret), (None, None));
    let mut browser = app.browser();
    browser.sign_in(ANA, PASSWORD).await;
    assert!(browser.is_signed_in().await);
    // One notice about the added factor, one about the removed one.
    assert_eq!(app.mails(ANA).await.len(), 2);
}

#[tokio::test]
async fn a_remembered_device_is_not_asked_again() {
    let lines = "SECURITY_TWO_FACTOR_ALWAYS_VALIDATE = false\n\
                 SECURITY_TWO_FACTOR_LOGIN_VALIDITY = \"1 day\"\n";
    let (app, authenticator) = TestApp::with_authenticator(lines).await;
    let sign_in = json!({"email": ANA, "password": PASSWORD, "remember": true});
    let mut browser = app.browser();
    browser.post("/api/accounts/login", sign_in).await;
    let code = authenticator.code(&app);
    let answer = browser.post(VALIDATE, json!({"code": code})).await;
    let cookie = answer.set_cookie("tf_validity").unwrap();
    for attribute in ["HttpOnly", "Secure", "SameSite=Strict", "Max-Age=86400"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    let mut browser = browser.with_csrf().await;
    browser.sign_out().await;
    assert!(browser.cookies.contains_key("tf_validity"));
    browser.sign_in(ANA, PASSWORD).await;
    assert!(browser.is_signed_in().await);
    // Another user's cookie, and one that is too old, spare nothing.
    app.user("bob@example.com", |draft| draft).await;
    app.give_authenticator("bob@example.com").await;
    let mut device = app.browser();
    device.cookies.clone_from(&browser.cookies);
    device.cookies.retain(|name, _| name == "tf_validity");
    let answer = device.sign_in("bob@example.com", PASSWORD).await;
    assert_eq!(answer.response()["tf_required"], true);
    app.wait(86_401);
    let answer = device.sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.response()["tf_required"], true);
}

#[tokio::test]
async fn a_device_is_remembered_only_if_the_user_asked_for_it() {
    let lines = "SECURITY_TWO_FACTOR_ALWAYS_VALIDATE = false\n";
    let (app, authenticator) = TestApp::with_authenticator(lines).await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let code = authenticator.code(&app);
    let answer = browser.post(VALIDATE, json!({"code": code})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.set_cookie("tf_validity"), None);
}

#[tokio::test]
async fn a_user_without_the_factor_gets_a_code_by_mail_or_help() {
    let lines = "SECURITY_TWO_FACTOR_RESCUE_MAIL = \"help@example.com\"\n";
    let (app, _) = TestApp::with_authenticator(lines).await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let state = browser.get(VALIDATE).await.response();
    let options = json!({"help": RESCUE, "email": RESCUE});
    assert_eq!(state["recovery_options"], options);
    assert_eq!(
        browser.get(RESCUE).await.response()["recovery_options"],
        options
    );
    for wrong in [
        json!("recovery_code"),
        json!("pigeon"),
        json!(null),
        json!(1),
    ] {
        let answer = browser.post(RESCUE, json!({"help_setup": wrong})).await;
        assert_eq!(answer.verdict(), (400, "INVALID_INPUT".into()), "{wrong}");
    }
    let answer = browser.post(RESCUE, json!({"help_setup": "help"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mails = app.mails("help@example.com").await;
    let told = mails[0].text.clone().unwrap();
    assert!(told.contains(ANA), "{told}");
    let answer = browser.post(RESCUE, json!({"help_setup": "email"})).await;
    assert_eq!(answer.response()["recovery_options"], options);
    let code = app.mailed_code(ANA).await;
    let answer = browser.post(VALIDATE, json!({"code": code})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn without_rescue_by_mail_only_help_is_offered() {
    let lines = "SECURITY_TWO_FACTOR_RESCUE_EMAIL = false\n";
    let (app, _) = TestApp::with_authenticator(lines).await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let state = browser.get(RESCUE).await.response();
    assert_eq!(state["recovery_options"], json!({"help": RESCUE}));
    let answer = browser.post(RESCUE, json!({"help_setup": "email"})).await;
    assert_eq!(answer.verdict(), (400, "INVALID_INPUT".into()));
}

#[tokio::test]
async fn registering_resetting_and_confirming_ask_for_the_second_factor_too() {
    let lines = format!(
        "{LIFE}{TWO_FACTOR}SECURITY_TWO_FACTOR_REQUIRED = true\n\
         SECURITY_AUTO_LOGIN_AFTER_RESET = true\nSECURITY_AUTO_LOGIN_AFTER_CONFIRM = true\n\
         SECURITY_LOGIN_WITHOUT_CONFIRMATION = true\n"
    );
    let app = TestApp::with(&lines).await;
    let mut browser = app.browser();
    let registration = json!({"email": "new@example.com", "username": "newbie",
        "password": PASSWORD, "password_confirm": PASSWORD});
    let answer = browser.post("/api/accounts/register", registration).await;
    assert_eq!(
        answer.response()["tf_state"],
        "setup_from_login",
        "{answer:?}"
    );
    assert!(!browser.is_signed_in().await);
    // The link of the welcome mail.
    let link = app.link("new@example.com").await;
    let mut browser = app.browser();
    let (view, query) = destination(&browser.get(&link).await);
    assert_eq!(view, "/confirmed");
    assert!(
        query.contains(&("tf_required".to_owned(), "1".to_owned())),
        "{query:?}"
    );
    assert!(!browser.is_signed_in().await);
    let mut browser = app.browser();
    let _ = browser
        .post("/api/accounts/reset", json!({"email": ANA}))
        .await;
    let link = app.link(ANA).await;
    let body = json!({"password": "correct horse", "password_confirm": "correct horse"});
    let answer = browser.post(&link, body).await;
    assert_eq!(
        answer.response()["tf_state"],
        "setup_from_login",
        "{answer:?}"
    );
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn a_sign_in_link_asks_for_the_second_factor_too() {
    for posted in [false, true] {
        let consumed = if posted { "post" } else { "get" };
        let lines = format!(
            "{LIFE}{TWO_FACTOR}SECURITY_LINKS_CONSUMED_BY = \"{consumed}\"\n\
             SECURITY_PASSWORDLESS = true\n"
        );
        let app = TestApp::with(&lines).await;
        let secret = UserPatch {
            tf_primary_method: Some(Some("email".to_owned())),
            tf_totp_secret: Some(Some(
                json!({"key": "JBSWY3DPEHPK3PXP", "type": "totp", "v": 1}).to_string(),
            )),
            ..UserPatch::default()
        };
        let (id, now) = (app.stored(ANA).await.id, app.app().clock().now());
        app.app()
            .store()
            .update_user(id, secret, now)
            .await
            .unwrap();
        let mut browser = app.browser();
        browser
            .post("/api/accounts/login", json!({"email": ANA}))
            .await;
        let link = app.link(ANA).await;
        if posted {
            let answer = browser.post(&link, json!({})).await;
            assert_eq!(answer.response()["tf_state"], "ready", "{answer:?}");
        } else {
            let (view, query) = destination(&browser.get(&link).await);
            assert_eq!(view, "/login-error");
            assert_eq!(query[0], ("tf_required".to_owned(), "1".to_owned()));
        }
        assert_eq!(browser.get("/api/accounts/authz").await.status, 401);
        // The link is used up although the sign-in is not complete.
        let mut other = app.browser();
        let again = if posted {
            other.post(&link, json!({})).await.status == 400
        } else {
            destination(&other.get(&link).await).1[0].0 == "error"
        };
        assert!(again);
        let code = app.mailed_code(ANA).await;
        let answer = browser.post(VALIDATE, json!({"code": code})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(browser.get("/api/accounts/authz").await.status, 200);
    }
}

#[tokio::test]
async fn the_application_decides_who_needs_a_second_factor() {
    let app = TestApp::built(TWO_FACTOR, |builder| {
        builder.require_second_factor(|user, state| {
            assert!(!state.remembered);
            (user.email.as_deref() == Some("boss@example.com")).then_some(true)
        })
    })
    .await;
    app.user("boss@example.com", |draft| draft).await;
    let (_, response) = app.half_signed_in("boss@example.com").await;
    assert_eq!(response["tf_state"], "setup_from_login");
    app.signed_in().await;
}

#[tokio::test]
async fn a_sign_in_from_a_new_device_is_mailed_if_the_settings_ask_for_it() {
    for limits in ["on", "off"] {
        let lines = format!("SECURITY_NEW_DEVICE_NOTICE = true\nSECURITY_LIMITS = \"{limits}\"\n");
        let app = TestApp::with(&lines).await;
        let mut browser = app.signed_in().await.with_csrf().await;
        assert_eq!(app.mails(ANA).await.len(), 1);
        browser.sign_out().await;
        browser.sign_in(ANA, PASSWORD).await;
        assert_eq!(app.mails(ANA).await.len(), 1, "the browser is known");
        app.signed_in().await;
        let mails = app.mails(ANA).await;
        assert_eq!(mails.len(), 2);
        let text = mails[1].text.clone().unwrap();
        assert!(text.contains("127.0.0.1"), "{text}");
    }
    let app = TestApp::new().await;
    app.signed_in().await;
    assert!(app.mails(ANA).await.is_empty());
}
