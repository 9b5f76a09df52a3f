//! Events about accounts, for the log, the audit log and the application's listeners.
//!
//! [`Event::Unauthenticated`] is never in the audit log, since any client can cause it at no cost,
//! as often as it likes.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use vestibule_store::UserId;

use crate::http::request_info::RequestInfo;
use crate::settings::Mechanism;

/// An event about an account.
///
/// ```
/// use vestibule::Event;
///
/// fn worth_a_mail(event: &Event<'_>) -> bool {
///     matches!(event, Event::PasswordChanged { .. } | Event::PasswordReset { .. })
/// }
///
/// let event = Event::SignInFailed { user_id: None, via: "password" };
/// assert_eq!((event.kind(), event.user_id()), ("sign_in_failed", None));
/// assert!(!worth_a_mail(&event));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A user signed in.
    SignedIn {
        /// The user.
        user_id: UserId,
        /// The factors that proved the user's identity.
        via: &'a [&'a str],
    },
    /// A user signed out.
    SignedOut {
        /// The user.
        user_id: UserId,
    },
    /// A signed-in user proved their identity again.
    Verified {
        /// The user.
        user_id: UserId,
        /// The factor that proved the user's identity.
        via: &'a str,
    },
    /// A proof of identity was wrong.
    SignInFailed {
        /// The user of the account, if the account exists.
        user_id: Option<UserId>,
        /// The factor that was wrong.
        via: &'a str,
    },
    /// A limit on guesses, or on mails to one recipient, is reached: until the window ends, further
    /// ones are refused, or only logged if `SECURITY_LIMITS` is `"log"`. Once per window.
    LimitReached {
        /// The user of the account, if the limit is that of an account that exists.
        user_id: Option<UserId>,
        /// The limit: `password`, `code` or `send`.
        limit: &'a str,
        /// What was counted: `account`, `device`, `address` or `recipient`.
        counted: &'a str,
    },
    /// A refresh-token family began.
    RefreshFamilyBegun {
        /// The user.
        user_id: UserId,
    },
    /// A refresh-token family ended.
    RefreshFamilyEnded {
        /// The user.
        user_id: UserId,
        /// The reason.
        why: FamilyEnd,
    },
    /// An account was created.
    Registered {
        /// The user.
        user_id: UserId,
        /// The token of the link that confirms the address, if the settings require confirmation.
        confirmation_token: Option<&'a str>,
    },
    /// A registration was refused because another account has the address or the username.
    NotRegistered {
        /// The user who has the address, if one does.
        user_id: Option<UserId>,
        /// Whether another account has the address.
        existing_email: bool,
        /// Whether another account has the username.
        existing_username: bool,
    },
    /// A link that confirms an address was sent.
    ConfirmInstructionsSent {
        /// The user.
        user_id: UserId,
        /// The token of the link.
        token: &'a str,
    },
    /// An address was confirmed.
    Confirmed {
        /// The user.
        user_id: UserId,
    },
    /// A link that resets a password was sent.
    ResetInstructionsSent {
        /// The user.
        user_id: UserId,
        /// The token of the link.
        token: &'a str,
    },
    /// A forgotten password was replaced.
    PasswordReset {
        /// The user.
        user_id: UserId,
    },
    /// A user changed their password.
    PasswordChanged {
        /// The user.
        user_id: UserId,
    },
    /// A link that confirms a new address was sent.
    ChangeEmailInstructionsSent {
        /// The user.
        user_id: UserId,
        /// The new address.
        new_email: &'a str,
        /// The token of the link.
        token: &'a str,
    },
    /// An address was changed.
    ChangeEmailConfirmed {
        /// The user.
        user_id: UserId,
        /// The previous address.
        old_email: &'a str,
    },
    /// A username was changed.
    UsernameChanged {
        /// The user.
        user_id: UserId,
        /// The previous username.
        old_username: Option<&'a str>,
    },
    /// A forgotten username was sent.
    UsernameRecoverySent {
        /// The user.
        user_id: UserId,
    },
    /// A link that signs in was sent.
    LoginInstructionsSent {
        /// The user.
        user_id: UserId,
        /// The token of the link.
        token: &'a str,
    },
    /// A one-time code that signs in or verifies a user was sent.
    CodeSent {
        /// The user.
        user_id: UserId,
        /// The method that it was sent by.
        method: &'a str,
    },
    /// A user set up a method of unified sign-in, or linked an identity at a social provider.
    SignInMethodAdded {
        /// The user.
        user_id: UserId,
        /// The method, or the name of the provider.
        method: &'a str,
    },
    /// A user removed a method of unified sign-in, or unlinked an identity at a social provider.
    SignInMethodRemoved {
        /// The user.
        user_id: UserId,
        /// The method, or the name of the provider.
        method: &'a str,
    },
    /// A one-time code of a user's second factor was sent.
    SecondFactorCodeSent {
        /// The user.
        user_id: UserId,
        /// The method that it was sent by.
        method: &'a str,
    },
    /// A user set up a second factor, or replaced it.
    SecondFactorChanged {
        /// The user.
        user_id: UserId,
        /// The method.
        method: &'a str,
    },
    /// A user removed their second factor.
    SecondFactorDisabled {
        /// The user.
        user_id: UserId,
    },
    /// A user who cannot show their second factor asked the operator for help.
    SecondFactorHelpRequested {
        /// The user.
        user_id: UserId,
    },
    /// A user got new recovery codes; the old ones are invalid.
    RecoveryCodesRenewed {
        /// The user.
        user_id: UserId,
    },
    /// A user signed in with a recovery code.
    RecoveryCodeUsed {
        /// The user.
        user_id: UserId,
        /// How many codes are left.
        left: usize,
    },
    /// A user registered a passkey.
    PasskeyAdded {
        /// The user.
        user_id: UserId,
        /// The name that the user gave it.
        name: &'a str,
        /// What it is for: `first` or `secondary`.
        usage: &'a str,
    },
    /// A user removed a passkey.
    PasskeyRemoved {
        /// The user.
        user_id: UserId,
        /// The name that the user gave it.
        name: &'a str,
    },
    /// A request was refused because its caller is not authenticated. This event is never in the
    /// audit log.
    Unauthenticated {
        /// The mechanisms that the endpoint accepts.
        methods: &'a [Mechanism],
    },
}

