//! The one decision on what a proof of identity is worth, whatever the endpoint and the mechanism.
//!
//! [`assess`] is pure: the settings, the account and the proof decide. [`of`] reads what it needs.

use vestibule_store::User;

use super::proof::{Factor, Proof};
use crate::app::App;
use crate::http::fault::Fault;
use crate::messages::{LocalizedMessage, Message};
use crate::settings::Settings;

/// What the settings demand of a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FactorPolicy {
    /// Whether the user's address has to be confirmed.
    confirmed: bool,
    /// Whether a second factor is asked of the users who set one up.
    two_factor: bool,
    /// Whether a second factor is asked of every user.
    two_factor_required: bool,
    /// Whether a registered passkey is asked for as the second factor.
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

/// What is known about an account when a proof for it is judged.
#[derive(Debug)]
pub(crate) struct Account<'a> {
    user: &'a User,
    /// Whether the user has a passkey. Not read if the policy does not ask for passkeys.
    has_passkey: bool,
    /// The application's own objection to a sign-in.
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
        // Every user has a handle: only a key counts.
        let may_have_passkey = policy.passkey_as_second && user.fs_webauthn_user_handle.is_some();
        Ok(Self {
            has_passkey: may_have_passkey && app.store().has_passkey(user.id).await?,
            ..Self::without_factors(app, user)
        })
    }
}

/// What a proof is worth.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Assurance {
    /// The user may not sign in, whatever they prove.
    Blocked(LocalizedMessage),
    /// A second factor is due, and the user has set one up.
    NeedsFactor,
    /// A second factor is due, and the user has none yet.
    NeedsSetup,
    /// The user is signed in.
    Sufficient,
}

/// Decides what a proof is worth.
pub(crate) fn assess(policy: &FactorPolicy, account: &Account<'_>, proof: &Proof) -> Assurance {
    if proof.factors() == [Factor::Credential] {
        // The sign-in that issued it was complete. Only a deactivation ends it early.
        return if credential_counts(account.user) {
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

/// Why an account is closed to its rightful owner, whatever they prove.
fn account_block(policy: &FactorPolicy, account: &Account<'_>) -> Option<LocalizedMessage> {
    if !account.user.active {
        return Some(Message::DisabledAccount.into());
    }
    if policy.confirmed && account.user.confirmed_at.is_none() {
        return Some(Message::ConfirmationRequired.into());
    }
    account.objection.clone()
}

/// Reads what a decision needs, and decides.
///
/// # Errors
/// When the store fails.
pub(crate) async fn of(app: &App, user: &User, proof: &Proof) -> Result<Assurance, Fault> {
    let policy = FactorPolicy::of(app.settings());
    let account = Account::load(app, &policy, user).await?;
    Ok(assess(&policy, &account, proof))
}

/// Why a proof does not sign its user in.
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

/// Why no mail with a secret is sent to an address: it belongs to no user, or to one whose account is
/// blocked.
#[must_use]
pub(crate) fn no_mail_for(app: &App, user: Option<&User>) -> Option<LocalizedMessage> {
    let Some(user) = user else {
        return Some(Message::UserDoesNotExist.into());
    };
    let policy = FactorPolicy::of(app.settings());
    account_block(&policy, &Account::without_factors(app, user))
}

/// Whether a credential that was issued to this user still counts.
pub(crate) fn credential_counts(user: &User) -> bool {
    user.active
}

#[cfg(test)]
mod tests;
