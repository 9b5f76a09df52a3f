//! The variables of a template.

use std::collections::BTreeMap;
use std::time::Duration;

use minijinja::Value;
use serde_json::{Map, Value as Json};

use crate::messages::catalogue::{Catalogues, Locale};
use crate::messages::{method, period};

/// The variables of a template: those that the caller gives, and those derived from them.
pub(super) fn variables(
    given: &Map<String, Json>,
    locale: Locale,
    catalogues: &Catalogues,
) -> Value {
    let mut variables: BTreeMap<String, Value> = given
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value_of(value)))
        .collect();
    if let Some(seconds) = given.get("within").and_then(Json::as_u64) {
        let words = period::in_words(Duration::from_secs(seconds), |word| {
            catalogues.translate(locale, word)
        });
        variables.insert("within".to_owned(), words.into());
    }
    if let Some(name) = given.get("method").and_then(Json::as_str) {
        let words = method::in_words(name, |words| catalogues.translate(locale, words));
        variables.insert("method".to_owned(), value_of(&words.into()));
    }
    let mut also = |name: &str, value: Value| {
        variables.entry(name.to_owned()).or_insert(value);
    };
    let about = |name: &str| given.get("user").and_then(|user| user.get(name));
    for name in ["email", "username"] {
        if let Some(value) = about(name).filter(|value| !value.is_null()) {
            also(name, value_of(value));
        }
    }
    // The reference's templates ask which features are on, to know which links exist.
    let has = |name: &str| given.get(name).is_some_and(|value| !value.is_null());
    let security = [
        ("confirmable", has("confirmation_link")),
        ("recoverable", has("reset_link") || has("recovery_link")),
    ];
    also("security", BTreeMap::from(security).into());
    also("locale", locale.tag().into());
    variables.into()
}

/// A value without nulls and on one line, so that no user's name can look like a part of the mail.
fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::UNDEFINED,
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(fraction)) => fraction.into(),
            (None, None) => number.to_string().into(),
        },
        Json::String(text) => text
            .chars()
            .map(|character| match character {
                '\u{2028}' | '\u{2029}' => ' ',
                character if character.is_control() => ' ',
                character => character,
            })
            .collect::<String>()
            .into(),
        Json::Array(items) => items.iter().map(value_of).collect(),
        Json::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), value_of(value)))
            .collect::<BTreeMap<String, Value>>()
            .into(),
    }
}
