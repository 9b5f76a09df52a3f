//! `/refresh-token`: the exchange of refresh tokens, and how their families end.

use http::Method;
use serde_json::json;
use vestibule::admin;
use vestibule::{Event, FamilyEnd};
use vestibule_formats::refresh_token::RefreshTokenCodec;
use vestibule_formats::sign::KeyRing;

use crate::support::callers::{SECRET_KEY, text};
use crate::support::{ANA, Answer, Browser, PASSWORD, TestApp};

const REFRESH: &str = "/api/accounts/refresh-token";
const AUTHZ: &str = "/api/accounts/authz";
const BO: &str = "bo@example.com";
const DAY: i64 = 24 * 60 * 60;

/// Enables refresh tokens, sent in bodies instead of a cookie.
const IN_BODY: &str = "SECURITY_REFRESH_TOKEN = true
SECURITY_REFRESH_TOKEN_COOKIE_NAME = \"\"
";

async fn in_body(extra: &str) -> TestApp {
    TestApp::with(&format!("{IN_BODY}{extra}")).await
}

async fn refresh_token(app: &TestApp, email: &str) -> String {
    text(&app.tokens(email).await["refresh_token"])
}

async fn exchange(app: &TestApp, token: &str) -> Answer {
    app.browser()
        .post(REFRESH, json!({"refresh_token": token}))
        .await
}

/// The successor of a valid token.
async fn successor(app: &TestApp, token: &str) -> String {
    let answer = exchange(app, token).await;
    assert_eq!(answer.verdict(), (200, String::new()), "{answer:?}");
    text(&answer.response()["user"]["refresh_token"])
}

async fn refused(app: &TestApp, token: &str, code: &str) {
    let answer = exchange(app, token).await;
    assert_eq!(answer.verdict(), (400, code.to_owned()), "{answer:?}");
    assert!(answer.response().get("user").is_none());
    assert!(answer.set_cookie("fs_refresh").is_none());
}

/// The events about families since the last time.
fn take_family_events(app: &TestApp) -> Vec<Event<'static>> {
    let mut events = app.take_events();
    events.retain(|event| {
        matches!(
            event,
            Event::RefreshFamilyBegun { .. } | Event::RefreshFamilyEnded { .. }
        )
    });
    events
}

/// The event of a family that a user began.
async fn begun(app: &TestApp, email: &str) -> Event<'static> {
    let user_id = app.stored(email).await.id;
    Event::RefreshFamilyBegun { user_id }
}

/// The event of a family of Ana's that ended.
async fn ended(app: &TestApp, why: FamilyEnd) -> Event<'static> {
    let user_id = app.stored(ANA).await.id;
    Event::RefreshFamilyEnded { user_id, why }
}

#[tokio::test]
async fn each_exchange_returns_a_new_refresh_token_and_an_auth_token() {
    let app = in_body("").await;
    let mut token = refresh_token(&app, ANA).await;
    assert_eq!(take_family_events(&app), [begun(&app, ANA).await]);
    let mut seen = vec![token.clone()];
    for _ in 0..5 {
        app.wait(60);
        let answer = exchange(&app, &token).await;
        let user = answer.response()["user"].clone();
        token = text(&user["refresh_token"]);
        assert!(!seen.contains(&token));
        seen.push(token.clone());
        let mut bearer = app.bearer(&text(&user["authentication_token"]));
        assert_eq!(bearer.get(AUTHZ).await.named(), Some(ANA));
        assert!(answer.set_cookie("fs_refresh").is_none());
    }
    assert_eq!(take_family_events(&app), [], "an exchange begins no family");
}

