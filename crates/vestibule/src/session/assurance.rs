//! The one decision on how much a proof of identity is worth, for every door.

use std::time::Duration;

use serde_json::Value;
use vestibule_store::User;

use super::auth_policy::SaidBy;
use super::context::{SessionContext, name};
use super::grace::{self, Grace};
use crate::app::App;
use crate::http::fault::Fault;
use crate::messages::{LocalizedMessage, Message};
use crate::settings::Mechanism;

/// Why the rightful owner of an account is not let in all the same.
pub(crate) async fn sign_in_block(
    app: &App,
    user: &User,
) -> Result<Option<LocalizedMessage>, Fault> {
    if let Some(said) = account_block(app, user) {
        return Ok(Some(said));
    }
    let due = second_factor_due(app, user).await?;
    Ok(due.then(|| Message::SecondFactorNotServed.into()))
}

/// The same as far as it is a matter of the account, and not of more proofs.
fn account_block(app: &App, user: &User) -> Option<LocalizedMessage> {
    let settings = app.settings();
    if !user.active {
        return Some(Message::DisabledAccount.into());
    }
    if settings.login.confirmable
        && !settings.login.login_without_confirmation
        && user.confirmed_at.is_none()
    {
        return Some(Message::ConfirmationRequired.into());
    }
    app.own_rules().objection(user)
}

/// Why no mail with a secret is sent to an address: it is nobody's, or not of somebody who could
/// use it.
#[must_use]
pub(crate) fn no_mail_for(app: &App, user: Option<&User>) -> Option<LocalizedMessage> {
    let Some(user) = user else {
        return Some(Message::UserDoesNotExist.into());
    };
    account_block(app, user)
}

/// Whether this user has to show more than a password.
///
/// Second factors are not served yet: whoever needs one is not let in by the password
/// alone, however they came by the need.
async fn second_factor_due(app: &App, user: &User) -> Result<bool, Fault> {
    let settings = app.settings();
    let two_factor = &settings.two_factor;
    let by_code = two_factor.enabled && (two_factor.required || user.tf_primary_method.is_some());
    let webauthn = &settings.webauthn;
    // Every user has a handle: only a key counts.
    let may_have_key = webauthn.enabled
        && webauthn.allow_as_multi_factor
        && user.fs_webauthn_user_handle.is_some();
    Ok(by_code || may_have_key && app.store().has_passkey(user.id).await?)
}

/// Whether the caller proved who they are within this time, by the mechanism that they came
/// with. Whoever has a session is then not asked again for the time of grace, as long as
/// they come back within it; at this door, and at those that ask for no more.
pub(crate) fn is_fresh(
    app: &App,
    session: &mut SessionContext,
    within: Duration,
    grace: Duration,
    said_by: SaidBy,
) -> bool {
    let Some(caller) = session.caller() else {
        return false;
    };
    let via = caller.via;
    if via == Mechanism::Basic {
        // The password came with this very request.
        return true;
    }
    let Some(authenticated_at) = caller.authenticated_at.filter(|at| *at > 0.0) else {
        return false;
    };
    let now = app.unix_seconds();
    // A little in the future is a clock that drifts; far in the future is nonsense.
    let proven = (now - authenticated_at).abs() < within.as_secs_f64();
    if via != Mechanism::Session {
        return proven;
    }
    let earned = grace_in_force(app, session, now);
    let in_grace = earned.is_some_and(|earned| earned <= within);
    if said_by == SaidBy::Question {
        let asked_before = grace::asked_before(session.data_mut(), within, grace, app.unix_now());
        let in_grace = in_grace || asked_before;
        if proven && !in_grace || asked_before {
            session.earn_grace(Grace::of_question(until(app, grace), within, grace));
        }
        return proven || in_grace;
    }
    // What a stricter door gave is left as it is.
    if proven && !in_grace || earned == Some(within) {
        session.earn_grace(Grace::of_door(until(app, grace), within));
    }
    proven || in_grace
}

fn until(app: &App, grace: Duration) -> i64 {
    app.unix_now() + i64::try_from(grace.as_secs()).unwrap_or(i64::MAX / 2)
}

/// At which door the grace that is in force was earned: how old a proof that one allows.
fn grace_in_force(app: &App, session: &mut SessionContext, now: f64) -> Option<Duration> {
    let data = session.data_mut();
    let until = data
        .get_f64(name::GRACE_UNTIL)
        .filter(|until| now < *until)?;
    let noted = data.get_str(name::GRACE_WITHIN);
    let ours = noted.as_deref().and_then(|noted| {
        let (at, within) = noted.split_once('/')?;
        // A note of ours on a grace that the reference gave meanwhile says nothing.
        let same = at.parse::<f64>().is_ok_and(|at| (at - until).abs() < 0.5);
        same.then(|| within.parse().ok().map(Duration::from_secs))?
    });
    // The reference does not say at which door: at the one that all of its own are.
    let theirs = || app.settings().freshness.within.unwrap_or(Duration::MAX);
    Some(ours.unwrap_or_else(theirs))
}

/// The ways besides a password in which the caller can show once more who they are.
pub(crate) fn ways_to_verify(app: &App) -> [(&'static str, Value); 3] {
    let settings = app.settings();
    [
        // Passkeys are not served yet, so nobody has one that could be asked for.
        ("has_webauthn_verify_credential", Value::from(false)),
        (
            "oauth_enabled",
            Value::from(settings.oauth_providers.is_some()),
        ),
        (
            "oauth_providers",
            Value::from(settings.oauth_providers.clone().unwrap_or_default()),
        ),
    ]
}
