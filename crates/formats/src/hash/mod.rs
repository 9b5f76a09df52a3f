//! Password hashes, as the reference's library (libpass) writes them.
//!
//! The scheme of a stored hash is told by its prefix. Those that this version can check
//! say so in [`Scheme::is_served`]; the others are named, so that a log line can say what
//! is in the database.

mod argon2;
mod double;
mod memory;
mod number;

pub use self::argon2::{Argon2Options, Argon2Type};
use double::DoubleHash;
pub use double::SingleHash;
pub use memory::Memory;

/// The schemes that a database of the reference can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Argon2 in any of its types.
    Argon2,
    /// bcrypt.
    Bcrypt,
    /// PBKDF2 with SHA-256, in passlib's format.
    Pbkdf2Sha256,
    /// PBKDF2 with SHA-512, in passlib's format.
    Pbkdf2Sha512,
    /// scrypt, in passlib's format.
    Scrypt,
    /// SHA-256 crypt.
    Sha256Crypt,
    /// SHA-512 crypt.
    Sha512Crypt,
    /// One of Django's.
    Django,
    /// Anything else, plain text among it.
    Unknown,
}

impl Scheme {
    /// Tells the scheme of a stored hash.
    #[must_use]
    pub fn identify(hash: &str) -> Self {
        const PREFIXES: [(&str, Scheme); 19] = [
            ("$argon2id$", Scheme::Argon2),
            ("$argon2i$", Scheme::Argon2),
            ("$argon2d$", Scheme::Argon2),
            ("$2a$", Scheme::Bcrypt),
            ("$2b$", Scheme::Bcrypt),
            ("$2x$", Scheme::Bcrypt),
            ("$2y$", Scheme::Bcrypt),
            ("$pbkdf2-sha256$", Scheme::Pbkdf2Sha256),
            ("$pbkdf2-sha512$", Scheme::Pbkdf2Sha512),
            ("$scrypt$", Scheme::Scrypt),
            ("$5$", Scheme::Sha256Crypt),
            ("$6$", Scheme::Sha512Crypt),
            ("pbkdf2_sha256$", Scheme::Django),
            ("pbkdf2_sha1$", Scheme::Django),
            ("bcrypt$", Scheme::Django),
            ("bcrypt_sha256$", Scheme::Django),
            ("argon2$", Scheme::Django),
            ("sha1$", Scheme::Django),
            ("md5$", Scheme::Django),
        ];
        PREFIXES
            .iter()
            .find(|(prefix, _)| hash.starts_with(prefix))
            .map_or(Self::Unknown, |(_, scheme)| *scheme)
    }

    /// The scheme with this name in `SECURITY_PASSWORD_HASH`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Argon2,
            Self::Bcrypt,
            Self::Pbkdf2Sha256,
            Self::Pbkdf2Sha512,
            Self::Scrypt,
            Self::Sha256Crypt,
            Self::Sha512Crypt,
        ]
        .into_iter()
        .find(|scheme| scheme.name() == name)
    }

    /// The reference's name for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Argon2 => "argon2",
            Self::Bcrypt => "bcrypt",
            Self::Pbkdf2Sha256 => "pbkdf2_sha256",
            Self::Pbkdf2Sha512 => "pbkdf2_sha512",
            Self::Scrypt => "scrypt",
            Self::Sha256Crypt => "sha256_crypt",
            Self::Sha512Crypt => "sha512_crypt",
            Self::Django => "django",
            Self::Unknown => "unknown",
        }
    }

    /// Whether this version can check and make it.
    #[must_use]
    pub const fn is_served(self) -> bool {
        matches!(self, Self::Argon2)
    }
}

/// Why a hash cannot be checked or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// The scheme is known and not served.
    #[error("hashes of the scheme {0} are not served by this version")]
    NotServed(&'static str),
    /// The text is not a hash of the scheme that its prefix names.
    #[error("malformed {0} hash")]
    Malformed(&'static str),
    /// The hash asks for more memory or time than anybody should be able to ask for.
    #[error("{0} hash with absurd cost")]
    Absurd(&'static str),
    /// The configured parameters do not go together, or are absurd.
    #[error("the configured argon2 parameters do not go together, or ask for too much")]
    Parameters,
    /// The operating system has no memory for the hash.
    #[error("no memory for the hash")]
    NoMemory,
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
    argon2: Argon2Options,
}

impl Hasher {
    /// How many random bytes a new hash needs.
    pub const SALT_BYTES: usize = argon2::SALT_BYTES;

    /// A hasher.
    ///
    /// # Errors
    /// [`HashError::Parameters`].
    pub fn new(options: &HasherOptions<'_>) -> Result<Self, HashError> {
        options.argon2.check()?;
        Ok(Self {
            double: DoubleHash::new(options.salt, options.single_hash.clone()),
            argon2: options.argon2,
        })
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
        match scheme {
            Scheme::Argon2 => argon2::verify(&self.double.apply(scheme, password), hash, memory),
            other => Err(HashError::NotServed(other.name())),
        }
    }

    /// Hashes a (normalised) password with the configured scheme.
    ///
    /// # Errors
    /// When the parameters do not go together.
    pub fn hash(
        &self,
        password: &str,
        salt: &[u8; Self::SALT_BYTES],
        memory: &mut Memory,
    ) -> Result<String, HashError> {
        argon2::hash(
            &self.double.apply(Scheme::Argon2, password),
            salt,
            &self.argon2,
            memory,
        )
    }

    /// Whether a hash was made with other parameters than those configured now.
    #[must_use]
    pub fn needs_upgrade(&self, hash: &str) -> bool {
        match Scheme::identify(hash) {
            Scheme::Argon2 => argon2::needs_upgrade(hash, &self.argon2),
            _ => true,
        }
    }

    /// A hash of nobody's password. Comparing with it costs what a real comparison costs.
    #[must_use]
    pub fn decoy(&self) -> String {
        argon2::decoy(&self.argon2)
    }
}
