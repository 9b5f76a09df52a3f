//! The secrets of one-time codes: making them, and reading the ones in the database.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use secrecy::ExposeSecret as _;
use vestibule_formats::totp::{KEY_BYTES, Key, SALT_BYTES, Totp, Wallet};
use zeroize::Zeroizing;

use crate::app::App;
use crate::http::fault::Fault;
use crate::rng::{self, Random};
use crate::settings::TotpSettings;

/// Encrypts and decrypts the secrets of one-time codes.
#[derive(Debug)]
pub(crate) struct CodeSecrets {
    /// `None` if no feature needs codes.
    wallet: Option<Arc<Wallet>>,
    /// A secret that belongs to no user, so that the time does not reveal whether a user has one.
    decoy: String,
    /// How often a secret was encrypted or decrypted, decoys included.
    derivations: Arc<AtomicU64>,
}

/// A new secret.
#[derive(Debug)]
pub(crate) struct NewSecret {
    /// As it is stored: encrypted.
    pub(crate) stored: String,
    /// What codes are made from.
    pub(crate) totp: Totp,
}

impl CodeSecrets {
    /// Reads `SECURITY_TOTP_SECRETS`.
    ///
    /// # Errors
    /// When a tag or a secret is invalid.
    pub(crate) fn new(settings: &TotpSettings, random: &dyn Random) -> Result<Self, Fault> {
        if settings.secrets.is_empty() {
            return Ok(Self {
                wallet: None,
                decoy: String::new(),
                derivations: Arc::default(),
            });
        }
        let secrets = settings.secrets.iter();
        let wallet = Wallet::new(secrets.map(|(tag, secret)| (tag, secret.expose_secret())))
            .map_err(|error| Fault::Internal(format!("SECURITY_TOTP_SECRETS: {error}")))?;
        let NewSecret { stored, .. } = make(&wallet, random)?;
        Ok(Self {
            wallet: Some(Arc::new(wallet)),
            decoy: stored,
            derivations: Arc::default(),
        })
    }

    /// The stored form of a secret that belongs to no user.
    pub(crate) fn decoy(&self) -> &str {
        &self.decoy
    }

    /// How often a secret was encrypted or decrypted, decoys included.
    pub(crate) fn derivations(&self) -> u64 {
        self.derivations.load(Ordering::Relaxed)
    }

    fn wallet(&self) -> Result<Arc<Wallet>, Fault> {
        let wallet = self.wallet.clone();
        wallet.ok_or_else(|| Fault::Internal("SECURITY_TOTP_SECRETS is not set".to_owned()))
    }
}

/// Makes a new secret. Encrypting it takes thousands of rounds of PBKDF2, so it runs on the hashing
/// threads.
///
/// # Errors
/// When the hashing threads are overloaded.
pub(crate) async fn create(app: &App) -> Result<NewSecret, Fault> {
    let wallet = app.code_secrets().wallet()?;
    let random = app.shared_random();
    let derivations = &app.code_secrets().derivations;
    derivations.fetch_add(1, Ordering::Relaxed);
    let work = move || make(&wallet, &*random);
    app.passwords().consider(work).await?
}

/// A stored secret that was read.
#[derive(Debug)]
pub(crate) struct OpenedSecret {
    /// What codes are made from: a secret that belongs to no user if the stored one is unreadable.
    pub(crate) totp: Totp,
    /// Whether the stored secret could be read.
    pub(crate) readable: bool,
}

/// Reads a stored secret. One that cannot be read is logged.
///
/// Whatever is stored, this takes at least as long as decrypting a secret, so that the time does
/// not reveal whether a user has one: see [`CodeSecrets::decoy`].
///
/// # Errors
/// When the hashing threads are overloaded.
pub(crate) async fn open(app: &App, stored: &str) -> Result<OpenedSecret, Fault> {
    let wallet = app.code_secrets().wallet()?;
    let decoy = app.code_secrets().decoy().to_owned();
    let derivations = Arc::clone(&app.code_secrets().derivations);
    let stored = Zeroizing::new(stored.to_owned());
    let work = move || open_or_decoy(&wallet, &stored, &decoy, &derivations);
    app.passwords().consider(work).await?
}

fn open_or_decoy(
    wallet: &Wallet,
    stored: &str,
    decoy: &str,
    derivations: &AtomicU64,
) -> Result<OpenedSecret, Fault> {
    let read = |text: &str| {
        let opened = wallet.open(text);
        if opened.as_ref().is_ok_and(|opened| !opened.was_cheap) {
            derivations.fetch_add(1, Ordering::Relaxed);
        }
        opened
    };
    let opened = match read(stored) {
        Ok(opened) if !opened.was_cheap => {
            return Ok(OpenedSecret {
                totp: opened.totp,
                readable: true,
            });
        }
        Ok(opened) => Some(opened.totp),
        Err(error) => {
            tracing::error!(%error, "a stored secret for one-time codes cannot be read");
            None
        }
    };
    let decoy = read(decoy)
        .map_err(|error| Fault::Internal(format!("the decoy secret cannot be read: {error}")))?;
    Ok(OpenedSecret {
        readable: opened.is_some(),
        totp: opened.unwrap_or(decoy.totp),
    })
}

fn make(wallet: &Wallet, random: &dyn Random) -> Result<NewSecret, Fault> {
    let key = Key::new(&rng::bytes::<KEY_BYTES>(random));
    let key = key.ok_or_else(|| Fault::Internal("a new key has no bytes".to_owned()))?;
    let totp = Totp::new(key);
    let salt = rng::bytes::<SALT_BYTES>(random);
    Ok(NewSecret {
        stored: wallet.seal(&totp, &salt),
        totp,
    })
}
