//! Comparing one-time codes, and choosing the code to send.

use std::time::Duration;

use time::OffsetDateTime;
use vestibule_formats::hex;
use vestibule_formats::totp::{Code, Totp};
use vestibule_store::{OneTimeSecret, User};

use super::secret::{self, OpenedSecret};
use crate::app::App;
use crate::guard::{Attempt, Guesser, OnSuccess, Principal, Purpose};
use crate::http::fault::{Fault, HandlerError};
use crate::secrets::derived;

/// The purpose of used codes in the ledger.
const PURPOSE: &str = "one_time_code";

/// How long a used code is remembered after it could no longer be accepted, since the clocks of
/// several servers may differ.
const MARGIN: Duration = Duration::from_secs(86_400);

/// Compares a code with a stored secret. `validity` is how far the code's time step may be from
/// now, in both directions, as in the reference.
///
/// A code that is right has to be consumed by the change that it authorises, which refuses one that
/// another request consumed meanwhile. A code that was consumed before is wrong.
///
/// # Errors
/// When the hashing threads are overloaded, or the store fails.
pub(crate) async fn check(
    app: &App,
    stored: &str,
    typed: &str,
    validity: Duration,
) -> Result<Option<OneTimeSecret>, Fault> {
    let OpenedSecret { totp, readable } = secret::open(app, stored).await?;
    let window = u32::try_from(validity.as_secs()).unwrap_or(u32::MAX);
    let step = totp.verify(typed, app.unix_now(), window);
    let Some(step) = step.filter(|_| readable) else {
        return Ok(None);
    };
    let consumed = consumption(app, &totp, step, validity);
    let is_used = app.store().is_consumed(&consumed).await?;
    Ok((!is_used).then_some(consumed))
}

/// [`check`] within the limits on guessing the codes of a user.
///
/// # Errors
/// 429 if there were too many wrong codes: nothing is compared then. As [`check`] otherwise.
pub(crate) async fn check_limited(
    app: &App,
    guesser: Guesser<'_>,
    user: &User,
    code: CodeToCheck<'_>,
) -> Result<Option<OneTimeSecret>, HandlerError> {
    let principal = Principal::Account(user);
    let attempt = Attempt::reserve(app, guesser, Purpose::Code, principal).await?;
    match check(app, code.secret, code.typed, code.validity).await {
        // A code that was used before counts as wrong, so that repeating it does not clear the
        // counter.
        Ok(None) => attempt.failed(app, guesser.info).await?,
        Ok(Some(consumed)) => {
            match code.on_success {
                OnSuccess::ClearCounter => attempt.succeeded(app).await?,
                OnSuccess::KeepCounter => attempt.given_back(app).await?,
            }
            return Ok(Some(consumed));
        }
        Err(fault) => {
            // Nothing was compared.
            attempt.given_back(app).await?;
            return Err(fault.into());
        }
    }
    Ok(None)
}

/// A code, and what it is compared with.
#[derive(Clone, Copy)]
pub(crate) struct CodeToCheck<'a> {
    /// The secret, as stored.
    pub(crate) secret: &'a str,
    /// The code, as typed.
    pub(crate) typed: &'a str,
    /// How far its time step may be from now.
    pub(crate) validity: Duration,
    /// What a right code does to the count of the wrong ones before it. The code of a set-up keeps
    /// it: with secrets of one's own, right codes are to be had at will.
    pub(crate) on_success: OnSuccess,
}

/// A code to send.
#[derive(Debug)]
pub(crate) struct NextCode {
    pub(crate) code: Code,
    /// Whether the user's secret could be read. Otherwise the code is none of theirs.
    pub(crate) valid: bool,
}

/// The code to send now: that of the first time step, from the current one on, whose code was not
/// used yet. So a user who asks for another code right after using one gets one that works.
///
/// # Errors
/// When the hashing threads are overloaded, or the store fails.
pub(crate) async fn next(app: &App, stored: &str, validity: Duration) -> Result<NextCode, Fault> {
    let OpenedSecret { totp, readable } = secret::open(app, stored).await?;
    let period = i64::from(totp.period().get());
    let now = app.unix_now();
    let steps = i64::try_from(validity.as_secs()).unwrap_or(0) / period;
    let mut unused = None;
    for ahead in 0..=steps.clamp(0, MOST_STEPS_AHEAD) {
        let at = now + ahead * period;
        let step = u64::try_from(at / period).unwrap_or_default();
        // Every step is looked up, so that the time does not reveal whether the user has just
        // signed in with a code.
        let used = consumption(app, &totp, step, validity);
        if !app.store().is_consumed(&used).await? {
            unused = unused.or(Some(at));
        }
    }
    Ok(NextCode {
        code: totp.generate(unused.unwrap_or(now)),
        valid: readable,
    })
}

/// How many steps ahead of the current one a code is sent.
const MOST_STEPS_AHEAD: i64 = 4;

/// The entry in the ledger that consumes the code of a time step.
fn consumption(app: &App, totp: &Totp, step: u64, validity: Duration) -> OneTimeSecret {
    let digest = derived::mac(
        totp.key().to_base32().as_bytes(),
        format!("{PURPOSE} {step}").as_bytes(),
    );
    let period = u64::from(totp.period().get());
    let end = i64::try_from((step + 1).saturating_mul(period)).unwrap_or(i64::MAX);
    let end = OffsetDateTime::from_unix_timestamp(end).unwrap_or_else(|_| app.clock().now());
    OneTimeSecret {
        purpose: PURPOSE,
        digest: hex::encode(&digest),
        expires_at: end.saturating_add(time::Duration::seconds(
            i64::try_from((validity + MARGIN).as_secs()).unwrap_or(i64::MAX / 2),
        )),
    }
}
