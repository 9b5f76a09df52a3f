//! Creating accounts, and refusing registrations without revealing existing accounts.

use serde_json::Value;
use vestibule_store::{
    Applied, Change, Identity, NewMail, NewUser, StoreError, User, UserChange, UserId, UserKey,
};

use super::wire::{EMAIL, PASSWORD, PASSWORD_AGAIN, RegisterRequest, USERNAME};
use crate::app::App;
use crate::codes;
use crate::guard;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::reject::FieldErrors;
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::links::{self, Link};
use crate::mail::{self, Email};
use crate::messages::Message;
use crate::rng;
use crate::validation;

/// The outcome of a registration.
#[derive(Debug)]
pub(super) enum Decision {
    /// No account was created, because of these errors.
    Refused(FieldErrors),
    /// No account was created, and the reply does not reveal it. A mail tells the owner of the
    /// address.
    RefusedSilently,
    /// An account was created.
    Created(Box<User>),
}

/// Checks a registration, and creates the account.
pub(super) async fn attempt(
    app: &App,
    info: &RequestInfo,
    request: RegisterRequest,
) -> Result<Decision, Fault> {
    let RegisterRequest {
        email,
        username,
        password,
        mut errors,
    } = request;
    if let Some(password) = &password {
        let about: Vec<&str> = [&email, &username]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        for problem in validation::judge(app, password, &about).await? {
            errors.push(PASSWORD, problem);
        }
    }
    let taken = Taken::look_up(app, email.as_deref(), username.as_deref()).await?;
    let generic = app.settings().login.return_generic_responses;
    if !generic {
        errors.extend(taken.errors(email.as_deref(), username.as_deref()));
    }
    let (Some(email), true) = (email, errors.is_empty()) else {
        let order = [EMAIL, PASSWORD, PASSWORD_AGAIN, "next", USERNAME];
        return Ok(Decision::Refused(errors.in_order(&order)));
    };
    // Made even if the registration is then refused, so that the time does not reveal it.
    let hash = match &password {
        Some(password) => Some(app.passwords().hash(password).await?),
        None => None,
    };
    // A user without a password signs in with codes by mail.
    let us_totp_secrets = match &password {
        Some(_) => None,
        None => codes::methods::of_new_user(app).await?,
    };
    let account = NewAccount {
        email,
        username,
        hash,
        us_totp_secrets,
    };
    if taken.any() {
        return refuse_silently(app, info, taken, &account).await;
    }
    let column = match create(app, info, &account).await {
        Ok(created) => return Ok(created),
        Err(CreateError::Failed(fault)) => return Err(fault),
        Err(CreateError::Taken(column)) => column,
    };
    // Another request claimed the address or the username first.
    let username = account.username.as_deref();
    let taken = Taken::look_up(app, Some(&account.email), username).await?;
    if generic {
        return refuse_silently(app, info, taken, &account).await;
    }
    let mut errors = taken.errors(Some(&account.email), username);
    if errors.is_empty() {
        // The other account was deleted meanwhile, or the database ignores a difference, such as in
        // case, that look-ups do not.
        match username.filter(|_| column == Identity::Username.column()) {
            Some(name) => errors.push(
                USERNAME,
                Message::UsernameAlreadyAssociated.with("username", name),
            ),
            None => errors.push(
                EMAIL,
                Message::EmailAlreadyAssociated.with("email", &account.email),
            ),
        }
    }
    Ok(Decision::Refused(errors))
}

/// An account to be created.
struct NewAccount {
    email: String,
    username: Option<String>,
    hash: Option<String>,
    us_totp_secrets: Option<String>,
}

/// The users who have the address and the username already.
#[derive(Debug, Default)]
struct Taken {
    email: Option<User>,
    username: Option<User>,
}

impl Taken {
    async fn look_up(
        app: &App,
        email: Option<&str>,
        username: Option<&str>,
    ) -> Result<Self, Fault> {
        let mut taken = Self::default();
        if let Some(email) = email {
            taken.email = identity::find(app, Identity::Email, email).await?;
        }
        if let Some(username) = username {
            taken.username = identity::find(app, Identity::Username, username).await?;
        }
        Ok(taken)
    }

    fn any(&self) -> bool {
        self.email.is_some() || self.username.is_some()
    }

    fn errors(&self, email: Option<&str>, username: Option<&str>) -> FieldErrors {
        let mut errors = FieldErrors::default();
        if let (Some(_), Some(email)) = (&self.email, email) {
            errors.push(EMAIL, Message::EmailAlreadyAssociated.with("email", email));
        }
        if let (Some(_), Some(username)) = (&self.username, username) {
            let taken = Message::UsernameAlreadyAssociated.with("username", username);
            errors.push(USERNAME, taken);
        }
        errors
    }
}

/// The reason why an account was not created.
enum CreateError {
    /// Another account has the address or the username. Holds the column.
    Taken(String),
    Failed(Fault),
}

impl From<Fault> for CreateError {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl From<StoreError> for CreateError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { column } => Self::Taken(column),
            error => Self::Failed(error.into()),
        }
    }
}

