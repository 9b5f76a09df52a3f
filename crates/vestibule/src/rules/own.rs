//! What an application asks of names and numbers beyond the settings.

use std::fmt;
use std::sync::Arc;

use crate::messages::Said;

/// What an application asks of new usernames beyond the settings.
pub trait UsernameCheck: Send + Sync + fmt::Debug {
    /// What is wrong with a name, in the form in which it will be kept: nothing, if it is good. A
    /// text of one's own is said by [`Said::in_own_words`].
    fn check(&self, username: &str) -> Vec<Said>;
}

/// How an application reads phone numbers, instead of as the settings say.
pub trait PhoneNumbers: Send + Sync + fmt::Debug {
    /// The number as it is kept and compared; nothing, if it is none.
    fn normalise(&self, text: &str) -> Option<String>;
}

/// What an application brought.
#[derive(Debug, Default)]
pub(crate) struct OwnRules {
    pub(crate) usernames: Vec<Arc<dyn UsernameCheck>>,
    pub(crate) phone_numbers: Option<Arc<dyn PhoneNumbers>>,
}
