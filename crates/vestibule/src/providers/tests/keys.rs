//! Rotation and caching of a provider's keys.

use serde_json::{Value, json};

use super::fake::*;

fn token_of(key: &Signer, id: &str, claims: &Value) -> String {
    key.token_with(&json!({"alg": "ES256", "kid": id}), claims)
}

#[tokio::test]
async fn a_rotated_key_is_fetched_when_a_token_names_it() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let fake = Fake::start(&old).await;
    let client = fake.client();
    let claims = fake.claims();
    fake.issue(&token_of(&old, "k1", &claims));
    redeem(&client).await.unwrap();
    fake.reply(
        "/keys",
        Reply::Json(json!({"keys": [old.jwk("k1"), new.jwk("k2")]})),
    );
    fake.issue(&token_of(&new, "k2", &claims));
    assert!(redeem(&client).await.is_ok());
    assert_eq!(fake.heard("/keys").len(), 2);
    // The provider withdraws the old key. A token caused a fetch less than a minute ago.
    fake.reply("/keys", Reply::Json(json!({"keys": [new.jwk("k2")]})));
    fake.issue(&token_of(&new, "k3", &claims));
    assert!(redeem_at(&client, NOW + 59).await.is_err());
    assert_eq!(fake.heard("/keys").len(), 2);
    assert!(redeem_at(&client, NOW + 60).await.is_err());
    assert_eq!(fake.heard("/keys").len(), 3);
    fake.issue(&token_of(&old, "k1", &claims));
    let error = redeem_at(&client, NOW + 61).await.unwrap_err();
    assert_eq!(error.name(), "unknown_key");
}

#[tokio::test]
async fn attack_unknown_key_ids_do_not_flood_the_provider() {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    let client = fake.client();
    for round in 0..20 {
        fake.issue(&token_of(&key, &format!("unknown-{round}"), &fake.claims()));
        let error = redeem_at(&client, NOW + round).await.unwrap_err();
        assert_eq!(error.name(), "unknown_key");
    }
    // The first fetch, and one that a token caused.
    assert_eq!(fake.heard("/keys").len(), 2);
    for _ in 0..5 {
        let _ = redeem_at(&client, NOW + 61).await;
    }
    assert_eq!(fake.heard("/keys").len(), 3);
}

#[tokio::test]
async fn old_documents_serve_for_a_day_while_the_provider_is_away() {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    let client = fake.client();
    let mut claims = fake.claims();
    claims["exp"] = json!(NOW + 1_000_000);
    fake.issue(&key.token(&claims));
    redeem(&client).await.unwrap();
    fake.reply("/keys", Reply::Text(503, String::new()));
    fake.reply(DISCOVERY, Reply::Text(503, String::new()));
    assert!(redeem_at(&client, NOW + 3599).await.is_ok());
    assert_eq!(fake.heard("/keys").len(), 1);
    assert!(redeem_at(&client, NOW + 3600).await.is_ok());
    assert_eq!(fake.heard("/keys").len(), 2);
    // A failure is not repeated at once.
    assert!(redeem_at(&client, NOW + 3605).await.is_ok());
    assert_eq!(fake.heard("/keys").len(), 2);
    assert!(redeem_at(&client, NOW + 86_399).await.is_ok());
    let error = redeem_at(&client, NOW + 86_400).await.unwrap_err();
    assert_eq!(error.name(), "status");
    // The clock was set back.
    fake.reply(DISCOVERY, Reply::Json(fake.discovery()));
    fake.reply("/keys", Reply::Json(json!({"keys": [key.jwk("k1")]})));
    assert!(redeem_at(&client, NOW + 90_000).await.is_ok());
    assert!(redeem_at(&client, NOW).await.is_ok());
}

#[tokio::test]
async fn parallel_sign_ins_fetch_each_document_once() {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    fake.issue(&key.token(&fake.claims()));
    let client = fake.client();
    let all = futures_util::future::join_all((0..16).map(|_| redeem(&client))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(fake.heard(DISCOVERY).len(), 1);
    assert_eq!(fake.heard("/keys").len(), 1);
    assert_eq!(fake.heard("/token").len(), 16);
}

#[tokio::test]
async fn parallel_sign_ins_with_a_rotated_key_all_succeed() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let fake = Fake::start(&old).await;
    let client = fake.client();
    fake.issue(&token_of(&old, "k1", &fake.claims()));
    redeem(&client).await.unwrap();
    fake.reply("/keys", Reply::Json(json!({"keys": [new.jwk("k2")]})));
    fake.issue(&token_of(&new, "k2", &fake.claims()));
    let sign_ins = (0..16).map(|_| redeem_at(&client, NOW + 60));
    let all = futures_util::future::join_all(sign_ins).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(fake.heard("/keys").len(), 2);
}
