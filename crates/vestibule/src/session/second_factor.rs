//! Beginning to wait for the second factor: what is due, and the code that is sent for it.

use vestibule_store::{Applied, Change, NewMail, OnlyIf, User, UserChange, UserPatch};

use super::assurance::{self, SecondFactor};
use super::context::SessionContext;
use super::pending::{PendingSignIn, Stage};
use super::proof;
use super::sign_in::{Authentication, SignInOutcome, deleted};
use crate::app::App;
use crate::codes::sent::{CodeFor, CodeMessage};
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::reply::Reply;
use crate::http::request_info::RequestInfo;
use crate::settings::Method;
use crate::settings::endpoints::under_prefix;

/// The name of passkeys among the second factors.
pub(crate) const PASSKEY: &str = "webauthn";

/// What a sign-in that is not complete waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SecondFactorDue {
    /// The user has to set up a second factor.
    SetUp,
    /// A one-time code of the method with this name in the database, which may be an older one.
    Code(String),
    /// A passkey.
    Passkey,
    /// The user has to choose between the second factors with these names.
    Choice(Vec<String>),
}

impl SecondFactorDue {
    /// What is due of a user who has set up these second factors.
    fn of(user: &User, set_up: &[SecondFactor]) -> Self {
        match set_up {
            [] => Self::SetUp,
            [only] => Self::chosen(user, *only),
            several => Self::Choice(several.iter().map(|one| name(user, *one)).collect()),
        }
    }

    /// What is due of a user who has chosen a second factor.
    pub(crate) fn chosen(user: &User, second: SecondFactor) -> Self {
        match second {
            SecondFactor::Code(_) => Self::Code(name(user, second)),
            SecondFactor::Passkey => Self::Passkey,
        }
    }

    /// The reply that tells the app what the user has to do next.
    pub(crate) fn reply(self, app: &App, session: &mut SessionContext) -> Reply {
        let reply = Reply::ok()
            .member("csrf_token", session.csrf_token(app))
            .member("tf_required", true);
        match self {
            Self::SetUp => reply.member("tf_state", Stage::Setup.name()),
            Self::Code(method) => reply
                .member("tf_state", Stage::Ready.name())
                .member("tf_primary_method", method.clone())
                .member("tf_method", method),
            Self::Passkey => {
                let settings = app.settings();
                let url = &settings.webauthn.signin_url;
                reply
                    .member("tf_state", Stage::Ready.name())
                    .member("tf_method", PASSKEY)
                    .member(
                        "tf_signin_url",
                        under_prefix(&settings.http.url_prefix, url),
                    )
            }
            Self::Choice(names) => reply
                .member("tf_select", true)
                .member("tf_setup_methods", names),
        }
    }
}

/// The name of a second factor: of a code, the one in the database.
pub(crate) fn name(user: &User, second: SecondFactor) -> String {
    match second {
        SecondFactor::Code(method) => assurance::second_factor(user)
            .unwrap_or(method.name())
            .to_owned(),
        SecondFactor::Passkey => PASSKEY.to_owned(),
    }
}

/// Begins to wait for one of the second factors that the user has `set_up`, or for the user to set
/// one up. Consumes the one-time secrets of the first factor and sends the code of the second, in
/// one transaction.
pub(super) async fn begin(
    app: &App,
    session: &mut SessionContext,
    authentication: Authentication,
    set_up: &[SecondFactor],
) -> Result<SignInOutcome, Fault> {
    let Authentication {
        user,
        proof,
        remember,
        upgrade,
        consumes,
        if_consumed,
        identity,
        passkey,
        ..
    } = authentication;
    let (code, method) = match set_up {
        [SecondFactor::Code(method)] => {
            let code = code(app, session.info(), &user, *method).await?;
            (code, method.name())
        }
        _ => (None, ""),
    };
    let sent = code.is_some().then_some(Event::SecondFactorCodeSent {
        user_id: user.id,
        method,
    });
    let consumes_any = !consumes.is_empty();
    let mut patch = UserPatch {
        password: upgrade.map(|hash| proof::upgraded(&user, hash)),
        ..UserPatch::default()
    };
    if consumes_any {
        patch.only_if = OnlyIf::same_as(&user);
    }
    let is_change = consumes_any || !patch.is_empty();
    let change = Change {
        consumes,
        user: is_change.then(|| UserChange::Update(user.id, Box::new(patch))),
        mails: code.into_iter().collect(),
        identity,
        passkey,
        ..Change::default()
    };
    let events: Vec<&Event<'_>> = sent.iter().collect();
    if is_change || !change.mails.is_empty() {
        match app.commit_all(session.info(), change, &events).await? {
            Applied::Done(_) => {}
            Applied::Spent | Applied::Stale if consumes_any => {
                return Ok(SignInOutcome::Refused(if_consumed));
            }
            Applied::Spent | Applied::Stale => return Err(deleted(&user)),
        }
    }
    let stage = match set_up {
        [] => Stage::Setup,
        [_] => Stage::Ready,
        _ => Stage::Select,
    };
    PendingSignIn::begin(app, session, &user, &proof, remember, stage);
    let due = SecondFactorDue::of(&user, set_up);
    Ok(SignInOutcome::SecondFactor(due))
}

/// The delivery with a code of the user's second factor, if its codes are sent.
///
/// # Errors
/// When the code or the delivery cannot be made.
pub(crate) async fn code(
    app: &App,
    info: &RequestInfo,
    user: &User,
    method: Method,
) -> Result<Option<NewMail>, Fault> {
    let message = CodeMessage {
        purpose: CodeFor::SecondFactor,
        user,
        method,
        phone: user.tf_phone_number.as_deref(),
        secret: user.tf_totp_secret.as_deref().unwrap_or_default(),
        sent: true,
    };
    message.write(app, info).await
}
