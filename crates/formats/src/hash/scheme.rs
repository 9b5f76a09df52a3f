//! The schemes of stored hashes.

/// The schemes that a database of the reference can contain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scheme {
    /// Argon2 of any type.
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
    /// Argon2, as Django stores it.
    DjangoArgon2,
    /// bcrypt, as Django stores it.
    DjangoBcrypt,
    /// bcrypt of a SHA-256 digest, as Django stores it.
    DjangoBcryptSha256,
    /// PBKDF2 with SHA-256, as Django stores it.
    DjangoPbkdf2Sha256,
    /// PBKDF2 with SHA-1, as Django stores it.
    DjangoPbkdf2Sha1,
    /// A salted SHA-1 digest, as old versions of Django stored it.
    DjangoSaltedSha1,
    /// A salted MD5 digest, as old versions of Django stored it.
    DjangoSaltedMd5,
    /// DES crypt, as old versions of Django stored it.
    DjangoDesCrypt,
    /// PBKDF2, as werkzeug stores it.
    WerkzeugPbkdf2,
    /// scrypt, as werkzeug stores it.
    WerkzeugScrypt,
    /// Anything else, including plain text.
    Unknown,
}

/// The prefixes of each scheme's hashes.
const PREFIXES: [(&str, Scheme); 24] = [
    ("$argon2id$", Scheme::Argon2),
    ("$argon2i$", Scheme::Argon2),
    ("$argon2d$", Scheme::Argon2),
    ("$2$", Scheme::Bcrypt),
    ("$2a$", Scheme::Bcrypt),
    ("$2b$", Scheme::Bcrypt),
    ("$2x$", Scheme::Bcrypt),
    ("$2y$", Scheme::Bcrypt),
    ("$pbkdf2-sha256$", Scheme::Pbkdf2Sha256),
    ("$pbkdf2-sha512$", Scheme::Pbkdf2Sha512),
    ("$scrypt$", Scheme::Scrypt),
    ("$7$", Scheme::Scrypt),
    ("$5$", Scheme::Sha256Crypt),
    ("$6$", Scheme::Sha512Crypt),
    ("argon2$", Scheme::DjangoArgon2),
    ("bcrypt$", Scheme::DjangoBcrypt),
    ("bcrypt_sha256$", Scheme::DjangoBcryptSha256),
    ("pbkdf2_sha256$", Scheme::DjangoPbkdf2Sha256),
    ("pbkdf2_sha1$", Scheme::DjangoPbkdf2Sha1),
    ("sha1$", Scheme::DjangoSaltedSha1),
    ("md5$", Scheme::DjangoSaltedMd5),
    ("crypt$", Scheme::DjangoDesCrypt),
    ("pbkdf2:", Scheme::WerkzeugPbkdf2),
    ("scrypt:", Scheme::WerkzeugScrypt),
];

impl Scheme {
    const ALL: [Self; 18] = [
        Self::Argon2,
        Self::Bcrypt,
        Self::Pbkdf2Sha256,
        Self::Pbkdf2Sha512,
        Self::Scrypt,
        Self::Sha256Crypt,
        Self::Sha512Crypt,
        Self::DjangoArgon2,
        Self::DjangoBcrypt,
        Self::DjangoBcryptSha256,
        Self::DjangoPbkdf2Sha256,
        Self::DjangoPbkdf2Sha1,
        Self::DjangoSaltedSha1,
        Self::DjangoSaltedMd5,
        Self::DjangoDesCrypt,
        Self::WerkzeugPbkdf2,
        Self::WerkzeugScrypt,
        Self::Unknown,
    ];

    /// Identifies the scheme of a stored hash by its prefix.
    #[must_use]
    pub fn identify(hash: &str) -> Self {
        PREFIXES
            .iter()
            .find(|(prefix, _)| hash.starts_with(prefix))
            .map_or(Self::Unknown, |(_, scheme)| *scheme)
    }

    /// The scheme with this name in `SECURITY_PASSWORD_HASH`.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|scheme| scheme.is_the_references() && scheme.name() == name)
    }

    /// Whether the reference knows the scheme, so that settings can name it.
    const fn is_the_references(self) -> bool {
        !matches!(
            self,
            Self::WerkzeugPbkdf2 | Self::WerkzeugScrypt | Self::Unknown
        )
    }

    /// The reference's name for the scheme, or our own if it has none.
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
            Self::DjangoArgon2 => "django_argon2",
            Self::DjangoBcrypt => "django_bcrypt",
            Self::DjangoBcryptSha256 => "django_bcrypt_sha256",
            Self::DjangoPbkdf2Sha256 => "django_pbkdf2_sha256",
            Self::DjangoPbkdf2Sha1 => "django_pbkdf2_sha1",
            Self::DjangoSaltedSha1 => "django_salted_sha1",
            Self::DjangoSaltedMd5 => "django_salted_md5",
            Self::DjangoDesCrypt => "django_des_crypt",
            Self::WerkzeugPbkdf2 => "werkzeug_pbkdf2",
            Self::WerkzeugScrypt => "werkzeug_scrypt",
            Self::Unknown => "unknown",
        }
    }

    pub(super) const fn is_werkzeugs(self) -> bool {
        matches!(self, Self::WerkzeugPbkdf2 | Self::WerkzeugScrypt)
    }

    /// Whether new hashes of the scheme can be made. Django's hashes are only verified; when one is
    /// replaced, the configured scheme makes the new hash.
    #[must_use]
    pub const fn can_make(self) -> bool {
        matches!(
            self,
            Self::Argon2
                | Self::Bcrypt
                | Self::Pbkdf2Sha256
                | Self::Pbkdf2Sha512
                | Self::Scrypt
                | Self::Sha256Crypt
                | Self::Sha512Crypt
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_identify_schemes() {
        for scheme in Scheme::ALL {
            let expected = Some(scheme).filter(|scheme| scheme.is_the_references());
            assert_eq!(Scheme::from_name(scheme.name()), expected);
        }
        assert_eq!(Scheme::from_name("plaintext"), None);
    }

    #[test]
    fn other_texts_are_unknown() {
        for text in [
            "",
            "$",
            "secret",
            "$argon2",
            "$1$abc$def",
            "abJnggxhB/yWI",
            "!",
        ] {
            assert_eq!(Scheme::identify(text), Scheme::Unknown, "{text:?}");
        }
    }
}