/// The context of an event: the request that caused it.
#[derive(Debug, Clone, Copy)]
pub struct EventContext<'a>(&'a RequestInfo);

impl<'a> EventContext<'a> {
    pub(crate) fn of(info: &'a RequestInfo) -> Self {
        Self(info)
    }

    /// The client's address, if it is known: there is none on a bare Unix socket.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.0.address()
    }

    /// The ID of the request, as in the response and in the log. `None` if no request caused the
    /// event.
    #[must_use]
    pub fn request_id(&self) -> Option<&'a str> {
        Some(self.0.id())
    }
}

/// The reason why a refresh-token family ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FamilyEnd {
    /// A token that had been exchanged before was used again: an attacker may have a copy.
    Reused,
    /// The user signed out.
    SignedOut,
}

impl FamilyEnd {
    const fn name(self) -> &'static str {
        match self {
            Self::Reused => "reused",
            Self::SignedOut => "signed_out",
        }
    }
}

impl Event<'_> {
    /// The name of the event in the log and in the audit log.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SignedIn { .. } => "signed_in",
            Self::SignedOut { .. } => "signed_out",
            Self::Verified { .. } => "verified",
            Self::SignInFailed { .. } => "sign_in_failed",
            Self::LimitReached { .. } => "limit_reached",
            Self::RefreshFamilyBegun { .. } => "refresh_family_begun",
            Self::RefreshFamilyEnded { .. } => "refresh_family_ended",
            Self::Registered { .. } => "registered",
            Self::NotRegistered { .. } => "not_registered",
            Self::ConfirmInstructionsSent { .. } => "confirm_instructions_sent",
            Self::Confirmed { .. } => "confirmed",
            Self::ResetInstructionsSent { .. } => "reset_instructions_sent",
            Self::PasswordReset { .. } => "password_reset",
            Self::PasswordChanged { .. } => "password_changed",
            Self::ChangeEmailInstructionsSent { .. } => "change_email_instructions_sent",
            Self::ChangeEmailConfirmed { .. } => "change_email_confirmed",
            Self::UsernameChanged { .. } => "username_changed",
            Self::UsernameRecoverySent { .. } => "username_recovery_sent",
            Self::LoginInstructionsSent { .. } => "login_instructions_sent",
            Self::CodeSent { .. } => "code_sent",
            Self::SignInMethodAdded { .. } => "sign_in_method_added",
            Self::SignInMethodRemoved { .. } => "sign_in_method_removed",
            Self::SecondFactorCodeSent { .. } => "second_factor_code_sent",
            Self::SecondFactorChanged { .. } => "second_factor_changed",
            Self::SecondFactorDisabled { .. } => "second_factor_disabled",
            Self::SecondFactorHelpRequested { .. } => "second_factor_help_requested",
            Self::RecoveryCodesRenewed { .. } => "recovery_codes_renewed",
            Self::RecoveryCodeUsed { .. } => "recovery_code_used",
            Self::PasskeyAdded { .. } => "passkey_added",
            Self::PasskeyRemoved { .. } => "passkey_removed",
            Self::Unauthenticated { .. } => "unauthenticated",
        }
    }

    /// The user that the event is about, if it is about one.
    #[must_use]
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::SignInFailed { user_id, .. }
            | Self::LimitReached { user_id, .. }
            | Self::NotRegistered { user_id, .. } => *user_id,
            Self::SignedIn { user_id, .. }
            | Self::SignedOut { user_id }
            | Self::Verified { user_id, .. }
            | Self::RefreshFamilyBegun { user_id }
            | Self::RefreshFamilyEnded { user_id, .. }
            | Self::Registered { user_id, .. }
            | Self::ConfirmInstructionsSent { user_id, .. }
            | Self::Confirmed { user_id }
            | Self::ResetInstructionsSent { user_id, .. }
            | Self::PasswordReset { user_id }
            | Self::PasswordChanged { user_id }
            | Self::ChangeEmailInstructionsSent { user_id, .. }
            | Self::ChangeEmailConfirmed { user_id, .. }
            | Self::UsernameChanged { user_id, .. }
            | Self::UsernameRecoverySent { user_id }
            | Self::LoginInstructionsSent { user_id, .. }
            | Self::CodeSent { user_id, .. }
            | Self::SignInMethodAdded { user_id, .. }
            | Self::SignInMethodRemoved { user_id, .. }
            | Self::SecondFactorCodeSent { user_id, .. }
            | Self::SecondFactorChanged { user_id, .. }
            | Self::SecondFactorDisabled { user_id }
            | Self::SecondFactorHelpRequested { user_id }
            | Self::RecoveryCodesRenewed { user_id }
            | Self::RecoveryCodeUsed { user_id, .. }
            | Self::PasskeyAdded { user_id, .. }
            | Self::PasskeyRemoved { user_id, .. } => Some(*user_id),
            Self::Unauthenticated { .. } => None,
        }
    }

    /// The details for the audit log. They never contain a secret.
    pub(crate) fn detail(&self) -> Option<Value> {
        match self {
            Self::SignedIn { via, .. } => Some(json!({ "via": via })),
            Self::Verified { via, .. } | Self::SignInFailed { via, .. } => {
                Some(json!({ "via": [via] }))
            }
            Self::LimitReached { limit, counted, .. } => {
                Some(json!({ "limit": limit, "counted": counted }))
            }
            Self::CodeSent { method, .. }
            | Self::SignInMethodAdded { method, .. }
            | Self::SignInMethodRemoved { method, .. }
            | Self::SecondFactorCodeSent { method, .. }
            | Self::SecondFactorChanged { method, .. } => Some(json!({ "method": method })),
            Self::PasskeyAdded { name, usage, .. } => Some(json!({ "name": name, "usage": usage })),
            Self::PasskeyRemoved { name, .. } => Some(json!({ "name": name })),
            Self::RecoveryCodeUsed { left, .. } => Some(json!({ "left": left })),
            Self::RefreshFamilyEnded { why, .. } => Some(json!({ "why": why.name() })),
            Self::NotRegistered {
                existing_email,
                existing_username,
                ..
            } => Some(json!({
                "existing_email": existing_email, "existing_username": existing_username,
            })),
            Self::ChangeEmailInstructionsSent { new_email, .. } => {
                Some(json!({ "new_email": new_email }))
            }
            Self::ChangeEmailConfirmed { old_email, .. } => Some(json!({ "old_email": old_email })),
            Self::UsernameChanged { old_username, .. } => {
                Some(json!({ "old_username": old_username }))
            }
            _ => None,
        }
    }
}

