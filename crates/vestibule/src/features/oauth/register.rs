//! Creating an account for an address that a provider vouches for.

use vestibule_formats::text::email;
use vestibule_store::{
    Applied, Change, Identity, IdentityChange, NewMail, NewUser, StoreError, User, UserChange,
};

use super::account;
use super::respond::Answered;
use crate::app::App;
use crate::audit::AuditRecord;
use crate::codes;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::identity;
use crate::mail::{self, Email};
use crate::messages::LocalizedMessage;
use crate::rng;
use crate::social::redirect;
use crate::validation;

/// The outcome of a registration.
pub(super) enum Registered {
    /// The account was created, and the flow ended.
    Created(Box<User>),
    /// Another account has the address or the identity by now.
    Taken,
    /// No account was created, for this reason.
    Refused(LocalizedMessage),
}

/// Creates an account with a confirmed address, without a password, and with the identity linked.
/// The rules for addresses are those of registration.
pub(super) async fn register(
    app: &App,
    info: &RequestInfo,
    answered: &Answered<'_>,
    address: &str,
) -> Result<Registered, Fault> {
    let options = &app.settings().identity.email_options;
    let email = match email::normalise(address, options) {
        Ok(email) if validation::accepts_email(app, &email).await => email,
        _ => return Ok(Registered::Refused(account::not_registered(address))),
    };
    let now = app.clock().now();
    let uniquifier = || rng::hex::<16>(app.random());
    let new = NewUser {
        email,
        username: None,
        password: None,
        active: true,
        confirmed_at: Some(now),
        fs_uniquifier: uniquifier(),
        fs_token_uniquifier: uniquifier(),
        fs_webauthn_user_handle: uniquifier(),
        us_phone_number: None,
        us_totp_secrets: codes::methods::of_new_user(app).await?,
        created_at: now,
    };
    let provider = answered.provider.name();
    let record = |kind, detail| AuditRecord {
        kind,
        user_id: None,
        detail,
    };
    let records = [
        record("registered", None),
        record(
            "sign_in_method_added",
            Some(serde_json::json!({ "method": provider })),
        ),
    ];
    let entries = records.map(|record| record.entry(app, Some(info)));
    let change = Change {
        consumes: vec![answered.flow.consume()],
        claims: identity::claim(app, Identity::Email, &new.email),
        mails: welcome(app, info, &new.email)?,
        user: Some(UserChange::Create(Box::new(new))),
        identity: Some(IdentityChange::Link(None, answered.new_identity())),
        events: app.chain().entries(entries.to_vec()),
        ..Change::default()
    };
    let id = match app.apply(change).await {
        Ok(Applied::Done(Some(id))) => id,
        Ok(Applied::Done(None)) => {
            return Err(Fault::Internal("a new user has no id".to_owned()));
        }
        Ok(Applied::Spent | Applied::Stale) => {
            return Ok(Registered::Refused(redirect::handshake_error("state")));
        }
        Err(StoreError::Conflict { .. }) => return Ok(Registered::Taken),
        Err(error) => return Err(error.into()),
    };
    let created = Event::Registered {
        user_id: id,
        confirmation_token: None,
    };
    app.hooks().emit(&created, info);
    let linked = Event::SignInMethodAdded {
        user_id: id,
        method: provider,
    };
    app.hooks().emit(&linked, info);
    Ok(Registered::Created(Box::new(app.reload(id).await?)))
}

fn welcome(app: &App, info: &RequestInfo, address: &str) -> Result<Vec<NewMail>, Fault> {
    let settings = &app.settings().accounts.register;
    if !settings.send_mail {
        return Ok(Vec::new());
    }
    let user = ("user", mail::person(Some(address), None));
    let email = Email::new(&settings.welcome, address, [user]);
    Ok(vec![app.write(info, &email)?])
}
