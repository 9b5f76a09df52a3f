//! Who sends a request: by session, by auth token, or by basic authentication.

use vestibule_store::{Role, User, UserKey};

use super::assurance;
use super::context::SessionContext;
use super::cookies::Remember;
use super::keys;
use super::proof::{self, Factor, PasswordCheck, Proof};
use crate::app::App;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::settings::{Mechanism, SessionProtection};

/// Somebody who has been authenticated.
#[derive(Debug)]
pub struct Caller {
    /// Who.
    pub user: User,
    /// By which mechanism.
    pub via: Mechanism,
    /// When they last proved who they are, in seconds since 1970.
    pub authenticated_at: Option<f64>,
    /// Their roles, if the door asked for them.
    pub(crate) roles: Option<Vec<Role>>,
}

impl Caller {
    /// Their roles, by name: read if nobody did so before.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn roles(&self, app: &App) -> Result<Vec<Role>, Fault> {
        match &self.roles {
            Some(roles) => Ok(roles.clone()),
            None => Ok(app.store().roles_of(self.user.id).await?),
        }
    }
}

/// What of a user is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// The row.
    User,
    /// Their roles with it.
    WithRoles,
}

/// An active user, and as much about them as was asked for.
pub(super) async fn active_user(
    app: &App,
    key: UserKey<'_>,
    load: Load,
) -> Result<Option<(User, Option<Vec<Role>>)>, Fault> {
    let found = match load {
        Load::User => app.store().user(key).await?.map(|user| (user, None)),
        Load::WithRoles => {
            let found = app.store().user_with_roles(key).await?;
            found.map(|(user, roles)| (user, Some(roles)))
        }
    };
    Ok(found.filter(|(user, _)| assurance::credential_counts(user)))
}

impl SessionContext {
    /// Whoever the session cookie names, or the remember cookie that brings a session back.
    pub(super) async fn by_session(
        &mut self,
        app: &App,
        load: Load,
    ) -> Result<Option<Caller>, Fault> {
        if !self.protected {
            return Ok(None);
        }
        if let Some(uniquifier) = self.session.get_str(keys::USER_ID)
            && let Some(found) = active_user(app, UserKey::Uniquifier(&uniquifier), load).await?
        {
            return Ok(Some(self.session_caller(found)));
        }
        let Some(uniquifier) = self
            .remember_cookie
            .as_deref()
            .filter(|_| self.remember != Remember::Clear)
            .and_then(|cookie| app.remember_codec().open(cookie))
        else {
            return Ok(None);
        };
        let key = UserKey::Uniquifier(&uniquifier);
        let Some(found) = active_user(app, key, load).await? else {
            return Ok(None);
        };
        // What another user did or proved in this browser is not theirs.
        keys::clear(self);
        self.session.set_str(keys::USER_ID, &uniquifier);
        self.session.set_bool(keys::FRESH, false);
        if app.settings().session.protection == Some(SessionProtection::Strong) {
            // Without it the session would be over at the next request.
            let identifier = self.identifier.clone();
            self.session.set_str(keys::IDENTIFIER, &identifier);
        }
        Ok(Some(self.session_caller(found)))
    }

    fn session_caller(&self, (user, roles): (User, Option<Vec<Role>>)) -> Caller {
        Caller {
            user,
            roles,
            via: Mechanism::Session,
            authenticated_at: self.session.get_f64(keys::AUTHENTICATED_AT),
        }
    }
}

/// Whom an auth token names, if it counts.
pub(super) async fn by_token(app: &App, token: &str, load: Load) -> Result<Option<Caller>, Fault> {
    let max_age = app.settings().token.max_age;
    let token = match app.auth_token_codec().open(token, app.unix_now(), max_age) {
        Ok(token) => token,
        Err(error) => {
            tracing::info!(check = "auth_token", saw = %error, "an auth token was ignored");
            return Ok(None);
        }
    };
    let uniquifier = &token.uniquifier;
    let mut found = None;
    if app.store().has_token_uniquifiers() {
        found = active_user(app, UserKey::TokenUniquifier(uniquifier), load).await?;
    }
    if found.is_none() {
        // Tokens from before the column was there.
        found = active_user(app, UserKey::Uniquifier(uniquifier), load).await?;
        // Whoever has one of their own since has none of those any more.
        found = found.filter(|(user, _)| user.fs_token_uniquifier.is_none());
    }
    let allowed = app.settings().freshness.allow_auth_token;
    Ok(found.map(|(user, roles)| Caller {
        user,
        roles,
        via: Mechanism::Token,
        authenticated_at: token.authenticated_at.filter(|_| allowed),
    }))
}

/// Whom a name and a password name. The same rules as at `/login`, at the same cost whether
/// or not there is such a user.
pub(super) async fn by_password(
    app: &App,
    info: &RequestInfo,
    name: &str,
    password: &str,
) -> Result<Option<Caller>, Fault> {
    let user = identity::look_up(app, name).await?;
    let check = proof::check_password(app, info, user.as_ref(), password).await?;
    let (Some(user), PasswordCheck::Right { upgrade }) = (user, check) else {
        return Ok(None);
    };
    let shown = Proof::of(Factor::Password);
    if assurance::sign_in_block(app, &user, &shown)
        .await?
        .is_some()
    {
        return Ok(None);
    }
    proof::store_upgrade(app, &user, upgrade).await?;
    Ok(Some(Caller {
        user,
        via: Mechanism::Basic,
        authenticated_at: None,
        roles: None,
    }))
}
