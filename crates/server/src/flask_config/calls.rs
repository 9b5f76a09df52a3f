//! The few calls that are known by name: the environment, lengths of time, conversions.

use super::evaluate::Names;
use super::expression::Item;
use super::value::{SECOND, Value, real, rounded};

impl Names {
    /// A call of something that is not in the file.
    pub(super) fn call(&mut self, path: &str, arguments: &[Item]) -> Value {
        let last = path.rsplit('.').next().unwrap_or(path);
        let from_environment = path.ends_with("environ.get")
            || last == "getenv"
            || path.ends_with("environ.setdefault");
        if from_environment {
            return self.environment(path, arguments);
        }
        if last == "timedelta" {
            return self.timedelta(arguments);
        }
        if path == "dict" {
            return self.dict(arguments);
        }
        let values: Vec<Value> = arguments
            .iter()
            .map(|argument| self.value(&argument.value))
            .collect();
        let plain = arguments
            .iter()
            .all(|one| one.name.is_none() && !one.spread);
        let not_run = || Value::unknown(format!("calls {path}(), and nothing is run"));
        let mut values = values.into_iter();
        match (path, values.next(), values.len()) {
            _ if !plain => not_run(),
            ("list" | "tuple" | "set" | "frozenset", None, _) => Value::List(Vec::new()),
            ("list" | "tuple" | "set" | "frozenset", Some(list @ Value::List(_)), 0) => list,
            ("str" | "int" | "float" | "bool", Some(value), 0) => value.map(|value| {
                if matches!(value, Value::Unknown(_)) {
                    return value;
                }
                convert(path, &value).unwrap_or_else(|| {
                    let why = value.obstacle();
                    Value::unknown(why.unwrap_or_else(|| format!("is not worked out ({path}())")))
                })
            }),
            // Marks for translators.
            _ => match (last, values.len()) {
                ("_" | "gettext" | "lazy_gettext" | "_l" | "_fsdomain", 0) => self
                    .list(arguments)
                    .first_text()
                    .map_or_else(not_run, Value::Text),
                _ => not_run(),
            },
        }
    }

    fn environment(&mut self, path: &str, arguments: &[Item]) -> Value {
        let mut values = arguments.iter().map(|argument| self.value(&argument.value));
        match (values.next(), values.next()) {
            (Some(Value::Text(name)), default) => Value::Environment {
                name,
                default: default.filter(|value| *value != Value::None).map(Box::new),
            },
            _ => Value::unknown(format!("calls {path}() with a name that is not known")),
        }
    }

    fn timedelta(&mut self, arguments: &[Item]) -> Value {
        const UNITS: [(&str, i64); 7] = [
            ("days", 86_400 * SECOND),
            ("seconds", SECOND),
            ("microseconds", 1),
            ("milliseconds", SECOND / 1000),
            ("minutes", 60 * SECOND),
            ("hours", 3600 * SECOND),
            ("weeks", 7 * 86_400 * SECOND),
        ];
        let mut sum = Value::Time(0);
        for (at, argument) in arguments.iter().enumerate() {
            let unit = match &argument.name {
                Some(name) => UNITS.iter().find(|(unit, _)| unit == name),
                None => UNITS.get(at),
            };
            let value = self.value(&argument.value);
            let length = match (unit, &value) {
                (Some((_, unit)), Value::Int(number)) => number.checked_mul(*unit),
                (Some((_, unit)), Value::Float(number)) => rounded(number * real(*unit)),
                _ => None,
            };
            let Some(length) = length else {
                let why = value.obstacle();
                return Value::unknown(why.unwrap_or_else(|| "is no length of time".to_owned()));
            };
            sum = sum.combine("+", Value::Time(length));
        }
        sum
    }

    /// `dict(A=1)`, and what `update` and `from_mapping` are given.
    pub(super) fn dict(&mut self, arguments: &[Item]) -> Value {
        let mut table = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let value = self.value(&argument.value);
            match (&argument.name, value) {
                (Some(name), value) => table.push((Value::Text(name.clone()), value)),
                (None, Value::Table(more)) => table.extend(more),
                (None, value) => return value.cannot(),
            }
        }
        Value::Table(table)
    }

    /// A method of a text or a length of time.
    pub(super) fn method(&mut self, value: Value, name: &str, arguments: &[Item]) -> Value {
        let arguments = self.list(arguments);
        value.map(|value| {
            let known = match (&value, name, &arguments) {
                (Value::Text(text), _, Value::List(given)) => match (name, given.as_slice()) {
                    ("lower", []) => Some(Value::Text(text.to_lowercase())),
                    ("upper", []) => Some(Value::Text(text.to_uppercase())),
                    ("strip", []) => Some(Value::Text(text.trim().to_owned())),
                    ("encode", _) => Some(Value::Bytes(text.clone().into_bytes())),
                    ("split", [Value::Text(by)]) if !by.is_empty() => {
                        let parts = text.split(by.as_str()).map(str::to_owned);
                        Some(Value::List(parts.map(Value::Text).collect()))
                    }
                    _ => None,
                },
                (Value::Time(length), "total_seconds", _) if length % SECOND == 0 => {
                    Some(Value::Int(length / SECOND))
                }
                (Value::Time(length), "total_seconds", _) => {
                    Some(Value::Float(real(*length) / real(SECOND)))
                }
                _ => None,
            };
            known.unwrap_or_else(|| {
                let why = value.obstacle();
                Value::unknown(
                    why.unwrap_or_else(|| format!("calls .{name}(), and nothing is run")),
                )
            })
        })
    }
}

impl Value {
    fn first_text(self) -> Option<String> {
        match self {
            Self::List(items) => items.into_iter().next().and_then(|item| match item {
                Self::Text(text) => Some(text),
                _ => None,
            }),
            _ => None,
        }
    }
}

/// `str(...)` and its like. An empty result is for what Python refuses.
fn convert(to: &str, value: &Value) -> Option<Value> {
    Some(match (to, value) {
        ("bool", value) => Value::Flag(value.truth()?),
        ("str", Value::Text(text)) => Value::Text(text.clone()),
        ("str", Value::Int(number)) => Value::Text(number.to_string()),
        ("str", Value::Flag(flag)) => Value::Text(if *flag { "True" } else { "False" }.to_owned()),
        ("int", Value::Int(number)) => Value::Int(*number),
        ("int", Value::Flag(flag)) => Value::Int(i64::from(*flag)),
        ("int", Value::Float(number)) => Value::Int(rounded(number.trunc())?),
        ("int", Value::Text(text)) => Value::Int(text.trim().parse().ok()?),
        ("float", Value::Int(number)) => Value::Float(real(*number)),
        ("float", Value::Float(number)) => Value::Float(*number),
        ("float", Value::Text(text)) => {
            let number: f64 = text.trim().parse().ok()?;
            Value::Float(Some(number).filter(|number| number.is_finite())?)
        }
        _ => return None,
    })
}
