//! What an operator does to accounts.

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

/// What stands before a primary key that names a user.
const PRIMARY_KEY: &str = "id:";

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAccount {
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

/// The user with this identity: an attribute of `USER_IDENTITY_ATTRIBUTES` that the text fits, an
/// address as it is stored, or a primary key written `id:7`.
///
/// # Errors
/// When nobody has it, and when it fits more than one user.
pub async fn find(app: &App, text: &str) -> Result<User, AdminError> {
    let nobody = || AdminError::NotFound(text.to_owned());
    // A username that reads so names nobody else.
    if let Some(key) = text.strip_prefix(PRIMARY_KEY)
        && let Ok(id) = key.parse()
    {
        let user = app.store().user(UserKey::Id(UserId(id))).await?;
        return user.ok_or_else(nobody);
    }
    let mut users = identity::look_up_all(app, text).await?;
    let identities = &app.settings().identity;
    if identities.has(Identity::Phone.column())
        && let Some(number) = phone_number(text)
    {
        users.extend(identity::find(app, Identity::Phone, &number).await?);
    }
    if users.is_empty() && identities.has(Identity::Email.column()) {
        // Tables from elsewhere have what is no address at all.
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
    users.pop().ok_or_else(nobody)
}

/// Users with the names of their roles, in the order of their primary keys, after one of
/// them.
///
/// # Errors
/// When the store fails.
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

/// Lets a user sign in, or no longer. What a user who is switched off was signed in to has
/// ended, and does not come back when they are switched on again. False when it was so
/// already.
///
/// # Errors
/// When the store fails.
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

/// Counts a user's address as confirmed. False when it was so already.
///
/// # Errors
/// When the store fails.
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

/// Gives a user another password. Every session, remember cookie and token of theirs is
/// void from then on.
///
/// # Errors
/// When the password breaks a rule.
pub async fn change_password(app: &App, user: &User, password: &str) -> Result<(), AdminError> {
    let hash = hash(app, password, &validation::known_of(user)).await?;
    let mut patch = UserPatch {
        password: Some(PasswordChange::Set(hash)),
        ..UserPatch::default()
    };
    end_everything(app, &mut patch);
    update(app, user, patch, "password_set_by_operator").await
}

/// Ends every way in but the password: sessions, tokens, second factors, codes, passkeys.
///
/// # Errors
/// When the store fails.
pub async fn reset_access(app: &App, user: &User) -> Result<(), AdminError> {
    let fresh = Uniquifiers {
        session: fresh_uniquifier(app),
        token: fresh_uniquifier(app),
    };
    let change = UserChange::Reclaim(user.id, Box::default(), fresh);
    change_user(app, user, change, "access_reset").await
}

/// Deletes a user and whatever belongs to them.
///
/// # Errors
/// When the store fails.
pub async fn delete(app: &App, user: &User) -> Result<(), AdminError> {
    change_user(app, user, UserChange::Delete(user.id), "deleted").await
}

/// Sessions and remember cookies carry one uniquifier, auth and refresh tokens the other one
/// (or the first, where the table has no second): with both anew, none of them counts.
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

/// What the audit log keeps of something that an operator did: from no address.
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

/// Refuses to say that something was done to somebody who is gone meanwhile.
fn found(user: &User, is_there: bool) -> Result<(), AdminError> {
    if is_there {
        return Ok(());
    }
    Err(AdminError::NotFound(label(user)))
}

/// What a user is called: the address, or another identity of theirs.
#[must_use]
pub fn label(user: &User) -> String {
    let identities = [&user.email, &user.username, &user.us_phone_number];
    let mut known = identities.into_iter().flatten();
    known
        .next()
        .map_or_else(|| user.id.to_string(), Clone::clone)
}

/// A number in the form in which it is kept (E.164), as people write it: `+44 20 7946-0000`.
/// One without a country is not guessed at.
fn phone_number(text: &str) -> Option<String> {
    let number: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '.' | '(' | ')'))
        .collect();
    let digits = number.strip_prefix('+')?;
    let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    fits.then_some(number)
}

/// The hash of a new password that every rule lets pass, those of the application too. `about` is
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
