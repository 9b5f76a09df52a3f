//! The cost of checking stored hashes: the scheme and its parameters, without salt and digest.

use super::{HASH_LIMIT, HashError, Memory, Scheme, check};

/// The beginning of a stored hash up to the salt, which determines what a check costs: hashes with
/// the same parameters cost the same. Empty for an unknown hash, which may be a plain-text
/// password.
#[must_use]
pub fn parameters(hash: &str) -> &str {
    let third_is = |word: &str| {
        hash.split('$')
            .nth(2)
            .is_some_and(|part| part.starts_with(word))
    };
    let parts = match Scheme::identify(hash) {
        Scheme::Argon2 | Scheme::DjangoArgon2 if third_is("v=") => 4,
        Scheme::DjangoBcrypt | Scheme::DjangoBcryptSha256 => 4,
        Scheme::Argon2
        | Scheme::DjangoArgon2
        | Scheme::Bcrypt
        | Scheme::Pbkdf2Sha256
        | Scheme::Pbkdf2Sha512 => 3,
        Scheme::Scrypt if hash.starts_with("$scrypt$") => 3,
        Scheme::Sha256Crypt | Scheme::Sha512Crypt if third_is("rounds=") => 3,
        Scheme::Scrypt
        | Scheme::Sha256Crypt
        | Scheme::Sha512Crypt
        | Scheme::DjangoPbkdf2Sha256
        | Scheme::DjangoPbkdf2Sha1 => 2,
        Scheme::DjangoSaltedSha1
        | Scheme::DjangoSaltedMd5
        | Scheme::DjangoDesCrypt
        | Scheme::WerkzeugPbkdf2
        | Scheme::WerkzeugScrypt => 1,
        Scheme::Unknown => return "",
    };
    let end = hash.match_indices('$').nth(parts - 1);
    end.map_or(hash, |(end, _)| &hash[..end])
}

/// Makes a decoy: a hash that matches no password and costs as much to check as the given one.
#[must_use]
pub fn decoy_like(hash: &str) -> String {
    let fill = match Scheme::identify(hash) {
        Scheme::Bcrypt
        | Scheme::DjangoBcrypt
        | Scheme::DjangoBcryptSha256
        | Scheme::Sha256Crypt
        | Scheme::Sha512Crypt => '.',
        Scheme::DjangoSaltedSha1
        | Scheme::DjangoSaltedMd5
        | Scheme::WerkzeugPbkdf2
        | Scheme::WerkzeugScrypt => '0',
        _ => 'A',
    };
    let (kept, rest) = hash.split_at(parameters(hash).len());
    let filled = rest
        .chars()
        .map(|c| if matches!(c, '$' | '=') { c } else { fill });
    kept.chars().chain(filled).collect()
}

/// Checks whether a stored hash can be verified at all. This costs as much as verifying it.
///
/// # Errors
/// The [`HashError`] that verifying it would return.
pub fn can_check(hash: &str, memory: &mut Memory) -> Result<(), HashError> {
    let scheme = Scheme::identify(hash);
    if hash.len() > HASH_LIMIT {
        return Err(HashError::Malformed(scheme.name()));
    }
    check(scheme, b"", hash, memory).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_end_before_the_salt_and_a_decoy_keeps_them() {
        for (hash, expected, decoy) in [
            (
                "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$AbCd",
                "$argon2id$v=19$m=64,t=1,p=1",
                "$argon2id$v=19$m=64,t=1,p=1$AAAAAA$AAAA",
            ),
            (
                "$argon2i$m=64,t=1,p=1$c2FsdA$AbCd",
                "$argon2i$m=64,t=1,p=1",
                "$argon2i$m=64,t=1,p=1$AAAAAA$AAAA",
            ),
            ("$2b$12$abcd", "$2b$12", "$2b$12$...."),
            (
                "$5$rounds=535000$salt$ab",
                "$5$rounds=535000",
                "$5$rounds=535000$....$..",
            ),
            ("$5$salt$ab", "$5", "$5$....$.."),
            (
                "pbkdf2_sha256$1000$salt$ab=",
                "pbkdf2_sha256$1000",
                "pbkdf2_sha256$1000$AAAA$AA=",
            ),
            (
                "bcrypt_sha256$$2b$12$abcd",
                "bcrypt_sha256$$2b$12",
                "bcrypt_sha256$$2b$12$....",
            ),
            (
                "scrypt:32768:8:1$salt$ab",
                "scrypt:32768:8:1",
                "scrypt:32768:8:1$0000$00",
            ),
            ("sha1$salt$ab", "sha1", "sha1$0000$00"),
        ] {
            assert_eq!(parameters(hash), expected);
            assert_eq!(decoy_like(hash), decoy);
        }
        for unknown in ["", "a password", "a$b$c"] {
            assert_eq!(parameters(unknown), "");
        }
    }
}
