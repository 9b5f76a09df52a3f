//! How recent a proof of identity is, judged at `/authz` with a frozen clock.

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
async fn a_stale_session_is_asked_to_reauthenticate() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    app.wait(60);
    let answer = browser.get(&format!("{AUTHZ}?within=60")).await;
    let response = answer.response();
    assert_eq!(answer.status, 401);
    assert_eq!(response["reauth_required"], true);
    assert_eq!(response["has_webauthn_verify_credential"], false);
    assert!(!answer.headers.contains_key("x-auth-user"));
    // An anonymous client is not asked to reauthenticate.
    let anonymous = app.browser().get(&format!("{AUTHZ}?within=60")).await;
    assert_eq!(anonymous.verdict(), (401, "UNAUTHENTICATED".into()));
    assert!(anonymous.response().get("reauth_required").is_none());
}

#[tokio::test]
async fn a_proof_expires_to_the_second() {
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
        assert!(
            passes(browser, "grace=60").await,
            "the query sets no maximum age"
        );
    }
}

#[tokio::test]
async fn grace_restarts_with_each_request_and_expires_to_the_second() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    let asked = "within=60&grace=100";
    let proof = browser.session_state().1;
    assert!(passes(&mut browser, asked).await);
    for _ in 0..3 {
        app.wait(99);
        assert!(passes(&mut browser, asked).await);
    }
    let mut late = browser.clone();
    app.wait(100);
    assert!(!passes(&mut late, asked).await);
    assert_eq!(
        late.session_state().1,
        proof,
        "grace does not renew the proof"
    );
    // A refused request earns no grace.
    assert!(!passes(&mut late, asked).await);
    assert_eq!(late.cookies["session"], browser.cookies["session"]);
}

#[tokio::test]
async fn a_query_cannot_exceed_the_configured_grace_of_zero() {
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
    assert!(
        passes(&mut browser, "within=60").await,
        "the grace period of the setting"
    );
}

#[tokio::test]
async fn attack_wrong_person_grace_counts_only_for_the_session_that_earned_it() {
    let app = TestApp::new().await;
    let token = app.auth_token(ANA).await;
    let mut browser = app.signed_in().await;
    assert!(passes(&mut browser, "within=60&grace=600").await);
    app.wait(60);
    let mut beside = app.bearer(&token);
    beside.cookies = browser.cookies.clone();
    assert!(!passes(&mut beside, "within=60&grace=600").await);
    assert!(passes(&mut beside, "methods=session&within=60&grace=600").await);
    // A fresh token earns grace neither for the session beside it nor for itself.
    app.wait(600);
    let mut young = app.bearer(&app.auth_token(ANA).await);
    young.cookies = browser.cookies.clone();
    let before = young.session_state();
    assert!(passes(&mut young, "within=60&grace=600").await);
    assert_eq!(young.session_state(), before);
    app.wait(60);
    assert!(!passes(&mut young, "within=60&grace=600").await);
    browser.cookies = young.cookies;
    assert!(!passes(&mut browser, "within=60&grace=600").await);
}

#[tokio::test]
async fn without_freshness_allow_auth_token_a_token_is_never_fresh() {
    let app = TestApp::with("SECURITY_FRESHNESS_ALLOW_AUTH_TOKEN = false").await;
    let mut bearer = app.bearer(&app.auth_token(ANA).await);
    assert!(passes(&mut bearer, "methods=token").await);
    for within in ["1", "86400", "4294967295"] {
        assert!(!passes(&mut bearer, &format!("within={within}")).await);
    }
    assert!(passes(&mut app.signed_in().await, "within=1").await);
}

#[tokio::test]
async fn basic_authentication_is_always_fresh() {
    let app = TestApp::new().await;
    let mut basic = app.basic(ANA, PASSWORD);
    assert!(passes(&mut basic, "methods=basic&within=1&grace=600").await);
    assert!(basic.cookies.is_empty(), "{:?}", basic.cookies);
}

