//! Expressions to values. Nothing is run: names stand for what the file gave them before, a few
//! calls are known by name, and everything else is unknown.

use std::collections::HashMap;

use super::expression::{Expression, Item, Shape, Step};
use super::literal::{Number, Text};
use super::value::{SECOND, Value, real, rounded};

/// How large a value may be, and how deep.
const LARGEST: usize = 64 * 1024;
const DEEPEST: usize = 40;

/// What names stand for.
#[derive(Debug)]
pub(super) struct Names {
    /// The file, then each class or function that is open.
    scopes: Vec<HashMap<String, Value>>,
    /// What belongs to classes, as `Class.NAME`.
    members: HashMap<String, Value>,
    /// How much may still be copied: names that are made of names grow without end.
    fuel: usize,
}

impl Names {
    /// For a file of so many bytes.
    pub(super) fn new(length: usize) -> Self {
        Self {
            scopes: vec![HashMap::new()],
            members: HashMap::new(),
            fuel: 1024 * 1024 + 4 * length,
        }
    }

    pub(super) fn enter(&mut self) {
        self.scopes.push(HashMap::new());
    }

    /// Leaves a function, or a class, whose names become its members.
    pub(super) fn leave(&mut self, class: Option<&str>) {
        if self.scopes.len() < 2 {
            return;
        }
        let scope = self.scopes.pop().unwrap_or_default();
        if let Some(class) = class {
            for (name, value) in scope {
                self.members.insert(format!("{class}.{name}"), value);
            }
        }
    }

