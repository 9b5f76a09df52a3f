//! The second factor: a one-time code after the password or another first factor, and the choice
//! between a code and a passkey.
//!
//! Routes    `GET/POST /tf-setup`, `POST /tf-setup/{token}`, `GET/POST /tf-validate`,
//!           `GET/POST /tf-rescue`, `GET/POST /tf-select`
//! Settings  `TWO_FACTOR`, `TWO_FACTOR_REQUIRED`, `TWO_FACTOR_ENABLED_METHODS`,
//!           `TWO_FACTOR_ALWAYS_VALIDATE`, `TWO_FACTOR_LOGIN_VALIDITY`,
//!           `TWO_FACTOR_SAME_CHANNEL`, `TWO_FACTOR_*_VALIDITY`, `TWO_FACTOR_RESCUE_*`,
//!           `TWO_FACTOR_*_URL`, `TOTP_SECRETS`, `TOTP_ISSUER`
//! Messages  `TWO_FACTOR_INVALID_TOKEN`, `TWO_FACTOR_METHOD_NOT_AVAILABLE`,
//!           `TWO_FACTOR_PERMISSION_DENIED`, `TWO_FACTOR_SETUP_EXPIRED`, `PHONE_INVALID`, ...
//! Mails     `two_factor_instructions`, `two_factor_rescue`, `factor_added_notice`,
//!           `factor_removed_notice`
//! Hooks     `SecondFactorCodeSent`, `SecondFactorChanged`, `SecondFactorDisabled`,
//!           `SecondFactorHelpRequested`, `SignedIn`, `SignInFailed`
//! Never     signs in without the first factor, stores a factor before its first code proved that
//!           it works, replaces a factor that the user has set up without asking for it, or accepts
//!           a code twice

mod document;
mod rescue;
mod select;
mod setup;
mod validate;
mod wire;

use http::StatusCode;

use crate::http::reject::{FieldErrors, Rejection};
use crate::messages::Message;
use crate::openapi::Endpoint;
use crate::settings::{Settings, endpoints};

/// The endpoints of this feature.
pub(crate) fn endpoints(settings: &Settings) -> Vec<Endpoint> {
    let two_factor = &settings.two_factor;
    if !two_factor.enabled {
        return Vec::new();
    }
    let setup = &two_factor.setup_url;
    vec![
        Endpoint::at(setup)
            .get(setup::get, document::setup_state)
            .post(setup::post, document::setup),
        Endpoint::at(&endpoints::under(setup, "{token}"))
            .post(setup::confirm, document::setup_confirm),
        Endpoint::at(&two_factor.validate_url)
            .get(validate::get, document::validate_state)
            .post(validate::post, document::validate),
        Endpoint::at(&two_factor.rescue_url)
            .get(rescue::get, document::rescue_state)
            .post(rescue::post, document::rescue),
        Endpoint::at(&two_factor.select_url)
            .get(select::get, document::select_state)
            .post(select::post, document::select),
    ]
}

/// The rejection of a request that no step of a sign-in or of a set-up precedes.
fn out_of_order() -> Rejection {
    let message = Message::TwoFactorPermissionDenied;
    Rejection::fields(FieldErrors::one("", message)).with_status(StatusCode::BAD_REQUEST)
}
