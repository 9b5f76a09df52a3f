//! Checking and applying a change of the username.

use vestibule_store::{
    Applied, Change, Identity, NewMail, OnlyIf, StoreError, User, UserChange, UserPatch,
};

use super::USERNAME;
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::reject::FieldErrors;
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::mail::{self, Email};
use crate::messages::Message;

/// The outcome of a change of the username.
pub(super) enum Decision {
    /// The old name stays, because of these errors.
    Refused(FieldErrors),
    /// The new name is stored.
    Renamed(Box<User>),
}

/// Gives a user a (normalised) name, unless another user has it.
pub(super) async fn rename(
    app: &App,
    info: &RequestInfo,
    mut user: User,
    name: &str,
) -> Result<Decision, Fault> {
    let taken = || {
        let message = Message::UsernameAlreadyAssociated.with("username", name);
        Decision::Refused(FieldErrors::one(USERNAME, message))
    };
    if identity::find(app, Identity::Username, name)
        .await?
        .is_some()
    {
        return Ok(taken());
    }
    let patch = UserPatch {
        only_if: OnlyIf {
            fs_uniquifier: Some(user.fs_uniquifier.clone()),
            ..OnlyIf::default()
        },
        username: Some(Some(name.to_owned())),
        ..UserPatch::default()
    };
    let event = Event::UsernameChanged {
        user_id: user.id,
        old_username: user.username.as_deref(),
    };
    let change = Change {
        claims: identity::claim(app, Identity::Username, name),
        user: Some(UserChange::Update(user.id, Box::new(patch))),
        mails: notice(app, info, &user, name)?,
        ..Change::default()
    };
    match app.commit(info, change, &event).await {
        Ok(Applied::Done(_)) => {}
        Ok(Applied::Stale | Applied::Spent) | Err(StoreError::Conflict { .. }) => {
            return Ok(taken());
        }
        Err(error) => return Err(error.into()),
    }
    user.username = Some(name.to_owned());
    Ok(Decision::Renamed(Box::new(user)))
}

fn notice(app: &App, info: &RequestInfo, user: &User, name: &str) -> Result<Vec<NewMail>, Fault> {
    let notice = &app.settings().accounts.change_username.notice;
    let (Some(template), Some(address)) = (notice, &user.email) else {
        return Ok(Vec::new());
    };
    let about = mail::person(Some(address), Some(name));
    let email = Email::new(template, address, [("user", about)]);
    Ok(vec![app.write(info, &email)?])
}