    pub(super) fn set(&mut self, name: &str, value: Value) {
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), value);
        }
    }

    fn get(&mut self, name: &str) -> Option<Value> {
        let scopes = self.scopes.iter().rev();
        let value = scopes
            .filter_map(|scope| scope.get(name))
            .next()
            .or_else(|| self.members.get(name))?;
        let (size, depth) = value.size();
        if size > LARGEST || size > self.fuel || depth > DEEPEST {
            return Some(Value::unknown(format!("is too much ({name} is large)")));
        }
        self.fuel -= size;
        Some(value.clone())
    }

    /// What an expression comes to.
    pub(super) fn value(&mut self, expression: &Expression) -> Value {
        match &expression.shape {
            Shape::Text(Text::Str(text)) => Value::Text(text.clone()),
            Shape::Text(Text::Bytes(bytes)) => Value::Bytes(bytes.clone()),
            Shape::Number(Number::Int(number)) => Value::Int(*number),
            Shape::Number(Number::Float(number)) => Value::Float(*number),
            Shape::Name(name) => self.name(name),
            Shape::Items(items) => self.list(items),
            Shape::Table(members) => self.table(members),
            Shape::Negative(value) => self.value(value).negative(),
            Shape::Not(value) => {
                let value = self.value(value);
                match value.truth() {
                    Some(truth) => Value::Flag(!truth),
                    None => value.cannot(),
                }
            }
            Shape::Chain(first, rest) => {
                let first = self.value(first);
                rest.iter().fold(first, |sum, (op, operand)| {
                    let operand = self.value(operand);
                    sum.combine(op, operand)
                })
            }
            Shape::Compare(left, op, right) => {
                let (left, right) = (self.value(left), self.value(right));
                left.compare(op, &right)
            }
            Shape::Or(operands) => self.or(operands),
            Shape::And(operands) => self.and(operands),
            Shape::Choice(parts) => {
                let [value, condition, other] = parts.as_ref();
                let condition = self.value(condition);
                match condition.truth() {
                    Some(true) => self.value(value),
                    Some(false) => self.value(other),
                    None => condition.cannot(),
                }
            }
            Shape::Steps(first, steps) => self.steps(first, steps),
            Shape::Opaque(why) => Value::unknown(*why),
        }
    }

    fn name(&mut self, name: &str) -> Value {
        match name {
            "None" => Value::None,
            "True" => Value::Flag(true),
            "False" => Value::Flag(false),
            _ => self
                .get(name)
                .unwrap_or_else(|| Value::Path(name.to_owned())),
        }
    }

    fn list(&mut self, items: &[Item]) -> Value {
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            match self.value(&item.value) {
                Value::List(more) if item.spread => list.extend(more),
                value if item.spread || item.name.is_some() => return value.cannot(),
                value => list.push(value),
            }
        }
        Value::List(list)
    }

    fn table(&mut self, members: &[(Option<Expression>, Expression)]) -> Value {
        let mut table = Vec::with_capacity(members.len());
        for (key, value) in members {
            let value = self.value(value);
            match (key, value) {
                (Some(key), value) => table.push((self.value(key), value)),
                (None, Value::Table(more)) => table.extend(more),
                (None, value) => return value.cannot(),
            }
        }
        Value::Table(table)
    }

    fn or(&mut self, operands: &[Expression]) -> Value {
        let mut result = Value::None;
        for operand in operands {
            let settled = match &result {
                Value::Environment { default, .. } => default.is_some(),
                value => value.truth() != Some(false),
            };
            if settled {
                break;
            }
            let operand = self.value(operand);
            result = result.or(|| operand);
        }
        match result.truth() {
            None if !matches!(result, Value::Environment { .. }) => result.cannot(),
            _ => result,
        }
    }

    fn and(&mut self, operands: &[Expression]) -> Value {
        let mut result = Value::Flag(true);
        for operand in operands {
            match result.truth() {
                Some(true) => result = self.value(operand),
                Some(false) => break,
                None => return result.cannot(),
            }
        }
        result
    }

    fn steps(&mut self, first: &Expression, steps: &[Step]) -> Value {
        let mut value = self.value(first);
        let mut steps = steps.iter().peekable();
        while let Some(step) = steps.next() {
            value = match (value, step) {
                (Value::Path(path), Step::Attribute(name)) => {
                    let path = format!("{path}.{name}");
                    if path.len() > 200 {
                        return Value::unknown("is not a plain name");
                    }
                    self.get(&path).unwrap_or(Value::Path(path))
                }
                (Value::Path(path), Step::Call(arguments)) => self.call(&path, arguments),
                (Value::Path(path), Step::Index(index)) => {
                    match (path.ends_with("environ"), self.value(index)) {
                        (true, Value::Text(name)) => Value::Environment {
                            name,
                            default: None,
                        },
                        _ => Value::unknown(format!("takes a member of {path} from elsewhere")),
                    }
                }
                (value, Step::Attribute(name)) => match steps.next() {
                    Some(Step::Call(arguments)) => self.method(value, name, arguments),
                    _ => Value::unknown(value.obstacle().unwrap_or_else(|| {
                        format!("asks for .{name}, which is not known here")
                    })),
                },
                (value, Step::Index(index)) => {
                    let index = self.value(index);
                    member(value, &index)
                }
                (value, Step::Call(_)) => value.cannot(),
            };
        }
        value
    }

    /// A call of something that is not in the file.
    fn call(&mut self, path: &str, arguments: &[Item]) -> Value {
        let last = path.rsplit('.').next().unwrap_or(path);
        let from_environment =
            path.ends_with("environ.get") || last == "getenv" || path.ends_with("environ.setdefault");
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
        let plain = arguments.iter().all(|one| one.name.is_none() && !one.spread);
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
                default: default
                    .filter(|value| *value != Value::None)
                    .map(Box::new),
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
    fn method(&mut self, value: Value, name: &str, arguments: &[Item]) -> Value {
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
                Value::unknown(why.unwrap_or_else(|| format!("calls .{name}(), and nothing is run")))
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

/// `value[index]`.
fn member(value: Value, index: &Value) -> Value {
    let found = match (&value, index) {
        (Value::Table(members), _) => members.iter().rev().find(|(key, _)| key == index),
        _ => None,
    };
    match (found, &value, index) {
        (Some((_, member)), _, _) => member.clone(),
        (None, Value::List(items), Value::Int(at)) => usize::try_from(*at)
            .ok()
            .and_then(|at| items.get(at).cloned())
            .unwrap_or_else(|| value.cannot()),
        _ => value.cannot(),
    }
}

/// `str(...)` and its like. An empty result is for what Python refuses.
fn convert(to: &str, value: &Value) -> Option<Value> {
    Some(match (to, value) {
        ("bool", value) => Value::Flag(value.truth()?),
        ("str", Value::Text(text)) => Value::Text(text.clone()),
        ("str", Value::Int(number)) => Value::Text(number.to_string()),
        ("str", Value::Flag(flag)) => {
            Value::Text(if *flag { "True" } else { "False" }.to_owned())
        }
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
