//! Signing, as itsdangerous 2.2 does it.
//!
//! A signed value is `payload.signature`, or `payload.time.signature`. The key is
//! derived from a secret and a salt; the salt is the purpose, so that a token minted for
//! one purpose is worth nothing for another.

mod error;
mod key_ring;
mod payload;
mod signer;
mod timed;

pub use error::SignatureError;
pub use key_ring::KeyRing;
pub use payload::{
    decode as decode_payload, encode as encode_payload, encode_over as encode_payload_over,
};
pub use signer::{Derivation, Signer};
pub use timed::{Opened, TimedSigner};
