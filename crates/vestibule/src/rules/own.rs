//! What an application asks of names and numbers beyond the settings.

use std::fmt;
use std::sync::Arc;

use vestibule_store::User;

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

/// Why somebody may not sign in now, if there is something.
pub(crate) type Objection = Box<dyn Fn(&User) -> Option<Said> + Send + Sync>;

/// What an application brought.
#[derive(Default)]
pub(crate) struct OwnRules {
    pub(crate) usernames: Vec<Arc<dyn UsernameCheck>>,
    pub(crate) phone_numbers: Option<Arc<dyn PhoneNumbers>>,
    pub(crate) objection: Option<Objection>,
}

impl OwnRules {
    /// Why the application does not let somebody sign in.
    pub(crate) fn objection(&self, user: &User) -> Option<Said> {
        self.objection
            .as_ref()
            .and_then(|objection| objection(user))
    }
}

impl fmt::Debug for OwnRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnRules")
            .field("usernames", &self.usernames)
            .field("phone_numbers", &self.phone_numbers)
            .finish_non_exhaustive()
    }
}
