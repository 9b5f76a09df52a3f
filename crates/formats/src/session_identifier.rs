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
    let length = user_agent.map_or(0, <[u8]>::len);
    let mut text = String::with_capacity(length + 64);
    match address {
        // Writing to a string does not fail. An address has no character that `repr` would escape.
        Some(address) => _ = write!(text, "b'{address}'"),
        None => text.push_str("None"),
    }
    text.push('|');
    match user_agent {
        Some(user_agent) => push_repr(&mut text, user_agent),
        None => text.push_str("None"),
    }
    crate::hex::encode(&Sha512::digest(text))
}

/// Appends Python's `repr` of header bytes. WSGI passes them as Latin-1, and Flask-Login encodes
/// them as UTF-8.
fn push_repr(text: &mut String, latin_1: &[u8]) {
    let quote = if latin_1.contains(&b'\'') && !latin_1.contains(&b'"') {
        '"'
    } else {
        '\''
    };
    text.push('b');
    text.push(quote);
    for byte in latin_1.iter().copied() {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'\t' => text.push_str("\\t"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\'' if quote == '\'' => text.push_str("\\'"),
            0x20..=0x7e => text.push(char::from(byte)),
            _ => {
                let mut utf_8 = [0; 2];
                for byte in char::from(byte).encode_utf8(&mut utf_8).bytes() {
                    let _ = write!(text, "\\x{byte:02x}");
                }
            }
        }
    }
    text.push(quote);
}
