//! How recent a proof of identity is, judged at `/authz` with a clock that stands still.

use vestibule_formats::auth_token::{AuthToken, AuthTokenCodec};
use vestibule_formats::flask_session::{Session, SessionCodec};
use vestibule_formats::sign::KeyRing;

use crate::support::callers::SECRET_KEY;
use crate::support::{ANA, Browser, LIFE, PASSWORD, TestApp};

const AUTHZ: &str = "/api/accounts/authz";

async fn passes(browser: &mut Browser<'_>, query: &str) -> bool {
    let answer = browser.get(&format!("{AUTHZ}?{query}")).await;
    if answer.status == 200 {
        return true;
    }
    let verdict = (401, "REAUTHENTICATION_REQUIRED".to_owned());
    assert_eq!(answer.verdict(), verdict, "{query}: {answer:?}");
    false
}

#[tokio::test]
async fn whoever_is_not_fresh_is_told_how_to_become_so() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    app.wait(60);
    let answer = browser.get(&format!("{AUTHZ}?within=60")).await;
    let response = answer.response();
    assert_eq!(answer.status, 401);
    assert_eq!(response["reauth_required"], true);
    assert_eq!(response["has_webauthn_verify_credential"], false);
    assert!(!answer.headers.contains_key("x-auth-user"));
    // Nobody is told so who is not even signed in.
    let stranger = app.browser().get(&format!("{AUTHZ}?within=60")).await;
    assert_eq!(stranger.verdict(), (401, "UNAUTHENTICATED".into()));
    assert!(stranger.response().get("reauth_required").is_none());
}

#[tokio::test]
async fn a_proof_counts_to_the_second() {
    let app = TestApp::new().await;
    let token = app.auth_token(ANA).await;
    let mut callers = [app.signed_in().await, app.bearer(&token)];
    for (at, fresh) in [(0, true), (59, true), (60, false), (61, false)] {
        for browser in &mut callers {
            assert_eq!(passes(browser, "within=60&grace=0").await, fresh, "{at}");
        }
        app.wait(if at == 0 { 59 } else { 1 });
    }
    for browser in &mut callers {
        assert!(passes(browser, "grace=60").await, "no age is asked for");
    }
}

#[tokio::test]
async fn the_time_of_grace_begins_anew_with_each_request_and_ends_to_the_second() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    let asked = "within=60&grace=100";
    let proof = browser.standing().1;
    assert!(passes(&mut browser, asked).await);
    for _ in 0..3 {
        app.wait(99);
        assert!(passes(&mut browser, asked).await);
    }
    let mut late = browser.clone();
    app.wait(100);
    assert!(!passes(&mut late, asked).await);
    assert_eq!(late.standing().1, proof, "grace is no proof");
    // A refusal gives no grace.
    assert!(!passes(&mut late, asked).await);
    assert_eq!(late.cookies["session"], browser.cookies["session"]);
}

#[tokio::test]
async fn without_grace_there_is_none() {
    let app = TestApp::with("SECURITY_FRESHNESS_GRACE_PERIOD = \"0 seconds\"").await;
    let mut browser = app.signed_in().await;
    assert!(passes(&mut browser, "within=60").await);
    app.wait(60);
    assert!(!passes(&mut browser, "within=60").await);
    assert!(!passes(&mut browser, "within=60&grace=3600").await);
    let app = TestApp::with("SECURITY_FRESHNESS_GRACE_PERIOD = \"90 seconds\"").await;
    let mut browser = app.signed_in().await;
    assert!(passes(&mut browser, "within=60").await);
    app.wait(89);
    assert!(passes(&mut browser, "within=60").await, "the setting's");
}

#[tokio::test]
async fn attack_wrong_person_grace_is_for_the_session_that_earned_it() {
    let app = TestApp::new().await;
    let token = app.auth_token(ANA).await;
    let mut browser = app.signed_in().await;
    assert!(passes(&mut browser, "within=60&grace=600").await);
    app.wait(60);
    let mut beside = app.bearer(&token);
    beside.cookies = browser.cookies.clone();
    assert!(!passes(&mut beside, "within=60&grace=600").await);
    assert!(passes(&mut beside, "methods=session&within=60&grace=600").await);
    // A token that is fresh earns none for the session beside it, nor for itself.
    app.wait(600);
    let mut young = app.bearer(&app.auth_token(ANA).await);
    young.cookies = browser.cookies.clone();
    let before = young.standing();
    assert!(passes(&mut young, "within=60&grace=600").await);
    assert_eq!(young.standing(), before);
    app.wait(60);
    assert!(!passes(&mut young, "within=60&grace=600").await);
    browser.cookies = young.cookies;
    assert!(!passes(&mut browser, "within=60&grace=600").await);
}

#[tokio::test]
async fn where_tokens_are_no_proof_they_are_never_fresh() {
    let app = TestApp::with("SECURITY_FRESHNESS_ALLOW_AUTH_TOKEN = false").await;
    let mut bearer = app.bearer(&app.auth_token(ANA).await);
    assert!(passes(&mut bearer, "methods=token").await);
    for within in ["1", "86400", "4294967295"] {
        assert!(!passes(&mut bearer, &format!("within={within}")).await);
    }
    assert!(passes(&mut app.signed_in().await, "within=1").await);
}

