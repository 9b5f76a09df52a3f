//! Completing a sign-in, and ending a session.
//!
//! [`proceed`] is the only function that creates a fresh, signed-in session: a remember cookie only
//! restores one that is not fresh. Every proof of identity passes the same decision, and everything
//! that the sign-in consumes is consumed in its transaction.

use vestibule_store::{
    Applied, Change, IdentityChange, NewMail, OneTimeSecret, OnlyIf, PasskeyChange, SignIn, User,
    UserChange, UserPatch,
};

use super::assurance::{self, Assurance};
use super::caller::Caller;
use super::context::SessionContext;
use super::cookies::Remember;
use super::keys::{self, clear};
use super::pending::PendingSignIn;
use super::proof::{self, Factor, Proof};
use super::second_factor::{self, SecondFactorDue};
use super::tokens::{self, UserPayload};
use crate::app::App;
use crate::codes::notice;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::messages::{LocalizedMessage, Message};
use crate::settings::Mechanism;

/// A user whose proof of identity was verified.
#[derive(Debug)]
pub(crate) struct Authentication {
    /// The user.
    pub(crate) user: User,
    /// The proof of identity.
    pub(crate) proof: Proof,
    /// Whether to set a remember cookie.
    pub(crate) remember: bool,
    /// A hash by the current scheme, to be stored in place of an outdated one.
    pub(crate) upgrade: Option<String>,
    /// The one-time secrets that the sign-in consumes.
    pub(super) consumes: Vec<OneTimeSecret>,
    /// The reason for the refusal if one of the secrets was consumed before.
    pub(super) if_consumed: LocalizedMessage,
    /// The identity at a provider that the sign-in uses.
    pub(super) identity: Option<IdentityChange>,
    /// Whether to issue tokens.
    tokens: bool,
    /// Changes to the user's row that take effect with the sign-in.
    patch: UserPatch,
    /// Events that happen with the sign-in.
    events: Vec<Event<'static>>,
    /// Mails that are sent with the sign-in.
    mails: Vec<NewMail>,
    /// The use of the passkey that was shown.
    pub(super) passkey: Option<PasskeyChange>,
}

impl Authentication {
    /// An authentication by one factor, with a remember cookie if the settings ask for one, that
    /// consumes nothing and issues no tokens.
    pub(crate) fn by(app: &App, user: User, factor: Factor) -> Self {
        Self {
            user,
            proof: Proof::of(factor),
            remember: app.settings().login.default_remember_me,
            upgrade: None,
            consumes: Vec::new(),
            if_consumed: Message::ApiError.into(),
            identity: None,
            tokens: false,
            patch: UserPatch::default(),
            events: Vec::new(),
            mails: Vec::new(),
            passkey: None,
        }
    }

    /// An authentication that completes a pending sign-in with a second factor.
    pub(crate) fn second(app: &App, pending: PendingSignIn, factor: Factor) -> Self {
        Self {
            remember: pending.remember,
            proof: pending.proof.and(factor),
            ..Self::by(app, pending.user, factor)
        }
    }

    /// Changes the user's row with the sign-in. If the row no longer meets the patch's conditions,
    /// nothing changes and the user is not signed in.
    pub(crate) fn with_patch(mut self, patch: UserPatch) -> Self {
        self.patch = patch;
        self
    }

    /// Sets the reason for the refusal if the user's row changed meanwhile.
    pub(crate) fn unless_changed(mut self, message: Message) -> Self {
        self.if_consumed = message.into();
        self
    }

    /// Records the use of an identity at a provider with the sign-in. If it is no longer linked, the
    /// user is not signed in.
    #[cfg(feature = "oauth")]
    pub(crate) fn with_identity(mut self, used: Option<IdentityChange>) -> Self {
        self.identity = used;
        self
    }

    /// Records an event with the sign-in.
    pub(crate) fn with_event(mut self, event: Event<'static>) -> Self {
        self.events.push(event);
        self
    }

    /// Sends a mail with the sign-in.
    pub(crate) fn with_mail(mut self, mail: Option<NewMail>) -> Self {
        self.mails.extend(mail);
        self
    }

    /// Records the use of a passkey with the sign-in. If another request used the passkey meanwhile,
    /// the user is not signed in.
    pub(crate) fn with_passkey(mut self, used: PasskeyChange) -> Self {
        self.passkey = Some(used);
        self
    }

    /// Issues tokens with the sign-in, if `wanted`.
    pub(crate) fn with_tokens(mut self, wanted: bool) -> Self {
        self.tokens = wanted;
        self
    }

    /// Consumes a one-time secret with the sign-in. If it was consumed before, or its user's
    /// address or `fs_uniquifier` changed since the secret was checked, the user is not signed in.
    pub(crate) fn consuming(
        mut self,
        secret: OneTimeSecret,
        if_consumed: impl Into<LocalizedMessage>,
    ) -> Self {
        self.consumes.push(secret);
        self.if_consumed = if_consumed.into();
        self
    }
}

/// The outcome of a sign-in.
pub(crate) enum SignInOutcome {
    /// The user is signed in. Holds what the reply says about them.
    SignedIn(UserPayload),
    /// The session awaits the second factor.
    SecondFactor(SecondFactorDue),
    /// The user is not signed in, although the proof is right: the account is blocked, or a
    /// one-time secret was consumed by another request.
    Refused(LocalizedMessage),
}

