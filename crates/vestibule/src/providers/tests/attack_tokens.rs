//! ID tokens that must be refused.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use vestibule_formats::jwt;

use super::fake::*;

/// The name of the error with these claims, signed with the right key.
async fn refusal(fake: &Fake, key: &Signer, claims: &Value) -> &'static str {
    fake.issue(&key.token(claims));
    match redeem(&fake.client()).await {
        Ok(_) => "accepted",
        Err(error) => error.name(),
    }
}

async fn each(cases: &[(&str, Value, &str)]) {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    for (claim, value, expected) in cases {
        let mut claims = fake.claims();
        if value == "(removed)" {
            claims.as_object_mut().unwrap().remove(*claim);
        } else {
            claims[*claim] = value.clone();
        }
        assert_eq!(
            refusal(&fake, &key, &claims).await,
            *expected,
            "{claim}: {value}"
        );
    }
}

#[tokio::test]
async fn attack_issuer_of_another_provider_in_a_signed_token_is_refused() {
    each(&[
        ("iss", json!("https://evil.example"), "issuer"),
        ("iss", json!("(removed)"), "issuer"),
        ("iss", json!(["http://127.0.0.1"]), "issuer"),
    ])
    .await;
}

#[tokio::test]
async fn attack_audience_of_another_client_is_refused() {
    each(&[
        ("aud", json!("client-2"), "audience"),
        ("aud", json!("client-1 client-2"), "audience"),
        ("aud", json!([]), "audience"),
        ("aud", json!(["client-2"]), "audience"),
        ("aud", json!([CLIENT, 1]), "audience"),
        ("aud", json!({CLIENT: true}), "audience"),
        ("aud", json!("(removed)"), "audience"),
        ("aud", json!([CLIENT]), "accepted"),
        // Several audiences need an authorized party.
        ("aud", json!([CLIENT, "client-2"]), "authorized_party"),
        ("azp", json!("client-2"), "authorized_party"),
        ("azp", json!(null), "authorized_party"),
        ("azp", json!(CLIENT), "accepted"),
    ])
    .await;
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    let mut claims = fake.claims();
    claims["aud"] = json!(["client-2", CLIENT]);
    claims["azp"] = json!(CLIENT);
    assert_eq!(refusal(&fake, &key, &claims).await, "accepted");
    claims["azp"] = json!("client-2");
    assert_eq!(refusal(&fake, &key, &claims).await, "authorized_party");
}

#[tokio::test]
async fn attack_expired_and_future_tokens_are_refused() {
    each(&[
        ("exp", json!(NOW - 59), "accepted"),
        ("exp", json!(NOW - 60), "expired"),
        ("exp", json!(0), "expired"),
        ("exp", json!("9999999999"), "expired"),
        ("exp", json!(1e300), "expired"),
        ("exp", json!(i64::MAX), "expired"),
        ("exp", json!("(removed)"), "expired"),
        ("iat", json!(NOW + 60), "accepted"),
        ("iat", json!(NOW + 61), "future"),
        ("iat", json!("(removed)"), "future"),
        ("iat", json!(null), "future"),
        ("nbf", json!(NOW + 60), "accepted"),
        ("nbf", json!(NOW + 61), "future"),
        ("nbf", json!("soon"), "future"),
    ])
    .await;
}

#[tokio::test]
async fn attack_nonce_of_another_flow_is_refused() {
    each(&[
        ("nonce", json!("nonce-of-another-flow"), "nonce"),
        ("nonce", json!(""), "nonce"),
        ("nonce", json!([NONCE]), "nonce"),
        ("nonce", json!("(removed)"), "nonce"),
        ("sub", json!(""), "subject"),
        ("sub", json!(1), "subject"),
        ("sub", json!("x".repeat(256)), "subject"),
        ("sub", json!("x".repeat(255)), "accepted"),
        ("sub", json!("(removed)"), "subject"),
        ("at_hash", json!(""), "access_token_hash"),
        ("at_hash", json!(null), "access_token_hash"),
    ])
    .await;
}

#[tokio::test]
async fn attack_access_token_of_another_user_is_refused_by_its_hash() {
    each(&[(
        "at_hash",
        json!("77QmUPtjPfzWtF2AnpK9RQ"),
        "access_token_hash",
    )])
    .await;
}

