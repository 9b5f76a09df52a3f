//! The outbox: deliveries that are stored with the change they announce, and sent later.
//!
//! A delivery is written in the same transaction as its change ([`Change`](vestibule_store::Change)),
//! so that neither exists without the other. A worker (`worker`) sends it. The database holds it
//! encrypted (`payload`), because deliveries contain secrets.

mod error;
mod payload;
pub(crate) mod worker;

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

use crate::rng::Random;
use crate::secrets::sealed::Sealer;
use crate::settings::SecretSettings;

pub use error::DeliveryError;
pub(crate) use payload::{MailPayload, Payload, SmsPayload};

/// Encrypts deliveries, and wakes the worker that sends them.
#[derive(Debug)]
pub(crate) struct Outbox {
    sealer: Sealer,
    /// Wakes the worker.
    notify: Notify,
    /// How many workers are running.
    workers: AtomicUsize,
    /// Whether the warning that no worker is running was logged.
    complained: AtomicBool,
}

/// Counts a running worker until it is dropped.
struct Working<'a>(&'a Outbox);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.workers.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Outbox {
    pub(crate) fn new(secrets: &SecretSettings) -> Self {
        Self {
            sealer: Sealer::new(secrets, "vestibule outbox"),
            notify: Notify::new(),
            workers: AtomicUsize::new(0),
            complained: AtomicBool::new(false),
        }
    }

    /// Tells the worker that a delivery was stored.
    pub(crate) fn wake(&self) {
        if self.workers.load(Ordering::Relaxed) == 0
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "a mail or an SMS is queued, but no worker sends it: spawn Vestibule::background()"
            );
        }
        self.notify.notify_one();
    }

    /// Encrypts a delivery for the database.
    pub(crate) fn seal(&self, payload: &Payload, random: &dyn Random) -> Option<String> {
        let json = serde_json::to_vec(payload).ok()?;
        self.sealer.seal(&json, random)
    }

    /// Decrypts a delivery. `None` if its key is not configured.
    fn open(&self, sealed: &str) -> Option<Payload> {
        Payload::read(&self.sealer.open(sealed)?)
    }

    fn begin_work(&self) -> Working<'_> {
        self.workers.fetch_add(1, Ordering::Relaxed);
        Working(self)
    }
}
