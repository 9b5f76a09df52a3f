//! Proofs of identity: what a user has shown in one sign-in, and the one place that checks a
//! password.

use vestibule_formats::text::normalise;
use vestibule_store::{PasswordChange, User, UserPatch};

use crate::app::App;
use crate::guard::{Attempt, Guesser, OnSuccess, Principal, Purpose};
use crate::hooks::Event;
use crate::http::fault::{Fault, HandlerError};
use crate::secrets::passwords::Verdict;
use crate::settings::Method;

/// A means of proving one's identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Factor {
    /// The account's password.
    Password,
    /// A link that signs in, mailed to the account's address.
    SignInLink,
    /// A link that confirms the account's address.
    ConfirmationLink,
    /// A link that resets the password, mailed to the account's address.
    ResetLink,
    /// The account was created by this very request.
    NewAccount,
    /// The account's password, at an endpoint that takes one-time codes as well.
    UnifiedPassword,
    /// A one-time code.
    Code(Method),
    /// A link that signs in, in the mail with a one-time code.
    CodeLink,
    /// A recovery code.
    RecoveryCode,
    /// A passkey whose authenticator did not verify the user.
    Passkey,
    /// A passkey whose authenticator verified the user, by a PIN or a fingerprint for example.
    VerifiedPasskey,
    /// A sign-in at a social provider.
    Provider,
    /// A sign-in at a social provider that counts as two factors.
    MultiFactorProvider,
    /// A credential from an earlier, complete sign-in: a session, a remember cookie, an auth token
    /// or a refresh token. It proves as much as that sign-in did.
    Credential,
}

impl Factor {
    /// The factor's name in events, in the log and in the audit log.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Password | Self::UnifiedPassword => "password",
            Self::Code(method) => method.name(),
            Self::CodeLink => "link",
            Self::RecoveryCode => "recovery_code",
            Self::Passkey | Self::VerifiedPasskey => "webauthn",
            Self::Provider | Self::MultiFactorProvider => "oauth",
            Self::SignInLink => "token",
            Self::ConfirmationLink => "confirm",
            Self::ResetLink => "reset",
            Self::NewAccount => "register",
            // The only such sign-in renews the session after its user changed the password.
            Self::Credential => "change",
        }
    }

    /// Every factor that can begin a sign-in.
    pub(crate) const FIRST: [Self; 15] = [
        Self::Password,
        Self::UnifiedPassword,
        Self::SignInLink,
        Self::ConfirmationLink,
        Self::ResetLink,
        Self::NewAccount,
        Self::CodeLink,
        Self::Code(Method::Email),
        Self::Code(Method::Sms),
        Self::Code(Method::Authenticator),
        Self::Passkey,
        Self::VerifiedPasskey,
        Self::Provider,
        Self::MultiFactorProvider,
        Self::Credential,
    ];

    /// What the user has to control to show the factor: showing the same channel twice proves no
    /// more than once.
    pub(super) const fn channel(self) -> Channel {
        match self {
            Self::SignInLink
            | Self::ConfirmationLink
            | Self::ResetLink
            | Self::CodeLink
            | Self::Code(Method::Email) => Channel::Mailbox,
            Self::Code(Method::Sms) => Channel::Phone,
            Self::Code(Method::Authenticator) => Channel::Authenticator,
            Self::RecoveryCode => Channel::RecoveryCodes,
            Self::Passkey | Self::VerifiedPasskey => Channel::Passkeys,
            Self::Provider | Self::MultiFactorProvider => Channel::Provider,
            Self::Password
            | Self::UnifiedPassword
            | Self::NewAccount
            | Self::Credential
            | Self::Code(Method::Password) => Channel::Password,
        }
    }
}

/// What a user has to control to show a factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channel {
    Password,
    Mailbox,
    Phone,
    Authenticator,
    RecoveryCodes,
    Passkeys,
    Provider,
}

/// The factors that a user has shown in one sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Proof(Vec<Factor>);

impl Proof {
    /// A proof by one factor.
    pub(crate) fn of(factor: Factor) -> Self {
        Self(vec![factor])
    }

    /// Adds the second factor.
    pub(crate) fn and(mut self, factor: Factor) -> Self {
        self.0.push(factor);
        self
    }

    /// The factors, in the order in which they were shown.
    pub(crate) fn factors(&self) -> &[Factor] {
        &self.0
    }
}

/// The outcome of a password check.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PasswordCheck {
    /// The password is wrong, or there is no such user. The failure is in the audit log.
    Wrong,
    /// The password is right.
    Right {
        /// A hash by the current scheme, to be stored in place of an outdated one.
        upgrade: Option<String>,
    },
}

/// Checks a user's password, and records a failure.
///
/// Without a user the check costs the same and the failure is recorded as well, so that the time
/// does not reveal whether the account exists.
///
/// The attempt is counted before the password is compared.
///
/// # Errors
/// 429 if there were too many attempts: nothing is compared then. Also if the hashing threads are
/// overloaded, or the store fails.
pub(crate) async fn check_password(
    app: &App,
    guesser: Guesser<'_>,
    principal: Principal<'_>,
    password: &str,
    on_success: OnSuccess,
) -> Result<PasswordCheck, HandlerError> {
    let attempt = Attempt::reserve(app, guesser, Purpose::Password, principal).await?;
    let user = principal.user();
    let upgrade = match compare_password(app, user, password).await {
        Ok(Verdict::Wrong) => {
            let event = Event::SignInFailed {
                user_id: user.map(|user| user.id),
                via: "password",
            };
            app.record(guesser.info, &event).await?;
            attempt.failed(app, guesser.info).await?;
            return Ok(PasswordCheck::Wrong);
        }
        Ok(Verdict::Right) => None,
        Ok(Verdict::RightButUpgrade(hash)) => Some(hash),
        Err(fault) => {
            // Nothing was compared.
            attempt.given_back(app).await?;
            return Err(fault.into());
        }
    };
    match on_success {
        OnSuccess::ClearCounter => attempt.succeeded(app).await?,
        OnSuccess::KeepCounter => attempt.given_back(app).await?,
    }
    Ok(PasswordCheck::Right { upgrade })
}

/// Compares a password with a user's, without recording a failure.
pub(super) async fn compare_password(
    app: &App,
    user: Option<&User>,
    password: &str,
) -> Result<Verdict, Fault> {
    let password = normalise::normalise(password, app.settings().password.normalize_form);
    app.passwords().check(user, &password).await
}

/// Stores an upgraded hash outside of a sign-in, where no other write would carry it.
///
/// # Errors
/// When the store fails.
pub(crate) async fn store_upgrade(
    app: &App,
    user: &User,
    upgrade: Option<String>,
) -> Result<(), Fault> {
    let Some(hash) = upgrade else {
        return Ok(());
    };
    let patch = UserPatch {
        password: Some(upgraded(user, hash)),
        ..UserPatch::default()
    };
    app.store()
        .update_user(user.id, patch, app.clock().now())
        .await?;
    Ok(())
}

/// The change that replaces an outdated hash, unless the password was changed meanwhile.
pub(super) fn upgraded(user: &User, hash: String) -> PasswordChange {
    PasswordChange::Upgrade {
        old: user.password.clone().unwrap_or_default(),
        new: hash,
    }
}
