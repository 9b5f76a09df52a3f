//! Where values come from: defaults, secrets that were made and kept, a file, the
//! environment. Each later one wins.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use toml::Value;

use super::keys::{self, Key, Kind};
use super::masking::{is_file_path, without_credentials};
use super::value;
use crate::messages::Replacement;

/// Something about the configuration that cannot stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The name.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub fix: String,
}

impl Problem {
    /// A problem with this key, or with a file.
    #[must_use]
    pub fn new(key: &str, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            key: key.to_owned(),
            what: without_credentials(&what.into()),
            fix: fix.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", self.key, self.what, self.fix)
    }
}

/// Who set a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Nobody.
    Default,
    /// It was made at the first start and kept.
    Kept,
    /// The configuration file.
    File,
    /// The environment.
    Environment,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::Kept => "kept",
            Self::File => "file",
            Self::Environment => "environment",
        })
    }
}

/// Where to look.
pub struct Sources<'a> {
    /// The text of the configuration file.
    pub file: Option<&'a str>,
    /// The environment.
    pub environment: &'a [(String, String)],
    /// Secrets of this installation, as TOML, for what nobody set.
    pub kept: Option<&'a str>,
    /// Reads the files that `_FILE` names name.
    pub read_file: &'a dyn Fn(&str) -> std::io::Result<String>,
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

/// Every value that somebody set, and the default for the rest.
#[derive(Clone, Default)]
pub struct Loaded {
    values: BTreeMap<&'static str, (Value, Origin)>,
    /// The keys whose secrets were read from files, and those files.
    secret_files: BTreeMap<&'static str, String>,
    /// `SECURITY_MSG_*`, by code.
    pub(super) messages: BTreeMap<String, Replacement>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("names", &self.values.keys())
            .finish_non_exhaustive()
    }
}

