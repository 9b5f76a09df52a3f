//! Many requests at once with one flow: one of them has an effect.

use std::sync::Arc;

use futures_util::future::join_all;
use serde_json::json;
use vestibule_store::sql::TableNames;
use vestibule_store::{MemoryStore, Store};

use crate::support::mails::destination;
use crate::support::social::{
    IDENTITIES, START, Social, VERIFY_START, back, refusal, target, with_parameter,
};
use crate::support::sqlite::Folder;
use crate::support::watched::{Removes, Watched};
use crate::support::{ANA, Answer, Browser};

const REQUESTS: usize = 64;
const NEW: &str = "new@example.com";

/// Answers to one flow, each with a code of its own.
fn answers(social: &Social, begun: &Answer) -> Vec<String> {
    (0..REQUESTS).map(|_| social.back(begun)).collect()
}

/// Delivers all answers at once, and returns how many led to a view.
async fn deliver(browser: &Browser<'_>, paths: &[String], view: &str) -> usize {
    let requests = paths.iter().map(|path| {
        let mut browser = browser.clone();
        async move { browser.get(path).await }
    });
    let answers = join_all(requests).await;
    let found = answers.iter().filter(|answer| {
        let is_refused = destination(answer).0 != view;
        if is_refused {
            assert_eq!(refusal(answer).1, "OAUTH_HANDSHAKE_ERROR");
        }
        !is_refused
    });
    found.count()
}

/// An application on each store, on which all changes that end a flow wait for each other.
async fn each_store() -> Vec<(Social, Option<Folder>)> {
    let folder = Folder::new();
    let sqlite = folder.store(&TableNames::default());
    let memory: Arc<dyn Store> = Arc::new(MemoryStore::default());
    let mut all = Vec::new();
    for (store, folder) in [(memory, None), (sqlite, Some(folder))] {
        let lines = "SECURITY_OAUTH_AUTO_REGISTER = true\nSECURITY_FRESHNESS = \"1 hour\"\n";
        let social = Social::built(lines, |builder| builder.datastore(store)).await;
        all.push((social, folder));
    }
    all
}

#[tokio::test]
async fn attack_single_use_one_of_64_answers_to_one_flow_signs_in() {
    for (social, _folder) in each_store().await {
        let mut browser = social.app.browser();
        let begun = browser.begin_flow(START).await;
        let paths = answers(&social, &begun);
        assert_eq!(deliver(&browser, &paths, "/post-oauth-login").await, 1);
        assert_eq!(social.app.stored(ANA).await.login_count, Some(1));
    }
}

#[tokio::test]
async fn attack_single_use_one_of_64_answers_to_one_flow_registers() {
    for (social, _folder) in each_store().await {
        social.has_at_hub("1", NEW);
        let mut browser = social.app.browser();
        let begun = browser.begin_flow(START).await;
        let paths = answers(&social, &begun);
        assert_eq!(deliver(&browser, &paths, "/post-oauth-login").await, 1);
        assert_eq!(social.app.stored(NEW).await.login_count, Some(1));
        assert_eq!(social.app.mails(NEW).await.len(), 1);
    }
}

#[tokio::test]
async fn attack_single_use_one_of_64_answers_to_one_flow_verifies_and_links() {
    for (social, _folder) in each_store().await {
        let mut ana = social.app.signed_in().await.with_csrf().await;
        let begun = ana.begin_flow(VERIFY_START).await;
        let paths = answers(&social, &begun);
        assert_eq!(deliver(&ana, &paths, "/post-oauth-verify").await, 1);
        // Each answer is of another user at the provider.
        let begun = ana.begin_flow(&format!("{IDENTITIES}/hub")).await;
        let paths: Vec<String> = (0..REQUESTS)
            .map(|number| {
                social.has_at_hub(&number.to_string(), ANA);
                social.back(&begun)
            })
            .collect();
        assert_eq!(deliver(&ana, &paths, "/linked").await, 1);
        let identities = ana.get(IDENTITIES).await.response();
        assert_eq!(identities["identities"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn attack_race_two_users_link_one_identity_and_one_of_them_gets_it() {
    for (social, _folder) in each_store().await {
        social.app.user(NEW, |draft| draft).await;
        social.has_at_hub("1", ANA);
        let mut paths = Vec::new();
        for email in [ANA, NEW] {
            let mut browser = social.app.browser();
            browser.sign_in(email, crate::support::PASSWORD).await;
            let mut browser = browser.with_csrf().await;
            let begun = browser.begin_flow(&format!("{IDENTITIES}/hub")).await;
            paths.push((browser, social.back(&begun)));
        }
        let requests = paths.into_iter().map(|(mut browser, path)| async move {
            let answer = browser.get(&path).await;
            destination(&answer).0
        });
        let mut views = join_all(requests).await;
        views.sort();
        assert_eq!(views, ["/linked", "/login-error"]);
    }
}

/// The entry in the ledger alone ends a flow: without it, several answers would have an effect.
#[tokio::test]
async fn a_flow_ends_by_the_ledger() {
    for (removes, expected) in [(Removes::Nothing, 1), (Removes::Secrets, 8)] {
        let store = Arc::new(Watched::without(
            Arc::new(MemoryStore::default()),
            removes,
            8,
        ));
        let watched = Arc::clone(&store);
        let social = Social::built("", |builder| builder.datastore(watched)).await;
        let mut browser = social.app.browser();
        let begun = browser.begin_flow(START).await;
        let paths = answers(&social, &begun);
        let signed_in = deliver(&browser, &paths[..8], "/post-oauth-login").await;
        assert_eq!(signed_in, expected, "{removes:?}");
    }
}

#[tokio::test]
async fn attack_replayed_code_one_code_signs_in_once_in_two_flows() {
    let social = Social::with("").await;
    let mut browser = social.app.browser();
    let first = browser.begin_flow(START).await;
    let second = browser.begin_flow(START).await;
    let path = back(&social.hub, &first);
    let other = back(&social.hub, &second);
    let code = crate::support::social::parameter(&path, "code").unwrap();
    let answer = browser.get(&path).await;
    browser.is_ana(&answer).await;
    browser.post("/api/accounts/logout", json!({})).await;
    // Even the owner's browser cannot use the code again, in another flow.
    let mut browser = social.app.browser();
    let third = browser.begin_flow(START).await;
    assert_ne!(target(&third), target(&second));
    for path in [other, social.back(&third)] {
        let answer = browser.get(&with_parameter(&path, "code", &code)).await;
        assert_eq!(refusal(&answer).1, "OAUTH_HANDSHAKE_ERROR");
    }
    assert_eq!(browser.signed_in_as().await, None);
}
