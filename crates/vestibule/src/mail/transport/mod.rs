//! How mails leave.

mod message;
mod said;
mod sendmail;
#[cfg(feature = "smtp")]
mod smtp;

use std::sync::Arc;

use async_trait::async_trait;
use time::OffsetDateTime;

use super::mailbox::Nowhere;
use crate::http::fault::Fault;
use crate::settings::{MailRoute, MailSettings};

/// A mail on its way out.
#[derive(Clone)]
pub struct Outgoing {
    /// From whom.
    pub from: String,
    /// To whom.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The part in plain text.
    pub text: Option<String>,
    /// The part in HTML.
    pub html: Option<String>,
    /// Its `Message-ID`.
    pub message_id: String,
    /// When it was written.
    pub date: OffsetDateTime,
}

impl std::fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outgoing").finish_non_exhaustive()
    }
}

/// Why a mail was not sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// It may work another time.
    #[error("not now: {0}")]
    Later(String),
    /// It will not.
    #[error("never: {0}")]
    Never(String),
}

/// Sends mails.
///
/// ```
/// use std::sync::Arc;
/// use vestibule::mail::transport::{MailError, Mailer, Outgoing};
///
/// #[derive(Debug)]
/// struct OnTheScreen;
///
/// #[async_trait::async_trait]
/// impl Mailer for OnTheScreen {
///     async fn send(&self, mail: &Outgoing) -> Result<(), MailError> {
///         let text = mail.text.as_deref().unwrap_or_default();
///         println!("to {}: {}\n{text}", mail.to, mail.subject);
///         Ok(()) // or MailError::Later, and it is tried again
///     }
/// }
///
/// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
/// builder.mailer(Arc::new(OnTheScreen))
/// # }
/// ```
#[async_trait]
pub trait Mailer: Send + Sync + std::fmt::Debug {
    /// Sends one.
    async fn send(&self, mail: &Outgoing) -> Result<(), MailError>;
}

/// What sends mails as the settings say; nothing does where they are kept for the developer.
///
/// # Errors
/// When the sender is nobody's address, or the way is not open.
pub(crate) fn mailer(settings: &MailSettings) -> Result<Option<Arc<dyn Mailer>>, Fault> {
    let sender = message::mailbox(&settings.sender)
        .ok_or_else(|| Fault::Internal("SECURITY_EMAIL_SENDER is nobody's address".to_owned()))?;
    Ok(match &settings.route {
        MailRoute::DevMailbox => None,
        MailRoute::Nowhere => Some(Arc::new(Nowhere)),
        MailRoute::Sendmail(program) => Some(Arc::new(sendmail::Sendmail::new(program.clone()))),
        #[cfg(feature = "smtp")]
        MailRoute::Smtp(smtp) => Some(Arc::new(smtp::Smtp::new(smtp, sender.email.domain())?)),
        #[cfg(not(feature = "smtp"))]
        MailRoute::Smtp(_) => {
            let _ = sender;
            return Err(Fault::Internal("SMTP is not built in".to_owned()));
        }
    })
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
        date: OffsetDateTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000),
    }
}
