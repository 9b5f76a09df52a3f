//! The names in the session that belong to signing in, ours and the reference's. Other names belong
//! to the application and are left alone.

use super::context::SessionContext;

/// The user's `fs_uniquifier`.
pub(crate) const USER_ID: &str = "_user_id";
/// Whether the session began with a proof of identity, not with a remember cookie.
pub(crate) const FRESH: &str = "_fresh";
/// The digest of address and user agent that session protection compares.
pub(crate) const IDENTIFIER: &str = "_id";
/// What to do about the CSRF cookie: set, sent, clear.
pub(crate) const CSRF_COOKIE: &str = "fs_cc";
/// What to do about the remember cookie at the next answer: clear.
pub(crate) const REMEMBER_COOKIE: &str = "_remember";
/// When the user last proved who they are, in seconds since 1970.
pub(crate) const AUTHENTICATED_AT: &str = "fs_paa";
/// Until when freshness is not asked for again.
pub(crate) const GRACE_UNTIL: &str = "fs_gexp";
/// That moment once more, and how old a proof the door allows at which it was earned, in
/// seconds: `1800003600/60`. Ours.
pub(crate) const GRACE_WITHIN: &str = "vestibule_gexp_within";
/// Until when which question of `/authz` is answered without asking for freshness again:
/// `1800003600/60/3600`, the last two being its `within` and `grace`. Ours.
pub(crate) const GRACE_ASKED: &str = "vestibule_gexp_asked";

/// Takes out of the session whatever belongs to a sign-in, finished or not. The CSRF token and what is
/// known of its cookie stay.
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

/// Takes out what an unfinished second factor left behind.
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
