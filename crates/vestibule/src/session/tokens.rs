//! The tokens that the reply to a sign-in may carry.

use http::HeaderValue;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use vestibule_formats::auth_token::AuthToken;
use vestibule_formats::refresh_token::RefreshToken;
use vestibule_store::{
    Change, FamilyChange, NewTracker, RefreshTracker, User, UserChange, UserPatch,
};

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

/// What a reply says about a user: their tokens, and what the application adds.
pub(crate) struct UserPayload {
    user: Map<String, Value>,
    cookie: Option<HeaderValue>,
}

impl UserPayload {
    /// The payload for a user, without tokens.
    pub(crate) fn without_tokens(app: &App, user: &User) -> Self {
        Self {
            user: app.describe(user),
            cookie: None,
        }
    }

    /// The payload of a reply that must not reveal whether a user exists.
    pub(crate) fn empty() -> Self {
        Self {
            user: Map::new(),
            cookie: None,
        }
    }

    /// Adds the payload to a reply.
    pub(crate) fn add_to(self, reply: Reply) -> Reply {
        let reply = reply.member("user", self.user);
        match self.cookie {
            Some(cookie) => reply.header(http::header::SET_COOKIE, cookie),
            None => reply,
        }
    }
}

/// Whether the request or the settings ask for tokens.
pub(crate) fn requested(app: &App, query: &Query) -> bool {
    app.settings().token.always_included || query.has("include_auth_token")
}

/// The payload for a user who proved their identity without a sign-in, with tokens if the request
/// or the settings ask for them.
///
/// # Errors
/// When the store fails.
pub(crate) async fn on_request(
    app: &App,
    info: &RequestInfo,
    user: &User,
    authenticated_at: f64,
    query: &Query,
) -> Result<UserPayload, Fault> {
    if !requested(app, query) {
        return Ok(UserPayload::without_tokens(app, user));
    }
    let mut patch = UserPatch::default();
    let issue = Issue::prepare(app, user, &mut patch).await?;
    let change = Change {
        user: (!patch.is_empty()).then(|| UserChange::Update(user.id, Box::new(patch))),
        family: issue.family(),
        ..Change::default()
    };
    if change.family.is_some() {
        let event = Event::RefreshFamilyBegun { user_id: user.id };
        app.commit(info, change, &event).await?;
    } else if change.user.is_some() {
        app.apply(change).await?;
    }
    issue.payload(app, user, authenticated_at).await
}

/// Tokens that are issued with a change: first [`Issue::prepare`], then the change, then
/// [`Issue::payload`].
#[derive(Debug)]
pub(crate) struct Issue {
    family: Option<NewTracker>,
}

impl Issue {
    /// Prepares tokens for a user. The patch then gives the user a token uniquifier, if the table
    /// has a column for it that was never filled.
    pub(crate) async fn prepare(
        app: &App,
        user: &User,
        patch: &mut UserPatch,
    ) -> Result<Self, Fault> {
        if app.store().has_token_uniquifiers() && user.fs_token_uniquifier.is_none() {
            patch.first_token_uniquifier = Some(rng::hex::<16>(app.random()));
        }
        let family = if app.settings().refresh.enabled {
            Some(new_family(app, user).await?)
        } else {
            None
        };
        Ok(Self { family })
    }

    /// The change that begins the family of the refresh token, if there is one.
    pub(crate) fn family(&self) -> Option<FamilyChange> {
        self.family.clone().map(FamilyChange::Begin)
    }

    /// The tokens, once the change is applied.
    pub(crate) async fn payload(
        self,
        app: &App,
        user: &User,
        authenticated_at: f64,
    ) -> Result<UserPayload, Fault> {
        let uniquifier = uniquifier(app, user).await?;
        let mut payload = UserPayload::without_tokens(app, user);
        payload.add_auth_token(app, &uniquifier, authenticated_at, user);
        if let Some(family) = &self.family {
            // Read back, since the database may store times with less precision.
            let tracker = app.store().tracker(&family.family).await?;
            let tracker = tracker.ok_or_else(|| {
                Fault::Internal("a new refresh-token family was deleted".to_owned())
            })?;
            payload.add_refresh_token(app, uniquifier, &tracker);
        }
        Ok(payload)
    }
}

/// The uniquifier for a user's tokens.
async fn uniquifier(app: &App, user: &User) -> Result<String, Fault> {
    if !app.store().has_token_uniquifiers() {
        return Ok(user.fs_uniquifier.clone());
    }
    if let Some(uniquifier) = &user.fs_token_uniquifier {
        return Ok(uniquifier.clone());
    }
    // The change filled the column, or another request did so first: the stored value is valid.
    let user = app.reload(user.id).await?;
    user.fs_token_uniquifier
        .ok_or_else(|| Fault::Internal("a token uniquifier was not stored".to_owned()))
}

async fn new_family(app: &App, user: &User) -> Result<NewTracker, Fault> {
    let settings = &app.settings().refresh;
    let now = app.clock().now();
    if settings.cleanup_expired || settings.cleanup_revoked {
        let expired = settings.cleanup_expired.then_some(now);
        app.store()
            .clean_trackers(user.id, expired, settings.cleanup_revoked)
            .await?;
    }
    Ok(NewTracker {
        user_id: user.id,
        family: rng::hex::<16>(app.random()),
        name: "default".to_owned(),
        expires_at: end(now, settings.max_age),
        created_at: now,
    })
}

/// The payload with the tokens that replace a refresh token.
///
/// A refresh token is no new proof of identity, so the auth token is as old as the family.
pub(crate) fn successors(
    app: &App,
    user: &User,
    uniquifier: String,
    tracker: &RefreshTracker,
) -> UserPayload {
    let mut payload = UserPayload::without_tokens(app, user);
    let began = clock::seconds(tracker.created_at);
    payload.add_auth_token(app, &uniquifier, began, user);
    payload.add_refresh_token(app, uniquifier, tracker);
    payload
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

/// The header that clears the refresh cookie.
pub(crate) fn clear_cookie(cookie: &CookieSettings) -> Option<HeaderValue> {
    cookies::set_cookie(cookie, "", Lifetime::Gone)
}

fn end(now: OffsetDateTime, after: std::time::Duration) -> OffsetDateTime {
    time::Duration::try_from(after)
        .ok()
        .and_then(|after| now.checked_add(after))
        .unwrap_or(now)
}
