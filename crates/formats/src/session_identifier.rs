//! Flask-Login's `_id`: a digest of the client's address and user agent, which reveals when a
//! session is used by another client.
//!
//! It is SHA-512 of `address|user agent`, both in Python's notation of bytes (`b'127.0.0.1'`),
//! because that is what Flask-Login 0.6 formats into it. Flask-Login takes the first address of
//! `X-Forwarded-For`, even if the client is not a trusted proxy. Here the caller passes the address
//! that it trusts.

use std::fmt::Write as _;
use std::net::IpAddr;

use sha2::{Digest as _, Sha512};

/// Computes the identifier, in hexadecimal.
#[must_use]
pub fn session_identifier(address: Option<IpAddr>, user_agent: Option<&[u8]>) -> String {
    let address = address.map(|address| address.to_string().into_bytes());
    let user_agent = user_agent.map(latin_1_as_utf_8);
    let base = format!(
        "{}|{}",
        repr(address.as_deref()),
        repr(user_agent.as_deref())
    );
    crate::hex::encode(&Sha512::digest(base))
}

/// WSGI passes header bytes as Latin-1, and Flask-Login encodes them as UTF-8.
fn latin_1_as_utf_8(bytes: &[u8]) -> Vec<u8> {
    bytes
        .iter()
        .copied()
        .map(char::from)
        .collect::<String>()
        .into_bytes()
}

/// Python's `repr` of bytes, or of `None`.
fn repr(bytes: Option<&[u8]>) -> String {
    let Some(bytes) = bytes else {
        return "None".to_owned();
    };
    let quote = if bytes.contains(&b'\'') && !bytes.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    let mut shown = format!("b{quote}");
    for byte in bytes {
        match byte {
            b'\\' => shown.push_str("\\\\"),
            b'\t' => shown.push_str("\\t"),
            b'\n' => shown.push_str("\\n"),
            b'\r' => shown.push_str("\\r"),
            b'\'' if quote == '\'' => shown.push_str("\\'"),
            0x20..=0x7e => shown.push(char::from(*byte)),
            // Writing to a string does not fail.
            _ => _ = write!(shown, "\\x{byte:02x}"),
        }
    }
    shown.push(quote);
    shown
}
