//! Every step with codes and factors emits an event to the application and writes an entry to the
//! tamper-evident audit log, without the codes.

use serde_json::json;
use vestibule::Event;
use vestibule::program::audit::{self, Verdict};

use crate::support::callers::text;
use crate::support::codes::{self, TWO_FACTOR, VALIDATE};
use crate::support::unified::{self, PHONE, UNIFIED, VERIFY};
use crate::support::{ANA, LIFE, PASSWORD, TestApp};

const PREFIX: &str = "/api/accounts";

/// Everything that a user can do with codes and factors. Returns the events that this emits, and
/// the secrets that it needs.
async fn whole_lifecycle(app: &TestApp) -> (Vec<Event<'static>>, Vec<String>) {
    let user_id = app.stored(ANA).await.id;
    let mut events = Vec::new();
    let mut secrets = vec![PASSWORD.to_owned(), PHONE.to_owned()];
    let signed_in = |via: &'static [&'static str]| Event::SignedIn { user_id, via };

    let mut owner = app.with_session().await;
    let body = json!({"chosen_method": "sms", "phone": PHONE});
    let response = owner.post(unified::SETUP, body).await.response();
    let code = app.texted_code(PHONE).await;
    let path = format!("{}/{}", unified::SETUP, text(&response["state"]));
    secrets.extend([code.clone(), text(&response["state"])]);
    let wrong = owner.post(&path, json!({"passcode": "1"})).await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    let answer = owner.post(&path, json!({"passcode": code})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    events.extend([
        signed_in(&["password"]),
        Event::CodeSent {
            user_id,
            method: "sms",
        },
        Event::SignInMethodAdded {
            user_id,
            method: "sms",
        },
    ]);

    owner.set_up_authenticator(app).await;
    let path = format!("{PREFIX}/mf-recovery-codes");
    let response = owner.post(&path, json!({})).await.response();
    let recovery = text(&response["recovery_codes"][0]);
    secrets.push(recovery.clone());
    events.extend([
        Event::SecondFactorChanged {
            user_id,
            method: "authenticator",
        },
        Event::RecoveryCodesRenewed { user_id },
    ]);

    app.wait(60);
    app.browser().send_code(PHONE, "sms").await;
    let code = app.texted_code(PHONE).await;
    let answer = app.browser().unified(PHONE, "000000").await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let mut pending = app.browser();
    let answer = pending.unified(PHONE, code.as_str()).await;
    assert_eq!(answer.response()["tf_required"], true, "{answer:?}");
    secrets.push(code);
    for choice in ["help", "email"] {
        let path = format!("{PREFIX}/tf-rescue");
        let answer = pending.post(&path, json!({"help_setup": choice})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let wrong = pending.post(VALIDATE, json!({"code": "000000"})).await;
    assert_eq!(wrong.status, 400, "{wrong:?}");
    let code = app.mailed_code(ANA).await;
    let answer = pending.post(VALIDATE, json!({"code": code})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    secrets.push(code);
    let failed = |via| Event::SignInFailed {
        user_id: Some(user_id),
        via,
    };
    events.extend([
        Event::CodeSent {
            user_id,
            method: "sms",
        },
        failed("passcode"),
        Event::SecondFactorHelpRequested { user_id },
        Event::SecondFactorCodeSent {
            user_id,
            method: "email",
        },
        failed("authenticator"),
        signed_in(&["sms", "authenticator"]),
    ]);

    let mut pending = app.half_signed_in(ANA).await.0;
    let path = format!("{PREFIX}/mf-recovery");
    for code in ["0000-0000-0000", &recovery] {
        pending.post(&path, json!({"code": code})).await;
    }
    events.extend([
        failed("recovery_code"),
        Event::RecoveryCodeUsed { user_id, left: 4 },
        signed_in(&["password", "recovery_code"]),
    ]);

    app.wait(60);
    let passcode = json!({"passcode": app.now_of_sms(&mut owner).await});
    let answer = owner.post(VERIFY, passcode).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = json!({"delete_method": "sms"});
    assert_eq!(owner.post(unified::SETUP, body).await.status, 200);
    let body = json!({"setup": "disable"});
    assert_eq!(owner.post(codes::SETUP, body).await.status, 200);
    events.extend([
        Event::CodeSent {
            user_id,
            method: "sms",
        },
        Event::Verified {
            user_id,
            via: "sms",
        },
        Event::SignInMethodRemoved {
            user_id,
            method: "sms",
        },
        Event::SecondFactorDisabled { user_id },
    ]);
    (events, secrets)
}

impl TestApp {
    /// A code by SMS for a signed-in user.
    async fn now_of_sms(&self, owner: &mut crate::support::Browser<'_>) -> String {
        let path = format!("{VERIFY}/send-code");
        let answer = owner.post(&path, json!({"chosen_method": "sms"})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        self.texted_code(PHONE).await
    }
}

#[tokio::test]
async fn every_step_with_a_code_emits_an_event_and_writes_an_audit_entry() {
    let lines = format!(
        "{LIFE}{UNIFIED}{TWO_FACTOR}\
         SECURITY_US_MFA_REQUIRED = [\"password\", \"sms\"]\n"
    );
    let app = TestApp::with(&lines).await;
    let (expected, secrets) = whole_lifecycle(&app).await;
    assert_eq!(app.take_events(), expected);
    let user = app.stored(ANA).await;
    let store = app.app().store();
    let entries = store.audit(Some(user.id), 0, 100).await.unwrap();
    let kinds: Vec<&str> = entries.iter().map(|entry| &*entry.what.kind).collect();
    let expected: Vec<&str> = expected.iter().map(Event::kind).collect();
    assert_eq!(kinds, [&["created_by_operator"], &expected[..]].concat());
    for entry in &entries {
        let detail = entry.what.detail.clone().unwrap_or_default();
        for secret in &secrets {
            assert!(!detail.contains(secret), "{detail}");
        }
    }
    let verdict = audit::verify(app.app(), None, |_, _| {}).await.unwrap();
    assert!(matches!(verdict, Verdict::Whole { .. }), "{verdict:?}");
}
