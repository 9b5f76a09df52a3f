//! Sign-ins that succeed.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use vestibule_formats::jwt::UnverifiedJwt;

use super::fake::*;
use crate::providers::{Callback, ProviderError};
use crate::settings::{ClientCredentials, ProviderEndpoint, ProviderProtocol, TokenAuth};

fn form(body: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect()
}

fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

fn value<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    let mut values = form.iter().filter(|(other, _)| other == name);
    let (_, value) = values.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(values.next().is_none(), "{name} twice");
    value
}

#[tokio::test]
async fn an_open_id_sign_in_yields_the_identity() {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    let client = fake.client();
    let url = client.authorization_url(&request()).await.unwrap();
    let (at, query) = url.split_once('?').unwrap();
    assert_eq!(at, format!("{}/authorize", fake.base));
    let query = form(query);
    for (name, expected) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("scope", "openid email"),
        ("state", "state-1"),
        ("nonce", NONCE),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(value(&query, name), expected);
    }
    assert!(!url.contains(VERIFIER));

    fake.issue(&key.token(&fake.claims()));
    let identity = redeem(&client).await.unwrap();
    assert_eq!(identity.issuer, fake.base);
    assert_eq!(identity.subject, "user-1");
    assert_eq!(identity.claim.as_deref(), Some("ana@example.com"));
    assert_eq!(identity.address.as_deref(), Some("ana@example.com"));
    assert_eq!(identity.address_verified, Some(true));
    assert_eq!(identity.name.as_deref(), Some("Ana"));

    let heard = fake.heard("/token");
    let sent = form(&heard[0].body);
    assert_eq!(value(&sent, "grant_type"), "authorization_code");
    assert_eq!(value(&sent, "code"), "code-1");
    assert_eq!(value(&sent, "redirect_uri"), REDIRECT);
    assert_eq!(value(&sent, "code_verifier"), VERIFIER);
    // RFC 6749, section 2.3.1: both parts are form-encoded before they are joined.
    let expected = STANDARD.encode("client-1:s3cret%3Awith%2Fodd+chars");
    assert_eq!(
        heard[0].headers["authorization"].to_str().unwrap(),
        format!("Basic {expected}")
    );
    assert!(!heard[0].body.contains("secret"));
    // Documents are fetched once.
    redeem(&client).await.unwrap();
    assert_eq!(fake.heard(DISCOVERY).len(), 1);
    assert_eq!(fake.heard("/keys").len(), 1);
}

#[tokio::test]
async fn every_allowed_algorithm_is_accepted() {
    let rsa = Signer::rsa();
    let fake = Fake::start(&rsa).await;
    let client = fake.client();
    for algorithm in ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] {
        fake.issue(&rsa.token_with(&json!({"alg": algorithm, "kid": "k1"}), &fake.claims()));
        assert!(redeem(&client).await.is_ok(), "{algorithm}");
    }
    for key in [Signer::p256(), Signer::p384(), Signer::ed25519()] {
        let fake = Fake::start(&key).await;
        fake.issue(&key.token(&fake.claims()));
        assert!(redeem(&fake.client()).await.is_ok());
    }
}

#[tokio::test]
async fn the_metadata_says_where_the_credentials_go() {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    fake.discover(
        "token_endpoint_auth_methods_supported",
        json!(["private_key_jwt", "client_secret_post"]),
    );
    fake.issue(&key.token(&fake.claims()));
    redeem(&fake.client()).await.unwrap();
    let heard = fake.heard("/token");
    let sent = form(&heard[0].body);
    assert_eq!(value(&sent, "client_id"), CLIENT);
    assert_eq!(value(&sent, "client_secret"), SECRET);
    assert!(!heard[0].headers.contains_key("authorization"));
}

#[tokio::test]
async fn an_access_token_hash_is_checked_if_present() {
    let key = Signer::ed25519();
    let fake = Fake::start(&key).await;
    let hash = sha2::Sha512::digest(ACCESS_TOKEN);
    let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&hash[..32]);
    let mut claims = fake.claims();
    claims["at_hash"] = json!(text);
    fake.issue(&key.token(&claims));
    assert!(redeem(&fake.client()).await.is_ok());
    claims["at_hash"] = json!(Sha256::digest(ACCESS_TOKEN).to_vec());
    fake.issue(&key.token(&claims));
    assert_eq!(
        redeem(&fake.client()).await.unwrap_err().name(),
        "access_token_hash"
    );
}

