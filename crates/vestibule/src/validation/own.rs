//! Rules for usernames and phone numbers that an application adds to the settings.

use std::fmt;
use std::sync::Arc;

use vestibule_store::User;

use crate::messages::LocalizedMessage;

/// An application's own rule for new usernames, in addition to the settings.
///
/// ```
/// use vestibule::UsernameCheck;
/// use vestibule::{LocalizedMessage, Message};
///
/// #[derive(Debug)]
/// struct RootIsReserved;
///
/// impl UsernameCheck for RootIsReserved {
///     fn check(&self, username: &str) -> Vec<LocalizedMessage> {
///         if username != "root" {
///             return Vec::new();
///         }
///         let message = LocalizedMessage::from(Message::UsernameInvalidLength);
///         vec![message.in_own_words("This username is reserved.")]
///     }
/// }
///
/// assert!(RootIsReserved.check("ana").is_empty());
/// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
/// builder.username_check(RootIsReserved)
/// # }
/// ```
pub trait UsernameCheck: Send + Sync + fmt::Debug {
    /// The errors in a username, in the form that will be stored; empty if it is valid. Use
    /// [`LocalizedMessage::in_own_words`] for a text of your own.
    fn check(&self, username: &str) -> Vec<LocalizedMessage>;
}

/// An application's own parser for phone numbers, instead of the one that the settings configure.
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
    /// The number in the form that is stored and compared, or `None` if it is invalid.
    fn normalise(&self, text: &str) -> Option<String>;
}

/// Why a user may not sign in now, or `None` if they may.
pub(crate) type Objection = Box<dyn Fn(&User) -> Option<LocalizedMessage> + Send + Sync>;

/// What is known about a user's second factor when a sign-in asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct SecondFactorState {
    /// Whether the user has set up a second factor.
    pub set_up: bool,
    /// Whether the client is a device on which the user showed the second factor before.
    pub remembered: bool,
}

/// Whether a user has to show a second factor, or `None` for what the settings require.
pub(crate) type SecondFactorRule =
    Box<dyn Fn(&User, SecondFactorState) -> Option<bool> + Send + Sync>;

/// The rules that an application added.
#[derive(Default)]
pub(crate) struct OwnRules {
    pub(crate) usernames: Vec<Arc<dyn UsernameCheck>>,
    pub(crate) phone_numbers: Option<Arc<dyn PhoneNumbers>>,
    pub(crate) objection: Option<Objection>,
    pub(crate) second_factor: Option<SecondFactorRule>,
}

impl OwnRules {
    /// Why the application refuses a user's sign-in.
    pub(crate) fn objection(&self, user: &User) -> Option<LocalizedMessage> {
        self.objection
            .as_ref()
            .and_then(|objection| objection(user))
    }
}

impl OwnRules {
    /// Whether the application requires a second factor of a user; `None` if it leaves that to the
    /// settings.
    pub(crate) fn requires_second_factor(
        &self,
        user: &User,
        state: SecondFactorState,
    ) -> Option<bool> {
        self.second_factor
            .as_ref()
            .and_then(|rule| rule(user, state))
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
