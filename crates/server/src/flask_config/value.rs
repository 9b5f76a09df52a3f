//! What a Python expression comes to, as far as it can be known without running it.

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Flag(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Bytes(Vec<u8>),
    /// A list, a tuple or a set, in the order of the file.
    List(Vec<Value>),
    /// A dict. A key that stands twice has its last value.
    Table(Vec<(Value, Value)>),
    /// A length of time in microseconds.
    Time(i64),
    /// What the environment says.
    Environment {
        /// The variable.
        name: String,
        /// What stands for it where it is not set.
        default: Option<Box<Value>>,
    },
    /// A name of something elsewhere: `os.environ`, `uia_email_mapper`.
    Path(String),
    /// It cannot be known, and why: a sentence without its subject.
    Unknown(String),
}

/// Microseconds.
pub(super) const SECOND: i64 = 1_000_000;

/// Words that people write for "yes", which our own reading of the environment knows, too.
const YES: [&str; 5] = ["true", "1", "yes", "on", "t"];

impl Value {
    pub(super) fn unknown(why: impl Into<String>) -> Self {
        Self::Unknown(why.into())
    }

    /// How many bytes and members it has, and how deep it is.
    pub(super) fn size(&self) -> (usize, usize) {
        let of = |parts: &mut dyn Iterator<Item = &Value>| {
            parts.map(Self::size).fold((1, 1), |(size, depth), part| {
                (size + part.0, depth.max(part.1 + 1))
            })
        };
        match self {
            Self::Text(text) | Self::Path(text) | Self::Unknown(text) => (1 + text.len(), 1),
            Self::Bytes(bytes) => (1 + bytes.len(), 1),
            Self::List(items) => of(&mut items.iter()),
            Self::Table(members) => of(&mut members.iter().flat_map(|(key, value)| [key, value])),
            Self::Environment { name, default } => {
                let (size, depth) = of(&mut default.iter().map(AsRef::as_ref));
                (size + name.len(), depth)
            }
            _ => (1, 1),
        }
    }

