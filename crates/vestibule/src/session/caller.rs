//! The caller of a request, authenticated by session, auth token or basic authentication.

use vestibule_store::{Role, User, UserKey};

use super::assurance::{self, Assurance};
use super::context::SessionContext;
use super::cookies::Remember;
use super::keys;
use super::proof::{self, Factor, PasswordCheck, Proof};
use crate::app::App;
use crate::guard::{Guesser, OnSuccess, Principal};
use crate::http::fault::{Fault, HandlerError};
use crate::identity;
use crate::settings::{Mechanism, SessionProtection};

/// The authenticated user of a client.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The user.
    pub user: User,
    /// The mechanism that authenticated the user.
    pub via: Mechanism,
    /// When the user last proved their identity, in seconds since 1970.
    pub authenticated_at: Option<f64>,
    /// The user's roles, if the authentication policy loads them.
    pub(crate) roles: Option<Vec<Role>>,
}

impl Caller {
    /// The user's roles by name, from the store unless they are loaded already.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn roles(&self, app: &App) -> Result<Vec<Role>, Fault> {
        match &self.roles {
            Some(roles) => Ok(roles.clone()),
            None => Ok(app.store().roles_of(self.user.id).await?),
        }
    }
}

/// What is loaded about a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Load {
    /// The user's row.
    User,
    /// The user's row and roles.
    WithRoles,
}

/// Looks up an active user, with their roles if `load` asks for them.
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
    Ok(found.filter(|(user, _)| assurance::credential_is_valid(user)))
}

impl SessionContext {
    /// The user that the session cookie names. Without one, a remember cookie begins a new session.
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
        // Nothing that another user left in this browser's session may become this user's.
        keys::clear(self);
        self.session.set_str(keys::USER_ID, &uniquifier);
        self.session.set_bool(keys::FRESH, false);
        if app.settings().session.protection == Some(SessionProtection::Strong) {
            // Without the identifier, session protection would end the session at the next request.
            let identifier = self.identifier().to_owned();
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

/// The user that an auth token names, if the token is valid.
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
        // A token from before the column existed carries the session's uniquifier.
        found = active_user(app, UserKey::Uniquifier(uniquifier), load).await?;
        // Once a user has a token uniquifier, such tokens are no longer valid.
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

/// The user that a username and a password authenticate. The rules are those of `/login`, and the
/// cost is the same whether or not the user exists.
pub(super) async fn by_password(
    app: &App,
    guesser: Guesser<'_>,
    name: &str,
    password: &str,
) -> Result<Option<Caller>, HandlerError> {
    let user = identity::look_up(app, name).await?;
    let principal = Principal::of(user.as_ref(), name);
    let keep = OnSuccess::KeepCounter;
    let check = proof::check_password(app, guesser, principal, password, keep).await?;
    let (Some(user), PasswordCheck::Right { upgrade }) = (user, check) else {
        return Ok(None);
    };
    let shown = Proof::of(Factor::Password);
    // There is no step in which basic authentication could show a second factor.
    if assurance::of(app, &user, &shown, false).await? != Assurance::Sufficient {
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
