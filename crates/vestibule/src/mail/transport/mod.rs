//! Sending mails.

mod message;
mod said;
mod sendmail;
#[cfg(feature = "smtp")]
mod smtp;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::mailbox::Nowhere;
use crate::http::fault::Fault;
pub(crate) use crate::outbox::DeliveryError;
#[cfg(feature = "smtp")]
use crate::settings::SmtpSettings;
use crate::settings::{MailRoute, MailSettings};

/// A mail that is ready to be sent.
#[derive(Clone)]
pub struct Outgoing {
    /// The sender.
    pub from: String,
    /// The recipient's address.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The plain-text part.
    pub text: Option<String>,
    /// The HTML part.
    pub html: Option<String>,
    /// The `Message-ID`.
    pub message_id: String,
    /// When the mail was rendered.
    pub date: OffsetDateTime,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

/// Sends mails.
///
/// ```
/// use std::sync::Arc;
/// use vestibule::{DeliveryError, Mailer, Outgoing};
///
/// #[derive(Debug)]
/// struct OnTheScreen;
///
/// #[async_trait::async_trait]
/// impl Mailer for OnTheScreen {
///     async fn send(&self, mail: &Outgoing) -> Result<(), DeliveryError> {
///         let text = mail.text.as_deref().unwrap_or_default();
///         println!("to {}: {}\n{text}", mail.to, mail.subject);
///         Ok(()) // or DeliveryError::Blocked, to retry later
///     }
/// }
///
/// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
/// builder.mailer(Arc::new(OnTheScreen))
/// # }
/// ```
#[async_trait]
pub trait Mailer: Send + Sync + std::fmt::Debug {
    /// Sends one mail.
    async fn send(&self, mail: &Outgoing) -> Result<(), DeliveryError>;
}

#[async_trait]
impl<M: Mailer + ?Sized> Mailer for Arc<M> {
    async fn send(&self, mail: &Outgoing) -> Result<(), DeliveryError> {
        (**self).send(mail).await
    }
}

/// Checks that a mail can be encoded for transmission.
///
/// # Errors
/// The reason why it cannot.
pub(crate) fn encode(mail: &Outgoing) -> Result<(), String> {
    match message::write(mail) {
        Ok(_) => Ok(()),
        Err(
            DeliveryError::Later(why) | DeliveryError::Blocked(why) | DeliveryError::Never(why),
        ) => Err(why),
    }
}

/// The mailer for these settings; `None` if mails are kept for the developer.
///
/// # Errors
/// If the sender is not a valid address, or the mail server or program is not usable.
pub(crate) fn mailer(settings: &MailSettings) -> Result<Option<Arc<dyn Mailer>>, Fault> {
    let sender = message::mailbox(&settings.sender)
        .ok_or_else(|| Fault::Internal("SECURITY_EMAIL_SENDER is not a valid sender".to_owned()))?;
    Ok(match &settings.route {
        MailRoute::DevMailbox => None,
        MailRoute::Nowhere => Some(Arc::new(Nowhere)),
        MailRoute::Sendmail(program) => {
            let program = sendmail::Sendmail::new(program.clone());
            program.check().map_err(Fault::Internal)?;
            Some(Arc::new(program))
        }
        #[cfg(feature = "smtp")]
        MailRoute::Smtp(smtp) => Some(Arc::new(smtp::Smtp::new(smtp, sender.email.domain())?)),
        #[cfg(not(feature = "smtp"))]
        MailRoute::Smtp(_) => {
            let _ = sender;
            return Err(Fault::Internal(
                "this program was built without SMTP".to_owned(),
            ));
        }
    })
}

/// One step of sending mails, tested without a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbedStep {
    /// What was tested.
    pub what: &'static str,
    /// What was found, or why it does not work.
    pub outcome: Result<String, String>,
}

/// Tests how mails are sent under these settings, for at most `patience` per step: looks up the
/// mail server, connects, encrypts, signs in, and sends nothing. Returns no steps if mails are not
/// sent.
pub async fn probe(settings: &MailSettings, patience: Duration) -> Vec<ProbedStep> {
    match &settings.route {
        MailRoute::DevMailbox | MailRoute::Nowhere => Vec::new(),
        MailRoute::Sendmail(program) => {
            let check = sendmail::Sendmail::new(program.clone()).check();
            vec![ProbedStep {
                what: "sendmail",
                outcome: check.map(|()| format!("{} is executable", program.display())),
            }]
        }
        #[cfg(feature = "smtp")]
        MailRoute::Smtp(smtp) => probe_server(settings, smtp, patience).await,
        #[cfg(not(feature = "smtp"))]
        MailRoute::Smtp(_) => {
            let _ = patience;
            Vec::new()
        }
    }
}

#[cfg(feature = "smtp")]
async fn probe_server(
    settings: &MailSettings,
    server: &SmtpSettings,
    patience: Duration,
) -> Vec<ProbedStep> {
    let looking = tokio::net::lookup_host((server.host.as_str(), server.port));
    let found = match tokio::time::timeout(patience, looking).await {
        Ok(Ok(addresses)) => {
            let mut addresses: Vec<String> =
                addresses.map(|address| address.ip().to_string()).collect();
            addresses.dedup();
            Ok(format!("{} is {}", server.host, addresses.join(", ")))
        }
        Ok(Err(error)) => Err(format!(
            "MAIL_SERVER: {} cannot be resolved: {error}; check the name of the mail server",
            server.host
        )),
        Err(_) => Err(format!(
            "MAIL_SERVER: {}: the DNS does not respond; check this machine's resolver",
            server.host
        )),
    };
    let is_known = found.is_ok();
    let mut steps = vec![ProbedStep {
        what: "mail server name",
        outcome: found,
    }];
    if is_known {
        let server = SmtpSettings {
            timeout: server.timeout.min(patience),
            ..server.clone()
        };
        let sender = settings.sender_address();
        let domain = sender.rsplit('@').next().unwrap_or_default();
        let outcome = match smtp::Smtp::new(&server, domain) {
            Ok(smtp) => smtp.probe(sender).await.map_err(|error| match error {
                DeliveryError::Later(text)
                | DeliveryError::Blocked(text)
                | DeliveryError::Never(text) => text,
            }),
            Err(fault) => Err(fault.to_string()),
        };
        steps.push(ProbedStep {
            what: "mail server",
            outcome,
        });
    }
    steps
}

/// A mail to send in tests.
#[cfg(test)]
fn example() -> Outgoing {
    Outgoing {
        from: "\"Accounts, Ltd.\" <accounts@m\u{fc}nchen.example>".to_owned(),
        to: "ana@example.com".to_owned(),
        subject: "Hello".to_owned(),
        text: Some("Gr\u{fc}\u{df}e\n.\n..\nhttps://example.com/confirm/abc\n".to_owned()),
        html: Some("<p>Gr\u{fc}\u{df}e</p>\n".to_owned()),
        message_id: "<1@example.com>".to_owned(),
        date: OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000),
    }
}
