//! Servers that misbehave, and callbacks from the wrong server.

use serde_json::json;

use super::fake::*;
use crate::providers::{Callback, ProviderError};
use crate::settings::{ProviderEndpoint, ProviderProtocol};

async fn start_error(fake: &Fake) -> &'static str {
    match fake.client().authorization_url(&request()).await {
        Ok(_) => "accepted",
        Err(error) => error.name(),
    }
}

#[tokio::test]
async fn attack_discovery_documents_that_are_huge_slow_or_redirecting_are_refused() {
    let fake = Fake::start(&Signer::p256()).await;
    let padded = format!("{}{}", fake.discovery(), " ".repeat(300 * 1024));
    fake.reply(DISCOVERY, Reply::Text(200, padded));
    assert_eq!(start_error(&fake).await, "size");
    fake.reply(DISCOVERY, Reply::Silent);
    assert_eq!(start_error(&fake).await, "unreachable");
    fake.reply("/elsewhere", Reply::Json(fake.discovery()));
    fake.reply(
        DISCOVERY,
        Reply::Redirect(format!("{}/elsewhere", fake.base)),
    );
    assert_eq!(start_error(&fake).await, "status");
    assert!(fake.heard("/elsewhere").is_empty());
}

#[tokio::test]
async fn attack_redirecting_token_endpoint_does_not_get_the_code_elsewhere() {
    let fake = Fake::start(&Signer::p256()).await;
    fake.reply("/token", Reply::Redirect(format!("{}/thief", fake.base)));
    assert_eq!(redeem(&fake.client()).await.unwrap_err().name(), "status");
    assert!(fake.heard("/thief").is_empty());
}

#[tokio::test]
async fn attack_discovery_document_of_another_issuer_is_refused() {
    let fake = Fake::start(&Signer::p256()).await;
    for issuer in [
        json!("https://evil.example"),
        json!(format!("{}/", fake.base)),
        json!(null),
        json!([fake.base]),
    ] {
        fake.discover("issuer", issuer.clone());
        assert_eq!(start_error(&fake).await, "metadata", "{issuer}");
    }
    let document = fake.discovery().to_string();
    let twice = document.replacen('{', r#"{"issuer":"https://evil.example","#, 1);
    fake.reply(DISCOVERY, Reply::Text(200, twice));
    assert_eq!(start_error(&fake).await, "malformed");
    fake.reply(DISCOVERY, Reply::Text(200, "<html>".to_owned()));
    assert_eq!(start_error(&fake).await, "malformed");
}

#[tokio::test]
async fn attack_discovered_urls_of_other_schemes_are_refused() {
    let fake = Fake::start(&Signer::p256()).await;
    for url in [
        "javascript:alert(1)",
        "file:///etc/passwd",
        "ftp://op.example/token",
        "//op.example/token",
        "/token",
        "https://user:password@op.example/token",
        "https://op.example/token#fragment",
        "https://op.example/to ken",
        "https://op.example\\@evil.example/",
        "",
    ] {
        for member in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
            fake.discover(member, json!(url));
            assert_eq!(start_error(&fake).await, "metadata", "{member}: {url}");
        }
    }
    assert!(ProviderEndpoint::parse("http://op.example/token", false).is_none());
}

#[tokio::test]
async fn attack_ssrf_a_private_provider_is_refused_unless_allowed() {
    let fake = Fake::start(&Signer::p256()).await;
    // The endpoints of a plain provider, parsed for a private network but used without it.
    let mut settings = fake.plain_settings();
    settings.allow_private = false;
    let error = redeem(&fake.client_of(&settings)).await.unwrap_err();
    assert_eq!(error, ProviderError::Unreachable);
    assert!(fake.heard("/token").is_empty());
    // A name that resolves to a private address is no better than the address.
    let port = fake.base.rsplit_once(':').unwrap().1.to_owned();
    for host in [
        "localhost",
        "127.1",
        "2130706433",
        "0.0.0.0",
        "[::ffff:127.0.0.1]",
    ] {
        let url = format!("http://{host}:{port}/token");
        let mut settings = fake.plain_settings();
        if let ProviderProtocol::OAuth2 { token, .. } = &mut settings.protocol {
            *token = ProviderEndpoint::parse(&url, true).unwrap();
        }
        settings.allow_private = false;
        let error = redeem(&fake.client_of(&settings)).await.unwrap_err();
        assert_eq!(error, ProviderError::Unreachable, "{host}");
        assert!(fake.heard("/token").is_empty(), "{host}");
    }
}

#[tokio::test]
async fn attack_mix_up_is_detected_before_the_code_is_sent() {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    fake.issue(&key.token(&fake.claims()));
    let client = fake.client();
    let other = Callback {
        code: "code-1",
        iss: Some("https://evil.example"),
    };
    let empty = Callback {
        code: "code-1",
        iss: Some(""),
    };
    for callback in [&other, &empty] {
        let error = client.redeem(callback, &flow(), NOW).await.unwrap_err();
        assert_eq!(error.name(), "issuer_parameter");
        let plain = fake.client_of(&fake.plain_settings());
        let error = plain.redeem(callback, &flow(), NOW).await.unwrap_err();
        assert_eq!(error.name(), "issuer_parameter");
    }
    assert!(fake.heard("/token").is_empty());
    // A provider that promises the parameter always sends it.
    let promise = "authorization_response_iss_parameter_supported";
    fake.discover(promise, json!(true));
    let client = fake.client();
    assert_eq!(
        redeem(&client).await.unwrap_err().name(),
        "issuer_parameter"
    );
    assert!(fake.heard("/token").is_empty());
    let own = Callback {
        code: "code-1",
        iss: Some(&fake.base),
    };
    assert!(client.redeem(&own, &flow(), NOW).await.is_ok());
}

#[tokio::test]
async fn attack_abandoned_requests_do_not_make_the_provider_unavailable() {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    fake.reply(DISCOVERY, Reply::Silent);
    let client = fake.client();
    let request = request();
    let started = client.authorization_url(&request);
    let patience = std::time::Duration::from_millis(50);
    assert!(tokio::time::timeout(patience, started).await.is_err());
    fake.reply(DISCOVERY, Reply::Json(fake.discovery()));
    assert!(client.authorization_url(&request).await.is_ok());
}

#[tokio::test]
async fn a_provider_that_fails_is_not_asked_again_at_once() {
    let fake = Fake::start(&Signer::p256()).await;
    fake.reply(DISCOVERY, Reply::Text(500, String::new()));
    let client = fake.client();
    for _ in 0..5 {
        assert!(client.authorization_url(&request()).await.is_err());
    }
    assert_eq!(fake.heard(DISCOVERY).len(), 1);
    fake.reply(DISCOVERY, Reply::Json(fake.discovery()));
    fake.set_clock(NOW + 10);
    assert!(client.authorization_url(&request()).await.is_ok());
}
