//! Unified sign-in: one endpoint for any identity, with a password or a one-time code.
//!
//! Routes    `GET/POST /us-signin`, `POST /us-signin/send-code`, `GET /us-verify-link` (and `POST`
//!           if the app posts the code), `GET/POST /us-verify`, `POST /us-verify/send-code`,
//!           `GET/POST /us-setup`, `POST /us-setup/{token}`; `GET/POST /login` on request
//! Settings  `UNIFIED_SIGNIN`, `US_ENABLED_METHODS`, `US_MFA_REQUIRED`, `US_SIGNIN_REPLACES_LOGIN`,
//!           `US_TOKEN_VALIDITY`, `US_SETUP_WITHIN`, `US_SETUP_SALT`, `US_EMAIL_*`, `US_*_URL`,
//!           `RETURN_GENERIC_RESPONSES`, `LINKS_CONSUMED_BY`, `LOGIN_ERROR_VIEW`,
//!           `POST_LOGIN_VIEW`, `TOTP_SECRETS`, `TOTP_ISSUER`
//! Messages  `US_SPECIFY_IDENTITY`, `INVALID_PASSWORD_CODE`, `US_METHOD_NOT_AVAILABLE`,
//!           `INVALID_CODE`, `PHONE_INVALID`, `IDENTITY_ALREADY_ASSOCIATED`, `US_SETUP_EXPIRED`, ...
//! Mails     `us_instructions`, `factor_added_notice`, `factor_removed_notice`
//! Hooks     `CodeSent`, `SignInMethodAdded`, `SignInMethodRemoved`, `SignedIn`, `Verified`,
//!           `SignInFailed`
//! Limits    `SECURITY_LIMIT_PASSWORD`, `SECURITY_LIMIT_CODE`, `SECURITY_LIMIT_ADDRESS`,
//!           `SECURITY_LIMIT_SEND`
//! Never     reveals by its response time whether the user exists or what they have set up, accepts
//!           a code twice, or stores a method before its first code proved that it works

mod document;
mod link;
mod send_code;
mod setup;
mod sign_in;
mod verify;
mod wire;

use crate::openapi::Endpoint;
use crate::settings::{ConsumedBy, Settings, endpoints};

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let unified = &settings.unified;
    if !unified.enabled {
        return Vec::new();
    }
    let mut link =
        Endpoint::at(&unified.verify_link_url).get(link::follow_link, document::from_link);
    if settings.accounts.links_consumed_by == ConsumedBy::Post {
        link = link.post(link::follow_link, document::redeem);
    }
    let mut endpoints = vec![
        Endpoint::at(&unified.signin_url)
            .get(sign_in::get, document::state)
            .post(sign_in::post, document::sign_in),
        Endpoint::at(&unified.send_code_url).post(send_code::post, document::send_code),
        link,
        Endpoint::at(&unified.setup_url)
            .get(setup::get, document::setup_state)
            .post(setup::post, document::setup),
        Endpoint::at(&endpoints::under(&unified.setup_url, "{token}"))
            .post(setup::confirm, document::setup_confirm),
    ];
    if settings.serves_unified_login() {
        let login = Endpoint::at(&settings.login.login_url)
            .get(sign_in::get, document::login_state)
            .post(sign_in::post, document::login);
        endpoints.push(login);
    }
    // Without a freshness limit, no endpoint requires another proof of identity.
    if settings.freshness.within.is_some() {
        endpoints.extend([
            Endpoint::at(&unified.verify_url)
                .get(verify::get, document::verify_state)
                .post(verify::post, document::verify),
            Endpoint::at(&unified.verify_send_code_url)
                .post(send_code::post_verify, document::verify_send_code),
        ]);
    }
    endpoints
}
