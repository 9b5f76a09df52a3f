//! Flask's session: a signed cookie holding JSON (Flask 3.1,
//! `SecureCookieSessionInterface`).
//!
//! A Flask application beside us keeps values of its own in the session, some of them
//! as tagged JSON (`{" t": [..]}` for a tuple). A value stays the raw text that it came
//! as until somebody asks for it, so what we do not know goes back unchanged.

use std::fmt;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::sign::{
    Derivation, KeyRing, SignatureError, TimedSigner, decode_payload, encode_payload_over,
};

const SALT: &str = "cookie-session";

/// How long a session may be that is not packed, in bytes of JSON. Flask packs whatever gets shorter
/// by it, and reads either. To unpack one took a third of the instructions of an authenticated
/// request, and a session of ours gets a fifth shorter.
const PLAIN: usize = 1024;

/// What a session holds, and whether it was changed.
#[derive(Debug, Clone, Default)]
pub struct Session {
    values: Values,
    modified: bool,
}

impl Session {
    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.0.is_empty()
    }

    /// Whether it was changed since it was opened.
    #[must_use]
    pub fn modified(&self) -> bool {
        self.modified
    }

    /// Whether the application asked for it to outlive the browser (Flask's
    /// `session.permanent`).
    #[must_use]
    pub fn permanent(&self) -> bool {
        self.get_bool("_permanent") == Some(true)
    }

    /// A text.
    #[must_use]
    pub fn get_str(&self, name: &str) -> Option<String> {
        self.get(name)
    }

    /// A yes or no.
    #[must_use]
    pub fn get_bool(&self, name: &str) -> Option<bool> {
        self.get(name)
    }

    /// A number.
    #[must_use]
    pub fn get_f64(&self, name: &str) -> Option<f64> {
        self.get(name)
    }

    fn get<'a, T: Deserialize<'a>>(&'a self, name: &str) -> Option<T> {
        let (_, raw) = self.values.0.iter().find(|(known, _)| known == name)?;
        serde_json::from_str(raw.get()).ok()
    }

    /// Keeps a text.
    pub fn set_str(&mut self, name: &str, value: &str) {
        self.set(name, value);
    }

    /// Keeps a yes or no.
    pub fn set_bool(&mut self, name: &str, value: bool) {
        self.set(name, &value);
    }

    /// Keeps a whole number.
    pub fn set_i64(&mut self, name: &str, value: i64) {
        self.set(name, &value);
    }

    /// Keeps a number.
    pub fn set_f64(&mut self, name: &str, value: f64) {
        self.set(name, &value);
    }

    fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        // Texts, flags and finite numbers always serialise.
        if let Ok(raw) = serde_json::value::to_raw_value(value) {
            self.values.insert(name.to_owned(), raw);
            self.modified = true;
        }
    }

    /// Forgets a value. Whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.values.0.len();
        self.values.0.retain(|(known, _)| known != name);
        let was_there = self.values.0.len() < before;
        self.modified |= was_there;
        was_there
    }

    /// The names in it, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.0.iter().map(|(name, _)| name.as_str())
    }
}

/// Names and their raw values, in the order in which they came. There are about ten.
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
    /// A codec for these secrets.
    #[must_use]
    pub fn new(ring: &KeyRing) -> Self {
        Self(TimedSigner::new(ring, SALT, Derivation::Hmac))
    }

    /// The session in a cookie. A cookie that we did not sign, that is too old or that
    /// holds no session is no session. `now` in seconds since 1970.
    #[must_use]
    pub fn open(&self, cookie: &str, now: i64, max_age: Duration) -> Session {
        self.try_open(cookie, now, max_age).unwrap_or_default()
    }

    /// The same, saying why there is none.
    ///
    /// # Errors
    /// What is wrong with the cookie.
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

    /// The cookie for a session.
    #[must_use]
    pub fn seal(&self, session: &Session, now: i64) -> String {
        // A map of raw JSON always serialises.
        let json = serde_json::to_vec(&session.values).unwrap_or_default();
        self.0.sign(&encode_payload_over(&ascii(&json), PLAIN), now)
    }
}

/// JSON in ASCII alone, as Flask writes it. What is not ASCII can only stand inside of
/// strings, where `\u` escapes may replace it.
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
