//! Who may come in.

use vestibule_formats::text::normalise;
use vestibule_store::{Identity, User, UserId};

use super::wire::{LoginRequest, Named};
use crate::app::App;
use crate::http::fault::Fault;
use crate::http::reject::FieldErrors;
use crate::identity;
use crate::messages::{LocalizedMessage, Message};
use crate::secrets::passwords::Verdict;
use crate::session::assurance;
use crate::session::sign_in::Admission;

/// What becomes of an attempt.
#[derive(Debug)]
pub(super) enum Decision {
    /// Not let in.
    Refused {
        /// Why, by field.
        errors: FieldErrors,
        /// Whose password was wrong, if one was: nobody's, if there is no such account.
        failed: Option<Option<UserId>>,
    },
    /// Let in.
    Admit(Box<Admission>),
}

/// Judges an attempt. One look-up and one comparison, whoever is named.
pub(super) async fn attempt(app: &App, attempt: LoginRequest) -> Result<Decision, Fault> {
    let user = match &attempt.named {
        Some(named) => find(app, named).await?,
        None => None,
    };
    let field = attempt.named.as_ref().map_or(attempt.blame, Named::field);
    let password = normalise::normalise(&attempt.password, app.settings().password.normalize_form);
    let verdict = app.passwords().check(user.as_ref(), &password).await?;

    let Some(user) = user else {
        let why = match &attempt.named {
            Some(Named::Email(text)) if !identity::is_address(app, text) => {
                Message::InvalidEmailAddress
            }
            _ => Message::UserDoesNotExist,
        };
        return Ok(Decision::Refused {
            errors: FieldErrors::one(field, why),
            failed: Some(None),
        });
    };
    let upgraded_hash = match verdict {
        Verdict::Wrong => {
            return Ok(Decision::Refused {
                errors: FieldErrors::one("password", Message::InvalidPassword),
                failed: Some(Some(user.id)),
            });
        }
        Verdict::Right => None,
        Verdict::RightButUpgrade(hash) => Some(hash),
    };
    // From here on the caller has shown that the account is theirs: details may be told.
    if let Some(reason) = assurance::sign_in_block(app, &user).await? {
        tracing::info!(user = %user.id, why = reason.message.code(), "the right password, and not let in");
        return Ok(refused(field, reason));
    }
    Ok(Decision::Admit(Box::new(Admission {
        user,
        via: &["password"],
        remember: attempt
            .remember
            .unwrap_or(app.settings().login.default_remember_me),
        upgraded_hash,
    })))
}

fn refused(field: &'static str, said: LocalizedMessage) -> Decision {
    Decision::Refused {
        errors: FieldErrors::one(field, said),
        failed: None,
    }
}

async fn find(app: &App, named: &Named) -> Result<Option<User>, Fault> {
    match named {
        Named::Email(text) => identity::by_address(app, text).await,
        Named::Username(value) => identity::find(app, Identity::Username, value).await,
    }
}
