//! Recovery codes: making them, and finding the one that a user typed.

use secrecy::ExposeSecret;
use vestibule_formats::fernet::FernetRing;
use vestibule_formats::recovery_codes::{self, CODE_BYTES, RecoveryCodes};
use vestibule_store::{FactorColumn, OnlyIf, User, UserPatch};
use zeroize::Zeroizing;

use crate::app::App;
use crate::http::fault::Fault;
use crate::rng;
use crate::settings::RecoveryCodeSettings;

/// Reads `SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS`; `None` if there are none.
///
/// # Errors
/// When a key is invalid.
pub(crate) fn keys(settings: &RecoveryCodeSettings) -> Result<Option<FernetRing>, Fault> {
    if settings.keys.is_empty() {
        return Ok(None);
    }
    let keys = settings.keys.iter().map(ExposeSecret::expose_secret);
    FernetRing::new(keys).map(Some).map_err(|error| {
        Fault::Internal(format!(
            "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS: {error}"
        ))
    })
}

/// New recovery codes, in clear and as they are stored.
pub(crate) fn create(app: &App) -> (Vec<Zeroizing<String>>, String) {
    let random = app.random();
    let codes: Vec<_> = (0..app.settings().recovery_codes.count)
        .map(|_| recovery_codes::code(rng::bytes::<CODE_BYTES>(random)))
        .collect();
    let texts = codes.iter().map(|code| code.as_str());
    let stored = recovery_codes::seal(
        texts,
        app.recovery_keys(),
        || rng::bytes(random),
        app.unix_now(),
    );
    (codes, stored.to_string())
}

/// The recovery codes of a user that are still valid.
pub(crate) fn of(app: &App, user: &User) -> RecoveryCodes {
    let ttl = app.settings().recovery_codes.ttl;
    RecoveryCodes::open(
        user.mf_recovery_codes.as_deref(),
        app.recovery_keys(),
        ttl.map(|ttl| ttl.as_secs()),
        app.unix_now(),
    )
}

/// Whether a user can sign in with a recovery code.
pub(crate) fn has_any(app: &App, user: &User) -> bool {
    app.settings().recovery_codes.enabled && !of(app, user).is_empty()
}

/// The patch that consumes the code that a user typed, and how many codes are left; `None` if the
/// user has no such code. The patch takes effect only if no code was used meanwhile.
pub(crate) fn consume(app: &App, user: &User, typed: &str) -> Option<(UserPatch, usize)> {
    let mut codes = of(app, user);
    let found = codes.find(typed)?;
    codes.remove(found);
    let left = codes.codes().count();
    let column = codes.to_column();
    let patch = UserPatch {
        only_if: OnlyIf::default().with(FactorColumn::RecoveryCodes, user),
        mf_recovery_codes: Some(Some(column.to_string())),
        ..UserPatch::default()
    };
    Some((patch, left))
}
