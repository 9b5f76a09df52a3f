//! Attacks on social sign-in: flows of other browsers, providers, purposes and users, replays, and what
//! a provider sends.

use std::sync::Arc;

use http::Method;
use serde_json::json;
use vestibule_store::MemoryStore;
use vestibule_testkit::provider::Endpoint;

use crate::support::mails::destination;
use crate::support::social::{
    IDENTITIES, RESPONSE, START, Social, VERIFY_START, back, parameter, refusal, refused, target,
    with_parameter,
};
use crate::support::watched::Watched;
use crate::support::{ANA, Browser, LIFE};

const EVE: &str = "eve@example.com";

/// The refusal of a flow that this browser did not begin.
fn no_such_flow() -> (String, String) {
    refused("OAUTH_HANDSHAKE_ERROR")
}

/// How often the provider was asked for a token.
fn asked(social: &Social) -> usize {
    social.hub.received(Endpoint::Token).len() + social.forge.received(Endpoint::Token).len()
}

async fn assert_signed_out(mut browser: Browser<'_>, case: &str) {
    assert_eq!(browser.signed_in_as().await, None, "{case}");
}

#[tokio::test]
async fn attack_oauth_the_answer_to_another_browser_signs_nobody_in() {
    let social = Social::with("").await;
    let path = social.begun(&mut social.app.browser()).await;
    // A victim without a flow, with one of their own, and signed in.
    let mut with_flow = social.app.browser();
    social.begun(&mut with_flow).await;
    for mut victim in [social.app.browser(), with_flow] {
        assert_eq!(refusal(&victim.get(&path).await), no_such_flow());
        assert_signed_out(victim, &path).await;
    }
    social.app.user(EVE, |draft| draft).await;
    let mut victim = social.app.browser();
    victim.sign_in(EVE, crate::support::PASSWORD).await;
    assert_eq!(refusal(&victim.get(&path).await), no_such_flow());
    assert_eq!(victim.signed_in_as().await.as_deref(), Some(EVE));
    assert_eq!(asked(&social), 0, "the provider was not asked");
}

#[tokio::test]
async fn attack_oauth_a_missing_empty_or_forged_state_is_refused() {
    let social = Social::with("").await;
    let mut browser = social.app.browser();
    let path = social.begun(&mut browser).await;
    let state = parameter(&path, "state").unwrap();
    for forged in [
        "",
        "null",
        &state[1..],
        &format!("{state}A"),
        &state.to_ascii_lowercase(),
        &"A".repeat(43),
    ] {
        let path = with_parameter(&path, "state", forged);
        assert_eq!(
            refusal(&browser.get(&path).await),
            no_such_flow(),
            "{forged}"
        );
    }
    let without = format!("{RESPONSE}?code={}", parameter(&path, "code").unwrap());
    assert_eq!(refusal(&browser.get(&without).await), no_such_flow());
    assert_eq!(asked(&social), 0);
    // None of them ended the flow.
    let answer = browser.get(&path).await;
    browser.is_ana(&answer).await;
}

#[tokio::test]
async fn attack_oauth_a_state_works_only_at_its_own_provider() {
    let social = Social::with("").await;
    let mut browser = social.app.browser();
    let path = social.begun(&mut browser).await;
    let answer = browser.begin_flow(&START.replace("hub", "forge")).await;
    let other = back(&social.forge, &answer);
    for swapped in [
        path.replace("/hub?", "/forge?"),
        other.replace("/forge?", "/hub?"),
    ] {
        let answer = browser.get(&swapped).await;
        assert_eq!(refusal(&answer), no_such_flow(), "{swapped}");
    }
    assert_eq!(asked(&social), 0);
    let answer = browser.get(&path).await;
    browser.is_ana(&answer).await;
}

