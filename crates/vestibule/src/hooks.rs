//! What an embedding application can hear.

use std::fmt;
use std::sync::Arc;

use vestibule_store::UserId;

/// Something happened to an account.
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
    /// A wrong password for an account that exists.
    SignInFailed {
        /// Whose account.
        user_id: UserId,
        /// Which proof was wrong.
        via: &'a str,
    },
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

type Listener = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// The listeners. They run on the request's own thread: hand long work to another.
#[derive(Clone, Default)]
pub struct Hooks(Vec<Listener>);

impl Hooks {
    /// Adds a listener.
    pub fn listen(&mut self, listener: impl Fn(&Event<'_>) + Send + Sync + 'static) {
        self.0.push(Arc::new(listener));
    }

    /// Tells the log and every listener.
    pub(crate) fn ring(&self, event: &Event<'_>) {
        match event {
            Event::SignedIn { user_id, via } => {
                tracing::info!(user = %user_id, via = %via.join("+"), "signed in");
            }
            Event::SignedOut { user_id } => tracing::info!(user = %user_id, "signed out"),
            Event::Verified { user_id, via } => tracing::info!(user = %user_id, via, "verified"),
            Event::RefreshFamilyBegun { user_id } => {
                tracing::info!(user = %user_id, "refresh tokens begun");
            }
            Event::RefreshFamilyEnded { user_id, why } => {
                if *why == FamilyEnd::Reused {
                    tracing::warn!(user = %user_id, "a refresh token was used twice: its family is ended");
                } else {
                    tracing::info!(user = %user_id, ?why, "refresh tokens ended");
                }
            }
            Event::SignInFailed { user_id, via } => {
                tracing::info!(user = %user_id, via, "sign-in failed");
            }
        }
        for listener in &self.0 {
            listener(event);
        }
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hooks").field(&self.0.len()).finish()
    }
}
