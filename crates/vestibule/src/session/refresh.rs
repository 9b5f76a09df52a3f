//! Families of refresh tokens: one token after the other, each in exchange for the one before.
//!
//! Of all tokens of a family the last counts. To see an earlier one again means that somebody
//! has a copy, and ends the family; but for a short time after an exchange
//! (`REFRESH_TOKEN_GRACE`) it may be another tab, or an answer that got lost, and gets the
//! same successor.

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

/// The member of a body that carries a refresh token.
pub(crate) const FIELD: &str = "refresh_token";

/// What becomes of a refresh token.
#[derive(Debug)]
pub(crate) enum Exchange {
    /// The family goes on: its row has what the successor says.
    Done {
        /// Whose it is.
        user: Box<User>,
        /// What the user's tokens carry.
        uniquifier: String,
        /// The family, as it is now.
        tracker: RefreshTracker,
    },
    /// It does not count, or not any more.
    NotOurs,
    /// Whose it was may not come in.
    Nobody,
}

/// Exchanges a token: of all who try at once with the same one, one moves the family on.
///
/// # Errors
/// When the store fails.
pub(crate) async fn exchange(
    app: &App,
    info: &RequestInfo,
    token: &str,
) -> Result<Exchange, Fault> {
    let Ok(token) = app.refresh_token_codec().open(token) else {
        return Ok(Exchange::NotOurs);
    };
    let now = app.clock().now();
    let store = app.store();
    // Whoever loses the race for a generation looks once more: the winner's successor is
    // there by then.
    for _ in 0..2 {
        let Some(tracker) = store.tracker(&token.family).await? else {
            return Ok(Exchange::NotOurs);
        };
        let account_block = judge(&tracker, &token, &app.settings().refresh, now);
        if account_block == Standing::Cutoffs {
            return Ok(Exchange::NotOurs);
        }
        if account_block == Standing::Reused {
            end(app, info, &tracker, FamilyEnd::Reused).await?;
            return Ok(Exchange::NotOurs);
        }
        let Some(user) = owner(app, &tracker, &token).await? else {
            return Ok(Exchange::Nobody);
        };
        let tracker = if account_block == Standing::JustExchanged {
            Some(tracker)
        } else if store
            .rotate_tracker(&tracker.family, token.generation, now)
            .await?
        {
            // As it was written: a database may keep less of a moment than we have.
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
    Ok(Exchange::NotOurs)
}

/// A refresh token as it came.
pub(crate) enum Presented {
    Token(String),
    Nothing,
    WrongType,
}

/// The token in the cookie, if there is a cookie for it, and in the body otherwise: never
/// in the other place.
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

/// How a token stands to its family.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// It is the one that counts.
    Present,
    /// It was exchanged a moment ago: another tab, or an answer that got lost.
    JustExchanged,
    /// It was exchanged before: somebody has a copy.
    Reused,
    /// The family has ended, or lay idle for too long.
    Cutoffs,
}

fn judge(
    tracker: &RefreshTracker,
    token: &RefreshToken,
    settings: &RefreshSettings,
    now: OffsetDateTime,
) -> Standing {
    if tracker.revoked_at.is_some() {
        return Standing::Cutoffs;
    }
    let idle = now - tracker.last_used_at;
    let over = tracker.expires_at < now || idle > settings.max_idle;
    if tracker.generation != token.generation {
        // Another server may have written the row with a clock a little ahead of ours.
        let just = !settings.grace.is_zero() && idle <= settings.grace && !over;
        return if just && token.generation == tracker.generation - 1 {
            Standing::JustExchanged
        } else {
            Standing::Reused
        };
    }
    if over {
        return Standing::Cutoffs;
    }
    Standing::Present
}

/// Whose family it is, if they may still come in and the token is theirs.
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
        (assurance::credential_counts(&user) && own == Some(token.uniquifier.as_str()))
            .then_some(user),
    )
}

/// Ends the family of whatever refresh token came with a sign-out, unless somebody else is
/// signed in. Where nobody is, the token in the browser's own cookie speaks for itself.
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
