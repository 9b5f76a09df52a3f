//! One setting of Flask's to one of ours.

use toml::Value as Toml;
use vestibule::program::keys::{self, Key, Kind};
use vestibule::program::{Loaded, Sources};
use vestibule_store::sql::Database;

use super::found::Found;
use super::toml_text;
use super::value::{SECOND, Value};

/// What becomes of a setting.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// It holds here, too.
    Set(Toml),
    /// It comes from the environment.
    Environment,
    /// It cannot be taken over.
    Aside(String),
    /// It belongs to somebody else.
    Foreign,
}

/// A setting, and what becomes of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) found: Found,
    pub(super) outcome: Outcome,
    /// What stands beside it in the file.
    pub(super) notes: Vec<String>,
    /// What whoever imports it has to know.
    pub(super) remarks: Vec<String>,
}

impl Entry {
    pub(super) fn aside(found: Found, why: String) -> Self {
        Self {
            remarks: vec![format!("{}: {why}", found.name)],
            notes: Vec::new(),
            outcome: Outcome::Aside(why),
            found,
        }
    }

    fn new(found: Found, outcome: Outcome) -> Self {
        Self {
            found,
            outcome,
            notes: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Takes it back after all.
    pub(super) fn withdraw(&mut self, why: String) {
        self.remarks.push(format!("{}: {why}", self.found.name));
        self.outcome = Outcome::Aside(why);
    }
}

/// What is secret, so that it is only ever written where it holds.
pub(super) fn is_secret(name: &str) -> bool {
    match keys::find(name) {
        Some(key) => key.kind.is_secret(),
        None => ["SECRET", "PASSWORD", "SALT", "TOKEN", "KEY"]
            .iter()
            .any(|word| name.contains(word)),
    }
}

/// Whether a name may stand in our configuration.
pub(super) fn is_known(name: &str) -> bool {
    keys::find(name).is_some() || keys::is_message(name) || is_provider(name)
}

fn is_provider(name: &str) -> bool {
    !name.starts_with("SECURITY_")
        && (name.ends_with("_CLIENT_ID") || name.ends_with("_CLIENT_SECRET"))
}

/// Translates one.
pub(super) fn translate(found: Found) -> Entry {
    let name = found.name.clone();
    let kind = match keys::find(&name) {
        Some(key) => key.kind,
        None if keys::is_message(&name) => Kind::Any,
        None if is_provider(&name) => Kind::Text,
        None if name.starts_with("SECURITY_") || name.starts_with("VESTIBULE_") => {
            return Entry::aside(found, "is not a setting".to_owned());
        }
        None => return Entry::new(found, Outcome::Foreign),
    };
    if let Value::Environment {
        name: variable,
        default,
    } = &found.value
    {
        let (variable, default) = (variable.clone(), default.clone());
        return from_environment(found, kind, &variable, default);
    }
    match taken(&name, kind, &found.value) {
        Ok(value) => {
            let mut entry = Entry::new(found, Outcome::Set(value));
            about_the_file(&mut entry);
            entry
        }
        Err(why) => {
            let instead = in_code(&name).map_or_else(String::new, |hook| format!("; {hook}"));
            Entry::aside(found, format!("{why}{instead}"))
        }
    }
}

/// What takes the place of a function of the application's.
fn in_code(name: &str) -> Option<&'static str> {
    (name == "SECURITY_TOKEN_EXPIRE_TIMESTAMP")
        .then_some("in an application of your own it is Builder::token_end")
}

/// A value for a name, of the right type.
fn taken(name: &str, kind: Kind, value: &Value) -> Result<Toml, String> {
    let value = match kind {
        Kind::Identities => plain(&mappers_by_name(value))?,
        _ => sender(name, fitted(kind, plain(value)?)),
    };
    let line = format!("{name} = {}\n", toml_text::value(&value));
    let problems = Loaded::read(&Sources {
        file: Some(&line),
        environment: &[],
        kept: None,
        read_file: &|_| Err(std::io::ErrorKind::NotFound.into()),
    })
    .err();
    if let Some(problem) = problems.and_then(|problems| problems.into_iter().next()) {
        return Err(format!("{}; {}", problem.what, problem.fix));
    }
    if name == "SQLALCHEMY_DATABASE_URI"
        && let Some(uri) = value.as_str().filter(|uri| !uri.is_empty())
    {
        Database::at(uri)
            .map_err(|error| format!("is an address of a database that is not served: {error}"))?;
    }
    Ok(value)
}

/// As TOML, where there is a form for it.
fn plain(value: &Value) -> Result<Toml, String> {
    Ok(match value {
        Value::None => Toml::String(String::new()),
        Value::Flag(flag) => Toml::Boolean(*flag),
        Value::Int(number) => Toml::Integer(*number),
        Value::Float(number) => Toml::Float(*number),
        Value::Text(text) => Toml::String(text.clone()),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Toml::String(text.to_owned()),
            Err(_) => return Err("is bytes that are no text, and ours are texts".to_owned()),
        },
        Value::Time(length) => time(*length),
        Value::List(items) => Toml::Array(items.iter().map(plain).collect::<Result<_, _>>()?),
        Value::Table(members) => {
            let mut table = toml::Table::new();
            for (key, value) in members {
                let key = match key {
                    Value::Text(key) => key.clone(),
                    Value::Int(number) => number.to_string(),
                    other => {
                        let why = other.obstacle();
                        return Err(why.unwrap_or_else(|| "has a key that is no text".to_owned()));
                    }
                };
                table.insert(key, plain(value)?);
            }
            Toml::Table(table)
        }
        Value::Environment { .. } | Value::Path(_) | Value::Unknown(_) => {
            let why = value.obstacle();
            return Err(why.unwrap_or_else(|| "is not known".to_owned()));
        }
    })
}

