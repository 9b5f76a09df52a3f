//! Decides whether a proof of identity suffices, the same way for every endpoint and mechanism.
//!
//! [`assess`] is pure: the settings, the account and the proof decide. [`of`] loads the account
//! first.

use vestibule_store::{PasskeyUsage, User};

use super::proof::{Channel, Factor, Proof};
use crate::app::App;
use crate::http::fault::Fault;
use crate::messages::{LocalizedMessage, Message};
use crate::settings::{Method, Settings};
use crate::validation::own::SecondFactorState;

/// What the settings require of a sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FactorPolicy {
    /// Whether the user's address has to be confirmed.
    confirmed: bool,
    /// Whether users who set up a second factor have to show it.
    two_factor: bool,
    /// Whether every user has to show a second factor.
    two_factor_required: bool,
    /// Whether a remembered device has to show it as well.
    always_validate: bool,
    /// Whether the mailbox or phone that was the first factor counts as the second, too.
    same_channel: bool,
    /// The methods of unified sign-in after which a second factor is required.
    mfa_required: Vec<Method>,
    /// Whether users who registered a passkey as a second factor have to show it.
    passkeys: bool,
    /// Whether a passkey whose authenticator verified the user counts as two factors.
    verified_passkey_suffices: bool,
}

impl FactorPolicy {
    pub(crate) fn of(settings: &Settings) -> Self {
        let Settings {
            login,
            two_factor,
            unified,
            webauthn,
            ..
        } = settings;
        Self {
            confirmed: login.confirmable && !login.login_without_confirmation,
            two_factor: two_factor.enabled,
            two_factor_required: two_factor.enabled && two_factor.required,
            always_validate: two_factor.always_validate,
            same_channel: two_factor.same_channel,
            mfa_required: unified.mfa_required.clone(),
            passkeys: webauthn.enabled,
            verified_passkey_suffices: webauthn.allow_as_multi_factor,
        }
    }

    /// Whether a sign-in that began with this factor needs a second one at all.
    fn asks_after(&self, first: Factor) -> bool {
        match first {
            Factor::UnifiedPassword => self.mfa_required.contains(&Method::Password),
            Factor::Code(method) => self.mfa_required.contains(&method),
            Factor::CodeLink => self.mfa_required.contains(&Method::Email),
            Factor::Password
            | Factor::SignInLink
            | Factor::ConfirmationLink
            | Factor::ResetLink
            | Factor::NewAccount
            | Factor::Passkey
            | Factor::RecoveryCode
            | Factor::Provider => true,
            Factor::VerifiedPasskey => !self.verified_passkey_suffices,
            // The sign-in that issued the credential was complete.
            Factor::MultiFactorProvider | Factor::Credential => false,
        }
    }

    /// Whether a factor counts as the second one after another.
    pub(super) fn accepts_second(&self, first: Factor, second: Factor) -> bool {
        match second {
            Factor::RecoveryCode => true,
            Factor::Code(_) | Factor::Passkey | Factor::VerifiedPasskey => {
                self.same_channel || first.channel() != second.channel()
            }
            _ => false,
        }
    }
}

/// What is known about an account when a proof of identity for it is assessed.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    user: &'a User,
    /// Whether the user registered a passkey as a second factor. Not read if the policy does not
    /// ask for passkeys.
    has_passkey: bool,
    /// Whether the client is a device on which the user showed the second factor before.
    remembered: bool,
    /// The embedding application's own reason to block a sign-in.
    objection: Option<LocalizedMessage>,
    /// The embedding application's own decision whether a second factor is required.
    own_requirement: Option<bool>,
}

impl<'a> Account<'a> {
    /// The account without its factors, for decisions that do not depend on them.
    fn without_factors(app: &App, user: &'a User) -> Self {
        Self {
            user,
            has_passkey: false,
            remembered: false,
            objection: app.own_rules().objection(user),
            own_requirement: None,
        }
    }

    async fn load(
        app: &App,
        policy: &FactorPolicy,
        user: &'a User,
        remembered: bool,
    ) -> Result<Self, Fault> {
        let has_passkey = has_passkey(app, user).await?;
        let state = SecondFactorState {
            set_up: policy.two_factor && second_factor(user).is_some() || has_passkey,
            remembered,
        };
        Ok(Self {
            has_passkey,
            remembered,
            own_requirement: app.own_rules().requires_second_factor(user, state),
            ..Self::without_factors(app, user)
        })
    }
}

/// What a proof of identity is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Assurance {
    /// The user may not sign in, whatever the proof.
    Blocked(LocalizedMessage),
    /// A second factor is due, and the user has set up these, of which one suffices.
    NeedsFactor(Vec<SecondFactor>),
    /// A second factor is due, and the user has none yet.
    NeedsSetup,
    /// The user is signed in.
    Sufficient,
}

/// A second factor that a user has set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SecondFactor {
    /// A one-time code.
    Code(Method),
    /// A passkey.
    Passkey,
}

impl SecondFactor {
    /// What the user shows with it.
    const fn shown(self) -> Factor {
        match self {
            Self::Code(method) => Factor::Code(method),
            Self::Passkey => Factor::Passkey,
        }
    }
}

/// Whether a user registered a passkey as a second factor, and passkeys are on.
///
/// # Errors
/// When the store fails.
pub(crate) async fn has_passkey(app: &App, user: &User) -> Result<bool, Fault> {
    // A handle alone does not mean a passkey: every user has a handle.
    let may_have = app.settings().webauthn.enabled && user.fs_webauthn_user_handle.is_some();
    Ok(may_have
        && app
            .store()
            .has_passkey(user.id, Some(PasskeyUsage::Secondary))
            .await?)
}