type Listener = Arc<dyn Fn(&Event<'_>, &EventContext<'_>) + Send + Sync>;

/// The application's listeners. They run on the request's thread, so they must not block: hand long
/// work to another thread.
#[derive(Clone, Default)]
pub(crate) struct Hooks(Vec<Listener>);

impl Hooks {
    /// Adds a listener.
    pub(crate) fn listen(
        &mut self,
        listener: impl Fn(&Event<'_>, &EventContext<'_>) + Send + Sync + 'static,
    ) {
        self.0.push(Arc::new(listener));
    }

    /// Writes an event to the log and passes it to every listener.
    pub(crate) fn emit(&self, event: &Event<'_>, info: &RequestInfo) {
        let kind = event.kind();
        let user = event.user_id().map(|id| id.to_string());
        let via = match event {
            Event::SignedIn { via, .. } => Some(via.join("+")),
            Event::Verified { via, .. } | Event::SignInFailed { via, .. } => {
                Some((*via).to_owned())
            }
            _ => None,
        };
        match event {
            Event::RefreshFamilyEnded {
                why: FamilyEnd::Reused,
                ..
            } => tracing::warn!(
                user,
                "a refresh token was used twice: its family was revoked"
            ),
            Event::LimitReached { limit, counted, .. } => {
                tracing::warn!(user, limit, counted, "a limit is reached");
            }
            // The log line of the request states the refusal already.
            Event::Unauthenticated { .. } => tracing::debug!("{kind}"),
            _ => tracing::info!(user, via, "{}", kind.replace('_', " ")),
        }
        for listener in &self.0 {
            listener(event, &EventContext::of(info));
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hooks").field(&self.0.len()).finish()
    }
}
