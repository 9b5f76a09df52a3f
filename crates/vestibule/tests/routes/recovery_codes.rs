//! Recovery codes: `/mf-recovery-codes` and `/mf-recovery`.

use std::sync::Arc;

use serde_json::{Value, json};
use vestibule_store::MemoryStore;

use crate::support::callers::text;
use crate::support::codes::{TWO_FACTOR, VALIDATE};
use crate::support::mails::destination;
use crate::support::sqlite::Folder;
use crate::support::{ANA, TestApp};

const CODES: &str = "/api/accounts/mf-recovery-codes";
const RECOVERY: &str = "/api/accounts/mf-recovery";
const KEYS: &str = "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS = \
    [\"zqXlM8tm2_rzg83gYA7-Gf4VBNIQF25j3r8OJTxp-7Q=\"]\n";

fn listed(answer: &crate::support::Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let codes = answer.response()["recovery_codes"].clone();
    codes.as_array().unwrap().iter().map(text).collect()
}

/// New codes for Ana, who has an authenticator app.
async fn with_codes(extra: &str) -> (TestApp, Vec<String>) {
    let app = TestApp::with(&format!("{TWO_FACTOR}{extra}")).await;
    let codes = codes_of(&app).await;
    (app, codes)
}

async fn codes_of(app: &TestApp) -> Vec<String> {
    let mut browser = app.signed_in().await.with_csrf().await;
    browser.set_up_authenticator(app).await;
    listed(&browser.post(CODES, json!({})).await)
}

async fn recover(app: &TestApp, code: &str) -> crate::support::Answer {
    let (mut browser, _) = app.half_signed_in(ANA).await;
    browser.post(RECOVERY, json!({"code": code})).await
}

