//! Why a signed value is not accepted.

/// The ways in which a signed value can be wrong. Nothing of what it said is to be
/// believed, except in [`Expired`](Self::Expired) and [`Ahead`](Self::Ahead), whose signature was
/// good.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It does not have the shape of a signed value.
    #[error("not a signed value")]
    Malformed,
    /// No key of ours made this signature for this purpose.
    #[error("the signature does not match")]
    BadSignature,
    /// The signature is good and the time in it is not one.
    #[error("the time is malformed")]
    BadTime,
    /// The signature is good, and too old.
    #[error("too old")]
    Expired {
        /// What was signed, still encoded.
        payload: Vec<u8>,
        /// When, in seconds since 1970.
        signed_at: i64,
    },
    /// The signature is good, and its time is further in the future than clocks may differ.
    #[error("signed {seconds} seconds ahead of this server's clock")]
    Ahead {
        /// What was signed, still encoded.
        payload: Vec<u8>,
        /// When, in seconds since 1970.
        signed_at: i64,
        /// By how much that is ahead, in seconds.
        seconds: u64,
    },
    /// The signature is good and what was signed cannot be decoded.
    #[error("the payload cannot be decoded")]
    BadPayload,
}