#[tokio::test]
async fn attack_refresh_theft_a_reused_token_ends_the_family() {
    let app = in_body("").await;
    let first = refresh_token(&app, ANA).await;
    let other_family = refresh_token(&app, ANA).await;
    let second = successor(&app, &first).await;
    let third = successor(&app, &second).await;
    refused(&app, &first, "REFRESH_TOKEN_INVALID").await;
    let begun = begun(&app, ANA).await;
    let ended = ended(&app, FamilyEnd::Reused).await;
    assert_eq!(take_family_events(&app), [begun, begun, ended]);
    for token in [&first, &second, &third] {
        refused(&app, token, "REFRESH_TOKEN_INVALID").await;
    }
    assert_eq!(take_family_events(&app), [], "the family ends only once");
    successor(&app, &other_family).await;
}

#[tokio::test]
async fn within_the_grace_period_a_reused_token_gets_the_same_successor() {
    let app = in_body("SECURITY_REFRESH_TOKEN_GRACE = \"10 seconds\"").await;
    let first = refresh_token(&app, ANA).await;
    app.wait(100);
    let second = successor(&app, &first).await;
    app.wait(10);
    assert_eq!(successor(&app, &first).await, second, "byte for byte");
    app.wait(1);
    // Using a token again does not extend the grace period.
    refused(&app, &first, "REFRESH_TOKEN_INVALID").await;
    let ended = ended(&app, FamilyEnd::Reused).await;
    assert_eq!(take_family_events(&app), [begun(&app, ANA).await, ended]);
    refused(&app, &second, "REFRESH_TOKEN_INVALID").await;
}

#[tokio::test]
async fn attack_refresh_fork_only_the_direct_predecessor_has_a_grace_period() {
    let app = in_body("SECURITY_REFRESH_TOKEN_GRACE = \"10 seconds\"").await;
    let first = refresh_token(&app, ANA).await;
    let second = successor(&app, &first).await;
    let third = successor(&app, &second).await;
    assert_eq!(successor(&app, &second).await, third);
    refused(&app, &first, "REFRESH_TOKEN_INVALID").await;
    refused(&app, &third, "REFRESH_TOKEN_INVALID").await;
}

#[tokio::test]
async fn an_idle_token_expires_to_the_second() {
    for (grace, name) in [
        ("", "without grace"),
        ("SECURITY_REFRESH_TOKEN_GRACE = \"30 days\"", "with"),
    ] {
        let app = in_body(grace).await;
        let mut token = refresh_token(&app, ANA).await;
        for _ in 0..3 {
            app.wait(7 * DAY);
            token = successor(&app, &token).await;
        }
        app.wait(7 * DAY + 1);
        refused(&app, &token, "REFRESH_TOKEN_INVALID").await;
        assert_eq!(
            take_family_events(&app),
            [begun(&app, ANA).await],
            "{name}: an idle family emits no event"
        );
    }
}

#[tokio::test]
async fn attack_fail_open_a_grace_period_does_not_extend_the_idle_time() {
    let app = in_body("SECURITY_REFRESH_TOKEN_GRACE = \"30 days\"").await;
    let first = refresh_token(&app, ANA).await;
    let second = successor(&app, &first).await;
    app.wait(7 * DAY);
    assert_eq!(successor(&app, &first).await, second);
    app.wait(1);
    refused(&app, &first, "REFRESH_TOKEN_INVALID").await;
    refused(&app, &second, "REFRESH_TOKEN_INVALID").await;
}

#[tokio::test]
async fn a_family_ends_at_its_maximum_age_to_the_second() {
    let app = in_body("SECURITY_REFRESH_TOKEN_MAX_AGE = \"10 days\"\nSECURITY_REFRESH_TOKEN_GRACE = \"10 seconds\"").await;
    let mut token = refresh_token(&app, ANA).await;
    app.wait(5 * DAY);
    token = successor(&app, &token).await;
    app.wait(5 * DAY - 1);
    let before = token.clone();
    token = successor(&app, &token).await;
    app.wait(1);
    assert_eq!(successor(&app, &before).await, token);
    let last = successor(&app, &token).await;
    app.wait(1);
    refused(&app, &last, "REFRESH_TOKEN_INVALID").await;
    // The grace period does not outlive the family either.
    refused(&app, &token, "REFRESH_TOKEN_INVALID").await;
}