impl Loaded {
    /// Reads every source.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn read(sources: &Sources<'_>) -> Result<Self, Vec<Problem>> {
        let (loaded, problems) = Self::read_all(sources);
        if problems.is_empty() {
            Ok(loaded)
        } else {
            Err(problems)
        }
    }

    /// The same for somebody who looks at both: what could be read, and what could not.
    #[must_use]
    pub fn read_all(sources: &Sources<'_>) -> (Self, Vec<Problem>) {
        let mut loaded = Self::default();
        let mut problems = Vec::new();
        if let Some(text) = sources.kept {
            loaded.read_toml(text, Origin::Kept, sources, &mut problems);
        }
        if let Some(text) = sources.file {
            loaded.read_toml(text, Origin::File, sources, &mut problems);
        }
        for (name, text) in sources.environment {
            loaded.read_variable(name, text, sources, &mut problems);
        }
        (loaded, problems)
    }

    /// Whether somebody set a value, and not to nothing.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.values
            .get(name)
            .is_some_and(|(value, _)| !value::is_none(value))
    }

    /// The files that secrets were read from, by the key that they belong to.
    pub fn secret_files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let files = self.secret_files.iter();
        files.map(|(key, path)| (*key, Path::new(path)))
    }

    /// Whether there is a secret in the configuration file itself.
    #[must_use]
    pub fn has_secret_in_file(&self) -> bool {
        self.values.iter().any(|(name, (_, origin))| {
            let is_secret = || keys::find(name).is_some_and(|key| key.kind.is_secret());
            *origin == Origin::File
                && !self.secret_files.contains_key(name)
                && self.is_set(name)
                && is_secret()
        })
    }

    /// The value of a key, and who set it.
    pub(super) fn get(&self, key: &Key) -> (Value, Origin) {
        self.values
            .get(key.name)
            .cloned()
            .unwrap_or_else(|| (value::parse_default(key), Origin::Default))
    }

    fn read_toml(
        &mut self,
        text: &str,
        origin: Origin,
        sources: &Sources<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let table: toml::Table = match toml::from_str(text) {
            Ok(table) => table,
            Err(error) => {
                let line = error.span().map_or(0, |span| line_of(text, span.start));
                problems.push(Problem::new(
                    "the configuration file",
                    format!("is not valid TOML: line {line}: {}", error.message()),
                    "correct that line",
                ));
                return;
            }
        };
        for key in table.keys().filter_map(|name| file_variant(name)) {
            if table.contains_key(key.name) {
                problems.push(set_twice(key));
            }
        }
        for (name, value) in table {
            if keys::is_message(&name) {
                self.read_message(&name, &value, problems);
            } else if let Some(key) = keys::find(&name) {
                self.set(key, value, origin, problems);
            } else if let Some(key) = file_variant(&name) {
                match value.as_str() {
                    Some(path) => self.read_secret_file(key, path, origin, sources, problems),
                    None => problems.push(Problem::new(
                        &name,
                        "is not a path",
                        "set it to the path of a file",
                    )),
                }
            } else if !is_provider(&name) {
                problems.push(unknown(&name));
            } else if !value.is_str() {
                problems.push(Problem::new(
                    &name,
                    "has a value of the wrong type",
                    format!("write {}", Kind::Text.description()),
                ));
            }
        }
    }

    fn read_variable(
        &mut self,
        name: &str,
        text: &str,
        sources: &Sources<'_>,
        problems: &mut Vec<Problem>,
    ) {
        if keys::is_message(name) {
            self.read_message(name, &Value::String(text.to_owned()), problems);
        } else if let Some(key) = keys::find(name) {
            if !is_claimed(name) && value::from_text(text, key.kind).is_none() {
                return;
            }
            match value::from_text(text, key.kind) {
                Some(value) => self.set(key, value, Origin::Environment, problems),
                None => problems.push(wrong_type(key)),
            }
        } else if let Some(key) = file_variant(name) {
            let both = sources
                .environment
                .iter()
                .any(|(other, _)| other == key.name);
            if both {
                problems.push(set_twice(key));
            }
            self.read_secret_file(key, text, Origin::Environment, sources, problems);
        } else if is_claimed(name) {
            problems.push(unknown(name));
        }
    }

    fn read_secret_file(
        &mut self,
        key: &'static Key,
        path: &str,
        origin: Origin,
        sources: &Sources<'_>,
        problems: &mut Vec<Problem>,
    ) {
        match (sources.read_file)(path) {
            Ok(text) => {
                if key.kind.is_secret() {
                    self.secret_files.insert(key.name, path.to_owned());
                }
                let text = text.trim_end_matches(['\r', '\n']);
                match value::from_text(text, key.kind) {
                    Some(value) => self.set(key, value, origin, problems),
                    None => problems.push(wrong_type(key)),
                }
            }
            Err(error) => problems.push(Problem::new(
                &format!("{}_FILE", key.name),
                if is_file_path(path) {
                    format!("{path} cannot be read: {error}")
                } else {
                    // It may be the secret itself.
                    format!("the file that it names cannot be read: {error}")
                },
                "set it to a file that this process can read",
            )),
        }
    }

    fn read_message(&mut self, name: &str, value: &Value, problems: &mut Vec<Problem>) {
        // The reference keeps the text and its category together.
        let (text, category) = match value {
            Value::String(text) => (Some(text.as_str()), None),
            Value::Array(items) => {
                let item = |at: usize| items.get(at).and_then(Value::as_str);
                (item(0), item(1))
            }
            _ => (None, None),
        };
        let code = name.strip_prefix("SECURITY_MSG_").unwrap_or(name);
        match text {
            Some(text) => {
                let replacement = Replacement {
                    text: text.to_owned(),
                    category: category.filter(|name| !name.is_empty()).map(str::to_owned),
                };
                self.messages.insert(code.to_owned(), replacement);
            }
            None => problems.push(Problem::new(name, "is not a string", "write it in quotes")),
        }
    }

    fn set(
        &mut self,
        key: &'static Key,
        value: Value,
        origin: Origin,
        problems: &mut Vec<Problem>,
    ) {
        if value::fits(&value, key.kind) {
            self.values.insert(key.name, (value, origin));
        } else {
            problems.push(wrong_type(key));
        }
    }
}

/// Whether a variable of the environment has to be a setting of ours, so that it may not be
/// passed over if it makes no sense. Other programs use `DEBUG` for things of their own.
#[must_use]
pub fn is_claimed(name: &str) -> bool {
    let known = keys::find(name).or_else(|| file_variant(name));
    known.is_some_and(|key| key.name != "DEBUG")
        || name.starts_with("SECURITY_")
        || name.starts_with("VESTIBULE_")
}

/// The line that a place is in, counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    1 + before.bytes().filter(|byte| *byte == b'\n').count()
}

fn file_variant(name: &str) -> Option<&'static Key> {
    keys::find(name.strip_suffix("_FILE")?)
        .filter(|key| key.kind.is_secret() || matches!(key.kind, Kind::Text))
}

/// `<PROVIDER>_CLIENT_ID` and `_CLIENT_SECRET` of a provider that the application names.
fn is_provider(name: &str) -> bool {
    !name.starts_with("SECURITY_")
        && ["_CLIENT_ID", "_CLIENT_SECRET"]
            .iter()
            .any(|end| name.len() > end.len() && name.ends_with(end))
}

fn set_twice(key: &Key) -> Problem {
    Problem::new(
        &format!("{}_FILE", key.name),
        format!("and {} are both set", key.name),
        "remove one of them",
    )
}

fn wrong_type(key: &Key) -> Problem {
    Problem::new(
        key.name,
        "has a value of the wrong type",
        format!("write {}", key.kind.description()),
    )
}

fn unknown(name: &str) -> Problem {
    let fix = match keys::nearest(name) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => "remove it, or see docs/configuration.md for all settings".to_owned(),
    };
    Problem::new(name, "is not a setting", fix)
}
