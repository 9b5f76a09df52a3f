//! Why a signed value is refused.

/// The ways in which a signed value can be wrong. Its content must not be trusted, except in
/// [`Expired`](Self::Expired) and [`Ahead`](Self::Ahead), whose signature is valid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The value does not have the format of a signed value.
    #[error("not a signed value")]
    Malformed,
    /// None of our keys made this signature for this purpose.
    #[error("the signature does not match")]
    BadSignature,
    /// The signature is valid, but the time cannot be decoded.
    #[error("the time is malformed")]
    BadTime,
    /// The signature is valid, but too old.
    #[error("too old")]
    Expired {
        /// The signed payload, still encoded.
        payload: Vec<u8>,
        /// When it was signed, in seconds since 1970.
        signed_at: i64,
    },
    /// The signature is valid, but its time is further in the future than clocks may differ.
    #[error("signed {seconds} seconds ahead of this server's clock")]
    Ahead {
        /// The signed payload, still encoded.
        payload: Vec<u8>,
        /// When it was signed, in seconds since 1970.
        signed_at: i64,
        /// How far that is ahead of this server's clock, in seconds.
        seconds: u64,
    },
    /// The signature is valid, but the payload cannot be decoded.
    #[error("the payload cannot be decoded")]
    BadPayload,
}
