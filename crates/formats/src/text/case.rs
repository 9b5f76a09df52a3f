//! Comparing texts without their case, by Unicode's simple case folding.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The last character with another case, rounded up (Unicode 16).
const LAST_CASED: char = '\u{1ffff}';

/// For each folded character, the other characters that fold to it.
static SPELLINGS: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut spellings: HashMap<char, Vec<char>> = HashMap::new();
    for c in '\0'..=LAST_CASED {
        if folded(c) != c {
            spellings.entry(folded(c)).or_default().push(c);
        }
    }
    spellings
});

/// Folds the case of a text. Texts that differ only in case have the same folded form.
///
/// ```
/// use vestibule_formats::text::case::fold;
///
/// assert_eq!(fold("\u{410}\u{41d}\u{41d}\u{410}"), fold("\u{430}\u{43d}\u{43d}\u{430}"));
/// assert_eq!(fold("\u{3a3}\u{3c3}\u{3c2}"), "\u{3c3}\u{3c3}\u{3c3}");
/// assert_ne!(fold("\u{131}"), fold("i"), "a dotless i is a letter of its own");
/// ```
#[must_use]
pub fn fold(text: &str) -> String {
    text.chars().map(folded).collect()
}

/// The other characters that fold to this character, which is a folded one.
#[must_use]
pub fn others(folded: char) -> &'static [char] {
    SPELLINGS.get(&folded).map_or(&[], Vec::as_slice)
}

fn folded(c: char) -> char {
    const DOTLESS_I: char = '\u{131}';
    if c.is_ascii() || c == DOTLESS_I {
        return c.to_ascii_lowercase();
    }
    // Lower, upper, lower: both lower-case sigmas have the same upper case.
    let lower = only(c.to_lowercase()).unwrap_or(c);
    let upper = only(lower.to_uppercase()).unwrap_or(lower);
    only(upper.to_lowercase()).unwrap_or(upper)
}

fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next()?;
    characters.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_inverts_folding_and_folding_is_idempotent() {
        assert_eq!(others('\u{430}'), ['\u{410}']);
        assert_eq!(others('k'), ['K', '\u{212a}']);
        assert!(others('1').is_empty());
        for c in '\0'..=LAST_CASED {
            assert_eq!(folded(folded(c)), folded(c), "{c:?}");
        }
    }
}
