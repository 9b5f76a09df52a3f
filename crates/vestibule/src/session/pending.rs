//! A sign-in that awaits its second factor, kept in the session.
//!
//! The session holds the reference's names, so that a sign-in that began there can end here, and
//! the other way round. Guesses are counted in the store, never in the session, which the client
//! could send again.

use vestibule_store::{User, UserKey};

use super::assurance;
use super::context::SessionContext;
use super::keys;
use super::proof::{Factor, Proof};
use crate::app::App;
use crate::http::fault::Fault;
use crate::settings::Method;

/// A sign-in whose user has shown the first factor.
#[derive(Debug)]
pub(crate) struct PendingSignIn {
    /// The user, as stored now.
    pub(crate) user: User,
    /// The first factor.
    pub(crate) proof: Proof,
    /// Whether the sign-in sets a remember cookie once it is complete.
    pub(crate) remember: bool,
    /// What it waits for.
    pub(crate) stage: Stage,
    /// Whether the user may choose between several second factors, again if they chose before.
    pub(crate) may_choose: bool,
}

/// What a pending sign-in waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// The second factor that the user has set up.
    Ready,
    /// The user has to set up a second factor first.
    Setup,
    /// The first code of the second factor that the user is setting up: see [`factor_in_setup`].
    Validating,
    /// The user has to choose between several second factors.
    Select,
}

impl Stage {
    /// The value in the session and in replies.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Setup => "setup_from_login",
            Self::Validating => "validating_profile",
            Self::Select => "select",
        }
    }
}

/// A second factor that is being set up and awaits its first code.
#[derive(Clone)]
pub(crate) struct FactorInSetup {
    pub(crate) method: Method,
    /// The secret, encrypted as in the database.
    pub(crate) secret: String,
    /// The number that codes are sent to, if the method is SMS.
    pub(crate) phone: Option<String>,
}

impl std::fmt::Debug for FactorInSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("FactorInSetup").field(&self.method).finish()
    }
}

impl PendingSignIn {
    /// Writes a pending sign-in into the session. Whatever belonged to another sign-in, complete or
    /// not, is removed as by signing out.
    pub(super) fn begin(
        app: &App,
        session: &mut SessionContext,
        user: &User,
        proof: &Proof,
        remember: bool,
        stage: Stage,
    ) {
        // Session protection marks a session without an identifier; the reference keeps the mark.
        let is_marked = session.data_mut().get_bool(keys::FRESH) == Some(false);
        keys::clear(session);
        let now = app.unix_seconds();
        let data = session.data_mut();
        if is_marked {
            data.set_bool(keys::FRESH, false);
        }
        data.set_str(keys::PENDING_USER, &user.fs_uniquifier);
        if stage == Stage::Select {
            data.set_bool(keys::PENDING_SELECT, true);
        } else {
            data.set_str(keys::PENDING_STATE, stage.name());
        }
        if remember {
            data.set_bool(keys::PENDING_REMEMBER, true);
        }
        let factors: Vec<&str> = proof.factors().iter().map(|factor| factor.name()).collect();
        data.set_str(keys::PENDING_PROOF, &factors.join("+"));
        data.set_f64(keys::PENDING_SINCE, now);
        session.set_caller(None);
    }

    /// The pending sign-in in the session, if its user may still sign in and it is not too old.
    /// Otherwise the session forgets it.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn of_session(
        app: &App,
        session: &mut SessionContext,
    ) -> Result<Option<Self>, Fault> {
        let pending = Self::read(app, session).await?;
        if pending.is_none() {
            keys::abandon(session);
        }
        Ok(pending)
    }

    async fn read(app: &App, session: &mut SessionContext) -> Result<Option<Self>, Fault> {
        let data = session.data_mut();
        let Some(uniquifier) = data.get_str(keys::PENDING_USER) else {
            return Ok(None);
        };
        let may_choose = data.get_bool(keys::PENDING_SELECT) == Some(true);
        let stage = match data.get_str(keys::PENDING_STATE).as_deref() {
            Some("ready") => Stage::Ready,
            Some("setup_from_login") => Stage::Setup,
            Some("validating_profile") => Stage::Validating,
            None if may_choose => Stage::Select,
            _ => return Ok(None),
        };
        // The reference does not record when the first factor was shown.
        let since = data.get_f64(keys::PENDING_SINCE);
        let limit = app.settings().two_factor.setup.within.as_secs_f64();
        if since.is_some_and(|since| (app.unix_seconds() - since).abs() > limit) {
            return Ok(None);
        }
        let proof = data.get_str(keys::PENDING_PROOF);
        let remember = data.get_bool(keys::PENDING_REMEMBER) == Some(true);
        let user = app.store().user(UserKey::Uniquifier(&uniquifier)).await?;
        let Some(user) = user.filter(assurance::credential_is_valid) else {
            return Ok(None);
        };
        let is_setting_up = matches!(stage, Stage::Setup | Stage::Validating);
        let has_second = is_setting_up
            && (assurance::second_factor(&user).is_some()
                || assurance::has_passkey(app, &user).await?);
        if has_second {
            // Another sign-in set up a second factor meanwhile, which this one has to show.
            return Ok(None);
        }
        Ok(Some(Self {
            user,
            proof: proof.as_deref().map_or_else(unknown_proof, read_proof),
            remember,
            stage,
            may_choose,
        }))
    }
}

/// The first factor of a sign-in that began at the reference, which does not record it.
fn unknown_proof() -> Proof {
    Proof::of(Factor::Password)
}

/// Reads the names that [`PendingSignIn::begin`] writes.
fn read_proof(names: &str) -> Proof {
    let first = |name: &str| {
        Factor::FIRST
            .into_iter()
            .find(|factor| factor.name() == name)
    };
    names
        .split('+')
        .next()
        .and_then(first)
        .map_or_else(unknown_proof, Proof::of)
}

/// The second factor that the session's user is setting up, whether they are signed in or not.
pub(crate) fn factor_in_setup(session: &mut SessionContext) -> Option<FactorInSetup> {
    let data = session.data_mut();
    let validating = Stage::Validating.name();
    if data.get_str(keys::PENDING_STATE).as_deref() != Some(validating) {
        return None;
    }
    Some(FactorInSetup {
        method: Method::from_stored(&data.get_str(keys::PENDING_METHOD)?)?,
        secret: data.get_str(keys::PENDING_SECRET)?,
        phone: data.get_str(keys::PENDING_PHONE),
    })
}

/// Remembers a second factor until its first code proves that it works.
pub(crate) fn set_factor_in_setup(session: &mut SessionContext, factor: &FactorInSetup) {
    let data = session.data_mut();
    data.set_str(keys::PENDING_STATE, Stage::Validating.name());
    data.set_str(keys::PENDING_METHOD, factor.method.name());
    data.set_str(keys::PENDING_SECRET, &factor.secret);
    match &factor.phone {
        Some(phone) => data.set_str(keys::PENDING_PHONE, phone),
        None => {
            data.remove(keys::PENDING_PHONE);
        }
    }
}

/// Marks that the user has chosen the second factor to show.
pub(crate) fn set_ready(session: &mut SessionContext) {
    let data = session.data_mut();
    data.set_str(keys::PENDING_STATE, Stage::Ready.name());
}
