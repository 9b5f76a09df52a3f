//! No answer of unified sign-in reveals whether an account exists, neither by its content nor by its
//! cost.

use std::sync::Arc;

use serde_json::{Value, json};
use vestibule::admin::NewAccount;
use vestibule_formats::totp::{UsSecrets, pretty_key};
use vestibule_store::{MemoryStore, UserPatch};

use crate::support::unified::{PHONE, SEND, SIGN_IN, UNIFIED, app, totp};
use crate::support::watched::Watched;
use crate::support::{ANA, LIFE, PASSWORD, TestApp};

const GENERIC: &str = "SECURITY_RETURN_GENERIC_RESPONSES = true\n";
const UNKNOWN: &str = "unknown@example.com";
const OFF: &str = "off@example.com";
const UNCONFIRMED: &str = "new@example.com";
/// A user without any method but the password.
const BARE: &str = "bare@example.com";
/// A user with a secret in plain text, and one that cannot be read.
const PLAIN: &str = "plain@example.com";

#[tokio::test]
async fn attack_flood_codes_over_the_limit_are_not_sent_and_the_answer_is_the_same() {
    let app = app(GENERIC).await;
    people(&app).await;
    for _ in 0..7 {
        for (identity, method) in [(ANA, "email"), (ANA, "sms"), (UNKNOWN, "email")] {
            let answer = app.browser().send_code(identity, method).await;
            assert_eq!(answer.members(), ["csrf_token"]);
        }
    }
    assert_eq!(
        (app.mails(ANA).await.len(), app.sms(PHONE).await.len()),
        (5, 5)
    );
}

/// Accounts in every state, and what an attacker may not tell apart.
async fn people(app: &TestApp) {
    for email in [BARE, PLAIN, OFF, UNCONFIRMED] {
        let new = |draft| NewAccount {
            active: email != OFF,
            confirmed: email != UNCONFIRMED,
            ..draft
        };
        app.user(email, new).await;
    }
    app.has(OFF, &["email", "authenticator"]).await;
    app.has(UNCONFIRMED, &["email"]).await;
    app.has(ANA, &["email", "authenticator", "sms"]).await;
    let plain = json!({"key": totp("email").key().to_base32().as_str(), "type": "totp", "v": 1});
    let secrets = json!({"email": plain.to_string(), "sms": "unreadable"});
    let patch = UserPatch {
        us_totp_secrets: Some(Some(secrets.to_string())),
        ..UserPatch::default()
    };
    app.patched(PLAIN, patch).await;
    // Ana has just used a code.
    assert_eq!(
        app.browser().unified(ANA, app.now("email")).await.status,
        200
    );
}

const PEOPLE: [&str; 6] = [ANA, OFF, UNCONFIRMED, BARE, PLAIN, UNKNOWN];

fn bodies(identity: &str) -> Vec<(&'static str, Value)> {
    let sign_in = |passcode: Value| json!({"identity": identity, "passcode": passcode});
    let send = |method: &str| json!({"identity": identity, "chosen_method": method});
    vec![
        (SIGN_IN, sign_in(json!("wrong"))),
        (SIGN_IN, sign_in(json!("000000"))),
        (SIGN_IN, sign_in(json!(null))),
        (SEND, send("email")),
        (SEND, send("sms")),
        (SEND, send("authenticator")),
    ]
}

async fn queued(app: &TestApp) -> usize {
    let now = app.app().clock().now();
    let mails = app.app().store().claim_mails("count", now, now, 1000).await;
    mails.unwrap().len()
}

#[tokio::test]
async fn attack_enumeration_known_and_unknown_identities_get_the_same_answer_for_the_same_work() {
    let mut counted: Vec<(usize, &str, Value)> = Vec::new();
    for email in PEOPLE {
        let store = Arc::new(Watched::over(Arc::new(MemoryStore::default())));
        let watched = Arc::clone(&store);
        let lines = format!("{LIFE}{UNIFIED}{GENERIC}");
        let app = TestApp::built(&lines, |builder| builder.datastore(watched)).await;
        people(&app).await;
        app.browser().unified("warm@example.com", "up").await;
        for (row, (path, body)) in bodies(email).into_iter().enumerate() {
            let (hashes, mails) = (app.app().passwords().checked(), queued(&app).await);
            let secrets = app.app().code_secret_derivations();
            store.take_calls();
            let answer = app.browser().post(path, body).await;
            let calls = store.take_calls();
            let calls: Vec<&str> = calls
                .iter()
                .map(|call| call.strip_prefix("user(").map_or(call.as_str(), |_| "user"))
                .collect();
            let mut response = answer.response();
            if let Some(token) = response.get_mut("csrf_token") {
                *token = json!("token");
            }
            let seen = json!({
                "status": answer.status.as_u16(),
                "response": response,
                "hashes": app.app().passwords().checked() - hashes,
                "secrets": app.app().code_secret_derivations() - secrets,
                "mails": queued(&app).await - mails,
                "calls": calls,
            });
            counted.push((row, email, seen));
        }
    }
    // A passcode that may be a code is compared by each of the three methods that have codes.
    let secrets =
        |row: usize| counted.iter().find(|other| other.0 == row).unwrap().2["secrets"].clone();
    assert_eq!(
        [secrets(0), secrets(1), secrets(3)],
        [json!(0), json!(3), json!(1)]
    );
    for (row, email, seen) in &counted {
        let (_, _, first) = counted.iter().find(|other| other.0 == *row).unwrap();
        assert_eq!(seen, first, "{:?} for {email}", bodies(email)[*row]);
    }
}

