//! The state of a set-up that is not yet confirmed: a signed token that the client sends back with a
//! code. Nothing is stored before that.
//!
//! The state of unified sign-in and that of two-factor authentication name their members
//! differently, and have different salts.

use std::fmt;
use std::time::Duration;

use serde::Serializer as _;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::purpose::Purpose;
use crate::sign::{KeyRing, SignatureError, TimedSigner, decode_payload, encode_payload};

/// The content of a token.
#[derive(Clone, PartialEq, Eq)]
pub struct SetupState {
    /// The method that is set up: `authenticator`, `email` or `sms`.
    pub method: String,
    /// The key, encrypted by a [`Wallet`](crate::totp::Wallet), so that the client cannot read it.
    pub totp_secret: Zeroizing<String>,
    /// The phone number that text messages go to, if the method is `sms`.
    pub phone: Option<String>,
    /// The `fs_uniquifier` of the user that the token was issued to. The reference's tokens have
    /// none, and it ignores ours.
    pub user: Option<String>,
}

impl SetupState {
    /// Whether the token belongs to this user. A token of the reference belongs to every user.
    #[must_use]
    pub fn is_of(&self, uniquifier: &str) -> bool {
        self.user.as_deref().is_none_or(|user| user == uniquifier)
    }
}

impl fmt::Debug for SetupState {
    /// Shows the method only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetupState")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetupStateError {
    /// We did not issue it for this set-up.
    #[error("not a set-up state that this server issued")]
    Invalid,
    /// We issued it too long ago, or with a clock that is ahead of ours.
    #[error("the set-up state is too old, or from the future")]
    Expired,
}

/// What is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetupKind {
    /// A method of unified sign-in (`/us-setup`).
    Unified,
    /// The method of two-factor authentication (`/tf-setup`).
    TwoFactor,
}

impl SetupKind {
    /// The names of the members for the method and the phone number.
    const fn names(self) -> [&'static str; 2] {
        match self {
            Self::Unified => ["chosen_method", "phone_number"],
            Self::TwoFactor => ["method", "phone"],
        }
    }
}

const TOTP_SECRET: &str = "totp_secret";

/// A member of our own, which the reference ignores.
const USER: &str = "vestibule_user";

/// Issues and reads the states of one kind of set-up.
#[derive(Debug, Clone)]
pub struct SetupStateCodec {
    kind: SetupKind,
    signer: TimedSigner,
}

impl SetupStateCodec {
    /// Creates a codec for these secrets, with the configured `US_SETUP_SALT` or
    /// `TWO_FACTOR_SETUP_SALT` if there is one.
    #[must_use]
    pub fn new(ring: &KeyRing, kind: SetupKind, salt: Option<&str>) -> Self {
        let purpose = match kind {
            SetupKind::Unified => Purpose::UnifiedSetup,
            SetupKind::TwoFactor => Purpose::TwoFactorSetup,
        };
        Self {
            kind,
            signer: purpose.timed_signer(ring, salt),
        }
    }

    /// Issues a token; `now` is in seconds since 1970.
    #[must_use]
    pub fn seal(&self, state: &SetupState, now: i64) -> String {
        let [method, phone] = self.kind.names();
        let members = [
            (TOTP_SECRET, Some(state.totp_secret.as_str())),
            (method, Some(state.method.as_str())),
            (phone, state.phone.as_deref()),
        ];
        let user = state.user.as_deref().map(|user| (USER, Some(user)));
        let mut json = Zeroizing::new(Vec::new());
        // Strings always serialise.
        let _ =
            serde_json::Serializer::new(&mut *json).collect_map(members.into_iter().chain(user));
        self.signer.sign(&encode_payload(&json), now)
    }

    /// Reads a token; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`SetupStateError`].
    pub fn open(
        &self,
        token: &str,
        now: i64,
        max_age: Duration,
    ) -> Result<SetupState, SetupStateError> {
        let opened = self
            .signer
            .open(token, now, Some(max_age))
            .map_err(|error| match error {
                SignatureError::Expired { .. } | SignatureError::Ahead { .. } => {
                    SetupStateError::Expired
                }
                _ => SetupStateError::Invalid,
            })?;
        self.read(opened.payload).ok_or(SetupStateError::Invalid)
    }

    fn read(&self, payload: &str) -> Option<SetupState> {
        let json = Zeroizing::new(decode_payload(payload).ok()?);
        let mut members: Map<String, Value> = serde_json::from_slice(&json).ok()?;
        let [method, phone] = self.kind.names();
        let mut text = |name| match members.remove(name) {
            Some(Value::String(text)) => Some(Some(text)),
            Some(Value::Null) => Some(None),
            _ => None,
        };
        Some(SetupState {
            method: text(method)??,
            totp_secret: Zeroizing::new(text(TOTP_SECRET)??),
            phone: text(phone)?,
            user: match members.remove(USER) {
                None => None,
                Some(Value::String(user)) => Some(user),
                Some(_) => return None,
            },
        })
    }
}
