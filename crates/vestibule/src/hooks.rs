//! What happens to accounts: for the log, for the audit log, and for whoever listens.
//!
//! One thing is said to whoever listens alone: that somebody has to sign in first. Anybody can bring
//! that about at no cost, as often as they like.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use vestibule_store::UserId;

use crate::http::request_info::RequestInfo;
use crate::settings::Mechanism;

/// Something happened to an account.
///
/// ```
/// use vestibule::hooks::Event;
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
    /// A sign-in was completed.
    SignedIn {
        /// Who.
        user_id: UserId,
        /// With which proofs.
        via: &'a [&'a str],
    },
    /// A session was ended by its user.
    SignedOut {
        /// Who.
        user_id: UserId,
    },
    /// Somebody who is signed in showed once more who they are.
    Verified {
        /// Who.
        user_id: UserId,
        /// With which proof.
        via: &'a str,
    },
    /// Somebody did not show who they are.
    SignInFailed {
        /// Whose account, if there is such an account.
        user_id: Option<UserId>,
        /// Which proof was wrong.
        via: &'a str,
    },
    /// A family of refresh tokens was begun.
    RefreshFamilyBegun {
        /// Whose.
        user_id: UserId,
    },
    /// A family of refresh tokens was ended.
    RefreshFamilyEnded {
        /// Whose.
        user_id: UserId,
        /// Why.
        why: FamilyEnd,
    },
    /// An account was made.
    Registered {
        /// Whose.
        user_id: UserId,
        /// What is in the link that confirms its address, if it has to be confirmed.
        confirmation_token: Option<&'a str>,
    },
    /// An account was not made, because somebody has the address or the name.
    NotRegistered {
        /// Who has the address.
        user_id: Option<UserId>,
        /// Whether somebody has the address.
        existing_email: bool,
        /// Whether somebody has the name.
        existing_username: bool,
    },
    /// A link that confirms an address was sent.
    ConfirmInstructionsSent {
        /// To whom.
        user_id: UserId,
        /// What is in it.
        token: &'a str,
    },
    /// An address was confirmed.
    Confirmed {
        /// Whose.
        user_id: UserId,
    },
    /// A link that resets a password was sent.
    ResetInstructionsSent {
        /// To whom.
        user_id: UserId,
        /// What is in it.
        token: &'a str,
    },
    /// A forgotten password was replaced.
    PasswordReset {
        /// Whose.
        user_id: UserId,
    },
    /// A password was changed by its user.
    PasswordChanged {
        /// Whose.
        user_id: UserId,
    },
    /// A link that confirms a new address was sent.
    ChangeEmailInstructionsSent {
        /// To whom.
        user_id: UserId,
        /// The new address.
        new_email: &'a str,
        /// What is in it.
        token: &'a str,
    },
    /// An address was changed.
    ChangeEmailConfirmed {
        /// Whose.
        user_id: UserId,
        /// The address before.
        old_email: &'a str,
    },
    /// A name was changed.
    UsernameChanged {
        /// Whose.
        user_id: UserId,
        /// The name before.
        old_username: Option<&'a str>,
    },
    /// A forgotten name was sent.
    UsernameRecoverySent {
        /// To whom.
        user_id: UserId,
    },
    /// A link that signs in was sent.
    LoginInstructionsSent {
        /// To whom.
        user_id: UserId,
        /// What is in it.
        token: &'a str,
    },
    /// Somebody who has to sign in first was turned away. The audit log has none of these.
    Unauthenticated {
        /// The mechanisms that would have counted.
        methods: &'a [Mechanism],
    },
}

/// Where an event comes from.
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

    /// The id of the request, as in the answer and in the log. What happens without a request has
    /// none.
    #[must_use]
    pub fn request_id(&self) -> Option<&'a str> {
        Some(self.0.id())
    }
}

/// Why a family of refresh tokens was ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FamilyEnd {
    /// A token came that had been exchanged before: somebody has a copy.
    Reused,
    /// Its user signed out.
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
    /// What happened, in one word: that of the log and of the audit log.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::SignedIn { .. } => "signed_in",
            Self::SignedOut { .. } => "signed_out",
            Self::Verified { .. } => "verified",
            Self::SignInFailed { .. } => "sign_in_failed",
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
            Self::Unauthenticated { .. } => "unauthenticated",
        }
    }

    /// Whose account it is about, if it is about one.
    #[must_use]
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::SignInFailed { user_id, .. } | Self::NotRegistered { user_id, .. } => *user_id,
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
            | Self::LoginInstructionsSent { user_id, .. } => Some(*user_id),
            Self::Unauthenticated { .. } => None,
        }
    }

    /// What there is to say besides; nothing secret.
    pub(crate) fn detail(&self) -> Option<Value> {
        match self {
            Self::SignedIn { via, .. } => Some(json!({ "via": via })),
            Self::Verified { via, .. } | Self::SignInFailed { via, .. } => {
                Some(json!({ "via": [via] }))
            }
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

/// The listeners. They run on the request's own thread: hand long work to another.
#[derive(Clone, Default)]
pub struct Hooks(Vec<Listener>);

impl Hooks {
    /// Adds a listener.
    pub fn listen(
        &mut self,
        listener: impl Fn(&Event<'_>, &EventContext<'_>) + Send + Sync + 'static,
    ) {
        self.0.push(Arc::new(listener));
    }

    /// Tells the log and every listener.
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
            } => tracing::warn!(user, "a refresh token was used twice: its family is ended"),
            // The line of the request says as much already.
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