#[tokio::test]
async fn attack_state_change_no_refresh_token_works_after_a_change_to_the_account() {
    for change in ["off", "deleted", "password", "reset"] {
        let app = in_body("").await;
        let token = refresh_token(&app, ANA).await;
        let user = app.stored(ANA).await;
        match change {
            "off" => assert!(admin::set_active(app.app(), &user, false).await.unwrap()),
            "deleted" => admin::delete(app.app(), &user).await.unwrap(),
            "reset" => admin::reset_access(app.app(), &user).await.unwrap(),
            _ => admin::change_password(app.app(), &user, "another password")
                .await
                .unwrap(),
        }
        let answer = exchange(&app, &token).await;
        assert_eq!(answer.status, 400, "{change}");
        if change == "off" {
            let user = app.stored(ANA).await;
            admin::set_active(app.app(), &user, true).await.unwrap();
            let answer = exchange(&app, &token).await;
            assert_eq!(
                answer.status, 400,
                "reactivating the user does not restore the family"
            );
        }
    }
}

#[tokio::test]
async fn attack_refresh_theft_an_auth_token_from_a_refresh_is_as_fresh_as_the_sign_in() {
    let app = in_body("").await;
    let token = refresh_token(&app, ANA).await;
    app.wait(59);
    let answer = exchange(&app, &token).await;
    let user = &answer.response()["user"];
    let mut young = app.bearer(&text(&user["authentication_token"]));
    let within = format!("{AUTHZ}?within=60&grace=3600");
    assert_eq!(young.get(&within).await.status, 200);
    let token = text(&user["refresh_token"]);
    app.wait(1);
    let verdict = (401, "REAUTHENTICATION_REQUIRED".to_owned());
    assert_eq!(young.get(&within).await.verdict(), verdict);
    let answer = exchange(&app, &token).await;
    let auth = text(&answer.response()["user"]["authentication_token"]);
    let mut old = app.bearer(&auth);
    assert_eq!(old.get(AUTHZ).await.named(), Some(ANA));
    assert_eq!(old.get(&within).await.verdict(), verdict);
}

#[tokio::test]
async fn invalid_refresh_tokens_are_refused_by_field() {
    let app = in_body("").await;
    let cases = [
        (json!({}), "REFRESH_TOKEN_REQUIRED"),
        (json!({"refresh_token": null}), "REFRESH_TOKEN_REQUIRED"),
        (json!({"refresh_token": ""}), "REFRESH_TOKEN_REQUIRED"),
        (json!({"refresh_token": 7}), "API_ERROR"),
        (json!({"refresh_token": true}), "API_ERROR"),
        (json!({"refresh_token": ["x"]}), "API_ERROR"),
        (json!({"refresh_token": {"a": 1}}), "API_ERROR"),
        (json!({"refresh_token": " "}), "REFRESH_TOKEN_INVALID"),
        (json!({"refresh_token": "x.y.z"}), "REFRESH_TOKEN_INVALID"),
        (
            json!({"refresh_token": "x".repeat(9000)}),
            "REFRESH_TOKEN_INVALID",
        ),
    ];
    for (body, code) in cases {
        let answer = app.browser().post(REFRESH, body.clone()).await;
        assert_eq!(answer.verdict(), (400, code.into()), "{body}");
        let by_field = &answer.response()["field_error_codes"];
        assert_eq!(*by_field, json!({"refresh_token": [code]}), "{body}");
    }
}

