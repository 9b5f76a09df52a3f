//! The one place that checks a passcode: a password or a one-time code, in one field.

use vestibule_formats::totp::may_be_code;
use vestibule_store::{OneTimeSecret, User};

use super::proof::{self, Factor};
use crate::app::App;
use crate::codes;
use crate::guard::{Attempt, Guesser, Principal, Purpose};
use crate::hooks::Event;
use crate::http::fault::{Fault, HandlerError};
use crate::secrets::passwords::Verdict;
use crate::settings::Method;

/// The outcome of a passcode check.
#[derive(Debug)]
pub(crate) enum PasscodeCheck {
    /// The passcode is wrong, or there is no such user. The failure is in the audit log.
    Wrong,
    /// The passcode is right.
    Right(Box<RightPasscode>),
}

/// A passcode that is right.
#[derive(Debug)]
#[must_use = "its attempt counts as failed unless it is ended otherwise"]
pub(crate) struct RightPasscode {
    /// The method that it belongs to.
    pub(crate) method: Method,
    /// A hash by the current scheme, to be stored in place of an outdated one.
    pub(crate) upgrade: Option<String>,
    /// The code, to be consumed by the change that it authorises. A code that was consumed before
    /// is refused there.
    pub(crate) consumes: Option<OneTimeSecret>,
    /// The attempt, unless it has ended. It clears the count of wrong codes only once the sign-in is
    /// complete: a user who still has to show a second factor, whose codes have the same counter,
    /// must not gain more guesses of it.
    pub(crate) attempt: Option<Attempt>,
}

impl RightPasscode {
    /// What the user has shown.
    pub(crate) fn factor(&self) -> Factor {
        match self.method {
            Method::Password => Factor::UnifiedPassword,
            method => Factor::Code(method),
        }
    }
}

/// Compares a passcode by each of these methods in turn, until it is right, and records a failure.
///
/// A wrong passcode costs the same whether the user exists and whichever methods the user has set
/// up: a decoy stands in for what is missing. Secrets are only decrypted for a passcode that may be
/// a code.
///
/// The attempt is counted before anything is compared: as a guess of a code if the passcode may be
/// one, otherwise as a guess of the password.
///
/// # Errors
/// 429 if there were too many attempts: nothing is compared then. Also if the hashing threads are
/// overloaded, or the store fails.
pub(crate) async fn check_passcode(
    app: &App,
    guesser: Guesser<'_>,
    principal: Principal<'_>,
    passcode: &str,
    methods: &[Method],
) -> Result<PasscodeCheck, HandlerError> {
    let has_codes = methods.iter().any(|method| *method != Method::Password);
    let purpose = if has_codes && may_be_code(passcode) {
        Purpose::Code
    } else {
        Purpose::Password
    };
    let attempt = Attempt::reserve(app, guesser, purpose, principal).await?;
    let user = principal.user();
    let right = match compare(app, user, passcode, methods).await {
        Ok(right) => right,
        Err(fault) => {
            // Nothing was compared.
            attempt.given_back(app).await?;
            return Err(fault.into());
        }
    };
    if let Some(mut right) = right {
        match purpose {
            Purpose::Password => attempt.succeeded(app).await?,
            Purpose::Code => right.attempt = Some(attempt),
        }
        return Ok(PasscodeCheck::Right(Box::new(right)));
    }
    let event = Event::SignInFailed {
        user_id: user.map(|user| user.id),
        via: "passcode",
    };
    app.record(guesser.info, &event).await?;
    attempt.failed(app, guesser.info).await?;
    Ok(PasscodeCheck::Wrong)
}

/// Ends the attempt of a sign-in, which is complete or awaits its second factor.
///
/// # Errors
/// When the store fails.
pub(crate) async fn end(app: &App, attempt: Option<Attempt>, complete: bool) -> Result<(), Fault> {
    match attempt {
        Some(attempt) if complete => attempt.succeeded(app).await,
        Some(attempt) => attempt.given_back(app).await,
        None => Ok(()),
    }
}

async fn compare(
    app: &App,
    user: Option<&User>,
    passcode: &str,
    methods: &[Method],
) -> Result<Option<RightPasscode>, Fault> {
    let secrets = user.map(codes::methods::secrets_of).unwrap_or_default();
    let validity = app.settings().unified.validity;
    let may_be_code = may_be_code(passcode);
    for method in methods {
        let (upgrade, consumes) = if *method == Method::Password {
            match proof::compare_password(app, user, passcode).await? {
                Verdict::Wrong => continue,
                Verdict::Right => (None, None),
                Verdict::RightButUpgrade(hash) => (Some(hash), None),
            }
        } else if may_be_code {
            let set_up = secrets.get(method.name());
            let secret = set_up.unwrap_or_else(|| app.code_secrets().decoy());
            let code = codes::check(app, secret, passcode, validity).await?;
            match code.filter(|_| set_up.is_some()) {
                Some(code) => (None, Some(code)),
                None => continue,
            }
        } else {
            continue;
        };
        return Ok(Some(RightPasscode {
            method: *method,
            upgrade,
            consumes,
            attempt: None,
        }));
    }
    Ok(None)
}
