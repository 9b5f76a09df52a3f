//! Checking the links that change an address, and changing it.

use vestibule_formats::link_token::LinkToken;
use vestibule_store::{
    Applied, Change, Identity, NewMail, OnlyIf, StoreError, User, UserChange, UserPatch,
};

use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::links::step::LinkRefusal;
use crate::links::{self, Kind, Opened};
use crate::mail::{self, Email};
use crate::messages::Message;

/// A valid link: its user, and the new address that it was mailed to.
pub(super) struct ValidLink {
    user: Box<User>,
    email: String,
    token: LinkToken,
}

/// Checks a link and looks up its user.
pub(super) async fn judge(
    app: &App,
    info: &RequestInfo,
    token: &str,
) -> Result<Result<ValidLink, LinkRefusal>, Fault> {
    let within = app.settings().accounts.change_email.link.within;
    let (user, token) = match links::open(app, Kind::ChangeEmail, token).await? {
        Opened::Valid(user, token) if user.active => (user, token),
        Opened::Expired(_) => {
            let within = app.period(info, within);
            let message = Message::ChangeEmailExpired.with("within", within);
            return Ok(Err(LinkRefusal::error(message)));
        }
        Opened::Valid(..) | Opened::Invalid => return Ok(Err(invalid())),
    };
    let Some(email) = token.part(2).map(str::to_owned) else {
        return Ok(Err(invalid()));
    };
    if identity::find(app, Identity::Email, &email)
        .await?
        .is_some()
    {
        return Ok(Err(invalid()));
    }
    Ok(Ok(ValidLink { user, email, token }))
}

fn invalid() -> LinkRefusal {
    LinkRefusal::error(Message::ApiError)
}

/// Consumes a link and stores the address that it was mailed to.
pub(super) async fn confirm(
    app: &App,
    info: &RequestInfo,
    token: &str,
) -> Result<Result<User, LinkRefusal>, Fault> {
    let ValidLink {
        mut user,
        email,
        token,
    } = match judge(app, info, token).await? {
        Ok(link) => link,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let now = app.clock().now();
    let old = user.email.clone().unwrap_or_default();
    let patch = UserPatch {
        only_if: OnlyIf {
            email: user.email.clone(),
            fs_uniquifier: Some(user.fs_uniquifier.clone()),
            unconfirmed: false,
            ..OnlyIf::default()
        },
        email: Some(email.clone()),
        confirmed_at: Some(Some(now)),
        ..UserPatch::default()
    };
    let event = Event::ChangeEmailConfirmed {
        user_id: user.id,
        old_email: &old,
    };
    let change = Change {
        consumes: vec![links::consume(app, Kind::ChangeEmail, &token)],
        claims: identity::claim(app, Identity::Email, &email),
        user: Some(UserChange::Update(user.id, Box::new(patch))),
        mails: notice(app, info, &user, &old, &email)?,
        ..Change::default()
    };
    match app.commit(info, change, &event).await {
        Ok(Applied::Done(_)) => {}
        Ok(Applied::Spent | Applied::Stale)
        | Err(StoreError::Conflict { .. } | StoreError::Unstorable) => {
            return Ok(Err(invalid()));
        }
        Err(error) => return Err(error.into()),
    }
    user.email = Some(email);
    user.confirmed_at = Some(now);
    Ok(Ok(*user))
}

/// The notice to the old address, which no longer identifies the user.
fn notice(
    app: &App,
    info: &RequestInfo,
    user: &User,
    old: &str,
    new: &str,
) -> Result<Vec<NewMail>, Fault> {
    let Some(template) = &app.settings().accounts.change_email.notice else {
        return Ok(Vec::new());
    };
    let email = Email::new(
        template,
        old,
        [("user", mail::about(user)), ("new_email", new.into())],
    );
    Ok(vec![app.write(info, &email)?])
}
