//! A message with the values for its placeholders.

use super::Message;
use super::placeholders;

/// A message, and the values for the placeholders in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalizedMessage {
    /// The message.
    pub message: Message,
    arguments: Vec<(&'static str, String)>,
    own_words: Option<String>,
}

impl LocalizedMessage {
    /// Sets the value of a placeholder: `%(name)s` in the text.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "most are made for it")]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.arguments.push((name, value.to_string()));
        self
    }

    /// Replaces the text with the application's own; the code stays the message's.
    #[must_use]
    pub fn in_own_words(mut self, text: impl Into<String>) -> Self {
        self.own_words = Some(text.into());
        self
    }

    /// The application's own text, if set.
    pub(super) fn own_words(&self) -> Option<&str> {
        self.own_words.as_deref()
    }

    /// Fills the placeholders of a text. Placeholders inside a value are not filled.
    #[must_use]
    pub fn fill(&self, text: &str) -> String {
        placeholders::fill(text, |name| {
            let argument = self.arguments.iter().find(|(known, _)| *known == name)?;
            Some(&argument.1)
        })
    }
}

impl From<Message> for LocalizedMessage {
    fn from(message: Message) -> Self {
        Self {
            message,
            arguments: Vec::new(),
            own_words: None,
        }
    }
}

impl Message {
    /// The message with a value for a placeholder in its text.
    #[must_use]
    pub fn with(self, name: &'static str, value: impl ToString) -> LocalizedMessage {
        LocalizedMessage::from(self).with(name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_filled_once_and_unknown_ones_are_kept() {
        let said = Message::LoginExpired
            .with("within", "2 days")
            .with("email", "%(within)s@example.com");
        assert_eq!(
            said.fill("%(within)s, %(email)s, %(other)s, %(, 100%"),
            "2 days, %(within)s@example.com, %(other)s, %(, 100%"
        );
    }
}
