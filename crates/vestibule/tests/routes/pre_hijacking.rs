//! Pre-hijacking: an attacker creates an account before its rightful owner does (Sudhodanan and
//! Paverd, 2022). Each scenario ends with the attacker holding no valid credential.

use serde_json::{Value, json};

use crate::support::callers::text;
use crate::support::mails::destination;
use crate::support::{Browser, LIFE, TestApp};

const VICTIM: &str = "victim@example.com";
const ATTACKERS: &str = "the attacker's own";
const VICTIMS: &str = "the victim's own";

fn account(email: &str, password: &str) -> Value {
    json!({"email": email, "password": password, "password_confirm": password})
}

/// Every credential that the attacker may have kept.
struct Attacker<'a> {
    browser: Browser<'a>,
    token: Option<String>,
    refresh_token: Option<String>,
}

/// The attacker creates an account with the victim's address, and keeps the credentials.
async fn attacker(app: &TestApp) -> Attacker<'_> {
    let mut browser = app.browser();
    let path = "/api/accounts/register?include_auth_token";
    let answer = browser.post(path, account(VICTIM, ATTACKERS)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let user = &answer.response()["user"];
    let token = user.get("authentication_token").map(text);
    let refresh_token = user.get("refresh_token").map(text);
    Attacker {
        browser,
        token,
        refresh_token,
    }
}

impl Attacker<'_> {
    async fn holds_nothing(mut self, app: &TestApp) {
        let authz = "/api/accounts/authz";
        assert_eq!(self.browser.get(authz).await.status, 401, "no session");
        if let Some(token) = self.token {
            assert_eq!(app.bearer(&token).get(authz).await.status, 401, "no token");
        }
        if let Some(token) = self.refresh_token {
            let path = "/api/accounts/refresh-token";
            let answer = app
                .browser()
                .post(path, json!({"refresh_token": token}))
                .await;
            assert_eq!(answer.status, 400, "no family: {answer:?}");
        }
        let answer = app.browser().sign_in(VICTIM, ATTACKERS).await;
        assert_eq!(answer.status, 400, "no password");
        let answer = app.basic(VICTIM, ATTACKERS).get(authz).await;
        assert_eq!(answer.status, 401);
    }
}

/// The victim uses the last link in their mailbox to set a password, and signs in.
async fn victim_resets(app: &TestApp) {
    let link = app.link(VICTIM).await;
    assert!(link.contains("/reset/"), "{link}");
    let body = json!({"password": VICTIMS, "password_confirm": VICTIMS});
    let answer = app.browser().post(&link, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = app.browser().sign_in(VICTIM, VICTIMS).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(app.stored(VICTIM).await.confirmed_at.is_some());
}

const GENERIC: &str = "SECURITY_RETURN_GENERIC_RESPONSES = true
SECURITY_REFRESH_TOKEN = true
SECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"\n";

#[tokio::test]
async fn attack_pre_hijacking_a_victim_who_registers_and_resets_locks_the_attacker_out() {
    // With and without sign-in for unconfirmed users.
    for login in ["", "SECURITY_LOGIN_WITHOUT_CONFIRMATION = true\n"] {
        let app = TestApp::with(&format!("{LIFE}{GENERIC}{login}")).await;
        let attacker = attacker(&app).await;
        // The victim registers, and is told by mail that the account exists.
        let path = "/api/accounts/register";
        let answer = app.browser().post(path, account(VICTIM, VICTIMS)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let mail = app.mails(VICTIM).await.pop().unwrap();
        let offered = format!("{:?}{:?}", mail.text, mail.html);
        assert!(
            !offered.contains("/confirm/"),
            "confirming keeps the attacker's password: {offered}"
        );
        victim_resets(&app).await;
        attacker.holds_nothing(&app).await;
    }
}

#[tokio::test]
async fn attack_pre_hijacking_an_earlier_session_does_not_outlive_the_reset() {
    let app = TestApp::with(&format!(
        "{LIFE}SECURITY_LOGIN_WITHOUT_CONFIRMATION = true
SECURITY_REFRESH_TOKEN = true
SECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"\n"
    ))
    .await;
    let attacker = attacker(&app).await;
    let answer = app
        .browser()
        .post("/api/accounts/reset", json!({"email": VICTIM}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    victim_resets(&app).await;
    attacker.holds_nothing(&app).await;
}

#[tokio::test]
async fn attack_pre_hijacking_a_pending_change_of_address_is_void_after_the_reset() {
    let app = TestApp::with(&format!(
        "{LIFE}SECURITY_LOGIN_WITHOUT_CONFIRMATION = true\n"
    ))
    .await;
    let mut attacker = attacker(&app).await;
    attacker.browser = attacker.browser.with_csrf().await;
    let path = "/api/accounts/change-email";
    let own = "attacker@example.com";
    let answer = attacker.browser.post(path, json!({"email": own})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let trap = app.link(own).await;
    app.browser()
        .post("/api/accounts/reset", json!({"email": VICTIM}))
        .await;
    victim_resets(&app).await;
    let (view, _) = destination(&app.browser().get(&trap).await);
    assert_eq!(view, "/email-error");
    assert_eq!(app.stored(VICTIM).await.email.as_deref(), Some(VICTIM));
    attacker.holds_nothing(&app).await;
}

#[tokio::test]
async fn attack_pre_hijacking_a_change_to_an_address_registered_since_is_refused() {
    // The attacker requests a change of their own account to the victim's address.
    let app = TestApp::with(LIFE).await;
    app.user("attacker@example.com", |draft| draft).await;
    let mut attacker = app.browser();
    attacker
        .sign_in("attacker@example.com", crate::support::PASSWORD)
        .await;
    let mut attacker = attacker.with_csrf().await;
    let path = "/api/accounts/change-email";
    let answer = attacker.post(path, json!({"email": VICTIM})).await;
    assert_eq!(answer.status, 200);
    let trap = app.link(VICTIM).await;
    // The victim does not open the link, and creates an account of their own.
    let register = "/api/accounts/register";
    let answer = app.browser().post(register, account(VICTIM, VICTIMS)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let confirm = app.link(VICTIM).await;
    assert!(confirm.contains("/confirm/"), "{confirm}");
    destination(&app.browser().get(&confirm).await);
    // Opened later, the attacker's link does nothing.
    let (view, _) = destination(&app.browser().get(&trap).await);
    assert_eq!(view, "/email-error");
    assert_eq!(app.browser().sign_in(VICTIM, VICTIMS).await.status, 200);
    let stored = app.stored("attacker@example.com").await;
    assert_eq!(stored.email.as_deref(), Some("attacker@example.com"));
}

#[tokio::test]
async fn attack_pre_hijacking_the_victims_address_is_refused_as_a_username() {
    let app = TestApp::with(LIFE).await;
    let mut body = account("attacker@example.com", ATTACKERS);
    body["username"] = VICTIM.into();
    let answer = app.browser().post("/api/accounts/register", body).await;
    let codes = &answer.response()["field_error_codes"];
    assert_eq!(
        *codes,
        json!({"username": ["USERNAME_DISALLOWED_CHARACTERS"]})
    );
}