#[tokio::test]
async fn attack_enumeration_registering_without_a_password_takes_the_same_work() {
    let extra = format!("{GENERIC}SECURITY_PASSWORD_REQUIRED = false\n");
    let mut counted = Vec::new();
    for email in [ANA, UNKNOWN] {
        let app = app(&extra).await;
        let secrets = app.app().code_secret_derivations();
        let body = json!({"email": email});
        let answer = app.browser().post("/api/accounts/register", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        counted.push(app.app().code_secret_derivations() - secrets);
    }
    assert_eq!(counted, [1, 1]);
}

#[tokio::test]
async fn attack_enumeration_only_the_owner_of_an_account_is_sent_a_code() {
    let app = app(GENERIC).await;
    people(&app).await;
    for email in PEOPLE {
        for method in ["email", "sms"] {
            let answer = app.browser().send_code(email, method).await;
            assert_eq!(answer.members(), ["csrf_token"]);
        }
    }
    let mails = app.all_mails().await;
    let to: Vec<&str> = mails.iter().map(|mail| mail.to.as_str()).collect();
    assert_eq!(to, [ANA, PLAIN]);
    assert_eq!(app.sms(PHONE).await.len(), 1);
}

#[tokio::test]
async fn attack_enumeration_unreadable_and_plain_secrets_do_not_change_the_answer() {
    let app = app(GENERIC).await;
    let plain = format!(
        r#"{{"key":"{}","type":"totp","v":1}}"#,
        pretty_key(totp("email").key()).as_str()
    );
    for stored in [
        "{\"email\": \"garbage\"}".to_owned(),
        "garbage".to_owned(),
        {
            let mut secrets = UsSecrets::default();
            secrets.set("email", &plain);
            secrets.to_column().unwrap()
        },
    ] {
        let patch = UserPatch {
            us_totp_secrets: Some(Some(stored.clone())),
            ..UserPatch::default()
        };
        app.patched(ANA, patch).await;
        let answer = app.browser().send_code(ANA, "email").await;
        assert_eq!(answer.members(), ["csrf_token"], "{stored}");
        let answer = app.browser().unified(ANA, "000000").await;
        assert_eq!(answer.verdict(), (400, "GENERIC_AUTHN_FAILED".into()));
        // The password signs in, whatever the column holds.
        assert_eq!(app.browser().unified(ANA, PASSWORD).await.status, 200);
    }
    // A plain secret works.
    assert_eq!(
        app.browser().unified(ANA, app.now("email")).await.status,
        200
    );
}

#[tokio::test]
async fn attack_enumeration_generic_refusals_have_one_error_for_the_form() {
    let app = app(GENERIC).await;
    people(&app).await;
    for body in [
        json!({}),
        json!({"identity": ANA}),
        json!({"identity": ANA, "passcode": "wrong"}),
        json!({"identity": UNKNOWN, "passcode": "wrong"}),
        json!({"identity": OFF, "passcode": PASSWORD}),
        json!({"identity": UNCONFIRMED, "passcode": PASSWORD}),
    ] {
        let answer = app.browser().post(SIGN_IN, body.clone()).await;
        let generic = (String::new(), "GENERIC_AUTHN_FAILED".to_owned());
        assert_eq!(answer.refusal(), generic, "{body}");
    }
    for body in [
        json!({}),
        json!({"identity": ANA}),
        json!({"identity": ANA, "chosen_method": "smoke"}),
    ] {
        let answer = app.browser().post(SEND, body.clone()).await;
        assert_eq!(answer.status, 200, "{body}");
    }
    assert!(app.all_mails().await.is_empty());
}