#[tokio::test]
async fn a_password_with_each_request_is_always_fresh() {
    let app = TestApp::new().await;
    let mut basic = app.basic(ANA, PASSWORD);
    assert!(passes(&mut basic, "methods=basic&within=1&grace=600").await);
    assert!(basic.cookies.is_empty(), "{:?}", basic.cookies);
}

/// A browser whose session is over and that holds the remember cookie.
async fn remembered(app: &TestApp) -> Browser<'_> {
    let mut browser = app.browser();
    let body = serde_json::json!({"email": ANA, "password": PASSWORD, "remember": true});
    browser.post("/api/accounts/login", body).await;
    browser.cookies.retain(|name, _| name == "remember_token");
    browser
}

#[tokio::test]
async fn attack_wrong_method_a_remembered_session_is_not_fresh_until_the_password_comes() {
    let app = TestApp::new().await;
    let mut browser = remembered(&app).await;
    assert!(!passes(&mut browser, "within=4294967295").await);
    assert_eq!(browser.standing().1, None);
    assert!(passes(&mut browser, "methods=session").await);
    assert!(!passes(&mut browser, "within=4294967295").await);
    let csrf = browser.get("/api/accounts/login").await.csrf_token();
    let mut browser = browser.header("x-xsrf-token", &csrf);
    let body = serde_json::json!({"password": PASSWORD});
    assert_eq!(browser.post("/api/accounts/verify", body).await.status, 200);
    assert!(passes(&mut browser, "within=1").await);
}

/// A session as somebody with the key could have made it.
fn planted(app: &TestApp, fill: impl FnOnce(&mut Session)) -> String {
    let mut session = Session::default();
    fill(&mut session);
    let codec = SessionCodec::new(&KeyRing::new(SECRET_KEY, []));
    codec.seal(&session, app.app().unix_now())
}

#[tokio::test]
async fn attack_wrong_person_what_another_proved_in_this_browser_is_no_proof_of_the_remembered_one()
{
    let app = TestApp::new().await;
    let mut browser = remembered(&app).await;
    // Somebody who is gone left a session that was fresh, and in grace.
    let session = planted(&app, |session| {
        session.set_str("_user_id", "nobody has this");
        session.set_f64("fs_paa", 1_800_000_000.0);
        session.set_i64("fs_gexp", 1_900_000_000);
        session.set_bool("_fresh", true);
    });
    browser.cookies.insert("session".into(), session);
    assert!(!passes(&mut browser, "within=60").await);
    let (_, proof, grace, fresh) = browser.standing();
    assert_eq!((proof, grace, fresh), (None, None, Some(false)));
}

#[tokio::test]
async fn attack_wrong_person_signing_in_anew_takes_nothing_over() {
    let app = TestApp::new().await;
    app.user("bo@example.com", |draft| draft).await;
    let mut browser = app.signed_in().await;
    assert!(passes(&mut browser, "within=60&grace=4294967295").await);
    assert!(browser.standing().2.is_some());
    browser.sign_out().await;
    assert!(browser.cookies.is_empty());
    browser.sign_in("bo@example.com", PASSWORD).await;
    assert_eq!(browser.standing().2, None);
    app.wait(60);
    assert!(!passes(&mut browser, "within=60").await);
}

#[tokio::test]
async fn attack_crash_by_odd_input_no_odd_moment_is_a_proof() {
    let app = TestApp::new().await;
    let user = app.stored(ANA).await;
    let now = 1_800_000_000.0;
    for (moment, fresh) in [
        (now - 59.0, true),
        (now - 60.0, false),
        // Clocks of two servers may differ a little, not a lot.
        (now + 59.0, true),
        (now + 60.0, false),
        (now + 1e9, false),
        (1e300, false),
        (f64::MAX, false),
        (0.0, false),
        (-0.0, false),
        (-now, false),
        (f64::MIN_POSITIVE, false),
    ] {
        let mut browser = app.browser();
        let session = planted(&app, |session| {
            session.set_str("_user_id", &user.fs_uniquifier);
            session.set_f64("fs_paa", moment);
        });
        browser.cookies.insert("session".into(), session);
        assert_eq!(
            passes(&mut browser, "within=60&grace=0").await,
            fresh,
            "{moment}"
        );
        let token = AuthToken {
            uniquifier: user.fs_token_uniquifier.clone().unwrap(),
            authenticated_at: Some(moment),
            expires_at: None,
        };
        let salt = Some("remember-salt");
        let codec = AuthTokenCodec::new(&KeyRing::new(SECRET_KEY, []), salt);
        let mut bearer = app.bearer(&codec.seal(&token, 1_800_000_000));
        assert_eq!(
            passes(&mut bearer, "within=60&grace=0").await,
            fresh,
            "{moment}"
        );
    }
    // However old a proof may be, none is none.
    for moment in [0.0, -0.0, -1.0, -now] {
        let mut browser = app.browser();
        let session = planted(&app, |session| {
            session.set_str("_user_id", &user.fs_uniquifier);
            session.set_f64("fs_paa", moment);
        });
        browser.cookies.insert("session".into(), session);
        assert!(!passes(&mut browser, "within=4294967295").await, "{moment}");
    }
    for text in ["", "yes", "1800000000"] {
        let mut browser = app.browser();
        let session = planted(&app, |session| {
            session.set_str("_user_id", &user.fs_uniquifier);
            session.set_str("fs_paa", text);
            session.set_i64("fs_gexp", 1_900_000_000);
        });
        browser.cookies.insert("session".into(), session);
        // Without a proof there is no grace either.
        assert!(!passes(&mut browser, "within=60").await, "{text:?}");
    }
}

