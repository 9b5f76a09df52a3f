//! Why a body is not understood, as far as it can be told without repeating any of it.

use serde_json::error::Category;

/// Why a body is not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyFlaw {
    /// Its type is not read here.
    Unsupported,
    /// It is compressed, or says so.
    Encoded,
    /// It ended before its announced length.
    Incomplete,
    /// It is UTF-16 or UTF-32.
    OtherEncoding,
    /// Not UTF-8, from this byte on, counted from 1.
    NotUtf8(usize),
    /// A form whose fields are not UTF-8.
    FormNotUtf8,
    /// Not JSON: what the parser met, and where. Nothing of the body stands in it.
    Syntax(String),
    /// JSON, but no object.
    NotAnObject,
    /// An object that names a member twice, at this line and column.
    Repeated(usize, usize),
}

impl BodyFlaw {
    /// Why this is not one JSON object.
    pub(super) fn of_json(bytes: &[u8], error: &serde_json::Error) -> Self {
        if is_wide(bytes) {
            return Self::OtherEncoding;
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            return Self::NotUtf8(error.valid_up_to() + 1);
        }
        match error.classify() {
            Category::Data if starts_an_object(bytes) => {
                Self::Repeated(error.line(), error.column())
            }
            // The parser's own words may repeat the value that it met.
            Category::Data => Self::NotAnObject,
            Category::Io | Category::Syntax | Category::Eof => Self::Syntax(error.to_string()),
        }
    }
}

/// Whether this is a wider encoding of Unicode: a byte order mark, or a NUL beside the first
/// character.
fn is_wide(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || matches!(bytes, [0, b'{', ..] | [b'{', 0, ..] | [0, 0, 0, b'{', ..])
}

fn starts_an_object(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}
