//! Refresh-token families: chains of tokens, each issued in exchange for the one before.
//!
//! Only the latest token of a family is valid. An earlier one that comes back has been copied, and
//! ends the family. For a short time after an exchange (`REFRESH_TOKEN_GRACE`) it may instead come
//! from another tab or follow a lost reply, and is exchanged for the same successor.

use time::OffsetDateTime;
use vestibule_formats::refresh_token::RefreshToken;
use vestibule_store::{Change, FamilyChange, RefreshTracker, User, UserKey};

use super::assurance;
use super::request::RequestContext;
use crate::app::App;
use crate::hooks::{Event, FamilyEnd};
use crate::http::body::Field;
use crate::http::cookies;
use crate::http::fault::{Fault, HandlerError};
use crate::http::reject::Rejection;
use crate::http::request_info::RequestInfo;
use crate::settings::RefreshSettings;

/// The body field that carries a refresh token.
pub(crate) const FIELD: &str = "refresh_token";

/// The outcome of exchanging a refresh token.
#[derive(Debug)]
pub(crate) enum Exchange {
    /// The token was exchanged. The row of the family holds what the successor contains.
    Done {
        /// The user that the family belongs to.
        user: Box<User>,
        /// The uniquifier in the user's tokens.
        uniquifier: String,
        /// The family after the exchange.
        tracker: RefreshTracker,
    },
    /// The token is invalid, expired or reused, or its family has ended.
    Invalid,
    /// The user was deleted or deactivated, or the token no longer carries their uniquifier.
    NoUser,
}

/// Exchanges a refresh token. Of several concurrent exchanges of one token, only one rotates the
/// family.
///
/// # Errors
/// When the store fails.
pub(crate) async fn exchange(
    app: &App,
    info: &RequestInfo,
    token: &str,
) -> Result<Exchange, Fault> {
    let Ok(token) = app.refresh_token_codec().open(token) else {
        return Ok(Exchange::Invalid);
    };
    let now = app.clock().now();
    let store = app.store();
    // A request that loses the race for a generation tries once more, and then finds the winner's
    // successor.
    for _ in 0..2 {
        let Some(tracker) = store.tracker(&token.family).await? else {
            return Ok(Exchange::Invalid);
        };
        let standing = judge(&tracker, &token, &app.settings().refresh, now);
        if standing == Standing::Ended {
            return Ok(Exchange::Invalid);
        }
        if standing == Standing::Reused {
            end(app, info, &tracker, FamilyEnd::Reused).await?;
            return Ok(Exchange::Invalid);
        }
        let Some(user) = owner(app, &tracker, &token).await? else {
            return Ok(Exchange::NoUser);
        };
        let tracker = if standing == Standing::JustExchanged {
            Some(tracker)
        } else if store
            .rotate_tracker(&tracker.family, token.generation, now)
            .await?
        {
            // Read back, since the database may store times with less precision.
            store.tracker(&tracker.family).await?
        } else {
            None
        };
        if let Some(tracker) = tracker {
            return Ok(Exchange::Done {
                user: Box::new(user),
                uniquifier: token.uniquifier,
                tracker,
            });
        }
    }
    Ok(Exchange::Invalid)
}

/// The refresh token that a request presents, unchecked.
pub(crate) enum Presented {
    Token(String),
    Nothing,
    WrongType,
}

/// The refresh token of a request: from the cookie if the settings define one, and from the body
/// otherwise. The other place is never read.
///
/// # Errors
/// When the body is malformed.
pub(crate) fn presented(app: &App, request: &RequestContext) -> Result<Presented, Rejection> {
    if let Some(cookie) = &app.settings().refresh.cookie {
        request.body.fields()?;
        return Ok(match cookies::cookie(&request.headers, &cookie.name) {
            Some(token) if !token.is_empty() => Presented::Token(token.to_owned()),
            _ => Presented::Nothing,
        });
    }
    Ok(match request.body.fields()?.exact(FIELD) {
        Field::Text(token) => Presented::Token(token.to_owned()),
        Field::Empty => Presented::Nothing,
        Field::WrongType => Presented::WrongType,
    })
}

/// How a token relates to its family.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// It is the latest token, the valid one.
    Present,
    /// It was exchanged moments ago: another tab sent it too, or the reply was lost.
    JustExchanged,
    /// It was exchanged before: an attacker may have a copy.
    Reused,
    /// The family was ended, has expired, or was idle for too long.
    Ended,
}

fn judge(
    tracker: &RefreshTracker,
    token: &RefreshToken,
    settings: &RefreshSettings,
    now: OffsetDateTime,
) -> Standing {
    if tracker.revoked_at.is_some() {
        return Standing::Ended;
    }
    let idle = now - tracker.last_used_at;
    let over = tracker.expires_at < now || idle > settings.max_idle;
    if tracker.generation != token.generation {
        // `idle` is negative if another server with a clock ahead of ours wrote the row.
        let just = !settings.grace.is_zero() && idle <= settings.grace && !over;
        return if just && token.generation == tracker.generation - 1 {
            Standing::JustExchanged
        } else {
            Standing::Reused
        };
    }
    if over {
        return Standing::Ended;
    }
    Standing::Present
}

/// The owner of a family, if their account is active and the token carries their uniquifier.
async fn owner(
    app: &App,
    tracker: &RefreshTracker,
    token: &RefreshToken,
) -> Result<Option<User>, Fault> {
    let Some(user) = app.store().user(UserKey::Id(tracker.user_id)).await? else {
        return Ok(None);
    };
    let own = if app.store().has_token_uniquifiers() {
        user.fs_token_uniquifier.as_deref()
    } else {
        Some(user.fs_uniquifier.as_str())
    };
    Ok(
        (assurance::credential_is_valid(&user) && own == Some(token.uniquifier.as_str()))
            .then_some(user),
    )
}

/// Ends the family of the refresh token that a sign-out presents, unless the token belongs to a
/// user other than the caller.
///
/// Without a caller, only a token from the refresh cookie ends its family.
///
/// # Errors
/// When the body is malformed, or the store fails.
pub(crate) async fn end_on_sign_out(
    app: &App,
    request: &RequestContext,
) -> Result<(), HandlerError> {
    let caller = request.session.caller().map(|caller| caller.user.id);
    if caller.is_none() && app.settings().refresh.cookie.is_none() {
        return Ok(());
    }
    let Presented::Token(token) = presented(app, request)? else {
        return Ok(());
    };
    let Ok(token) = app.refresh_token_codec().open(&token) else {
        return Ok(());
    };
    if let Some(tracker) = app.store().tracker(&token.family).await?
        && caller.is_none_or(|caller| caller == tracker.user_id)
    {
        let info = request.session.info();
        end(app, info, &tracker, FamilyEnd::SignedOut).await?;
    }
    Ok(())
}

async fn end(
    app: &App,
    info: &RequestInfo,
    tracker: &RefreshTracker,
    why: FamilyEnd,
) -> Result<(), Fault> {
    let event = Event::RefreshFamilyEnded {
        user_id: tracker.user_id,
        why,
    };
    let change = Change {
        family: Some(FamilyChange::End(tracker.family.clone())),
        ..Change::default()
    };
    app.commit(info, change, &event).await?;
    Ok(())
}
