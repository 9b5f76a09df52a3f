//! Administration of accounts.

use serde_json::Value;
use vestibule_formats::text::{email, username};
use vestibule_store::{
    Applied, Change, Identity, NewEntries, NewUser, PasswordChange, Role, Uniquifiers, User,
    UserChange, UserId, UserKey, UserPatch,
};

use super::AdminError;
use crate::app::App;
use crate::audit::AuditRecord;
use crate::identity;
use crate::messages::catalogue::Locale;
use crate::rng;
use crate::validation;

/// The prefix of a primary key that identifies a user.
const PRIMARY_KEY: &str = "id:";

/// An account to create.
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The address; normalised before it is stored.
    pub email: String,
    /// The username, if usernames are enabled.
    pub username: Option<String>,
    /// The password.
    pub password: String,
    /// Whether the user may sign in.
    pub active: bool,
    /// Whether the address counts as confirmed.
    pub confirmed: bool,
}

/// Creates an account.
///
/// # Errors
/// If the address, username or password breaks a rule or is taken.
pub async fn create(app: &App, account: NewAccount) -> Result<User, AdminError> {
    let settings = app.settings();
    let address = email::normalise(&account.email, &settings.identity.email_options)
        .map_err(|_| AdminError::Email(account.email.clone()))?;
    let name = match account.username {
        None => None,
        Some(_) if !settings.identity.username_enable => return Err(AdminError::UsernamesOff),
        Some(name) => Some(
            username::normalise(&name, &settings.identity.username_options)
                .map_err(|_| AdminError::Username(name))?,
        ),
    };
    if let Some(name) = &name
        && identity::reads_as_another(app, name)
    {
        return Err(AdminError::UsernameResemblesIdentity(name.clone()));
    }
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
    let about: Vec<&str> = [Some(&address), name.as_ref()]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    let password = hash(app, &account.password, &about).await?;
    let now = app.clock().now();
    let new = NewUser {
        email: address,
        username: name,
        password: Some(password),
        active: account.active,
        confirmed_at: account.confirmed.then_some(now),
        fs_uniquifier: fresh_uniquifier(app),
        fs_token_uniquifier: fresh_uniquifier(app),
        fs_webauthn_user_handle: fresh_uniquifier(app),
        us_phone_number: None,
        us_totp_secrets: None,
        created_at: now,
    };
    let mut claims = identity::claim(app, Identity::Email, &new.email);
    if let Some(name) = &new.username {
        claims.extend(identity::claim(app, Identity::Username, name));
    }
    let change = Change {
        claims,
        events: entry(app, "created_by_operator", None, None),
        user: Some(UserChange::Create(Box::new(new))),
        ..Change::default()
    };
    let applied = app.apply(change).await?;
    let Applied::Done(Some(id)) = applied else {
        return Err(AdminError::NotFound(account.email));
    };
    let made = app.store().user(UserKey::Id(id)).await?;
    made.ok_or(AdminError::NotFound(account.email))
}

/// The user with this identity: an attribute of `USER_IDENTITY_ATTRIBUTES` that matches the text, a
/// stored address, or a primary key written as `id:7`.
///
/// # Errors
/// If no user has it, or if it matches more than one user.
pub async fn find(app: &App, text: &str) -> Result<User, AdminError> {
    let not_found = || AdminError::NotFound(text.to_owned());
    // This takes precedence over a username of the same form.
    if let Some(key) = text.strip_prefix(PRIMARY_KEY)
        && let Ok(id) = key.parse()
    {
        let user = app.store().user(UserKey::Id(UserId(id))).await?;
        return user.ok_or_else(not_found);
    }
    let mut users = identity::look_up_all(app, text).await?;
    let identities = &app.settings().identity;
    if identities.has(Identity::Phone.column())
        && let Some(number) = phone_number(text)
    {
        users.extend(identity::find(app, Identity::Phone, &number).await?);
    }
    if users.is_empty() && identities.has(Identity::Email.column()) {
        // Tables from other programs may hold invalid addresses.
        users.extend(identity::by_address(app, text).await?);
    }
    users.sort_by_key(|user| user.id);
    users.dedup_by_key(|user| user.id);
    if users.len() > 1 {
        return Err(AdminError::Ambiguous {
            text: text.to_owned(),
            users: users.iter().map(|user| (user.id, label(user))).collect(),
        });
    }
    users.pop().ok_or_else(not_found)
}