/// Signs a user in if the proof of identity suffices.
///
/// # Errors
/// When the store fails.
pub(crate) async fn proceed(
    app: &App,
    session: &mut SessionContext,
    authentication: Authentication,
) -> Result<SignInOutcome, Fault> {
    let Authentication { user, proof, .. } = &authentication;
    let remembered = session.is_remembered_device(app, user);
    match assurance::of(app, user, proof, remembered).await? {
        Assurance::Sufficient => complete(app, session, authentication).await,
        Assurance::NeedsFactor(set_up) => {
            second_factor::begin(app, session, authentication, &set_up).await
        }
        Assurance::NeedsSetup => second_factor::begin(app, session, authentication, &[]).await,
        Assurance::Blocked(reason) => {
            tracing::info!(user = %user.id, why = reason.message.code(), "the proof is right, but the user may not sign in");
            Ok(SignInOutcome::Refused(reason))
        }
    }
}

pub(super) fn deleted(user: &User) -> Fault {
    Fault::Internal(format!("user {} was deleted during a sign-in", user.id))
}

/// Completes a sign-in: applies one transaction, and begins a session that keeps only the CSRF
/// token and the application's own values of the previous one.
async fn complete(
    app: &App,
    session: &mut SessionContext,
    authentication: Authentication,
) -> Result<SignInOutcome, Fault> {
    let Authentication {
        user,
        proof,
        remember,
        upgrade,
        consumes,
        if_consumed,
        identity,
        tokens,
        patch,
        events: others,
        mails,
        passkey,
    } = authentication;
    let mut patch = UserPatch {
        sign_in: app.settings().login.trackable.then(|| SignIn {
            ip: session.info().address().map(|address| address.to_string()),
        }),
        password: upgrade.map(|hash| proof::upgraded(&user, hash)),
        ..patch
    };
    let mut mails = mails;
    // A new account has no other device, and a renewed session is no new sign-in.
    let is_expected = matches!(
        proof.factors(),
        [Factor::NewAccount | Factor::Credential, ..]
    );
    if !is_expected && !session.is_known_device(app, &user) {
        mails.extend(notice::new_device(app, session.info(), &user)?);
    }
    let is_conditional =
        !consumes.is_empty() || passkey.is_some() || patch.only_if != OnlyIf::default();
    if is_conditional {
        let conditions = OnlyIf::same_as(&user);
        patch.only_if.email = conditions.email;
        patch.only_if.fs_uniquifier = conditions.fs_uniquifier;
    }
    let issue = if tokens {
        Some(tokens::Issue::prepare(app, &user, &mut patch).await?)
    } else {
        None
    };
    let change = Change {
        consumes,
        user: Some(UserChange::Update(user.id, Box::new(patch))),
        identity,
        family: issue.as_ref().and_then(tokens::Issue::family),
        mails,
        passkey,
        ..Change::default()
    };
    let via: Vec<&str> = proof.factors().iter().map(|factor| factor.name()).collect();
    let signed_in = Event::SignedIn {
        user_id: user.id,
        via: &via,
    };
    let begun = Event::RefreshFamilyBegun { user_id: user.id };
    let mut events: Vec<&Event<'_>> = others.iter().collect();
    if change.family.is_some() {
        events.push(&begun);
    }
    events.push(&signed_in);
    match app.commit_all(session.info(), change, &events).await? {
        Applied::Done(_) => {}
        Applied::Spent | Applied::Stale if is_conditional => {
            return Ok(SignInOutcome::Refused(if_consumed));
        }
        Applied::Spent | Applied::Stale => return Err(deleted(&user)),
    }
    let authenticated_at = app.unix_seconds();
    let payload = match issue {
        Some(issue) => issue.payload(app, &user, authenticated_at).await?,
        None => UserPayload::without_tokens(app, &user),
    };
    begin(session, &user, authenticated_at);
    if remember {
        session.remember = Remember::Set;
    }
    session.signed_in = Some(user.id);
    session.set_caller(Some(Caller {
        user,
        via: Mechanism::Session,
        authenticated_at: Some(authenticated_at),
        roles: None,
    }));
    Ok(SignInOutcome::SignedIn(payload))
}

/// Writes a new sign-in into the session.
fn begin(session: &mut SessionContext, user: &User, authenticated_at: f64) {
    // The CSRF token stays, as in the reference, since front ends fetch it once. An attacker who
    // planted a session whose token they know is stopped by the check of the request's origin.
    clear(session);
    let identifier = session.identifier().to_owned();
    let data = session.data_mut();
    data.set_str(keys::USER_ID, &user.fs_uniquifier);
    data.set_bool(keys::FRESH, true);
    data.set_str(keys::IDENTIFIER, &identifier);
    data.set_str(keys::CSRF_COOKIE, "set");
    data.set_f64(keys::AUTHENTICATED_AT, authenticated_at);
}

/// Ends the session. Values that the application stored in it stay.
///
/// # Errors
/// When the event cannot be recorded; the session has ended nevertheless.
pub(crate) async fn end(app: &App, session: &mut SessionContext) -> Result<(), Fault> {
    let user_id = session.caller().map(|caller| caller.user.id);
    clear(session);
    session.drop_csrf_token(app);
    session.data_mut().remove(keys::OAUTH_FLOWS);
    session.data_mut().set_str(keys::CSRF_COOKIE, "clear");
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
