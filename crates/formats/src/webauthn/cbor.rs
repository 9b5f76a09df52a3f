//! A reader for the part of CBOR (RFC 8949) that authenticators produce.
//!
//! CTAP2 prescribes a canonical form. This reader accepts definite lengths only, no tags, at most four
//! levels of nesting, at most [`MAX_ENTRIES`] entries per array or map, and map keys that are distinct
//! integers or strings. In a [`Form::Shortest`] item, each number and length has its shortest encoding, so
//! that an item has one encoding only.

use std::fmt;

/// The most entries of an array, or pairs of a map.
pub const MAX_ENTRIES: u64 = 64;

/// The deepest nesting that CTAP2 permits.
const MAX_DEPTH: u8 = 4;

/// Why bytes are not an item that an authenticator may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CborError {
    /// The bytes end inside an item.
    #[error("the CBOR data ends early")]
    Truncated,
    /// Bytes follow the item.
    #[error("bytes follow the CBOR data")]
    Trailing,
    /// Tags, indefinite lengths and reserved values.
    #[error("the CBOR data uses a feature that authenticators do not use")]
    Unsupported,
    /// A number or a length is longer than necessary.
    #[error("the CBOR data is not in its shortest form")]
    NotShortest,
    /// A string that is not UTF-8.
    #[error("a CBOR string is not UTF-8")]
    Utf8,
    /// Arrays and maps in more than four levels.
    #[error("the CBOR data is nested too deeply")]
    Depth,
    /// An array or a map with more than [`MAX_ENTRIES`] entries.
    #[error("a CBOR array or map has too many entries")]
    Entries,
    /// A map key that is neither an integer nor a string.
    #[error("a CBOR map key is neither an integer nor a string")]
    Key,
    /// A map with the same key twice.
    #[error("a CBOR map has the same key twice")]
    DuplicateKey,
}

/// How strictly numbers and lengths are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Each number and length has its shortest encoding.
    Shortest,
    /// Numbers and lengths may be longer than necessary.
    Any,
}

/// An item that borrows its strings.
#[derive(Clone, PartialEq)]
pub enum Value<'a> {
    /// An integer of either sign.
    Integer(i128),
    /// A byte string.
    Bytes(&'a [u8]),
    /// A text string.
    Text(&'a str),
    /// An array.
    Array(Vec<Self>),
    /// A map, in its order.
    Map(Vec<(Self, Self)>),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// A floating-point number, which nothing reads.
    Float,
}

impl fmt::Debug for Value<'_> {
    /// Shows the kind only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integer(_) => "Integer",
            Self::Bytes(_) => "Bytes",
            Self::Text(_) => "Text",
            Self::Array(_) => "Array",
            Self::Map(_) => "Map",
            Self::Bool(_) => "Bool",
            Self::Null => "Null",
            Self::Float => "Float",
        })
    }
}

impl<'a> Value<'a> {
    /// The pairs, if this is a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&[(Self, Self)]> {
        match self {
            Self::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The elements, if this is an array.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The bytes, if this is a byte string.
    #[must_use]
    pub fn as_bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The text, if this is a text string.
    #[must_use]
    pub fn as_text(&self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if this is an integer that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => i64::try_from(*number).ok(),
            _ => None,
        }
    }

    /// The value of a text key, if this is a map that has it.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&Self> {
        self.as_map()?
            .iter()
            .find_map(|(key, value)| (key.as_text() == Some(name)).then_some(value))
    }

    /// The value of an integer key, if this is a map that has it.
    #[must_use]
    pub fn label(&self, label: i64) -> Option<&Self> {
        self.as_map()?
            .iter()
            .find_map(|(key, value)| (key.as_i64() == Some(label)).then_some(value))
    }
}

/// Reads exactly one item.
///
/// # Errors
/// [`CborError`].
pub fn parse(bytes: &[u8], form: Form) -> Result<Value<'_>, CborError> {
    match parse_prefix(bytes, form)? {
        (value, []) => Ok(value),
        _ => Err(CborError::Trailing),
    }
}

/// Reads one item, and returns it with the bytes that follow it.
///
/// # Errors
/// [`CborError`].
pub fn parse_prefix(bytes: &[u8], form: Form) -> Result<(Value<'_>, &[u8]), CborError> {
    let mut reader = Reader { rest: bytes, form };
    let value = reader.value(0)?;
    Ok((value, reader.rest))
}

struct Reader<'a> {
    rest: &'a [u8],
    form: Form,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: u64) -> Result<&'a [u8], CborError> {
        let length = usize::try_from(length).map_err(|_| CborError::Truncated)?;
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(CborError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The argument of an initial byte: a number or a length.
    fn argument(&mut self, information: u8) -> Result<u64, CborError> {
        let (width, least) = match information {
            0..=23 => return Ok(u64::from(information)),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            _ => return Err(CborError::Unsupported),
        };
        let argument = self
            .take(width)?
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte));
        if argument < least && self.form == Form::Shortest {
            return Err(CborError::NotShortest);
        }
        Ok(argument)
    }

    fn text(&mut self, length: u64) -> Result<&'a str, CborError> {
        std::str::from_utf8(self.take(length)?).map_err(|_| CborError::Utf8)
    }

    fn value(&mut self, depth: u8) -> Result<Value<'a>, CborError> {
        let [initial] = self.take(1)? else {
            return Err(CborError::Truncated);
        };
        let information = initial & 0x1f;
        let major = initial >> 5;
        if major == 7 {
            return self.simple(information);
        }
        let argument = self.argument(information)?;
        if matches!(major, 4 | 5) {
            if depth == MAX_DEPTH {
                return Err(CborError::Depth);
            }
            if argument > MAX_ENTRIES {
                return Err(CborError::Entries);
            }
        }
        Ok(match major {
            0 => Value::Integer(i128::from(argument)),
            1 => Value::Integer(-1 - i128::from(argument)),
            2 => Value::Bytes(self.take(argument)?),
            3 => Value::Text(self.text(argument)?),
            4 => Value::Array(
                (0..argument)
                    .map(|_| self.value(depth + 1))
                    .collect::<Result<_, _>>()?,
            ),
            5 => Value::Map(self.pairs(argument, depth + 1)?),
            _ => return Err(CborError::Unsupported),
        })
    }

    fn pairs(&mut self, count: u64, depth: u8) -> Result<Vec<(Value<'a>, Value<'a>)>, CborError> {
        let mut pairs: Vec<(Value<'a>, Value<'a>)> = Vec::new();
        for _ in 0..count {
            let key = self.value(depth)?;
            if !matches!(key, Value::Integer(_) | Value::Text(_)) {
                return Err(CborError::Key);
            }
            if pairs.iter().any(|(earlier, _)| *earlier == key) {
                return Err(CborError::DuplicateKey);
            }
            pairs.push((key, self.value(depth)?));
        }
        Ok(pairs)
    }

    fn simple(&mut self, information: u8) -> Result<Value<'a>, CborError> {
        match information {
            20 => Ok(Value::Bool(false)),
            21 => Ok(Value::Bool(true)),
            22 => Ok(Value::Null),
            25..=27 => self.take(1 << (information - 24)).map(|_| Value::Float),
            _ => Err(CborError::Unsupported),
        }
    }
}
