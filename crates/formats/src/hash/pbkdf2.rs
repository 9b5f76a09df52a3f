//! PBKDF2 (RFC 8018) in passlib's format: `$pbkdf2-sha256$29000$salt$digest`, in base64 without
//! padding and with a dot instead of the plus sign.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::number::decimal;
use super::{HashError, Scheme};

/// The most rounds that a stored hash may ask for, which take some seconds.
const ROUNDS_LIMIT: u32 = 10_000_000;

const SALT_BYTES: usize = 16;

/// The hash functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Sha1,
    Sha256,
    Sha512,
}

impl Digest {
    /// Only Django's hashes use SHA-1.
    pub(super) const fn scheme(self) -> Scheme {
        match self {
            Self::Sha1 => Scheme::DjangoPbkdf2Sha1,
            Self::Sha256 => Scheme::Pbkdf2Sha256,
            Self::Sha512 => Scheme::Pbkdf2Sha512,
        }
    }

    const fn name(self) -> &'static str {
        self.scheme().name()
    }

    const fn bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    const fn prefix(self) -> &'static str {
        match self {
            Self::Sha1 => "$pbkdf2$",
            Self::Sha256 => "$pbkdf2-sha256$",
            Self::Sha512 => "$pbkdf2-sha512$",
        }
    }

    /// libpass's default.
    pub(super) const fn rounds(self) -> u32 {
        match self {
            Self::Sha1 => 131_000,
            Self::Sha256 => 29_000,
            Self::Sha512 => 25_000,
        }
    }

    pub(super) const fn check(self, rounds: u32) -> Result<(), HashError> {
        if rounds == 0 {
            return Err(HashError::Malformed(self.name()));
        }
        if rounds > ROUNDS_LIMIT {
            return Err(HashError::Absurd(self.name()));
        }
        Ok(())
    }

    fn derive(
        self,
        secret: &[u8],
        salt: &[u8],
        rounds: u32,
    ) -> Result<Zeroizing<Vec<u8>>, HashError> {
        self.check(rounds)?;
        let mut digest = Zeroizing::new(vec![0; self.bytes()]);
        match self {
            Self::Sha1 => pbkdf2_hmac::<Sha1>(secret, salt, rounds, &mut digest),
            Self::Sha256 => pbkdf2_hmac::<Sha256>(secret, salt, rounds, &mut digest),
            Self::Sha512 => pbkdf2_hmac::<Sha512>(secret, salt, rounds, &mut digest),
        }
        Ok(digest)
    }

    /// Compares with a digest that the caller decoded.
    pub(super) fn matches(
        self,
        secret: &[u8],
        salt: &[u8],
        rounds: u32,
        digest: &[u8],
    ) -> Result<bool, HashError> {
        if digest.len() != self.bytes() {
            return Err(HashError::Malformed(self.name()));
        }
        Ok(self.derive(secret, salt, rounds)?.ct_eq(digest).into())
    }

    pub(super) fn verify(self, secret: &[u8], hash: &str) -> Result<bool, HashError> {
        let (rounds, salt, digest) = self.parse(hash).ok_or(HashError::Malformed(self.name()))?;
        self.matches(secret, &salt, rounds, &digest)
    }

    pub(super) fn needs_upgrade(self, hash: &str, rounds: u32) -> bool {
        self.parse(hash).is_none_or(|(stored, ..)| stored < rounds)
    }

    fn parse(self, hash: &str) -> Option<(u32, Vec<u8>, Vec<u8>)> {
        let mut parts = hash.strip_prefix(self.prefix())?.split('$');
        let rounds = decimal(parts.next()?)?;
        let mut bytes = || STANDARD_NO_PAD.decode(parts.next()?.replace('.', "+")).ok();
        let (salt, digest) = (bytes()?, bytes()?);
        parts.next().is_none().then_some((rounds, salt, digest))
    }

    pub(super) fn hash(
        self,
        secret: &[u8],
        salt: &[u8; SALT_BYTES],
        rounds: u32,
    ) -> Result<String, HashError> {
        Ok(self.write(rounds, salt, &self.derive(secret, salt, rounds)?))
    }

    pub(super) fn decoy(self, rounds: u32) -> String {
        self.write(rounds, &[0; SALT_BYTES], &vec![0; self.bytes()])
    }

    fn write(self, rounds: u32, salt: &[u8], digest: &[u8]) -> String {
        let text = |bytes: &[u8]| STANDARD_NO_PAD.encode(bytes).replace('+', ".");
        let prefix = self.prefix();
        format!("{prefix}{rounds}${}${}", text(salt), text(digest))
    }
}
