//! The counters: their keyed names, and the store that keeps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vestibule_formats::hex;
use vestibule_formats::sign::{Derivation, KeyRing, TimedSigner};
use vestibule_store::{
    Change, GuessKey, GuessSlot, MemoryGuesses, OneTimeSecret, Reservation, ReservedGuess,
    StoreError, UserId,
};

use super::Counted;
use super::in_flight::InFlight;
use crate::app::App;
use crate::hooks::Event;
use crate::http::fault::Fault;
use crate::http::request_info::RequestInfo;
use crate::secrets::derived::{self, Key};
use crate::settings::SecretSettings;

/// The keys of the counters and of the device cookie.
pub(crate) struct Guard {
    /// The current key first, then the previous ones.
    pub(super) keys: Vec<Key>,
    pub(super) devices: TimedSigner,
    in_flight: Arc<InFlight>,
    /// For a store that does not count.
    memory: MemoryGuesses,
    warned: AtomicBool,
}

impl Guard {
    pub(crate) fn new(secrets: &SecretSettings, ring: &KeyRing) -> Self {
        Self {
            keys: derived::keys(secrets, "vestibule guard"),
            devices: TimedSigner::new(ring, "vestibule device", Derivation::Hmac),
            in_flight: Arc::default(),
            memory: MemoryGuesses::default(),
            warned: AtomicBool::new(false),
        }
    }

    /// A keyed digest, so that the table reveals no account, address or recipient.
    pub(super) fn digest(&self, kind: &str, text: &str) -> String {
        self.keys
            .first()
            .map(|key| digest_with(key, kind, text))
            .unwrap_or_default()
    }

    /// The principal of an account.
    pub(super) fn account(&self, id: UserId) -> String {
        self.digest("account", &id.to_string())
    }

    /// The attempts of this process that are being compared.
    pub(super) fn in_flight(&self) -> &Arc<InFlight> {
        &self.in_flight
    }

    pub(super) async fn reserve(
        &self,
        app: &App,
        slots: &[GuessSlot],
    ) -> Result<Reservation, Fault> {
        let now = app.clock().now();
        match app.store().reserve_guess(slots, now).await {
            Err(StoreError::Unsupported(_)) => {
                self.warn();
                Ok(self.memory.reserve(slots, now))
            }
            outcome => Ok(outcome?),
        }
    }

    pub(super) async fn release(
        &self,
        app: &App,
        returned: &[ReservedGuess],
        cleared: &[GuessKey],
    ) -> Result<(), Fault> {
        match app.store().release_guesses(returned, cleared).await {
            Err(StoreError::Unsupported(_)) => {
                self.memory.release(returned, cleared);
                Ok(())
            }
            outcome => Ok(outcome?),
        }
    }

    async fn forget(&self, app: &App, principal: &str) -> Result<u64, StoreError> {
        match app.store().forget_guesses(principal).await {
            Err(StoreError::Unsupported(_)) => Ok(self.memory.forget(principal)),
            outcome => outcome,
        }
    }

    /// Clears every counter of a user: of their account, their devices and their addresses for
    /// mail. Returns how many there were.
    ///
    /// # Errors
    /// When the store fails.
    pub(crate) async fn unlock(
        &self,
        app: &App,
        user: &vestibule_store::User,
    ) -> Result<u64, StoreError> {
        let mut cleared = self.forget(app, &self.account(user.id)).await?;
        for recipient in [&user.email, &user.us_phone_number].into_iter().flatten() {
            let principal = super::send::principal(app, recipient);
            cleared += self.forget(app, &principal).await?;
        }
        Ok(cleared)
    }

    fn warn(&self) {
        if !self.warned.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                "the store does not count guesses: limits hold for each process by itself, and begin again with it"
            );
        }
    }
}

pub(super) fn digest_with(key: &Key, kind: &str, text: &str) -> String {
    // No kind contains a colon.
    let text = format!("{kind}:{text}");
    hex::encode(&derived::mac(&key[..], text.as_bytes()))
}

/// Records that a limit is reached, once per window, if this guess is the last one that it allows.
pub(super) async fn report_if_reached(
    app: &App,
    info: &RequestInfo,
    guess: &ReservedGuess,
    (limit, counted): (&'static str, Counted),
    user_id: Option<UserId>,
) -> Result<(), Fault> {
    if guess.count != guess.slot.allowed {
        return Ok(());
    }
    let event = Event::LimitReached {
        user_id,
        limit,
        counted: counted.name(),
    };
    // A guess that is given back lets another one reach the limit of the same window, on any
    // server. The ledger lets one of them report it.
    let GuessKey {
        principal,
        purpose,
        device,
    } = &guess.slot.key;
    let window = format!(
        "{principal} {purpose} {device} {} {}",
        guess.slot.period.as_secs(),
        guess.ends_at.unix_timestamp_nanos()
    );
    let change = Change {
        consumes: vec![OneTimeSecret {
            purpose: "limit_reached",
            digest: app.guard().digest("window", &window),
            expires_at: guess.ends_at,
        }],
        ..Change::default()
    };
    match app.commit(info, change, &event).await {
        // A store without a ledger.
        Err(StoreError::Unsupported(_)) => app.hooks().emit(&event, info),
        outcome => drop(outcome?),
    }
    Ok(())
}
