//! What every ceremony shares: the relying party, the challenge, and the state that the client sends
//! back with the authenticator's response.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vestibule_formats::ceremony_state::{
    Ceremony, CeremonyState, CeremonyStateError, Registration,
};
use vestibule_formats::hex;
use vestibule_formats::webauthn::Expected;
use vestibule_store::{OneTimeSecret, User};

use crate::app::App;
use crate::http::reject::{FieldErrors, Rejection};
use crate::http::request_info::RequestInfo;
use crate::links;
use crate::messages::Message;
use crate::secrets::derived;
use crate::settings::{UserVerification, hosts};

/// The purpose of used challenges in the ledger.
const PURPOSE: &str = "webauthn_challenge";

/// How long a used challenge is remembered after it has expired, since the clocks of several
/// servers may differ.
const MARGIN: Duration = Duration::from_secs(86_400);

/// The relying party, as one request sees it.
pub(super) struct RelyingParty {
    /// The relying party ID: a domain.
    pub(super) id: String,
    /// The origins whose pages may use the passkeys.
    origins: Vec<String>,
}

impl RelyingParty {
    pub(super) fn of(app: &App, info: &RequestInfo) -> Self {
        let settings = app.settings();
        let mut origins = settings.webauthn.origins.clone();
        origins.extend(settings.http.public_origin.clone());
        origins.extend(at_host(info.host(), info.secure()));
        if let Some(host) = &settings.redirect.redirect_host {
            origins.extend(at_host(host, info.secure()));
        }
        let id = settings.webauthn.rp_id.clone();
        Self {
            id: id.unwrap_or_else(|| links::public_host(app, info)),
            origins,
        }
    }

    /// Calls `verify` with what a response has to match.
    pub(super) fn verify<T>(
        &self,
        state: &CeremonyState,
        verify: impl FnOnce(&Expected<'_>) -> T,
    ) -> T {
        let origins: Vec<&str> = self.origins.iter().map(String::as_str).collect();
        verify(&Expected {
            challenge: state.challenge.as_bytes(),
            rp_id: &self.id,
            origins: &origins,
            require_user_verification: state.user_verification,
        })
    }
}

/// The origins of a host. If TLS ends at a proxy that does not forward the scheme, the request
/// looks like plain HTTP, so an HTTPS page of the same host counts as well.
fn at_host(host: &str, secure: bool) -> Vec<String> {
    let host = host.to_ascii_lowercase();
    let schemes: &[(&str, &str)] = if secure {
        &[("https", "443")]
    } else {
        &[("https", "443"), ("http", "80")]
    };
    schemes
        .iter()
        .map(|(scheme, default)| match hosts::split(&host) {
            Some((name, Some(port))) if port == *default => format!("{scheme}://{name}"),
            _ => format!("{scheme}://{host}"),
        })
        .collect()
}

/// A ceremony that has begun.
pub(super) struct Begun {
    /// The challenge, as the text whose bytes the authenticator signs.
    pub(super) challenge: String,
    /// The token that the client sends back with the response.
    pub(super) token: String,
}

/// Begins a ceremony.
pub(super) fn begin(
    app: &App,
    ceremony: Ceremony,
    user: Option<&User>,
    registration: Option<Registration>,
    verification: UserVerification,
) -> Begun {
    let mut random = vec![0; app.settings().webauthn.challenge_bytes];
    app.random().fill(&mut random);
    let challenge = URL_SAFE_NO_PAD.encode(random);
    let state = CeremonyState {
        challenge: challenge.clone(),
        user_verification: verification == UserVerification::Required,
        registration,
        ceremony: Some(ceremony),
        user: user.map(|user| user.fs_uniquifier.clone()),
    };
    let token = app.ceremony_codec().seal(&state, app.unix_now());
    Begun { challenge, token }
}

/// Reads the token of a ceremony that was begun for this user.
///
/// # Errors
/// 400 if the token is invalid, or has expired.
pub(super) fn open(
    app: &App,
    info: &RequestInfo,
    token: &str,
    ceremony: Ceremony,
    user: Option<&User>,
) -> Result<CeremonyState, Rejection> {
    let within = within(app, ceremony);
    let uniquifier = user.map(|user| user.fs_uniquifier.as_str());
    let refuse = |message| Rejection::fields(FieldErrors::one("", message));
    match app.ceremony_codec().open(token, app.unix_now(), within) {
        Ok(state) if state.is_for(ceremony, uniquifier) => Ok(state),
        Ok(_) | Err(CeremonyStateError::Invalid) => Err(refuse(Message::ApiError.into())),
        Err(CeremonyStateError::Expired) => {
            let within = app.period(info, within);
            Err(refuse(Message::WebauthnExpired.with("within", within)))
        }
    }
}

/// How long the client has for a ceremony.
fn within(app: &App, ceremony: Ceremony) -> Duration {
    let settings = &app.settings().webauthn;
    if ceremony == Ceremony::Register {
        settings.register.within
    } else {
        settings.signin_within
    }
}

/// The entry in the ledger that consumes a challenge.
pub(super) fn consume(app: &App, ceremony: Ceremony, state: &CeremonyState) -> OneTimeSecret {
    OneTimeSecret {
        purpose: PURPOSE,
        digest: hex::encode(&derived::mac(
            PURPOSE.as_bytes(),
            state.challenge.as_bytes(),
        )),
        expires_at: app.clock().now() + within(app, ceremony) + MARGIN,
    }
}
