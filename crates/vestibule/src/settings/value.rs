//! Parsing of values, and their conversion to typed ones.

use std::time::Duration;

use toml::Value;

use super::keys::{Key, Kind};

/// The default of a key.
pub(super) fn parse_default(key: &Key) -> Value {
    parse(key.default).unwrap_or_else(|| Value::String(String::new()))
}

/// One TOML value.
pub(super) fn parse(text: &str) -> Option<Value> {
    let mut table: toml::Table = toml::from_str(&format!("value = {text}")).ok()?;
    table.remove("value").filter(|_| table.is_empty())
}

/// Whether a value has the type of its key. The empty text, which stands for `None`, fits every
/// type.
pub(super) fn fits(value: &Value, kind: Kind) -> bool {
    if is_none(value) {
        return true;
    }
    match kind {
        Kind::Flag => value.is_bool(),
        Kind::Integer => value.is_integer(),
        Kind::Text | Kind::Secret => value.is_str(),
        Kind::Duration => duration(value).is_some(),
        Kind::DurationOrOff => duration(value).is_some() || is_negative(value),
        Kind::List | Kind::SecretList => texts(value).is_some(),
        Kind::Table | Kind::SecretTable => value.is_table(),
        Kind::Identities => identities(value).is_some(),
        Kind::Any => true,
    }
}

/// Whether a value stands for `None`.
pub(super) fn is_none(value: &Value) -> bool {
    value.as_str().is_some_and(str::is_empty)
}

/// Parses a value from the environment, where everything is text.
pub(super) fn from_text(text: &str, kind: Kind) -> Option<Value> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Some(Value::String(String::new()));
    }
    match kind {
        Kind::Flag => match trimmed.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some(Value::Boolean(true)),
            "false" | "0" | "no" | "off" => Some(Value::Boolean(false)),
            _ => None,
        },
        Kind::Integer => trimmed.parse().ok().map(Value::Integer),
        Kind::Text | Kind::Secret => Some(Value::String(text.to_owned())),
        Kind::Duration | Kind::DurationOrOff => trimmed
            .parse()
            .map(Value::Integer)
            .or_else(|_| trimmed.parse().map(Value::Float))
            .ok()
            .or_else(|| Some(Value::String(trimmed.to_owned()))),
        Kind::List | Kind::SecretList | Kind::Identities if !trimmed.starts_with('[') => {
            // A trailing comma does not add an empty item: in a list of keys, that would be a key
            // that everyone knows.
            let items = trimmed
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()));
            Some(Value::Array(items.collect()))
        }
        Kind::List | Kind::SecretList | Kind::Identities | Kind::Table | Kind::SecretTable => {
            structured(trimmed)
        }
        Kind::Any => structured(trimmed).or_else(|| Some(Value::String(text.to_owned()))),
    }
}

/// Parses TOML or JSON.
fn structured(text: &str) -> Option<Value> {
    parse(text).or_else(|| {
        let json: serde_json::Value = serde_json::from_str(text).ok()?;
        Value::try_from(json).ok()
    })
}

/// Whether a duration is negative.
pub(super) fn is_negative(value: &Value) -> bool {
    match value {
        Value::Integer(seconds) => *seconds < 0,
        Value::Float(seconds) => *seconds < 0.0,
        Value::String(text) => text
            .trim()
            .strip_prefix('-')
            .is_some_and(|rest| duration(&Value::String(rest.to_owned())).is_some()),
        _ => false,
    }
}

/// The longest duration, a thousand years, which can still be added to a date.
const LONGEST: Duration = Duration::from_secs(365_000 * 86400);

/// Parses a duration: seconds, or a number and a unit.
pub(super) fn duration(value: &Value) -> Option<Duration> {
    any_duration(value).filter(|length| *length <= LONGEST)
}

fn any_duration(value: &Value) -> Option<Duration> {
    match value {
        Value::Integer(seconds) => u64::try_from(*seconds).ok().map(Duration::from_secs),
        Value::Float(seconds) => Duration::try_from_secs_f64(*seconds).ok(),
        Value::String(text) => {
            let mut words = text.split_whitespace();
            let number: u64 = words.next()?.parse().ok()?;
            let unit = match words.next() {
                None => 1,
                Some(word) => match word.to_ascii_lowercase().trim_end_matches('s') {
                    "second" => 1,
                    "minute" => 60,
                    "hour" => 3600,
                    "day" => 86400,
                    "week" => 604_800,
                    _ => return None,
                },
            };
            if words.next().is_some() {
                return None;
            }
            number.checked_mul(unit).map(Duration::from_secs)
        }
        _ => None,
    }
}

