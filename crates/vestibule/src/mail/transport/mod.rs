//! How mails leave.

use async_trait::async_trait;
use time::OffsetDateTime;

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
#[async_trait]
pub trait Mailer: Send + Sync + std::fmt::Debug {
    /// Sends one.
    async fn send(&self, mail: &Outgoing) -> Result<(), MailError>;
}