#[tokio::test]
async fn attack_oauth_a_state_works_only_for_its_own_purpose() {
    let social = Social::with("SECURITY_FRESHNESS = \"5 minutes\"\n").await;
    let verify = |path: &str| path.replace("oauthresponse", "oauth-verify-response");
    let sign_in = |path: &str| path.replace("oauth-verify-response", "oauthresponse");
    let mut ana = social.app.browser();
    let begun = social.begun(&mut ana).await;
    ana.sign_in(ANA, crate::support::PASSWORD).await;
    let mut ana = ana.with_csrf().await;
    let linking = ana.begin_flow(&format!("{IDENTITIES}/hub")).await;
    let linking = social.back(&linking);
    social.app.wait(400);
    let verifying = ana.begin_flow(VERIFY_START).await;
    let verifying = social.back(&verifying);
    let before = ana.session_state();
    for path in [verify(&begun), verify(&linking)] {
        let (view, code) = refusal(&ana.get(&path).await);
        assert_eq!(
            (view.as_str(), code.as_str()),
            ("/verify-error", "OAUTH_HANDSHAKE_ERROR")
        );
    }
    assert_eq!(
        refusal(&ana.get(&sign_in(&verifying)).await),
        no_such_flow()
    );
    assert_eq!(ana.session_state(), before, "the session is not fresh");
    assert_eq!(asked(&social), 0);
    // The sign-in of a user who is signed in by now changes nothing.
    assert_eq!(target(&ana.get(&begun).await), "/in");
    assert_eq!(ana.session_state(), before);
    assert_eq!(
        destination(&ana.get(&verifying).await).0,
        "/post-oauth-verify"
    );
}

#[tokio::test]
async fn attack_oauth_a_flow_of_one_user_ends_with_their_session() {
    let social = Social::with("").await;
    social.app.user(EVE, |draft| draft).await;
    for start in [VERIFY_START.to_owned(), format!("{IDENTITIES}/hub")] {
        let mut browser = social.app.signed_in().await.with_csrf().await;
        let path = browser.begin_flow(&start).await;
        let path = social.back(&path);
        let mut kept = browser.clone();
        browser.sign_out().await;
        browser.headers.clear();
        let (_, code) = refusal(&browser.get(&path).await);
        assert_eq!(code, "OAUTH_HANDSHAKE_ERROR", "{start}");
        // The flow of an earlier cookie, in the session of another user.
        let flow = kept.session().get_str("vestibule_oauth").unwrap();
        kept.cookies.clear();
        kept.headers.clear();
        kept.sign_in(EVE, crate::support::PASSWORD).await;
        kept.set_session("vestibule_oauth", &flow);
        let before = kept.session_state();
        let (_, code) = refusal(&kept.get(&path).await);
        assert_eq!(code, "OAUTH_HANDSHAKE_ERROR", "{start}");
        assert_eq!(kept.session_state(), before, "{start}");
    }
    assert_eq!(asked(&social), 0);
}

#[tokio::test]
async fn attack_oauth_an_expired_flow_is_refused_before_any_look_up() {
    let store = Arc::new(Watched::over(Arc::new(MemoryStore::default())));
    let watched = Arc::clone(&store);
    let social = Social::built("", |builder| builder.datastore(watched)).await;
    let mut browser = social.app.browser();
    let path = social.begun(&mut browser).await;
    social.app.wait(601);
    store.take_calls();
    assert_eq!(refusal(&browser.get(&path).await), no_such_flow());
    let foreign = social.begun(&mut social.app.browser()).await;
    assert_eq!(refusal(&browser.get(&foreign).await), no_such_flow());
    assert_eq!(store.take_calls(), Vec::<String>::new());
    assert_eq!(asked(&social), 0);
    let path = social.begun(&mut browser).await;
    social.app.wait(600);
    let answer = browser.get(&path).await;
    browser.is_ana(&answer).await;
}

#[tokio::test]
async fn attack_oauth_an_injected_code_is_refused() {
    let social = Social::with("").await;
    // The attacker takes a code of the victim, and presents it in a flow of their own.
    social.has_at_hub("1", ANA);
    let stolen = social.begun(&mut social.app.browser()).await;
    let stolen = parameter(&stolen, "code").unwrap();
    let mut attacker = social.app.browser();
    let path = social.begun(&mut attacker).await;
    let answer = attacker.get(&with_parameter(&path, "code", &stolen)).await;
    assert_eq!(refusal(&answer), no_such_flow());
    assert_eq!(asked(&social), 1, "the provider refused the verifier");
    assert_signed_out(attacker, "an injected code").await;
}

