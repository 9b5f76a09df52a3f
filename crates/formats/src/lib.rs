//! Formats that other programs can read: signed tokens and cookies, password hashes, one-time codes, text
//! rules.
//!
//! Everything here is bytes in, bytes out. Time and randomness are arguments, and nothing does I/O.

mod ascii_json;
pub mod auth_token;
pub mod ceremony_state;
pub mod csrf;
pub mod fernet;
pub mod flask_session;
pub mod hash;
pub mod hex;
pub mod jwk;
pub mod jwt;
pub mod link_token;
pub mod purpose;
pub mod recovery_codes;
pub mod redirect;
pub mod refresh_token;
pub mod remember_cookie;
pub mod session_identifier;
pub mod setup_state;
pub mod sign;
pub mod strict_json;
pub mod text;
pub mod totp;
pub mod validity_cookie;
pub mod webauthn;
