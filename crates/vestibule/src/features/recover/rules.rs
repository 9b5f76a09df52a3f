//! Checking the links that reset a password, and replacing it, which revokes sessions and tokens.

use vestibule_formats::link_token::LinkToken;
use vestibule_store::{
    Applied, Change, OnlyIf, PasswordChange, Uniquifiers, User, UserChange, UserPatch,
};

use super::PASSWORD;
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::reject::FieldErrors;
use crate::http::request_info::RequestInfo;
use crate::links::{self, Kind, Opened};
use crate::mail::{self, Email};
use crate::messages::{LocalizedMessage, Message};
use crate::rng;
use crate::validation;

/// The outcome of checking a link.
pub(super) enum Judged {
    /// The link is valid for this user.
    Valid(Box<User>, LinkToken),
    /// The link is expired or invalid, for this reason.
    Invalid(LocalizedMessage),
}

/// Checks a link and looks up its user.
pub(super) async fn judge(app: &App, info: &RequestInfo, token: &str) -> Result<Judged, Fault> {
    let within = app.settings().accounts.recover.link.within;
    Ok(match links::open(app, Kind::Reset, token).await? {
        Opened::Expired(_) => {
            let within = app.period(info, within);
            Judged::Invalid(Message::PasswordResetExpired.with("within", within))
        }
        // A deactivated user gets no new password either.
        Opened::Valid(user, token) if user.active => Judged::Valid(user, token),
        Opened::Valid(..) | Opened::Invalid => {
            Judged::Invalid(Message::InvalidResetPasswordToken.into())
        }
    })
}

/// The outcome of setting a new password.
pub(super) enum Decision {
    /// The old password stays, because of these errors.
    Refused(FieldErrors),
    /// The new password is stored.
    Replaced(Box<User>),
}

/// Sets a new password and revokes every session and token.
///
/// The link proves that the user owns the mailbox, so with `SECURITY_CONFIRMABLE` it confirms an
/// unconfirmed address. In that case every other credential is revoked as well, so that nothing
/// survives that an attacker who registered the account set up.
pub(super) async fn replace(
    app: &App,
    info: &RequestInfo,
    user: User,
    token: &LinkToken,
    password: &str,
) -> Result<Decision, Fault> {
    let problems = validation::judge(app, password, &validation::known_of(&user)).await?;
    if !problems.is_empty() {
        let mut errors = FieldErrors::default();
        errors.extend(problems.into_iter().map(|message| (PASSWORD.name, message)));
        return Ok(Decision::Refused(errors));
    }
    let hash = app.passwords().hash(password).await?;
    let now = app.clock().now();
    let fresh = Uniquifiers {
        session: rng::hex::<16>(app.random()),
        token: rng::hex::<16>(app.random()),
    };
    // Links of the reference are not bound to the address that they were mailed to.
    let proves_address = token.part(2).is_some() && user.confirmed_at.is_none();
    let reclaims = proves_address && app.settings().login.confirmable;
    let patch = UserPatch {
        only_if: OnlyIf {
            email: user.email.clone(),
            fs_uniquifier: Some(user.fs_uniquifier.clone()),
            unconfirmed: false,
            ..OnlyIf::default()
        },
        password: Some(PasswordChange::Set(hash)),
        fs_uniquifier: Some(fresh.session.clone()),
        fs_token_uniquifier: Some(fresh.token.clone()),
        confirmed_at: reclaims.then_some(Some(now)),
        ..UserPatch::default()
    };
    let event = Event::PasswordReset { user_id: user.id };
    let notice = &app.settings().accounts.recover.notice;
    let mut mails = Vec::new();
    if let (Some(template), Some(address)) = (notice, &user.email) {
        let email = Email::new(template, address, [("user", mail::about(&user))]);
        mails.push(app.write(info, &email)?);
    }
    let change = if reclaims {
        UserChange::Reclaim(user.id, Box::new(patch), fresh)
    } else {
        UserChange::Update(user.id, Box::new(patch))
    };
    let change = Change {
        consumes: vec![links::consume(app, Kind::Reset, token)],
        user: Some(change),
        mails,
        ..Change::default()
    };
    if !matches!(app.commit(info, change, &event).await?, Applied::Done(_)) {
        let message = Message::InvalidResetPasswordToken;
        return Ok(Decision::Refused(FieldErrors::one("", message)));
    }
    Ok(Decision::Replaced(Box::new(app.reload(user.id).await?)))
}
