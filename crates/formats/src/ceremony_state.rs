//! The state of a WebAuthn ceremony: a signed token that the client sends back with the
//! authenticator's response. Nothing is stored before that.
//!
//! The reference signs the state of every ceremony alike. Ours also names the ceremony and the user
//! that it was begun for, in members that the reference ignores, so that the response to one is
//! refused in another.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::purpose::Purpose;
use crate::sign::{KeyRing, SignatureError, TimedSigner, decode_payload, encode_payload};

/// A ceremony.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ceremony {
    /// A signed-in user registers a passkey.
    Register,
    /// A passkey begins a sign-in.
    SignIn,
    /// A passkey is the second factor of a sign-in.
    SecondFactor,
    /// A signed-in user proves their identity again.
    Verify,
}

impl Ceremony {
    const ALL: [Self; 4] = [
        Self::Register,
        Self::SignIn,
        Self::SecondFactor,
        Self::Verify,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::SignIn => "signin",
            Self::SecondFactor => "second",
            Self::Verify => "verify",
        }
    }
}

/// What a registration remembers of the request that began it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// The name of the passkey.
    pub name: String,
    /// What it is registered for: `first` or `secondary`.
    pub usage: String,
}

/// The content of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CeremonyState {
    /// The challenge, as the text whose bytes the authenticator signs.
    pub challenge: String,
    /// Whether the authenticator has to verify the user.
    pub user_verification: bool,
    /// What is registered, if the ceremony is a registration.
    pub registration: Option<Registration>,
    /// The ceremony that the token was issued for. The reference's tokens name none.
    pub ceremony: Option<Ceremony>,
    /// The `fs_uniquifier` of the user that the token was issued to, if it was issued to one. The
    /// reference's tokens name none.
    pub user: Option<String>,
}

impl CeremonyState {
    /// Whether the token was issued for this ceremony, and to this user if it names one. A token of
    /// the reference was issued for every ceremony of its kind.
    #[must_use]
    pub fn is_for(&self, ceremony: Ceremony, uniquifier: Option<&str>) -> bool {
        let is_registration = ceremony == Ceremony::Register;
        self.registration.is_some() == is_registration
            && self.ceremony.is_none_or(|ours| ours == ceremony)
            && (self.user.is_none() || self.user.as_deref() == uniquifier)
    }
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CeremonyStateError {
    /// We did not issue it.
    #[error("not a ceremony state that this server issued")]
    Invalid,
    /// We issued it too long ago, or with a clock that is ahead of ours.
    #[error("the ceremony state is too old, or from the future")]
    Expired,
}

/// The members of our own.
const CEREMONY: &str = "vestibule_for";
const USER: &str = "vestibule_user";

/// Issues and reads the states of ceremonies.
#[derive(Debug, Clone)]
pub struct CeremonyStateCodec(TimedSigner);

impl CeremonyStateCodec {
    /// Creates a codec for these secrets, with the configured `WAN_SALT` if there is one.
    #[must_use]
    pub fn new(ring: &KeyRing, salt: Option<&str>) -> Self {
        Self(Purpose::WebAuthn.timed_signer(ring, salt))
    }

    /// Issues a token; `now` is in seconds since 1970.
    #[must_use]
    pub fn seal(&self, state: &CeremonyState, now: i64) -> String {
        let mut members = Map::new();
        members.insert("challenge".to_owned(), json!(state.challenge));
        members.insert(
            "user_verification".to_owned(),
            json!(state.user_verification),
        );
        if let Some(registration) = &state.registration {
            members.insert("name".to_owned(), json!(registration.name));
            members.insert("usage".to_owned(), json!(registration.usage));
        }
        if let Some(ceremony) = state.ceremony {
            members.insert(CEREMONY.to_owned(), json!(ceremony.name()));
        }
        if let Some(user) = &state.user {
            members.insert(USER.to_owned(), json!(user));
        }
        let json = Value::Object(members).to_string();
        self.0.sign(&encode_payload(json.as_bytes()), now)
    }

