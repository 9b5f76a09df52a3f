//! What an operator does to accounts, without HTTP: the rules behind the command line.

use vestibule_formats::text::{email, normalise, username};
use vestibule_store::{Identity, NewUser, PasswordChange, StoreError, User, UserPatch};

use crate::app::App;
use crate::http::fault::Fault;
use crate::identity;
use crate::rng;

/// Why an operator's command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address is not one.
    #[error("{0:?} is not a valid email address")]
    Email(String),
    /// The username breaks the configured rules.
    #[error("{0:?} cannot be a username under the configured rules")]
    Username(String),
    /// The password is too short.
    #[error("the password needs at least {0} characters (SECURITY_PASSWORD_LENGTH_MIN)")]
    Password(usize),
    /// Usernames are switched off.
    #[error("usernames are switched off: set SECURITY_USERNAME_ENABLE = true first")]
    UsernamesOff,
    /// Somebody has it.
    #[error("another account has this {0} already")]
    Taken(String),
    /// There is no such user.
    #[error("no user has the identity {0:?}")]
    NotFound(String),
    /// Something inside did not work.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<StoreError> for AdminError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { column } => Self::Taken(column),
            other => Self::Fault(other.into()),
        }
    }
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The address; normalised before it is stored.
    pub email: String,
    /// The username, where usernames are on.
    pub username: Option<String>,
    /// The password.
    pub password: String,
    /// Whether the user may sign in.
    pub active: bool,
    /// Whether the address counts as confirmed.
    pub confirmed: bool,
}

/// Makes an account.
///
/// # Errors
/// When the address, username or password breaks a rule or is taken.
pub async fn create(app: &App, draft: Draft) -> Result<User, AdminError> {
    let settings = app.settings();
    let address = email::normalise(&draft.email, &settings.identity.email_options)
        .map_err(|_| AdminError::Email(draft.email.clone()))?;
    let name = match draft.username {
        None => None,
        Some(_) if !settings.identity.username_enable => return Err(AdminError::UsernamesOff),
        Some(name) => Some(
            username::normalise(&name, &settings.identity.username_options)
                .map_err(|_| AdminError::Username(name))?,
        ),
    };
    if identity::find(app, Identity::Email, &address)
        .await?
        .is_some()
    {
        return Err(AdminError::Taken("email".to_owned()));
    }
    if let Some(name) = &name
        && identity::find(app, Identity::Username, name)
            .await?
            .is_some()
    {
        return Err(AdminError::Taken("username".to_owned()));
    }
    let password = hash(app, &draft.password).await?;
    let now = app.clock().now();
    let new = NewUser {
        email: address,
        username: name,
        password: Some(password),
        active: draft.active,
        confirmed_at: draft.confirmed.then_some(now),
        fs_uniquifier: fresh_uniquifier(app),
        fs_token_uniquifier: fresh_uniquifier(app),
        us_phone_number: None,
        created_at: now,
    };
    Ok(app.store().create_user(new).await?)
}

/// The user with this identity: the first attribute of `USER_IDENTITY_ATTRIBUTES` whose
/// rules the text fits.
///
/// # Errors
/// When nobody has it.
pub async fn find(app: &App, identity: &str) -> Result<User, AdminError> {
    let settings = &app.settings().identity;
    let mut candidates = Vec::new();
    if let Ok(address) = email::normalise(identity, &settings.email_options) {
        candidates.push((Identity::Email, address));
    }
    if let Ok(name) = username::normalise(identity, &settings.username_options) {
        candidates.push((Identity::Username, name));
    }
    for (attribute, value) in candidates {
        if settings.has(attribute.column())
            && let Some(user) = identity::find(app, attribute, &value).await?
        {
            return Ok(user);
        }
    }
    Err(AdminError::NotFound(identity.to_owned()))
}

/// Lets a user sign in, or no longer. A user who is switched off is signed out
/// everywhere by the next request. False when it was so already.
///
/// # Errors
/// When the store fails.
pub async fn set_active(app: &App, user: &User, active: bool) -> Result<bool, AdminError> {
    if user.active == active {
        return Ok(false);
    }
    let patch = UserPatch {
        active: Some(active),
        ..UserPatch::default()
    };
    app.store()
        .update_user(user.id, patch, app.clock().now())
        .await?;
    Ok(true)
}

/// Gives a user another password. Every session, remember cookie and token of theirs is
/// void from then on.
///
/// # Errors
/// When the password breaks a rule.
pub async fn change_password(app: &App, user: &User, password: &str) -> Result<(), AdminError> {
    let hash = hash(app, password).await?;
    let patch = UserPatch {
        password: Some(PasswordChange::Set(hash)),
        fs_uniquifier: Some(fresh_uniquifier(app)),
        fs_token_uniquifier: Some(fresh_uniquifier(app)),
        ..UserPatch::default()
    };
    app.store()
        .update_user(user.id, patch, app.clock().now())
        .await?;
    Ok(())
}

async fn hash(app: &App, password: &str) -> Result<String, AdminError> {
    let settings = &app.settings().password;
    let password = normalise::normalise(password, settings.normalize_form);
    if password.chars().count() < settings.length_min {
        return Err(AdminError::Password(settings.length_min));
    }
    Ok(app.passwords().hash(&password).await?)
}

fn fresh_uniquifier(app: &App) -> String {
    rng::hex::<16>(app.random())
}
