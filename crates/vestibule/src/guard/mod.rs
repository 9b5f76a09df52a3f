//! Limits on guessing secrets, and on sending mails that strangers cause.
//!
//! Guesses are counted in the store, so that the limits hold for all servers together and after a
//! restart. An [`Attempt`] is reserved before anything is compared, and ends in one of three ways:
//! [`failed`](Attempt::failed), [`succeeded`](Attempt::succeeded) or
//! [`given_back`](Attempt::given_back). One that is dropped, because the client hung up, counts as
//! failed.
//!
//! A guess is counted for the account and for the client's address. A known device ([`device`]) has
//! a counter of its own for its account instead of both.

mod address;
mod counters;
pub(crate) mod device;
mod in_flight;
mod send;

use http::StatusCode;
use vestibule_formats::text::normalise::{self, Form};
use vestibule_formats::text::{case, email};
use vestibule_store::{GuessKey, GuessSlot, Reservation, ReservedGuess, User, UserId};

use crate::app::App;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::Rejection;
use crate::http::request_info::RequestInfo;
use crate::messages::Message;
use crate::settings::{LimitMode, LimitSettings, Rate};
use in_flight::Flight;

pub(crate) use counters::Guard;
pub(crate) use send::may_send;

/// What is guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Passwords and recovery codes.
    Password,
    /// One-time codes of all methods.
    Code,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Code => "code",
        }
    }

    fn rates(self, limits: &LimitSettings) -> &[Rate] {
        match self {
            Self::Password => &limits.password,
            Self::Code => &limits.code,
        }
    }
}

/// The purpose of an address's counter: all guesses together.
const ANY_GUESS: &str = "guess";

/// Whose secret is guessed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Principal<'a> {
    /// A user's, whatever identity the client typed.
    Account(&'a User),
    /// That of an account that does not exist: what the client typed.
    Unknown(&'a str),
}

impl<'a> Principal<'a> {
    /// The user, or what the client typed if there is no such user.
    pub(crate) fn of(user: Option<&'a User>, typed: &'a str) -> Self {
        user.map_or(Self::Unknown(typed), Self::Account)
    }

    /// The user, if the account exists.
    pub(crate) fn user(self) -> Option<&'a User> {
        match self {
            Self::Account(user) => Some(user),
            Self::Unknown(_) => None,
        }
    }
}

/// The client that guesses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guesser<'a> {
    /// The request.
    pub(crate) info: &'a RequestInfo,
    /// The value of the device cookie, unverified.
    pub(crate) device_cookie: Option<&'a str>,
}

/// What a right guess does to the count of the wrong ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnSuccess {
    /// The user, who is present, starts over.
    ClearCounter,
    /// The count stays. For programs that send the password with each request: otherwise an
    /// attacker could guess between their requests without a limit.
    KeepCounter,
}

/// What a counter counts, as events name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Counted {
    Account,
    Device,
    Address,
    Recipient,
}

impl Counted {
    const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Device => "device",
            Self::Address => "address",
            Self::Recipient => "recipient",
        }
    }
}

/// A guess that was counted before it is compared.
#[derive(Debug)]
#[must_use = "an attempt counts as failed unless it is ended otherwise"]
pub(crate) struct Attempt {
    purpose: Purpose,
    user_id: Option<UserId>,
    /// The counter of the account or the device, which a success clears.
    own: GuessKey,
    /// What `own` counts.
    counted: Counted,
    /// Empty if nothing is counted.
    reserved: Vec<ReservedGuess>,
    flight: Option<Flight>,
}

impl Attempt {
    /// Counts a guess, before it is compared.
    ///
    /// # Errors
    /// 429 with `Retry-After` if a limit is reached; the same for known and unknown accounts.
    pub(crate) async fn reserve(
        app: &App,
        guesser: Guesser<'_>,
        purpose: Purpose,
        principal: Principal<'_>,
    ) -> Result<Self, HandlerError> {
        let limits = &app.settings().limits;
        let mut attempt = Self::uncounted(app, guesser, purpose, principal);
        if limits.mode == LimitMode::Off {
            return Ok(attempt);
        }
        let mut slots = slots(&attempt.own, purpose.rates(limits));
        let mut keys = vec![attempt.own.clone()];
        if attempt.counted == Counted::Account
            && let Some(address) = guesser.info.address().and_then(address::counted)
        {
            let key = GuessKey {
                principal: app.guard().digest("address", &address),
                purpose: ANY_GUESS,
                device: String::new(),
            };
            slots.extend(self::slots(&key, &limits.address));
            keys.push(key);
        }
        if slots.is_empty() {
            return Ok(attempt);
        }
        let in_flight = app.guard().in_flight();
        loop {
            match app.guard().reserve(app, &slots).await? {
                Reservation::Granted(reserved) => {
                    attempt.reserved = reserved;
                    attempt.flight = Some(in_flight.begin(keys));
                    return Ok(attempt);
                }
                Reservation::Refused { .. } if limits.mode == LimitMode::Log => {
                    tracing::info!(
                        limit = purpose.name(),
                        "a guess over the limit is allowed, because SECURITY_LIMITS is \"log\""
                    );
                    return Ok(attempt);
                }
                Reservation::Refused { until } => {
                    if !in_flight.wait(&keys).await {
                        let wait = until - app.clock().now();
                        return Err(too_many(wait).into());
                    }
                }
            }
        }
    }

