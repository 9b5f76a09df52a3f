//! Every configuration name: its type, its default, its limits, and whether this version acts on it.
//!
//! The defaults are those of Flask-Security 5.9, Flask 3.1, Flask-Login 0.6 and Flask-WTF 1.3,
//! written as TOML. An empty text stands for Python's `None`.

mod accounts;
mod factors;
mod flask;
mod messages;
mod nearest;
mod ours;
mod pages;
mod sign_in;

pub use nearest::nearest;

use crate::messages::Message;

/// The type of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A boolean.
    Flag,
    /// A whole number.
    Integer,
    /// A text.
    Text,
    /// A text that is never displayed.
    Secret,
    /// A duration: "15 minutes", or a number of seconds.
    Duration,
    /// A duration; a negative one switches something off.
    DurationOrOff,
    /// A list of texts.
    List,
    /// A list of texts that are never displayed.
    SecretList,
    /// An inline table.
    Table,
    /// An inline table that is never displayed.
    SecretTable,
    /// A list of attribute names, or of tables with one member each.
    Identities,
    /// More than one type is allowed.
    Any,
}

impl Kind {
    /// The expected value, as named in error messages.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Integer => "a whole number",
            Self::Text | Self::Secret => "a string in quotes",
            Self::Duration => "a duration such as \"15 minutes\", or a number of seconds",
            Self::DurationOrOff => "a duration such as \"1 day\"; a negative one switches it off",
            Self::List | Self::SecretList => "a list of strings such as [\"a\", \"b\"]",
            Self::Table | Self::SecretTable => "a table such as { name = \"value\" }",
            Self::Identities => {
                "a list such as [\"email\", \"username\"], or of tables such as { email = { mapper = \"uia_email_mapper\", case_insensitive = true } }"
            }
            Self::Any => "a value",
        }
    }

    /// Whether values of this type are masked wherever they are displayed.
    #[must_use]
    pub const fn is_secret(self) -> bool {
        matches!(self, Self::Secret | Self::SecretList | Self::SecretTable)
    }
}

/// Whether this version acts on a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// This version acts on it.
    Served,
    /// The feature that it belongs to is not served yet.
    NotYet,
    /// It concerns server-rendered pages or Python, which this server does not have.
    NoMeaning,
}

/// What a value of the right type has to be besides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// Nothing.
    None,
    /// One of these words, whatever their case; in a list, each item.
    Words(&'static [&'static str]),
    /// A number from the first to the second.
    Range(i64, i64),
    /// A text without control characters, as the subject of a mail.
    OneLine,
    /// A path of the app, or a URL.
    View,
    /// The path of an endpoint.
    Path,
    /// The octal mode of a file.
    FileMode,
}

/// A configuration name.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// The name.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// The default, as TOML.
    pub default: &'static str,
    /// Whether this version acts on it.
    pub status: Status,
    /// What a value of the right type has to be besides.
    pub(crate) limit: Limit,
}

impl Key {
    const fn limited(self, limit: Limit) -> Self {
        Self { limit, ..self }
    }

    const fn words(self, words: &'static [&'static str]) -> Self {
        self.limited(Limit::Words(words))
    }

    const fn within(self, least: i64, most: i64) -> Self {
        self.limited(Limit::Range(least, most))
    }

    const fn at_least(self, least: i64) -> Self {
        self.within(least, i64::MAX)
    }

    const fn one_line(self) -> Self {
        self.limited(Limit::OneLine)
    }

    const fn view(self) -> Self {
        self.limited(Limit::View)
    }

    const fn path(self) -> Self {
        self.limited(Limit::Path)
    }

    const fn file_mode(self) -> Self {
        self.limited(Limit::FileMode)
    }
}

const fn served(name: &'static str, kind: Kind, default: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        status: Status::Served,
        limit: Limit::None,
    }
}

const fn waiting(name: &'static str, kind: Kind, default: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        status: Status::NotYet,
        limit: Limit::None,
    }
}

const fn pages(name: &'static str, kind: Kind, default: &'static str) -> Key {
    Key {
        name,
        kind,
        default,
        status: Status::NoMeaning,
        limit: Limit::None,
    }
}

/// All keys, grouped by topic.
pub fn all() -> impl Iterator<Item = &'static Key> {
    [
        ours::KEYS,
        flask::KEYS,
        sign_in::KEYS,
        accounts::KEYS,
        factors::KEYS,
        pages::KEYS,
    ]
    .into_iter()
    .flatten()
}

/// The key with this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    all().find(|key| key.name == name)
}

/// Whether a name is `SECURITY_MSG_<CODE>` for a known code.
#[must_use]
pub fn is_message(name: &str) -> bool {
    name.strip_prefix("SECURITY_MSG_")
        .is_some_and(|code| messages::CODES.contains(&code) || Message::from_code(code).is_some())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_unique_and_defaults_are_of_their_type() {
        let mut seen = HashSet::new();
        for key in all() {
            assert!(seen.insert(key.name), "{} stands twice", key.name);
            let value = super::super::value::parse_default(key);
            assert!(super::super::value::fits(&value, key.kind), "{}", key.name);
        }
    }
}