/// Users with their roles, in the order of their primary keys, starting after `after`.
///
/// # Errors
/// If the store fails.
pub async fn list(
    app: &App,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<(User, Vec<Role>)>, AdminError> {
    let users = app.store().list_users(after, limit).await?;
    let mut listed = Vec::with_capacity(users.len());
    for user in users {
        let roles = app.store().roles_of(user.id).await?;
        listed.push((user, roles));
    }
    Ok(listed)
}

/// Allows or forbids a user to sign in. Returns false if nothing had to be changed.
///
/// Deactivation ends everything that the user is signed in to, and reactivation does not restore
/// it.
///
/// # Errors
/// If the store fails.
pub async fn set_active(app: &App, user: &User, active: bool) -> Result<bool, AdminError> {
    if user.active == active {
        return Ok(false);
    }
    let mut patch = UserPatch {
        active: Some(active),
        ..UserPatch::default()
    };
    if !active {
        end_everything(app, &mut patch);
    }
    let kind = if active { "activated" } else { "deactivated" };
    update(app, user, patch, kind).await?;
    Ok(true)
}

/// Marks a user's address as confirmed. Returns false if it was confirmed before.
///
/// # Errors
/// If the store fails.
pub async fn confirm(app: &App, user: &User) -> Result<bool, AdminError> {
    if user.confirmed_at.is_some() {
        return Ok(false);
    }
    let patch = UserPatch {
        confirmed_at: Some(Some(app.clock().now())),
        ..UserPatch::default()
    };
    update(app, user, patch, "confirmed_by_operator").await?;
    Ok(true)
}

/// Replaces a user's password. All of the user's sessions, remember cookies and tokens become
/// invalid.
///
/// # Errors
/// If the password breaks a rule.
pub async fn change_password(app: &App, user: &User, password: &str) -> Result<(), AdminError> {
    let hash = hash(app, password, &validation::known_of(user)).await?;
    let mut patch = UserPatch {
        password: Some(PasswordChange::Set(hash)),
        ..UserPatch::default()
    };
    end_everything(app, &mut patch);
    update(app, user, patch, "password_set_by_operator").await
}

/// Revokes every credential except the password: sessions, tokens, second factors, recovery codes,
/// passkeys.
///
/// # Errors
/// If the store fails.
pub async fn reset_access(app: &App, user: &User) -> Result<(), AdminError> {
    let fresh = Uniquifiers {
        session: fresh_uniquifier(app),
        token: fresh_uniquifier(app),
    };
    let change = UserChange::Reclaim(user.id, Box::default(), fresh);
    change_user(app, user, change, "access_reset").await
}

/// Clears the counters of wrong guesses for a user's account, and of mails and SMS to them. Returns
/// false if there were none.
///
/// # Errors
/// If the store fails.
pub async fn unlock(app: &App, user: &User) -> Result<bool, AdminError> {
    if app.guard().unlock(app, user).await? == 0 {
        return Ok(false);
    }
    let change = Change {
        events: entry(app, "unlocked", Some(user.id), None),
        ..Change::default()
    };
    app.apply(change).await?;
    Ok(true)
}

/// Deletes a user and everything that belongs to them.
///
/// # Errors
/// If the store fails.
pub async fn delete(app: &App, user: &User) -> Result<(), AdminError> {
    change_user(app, user, UserChange::Delete(user.id), "deleted").await
}

/// Sessions and remember cookies carry one uniquifier, auth and refresh tokens the other (or the
/// first, if the table has no second). New values for both invalidate them all.
fn end_everything(app: &App, patch: &mut UserPatch) {
    patch.fs_uniquifier = Some(fresh_uniquifier(app));
    patch.fs_token_uniquifier = Some(fresh_uniquifier(app));
}

async fn update(
    app: &App,
    user: &User,
    patch: UserPatch,
    kind: &'static str,
) -> Result<(), AdminError> {
    let change = UserChange::Update(user.id, Box::new(patch));
    change_user(app, user, change, kind).await
}

async fn change_user(
    app: &App,
    user: &User,
    change: UserChange,
    kind: &'static str,
) -> Result<(), AdminError> {
    let change = Change {
        events: entry(app, kind, change.whose(), None),
        user: Some(change),
        ..Change::default()
    };
    let applied = app.apply(change).await?;
    found(user, applied == Applied::Done(Some(user.id)))
}

/// The entry in the audit log for an operator's action, which has no client address.
pub(super) fn entry(
    app: &App,
    kind: &'static str,
    user_id: Option<UserId>,
    detail: Option<Value>,
) -> Option<NewEntries> {
    let audit_record = AuditRecord {
        kind,
        user_id,
        detail,
    };
    app.chain().entries(vec![audit_record.entry(app, None)])
}

/// Fails if the user was deleted in the meantime, so that nothing is reported as done.
fn found(user: &User, is_there: bool) -> Result<(), AdminError> {
    if is_there {
        return Ok(());
    }
    Err(AdminError::NotFound(label(user)))
}

/// A label for a user: the address, or another of their identities.
#[must_use]
#[doc(hidden)]
pub fn label(user: &User) -> String {
    let identities = [&user.email, &user.username, &user.us_phone_number];
    let mut known = identities.into_iter().flatten();
    known
        .next()
        .map_or_else(|| user.id.to_string(), Clone::clone)
}

/// A phone number in the stored form (E.164), from a common notation such as `+44 20 7946-0000`.
/// The country is never guessed.
fn phone_number(text: &str) -> Option<String> {
    let number: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
        .collect();
    let digits = number.strip_prefix('+')?;
    let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then_some(number)
}

/// The hash of a new password that satisfies all rules, including the application's. `about` holds
/// what is known of its user.
async fn hash(app: &App, password: &str, about: &[&str]) -> Result<String, AdminError> {
    let password = validation::normalised(app, password);
    let wrong = validation::judge(app, &password, about).await?;
    if !wrong.is_empty() {
        let words = app.messages().spoken(Locale::ENGLISH);
        let said: Vec<String> = wrong.iter().map(|said| words.say(said)).collect();
        return Err(AdminError::Password(said.join(" ")));
    }
    Ok(app.passwords().hash(&password).await?)
}

fn fresh_uniquifier(app: &App) -> String {
    rng::hex::<16>(app.random())
}
