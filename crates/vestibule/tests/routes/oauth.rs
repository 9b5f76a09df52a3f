//! Social sign-in as a browser sees it.

use http::Method;
use serde_json::json;
use vestibule::Event;
use vestibule::admin;
use vestibule_testkit::provider::{Endpoint, Fault};

use crate::support::mails::destination;
use crate::support::social::{
    RESPONSE, START, Social, VERIFY_START, parameter, refusal, refused, target, with_parameter,
};
use crate::support::{ANA, LIFE, PASSWORD};

const NEW: &str = "new@example.com";

#[tokio::test]
async fn an_address_that_the_provider_verified_signs_its_user_in() {
    let social = Social::with("").await;
    let mut browser = social.app.browser();
    social.app.take_events();
    let answer = social.sign_in(&mut browser).await;
    browser.is_ana(&answer).await;
    let user_id = social.app.stored(ANA).await.id;
    let via: &[&str] = &["oauth"];
    assert_eq!(social.app.take_events(), [Event::SignedIn { user_id, via }]);
    assert_eq!(social.app.stored(ANA).await.login_count, Some(1));
}

#[tokio::test]
async fn the_redirect_to_the_provider_has_a_state_a_challenge_and_our_redirect_uri() {
    let social = Social::with("").await;
    let mut browser = social.app.browser();
    let location = target(&browser.begin_flow(START).await);
    let of = |name: &str| parameter(&location, name).unwrap_or_default();
    assert_eq!(of("response_type"), "code");
    assert_eq!(of("client_id"), "vestibule");
    assert_eq!(
        of("redirect_uri"),
        format!("http://localhost:5000{RESPONSE}")
    );
    assert_eq!(of("code_challenge_method"), "S256");
    assert_eq!((of("code_challenge").len(), of("state").len()), (43, 43));
    // Each flow has its own.
    let again = target(&browser.begin_flow(START).await);
    for name in ["state", "code_challenge"] {
        assert_ne!(parameter(&again, name), Some(of(name)), "{name}");
    }
}

#[tokio::test]
async fn an_unknown_provider_is_a_404_and_a_signed_in_user_is_sent_to_the_app() {
    let social = Social::with("").await;
    for path in [START, VERIFY_START] {
        let path = path.replace("hub", "nowhere");
        let mut browser = if path.contains("verify") {
            social.app.signed_in().await.with_csrf().await
        } else {
            social.app.browser()
        };
        assert_eq!(
            browser.begin_flow(&path).await.code(),
            "NOT_FOUND",
            "{path}"
        );
    }
    let path = RESPONSE.replace("hub", "nowhere");
    assert_eq!(social.app.browser().get(&path).await.code(), "NOT_FOUND");
    let mut ana = social.app.signed_in().await.with_csrf().await;
    assert_eq!(target(&ana.begin_flow(START).await), "/in");
    let answer = ana.post(START, json!({})).await;
    assert_eq!(answer.verdict(), (400, "ANONYMOUS_USER_REQUIRED".into()));
}

#[tokio::test]
async fn an_unknown_address_and_a_user_who_may_not_sign_in_are_told_why() {
    let social = Social::with(LIFE).await;
    social.has_at_hub("1", NEW);
    let mut browser = social.app.browser();
    let answer = social.sign_in(&mut browser).await;
    assert_eq!(refusal(&answer), refused("IDENTITY_NOT_REGISTERED"));
    let (_, query) = destination(&answer);
    assert!(query[0].1.contains(NEW), "{query:?}");

    social.has_at_hub("2", ANA);
    let ana = social.app.stored(ANA).await;
    admin::set_active(social.app.app(), &ana, false)
        .await
        .unwrap();
    let answer = social.sign_in(&mut browser).await;
    assert_eq!(refusal(&answer), refused("DISABLED_ACCOUNT"));
    assert_eq!(browser.signed_in_as().await, None);
}

#[tokio::test]
async fn the_address_is_compared_as_the_rules_for_addresses_say() {
    let social = Social::with("").await;
    social.has_at_hub("1", "Ana@EXAMPLE.com");
    let mut browser = social.app.browser();
    // The local part keeps its case, the domain does not.
    let answer = social.sign_in(&mut browser).await;
    let known = social
        .app
        .browser()
        .sign_in("Ana@EXAMPLE.com", PASSWORD)
        .await;
    assert_eq!(
        browser.signed_in_as().await.is_some(),
        known.status == 200,
        "{answer:?}"
    );
    social.has_at_hub("1", "ana@EXAMPLE.com");
    let mut browser = social.app.browser();
    let answer = social.sign_in(&mut browser).await;
    browser.is_ana(&answer).await;
}

