//! Password hashes in the formats of the reference's library (libpass).
//!
//! The prefix of a stored hash identifies its scheme. The costs in a stored hash are checked before
//! any work is done, because an attacker may have written the database's rows.

mod argon2;
mod bcrypt;
mod django;
mod double;
pub mod fingerprint;
mod kind;
mod maker;
mod memory;
mod number;
mod pbkdf2;
mod scheme;
mod scrypt;
mod sha_crypt;
mod werkzeug;

pub use self::argon2::{Argon2Options, Argon2Type};
pub use self::kind::{can_check, decoy_like, parameters};
use double::DoubleHash;
pub use double::SingleHash;
use maker::Maker;
pub use memory::Memory;
pub use scheme::Scheme;

/// The longest stored hash that is accepted, in bytes.
const HASH_LIMIT: usize = 2048;

/// The longest input of a hash, in bytes: libpass's limit. The output of the double hash is
/// shorter.
const SECRET_LIMIT: usize = 4096;

/// Why a hash cannot be verified or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Hashes of this scheme are not verified, or not made.
    #[error("hashes of the scheme {0} are not supported by this version")]
    NotServed(&'static str),
    /// The text is not a valid hash of the scheme that its prefix names.
    #[error("malformed {0} hash")]
    Malformed(&'static str),
    /// The hash asks for more memory or time than a stored hash may use.
    #[error("{0} hash whose cost exceeds the limit")]
    Absurd(&'static str),
    /// The configured parameters contradict each other or exceed the limits.
    #[error("the configured hash parameters contradict each other or exceed the limits")]
    Parameters,
    /// The operating system has no memory for the hash.
    #[error("no memory for the hash")]
    NoMemory,
    /// The password is too long, or contains a zero byte, which the scheme forbids.
    #[error("the password is too long or contains a zero byte")]
    Password,
}

/// The settings of a [`Hasher`].
#[derive(Debug, Clone)]
pub struct HasherOptions<'a> {
    /// `SECURITY_PASSWORD_SALT`, the key of the double hash.
    pub salt: Option<&'a str>,
    /// The schemes that hash the password directly.
    pub single_hash: SingleHash,
    /// The parameters of new argon2 hashes.
    pub argon2: Argon2Options,
}

/// Verifies and makes password hashes.
#[derive(Debug, Clone)]
pub struct Hasher {
    double: DoubleHash,
    maker: Maker,
    argon2: Argon2Options,
    /// Other schemes whose hashes are kept, and the minimum cost to keep them, if one is
    /// configured.
    kept: Vec<(Scheme, Option<Maker>)>,
}

impl Hasher {
    /// The number of random bytes that a new hash needs.
    pub const SALT_BYTES: usize = argon2::SALT_BYTES;

    /// Creates a hasher that makes argon2 hashes and verifies hashes of every scheme.
    ///
    /// # Errors
    /// [`HashError::Parameters`] if the argon2 parameters are invalid.
    pub fn new(options: &HasherOptions<'_>) -> Result<Self, HashError> {
        options.argon2.check()?;
        Ok(Self {
            double: DoubleHash::new(options.salt, options.single_hash.clone()),
            maker: Maker::Argon2(options.argon2),
            argon2: options.argon2,
            kept: Vec::new(),
        })
    }

    /// Makes hashes of another scheme than argon2 (`SECURITY_PASSWORD_HASH`), which has its own
    /// options. The default of `rounds` is libpass's; `bcrypt__rounds` and the like in
    /// `SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS` configure it. For bcrypt and scrypt it is a binary
    /// logarithm.
    ///
    /// # Errors
    /// [`HashError::NotServed`] if the scheme has no such maker, [`HashError::Parameters`] if the
    /// rounds are out of range.
    pub fn making(mut self, scheme: Scheme, rounds: Option<u32>) -> Result<Self, HashError> {
        self.maker = Maker::of(scheme, rounds)?;
        Ok(self)
    }

    /// Keeps hashes of another scheme, one that an explicit `SECURITY_DEPRECATED_PASSWORD_SCHEMES`
    /// does not list. Hashes with fewer `rounds` are upgraded all the same, and hashes of argon2
    /// and scrypt also if their other parameters differ. Django's argon2 hashes are always
    /// upgraded.
    ///
    /// # Errors
    /// [`HashError::NotServed`] if rounds are given for a scheme that is only verified,
    /// [`HashError::Parameters`] if the rounds are out of range.
    pub fn keeping(mut self, scheme: Scheme, rounds: Option<u32>) -> Result<Self, HashError> {
        // libpass compares their parameters with its own defaults, which Django never used.
        if scheme == Scheme::DjangoArgon2 {
            return Ok(self);
        }
        let least = match (scheme, rounds) {
            (Scheme::Argon2, _) => Some(Maker::Argon2(self.argon2)),
            (scheme, Some(rounds)) => Some(Maker::of(scheme, Some(rounds))?),
            // Any number of rounds is enough, but the other parameters must be the defaults.
            (Scheme::Scrypt, None) => Some(Maker::Scrypt { rounds: 0 }),
            (_, None) => None,
        };
        self.kept.push((scheme, least));
        Ok(self)
    }

    /// Compares a (normalised) password with a stored hash.
    ///
    /// # Errors
    /// [`HashError`] if the stored hash is malformed, not supported or too expensive.
    pub fn verify(
        &self,
        password: &str,
        hash: &str,
        memory: &mut Memory,
    ) -> Result<bool, HashError> {
        let scheme = Scheme::identify(hash);
        if hash.len() > HASH_LIMIT {
            return Err(HashError::Malformed(scheme.name()));
        }
        let secret = self.double.apply(scheme, password);
        if secret.len() > SECRET_LIMIT {
            return Ok(false);
        }
        let outcome = check(scheme, &secret, hash, memory);
        // An application that migrated to the reference from plain werkzeug hashed the password
        // only once.
        let outcome = match outcome {
            Ok(false) if scheme.is_werkzeugs() && *secret != password.as_bytes() => {
                check(scheme, password.as_bytes(), hash, memory)
            }
            outcome => outcome,
        };
        match outcome {
            // A password that cannot be hashed matches no hash.
            Err(HashError::Password) => Ok(false),
            outcome => outcome,
        }
    }

    /// Hashes a (normalised) password with the configured scheme.
    ///
    /// # Errors
    /// [`HashError::Password`], [`HashError::NoMemory`].
    pub fn hash(
        &self,
        password: &str,
        salt: &[u8; Self::SALT_BYTES],
        memory: &mut Memory,
    ) -> Result<String, HashError> {
        let secret = self.double.apply(self.maker.scheme(), password);
        if secret.len() > SECRET_LIMIT {
            return Err(HashError::Password);
        }
        self.maker.hash(&secret, salt, memory)
    }

    /// Whether a hash should be replaced: its scheme is neither the configured one nor kept, or it
    /// is weaker than a new one.
    #[must_use]
    pub fn needs_upgrade(&self, hash: &str) -> bool {
        let scheme = Scheme::identify(hash);
        let kept = self.kept.iter().find(|(kept, _)| *kept == scheme);
        match kept.filter(|_| scheme != self.maker.scheme()) {
            Some((_, least)) => least.is_some_and(|least| least.needs_upgrade(hash)),
            None => self.maker.needs_upgrade(hash),
        }
    }

    /// A hash that matches no password. Comparing with it costs as much as a real comparison.
    #[must_use]
    pub fn decoy(&self) -> String {
        self.maker.decoy()
    }
}

/// Compares the input of a scheme, after any double hash, with a hash of that scheme.
fn check(
    scheme: Scheme,
    secret: &[u8],
    hash: &str,
    memory: &mut Memory,
) -> Result<bool, HashError> {
    match scheme {
        Scheme::Argon2 => argon2::verify(secret, hash, memory),
        Scheme::Bcrypt => bcrypt::verify(secret, hash),
        Scheme::Pbkdf2Sha256 => pbkdf2::Digest::Sha256.verify(secret, hash),
        Scheme::Pbkdf2Sha512 => pbkdf2::Digest::Sha512.verify(secret, hash),
        Scheme::Scrypt => scrypt::verify(secret, hash),
        Scheme::Sha256Crypt => sha_crypt::Digest::Sha256.verify(secret, hash),
        Scheme::Sha512Crypt => sha_crypt::Digest::Sha512.verify(secret, hash),
        other => django::verify(other, secret, hash, memory)
            .or_else(|| werkzeug::verify(other, secret, hash))
            .unwrap_or(Err(HashError::NotServed(other.name()))),
    }
}
