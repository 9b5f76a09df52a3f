//! The sources of values: defaults, generated secrets that were kept, a file, the environment. Each
//! later source overrides the earlier ones.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use toml::Value;

use super::keys::{self, Key, Kind};
use super::masking::{is_file_path, without_credentials};
use super::value;
use crate::messages::Replacement;

/// An error in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The name of the setting.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// How to fix it.
    pub fix: String,
}

impl Problem {
    /// An error about a setting or a file. Credentials in `what` are masked.
    #[must_use]
    #[doc(hidden)]
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

/// The source of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Not set: the default.
    Default,
    /// Generated at the first start and kept.
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

/// The sources to read.
pub struct Sources<'a> {
    /// The text of the configuration file.
    pub file: Option<&'a str>,
    /// The environment.
    pub environment: &'a [(String, String)],
    /// The kept secrets of this installation, as TOML, for secrets that are not set elsewhere.
    pub kept: Option<&'a str>,
    /// Reads a file that a `_FILE` variable names.
    pub read_file: &'a dyn Fn(&str) -> std::io::Result<String>,
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}

/// All values that are set; the rest have their defaults.
#[derive(Clone, Default)]
pub struct Loaded {
    values: BTreeMap<&'static str, (Value, Origin)>,
    /// The keys whose secrets were read from files, and the paths of those files.
    secret_files: BTreeMap<&'static str, String>,
    /// `<PROVIDER>_CLIENT_ID` and `_CLIENT_SECRET` of providers that are not built in, by name.
    provider_credentials: BTreeMap<String, (String, Origin)>,
    /// The texts of `SECURITY_MSG_*`, by code.
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
    /// Reads all sources.
    ///
    /// # Errors
    /// All errors, at once.
    pub fn read(sources: &Sources<'_>) -> Result<Self, Vec<Problem>> {
        let (loaded, problems) = Self::read_all(sources);
        if problems.is_empty() {
            Ok(loaded)
        } else {
            Err(problems)
        }
    }

    /// Reads all sources, and returns both the valid values and all errors.
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

    /// Whether a value is set and not empty.
    #[must_use]
    pub fn is_set(&self, name: &str) -> bool {
        self.values
            .get(name)
            .is_some_and(|(value, _)| !value::is_none(value))
    }

    /// The paths of the files that secrets were read from, by key.
    pub fn secret_files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let files = self.secret_files.iter();
        files.map(|(key, path)| (*key, Path::new(path)))
    }

    /// Whether the configuration file itself contains a secret.
    #[must_use]
    pub fn has_secret_in_file(&self) -> bool {
        let of_providers = &self.provider_credentials;
        let is_client_secret = |(name, (_, origin)): (&String, &(String, Origin))| {
            *origin == Origin::File && name.ends_with("_CLIENT_SECRET")
        };
        of_providers.iter().any(is_client_secret)
            || self.values.iter().any(|(name, (_, origin))| {
                let is_secret = || keys::find(name).is_some_and(|key| key.kind.is_secret());
                *origin == Origin::File
                    && !self.secret_files.contains_key(name)
                    && self.is_set(name)
                    && is_secret()
            })
    }

    /// The value of `<PROVIDER>_CLIENT_ID` or `_CLIENT_SECRET` of a provider that is not built in.
    pub(super) fn provider_credential(&self, name: &str) -> Option<&str> {
        let credential = self.provider_credentials.get(name)?;
        Some(&credential.0)
    }

    /// The value of a key, and its source.
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
            } else if let Some(text) = value.as_str() {
                self.provider_credentials
                    .insert(name, (text.to_owned(), origin));
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
        } else if is_provider(name) {
            self.provider_credentials
                .insert(name.to_owned(), (text.to_owned(), Origin::Environment));
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
                    // The path may be the secret itself.
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

/// Whether an environment variable must be a valid setting, so that an unknown name or a wrong
/// value is an error. Other programs use `DEBUG` for their own purposes.
#[must_use]
pub fn is_claimed(name: &str) -> bool {
    let known = keys::find(name).or_else(|| file_variant(name));
    known.is_some_and(|key| key.name != "DEBUG")
        || name.starts_with("SECURITY_")
        || name.starts_with("VESTIBULE_")
}

/// The line of a byte offset, counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    let before = text.get(..at).unwrap_or(text);
    1 + before.bytes().filter(|byte| *byte == b'\n').count()
}

fn file_variant(name: &str) -> Option<&'static Key> {
    keys::find(name.strip_suffix("_FILE")?)
        .filter(|key| key.kind.is_secret() || matches!(key.kind, Kind::Text))
}

/// `<PROVIDER>_CLIENT_ID` and `_CLIENT_SECRET` of a provider that the application defines.
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