#[tokio::test]
async fn attack_denial_the_longest_times_overflow_nothing() {
    let app = TestApp::with("SECURITY_FRESHNESS_GRACE_PERIOD = \"36500 days\"").await;
    let mut browser = app.signed_in().await;
    assert!(passes(&mut browser, "within=60&grace=4294967295").await);
    assert!(passes(&mut browser, "within=60").await);
    app.wait(1 << 20);
    assert!(passes(&mut browser, "within=60").await);
}

#[tokio::test]
async fn attack_wrong_step_grace_of_a_door_that_asks_for_less_does_not_open_one_that_asks_for_more()
{
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    app.wait(600);
    assert!(!passes(&mut browser, "within=60&grace=600").await);
    assert!(passes(&mut browser, "within=3600&grace=600").await);
    assert!(
        !passes(&mut browser, "within=60&grace=600").await,
        "a proof of ten minutes ago opens what asks for one of the last minute"
    );
}

#[tokio::test]
async fn attack_wrong_step_what_is_earned_by_a_question_counts_for_that_question_alone() {
    let app = TestApp::with(&format!(
        "{LIFE}SECURITY_FRESHNESS = \"5 seconds\"\nSECURITY_FRESHNESS_GRACE_PERIOD = 0\n"
    ))
    .await;
    let mut browser = app.signed_in().await;
    // Whoever has the browser for a moment asks for as much as there is.
    assert!(passes(&mut browser, "within=1&grace=4294967295").await);
    app.wait(7);
    assert!(passes(&mut browser, "within=1&grace=4294967295").await);
    for question in ["within=1", "within=1&grace=60", "within=5&grace=4294967295"] {
        assert!(!passes(&mut browser, question).await, "{question}");
    }
    let answer = browser.get("/api/accounts/change-email").await;
    assert_eq!(answer.code(), "REAUTHENTICATION_REQUIRED");
}

/// The session of this browser as the reference writes it after one of its doors.
fn elsewhere(app: &TestApp, browser: &mut Browser<'_>, until: i64) {
    let mut session = browser.session();
    session.set_i64("fs_gexp", until);
    let codec = SessionCodec::new(&KeyRing::new(SECRET_KEY, []));
    let cookie = codec.seal(&session, app.app().unix_now());
    browser.cookies.insert("session".into(), cookie);
}

#[tokio::test]
async fn grace_that_the_reference_gave_counts_at_its_own_freshness() {
    let app = TestApp::with("SECURITY_FRESHNESS = \"1 hours\"").await;
    let mut browser = app.signed_in().await;
    app.wait(3600);
    elsewhere(&app, &mut browser, 1_800_000_000 + 3600 + 100);
    assert!(passes(&mut browser.clone(), "within=3600").await);
    assert!(!passes(&mut browser.clone(), "within=3599").await);
    app.wait(100);
    assert!(!passes(&mut browser, "within=3600").await);
}

#[tokio::test]
async fn attack_wrong_step_grace_of_the_reference_is_not_taken_for_that_of_a_strict_door_of_ours() {
    let app = TestApp::with("SECURITY_FRESHNESS = \"1 hours\"").await;
    let mut browser = app.signed_in().await;
    assert!(passes(&mut browser, "within=60&grace=10").await);
    app.wait(600);
    // A door of the reference lets the session in by its hour, and gives its grace.
    elsewhere(&app, &mut browser, 1_800_000_000 + 600 + 3600);
    assert!(!passes(&mut browser, "within=60").await);
    // Nor is what is left of ours in force again.
    assert!(passes(&mut browser, "within=3600").await);
    assert!(!passes(&mut browser, "within=60").await);
}

#[tokio::test]
async fn attack_wrong_step_who_is_refused_for_something_else_earns_no_grace() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    let mut forged = browser.clone().header("x-original-method", "POST");
    let asked = format!("{AUTHZ}?within=60&grace=600");
    assert_eq!(forged.get(&asked).await.code(), "CSRF_TOKEN_MISSING");
    assert_eq!(forged.standing().2, None, "without a CSRF token");
    let asked = format!("{asked}&roles_required=owner");
    assert_eq!(browser.get(&asked).await.code(), "UNAUTHORIZED");
    assert_eq!(browser.standing().2, None, "without the role");
    assert!(passes(&mut browser, "within=60&grace=600").await);
    assert!(browser.standing().2.is_some());
}