#[tokio::test]
async fn attack_jwt_algorithm_confusion_is_refused() {
    let key = Signer::rsa();
    let fake = Fake::start(&key).await;
    let client = fake.client();
    let claims = fake.claims();
    let unsigned = jwt::signing_input(&json!({"alg": "none", "kid": "k1"}), &claims);
    fake.issue(&format!("{unsigned}."));
    assert_eq!(redeem(&client).await.unwrap_err().name(), "algorithm");
    // HMAC with the public key as the secret, in several forms of that key.
    let jwk = key.jwk("k1");
    for secret in [
        jwk.to_string(),
        jwk["n"].as_str().unwrap().to_owned(),
        String::new(),
    ] {
        let message = jwt::signing_input(&json!({"alg": "HS256", "kid": "k1"}), &claims);
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(message.as_bytes());
        let signature = mac.finalize().into_bytes();
        fake.issue(&jwt::with_signature(&message, &signature));
        assert_eq!(redeem(&client).await.unwrap_err().name(), "algorithm");
    }
    // The header cannot choose another algorithm than the key's, or bring its own key.
    let other = Signer::p256();
    for header in [
        json!({"alg": "ES256", "kid": "k1"}),
        json!({"alg": "ES256", "kid": "k1", "jwk": other.jwk("k1")}),
        json!({"alg": "ES256", "jwk": other.jwk("k1"), "jku": "https://evil.example/keys"}),
    ] {
        fake.issue(&other.token_with(&header, &claims));
        assert_eq!(redeem(&client).await.unwrap_err().name(), "unknown_key");
    }
    // A key that is for one algorithm is not used for another.
    let mut jwk = key.jwk("k1");
    jwk["alg"] = json!("RS256");
    fake.reply("/keys", Reply::Json(json!({"keys": [jwk]})));
    fake.issue(&key.token_with(&json!({"alg": "PS256", "kid": "k1"}), &claims));
    assert_eq!(
        redeem(&fake.client()).await.unwrap_err().name(),
        "unknown_key"
    );
}

#[tokio::test]
async fn attack_jwt_of_another_key_is_refused() {
    let key = Signer::rsa();
    let fake = Fake::start(&key).await;
    fake.issue(&Signer::rsa().token(&fake.claims()));
    assert_eq!(
        redeem(&fake.client()).await.unwrap_err().name(),
        "signature"
    );
    let key = Signer::ed25519();
    let fake = Fake::start(&key).await;
    fake.issue(&Signer::ed25519().token(&fake.claims()));
    assert_eq!(
        redeem(&fake.client()).await.unwrap_err().name(),
        "signature"
    );
}

#[tokio::test]
async fn attack_jwt_with_a_changed_byte_is_refused() {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    let client = fake.client();
    let token = key.token(&fake.claims());
    fake.issue(&token);
    redeem(&client).await.unwrap();
    for at in (0..token.len()).step_by(3).chain([token.len() - 1]) {
        for change in [1, 2, 0x20] {
            let mut bytes = token.clone().into_bytes();
            bytes[at] ^= change;
            fake.issue(&String::from_utf8(bytes).unwrap());
            assert!(redeem(&client).await.is_err(), "byte {at} ^ {change}");
        }
    }
}

#[tokio::test]
async fn attack_jwt_that_is_truncated_is_refused() {
    let key = Signer::ed25519();
    let fake = Fake::start(&key).await;
    let client = fake.client();
    let token = key.token(&fake.claims());
    for length in (0..token.len()).step_by(5).chain([token.len() - 1]) {
        fake.issue(&token[..length]);
        assert!(redeem(&client).await.is_err(), "{length}");
        let mut shorter = token.clone();
        shorter.remove(length);
        fake.issue(&shorter);
        assert!(redeem(&client).await.is_err(), "without {length}");
    }
    for changed in [
        format!("{token}="),
        format!("{token}A"),
        format!("{token}."),
        format!(" {token}"),
    ] {
        fake.issue(&changed);
        assert!(redeem(&client).await.is_err(), "{changed}");
    }
}
