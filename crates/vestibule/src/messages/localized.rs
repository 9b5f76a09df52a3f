//! A message with what it speaks of.

use super::Message;
use super::placeholders;

/// A message, and the values for the places in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalizedMessage {
    /// The message.
    pub message: Message,
    arguments: Vec<(&'static str, String)>,
    own_words: Option<String>,
}

impl LocalizedMessage {
    /// Fills a place: `%(name)s` in the text.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "most are made for it")]
    pub fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.arguments.push((name, value.to_string()));
        self
    }

    /// Says it in an application's own words; the code stays that of the message.
    #[must_use]
    pub fn in_own_words(mut self, text: impl Into<String>) -> Self {
        self.own_words = Some(text.into());
        self
    }

    /// The application's own words, if there are any.
    pub(super) fn own_words(&self) -> Option<&str> {
        self.own_words.as_deref()
    }

    /// The text with its places filled. What stands in a value is not looked at again.
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
    /// The message with a value for a place in its text.
    #[must_use]
    pub fn with(self, name: &'static str, value: impl ToString) -> LocalizedMessage {
        LocalizedMessage::from(self).with(name, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once_and_others_stay() {
        let said = Message::LoginExpired
            .with("within", "2 days")
            .with("email", "%(within)s@example.com");
        assert_eq!(
            said.fill("%(within)s, %(email)s, %(other)s, %(, 100%"),
            "2 days, %(within)s@example.com, %(other)s, %(, 100%"
        );
    }
}
