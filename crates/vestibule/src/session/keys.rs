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

/// Removes the state of a sign-in that awaits its second factor.
pub(crate) fn abandon(session: &mut SessionContext) {
    for key in [
        "tf_state",
        "tf_user_id",
        "tf_primary_method",
        "tf_remember_login",
        "tf_totp_secret",
        "tf_select",
    ] {
        session.data_mut().remove(key);
    }
}
