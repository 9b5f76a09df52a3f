//! Freshness: whether the caller proved their identity recently enough for an endpoint.

use std::time::Duration;

use serde_json::Value;

use super::context::SessionContext;
use super::grace::{self, Grace, SaidBy};
use super::keys;
use crate::app::App;
use crate::settings::Mechanism;

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
        .get_f64(keys::GRACE_UNTIL)
        .filter(|until| now < *until)?;
    let noted = data.get_str(keys::GRACE_WITHIN);
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
