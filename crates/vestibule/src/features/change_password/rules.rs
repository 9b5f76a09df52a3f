//! Who may change a password, and what that ends.

use vestibule_store::{Applied, Change, OnlyIf, PasswordChange, User, UserChange, UserPatch};

use super::{NEW_PASSWORD, PASSWORD};
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::reject::FieldErrors;
use crate::http::request_info::RequestInfo;
use crate::links;
use crate::mail::{self, Email};
use crate::messages::Message;
use crate::rng;
use crate::session::proof::{self, PasswordCheck};
use crate::validation;

/// What becomes of a new password.
pub(super) enum Decision {
    /// The old one stays: this is wrong.
    Refused(FieldErrors),
    /// It is in force.
    Replaced(Box<User>),
}

fn refused(field: &'static str, message: Message) -> Decision {
    Decision::Refused(FieldErrors::one(field, message))
}

/// Changes the password of whoever shows the old one, if there is one. Every session and every
/// token ends with it.
pub(super) async fn replace(
    app: &App,
    info: &RequestInfo,
    user: User,
    old: Option<&str>,
    new: &str,
) -> Result<Decision, Fault> {
    if user.password.is_some() {
        let Some(old) = old.filter(|old| !old.trim().is_empty()) else {
            return Ok(refused(PASSWORD, Message::PasswordNotProvided));
        };
        let check = proof::check_password(app, info, Some(&user), old).await?;
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
        errors.extend(problems.into_iter().map(|said| (NEW_PASSWORD.name, said)));
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
        // Somebody else changed it meanwhile: what was shown is the old one no more.
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
    let (Some(template), Some(email)) = (notice, &user.email) else {
        return Ok(Vec::new());
    };
    // For whoever did not do this.
    let recover = &app.settings().accounts.recover;
    let recovery_link = recover
        .enabled
        .then(|| links::endpoint(app, info, &recover.url));
    let email_message = Email::new(
        template,
        email,
        [
            ("user", mail::about(user)),
            ("recovery_link", recovery_link.into()),
        ],
    );
    Ok(vec![app.write(info, &email_message)?])
}
