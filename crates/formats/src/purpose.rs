//! The purpose of a token, which is the salt of its signature.

use std::borrow::Cow;

use crate::sign::{Derivation, KeyRing, Signer, TimedSigner};

/// The purposes of the reference's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// The link that confirms an address.
    Confirm,
    /// The link that resets a password.
    Reset,
    /// The passwordless sign-in link.
    Login,
    /// The link that confirms a new address.
    ChangeEmail,
    /// The auth token of API clients. (The reference calls it "remember", but it has nothing to do
    /// with the remember cookie.)
    AuthToken,
    /// The state of a unified sign-in set-up.
    UnifiedSetup,
    /// The state of a two-factor set-up.
    TwoFactorSetup,
    /// The cookie that records a recent second factor.
    TwoFactorValidity,
    /// The state of a WebAuthn ceremony.
    WebAuthn,
    /// The refresh token, which is signed without a time.
    RefreshToken,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 10] = [
        Self::Confirm,
        Self::Reset,
        Self::Login,
        Self::ChangeEmail,
        Self::AuthToken,
        Self::UnifiedSetup,
        Self::TwoFactorSetup,
        Self::TwoFactorValidity,
        Self::WebAuthn,
        Self::RefreshToken,
    ];

    /// The reference's default salt. A `SECURITY_*_SALT` setting replaces it.
    #[must_use]
    pub const fn default_salt(self) -> &'static str {
        match self {
            Self::Confirm => "confirm-salt",
            Self::Reset => "reset-salt",
            Self::Login => "login-salt",
            Self::ChangeEmail => "change-email-salt",
            Self::AuthToken => "remember-salt",
            Self::UnifiedSetup => "us-setup-salt",
            Self::TwoFactorSetup => "tf-setup-salt",
            Self::TwoFactorValidity => "tf-validity-salt",
            Self::WebAuthn => "wan-salt",
            Self::RefreshToken => "refresh-token-salt",
        }
    }

    /// A signer with the time for this purpose, with the configured salt if there is one.
    #[must_use]
    pub fn timed_signer(self, ring: &KeyRing, salt: Option<&str>) -> TimedSigner {
        TimedSigner::new(ring, &self.salt(salt), Derivation::DjangoConcat)
    }

    /// A signer without the time for this purpose, with the configured salt if there is one.
    #[must_use]
    pub fn signer(self, ring: &KeyRing, salt: Option<&str>) -> Signer {
        Signer::new(ring, &self.salt(salt), Derivation::DjangoConcat)
    }

    fn salt(self, configured: Option<&str>) -> Cow<'_, str> {
        configured.map_or(Cow::Borrowed(self.default_salt()), |salt| {
            Cow::Owned(salt.to_owned())
        })
    }
}
