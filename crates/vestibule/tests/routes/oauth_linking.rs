//! Pre-hijacking with a provider in place of the password (Sudhodanan and Paverd, 2022): an attacker
//! prepares an account for the address of a victim who comes later. The attacker ends with nothing.

use serde_json::{Value, json};

use crate::support::mails::destination;
use crate::support::social::{IDENTITIES, Social, refusal, refused};
use crate::support::{Browser, LIFE};

const VICTIM: &str = "victim@example.com";
const ATTACKERS: &str = "the attacker's own";
const VICTIMS: &str = "the victim's own";
const GENERIC: &str = "SECURITY_RETURN_GENERIC_RESPONSES = true\n";
const EARLY: &str = "SECURITY_LOGIN_WITHOUT_CONFIRMATION = true\n";

fn account(password: &str) -> Value {
    json!({"email": VICTIM, "password": password, "password_confirm": password})
}

/// The attacker creates an account with the victim's address, and stays signed in if that is
/// possible without a confirmed address.
async fn attacker(social: &Social) -> Browser<'_> {
    let mut browser = social.app.browser();
    let path = "/api/accounts/register";
    let answer = browser.post(path, account(ATTACKERS)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    browser
}

/// The victim registers, is told by mail that the account exists, and sets a password by the link in
/// that mail.
async fn victim_resets(social: &Social) {
    let path = "/api/accounts/register";
    let answer = social.app.browser().post(path, account(VICTIMS)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let link = social.app.link(VICTIM).await;
    assert!(link.contains("/reset/"), "{link}");
    let body = json!({"password": VICTIMS, "password_confirm": VICTIMS});
    let answer = social.app.browser().post(&link, body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn holds_nothing(social: &Social, mut attacker: Browser<'_>) {
    assert_eq!(attacker.signed_in_as().await, None, "no session");
    let answer = social.app.browser().sign_in(VICTIM, ATTACKERS).await;
    assert_eq!(answer.status, 400, "no password");
}

#[tokio::test]
async fn attack_pre_hijacking_a_provider_does_not_sign_in_to_an_account_that_was_never_confirmed() {
    for early in ["", EARLY] {
        for linking in ["address", "linked"] {
            let lines = format!("{LIFE}{GENERIC}{early}SECURITY_OAUTH_LINKING = \"{linking}\"\n");
            let social = Social::with(&lines).await;
            let attacker = attacker(&social).await;
            // The victim signs in with a provider, and would share the account.
            social.has_at_hub("victim", VICTIM);
            let mut victim = social.app.browser();
            let answer = social.sign_in(&mut victim).await;
            let code = match linking {
                "address" => "CONFIRMATION_REQUIRED",
                _ => "OAUTH_NOT_LINKED",
            };
            assert_eq!(refusal(&answer), refused(code));
            assert_eq!(victim.signed_in_as().await, None);
            // Once the victim has proven the address, the account is theirs alone.
            victim_resets(&social).await;
            holds_nothing(&social, attacker).await;
            let answer = social.sign_in(&mut victim).await;
            let expected = (linking == "address").then_some(VICTIM);
            assert_eq!(
                victim.signed_in_as().await.as_deref(),
                expected,
                "{answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn attack_pre_hijacking_an_identity_that_the_attacker_linked_ends_with_the_reset() {
    let social = Social::with(&format!("{LIFE}{GENERIC}{EARLY}")).await;
    let mut attacker = attacker(&social).await.with_csrf().await;
    social.link(&mut attacker, "attacker").await;
    victim_resets(&social).await;
    holds_nothing(&social, attacker).await;
    social.has_at_hub("attacker", "attacker@hub.example");
    let mut browser = social.app.browser();
    let answer = social.sign_in(&mut browser).await;
    assert_eq!(refusal(&answer), refused("IDENTITY_NOT_REGISTERED"));
    assert_eq!(browser.signed_in_as().await, None);
}

#[tokio::test]
async fn attack_pre_hijacking_a_session_of_a_provider_does_not_outlive_the_reset() {
    // The attacker links an identity, signs in with it, and keeps that session.
    let social = Social::with(&format!("{LIFE}{GENERIC}{EARLY}")).await;
    let mut registered = attacker(&social).await.with_csrf().await;
    social.link(&mut registered, "attacker").await;
    let mut session = social.app.browser();
    social.sign_in(&mut session).await;
    assert_eq!(session.signed_in_as().await.as_deref(), Some(VICTIM));
    victim_resets(&social).await;
    holds_nothing(&social, session).await;
    holds_nothing(&social, registered).await;
}

#[tokio::test]
async fn attack_pre_hijacking_a_link_that_was_begun_before_the_reset_is_refused() {
    let social = Social::with(&format!("{LIFE}{GENERIC}{EARLY}")).await;
    let mut attacker = attacker(&social).await.with_csrf().await;
    social.has_at_hub("attacker", "attacker@hub.example");
    let answer = attacker.begin_flow(&format!("{IDENTITIES}/hub")).await;
    let trap = social.back(&answer);
    victim_resets(&social).await;
    assert_eq!(
        refusal(&attacker.get(&trap).await),
        refused("OAUTH_HANDSHAKE_ERROR")
    );
    let answer = social.sign_in(&mut social.app.browser()).await;
    assert_eq!(refusal(&answer), refused("IDENTITY_NOT_REGISTERED"));
    holds_nothing(&social, attacker).await;
}

#[tokio::test]
async fn attack_pre_hijacking_a_provider_that_does_not_verify_addresses_claims_none() {
    let lines = format!("{LIFE}SECURITY_OAUTH_AUTO_REGISTER = true\n");
    let linked = format!("{lines}SECURITY_OAUTH_LINKING = \"linked\"\n");
    for (lines, code) in [
        (lines, "OAUTH_ADDRESS_NOT_VERIFIED"),
        (linked, "OAUTH_NOT_LINKED"),
    ] {
        let social = Social::with(&lines).await;
        // The attacker enters the victim's address at the provider, before the victim registers.
        let unverified = json!({"sub": "attacker", "email": VICTIM, "email_verified": false});
        social.is_at_hub(unverified);
        let mut attacker = social.app.browser();
        let answer = social.sign_in(&mut attacker).await;
        assert_eq!(refusal(&answer), refused(code));
        let path = "/api/accounts/register";
        let answer = social.app.browser().post(path, account(VICTIMS)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let confirm = social.app.link(VICTIM).await;
        destination(&social.app.browser().get(&confirm).await);
        let answer = social.sign_in(&mut attacker).await;
        assert_eq!(refusal(&answer), refused(code));
        holds_nothing(&social, attacker).await;
    }
}
