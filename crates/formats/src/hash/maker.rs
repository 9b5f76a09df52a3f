//! The scheme and cost of new hashes.

use super::{Argon2Options, HashError, Hasher, Memory, Scheme, argon2};
use super::{bcrypt, pbkdf2, scrypt, sha_crypt};

/// A scheme with the cost of its hashes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Maker {
    Argon2(Argon2Options),
    Bcrypt {
        rounds: u32,
    },
    Pbkdf2 {
        digest: pbkdf2::Digest,
        rounds: u32,
    },
    Scrypt {
        rounds: u32,
    },
    ShaCrypt {
        digest: sha_crypt::Digest,
        rounds: u32,
    },
}

impl Maker {
    /// Creates a maker for a scheme with a single cost parameter. The default of `rounds` is
    /// libpass's.
    pub(super) fn of(scheme: Scheme, rounds: Option<u32>) -> Result<Self, HashError> {
        let pbkdf2 = |digest: pbkdf2::Digest| Self::Pbkdf2 {
            digest,
            rounds: rounds.unwrap_or(digest.rounds()),
        };
        let sha_crypt = |digest: sha_crypt::Digest| Self::ShaCrypt {
            digest,
            rounds: rounds.unwrap_or(digest.rounds()),
        };
        let maker = match scheme {
            Scheme::Bcrypt => Self::Bcrypt {
                rounds: rounds.unwrap_or(bcrypt::ROUNDS),
            },
            Scheme::Pbkdf2Sha256 => pbkdf2(pbkdf2::Digest::Sha256),
            Scheme::Pbkdf2Sha512 => pbkdf2(pbkdf2::Digest::Sha512),
            Scheme::Scrypt => Self::Scrypt {
                rounds: rounds.unwrap_or(scrypt::ROUNDS),
            },
            Scheme::Sha256Crypt => sha_crypt(sha_crypt::Digest::Sha256),
            Scheme::Sha512Crypt => sha_crypt(sha_crypt::Digest::Sha512),
            other => return Err(HashError::NotServed(other.name())),
        };
        maker.check().map_err(|_| HashError::Parameters)?;
        Ok(maker)
    }

    fn check(self) -> Result<(), HashError> {
        match self {
            Self::Argon2(options) => options.check(),
            Self::Bcrypt { rounds } => bcrypt::check(rounds),
            Self::Pbkdf2 { digest, rounds } => digest.check(rounds),
            Self::Scrypt { rounds } => scrypt::check(rounds),
            Self::ShaCrypt { digest, rounds } => digest.check(rounds),
        }
    }

    pub(super) const fn scheme(self) -> Scheme {
        match self {
            Self::Argon2(_) => Scheme::Argon2,
            Self::Bcrypt { .. } => Scheme::Bcrypt,
            Self::Pbkdf2 { digest, .. } => digest.scheme(),
            Self::Scrypt { .. } => Scheme::Scrypt,
            Self::ShaCrypt { digest, .. } => digest.scheme(),
        }
    }

    pub(super) fn hash(
        &self,
        secret: &[u8],
        salt: &[u8; Hasher::SALT_BYTES],
        memory: &mut Memory,
    ) -> Result<String, HashError> {
        match self {
            Self::Argon2(options) => argon2::hash(secret, salt, options, memory),
            Self::Bcrypt { rounds } => bcrypt::hash(secret, salt, *rounds),
            Self::Pbkdf2 { digest, rounds } => digest.hash(secret, salt, *rounds),
            Self::Scrypt { rounds } => scrypt::hash(secret, salt, *rounds),
            Self::ShaCrypt { digest, rounds } => digest.hash(secret, salt, *rounds),
        }
    }

    /// Whether a hash uses another scheme, or was made at a lower cost.
    pub(super) fn needs_upgrade(&self, hash: &str) -> bool {
        if Scheme::identify(hash) != self.scheme() {
            return true;
        }
        match self {
            Self::Argon2(options) => argon2::needs_upgrade(hash, options),
            Self::Bcrypt { rounds } => bcrypt::needs_upgrade(hash, *rounds),
            Self::Pbkdf2 { digest, rounds } => digest.needs_upgrade(hash, *rounds),
            Self::Scrypt { rounds } => scrypt::needs_upgrade(hash, *rounds),
            Self::ShaCrypt { digest, rounds } => digest.needs_upgrade(hash, *rounds),
        }
    }

    /// A decoy hash at the cost of new hashes, which matches no password.
    pub(super) fn decoy(&self) -> String {
        match self {
            Self::Argon2(options) => argon2::decoy(options),
            Self::Bcrypt { rounds } => bcrypt::decoy(*rounds),
            Self::Pbkdf2 { digest, rounds } => digest.decoy(*rounds),
            Self::Scrypt { rounds } => scrypt::decoy(*rounds),
            Self::ShaCrypt { digest, rounds } => digest.decoy(*rounds),
        }
    }
}