/// A browser whose session has ended and that still has the remember cookie.
async fn remembered(app: &TestApp) -> Browser<'_> {
    let mut browser = app.browser();
    let body = serde_json::json!({"email": ANA, "password": PASSWORD, "remember": true});
    browser.post("/api/accounts/login", body).await;
    browser.cookies.retain(|name, _| name == "remember_token");
    browser
}

#[tokio::test]
async fn attack_wrong_method_a_remembered_session_is_not_fresh_until_the_password_is_verified() {
    let app = TestApp::new().await;
    let mut browser = remembered(&app).await;
    assert!(!passes(&mut browser, "within=4294967295").await);
    assert_eq!(browser.session_state().1, None);
    assert!(passes(&mut browser, "methods=session").await);
    assert!(!passes(&mut browser, "within=4294967295").await);
    let csrf = browser.get("/api/accounts/login").await.csrf_token();
    let mut browser = browser.header("x-xsrf-token", &csrf);
    let body = serde_json::json!({"password": PASSWORD});
    assert_eq!(browser.post("/api/accounts/verify", body).await.status, 200);
    assert!(passes(&mut browser, "within=1").await);
}

/// Seals a session as an attacker who knows the key could.
fn planted(app: &TestApp, fill: impl FnOnce(&mut Session)) -> String {
    let mut session = Session::default();
    fill(&mut session);
    let codec = SessionCodec::new(&KeyRing::new(SECRET_KEY, []));
    codec.seal(&session, app.app().unix_now())
}

#[tokio::test]
async fn attack_wrong_person_the_proof_of_another_user_does_not_count_for_the_remembered_user() {
    let app = TestApp::new().await;
    let mut browser = remembered(&app).await;
    // A user who no longer exists left a session that was fresh and in grace.
    let session = planted(&app, |session| {
        session.set_str("_user_id", "unknown");
        session.set_f64("fs_paa", 1_800_000_000.0);
        session.set_i64("fs_gexp", 1_900_000_000);
        session.set_bool("_fresh", true);
    });
    browser.cookies.insert("session".into(), session);
    assert!(!passes(&mut browser, "within=60").await);
    let (_, proof, grace, fresh) = browser.session_state();
    assert_eq!((proof, grace, fresh), (None, None, Some(false)));
}

#[tokio::test]
async fn attack_wrong_person_a_new_sign_in_inherits_no_grace() {
    let app = TestApp::new().await;
    app.user("bo@example.com", |draft| draft).await;
    let mut browser = app.signed_in().await;
    assert!(passes(&mut browser, "within=60&grace=4294967295").await);
    assert!(browser.session_state().2.is_some());
    browser.sign_out().await;
    assert!(browser.cookies.keys().eq(["vestibule_device"]));
    browser.sign_in("bo@example.com", PASSWORD).await;
    assert_eq!(browser.session_state().2, None);
    app.wait(60);
    assert!(!passes(&mut browser, "within=60").await);
}

#[tokio::test]
async fn attack_crash_by_odd_input_an_invalid_time_is_not_a_proof() {
    let app = TestApp::new().await;
    let user = app.stored(ANA).await;
    let now = 1_800_000_000.0;
    for (moment, fresh) in [
        (now - 59.0, true),
        (now - 60.0, false),
        // A time slightly ahead counts, because the clocks of two servers may differ.
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
    // Even with the longest `within`, a time of zero or less is no proof.
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
        // Without a proof, grace does not count either.
        assert!(!passes(&mut browser, "within=60").await, "{text:?}");
    }
}

#[tokio::test]
async fn attack_denial_the_longest_periods_do_not_overflow() {
    let app = TestApp::with("SECURITY_FRESHNESS_GRACE_PERIOD = \"36500 days\"").await;
    let mut browser = app.signed_in().await;
    assert!(passes(&mut browser, "within=60&grace=4294967295").await);
    assert!(passes(&mut browser, "within=60").await);
    app.wait(1 << 20);
    assert!(passes(&mut browser, "within=60").await);
}

