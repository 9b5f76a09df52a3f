//! Freshness: whether the caller proved their identity recently enough for an endpoint.

use std::time::Duration;

use serde_json::Value;
use vestibule_store::User;

use super::caller::Caller;
use super::context::SessionContext;
use super::grace::{self, ChosenBy, Grace};
use super::keys;
use crate::app::App;
use crate::http::fault::Fault;
use crate::settings::Mechanism;

/// Whether the caller's proof of identity, by the mechanism of this request, is at most `within`
/// old.
///
/// A session with a fresh proof earns a grace period, in which it counts as fresh for this policy
/// and for those that are no stricter. Each request in the period extends it.
pub(crate) fn is_fresh(
    app: &App,
    session: &mut SessionContext,
    within: Duration,
    grace: Duration,
    chosen_by: ChosenBy,
) -> bool {
    let Some(caller) = session.caller() else {
        return false;
    };
    let via = caller.via;
    if via == Mechanism::Basic {
        // This very request carries the password.
        return true;
    }
    let Some(authenticated_at) = caller.authenticated_at.filter(|at| *at > 0.0) else {
        return false;
    };
    let now = app.unix_seconds();
    // A proof slightly in the future comes from a clock that drifts. One far in the future is
    // invalid.
    let proven = (now - authenticated_at).abs() < within.as_secs_f64();
    if via != Mechanism::Session {
        return proven;
    }
    let earned = grace_in_force(app, session, now);
    let in_grace = earned.is_some_and(|earned| earned <= within);
    if chosen_by == ChosenBy::Client {
        let asked_before = grace::asked_before(session.data_mut(), within, grace, app.unix_now());
        let in_grace = in_grace || asked_before;
        if proven && !in_grace || asked_before {
            session.earn_grace(Grace::of_query(until(app, grace), within, grace));
        }
        return proven || in_grace;
    }
    // A grace period that a stricter policy granted stays unchanged.
    if proven && !in_grace || earned == Some(within) {
        session.earn_grace(Grace::of_policy(until(app, grace), within));
    }
    proven || in_grace
}

fn until(app: &App, grace: Duration) -> i64 {
    app.unix_now() + i64::try_from(grace.as_secs()).unwrap_or(i64::MAX / 2)
}

/// The freshness limit of the policy that granted the grace period in force, if one is in force.
fn grace_in_force(app: &App, session: &mut SessionContext, now: f64) -> Option<Duration> {
    let data = session.data_mut();
    let until = data
        .get_f64(keys::GRACE_UNTIL)
        .filter(|until| now < *until)?;
    let entry = data.get_str(keys::GRACE_WITHIN);
    let ours = entry.as_deref().and_then(|entry| {
        let (at, within) = entry.split_once('/')?;
        // Our entry does not apply to a grace period that the reference granted meanwhile.
        let same = at.parse::<f64>().is_ok_and(|at| (at - until).abs() < 0.5);
        same.then(|| within.parse().ok().map(Duration::from_secs))?
    });
    // The reference records no limit: all of its endpoints share the one in the settings.
    let theirs = || app.settings().freshness.within.unwrap_or(Duration::MAX);
    Some(ours.unwrap_or_else(theirs))
}

/// The ways other than a password in which the caller can prove their identity again.
///
/// # Errors
/// When the store fails.
pub(crate) async fn ways_to_verify(
    app: &App,
    caller: Option<&Caller>,
) -> Result<[(&'static str, Value); 3], Fault> {
    let providers = app.settings().provider_names();
    let passkey = match caller {
        Some(caller) => has_passkey(app, &caller.user).await?,
        None => false,
    };
    Ok([
        ("has_webauthn_verify_credential", Value::from(passkey)),
        ("oauth_enabled", Value::from(providers.is_some())),
        (
            "oauth_providers",
            Value::from(providers.unwrap_or_default()),
        ),
    ])
}

/// Whether the user has a passkey that proves their identity again.
async fn has_passkey(app: &App, user: &User) -> Result<bool, Fault> {
    let settings = &app.settings().webauthn;
    let usage = match settings.allow_as_verify.as_slice() {
        [] => return Ok(false),
        [usage] => Some(*usage),
        _ => None,
    };
    Ok(settings.enabled && app.store().has_passkey(user.id, usage).await?)
}
