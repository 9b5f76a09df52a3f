//! Usernames: which are valid, and the normal form in which each is stored.

use unicode_general_category::get_general_category;

use super::normalise::{Form, normalise as to_form};

/// The rules (`SECURITY_USERNAME_*`, `SECURITY_INPUT_NORMALIZE_FORM`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsernameOptions {
    /// Allowed Unicode general categories, in full (`Pd`) or by their first letter (`L`). If empty,
    /// all are allowed.
    pub allowed_categories: Vec<String>,
    /// The minimum number of characters.
    pub min_length: usize,
    /// The maximum number of characters.
    pub max_length: usize,
    /// The normalisation form in which names are stored.
    pub form: Option<Form>,
}

/// Why a name is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It contains a character of a category that is not allowed.
    Disallowed,
    /// It is too short or too long.
    Length,
    /// It contains something that HTML treats as markup.
    Invalid,
}

/// Normalises a name to the form in which it is stored. The result obeys the rules as well and is
/// its own normal form.
///
/// # Errors
/// [`Refusal`] if the name is invalid.
pub fn normalise(name: &str, options: &UsernameOptions) -> Result<String, Refusal> {
    let name = name.trim_matches(is_space);
    check(name, options)?;
    let kept = to_form(name, options.form);
    // The reference checks only the typed form; a full-width < becomes an ASCII one here.
    check(&kept, options)?;
    if kept.starts_with(is_space) || kept.ends_with(is_space) {
        return Err(Refusal::Invalid);
    }
    let length = kept.chars().count();
    if length < options.min_length || length > options.max_length {
        return Err(Refusal::Length);
    }
    Ok(kept.into_owned())
}

fn check(name: &str, options: &UsernameOptions) -> Result<(), Refusal> {
    if !is_same_as_markup(name) {
        return Err(Refusal::Invalid);
    }
    let allowed = |c: char| {
        let category = get_general_category(c).abbreviation();
        options
            .allowed_categories
            .iter()
            .any(|prefix| category.starts_with(prefix.as_str()))
    };
    // A letter and its accent count as one composed letter, however they are encoded.
    let composed = to_form(name, Some(Form::Nfc));
    if !options.allowed_categories.is_empty() && !composed.chars().all(allowed) {
        return Err(Refusal::Disallowed);
    }
    Ok(())
}

/// The characters that Python strips from a string.
fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Whether the text stays the same when it is parsed and serialised as HTML without tags, as nh3
/// does it.
fn is_same_as_markup(text: &str) -> bool {
    const ENTITIES: [&str; 4] = ["&amp;", "&lt;", "&gt;", "&nbsp;"];
    !text.contains(['<', '>', '\0', '\r', '\u{a0}'])
        && !text.starts_with('\u{feff}')
        && text.match_indices('&').all(|(place, _)| {
            ENTITIES
                .iter()
                .any(|entity| text[place..].starts_with(entity))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(name: &str) -> Result<String, Refusal> {
        let options = UsernameOptions {
            allowed_categories: vec!["L".to_owned(), "N".to_owned()],
            min_length: 4,
            max_length: 32,
            form: Some(Form::Nfkd),
        };
        normalise(name, &options)
    }

    #[test]
    fn names_are_letters_and_digits_of_any_script() {
        for name in [
            "mareike",
            "Mareike7",
            " padded ",
            "\u{433}\u{43e}\u{433}\u{43e}\u{43b}\u{44c}",
        ] {
            assert_eq!(kept(name).as_deref(), Ok(name.trim()), "{name}");
        }
        assert_eq!(
            kept("\u{ff4d}\u{ff41}\u{ff52}\u{ff4b}").as_deref(),
            Ok("mark")
        );
    }

    #[test]
    fn refusals() {
        assert_eq!(kept("abc"), Err(Refusal::Length));
        assert_eq!(kept(&"a".repeat(33)), Err(Refusal::Length));
        assert_eq!(kept("with space"), Err(Refusal::Disallowed));
        assert_eq!(kept("a@b.example"), Err(Refusal::Disallowed));
        assert_eq!(kept("<b>bold</b>"), Err(Refusal::Invalid));
    }

    #[test]
    fn categories_count_as_a_whole_or_by_their_first_letter() {
        let with = |categories: &[&str], name: &str| {
            let options = UsernameOptions {
                allowed_categories: categories.iter().map(ToString::to_string).collect(),
                min_length: 1,
                max_length: 32,
                form: None,
            };
            normalise(name, &options).is_ok()
        };
        // Lu, Ll, Lo, Nd, Nd of another script, Nl, No.
        for name in ["A", "a", "\u{5d0}", "7", "\u{665}", "\u{2163}", "\u{bd}"] {
            assert!(with(&["L", "N"], name), "{name}");
        }
        // Pc, Pd, So, an inner Zs, Cf, a lone Mn.
        for name in ["_", "-", "\u{2603}", "a b", "a\u{200d}b", "\u{301}"] {
            assert!(!with(&["L", "N"], name), "{name}");
        }
        assert!(with(&["Ll", "Pd"], "a-b"));
        assert!(!with(&["Ll", "Pd"], "A-b"));
        assert!(!with(&["Nd"], "\u{2163}"));
        // Without categories, everything except markup is allowed.
        assert!(with(&[], "a_b-c \u{2603}"));
        assert!(!with(&[], "a<b"));
    }
}
