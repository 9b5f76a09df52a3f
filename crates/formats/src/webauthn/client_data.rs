//! The client data that a browser collects (Web Authentication Level 3, section 5.8.1).

use serde_json::Value;
use subtle::ConstantTimeEq;

use super::error::Invalid;
use super::{Expected, Policy, base64url, json};

/// The ceremony that the client data belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceremony {
    /// `webauthn.create`.
    Registration,
    /// `webauthn.get`.
    Authentication,
}

impl Ceremony {
    const fn name(self) -> &'static str {
        match self {
            Self::Registration => "webauthn.create",
            Self::Authentication => "webauthn.get",
        }
    }
}

/// The members that the relying party checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientData {
    kind: String,
    challenge: Vec<u8>,
    origin: String,
    cross_origin: bool,
    top_origin: Option<String>,
}

impl ClientData {
    /// Reads `clientDataJSON`. Unknown members are ignored.
    ///
    /// # Errors
    /// [`Invalid::ClientData`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Invalid> {
        Self::read(bytes).ok_or(Invalid::ClientData)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        // "UTF-8 decode" removes a byte order mark.
        let mut members = json::object(text.strip_prefix('\u{feff}').unwrap_or(text))?;
        let mut text = |name| match members.remove(name) {
            Some(Value::String(text)) => Some(Some(text)),
            None => Some(None),
            Some(_) => None,
        };
        let kind = text("type")??;
        let challenge = base64url::decode(&text("challenge")??)?;
        let origin = text("origin")??;
        let top_origin = text("topOrigin")?;
        let cross_origin = match members.remove("crossOrigin") {
            Some(Value::Bool(flag)) => flag,
            None => false,
            Some(_) => return None,
        };
        Some(Self {
            kind,
            challenge,
            origin,
            cross_origin,
            top_origin,
        })
    }

    /// Checks type, challenge and origins.
    pub(super) fn verify(
        &self,
        ceremony: Ceremony,
        expected: &Expected<'_>,
        policy: &Policy<'_>,
    ) -> Result<(), Invalid> {
        if self.kind != ceremony.name() {
            return Err(Invalid::Type);
        }
        if !bool::from(self.challenge.ct_eq(expected.challenge)) {
            return Err(Invalid::Challenge);
        }
        if !expected.origins.contains(&self.origin.as_str()) {
            return Err(Invalid::Origin);
        }
        if self.cross_origin && policy.top_origins.is_empty() {
            return Err(Invalid::CrossOrigin);
        }
        match &self.top_origin {
            Some(top) if !self.cross_origin || !policy.top_origins.contains(&top.as_str()) => {
                Err(Invalid::TopOrigin)
            }
            _ => Ok(()),
        }
    }
}
