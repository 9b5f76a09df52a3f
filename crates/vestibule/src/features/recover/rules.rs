//! Who may replace a password, and what that ends.

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

/// What a link says.
pub(super) enum Judged {
    /// It counts, for this user.
    Counts(Box<User>, LinkToken),
    /// It does not.
    Refused(LocalizedMessage),
}

pub(super) async fn judge(app: &App, info: &RequestInfo, token: &str) -> Result<Judged, Fault> {
    let within = app.settings().accounts.recover.link.within;
    Ok(match links::open(app, Kind::Reset, token).await? {
        Opened::Expired(_) => {
            let within = app.period(info, within);
            Judged::Refused(Message::PasswordResetExpired.with("within", within))
        }
        // Who is switched off gets no new password either.
        Opened::Valid(user, token) if user.active => Judged::Counts(user, token),
        Opened::Valid(..) | Opened::Invalid => {
            Judged::Refused(Message::InvalidResetPasswordToken.into())
        }
    })
}

/// What becomes of a new password.
pub(super) enum Decision {
    /// The old one stays: this is wrong.
    Refused(FieldErrors),
    /// It is in force.
    Replaced(Box<User>),
}

/// Sets a new password. Every session and token ends with the old one. Whoever gets the link
/// has the mailbox: that confirms the address, and if it was not confirmed before, whatever
/// else was set up by whoever made the account ends, too.
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
        errors.extend(problems.into_iter().map(|said| (PASSWORD.name, said)));
        return Ok(Decision::Refused(errors));
    }
    let hash = app.passwords().hash(password).await?;
    let now = app.clock().now();
    let fresh = Uniquifiers {
        session: rng::hex::<16>(app.random()),
        token: rng::hex::<16>(app.random()),
    };
    // Those of the reference do not say to which address they were mailed.
    let proves_address = token.part(2).is_some() && user.confirmed_at.is_none();
    let reclaims = proves_address && app.settings().login.confirmable;
    let patch = UserPatch {
        only_if: OnlyIf {
            email: user.email.clone(),
            fs_uniquifier: Some(user.fs_uniquifier.clone()),
            unconfirmed: false,
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
    if let (Some(template), Some(email)) = (notice, &user.email) {
        let email_message = Email::new(template, email, [("user", mail::about(&user))]);
        mails.push(app.write(info, &email_message)?);
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
        let said = Message::InvalidResetPasswordToken;
        return Ok(Decision::Refused(FieldErrors::one("", said)));
    }
    Ok(Decision::Replaced(Box::new(app.reload(user.id).await?)))
}
