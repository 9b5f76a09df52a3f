//! The spellings of a value that differ in case only, for databases that fold only ASCII, or
//! nothing.

use vestibule_formats::text::case::{fold, others};

/// A pattern for SQLite's `GLOB` that matches the spellings of a value and nothing else.
pub(super) fn glob(value: &str) -> String {
    let mut pattern = String::new();
    for c in fold(value).chars() {
        if others(c).is_empty() && !matches!(c, '*' | '?' | '[') {
            pattern.push(c);
        } else {
            pattern.push('[');
            pattern.push(c);
            pattern.extend(others(c));
            pattern.push(']');
        }
    }
    pattern
}

/// The arguments with which PostgreSQL's `translate` folds every spelling of a value: the letters
/// to replace, their replacements, and the folded value.
pub(super) fn translation(value: &str) -> [String; 3] {
    let folded = fold(value);
    let (mut from, mut to) = (String::new(), String::new());
    for c in folded.chars() {
        if !to.contains(c) {
            for other in others(c) {
                from.push(*other);
                to.push(c);
            }
        }
    }
    [from, to, folded]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_every_spelling_and_escapes_wildcards() {
        assert_eq!(glob("\u{410}n*"), "[\u{430}\u{410}][nN][*]");
        assert_eq!(glob("[1]"), "[[]1]");
    }

    #[test]
    fn a_translation_replaces_each_letter_once() {
        let [from, to, folded] = translation("\u{410}\u{430}N1");
        assert_eq!((from.as_str(), to.as_str()), ("\u{410}N", "\u{430}n"));
        assert_eq!(folded, "\u{430}\u{430}n1");
    }
}
