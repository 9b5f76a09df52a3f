//! Fingerprints of an address or a password in link tokens, which show whether it is still the
//! same.
//!
//! The reference writes `sha256_crypt` with 535,000 rounds and reads any number of them. A
//! fingerprint inside a signed token needs no slow hash, so we write the fewest rounds that its
//! library reads.

use md5::{Digest as _, Md5};
use subtle::ConstantTimeEq as _;

use super::{Scheme, sha_crypt};
use crate::hex;

/// The number of random bytes that a new fingerprint needs.
pub const SALT_BYTES: usize = 16;

/// The minimum of `sha256_crypt`.
const ROUNDS: u32 = 1000;

/// Computes a fingerprint; `None` if the text contains a zero byte.
#[must_use]
pub fn fingerprint(text: &str, salt: &[u8; SALT_BYTES]) -> Option<String> {
    sha_crypt::Digest::Sha256
        .hash(text.as_bytes(), salt, ROUNDS)
        .ok()
}

/// Whether a fingerprint matches a text. A fingerprint of the reference takes tens of milliseconds
/// to check.
#[must_use]
pub fn is_of(fingerprint: &str, text: &str) -> bool {
    let crypt = match Scheme::identify(fingerprint) {
        Scheme::Sha256Crypt => sha_crypt::Digest::Sha256,
        Scheme::Sha512Crypt => sha_crypt::Digest::Sha512,
        // `hex_md5`, the other one in the reference's `HASHING_SCHEMES`.
        _ => {
            let digest = hex::encode(&Md5::digest(text));
            return digest.as_bytes().ct_eq(fingerprint.as_bytes()).into();
        }
    };
    crypt.verify(text.as_bytes(), fingerprint).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_matches_its_text_only() {
        let taken = fingerprint("ana@example.com", &[7; SALT_BYTES]).unwrap();
        assert!(taken.starts_with("$5$rounds=1000$"), "{taken}");
        assert!(is_of(&taken, "ana@example.com"));
        assert!(!is_of(&taken, "Ana@example.com"));
        assert_eq!(fingerprint("a\0b", &[7; SALT_BYTES]), None);
    }

    #[test]
    fn fingerprints_of_the_reference_are_verified() {
        // libpass 1.9.4: sha256_crypt.using(rounds=5000, salt="abcdefgh").hash("ana@example.com"),
        // and hex_md5.hash of the same address.
        let crypt = "$5$abcdefgh$FIBc63UVmAdugclmMPoSMhVsHGc4vc9hpQmfvGi1jS3";
        let md5 = "cdb9d6a1dddc375a09cc83e3001598dc";
        for taken in [crypt, md5] {
            assert!(is_of(taken, "ana@example.com"), "{taken}");
            assert!(!is_of(taken, "bo@example.com"), "{taken}");
        }
        assert!(!is_of("", "ana@example.com"));
        assert!(!is_of("$5$", "ana@example.com"));
    }
}
