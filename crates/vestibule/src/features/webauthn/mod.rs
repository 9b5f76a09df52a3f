//! Passkeys (Web Authentication Level 3): as the first factor, as the second, and as another proof
//! of identity.
//!
//! Routes    `GET/POST /wan-register`, `POST /wan-register/{token}`, `GET/POST /wan-signin`,
//!           `POST /wan-signin/{token}`, `GET/POST /wan-verify`, `POST /wan-verify/{token}`,
//!           `GET/POST /wan-delete`
//! Settings  `WEBAUTHN`, `WAN_*`, `FRESHNESS`, `FRESHNESS_GRACE_PERIOD`, `API_ENABLED_METHODS`
//! Messages  `WEBAUTHN_*`, `API_ERROR`, `INVALID_INPUT`, `INVALID_INPUT_LENGTH`
//! Mails     `factor_added_notice`, `factor_removed_notice`
//! Hooks     `PasskeyAdded`, `PasskeyRemoved`, `SignedIn`, `SignInFailed`, `Verified`
//! Never     accepts a challenge twice, the response to one ceremony in another, a second factor of
//!           another user than the one who showed the first, or a passkey of another user as the
//!           caller's proof of identity

mod assertion;
mod ceremony;
mod delete;
mod document;
mod options;
mod register;
mod sign_in;
mod verify;
mod wire;

use crate::openapi::Endpoint;
use crate::settings::{Settings, endpoints};

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let webauthn = &settings.webauthn;
    if !webauthn.enabled {
        return Vec::new();
    }
    let response = |path: &str| Endpoint::at(&endpoints::under(path, "{token}"));
    let mut all = vec![
        Endpoint::at(&webauthn.register_url)
            .get(register::get, document::registered)
            .post(register::post, document::register),
        response(&webauthn.register_url).post(register::respond, document::register_response),
        Endpoint::at(&webauthn.signin_url)
            .get(sign_in::get, document::sign_in_state)
            .post(sign_in::post, document::sign_in),
        response(&webauthn.signin_url).post(sign_in::respond, document::sign_in_response),
        Endpoint::at(&webauthn.delete_url)
            .get(delete::get, document::delete_state)
            .post(delete::post, document::delete),
    ];
    // Without a freshness limit, no endpoint requires another proof of identity.
    if settings.verifies_passkeys() {
        all.push(
            Endpoint::at(&webauthn.verify_url)
                .get(verify::get, document::verify_state)
                .post(verify::post, document::verify),
        );
        all.push(response(&webauthn.verify_url).post(verify::respond, document::verify_response));
    }
    all
}
