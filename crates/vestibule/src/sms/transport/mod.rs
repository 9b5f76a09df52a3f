//! Sending SMS.

#[cfg(feature = "sms")]
mod failure;
#[cfg(test)]
#[cfg(feature = "sms")]
mod tests;
#[cfg(feature = "sms")]
mod twilio;
#[cfg(feature = "sms")]
mod webhook;

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use crate::clock::Clock;
use crate::http::fault::Fault;
#[cfg(feature = "sms")]
use crate::outbound::Limits;
use crate::outbox::DeliveryError;
#[cfg(feature = "sms")]
use crate::settings::SMS_TIMEOUT;
use crate::settings::SmsService;

/// A request sends one SMS, and the outbox sends eight at a time.
#[cfg(feature = "sms")]
const LIMITS: Limits = Limits {
    patience: SMS_TIMEOUT,
    answer_bytes: 64 * 1024,
    at_a_time: 8,
};

/// An SMS that is ready to be sent.
#[derive(Clone)]
pub struct SmsMessage {
    /// The recipient's number in E.164 form: `+15550100`.
    pub to: String,
    /// The text. It may have several lines.
    pub text: String,
    /// An ID that stays the same if sending is tried again. A service that knows it must not send
    /// the SMS a second time.
    pub message_id: String,
    /// When the SMS was written.
    pub date: OffsetDateTime,
}

impl std::fmt::Debug for SmsMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SmsMessage").finish_non_exhaustive()
    }
}

/// Sends SMS.
///
/// ```
/// use vestibule::{DeliveryError, SmsMessage, SmsSender};
///
/// #[derive(Debug)]
/// struct OnTheScreen;
///
/// #[async_trait::async_trait]
/// impl SmsSender for OnTheScreen {
///     async fn send(&self, sms: &SmsMessage) -> Result<(), DeliveryError> {
///         println!("to {}: {}", sms.to, sms.text);
///         Ok(()) // or DeliveryError::Later, to retry
///     }
/// }
///
/// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
/// builder.sms_sender(OnTheScreen)
/// # }
/// ```
#[async_trait]
pub trait SmsSender: Send + Sync + std::fmt::Debug {
    /// Sends one SMS.
    async fn send(&self, sms: &SmsMessage) -> Result<(), DeliveryError>;
}

#[async_trait]
impl<S: SmsSender + ?Sized> SmsSender for Arc<S> {
    async fn send(&self, sms: &SmsMessage) -> Result<(), DeliveryError> {
        (**self).send(sms).await
    }
}

/// Writes SMS to the log at debug level, and sends nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dummy;

#[async_trait]
impl SmsSender for Dummy {
    async fn send(&self, sms: &SmsMessage) -> Result<(), DeliveryError> {
        tracing::debug!(
            id = sms.message_id,
            to = sms.to,
            text = sms.text,
            "an SMS was not sent: SECURITY_SMS_SERVICE is \"Dummy\""
        );
        Ok(())
    }
}

/// The sender that the settings configure; `None` if SMS are not sent.
///
/// # Errors
/// When TLS cannot be set up.
pub(crate) fn sender(
    service: &SmsService,
    clock: &Arc<dyn Clock>,
) -> Result<Option<Arc<dyn SmsSender>>, Fault> {
    Ok(match service {
        SmsService::Dummy => None,
        #[cfg(feature = "sms")]
        SmsService::Twilio(settings) => Some(Arc::new(twilio::Twilio::new(settings)?)),
        #[cfg(feature = "sms")]
        SmsService::Webhook(settings) => {
            let clock = Arc::clone(clock);
            Some(Arc::new(webhook::Webhook::new(settings, clock)?))
        }
        #[cfg(not(feature = "sms"))]
        SmsService::Twilio(_) | SmsService::Webhook(_) => {
            let _ = clock;
            return Err(Fault::Internal(
                "this program was built without SMS".to_owned(),
            ));
        }
    })
}
