//! The device cookie: names the accounts that a browser signed in to before.
//!
//! It lets the owner of an account sign in although a stranger reached the limit of the account. It
//! proves nothing: a thief gets as many guesses as the limit allows, and nothing else.
//!
//! The value is `device-account-account...`, signed with the time, in the format of itsdangerous
//! with a salt of our own. The device is a random number. Each account is a keyed digest of the
//! user's primary key, the newest one first.

use std::time::Duration;

use vestibule_store::UserId;

use super::counters::{Guard, digest_with};
use crate::rng::{self, Random};

/// The name of the cookie.
pub(crate) const COOKIE: &str = "vestibule_device";

/// How long the cookie is valid.
pub(crate) const LIFETIME: Duration = Duration::from_hours(365 * 24);

/// How many accounts a cookie names. A cookie must stay small, and few people share a browser.
const ACCOUNTS: usize = 5;

/// How many characters of an account's digest are in the cookie.
const DIGEST: usize = 32;

/// A verified device cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Device {
    id: String,
    accounts: Vec<String>,
}

impl Guard {
    /// The device of a cookie that we signed; `None` for any other cookie.
    pub(crate) fn open_device(&self, cookie: &str, now: i64) -> Option<Device> {
        let opened = self.devices.open(cookie, now, Some(LIFETIME)).ok()?;
        let mut parts = opened.payload.split('-').map(str::to_owned);
        let id = parts.next().filter(|id| !id.is_empty())?;
        Some(Device {
            id,
            accounts: parts.collect(),
        })
    }

    /// The cookie for a browser that has just signed in to an account.
    pub(crate) fn seal_device(
        &self,
        before: Option<Device>,
        user: UserId,
        random: &dyn Random,
        now: i64,
    ) -> String {
        let mut device = before.unwrap_or_else(|| Device {
            id: rng::hex::<16>(random),
            accounts: Vec::new(),
        });
        device
            .accounts
            .retain(|account| !self.is_account(account, user));
        let newest = self.keys.first().map(|key| account(key, user));
        let accounts = newest.into_iter().chain(device.accounts).take(ACCOUNTS);
        let parts: Vec<String> = std::iter::once(device.id).chain(accounts).collect();
        self.devices.sign(&parts.join("-"), now)
    }

    /// Whether the device signed in to this account before.
    pub(crate) fn knows(&self, device: &Device, user: UserId) -> bool {
        let mut accounts = device.accounts.iter();
        accounts.any(|account| self.is_account(account, user))
    }

    /// The name of the device in the table of counters.
    pub(super) fn device(&self, device: &Device) -> String {
        self.digest("device", &device.id)
    }

    fn is_account(&self, digest: &str, user: UserId) -> bool {
        // The cookie's signature was verified, so the digest is no secret from its sender.
        self.keys.iter().any(|key| account(key, user) == digest)
    }
}

fn account(key: &crate::secrets::derived::Key, user: UserId) -> String {
    let mut digest = digest_with(key, "device account", &user.to_string());
    digest.truncate(DIGEST);
    digest
}
