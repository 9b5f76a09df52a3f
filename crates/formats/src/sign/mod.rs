//! Signing, compatible with itsdangerous 2.2.
//!
//! A signed value is `payload.signature` or `payload.time.signature`. The key is derived from a
//! secret and a salt. The salt stands for the purpose, so a token made for one purpose is invalid
//! for any other.

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
