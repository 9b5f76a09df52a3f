//! Every sentence that a user of the API may read.
//!
//! A message has a stable code, which is the reference's `SECURITY_MSG_*` name
//! where it has one, and our own English text. A `SECURITY_MSG_<CODE>` setting
//! replaces the text.

mod explanations;
mod keys;

use std::collections::HashMap;

pub use explanations::Explanation;
pub use keys::Message;

/// The texts in force: ours, with the configured replacements.
#[derive(Debug, Clone, Default)]
pub struct Messages {
    replaced: HashMap<Message, String>,
}

impl Messages {
    /// Takes the replacements, keyed by code (`INVALID_PASSWORD`). Codes of
    /// features that this version does not serve are passed over.
    pub fn new<'a>(replacements: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let replaced = replacements
            .into_iter()
            .filter_map(|(code, text)| Some((Message::from_code(code)?, text.to_owned())))
            .collect();
        Self { replaced }
    }

    /// The text of a message.
    #[must_use]
    pub fn text(&self, message: Message) -> &str {
        self.replaced
            .get(&message)
            .map_or_else(|| message.default_text(), String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replacement_wins_and_an_unknown_code_is_passed_over() {
        let messages = Messages::new([("INVALID_PASSWORD", "Nope."), ("PHONE_INVALID", "x")]);
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
