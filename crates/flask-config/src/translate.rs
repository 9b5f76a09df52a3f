//! Converts one assignment to a setting of the target.

use toml::Value as Toml;

use crate::assignment::Assignment;
use crate::target::{Kind, Setting, Support, Target};
use crate::toml_text;
use crate::value::{SECOND, Value, real, rounded};

/// The result of converting an assignment.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// The target gets this value.
    Set(Toml),
    /// The target reads the value from the environment.
    Environment,
    /// It cannot be converted, for this reason: it becomes a comment.
    Aside(String),
    /// It belongs to other software.
    Foreign,
}

/// An assignment and its result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) found: Assignment,
    /// The setting of the target, if it has one with this name.
    pub(crate) setting: Option<Setting>,
    pub(crate) outcome: Outcome,
    /// For a comment on the line of the setting.
    pub(crate) notes: Vec<String>,
    /// For the operator, on standard error.
    pub(crate) remarks: Vec<String>,
}

impl Entry {
    pub(crate) fn aside(setting: Option<Setting>, found: Assignment, why: String) -> Self {
        Self {
            remarks: vec![format!("{}: {why}", found.name)],
            notes: Vec::new(),
            outcome: Outcome::Aside(why),
            setting,
            found,
        }
    }

    fn new(setting: Option<Setting>, found: Assignment, outcome: Outcome) -> Self {
        Self {
            found,
            setting,
            outcome,
            notes: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// Turns a setting into a comment after all.
    pub(crate) fn withdraw(&mut self, why: String) {
        self.remarks.push(format!("{}: {why}", self.found.name));
        self.outcome = Outcome::Aside(why);
    }

    /// Whether it is a setting in force that the target supports to this degree.
    pub(crate) fn has_support(&self, support: Support) -> bool {
        matches!(self.outcome, Outcome::Set(_))
            && self.setting.is_some_and(|known| known.support == support)
    }

    /// Whether the value is secret. For unknown names, the name decides.
    pub(crate) fn is_secret(&self) -> bool {
        self.setting.map_or_else(
            || {
                ["SECRET", "PASSWORD", "SALT", "TOKEN", "KEY"]
                    .iter()
                    .any(|word| self.found.name.contains(word))
            },
            |setting| setting.is_secret,
        )
    }
}

/// Converts one assignment.
pub(crate) fn translate(found: Assignment, target: &dyn Target) -> Entry {
    let Some(setting) = target.setting(&found.name) else {
        let is_meant = ["SECURITY_", "VESTIBULE_"]
            .iter()
            .any(|prefix| found.name.starts_with(prefix));
        return if is_meant {
            Entry::aside(None, found, "is not a setting".to_owned())
        } else {
            Entry::new(None, found, Outcome::Foreign)
        };
    };
    if let Value::Environment { name, default } = &found.value {
        let (variable, default) = (name.clone(), default.clone());
        return from_environment(found, setting, &variable, default, target);
    }
    match converted(&found.name, setting.kind, &found.value, target) {
        Ok(value) => {
            let mut entry = Entry::new(Some(setting), found, Outcome::Set(value));
            note_relative_database(&mut entry);
            entry
        }
        Err(why) => {
            let instead = in_code(&found.name).map_or_else(String::new, |hook| format!("; {hook}"));
            Entry::aside(Some(setting), found, format!("{why}{instead}"))
        }
    }
}

/// A note on what replaces a function of the application.
fn in_code(name: &str) -> Option<&'static str> {
    (name == "SECURITY_TOKEN_EXPIRE_TIMESTAMP")
        .then_some("in an application of your own, use Builder::token_end")
}

/// The value as TOML, in the type that the setting has, if the target accepts it.
fn converted(name: &str, kind: Kind, value: &Value, target: &dyn Target) -> Result<Toml, String> {
    let value = match kind {
        Kind::Identities => plain(&mappers_by_name(value))?,
        _ => sender(name, fitted(kind, plain(value)?)),
    };
    let line = format!("{name} = {}\n", toml_text::value(&value));
    target.check(&line)?;
    Ok(value)
}

/// The value as TOML, if it is known and TOML has a form for it.
fn plain(value: &Value) -> Result<Toml, String> {
    Ok(match value {
        Value::None => Toml::String(String::new()),
        Value::Bool(flag) => Toml::Boolean(*flag),
        Value::Int(number) => Toml::Integer(*number),
        Value::Float(number) => Toml::Float(*number),
        Value::Str(text) => Toml::String(text.clone()),
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Toml::String(text.to_owned()),
            Err(_) => return Err("is bytes that are not UTF-8".to_owned()),
        },
        Value::Duration(length) => time(*length),
        Value::List(items) => Toml::Array(items.iter().map(plain).collect::<Result<_, _>>()?),
        Value::Dict(members) => {
            let mut table = toml::Table::new();
            for (key, value) in members {
                let key = match key {
                    Value::Str(key) => key.clone(),
                    Value::Int(number) => number.to_string(),
                    other => {
                        let why = other.obstacle();
                        return Err(
                            why.unwrap_or_else(|| "has a key that is not a string".to_owned())
                        );
                    }
                };
                table.insert(key, plain(value)?);
            }
            Toml::Table(table)
        }
        Value::Environment { .. } | Value::Path(_) | Value::Unknown(_) => {
            let why = value.obstacle();
            return Err(why.unwrap_or_else(|| "is unknown".to_owned()));
        }
    })
}

