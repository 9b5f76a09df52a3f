//! The column `us_totp_secrets`: a JSON object from the methods of unified sign-in (`email`, `sms`,
//! `authenticator`) to their [keys](super::Wallet), or null if no method is set up.

use std::fmt;

use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use zeroize::Zeroizing;

use crate::ascii_json;

/// The longest text that is parsed, in bytes.
const LIMIT: usize = 64 * 1024;

/// The text is not a JSON object, or is longer than 64 KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("us_totp_secrets is not a JSON object")]
pub struct UsSecretsError;

/// The methods that a user has set up, in the order of set-up, with their keys.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct UsSecrets(Vec<(String, Secret)>);

#[derive(Clone)]
enum Secret {
    Text(Zeroizing<String>),
    /// The reference writes only strings. Other values are kept unchanged, but cannot be used.
    Other(Box<RawValue>),
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Text(left), Self::Text(right)) => left == right,
            (Self::Other(left), Self::Other(right)) => left.get() == right.get(),
            _ => false,
        }
    }
}

impl Eq for Secret {}

impl UsSecrets {
    /// Parses the column. Null and an empty text are no methods. As in Python, the last value of a
    /// repeated member counts.
    ///
    /// # Errors
    /// [`UsSecretsError`] if the text is not a JSON object.
    pub fn parse(column: Option<&str>) -> Result<Self, UsSecretsError> {
        match column {
            None | Some("") => Ok(Self::default()),
            Some(text) if text.len() > LIMIT => Err(UsSecretsError),
            Some(text) => serde_json::from_str(text).map_err(|_| UsSecretsError),
        }
    }

    /// The column, with the bytes that the reference writes; `None`, which is null, if there is no
    /// method.
    #[must_use]
    pub fn to_column(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut json = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut json, PythonSeparators);
        // Strings and parsed values always serialise.
        self.serialize(&mut serializer).ok()?;
        let json = String::from_utf8(json).ok()?;
        Some(ascii_json::escape(&json).into_owned())
    }

    /// The methods that are set up. Also a method whose key is not a string counts, as it does for
    /// the reference.
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(method, _)| method.as_str())
    }

    /// The key of a method, to be opened with a [`Wallet`](super::Wallet).
    #[must_use]
    pub fn get(&self, method: &str) -> Option<&str> {
        match &self.0.iter().find(|(other, _)| other == method)?.1 {
            Secret::Text(text) => Some(text),
            Secret::Other(_) => None,
        }
    }

    /// Sets the key of a method. A new method comes last.
    pub fn set(&mut self, method: &str, key: &str) {
        self.put(
            method.to_owned(),
            Secret::Text(Zeroizing::new(key.to_owned())),
        );
    }

    /// Removes a method; `false` if it was not set up.
    pub fn remove(&mut self, method: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|(other, _)| other != method);
        self.0.len() < before
    }

    /// Whether no method is set up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn put(&mut self, method: String, secret: Secret) {
        match self.0.iter_mut().find(|(other, _)| *other == method) {
            Some((_, earlier)) => *earlier = secret,
            None => self.0.push((method, secret)),
        }
    }
}

impl fmt::Debug for UsSecrets {
    /// Shows the methods but not the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.methods()).finish()
    }
}

impl Serialize for UsSecrets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(method, secret)| (method, secret)))
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for UsSecrets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = UsSecrets;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<UsSecrets, A::Error> {
                let mut secrets = UsSecrets::default();
                while let Some((method, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    let secret = if value.get().starts_with('"') {
                        let text = serde_json::from_str(value.get()).map_err(A::Error::custom)?;
                        Secret::Text(Zeroizing::new(text))
                    } else {
                        Secret::Other(value)
                    };
                    secrets.put(method, secret);
                }
                Ok(secrets)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

/// The separators of Python's `json.dumps`.
struct PythonSeparators;

impl serde_json::ser::Formatter for PythonSeparators {
    fn begin_array_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> std::io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(
        &mut self,
        writer: &mut W,
    ) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}