/// A list of texts; a single text is a list of one.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

/// An identity attribute, and whether it ignores case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityAttribute {
    /// The column: `email`, `username`, `us_phone_number`.
    pub name: String,
    /// Whether the attribute ignores case.
    pub ignore_case: bool,
}

/// Parses `["email", "username"]`, or the reference's list of tables with one member each.
pub(super) fn identities(value: &Value) -> Option<Vec<IdentityAttribute>> {
    value.as_array()?.iter().map(identity).collect()
}

fn identity(item: &Value) -> Option<IdentityAttribute> {
    match item {
        Value::String(name) => Some(IdentityAttribute {
            name: name.clone(),
            ignore_case: name != "us_phone_number",
        }),
        Value::Table(table) => {
            let (name, details) = table.iter().next().filter(|_| table.len() == 1)?;
            let mut ignore_case = false;
            for (member, detail) in details.as_table()? {
                match member.as_str() {
                    // Each attribute has a fixed mapper; another one would be code.
                    "mapper" if detail.as_str() == Some(mapper(name)) => {}
                    "case_insensitive" => ignore_case = detail.as_bool()?,
                    _ => return None,
                }
            }
            Some(IdentityAttribute {
                name: name.clone(),
                ignore_case,
            })
        }
        _ => None,
    }
}

/// The reference's mapper of an attribute.
fn mapper(name: &str) -> &'static str {
    match name {
        "email" => "uia_email_mapper",
        "username" => "uia_username_mapper",
        "us_phone_number" => "uia_phone_mapper",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parsed_from_numbers_and_texts() {
        for (text, seconds) in [
            ("\"2 days\"", 172_800),
            ("\"1 day\"", 86400),
            ("\"15 minutes\"", 900),
            ("\"90 seconds\"", 90),
            ("\"90\"", 90),
            ("90", 90),
        ] {
            let value = parse(text).unwrap();
            assert_eq!(
                duration(&value),
                Some(Duration::from_secs(seconds)),
                "{text}"
            );
        }
        for text in ["-1", "-0.5", "\"-1 minutes\""] {
            let value = parse(text).unwrap();
            assert!(
                fits(&value, Kind::DurationOrOff) && is_negative(&value),
                "{text}"
            );
        }
        for text in ["\"-soon\"", "\"--1\""] {
            assert!(!fits(&parse(text).unwrap(), Kind::DurationOrOff), "{text}");
        }
        assert_eq!(from_text("1.5", Kind::Duration), Some(Value::Float(1.5)));
        for text in [
            "\"soon\"",
            "\"2 fortnights\"",
            "-1",
            "\"1 day 2\"",
            "true",
            "\"99999 weeks\"",
            "nan",
        ] {
            assert_eq!(duration(&parse(text).unwrap()), None, "{text}");
        }
    }

    #[test]
    fn environment_values_are_parsed_from_text() {
        assert_eq!(from_text("yes", Kind::Flag), Some(Value::Boolean(true)));
        assert_eq!(from_text("maybe", Kind::Flag), None);
        assert_eq!(
            texts(&from_text("a, b", Kind::List).unwrap()).unwrap(),
            ["a", "b"]
        );
        assert_eq!(
            texts(&from_text("a, ,", Kind::SecretList).unwrap()).unwrap(),
            ["a"]
        );
        assert_eq!(
            texts(&from_text(r#"["a,b"]"#, Kind::List).unwrap()).unwrap(),
            ["a,b"]
        );
        let toml = from_text("{ samesite = \"Lax\" }", Kind::Table).unwrap();
        let json = from_text(r#"{"samesite": "Lax"}"#, Kind::Table).unwrap();
        assert_eq!(toml, json);
    }

    #[test]
    fn identity_attributes_are_read_in_both_forms() {
        let short = identities(&parse(r#"["email", "us_phone_number"]"#).unwrap()).unwrap();
        let long = identities(
            &parse(
                r#"[{ email = { mapper = "uia_email_mapper", case_insensitive = true } }, { us_phone_number = { mapper = "uia_phone_mapper" } }]"#,
            )
            .unwrap(),
        )
        .unwrap();
        assert_eq!(short, long);
        for text in [
            r#"[{ a = {}, b = {} }]"#,
            r#"[{ email = { maper = "uia_email_mapper" } }]"#,
            r#"[{ email = { mapper = "my_mapper" } }]"#,
            r#"[{ email = { case_insensitive = "yes" } }]"#,
            r#"[{ email = "uia_email_mapper" }]"#,
        ] {
            assert!(identities(&parse(text).unwrap()).is_none(), "{text}");
        }
    }
}
