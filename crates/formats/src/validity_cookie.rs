//! The cookie `tf_validity`: the user's `fs_uniquifier`, signed with the time of the last sign-in
//! with a second factor that asked to be remembered.

use std::time::Duration;

use crate::purpose::Purpose;
use crate::sign::{KeyRing, TimedSigner, decode_payload, encode_payload};

/// Issues and reads the cookie.
#[derive(Debug, Clone)]
pub struct ValidityCookieCodec(TimedSigner);

impl ValidityCookieCodec {
    /// Creates a codec for these secrets, with the configured `TWO_FACTOR_VALIDITY_SALT` if there is
    /// one.
    #[must_use]
    pub fn new(ring: &KeyRing, salt: Option<&str>) -> Self {
        Self(Purpose::TwoFactorValidity.timed_signer(ring, salt))
    }

    /// Issues the cookie; `now` is in seconds since 1970.
    #[must_use]
    pub fn seal(&self, uniquifier: &str, now: i64) -> String {
        // Strings always serialise.
        let json = serde_json::to_vec(uniquifier).unwrap_or_default();
        self.0.sign(&encode_payload(&json), now)
    }

    /// Whether the cookie is one that we issued for this user, no longer than `max_age` (the
    /// reference's `TWO_FACTOR_LOGIN_VALIDITY`) before `now` (in seconds since 1970).
    #[must_use]
    pub fn is_valid_for(
        &self,
        uniquifier: &str,
        cookie: &str,
        now: i64,
        max_age: Duration,
    ) -> bool {
        self.open(cookie, now, max_age)
            .is_some_and(|seen| !seen.is_empty() && seen == uniquifier)
    }

    /// The `fs_uniquifier` in a cookie that we signed and that is not too old.
    #[must_use]
    pub fn open(&self, cookie: &str, now: i64, max_age: Duration) -> Option<String> {
        let opened = self.0.open(cookie, now, Some(max_age)).ok()?;
        serde_json::from_slice(&decode_payload(opened.payload).ok()?).ok()
    }
}
