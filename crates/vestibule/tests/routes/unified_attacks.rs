//! Attacks on unified sign-in: replayed codes, links that others open, guesses, and sign-ins without a
//! second factor.

use http::Method;
use serde_json::json;
use vestibule_store::UserPatch;

use crate::support::callers::text;
use crate::support::mails::destination;
use crate::support::unified::{UNIFIED, VERIFY, VERIFY_SEND, app, totp, wallet};
use crate::support::{ANA, LIFE, PASSWORD, TestApp};

const UNKNOWN: &str = "unknown@example.com";
const REFUSED: &str = "INVALID_PASSWORD_CODE";

#[tokio::test]
async fn attack_replayed_code_is_refused_at_every_endpoint() {
    let app = app("").await;
    app.has(ANA, &["authenticator", "email"]).await;
    let mut browser = app.with_session().await;
    // First at sign-in, then at the others.
    let code = app.now("authenticator");
    assert_eq!(app.browser().unified(ANA, code.as_str()).await.status, 200);
    let answer = app.browser().unified(ANA, code.as_str()).await;
    assert_eq!(answer.refusal().1, REFUSED);
    let answer = browser.post(VERIFY, json!({"passcode": code})).await;
    assert_eq!(answer.refusal().1, REFUSED);
    // First to verify, then at the others.
    let code = app.now("email");
    let answer = browser.post(VERIFY, json!({"passcode": code})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = browser.post(VERIFY, json!({"passcode": code})).await;
    assert_eq!(answer.refusal().1, REFUSED);
    let answer = app.browser().unified(ANA, code.as_str()).await;
    assert_eq!(answer.refusal().1, REFUSED);
    let id = app.stored(ANA).await.fs_uniquifier;
    let link = format!("/api/accounts/us-verify-link?id={id}&code={code}");
    assert_eq!(
        destination(&app.browser().get(&link).await).0,
        "/login-error"
    );
}

#[tokio::test]
async fn attack_single_use_of_64_simultaneous_sign_ins_with_a_code_one_succeeds() {
    let app = app("SECURITY_LIMITS = \"off\"\n").await;
    app.has(ANA, &["email"]).await;
    let code = app.now("email");
    let signing_in = (0..64).map(|_| {
        let (mut browser, code) = (app.browser(), code.clone());
        async move { browser.unified(ANA, code).await.status.as_u16() }
    });
    let statuses = futures_util::future::join_all(signing_in).await;
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 63);
}

#[tokio::test]
async fn two_codes_of_one_time_step_both_work_once() {
    let app = app("").await;
    app.has(ANA, &["email"]).await;
    let mut codes = Vec::new();
    for _ in 0..2 {
        assert_eq!(app.browser().send_code(ANA, "email").await.status, 200);
        let code = app.mailed_code(ANA).await;
        assert!(!codes.contains(&code));
        assert_eq!(app.browser().unified(ANA, code.as_str()).await.status, 200);
        codes.push(code);
    }
    for code in codes {
        assert_eq!(app.browser().unified(ANA, code).await.refusal().1, REFUSED);
    }
}

#[tokio::test]
async fn attack_wrong_state_unconfirmed_and_deactivated_users_are_refused_at_the_link() {
    let app = app("").await;
    let change = |confirmed: bool, active: bool| UserPatch {
        confirmed_at: (!confirmed).then_some(None),
        active: Some(active),
        ..UserPatch::default()
    };
    for (confirmed, active) in [(false, true), (true, false)] {
        let email = format!("{confirmed}@example.com");
        app.user(&email, |draft| draft).await;
        app.has(&email, &["email"]).await;
        app.browser().send_code(&email, "email").await;
        let link = app.link(&email).await;
        app.patched(&email, change(confirmed, active)).await;
        let mut browser = app.browser();
        let (view, query) = destination(&browser.get(&link).await);
        assert_eq!(
            (view.as_str(), query.len()),
            ("/login-error", 1),
            "{query:?}"
        );
        assert!(!browser.is_authorised().await);
    }
}

#[tokio::test]
async fn attack_link_scanner_a_head_request_does_not_use_the_link() {
    let app = app("").await;
    app.has(ANA, &["email"]).await;
    app.browser().send_code(ANA, "email").await;
    let link = app.link(ANA).await;
    app.take_events();
    for _ in 0..3 {
        let mut scanner = app.browser();
        let answer = scanner.send(Method::HEAD, &link, None, Vec::new()).await;
        assert_eq!(answer.status, 302);
        assert!(!scanner.is_authorised().await);
    }
    assert_eq!(app.take_events(), []);
    assert_eq!(destination(&app.browser().get(&link).await).0, "/in");
}

