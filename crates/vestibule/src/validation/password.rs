//! What a new password has to be.
//!
//! The reference's order: its length, whether it leaked, whether it is easy to guess; the first
//! that has something to say is the only one that does. An application's own checks come last.

#[cfg(test)]
pub(crate) mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use zeroize::Zeroizing;

#[cfg(feature = "breached")]
use super::breached::Breached;
use crate::http::fault::Fault;
use crate::messages::{LocalizedMessage, Message};
use crate::secrets::passwords::Passwords;
use crate::settings::{LONGEST_PASSWORD, PasswordSettings};

/// How much of a password zxcvbn looks at, in characters: its work grows faster than the text,
/// and nobody guesses what is longer. The worst of this length, made
/// of the signs that stand for letters, takes four tenths of a second.
const JUDGED: usize = 72;

/// How many words about its user it looks for, of how many characters.
const WORDS: usize = 32;
const WORD: usize = 64;
const SHORTEST_WORD: usize = 3;

/// What an application asks of new passwords beyond the settings.
///
/// ```
/// use vestibule::PasswordCheck;
/// use vestibule::messages::{Message, LocalizedMessage};
///
/// #[derive(Debug)]
/// struct NotTheShop;
///
/// #[async_trait::async_trait]
/// impl PasswordCheck for NotTheShop {
///     async fn check(&self, password: &str, _about: &[&str]) -> Vec<LocalizedMessage> {
///         let said = || LocalizedMessage::from(Message::PasswordTooSimple).in_own_words("Not our own name.");
///         password.contains("shop").then(said).into_iter().collect()
///     }
/// }
///
/// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
/// builder.password_check(NotTheShop)
/// # }
/// ```
#[async_trait]
pub trait PasswordCheck: Send + Sync + fmt::Debug {
    /// What is wrong with a password, in the form in which it will be hashed: nothing, if it is
    /// good. `about` is what is known of its user. A text of one's own is said by
    /// [`LocalizedMessage::in_own_words`].
    async fn check(&self, password: &str, about: &[&str]) -> Vec<LocalizedMessage>;
}

/// The rules in force.
#[derive(Debug)]
pub(crate) struct PasswordRules {
    least: usize,
    /// The least score of zxcvbn.
    complexity: Option<u8>,
    #[cfg(feature = "breached")]
    breached: Option<Breached>,
    own: Vec<Arc<dyn PasswordCheck>>,
}

impl PasswordRules {
    /// # Errors
    /// When TLS cannot be set up.
    #[cfg_attr(
        not(feature = "breached"),
        expect(clippy::unnecessary_wraps, reason = "as where lists can be asked")
    )]
    pub(crate) fn new(
        settings: &PasswordSettings,
        own: Vec<Arc<dyn PasswordCheck>>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            least: settings.length_min,
            complexity: settings.complexity,
            #[cfg(feature = "breached")]
            breached: settings.breached.as_ref().map(Breached::new).transpose()?,
            own,
        })
    }

    /// What is wrong with a (normalised) password. Work on it is done on the threads of
    /// `passwords`.
    ///
    /// # Errors
    /// [`Fault::Busy`] when those have no time.
    pub(crate) async fn judge(
        &self,
        passwords: &Passwords,
        password: &str,
        about: &[&str],
    ) -> Result<Vec<LocalizedMessage>, Fault> {
        let length = password.chars().count();
        if length < self.least || length > LONGEST_PASSWORD {
            return Ok(vec![
                Message::PasswordInvalidLength.with("length", self.least),
            ]);
        }
        #[cfg(feature = "breached")]
        if let Some(breached) = &self.breached
            && let Some(message) = breached.verdict(password).await
        {
            return Ok(vec![message.into()]);
        }
        if let Some(least) = self.complexity
            && score(passwords, password, about).await? < least
        {
            return Ok(vec![Message::PasswordTooSimple.into()]);
        }
        for check in &self.own {
            let wrong = check.check(password, about).await;
            if !wrong.is_empty() {
                return Ok(wrong);
            }
        }
        Ok(Vec::new())
    }
}

/// How hard a password is to guess, from 0 to 4.
async fn score(passwords: &Passwords, password: &str, about: &[&str]) -> Result<u8, Fault> {
    let password = Zeroizing::new(beginning(password, JUDGED));
    let words = words(about);
    passwords
        .consider(move || {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            u8::from(zxcvbn::zxcvbn(&password, &words).score())
        })
        .await
}

/// What is known of a user, as a whole and in its parts: of `ana.berg@example.com` also `berg`.
fn words(about: &[&str]) -> Vec<String> {
    let whole = about.iter().copied();
    let parts = about
        .iter()
        .flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    let mut words: Vec<String> = Vec::new();
    for text in whole.chain(parts) {
        let word = beginning(text, WORD);
        if word.chars().count() >= SHORTEST_WORD && !words.contains(&word) {
            words.push(word);
        }
        if words.len() == WORDS {
            break;
        }
    }
    words
}

fn beginning(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}
