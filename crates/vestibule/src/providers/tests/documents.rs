//! Nothing secret is printed.

use super::fake::*;
use crate::clock::{Clock, SystemClock};
use crate::providers::Providers;
use std::sync::Arc;

#[tokio::test]
async fn debug_output_contains_no_secret_and_no_identity() {
    let key = Signer::p256();
    let fake = Fake::start(&key).await;
    fake.issue(&key.token(&fake.claims()));
    let client = fake.client();
    let identity = redeem(&client).await.unwrap();
    let printed = format!("{client:?} {identity:?}");
    for secret in [SECRET, ACCESS_TOKEN, "ana@example.com", "user-1"] {
        assert!(!printed.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn providers_are_found_by_name() {
    let fake = Fake::start(&Signer::p256()).await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let providers = Providers::new(&[fake.settings()], &clock).unwrap();
    assert_eq!(providers.names().collect::<Vec<_>>(), ["fake"]);
    assert!(providers.get("fake").is_some());
    assert!(providers.get("Fake").is_none());
    let provider = providers.get("fake").unwrap();
    assert!(!provider.counts_as_second_factor() && !provider.uses_form_post());
    assert_eq!(
        provider.settings.identity_attribute,
        vestibule_store::Identity::Email
    );
}
