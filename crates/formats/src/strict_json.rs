//! JSON from other servers: objects without duplicate members, of bounded depth.
//!
//! Two parsers that disagree about a duplicate member read two different documents, and one of them
//! may be the one that checks.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The deepest nesting of arrays and objects.
const DEEPEST: u8 = 16;

/// Parses JSON text. Refuses duplicate members, more than 16 levels, and anything after the value.
/// The caller bounds the length.
#[must_use]
pub fn parse(text: &[u8]) -> Option<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = Level(0).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// Parses a JSON object, like [`parse`].
#[must_use]
pub fn parse_object(text: &[u8]) -> Option<Map<String, Value>> {
    match parse(text)? {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// A value at this depth.
#[derive(Clone, Copy)]
struct Level(u8);

impl Level {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.0 < DEEPEST {
            Ok(Self(self.0 + 1))
        } else {
            Err(E::custom("too deep"))
        }
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let level = self.deeper()?;
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(level)? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let level = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(level)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_json_parses_as_serde_json_parses_it() {
        for text in [
            r#"{"a": [1, -2, 1.5, true, null, "\u00e9"], "b": {"c": {}}}"#,
            "[]",
            "12345678901234567890",
        ] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(parse(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn attack_duplicate_members_are_refused_at_every_depth() {
        for text in [
            r#"{"iss": "a", "iss": "b"}"#,
            r#"{"a": [{"b": 1, "b": 1}]}"#,
            r#"{"iss": "a", "\u0069ss": "b"}"#,
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_and_trailing_text_is_refused() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(16).as_bytes()).is_some());
        assert!(parse(nested(17).as_bytes()).is_none());
        assert!(parse(nested(100_000).as_bytes()).is_none());
        for text in ["{} {}", "{}x", "", "{", "NaN", "1e999"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        assert!(parse_object(b"[]").is_none());
    }
}
