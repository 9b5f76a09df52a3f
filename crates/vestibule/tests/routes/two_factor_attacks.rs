//! Attacks on the second factor.

use std::sync::Arc;

use serde_json::json;
use vestibule::admin;
use vestibule_store::MemoryStore;

use crate::support::callers::text;
use crate::support::codes::{Authenticator, SETUP, TWO_FACTOR, VALIDATE};
use crate::support::mails::destination;
use crate::support::sqlite::Folder;
use crate::support::watched::{Removes, Watched};
use crate::support::{ANA, LIFE, PASSWORD, TestApp};

const RESCUE: &str = "/api/accounts/tf-rescue";
const SELECT: &str = "/api/accounts/tf-select";
const RECOVERY: &str = "/api/accounts/mf-recovery";
const BOB: &str = "bob@example.com";

fn denied() -> (u16, String) {
    (400, "TWO_FACTOR_PERMISSION_DENIED".to_owned())
}

#[tokio::test]
async fn attack_second_factor_bypass_no_step_works_without_the_first_factor() {
    let (app, authenticator) = TestApp::with_authenticator("").await;
    let code = authenticator.code(&app);
    for (path, body) in [
        (VALIDATE, json!({"code": code})),
        (SETUP, json!({"setup": "email"})),
        (RESCUE, json!({"help_setup": "email"})),
        (SELECT, json!({"which": "authenticator"})),
        (RECOVERY, json!({"code": "0000-0000-0000"})),
    ] {
        let mut browser = app.browser();
        assert_eq!(browser.get(path).await.verdict(), denied(), "{path}");
        assert_eq!(browser.post(path, body).await.verdict(), denied(), "{path}");
    }
    assert_eq!(
        app.all_mails().await.len(),
        1,
        "the notice about the set-up"
    );
}