#[tokio::test]
async fn attack_oauth_a_replayed_answer_signs_in_once() {
    let social = Social::with("").await;
    social.hub.set(|hub| hub.codes_work_once = false);
    let mut browser = social.app.browser();
    let path = social.begun(&mut browser).await;
    let copy = browser.clone();
    let answer = browser.get(&path).await;
    browser.is_ana(&answer).await;
    // With the cookie of before, as an attacker who copied both may send it.
    let mut replaying = copy.clone();
    assert_eq!(refusal(&replaying.get(&path).await), no_such_flow());
    assert_signed_out(replaying, "a replayed answer").await;
    // With the cookie of after, signed out.
    browser.sign_out().await;
    assert_eq!(refusal(&browser.get(&path).await), no_such_flow());
}

#[tokio::test]
async fn attack_open_redirect_a_flow_leads_to_our_own_views_only() {
    let social = Social::with("").await;
    for next in [
        "https://evil.example",
        "//evil.example/%2f..",
        "/\\evil.example",
        "javascript:alert(1)",
        "http://localhost:5000@evil.example/",
        "\thttps://evil.example",
    ] {
        let mut browser = social.app.browser();
        let answer = browser
            .begin_flow(&with_parameter(START, "next", next))
            .await;
        let provider = target(&answer);
        assert!(
            !provider.contains("evil") && !provider.contains("alert"),
            "{provider}"
        );
        let back = social.back(&answer);
        // Nor does a `next` that comes with the answer count.
        let back = with_parameter(&back, "next", next);
        let location = target(&browser.get(&back).await);
        assert!(location.starts_with("/post-oauth-login?"), "{location}");
        assert!(!location.contains("next"), "{location}");
    }
}

#[tokio::test]
async fn attack_sign_in_csrf_another_site_neither_begins_nor_completes_a_flow() {
    let social = Social::with("").await;
    let mut browser = social.app.browser().header("sec-fetch-site", "cross-site");
    browser
        .headers
        .insert("origin", "https://evil.example".parse().unwrap());
    let answer = browser.begin_flow(START).await;
    assert_eq!(answer.verdict(), (403, "CROSS_SITE_REQUEST".into()));
    // An image or a frame delivers an answer to a flow that the attacker made the victim begin.
    let mut victim = social.app.browser();
    let path = social.begun(&mut victim).await;
    for (mode, dest) in [("no-cors", "image"), ("navigate", "iframe")] {
        let mut embedded = victim.clone().header("sec-fetch-site", "cross-site");
        embedded
            .headers
            .insert("sec-fetch-mode", mode.parse().unwrap());
        embedded
            .headers
            .insert("sec-fetch-dest", dest.parse().unwrap());
        let answer = embedded.get(&path).await;
        assert_eq!(
            answer.verdict(),
            (403, "CROSS_SITE_REQUEST".into()),
            "{dest}"
        );
    }
    // HEAD changes nothing.
    let head = victim.send(Method::HEAD, &path, None, Vec::new()).await;
    assert_eq!(head.status, 302);
    let mut navigating = victim.header("sec-fetch-site", "cross-site");
    navigating
        .headers
        .insert("sec-fetch-mode", "navigate".parse().unwrap());
    navigating
        .headers
        .insert("sec-fetch-dest", "document".parse().unwrap());
    let answer = navigating.get(&path).await;
    assert_eq!(destination(&answer).0, "/post-oauth-login");
}

#[tokio::test]
async fn attack_oauth_error_texts_of_a_provider_are_never_shown() {
    let social = Social::with("").await;
    let markup = "<script>alert(1)</script>";
    let long = "x".repeat(3000);
    for error in ["access_denied", "a made-up <b>code</b>", markup, &long] {
        let mut browser = social.app.browser();
        let path = social.begun(&mut browser).await;
        let path = with_parameter(&path, "error", error);
        let path = with_parameter(&path, "error_description", markup);
        let answer = browser.get(&path).await;
        assert_eq!(refusal(&answer), no_such_flow());
        let location = target(&answer);
        let decoded = destination(&answer).1;
        for (_, value) in &decoded {
            assert!(
                !value.contains('<') && !value.contains("made-up"),
                "{value}"
            );
        }
        assert!(location.len() < 300, "{location}");
    }
    // A token endpoint that answers with a page.
    social.hub.set(|hub| {
        let page = vestibule_testkit::provider::Fault::Reply(400, "text/html", markup.to_owned());
        hub.faults.insert(Endpoint::Token, page);
    });
    let answer = social.sign_in(&mut social.app.browser()).await;
    assert!(!answer.text.contains("script") && !target(&answer).contains("script"));
    assert_eq!(refusal(&answer), no_such_flow());
}

