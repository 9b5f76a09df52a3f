//! Whom a stranger may have a mail sent to.

use vestibule_store::User;

use crate::app::App;
use crate::http::body::{Field, Fields};
use crate::http::fault::HandlerError;
use crate::http::reject::{FieldErrors, Rejection};
use crate::identity;
use crate::messages::{LocalizedMessage, Message};

/// The field that names them.
pub(crate) const EMAIL: &str = "email";

/// Whom a mail was asked for.
pub(crate) struct Addressee {
    /// Who, or somebody who is not there.
    pub(crate) user: User,
    /// Whether they are there, and get it. For whoever is not as much is done, and nothing sent.
    pub(crate) known: bool,
}

impl Addressee {
    /// Reads who is meant. `objection` says why they get no mail; nothing, if they do. With
    /// generic responses nobody hears of it: then there is nobody only if the field holds no
    /// text. What is no address by today's rules may be one that is stored, so as much is done for
    /// it.
    ///
    /// # Errors
    /// What is wrong with the field, where that is told.
    pub(crate) async fn read(
        app: &App,
        fields: &Fields,
        objection: impl FnOnce(Option<&User>) -> Option<LocalizedMessage>,
    ) -> Result<Option<Self>, HandlerError> {
        let mut errors = FieldErrors::default();
        let email = match fields.text(EMAIL) {
            Field::Text(text) => Some(text),
            Field::Empty => {
                errors.push(EMAIL, Message::EmailNotProvided);
                None
            }
            Field::WrongType => {
                errors.push(EMAIL, Message::ApiError);
                None
            }
        };
        let mut user = None;
        if let Some(email) = email {
            user = identity::by_address(app, email).await?;
            if user.is_none() && !identity::is_address(app, email) {
                errors.push(EMAIL, Message::InvalidEmailAddress);
            } else if let Some(said) = objection(user.as_ref()) {
                errors.push(EMAIL, said);
                user = None;
            }
        }
        if !errors.is_empty() && !app.settings().login.return_generic_responses {
            return Err(Rejection::fields(errors).into());
        }
        let email = email.filter(|email| email.len() <= identity::LONGEST_ADDRESS);
        Ok(email.map(|email| Self {
            known: user.is_some(),
            user: user.unwrap_or_else(|| identity::nobody(app, email)),
        }))
    }

    /// The address that is kept, not the one that was typed.
    pub(crate) fn address(&self) -> &str {
        self.user.email.as_deref().unwrap_or_default()
    }
}