    /// Reads a token; `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`CeremonyStateError`].
    pub fn open(
        &self,
        token: &str,
        now: i64,
        max_age: Duration,
    ) -> Result<CeremonyState, CeremonyStateError> {
        let opened = self
            .0
            .open(token, now, Some(max_age))
            .map_err(|error| match error {
                SignatureError::Expired { .. } | SignatureError::Ahead { .. } => {
                    CeremonyStateError::Expired
                }
                _ => CeremonyStateError::Invalid,
            })?;
        read(opened.payload).ok_or(CeremonyStateError::Invalid)
    }
}

fn read(payload: &str) -> Option<CeremonyState> {
    let json = decode_payload(payload).ok()?;
    let mut members: Map<String, Value> = serde_json::from_slice(&json).ok()?;
    let mut text = |name: &str| match members.remove(name) {
        Some(Value::String(text)) => Some(Some(text)),
        None => Some(None),
        Some(_) => None,
    };
    let challenge = text("challenge")??;
    let registration = match (text("name")?, text("usage")?) {
        (Some(name), Some(usage)) => Some(Registration { name, usage }),
        (None, None) => None,
        _ => return None,
    };
    let ceremony = match text(CEREMONY)? {
        None => None,
        Some(name) => Some(
            Ceremony::ALL
                .into_iter()
                .find(|ceremony| ceremony.name() == name)?,
        ),
    };
    let user = text(USER)?;
    Some(CeremonyState {
        challenge,
        user_verification: members.get("user_verification")?.as_bool()?,
        registration,
        ceremony,
        user,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    fn codec() -> CeremonyStateCodec {
        CeremonyStateCodec::new(&KeyRing::new("secret", []), None)
    }

    fn state(ceremony: Ceremony) -> CeremonyState {
        let is_registration = ceremony == Ceremony::Register;
        CeremonyState {
            challenge: "c".repeat(43),
            user_verification: true,
            registration: is_registration.then(|| Registration {
                name: "Clé".to_owned(),
                usage: "first".to_owned(),
            }),
            ceremony: Some(ceremony),
            user: (ceremony != Ceremony::SignIn).then(|| "u1".to_owned()),
        }
    }

    #[test]
    fn state_survives_the_way_to_the_client_and_back() {
        for ceremony in Ceremony::ALL {
            let token = codec().seal(&state(ceremony), 1_000);
            assert_eq!(codec().open(&token, 1_060, DAY), Ok(state(ceremony)));
            let late = codec().open(&token, 1_000 + 86_401, DAY);
            assert_eq!(late, Err(CeremonyStateError::Expired));
            let other = CeremonyStateCodec::new(&KeyRing::new("other", []), None);
            let foreign = other.open(&token, 1_060, DAY);
            assert_eq!(foreign, Err(CeremonyStateError::Invalid));
        }
    }

    #[test]
    fn attack_purpose_confusion_a_state_is_for_one_ceremony_and_one_user() {
        for issued in Ceremony::ALL {
            for used in Ceremony::ALL {
                let state = state(issued);
                assert_eq!(state.is_for(used, Some("u1")), issued == used, "{issued:?}");
                let is_open = issued == Ceremony::SignIn && issued == used;
                assert_eq!(state.is_for(used, Some("u2")), is_open, "{issued:?}");
                assert_eq!(state.is_for(used, None), is_open, "{issued:?}");
            }
        }
    }

    #[test]
    fn a_state_of_the_reference_names_neither_ceremony_nor_user() {
        let theirs = CeremonyState {
            ceremony: None,
            user: None,
            ..state(Ceremony::Verify)
        };
        assert!(theirs.is_for(Ceremony::SignIn, Some("u2")));
        assert!(theirs.is_for(Ceremony::Verify, None));
        assert!(!theirs.is_for(Ceremony::Register, Some("u1")));
        let theirs = CeremonyState {
            ceremony: None,
            user: None,
            ..state(Ceremony::Register)
        };
        assert!(theirs.is_for(Ceremony::Register, Some("u1")));
        assert!(!theirs.is_for(Ceremony::Verify, Some("u1")));
    }

    #[test]
    fn payloads_of_other_shapes_are_refused() {
        for payload in [
            "[]",
            "{}",
            r#"{"challenge": "c"}"#,
            r#"{"challenge": 1, "user_verification": true}"#,
            r#"{"challenge": "c", "user_verification": "true"}"#,
            r#"{"challenge": "c", "user_verification": true, "name": "n"}"#,
            r#"{"challenge": "c", "user_verification": true, "vestibule_for": "other"}"#,
            r#"{"challenge": "c", "user_verification": true, "vestibule_user": 1}"#,
        ] {
            let token = codec().0.sign(&encode_payload(payload.as_bytes()), 1_000);
            let opened = codec().open(&token, 1_000, DAY);
            assert_eq!(opened, Err(CeremonyStateError::Invalid), "{payload}");
        }
    }
}
