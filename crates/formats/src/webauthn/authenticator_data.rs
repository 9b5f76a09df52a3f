//! The data that an authenticator signs (Web Authentication Level 3, section 6.1).

use sha2::{Digest, Sha256};

use super::cbor::{self, Form};
use super::error::Invalid;
use super::{Expected, MAX_CREDENTIAL_ID};

/// What the flags say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flags(u8);

impl Flags {
    /// The user touched the authenticator.
    #[must_use]
    pub const fn user_present(self) -> bool {
        self.0 & 1 != 0
    }

    /// The authenticator verified the user, by a PIN or a fingerprint.
    #[must_use]
    pub const fn user_verified(self) -> bool {
        self.0 & 1 << 2 != 0
    }

    /// The credential may be backed up: it is a multi-device credential.
    #[must_use]
    pub const fn backup_eligible(self) -> bool {
        self.0 & 1 << 3 != 0
    }

    /// The credential is backed up.
    #[must_use]
    pub const fn backed_up(self) -> bool {
        self.0 & 1 << 4 != 0
    }

    const fn has_credential(self) -> bool {
        self.0 & 1 << 6 != 0
    }

    const fn has_extensions(self) -> bool {
        self.0 & 1 << 7 != 0
    }
}

/// A new credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttestedCredential<'a> {
    /// The model of the authenticator.
    pub aaguid: [u8; 16],
    /// 1 to 1023 bytes.
    pub credential_id: &'a [u8],
    /// A `COSE_Key`, in its shortest form.
    pub public_key: &'a [u8],
}

/// Authenticator data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthenticatorData<'a> {
    /// The SHA-256 hash of the relying party ID.
    pub rp_id_hash: [u8; 32],
    /// The flags.
    pub flags: Flags,
    /// The signature counter.
    pub sign_count: u32,
    /// The new credential, in a registration.
    pub credential: Option<AttestedCredential<'a>>,
}

impl<'a> AuthenticatorData<'a> {
    /// Reads authenticator data.
    ///
    /// # Errors
    /// [`Invalid::AuthenticatorData`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Invalid> {
        Self::read(bytes).ok_or(Invalid::AuthenticatorData)
    }

    fn read(bytes: &'a [u8]) -> Option<Self> {
        let (rp_id_hash, rest) = bytes.split_first_chunk()?;
        let ([flags], rest) = rest.split_first_chunk()?;
        let (sign_count, mut rest) = rest.split_first_chunk()?;
        let flags = Flags(*flags);
        let mut credential = None;
        if flags.has_credential() {
            let (read, after) = AttestedCredential::read(rest)?;
            credential = Some(read);
            rest = after;
        }
        if flags.has_extensions() {
            let (extensions, after) = cbor::parse_prefix(rest, Form::Shortest).ok()?;
            extensions.as_map()?;
            rest = after;
        }
        rest.is_empty().then_some(Self {
            rp_id_hash: *rp_id_hash,
            flags,
            sign_count: u32::from_be_bytes(*sign_count),
            credential,
        })
    }

    /// Checks the relying party and the flags.
    pub(super) fn verify(&self, expected: &Expected<'_>) -> Result<(), Invalid> {
        if self.rp_id_hash[..] != Sha256::digest(expected.rp_id)[..] {
            return Err(Invalid::RpId);
        }
        if !self.flags.user_present() {
            return Err(Invalid::UserPresence);
        }
        if expected.require_user_verification && !self.flags.user_verified() {
            return Err(Invalid::UserVerification);
        }
        if self.flags.backed_up() && !self.flags.backup_eligible() {
            return Err(Invalid::BackupFlags);
        }
        Ok(())
    }
}

impl<'a> AttestedCredential<'a> {
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (aaguid, rest) = bytes.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes(*length));
        if length == 0 || length > MAX_CREDENTIAL_ID {
            return None;
        }
        let (credential_id, rest) = rest.split_at_checked(length)?;
        let (_, after) = cbor::parse_prefix(rest, Form::Shortest).ok()?;
        let public_key = &rest[..rest.len() - after.len()];
        let credential = Self {
            aaguid: *aaguid,
            credential_id,
            public_key,
        };
        Some((credential, after))
    }
}

/// `single_device` or `multi_device`, as Flask-Security stores it.
pub(super) const fn device_type(backup_eligible: bool) -> &'static str {
    if backup_eligible {
        "multi_device"
    } else {
        "single_device"
    }
}