#[tokio::test]
async fn only_json_is_exchanged() {
    let app = in_body("").await;
    let token = refresh_token(&app, ANA).await;
    let form = format!("refresh_token={token}").into_bytes();
    let json = json!({"refresh_token": token}).to_string().into_bytes();
    for (content_type, body) in [
        (Some("application/x-www-form-urlencoded"), &form),
        (Some("text/plain"), &json),
        (Some("text/json"), &json),
        (None, &json),
        (None, &Vec::new()),
    ] {
        let mut browser = app.browser();
        let answer = browser
            .send(Method::POST, REFRESH, content_type, body.clone())
            .await;
        assert!(matches!(answer.status.as_u16(), 400 | 415), "{answer:?}");
    }
    for body in [
        "",
        "[]",
        "1",
        "{",
        "{\"refresh_token\": \"a\", \"refresh_token\": \"b\"}",
    ] {
        let content_type = Some("application/json");
        let mut browser = app.browser();
        let answer = browser
            .send(Method::POST, REFRESH, content_type, body.into())
            .await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
    }
    // A token in the query is ignored.
    let path = format!("{REFRESH}?refresh_token={token}");
    let answer = app.browser().post(&path, json!({})).await;
    assert_eq!(answer.code(), "REFRESH_TOKEN_REQUIRED");
    assert_eq!(app.browser().get(REFRESH).await.status, 405);
    successor(&app, &token).await;
}

#[tokio::test]
async fn attack_tampering_a_refresh_token_with_any_byte_changed_removed_or_added_is_refused() {
    let app = in_body("").await;
    let token = refresh_token(&app, ANA).await;
    for at in 0..token.len() {
        let (before, after) = token.split_at(at);
        let other = if after.starts_with('A') { 'Q' } else { 'A' };
        for forged in [
            format!("{before}{other}{}", &after[1..]),
            format!("{before}{}", &after[1..]),
            format!("{before}A{after}"),
        ] {
            if forged != token {
                refused(&app, &forged, "REFRESH_TOKEN_INVALID").await;
            }
        }
    }
    assert_eq!(
        take_family_events(&app),
        [begun(&app, ANA).await],
        "a forged token ends no family"
    );
    successor(&app, &token).await;
}

#[tokio::test]
async fn without_the_setting_the_endpoint_is_absent_and_no_token_is_issued() {
    let app = TestApp::new().await;
    let user = app.tokens(ANA).await;
    assert!(user.get("refresh_token").is_none());
    let answer = app
        .browser()
        .post(REFRESH, json!({"refresh_token": "x"}))
        .await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn attack_csrf_an_exchange_beside_a_session_needs_the_csrf_token() {
    let app = in_body("").await;
    let token = refresh_token(&app, ANA).await;
    let mut ana = app.signed_in().await;
    let body = json!({"refresh_token": token});
    let answer = ana.post(REFRESH, body.clone()).await;
    assert_eq!(answer.verdict(), (400, "CSRF_TOKEN_MISSING".into()));
    let csrf = ana.get("/api/accounts/login").await.csrf_token();
    let before = ana.session_state();
    let mut ana = ana.header("x-xsrf-token", &csrf);
    assert_eq!(ana.post(REFRESH, body).await.status, 200);
    assert_eq!(
        ana.session_state(),
        before,
        "an exchange does not make the session fresher"
    );
}

#[tokio::test]
async fn attack_wrong_person_signing_out_ends_only_the_users_own_family() {
    let app = in_body("").await;
    app.user(BO, |draft| draft).await;
    let own = refresh_token(&app, ANA).await;
    let own_other = refresh_token(&app, ANA).await;
    let foreign = refresh_token(&app, BO).await;
    let mut ana = app.signed_in().await;
    let sign_out = async |browser: &mut Browser<'_>, token: &str| {
        let body = json!({"refresh_token": token});
        browser.post("/api/accounts/logout", body).await
    };
    assert_eq!(sign_out(&mut ana, &foreign).await.status, 200);
    assert!(!ana.is_signed_in().await);
    let foreign = successor(&app, &foreign).await;
    // Without a session, signing out ends no family.
    assert_eq!(sign_out(&mut app.browser(), &foreign).await.status, 200);
    successor(&app, &foreign).await;
    let (ana_begun, bo_begun) = (begun(&app, ANA).await, begun(&app, BO).await);
    assert_eq!(take_family_events(&app), [ana_begun, ana_begun, bo_begun]);
    let mut ana = app.signed_in().await;
    sign_out(&mut ana, &own).await;
    let ended = ended(&app, FamilyEnd::SignedOut).await;
    assert_eq!(take_family_events(&app), [ended]);
    refused(&app, &own, "REFRESH_TOKEN_INVALID").await;
    successor(&app, &own_other).await;
    // A client that sends an auth token can end its family as well.
    let own = refresh_token(&app, ANA).await;
    let mut bearer = app.bearer(&app.auth_token(ANA).await);
    sign_out(&mut bearer, &own).await;
    refused(&app, &own, "REFRESH_TOKEN_INVALID").await;
    for odd in [json!(7), json!(null), json!("x"), json!([])] {
        let body = json!({"refresh_token": odd});
        let answer = app
            .signed_in()
            .await
            .post("/api/accounts/logout", body)
            .await;
        assert_eq!(
            answer.status, 200,
            "{odd}: an invalid token does not fail the sign-out"
        );
    }
}

