//! Why a body could not be parsed, without repeating any of its content.

use serde_json::error::Category;

/// Why a body could not be parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BodyFlaw {
    /// The content type is not supported.
    Unsupported,
    /// The body has a content coding, such as compression.
    Encoded,
    /// The body ended before its announced length.
    Incomplete,
    /// The body is UTF-16 or UTF-32.
    OtherEncoding,
    /// The body is not UTF-8 from this byte on, counted from 1.
    NotUtf8(usize),
    /// A form has fields that are not UTF-8.
    FormNotUtf8,
    /// The body is not JSON: the parser's error and its position, which quote nothing of the body.
    Syntax(String),
    /// The body is JSON but not an object.
    NotAnObject,
    /// An object repeats a member, at this line and column.
    Repeated(usize, usize),
}

impl BodyFlaw {
    /// Explains why the bytes are not one JSON object.
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
            // The parser's message may quote the value that it found.
            Category::Data => Self::NotAnObject,
            Category::Io | Category::Syntax | Category::Eof => Self::Syntax(error.to_string()),
        }
    }
}

/// Whether the text is UTF-16 or UTF-32: it has a byte order mark, or a NUL next to the first
/// character.
fn is_wide(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || matches!(bytes, [0, b'{', ..] | [b'{', 0, ..] | [0, 0, 0, b'{', ..])
}

fn starts_an_object(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"{")
}
