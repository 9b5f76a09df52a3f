//! The recipient of a mail that an unauthenticated client requests.

use vestibule_store::User;

use crate::app::App;
use crate::guard;
use crate::http::body::{Field, Fields};
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::messages::{LocalizedMessage, Message};

/// The field with the recipient's address.
pub(crate) const EMAIL: &str = "email";

/// The user that a mail was requested for.
pub(crate) struct Addressee {
    /// The user, or a placeholder if no such user exists.
    pub(crate) user: User,
    /// Whether the user exists and gets the mail. For unknown users, and over the limit on mails,
    /// we do the same work and send nothing.
    pub(crate) known: bool,
}

impl Addressee {
    /// Reads the recipient from the request. `objection` returns the reason why a user gets no
    /// mail, or `None` if they get one.
    ///
    /// With generic responses the client learns of no error, and the result is `None` only if the
    /// field has no text or is longer than any address. An address that today's rules reject may
    /// still be a stored one, so the same work is done for it.
    ///
    /// # Errors
    /// The errors in the field, unless responses are generic.
    pub(crate) async fn read(
        app: &App,
        info: &RequestInfo,
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
        let Some(email) = email else {
            return Ok(None);
        };
        let known = user.is_some();
        let user = user.unwrap_or_else(|| identity::placeholder(app, email));
        Ok(Some(Self::limited(app, info, user, known).await?))
    }

    /// Counts the mail. Over the limit nothing is sent, as for an unknown user.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn limited(
        app: &App,
        info: &RequestInfo,
        user: User,
        known: bool,
    ) -> Result<Self, Fault> {
        let mut addressee = Self { user, known };
        let user_id = known.then_some(addressee.user.id);
        let allowed = guard::may_send(app, info, addressee.address(), user_id).await?;
        addressee.known &= allowed;
        Ok(addressee)
    }

    /// The stored address, not the one in the request.
    pub(crate) fn address(&self) -> &str {
        self.user.email.as_deref().unwrap_or_default()
    }
}