/// Flask-Security's mappers are functions; vestibule knows each of them by its name.
fn mappers_by_name(value: &Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.iter().map(mappers_by_name).collect()),
        Value::Dict(members) => {
            let named = members.iter().map(|(key, value)| {
                let value = match (key, value) {
                    (Value::Str(key), Value::Path(path)) if key == "mapper" => {
                        let name = path.rsplit('.').next().unwrap_or(path);
                        Value::Str(name.to_owned())
                    }
                    (_, value) => mappers_by_name(value),
                };
                (key.clone(), value)
            });
            Value::Dict(named.collect())
        }
        value => value.clone(),
    }
}

/// Converts a value to the type of the setting if Python treats both as the same.
fn fitted(kind: Kind, value: Toml) -> Toml {
    match (kind, &value) {
        (Kind::Flag, Toml::Integer(number @ (0 | 1))) => Toml::Boolean(*number == 1),
        (Kind::Integer, Toml::Float(number)) if number.fract() == 0.0 => {
            rounded(*number).map_or(value, Toml::Integer)
        }
        _ => value,
    }
}

/// The sender of mails: Flask-Mail's pair of a name and an address, or one string. White space
/// around either is removed.
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

/// A duration in the largest unit of which it is a whole number.
fn time(length: i64) -> Toml {
    const UNITS: [(i64, &str); 4] = [
        (86_400, "days"),
        (3600, "hours"),
        (60, "minutes"),
        (1, "seconds"),
    ];
    if length % SECOND != 0 {
        return Toml::Float(real(length) / real(SECOND));
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

/// A setting that Flask's configuration reads from an environment variable. The target reads each
/// setting from the variable with the setting's own name.
fn from_environment(
    found: Assignment,
    setting: Setting,
    variable: &str,
    default: Option<Box<Value>>,
    target: &dyn Target,
) -> Entry {
    let name = found.name.clone();
    let same = variable == name;
    let mut default = default.map(|value| *value);
    while let Some(Value::Environment { default: inner, .. }) = default {
        default = inner.map(|value| *value);
    }
    let mut entry = Entry::new(Some(setting), found, Outcome::Environment);
    if same {
        entry
            .notes
            .push("read from the environment, as before".to_owned());
    } else {
        entry
            .notes
            .push(format!("was read from the environment variable {variable}"));
        entry.remarks.push(format!(
            "{name} was read from the environment variable {variable}: vestibule reads it from {name}"
        ));
    }
    let Some(default) = default else {
        return entry;
    };
    match converted(&name, setting.kind, &default, target) {
        Ok(Toml::String(text)) if setting.is_secret && !is_open_address(&name, &text) => {
            entry.remarks.push(format!(
                "{name} has a secret as its default in the file: the default is not imported"
            ));
        }
        Ok(value) if !setting.is_secret || value.is_str() => {
            entry.outcome = Outcome::Set(value);
            if same {
                entry.notes = vec!["unless the environment overrides it, as before".to_owned()];
            }
            note_relative_database(&mut entry);
        }
        Ok(_) => entry.remarks.push(format!(
            "{name} has secrets as its default in the file: the default is not imported"
        )),
        Err(why) => entry.remarks.push(format!("the default of {name} {why}")),
    }
    entry
}

/// Whether this is the address of a database, without a password.
fn is_open_address(name: &str, text: &str) -> bool {
    let has_credentials = text.contains('@') || text.to_ascii_lowercase().contains("passw");
    name == "SQLALCHEMY_DATABASE_URI" && !has_credentials
}

/// Flask-SQLAlchemy resolves a relative path in another folder than vestibule.
fn note_relative_database(entry: &mut Entry) {
    let Outcome::Set(Toml::String(uri)) = &entry.outcome else {
        return;
    };
    let is_relative = uri
        .strip_prefix("sqlite:///")
        .is_some_and(|path| !path.starts_with('/') && !path.is_empty());
    if entry.found.name == "SQLALCHEMY_DATABASE_URI" && is_relative {
        entry
            .notes
            .push("relative to the working directory".to_owned());
        entry.remarks.push(
            "SQLALCHEMY_DATABASE_URI is a relative path: Flask-SQLAlchemy resolves it in the \
             instance folder, vestibule in the working directory"
                .to_owned(),
        );
    }
}
