//! The client of a plain OAuth 2.0 provider, which vouches for the user by the profile that it
//! gives to the holder of an access token.

use secrecy::ExposeSecret as _;

use super::error::{ProtocolFault, ProviderError};
use super::exchange::TokenEndpoint;
use super::identity::ProviderIdentity;
use super::open_id::Redemption;
use super::profile;
use crate::settings::{HttpOrigin, ProviderEndpoint, TokenAuth};

/// The endpoints of a plain OAuth 2.0 provider.
#[derive(Debug)]
pub(super) struct OAuth2 {
    pub(super) authorize: ProviderEndpoint,
    pub(super) token: ProviderEndpoint,
    pub(super) userinfo: ProviderEndpoint,
    pub(super) addresses: Option<ProviderEndpoint>,
}

impl OAuth2 {
    /// The identity that the callback's code stands for.
    pub(super) async fn redeem(
        &self,
        redemption: &Redemption<'_>,
    ) -> Result<ProviderIdentity, ProviderError> {
        let settings = redemption.settings;
        if !redemption.callback.iss.is_none_or(|iss| self.is_own(iss)) {
            return Err(ProtocolFault::IssuerParameter.into());
        }
        let tokens = TokenEndpoint {
            transport: redemption.transport,
            endpoint: &self.token,
            client_id: &settings.client_id,
            auth: redemption.auth,
            how: settings.token_auth.unwrap_or(TokenAuth::Basic),
        }
        .redeem(redemption.callback.code, redemption.flow, redemption.now)
        .await?;
        let access_token = tokens.access_token.expose_secret();
        let transport = redemption.transport;
        let mut profile = transport.profile(&self.userinfo, access_token).await?;
        if let Some(endpoint) = &self.addresses {
            match transport.json_for(endpoint, access_token).await {
                Ok(addresses) => {
                    profile::add_address(&mut profile, &addresses, &settings.claims.verified);
                }
                // The scope does not include the addresses.
                Err(ProviderError::Protocol(ProtocolFault::Status)) => {
                    profile.remove(&settings.claims.verified);
                }
                Err(error) => return Err(error),
            }
        }
        let issuer = self.authorize.origin.to_string();
        Ok(profile::identity(settings, issuer, &profile)?)
    }

    /// Whether the parameter `iss` (RFC 9207) names this server. Its exact value is not configured,
    /// so the origin decides.
    fn is_own(&self, iss: &str) -> bool {
        let own = self.authorize.origin.to_string();
        HttpOrigin::parse_url(iss).is_some_and(|(origin, _)| origin.to_string() == own)
    }
}
