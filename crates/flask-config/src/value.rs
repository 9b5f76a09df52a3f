//! The values of Python expressions, as far as they can be known without running them.

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    Bytes(Vec<u8>),
    /// A list, a tuple or a set, in the order of the file.
    List(Vec<Value>),
    /// A dict. For a repeated key, the last member counts.
    Dict(Vec<(Value, Value)>),
    /// A `timedelta` in microseconds.
    Duration(i64),
    /// The value of an environment variable.
    Environment {
        name: String,
        /// The value if the variable is not set.
        default: Option<Box<Value>>,
    },
    /// A name that the file does not assign: `os.environ`, `uia_email_mapper`.
    Path(String),
    /// Not known, for this reason: a sentence without its subject.
    Unknown(String),
}

/// Why an expression that only Python can evaluate has no value.
pub(crate) const NOT_EVALUATED: &str = "is an expression that is not evaluated";

/// A second in microseconds.
pub(crate) const SECOND: i64 = 1_000_000;

/// The words for "true" that vestibule accepts in environment variables, too.
const YES: [&str; 5] = ["true", "1", "yes", "on", "t"];

impl Value {
    pub(crate) fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown(why.into())
    }

    /// A name that the file does not assign.
    pub(crate) fn path(name: &str) -> Self {
        /// Longer than any name in practice. Reasons quote it, and reasons are copied.
        const LONGEST: usize = 200;
        if name.len() > LONGEST {
            return Self::unknown("is a name that is too long");
        }
        Self::Path(name.to_owned())
    }

    /// An environment variable.
    pub(crate) fn variable(name: String, default: Option<Self>) -> Self {
        /// Longer than any name in practice. Reasons quote it, and reasons are copied.
        const LONGEST: usize = 200;
        if name.len() > LONGEST {
            return Self::unknown("depends on an environment variable whose name is too long");
        }
        Self::Environment {
            name,
            default: default.filter(|value| *value != Self::None).map(Box::new),
        }
    }

    /// The memory that a copy takes, in bytes, and the depth of nesting.
    pub(crate) fn size(&self) -> (usize, usize) {
        const NODE: usize = size_of::<Value>();
        let of = |parts: &mut dyn Iterator<Item = &Self>| {
            parts
                .map(Self::size)
                .fold((NODE, 1), |(size, depth), part| {
                    (size + part.0, depth.max(part.1 + 1))
                })
        };
        match self {
            Self::Str(text) | Self::Path(text) | Self::Unknown(text) => (NODE + text.len(), 1),
            Self::Bytes(bytes) => (NODE + bytes.len(), 1),
            Self::List(items) => of(&mut items.iter()),
            Self::Dict(members) => of(&mut members.iter().flat_map(|(key, value)| [key, value])),
            Self::Environment { name, default } => {
                let (size, depth) = of(&mut default.iter().map(AsRef::as_ref));
                (size + name.len(), depth)
            }
            _ => (NODE, 1),
        }
    }

    /// The value in a condition, if it is known.
    pub(crate) fn truth(&self) -> Option<bool> {
        Some(match self {
            Self::None => false,
            Self::Bool(flag) => *flag,
            Self::Int(number) | Self::Duration(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Dict(members) => !members.is_empty(),
            Self::Environment { .. } | Self::Path(_) | Self::Unknown(_) => return None,
        })
    }

    /// The first reason why the value or a part of it is not known.
    pub(crate) fn obstacle(&self) -> Option<String> {
        match self {
            Self::Unknown(why) => Some(why.clone()),
            Self::Path(path) => Some(format!("depends on {path}, whose value is unknown")),
            Self::Environment { name, .. } => {
                Some(format!("depends on the environment variable {name}"))
            }
            Self::List(items) => items.iter().find_map(Self::obstacle),
            Self::Dict(members) => members
                .iter()
                .find_map(|(key, value)| key.obstacle().or_else(|| value.obstacle())),
            _ => None,
        }
    }

    /// Applies a function to the value, or to the default of an environment variable.
    pub(crate) fn map(self, change: impl FnOnce(Self) -> Self) -> Self {
        match self {
            Self::Environment { name, default } => Self::Environment {
                name,
                default: default.map(|default| Box::new(change(*default))),
            },
            value => change(value),
        }
    }

    /// `self or other`.
    pub(crate) fn or(self, other: impl FnOnce() -> Self) -> Self {
        match self {
            Self::Environment { name, default } => {
                let default = match default {
                    Some(default) if default.truth() != Some(false) => *default,
                    _ => other(),
                };
                Self::Environment {
                    name,
                    default: Some(Box::new(default)).filter(|value| **value != Self::None),
                }
            }
            value => match value.truth() {
                Some(true) => value,
                Some(false) => other(),
                None => value.cannot(),
            },
        }
    }

    /// The result of an operation that needs to know more about the value.
    pub(crate) fn cannot(self) -> Self {
        if let Self::Unknown(_) = self {
            return self;
        }
        let why = self.obstacle();
        Self::Unknown(why.unwrap_or_else(|| NOT_EVALUATED.to_owned()))
    }

    /// `self == other`, `self in other`. An environment variable can only be compared with words
    /// for "true": vestibule reads a boolean in the same way.
    pub(crate) fn compare(self, op: &str, other: &Self) -> Self {
        if let Self::Environment { .. } = &self {
            let words: Vec<&Self> = match other {
                Self::List(words) if op == "in" => words.iter().collect(),
                word if op == "==" => vec![word],
                _ => return self.cannot(),
            };
            let is_yes = |word: &&Self| matches!(word, Self::Str(text) if YES.contains(&text.to_ascii_lowercase().as_str()));
            if !words.iter().all(is_yes) {
                return self.cannot();
            }
            return self.map(|default| default.compare(op, other));
        }
        if let Some(why) = self.obstacle().or_else(|| other.obstacle()) {
            return Self::Unknown(why);
        }
        match (op, other) {
            ("==", _) => Self::Bool(self == *other),
            ("!=", _) => Self::Bool(self != *other),
            ("is", Self::None) => Self::Bool(self == Self::None),
            ("in", Self::List(items)) => Self::Bool(items.contains(&self)),
            _ => Self::unknown("compares values that are not compared here"),
        }
    }

    /// `self + other` and the other arithmetic operators.
    pub(crate) fn combine(self, op: &str, other: Self) -> Self {
        // Unknown members of a list are found later: checking every intermediate sum of a long
        // chain would take quadratic time.
        let is_known = |value: &Self| value.truth().is_some();
        if !is_known(&self) {
            return self.cannot();
        }
        if !is_known(&other) {
            return other.cannot();
        }
        let number = match (&self, &other) {
            (Self::Bool(_) | Self::None, _) | (_, Self::Bool(_) | Self::None) => None,
            (Self::Str(_), _) if op != "+" => None,
            (Self::Str(_), Self::Str(_)) | (Self::List(_), Self::List(_)) if op == "+" => {
                return self.joined(other);
            }
            (Self::Dict(_), Self::Dict(_)) if op == "|" => return self.joined(other),
            (Self::Int(a), Self::Int(b)) => whole(*a, op, *b),
            (Self::Duration(a), Self::Duration(b)) if op == "+" || op == "-" => {
                whole(*a, op, *b).and_then(Self::into_duration)
            }
            (Self::Duration(a), Self::Duration(b)) if op == "/" => broken(real(*a), op, real(*b)),
            (Self::Duration(a), Self::Int(b)) if op == "*" || op == "//" => {
                whole(*a, op, *b).and_then(Self::into_duration)
            }
            (Self::Int(a), Self::Duration(b)) if op == "*" => {
                whole(*a, op, *b).and_then(Self::into_duration)
            }
            (Self::Float(a), Self::Int(b)) => broken(*a, op, real(*b)),
            (Self::Int(a), Self::Float(b)) => broken(real(*a), op, *b),
            (Self::Float(a), Self::Float(b)) => broken(*a, op, *b),
            _ => None,
        };
        number.unwrap_or_else(|| Self::unknown(format!("uses {op} in a way that is not evaluated")))
    }

    fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::Str(a), Self::Str(b)) => Self::Str(a + &b),
            (Self::List(mut a), Self::List(b)) => {
                a.extend(b);
                Self::List(a)
            }
            (Self::Dict(mut a), Self::Dict(b)) => {
                a.extend(b);
                Self::Dict(a)
            }
            (value, _) => value,
        }
    }

    fn into_duration(self) -> Option<Self> {
        match self {
            Self::Int(microseconds) => Some(Self::Duration(microseconds)),
            _ => None,
        }
    }

    pub(crate) fn negative(self) -> Self {
        let negated = match &self {
            Self::Int(number) => number.checked_neg().map(Self::Int),
            Self::Duration(length) => length.checked_neg().map(Self::Duration),
            Self::Float(number) => Some(Self::Float(-number)),
            _ => None,
        };
        negated.unwrap_or_else(|| self.cannot())
    }
}

