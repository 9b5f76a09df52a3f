//! The session keys that belong to signing in, ours and the reference's. All other keys belong to
//! the application and are never touched.

use super::context::SessionContext;

/// The user's `fs_uniquifier`.
pub(crate) const USER_ID: &str = "_user_id";
/// Whether the session began with a proof of identity rather than a remember cookie.
pub(crate) const FRESH: &str = "_fresh";
/// The digest of address and user agent that session protection compares.
pub(crate) const IDENTIFIER: &str = "_id";
/// The pending order for the CSRF cookie: `set`, `sent` or `clear`.
pub(crate) const CSRF_COOKIE: &str = "fs_cc";
/// The pending order for the remember cookie in the next reply: `clear`.
pub(crate) const REMEMBER_COOKIE: &str = "_remember";
/// When the user last proved their identity, in seconds since 1970.
pub(crate) const AUTHENTICATED_AT: &str = "fs_paa";
/// The end of the grace period, in seconds since 1970.
pub(crate) const GRACE_UNTIL: &str = "fs_gexp";
/// The end of the grace period, and the freshness limit in seconds of the policy that granted it:
/// `1800003600/60`. The reference has no such key.
pub(crate) const GRACE_WITHIN: &str = "vestibule_gexp_within";
/// The grace period that a query of `/authz` earned: its end, and the `within` and `grace` of that
/// query in seconds: `1800003600/60/3600`. The reference has no such key.
pub(crate) const GRACE_ASKED: &str = "vestibule_gexp_asked";

/// The flows at social providers that this browser has begun, encrypted. The reference keeps its own
/// flows elsewhere.
pub(crate) const OAUTH_FLOWS: &str = "vestibule_oauth";

/// Removes everything that belongs to a sign-in, complete or not, from the session. The CSRF token
/// and the state of its cookie stay.
pub(super) fn clear(session: &mut SessionContext) {
    let data = session.data_mut();
    for key in [
        USER_ID,
        FRESH,
        IDENTIFIER,
        AUTHENTICATED_AT,
        GRACE_UNTIL,
        GRACE_WITHIN,
        GRACE_ASKED,
        "fs_oauth_next",
        "identity.name",
        "identity.auth_type",
    ] {
        data.remove(key);
    }
    abandon(session);
}

/// The state of a sign-in that awaits its second factor, or of a factor that is being set up:
/// `ready`, `setup_from_login` or `validating_profile`.
pub(super) const PENDING_STATE: &str = "tf_state";
/// The `fs_uniquifier` of the user who has shown the first factor.
pub(super) const PENDING_USER: &str = "tf_user_id";
/// Whether the sign-in sets a remember cookie once it is complete.
pub(super) const PENDING_REMEMBER: &str = "tf_remember_login";
/// The method that is being set up.
pub(super) const PENDING_METHOD: &str = "tf_primary_method";
/// The secret of the method that is being set up, encrypted.
pub(super) const PENDING_SECRET: &str = "tf_totp_secret";
/// Whether the user has to choose between several second factors.
pub(super) const PENDING_SELECT: &str = "tf_select";
/// The phone number that is being set up. The reference stores it in the user's row instead.
pub(super) const PENDING_PHONE: &str = "vestibule_tf_phone";
/// The name of the first factor. The reference has no such key.
pub(super) const PENDING_PROOF: &str = "vestibule_tf_via";
/// When the first factor was shown, in seconds since 1970. The reference has no such key.
pub(super) const PENDING_SINCE: &str = "vestibule_tf_at";

/// Removes the state of a sign-in that awaits its second factor.
pub(crate) fn abandon(session: &mut SessionContext) {
    for key in [
        PENDING_STATE,
        PENDING_USER,
        PENDING_METHOD,
        PENDING_REMEMBER,
        PENDING_SECRET,
        PENDING_SELECT,
        PENDING_PHONE,
        PENDING_PROOF,
        PENDING_SINCE,
    ] {
        session.data_mut().remove(key);
    }
}
