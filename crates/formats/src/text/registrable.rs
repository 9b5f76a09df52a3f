//! The characters that a domain name may contain: IDNA 2008 (RFC 5892), for names that were already
//! processed by UTS 46. UTS 46 alone would allow symbols.

use unicode_general_category::{GeneralCategory as G, get_general_category};

/// Whether a label, in Unicode, could be registered.
pub(super) fn is_registrable(label: &str) -> bool {
    let chars: Vec<char> = label.chars().collect();
    (0..chars.len()).all(|index| is_allowed(&chars, index))
}

fn is_allowed(label: &[char], index: usize) -> bool {
    let next = label.get(index + 1).copied();
    let previous = index
        .checked_sub(1)
        .and_then(|index| label.get(index))
        .copied();
    match label[index] {
        // RFC 5892, section 2.6, and Cherokee, whose capitals UTS 46 keeps.
        '-'
        | '\u{df}'
        | '\u{3c2}'
        | '\u{6fd}'
        | '\u{6fe}'
        | '\u{f0b}'
        | '\u{3007}'
        | '\u{13a0}'..='\u{13f5}' => true,
        // The exceptions of section 2.6, marks for symbols and music (2.5), and letters that
        // syllables are composed of (2.9).
        '\u{640}'
        | '\u{7fa}'
        | '\u{302e}'
        | '\u{302f}'
        | '\u{3031}'..='\u{3035}'
        | '\u{303b}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{1d100}'..='\u{1d24f}'
        | '\u{1100}'..='\u{11ff}'
        | '\u{a960}'..='\u{a97c}'
        | '\u{d7b0}'..='\u{d7fb}' => false,
        // Characters that depend on their neighbours (appendix A).
        '\u{b7}' => previous == Some('l') && next == Some('l'),
        '\u{375}' => next.is_some_and(is_greek),
        '\u{5f3}' | '\u{5f4}' => previous.is_some_and(is_hebrew),
        '\u{30fb}' => label.iter().copied().any(is_japanese),
        '\u{660}'..='\u{669}' => !label.iter().any(|c| matches!(c, '\u{6f0}'..='\u{6f9}')),
        '\u{6f0}'..='\u{6f9}' => !label.iter().any(|c| matches!(c, '\u{660}'..='\u{669}')),
        c => matches!(
            get_general_category(c),
            G::LowercaseLetter
                | G::ModifierLetter
                | G::OtherLetter
                | G::NonspacingMark
                | G::SpacingMark
                | G::DecimalNumber
        ),
    }
}

const fn is_greek(c: char) -> bool {
    // The block of Greek also contains the letters of Coptic.
    matches!(
        c,
        '\u{370}'..='\u{3e1}' | '\u{3f0}'..='\u{3ff}'
            | '\u{1d26}'..='\u{1d2a}' | '\u{1f00}'..='\u{1fff}' | '\u{ab65}'
    )
}

const fn is_hebrew(c: char) -> bool {
    matches!(c, '\u{591}'..='\u{5f4}' | '\u{fb1d}'..='\u{fb4f}')
}

/// Hiragana, Katakana or Han, except the dot itself.
const fn is_japanese(c: char) -> bool {
    matches!(
        c,
        '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}'
            | '\u{30a1}'..='\u{30fa}' | '\u{30fd}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}'
            | '\u{3005}' | '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
            | '\u{16fe3}' | '\u{16ff0}'..='\u{16ff6}' | '\u{1aff0}'..='\u{1affe}'
            | '\u{1b000}'..='\u{1b168}' | '\u{20000}'..='\u{3fffd}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contextual_characters_require_their_scripts() {
        for label in [
            "\u{375}\u{3b1}",
            "\u{375}\u{1d26}",
            "\u{30fb}\u{1b120}",
            "\u{30fb}\u{16ff0}",
        ] {
            assert!(is_registrable(label), "{label:?}");
        }
        for label in [
            "\u{375}",
            "\u{375}\u{3e3}",
            "\u{30fb}",
            "\u{30fb}a",
            "\u{30fb}\u{1b170}",
        ] {
            assert!(!is_registrable(label), "{label:?}");
        }
    }
}
