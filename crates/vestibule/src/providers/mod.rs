//! The client of social sign-in: OAuth 2.0 (RFC 6749) with PKCE (RFC 7636), and OpenID Connect.
//!
//! This module speaks with providers and checks what they answer. It knows no session and no
//! account: the state, the nonce and the code verifier of a flow are arguments. Everything that a
//! provider sends is untrusted, and no text of a provider appears in an error.

mod authorize;
mod cache;
mod client_auth;
mod error;
mod exchange;
mod flow;
mod id_token;
mod identity;
mod issuer;
mod metadata;
mod oauth2;
mod open_id;
mod profile;
mod signature;
#[cfg(test)]
mod tests;
mod token_answer;
mod transport;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use error::ProviderError;
pub(crate) use flow::{AuthorizationRequest, Callback, Flow};
pub(crate) use identity::ProviderIdentity;

use client_auth::ClientAuth;
use oauth2::OAuth2;
use open_id::{OpenId, Redemption};
use transport::Transport;

use crate::clock::Clock;
use crate::http::fault::Fault;
use crate::outbound::Limits;
use crate::settings::{ProviderProtocol, ProviderSettings};

/// How long redeeming a code may take, with all its requests.
const PATIENCE: Duration = Duration::from_secs(20);

/// All providers of the configuration.
#[derive(Debug)]
pub(crate) struct Providers {
    providers: Vec<Provider>,
}

/// A provider.
#[derive(Debug)]
pub(crate) struct Provider {
    settings: ProviderSettings,
    transport: Transport,
    auth: ClientAuth,
    protocol: Protocol,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
enum Protocol {
    OpenId(Box<OpenId>),
    OAuth2(Box<OAuth2>),
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
        let providers = settings
            .iter()
            .map(|settings| Provider::new(settings, Arc::clone(clock), transport::LIMITS))
            .collect::<Result<_, _>>()?;
        Ok(Self { providers })
    }

    /// The provider with this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Provider> {
        self.providers
            .iter()
            .find(|provider| provider.name() == name)
    }

    /// The names of all providers, in the order of the configuration.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.providers.iter().map(Provider::name)
    }
}

impl Provider {
    fn new(
        settings: &ProviderSettings,
        clock: Arc<dyn Clock>,
        limits: Limits,
    ) -> Result<Self, Fault> {
        let allow_private = settings.allow_private;
        let protocol = match settings.protocol.clone() {
            ProviderProtocol::OpenId {
                issuer,
                issuer_template,
            } => {
                let client = OpenId::new(&issuer, issuer_template.as_deref(), allow_private)?;
                Protocol::OpenId(Box::new(client))
            }
            ProviderProtocol::OAuth2 {
                authorize,
                token,
                userinfo,
                addresses,
            } => Protocol::OAuth2(Box::new(OAuth2 {
                authorize,
                token,
                userinfo,
                addresses,
            })),
        };
        Ok(Self {
            transport: Transport::new(allow_private, limits)?,
            auth: ClientAuth::new(settings)?,
            protocol,
            clock,
            settings: settings.clone(),
        })
    }

    /// The name in the paths of the endpoints.
    pub(crate) fn name(&self) -> &str {
        &self.settings.name
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
        match &self.protocol {
            Protocol::OpenId(client) => {
                let now = self.clock.now().unix_timestamp();
                let allow_private = self.settings.allow_private;
                let metadata = client.metadata(&self.transport, allow_private, now).await?;
                Ok(authorize::url(&metadata.authorize, &self.settings, request))
            }
            Protocol::OAuth2(client) => {
                Ok(authorize::url(&client.authorize, &self.settings, request))
            }
        }
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
        let redemption = Redemption {
            settings: &self.settings,
            transport: &self.transport,
            auth: &self.auth,
            callback,
            flow,
            now,
        };
        let redeemed = async {
            match &self.protocol {
                Protocol::OpenId(client) => client.redeem(&redemption).await,
                Protocol::OAuth2(client) => client.redeem(&redemption).await,
            }
        };
        tokio::time::timeout(PATIENCE, redeemed)
            .await
            .unwrap_or(Err(ProviderError::Unreachable))
    }
}
