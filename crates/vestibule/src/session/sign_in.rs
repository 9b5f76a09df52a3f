//! The one place where a sign-in is completed, and where a session ends.

use vestibule_store::{Applied, Change, PasswordChange, SignIn, User, UserChange, UserPatch};

use super::context::{Caller, Mechanism, Remember, SessionContext, name};
use crate::app::App;
use crate::clock;
use crate::hooks::Event;
use crate::http::fault::Fault;

/// What a sign-in brings with it.
#[derive(Debug)]
pub(crate) struct Admission {
    /// Who is let in.
    pub(crate) user: User,
    /// The proofs that they gave: `password`, later also codes and keys.
    pub(crate) via: &'static [&'static str],
    /// Whether a remember cookie was asked for.
    pub(crate) remember: bool,
    /// A hash of the present kind, to be stored instead of an old one.
    pub(crate) upgraded_hash: Option<String>,
}

impl Admission {
    /// Of somebody who showed who they are in another way than by a password.
    pub(crate) fn without_password(app: &App, user: User, via: &'static [&'static str]) -> Self {
        Self {
            user,
            via,
            remember: app.settings().login.default_remember_me,
            upgraded_hash: None,
        }
    }
}

/// Completes a sign-in: one write, a session that has nothing of the one before but its CSRF token,
/// and the event. No other function makes a signed-in session.
pub(crate) async fn complete(
    app: &App,
    session: &mut SessionContext,
    admission: Admission,
) -> Result<(), Fault> {
    let Admission {
        user,
        via,
        remember,
        upgraded_hash,
    } = admission;
    let now = app.clock().now();
    let patch = UserPatch {
        sign_in: app.settings().login.trackable.then(|| SignIn {
            ip: session.info().address().map(|address| address.to_string()),
        }),
        password: upgraded_hash.map(|new| PasswordChange::Upgrade {
            old: user.password.clone().unwrap_or_default(),
            new,
        }),
        ..UserPatch::default()
    };
    let event = Event::SignedIn {
        user_id: user.id,
        via,
    };
    let change = Change {
        user: Some(UserChange::Update(user.id, Box::new(patch))),
        ..Change::default()
    };
    if app.commit(session.info(), change, &event).await? == Applied::Stale {
        return Err(Fault::Internal(
            "a user has gone during a sign-in".to_owned(),
        ));
    }

    // The CSRF token stays, as with the reference: front ends fetch it once. What an attacker could
    // do with a session whose token they know, the check of the request's origin prevents.
    clear(session);
    let identifier = session.identifier().to_owned();
    let data = session.data_mut();
    data.set_str(name::USER_ID, &user.fs_uniquifier);
    data.set_bool(name::FRESH, true);
    data.set_str(name::IDENTIFIER, &identifier);
    data.set_str(name::CSRF_COOKIE, "set");
    let authenticated_at = clock::seconds(now);
    data.set_f64(name::AUTHENTICATED_AT, authenticated_at);
    if remember {
        session.remember = Remember::Set;
    }

    session.set_caller(Some(Caller {
        user,
        via: Mechanism::Session,
        authenticated_at: Some(authenticated_at),
        roles: None,
    }));
    Ok(())
}

/// Ends the session. What the application keeps in it stays.
///
/// # Errors
/// When it cannot be written down; the session is over all the same.
pub(crate) async fn end(app: &App, session: &mut SessionContext) -> Result<(), Fault> {
    let user_id = session.caller().map(|caller| caller.user.id);
    clear(session);
    session.drop_csrf_token(app);
    session.data_mut().set_str(name::CSRF_COOKIE, "clear");
    if session.came_with_remember_cookie() {
        session.remember = Remember::Clear;
    }
    session.set_caller(None);
    if let Some(user_id) = user_id {
        let event = Event::SignedOut { user_id };
        app.record(session.info(), &event).await?;
    }
    Ok(())
}

/// Takes out of the session whatever belongs to a sign-in, finished or not. The CSRF token and what is
/// known of its cookie stay.
pub(super) fn clear(session: &mut SessionContext) {
    let data = session.data_mut();
    for key in [
        name::USER_ID,
        name::FRESH,
        name::IDENTIFIER,
        name::AUTHENTICATED_AT,
        name::GRACE_UNTIL,
        name::GRACE_WITHIN,
        name::GRACE_ASKED,
        "fs_oauth_next",
        "identity.name",
        "identity.auth_type",
    ] {
        data.remove(key);
    }
    abandon(session);
}

/// Takes out what an unfinished second factor left behind.
pub(crate) fn abandon(session: &mut SessionContext) {
    for key in [
        "tf_state",
        "tf_user_id",
        "tf_primary_method",
        "tf_remember_login",
        "tf_totp_secret",
        "tf_select",
    ] {
        session.data_mut().remove(key);
    }
}
