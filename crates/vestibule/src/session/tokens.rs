//! The tokens that an answer to a sign-in may carry.

use http::HeaderValue;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use vestibule_formats::auth_token::AuthToken;
use vestibule_formats::refresh_token::RefreshToken;
use vestibule_store::{Change, FamilyChange, NewTracker, RefreshTracker, User, UserPatch};

use crate::app::App;
use crate::clock;
use crate::hooks::Event;
use crate::http::cookies::{self, Lifetime};
use crate::http::fault::Fault;
use crate::http::query::Query;
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::rng;
use crate::settings::CookieSettings;

/// What an answer says about a user: the tokens, and what the application adds.
pub(crate) struct UserPayload {
    user: Map<String, Value>,
    cookie: Option<HeaderValue>,
}

impl UserPayload {
    /// None yet, for this user.
    pub(crate) fn none(app: &App, user: &User) -> Self {
        Self {
            user: app.describe(user),
            cookie: None,
        }
    }

    /// Of nobody: an answer that does not tell whether there is somebody.
    pub(crate) fn nobody() -> Self {
        Self {
            user: Map::new(),
            cookie: None,
        }
    }

    /// Puts them into an answer.
    pub(crate) fn add_to(self, reply: Reply) -> Reply {
        let reply = reply.member("user", self.user);
        match self.cookie {
            Some(cookie) => reply.header(http::header::SET_COOKIE, cookie),
            None => reply,
        }
    }
}

/// The tokens for somebody who showed who they are at a moment, if they were asked for.
pub(crate) async fn on_request(
    app: &App,
    info: &RequestInfo,
    user: &User,
    authenticated_at: f64,
    query: &Query,
) -> Result<UserPayload, Fault> {
    let asked = app.settings().token.always_included || query.has("include_auth_token");
    if !asked {
        return Ok(UserPayload::none(app, user));
    }
    let uniquifier = uniquifier(app, user).await?;
    let mut tokens = UserPayload::none(app, user);
    tokens.add_auth_token(app, &uniquifier, authenticated_at, user);
    if app.settings().refresh.enabled {
        let tracker = begin_family(app, info, user).await?;
        tokens.add_refresh_token(app, uniquifier, &tracker);
    }
    Ok(tokens)
}

/// The tokens in exchange for a refresh token. To have one is no new proof of identity: the
/// auth token is as old as the family.
pub(crate) fn successors(
    app: &App,
    user: &User,
    uniquifier: String,
    tracker: &RefreshTracker,
) -> UserPayload {
    let mut tokens = UserPayload::none(app, user);
    let began = clock::seconds(tracker.created_at);
    tokens.add_auth_token(app, &uniquifier, began, user);
    tokens.add_refresh_token(app, uniquifier, tracker);
    tokens
}

impl UserPayload {
    fn add_auth_token(&mut self, app: &App, uniquifier: &str, authenticated_at: f64, user: &User) {
        let token = AuthToken {
            uniquifier: uniquifier.to_owned(),
            authenticated_at: Some(authenticated_at),
            expires_at: app.token_end(user),
        };
        let sealed = app.auth_token_codec().seal(&token, app.unix_now());
        self.user
            .insert("authentication_token".to_owned(), sealed.into());
    }

    fn add_refresh_token(&mut self, app: &App, uniquifier: String, tracker: &RefreshTracker) {
        let token = RefreshToken::new(
            uniquifier,
            tracker.family.clone(),
            tracker.generation,
            tracker.name.clone(),
            clock::seconds(tracker.expires_at),
            clock::seconds(tracker.last_used_at),
        );
        let sealed = app.refresh_token_codec().seal(&token);
        match &app.settings().refresh.cookie {
            None => {
                self.user.insert("refresh_token".to_owned(), sealed.into());
            }
            Some(cookie) => {
                let lifetime = cookie.max_age.map_or(Lifetime::Session, |age| {
                    Lifetime::For(age, app.clock().now())
                });
                self.cookie = cookies::set_cookie(cookie, &sealed, lifetime);
            }
        }
    }
}

/// Takes the refresh cookie back.
pub(crate) fn clear_cookie(cookie: &CookieSettings) -> Option<HeaderValue> {
    cookies::set_cookie(cookie, "", Lifetime::Gone)
}

/// What a user's tokens carry. Where the table has a column for it that was never filled,
/// it is filled now.
pub(crate) async fn uniquifier(app: &App, user: &User) -> Result<String, Fault> {
    if !app.store().has_token_uniquifiers() {
        return Ok(user.fs_uniquifier.clone());
    }
    if let Some(uniquifier) = &user.fs_token_uniquifier {
        return Ok(uniquifier.clone());
    }
    let patch = UserPatch {
        first_token_uniquifier: Some(rng::hex::<16>(app.random())),
        ..UserPatch::default()
    };
    let now = app.clock().now();
    app.store().update_user(user.id, patch, now).await?;
    // Another request may have been first.
    let user = app.reload(user.id).await?;
    user.fs_token_uniquifier
        .ok_or_else(|| Fault::Internal("a token uniquifier was not stored".to_owned()))
}

async fn begin_family(app: &App, info: &RequestInfo, user: &User) -> Result<RefreshTracker, Fault> {
    let settings = &app.settings().refresh;
    let now = app.clock().now();
    if settings.cleanup_expired || settings.cleanup_revoked {
        let expired = settings.cleanup_expired.then_some(now);
        app.store()
            .clean_trackers(user.id, expired, settings.cleanup_revoked)
            .await?;
    }
    let family = rng::hex::<16>(app.random());
    let new = NewTracker {
        user_id: user.id,
        family: family.clone(),
        name: "default".to_owned(),
        expires_at: end(now, settings.max_age),
        created_at: now,
    };
    let change = Change {
        family: Some(FamilyChange::Begin(new)),
        ..Change::default()
    };
    let event = Event::RefreshFamilyBegun { user_id: user.id };
    app.commit(info, change, &event).await?;
    // As it was written: a database may keep less of a moment than we have.
    let tracker = app.store().tracker(&family).await?;
    tracker.ok_or_else(|| Fault::Internal("a family has gone during a sign-in".to_owned()))
}

fn end(now: OffsetDateTime, after: std::time::Duration) -> OffsetDateTime {
    time::Duration::try_from(after)
        .ok()
        .and_then(|after| now.checked_add(after))
        .unwrap_or(now)
}
