//! Typed reading of loaded values. An invalid value is reported and replaced by a default.

use std::time::Duration;

use secrecy::SecretString;
use toml::{Table, Value};

use super::keys;
use super::load::{Loaded, Origin, Problem};
use super::value::{self, IdentityAttribute};

#[derive(Debug)]
pub(super) struct Reader<'a> {
    loaded: &'a Loaded,
    pub(super) problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(loaded: &'a Loaded) -> Self {
        Self {
            loaded,
            problems: Vec::new(),
        }
    }

    pub(super) fn problem(&mut self, key: &str, what: impl Into<String>, fix: impl Into<String>) {
        let problem = Problem::new(key, what, fix);
        // An error in a value that several CORS rules inherit is reported once.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Whether an error with this ending was already reported for a key.
    pub(super) fn has_problem(&self, key: &str, ending: &str) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.key == key && problem.what.ends_with(ending))
    }

    fn raw(&self, name: &str) -> (Value, Origin) {
        let known = keys::find(name);
        debug_assert!(known.is_some(), "{name} is not in the table of keys");
        known.map_or_else(
            || (Value::String(String::new()), Origin::Default),
            |key| self.loaded.get(key),
        )
    }

    fn value(&self, name: &str) -> Value {
        self.raw(name).0
    }

    /// `<PROVIDER>_CLIENT_ID` or `_CLIENT_SECRET`, whether the provider is built in or not.
    pub(super) fn provider_credential(&self, name: &str) -> Option<String> {
        if keys::find(name).is_some() {
            return self.optional_text(name);
        }
        let text = self.loaded.provider_credential(name)?;
        Some(text.to_owned()).filter(|text| !text.is_empty())
    }

    /// Whether the value is set and not empty.
    pub(super) fn is_set(&self, name: &str) -> bool {
        let (value, origin) = self.raw(name);
        origin != Origin::Default && !value::is_none(&value)
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.value(name).as_bool().unwrap_or(false)
    }

    pub(super) fn size(&mut self, name: &str, least: usize) -> usize {
        let value = self.value(name);
        if let Some(size) = value
            .as_integer()
            .and_then(|number| usize::try_from(number).ok())
            .filter(|size| *size >= least)
        {
            return size;
        }
        self.problem(
            name,
            "is out of range",
            format!("write a whole number, {least} or more"),
        );
        least
    }

    pub(super) fn whole(&self, name: &str) -> Option<i64> {
        self.value(name).as_integer()
    }

    pub(super) fn text(&self, name: &str) -> String {
        self.value(name).as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn optional_text(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        self.optional_text(name).map(SecretString::from)
    }

    pub(super) fn secrets(&self, name: &str) -> Vec<SecretString> {
        self.list(name)
            .into_iter()
            .map(SecretString::from)
            .collect()
    }

    /// A duration that has to be positive.
    pub(super) fn duration(&mut self, name: &str) -> Duration {
        let duration = self.optional_duration(name).unwrap_or_default();
        if duration.is_zero() {
            self.problem(
                name,
                "is zero",
                format!("write {}", keys::Kind::Duration.description()),
            );
        }
        duration
    }

    pub(super) fn optional_duration(&self, name: &str) -> Option<Duration> {
        value::duration(&self.value(name))
    }

    /// Whether a duration is negative, which switches something off.
    pub(super) fn is_negative(&self, name: &str) -> bool {
        value::is_negative(&self.value(name))
    }

    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let value = self.value(name);
        if value::is_none(&value) {
            Vec::new()
        } else {
            value::texts(&value).unwrap_or_default()
        }
    }

    pub(super) fn table(&self, name: &str) -> Table {
        self.value(name).as_table().cloned().unwrap_or_default()
    }

    pub(super) fn identities(&self, name: &str) -> Vec<IdentityAttribute> {
        value::identities(&self.value(name)).unwrap_or_default()
    }

    pub(super) fn any(&self, name: &str) -> Option<Value> {
        Some(self.value(name)).filter(|value| !value::is_none(value))
    }

    /// One of a few words, in any case; `None` if the value is empty or unknown. An unknown one is
    /// reported.
    pub(super) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let text = self.optional_text(name)?;
        let found = words
            .iter()
            .find(|(word, _)| word.eq_ignore_ascii_case(&text));
        if found.is_none() {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.problem(
                name,
                format!("{text:?} is not a known value"),
                format!("write {}", known.join(" or ")),
            );
        }
        found.map(|(_, value)| *value)
    }
}
