//! Password hashes, as the reference's library (libpass) writes them.
//!
//! The scheme of a stored hash is told by what it begins with. Costs that stand in a stored
//! hash are looked at before anything is spent on them: the rows of a database are not
//! above suspicion.

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

/// The longest stored hash that is looked at, in bytes.
const HASH_LIMIT: usize = 2048;

/// The longest text that is hashed, in bytes: libpass's limit. The double hash is shorter.
const SECRET_LIMIT: usize = 4096;

/// Why a hash cannot be checked or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Hashes of the scheme are not checked, or not made.
    #[error("hashes of the scheme {0} are not served by this version")]
    NotServed(&'static str),
    /// The text is not a hash of the scheme that its prefix names.
    #[error("malformed {0} hash")]
    Malformed(&'static str),
    /// The hash asks for more memory or time than anybody should be able to ask for.
    #[error("{0} hash with absurd cost")]
    Absurd(&'static str),
    /// The configured parameters do not go together, or are absurd.
    #[error("the configured hash parameters do not go together, or ask for too much")]
    Parameters,
    /// The operating system has no memory for the hash.
    #[error("no memory for the hash")]
    NoMemory,
    /// The password is too long for a hash, or has a zero byte, which the scheme forbids.
    #[error("a password that cannot be hashed")]
    Password,
}

/// What to hash with.
#[derive(Debug, Clone)]
pub struct HasherOptions<'a> {
    /// `SECURITY_PASSWORD_SALT`, the key of the first of two hashes.
    pub salt: Option<&'a str>,
    /// Which schemes are hashed once.
    pub single_hash: SingleHash,
    /// The parameters for new hashes.
    pub argon2: Argon2Options,
}

/// Checks and makes password hashes.
#[derive(Debug, Clone)]
pub struct Hasher {
    double: DoubleHash,
    maker: Maker,
    argon2: Argon2Options,
    /// Other schemes whose hashes stay, and what those have to cost, if that is configured.
    kept: Vec<(Scheme, Option<Maker>)>,
}

impl Hasher {
    /// How many random bytes a new hash needs.
    pub const SALT_BYTES: usize = argon2::SALT_BYTES;

    /// A hasher that makes argon2 hashes, and checks those of every scheme.
    ///
    /// # Errors
    /// [`HashError::Parameters`].
    pub fn new(options: &HasherOptions<'_>) -> Result<Self, HashError> {
        options.argon2.check()?;
        Ok(Self {
            double: DoubleHash::new(options.salt, options.single_hash.clone()),
            maker: Maker::Argon2(options.argon2),
            argon2: options.argon2,
            kept: Vec::new(),
        })
    }

    /// Makes hashes of another scheme than argon2 (`SECURITY_PASSWORD_HASH`), which has its
    /// own options. The rounds are libpass's unless they are given (`bcrypt__rounds` and the
    /// like in `SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS`); those of bcrypt and scrypt are
    /// binary logarithms.
    ///
    /// # Errors
    /// [`HashError::NotServed`] for a scheme that is not made like this,
    /// [`HashError::Parameters`] when the rounds are too few or absurdly many.
    pub fn making(mut self, scheme: Scheme, rounds: Option<u32>) -> Result<Self, HashError> {
        self.maker = Maker::of(scheme, rounds)?;
        Ok(self)
    }

    /// Leaves hashes of another scheme as they are (those that an explicit
    /// `SECURITY_DEPRECATED_PASSWORD_SCHEMES` does not list), unless they have fewer rounds
    /// than these or, those of argon2 and scrypt, other parameters.
    /// Django's of argon2 never stay.
    ///
    /// # Errors
    /// [`HashError::NotServed`] for rounds of a scheme that is only read,
    /// [`HashError::Parameters`] when the rounds are too few or absurdly many.
    pub fn keeping(mut self, scheme: Scheme, rounds: Option<u32>) -> Result<Self, HashError> {
        // libpass compares their parameters with its own, which Django never used.
        if scheme == Scheme::DjangoArgon2 {
            return Ok(self);
        }
        let least = match (scheme, rounds) {
            (Scheme::Argon2, _) => Some(Maker::Argon2(self.argon2)),
            (scheme, Some(rounds)) => Some(Maker::of(scheme, Some(rounds))?),
            // Any rounds will do; its other parameters have to be the usual ones.
            (Scheme::Scrypt, None) => Some(Maker::Scrypt { rounds: 0 }),
            (_, None) => None,
        };
        self.kept.push((scheme, least));
        Ok(self)
    }

    /// Compares a (normalised) password with a stored hash.
    ///
    /// # Errors
    /// When the stored hash cannot be judged.
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
        // An application that came to the reference with werkzeug's hashes never hashed those twice.
        let outcome = match outcome {
            Ok(false) if scheme.is_werkzeugs() && *secret != password.as_bytes() => {
                check(scheme, password.as_bytes(), hash, memory)
            }
            outcome => outcome,
        };
        match outcome {
            // No hash is of a password that cannot be hashed.
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

    /// Whether a hash is of another scheme than the configured one and not to be kept, or
    /// weaker than it would be made now.
    #[must_use]
    pub fn needs_upgrade(&self, hash: &str) -> bool {
        let scheme = Scheme::identify(hash);
        let kept = self.kept.iter().find(|(kept, _)| *kept == scheme);
        match kept.filter(|_| scheme != self.maker.scheme()) {
            Some((_, least)) => least.is_some_and(|least| least.needs_upgrade(hash)),
            None => self.maker.needs_upgrade(hash),
        }
    }

    /// A hash of nobody's password. Comparing with it costs what a real comparison costs.
    #[must_use]
    pub fn decoy(&self) -> String {
        self.maker.decoy()
    }
}

/// Compares a text, hashed once already or not, with a hash of a scheme.
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