/// The reference's mappers are functions; here each attribute has its own, by name.
fn mappers_by_name(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.iter().map(mappers_by_name).collect()),
        Value::Table(members) => {
            let named = members.iter().map(|(key, value)| {
                let value = match (key, value) {
                    (Value::Text(key), Value::Path(path)) if key == "mapper" => {
                        let name = path.rsplit('.').next().unwrap_or(path);
                        Value::Text(name.to_owned())
                    }
                    (_, value) => mappers_by_name(value),
                };
                (key.clone(), value)
            });
            Value::Table(named.collect())
        }
        value => value.clone(),
    }
}

/// What Python takes for the same.
fn fitted(kind: Kind, value: Toml) -> Toml {
    match (kind, &value) {
        (Kind::Flag, Toml::Integer(number @ (0 | 1))) => Toml::Boolean(*number == 1),
        (Kind::Integer, Toml::Float(number)) if number.fract() == 0.0 => {
            super::value::rounded(*number).map_or(value, Toml::Integer)
        }
        _ => value,
    }
}

/// A sender: Flask-Mail's pair of a name and an address, or one text. White space around either is
/// no part of it.
fn sender(name: &str, value: Toml) -> Toml {
    if !matches!(name, "SECURITY_EMAIL_SENDER" | "MAIL_DEFAULT_SENDER") {
        return value;
    }
    let tidy = |who: &str, address: &str| format!("{} <{}>", who.trim(), address.trim());
    match &value {
        Toml::Array(pair) => match pair.as_slice() {
            [Toml::String(who), Toml::String(address)] if name == "SECURITY_EMAIL_SENDER" => {
                Toml::String(tidy(who, address))
            }
            _ => value,
        },
        Toml::String(text) => {
            let text = text.trim();
            let parts = text
                .strip_suffix('>')
                .and_then(|text| text.rsplit_once('<'));
            Toml::String(match parts {
                Some((who, address)) if !who.trim().is_empty() => tidy(who, address),
                Some((_, address)) => address.trim().to_owned(),
                None => text.to_owned(),
            })
        }
        _ => value,
    }
}

/// A length of time in the largest unit that it is whole in.
fn time(length: i64) -> Toml {
    const UNITS: [(i64, &str); 4] = [
        (86_400, "days"),
        (3600, "hours"),
        (60, "minutes"),
        (1, "seconds"),
    ];
    if length % SECOND != 0 {
        return Toml::Float(super::value::real(length) / super::value::real(SECOND));
    }
    let seconds = length / SECOND;
    let whole = |(unit, _): &&(i64, &str)| seconds != 0 && seconds % unit == 0;
    match UNITS.iter().find(whole) {
        Some((unit, name)) => {
            let number = seconds / unit;
            let name = if number == 1 {
                name.trim_end_matches('s')
            } else {
                name
            };
            Toml::String(format!("{number} {name}"))
        }
        None => Toml::Integer(seconds),
    }
}

/// A setting that a variable of the environment decides. Ours are read from the environment
/// under their own names.
fn from_environment(
    found: Found,
    kind: Kind,
    variable: &str,
    default: Option<Box<Value>>,
) -> Entry {
    let name = found.name.clone();
    let same = variable == name;
    let mut default = default.map(|value| *value);
    while let Some(Value::Environment { default: inner, .. }) = default {
        default = inner.map(|value| *value);
    }
    let mut entry = Entry::new(found, Outcome::Environment);
    if same {
        entry
            .notes
            .push("from the environment, as before".to_owned());
    } else {
        let variable: String = variable.chars().take(100).collect();
        entry
            .notes
            .push(format!("was from the environment as {variable}"));
        entry.remarks.push(format!(
            "{name} comes from the environment variable {variable}: here it is read from {name}"
        ));
    }
    let Some(default) = default else {
        return entry;
    };
    match taken(&name, kind, &default) {
        Ok(Toml::String(text)) if kind.is_secret() && !is_open_address(&name, &text) => {
            entry.remarks.push(format!(
                "{name} has a secret in the file for when the environment has none: it is not taken over"
            ));
        }
        Ok(value) if !kind.is_secret() || value.is_str() => {
            entry.outcome = Outcome::Set(value);
            if same {
                entry.notes = vec!["unless the environment says otherwise, as before".to_owned()];
            }
            about_the_file(&mut entry);
        }
        Ok(_) => entry.remarks.push(format!(
            "{name} has secrets in the file for when the environment has none: they are not taken over"
        )),
        Err(why) => entry.remarks.push(format!(
            "{name}, when the environment does not say it, {why}"
        )),
    }
    entry
}

/// An address of a database without a password.
fn is_open_address(name: &str, text: &str) -> bool {
    let has_credentials = text.contains('@') || text.to_ascii_lowercase().contains("passw");
    name == "SQLALCHEMY_DATABASE_URI" && !has_credentials
}

/// Flask-SQLAlchemy looks for a file elsewhere.
fn about_the_file(entry: &mut Entry) {
    let Outcome::Set(Toml::String(uri)) = &entry.outcome else {
        return;
    };
    let is_relative = uri
        .strip_prefix("sqlite:///")
        .is_some_and(|path| !path.starts_with('/') && !path.is_empty());
    if entry.found.name == "SQLALCHEMY_DATABASE_URI" && is_relative {
        entry.notes.push("from the working directory".to_owned());
        entry.remarks.push(
            "SQLALCHEMY_DATABASE_URI names a file: Flask-SQLAlchemy looks for it in the instance \
             folder, vestibule in the working directory"
                .to_owned(),
        );
    }
}

/// The key of an entry.
pub(super) fn key(entry: &Entry) -> Option<&'static Key> {
    keys::find(&entry.found.name)
}
