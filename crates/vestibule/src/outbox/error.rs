//! Why a delivery was not sent.

/// Why a mail or an SMS was not sent. The texts are logged and stored: they must contain nothing
/// secret.
///
/// An SMS is given up when the code in it expires, whatever the reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// The receiving side does not accept it at the moment: a full mailbox, greylisting, an
    /// overloaded service. It is retried for two days.
    #[error("delayed: {0}")]
    Later(String),
    /// The failure has nothing to do with the recipient: a setting is wrong, the server cannot be
    /// reached or refuses us, or the mail cannot be encoded. It is retried for thirty days, so that
    /// it is sent once the cause is fixed.
    #[error("delayed until this is fixed: {0}")]
    Blocked(String),
    /// The receiving side refuses it for good: the recipient does not exist. It is given up.
    #[error("refused: {0}")]
    Never(String),
}
