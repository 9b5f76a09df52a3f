//! Expressions to values. Nothing is run: names stand for what the file gave them before, a few
//! calls are known by name, and everything else is unknown.

use std::collections::HashMap;

use super::expression::{Expression, Item, Shape, Step};
use super::literal::{Number, Text};
use super::value::Value;

/// How large a value may be, and how deep.
const LARGEST: usize = 64 * 1024;
const DEEPEST: usize = 40;

/// How many of the open classes and functions a name is looked up in, beside the file.
const NEAREST: usize = 8;

/// A value, and how much it is to copy.
#[derive(Debug)]
struct Kept {
    value: Value,
    size: usize,
}

/// What names stand for.
#[derive(Debug)]
pub(super) struct Names {
    /// The file, then each class or function that is open.
    scopes: Vec<HashMap<String, Kept>>,
    /// What belongs to classes, as `Class.NAME`.
    members: HashMap<String, Kept>,
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
        let (size, depth) = value.size();
        let value = if size > LARGEST || depth > DEEPEST {
            Value::unknown("is too large")
        } else {
            value
        };
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), Kept { value, size });
        }
    }

    pub(super) fn get(&mut self, name: &str) -> Option<Value> {
        let (file, open) = self.scopes.split_first()?;
        let found = open
            .iter()
            .rev()
            .take(NEAREST)
            .chain([file, &self.members])
            .find_map(|scope| scope.get(name))?;
        match self.fuel.checked_sub(found.size) {
            Some(fuel) => {
                self.fuel = fuel;
                Some(found.value.clone())
            }
            None => Some(Value::unknown("is too much to work out")),
        }
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

    pub(super) fn list(&mut self, items: &[Item]) -> Value {
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
            value =
                match (value, step) {
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