    fn uncounted(
        app: &App,
        guesser: Guesser<'_>,
        purpose: Purpose,
        principal: Principal<'_>,
    ) -> Self {
        let guard = app.guard();
        // Opened for unknown accounts as well, so that both cost the same.
        let device = guesser
            .device_cookie
            .and_then(|cookie| guard.open_device(cookie, app.unix_now()));
        let user_id = principal.user().map(|user| user.id);
        let known = user_id.and_then(|id| device.filter(|device| guard.knows(device, id)));
        let digest = match principal {
            Principal::Account(user) => guard.account(user.id),
            Principal::Unknown(typed) => guard.digest("unknown", &plain(app, typed)),
        };
        Self {
            purpose,
            user_id,
            counted: if known.is_some() {
                Counted::Device
            } else {
                Counted::Account
            },
            own: GuessKey {
                principal: digest,
                purpose: purpose.name(),
                device: known.map_or_else(String::new, |device| guard.device(&device)),
            },
            reserved: Vec::new(),
            flight: None,
        }
    }

    /// Keeps the count, and reports each limit that this guess reached.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn failed(self, app: &App, info: &RequestInfo) -> Result<(), Fault> {
        for guess in &self.reserved {
            let counted = if guess.slot.key == self.own {
                self.counted
            } else {
                Counted::Address
            };
            let user_id = self.user_id.filter(|_| counted != Counted::Address);
            let limit = (self.purpose.name(), counted);
            counters::report_if_reached(app, info, guess, limit, user_id).await?;
        }
        Ok(())
    }

    /// Clears the counter of the account, or of its device, and gives the guess back to the
    /// address: a client that owns an account cannot clear the counter of its address.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn succeeded(self, app: &App) -> Result<(), Fault> {
        let own = self.own.clone();
        self.release(app, &[own]).await
    }

    /// Gives the guess back, because nothing was compared, or because a right one is no reason to
    /// clear the counter.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn given_back(self, app: &App) -> Result<(), Fault> {
        self.release(app, &[]).await
    }

    async fn release(mut self, app: &App, cleared: &[GuessKey]) -> Result<(), Fault> {
        if app.settings().limits.mode == LimitMode::Off {
            return Ok(());
        }
        self.reserved
            .retain(|guess| !cleared.contains(&guess.slot.key));
        app.guard().release(app, &self.reserved, cleared).await?;
        if let Some(flight) = self.flight.take() {
            flight.make_room();
        }
        Ok(())
    }
}

/// A slot for each rate of a counter.
fn slots(key: &GuessKey, rates: &[Rate]) -> Vec<GuessSlot> {
    let slot = |rate: &Rate| GuessSlot {
        key: key.clone(),
        period: rate.period,
        allowed: rate.allowed,
    };
    rates.iter().map(slot).collect()
}

/// One text for all spellings of an identity: normalised if it is an address, in compatibility
/// form, without case.
fn plain(app: &App, typed: &str) -> String {
    let typed = typed.trim();
    let options = &app.settings().identity.email_options;
    let address = email::normalise(typed, options).ok();
    let text = address.as_deref().unwrap_or(typed);
    case::fold(&normalise::normalise(text, Some(Form::Nfkc)))
}

/// The refusal of an attempt over the limit.
fn too_many(wait: time::Duration) -> Rejection {
    let seconds = wait
        .whole_milliseconds()
        .max(0)
        .unsigned_abs()
        .div_ceil(1000);
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX).max(1);
    Rejection::new(StatusCode::TOO_MANY_REQUESTS, Message::TooManyAttempts).retry_after(seconds)
}
