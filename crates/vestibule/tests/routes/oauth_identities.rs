//! The caller's identities at providers: listing, linking and unlinking them.

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use vestibule::Event;
use vestibule_store::UserPatch;

use crate::support::mails::destination;
use crate::support::social::{IDENTITIES, START, Social, refusal, refused, target};
use crate::support::{ANA, Answer, Browser, LIFE, PASSWORD};

const EVE: &str = "eve@example.com";
const NEW: &str = "new@example.com";
const SHORT: &str = "SECURITY_FRESHNESS = \"5 minutes\"\nSECURITY_FRESHNESS_GRACE_PERIOD = 0\n";
const LINKED_ONLY: &str = "SECURITY_OAUTH_LINKING = \"linked\"\n";

async fn identities(browser: &mut Browser<'_>) -> Vec<Value> {
    let response = browser.get(IDENTITIES).await.response();
    response["identities"].as_array().unwrap().clone()
}

async fn unlink(browser: &mut Browser<'_>, id: &Value) -> Answer {
    let path = format!("{IDENTITIES}/{id}");
    browser.send(Method::DELETE, &path, None, Vec::new()).await
}

#[tokio::test]
async fn a_linked_identity_is_listed_signs_in_and_is_unlinked() {
    let social = Social::with(LINKED_ONLY).await;
    let mut ana = social.linked("1").await;
    let listed = identities(&mut ana).await;
    assert_eq!(listed.len(), 1);
    let expected = json!({
        "id": listed[0]["id"], "provider": "hub", "label": "1@hub.example",
        "linked_at": social.app.app().unix_now(), "last_used_at": null,
    });
    assert_eq!(listed[0], expected);
    let response = ana.get(IDENTITIES).await.response();
    assert_eq!(
        response["providers"],
        json!(["forge", "hub", "poster", "strong"])
    );
    let mails = social.app.mails(ANA).await;
    assert!(mails[0].text.as_ref().unwrap().contains("hub"), "{mails:?}");

    social.app.wait(60);
    let mut browser = social.app.browser();
    let answer = social.sign_in(&mut browser).await;
    browser.is_ana(&answer).await;
    let used = identities(&mut ana).await[0]["last_used_at"].clone();
    assert_eq!(used, social.app.app().unix_now());

    social.app.take_events();
    let answer = unlink(&mut ana, &listed[0]["id"]).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.response()["identities"], json!([]));
    let user_id = social.app.stored(ANA).await.id;
    let removed = Event::SignInMethodRemoved {
        user_id,
        method: "hub",
    };
    assert_eq!(social.app.take_events(), [removed]);
    assert_eq!(social.app.mails(ANA).await.len(), 2);
    let mut browser = social.app.browser();
    let answer = social.sign_in(&mut browser).await;
    assert_eq!(refusal(&answer), refused("IDENTITY_NOT_REGISTERED"));
    assert_eq!(unlink(&mut ana, &listed[0]["id"]).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn with_linked_identities_only_an_address_does_not_sign_in() {
    let social = Social::with(LINKED_ONLY).await;
    for (claims, code) in [
        (
            json!({"sub": "1", "email": ANA, "email_verified": true}),
            "OAUTH_NOT_LINKED",
        ),
        (
            json!({"sub": "1", "email": NEW, "email_verified": true}),
            "IDENTITY_NOT_REGISTERED",
        ),
        // Whether an account exists is not told to a client that may have made the address up.
        (json!({"sub": "1", "email": ANA}), "OAUTH_NOT_LINKED"),
        (json!({"sub": "1", "email": NEW}), "OAUTH_NOT_LINKED"),
        (
            json!({"sub": "1", "email": ANA, "email_verified": false}),
            "OAUTH_NOT_LINKED",
        ),
    ] {
        social.is_at_hub(claims.clone());
        let mut browser = social.app.browser();
        let answer = social.sign_in(&mut browser).await;
        assert_eq!(refusal(&answer), refused(code), "{claims}");
        assert_eq!(browser.signed_in_as().await, None, "{claims}");
    }
}

#[tokio::test]
async fn linking_needs_a_fresh_session_and_its_csrf_token() {
    let social = Social::with(SHORT).await;
    let link = format!("{IDENTITIES}/hub");
    let mut ana = social.app.signed_in().await;
    assert_eq!(ana.begin_flow(&link).await.code(), "CSRF_TOKEN_MISSING");
    let mut ana = ana.with_csrf().await;
    assert!(target(&ana.begin_flow(&link).await).starts_with(&social.hub.issuer()));
    let answer = ana.begin_flow(&format!("{IDENTITIES}/nowhere")).await;
    assert_eq!(answer.verdict(), (404, "NOT_FOUND".into()));
    social.app.wait(400);
    let verdict = (401, "REAUTHENTICATION_REQUIRED".to_owned());
    assert_eq!(ana.begin_flow(&link).await.verdict(), verdict);
    let answer = unlink(&mut ana, &json!(1)).await;
    assert_eq!(answer.verdict(), verdict);
    let token = social.app.auth_token(ANA).await;
    let answer = social.app.bearer(&token).begin_flow(&link).await;
    assert_eq!(answer.verdict(), (401, "UNAUTHENTICATED".into()));
}

#[tokio::test]
async fn attack_linking_an_identity_belongs_to_one_account() {
    let social = Social::with("").await;
    social.app.user(EVE, |draft| draft).await;
    let mut ana = social.linked("1").await;
    // Once more changes nothing.
    social.link(&mut ana, "1").await;
    assert_eq!(identities(&mut ana).await.len(), 1);
    let mut eve = social.app.browser();
    eve.sign_in(EVE, PASSWORD).await;
    let mut eve = eve.with_csrf().await;
    let answer = eve.begin_flow(&format!("{IDENTITIES}/hub")).await;
    let answer = eve.get(&social.back(&answer)).await;
    assert_eq!(refusal(&answer), refused("OAUTH_ALREADY_LINKED"));
    assert!(identities(&mut eve).await.is_empty());
    // Nor can she unlink it.
    let id = identities(&mut ana).await[0]["id"].clone();
    assert_eq!(unlink(&mut eve, &id).await.code(), "NOT_FOUND");
    // Its address is hers, but the link decides.
    social.has_at_hub("1", EVE);
    let mut browser = social.app.browser();
    let answer = social.sign_in(&mut browser).await;
    browser.is_ana(&answer).await;
    // The same subject at another provider is another user.
    social.forge.set(|forge| {
        forge.claims = json!({"sub": "1", "email": EVE, "email_verified": true});
    });
    let mut browser = social.app.browser();
    let answer = browser.begin_flow(&START.replace("hub", "forge")).await;
    let path = crate::support::social::back(&social.forge, &answer);
    browser.get(&path).await;
    assert_eq!(browser.signed_in_as().await.as_deref(), Some(EVE));
}

#[tokio::test]
async fn attack_authorisation_by_absence_odd_ids_unlink_nothing() {
    let social = Social::with("").await;
    let mut ana = social.linked("1").await;
    for id in [
        "0",
        "-1",
        "hub",
        "1e0",
        "9999999999999999999",
        "%00",
        "1%2f",
        "+1",
    ] {
        let path = format!("{IDENTITIES}/{id}");
        let answer = ana.send(Method::DELETE, &path, None, Vec::new()).await;
        if id != "+1" {
            assert_eq!(answer.status, 404, "{id}: {answer:?}");
        }
    }
}

/// A user whom a provider's address made, who has no password.
async fn without_password(social: &Social) -> Browser<'_> {
    social.has_at_hub("1", NEW);
    let mut browser = social.app.browser();
    social.sign_in(&mut browser).await;
    assert_eq!(browser.signed_in_as().await.as_deref(), Some(NEW));
    browser.with_csrf().await
}