#[tokio::test]
async fn a_claim_that_the_id_token_lacks_comes_from_the_profile_of_the_same_user() {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    let mut claims = fake.claims();
    claims.as_object_mut().unwrap().remove("email");
    fake.issue(&key.token(&claims));
    let profile = json!({"sub": "user-1", "email": "b@example.com", "email_verified": "true"});
    fake.reply("/userinfo", Reply::Json(profile));
    let identity = redeem(&fake.client()).await.unwrap();
    assert_eq!(identity.claim.as_deref(), Some("b@example.com"));
    assert_eq!(identity.address_verified, Some(true));
    assert_eq!(
        fake.heard("/userinfo")[0].headers["authorization"],
        format!("Bearer {ACCESS_TOKEN}")
    );
    for profile in [
        json!({"sub": "user-2", "email": "b@example.com"}),
        json!({"email": "b@x"}),
    ] {
        fake.reply("/userinfo", Reply::Json(profile));
        assert_eq!(
            redeem(&fake.client()).await.unwrap_err().name(),
            "subject_mismatch"
        );
    }
}

#[tokio::test]
async fn only_true_counts_as_verified() {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    let client = fake.client();
    for (value, expected) in [
        (json!(true), Some(true)),
        (json!("true"), Some(true)),
        (json!(false), Some(false)),
        (json!("false"), Some(false)),
        (json!("True"), Some(false)),
        (json!(1), Some(false)),
        (json!("1"), Some(false)),
        (json!(null), Some(false)),
        (json!([true]), Some(false)),
    ] {
        let mut claims = fake.claims();
        claims["email_verified"] = value.clone();
        fake.issue(&key.token(&claims));
        let identity = redeem(&client).await.unwrap();
        assert_eq!(identity.address_verified, expected, "{value}");
    }
    let mut claims = fake.claims();
    claims.as_object_mut().unwrap().remove("email_verified");
    fake.issue(&key.token(&claims));
    assert_eq!(redeem(&client).await.unwrap().address_verified, None);
    let mut settings = fake.settings();
    settings.claims.verified_by_default = Some(false);
    settings.claims.verified = "xms_edov".to_owned();
    let client = fake.client_of(&settings);
    assert_eq!(redeem(&client).await.unwrap().address_verified, Some(false));
    claims["xms_edov"] = json!("1");
    fake.issue(&key.token(&claims));
    assert_eq!(redeem(&client).await.unwrap().address_verified, Some(true));
}

#[tokio::test]
async fn a_plain_provider_vouches_by_its_profile() {
    let fake = Fake::start(&Signer::p256()).await;
    let client = fake.client_of(&fake.plain_settings());
    let url = client.authorization_url(&request()).await.unwrap();
    assert!(url.starts_with(&format!(
        "{}/authorize?flavour=plain&response_type=code",
        fake.base
    )));
    assert!(url.contains("code_challenge="));
    assert!(!url.contains("nonce"));
    fake.reply(
        "/token",
        Reply::Text(
            200,
            format!("access_token={ACCESS_TOKEN}&token_type=bearer"),
        ),
    );
    let profile = json!({"id": 4711, "email": "ana@example.com", "name": " A\u{7}na "});
    fake.reply("/userinfo", Reply::Json(profile));
    let identity = redeem(&client).await.unwrap();
    assert_eq!(identity.issuer, fake.base);
    assert_eq!(identity.subject, "4711");
    assert_eq!(identity.claim.as_deref(), Some("ana@example.com"));
    assert_eq!(identity.address_verified, None);
    assert_eq!(identity.name.as_deref(), Some("Ana"));
    assert!(fake.heard(DISCOVERY).is_empty());
    for id in [
        json!(null),
        json!(""),
        json!(1.5),
        json!("x".repeat(256)),
        json!({}),
    ] {
        fake.reply("/userinfo", Reply::Json(json!({"id": id})));
        assert_eq!(redeem(&client).await.unwrap_err().name(), "subject", "{id}");
    }
}

