//! Decides whether a proof of identity suffices, the same way for every endpoint and mechanism.
//!
//! [`assess`] is pure: the settings, the account and the proof decide. [`of`] loads the account
//! first.

use vestibule_store::User;

use super::proof::{Factor, Proof};
use crate::app::App;
use crate::http::fault::Fault;
use crate::messages::{LocalizedMessage, Message};
use crate::settings::Settings;

/// What the settings require of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FactorPolicy {
    /// Whether the user's address has to be confirmed.
    confirmed: bool,
    /// Whether users who set up a second factor have to show it.
    two_factor: bool,
    /// Whether every user has to show a second factor.
    two_factor_required: bool,
    /// Whether a registered passkey counts as the second factor.
    passkey_as_second: bool,
}

impl FactorPolicy {
    pub(crate) fn of(settings: &Settings) -> Self {
        let Settings {
            login,
            two_factor,
            webauthn,
            ..
        } = settings;
        Self {
            confirmed: login.confirmable && !login.login_without_confirmation,
            two_factor: two_factor.enabled,
            two_factor_required: two_factor.enabled && two_factor.required,
            passkey_as_second: webauthn.enabled && webauthn.allow_as_multi_factor,
        }
    }
}

/// What is known about an account when a proof of identity for it is assessed.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    user: &'a User,
    /// Whether the user has a passkey. Not read if the policy does not ask for passkeys.
    has_passkey: bool,
    /// The embedding application's own reason to block a sign-in.
    objection: Option<LocalizedMessage>,
}

impl<'a> Account<'a> {
    /// The account without its factors, for decisions that do not depend on them.
    fn without_factors(app: &App, user: &'a User) -> Self {
        Self {
            user,
            has_passkey: false,
            objection: app.own_rules().objection(user),
        }
    }

    async fn load(app: &App, policy: &FactorPolicy, user: &'a User) -> Result<Self, Fault> {
        // A handle alone does not mean a passkey: every user has a handle.
        let may_have_passkey = policy.passkey_as_second && user.fs_webauthn_user_handle.is_some();
        Ok(Self {
            has_passkey: may_have_passkey && app.store().has_passkey(user.id).await?,
            ..Self::without_factors(app, user)
        })
    }
}

/// What a proof of identity is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Assurance {
    /// The user may not sign in, whatever the proof.
    Blocked(LocalizedMessage),
    /// A second factor is due, and the user has set one up.
    NeedsFactor,
    /// A second factor is due, and the user has none yet.
    NeedsSetup,
    /// The user is signed in.
    Sufficient,
}

/// Decides what a proof of identity is worth.
pub(crate) fn assess(policy: &FactorPolicy, account: &Account<'_>, proof: &Proof) -> Assurance {
    if proof.factors() == [Factor::Credential] {
        // The sign-in that issued the credential was complete. Only deactivating the account
        // invalidates it early.
        return if credential_is_valid(account.user) {
            Assurance::Sufficient
        } else {
            Assurance::Blocked(Message::DisabledAccount.into())
        };
    }
    if let Some(reason) = account_block(policy, account) {
        return Assurance::Blocked(reason);
    }
    let set_up = account.has_passkey && policy.passkey_as_second
        || account.user.tf_primary_method.is_some() && policy.two_factor;
    if set_up {
        Assurance::NeedsFactor
    } else if policy.two_factor_required {
        Assurance::NeedsSetup
    } else {
        Assurance::Sufficient
    }
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

/// Loads what the decision needs, and decides what a proof of identity is worth.
///
/// # Errors
/// When the store fails.
pub(crate) async fn of(app: &App, user: &User, proof: &Proof) -> Result<Assurance, Fault> {
    let policy = FactorPolicy::of(app.settings());
    let account = Account::load(app, &policy, user).await?;
    Ok(assess(&policy, &account, proof))
}

/// The reason why a proof of identity does not sign the user in, if there is one.
///
/// Second factors are not served yet: a user who needs one is refused after the first.
///
/// # Errors
/// When the store fails.
pub(crate) async fn sign_in_block(
    app: &App,
    user: &User,
    proof: &Proof,
) -> Result<Option<LocalizedMessage>, Fault> {
    Ok(match of(app, user, proof).await? {
        Assurance::Sufficient => None,
        Assurance::Blocked(reason) => Some(reason),
        Assurance::NeedsFactor | Assurance::NeedsSetup => {
            Some(Message::SecondFactorNotServed.into())
        }
    })
}

/// The reason why no mail with a secret is sent to an address, if there is one: the address belongs
/// to no user, or the account is blocked.
#[must_use]
pub(crate) fn mail_block(app: &App, user: Option<&User>) -> Option<LocalizedMessage> {
    let Some(user) = user else {
        return Some(Message::UserDoesNotExist.into());
    };
    let policy = FactorPolicy::of(app.settings());
    account_block(&policy, &Account::without_factors(app, user))
}

/// Whether a credential that was issued to this user is still valid.
pub(crate) fn credential_is_valid(user: &User) -> bool {
    user.active
}

#[cfg(test)]
mod tests;
