//! Texts that differ in case only, by Unicode's simple case folding.

use std::collections::HashMap;
use std::sync::LazyLock;

/// The last character that has another case, rounded up (Unicode 16).
const LAST_CASED: char = '\u{1ffff}';

/// What else folds to a character.
static SPELLINGS: LazyLock<HashMap<char, Vec<char>>> = LazyLock::new(|| {
    let mut spellings: HashMap<char, Vec<char>> = HashMap::new();
    for c in '\0'..=LAST_CASED {
        if folded(c) != c {
            spellings.entry(folded(c)).or_default().push(c);
        }
    }
    spellings
});

/// The text without its case: two texts that differ in case only have the same.
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

/// The characters that fold to this one, which is folded itself, besides itself.
#[must_use]
pub fn others(folded: char) -> &'static [char] {
    SPELLINGS.get(&folded).map_or(&[], Vec::as_slice)
}

fn folded(c: char) -> char {
    const DOTLESS_I: char = '\u{131}';
    if c.is_ascii() || c == DOTLESS_I {
        return c.to_ascii_lowercase();
    }
    // There and back again: both kinds of a lower-case sigma have one upper case.
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
    fn what_folds_to_a_character_is_known_and_folding_twice_is_folding_once() {
        assert_eq!(others('\u{430}'), ['\u{410}']);
        assert_eq!(others('k'), ['K', '\u{212a}']);
        assert!(others('1').is_empty());
        for c in '\0'..=LAST_CASED {
            assert_eq!(folded(folded(c)), folded(c), "{c:?}");
        }
    }
}