    /// Whether Python takes it for true, if that can be known.
    pub(super) fn truth(&self) -> Option<bool> {
        Some(match self {
            Self::None => false,
            Self::Flag(flag) => *flag,
            Self::Int(number) | Self::Time(number) => *number != 0,
            Self::Float(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Table(members) => !members.is_empty(),
            Self::Environment { .. } | Self::Path(_) | Self::Unknown(_) => return None,
        })
    }

    /// The first reason why it, or a part of it, cannot be taken over.
    pub(super) fn obstacle(&self) -> Option<String> {
        match self {
            Self::Unknown(why) => Some(why.clone()),
            Self::Path(path) => Some(format!("takes {path} from elsewhere")),
            Self::Environment { name, .. } => {
                Some(format!("depends on the environment variable {name}"))
            }
            Self::List(items) => items.iter().find_map(Self::obstacle),
            Self::Table(members) => members
                .iter()
                .find_map(|(key, value)| key.obstacle().or_else(|| value.obstacle())),
            _ => None,
        }
    }

    /// The same with this done to what is known of it: to the value itself, or to the default
    /// of a variable.
    pub(super) fn map(self, change: impl FnOnce(Self) -> Self) -> Self {
        match self {
            Self::Environment { name, default } => Self::Environment {
                name,
                default: default.map(|default| Box::new(change(*default))),
            },
            value => change(value),
        }
    }

    /// `self or other`.
    pub(super) fn or(self, other: impl FnOnce() -> Self) -> Self {
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

    /// It, where more would have to be known of it.
    pub(super) fn cannot(self) -> Self {
        let why = self.obstacle();
        Self::Unknown(why.unwrap_or_else(|| "is more than a plain value".to_owned()))
    }

    /// `self == other` and `self in other`. Of a variable only whether it says yes can be taken
    /// over.
    pub(super) fn compare(self, op: &str, other: &Self) -> Self {
        if let Self::Environment { .. } = &self {
            let words: Vec<&Self> = match other {
                Self::List(words) if op == "in" => words.iter().collect(),
                word if op == "==" => vec![word],
                _ => return self.cannot(),
            };
            let is_yes = |word: &&Self| matches!(word, Self::Text(text) if YES.contains(&text.to_ascii_lowercase().as_str()));
            if !words.iter().all(is_yes) {
                return self.cannot();
            }
            return self.map(|default| default.compare(op, other));
        }
        if let Some(why) = self.obstacle().or_else(|| other.obstacle()) {
            return Self::Unknown(why);
        }
        match (op, other) {
            ("==", _) => Self::Flag(self == *other),
            ("!=", _) => Self::Flag(self != *other),
            ("is", Self::None) => Self::Flag(self == Self::None),
            ("in", Self::List(items)) => Self::Flag(items.contains(&self)),
            _ => Self::unknown("compares what cannot be compared"),
        }
    }

    /// `self + other` and its like.
    pub(super) fn combine(self, op: &str, other: Self) -> Self {
        // What is unknown inside of lists is found later: looking at each sum of a long chain
        // from end to end would take a time that grows with its square.
        let is_known = |value: &Self| value.truth().is_some();
        if !is_known(&self) {
            return self.cannot();
        }
        if !is_known(&other) {
            return other.cannot();
        }
        let number = match (&self, &other) {
            (Self::Flag(_) | Self::None, _) | (_, Self::Flag(_) | Self::None) => None,
            (Self::Text(_), _) if op != "+" => None,
            (Self::Text(_), Self::Text(_)) | (Self::List(_), Self::List(_)) if op == "+" => {
                return self.joined(other);
            }
            (Self::Table(_), Self::Table(_)) if op == "|" => return self.joined(other),
            (Self::Int(a), Self::Int(b)) => whole(*a, op, *b),
            (Self::Time(a), Self::Time(b)) if op == "+" || op == "-" => {
                whole(*a, op, *b).and_then(Self::into_time)
            }
            (Self::Time(a), Self::Time(b)) if op == "/" => broken(real(*a), op, real(*b)),
            (Self::Time(a), Self::Int(b)) if op == "*" || op == "//" => {
                whole(*a, op, *b).and_then(Self::into_time)
            }
            (Self::Int(a), Self::Time(b)) if op == "*" => {
                whole(*a, op, *b).and_then(Self::into_time)
            }
            (Self::Float(a), Self::Int(b)) => broken(*a, op, real(*b)),
            (Self::Int(a), Self::Float(b)) => broken(real(*a), op, *b),
            (Self::Float(a), Self::Float(b)) => broken(*a, op, *b),
            _ => None,
        };
        number.unwrap_or_else(|| Self::unknown(format!("is not worked out (with {op})")))
    }

    fn joined(self, other: Self) -> Self {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Self::Text(a + &b),
            (Self::List(mut a), Self::List(b)) => {
                a.extend(b);
                Self::List(a)
            }
            (Self::Table(mut a), Self::Table(b)) => {
                a.extend(b);
                Self::Table(a)
            }
            (value, _) => value,
        }
    }

    fn into_time(self) -> Option<Self> {
        match self {
            Self::Int(microseconds) => Some(Self::Time(microseconds)),
            _ => None,
        }
    }

    pub(super) fn negative(self) -> Self {
        let negated = match &self {
            Self::Int(number) => number.checked_neg().map(Self::Int),
            Self::Time(length) => length.checked_neg().map(Self::Time),
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
        // Python rounds down; below nothing that differs from Rust.
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

/// As Python makes a float of a whole number.
#[expect(clippy::cast_precision_loss, reason = "Python loses the same digits")]
pub(super) fn real(number: i64) -> f64 {
    number as f64
}

/// A whole number from one that may have a fraction, rounded.
pub(super) fn rounded(number: f64) -> Option<i64> {
    // Floats hold every whole number up to here.
    const MOST: f64 = 9_007_199_254_740_992.0;
    let number = number.round();
    if !(-MOST..=MOST).contains(&number) {
        return None;
    }
    format!("{number:.0}").parse().ok()
}