#[tokio::test]
async fn a_code_replaces_the_second_factor_once() {
    for keys in ["", KEYS] {
        let (app, codes) = with_codes(keys).await;
        assert_eq!(codes.len(), 5);
        let stored = app.stored(ANA).await.mf_recovery_codes.unwrap();
        assert_eq!(stored.contains(&codes[0]), keys.is_empty(), "{stored}");
        let (mut browser, _) = app.half_signed_in(ANA).await;
        assert_eq!(browser.get(RECOVERY).await.status, 200);
        let state = browser.get(VALIDATE).await.response();
        assert_eq!(state["recovery_options"]["recovery_code"], RECOVERY);
        let body = json!({"help_setup": "recovery_code"});
        let answer = browser.post("/api/accounts/tf-rescue", body).await;
        assert_eq!(destination(&answer).0, RECOVERY);
        let answer = browser.post(RECOVERY, json!({"code": codes[1]})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(browser.is_signed_in().await);
        let left = listed(&browser.get(CODES).await);
        let expected: Vec<&String> = codes.iter().filter(|code| **code != codes[1]).collect();
        assert_eq!(left.iter().collect::<Vec<_>>(), expected);
        let answer = recover(&app, &codes[1]).await;
        assert_eq!(answer.verdict(), (400, "INVALID_RECOVERY_CODE".into()));
        // However it is typed.
        let loose = codes[2].replace('-', " ").to_uppercase();
        assert_eq!(recover(&app, &loose).await.status, 200);
        // A notice for the factor, one for the codes, one for each used code.
        assert_eq!(app.mails(ANA).await.len(), 4);
    }
}

#[tokio::test]
async fn new_codes_replace_the_old_ones() {
    let (app, codes) = with_codes("").await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    browser.post(RECOVERY, json!({"code": codes[0]})).await;
    let mut browser = browser.with_csrf().await;
    let new = listed(&browser.post(CODES, json!({})).await);
    assert_eq!(new.len(), 5);
    assert!(new.iter().all(|code| !codes.contains(code)));
    let answer = recover(&app, &codes[3]).await;
    assert_eq!(answer.verdict(), (400, "INVALID_RECOVERY_CODE".into()));
    assert_eq!(recover(&app, &new[4]).await.status, 200);
}

#[tokio::test]
async fn wrong_codes_are_refused() {
    let (app, _) = with_codes("").await;
    for (code, expected) in [
        (json!("0000-0000-0000"), "INVALID_RECOVERY_CODE"),
        (json!("---"), "INVALID_RECOVERY_CODE"),
        (json!(""), "PASSCODE_NOT_PROVIDED"),
        (json!(null), "PASSCODE_NOT_PROVIDED"),
        (json!(123), "API_ERROR"),
        (json!(["a"]), "API_ERROR"),
    ] {
        let (mut browser, _) = app.half_signed_in(ANA).await;
        let answer = browser.post(RECOVERY, json!({"code": code})).await;
        assert_eq!(answer.verdict(), (400, expected.into()), "{code}");
        assert!(!browser.is_signed_in().await);
    }
}

#[tokio::test]
async fn codes_need_a_fresh_proof() {
    let lines =
        "SECURITY_FRESHNESS = \"10 minutes\"\nSECURITY_FRESHNESS_GRACE_PERIOD = \"1 second\"\n";
    let (app, _) = with_codes(lines).await;
    let mut browser = app.browser();
    assert_eq!(browser.get(CODES).await.status, 401);
    let app = TestApp::with(&format!("{TWO_FACTOR}{lines}")).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    app.wait(601);
    for answer in [
        browser.get(CODES).await,
        browser.post(CODES, json!({})).await,
    ] {
        assert_eq!(answer.verdict(), (401, "REAUTHENTICATION_REQUIRED".into()));
    }
    assert_eq!(app.stored(ANA).await.mf_recovery_codes, None);
}

#[tokio::test]
async fn encrypted_codes_expire() {
    let lines = format!("{KEYS}SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL = \"1 day\"\n");
    let (app, codes) = with_codes(&lines).await;
    app.wait(86_000);
    assert_eq!(recover(&app, &codes[0]).await.status, 200);
    app.wait(500);
    let answer = recover(&app, &codes[1]).await;
    assert_eq!(answer.verdict(), (400, "INVALID_RECOVERY_CODE".into()));
}

#[tokio::test]
async fn attack_race_one_of_16_concurrent_requests_signs_in_with_a_recovery_code() {
    let folder = Folder::new();
    let stores: [Arc<dyn vestibule_store::Store>; 2] = [
        Arc::new(MemoryStore::default()),
        folder.store(&vestibule_store::sql::TableNames::default()),
    ];
    for inner in stores {
        let app = TestApp::built(TWO_FACTOR, |builder| builder.datastore(inner)).await;
        let codes = codes_of(&app).await;
        let mut browsers = Vec::new();
        for _ in 0..16 {
            browsers.push(app.half_signed_in(ANA).await.0);
        }
        let requests = browsers.iter_mut().map(|browser| async {
            let answer = browser.post(RECOVERY, json!({"code": codes[0]})).await;
            answer.status == 200
        });
        let outcomes = futures_util::future::join_all(requests).await;
        assert_eq!(outcomes.iter().filter(|success| **success).count(), 1);
        let left = app.stored(ANA).await.mf_recovery_codes.unwrap();
        assert_eq!(left.split(',').count(), 4, "one code fewer");
    }
}

#[tokio::test]
async fn two_codes_used_at_the_same_time_both_work_or_one_is_tried_again() {
    let (app, codes) = with_codes("").await;
    let (mut one, _) = app.half_signed_in(ANA).await;
    let (mut other, _) = app.half_signed_in(ANA).await;
    let (first, second) = futures_util::join!(
        one.post(RECOVERY, json!({"code": codes[0]})),
        other.post(RECOVERY, json!({"code": codes[1]})),
    );
    for (answer, code) in [(first, &codes[0]), (second, &codes[1])] {
        if answer.status != 200 {
            assert_eq!(recover(&app, code).await.status, 200);
        }
    }
    let left: Value = json!(app.stored(ANA).await.mf_recovery_codes);
    assert_eq!(text(&left).split(',').count(), 3);
}

#[tokio::test]
async fn without_the_setting_there_are_no_endpoints() {
    let app = TestApp::with("SECURITY_TWO_FACTOR = true\n").await;
    for path in [CODES, RECOVERY] {
        assert_eq!(app.browser().get(path).await.status, 404, "{path}");
    }
    let app = TestApp::with("SECURITY_MULTI_FACTOR_RECOVERY_CODES = true\n").await;
    for path in [CODES, RECOVERY] {
        assert_eq!(app.browser().get(path).await.status, 404, "{path}");
    }
}
