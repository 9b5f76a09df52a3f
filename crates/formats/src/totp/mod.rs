//! Time-based one-time codes (RFC 6238), and their keys in the formats of passlib and
//! Flask-Security.

mod base32;
mod code;
mod qr;
mod stored;
mod uri;
mod us_secrets;
mod wallet;

pub use code::{Algorithm, Code, KEY_BYTES, Key, Totp, may_be_code};
pub use qr::{QrError, svg_data_url};
pub use uri::{pretty_key, provisioning_uri};
pub use us_secrets::{UsSecrets, UsSecretsError};
pub use wallet::{Opened, SALT_BYTES, Wallet, WalletError};
