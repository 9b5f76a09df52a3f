//! What a user needs to set up an authenticator app: the `otpauth://` URI
//! (<https://github.com/google/google-authenticator/wiki/Key-Uri-Format>) and the key in groups that
//! are easy to type.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::code::{Algorithm, Key, Totp};

/// Everything but the unreserved characters of RFC 3986.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A label may contain the @ of an address.
const LABEL: &AsciiSet = &VALUE.remove(b'@');

/// The URI that an authenticator app scans, as passlib writes it. The label is the name under which
/// the user signs in, and the issuer is `TOTP_ISSUER`.
///
/// A colon separates the two, so a colon in either is replaced by an underscore; passlib fails.
#[must_use]
pub fn provisioning_uri(totp: &Totp, label: &str, issuer: &str) -> Zeroizing<String> {
    let (label, issuer) = (label.replace(':', "_"), issuer.replace(':', "_"));
    let mut uri = Zeroizing::new(String::from("otpauth://totp/"));
    if !issuer.is_empty() {
        uri.extend(utf8_percent_encode(&issuer, LABEL));
        uri.push(':');
    }
    uri.extend(utf8_percent_encode(&label, LABEL));
    uri.push_str("?secret=");
    uri.push_str(&totp.key().to_base32());
    match totp.algorithm() {
        Algorithm::Sha1 => {}
        Algorithm::Sha256 => uri.push_str("&algorithm=SHA256"),
        Algorithm::Sha512 => uri.push_str("&algorithm=SHA512"),
    }
    if totp.digits() != Totp::DIGITS {
        uri.push_str(&format!("&digits={}", totp.digits()));
    }
    if totp.period() != Totp::PERIOD {
        uri.push_str(&format!("&period={}", totp.period()));
    }
    if !issuer.is_empty() {
        uri.push_str("&issuer=");
        uri.extend(utf8_percent_encode(&issuer, VALUE));
    }
    uri
}

/// The key in base32, in groups with hyphens between them, as in the reference's `tf_authr_key` and
/// `authr_key`. The length of the groups is passlib's choice; a key of 20 bytes has eight of four.
/// (`tf_authr_b32key` and `authr_b32key` are [`Key::to_base32`].)
#[must_use]
pub fn pretty_key(key: &Key) -> Zeroizing<String> {
    let digits = key.to_base32();
    let size = group_size(digits.len());
    let mut pretty = Zeroizing::new(String::with_capacity(digits.len() * 5 / 4));
    for (at, digit) in digits.chars().enumerate() {
        if at != 0 && at % size == 0 {
            pretty.push('-');
        }
        pretty.push(digit);
    }
    pretty
}

/// The first size that divides the length, otherwise the first with the largest remainder.
fn group_size(length: usize) -> usize {
    const SIZES: [usize; 3] = [4, 6, 5];
    let mut best = SIZES[0];
    for size in SIZES {
        if length.is_multiple_of(size) {
            return size;
        }
        if length % size > length % best {
            best = size;
        }
    }
    best
}