#[tokio::test]
async fn attack_link_scanner_with_links_consumed_by_post_only_a_post_signs_in() {
    let app = app("SECURITY_LINKS_CONSUMED_BY = \"post\"\n").await;
    let user = app.has(ANA, &["email"]).await;
    app.browser().send_code(ANA, "email").await;
    let (link, code) = (app.link(ANA).await, app.mailed_code(ANA).await);
    for method in [Method::GET, Method::HEAD] {
        let mut scanner = app.browser();
        let answer = scanner.send(method, &link, None, Vec::new()).await;
        let (view, query) = destination(&answer);
        assert_eq!(view, "/in");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            query,
            [pair("id", &user.fs_uniquifier), pair("code", &code)]
        );
        assert!(!scanner.is_authorised().await);
    }
    let path = "/api/accounts/us-verify-link";
    let body = json!({"id": user.fs_uniquifier, "code": code});
    let mut browser = app.browser();
    let answer = browser
        .post(&format!("{path}?include_auth_token"), body.clone())
        .await;
    assert_eq!(answer.members(), ["csrf_token", "tf_required", "user"]);
    text(&answer.response()["user"]["authentication_token"]);
    assert!(browser.is_authorised().await);
    let answer = app.browser().post(path, body).await;
    assert_eq!(answer.verdict(), (400, "INVALID_CODE".into()));
    for body in [
        json!({}),
        json!({"id": 7, "code": "123456"}),
        json!({"id": "x"}),
    ] {
        let answer = app.browser().post(path, body).await;
        assert_eq!(answer.verdict(), (400, "API_ERROR".into()));
    }
    // Without the setting, there is nothing to post to.
    let app = self::app("").await;
    let answer = app.browser().post(path, json!({})).await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn attack_sign_in_csrf_a_cross_site_image_or_frame_does_not_sign_in() {
    let app = app("").await;
    app.has(ANA, &["email"]).await;
    app.browser().send_code(ANA, "email").await;
    let link = app.link(ANA).await;
    for (mode, dest) in [("no-cors", "image"), ("navigate", "iframe")] {
        let mut lured = app
            .browser()
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", mode)
            .header("sec-fetch-dest", dest);
        let answer = lured.get(&link).await;
        assert_eq!(
            answer.verdict(),
            (403, "CROSS_SITE_REQUEST".into()),
            "{dest}"
        );
    }
    assert_eq!(destination(&app.browser().get(&link).await).0, "/in");
}

#[tokio::test]
async fn attack_session_fixation_a_link_does_not_replace_a_session() {
    let app = app("").await;
    app.user("bo@example.com", |draft| draft).await;
    app.has("bo@example.com", &["email"]).await;
    app.browser().send_code("bo@example.com", "email").await;
    let link = app.link("bo@example.com").await;
    let mut ana = app.with_session().await;
    let before = ana.session_state();
    let (view, query) = destination(&ana.get(&link).await);
    assert_eq!((view.as_str(), query.len()), ("/in", 0));
    assert_eq!(ana.session_state(), before);
    let mut program = ana.clone().header("accept", "application/json");
    let answer = program.get(&link).await;
    assert_eq!(answer.verdict(), (400, "ANONYMOUS_USER_REQUIRED".into()));
}

#[tokio::test]
async fn attack_enumeration_an_old_link_does_not_reveal_the_users_new_address() {
    let app = app("").await;
    app.has(ANA, &["email"]).await;
    app.browser().send_code(ANA, "email").await;
    let link = app.link(ANA).await;
    let patch = UserPatch {
        email: Some("secret-new@example.com".to_owned()),
        ..UserPatch::default()
    };
    let user = app.stored(ANA).await;
    let now = app.app().clock().now();
    let store = app.app().store();
    assert!(store.update_user(user.id, patch, now).await.unwrap());
    app.wait(1000);
    let (view, query) = destination(&app.browser().get(&link).await);
    assert_eq!(
        (view.as_str(), query.len()),
        ("/login-error", 1),
        "{query:?}"
    );
    assert!(!query[0].1.contains("secret-new"), "{query:?}");
}

/// Makes Ana's second factor an authenticator app.
async fn with_second_factor(extra: &str) -> TestApp {
    let app = app(&format!("SECURITY_TWO_FACTOR = true\n{extra}")).await;
    app.has(ANA, &["email", "authenticator", "sms"]).await;
    let secret = wallet().seal(&totp("second"), &[9; vestibule_formats::totp::SALT_BYTES]);
    let patch = UserPatch {
        tf_primary_method: Some(Some("authenticator".to_owned())),
        tf_totp_secret: Some(Some(secret)),
        ..UserPatch::default()
    };
    app.patched(ANA, patch).await;
    app
}

