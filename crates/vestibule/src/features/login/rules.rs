//! Checking the credentials of a sign-in.

use vestibule_store::{Identity, User};

use super::wire::{LoginRequest, Named, PASSWORD};
use crate::app::App;
use crate::guard::{Guesser, OnSuccess, Principal};
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::FieldErrors;
use crate::identity;
use crate::messages::Message;
use crate::session::proof::{self, Factor, PasswordCheck};
use crate::session::sign_in::Authentication;

/// Authenticates the user whom the request names. Takes one look-up and one comparison, whether or
/// not the user exists.
///
/// # Errors
/// 429 if there were too many attempts, or if the store fails. The inner errors are those in the fields.
pub(super) async fn authenticate(
    app: &App,
    guesser: Guesser<'_>,
    attempt: LoginRequest,
) -> Result<Result<Box<Authentication>, FieldErrors>, HandlerError> {
    let user = match &attempt.named {
        Some(named) => find(app, named).await?,
        None => None,
    };
    let typed = attempt.named.as_ref().map_or("", Named::text);
    let principal = Principal::of(user.as_ref(), typed);
    let clear = OnSuccess::ClearCounter;
    let check = proof::check_password(app, guesser, principal, &attempt.password, clear).await?;
    let Some(user) = user else {
        let why = match &attempt.named {
            Some(Named::Email(text)) if !identity::is_address(app, text) => {
                Message::InvalidEmailAddress
            }
            _ => Message::UserDoesNotExist,
        };
        return Ok(Err(FieldErrors::one(attempt.field(), why)));
    };
    let PasswordCheck::Right { upgrade } = check else {
        return Ok(Err(FieldErrors::one(PASSWORD, Message::InvalidPassword)));
    };
    let mut authentication = Authentication::by(app, user, Factor::Password);
    authentication.upgrade = upgrade;
    if let Some(remember) = attempt.remember {
        authentication.remember = remember;
    }
    Ok(Ok(Box::new(authentication)))
}

async fn find(app: &App, named: &Named) -> Result<Option<User>, Fault> {
    match named {
        Named::Email(text) => identity::by_address(app, text).await,
        Named::Username(value) => identity::find(app, Identity::Username, value).await,
    }
}
