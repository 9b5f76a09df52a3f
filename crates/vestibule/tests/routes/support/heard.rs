//! The events that the application under test hears, kept as whole values.

use vestibule::Event;

use super::TestApp;

impl TestApp {
    /// The events since the last time, in order. Without [`Event::Unauthenticated`], which most
    /// tests cause as a side effect.
    pub(crate) fn take_events(&self) -> Vec<Event<'static>> {
        std::mem::take(&mut *self.events.lock().unwrap())
    }
}

/// A text that lives as long as the test process, so that an event that holds it can be kept.
pub(crate) fn lasting(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// The same event with texts of its own.
pub(super) fn kept(event: &Event<'_>) -> Event<'static> {
    match *event {
        Event::SignedIn { user_id, via } => {
            let via: Vec<&str> = via.iter().map(|text| lasting(text)).collect();
            let via = Box::leak(via.into_boxed_slice());
            Event::SignedIn { user_id, via }
        }
        Event::SignedOut { user_id } => Event::SignedOut { user_id },
        Event::Verified { user_id, via } => Event::Verified {
            user_id,
            via: lasting(via),
        },
        Event::SignInFailed { user_id, via } => Event::SignInFailed {
            user_id,
            via: lasting(via),
        },
        Event::LimitReached {
            user_id,
            limit,
            counted,
        } => Event::LimitReached {
            user_id,
            limit: lasting(limit),
            counted: lasting(counted),
        },
        Event::RefreshFamilyBegun { user_id } => Event::RefreshFamilyBegun { user_id },
        Event::RefreshFamilyEnded { user_id, why } => Event::RefreshFamilyEnded { user_id, why },
        Event::Registered {
            user_id,
            confirmation_token,
        } => Event::Registered {
            user_id,
            confirmation_token: confirmation_token.map(lasting),
        },
        Event::NotRegistered {
            user_id,
            existing_email,
            existing_username,
        } => Event::NotRegistered {
            user_id,
            existing_email,
            existing_username,
        },
        Event::ConfirmInstructionsSent { user_id, token } => Event::ConfirmInstructionsSent {
            user_id,
            token: lasting(token),
        },
        Event::Confirmed { user_id } => Event::Confirmed { user_id },
        Event::ResetInstructionsSent { user_id, token } => Event::ResetInstructionsSent {
            user_id,
            token: lasting(token),
        },
        Event::PasskeyAdded {
            user_id,
            name,
            usage,
        } => Event::PasskeyAdded {
            user_id,
            name: lasting(name),
            usage: lasting(usage),
        },
        Event::PasskeyRemoved { user_id, name } => Event::PasskeyRemoved {
            user_id,
            name: lasting(name),
        },
        Event::PasswordReset { user_id } => Event::PasswordReset { user_id },
        Event::PasswordChanged { user_id } => Event::PasswordChanged { user_id },
        Event::ChangeEmailInstructionsSent {
            user_id,
            new_email,
            token,
        } => Event::ChangeEmailInstructionsSent {
            user_id,
            new_email: lasting(new_email),
            token: lasting(token),
        },
        Event::ChangeEmailConfirmed { user_id, old_email } => Event::ChangeEmailConfirmed {
            user_id,
            old_email: lasting(old_email),
        },
        Event::UsernameChanged {
            user_id,
            old_username,
        } => Event::UsernameChanged {
            user_id,
            old_username: old_username.map(lasting),
        },
        Event::UsernameRecoverySent { user_id } => Event::UsernameRecoverySent { user_id },
        Event::LoginInstructionsSent { user_id, token } => Event::LoginInstructionsSent {
            user_id,
            token: lasting(token),
        },
        Event::CodeSent { user_id, method } => Event::CodeSent {
            user_id,
            method: lasting(method),
        },
        Event::SignInMethodAdded { user_id, method } => Event::SignInMethodAdded {
            user_id,
            method: lasting(method),
        },
        Event::SignInMethodRemoved { user_id, method } => Event::SignInMethodRemoved {
            user_id,
            method: lasting(method),
        },
        Event::SecondFactorCodeSent { user_id, method } => Event::SecondFactorCodeSent {
            user_id,
            method: lasting(method),
        },
        Event::SecondFactorChanged { user_id, method } => Event::SecondFactorChanged {
            user_id,
            method: lasting(method),
        },
        Event::SecondFactorDisabled { user_id } => Event::SecondFactorDisabled { user_id },
        Event::SecondFactorHelpRequested { user_id } => {
            Event::SecondFactorHelpRequested { user_id }
        }
        Event::RecoveryCodesRenewed { user_id } => Event::RecoveryCodesRenewed { user_id },
        Event::RecoveryCodeUsed { user_id, left } => Event::RecoveryCodeUsed { user_id, left },
        ref other => panic!("a new kind of event is not kept yet: {other:?}"),
    }
}