/// The one-time code that a user has set up as a second factor, by the name in the database.
pub(crate) fn second_factor(user: &User) -> Option<&str> {
    let is_set = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
    if !is_set(&user.tf_totp_secret) {
        return None;
    }
    user.tf_primary_method
        .as_deref()
        .filter(|method| !method.is_empty())
}

/// Decides what a proof of identity is worth.
pub(crate) fn assess(policy: &FactorPolicy, account: &Account<'_>, proof: &Proof) -> Assurance {
    let (first, second) = match proof.factors() {
        [first] => (*first, None),
        [first, second, ..] => (*first, Some(*second)),
        [] => return Assurance::Blocked(Message::GenericAuthnFailed.into()),
    };
    if first == Factor::Credential {
        // Only deactivating the account invalidates the credential early.
        return if credential_is_valid(account.user) {
            Assurance::Sufficient
        } else {
            Assurance::Blocked(Message::DisabledAccount.into())
        };
    }
    if let Some(reason) = account_block(policy, account) {
        return Assurance::Blocked(reason);
    }
    if second.is_some_and(|second| policy.accepts_second(first, second)) {
        return Assurance::Sufficient;
    }
    if !is_due(policy, account, first) {
        return Assurance::Sufficient;
    }
    let (set_up, has_unknown) = set_up(policy, account);
    if set_up.is_empty() {
        // Only a code can be set up during a sign-in.
        return if has_unknown || !policy.two_factor {
            Assurance::Blocked(Message::SecondFactorNotServed.into())
        } else {
            Assurance::NeedsSetup
        };
    }
    let accepted = accepted(policy, set_up, first);
    if accepted.is_empty() {
        return Assurance::Blocked(Message::SecondFactorOtherChannel.into());
    }
    Assurance::NeedsFactor(accepted)
}

/// The second factors that count after this first factor.
fn accepted(
    policy: &FactorPolicy,
    mut set_up: Vec<SecondFactor>,
    first: Factor,
) -> Vec<SecondFactor> {
    set_up.retain(|second| policy.accepts_second(first, second.shown()));
    set_up
}

/// The second factors that can complete a pending sign-in.
///
/// # Errors
/// When the store fails.
pub(crate) async fn choices(
    app: &App,
    user: &User,
    proof: &Proof,
) -> Result<Vec<SecondFactor>, Fault> {
    let policy = FactorPolicy::of(app.settings());
    let account = Account::load(app, &policy, user, false).await?;
    let (set_up, _) = set_up(&policy, &account);
    let first = proof.factors().first().copied();
    Ok(first.map_or_else(Vec::new, |first| accepted(&policy, set_up, first)))
}

/// The second factors that the user has set up, and whether there is one of the application's own.
fn set_up(policy: &FactorPolicy, account: &Account<'_>) -> (Vec<SecondFactor>, bool) {
    let stored = second_factor(account.user).filter(|_| policy.two_factor);
    let method = stored.map(Method::from_stored);
    let code = method.flatten().map(SecondFactor::Code);
    let passkey = (account.has_passkey && policy.passkeys).then_some(SecondFactor::Passkey);
    let set_up = code.into_iter().chain(passkey).collect();
    (set_up, method == Some(None))
}

/// Whether a second factor is due after the first.
fn is_due(policy: &FactorPolicy, account: &Account<'_>, first: Factor) -> bool {
    if !policy.asks_after(first) {
        return false;
    }
    if let Some(required) = account.own_requirement {
        return required && (policy.two_factor || policy.passkeys);
    }
    let set_up = account.has_passkey && policy.passkeys
        || second_factor(account.user).is_some() && policy.two_factor;
    let remembered = account.remembered && !policy.always_validate;
    (set_up || policy.two_factor_required) && !remembered
}

/// Whether a code that is sent by mail may be the second factor of this sign-in.
pub(crate) fn accepts_mailed_code(app: &App, proof: &Proof) -> bool {
    let policy = FactorPolicy::of(app.settings());
    let first = proof.factors().first();
    first.is_some_and(|first| policy.same_channel || first.channel() != Channel::Mailbox)
}

/// The reason why an account is closed to every sign-in, even its owner's, if there is one.
fn account_block(policy: &FactorPolicy, account: &Account<'_>) -> Option<LocalizedMessage> {
    if !account.user.active {
        return Some(Message::DisabledAccount.into());
    }
    if policy.confirmed && account.user.confirmed_at.is_none() {
        return Some(Message::ConfirmationRequired.into());
    }
    account.objection.clone()
}

/// Loads what the decision needs, and decides what a proof of identity is worth. `remembered` is
/// whether the client is a device on which the user showed the second factor before.
///
/// # Errors
/// When the store fails.
pub(crate) async fn of(
    app: &App,
    user: &User,
    proof: &Proof,
    remembered: bool,
) -> Result<Assurance, Fault> {
    let policy = FactorPolicy::of(app.settings());
    let account = Account::load(app, &policy, user, remembered).await?;
    Ok(assess(&policy, &account, proof))
}

/// The reason why no mail or SMS with a secret is sent to a user, if there is one: no user has the
/// identity, or the account is blocked.
#[must_use]
pub(crate) fn mail_block(app: &App, user: Option<&User>) -> Option<LocalizedMessage> {
    let Some(user) = user else {
        return Some(Message::UserDoesNotExist.into());
    };
    sign_in_block(app, user)
}

/// The reason why a user may not sign in, whatever the proof, if there is one.
#[must_use]
pub(crate) fn sign_in_block(app: &App, user: &User) -> Option<LocalizedMessage> {
    let policy = FactorPolicy::of(app.settings());
    account_block(&policy, &Account::without_factors(app, user))
}

/// Whether a credential that was issued to this user is still valid.
pub(crate) fn credential_is_valid(user: &User) -> bool {
    user.active
}

#[cfg(test)]
mod tests;
