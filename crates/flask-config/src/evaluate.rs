//! Evaluates expressions. No code is run: a name has the value that the file assigned to it before,
//! a few calls are known by name, and everything else is unknown.

use std::collections::HashMap;

use crate::expression::{Expression, Item, Shape, Step};
use crate::literal::{Number, StringLiteral};
use crate::value::Value;

/// The size of the largest value that is kept, in bytes of memory.
const LARGEST: usize = 256 * 1024;

/// The depth of the deepest value that is kept.
const DEEPEST: usize = 40;

/// The number of open classes and functions in which a name is looked up, beside the module.
const NEAREST: usize = 8;

/// Why a value is unknown once the fuel is used up.
pub(crate) const EXHAUSTED: &str = "takes too much memory to evaluate";

/// The longest class name whose members can be read as `Class.NAME`.
const LONGEST_CLASS: usize = 100;

/// A value and the memory that a copy of it takes.
#[derive(Debug)]
struct Kept {
    value: Value,
    size: usize,
}

/// The values of names.
#[derive(Debug)]
pub(crate) struct Names {
    /// The module, then each open class or function.
    scopes: Vec<HashMap<String, Kept>>,
    /// The members of classes, as `Class.NAME`.
    members: HashMap<String, Kept>,
    /// How many bytes may still be copied. Without a limit, names that are made of names would
    /// grow exponentially.
    fuel: usize,
}

impl Names {
    /// For a file with so many tokens.
    pub(crate) fn new(tokens: usize) -> Self {
        Self {
            scopes: vec![HashMap::new()],
            members: HashMap::new(),
            fuel: 4 * 1024 * 1024 + 16 * tokens,
        }
    }

    pub(crate) fn enter(&mut self) {
        self.scopes.push(HashMap::new());
    }

    /// Leaves a function, or a class, whose names become its members.
    pub(crate) fn leave(&mut self, class: Option<&str>) {
        if self.scopes.len() < 2 {
            return;
        }
        let scope = self.scopes.pop().unwrap_or_default();
        // Each member copies the name of its class.
        if let Some(class) = class.filter(|class| class.len() <= LONGEST_CLASS) {
            for (name, value) in scope {
                self.members.insert(format!("{class}.{name}"), value);
            }
        }
    }

    pub(crate) fn set(&mut self, name: &str, value: Value) {
        let value = bounded(value);
        let (size, _) = value.size();
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name.to_owned(), Kept { value, size });
        }
    }

    pub(crate) fn get(&mut self, name: &str) -> Option<Value> {
        let found = self.find(name)?;
        let size = found.size;
        if !self.burn(size) {
            return Some(Value::unknown(EXHAUSTED));
        }
        self.find(name).map(|found| found.value.clone())
    }

    /// Whether a name stands for `app.config` or the configuration of another application.
    pub(crate) fn is_config(&self, name: &str) -> bool {
        self.find(name).is_some_and(
            |found| matches!(&found.value, Value::Path(path) if path.ends_with(".config")),
        )
    }

    fn find(&self, name: &str) -> Option<&Kept> {
        let (module, open) = self.scopes.split_first()?;
        open.iter()
            .rev()
            .take(NEAREST)
            .chain([module, &self.members])
            .find_map(|scope| scope.get(name))
    }

    /// A copy of a value.
    pub(crate) fn copy(&mut self, value: &Value) -> Value {
        if self.burn(value.size().0) {
            value.clone()
        } else {
            Value::unknown(EXHAUSTED)
        }
    }

    /// Takes this much from the fuel, or says that there is not enough.
    pub(crate) fn burn(&mut self, size: usize) -> bool {
        match self.fuel.checked_sub(size) {
            Some(fuel) => {
                self.fuel = fuel;
                true
            }
            None => false,
        }
    }

    /// The value of an expression.
    pub(crate) fn value(&mut self, expression: &Expression) -> Value {
        match &expression.shape {
            Shape::Str(StringLiteral::Str(text)) => Value::Str(text.clone()),
            Shape::Str(StringLiteral::Bytes(bytes)) => Value::Bytes(bytes.clone()),
            Shape::Number(Number::Int(number)) => Value::Int(*number),
            Shape::Number(Number::Float(number)) => Value::Float(*number),
            Shape::Name(name) => self.name(name),
            Shape::Items(items) => self.list(items),
            Shape::Dict(members) => self.table(members),
            Shape::Negative(value) => self.value(value).negative(),
            Shape::Not(value) => {
                let value = self.value(value);
                match value.truth() {
                    Some(truth) => Value::Bool(!truth),
                    None => value.cannot(),
                }
            }
            Shape::Chain(first, rest) => {
                let mut result = self.value(first);
                for (op, operand) in rest {
                    if matches!(result, Value::Unknown(_)) {
                        break;
                    }
                    let operand = self.value(operand);
                    result = result.combine(op, operand);
                }
                result
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
            "True" => Value::Bool(true),
            "False" => Value::Bool(false),
            _ => self.get(name).unwrap_or_else(|| Value::path(name)),
        }
    }

    pub(crate) fn list(&mut self, items: &[Item]) -> Value {
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
                (None, Value::Dict(more)) => table.extend(more),
                (None, value) => return value.cannot(),
            }
        }
        Value::Dict(table)
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
        let mut result = Value::Bool(true);
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
                (Value::Unknown(why), _) => return Value::Unknown(why),
                (Value::Path(path), Step::Attribute(name)) => {
                    let path = format!("{path}.{name}");
                    self.get(&path).unwrap_or_else(|| Value::path(&path))
                }
                (Value::Path(path), Step::Call(arguments)) => self.call(&path, arguments),
                (Value::Path(path), Step::Index(index)) => {
                    match (path.ends_with("environ"), self.value(index)) {
                        (true, Value::Str(name)) => Value::variable(name, None),
                        _ => Value::unknown(format!(
                            "depends on {path}[...], whose value is unknown"
                        )),
                    }
                }
                (value, Step::Attribute(name)) => match steps.next() {
                    Some(Step::Call(arguments)) => self.method(value, name, arguments),
                    _ => Value::unknown(value.obstacle().unwrap_or_else(|| {
                        format!("reads the attribute .{name}, whose value is unknown")
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

/// A value of bounded size, for keeping.
pub(crate) fn bounded(value: Value) -> Value {
    let (size, depth) = value.size();
    if size > LARGEST || depth > DEEPEST {
        return Value::unknown("is too large");
    }
    value
}

/// `value[index]`.
fn member(mut value: Value, index: &Value) -> Value {
    let found = match (&value, index) {
        (Value::Dict(members), _) => members.iter().rposition(|(key, _)| key == index),
        (Value::List(items), Value::Int(at)) => {
            usize::try_from(*at).ok().filter(|at| *at < items.len())
        }
        _ => None,
    };
    match (&mut value, found) {
        (Value::Dict(members), Some(at)) => members.swap_remove(at).1,
        (Value::List(items), Some(at)) => items.swap_remove(at),
        _ => value.cannot(),
    }
}
