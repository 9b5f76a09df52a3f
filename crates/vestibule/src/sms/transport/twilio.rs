//! Twilio's REST API: <https://www.twilio.com/docs/messaging/api/message-resource>.

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use form_urlencoded::Serializer;
use http::header;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{DeliveryError, LIMITS, SmsMessage, SmsSender, failure};
use crate::http::fault::Fault;
use crate::outbound::Outbound;
use crate::settings::TwilioSettings;

const NAME: &str = "Twilio";

/// Sends SMS through an account at Twilio.
///
/// Twilio has no key for idempotency: if its response is lost, the SMS is sent again.
pub(super) struct Twilio {
    settings: TwilioSettings,
    outbound: Outbound,
}

/// The part of an error response that is safe to log. Its text contains the recipient's number.
#[derive(Deserialize)]
struct Refusal {
    /// The number in <https://www.twilio.com/docs/api/errors>.
    code: i64,
}

impl std::fmt::Debug for Twilio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Twilio")
            .field("origin", &self.settings.origin)
            .finish_non_exhaustive()
    }
}

impl Twilio {
    pub(super) fn new(settings: &TwilioSettings) -> Result<Self, Fault> {
        Ok(Self {
            settings: settings.clone(),
            outbound: Outbound::new(LIMITS)?,
        })
    }

    /// The `Authorization` header (RFC 7617).
    fn authorization(&self) -> Zeroizing<String> {
        let credentials = Zeroizing::new(format!(
            "{}:{}",
            self.settings.account_sid,
            self.settings.auth_token.expose_secret()
        ));
        let encoded = Zeroizing::new(STANDARD.encode(credentials.as_bytes()));
        Zeroizing::new(format!("Basic {}", *encoded))
    }
}

#[async_trait]
impl SmsSender for Twilio {
    async fn send(&self, sms: &SmsMessage) -> Result<(), DeliveryError> {
        let path = format!(
            "/2010-04-01/Accounts/{}/Messages.json",
            self.settings.account_sid
        );
        let form = Serializer::new(String::new())
            .append_pair("From", &self.settings.from)
            .append_pair("To", &sms.to)
            .append_pair("Body", &sms.text)
            .finish();
        let authorization = self.authorization();
        let headers = [
            (header::AUTHORIZATION, authorization.as_str()),
            (header::CONTENT_TYPE, "application/x-www-form-urlencoded"),
            (header::ACCEPT, "application/json"),
        ];
        let answer = self
            .outbound
            .post(&self.settings.origin, &path, &headers, Bytes::from(form))
            .await
            .map_err(|error| failure::without_response(NAME, &error))?;
        if answer.status.is_success() {
            return Ok(());
        }
        let refusal = answer
            .body
            .and_then(|body| serde_json::from_slice::<Refusal>(&body).ok());
        let number = refusal.map(|refusal| refusal.code);
        Err(failure::by_status(NAME, answer.status, number))
    }
}
