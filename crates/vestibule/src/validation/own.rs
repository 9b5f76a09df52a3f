//! What an application asks of names and numbers beyond the settings.

use std::fmt;
use std::sync::Arc;

use vestibule_store::User;

use crate::messages::LocalizedMessage;

/// What an application asks of new usernames beyond the settings.
///
/// ```
/// use vestibule::UsernameCheck;
/// use vestibule::messages::{Message, LocalizedMessage};
///
/// #[derive(Debug)]
/// struct NobodyIsRoot;
///
/// impl UsernameCheck for NobodyIsRoot {
///     fn check(&self, username: &str) -> Vec<LocalizedMessage> {
///         let said = || LocalizedMessage::from(Message::UsernameInvalidLength).in_own_words("That name is ours.");
///         (username == "root").then(said).into_iter().collect()
///     }
/// }
///
/// assert!(NobodyIsRoot.check("ana").is_empty());
/// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
/// builder.username_check(NobodyIsRoot)
/// # }
/// ```
pub trait UsernameCheck: Send + Sync + fmt::Debug {
    /// What is wrong with a name, in the form in which it will be kept: nothing, if it is good. A
    /// text of one's own is said by [`LocalizedMessage::in_own_words`].
    fn check(&self, username: &str) -> Vec<LocalizedMessage>;
}

/// How an application reads phone numbers, instead of as the settings say.
///
/// ```
/// use vestibule::PhoneNumbers;
///
/// /// Numbers of one country, with or without its code.
/// #[derive(Debug)]
/// struct Austrian;
///
/// impl PhoneNumbers for Austrian {
///     fn normalise(&self, text: &str) -> Option<String> {
///         let digits: String = text.chars().filter(char::is_ascii_digit).collect();
///         let national = digits.strip_prefix("43").or_else(|| digits.strip_prefix('0'))?;
///         Some(format!("+43{national}"))
///     }
/// }
///
/// assert_eq!(Austrian.normalise("0664 1234567").as_deref(), Some("+436641234567"));
/// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
/// builder.phone_numbers(Austrian)
/// # }
/// ```
pub trait PhoneNumbers: Send + Sync + fmt::Debug {
    /// The number as it is kept and compared; nothing, if it is none.
    fn normalise(&self, text: &str) -> Option<String>;
}

/// Why somebody may not sign in now, if there is something.
pub(crate) type Objection = Box<dyn Fn(&User) -> Option<LocalizedMessage> + Send + Sync>;

/// What an application brought.
#[derive(Default)]
pub(crate) struct OwnRules {
    pub(crate) usernames: Vec<Arc<dyn UsernameCheck>>,
    pub(crate) phone_numbers: Option<Arc<dyn PhoneNumbers>>,
    pub(crate) objection: Option<Objection>,
}

impl OwnRules {
    /// Why the application does not let somebody sign in.
    pub(crate) fn objection(&self, user: &User) -> Option<LocalizedMessage> {
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
