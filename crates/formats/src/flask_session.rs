//! Flask's session: a signed cookie that holds JSON (Flask 3.1, `SecureCookieSessionInterface`).
//!
//! A Flask application that shares the cookie keeps values of its own in the session, some of them
//! as tagged JSON (`{" t": [..]}` for a tuple). A value stays raw JSON until it is read, so values
//! that we do not know are sent back unchanged.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::time::Duration;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::ascii_json;
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
        self.values.entries.is_empty()
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
        serde_json::from_str(self.values.get(name)?).ok()
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
        if let Ok(raw) = serde_json::to_string(value) {
            self.values.insert(Text::own(name), Text::Own(raw.into()));
            self.modified = true;
        }
    }

    /// Removes a value. Returns whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let was_there = self.values.remove(name);
        self.modified |= was_there;
        was_there
    }

    /// The names of the values, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|(name, _)| name)
    }
}

/// Names and their raw values, in the order in which they arrived. There are about ten, so a linear
/// search is enough.
///
/// What arrived stays in one text, since most requests read two or three values and change none.
#[derive(Debug, Clone, Default)]
struct Values {
    json: String,
    entries: Vec<(Text, Text)>,
}

/// A name, or the JSON of a value.
#[derive(Debug, Clone)]
enum Text {
    /// A part of the session's JSON.
    Part(Range<usize>),
    Own(Box<str>),
}

impl Text {
    fn own(text: &str) -> Self {
        Self::Own(text.into())
    }

    fn of<'a>(&'a self, json: &'a str) -> &'a str {
        match self {
            Self::Part(range) => json.get(range.clone()).unwrap_or_default(),
            Self::Own(text) => text,
        }
    }
}

impl Values {
    fn parse(json: Vec<u8>) -> Option<Self> {
        let json = String::from_utf8(json).ok()?;
        let arrived: Arrived<'_> = serde_json::from_str(&json).ok()?;
        let part = |text: &str| {
            let start = text.as_ptr().addr() - json.as_ptr().addr();
            Text::Part(start..start + text.len())
        };
        let entries = arrived.0.iter().map(|(name, raw)| {
            let name = match &name.0 {
                Cow::Borrowed(name) => part(name),
                Cow::Owned(name) => Text::own(name),
            };
            (name, part(raw.get()))
        });
        let entries = entries.collect();
        Some(Self { json, entries })
    }

    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let parts = self.entries.iter();
        parts.map(|(name, raw)| (name.of(&self.json), raw.of(&self.json)))
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(known, raw)| (known == name).then_some(raw))
    }

    fn insert(&mut self, name: Text, raw: Text) {
        let wanted = name.of(&self.json);
        let mut known = self.entries.iter_mut();
        match known.find(|(known, _)| known.of(&self.json) == wanted) {
            Some((_, value)) => *value = raw,
            None => self.entries.push((name, raw)),
        }
    }

    fn remove(&mut self, name: &str) -> bool {
        let before = self.entries.len();
        self.entries
            .retain(|(known, _)| known.of(&self.json) != name);
        self.entries.len() < before
    }

    fn to_json(&self) -> String {
        let mut json = String::from("{");
        for (name, raw) in self.iter() {
            if json.len() > 1 {
                json.push(',');
            }
            // A string always serialises.
            json.push_str(&serde_json::to_string(name).unwrap_or_default());
            json.push(':');
            json.push_str(raw);
        }
        json.push('}');
        json
    }
}

/// The members of a session's JSON. A repeated member has the place of the first and the value of
/// the last.
struct Arrived<'a>(Vec<(Name<'a>, &'a RawValue)>);

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for Arrived<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ArrivedVisitor;
        impl<'de> Visitor<'de> for ArrivedVisitor {
            type Value = Arrived<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut members: Vec<(Name<'de>, &'de RawValue)> = Vec::new();
                while let Some((name, raw)) = access.next_entry::<Name<'de>, &'de RawValue>()? {
                    match members.iter_mut().find(|(known, _)| known.0 == name.0) {
                        Some((_, value)) => *value = raw,
                        None => members.push((name, raw)),
                    }
                }
                Ok(Arrived(members))
            }
        }
        deserializer.deserialize_map(ArrivedVisitor)
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
        let values = Values::parse(json).ok_or(SignatureError::BadPayload)?;
        Ok(Session {
            values,
            modified: false,
        })
    }

    /// The cookie for a session; `now` is in seconds since 1970.
    #[must_use]
    pub fn seal(&self, session: &Session, now: i64) -> String {
        let json = session.values.to_json();
        let json = ascii_json::escape(&json);
        self.0
            .sign(&encode_payload_over(json.as_bytes(), PLAIN), now)
    }
}
