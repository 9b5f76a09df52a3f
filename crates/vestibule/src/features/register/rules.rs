//! Who gets an account, and what those hear who do not.

use serde_json::Value;
use vestibule_store::{
    Applied, Change, Identity, NewMail, NewUser, StoreError, User, UserChange, UserId, UserKey,
};

use super::wire::{EMAIL, PASSWORD, PASSWORD_AGAIN, RegisterRequest, USERNAME};
use crate::app::App;
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

/// What becomes of a registration.
#[derive(Debug)]
pub(super) enum Decision {
    /// Nothing was made: this is wrong.
    Refused(FieldErrors),
    /// Nothing was made, and the answer does not say so: who has the address was written to.
    Pretended,
    /// An account was made.
    Made(Box<User>),
}

/// Judges a registration, and makes the account.
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
    let taken = Taken::look(app, email.as_deref(), username.as_deref()).await?;
    let generic = app.settings().login.return_generic_responses;
    if !generic {
        errors.extend(taken.errors(email.as_deref(), username.as_deref()));
    }
    let (Some(email), true) = (email, errors.is_empty()) else {
        let order = [EMAIL, PASSWORD, PASSWORD_AGAIN, "next", USERNAME];
        return Ok(Decision::Refused(errors.in_order(&order)));
    };
    // Whoever is turned down waits as long as whoever is not.
    let hash = match &password {
        Some(password) => Some(app.passwords().hash(password).await?),
        None => None,
    };
    let wanted = Wanted {
        email,
        username,
        hash,
    };
    if taken.is_somebodys() {
        return pretend(app, info, taken, &wanted).await;
    }
    let column = match make(app, info, &wanted).await {
        Ok(made) => return Ok(made),
        Err(NotMade::Failed(fault)) => return Err(fault),
        Err(NotMade::Taken(column)) => column,
    };
    // Somebody was faster.
    let username = wanted.username.as_deref();
    let taken = Taken::look(app, Some(&wanted.email), username).await?;
    if generic {
        return pretend(app, info, taken, &wanted).await;
    }
    let mut errors = taken.errors(Some(&wanted.email), username);
    if errors.is_empty() {
        // They are gone again, or have it in another case than look-ups pass over.
        match username.filter(|_| column == Identity::Username.column()) {
            Some(name) => errors.push(
                USERNAME,
                Message::UsernameAlreadyAssociated.with("username", name),
            ),
            None => errors.push(
                EMAIL,
                Message::EmailAlreadyAssociated.with("email", &wanted.email),
            ),
        }
    }
    Ok(Decision::Refused(errors))
}

/// An account that somebody wants.
struct Wanted {
    email: String,
    username: Option<String>,
    hash: Option<String>,
}

/// Who has the address, and who the name.
#[derive(Debug, Default)]
struct Taken {
    email: Option<User>,
    username: Option<User>,
}

impl Taken {
    async fn look(app: &App, email: Option<&str>, username: Option<&str>) -> Result<Self, Fault> {
        let mut taken = Self::default();
        if let Some(email) = email {
            taken.email = identity::find(app, Identity::Email, email).await?;
        }
        if let Some(username) = username {
            taken.username = identity::find(app, Identity::Username, username).await?;
        }
        Ok(taken)
    }

    fn is_somebodys(&self) -> bool {
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

/// Why an account was not made.
enum NotMade {
    /// Somebody has the address or the name: the column.
    Taken(String),
    Failed(Fault),
}

impl From<Fault> for NotMade {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault)
    }
}

impl From<StoreError> for NotMade {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict { column } => Self::Taken(column),
            error => Self::Failed(error.into()),
        }
    }
}

async fn make(app: &App, info: &RequestInfo, wanted: &Wanted) -> Result<Decision, NotMade> {
    let now = app.clock().now();
    let settings = app.settings();
    let new = NewUser {
        email: wanted.email.clone(),
        username: wanted.username.clone(),
        password: wanted.hash.clone(),
        active: true,
        confirmed_at: None,
        fs_uniquifier: rng::hex::<16>(app.random()),
        fs_token_uniquifier: rng::hex::<16>(app.random()),
        fs_webauthn_user_handle: rng::hex::<16>(app.random()),
        us_phone_number: None,
        created_at: now,
    };
    let confirmation = settings
        .login
        .confirmable
        .then(|| links::confirm(app, info, &new.fs_uniquifier, &new.email));
    if settings.login.return_generic_responses {
        even_out(app, u32::from(confirmation.is_some()));
    }
    let mails = welcome(app, info, wanted, confirmation.as_ref())?;
    let mut claims = identity::claim(app, Identity::Email, &wanted.email);
    if let Some(name) = &wanted.username {
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
    Ok(Decision::Made(Box::new(app.reload(id).await?)))
}

fn welcome(
    app: &App,
    info: &RequestInfo,
    wanted: &Wanted,
    confirmation: Option<&Link>,
) -> Result<Vec<NewMail>, Fault> {
    let settings = &app.settings().accounts.register;
    if !settings.send_mail {
        return Ok(Vec::new());
    }
    let user = mail::person(Some(&wanted.email), wanted.username.as_deref());
    let email_message = Email::new(
        &settings.welcome,
        &wanted.email,
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
    Ok(vec![app.write(info, &email_message)?])
}

/// Writes to whoever has the address, and says nothing to whoever asked.
async fn pretend(
    app: &App,
    info: &RequestInfo,
    taken: Taken,
    wanted: &Wanted,
) -> Result<Decision, Fault> {
    let settings = &app.settings().accounts.register;
    // Of the spellings of an address, the one that is kept is somebody's for certain.
    let address = taken.email.as_ref().and_then(|user| user.email.clone());
    let address = address.unwrap_or_else(|| wanted.email.clone());
    let email_message = match &taken.email {
        Some(user) => existing(app, info, user, &address),
        None => Email::new(
            &settings.existing_username,
            &address,
            [
                ("email", Value::from(wanted.email.clone())),
                ("username", Value::from(wanted.username.clone())),
            ],
        ),
    };
    even_out(app, made_for(app, taken.email.is_some()));
    let mails = if settings.send_mail {
        vec![app.write(info, &email_message)?]
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
    Ok(Decision::Pretended)
}

/// To whom has an account already: how to get into it. A new password comes before anything else,
/// also where the address was never confirmed: the one that is there may be a stranger's.
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

/// How many fingerprints the links take in the mail to whoever has the address, or only the name.
fn made_for(app: &App, email_is_taken: bool) -> u32 {
    let in_reset = email_is_taken && app.settings().accounts.recover.enabled;
    if in_reset { links::IN_RESET } else { 0 }
}

/// Takes as long as the costliest of the links, of which so many fingerprints were made already:
/// nobody can tell by the time it takes which mail was written.
fn even_out(app: &App, made: u32) {
    links::pad_fingerprints(app, made_for(app, true).max(1).saturating_sub(made));
}