#[tokio::test]
async fn a_sign_in_deletes_the_users_ended_families_as_configured() {
    for (expired, revoked) in [(true, false), (false, true), (true, true), (false, false)] {
        let app = in_body(&format!(
            "SECURITY_REFRESH_TOKEN_CLEANUP_EXPIRED = {expired}
SECURITY_REFRESH_TOKEN_CLEANUP_REVOKED = {revoked}
SECURITY_REFRESH_TOKEN_MAX_AGE = \"2 days\""
        ))
        .await;
        app.user(BO, |draft| draft).await;
        let foreign = refresh_token(&app, BO).await;
        let old = refresh_token(&app, ANA).await;
        app.wait(2 * DAY + 1);
        let ended = refresh_token(&app, ANA).await;
        successor(&app, &ended).await;
        refused(&app, &ended, "REFRESH_TOKEN_INVALID").await;
        let live = refresh_token(&app, ANA).await;
        let there = async |token: &str| {
            let store = app.app().store();
            store.tracker(&family_of(token)).await.unwrap().is_some()
        };
        assert_eq!(there(&old).await, !expired);
        assert_eq!(there(&ended).await, !revoked);
        assert!(there(&live).await);
        assert!(there(&foreign).await, "another user's family is kept");
    }
}

#[tokio::test]
async fn expired_families_are_deleted_in_the_background_as_configured() {
    for expired in [true, false] {
        let app = in_body(&format!(
            "SECURITY_REFRESH_TOKEN_CLEANUP_EXPIRED = {expired}
SECURITY_REFRESH_TOKEN_MAX_AGE = \"2 days\""
        ))
        .await;
        let family = family_of(&refresh_token(&app, ANA).await);
        let there = async || {
            app.vestibule.background(std::future::ready(())).await;
            app.app().store().tracker(&family).await.unwrap().is_some()
        };
        app.wait(32 * DAY);
        assert!(there().await, "kept until 30 days after its end");
        app.wait(1);
        assert_eq!(there().await, !expired);
    }
}

/// The family in a token, which is signed but not secret.
fn family_of(token: &str) -> String {
    let salt = Some("refresh-token-salt");
    let codec = RefreshTokenCodec::new(&KeyRing::new(SECRET_KEY, []), salt);
    codec.open(token).unwrap().family
}

#[tokio::test]
async fn the_end_of_a_family_ends_no_session() {
    let app = in_body("").await;
    let mut ana = app.signed_in().await;
    let first = refresh_token(&app, ANA).await;
    successor(&app, &first).await;
    refused(&app, &first, "REFRESH_TOKEN_INVALID").await;
    assert!(ana.is_signed_in().await);
    assert_eq!(app.browser().sign_in(ANA, PASSWORD).await.status, 200);
}