fn whole(a: i64, op: &str, b: i64) -> Option<Value> {
    match op {
        "+" => a.checked_add(b).map(Value::Int),
        "-" => a.checked_sub(b).map(Value::Int),
        "*" => a.checked_mul(b).map(Value::Int),
        "/" if b != 0 => broken(real(a), op, real(b)),
        // For negative numbers, Python rounds in another direction than Rust.
        "//" if a >= 0 && b > 0 => Some(Value::Int(a / b)),
        "%" if a >= 0 && b > 0 => Some(Value::Int(a % b)),
        _ => None,
    }
}

fn broken(a: f64, op: &str, b: f64) -> Option<Value> {
    let result = match op {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        _ => return None,
    };
    result.is_finite().then_some(Value::Float(result))
}

/// Python's `float(number)`.
#[expect(clippy::cast_precision_loss, reason = "Python loses the same digits")]
pub(crate) fn real(number: i64) -> f64 {
    number as f64
}

/// The nearest whole number.
pub(crate) fn rounded(number: f64) -> Option<i64> {
    // Up to here, a float represents every whole number.
    const MOST: f64 = 9_007_199_254_740_992.0;
    let number = number.round();
    if !(-MOST..=MOST).contains(&number) {
        return None;
    }
    format!("{number:.0}").parse().ok()
}
