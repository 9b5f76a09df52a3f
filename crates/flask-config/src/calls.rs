//! The few calls that are known by name: environment variables, durations, conversions.

use crate::evaluate::{EXHAUSTED, Names};
use crate::expression::Item;
use crate::value::{SECOND, Value, real, rounded};

impl Names {
    /// A call of a function that the file does not define.
    pub(crate) fn call(&mut self, path: &str, arguments: &[Item]) -> Value {
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
        let not_run = || Value::unknown(format!("calls {path}(), and no code is run"));
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
                    Value::unknown(
                        why.unwrap_or_else(|| format!("cannot be converted by {path}()")),
                    )
                })
            }),
            // Functions that mark a string for translation.
            _ => match (last, values.len()) {
                ("_" | "gettext" | "lazy_gettext" | "_l" | "_fsdomain", 0) => self
                    .list(arguments)
                    .first_str()
                    .map_or_else(not_run, Value::Str),
                _ => not_run(),
            },
        }
    }

    fn environment(&mut self, path: &str, arguments: &[Item]) -> Value {
        let mut values = arguments.iter().map(|argument| self.value(&argument.value));
        match (values.next(), values.next()) {
            (Some(Value::Str(name)), default) => Value::variable(name, default),
            _ => Value::unknown(format!("calls {path}() with an unknown name")),
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
        let mut sum = Value::Duration(0);
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
                return Value::unknown(why.unwrap_or_else(|| "is not a duration".to_owned()));
            };
            sum = sum.combine("+", Value::Duration(length));
        }
        sum
    }

    /// `dict(A=1)`.
    pub(crate) fn dict(&mut self, arguments: &[Item]) -> Value {
        let mut table = Vec::with_capacity(arguments.len());
        for argument in arguments {
            let value = self.value(&argument.value);
            match (&argument.name, value) {
                (Some(name), value) => table.push((Value::Str(name.clone()), value)),
                (None, Value::Dict(more)) => table.extend(more),
                (None, value) => return value.cannot(),
            }
        }
        Value::Dict(table)
    }

    /// A method of a string or a duration.
    pub(crate) fn method(&mut self, value: Value, name: &str, arguments: &[Item]) -> Value {
        let arguments = self.list(arguments);
        // A chain of calls copies the value again and again.
        if !self.burn(value.size().0) {
            return Value::unknown(EXHAUSTED);
        }
        value.map(|value| {
            let known = match (&value, name, &arguments) {
                (Value::Str(text), _, Value::List(given)) => match (name, given.as_slice()) {
                    ("lower", []) => Some(Value::Str(text.to_lowercase())),
                    ("upper", []) => Some(Value::Str(text.to_uppercase())),
                    ("strip", []) => Some(Value::Str(text.trim().to_owned())),
                    ("encode", _) => Some(Value::Bytes(text.clone().into_bytes())),
                    ("split", [Value::Str(by)]) if !by.is_empty() => Some(self.split(text, by)),
                    _ => None,
                },
                (Value::Duration(length), "total_seconds", _) if length % SECOND == 0 => {
                    Some(Value::Int(length / SECOND))
                }
                (Value::Duration(length), "total_seconds", _) => {
                    Some(Value::Float(real(*length) / real(SECOND)))
                }
                _ => None,
            };
            known.unwrap_or_else(|| {
                let why = value.obstacle();
                Value::unknown(
                    why.unwrap_or_else(|| format!("calls .{name}(), and no code is run")),
                )
            })
        })
    }

    /// `text.split(by)`.
    fn split(&mut self, text: &str, by: &str) -> Value {
        let count = 1 + text.matches(by).count();
        if !self.burn(count * size_of::<Value>() + text.len()) {
            return Value::unknown(EXHAUSTED);
        }
        let parts = text.split(by).map(str::to_owned);
        Value::List(parts.map(Value::Str).collect())
    }
}

impl Value {
    fn first_str(self) -> Option<String> {
        match self {
            Self::List(items) => items.into_iter().next().and_then(|item| match item {
                Self::Str(text) => Some(text),
                _ => None,
            }),
            _ => None,
        }
    }
}

/// `str(...)` and the other types. `None` if Python refuses the value.
fn convert(to: &str, value: &Value) -> Option<Value> {
    Some(match (to, value) {
        ("bool", value) => Value::Bool(value.truth()?),
        ("str", Value::Str(text)) => Value::Str(text.clone()),
        ("str", Value::Int(number)) => Value::Str(number.to_string()),
        ("str", Value::Bool(flag)) => Value::Str(if *flag { "True" } else { "False" }.to_owned()),
        ("int", Value::Int(number)) => Value::Int(*number),
        ("int", Value::Bool(flag)) => Value::Int(i64::from(*flag)),
        ("int", Value::Float(number)) => Value::Int(rounded(number.trunc())?),
        ("int", Value::Str(text)) => Value::Int(text.trim().parse().ok()?),
        ("float", Value::Int(number)) => Value::Float(real(*number)),
        ("float", Value::Float(number)) => Value::Float(*number),
        ("float", Value::Str(text)) => {
            let number: f64 = text.trim().parse().ok()?;
            Value::Float(Some(number).filter(|number| number.is_finite())?)
        }
        _ => return None,
    })
}