#[tokio::test]
async fn attack_oauth_a_claim_is_shown_only_if_it_is_short_and_plain() {
    let social = Social::with("").await;
    for (email, code) in [
        (
            format!("{}<i>@example.com", "x".repeat(900)),
            "IDENTITY_NOT_REGISTERED",
        ),
        ("x".repeat(5000), "OAUTH_HANDSHAKE_ERROR"),
        ("ana\n@example.com".to_owned(), "OAUTH_HANDSHAKE_ERROR"),
    ] {
        social.has_at_hub("1", &email);
        let answer = social.sign_in(&mut social.app.browser()).await;
        assert_eq!(refusal(&answer), refused(code));
        let (_, query) = destination(&answer);
        assert!(
            query[0].1.len() < 300 && !query[0].1.contains("example.com"),
            "{query:?}"
        );
    }
}

#[tokio::test]
async fn attack_unverified_email_an_address_that_the_provider_does_not_vouch_for_signs_nobody_in() {
    let social = Social::with("").await;
    for claims in [
        json!({"sub": "1", "email": ANA, "email_verified": false}),
        json!({"sub": "1", "email": ANA, "email_verified": "false"}),
        json!({"sub": "1", "email": ANA, "email_verified": 0}),
        json!({"sub": "1", "email": ANA, "email_verified": null}),
        json!({"sub": "1", "email": ANA}),
    ] {
        social.is_at_hub(claims.clone());
        let mut browser = social.app.browser();
        let answer = social.sign_in(&mut browser).await;
        assert_eq!(
            refusal(&answer),
            refused("OAUTH_ADDRESS_NOT_VERIFIED"),
            "{claims}"
        );
        assert_signed_out(browser, "unverified").await;
    }
}

#[tokio::test]
async fn attack_wrong_person_the_identity_of_another_user_does_not_verify() {
    for linking in ["address", "linked"] {
        let lines = format!(
            "SECURITY_FRESHNESS = \"20 minutes\"\nSECURITY_OAUTH_LINKING = \"{linking}\"\n"
        );
        let social = Social::with(&lines).await;
        social.app.user(EVE, |draft| draft).await;
        // Eve's identity is linked, and has her address.
        let mut eve = social.app.browser();
        eve.sign_in(EVE, crate::support::PASSWORD).await;
        let mut eve = eve.with_csrf().await;
        social.link(&mut eve, "eve").await;
        let mut ana = social.linked("ana").await;
        social.app.wait(600);
        let before = ana.session_state();
        for (subject, email) in [
            ("eve", EVE),
            ("eve", ANA),
            ("another", EVE),
            ("another", "nobody@example.com"),
        ] {
            social.has_at_hub(subject, email);
            let answer = ana.begin_flow(VERIFY_START).await;
            let answer = ana.get(&social.back(&answer)).await;
            let (view, _) = refusal(&answer);
            assert_eq!(view, "/verify-error", "{subject} {email}");
            assert_eq!(ana.session_state(), before, "{subject} {email}");
        }
        social.has_at_hub("ana", "nobody@example.com");
        let answer = ana.begin_flow(VERIFY_START).await;
        let answer = ana.get(&social.back(&answer)).await;
        assert_eq!(destination(&answer).0, "/post-oauth-verify");
        assert_ne!(ana.session_state(), before);
    }
}

#[tokio::test]
async fn attack_secrets_no_cookie_or_redirect_holds_the_verifier() {
    let social = Social::with(LIFE).await;
    let mut browser = social.app.browser();
    let path = social.begun(&mut browser).await;
    let session = browser.session().get_str("vestibule_oauth").unwrap();
    browser.get(&path).await;
    let sent = social.hub.received(Endpoint::Token);
    let verifier = sent[0].field("code_verifier").unwrap();
    assert_eq!(verifier.len(), 43);
    let state = parameter(&path, "state").unwrap();
    for secret in [&verifier, &state] {
        assert!(!session.contains(secret.as_str()));
    }
    for request in social.hub.received(Endpoint::Authorization) {
        assert!(request.query.iter().all(|(_, value)| *value != verifier));
    }
}
