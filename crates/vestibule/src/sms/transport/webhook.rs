//! A webhook of the operator that sends SMS.
//!
//! Requests are signed as in Standard Webhooks
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>),
//! so that its libraries can verify them.

use std::sync::Arc;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, header};
use secrecy::ExposeSecret as _;
use serde_json::json;
use zeroize::Zeroizing;

use super::{DeliveryError, LIMITS, SmsMessage, SmsSender, failure};
use crate::clock::Clock;
use crate::http::fault::Fault;
use crate::outbound::Outbound;
use crate::secrets::derived;
use crate::settings::SmsWebhookSettings;

const NAME: &str = "the SMS webhook";

/// The beginning of a secret that is written in base64.
const BASE64: &str = "whsec_";

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Posts SMS to a webhook.
pub(super) struct Webhook {
    settings: SmsWebhookSettings,
    clock: Arc<dyn Clock>,
    outbound: Outbound,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The path and the query may contain a secret.
        f.debug_struct("Webhook")
            .field("origin", &self.settings.origin)
            .finish_non_exhaustive()
    }
}

impl Webhook {
    pub(super) fn new(settings: &SmsWebhookSettings, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        Ok(Self {
            settings: settings.clone(),
            clock,
            outbound: Outbound::new(LIMITS)?,
        })
    }

    fn body(&self, to: &str, message: &str) -> String {
        json!({ "to": to, "from": self.settings.from, "message": message }).to_string()
    }

    /// The signature of a request: HMAC-SHA-256 of its ID, its time and its body.
    fn sign(&self, id: &str, timestamp: &str, body: &str) -> String {
        let content = Zeroizing::new(format!("{id}.{timestamp}.{body}"));
        let key = key(self.settings.secret.expose_secret());
        format!(
            "v1,{}",
            STANDARD.encode(derived::mac(&key, content.as_bytes()))
        )
    }
}

/// The key of a secret: the bytes after `whsec_` if these are base64, else the text itself.
fn key(secret: &str) -> Zeroizing<Vec<u8>> {
    let decoded = secret
        .strip_prefix(BASE64)
        .and_then(|text| STANDARD.decode(text).ok());
    Zeroizing::new(decoded.unwrap_or_else(|| secret.as_bytes().to_vec()))
}

#[async_trait]
impl SmsSender for Webhook {
    async fn send(&self, sms: &SmsMessage) -> Result<(), DeliveryError> {
        let body = self.body(&sms.to, &sms.text);
        // The time of this attempt, not of the SMS: a receiver refuses old requests as replayed.
        let timestamp = self.clock.now().unix_timestamp().to_string();
        let signature = self.sign(&sms.message_id, &timestamp, &body);
        let headers = [
            (header::CONTENT_TYPE, "application/json"),
            (IDEMPOTENCY_KEY, &sms.message_id),
            (ID, &sms.message_id),
            (TIMESTAMP, &timestamp),
            (SIGNATURE, &signature),
        ];
        let SmsWebhookSettings { origin, path, .. } = &self.settings;
        let answer = self
            .outbound
            .post(origin, path, &headers, Bytes::from(body))
            .await
            .map_err(|error| failure::without_response(NAME, &error))?;
        if answer.status.is_success() {
            Ok(())
        } else {
            Err(failure::by_status(NAME, answer.status, None))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(secret: &str, from: Option<&str>) -> Webhook {
        let settings = SmsWebhookSettings {
            origin: crate::settings::HttpOrigin {
                tls: false,
                host: "127.0.0.1".to_owned(),
                port: 1,
            },
            path: "/".to_owned(),
            secret: secret.into(),
            from: from.map(str::to_owned),
        };
        Webhook::new(&settings, Arc::new(crate::clock::SystemClock)).unwrap()
    }

    /// The example of the reference libraries of Standard Webhooks.
    #[test]
    fn signatures_are_those_of_standard_webhooks() {
        let signature = webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", None).sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn the_documented_request_has_its_signature() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/features/sms.md");
        let page = std::fs::read_to_string(path).unwrap();
        let webhook = webhook("a secret for the webhook", Some("+15550199"));
        let message = "Your code is 123456. Do not share it.\n\n@accounts.example.com #123456";
        let body = webhook.body("+15550100", message);
        assert!(page.contains(&body), "{body}");
        let id = "sms_0b5d6e5f0c3c4c1f8f3a9f6a3a4f7d52";
        assert!(page.contains(&format!("webhook-id: {id}")));
        let signature = webhook.sign(id, "1800000000", &body);
        assert!(page.contains(&format!("webhook-signature: {signature}")));
    }
}