#[tokio::test]
async fn two_flows_in_two_tabs_both_work() {
    let social = Social::with("").await;
    let mut browser = social.app.browser();
    let first = social.begun(&mut browser).await;
    let second = social.begun(&mut browser).await;
    let answer = browser.get(&second).await;
    browser.is_ana(&answer).await;
    // The user is signed in by now, so that the other tab goes on as that user.
    assert_eq!(target(&browser.get(&first).await), "/in");
    assert_eq!(browser.signed_in_as().await.as_deref(), Some(ANA));
    // Only the newest flows are kept.
    let mut browser = social.app.browser();
    let oldest = social.begun(&mut browser).await;
    for _ in 0..4 {
        social.begun(&mut browser).await;
    }
    assert!(browser.cookies["session"].len() < 2000);
    assert_eq!(
        refusal(&browser.get(&oldest).await),
        refused("OAUTH_HANDSHAKE_ERROR")
    );
}

#[tokio::test]
async fn next_comes_back_to_the_app_if_it_is_an_allowed_target() {
    let social = Social::with("").await;
    for (next, kept) in [
        ("/orders?page=2", Some("/orders?page=2")),
        (
            "http://localhost:5000/orders",
            Some("http://localhost:5000/orders"),
        ),
        ("https://evil.example/", None),
        ("//evil.example", None),
        ("/\\evil.example", None),
    ] {
        let mut browser = social.app.browser();
        let start = with_parameter(START, "next", next);
        let answer = browser.begin_flow(&start).await;
        let answer = browser.get(&social.back(&answer)).await;
        let (view, query) = destination(&answer);
        assert_eq!(view, "/post-oauth-login");
        let found = query.iter().find(|(name, _)| name == "next");
        assert_eq!(found.map(|(_, value)| value.as_str()), kept, "{next}");
    }
}

#[tokio::test]
async fn a_second_factor_is_due_unless_the_provider_counts_as_two() {
    let social = Social::with("SECURITY_TWO_FACTOR = true\n").await;
    let authenticator = social.app.give_authenticator(ANA).await;
    let mut browser = social.app.browser();
    let answer = social.sign_in(&mut browser).await;
    let (view, query) = destination(&answer);
    assert_eq!(
        (view.as_str(), query[0].0.as_str()),
        ("/login-error", "tf_required")
    );
    assert_eq!(browser.signed_in_as().await, None);
    let code = json!({"code": authenticator.code(&social.app)});
    let answer = browser.post("/api/accounts/tf-validate", code).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(browser.signed_in_as().await.as_deref(), Some(ANA));

    let mut browser = social.app.browser();
    let answer = browser.begin_flow(&START.replace("hub", "strong")).await;
    let answer = browser.get(&social.back(&answer)).await;
    browser.is_ana(&answer).await;
}

#[tokio::test]
async fn an_answer_as_a_form_is_sent_on_to_the_same_address() {
    let social = Social::with("").await;
    let mut browser = social.app.browser();
    let answer = browser.begin_flow(&START.replace("hub", "poster")).await;
    let location = target(&answer);
    assert_eq!(
        parameter(&location, "response_mode").as_deref(),
        Some("form_post")
    );
    let approval = social.hub.approve(&location);
    // The browser sends no cookies with the form of another site.
    let mut form = social
        .app
        .browser()
        .header("origin", "https://appleid.apple.com");
    form = form.header("sec-fetch-site", "cross-site");
    let kind = Some("application/x-www-form-urlencoded");
    let path = RESPONSE.replace("hub", "poster");
    let body = format!("{}&user=%7B%22name%22%3A1%7D", approval.form());
    let answer = form.send(Method::POST, &path, kind, body.into()).await;
    assert_eq!(answer.status, 303, "{answer:?}");
    assert!(form.cookies.is_empty());
    let query = answer.headers["location"].to_str().unwrap().to_owned();
    assert!(query.starts_with('?') && !query.contains("user"), "{query}");
    let answer = browser.get(&format!("{path}{query}")).await;
    browser.is_ana(&answer).await;
    // Other providers do not answer with forms, and other endpoints refuse the site.
    let answer = form.send(Method::POST, RESPONSE, kind, Vec::new()).await;
    assert_eq!(answer.verdict(), (405, "METHOD_NOT_ALLOWED".into()));
    let answer = form.send(Method::POST, START, kind, Vec::new()).await;
    assert_eq!(answer.verdict(), (403, "CROSS_SITE_REQUEST".into()));
}