#[tokio::test]
async fn a_list_of_addresses_completes_the_profile() {
    let fake = Fake::start(&Signer::p256()).await;
    let mut settings = fake.plain_settings();
    if let ProviderProtocol::OAuth2 { addresses, .. } = &mut settings.protocol {
        *addresses = ProviderEndpoint::parse(&format!("{}/emails", fake.base), true);
    }
    let client = fake.client_of(&settings);
    let tokens = json!({"access_token": ACCESS_TOKEN, "token_type": "bearer"});
    fake.reply("/token", Reply::Json(tokens));
    let list = json!([
        {"email": "old@example.com", "primary": false, "verified": true},
        {"email": "new@example.com", "primary": true, "verified": false},
    ]);
    fake.reply("/emails", Reply::Json(list));
    for (public, address, verified) in [
        (
            json!("old@example.com"),
            Some("old@example.com"),
            Some(true),
        ),
        (json!(null), Some("new@example.com"), Some(false)),
        (
            json!("other@example.com"),
            Some("other@example.com"),
            Some(false),
        ),
    ] {
        // The profile itself cannot say that an address is verified.
        let profile = json!({"id": 1, "email": public, "email_verified": true});
        fake.reply("/userinfo", Reply::Json(profile));
        let identity = redeem(&client).await.unwrap();
        assert_eq!(identity.claim.as_deref(), address, "{public}");
        assert_eq!(identity.address_verified, verified, "{public}");
    }
    // Without the scope for the list, nothing is known.
    fake.reply("/emails", Reply::Text(404, String::new()));
    let identity = redeem(&client).await.unwrap();
    assert_eq!(identity.address.as_deref(), Some("other@example.com"));
    assert_eq!(identity.address_verified, None);
}

#[tokio::test]
async fn apple_gets_a_signed_client_secret_and_is_asked_for_a_form() {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    let own = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut settings = fake.settings();
    settings.form_post = true;
    settings.token_auth = Some(TokenAuth::Post);
    settings.credentials = ClientCredentials::Apple {
        team_id: "TEAM".to_owned(),
        key_id: "KEY".to_owned(),
        private_key: pem(&own.serialize_der()).into(),
    };
    let client = fake.client_of(&settings);
    let url = client.authorization_url(&request()).await.unwrap();
    assert!(url.ends_with("&response_mode=form_post"));
    fake.issue(&key.token(&fake.claims()));
    redeem(&client).await.unwrap();
    let sent = form(&fake.heard("/token")[0].body);
    let secret = UnverifiedJwt::parse(value(&sent, "client_secret")).unwrap();
    assert_eq!(secret.key_id.as_deref(), Some("KEY"));
    assert_eq!(secret.claims["iss"], "TEAM");
    assert_eq!(secret.claims["sub"], CLIENT);
    assert_eq!(secret.claims["aud"], "https://appleid.apple.com");
    assert_eq!(secret.claims["exp"], NOW + 300);
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, own.public_key_raw());
    public.verify(secret.message, &secret.signature).unwrap();
}

#[tokio::test]
async fn errors_of_the_provider_have_stable_names() {
    let fake = Fake::start(&Signer::p256()).await;
    let client = fake.client();
    for (status, body, name) in [
        (400, r#"{"error": "invalid_grant"}"#, "invalid_grant"),
        (401, r#"{"error": "invalid_client"}"#, "invalid_client"),
        (400, r#"{"error": "<img src=x onerror=alert(1)>"}"#, "other"),
        (500, "<html><script>alert(1)</script>", "status"),
        (200, "<html><script>alert(1)</script>", "access_token"),
        (
            200,
            r#"{"access_token": "a", "token_type": "Bearer"}"#,
            "id_token_missing",
        ),
    ] {
        fake.reply("/token", Reply::Text(status, body.to_owned()));
        let error = redeem(&client).await.unwrap_err();
        assert_eq!(error.name(), name, "{body}");
        assert!(!format!("{error}{error:?}").contains('<'));
    }
    for code in [String::new(), "x".repeat(4097)] {
        let callback = Callback {
            code: &code,
            iss: None,
        };
        let error = client.redeem(&callback, &flow(), NOW).await.unwrap_err();
        assert_eq!(error.name(), "code");
    }
    assert_eq!(
        ProviderError::denied("access_denied").name(),
        "access_denied"
    );
}
