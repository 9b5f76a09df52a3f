//! Flask's session: a signed cookie that holds JSON (Flask 3.1, `SecureCookieSessionInterface`).
//!
//! A Flask application that shares the cookie keeps values of its own in the session, some of them
//! as tagged JSON (`{" t": [..]}` for a tuple). A value stays raw JSON until it is read, so values
//! that we do not know are sent back unchanged.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::sign::{
    Derivation, KeyRing, SignatureError, TimedSigner, decode_payload, encode_payload_over,
};

const SALT: &str = "cookie-session";

/// The longest session that is not compressed, in bytes of JSON. Flask compresses whatever gets
/// shorter, and reads both. Decompression took a third of the instructions of an authenticated
/// request, and makes one of our sessions only a fifth shorter.
const PLAIN: usize = 1024;

/// The content of a session, and whether it was changed.
#[derive(Debug, Clone, Default)]
pub struct Session {
    values: Values,
    modified: bool,
}

impl Session {
    /// Whether the session holds no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.0.is_empty()
    }

    /// Whether it was changed since it was opened.
    #[must_use]
    pub fn modified(&self) -> bool {
        self.modified
    }

    /// Whether the application asked for it to outlive the browser (Flask's `session.permanent`).
    #[must_use]
    pub fn permanent(&self) -> bool {
        self.get_bool("_permanent") == Some(true)
    }

    /// The value with this name, if it is a string.
    #[must_use]
    pub fn get_str(&self, name: &str) -> Option<String> {
        self.get(name)
    }

    /// The value with this name, if it is a boolean.
    #[must_use]
    pub fn get_bool(&self, name: &str) -> Option<bool> {
        self.get(name)
    }

    /// The value with this name, if it is a number.
    #[must_use]
    pub fn get_f64(&self, name: &str) -> Option<f64> {
        self.get(name)
    }

    fn get<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Option<T> {
        let (_, raw) = self.values.0.iter().find(|(known, _)| known == name)?;
        serde_json::from_str(raw.get()).ok()
    }

    /// Sets a string.
    pub fn set_str(&mut self, name: &str, value: &str) {
        self.set(name, value);
    }

    /// Sets a boolean.
    pub fn set_bool(&mut self, name: &str, value: bool) {
        self.set(name, &value);
    }

    /// Sets an integer.
    pub fn set_i64(&mut self, name: &str, value: i64) {
        self.set(name, &value);
    }

    /// Sets a number.
    pub fn set_f64(&mut self, name: &str, value: f64) {
        self.set(name, &value);
    }

    fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        // Strings, booleans and finite numbers always serialise.
        if let Ok(raw) = serde_json::value::to_raw_value(value) {
            self.values.insert(name.to_owned(), raw);
            self.modified = true;
        }
    }

    /// Removes a value. Returns whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.values.0.len();
        self.values.0.retain(|(known, _)| known != name);
        let was_there = self.values.0.len() < before;
        self.modified |= was_there;
        was_there
    }

    /// The names of the values, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.0.iter().map(|(name, _)| name.as_str())
    }
}

/// Names and their raw values, in the order in which they arrived. There are about ten, so a linear
/// search is enough.
#[derive(Debug, Clone, Default)]
struct Values(Vec<(String, Box<RawValue>)>);

impl Values {
    fn insert(&mut self, name: String, raw: Box<RawValue>) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, value)) => *value = raw,
            None => self.0.push((name, raw)),
        }
    }
}

impl Serialize for Values {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, raw)| (name, raw)))
    }
}

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ValuesVisitor;
        impl<'de> Visitor<'de> for ValuesVisitor {
            type Value = Values;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Values, A::Error> {
                let mut values = Values::default();
                while let Some((name, raw)) = access.next_entry()? {
                    values.insert(name, raw);
                }
                Ok(values)
            }
        }
        deserializer.deserialize_map(ValuesVisitor)
    }
}

/// Opens and seals session cookies.
#[derive(Debug, Clone)]
pub struct SessionCodec(TimedSigner);

impl SessionCodec {
    /// Creates a codec for these secrets.
    #[must_use]
    pub fn new(ring: &KeyRing) -> Self {
        Self(TimedSigner::new(ring, SALT, Derivation::Hmac))
    }

    /// Opens a cookie; `now` is in seconds since 1970. A cookie that is too old, that we did not
    /// sign or that holds no session gives an empty session.
    #[must_use]
    pub fn open(&self, cookie: &str, now: i64, max_age: Duration) -> Session {
        self.try_open(cookie, now, max_age).unwrap_or_default()
    }

    /// Opens a cookie like [`open`](Self::open), but reports why it is refused.
    ///
    /// # Errors
    /// [`SignatureError`] if the cookie is refused.
    pub fn try_open(
        &self,
        cookie: &str,
        now: i64,
        max_age: Duration,
    ) -> Result<Session, SignatureError> {
        let opened = self.0.open(cookie, now, Some(max_age))?;
        let json = decode_payload(opened.payload)?;
        let values = serde_json::from_slice(&json).map_err(|_| SignatureError::BadPayload)?;
        Ok(Session {
            values,
            modified: false,
        })
    }

    /// The cookie for a session; `now` is in seconds since 1970.
    #[must_use]
    pub fn seal(&self, session: &Session, now: i64) -> String {
        // A map of raw JSON always serialises.
        let json = serde_json::to_vec(&session.values).unwrap_or_default();
        self.0.sign(&encode_payload_over(&ascii(&json), PLAIN), now)
    }
}

/// Escapes JSON to ASCII, as Flask does. Other characters can occur only in strings, where `\u`
/// escapes may replace them.
fn ascii(json: &[u8]) -> Vec<u8> {
    let Ok(text) = std::str::from_utf8(json) else {
        return json.to_vec();
    };
    if text.is_ascii() {
        return json.to_vec();
    }
    let mut escaped = String::with_capacity(text.len() * 2);
    let mut units = [0; 2];
    for c in text.chars() {
        if c.is_ascii() {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped.into_bytes()
}
