//! Unicode normalisation forms (UAX 15).

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization as _;

/// A normalisation form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Canonical composition.
    Nfc,
    /// Canonical decomposition.
    Nfd,
    /// Compatibility composition.
    Nfkc,
    /// Compatibility decomposition.
    Nfkd,
}

/// Normalises a text; without a form, returns it unchanged.
#[must_use]
pub fn normalise(text: &str, form: Option<Form>) -> Cow<'_, str> {
    let Some(form) = form.filter(|_| !text.is_ascii()) else {
        return Cow::Borrowed(text);
    };
    Cow::Owned(match form {
        Form::Nfc => text.nfc().collect(),
        Form::Nfd => text.nfd().collect(),
        Form::Nfkc => text.nfkc().collect(),
        Form::Nfkd => text.nfkd().collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms() {
        assert_eq!(normalise("e\u{301}", Some(Form::Nfc)), "\u{e9}");
        assert_eq!(normalise("\u{e9}", Some(Form::Nfd)), "e\u{301}");
        assert_eq!(normalise("\u{fb01}", Some(Form::Nfkc)), "fi");
        assert_eq!(normalise("\u{ff21}\u{e9}", Some(Form::Nfkd)), "Ae\u{301}");
        assert_eq!(normalise("\u{fb01}", None), "\u{fb01}");
    }
}
