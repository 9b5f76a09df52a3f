//! JSON as Python's `json.dumps` writes it: every character outside of printable ASCII is escaped.

use std::borrow::Cow;

/// Escapes JSON to ASCII. Characters that need it can occur only in strings, where `\u` escapes may
/// replace them.
pub(crate) fn escape(json: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii() && c != '\u{7f}';
    if json.chars().all(plain) {
        return json.into();
    }
    let mut escaped = String::with_capacity(json.len() * 2);
    let mut units = [0; 2];
    for c in json.chars() {
        if plain(c) {
            escaped.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped.into()
}

#[cfg(test)]
mod tests {
    /// Computed with `json.dumps`.
    #[test]
    fn characters_outside_of_printable_ascii_are_escaped() {
        let json = "\"a\\u001f/\u{7f}\u{e9}\u{2028}\u{1f600}\"";
        let expected = r#""a\u001f/\u007f\u00e9\u2028\ud83d\ude00""#;
        assert_eq!(super::escape(json), expected);
        assert_eq!(super::escape("{\"a\": 1}"), "{\"a\": 1}");
    }
}
