//! The rules for new passwords.
//!
//! They apply in the reference's order: the length, the list of breached passwords, and how easy
//! the password is to guess. Only the first rule that fails reports. An application's own checks
//! come last.

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

/// How many characters of a password zxcvbn examines: its running time grows faster than the
/// length, and longer passwords are not guessed. The worst case of this length, made of signs that
/// stand for letters, takes 0.4 seconds.
const JUDGED: usize = 72;

/// How many words about the user zxcvbn gets, and their maximum and minimum length in characters.
const WORDS: usize = 32;
const WORD: usize = 64;
const SHORTEST_WORD: usize = 3;

/// An application's own rule for new passwords, in addition to the settings.
///
/// ```
/// use vestibule::PasswordCheck;
/// use vestibule::{LocalizedMessage, Message};
///
/// #[derive(Debug)]
/// struct NoShopName;
///
/// #[async_trait::async_trait]
/// impl PasswordCheck for NoShopName {
///     async fn check(&self, password: &str, _about: &[&str]) -> Vec<LocalizedMessage> {
///         if !password.contains("shop") {
///             return Vec::new();
///         }
///         let message = LocalizedMessage::from(Message::PasswordTooSimple);
///         vec![message.in_own_words("A password must not contain our name.")]
///     }
/// }
///
/// # fn of(builder: vestibule::Builder) -> vestibule::Builder {
/// builder.password_check(NoShopName)
/// # }
/// ```
#[async_trait]
pub trait PasswordCheck: Send + Sync + fmt::Debug {
    /// The errors in a password, in the form that will be hashed; empty if it is valid. `about`
    /// holds what is known of its user. Use [`LocalizedMessage::in_own_words`] for a text of your
    /// own.
    async fn check(&self, password: &str, about: &[&str]) -> Vec<LocalizedMessage>;
}

/// The rules in force.
#[derive(Debug)]
pub(crate) struct PasswordRules {
    least: usize,
    /// The minimum score of zxcvbn.
    complexity: Option<u8>,
    #[cfg(feature = "breached")]
    breached: Option<Breached>,
    own: Vec<Arc<dyn PasswordCheck>>,
}

impl PasswordRules {
    /// # Errors
    /// If TLS cannot be set up.
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

    /// The errors in a (normalised) password. The work runs on the threads of `passwords`.
    ///
    /// # Errors
    /// [`Fault::Busy`] if their queue is full.
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

/// How hard a password is to guess, from 0 (easy) to 4.
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

/// What is known of a user, whole and split into words: `ana.berg@example.com` also yields `berg`.
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