#[tokio::test]
async fn a_provider_that_is_away_leads_to_the_view_for_errors() {
    let social = Social::with("").await;
    for endpoint in [Endpoint::Token, Endpoint::Userinfo] {
        social.hub.set(|hub| {
            hub.faults.clear();
            hub.faults.insert(endpoint, Fault::Closed);
        });
        let mut browser = social.app.browser();
        let answer = social.sign_in(&mut browser).await;
        assert_eq!(refusal(&answer), refused("OAUTH_HANDSHAKE_ERROR"));
        assert_eq!(browser.signed_in_as().await, None);
    }
}

const AUTO_REGISTER: &str = "SECURITY_OAUTH_AUTO_REGISTER = true\n";

#[tokio::test]
async fn a_verified_address_without_an_account_makes_one_if_the_settings_say_so() {
    for linking in ["address", "linked"] {
        let lines = format!("{LIFE}{AUTO_REGISTER}SECURITY_OAUTH_LINKING = \"{linking}\"\n");
        let social = Social::with(&lines).await;
        social.has_at_hub("1", NEW);
        let mut browser = social.app.browser();
        social.app.take_events();
        let answer = social.sign_in(&mut browser).await;
        assert_eq!(destination(&answer).0, "/post-oauth-login");
        assert_eq!(browser.signed_in_as().await.as_deref(), Some(NEW));
        let user = social.app.stored(NEW).await;
        assert!(user.confirmed_at.is_some() && user.password.is_none());
        let kinds: Vec<&str> = social.app.take_events().iter().map(Event::kind).collect();
        assert_eq!(kinds, ["registered", "sign_in_method_added", "signed_in"]);
        assert_eq!(social.app.mails(NEW).await.len(), 1);
        // The identity signs in even after its address at the provider changed.
        social.has_at_hub("1", "elsewhere@example.com");
        let mut browser = social.app.browser();
        social.sign_in(&mut browser).await;
        assert_eq!(browser.signed_in_as().await.as_deref(), Some(NEW));
    }
}

#[tokio::test]
async fn an_account_is_made_only_for_an_address_that_the_provider_vouches_for() {
    let social = Social::with(AUTO_REGISTER).await;
    for (claims, code) in [
        (
            json!({"sub": "1", "email": NEW}),
            "OAUTH_ADDRESS_NOT_VERIFIED",
        ),
        (
            json!({"sub": "1", "email": NEW, "email_verified": false}),
            "OAUTH_ADDRESS_NOT_VERIFIED",
        ),
        (
            json!({"sub": "1", "email": "not an address", "email_verified": true}),
            "IDENTITY_NOT_REGISTERED",
        ),
        (json!({"sub": "1"}), "OAUTH_HANDSHAKE_ERROR"),
    ] {
        social.is_at_hub(claims.clone());
        let answer = social.sign_in(&mut social.app.browser()).await;
        assert_eq!(refusal(&answer), refused(code), "{claims}");
    }
    assert!(admin::find(social.app.app(), NEW).await.is_err());
}

#[tokio::test]
async fn verifying_with_the_own_identity_makes_the_session_fresh() {
    let social = Social::with("SECURITY_FRESHNESS = \"5 minutes\"\n").await;
    let mut ana = social.app.signed_in().await.with_csrf().await;
    social.app.wait(600);
    let answer = ana.get("/api/accounts/authz?within=60").await;
    assert_eq!(answer.response()["oauth_enabled"], true);
    assert_eq!(answer.code(), "REAUTHENTICATION_REQUIRED");
    let start = with_parameter(VERIFY_START, "next", "/security");
    let answer = ana.begin_flow(&start).await;
    social.app.take_events();
    let answer = ana.get(&social.back(&answer)).await;
    let (view, query) = destination(&answer);
    assert_eq!(view, "/post-oauth-verify", "{query:?}");
    assert_eq!(query[2], ("next".to_owned(), "/security".to_owned()));
    assert_eq!(ana.get("/api/accounts/authz?within=60").await.status, 200);
    let user_id = social.app.stored(ANA).await.id;
    let verified = Event::Verified {
        user_id,
        via: "oauth",
    };
    assert_eq!(social.app.take_events(), [verified]);
}
