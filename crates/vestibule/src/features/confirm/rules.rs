//! Checking the links that confirm an address, and confirming it.

use vestibule_formats::link_token::LinkToken;
use vestibule_store::{Applied, Change, OnlyIf, User, UserChange, UserPatch};

use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::links::step::LinkRefusal;
use crate::links::{self, Kind, Opened};
use crate::messages::{LocalizedMessage, Message};

/// The reason why no link is sent to an address, if there is one.
pub(super) fn objection(user: Option<&User>) -> Option<LocalizedMessage> {
    match user {
        None => Some(Message::UserDoesNotExist.into()),
        Some(user) if user.confirmed_at.is_some() => Some(Message::AlreadyConfirmed.into()),
        Some(_) => None,
    }
}

/// Checks a link and looks up its user.
pub(super) async fn judge(
    app: &App,
    info: &RequestInfo,
    token: &str,
) -> Result<Result<(Box<User>, LinkToken), LinkRefusal>, Fault> {
    let within = app.settings().accounts.confirm.link.within;
    Ok(match links::open(app, Kind::Confirm, token).await? {
        Opened::Expired(_) => {
            let within = app.period(info, within);
            Err(LinkRefusal::error(
                Message::ConfirmationExpired.with("within", within),
            ))
        }
        Opened::Invalid => Err(LinkRefusal::error(Message::InvalidConfirmationToken)),
        Opened::Valid(user, _) if user.confirmed_at.is_some() => {
            Err(LinkRefusal::info(Message::AlreadyConfirmed))
        }
        Opened::Valid(user, token) => Ok((user, token)),
    })
}

/// Consumes a link and confirms the address that it was mailed to.
pub(super) async fn confirm(
    app: &App,
    info: &RequestInfo,
    token: &str,
) -> Result<Result<User, LinkRefusal>, Fault> {
    let (mut user, token) = match judge(app, info, token).await? {
        Ok(found) => found,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let now = app.clock().now();
    let patch = UserPatch {
        only_if: OnlyIf {
            email: user.email.clone(),
            fs_uniquifier: Some(user.fs_uniquifier.clone()),
            unconfirmed: true,
            ..OnlyIf::default()
        },
        confirmed_at: Some(Some(now)),
        ..UserPatch::default()
    };
    let event = Event::Confirmed { user_id: user.id };
    let change = Change {
        consumes: vec![links::consume(app, Kind::Confirm, &token)],
        user: Some(UserChange::Update(user.id, Box::new(patch))),
        ..Change::default()
    };
    if app.commit(info, change, &event).await? != Applied::Done(Some(user.id)) {
        return Ok(Err(LinkRefusal::info(Message::AlreadyConfirmed)));
    }
    user.confirmed_at = Some(now);
    Ok(Ok(*user))
}
