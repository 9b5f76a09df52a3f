//! The one decision on how much a proof of identity is worth, for every door.

use vestibule_store::User;

use crate::settings::Settings;

/// Whether this user has to show more than a password.
///
/// Second factors are not served yet: whoever needs one is not let in by the password
/// alone, however they came by the need.
#[must_use]
pub(crate) fn second_factor_due(user: &User, settings: &Settings) -> bool {
    let two_factor = &settings.two_factor;
    let by_code = two_factor.enabled && (two_factor.required || user.tf_primary_method.is_some());
    let webauthn = &settings.webauthn;
    let by_key = webauthn.enabled
        && webauthn.allow_as_multi_factor
        && user.fs_webauthn_user_handle.is_some();
    by_code || by_key
}
