//! The messages that users of the API may read.
//!
//! Each message has a stable code, which is the reference's `SECURITY_MSG_*` name if it has one,
//! and our own English text. A `SECURITY_MSG_<CODE>` setting replaces the text.

pub(crate) mod catalogue;
mod explanations;
mod keys;
mod locale;
mod localized;
pub(crate) mod method;
pub(crate) mod period;
pub(crate) mod placeholders;
mod po;

use std::collections::HashMap;

use self::catalogue::{Catalogues, Locale};

pub(crate) use explanations::Explanation;
pub use keys::Message;
pub use localized::LocalizedMessage;

/// The text of a `SECURITY_MSG_<CODE>` setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// The text.
    pub text: String,
    /// The severity in the reference's terms, which names the text in the query of a redirect.
    pub category: Option<String>,
}

/// The texts in force: the built-in ones, with the configured replacements.
#[derive(Debug, Clone, Default)]
pub struct Messages {
    replaced: HashMap<Message, Replacement>,
    catalogues: Catalogues,
}

impl Messages {
    /// Applies replacements, keyed by code (`INVALID_PASSWORD`). Codes of features that this
    /// version does not serve are ignored.
    pub fn new<'a>(replacements: impl IntoIterator<Item = (&'a str, &'a Replacement)>) -> Self {
        let replaced = replacements
            .into_iter()
            .filter_map(|(code, replacement)| {
                Some((Message::from_code(code)?, replacement.clone()))
            })
            .collect();
        Self {
            replaced,
            catalogues: Catalogues::built_in(),
        }
    }

    pub(crate) fn catalogues(&self) -> &Catalogues {
        &self.catalogues
    }

    /// The texts in a language. A configured text is not translated.
    pub(crate) fn spoken(&self, locale: Locale) -> Words<'_> {
        Words {
            messages: self,
            locale,
        }
    }

    /// The English or configured text of a message.
    #[must_use]
    pub fn text(&self, message: Message) -> &str {
        self.replaced
            .get(&message)
            .map_or_else(|| message.default_text(), |replacement| &replacement.text)
    }
}

/// The texts in the reader's language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Words<'a> {
    messages: &'a Messages,
    locale: Locale,
}

impl Words<'_> {
    /// The text of a message with its placeholders filled.
    pub(crate) fn say(self, localized: &LocalizedMessage) -> String {
        let Messages {
            replaced,
            catalogues,
        } = self.messages;
        let own_words = localized.own_words();
        let replacement = replaced.get(&localized.message);
        let configured = || replacement.map(|replacement| replacement.text.as_str());
        let text = match own_words.or_else(configured) {
            Some(text) => text,
            None => catalogues.translate(self.locale, localized.message.default_text()),
        };
        localized.fill(text)
    }

    /// The severity of a message, if a setting defines it.
    pub(crate) fn category(&self, message: Message) -> Option<&str> {
        self.messages.replaced.get(&message)?.category.as_deref()
    }

    /// Translates any other sentence.
    pub(crate) fn translate<'b>(&'b self, english: &'b str) -> &'b str {
        self.messages.catalogues.translate(self.locale, english)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_is_used_and_an_unknown_code_is_ignored() {
        let nope = Replacement {
            text: "Nope.".to_owned(),
            category: None,
        };
        let messages = Messages::new([("INVALID_PASSWORD", &nope), ("WEBAUTHN_EXPIRED", &nope)]);
        assert_eq!(messages.text(Message::InvalidPassword), "Nope.");
        assert_eq!(
            messages.text(Message::UserDoesNotExist),
            Message::UserDoesNotExist.default_text()
        );
    }

    #[test]
    fn codes_are_unique_and_found_again() {
        for message in Message::ALL {
            assert_eq!(Message::from_code(message.code()), Some(*message));
        }
    }
}
