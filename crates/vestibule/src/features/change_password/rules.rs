//! Checking and applying a change of the password, which revokes every session and token.

use vestibule_store::{Applied, Change, OnlyIf, PasswordChange, User, UserChange, UserPatch};

use super::{NEW_PASSWORD, PASSWORD};
use crate::app::App;
use crate::guard::{Guesser, OnSuccess, Principal};
use crate::hooks::Event;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::FieldErrors;
use crate::http::request_info::RequestInfo;
use crate::links;
use crate::mail::{self, Email};
use crate::messages::Message;
use crate::rng;
use crate::session::proof::{self, PasswordCheck};
use crate::validation;

/// The outcome of a change of the password.
pub(super) enum Decision {
    /// The old password stays, because of these errors.
    Refused(FieldErrors),
    /// The new password is stored.
    Replaced(Box<User>),
}

fn refused(field: &'static str, message: Message) -> Decision {
    Decision::Refused(FieldErrors::one(field, message))
}

/// Changes the password of a user who shows the old one or has none, and revokes every session and
/// token.
pub(super) async fn replace(
    app: &App,
    guesser: Guesser<'_>,
    user: User,
    old: Option<&str>,
    new: &str,
) -> Result<Decision, HandlerError> {
    let info = guesser.info;
    if user.password.is_some() {
        let Some(old) = old.filter(|old| !old.trim().is_empty()) else {
            return Ok(refused(PASSWORD, Message::PasswordNotProvided));
        };
        let principal = Principal::Account(&user);
        let clear = OnSuccess::ClearCounter;
        let check = proof::check_password(app, guesser, principal, old, clear).await?;
        if check == PasswordCheck::Wrong {
            return Ok(refused(PASSWORD, Message::InvalidPassword));
        }
        if old == new {
            return Ok(refused(PASSWORD, Message::PasswordIsTheSame));
        }
    }
    let problems = validation::judge(app, new, &validation::known_of(&user)).await?;
    if !problems.is_empty() {
        let mut errors = FieldErrors::default();
        errors.extend(
            problems
                .into_iter()
                .map(|message| (NEW_PASSWORD.name, message)),
        );
        return Ok(Decision::Refused(errors));
    }
    let hash = app.passwords().hash(new).await?;
    let patch = UserPatch {
        only_if: OnlyIf {
            fs_uniquifier: Some(user.fs_uniquifier.clone()),
            ..OnlyIf::default()
        },
        password: Some(PasswordChange::Set(hash)),
        fs_uniquifier: Some(rng::hex::<16>(app.random())),
        fs_token_uniquifier: Some(rng::hex::<16>(app.random())),
        ..UserPatch::default()
    };
    let event = Event::PasswordChanged { user_id: user.id };
    let change = Change {
        user: Some(UserChange::Update(user.id, Box::new(patch))),
        mails: notice(app, info, &user)?,
        ..Change::default()
    };
    if !matches!(app.commit(info, change, &event).await?, Applied::Done(_)) {
        // Another request changed the password meanwhile, so the one shown is no longer valid.
        return Ok(refused(PASSWORD, Message::InvalidPassword));
    }
    Ok(Decision::Replaced(Box::new(app.reload(user.id).await?)))
}

fn notice(
    app: &App,
    info: &RequestInfo,
    user: &User,
) -> Result<Vec<vestibule_store::NewMail>, Fault> {
    let notice = &app.settings().accounts.change_password.notice;
    let (Some(template), Some(address)) = (notice, &user.email) else {
        return Ok(Vec::new());
    };
    // For a user who did not make this change.
    let recover = &app.settings().accounts.recover;
    let recovery_link = recover
        .enabled
        .then(|| links::endpoint(app, info, &recover.url));
    let email = Email::new(
        template,
        address,
        [
            ("user", mail::about(user)),
            ("recovery_link", recovery_link.into()),
        ],
    );
    Ok(vec![app.write(info, &email)?])
}