#[tokio::test]
async fn attack_lockout_denial_the_last_way_to_sign_in_cannot_be_unlinked() {
    let social = Social::with("SECURITY_OAUTH_AUTO_REGISTER = true\n").await;
    let mut browser = without_password(&social).await;
    let id = identities(&mut browser).await[0]["id"].clone();
    assert_eq!(
        unlink(&mut browser, &id).await.code(),
        "LAST_SIGN_IN_METHOD"
    );
    // Another identity is another way, until it is the last one.
    social.link(&mut browser, "2").await;
    assert_eq!(unlink(&mut browser, &id).await.status, 200);
    let id = identities(&mut browser).await[0]["id"].clone();
    assert_eq!(
        unlink(&mut browser, &id).await.code(),
        "LAST_SIGN_IN_METHOD"
    );
    // So is a password.
    let hash = social.app.stored(ANA).await.password.unwrap();
    let patch = UserPatch {
        password: Some(vestibule_store::PasswordChange::Set(hash)),
        ..UserPatch::default()
    };
    social.app.patched(NEW, patch).await;
    assert_eq!(unlink(&mut browser, &id).await.status, 200);
}

#[tokio::test]
async fn a_code_by_mail_is_another_way_to_sign_in_where_codes_sign_in() {
    let lines = "SECURITY_OAUTH_AUTO_REGISTER = true\nSECURITY_UNIFIED_SIGNIN = true\n";
    let social = Social::with(lines).await;
    let mut browser = without_password(&social).await;
    let id = identities(&mut browser).await[0]["id"].clone();
    let answer = unlink(&mut browser, &id).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[tokio::test]
async fn attack_race_of_many_unlinking_requests_one_identity_remains() {
    let social = Social::with("SECURITY_OAUTH_AUTO_REGISTER = true\n").await;
    let mut browser = without_password(&social).await;
    for subject in ["2", "3", "4"] {
        social.link(&mut browser, subject).await;
    }
    let all = identities(&mut browser).await;
    let requests = all.iter().map(|identity| {
        let mut browser = browser.clone();
        async move { unlink(&mut browser, &identity["id"]).await.status.as_u16() }
    });
    let mut statuses = join_all(requests).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 400]);
    assert_eq!(identities(&mut browser).await.len(), 1);
}

#[tokio::test]
async fn attack_state_change_a_deleted_identity_stops_working_at_once() {
    let social = Social::with(&format!("{LIFE}{LINKED_ONLY}")).await;
    let mut ana = social.linked("1").await;
    // A flow that the user's other browser began before. The address at the provider is Ana's, so
    // that only the link will be missing.
    social.has_at_hub("1", ANA);
    let mut browser = social.app.browser();
    let path = social.begun(&mut browser).await;
    let id = identities(&mut ana).await[0]["id"].clone();
    assert_eq!(unlink(&mut ana, &id).await.status, 200);
    assert_eq!(refusal(&browser.get(&path).await).1, "OAUTH_NOT_LINKED");
    // Resetting access removes identities, deleting the account as well.
    social.link(&mut ana, "1").await;
    let user = social.app.stored(ANA).await;
    vestibule::admin::reset_access(social.app.app(), &user)
        .await
        .unwrap();
    social.has_at_hub("1", ANA);
    let answer = social.sign_in(&mut social.app.browser()).await;
    assert_eq!(refusal(&answer), refused("OAUTH_NOT_LINKED"));
    assert_eq!(destination(&answer).0, "/login-error");
}