#[tokio::test]
async fn attack_wrong_step_grace_from_a_lenient_policy_does_not_satisfy_a_stricter_one() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    app.wait(600);
    assert!(!passes(&mut browser, "within=60&grace=600").await);
    assert!(passes(&mut browser, "within=3600&grace=600").await);
    assert!(
        !passes(&mut browser, "within=60&grace=600").await,
        "a ten-minute-old proof satisfied a policy that requires one from the last minute"
    );
}

#[tokio::test]
async fn attack_wrong_step_grace_earned_by_an_authz_query_counts_only_for_the_same_query() {
    let app = TestApp::with(&format!(
        "{LIFE}SECURITY_FRESHNESS = \"5 seconds\"\nSECURITY_FRESHNESS_GRACE_PERIOD = 0\n"
    ))
    .await;
    let mut browser = app.signed_in().await;
    // An attacker with brief access to the browser requests the longest grace possible.
    assert!(passes(&mut browser, "within=1&grace=4294967295").await);
    app.wait(7);
    assert!(passes(&mut browser, "within=1&grace=4294967295").await);
    for question in ["within=1", "within=1&grace=60", "within=5&grace=4294967295"] {
        assert!(!passes(&mut browser, question).await, "{question}");
    }
    let answer = browser.get("/api/accounts/change-email").await;
    assert_eq!(answer.code(), "REAUTHENTICATION_REQUIRED");
}

/// Gives the session a grace period as the reference stores it after a request to an endpoint of
/// its own.
fn store_reference_grace(app: &TestApp, browser: &mut Browser<'_>, until: i64) {
    let mut session = browser.session();
    session.set_i64("fs_gexp", until);
    let codec = SessionCodec::new(&KeyRing::new(SECRET_KEY, []));
    let cookie = codec.seal(&session, app.app().unix_now());
    browser.cookies.insert("session".into(), cookie);
}

#[tokio::test]
async fn grace_from_the_reference_counts_only_at_the_configured_freshness() {
    let app = TestApp::with("SECURITY_FRESHNESS = \"1 hours\"").await;
    let mut browser = app.signed_in().await;
    app.wait(3600);
    store_reference_grace(&app, &mut browser, 1_800_000_000 + 3600 + 100);
    assert!(passes(&mut browser.clone(), "within=3600").await);
    assert!(!passes(&mut browser.clone(), "within=3599").await);
    app.wait(100);
    assert!(!passes(&mut browser, "within=3600").await);
}

#[tokio::test]
async fn attack_wrong_step_grace_from_the_reference_does_not_satisfy_a_stricter_policy() {
    let app = TestApp::with("SECURITY_FRESHNESS = \"1 hours\"").await;
    let mut browser = app.signed_in().await;
    assert!(passes(&mut browser, "within=60&grace=10").await);
    app.wait(600);
    // An endpoint of the reference accepts the session at its freshness of one hour, and grants
    // grace.
    store_reference_grace(&app, &mut browser, 1_800_000_000 + 600 + 3600);
    assert!(!passes(&mut browser, "within=60").await);
    // Nor does the remainder of our own grace come back into force.
    assert!(passes(&mut browser, "within=3600").await);
    assert!(!passes(&mut browser, "within=60").await);
}

#[tokio::test]
async fn attack_wrong_step_a_request_refused_for_another_reason_earns_no_grace() {
    let app = TestApp::new().await;
    let mut browser = app.signed_in().await;
    let mut forged = browser.clone().header("x-original-method", "POST");
    let asked = format!("{AUTHZ}?within=60&grace=600");
    assert_eq!(forged.get(&asked).await.code(), "CSRF_TOKEN_MISSING");
    assert_eq!(forged.session_state().2, None, "without a CSRF token");
    let asked = format!("{asked}&roles_required=owner");
    assert_eq!(browser.get(&asked).await.code(), "UNAUTHORIZED");
    assert_eq!(browser.session_state().2, None, "without the role");
    assert!(passes(&mut browser, "within=60&grace=600").await);
    assert!(browser.session_state().2.is_some());
}