#[tokio::test]
async fn attack_second_factor_bypass_a_user_with_a_factor_cannot_set_up_another_to_sign_in() {
    let lines = "SECURITY_TWO_FACTOR_REQUIRED = true\n";
    let app = TestApp::with(&format!("{TWO_FACTOR}{lines}")).await;
    // An attacker with the password begins to set up a factor while there is none.
    let (mut attacker, _) = app.half_signed_in(ANA).await;
    let answer = attacker
        .post(SETUP, json!({"setup": "authenticator"}))
        .await;
    let own = Authenticator::with_key(&text(&answer.response()["tf_authr_b32key"]));
    let waiting = attacker.clone();
    // The owner is faster.
    let (mut owner, _) = app.half_signed_in(ANA).await;
    let answer = owner.post(SETUP, json!({"setup": "authenticator"})).await;
    let owners = Authenticator::with_key(&text(&answer.response()["tf_authr_b32key"]));
    let answer = owner
        .post(VALIDATE, json!({"code": owners.code(&app)}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let stored = app.stored(ANA).await;

    let answer = attacker
        .post(VALIDATE, json!({"code": own.code(&app)}))
        .await;
    assert_eq!(answer.verdict(), denied());
    let mut again = waiting;
    let answer = again.post(SETUP, json!({"setup": "authenticator"})).await;
    assert_eq!(answer.verdict(), denied());
    // And one who signs in now has to show the owner's factor.
    let (mut browser, response) = app.half_signed_in(ANA).await;
    assert_eq!(response["tf_state"], "ready");
    let answer = browser.post(SETUP, json!({"setup": "authenticator"})).await;
    assert_eq!(answer.verdict(), denied());
    assert_eq!(app.stored(ANA).await.tf_totp_secret, stored.tf_totp_secret);
}

#[tokio::test]
async fn attack_totp_replay_a_code_works_once_wherever_it_is_shown() {
    let (app, authenticator) = TestApp::with_authenticator("").await;
    let wrong = (400, "TWO_FACTOR_INVALID_TOKEN".to_owned());
    let code = authenticator.code(&app);
    let (mut first, _) = app.half_signed_in(ANA).await;
    let (mut second, _) = app.half_signed_in(ANA).await;
    assert_eq!(
        first.post(VALIDATE, json!({"code": code})).await.status,
        200
    );
    let answer = second.post(VALIDATE, json!({"code": code})).await;
    assert_eq!(answer.verdict(), wrong);
    // The code before it, within the window, was used by the set-up.
    app.wait(30);
    let (mut third, _) = app.half_signed_in(ANA).await;
    for written in [
        code.clone(),
        format!(" {code}"),
        format!("{} {}", &code[..3], &code[3..]),
    ] {
        let answer = third.post(VALIDATE, json!({"code": written})).await;
        assert_eq!(answer.verdict(), wrong, "{written:?}");
    }
    let answer = third
        .post(VALIDATE, json!({"code": authenticator.code(&app)}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn attack_totp_replay_one_of_16_concurrent_requests_signs_in_with_a_code() {
    let folder = Folder::new();
    let stores: [Arc<dyn vestibule_store::Store>; 2] = [
        Arc::new(MemoryStore::default()),
        folder.store(&vestibule_store::sql::TableNames::default()),
    ];
    for inner in stores {
        let app = TestApp::built(TWO_FACTOR, |builder| builder.datastore(inner)).await;
        let authenticator = app.give_authenticator(ANA).await;
        let mut browsers = Vec::new();
        for _ in 0..16 {
            browsers.push(app.half_signed_in(ANA).await.0);
        }
        let code = authenticator.code(&app);
        let requests = browsers.iter_mut().map(|browser| async {
            browser.post(VALIDATE, json!({"code": code})).await.status == 200
        });
        let outcomes = futures_util::future::join_all(requests).await;
        let succeeded = outcomes.iter().filter(|success| **success).count();
        assert_eq!(succeeded, 1);
        let mut signed_in = 0;
        for browser in &mut browsers {
            signed_in += usize::from(browser.is_signed_in().await);
        }
        assert_eq!(signed_in, 1);
    }
}

#[tokio::test]
async fn attack_race_a_code_is_refused_if_the_password_changes_between_check_and_use() {
    let store = Arc::new(Watched::without(
        Arc::new(MemoryStore::default()),
        Removes::Nothing,
        1,
    ));
    let app = TestApp::built(TWO_FACTOR, |builder| builder.datastore(store)).await;
    let authenticator = app.give_authenticator(ANA).await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let user = app.stored(ANA).await;
    admin::reset_access(app.app(), &user).await.unwrap();
    let answer = browser
        .post(VALIDATE, json!({"code": authenticator.code(&app)}))
        .await;
    assert_eq!(answer.verdict(), denied());
    assert!(!browser.is_signed_in().await);
}

#[tokio::test]
async fn attack_account_state_a_user_deactivated_half_way_is_not_signed_in() {
    let (app, authenticator) = TestApp::with_authenticator("").await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let user = app.stored(ANA).await;
    admin::set_active(app.app(), &user, false).await.unwrap();
    let body = json!({"code": authenticator.code(&app)});
    let answer = browser.post(VALIDATE, body.clone()).await;
    assert_eq!(answer.verdict(), denied());
    // Reactivating the account does not revive the sign-in.
    let user = app.stored(ANA).await;
    admin::set_active(app.app(), &user, true).await.unwrap();
    assert_eq!(browser.post(VALIDATE, body).await.verdict(), denied());
}

#[tokio::test]
async fn attack_session_residue_a_pending_sign_in_expires_and_ends_with_signing_out() {
    let (app, authenticator) = TestApp::with_authenticator("").await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    app.wait(30 * 60 + 1);
    let body = json!({"code": authenticator.code(&app)});
    assert_eq!(browser.post(VALIDATE, body).await.verdict(), denied());
    for signs_out in [true, false] {
        let (mut browser, _) = app.half_signed_in(ANA).await;
        let ended = if signs_out {
            browser.sign_out().await
        } else {
            browser.get("/api/accounts/login").await
        };
        assert_eq!(ended.status, 200, "{ended:?}");
        let body = json!({"code": authenticator.code(&app)});
        let answer = browser.post(VALIDATE, body).await;
        assert_eq!(answer.verdict(), denied(), "signs out: {signs_out}");
    }
}

#[tokio::test]
async fn attack_session_residue_validating_with_nothing_pending_signs_no_user_out() {
    let (app, _) = TestApp::with_authenticator("").await;
    app.user(BOB, |draft| draft).await;
    let mut browser = app.browser();
    browser.sign_in(BOB, PASSWORD).await;
    let mut browser = browser.with_csrf().await;
    let answer = browser.post(VALIDATE, json!({"code": "123456"})).await;
    assert_eq!(answer.verdict(), denied());
    assert!(browser.is_signed_in().await);
}

#[tokio::test]
async fn attack_session_residue_a_pending_sign_in_replaces_the_session_of_another_user() {
    // A browser in which Bob is signed in confirms Ana's address with her link.
    let lines = format!(
        "{LIFE}SECURITY_AUTO_LOGIN_AFTER_CONFIRM = true\nSECURITY_TWO_FACTOR_REQUIRED = true\n"
    );
    let app = TestApp::with(&format!("{TWO_FACTOR}{lines}")).await;
    app.user("new@example.com", |draft| admin::NewAccount {
        confirmed: false,
        ..draft
    })
    .await;
    let mut browser = app.browser();
    let body = json!({"email": "new@example.com"});
    browser.post("/api/accounts/confirm", body).await;
    let link = app.link("new@example.com").await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    destination(&browser.get(&link).await);
    // What waits now is the sign-in of the user of the link.
    let answer = browser.post(SETUP, json!({"setup": "authenticator"})).await;
    assert_eq!(answer.response()["tf_authr_username"], "new@example.com");
}

#[tokio::test]
async fn attack_wrong_person_a_set_up_token_of_another_user_is_refused() {
    let app = TestApp::with(TWO_FACTOR).await;
    app.user(BOB, |draft| draft).await;
    let mut attacker = app.browser();
    attacker.sign_in(BOB, PASSWORD).await;
    let mut attacker = attacker.with_csrf().await;
    let answer = attacker
        .post(SETUP, json!({"setup": "authenticator"}))
        .await
        .response();
    let authenticator = Authenticator::with_key(&text(&answer["tf_authr_b32key"]));
    let path = format!("{SETUP}/{}", text(&answer["tf_state_token"]));
    let mut victim = app.signed_in().await.with_csrf().await;
    let body = json!({"code": authenticator.code(&app)});
    let answer = victim.post(&path, body.clone()).await;
    assert_eq!(answer.verdict(), (400, "API_ERROR".into()));
    assert_eq!(app.stored(ANA).await.tf_totp_secret, None);
    assert_eq!(attacker.post(&path, body).await.status, 200);
}

#[tokio::test]
async fn attack_expired_or_foreign_set_up_tokens_are_refused() {
    let app = TestApp::with(TWO_FACTOR).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    let answer = browser.post(SETUP, json!({"setup": "authenticator"})).await;
    let token = text(&answer.response()["tf_state_token"]);
    for foreign in [
        "x",
        "a.b.c",
        &token[..token.len() - 1],
        &format!("{token}x"),
    ] {
        let path = format!("{SETUP}/{foreign}");
        let answer = browser.post(&path, json!({"code": "123456"})).await;
        assert_eq!(answer.verdict(), (400, "API_ERROR".into()), "{foreign}");
    }
    app.wait(30 * 60 + 1);
    let path = format!("{SETUP}/{token}");
    let answer = browser.post(&path, json!({"code": "123456"})).await;
    assert_eq!(answer.verdict(), (400, "TWO_FACTOR_SETUP_EXPIRED".into()));
}

#[tokio::test]
async fn attack_freshness_the_second_factor_changes_only_with_a_fresh_proof() {
    let lines =
        "SECURITY_FRESHNESS = \"10 minutes\"\nSECURITY_FRESHNESS_GRACE_PERIOD = \"1 second\"\n";
    let (app, authenticator) = TestApp::with_authenticator(lines).await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    browser
        .post(VALIDATE, json!({"code": authenticator.code(&app)}))
        .await;
    let mut browser = browser.with_csrf().await;
    app.wait(601);
    for body in [json!({"setup": "disable"}), json!({"setup": "email"})] {
        let answer = browser.post(SETUP, body).await;
        assert_eq!(answer.verdict(), (401, "REAUTHENTICATION_REQUIRED".into()));
    }
    let user = app.stored(ANA).await;
    assert_eq!(user.tf_primary_method.as_deref(), Some("authenticator"));
}

#[tokio::test]
async fn attack_one_caller_a_session_beside_a_token_does_not_learn_of_its_set_up() {
    let app = TestApp::with(&format!(
        "{TWO_FACTOR}SECURITY_FRESHNESS_ALLOW_AUTH_TOKEN = true\n"
    ))
    .await;
    app.user(BOB, |draft| draft).await;
    let token = app.auth_token(BOB).await;
    // The session is Ana's; the token is Bob's and comes first only where no session is accepted.
    let mut both = app.bearer(&token).with_csrf().await;
    let answer = both.post(SETUP, json!({"setup": "authenticator"})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let mut browser = app.browser();
    browser.cookies = both.cookies;
    let answer = browser.get(VALIDATE).await;
    assert_eq!(answer.verdict(), denied());
}

#[tokio::test]
async fn attack_same_channel_the_mailbox_that_reset_the_password_is_no_second_factor() {
    let lines = format!(
        "{LIFE}{TWO_FACTOR}SECURITY_AUTO_LOGIN_AFTER_RESET = true\n\
         SECURITY_TWO_FACTOR_SAME_CHANNEL = \"refuse\"\n"
    );
    let app = TestApp::with(&lines).await;
    app.give_authenticator(ANA).await;
    let mut browser = app.browser();
    let _ = browser
        .post("/api/accounts/reset", json!({"email": ANA}))
        .await;
    let link = app.link(ANA).await;
    let body = json!({"password": "correct horse", "password_confirm": "correct horse"});
    let answer = browser.post(&link, body).await;
    assert_eq!(answer.response()["tf_state"], "ready", "{answer:?}");
    // The code of the authenticator app is not mailed to the same mailbox.
    let state = browser.get(RESCUE).await.response();
    assert_eq!(state["recovery_options"], json!({"help": RESCUE}));
    let answer = browser.post(RESCUE, json!({"help_setup": "email"})).await;
    assert_eq!(answer.verdict(), (400, "INVALID_INPUT".into()));
}

#[tokio::test]
async fn attack_secrets_no_reply_or_cookie_of_a_pending_sign_in_holds_the_key() {
    let (app, authenticator) = TestApp::with_authenticator("").await;
    let (mut browser, response) = app.half_signed_in(ANA).await;
    let stored = app.stored(ANA).await.tf_totp_secret.unwrap();
    assert!(
        !stored.contains("\"key\""),
        "the key is stored encrypted: {stored}"
    );
    let state = browser.get(VALIDATE).await;
    for shown in [response.to_string(), state.text] {
        assert!(!shown.contains("authr"), "{shown}");
        assert!(!shown.contains(&stored), "{shown}");
    }
    assert!(!browser.cookies["session"].contains(&stored));
    let _ = authenticator;
}

#[tokio::test]
async fn attack_factor_brute_force_wrong_codes_are_limited_for_all_sign_ins_together() {
    let (app, authenticator) = TestApp::with_authenticator("").await;
    let mut tried = 0;
    let mut browsers = Vec::new();
    for _ in 0..40 {
        browsers.push(app.half_signed_in(ANA).await.0);
    }
    let requests = browsers.iter_mut().map(|browser| async {
        let answer = browser.post(VALIDATE, json!({"code": "000000"})).await;
        match answer.verdict() {
            (400, code) => assert_eq!(code, "TWO_FACTOR_INVALID_TOKEN"),
            (429, code) => {
                assert_eq!(code, "TOO_MANY_ATTEMPTS");
                assert!(answer.headers.contains_key("retry-after"));
            }
            other => panic!("{other:?}"),
        }
        answer.status == 400
    });
    for compared in futures_util::future::join_all(requests).await {
        tried += usize::from(compared);
    }
    assert_eq!(tried, 5, "the limit of SECURITY_LIMIT_CODE");
    // The right code is refused as well, from every client, until the window has passed.
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let body = json!({"code": authenticator.code(&app)});
    let answer = browser.post(VALIDATE, body).await;
    assert_eq!(answer.verdict(), (429, "TOO_MANY_ATTEMPTS".into()));
    app.wait(15 * 60 + 1);
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let body = json!({"code": authenticator.code(&app)});
    assert_eq!(browser.post(VALIDATE, body).await.status, 200);
}

#[tokio::test]
async fn attack_factor_brute_force_repeating_a_used_code_does_not_clear_the_counter() {
    let (app, authenticator) = TestApp::with_authenticator("").await;
    let used = authenticator.code(&app);
    let (mut browser, _) = app.half_signed_in(ANA).await;
    browser.post(VALIDATE, json!({"code": used})).await;
    let mut compared = 0;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    for guess in 0..20 {
        let code = if guess % 2 == 0 {
            "000000"
        } else {
            used.as_str()
        };
        let answer = browser.post(VALIDATE, json!({"code": code})).await;
        compared += usize::from(answer.status == 400);
    }
    assert_eq!(compared, 5);
}

#[tokio::test]
async fn attack_factor_brute_force_recovery_codes_share_the_limit_of_passwords() {
    let (app, _) = TestApp::with_authenticator("").await;
    let (mut browser, _) = app.half_signed_in(ANA).await;
    let mut compared = 0;
    for guess in 0..15 {
        let body = json!({"code": format!("0000-0000-{guess:04}")});
        let answer = browser.post(RECOVERY, body).await;
        compared += usize::from(answer.status == 400);
    }
    assert_eq!(compared, 10, "the limit of SECURITY_LIMIT_PASSWORD");
    let answer = app.browser().sign_in(ANA, PASSWORD).await;
    assert_eq!(answer.verdict(), (429, "TOO_MANY_ATTEMPTS".into()));
}

#[tokio::test]
async fn attack_factor_brute_force_the_first_code_of_a_number_cannot_be_guessed() {
    let app = TestApp::with(TWO_FACTOR).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    let body = json!({"setup": "sms", "phone": "+14155550123"});
    let answer = browser.post(SETUP, body).await;
    let path = format!("{SETUP}/{}", text(&answer.response()["tf_state_token"]));
    let mut compared = 0;
    for guess in 0..12 {
        let code = format!("{guess:06}");
        let path = if guess % 2 == 0 { &path } else { VALIDATE };
        let answer = browser.post(path, json!({"code": code})).await;
        compared += usize::from(answer.status == 400);
    }
    assert_eq!(compared, 5);
}

#[tokio::test]
async fn attack_limiter_sms_to_one_number_are_limited() {
    let app = TestApp::with(TWO_FACTOR).await;
    let mut browser = app.signed_in().await.with_csrf().await;
    for phone in ["+14155550123", "(415) 555-0123"].iter().cycle().take(12) {
        let body = json!({"setup": "sms", "phone": phone});
        assert_eq!(browser.post(SETUP, body).await.status, 200);
    }
    assert_eq!(app.sms("+14155550123").await.len(), 5);
}

#[tokio::test]
async fn attack_crash_by_odd_input_no_endpoint_fails_for_a_pending_sign_in() {
    let (app, _) = TestApp::with_authenticator("SECURITY_UNIFIED_SIGNIN = true\n").await;
    let (pending, response) = app.half_signed_in(ANA).await;
    let pending = pending.header("x-xsrf-token", &text(&response["csrf_token"]));
    let anonymous = app.browser();
    let odd = [
        json!(null),
        json!([]),
        json!({}),
        json!(1e300),
        json!(-1),
        json!(true),
        json!("\u{0}"),
        json!("x".repeat(10_000)),
        json!("٠١٢٣٤٥"),
        json!([["sms"], null]),
    ];
    let fields = [
        "code",
        "passcode",
        "identity",
        "chosen_method",
        "delete_method",
        "setup",
        "phone",
        "which",
        "help_setup",
        "id",
    ];
    for (path, item) in app.document()["paths"].as_object().unwrap() {
        if item.get("post").is_none() {
            continue;
        }
        let path = format!("/api/accounts{}", path.replace("{token}", "a.b.c"));
        for value in &odd {
            let body: serde_json::Map<String, serde_json::Value> = fields
                .iter()
                .map(|field| ((*field).to_owned(), value.clone()))
                .collect();
            for browser in [&pending, &anonymous] {
                let body = serde_json::Value::Object(body.clone());
                let answer = browser.clone().post(&path, body).await;
                assert!(answer.status.as_u16() < 500, "{path} {value}: {answer:?}");
            }
        }
    }
}