#[tokio::test]
async fn attack_second_factor_bypass_after_a_password_or_a_mailed_code_it_is_due() {
    let app = with_second_factor("").await;
    for passcode in [PASSWORD.to_owned(), app.now("email")] {
        let mut browser = app.browser();
        let answer = browser.unified(ANA, passcode).await;
        assert_eq!(answer.status, 200);
        let response = answer.response();
        assert_eq!(response["tf_required"], true, "{answer:?}");
        assert_eq!(response["tf_state"], "ready");
        assert!(!browser.is_authorised().await);
        let code = totp("second").generate(app.app().unix_now());
        let body = json!({"code": code.as_str()});
        let answer = browser.post("/api/accounts/tf-validate", body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(browser.is_authorised().await);
        app.wait(30);
    }
    // By default, the others are proof enough.
    for method in ["authenticator", "sms"] {
        let mut browser = app.browser();
        let answer = browser.unified(ANA, app.now(method)).await;
        assert_eq!(answer.response()["tf_required"], false);
        assert!(browser.is_authorised().await);
    }
}

#[tokio::test]
async fn attack_second_factor_bypass_after_a_link_it_is_due() {
    let app = with_second_factor("").await;
    app.browser().send_code(ANA, "email").await;
    let link = app.link(ANA).await;
    let mut browser = app.browser();
    let (view, query) = destination(&browser.get(&link).await);
    assert_eq!(view, "/login-error");
    assert_eq!(query[0], ("tf_required".to_owned(), "1".to_owned()));
    assert!(!browser.is_authorised().await);
    let code = totp("second").generate(app.app().unix_now());
    let body = json!({"code": code.as_str()});
    let answer = browser.post("/api/accounts/tf-validate", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(browser.is_authorised().await);
    // The link was consumed with the first factor.
    assert_eq!(
        destination(&app.browser().get(&link).await).0,
        "/login-error"
    );
}

#[tokio::test]
async fn attack_brute_force_passcodes_are_limited_for_known_and_unknown_identities() {
    for (passcode, allowed) in [("000000", 5), ("wrong", 10)] {
        let app = app("").await;
        app.has(ANA, &["email", "authenticator"]).await;
        for identity in [ANA, UNKNOWN] {
            for _ in 0..allowed {
                let answer = app.browser().unified(identity, passcode).await;
                assert_eq!(answer.status, 400, "{answer:?}");
            }
            let answer = app.browser().unified(identity, passcode).await;
            let verdict = (429, "TOO_MANY_ATTEMPTS".to_owned());
            assert_eq!(answer.verdict(), verdict, "{identity} {passcode}");
        }
        // Even the right one is not compared.
        let right = match passcode {
            "wrong" => PASSWORD.to_owned(),
            _ => app.now("email"),
        };
        let answer = app.browser().unified(ANA, right).await;
        assert_eq!(answer.status, 429, "{passcode}");
    }
}

#[tokio::test]
async fn attack_factor_brute_force_a_first_factor_clears_no_count_of_wrong_codes() {
    let app = with_second_factor("").await;
    // An attacker who reads the mailbox signs in by mail code before each guess.
    for _ in 0..5 {
        app.browser().send_code(ANA, "email").await;
        let code = app.mailed_code(ANA).await;
        let mut browser = app.browser();
        let answer = browser.unified(ANA, code).await;
        assert_eq!(answer.response()["tf_required"], true, "{answer:?}");
        let body = json!({"code": "000000"});
        let answer = browser.post("/api/accounts/tf-validate", body).await;
        assert_eq!(answer.status, 400, "{answer:?}");
        app.wait(30);
    }
    app.browser().send_code(ANA, "email").await;
    let answer = app.browser().unified(ANA, app.now("email")).await;
    assert_eq!(answer.verdict(), (429, "TOO_MANY_ATTEMPTS".into()));
}

#[tokio::test]
async fn attack_factor_brute_force_a_complete_sign_in_clears_the_count_of_wrong_codes() {
    let app = app("").await;
    app.has(ANA, &["email"]).await;
    for _ in 0..2 {
        for _ in 0..4 {
            assert_eq!(app.browser().unified(ANA, "000000").await.status, 400);
        }
        assert_eq!(
            app.browser().unified(ANA, app.now("email")).await.status,
            200
        );
        app.wait(30);
    }
}

#[tokio::test]
async fn attack_wrong_person_a_token_beside_a_session_makes_it_not_fresh_at_us_verify() {
    let extra = "SECURITY_API_ENABLED_METHODS = [\"session\", \"token\"]\n";
    let app = app(extra).await;
    app.user("bo@example.com", |draft| draft).await;
    app.has("bo@example.com", &["email"]).await;
    let token = app.auth_token("bo@example.com").await;
    let mut browser = app
        .with_session()
        .await
        .header("authentication-token", &token);
    app.wait(100);
    let before = browser.session_state();
    let answer = browser.post(VERIFY, json!({"passcode": PASSWORD})).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(browser.session_state(), before);
    let answer = browser
        .post(VERIFY_SEND, json!({"chosen_method": "email"}))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(app.mails("bo@example.com").await.len(), 1);
    assert!(app.mails(ANA).await.is_empty());
}

#[tokio::test]
async fn attack_csrf_verifying_and_setting_up_need_the_token() {
    let lines = format!("{LIFE}{UNIFIED}");
    let app = TestApp::with(&lines).await;
    let mut browser = app.with_session().await;
    browser.headers.remove("x-xsrf-token");
    for path in [
        VERIFY,
        VERIFY_SEND,
        "/api/accounts/us-setup",
        "/api/accounts/us-setup/x",
    ] {
        let answer = browser.post(path, json!({})).await;
        assert_eq!(
            answer.verdict(),
            (400, "CSRF_TOKEN_MISSING".into()),
            "{path}"
        );
    }
}