async fn create(
    app: &App,
    info: &RequestInfo,
    account: &NewAccount,
) -> Result<Decision, CreateError> {
    let now = app.clock().now();
    let settings = app.settings();
    let new = NewUser {
        email: account.email.clone(),
        username: account.username.clone(),
        password: account.hash.clone(),
        active: true,
        confirmed_at: None,
        fs_uniquifier: rng::hex::<16>(app.random()),
        fs_token_uniquifier: rng::hex::<16>(app.random()),
        fs_webauthn_user_handle: rng::hex::<16>(app.random()),
        us_phone_number: None,
        us_totp_secrets: account.us_totp_secrets.clone(),
        created_at: now,
    };
    let confirmation = settings
        .login
        .confirmable
        .then(|| links::confirm(app, info, &new.fs_uniquifier, &new.email));
    if settings.login.return_generic_responses {
        pad_work(app, u32::from(confirmation.is_some()));
    }
    // Counted as the mail to an existing account is, but always sent: an account is created once.
    guard::may_send(app, info, &account.email, None).await?;
    let mails = welcome(app, info, account, confirmation.as_ref())?;
    let mut claims = identity::claim(app, Identity::Email, &account.email);
    if let Some(name) = &account.username {
        claims.extend(identity::claim(app, Identity::Username, name));
    }
    let audit_record = crate::audit::AuditRecord {
        kind: "registered",
        user_id: None,
        detail: None,
    };
    let change = Change {
        claims,
        user: Some(UserChange::Create(Box::new(new))),
        mails,
        events: app
            .chain()
            .entries(vec![audit_record.entry(app, Some(info))]),
        ..Change::default()
    };
    let Applied::Done(Some(id)) = app.apply(change).await? else {
        return Err(Fault::Internal("a new user has no id".to_owned()).into());
    };
    let event = Event::Registered {
        user_id: id,
        confirmation_token: confirmation.as_ref().map(|link| link.token.as_str()),
    };
    app.hooks().emit(&event, info);
    Ok(Decision::Created(Box::new(app.reload(id).await?)))
}

fn welcome(
    app: &App,
    info: &RequestInfo,
    account: &NewAccount,
    confirmation: Option<&Link>,
) -> Result<Vec<NewMail>, Fault> {
    let settings = &app.settings().accounts.register;
    if !settings.send_mail {
        return Ok(Vec::new());
    }
    let user = mail::person(Some(&account.email), account.username.as_deref());
    let email = Email::new(
        &settings.welcome,
        &account.email,
        [
            ("user", user),
            (
                "confirmation_link",
                confirmation.map(|link| link.url.as_str()).into(),
            ),
            (
                "confirmation_token",
                confirmation.map(|link| link.token.as_str()).into(),
            ),
        ],
    );
    Ok(vec![app.write(info, &email)?])
}

/// Refuses a registration by a mail to the owner of the address. The reply does not reveal it.
async fn refuse_silently(
    app: &App,
    info: &RequestInfo,
    taken: Taken,
    account: &NewAccount,
) -> Result<Decision, Fault> {
    let settings = &app.settings().accounts.register;
    // Of all spellings of the address, only the stored one certainly belongs to the account's
    // owner.
    let address = taken.email.as_ref().and_then(|user| user.email.clone());
    let address = address.unwrap_or_else(|| account.email.clone());
    let mut email = match &taken.email {
        Some(user) => existing(app, info, user, &address),
        None => Email::new(
            &settings.existing_username,
            &address,
            [
                ("email", Value::from(account.email.clone())),
                ("username", Value::from(account.username.clone())),
            ],
        ),
    };
    pad_work(app, fingerprints_in_notice(app, taken.email.is_some()));
    let user_id = taken.email.as_ref().map(|user| user.id);
    let allowed = guard::may_send(app, info, &address, user_id).await?;
    let mails = if settings.send_mail {
        email.sent = allowed;
        vec![app.write(info, &email)?]
    } else {
        Vec::new()
    };
    let event = Event::NotRegistered {
        user_id: taken.email.as_ref().map(|user| user.id),
        existing_email: taken.email.is_some(),
        existing_username: taken.username.is_some(),
    };
    let change = Change {
        mails,
        ..Change::default()
    };
    app.commit(info, change, &event).await?;
    // A new account is read once it is created, so a user is read here as well.
    let holder = taken.email.or(taken.username);
    let id = holder.map_or(UserId(0), |user| user.id);
    app.store().user(UserKey::Id(id)).await?;
    Ok(Decision::RefusedSilently)
}

/// The email to the owner of an existing account, with a link that resets the password.
///
/// It never offers to confirm the address instead: the password of an unconfirmed account may be an
/// attacker's.
fn existing<'a>(app: &'a App, info: &RequestInfo, user: &User, email: &'a str) -> Email<'a> {
    let settings = &app.settings().accounts;
    let reset = settings.recover.enabled.then(|| {
        let page = links::endpoint(app, info, &settings.recover.url);
        (page, links::reset(app, info, user))
    });
    let (recovery_link, link) = reset.unzip();
    let (reset_link, reset_token) = link.map(|link| (link.url, link.token)).unzip();
    Email::new(
        &settings.register.existing,
        email,
        [
            ("user", mail::about(user)),
            ("recovery_link", Value::from(recovery_link)),
            ("reset_link", Value::from(reset_link)),
            ("reset_token", Value::from(reset_token)),
        ],
    )
}

/// The number of fingerprints in the links of the mail about an existing address or username.
fn fingerprints_in_notice(app: &App, email_is_taken: bool) -> u32 {
    let in_reset = email_is_taken && app.settings().accounts.recover.enabled;
    if in_reset {
        links::FINGERPRINTS_IN_RESET
    } else {
        0
    }
}

/// Does the rest of the work of the costliest mail, after `made` fingerprints, so that the time
/// does not reveal which mail was written.
fn pad_work(app: &App, made: u32) {
    let most = fingerprints_in_notice(app, true).max(1);
    links::pad_fingerprints(app, most.saturating_sub(made));
}
